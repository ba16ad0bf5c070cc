"""Which session and which bar each row of a price table belongs to."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from engine.calendars import Calendar, Dates, Instants, interval_length, interval_name
from engine.faults import Fault
from engine.prices.actions import actions_apart, at_next_bar, repeats_left_out
from engine.prices.days import is_daily, place_days
from engine.prices.exchanges import ROUND_THE_CLOCK
from engine.prices.findings import Findings, stamp
from engine.prices.instants import clock_of, off_grid_left_out, place_instants, refuse_ends, refuse_zoneless, spacing
from engine.prices.order import begins, repeats

Hours = Literal["regular", "all"]

_UTC = pl.Datetime("us", "UTC")
_DAY = interval_length("1d")
_MIDNIGHT = dt.time(0)


@dataclass(frozen=True)
class Placed:
    """The rows of a price table, each with its bar.

    Attributes
    ----------
    rows
        Sorted by asset and time, and within those by stamp, source and row; with `time` (datetime UTC, the open of the
        bar) and `session` (date) in place of `local` and `instant`.
    actions
        Dividends and splits of rows that are no bars, each with the `time` and `session` of the bar at which it counts.
    interval
        The length of a bar.
    clock
        Where bars stand on the clock and are not counted from the session's open: microseconds after midnight at the
        exchange, less than a bar. Otherwise None.
    """

    rows: pl.DataFrame
    actions: pl.DataFrame
    interval: str
    clock: int | None


@dataclass(frozen=True)
class Grid:
    """The bars of a market: the open of each, and the session it belongs to.

    Attributes
    ----------
    opens
        int64, shape (T,), microseconds since 1970 UTC.
    sessions
        datetime64[D], shape (T,).
    regular, regular_sessions
        The same of the bars that the calendar has in these sessions, all of the first and the last one too.
    """

    calendar: Calendar
    interval: str
    opens: Instants
    sessions: Dates
    regular: Instants
    regular_sessions: Dates


def place(rows: pl.DataFrame, trading: Calendar, interval: str | None, hours: Hours, findings: Findings) -> Placed:
    """Give each row the session and the bar it belongs to; what belongs to none is left out, each kind with a finding.

    Parameters
    ----------
    rows
        Columns source, row, asset, local, instant, and the values, of all tables together.
    interval
        The length of a bar; None to tell it from the stamps.
    hours
        "regular" leaves out intraday bars outside the exchange's hours, "all" keeps those of a session's day.
    """
    given = str(rows["local"].first())
    rows = _future_left_out(rows, trading, findings)
    daily = is_daily(rows, trading, interval, findings)
    if not daily:
        refuse_zoneless(rows, findings)
        refuse_ends(rows, trading, findings)
    length = "1d" if daily else interval or spacing(rows)
    rows = place_days(rows, trading) if daily else place_instants(rows, trading, hours == "all")
    rows, actions = actions_apart(rows)
    rows = _outside_left_out(rows, trading, findings)
    findings.stop_if_fatal()
    if rows.is_empty():
        first, last = trading.sessions[[0, -1]]
        raise Fault(
            f"No row falls within a session of {trading.name} ({first} to {last}; the first row is of {given}); name the calendar "
            "of these prices, such as calendar='XLON'."
        )
    clock = None if daily else clock_of(rows, trading, interval_length(length), hours == "all")
    if not daily:
        rows, astray = off_grid_left_out(rows, trading, length, clock, findings)
        actions = pl.concat([actions, actions_apart(astray.with_columns(time=pl.lit(None, _UTC)))[1]])
    actions = repeats_left_out(actions, rows, daily, findings)
    actions = at_next_bar(actions, trading, length, clock, findings)
    rows = _sorted(rows).drop("local", "instant")
    _check_frequency(rows, interval_length(length), findings)
    findings.stop_if_fatal()
    return Placed(rows, actions, length, clock)


def make_grid(rows: pl.DataFrame, trading: Calendar, interval: str, clock: int | None) -> Grid:
    """List every bar of the calendar from the first row to the last, and those outside hours that rows have."""
    days, times = rows["session"].to_numpy(), rows["time"].to_physical().to_numpy()
    regular, regular_sessions = trading.bars(days.min(), days.max(), interval, clock)
    if interval == "1d":
        if trading.name == ROUND_THE_CLOCK:
            regular = _own_opens(regular, np.searchsorted(regular_sessions, days), times)
        return Grid(trading, interval, regular, regular_sessions, regular, regular_sessions)
    within = (regular >= times.min()) & (regular <= times.max())
    opens, sessions = regular[within], regular_sessions[within]
    extra = rows.select("time", "session").filter(~pl.col("time").to_physical().is_in(opens)).unique()
    if extra.height:
        opens = np.concatenate([opens, extra["time"].to_physical().to_numpy()])
        sessions = np.concatenate([sessions, extra["session"].to_numpy().astype("datetime64[D]")])
        order = np.argsort(opens)
        opens, sessions = opens[order], sessions[order]
    return Grid(trading, interval, opens, sessions, regular, regular_sessions)


def _own_opens(opens: Instants, bars: Instants, times: Instants) -> Instants:
    """Shift the days of a market that never closes to where those of its rows begin; one without rows is as the last.

    Parameters
    ----------
    opens
        Midnights of UTC.
    bars, times
        For each row, its place in `opens`, and when its day opens.
    """
    shift, known = np.zeros_like(opens), np.zeros(len(opens), np.int64)
    shift[bars], known[bars] = times - opens[bars], bars
    return opens + shift[np.maximum.accumulate(known)]


def _future_left_out(rows: pl.DataFrame, trading: Calendar, findings: Findings) -> pl.DataFrame:
    now = dt.datetime.now(dt.UTC)
    today = now.astimezone(ZoneInfo(trading.timezone)).date()
    past = (pl.col("local").max().dt.date() <= today) & (pl.col("instant").max() <= now).fill_null(True)
    if rows.select(past).item():
        return rows
    is_day = pl.col("instant").is_null() | (pl.col("local").dt.time() == _MIDNIGHT)
    begun = (pl.col("instant") <= now).fill_null(False)  # a day may have begun in its own zone, and not yet here
    late = pl.when(is_day).then((pl.col("local").dt.date() > today) & ~begun).otherwise(pl.col("instant") > now)
    findings.add_rows(
        findings.severity_of("future_time"),
        "future_time",
        rows.filter(late),
        stamp("local"),
        pl.format("{} lies in the future; correct the time", stamp("local")),
    )
    return rows.filter(~late)


def _outside_left_out(rows: pl.DataFrame, trading: Calendar, findings: Findings) -> pl.DataFrame:
    """Leave out bars outside the hours of a session, and rows of days that are none."""
    inside = pl.col("time").is_not_null()
    outside = rows.filter(~inside)
    findings.add_rows(
        "note",
        "extended_hours",
        outside.filter("extended")
        .group_by("source", "asset", maintain_order=True)
        .agg(pl.len(), pl.col("row").first()),
        pl.col("len"),
        pl.format(
            "{} bars outside the hours of {} are left out (hours='all' keeps them).", "len", pl.lit(trading.name)
        ),
    )
    strays = outside.filter(~pl.col("extended"))
    # A few stray rows are a vendor's fill-ins on holidays; many mean another exchange.
    many = strays.height > max(1, 0.05 * rows.height)
    severity = findings.severity_of("off_session") if many else "warning"
    remedy = f"as with {strays.height} of {rows.height} rows; name the calendar of these prices" if many else "left out"
    findings.add_rows(
        severity,
        "off_session",
        strays.with_columns(time=pl.col("local").dt.replace_time_zone("UTC")),
        stamp("local"),
        pl.format("{} is no time at which {} is open, {}", stamp("local"), pl.lit(trading.name), pl.lit(remedy)),
    )
    return rows.filter(inside).drop("extended")


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by asset, time, stamp, source and row; those of most files stand so already."""
    falls = (pl.col("time").diff() <= pl.duration(days=0)) & ~begins()
    if rows["asset"].is_sorted() and not rows.select(falls.any()).item():
        return rows
    return rows.sort("asset", "time", "local", "source", "row")


