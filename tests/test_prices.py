"""Prices in any usual spelling become the same market; real prices load, with their known defects reported."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendars import calendar
from engine.faults import Fault
from engine.market import Market
from engine.prices import import_prices

REAL = Path(__file__).parents[1].parent / "shared" / "data"
real_prices = pytest.mark.skipif(not REAL.is_dir(), reason="the real prices are not there")

DAYS = calendar("XNYS").between("2025-01-02", "2025-03-31").astype(str).tolist()[:20]
BARS = [(day, 10 + i / 10, 10.5 + i / 10, 9.5 + i / 10, 10.2 + i / 10, 1000 + i) for i, day in enumerate(DAYS)]
TABLE = pl.DataFrame(BARS, schema=["date", "open", "high", "low", "close", "volume"], orient="row")
PLAIN = Market.from_frame(TABLE, asset="ABC")


def lines(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


def table(header: str, row: str, separator: str = ",") -> str:
    """Write BARS in a vendor's layout; `row` names day, o, h, l, c and v."""
    names = ("day", "o", "h", "l", "c", "v")
    return lines(header, *(row.format(**dict(zip(names, bar, strict=True)), d=bar[0].split("-")) for bar in BARS))


SPELLINGS = {
    "yahoo": table("Date,Open,High,Low,Close,Adj Close,Volume", "{day},{o},{h},{l},{c},{c},{v}"),
    "yahoo by yfinance": lines(
        "Price,Close,High,Low,Open,Volume",
        "Ticker,ABC,ABC,ABC,ABC,ABC",
        "Date,,,,,",
        *(f"{day},{c},{h},{low},{o},{v}" for day, o, h, low, c, v in BARS),
    ),
    "yahoo history": table(
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits", "{day} 00:00:00-05:00,{o},{h},{l},{c},{v},0.0,0.0"
    ),
    "stooq": table(
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
        "ABC.US,D,{d[0]}{d[1]}{d[2]},000000,{o},{h},{l},{c},{v},0",
    ),
    "tiingo": table(
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor",
        "{day}T00:00:00.000Z,{c},{h},{l},{o},{v},1,1,1,1,1,0.0,1.0",
    ),
    "alpha vantage": table("timestamp,1. open,2. high,3. low,4. close,5. volume", "{day},{o},{h},{l},{c},{v}"),
    "nasdaq": table("Date,Close/Last,Volume,Open,High,Low", "{d[1]}/{d[2]}/{d[0]},${c},{v},${o},${h},${l}"),
    "alpaca": table("t,o,h,l,c,v", "{day}T05:00:00Z,{o},{h},{l},{c},{v}"),
    "pandas": table(",OPEN,HIGH,LOW,CLOSE,VOLUME", "{day} 00:00:00,{o},{h},{l},{c},{v}"),
    "semicolons": table("Datum;Date;Open;High;Low;Close;Volume", "x;{d[2]}.{d[1]}.{d[0]};{o};{h};{l};{c};{v}"),
    "tabs": table("Date\tOpen\tHigh\tLow\tClose\tVolume", "{day}\t{o}\t{h}\t{l}\t{c}\t{v}"),
    "thousands": table("Date,Open,High,Low,Close,Vol.", '{d[0]}/{d[1]}/{d[2]},{o},{h},{l},{c},"{v:,}"'),
    "mark": "\ufeff" + table("date,open,high,low,close,volume", "{day},{o},{h},{l},{c},{v}"),
    "windows lines": table("date,open,high,low,close,volume", "{day},{o},{h},{l},{c},{v}").replace("\n", "\r\n"),
    "empty lines": table("date,open,high,low,close,volume", "{day},{o},{h},{l},{c},{v}").replace("\n", "\n\n"),
    "long": table("Symbol,date,open,high,low,close,volume", "ABC,{day},{o},{h},{l},{c},{v}"),
}


def same_prices(one: Market, other: Market) -> None:
    """Compare all but dividends and splits, which spellings know or do not."""
    known = pl.exclude("dividend", "split")
    assert one.frame.select(known).equals(other.frame.select(known))
    assert one.opens.tolist() == other.opens.tolist()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_gives_the_same_market(tmp_path: Path, spelling: str) -> None:
    file = tmp_path / "ABC.csv"
    file.write_bytes(SPELLINGS[spelling].encode())
    same_prices(import_prices(file), PLAIN)
    assert Market.read(file).assets == ("ABC",)


