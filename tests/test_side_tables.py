"""Tables of borrow rates, signals, events and parameter sets are read and checked alike."""

import datetime as dt
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from engine import Account, Events, Market, backtest, read_borrow, read_signals, sweep
from engine.calendars import calendar
from engine.cli import main
from engine.faults import Fault, Note
from engine.jobs.job import Job
from strategies import ShortBubbleWarning, Signals
from tests.tables.sheets import workbook

DAYS = calendar("XNYS").between("2024-01-02", "2024-01-18")
#: Symbols that a guess would change.
SYMBOLS = ("000001", "1E5", "NA", "QQX", "TRUE")
FREE = Account(slippage=0.0, fee_rate=0.0, borrow_rate=0.0)
#: 5,000 shares sold at 100, at 102 % of their value and 36 % a year, for the 15 days from the 3rd to the 18th, of 360.
FEE = 5000 * 100 * 1.02 * 0.36 * 15 / 360  # 7650


def flat(*assets: str) -> Market:
    """Twelve sessions at 100."""
    rows = [
        {"asset": asset, "date": day, **dict.fromkeys(("open", "high", "low", "close"), 100.0)}
        for asset in assets
        for day in DAYS.tolist()
    ]
    return Market.from_frame(pl.DataFrame(rows), calendar="XNYS")


MARKET = flat(*SYMBOLS)
SHORT = {"asset": ["QQX"], "session": [dt.date(2024, 1, 3)], "weight": [-0.5]}
RATES = {"asset": ["QQX"], "session": [dt.date(2024, 1, 2)], "rate": [0.36]}
EVENTS = {
    "kind": ["bubble_warning"],
    "assets": [["QQX"]],
    "strength": [0.9],
    "published_at": [dt.datetime(2024, 1, 2, 22, tzinfo=dt.UTC)],
}


def fee(borrow: Any, symbol: str = "QQX") -> float | None:
    run = backtest(Signals(signals={**SHORT, "asset": [symbol]}), MARKET, None, FREE, borrow=borrow)
    return run.metrics["total_borrow"]


def frame(table: dict[str, list[Any]], **changed: Any) -> pl.DataFrame:
    return pl.DataFrame({**table, **changed}, strict=False)


def at(*moment: int) -> list[dt.datetime]:
    return [dt.datetime(*moment)]  # type: ignore[arg-type]


RIGHT: dict[str, Any] = {
    "polars": frame(RATES),
    "lazy": frame(RATES).lazy(),
    "pandas": pd.DataFrame(RATES),
    "pandas, midnights": pd.DataFrame({**RATES, "session": pd.to_datetime(["2024-01-02"])}),
    "pandas, midnights of UTC": pd.DataFrame({**RATES, "session": pd.to_datetime(["2024-01-02"], utc=True)}),
    "pandas, days in the index": pd.DataFrame(RATES).set_index("session"),
    "pandas, an index without a name": pd.DataFrame(
        {"symbol": ["QQX"], "fee": [0.36]}, index=pd.to_datetime(["2024-01-02"])
    ),
    "arrow": frame(RATES).to_arrow(),
    "columns": RATES,
    "rows": [{"asset": "QQX", "session": "2024-01-02", "rate": 0.36}],
    "whole numbers for days": frame(RATES, session=[20240102]),
    "midnights": frame(RATES, session=at(2024, 1, 2)),
    "texts": frame(RATES, session=["20240102"], rate=["0.36"], asset=[" QQX "]),
    "categories": frame(RATES).with_columns(pl.col("asset").cast(pl.Categorical)),
    "a file": "asset,session,rate\nQQX,2024-01-02,0.36\n",
    "other names": "Ticker,Date,Fee rate\nQQX,2024-01-02,0.36\n",
    "a column more": "asset,lender,session,rate\nQQX,ABC,2024-01-02,0.36\n",
    "compact": "asset,session,rate\nQQX,20240102,0.36\n",
    "blanks": 'asset,session,rate\n QQX , 2024-01-02 ," 0.36"\n',
    "a percentage": "asset,session,rate\nQQX,2024-01-02,36%\n",
    "a comma": "asset;session;rate\nQQX;2024-01-02;0,36\n",
    "european": "Symbol;Datum;date;rate\nQQX;x;02.01.2024;0,360\n",
    "month first, as the 31st says": "asset,session,rate\nQQX,12/31/2023,0.36\n",
    "words": "asset,session,rate\nQQX,2 Jan 2024,0.36\n",
    "midnight in words": "asset,session,rate\nQQX,2024-01-02 00:00:00,0.36\n",
    "tabs": "asset\tsession\trate\nQQX\t2024-01-02\t0.36\n",
    "UTF-16": "asset,session,rate\nQQX,2024-01-02,0.36\n".encode("utf-16"),
    "gzip": gzip.compress(b"asset,session,rate\nQQX,2024-01-02,0.36\n"),
    "an empty line": "asset,session,rate\n\nQQX,2024-01-02,0.36\n\n",
}


