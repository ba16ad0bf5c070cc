"""Sweeps over settings of the account, options and the delay of events: the same as single backtests with these."""

import datetime as dt
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from engine import Account, Events, Fault, Market, Sweep, backtest, between, span, sweep
from engine.estimate import Estimate
from engine.grid import Grid
from engine.scenarios import SWEPT
from kernels.metrics import METRICS
from strategies import HedgedBubbleShort, ShortBubbleWarning, Signals, SmaCross

MARKET, EVENTS = Market.sample(), Events.sample()


def swept(**given: Any) -> Sweep:
    return sweep(given.pop("of", ShortBubbleWarning), MARKET, given.pop("events", EVENTS), **given)


def metrics_of(row: dict[str, Any]) -> dict[str, float | None]:
    return {m: None if np.isnan(row[m]) else row[m] for m in METRICS}


def alone(row: dict[str, Any], account: Account | None = None) -> dict[str, float | None]:
    """Metrics of a single backtest with what a row of a sweep's table says."""
    own = {n: v for n, v in row.items() if n not in METRICS and n != "lane" and "." not in n}
    settings = {n.removeprefix("account."): v for n, v in row.items() if n.startswith("account.")}
    changed = Account(**{**(account or Account()).settings(), **settings})
    return backtest(ShortBubbleWarning(**own), MARKET, EVENTS.delayed(row.get("events.delay", "0s")), changed).metrics


#: Two values of every setting of the account that a sweep may vary, far enough apart that the metrics differ.
PAIRS: dict[str, list[float]] = {
    "cash": [10_000, 1e6], "slippage": [0, 0.01], "fee_rate": [0, 0.01], "fee_share": [0, 0.5], "min_fee": [0, 500],
    "borrow_rate": [0, 2.0], "initial": [0.1, 1.0], "lot": [0, 300], "min_notional": [0, 99_000],
}  # fmt: skip


def test_the_pairs_are_of_every_setting_that_may_vary() -> None:
    assert set(PAIRS) == set(SWEPT)


@pytest.mark.parametrize("name", PAIRS)
def test_a_setting_of_the_account_is_what_a_single_backtest_has(name: str) -> None:
    # weights of the whole equity, so that margin binds and `initial` shows
    axes: dict[str, Any] = {"hold": [5, 20], "weight": [0.1, 1.0], "settings": {f"account.{name}": PAIRS[name]}}
    table = swept(**axes, precision="float64").table
    assert table[f"account.{name}"].to_list() == [PAIRS[name][0]] * 4 + [PAIRS[name][1]] * 4
    for row in table.iter_rows(named=True):
        assert metrics_of(row) == alone(row), row["lane"]
    assert not table.drop("lane", f"account.{name}")[:4].equals(table.drop("lane", f"account.{name}")[4:])


