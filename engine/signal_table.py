"""Tables of signals: asset, when, target weight; read, checked, placed among the bars of a market."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.clock import first_bar
from engine.faults import Fault
from engine.market import Market

_INSTANT = pl.Datetime("us", "UTC")

#: The greatest weight that a signal may ask for.
_MOST = 1e6


def read_signals(value: Any) -> pl.DataFrame | None:
    """Take a polars, pandas or Arrow table, or the path of a CSV or Parquet file."""
    if value is None or isinstance(value, pl.DataFrame):
        return value
    if isinstance(value, (str, Path)):
        path = Path(value)
        if path.suffix not in (".csv", ".parquet") or not path.is_file():
            raise Fault(
                f"{str(value)!r} is no table of signals, allowed is a .csv or .parquet file that exists; name one."
            )
    try:
        if not isinstance(value, (str, Path)):
            return pl.DataFrame(value)
        return pl.read_csv(path, try_parse_dates=True) if path.suffix == ".csv" else pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError, TypeError, ValueError) as error:
        what = str(value) if isinstance(value, (str, Path)) else f"a {type(value).__name__}"
        cause = str(error).strip().partition("\n")[0]
        raise Fault(
            f"{what} cannot be read as a table of signals ({cause}); give asset, weight and session or known_at."
        ) from None


def _cast(given: pl.DataFrame, name: str, kind: pl.DataType) -> pl.Series:
    """Bring a column to the type that is wanted; dates may be written as text, 2025-01-28."""
    column = given[name]
    is_text = isinstance(kind, pl.Date) and column.dtype == pl.String
    try:
        return column.str.to_date("%Y-%m-%d") if is_text else column.cast(kind)
    except pl.exceptions.PolarsError:
        shown = column.drop_nulls().head(1).to_list()
        raise Fault(
            f"signals hold {column.dtype} such as {shown} in the column {name!r}, allowed is {kind}; convert it."
        ) from None


def place_signals(given: pl.DataFrame, market: Market) -> pl.DataFrame:
    """Place signals among the bars; event_id, kind, strength, stance, known_at, bar, asset (index), the oldest first."""
    when = "known_at" if "known_at" in given.columns else "session"
    for name in ("asset", "weight", when):
        if name not in given.columns:
            raise Fault(f"signals lack the column {name!r}, needed are asset, weight and session or known_at; add it.")
    if "event_id" not in given.columns:
        given = given.with_columns(event_id=None)
    frame = pl.DataFrame(
        [
            _cast(given, "asset", pl.String()),
            _cast(given, "weight", pl.Float64()),
            _cast(given, "event_id", pl.String()),
            given[when] if when == "known_at" else _cast(given, when, pl.Date()),
        ]
    ).with_row_index("row")
    frame = frame.with_columns(bar=_bars(frame, when, market))
    known = {asset: i for i, asset in enumerate(market.assets)}
    right = pl.col("asset").is_in(list(known)) & (pl.col("weight").abs() <= _MOST) & pl.col("bar").is_not_null()
    wrong = frame.filter(~right.fill_null(False))
    for row, asset, weight, bar in wrong.select("row", "asset", "weight", "bar").head(1).iter_rows():
        if asset not in known:
            raise Fault(
                f"signals name {asset!r} in row {row}, allowed are the market's assets; import its prices or drop the row."
            )
        if weight is None or not np.isfinite(weight) or abs(weight) > _MOST:
            raise Fault(
                f"signals hold the weight {weight} in row {row}, allowed is a number from -1e6 to 1e6; correct it."
            )
        if bar is None:
            raise Fault(
                f"signals fall on no bar of the market in row {row} ({asset}); drop the row or import more prices."
            )
    twice = frame.filter(pl.struct("asset", "bar").is_duplicated())
    if len(twice):
        raise Fault(
            f"signals name {twice['asset'][0]!r} twice for one bar (row {twice['row'][1]}), allowed is once; drop one."
        )
    return frame.select(
        "event_id",
        pl.lit("signal").alias("kind"),
        pl.lit(1.0).alias("strength"),
        pl.col("weight").alias("stance"),
        (pl.col("known_at") if when == "known_at" else pl.lit(None).cast(_INSTANT).alias("known_at")),
        "bar",
        pl.col("asset").replace_strict(known, return_dtype=pl.Int32),
    ).sort("known_at", "event_id", "asset", nulls_last=True)


def _bars(frame: pl.DataFrame, when: str, market: Market) -> pl.Series:
    if when == "known_at":
        if not isinstance(frame["known_at"].dtype, pl.Datetime) or frame["known_at"].dtype.time_zone is None:
            raise Fault(
                "signals have known_at without a time zone, allowed are instants with one; add it, or give `session`."
            )
        instants = frame["known_at"].cast(_INSTANT).dt.timestamp("us").to_numpy()
        bars = first_bar(instants, market.opens)
        return pl.Series(bars).cast(pl.Int32).replace(-1, None)
    sessions = frame["session"].to_numpy().astype("datetime64[D]")
    place = np.searchsorted(market.sessions, sessions)
    found = place < market.sessions.size
    found[found] = market.sessions[place[found]] == sessions[found]
    return pl.Series(np.where(found, place, -1)).cast(pl.Int32).replace(-1, None)
