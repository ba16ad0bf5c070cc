"""Logistic regression, twice: over many sparse features for many kinds at once, and over a few dense ones."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.reader.learned import grams

EPOCHS: Final = 12
_RATE: Final = 0.4
_SHRINK: Final = 1e-4
_STEP: Final = 2.0  # of `adapt`, in log-odds of a row that is wholly wrong
_NEAR: Final = 1e-9  # a step so small that Newton's method has ended


class Sparse(NamedTuple):
    """Rows of a sparse matrix: those of row i are ``columns[bounds[i]:bounds[i+1]]`` with `values`."""

    bounds: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]


@njit(cache=True)
def slots_of(text: Any, bounds: Any) -> Any:
    """Give the slots of the grams of lines as (bounds, columns); see `grams.codes` for the arguments."""
    lines = len(bounds) - 1
    ends = np.zeros(lines + 1, np.int64)
    seen = np.zeros(grams.SLOTS, np.int64)
    longest = 0
    for line in range(lines):
        longest = max(longest, bounds[line + 1] - bounds[line])
    found = np.empty(longest * grams.LONGEST, np.int64)
    for line in range(lines):
        ends[line + 1] = ends[line] + grams.slots(text, bounds[line], bounds[line + 1], seen, line + 1, found)
    columns = np.empty(ends[lines], np.int64)
    seen[:] = 0
    for line in range(lines):
        count = grams.slots(text, bounds[line], bounds[line + 1], seen, line + 1, found)
        columns[ends[line] : ends[line] + count] = found[:count]
    return ends, columns


@njit(cache=True)
def fit(bounds: Any, columns: Any, values: Any, wanted: Any, counts: Any, start: Any, epochs: int, seed: int) -> Any:
    """Fit the weights of many kinds at once by AdaGrad (Duchi, Hazan and Singer 2011), one row at a time.

    Parameters
    ----------
    bounds, columns, values
        As `Sparse`.
    wanted : float32 array of (rows, kinds), 0 or 1
    counts : float32 array of (rows, kinds)
        How much each row counts for each kind; 0 where it is arguable.
    start : float32 array of (columns + 1, kinds)
        Where to begin; the last row is the bias. Not changed.

    Returns
    -------
    float32 array like `start`
    """
    rows, kinds = wanted.shape
    bias = start.shape[0] - 1
    weights = start.copy()
    squares = np.full(start.shape, 1e-2, np.float32)
    np.random.seed(seed)  # noqa: NPY002 - what numba compiles
    order = np.arange(rows)
    sums = np.zeros(kinds, np.float32)
    slopes = np.zeros(kinds, np.float32)
    for epoch in range(epochs):
        np.random.shuffle(order)  # noqa: NPY002
        rate = np.float32(_RATE * (1.0 - 0.9 * epoch / epochs))
        for row in order:
            sums[:] = weights[bias]
            for at in range(bounds[row], bounds[row + 1]):
                for kind in range(kinds):
                    sums[kind] += weights[columns[at], kind] * values[at]
            for kind in range(kinds):
                slopes[kind] = counts[row, kind] * (1.0 / (1.0 + np.exp(-sums[kind])) - wanted[row, kind])
                squares[bias, kind] += slopes[kind] * slopes[kind]
                weights[bias, kind] -= rate * slopes[kind] / np.sqrt(squares[bias, kind])
            for at in range(bounds[row], bounds[row + 1]):
                column = columns[at]
                for kind in range(kinds):
                    slope = slopes[kind] * values[at] + np.float32(_SHRINK) * weights[column, kind]
                    squares[column, kind] += slope * slope
                    weights[column, kind] -= rate * slope / np.sqrt(squares[column, kind])
    return weights


@njit(cache=True)
def adapt(bounds: Any, columns: Any, values: Any, wanted: Any, given: Any, start: Any, epochs: int) -> Any:
    """Move weights towards what some rows ask, by plain steps down the slope of their loss, row by row in order.

    Steps that begin at `start` and end after some epochs stay near it, and move nothing that is at right angles to all rows.

    Parameters
    ----------
    bounds, columns, values
        As `Sparse`, each row of length 1.
    wanted : float32 array of (rows, kinds), 0 or 1
    given : float32 array of (rows, kinds)
        Log-odds of what is not moved.
    start : float32 array of (columns, kinds)
        Where to begin. Not changed.

    Returns
    -------
    float32 array like `start`
    """
    rows, kinds = wanted.shape
    weights = start.copy()
    sums = np.zeros(kinds, np.float32)
    for _ in range(epochs):
        for row in range(rows):
            sums[:] = given[row]
            for at in range(bounds[row], bounds[row + 1]):
                for kind in range(kinds):
                    sums[kind] += weights[columns[at], kind] * values[at]
            for kind in range(kinds):
                sums[kind] = _STEP * (1.0 / (1.0 + np.exp(-sums[kind])) - wanted[row, kind])
            for at in range(bounds[row], bounds[row + 1]):
                for kind in range(kinds):
                    weights[columns[at], kind] -= sums[kind] * values[at]
    return weights


def newton(
    values: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], shrink: float = 1.0
) -> npt.NDArray[np.float64]:
    """Fit a logistic regression with a quadratic penalty by Newton's method.

    Parameters
    ----------
    values : array of (rows, columns)
        The last column is the constant 1, whose weight is not shrunk.
    wanted : array of rows, 0 or 1

    Returns
    -------
    array of columns
    """
    columns = values.shape[1]
    penalty = np.full(columns, shrink)
    penalty[-1] = 1e-6
    weights = np.zeros(columns)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(values @ weights, -30, 30)))
        slope = values.T @ (chance - wanted) + penalty * weights
        bend = (values * (chance * (1.0 - chance))[:, None]).T @ values + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        weights -= step
        if float(np.abs(step).max()) < _NEAR:
            break
    return weights