def test_settings_of_every_kind_go_together_and_change_slowest() -> None:
    settings = {"account.slippage": [0, 0.001], "refresh": [False, True], "events.delay": ["0s", "20d"]}
    account = Account(cash_rate=0.02, borrow_rate=0.1)
    found = sweep(
        ShortBubbleWarning, MARKET, EVENTS, account, hold=[5, 15], stop=[0.1, None], settings=settings, precision="float64"
    )  # fmt: skip
    table = found.table
    assert table.columns[:6] == ["lane", *settings, "hold", "stop"]
    # the last parameter fastest, the first setting slowest
    assert table.select(*settings, "hold", "stop").rows()[:6] == [
        (0.0, False, "0s", 5.0, 0.1), (0.0, False, "0s", 5.0, None), (0.0, False, "0s", 15.0, 0.1), (0.0, False, "0s", 15.0, None),
        (0.0, False, "20d", 5.0, 0.1), (0.0, False, "20d", 5.0, None),
    ]  # fmt: skip
    assert table.select(*settings).unique().height == 8
    for row in table.iter_rows(named=True):
        assert metrics_of(row) == alone(row, account) == found[row["lane"]].metrics, row["lane"]
    run = found[31]
    assert (run.info["account"]["slippage"], run.info["parameters"]["refresh"], run.info["account"]["cash_rate"]) == (
        0.001,
        True,
        0.02,
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_pieces_and_what_is_kept_change_nothing(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    axes: dict[str, Any] = {
        "hold": span(1, 9),
        "settings": {"account.borrow_rate": span(0, 1, 5), "basket": [(), "NVDA"], "account.lot": [0, 1]},
    }
    whole = swept(**axes)
    monkeypatch.setattr(sys.modules["engine.lanes"], "PIECE", 7)
    monkeypatch.setattr(sys.modules["engine.stages"], "_KEPT", 1)
    monkeypatch.setattr(sys.modules["engine.stages"], "_SHARE", 0.0)
    parts = swept(**axes, threads=threads)
    assert parts.table.equals(whole.table)
    assert parts.summary.to_table().equals(whole.summary.to_table())
    numbers = np.random.default_rng(1).permutation(len(whole))
    found = parts.lanes.metrics(numbers)
    np.testing.assert_array_equal(found, whole.table.select(METRICS).to_numpy().T[:, numbers])


def test_a_sweep_without_settings_has_the_numbers_and_bits_that_it_had() -> None:
    plain = swept(hold=span(1, 9), stop=[0.1, 0.2])
    one = swept(hold=span(1, 9), stop=[0.1, 0.2], settings={"account.slippage": [0.0005], "refresh": [False]})
    assert one.table.drop("account.slippage", "refresh").equals(plain.table)


@pytest.mark.parametrize(
    ("settings", "column", "shown"),
    [
        ({"account.slippage": np.array([0, 0.5], np.float32)}, "account.slippage", [0.0, 0.5]),
        ({"account.slippage": [Decimal("0.001"), Fraction(1, 500)]}, "account.slippage", [0.001, 0.002]),
        ({"account.cash": pl.Series([10_000, 20_000])}, "account.cash", [1e4, 2e4]),
        ({"account.cash": pd.Series([10_000, 20_000])}, "account.cash", [1e4, 2e4]),
        ({"account.lot": range(3)}, "account.lot", [0.0, 1.0, 2.0]),
        ({"account.lot": span(0, 1, 3)}, "account.lot", [0.0, 0.5, 1.0]),
        ({"account.lot": 10}, "account.lot", [10.0]),
        ({"refresh": [True, "no"]}, "refresh", [True, False]),
        ({"basket": ["NVDA", ["NVDA", "PLTR"], ()]}, "basket", ["NVDA", "NVDA,PLTR", ""]),
        ({"basket": "NVDA"}, "basket", ["NVDA"]),
        ({"events.delay": ["0s", "90m", dt.timedelta(days=1), "1.5s"]}, "events.delay", ["0s", "90m", "1d", "1.5s"]),
    ],
)  # fmt: skip
def test_values_come_in_any_form_and_are_shown_as_what_they_are(settings: Any, column: str, shown: list[Any]) -> None:
    found = swept(hold=[5], settings=settings)
    assert found.table[column].to_list() == shown
    assert found.marginal(column, "total_return")[column].to_list() == (
        sorted(shown) if column.startswith("account") else shown
    )
    assert list(found.grid.distinct(column)) == shown
    assert found.heatmap("hold", column, "total_return")["count"].sum() == len(shown)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"slippage": [0]}, r"got 'slippage' \(did you mean 'account\.slippage'\?\)"),
        ({"delay": ["1d"]}, r"got 'delay' \(did you mean 'events\.delay'\?\)"),
        ({"account.slipage": [0]}, r"did you mean 'account\.slippage'"),
        ({"refesh": [0]}, "did you mean 'refresh'"),
        ({"account.cash_rate": [0, 0.1]}, "account.cash_rate must have one value in a sweep"),
        ({"account.debit_rate": [0, 0.1]}, "account.debit_rate must have one value in a sweep"),
        ({"account.fill": ["open", "close"]}, "account.fill must have one value"),
        ({"account.kind": ["columns"]}, "account.kind must have one value"),
        ({"account.bars_per_year": [252]}, "account.bars_per_year must have one value"),
        ({"hold": [5]}, "hold must stand beside settings"),
        (
            {"account.slippage": between(0, 0.01)},
            r"must be a value or a list of values \(got a range, 0, 0.01\); write span\(0, 0.01, 5\)",
        ),
        ({"account.slippage": [-1]}, r"must be a number from 0 to 0.5 \(got -1\)"),
        ({"account.slippage": ["0.1"]}, r"got '0.1'"),
        ({"account.slippage": [True]}, "got True"),
        ({"account.slippage": None}, "got None"),
        ({"account.slippage": []}, "must have one value or more"),
        ({"account.slippage": [0, 0.0]}, "must list each value once"),
        ({"account.slippage": {0, 0.1}}, r"got a set\); write it as a list"),
        ({"account.slippage": (x for x in [0])}, r"got a generator\); write it as a list"),
        ({"events.delay": ["60m", "1h"]}, "must list each value once"),
        ({"events.delay": ["soon"]}, "is not a length of time"),
        ({"refresh": [True, "yes"]}, "must list each value once"),
        ({"refresh": ["maybe"]}, "a switch must be true or false"),
        ({"basket": ["NVDA", "NVDAX"]}, "did you mean 'NVDA'"),
        ({"basket": [5]}, "basket cannot be made of 5"),
        ({"basket": [[a] for a in MARKET.assets] * 3}, "must have 64 values at most"),
        ({"account.lot": span(0, 1, 400), "account.cash": span(1, 400)}, "must make 100,000 combinations at most"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(given: Any, said: str) -> None:
    with pytest.raises(Fault, match=said) as caught:
        swept(hold=[5], settings=given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: swept(hold=[5], settings=[("account.lot", 1)]), "settings must be a dict"),
        (lambda: swept(hold=[5], refresh=True, settings={"refresh": [True]}), "refresh must be given once"),
        (lambda: swept(hold=[5], refresh=[True, False]), "a sweep may have both"),
        (lambda: swept(**{"hold": [5], "account.slippage": [0]}), "account.slippage is a setting"),
        (lambda: swept(of=SmaCross, events=None, fast=[5], settings={"events.delay": ["1d"]}), "must have events to delay"),
        (lambda: swept(table={"hold": [5]}, settings={"account.lot": [1]}), "account.lot is given beside a table"),
        (lambda: swept(table={"hold": [5, 6], "account.lot": [None, 1]}), r"a value in every row of the table \(row 0"),
        (lambda: swept(table={"hold": [5, 6], "refresh": [None, True]}), "refresh: a switch must be true or false"),
        (lambda: swept(table={"hold": [5, 6], "account.lot": ["1", "two"]}), "row 1: account.lot .*got 'two'"),
        (lambda: swept(table={"hold": [5], "account.lots": [1]}), "did you mean 'account.lot'"),
        (lambda: swept(hold=between(1, 9), sample="sobol", lanes=2, settings={"account.lot": [1, 2, 3]}), "lanes must be 3 or more"),
        (lambda: swept(hold=[5], settings={"account.lot": [1]}, where="account.lot > 2"), "where leaves no lane"),
        (lambda: swept(hold=[5], settings={"account.lot": [1]}, where="account.cash > 2"), r"where asks for 'account\.cash'"),
        (lambda: swept(hold=[5], settings={"account.lot": [1, 2]}, where="account.lot = max(account.lot)"), "beside it"),
    ],
)  # fmt: skip
def test_what_goes_ill_together_is_refused_in_one_sentence(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(Fault, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


SETTINGS: dict[str, Any] = {
    "account.slippage": [0, 0.001, 0.002],
    "refresh": [True, False],
    "events.delay": ["0s", "1d"],
}


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("hold > 5 or account.slippage = 0", lambda hold, slip, refresh, delay: hold > 5 or slip == 0),
        ('"account.slippage" = 0 and refresh', lambda hold, slip, refresh, delay: slip == 0 and refresh),
        ("not refresh and events.delay = '1d'", lambda hold, slip, refresh, delay: not refresh and delay == "1d"),
        ("account.slippage > 0.0005", lambda hold, slip, refresh, delay: slip > 0.0005),
        ("account.slippage < hold / 5000", lambda hold, slip, refresh, delay: slip < hold / 5000),
        (pl.col("account.slippage") < pl.col("hold") / 5000, lambda hold, slip, refresh, delay: slip < hold / 5000),
        (lambda account_slippage, hold: account_slippage * 1000 < hold, lambda hold, slip, refresh, delay: slip * 1000 < hold),
        (lambda events_delay: events_delay == "1d", lambda hold, slip, refresh, delay: delay == "1d"),
        ("hold > 9 and refresh", lambda hold, slip, refresh, delay: hold > 9 and refresh),
    ],
)  # fmt: skip
def test_a_constraint_knows_settings(where: Any, kept: Callable[..., bool]) -> None:
    grid = Grid.of(ShortBubbleWarning, {"hold": span(1, 10)}, where=where, settings=SETTINGS)
    rows = [
        (slip, refresh, delay, hold)
        for slip in SETTINGS["account.slippage"]
        for refresh in SETTINGS["refresh"]
        for delay in SETTINGS["events.delay"]
        for hold in span(1, 10)
        if kept(hold, slip, refresh, delay)
    ]
    assert list(zip(*grid.columns(np.arange(grid.size)).values(), strict=True)) == rows
    drawn = Grid.of(
        ShortBubbleWarning, {"hold": between(1, 10)}, where=where, settings=SETTINGS, sample="random", lanes=300
    )
    assert drawn.size == 300
    assert set(zip(*drawn.columns(np.arange(300)).values(), strict=True)) <= set(rows)


