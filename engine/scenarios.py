"""What a sweep varies beside the parameters: settings of the account, options, the delay of events.

Each combination of them is a scenario. Its lanes walk together, over a market that is laid out for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.account import Account, number_of
from engine.cells import Cells, Range, cells_of
from engine.clock import parse_delay
from engine.faults import Fault
from engine.fingerprint import fingerprint
from engine.guess import did_you_mean
from engine.legible import numeral
from engine.number import refuse_unordered, shown
from engine.strategy import Strategy

#: Settings of the account that a sweep may vary; the rates on cash are summed once for all lanes, and so have one value.
SWEPT = ("cash", "slippage", "fee_rate", "fee_share", "min_fee", "borrow_rate", "initial", "lot", "min_notional")
ACCOUNT, DELAY = "account.", "events.delay"

#: Scenarios of a sweep, and values of a setting that is no number: each is laid out for itself, or shown by itself.
_MOST, _MOST_NAMED = 100_000, 64


@dataclass(frozen=True, eq=False)
class Setting:
    """One setting, and the values that a sweep goes through.

    Attributes
    ----------
    name : ``"account.slippage"``, an option's name, or ``"events.delay"``
    values : floats of the account, timedeltas, or what was given for an option
    shown : the values as tables show them: Float64, Boolean, or String
    keys : what tells the values apart, however they were written
    """

    name: str
    values: tuple[Any, ...]
    shown: pl.Series
    keys: tuple[str, ...]

    @classmethod
    def of(cls, strategy: type[Strategy], name: str, given: Any) -> Setting:
        """Check what is given for one setting: a value, or a list of values."""
        parse = _parser(strategy, name)
        if isinstance(given, Range):
            ends = f"{numeral(given.low, commas=False)}, {numeral(given.high, commas=False)}"
            raise Fault(f"{name} must be a value or a list of values (got a range, {ends}); write span({ends}, 5).")
        refuse_unordered(name, given)
        several = isinstance(given, (Sequence, pl.Series)) and not isinstance(given, (str, bytes))
        listed = list(given) if several or getattr(given, "ndim", 0) == 1 else [given]  # of numpy, pandas and others
        if not listed:
            raise Fault(f"{name} must have one value or more (got none); give some, or leave it out.")
        parsed = [parse(value) for value in listed]
        if name in strategy.options and len(parsed) > _MOST_NAMED:
            raise Fault(f"{name} must have {_MOST_NAMED} values at most (got {len(parsed):,}); take fewer.")
        seen = pl.Series(name, [_label(value) for value in parsed], _kind_of(parsed), strict=False)
        values = listed if name in strategy.options else parsed  # an option is parsed again, where it is set
        return cls(name, tuple(values), seen, tuple(map(_key, parsed)))

    @property
    def heard(self) -> bool:
        """Whether what a strategy hears may depend on it."""
        return not self.name.startswith(ACCOUNT)

    @property
    def cells(self) -> tuple[Cells, npt.NDArray[np.int32]]:
        """The cells in which its values are counted, and the cell of each value."""
        if self.shown.dtype == pl.Float64 and not self.shown.null_count():
            return cells_of(self.shown.to_numpy())
        each = np.arange(len(self.values))
        return Cells(each.astype(np.float64), each.astype(np.float64), self.shown), each.astype(np.int32)

    def refuse_twice(self) -> None:
        """Refuse a value that is listed twice, as its lanes would be."""
        for place, key in enumerate(self.keys):
            if key in self.keys[:place]:
                raise Fault(f"{self.name} must list each value once (got {shown(self.shown[place])} twice); drop one.")


@dataclass(frozen=True, eq=False)
class Scenarios:
    """Combinations of settings; a sweep without settings has one, of none.

    Attributes
    ----------
    settings : the outermost axes of a grid
    places : int32 (scenario, setting), which value each setting has
    """

    settings: tuple[Setting, ...] = ()
    places: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((1, 0), np.int32))

    @classmethod
    def product(cls, settings: Iterable[Setting]) -> Scenarios:
        """Combine every value with every other, the last setting fastest."""
        listed = tuple(settings)
        for setting in listed:
            setting.refuse_twice()
        sizes = [len(setting.values) for setting in listed]
        total = 1
        for size in sizes:
            total *= size
        _refuse_many(total)
        places = np.stack(np.unravel_index(np.arange(total), sizes), axis=1) if listed else np.zeros((1, 0))
        return cls(listed, places.astype(np.int32))

    @classmethod
    def rows(
        cls, strategy: type[Strategy], columns: Mapping[str, pl.Series]
    ) -> tuple[Scenarios, npt.NDArray[np.int32]]:
        """Find the scenarios of a table's rows, and which each row is of."""
        settings, places = [], []
        for name, column in columns.items():
            setting, place = _of_column(strategy, name, column)
            settings.append(setting)
            places.append(place)
        if not settings:
            return cls(), np.zeros(0, np.int32)
        found, scenario = np.unique(np.stack(places, axis=1), axis=0, return_inverse=True)
        _refuse_many(len(found))
        return cls(tuple(settings), found), scenario.reshape(-1).astype(np.int32)

    def __len__(self) -> int:
        return len(self.places)

    def some(self, which: npt.NDArray[np.int64]) -> Scenarios:
        """Return those of these numbers alone."""
        return replace(self, places=self.places[which])

    def _chosen(self, scenario: int) -> dict[str, Any]:
        return {s.name: s.values[place] for s, place in zip(self.settings, self.places[scenario], strict=True)}

    def account(self, scenario: int, base: Account) -> Account:
        """Return the account of one scenario, which is `base` in all that is not varied."""
        own = {n.removeprefix(ACCOUNT): v for n, v in self._chosen(scenario).items() if n.startswith(ACCOUNT)}
        return replace(base, **own) if own else base

    def options(self, scenario: int) -> dict[str, Any]:
        """Return the options of one scenario by name."""
        return {n: v for n, v in self._chosen(scenario).items() if not n.startswith(ACCOUNT) and n != DELAY}

    def delay(self, scenario: int) -> dt.timedelta | None:
        """Return what one scenario adds to the time at which events are known; None where that is not varied."""
        return self._chosen(scenario).get(DELAY)

    def shown(self, scenario: npt.NDArray[Any]) -> dict[str, pl.Series]:
        """Return for each setting a column of its values in the scenarios of these numbers, as tables show them."""
        places = self.places[scenario]
        return {s.name: s.shown[places[:, i]] for i, s in enumerate(self.settings)}


