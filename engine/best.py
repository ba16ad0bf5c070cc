"""The best results by some objectives: each distinct result once, with how many lanes share it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.objective import Objective, Requirement
from kernels import ranking as at
from kernels.metrics import METRICS

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
_EQUITY = METRICS.index("final_equity")


class Best:
    """The best results by one objective so far, the best first, and no more than a number of them.

    Lanes whose metrics are all equal are one result. The order of results hangs on nothing but what they came to: so whatever is among
    the best of all lanes was among the best of every part of them since its first lane there, and no lane that shares it was missed.

    Parameters
    ----------
    most : how many are kept
    """

    def __init__(self, most: int) -> None:
        self._count = 0
        self._value, self._equity = np.empty(most), np.empty(most)
        self._keys, self._lane, self._shared = (
            np.empty((2, most), np.uint64),
            np.empty(most, np.int64),
            np.empty(most, np.int64),
        )

    def __len__(self) -> int:
        return self._count

    @property
    def value(self) -> Floats:
        """By what they are ranked, (result,); the greatest is the best."""
        return self._value[: self._count]

    @property
    def equity(self) -> Floats:
        """The final equity of each, (result,), which decides between equal values."""
        return self._equity[: self._count]

    @property
    def keys(self) -> npt.NDArray[np.uint64]:
        """What tells them apart, (half, result): bits of all metrics, which decide in the end."""
        return self._keys[:, : self._count]

    @property
    def lane(self) -> Whole:
        """The lowest lane of each, (result,)."""
        return self._lane[: self._count]

    @property
    def shared(self) -> Whole:
        """How many lanes came to each, (result,)."""
        return self._shared[: self._count]

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return sum(a.nbytes for a in (self._value, self._equity, self._keys, self._lane, self._shared))

    def reach(
        self, row: npt.NDArray[np.floating], sign: float, equity: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.bool_]:
        """Return which lanes may be among the best, or came to one of them, by their figures and final equities."""
        if self._count < self._value.size:
            return np.asarray(~np.isnan(row), np.bool_)
        last, behind = self._value[-1] * sign, self._equity[-1]
        within = row >= float(last) if sign > 0 else row <= float(last)
        if within.any():
            within &= (row != float(last)) | ~(equity < float(behind))
        return np.asarray(within, np.bool_)

    def add(self, value: Floats, equity: Floats, keys: npt.NDArray[np.uint64], lane: Whole, shared: Whole) -> None:
        """Take in results of other lanes, each of them once; NaN ranks nowhere."""
        self._count = at.take_in(
            self._value, self._equity, self._keys, self._lane, self._shared, self._count, value, equity, keys, lane, shared
        )  # fmt: skip


class Rankings:
    """The best results by each of some objectives, among the lanes that meet a requirement.

    Parameters
    ----------
    objectives : by what lanes are ranked
    require : which lanes may be among the best; None for all
    most : how many results are kept of each

    Attributes
    ----------
    met : how many lanes met the requirement so far
    """

    def __init__(self, objectives: Sequence[Objective], require: Requirement | None, most: int) -> None:
        self.objectives, self.require, self.met = tuple(objectives), require, 0
        self.best = {objective.name: Best(most) for objective in objectives}

    def add(self, numbers: Whole, values: npt.NDArray[np.floating]) -> None:
        """Take in the metrics (metric, lane) of the lanes of these numbers."""
        met = None if self.require is None else self.require(values)
        self.met += numbers.size if met is None else int(met.sum())
        rows = [objective(values) for objective in self.objectives]
        final = values[_EQUITY]
        some = np.zeros(numbers.size, np.bool_)
        for objective, row in zip(self.objectives, rows, strict=True):
            some |= self.best[objective.name].reach(row, objective.sign, final)
        lanes = np.flatnonzero(some if met is None else some & met)
        if not lanes.size:
            return
        keys, place = at.keys_of(values, lanes), np.empty(lanes.size, np.int64)
        lane, shared = np.empty_like(place), np.empty_like(place)
        count = at.put_together(keys, numbers[lanes], lane, shared, place)
        one = np.empty(count, np.int64)  # a lane of each result
        one[place] = lanes
        equity = np.nan_to_num(final[one].astype(np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        for objective, row in zip(self.objectives, rows, strict=True):
            value = row[one].astype(np.float64) * objective.sign
            self.best[objective.name].add(value, equity, keys[:, :count], lane[:count], shared[:count])

    def merge(self, other: Rankings) -> None:
        """Take in what another kept of other lanes."""
        self.met += other.met
        for name, best in other.best.items():
            self.best[name].add(best.value, best.equity, best.keys, best.lane, best.shared)
