"""What a sweep keeps of its lanes: counts and sums that come out the same in any order and in any parts."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Sums = npt.NDArray[np.int64]

#: Steps of a sum in 1; a value is rounded to the nearest.
UNIT = 2.0**32
#: Values beyond this are added as this.
MOST = 2.0**30
#: Bins of a histogram: the first 14 bits of a float32, so 32 bins between a power of two and the next.
N_BINS = 1 << 14
_SHIFT = 18
_MAGNITUDE = np.int32(0x7FFFFFFF)
_INFINITE = np.int32(0x7F800000)
_WORD = np.int64(0xFFFFFFFF)

#: Columns of a sum, (cell, metric, column): how many values, and their sum in steps, high * 2**32 + low with low below 2**32.
COUNT, HIGH, LOW, N_SUM = range(4)
#: Columns of a group of cells, (group, column): its first cell; the axes whose places number them, the second -1 for none; cells
#: along the second.
FIRST, X, Y, WIDTH, N_GROUP = range(5)


@njit(error_model="numpy", nogil=True, cache=True)
def count_bins(bits, bins):
    """Count values in the bins of their metric.

    Parameters
    ----------
    bits : (metric, lane) int32, the bits of float32 values; NaN is not counted
    bins : (metric, N_BINS) int64, added to; in rising order of the values
    """
    for m in range(bits.shape[0]):
        for j in range(bits.shape[1]):
            b = bits[m, j]
            magnitude = b & _MAGNITUDE
            if magnitude > _INFINITE:
                continue
            key = magnitude if b >= 0 or magnitude == 0 else ~magnitude
            bins[m, (key >> _SHIFT) + N_BINS // 2] += 1


def bin_edges() -> tuple[Floats, Floats]:
    """Return the low and the high end of every bin, float64 (N_BINS,); a bin holds its end nearer to zero."""
    magnitudes = np.arange(N_BINS // 2 + 1, dtype=np.int64) << _SHIFT
    ends = np.minimum(magnitudes, _INFINITE).astype(np.int32).view(np.float32).astype(np.float64)
    return np.concatenate([-ends[:0:-1], ends[:-1]]), np.concatenate([-ends[-2::-1], ends[1:]])


@njit(error_model="numpy", nogil=True, cache=True)
def tally(values, signs, units, fine, coarse, groups, lanes, sums, best):
    """Add lanes to the cells that they belong to.

    Parameters
    ----------
    values : (metric, lane) floats; NaN is not counted
    signs, units : (metric,) float64, -1 where less is better; what a value is divided by before it is summed
    fine, coarse : (axis, lane) int32, places along an axis, for groups of one axis and of two
    groups : (group, N_GROUP) int64
    lanes : (cell,) int64, lanes in each cell, added to
    sums : (cell, metric, N_SUM) int64, added to
    best : (cell, metric) float64, the best value times its sign, -inf where there is none yet
    """
    n_metrics = values.shape[0]
    value, high, low = np.empty(n_metrics), np.empty(n_metrics, np.int64), np.empty(n_metrics, np.int64)
    for j in range(values.shape[1]):
        for m in range(n_metrics):
            value[m] = values[m, j]
            steps = np.int64(np.rint(min(max(value[m] / units[m], -MOST), MOST) * UNIT)) if value[m] == value[m] else 0
            high[m], low[m] = steps >> 32, steps & _WORD
        for g in range(groups.shape[0]):
            cell = groups[g, FIRST]
            if groups[g, Y] < 0:
                cell += fine[groups[g, X], j]
            else:
                cell += coarse[groups[g, X], j] * groups[g, WIDTH] + coarse[groups[g, Y], j]
            lanes[cell] += 1
            for m in range(n_metrics):
                if value[m] == value[m]:
                    words = sums[cell, m, LOW] + low[m]
                    sums[cell, m, COUNT] += 1
                    sums[cell, m, HIGH] += high[m] + (words >> 32)
                    sums[cell, m, LOW] = words & _WORD
                    best[cell, m] = max(best[cell, m], signs[m] * value[m])


def add_sums(into: Sums, other: Sums) -> None:
    """Add sums (cell, metric, N_SUM) to others in place, and carry."""
    into += other
    into[..., HIGH] += into[..., LOW] >> 32
    into[..., LOW] &= _WORD


def means(sums: Sums, units: Floats) -> Floats:
    """Return the means (cell, metric) float64 of sums; NaN where nothing was counted."""
    total = sums[..., HIGH] + sums[..., LOW] / UNIT
    return np.where(sums[..., COUNT] > 0, total / np.maximum(sums[..., COUNT], 1) * units, math.nan)
