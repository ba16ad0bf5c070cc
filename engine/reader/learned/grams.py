"""The grams of sentences, hashed, and the sums of their weights: compiled, as every character of the news passes here."""

from __future__ import annotations

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
    bounds = np.zeros(len(padded) + 1, np.int64)
    np.cumsum([len(line) for line in padded], out=bounds[1:])
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
def score(text: Any, bounds: Any, rarity: Any, weights: Any, scale: Any) -> Any:
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

    Returns
    -------
    float32 array of (lines, kinds)
        The dot product of the line's tf-idf vector (binary tf, of length 1) and the weights.
    """
    lines, kinds = len(bounds) - 1, weights.shape[1]
    sums = np.zeros((lines, kinds), np.float32)
    seen = np.zeros(SLOTS, np.int64)
    longest = 0
    for line in range(lines):
        longest = max(longest, bounds[line + 1] - bounds[line])
    found = np.empty(longest * LONGEST, np.int64)
    for line in range(lines):
        count = slots(text, bounds[line], bounds[line + 1], seen, line + 1, found)
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


def slot_of(gram: str) -> int:
    """Give the slot of one gram."""
    text = np.frombuffer(gram.encode("utf-32-le", "replace"), np.uint32)
    value = int(_FNV)
    for code in text.tolist():
        value = ((value ^ code) * int(_PRIME)) & 0xFFFFFFFF
    return (value ^ (value >> 15)) & (SLOTS - 1)
