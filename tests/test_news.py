"""`python -m benchmarks.news`: nothing is traded before it was known, figures by hand, and no text of the news comes out.

The news and prices here are made up; one test walks the real ones, and is skipped where they are not beside the project.
"""

import dataclasses
import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks import news, records
from benchmarks.news_sets import SETS, NewsSet, Place, check_data, market_of, read_news
from engine import Events, Failure, Fault, Market, Run, backtest
from engine.calendars import calendar
from strategies import FadePanic

REAL = Path(__file__).parents[1].parent / "shared"
DAY = dt.date(2025, 10, 6)
#: A word of every document made up here; no output may hold it.
SECRET = "zephyrine"


def event(known: str, asset: str = "AAA", kind: str = "panic_drop", strength: float = 0.9) -> Events:
    table = {
        "kind": [kind],
        "assets": [[asset]],
        "strength": [strength],
        "published_at": [dt.datetime.fromisoformat(known)],
    }
    return Events.from_frame(pl.DataFrame(table))


def minutes(folder: Path, closes: dict[str, list[float]], index: list[float], first: str = "13:30:00") -> None:
    """Write closes of every five minutes of a day, and an index with a bar of the hours before the session, and one of the next day."""
    begin = dt.datetime.fromisoformat(f"{DAY}T{first}")
    stamps = [begin + dt.timedelta(minutes=5 * i) for i in range(len(index))]
    told = {
        name: {"data": [{"date": str(at.date()), "time": str(at.time()), "close": c} for at, c in zip(stamps, prices, strict=True)]}
        for name, prices in closes.items()
    }  # fmt: skip
    (folder / "news").mkdir(exist_ok=True)
    (folder / "news" / "prices_5min_oct2025.json").write_text(json.dumps({"tickers": told}))
    local = [at - dt.timedelta(hours=4) for at in stamps]  # summer time in New York
    rows = [f"{at:%Y-%m-%d %H:%M:%S},{c},{c + 9},{c - 9},{c},7" for at, c in zip(local, index, strict=True)]
    (folder / "data" / "us_5min").mkdir(parents=True, exist_ok=True)
    early = f"{DAY} 08:00:00,1,1,1,1,7"
    late = f"{DAY + dt.timedelta(days=1)} 09:30:00,1,1,1,1,7"
    text = "\n".join(["datetime,open,high,low,close,volume", early, *rows, late])
    (folder / "data" / "us_5min" / "SPY.csv").write_text(text)


