"""Tables that a job names beside its prices and events."""

from pathlib import Path

import polars as pl

from engine.faults import Fault

_BORROW = {"asset": pl.String, "session": pl.Date, "rate": pl.Float64}


def read_table(path: Path, name: str, needs: str) -> pl.DataFrame:
    """Read a table of CSV or Parquet; `name` is the setting that named it, `needs` what its columns are."""
    if not path.is_file() or path.suffix not in (".csv", ".parquet"):
        raise Fault(f"{name} is {str(path)!r}, allowed is a .csv or .parquet file that exists; name one.")
    try:
        return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        cause = str(error).strip().partition("\n")[0]
        raise Fault(f"{name}: {path} cannot be read ({cause}), needed is a table of {needs}; correct it.") from None


def read_borrow(path: Path, name: str) -> pl.DataFrame:
    """Read a table of borrow rates."""
    needs = "asset, session (2025-01-28) and rate (0.03)"
    frame = read_table(path, name, needs)
    try:
        return frame.cast({column: kind for column, kind in _BORROW.items() if column in frame.columns})
    except pl.exceptions.PolarsError as error:
        cause = str(error).strip().partition("\n")[0]
        raise Fault(f"{name}: {path} cannot be read ({cause}), needed is a table of {needs}; correct it.") from None
