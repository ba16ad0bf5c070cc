"""What a sweep keeps of its lanes as it goes: the best, histograms, marginals and heat maps; small, and the same in any order."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.best import Rankings
from engine.cells import Cells
from engine.faults import Fault
from engine.formula import Said
from engine.grid import Grid
from engine.guess import did_you_mean
from engine.number import is_whole, shown
from engine.objective import Objective, Requirement
from kernels import reduce as at
from kernels.metrics import AMOUNTS, LESS_IS_BETTER, METRICS

#: Metrics of marginals and heat maps, unless others are asked for.
TALLIED = ("sharpe", "total_return", "max_drawdown", "calmar")
#: Cells along a side of a heat map.
_SIDE = 64
_VERSION = "2"
_SCHEMA = pa.schema(
    [("part", pa.string()), ("metric", pa.string()), ("place", pa.int64()), ("count", pa.int64()), ("high", pa.int64()),
     ("low", pa.int64()), ("value", pa.float64()), ("equity", pa.float64())]
)  # fmt: skip


class Summary:
    """What is kept of many lanes: the best of them; a histogram of each metric; of some, means, bests and counts by parameter.

    The best are distinct results, lanes whose metrics are all equal counting as one; of equal figures the greater final equity is the
    better, and then whatever a hash of all metrics says, so that nothing depends on which lanes were looked at together. Histograms,
    marginals and heat maps are of all lanes, whatever the best must meet.

    Lanes may be added in any order and any parts, and summaries merged: the result is the same to the last bit. For that,
    means are of sums in steps of 2**-32, amounts of money as shares of the initial cash; a value beyond 2**30 counts as 2**30. A
    summary takes 2**32 lanes. Histograms have 32 bins between a power of two and the next, so that a quantile is within 1.6 %.

    Attributes
    ----------
    count : lanes added so far
    """

    def __init__(
        self,
        grid: Grid,
        metrics: Sequence[str],
        top: int,
        by: Sequence[Said | Objective],
        cash: float,
        require: Said | Requirement | None = None,
    ) -> None:
        if not is_whole(top) or top < 1:
            raise Fault(
                f"top must be a whole number from 1 (got {shown(top)}); give how many of the best results to keep."
            )
        self.grid, self.metrics, self.top_size, self.cash = (
            grid,
            tuple(map(known_metric, metrics)),
            int(top),
            float(cash),
        )
        self._ranked = Rankings(_objectives(by), Requirement.of(require), self.top_size)
        self.by = tuple(self._ranked.best)
        self.count = 0
        self._cells = grid.cells()
        self._names = list(self._cells)
        self._coarse = [_coarsened(c) for c in self._cells.values()]
        self._groups, self._starts, cells = _groups_of([len(c) for c in self._cells.values()], self._coarse)
        self._signs = np.array([_sign(m) for m in self.metrics])
        self._units = np.array([self.cash if m in AMOUNTS else 1.0 for m in self.metrics])
        self._bins = np.zeros((len(METRICS), at.N_BINS), np.int64)
        self._lanes = np.zeros(cells, np.int64)
        self._sums = at.no_sums(cells, len(self.metrics))

    @classmethod
    def of(
        cls,
        grid: Grid,
        metrics: Sequence[str] = TALLIED,
        top: int = 1000,
        by: Sequence[Said] = METRICS,
        cash: float = 1.0,
        require: Said | None = None,
    ) -> Summary:
        """Make an empty summary.

        Parameters
        ----------
        metrics : those of marginals and heat maps
        top : how many of the best results to keep
        by : by what they are the best: metrics, or what `engine.objective.Objective` takes
        cash : initial cash, the unit in which amounts of money are summed
        require : what the best must meet, as `engine.objective.Requirement` takes it
        """
        return cls(grid, metrics, top, by, cash, require)

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return sum(a.nbytes for a in (self._bins, self._lanes, self._sums)) + sum(
            best.nbytes for best in self._ranked.best.values()
        )

    @property
    def met(self) -> int:
        """Lanes that met what the best must meet."""
        return self._ranked.met

    @property
    def require(self) -> str:
        """What the best must meet, as it was written; empty for nothing."""
        return self._ranked.require.name if self._ranked.require else ""

    def empty(self) -> Summary:
        """Return a summary of the same grid and metrics with no lanes in it."""
        ranked = self._ranked
        return Summary(self.grid, self.metrics, self.top_size, ranked.objectives, self.cash, ranked.require)

    def objective(self, by: Said) -> Objective | None:
        """Return what lanes are ranked by, where that is `by`; None where it is not kept."""
        return next((objective for objective in self._ranked.objectives if objective.says(by)), None)

    def narrowed(self, k: int, by: Said, require: Said | None) -> Summary:
        """Return an empty summary that keeps the best `k` alone, by something else, or of lanes that meet something else."""
        return Summary(self.grid, (), k, (by,), self.cash, self._ranked.require if require is None else require)

    def refuse_none(self, by: str) -> None:
        """Refuse to show the best where there is none."""
        if not self.met and self.require:
            raise Fault(f"none of {self.count:,} lanes meets {self.require!r}; loosen require=.")
        if not len(self._ranked.best[by]):
            among = f"the {self.met:,} lanes that meet {self.require!r}" if self.require else f"{self.count:,} lanes"
            raise Fault(
                f"none of {among} has a figure for {by!r} (there is nothing to divide by); rank by another, such as by='total_return'."
            )

    def add(self, numbers: npt.NDArray[np.int64], values: npt.NDArray[np.floating]) -> None:
        """Add lanes, each only once.

        Parameters
        ----------
        numbers : int64 (lane,)
        values : float32 or float64 (metric, lane) in the order of `METRICS`, as `Lanes.metrics(numbers)` answers
        """
        if values.shape != (len(METRICS), numbers.size):
            raise ValueError(f"values have the shape {values.shape}, not {(len(METRICS), numbers.size)}")
        with np.errstate(over="ignore"):  # a float64 beyond float32 goes into the last bin
            single = np.ascontiguousarray(values, np.float32)
        at.count_bins(single.view(np.int32), self._bins)
        self._ranked.add(numbers, values)
        fine = self.grid.places(numbers)
        coarse = np.empty_like(fine)
        for i, cell in enumerate(self._coarse):
            np.take(cell, fine[i], out=coarse[i])
        chosen = values[[METRICS.index(m) for m in self.metrics]]
        at.tally(chosen, self._signs, self._units, fine, coarse, self._groups, self._lanes, self._sums)
        self.count += numbers.size

    def merge(self, other: Summary) -> Summary:
        """Add another summary's lanes to this one, and return it."""
        if self._made_of() != other._made_of():
            raise ValueError("summaries of different grids or metrics cannot be merged")
        self._bins += other._bins
        self._lanes += other._lanes
        at.add_sums(self._sums, other._sums)
        self._ranked.merge(other._ranked)
        self.count += other.count
        return self

    def top(self, k: int, by: str = "sharpe") -> pl.DataFrame:
        """Return the best `k` results by what was asked for: rank, lane, shared, the swept settings and parameters, the figure.

        `lane` is the lowest of those whose metrics are all equal as they were walked, and `shared` how many they are.
        """
        if by not in self.by:
            known_metric(by)
            raise Fault(f"the best by {by} were not kept, allowed are {', '.join(self.by)}; name it in by=.")
        if not is_whole(k) or not 1 <= k <= self.top_size:
            raise Fault(
                f"top must be asked for a whole number of results from 1 to {self.top_size:,}, as many as were kept (got {shown(k)}); "
                f"give one."
            )
        best, count = self._ranked.best[by], min(int(k), len(self._ranked.best[by]))
        lane, sign = best.lane[:count], next(o.sign for o in self._ranked.objectives if o.name == by)
        told = {"rank": np.arange(1, count + 1), "lane": lane, "shared": best.shared[:count], **self.grid.columns(lane)}
        return pl.DataFrame({**told, by: best.value[:count] * sign})

    def histogram(self, metric: str = "sharpe") -> pl.DataFrame:
        """Return the bins of a metric that hold lanes: low, high, count."""
        counts = self._bins[METRICS.index(known_metric(metric))]
        held = np.flatnonzero(counts)
        low, high = at.bin_edges()
        return pl.DataFrame({"low": low[held], "high": high[held], "count": counts[held]})

    def quantile(self, share: float, metric: str = "sharpe") -> float:
        """Return the value below which a share of the lanes lies, within 1.6 % of itself; NaN where no lane has one."""
        if not 0.0 <= share <= 1.0:
            raise Fault(f"the share of a quantile is {share:g}, allowed is from 0 to 1; correct it.")
        bins = self.histogram(metric)
        if bins.is_empty():
            return float("nan")
        below = bins["count"].cum_sum().to_numpy()
        found = int(np.searchsorted(below, max(share * below[-1], 1.0)))
        low, high = bins["low"][found], bins["high"][found]
        return float(low + high) / 2 if max(abs(low), abs(high)) > 1e-38 else 0.0

    def marginal(self, parameter: str, metric: str = "sharpe") -> pl.DataFrame:
        """Return for each cell of a parameter the mean, the best and the count of a metric over all other parameters.

        A cell is a value; of a parameter with more than 1024 values it is one of 64 stretches, shown by its middle.
        """
        axis = self._axis(parameter)
        first = self._starts[axis, axis]
        cells = self._cells[parameter]
        return self._over({parameter: cells.shown()}, np.arange(first, first + len(cells)), metric)

    def heatmap(self, x: str, y: str, metric: str = "sharpe") -> pl.DataFrame:
        """Return for each pair of cells of two parameters the mean, the best and the count of a metric over the others.

        A side has at most 64 cells: values, or stretches of them, shown by their middle.
        """
        a, b = self._axis(x), self._axis(y)
        if a == b:
            raise Fault(
                f"heatmap was asked for {x!r} against itself, allowed are two parameters; use marginal({x!r}) for one."
            )
        i, j = sorted((a, b))
        first, second = (self._cells[self._names[k]].coarser(self._coarse[k]).shown() for k in (i, j))
        cells = np.arange(len(first) * len(second))
        if a > b:  # the cells of x rise before those of y
            cells = cells.reshape(len(first), len(second)).T.ravel()
        sides = {self._names[i]: first[cells // len(second)], self._names[j]: second[cells % len(second)]}
        return self._over({name: sides[name] for name in (x, y)}, self._starts[i, j] + cells, metric)

    def _over(self, sides: dict[str, pl.Series], cells: npt.NDArray[np.int64], metric: str) -> pl.DataFrame:
        known_metric(metric)
        if metric not in self.metrics:
            raise Fault(
                f"{metric} was not kept by parameter, allowed are {', '.join(self.metrics)}; name it in metrics=."
            )
        m = self.metrics.index(metric)
        mean = at.means(self._sums[cells], self._units)[:, m]
        best = at.from_order(self._sums[cells, m, at.BEST]) * self._signs[m]
        count = self._sums[cells, m, at.COUNT]
        frame = pl.DataFrame(
            {
                **sides,
                "mean": mean,
                "best": best,
                "count": count,
                "lanes": self._lanes[cells],
            }
        )
        return frame.filter(pl.col("lanes") > 0).drop("lanes").with_columns(pl.col("mean", "best").fill_nan(None))

    def _axis(self, name: str) -> int:
        if name not in self._names:
            raise Fault(
                f"{name!r} was not swept{did_you_mean(name, self._names)}, allowed are {', '.join(self._names)}; name one."
            )
        return self._names.index(name)

    def _made_of(self) -> dict[str, Any]:
        return {
            "version": _VERSION, "size": self.grid.size, "cells": {n: len(c) for n, c in self._cells.items()},
            "metrics": list(self.metrics), "by": list(self.by), "top": self.top_size, "cash": self.cash, "require": self.require,
        }  # fmt: skip

    def to_table(self) -> pa.Table:
        """Return everything that is kept as one table; equal summaries give equal tables."""
        metric, place = np.nonzero(self._bins)
        parts = [_rows("bin", [METRICS[i] for i in metric], place, count=self._bins[metric, place])]
        for name in self.by:
            kept = self._ranked.best[name]
            high, low = kept.keys.view(np.int64)
            parts.append(
                _rows("top", [name] * len(kept), kept.lane, kept.shared, high, low, kept.value, equity=kept.equity)
            )
        cells = np.flatnonzero(self._lanes)
        parts.append(_rows("cell", [""] * cells.size, cells, count=self._lanes[cells]))
        for m, name in enumerate(self.metrics):
            count, high, low = (self._sums[cells, m, column] for column in (at.COUNT, at.HIGH, at.LOW))
            best = at.from_order(self._sums[cells, m, at.BEST])
            parts.append(_rows("sum", [name] * cells.size, cells, count, high, low, best))
        told = {"tocsin.summary": json.dumps({**self._made_of(), "count": self.count, "met": self.met})}
        return pa.concat_tables(parts).replace_schema_metadata(told)

    @classmethod
    def from_table(cls, grid: Grid, table: pa.Table) -> Summary:
        """Make a summary of what `to_table` returned for the same grid.

        Raises
        ------
        Fault
            Where the table is none of a summary, or of another grid.
        """
        told = (table.schema.metadata or {}).get(b"tocsin.summary")
        if told is None:
            raise Fault("the table is no summary of a sweep, allowed is one that Summary.to_table made; name another.")
        kept = json.loads(told)
        count, met = kept.pop("count"), kept.pop("met", 0)
        if kept["version"] != _VERSION:
            raise Fault(
                f"the summary was made by another version of tocsin (its form is {kept['version']}, not {_VERSION}); make it again."
            )
        made = cls(grid, kept["metrics"], kept["top"], kept["by"], kept["cash"], kept.get("require") or None)
        if made._made_of() != kept:
            raise Fault(
                f"the summary is of a grid of {kept['size']} lanes over {kept['cells']}, allowed is {made._made_of()['size']} over "
                f"{made._made_of()['cells']}; take the grid that it was made with."
            )
        made.count, made._ranked.met = count, met
        frame = pl.DataFrame(pl.from_arrow(table))
        for (part, name), rows in frame.group_by(["part", "metric"], maintain_order=True):
            place, counts, value = (rows[column].to_numpy() for column in ("place", "count", "value"))
            if part == "bin":
                made._bins[METRICS.index(str(name)), place] = counts
            elif part == "top":
                keys = rows.select("high", "low").to_numpy().T.copy().view(np.uint64)
                made._ranked.best[str(name)].add(value, rows["equity"].to_numpy(), keys, place, counts)
            elif part == "cell":
                made._lanes[place] = counts
            else:
                m = made.metrics.index(str(name))
                made._sums[place, m, : at.BEST] = rows.select("count", "high", "low").to_numpy()
                made._sums[place, m, at.BEST] = np.where(np.isnan(value), at.NONE, at.in_order(value))
        return made


def _objectives(by: Sequence[Said | Objective]) -> list[Objective]:
    """Make what lanes are ranked by, each with a name of its own."""
    made = [Objective.of(said) for said in by]
    names = [objective.name for objective in made]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise Fault(f"by must name each objective once (got {name!r} twice); drop one, or give functions names.")
    return made


def known_metric(name: str) -> str:
    """Return the name of a metric, or refuse it."""
    if name not in METRICS:
        raise Fault(
            f"metric {name!r} is unknown{did_you_mean(name, METRICS)}, allowed are {', '.join(METRICS)}; name one."
        )
    return name


def _sign(metric: str) -> float:
    return -1.0 if metric in LESS_IS_BETTER else 1.0


def _coarsened(cells: Cells) -> npt.NDArray[np.int32]:
    """Return the cell of a heat map's side for each of `cells`; none, the last where it is there, stays by itself."""
    count = len(cells)
    numbers = count - int(math.isinf(cells.low[-1]))
    side = np.arange(count) * min(numbers, _SIDE) // max(numbers, 1)
    return np.minimum(side, min(numbers, _SIDE)).astype(np.int32)


def _groups_of(
    fine: list[int], coarse: list[npt.NDArray[np.int32]]
) -> tuple[npt.NDArray[np.int64], dict[tuple[int, int], int], int]:
    """Return the groups of cells, one an axis and then one a pair of axes; the first cell of each; how many cells there are in all.

    A pair with an axis of one cell needs no group where the cells of its other axis are the same.
    """
    sides = [int(c[-1]) + 1 for c in coarse]
    groups: list[tuple[int, int, int, int]] = []
    starts: dict[tuple[int, int], int] = {}
    first = 0
    for x, cells in enumerate(fine):
        groups.append((first, x, -1, 0))
        starts[x, x] = first
        first += cells
    for x, y in itertools.combinations(range(len(fine)), 2):
        if fine[y] == 1 and fine[x] == sides[x]:
            starts[x, y] = starts[x, x]
        elif fine[x] == 1 and fine[y] == sides[y]:
            starts[x, y] = starts[y, y]
        else:
            groups.append((first, x, y, sides[y]))
            starts[x, y] = first
            first += sides[x] * sides[y]
    return np.array(groups, np.int64).reshape(-1, at.N_GROUP), starts, first


def _rows(
    part: str,
    metrics: list[str],
    place: Any,
    count: Any = None,
    high: Any = None,
    low: Any = None,
    value: Any = None,
    equity: Any = None,
) -> pa.Table:
    n = len(metrics)
    nothing, zero = np.zeros(n), np.zeros(n, np.int64)
    columns = [
        pa.array([part] * n, pa.string()), pa.array(metrics, pa.string()), pa.array(place, pa.int64()),
        *(pa.array(zero if c is None else c, pa.int64()) for c in (count, high, low)),
        *(pa.array(nothing if c is None else c, pa.float64(), from_pandas=True) for c in (value, equity)),
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=_SCHEMA)
