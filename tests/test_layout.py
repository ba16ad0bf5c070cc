"""The layout of a market is kept for the next backtest on it, and for nothing else."""

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Account, Events, Market, Run, arrays, backtest
from strategies import ShortBubbleWarning

RULE = ShortBubbleWarning(hold=20, stop=0.15)
EVENTS = Events.sample()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Account]:
    """The accounts for which a market is laid out from now on."""
    arrays._LAST.clear()
    accounts: list[Account] = []
    lay_out = arrays.lay_out

    def counted(market: Market, account: Account, borrow: pl.DataFrame | None = None) -> arrays.Layout:
        accounts.append(account)
        return lay_out(market, account, borrow)

    monkeypatch.setattr(arrays, "lay_out", counted)
    return accounts


def same(run: Run, other: Run) -> bool:
    return run.metrics == other.metrics and all(
        getattr(run, name).equals(getattr(other, name)) for name in ("orders", "trades", "equity")
    )


def test_a_market_is_laid_out_once(made: list[Account]) -> None:
    market = Market.sample()
    first = backtest(RULE, market, EVENTS)
    assert same(first, backtest(RULE, market, EVENTS, Account()))
    assert not same(first, backtest(ShortBubbleWarning(hold=5), market, EVENTS))
    assert len(made) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"fill": "close"},
        {"borrow_rate": 0.5},
        {"cash_rate": 0.04},
        {"debit_rate": 0.5},
        {"initial": 0.9},
        {"cash": 1e5},
    ],
)
def test_another_account_has_its_own(changed: dict[str, Any], made: list[Account]) -> None:
    market, account = Market.sample(), replace(Account(), **changed)
    alone = backtest(RULE, market, EVENTS, account)
    plain = backtest(RULE, market, EVENTS)
    assert same(backtest(RULE, market, EVENTS, account), alone)
    assert same(backtest(RULE, market, EVENTS), plain)
    assert len(made) == 4
    assert len(arrays._LAST) == 1


def test_other_borrow_rates_have_their_own(made: list[Account]) -> None:
    market = Market.sample()
    tables = [
        pl.DataFrame({"asset": list(market.assets), "session": [str(market.sessions[0])] * 26, "rate": [rate] * 26})
        for rate in (0.1, 0.9, 0.9)
    ]
    cheap, dear, again = (backtest(RULE, market, EVENTS, borrow=table) for table in tables)
    assert len(made) == 2
    assert same(dear, again)
    assert (cheap.metrics["total_borrow"] or 0) * 5 < (dear.metrics["total_borrow"] or 0)
    assert backtest(RULE, market, EVENTS).metrics["total_borrow"] != dear.metrics["total_borrow"]


def test_it_goes_with_its_market_and_with_the_next(made: list[Account]) -> None:
    market, other = Market.sample(), Market.sample()
    backtest(RULE, market, EVENTS)
    backtest(RULE, other, EVENTS)
    assert list(arrays._LAST) == [other]
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None
    assert not arrays._LAST
    assert len(made) == 2


def test_one_that_is_large_for_the_machine_is_not_kept(made: list[Account], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "memory_of_machine", lambda: 1e6)
    market = Market.sample()
    assert same(backtest(RULE, market, EVENTS), backtest(RULE, market, EVENTS))
    assert len(made) == 2


def test_nothing_writes_to_it(made: list[Account]) -> None:
    market = Market.sample()
    backtest(RULE, market, EVENTS)
    before = [array.copy() for array in arrays._LAST[market][1]]
    backtest(RULE, market, EVENTS)
    for array, was in zip(arrays._LAST[market][1], before, strict=True):
        np.testing.assert_array_equal(array, was)
    assert len(made) == 1
