"""vectorbt 1.2, on Numba or on its Rust engine.

Its simulations run on one thread; many columns are shared out to a process a processor, in chunks of columns that fit the
cache of its intermediate arrays. Numba functions are cached on disk and called once before the clock starts, as ours are.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import singledispatch
from typing import Any

import numpy as np

from benchmarks import jobs
from benchmarks.peers import Answer, Task, news_items, rounded_averages, some, spread_out

#: Lanes that a process walks at a time.
_CHUNK = {"dense": 12, "narrative": 100}

_here: dict[str, Any] = {}  # in a process of the pool: the job, and what is made of it


def task(job: Any, variant: str) -> Task:
    """Bring a job into vectorbt's arrays."""
    _engine(variant)
    return _task(job, variant)


def _engine(variant: str) -> None:
    import vectorbt as vbt  # noqa: PLC0415 - an extra, and slow to load

    # "auto" takes Rust wherever vectorbt has it, and Numba for the rest.
    vbt.settings["engine"] = "numba" if variant == "numba" else "auto"


@singledispatch
def _task(job: Any, variant: str) -> Task:
    raise NotImplementedError(type(job).__name__)


@_task.register
def _dense(job: jobs.Dense, variant: str) -> Task:
    return _pooled(job, variant, "from_signals over columns, a process a processor; averages made before")


@_task.register
def _narrative(job: jobs.Narrative, variant: str) -> Task:
    return _pooled(
        job, variant, "entries and exits found in Numba, from_orders with one cash a lane, a process a processor"
    )


@_task.register
def _single(job: jobs.Single, variant: str) -> Task:
    prepared = prepare_dense(job)
    idiom = "from_signals: records; five metrics; averages made before"
    return Task(lambda: walk_dense(job, prepared, np.array([0])), _answer, 1, idiom)


@_task.register
def _sparse(job: jobs.Sparse, variant: str) -> Task:
    import vectorbt as vbt  # noqa: PLC0415

    close = np.ascontiguousarray(job.close.T)
    entries, exits = np.zeros(close.shape, bool), np.zeros(close.shape, bool)
    for i in range(job.lanes):
        entries[job.entries[i], i], exits[job.exits[i], i] = True, True

    def run() -> Any:
        portfolio = vbt.Portfolio.from_signals(
            close, entries, exits, size=job.weight * (1 + jobs.FEE), size_type="percent", fees=jobs.FEE,
            init_cash=jobs.CASH, freq="1min", max_orders=2 * job.entries.size,
        )  # fmt: skip
        return np.arange(job.lanes), _metrics(portfolio)

    return Task(run, _answer, job.lanes, "from_signals over 8 columns: records; five metrics")


@_task.register
def _command(job: jobs.Command, variant: str) -> Task:
    from benchmarks.commands import command_task  # noqa: PLC0415

    return command_task(job, "vectorbt, Numba" if variant == "numba" else "vectorbt, Rust")


def _pooled(job: Any, variant: str, idiom: str) -> Task:
    """Share the lanes out to a process a processor."""
    lanes = some(job.lanes)
    chunks = [lanes[i : i + _CHUNK[job.name]] for i in range(0, lanes.size, _CHUNK[job.name])]
    workers = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(job, variant))

    def run() -> Any:
        found = list(pool.map(_walk, chunks))
        return lanes, np.concatenate([values for _, values in found], axis=1)

    def children() -> list[int]:
        return list(pool._processes)

    return Task(run, _answer, lanes.size, idiom, children=children, close=pool.shutdown)


def _begin(job: Any, variant: str) -> None:
    _engine(variant)
    _here.update(job=job, prepared=_PREPARE[job.name](job))
    _walk(spread_out(job.lanes, 1))  # compiles


def _walk(lanes: Any) -> Any:
    return _WALK[_here["job"].name](_here["job"], _here["prepared"], lanes)


def prepare_dense(job: jobs.Dense) -> Any:
    """Averages by window, as columns."""
    return rounded_averages(job)


