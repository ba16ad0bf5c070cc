"""The metrics of lanes that a kernel has walked, as a CUDA kernel over the same function as the CPU's.

Import it where there is work for a GPU: it needs numba-cuda. It touches no device.
"""

from typing import Any

import numpy as np
from numba import cuda, types
from numba.np.numpy_support import from_dtype

from kernels.layout import FAULTS
from kernels.metrics import METRICS, measure

#: Rows that a lane leaves: its metrics, then how often its rule answered no number.
N_MEASURED = len(METRICS) + 1


def kernel(lanes, cash, bars, years, bars_per_year, cash_rate, out):  # type: ignore[no-untyped-def]
    """Fill `out` (N_MEASURED, lane) from `lanes` (N_LANE, lane); the rest as `kernels.metrics.measure_all` takes it."""
    i = cuda.grid(1)
    if i < lanes.shape[1]:
        measure(i, lanes, cash, bars, years, bars_per_year, cash_rate, out)
        out[N_MEASURED - 1, i] = lanes[FAULTS, i]


def kernel_types(dtype: Any) -> Any:
    """Return the signature of the kernel in one precision; the arithmetic is float64 in both."""
    table = types.Array(from_dtype(np.dtype(dtype)), 2, "C")
    real = types.float64
    return types.void(table, real, types.int64, real, real, real, table)
