"""A strategy that listens to events and can hear none is refused, or told so, by whichever door it comes."""

import datetime as dt
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from engine import KEEP, Account, Channel, Events, Feature, Market, Strategy, backtest, param, sweep
from engine.cli import main
from engine.faults import Fault, Note
from strategies import FadePanic, HedgedBubbleShort, NarrativePressure, ShortBubbleWarning, Signals, SmaCross

FIRST = dt.date(2025, 1, 6)


class BuyTheDip(Strategy):
    """Buy what fell."""

    channels: ClassVar[Mapping[str, Channel]] = {"fall": Channel(kinds=("panic_drop",))}
    weight: float = param(0.1, 0.0, 2.0, "share of equity an entry")

    @staticmethod
    def rule(fall_new: float, weight: float) -> float:
        return weight if fall_new > 0 else KEEP


class BuyAllNews(BuyTheDip):
    """Buy whatever is spoken of."""

    channels: ClassVar[Mapping[str, Channel]] = {"fall": Channel()}
    watch = "events"

    @staticmethod
    def rule(fall_new: float, weight: float) -> float:
        return weight if fall_new > 0 else KEEP


class ChecksForItself(BuyTheDip):
    """Buy what fell, with a check of its own that forgets the one it replaces."""

    watch = "held"

    def check(self, market: Market, events: Events | None) -> None:
        pass

    @staticmethod
    def rule(fall_new: float, weight: float) -> float:
        return weight if fall_new > 0 else KEEP


class ByPricesToo(BuyTheDip):
    """Buy what fell by itself, or so the news says."""

    features: ClassVar[Mapping[str, Feature]] = {"move": Feature("change", 2)}

    @staticmethod
    def rule(fall_new: float, move: float, weight: float) -> float:
        return weight if fall_new > 0 or move < -0.1 else KEEP


