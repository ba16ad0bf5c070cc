"""The grid that a job file asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.constraint import Constraint, expression
from engine.faults import Fault
from engine.grid import Grid, axis_of, drawn, refuse_twice, spaced
from engine.guess import did_you_mean
from engine.jobs.mistakes import Mistakes, toml
from engine.jobs.settings import GridSection
from engine.parameter_table import read_sets
from engine.sources import Sampling
from engine.strategy import Strategy
from engine.tables.table import Style

_SPAN, _BETWEEN, _EITHER = ("from", "to", "count"), ("from", "to", "log"), ("from", "to", "count", "log")


@dataclass(frozen=True)
class GridPlan:
    """What a grid is made of, so that another machine makes the same; see `Grid.of`."""

    values: dict[str, Any]
    table: pl.DataFrame | None
    where: str | None
    sample: Sampling | None
    lanes: int | None
    seed: int

    def make(self, strategy: type[Strategy]) -> Grid:
        """Make the grid."""
        return Grid.of(
            strategy, self.values, self.table, self.where, sample=self.sample, lanes=self.lanes, seed=self.seed
        )


def plan_grid(
    given: GridSection,
    strategy: type[Strategy] | None,
    seed: int,
    folder: Path,
    wrong: Mistakes,
    said: Mapping[str, Any],
    style: Style,
) -> tuple[GridPlan, Grid] | None:
    """Check what a job says of its grid, each part by itself and then the whole; None where something is wrong, which is then noted.

    Parameters
    ----------
    strategy : None where it could not be found
    folder : that paths start from
    said : the section as it stands in the file; what of it is not in `given` is wrong, and noted already
    style : how the texts of its table are written
    """
    whole = given.model_fields_set == set(said)
    fits = whole and _fits(given, wrong)
    told = ("kind" not in said or "kind" in given.model_fields_set) and given.kind != "table"
    values = _values(given, given.kind if told else None, strategy, wrong)
    table = _table(given.table, folder, wrong, style)
    swept = given.parameters if table is None else table.columns
    known = (
        whole
        and strategy
        and (table is not None or not given.table)
        and set(given.parameters) <= set(strategy.parameters)
    )
    fits = _where_fits(given.where, swept if known else None, wrong) and fits
    if strategy is None or not (fits and known) or len(values) < len(given.parameters):
        return None
    sample = _sample(given)
    plan = GridPlan(values, table, given.where, sample, given.lanes, seed)
    with wrong.at("grid", "where" if given.where else "table" if given.table else "parameters"):
        return plan, plan.make(strategy)
    return None


def _sample(given: GridSection) -> Sampling | None:
    return given.kind if given.kind in ("random", "sobol") else None


def _values(given: GridSection, kind: str | None, strategy: type[Strategy] | None, wrong: Mistakes) -> dict[str, Any]:
    """Check each parameter by itself, and give those that are right; `kind` is None where it is not known."""
    values: dict[str, Any] = {}
    for name, listed in given.parameters.items():
        with wrong.at("grid", "parameters", name):
            found = _listed(name, listed, kind)
            axis = axis_of(strategy, name, found) if strategy else None
            if strategy and kind == "product" and isinstance(axis, np.ndarray):
                refuse_twice(strategy, name, axis)
            values[name] = found
    return values


def _table(name: str | None, folder: Path, wrong: Mistakes, style: Style) -> pl.DataFrame | None:
    """Read the table of a grid; None where there is none, or it cannot be read."""
    if name is not None:
        with wrong.at("grid", "table"):
            return read_sets(folder / name, "grid.table", style)
    return None


def _where_fits(where: str | None, names: Iterable[str] | None, wrong: Mistakes) -> bool:
    """Check a condition by itself; `names` are the swept parameters, None where they are not known for sure."""
    if where is None:
        return True
    with wrong.at("grid", "where"):
        if names is None:
            expression(where)
        else:
            Constraint(where, names)
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
    if given.kind == "table" and given.parameters:
        told.append(
            (
                "parameters",
                "grid.parameters is given beside a table, allowed is one of the two; make them columns of it.",
            )
        )
    if given.kind != "table" and not given.parameters:
        told.append(("kind", "grid.parameters is missing, needed is one parameter or more; add [grid.parameters]."))
    for key, sentence in told:
        wrong.add(("grid", key), sentence)
    return not told


def _listed(name: str, given: Any, kind: str | None) -> Any:
    """Make values, or in a sample a range, of what a job says of one parameter; a range, too, where its kind is not known."""
    if not isinstance(given, dict):
        return given
    shown = f"grid.parameters.{name} is {toml(given)}"
    known = _EITHER if kind is None else _SPAN if kind == "product" else _BETWEEN
    for key in given:
        if key not in known:
            raise Fault(
                f"grid.parameters.{name} has {key!r}{did_you_mean(key, known)}, allowed are {', '.join(known)}; rename it."
            )
    low, high, number = given.get("from"), given.get("to"), given.get("count")
    if not isinstance(low, int | float) or not isinstance(high, int | float) or bool in (type(low), type(high)):
        raise Fault(f"{shown}, allowed is {{from = 1, to = 40}} with two numbers; correct it.")
    if number is not None and type(number) is not int:
        raise Fault(
            f"grid.parameters.{name} has the count {toml(number)}, allowed is a whole number, 2 or more; correct it."
        )
    if known is _BETWEEN or (known is _EITHER and number is None and low != high):
        return drawn(low, high, given.get("log") is True, f"{shown}, which")
    return spaced(low, high, number, f"{shown}, which")