@pytest.fixture(scope="module")
def closes(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """One name of 100, 101, 102, .. and an index of 50, of which only closes are known."""
    tmp_path = tmp_path_factory.mktemp("closes")
    minutes(tmp_path, {"AAA": [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]}, [50.0] * 6)
    one = NewsSet("made up", (), (), DAY, DAY + dt.timedelta(days=1), "")
    return market_of(tmp_path, one, Place("XNYS", ("AAA",), "SPY", "5m"))


def daily(prices: list[float], first: str = "2025-01-24") -> Market:
    days = calendar("XNYS").sessions
    days = days[days >= np.datetime64(first)][: len(prices)]
    frame = {"date": [str(day) for day in days], **dict.fromkeys(("open", "high", "low", "close"), prices)}
    return Market.from_frame(pl.DataFrame(frame), asset="AAA", calendar="XNYS", accept=["unadjusted_split"])


def bought(market: Market, events: Events) -> dict[str, Any]:
    run = backtest(FadePanic(fall=1.0), market, events, news.ACCOUNT)
    news.refuse_early(run)
    return run.orders.filter(reason="ENTRY").row(0, named=True)


# ----------------------------------------------------------------------------------------------------------- prices


def test_bars_of_closes_are_flat_and_those_that_the_names_lack_are_left_out(closes: Market) -> None:
    frame = closes.frame
    assert closes.interval == "5m"
    assert frame.group_by("asset").len().sort("asset").rows() == [("AAA", 6), ("SPY", 6)]
    assert (frame["open"] == frame["close"]).all()
    assert (frame["high"] == frame["low"]).all()
    assert frame.filter(asset="AAA")["close"].to_list() == [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]
    assert frame["time"].min() == dt.datetime(2025, 10, 6, 13, 30, tzinfo=dt.UTC)  # 9:30 in New York


@pytest.mark.parametrize(
    ("known", "opens", "close"),
    [
        ("2025-10-06T13:31:00+00:00", "13:35", 101.0),
        ("2025-10-06T13:34:59+00:00", "13:35", 101.0),
        ("2025-10-06T13:35:00+00:00", "13:40", 102.0),  # strictly later
        ("2025-10-06T15:36:00+02:00", "13:40", 102.0),  # in Paris
        ("2025-10-06T07:00:00+00:00", "13:30", 100.0),  # before the session: its first close, never yesterday's
    ],
)
def test_news_within_a_session_fills_at_the_close_of_the_next_bar(
    closes: Market, known: str, opens: str, close: float
) -> None:
    order = bought(closes.select(["AAA"]), event(known))
    assert f"{order['time_filled']:%H:%M}" == opens
    assert order["price"] == pytest.approx(close * 1.0005, rel=1e-12)  # 5 bp of slippage


@settings(max_examples=40)
@given(seconds=st.integers(-4 * 3600, 25 * 60 - 1))
@example(seconds=0)
@example(seconds=299)
@example(seconds=300)
def test_whenever_it_is_known_it_fills_at_the_close_of_the_first_bar_that_opens_later(
    closes: Market, seconds: int
) -> None:
    known = dt.datetime(2025, 10, 6, 13, 30, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    bar = max(seconds // 300 + 1, 0)  # bars open at 0, 300, 600, .. seconds; what is known at 300 waits for 600
    order = bought(closes.select(["AAA"]), event(known.isoformat()))
    assert order["time_filled"] > known
    assert order["price"] == pytest.approx((100.0 + bar) * 1.0005, rel=1e-12)


@pytest.mark.parametrize(
    ("known", "session"),
    [
        ("2025-01-27T14:29:59+00:00", "2025-01-27"),  # a second before 9:30 in New York
        ("2025-01-27T14:30:00+00:00", "2025-01-28"),  # at the open is too late for it
        ("2025-01-27T22:00:00+00:00", "2025-01-28"),
        ("2025-01-25T12:00:00+00:00", "2025-01-27"),  # a Saturday
    ],
)
def test_news_of_a_day_fill_at_the_first_open_after_it(known: str, session: str) -> None:
    assert str(bought(daily([100.0] * 6), event(known))["time_filled"].date()) == session


# ----------------------------------------------------------------------------------------------- never before it was known


@pytest.fixture
def run() -> Run:
    return backtest(FadePanic(fall=1.0), daily([100.0] * 6), event("2025-01-27T12:00:00+00:00"), news.ACCOUNT)


def known_at(run: Run, time: dt.datetime) -> Run:
    """The run, as if the event behind it had been known at another time."""
    later = pl.lit(time, pl.Datetime("us", "UTC"))
    return dataclasses.replace(run, events=run.events.with_columns(known_at=later))


def test_a_right_run_has_no_order_that_is_too_early(run: Run) -> None:
    assert run.orders.filter(status="filled").height == 1
    assert news.too_early(run).height == 0
    news.refuse_early(run)


@pytest.mark.parametrize("seconds", [0, 1, 86_400])
def test_an_order_before_its_event_was_known_stops_the_work(run: Run, seconds: int) -> None:
    fill = dt.datetime(2025, 1, 27, 14, 30, tzinfo=dt.UTC)
    assert news.too_early(known_at(run, fill - dt.timedelta(microseconds=1))).height == 0
    wrong = known_at(run, fill + dt.timedelta(seconds=seconds))
    assert news.too_early(wrong).height == 1
    with pytest.raises(Failure, match="1 orders of fade_panic filled before an event behind them was known"):
        news.refuse_early(wrong)


def test_an_event_that_was_known_before_it_was_published_stops_the_work(run: Run) -> None:
    with pytest.raises(Failure, match="before an event"):
        news.refuse_early(known_at(run, dt.datetime(2025, 1, 27, 11, 59, tzinfo=dt.UTC)))


def test_an_entry_without_an_event_stops_the_work() -> None:
    falling = daily([100.0, 100.0, 100.0, 80.0, 80.0, 80.0])  # the price alone makes a trade where 5 % count as a panic
    run = backtest(FadePanic(fall=0.05), falling, event("2025-01-30T22:00:00+00:00"), news.ACCOUNT)
    with pytest.raises(Failure, match="1 entries of fade_panic name no event"):
        news.refuse_early(run)


# ---------------------------------------------------------------------------------------------------------- figures


def test_figures_of_holding_by_hand() -> None:
    found = news.held(daily([10.0, 12.0, 9.0]), ["AAA"])
    # Worth 1, 1.2, 0.9. Returns 0, 0.2, -0.25: mean -1/60, sample variance (1/3600 + 169/3600 + 196/3600) / 2 = 0.0508333.
    assert found["total_return"] == pytest.approx(-0.1, abs=1e-12)
    assert found["max_drawdown"] == pytest.approx(0.25, abs=1e-12)
    assert found["sharpe"] == pytest.approx(-1 / 60 / 0.0508333333333**0.5 * 252**0.5, rel=1e-9)


def test_holding_what_does_not_move_has_no_sharpe_ratio() -> None:
    assert news.held(daily([10.0] * 4), ["AAA"]) == {"total_return": 0.0, "sharpe": None, "max_drawdown": 0.0}


def test_figures_of_a_strategy_by_hand() -> None:
    market, events = daily([100.0] * 6), event("2025-01-27T12:00:00+00:00")
    row = news.traded("fade_panic", FadePanic(fall=1.0), market, events, events.frame)
    # 100,000 buys 100,000 / 100.05 shares: slippage 0.05 each, and 1 bp of 100,000. Nothing is earned.
    costs = 100_000 / 100.05 * 0.05 + 10
    assert (row["heard"], row["trades"], row["open"], row["refused"]) == (1, 1, 1, 0)
    assert row["costs"] == pytest.approx(costs / 1e6, rel=1e-9)
    assert row["total_return"] == pytest.approx(-costs / 1e6, rel=1e-9)
    # Held at 5 of 6 closes, worth 100,000 / 100.05 * 100 of an equity of a million less the costs.
    assert row["invested"] == pytest.approx(5 / 6 * 100_000 / 100.05 * 100 / (1e6 - costs), rel=1e-9)


@pytest.mark.parametrize(
    ("strategy", "kind", "confident", "heard"),
    [
        ("fade_panic", "panic_drop", 0.0, 1), ("fade_panic", "support", 0.0, 0), ("narrative_pressure", "support", 0.0, 1),
        ("narrative_pressure", "layoffs", 0.0, 1), ("short_bubble_warning", "denial", 0.0, 1), ("narrative_pressure", "support", 0.9, 0),
    ],
)  # fmt: skip
def test_events_heard_are_those_of_its_kinds_of_which_it_is_sure(
    strategy: str, kind: str, confident: float, heard: int
) -> None:
    asked = type(news.strategies_of(daily([1.0] * 6), "SPY")[strategy])(min_confidence=confident)
    events = event("2025-01-27T12:00:00+00:00", kind="support").frame.with_columns(kind=pl.lit(kind), confidence=0.8)
    assert news._heard(asked, events) == heard


@pytest.mark.parametrize(("also", "said"), [(False, "+0.00 %."), (True, "-0.01 %.")])
def test_what_is_left_without_the_events_with_hindsight_is_told(also: bool, said: str) -> None:
    table = event("2025-01-27T12:00:00+00:00").frame.with_columns(hindsight=True)
    if also:  # one more, of a day later, that nobody could remember: it costs 59.98 of a million, 0.006 %
        table = pl.concat([table, event("2025-01-28T12:00:00+00:00").frame.with_columns(event_id=pl.lit("other"))])
    row = news.traded("fade_panic", FadePanic(fall=1.0), daily([100.0] * 6), Events(table), table)
    assert row["trades"] == 1
    assert news.limits(row).endswith(f"Without the events marked `hindsight`, the return is {said}")


def test_a_strategy_that_hears_nothing_or_lacks_an_index_is_not_run() -> None:
    market, events = daily([100.0] * 6), event("2025-01-27T12:00:00+00:00", kind="support")
    placed = events.frame
    assert (
        news.traded("fade_panic", FadePanic(fall=1.0), market, events, placed)["not_run"]
        == "it hears none of the events"
    )
    nothing = Events(placed.clear())
    assert news.traded("fade_panic", FadePanic(fall=1.0), market, nothing, placed.clear())["heard"] == 0
    assert news.strategies_of(market, None)["hedged_bubble_short"] is None
    assert "no prices of an index" in news.traded("hedged_bubble_short", None, market, events, placed)["not_run"]


def test_on_minutes_a_position_is_held_for_a_session_at_most(closes: Market) -> None:
    for strategy in news.strategies_of(closes, "SPY").values():
        assert strategy is not None
        assert (strategy.hold, strategy.half_life) == (6, 3.0)  # a session of six bars
    assert news.strategies_of(daily([1.0] * 6), "SPY")["short_bubble_warning"].hold == 20  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"not_run": "it hears none of the events"}, "not run, for it hears none of the events."),
        ({"heard": 1, "trades": 0}, "no trade came of 1 event, so nothing can be said."),
        ({"heard": 9, "trades": 1}, "1 trade: too few to tell skill from luck, whatever the return."),
        ({"heard": 90, "trades": 29}, "29 trades: too few to tell skill from luck, whatever the return."),
        (
            {"heard": 9, "trades": 1, "return_without_hindsight": None},
            "Without the events marked `hindsight`, it hears nothing.",
        ),
        ({"heard": 90, "trades": 30}, "whether they beat luck is not tested here."),
    ],
)
def test_every_strategy_says_what_its_figures_do_not(row: dict[str, Any], said: str) -> None:
    assert news.limits(row).endswith(said)


