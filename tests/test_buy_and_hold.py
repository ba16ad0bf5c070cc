"""The yardstick beside every run, worked out by hand."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from engine import Account, Market, backtest
from engine.buy_and_hold import buy_and_hold
from strategies import Signals

FIRST = dt.date(2025, 1, 6)


def market(rows: dict[str, list[float | None]], dividends: dict[tuple[str, int], float] | None = None) -> Market:
    """A 24/7 market of closes; None is no bar."""
    paid = dividends or {}
    frame = pl.DataFrame(
        [
            {
                "asset": asset,
                "date": FIRST + dt.timedelta(days=i),
                **dict.fromkeys(("open", "high", "low", "close"), price),
                "dividend": paid.get((asset, i), 0.0),
            }
            for asset, prices in rows.items()
            for i, price in enumerate(prices)
            if price is not None
        ]
    )
    return Market.from_frame(frame, calendar="24/7", accept=["unadjusted_split"])


def test_equal_parts_bought_at_the_first_close_and_held() -> None:
    # 500 in A: 50 shares at 10. 500 in B: 25 shares at 20. Worth 50 A + 25 B, without rebalancing.
    held = buy_and_hold(market({"A": [10.0, 20.0, 5.0], "B": [20.0, 20.0, 40.0]}), 1000.0)
    assert held.tolist() == [1000.0, 1500.0, 1250.0]


def test_a_late_listing_waits_as_cash_and_a_hole_keeps_the_last_close() -> None:
    # B's 500 stay 500 until bar 2, where 50 shares are bought at 10; A has no bar at bar 1 and stays at 500.
    held = buy_and_hold(market({"A": [10.0, None, 20.0, 20.0], "B": [None, None, 10.0, 11.0]}), 1000.0)
    assert held == pytest.approx([1000.0, 1000.0, 1500.0, 1550.0], abs=1e-9)


def test_dividends_after_the_purchase_are_kept_as_cash() -> None:
    # 100 shares at 10. The dividend of bar 0 goes to who held before; that of bar 1, 0.5 a share, is 50 of cash from then on.
    told = market({"A": [10.0, 9.5, 19.0]}, {("A", 0): 3.0, ("A", 1): 0.5})
    assert buy_and_hold(told, 1000.0) == pytest.approx([1000.0, 1000.0, 1950.0], abs=1e-9)


def test_one_asset_alone() -> None:
    held = buy_and_hold(market({"A": [10.0, 20.0], "B": [20.0, 10.0]}), 1000.0, ["B"])
    assert held.tolist() == [1000.0, 500.0]


@pytest.mark.parametrize("kind", ["portfolio", "columns"])
def test_a_run_carries_it_beside_its_equity(kind: str) -> None:
    prices = market({"A": [10.0, 20.0], "SPY": [20.0, 30.0]})
    nothing = Signals(signals=pl.DataFrame({"asset": ["A"], "session": [FIRST], "weight": [0.0]}))
    run = backtest(nothing, prices, None, Account(cash=100.0, kind=kind))
    cash = 100.0 if kind == "portfolio" else 200.0  # one account an asset, each with the full cash
    assert run.equity["benchmark"].to_list() == pytest.approx([cash, cash * 1.75])  # half doubled, half grew by a half
    assert run.equity["spy"].to_list() == pytest.approx([cash, cash * 1.5])


def test_a_market_without_spy_has_none() -> None:
    nothing = Signals(signals=pl.DataFrame({"asset": ["A"], "session": [FIRST], "weight": [0.0]}))
    run = backtest(nothing, market({"A": [10.0, 20.0]}))
    assert run.equity["spy"].null_count() == 2
    assert run.equity["spy"].dtype == pl.Float64


def test_it_equals_what_the_account_earns_without_costs_on_one_asset() -> None:
    # The account may buy nothing but what its cash covers: a weight of 1 at the close, no costs, no margin.
    prices = market({"A": [10.0, 12.0, 9.0, 15.0]}, {("A", 2): 0.25})
    table = pl.DataFrame({"asset": ["A"], "session": [FIRST], "weight": [1.0]})
    free = Account(fill="close", slippage=0.0, fee_rate=0.0, debit_rate=0.0)
    run = backtest(Signals(signals=table), prices, None, free)
    np.testing.assert_allclose(run.equity["equity"], run.equity["benchmark"], rtol=1e-12)
