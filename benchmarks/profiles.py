"""Where the time of a workload goes: ``python -m benchmarks.profiles [dense] [single] [sparse] [first]``.

dense: the steps of a bar in which no lane trades, each timed alone on the state of a block in the middle of its walk.
single, sparse: what `backtest` calls, by Python's profiler, which slows small calls more than large ones.
first: what numba does until the first backtest of a machine is walked.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from benchmarks import jobs
from benchmarks.limits import clock_hz
from benchmarks.peers.tocsin_peer import PLAIN, minutes, task
from engine.grid import Grid
from engine.guess import did_you_mean
from engine.lanes import Lanes
from kernels import layout as at
from kernels import walk as walking
from kernels.layout import State, no_record
from kernels.steps import (
    FIRST,
    PAST,
    WIDTH,
    begin,
    gather,
    is_due,
    is_indebted,
    is_troubled,
    look_up,
    value,
)  # fmt: skip
from strategies import SmaCross

#: What the functions do that `backtest` calls.
_MEANT = {
    "_walks": "walk and record", "of": "pair the ledger", "made": "put the run together", "bars_of": "make the features",
    "hear": "place the signals", "combined": "put the accounts together", "_summed": "add the accounts up",
    "bars_per_year": "find the longest session", "compiled_run": "find what is compiled",
}  # fmt: skip

#: Bars that are walked before a block is stopped, and times that each of its steps is repeated.
_BEFORE, _TIMES = 3000, 20_000


def dense() -> Iterator[tuple[str, float]]:
    """Cycles that one lane costs at a bar without a trade, by step; the last is of all bars of the walk, those with trades among them."""
    job = jobs.make("dense", "full")
    market = minutes(job.close[None, :20_000], "5m")
    grid = Grid.of(
        SmaCross, {"fast": job.fast, "slow": job.slow, "weight": job.weight}, None, lambda fast, slow: fast < slow
    )
    lanes = Lanes(SmaCross, grid, market, None, PLAIN, precision="float32", threads=1, device="cpu")
    launcher: Any = lanes._launcher
    params = np.ascontiguousarray(lanes._params(np.arange(3000, 3000 + 8 * WIDTH)))
    bars, news, terms, plan = launcher._work[:4]
    decide, features = launcher._run.args
    state = State(
        *(walking.aligned((rows,), np.float32) for rows in (at.N_LANE,)),
        walking.aligned((1, at.N_LOT), np.float32), walking.aligned((1, 0), np.float32), walking.aligned((0,), np.float32),
        walking.aligned((features,), np.float32), *(walking.aligned((features,), np.uint32) for _ in range(2)),
        np.zeros((at.N_NOTE, 1), np.int64), np.zeros(at.N_PLACE, np.int64),
    )  # fmt: skip
    block = np.ascontiguousarray(params[:, :WIDTH])
    _walk_on(decide, bars, news, terms, plan, block, state, no_record())
    lot, bar, hertz = state.lot[0], bars.price[0, _BEFORE], clock_hz() or np.nan
    for name, driver, args in (
        ("look up the features", _look_up, (bars.feature[0], state.rows, state.ends, state.told)),
        (
            "ask the rule",
            _decide,
            (decide, news.fresh, bars.trait[0], state.decayed, state.told, block, state.lane, lot),
        ),
        ("is any exit due", _is_due, (lot,)),
        ("is interest owed", _is_indebted, (state.lane,)),
        ("value the positions", _value, (bar, terms, state.lane, lot)),
        ("is any lane in trouble", _is_troubled, (terms.hair, state.lane)),
        ("add to the metrics", _gather, (state.lane,)),
    ):
        yield name, _seconds(driver, *args) * hertz / WIDTH
    begun, steps = _least(lambda: launcher.walk(params)), params.shape[1] * len(bars.time)
    yield "a bar of the walk, all in all", begun * hertz / steps


@njit(error_model="numpy")
def _walk_on(decide, bars, news, terms, plan, block, state, nothing):  # type: ignore[no-untyped-def]
    begin(terms, block, state)
    walking.walk(decide, _BEFORE, bars, news, terms, plan, block, state, nothing)


@njit(error_model="numpy")
def _look_up(n, feature, rows, ends, told):  # type: ignore[no-untyped-def]
    for t in range(n):
        for f in range(told.shape[0]):
            look_up(feature[t % feature.shape[0]], rows[f], ends[f], told[f])


@njit(error_model="numpy")
def _decide(n, decide, fresh, trait, decayed, told, params, lane, lot):  # type: ignore[no-untyped-def]
    for t in range(n):
        decide(np.float32(t), np.float32(1), -1, fresh, trait, decayed, told, params, lane, lot)


@njit(error_model="numpy")
def _is_due(n, lot):  # type: ignore[no-untyped-def]
    due = False
    for t in range(n):
        due |= is_due(FIRST, PAST, np.float32(t), lot)
    return due


@njit(error_model="numpy")
def _is_indebted(n, lane):  # type: ignore[no-untyped-def]
    owes = False
    for t in range(n):
        lane[at.CASH, 0] += np.float32(t)
        owes |= is_indebted(lane)
    return owes


@njit(error_model="numpy")
def _value(n, bar, terms, lane, lot):  # type: ignore[no-untyped-def]
    for t in range(n):
        bar[at.LAST] = np.float32(t)
        value(True, terms.long_need, bar, lane, lot)


@njit(error_model="numpy")
def _is_troubled(n, hair, lane):  # type: ignore[no-untyped-def]
    troubled = False
    for t in range(n):
        lane[at.CASH, 0] += np.float32(t)
        troubled |= is_troubled(hair, lane)
    return troubled


@njit(error_model="numpy")
def _gather(n, lane):  # type: ignore[no-untyped-def]
    for t in range(n):
        gather(np.float32(t), lane)


def _seconds(driver: Callable[..., Any], *args: Any) -> float:
    """Return the seconds that one turn of a driver takes."""
    driver(1, *args)
    return _least(lambda: driver(_TIMES, *args)) / _TIMES


def _least(call: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of some calls, on this thread's own clock."""
    times = []
    for _ in range(5):
        begun = time.thread_time()
        call()
        times.append(time.thread_time() - begun)
    return min(times)