def given(value: Any, folder: Path) -> Any:
    """Give a table as it is, or a file of a text."""
    if not isinstance(value, (str, bytes)):
        return value
    file = folder / "table.csv"
    file.write_bytes(value.encode() if isinstance(value, str) else value)
    return file


@pytest.mark.parametrize("spelling", RIGHT)
def test_every_table_of_rates_charges_the_same(tmp_path: Path, spelling: str) -> None:
    assert fee(given(RIGHT[spelling], tmp_path)) == pytest.approx(FEE)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_symbols_are_those_that_are_written(tmp_path: Path, symbol: str) -> None:
    (tmp_path / "r.csv").write_text(f"asset,session,rate\n{symbol},2024-01-02,0.36\n")
    (tmp_path / "s.csv").write_text(f"asset,session,weight\n{symbol},2024-01-03,-0.5\n")
    (tmp_path / "e.csv").write_text(
        f"kind,assets,strength,published_at\nbubble_warning,{symbol},0.9,2024-01-02T22:00Z\n"
    )
    assert fee(tmp_path / "r.csv", symbol) == pytest.approx(FEE)
    run = backtest(Signals(signals=tmp_path / "s.csv"), MARKET, None, FREE)
    assert run.orders["asset"].to_list() == [symbol]
    run = backtest(ShortBubbleWarning(), MARKET, tmp_path / "e.csv", FREE)
    assert run.orders["asset"].unique().to_list() == [symbol]


