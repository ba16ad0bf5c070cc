"""Where a grid's parameter sets come from: a product of lists, or the rows of a table; each found by its number alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.cells import Cells, Values, cells_of
from engine.constraint import Allowed, Condition
from engine.faults import Fault
from engine.number import plain

Numbers = npt.NDArray[np.int64]
Sampling = Literal["random", "sobol"]

#: Combinations of the parameters that a constraint looks at: 4 bytes for each that it leaves.
_MOST_COMBINATIONS = 30_000_000
_SLICE = 1 << 20
#: Lanes of a sweep: what a summary can add up.
MOST_LANES = 1 << 32
_MOST_NUMBERED = 1 << 62
_NO_SCENARIOS = np.zeros(0, np.int32)


class NoneLeft(Fault):
    """A constraint leaves no lane; in another scenario it may leave some."""

    def __init__(self, said: str = "where leaves no lane, allowed is one or more; loosen it.") -> None:
        super().__init__(said)


def _none_of(lanes: int) -> str:
    return f"where leaves none of {lanes:,} lanes, allowed is one or more; loosen it."


def refuse_many(lanes: int) -> None:
    """Refuse more lanes than a sweep has."""
    if lanes > MOST_LANES:
        shown = f"{lanes:,}" if lanes < 10**21 else f"about 10^{len(str(lanes)) - 1}"
        raise Fault(
            f"a sweep must have {MOST_LANES:,} lanes at most (got {shown}); take fewer values, or draw some of them in a sample."
        )


class Source(Protocol):
    """What a grid asks of where its sets come from."""

    size: int

    @property
    def axes(self) -> dict[str, Values]:
        """For each parameter the values that were given for it; of a range its two ends."""

    def values(self, numbers: Numbers) -> dict[str, Values]:
        """Return the values of each parameter for the lanes of these numbers."""

    def distinct(self, name: str) -> Values:
        """Return every value that a parameter may take, rising; a range must be one of whole numbers."""

    def cells(self) -> dict[str, Cells]:
        """Return the cells of each parameter."""

    def places(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return (parameter, lane) the cell of each lane."""

    def scenario(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return the number of the scenario of each lane."""

    def stretches(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Cut the lanes from `low` to before `high` where one scenario ends and the next begins."""


class OneScenario:
    """A source whose lanes are all of one scenario."""

    def scenario(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return 0 for each lane."""
        return np.zeros(numbers.size, np.int32)

    def stretches(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Give the lanes as they are."""
        yield low, high


class Product(OneScenario):
    """Every combination of listed values, the last parameter fastest; those that a constraint looks at come first.

    Parameters
    ----------
    axes : values by parameter
    allowed : what the strategy allows
    where : which combinations to walk

    Raises
    ------
    Fault
        Where the strategy does not allow a combination, or the constraint leaves none or looks at too many.
    """

    def __init__(self, axes: dict[str, Values], allowed: Allowed, where: Condition | None = None) -> None:
        self.axes = axes
        sizes = {name: len(v) for name, v in axes.items()}
        if math.prod(sizes.values()) >= _MOST_NUMBERED:
            refuse_many(math.prod(sizes.values()))
        self._cells = {name: cells_of(v) for name, v in axes.items()}
        allowed({name: v[:1] for name, v in axes.items()}, 1)  # notes what it reads
        names: list[str] = []
        wanted = {*(where.names if where else ()), *allowed.names}
        kept = None
        while wanted & set(axes) > set(names):  # values may have led it to read more
            names = [n for n in axes if n in wanted]
            kept = self._look(allowed, where, names)
            wanted |= allowed.names
        self._kept = kept
        self._first = names if where else []
        self._rest = [n for n in axes if n not in self._first]
        self._first_sizes = tuple(sizes[n] for n in self._first)
        self._rest_sizes = tuple(sizes[n] for n in self._rest)
        self._each = math.prod(self._rest_sizes)
        self.size = self._each * (1 if kept is None else kept.size)
        refuse_many(self.size)

    def _look(self, allowed: Allowed, where: Condition | None, names: list[str]) -> npt.NDArray[np.uint32] | None:
        """Look at every combination of the parameters `names`; return the numbers of those that the constraint leaves."""
        sizes = tuple(len(self.axes[n]) for n in names)
        total, others = math.prod(sizes), math.prod(len(v) for n, v in self.axes.items() if n not in names)
        if total > _MOST_COMBINATIONS:
            raise Fault(
                f"a constraint looks at {total:,} combinations of {', '.join(names)}, allowed are {_MOST_COMBINATIONS:,}; take fewer "
                f"values of these, or sample='random'."
            )
        kept, refused, shown = [], 0, ""
        for low in range(0, total, _SLICE):
            numbers = np.arange(low, min(low + _SLICE, total))
            places = np.unravel_index(numbers, sizes)
            values = {name: self.axes[name][place] for name, place in zip(names, places, strict=True)}
            asked = where(values) if where else np.ones(numbers.size, np.bool_)
            wrong = asked & ~allowed(values, numbers.size)
            if wrong.any():
                first = int(np.argmax(wrong))
                shown = shown or _shown(values, first)
                refused += int(wrong.sum())
            kept.append(numbers[asked].astype(np.uint32))
        left = sum(k.size for k in kept)
        if not left:
            raise NoneLeft(_none_of(total * others))
        if refused and allowed.names & set(self.axes) <= set(names):
            raise Fault(_refused(allowed, refused * others, left * others, shown))
        return np.concatenate(kept) if where else None

    def _indices(self, numbers: Numbers) -> dict[str, Numbers]:
        first, rest = np.divmod(numbers, self._each) if self._kept is not None else (None, numbers)
        found = dict(zip(self._rest, np.unravel_index(rest, self._rest_sizes), strict=True)) if self._rest else {}
        if first is not None and self._kept is not None:
            found |= dict(zip(self._first, np.unravel_index(self._kept[first], self._first_sizes), strict=True))
        return found

    def values(self, numbers: Numbers) -> dict[str, Values]:
        """Return the values of each parameter for the lanes of these numbers."""
        index = self._indices(numbers)
        return {name: axis[index[name]] for name, axis in self.axes.items()}

    def distinct(self, name: str) -> Values:
        """Return every value of a parameter, rising."""
        return np.unique(self.axes[name])

    def cells(self) -> dict[str, Cells]:
        """Return the cells of each parameter."""
        return {name: cells for name, (cells, _) in self._cells.items()}

    def places(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return (parameter, lane) the cell of each lane."""
        index, out = self._indices(numbers), np.empty((len(self.axes), numbers.size), np.int32)
        for i, (name, (_, cell)) in enumerate(self._cells.items()):
            np.take(cell, index[name], out=out[i])
        return out


def _shown(values: Mapping[str, Values], lane: int) -> str:
    return ", ".join(f"{n}={'none' if math.isinf(v[lane]) else plain(v[lane])}" for n, v in values.items())


def _refused(allowed: Allowed, refused: int, total: int, shown: str) -> str:
    return f"{allowed.strategy.name()} does not allow {refused} of {total} lanes (the first: {shown}); leave them out with where=."


class Rows:
    """The rows of a table, one a lane; those that a constraint refuses are left out.

    Parameters
    ----------
    axes : columns by parameter
    scenario : int32 (row,), which scenario each row is of; empty where there is one
    settings : what tables show for the settings of each row, for the constraint to look at
    """

    def __init__(
        self,
        axes: dict[str, Values],
        allowed: Allowed,
        where: Condition | None = None,
        scenario: npt.NDArray[np.int32] = _NO_SCENARIOS,
        settings: Mapping[str, pl.Series] | None = None,
    ) -> None:
        self.axes, self._scenario = axes, scenario
        self.size = next(iter(axes.values())).size if axes else scenario.size
        if where is not None:
            kept = where({**axes, **(settings or {})})
            if not kept.any():
                raise NoneLeft(_none_of(self.size))
            self.axes = {name: column[kept] for name, column in axes.items()}
            self._scenario = scenario[kept] if scenario.size else scenario
            self.size = int(kept.sum())
        wrong = ~allowed(self.axes, self.size)
        if wrong.any():
            raise Fault(_refused(allowed, int(wrong.sum()), self.size, _shown(self.axes, int(np.argmax(wrong)))))
        with ThreadPoolExecutor() as pool:  # to sort a column keeps no other from being sorted
            self._cells = dict(zip(self.axes, pool.map(cells_of, self.axes.values()), strict=True))

    def scenario(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return the scenario of the lanes of these numbers."""
        return self._scenario[numbers] if self._scenario.size else np.zeros(numbers.size, np.int32)

    def stretches(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Give the lanes as they are, as rows come in any order."""
        yield low, high

    def values(self, numbers: Numbers) -> dict[str, Values]:
        """Return the values of each parameter for the lanes of these numbers."""
        return {name: column[numbers] for name, column in self.axes.items()}

    def distinct(self, name: str) -> Values:
        """Return every value of a parameter, rising."""
        return np.unique(self.axes[name])

    def cells(self) -> dict[str, Cells]:
        """Return the cells of each parameter."""
        return {name: cells for name, (cells, _) in self._cells.items()}

    def places(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return (parameter, lane) the cell of each lane."""
        out = np.empty((len(self.axes), numbers.size), np.int32)
        for i, (_, cell) in enumerate(self._cells.values()):
            np.take(cell, numbers, out=out[i])
        return out
