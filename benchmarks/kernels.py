"""What the kernels cost: ``python -m benchmarks.kernels [--static]``.

Throughput of the narrative sweep on this machine's CPU, metrics included; and, with no GPU needed, registers, spills and
instructions of each strategy's CUDA kernel on three architectures.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from typing import Any

import numpy as np

import strategies
from benchmarks.workloads import narrative
from engine.account import Account
from engine.compile import compiled_run, gpu_kernel, lane_rows
from kernels import layout as at
from kernels.gpu import kernel_types
from kernels.layout import Plan, no_record
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


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--static", action="store_true", help="only what needs no running")
    if not parser.parse_args().static:
        print(
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
        )
        for dtype in (np.float32, np.float64):
            rate, trades = throughput(dtype)
            print(
                f"narrative sweep, {np.dtype(dtype).name}: {rate:,.0f} backtests/s of one thread, {trades:.1f} trades each"
            )
    from kernels.static import compile_static  # noqa: PLC0415 - needs numba-cuda

    print(f"{'kernel (float32, 20 assets)':34s} {'arch':7s} registers  stack  spilled  instructions  float64")
    for name in strategies.__all__:
        kernel = gpu_kernel(getattr(strategies, name), np.float32, 20)
        for arch in ARCHITECTURES:
            s = compile_static(kernel, kernel_types(np.float32), arch)
            sizes = f"{s.registers:9d} {s.stack:6d} {s.spilled:8d} {s.instructions:13d}"
            print(f"{name:34s} sm_{arch[0]}{arch[1]:<4d} {sizes}  {'yes' if s.float64 else 'no'}")


if __name__ == "__main__":
    main()
