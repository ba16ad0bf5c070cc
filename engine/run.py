"""The result of one backtest: ledger, equity, metrics; saved to a folder and loaded from it."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

from engine.account import Account
from engine.event_table import OPTIONAL, SCHEMA, completed
from engine.events import Events
from engine.faults import Fault
from engine.files import staged
from engine.fingerprint import fingerprint
from engine.ledger import ORDERS, TRADES, Ledger
from engine.legible import numeral
from engine.market import Market
from engine.marks import Kind, mark
from engine.path import AccountPath
from engine.strategy import Strategy

_NO_EVENTS = pl.DataFrame(schema=SCHEMA)
_MADE = ("orders", "trades", "equity")
_FRAMES = (*_MADE, "events", "unplaced")
#: What has to be in run.json, and in the tables.
_INFO = {"strategy", "story", "parameters", "account", "initial_cash", "market", "inputs", "tocsin", "metrics"}
_COLUMNS = {
    "orders": tuple(ORDERS), "trades": tuple(TRADES), "unplaced": ("event_id", "reason"),
    "events": tuple(name for name in SCHEMA if name not in OPTIONAL),  # the others came later
    "equity": ("time", "session", "equity", "cash", "long", "short", "drawdown", "benchmark", "spy"),
}  # fmt: skip
#: What `Run.write` writes.
FILES: dict[str, Kind] = {"run.json": "run", **{f"{name}.parquet": "run table" for name in _FRAMES}}


class Metrics(pl.DataFrame):
    """A table of polars that is printed whole, with numbers to eight digits and without powers of ten."""

    def __str__(self) -> str:
        with pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, fmt_str_lengths=100):
            return str(self._legible())

    __repr__ = __str__

    def _repr_html_(self, **options: Any) -> str:
        with pl.Config(tbl_rows=-1):
            return super()._repr_html_(**options)

    def _legible(self) -> pl.DataFrame:
        texts = {
            name: [None if v is None else numeral(v, 8) for v in self[name]]
            for name in self.select(pl.col(pl.Float64)).columns
        }
        widest = max((len(text) for column in texts.values() for text in column if text), default=0)
        padded = {name: [text and text.rjust(widest) for text in column] for name, column in texts.items()}
        return pl.DataFrame({name: padded.get(name, self[name]) for name in self.columns})


@dataclass(frozen=True, eq=False)
class Run:
    """The result of one backtest. Its tables of orders, trades and equity are made when they are first asked for.

    Attributes
    ----------
    orders : polars, every order in the order of the fills, and every refused entry with its side and reason
    trades : polars, one row a position, by time of entry; an open one at its last mark, without an exit time
    equity : polars, one row a bar: time, session, equity, cash, long, short, drawdown; benchmark, what the initial cash would
        be worth in equal parts of all assets of the market, bought at their first closes and held (`engine.buy_and_hold`);
        spy, the same of SPY alone, null where the market has none
    metrics : by name; None where a metric has no value (a ratio with nothing to divide by)
    info : strategy, parameters, account, market, version: what the run was made from
    events : the events that the run was made from, for the evidence behind a trade
    unplaced : events that could not be acted on, and why
    market : the bars, where the run was made in this process; not written, so None in one that was read
    """

    metrics: dict[str, float | None]
    info: dict[str, Any]
    events: pl.DataFrame
    unplaced: pl.DataFrame
    _make: Mapping[str, Callable[[], pl.DataFrame]] = field(repr=False)
    market: Market | None = field(default=None, repr=False)

    @classmethod
    def made(
        cls,
        strategy: Strategy,
        market: Market,
        account: Account,
        ledger: Ledger,
        path: AccountPath,
        metrics: dict[str, float],
        cash: float,
        unplaced: pl.DataFrame,
        events: Events | None,
        borrow: pl.DataFrame | None,
    ) -> Run:
        """Put a run together from what a walk left."""
        info = {
            "strategy": strategy.name(),
            "story": strategy.story(),
            "parameters": {k: _plain(v) for k, v in strategy.settings().items()},
            "meanings": {k: declared.help for k, declared in (strategy.parameters | strategy.options).items()},
            "account": account.settings(),
            "initial_cash": cash,
            "market": {
                **market.metadata, "assets": list(market.assets), "bars": len(market.opens), "calendar": market.calendar,
                "interval": market.interval, "first": str(market.sessions[0]), "last": str(market.sessions[-1]),
                "findings": len(market.findings),
            },
            "inputs": {
                "prices": market.fingerprint, "events": events.fingerprint if events else None,
                "borrow": fingerprint(borrow) if borrow is not None else None,
            },
            "tocsin": version(),
            "versions": {
                "python": platform.python_version(), **{name: version(name) for name in ("numpy", "numba", "polars")},
            },
        }  # fmt: skip
        nulled = {k: (v if math.isfinite(v) else None) for k, v in metrics.items()}
        frame = events.frame if events else _NO_EVENTS.clone()
        make: dict[str, Callable[[], pl.DataFrame]]
        make = {"orders": ledger.orders, "trades": ledger.trades, "equity": partial(path.equity, market, cash)}
        return cls(nulled, info, frame, unplaced.clone(), make, market)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Every order; see the class."""
        return self._make["orders"]()

    @cached_property
    def trades(self) -> pl.DataFrame:
        """One row a position; see the class."""
        return self._make["trades"]()

    @cached_property
    def equity(self) -> pl.DataFrame:
        """One row a bar; see the class."""
        return self._make["equity"]()

    def summary(self) -> pl.DataFrame:
        """Return the metrics as a table of metric and value; printed, it shows all of them."""
        return Metrics(
            {"metric": list(self.metrics), "value": list(self.metrics.values())},
            {"metric": pl.String, "value": pl.Float64},
        )

    def write(self, folder: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write run.json, orders, trades, equity, events and unplaced (Parquet) into a folder, whole or not at all.

        Parameters
        ----------
        folder
            Made where it is not there. Files of these names are replaced where they are an earlier run's; others stay.
        force
            Replace any other files of these names, too.

        Raises
        ------
        Fault
            Where `folder` cannot be made or written, or holds a file of these names that is not ours.
        Failure
            Where the disk is full, or fails.
        """
        target = Path(folder)
        with staged(target, FILES, "folder", force=force) as fresh:
            for name in _FRAMES:
                getattr(self, name).write_parquet(fresh / f"{name}.parquet", metadata=mark("run table"))
            body = json.dumps({**self.info, "metrics": self.metrics}, indent=2, allow_nan=False)
            (fresh / "run.json").write_text(body + "\n", encoding="utf-8")
        return target

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Run:
        """Read a folder that `write` made."""
        source = Path(folder)
        if not (source / "run.json").is_file():
            raise Fault(
                f"{source} holds no run.json, allowed is a folder that `tocsin backtest` wrote; name one, or run it again."
            )
        try:
            info = json.loads((source / "run.json").read_text(encoding="utf-8"))
            frames: dict[str, Any] = {name: pl.read_parquet(source / f"{name}.parquet") for name in _FRAMES}
            _check_parts(info, frames)
            frames["events"] = completed(frames["events"])
            metrics, make = info.pop("metrics"), {name: frames.pop(name).clone for name in _MADE}
        except (OSError, ValueError, KeyError, pl.exceptions.PolarsError) as error:
            raise Fault(
                f"{source} cannot be read as a run ({str(error).splitlines()[0]}); run `tocsin backtest` again."
            ) from None
        return cls(metrics=metrics, info=info, _make=make, **frames)

    def report(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write one self-contained HTML page; see `engine.report.write_report`."""
        from engine.report import write_report  # noqa: PLC0415 - jinja2 is only loaded for a report

        return write_report(self, Path(path), force=force)

    def to_vectorbt(self, market: Market | None = None) -> Any:
        """Return a `vectorbt.Portfolio` of the same orders, for its plots and statistics; see `engine.interop`."""
        from engine.interop import to_vectorbt  # noqa: PLC0415 - vectorbt is slow to load, and may be absent

        return to_vectorbt(self, market)


def _check_parts(info: Any, frames: Mapping[str, pl.DataFrame]) -> None:
    """Raise a ValueError where a run's folder holds something else under the names of a run's files."""
    missing = _INFO - info.keys() if isinstance(info, dict) else _INFO
    if missing:
        raise ValueError(f"run.json lacks {min(missing)!r}")
    for name, columns in _COLUMNS.items():
        lacking = [column for column in columns if column not in frames[name].columns]
        if lacking:
            raise ValueError(f"{name}.parquet lacks the column {lacking[0]!r}")


@cache
def version(distribution: str = "tocsin") -> str:
    """Version of an installed distribution."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


def _plain(value: Any) -> Any:
    """Make a parameter fit for JSON: none in place of infinity, lists for tuples, count and hash for a table."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, pl.DataFrame):
        return f"a table of {len(value)} rows, {fingerprint(value)[:16]}"
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
