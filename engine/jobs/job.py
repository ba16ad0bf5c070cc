"""A job: what a job file asks for, read, checked and hashed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.account import Account
from engine.clock import parse_delay
from engine.compile import source
from engine.events import Events
from engine.faults import Fault
from engine.grid import Grid, axis_of
from engine.guess import did_you_mean
from engine.jobs.grids import GridPlan, plan_grid
from engine.jobs.meaning import strategy_parts
from engine.jobs.mistakes import Mistakes, read_toml
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
)
from engine.jobs.tables import read_borrow
from engine.lanes import Precision
from engine.market import Market
from engine.registry import find_strategy, script_of
from engine.strategy import Strategy
from kernels.metrics import METRICS

_SECTIONS = ("market", "events", "strategy", "grid", "account", "keep", "splits", "run")
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
        for name in data:
            if name not in _SECTIONS:
                guess = did_you_mean(name, _SECTIONS)
                wrong.add(
                    (name,), f"[{name}] is no section of a job{guess}, allowed are {', '.join(_SECTIONS)}; rename it."
                )
        sections = {name: wrong.section(name, data) for name in _SECTIONS if name != "account"}
        job = _Reading(path, wrong, data, order).job(**sections)
        wrong.refuse()
        assert job is not None
        return job


class _Reading:
    """Resolves the sections of one file; what it cannot, it notes and leaves out."""

    def __init__(self, path: Path, wrong: Mistakes, data: Mapping[str, Any], order: Sequence[str]) -> None:
        self.path, self.wrong, self.data, self.folder, self.order = path, wrong, data, path.absolute().parent, order

    def job(
        self,
        market: MarketSection | None,
        events: EventsSection | None,
        strategy: StrategySection | None,
        grid: GridSection | None,
        keep: KeepSection | None,
        splits: SplitsSection | None,
        run: RunSection | None,
    ) -> Job | None:
        keep, run = keep or KeepSection.model_validate({}), run or RunSection.model_validate({})
        account = self._account()
        prices, borrow = self._prices(market) if market else (None, None)
        heard = self._events(events) if events else None
        name, kind, code, options = self._strategy(strategy, run.precision) if strategy else ("", None, {}, {})
        planned = (
            plan_grid(self._ordered(grid), kind, run.seed, self.folder, self.wrong, self.data["grid"]) if grid else None
        )
        self._keep(keep, planned[1] if planned else None)
        if not (prices and kind and planned):
            return None
        plan, sets = planned
        periods: tuple[Period, ...] = ()
        with self.wrong.at("splits"):
            longest = sessions_held(_longest(kind, options, sets), prices.sessions)
            periods = periods_of(splits, np.unique(prices.sessions), longest)
        with self.wrong.at("strategy"):
            first = {k: float(v[0]) for k, v in sets.values(np.zeros(1, np.int64)).items()}
            made = kind(**{**options, **first})
            for period in (
                periods if heard or "events" not in self.data else ()
            ):  # what could not be heard is said already
                made.check(prices.select(start=period.first, end=period.last), heard)
        self.wrong.refuse()
        settings = {name: self.data.get(name, {}) for name in _SECTIONS}
        assert account
        parts = {
            **data_parts(prices, heard, borrow),
            **strategy_told(code, kind),
            **setting_parts({name: getattr(made, name) for name in kind.options}, account, keep, splits, run),
            **grid_parts(plan, {name: axis_of(kind, name, listed) for name, listed in plan.listed.items()}),
            **code_parts(),
        }
        return Job(
            self.path, name, kind, options, prices, heard, borrow, account, plan, sets, periods, keep, run,
            _chunk(run, sets), _plain(settings), parts, code,
        )  # fmt: skip

    def _ordered(self, grid: GridSection) -> GridSection:
        """Return the grid with its parameters in the order in which they number the lanes."""
        if not self.order or set(grid.parameters) != set(self.order):
            return grid
        return grid.model_copy(update={"parameters": {name: grid.parameters[name] for name in self.order}})

    def _account(self) -> Account | None:
        given = self.data.get("account", {})
        if not isinstance(given, dict):
            self.wrong.add(("account",), "account is no section, allowed is [account]; write it so.")
            return None
        good = {}
        for name, value in given.items():
            with self.wrong.at("account", name):
                if isinstance(value, (list, dict)):
                    raise Fault(f"account.{name} is {value!r}, allowed is one value; give one.")
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
            prices = Market.read(path, calendar=market.calendar)
        if prices and (market.assets or market.start or market.end):
            key = "assets" if market.assets else "start" if market.start else "end"
            with self.wrong.at("market", key):
                prices = prices.select(market.assets, market.start, market.end)
        if market.borrow:
            with self.wrong.at("market", "borrow"):
                borrow = read_borrow(self.folder / market.borrow, "market.borrow")
        return prices, borrow

    def _events(self, events: EventsSection) -> Events | None:
        found = delay = None
        with self.wrong.at("events", "table"):
            found = Events.read(self.folder / events.table)
        with self.wrong.at("events", "delay"):
            delay = parse_delay(events.delay)
        return None if found is None or delay is None else found.delayed(delay)

    def _strategy(
        self, given: StrategySection, precision: Precision
    ) -> tuple[str, type[Strategy] | None, dict[str, str], dict[str, Any]]:
        """Find the strategy, what its code means, and its options."""
        path, wanted = script_of(given.name)
        name = str((self.folder / path).absolute()) + (f":{wanted}" if wanted else "") if path else given.name
        kind, code, options = None, {}, {}
        with self.wrong.at("strategy", "name"):
            kind = find_strategy(name)
            code = strategy_parts(kind)  # before anything of it has run, which may leave traces in its globals
            source(kind, precision)
        for key, value in given.options.items() if kind else ():
            assert kind
            with self.wrong.at("strategy", "options", key):
                options[key] = self._option(kind, key, value)
        return name, kind, code, options

    def _option(self, kind: type[Strategy], key: str, value: Any) -> Any:
        """Parse one option, so that a table of signals is read once and goes wherever the job goes."""
        if key in kind.parameters:
            raise Fault(
                f"strategy.options.{key} is a parameter, allowed are options; write it in [grid.parameters], where one value will do."
            )
        if key in kind.options and isinstance(value, str) and value.endswith((".csv", ".parquet")):
            value = str(self.folder / value)
        return getattr(kind(**{key: value}), key)

    def _keep(self, keep: KeepSection, grid: Grid | None) -> None:
        for key in ("by", "metrics"):
            for name in getattr(keep, key):
                if name not in METRICS:
                    allowed = ", ".join(METRICS)
                    self.wrong.add(
                        ("keep", key),
                        f"keep.{key} names {name!r}{did_you_mean(name, METRICS)}, allowed are {allowed}; name one of them.",
                    )
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


def _longest(kind: type[Strategy], options: Mapping[str, Any], grid: Grid) -> float:
    """Bars that a position can last at most: the greatest time exit, unless signals restart its clock."""
    made = kind(**options)
    if made.refresh:
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
