"""Skewness and kurtosis to the digit, however far the mean return is from nothing; and how long an account is below its peak."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from scipy import stats

from engine import KEEP, Account, Market, Strategy, backtest, param, sweep
from kernels import layout as at
from kernels.metrics import METRICS, metrics, moments
from kernels.rules import ONE
from kernels.steps import NEAR

FREE = Account(slippage=0.0, fee_rate=0.0, debit_rate=0.0)
Floats = npt.NDArray[np.float64]


class Holds(Strategy):
    """Buy once, and never sell."""

    weight: float = param(1.0, 0.01, 1, "share of equity")

    @staticmethod
    def rule(side: float, weight: float) -> float:
        return weight if side == 0 else KEEP


def market_of(returns: Floats) -> Market:
    """A market of one asset which earns these returns from each open to its close, and nothing overnight."""
    closes = 100.0 * np.cumprod(1.0 + returns)
    opens = np.concatenate([[100.0], closes[:-1]])
    days = np.datetime64("2020-01-01") + np.arange(returns.size)
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    prices = {"open": opens, "high": high, "low": low, "close": closes}
    return Market.from_frame(pl.DataFrame({"asset": "X", "date": days, **prices}), calendar="24/7")


def returns_of(equity: pl.Series, cash: float) -> Floats:
    path = np.concatenate([[cash], equity.to_numpy()])
    return np.diff(path) / path[:-1]


DRAWN = np.random.default_rng(7)
#: Returns by what is difficult about them: their mean is many times their deviation, or one of them is all there is.
KINDS: dict[str, Floats] = {
    "noise of 1e-6 around 1e-3": 1e-3 + 1e-6 * DRAWN.normal(size=400),
    "noise of 1e-8 around 1e-3": 1e-3 + 1e-8 * DRAWN.normal(size=400),
    "noise of 1e-5 around -1e-3": -1e-3 + 1e-5 * DRAWN.normal(size=400),
    "skewed noise of 1e-6 around 1e-3": 1e-3 + 1e-6 * DRAWN.exponential(size=400),
    "40 deviations from nothing": 4e-4 + 1e-5 * DRAWN.normal(size=400),
    "20 deviations from nothing": 2e-4 + 1e-5 * DRAWN.normal(size=400),
    "two values, near each other": np.where(np.arange(300) % 2 == 0, 1e-4, 1e-4 + 1e-9),
    "an ordinary market": 1e-2 * DRAWN.normal(size=400),
    "one outlier": np.where(np.arange(400) == 200, 0.3, 1e-3),
    "one outlier, first of all": np.where(np.arange(400) == 0, -0.5, 1e-3),
    "one return, and nothing else": np.where(np.arange(400) == 3, 0.1, 0.0),
    "two bars": np.array([1e-3, 1e-3 + 1e-9]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_third_and_fourth_moments_are_those_of_scipy(kind: str) -> None:
    market = market_of(KINDS[kind])
    run = backtest(Holds(), market, None, FREE)
    returns = returns_of(run.equity["equity"], 1e6)
    np.testing.assert_allclose(returns, KINDS[kind], rtol=0, atol=1e-13)
    # An equity of 1e6 is held to 1e-10, so each return to some 1e-16: of a deviation of 1e-9 that is 1e-7.
    slack = 1e-9 + 2e-16 / returns.std()
    assert run.metrics["skewness"] == pytest.approx(stats.skew(returns), rel=slack, abs=slack)
    assert run.metrics["excess_kurtosis"] == pytest.approx(stats.kurtosis(returns), rel=slack, abs=slack)
    assert run.metrics["volatility"] == pytest.approx(returns.std(ddof=1) * math.sqrt(365), rel=slack)
    assert run.metrics["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365), rel=slack)

    double = sweep(Holds, market, None, FREE, weight=[1.0, 0.5, 0.25], precision="float64")
    for lane, weight in enumerate((1.0, 0.5, 0.25)):
        alone = backtest(Holds(weight=weight), market, None, FREE).metrics
        assert {
            m: None if math.isnan(v) else v for m, v in double.table.row(lane, named=True).items() if m in METRICS
        } == alone
    single = sweep(Holds, market, None, FREE, weight=[1.0]).table
    # float32 holds returns of an ordinary market to some 1e-7; where that is too little, the lane is walked in float64.
    for name in ("volatility", "sharpe", "skewness", "excess_kurtosis"):
        assert single[name][0] == pytest.approx(run.metrics[name], rel=2e-3, abs=2e-3), name


@pytest.mark.parametrize("constant", [0.0, 1e-3, -1e-3, 1e-9, 0.01])
def test_constant_returns_have_no_moments_and_no_sharpe(constant: float) -> None:
    # What rounding makes of a constant return deviates by some 1e-16, far below 1e-12.
    market = market_of(np.full(300, constant))
    run = backtest(Holds(), market, None, FREE)
    assert [run.metrics[m] for m in ("sharpe", "skewness", "excess_kurtosis")] == [None] * 3
    assert run.metrics["volatility"] == pytest.approx(0.0, abs=1e-12)
    # float32 holds an equity to 6e-8 of itself, and so makes steps of smaller returns.
    for precision in ("float64", "float32") if abs(constant) > 1e-7 or constant == 0.0 else ("float64",):
        row = sweep(Holds, market, None, FREE, weight=[1.0], precision=precision).table.row(0, named=True)  # type: ignore[arg-type]
        assert [math.isnan(row[m]) for m in ("sharpe", "skewness", "excess_kurtosis")] == [True] * 3


@pytest.mark.parametrize(("deviation", "there"), [(0.9e-12, False), (1.1e-12, True)])
def test_moments_are_null_below_a_deviation_of_1e_12(deviation: float, there: bool) -> None:
    # Half of the returns are `deviation` below their mean and half above: skewness 0, kurtosis 1, so excess -2.
    returns = 0.5 + deviation * np.where(np.arange(40) % 2 == 0, -1.0, 1.0)
    lane = np.zeros((at.N_LANE, 1))
    for power, row in enumerate((at.SUM1, at.SUM2, at.SUM3, at.SUM4), start=1):
        lane[row] = (returns**power).sum()
    lane[[at.EQUITY, at.EQUITY_SUM, at.PEAK]] = 1.0
    equity = np.cumprod(1.0 + returns)
    found = metrics(lane, 1.0, 40, 1.0, 252.0, 0.0, equity)
    kurtosis = found["excess_kurtosis"][0]
    assert kurtosis == pytest.approx(-2, abs=0.1) if there else math.isnan(kurtosis)
    assert np.isnan(metrics(lane, 1.0, 40, 1.0, 252.0, 0.0)["skewness"][0]), "of sums alone there is none"


def test_bars_at_which_nothing_changes_count_as_returns_of_nothing() -> None:
    # Returns 0.1, 0, 0, 0: mean 0.025; squares 0.075^2 + 3 * 0.025^2 = 0.0075, cubes 0.075^3 - 3 * 0.025^3 = 0.000375,
    # fourth powers 0.075^4 + 3 * 0.025^4 = 0.0000328125; each over 4 bars.
    mean, m2, m3, m4 = moments(1.0, 4, np.array([1.1]))
    assert (mean, m2, m3, m4) == pytest.approx((0.025, 0.0075 / 4, 0.000375 / 4, 0.0000328125 / 4), rel=1e-12)


def test_what_is_ruined_returns_nothing_any_more() -> None:
    # A loss of 150 %, and then nothing, whatever the path does: mean -0.5 over 3 bars, squares 1 + 2 * 0.25 = 1.5.
    assert moments(1.0, 3, np.array([-0.5, 1.0, 2.0]))[:2] == pytest.approx((-0.5, 0.5), rel=1e-12)


def test_lanes_that_came_to_the_same_are_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    market, runs = market_of(KINDS["noise of 1e-6 around 1e-3"]), []

    def counted(*given: Any, **more: Any) -> Any:
        runs.append(given)
        return backtest(*given, **more)

    monkeypatch.setattr("engine.lanes.backtest", counted)
    table = sweep(Holds, market, None, FREE, half_life=[1, 2, 3], precision="float64").table
    assert table["excess_kurtosis"].is_not_nan().all()
    assert len(runs) == 1  # the half life changes nothing


@pytest.mark.parametrize(
    ("below", "bars"), [(0.0, 0), (0.5e-12, 0), (0.95e-12, 0), (1.05e-12, 3), (1e-9, 3), (1e-3, 3)]
)  # fmt: skip
def test_what_is_within_1e_12_of_the_peak_has_reached_it(below: float, bars: int) -> None:
    # Up to 1.1, three bars `below` that, up to 1.2: they are a drawdown of three bars where they are below it.
    prices = 110.0 * np.array([1.0, 1.0 - below, 1.0 - below, 1.0 - below, 1.2 / 1.1])
    returns = prices / np.array([100.0, *prices[:-1]]) - 1.0
    market = market_of(returns)
    run = backtest(Holds(), market, None, Account(cash=100.0, slippage=0.0, fee_rate=0.0))
    assert run.metrics["longest_drawdown"] == bars
    row = sweep(
        Holds, market, None, Account(cash=100.0, slippage=0.0, fee_rate=0.0), weight=[1.0], precision="float64"
    ).table
    assert row["longest_drawdown"][0] == bars


def test_the_tolerance_is_one_that_both_precisions_hold() -> None:
    assert float(NEAR) == pytest.approx(1e-12, rel=1e-7)
    assert np.float32(ONE - NEAR) == 1.0, "in float32 an equity reaches its peak or does not"
