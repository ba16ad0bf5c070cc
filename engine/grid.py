"""Which parameter sets a sweep walks: products, samples and tables, addressed by number and never written out whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine import scenes
from engine.cells import Cells, Range, or_null
from engine.constraint import Allowed, Constraint, Values, Where
from engine.faults import Fault
from engine.guess import did_you_mean
from engine.legible import numeral
from engine.number import as_float, is_whole, refuse_unordered, shown
from engine.parameter_table import read_sets
from engine.samples import Sample
from engine.scenarios import Scenarios, Setting, is_setting
from engine.sources import Numbers, Product, Rows, Sampling, Source
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
    least, most = _ends("span", low, high)
    written = f"span({numeral(least, commas=False)}, {numeral(most, commas=False)}"
    if n is not None and not is_whole(n):
        raise Fault(f"{written}, {shown(n)}) must ask for a whole number of values from 2 (got {shown(n)}); give one.")
    count = None if n is None else int(n)
    return spaced(least, most, count, f"{written})" if count is None else f"{written}, {count})")


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
        many = numeral(values, None if values < 10**15 else 2)
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
    least, most = _ends("between", low, high)
    return drawn(
        least,
        most,
        log,
        f"between({numeral(least, commas=False)}, {numeral(most, commas=False)}{', log=True' if log else ''})",
    )


def drawn(low: float, high: float, log: bool, shown: str) -> Range:
    """Do what `between` does; `shown` is how the user wrote it."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise Fault(
            f"{shown} is no range to draw from, allowed are two finite ends, the lower one first; swap or correct them."
        )
    if log and low <= 0:
        raise Fault(f"{shown} has no logarithm at {numeral(low)}, allowed is above 0; raise it.")
    return Range(float(low), float(high), log)


def _ends(of: str, low: object, high: object) -> tuple[float, float]:
    """Return both ends as floats, or refuse what is no number."""
    ends = as_float(low), as_float(high)
    if any(math.isnan(end) for end in ends):
        raise Fault(f"{of} must have two numbers for its ends (got {shown(low)} and {shown(high)}); correct them.")
    return ends


