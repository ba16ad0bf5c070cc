"""Which parameter sets a sweep walks: products, samples and tables, addressed by number and never written out whole."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.constraint import Allowed, Constraint, Values, Where
from engine.faults import Fault
from engine.guess import did_you_mean
from engine.parameter_table import read_sets
from engine.sources import Cells, Numbers, Product, Range, Rows, Sample, Sampling, Source
from engine.strategy import Param, Strategy

#: Lanes of a sample: more than points of 30 bits would repeat themselves.
_MOST_DRAWS = 1 << 30
#: Values of one parameter that are listed: more would take gigabytes before the first lane is walked.
_MOST_LISTED = 10_000_000


def span(low: float, high: float, n: int | None = None) -> list[float]:
    """Values from `low` to `high`, both included: whole numbers, or `n` of them evenly spaced.

    >>> span(1, 4)
    [1.0, 2.0, 3.0, 4.0]
    >>> span(0.1, 0.3, 3)
    [0.1, 0.2, 0.3]
    """
    _check_ends("span", low, high)
    if n is not None and not is_whole(n):
        raise Fault(
            f"span({low:g}, {high:g}, {n!r}) asks for {n!r} values, allowed is a whole number from 2; correct it."
        )
    return spaced(low, high, n, f"span({low:g}, {high:g}{'' if n is None else f', {n}'})")


def spaced(low: float, high: float, n: int | None, shown: str) -> list[float]:
    """Do what `span` does; `shown` is how the user wrote it."""
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise Fault(
            f"{shown} runs backwards or without end, allowed are two finite ends, the lower one first; swap or correct them."
        )
    if n is None and (low != int(low) or high != int(high)):
        raise Fault(
            f"{shown} has ends that are not whole, allowed are whole ends, or a number of values; say how many, such as 5."
        )
    values = int(high) - int(low) + 1 if n is None else n
    if n is not None and n < 2:
        raise Fault(f"{shown} has {n} values, allowed are 2 or more; write a single value as it is.")
    if values > _MOST_LISTED:
        many = f"{values:,}" if values < 10**15 else f"{Decimal(values):.1e}"
        raise Fault(
            f"{shown} has {many} values, allowed for one parameter are {_MOST_LISTED:,}; take fewer, or draw them from a sample."
        )
    return [
        float(v) for v in (range(int(low), int(high) + 1) if n is None else np.round(np.linspace(low, high, n), 12))
    ]


def between(low: float, high: float, *, log: bool = False) -> Range:
    """Every number from `low` to `high`, for a sample to draw from: evenly, or evenly by the logarithm.

    A parameter of whole numbers draws whole ones, the ends included.

    >>> between(0.02, 0.3)
    Range(low=0.02, high=0.3, log=False, whole=False)
    """
    _check_ends("between", low, high)
    return drawn(low, high, log, f"between({low:g}, {high:g}{', log=True' if log else ''})")


def drawn(low: float, high: float, log: bool, shown: str) -> Range:
    """Do what `between` does; `shown` is how the user wrote it."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise Fault(
            f"{shown} is no range to draw from, allowed are two finite ends, the lower one first; swap or correct them."
        )
    if log and low <= 0:
        raise Fault(f"{shown} has no logarithm at {low:g}, allowed is above 0; raise it.")
    return Range(float(low), float(high), log)


def _check_ends(of: str, low: object, high: object) -> None:
    if not all(isinstance(end, numbers.Real) and not isinstance(end, bool) for end in (low, high)):
        raise Fault(f"{of}({low!r}, {high!r}) has an end that is no number, allowed are two numbers; correct it.")


def is_whole(number: object) -> bool:
    """Whether something is a whole number, of Python or of numpy."""
    return isinstance(number, numbers.Integral) and not isinstance(number, bool)


