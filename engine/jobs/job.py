"""A job: what a job file asks for, read, checked and hashed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.account import Account
from engine.borrow_table import check_against, read_borrow
from engine.clock import parse_delay
from engine.compile import source
from engine.events import Events
from engine.faults import Fault
from engine.grid import Grid
from engine.guess import did_you_mean
from engine.jobs.grids import Asked, GridPlan, parsed_option, plan_grid, refuse_no_option
from engine.jobs.meaning import strategy_parts
from engine.jobs.mistakes import Mistakes, read_toml, toml
from engine.jobs.parts import code_parts, data_parts, grid_parts, setting_parts, strategy_told
from engine.jobs.periods import Period, periods_of, sessions_held
from engine.jobs.settings import (
    EventsSection,
    GridSection,
    KeepSection,
    MarketSection,
    RunSection,
    SplitsSection,
    StrategySection,
    TablesSection,
)
from engine.market import Market
from engine.objective import Objective, Requirement
from engine.registry import find_strategy, script_of
from engine.remembered import tell_remembered
from engine.scenarios import SWEPT
from engine.silence import tell_silence
from engine.stages import Given
from engine.strategy import Strategy
from engine.tables.table import Style
from kernels.metrics import METRICS

#: Where tables belong that somebody may take for sections.
_TABLES = {"parameters": "[grid.parameters]", "options": "[strategy.options]"}
_SECTIONS = ("market", "events", "strategy", "grid", "account", "keep", "splits", "run", "tables")
#: A chunk is a thousandth of a grid, within these bounds: a kill costs little, and files stay few.
_CHUNKS, _LEAST, _MOST = 1000, 1 << 16, 1 << 22


@dataclass(frozen=True)
class Job:
    """What a job file asks for.

    Attributes
    ----------
    name : of the strategy, as `find_strategy` takes it; a script's path is absolute
    options : of the strategy, parsed
    chunk : lanes a chunk
    parts : all that the result depends on, by what it is, in words and as hashes
    strategy_parts : those of the strategy, which another machine must agree with
    """

    path: Path
    name: str
    strategy: type[Strategy]
    options: dict[str, Any]
    market: Market
    events: Events | None
    borrow: pl.DataFrame | None
    account: Account
    plan: GridPlan
    grid: Grid
    periods: tuple[Period, ...]
    keep: KeepSection
    run: RunSection
    chunk: int
    settings: dict[str, Any]
    parts: dict[str, str]
    strategy_parts: dict[str, str]

    @property
    def fixed(self) -> dict[str, Any]:
        """Every option that is not swept."""
        made = self.strategy(**self.options)
        return {name: getattr(made, name) for name in self.strategy.options if name not in self.grid.axes}

    def on(self, device: str) -> dict[str, str]:
        """Return all that the results depend on where they are made on a kind of device."""
        return {**self.parts, "device": device}

    @property
    def per_period(self) -> int:
        """Chunks a period."""
        return math.ceil(self.grid.size / self.chunk)

    @property
    def chunks(self) -> int:
        """Chunks in all, numbered from 0, period by period."""
        return self.per_period * len(self.periods)

    @property
    def lanes(self) -> int:
        """Lanes in all."""
        return self.grid.size * len(self.periods)

    @classmethod
    def read(cls, path: Path, order: Sequence[str] = ()) -> Job:
        """Read a job file and all that it names.

        Parameters
        ----------
        order : the swept parameters in the order in which they number the lanes, where the job was begun before; the keys of TOML
            have none, so that somebody may have sorted them since

        Raises
        ------
        Fault
            With every mistake that can be found, and its line.
        """
        data, lines = read_toml(path)
        wrong = Mistakes(path, lines)
        reading = _Reading(path, wrong, data, order)
        strategy = reading.strategy(wrong.section("strategy", data))
        for name in data:
            if name not in _SECTIONS:
                wrong.add((name,), _no_section(name, data[name], wrong.home(name)))
        sections = {name: wrong.section(name, data) for name in _SECTIONS if name not in ("account", "strategy")}
        job = reading.job(strategy, **sections)
        wrong.refuse()
        assert job is not None
        return job


@dataclass(frozen=True)
class _Found:
    """A strategy: its name as `find_strategy` takes it, what its code means, and its options, parsed."""

    name: str
    kind: type[Strategy] | None
    code: dict[str, str]
    options: dict[str, Any]

    def settings(self) -> dict[str, Any]:
        """Return every option."""
        made = self.kind(**self.options) if self.kind else None
        return {name: getattr(made, name) for name in self.kind.options} if self.kind else {}


class _Reading:
    """Resolves the sections of one file; what it cannot, it notes and leaves out."""

    def __init__(self, path: Path, wrong: Mistakes, data: Mapping[str, Any], order: Sequence[str]) -> None:
        self.path, self.wrong, self.data, self.folder, self.order = path, wrong, data, path.absolute().parent, order
        self.style = Style()

    def strategy(self, given: StrategySection | None) -> _Found:
        """Find the strategy, what its code means, and its options."""
        if given is None:
            return _Found("", None, {}, {})
        path, wanted = script_of(given.name)
        name = str((self.folder / path).absolute()) + (f":{wanted}" if wanted else "") if path else given.name
        kind, code = None, dict[str, str]()
        with self.wrong.at("strategy", "name"):
            kind = find_strategy(name)
            code = strategy_parts(kind)  # before anything of it has run, which may leave traces in its globals
            source(kind, "float64")  # says what is wrong with its rule
        options = {}
        self.wrong.kind = kind
        for key, value in given.options.items() if kind else ():
            with self.wrong.at("strategy", "options", key):
                refuse_no_option(kind, "strategy.options", key, self.wrong)
                options[key] = parsed_option(kind, key, value, self.folder, self.style)
        return _Found(name, kind, code, options)

    def job(
        self,
        strategy: _Found,
        market: MarketSection | None,
        events: EventsSection | None,
        grid: GridSection | None,
        keep: KeepSection | None,
        splits: SplitsSection | None,
        run: RunSection | None,
        tables: TablesSection | None,
    ) -> Job | None:
        self.style = Style(tables.dates, tables.decimal) if tables else Style()
        keep, run = keep or KeepSection.model_validate({}), run or RunSection.model_validate({})
        account = self._account()
        prices, borrow = self._prices(market) if market else (None, None)
        heard = self._events(events) if events else None
        kind, options = strategy.kind, strategy.options
        planned = plan_grid(self._asked(grid, strategy), self.wrong, run.seed) if grid else None
        self._keep(keep, planned[1] if planned else None)
        if not (prices and kind and planned):
            return None
        plan, sets = planned
        periods: tuple[Period, ...] = ()
        with self.wrong.at("splits"):
            longest = sessions_held(_longest(kind, options, sets), prices.sessions)
            periods = periods_of(splits, np.unique(prices.sessions), longest)
        with self.wrong.at("strategy"):
            if heard is not None or "events" not in self.data:  # what could not be read is said already
                dtype = np.dtype(run.precision)
                given = Given(kind, sets, prices, heard, account or Account(), options, borrow, dtype)
                for first, last in sorted({(p.first, p.last) for p in periods}):
                    replace(given, market=prices.select(start=first, end=last)).check()
                tell_silence(given.made(0), prices, given.events_of(0))
                tell_remembered(given.events)
        self.wrong.refuse()
        settings = {name: self.data.get(name, {}) for name in _SECTIONS}
        assert account
        parts = {
            **data_parts(prices, heard, borrow),
            **strategy_told(strategy.code, kind),
            **setting_parts(strategy.settings(), account, keep, splits, run),
            **grid_parts(plan, sets, kind),
            **code_parts(),
        }
        return Job(
            self.path, strategy.name, kind, options, prices, heard, borrow, account, plan, sets, periods, keep, run,
            _chunk(run, sets), _plain(settings), parts, strategy.code,
        )  # fmt: skip

    def _asked(self, grid: GridSection, strategy: _Found) -> Asked:
        taken = {f"account.{name}": "[account]" for name in self._table("account")}
        taken |= {f"events.{name}": "[events]" for name in self._table("events")}
        taken |= dict.fromkeys(strategy.options, "the options of [strategy]")
        return Asked(grid, self.data["grid"], strategy.kind, self.folder, self.style, taken, self.order)

    def _table(self, name: str) -> Mapping[str, Any]:
        found = self.data.get(name, {})
        return found if isinstance(found, dict) else {}

    def _account(self) -> Account | None:
        given = self.data.get("account", {})
        if not isinstance(given, dict):
            self.wrong.add(("account",), "account is no section, allowed is [account]; write it so.")
            return None
        good = {}
        for name, value in given.items():
            with self.wrong.at("account", name):
                if name not in (setting.name for setting in fields(Account)) and (home := self.wrong.home(name)):
                    raise Fault(f"account.{name} is no setting of the account; move it to {home}.")
                if isinstance(value, (list, dict)):
                    several = "; write several in [grid.account]" if name in SWEPT else ""
                    raise Fault(f"account.{name} must have one value (got {toml(value)}){several or '; give one'}.")
                Account.from_settings({name: value})
                good[name] = float(value) if type(value) is int else value
        if good.get("kind") == "columns":
            self.wrong.add(
                ("account", "kind"), "account.kind is 'columns', allowed in a sweep is 'portfolio'; leave it out."
            )
        return Account.from_settings(good)

    def _prices(self, market: MarketSection) -> tuple[Market | None, pl.DataFrame | None]:
        prices = borrow = None
        with self.wrong.at("market", "prices"):
            path = self.folder / market.prices
            if not path.exists():
                raise Fault(f"market.prices is {market.prices!r}, and {path} does not exist; correct the path.")
            prices = Market.read(path, calendar=market.calendar, dates=self.style.dates, decimal=self.style.decimal)
        if prices and (market.assets or market.start or market.end):
            key = "assets" if market.assets else "start" if market.start else "end"
            with self.wrong.at("market", key):
                prices = prices.select(market.assets, market.start, market.end)
        if market.borrow:
            with self.wrong.at("market", "borrow"):
                borrow = read_borrow(
                    self.folder / market.borrow,
                    dates=self.style.dates,
                    decimal=self.style.decimal,
                    name="market.borrow",
                )
                if prices:
                    check_against(borrow, prices)
        return prices, borrow

    def _events(self, events: EventsSection) -> Events | None:
        found = delay = None
        with self.wrong.at("events", "table"):
            found = Events.read(self.folder / events.table, dates=self.style.dates, decimal=self.style.decimal)
        with self.wrong.at("events", "delay"):
            delay = parse_delay(events.delay)
        return None if found is None or delay is None else found.delayed(delay)

    def _metric(self, key: str, name: str) -> None:
        if name not in METRICS:
            guess, allowed = did_you_mean(name, METRICS), ", ".join(METRICS)
            raise Fault(f"keep.{key} names {name!r}{guess}, allowed are {allowed}; name one of them.")

    def _keep(self, keep: KeepSection, grid: Grid | None) -> None:
        for place, name in enumerate(keep.by):
            with self.wrong.at("keep", "by"):
                if name.isidentifier():
                    self._metric("by", name)
                Objective(name)
                if name in keep.by[:place]:
                    raise Fault(f"keep.by must name each figure once (got {name!r} twice); drop one.")
        for name in keep.metrics:
            with self.wrong.at("keep", "metrics"):
                self._metric("metrics", name)
        if keep.require is not None:
            with self.wrong.at("keep", "require"):
                Requirement(keep.require)
        for pair in keep.heatmaps or ():
            if len(pair) != 2 or pair[0] == pair[-1]:
                self.wrong.add(
                    ("keep", "heatmaps"),
                    f"keep.heatmaps holds {pair}, allowed are pairs of swept parameters; correct it.",
                )
            for name in pair if grid else ():
                if grid and name not in grid.axes:
                    guess = did_you_mean(name, grid.axes)
                    self.wrong.add(
                        ("keep", "heatmaps"),
                        f"keep.heatmaps names {name!r}{guess}, allowed are the swept {', '.join(grid.axes)}; rename it.",
                    )


def _chunk(run: RunSection, grid: Grid) -> int:
    if run.chunk:
        return run.chunk
    wanted = max(grid.size // _CHUNKS, 1)
    return min(max(1 << (wanted - 1).bit_length(), _LEAST), _MOST)


def _no_section(name: str, given: Any, home: str) -> str:
    if isinstance(given, dict) or not home:
        home = _TABLES.get(name, "")
        told = f"write {home}" if home else "rename it"
        guess = "" if home else did_you_mean(name, _SECTIONS)
        return f"[{name}] is no section of a job{guess}, allowed are {', '.join(_SECTIONS)}; {told}."
    return f"{name} stands in no section; move it to {home}."


def _longest(kind: type[Strategy], options: Mapping[str, Any], grid: Grid) -> float:
    """Bars that a position can last at most: the greatest time exit, unless signals restart its clock."""
    made = kind(**options)
    swept = [value for setting in grid.scenarios.settings if setting.name == "refresh" for value in setting.values]
    if any(swept or [made.refresh]):
        return math.inf
    return float(np.max(grid.axes["hold"])) if "hold" in grid.axes else float(made.hold)


def _plain(value: Any) -> Any:
    """Make what TOML holds fit for JSON."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool)) else str(value)
