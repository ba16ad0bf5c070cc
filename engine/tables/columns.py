"""The columns of a side table: found by their usual names, read, and what cannot be read named with its row."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from engine.faults import Fault, note
from engine.guess import did_you_mean
from engine.tables.decimals import read_numbers
from engine.tables.stamps import read_stamps
from engine.tables.table import EMPTY, Table

#: The usual names of what side tables have, without case, blanks and signs; the first is our own.
ASSET = ("asset", "symbol", "ticker", "tic", "instrument", "ric", "stock", "underlying")
SESSION = ("session", "date", "day", "since", "from", "effectivedate", "index", "level0", "unnamed0", "indexlevel0", "")
#: What an index without a name becomes.
_UNNAMED = ("index", "level0", "unnamed0", "indexlevel0", "")


def plain_header(header: str) -> str:
    """Strip a header of case, blanks and signs: "<CLOSE>", "4. close", "Close*" -> "close"."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^\s*\d+\.\s*", "", header.lower().removeprefix("\ufeff")))


def pick(table: Table, wanted: Mapping[str, Sequence[str]], needed: Collection[str]) -> pl.DataFrame:
    """Give the columns that are wanted, by our names for them; others are left alone.

    Parameters
    ----------
    wanted
        For each of our names the usual ones, as `plain_header` spells them; the first that the table has is taken.
    needed
        Which of them there must be.

    Raises
    ------
    Fault
        A column is missing, two headers mean the same, or there is no row.
    """
    frame = table.once()
    plain: dict[str, list[str]] = {}
    for header in frame.columns:
        plain.setdefault(plain_header(header), []).append(header)
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
    return frame.select(pl.col(header).alias(meaning) for meaning, header in found.items())


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


def numbers(table: Table, frame: pl.DataFrame, allowed: Mapping[str, str], *, percent: bool = False) -> pl.DataFrame:
    """Read columns of numbers as float64.

    Parameters
    ----------
    allowed
        For each column what it must hold, as a message says it: "a number from 0 to 1000".

    Raises
    ------
    Fault
        For the first row that has no number.
    """
    there = {name: frame[name] for name in allowed if name in frame.columns}
    for name, read in read_numbers(table, there, percent=tuple(there) if percent else ()).items():
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
