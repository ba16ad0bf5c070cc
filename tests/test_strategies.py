"""What each strategy does, on markets small enough to work out by hand.

Unless a test says otherwise a bar is one price, so that the open at which an order fills is the close by which it is
judged; bars are days of a 24/7 market from 2025-01-06 on, and an event of day d is known at noon of that day, acted on
at bar d + 1.
"""

import datetime as dt
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Account, Events, Fault, Market, Run, Strategy, backtest
from engine.events import SCHEMA
from kernels.features import average
from strategies import FadePanic, HedgedBubbleShort, NarrativePressure, ShortBubbleWarning, Signals, SmaCross

FIRST = dt.date(2025, 1, 6)
FREE = Account(slippage=0.0, fee_rate=0.0, borrow_rate=0.0, debit_rate=0.0)
FOREVER = 1e6  # a half-life so long that nothing fades


def market(**closes: list[float]) -> Market:
    """A market of some assets, each bar one price."""
    rows = [
        {
            "asset": asset,
            "date": FIRST + dt.timedelta(days=i),
            **dict.fromkeys(("open", "high", "low", "close"), float(price)),
        }
        for asset, prices in closes.items()
        for i, price in enumerate(prices)
    ]
    return Market.from_frame(pl.DataFrame(rows), calendar="24/7")


def event(
    day: int, kind: str, assets: str, strength: float, stance: float | None = None, *, name: str | None = None
) -> dict[str, Any]:
    """An event known at noon of a day; the stance is that of the kind if none is given."""
    at = dt.datetime.combine(FIRST, dt.time(12), dt.UTC) + dt.timedelta(days=day)
    row = {
        "event_id": name or f"{kind}-{day}-{assets}",
        "kind": kind,
        "assets": assets.split(),
        "strength": strength,
        "published_at": at,
    }
    return {**row, "stance": stance} if stance is not None else row


def events(*rows: dict[str, Any]) -> Events:
    return (
        Events.from_frame(pl.DataFrame(list(rows), infer_schema_length=None))
        if rows
        else Events(pl.DataFrame(schema=SCHEMA))
    )


def fills(run: Run) -> list[tuple[int, str, str, str]]:
    """(bar, asset, side, reason) of every filled order."""
    bars = {time: i for i, time in enumerate(run.equity["time"])}
    rows = run.orders.filter(status="filled").select("time_filled", "asset", "side", "reason").iter_rows()
    return [(bars[time], asset, side, reason) for time, asset, side, reason in rows]


# --- short_bubble_warning ---


def test_a_short_needs_the_decayed_pressure_to_reach_the_threshold() -> None:
    # Half-life 5 bars: 0.5 of day 0 has become 0.25 five bars later, and 0.25 + 0.25 of day 5 = 0.5, all exact in
    # binary.
    told = events(event(0, "bubble_warning", "AI", 0.5), event(5, "funding_gap", "AI", 0.25))
    flat = market(AI=[100] * 10)
    first = backtest(ShortBubbleWarning(threshold=0.5, half_life=5, hold=None), flat, told, FREE)
    assert fills(first) == [(1, "AI", "SELL", "ENTRY")]
    second = backtest(ShortBubbleWarning(threshold=0.51, half_life=5, hold=None), flat, told, FREE)
    assert fills(second) == [], "0.5 at each of the two bars, never 0.51"
    later = events(event(0, "bubble_warning", "AI", 0.375), event(5, "funding_gap", "AI", 0.3125))
    third = backtest(ShortBubbleWarning(threshold=0.5, half_life=5, hold=None), flat, later, FREE)
    assert fills(third) == [(6, "AI", "SELL", "ENTRY")], "0.375 at bar 1; 0.375 / 2 + 0.3125 = 0.5 at bar 6"


