"""Sweeps: the same as single backtests, whatever walks beside what."""

import sys
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Account, Events, Fault, Market, backtest, span, sweep
from engine.grid import Grid
from kernels.metrics import METRICS
from strategies import FadePanic, HedgedBubbleShort, NarrativePressure, ShortBubbleWarning, SmaCross


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.sample()


@pytest.fixture(scope="module")
def events() -> Events:
    return Events.sample()


@pytest.mark.parametrize(
    ("strategy", "grid"),
    [
        (ShortBubbleWarning, {"hold": [5, 20], "threshold": [0.1], "half_life": [3.0, 30.0]}),
        (NarrativePressure, {"threshold": [0.3, 0.9], "trail": [0.05, None]}),
        (HedgedBubbleShort, {"hedge": [0.5, 1.0], "hold": [7]}),
        (FadePanic, {"window": [2, 5], "fall": [0.05, 0.1]}),
        (SmaCross, {"fast": [5, 10], "slow": [30, 60]}),
    ],
)
def test_a_float64_sweep_equals_backtests_to_the_last_bit(
    strategy: Any, grid: dict[str, Any], market: Market, events: Events
) -> None:
    account = Account(cash_rate=0.02)
    swept = sweep(strategy, market, events, account, precision="float64", **grid)
    for row in swept.table.iter_rows(named=True):
        settings = {name: row[name] for name in grid}
        alone = backtest(strategy(**settings), market, events, account)
        ours = {m: None if np.isnan(row[m]) else row[m] for m in METRICS}
        assert ours == alone.metrics, settings


def test_threads_chunks_and_order_change_nothing(
    market: Market, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes: dict[str, Any] = {"hold": span(1, 9), "stop": span(0.02, 0.2, 7), "threshold": [0.1, 0.4]}
    one = sweep(ShortBubbleWarning, market, events, threads=1, **axes)
    for chunk in (1, 7, 64, 10_000):
        monkeypatch.setattr(sys.modules["engine.sweep"], "PIECE", chunk)
        again = sweep(ShortBubbleWarning, market, events, threads=2, **axes)
        assert one.table.equals(again.table), chunk
        assert one.summary.to_table().equals(again.summary.to_table()), chunk
    monkeypatch.undo()
    turned = sweep(ShortBubbleWarning, market, events, **{k: v[::-1] for k, v in reversed(axes.items())}).table
    keys = list(axes)
    rows = one.table.drop("lane")
    assert rows.sort(keys).equals(turned.drop("lane").select(rows.columns).sort(keys))


def test_float32_stays_near_float64(market: Market, events: Events) -> None:
    axes: dict[str, Any] = {"hold": span(1, 20), "stop": span(0.02, 0.3, 15)}
    single, double = (
        sweep(ShortBubbleWarning, market, events, precision=p, **axes).table for p in ("float32", "float64")
    )
    same = (single["closed_trades"].cast(pl.Float64) == double["closed_trades"]).to_numpy()
    assert same.mean() > 0.99, "a trade more or less only where a price meets a level within the precision"
    for metric in ("total_return", "max_drawdown", "exposure"):
        np.testing.assert_allclose(single[metric].to_numpy()[same], double[metric].to_numpy()[same], atol=2e-5)


def test_top_ranks_by_the_float64_figure_and_names_the_sweeps_rank(market: Market, events: Events) -> None:
    grid = sweep(ShortBubbleWarning, market, events, hold=span(1, 30), stop=span(0.02, 0.3, 8))
    best = grid.top(5, by="total_return")
    assert best["total_return"].is_sorted(descending=True)
    assert sorted(best["rank"]) == [1, 2, 3, 4, 5]
    lane = best["lane"][0]
    assert grid[lane].metrics["total_return"] == best["total_return"][0]
    assert grid[lane].info["parameters"]["hold"] == best["hold"][0]


def test_heatmap_and_marginal_count_every_lane(market: Market, events: Events) -> None:
    grid = sweep(ShortBubbleWarning, market, events, hold=span(1, 6), stop=span(0.05, 0.2, 4), threshold=[0.1, 0.2])
    cells = grid.heatmap("hold", "stop", "total_return")
    assert (len(cells), set(cells["count"])) == (24, {2})
    one = grid.table.filter(hold=3.0, stop=0.05)["total_return"]
    assert cells.filter(hold=3.0, stop=0.05)["mean"].item() == pytest.approx(one.mean(), rel=1e-6)
    assert grid.marginal("threshold", "total_return")["count"].to_list() == [24, 24]


def test_a_constraint_leaves_what_it_says() -> None:
    # of 3 x 3 pairs, 3 have fast < slow: (2, 3), (2, 4), (3, 4)
    grid = Grid.of(SmaCross, {"fast": [2, 3, 4], "slow": [2, 3, 4]}, where=lambda fast, slow: fast < slow)
    values = grid.values(np.arange(grid.size))
    assert list(zip(values["fast"], values["slow"], strict=True)) == [(2, 3), (2, 4), (3, 4)]


def test_a_billion_lanes_are_addressed_without_being_written_out() -> None:
    axis = [i / 2000 for i in range(1, 1001)]
    grid = Grid.of(ShortBubbleWarning, {"threshold": axis, "stop": axis, "take": axis})
    assert grid.size == 1_000_000_000
    # 123,456,789 = 123 * 1,000,000 + 456 * 1,000 + 789, the last axis fastest
    assert {k: v[0] for k, v in grid.values(np.array([123_456_789])).items()} == {
        "threshold": axis[123], "stop": axis[456], "take": axis[789],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"holt": [1]}, "did you mean 'hold'"),
        ({"hold": []}, "has no values"),
        ({"hold": [0]}, "from 1 to"),
        ({"hold": [1.5]}, "whole"),
        ({"hold": [1], "precision": "float16"}, "float16"),
        ({"hold": [1], "where": lambda stop: stop > 0}, "where asks for 'stop'"),
        ({"hold": [1], "where": lambda hold: hold > 5}, "leaves none"),
        ({n: span(0.01, 0.9, 1000) for n in ("stop", "take", "trail", "weight")}, "1,000,000,000,000 lanes"),
    ],
)
def test_bad_sweeps_are_refused_in_one_sentence(
    arguments: dict[str, Any], said: str, market: Market, events: Events
) -> None:
    with pytest.raises(Fault, match=said) as caught:
        sweep(ShortBubbleWarning, market, events, **arguments)
    assert "\n" not in str(caught.value)


