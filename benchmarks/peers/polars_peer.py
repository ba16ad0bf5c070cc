"""Plain polars, without any engine: what a few expressions can do, where no rule depends on the account. And plain pandas, for files."""

from __future__ import annotations

import tempfile
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import jobs
from benchmarks.peers import Answer, Task, rounded_averages, some


def task(job: Any, variant: str) -> Task:
    """Bring a job into frames."""
    return _task(job, variant)


@singledispatch
def _task(job: Any, variant: str) -> Task:
    raise NotImplementedError(type(job).__name__)


@_task.register
def _dense(job: jobs.Dense, variant: str) -> Task:
    lanes = some(job.lanes)
    averages = {str(w): a for w, a in rounded_averages(job).items()}
    frame = pl.DataFrame({"close": job.close, **averages}, nan_to_null=True)
    lazy, pairs = frame.lazy(), list(zip(*(w.tolist() for w in job.pairs(lanes)), strict=True))

    def run() -> Any:
        plans = [_walked(lazy, (pl.col(str(f)) > pl.col(str(s))).fill_null(False), job.weight) for f, s in pairs]
        return pl.concat(pl.collect_all(plans))

    idiom = "one lazy query a lane, collected together: four metrics; averages made before"
    return Task(run, lambda found: _answer(lanes, found), lanes.size, idiom)


@_task.register
def _single(job: jobs.Single, variant: str) -> Task:
    made = _dense(job, variant)
    return Task(made.run, made.answer, 1, "one lazy query: four metrics; averages made before")


@_task.register
def _sparse(job: jobs.Sparse, variant: str) -> Task:
    frames = []
    for i in range(job.lanes):
        # +1 from an entry's bar on, -1 from an exit's: the running sum says whether something is held.
        turns = np.zeros(job.close.shape[1], np.int8)
        turns[job.entries[i]], turns[job.exits[i]] = 1, -1
        frames.append(pl.DataFrame({"close": job.close[i], "turn": turns}).lazy())

    def run() -> Any:
        return pl.concat(pl.collect_all([_walked(f, pl.col("turn").cum_sum() > 0, job.weight) for f in frames]))

    idiom = "one lazy query a column, collected together: four metrics"
    return Task(run, lambda found: _answer(np.arange(job.lanes), found), job.lanes, idiom)


def _walked(frame: pl.LazyFrame, held: pl.Expr, weight: float) -> pl.LazyFrame:
    """Final equity, closed trades, Sharpe ratio and drawdown of being long where `held`, decided and filled at the close.

    An entry buys `weight` of the equity. A trade that is held from close p to close x multiplies the equity by
    1 - w - w * fee + w * x / p * (1 - fee); while it is held, by the same without the last commission.
    """
    close, fee = pl.col("close"), jobs.FEE
    before = pl.col("held").shift(1, fill_value=False)
    grown = 1 - weight - weight * fee + weight * pl.col("reached") * (1 - fee)
    open_ = 1 - weight - weight * fee + weight * pl.col("reached")
    return (
        frame.select("close", held=held)
        .with_columns(enters=pl.col("held") & ~before, leaves=~pl.col("held") & before)
        .with_columns(entry=pl.when("enters").then(close).forward_fill())
        .with_columns(reached=close / pl.col("entry"))
        .with_columns(closed=pl.when("leaves").then(grown).otherwise(1.0).cum_prod())
        .with_columns(equity=jobs.CASH * pl.col("closed") * pl.when("held").then(open_).otherwise(1.0))
        .with_columns(change=pl.col("equity") / pl.col("equity").shift(1, fill_value=jobs.CASH) - 1)
        .select(
            final=pl.col("equity").last(),
            trades=pl.col("leaves").sum(),
            sharpe=pl.col("change").mean() / pl.col("change").std(),
            drawdown=(1 - pl.col("equity") / pl.col("equity").cum_max()).max(),
        )
    )


@_task.register
def _load(job: jobs.Load, variant: str) -> Task:
    from benchmarks.peers.tocsin_peer import matrices, write_prices  # noqa: PLC0415

    folder = tempfile.TemporaryDirectory(prefix="tocsin-bench-")
    path = Path(folder.name) / "prices.parquet"
    write_prices(job, path)
    names = ["open", "high", "low", "close"]

    def with_polars() -> Any:
        frame = pl.read_parquet(path, columns=names)
        return [frame[n].to_numpy().reshape(job.assets, -1).astype(np.float32) for n in names]

    def with_pandas() -> Any:
        import pandas as pd  # noqa: PLC0415

        date = "date" if job.foreign else "session"
        frame = pd.read_parquet(path, columns=["asset", date, *names])
        wide = frame.pivot(index="asset", columns=date, values=names)
        return [wide[n].to_numpy(np.float32) for n in names]

    if variant == "pandas":
        return Task(
            with_pandas,
            lambda m: matrices(*m),
            1,
            "read_parquet, pivot: as for vectorbt; no checks",
            close=folder.cleanup,
        )
    differs = "takes for granted that the file is sorted and has every bar, checks nothing, lays out 4 of 6 matrices"
    return Task(with_polars, lambda m: matrices(*m), 1, f"read_parquet, reshape; {differs}", close=folder.cleanup)


@_task.register
def _read(job: jobs.Read, variant: str) -> Task:
    from benchmarks import reader_corpus as corpus  # noqa: PLC0415

    folder = tempfile.TemporaryDirectory(prefix="tocsin-bench-")
    path = Path(folder.name) / "documents.parquet"
    corpus.write(path, job.documents, 0.02, 0.10)
    names = sorted({name for listed in corpus._NAMES.values() for name in listed})

    def run() -> Any:
        return pl.scan_parquet(path).filter(pl.col("text").str.contains_any(names)).select(pl.len()).collect().item()

    differs = "only counts the documents in which one of 25 names stands: no claims, no evidence, no times"
    return Task(
        run, lambda n: {"documents": np.array([n])}, 1, "scan_parquet, str.contains_any", differs, close=folder.cleanup
    )


@_task.register
def _command(job: jobs.Command, variant: str) -> Task:
    from benchmarks.commands import command_task  # noqa: PLC0415

    return command_task(job, "polars")


def _answer(lanes: Any, found: Any) -> Answer:
    return {"lane": lanes, "final": found["final"].to_numpy(), "trades": found["trades"].to_numpy().astype(float)}
