"""Grids: which parameter sets there are, by number."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import qmc

from engine import Fault, Strategy, between, span
from engine.grid import Grid
from kernels.random import philox
from strategies import ShortBubbleWarning, SmaCross

RANGES: dict[str, Any] = {
    "hold": between(1, 60),
    "stop": between(0.02, 0.3),
    "half_life": between(1, 40, log=True),
    "threshold": [0.1, 0.2, 0.4],
}


def sets(grid: Grid) -> list[tuple[float, ...]]:
    return list(zip(*(v.tolist() for v in grid.values(np.arange(grid.size)).values()), strict=True))


def test_a_product_has_every_combination_the_last_parameter_fastest() -> None:
    grid = Grid.of(ShortBubbleWarning, {"hold": range(5, 7), "stop": [0.1, None]})
    assert sets(grid) == [(5, 0.1), (5, np.inf), (6, 0.1), (6, np.inf)]


def test_a_billion_lanes_are_addressed_without_being_written_out() -> None:
    axis = [i / 2000 for i in range(1, 1001)]
    grid = Grid.of(ShortBubbleWarning, {"threshold": axis, "stop": axis, "take": axis})
    assert grid.size == 1_000_000_000
    # 123,456,789 = 123 * 1,000,000 + 456 * 1,000 + 789, the last axis fastest
    assert {k: v[0] for k, v in grid.values(np.array([123_456_789])).items()} == {
        "threshold": axis[123], "stop": axis[456], "take": axis[789],
    }  # fmt: skip


@pytest.mark.parametrize(
    "where",
    ["fast < slow", pl.col("fast") < pl.col("slow"), lambda fast, slow: fast < slow, lambda slow, fast: fast < slow],
)
def test_a_constraint_leaves_what_it_says(where: Any) -> None:
    # of 3 x 3 pairs, 3 have fast < slow: (2, 3), (2, 4), (3, 4)
    grid = Grid.of(SmaCross, {"fast": [2, 3, 4], "slow": [2, 3, 4]}, where=where)
    assert sets(grid) == [(2, 3), (2, 4), (3, 4)]


@pytest.mark.parametrize(
    "where",
    [
        "1 < hold < 3", "1 < stop < 0.3", "not 1 < hold < 3", "stop > 0.1 or 5 > hold >= stop", "(1 < hold) < 3", "hold = stop = 1",
        pl.col("hold") > (pl.col("stop") < 0.3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sampled", [{}, {"sample": "random", "lanes": 5}])
def test_a_chain_of_comparisons_is_refused(where: Any, sampled: dict[str, Any]) -> None:
    axes = {"hold": [1, 2, 3, 4], "stop": [0.1, 0.5]}
    with pytest.raises(Fault, match="write 1 < hold < 3 as 1 < hold and hold < 3"):
        Grid.of(ShortBubbleWarning, axes, where=where, **sampled)


def test_several_comparisons_may_stand_side_by_side() -> None:
    axes = {"hold": [1, 2, 3, 4], "stop": [0.1, 0.5]}
    for where, left in (
        ("1 < hold and hold < 3", [(2, 0.1), (2, 0.5)]),
        ("hold < 2 and stop > 0.2 or not hold <> 4 and stop < 0.2", [(1, 0.5), (4, 0.1)]),
        ("hold between 2 and 3 and stop in (0.1, 0.2)", [(2, 0.1), (3, 0.1)]),
        ("(hold < 2) = (stop < 0.2)", [(1, 0.1), (2, 0.5), (3, 0.5), (4, 0.5)]),
        ("case when hold > 2 then stop < 0.2 else hold % 2 = 0 end", [(2, 0.1), (2, 0.5), (3, 0.1), (4, 0.1)]),
        ("greatest(hold, 10 * stop) < 2 and sqrt(abs(-stop)) < 1", [(1, 0.1)]),
    ):
        assert sets(Grid.of(ShortBubbleWarning, axes, where=where)) == left, where


@pytest.mark.parametrize(
    "where",
    [
        "hold > avg(hold)", "hold >= max(stop)", "hold > count(stop)", "count(hold) > 1000000", "hold > count(*)",
        "rank() over (order by hold) < 3", "sum(hold) over (partition by stop) > 3", "hold > first(hold)",
        pl.col("hold") > pl.col("hold").mean(), pl.col("hold").shift(1) > 2, pl.col("hold").is_duplicated(),
        (pl.col("hold") > 1000).any() | (pl.col("stop") < 1), pl.col("hold").map_batches(lambda hold: hold > hold.mean()),
        lambda hold: hold > hold.mean(), lambda hold: np.arange(hold.size) == hold - 1,
    ],
)  # fmt: skip
@pytest.mark.parametrize("sampled", [{}, {"sample": "random", "lanes": 50}])
def test_a_condition_that_looks_at_several_lanes_is_refused(where: Any, sampled: dict[str, Any]) -> None:
    axes = {"hold": [1, 2, 3, 4], "stop": [0.1, 0.5]}
    with pytest.raises(Fault, match="depends on the lanes beside it, allowed is what can be said of one lane alone"):
        Grid.of(ShortBubbleWarning, axes, where=where, **sampled)


def test_a_constraint_looks_at_its_own_parameters_alone() -> None:
    # 1000 * 999 / 2 pairs of fast < slow from 1 to 1000, times 2000 weights
    weights = span(0.001, 1, 2000)
    grid = Grid.of(SmaCross, {"weight": weights, "fast": span(1, 1000), "slow": span(2, 1001)}, where="fast < slow")
    assert grid.size == 1000 * 1001 // 2 * 2000 == 1_001_000_000
    # Pairs come first, weights fastest: the first pair is (1, 2), the last (1000, 1001).
    ends = grid.values(np.array([0, 1, grid.size - 1]))
    assert {k: v.tolist() for k, v in ends.items()} == {
        "weight": [weights[0], weights[1], weights[-1]], "fast": [1, 1, 1000], "slow": [2, 2, 1001],
    }  # fmt: skip


def test_sets_that_a_strategy_does_not_allow_are_refused_in_any_order() -> None:
    for axes in ({"fast": [5, 50], "slow": [20, 100]}, {"fast": [50, 5], "slow": [100, 20]}):
        with pytest.raises(Fault, match=r"does not allow 1 of 4 lanes \(the first: fast=50, slow=20\)"):
            Grid.of(SmaCross, axes)


def test_what_a_strategy_allows_is_looked_for_among_what_it_reads() -> None:
    # slow is 50 where it is not swept; of a billion lanes the 10^6 with fast = 50 are refused, found among 100 values
    others = {"stop": span(0.01, 1, 1000), "take": span(0.01, 1, 1000)}
    with pytest.raises(Fault, match=r"does not allow 1000000 of 50000000 lanes \(the first: fast=50\)"):
        Grid.of(SmaCross, {"fast": span(1, 50), **others})


class Picky(Strategy):
    """Reads stop only once hold goes beyond 1."""

    rule = staticmethod(lambda: 0.0)

    @classmethod
    def allows(cls, values: Any) -> Any:
        """Stops below 0.5."""
        return values["stop"] < 0.5 if np.max(values["hold"]) > 1 else True


def test_a_strategy_may_read_more_once_it_has_seen_more() -> None:
    with pytest.raises(Fault, match=r"does not allow 6 of 12 lanes \(the first: hold=1, stop=0.7\)"):
        Grid.of(Picky, {"hold": [1, 2, 3], "stop": [0.1, 0.7], "take": [0.1, 0.2]})


@pytest.mark.parametrize(
    ("allows", "said"),
    [
        (lambda values: values["hold"] > 1 and values["stop"] < 1, r"guarded.allows compares arrays .* & and \|"),
        (lambda values: values["holt"] > 1, r"guarded.allows asks for 'holt' \(did you mean 'hold'\?\)"),
        (lambda values: None, "guarded.allows answers None, allowed is true or false"),
    ],
)
def test_what_allows_may_not_answer_is_refused_in_one_sentence(allows: Any, said: str) -> None:
    class Guarded(Strategy):
        rule = staticmethod(lambda: 0.0)

    Guarded.allows = staticmethod(allows)  # type: ignore[method-assign]
    axes = {"hold": [2, 3], "stop": [0.1, 0.2]}
    for given in ({"values": axes}, {"values": axes, "sample": "random", "lanes": 4}):
        with pytest.raises(Fault, match=said):
            Grid.of(Guarded, **given)
    with pytest.raises(Fault, match=said):
        Grid.of(Guarded, {}, pl.DataFrame(axes))


def test_a_table_has_its_rows_and_a_constraint_leaves_some() -> None:
    table = pl.DataFrame({"fast": [5, 30, 7], "slow": [20, 20, 90]})
    with pytest.raises(Fault, match=r"does not allow 1 of 3 lanes \(the first: fast=30, slow=20\)"):
        Grid.of(SmaCross, {}, table)
    assert sets(Grid.of(SmaCross, {}, table, "fast < slow")) == [(5, 20), (7, 90)]


def test_philox_gives_the_published_numbers() -> None:
    # The known answers of Random123 (Salmon et al. 2011), philox4x32 of 10 rounds
    full, word = 0xFFFFFFFF, np.uint64
    for given, answer in (
        ((0, 0, 0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((full,) * 6, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ):
        assert tuple(int(w) for w in philox.py_func(*map(word, given))) == answer


def test_a_sobol_sample_is_scipys() -> None:
    drawn = {name: between(1, 2) for name in ("threshold", "weight", "stop", "take")}
    grid = Grid.of(ShortBubbleWarning, drawn, sample="sobol", lanes=1000, seed=7)
    theirs = qmc.Sobol(4, scramble=True, bits=30, rng=7).random(1024)[:1000]
    ours = np.stack(list(grid.values(np.arange(1000)).values()), axis=1) - 1
    assert np.array_equal(ours, (1 + theirs) - 1), "1 + u, as a range from 1 to 2 makes it, and back"


@pytest.mark.parametrize("sample", ["random", "sobol"])
@pytest.mark.parametrize("where", [None, "hold * stop < 3"])
def test_a_drawn_lane_follows_from_its_number(sample: Any, where: Any) -> None:
    grid = Grid.of(ShortBubbleWarning, RANGES, where=where, sample=sample, lanes=3000, seed=5)
    whole = grid.values(np.arange(3000))
    order = np.random.default_rng(0).permutation(3000)
    for part in (order[:1], order[1:8], order[8:72], order[72:]):
        for name, column in grid.values(part).items():
            assert np.array_equal(column, whole[name][part])
        assert np.array_equal(grid.places(part), grid.places(np.arange(3000))[:, part])
    if where:
        assert (whole["hold"] * whole["stop"] < 3).all()


def test_a_random_sample_does_not_hang_on_its_size_but_on_its_seed() -> None:
    small, large, other = (
        Grid.of(ShortBubbleWarning, RANGES, sample="random", lanes=n, seed=s) for n, s in ((10, 1), (10**9, 1), (10, 2))
    )
    first = np.arange(10)
    assert all(np.array_equal(small.values(first)[n], large.values(first)[n]) for n in RANGES)
    assert not np.array_equal(small.values(first)["stop"], other.values(first)["stop"])


def test_draws_keep_to_their_ranges_and_fill_them() -> None:
    grid = Grid.of(ShortBubbleWarning, RANGES, sample="sobol", lanes=1 << 13)
    values = grid.values(np.arange(grid.size))
    # Whole ones are equally likely, the ends included: 8192 / 60 = 136.5 each, and Sobol's points are even to a few.
    hold = np.bincount(values["hold"].astype(int), minlength=61)
    assert hold[0] == 0
    assert (abs(hold[1:] - 8192 / 60) < 6).all()
    # Evenly by the logarithm from 1 to 40: half of them lie below sqrt(40).
    assert abs((values["half_life"] < np.sqrt(40)).mean() - 0.5) < 0.001
    assert values["half_life"].min() >= 1
    assert values["half_life"].max() <= 40
    assert set(values["threshold"]) == {0.1, 0.2, 0.4}


def test_draws_that_a_strategy_does_not_allow_are_drawn_again() -> None:
    grid = Grid.of(SmaCross, {"fast": between(1, 100), "slow": between(2, 100)}, sample="random", lanes=2000)
    values = grid.values(np.arange(2000))
    assert (values["fast"] < values["slow"]).all()
    # Of slow = s from 2 to 100, (s - 1) / 100 fit: the mean is sum s (s - 1) / sum (s - 1) = 333,300 / 4,950 = 67.3, and that of
    # 2000 draws strays by 24 / sqrt(2000) = 0.5.
    assert abs(values["slow"].mean() - 67.3) < 2


@pytest.mark.parametrize(
    "axes",
    [
        {"hold": span(1, 60), "stop": [None, 0.3, 0.1]},
        {"hold": span(1, 2000), "stop": [0.3, 0.1]},
    ],
)
def test_a_place_is_a_cell_that_holds_the_value(axes: dict[str, Any]) -> None:
    for grid in (
        Grid.of(ShortBubbleWarning, axes),
        Grid.of(ShortBubbleWarning, {}, pl.DataFrame({"hold": axes["hold"][:3], "stop": axes["stop"][:1] * 3})),
        Grid.of(ShortBubbleWarning, {**RANGES, "take": between(0.1, 0.2)}, sample="random", lanes=500),
    ):
        lanes = np.arange(grid.size)
        for (_, values), cells, places in zip(
            grid.values(lanes).items(), grid.cells().values(), grid.places(lanes), strict=True
        ):
            assert (cells.low[places] <= values).all()
            assert (values <= cells.high[places]).all()
            assert len(cells) <= 1024


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hold": between(1, 9)}, "write span"),
        ({"hold": [5, 5]}, "twice"),
        ({"hold": [5], "lanes": 10}, "without a sample"),
        ({"hold": [5], "sample": "latin", "lanes": 10}, "latin"),
        ({"hold": [5], "sample": "random"}, "lanes is None"),
        ({"hold": [5], "sample": "random", "lanes": 0}, "lanes is 0"),
        ({"hold": [5], "sample": "sobol", "lanes": 1 << 31}, "1,073,741,824"),
        ({"hold": [5], "sample": "random", "lanes": 5, "seed": -1}, "seed is -1"),
        ({"hold": between(0, 9), "sample": "random", "lanes": 5}, r"hold must be .*\(got 0.0\)"),
        ({"hold": between(1.5, 9), "sample": "random", "lanes": 5}, "whole"),
        ({"hold": between(1, 100), "where": "hold > 99.5", "sample": "random", "lanes": 5}, "narrow the ranges"),
        ({"hold": [1], "where": lambda stop: stop > 0}, "where asks for 'stop'"),
        ({"hold": [1], "where": "stop > 0"}, "where asks for 'stop'"),
        ({"hold": [1], "where": "1 > 0"}, "looks at no parameter"),
        ({"hold": [1], "where": "hold >"}, "rewrite it"),
        ({"hold": [1], "where": "hold + 1"}, "true or false"),
        (
            {"hold": [1], "where": "hold.x.y(3) > 1"},
            r"^where is 'hold\.x\.y\(3\) > 1', which cannot be read, allowed is",
        ),
        ({"hold": [1], "where": "hold.x > 3"}, "^where is 'hold.x > 3', which cannot be worked out, allowed are"),
        ({"hold": [1], "where": 5}, "where is 5, allowed are a text"),
        ({"hold": [1], "where": ["hold > 3"]}, "where is .*, allowed are a text"),
        ({"hold": [1], "where": max}, "where is <built-in function max>, allowed are a text"),
        ({"hold": [1], "where": lambda hold: None}, "where answers None, allowed is true or false for each of 1 lanes"),
        ({"hold": [1, 2, 3], "where": lambda hold: hold}, r"where answers float64 of the shape \(3,\)"),
        ({"hold": [1, 2, 3], "where": lambda hold: hold[:2] > 1}, r"where answers bool of the shape \(2,\)"),
        ({"hold": [1], "where": "hold = 'a'"}, "cannot be worked out"),
        ({"hold": [1], "where": lambda hold: hold > 5}, "leaves none"),
        ({"hold": [1, 2], "where": lambda hold: hold > 1 and hold < 2}, r"allowed are & and \|"),
        ({"stop": np.array([np.nan])}, r"stop must be .*\(got nan\)"),
        ({"hold": range(1, 10**30)}, "allowed for one parameter are 10,000,000 values"),
        ({n: span(0.1, 1, 1000) for n in ("stop", "take", "trail")} | {"where": "stop < take + trail"}, "30,000,000"),
        ({n: span(0.1, 1, 10**5) for n in ("stop", "take", "trail", "weight")}, "4,294,967,296 lanes at most"),
        ({"table": pl.DataFrame()}, "no columns"),
        ({"table": "sets.parquet"}, "table 'sets.parquet' must be a file with a table"),
        ({"table": Path("sets.parquet")}, "table 'sets.parquet' must be a file with a table"),
        ({"table": pl.LazyFrame({"hold": [0]})}, r"hold must be .*\(got 0\)"),
        ({"table": {"hold": ["5", "many"]}}, r"table, row 1: hold must be a number, .* \(got 'many'\)"),
        ({"hold": [1], "settings": {1: [2]}}, r"settings must have names that are texts \(got 1\)"),
        ({"hold": [1], "settings": {None: [2]}}, r"settings must have names that are texts \(got None\)"),
        (
            {"stop": [None, 0.1], "where": "stop is not null"},
            "none compares as greater than every number; write stop < 1e300",
        ),
        ({"stop": [None, 0.1], "where": "stop > 0.5 or stop IS NULL"}, "write stop > 1e300"),
        ({"stop": [None, 0.1], "where": pl.col("stop").is_null()}, "write stop > 1e300"),
        ({"table": 5}, r"table must be a polars, pandas or Arrow table, .* \(got an int\)"),
        ({"table": {"hold": [5, 6], "stop": [0.1, 0.2, 0.3]}}, "give columns of one length"),
        ({"hold": np.array([[1, 2], [3, 4]])}, r"hold is an array of the shape \(2, 2\)"),
        ({"table": pl.DataFrame({"hold": []})}, "must have one row or more"),
    ],
)
def test_bad_grids_are_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    settings = {
        name: given.pop(name) for name in ("table", "where", "sample", "lanes", "seed", "settings") if name in given
    }
    with pytest.raises(Fault, match=said) as caught:
        Grid.of(ShortBubbleWarning, given, **settings)
    assert "\n" not in str(caught.value)


def test_spans_and_ranges() -> None:
    assert span(1, 3) == [1.0, 2.0, 3.0]
    bad: list[tuple[Any, ...]] = [
        (3, 1),
        (0.5, 2),
        (1, 2, 1),
        ("a", 1),
        (None, 1),
        (True, 3),
        (0, 1, 2.5),
        (0, 1, "a"),
        (0, 1, True),
    ]
    for given in bad:
        with pytest.raises(Fault, match="span"):
            span(*given)
    with pytest.raises(Fault, match="say how many, such as 5"):
        span(1.5, 3.5)
    for many, says in (
        ((0, 1e10), r"span\(0, 10000000000\) has 10,000,000,001 values, allowed for one parameter are 10,000,000;"),
        ((0, 1, 10**10), "has 10,000,000,000 values"),
        ((-1e308, 1e308), r"has 2 x 10\^308 values"),
    ):
        with pytest.raises(Fault, match=says):
            span(*many)  # type: ignore[arg-type]
    ranges: list[Any] = [
        (2, 1, False),
        (1, 1, False),
        (0, 1, True),
        (0, np.inf, False),
        ("a", 1, False),
        (1, None, True),
    ]
    for low, high, log in ranges:
        with pytest.raises(Fault, match="between"):
            between(low, high, log=log)


def test_sets_may_come_in_what_a_frame_is_made_of() -> None:
    columns = {"hold": [5, 7], "stop": [0.1, None]}
    for table in (columns, [{"hold": 5, "stop": 0.1}, {"hold": 7, "stop": None}], pd.DataFrame(columns)):
        assert sets(Grid.of(ShortBubbleWarning, {}, table)) == [(5, 0.1), (7, np.inf)]
    for values in (np.array([5, 7]), pd.Series([5, 7]), pl.Series([5, 7])):
        assert sets(Grid.of(ShortBubbleWarning, {"hold": values})) == [(5,), (7,)]
    assert sets(Grid.of(ShortBubbleWarning, {"hold": np.array(3.0)})) == [(3,)]


@pytest.mark.parametrize("name", ["hold", "stop", "threshold"])
def test_many_numbers_are_checked_as_one_is(name: str) -> None:
    declared = ShortBubbleWarning.parameters[name]
    numbers = np.array([-1.0, 0.0, 0.5, 1.0, 1.5, 7.0, 1e3, 1e7, np.inf, -np.inf, np.nan])

    def taken(number: float) -> bool:
        try:
            return declared.check("a", name, number) == number
        except Fault:
            return False

    assert declared.suits(numbers).tolist() == [taken(float(n)) for n in numbers]