def test_spans() -> None:
    assert span(1, 3) == [1.0, 2.0, 3.0]
    for bad in ((3, 1), (0.5, 2), (1, 2, 1)):
        with pytest.raises(Fault):
            span(*bad)


def test_sets_that_a_strategy_does_not_allow_are_refused_in_any_order(market: Market) -> None:
    for axes in ({"fast": [5, 50], "slow": [20, 100]}, {"fast": [50, 5], "slow": [100, 20]}):
        with pytest.raises(Fault, match=r"does not allow 1 of 4 lanes \(the first: fast=50, slow=20\)"):
            sweep(SmaCross, market, **axes)


def test_a_table_and_lists_exclude_each_other(market: Market, events: Events) -> None:
    with pytest.raises(Fault, match="stop is given beside a table"):
        sweep(ShortBubbleWarning, market, events, table=pl.DataFrame({"hold": [5]}), stop=0.01)


def test_the_best_of_a_drawdown_is_the_least(market: Market, events: Events) -> None:
    grid = sweep(ShortBubbleWarning, market, events, hold=span(1, 12))
    least = grid.table["max_drawdown"].min()
    assert grid.top(1, by="max_drawdown")["max_drawdown"][0] == pytest.approx(least, rel=1e-4)
    assert grid.marginal("hold", "max_drawdown")["best"].min() == least


def test_where_says_how_to_compare_arrays() -> None:
    with pytest.raises(Fault, match=r"allowed are & and \|"):
        Grid.of(SmaCross, {"fast": [2, 3], "slow": [2, 3]}, where=lambda fast, slow: fast < slow and slow > 2)
