"""A checksum of a table, its columns read at once."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import reduce

import numpy as np
import polars as pl

_POLYNOMIAL = 0xEDB88320  # of CRC-32 (ISO 3309), the lowest power in the highest bit
_ONE = 1 << 31


def checksum(frame: pl.DataFrame) -> str:
    """Give the CRC-32 of a table's columns, one after the other, as eight hexadecimal digits.

    The first column counts as its runs of equal texts, the others as the bytes of their numbers, NaN for null.
    """
    runs = frame.to_series(0).rle().struct.unnest().select("value", "len")
    names = "\n".join(f"{name} {length}" for name, length in runs.iter_rows()).encode()
    columns = (np.ascontiguousarray(frame[name].to_physical().to_numpy()).data for name in frame.columns[1:])
    texts = [memoryview(names), *columns]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # zlib lets other threads run meanwhile
        return f"{_joined(zip(pool.map(zlib.crc32, texts), (text.nbytes for text in texts), strict=True)):08x}"


def _joined(parts: Iterable[tuple[int, int]]) -> int:
    """Give the CRC of joined texts from those of each: crc(a + b) = crc(a) x^(8 len(b)) + crc(b), mod the polynomial."""
    return reduce(lambda total, part: _product(total, _power(8 * part[1])) ^ part[0], parts, 0)


def _product(first: int, second: int) -> int:
    """Multiply two polynomials modulo that of the CRC."""
    product = 0
    for bit in range(31, -1, -1):
        if second >> bit & 1:
            product ^= first
        first = first >> 1 ^ (_POLYNOMIAL if first & 1 else 0)
    return product


def _power(exponent: int) -> int:
    """Give x to some power, modulo the polynomial of the CRC."""
    power, square = _ONE, _ONE >> 1
    while exponent:
        if exponent & 1:
            power = _product(power, square)
        square = _product(square, square)
        exponent >>= 1
    return power
