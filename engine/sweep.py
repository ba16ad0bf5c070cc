"""Many backtests at once: one strategy over a grid of parameter sets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.account import Account
from engine.arrays import Heard, bars_of, bars_per_year, hear, plan_of, years_of
from engine.backtest import backtest
from engine.compile import compiled_run, lane_rows, own_rows, rule_asks
from engine.events import Events
from engine.faults import Fault
from engine.grid import Grid
from engine.guess import did_you_mean
from engine.market import Market
from engine.run import Run
from engine.strategy import Strategy
from kernels import layout as at
from kernels.layout import N_FIXED, Bars, Plan, Record
from kernels.metrics import METRICS, metrics
from kernels.steps import WIDTH

#: Lanes that are laid out, walked and summed up together; bounds the memory a sweep needs beside its results.
_CHUNK = 1 << 16
#: Lanes that one thread walks at a time.
_TASK = WIDTH * 32
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
    strategy: type[Strategy]
    fixed: dict[str, Any]
    grid: Grid
    market: Market
    events: Events | None
    account: Account
    borrow: pl.DataFrame | None

    def __len__(self) -> int:
        return self.grid.size

    def __getitem__(self, lane: int) -> Run:
        """Run one lane again, with its ledger and path, in float64."""
        if not -len(self) <= lane < len(self):
            raise IndexError(f"lane {lane} of {len(self)}")
        return backtest(self._made(lane % len(self)), self.market, self.events, self.account, borrow=self.borrow)

    def _made(self, lane: int) -> Strategy:
        chosen = {name: float(v[0]) for name, v in self.grid.values(np.array([lane])).items()}
        return self.strategy(**self.fixed, **chosen)

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
    precision: Literal["float32", "float64"] = "float32",
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
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise Fault(
            f"strategy is {strategy!r}, allowed is a class of Strategy; leave out the parentheses, and give values by name."
        )
    if precision not in ("float32", "float64"):
        raise Fault(f"precision is {precision!r}, allowed are 'float32' and 'float64'; choose one.")
    if threads is not None and threads < 1:
        raise Fault(f"threads is {threads}, allowed is 1 or more; leave it out for one a processor.")
    account = account or Account()
    if account.kind != "portfolio":
        raise Fault(
            f"account.kind is {account.kind!r}, allowed in a sweep is 'portfolio'; sweep one asset at a time for the like of columns."
        )
    fixed = {name: grid.pop(name) for name in list(grid) if name in strategy.options}
    lanes = Grid.of(strategy, grid, table, where)
    if lanes.size > _MOST:
        raise Fault(
            f"the sweep has {lanes.size:,} lanes, allowed are {_MOST:,}; take fewer values, or a table of random ones."
        )
    first = strategy(**fixed, **{name: float(v[0]) for name, v in lanes.values(np.array([0])).items()})
    allowed = np.broadcast_to(
        strategy.allows({**first.settings(), **lanes.values(np.arange(lanes.size))}), (lanes.size,)
    )
    if not allowed.all():
        refused = lanes.values(np.flatnonzero(~allowed)[:1])
        shown = ", ".join(f"{name}={v[0]:g}" for name, v in refused.items())
        raise Fault(
            f"{strategy.name()} does not allow {int((~allowed).sum())} of {lanes.size} lanes (the first: {shown}); "
            f"leave them out with where=."
        )
    first.check(market, events)
    job = _Job(first, lanes, market, account, hear(first, market, events, precision), np.dtype(precision), borrow)
    found = _walk(job, threads or os.cpu_count() or 1, progress)
    swept = lanes.values(np.arange(lanes.size))
    frame = pl.DataFrame({"lane": np.arange(lanes.size), **swept, **{m: found[i] for i, m in enumerate(METRICS)}})
    return Sweep(frame, strategy, fixed, lanes, market, events, account, borrow)


class _Job:
    """Everything that is the same for all lanes, laid out once."""

    def __init__(
        self,
        first: Strategy,
        grid: Grid,
        market: Market,
        account: Account,
        heard: Heard,
        dtype: np.dtype[Any],
        borrow: pl.DataFrame | None,
    ) -> None:
        self.strategy, self.grid, self.dtype = type(first), grid, dtype
        self.settings = first.settings()
        self.heard, self.terms, self.account = heard, account.terms(dtype), account
        self.windows = {
            name: sorted({int(w) for w in grid.axes[f.window]})
            for name, f in first.features.items()
            if isinstance(f.window, str) and f.window in grid.axes
        }
        self.bars: Bars = bars_of(market, account, first, dtype, borrow, self.windows)
        self.plan: Plan = plan_of(market, account, first, "others" in rule_asks(self.strategy))
        self.years, self.yearly = years_of(market), bars_per_year(market, account)
        self.run = compiled_run(self.strategy, dtype)

    def params(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return the parameter table of some lanes; the rows of features point at their windows in the bank."""
        values: Mapping[str, Any] = {**self.settings, **self.grid.values(numbers)}
        rows = lane_rows(self.strategy, values, self.dtype)
        rows = np.array(np.broadcast_to(rows, (rows.shape[0], numbers.size)))
        offset, place = 0, N_FIXED + len(own_rows(self.strategy)) - len(self.strategy.features)
        for i, (name, feature) in enumerate(self.strategy.features.items()):
            windows = self.windows.get(name, [])
            if windows:
                rows[place + i] = offset + np.searchsorted(windows, np.asarray(values[str(feature.window)]))
            else:
                rows[place + i] = offset
            offset += max(len(windows), 1)
        return rows


