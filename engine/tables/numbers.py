"""Numbers that stand for a time: 20250127, 20250127143000, seconds to nanoseconds since 1970."""

from __future__ import annotations

from typing import Final

import polars as pl

_DAY: Final = 86_400_000_000  # microseconds
_LATEST: Final = 4.2e9  # seconds since 1970: the year 2103; ten digits that say more are no count of seconds
# A count since 1970: from (1973, for less is no time but a small number), up to, microseconds a unit.
_COUNTS: Final = (
    (1e8, _LATEST, 1e6),
    (1e11, _LATEST * 1e3, 1e3),
    (1e14, _LATEST * 1e6, 1.0),
    (1e17, _LATEST * 1e9, 1e-3),
)
_LENGTHS: Final = (8, 12, 14, 17)  # digits of a day, and of one with minutes, seconds, milliseconds behind it


def of_numbers(values: pl.Series) -> pl.DataFrame:
    """Read numbers as times.

    Parameters
    ----------
    values
        Integers, or floats: the fraction of a count of seconds is kept.

    Returns
    -------
    polars.DataFrame
        day (date, null where the number is no time), clock (int64, microseconds; null for a day) and zone ("utc" of a count
        since 1970, else "").
    """
    given = pl.DataFrame({"value": values}).with_columns(whole=pl.col("value").cast(pl.Int64, strict=False))
    digits = pl.col("whole").cast(pl.String)
    written = digits.str.slice(0, 8).str.to_date("%Y%m%d", strict=False)
    part = {
        name: digits.str.slice(start, length).str.pad_end(length, "0").cast(pl.Int64, strict=False).fill_null(0)
        for name, start, length in (("h", 8, 2), ("m", 10, 2), ("s", 12, 2), ("ms", 14, 3))
    }
    seconds = (part["h"] * 60 + part["m"]) * 60 + part["s"]
    sound = (
        written.dt.year().is_between(1900, 2100) & (part["h"] < 24) & (part["m"] < 60) & (part["s"] < 60)
    ).fill_null(False)
    length = digits.str.len_bytes()
    frame = given.with_columns(
        as_day=pl.when(length.is_in(list(_LENGTHS)) & sound).then(written),
        as_clock=pl.when((length > 8) & length.is_in(list(_LENGTHS)) & sound).then(
            seconds * 1_000_000 + part["ms"] * 1_000
        ),
        # 2025012714 may be an hour, and would be a second of 2034: neither is taken for sure.
        torn=(length == 10) & sound,
    )
    micros = pl.coalesce(
        *(
            pl.when(pl.col("whole").is_between(least, most)).then(_micros(values.dtype, scale))
            for least, most, scale in _COUNTS
        )
    )
    frame = frame.with_columns(micros=pl.when(pl.col("as_day").is_null() & ~pl.col("torn")).then(micros))
    counted = pl.col("micros").is_not_null()
    return frame.select(
        day=pl.when(counted).then(pl.col("micros").cast(pl.Datetime("us")).dt.date()).otherwise("as_day"),
        clock=pl.when(counted).then(pl.col("micros") % _DAY).otherwise("as_clock"),
        zone=pl.when(counted).then(pl.lit("utc")).otherwise(pl.lit("")),
    )


def _micros(kind: pl.DataType, scale: float) -> pl.Expr:
    """Give a count in microseconds, the next one where it has more digits: nothing is known before it was."""
    if scale < 1:
        return -(-pl.col("whole") // 1000)
    if kind.is_float():
        return (pl.col("value") * scale).round().cast(pl.Int64)
    return pl.col("whole") * int(scale)
