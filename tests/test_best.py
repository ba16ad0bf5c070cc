"""The best of a sweep: distinct results, by any objective, among lanes that meet what is required."""

import copy
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Events, Fault, Market, Sweep, between, span, sweep
from engine.faults import Stopped
from engine.grid import Grid
from engine.objective import Objective, Requirement
from engine.summary import Summary
from kernels.metrics import LESS_IS_BETTER, METRICS
from kernels.ranking import keys_of
from strategies import ShortBubbleWarning

#: Stops that are never reached, and thresholds that no pressure reaches: many lanes come to the same.
AXES: dict[str, Any] = {"hold": span(1, 30), "stop": [0.2, 0.3, 5, 6, None], "threshold": [0.11, 0.5, 90]}


@pytest.fixture(scope="module")
def found() -> Sweep:
    return sweep(ShortBubbleWarning, Market.sample(), Events.sample(), **AXES)


def distinct(table: pl.DataFrame, by: str) -> pl.DataFrame:
    """The distinct results of a table by polars: the lowest lane of each, and how many share it; the best first."""
    rows = (
        table.with_columns(pl.col(METRICS).fill_nan(None))
        .group_by(METRICS)
        .agg(shared=pl.len(), lane=pl.col("lane").min())
    )
    down = by not in LESS_IS_BETTER
    return rows.drop_nulls(by).sort(by, "final_equity", descending=[down, True], nulls_last=True)


@pytest.mark.parametrize("by", METRICS)
def test_one_row_is_one_result_with_how_many_lanes_share_it(by: str, found: Sweep) -> None:
    wanted, got = distinct(found.table, by), found.summary.top(1000, by)
    assert got["rank"].to_list() == list(range(1, len(got) + 1))
    assert sorted(got["lane"]) == sorted(wanted["lane"])
    told = got.join(wanted.select("lane", wanted_shared="shared", wanted_by=by), on="lane")
    assert told["shared"].to_list() == told["wanted_shared"].to_list()
    assert told[by].to_list() == told["wanted_by"].cast(pl.Float64).to_list()
    assert got["shared"].sum() == found.table[by].is_not_nan().sum(), "every lane with a figure is counted once"
    assert got[by].is_sorted(descending=by not in LESS_IS_BETTER)


def made(seed: int, lanes: int, dtype: Any = np.float32) -> npt.NDArray[Any]:
    """Metrics of lanes that came to a few results alone, with ties, nulls, zeros of both signs, and results that differ in one metric."""
    random = np.random.default_rng(seed)
    results = np.round(random.normal(size=(len(METRICS), 12)), 1)
    results[random.random(results.shape) < 0.2] = np.nan
    results[METRICS.index("open_trades")] = 0.0
    results[:, 6:] = results[:, :6]
    results[-1, 6:] += 1.0  # as the first six, but for one metric
    chosen = results[:, random.integers(0, 12, lanes)]
    return np.where((chosen == 0) & (random.random(chosen.shape) < 0.5), -0.0, chosen).astype(dtype)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 15), st.sampled_from([np.float32, np.float64]))
def test_order_parts_and_merges_change_no_count(seed: int, size: int, most: int, dtype: Any) -> None:
    lanes = 80
    grid, values = Grid.of(ShortBubbleWarning, {"hold": span(1, lanes)}), made(seed, lanes, dtype)
    by, require = ("sharpe", "max_drawdown", "open_trades", "cagr - volatility"), "exposure < 0.5 or turnover > 0"
    kept: dict[str, Any] = {"top": most, "by": by, "require": require, "metrics": ()}
    whole = Summary.of(grid, **kept)
    whole.add(np.arange(lanes), values)
    order, parts = np.random.default_rng(seed).permutation(lanes), []
    for low in range(0, lanes, size):
        part = Summary.of(grid, **kept)
        part.add(order[low : low + size], values[:, order[low : low + size]])
        parts.append(Summary.from_table(grid, part.to_table()))
    total = Summary.of(grid, **kept)
    for part in parts[::-1]:
        total.merge(part)
    assert total.to_table().equals(whole.to_table(), check_metadata=True)
    table = pl.DataFrame({"lane": np.arange(lanes), **dict(zip(METRICS, values, strict=True))}).with_columns(
        pl.col(METRICS).fill_nan(None)
    )
    met = table.filter((pl.col("exposure") < 0.5) | (pl.col("turnover") > 0))
    assert whole.met == len(met)
    exact = {row["lane"]: row["shared"] for row in distinct(met, "sharpe").to_dicts()}
    for row in whole.top(most, "sharpe").to_dicts():
        assert exact[row["lane"]] == row["shared"]


