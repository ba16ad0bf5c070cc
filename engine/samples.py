"""Parameter sets that are drawn: lane i from its number and the seed alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.cells import Cells, Range, Values, cells_of
from engine.constraint import Allowed, Condition
from engine.faults import Fault
from engine.sources import NoneLeft, Numbers, OneScenario, Sampling
from engine.strategy import Strategy
from kernels.random import random_points, sobol_points, stretch

#: Lanes of a Sobol sample: points of 30 bits.
_BITS = 30
#: Share of the draws that a constraint must leave, and how many are looked at to find out.
_LEAST_LEFT, _LOOK = 0.01, 4096


class Sample(OneScenario):
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
        where: Condition | None = None,
    ) -> None:
        self.size, self.seed, self.sampling = size, seed, sampling
        self._drawn, self._where, self._strategy = drawn, where, allowed.strategy
        self._sobol = sobol_directions(len(drawn), size, seed) if sampling == "sobol" else None
        self._listed = {n: cells_of(d) for n, d in drawn.items() if not isinstance(d, Range)}
        checks = any("allows" in vars(cls) for cls in self._strategy.__mro__ if cls is not Strategy)
        self._all_fit = where is None and not checks
        left = float(self._fits(self._draw(np.arange(_LOOK), 1)).mean())
        if left < _LEAST_LEFT:
            raise (Fault if left else NoneLeft)(
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
