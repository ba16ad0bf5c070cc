"""One hash of a table: what a run or a job was made from."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import polars as pl


def fingerprint(frame: pl.DataFrame) -> str:
    """Hash of a table's columns, types and values, the same on every machine.

    How the table lies in memory makes no difference: in one piece or in several, made here or read from a file.
    """
    whole = hashlib.sha256(repr(frame.schema).encode())
    for column in frame:
        _take_in(column, whole)
    return whole.hexdigest()


def _take_in(column: pl.Series, digest: Any) -> None:
    """Hash which values are null, and then the others."""
    digest.update(f"{len(column)} {column.null_count()} ".encode())
    if column.null_count():
        digest.update(np.packbits(column.is_null().to_numpy()))
        column = column.drop_nulls()
    kind = column.dtype
    if isinstance(kind, pl.Struct):
        for name in column.struct.fields:
            _take_in(column.struct.field(name), digest)
    elif isinstance(kind, (pl.List, pl.Array)):
        lists = column.arr.to_list() if isinstance(kind, pl.Array) else column
        lengths = lists.list.len()
        digest.update(np.ascontiguousarray(lengths.to_numpy()))
        _take_in(lists.filter(lengths > 0).explode(), digest)
    elif isinstance(kind, pl.Binary):
        digest.update(np.ascontiguousarray(column.bin.size().to_numpy()))
        digest.update(b"".join(column))
    elif (kind.is_numeric() and not isinstance(kind, pl.Decimal)) or kind.is_temporal():
        digest.update(np.ascontiguousarray(column.to_physical().to_numpy()))
    elif isinstance(kind, pl.Boolean):
        digest.update(column.cast(pl.UInt8).to_numpy())
    else:
        text = column.cast(pl.String)
        digest.update(np.ascontiguousarray(text.str.len_bytes().to_numpy()))
        digest.update("".join(text.str.join("")).encode())
