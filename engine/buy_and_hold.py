"""What doing nothing would have earned: the yardstick beside a run's equity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.market import Market


def buy_and_hold(market: Market, cash: float, assets: Sequence[str] | None = None) -> npt.NDArray[np.float64]:
    """Worth of `cash` put into assets at equal parts and left there, at every bar's close.

    Each asset's part waits as cash without interest until the asset's first bar, buys at that bar's close, and is never
    traded again: no rebalancing. Dividends of later bars are kept as cash. Where an asset has no bar its last close
    counts. Nothing is deducted for commission or slippage, which flatters the yardstick, not what is held against it.

    Parameters
    ----------
    market : bars
    cash : currency, at the start
    assets : symbols; left out, every asset of the market

    Returns
    -------
    numpy.ndarray
        float64, shape (T,), currency.

    Examples
    --------
    >>> import polars as pl
    >>> days = ["2025-01-06", "2025-01-07", "2025-01-08"]
    >>> prices = dict.fromkeys(("open", "high", "low", "close"), [10, 11, 12])
    >>> market = Market.from_frame(pl.DataFrame({"date": days, **prices}), asset="A", calendar="XNYS")
    >>> buy_and_hold(market, 100.0).round(6).tolist()
    [100.0, 110.0, 120.0]
    """
    names = market.assets if assets is None else tuple(assets)
    rows = [market.assets.index(name) for name in names]
    columns = market.columns(np.float64)
    worth = np.zeros(len(market.opens))
    for close, dividend in zip(columns.close[rows], columns.dividend[rows], strict=True):
        traded = np.flatnonzero(np.isfinite(close))
        grown = np.ones(close.size)
        if traded.size:
            first = traded[0]
            last = np.maximum.accumulate(np.where(np.isfinite(close), np.arange(close.size), first))
            paid = np.cumsum(np.where(np.arange(close.size) > first, dividend, 0.0))
            grown[first:] = ((close[last] + paid) / close[first])[first:]
        worth += cash / len(names) * grown
    return worth