def _check_frequency(rows: pl.DataFrame, length: int, findings: Findings) -> None:
    """Refuse bars of another length among these: a stretch of them never stands one bar apart."""
    rows = rows.select("source", "row", "asset", "time", "session").filter(~repeats())
    if length == _DAY:
        # Weekly and monthly bars: five in a row, each five days or more after the one before.
        rows = rows.with_columns(far=~begins() & (pl.col("session").to_physical().diff() >= 5))
        step = pl.all_horizontal(pl.col("far").shift(bars) for bars in range(5))
    else:
        # Eight equal steps in a row, none across a session's end; halts and quiet minutes are never as regular.
        same = ~begins() & (pl.col("session") == pl.col("session").shift(1))
        gap = pl.col("time").to_physical().diff()
        rows = rows.with_columns(far=same & (gap > length), equal=same & same.shift(1) & (gap == gap.shift(1)))
        step = pl.all_horizontal("far", *(pl.col("equal").shift(bars) for bars in range(7)))
    found = rows.filter(step).group_by("source", "asset", maintain_order=True)
    findings.add_rows(
        "fatal",
        "mixed_frequency",
        found.first(),
        stamp("time"),
        pl.format(
            "the bars of {} before {} stand further apart than {}; import one frequency at a time, daily or intraday",
            "asset",
            stamp("time"),
            pl.lit(interval_name(length)),
        ),
    )
