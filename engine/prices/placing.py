"""Which session and which bar each row of a price table belongs to."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from engine.calendars import Calendar, Dates, Instants, calendar, interval_length, interval_name
from engine.faults import Fault
from engine.prices.findings import Findings
from engine.prices.order import begins, repeats

Hours = Literal["regular", "all"]

_UTC = pl.Datetime("us", "UTC")
_DAY = interval_length("1d")
_MIDNIGHT = dt.time(0)


@dataclass(frozen=True)
class Grid:
    """The bars of a market: the open of each, and the session it belongs to.

    Attributes
    ----------
    opens
        int64, shape (T,), microseconds since 1970 UTC.
    sessions
        datetime64[D], shape (T,).
    """

    calendar: Calendar
    interval: str
    opens: Instants
    sessions: Dates


def choose_calendar(rows: pl.DataFrame, name: str | None, findings: Findings) -> Calendar:
    """Take the calendar asked for, or tell a market that never closes from New York's by its weekends."""
    if name is not None:
        return calendar(name)
    weekend = (pl.col("local").dt.weekday() >= 6).mean().alias("weekend")
    shares = rows.group_by("asset", maintain_order=True).agg(weekend)
    always = shares.filter(pl.col("weekend") > 0.1)["asset"]  # two days of seven, or 0.29, where it never closes
    if 0 < len(always) < shares.height:
        other = shares.filter(pl.col("weekend") <= 0.1)["asset"][0]
        raise Fault(
            f"calendar=None fits no single calendar: {always[0]} trades at weekends and {other} does not; import them "
            "apart, or name the calendar ('XNYS', '24/7') to leave out what falls outside it."
        )
    chosen = "24/7" if len(always) else "XNYS"
    findings.add("note", "calendar_assumed", f"no calendar was named; {chosen} is assumed.", value=chosen)
    return calendar(chosen)


def place(
    rows: pl.DataFrame, trading: Calendar, interval: str | None, hours: Hours, findings: Findings
) -> tuple[pl.DataFrame, str]:
    """Give each row the session and the bar it belongs to.

    Parameters
    ----------
    rows
        Columns source, row, asset, local, instant, of all tables together.
    interval
        The length of a bar; None to tell it from the stamps.
    hours
        "regular" leaves out intraday bars outside the exchange's hours, "all" keeps those of a session's day.

    Returns
    -------
    rows
        Sorted by asset and time, and within those by source and row; with `time` (datetime UTC, the open of the bar)
        and `session` (date) in place of `local` and `instant`; what belongs to no bar is left out, each kind with a
        finding.
    interval
        The length of a bar.
    """
    rows = _future_left_out(rows, trading, findings)
    daily = _is_daily(rows, trading, interval, findings)
    if not daily:
        _refuse_zoneless(rows, findings)
        _refuse_ends(rows, trading, findings)
    rows = _place_days(rows, trading) if daily else _place_instants(rows, trading, hours)
    rows = _outside_left_out(rows, trading, findings)
    findings.stop_if_fatal()
    if rows.is_empty():
        first, last = trading.sessions[[0, -1]]
        raise Fault(
            f"No row falls within a session of {trading.name} ({first} to {last}); name the calendar of these prices."
        )
    length = "1d" if daily else interval or _spacing(rows)
    rows = _off_grid_left_out(rows, trading, length, findings) if not daily else rows
    rows = _sorted(rows)
    _check_frequency(rows, interval_length(length), findings)
    findings.stop_if_fatal()
    return rows, length


def make_grid(rows: pl.DataFrame, trading: Calendar, interval: str) -> Grid:
    """List every bar of the calendar from the first row to the last, and those outside hours that rows have."""
    days, times = rows["session"].to_numpy(), rows["time"].to_physical().to_numpy()
    opens, sessions = trading.bars(days.min(), days.max(), interval)
    if interval == "1d":
        return Grid(trading, interval, opens, sessions)
    within = (opens >= times.min()) & (opens <= times.max())
    opens, sessions = opens[within], sessions[within]
    extra = rows.select("time", "session").filter(~pl.col("time").to_physical().is_in(opens)).unique()
    if extra.height:
        opens = np.concatenate([opens, extra["time"].to_physical().to_numpy()])
        sessions = np.concatenate([sessions, extra["session"].to_numpy().astype("datetime64[D]")])
        order = np.argsort(opens)
        opens, sessions = opens[order], sessions[order]
    return Grid(trading, interval, opens, sessions)