def backtests(name: str) -> Iterator[tuple[str, float]]:
    """Shares of the time of one backtest of a workload, by what `backtest` calls."""
    run = task(jobs.make(name, "full"), "float64").run
    run()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(20):
        run()
    profile.disable()
    stats: Any = pstats.Stats(profile)
    (whole,) = (at for at in stats.stats if at[0].endswith("engine/backtest.py") and at[2] == "backtest")
    total = stats.stats[whole][3]
    called = {
        at[2]: callers[whole][3] for at, (_, _, _, _, callers) in stats.stats.items() if whole in callers
    }  # fmt: skip
    for function, seconds in sorted(called.items(), key=lambda pair: -pair[1]):
        if seconds >= 0.02 * total:
            yield _MEANT.get(function, function), seconds / total
    yield "the rest", 1 - sum(v for v in called.values() if v >= 0.02 * total) / total


def first() -> Iterator[tuple[str, float]]:
    """Seconds of what numba does until the first backtest of a machine is walked, by stage; in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        env = {"TOCSIN_CACHE": folder, "NUMBA_CACHE_DIR": folder}
        code = "from benchmarks.profiles import stages; stages()"
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **env}, cwd=Path(__file__).parents[1], capture_output=True, text=True,
            check=True,
        )  # fmt: skip
    for line in done.stdout.splitlines():
        stage, seconds = line.rsplit(" ", 1)
        yield stage, float(seconds)


def stages() -> None:
    """Run the job `single` and print how long each stage of numba's took, without what it called of itself."""
    from numba.core import event  # noqa: PLC0415

    spent: Counter[str] = Counter()
    under_way: list[list[float]] = []

    class Clock(event.Listener):  # type: ignore[misc]
        def on_start(self, event: Any) -> None:
            under_way.append([time.perf_counter(), 0.0])

        def on_end(self, event: Any) -> None:
            begun, inner = under_way.pop()
            seconds = time.perf_counter() - begun
            spent[event.data["name"].split(" ")[0]] += seconds - inner
            if under_way:
                under_way[-1][1] += seconds

    run = task(jobs.make("single", "full"), "float64").run
    begun = time.perf_counter()
    with event.install_listener("numba:run_pass", Clock()):
        run()
    whole = time.perf_counter() - begun
    for stage, seconds in spent.most_common(6):
        print(stage, seconds)
    print("the rest", whole - sum(seconds for _, seconds in spent.most_common(6)))


PROFILES: dict[str, tuple[str, Callable[[], Iterator[tuple[str, float]]]]] = {
    "dense": ("cycles a lane", dense),
    "single": ("share of the time", lambda: backtests("single")),
    "sparse": ("share of the time", lambda: backtests("sparse")),
    "first": ("seconds", first),
}


def main(names: Sequence[str] = ()) -> int:
    """Print the profiles that are named, or all, as Markdown."""
    for name in names:
        if name not in PROFILES:
            guess = did_you_mean(name, PROFILES)
            sys.stderr.write(f"profile {name!r} is unknown{guess}, allowed are {', '.join(PROFILES)}; name one.\n")
            return 2
    for name in names or PROFILES:
        unit, profile = PROFILES[name]
        print(f"| {name} | {unit} |\n|---|---|")
        for what, figure in profile():
            print(f"| {what} | {figure:.2f} |")
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