BAD_RATES: dict[str, tuple[Any, str]] = {
    "other capitals": (frame(RATES, asset=["qqx"]), r"borrow must name assets as the market does .got 'qqx', did you mean 'QQX'"),
    "other signs": (frame(RATES, asset=["Q.QX"]), "did you mean 'QQX'"),
    "no symbol": ("asset,session,rate\n,2024-01-02,0.36\n", "line 2: asset must name a symbol .got nothing"),
    "a blank symbol": (frame(RATES, asset=["  "]), "row 0: asset must name a symbol"),
    "days of which nobody can tell": ("asset,session,rate\nQQX,02/01/2024,0.36\n", "'02/01/2024', which may be month first or day first"),
    "days since 1970": (frame(RATES, session=[19724]), "row 0: session must be a date, such as 2025-01-31 .got 19724"),
    "a time of day": (frame(RATES, session=at(2024, 1, 2, 9, 30)), "row 0: session must be a date, .* .got 2024-01-02 09:30:00"),
    "no day": ("asset,session,rate\nQQX,2024-01-02,0.36\nTRUE,2024-02-30,0.36\n", "line 3: session must be a date, .* .got '2024-02-30'"),
    "an empty day": ("asset,session,rate\nQQX,,0.36\n", "line 2: session must be a date, .* .got nothing.; fill it in"),
    "no number": ("asset,session,rate\nQQX,2024-01-02,much\n", "line 2: rate must be a yearly rate .* .got 'much'"),
    "an empty rate": ("asset,session,rate\nQQX,2024-01-02,\n", "line 2: rate must be a yearly rate .* .got nothing"),
    "below zero": (frame(RATES, rate=[-0.1]), "row 0: rate must be a yearly rate from 0 to 1,000, .* .got -0.1"),
    "too much": (frame(RATES, rate=[1001.0]), "got 1001.0"),
    "not finite": (frame(RATES, rate=[float("inf")]), "got inf"),
    "a truth": (frame(RATES, rate=[True]), "rate must hold numbers or their texts .got Boolean"),
    "a sign of which nobody can tell": ('asset,session,rate\nQQX,2024-01-02,"1,085"\n', "decimal sign must be known .got '1,085'"),
    "twice": (frame({name: values * 2 for name, values in RATES.items()}), "row 1: QQX must have one rate from 2024-01-02 on"),
    "no column of rates": (frame(RATES).rename({"rate": "rat"}), "must have a column 'rate' .*; add it, or rename 'rat'"),
    "two columns of symbols": (frame(RATES, ticker=["QQX"]).rename({"asset": "symbol"}), "'symbol' and 'ticker' mean the same"),
    "no rows": ("asset,session,rate\n", "must have rows .got none"),
    "no rows in memory": (frame(RATES).clear(), "must have rows .got none"),
    "no table": (5, "borrow must be a polars, pandas or Arrow table"),
    "a page": ("<html></html>", "got a page of HTML"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_RATES)
def test_a_table_of_rates_that_is_not_sound_is_one_sentence(tmp_path: Path, kind: str) -> None:
    value, said = BAD_RATES[kind]
    with pytest.raises(Fault, match=said) as caught:
        fee(given(value, tmp_path))
    assert str(caught.value).startswith("borrow")
    assert "\n" not in str(caught.value)
    with pytest.raises(Fault, match=said):
        sweep(
            ShortBubbleWarning,
            MARKET,
            Events.from_frame(EVENTS),
            FREE,
            borrow=given(value, tmp_path),
            hold=[5],
            device="cpu",
        )


@pytest.mark.parametrize(
    ("changed", "said", "charged"),
    [
        (
            {"asset": ["AMD"]},
            "borrow names no asset of the market (got 'AMD'); the account's borrow_rate holds throughout.",
            0.0,
        ),
        ({"asset": ["QQXX"]}, "borrow names no asset of the market (got 'QQXX' (did you mean 'QQX'?));", 0.0),
        (
            {"session": [dt.date(2024, 1, 19)]},
            "borrow has 1 rate that begins after the market's last session, 2024-01-18",
            0.0,
        ),
        ({"rate": [36.0]}, "borrow has the rate 36 for QQX from 2024-01-02 on, which is 3600% a year", FEE * 100),
    ],
)
def test_rates_that_do_nothing_or_are_odd_are_told(changed: dict[str, Any], said: str, charged: float) -> None:
    with pytest.warns(Note) as told:
        assert fee(frame(RATES, **changed)) == pytest.approx(charged)
    assert said in str(told[0].message)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("rate (%)", 36),
        ("rate %", 36.0),
        ("rate (%)", "36%"),  # once, not twice
        ("% rate", "36"),
        ("rate（%）", 36),
        ("rate_pct", 36),
        ("ratePct", 36),
        ("Borrow Rate (% p.a.)", 36),
        ("fee in percent", 36),
        ("rate ‰", 360),
        ("rate (bps)", 3600),
        ("fee_bps", 3600),
        ("rate, basis points", "3600"),
    ],
)
def test_a_unit_in_the_header_is_applied_and_said(header: str, value: Any) -> None:
    with pytest.warns(Note, match="is in .*; its values are divided by 1"):
        assert fee({"asset": ["QQX"], "session": ["2024-01-02"], header: [value]}) == pytest.approx(FEE)


def test_weights_strengths_and_stances_may_be_in_percent() -> None:
    with pytest.warns(Note, match="'weight [(]%[)]' is in percent; its values are divided by 100"):
        signals = read_signals({"asset": ["QQX"], "session": ["2024-01-03"], "weight (%)": [-50]})
    assert signals is not None
    assert signals.frame["weight"].to_list() == [-0.5]
    table = {name: values for name, values in EVENTS.items() if name != "strength"}
    with pytest.warns(Note, match="is in"):
        events = Events.from_frame({**table, "strength (%)": [90], "stance_bps": ["-5000"]}).frame
    assert events.select("strength", "stance").row(0) == (0.9, -0.5)