def test_keys_tell_apart_what_differs_in_one_metric_and_nothing_else() -> None:
    values = np.array([[0.0, -0.0, 1.0, np.nan, -np.nan, 1.0], [2.0, 2.0, 2.0, 2.0, 2.0, 2.0 + 2.0**-51]])
    keys = keys_of(values, np.arange(6)).T.tolist()
    assert keys[0] == keys[1]
    assert keys[3] == keys[4]
    assert len({tuple(key) for key in keys}) == 4
    some = made(1, 5000)
    told = {tuple(key) for key in keys_of(some, np.arange(5000)).T.tolist()}
    assert len(told) == pl.DataFrame(some.T).unique().height > 6


def test_threads_and_pieces_change_no_bit_of_the_best(found: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["engine.lanes"], "PIECE", 7)
    again = sweep(ShortBubbleWarning, Market.sample(), Events.sample(), threads=3, **AXES)
    assert again.summary.to_table().equals(found.summary.to_table(), check_metadata=True)


@pytest.mark.parametrize(
    ("by", "exact"),
    [
        ("cagr / max_drawdown", lambda row: row["cagr"] / row["max_drawdown"]),
        ("-max_drawdown", lambda row: -row["max_drawdown"]),
        ("total_return - 2 * volatility", lambda row: row["total_return"] - 2 * row["volatility"]),
        ("case when closed_trades > 12 then sharpe else -10 end", lambda row: row["sharpe"] if row["closed_trades"] > 12 else -10.0),
        ("sqrt(abs(calmar))", lambda row: abs(row["calmar"]) ** 0.5),
        ("least(sharpe, sortino)", lambda row: min(row["sharpe"], row["sortino"])),
        (pl.col("cagr") / pl.col("volatility"), lambda row: row["cagr"] / row["volatility"]),
        (lambda cagr, volatility: cagr - volatility, lambda row: row["cagr"] - row["volatility"]),
        (lambda closed_trades: closed_trades, lambda row: row["closed_trades"]),
        ("closed_trades", lambda row: row["closed_trades"]),
    ],
)  # fmt: skip
def test_the_best_by_an_objective_of_ones_own(by: Any, exact: Callable[[dict[str, Any]], float], found: Sweep) -> None:
    best = found.top(5, by)
    name = next(iter(set(best.columns) - {"rank", "lane", "shared", *AXES, *METRICS}), by)
    assert best[name].is_sorted(descending=True)
    for row in best.iter_rows(named=True):
        assert row[name] == pytest.approx(exact(row), rel=1e-12)
        assert found[row["lane"]].metrics["total_return"] == row["total_return"], "figures of a single run"
    figures = [exact(row) for row in found.table.filter(pl.col("closed_trades") > 0).to_dicts()]
    assert best.filter(rank=1)[name].item() >= np.nanmax(figures) * (1 - 1e-4 * np.sign(np.nanmax(figures)))
    kept = sweep(ShortBubbleWarning, Market.sample(), Events.sample(), **AXES, by=["sharpe", by])
    assert kept.top(5, by).equals(best), "asked for before or after"