def test_a_short_is_sized_by_its_weight_and_names_its_events() -> None:
    told = events(
        event(0, "bubble_warning", "AI", 0.4, name="loud"), event(0, "valuation_alarm", "AI", 0.1, name="faint")
    )
    run = backtest(ShortBubbleWarning(weight=0.2), market(AI=[100] * 3), told, FREE)
    # 0.2 * 1,000,000 / 100 = 2,000 shares.
    assert run.trades.select("asset", "side", "shares").rows() == [("AI", "SHORT", 2000.0)]
    assert run.trades["event_ids"].to_list() == [["faint", "loud"]], "known at once: by id"


def test_only_a_new_warning_enters_never_the_memory_of_an_old_one() -> None:
    # The stop at 10 % covers at bar 3, where the price opens at 112; the pressure is still 0.9, but no news comes
    # until day 5.
    told = events(event(0, "bubble_warning", "AI", 0.9), event(5, "bubble_warning", "AI", 0.1))
    prices = market(AI=[100, 100, 100, 112, 112, 112, 112, 112])
    run = backtest(ShortBubbleWarning(stop=0.10, half_life=FOREVER, hold=None), prices, told, FREE)
    assert fills(run) == [(1, "AI", "SELL", "ENTRY"), (3, "AI", "BUY", "STOP"), (6, "AI", "SELL", "ENTRY")]
    assert run.trades["exit_price"][0] == 112.0, "a gap beyond the stop at 110 fills at the open"


def test_relief_covers_once_it_outweighs_the_warnings() -> None:
    # 0.5 of warnings; 0.25 of relief leaves 0.25; another 0.25 leaves 0, which is not above 0 any more.
    told = events(
        event(0, "bubble_warning", "AI", 0.5),
        event(2, "denial", "AI", 0.25),
        event(4, "support", "AI", 0.25, name="help"),
    )
    run = backtest(ShortBubbleWarning(half_life=FOREVER, hold=None), market(AI=[100] * 8), told, FREE)
    assert fills(run) == [(1, "AI", "SELL", "ENTRY"), (5, "AI", "BUY", "SIGNAL")]
    assert run.trades["event_ids"].to_list() == [["bubble_warning-0-AI", "help"]], (
        "what it was entered on, then left on"
    )


def test_relief_of_the_same_day_keeps_out() -> None:
    told = events(event(0, "bubble_warning", "AI", 0.5), event(0, "denial", "AI", 0.25))
    flat = market(AI=[100] * 3)
    assert fills(backtest(ShortBubbleWarning(threshold=0.3), flat, told, FREE)) == [], "0.5 - 0.25 < 0.3"
    assert fills(backtest(ShortBubbleWarning(threshold=0.25), flat, told, FREE)) == [(1, "AI", "SELL", "ENTRY")]


def test_a_basket_takes_the_place_of_the_names_in_the_event() -> None:
    told = events(event(0, "bubble_warning", "AI", 0.5))
    prices = market(AI=[100] * 3, CHIP=[50] * 3, SOFT=[10] * 3)
    run = backtest(ShortBubbleWarning(basket="CHIP,SOFT"), prices, told, FREE)
    assert fills(run) == [(1, "CHIP", "SELL", "ENTRY"), (1, "SOFT", "SELL", "ENTRY")]
    outside = events(event(0, "bubble_warning", "OPENAI", 0.5))  # no shares of it, so the basket stands for it
    assert fills(backtest(ShortBubbleWarning(basket=["SOFT"]), prices, outside, FREE)) == [(1, "SOFT", "SELL", "ENTRY")]
    with pytest.raises(Fault, match=r"basket names 'SOFTY' \(did you mean 'SOFT'\?\)"):
        backtest(ShortBubbleWarning(basket=["SOFTY"]), prices, told, FREE)


def test_a_strategy_of_events_wants_events() -> None:
    with pytest.raises(Fault, match="short_bubble_warning was given no events"):
        backtest(ShortBubbleWarning(), market(AI=[100] * 3))


# --- fade_panic ---


