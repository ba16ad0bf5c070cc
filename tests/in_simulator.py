"""Every strategy on generated markets in which everything happens, walked by any launcher; in the CUDA simulator when run as a script.

The script is handed a file to write, a precision, how to look at votes, and seeds; see test_compile_gate.py.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from against_oracle import OracleMarket, account_of
from generate import case

import strategies
from engine.arrays import bars_of, bars_per_year, plan_of, years_of
from engine.compile import compiled_run, gpu_kernel, lane_rows, own_rows, rule_asks
from engine.strategy import Strategy
from kernels import layout as at
from kernels.gpu import kernel_types
from kernels.launch import Basis, CpuLauncher, CudaLauncher, Work
from kernels.layout import N_FIXED, News

LANES = 4
#: Threads of the simulator's warp: one more than lanes, which walks the last lane again and leaves nothing.
THREADS = LANES + 1
#: Whether each vote looks at the whole way to it, and at all notes, which takes several times as long, or at its place alone.
CLOSELY = True
OURS: list[type[Strategy]] = [getattr(strategies, name) for name in strategies.__all__]


def jobs(seeds: Sequence[int], dtype: Any) -> Iterator[tuple[str, type[Strategy], Work, npt.NDArray[Any]]]:
    """Name, strategy, what its lanes have in common, their parameters (row, lane)."""
    for seed in seeds:
        drawn = case(seed)
        market: Any = OracleMarket(drawn.bars)
        account = replace(account_of(drawn), kind="portfolio")
        for strategy in OURS:
            of = strategy(index=market.assets[0]) if "index" in strategy.options else strategy()
            of.reverses, of.refresh = bool(seed % 2), bool(seed % 3)
            random = np.random.default_rng(seed)
            settings, bars = varied(of, random, dtype, market, account)
            news = news_for(of, drawn.signals, random, dtype)
            basis = Basis(
                account.cash, len(bars.time), years_of(market), bars_per_year(market, account), account.cash_rate
            )
            plan = plan_of(market, account, of, "others" in rule_asks(strategy))
            yield f"{strategy.name()} {seed}", strategy, Work(bars, news, account.terms(dtype), plan, basis), settings


def varied(of: Strategy, random: Any, dtype: Any, market: Any, account: Any) -> tuple[npt.NDArray[Any], Any]:
    """Parameters of lanes that differ in everything, and the market with the features that they ask for."""
    settings = {
        **of.settings(),
        "hold": random.choice([2.0, 3.0, 7.0, np.inf], LANES), "stop": random.choice([0.04, 0.15, np.inf], LANES),
        "trail": random.choice([0.05, 0.25, np.inf], LANES), "take": random.choice([0.05, 0.3, np.inf], LANES),
        "half_life": random.uniform(1, 6, LANES), "weight": random.choice([0.2, 0.8, 1.9], LANES),
        "threshold": random.choice([0.05, 0.4], LANES), "fall": random.choice([0.02, 0.1], LANES),
    }  # fmt: skip
    features = of.features
    windows = {name: [2, 3, 5] for name in features}
    rows = lane_rows(type(of), settings, dtype)
    rows = np.array(np.broadcast_to(rows, (rows.shape[0], LANES)))
    place = N_FIXED + len(own_rows(type(of))) - len(features)
    for i in range(len(features)):
        rows[place + i] = 3 * i + random.integers(0, 3, LANES)
    return rows, bars_of(market, account, of, dtype, None, windows)


def news_for(of: Strategy, told: Any, random: Any, dtype: Any) -> News:
    """News where the case has signals; every strategy hears some in each of its channels."""
    if not of.channels:
        empty = np.zeros(0, np.int64)
        return News(empty, empty, np.zeros(0, np.bool_), np.zeros((0, 0), dtype))
    places = sorted((t, a) for a, t in told)
    bar, asset = (np.array([p[i] for p in places], np.int64) for i in (0, 1))
    signed = np.array([c.value == "signed" for c in of.channels.values()])
    fresh = random.uniform(0.2, 1.0, (bar.size, signed.size)) * (random.random((bar.size, signed.size)) < 0.6)
    fresh = np.where(signed & (random.random(fresh.shape) < 0.5), -fresh, fresh)
    return News(bar, asset, random.random(bar.size) < 0.7, np.ascontiguousarray(fresh, dtype))


def on_cpu(seeds: Sequence[int], dtype: Any) -> dict[str, npt.NDArray[Any]]:
    """Metrics of every job (metric, lane), by the compiled walk."""
    found = {}
    for name, strategy, work, params in jobs(seeds, dtype):
        found[name] = CpuLauncher(compiled_run(strategy, dtype), work, 1).measure(params)[0]
    return found


class Warp:
    """A vote of the simulator's threads, which has none: all wait for all.

    They have to ask at the same place, on the same way to it, at the same bar and asset, with the same notes: a warp has one of each.
    """

    def __init__(self) -> None:
        self._barrier = threading.Barrier(THREADS, timeout=60)
        self._said: dict[int, tuple[bool, Any]] = {}

    def any_sync(self, mask: int, yes: bool) -> bool:
        """Whether any thread says yes."""
        self._said[threading.get_ident()] = (bool(yes), asked_at())
        self._barrier.wait()
        said = list(self._said.values())
        self._barrier.wait()
        assert len({place for _, place in said}) == 1, "the threads of a warp have parted"
        return any(yes for yes, _ in said)

    def syncwarp(self, mask: int) -> None:
        """Wait for all threads."""
        self.any_sync(mask, False)


def asked_at() -> tuple[Any, ...]:
    """Return the way on which a thread came to a vote, and what a warp has in common on it."""
    frame = sys._getframe(3)
    if not CLOSELY:
        return frame.f_code, frame.f_lineno
    way: list[Any] = []
    while frame is not None and frame.f_code.co_name != "kernel":
        local = frame.f_locals
        way.append((frame.f_code, frame.f_lineno, *(int(local[name]) for name in ("t", "a", "k") if name in local)))
        if frame.f_code.co_name == "walk":
            note, held = local["state"].note, local["state"].place[at.HELD]
            way += [note[: at.HOLDS].tobytes(), note[at.HOLDS, :held].tobytes()]
        frame = frame.f_back
    return tuple(way)


def in_simulator(seeds: Sequence[int], dtype: Any) -> dict[str, npt.NDArray[Any]]:
    """The same by the CUDA launcher, on a fake device whose kernels the simulator runs, all lanes in one warp."""
    from fake_cuda import Machine  # noqa: PLC0415
    from numba import cuda  # noqa: PLC0415
    from numba.cuda.simulator.kernelapi import FakeCUDALocal, FakeCUDAShared  # noqa: PLC0415

    # What threads note in common they would overwrite for one another, as only a warp keeps step: let each have its own.
    FakeCUDAShared.array = FakeCUDALocal.array

    def jit(kernel: Any) -> Any:
        made = cuda.jit(kernel)

        def launch(*args: Any) -> None:
            warp = Warp()
            cuda.any_sync, cuda.syncwarp = warp.any_sync, warp.syncwarp
            made[1, THREADS](*args)

        return launch

    found = {}
    for name, strategy, work, params in jobs(seeds, dtype):
        kernel = gpu_kernel(strategy, dtype, len(work.bars.price), work.plan)
        cuda_launcher = CudaLauncher(
            kernel, kernel_types(np.dtype(dtype)), work, dtype, Machine(jit=jit).open(), Path()
        )
        found[name] = cuda_launcher.measure(params)[0]
    return found


if __name__ == "__main__":
    out, precision, how, *numbers = sys.argv[1:]
    CLOSELY = how == "closely"
    sys.setswitchinterval(1e-5)  # threads that wait for one another at every vote shall not also wait for their turn
    np.savez(out, **in_simulator([int(n) for n in numbers], np.dtype(precision).type))
