"""The columns of a side table: found by their usual names, read, and what cannot be read named with its row."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from engine.faults import Fault, note
from engine.guess import did_you_mean
from engine.tables.decimals import Numbers, read_numbers
from engine.tables.stamps import read_stamps
from engine.tables.table import EMPTY, Table
from engine.tables.units import DIVISORS, split_unit

#: The usual names of what side tables have, without case, blanks and signs; the first is our own.
ASSET = ("asset", "symbol", "ticker", "tic", "instrument", "ric", "stock", "underlying")
SESSION = ("session", "date", "day", "since", "from", "effectivedate", "index", "level0", "unnamed0", "indexlevel0", "")
#: What an index without a name becomes.
_UNNAMED = ("index", "level0", "unnamed0", "indexlevel0", "")


def plain_header(header: str) -> str:
    """Strip a header of case, blanks and signs: "<CLOSE>", "4. close", "Close*" -> "close"."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^\s*\d+\.\s*", "", header.lower().removeprefix("\ufeff")))


def pick(
    table: Table, wanted: Mapping[str, Sequence[str]], needed: Collection[str], shares: Collection[str] = ()
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Give the columns that are wanted, by our names for them, and the units that their headers name; others are left alone.

    Parameters
    ----------
    wanted
        For each of our names the usual ones, as `plain_header` spells them; the first that the table has is taken.
    needed
        Which of them there must be.
    shares
        Those that may be in percent or in basis points; others have no unit.

    Raises
    ------
    Fault
        A column is missing, two headers mean the same, one names another unit, or there is no row.
    """
    frame = table.once()
    plain: dict[str, list[str]] = {}
    for header in frame.columns:
        plain.setdefault(plain_header(split_unit(header)[0]), []).append(header)
    found: dict[str, str] = {}
    for meaning, names in wanted.items():
        there = [header for name in names for header in plain.get(name, [])]
        there = [header for header in there if plain_header(header) not in _UNNAMED] or there[:1]
        if not there:
            continue
        if len(there) > 1 and plain_header(there[0]) != names[0]:
            raise Fault(f"{table.source}: columns {there[0]!r} and {there[1]!r} mean the same; leave one of them out.")
        found[meaning] = there[0]
    for name in needed:
        if name not in found:
            spare = [header for header in frame.columns if header not in found.values()]
            near = next((header for header in spare if did_you_mean(header.lower(), [name, *wanted[name]])), None)
            listed = ", ".join(map(repr, frame.columns)) or "none"
            remedy = f"add it, or rename {near!r}" if near is not None else "add it"
            raise Fault(f"{table.source} must have a column {name!r} (got {listed}); {remedy}.")
    if frame.is_empty():
        raise Fault(f"{table.source} must have rows (got none); give some, or leave the table out.")
    units = {meaning: unit_of(table, header, meaning in shares) for meaning, header in found.items()}
    return frame.select(pl.col(header).alias(meaning) for meaning, header in found.items()), units


def unit_of(table: Table, header: str, is_share: bool) -> str:
    """Give the unit that a header names, and tell the user what comes of it; "" where it names none.

    Raises
    ------
    Fault
        For a unit that the column cannot have.
    """
    name, unit = split_unit(header)
    if not unit:
        return ""
    if not is_share or unit not in DIVISORS:
        allowed = "a share, or its percent or basis points" if is_share else "values without a unit"
        raise Fault(
            f"{table.source}: column {header!r} must hold {allowed} (got {unit}); convert it and name it {name!r}."
        )
    note(f"{table.source}: column {header!r} is in {unit}; its values are divided by {DIVISORS[unit]:,.0f}.")
    return unit


def read_shares(table: Table, columns: Mapping[str, pl.Series], units: Mapping[str, str]) -> dict[str, Numbers]:
    """Read columns of shares, of which 36% is 0.36 and, in a column of percent, 36 too.

    Parameters
    ----------
    columns
        By name; texts or numbers.
    units
        What `unit_of` gives for each, or nothing.
    """
    bare = dict(columns)
    for name, column in columns.items():
        if DIVISORS.get(units.get(name, "")) == 100 and column.dtype == pl.String:
            bare[name] = column.str.replace(r"\s*%\s*$", "")
    read = read_numbers(table, bare, percent=tuple(name for name in columns if not units.get(name)))
    for name, unit in units.items():
        if unit and name in read:
            read[name] = Numbers(read[name].values / DIVISORS[unit], read[name].wrong)
    return read


def symbols(table: Table, column: pl.Series) -> pl.Series:
    """Give symbols as they are written, without blanks around them.

    Raises
    ------
    Fault
        For the first row that has none.
    """
    text = column.cast(pl.String).str.strip_chars()
    empty = text.is_null() | (text == "")
    if empty.any():
        raise Fault(f"{table.at(_first(empty))}: {column.name} must name a symbol (got nothing); fill it in.")
    return text.alias(column.name)


def numbers(table: Table, frame: pl.DataFrame, allowed: Mapping[str, str], units: Mapping[str, str]) -> pl.DataFrame:
    """Read columns of shares as float64.

    Parameters
    ----------
    allowed
        For each column what it must hold, as a message says it: "a number from 0 to 1000".
    units
        Those that `pick` gives.

    Raises
    ------
    Fault
        For the first row that has no number.
    """
    there = {name: frame[name] for name in allowed if name in frame.columns}
    for name, read in read_shares(table, there, {name: units.get(name, "") for name in there}).items():
        refuse(table, there[name], read.wrong | read.values.is_null(), allowed[name])
        frame = frame.with_columns(read.values.alias(name))
    return frame


def days(table: Table, column: pl.Series) -> pl.Series:
    """Read a column of days.

    Raises
    ------
    Fault
        For the first row that has none, or has a time of day.
    """
    stamps = read_stamps(column, what=column.name, source=table.source, order=table.style.dates)
    midnight = (stamps.local == stamps.local.dt.truncate("1d")).fill_null(False)
    refuse(table, column, ~midnight, "a date, such as 2025-01-31")
    return stamps.local.dt.date().alias(column.name)


def instants(table: Table, column: pl.Series) -> pl.Series:
    """Read a column of instants, datetime[us, UTC]; a day counts as its end in its own zone.

    Raises
    ------
    Fault
        For the first row that has no time, or no time zone.
    """
    stamps = read_stamps(column, what=column.name, source=table.source, order=table.style.dates)
    allowed = "a time with its zone, such as 2025-01-28T05:32+08:00"
    refuse(table, column, stamps.local.is_null(), allowed)
    refuse(table, column, stamps.known.is_null(), allowed, "name its zone")
    for sentence in stamps.notes:
        note(f"{table.source}: {sentence}")
    return stamps.known.alias(column.name)


def refuse(table: Table, column: pl.Series, wrong: pl.Series, allowed: str, remedy: str = "correct it") -> None:
    """Refuse the first row of a column that is wrong."""
    if wrong.any():
        row = _first(wrong)
        value = column[row]
        blank = value is None or (isinstance(value, str) and value.strip().lower() in EMPTY)
        shown = "nothing" if blank else repr(value) if isinstance(value, str) else str(value)
        raise Fault(
            f"{table.at(row)}: {column.name} must be {allowed} (got {shown}); {'fill it in' if blank else remedy}."
        )


def _first(wrong: pl.Series) -> int:
    return int(wrong.fill_null(True).arg_true()[0])