@dataclass(frozen=True)
class Grid:
    """The lanes of a sweep, by number: every combination of lists, draws from ranges and lists, or the rows of a table.

    The values of a lane follow from its number alone, so that a sweep of any size needs no list of its lanes.
    """

    source: Source

    @classmethod
    def of(
        cls,
        strategy: type[Strategy],
        values: Mapping[str, Any],
        table: Any = None,
        where: Where | None = None,
        *,
        sample: Sampling | None = None,
        lanes: int | None = None,
        seed: int = 0,
    ) -> Grid:
        """Check values and constraint, and make the grid.

        Parameters
        ----------
        values : for a parameter one value, a list of them (`span` makes one), or in a sample a range (`between` makes one)
        table : parameter sets, one a row, in place of values: a table in any form, or the path of one
        where : which sets to walk: ``"fast < slow"``, a polars expression, or a function of arrays that are named like parameters
        sample : draw sets in place of walking every combination: ``"random"``, or ``"sobol"``, which fills the space more evenly
        lanes : sets to draw
        seed : of the draws, from 0

        Raises
        ------
        Fault
            Where a value is not allowed, a strategy does not allow a set, or the constraint leaves none.
        """
        check_class(strategy)
        table = None if table is None else read_sets(table)
        if table is not None and values:
            raise Fault(
                f"{next(iter(values))} is given beside a table, allowed is one of the two; make it a column of the table."
            )
        if table is not None and not table.columns:
            raise Fault("the table of parameter sets has no columns, allowed is one a parameter; add some.")
        _check_sample(sample, lanes, seed, table)
        given = {name: table[name] for name in table.columns} if table is not None else dict(values)
        axes = {name: axis_of(strategy, name, listed) for name, listed in given.items()}
        constraint = None if where is None else Constraint(where, axes)
        allowed = Allowed(strategy)
        if sample is not None and lanes is not None:
            return cls(Sample(axes, sample, lanes, seed, allowed, constraint))
        listed_axes: dict[str, Values] = {}
        for name, axis in axes.items():
            if isinstance(axis, Range):
                raise Fault(
                    f"{strategy.name()}.{name} is a range from {axis.low:g} to {axis.high:g}, allowed are values; write span(...), or draw "
                    f"with sample='random'."
                )
            if table is None:
                refuse_twice(strategy, name, axis)
            listed_axes[name] = axis
        return cls((Product if table is None else Rows)(listed_axes, allowed, constraint))

    @property
    def size(self) -> int:
        """Number of lanes."""
        return self.source.size

    @property
    def axes(self) -> dict[str, Values]:
        """For each swept parameter the values that were given for it; of a range its two ends; of a table the column."""
        return self.source.axes

    def values(self, numbers: Numbers) -> dict[str, Values]:
        """Return the values of each parameter, float64 (lane,), for the lanes of these numbers."""
        return self.source.values(numbers)

    def distinct(self, name: str) -> Values:
        """Return every value that a parameter may take, rising; a range must be one of whole numbers."""
        return self.source.distinct(name)

    def cells(self) -> dict[str, Cells]:
        """Return for each parameter the cells in which a summary counts its values."""
        return self.source.cells()

    def places(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return (parameter, lane) the cell of the lanes of these numbers."""
        return self.source.places(numbers)


def check_class(strategy: object) -> None:
    """Refuse what is no class of `Strategy`."""
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise Fault(
            f"strategy is {strategy!r}, allowed is a class of Strategy; leave out the parentheses, and give values by name."
        )


def _check_sample(sample: Sampling | None, lanes: int | None, seed: int, table: pl.DataFrame | None) -> None:
    if sample is None:
        if lanes is not None:
            raise Fault(
                f"lanes is {lanes} without a sample, allowed is with one; add sample='random', or leave it out."
            )
        return
    if sample not in ("random", "sobol"):
        raise Fault(f"sample is {sample!r}, allowed are 'random' and 'sobol'; choose one.")
    if table is not None:
        raise Fault(f"sample is {sample!r} beside a table, allowed is one of the two; leave one out.")
    if lanes is None or not is_whole(lanes) or not 1 <= lanes <= _MOST_DRAWS:
        raise Fault(f"lanes is {lanes!r}, allowed in a sample is a whole number from 1 to {_MOST_DRAWS:,}; give one.")
    if not is_whole(seed) or not 0 <= seed < 1 << 63:
        raise Fault(f"seed is {seed!r}, allowed is a whole number from 0; give one.")


def axis_of(strategy: type[Strategy], name: str, given: Any) -> Values | Range:
    """Check what is given for one parameter, by itself."""
    if name not in strategy.parameters:
        known = list(strategy.parameters)
        raise Fault(
            f"{strategy.name()}.{name} cannot be swept{did_you_mean(name, known)}, allowed are {', '.join(known)}; rename it."
        )
    declared: Param = strategy.parameters[name]
    if isinstance(given, Range):
        low, high = (declared.check(strategy.name(), name, end) for end in (given.low, given.high))
        return replace(given, low=low, high=high, whole=declared.whole)
    if hasattr(given, "__array__") and not isinstance(given, pl.Series):  # of numpy, pandas and others
        given = np.asarray(given)
        if given.ndim > 1:
            raise Fault(
                f"{strategy.name()}.{name} is an array of the shape {given.shape}, allowed is a list of values; give its ravel()."
            )
        given = given if given.ndim else given.item()
    is_list = isinstance(given, (Sequence, np.ndarray, range, pl.Series)) and not isinstance(given, str)
    many = given if is_list else [given]
    if isinstance(many, range) and len(many[: _MOST_LISTED + 1]) > _MOST_LISTED:
        raise Fault(
            f"{strategy.name()}.{name} is {many}, allowed for one parameter are {_MOST_LISTED:,} values; take fewer, or draw them from "
            f"a sample."
        )
    if len(many) == 0:
        raise Fault(f"{strategy.name()}.{name} has no values, allowed is one or more; give some, or leave it out.")
    found = many
    if isinstance(many, pl.Series) and (many.dtype.is_numeric() or many.dtype == pl.Null):
        found = many.cast(pl.Float64).fill_null(np.inf).to_numpy()  # none is endless
    if isinstance(found, np.ndarray) and found.dtype.kind in "iuf" and declared.suits(found).all():
        return found.astype(np.float64)
    return np.array([declared.check(strategy.name(), name, value) for value in many])


def refuse_twice(strategy: type[Strategy], name: str, axis: Values) -> None:
    """Refuse values of one parameter among which one is there twice, as in a product its lanes would be."""
    if np.unique(axis).size < axis.size:
        raise Fault(f"{strategy.name()}.{name} holds a value twice, allowed is once; drop one.")
