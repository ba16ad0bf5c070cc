"""A column of dates and times -> what is written in each row: the day in each order, the clock, the zone's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from engine.faults import Fault
from engine.tables.numbers import of_numbers
from engine.tables.spelling import DAY, clock_text, plain, read_one, zone_words
from engine.tables.zones import readings

LOCAL: Final = pl.Datetime("us")
UTC: Final = pl.Datetime("us", "UTC")
DAYS: Final = {"ymd": pl.Date, "mdy": pl.Date, "dmy": pl.Date}
_SPELLED: Final = {**DAYS, "clock": pl.Int64, "zone": pl.String}
_EMPTY: Final = ("", "null", "none", "nan", "na", "n/a", "#n/a", "-", "nat", "<na>")
_NUMBER: Final = r"^\d+(\.\d*)?$"
_RUN: Final = r"^(\d{8})[Tt ](\d{2})(\d{2})(\d{2})"
_TIMED: Final = (
    r"^(?<day>.*?\d)(?:[ T]|, )+(?<clock>\d{1,2}:\d{2}(?::\d{2})?)(?:[.,](?<fraction>\d{1,9})\d*)?"
    r"\s*(?<half>[AaPp][Mm])?\s*(?<zone>[^\d:.,\s].*)?$"
)


def is_written(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return ~column.str.strip_chars().str.to_lowercase().is_in(_EMPTY).fill_null(True)
    if column.dtype.is_float():
        return column.is_not_null() & ~column.is_nan().fill_null(True)
    return column.is_not_null()


def spelled(column: pl.Series, what: str, source: str) -> pl.DataFrame:
    """Give the day of each stamp in each order, its clock in microseconds (null: none), its zone's words, and an exact instant."""
    kind = column.dtype
    if isinstance(kind, (pl.Categorical, pl.Enum)):
        column, kind = column.cast(pl.String), pl.String()
    exact = pl.repeat(None, len(column), dtype=UTC, eager=True)
    if kind == pl.String:
        read = _of_column(column)
    elif kind == pl.Date:
        read = _one_day(column).with_columns(clock=pl.lit(None, pl.Int64), zone=pl.lit(""))
    elif isinstance(kind, pl.Datetime):
        if kind.time_unit == "ns":  # nothing is known before it was: what a microsecond cannot hold is the next
            column = ((column.to_physical() + 999) // 1000).cast(pl.Datetime("us", "UTC" if kind.time_zone else None))
            column = column.dt.convert_time_zone(kind.time_zone) if kind.time_zone else column
        wall = column.dt.replace_time_zone(None).cast(LOCAL)
        clock = wall.to_physical() % DAY
        read = _one_day(wall.dt.date()).with_columns(clock=clock, zone=pl.lit((kind.time_zone or "").lower()))
        exact = column.dt.convert_time_zone("UTC").cast(UTC) if kind.time_zone else exact
    elif kind.is_integer() or kind.is_float():
        read = _of_numbers(column)
    elif kind == pl.Null:
        read = pl.DataFrame({name: pl.repeat(None, len(column), dtype=t, eager=True) for name, t in _SPELLED.items()})
    else:
        raise Fault(f"{source}: column {what!r} must hold dates or times (got {kind}); convert it.")
    return read.with_columns(exact=exact)


def _one_day(days: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(dict.fromkeys(DAYS, days))


def _of_numbers(values: pl.Series) -> pl.DataFrame:
    read = of_numbers(values)
    return _one_day(read["day"]).with_columns(read["clock"], read["zone"])


def _of_column(column: pl.Series) -> pl.DataFrame:
    """Read texts, each once where many are alike."""
    text = column.str.strip_chars().set(~is_written(column), None)
    values = text.unique()
    if len(values) > len(text) // 2:
        return _of_texts(text)
    table = _of_texts(values).with_columns(text=values)
    return (
        text.to_frame("text").join(table, on="text", how="left", maintain_order="left", nulls_equal=True).drop("text")
    )


def _of_texts(text: pl.Series) -> pl.DataFrame:
    numeric = text.str.contains(_NUMBER).fill_null(False)
    if len(text) and numeric.all():
        return _of_numbers(_numbers(text))
    read = _of_words(text)
    if numeric.any():
        at = numeric.arg_true()
        numbers = _of_numbers(_numbers(text.filter(numeric)))
        clear = numbers["ymd"].is_not_null()  # the rest, such as 20 digits, was read as words
        read = pl.DataFrame([read[name].scatter(at.filter(clear), numbers[name].filter(clear)) for name in _SPELLED])
    return read


def _numbers(text: pl.Series) -> pl.Series:
    whole = text.str.replace(r"\.0*$", "")
    return whole.cast(pl.Float64 if whole.str.contains(".", literal=True).any() else pl.Int64, strict=False)


def _of_words(text: pl.Series) -> pl.DataFrame:
    """Read texts part by part, for a column has few days, few clocks and few zones; and whole where that fails."""
    parts = text.str.replace(_RUN, "$1 $2:$3:$4").str.extract_groups(_TIMED).struct.unnest()
    timed = parts["day"].is_not_null()
    days = mapped(parts["day"].zip_with(timed, text), read_one, _SPELLED)
    if not timed.any():
        return days
    clock = mapped(pl.select(parts["clock"] + parts["half"].fill_null("")).to_series(), _clock, {"clock": pl.Int64})
    zone = mapped(parts["zone"].fill_null("").set(~timed, ""), _zone, {"zone": pl.String})
    fraction = (parts["fraction"].str.pad_end(9, "0").cast(pl.Int64) + 999) // 1000
    torn = fraction.is_not_null() & (parts["clock"].str.len_bytes() < 6)
    read = pl.DataFrame({**{name: days[name] for name in DAYS}, "at": clock["clock"], "words": zone["zone"]})
    read = read.with_columns(plain=days["clock"].is_null() & (days["zone"] == ""), fraction=fraction.fill_null(0))
    fits = pl.all_horizontal("plain", pl.col("at").is_not_null(), pl.col("words").is_not_null()) & ~torn
    read = read.with_columns(clock=pl.when(fits).then(pl.col("at") + pl.col("fraction")), zone="words")
    read = read.select(pl.when(timed).then(read[name]).otherwise(days[name]).alias(name) for name in _SPELLED)
    left = (timed & read["clock"].is_null()).arg_true()
    if len(left):
        whole = mapped(text.gather(left), read_one, _SPELLED)
        read = pl.DataFrame([read[name].scatter(left, whole[name]) for name in _SPELLED])
    return read


def _clock(text: str) -> tuple[int | None]:
    return (clock_text(text),)


def _zone(text: str) -> tuple[str | None]:
    words = zone_words(plain(text))
    return (words if readings(words) is not None else None,)


def mapped(keys: pl.Series, read: Callable[[str], Any], schema: dict[str, Any]) -> pl.DataFrame:
    """Work a reading out once for each text that there is."""
    once = keys.unique().drop_nulls()
    nothing = (None,) * len(schema)
    table = pl.DataFrame([read(text) or nothing for text in once], schema=schema, orient="row").with_columns(key=once)
    return keys.to_frame("key").join(table, on="key", how="left", maintain_order="left").drop("key")
