"""Prices at which nothing was traded stop the import, or are repaired by choice; real crashes pass."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.account import Account
from engine.backtest import backtest
from engine.calendars import calendar
from engine.faults import Fault
from engine.market import Market
from engine.prices import import_prices
from strategies.signals import Signals

DAYS = calendar("XNYS").between("2025-01-02", "2025-06-30").astype(object).tolist()


def bars(rows: int = 12, **cells: dict[int, float]) -> pl.DataFrame:
    """Bars of about 100 with a range of 2 %, and other values by column and row; row i is line i + 2 of a file."""
    close = [100.0 + (i % 3) * 0.5 for i in range(rows)]
    made = {
        "date": DAYS[:rows],
        "open": [100.0] * rows,
        "high": [101.5] * rows,
        "low": [99.5] * rows,
        "close": close,
        "volume": [1000.0] * rows,
    }
    for name, values in cells.items():
        for row, value in values.items():
            made[name][row] = value
    return pl.DataFrame(made, strict=False)


EXTREMES = {
    "a high 100 times too high": ({"high": {5: 10_150.0}}, 5),
    "a high 10 times too high": ({"high": {5: 1015.0}}, 5),
    "a high 4 times too high": ({"high": {5: 406.0}}, 5),
    "a low 100 times too low": ({"low": {5: 0.995}}, 5),
    "a low 10 times too low": ({"low": {5: 9.95}}, 5),
    "a low of a cent": ({"low": {5: 0.01}}, 5),
    "both": ({"high": {5: 1015.0}, "low": {5: 9.95}}, 5),
    "the first high": ({"high": {0: 1015.0}}, 0),
    "the last high": ({"high": {11: 1015.0}}, 11),
    "the first low": ({"low": {0: 9.95}}, 0),
    "the last low": ({"low": {11: 0.995}}, 11),
    "two highs after each other": ({"high": {5: 10_150.0, 6: 1015.0}}, 5),
}


@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.parametrize("entry", ["csv", "frame"])
def test_an_extreme_that_nothing_bears_out_stops_the_import_or_is_cut(tmp_path: Path, case: str, entry: str) -> None:
    cells, row = EXTREMES[case]
    frame = bars(**cells)
    frame.write_csv(tmp_path / "ABC.csv")
    with pytest.raises(Fault) as caught:
        import_prices(tmp_path / "ABC.csv")
    sentence = str(caught.value)
    assert f"ABC.csv, line {row + 2}: the {'high' if 'high' in cells else 'low'} of ABC" in sentence
    assert "accept 'outlying_extreme' (the high or low is cut to the bar's open and close)" in sentence
    market = (
        import_prices(tmp_path / "ABC.csv", accept=["outlying_extreme"])
        if entry == "csv"
        else Market.from_frame(frame, asset="ABC", accept=["outlying_extreme"])
    )
    # The bar stays, between its open and close; no other bar changes.
    clean = Market.from_frame(bars(), asset="ABC").frame
    for name, values in cells.items():
        for place in values:
            edge = max if name == "high" else min
            body = edge(clean["open"][place], clean["close"][place])
            clean = clean.with_columns(pl.Series(name, [body if i == place else v for i, v in enumerate(clean[name])]))
    assert market.frame.equals(clean)
    found = market.findings.filter(check="outlying_extreme")
    assert set(found["severity"]) == {"warning"}
    assert found["message"].str.contains("it is cut to open and close").all()


PRICES = {
    "a close 10 times too high": ({"close": {5: 1000.0}, "high": {5: 1000.0}}, "close"),
    "a close 100 times too low": ({"close": {5: 1.0}, "low": {5: 1.0}}, "close"),
    "an open 10 times too high": ({"open": {5: 1000.0}, "high": {5: 1000.0}}, "open"),
    "an open 100 times too low": ({"open": {5: 1.0}, "low": {5: 1.0}}, "open"),
    "a bar 100 times too high": ({name: {5: 10_000.0} for name in ("open", "high", "low", "close")}, "bar"),
    "a bar 100 times too low": ({name: {5: 1.0} for name in ("open", "high", "low", "close")}, "bar"),
    "a bar 10 times too low": ({"open": {5: 10.0}, "high": {5: 10.1}, "low": {5: 9.9}, "close": {5: 10.05}}, "bar"),
    "a bar 4 times too high": ({"open": {5: 400.0}, "high": {5: 404.0}, "low": {5: 396.0}, "close": {5: 402.0}}, "bar"),
    "the last close": ({"close": {11: 1000.0}, "high": {11: 1000.0}}, "close"),
    "the first open": ({"open": {0: 10.0}, "low": {0: 10.0}}, "open"),
}


@pytest.mark.parametrize("case", PRICES)
def test_a_price_that_comes_and_goes_stops_the_import_or_the_bar_is_left_out(tmp_path: Path, case: str) -> None:
    cells, which = PRICES[case]
    row = next(iter(cells["open" if "open" in cells else "close"]))
    bars(**cells).write_csv(tmp_path / "ABC.csv")
    with pytest.raises(Fault) as caught:
        import_prices(tmp_path / "ABC.csv")
    assert f"ABC.csv, line {row + 2}: the {which} of ABC, " in str(caught.value)
    assert "accept 'outlying_price' (the bar is left out)" in str(caught.value)
    market = import_prices(tmp_path / "ABC.csv", accept=["outlying_price"])
    assert market.frame.equals(Market.from_frame(bars(), asset="ABC").frame.filter(pl.col("session") != DAYS[row]))


def test_no_stop_fills_at_a_high_that_was_never_traded() -> None:
    # A short from 100 with a stop at 105; a high of 1,015 would have stopped it, and one of 104 does not.
    told = pl.DataFrame({"asset": ["ABC"], "session": [DAYS[1]], "weight": [-1.0]})
    market = Market.from_frame(bars(high={5: 1015.0}), asset="ABC", accept=["outlying_extreme"])
    run = backtest(Signals(signals=told, stop=0.05), market, None, Account())
    assert run.trades["exit_reason"].to_list() == ["OPEN"]


def test_a_dividend_of_a_bar_that_is_left_out_is_still_paid() -> None:
    frame = bars(close={5: 1000.0}, high={5: 1000.0}).with_columns(
        dividend=pl.Series([0.5 if i == 5 else 0.0 for i in range(12)])
    )
    market = Market.from_frame(frame, asset="ABC", accept=["outlying_price"])
    assert market.columns().dividend[0].tolist() == [0.0] * 5 + [0.5] + [0.0] * 6


def test_declared_splits_are_no_outliers() -> None:
    # Quoted prices fall to a tenth for good, and the high of the day stands between.
    later, prices = pl.int_range(12) >= 6, ("open", "high", "low", "close")
    frame = bars().with_columns(
        *(pl.when(later).then(pl.col(name) / 10).otherwise(name).alias(name) for name in prices),
        split=pl.Series([10.0 if i == 6 else 0.0 for i in range(12)]),
    )
    assert Market.from_frame(frame, asset="ABC").frame.height == 12
    frame = frame.with_columns(high=pl.Series([1000.0 if i == 6 else value for i, value in enumerate(frame["high"])]))
    with pytest.raises(Fault, match="row 6: the high of ABC"):
        Market.from_frame(frame, asset="ABC")


WIDE = {
    "AMD on 2008-09-29: a low 1.43 times below": bars(low={5: 70.0}),
    "VIX on 2024-08-05: a high 1.70 times above": bars(high={5: 170.0}),
    "KKR on 2015-08-24: a low 2.4 times below": bars(low={5: 41.5}),
    "GME on 2021-01-28: between 0.58 and 1.82 times": bars(open={5: 137.0}, high={5: 250.0}, low={5: 58.0}, close={5: 100.0}),
    "a fall by half that stays": bars().with_columns(
        *(pl.when(pl.int_range(12) >= 6).then(pl.col(n) * 0.45).otherwise(n).alias(n) for n in ("open", "high", "low", "close")),
        volume=pl.when(pl.int_range(12) == 6).then(20_000.0).otherwise(1000.0),
    ),
    "a rise to fourfold within a day that stays": bars().with_columns(
        *(pl.when(pl.int_range(12) >= 6).then(pl.col(n) * 4.2).otherwise(n).alias(n) for n in ("open", "high", "low", "close")),
    ).with_columns(
        open=pl.Series([100.0] * 7 + [420.0] * 5), low=pl.Series([99.5] * 7 + [418.0] * 5),
    ),
    "a penny share of wide days": bars(
        high={i: 150.0 for i in range(12)} | {5: 500.0}, low={i: 80.0 for i in range(12)}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WIDE)
def test_real_crashes_and_wide_bars_pass(case: str) -> None:
    market = Market.from_frame(WIDE[case], asset="ABC")
    assert market.frame.height == 12
    assert market.frame["high"].to_list() == WIDE[case]["high"].to_list()
    assert market.frame["low"].to_list() == WIDE[case]["low"].to_list()


def test_what_is_strange_and_possible_is_a_warning() -> None:
    found = Market.from_frame(bars(high={5: 170.0}), asset="ABC").findings.filter(check="outlying_extreme")
    assert found.select("severity", "row", "value").rows() == [("warning", 5, "170.0")]
    assert found["message"][0].endswith("it stays.")


@settings(max_examples=25)
@given(
    st.lists(st.floats(-0.12, 0.12), min_size=30, max_size=30),
    st.integers(0, 29),
    st.sampled_from(["high", "low"]),
    st.sampled_from([10.0, 100.0, 1000.0]),
)
def test_a_misplaced_decimal_is_found_in_any_walk_and_none_elsewhere(
    moves: list[float], row: int, side: str, factor: float
) -> None:
    closes = [100.0]
    for move in moves[1:]:
        closes.append(closes[-1] * (1 + move))
    opens = [100.0, *closes[:-1]]
    days = [dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(30)]
    frame = pl.DataFrame({"date": days, "open": opens, "close": closes}).with_columns(
        high=pl.max_horizontal("open", "close") * 1.02, low=pl.min_horizontal("open", "close") * 0.98
    )
    assert "outlying_extreme" not in Market.from_frame(frame, asset="ABC", calendar="24/7").findings["check"]
    scale = factor if side == "high" else 1 / factor
    wrong = frame.with_columns(pl.when(pl.int_range(30) == row).then(pl.col(side) * scale).otherwise(side).alias(side))
    with pytest.raises(Fault, match=f"row {row}: the {side} of ABC"):
        Market.from_frame(wrong, asset="ABC", calendar="24/7")


@pytest.mark.parametrize(
    "folder", ["us_daily", "us_daily_raw", "dotcom_daily", "index_daily", "crypto_daily", "us_minute_2025-01"]
)
def test_no_real_price_is_an_outlier(folder: str, real: Callable[[str], Market]) -> None:
    checks = set(real(folder).findings["check"])
    assert not checks & {"outlying_extreme", "outlying_price", "dividends_in_prices"}
