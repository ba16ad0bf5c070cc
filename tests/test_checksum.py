"""The checksum of a table."""

import zlib

import numpy as np
import polars as pl
import pytest

from engine.checksum import checksum


@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_it_is_the_crc_of_the_columns_one_after_the_other(rows: int) -> None:
    names = ["A"] * (rows // 2) + ["B"] * (rows - rows // 2)
    days, prices = np.arange(rows, dtype=np.int32), np.random.default_rng(1).normal(size=rows)
    prices[-1] = np.nan
    runs = "A 500\nB 500" if rows == 1000 else "A 1\nB 1" if rows == 2 else "B 1"
    whole = runs.encode() + days.tobytes() + prices.tobytes()
    frame = pl.DataFrame(
        {"asset": names, "session": pl.Series(days).cast(pl.Date), "close": pl.Series(prices).fill_nan(None)}
    )
    assert checksum(frame) == f"{zlib.crc32(whole):08x}"
