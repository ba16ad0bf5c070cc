"""What the parameters that were chosen on some sessions earn on those that come after."""

from __future__ import annotations

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
from kernels.metrics import metrics

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


def judged(walker: Walker, period: int, lane: int) -> tuple[pl.DataFrame, dict[str, float | None]]:
    """Walk one lane on from the sessions that chose it through those that judge it, in float64.

    The account walks from the period's first session, so that averages and the pressure of news are warm when the test begins.
    What it holds then was opened in the purged sessions, which the choice never saw.

    Returns
    -------
    path
        Of the test alone: time, session, equity from the account's cash on, held.
    metrics
        Of that path.
    """
    work, of = walker.work, walker.work.periods[period]
    assert of.test
    first, last = of.test
    market = work.market.select(start=of.first, end=last)
    run = backtest(walker.lanes(period).made(lane), market, work.events, work.account, borrow=work.borrow)
    tested = run.equity["session"].to_numpy() >= np.datetime64(first)
    start = int(np.argmax(tested))
    worth = run.equity["equity"].to_numpy()
    path = run.equity.select(
        "time",
        "session",
        equity=pl.col("equity") / worth[start - 1] * work.account.cash,
        held=((pl.col("long") != 0) | (pl.col("short") != 0)).cast(pl.Float64),
    )[start:]
    test = work.market.select(start=first, end=last)
    return path, path_metrics(test, work.account, path["equity"].to_numpy(), path["held"].to_numpy())


def idle(walker: Walker, period: int) -> pl.DataFrame:
    """Return the path of an account that does nothing on the sessions of a test."""
    of = walker.work.periods[period]
    assert of.test
    market = walker.work.market.select(start=of.test[0], end=of.test[1])
    return pl.DataFrame(
        {
            "time": pl.Series(market.opens).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            "session": pl.Series(market.sessions).cast(pl.Date),
            "equity": np.full(market.opens.size, walker.work.account.cash),
            "held": np.zeros(market.opens.size),
        }
    )


def stitched(walker: Walker, paths: list[pl.DataFrame]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Put the tests of all folds one after the other, each starting from what the one before left.

    Returns
    -------
    equity
        time, session, fold, equity, drawdown.
    metrics
        Of the whole path.
    """
    cash, worth, parts = walker.work.account.cash, walker.work.account.cash, []
    for fold, path in enumerate(paths):
        parts.append(path.with_columns(equity=pl.col("equity") / cash * worth, fold=pl.lit(fold)))
        worth = float(parts[-1]["equity"][-1])
    whole = pl.concat(parts)
    market = walker.work.market.select(start=whole["session"][0], end=whole["session"][-1])
    found = path_metrics(market, walker.work.account, whole["equity"].to_numpy(), whole["held"].to_numpy())
    peak = pl.max_horizontal(pl.col("equity").cum_max(), pl.lit(cash))
    return whole.select("time", "session", "fold", "equity", drawdown=1 - pl.col("equity") / peak), found
