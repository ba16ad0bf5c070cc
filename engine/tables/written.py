"""A column of dates and times -> what is written in each row: the day in each order, the clock, the zone's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import polars as pl

from engine.faults import Fault
from engine.tables.numbers import of_numbers
from engine.tables.spelling import DAY, Order, clock_text, plain, read_one, zone_words
from engine.tables.zones import readings

LOCAL: Final = pl.Datetime("us")
UTC: Final = pl.Datetime("us", "UTC")
DAYS: Final = {"ymd": pl.Date, "mdy": pl.Date, "dmy": pl.Date}
_SPELLED: Final = {**DAYS, "clock": pl.Int64, "zone": pl.String}
EMPTY: Final = r"(?i)^\s*(null|none|nan|na|n/a|#n/a|-|nat|<na>|0|0000-00-00([ T]00:00:00)?|false)?\s*$"
_SAMPLE: Final = 50_000  # rows that are looked at to see whether many are alike
_NUMBER: Final = r"^\d+(\.\d*)?$"
_RUN: Final = r"^(\d{8})[Tt ](\d{2})(\d{2})(\d{2})"
_TIMED: Final = (
    r"^(?<day>.*?\d)(?:[ T]|, )+(?<clock>\d{1,2}:\d{2}(?::\d{2})?)(?:[.,](?<fraction>\d{1,9})\d*)?"
    r"\s*(?<half>[AaPp][Mm])?\s*(?<zone>[^\d:.,\s].*)?$"
)


class Spelled(NamedTuple):
    """What is written in each row.

    Attributes
    ----------
    days
        The day in each order, columns ymd, mdy, dmy; or ymd alone, where the order makes no difference.
    clock
        int64, microseconds since the day's midnight; null where no time of day is said.
    zone
        The words of the zone; "" where there are none.
    exact
        datetime[us, UTC] of a column that holds instants, else None.
    """

    days: pl.DataFrame
    clock: pl.Series
    zone: pl.Series
    exact: pl.Series | None = None

    def day(self, order: Order) -> pl.Series:
        """Give the day of each row, read in an order."""
        return self.days[order if order in self.days.columns else "ymd"]


def is_written(column: pl.Series) -> pl.Series:
    """Tell where something is written: no null, no NaN, no zero, no text that stands for one, such as 0000-00-00."""
    if column.dtype == pl.String:
        return ~column.str.contains(EMPTY).fill_null(True)
    if column.dtype.is_float():
        return (column.is_not_nan() & (column != 0)).fill_null(False)
    return (column != 0).fill_null(False) if column.dtype.is_integer() else column.is_not_null()


def spelled(column: pl.Series, what: str, source: str) -> Spelled:
    """Read what is written in each row of a column.

    Raises
    ------
    Fault
        The column is of a type that holds no dates, times, numbers or texts.
    """
    kind = column.dtype
    if isinstance(kind, (pl.Categorical, pl.Enum)):
        column, kind = column.cast(pl.String), pl.String()
    if kind == pl.Null:
        column, kind = column.cast(pl.Date), pl.Date()
    if kind == pl.String:
        read = _of_column(column)
        return Spelled(read.select(*DAYS), read["clock"], read["zone"])
    if kind == pl.Date:
        return Spelled(column.to_frame("ymd"), same(None, len(column), pl.Int64), same("", len(column)))
    if kind.is_integer() or kind.is_float():
        read = of_numbers(column)
        return Spelled(read.select(ymd="day"), read["clock"], read["zone"])
    if not isinstance(kind, pl.Datetime):
        raise Fault(f"{source}: column {what!r} must hold dates or times (got {kind}); convert it.")
    if kind.time_unit == "ns":  # nothing is known before it was: what a microsecond cannot hold is the next
        utc = ((column.to_physical() + 999) // 1000).cast(pl.Datetime("us", "UTC" if kind.time_zone else None))
        column = utc.dt.convert_time_zone(kind.time_zone) if kind.time_zone else utc
    wall = column.dt.replace_time_zone(None).cast(LOCAL)
    zone = same((kind.time_zone or "").lower(), len(column))
    exact = column.dt.convert_time_zone("UTC").cast(UTC) if kind.time_zone else None
    return Spelled(wall.dt.date().to_frame("ymd"), wall.to_physical() % DAY, zone, exact)


def same(value: str | None, length: int, kind: pl.DataType | type[pl.DataType] = pl.String) -> pl.Series:
    """Give a series of one value."""
    return pl.repeat(value, length, dtype=kind, eager=True)


def _of_numbers(values: pl.Series) -> pl.DataFrame:
    read = of_numbers(values)
    return read.select(*(pl.col("day").alias(name) for name in DAYS), "clock", "zone")


def _of_column(column: pl.Series) -> pl.DataFrame:
    """Read texts, each once where many are alike."""
    sample = column.gather_every(max(1, len(column) // _SAMPLE))
    if 2 * sample.n_unique() > len(sample):
        return _of_texts(_stripped(column))
    values = column.unique()
    table = _of_texts(_stripped(values)).with_columns(text=values)
    joined = column.to_frame("text").join(table, on="text", how="left", maintain_order="left", nulls_equal=True)
    return joined.drop("text")


def _stripped(column: pl.Series) -> pl.Series:
    return column.str.strip_chars().set(~is_written(column), None)


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
    once = keys.unique()
    nothing = (None,) * len(schema)
    if len(once) == 1 and once[0] is not None:
        values = zip(schema.items(), read(once[0]) or nothing, strict=True)
        return pl.DataFrame({name: same(value, len(keys), kind) for (name, kind), value in values})
    once = once.drop_nulls()
    table = pl.DataFrame([read(text) or nothing for text in once], schema=schema, orient="row").with_columns(key=once)
    return keys.to_frame("key").join(table, on="key", how="left", maintain_order="left").drop("key")