def market(*assets: str) -> Market:
    """Ten days around the clock of assets that do not move."""
    days = [FIRST + dt.timedelta(days=i) for i in range(10)]
    rows = [
        {"asset": a, "date": d, "open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0} for a in assets for d in days
    ]
    return Market.from_frame(pl.DataFrame(rows), calendar="24/7")


MARKET = market("AMD", "NVDA")


def events(*rows: tuple[str, str, int]) -> Events:
    """Events of (kind, asset, days after the market's first)."""
    noon = dt.datetime.combine(FIRST, dt.time(12), dt.UTC)
    told = [
        {
            "event_id": str(i),
            "kind": kind,
            "assets": [asset],
            "strength": 0.9,
            "published_at": noon + dt.timedelta(days=day),
        }
        for i, (kind, asset, day) in enumerate(rows)
    ]
    return Events.from_frame(pl.DataFrame(told)) if told else Events(Events.sample().frame.clear())


LISTENERS = [
    ShortBubbleWarning,
    FadePanic,
    NarrativePressure,
    HedgedBubbleShort,
    BuyTheDip,
    BuyAllNews,
    ChecksForItself,
    ByPricesToo,
]
PURE = [ShortBubbleWarning, NarrativePressure, BuyTheDip, BuyAllNews, ChecksForItself]


def made(kind: type[Strategy]) -> Strategy:
    return kind(index="AMD") if kind is HedgedBubbleShort else kind()


@pytest.mark.parametrize("kind", LISTENERS, ids=lambda kind: kind.__name__)
def test_no_events_are_refused(kind: type[Strategy]) -> None:
    with pytest.raises(Fault, match=f"{kind.name()} was given no events, and listens to .*; give a table of events"):
        backtest(made(kind), MARKET)


@pytest.mark.parametrize("kind", PURE, ids=lambda kind: kind.__name__)
def test_an_empty_table_is_refused(kind: type[Strategy]) -> None:
    with pytest.raises(Fault, match=f"{kind.name()} was given a table without events"):
        backtest(made(kind), MARKET, events())


@pytest.mark.parametrize("kind", [FadePanic, ByPricesToo], ids=lambda kind: kind.__name__)
def test_a_strategy_that_trades_by_prices_too_may_have_no_news(kind: type[Strategy]) -> None:
    assert backtest(made(kind), MARKET, events()).trades.is_empty()


# What cannot be heard, and the reasons that must be told, with their counts.
NEVER_HEARD = {
    "another kind": (
        [("denial", "NVDA", 2)],
        "none of the 1 events: 1 is of a kind that it does not listen to (denial)",
    ),
    "other kinds": (
        [("denial", "NVDA", 2), ("support", "AMD", 3)],
        "2 are of a kind that it does not listen to (denial, support)",
    ),
    "another asset": ([("panic_drop", "ZZZZ", 2)], "1 is about no asset of the market (ZZZZ)"),
    "four other assets": (
        [("panic_drop", name, 2) for name in ("QQA", "QQB", "QQC", "QQD")],
        "4 are about no asset of the market (QQA, QQB, QQC, ...)",
    ),
    "both": (
        [("denial", "NVDA", 2), ("panic_drop", "ZZZZ", 2), ("panic_drop", "ZZZZ", 3)],
        "none of the 3 events: 1 is of a kind that it does not listen to (denial); 2 are about no asset of the market (ZZZZ)",
    ),
}
OUTSIDE = "known before the market's first bar or after its last (2025-01-06 to 2025-01-15)"
NOT_HEARD_HERE = {
    "too early": ([("panic_drop", "NVDA", -30)], f"1 is {OUTSIDE}"),
    "too late": ([("panic_drop", "NVDA", 400)], f"1 is {OUTSIDE}"),
    "either": ([("panic_drop", "NVDA", -30), ("panic_drop", "AMD", 400)], f"2 are {OUTSIDE}"),
    "with another kind": (
        [("denial", "NVDA", 2), ("panic_drop", "AMD", 400)],
        f"1 is of a kind that it does not listen to (denial); 1 is {OUTSIDE}",
    ),
    "with another asset": (
        [("panic_drop", "ZZZZ", 2), ("panic_drop", "AMD", 400)],
        f"1 is {OUTSIDE}; 1 is about no asset of the market (ZZZZ)",
    ),
}


def run(how: str, told: Events) -> None:
    if how == "sweep":
        sweep(BuyTheDip, MARKET, told, weight=[0.1, 0.2])
    else:
        backtest(BuyTheDip(), MARKET, told, Account(kind="columns" if how == "columns" else "portfolio"))


@pytest.mark.parametrize("case", NEVER_HEARD)
@pytest.mark.parametrize("how", ["backtest", "sweep", "columns"])
def test_events_that_it_can_never_hear_are_refused_with_counts(how: str, case: str) -> None:
    rows, said = NEVER_HEARD[case]
    with pytest.raises(Fault) as caught:
        run(how, events(*rows))
    assert str(caught.value).startswith("buy_the_dip hears none of the ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", NOT_HEARD_HERE)
@pytest.mark.parametrize("how", ["backtest", "sweep"])
def test_events_outside_the_span_are_told_with_counts(how: str, case: str) -> None:
    rows, said = NOT_HEARD_HERE[case]
    with pytest.warns(Note, match=re.escape(said)) as told:
        run(how, events(*rows))
    assert len(told) == 1


def test_one_event_that_is_heard_is_enough() -> None:
    rows = [("denial", "NVDA", 2), ("panic_drop", "ZZZZ", 2), ("panic_drop", "AMD", 400), ("panic_drop", "AMD", 3)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = backtest(BuyTheDip(), MARKET, events(*rows))
    assert run.trades["asset"].to_list() == ["AMD"]
    assert set(run.unplaced["reason"]) == {"no asset in the market", "after the last bar"}


def test_a_basket_of_its_own_hears_what_touches_no_asset_of_the_market() -> None:
    told = events(("bubble_warning", "ZZZZ", 2))
    assert backtest(ShortBubbleWarning(basket="AMD"), MARKET, told).trades["asset"].to_list() == ["AMD"]
    with pytest.raises(Fault, match="about no asset of the market"):
        backtest(ShortBubbleWarning(), MARKET, told)


@pytest.mark.parametrize(
    "strategy",
    [
        SmaCross(fast=1, slow=2),
        Signals(signals=pl.DataFrame({"asset": ["AMD"], "session": [FIRST], "weight": [0.5]})),
    ],
    ids=["sma_cross", "signals"],
)
@pytest.mark.parametrize("told", [None, events(), events(("denial", "ZZZZ", 2))], ids=["none", "empty", "unheard"])
def test_strategies_of_prices_and_of_tables_go_on_without_a_word(strategy: Strategy, told: Events | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backtest(strategy, MARKET, told)


# ------------------------------------------------------------------------------------------------------ other doors

SCRIPT = '''
from engine import KEEP, Channel, Strategy, param


class BuyTheDip(Strategy):
    """Buy what fell."""

    channels = {"fall": Channel(kinds=("panic_drop",))}
    weight: float = param(0.1, 0.0, 2.0, "share of equity an entry")

    @staticmethod
    def rule(fall_new, weight):
        return weight if fall_new > 0 else KEEP
'''
JOB = """
[market]
prices = "prices.parquet"
{events}
[strategy]
name = "mine.py:BuyTheDip"
[grid.parameters]
weight = [0.1, 0.2]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(SCRIPT)
    MARKET.write(tmp_path / "prices.parquet")
    events().write(tmp_path / "empty.parquet")
    events(("denial", "NVDA", 2)).write(tmp_path / "unheard.parquet")
    events(("panic_drop", "NVDA", 2)).write(tmp_path / "heard.parquet")
    (tmp_path / "none.toml").write_text(JOB.format(events=""))
    for name in ("empty", "unheard", "heard"):
        (tmp_path / f"{name}.toml").write_text(JOB.format(events=f'[events]\ntable = "{name}.parquet"'))
    monkeypatch.chdir(tmp_path)
    return tmp_path


SAID = {
    "none": "was given no events",
    "empty": "was given a table without events",
    "unheard": "hears none of the 1 events",
}


@pytest.mark.parametrize("case", SAID)
@pytest.mark.usefixtures("folder")
def test_the_command_line_refuses_it(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = [] if case == "none" else ["--events", f"{case}.parquet"]
    status = main(["backtest", "mine.py:BuyTheDip", "--prices", "prices.parquet", *told, "--out", "run"])
    assert (status, SAID[case] in capsys.readouterr().err) == (2, True)
    assert not Path("run").exists()


@pytest.mark.parametrize("case", SAID)
@pytest.mark.usefixtures("folder")
def test_a_job_refuses_it(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    for more in (["--dry-run"], ["--out", "swept"]):
        status = main(["sweep", f"{case}.toml", *more])
        assert (status, SAID[case] in capsys.readouterr().err) == (2, True), more
    assert not Path("swept").exists()


@pytest.mark.usefixtures("folder")
def test_what_hears_something_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            ["backtest", "mine.py:BuyTheDip", "--prices", "prices.parquet", "--events", "heard.parquet", "--out", "run"]
        )
        == 0
    )
    assert main(["sweep", "heard.toml", "--dry-run"]) == 0
    assert "hears none" not in capsys.readouterr().err


def test_a_class_of_a_notebook_is_refused_too() -> None:
    names: dict[str, Any] = {}
    exec(compile(SCRIPT.replace("class BuyTheDip", "class Noted"), "<cell>", "exec"), names)
    noted: Callable[..., Strategy] = names["Noted"]
    with pytest.raises(Fault, match="noted was given no events"):
        backtest(noted(), MARKET)


# ------------------------------------------------------------------------------------------------- documents left out


def test_undated_documents_are_told(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.txt").write_text("Nvidia fell 9% on Thursday.")
    (tmp_path / "dated.txt").write_text("Published 2025-11-07 09:00 UTC\nNvidia fell 8% on Thursday.")
    said = r"^4 documents of 5 left out for want of a publication time \(.*a.txt, .*b.txt, .*c.txt and 1 more\)"
    with pytest.warns(Note, match=said) as told:
        found = Events.from_documents(tmp_path)
    assert (len(found), len(told)) == (1, 1)
    assert "\n" not in str(told[0].message)


def test_a_reading_that_leaves_nothing_out_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "dated.txt").write_text("Published 2025-11-07 09:00 UTC\nNvidia fell 8% on Thursday.")
    (tmp_path / "weather.txt").write_text("It rained in Lyon.")  # undated, and makes no claim: nothing is lost
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Events.from_documents(tmp_path)) == 1
