"""The schema of the events table, and the check of every table that comes in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping

import polars as pl

from engine.event_rules import CORE, out_of_bounds
from engine.faults import Fault, note
from engine.guess import did_you_mean
from engine.kinds import KINDS, Kind, built_in, slip
from engine.tables.columns import ASSET, plain_header, read_shares, refuse, unit_of
from engine.tables.stamps import read_stamps
from engine.tables.table import EMPTY, Table
from engine.tables.units import split_unit

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
    "confidence": pl.Float64(),
    "relevance": pl.Float64(),
    "novelty": pl.Float64(),
    "hindsight": pl.Boolean(),
    "source": pl.String(),
    "document_kind": pl.String(),
}

#: What a table that lacks these columns, or has a null in one, means by it.
OPTIONAL: dict[str, float | bool | str] = {
    "confidence": 1.0, "relevance": 1.0, "novelty": 1.0, "hindsight": False, "source": "", "document_kind": "",
}  # fmt: skip

#: Usual names, as `plain_header` spells them, of the columns of the schema.
USUAL = {
    **{plain_header(name): name for name in SCHEMA},
    **dict.fromkeys((*ASSET, "symbols", "tickers", "stocks"), "assets"),
    **dict.fromkeys(("published", "publishdate", "publicationdate", "publicationtime"), "published_at"),
}
#: What the index of a pandas frame is called as a column.
_INDEX = re.compile(r"index|level_\d+|__index_level_\d+__")
_SHARES = ("strength", "stance", "confidence", "relevance", "novelty")
_SWITCHES = {"true": True, "yes": True, "1": True, "1.0": True, "false": False, "no": False, "0": False, "0.0": False}


def checked(
    table: Table, delay: dt.timedelta, stem: str, kinds: Mapping[str, Kind] | None = None, *, ours: bool = False
) -> pl.DataFrame:
    """Bring a table of events into the schema, or raise a Fault; see `engine.events.Events.from_frame`.

    Parameters
    ----------
    stem
        The `doc_id` of events that have none.
    kinds
        What the user's own kinds are worth, as far as he says.
    ours
        Whether the table was checked before it was written, so that its kinds are meant as they are.
    """
    declared = kinds or {}
    whole = completed_events(_coerced(table), delay, stem, declared)
    if not ours:
        _refuse_slips(whole, table, declared)
    _check(whole, table)
    return whole.sort("known_at", "event_id")


def completed(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the optional columns that a table lacks, as one written by an earlier version does."""
    return frame.with_columns(
        pl.lit(value, SCHEMA[name]).alias(name) for name, value in OPTIONAL.items() if name not in frame.columns
    )


def sound(frame: object) -> pl.DataFrame:
    """Bring a table that has the schema into the order in which its events could be known, or refuse it.

    The columns in ``OPTIONAL`` may be missing.

    Raises
    ------
    Fault
        Where it is no polars table, lacks a column or a type of the schema, or holds a value that is out of bounds.
    """
    remedy = "Events.from_frame takes any table and makes what is missing"
    if not isinstance(frame, pl.DataFrame):
        raise Fault(f"Events must be made of a polars table (got a {type(frame).__name__}); {remedy}.")
    frame = completed(frame)
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
    for name in CORE:
        if name not in headers:
            raise Fault(
                f"{source}: column {name!r} is missing among {frame.columns}; "
                f"a table of events needs at least {', '.join(CORE)}."
            )
    changes = [name for name in changes_of(frame.columns) if frame.schema[name] not in (pl.Boolean, pl.Null)]
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


def changes_of(headers: Iterable[str]) -> list[str]:
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
        name = header if header in SCHEMA else USUAL.get(plain_header(split_unit(header)[0]), "")
        if name and name not in table.headers[: table.headers.index(header)]:
            if name in found and header != name:
                raise Fault(
                    f"{table.source}: columns {found[name]!r} and {header!r} mean the same; leave one of them out."
                )
            found[name] = header
    changes = changes_of(table.headers)
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
        column = to_lists(column)
    elif dtype == pl.Date:
        column = _to_days(column, table)
    elif dtype == pl.Boolean and (column.dtype == pl.String or column.dtype.is_numeric()):
        switches, unread = to_switches(column)
        refuse(table, column, unread, "true or false")
        column = switches
    allowed: dict[str, Callable[[pl.DataType], bool]] = {
        "Float64": lambda found: found.is_numeric(),
        "Int64": lambda found: found.is_integer(),
        "Date": lambda found: found == pl.Date,
        "Boolean": lambda found: found == pl.Boolean,
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


def to_lists(column: pl.Series) -> pl.Series:
    """Part symbols in a text by blanks, commas, "|" or ";"; also lists as Python writes them."""
    bare = column.str.replace_all(r"""^\s*[\[(]|[\])]\s*$|['"]""", "")
    parts = bare.str.strip_chars().str.replace_all(r"[\s|;,]+", "|").str.split("|")
    return parts.list.eval(pl.element().filter(pl.element() != ""))


def to_switches(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Read true and false, as words or as 1 and 0: the switches, null where there are none, and where something else stands."""
    if column.dtype in (pl.Boolean, pl.Null):
        switches = column.cast(pl.Boolean)
        return switches, pl.repeat(False, len(column), eager=True)
    text = column.cast(pl.String, strict=False).str.strip_chars().str.to_lowercase()
    text = text.set(text.is_in(list(EMPTY)).fill_null(False), None)
    known = text.replace_strict(_SWITCHES, default=None, return_dtype=pl.Boolean)
    return known.alias(column.name), text.is_not_null() & known.is_null()


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


def _refuse_slips(whole: pl.DataFrame, table: Table, declared: Mapping[str, Kind]) -> None:
    """Refuse a kind that nobody declared, and that looks like one of the fourteen misspelled."""
    for kind in whole["kind"].drop_nulls().unique(maintain_order=True):
        meant = "" if kind in declared else slip(kind, KINDS)
        if meant:
            row = (whole["kind"] == kind).arg_max() or 0
            raise Fault(
                f"{table.at(row)} ({whole['event_id'][row]}): kind={kind!r} looks like a misspelled kind (did you mean {meant!r}?); "
                f'correct it, or say what it is worth: kinds={{"{kind}": (-1, 0.5)}} (sign and base strength).'
            )


def completed_events(table: pl.DataFrame, delay: dt.timedelta, stem: str, kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """Make what may be left out, as the docstring of `from_frame` says."""
    row = pl.int_range(1, pl.len() + 1).cast(pl.String)
    signs = {name: float(kind.sign) for name, kind in {**built_in(), **kinds}.items()}
    no_figures = pl.lit(pl.Series([[]], dtype=SCHEMA["figures"])).first()
    makers: dict[str, pl.Expr] = {
        "doc_id": pl.lit(stem),
        "event_id": pl.col("doc_id") + "#" + row,
        "stance": pl.col("kind").replace_strict(signs, default=None, return_dtype=pl.Float64),
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
        **{name: pl.lit(value) for name, value in OPTIONAL.items()},
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