def _future_left_out(rows: pl.DataFrame, trading: Calendar, findings: Findings) -> pl.DataFrame:
    now = dt.datetime.now(dt.UTC)
    today = now.astimezone(ZoneInfo(trading.timezone)).date()
    past = (pl.col("local").max().dt.date() <= today) & (pl.col("instant").max() <= now).fill_null(True)
    if rows.select(past).item():
        return rows
    is_day = pl.col("instant").is_null() | (pl.col("local").dt.time() == _MIDNIGHT)
    late = pl.when(is_day).then(pl.col("local").dt.date() > today).otherwise(pl.col("instant") > now)
    findings.add_rows(
        findings.severity_of("future_time"),
        "future_time",
        rows.filter(late),
        _shown("local"),
        pl.format("{} lies in the future; correct the time", _shown("local")),
    )
    return rows.filter(~late)


def _shown(column: str) -> pl.Expr:
    """Write a datetime for a message, and a midnight as a date."""
    text = pl.col(column).dt.to_string("%Y-%m-%d %H:%M:%S")
    return text.str.replace(r" 00:00:00$", "")


def _day(trading: Calendar) -> pl.Expr:
    """Give the day that a stamp means: as written, or in UTC, if that is midnight; else at the exchange."""
    written, utc = pl.col("local").dt, pl.col("instant").dt
    as_written = pl.col("instant").is_null() | (written.time() == _MIDNIGHT)
    at_exchange = utc.convert_time_zone(trading.timezone).dt.date()
    return (
        pl.when(as_written)
        .then(written.date())
        .otherwise(pl.when(utc.time() == _MIDNIGHT).then(utc.date()).otherwise(at_exchange))
    )


def _is_midnight(trading: Calendar) -> pl.Expr:
    """Tell stamps that are midnight as written, in UTC or at the exchange: those of days."""
    utc = pl.col("instant").dt
    zoned = (utc.time() == _MIDNIGHT) | (utc.convert_time_zone(trading.timezone).dt.time() == _MIDNIGHT)
    return (pl.col("local").dt.time() == _MIDNIGHT) | zoned.fill_null(False)


def _is_daily(rows: pl.DataFrame, trading: Calendar, interval: str | None, findings: Findings) -> bool:
    """Tell days from instants: days have one stamp a date, at midnight or at a time that has a zone."""
    if interval is not None and interval_length(interval) == _DAY:
        return True
    dates = (
        rows.lazy()
        .with_columns(day=_day(trading), midnight=_is_midnight(trading))
        .with_columns(plain=pl.col("midnight") | pl.col("instant").is_not_null())
        .group_by("asset", "day")
        .agg(
            pl.col("midnight").all(),
            pl.col("plain").all(),
            pl.col("local").n_unique().alias("stamps"),
            pl.col("source").first(),
        )
    )
    assets = (
        dates.group_by("asset")
        .agg(
            daily=((pl.col("stamps") == 1) & pl.col("plain")).all(),
            midnights=pl.col("midnight").mean(),
            source=pl.col("source").first(),
        )
        .sort("asset")
        .collect()
    )
    daily, intraday = assets.filter("daily"), assets.filter(~pl.col("daily"))
    mixed = intraday.filter(pl.col("midnights") > 0.5)
    if mixed.height or (daily.height and intraday.height):
        name, _, _, source = (mixed if mixed.height else intraday).row(0)
        other = f", {daily['asset'][0]} daily ones" if daily.height else " and daily ones"
        message = f"{name} has intraday bars{other}; import one frequency at a time"
        findings.add("fatal", "mixed_frequency", message, source=source, asset=name, value=name)
        findings.stop_if_fatal()
    return daily.height > 0 and interval is None


def _refuse_zoneless(rows: pl.DataFrame, findings: Findings) -> None:
    zoneless = rows.filter(pl.col("instant").is_null() & (pl.col("local").dt.time() != _MIDNIGHT))
    if zoneless.is_empty():
        return
    first = zoneless.row(0, named=True)
    findings.add(
        "fatal",
        "zoneless_time",
        f"{first['local']:%Y-%m-%d %H:%M:%S} has no time zone (rows without one: {zoneless.height}); name it, for "
        "example timezone='America/New_York' (or interval='1d', where these are daily bars)",
        source=first["source"],
        asset=first["asset"],
        row=first["row"],
        value=f"{first['local']:%Y-%m-%d %H:%M:%S}",
    )
    findings.stop_if_fatal()


