"""Tables of parameter sets: one column a parameter, one row a set."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.faults import Fault
from engine.scenarios import is_worded
from engine.strategy import Strategy
from engine.tables.columns import refuse
from engine.tables.decimals import read_numbers
from engine.tables.frames import to_table
from engine.tables.table import EMPTY, Style

_NONE = ("none", "off")
_ALLOWED = "a number, or none where the parameter may be none"


def read_sets(
    given: Any, strategy: type[Strategy] | None, name: str = "table", style: Style | None = None
) -> pl.DataFrame:
    """Read a table of parameter sets.

    Parameters
    ----------
    given
        A table in any form, or the path of one, as `engine.tables.frames.to_table` takes it.
    strategy
        Whose parameters and options its columns are; None where it is not known.
    name
        What messages call it.
    style
        How its texts are written.

    Returns
    -------
    polars.DataFrame
        Texts of parameters and of settings of the account are float64, null where they say none; those of options and of the
        delay of events stay texts, and so do all where the strategy is not known. In a text file an empty cell is refused, as
        nobody can tell whether it was meant; in other tables null is none.

    Raises
    ------
    Fault
        For what is no such table, with the row.
    """
    table = to_table(given, name, style)
    frame = table.once()
    if table.separator is not None and frame.is_empty():
        raise Fault(f"{table.source} must have rows (got none); give one a set.")
    texts = {column.name: column.str.strip_chars() for column in frame.get_columns() if column.dtype == pl.String}
    words = {name: text for name, text in texts.items() if strategy is None or is_worded(strategy, name)}
    for column, text in words.items():
        if table.separator is not None:
            refuse(table, text, text.is_null() | (text == ""), "given in every row")
        frame = frame.with_columns(text.alias(column))
    numeric = {name: _numeric(text) for name, text in texts.items() if name not in words}
    for column, (values, wrong) in read_numbers(table, numeric).items():
        text = texts[column].str.to_lowercase()
        none = text.is_in(_NONE).fill_null(False)
        empty = text.is_null() | (text.is_in(EMPTY) & ~none)
        refuse(table, texts[column], wrong | (empty if table.separator is not None else wrong), _ALLOWED)
        frame = frame.with_columns(values.alias(column))
    return frame


def _numeric(text: pl.Series) -> pl.Series:
    """Leave out what says none."""
    return text.set(text.str.to_lowercase().is_in(_NONE).fill_null(False), None)
