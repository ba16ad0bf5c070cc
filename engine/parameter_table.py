"""Tables of parameter sets: one column a parameter, one row a set."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.faults import Fault
from engine.tables.columns import refuse
from engine.tables.decimals import read_numbers
from engine.tables.frames import to_table
from engine.tables.table import EMPTY, Style

_NONE = ("none", "off")
_ALLOWED = "a number, or none where the parameter may be none"


def read_sets(given: Any, name: str = "table", style: Style | None = None) -> pl.DataFrame:
    """Read a table of parameter sets.

    Parameters
    ----------
    given
        A table in any form, or the path of one, as `engine.tables.frames.to_table` takes it.
    name
        What messages call it.
    style
        How its texts are written.

    Returns
    -------
    polars.DataFrame
        Texts are float64, null where they say none. In a text file an empty cell is refused, as nobody can tell whether it
        was meant; in other tables null is none.

    Raises
    ------
    Fault
        For what is no such table, with the row.
    """
    table = to_table(given, name, style)
    frame = table.once()
    for text in [column for column in frame.get_columns() if column.dtype == pl.String]:
        switch = text.str.strip_chars().str.to_lowercase()
        if frame.height and not switch.null_count() and switch.is_in(["true", "false"]).all():  # such as `refresh`
            frame = frame.with_columns((switch == "true").alias(text.name))
    texts = {column.name: column for column in frame.get_columns() if column.dtype == pl.String}
    if table.separator is not None and frame.is_empty():
        raise Fault(f"{table.source} must have rows (got none); give one a set.")
    for column, (values, wrong) in read_numbers(table, {name: _numeric(text) for name, text in texts.items()}).items():
        text = texts[column].str.strip_chars().str.to_lowercase()
        none = text.is_in(_NONE).fill_null(False)
        empty = text.is_null() | (text.is_in(EMPTY) & ~none)
        refuse(table, texts[column], wrong | (empty if table.separator is not None else wrong), _ALLOWED)
        frame = frame.with_columns(values.alias(column))
    return frame


def _numeric(text: pl.Series) -> pl.Series:
    """Leave out what says none."""
    return text.set(text.str.strip_chars().str.to_lowercase().is_in(_NONE).fill_null(False), None)