@dataclass(frozen=True)
class Grid:
    """The lanes of a sweep, by number: every combination of lists, draws from ranges and lists, or the rows of a table.

    The values of a lane follow from its number alone, so that a sweep of any size needs no list of its lanes. Settings of the
    account, options and the delay of events are its outermost axes: lanes of one scenario stand together.

    Attributes
    ----------
    source : the parameter sets
    scenarios : the combinations of settings; one, where there are none
    """

    source: Source
    scenarios: Scenarios = field(default_factory=Scenarios)

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
        settings: Mapping[str, Any] | None = None,
    ) -> Grid:
        """Check values and constraint, and make the grid.

        Parameters
        ----------
        values : for a parameter one value, a list of them (`span` makes one), or in a sample a range (`between` makes one)
        table : parameter sets, one a row, in place of values: a table in any form, or the path of one; settings are columns of it, named
            as in `settings`
        where : which sets to walk: ``"fast < slow"``, a polars expression, or a function of arrays that are named like parameters
        sample : draw sets in place of walking every combination: ``"random"``, or ``"sobol"``, which fills the space more evenly
        lanes : sets to draw; of each scenario equally many, to one
        seed : of the draws, from 0
        settings : values of ``"account.slippage"`` and the like, of options by name, and of ``"events.delay"``; see `engine.scenarios`

        Raises
        ------
        Fault
            Where a value is not allowed, a strategy does not allow a set, or the constraint leaves none.
        """
        check_class(strategy)
        frame = None if table is None else read_sets(table, strategy)
        varied = _settings(settings)
        given = values if frame is None else {**values, **varied}
        if frame is not None and given:
            raise Fault(
                f"{next(iter(given))} is given beside a table, allowed is one of the two; make it a column of the table."
            )
        _check_sample(sample, lanes, seed, frame)
        if frame is not None:
            return cls(*_rows(strategy, frame, where))
        axes = {name: axis_of(strategy, name, listed) for name, listed in values.items()}
        scenarios = Scenarios.product(Setting.of(strategy, name, listed) for name, listed in varied.items())
        condition = None if where is None else Constraint(where, axes, {s.name: s.shown for s in scenarios.settings})
        allowed = Allowed(strategy)
        if sample is not None and lanes is not None:
            count, start = int(lanes), int(seed)
            return cls(
                *scenes.drawn(
                    scenarios, condition, count, lambda left: Sample(axes, sample, count, start, allowed, left)
                )
            )
        listed_axes: dict[str, Values] = {}
        for name, axis in axes.items():
            if isinstance(axis, Range):
                raise Fault(
                    f"{strategy.name()}.{name} must have values (got a range from {numeral(axis.low)} to {numeral(axis.high)}); write "
                    f"span(...), or draw with sample='random'."
                )
            refuse_twice(strategy, name, axis)
            listed_axes[name] = axis
        return cls(*scenes.combined(scenarios, condition, lambda left: Product(listed_axes, allowed, left)))

    @property
    def size(self) -> int:
        """Number of lanes."""
        return self.source.size

    @property
    def axes(self) -> dict[str, npt.NDArray[Any]]:
        """For each swept setting and parameter the values that were given for it; of a range its two ends; of a table the column."""
        return {s.name: s.shown.to_numpy() for s in self.scenarios.settings} | self.source.axes

    @property
    def settings(self) -> dict[str, tuple[str, ...]]:
        """For each swept setting what tells its values apart, as text: for a hash of what the grid is made of."""
        return {s.name: s.keys for s in self.scenarios.settings}

    def values(self, numbers: Numbers) -> dict[str, Values]:
        """Return the values of each parameter, float64 (lane,), for the lanes of these numbers; infinity for none."""
        return self.source.values(numbers)

    def columns(self, numbers: Numbers) -> dict[str, pl.Series]:
        """Return the settings and parameters of the lanes of these numbers as tables show them, null for none."""
        own = {name: or_null(values) for name, values in self.values(numbers).items()}
        return {**self.scenarios.shown(self.scenario(numbers)), **own} if self.scenarios.settings else own

    def scenario(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return the scenario of the lanes of these numbers, by its number in `scenarios`."""
        return self.source.scenario(numbers)

    def stretches(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Cut the lanes from `low` to before `high` where one scenario ends and the next begins; a table's rows are not cut."""
        return self.source.stretches(low, high)

    def distinct(self, name: str) -> Values | pl.Series:
        """Return every value that a parameter may take, rising (a range must be one of whole numbers); or those of a setting."""
        for setting in self.scenarios.settings:
            if setting.name == name:
                return setting.shown
        return self.source.distinct(name)

    def cells(self) -> dict[str, Cells]:
        """Return for each setting and parameter the cells in which a summary counts its values."""
        return {s.name: s.cells[0] for s in self.scenarios.settings} | self.source.cells()

    def places(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """Return (setting and parameter, lane) the cell of the lanes of these numbers."""
        own = self.source.places(numbers)
        if not self.scenarios.settings:
            return own
        chosen = self.scenarios.places[self.scenario(numbers)]
        return np.stack([*(s.cells[1][chosen[:, i]] for i, s in enumerate(self.scenarios.settings)), *own])


def _settings(given: object) -> Mapping[str, Any]:
    """Return the settings that a user gives, or refuse what is no mapping."""
    if given is not None and not isinstance(given, Mapping):
        raise Fault(
            f"settings must be a dict of names and values (got {shown(given)}); write {{'account.slippage': [0, 0.001]}}."
        )
    for name in given or ():
        if not isinstance(name, str):
            raise Fault(f"settings must have names that are texts (got {shown(name)}); write 'account.slippage'.")
    return given or {}


def _rows(strategy: type[Strategy], table: pl.DataFrame, where: Where | None) -> tuple[Source, Scenarios]:
    """Return the rows of a table; columns that are named like settings say of which scenario each row is."""
    if not table.columns:
        raise Fault("the table of parameter sets has no columns, allowed is one a parameter; add some.")
    if not table.height:
        raise Fault("the table of parameter sets must have one row or more (got none); add some.")
    own = [name for name in table.columns if not is_setting(strategy, name)]
    axes = {name: axis_of(strategy, name, table[name]) for name in own}
    scenarios, scenario = Scenarios.rows(strategy, {n: table[n] for n in table.columns if n not in own})
    condition = None if where is None else Constraint(where, axes, {s.name: s.shown for s in scenarios.settings})
    columns = {name: axis for name, axis in axes.items() if not isinstance(axis, Range)}  # a column is no range
    return Rows(columns, Allowed(strategy), condition, scenario, scenarios.shown(scenario)), scenarios


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
    if name not in strategy.parameters and is_setting(strategy, name):
        raise Fault(
            f"{name} is a setting, allowed among the parameters of a grid are {', '.join(strategy.parameters)}; give it in settings= of a "
            f"sweep, or in [grid.account] or [grid.options] of a job."
        )
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
        given = given if given.ndim else given[()]
    refuse_unordered(f"{strategy.name()}.{name}", given)
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