@pytest.mark.parametrize(
    "header", ["rate ($)", "rate (€)", "rate (thousands)", "rate (¢)", "session (%)", "asset (bps)"]
)
def test_a_unit_that_cannot_be_applied_is_refused(header: str) -> None:
    name = header.split(" ", maxsplit=1)[0]
    table = {**{other: values for other, values in RATES.items() if other != name}, header: RATES[name]}
    with pytest.raises(Fault, match=r"must hold .*convert it and name it"):
        read_borrow(table)


def test_a_percentage_in_a_column_of_basis_points_is_refused() -> None:
    table = {"asset": ["QQX"], "session": ["2024-01-02"], "rate (bps)": ["36%"]}
    with pytest.warns(Note), pytest.raises(Fault, match=r"rate must be a yearly rate .*got '36%'"):
        read_borrow(table)


@pytest.mark.parametrize(
    "header",
    ["close (pence)", "close (%)", "close ¢", "volume (000s)", "volume (%)", "Volume, thousands", "dividend (¢)"],
)
def test_prices_and_volumes_in_other_units_are_refused(header: str) -> None:
    names = [name for name in ("open", "high", "low", "close") if not header.startswith(name)]
    table = {"asset": ["QQX"], "date": ["2024-01-02"], **{name: [100.0] for name in (*names, header)}}
    with pytest.raises(Fault, match=r"must hold values in whole units .got .*; convert it and name it"):
        Market.from_frame(pl.DataFrame(table), calendar="XNYS")


def test_some_unknown_names_are_counted() -> None:
    many = pl.concat([frame(RATES), frame(RATES, asset=["AMD"]), frame(RATES, asset=["qqx"])])
    with pytest.warns(
        Note, match="borrow names 2 of 3 symbols that are not in the market, the first 'AMD'; their rows are not used"
    ):
        assert fee(many) == pytest.approx(FEE)  # QQX itself is named, so that qqx is another


def test_a_kept_layout_answers_for_its_own_table_alone() -> None:
    for rate in (0.36, 0.72, 0.36, 0.0):
        assert fee(frame(RATES, rate=[rate])) == pytest.approx(FEE * rate / 0.36)
    assert fee(None) == 0.0
    assert fee(frame(RATES)) == pytest.approx(FEE)


# Signals


def ordered(signals: Any) -> list[tuple[str, str]]:
    run = backtest(Signals(signals=signals), MARKET, None, FREE)
    return [(str(time.date()), asset) for time, asset in run.orders.select("time_filled", "asset").iter_rows()]


RIGHT_SIGNALS: dict[str, Any] = {
    "pandas": pd.DataFrame(SHORT),
    "pandas, an index": pd.DataFrame(SHORT).set_index("session"),
    "arrow": frame(SHORT).to_arrow(),
    "columns": SHORT,
    "rows": [{"asset": "QQX", "session": "2024-01-03", "weight": -0.5}],
    "whole numbers": frame(SHORT, session=[20240103]),
    "midnights": frame(SHORT, session=at(2024, 1, 3)),
    "other names": "ticker,date,target\nQQX,2024-01-03,-0.5\n",
    "compact": "asset,session,weight\nQQX,20240103,-0.5\n",
    "european": "symbol;date;weight\nQQX;03.01.2024;-0,500\n",
    "percent": "asset,session,weight\nQQX,2024-01-03,-50%\n",
    "brackets": "asset,session,weight\nQQX,2024-01-03,(0.5)\n",
    "an instant": "asset,known_at,weight\nQQX,2024-01-02T16:00-05:00,-0.5\n",
    "an instant in words": "asset,timestamp,weight\nQQX,2024-01-02 4:00 pm ET,-0.5\n",
    "an instant of UTC": frame(SHORT, known_at=[dt.datetime(2024, 1, 2, 21, tzinfo=dt.UTC)]).drop("session"),
}


