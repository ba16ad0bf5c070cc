"""Summaries: what is kept of many lanes, the same in any order and in any parts."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from engine import Fault, between, span
from engine.grid import Grid
from engine.summary import Summary
from kernels.metrics import METRICS
from kernels.reduce import N_BINS, bin_edges
from strategies import ShortBubbleWarning

AXES: dict[str, Any] = {"hold": span(1, 9), "stop": [0.2, 0.1, 0.3], "take": [0.5]}
LANES = 27


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid.of(ShortBubbleWarning, AXES)


@pytest.fixture(scope="module")
def values() -> npt.NDArray[np.float32]:
    """Metrics of no backtest: of either sign, over many sizes, with nulls and ties."""
    random = np.random.default_rng(1)
    made = random.normal(size=(len(METRICS), LANES)) * 10.0 ** random.integers(-6, 6, (len(METRICS), LANES))
    made[random.random(made.shape) < 0.1] = np.nan
    made[METRICS.index("closed_trades")] = random.integers(0, 3, LANES)
    return made.astype(np.float32)


def summed(grid: Grid, values: npt.NDArray[Any], **kept: Any) -> Summary:
    summary = Summary.of(grid, **kept)
    summary.add(np.arange(grid.size), values)
    return summary


def table_of(grid: Grid, values: npt.NDArray[Any]) -> pl.DataFrame:
    lanes = np.arange(grid.size)
    return pl.DataFrame({"lane": lanes, **grid.values(lanes), **dict(zip(METRICS, values, strict=True))}).with_columns(
        pl.col(METRICS).fill_nan(None)
    )


@pytest.mark.parametrize("size", [1, 7, 64])
def test_order_and_parts_change_no_bit(grid: Grid, values: npt.NDArray[Any], size: int) -> None:
    whole = summed(grid, values, top=4).to_table()
    order = np.random.default_rng(size).permutation(LANES)
    parts = []
    for low in range(0, LANES, size):
        numbers = order[low : low + size]
        part = Summary.of(grid, top=4)
        part.add(numbers, values[:, numbers])
        parts.append(Summary.from_table(grid, part.to_table()))
    total = Summary.of(grid, top=4)
    for part in parts[::-1]:
        total = total.merge(part)
    assert total.to_table().equals(whole, check_metadata=True)
    assert total.count == LANES


def test_the_best_are_those_of_the_table_of_equals_the_greater_equity(grid: Grid, values: npt.NDArray[Any]) -> None:
    table = table_of(grid, values)
    for by, down in (("sharpe", True), ("max_drawdown", False), ("closed_trades", True)):
        wanted = table.drop_nulls(by).sort(by, "final_equity", descending=[down, True], nulls_last=True)
        for kept in (5, 100):
            found = summed(grid, values, top=kept).top(5, by)
            assert (found["rank"].to_list(), set(found["shared"])) == ([1, 2, 3, 4, 5], {1})
            told = found.drop("rank", "shared")
            assert told.equals(wanted.head(5).select("lane", *AXES, pl.col(by).cast(pl.Float64)))


def test_marginals_and_heat_maps_are_those_of_the_table(grid: Grid, values: npt.NDArray[Any]) -> None:
    metrics = ("sharpe", "max_drawdown", "exposure")
    summary, table = summed(grid, values, metrics=metrics), table_of(grid, values)
    for metric in metrics:
        value = pl.col(metric).cast(pl.Float64)
        best = value.min() if metric == "max_drawdown" else value.max()
        for sides in (
            ["hold"],
            ["stop"],
            ["take"],
            ["hold", "stop"],
            ["stop", "hold"],
            ["take", "stop"],
            ["hold", "take"],
        ):
            wanted = table.group_by(sides).agg(mean=value.mean(), best=best, count=value.count()).sort(sides)
            found = summary.marginal(*sides, metric) if len(sides) == 1 else summary.heatmap(*sides, metric)
            assert found.columns == wanted.columns
            assert found.drop("mean").cast({"count": pl.Int64}).equals(wanted.drop("mean").cast({"count": pl.Int64}))
            # Each value is rounded to a multiple of 2**-32, so that a mean is off by at most half of that.
            off = (found["mean"] - wanted["mean"]).abs() - wanted["mean"].abs() * 1e-14
            assert off.drop_nulls().max() <= 2.0**-33


def test_sums_are_exact_where_floats_are_not() -> None:
    grid = Grid.of(ShortBubbleWarning, {"hold": [5], "stop": span(0.1, 0.4, 4)})
    given = [1e9, 0.25, -1e9, 2.0**-32]
    values = np.full((len(METRICS), 4), np.nan)
    values[METRICS.index("sharpe")] = given
    found = summed(grid, values).marginal("hold")["mean"].item()
    assert found == float(sum(map(Fraction, given)) / 4) == (0.25 + 2.0**-32) / 4


def test_a_value_beyond_the_range_counts_as_its_end() -> None:
    grid = Grid.of(ShortBubbleWarning, {"hold": [5], "stop": [0.1, 0.2]})
    values = np.full((len(METRICS), 2), np.nan)
    values[METRICS.index("calmar")] = [1e30, -1.0]
    row = summed(grid, values).marginal("hold", "calmar").row(0, named=True)
    assert row == {"hold": 5.0, "mean": (2.0**30 - 1) / 2, "best": 1e30, "count": 2}


def test_money_is_summed_in_shares_of_the_cash() -> None:
    grid = Grid.of(ShortBubbleWarning, {"hold": [5], "stop": [0.1, 0.2]})
    values = np.full((len(METRICS), 2), np.nan)
    values[METRICS.index("final_equity")] = [3e12, 1e12]  # beyond 2**30, but not beyond 2**30 times the cash
    found = summed(grid, values, metrics=("final_equity",), cash=1e6).marginal("hold", "final_equity")
    assert found.row(0) == (5.0, 2e12, 3e12, 2)


def test_a_histogram_counts_every_value_within_its_bin(grid: Grid, values: npt.NDArray[Any]) -> None:
    summary = summed(grid, values)
    for metric, row in zip(METRICS, values, strict=True):
        bins = summary.histogram(metric)
        known = np.sort(row[~np.isnan(row)].astype(float))
        assert bins["count"].sum() == known.size
        low, high = (np.repeat(bins[end].to_numpy(), bins["count"].to_numpy()) for end in ("low", "high"))
        assert (low <= known).all()
        assert (known <= high).all()


def test_bins_cover_the_numbers_without_a_gap() -> None:
    low, high = bin_edges()
    assert low.shape == high.shape == (N_BINS,)
    assert np.array_equal(high[:-1], low[1:])
    # 32 bins between 1 and 2, so 1.03125 ends the first; and the mirror image below zero
    first = int(np.searchsorted(low, 1.0))
    assert (low[first], high[first], low[first + 32]) == (1.0, 1.03125, 2.0)
    mirrored = int(np.searchsorted(low, -1.03125))
    assert (low[mirrored], high[mirrored]) == (-1.03125, -1.0)


def test_quantiles_come_within_their_bins(grid: Grid) -> None:
    values = np.full((len(METRICS), LANES), np.nan, np.float32)
    random = np.random.default_rng(3)
    values[METRICS.index("sharpe")] = row = random.normal(size=LANES).astype(np.float32)
    summary = summed(grid, values)
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        exact = np.quantile(row, share, method="inverted_cdf")
        assert summary.quantile(share) == pytest.approx(exact, rel=1 / 64)
    values[METRICS.index("calmar")] = 0.0
    assert summed(grid, values).quantile(0.5, "calmar") == 0.0
    assert math.isnan(summary.quantile(0.5, "calmar"))


def test_ranges_and_long_lists_are_counted_in_stretches() -> None:
    drawn = Grid.of(ShortBubbleWarning, {"stop": between(0.0625, 0.125)}, sample="sobol", lanes=1 << 10)
    values = np.zeros((len(METRICS), 1 << 10))
    found = summed(drawn, values).marginal("stop")
    # 1024 points of Sobol's sequence, 16 in each 64th of the range; the first is 1/1024 wide, its middle half that far in
    assert found["count"].to_list() == [16] * 64
    assert found["stop"][0] == 0.0625 + 1 / 2048
    many = Grid.of(ShortBubbleWarning, {"hold": span(1, 2000), "take": [0.1, 0.2]})
    found = summed(many, np.zeros((len(METRICS), 4000))).heatmap("hold", "take")
    # 2000 values in 64 stretches of 31 or 32: the first holds 1 to 32
    assert len(found) == 128
    assert found.row(0) == (16.5, 0.1, 0.0, 0.0, 32)


def test_what_was_not_kept_is_refused_in_one_sentence(grid: Grid, values: npt.NDArray[Any]) -> None:
    summary = summed(grid, values, by=("sharpe",), top=5)
    for wrong, said in (
        (lambda: summary.top(6), "1 to 5"),
        (lambda: summary.top(1, "calmar"), "best by calmar were not kept"),
        (lambda: summary.top(1, "sharp"), "did you mean 'sharpe'"),
        (lambda: summary.marginal("hold", "exposure"), "exposure was not kept"),
        (lambda: summary.marginal("holt"), "did you mean 'hold'"),
        (lambda: summary.heatmap("hold", "hold"), "use marginal"),
        (lambda: summary.quantile(2.0), "from 0 to 1"),
        (lambda: Summary.from_table(grid, pl.DataFrame({"a": [1]}).to_arrow()), "no summary of a sweep"),
        (
            lambda: Summary.from_table(Grid.of(ShortBubbleWarning, {"hold": [5]}), summary.to_table()),
            "of a grid of 27 lanes",
        ),
    ):
        with pytest.raises(Fault, match=said) as caught:
            wrong()
        assert "\n" not in str(caught.value)
