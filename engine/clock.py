"""The clock: when a document was published, when it could be known, and the first bar at which it can be acted on."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.calendars import calendar
from engine.faults import Fault

Precision = Literal["instant", "day", "inferred"]

_UNITS = {"s": "seconds", "min": "minutes", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = dt.timedelta(days=36_500)
_TICK = dt.timedelta(microseconds=1)
_LOOK_BACK = np.timedelta64(30, "D")  # longer than any pause between two sessions of one exchange


@dataclass(frozen=True)
class Publication:
    """When a document was published.

    Attributes
    ----------
    at
        The instant, in UTC; for a day without a time, the last microsecond of the day in its own time zone.
    precision
        "instant", "day" or "inferred".
    reason
        Why this time is believed, where it was inferred; otherwise "".
    """

    at: dt.datetime
    precision: Precision
    reason: str = ""


class Bars(Protocol):
    """What the alignment needs of a market."""

    @property
    def assets(self) -> tuple[str, ...]:
        """Symbols, sorted."""

    @property
    def opens(self) -> NDArray[np.int64]:
        """The open of each bar: shape (T,), microseconds since 1970 UTC."""

    @property
    def sessions(self) -> NDArray[np.datetime64]:
        """The session of each bar: shape (T,), datetime64[D]."""

    @property
    def calendar(self) -> str:
        """The code of the exchange's calendar."""

    @property
    def interval(self) -> str:
        """The length of a bar, such as "1d" or "5m"."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where each event of a table falls among the bars of a market, in the order of that table.

    Attributes
    ----------
    event_id
        polars String, length N: which event each place belongs to.
    bar
        int32, shape (N,): the first bar whose open is strictly later than `known_at`; -1 where there is none.
    session
        datetime64[D], shape (N,): the session of that bar; NaT where there is none.
    open
        datetime64[us] in UTC, shape (N,): the instant at which that bar opens; NaT where there is none.
    unplaced
        polars, one row for each event that cannot be acted on: event_id, known_at, assets, reason. The reason is
        "before the first bar", "after the last bar" (both: bar -1) or "no asset in the market" (the bar stands, for a
        strategy may trade a basket of its own).
    """

    event_id: pl.Series
    bar: NDArray[np.int32]
    session: NDArray[np.datetime64]
    open: NDArray[np.datetime64]
    unplaced: pl.DataFrame


def parse_delay(delay: dt.timedelta | str) -> dt.timedelta:
    """Turn a delay such as "30s", "15m", "2h", "1d" (24 hours) into a timedelta; a timedelta stays what it is.

    Raises
    ------
    Fault
        When it is neither, negative, or longer than 36,500 days.

    Examples
    --------
    >>> parse_delay("15m")
    datetime.timedelta(seconds=900)
    """
    remedy = "give a timedelta, or a number and a unit such as '30s', '15m', '2h', '1d'"
    if isinstance(delay, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)", delay.strip().lower())
        if match is None:
            raise Fault(f"delay={delay!r} is not a length of time; {remedy}.")
        seconds = dt.timedelta(**{_UNITS[match[2]]: 1}).total_seconds() * float(match[1])
        delay = dt.timedelta(seconds=min(seconds, _LONGEST.total_seconds() + 1))
    if not isinstance(delay, dt.timedelta):
        raise Fault(f"delay={delay!r} is not a length of time; {remedy}.")
    if delay < dt.timedelta(0):
        raise Fault(f"delay={delay!s} is negative, but nothing is known before it is published; {remedy}.")
    if delay > _LONGEST:
        raise Fault(
            f"delay must be at most {_LONGEST.days:,} days, for what is known later is known to nobody; {remedy}."
        )
    return delay


