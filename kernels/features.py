"""Price features over columns of closes: (asset, bar) in, (asset, bar) out, float64.

A feature at bar t is made of the closes up to and including t; engine/arrays.py moves it on by a bar for rules that answer at an open.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from kernels.jit import inner, kept

Matrix = npt.NDArray[np.float64]


def average(mark: Matrix, window: int) -> Matrix:
    """Mean of the last `window` closes; NaN before there are as many."""
    out = np.empty((*mark.shape, 1))
    fill_averages(mark, np.array([window]), 0, out)
    return out[:, :, 0]


@kept()
def fill_averages(mark: Matrix, windows: npt.NDArray[np.int64], late: int, out: npt.NDArray[Any]) -> None:
    """Fill `out` (asset, bar, window) with `average` over many windows, `late` bars later.

    The sums move on by a close at a time; what each step loses to rounding is kept beside it and added at the end (Neumaier 1974),
    so that closes that do not change have an average that does not either.
    """
    total, lost = np.empty(windows.size), np.empty(windows.size)
    for a in range(mark.shape[0]):
        known = 0
        out[a, :late] = np.nan
        for t in range(mark.shape[1] - late):
            close = mark[a, t]
            known = 0 if np.isnan(close) else known + 1
            if known <= 1:
                total[:], lost[:] = 0.0, 0.0
            for w in range(windows.size):
                if known > 0:
                    total[w], slip = _added(total[w], close)
                    lost[w] += slip
                if known > windows[w]:
                    total[w], slip = _added(total[w], -mark[a, t - windows[w]])
                    lost[w] += slip
                out[a, t + late, w] = (total[w] + lost[w]) / windows[w] if known >= windows[w] else np.nan


@inner(forceinline=True)
def _added(total: float, value: float) -> tuple[float, float]:
    """Return the rounded sum of two numbers, and what rounding took from it (Knuth's two-sum)."""
    new = total + value
    part = new - total
    return new, (total - (new - part)) + (value - part)


@kept()
def change(mark: Matrix, window: int) -> Matrix:
    """Return over the last `window` bars; NaN before there are as many."""
    out = np.full(mark.shape, np.nan)
    for a in range(mark.shape[0]):
        for t in range(window, mark.shape[1]):
            out[a, t] = mark[a, t] / mark[a, t - window] - 1.0
    return out


@kept()
def deviation(mark: Matrix, window: int) -> Matrix:
    """Sample standard deviation of the last `window` one-bar returns; NaN before there are as many."""
    out = np.full(mark.shape, np.nan)
    for a in range(mark.shape[0]):
        for t in range(window, mark.shape[1]):
            total, squares = 0.0, 0.0
            for u in range(t + 1 - window, t + 1):
                r = mark[a, u] / mark[a, u - 1] - 1.0
                total += r
                squares += r * r
            if window > 1:
                out[a, t] = np.sqrt(max(squares - total * total / window, 0.0) / (window - 1))
    return out
