"""The grid that a job file asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.account import Account
from engine.constraint import Constraint, expression
from engine.faults import Fault
from engine.grid import Grid, axis_of, drawn, refuse_twice, spaced
from engine.guess import did_you_mean
from engine.jobs.mistakes import Mistakes, toml
from engine.jobs.settings import GridSection
from engine.parameter_table import read_sets
from engine.scenarios import SWEPT, Setting
from engine.sources import Sampling
from engine.strategy import Strategy
from engine.tables.formats import ENDINGS
from engine.tables.frames import to_table
from engine.tables.table import Style

#: The tables of [grid] that say what is swept; settings are the outermost axes.
_TABLES = ("account", "options", "events", "parameters")
_SPAN, _BETWEEN, _EITHER = ("from", "to", "count"), ("from", "to", "log"), ("from", "to", "count", "log")


@dataclass(frozen=True)
class GridPlan:
    """What a grid is made of, so that another machine makes the same; see `Grid.of`."""

    values: dict[str, Any]
    settings: dict[str, Any]
    table: pl.DataFrame | None
    where: str | None
    sample: Sampling | None
    lanes: int | None
    seed: int

    def make(self, strategy: type[Strategy]) -> Grid:
        """Make the grid."""
        return Grid.of(
            strategy, self.values, self.table, self.where, sample=self.sample, lanes=self.lanes, seed=self.seed,
            settings=self.settings,
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a job file says of its grid.

    Attributes
    ----------
    given, said : the section, and as it stands in the file; what of it is not in `given` is wrong, and noted already
    strategy : None where it could not be found
    folder : that paths start from
    style : how the texts of its tables are written
    taken : settings that stand in other sections, by name, and in which
    order : what is swept in the order in which it numbers the lanes, where the file was read before
    """

    given: GridSection
    said: Mapping[str, Any]
    strategy: type[Strategy] | None
    folder: Path
    style: Style
    taken: Mapping[str, str]
    order: Sequence[str]

    @property
    def entries(self) -> list[tuple[str, str, Any]]:
        """What is swept: table, key and what is given for it, in order."""
        found = [(table, key, value) for table in _TABLES for key, value in getattr(self.given, table).items()]
        names = [_long(table, key) for table, key, _ in found]
        if sorted(names) != sorted(self.order):
            return found
        return [found[names.index(name)] for name in self.order]


def plan_grid(asked: Asked, wrong: Mistakes, seed: int) -> tuple[GridPlan, Grid] | None:
    """Check what a job says of its grid, each part by itself and then the whole; None where something is wrong, which is then noted."""
    given, strategy, said = asked.given, asked.strategy, asked.said
    whole = given.model_fields_set == set(said)
    fits = whole and _fits(given, wrong)
    told = ("kind" not in said or "kind" in given.model_fields_set) and given.kind != "table"
    values = _values(asked, given.kind if told else None, wrong)
    settings = _settings(asked, wrong)
    table = _table(given.table, asked, wrong)
    complete = len(values) + len(settings) == len(asked.entries)
    known = whole and strategy and (table is not None or not given.table)
    known = known and strategy and set(given.parameters) <= set(strategy.parameters)
    swept = given.parameters if table is None else table.columns
    fits = _where_fits(given.where, swept if known else None, settings, wrong) and fits
    if strategy is None or not (fits and known and complete):
        return None
    named = {name: list(setting.values) for name, setting in settings.items()}
    plan = GridPlan(values, named, table, given.where, _sample(given), given.lanes, seed)
    with wrong.at("grid", "where" if given.where else "table" if given.table else "parameters"):
        return plan, plan.make(strategy)
    return None


def _long(table: str, key: str) -> str:
    """Return the name by which everything but a job file knows what is swept."""
    return key if table in ("options", "parameters") else f"{table}.{key}"


def _sample(given: GridSection) -> Sampling | None:
    return given.kind if given.kind in ("random", "sobol") else None


def _values(asked: Asked, kind: str | None, wrong: Mistakes) -> dict[str, Any]:
    """Check each parameter by itself, and give those that are right; `kind` is None where it is not known."""
    strategy, values = asked.strategy, dict[str, Any]()
    for table, name, listed in asked.entries:
        if table != "parameters":
            continue
        with wrong.at("grid", "parameters", name):
            if strategy and name not in strategy.parameters and (home := wrong.home(name)):
                raise Fault(f"grid.parameters.{name} is no parameter of {strategy.name()}; move it to {home}.")
            found = _listed(f"grid.parameters.{name}", listed, kind)
            axis = axis_of(strategy, name, found) if strategy else None
            if strategy and kind == "product" and isinstance(axis, np.ndarray):
                refuse_twice(strategy, name, axis)
            values[name] = found
    return values


def _settings(asked: Asked, wrong: Mistakes) -> dict[str, Setting]:
    """Check each swept setting by itself, and give those that are right, by their long names."""
    strategy, found = asked.strategy, dict[str, Setting]()
    for table, key, given in asked.entries:
        name = _long(table, key)
        if table == "parameters":
            continue
        with wrong.at("grid", table, key):
            shown = f"grid.{table}.{key}"
            if name in asked.taken:
                raise Fault(f"{shown} is given in {asked.taken[name]} as well, allowed is once; leave one of them out.")
            if strategy is None:
                continue
            setting = _setting(strategy, table, key, _listed(shown, given, "product"), asked, wrong)
            setting.refuse_twice()
            found[name] = setting
    return found


