"""Anything that is a table -> a table: frames of any library, columns, rows, the path of a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from engine.faults import Fault
from engine.tables.files import read_file
from engine.tables.memory import first_line
from engine.tables.table import Style, Table

_ALLOWED = "a polars, pandas or Arrow table, a dict of columns, a list of rows that are dicts, or the path of a file"


def to_table(given: Any, name: str, style: Style | None = None) -> Table:
    """Take a table in any form.

    Parameters
    ----------
    given
        A polars, pandas or Arrow table, or anything else with the Arrow C stream; a dict of columns, a list of rows that are
        dicts, a structured array; or the path of a file, as `engine.tables.files.read_file` takes it. The index of a pandas
        frame becomes columns.
    name
        The argument it was given for, which messages name.
    style
        How its texts are written.

    Raises
    ------
    Fault
        For what is no table.
    """
    if isinstance(given, Table):
        return given
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        return read_file(path, f"{name} {str(path)!r}", style=style)
    frame = to_polars(given, name)
    rows = pl.int_range(frame.height, dtype=pl.Int64, eager=True)
    return Table(frame, name, rows, tuple(frame.columns), style=style or Style())


def is_table(given: object) -> bool:
    """Tell what may be a table from what is none, without reading it."""
    if isinstance(given, type):
        return False
    if isinstance(given, (pl.DataFrame, pl.LazyFrame, Mapping)) or _is_pandas(given):
        return True
    rows = isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(row, Mapping) for row in given)
    return rows or hasattr(given, "__arrow_c_stream__")


def to_polars(given: Any, name: str) -> pl.DataFrame:
    """Take a table that is in memory, as `to_table` does, as a polars frame."""
    try:
        if isinstance(given, pl.DataFrame):
            return given
        if isinstance(given, pl.LazyFrame):
            return given.collect()
        if _is_pandas(given):
            return _from_pandas(given, name)
        if is_table(given) or getattr(getattr(given, "dtype", None), "names", None):
            return _from_memory(given)
    except Fault:
        raise
    except (pl.exceptions.PolarsError, ValueError, TypeError, NotImplementedError, OSError) as error:
        raise Fault(
            f"{name} cannot be read as a table ({first_line(error)}); give columns of one length, each of one type."
        ) from None
    raise Fault(f"{name} must be {_ALLOWED} (got {described(given)}); give one.")


def _from_memory(given: Any) -> pl.DataFrame:
    """Take columns or rows; polars refuses 1 beside 0.5 in a list, which are floats to us."""
    try:
        return pl.DataFrame(
            given, infer_schema_length=None
        )  # of the first rows alone, it would cut 0.5 to 0 further down
    except TypeError:
        if not isinstance(given, Mapping):
            raise
        return pl.DataFrame({name: _floats(values) for name, values in given.items()})


def _floats(values: Any) -> Any:
    """Return a list of whole numbers and others as floats, and everything else as it is."""
    if not isinstance(values, (list, tuple)) or {type(v) for v in values} - {type(None)} != {int, float}:
        return values
    return pl.Series(values, dtype=pl.Float64, strict=False)


def described(given: object) -> str:
    """Say what something is: "a pandas DataFrame", "the path 'x.csv'", "the class Market"."""
    if isinstance(given, type):
        return f"the class {given.__name__}"
    if isinstance(given, (str, os.PathLike)):
        return f"the path {str(given)!r}"
    kind = type(given)
    library = kind.__module__.partition(".")[0]
    name = f"{library} {kind.__name__}" if library in ("numpy", "pandas", "polars", "pyarrow") else kind.__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _is_pandas(given: object) -> bool:
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas" for kind in type(given).__mro__
    )


def _from_pandas(frame: Any, name: str) -> pl.DataFrame:
    """Take a pandas frame; an index that says something becomes columns, and headers of two levels become texts of both."""
    plain = type(frame.index).__name__ == "RangeIndex" and frame.index.name is None
    frame = frame.copy(deep=False) if plain else frame.reset_index()
    frame.columns = [str(header) for header in frame.columns]
    if not frame.columns.is_unique:
        raise Fault(f"{name} has two columns {frame.columns[frame.columns.duplicated()][0]!r}; leave one of them out.")
    made: pl.DataFrame = pl.from_pandas(frame)
    return made
