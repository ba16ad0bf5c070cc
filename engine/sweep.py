"""Many backtests at once: one strategy over a grid of parameter sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from engine.account import Account
from engine.backtest import backtest
from engine.events import Events
from engine.faults import Fault
from engine.grid import Grid
from engine.guess import did_you_mean
from engine.lanes import Lanes, Precision
from engine.market import Market
from engine.run import Run
from engine.strategy import Strategy
from kernels.metrics import METRICS

#: Lanes that are laid out, walked and summed up together; bounds the memory a sweep needs beside its results.
_CHUNK = 1 << 16
#: Metrics of which less is better.
_LESS_IS_BETTER = {
    "volatility", "max_drawdown", "longest_drawdown", "turnover", "total_borrow", "total_costs", "interest_owed",
}  # fmt: skip
#: Lanes whose metrics fit in memory: 92 bytes each.
_MOST = 20_000_000


@dataclass(frozen=True)
class Sweep:
    """The result of many backtests.

    Attributes
    ----------
    table : polars, one row a lane: lane, the swept parameters, every metric (NaN where it has no value)
    """

    table: pl.DataFrame
    lanes: Lanes

    @property
    def grid(self) -> Grid:
        """The parameter sets."""
        return self.lanes.grid

    def __len__(self) -> int:
        return self.grid.size

    def __getitem__(self, lane: int) -> Run:
        """Run one lane again, with its ledger and path, in float64."""
        if not -len(self) <= lane < len(self):
            raise IndexError(f"lane {lane} of {len(self)}")
        of = self.lanes
        return backtest(of.made(lane % len(self)), of.market, of.events, of.account, borrow=of.borrow)

    def top(self, k: int = 20, by: str = "sharpe") -> pl.DataFrame:
        """Return the k best lanes by a metric, run again in float64 and ranked by that; `rank` is where the sweep had them."""
        self._metric(by)
        if k < 1:
            raise Fault(f"k is {k}, allowed is 1 or more; ask for at least one lane.")
        more = by not in _LESS_IS_BETTER
        best = self.table.filter(pl.col(by).is_not_nan()).sort(by, "lane", descending=[more, False]).head(k)
        again = [{"lane": lane, **self[lane].metrics} for lane in best["lane"]]
        exact = pl.DataFrame(again, {"lane": pl.Int64, **dict.fromkeys(METRICS, pl.Float64)})
        chosen = best.select("lane", *self.grid.axes).with_row_index("rank", offset=1)
        return chosen.join(exact, on="lane").sort(by, "rank", descending=[more, False], nulls_last=True)

    def heatmap(self, x: str, y: str, metric: str = "sharpe") -> pl.DataFrame:
        """Return for each pair of values of two parameters the mean, the best and the count of a metric over the other parameters."""
        self._metric(metric)
        for name in (x, y):
            self._axis(name)
        if x == y:
            raise Fault(
                f"heatmap was asked for {x!r} against itself, allowed are two parameters; use marginal({x!r}) for one."
            )
        return self._over([x, y], metric)

    def marginal(self, parameter: str, metric: str = "sharpe") -> pl.DataFrame:
        """Return for each value of a parameter the mean, the best and the count of a metric over all other parameters."""
        self._metric(metric)
        self._axis(parameter)
        return self._over([parameter], metric)

    def _over(self, parameters: list[str], metric: str) -> pl.DataFrame:
        value = pl.col(metric).fill_nan(None)
        best = value.min() if metric in _LESS_IS_BETTER else value.max()
        return self.table.group_by(parameters).agg(mean=value.mean(), best=best, count=value.count()).sort(parameters)

    def _metric(self, name: str) -> None:
        if name not in METRICS:
            raise Fault(
                f"metric {name!r} is unknown{did_you_mean(name, METRICS)}, allowed are {', '.join(METRICS)}; name one."
            )

    def _axis(self, name: str) -> None:
        if name not in self.grid.axes:
            raise Fault(
                f"{name!r} was not swept{did_you_mean(name, self.grid.axes)}, allowed are {', '.join(self.grid.axes)}; name one."
            )


def sweep(
    strategy: type[Strategy],
    market: Market,
    events: Events | None = None,
    account: Account | None = None,
    *,
    table: pl.DataFrame | None = None,
    where: Callable[..., Any] | None = None,
    borrow: pl.DataFrame | None = None,
    precision: Precision = "float32",
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    **grid: Any,
) -> Sweep:
    """Backtest a strategy with every combination of the given values, on the CPU.

    Parameters
    ----------
    strategy : the class, not an instance
    grid : for each parameter one value or a list (`span` makes one); an option, such as `basket`, has one value
    table : parameter sets, one a row, in place of lists
    where : function of swept parameters, as arrays, that says which combinations to walk: ``lambda fast, slow: fast < slow``
    precision : of the walks; `top` and ``sweep[i]`` are float64 whatever it is
    threads : left out, one a processor
    progress : called with lanes done and lanes in all

    The result does not depend on threads, on the order of the grid, or on which lanes are walked together.
    """
    grid_of = dict(grid)
    fixed = {name: grid_of.pop(name) for name in grid if name in getattr(strategy, "options", ())}
    lanes = Lanes(
        strategy, Grid.of(strategy, grid_of, table, where), market, events, account,
        fixed=fixed, borrow=borrow, precision=precision, threads=threads,
    )  # fmt: skip
    size = len(lanes)
    if size > _MOST:
        raise Fault(
            f"the sweep has {size:,} lanes, allowed are {_MOST:,}; take fewer values, or a table of random ones."
        )
    swept = lanes.grid.values(np.arange(size))
    found = np.empty((len(METRICS), size), lanes.dtype)
    for low in range(0, size, _CHUNK):
        numbers = np.arange(low, min(low + _CHUNK, size))
        found[:, numbers] = lanes.metrics(numbers)
        if progress:
            progress(low + numbers.size, size)
    frame = pl.DataFrame({"lane": np.arange(size), **swept, **{m: found[i] for i, m in enumerate(METRICS)}})
    return Sweep(frame, lanes)