# ----------------------------------------------------------------------------------------------------- the whole road


def write_days(folder: Path) -> None:
    """Write daily prices of every symbol, drawn at random, from a week before DeepSeek day to a week after."""
    days = calendar("XNYS").sessions
    days = days[(days >= np.datetime64("2025-01-20")) & (days <= np.datetime64("2025-02-03"))]
    random = np.random.default_rng(27)
    (folder / "data" / "us_daily").mkdir(parents=True)
    for symbol in {
        name for one in SETS for place in one.places if place.bars == "1d" for name in (*place.names, "SPY")
    }:
        close = 100 * np.exp(np.cumsum(random.normal(0, 0.02, days.size)))
        lines = [
            f"{day},{c:.4f},{c * 1.01:.4f},{c * 0.99:.4f},{c:.4f},{c:.4f},1000"
            for day, c in zip(days, close, strict=True)
        ]
        text = "\n".join(["Date,Open,High,Low,Close,Adj Close,Volume", *lines])
        (folder / "data" / "us_daily" / f"{symbol}.csv").write_text(text)


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """News and prices of the form of the real ones, in our own words."""
    write_days(tmp_path)
    names = [name for place in SETS[2].places for name in place.names]
    minutes(tmp_path, {name: [100.0, 99.0, 98.0, 99.0] for name in names}, [50.0] * 4)
    fall = f"Nvidia shares plunge 17% on Monday, the {SECRET} desk says"
    bubble = f"Nvidia is a bubble that will burst, warns the {SECRET} fund"
    tables = {
        "en_five_names_2020_2025.csv": f'ticker,title,pubDate\nNVDA,"{fall}",2025-01-27T22:05:00Z\nNVDA,"{bubble}",2025-01-31T09:00:00Z\n',
        "en_nvda_2024_2025.csv": f'title,time_published,summary\n"{fall}",2025-01-27 22:05:00,"{fall}."\n',
        "en_oct2025.csv": f'Company,Text,PublishedAt\nApple,"{fall.replace("Nvidia", "Apple")}.",2025-10-06T13:32:00+00:00\n',
    }  # fmt: skip
    for name, text in tables.items():
        (tmp_path / "news" / name).write_text(text)
    item = {
        "ticker": "TSLA",
        "title": f"Tesla is a bubble, says {SECRET}",
        "summary": "",
        "published_at": f"{DAY}T13:36:00+00:00",
    }
    (tmp_path / "news" / "en_oct2025_google.json").write_text(json.dumps([item]))
    return tmp_path