@pytest.mark.parametrize(
    ("require", "met"),
    [
        ("closed_trades >= 10 and max_drawdown < 0.2", (pl.col("closed_trades") >= 10) & (pl.col("max_drawdown") < 0.2)),
        ("sharpe > 0", pl.col("sharpe") > 0),
        ("sharpe < 100", pl.col("sharpe") < 100),  # a null is not met
        ("not sharpe > 100", ~(pl.col("sharpe") > 100)),
        ("sharpe > 0 or closed_trades = 0", (pl.col("sharpe") > 0) | (pl.col("closed_trades") == 0)),
        ("sharpe is null", pl.col("sharpe").is_null()),
        ("cagr / max_drawdown > -100", pl.col("max_drawdown") > 0),  # nothing divided by nothing is no figure
        ("0 * cagr / max_drawdown = 0", pl.col("max_drawdown") > 0),
        ("closed_trades between 5 and 12", pl.col("closed_trades").is_between(5, 12)),
        (pl.col("exposure") > 0.01, pl.col("exposure") > 0.01),
        (lambda closed_trades: closed_trades >= 10, pl.col("closed_trades") >= 10),
        (lambda sharpe: ~(sharpe > 100), pl.col("sharpe") <= 100),  # of a function's metrics each must be there
        (lambda cagr, max_drawdown: cagr / max_drawdown > -100, pl.col("max_drawdown") > 0),
    ],
)  # fmt: skip
def test_the_best_meet_what_is_required_and_all_else_is_of_every_lane(require: Any, met: pl.Expr, found: Sweep) -> None:
    table = found.table.with_columns(pl.col(METRICS).fill_nan(None))
    kept = sweep(ShortBubbleWarning, Market.sample(), Events.sample(), **AXES, require=require)
    wanted = table.filter(met.fill_null(False))
    assert kept.met == len(wanted)
    assert f"{len(wanted):,} of them with " in repr(kept)
    best = kept.summary.top(1000, "final_equity")
    assert sorted(best["lane"]) == sorted(distinct(wanted, "final_equity")["lane"])
    assert best["shared"].sum() == len(wanted)
    assert kept.top(3, "final_equity").equals(found.top(3, "final_equity", require=require))
    assert kept.histogram("sharpe").equals(found.histogram("sharpe"))
    assert kept.marginal("hold").equals(found.marginal("hold"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "sharp"}, r"by asks for 'sharp' \(did you mean 'sharpe'\?\)"),
        ({"by": "hold"}, "by asks for 'hold', allowed are the metrics final_equity"),
        ({"by": "cagr /"}, "by is 'cagr /', which cannot be read, allowed is a metric"),
        ({"by": ""}, "by is '', which cannot be read"),
        ({"by": "3"}, "by looks at no metric"),
        ({"by": "sharpe > 1"}, "which answers Boolean, allowed is a number"),
        ({"by": "sharpe - avg(sharpe)"}, "depends on the lanes beside it"),
        ({"by": "rank() over (order by sharpe)"}, "by "),
        ({"by": "1 < sharpe < 3"}, "one comparison at a time"),
        (
            {"by": "cagr / (max_drawdown * 0)"},
            r"none of 450 lanes has a figure for .* \(there is nothing to divide by\)",
        ),
        ({"by": lambda sharp: sharp}, "did you mean 'sharpe'"),
        ({"by": lambda sharpe: "x"}, "by must answer a number for each of"),
        ({"by": lambda sharpe: sharpe[:3]}, r"\(got float64 of the shape \(3,\)\)"),
        ({"by": lambda sharpe: sharpe - np.nanmean(sharpe)}, "depends on the lanes beside it"),
        ({"by": 5}, "by is 5, allowed are"),
        ({"require": "closed_trade > 3"}, r"require asks for 'closed_trade' \(did you mean 'closed_trades'\?\)"),
        ({"require": "hold > 3"}, "require asks for 'hold'"),
        ({"require": "sharpe + 1"}, "which answers Float64, allowed is true or false"),
        ({"require": "1 < sharpe < 3"}, "one comparison at a time"),
        ({"require": "closed_trades > 1000"}, "none of 450 lanes meets 'closed_trades > 1000'; loosen require="),
        ({"require": lambda sharpe, cagr: sharpe > 0 and cagr > 0}, r"allowed are & and \|"),
        ({"require": True}, "require is True, allowed are a text"),
        ({"require": 5}, "require is 5, allowed are a text"),
        ({"k": 0}, r"a whole number of results from 1 to 1,000, as many as were kept \(got 0\)"),
    ],
)
def test_bad_objectives_are_refused_in_one_sentence(asked: dict[str, Any], said: str, found: Sweep) -> None:
    for ask in (found.top, swept_and_asked):
        with pytest.raises(Fault, match=said) as caught:
            ask(**asked)
        assert "\n" not in str(caught.value)


def swept_and_asked(k: int = 3, **kept: Any) -> pl.DataFrame:
    return sweep(ShortBubbleWarning, Market.sample(), Events.sample(), **AXES, **kept).top(k, kept.get("by"))


def test_where_nobody_trades_the_best_is_a_sentence_and_no_empty_table() -> None:
    idle = sweep(ShortBubbleWarning, Market.sample(), Events.sample(), hold=[5, 6], threshold=[99])
    with pytest.raises(Fault, match="none of 2 lanes has a figure for 'sharpe'"):
        idle.top()
    assert idle.top(3, "total_return").select("lane", "shared", "total_return").rows() == [(0, 2, 0.0)]


def test_names_of_objectives_are_told_apart() -> None:
    made = {"hold": [5, 6], "by": [lambda sharpe: sharpe, lambda cagr: cagr]}
    with pytest.raises(Fault, match=r"by must name each objective once \(got 'function\(\)' twice\)"):
        sweep(ShortBubbleWarning, Market.sample(), Events.sample(), **made)
    with pytest.raises(Fault, match="by must name each objective once"):
        sweep(ShortBubbleWarning, Market.sample(), Events.sample(), hold=[5], by=["sharpe", "sharpe"])

    def calmer(sharpe: Any, volatility: Any) -> Any:
        return sharpe - volatility

    found = sweep(ShortBubbleWarning, Market.sample(), Events.sample(), hold=[5, 6], by=calmer)
    assert found.summary.by == ("calmer()",)
    assert found.top(2).columns[-1] == "calmer()"
    assert found.top(2, calmer).equals(found.top(2, "calmer()"))


