"""The cells in which a summary counts the values of a parameter: each value its own, or stretches of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from kernels.random import stretch

Values = npt.NDArray[np.float64]

#: Values of a parameter that are counted one by one; more are counted in stretches.
_MOST_VALUES = 1024
#: Stretches, of equally many values or of equal width.
_STRETCHES = 64


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells in which the values of one parameter are counted, in rising order: each value its own, or stretches of them.

    Attributes
    ----------
    low, high : float64 (cell,), the ends of each cell; equal where it is one value
    names : what tables show for the cells of a setting that is no number, in place of their middle
    """

    low: Values
    high: Values
    names: pl.Series | None = None

    def __len__(self) -> int:
        return self.low.size

    def shown(self) -> pl.Series:
        """Return what tables show for each cell: a value, null for none; the middle of a stretch; a name."""
        if self.names is not None:
            return self.names
        return or_null(np.where(self.low == self.high, self.low, (self.low + self.high) / 2))

    def coarser(self, side: npt.NDArray[np.int32]) -> Cells:
        """Put neighbours together; `side` (cell,) rises from 0 and says which."""
        sides = np.arange(side[-1] + 1)
        first, last = np.searchsorted(side, sides), np.searchsorted(side, sides, side="right") - 1
        return Cells(self.low[first], self.high[last], None if self.names is None else self.names[first])


def or_null(values: Values) -> pl.Series:
    """Return values of a parameter as tables show them: null where it is none, which is held as infinity."""
    return pl.Series(np.where(np.isinf(values), math.nan, values), nan_to_null=True)


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, to be drawn from; `between` makes one."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def count(self) -> int:
        """How many values it holds that are counted one by one; 0 where it is counted in stretches."""
        values = int(self.high - self.low) + 1
        return values if self.whole and values <= _MOST_VALUES else 0

    def cells(self) -> Cells:
        """Return its cells: each whole number, or stretches that are drawn equally often."""
        if self.count:
            each = np.arange(self.low, self.high + 1)
            return Cells(each, each)
        edges = np.arange(_STRETCHES + 1) / _STRETCHES
        stretch(self.low, self.high, self.log, False, edges)
        return Cells(edges[:-1], edges[1:])

    def places(self, points: Values) -> npt.NDArray[np.int32]:
        """Return the cell of what is made of each point from 0 to 1."""
        if not self.count:
            return (points * _STRETCHES).astype(np.int32)
        values = points.copy()
        stretch(self.low, self.high, self.log, True, values)
        return (values - self.low).astype(np.int32)


def cells_of(values: Values) -> tuple[Cells, npt.NDArray[np.int32]]:
    """Return the cells of listed values, and the cell of each; none is a cell of its own."""
    levels, level = np.unique(values, return_inverse=True)
    if levels.size <= _MOST_VALUES:
        return Cells(levels, levels), level.astype(np.int32)
    numbers = levels.size - int(np.isinf(levels[-1]))
    cell = np.minimum(np.arange(levels.size) * _STRETCHES // numbers, _STRETCHES)
    first = np.searchsorted(cell, np.arange(cell[-1] + 1))
    last = np.searchsorted(cell, np.arange(cell[-1] + 1), side="right") - 1
    return Cells(levels[first], levels[last]), cell[level].astype(np.int32)
