"""Where a grid's parameter sets come from: a product of lists, the rows of a table, or draws; each found by its number alone."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from engine.constraint import Allowed, Constraint, Values
from engine.faults import Fault
from engine.legible import numeral
from engine.strategy import Strategy
from kernels.random import random_points, sobol_points, stretch

Numbers = npt.NDArray[np.int64]
Sampling = Literal["random", "sobol"]

#: Values of a parameter that are counted one by one; more are counted in stretches.
_MOST_VALUES = 1024
#: Stretches, of equally many values or of equal width.
_STRETCHES = 64
#: Combinations of the parameters that a constraint looks at: 4 bytes for each that it leaves.
_MOST_COMBINATIONS = 30_000_000
_SLICE = 1 << 20
#: Lanes of a Sobol sample: points of 30 bits.
_BITS = 30
#: Share of the draws that a constraint must leave, and how many are looked at to find out.
_LEAST_LEFT, _LOOK = 0.01, 4096


@dataclass(frozen=True)
class Cells:
    """The cells in which the values of one parameter are counted, in rising order: each value its own, or stretches of them.

    Attributes
    ----------
    low, high : float64 (cell,), the ends of each cell; equal where it is one value
    """

    low: Values
    high: Values

    def __len__(self) -> int:
        return self.low.size


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, to be drawn from; `between` makes one."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def count(self) -> int:
        """How many values it holds that are counted one by one; 0 where it is counted in stretches."""
        values = int(self.high - self.low) + 1
        return values if self.whole and values <= _MOST_VALUES else 0

    def cells(self) -> Cells:
        """Return its cells: each whole number, or stretches that are drawn equally often."""
        if self.count:
            each = np.arange(self.low, self.high + 1)
            return Cells(each, each)
        edges = np.arange(_STRETCHES + 1) / _STRETCHES
        stretch(self.low, self.high, self.log, False, edges)
        return Cells(edges[:-1], edges[1:])

    def places(self, points: Values) -> npt.NDArray[np.int32]:
        """Return the cell of what is made of each point from 0 to 1."""
        if not self.count:
            return (points * _STRETCHES).astype(np.int32)
        values = points.copy()
        stretch(self.low, self.high, self.log, True, values)
        return (values - self.low).astype(np.int32)


class Source(Protocol):
    """What a grid asks of where its sets come from."""

    @property
    def size(self) -> int:
        """Number of lanes."""

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


def _cells_of(values: Values) -> tuple[Cells, npt.NDArray[np.int32]]:
    """Return the cells of listed values, and the cell of each."""
    levels, level = np.unique(values, return_inverse=True)
    if levels.size <= _MOST_VALUES:
        return Cells(levels, levels), level.astype(np.int32)
    cell = np.arange(levels.size) * _STRETCHES // levels.size
    first = np.searchsorted(cell, np.arange(_STRETCHES))
    last = np.searchsorted(cell, np.arange(_STRETCHES), side="right") - 1
    return Cells(levels[first], levels[last]), cell[level].astype(np.int32)


class Product:
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

    def __init__(self, axes: dict[str, Values], allowed: Allowed, where: Constraint | None = None) -> None:
        self.axes = axes
        sizes = {name: len(v) for name, v in axes.items()}
        if math.prod(sizes.values()) >= 1 << 62:
            raise Fault(
                f"the grid has {numeral(math.prod(sizes.values()), 2)} lanes, allowed are {1 << 62:,}; take fewer values, or a sample."
            )
        self._cells = {name: _cells_of(v) for name, v in axes.items()}
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

    def _look(self, allowed: Allowed, where: Constraint | None, names: list[str]) -> npt.NDArray[np.uint32] | None:
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
                shown = shown or ", ".join(
                    f"{name}={numeral(v[first], 12, commas=False)}" for name, v in values.items()
                )
                refused += int(wrong.sum())
            kept.append(numbers[asked].astype(np.uint32))
        left = sum(k.size for k in kept)
        if not left:
            raise Fault(f"where leaves none of {total * others:,} lanes, allowed is one or more; loosen it.")
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


def _refused(allowed: Allowed, refused: int, total: int, shown: str) -> str:
    return f"{allowed.strategy.name()} does not allow {refused} of {total} lanes (the first: {shown}); leave them out with where=."


class Rows:
    """The rows of a table, one a lane; those that a constraint refuses are left out.

    Parameters
    ----------
    axes : columns by parameter
    """

    def __init__(self, axes: dict[str, Values], allowed: Allowed, where: Constraint | None = None) -> None:
        total = next(iter(axes.values())).size if axes else 0
        if where is not None:
            kept = where(axes)
            if not kept.any():
                raise Fault(f"where leaves none of {total:,} lanes, allowed is one or more; loosen it.")
            axes = {name: column[kept] for name, column in axes.items()}
        self.axes = axes
        self.size = next(iter(axes.values())).size
        wrong = ~allowed(axes, self.size)
        if wrong.any():
            first = int(np.argmax(wrong))
            shown = ", ".join(f"{name}={numeral(column[first], 12, commas=False)}" for name, column in axes.items())
            raise Fault(_refused(allowed, int(wrong.sum()), self.size, shown))
        with ThreadPoolExecutor() as pool:  # to sort a column keeps no other from being sorted
            self._cells = dict(zip(axes, pool.map(_cells_of, axes.values()), strict=True))

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
        return np.stack([cell[numbers] for _, cell in self._cells.values()])


class Sample:
    """Sets drawn from ranges and lists, lane i from its number, the seed, and the order of parameters and listed values.

    A set that the constraint or the strategy refuses is drawn again until one fits, at random also in a Sobol sample; so the
    sample keeps its size, and is evenly spread over what is allowed.

    Parameters
    ----------
    drawn : for each parameter a range, or values to draw from
    sampling : "random": Philox by lane number; "sobol": the lane's point of a scrambled Sobol sequence (scipy.stats.qmc)
    size : number of lanes
    seed : whole, from 0
    """

    def __init__(
        self,
        drawn: dict[str, Range | Values],
        sampling: Sampling,
        size: int,
        seed: int,
        allowed: Allowed,
        where: Constraint | None = None,
    ) -> None:
        self.size, self.seed, self.sampling = size, seed, sampling
        self._drawn, self._where, self._strategy = drawn, where, allowed.strategy
        self._sobol = sobol_directions(len(drawn), size, seed) if sampling == "sobol" else None
        self._listed = {n: _cells_of(d) for n, d in drawn.items() if not isinstance(d, Range)}
        checks = any("allows" in vars(cls) for cls in self._strategy.__mro__ if cls is not Strategy)
        self._all_fit = where is None and not checks
        look = np.arange(min(size, _LOOK))
        left = float(self._fits(self._draw(look, 0)).mean())
        if left < _LEAST_LEFT:
            raise Fault(
                f"where and {allowed.strategy.name()} leave {left:.2%} of what is drawn, allowed is {_LEAST_LEFT:.0%} or more; narrow the "
                f"ranges."
            )

    @property
    def axes(self) -> dict[str, Values]:
        """For each parameter the values to draw from; of a range its two ends."""
        return {n: np.array([d.low, d.high]) if isinstance(d, Range) else d for n, d in self._drawn.items()}

    def _draw(self, numbers: Numbers, attempt: int) -> Values:
        """Return (parameter, lane) points from 0 to 1."""
        points = np.empty((len(self._drawn), numbers.size))
        if self._sobol is not None and attempt == 0:
            sobol_points(*self._sobol, numbers, points)
        else:
            random_points(self.seed, attempt, numbers, points)
        return points

    def _made(self, points: Values) -> dict[str, Values]:
        """Return the values of each parameter that are made of points."""
        found = {}
        for (name, drawn), own in zip(self._drawn.items(), points, strict=True):
            if isinstance(drawn, Range):
                found[name] = own.copy()
                stretch(drawn.low, drawn.high, drawn.log, drawn.whole, found[name])
            else:
                found[name] = drawn[(own * drawn.size).astype(np.int64)]
        return found

    def _fits(self, points: Values) -> npt.NDArray[np.bool_]:
        values, size = self._made(points), points.shape[1]
        fits = Allowed(self._strategy)(values, size)
        return fits if self._where is None else fits & self._where(values)

    def _points(self, numbers: Numbers) -> Values:
        """Return (parameter, lane) the points of which sets are made that fit."""
        points = self._draw(numbers, 0)
        left = np.flatnonzero(~self._fits(points)) if not self._all_fit else numbers[:0]
        attempt = 0
        while left.size:
            attempt += 1
            if attempt == 1 << 16:
                raise Fault(
                    f"lane {numbers[left[0]]} was drawn {attempt} times and never fitted where or {self._strategy.name()}, allowed are "
                    f"ranges that fit; narrow them."
                )
            again = self._draw(numbers[left], attempt)
            fits = self._fits(again)
            points[:, left[fits]] = again[:, fits]
            left = left[~fits]
        return points

    def values(self, numbers: Numbers) -> dict[str, Values]:
        """Return the values of each parameter for the lanes of these numbers."""
        return self._made(self._points(numbers))

    def distinct(self, name: str) -> Values:
        """Return every value that a parameter may take, rising."""
        drawn = self._drawn[name]
        return np.arange(drawn.low, drawn.high + 1) if isinstance(drawn, Range) else np.unique(drawn)

    def cells(self) -> dict[str, Cells]:
        """Return the cells of each parameter."""
        return {n: d.cells() if isinstance(d, Range) else self._listed[n][0] for n, d in self._drawn.items()}

    def places(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return (parameter, lane) the cell of each lane."""
        points = self._points(numbers)
        out = np.empty(points.shape, np.int32)
        for i, (name, drawn) in enumerate(self._drawn.items()):
            if isinstance(drawn, Range):
                out[i] = drawn.places(points[i])
            else:
                out[i] = self._listed[name][1][(points[i] * drawn.size).astype(np.int64)]
        return out


def sobol_directions(dimensions: int, size: int, seed: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return what makes any point of scipy's scrambled Sobol sequence by its number: point 0, and what each bit changes.

    In Gray-code order points 2^k - 1 and 2^k differ by direction k alone (Antonov and Saleev 1979), so that two points a bit tell
    the directions, and nothing of scipy but its points is relied on.
    """
    from scipy.stats import qmc  # noqa: PLC0415 - a second of loading, for those who draw

    engine = qmc.Sobol(dimensions, scramble=True, bits=_BITS, rng=seed)

    def next_point() -> npt.NDArray[np.uint64]:
        point: npt.NDArray[np.uint64] = (engine.random(1)[0] * 2.0**32).astype(np.uint64)
        return point

    start = point = next_point()
    directions = []
    for bit in range(max(size - 1, 1).bit_length()):
        if bit >= 2:
            engine.fast_forward((1 << bit) - 1 - engine.num_generated)
            point = next_point()
        before, point = point, next_point()
        directions.append(before ^ point)
    return start, np.ascontiguousarray(np.stack(directions, axis=1))