def is_setting(strategy: type[Strategy], name: str) -> bool:
    """Whether a name is one of a setting, not of a parameter."""
    return name.startswith((ACCOUNT, "events.")) or name in strategy.options


def is_worded(strategy: type[Strategy], name: str) -> bool:
    """Whether a name is one of a setting whose values are no numbers: an option, or the delay of events."""
    return name.startswith("events.") or name in strategy.options


def _parser(strategy: type[Strategy], name: str) -> Any:
    """Return what checks one value of a setting."""
    of_account = [setting.name for setting in fields(Account)]
    known = [*(ACCOUNT + setting for setting in SWEPT), *strategy.options, DELAY]
    bare = name.removeprefix(ACCOUNT)
    if name in strategy.options:
        return lambda value: strategy.options[name].value(strategy.name(), name, value)
    if name == DELAY:
        return parse_delay
    if name.startswith(ACCOUNT) and bare in SWEPT:
        return lambda value: number_of(bare, value)
    if name.startswith(ACCOUNT) and bare in of_account:
        raise Fault(
            f"{name} must have one value in a sweep (it is not varied); give it in account=Account({bare}=...)."
        )
    if name in strategy.parameters:
        raise Fault(f"{name} must stand beside settings, as it is a parameter; write {name}=[...] outside of them.")
    near = {**{setting: ACCOUNT + setting for setting in of_account}, "delay": DELAY}
    guess = f" (did you mean {near[name]!r}?)" if name in near else did_you_mean(name, known)
    raise Fault(f"settings must be of {', '.join(known)} (got {name!r}{guess}); rename it.")


def _of_column(strategy: type[Strategy], name: str, column: pl.Series) -> tuple[Setting, npt.NDArray[np.int32]]:
    """Return the setting of a table's column, its values in the order in which they come, and which each row has."""
    if column.null_count() and name.startswith((ACCOUNT, "events.")):
        row = int(column.is_null().arg_max() or 0)
        raise Fault(f"{name} must have a value in every row of the table (row {row} has none); give it one.")
    rows = pl.DataFrame({"value": column}).with_row_index("row").group_by("value", maintain_order=True).agg("row")
    setting = Setting.of(strategy, name, [v.to_list() if isinstance(v, pl.Series) else v for v in rows["value"]])
    place = np.empty(len(column), np.int32)
    for key, listed in zip(setting.keys, rows["row"], strict=True):
        place[listed.to_numpy()] = setting.keys.index(key)  # several spellings of one value are one value
    return setting, place


def _refuse_many(scenarios: int) -> None:
    if scenarios > _MOST:
        raise Fault(f"settings must make {_MOST:,} combinations at most (got {scenarios:,}); take fewer values.")


def _label(value: Any) -> Any:
    """Return what a table shows for a value."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, dt.timedelta):
        return _spelled(value)
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, pl.DataFrame):
        return f"a table of {len(value):,} rows, {fingerprint(value)[:8]}"
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _spelled(delay: dt.timedelta) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if delay and not delay % dt.timedelta(seconds=length):
            return f"{delay // dt.timedelta(seconds=length)}{unit}"
    return f"{numeral(delay.total_seconds(), commas=False)}s"


def _kind_of(values: Sequence[Any]) -> Any:
    """Return the type of the column that shows some values."""
    labels = [label for label in map(_label, values) if label is not None]
    if labels and all(isinstance(label, bool) for label in labels):
        return pl.Boolean
    return pl.Float64 if labels and all(type(label) is float for label in labels) else pl.String


def _key(value: Any) -> str:
    return fingerprint(value) if isinstance(value, pl.DataFrame) else repr(value)
