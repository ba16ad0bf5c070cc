"""A loop in C, written for each job alone and compiled for this processor: the floor."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache, singledispatch
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import jobs
from benchmarks.peers import Answer, Task, news_items

SOURCE = Path(__file__).with_name("loops.c")
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fno-finite-math-only")
_METRICS, _WIDTH = 18, 64


def missing() -> str | None:
    """Say what is missing."""
    return None if shutil.which("gcc") else "The C loop cannot run: gcc is not installed; install gcc."


@cache
def compiled() -> ctypes.CDLL:
    """Compile loops.c and load it."""
    with tempfile.TemporaryDirectory() as folder:
        library, made = Path(folder) / "loops.so", Path(folder) / "loops.o"
        subprocess.run(["gcc", *FLAGS, "-fPIC", "-c", SOURCE, "-o", made], check=True)
        # Linked without -ffast-math: with it, gcc up to 12 adds code that makes the loading thread flush subnormals to zero.
        subprocess.run(["gcc", "-shared", made, "-o", library, "-lm"], check=True)
        return ctypes.CDLL(str(library))


def task(job: Any, variant: str) -> Task:
    """Bring a job into C arrays."""
    return _task(job)


@singledispatch
def _task(job: Any) -> Task:
    raise NotImplementedError(type(job).__name__)


@_task.register
def _dense(job: jobs.Dense) -> Task:
    library, threads = compiled(), os.cpu_count() or 1
    close = job.close.astype(np.float32)
    slow = np.concatenate([job.slow, np.repeat(job.slow[-1:], -job.slow.size % _WIDTH)])  # whole blocks
    blocks = {
        "fast": np.array_split(job.fast, -(-job.fast.size // _WIDTH)),
        "slow": np.split(slow, slow.size // _WIDTH),
    }

    def run() -> Any:
        out = np.empty((job.fast.size, len(blocks["slow"]), _METRICS, _WIDTH), np.float32)

        def average(windows: Any) -> Any:
            table = np.empty((close.size, windows.size), np.float32)
            library.averages(*_all(job.close, close.size, np.ascontiguousarray(windows), windows.size, table))
            return table

        def walk(k: int) -> None:
            block = fast[k // fast[0].shape[1]]
            column = block[:, k % fast[0].shape[1]]
            for i, steady in enumerate(slow):
                library.dense(
                    *_all(close, close.size, column, block.shape[1], steady), *_floats(job.weight, jobs.FEE, jobs.CASH),
                    *_all(out[k, i]),
                )  # fmt: skip

        with ThreadPoolExecutor(threads) as pool:
            fast, slow = (list(pool.map(average, blocks[name])) for name in ("fast", "slow"))
            list(pool.map(walk, range(job.fast.size)))
        return (
            out.transpose(2, 0, 1, 3).reshape(_METRICS, job.fast.size, -1)[:, :, : job.slow.size].reshape(_METRICS, -1)
        )

    return Task(run, _answer, job.lanes, "gcc -O3 -march=native, 64 lanes side by side, a thread a processor, float32")


@_task.register
def _narrative(job: jobs.Narrative) -> Task:
    library, threads = compiled(), os.cpu_count() or 1
    bar, asset, fresh = news_items(job)
    warn, relief = (np.ascontiguousarray(fresh[:, i], np.float32) for i in (0, 1))
    close = np.ascontiguousarray(job.close.T, np.float32)
    columns = [getattr(job, name).astype(np.float32) for name in ("half_life", "threshold", "hold", "weight")]
    cuts = np.linspace(0, job.lanes, threads * 8 + 1).astype(int)

    def run() -> Any:
        out = np.empty((_METRICS, job.lanes), np.float32)

        def walk(low: int, high: int) -> None:
            library.narrative(
                *_all(close, close.shape[1], close.shape[0], bar, asset, warn, relief, bar.size),
                *_all(*(c[low:high] for c in columns)), *_floats(jobs.FEE, jobs.CASH),
                *_all(out[:, low:high], job.lanes, high - low),
            )  # fmt: skip

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(walk, cuts[:-1], cuts[1:]))
        return out

    return Task(
        run, _answer, job.lanes, "gcc -O3 -march=native, one lane after the other, a thread a processor, float32"
    )


@_task.register
def _sparse(job: jobs.Sparse) -> Task:
    library, threads = compiled(), os.cpu_count() or 1

    def run() -> Any:
        out = np.zeros((job.lanes, _METRICS))

        def walk(i: int) -> None:
            library.sparse(
                *_all(job.close[i], job.close.shape[1], job.entries[i], job.exits[i], job.entries.shape[1]),
                *_doubles(job.weight, jobs.FEE, jobs.CASH), *_all(out[i]),
            )  # fmt: skip

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(walk, range(job.lanes)))
        return out.T

    return Task(run, _answer, job.lanes, "gcc -O3 -march=native, flat stretches skipped; no ledger, no path")


@_task.register
def _single(job: jobs.Single) -> Task:
    made = _dense(job)
    return Task(made.run, made.answer, 1, "the dense loop with one pair: 63 of its 64 lanes idle; no ledger, no path")


def _answer(out: Any) -> Answer:
    return {"lane": np.arange(out.shape[1]), "final": out[0].astype(float), "trades": out[1].astype(float)}


def _all(*values: Any) -> list[Any]:
    """Pointers of arrays, 64-bit integers of numbers."""
    return [ctypes.c_void_p(v.ctypes.data) if isinstance(v, np.ndarray) else ctypes.c_int64(v) for v in values]


def _floats(*values: float) -> list[Any]:
    return [ctypes.c_float(v) for v in values]


def _doubles(*values: float) -> list[Any]:
    return [ctypes.c_double(v) for v in values]
