"""Which real news and real prices `benchmarks.news` takes, and how it brings them in."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from engine import Events, Fault, Market
from engine.reader import read_sources

NEWS, DAILY, MINUTES, INDEX = "news", "data/us_daily", "news/prices_5min_oct2025.json", "data/us_5min"


@dataclass(frozen=True)
class Documents:
    """A table of news, and which of its columns holds what."""

    file: str
    columns: dict[str, str]


@dataclass(frozen=True)
class Place:
    """What is traded at one exchange.

    Attributes
    ----------
    calendar : code of the exchange's calendar
    names : symbols that are traded
    index : fund of an index to hold against shorts; None where there are no prices of one
    bars : whether its bars are days, or five minutes of which only the close is known
    """

    calendar: str
    names: tuple[str, ...]
    index: str | None = None
    bars: Literal["1d", "5m"] = "1d"


@dataclass(frozen=True)
class NewsSet:
    """One reading, and the markets on which its events are traded.

    Attributes
    ----------
    title : what the page calls it
    documents : tables of news
    places : markets
    first, last : sessions from which on and up to which is traded: those of the documents
    caution : what the figures of this set do not say
    called : symbol -> name of companies that the events shall call by this symbol, where the reader prefers another listing
    """

    title: str
    documents: tuple[Documents, ...]
    places: tuple[Place, ...]
    first: dt.date
    last: dt.date
    caution: str
    called: dict[str, str] = field(default_factory=dict)


FIVE = ("AAPL", "AMZN", "GOOGL", "MSFT", "NVDA")
SETS = (
    NewsSet(
        "Five names, June 2020 to October 2025",
        (Documents("en_five_names_2020_2025.csv", {"text": "title", "published": "pubDate", "ticker": "ticker"}),),
        (Place("XNYS", FIVE, "SPY"),),
        dt.date(2020, 6, 11),
        dt.date(2025, 10, 20),
        "These five names rose far more than the market: to buy them gained and to short them lost, whatever the news said, and a choice "
        "of names that is made today knows that.",
    ),
    NewsSet(
        "NVDA around the day of DeepSeek (2025-01-27)",
        (
            Documents(
                "en_nvda_2024_2025.csv",
                {"text": "summary", "title": "title", "published": "time_published", "zone": "UTC"},
            ),
        ),
        (Place("XNYS", ("NVDA",), "SPY"),),
        dt.date(2024, 10, 21),
        dt.date(2025, 2, 11),
        "This is one name and one fall, chosen because it fell: what a strategy earned here is a single answer.",
    ),
    NewsSet(
        "October 2025, five-minute closes",
        (
            Documents("en_oct2025.csv", {"text": "Text", "published": "PublishedAt"}),
            Documents(
                "en_oct2025_google.json",
                {"text": "summary", "title": "title", "published": "published_at", "ticker": "ticker"},
            ),
        ),
        (
            Place("XNYS", ("AAPL", "AMZN", "GOOGL", "MSFT", "TSLA"), "SPY", "5m"),
            Place("XPAR", ("AIR.PA", "MC.PA", "SAN.PA", "SU.PA", "TTE.PA"), None, "5m"),
        ),
        dt.date(2025, 10, 1),
        dt.date(2025, 10, 17),
        "These are two weeks: a Sharpe ratio of two weeks, brought to a year, says nothing of a year.",
        {"SAN.PA": "Sanofi", "TTE.PA": "TotalEnergies"},
    ),
)


def check_data(data: Path, sets: Sequence[NewsSet] = SETS) -> None:
    """Refuse a folder that does not hold all the news and prices.

    Raises
    ------
    Fault
        Naming the first file that is not there.
    """
    for path in (path for one in sets for path in _needed(data, one)):
        if not path.is_file():
            raise Fault(
                f"data must be a folder with the real news and prices, which do not come with tocsin (got {data}, without "
                f"{path.relative_to(data)}); name one with --data."
            )


def _needed(data: Path, one: NewsSet) -> list[Path]:
    paths = [data / NEWS / documents.file for documents in one.documents]
    for place in one.places:
        index = [place.index] if place.index else []
        if place.bars == "1d":
            paths += [data / DAILY / f"{symbol}.csv" for symbol in (*place.names, *index)]
        else:
            paths += [data / MINUTES, *(data / INDEX / f"{symbol}.csv" for symbol in index)]
    return paths


@dataclass(frozen=True)
class Heard:
    """What the reader made of a set: its events, and counts of documents."""

    events: Events
    counts: dict[str, int]


def read_news(data: Path, one: NewsSet) -> Heard:
    """Read the documents of a set, each table with its own columns; a story that two tables tell counts once in each."""
    names = {"ticker": list(one.called), "name": list(one.called.values())} if one.called else None
    readings = [
        read_sources(data / NEWS / documents.file, columns=documents.columns, names=names)
        for documents in one.documents
    ]
    counted = ("documents", "kept", "with_events", "repeated", "refused")
    counts = {name: sum(reading.counts[name] for reading in readings) for name in counted}
    return Heard(Events(pl.concat([reading.events.frame for reading in readings])), counts)


def market_of(data: Path, one: NewsSet, place: Place) -> Market:
    """Make the market of a place, its index among the assets, of the sessions of the set."""
    frame = _days(data, place) if place.bars == "1d" else _closes(data, place)
    return Market.from_frame(frame, calendar=place.calendar, interval=place.bars).select(start=one.first, end=one.last)


def _days(data: Path, place: Place) -> pl.DataFrame:
    symbols = [*place.names, *([place.index] if place.index else [])]
    frames = [pl.read_csv(data / DAILY / f"{symbol}.csv").with_columns(asset=pl.lit(symbol)) for symbol in symbols]
    return pl.concat(frames, how="vertical_relaxed")


def _closes(data: Path, place: Place) -> pl.DataFrame:
    """Make bars of closes alone: each is flat at its close.

    What is decided at the open of a bar so fills at its close, five minutes later than it could have; a stop is seen at closes
    only, and fills at the close that breaks it. The close before would be the other choice for an open, and the wrong one: after a
    night it is yesterday's price, at which nobody could trade on news of this morning.
    """
    told = json.loads((data / MINUTES).read_text(encoding="utf-8"))["tickers"]
    rows = [
        (symbol, f"{row['date']}T{row['time']}", row["close"]) for symbol in place.names for row in told[symbol]["data"]
    ]
    frame = pl.DataFrame(rows, {"asset": pl.String, "time": pl.String, "close": pl.Float64}, orient="row")
    frame = frame.with_columns(pl.col("time").str.to_datetime(time_zone="UTC"))
    if place.index:
        bars = pl.read_csv(data / INDEX / f"{place.index}.csv", columns=["datetime", "close"])
        clock = (
            pl.col("datetime").str.to_datetime().dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
        )
        index = bars.select(asset=pl.lit(place.index), time=clock, close=pl.col("close").cast(pl.Float64))
        frame = pl.concat([frame, index.join(frame, on="time", how="semi")])  # of these days and hours alone
    return frame.with_columns(open="close", high="close", low="close")
