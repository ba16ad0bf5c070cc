"""The compiled account against the oracle of docs/accounting.md, order by order and amount by amount."""

import math

import numpy as np
import polars as pl
import pytest
from against_oracle import OracleMarket, Told, account_of, borrow_of, compare, strategy_of
from generate import Case, case, cases
from hypothesis import HealthCheck, example, given, settings

from engine import Account, Fault, Market, backtest
from engine.arrays import bars_of, hear, plan_of
from engine.compile import compiled_run, lane_rows
from kernels import layout as at
from kernels.layout import no_record
from strategies import Signals


@pytest.mark.parametrize("hundred", range(12))
def test_every_order_and_amount_agrees_with_the_oracle(hundred: int) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        try:
            compare(case(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.slow
@pytest.mark.parametrize("thousand", range(2, 12))
def test_ten_thousand_more_cases_agree(thousand: int) -> None:
    for seed in range(thousand * 1000, thousand * 1000 + 1000):
        try:
            compare(case(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
@example(case(483))  # a margin cut that leaves 8e-8 shares: rounding of what equity less requirement leaves
@example(case(159))  # one of several accounts is ruined
def test_small_generated_cases_agree(drawn: Case) -> None:
    compare(drawn)


def walked_in_blocks(drawn: Case, hold: np.ndarray, stop: np.ndarray, dtype: type) -> np.ndarray:
    """Final sums of many lanes that differ in their time exits and stops."""
    strategy, market, account = strategy_of(drawn), OracleMarket(drawn.bars), account_of(drawn)
    heard = hear(strategy, market, None, dtype)
    bars = bars_of(market, account, strategy, dtype, borrow_of(drawn))
    params = lane_rows(Told, {**strategy.settings(), "hold": hold, "stop": stop}, dtype)
    lanes = np.zeros((at.N_LANE, hold.size), dtype)
    record = no_record()
    plan = plan_of(market, account, strategy, False)
    compiled_run(Told, dtype)(bars, heard.news, account.terms(dtype), plan, params, lanes, record)
    return lanes


SUMS = [i for i in range(at.N_LANE) if i not in (at.SIZING, at.WORTH, at.NEED, at.VALUE, at.QUANTITY, at.NET)]


@pytest.mark.parametrize("seed", [1, 2, 5, 8, 13, 21, 34, 55, 89, 144])
def test_a_lane_does_not_notice_its_neighbours(seed: int) -> None:
    drawn = case(seed)
    if drawn.settings.kind == "columns":
        drawn.settings = type(drawn.settings)(**{**vars(drawn.settings), "kind": "portfolio"})
    random = np.random.default_rng(seed)
    hold, stop = random.integers(1, 20, 100).astype(float), random.uniform(0.01, 0.5, 100)
    together = walked_in_blocks(drawn, hold, stop, np.float64)
    shuffled = random.permutation(100)
    moved = walked_in_blocks(drawn, hold[shuffled], stop[shuffled], np.float64)
    np.testing.assert_array_equal(together[SUMS][:, shuffled], moved[SUMS], "another order of lanes")
    for lane in range(0, 100, 9):
        alone = walked_in_blocks(drawn, hold[lane : lane + 1], stop[lane : lane + 1], np.float64)
        np.testing.assert_array_equal(together[SUMS][:, lane], alone[SUMS][:, 0], f"lane {lane} alone")


def squeeze(closes: list[float]) -> Market:
    """A market of one asset whose bars open where the last one closed."""
    opens = [closes[0], *closes[:-1]]
    days = pl.date_range(pl.date(2025, 1, 6), pl.date(2025, 1, 6 + len(closes) - 1), eager=True)
    return Market.from_frame(
        pl.DataFrame(
            {
                "asset": ["GME"] * len(closes), "date": days, "open": opens, "close": closes,
                "high": np.maximum(opens, closes), "low": np.minimum(opens, closes),
            }
        ),
        calendar="24/7",
    )  # fmt: skip


def test_a_short_of_ten_times_the_equity_is_cut_and_called_never_silently_negative() -> None:
    # 10x wanted; Regulation T leaves 2x less costs: 1,000,000 / (0.5 * 100) = 20,000 shares at the most. The price goes from 100 to 130:
    # equity about 1,000,000 - 20,000 * 30 = 400,000, required 0.30 * 130 * 20,000 = 780,000: called, closed at the next open.
    market = squeeze([100.0, 100.0, 130.0, 130.0, 300.0, 300.0])
    table = pl.DataFrame({"asset": ["GME"], "session": [market.sessions[1].item()], "weight": [-10.0]})
    run = backtest(Signals(signals=table), market, None, Account(borrow_rate=0.0))
    assert run.orders["reason"].to_list() == ["CLIPPED", "MARGIN_CALL"]
    assert run.orders["shares"][0] == pytest.approx(20_000, rel=2e-3)
    assert run.orders["price"][1] == pytest.approx(130 * 1.0005)
    assert run.metrics["final_equity"] == pytest.approx(400_000, rel=0.01)
    assert run.equity["equity"].min() > 0


def test_a_gap_beyond_the_capital_is_ruin_and_what_is_owed_stays_owed() -> None:
    # 20,000 short from 100; the next bar opens at 100 and closes at 300: equity 1,000,000 - 20,000 * 200 is 3,000,000 below zero.
    market = squeeze([100.0, 100.0, 300.0, 50.0, 50.0])
    table = pl.DataFrame({"asset": ["GME"], "session": [market.sessions[1].item()], "weight": [-2.0]})
    run = backtest(Signals(signals=table), market, None, Account(borrow_rate=0.0))
    assert run.trades["exit_reason"].to_list() == ["RUIN"]
    assert run.metrics["final_equity"] == pytest.approx(-3_000_000, rel=0.02)
    assert run.equity["equity"][-1] == run.equity["equity"][2], "later returns are 0"
    assert run.metrics["cagr"] == -1.0


def test_metrics_without_a_divisor_are_null() -> None:
    market = squeeze([100.0] * 5)
    table = pl.DataFrame({"asset": ["GME"], "session": [market.sessions[1].item()], "weight": [0.0]})
    run = backtest(Signals(signals=table), market)
    assert run.metrics["final_equity"] == 1_000_000
    nulls = {k for k, v in run.metrics.items() if v is None}
    assert nulls == {
        "sharpe",
        "sortino",
        "calmar",
        "hit_rate",
        "profit_factor",
        "mean_trade_return",
        "skewness",
        "excess_kurtosis",
    }
    assert all(v is None or math.isfinite(v) for v in run.metrics.values())


def test_borrow_rates_may_be_text_and_are_refused_in_one_sentence() -> None:
    market = squeeze([100.0] * 6)
    signal = pl.DataFrame({"asset": ["GME"], "session": [market.sessions[1].item()], "weight": [-1.0]})
    table = {"asset": ["GME"], "session": ["2025-01-08"], "rate": ["0.36"]}
    account = Account(slippage=0.0, fee_rate=0.0, borrow_rate=0.0)
    run = backtest(Signals(signals=signal), market, None, account, borrow=pl.DataFrame(table))
    # 10,000 short at 100 from the 7th; the rate of the 8th is first charged on the 9th: 3 days * 1,000,000 * 1.02 * 0.36 / 360
    assert run.metrics["total_borrow"] == pytest.approx(3 * 1020.0)
    for wrong, said in (
        ({"rate": ["much"]}, "row 0: rate must be"), ({"rate": [-1.0]}, "row 0"), ({"session": [None]}, "row 0"),
        ({"session": ["soon"]}, "row 0"),
    ):  # fmt: skip
        with pytest.raises(Fault, match=said) as caught:
            backtest(Signals(signals=signal), market, None, account, borrow=pl.DataFrame({**table, **wrong}))
        assert "\n" not in str(caught.value)
    with pytest.raises(Fault, match="GME must have one rate from 2025-01-08 on"):
        backtest(
            Signals(signals=signal), market, None, account, borrow=pl.DataFrame({k: v * 2 for k, v in table.items()})
        )