def test_the_command_reads_trades_and_tells_figures_alone(made_up: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = made_up / "news.json"
    assert news.main(["--data", str(made_up), "--out", str(out)]) == 0
    told, record = capsys.readouterr().out, records.read(out)
    assert SECRET not in told + out.read_text(encoding="utf-8")
    assert [one["documents"] for one in record["results"]] == [2, 1, 2]
    assert record["results"][0]["kinds"]["panic_drop"] == 1
    places = [place for one in record["results"] for place in one["places"]]
    assert [place["calendar"] for place in places] == ["XNYS", "XNYS", "XNYS", "XPAR"]
    fades = {row["strategy"]: row for row in places[0]["strategies"]}["fade_panic"]
    assert (fades["heard"], fades["trades"]) == (1 + record["results"][0]["kinds"].get("bubble_warning", 0), 1)
    assert "| strategy |" in told
    assert news.main(["--data", str(made_up), "--out", str(out)]) == 0  # its own record it may replace


def test_a_folder_without_the_data_is_said_in_one_sentence(made_up: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_data(made_up)
    for missing in (
        "news/en_oct2025.csv",
        "news/prices_5min_oct2025.json",
        "data/us_daily/MSFT.csv",
        "data/us_5min/SPY.csv",
    ):
        kept = (made_up / missing).rename(made_up / "away")
        assert news.main(["--data", str(made_up)]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"without {missing}" in said
        assert said.endswith("name one with --data.\n")
        kept.rename(made_up / missing)
    with pytest.raises(Fault, match="without news/en_five_names"):
        check_data(made_up / "nowhere")


def test_the_page_shows_the_record() -> None:
    text = news.PAGE.read_text(encoding="utf-8")
    assert text.count("<!-- news -->") == text.count("<!-- /news -->") == 1
    assert news.with_tables(text, records.read(news.SHOWN)) == text


def test_a_backslash_in_a_record_is_put_into_the_page_as_it_is() -> None:
    record = records.read(news.SHOWN)
    record["results"][0]["title"] = r"a \1 b"
    assert r"## a \1 b" in news.with_tables("<!-- news -->\nold\n<!-- /news -->\n", record)


# ---------------------------------------------------------------------------------------------------------- real ones


@pytest.mark.skipif(
    not (REAL / "news").is_dir() or not (REAL / "data").is_dir(), reason="the real news and prices are not here"
)
def test_on_real_news_nothing_is_known_before_it_stood_in_the_table_and_no_text_comes_out() -> None:
    record = news.measure(REAL, SETS[1:])  # stops where something is traded too early
    assert [one["documents"] for one in record["results"]] == [707, 976 + 403]  # as its README counts them
    told = news.page(record) + json.dumps(record)
    table = pl.read_csv(REAL / "news" / "en_nvda_2024_2025.csv", infer_schema=False)
    for name in ("title", "summary"):
        assert not [text for text in table[name].drop_nulls() if len(text) > 12 and text in told]
    stamps = set(table["time_published"].str.to_datetime(time_unit="us", time_zone="UTC"))
    events = read_news(REAL, SETS[1]).events.frame
    assert set(events["published_at"]) <= stamps
    assert (events["known_at"] >= events["published_at"]).all()
    rows = [row for one in record["results"] for place in one["places"] for row in place["strategies"]]
    assert sum(row.get("trades", 0) for row in rows) > 0
    assert not re.search(r"\d{4}-\d\d-\d\dT", told)  # no time of a document either
