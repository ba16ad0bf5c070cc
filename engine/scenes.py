"""Parameter sets in several scenarios: which lanes are of which, and what a constraint leaves of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.cells import Cells, Values
from engine.constraint import Condition, Constraint, Narrowed
from engine.faults import Fault
from engine.scenarios import Scenarios
from engine.sources import NoneLeft, Numbers, Source, refuse_many


class Scenes:
    """Parameter sets in several scenarios: the lanes of one stand together, those of the next after them.

    Parameters
    ----------
    sources : one a scenario; the same object where the same sets are walked
    starts : the first lane of each scenario, and how many lanes there are in all
    counted : whether a source counts its lanes from 0 in each scenario, or as those of all
    """

    def __init__(self, sources: Sequence[Source], starts: Sequence[int], counted: bool) -> None:
        refuse_many(starts[-1])
        self._sources, self._starts, self._counted = sources, np.array(starts, np.int64), counted
        self._alike = all(source is sources[0] for source in sources)
        self.size = int(starts[-1])

    @property
    def axes(self) -> dict[str, Values]:
        """For each parameter the values that were given for it, the same in every scenario; of a range its two ends."""
        return self._sources[0].axes

    def scenario(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return the scenario of the lanes of these numbers."""
        return (np.searchsorted(self._starts, numbers, side="right") - 1).astype(np.int32)

    def stretches(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Cut the lanes from `low` to before `high` where one scenario ends and the next begins."""
        inside = self._starts[(self._starts > low) & (self._starts < high)].tolist()
        return itertools.pairwise([low, *inside, high])

    def _own(self, numbers: Numbers) -> Iterator[tuple[npt.NDArray[np.bool_] | slice, Source, Numbers]]:
        """Give for each source its lanes, and their numbers there."""
        scenario = self.scenario(numbers)
        own = numbers - self._starts[scenario] if self._counted else numbers
        if self._alike:
            yield slice(None), self._sources[0], own
            return
        for each in np.unique(scenario):
            of_it = scenario == each
            yield of_it, self._sources[each], own[of_it]

    def values(self, numbers: Numbers) -> dict[str, Values]:
        """Return the values of each parameter for the lanes of these numbers."""
        out = {name: np.empty(numbers.size) for name in self.axes}
        for lanes, source, own in self._own(numbers):
            for name, values in source.values(own).items():
                out[name][lanes] = values
        return out

    def distinct(self, name: str) -> Values:
        """Return every value that a parameter may take, rising."""
        return self._sources[0].distinct(name)

    def cells(self) -> dict[str, Cells]:
        """Return the cells of each parameter."""
        return self._sources[0].cells()

    def places(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return (parameter, lane) the cell of each lane."""
        out = np.empty((len(self.axes), numbers.size), np.int32)
        for lanes, source, own in self._own(numbers):
            out[:, lanes] = source.places(own)
        return out


def _narrowed(scenarios: Scenarios, condition: Constraint | None) -> tuple[Scenarios, list[Condition | None]]:
    """Return the scenarios that a condition leaves, and what it says of the parameters in each; equal ones are one object."""
    asked = [i for i, s in enumerate(scenarios.settings) if condition and s.name in condition.names]
    if condition is None or not asked:
        return scenarios, [condition] * len(scenarios)
    made: dict[tuple[int, ...], Narrowed] = {}
    left: list[Condition | None] = []
    kept = []
    for number, places in enumerate(scenarios.places.tolist()):
        key = tuple(places[i] for i in asked)
        if key not in made:
            known = {scenarios.settings[i].name: scenarios.settings[i].shown[[places[i]]] for i in asked}
            made[key] = Narrowed(condition, known)
        if made[key].names:
            kept.append(number)
            left.append(made[key])
        elif made[key]({})[0]:
            kept.append(number)
            left.append(None)
    return scenarios.some(np.array(kept, np.int64)), left


def combined(
    scenarios: Scenarios, condition: Constraint | None, make: Callable[[Any], Source]
) -> tuple[Source, Scenarios]:
    """Walk every parameter set that the condition leaves in every scenario."""
    if not scenarios.settings:
        return make(condition), scenarios
    left, sources = _made(scenarios, condition, make)
    return Scenes(sources, [0, *itertools.accumulate(source.size for source in sources)], counted=True), left


def drawn(
    scenarios: Scenarios, condition: Constraint | None, lanes: int, make: Callable[[Any], Source]
) -> tuple[Source, Scenarios]:
    """Draw lanes, the first part of them in the first scenario, and so on: equally many in each, to one."""
    if not scenarios.settings:
        return make(condition), scenarios
    left, sources = _made(scenarios, condition, make)
    count = len(left)
    if lanes < count:
        raise Fault(
            f"lanes must be {count:,} or more, one for each combination of settings (got {lanes:,}); draw more, or take fewer values."
        )
    return Scenes(sources, [-(-i * lanes // count) for i in range(count + 1)], counted=False), left


def _made(
    scenarios: Scenarios, condition: Constraint | None, make: Callable[[Any], Source]
) -> tuple[Scenarios, list[Source]]:
    """Make the parameter sets of every scenario in which the condition leaves any; where it says the same, they are one object."""
    left, conditions = _narrowed(scenarios, condition)
    made: dict[int, Source | None] = {}
    sources, kept = [], []
    for number, own in enumerate(conditions):
        if id(own) not in made:
            made[id(own)] = _made_one(make, own, len(scenarios) > 1)
        if source := made[id(own)]:
            sources.append(source)
            kept.append(number)
    if not sources:
        raise NoneLeft
    return left.some(np.array(kept, np.int64)), sources


def _made_one(make: Callable[[Any], Source], condition: Condition | None, may_be_none: bool) -> Source | None:
    """Make the parameter sets of a scenario; None where the condition leaves none of them, and other scenarios may have some."""
    try:
        return make(condition)
    except NoneLeft:
        if not may_be_none:
            raise
        return None
