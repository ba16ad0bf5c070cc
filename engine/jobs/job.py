"""A job: what a job file asks for, read, checked and hashed."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import math
import platform
import sys
from collections.abc import Mapping
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
from engine.fingerprint import fingerprint
from engine.grid import Grid
from engine.guess import did_you_mean
from engine.jobs.grids import GridPlan, plan_grid
from engine.jobs.mistakes import Mistakes, read_toml
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
from engine.market import Market
from engine.registry import find_strategy
from engine.run import version
from engine.silence import tell_silence
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
    parts : hashes of all that the result depends on, by what it is
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

    @property
    def fingerprint(self) -> str:
        """One hash of all that the result depends on."""
        return hash_of(self.parts)

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
    def read(cls, path: Path) -> Job:
        """Read a job file and all that it names.

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
        job = _Reading(path, wrong, data).job(**sections)
        wrong.refuse()
        assert job is not None
        return job


class _Reading:
    """Resolves the sections of one file; what it cannot, it notes and leaves out."""

    def __init__(self, path: Path, wrong: Mistakes, data: Mapping[str, Any]) -> None:
        self.path, self.wrong, self.data, self.folder = path, wrong, data, path.absolute().parent

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
        name, kind, options = self._strategy(strategy) if strategy else ("", None, {})
        planned = plan_grid(grid, kind, run.seed, self.folder, self.wrong, self.data["grid"]) if grid else None
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
            if heard is not None or "events" not in self.data:  # what could not be read is said already
                for period in periods:
                    made.check(prices.select(start=period.first, end=period.last), heard)
                tell_silence(made, prices, heard)
        self.wrong.refuse()
        settings = {name: self.data.get(name, {}) for name in _SECTIONS}
        assert account
        parts = {
            "prices": hash_of([prices.fingerprint, prices.calendar, prices.interval]),
            "borrow rates": fingerprint(borrow) if borrow is not None else "",
            "events": heard.fingerprint if heard else "",
            "strategy's source": hash_of([source(kind, run.precision), *_sources(kind)]),
            "strategy's options": hash_of({name: getattr(made, name) for name in kind.options}),
            "account": hash_of(account.settings()),
            "grid": hash_of(
                [list(plan.values.items()), plan.table, plan.where, plan.sample, plan.lanes, plan.sample and plan.seed]
            ),
            "what is kept": hash_of(keep.model_dump(mode="json")),
            "splits": hash_of([repr(period) for period in periods]),
            "precision": run.precision,
            "chunk": str(_chunk(run, sets)),
            "code": code_version(),
            "versions": hash_of(versions()),
        }
        return Job(
            self.path, name, kind, options, prices, heard, borrow, account, plan, sets, periods, keep, run,
            _chunk(run, sets), _stable(settings), parts,
        )  # fmt: skip

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

    def _strategy(self, given: StrategySection) -> tuple[str, type[Strategy] | None, dict[str, Any]]:
        script, dot, wanted = given.name.partition(".py")
        name = str((self.folder / f"{script}.py").absolute()) + wanted if dot else given.name
        kind, options = None, {}
        with self.wrong.at("strategy", "name"):
            kind = find_strategy(name)
        for key, value in given.options.items() if kind else ():
            assert kind
            with self.wrong.at("strategy", "options", key):
                options[key] = self._option(kind, key, value)
        return name, kind, options

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


# Hashes


def code_version() -> str:
    """Hash of the sources of engine/ and kernels/."""
    digest = hashlib.sha256()
    for package in ("engine", "kernels"):
        spec = importlib.util.find_spec(package)
        root = Path(str(spec.submodule_search_locations[0])) if spec and spec.submodule_search_locations else None
        for path in sorted(root.rglob("*.py")) if root else ():
            digest.update(f"{package}/{path.relative_to(root or path)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of what the bits of a result depend on."""
    names = ("llvmlite", "numba", "numpy", "polars", "pyarrow")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: version(name) for name in names},
    }


def _sources(kind: type[Strategy]) -> list[str]:
    """Return the texts of the files that a strategy's classes are written in; those of engine/ are in the code's version."""
    texts = []
    for cls in kind.__mro__:
        if not issubclass(cls, Strategy) or cls is Strategy:
            continue
        try:
            texts.append(inspect.getsource(sys.modules[cls.__module__]))
        except (OSError, TypeError, KeyError):
            texts.append(inspect.getsource(cls))
    return texts


def hash_of(value: Any) -> str:
    """Hash of a value of JSON, tables among it."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=_stable).encode()).hexdigest()


def _stable(value: Any) -> Any:
    """Make a value fit for JSON, the same wherever it is made."""
    if isinstance(value, Mapping):
        return {str(k): _stable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_stable(v) for v in value]
    if isinstance(value, pl.DataFrame):
        return fingerprint(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