@pytest.mark.parametrize("spelling", RIGHT_SIGNALS)
def test_every_table_of_signals_acts_the_same(tmp_path: Path, spelling: str) -> None:
    assert ordered(given(RIGHT_SIGNALS[spelling], tmp_path)) == [("2024-01-03", "QQX")]


BAD_SIGNALS: dict[str, tuple[Any, str]] = {
    "other capitals": (frame(SHORT, asset=["qqx"]), "got 'qqx', did you mean 'QQX'"),
    "a number for its symbol": (frame(SHORT, asset=[1]), r"row 0: asset must be one of the market's .got '1'"),
    "another": ("asset,session,weight\nQQXX,2024-01-03,1\n", r"line 2: asset must be one of the market's .got 'QQXX' .did you mean 'QQX'"),
    "no session": ("asset,session,weight\nQQX,2024-01-06,1\n", "line 2: session must be a session of the market, .*2024-01-06"),
    "no day": ("asset,session,weight\nQQX,2024-01-03,1\nQQX,20240230,1\n", "line 3: session must be a date, .* .got '20240230'"),
    "days of which nobody can tell": ("asset,session,weight\nQQX,01/03/2024,1\n", "--dates mdy or dmy"),
    "a time in a day's place": ("asset,date,weight\nQQX,2024-01-03 09:30,1\n", "line 2: session must be a date"),
    "no zone": ("asset,known_at,weight\nQQX,2024-01-03 09:30,1\n", "line 2: known_at must be a time with its zone"),
    "a zone that is not known": ("asset,known_at,weight\nQQX,2024-01-03 09:30 QQT,1\n", "line 2: known_at must be a time with its zone"),
    "no weight": ("asset,session,weight\nQQX,2024-01-03,\n", "line 2: weight must be a share of equity .* .got nothing"),
    "a truth": ("asset,session,weight\nQQX,2024-01-03,TRUE\n", "line 2: weight must be a share of equity .* .got 'TRUE'"),
    "twice": ("asset,session,weight\nQQX,2024-01-03,1\nQQX,20240103,0\n", "line 3: QQX must have one signal a bar"),
    "no rows": ("asset,session,weight\n", "must have rows"),
    "no time": (frame(SHORT).drop("session"), "must have a column 'session'"),
    "no table": ([1, 2], "signals must be a polars, pandas or Arrow table"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_SIGNALS)
def test_a_table_of_signals_that_is_not_sound_is_one_sentence(tmp_path: Path, kind: str) -> None:
    value, said = BAD_SIGNALS[kind]
    with pytest.raises(Fault, match=said) as caught:
        ordered(given(value, tmp_path))
    assert "\n" not in str(caught.value)


# Events


RIGHT_EVENTS: dict[str, Any] = {
    "events": Events.from_frame(EVENTS),
    "pandas": pd.DataFrame(EVENTS),
    "pandas, an index": pd.DataFrame(EVENTS).set_index("published_at"),
    "arrow": frame(EVENTS).to_arrow(),
    "columns": EVENTS,
    "rows": [{name: values[0] for name, values in EVENTS.items()}],
    "a file": "kind,assets,strength,published_at\nbubble_warning,QQX,0.9,2024-01-02T22:00Z\n",
    "other names": "Kind,Ticker,Strength,Published at\nbubble_warning,QQX,90%,2024-01-02 5:00 pm ET\n",
    "european": "kind;assets;strength;published_at\nbubble_warning;QQX;0,9;02.01.2024 23:00 +01:00\n",
    "a list as Python writes it": "kind,assets,strength,published_at\nbubble_warning,\"['QQX']\",0.9,2024-01-02T22:00Z\n",
    "seconds since 1970": frame(EVENTS, published_at=[1704232800]),
    "a day with its zone": "kind,assets,strength,published_at\nbubble_warning,QQX,0.9,2024-01-02 UTC\n",
}


@pytest.mark.parametrize("spelling", RIGHT_EVENTS)
def test_every_table_of_events_is_heard_the_same(tmp_path: Path, spelling: str) -> None:
    table = given(RIGHT_EVENTS[spelling], tmp_path)
    run = backtest(ShortBubbleWarning(), MARKET, table, FREE)
    assert run.orders["time_filled"][0].date() == dt.date(2024, 1, 3)
    found = sweep(ShortBubbleWarning, MARKET, table, FREE, hold=[5, 6], device="cpu", precision="float64")
    assert len(found) == 2


HEADER, ROW = "kind,assets,strength,published_at", "bubble_warning,QQX,0.9,2024-01-02T22:00Z"
BAD_EVENTS: dict[str, tuple[Any, str]] = {
    "other capitals": (frame(EVENTS, assets=[["qqx"]]), "events must name assets as the market does .got 'qqx', did you mean 'QQX'"),
    "no zone": (frame(EVENTS, published_at=at(2024, 1, 2, 22)), "row 1: published_at must be a time with its zone"),
    "a day alone": (frame(EVENTS, published_at=[dt.date(2024, 1, 2)]), "row 1: published_at must be a time with its zone"),
    "no number": (frame(EVENTS, strength=["much"]), "row 1: strength must be a number .got 'much'"),
    "no whole number": (f"{HEADER},evidence_start\n{ROW},1.5\n", "line 2: evidence_start must be a whole number"),
    "a strength of nine": (f"{HEADER}\n{ROW}\n{ROW.replace('0.9', '9')}\n", r"line 3 .*strength=9.0 must lie in 0\.\.1"),
    "two columns of symbols": (frame(EVENTS, ticker=["QQX"]).rename({"assets": "symbol"}), "'symbol' and 'ticker' mean the same"),
    "a market": (MARKET, "events must be Events .got a Market"),
    "a number": (5, "events must be Events .got an int"),
    "a class": (Events, "events must be Events .got the class Events"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_EVENTS)
def test_a_table_of_events_that_is_not_sound_is_one_sentence(tmp_path: Path, kind: str) -> None:
    value, said = BAD_EVENTS[kind]
    with pytest.raises(Fault, match=said) as caught:
        backtest(ShortBubbleWarning(), MARKET, given(value, tmp_path), FREE)
    assert "\n" not in str(caught.value)


def test_midnights_throughout_are_days_unless_precisions_say_otherwise() -> None:
    # Published some time on the 2nd, and known for sure at its end; the precision says that it was at midnight sharp.
    midnight = [dt.datetime(2024, 1, 2, tzinfo=dt.UTC)]
    with pytest.warns(Note, match="events: column 'published_at' is midnight throughout"):
        days = Events.from_frame(frame(EVENTS, published_at=midnight)).frame
    assert days["known_at"][0] == dt.datetime(2024, 1, 2, 23, 59, 59, 999_999, tzinfo=dt.UTC)
    assert days["published_precision"].to_list() == ["day"]
    exact = Events.from_frame(frame(EVENTS, published_at=midnight, published_precision=["instant"])).frame
    assert exact["known_at"].to_list() == midnight


# Where something else is wanted


@pytest.mark.parametrize(
    ("market", "account", "said"),
    [
        (MARKET.frame, None, "market must be a Market .got a polars DataFrame.; .* make one with Market.from_frame"),
        (MARKET.frame.to_pandas(), None, "market must be a Market .got a pandas DataFrame"),
        (MARKET.frame.to_arrow(), None, "market must be a Market .got a pyarrow Table"),
        ("prices.parquet", None, "market must be a Market .got the path 'prices.parquet'"),
        (Path("prices.parquet"), None, "market must be a Market .got the path 'prices.parquet'"),
        (Events.from_frame(EVENTS), None, "market must be a Market .got an Events"),
        (EVENTS, None, "market must be a Market .got a dict"),
        (None, None, "market must be a Market .got a NoneType"),
        (Market, None, "market must be a Market .got the class Market"),
        (MARKET, {"cash": 1e6}, r"account must be an Account .got a dict.; make one, such as Account\(cash=100_000\)"),
        (MARKET, Account, "account must be an Account .got the class Account"),
        (MARKET, 1e6, "account must be an Account .got a float"),
    ],
)  # fmt: skip
def test_what_is_given_in_the_place_of_a_market_or_an_account(market: Any, account: Any, said: str) -> None:
    events = Events.from_frame(EVENTS)
    runs: list[Callable[[], object]] = [
        lambda: backtest(ShortBubbleWarning(), market, events, account),
        lambda: sweep(ShortBubbleWarning, market, events, account, hold=[5], device="cpu"),
    ]
    for run in runs:
        with pytest.raises(Fault, match=said):
            run()


# Parameter sets


@pytest.mark.parametrize(
    "table",
    [
        "hold,stop\n5,0.1\n10,none\n",
        "hold;stop\n5;0,1\n10;none\n",
        "hold\tstop\n5\t10%\n10\toff\n",
        {"hold": [5, 10], "stop": [0.1, None]},
        [{"hold": 5, "stop": 0.1}, {"hold": 10, "stop": None}],
        pd.DataFrame({"hold": [5, 10], "stop": [0.1, None]}),
        pl.LazyFrame({"hold": [5, 10], "stop": ["0.1", "none"]}),
        pl.DataFrame({"hold": [5, 10], "stop": [0.1, None]}).to_arrow(),
    ],
)
def test_every_table_of_sets_is_walked_the_same(tmp_path: Path, table: Any) -> None:
    sets = given(table, tmp_path)
    if isinstance(table, str) and "%" in table:
        with pytest.raises(Fault, match=r"line 2: stop must be a number, or none .*got '10%'"):
            sweep(ShortBubbleWarning, MARKET, Events.from_frame(EVENTS), FREE, table=sets, device="cpu")
        return
    found = sweep(ShortBubbleWarning, MARKET, Events.from_frame(EVENTS), FREE, table=sets, device="cpu")
    assert found.table.select("hold", "stop").rows() == [(5.0, 0.1), (10.0, None)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("hold,stop\n5,\n", "line 2: stop must be a number, or none where the parameter may be none .got nothing"),
        ("hold,stop\n5,0.1\n10,NA\n", "line 3: stop must be a number, .* .got nothing"),
        ("hold,stop\n5,much\n", "line 2: stop must be a number, .* .got 'much'"),
        ("hold;stop\n5;1,085\n", "decimal sign must be known"),
        ("hold,stop\n", "must have rows"),
        ("hold,hold\n5,6\n", "two columns 'hold'"),
        ({"hold": [5], "stop": ["much"]}, "row 0: stop must be a number"),
    ],
)
def test_a_table_of_sets_that_is_not_sound_is_one_sentence(tmp_path: Path, table: Any, said: str) -> None:
    with pytest.raises(Fault, match=f"table.*{said}"):
        sweep(ShortBubbleWarning, MARKET, Events.from_frame(EVENTS), FREE, table=given(table, tmp_path), device="cpu")


# How the texts of all tables are written


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables of which every one leaves open how its dates and numbers are written: the 5th of January, 1.085 and 0.5."""
    monkeypatch.chdir(tmp_path)
    days = [str(day) for day in DAYS[:7]]
    rows = "".join(f"QQX;{day[8:]}/{day[5:7]}/{day[:4]};1,085;1,085;1,085;1,085\n" for day in days)
    Path("p.csv").write_text("symbol;date;open;high;low;close\n" + rows)
    Path("s.csv").write_text("asset;session;weight\nQQX;05/01/2024;-1,000\n")
    Path("r.csv").write_text("asset;session;rate\nQQX;02/01/2024;1,080\n")
    Path("e.csv").write_text("kind;assets;strength;published_at\nbubble_warning;QQX;1,000;04/01/2024 22:00 UTC\n")
    return tmp_path


COMMAND = (
    "--prices",
    "p.csv",
    "--borrow",
    "r.csv",
    "--set",
    "account.slippage=0",
    "--set",
    "account.fee_rate=0",
    "--out",
    "run",
)


def test_one_pair_of_options_holds_for_every_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signals = ("backtest", "signals", "--set", "signals=s.csv", *COMMAND)
    events = ("backtest", "short_bubble_warning", "--events", "e.csv", *COMMAND)
    for command in (signals, events):
        assert main([*command]) == 2
        assert main([*command, "--dates", "dmy"]) == 2
        assert main([*command, "--decimal", ","]) == 2
        capsys.readouterr()
        assert main([*command, "--dates", "dmy", "--decimal", ",", "--json"]) == 0
        run = json.loads(capsys.readouterr().out)
        assert run["market"]["first"] == "2024-01-02"
        orders = pl.read_parquet("run/orders.parquet")
        # Sold on Friday the 5th, at 1.085; held to the 10th, 5 days at 108 % a year of 102 % of what was sold.
        assert orders.select("time_filled", "price").row(0) == (dt.datetime(2024, 1, 5, 14, 30, tzinfo=dt.UTC), 1.085)
        sold = orders["shares"][0] * 1.085
        assert run["metrics"]["total_borrow"] == pytest.approx(sold * 1.02 * 1.08 * 5 / 360)


def test_a_job_says_it_once(folder: Path) -> None:
    job = """\
[market]
prices = "p.csv"
borrow = "r.csv"
[events]
table = "e.csv"
[strategy]
name = "short_bubble_warning"
[grid]
kind = "table"
table = "sets.csv"
[tables]
dates = "dmy"
decimal = ","
"""
    Path("sets.csv").write_text("hold;weight\n5;0,125\n6;1,000\n")
    Path("job.toml").write_text(job)
    read = Job.read(Path("job.toml"))
    assert read.market.frame["open"][0] == 1.085
    assert read.events is not None
    assert read.events.frame["published_at"][0] == dt.datetime(2024, 1, 4, 22, tzinfo=dt.UTC)
    assert read.borrow is not None
    assert read.borrow.row(0) == ("QQX", dt.date(2024, 1, 2), 1.08)
    assert read.grid.axes["weight"].tolist() == [0.125, 1.0]
    Path("job.toml").write_text(job.replace('"dmy"', '"day"'))
    with pytest.raises(Fault, match=r"line 12: tables\.dates is .day. .*, allowed are"):
        Job.read(Path("job.toml"))


def test_python_says_it_where_it_reads(folder: Path) -> None:
    assert read_borrow("r.csv", dates="dmy", decimal=",").row(0) == ("QQX", dt.date(2024, 1, 2), 1.08)
    signals = read_signals("s.csv", dates="dmy", decimal=",")
    assert signals is not None
    assert signals.frame.select("session", "weight").row(0) == (dt.date(2024, 1, 5), -1.0)
    assert ordered(signals) == [("2024-01-05", "QQX")]
    assert Events.read("e.csv", dates="dmy", decimal=",").frame["strength"][0] == 1.0
    assert Market.read("p.csv", dates="dmy", decimal=",").frame["open"][0] == 1.085
    with pytest.raises(Fault, match="decimal must be"):
        read_borrow("r.csv", decimal=";")  # type: ignore[arg-type]
    with pytest.raises(Fault, match="dates must be"):
        read_borrow("r.csv", dates="day")  # type: ignore[arg-type]


def test_notes_are_sentences_on_standard_error_each_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("r.csv").write_text("asset;session;rate\nAMD;02/01/2024;1,080\n")
    command = ("backtest", "signals", "--set", "signals=s.csv", *COMMAND, "--dates", "dmy", "--decimal", ",", "--json")
    assert main([*command]) == 0
    out, err = capsys.readouterr()
    assert err == "Note: borrow names no asset of the market (got 'AMD'); the account's borrow_rate holds throughout.\n"
    assert json.loads(out)["metrics"]["total_borrow"] > 0


def test_a_sheet_of_excel_is_a_table_of_rates(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel")
    (tmp_path / "rates.xlsx").write_bytes(workbook([["Symbol", "Date", "Rate"], ["QQX", "2024-01-02", 0.36]]))
    assert fee(tmp_path / "rates.xlsx") == pytest.approx(FEE)
