"""A number is a number, whatever type it comes in: nothing that is made of it follows its type."""

import copy
import datetime as dt
import math
import pickle
from dataclasses import fields, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Account, Feature, Market, Strategy, backtest, between, param, span, sweep
from engine.arrays import lay_out
from engine.faults import Fault
from engine.grid import Grid
from engine.number import as_float
from strategies import ShortBubbleWarning, Signals, SmaCross

#: One and the same number, 2, in every type that it may come in.
TWOS: list[Any] = [
    2, 2.0, np.int8(2), np.uint8(2), np.int16(2), np.int32(2), np.uint64(2), np.int64(2), np.float16(2), np.float32(2), np.float64(2),
    np.longdouble(2), np.array(2), np.array(2, np.float32), np.array(2, object), Decimal(2), Decimal("2.0"), Fraction(4, 2),
]  # fmt: skip
#: What is no number, and numbers that no account takes.
NONE: list[Any] = [
    True, False, np.True_, np.array(True), "2", "", b"2", None, math.nan, np.float32("nan"), Decimal("NaN"), Decimal("sNaN"), 2j,
    np.complex64(2), [2], (2,), np.array([2]), np.array([2.0, 3.0]), {"a": 2}, 10**400, np.timedelta64(2, "D"), dt.timedelta(2),
    np.datetime64("2020-01-01"), pl.Series([2]), object(),
]  # fmt: skip
BEYOND: list[Any] = [
    math.inf,
    -math.inf,
    np.float16("inf"),
    Decimal("Infinity"),
    Decimal("1e999"),
    -2,
    Fraction(-3, 2),
    1e16,
]

DAYS = [dt.date(2024, 1, day) for day in (2, 3, 4, 5, 8, 9, 10, 11, 12, 16)]


@pytest.fixture(scope="module")
def market() -> Market:
    """Ten bars at 100."""
    hundred = dict.fromkeys(("open", "high", "low", "close"), [100.0] * 10)
    return Market.from_frame(pl.DataFrame({"asset": "QQX", "date": DAYS, **hundred}), calendar="XNYS")


#: Half of the equity sold on the second bar, and a rate of 36 % a year from the first on.
SHORT = pl.DataFrame({"asset": ["QQX"], "session": [DAYS[1]], "weight": [-0.5]})
RATES = pl.DataFrame({"asset": ["QQX"], "session": [DAYS[0]], "rate": [0.36]})
#: 500 shares at 100, 102 % of their value, 13 days from the 3rd to the 16th: 500 * 100 * 1.02 * 0.36 * 13 / 360.
DUE = 663.0


@pytest.mark.parametrize(
    "base",
    [0.0, 0, 1, False + 0, *(type(two)(0) for two in TWOS if isinstance(two, np.generic)), Decimal(0), Fraction(0)],
)
def test_the_type_of_the_borrow_rate_cuts_no_rate_of_a_table(base: Any, market: Market) -> None:
    account = Account(slippage=0.0, fee_rate=0.0, cash=100_000, borrow_rate=base)
    assert backtest(Signals(signals=SHORT), market, None, account, borrow=RATES).trades["carry"][0] == pytest.approx(
        -DUE
    )
    # and whatever came before on this market, the next account has its own fees
    again = Account(slippage=0.0, fee_rate=0.0, cash=100_000.0, borrow_rate=0.0)
    assert backtest(Signals(signals=SHORT), market, None, again, borrow=RATES).trades["carry"][0] == pytest.approx(-DUE)
    assert lay_out(market, account, RATES).price.dtype == np.float64


@pytest.mark.parametrize("base", [0, np.int64(0), np.float16(0), Decimal(0)])
def test_a_sweep_pays_the_fees_of_the_table_too(base: Any, market: Market) -> None:
    account = Account(slippage=0.0, fee_rate=0.0, cash=100_000, borrow_rate=base)
    swept = sweep(Signals, market, None, account, signals=SHORT, borrow=RATES, hold=[100, 200], precision="float64")
    assert swept.table["total_borrow"].to_list() == pytest.approx([DUE, DUE])