def test_a_sample_draws_equally_many_of_each_scenario() -> None:
    axes: dict[str, Any] = {"hold": between(1, 40), "stop": [0.1, None], "sample": "sobol", "lanes": 100}
    found = swept(**axes, settings={"account.slippage": [0, 0.001, 0.002]}, precision="float64")
    # 100 lanes over 3 scenarios: 33 and 34, one after the other
    assert found.table["account.slippage"].rle().struct.field("len").to_list() == [34, 33, 33]
    plain = swept(**axes)
    assert found.table.select("hold", "stop").equals(plain.table.select("hold", "stop")), "lane i draws what it drew"
    for lane in (0, 33, 34, 99):
        row = found.table.row(lane, named=True)
        assert metrics_of(row) == alone(row)


def test_a_table_keeps_its_rows_whatever_scenario_they_are_of() -> None:
    table = pl.DataFrame(
        {
            "hold": [5, 6, 7, 8, 5], "account.slippage": [0.001, 0, 0.001, 0, 0.001], "refresh": [True, False, True, True, True],
            "events.delay": ["15m", "1d", "900s", "0s", "1d"], "basket": [["NVDA"], [], ["NVDA"], ["PLTR", "NVDA"], ["NVDA"]],
        }
    )  # fmt: skip
    for given in (table, table.to_pandas(), table.to_dicts(), table.to_dict(as_series=False)):
        found = swept(table=given, precision="float64").table
        assert found["hold"].to_list() == [5, 6, 7, 8, 5]
        assert found["events.delay"].to_list() == ["15m", "1d", "15m", "0s", "1d"]
        assert found["basket"].to_list() == ["NVDA", "", "NVDA", "PLTR,NVDA", "NVDA"]
        for row in found.iter_rows(named=True):
            assert metrics_of(row) == alone(row)
    kept = swept(table=table, where="account.slippage > 0 and hold < 7").table
    assert kept["hold"].to_list() == [5, 5]
    assert swept(table=table.select("account.slippage")).table["account.slippage"].to_list() == [
        0.001,
        0,
        0.001,
        0,
        0.001,
    ]


