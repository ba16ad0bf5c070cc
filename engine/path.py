"""The account through time: what it was worth at each close, written down only where it may have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.buy_and_hold import buy_and_hold
from kernels import layout as at
from kernels.layout import Record

if TYPE_CHECKING:
    from engine.market import Market

#: The index whose buy-and-hold stands beside that of all assets, where the market has it.
_INDEX = "SPY"


@dataclass(frozen=True, eq=False)
class AccountPath:
    """An account at the bars at which something may have changed; until the next of them it stays as it is.

    Attributes
    ----------
    bars : int64, shape (N,), ascending from 0
    rows : float64, shape (P_BAR, N): P_EQUITY to P_HELD of kernels.layout
    length : bars in all
    """

    bars: npt.NDArray[np.int64]
    rows: npt.NDArray[np.float64]
    length: int

    @classmethod
    def recorded(cls, record: Record, length: int) -> AccountPath:
        """Take what a walk of `length` bars has written out of the memory that it wrote to."""
        path = record.path[:, : record.count[1]]
        return cls(path[at.P_BAR].astype(np.int64), path[: at.P_BAR].copy(), length)

    @classmethod
    def combined(cls, paths: Sequence[AccountPath]) -> AccountPath:
        """Add several accounts up."""
        if len(paths) == 1:
            return paths[0]
        written = np.zeros(paths[0].length, np.bool_)
        for path in paths:
            written[path.bars] = True
        bars = np.flatnonzero(written)
        rows = np.zeros((at.P_BAR, bars.size))
        for path in paths:
            begins = np.searchsorted(bars, path.bars)
            rows += np.repeat(path.rows, np.diff(begins, append=bars.size), axis=1)
        rows[at.P_HELD] = np.minimum(rows[at.P_HELD], 1.0)
        return cls(bars, rows, paths[0].length)

    def equity(self, market: Market, cash: float) -> pl.DataFrame:
        """Return the table `equity` of a run that started from `cash`."""
        worth = self.rows[at.P_EQUITY]
        changing = {
            "equity": worth,
            "cash": self.rows[at.P_CASH],
            "long": self.rows[at.P_LONG],
            "short": self.rows[at.P_SHORT],
            "drawdown": 1 - worth / np.maximum(np.maximum.accumulate(worth), cash),
        }
        bars = np.diff(self.bars, append=self.length)
        return pl.DataFrame(
            {
                "time": pl.Series(market.opens).cast(pl.Datetime("us", "UTC")),
                "session": pl.Series(market.sessions).cast(pl.Date),
                **{name: np.repeat(values, bars) for name, values in changing.items()},
                "benchmark": buy_and_hold(market, cash),
                "spy": buy_and_hold(market, cash, [_INDEX]) if _INDEX in market.assets else None,
            },
            schema_overrides={"spy": pl.Float64},
        )
