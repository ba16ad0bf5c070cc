"""Price features over columns of closes: (asset, bar) in, (asset, bar) out, float64.

A feature at bar t is made of the closes up to and including t; who hands it to a rule moves it on by a bar.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Matrix = npt.NDArray[np.float64]


@njit(error_model="numpy", nogil=True, cache=True)
def average(mark: Matrix, window: int) -> Matrix:
    """Mean of the last `window` closes; NaN before there are as many.

    The sum moves on by a close at a time; what each step loses to rounding is kept beside it and added at the end (Neumaier 1974),
    so that closes that do not change have an average that does not either.
    """
    out = np.full(mark.shape, np.nan)
    for a in range(mark.shape[0]):
        total, lost, known = 0.0, 0.0, 0
        for t in range(mark.shape[1]):
            if mark[a, t] != mark[a, t]:
                total, lost, known = 0.0, 0.0, 0
                continue
            total, slip = _added(total, mark[a, t])
            lost += slip
            known += 1
            if known > window:
                total, slip = _added(total, -mark[a, t - window])
                lost += slip
            if known >= window:
                out[a, t] = (total + lost) / window
    return out


@njit(error_model="numpy", inline="always")
def _added(total: float, value: float) -> tuple[float, float]:
    """Return the rounded sum of two numbers, and what rounding took from it (Knuth's two-sum)."""
    new = total + value
    part = new - total
    return new, (total - (new - part)) + (value - part)


@njit(error_model="numpy", nogil=True, cache=True)
def change(mark: Matrix, window: int) -> Matrix:
    """Return over the last `window` bars; NaN before there are as many."""
    out = np.full(mark.shape, np.nan)
    for a in range(mark.shape[0]):
        for t in range(window, mark.shape[1]):
            out[a, t] = mark[a, t] / mark[a, t - window] - 1.0
    return out


@njit(error_model="numpy", nogil=True, cache=True)
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
