"""What a strategy declares: its parameters, the events and price features it listens to, and one scalar rule.

A strategy is a class; its rule is a plain function of numbers that asks for what it wants by the names of its arguments::

    class BuyTheWarning(Strategy):
        \"\"\"Buy what is warned of, as long as the warning is fresh.\"\"\"

        channels = {"warn": Channel(kinds=("bubble_warning", "valuation_alarm"))}
        watch = "events"
        weight: float = param(0.1, 0.0, 2.0, "share of equity an entry")

        @staticmethod
        def rule(warn_new, weight):
            return weight if warn_new > 0.3 else KEEP

A rule may ask for: each parameter but `half_life`; for each channel ``name``, the decayed pressure on the asset, and ``name_new``,
what this bar's news adds to it; each feature; each trait of the asset; and of the account, at the last closes known: ``side``
(-1, 0, 1), ``bars_held``, ``gain`` (unrealised return on the entry price), ``others`` (signed weights of all other positions, after what
has been decided for them at this bar; 0 where rounding alone is left of them). It answers a target weight, 0 to leave, or `KEEP`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.kinds import check_name
from engine.legible import numeral
from engine.number import as_float, share, shown
from engine.silence import refuse_no_events
from kernels.rules import KEEP

if TYPE_CHECKING:
    import polars as pl

    from engine.events import Events
    from engine.market import Market

__all__ = ["KEEP", "Channel", "Feature", "Option", "Param", "Strategy", "option", "param"]

#: What a rule may ask of the account.
ACCOUNT_NAMES = ("side", "bars_held", "gain", "others")
#: The columns of events by which their strength may be weighed.
WEIGHTS = ("confidence", "relevance", "novelty")
#: The arguments of `engine.sweep`, beside which a strategy's own are named.
SWEEP_NAMES = (
    "strategy", "market", "events", "account", "table", "where", "sample", "lanes", "seed", "borrow", "precision", "threads",
    "device", "top", "by", "require", "metrics", "write", "progress", "settings",
)  # fmt: skip


@dataclass(frozen=True)
class Param:
    """One number that a strategy depends on and a sweep may vary."""

    default: float
    low: float
    high: float
    help: str
    whole: bool = False
    may_be_none: bool = False

    def check(self, owner: str, name: str, value: Any) -> float:
        """Return the value as a float; infinity stands for none."""
        number = _number_of(value)
        none = self.may_be_none and number == math.inf
        fits = none or (self.low <= number <= self.high and (number.is_integer() or not self.whole))
        if not fits:
            allowed = f"a {'whole ' if self.whole else ''}number from {numeral(self.low)} to {numeral(self.high)}"
            allowed += ", or none" if self.may_be_none else ""
            raise Fault(f"{owner}.{name} must be {allowed} (got {shown(value)}); give one: {self.help}.")
        return number

    def _allowed(self) -> str:
        allowed = f"a {'whole ' if self.whole else ''}number from {numeral(self.low)} to {numeral(self.high)}"
        return allowed + (", or none" if self.may_be_none else "")

    @staticmethod
    def _shown(value: Any) -> str:
        given = value.item() if isinstance(value, np.generic) else value
        return numeral(given) if isinstance(given, (int, float)) and not isinstance(given, bool) else repr(given)

    def suits(self, numbers: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Which of many numbers `check` takes as they are."""
        none = self.may_be_none & (numbers == math.inf)
        within = (numbers >= self.low) & (numbers <= self.high)
        found: npt.NDArray[np.bool_] = none | within & (numbers == np.trunc(numbers)) if self.whole else none | within
        return found


def _number_of(value: object) -> float:
    """Return a number, also one that is written as text; infinity for none, NaN for what is neither."""
    if value is None or (isinstance(value, str) and value.strip().lower() in ("none", "off")):
        return math.inf
    if not isinstance(value, str):
        return as_float(value)
    try:
        return float(value) + 0.0
    except ValueError:
        return math.nan


