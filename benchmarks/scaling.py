"""How our rates change with the size of the work: lanes, bars, assets, events, threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl

from benchmarks import jobs
from benchmarks.peers.tocsin_peer import PLAIN, minutes, told
from engine import sweep
from engine.grid import Grid
from engine.lanes import Lanes
from engine.legible import numeral
from strategies import ShortBubbleWarning, SmaCross

#: Seconds that a point may be expected to take; a curve ends before the first that would take longer.
PATIENCE = {"full": 40.0, "quick": 0.5, "tiny": 0.2}
_CHUNK = 1 << 16

Say = Callable[[str], None]
Point = dict[str, Any]


def scaling(size: str, say: Say) -> list[Point]:
    """Measure every curve: x, seconds and rate of each point."""
    points = []
    for name, (unit, curve) in CURVES.items():
        last = 0.0
        grown = 10.0
        for x, run, work in curve():
            if last * grown > PATIENCE[size]:
                say(
                    f"scaling over {name}: {x:,} and more would take longer than {numeral(PATIENCE[size])} s, and are left out"
                )
                break
            say(f"scaling over {name}: {x:,}")
            if last < 1.0:
                run()  # compiles, and fills the caches
            times = []
            while len(times) < 3 and sum(times) < PATIENCE[size] / 8:
                begun = time.perf_counter()
                run()
                times.append(time.perf_counter() - begun)
            last = float(np.median(times))
            points.append({"curve": name, "x": x, "seconds": last, "unit": unit, "rate": work / last})
    return points


def _lanes() -> Iterator[tuple[int, Callable[[], Any], float]]:
    """A light job, one asset with five stories in a year, whose results are not kept: what a very large sweep does."""
    job = jobs.narrative("tiny", assets=1, bars=250, stories=5, lanes=1)
    market, events = told(job)
    for power in range(2, 9):
        axes = {"hold": np.arange(3.0, 13.0), "weight": np.linspace(0.02, 0.1, 10)}
        axes["threshold"] = np.linspace(0.3, 1.0, 10**power // 100)

        def run(axes: Any = axes) -> Any:
            lanes = Lanes(ShortBubbleWarning, Grid.of(ShortBubbleWarning, axes), market, events, PLAIN)
            best = -np.inf
            for low in range(0, len(lanes), _CHUNK):
                best = max(best, lanes.metrics(np.arange(low, min(low + _CHUNK, len(lanes))))[0].max())
            return best

        yield 10**power, run, 10.0**power


def _bars() -> Iterator[tuple[int, Callable[[], Any], float]]:
    """The dense job with 500 pairs."""
    for power in range(3, 7):
        job = jobs.Dense(
            jobs.walk(np.random.default_rng(1), (10**power,), 0.002), np.arange(5, 25), np.arange(90, 140, 2)
        )
        market = minutes(job.close[None, :], "5m")
        yield 10**power, lambda job=job, market=market: _dense(job, market, None), float(job.lanes) * 10**power


def _assets() -> Iterator[tuple[int, Callable[[], Any], float]]:
    """The narrative job, 2,000 lanes, two stories an asset."""
    for assets in (1, 5, 20, 100, 500):
        job = jobs.narrative("tiny", assets=assets, stories=2 * assets, lanes=2_000)
        market, events = told(job)
        yield assets, lambda job=job, market=market, events=events: _narrative(job, market, events), 2_000.0


def _events() -> Iterator[tuple[int, Callable[[], Any], float]]:
    """The narrative job, 20 assets, 500 lanes, from few stories to many at every bar."""
    for power in range(1, 7):
        job = jobs.narrative("tiny", stories=10**power, lanes=500)
        market, events = told(job)
        yield 10**power, lambda job=job, market=market, events=events: _narrative(job, market, events), 500.0


def _threads() -> Iterator[tuple[int, Callable[[], Any], float]]:
    """The narrative job, 200,000 lanes."""
    job = jobs.narrative("tiny", lanes=200_000)
    market, events = told(job)
    for threads in range(1, (os.cpu_count() or 1) + 1):
        yield threads, lambda threads=threads: _narrative(job, market, events, threads), 200_000.0


def _dense(job: jobs.Dense, market: Any, threads: int | None) -> Any:
    return sweep(SmaCross, market, None, PLAIN, fast=job.fast, slow=job.slow, weight=job.weight, threads=threads)


def _narrative(job: jobs.Narrative, market: Any, events: Any, threads: int | None = None) -> Any:
    names = ("half_life", "threshold", "hold", "weight")
    table = pl.DataFrame({name: getattr(job, name) for name in names})
    return sweep(ShortBubbleWarning, market, events, PLAIN, table=table, threads=threads)


CURVES: dict[str, tuple[str, Callable[[], Iterator[tuple[int, Callable[[], Any], float]]]]] = {
    "lanes": ("backtests/s", _lanes),
    "bars": ("bar-steps/s", _bars),
    "assets": ("backtests/s", _assets),
    "events": ("backtests/s", _events),
    "threads": ("backtests/s", _threads),
}