def _walk(job: _Job, threads: int, progress: Callable[[int, int], None] | None) -> npt.NDArray[np.float32]:
    """Walk all lanes, a chunk at a time; the metrics (metric, lane)."""
    size = job.grid.size
    found = np.empty((len(METRICS), size), np.float32 if job.dtype == np.float32 else np.float64)
    with ThreadPoolExecutor(threads) as pool:
        for low in range(0, size, _CHUNK):
            numbers = np.arange(low, min(low + _CHUNK, size))
            params = job.params(numbers)
            # A block walks every bar that any of its lanes holds, so neighbours should hold alike: by time exit, then the rest.
            order = np.lexsort((*params[N_FIXED:], params[at.STOP], params[at.DECAY], params[at.HOLD]))
            tasks = [order[i : i + _TASK] for i in range(0, order.size, _TASK)]
            lanes = np.empty((at.N_LANE, order.size), job.dtype)
            parts = [np.ascontiguousarray(params[:, task]) for task in tasks]
            for task, walked in zip(tasks, pool.map(partial(_walk_some, job), parts), strict=True):
                lanes[:, task] = walked
            _refuse_faults(job, lanes)
            account = job.account
            values = metrics(lanes, account.cash, len(job.bars.time), job.years, job.yearly, account.cash_rate)
            for i, name in enumerate(METRICS):
                found[i, low : low + order.size] = values[name]
            if progress:
                progress(low + order.size, size)
    return found


def _walk_some(job: _Job, params: npt.NDArray[Any]) -> npt.NDArray[Any]:
    lanes = np.zeros((at.N_LANE, params.shape[1]), job.dtype)
    lots = np.zeros((job.bars.price.shape[0], at.N_LOT), job.dtype)
    nothing = Record(np.zeros((0, at.N_LEDGER)), np.zeros(1, np.int64), np.zeros((at.N_PATH, 0)))
    job.run(job.bars, job.heard.news, job.terms, job.plan, params, lanes, lots, nothing)
    return lanes


def _refuse_faults(job: _Job, lanes: npt.NDArray[Any]) -> None:
    faults = int(lanes[at.FAULTS].sum())
    if faults:
        raise Fault(
            f"{job.strategy.name()}.rule answered no finite number {faults} times, allowed are a weight, 0 and KEEP; guard the rule "
            f"against features that are not known yet (a comparison with one is false)."
        )