def walk_dense(job: jobs.Dense, averages: Any, lanes: Any) -> Any:
    """Walk some pairs, one a column."""
    import vectorbt as vbt  # noqa: PLC0415

    fast, slow = job.pairs(lanes)
    quick, steady = (np.stack([averages[int(w)] for w in windows], axis=1) for windows in (fast, slow))
    portfolio = vbt.Portfolio.from_signals(
        job.close[:, None], quick > steady, quick <= steady, size=job.weight * (1 + jobs.FEE), size_type="percent",
        fees=jobs.FEE, init_cash=jobs.CASH, freq="5min", max_orders=job.close.size * lanes.size // 8,
    )  # fmt: skip
    return lanes, _metrics(portfolio)


def prepare_narrative(job: jobs.Narrative) -> Any:
    """Items of news, and the function that finds the orders, compiled."""
    return news_items(job), narrative_finder()


def narrative_finder() -> Callable[..., Any]:
    """Return the compiled function that fills the target weights (bar, lane * asset) of a few lanes; NaN leaves things as they are."""
    from numba import njit  # noqa: PLC0415

    @njit
    def find(
        bar: Any, asset: Any, fresh: Any, half_life: Any, threshold: Any, hold: Any, weight: Any, out: Any
    ) -> None:
        lanes, assets, bars = half_life.size, out.shape[1] // half_life.size, out.shape[0]
        for lane in range(lanes):
            until, since = np.zeros(assets, np.int64), np.zeros(assets, np.int64)
            pressure = np.zeros((assets, 2))
            for i in range(bar.size):
                a, t = asset[i], bar[i]
                column = lane * assets + a
                pressure[a] = pressure[a] * 0.5 ** ((t - since[a]) / half_life[lane]) + fresh[i]
                since[a] = t
                net = pressure[a, 0] - pressure[a, 1]
                if until[a] >= t and until[a] > 0:  # held; at its last bar, too, it leaves and does not come back
                    if until[a] > t and fresh[i, 1] > 0 and net <= 0:
                        if until[a] < bars:
                            out[until[a], column] = np.nan
                        out[t, column] = 0.0
                        until[a] = 0
                elif fresh[i, 0] > 0 and net >= threshold[lane]:
                    out[t, column] = -weight[lane]
                    until[a] = t + np.int64(hold[lane])
                    if until[a] < bars:
                        out[until[a], column] = 0.0

    return find  # type: ignore[no-any-return]


def walk_narrative(job: jobs.Narrative, prepared: Any, lanes: Any) -> Any:
    """Walk some parameter sets, a column an asset, a group a lane."""
    import vectorbt as vbt  # noqa: PLC0415

    (bar, asset, fresh), find = prepared
    assets, bars = job.close.shape
    targets = np.full((bars, lanes.size * assets), np.nan)
    find(bar, asset, fresh, *(getattr(job, n)[lanes] for n in ("half_life", "threshold", "hold", "weight")), targets)
    portfolio = vbt.Portfolio.from_orders(
        np.tile(job.close.T, lanes.size), targets, size_type="targetpercent", fees=jobs.FEE, init_cash=jobs.CASH,
        freq="1D", group_by=np.repeat(np.arange(lanes.size), assets), cash_sharing=True, max_orders=4 * bar.size * lanes.size,
    )  # fmt: skip
    return lanes, _metrics(portfolio)


_PREPARE: dict[str, Callable[..., Any]] = {"dense": prepare_dense, "narrative": prepare_narrative}
_WALK: dict[str, Callable[..., Any]] = {"dense": walk_dense, "narrative": walk_narrative}


def _metrics(portfolio: Any) -> Any:
    """Five of the metrics that a sweep gives: the final value, closed trades, Sharpe ratio, drawdown, hit rate."""
    with np.errstate(all="ignore"):
        values = (
            portfolio.final_value(), portfolio.trades.closed.count(), portfolio.sharpe_ratio(), portfolio.max_drawdown(),
            portfolio.trades.win_rate(),
        )  # fmt: skip
    return np.stack([np.atleast_1d(np.asarray(v, float)) for v in values])


def _answer(found: Any) -> Answer:
    lanes, values = found
    return {"lane": lanes, "final": values[0], "trades": values[1]}
