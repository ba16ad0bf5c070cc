"""How far the lanes of one machine are from the same lanes of another."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kernels import layout as at
from kernels.metrics import AMOUNTS, METRICS

Table = npt.NDArray[Any]

#: What a lane counts: the same on two machines where they made the same trades.
COUNTED = {
    "closed_trades": at.CLOSED, "open_trades": at.OPENS, "winners": at.WINS, "bars_held": at.EXPOSED, "ruined": at.RUINED,
    "faults": at.FAULTS,
}  # fmt: skip
#: Beyond these two, from sums of third and fourth powers, a metric is as good as the sums it is made of.
MOMENTS = ("skewness", "excess_kurtosis")


class Difference:
    """How far lanes of one machine are from the same lanes of another.

    A kernel keeps no ledger, so trades count as identical where a lane's `COUNTED` are. Amounts differ relative to themselves, or to the
    initial cash where that is more; the other metrics relative to themselves, or to 1. Only lanes with identical trades are compared.
    """

    def __init__(self) -> None:
        self.lanes = self.trades = self.nulls = 0
        self.largest, self.moments, self.worst = 0.0, 0.0, ""
        self._spread: list[Table] = []
        self._happened = dict.fromkeys((*COUNTED, "total_borrow", "interest_earned", "interest_owed"), 0)

    def add(self, ours: tuple[Table, Table], theirs: tuple[Table, Table], cash: float) -> None:
        """Add the lanes of a market: (what each ends with, its metrics) of both machines."""
        rows = list(COUNTED.values())
        alike = (ours[0][rows] == theirs[0][rows].astype(ours[0].dtype)).all(axis=0)
        a, b = ours[1][:, alike].astype(np.float64), theirs[1][:, alike].astype(np.float64)
        unit = np.array([cash if name in AMOUNTS else 1.0 for name in METRICS])[:, None]
        apart = abs(a - b) / np.maximum(np.maximum(abs(a), abs(b)), unit)
        self.lanes += alike.size
        self.trades += int((~alike).sum())
        self.nulls += int((np.isnan(a) != np.isnan(b)).any(axis=0).sum())
        apart = np.where(np.isnan(apart), 0.0, apart)
        high = np.array([name in MOMENTS for name in METRICS])
        plain = apart[~high]
        if plain.size:
            self._spread.append(plain.max(axis=0))
            self.moments = max(self.moments, float(apart[high].max()))
            if plain.max() > self.largest:
                self.largest = float(plain.max())
                self.worst = [m for m in METRICS if m not in MOMENTS][int(plain.max(axis=1).argmax())]
        for name in self._happened:
            values = theirs[0][COUNTED[name]] if name in COUNTED else theirs[1][METRICS.index(name)]
            self._happened[name] += int((values > 0).sum())

    def found(self) -> dict[str, Any]:
        """Return what there is to say; `happened` counts lanes in which a thing did."""
        spread = np.concatenate(self._spread) if self._spread else np.zeros(1)
        return {
            "lanes": self.lanes, "lanes_with_other_trades": self.trades, "lanes_with_other_nulls": self.nulls,
            "trades_identical": self.trades == 0, "largest_relative_difference": self.largest, "in_metric": self.worst,
            "median_lane": float(np.median(spread)), "lane_of_99_in_100": float(np.quantile(spread, 0.99)),
            "largest_of_skewness_and_kurtosis": self.moments, "happened": self._happened,
        }  # fmt: skip
