"""What the kernels cost: ``python -m benchmarks.kernels [--static]``.

Throughput of the narrative sweep on this machine's CPU, metrics included; and, with no GPU needed, registers, spills and
instructions of each strategy's CUDA kernel on three architectures.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
import time
from typing import Any

import numpy as np

import strategies
from benchmarks.workloads import narrative
from engine.account import Account
from engine.compile import compiled_run, gpu_kernel, lane_rows, rule_asks
from engine.strategy import Strategy
from kernels import layout as at
from kernels.gpu import kernel_types
from kernels.layout import Plan, every_plan, no_record
from kernels.metrics import metrics
from strategies import ShortBubbleWarning

ARCHITECTURES = ((8, 0), (9, 0), (12, 0))


def lanes_of(job_assets: int, lanes: int, dtype: Any, seed: int = 1) -> tuple[Any, Plan]:
    """Random parameter sets of `short_bubble_warning`, in the order in which a sweep walks them."""
    random = np.random.default_rng(seed)
    settings = {
        **ShortBubbleWarning().settings(),
        "hold": random.integers(3, 41, lanes), "stop": random.uniform(0.03, 0.3, lanes), "take": random.uniform(0.03, 0.4, lanes),
        "half_life": random.uniform(2, 40, lanes), "threshold": random.uniform(0.3, 1.5, lanes),
        "weight": random.uniform(0.02, 0.1, lanes),
    }  # fmt: skip
    params = lane_rows(ShortBubbleWarning, settings, dtype)
    params = np.ascontiguousarray(params[:, np.lexsort((params[5], params[at.HOLD]))])
    return params, Plan(
        np.arange(job_assets), at.ON_EVENTS, False, False, False, False, False, bounded=True, trails=False
    )


def throughput(dtype: Any, lanes: int = 40_000, repeats: int = 5) -> tuple[float, float]:
    """(backtests a second of one thread, closed trades a lane) of the narrative sweep: 20 assets, 500 daily bars."""
    job = narrative(dtype=dtype)
    params, plan = lanes_of(20, lanes, dtype)
    run, terms = compiled_run(ShortBubbleWarning, dtype), Account().terms(dtype)
    nothing = no_record()
    out = np.zeros((at.N_LANE, lanes), dtype)
    times = []
    for _ in range(repeats + 1):
        begun = time.process_time()
        run(job.bars, job.news, terms, plan, params, out, nothing)
        metrics(out, 1e6, 500, 2.0, 252.0, 0.0)
        times.append(time.process_time() - begun)
    return lanes / float(np.median(times[1:])), float(out[at.CLOSED].mean())


def main(arguments: list[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--static", action="store_true", help="only what needs no running")
    if not parser.parse_args(arguments).static:
        print(
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
        )
        for dtype in (np.float32, np.float64):
            rate, trades = throughput(dtype)
            print(
                f"narrative sweep, {np.dtype(dtype).name}: {rate:,.0f} backtests/s of one thread, {trades:.1f} trades each"
            )
    from kernels.static import Static, compile_static  # noqa: PLC0415 - needs numba-cuda

    named = [strategies.__dict__[name] for name in strategies.__all__]
    turns = itertools.count(1)

    def compiled(strategy: type[Strategy], assets: int, plan: Plan, arch: tuple[int, int]) -> Static:
        """Compile one kernel, which takes seconds, and say so."""
        of = len(named) * (len(ARCHITECTURES) + 1)
        sys.stderr.write(f"[{next(turns)} of {of}] {strategy.name()}, sm_{arch[0]}{arch[1]} ...\n")
        return compile_static(gpu_kernel(strategy, np.float32, assets, plan), kernel_types(np.float32), arch)

    print("\nfloat32, 20 assets, a plan that asks for everything")
    print(f"{'kernel':22s} {'arch':6s} registers  stack  spilled  instructions  float64")
    for strategy in named:
        for arch in ARCHITECTURES:
            s = compiled(strategy, 20, every_plan(), arch)
            sizes = f"{s.registers:9d} {s.stack:6d} {s.spilled:8d} {s.instructions:13d}"
            print(f"{strategy.name():22s} sm_{arch[0]}{arch[1]:<3d} {sizes}  {'yes' if s.float64 else 'no'}")
    print("\nfloat32, sm_90, what a sweep with the strategy's defaults asks for: instructions of a bar at least,")
    print("of one on which something is held at least, and of the whole loop")
    print(f"{'kernel':22s} assets registers  stack  least   held  loop")
    for strategy in named:
        assets = 1 if strategy.watch == "always" else 20
        s = compiled(strategy, assets, usual_plan(strategy), (9, 0))
        print(f"{strategy.name():22s} {assets:6d} {s.registers:9d} {s.stack:6d} {s.least:6d} {s.held:6d} {s.loop:5d}")


def usual_plan(strategy: type[Strategy]) -> Plan:
    """Return the plan of a sweep with a strategy's defaults, fills at the open and no interest on cash."""
    settings = strategy().settings()
    bounds = [name for name in ("stop", "trail", "take") if np.isfinite(settings[name])]
    return Plan(
        np.zeros(0, np.int64), {"events": at.ON_EVENTS, "held": at.WHILE_HELD, "always": at.ALWAYS}[strategy.watch],
        closing=False, reverses=bool(strategy.reverses), refresh=bool(strategy.refresh), nets="others" in rule_asks(strategy),
        earns=False, bounded=bool(bounds), trails="trail" in bounds,
    )  # fmt: skip


if __name__ == "__main__":
    main()
