"""The best of many results: which lanes came to the same, and which results are ahead; the same in any order and in any parts."""

import math

import numpy as np
import numpy.typing as npt

from kernels.jit import inner, kept

#: Odd numbers with bits all over, one for each half of a key (of SplitMix64: Steele, Lea and Flood 2014).
_SPREAD = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
_HALF = np.uint64(32)
_SIGN_32, _SIGN_64 = np.int32(-(1 << 31)), np.int64(-(1 << 63))
_INFINITE_32, _INFINITE_64 = np.int32(0x7F800000), np.int64(0x7FF0000000000000)


@kept()
def _mix(words, lanes, sign, infinite, out):
    """Fill `out` (half, place) with what is mixed of `words` (metric, lane), the bits of floats, for the chosen lanes."""
    for half in range(2):
        spread = _SPREAD[half]
        for j in range(lanes.size):
            out[half, j] = spread
        for m in range(words.shape[0]):
            for j in range(lanes.size):
                word = words[m, lanes[j]]
                word = infinite + 1 if (word & ~sign) > infinite else word  # NaN is NaN
                word = 0 if word == sign else word  # minus zero is zero
                mixed = (out[half, j] ^ np.uint64(word)) * spread
                out[half, j] = mixed ^ (mixed >> _HALF)
        for j in range(lanes.size):
            mixed = out[half, j] * spread
            out[half, j] = mixed ^ (mixed >> _HALF)


def keys_of(values: npt.NDArray[np.floating], lanes: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return (half, place) uint64: 128 bits that tell lanes apart of which any value differs.

    Two lanes that differ in one value have different keys; of others, one pair in 2**128 has not.

    Parameters
    ----------
    values : float32 or float64 (metric, lane); minus zero is zero, and one NaN is another
    lanes : which lanes
    """
    out = np.empty((2, lanes.size), np.uint64)
    if values.dtype == np.float32:
        _mix(np.ascontiguousarray(values).view(np.int32), lanes, _SIGN_32, _INFINITE_32, out)
    else:
        _mix(np.ascontiguousarray(values, np.float64).view(np.int64), lanes, _SIGN_64, _INFINITE_64, out)
    return out


@kept()
def put_together(keys, numbers, lane, shared, place):
    """Put entries with one key together, at the place of the first of them; return how many keys there are.

    Parameters
    ----------
    keys : (half, entry) uint64; those that differ are moved to the first places
    numbers : (entry,) int64, of lanes
    lane, shared : (entry,) int64, filled for each key with its lowest number, and how many entries it has
    place : (entry,) int64, filled with the place of each entry's key
    """
    size = _room(keys.shape[1])
    table, found = np.full(size, -1, np.int64), 0
    for i in range(keys.shape[1]):
        slot = _find(table, keys, keys[0, i], keys[1, i])
        if table[slot] < 0:
            table[slot] = found
            keys[0, found], keys[1, found] = keys[0, i], keys[1, i]
            lane[found], shared[found] = numbers[i], 0
            found += 1
        place[i] = table[slot]
        lane[place[i]] = min(lane[place[i]], numbers[i])
        shared[place[i]] += 1
    return found


@inner()
def _room(entries):
    """Return places of a table in which so many entries are quickly found: a power of two."""
    size = 16
    while size < 2 * entries:
        size *= 2
    return size


@inner()
def _find(table, keys, high, low):
    """Return the slot of a table that holds the place of a key among `keys`, or the free one where it belongs."""
    last = table.size - 1
    slot = np.int64(high & np.uint64(last))
    while table[slot] >= 0 and (keys[0, table[slot]] != high or keys[1, table[slot]] != low):
        slot = (slot + 1) & last
    return slot


@inner()
def _ahead(value, equity, keys, i, other_value, other_equity, other_keys, j):
    """Whether one result ranks before another: by its value, then its final equity, then its key, which hangs on no lane."""
    if value[i] != other_value[j]:
        return value[i] > other_value[j]
    if equity[i] != other_equity[j]:
        return equity[i] > other_equity[j]
    if keys[0, i] != other_keys[0, j]:
        return keys[0, i] < other_keys[0, j]
    return keys[1, i] < other_keys[1, j]


@inner()
def _sort(order, count, spare, value, equity, keys):
    """Sort the first places of `order` by rank, merging ever longer runs; `spare` is as long."""
    run = 1
    while run < count:
        for low in range(0, count, 2 * run):
            middle, high = min(low + run, count), min(low + 2 * run, count)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (
                    j >= high or not _ahead(value, equity, keys, order[j], value, equity, keys, order[i])
                ):
                    spare[k] = order[i]
                    i += 1
                else:
                    spare[k] = order[j]
                    j += 1
        for k in range(count):
            order[k] = spare[k]
        run *= 2


@kept()
def take_in(value, equity, keys, lane, shared, count, new_value, new_equity, new_keys, new_lane, new_shared):
    """Take results into the best so far, which stay in the order of their rank; return how many there are then.

    Parameters
    ----------
    value, equity : (most,) float64, what results are ranked by; the greatest first
    keys : (half, most) uint64, what tells results apart
    lane, shared : (most,) int64, their lowest lane, and how many there are
    count : how many places of these hold a result
    new_value, ... : the same of other results, (result,), each of them once; NaN ranks nowhere
    """
    most = value.size
    table = np.full(_room(most), -1, np.int64)
    for i in range(count):
        table[_find(table, keys, keys[0, i], keys[1, i])] = i
    order, fresh = np.empty(new_value.size, np.int64), 0
    for j in range(new_value.size):
        behind = count == most and _ahead(value, equity, keys, most - 1, new_value, new_equity, new_keys, j)
        if behind or math.isnan(new_value[j]):
            continue
        slot = _find(table, keys, new_keys[0, j], new_keys[1, j])
        if table[slot] >= 0:
            lane[table[slot]] = min(lane[table[slot]], new_lane[j])
            shared[table[slot]] += new_shared[j]
        else:
            order[fresh] = j
            fresh += 1
    if fresh == 0:
        return count
    if fresh > 2 * most:  # more than can be kept: those that are surely behind go before the rest is sorted
        least = np.partition(new_value[order[:fresh]], fresh - most)[fresh - most]
        left = 0
        for k in range(fresh):
            if new_value[order[k]] >= least:
                order[left] = order[k]
                left += 1
        fresh = left
    _sort(order, fresh, np.empty(fresh, np.int64), new_value, new_equity, new_keys)
    total = min(most, count + fresh)
    was = (
        value[:count].copy(),
        equity[:count].copy(),
        keys[:, :count].copy(),
        lane[:count].copy(),
        shared[:count].copy(),
    )
    i = j = 0
    for k in range(total):
        ours = j >= fresh or (
            i < count and not _ahead(new_value, new_equity, new_keys, order[j], was[0], was[1], was[2], i)
        )
        if ours:
            value[k], equity[k], keys[0, k], keys[1, k] = was[0][i], was[1][i], was[2][0, i], was[2][1, i]
            lane[k], shared[k] = was[3][i], was[4][i]
            i += 1
        else:
            n = order[j]
            value[k], equity[k], keys[0, k], keys[1, k] = new_value[n], new_equity[n], new_keys[0, n], new_keys[1, n]
            lane[k], shared[k] = new_lane[n], new_shared[n]
            j += 1
    return total
