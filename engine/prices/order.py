"""The order of the rows of a price table."""

import polars as pl


def begins() -> pl.Expr:
    """Tell the first row of each asset, in a table sorted by asset."""
    return pl.col("asset").ne_missing(pl.col("asset").shift(1))


def repeats() -> pl.Expr:
    """Tell rows of the same asset and time as the row before."""
    return ~begins() & (pl.col("time") == pl.col("time").shift(1))