def test_without_its_table_a_sweep_tells_what_it_kept_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["engine.sweep"], "MOST_IN_TABLE", 10)
    large = sweep(
        ShortBubbleWarning, Market.sample(), Events.sample(), **AXES, by=["sharpe", "cagr / max_drawdown"], top=3
    )
    assert large.top(3, "cagr / max_drawdown")["cagr / max_drawdown"].is_sorted(descending=True)
    for asked in ({"by": "calmar"}, {"by": "cagr - 1"}, {"require": "sharpe > 0"}):
        with pytest.raises(Fault, match="give by= and require= to the sweep"):
            large.top(2, **asked)
    with pytest.raises(Fault, match="from 1 to 3"):
        large.top(4)


def test_a_single_lane_counts_as_it_does_among_many() -> None:
    # polars divides a single number, and multiplies several by the reciprocal; 0.3 / 5000 is not 0.3 * (1 / 5000)
    values = np.full((len(METRICS), 4), 0.3)
    for objective in ("sharpe / 5000", pl.col("sharpe") / 5000):
        some, one = Objective(objective)(values), Objective(objective)(values[:, :1])
        assert some[0] == one[0]
    assert Requirement("sharpe / 5000 = 0.00006")(values)[0] == Requirement("sharpe / 5000 = 0.00006")(values[:, :1])[0]


def asked(of: Sweep) -> tuple[Any, ...]:
    """What is asked of a sweep that came from somewhere else."""
    return (
        len(of), repr(of), of.top(2, "total_return").rows(), of.heatmap("hold", "stop", "total_return").rows(), of[1].metrics,
        of.table.height, repr(of.lanes.metrics(np.arange(3)).tolist()),
    )  # fmt: skip


def at_least_one(closed_trades: Any) -> Any:
    return closed_trades >= 1


KEPT: dict[str, dict[str, Any]] = {
    "plain": {},
    "settings": {"settings": {"account.slippage": [0, 0.001], "refresh": [False, True]}},
    "where": {"where": "hold > 1 or stop > 0"},
    "where, a function": {"where": lambda hold: hold > 1},
    "objectives": {"by": ["total_return", "cagr / max_drawdown"], "require": "closed_trades > 1"},
    "a function of a module": {"require": at_least_one},
    "drawn": {"hold": between(1, 40), "stop": between(0.1, 0.2), "sample": "sobol", "lanes": 16, "where": "hold > 3"},
    "drawn by an expression": {"hold": between(1, 40), "sample": "random", "lanes": 16, "where": pl.col("hold") > 3},
    "float64 on one thread": {"precision": "float64", "threads": 1},
}


@pytest.mark.parametrize("kind", KEPT)
def test_a_sweep_is_pickled_and_copied_and_goes_on(kind: str) -> None:
    given = {"hold": span(1, 4), "stop": [0.1, None], **KEPT[kind]}
    kept = sweep(ShortBubbleWarning, Market.sample(), Events.sample(), **given)
    wanted = asked(kept)
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        assert asked(pickle.loads(pickle.dumps(kept, protocol))) == wanted
    assert asked(copy.deepcopy(kept)) == wanted
    assert asked(copy.copy(kept)) == wanted
    again = pickle.loads(pickle.dumps(kept.lanes))
    assert Sweep.of(again, kept.summary.empty()).table.equals(kept.table)


@pytest.mark.parametrize(
    "given", [{"by": lambda sharpe: sharpe}, {"require": lambda sharpe: sharpe > 0}], ids=["by", "require"]
)
def test_a_function_that_nobody_else_can_find_is_refused_when_pickled_and_not_when_copied(
    given: dict[str, Any],
) -> None:
    kept = sweep(ShortBubbleWarning, Market.sample(), Events.sample(), hold=[5, 6], **given)
    with pytest.raises(Fault, match="must be a text, or a function that stands in a module, to be pickled"):
        pickle.dumps(kept)
    assert copy.deepcopy(kept).summary.by == kept.summary.by


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_sweep_goes_to_another_process(method: str) -> None:
    kept = sweep(ShortBubbleWarning, Market.sample(), Events.sample(), hold=span(1, 4), stop=[0.1, None])
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
        assert pool.submit(asked, kept).result() == asked(kept)


def test_what_else_there_is_can_be_pickled(found: Sweep) -> None:
    stopped = pickle.loads(pickle.dumps(Stopped("Stopped.", 2)))
    assert (str(stopped), stopped.status) == ("Stopped.", 130)
    for thing in (
        found.lanes,
        found.grid,
        found.summary,
        found[0],
        ShortBubbleWarning(hold=3),
        ShortBubbleWarning,
        between(1, 2),
    ):
        for again in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing)):
            assert type(again) is type(thing)
