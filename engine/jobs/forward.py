"""What the parameters that were chosen on some sessions earn on those that come after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.account import Account
from engine.arrays import bars_per_year, years_of
from engine.backtest import backtest
from engine.compile import path_gatherer
from engine.jobs.work import Walker
from engine.market import Market
from engine.objective import Objective
from kernels.metrics import METRICS, metrics

#: Metrics that a path of equity has by itself.
OF_PATH = (
    "final_equity", "total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "longest_drawdown", "calmar",
    "exposure", "skewness", "excess_kurtosis", "worst_bar",
)  # fmt: skip


def path_metrics(
    market: Market, account: Account, equity: npt.NDArray[np.float64], held: npt.NDArray[np.float64]
) -> dict[str, float | None]:
    """Return the metrics of a path of equity that starts from the account's cash; None where one has no value.

    Parameters
    ----------
    equity, held : (bar,) the worth at each close, and 1 where a position was held
    """
    every, given = np.arange(equity.size), [np.ascontiguousarray(v, np.float64) for v in (equity, held)]
    own = path_gatherer()(account.cash, equity.size, every, *given)
    found = metrics(
        own[:, None], account.cash, equity.size, years_of(market), bars_per_year(market, account), account.cash_rate, given[0]
    )  # fmt: skip
    return {name: float(found[name][0]) if np.isfinite(found[name][0]) else None for name in OF_PATH}


@dataclass(frozen=True)
class Judged:
    """What an account that starts with `cash` is worth at each close of a test: time, session, equity, held."""

    path: pl.DataFrame
    cash: float


def judged(walker: Walker, period: int, lane: int) -> tuple[Judged, dict[str, float | None]]:
    """Walk one lane on from the sessions that chose it through those that judge it, in float64.

    The account walks from the period's first session, so that averages and the pressure of news are warm when the test begins.
    What it holds then was opened in the purged sessions, which the choice never saw.

    Returns
    -------
    judged
        Of the test alone, from the lane's own cash on.
    metrics
        Of that path.
    """
    work, of = walker.work, walker.work.periods[period]
    assert of.test
    first, last = of.test
    market, lanes = work.market.select(start=of.first, end=last), walker.lanes(period)
    account = lanes.account_of(lane)
    run = backtest(lanes.made(lane), market, lanes.events_of(lane), account, borrow=work.borrow)
    tested = run.equity["session"].to_numpy() >= np.datetime64(first)
    start = int(np.argmax(tested))
    worth = run.equity["equity"].to_numpy()
    path = run.equity.select(
        "time",
        "session",
        equity=pl.col("equity") / worth[start - 1] * account.cash,
        held=((pl.col("long") != 0) | (pl.col("short") != 0)).cast(pl.Float64),
    )[start:]
    test = work.market.select(start=first, end=last)
    figures = path_metrics(test, account, path["equity"].to_numpy(), path["held"].to_numpy())
    return Judged(path, account.cash), figures


def figure_of(by: str, metrics: Mapping[str, float | None]) -> float | None:
    """Return the figure by which lanes are ranked, of the metrics of a path; None where these do not have it."""
    values = np.array([[np.nan if metrics.get(name) is None else metrics[name]] for name in METRICS], np.float64)
    figure = float(Objective(by)(values)[0])
    return figure if np.isfinite(figure) else None


def idle(walker: Walker, period: int) -> Judged:
    """Return the path of an account that does nothing on the sessions of a test."""
    of = walker.work.periods[period]
    assert of.test
    market, cash = walker.work.market.select(start=of.test[0], end=of.test[1]), walker.work.account.cash
    path = pl.DataFrame(
        {
            "time": pl.Series(market.opens).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            "session": pl.Series(market.sessions).cast(pl.Date),
            "equity": np.full(market.opens.size, cash),
            "held": np.zeros(market.opens.size),
        }
    )
    return Judged(path, cash)


def stitched(walker: Walker, tests: list[Judged]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Put the tests of all folds one after the other, each starting from what the one before left.

    Returns
    -------
    equity
        time, session, fold, equity, drawdown.
    metrics
        Of the whole path.
    """
    cash, worth, parts = walker.work.account.cash, walker.work.account.cash, []
    for fold, test in enumerate(tests):
        parts.append(test.path.with_columns(equity=pl.col("equity") / test.cash * worth, fold=pl.lit(fold)))
        worth = float(parts[-1]["equity"][-1])
    whole = pl.concat(parts)
    market = walker.work.market.select(start=whole["session"][0], end=whole["session"][-1])
    found = path_metrics(market, walker.work.account, whole["equity"].to_numpy(), whole["held"].to_numpy())
    peak = pl.max_horizontal(pl.col("equity").cum_max(), pl.lit(cash))
    return whole.select("time", "session", "fold", "equity", drawdown=1 - pl.col("equity") / peak), found
