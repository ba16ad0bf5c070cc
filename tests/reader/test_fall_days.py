"""The day of a fall: the session that its text names, or the one of its publication, on the exchange where it is traded."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import numpy as np
import pytest

from engine.calendars import calendar
from engine.reader.sessions import market_of
from engine.reader.times import Reference, session_told_in
from tests.reader.told import told

# Thursday 2025-11-20 and the days around it; New York is at UTC-5, Paris at +1, Beijing and Taipei at +8, Tokyo at +9.
# Sessions: New York 9:30 to 16:00, Paris 9:00 to 17:30, Hong Kong 9:30 to 16:00, Tokyo 9:00 to 15:30.
DAYS = [
    # no day at all: the session that runs, else the last that has closed
    ("Nvidia shares plunge 9%", "2025-11-20T15:05:00Z", "2025-11-20"),  # 10:05 in New York
    ("Nvidia shares plunge 9%", "2025-11-20T08:00:00Z", "2025-11-19"),  # 3:00
    ("Nvidia shares plunge 9%", "2025-11-20T22:05:00Z", "2025-11-20"),  # 17:05
    ("Nvidia shares plunge 9%", "2025-11-22T15:00:00Z", "2025-11-21"),  # a Saturday
    ("Nvidia shares plunge 9%", "2025-11-27T18:00:00Z", "2025-11-26"),  # Thanksgiving
    ("Nvidia closed down 9%", "2025-11-20T15:05:00Z", "2025-11-19"),  # today's close is to come
    # between 6:00 and the open: the present tense is of today's trade before the open, the past of yesterday; an index has none
    ("Nvidia shares plunge 9%", "2025-11-20T12:00:00Z", "2025-11-20"),
    ("Nvidia shares plunged 9%", "2025-11-20T12:00:00Z", "2025-11-19"),
    ("Nasdaq plunges 4%", "2025-11-20T12:00:00Z", "2025-11-19"),
    ("Nvidia fell 9% in premarket trading", "2025-11-20T10:00:00Z", "2025-11-20"),
    # a day without a time
    ("Nvidia shares plunge 9%", "2025-11-20", "2025-11-20"),
    ("Nvidia shares plunge 9%", "2025-11-23", "2025-11-21"),  # a Sunday
    # Asian evenings and mornings on New York's session
    ("英伟达收盘大跌9%", "2025-11-21T06:10:00+08:00", "2025-11-20"),
    ("隔夜英伟达大跌9%", "2025-11-21T09:10:00+08:00", "2025-11-20"),
    ("美股周四收盘，英伟达跌9%", "2025-11-21T06:10:00+08:00", "2025-11-20"),
    ("輝達盤後重挫9%", "2025-11-20T06:30:00+08:00", "2025-11-19"),
    ("英伟达美股盘前跌超9%", "2025-11-20T17:10:00+08:00", "2025-11-20"),  # 4:10 in New York
    ("財聯社11月20日電，輝達盤初跌超9%", "2025-11-20T22:40:00+08:00", "2025-11-20"),  # the date is when it was written
    ("11月20日，英伟达股价大跌9%", "2025-11-20T23:40:00+08:00", "2025-11-20"),
    ("11月20日，英伟达股价大跌9%", "2025-11-20T10:40:00+08:00", "2025-11-19"),  # New York's 20th has not begun
    # the exchange of the name
    ("SoftBank shares tumble 9%", "2025-11-20T00:30:00Z", "2025-11-20"),  # 9:30 in Tokyo
    ("Nikkei tumbles 3%", "2025-11-20T05:00:00Z", "2025-11-20"),
    ("Renault chute de 9 % en Bourse", "2025-11-20T08:30:00Z", "2025-11-20"),  # 9:30 in Paris
    ("Renault chute de 9 % en Bourse", "2025-11-20T07:30:00Z", "2025-11-19"),
    ("恒指跌3%", "2025-11-20T10:00:00+08:00", "2025-11-20"),
    ("寒武纪盘中跌停", "2025-11-20T10:30:00+08:00", "2025-11-20"),
    ("港股理想汽车跌超9%", "2025-11-20T10:00:00+08:00", "2025-11-20"),  # listed in New York too; Hong Kong is meant
    ("Taiex tumbles 3%", "2025-10-10T05:00:00Z", "2025-10-09"),  # Taiwan's national day
    # days of the text
    ("Le titre Nvidia a perdu 9 % jeudi", "2025-11-21T08:00:00+01:00", "2025-11-20"),
    ("Cramer buys Nvidia after Tuesday's 9% plunge in its shares", "2025-11-20T22:05:00Z", "2025-11-18"),
    ("Nvidia fell 9% on Thursday, its worst day since Jan. 27", "2025-11-21T12:00:00Z", "2025-11-20"),
    ("Nvidia fell 9% and will report next Monday", "2025-11-20T22:05:00Z", "2025-11-20"),
    ("谷歌股价跌9%，创3月26日以来最大跌幅", "2025-11-20T22:05:00-05:00", "2025-11-20"),
    ("Why Tesla sank 9%\nOn Tuesday, Tesla fell 9%.", "2025-11-20T22:05:00Z", "2025-11-18"),  # the text says what the headline does not
    ("Renault chute de 9 % mardi 3 février 2026 à 18h36 (BFM Bourse) - Le titre cède.", "2025-11-20T12:00:00Z", "2026-02-03"),
]  # fmt: skip


def falls_of(text: str, published: str) -> list[tuple[list[str], str]]:
    rows = told(text, published)
    return [(row["assets"], str(row["happened_on"])) for row in rows if row["kind"] == "panic_drop"]


@pytest.mark.parametrize(("text", "published", "day"), DAYS, ids=[f"{text[:30]}-{at}" for text, at, _ in DAYS])
def test_a_fall_has_the_day_of_its_session(text: str, published: str, day: str) -> None:
    assert {found for _, found in falls_of(text, published)} == {day}


def test_two_falls_of_a_sentence_keep_their_days() -> None:
    # Published on Tuesday at 17:00 in New York; "last Friday" said from Beijing's Tuesday is the 23rd.
    found = falls_of("英特尔跌5.72%，上周五该股跌17.03%。", "2026-01-27T06:00:00+08:00")
    assert found == [(["INTC"], "2026-01-26"), (["INTC"], "2026-01-23")]
    found = falls_of("Nvidia fell 9% on January 27 and 5% on January 28.", "2025-01-29T12:00:00Z")
    assert found == [(["NVDA"], "2025-01-27"), (["NVDA"], "2025-01-28")]


def test_a_line_signed_by_an_agency_dates_its_page() -> None:
    text = "Renault chute de 9 % mardi 3 février 2026 à 18h36 (BFM Bourse) - Le titre cède."
    for published in (None, "2025-11-20T12:00:00Z"):  # of a column and the line the later counts
        (row,) = told(text, published)
        assert row["published_at"] == dt.datetime(2026, 2, 3, 17, 36, tzinfo=dt.UTC)


@pytest.mark.parametrize("words", ["in five days", "this month", "sur un an", "本月累计", "近5日"])
def test_a_fall_over_several_days_has_no_session(words: str) -> None:
    reference = Reference(dt.datetime(2025, 11, 20, 22, tzinfo=dt.UTC), "America/New_York")
    assert session_told_in(reference, market_of("NVDA"), f"nvidia fell 9% {words}") is None


@pytest.mark.parametrize(
    ("asset", "exchange"),
    [
        ("NVDA", "XNYS"), ("BRK.B", "XNYS"), ("SPY", "XNYS"), ("^FCHI", "XPAR"), ("MC.PA", "XPAR"), ("^GDAXI", "XETR"), ("SAP.DE", "XETR"),
        ("7203.T", "XTKS"), ("^N225", "XTKS"), ("0700.HK", "XHKG"), ("^HSI", "XHKG"), ("600519.SS", "XSHG"), ("399006.SZ", "XSHG"),
        ("2317.TW", "XTAI"), ("^TWII", "XTAI"), ("005930.KS", "XKRX"), ("^KS11", "XKRX"), ("TSCO.L", "XLON"),
    ],
)  # fmt: skip
def test_an_asset_is_traded_on_its_exchange(asset: str, exchange: str) -> None:
    assert market_of(asset).code == exchange


@pytest.mark.parametrize(
    "asset", ["NVDA", "MC.PA", "SAP.DE", "TSCO.L", "7203.T", "0700.HK", "600519.SS", "2317.TW", "005930.KS"]
)
def test_the_table_of_sessions_is_that_of_the_calendars(asset: str) -> None:
    market = market_of(asset)
    days = np.arange("2010-01-01", "2026-01-01", dtype="datetime64[D]")
    expected = calendar(market.code).is_session(days)
    mine = np.array([market.is_session(day) for day in days.tolist()])
    # Seoul, Taipei and others opened on single Saturdays, to make up for a bridge day
    assert (mine == expected)[days.astype(int) % 7 != 2].all()


def test_a_reader_of_falls_builds_no_calendar() -> None:
    code = (
        "import sys\nfrom engine.reader.document import Document, read\nfrom engine.reader.lexicon import load\n"
        "found = read(Document('d', 'Nvidia fell 9% today.', 'd', published='2025-11-20T22:05:00Z'), load())\n"
        "assert str(found[0].row['happened_on']) == '2025-11-20'\nassert 'exchange_calendars' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