@dataclass(frozen=True)
class Option:
    """One setting that is no number: a symbol, a list of symbols, a switch, a table; a sweep varies it as it does the account's."""

    default: Any
    help: str
    parse: Callable[[Any], Any]
    table: bool = False

    def value(self, owner: str, name: str, given: Any) -> Any:
        """Return what is made of what a user gives, or refuse it."""
        try:
            return self.parse(given)
        except Fault as fault:
            raise Fault(f"{owner}.{name}: {fault}") from None
        except (TypeError, ValueError, AttributeError) as error:
            raise Fault(f"{owner}.{name} cannot be made of {shown(given)} ({error}); give {self.help}.") from None


def param(
    default: float | None, low: float, high: float, help: str, *, whole: bool = False, may_be_none: bool = False
) -> Any:
    """Declare a parameter: default (None for none), least and largest value, and a line of help."""
    value, least, most = math.inf if default is None else as_float(default), as_float(low), as_float(high)
    if math.isnan(value) or not least <= most:
        raise Fault(
            f"param({shown(default)}, {shown(low)}, {shown(high)}) must have a default (or None), a least and a largest value, in this "
            f"order; correct it."
        )
    return Param(value, least, most, help, bool(whole), bool(may_be_none) or default is None)


def option(default: Any, help: str, parse: Callable[[Any], Any] = str, *, table: bool = False) -> Any:
    """Declare a setting that is no number; `parse` makes it from what a user gives, often a string.

    With `table` it is a table: the path of one is then read, and `parse` given an `engine.tables.table.Table`.
    """
    return Option(default, help, parse, table)


@dataclass(frozen=True)
class Channel:
    """A group of event kinds that a strategy hears as one.

    Attributes
    ----------
    kinds : the kinds of events; empty for all
    value : what an event adds to the pressure: its ``"strength"``, or ``"signed"``, strength times stance
    role : whether entries or exits follow from its events; an entry's order goes by its oldest event of role ``"enter"`` or
        ``"both"``, and the ledger names these events
    """

    kinds: tuple[str, ...] = ()
    value: Literal["strength", "signed"] = "strength"
    role: Literal["enter", "leave", "both"] = "both"

    def __post_init__(self) -> None:
        if isinstance(self.kinds, str) or not all(isinstance(kind, str) for kind in self.kinds):
            raise Fault(
                f"Channel.kinds is {self.kinds!r}, allowed is a tuple of kinds of events; write ({self.kinds!r},)."
            )
        for kind in self.kinds:
            check_name(kind, "Channel.kinds")
        _one_of("Channel.value", self.value, ("strength", "signed"))
        _one_of("Channel.role", self.role, ("enter", "leave", "both"))


@dataclass(frozen=True)
class Feature:
    """A price feature that a rule asks for, known from the last closes known when it decides.

    Attributes
    ----------
    what : ``"average"`` of the last `window` closes, ``"change"`` over `window` bars, ``"deviation"`` of `window` returns,
        ``"close"`` itself (no window)
    window : bars, or the name of the parameter that gives them
    """

    what: Literal["average", "change", "deviation", "close"]
    window: str | int = 1

    def __post_init__(self) -> None:
        _one_of("Feature.what", self.what, ("average", "change", "deviation", "close"))
        if not isinstance(self.window, str):
            bars = as_float(self.window)
            if not (bars >= 1 and bars.is_integer()):
                raise Fault(
                    f"Feature.window must be a whole number of bars from 1, or a parameter's name (got {shown(self.window)}); give one."
                )
            object.__setattr__(self, "window", int(bars))


