"""Daily bars: whether a table holds them, and the session and the open of each."""

import datetime as dt

import numpy as np
import polars as pl

from engine.calendars import Calendar, interval_length
from engine.faults import Fault
from engine.prices.exchanges import ROUND_THE_CLOCK
from engine.prices.findings import Findings, stamp

_DAY = interval_length("1d")
_MIDNIGHT = dt.time(0)
_LAST_MINUTE = dt.time(23, 59)


def is_daily(rows: pl.DataFrame, trading: Calendar, interval: str | None, findings: Findings) -> bool:
    """Tell days from instants: days have one stamp a date, at midnight or at a time that has a zone.

    The last day, which may have been going on, can stand there again, with the time at which it was fetched.
    """
    if interval is not None:
        return interval_length(interval) == _DAY
    dates = (
        rows.lazy()
        .with_columns(day=_day(trading), midnight=_is_midnight(trading))
        .with_columns(plain=pl.col("midnight") | pl.col("instant").is_not_null())
        .group_by("asset", "day")
        .agg(
            pl.col("midnight").all(),
            pl.col("midnight").any().alias("begun"),
            pl.col("plain").all(),
            pl.col("local").n_unique().alias("stamps"),
        )
    )
    own = (pl.col("stamps") == 1) & pl.col("plain")
    going_on = (pl.col("stamps") == 1) | ((pl.col("stamps") == 2) & pl.col("begun"))
    live = ~own & going_on & (pl.col("day") == pl.col("day").max())
    assets = (
        dates.group_by("asset")
        .agg(fits=(own | live).all(), live=live.any(), midnights=pl.col("midnight").mean())
        .with_columns(daily=pl.col("fits") & (~pl.col("live") | (pl.col("midnights") >= 0.5)))
        .sort("asset")
        .collect()
    )
    daily, intraday = assets.filter("daily")["asset"], assets.filter(~pl.col("daily"))
    mixed = intraday.filter(pl.col("midnights") > 0.5)["asset"]
    if len(mixed):
        _refuse_mixed(rows, trading, mixed[0], mixed[0], findings)
    if len(daily) and intraday.height:
        _refuse_mixed(rows, trading, intraday["asset"][0], daily[0], findings)
    return len(daily) > 0


def _refuse_mixed(rows: pl.DataFrame, trading: Calendar, asset: str, daily: str, findings: Findings) -> None:
    """Name the first row that is no day among days."""
    own = rows.filter(pl.col("asset") == asset)
    first = own.filter(~_is_midnight(trading)).head(1)
    findings.add_rows(
        "fatal",
        "mixed_frequency",
        first if first.height else own.head(1),
        stamp("local"),
        pl.format(
            "{} has a bar at {}, and {} has daily bars; leave one of them out, or import one frequency at a time",
            "asset",
            stamp("local"),
            pl.lit("it" if asset == daily else daily),
        ),
    )
    findings.stop_if_fatal()


def place_days(rows: pl.DataFrame, trading: Calendar) -> pl.DataFrame:
    """Give each row its session, and the instant at which that opens; no instant on a day that is no session.

    Where the market never closes, a day opens when its own clock says so: 2024-03-27 00:00+08:00 on the 26th at 16:00 UTC.
    Sessions are then the dates as written.

    Raises
    ------
    Fault
        Where the days of two assets begin at different times.
    """
    if trading.name == ROUND_THE_CLOCK and rows["instant"].null_count() < rows.height:
        return _place_round_the_clock(rows).with_columns(extended=pl.lit(False))
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


def _place_round_the_clock(rows: pl.DataFrame) -> pl.DataFrame:
    """Place days that have zones by the clock of each asset: midnights as written, those of UTC, or any other time."""
    offset = (pl.col("local") - pl.col("instant").dt.replace_time_zone(None)).forward_fill().backward_fill()
    offset = offset.over("asset").fill_null(dt.timedelta(0))  # a date has no instant where clocks skip its midnight
    rows = rows.with_columns(instant=(pl.col("local") - offset).dt.replace_time_zone("UTC"))
    clock, utc = pl.col("local").dt.time(), pl.col("instant").dt
    midnights = (clock == _MIDNIGHT) | (clock >= _LAST_MINUTE)  # the last minute stands for the day that it ends
    in_utc = (utc.time() == _MIDNIGHT).mean().over("asset") > 0.5
    as_written = ~in_utc & (midnights.mean().over("asset") > 0.5)
    # The row of a day that is still going on is stamped later, and began with its day.
    since = pl.col("local") - pl.col("local").dt.truncate("1d")
    # Written in UTC, a day that begins at another time is that of its noon: one of Shanghai, at 16 h, the next.
    by_noon = pl.col("instant").dt.offset_by("12h").dt.date()
    named = pl.when(pl.col("local") == pl.col("instant").dt.replace_time_zone(None)).then(by_noon)
    rows = rows.with_columns(
        session=pl.when(in_utc)
        .then(utc.date())
        .when(as_written)
        .then(pl.col("local").dt.date())
        .otherwise(named.otherwise(pl.col("local").dt.date())),
        time=pl.when(as_written)
        .then(pl.col("instant") - since)
        .when(in_utc)
        .then(utc.truncate("1d"))
        .otherwise("instant"),
    )
    rows = rows.with_columns(pl.col("time").min().over("asset", "session"))
    clocks = rows.group_by("session").agg(pl.col("time").n_unique())
    mixed = clocks.filter(pl.col("time") > 1)["session"].min()
    if mixed is not None:
        _refuse_clocks(rows.filter(pl.col("session") == mixed))
    return rows


def _refuse_clocks(rows: pl.DataFrame) -> None:
    """Name two assets whose days begin at different times."""
    one = rows.row(0, named=True)
    other = rows.filter(pl.col("time") != one["time"]).row(0, named=True)
    raise Fault(
        f"{one['source']}: the day {one['session']} of {one['asset']} begins at {one['time']:%Y-%m-%d %H:%M} UTC, and "
        f"that of {other['asset']} at {other['time']:%Y-%m-%d %H:%M}; import them apart, or bring them to one clock."
    )


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
