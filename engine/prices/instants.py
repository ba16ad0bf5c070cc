"""Intraday bars: what their stamps mean, and where they stand within the sessions."""

import datetime as dt

import numpy as np
import polars as pl

from engine.calendars import Calendar, Dates, Instants, interval_length, interval_name
from engine.faults import Fault
from engine.prices.exchanges import ROUND_THE_CLOCK
from engine.prices.findings import Findings, stamp

_MIDNIGHT = dt.time(0)
_DAY = interval_length("1d")
_EXTENDED = {"America/New_York": (dt.time(4), dt.time(20))}  # where the hours before and after sessions are known
_ALIKE = 0.9  # a share of bars that stand alike on the clock, beyond which all are meant to


def refuse_zoneless(rows: pl.DataFrame, findings: Findings) -> None:
    """Refuse times of day without a time zone."""
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


def refuse_ends(rows: pl.DataFrame, trading: Calendar, findings: Findings) -> None:
    """Refuse times that mark the end of each bar: read as its open, they would let a bar be known before it began."""
    instants = rows["instant"].drop_nulls().to_physical().unique().to_numpy()
    found, place = _end_of_evening(instants, trading), "the end of the hours after the session, and none at their begin"
    if found is None:
        found, place = _end_of_session(instants, trading), f"the close of {trading.name}, and none at any open"
    if found is None:
        return
    first = rows.filter(pl.col("instant").to_physical() == found).row(0, named=True)
    when = np.datetime64(found, "us")
    findings.add(
        "fatal",
        "end_stamp",
        f"a bar stands at {when} UTC, {place}; times mark the start of a bar, so take one interval off",
        source=first["source"],
        asset=first["asset"],
        row=first["row"],
        value=str(when),
    )
    findings.stop_if_fatal()


def _end_of_session(instants: Instants, trading: Calendar) -> int | None:
    """Find a bar at a close, where most sessions have one and none has one at its open.

    A bar before the open, in most of these sessions, shows that all stand on the clock, as 8, 12 and 16 h do in New
    York: the one at the close then begins there.
    """
    days = np.unique(trading.sessions_at(instants - 1))  # with the close of a session, without its open
    days = days[~np.isnat(days)]
    opens, closes = trading.opens_of(days), trading.closes_of(days)
    marked = np.isin(closes, instants)
    if marked.sum() * 2 <= len(days) or np.isin(opens, instants).any():
        return None
    clock = _clock(instants, trading)
    early = clock.filter(pl.Series(instants < opens[np.searchsorted(days, _dates(clock)).clip(max=len(days) - 1)]))
    if np.isin(days[marked], _dates(early)).sum() * 2 > marked.sum():
        return None
    return int(closes[marked][0])


def _end_of_evening(instants: Instants, trading: Calendar) -> int | None:
    """Find a bar at the end of the hours after the session, where most days have one and none has one at their begin."""
    if trading.timezone not in _EXTENDED:
        return None
    begin, end = _EXTENDED[trading.timezone]
    clock = _clock(instants, trading)
    times = clock.dt.time()
    last = times == end
    if last.sum() * 2 <= clock.dt.date().n_unique() or ((times <= begin) | (times > end)).any():
        return None
    return int(instants[last.to_numpy()][0])


def _clock(instants: Instants, trading: Calendar) -> pl.Series:
    return (
        pl.Series(instants.astype("datetime64[us]")).dt.replace_time_zone("UTC").dt.convert_time_zone(trading.timezone)
    )


def _dates(clock: pl.Series) -> Dates:
    return clock.dt.date().to_numpy().astype("datetime64[D]")


def place_instants(rows: pl.DataFrame, trading: Calendar, all_hours: bool) -> pl.DataFrame:
    """Give each row the session that it falls into, and none outside hours; `all_hours` takes those of a session's day."""
    sessions = trading.sessions_at(rows["instant"].to_physical().to_numpy())
    days = rows["instant"].dt.convert_time_zone(trading.timezone).dt.date().to_numpy().astype("datetime64[D]")
    extended = np.isnat(sessions) & trading.is_session(days)
    if all_hours:
        sessions, extended = np.where(extended, days, sessions), np.zeros_like(extended)
    return rows.with_columns(session=pl.Series(sessions), extended=pl.Series(extended)).with_columns(
        time=pl.when(pl.col("session").is_not_null()).then("instant")
    )


def spacing(rows: pl.DataFrame) -> str:
    """Tell the length of intraday bars: the commonest time from one row to the next."""
    steps = rows.select(pl.col("instant").sort().diff().over("asset").alias("step")).filter(
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


def clock_of(rows: pl.DataFrame, trading: Calendar, length: int, all_hours: bool) -> int | None:
    """Tell where bars stand that are not counted from the session's open, in microseconds after midnight; else None.

    Vendors whose bars hold the hours before and after the session count them from midnight: 4, 8, 12 and 16 h in New
    York, where the one of 8 h spans the open. Each is placed where it begins, so that neither its open nor its close is
    known too early.

    Raises
    ------
    Fault
        Where these hours were not asked for.
    """
    times = rows["time"].to_physical().to_numpy()
    from_open = (times - trading.opens_of(rows["session"].to_numpy().astype("datetime64[D]"))) % length == 0
    if from_open.mean() > 0.5:
        return None
    wall = (
        rows["time"].dt.convert_time_zone(trading.timezone).dt.replace_time_zone(None).to_physical().to_numpy() % length
    )
    values, counts = np.unique(wall, return_counts=True)
    if counts.max() < _ALIKE * len(wall):
        return None
    clock = int(values[counts.argmax()])
    if all_hours or trading.name == ROUND_THE_CLOCK:
        return clock
    if clock == 0:
        first = rows["time"].dt.convert_time_zone(trading.timezone)[0]
        raise Fault(
            f"{rows['source'][0]}: bars of {interval_name(length)} stand on the clock ({first:%Y-%m-%d %H:%M} at "
            f"{trading.name}) and are not counted from the session's open, so that one spans it; import them with "
            "hours='all'."
        )
    return None


def off_grid_left_out(
    rows: pl.DataFrame, trading: Calendar, interval: str, clock: int | None, findings: Findings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out the rows that begin no bar: (the others, those)."""
    times, length = rows["time"].to_physical(), interval_length(interval)
    if clock is None:
        begin = pl.Series(trading.opens_of(rows["session"].to_numpy().astype("datetime64[D]")))
        where = "counted from the session's open"
    else:
        times = rows["time"].dt.convert_time_zone(trading.timezone).dt.replace_time_zone(None).to_physical()
        begin, where = pl.Series([clock]), "on the clock of the others"
    astray = (times - begin) % length != 0
    if not astray.any():
        return rows, rows.clear()
    findings.add_rows(
        findings.severity_of("off_grid_time"),
        "off_grid_time",
        rows.filter(astray),
        stamp("time"),
        pl.format("{} UTC begins no {} bar {}; correct it", stamp("time"), pl.lit(interval), pl.lit(where)),
    )
    return rows.filter(~astray), rows.filter(astray)
