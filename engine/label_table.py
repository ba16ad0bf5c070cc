"""Somebody's labels -> events: columns by any name, days at their end, and everything that is wrong said at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from engine.event_rules import rules
from engine.event_table import SCHEMA, USUAL, changes_of, completed_events, to_lists, to_switches
from engine.faults import Fault, note
from engine.guess import did_you_mean
from engine.kinds import KINDS, Kind, built_in, slip
from engine.tables.columns import plain_header, read_shares, unit_of
from engine.tables.stamps import read_stamps
from engine.tables.table import EMPTY, Table
from engine.tables.units import split_unit
from engine.tables.zones import check_zone

_NEEDED = ("kind", "assets", "published_at")
_SHARES = ("strength", "stance", "confidence", "relevance", "novelty")
_TIMES = ("published_at", "known_at", "labelled_at")
_WORDS = ("event_id", "doc_id", "evidence", "language", "reader", "source", "document_kind")
_TAKEN = ("kind", "assets", *_SHARES, *_TIMES, "happened_on", "hindsight", *_WORDS)


@dataclass
class _Wrong:
    """What is wrong with the rows of a table: each sort once, with how many rows have it and the first of them."""

    table: Table
    sorts: list[str] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)
    cells: dict[str, set[int]] = field(default_factory=dict)

    def add(self, column: str, wrong: pl.Series, given: pl.Series, allowed: str) -> None:
        """Note the rows in which a column is wrong; a cell is told of once."""
        told = self.cells.setdefault(column, set())
        rows = [row for row in wrong.fill_null(False).arg_true() if row not in told]
        if rows:
            told.update(rows)
            self.rows.update(rows)
            value = given[rows[0]]
            shown = value.to_list() if isinstance(value, pl.Series) else value
            got = "nothing" if shown is None else repr(str(shown)) if isinstance(shown, dt.date) else repr(shown)
            place = f"{'line' if self.table.in_lines else 'row'} {self.table.rows[rows[0]]}"
            count = f"{len(rows):,} rows, the first {place}" if len(rows) > 1 else place
            self.sorts.append(f"{column} {allowed} ({count}: got {got})")

    def refuse(self) -> None:
        """Raise one Fault for all of it."""
        if self.sorts:
            count = f"{len(self.rows):,} of {self.table.frame.height:,} rows do not" if self.rows else "it does not"
            raise Fault(f"{self.table.source} must hold events ({count}): {'; '.join(self.sorts)}; correct them.")


def labels_to_events(
    table: Table,
    columns: Mapping[str, str],
    zone: str | None,
    kinds: Mapping[str, Kind],
    delay: dt.timedelta,
    stem: str,
) -> pl.DataFrame:
    """Bring a table of labels into the schema of events; see `engine.events.Events.import_table`.

    Parameters
    ----------
    columns
        Column of events -> column of the table.
    zone
        Of days, and of times that name none.
    kinds
        Kinds that the fourteen lack.
    stem
        The `doc_id` of events that have none.
    """
    check_zone(zone, "zone")
    if table.frame.is_empty():
        raise Fault(f"{table.source} must have rows (got none); give a table of labels.")
    frame, wrong = table.once(), _Wrong(table)
    headers = _headers(table, columns)
    worth = {**built_in(), **kinds}
    made: dict[str, pl.Series] = {}
    for name, header in headers.items():
        for column in _read(name, frame[header], header, table, zone, wrong):
            made.setdefault(column.name, column)
    for header in _changes(table, headers):
        _move(made, frame[header], table, zone, wrong)
    _weigh(made, worth, wrong)
    events = completed_events(pl.DataFrame(made), delay, stem, kinds)
    for name, bad, allowed in rules():
        wrong.add(name, events.select(bad.alias("bad"))["bad"], events[name], allowed)
    wrong.refuse()
    return events.sort("known_at", "event_id")


def _headers(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """Find the columns: as the user says, else by their names."""
    there = table.headers
    for name, header in columns.items():
        if name not in _TAKEN:
            raise Fault(
                f"columns must map columns of events (got {name!r}){did_you_mean(name, _TAKEN)}; known are {', '.join(_TAKEN)}."
            )
        if header not in there:
            raise Fault(
                f"{table.source} must have the column {header!r} that is given for {name}{did_you_mean(header, there)} "
                f"(got {', '.join(map(repr, there))}); name one of them."
            )
    found = dict(columns)
    for header in there:
        name = header if header in SCHEMA else USUAL.get(plain_header(split_unit(header)[0]), "")
        if name in _TAKEN and name not in found and header not in found.values():
            found[name] = header
    lacking = [name for name in _NEEDED if name not in found]
    if lacking:
        spare = [header for header in there if header not in found.values()]
        raise Fault(
            f"{table.source} must say {' and '.join(lacking)} of each event (got the columns {', '.join(map(repr, there))}); "
            f"name the column, as in {lacking[0]}={spare[0] if spare else 'column'}."
        )
    unused = [header for header in there if header not in (*found.values(), *_changes(table, found))]
    if unused:
        shown = ", ".join(map(repr, unused[:5])) + (f" and {len(unused) - 5} more" if len(unused) > 5 else "")
        note(f"{table.source}: {len(unused)} column{'s' if len(unused) > 1 else ''} left out: {shown}.")
    return found


def _changes(table: Table, headers: Mapping[str, str]) -> list[str]:
    """Name the columns that say when a row was changed."""
    return changes_of([header for header in table.headers if header not in headers.values()])


def _move(made: dict[str, pl.Series], column: pl.Series, table: Table, zone: str | None, wrong: _Wrong) -> None:
    """Move each publication to the last change of its row, where that is later: as it stands it was out only then."""
    note(
        f"{table.source}: column {column.name!r} says when a row was changed; of it and published_at the later counts."
    )
    known = next(_times(column, table, zone, wrong))
    later = (known > made["published_at"]).fill_null(False)
    made["published_at"] = known.zip_with(later, made["published_at"]).alias("published_at")


def _read(
    name: str, column: pl.Series, header: str, table: Table, zone: str | None, wrong: _Wrong
) -> Iterator[pl.Series]:
    """Read one column as the type of the schema; what cannot be read is null, and told."""
    column = column.alias(name)
    try:
        if name in _SHARES:
            yield _shares(column, unit_of(table, header, True), table, wrong)
        elif name in _TIMES:
            yield from _times(column, table, zone, wrong)
        elif name == "happened_on":
            stamps = read_stamps(column, what=header, source=table.source, zone=zone, order=table.style.dates)
            wrong.add(name, stamps.unread, column, "must be a day, such as 2025-01-28")
            yield stamps.local.dt.date().alias(name)
        elif name == "hindsight":
            switches, unread = to_switches(column)
            wrong.add(name, unread, column, "must be true or false")
            yield switches
        elif name == "assets":
            yield _assets(column, wrong)
        elif name == "kind":
            yield _kinds(_text(column, wrong), table)
        else:
            yield _text(column, wrong)
    except Fault as fault:  # of the column as a whole
        wrong.sorts.append(str(fault).rstrip("."))
        yield pl.Series(name, [None] * len(column), SCHEMA[name])
        wrong.cells[name] = set(range(len(column)))


def _text(column: pl.Series, wrong: _Wrong) -> pl.Series:
    """Give a column as text, null where it says that there is nothing."""
    if column.dtype.is_nested():
        wrong.add(column.name, column.is_not_null(), column, "must be a text")
        return pl.Series(column.name, [None] * len(column), pl.String)
    text = column.cast(pl.String, strict=False).str.strip_chars()
    empty = text.str.to_lowercase().is_in(list(EMPTY)).fill_null(False)
    return text.set(empty, None).alias(column.name)


def _assets(column: pl.Series, wrong: _Wrong) -> pl.Series:
    inner = column.dtype.inner if isinstance(column.dtype, pl.List) else None
    if column.dtype.is_nested() and (inner is None or inner.is_nested()):
        wrong.add("assets", column.is_not_null(), column, "must be a text or a list of texts")
        return pl.Series("assets", [None] * len(column), pl.List(pl.String))
    # In a text, NA is a symbol like any other.
    lists = column.cast(pl.List(pl.String)) if inner is not None else to_lists(column.cast(pl.String, strict=False))
    return lists.list.unique(maintain_order=True).alias("assets")


def _kinds(text: pl.Series, table: Table) -> pl.Series:
    """Give the names of kinds as tocsin writes them: "Bubble warning" is bubble_warning."""
    plain = text.str.to_lowercase().str.replace_all(r"[\s\-/]+", "_")
    changed = text.filter((plain != text).fill_null(False)).unique(maintain_order=True)
    if len(changed):
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        note(f"{table.source}: kinds are written in lower case with underscores ({', '.join(changed.head(3))}{more}).")
    return plain.alias("kind")


def _shares(column: pl.Series, unit: str, table: Table, wrong: _Wrong) -> pl.Series:
    if not (column.dtype == pl.String or column.dtype.is_numeric() or column.dtype == pl.Null):
        wrong.add(column.name, column.is_not_null(), column, "must be a number")
        return pl.Series(column.name, [None] * len(column), pl.Float64)
    values, unread = read_shares(table, {column.name: column}, {column.name: unit})[column.name]
    wrong.add(column.name, unread, column, "must be a number")
    high = (
        "must lie in -1 (bearish)..+1 (bullish)"
        if column.name == "stance"
        else "must lie in 0..1; write 80 of 100 as 80%"
    )
    low = -1.0 if column.name == "stance" else 0.0
    wrong.add(column.name, ~values.is_between(low, 1.0), column, high)
    return values.alias(column.name)


def _times(column: pl.Series, table: Table, zone: str | None, wrong: _Wrong) -> Iterator[pl.Series]:
    stamps = read_stamps(
        column, what=column.name, source=table.source, zone=zone, order=table.style.dates, tell_days=True
    )
    wrong.add(column.name, stamps.unread, column, "must be a time or a day, such as 2025-01-28T05:32+08:00")
    zoneless = stamps.local.is_not_null() & stamps.known.is_null()
    wrong.add(column.name, zoneless, column, "must have a zone, or the table one, such as --zone Europe/Paris")
    for sentence in stamps.notes:
        note(f"{table.source}: {sentence}")
    yield stamps.known.alias(column.name)
    if column.name == "published_at":
        days = pl.select(pl.when(stamps.is_day).then(pl.lit("day")).otherwise(pl.lit("instant"))).to_series()
        yield days.alias("published_precision")


def _weigh(made: dict[str, pl.Series], worth: Mapping[str, Kind], wrong: _Wrong) -> None:
    """Fill in strength and stance by kind, and tell of kinds of which nobody said what they are worth."""
    kind = made["kind"]
    for part in ("strength", "stance"):  # of what has no kind, that is told alone
        wrong.cells.setdefault(part, set()).update(kind.is_null().arg_true())
    blank = pl.Series([None] * len(kind), dtype=pl.Float64)
    strength, stance = made.get("strength", blank), made.get("stance", blank)
    for name in kind.drop_nulls().unique(maintain_order=True):
        if name in worth:
            continue
        rows, meant = kind == name, slip(name, KINDS)
        unsaid = rows & (strength.is_null() | stance.is_null())
        if meant or unsaid.any():
            guess = f" (did you mean {meant!r}?)" if meant else ""
            remedy = f"must be a known kind{guess}; correct it, or say its sign and base strength, such as --kind {name}=-1*0.5"
            wrong.add("kind", rows if meant else unsaid, kind, remedy)
            for part in ("strength", "stance"):
                wrong.cells.setdefault(part, set()).update(rows.fill_null(False).arg_true())
    bases = {name: kind.base for name, kind in worth.items()}
    base = kind.replace_strict(bases, default=None, return_dtype=pl.Float64)
    made["strength"] = strength.zip_with(strength.is_not_null(), base).alias("strength")