def _setting(strategy: type[Strategy], table: str, key: str, given: Any, asked: Asked, wrong: Mistakes) -> Setting:
    """Check what is given for one setting; options are parsed, so that a table is read once and goes wherever the job goes."""
    if table == "options":
        refuse_no_option(strategy, "grid.options", key, wrong)
        listed = given if isinstance(given, list) else [given]
        return Setting.of(
            strategy, key, [parsed_option(strategy, key, value, asked.folder, asked.style) for value in listed]
        )
    known = SWEPT if table == "account" else ("delay",)
    if key not in known:
        home = "[account], with one value" if key in (of.name for of in fields(Account)) else wrong.home(key)
        guess = "" if home else did_you_mean(key, known)
        told = f"move it to {home}" if home else "rename it"
        raise Fault(f"grid.{table}.{key} cannot be swept{guess}, allowed are {', '.join(known)}; {told}.")
    return Setting.of(strategy, _long(table, key), given)


def refuse_no_option(strategy: type[Strategy], table: str, key: str, wrong: Mistakes) -> None:
    """Refuse what is no option of a strategy, and say where it belongs."""
    if key in strategy.options:
        return
    if key in strategy.parameters:
        raise Fault(
            f"{table}.{key} is a parameter, allowed are options; write it in [grid.parameters], where one value will do."
        )
    home = wrong.home(key)
    guess, told = ("", f"move it to {home}") if home else (did_you_mean(key, strategy.options), "rename it")
    raise Fault(f"{table}.{key} is no option{guess}, allowed are {', '.join(strategy.options)}; {told}.")


def parsed_option(strategy: type[Strategy], key: str, value: Any, folder: Path, style: Style) -> Any:
    """Parse one option; a path starts from the job file's folder, and a table is read once and goes wherever the job goes."""
    if isinstance(value, str):
        if strategy.options[key].table:
            value = to_table(folder / value, key, style)
        elif value.lower().endswith(ENDINGS):
            value = str(folder / value)
    return getattr(strategy(**{key: value}), key)


def _table(name: str | None, asked: Asked, wrong: Mistakes) -> pl.DataFrame | None:
    """Read the table of a grid; None where there is none, or it cannot be read."""
    if name is not None:
        with wrong.at("grid", "table"):
            table = read_sets(asked.folder / name, asked.strategy, "grid.table", asked.style)
            for key, option in (asked.strategy.options if asked.strategy else {}).items():
                if option.table and key in table.columns:
                    raise Fault(
                        f"grid.table must have no column {key} (got one: its cells would be paths of tables); write "
                        f"{key} in [options], or several under [grid.options]."
                    )
            return table
    return None


def _where_fits(
    where: str | None, names: Iterable[str] | None, settings: Mapping[str, Setting], wrong: Mistakes
) -> bool:
    """Check a condition by itself; `names` are the swept parameters, None where they are not known for sure."""
    if where is None:
        return True
    with wrong.at("grid", "where"):
        shown = {name: setting.shown for name, setting in settings.items()}
        if names is None:
            expression(where)
        else:
            Constraint(where, names, shown)
        return True
    return False


def _fits(given: GridSection, wrong: Mistakes) -> bool:
    """Hold the settings of a grid against its kind."""
    told, sample = [], _sample(given)
    if (given.kind == "table") != (given.table is not None):
        told.append(
            ("table", 'grid.table goes with kind = "table", and only with it; add the one, or leave out the other.')
        )
    if (sample is None) != (given.lanes is None):
        told.append(
            ("lanes", 'grid.lanes goes with kind = "random" or "sobol", and only with them; add it, or leave it out.')
        )
    for table in _TABLES:
        if given.kind == "table" and getattr(given, table):
            told.append(
                (
                    table,
                    f"grid.{table} is given beside a table, allowed is one of the two; make them columns of it"
                    f"{', named account.slippage and so on' if table == 'account' else ''}.",
                )
            )
    if given.kind != "table" and not given.parameters:
        told.append(("kind", "grid.parameters is missing, needed is one parameter or more; add [grid.parameters]."))
    for key, sentence in told:
        wrong.add(("grid", key), sentence)
    return not told


def _listed(name: str, given: Any, kind: str | None) -> Any:
    """Make values, or in a sample a range, of what a job says of `name`; a range, too, where its kind is not known."""
    if not isinstance(given, dict):
        return given
    shown = f"{name} is {toml(given)}"
    known = _EITHER if kind is None else _SPAN if kind == "product" else _BETWEEN
    for key in given:
        if key not in known:
            raise Fault(f"{name} has {key!r}{did_you_mean(key, known)}, allowed are {', '.join(known)}; rename it.")
    low, high, number = given.get("from"), given.get("to"), given.get("count")
    if not isinstance(low, int | float) or not isinstance(high, int | float) or bool in (type(low), type(high)):
        raise Fault(f"{shown}, allowed is {{from = 1, to = 40}} with two numbers; correct it.")
    if number is not None and type(number) is not int:
        raise Fault(f"{name} has the count {toml(number)}, allowed is a whole number, 2 or more; correct it.")
    if known is _BETWEEN or (known is _EITHER and number is None and low != high):
        return drawn(low, high, given.get("log") is True, f"{shown}, which")
    return np.array(spaced(low, high, number, f"{shown}, which"))
