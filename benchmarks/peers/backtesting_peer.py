"""backtesting.py: one strategy class on one price series; a process a processor where there are several runs."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import singledispatch
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks import jobs
from benchmarks.peers import Answer, Task, rounded_averages, spread_out

#: Lanes of the grid, and columns of the sparse job, that it walks: it steps through every bar in Python.
_LANES = {"dense": 2, "sparse": 2, "single": 1}

_here: dict[str, Any] = {}  # in a process of the pool


def task(job: Any, variant: str) -> Task:
    """Bring a job into backtesting.py's frames and classes."""
    return _task(job)


@singledispatch
def _task(job: Any) -> Task:
    raise NotImplementedError(type(job).__name__)


@_task.register(jobs.Dense)
@_task.register(jobs.Sparse)
def _pooled(job: Any) -> Task:
    lanes = spread_out(job.lanes, _LANES[job.name])
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=_begin, initargs=(job,))
    idiom = "FractionalBacktest.run of a Strategy class, a process a processor; signals made before"
    return Task(
        lambda: list(pool.map(_walk, lanes.tolist())), lambda found: _answer(lanes, found), lanes.size, idiom,
        children=lambda: list(pool._processes), close=pool.shutdown,
    )  # fmt: skip


@_task.register(jobs.Single)
def _single(job: Any) -> Task:
    _begin(job)
    idiom = "FractionalBacktest.run of a Strategy class: ledger, path, all metrics; signals made before"
    return Task(lambda: [_walk(0)], lambda found: _answer(np.array([0]), found), 1, idiom)


@_task.register(jobs.Command)
def _command(job: jobs.Command) -> Task:
    from benchmarks.commands import command_task  # noqa: PLC0415

    return command_task(job, "backtesting.py")


def _begin(job: Any) -> None:
    _here["job"] = job
    if not isinstance(job, jobs.Sparse):
        _here["averages"] = rounded_averages(job)


def _walk(lane: int) -> tuple[float, int]:
    job = _here["job"]
    if isinstance(job, jobs.Sparse):
        close, enters, leaves = job.close[lane], np.zeros(job.close.shape[1]), np.zeros(job.close.shape[1])
        enters[job.entries[lane]], leaves[job.exits[lane]] = 1.0, 1.0
    else:
        fast, slow = (int(w[0]) for w in job.pairs(np.array([lane])))
        quick, steady = _here["averages"][fast], _here["averages"][slow]
        close, enters, leaves = job.close, (quick > steady).astype(float), (quick <= steady).astype(float)
    return _backtest(close, enters, leaves, job.weight)


def _backtest(close: Any, enters: Any, leaves: Any, weight: float) -> tuple[float, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a notebook to draw its progress in
        import backtesting  # noqa: PLC0415 - an extra
        import pandas as pd  # noqa: PLC0415
        from backtesting.lib import FractionalBacktest  # noqa: PLC0415

        backtesting.backtesting._tqdm = lambda items, **_: items  # no progress bar

        class Given(backtesting.Strategy):  # type: ignore[misc]
            def init(self) -> None:
                self.enters = self.I(lambda: enters, plot=False)
                self.leaves = self.I(lambda: leaves, plot=False)

            def next(self) -> None:
                if not self.position:
                    if self.enters[-1]:
                        self.buy(size=weight * (1 + jobs.FEE))  # it keeps the commission inside the size
                elif self.leaves[-1]:
                    self.position.close()

        index = pd.date_range("2010-01-01", periods=close.size, freq="5min")
        frame = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), close), index=index).assign(Volume=1.0)
        test = FractionalBacktest(
            frame, Given, cash=jobs.CASH, commission=jobs.FEE, trade_on_close=True, fractional_unit=1e-6,
            finalize_trades=False,
        )  # fmt: skip
        found = test.run()
        return float(found["Equity Final [$]"]), int(found["# Trades"])


def _answer(lanes: Any, found: Any) -> Answer:
    return {"lane": lanes, "final": np.array([f for f, _ in found]), "trades": np.array([n for _, n in found], float)}
