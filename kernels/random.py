"""Numbers between 0 and 1 that are found by their place alone: random ones by counter, and those of Sobol's sequence."""

import math

import numpy as np

from kernels.jit import inner, kept

# Constants of Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _32, _11 = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(11)
_UNIT = 2.0**-53


@inner(forceinline=True)
def philox(counter0, counter1, counter2, counter3, key0, key1):
    """Return four random words for a counter of four words and a key of two; words are uint64 below 2**32."""
    for _ in range(10):
        product0, product1 = _M0 * counter0, _M1 * counter2
        counter0, counter1, counter2, counter3 = (
            (product1 >> _32) ^ counter1 ^ key0,
            product1 & _LOW,
            (product0 >> _32) ^ counter3 ^ key1,
            product0 & _LOW,
        )
        key0, key1 = (key0 + _W0) & _LOW, (key1 + _W1) & _LOW
    return counter0, counter1, counter2, counter3


@inner(forceinline=True)
def _unit(high, low):
    """Make a float64 from 0 to below 1 of two words: 53 bits."""
    return np.float64(((high << _32) | low) >> _11) * _UNIT


@kept()
def random_points(seed, attempt, numbers, out):
    """Fill `out` (dimension, place) with random numbers, each a function of seed, attempt, its number and its dimension.

    Parameters
    ----------
    seed, attempt : whole numbers, from 0 to below 2**64 and 2**16
    numbers : (place,) int64, from 0
    """
    whole = np.uint64(seed)
    key0, key1 = whole & _LOW, whole >> _32
    for j in range(numbers.size):
        number = np.uint64(numbers[j])
        for pair in range((out.shape[0] + 1) // 2):
            a, b, c, d = philox(number & _LOW, number >> _32, np.uint64(pair), np.uint64(attempt), key0, key1)
            out[2 * pair, j] = _unit(a, b)
            if 2 * pair + 1 < out.shape[0]:
                out[2 * pair + 1, j] = _unit(c, d)


@kept()
def sobol_points(start, directions, numbers, out):
    """Fill `out` (dimension, place) with points of a Sobol sequence in Gray-code order (Antonov and Saleev 1979).

    Parameters
    ----------
    start : (dimension,) uint64, point 0 times 2**32
    directions : (dimension, bit) uint64, what bit k of the number's Gray code changes, times 2**32
    numbers : (place,) int64, from 0
    """
    one, nothing = np.uint64(1), np.uint64(0)
    point, at = start.copy(), nothing
    for j in range(numbers.size):
        number = np.uint64(numbers[j])
        gray = number ^ (number >> one)
        changed, bit = gray ^ at, 0  # from a number to the next, one bit
        at = gray
        while changed != nothing:
            if changed & one:
                for i in range(out.shape[0]):
                    point[i] ^= directions[i, bit]
            changed >>= one
            bit += 1
        for i in range(out.shape[0]):
            out[i, j] = np.float64(point[i]) * 2.0**-32


@kept()
def stretch(low, high, logarithmic, whole, points):
    """Turn numbers from 0 to 1, (place,), into values from `low` to `high` in place, evenly or evenly by their logarithm.

    Whole values are equally likely from the first to the last; by their logarithm they are rounded.
    """
    a, b = (low - 0.5, high + 0.5) if whole else (low, high)
    span = math.log(b / a) if logarithmic else b - a
    for j in range(points.size):
        value = a * math.exp(points[j] * span) if logarithmic else a + points[j] * span
        if whole:
            value = math.floor(value + 0.5)
        points[j] = min(max(value, low), high)
