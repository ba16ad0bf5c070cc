"""Reading the time stamps of a price table: dates, instants, and texts of either."""

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.prices.findings import Findings

_UTC = pl.Datetime("us", "UTC")
_LOCAL = pl.Datetime("us")
_DAY_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d.%m.%Y",
)
_EITHER_ORDER = (("%m/%d/%Y", "%d/%m/%Y"), ("%m-%d-%Y", "%d-%m-%Y"))  # American first, European second
_CLOCK = (
    r"^(?<day>.*?)[ T]+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}(?:\.\d+)?))?"
    r"\s*(?<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)
_MIDNIGHT = dt.time(0)


def check_timezone(timezone: str | None) -> None:
    """Raise a Fault where `timezone` is no name of the IANA database."""
    try:
        if timezone is not None:
            ZoneInfo(timezone)
    except (LookupError, OSError, ValueError, TypeError):
        hint = did_you_mean(str(timezone), sorted(available_timezones()))
        raise Fault(
            f"timezone={timezone!r} is not known{hint}; give a name such as 'America/New_York' or 'UTC'."
        ) from None


def parse_stamps(frame: pl.DataFrame, source: str, timezone: str | None, findings: Findings) -> pl.DataFrame:
    """Read the stamps of one table.

    Parameters
    ----------
    frame
        With column `stamp` (dates, datetimes, texts, or numbers counted from 1970), and `clock` where the time of day
        has a column of its own.
    timezone
        The time zone of stamps that name none.

    Returns
    -------
    polars.DataFrame
        With `local` (datetime without zone: the stamp as it was written) and `instant` (datetime UTC; null where the
        zone is not known) in place of `stamp`, and without the rows whose stamp cannot be read.
    """
    given = frame["stamp"]
    if "clock" in frame.columns:
        given = _joined(given, frame["clock"])
    if given.dtype.is_integer() or given.dtype.is_float():
        given = given.cast(pl.Int64).cast(pl.String)
    if given.dtype == pl.String:
        local, instant = _stamps_of_text(given, source, findings)
    elif given.dtype == pl.Date or (isinstance(given.dtype, pl.Datetime) and given.dtype.time_zone is None):
        local, instant = given.cast(_LOCAL), pl.repeat(None, len(given), dtype=_UTC, eager=True)
    elif isinstance(given.dtype, pl.Datetime):
        local, instant = given.dt.replace_time_zone(None).cast(_LOCAL), given.dt.convert_time_zone("UTC").cast(_UTC)
    else:
        raise Fault(f"{source}: the time column holds {given.dtype}; give dates, datetimes or their texts.")
    if timezone is not None:
        placed = local.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")
        # A date needs no instant, so a midnight that a change of the clocks skips is no fault.
        lost = placed.is_null() & instant.is_null() & (local.dt.time() != _MIDNIGHT)
        instant = instant.zip_with(instant.is_not_null(), placed)
        local = local.set(lost, None)
    unread = local.is_null()
    if unread.any():
        findings.add_rows(
            findings.severity_of("unparsable_time"),
            "unparsable_time",
            frame.with_columns(text=given.cast(pl.String), source=pl.lit(source)).filter(unread),
            pl.col("text"),
            pl.format(
                "the time {} cannot be read; write 2025-01-31 or 2025-01-31 09:30:00-05:00",
                pl.col("text").fill_null("''"),
            ),
        )
    return frame.drop("stamp", "clock", strict=False).with_columns(local=local, instant=instant).filter(~unread)


def _joined(stamp: pl.Series, clock: pl.Series) -> pl.Series:
    """Join a date and a time of day, such as Stooq's 20250131 and 153000, into one text."""
    digits = clock.cast(pl.String).str.strip_chars()
    bare = digits.str.replace(r"^(\d{2})(\d{2})(\d{2})$", "${1}:${2}:${3}").str.replace(
        r"^(\d{2})(\d{2})$", "${1}:${2}"
    )
    return pl.select(pl.concat_str(stamp.cast(pl.String), bare, separator=" ")).to_series()


def _stamps_of_text(text: pl.Series, source: str, findings: Findings) -> tuple[pl.Series, pl.Series]:
    """Read stamps written as text: (local, instant), null where that fails."""
    text = text.str.strip_chars()
    epoch = text.str.contains(r"^(\d{10}|\d{13}|\d{16}|\d{19})$")
    if epoch.all() and len(text):
        # Seconds, milliseconds, microseconds or nanoseconds since 1970: 16 digits are microseconds.
        local = text.str.pad_end(16, "0").str.slice(0, 16).cast(pl.Int64).cast(_LOCAL)
        return local, local.dt.replace_time_zone("UTC")
    parts = pl.select(text.str.extract_groups(_CLOCK)).to_series().struct.unnest()
    timed = parts["day"].is_not_null()
    days = _days_of_text(parts["day"].zip_with(timed, text), source, findings)
    clock = pl.duration(
        hours=pl.col("hour").cast(pl.Int64),
        minutes=pl.col("minute").cast(pl.Int64),
        microseconds=(pl.col("second").cast(pl.Float64).fill_null(0) * 1e6).round().cast(pl.Int64),
    )
    known = pl.col("hour").cast(pl.Int64).is_between(0, 23) & (pl.col("minute").cast(pl.Int64) < 60)
    zone = pl.col("zone").replace(["Z", "UTC", "GMT"], "+00:00").str.replace(r"^([+-]\d{2})$", "$1:00")
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    offset = pl.duration(
        hours=sign * zone.str.slice(1, 2).cast(pl.Int64), minutes=sign * zone.str.slice(-2, 2).cast(pl.Int64)
    )
    read = parts.with_columns(days.cast(_LOCAL).alias("date")).select(
        local=pl.when(pl.col("hour").is_null()).then("date").when(known).then(pl.col("date") + clock),
        offset=offset,
    )
    read = read.with_columns(instant=(pl.col("local") - pl.col("offset")).dt.replace_time_zone("UTC"))
    return read["local"].cast(_LOCAL), read["instant"].cast(_UTC)


def _days_of_text(text: pl.Series, source: str, findings: Findings) -> pl.Series:
    """Read dates in the first format that fits them all, or else in the one that fits most."""
    best = text.str.to_date(_DAY_FORMATS[0], strict=False)
    for format in _DAY_FORMATS[1:]:
        if best.null_count() <= text.null_count():
            return best
        days = text.str.to_date(format, strict=False)
        best = days if days.null_count() < best.null_count() else best
    for american, european in _EITHER_ORDER:
        first, second = (text.str.to_date(format, strict=False) for format in (american, european))
        if first.null_count() == second.null_count() < best.null_count() and not first.equals(second):
            message = f"dates such as {text.drop_nulls()[0]} may be month first or day first; write them as 2025-01-31"
            findings.add("fatal", "ambiguous_date", message, source=source, value=text.drop_nulls()[0])
        for days in (first, second):
            best = days if days.null_count() < best.null_count() else best
    return best
