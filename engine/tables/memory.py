"""How much memory tables will take, told from their files before any row is read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from engine.devices import memory_of_machine
from engine.faults import Fault
from engine.tables.formats import SPOKEN, Format

#: Bytes of one value in memory; of a text the view of it, whatever it points to.
_VIEW = 16
#: What a byte of a packed sheet's XML becomes at most, as a value in memory.
_SHEET = 4


def refuse_large(tables: Iterable[tuple[Path, Format]], times: float, remedy: str) -> None:
    """Refuse files whose tables would not fit into memory together.

    Parameters
    ----------
    tables
        Path and format of each file, as `engine.tables.formats.format_of` tells it.
    times
        How often the tables stand in memory while they are worked on.
    remedy
        What to do instead.

    Raises
    ------
    Fault
        With the rows that were counted, and what they would take.
    """
    listed = list(tables)
    there, needed = memory_of_machine(), 0.0
    for path, kind in listed:
        try:
            needed += times * _bytes_of(path, kind)
        except (pl.exceptions.PolarsError, zipfile.BadZipFile) as error:
            raise Fault(
                f"{path} cannot be read as {SPOKEN[kind]} ({first_line(error)}); write or fetch it anew."
            ) from None
    if needed > there:
        rows = sum(_rows_of(path, kind) for path, kind in listed)
        named = str(listed[0][0]) + (f" and {len(listed) - 1} more files" if len(listed) > 1 else "")
        counted = f"{rows:,} rows, " if rows else ""
        raise Fault(
            f"{named} must fit into the {size(there)} of memory that there are (got {counted}about {size(needed)} with what is "
            f"made of them); {remedy}."
        )


def first_line(error: BaseException) -> str:
    """Give the first line of somebody else's message."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0].rstrip(".")


def size(count: float) -> str:
    """Write a number of bytes: "8.4 GiB", "300 MiB"."""
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"


def _bytes_of(path: Path, kind: Format) -> int:
    """Give the bytes that a table takes once it is read; of packed texts, what they take packed."""
    if kind == "parquet":
        schema = pl.read_parquet_schema(path)
        if any(dtype.is_nested() for dtype in schema.values()):
            return _bytes_of_lists(path)
        return _rows_of(path, kind) * sum(map(_width, schema.values()))
    if kind == "arrow":
        return _rows_of(path, kind) * sum(map(_width, pl.read_ipc_schema(path).values()))
    if kind == "xlsx":
        with zipfile.ZipFile(path) as packed:
            return _SHEET * sum(member.file_size for member in packed.infolist())
    return path.stat().st_size


def _rows_of(path: Path, kind: Format) -> int:
    """Count the rows of a Parquet or Arrow file by what its footer says; 0 of other files."""
    if kind not in ("parquet", "arrow"):
        return 0
    lazy = pl.scan_parquet(path) if kind == "parquet" else pl.scan_ipc(path)
    return int(lazy.select(pl.len()).collect().item())


def _bytes_of_lists(path: Path) -> int:
    """Count the values of every column: a list in one row may hold millions."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - only events have lists

    found = pq.ParquetFile(path).metadata
    groups = (found.row_group(group) for group in range(found.num_row_groups))
    return sum(_VIEW * group.column(place).num_values for group in groups for place in range(group.num_columns))


def _width(dtype: pl.DataType) -> int:
    if dtype.is_numeric() or dtype.is_temporal():
        return {pl.Date: 4, pl.Float32: 4, pl.Int32: 4, pl.UInt32: 4, pl.Int16: 2, pl.UInt16: 2, pl.Int8: 1}.get(
            dtype.base_type(), 8
        )
    return 1 if dtype == pl.Boolean else _VIEW
