"""Numbers as they come in: whatever type a user gives, the engine holds a float, or an int where it counts something."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping, Set
from decimal import Decimal
from typing import Any, TypeGuard

import numpy as np

from engine.faults import Fault


def as_float(value: object) -> float:
    """Return a real number of Python, numpy or another library as a float; NaN for what is no number, or beyond every float.

    True and false, text, lengths of time and arrays with an axis are no numbers. Minus zero is zero.

    >>> as_float(Decimal("0.25")), as_float(np.int8(3)), as_float(np.array(2)), as_float(True)
    (0.25, 3.0, 2.0, nan)
    """
    one = _one(value)
    if isinstance(one, (bool, np.timedelta64)) or not isinstance(one, (numbers.Real, Decimal)):
        return math.nan
    try:
        return float(one) + 0.0
    except (OverflowError, ValueError):  # beyond every float; a signalling NaN
        return math.nan


def share(value: object, name: str) -> float:
    """Give a number from 0 to 1, also one that is written as text, or refuse what is none."""
    try:
        number = float(value) if isinstance(value, str) else as_float(value)
    except ValueError:
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise Fault(f"{name} must be a number from 0 to 1 (got {shown(value)}); give one.")
    return number


def is_whole(value: object) -> TypeGuard[int]:
    """Whether something is a whole number by its type, of Python or of numpy; hand it on as ``int(value)``."""
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.timedelta64))


def shown(value: object) -> str:
    """Write a value into a sentence as a user would: numpy's scalars like Python's, what is long shortened."""
    text = " ".join(repr(_one(value)).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def refuse_unordered(name: str, given: object) -> None:
    """Refuse values in something that has no order of its own, or ends once it was read."""
    if isinstance(given, (Set, Mapping, Iterator)):
        raise Fault(f"{name} must be a value or a list of values (got a {type(given).__name__}); write it as a list.")


def _one(value: Any) -> Any:
    """Return what a numpy scalar, or an array without axes, holds; instants, lengths of time and everything else as they are."""
    is_single = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if is_single and value.dtype.kind not in "mM" else value