@pytest.mark.parametrize(
    ("column", "cells", "shown"),
    [
        ("refresh", ["true", "false"], [True, False]),
        ("refresh", [" TRUE", "no "], [True, False]),
        ("refresh", ["1", "0"], [True, False]),
        ("events.delay", ["15m", "900s"], ["15m", "15m"]),
        ("events.delay", [" 1d", "0s"], ["1d", "0s"]),
        ("basket", ["NVDA", "PLTR"], ["NVDA", "PLTR"]),
        ("basket", ["NVDA,PLTR", "PLTR, NVDA"], ["NVDA,PLTR", "PLTR,NVDA"]),
        ("account.lot", ["10", "1e2"], [10.0, 100.0]),
        ("account.slippage", ["0.001", "0"], [0.001, 0.0]),
        ("stop", ["0.1", "none"], [0.1, None]),
    ],
)
def test_texts_of_a_table_are_read_as_what_their_column_is(
    column: str, cells: list[str], shown: list[Any], tmp_path: Path
) -> None:
    table = pl.DataFrame({"hold": ["5", "6"], column: cells})
    table.write_csv(tmp_path / "sets.csv")
    for given in (table, tmp_path / "sets.csv"):
        found = swept(table=given).table
        assert found["hold"].to_list() == [5, 6]
        assert found[column].to_list() == shown


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        ("refresh", ["true", "maybe"], "a switch must be true or false .got 'maybe'"),
        ("refresh", ["true", ""], r"line 3: refresh must be given in every row \(got nothing\)"),
        ("basket", ["NVDA", "600519"], "basket names '600519', allowed are the market's"),
        ("events.delay", ["1d", "soon"], "'soon' is not a length of time"),
        ("events.delay", ["1d", ""], r"line 3: events.delay must be given in every row \(got nothing\)"),
        ("account.lot", ["1", "two"], "line 3: account.lot must be a number"),
    ],
)
def test_texts_that_are_not_what_their_column_is_are_refused(
    column: str, cells: list[str], said: str, tmp_path: Path
) -> None:
    pl.DataFrame({"hold": ["5", "6"], column: cells}).write_csv(tmp_path / "sets.csv")
    with pytest.raises(Fault, match=said):
        swept(table=tmp_path / "sets.csv")


