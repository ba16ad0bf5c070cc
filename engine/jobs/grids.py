"""The grid that a job file asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine.faults import Fault
from engine.grid import Grid, between, span
from engine.guess import did_you_mean
from engine.jobs.mistakes import Mistakes, toml
from engine.jobs.settings import GridSection
from engine.jobs.tables import read_table
from engine.sources import Sampling
from engine.strategy import Strategy

_SPAN, _BETWEEN = ("from", "to", "count"), ("from", "to", "log")


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
    given: GridSection, strategy: type[Strategy], seed: int, folder: Path, wrong: Mistakes
) -> GridPlan | None:
    """Check what a job says of its grid; None where something is wrong, which is then noted.

    Parameters
    ----------
    folder : that paths start from
    """
    sample = given.kind if given.kind in ("random", "sobol") else None
    fine = _fits(given, sample, wrong)
    values: dict[str, Any] = {}
    for name, listed in given.parameters.items():
        with wrong.at("grid", "parameters", name):
            found = _listed(name, listed, sample is not None)
            if sample:
                Grid.of(strategy, {name: found}, sample=sample, lanes=1)
            else:
                Grid.of(strategy, {name: found})
            values[name] = found
    fine = fine and len(values) == len(given.parameters)
    table = None
    if given.table:
        with wrong.at("grid", "table"):
            table = read_table(folder / given.table, "grid.table", "one column a parameter")
    if not fine or (given.table and table is None):
        return None
    plan = GridPlan(values, table, given.where, sample, given.lanes, seed)
    with wrong.at("grid", "where" if given.where else "table" if given.table else "parameters"):
        plan.make(strategy)
        return plan
    return None


def _fits(given: GridSection, sample: str | None, wrong: Mistakes) -> bool:
    """Hold the settings of a grid against its kind."""
    told = []
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


def _listed(name: str, given: Any, drawn: bool) -> Any:
    """Make values, or in a sample a range, of what a job says of one parameter."""
    if not isinstance(given, dict):
        return given
    known = _BETWEEN if drawn else _SPAN
    for key in given:
        if key not in known:
            raise Fault(
                f"grid.parameters.{name} has {key!r}{did_you_mean(key, known)}, allowed are {', '.join(known)}; rename it."
            )
    low, high, number = given.get("from"), given.get("to"), given.get("count")
    if not isinstance(low, int | float) or not isinstance(high, int | float) or bool in (type(low), type(high)):
        raise Fault(
            f"grid.parameters.{name} is {toml(given)}, allowed is {{from = 1, to = 40}} with two numbers; correct it."
        )
    if drawn:
        return between(low, high, log=given.get("log") is True)
    if number is not None and type(number) is not int:
        raise Fault(
            f"grid.parameters.{name} has the count {toml(number)}, allowed is a whole number, 2 or more; correct it."
        )
    return span(low, high, number)
