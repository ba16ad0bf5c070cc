"""The account against vectorbt 1.2, where the rules of both coincide: 100 seeds, every order and every bar's equity.

Where they coincide, with ``kind="columns"``, ``fill="close"``, no carry and no margin that binds:

- An order decided at a bar fills at the bar's close: a buy at ``close * (1 + slippage)``, a sale at
  ``close * (1 - slippage)``.
- Its commission is ``fee_rate`` of the notional after slippage.
- Equity is cash plus shares at the close; a short adds its proceeds to the cash.

Where they do not, and what the tests do about it:

- Size. Ours is ``weight * equity / fill price``. vectorbt's ``targetpercent`` divides by the close before slippage, so
  it is handed ``weight / (1 +- slippage)``; its ``percent`` of a signal keeps the commission inside the percentage, so
  it is handed ``weight * (1 + fee_rate)``. Both are the same number of shares.
- A reversal is two orders of ours with two commissions, sized by one equity; it is one order of vectorbt's, for the
  sum of the shares. Price and total commission are the same, for the commission is proportional; with a minimum an
  order they would not be.
- A same-way target while holding: we keep the position, vectorbt's targets rebalance it. It is handed no target there.
- vectorbt has no borrow fees, no interest, no margin and no ruin: rates are 0 here, weights stay below 1, and no order
  is clipped, refused or forced.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from engine import Account, Market, Run, backtest
from strategies import Signals

SEEDS, BARS = 100, 250
FEES, SLIPPAGE, CASH = 0.0013, 0.0007, 10_000.0
ACCOUNT = Account(
    cash=CASH,
    kind="columns",
    fill="close",
    slippage=SLIPPAGE,
    fee_rate=FEES,
    borrow_rate=0.0,
    debit_rate=0.0,
    initial=0.0,
)

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Random:
    """100 random columns: closes (bar, seed), and the weights signalled, NaN where nothing is; 0 is an exit."""

    market: Market
    close: Matrix
    told: Matrix


@pytest.fixture(scope="module")
def drawn() -> Random:
    close, told = np.empty((BARS, SEEDS)), np.full((BARS, SEEDS), np.nan)
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)
        close[:, seed] = 100 * np.exp(np.cumsum(random.normal(0, 0.02, BARS)))
        weight = random.choice([-1, 1], BARS) * random.uniform(0.05, 0.75, BARS)
        leaves = random.random(BARS) < 0.3
        speaks = random.random(BARS) < random.uniform(0.05, 0.5)
        told[speaks, seed] = np.where(leaves, 0.0, weight)[speaks]
    dates = pl.Series(np.datetime64("2024-01-01") + np.arange(BARS)).cast(pl.Date)
    long = pl.concat(
        pl.DataFrame(
            {
                "asset": [f"S{seed:03d}"] * BARS,
                "date": dates,
                **{k: close[:, seed] for k in ("open", "high", "low", "close")},
            }
        )
        for seed in range(SEEDS)
    )
    return Random(Market.from_frame(long, calendar="24/7"), close, told)


def ours(drawn: Random, reverses: bool) -> tuple[list[Run], Run]:
    """The run of each column by itself, and that of all of them at once."""
    bar, seed = np.nonzero(np.isfinite(drawn.told))
    table = pl.DataFrame(
        {
            "asset": np.array(drawn.market.assets)[seed],
            "session": drawn.market.sessions[bar],
            "weight": drawn.told[bar, seed],
        }
    )
    everything = backtest(Signals(signals=table, reverses=reverses), drawn.market, None, ACCOUNT)
    alone = [
        backtest(
            Signals(signals=table.filter(asset=name), reverses=reverses), drawn.market.select([name]), None, ACCOUNT
        )
        for name in drawn.market.assets
    ]
    return alone, everything


def compare(drawn: Random, runs: tuple[list[Run], Run], portfolio: Any) -> int:
    """Hold every order and every bar's equity of our columns against vectorbt's; say how many orders there were."""
    alone, everything = runs
    theirs = portfolio.orders.records
    value = portfolio.value().to_numpy()
    bar_of = {int(t): i for i, t in enumerate(drawn.market.opens)}
    count = 0
    for seed, (name, run) in enumerate(zip(drawn.market.assets, alone, strict=True)):
        assert set(run.orders["reason"]) <= {"ENTRY", "SIGNAL"}, f"{name}: margin binds, which vectorbt does not have"
        mine = (  # the two orders of a reversal are one of vectorbt's
            run.orders.with_columns(
                bar=pl.col("time_filled").dt.timestamp("us").replace_strict(bar_of, return_dtype=pl.Int64)
            )
            .group_by("bar", "side", "price", maintain_order=True)
            .agg(pl.col("shares", "commission").sum())
        )
        expected = theirs[theirs["col"] == seed].sort_values("id")
        assert mine["bar"].to_list() == expected["idx"].to_list(), name
        assert (mine["side"] == "SELL").cast(int).to_list() == expected["side"].to_list(), name
        np.testing.assert_allclose(mine["price"], expected["price"], rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(mine["shares"], expected["size"], rtol=1e-9, err_msg=name)
        np.testing.assert_allclose(mine["commission"], expected["fees"], rtol=1e-9, err_msg=name)
        np.testing.assert_allclose(run.equity["equity"], value[:, seed], rtol=1e-9, err_msg=name)
        count += len(mine)
    assert everything.orders.height == sum(run.orders.height for run in alone)
    np.testing.assert_allclose(everything.equity["equity"], value.sum(axis=1), rtol=1e-9)
    return count


@pytest.fixture(scope="module")
def vectorbt() -> Any:
    return pytest.importorskip("vectorbt")


def test_entries_and_exits_agree_with_vectorbts_signals(drawn: Random, vectorbt: Any) -> None:
    told = drawn.told
    portfolio = vectorbt.Portfolio.from_signals(
        drawn.close, entries=told > 0, exits=told == 0, short_entries=told < 0, short_exits=told == 0,
        size=np.nan_to_num(np.abs(told)) * (1 + FEES), size_type="percent", upon_opposite_entry="close",
        fees=FEES, slippage=SLIPPAGE, init_cash=CASH, freq="D",
    )  # fmt: skip
    orders = compare(drawn, ours(drawn, reverses=False), portfolio)
    assert orders > 20 * SEEDS, "too few orders to mean anything"


def targets(told: Matrix) -> Matrix:
    """What to hand to vectorbt as a target at each bar: NaN where we would keep the position."""
    out = np.full_like(told, np.nan)
    for seed in range(told.shape[1]):
        side = 0.0
        for bar in range(told.shape[0]):
            weight = told[bar, seed]
            if np.isfinite(weight) and np.sign(weight) != side:
                side = np.sign(weight)
                out[bar, seed] = weight / (1 + side * SLIPPAGE)
    return out


def test_reversals_agree_with_vectorbts_targets(drawn: Random, vectorbt: Any) -> None:
    portfolio = vectorbt.Portfolio.from_orders(
        drawn.close,
        size=targets(drawn.told),
        size_type="targetpercent",
        fees=FEES,
        slippage=SLIPPAGE,
        init_cash=CASH,
        freq="D",
    )
    orders = compare(drawn, ours(drawn, reverses=True), portfolio)
    assert orders > 20 * SEEDS, "too few orders to mean anything"