def test_a_fall_within_the_window_is_bought_and_its_rebound_sold() -> None:
    # 100 -> 87.5 over two bars is a fall of 12.5 % (exact in binary), known after bar 4, bought at bar 5 at 87.5. 98
    # is +12 % >= 8 %, known after bar 6, sold at bar 7 at 99.
    prices = market(AI=[100, 100, 100, 95, 87.5, 87.5, 98, 99, 99])
    run = backtest(FadePanic(fall=0.125, window=2, rebound=0.08, weight=0.5), prices, events(), FREE)
    assert fills(run) == [(5, "AI", "BUY", "ENTRY"), (7, "AI", "SELL", "SIGNAL")]
    # 0.5 * 1,000,000 / 87.5 shares gain 11.5 each: 500,000 * 11.5 / 87.5 = 65,714.285714...
    assert run.metrics["final_equity"] == pytest.approx(1_065_714.285714, abs=1e-6)
    assert fills(backtest(FadePanic(fall=0.13, window=2), prices, events(), FREE)) == []


def test_a_panic_event_is_bought_without_any_fall() -> None:
    run = backtest(FadePanic(hold=2), market(AI=[100] * 6), events(event(1, "panic_drop", "AI", 0.2)), FREE)
    assert fills(run) == [(2, "AI", "BUY", "ENTRY"), (4, "AI", "SELL", "TIME")]
    assert run.trades["event_ids"].to_list() == [["panic_drop-1-AI"]]


def test_fresh_bad_news_explains_the_fall_and_keeps_out() -> None:
    flat = market(AI=[100] * 6)
    panic = event(1, "panic_drop", "AI", 0.9)
    for kind in ("earnings_disappointment", "project_delay", "hawkish_policy", "bubble_warning"):
        assert fills(backtest(FadePanic(), flat, events(panic, event(1, kind, "AI", 0.01)), FREE)) == [], kind
    # Known a day before, it is no longer fresh: its pressure counts. Half-life 1 bar: 0.9 has become 0.45 <= 0.5.
    before = events(event(0, "project_delay", "AI", 0.9), panic)
    assert fills(backtest(FadePanic(half_life=1), flat, before, FREE)) == [(2, "AI", "BUY", "ENTRY")]
    assert fills(backtest(FadePanic(half_life=1, calm=0.44), flat, before, FREE)) == []
    # News about another name explains nothing.
    other = events(panic, event(1, "project_delay", "CHIP", 0.9))
    assert fills(backtest(FadePanic(), market(AI=[100] * 6, CHIP=[9] * 6), other, FREE)) == [(2, "AI", "BUY", "ENTRY")]


# --- narrative_pressure ---


def test_pressure_goes_long_reverses_and_fades() -> None:
    # Half-life 2. Day 0: +0.8, long at bar 1. Day 2: -1.5 on top of 0.8 / 2 = 0.4 is -1.1: the long is sold and a
    # short opened at bar 3. It fades: -1.1 * 0.5**(n / 2) is -0.1375 six bars later and -0.0972 seven bars later,
    # under 0.1: covered at bar 10.
    told = events(
        event(0, "support", "AI", 0.8, 1.0),
        event(2, "bubble_warning", "AI", 1.0, -1.0),
        event(2, "funding_gap", "AI", 0.5, -1.0),
    )
    run = backtest(NarrativePressure(half_life=2, threshold=0.5, fade=0.1), market(AI=[100] * 13), told, FREE)
    assert fills(run) == [
        (1, "AI", "BUY", "ENTRY"),
        (3, "AI", "SELL", "SIGNAL"),
        (3, "AI", "SELL", "ENTRY"),
        (10, "AI", "BUY", "SIGNAL"),
    ]
    assert run.trades["side"].to_list() == ["LONG", "SHORT"]


def test_pressure_below_the_threshold_opens_nothing() -> None:
    flat = market(AI=[100] * 5)
    weak = events(event(0, "support", "AI", 0.5, 0.9))  # 0.45
    assert fills(backtest(NarrativePressure(), flat, weak, FREE)) == []
    assert fills(backtest(NarrativePressure(threshold=0.45), flat, weak, FREE)) == [(1, "AI", "BUY", "ENTRY")]


# --- hedged_bubble_short ---


