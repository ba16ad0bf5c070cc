"""Sweeps: the same as single backtests, whatever walks beside what."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import KEEP, Account, Events, Fault, Market, Strategy, backtest, between, param, span, sweep
from engine.compile import _walk
from engine.estimate import Estimate
from engine.grid import Grid
from engine.lanes import PIECE, Lanes
from kernels.metrics import METRICS
from kernels.steps import WIDTH
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


@pytest.mark.parametrize(
    ("strategy", "axes"),
    [
        (SmaCross, {"fast": span(2, 30), "slow": span(31, 55)}),
        (FadePanic, {"window": span(2, 20), "fall": span(0.01, 0.2, 30), "stop": [0.05, None]}),
    ],
)
def test_blocks_that_go_through_time_together_change_nothing(
    strategy: Any, axes: dict[str, Any], market: Market, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = sweep(strategy, market, events, Account(cash_rate=0.01), **axes).table
    module = _walk(WIDTH)
    for cache, kept in ((1, module.KEPT), (5_000, module.KEPT), (5_000, 2 * 256 * 4 * 400)):
        monkeypatch.setattr(module, "CACHE", cache)
        monkeypatch.setattr(module, "KEPT", kept)
        assert sweep(strategy, market, events, Account(cash_rate=0.01), **axes).table.equals(apart), (cache, kept)


def test_stops_that_are_all_none_are_no_bounds(market: Market, events: Events) -> None:
    table = pl.DataFrame({"hold": [5, 20], "stop": [None, None], "take": [None, None]})
    for column, bounded in ((None, False), ([None, 0.1], True)):
        given = table if column is None else table.with_columns(stop=pl.Series(column))
        grid = Grid.of(ShortBubbleWarning, {}, given, None)
        lanes = Lanes(ShortBubbleWarning, grid, market, events, precision="float64", device="cpu")
        assert lanes._launcher._work.plan.bounded is bounded  # type: ignore[attr-defined]
        found = lanes.metrics(np.arange(2))
        for lane, row in enumerate(given.iter_rows(named=True)):
            alone = backtest(ShortBubbleWarning(**row), market, events).metrics
            assert [None if np.isnan(v) else v for v in found[:, lane]] == [alone[m] for m in METRICS]


def test_threads_chunks_and_order_change_nothing(
    market: Market, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes: dict[str, Any] = {"hold": span(1, 9), "stop": span(0.02, 0.2, 7), "threshold": [0.1, 0.4]}
    one = sweep(ShortBubbleWarning, market, events, threads=1, **axes)
    for chunk in (1, 7, 64, 10_000):
        monkeypatch.setattr(sys.modules["engine.lanes"], "PIECE", chunk)
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"holt": [1]}, "did you mean 'hold'"),
        ({"hold": []}, "has no values"),
        ({"hold": [0]}, "from 1 to"),
        ({"hold": [1.5]}, "whole"),
        ({"hold": [1], "precision": "float16"}, "float16"),
        ({"hold": [1], "threads": 0}, "threads is 0"),
        ({"hold": [1], "threads": "a"}, "threads is 'a', allowed is a whole number"),
        ({"hold": [1], "threads": 2.5}, "threads is 2.5"),
        ({"hold": [1], "device": None}, "device is None"),
        ({"hold": [1], "account": {"cash": 1}}, r"account must be an Account \(got a dict\)"),
        ({"hold": [1], "account": Account}, r"account must be an Account \(got the class Account\)"),
        ({"hold": [1], "progress": 5}, "progress is 5, allowed is a function"),
        ({"hold": [1], "by": []}, "by is empty"),
        ({"hold": [1], "by": 5}, "by is 5, allowed are names"),
        ({"hold": [1], "metrics": 5}, "metrics is 5, allowed are names"),
        ({"hold": [1], "top": 2.5}, r"top must be .*\(got 2.5\)"),
        ({"hold": [1], "write": 5}, "write is 5, allowed is the path of a file"),
        ({"hold": [1], "write": ""}, "write '.' is a folder, allowed is a file; name one in it, such as 'all.parquet'"),
        ({"hold": [1], "write": ".parquet"}, "name it 'all.parquet'"),
        ({"hold": [1], "metrics": ["sharp"]}, "did you mean 'sharpe'"),
        ({"hold": [1], "top": 0}, r"top must be .*\(got 0\)"),
        ({"hold": [1], "write": "lanes.csv"}, "write 'lanes.csv' ends in '.csv'"),
        ({n: span(0.01, 0.9, 1000) for n in ("stop", "take", "trail", "weight")}, "got 1,000,000,000,000"),
    ],
)
def test_bad_sweeps_are_refused_in_one_sentence(
    arguments: dict[str, Any], said: str, market: Market, events: Events
) -> None:
    with pytest.raises(Fault, match=said) as caught:
        sweep(ShortBubbleWarning, market, events, **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("run", [sweep, lambda _, *rest: backtest(ShortBubbleWarning(), *rest)])
def test_what_is_no_market_and_no_events_is_refused_in_one_sentence(run: Any, market: Market, events: Events) -> None:
    for given, said in (
        (
            ("prices.parquet", events),
            r"market must be a Market \(got the path 'prices.parquet'\); read one with Market.read",
        ),
        ((market.frame, events), r"market must be a Market \(got a polars DataFrame\); .*Market.from_frame"),
        ((events, market), r"market must be a Market \(got an Events\)"),
        ((Market, events), r"market must be a Market \(got the class Market\)"),
        ((market, "events.parquet"), r"events 'events.parquet' must be a file with a table \(it does not exist\)"),
        ((market, 5), r"events must be Events \(got an int\); read them with Events.read"),
        ((market, Events), r"events must be Events \(got the class Events\)"),
    ):
        with pytest.raises(Fault, match=said):
            run(ShortBubbleWarning, *given)


def test_a_file_that_cannot_be_written_is_refused_before_the_walk(market: Market, tmp_path: Path) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc, where nobody may write")
    with pytest.raises(Fault, match="'/proc' allows no writing"):
        sweep(SmaCross, market, fast=[5], write="/proc/lanes.parquet")


def test_one_metric_is_a_list_of_one(market: Market, events: Events) -> None:
    grid = sweep(ShortBubbleWarning, market, events, hold=[1, 5], by="calmar", metrics="sharpe")
    assert (grid.summary.by, grid.summary.metrics) == (("calmar",), ("sharpe",))
    assert len(grid.top(2, "calmar")) == 2


def test_a_lane_and_a_number_of_lanes_are_whole(market: Market, events: Events) -> None:
    grid = sweep(ShortBubbleWarning, market, events, hold=[1, 5, 9])
    for given in (1.0, slice(0, 2), "a", True):
        with pytest.raises(Fault, match="a lane must be a whole number from 0 to 2"):
            grid[given]  # type: ignore[index]
        with pytest.raises(Fault, match="whole number of results from 1 to 1,000"):
            grid.top(given)  # type: ignore[arg-type]
    with pytest.raises(Fault, match="whole number of results from 1 to 1,000"):
        grid.top(0)
    assert grid[np.int64(1)].info["parameters"]["hold"] == 5
    with pytest.raises(IndexError):
        grid[3]


def test_a_sweep_says_what_it_is(market: Market, events: Events) -> None:
    grid = sweep(ShortBubbleWarning, market, events, hold=span(1, 40), stop=span(0.1, 0.4, 30))
    assert repr(grid) == "Sweep(short_bubble_warning, 1,200 lanes over hold, stop)"
    assert repr(sweep(ShortBubbleWarning, market, events)) == "Sweep(short_bubble_warning, 1 lane)"


def test_lanes_that_came_to_the_same_are_one_row_of_the_lowest_number(market: Market, events: Events) -> None:
    # stops so far away that none is ever reached, in front of one that is
    for far in ([500, 600, 700], [700, 500, 600]):
        best = sweep(ShortBubbleWarning, market, events, hold=[5], stop=[*far, 0.02]).top(4)
        rows = dict(zip(best["lane"], best["shared"], strict=True))
        assert rows == {0: 3, 3: 1}
        assert best.filter(lane=0)["stop"].item() == far[0]


def test_a_table_and_lists_exclude_each_other(market: Market, events: Events) -> None:
    with pytest.raises(Fault, match="stop is given beside a table"):
        sweep(ShortBubbleWarning, market, events, table=pl.DataFrame({"hold": [5]}), stop=0.01)


def test_the_best_of_a_drawdown_is_the_least(market: Market, events: Events) -> None:
    grid = sweep(ShortBubbleWarning, market, events, hold=span(1, 12))
    least = grid.table["max_drawdown"].min()
    assert grid.top(1, by="max_drawdown")["max_drawdown"][0] == pytest.approx(least, rel=1e-4)
    assert grid.marginal("hold", "max_drawdown")["best"].min() == least


def test_a_large_sweep_keeps_no_table_and_says_so(
    market: Market, events: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes: dict[str, Any] = {"hold": span(1, 9), "stop": [0.05, 0.1]}
    small = sweep(ShortBubbleWarning, market, events, **axes)
    monkeypatch.setattr(sys.modules["engine.sweep"], "MOST_IN_TABLE", 10)
    monkeypatch.setattr(sys.modules["engine.lanes"], "PIECE", 4)
    file = tmp_path / "lanes.parquet"
    large = sweep(ShortBubbleWarning, market, events, **axes, write=file)
    with pytest.raises(Fault, match=r"lanes\.parquet', where it is"):
        large.table  # noqa: B018
    with pytest.raises(Fault, match="give write="):
        sweep(ShortBubbleWarning, market, events, **axes).table  # noqa: B018
    with pytest.raises(Fault, match="exposure was not kept by parameter"):
        large.heatmap("hold", "stop", "exposure")
    assert pl.read_parquet(file).equals(small.table)
    assert [f.name for f in tmp_path.iterdir()] == ["lanes.parquet"]
    for by in ("sharpe", "exposure"):
        assert large.top(3, by).equals(small.top(3, by))
    assert large.heatmap("hold", "stop").equals(small.heatmap("hold", "stop"))
    assert large.histogram("exposure").equals(small.histogram("exposure"))


def test_a_sweep_that_fails_leaves_no_file(market: Market, events: Events, tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(ShortBubbleWarning, market, events, hold=[1, 2], write=tmp_path / "lanes.parquet", progress=stop)
    assert not list(tmp_path.iterdir())


def test_a_sample_is_swept_like_any_grid(market: Market, events: Events) -> None:
    drawn: dict[str, Any] = {"hold": between(1, 30), "stop": between(0.02, 0.3), "sample": "sobol", "lanes": 64}
    grid = sweep(ShortBubbleWarning, market, events, **drawn, seed=3)
    assert len(grid) == 64
    lane = grid.top(1)["lane"][0]
    assert grid[lane].info["parameters"]["stop"] == grid.table["stop"][lane]
    # A range is counted in 64 stretches; every lane is in one of them.
    assert grid.marginal("stop", "exposure")["count"].sum() == 64


def test_every_metric_has_marginals_while_the_table_is_there(market: Market, events: Events) -> None:
    grid = sweep(ShortBubbleWarning, market, events, hold=[1, 5], stop=[0.05, 0.1], metrics=("calmar",))
    means = grid.table.group_by("hold").agg(pl.col("exposure").mean()).sort("hold")["exposure"]
    assert grid.marginal("hold", "exposure")["mean"].to_list() == pytest.approx(means.to_list(), rel=1e-6)


def test_before_a_sweep_its_size_is_known(market: Market, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid.of(ShortBubbleWarning, {n: span(0.01, 0.9, 1000) for n in ("stop", "take", "trail")})
    lanes = Lanes(ShortBubbleWarning, grid, market, events)
    found = Estimate.of(lanes, write=True)
    assert found.lanes == 1_000_000_000
    assert found.chunks == -(-1_000_000_000 // PIECE)
    # a lane: its number and three parameters of 8 bytes, 23 metrics of 4
    assert found.disk == 1_000_000_000 * (8 + 3 * 8 + 23 * 4)
    assert found.memory < 1 << 30, "nothing is kept of a lane"
    assert found.seconds > 0
    with pytest.raises(Fault, match="leave write= out"):
        replace(found, disk=1 << 62).refuse(Path())
    monkeypatch.setattr(sys.modules["engine.estimate"].shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(Fault, match=r"takes up to 1.5 KiB, allowed are the 0.1 KiB free"):
        replace(found, disk=1536).refuse(Path())
    with pytest.raises(Fault, match="of memory, allowed are"):
        replace(found, memory=1 << 62).refuse()


def test_an_instance_in_place_of_a_class_is_refused(market: Market, events: Events) -> None:
    with pytest.raises(Fault, match="leave out the parentheses"):
        sweep(ShortBubbleWarning(), market, events, hold=between(1, 9), sample="random", lanes=4)  # type: ignore[arg-type]


def test_windows_that_do_not_fit_are_refused_before_they_are_made(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["engine.lanes"], "memory_of_machine", lambda: 1e6)
    with pytest.raises(Fault, match=r"over 1,100 windows take .* take fewer values of fast, slow"):
        sweep(SmaCross, market, fast=span(1, 100), slow=span(101, 1100))


class Holds(Strategy):
    """Buy once."""

    weight: float = param(0.5, 0.01, 1, "share of equity")

    @staticmethod
    def rule(side: float, weight: float) -> float:
        return weight if side == 0 else KEEP


@pytest.mark.slow
def test_float32_sums_over_a_million_bars_are_within_the_bound_that_is_stated() -> None:
    random, bars = np.random.default_rng(5), 1_000_000
    closes = 100.0 * np.exp(np.cumsum(random.normal(2e-6, 1e-3, bars)))
    minutes = np.datetime64("2020-01-01T00:00", "us") + np.arange(bars) * np.timedelta64(60, "s")
    prices = {"open": closes, "high": closes, "low": closes, "close": closes}
    frame = pl.DataFrame({"asset": "X", "time": pl.Series(minutes).dt.replace_time_zone("UTC"), **prices})
    long = Market.from_frame(frame, calendar="24/7", interval="1m")
    single, double = (sweep(Holds, long, weight=[0.5], precision=p).table for p in ("float32", "float64"))
    assert (double["exposure"][0], double["open_trades"][0]) == (pytest.approx(1, abs=1e-5), 1)
    assert single["sharpe"][0] == pytest.approx(double["sharpe"][0], rel=1e-3)


@pytest.mark.parametrize(
    ("devices", "lanes", "size"),
    [
        ((), 1 << 20, 1 << 14),
        ((), 1000, 128),
        (("a GPU",), 1000, 1 << 16),
        (("a GPU",), 1 << 22, 1 << 17),
        (("a GPU",), 1 << 24, 1 << 18),
    ],
)
def test_pieces_keep_every_thread_busy(devices: tuple[Any, ...], lanes: int, size: int) -> None:
    one = SimpleNamespace(stretches=lambda low, high: [(low, high)])
    of: Any = SimpleNamespace(threads=16, device=SimpleNamespace(devices=devices), piece=1 << 18, grid=one)
    found = list(Lanes.pieces(of, 5, 5 + lanes))
    assert [piece.size for piece in found[:-1]] == [size] * (len(found) - 1)
    np.testing.assert_array_equal(np.concatenate(found), np.arange(5, 5 + lanes))
