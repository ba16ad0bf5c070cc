"""The schema of the events table, and the check of every table that comes in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator

import polars as pl

from engine.faults import Fault, note
from engine.guess import did_you_mean
from engine.kinds import KINDS
from engine.tables.columns import ASSET, plain_header, read_shares, refuse, unit_of
from engine.tables.stamps import read_stamps
from engine.tables.table import Table
from engine.tables.units import split_unit

PRECISIONS = ("instant", "day", "inferred")

_UTC = pl.Datetime("us", "UTC")
_FIGURE = pl.Struct({"asset": pl.String, "what": pl.String, "value": pl.Float64, "unit": pl.String})

SCHEMA: dict[str, pl.DataType] = {
    "event_id": pl.String(),
    "doc_id": pl.String(),
    "kind": pl.String(),
    "assets": pl.List(pl.String),
    "strength": pl.Float64(),
    "stance": pl.Float64(),
    "happened_on": pl.Date(),
    "published_at": _UTC,
    "published_precision": pl.String(),
    "known_at": _UTC,
    "figures": pl.List(_FIGURE),
    "evidence": pl.String(),
    "evidence_start": pl.Int64(),
    "evidence_end": pl.Int64(),
    "language": pl.String(),
    "reader": pl.String(),
    "labelled_at": _UTC,
}

_CORE = ("kind", "assets", "strength", "published_at")
#: Usual names, as `plain_header` spells them, of the columns of the schema.
_USUAL = {
    **{plain_header(name): name for name in SCHEMA},
    **dict.fromkeys((*ASSET, "symbols", "tickers", "stocks"), "assets"),
    **dict.fromkeys(("published", "publishdate", "publicationdate", "publicationtime"), "published_at"),
}
#: What the index of a pandas frame is called as a column.
_INDEX = re.compile(r"index|level_\d+|__index_level_\d+__")
_SHARES = ("strength", "stance")
_BULLISH = ("denial", "support", "overdone_call")


def checked(table: Table, delay: dt.timedelta, stem: str) -> pl.DataFrame:
    """Bring a table of events into the schema, or raise a Fault; see `engine.events.Events.from_frame`.

    Parameters
    ----------
    stem
        The `doc_id` of events that have none.
    """
    whole = _complete(_coerced(table), delay, stem)
    _check(whole, table)
    return whole.sort("known_at", "event_id")


def sound(frame: object) -> pl.DataFrame:
    """Bring a table that has the schema into the order in which its events could be known, or refuse it.

    Raises
    ------
    Fault
        Where it is no polars table, lacks a column or a type of the schema, or holds a value that is out of bounds.
    """
    remedy = "Events.from_frame takes any table and makes what is missing"
    if not isinstance(frame, pl.DataFrame):
        raise Fault(f"Events must be made of a polars table (got a {type(frame).__name__}); {remedy}.")
    for name, dtype in SCHEMA.items():
        if name not in frame.columns:
            raise Fault(
                f"Events must be made of a table with the column {name!r} (got {', '.join(frame.columns)}); {remedy}."
            )
        if frame.schema[name] != dtype:
            raise Fault(
                f"Events must be made of a table whose column {name!r} holds {dtype} (got {frame.schema[name]}); {remedy}."
            )
    for name in frame.columns:
        if name not in SCHEMA:
            raise Fault(f"Events must be made of the columns of their schema alone (got {name!r} too); {remedy}.")
    table = frame.select(*SCHEMA)
    found = next(out_of_bounds(table), None)
    if found:
        raise Fault(f"events: row {found[0] + 1}{found[1]}")
    return table.sort("known_at", "event_id")


def _coerced(table: Table) -> pl.DataFrame:
    """Bring the columns that are there to the types of the schema."""
    source, headers = table.source, _named(table)
    frame = table.once()
    for name in _CORE:
        if name not in headers:
            raise Fault(
                f"{source}: column {name!r} is missing among {frame.columns}; "
                f"a table of events needs at least {', '.join(_CORE)}."
            )
    changes = [name for name in _changes(frame.columns) if frame.schema[name] not in (pl.Boolean, pl.Null)]
    _tell_left_out([header for header in frame.columns if header not in (*headers.values(), *changes)], source)
    units = {name: unit_of(table, header, name in _SHARES) for name, header in headers.items()}
    given = {name: frame[headers[name]].alias(name) for name in SCHEMA if name in headers}
    # Precisions say that the times beside them are what they say, also where all of them are midnight.
    exact = "published_precision" in given
    columns = []
    for name, column in given.items():
        try:
            columns += _cast(column, SCHEMA[name], table, exact, units[name])
        except pl.exceptions.PolarsError as error:
            cause = str(error).strip().partition("\n")[0]
            raise Fault(
                f"{source}: column {name!r} does not turn into {SCHEMA[name]} ({cause}); convert it."
            ) from error
    return _changed(pl.DataFrame(columns), [frame[header] for header in changes], table, exact)


def _changes(headers: Iterable[str]) -> list[str]:
    """Name the columns that say when a row was changed."""
    others = [header for header in headers if header not in SCHEMA]
    if not others:
        return []
    from engine.reader.columns import when_columns  # noqa: PLC0415 - the reader needs this module

    return when_columns(others, "", "")[1]


def _changed(events: pl.DataFrame, changes: list[pl.Series], table: Table, exact: bool) -> pl.DataFrame:
    """Move each publication to the last change of its row, where that is later: as it stands it was out only then."""
    for column in changes:
        note(
            f"{table.source}: column {column.name!r} says when a row was changed; of it and published_at the later counts."
        )
        known, precision = _read_instants(column, table, exact)
        later = (known > events["published_at"]).fill_null(False)
        events = events.with_columns(known.zip_with(later, events["published_at"]).alias("published_at"))
        if "published_precision" in events.columns:
            events = events.with_columns(
                precision.zip_with(later, events["published_precision"]).alias("published_precision")
            )
    return events


def _tell_left_out(names: list[str], source: str) -> None:
    """Tell the user of columns that no event keeps; the index of a pandas frame is none of them."""
    own = [name for name in names if not _INDEX.fullmatch(name)]
    if own:
        shown = ", ".join(map(repr, own[:5])) + (f" and {len(own) - 5} more" if len(own) > 5 else "")
        note(f"{source}: {len(own)} column{'s' if len(own) > 1 else ''} of no events table left out: {shown}.")


def _named(table: Table) -> dict[str, str]:
    """Find the columns of the schema: by name, else by a usual one; refuse what looks like one that is misspelled."""
    found: dict[str, str] = {}
    for header in table.headers:
        name = header if header in SCHEMA else _USUAL.get(plain_header(split_unit(header)[0]), "")
        if name and name not in table.headers[: table.headers.index(header)]:
            if name in found and header != name:
                raise Fault(
                    f"{table.source}: columns {found[name]!r} and {header!r} mean the same; leave one of them out."
                )
            found[name] = header
    changes = _changes(table.headers)
    for header in (header for header in table.headers if header not in changes):
        guess = did_you_mean(header.lower(), [name for name in SCHEMA if name not in found])
        if header not in found.values() and guess:
            raise Fault(
                f"{table.source}: column {header!r} is not one of the events table{guess}; rename it or leave it out."
            )
    return found


def _cast(column: pl.Series, dtype: pl.DataType, table: Table, exact: bool, unit: str) -> list[pl.Series]:
    """Bring a column to its type; with it comes the precision of times that are days."""
    name, source = column.name, table.source
    if column.dtype == pl.Null:
        return [column.cast(dtype)]
    if dtype == _UTC:
        return _to_instants(column, table, exact)
    if name == "figures":
        return [_to_figures(column, source)]
    if dtype.is_numeric() and (column.dtype == pl.String or (unit and column.dtype.is_numeric())):
        column = _to_numbers(column, dtype, table, unit)
    elif column.dtype == pl.String and name == "assets":
        column = _to_lists(column)
    elif dtype == pl.Date:
        column = _to_days(column, table)
    allowed: dict[str, Callable[[pl.DataType], bool]] = {
        "Float64": lambda found: found.is_numeric(),
        "Int64": lambda found: found.is_integer(),
        "Date": lambda found: found == pl.Date,
        "List": lambda found: found in (pl.List(pl.String), pl.List(pl.Null), pl.List(pl.Categorical)),
        "String": lambda found: (
            found in (pl.String, pl.Categorical, pl.Enum) or (found.is_integer() and name.endswith("_id"))
        ),
    }
    if not allowed[str(dtype.base_type())](column.dtype):
        shown = column.drop_nulls().head(1).to_list()
        raise Fault(
            f"{source}: column {name!r} holds {column.dtype} such as {shown}, but must hold {dtype}; convert it."
        )
    return [column.cast(dtype)]


def _to_numbers(column: pl.Series, dtype: pl.DataType, table: Table, unit: str) -> pl.Series:
    values, wrong = read_shares(table, {column.name: column}, {column.name: unit})[column.name]
    whole = values.round() == values if dtype.is_integer() else ~wrong
    refuse(table, column, wrong | ~whole.fill_null(True), f"a {'whole ' if dtype.is_integer() else ''}number")
    return values.cast(dtype)


def _to_lists(column: pl.Series) -> pl.Series:
    """Part symbols in a text by blanks, commas, "|" or ";"; also lists as Python writes them."""
    bare = column.str.replace_all(r"""^\s*[\[(]|[\])]\s*$|['"]""", "")
    parts = bare.str.strip_chars().str.replace_all(r"[\s|;,]+", "|").str.split("|")
    return parts.list.eval(pl.element().filter(pl.element() != ""))


def _to_days(column: pl.Series, table: Table) -> pl.Series:
    stamps = read_stamps(column, what=column.name, source=table.source, order=table.style.dates)
    timed = (stamps.local != stamps.local.dt.truncate("1d")).fill_null(False)
    refuse(table, column, stamps.unread | timed, "a day, such as 2025-01-28")
    return stamps.local.dt.date().alias(column.name)


def _to_instants(column: pl.Series, table: Table, exact: bool) -> list[pl.Series]:
    known, precision = _read_instants(column, table, exact)
    return [known, precision] if column.name == "published_at" and not exact else [known]


def _read_instants(column: pl.Series, table: Table, exact: bool) -> tuple[pl.Series, pl.Series]:
    """Turn a column of times into UTC, and tell days; a time without a zone is an error, for nobody can know when it was."""
    if exact and isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        instants = pl.repeat("instant", len(column), dtype=pl.String, eager=True).alias("published_precision")
        return column.dt.convert_time_zone("UTC").cast(_UTC), instants
    allowed = "a time with its zone, such as 2025-01-28T05:32+08:00"
    stamps = read_stamps(column, what=column.name, source=table.source, order=table.style.dates, tell_days=not exact)
    refuse(table, column, stamps.unread, allowed)
    zoneless = stamps.local.is_not_null() & stamps.known.is_null()
    refuse(table, column, zoneless, allowed, "name its zone; of a day, too, which counts as its end there")
    for sentence in stamps.notes:
        note(f"{table.source}: {sentence}")
    precision = pl.select(pl.when(stamps.is_day).then(pl.lit("day")).otherwise(pl.lit("instant"))).to_series()
    return stamps.known.alias(column.name), precision.alias("published_precision")


def _to_figures(column: pl.Series, source: str) -> pl.Series:
    fields = {field.name for field in _FIGURE.fields}
    inner = column.dtype.inner if isinstance(column.dtype, pl.List) else None
    if inner == pl.Null:
        return pl.Series(column.name, [[] for _ in range(len(column))], SCHEMA["figures"])
    given = {field.name for field in inner.fields} if isinstance(inner, pl.Struct) else set()
    if not {"what", "value", "unit"} <= given <= fields:
        raise Fault(
            f"{source}: column 'figures' holds {column.dtype}, but must hold lists of structs with the fields asset "
            "(optional), what, value and unit; leave the column out if there are none."
        )
    element = pl.element().struct
    ordered = [
        (element.field(field.name) if field.name in given else pl.lit(None)).cast(field.dtype).alias(field.name)
        for field in _FIGURE.fields
    ]
    return column.list.eval(pl.struct(ordered)).cast(SCHEMA["figures"])


def _complete(table: pl.DataFrame, delay: dt.timedelta, stem: str) -> pl.DataFrame:
    """Make what may be left out, as the docstring of `from_frame` says."""
    row = pl.int_range(1, pl.len() + 1).cast(pl.String)
    no_figures = pl.lit(pl.Series([[]], dtype=SCHEMA["figures"])).first()
    makers: dict[str, pl.Expr] = {
        "doc_id": pl.lit(stem),
        "event_id": pl.col("doc_id") + "#" + row,
        "stance": pl.when(pl.col("kind").is_in(list(_BULLISH))).then(1.0).otherwise(-1.0),
        "happened_on": pl.lit(None, pl.Date),
        "published_precision": pl.lit("instant"),
        "known_at": pl.col("published_at") + pl.lit(delay, pl.Duration("us")),
        "figures": no_figures,
        "evidence": pl.lit(""),
        "evidence_start": pl.lit(0, pl.Int64),
        "evidence_end": pl.col("evidence_start") + pl.col("evidence").str.len_chars().cast(pl.Int64),
        "language": pl.lit("und"),  # BCP 47: undetermined
        "reader": pl.lit("table"),
        "labelled_at": pl.col("known_at"),
    }
    for name, made in makers.items():
        value = pl.coalesce(pl.col(name), made) if name in table.columns else made
        table = table.with_columns(value.alias(name))
    return table.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def _check(whole: pl.DataFrame, table: Table) -> None:
    """Raise a Fault for the first value that is out of bounds."""
    found = next(out_of_bounds(whole), None)
    if found:
        row, reason = found
        raise Fault(f"{table.at(row)}{reason}")


def out_of_bounds(table: pl.DataFrame) -> Iterator[tuple[int, str]]:
    """Yield each value of a table that has the schema but is out of bounds: its row, from 0, and what is wrong with it.

    A row with several comes several times, by column.
    """
    for name, bad, allowed in _rules():
        # NaN lies between no bounds; `is_between` answers false to it, as it should.
        for row in table.select(bad.fill_null(False).arg_true()).to_series():
            found = table[name][row]
            shown = found.to_list() if isinstance(found, pl.Series) else found
            text = shown.isoformat() if isinstance(shown, dt.datetime) else repr(shown)
            guess = did_you_mean(str(shown), KINDS) if name == "kind" else ""
            event = f" ({table['event_id'][row]})" if name != "event_id" else ""
            yield row, f"{event}: {name}={text} {allowed}{guess}."


def _rules() -> list[tuple[str, pl.Expr, str]]:
    """What must not hold of a row: the column, the condition, and what is asked for instead."""
    element = pl.element()
    value = element.struct.field
    stripped = element.str.strip_chars()
    blank = pl.col("assets").list.eval(element.is_null() | (stripped == "") | (stripped != element)).list.any()
    repeated = pl.col("assets").list.n_unique() != pl.col("assets").list.len()
    unread = pl.col("figures").list.eval(value("value").is_null() | ~value("value").is_finite()).list.any()
    unnamed = pl.col("figures").list.eval(value("what").is_null() | value("unit").is_null()).list.any()
    return [
        *((name, pl.col(name).is_null(), "must not be empty; give a value") for name in _CORE),
        ("kind", ~pl.col("kind").is_in(list(KINDS)), f"is none of the kinds {', '.join(KINDS)}"),
        ("event_id", pl.col("event_id") == "", "must not be empty; give each its own"),
        ("event_id", ~pl.col("event_id").is_first_distinct(), "stands in an earlier row too; give each its own"),
        (
            "assets",
            (pl.col("assets").list.len() == 0) | blank,
            "must name at least one asset, none of them empty or with blanks around it",
        ),
        ("assets", repeated, "names an asset twice; name each once"),
        ("strength", ~pl.col("strength").is_between(0.0, 1.0), "must lie in 0..1"),
        ("stance", ~pl.col("stance").is_between(-1.0, 1.0), "must lie in -1 (bearish)..+1 (bullish)"),
        ("published_precision", ~pl.col("published_precision").is_in(list(PRECISIONS)), f"is none of {PRECISIONS}"),
        ("known_at", pl.col("known_at") < pl.col("published_at"), "lies before published_at"),
        ("evidence_start", pl.col("evidence_start") < 0, "must not be negative; count characters from 0"),
        ("evidence_end", pl.col("evidence_end") < pl.col("evidence_start"), "must not lie before evidence_start"),
        ("figures", unread, "has a figure whose value is missing, NaN or infinite; give a finite number"),
        ("figures", unnamed, "has a figure without 'what' or 'unit'; name both"),
    ]