def test_the_hedge_is_bought_with_the_shorts_sized_by_them_and_sold_when_the_last_is_covered() -> None:
    # Two shorts of 0.1 and a hedge of 0.5 times their 0.2: 0.1 of the index, 0.1 * 1,000,000 / 400 = 250 shares, at
    # the same open. AI is covered by relief at bar 4, CHIP at bar 6; the index is asked after them, and leaves with
    # CHIP.
    told = events(
        event(0, "bubble_warning", "AI CHIP", 0.5), event(3, "denial", "AI", 0.6), event(5, "denial", "CHIP", 0.6)
    )  # fmt: skip
    prices = market(AI=[100] * 9, CHIP=[50] * 9, SPY=[400] * 9)
    run = backtest(HedgedBubbleShort(hedge=0.5, half_life=FOREVER, hold=None), prices, told, FREE)
    assert fills(run) == [
        (1, "AI", "SELL", "ENTRY"),
        (1, "CHIP", "SELL", "ENTRY"),
        (1, "SPY", "BUY", "ENTRY"),
        (4, "AI", "BUY", "SIGNAL"),
        (6, "CHIP", "BUY", "SIGNAL"),
        (6, "SPY", "SELL", "SIGNAL"),
    ]
    assert run.trades.filter(asset="SPY")["shares"][0] == pytest.approx(250, rel=1e-12)


def test_the_hedge_leaves_at_the_open_after_the_account_itself_covered_the_last_short() -> None:
    # The time exit fills at the open of bar 4, after the rule was asked: that no short is left is known at bar 5.
    told = events(event(0, "bubble_warning", "AI", 0.5))
    run = backtest(HedgedBubbleShort(hold=3), market(AI=[100] * 8, SPY=[400] * 8), told, FREE)
    assert fills(run)[2:] == [(4, "AI", "BUY", "TIME"), (5, "SPY", "SELL", "SIGNAL")]


@pytest.mark.parametrize("exits", [{"stop": 0.15}, {"stop": None, "trail": 0.05}, {"take": 0.01}])
def test_the_index_is_never_shorted_and_has_no_exits_of_its_own(exits: dict[str, Any]) -> None:
    # A warning about SPY itself opens nothing; and a fall of SPY by 30 % hits no stop, for the stops are the shorts'.
    told = events(event(0, "bubble_warning", "SPY", 0.9), event(1, "bubble_warning", "AI", 0.9))
    prices = market(AI=[100] * 6, SPY=[400, 440, 440, 280, 280, 280])
    run = backtest(HedgedBubbleShort(**exits), prices, told, FREE)
    assert fills(run) == [(2, "AI", "SELL", "ENTRY"), (2, "SPY", "BUY", "ENTRY")]


def test_an_index_that_cannot_hedge_is_refused() -> None:
    told, prices = events(event(0, "bubble_warning", "AI", 0.9)), market(AI=[100] * 3, QQQ=[400] * 3)
    with pytest.raises(Fault, match="index names 'SPY'"):
        backtest(HedgedBubbleShort(), prices, told)
    with pytest.raises(Fault, match="basket holds the index 'QQQ'"):
        backtest(HedgedBubbleShort(index="QQQ", basket="AI,QQQ"), prices, told)


# --- sma_cross ---


def test_averages_cross_up_and_down() -> None:
    # fast = 1, slow = 2: long while the last close is above the mean of the last two, so while the last move was up.
    # First known for bar 2. Up at bar 2 (11 > 10.5), bought at 3; level at bar 4 (12, mean 12), sold at 5; up at bar
    # 6, bought at 7.
    prices = market(AI=[10, 10, 11, 12, 12, 11, 12, 12])
    run = backtest(SmaCross(fast=1, slow=2), prices, None, FREE)
    assert fills(run) == [(3, "AI", "BUY", "ENTRY"), (5, "AI", "SELL", "SIGNAL"), (7, "AI", "BUY", "ENTRY")]


