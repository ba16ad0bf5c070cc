"""What the results of a job depend on, part by part: each in words, and as a hash that tells whether it is the same."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.util
import math
import platform
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import polars as pl

from engine.account import Account
from engine.cells import Range
from engine.constraint import expression
from engine.events import Events
from engine.grid import Grid, axis_of
from engine.jobs.grids import GridPlan
from engine.jobs.meaning import hash_of
from engine.jobs.settings import KeepSection, RunSection, SplitsSection
from engine.market import Market
from engine.run import version
from engine.scenarios import Setting
from engine.strategy import Strategy

Parts = dict[str, str]

_AND = " · "  # between what is told of a part and its hash


def data_parts(market: Market, events: Events | None, borrow: pl.DataFrame | None) -> Parts:
    """Return the parts that are tables: by what they hold, not by the files that they are from."""
    first, last = market.sessions[0], market.sessions[-1]
    prices = f"{len(market.assets):,} assets, {first} to {last}, {market.interval} on {market.calendar}"
    found = {"prices": _part(prices, [market.fingerprint, market.calendar, market.interval])}
    if events is not None:
        found["events"] = _part(f"{len(events):,} events", events.frame)
    if borrow is not None:
        ordered = borrow.select(sorted(borrow.columns)).sort(pl.all())
        found["borrow rates"] = _part(f"{borrow.height:,} rates", ordered)
    return found


def setting_parts(
    options: Mapping[str, Any], account: Account, keep: KeepSection, splits: SplitsSection | None, run: RunSection
) -> Parts:
    """Return the parts that are settings, one each."""
    given = {
        "strategy.options": {name: _content(value) for name, value in options.items()},
        "account": account.settings(),
        "keep": keep.model_dump(),
        "splits": splits.model_dump(exclude_defaults=True) if splits else {},
        "run": run.model_dump(exclude={"seed"}),
    }
    return {
        f"{section}.{name}": _part(told(value), value)
        for section, settings in given.items()
        for name, value in settings.items()
    }


def grid_parts(plan: GridPlan, grid: Grid, strategy: type[Strategy]) -> Parts:
    """Return the parts that say which lanes there are, and which number each has."""
    settings = {setting.name: setting for setting in grid.scenarios.settings}
    listed = plan.values if plan.table is None else {n: plan.table[n] for n in plan.table.columns if n not in settings}
    axes = {name: axis_of(strategy, name, given) for name, given in listed.items()}
    found = {"grid.kind": told(plan.sample or ("product" if plan.table is None else "table"))}
    if plan.table is None:
        found |= {f"grid.{_of_options(name, strategy)}": _setting_part(setting) for name, setting in settings.items()}
        found |= {f"grid.parameters.{name}": _part(_axis_told(axis), axis) for name, axis in axes.items()}
        found["order of what is swept"] = _part(", ".join(grid.axes), list(grid.axes))
    else:
        rows = [
            axes,
            [[name, setting.values] for name, setting in settings.items()],
            grid.scenario(np.arange(grid.size)),
        ]
        found["grid.table"] = _part(f"{plan.table.height:,} rows of {', '.join(plan.table.columns)}", rows)
    if plan.where:
        found["grid.where"] = _part(plan.where, expression(plan.where).meta.serialize())
    if plan.sample:
        found |= {"grid.lanes": told(plan.lanes), "run.seed": told(plan.seed)}
    return found


def _of_options(name: str, strategy: type[Strategy]) -> str:
    return f"options.{name}" if name in strategy.options else name


def _setting_part(setting: Setting) -> str:
    return _part(told(setting.shown.to_list()), [_content(value) for value in setting.values])


def code_parts() -> Parts:
    """Return the parts that are tocsin's own code and what it runs on."""
    return {
        "the code of tocsin": version() + _AND + code_version(),
        **{f"version of {name}": found for name, found in versions().items()},
    }


def strategy_told(parts: Mapping[str, str], kind: type[Strategy]) -> Parts:
    """Return the parts of a strategy under the names by which they are told."""
    return {"strategy": kind.name(), **{f"strategy's {name}": _AND + found for name, found in parts.items()}}


def fingerprint_of(parts: Mapping[str, str]) -> str:
    """Return one hash of all parts, in whatever order."""
    return hash_of(sorted(parts.items()))


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say of each part that is another what it was and what it is, where that can be said in words."""
    return [
        _change(name, before.get(name), now.get(name))
        for name in dict.fromkeys((*now, *before))
        if before.get(name) != now.get(name)
    ]


def _change(name: str, before: str | None, now: str | None) -> str:
    was, becomes = (
        None if part is None else part.rpartition(_AND)[0] if _AND in part else part for part in (before, now)
    )
    if was is None:
        return f"{name} (new{f', {becomes}' if becomes else ''})"
    if becomes is None:
        return f"{name} (gone{f', was {was}' if was else ''})"
    return name if was == becomes else f"{name} ({was} -> {becomes})"


def _part(words: str, value: Any) -> str:
    return words + _AND + hash_of(value)


def _content(value: Any) -> Any:
    """Give what a file holds, where an option names one: it may lie elsewhere, and be another under the same name."""
    if isinstance(value, str | Path) and str(value) and Path(value).is_file():
        return Path(value).read_bytes()
    return value


def told(value: Any) -> str:
    """Write a setting for a person, shortened where it is long."""
    shown = _spelled(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _spelled(value: Any) -> str:
    if value is None or (isinstance(value, float) and value == math.inf):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{Decimal(repr(value)):,f}".removesuffix(".0") if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(_spelled, value))) + "}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_spelled(name)} = {_spelled(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, pl.DataFrame):
        return f"a table of {value.height:,} rows"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, str | PurePath | dt.date | dt.timedelta):
        return " ".join(str(value).split())
    return f"of the class {type(value).__name__}"  # what it says of itself may be another each time


def _axis_told(axis: Any) -> str:
    if isinstance(axis, Range):
        return f"from {_spelled(axis.low)} to {_spelled(axis.high)}{', by the logarithm' if axis.log else ''}"
    if axis.size <= 6:
        return told(axis.tolist())
    return f"{axis.size:,} values from {_spelled(float(np.min(axis)))} to {_spelled(float(np.max(axis)))}"


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
