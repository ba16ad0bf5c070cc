"""Anything that is a table is the same table; what is none is named with its argument."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from engine.faults import Fault
from engine.tables.frames import described, is_table, to_polars, to_table

ROWS = [{"asset": "000001", "rate": 0.5}, {"asset": "TRUE", "rate": 0.25}]
FRAME = pl.DataFrame(ROWS)


class Stream:
    """What another library hands out."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return FRAME.to_arrow().__arrow_c_stream__(requested_schema)


class Labelled(pd.DataFrame):
    """A frame of a library that builds on pandas."""


TABLES: dict[str, Any] = {
    "polars": lambda: FRAME,
    "lazy": FRAME.lazy,
    "pandas": lambda: pd.DataFrame(ROWS),
    "pandas, an index": lambda: pd.DataFrame(ROWS).set_index("asset"),
    "pandas, two indices": lambda: pd.DataFrame(ROWS).set_index(["asset", "rate"]),
    "pandas, derived": lambda: Labelled(ROWS),
    "arrow": FRAME.to_arrow,
    "a batch": lambda: FRAME.to_arrow().combine_chunks().to_batches()[0],
    "a reader": lambda: pa.RecordBatchReader.from_batches(FRAME.to_arrow().schema, FRAME.to_arrow().to_batches()),
    "a stream": Stream,
    "columns": lambda: FRAME.to_dict(as_series=False),
    "columns of arrays": lambda: {"asset": np.array(["000001", "TRUE"]), "rate": pd.Series([0.5, 0.25])},
    "rows": lambda: ROWS,
    "rows in a tuple": lambda: tuple(ROWS),
    "a structured array": lambda: np.array([("000001", 0.5), ("TRUE", 0.25)], dtype=[("asset", "U6"), ("rate", "f8")]),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_table_is_the_same(kind: str) -> None:
    table = to_table(TABLES[kind](), "borrow")
    assert table.once().select("asset", "rate").equals(FRAME)
    assert table.at(1) == "borrow, row 1"


def test_paths_are_tables_too(tmp_path: Path) -> None:
    FRAME.write_csv(tmp_path / "t.csv")
    FRAME.write_parquet(tmp_path / "t.parquet")
    for given in (tmp_path / "t.csv", str(tmp_path / "t.csv")):
        table = to_table(given, "borrow")
        assert table.once().equals(FRAME.cast(pl.String))
        assert table.at(1) == f"borrow '{tmp_path / 't.csv'}', line 3"
    assert to_table(tmp_path / "t.parquet", "borrow").once().equals(FRAME)


@pytest.mark.parametrize(
    "given",
    [
        {"a": [1, 0.5], "b": [1, 2]},
        {"a": (1, None, 0.5), "b": [1, 2, 3]},
        [{"a": 1, "b": 1}, {"a": 0.5, "b": 2}],
        [*[{"a": 1, "b": 1}] * 150, {"a": 0.5, "b": 2}],  # the first 100 rows say that a is whole
    ],
)
def test_whole_numbers_beside_others_are_floats(given: Any) -> None:
    found = to_polars(given, "table")
    assert found.schema == {"a": pl.Float64, "b": pl.Int64}
    assert (found["a"][0], found["a"][-1]) == (1.0, 0.5)


NO_TABLES: dict[str, tuple[Any, str]] = {
    "a number": (5, "got an int"),
    "a class": (pl.DataFrame, "got the class DataFrame"),
    "a list of numbers": ([1, 2], "got a list"),
    "a list of lists": ([[1, 2]], "got a list"),
    "an array": (np.zeros((2, 2)), "got a numpy ndarray"),
    "a generator": ((row for row in ROWS), "got a generator"),
    "a function": (lambda: FRAME, "got a function"),
    "columns of two lengths": ({"a": [1, 2], "b": [1, 2, 3]}, "cannot be read as a table .*give columns of one length"),
    "a text among numbers": ({"a": [1, 0.5], "b": [1, "x"]}, "cannot be read as a table"),
    "mixed types": (pd.DataFrame({"a": ["x", 1]}), "cannot be read as a table"),
    "a file that is not there": ("none.csv", "'none.csv' must be a file with a table .it does not exist"),
    "a day": (dt.date(2025, 1, 2), "got a date"),
}


@pytest.mark.parametrize("kind", NO_TABLES)
def test_what_is_no_table_is_named_with_its_argument(kind: str) -> None:
    given, said = NO_TABLES[kind]
    with pytest.raises(Fault, match=f"^borrow .*{said}") as caught:
        to_table(given, "borrow")
    assert "\n" not in str(caught.value)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,a\n1,2,3\n")
    for given in (tmp_path / "t.csv", pd.DataFrame([[1, 2]], columns=["a", "a"])):
        with pytest.raises(Fault, match="'a'"):
            to_table(given, "borrow").once()


def test_what_may_be_a_table_is_told_without_reading_it() -> None:
    assert all(is_table(made()) for kind, made in TABLES.items() if kind != "a structured array")
    assert not any(map(is_table, (None, 5, "t.csv", Path("t.csv"), pl.DataFrame, [1])))
    assert described(FRAME) == "a polars DataFrame"
    assert described(Path("t.csv")) == "the path 't.csv'"
