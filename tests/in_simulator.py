"""A small sweep on the CPU, and the same in the CUDA simulator when run as a script."""

from typing import Any

import numpy as np

from benchmarks.workloads import narrative
from engine.account import Account
from engine.compile import compiled_run, gpu_kernel, lane_rows
from kernels import layout as at
from kernels.layout import Plan, Record
from strategies import ShortBubbleWarning

ASSETS, BARS, LANES = 3, 40, 6
#: What a lane ends with; the scratch rows are left out.
SUMS = [
    at.CASH,
    at.EQUITY,
    at.DRAWDOWN,
    at.LONGEST,
    at.SUM1,
    at.SUM2,
    at.EXPOSED,
    at.TRADED,
    at.COSTS,
    at.BORROW,
    at.CLOSED,
    at.WON,
]


def inputs() -> tuple[Any, Any, Any, Any, Any]:
    job = narrative(ASSETS, BARS, 8, np.float64, 3)
    random = np.random.default_rng(5)
    varied = {
        "hold": random.integers(2, 9, LANES),
        "threshold": random.uniform(0.1, 0.6, LANES),
        "weight": 0.5,
        "trail": 0.05,
    }
    params = lane_rows(ShortBubbleWarning, {**ShortBubbleWarning().settings(), **varied}, np.float64)
    plan = Plan(np.arange(ASSETS), at.ON_EVENTS, False, False, False, False, False, True)
    return job.bars, job.news, Account().terms(np.float64), plan, params


def on_cpu() -> Any:
    bars, news, terms, plan, params = inputs()
    lanes = np.zeros((at.N_LANE, LANES))
    record = Record(np.zeros((0, at.N_LEDGER)), np.zeros(1, np.int64), np.zeros((at.N_PATH, 0)))
    compiled_run(ShortBubbleWarning, np.float64)(bars, news, terms, plan, params, lanes, record)
    assert lanes[at.CLOSED].sum() > 10, "a case with trades"
    return lanes[SUMS]


def in_simulator() -> Any:
    from numba import cuda  # noqa: PLC0415

    bars, news, terms, plan, params = inputs()
    lanes = np.zeros((at.N_LANE, LANES))
    kernel = cuda.jit(gpu_kernel(ShortBubbleWarning, np.float64, ASSETS))
    kernel[2, 4](*bars, *news, *terms, *plan, params, lanes)
    return lanes[SUMS]


if __name__ == "__main__":
    print(*in_simulator().ravel().tolist())