def test_folders_lists_and_kinds_of_files(tmp_path: Path) -> None:
    text = SPELLINGS["yahoo"]
    for name in ("A.csv", "B.us.csv", "C.tsv", ".hidden.csv", "note.txt"):
        (tmp_path / name).write_text(text.replace(",", "\t") if name.endswith("tsv") else text)
    TABLE.write_parquet(tmp_path / "D.parquet")
    TABLE.write_ipc(tmp_path / "E.arrow")
    market = import_prices(tmp_path)
    assert market.assets == ("A", "B", "C", "D", "E")
    assert import_prices([tmp_path / "A.csv", str(tmp_path / "D.parquet")]).assets == ("A", "D")
    assert market.frame.height == 5 * 20


def pandas_frame() -> pd.DataFrame:
    days = pd.DatetimeIndex(DAYS)
    return pd.DataFrame(TABLE.drop("date").to_dict(as_series=False), index=days)


FRAMES = {
    "polars": lambda: TABLE,
    "polars, dates": lambda: TABLE.with_columns(pl.col("date").str.to_date()),
    "polars, lazy": TABLE.lazy,
    "polars, texts": lambda: TABLE.cast(pl.String),
    "polars, UTC": lambda: TABLE.with_columns(pl.col("date").str.to_datetime(time_zone="UTC")),
    "polars, seconds": lambda: TABLE.with_columns(pl.col("date").str.to_datetime().dt.epoch("s")),
    "pandas, index": pandas_frame,
    "pandas, New York": lambda: pandas_frame().tz_localize("America/New_York"),
    "pandas, column": lambda: pandas_frame().rename_axis("Date").reset_index(),
    "pyarrow": lambda: pa.table(TABLE.to_arrow()),
    "Arrow stream": lambda: pa.RecordBatchReader.from_batches(TABLE.to_arrow().schema, TABLE.to_arrow().to_batches()),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_data_frame_gives_the_same_market(kind: str) -> None:
    same_prices(Market.from_frame(FRAMES[kind](), asset="ABC"), PLAIN)


def test_several_assets_in_a_pandas_frame() -> None:
    frame = pandas_frame().rename_axis("date")
    long = pd.concat({"A": frame, "B": frame}, names=["symbol"])
    wide = pd.concat({"A": frame, "B": frame}, axis=1, names=["Ticker", "Price"])
    for given_frame in (long, long.reset_index(), wide, wide.swaplevel(axis=1)):
        market = Market.from_frame(given_frame)
        assert market.assets == ("A", "B")
        same_prices(market.select(["B"]), Market.from_frame(TABLE, asset="B"))


def test_frames_that_are_none() -> None:
    with pytest.raises(Fault, match=r"frame must be a polars, pandas or Arrow table.*\(got an int\)"):
        Market.from_frame(5)
    with pytest.raises(Fault, match="no column for the symbol"):
        Market.from_frame(TABLE)
    with pytest.raises(Fault, match=r"column open must hold numbers or their texts \(got List\(Int64\)\)"):
        Market.from_frame(TABLE.with_columns(open=pl.lit([1])), asset="A")


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_of_rows_loads_to_the_same_market(chance: random.Random, assets: int) -> None:
    table = pl.concat(
        TABLE.with_columns(pl.lit(f"A{i}").alias("asset"), pl.col("close") + i / 100) for i in range(assets)
    )
    order = list(range(table.height))
    chance.shuffle(order)
    shuffled = Market.from_frame(table[order])
    assert shuffled.frame.equals(Market.from_frame(table).frame)


def test_intraday_bars_outside_hours() -> None:
    # 2025-11-28, a half day, closes at 18:00 UTC; 14:25 is before the open, 18:00 after the last bar.
    times = ["2025-11-28 14:25", "2025-11-28 14:30", "2025-11-28 17:50", "2025-11-28 17:55", "2025-11-28 18:00"]
    frame = pl.DataFrame({"time": pl.Series(times).str.to_datetime(time_zone="UTC")}).with_columns(
        pl.lit(10.0).alias(name) for name in ("open", "high", "low", "close")
    )
    regular = Market.from_frame(frame, asset="A", interval="5m")
    assert regular.frame.height == 3
    assert len(regular.opens) == 42  # three and a half hours of twelve
    assert regular.findings.filter(check="extended_hours")["value"].to_list() == ["2"]
    every = Market.from_frame(frame, asset="A", interval="5m", hours="all")
    assert every.frame.height == 5
    assert len(every.opens) == 44
    assert (every.sessions == np.datetime64("2025-11-28")).all()


def test_local_times_cross_the_change_of_clocks() -> None:
    # 9:30 in New York is 14:30 UTC on Friday 2025-03-07 and 13:30 UTC on Monday 2025-03-10.
    times = [f"2025-03-{day:02} 09:{minute}" for day in (7, 10) for minute in (30, 35, 40)]
    frame = pl.DataFrame({"time": times}).with_columns(
        pl.lit(10.0).alias(name) for name in ("open", "high", "low", "close")
    )
    market = Market.from_frame(frame, asset="A", timezone="America/New_York")
    assert market.interval == "5m"
    assert [f"{time:%d %H:%M}" for time in market.frame["time"]][::3] == ["07 14:30", "10 13:30"]


def test_dividends_come_from_the_adjusted_close() -> None:
    # A dividend of 0.50 after a close of 20 multiplies all earlier adjusted closes by 1 - 0.50 / 20 = 0.975 (CRSP).
    closes = [20.0, 20.0, 20.0, 19.6, 19.8]
    frame = pl.DataFrame({"date": DAYS[:5], "close": closes, "Adj Close": [c * 0.975 for c in closes[:3]] + closes[3:]})
    frame = frame.with_columns(pl.col("close").alias(name) for name in ("open", "high", "low"))
    market = Market.from_frame(frame, asset="A")
    assert market.frame["dividend"].to_list() == pytest.approx([0, 0, 0, 0.5, 0], abs=1e-12)
    # Printed to two decimals, every price is 0.005 uncertain, and 0.01 of 20 cannot be told from rounding.
    small = [round(c * (1 - 0.01 / 20), 2) for c in closes[:3]] + closes[3:]
    rounded = Market.from_frame(frame.with_columns(pl.Series("Adj Close", small)), asset="A")
    assert rounded.frame["dividend"].to_list() == [0] * 5


def test_dividends_of_raw_prices_count_per_adjusted_share() -> None:
    # A share that pays 1.00 and then splits 4 for 1 paid 0.25 for each share there is now.
    price = [100.0, 100.0, 100.0, 25.0, 25.0]
    frame = pl.DataFrame({"date": DAYS[:5], "divCash": [0.0, 1.0, 0.0, 0.0, 0.5], "splitFactor": [1, 1, 1, 4, 1]})
    frame = frame.with_columns(pl.Series(name, price) for name in ("open", "high", "low", "close"))
    market = Market.from_frame(frame, asset="A")
    assert market.frame["close"].to_list() == [25.0] * 5
    assert market.frame["dividend"].to_list() == [0, 0.25, 0, 0, 0.5]
    assert market.columns().split[0].tolist() == [4, 4, 4, 1, 1]


# Close to close in percent, from the table in shared/data/README.md.
RETURNS = {
    "NVDA": (-16.97, -3.65, -3.15, -3.27),
    "AMD": (-6.37, -7.27, -7.84, -4.81),
    "AVGO": (-17.40, -0.94, -2.14, -11.43),
    "SNDK": (np.nan, -4.07, -20.33, -14.66),
    "CRWV": (np.nan, -6.55, -7.62, -10.06),
    "SPY": (-1.41, -1.07, -1.52, -1.08),
}


@real_prices
@pytest.mark.parametrize("asset", RETURNS)
def test_returns_of_quoted_days(us_daily: Market, asset: str) -> None:
    close = us_daily.columns().close[us_daily.assets.index(asset)]
    bars = np.searchsorted(
        us_daily.sessions, np.array(["2025-01-27", "2025-11-06", "2025-11-20", "2025-12-12"], "M8[D]")
    )
    moves = 100 * (close[bars] / close[bars - 1] - 1)
    np.testing.assert_allclose(moves, RETURNS[asset], atol=0.005 + 1e-9)  # they are given to 0.01


@real_prices
@pytest.mark.parametrize(
    ("folder", "shape", "calendar_name", "interval", "defects"),
    [
        ("us_daily_raw", (11, 502), "XNYS", "1d", {("early_end", "AVGO"), ("split", "NVDA"), ("split", "AVGO")}),
        ("dotcom_daily", (10, 6084), "XNYS", "1d", {("zero_volume", "AMD")}),
        (
            "index_daily",
            (2, 9227),
            "XNYS",
            "1d",
            {("outside_range", "SOX"), ("zero_volume", "SOX"), ("zero_volume", "VIX")},
        ),
        ("crypto_daily", (2, 742), "24/7", "1d", {("gap", "BTC-USD")}),
        ("us_minute_2025-01", (8, 20 * 390), "XNYS", "1m", {("gap", "ORCL"), ("extended_hours", "NVDA")}),
        (
            "us_5min",
            (5, 16208),
            "XNYS",
            "5m",
            {("short_session", None), ("extended_hours", "SPY"), ("early_end", "AVGO")},
        ),
    ],
)
def test_real_prices_load_with_their_defects_reported(
    folder: str,
    shape: tuple[int, int],
    calendar_name: str,
    interval: str,
    defects: set[tuple[str, str | None]],
    real: Callable[[str], Market],
) -> None:
    market = real(folder)
    assert (len(market.assets), len(market.opens)) == shape
    assert (market.calendar, market.interval) == (calendar_name, interval)
    assert defects <= set(market.findings.select("check", "asset").iter_rows())
    assert "fatal" not in market.findings["severity"].unique()


@real_prices
def test_defects_of_the_daily_prices(us_daily: Market) -> None:
    # Two bars with an open outside their range, six days of VRT without volume, and 95 names of which some listed late.
    checks = us_daily.findings.filter(severity="warning").select("check", "asset", "row")
    assert set(checks.iter_rows()) == {
        ("outside_range", "HUBB", 498),
        ("outside_range", "PSTG", 498),
        ("zero_volume", "VRT", 23),
    }
    late = dict(
        us_daily.findings.filter(check="late_start").select("asset", pl.col("time").dt.date().cast(str)).iter_rows()
    )
    assert {"CRWV": "2025-03-28", "SNDK": "2025-02-13", "GEV": "2024-03-27"}.items() <= late.items()


@real_prices
def test_the_raw_split_is_refused_without_its_factor_and_continuous_with_it(tmp_path: Path) -> None:
    pl.read_csv(REAL / "us_daily_raw" / "NVDA.csv").drop("splitfactor").write_csv(tmp_path / "NVDA.csv")
    with pytest.raises(Fault, match=r"NVDA.csv, line 51: NVDA opens at 120.37 on 2024-06-10 .* split of 10 for 1"):
        import_prices(tmp_path)
    market = import_prices(REAL / "us_daily_raw" / "NVDA.csv")
    assert market.frame.select((pl.col("close") / pl.col("close").shift(1)).is_between(0.8, 1.2).all()).item()
    columns = market.columns()
    assert columns.open[0, 0] * columns.split[0, 0] == pytest.approx(902.99)  # as quoted on 2024-04-01


@real_prices
@pytest.mark.parametrize("asset", ["AAPL", "MSFT", "NVDA", "AVGO", "ORCL", "SPY", "QQQ", "SMH"])
def test_recovered_dividends_are_those_that_were_paid(us_daily: Market, asset: str) -> None:
    paid = import_prices(REAL / "us_daily_raw" / f"{asset}.csv").frame.filter(pl.col("dividend") > 0)
    span = pl.col("session").is_between(pl.date(2024, 4, 1), pl.date(2026, 3, 30))
    recovered = us_daily.frame.filter(pl.col("asset") == asset, span, pl.col("dividend") > 0)
    assert recovered["session"].to_list() == paid["session"].to_list()
    # The adjusted close is in float32: 1.2e-7 of prices up to 700, twice, is 2e-4; SPY's own figures differ by 5e-4.
    np.testing.assert_allclose(recovered["dividend"], paid["dividend"], atol=6e-4)
