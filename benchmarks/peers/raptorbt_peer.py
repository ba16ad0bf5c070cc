"""raptorbt: a backtesting engine in Rust; `batch_single_backtest` walks many signal sets over one price series on every core."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from benchmarks import jobs
from benchmarks.peers import Answer, Task, rounded_averages, some


def task(job: Any, variant: str) -> Task:
    """Bring a job into raptorbt's arrays."""
    return _task(job)


@singledispatch
def _task(job: Any) -> Task:
    raise NotImplementedError(type(job).__name__)


def _prices(close: Any, minutes: int) -> dict[str, Any]:
    stamps = np.arange(close.size, dtype=np.int64) * minutes * 60_000_000_000
    return {
        "timestamps": stamps,
        **dict.fromkeys(("open", "high", "low", "close"), close),
        "volume": np.ones(close.size),
    }


def _config() -> Any:
    import raptorbt  # noqa: PLC0415 - an extra

    return raptorbt.BacktestConfig(initial_capital=jobs.CASH, fees=jobs.FEE, fill_timing="same_bar_close")


def _sizes(job: Any, bars: int) -> Any:
    """Shares of the capital; raptorbt keeps the commission inside them, we put it on top."""
    return np.full(bars, job.weight * (1 + jobs.FEE))


@_task.register
def _dense(job: jobs.Dense) -> Task:
    import raptorbt  # noqa: PLC0415

    lanes, averages, prices = some(job.lanes), rounded_averages(job), _prices(job.close, 5)
    windows, sizes, config = list(zip(*job.pairs(lanes), strict=True)), _sizes(job, job.close.size), _config()

    def run() -> Any:
        items = [
            raptorbt.BatchSingleItem(
                str(i), averages[int(f)] > averages[int(s)], averages[int(f)] <= averages[int(s)], position_sizes=sizes
            )
            for i, (f, s) in enumerate(windows)
        ]
        return [result for _, result in raptorbt.batch_single_backtest(items=items, config=config, **prices)]

    return Task(run, lambda found: _answer(lanes, found), lanes.size, "batch_single_backtest; averages made before")


@_task.register
def _single(job: jobs.Single) -> Task:
    import raptorbt  # noqa: PLC0415

    averages, prices, config = rounded_averages(job), _prices(job.close, 1440), _config()
    quick, steady, sizes = averages[int(job.fast[0])], averages[int(job.slow[0])], _sizes(job, job.close.size)

    def run() -> Any:
        return [
            raptorbt.run_single_backtest(
                **prices, entries=quick > steady, exits=quick <= steady, direction=1, weight=1.0, symbol="S",
                config=config, position_sizes=sizes,
            )
        ]  # fmt: skip

    return Task(
        run, lambda found: _answer(np.array([0]), found), 1, "run_single_backtest: all metrics; averages made before"
    )


@_task.register
def _sparse(job: jobs.Sparse) -> Task:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    import raptorbt  # noqa: PLC0415

    prices, config = [_prices(row, 1) for row in job.close], _config()
    sizes, bars = _sizes(job, job.close.shape[1]), job.close.shape[1]
    entries, exits = np.zeros((job.lanes, bars), bool), np.zeros((job.lanes, bars), bool)
    np.put_along_axis(entries, job.entries, True, 1)
    np.put_along_axis(exits, job.exits, True, 1)

    def walk(i: int) -> Any:
        item = raptorbt.BatchSingleItem(str(i), entries[i], exits[i], position_sizes=sizes)
        return raptorbt.batch_single_backtest(items=[item], config=config, **prices[i])[0][1]

    def run() -> Any:
        with ThreadPoolExecutor() as pool:
            return list(pool.map(walk, range(job.lanes)))

    idiom = "batch_single_backtest, a column at a time, a thread a column: all metrics"
    return Task(run, lambda found: _answer(np.arange(job.lanes), found), job.lanes, idiom)


@_task.register
def _command(job: jobs.Command) -> Task:
    from benchmarks.commands import command_task  # noqa: PLC0415

    return command_task(job, "raptorbt")


def _answer(lanes: Any, results: Any) -> Answer:
    return {
        "lane": lanes,
        "final": np.array([r.metrics.end_value for r in results]),
        "trades": np.array([r.metrics.total_closed_trades for r in results], float),
    }
