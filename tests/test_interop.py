"""Runs as vectorbt portfolios: the same orders, and the same equity where vectorbt knows of all that moves it."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Account, Events, Failure, Fault, Market, Run, backtest
from strategies import NarrativePressure, ShortBubbleWarning, Signals

FREE = {"borrow_rate": 0.0, "debit_rate": 0.0}


@pytest.fixture(scope="module")
def sample() -> Market:
    """The simulated market without dividends, which are no orders."""
    real = Market.sample()
    frame = real.frame.with_columns(dividend=pl.lit(0.0))
    return Market.build(frame, real.opens, real.sessions, real.findings, real.metadata)


@pytest.mark.parametrize("kind", ["portfolio", "columns"])
@pytest.mark.parametrize("fill", ["open", "close"])
def test_orders_and_equity_are_those_of_the_run(sample: Market, kind: Any, fill: Any) -> None:
    pytest.importorskip("vectorbt")
    run = backtest(NarrativePressure(half_life=3), sample, Events.sample(), Account(kind=kind, fill=fill, **FREE))
    portfolio = run.to_vectorbt()
    filled = run.orders.filter(status="filled")
    assert len(portfolio.orders.records) == filled.height > 40
    value = portfolio.value()
    total = value if kind == "portfolio" else value.sum(axis=1)
    np.testing.assert_allclose(total.to_numpy(), run.equity["equity"], rtol=1e-12)
    records = portfolio.orders.records
    assert records["fees"].sum() == pytest.approx(filled["commission"].sum())
    assert records["side"].sum() == (filled["side"] == "SELL").sum()  # OrderSide.Sell is 1
    assert list(portfolio.wrapper.columns) == list(sample.assets)
    assert portfolio.wrapper.index[0] == run.equity["time"][0]
    assert len(portfolio.trades.records) == run.trades.height


def test_several_orders_in_one_bar_and_bars_that_are_missing() -> None:
    pytest.importorskip("vectorbt")
    # Long at bar 1, reversed at bar 2 (two orders), no bar at 3, stopped at bar 4: short at 100, stop at 110, which
    # opens at 120.
    first = dt.date(2025, 1, 6)
    prices = [100.0, 100.0, 100.0, None, 120.0, 120.0]
    rows = [
        {"asset": "A", "date": first + dt.timedelta(days=i), **dict.fromkeys(("open", "high", "low", "close"), price)}
        for i, price in enumerate(prices)
        if price is not None
    ]
    market = Market.from_frame(pl.DataFrame(rows), calendar="24/7")
    days = [first + dt.timedelta(days=i) for i in (1, 2)]
    table = pl.DataFrame({"asset": ["A", "A"], "session": days, "weight": [0.5, -0.5]})
    run = backtest(Signals(signals=table, stop=0.1), market, None, Account(**FREE))
    assert run.orders["reason"].to_list() == ["ENTRY", "SIGNAL", "ENTRY", "STOP"]
    portfolio = run.to_vectorbt()
    assert portfolio.orders.records["idx"].tolist() == [1, 2, 2, 4]
    np.testing.assert_allclose(portfolio.value().to_numpy(), run.equity["equity"], rtol=1e-12)


def test_what_is_no_order_is_the_whole_difference(sample: Market) -> None:
    pytest.importorskip("vectorbt")
    run = backtest(ShortBubbleWarning(threshold=0.1), Market.sample(), Events.sample())
    apart = run.equity["equity"][-1] - run.to_vectorbt().value().iloc[-1]
    interest = run.metrics["interest_earned"] - run.metrics["interest_owed"]
    assert apart == pytest.approx(run.trades["carry"].sum() + run.trades["dividends"].sum() + interest, abs=1e-6)
    assert abs(apart) > 100


def test_a_run_that_was_read_wants_its_market(sample: Market, tmp_path: Path) -> None:
    pytest.importorskip("vectorbt")
    made = backtest(ShortBubbleWarning(), sample, Events.sample())
    run = Run.read(made.write(tmp_path / "run"))
    with pytest.raises(Fault, match="market is missing"):
        run.to_vectorbt()
    with pytest.raises(Fault, match="whose prices are not those that the run was made from"):
        run.to_vectorbt(Market.sample())
    assert run.to_vectorbt(sample).value().iloc[-1] == made.to_vectorbt().value().iloc[-1]


def test_without_vectorbt_there_is_a_remedy(sample: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    run = backtest(ShortBubbleWarning(), sample, Events.sample())
    monkeypatch.setitem(sys.modules, "vectorbt", None)
    with pytest.raises(Failure, match=r"pip install 'tocsin\[vectorbt\]'"):
        run.to_vectorbt()
