"""What a sweep keeps of its lanes: counts and sums that come out the same in any order and in any parts."""

import math

import numpy as np
import numpy.typing as npt

from kernels.jit import kept

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
_WORD, _ALL_BUT_SIGN = np.int64(0xFFFFFFFF), np.int64(0x7FFFFFFFFFFFFFFF)

#: Columns of a cell, (cell, metric, column): how many values; their sum in steps, high * 2**32 + low with low below 2**32; the
#: best of them, as `in_order` numbers it.
COUNT, HIGH, LOW, BEST, N_SUM = range(5)
#: Lanes that are added to one group of cells before the next: the cells of a group, not those of all, are then in the cache.
TOGETHER = 16384
#: The best of no values.
NONE = np.iinfo(np.int64).min
#: Columns of a group of cells, (group, column): its first cell; the axes whose places number them, the second -1 for none; cells
#: along the second.
FIRST, X, Y, WIDTH, N_GROUP = range(5)


@kept()
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


@kept()
def tally(values, signs, units, fine, coarse, groups, lanes, sums):
    """Add lanes to the cells that they belong to.

    Parameters
    ----------
    values : (metric, lane) floats; NaN is not counted
    signs, units : (metric,) float64, -1 where less is better; what a value is divided by before it is summed
    fine, coarse : (axis, lane) int32, places along an axis, for groups of one axis and of two
    groups : (group, N_GROUP) int64
    lanes : (cell,) int64, lanes in each cell, added to
    sums : (cell, metric, N_SUM) int64, added to
    """
    n_metrics, n_lanes = values.shape
    steps, key = np.empty((TOGETHER, n_metrics), np.int64), np.empty((TOGETHER, n_metrics), np.int64)
    signed = np.empty(1)
    bits = signed.view(np.int64)
    for start in range(0, n_lanes, TOGETHER):
        count = min(TOGETHER, n_lanes - start)
        for j in range(count):
            for m in range(n_metrics):
                value = np.float64(values[m, start + j])
                if math.isnan(value):
                    key[j, m] = NONE
                    continue
                steps[j, m] = np.int64(np.rint(min(max(value / units[m], -MOST), MOST) * UNIT))
                signed[0] = value * signs[m]
                key[j, m] = bits[0] if bits[0] >= 0 else bits[0] ^ _ALL_BUT_SIGN
        for g in range(groups.shape[0]):
            first, x, y, width = groups[g, FIRST], groups[g, X], groups[g, Y], groups[g, WIDTH]
            for j in range(count):
                lane = start + j
                cell = first + (fine[x, lane] if y < 0 else coarse[x, lane] * width + coarse[y, lane])
                lanes[cell] += 1
                for m in range(n_metrics):
                    if key[j, m] != NONE:
                        words = sums[cell, m, LOW] + (steps[j, m] & _WORD)
                        sums[cell, m, COUNT] += 1
                        sums[cell, m, HIGH] += (steps[j, m] >> 32) + (words >> 32)
                        sums[cell, m, LOW] = words & _WORD
                        sums[cell, m, BEST] = max(sums[cell, m, BEST], key[j, m])


def in_order(values: Floats) -> Sums:
    """Return whole numbers that are ordered like float64 values, as `tally` makes them."""
    bits = np.ascontiguousarray(values, np.float64).view(np.int64)
    return np.where(bits >= 0, bits, bits ^ _ALL_BUT_SIGN)


def from_order(keys: Sums) -> Floats:
    """Return the values that `in_order` made whole numbers of; NaN for `NONE`."""
    bits = np.where(keys >= 0, keys, keys ^ _ALL_BUT_SIGN)
    return np.where(keys == NONE, math.nan, bits.view(np.float64))


def no_sums(cells: int, n_metrics: int) -> Sums:
    """Return sums (cell, metric, N_SUM) of nothing."""
    sums = np.zeros((cells, n_metrics, N_SUM), np.int64)
    sums[..., BEST] = NONE
    return sums


def add_sums(into: Sums, other: Sums) -> None:
    """Add sums (cell, metric, N_SUM) to others in place."""
    best = np.maximum(into[..., BEST], other[..., BEST])
    into += other
    into[..., HIGH] += into[..., LOW] >> 32
    into[..., LOW] &= _WORD
    into[..., BEST] = best


def means(sums: Sums, units: Floats) -> Floats:
    """Return the means (cell, metric) of sums; NaN where nothing was counted."""
    total = sums[..., HIGH] + sums[..., LOW] / UNIT
    return np.where(sums[..., COUNT] > 0, total / np.maximum(sums[..., COUNT], 1) * units, math.nan)