def _one_of(where: str, value: Any, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise Fault(
            f"{where} holds {value!r}{did_you_mean(value, allowed)}, allowed are {', '.join(allowed)}; name one of them."
        )


def _check_declared(cls: type[Strategy]) -> None:
    """Refuse a class whose declarations contradict themselves or each other."""
    _one_of(f"{cls.__name__}.watch", cls.watch, ("events", "held", "always"))
    for where, kind in (("channels", Channel), ("features", Feature)):
        found = getattr(cls, where)
        if not isinstance(found, Mapping) or not all(isinstance(v, kind) for v in found.values()):
            raise Fault(
                f"{cls.__name__}.{where} is {found!r}, allowed is a dict of names and {kind.__name__}(...); write one."
            )
    asked = [
        *cls.parameters,
        *cls.channels,
        *(f"{c}_new" for c in cls.channels),
        *cls.features,
        *cls.traits,
        *ACCOUNT_NAMES,
    ]
    for name in asked:
        if not name.isidentifier() or iskeyword(name):
            raise Fault(
                f"{cls.__name__} declares {name!r}, allowed are names that a rule's argument can have; rename it."
            )
        if asked.count(name) > 1:
            raise Fault(
                f"{cls.__name__} declares {name!r} twice, allowed is one meaning for what a rule asks for; rename one."
            )
    for name in (*cls.parameters, *cls.options):
        if name in SWEEP_NAMES:
            raise Fault(
                f"{cls.__name__} declares {name!r}, which is an argument of every sweep, allowed are other names; rename it."
            )
    for name, declared in cls.parameters.items():
        declared.check(cls.name(), name, declared.default)
    for name, feature in cls.features.items():
        window = feature.window
        if isinstance(window, str) and window not in cls.parameters:
            known = list(cls.parameters)
            raise Fault(
                f"{cls.__name__}.features[{name!r}] names the window {window!r}{did_you_mean(window, known)}, "
                f"allowed are {', '.join(known)}; name one."
            )
        if isinstance(window, str) and (not cls.parameters[window].whole or cls.parameters[window].may_be_none):
            raise Fault(
                f"{cls.__name__}.{window} is the window of a feature, allowed is a parameter of whole bars and not none; "
                f"declare whole=True."
            )


def switch(value: Any) -> bool:
    """Parse a switch: true or false, also as a word."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return str(value).lower() in ("true", "yes", "on", "1")
    raise Fault(f"a switch must be true or false (got {shown(value)}); give one of them; a sweep may have both.")


def _weights(value: Any) -> tuple[str, ...]:
    """Parse the columns by which strength is weighed: a list of them, or one string with commas; none for none."""
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "none", "off")):
        return ()
    names = symbols(value)
    for name in names:
        _one_of("weigh", name, WEIGHTS)
        if names.count(name) > 1:
            raise Fault(f"weigh must name each column once (got {name!r} twice); leave one of them out.")
    return names


class Strategy:
    """Base of all strategies: named parameters and one scalar rule. Make one by subclassing; see the module's text.

    Every strategy has the exits of the account (`hold`, `stop`, `trail`, `take`), which the account carries out by itself, and
    the `half_life` by which the pressure of its channels decays. It hears the events that are at least as sure as `min_confidence`,
    their strength multiplied by the columns in `weigh`.
    """

    channels: ClassVar[Mapping[str, Channel]] = {}
    features: ClassVar[Mapping[str, Feature]] = {}
    traits: ClassVar[tuple[str, ...]] = ()
    watch: ClassVar[Literal["events", "held", "always"]] = "always"
    reverses: bool = False
    refresh: bool = option(False, "whether a same-way signal restarts the clock of the time exit", switch)
    min_confidence: float = option(
        0.0, "the least confidence, 0 to 1, of the events that are heard", partial(share, name="min_confidence")
    )
    weigh: tuple[str, ...] = option((), f"columns that strength is multiplied by, of {', '.join(WEIGHTS)}", _weights)

    hold: float = param(None, 1, 1e6, "bars after which a position is closed", whole=True)
    stop: float = param(None, 1e-6, 1e3, "adverse move from the entry price at which a position is closed")
    trail: float = param(
        None, 1e-6, 1e3, "adverse move from the best price since the entry at which a position is closed"
    )
    take: float = param(None, 1e-6, 1e3, "gain on the entry price at which a position is closed")
    half_life: float = param(10, 1e-3, 1e6, "bars in which the pressure of an event halves")

    parameters: ClassVar[dict[str, Param]]
    options: ClassVar[dict[str, Option]]
    rule: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls) -> None:
        for name, value in vars(cls).items():
            if isinstance(value, (Param, Option)) and callable(getattr(Strategy, name, None)):
                raise Fault(
                    f"{cls.__name__}.{name} is a method of every strategy, allowed are other names; rename the parameter."
                )
            if isinstance(value, Param) and isinstance(vars(Strategy).get(name), Option):
                raise Fault(
                    f"{cls.__name__}.{name} is an option of every strategy, so it must be declared by option(...) (got a param); rename it."
                )
        declared: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            declared.update({k: v for k, v in vars(base).items() if isinstance(v, (Param, Option)) or k in declared})
        cls.parameters = {k: v for k, v in declared.items() if isinstance(v, Param)}
        cls.options = {k: v for k, v in declared.items() if isinstance(v, Option)}
        _check_declared(cls)

    def __init__(self, **settings: Any) -> None:
        cls = type(self)
        known = [*cls.parameters, *cls.options]
        for name in settings:
            if name not in known:
                raise Fault(
                    f"{cls.name()}.{name} is no parameter{did_you_mean(name, known)}; known are {', '.join(known)}."
                )
        for name, declared in cls.parameters.items():
            value = settings.get(name, declared.default)
            setattr(self, name, declared.check(cls.name(), name, value) if name in settings else value)
        for name, setting in cls.options.items():
            setattr(
                self, name, setting.value(cls.name(), name, settings[name]) if name in settings else setting.default
            )

    @classmethod
    def name(cls) -> str:
        """The strategy's name in snake case: ShortBubbleWarning is short_bubble_warning."""
        return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(cls.__name__))

    @classmethod
    def story(cls) -> str:
        """The first line of the docstring, as plain words."""
        return (inspect.getdoc(cls) or "").split("\n", 1)[0].replace("`", "")

    def settings(self) -> dict[str, Any]:
        """Every parameter and option by name."""
        return {name: getattr(self, name) for name in (*self.parameters, *self.options)}

    def __repr__(self) -> str:
        changed = {k: v for k, v in self.settings().items() if v is not (self.parameters | self.options)[k].default}
        shown = {k: v for k, v in changed.items() if v != (self.parameters | self.options)[k].default}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"

    # What a strategy may change of how it is run; `assets` are the market's symbols, sorted.

    def touched(self, events: pl.DataFrame, assets: Sequence[str]) -> pl.DataFrame:
        """Return `events` with the list of assets that each touches for this strategy; here, those that it names."""
        return events

    def trait_values(self, assets: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Return for each name in `traits` one number an asset."""
        return {}

    def managed(self, assets: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether hold, stop, trail and take apply to each asset."""
        return np.ones(len(assets), np.bool_)

    def judged(self, assets: Sequence[str]) -> npt.NDArray[np.int64]:
        """The order in which the assets are judged at a bar."""
        return np.arange(len(assets), dtype=np.int64)

    @classmethod
    def allows(cls, values: Mapping[str, Any]) -> Any:
        """Which parameter sets make sense together; `values` holds a number or an array (lane,) for each parameter."""
        return True

    def table(self, market: Market) -> pl.DataFrame | None:
        """Return what the strategy hears in place of events: event_id, kind, strength, stance, known_at, bar, asset (index)."""
        return None

    def check(self, market: Market, events: Events | None) -> None:
        """Refuse a market or events that the strategy cannot work with; here, no events where it listens to some."""
        if self.channels and self.table(market) is None:
            refuse_no_events(self, events)


def symbols(value: Any) -> tuple[str, ...]:
    """Parse symbols: a list of them, or one string with commas."""
    parts = value.split(",") if isinstance(value, str) else list(value)
    return tuple(part.strip() for part in parts if part.strip())
