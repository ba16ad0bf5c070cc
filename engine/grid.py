"""Which parameter sets a sweep walks: products of lists, addressed by number and never written out whole."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.strategy import Strategy

Values = npt.NDArray[np.float64]


def span(low: float, high: float, n: int | None = None) -> list[float]:
    """Values from `low` to `high`, both included: whole numbers, or `n` of them evenly spaced.

    >>> span(1, 4)
    [1.0, 2.0, 3.0, 4.0]
    >>> span(0.1, 0.3, 3)
    [0.1, 0.2, 0.3]
    """
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise Fault(
            f"span({low:g}, {high:g}) runs backwards or without end, allowed is low <= high; swap or correct them."
        )
    if n is None:
        if low != int(low) or high != int(high):
            raise Fault(
                f"span({low:g}, {high:g}) has ends that are not whole, allowed are whole ends or a number of values; give n."
            )
        return [float(v) for v in range(int(low), int(high) + 1)]
    if n < 2:
        raise Fault(
            f"span({low:g}, {high:g}, {n}) has {n} values, allowed are 2 or more; write a single value as it is."
        )
    return [float(v) for v in np.round(np.linspace(low, high, n), 12)]


@dataclass(frozen=True)
class Grid:
    """The lanes of a sweep: every combination of the values of `axes`, the last axis fastest; or the rows of a table.

    Attributes
    ----------
    axes : values by parameter; of a table, its columns
    kept : numbers of the combinations that a constraint left; None keeps all
    rows : whether the axes are columns of one table in place of the sides of a product
    """

    axes: dict[str, Values]
    kept: npt.NDArray[np.int64] | None = None
    rows: bool = False

    @classmethod
    def of(
        cls,
        strategy: type[Strategy],
        values: Mapping[str, Any],
        table: pl.DataFrame | None = None,
        where: Callable[..., Any] | None = None,
    ) -> Grid:
        """Check values and constraint, and make the grid.

        Parameters
        ----------
        values : for a parameter one value or a list of them
        table : parameter sets, one a row, in place of lists
        where : function of arrays that are named like parameters, answering which combinations to walk
        """
        if table is not None and values:
            raise Fault(
                f"{next(iter(values))} is given beside a table, allowed is one of the two; make it a column of the table."
            )
        given = {name: table[name].to_list() for name in table.columns} if table is not None else dict(values)
        axes = {}
        for name, listed in given.items():
            if name not in strategy.parameters:
                known = list(strategy.parameters)
                raise Fault(
                    f"{strategy.name()}.{name} cannot be swept{did_you_mean(name, known)}, allowed are {', '.join(known)}; rename it."
                )
            many = (
                listed
                if isinstance(listed, (Sequence, np.ndarray, range, pl.Series)) and not isinstance(listed, str)
                else [listed]
            )
            if len(many) == 0:
                raise Fault(
                    f"{strategy.name()}.{name} has no values, allowed is one or more; give some, or leave it out."
                )
            axes[name] = np.array([strategy.parameters[name].check(strategy.name(), name, v) for v in many])
        grid = cls(axes, rows=table is not None)
        return grid if where is None else grid._constrained(where)

    def _constrained(self, where: Callable[..., Any]) -> Grid:
        wanted = list(inspect.signature(where).parameters)
        for name in wanted:
            if name not in self.axes:
                raise Fault(
                    f"where asks for {name!r}{did_you_mean(name, self.axes)}, allowed are the swept {', '.join(self.axes)}; rename it."
                )
        lanes = np.arange(self.size)
        columns = self.values(lanes)
        try:
            answer = where(*(columns[n] for n in wanted))
        except ValueError:
            raise Fault(
                "where compares arrays with `and` or `or`, allowed are & and |, with brackets; write (a > 1) & (b > 2)."
            ) from None
        kept = lanes[np.broadcast_to(np.asarray(answer, bool), lanes.shape)]
        if kept.size == 0:
            raise Fault(f"where leaves none of {self.size} lanes, allowed is one or more; loosen it.")
        return Grid(self.axes, kept, self.rows)

    @property
    def size(self) -> int:
        """Number of lanes."""
        if self.kept is not None:
            return int(self.kept.size)
        sizes = [len(v) for v in self.axes.values()]
        return (sizes[0] if sizes else 1) if self.rows else math.prod(sizes)

    def values(self, lanes: npt.NDArray[np.int64]) -> dict[str, Values]:
        """Return the values of each parameter for the lanes of these numbers."""
        places = lanes if self.kept is None else self.kept[lanes]
        if self.rows:
            return {name: axis[places] for name, axis in self.axes.items()}
        found = {}
        for name, axis in reversed(self.axes.items()):
            found[name] = axis[places % len(axis)]
            places = places // len(axis)
        return dict(reversed(found.items()))