def test_a_fast_average_has_to_be_faster() -> None:
    with pytest.raises(Fault, match="fast is 50 and slow 50, allowed is fast < slow"):
        backtest(SmaCross(fast=50), market(AI=[1] * 3))


# --- signals ---


def signals(**columns: list[Any]) -> Signals:
    return Signals(signals=pl.DataFrame(columns))


def test_signals_by_session_act_at_that_sessions_open_and_by_instant_strictly_later() -> None:
    prices = market(AI=[100] * 6)
    by_session = signals(asset=["AI", "AI"], session=[FIRST + dt.timedelta(days=d) for d in (1, 3)], weight=[0.5, 0.0])
    assert fills(backtest(by_session, prices, None, FREE)) == [(1, "AI", "BUY", "ENTRY"), (3, "AI", "SELL", "SIGNAL")]
    midnight = dt.datetime.combine(FIRST, dt.time(), dt.UTC)
    # Known at the very open of bar 1: acted on at bar 2. A microsecond before the open of bar 4: at bar 4.
    known = [midnight + dt.timedelta(days=1), midnight + dt.timedelta(days=4, microseconds=-1)]
    by_instant = signals(asset=["AI", "AI"], known_at=known, weight=[0.5, -0.25], event_id=["x", "y"])
    run = backtest(by_instant, prices, None, FREE)
    assert fills(run) == [(2, "AI", "BUY", "ENTRY"), (4, "AI", "SELL", "SIGNAL"), (4, "AI", "SELL", "ENTRY")]
    assert run.trades["event_ids"].to_list() == [["x", "y"], ["y"]]


def test_signals_come_from_files_too(tmp_path: Path) -> None:
    prices = market(AI=[100] * 4)
    frame = pl.DataFrame({"asset": ["AI"], "session": [FIRST + dt.timedelta(days=2)], "weight": [1.0]})
    frame.write_csv(tmp_path / "s.csv")
    frame.write_parquet(tmp_path / "s.parquet")
    for name in ("s.csv", "s.parquet"):
        assert fills(backtest(Signals(signals=tmp_path / name), prices, None, FREE)) == [(2, "AI", "BUY", "ENTRY")]
    with pytest.raises(Fault, match=r"none\.csv' must be a file with a table"):
        Signals(signals=str(tmp_path / "none.csv"))


DAY = FIRST + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"asset": ["AI"], "session": [DAY]}, "must have a column 'weight'"),
        ({"asset": ["AI"], "weight": [1.0]}, "must have a column 'session'"),
        ({"asset": ["AY"], "session": [DAY], "weight": [1.0]}, r"row 0: asset must be one of the market's \(got 'AY'"),
        (
            {"asset": ["AI"], "session": [DAY], "weight": [float("nan")]},
            r"row 0: weight must be a share of equity .* \(got nan\)",
        ),
        (
            {"asset": ["AI"], "session": [DAY], "weight": [None]},
            r"row 0: weight must be a share of equity .* \(got nothing\)",
        ),
        (
            {"asset": ["AI"], "session": [dt.date(2031, 1, 1)], "weight": [1.0]},
            r"row 0: session must be a session of the market, .* \(got 2031-01-01 for AI\)",
        ),
        ({"asset": ["AI", "AI"], "session": [DAY, DAY], "weight": [1.0, 0.0]}, "row 1: AI must have one signal a bar"),
        (
            {"asset": ["AI"], "known_at": [dt.datetime(2025, 1, 6, 9)], "weight": [1.0]},
            "row 0: known_at must be a time with its zone",
        ),
        ({"asset": ["AI"], "known_at": ["noon"], "weight": [1.0]}, "row 0: known_at must be a time with its zone"),
        (
            {"asset": ["AI"], "session": ["the day after"], "weight": [1.0]},
            r"row 0: session must be a date, .* \(got 'the day after'\)",
        ),
        (
            {"asset": ["AI"], "session": [DAY], "weight": ["much"]},
            r"row 0: weight must be a share of equity .* \(got 'much'\)",
        ),
        ({"asset": ["AI"], "session": [None], "weight": [1.0]}, r"row 0: session must be a date, .* \(got nothing\)"),
    ],
)
def test_a_bad_table_of_signals_is_a_fault(columns: dict[str, list[Any]], said: str) -> None:
    with pytest.raises(Fault, match=said):
        backtest(signals(**columns), market(AI=[100] * 4), None, FREE)