def publication(
    stated: dt.datetime | dt.date | None,
    timezone: str | None = None,
    *,
    reason: str = "",
    source: str = "document",
) -> Publication:
    """Say when a document was published, by what it or its sidecar states.

    A day without a time counts as published at its end in its own time zone: nobody could know the text before it was
    out, and it may have come out as late as that. For the same cause, a local time that a clock shows twice when
    summer time ends counts as the later one.

    Parameters
    ----------
    stated
        An instant with a zone; a local time or a day (both need `timezone`); or None where nothing is stated.
    timezone
        IANA name of the document's own time zone.
    reason
        Why the time is believed, where it does not stand in the document; the precision is then "inferred".
    source
        What to call the document in a message.

    Raises
    ------
    Fault
        When nothing is stated, or a zone is missing or unknown.

    Examples
    --------
    >>> publication(dt.date(2025, 11, 7), "Asia/Shanghai").at.isoformat()
    '2025-11-07T15:59:59.999999+00:00'
    """
    if stated is None:
        raise Fault(f"{source}: it states no publication time; supply a date, with the reason for it, in a sidecar.")
    if isinstance(stated, dt.datetime) and stated.tzinfo is not None:
        return Publication(stated.astimezone(dt.UTC), "inferred" if reason else "instant", reason)
    if timezone is None:
        raise Fault(
            f"{source}: the publication time {stated.isoformat()} has no time zone; "
            "give the document's own, such as 'Asia/Shanghai'."
        )
    zone = _zone(timezone, source)
    if isinstance(stated, dt.datetime):
        return Publication(_latest(stated, zone), "inferred" if reason else "instant", reason)
    midnight = dt.datetime.combine(stated + dt.timedelta(days=1), dt.time(), zone)
    return Publication(midnight.astimezone(dt.UTC) - _TICK, "inferred" if reason else "day", reason)


def first_bar(known_at: NDArray[np.int64], opens: NDArray[np.int64]) -> NDArray[np.int32]:
    """Find the first bar that opens strictly later than each instant.

    Parameters
    ----------
    known_at
        Microseconds since 1970 UTC, shape (N,).
    opens
        The opens of the bars, ascending, in the same unit, shape (T,).

    Returns
    -------
    numpy.ndarray
        int32, shape (N,): index of the bar; -1 where no bar opens later.
    """
    index = np.searchsorted(opens, known_at, side="right")
    return np.where(index < len(opens), index, -1).astype(np.int32)


def align(frame: pl.DataFrame, market: Bars) -> Alignment:
    """Find for each event the first bar at which it can be acted on.

    An event is never shifted into the span of the market: where its own first bar, on the exchange's calendar, lies
    before the market's first bar, it is stale by then and stays without a bar.

    Parameters
    ----------
    frame
        Events, with `event_id`, `known_at` and `assets`, in any order.
    market
        Bars of one calendar and one interval.
    """
    known = frame["known_at"].to_physical().to_numpy()
    bar = first_bar(known, market.opens)
    early = known < _open_before(market)
    bar[early] = -1
    placed = bar >= 0
    traded = pl.element().is_in(list(market.assets))
    strange = ~frame["assets"].list.eval(traded).list.any().to_numpy()
    reasons = [(early, "before the first bar"), (~placed, "after the last bar"), (strange, "no asset in the market")]
    reason = np.select([mask for mask, _ in reasons], [text for _, text in reasons], default="")
    unplaced = frame.select("event_id", "known_at", "assets").with_columns(pl.Series("reason", reason, pl.String))
    return Alignment(
        event_id=frame["event_id"],
        bar=bar,
        session=np.where(placed, market.sessions[bar], np.datetime64("NaT", "D")),
        open=np.where(placed, market.opens[bar].astype("datetime64[us]"), np.datetime64("NaT", "us")),
        unplaced=unplaced.filter(pl.col("reason") != ""),
    )


def _open_before(market: Bars) -> np.int64:
    """Give the open of the exchange's last regular bar before the market's first one."""
    exchange, first = calendar(market.calendar), market.sessions[0]
    since = max(first - _LOOK_BACK, exchange.sessions[0])
    opens, sessions = exchange.bars(since, first, market.interval)
    if market.interval == "1d" and market.calendar == "24/7":
        opens = opens + (market.opens[0] - opens[sessions == first][0])  # the market's days may begin at its own hour
    earlier = opens[opens < market.opens[0]]
    return np.int64(earlier[-1] if len(earlier) else np.iinfo(np.int64).min)


def _latest(local: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    return max(local.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))


def _zone(name: str, source: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise Fault(
            f"{source}: timezone={name!r} is not a time zone; give an IANA name, such as 'Europe/Paris'."
        ) from None
