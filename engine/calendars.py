"""When an exchange is open: sessions, half days, and the opens of their bars."""

import datetime as dt
import functools
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from engine.faults import Fault
from engine.guess import did_you_mean

Instants: TypeAlias = NDArray[np.int64]  # microseconds since 1970, UTC
Dates: TypeAlias = NDArray[np.datetime64]  # datetime64[D]
Day: TypeAlias = dt.date | np.datetime64 | str

_MINUTE = 60_000_000
_DAY = 86_400_000_000
_FIRST_YEAR = 1900
_YEARS_AHEAD = 3  # data may end today; events and bars to come still need sessions for two years
_NO_BREAK = np.iinfo(np.int64).max
_UNITS = {"m": _MINUTE, "min": _MINUTE, "t": _MINUTE, "h": 60 * _MINUTE, "d": _DAY}


@dataclass(frozen=True, eq=False)
class Calendar:
    """The sessions of one exchange, with the instants at which each opens and closes.

    Get one by ``calendar("XNYS")``; two calendars of one name are the same object.

    Attributes
    ----------
    name
        The market's code, such as "XNYS", or "24/7" for a market that never closes.
    timezone
        The exchange's time zone, as in the IANA database.
    sessions
        datetime64[D], shape (S,), ascending: every session known.
    opens, closes
        int64, shape (S,), microseconds since 1970 UTC. A half day closes early; a bar opens before the close.
    break_starts, break_ends
        int64, shape (S,): the lunch break, for exchanges that have one; otherwise the largest integer.
    """

    name: str
    timezone: str
    sessions: Dates
    opens: Instants
    closes: Instants
    break_starts: Instants
    break_ends: Instants

    def __post_init__(self) -> None:
        for array in (self.sessions, self.opens, self.closes, self.break_starts, self.break_ends):
            array.flags.writeable = False

    def __reduce__(self) -> tuple[Any, ...]:
        return calendar, (self.name,)

    def __repr__(self) -> str:
        return f"Calendar({self.name!r}, {self.sessions[0]} to {self.sessions[-1]})"

    def between(self, first: Day, last: Day) -> Dates:
        """List the sessions from `first` to `last`, both included.

        >>> calendar("XNYS").between("2025-11-26", "2025-12-01").astype(str).tolist()
        ['2025-11-26', '2025-11-28', '2025-12-01']
        """
        return self.sessions[self._span(first, last)]

    def opens_of(self, sessions: Dates) -> Instants:
        """Give the instant at which each session opens; int64 microseconds UTC, of the shape of `sessions`."""
        return self.opens[self._indices(sessions)]

    def closes_of(self, sessions: Dates) -> Instants:
        """Give the instant at which each session closes; int64 microseconds UTC, of the shape of `sessions`."""
        return self.closes[self._indices(sessions)]

    def is_session(self, dates: Dates) -> NDArray[np.bool_]:
        """Tell which dates are sessions; bool, of the shape of `dates`."""
        dates = np.asarray(dates, dtype="datetime64[D]")
        index = np.minimum(np.searchsorted(self.sessions, dates), len(self.sessions) - 1)
        return np.asarray(self.sessions[index] == dates)

    def bars(self, first: Day, last: Day, interval: str, clock: int | None = None) -> tuple[Instants, Dates]:
        """List every regular bar of the sessions from `first` to `last`, both included.

        Bars of an intraday interval start at the session's open and follow each other until its close, so a half
        day has fewer; none starts within a lunch break. The last one is cut short where the interval does not
        divide the session (hours in New York: 9:30, 10:30, .. 15:30).
        Bars that stand on the clock begin before that, where one of them spans the open (9, 10, .. 15 h).

        Parameters
        ----------
        first, last
            Dates.
        interval
            "1d", or minutes or hours such as "1m", "5m", "1h".
        clock
            For bars on the clock: microseconds from midnight at the exchange to one of them, less than a bar.

        Returns
        -------
        opens
            int64, shape (T,), microseconds since 1970 UTC.
        sessions
            datetime64[D], shape (T,): the session each bar belongs to.
        """
        span = self._span(first, last)
        opens, sessions = self.opens[span], self.sessions[span]
        step = interval_length(interval)
        if step == _DAY:
            return opens, sessions
        if clock is not None:
            opens = self._first_on_clock(span, step, clock)
        counts = -(-(self.closes[span] - opens) // step)  # rounded up: the last bar may be cut short
        starts = np.cumsum(counts) - counts
        within = np.arange(counts.sum(), dtype=np.int64) - np.repeat(starts, counts)
        bars = np.repeat(opens, counts) + within * step
        until = bars if clock is None else bars + step - 1  # one on the clock may span the end of the break
        trading = (bars < np.repeat(self.break_starts[span], counts)) | (
            until >= np.repeat(self.break_ends[span], counts)
        )
        return bars[trading], np.repeat(sessions, counts)[trading]

    @overload
    def next_open(self, instants: int) -> int: ...
    @overload
    def next_open(self, instants: Instants) -> Instants: ...
    def next_open(self, instants: int | Instants) -> int | Instants:
        """Find the first session open strictly later than each instant.

        Parameters
        ----------
        instants
            Microseconds since 1970 UTC; an int, or int64 of any shape.

        Raises
        ------
        Fault
            Where an instant lies beyond the calendar's last open, or before its first session.
        """
        wanted = np.asarray(instants, dtype=np.int64)
        if wanted.size and (wanted.max() >= self.opens[-1] or wanted.min() < self.opens[0] - _DAY * 14):
            outside = wanted.max() if wanted.max() >= self.opens[-1] else wanted.min()
            raise Fault(
                f"{np.datetime64(int(outside), 'us')} UTC lies outside the {self.name} calendar, which has sessions "
                f"from {self.sessions[0]} to {self.sessions[-1]}; correct the time."
            )
        found = self.opens[np.searchsorted(self.opens, wanted, side="right")]
        return int(found) if isinstance(instants, int) else found

    def sessions_at(self, instants: Instants) -> Dates:
        """Give the session within whose hours [open, close) each instant falls; NaT outside hours.

        Parameters
        ----------
        instants
            int64, microseconds since 1970 UTC.
        """
        index = np.searchsorted(self.opens, instants, side="right") - 1
        inside = (index >= 0) & (instants < self.closes[index])
        inside &= ~((instants >= self.break_starts[index]) & (instants < self.break_ends[index]))
        return np.where(inside, self.sessions[index], np.datetime64("NaT", "D"))

    def _span(self, first: Day, last: Day) -> slice:
        low, high = (np.asarray(day, dtype="datetime64[D]")[()] for day in (first, last))
        if low < self.sessions[0].astype("datetime64[Y]") or high > self.sessions[-1] + 14:
            raise Fault(
                f"{first} to {last} lies outside the {self.name} calendar, which has sessions from "
                f"{self.sessions[0]} to {self.sessions[-1]}; correct the dates, or leave out the rows before it."
            )
        return slice(int(np.searchsorted(self.sessions, low)), int(np.searchsorted(self.sessions, high, side="right")))

    def _first_on_clock(self, span: slice, step: int, clock: int) -> Instants:
        """Give the bar on the clock that holds each session's open, or the next where the session before holds it too."""
        import polars as pl  # noqa: PLC0415 - for its time zones, where bars stand on the clock

        opens = self.opens[span]
        wall = pl.Series(opens.astype("datetime64[us]")).dt.replace_time_zone("UTC").dt.convert_time_zone(self.timezone)
        begun = (wall.dt.replace_time_zone(None).to_physical().to_numpy() - clock) % step
        before = np.concatenate([[np.iinfo(np.int64).min], self.closes[:-1]])[span]
        first: Instants = np.where(opens - begun < before, opens - begun + step, opens - begun)
        return first

    def _indices(self, sessions: Dates) -> NDArray[np.intp]:
        dates = np.asarray(sessions, dtype="datetime64[D]")
        known = self.is_session(dates)
        if not known.all():
            raise Fault(f"{dates[~known].flat[0]} is no session of {self.name}; give only days on which it is open.")
        return np.searchsorted(self.sessions, dates)


def interval_length(interval: str) -> int:
    """Give the length of a bar in microseconds.

    >>> interval_length("5m") // 1_000_000
    300
    """
    match = re.fullmatch(r"(\d+)\s*(m|min|t|h|d)", interval.strip().lower())
    length = int(match[1]) * _UNITS[match[2]] if match else 0
    if length <= 0 or length > _DAY or (length < _DAY and _DAY % length):
        raise Fault(
            f"interval={interval!r} is not a bar length; give '1d', or minutes or hours that divide a day, "
            "such as '1m', '5m', '15m', '1h'."
        )
    return length


def interval_name(length: int) -> str:
    """Name a bar length given in microseconds.

    >>> interval_name(300_000_000)
    '5m'
    """
    if length == _DAY:
        return "1d"
    return f"{length // (60 * _MINUTE)}h" if length % (60 * _MINUTE) == 0 else f"{length // _MINUTE}m"


def calendar(name: str) -> Calendar:
    """Give the calendar of an exchange, built once in a process.

    Parameters
    ----------
    name
        "XNYS" (New York), "24/7", or another code that exchange_calendars knows; its aliases too ("NYSE").

    Raises
    ------
    Fault
        When no calendar has that name.
    """
    return _always_open() if name == "24/7" else _exchange(_canonical(name))


def _last_year() -> int:
    return dt.datetime.now(dt.UTC).year + _YEARS_AHEAD


@functools.lru_cache
def _canonical(name: str) -> str:
    # Imported late: exchange_calendars brings pandas, which takes longer than reading a stored market.
    from exchange_calendars import calendar_utils as known  # noqa: PLC0415

    names: list[str] = known.get_calendar_names(include_aliases=True)
    if name not in names:
        hint = did_you_mean(name.upper(), names) or " (use the exchange's four-letter code)"
        raise Fault(f"calendar={name!r} is not known{hint}; give 'XNYS', '24/7' or a code of exchange_calendars.")
    resolved: str = known.resolve_alias(name)
    return resolved


@functools.lru_cache
def _exchange(name: str) -> Calendar:
    import exchange_calendars  # noqa: PLC0415

    with warnings.catch_warnings():
        # exchange_calendars 4.13 uses what pandas 3.1 calls deprecated; nothing a user could do about it.
        warnings.simplefilter("ignore", DeprecationWarning)
        source = _longest(exchange_calendars.get_calendar, name)
    no_break = np.full(len(source.sessions), _NO_BREAK)
    return Calendar(
        name=name,
        timezone=str(source.tz),
        sessions=source.sessions.to_numpy().astype("datetime64[D]"),
        opens=_instants(source.opens),
        closes=_instants(source.closes),
        break_starts=_instants(source.break_starts) if source.has_break else no_break,
        break_ends=_instants(source.break_ends) if source.has_break else no_break,
    )


def _longest(build: Callable[..., Any], name: str) -> Any:
    """Build the longest calendar that can be had: holidays of some exchanges are recorded for fewer years."""
    last = f"{_last_year()}-12-31"
    spans = [{"start": f"{year}-01-01", "end": last} for year in (_FIRST_YEAR, 1960, 1990, 2000)]
    for span in [*spans, {"end": last}, {}]:
        try:
            return build(name, **span)
        except (ValueError, NotImplementedError):
            continue
    raise Fault(f"calendar={name!r} cannot be built by the installed exchange_calendars; upgrade it, or use another.")


def _instants(series: Any) -> Instants:
    instants: Instants = series.to_numpy(dtype="datetime64[us]").astype(np.int64)
    instants[instants == np.datetime64("NaT", "us").astype(np.int64)] = _NO_BREAK  # a session without a lunch break
    return instants


@functools.lru_cache
def _always_open() -> Calendar:
    days = np.arange(f"{_FIRST_YEAR}-01-01", f"{_last_year() + 1}-01-01", dtype="datetime64[D]")
    opens = days.astype("datetime64[us]").astype(np.int64)
    no_break = np.full(len(days), _NO_BREAK)
    return Calendar("24/7", "UTC", days, opens, opens + _DAY, no_break, no_break)