def test_no_table_of_signals_is_a_fault() -> None:
    with pytest.raises(Fault, match=r"signals\.signals is missing"):
        backtest(Signals(), market(AI=[100] * 3))


# --- golden rows: the seed documents ---

GOLDEN = {
    dt.date(2025, 1, 28): {"003_6cfe05d7d97b57d2"},
    dt.date(2025, 11, 10): {"000_3c757d6039864042", "001_b21bce2730de2aaf"},
    dt.date(2025, 11, 28): {"002_9f329ecd071720ef"},
}


def nvda_entries(run: Run) -> dict[dt.date, set[str]]:
    """Session of each entry of NVDA, and the documents behind it."""
    documents = dict(run.events.select("event_id", "doc_id").iter_rows())
    sessions = dict(run.equity.select("time", "session").iter_rows())
    entries = run.orders.filter(asset="NVDA", reason="ENTRY")
    return {
        sessions[time]: {documents[i] for i in ids}
        for time, ids in entries.select("time_filled", "event_ids").iter_rows()
    }


def test_nvda_is_entered_on_the_golden_days_of_the_sample() -> None:
    run = backtest(ShortBubbleWarning(hold=5, threshold=0.1), Market.sample(), Events.sample())
    assert nvda_entries(run) == GOLDEN
    fill = run.orders.filter(asset="NVDA", reason="ENTRY")
    assert fill["time_filled"].dt.convert_time_zone("America/New_York").dt.time().unique().to_list() == [dt.time(9, 30)]


def test_nvda_is_entered_on_the_golden_days_of_real_prices(us_daily: Market) -> None:
    run = backtest(ShortBubbleWarning(hold=5, threshold=0.1), us_daily, Events.sample())
    assert nvda_entries(run) == GOLDEN
    # The next golden open is of 2025-12-15; document 004 warns of no bubble in NVDA, so that it is not entered then.


@pytest.mark.parametrize(
    "strategy",
    [
        ShortBubbleWarning(), FadePanic(), NarrativePressure(), HedgedBubbleShort(), SmaCross(),
        signals(asset=["NVDA", "NVDA"], session=[dt.date(2025, 1, 28), dt.date(2025, 2, 3)], weight=[-0.5, 0.0]),
    ],
    ids=lambda s: s.name(),
)  # fmt: skip
def test_every_strategy_trades_real_prices_and_its_ledger_adds_up(us_daily: Market, strategy: Strategy) -> None:
    run = backtest(strategy, us_daily, Events.sample())
    assert run.trades.height > 0
    filled = run.orders.filter(status="filled")
    traded = (filled["shares"] * filled["price"]).sum()
    earned = run.trades["net"].sum() + run.metrics["interest_earned"] - run.metrics["interest_owed"]
    assert earned == pytest.approx(run.metrics["final_equity"] - 1_000_000, abs=1e-9 * max(1_000_000, traded))


# --- a strategy of one's own ---

SCRIPT = '''
"""Somebody's own strategy."""

from engine import KEEP, Channel, Strategy, param

LEAST = 0.3


def loud(strength):
    return strength > LEAST


class BuyTheWarning(Strategy):
    """Buy what is warned of."""

    channels = {"warn": Channel(("bubble_warning",))}
    watch = "events"
    weight: float = param(0.25, 0.0, 2.0, "share of equity an entry")

    @staticmethod
    def rule(warn_new, weight):
        return weight if loud(warn_new) else KEEP
'''


