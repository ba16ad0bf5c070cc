"""Runs in the shape of other people's libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.faults import Failure, Fault
from engine.market import Market

if TYPE_CHECKING:
    from engine.run import Run


def to_vectorbt(run: Run, market: Market | None = None) -> Any:
    """Return a `vectorbt.Portfolio` of a run's orders, for its plots and statistics (extra `vectorbt`).

    The portfolio is put together from the orders as they were filled, not simulated anew: several orders in one bar,
    gaps and forced closes stay what they were. Columns are the assets; the accounts of ``kind="columns"`` stay apart, a
    ``"portfolio"`` is one group with one cash. Borrow fees, interest and dividends are not orders, so that its cash
    differs from ours by them.

    Parameters
    ----------
    run : a run
    market : the bars that the run was made from; needed where the run was read from a folder

    Raises
    ------
    Failure
        When vectorbt is not installed.
    Fault
        When the prices are missing, or are not those of the run.

    Examples
    --------
    >>> from engine import backtest
    >>> from strategies import SmaCross
    >>> portfolio = backtest(SmaCross(), Market.sample()).to_vectorbt()  # doctest: +SKIP
    >>> portfolio.stats()  # doctest: +SKIP
    """
    market = _prices_of(run, market)
    try:
        import vectorbt as vbt  # noqa: PLC0415 - slow to load, and an extra
        from vectorbt.portfolio.enums import log_dt, order_dt  # noqa: PLC0415
    except ImportError as error:
        raise Failure(f"vectorbt cannot be loaded ({error}); install it: pip install 'tocsin[vectorbt]'.") from None

    shared = run.info["account"]["kind"] == "portfolio"
    times = pl.Series(market.opens).cast(pl.Datetime("us")).to_numpy()
    wrapper = vbt.ArrayWrapper(
        index=_utc_index(times),
        columns=list(market.assets),
        ndim=2,
        freq=_frequency(market.interval),
        group_by=np.zeros(len(market.assets), np.int64) if shared else None,
    )
    records = _records(run, market, order_dt)
    return vbt.Portfolio(
        wrapper,
        _last_closes(market).T,
        order_records=records,
        log_records=np.empty(0, log_dt),
        init_cash=np.full(1 if shared else len(market.assets), run.info["account"]["cash"], np.float64),
        cash_sharing=shared,
    )


def _prices_of(run: Run, given: Market | None) -> Market:
    market = given or run.market
    if market is None:
        raise Fault(
            "market is missing, and a run that was read from a folder has no prices; give the market it was made from."
        )
    if given is not None and given.fingerprint != run.info["inputs"]["prices"]:
        raise Fault(f"market is {given!r}, whose prices are not those that the run was made from; give the one it was.")
    return market


def _records(run: Run, market: Market, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return filled orders as vectorbt's records: by column, then in the order of the fills."""
    filled = run.orders.filter(pl.col("status") == "filled")
    columns = {asset: i for i, asset in enumerate(market.assets)}
    filled = filled.with_columns(pl.col("asset").replace_strict(columns, return_dtype=pl.Int64).alias("col"))
    filled = filled.sort("col", "order_id")
    records = np.empty(filled.height, dtype)
    # Numbered anew within each column, as vectorbt numbers them.
    records["id"] = filled.select(pl.int_range(pl.len()).over("col")).to_series().to_numpy()
    records["col"] = filled["col"].to_numpy()
    records["idx"] = np.searchsorted(market.opens, filled["time_filled"].dt.timestamp("us").to_numpy())
    for theirs, ours in (("size", "shares"), ("price", "price"), ("fees", "commission")):
        records[theirs] = filled[ours].to_numpy()
    records["side"] = (filled["side"] == "SELL").cast(pl.Int64).to_numpy()  # OrderSide: Buy 0, Sell 1
    return records


def _last_closes(market: Market) -> npt.NDArray[np.float64]:
    """(asset, bar) last known closes, so that a position without a bar is marked as we mark it."""
    close = market.columns(np.float64).close
    last = np.maximum.accumulate(np.where(np.isfinite(close), np.arange(close.shape[1]), 0), axis=1)
    filled: npt.NDArray[np.float64] = np.take_along_axis(close, last, axis=1)
    return filled


def _utc_index(times: npt.NDArray[np.datetime64]) -> Any:
    import pandas as pd  # noqa: PLC0415 - only vectorbt wants it here

    return pd.DatetimeIndex(times, tz="UTC")


def _frequency(interval: str) -> str:
    """Return an interval in pandas' spelling: "1d" is "1D", "5m" is "5min"."""
    number, unit = interval[:-1], interval[-1]
    return number + {"d": "D", "m": "min", "h": "h", "s": "s"}[unit]
