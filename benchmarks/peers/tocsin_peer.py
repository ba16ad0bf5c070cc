"""Tocsin, through its public API."""

from __future__ import annotations

import tempfile
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import jobs
from benchmarks.peers import Answer, Task, spread_out
from engine import Account, Events, Market, backtest, sweep
from strategies import ShortBubbleWarning, Signals, SmaCross

#: The account in which our rules are everybody's: fills at the close, a commission, nothing else.
PLAIN = Account(
    cash=jobs.CASH, fill="close", slippage=0.0, fee_rate=jobs.FEE, borrow_rate=0.0, debit_rate=0.0, initial=0.0
)
_START = np.datetime64("2010-01-01T00:00", "us")

#: Lanes that float64 walks of a job that float32 walks whole.
_EXACT = 20_000


def task(job: Any, variant: str) -> Task:
    """Bring a job into markets, events and parameters."""
    return _task(job, variant)


@singledispatch
def _task(job: Any, precision: str) -> Task:
    raise NotImplementedError(type(job).__name__)


@_task.register
def _dense(job: jobs.Dense, precision: str) -> Task:
    market = minutes(job.close[None, :], "5m")
    slow = job.slow if precision == "float32" else job.slow[:: max(1, job.lanes // 1000)]
    lanes = np.flatnonzero(np.isin(job.pairs(np.arange(job.lanes))[1], slow))

    def run() -> Any:
        return sweep(
            SmaCross, market, None, PLAIN, fast=job.fast, slow=slow, weight=job.weight,
            where=lambda fast, slow: fast < slow, precision=precision,
        )  # fmt: skip

    differs = (
        "" if precision == "float32" else "compares averages in float64, where near ties of float32 fall the other way"
    )
    idiom = f"sweep(SmaCross, ...), {precision}, all metrics"
    return Task(run, lambda found: _swept(found, lanes), lanes.size, idiom, differs)


@_task.register
def _single(job: jobs.Single, precision: str) -> Task:
    market = days(job.close[None, :])
    fast, slow = int(job.fast[0]), int(job.slow[0])

    def run() -> Any:
        return backtest(SmaCross(fast=fast, slow=slow, weight=job.weight), market, None, PLAIN)

    return Task(
        run,
        lambda run: _one(run, np.array([0])),
        1,
        "backtest(SmaCross(...)), prices laid out before: ledger, path, all metrics",
    )


@_task.register
def _narrative(job: jobs.Narrative, precision: str) -> Task:
    market, events = told(job)
    chosen = spread_out(job.lanes, job.lanes if precision == "float32" else _EXACT)
    columns = {name: getattr(job, name)[chosen] for name in ("half_life", "threshold", "hold", "weight")}
    random = np.random.default_rng(7)
    stop, take = random.uniform(0.03, 0.3, job.lanes)[chosen], random.uniform(0.03, 0.4, job.lanes)[chosen]
    limits = {"stop": stop, "take": take} if job.whole else {"stop": [None] * chosen.size, "take": [None] * chosen.size}
    table = pl.DataFrame({**columns, **limits}, schema_overrides=dict.fromkeys(limits, pl.Float64))
    account = Account(cash=jobs.CASH) if job.whole else PLAIN

    def run() -> Any:
        return sweep(ShortBubbleWarning, market, events, account, table=table, precision=precision)

    rules = "the whole account" if job.whole else "the rules that all share"
    return Task(run, lambda found: _swept(found, chosen), chosen.size, f"sweep(..., table=...), {precision}, {rules}")


@_task.register
def _sparse(job: jobs.Sparse, precision: str) -> Task:
    market = minutes(job.close, "1m")
    names, weights = np.array(market.assets), np.repeat([job.weight, 0.0], job.entries.size)
    bars = np.concatenate([job.entries.ravel(), job.exits.ravel()])
    columns = np.tile(np.repeat(np.arange(job.lanes), job.entries.shape[1]), 2)
    # Known a microsecond before the bar opens.
    known = pl.Series(market.opens[bars] - 1).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    signals = pl.DataFrame({"asset": names[columns], "weight": weights, "known_at": known}).sort("known_at")
    account = Account(**{**PLAIN.settings(), "kind": "columns"})

    def run() -> Any:
        return backtest(Signals(signals=signals), market, None, account)

    def answer(run: Any) -> Answer:
        profits = (
            run.trades.group_by("asset").agg(pl.col("net").sum(), trades=pl.col("exit_time").count()).sort("asset")
        )
        return {
            "lane": np.arange(job.lanes),
            "final": jobs.CASH + profits["net"].to_numpy(),
            "trades": profits["trades"].to_numpy(),
        }

    return Task(
        run,
        answer,
        job.lanes,
        'backtest(Signals(...)) in an account of kind "columns", prices laid out before: ledger, path, all metrics',
    )


@_task.register
def _load(job: jobs.Load, precision: str) -> Task:
    folder = tempfile.TemporaryDirectory(prefix="tocsin-bench-")
    path = Path(folder.name) / "prices.parquet"
    write_prices(job, path)

    def run() -> Any:
        return Market.read(path, calendar="XNYS", interval="1d").columns(np.float32)

    return Task(
        run,
        lambda c: matrices(c.open, c.high, c.low, c.close),
        1,
        "Market.read(path).columns(float32)",
        close=folder.cleanup,
    )


@_task.register
def _read(job: jobs.Read, precision: str) -> Task:
    from benchmarks.reader_corpus import write  # noqa: PLC0415
    from engine.reader import read_sources  # noqa: PLC0415

    folder = tempfile.TemporaryDirectory(prefix="tocsin-bench-")
    path = Path(folder.name) / "documents.parquet"
    write(path, job.documents, 0.02, 0.10)

    def run() -> Any:
        return read_sources(path, min_confidence=0)

    idiom = "read_sources(path, min_confidence=0): events with evidence"
    return Task(run, lambda found: {"events": np.array([len(found.events)])}, 1, idiom, close=folder.cleanup)


@_task.register
def _command(job: jobs.Command, precision: str) -> Task:
    from benchmarks.commands import command_task  # noqa: PLC0415

    return command_task(job, "Tocsin")


def days(close: Any) -> Market:
    """A market of daily bars, around the clock, that are nothing but closes."""
    return _market(close, "1d", np.timedelta64(1, "D"))


def minutes(close: Any, interval: str) -> Market:
    """A market of bars of minutes, around the clock, that are nothing but closes."""
    return _market(close, interval, np.timedelta64(int(interval[:-1]), "m"))


def _market(close: Any, interval: str, step: np.timedelta64) -> Market:
    times = pl.Series(_START + np.arange(close.shape[1]) * step).dt.replace_time_zone("UTC")
    frames = [
        pl.DataFrame({"asset": [f"S{i:03d}"] * close.shape[1], "time": times, **{k: row for k in _PRICES}})
        for i, row in enumerate(close)
    ]
    return Market.from_frame(pl.concat(frames), calendar="24/7", interval=interval)


_PRICES = ("open", "high", "low", "close")


def told(job: jobs.Narrative) -> tuple[Market, Events]:
    """Market and events of a narrative job."""
    names = [f"S{i:03d}" for i in range(len(job.close))]
    frames = [
        pl.DataFrame(
            {"asset": [n] * job.sessions.size, "date": job.sessions, **{k: getattr(job, k)[i] for k in _PRICES}}
        )
        for i, n in enumerate(names)
    ]
    market = Market.from_frame(pl.concat(frames), calendar="XNYS", interval="1d", accept=["unadjusted_split"])
    known = pl.Series(market.opens[job.bar] - 3_600_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    table = pl.DataFrame(
        {
            "event_id": [f"e{i:07d}" for i in range(job.bar.size)],
            "kind": np.where(job.relief, "denial", "bubble_warning"),
            "assets": [[names[a] for a in row] for row in job.touched.tolist()],
            "strength": job.strength,
            "published_at": known,
            "known_at": known,
        }
    )
    return market, Events.from_frame(table)


def write_prices(job: jobs.Load, path: Path) -> None:
    """Write the Parquet file of a load job: one row a bar, sorted by asset and time."""
    sessions, prices = jobs.panel(job)
    frame = pl.DataFrame(
        {
            "asset": np.repeat([f"S{i:03d}" for i in range(job.assets)], job.bars),
            "date": np.tile(sessions, job.assets),
            **{name: matrix.ravel() for name, matrix in prices.items()},
        }
    )
    if job.foreign:
        frame.write_parquet(path)
    else:
        Market.from_frame(frame, calendar="XNYS", interval="1d", accept=["unadjusted_split"]).write(path)


def matrices(opens: Any, high: Any, low: Any, close: Any) -> Answer:
    """What is compared of loaded matrices: sums, which move with any value, and places of the extremes."""
    every = (opens, high, low, close)
    return {
        "sum": np.array([m.sum(dtype=np.float64) for m in every]),
        "weighted": np.array([(m.astype(np.float64).ravel() * np.arange(m.size)).sum() for m in every]),
    }


def _swept(found: Any, lanes: Any) -> Answer:
    table = found.table
    return {"lane": lanes, "final": table["final_equity"].to_numpy(), "trades": table["closed_trades"].to_numpy()}


def _one(run: Any, lanes: Any) -> Answer:
    values = (run.metrics["final_equity"], run.metrics["closed_trades"])
    return {"lane": lanes, "final": np.array(values[:1], float), "trades": np.array(values[1:], float)}
