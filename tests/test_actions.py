"""Dividends and splits of rows that are no bars reach whoever holds the asset: none is lost, none counts twice."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.account import Account
from engine.backtest import backtest
from engine.buy_and_hold import buy_and_hold
from engine.calendars import calendar
from engine.faults import Fault
from engine.market import Market
from engine.prices import import_prices
from strategies.signals import Signals

# Thu 2, Fri 3, Mon 6, Tue 7, Wed 8, (Thu 9: mourning day), Fri 10, Mon 13 .. of January 2025.
DAYS = calendar("XNYS").between("2025-01-02", "2025-02-28").astype(object).tolist()
FREE = Account(slippage=0.0, fee_rate=0.0, borrow_rate=0.0, cash=100_000.0)
Cells = dict[str, float | None]


def table(
    rows: int = 8,
    halted: tuple[int, ...] = (),
    extra: Sequence[tuple[dt.date, Cells]] = (),
    **columns: dict[int, float],
) -> pl.DataFrame:
    """Bars at 100, then what `columns` says by row, rows without prices, and further rows at the end."""
    names = ["open", "high", "low", "close"]
    made = [
        {
            "date": DAYS[i],
            **dict.fromkeys(names, None if i in halted else 100.0),
            "dividend": columns.get("dividend", {}).get(i, 0.0),
            "split": columns.get("split", {}).get(i, 0.0),
        }
        for i in range(rows)
    ]
    made += [{"date": day, **dict.fromkeys(names), "dividend": 0.0, "split": 0.0, **cells} for day, cells in extra]
    schema = {"date": pl.Date, **dict.fromkeys([*names, "dividend", "split"], pl.Float64)}
    return pl.DataFrame(made, schema=schema).sort("date", maintain_order=True)


def held(market: Market, weight: float = 1.0) -> float:
    """Give the dividends of a position that is entered at the first open, with 100,000 at 100 a share."""
    told = pl.DataFrame({"asset": market.assets[0], "session": [market.sessions[0].astype(object)], "weight": [weight]})
    run = backtest(Signals(signals=told), market, None, FREE)
    return float(run.trades["dividends"].sum())


SATURDAY, SUNDAY, MOURNING = dt.date(2025, 1, 4), dt.date(2025, 1, 5), dt.date(2025, 1, 9)
FILLED = {"open": 100.0, "high": 100.0, "low": 100.0, "close": 100.0}

CASES = {
    # What is paid at each of the bars of DAYS, by their place.
    "on a bar": (table(dividend={2: 0.5}), {2: 0.5}),
    "on a Saturday": (table(extra=[(SATURDAY, {"dividend": 0.5})]), {2: 0.5}),
    "on a Saturday that a vendor filled": (table(extra=[(SATURDAY, {**FILLED, "dividend": 0.5})]), {2: 0.5}),
    "on a Saturday and a Sunday": (
        table(extra=[(SATURDAY, {"dividend": 0.5}), (SUNDAY, {"dividend": 0.25})]),
        {2: 0.75},
    ),
    "on a Saturday, and on the Monday": (table(extra=[(SATURDAY, {"dividend": 0.5})], dividend={2: 0.25}), {2: 0.75}),
    "on a holiday": (table(extra=[(MOURNING, {"dividend": 0.5})]), {5: 0.5}),
    "while halted": (table(halted=(2,), dividend={2: 0.5}), {2: 0.5}),
    "while halted for long": (table(halted=(2, 3, 4), dividend={3: 0.5}), {3: 0.5}),
    "twice while halted": (table(halted=(2, 3, 4), dividend={3: 0.5, 4: 0.25}), {3: 0.5, 4: 0.25}),
    "on a Saturday within a halt": (table(halted=(1, 2), extra=[(SATURDAY, {"dividend": 0.5})]), {2: 0.5}),
    "after the last bar": (table(halted=(7,), dividend={7: 0.5}), {}),  # the market ends with its prices
    "after the last bar, on a weekend": (table(7, extra=[(dt.date(2025, 1, 12), {"dividend": 0.5})]), {6: 0.5}),
    "after all bars, on a weekend": (table(6, extra=[(dt.date(2025, 1, 12), {"dividend": 0.5})]), {}),
    "long after all bars": (table(extra=[(dt.date(2025, 12, 15), {"dividend": 0.5})]), {}),
    # Downloads that overlap bring the same payment twice: it is paid once.
    "on a Saturday, given twice": (table(extra=[(SATURDAY, {"dividend": 0.5})] * 2), {2: 0.5}),
    "on a Saturday, given thrice": (table(extra=[(SATURDAY, {"dividend": 0.5})] * 3), {2: 0.5}),
    "on a filled Saturday, given twice": (table(extra=[(SATURDAY, {**FILLED, "dividend": 0.5}), (SATURDAY, {"dividend": 0.5})]), {2: 0.5}),
    "on a holiday, given twice": (table(extra=[(MOURNING, {"dividend": 0.5})] * 2), {5: 0.5}),
    "while halted, given twice": (table(halted=(2,), dividend={2: 0.5}, extra=[(DAYS[2], {"dividend": 0.5})]), {2: 0.5}),
    "on a bar, and in a row of its own": (table(dividend={3: 0.5}, extra=[(DAYS[3], {"dividend": 0.5})]), {3: 0.5}),
    "on a bar, and other in a row of its own": (table(dividend={3: 0.5}, extra=[(DAYS[3], {"dividend": 0.25})]), {3: 0.75}),
    "in a row of its own, given twice": (table(extra=[(DAYS[3], {"dividend": 0.5})] * 2), {3: 0.5}),
    "once with the split, once without": (
        table(extra=[(DAYS[3], {"dividend": 0.5, "split": 1.0}), (DAYS[3], {"dividend": 0.5, "split": None})]), {3: 0.5}),
    "the same on a Saturday and a Sunday": (
        table(extra=[(SATURDAY, {"dividend": 0.5}), (SUNDAY, {"dividend": 0.5})]), {2: 1.0}),
    "in a row of its own": (table(extra=[(DAYS[3], {"dividend": 0.5})]), {3: 0.5}),
    "two rows of its own": (table(extra=[(DAYS[3], {"dividend": 0.5}), (DAYS[3], {"dividend": 0.25})]), {3: 0.75}),
    "on a bar without an open": (table(dividend={3: 0.5}).with_columns(open=pl.Series([100.0] * 3 + [None] + [100.0] * 4)), {3: 0.5}),
    "before the first bar": (table(halted=(0,), dividend={0: 0.5}), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("entry", ["frame", "csv", "parquet"])
def test_a_dividend_is_paid_on_its_ex_date_or_at_the_next_session(tmp_path: Path, case: str, entry: str) -> None:
    frame, paid = CASES[case]
    if entry == "frame":
        market = Market.from_frame(frame, asset="ABC")
    else:
        frame.write_csv(tmp_path / "ABC.csv") if entry == "csv" else frame.write_parquet(tmp_path / "ABC.parquet")
        market = Market.read(tmp_path / f"ABC.{entry}")
    days = [day.astype(object) for day in market.sessions]
    dividend = market.columns().dividend[0]
    assert {DAYS.index(day): amount for day, amount in zip(days, dividend, strict=True) if amount} == paid
    if entry == "frame":  # 100,000 buy 1,000 shares at the first open; a short pays what a long gets
        assert held(market) == pytest.approx(1000 * sum(paid.values()), rel=1e-12)
        assert held(market, -1.0) == pytest.approx(-1000 * sum(paid.values()), rel=1e-12)
    assert buy_and_hold(market, 100_000.0)[-1] == pytest.approx(100_000 + 1000 * sum(paid.values()))
    # The file and a part of the market keep it.
    market.write(tmp_path / "market.parquet")
    again = Market.read(tmp_path / "market.parquet")
    assert again.frame.equals(market.frame)
    np.testing.assert_array_equal(again.columns().dividend, market.columns().dividend)
    np.testing.assert_array_equal(Market.from_frame(market.frame).columns().dividend, market.columns().dividend)
    whole = market.select("ABC", start=days[0], end=days[-1])
    np.testing.assert_array_equal(whole.columns().dividend, market.columns().dividend)


def test_what_was_moved_or_paid_without_a_bar_is_said() -> None:
    frame = table(halted=(3,), dividend={3: 0.25}, extra=[(SATURDAY, {"dividend": 0.5})])
    found = Market.from_frame(frame, asset="ABC").findings
    moved = found.filter(check="action_moved").row(0, named=True)
    assert "on 2025-01-04, which is no bar; it counts at the next, of 2025-01-06" in moved["message"]
    assert "ABC pays 0.25 here, where it has no bar" in found.filter(check="dividend_without_bar")["message"][0]
    early = Market.from_frame(table(halted=(0,), dividend={0: 0.5}), asset="ABC").findings
    assert early.filter(check="action_before_listing").height == 1


def test_what_is_given_twice_or_after_the_end_is_said() -> None:
    found = Market.from_frame(table(extra=[(SATURDAY, {"dividend": 0.5})] * 2), asset="ABC").findings
    assert "on 2025-01-04 here again; it counts once" in found.filter(check="duplicate")["message"][0]
    market = Market.from_frame(table(extra=[(dt.date(2025, 12, 15), {"dividend": 0.5})]), asset="ABC")
    assert len(market.opens) == 8  # the bars of `table`
    late = market.findings.filter(check="action_to_come")
    assert late["severity"].to_list() == ["warning"]
    assert "after the last bar of these prices; it is left out" in late["message"][0]


def test_what_would_count_in_the_future_is_left_out_and_said() -> None:
    # Today and the days before it, and a dividend on the coming Saturday would be future; one of yesterday, if that was no
    # session, counts at the next, which may not have come: then it is left out.
    sessions = calendar("XNYS")
    last = sessions.sessions[
        sessions.opens < np.datetime64(dt.datetime.now(dt.UTC).replace(tzinfo=None), "us").astype(int)
    ]
    days = last[-5:].astype(object).tolist()
    today = dt.datetime.now(dt.UTC).date()
    gap = next((day for day in (days[-1] + dt.timedelta(days=n) for n in (1, 2, 3)) if day < today), None)
    frame = table(5, extra=[(gap, {"dividend": 0.5})] if gap else []).with_columns(
        date=pl.Series([*days, *([gap] if gap else [])])
    )
    market = Market.from_frame(frame, asset="ABC")
    assert len(market.opens) == 5
    assert market.findings.filter(check="action_to_come").height == (1 if gap else 0)


def test_dividends_of_intraday_rows_outside_hours_count_at_the_open() -> None:
    stamps = [f"2025-01-03 {clock}:00-05:00" for clock in ("04:00", "09:30", "09:35", "09:40", "17:00")]
    stamps += [f"2025-01-06 {clock}:00-05:00" for clock in ("09:30", "09:35", "09:40")]
    prices = {name: [100.0] * 8 for name in FILLED}
    frame = pl.DataFrame({"time": stamps, **prices, "dividend": [0.5, 0, 0, 0, 0.25, 0, 0, 0.125]})
    market = Market.from_frame(frame, asset="ABC", interval="5m")
    paid = market.frame.filter(pl.col("dividend") > 0).select(pl.col("time").cast(str), "dividend").rows()
    assert [(time[:16], amount) for time, amount in paid] == [
        ("2025-01-03 14:30", 0.5),
        ("2025-01-06 14:30", 0.25),
        ("2025-01-06 14:40", 0.125),
    ]
    # With all hours, each stays where it stands.
    whole = Market.from_frame(frame, asset="ABC", interval="5m", hours="all").frame.filter(pl.col("dividend") > 0)
    assert whole["dividend"].to_list() == [0.5, 0.25, 0.125]


def halved(at: int, rows: int = 8) -> dict[str, pl.Series]:
    """Prices as quoted, of a share that splits 2 for 1."""
    return {name: pl.Series([100.0] * at + [50.0] * (rows - at)) for name in FILLED}


SPLITS = {
    # The table, the close at the first bar once adjusted, and S there: what was quoted is their product.
    "quoted, on a bar": (table(split={3: 2.0}).with_columns(**halved(3)), 50.0, 2.0),
    "quoted, while halted": (table(split={3: 2.0}).with_columns(**{
        name: pl.Series([100.0] * 3 + [None] + [50.0] * 4) for name in FILLED}), 50.0, 2.0),
    "quoted, on a Saturday": (
        table(8, extra=[(SATURDAY, {"split": 2.0})]).with_columns(**{
            name: pl.Series([100.0] * 2 + [None] + [50.0] * 6) for name in FILLED}), 50.0, 2.0),
    "adjusted, on a bar": (table(split={3: 2.0}), 100.0, 2.0),
    "adjusted, while halted": (table(halted=(3,), split={3: 2.0}), 100.0, 2.0),
    "adjusted, while halted for long": (table(halted=(2, 3, 4), split={3: 2.0}), 100.0, 2.0),
    "adjusted, on a holiday": (table(extra=[(MOURNING, {"split": 2.0})]), 100.0, 2.0),
    "adjusted, in a row of its own": (table(extra=[(DAYS[4], {"split": 2.0})]), 100.0, 2.0),
    "adjusted, two within a halt": (table(halted=(2, 3, 4), split={3: 2.0, 4: 5.0}), 100.0, 10.0),
    "quoted, two within a halt": (table(split={3: 2.0, 4: 5.0}).with_columns(**{
        name: pl.Series([100.0] * 3 + [None, None] + [10.0] * 3) for name in FILLED}), 10.0, 10.0),
    "quoted, on a Saturday, given twice": (
        table(8, extra=[(SATURDAY, {"split": 2.0})] * 2).with_columns(**{
            name: pl.Series([100.0] * 2 + [None] * 2 + [50.0] * 6) for name in FILLED}), 50.0, 2.0),
    "quoted, on a bar, and in a row of its own": (
        table(8, split={3: 2.0}, extra=[(DAYS[3], {"split": 2.0})]).with_columns(**{
            name: pl.Series([100.0] * 3 + [50.0, None] + [50.0] * 4) for name in FILLED}), 50.0, 2.0),
    "adjusted, on a holiday, given twice": (table(extra=[(MOURNING, {"split": 2.0})] * 2), 100.0, 2.0),
    "reverse, while halted": (table(halted=(3,), split={3: 0.1}), 100.0, 0.1),
    "at the first bar": (table(split={0: 2.0}), 100.0, 1.0),
    "after the last bar": (table(halted=(7,), split={7: 2.0}), 100.0, 1.0),
    "after all bars": (table(6, extra=[(dt.date(2025, 1, 12), {"split": 2.0})]), 100.0, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("case", SPLITS)
def test_a_split_without_a_bar_neither_halves_a_sound_history_nor_is_lost(case: str) -> None:
    frame, close, later = SPLITS[case]
    columns = Market.from_frame(frame, asset="ABC").columns()
    bars = columns.close[0][np.isfinite(columns.close[0])]
    assert bars.tolist() == pytest.approx([close] * len(bars), rel=1e-12)
    assert columns.split[0, 0] == pytest.approx(later, rel=1e-12)


def test_a_dividend_before_a_split_without_a_bar_counts_per_adjusted_share() -> None:
    # Halted on rows 2 to 4; 1.00 a share on row 2, a split 2 for 1 on row 3, 0.30 a share on row 4: 0.50 and 0.30 today.
    frame = table(halted=(2, 3, 4), dividend={2: 1.0, 4: 0.3}, split={3: 2.0}).with_columns(
        **{name: pl.Series([100.0] * 2 + [None] * 3 + [50.0] * 3) for name in FILLED}
    )
    assert Market.from_frame(frame, asset="ABC").columns().dividend[0].tolist() == [0, 0, 0.5, 0, 0.3, 0, 0, 0]


def test_a_wrong_adjusted_close_is_no_dividend() -> None:
    # A misplaced decimal steps up and down again; a dividend of 0.50 after a close of 20 (a factor of 0.975) stays.
    adjusted = [19.5] * 4 + [20.0] * 6
    frame = pl.DataFrame({"date": DAYS[:10], **{name: [20.0] * 10 for name in FILLED}})
    for place, wrong in ((2, 195.0), (2, 1.95), (7, 200.0), (7, 2.0)):
        misprinted = [wrong if i == place else value for i, value in enumerate(adjusted)]
        market = Market.from_frame(frame.with_columns(pl.Series("Adj Close", misprinted)), asset="ABC")
        assert market.frame["dividend"].to_list() == pytest.approx([0] * 4 + [0.5] + [0] * 5, abs=1e-9)
        assert market.findings.filter(check="adj_close_falls").height == 1


def test_the_last_of_two_rows_keeps_the_dividend_of_the_other() -> None:
    frame = pl.concat([table(dividend={3: 0.5}), table()[3:4].with_columns(close=pl.lit(99.0), low=pl.lit(99.0))])
    market = Market.from_frame(frame, asset="ABC", accept=["conflicting_duplicate"])
    assert (market.frame["close"][3], market.frame["dividend"][3]) == (99.0, 0.5)


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.25, 0.5]), min_size=40, max_size=40),
    st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_no_dividend_is_lost_whatever_is_halted(amounts: list[float], halted: list[bool]) -> None:
    """Every day of 40, sessions or not, may pay, and any session but the first may have no bar."""
    every = [DAYS[0] + dt.timedelta(days=n) for n in range(40)]
    sessions = set(DAYS)
    rows = [
        {"date": day, "dividend": amount, **{name: 100.0 if there else None for name in FILLED}}
        for n, (day, amount, off) in enumerate(zip(every, amounts, halted, strict=True))
        if (there := day in sessions and (n == 0 or not off)) or amount
    ]
    schema = {"date": pl.Date, "dividend": pl.Float64, **dict.fromkeys(FILLED, pl.Float64)}
    market = Market.from_frame(pl.DataFrame(rows, schema=schema), asset="ABC")
    due = {day.astype(object): 0.0 for day in market.sessions}
    for day, amount in zip(every, amounts, strict=True):
        if amount and day <= max(due):  # of quarters, so that sums are exact
            due[next(session for session in DAYS if session >= day)] += amount
    assert market.columns().dividend[0].tolist() == list(due.values())


def test_a_table_of_dividends_alone_is_refused() -> None:
    frame = table(halted=tuple(range(8)), dividend={3: 0.5})
    with pytest.raises(Fault, match=r"wholly empty|No row"):
        Market.from_frame(frame, asset="ABC")


def test_files_of_dividends_beside_files_of_prices(tmp_path: Path) -> None:
    table(dividend={2: 0.5}).write_csv(tmp_path / "A.csv")
    table(halted=(2,), dividend={2: 0.25}).write_csv(tmp_path / "B.csv")
    market = import_prices(tmp_path)
    assert market.columns().dividend.tolist() == [[0, 0, 0.5, 0, 0, 0, 0, 0], [0, 0, 0.25, 0, 0, 0, 0, 0]]
    assert market.select("B").columns().dividend.tolist() == [[0, 0, 0.25, 0, 0, 0, 0, 0]]