def test_scenarios_of_other_rules_and_tables() -> None:
    hedged = swept(
        of=HedgedBubbleShort,
        hold=[5],
        settings={"index": ["SPY", "NVDA"], "basket": [(), ["PLTR"]]},
        precision="float64",
    )
    for row in hedged.table.iter_rows(named=True):
        run = backtest(HedgedBubbleShort(hold=5, index=row["index"], basket=row["basket"]), MARKET, EVENTS)
        assert metrics_of(row) == run.metrics
    signals = [
        pl.DataFrame({"asset": ["NVDA"], "session": [MARKET.sessions[3].item()], "weight": [w]}) for w in (0.1, 0.2)
    ]
    told = sweep(Signals, MARKET, settings={"signals": signals}, precision="float64").table
    assert told["signals"].n_unique() == 2
    for row, table in zip(told.iter_rows(named=True), signals, strict=True):
        assert metrics_of(row) == backtest(Signals(signals=table), MARKET).metrics


def test_windows_and_averages_are_shared_between_scenarios() -> None:
    axes: dict[str, Any] = {
        "fast": [5, 10],
        "slow": [20, 40],
        "settings": {"account.fee_rate": [0, 0.01], "account.borrow_rate": [0, 1]},
    }
    found = sweep(SmaCross, MARKET, **axes, precision="float64")
    for row in found.table.iter_rows(named=True):
        account = Account(fee_rate=row["account.fee_rate"], borrow_rate=row["account.borrow_rate"])
        assert metrics_of(row) == backtest(SmaCross(fast=row["fast"], slow=row["slow"]), MARKET, None, account).metrics
    stages = found.lanes._lay_out()
    assert stages.of(3).work.bars.feature is stages.first.work.bars.feature


def test_tops_summaries_files_and_estimates_know_settings(tmp_path: Path) -> None:
    axes: dict[str, Any] = {"hold": span(1, 5), "settings": {"account.cash": [1e4, 1e6], "refresh": [False, True]}}
    found = swept(**axes, write=tmp_path / "lanes.parquet")
    assert pl.read_parquet(tmp_path / "lanes.parquet").equals(found.table)
    best = found.top(3, "total_return")
    assert {"account.cash", "refresh", "hold", "shared"} <= set(best.columns)
    for row in best.iter_rows(named=True):
        account = Account(cash=row["account.cash"])
        run = backtest(ShortBubbleWarning(hold=row["hold"], refresh=row["refresh"]), MARKET, EVENTS, account)
        assert row["total_return"] == run.metrics["total_return"]
    means = found.table.group_by("account.cash").agg(pl.col("final_equity").mean()).sort("account.cash")["final_equity"]
    assert found.marginal("account.cash", "final_equity")["mean"].to_list() == pytest.approx(means.to_list(), rel=1e-6)
    estimate = Estimate.of(found.lanes, write=True)
    # a lane: its number and three swept values of 8 bytes, 23 metrics of 4
    assert (estimate.lanes, estimate.disk) == (20, 20 * (8 + 3 * 8 + 23 * 4))
    assert repr(found) == "Sweep(short_bubble_warning, 20 lanes over account.cash, refresh, hold)"


def test_what_a_grid_is_made_of_can_be_hashed() -> None:
    one, other = (
        Grid.of(ShortBubbleWarning, {"hold": [5]}, settings={"account.lot": lots, "refresh": [True], "events.delay": ["60m"]})
        for lots in ([0, 1], [0.0, np.int64(1)])
    )  # fmt: skip
    assert (
        one.settings
        == other.settings
        == {"account.lot": ("0.0", "1.0"), "refresh": ("True",), "events.delay": (repr(dt.timedelta(hours=1)),)}
    )
    assert Grid.of(ShortBubbleWarning, {"hold": [5]}).settings == {}


def test_none_is_null_wherever_it_is_shown() -> None:
    found = swept(hold=[5, None], stop=[0.1, None])
    for shown in (found.table, found.top(4, "total_return"), found.marginal("stop"), found.heatmap("stop", "hold")):
        for name in {"hold", "stop"} & set(shown.columns):
            assert shown[name].null_count() > 0
            assert not shown[name].drop_nulls().is_infinite().any()
    assert found.marginal("stop")["stop"].to_list() == [0.1, None], "none is endless, and so the last"
    assert found.heatmap("stop", "hold").select("stop", "hold").rows() == [
        (0.1, 5),
        (0.1, None),
        (None, 5),
        (None, None),
    ]
    many = swept(hold=[*span(1, 2000), None], take=[0.1, None]).marginal("hold", "exposure")
    assert (len(many), many["hold"].null_count(), many["count"][-1]) == (65, 1, 2), "64 stretches, and none by itself"
    coarse = swept(hold=[*span(1, 80), None], take=[0.1, None]).heatmap("hold", "take", "exposure")
    assert coarse.filter(pl.col("hold").is_null())["count"].to_list() == [1, 1]
