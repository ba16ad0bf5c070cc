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
    """An account, or several together, at the bars at which something may have changed; until the next it stays as it is.

    Attributes
    ----------
    bars : int64, shape (N,), ascending from 0
    parts : the accounts that add up: float64, shape (P_BAR, M), P_EQUITY to P_HELD of kernels.layout; and int64, shape (M,), for how
        many of `bars` each stays as it is
    length : bars in all
    """

    bars: npt.NDArray[np.int64]
    parts: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]]
    length: int

    @classmethod
    def recorded(cls, record: Record, length: int) -> AccountPath:
        """Take what a walk of `length` bars has written out of the memory that it wrote to."""
        path = record.path[: record.count[1]]
        rows = path[:, : at.P_BAR].T.copy()
        return cls(path[:, at.P_BAR].astype(np.int64), [(rows, np.ones(len(path), np.int64))], length)

    @classmethod
    def combined(cls, paths: Sequence[AccountPath]) -> AccountPath:
        """Add several recorded accounts up."""
        if len(paths) == 1:
            return paths[0]
        written = np.zeros(paths[0].length, np.bool_)
        for path in paths:
            written[path.bars] = True
        bars = np.flatnonzero(written)
        parts = []
        for path in paths:
            ((rows, _),) = path.parts
            parts.append((rows, np.diff(np.searchsorted(bars, path.bars), append=bars.size)))
        return cls(bars, parts, paths[0].length)

    def row(self, which: int) -> npt.NDArray[np.float64]:
        """Return one of P_EQUITY to P_HELD, float64, shape (N,): the sum of all accounts, or whether any of them holds something."""
        row = np.zeros(self.bars.size)
        for rows, stays in self.parts:
            row += np.repeat(rows[which], stays)
        return np.minimum(row, 1.0) if which == at.P_HELD else row

    def equity(self, market: Market, cash: float) -> pl.DataFrame:
        """Return the table `equity` of a run that started from `cash`."""
        worth = self.row(at.P_EQUITY)
        changing = {
            "equity": worth,
            "cash": self.row(at.P_CASH),
            "long": self.row(at.P_LONG),
            "short": self.row(at.P_SHORT),
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
