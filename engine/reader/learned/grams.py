"""The grams of sentences, hashed, and the sums of their weights: compiled, as every character of the news passes here."""

from __future__ import annotations

import threading
from itertools import accumulate
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

#: Grams are of 1 to this many characters.
LONGEST: Final = 5
#: How many slots grams are hashed into.
SLOTS: Final = 1 << 18
_FNV: Final = np.uint32(2166136261)
_PRIME: Final = np.uint32(16777619)


def codes(lines: list[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Give the characters of some lines, a blank before and after each, and where each line begins and the last ends."""
    padded = [f" {line} " for line in lines]
    bounds = np.array([*accumulate(map(len, padded), initial=0)], np.int64)
    return np.frombuffer("".join(padded).encode("utf-32-le", "replace"), np.uint32), bounds


@njit(cache=True)
def slots(text: Any, start: int, end: int, seen: Any, mark: int, out: Any) -> int:
    """Write the slots of a line's grams to `out`, each once, and return how many there are.

    Parameters
    ----------
    text : uint32 array of characters
    seen : int64 array of `SLOTS`; holds `mark` where this line has a gram
    out : int64 array, long enough
    """
    count = 0
    for first in range(start, end):
        value = _FNV
        for last in range(first, min(first + LONGEST, end)):
            value = np.uint32((value ^ text[last]) * _PRIME)
            mixed = np.uint32(value ^ (value >> np.uint32(15)))
            slot = np.int64(mixed & np.uint32(SLOTS - 1))
            if seen[slot] != mark:
                seen[slot] = mark
                out[count] = slot
                count += 1
    return count


@njit(cache=True)
def score(text: Any, bounds: Any, rarity: Any, weights: Any, scale: Any, seen: Any, mark: int) -> Any:
    """Add up the weights of each line's grams.

    Parameters
    ----------
    text, bounds
        As `codes` gives them.
    rarity : float32 array of `SLOTS`
        The inverse document frequency of each slot; 0 where it does not count.
    weights : int8 array of (`SLOTS`, kinds)
    scale : float32 array of kinds
        What one step of a kind's weights is worth.
    seen : int32 array of `SLOTS`
        Kept from call to call; it holds no mark greater than `mark`.
    mark
        What it holds of the line before; this call's lines use the next ones.

    Returns
    -------
    float32 array of (lines, kinds)
        The dot product of the line's tf-idf vector (binary tf, of length 1) and the weights.
    """
    lines, kinds = len(bounds) - 1, weights.shape[1]
    sums = np.zeros((lines, kinds), np.float32)
    longest = 0
    for line in range(lines):
        longest = max(longest, bounds[line + 1] - bounds[line])
    found = np.empty(longest * LONGEST, np.int64)
    for line in range(lines):
        count = slots(text, bounds[line], bounds[line + 1], seen, mark + line + 1, found)
        square = np.float32(0.0)
        for i in range(count):
            rare = rarity[found[i]]
            if rare > 0:
                square += rare * rare
                for kind in range(kinds):
                    sums[line, kind] += rare * weights[found[i], kind]
        if square > 0:
            for kind in range(kinds):
                sums[line, kind] *= scale[kind] / np.sqrt(square)
    return sums


@njit(cache=True)
def add(sums: Any, rows: Any, which: Any, table: Any) -> None:
    """Add rows of a table to rows of the sums, one after the other."""
    for at in range(len(rows)):
        for kind in range(sums.shape[1]):
            sums[rows[at], kind] += table[which[at], kind]


class Marks(threading.local):
    """What `score` keeps from call to call, for each thread its own: two megabytes that are not zeroed for every document."""

    def __init__(self) -> None:
        self.seen = np.zeros(SLOTS, np.int32)
        self._used = 0

    def take(self, lines: int) -> int:
        """Give the last mark that is used, and use as many more as there are lines."""
        if self._used + lines > np.iinfo(np.int32).max:
            self.seen[:], self._used = 0, 0
        self._used += lines
        return self._used - lines


def slot_of(gram: str) -> int:
    """Give the slot of one gram."""
    text = np.frombuffer(gram.encode("utf-32-le", "replace"), np.uint32)
    value = int(_FNV)
    for code in text.tolist():
        value = ((value ^ code) * int(_PRIME)) & 0xFFFFFFFF
    return (value ^ (value >> 15)) & (SLOTS - 1)
