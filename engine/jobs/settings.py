"""The sections of a job file, as pydantic checks them; a field's description says what is allowed."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_PATH = "the path of a file, from the job file's folder"


class Section(BaseModel):
    """Base of the sections: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MarketSection(Section):
    """Prices, and which part of them."""

    prices: str = Field(min_length=1, description=f"{_PATH}, or of a folder, of prices")
    borrow: str | None = Field(None, description=f"{_PATH} of asset, session, rate")
    calendar: str | None = Field(None, description='the code of an exchange\'s calendar, such as "XNYS"')
    assets: list[str] | None = Field(None, min_length=1, description="a list of symbols of the market")
    start: dt.date | None = Field(None, description="a date, written 2015-01-02 without quotes")
    end: dt.date | None = Field(None, description="a date, written 2024-12-31 without quotes")


class EventsSection(Section):
    """What the strategy hears."""

    table: str = Field(min_length=1, description=f"{_PATH} of events")
    delay: str = Field("0s", description='a time to add to known_at, such as "15m" or "1d"')


class StrategySection(Section):
    """Whose rule is walked, and what of it is not swept."""

    name: str = Field(
        min_length=1,
        description='the name of an installed strategy, or "path/to/script.py:ClassName" from the job file\'s folder',
    )
    options: dict[str, Any] = Field({}, description="a table of the strategy's options, one value each")


class GridSection(Section):
    """Which parameter sets are walked."""

    kind: Literal["product", "random", "sobol", "table"] = Field("product", description="how the sets are chosen")
    lanes: int | None = Field(None, ge=1, description="a whole number of 1 or more, of random and sobol sets")
    table: str | None = Field(None, description=f"{_PATH} (.csv or .parquet) with one column a parameter")
    where: str | None = Field(
        None, min_length=1, description='a condition on the swept parameters, such as "fast < slow"'
    )
    parameters: dict[str, Any] = Field(
        {}, description="a table of parameters, each a number, a list, or {from = 1, to = 40}"
    )


class KeepSection(Section):
    """What is kept of each lane, and of all of them."""

    top: int = Field(1000, ge=1, le=100_000, description="a whole number from 1 to 100000")
    by: list[str] = Field(
        ["sharpe"], min_length=1, description="a list of metrics, the first of which chooses the winner"
    )
    metrics: list[str] = Field(
        ["sharpe", "total_return", "max_drawdown", "calmar"], min_length=1, description="a list of metrics"
    )
    table: bool = Field(False, description="true, to keep every lane's row, or false")
    heatmaps: list[list[str]] | None = Field(
        None, description='a list of pairs of swept parameters, [["hold", "stop"]]'
    )


class SplitsSection(Section):
    """Which part chooses, and which part judges."""

    in_sample: list[dt.date] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="two dates, [2015-01-02, 2020-12-31], the first and the last session",
    )
    out_of_sample: list[dt.date] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="two dates, [2021-01-04, 2024-12-31], the first and the last session",
    )
    train: int | None = Field(None, ge=2, description="a whole number of sessions, 2 or more")
    test: int | None = Field(None, ge=1, description="a whole number of sessions, 1 or more")
    anchored: bool = Field(False, description="true, so that every fold trains from the first session on, or false")
    purge: int | None = Field(
        None, ge=0, description="a whole number of sessions, 0 or more; left out, the longest possible holding time"
    )
    embargo: int = Field(0, ge=0, description="a whole number of sessions, 0 or more, on top of the purge")


class RunSection(Section):
    """How the lanes are walked."""

    precision: Literal["float32", "float64"] = Field("float32", description="the precision of the walks")
    chunk: int | None = Field(None, ge=64, le=1 << 24, description="a whole number of lanes from 64 to 16777216")
    seed: int = Field(
        0, ge=0, le=2**63 - 1, description="a whole number, 0 or more, that random and sobol sets start from"
    )


class TablesSection(Section):
    """How the texts of the job's tables are written, where a table alone leaves it open."""

    dates: Literal["dmy", "mdy", "ymd"] | None = Field(
        None, description='"dmy", "mdy" or "ymd", the order of dates such as 01/02/2025'
    )
    decimal: Literal[".", ","] | None = Field(None, description='the decimal sign, "." or ","')


#: The sections by name, and what a job needs of them; None where it may do without. [account] is checked by `Account` itself.
SECTIONS: dict[str, tuple[type[Section], str | None]] = {
    "market": (MarketSection, "prices"),
    "events": (EventsSection, None),
    "strategy": (StrategySection, "name"),
    "grid": (GridSection, 'parameters, or kind = "table" and a table'),
    "keep": (KeepSection, None),
    "splits": (SplitsSection, None),
    "run": (RunSection, None),
    "tables": (TablesSection, None),
}
