"""A table as it came in, before anything is made of it: its columns, its rows' numbers, how its texts are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import polars as pl

from engine.faults import Fault
from engine.tables.order import check_dates
from engine.tables.spelling import Order

Decimal = Literal[".", ","]
#: A table in any form, or the path of one; `engine.tables.frames.to_table` says which.
Tabular: TypeAlias = Any

#: Texts that say that there is nothing.
EMPTY = ("", "null", "none", "nan", "na", "n/a", "n.a.", "#n/a", "#n/a n/a", "-", "--", "nat", "<na>")


@dataclass(frozen=True)
class Style:
    """How the texts of tables are written, where a table alone leaves it open.

    Attributes
    ----------
    dates : the order of dates such as 01/02/2025: "dmy", "mdy" or "ymd"
    decimal : the decimal sign, "." or ","; the other one then parts thousands

    Raises
    ------
    Fault
        For anything else.
    """

    dates: Order | None = None
    decimal: Decimal | None = None

    def __post_init__(self) -> None:
        check_dates(self.dates)
        if self.decimal is not None and self.decimal not in get_args(Decimal):
            raise Fault(f"decimal must be '.' or ',' (got {self.decimal!r}); give one of them.")


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes
    ----------
    frame : the columns: texts where it was a text file, else of the types they were given in
    source : what a message calls it: the path of a file, the name of an argument
    rows : int64, the number of each row: its line in a text file or a sheet, else its place, from 0
    headers : what stands above each column; a header may stand above several
    in_lines : whether rows are numbered by lines
    separator : the sign between the columns of a text file
    style : how its texts are written
    """

    frame: pl.DataFrame
    source: str
    rows: pl.Series
    headers: tuple[str, ...]
    in_lines: bool = False
    separator: str | None = None
    style: Style = field(default_factory=Style)

    def at(self, index: int) -> str:
        """Say where a row stands: "rates.csv, line 3"."""
        return f"{self.source}, {'line' if self.in_lines else 'row'} {self.rows[index]}"

    def once(self) -> pl.DataFrame:
        """Give the columns by their headers.

        Raises
        ------
        Fault
            Where a header stands above two columns.
        """
        for place, name in enumerate(self.headers):
            if name in self.headers[:place]:
                raise Fault(f"{self.source} has two columns {name!r}; leave one of them out.")
        return self.frame.rename(dict(zip(self.frame.columns, self.headers, strict=True)))