NUMBERS = [setting.name for setting in fields(Account) if setting.name not in ("kind", "fill")]
#: A value that fits each number of the account, and is 0.5 in any type: 0.5 is exact in all of them.
HALVES: list[Any] = [
    0.5,
    np.float16(0.5),
    np.float32(0.5),
    np.longdouble(0.5),
    np.array(0.5),
    Decimal("0.5"),
    Fraction(1, 2),
]


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_of_the_account_is_a_float(name: str) -> None:
    right = Account(**{name: 0.5})  # type: ignore[arg-type]
    for value in HALVES:
        made = Account(**{name: value})
        assert type(getattr(made, name)) is float
        assert (made, hash(made)) == (right, hash(right))
        assert replace(Account(), **{name: value}) == Account.from_settings({name: value}) == right
        for kind in (np.float32, np.float64):
            assert {type(term) for term in made.terms(kind)} == {kind}
    for wrong in (*NONE, *BEYOND):
        if name != "bars_per_year" or wrong is not None:
            with pytest.raises(Fault, match=rf"account\.{name} must be a number .*; give one") as caught:
                Account(**{name: wrong})
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", TWOS, ids=repr)
def test_two_is_two(value: Any) -> None:
    assert (as_float(value), type(as_float(value))) == (2.0, float)
    assert Account(debit_rate=value) == Account(debit_rate=2.0)
    strategy = ShortBubbleWarning(hold=value, weight=value)
    assert (strategy.hold, type(strategy.hold), type(strategy.weight)) == (2.0, float, float)
    assert Grid.of(ShortBubbleWarning, {"hold": [value, 3]}).axes["hold"].tolist() == [2.0, 3.0]
    assert Grid.of(ShortBubbleWarning, {"hold": value}).axes["hold"].dtype == np.float64
    assert Grid.of(SmaCross, {"fast": 1}, settings={"account.lot": [value]}).axes["account.lot"].tolist() == [2.0]
    assert span(value, 4, None) == [2.0, 3.0, 4.0]
    assert (between(value, 4).low, type(between(value, 4).low)) == (2.0, float)
    assert (Feature("change", value).window, type(Feature("change", value).window)) == (2, int)
    assert (declared := param(value, value, value, "").default, type(declared)) == (2.0, float)


@pytest.mark.parametrize(
    "wrong", [w for w in NONE if w is not None and not isinstance(w, str)], ids=lambda w: type(w).__name__
)
def test_what_is_no_number_is_refused_wherever_one_is_wanted(wrong: Any) -> None:
    for make in (
        lambda: ShortBubbleWarning(weight=wrong),
        lambda: ShortBubbleWarning(hold=wrong),
        lambda: span(wrong, 4),
        lambda: between(1, wrong),
        lambda: Feature("change", wrong),
        lambda: param(wrong, 0, 10, ""),
        lambda: param(1, wrong, 10, ""),
        lambda: Grid.of(SmaCross, {"fast": 1}, settings={"account.lot": [wrong]}),
    ):
        with pytest.raises(Fault) as caught:
            make()
        assert "\n" not in str(caught.value)


@given(st.floats(min_value=0.0, max_value=0.5, width=16))
def test_any_type_of_a_number_makes_the_same_account(number: float) -> None:
    right = Account(slippage=number)
    for kind in (np.float16, np.float32, np.float64, Decimal, Fraction, np.longdouble):
        assert Account(slippage=kind(number)) == right
        assert hash(Account(slippage=kind(number))) == hash(right)


def test_minus_zero_is_zero() -> None:
    assert math.copysign(1.0, Account(borrow_rate=-0.0).borrow_rate) == 1.0
    assert math.copysign(1.0, as_float(np.float32(-0.0))) == 1.0


def test_an_account_that_an_older_version_pickled_has_floats() -> None:
    old = copy.copy(Account())
    old.__dict__.update(borrow_rate=0, cash=np.int64(1000))  # as they were held
    old.__dict__.pop("min_notional")  # a setting that came later
    made = pickle.loads(pickle.dumps(old))
    assert (made, type(made.borrow_rate), type(made.cash)) == (Account(borrow_rate=0.0, cash=1000.0), float, float)
    old.__dict__.update(cash="much")
    with pytest.raises(Fault, match="cash must be a number"):
        pickle.loads(pickle.dumps(old))


@pytest.mark.parametrize("wrong", ["opn", None, 1, True, ["open"], np.array(["open", "close"])], ids=repr)
def test_a_choice_of_the_account_is_one_of_its_words(wrong: Any) -> None:
    with pytest.raises(Fault, match="fill must be 'open' or 'close'"):
        Account(fill=wrong)
    assert type(Account(fill=np.str_("close")).fill) is str


def test_counts_may_be_of_any_whole_type(market: Market) -> None:
    whole = sweep(SmaCross, market, fast=[1, 2, 3], slow=[4, 5])
    given = sweep(SmaCross, market, fast=[1, 2, 3], slow=[4, 5], threads=np.uint8(2), top=np.uint8(200))
    assert given.table.equals(whole.table)
    assert given.top(np.uint8(3), "total_return").equals(whole.top(3, "total_return"))
    assert given[np.uint8(5)].metrics == whole[5].metrics
    drawn = {"fast": between(1, 100), "slow": [200], "sample": "random"}
    many = sweep(SmaCross, market, lanes=200, seed=3, **drawn)  # type: ignore[arg-type]
    few = sweep(SmaCross, market, lanes=np.uint8(200), seed=np.uint8(3), **drawn)  # type: ignore[arg-type]
    assert few.table.equals(many.table)
    assert span(np.uint8(1), np.uint8(200), np.uint8(3)) == [1.0, 100.5, 200.0]


class Averages(Strategy):
    """A feature whose window is a numpy number."""

    features = {"slow": Feature("average", np.int64(3)), "fast": Feature("average", 2.0)}  # type: ignore[arg-type] # noqa: RUF012

    @staticmethod
    def rule(slow: float, fast: float) -> float:
        return 0.5 if fast > slow else 0.0


def test_a_window_may_be_of_any_whole_type(market: Market) -> None:
    assert backtest(Averages(), market).metrics["closed_trades"] == 0