def load(folder: Path, text: str, name: str) -> Any:
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_strategy_of_ones_own_in_a_script(tmp_path: Path) -> None:
    own = load(tmp_path, SCRIPT, "my_strategy").BuyTheWarning
    told = events(event(0, "bubble_warning", "AI", 0.4), event(0, "bubble_warning", "CHIP", 0.2))
    run = backtest(own(hold=2), market(AI=[100] * 5, CHIP=[50] * 5), told, FREE)
    assert fills(run) == [(1, "AI", "BUY", "ENTRY"), (3, "AI", "SELL", "TIME")], "0.2 is not loud"
    assert run.trades["shares"].to_list() == [2500.0]  # 0.25 * 1,000,000 / 100
    assert (run.info["strategy"], run.info["story"]) == ("buy_the_warning", "Buy what is warned of.")
    assert repr(own(weight=0.5)) == "BuyTheWarning(weight=0.5)"


def test_an_edited_function_or_number_that_the_rule_uses_is_noticed(tmp_path: Path) -> None:
    told, flat = events(event(0, "bubble_warning", "AI", 0.4)), market(AI=[100] * 4)
    first = load(tmp_path, SCRIPT, "edited_once").BuyTheWarning
    assert len(fills(backtest(first(), flat, told, FREE))) == 1
    second = load(tmp_path, SCRIPT.replace("LEAST = 0.3", "LEAST = 0.5"), "edited_twice").BuyTheWarning
    assert fills(backtest(second(), flat, told, FREE)) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"holt": 5}, r"holt is no parameter \(did you mean 'hold'\?\)"),
        ({"hold": 0}, r"hold must be a whole number from 1 to 1,000,000, or none \(got 0\)"),
        ({"hold": 2.5}, r"hold must be a whole number .*\(got 2.5\)"),
        ({"stop": "wide"}, r"stop must be a number .*\(got 'wide'\)"),
        ({"threshold": float("nan")}, r"threshold must be a number from 0 to 100 \(got nan\)"),
        ({"weight": True}, r"weight must be .*\(got True\)"),
        ({"weight": None}, r"weight must be .*\(got None\)"),
    ],
)
def test_a_bad_parameter_is_a_fault(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Fault, match=said):
        ShortBubbleWarning(**settings)


def test_none_switches_an_exit_off() -> None:
    assert ShortBubbleWarning(hold=None).hold == ShortBubbleWarning(hold="none").hold == float("inf")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("warn_new", "warn_knew"), r"rule asks for 'warn_knew' \(did you mean 'warn_new'\?\)"),
        (("loud(warn_new)", "len([warn_new]) > 0"), "rule uses 'len', allowed are numbers, plain functions"),
        (("return weight if", "return weight / 0.0 * 0.0 if"), "rule answered no finite number 1 times"),
        (("    @staticmethod\n    def rule(warn_new, weight):\n", "    def other(warn_new, weight):\n"), "has no rule"),
    ],
    ids=["unknown name", "what cannot be compiled", "not a number", "no rule"],
)
def test_a_bad_rule_is_a_fault(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in SCRIPT
    own = load(tmp_path, SCRIPT.replace(*change), "bad_strategy").BuyTheWarning
    with pytest.raises(Fault, match=said):
        backtest(own(), market(AI=[100] * 4), events(event(0, "bubble_warning", "AI", 0.4)), FREE)


def test_a_class_in_place_of_a_strategy_is_a_fault() -> None:
    with pytest.raises(Fault, match=r"write SmaCross\(\)"):
        backtest(SmaCross, market(AI=[1] * 3))  # type: ignore[arg-type]


def test_averages_are_sums_of_closes_and_do_not_drift() -> None:
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, (2, 5000)), axis=1))
    closes[1, :40] = np.nan  # not listed yet
    closes[0, 1000:2000] = 7.13  # a price that stands still has an average that does too
    for window in (1, 2, 20, 300):
        ours = average(closes, window)
        direct = np.lib.stride_tricks.sliding_window_view(closes, window, axis=1).mean(axis=2)
        assert np.isnan(ours[:, : window - 1]).all()
        np.testing.assert_allclose(ours[:, window - 1 :], direct, rtol=1e-14)
        assert np.ptp(ours[0, 999 + window : 2000]) == 0.0
