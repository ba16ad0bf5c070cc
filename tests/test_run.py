"""The result of a backtest: its equity is made when it is asked for, and is then what the account was at every bar."""

import gc
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Account, Events, Market, Run, backtest
from strategies import ShortBubbleWarning, SmaCross

RULE = ShortBubbleWarning(hold=20, stop=0.15)


@pytest.mark.parametrize("kind", ["portfolio", "columns"])
@pytest.mark.parametrize("fill", ["open", "close"])
def test_the_equity_is_what_the_ledger_makes_of_it(kind: Any, fill: Any) -> None:
    market = Market.sample()
    run = backtest(RULE, market, Events.sample(), Account(kind=kind, fill=fill))
    cash = 1_000_000.0 * (len(market.assets) if kind == "columns" else 1)
    assert run.equity["time"].dt.timestamp("us").to_list() == market.opens.tolist()
    assert run.equity["equity"][-1] == run.metrics["final_equity"]
    signed = pl.col("shares") * pl.when(pl.col("side") == "BUY").then(1).otherwise(-1)
    orders = run.orders.filter(status="filled").with_columns(signed=signed)
    closes, held = market.columns().close, np.zeros((len(market.assets), market.opens.size))
    for asset, filled, shares in orders.select("asset", pl.col("time_filled").dt.timestamp("us"), "signed").iter_rows():
        held[market.assets.index(asset), np.searchsorted(market.opens, filled) :] += shares
    held[np.abs(held) < 1e-6] = 0.0
    worth = np.nansum(held * closes, axis=0)  # every asset of the sample has a bar where it is held
    np.testing.assert_allclose(run.equity["long"] + run.equity["short"] * -1, worth, atol=1e-6 * cash)
    np.testing.assert_allclose(run.equity["cash"] + worth, run.equity["equity"], rtol=1e-9)
    peak = np.maximum(np.maximum.accumulate(run.equity["equity"].to_numpy()), cash)
    np.testing.assert_array_equal(run.equity["drawdown"], 1 - run.equity["equity"].to_numpy() / peak)


def test_it_is_made_once_and_outlives_every_other_name_of_the_market() -> None:
    market = Market.sample()
    run, expected = (backtest(RULE, market, Events.sample()) for _ in range(2))
    table = expected.equity
    assert expected.equity is table
    run = replace(run, market=None)
    del market, expected
    gc.collect()
    assert run.equity.equals(table)


def test_it_is_written_read_and_pickled(tmp_path: Path) -> None:
    run = backtest(SmaCross(fast=5, slow=20, weight=0.1), Market.sample())
    fresh = pickle.loads(pickle.dumps(run))
    read = Run.read(run.write(tmp_path / "run"))
    for other in (fresh, read):
        for name in ("orders", "trades", "equity", "events", "unplaced"):
            assert getattr(other, name).equals(getattr(run, name)), name
        assert (other.metrics, other.info) == (run.metrics, run.info)
    assert read.market is None
    assert Run.read(read.write(tmp_path / "again")).equity.equals(run.equity)