def _refuse_ends(rows: pl.DataFrame, trading: Calendar, findings: Findings) -> None:
    """Refuse times that mark the end of each bar: read as its open, they would let a bar be known before it began."""
    instants = rows["instant"].drop_nulls().to_physical().unique().to_numpy()
    days = np.unique(trading.sessions_at(instants - 1))  # with the close of a session, without its open
    days = days[~np.isnat(days)]
    closes = np.isin(trading.closes_of(days), instants)
    if np.isin(trading.opens_of(days), instants).any() or closes.sum() * 2 <= len(days):
        return
    found = np.datetime64(int(trading.closes_of(days)[closes][0]), "us")
    first = rows.filter(pl.col("instant") == pl.lit(found).dt.replace_time_zone("UTC")).row(0, named=True)
    findings.add(
        "fatal",
        "end_stamp",
        f"a bar stands at {found} UTC, the close of {trading.name}, and none at any open; times mark the start "
        "of a bar, so take one interval off",
        source=first["source"],
        asset=first["asset"],
        row=first["row"],
        value=str(found),
    )
    findings.stop_if_fatal()


def _place_days(rows: pl.DataFrame, trading: Calendar) -> pl.DataFrame:
    dated = rows["instant"].null_count() == rows.height
    rows = rows.with_columns(session=pl.col("local").dt.date() if dated else _day(trading))
    # The open of every day there may be, none on days without a session, and before and after.
    numbers = trading.sessions.astype(np.int64)
    before, after = int(numbers[0]) - 1, int(numbers[-1]) + 1
    opens = np.full(after - before + 1, np.datetime64("NaT", "us"))
    opens[numbers - before] = trading.opens.astype("datetime64[us]")
    days = np.clip(rows["session"].to_physical().to_numpy(), before, after)
    times = pl.Series(opens).dt.replace_time_zone("UTC").gather(days - before)
    return rows.with_columns(time=times, extended=pl.lit(False))


def _place_instants(rows: pl.DataFrame, trading: Calendar, hours: Hours) -> pl.DataFrame:
    sessions = trading.sessions_at(rows["instant"].to_physical().to_numpy())
    days = rows["instant"].dt.convert_time_zone(trading.timezone).dt.date().to_numpy().astype("datetime64[D]")
    extended = np.isnat(sessions) & trading.is_session(days)
    if hours == "all":
        sessions, extended = np.where(extended, days, sessions), np.zeros_like(extended)
    return rows.with_columns(session=pl.Series(sessions), extended=pl.Series(extended)).with_columns(
        time=pl.when(pl.col("session").is_not_null()).then("instant")
    )


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
        _shown("local"),
        pl.format("{} is no time at which {} is open, {}", _shown("local"), pl.lit(trading.name), pl.lit(remedy)),
    )
    return rows.filter(inside).drop("extended", "local", "instant")


def _spacing(rows: pl.DataFrame) -> str:
    """Tell the length of intraday bars: the commonest time from one row to the next."""
    steps = rows.select(pl.col("time").sort().diff().over("asset").alias("step")).filter(
        pl.col("step") > dt.timedelta(0)
    )
    if steps.is_empty():
        raise Fault("interval=None: one row an asset does not show how long a bar is; name it, such as interval='5m'.")
    commonest = steps.group_by("step").len().sort("len", "step", descending=[True, False])["step"][0]
    try:
        return interval_name(interval_length(f"{commonest // dt.timedelta(minutes=1)}m"))
    except Fault:
        raise Fault(
            f"interval=None: rows mostly stand {commonest} apart, and no bar length that divides a day is; correct the "
            "times, or name the interval, such as '5m'."
        ) from None


def _off_grid_left_out(rows: pl.DataFrame, trading: Calendar, interval: str, findings: Findings) -> pl.DataFrame:
    opens = trading.opens_of(rows["session"].to_numpy().astype("datetime64[D]"))
    astray = pl.Series((rows["time"].to_physical().to_numpy() - opens) % interval_length(interval) != 0)
    findings.add_rows(
        findings.severity_of("off_grid_time"),
        "off_grid_time",
        rows.filter(astray),
        _shown("time"),
        pl.format(
            "{} UTC begins no {} bar counted from the session's open; correct it", _shown("time"), pl.lit(interval)
        ),
    )
    return rows.filter(~astray)


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by asset, time, source and row; those of most files stand so already."""
    falls = (pl.col("time").diff() <= pl.duration(days=0)) & ~begins()
    if rows["asset"].is_sorted() and not rows.select(falls.any()).item():
        return rows
    return rows.sort("asset", "time", "source", "row")


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
        _shown("time"),
        pl.format(
            "the bars of {} before {} stand further apart than {}; import one frequency at a time, daily or intraday",
            "asset",
            _shown("time"),
            pl.lit(interval_name(length)),
        ),
    )
