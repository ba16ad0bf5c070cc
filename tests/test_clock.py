"""The clock: publication, knowledge, and the first bar at which an event can be acted on."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendars import calendar
from engine.clock import Publication, align, first_bar, parse_delay, publication
from engine.events import Events
from engine.faults import Fault


@dataclass(frozen=True)
class Bars:
    """As much of a market as the alignment looks at."""

    opens: np.ndarray
    sessions: np.ndarray
    calendar: str = "XNYS"
    interval: str = "1d"
    assets: tuple[str, ...] = ("AMD", "NVDA")


def bars(first: str, last: str, interval: str = "1d", name: str = "XNYS") -> Bars:
    opens, sessions = calendar(name).bars(first, last, interval)
    return Bars(opens, sessions, name, interval)


def events_at(*instants: str, assets: tuple[str, ...] = ("NVDA",)) -> Events:
    rows = [{"event_id": f"{n}", "published_at": text} for n, text in enumerate(instants)]
    # Of which each is what it says, also where all are midnight.
    common = {"kind": "panic_drop", "assets": list(assets), "strength": 1.0, "published_precision": "instant"}
    return Events.from_frame(pl.DataFrame([{**row, **common} for row in rows]))


def bar_of(instant: str, market: Bars) -> str:
    """Give the open of the bar on which an event known at an instant falls, in the New York clock (or UTC)."""
    placed = align(events_at(instant).frame, market)
    if placed.bar[0] < 0:
        return placed.unplaced["reason"][0]
    assert market.opens[placed.bar[0]] == placed.open[0].astype(np.int64)
    assert market.sessions[placed.bar[0]] == placed.session[0]
    zone = calendar(market.calendar).timezone
    return str(pl.Series(placed.open).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)[0])[:16]


# -------------------------------------------------------------------------------------------------------- publication

# The table of DESIGN.md: what each document states, and the session at whose open it can first be traded.
GOLDEN = [
    ("003_6cfe05d7d97b57d2", dt.datetime(2025, 1, 28, 5, 32), "Asia/Shanghai", "", "instant", "2025-01-28"),
    ("000_3c757d6039864042", dt.date(2025, 11, 7), "Europe/Paris", "by its text", "inferred", "2025-11-10"),
    ("001_b21bce2730de2aaf", dt.date(2025, 11, 7), "Asia/Shanghai", "", "day", "2025-11-10"),
    ("002_9f329ecd071720ef", dt.datetime(2025, 11, 26, 22, 57, 12), "Asia/Shanghai", "", "instant", "2025-11-28"),
    ("004_f407cec4eb0efe30", dt.date(2025, 12, 12), "America/New_York", "", "day", "2025-12-15"),
]


@pytest.mark.parametrize("row", GOLDEN, ids=[row[0] for row in GOLDEN])
def test_golden_rows(row: tuple[str, dt.date, str, str, str, str]):
    doc_id, stated, zone, reason, precision, session = row
    published = publication(stated, zone, reason=reason, source=doc_id)
    assert published.precision == precision
    assert bar_of(published.at.isoformat(), bars("2024-01-02", "2025-12-31")) == f"{session} 09:30"


def test_a_day_ends_in_its_own_time_zone():
    # 2025-11-07 24:00 less a microsecond: +01:00 in Paris, +08:00 in Shanghai, -05:00 in New York.
    ends = {zone: publication(dt.date(2025, 11, 7), zone).at.isoformat() for zone in ("Europe/Paris", "Asia/Shanghai")}
    assert ends == {
        "Europe/Paris": "2025-11-07T22:59:59.999999+00:00",
        "Asia/Shanghai": "2025-11-07T15:59:59.999999+00:00",
    }
    new_york = publication(dt.date(2025, 11, 7), "America/New_York")
    assert new_york == Publication(dt.datetime(2025, 11, 8, 4, 59, 59, 999999, tzinfo=dt.UTC), "day")


def test_the_last_day_of_summer_time_is_an_hour_longer():
    # 2025-10-26 begins in Paris at 22:00 UTC of the 25th (+02:00) and ends at 23:00 UTC (+01:00), after 25 hours;
    # 2025-03-30 begins at 23:00 UTC of the 29th (+01:00) and ends at 22:00 UTC (+02:00), after 23.
    assert publication(dt.date(2025, 10, 25), "Europe/Paris").at.isoformat() == "2025-10-25T21:59:59.999999+00:00"
    assert publication(dt.date(2025, 10, 26), "Europe/Paris").at.isoformat() == "2025-10-26T22:59:59.999999+00:00"
    assert publication(dt.date(2025, 3, 29), "Europe/Paris").at.isoformat() == "2025-03-29T22:59:59.999999+00:00"
    assert publication(dt.date(2025, 3, 30), "Europe/Paris").at.isoformat() == "2025-03-30T21:59:59.999999+00:00"


def test_a_local_time_that_comes_twice_counts_as_the_later():
    # 2025-11-02 01:30 in New York is 05:30 UTC in summer time and 06:30 UTC an hour later.
    published = publication(dt.datetime(2025, 11, 2, 1, 30), "America/New_York")
    assert published.at == dt.datetime(2025, 11, 2, 6, 30, tzinfo=dt.UTC)
    # 2025-03-09 02:30 does not exist there: 06:30 UTC by the offset after the change, 07:30 by the one before it.
    skipped = publication(dt.datetime(2025, 3, 9, 2, 30), "America/New_York")
    assert skipped.at == dt.datetime(2025, 3, 9, 7, 30, tzinfo=dt.UTC)


def test_an_instant_with_a_zone_needs_no_other():
    stated = dt.datetime.fromisoformat("2025-01-28T05:32+08:00")
    assert publication(stated).at == dt.datetime(2025, 1, 27, 21, 32, tzinfo=dt.UTC)
    assert publication(stated, "Europe/Paris").at == dt.datetime(2025, 1, 27, 21, 32, tzinfo=dt.UTC)


def test_an_undated_document_is_refused():
    with pytest.raises(Fault, match=r"page.txt: it states no publication time; supply a date, with the reason"):
        publication(None, "Europe/Paris", source="page.txt")
    with pytest.raises(Fault, match=r"page.txt: the publication time 2025-11-07 has no time zone"):
        publication(dt.date(2025, 11, 7), source="page.txt")
    with pytest.raises(Fault, match="timezone='Paris/Europe' is not a time zone"):
        publication(dt.date(2025, 11, 7), "Paris/Europe")


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("15 min", 900), ("2H", 7200), ("1d", 86400), ("0.5h", 1800)]
)
def test_delays(text: str, seconds: int):
    assert parse_delay(text) == dt.timedelta(seconds=seconds)
    assert parse_delay(dt.timedelta(seconds=seconds)) == dt.timedelta(seconds=seconds)


LONG = ["36501d", "99999999999999d", "1" + "0" * 400 + "s", dt.timedelta(days=36_501), dt.timedelta.max]


@pytest.mark.parametrize("long", LONG, ids=lambda delay: str(delay)[:20])
def test_a_delay_of_more_than_a_century_is_refused(long: object):
    assert parse_delay("36500d") == dt.timedelta(days=36_500)
    with pytest.raises(Fault, match="delay must be at most 36,500 days"):
        parse_delay(long)


@pytest.mark.parametrize("bad", ["", "15", "-15m", "1w", "soon", "m15", 15, None, dt.timedelta(seconds=-1), "1e9d"])
def test_bad_delays(bad: object):
    with pytest.raises(Fault, match="delay="):
        parse_delay(bad)


# -------------------------------------------------------------------------------------------------------- the first bar

DAILY = bars("2025-01-02", "2025-12-31")
HOURLY = bars("2025-03-03", "2025-11-07", "1h")
WHEN_TRADED = [
    # Opens of New York: 14:30 UTC in winter, 13:30 UTC in summer time (2025-03-09 to 2025-11-02).
    ("2025-01-28T14:29:59.999999+00:00", "2025-01-28 09:30", "a microsecond before the open"),
    ("2025-01-28T14:30:00+00:00", "2025-01-29 09:30", "known at the open: strictly later means the next"),
    ("2025-01-28T14:30:00.000001+00:00", "2025-01-29 09:30", "a microsecond after it"),
    # Weeks in which America has changed its clocks and Europe has not: 14:00 in Paris is 09:00 in New York, not 08:00.
    ("2025-03-07T14:29:00+00:00", "2025-03-07 09:30", "winter in New York"),
    ("2025-03-10T13:29:00+00:00", "2025-03-10 09:30", "summer in New York, winter in Paris"),
    ("2025-03-10T14:29:00+01:00", "2025-03-10 09:30", "the same in the Paris clock"),
    ("2025-03-10T14:31:00+01:00", "2025-03-11 09:30", "the same, a minute after the open"),
    ("2025-03-31T15:29:00+02:00", "2025-03-31 09:30", "summer in both"),
    ("2025-10-27T14:29:00+01:00", "2025-10-27 09:30", "winter in Paris, summer in New York"),
    ("2025-10-27T14:31:00+01:00", "2025-10-28 09:30", "the same, after the open"),
    ("2025-11-03T15:29:00+01:00", "2025-11-03 09:30", "winter in both"),
    # Thanksgiving 2025-11-27 is closed, the 28th a half day that closes at 13:00.
    ("2025-11-26T10:00:00-05:00", "2025-11-28 09:30", "over the holiday"),
    ("2025-11-27T10:00:00-05:00", "2025-11-28 09:30", "on the holiday"),
    ("2025-11-28T12:59:00-05:00", "2025-12-01 09:30", "within the half day"),
    ("2025-11-28T13:01:00-05:00", "2025-12-01 09:30", "after its early close"),
    ("2025-01-08T16:00:00-05:00", "2025-01-10 09:30", "over the day of mourning, 2025-01-09"),
    ("2025-07-03T16:00:00-04:00", "2025-07-07 09:30", "over Independence Day and a weekend"),
    ("2025-12-31T09:29:00-05:00", "2025-12-31 09:30", "the last bar"),
    ("2025-12-31T09:30:00-05:00", "after the last bar", "too late for the last bar"),
    # The exchange opened on 2024-12-31 and was closed on 2025-01-01.
    ("2024-12-31T09:30:00-05:00", "2025-01-02 09:30", "known at the open before: the market's first bar is its first"),
    ("2024-12-31T09:29:59-05:00", "before the first bar", "its first bar is one that the market has not"),
    ("2024-06-03T12:00:00-04:00", "before the first bar", "long stale"),
    ("1950-06-03T12:00:00-04:00", "before the first bar", "before the calendar"),
]


@pytest.mark.parametrize(("instant", "expected", "why"), WHEN_TRADED, ids=[why for *_, why in WHEN_TRADED])
def test_daily_bars_of_new_york(instant: str, expected: str, why: str):
    assert bar_of(instant, DAILY) == expected


FIVE_MINUTES = bars("2025-11-26", "2025-11-28", "5m")
WHEN_TRADED_INTRADAY = [
    ("2025-11-26T09:57:12-05:00", "2025-11-26 10:00", "document 002 on five-minute bars"),
    ("2025-11-26T10:00:00-05:00", "2025-11-26 10:05", "at an open"),
    ("2025-11-26T15:55:00-05:00", "2025-11-28 09:30", "at the last open of the day"),
    ("2025-11-28T12:54:59-05:00", "2025-11-28 12:55", "the last bar of the half day"),
    ("2025-11-28T12:55:00-05:00", "after the last bar", "no bar of the half day is left"),
    ("2025-11-25T15:55:00-05:00", "2025-11-26 09:30", "after the last open of the day before"),
    ("2025-11-25T15:54:00-05:00", "before the first bar", "its bar is the last of the day before"),
]


@pytest.mark.parametrize(
    ("instant", "expected", "why"), WHEN_TRADED_INTRADAY, ids=[w for *_, w in WHEN_TRADED_INTRADAY]
)
def test_intraday_bars(instant: str, expected: str, why: str):
    assert bar_of(instant, FIVE_MINUTES) == expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        # 2025-11-08 is a Saturday.
        ("2025-11-07T23:59:59+00:00", "2025-11-08 00:00"),
        ("2025-11-08T00:00:00+00:00", "2025-11-09 00:00"),
        ("2025-11-09T12:00:00+00:00", "2025-11-10 00:00"),
        # The end of a day in UTC is before the bar of the next: a document of the 8th is known to it.
        ("2025-11-08T23:59:59.999999+00:00", "2025-11-09 00:00"),
    ],
)
def test_a_market_that_never_closes_trades_at_weekends(instant: str, expected: str):
    assert bar_of(instant, bars("2025-11-01", "2025-11-30", name="24/7")) == expected


def test_a_market_from_the_first_day_of_its_calendar():
    exchange = calendar("XNYS")
    market = Bars(exchange.opens[:3], exchange.sessions[:3])
    first = str(exchange.opens[:1].astype("datetime64[us]")[0] - np.timedelta64(1, "s")) + "+00:00"
    assert align(events_at(first).frame, market).bar.tolist() == [0]


def test_delays_carry_an_event_over_an_open():
    # Published at 09:20 in New York; with 10 minutes it is known at the open itself, which is too late.
    events = events_at("2025-01-28T09:20:00-05:00")
    days = [str(events.align(DAILY, delay=delay).session[0]) for delay in ("0m", "5m", "10m", "15m", "1d")]
    assert days == ["2025-01-28", "2025-01-28", "2025-01-29", "2025-01-29", "2025-01-29"]


def test_what_cannot_be_placed_is_reported_and_nothing_is_shifted():
    instants = ["2024-06-03T12:00:00Z", "2025-06-03T12:00:00Z", "2026-02-03T12:00:00Z"]
    placed = align(events_at(*instants).frame, DAILY)
    assert placed.bar.dtype == np.int32
    assert placed.bar.tolist()[::2] == [-1, -1]
    assert np.isnat(placed.session[[0, 2]]).all()
    assert np.isnat(placed.open[[0, 2]]).all()
    assert placed.unplaced.select("event_id", "reason").rows() == [
        ("0", "before the first bar"),
        ("2", "after the last bar"),
    ]


def test_an_event_that_touches_nothing_in_the_market_is_reported():
    placed = align(events_at("2025-06-03T12:00:00Z", assets=("XYZ",)).frame, DAILY)
    # Its bar stands, for a strategy may trade a basket of its own.
    assert placed.session.astype(str).tolist() == ["2025-06-03"]
    assert placed.unplaced["reason"].to_list() == ["no asset in the market"]
    partly = align(events_at("2025-06-03T12:00:00Z", assets=("XYZ", "AMD")).frame, DAILY)
    assert partly.unplaced.height == 0


def test_no_events():
    placed = align(Events.sample().frame.clear(), DAILY)
    assert placed.bar.shape == (0,)
    assert placed.unplaced.height == 0


# ---------------------------------------------------------------------------------------------------------- properties

INSTANTS = st.lists(st.integers(-(2**50), 2**50), max_size=30)
OPENS = st.lists(st.integers(-(2**50), 2**50), min_size=1, max_size=30, unique=True).map(sorted)


@given(known=INSTANTS, opens=OPENS)
def test_first_bar_is_the_first_that_opens_later(known: list[int], opens: list[int]):
    found = first_bar(np.array(known, dtype=np.int64), np.array(opens, dtype=np.int64))
    for instant, bar in zip(known, found, strict=True):
        later = [t for t, opened in enumerate(opens) if opened > instant]
        assert bar == (later[0] if later else -1)


@given(known=INSTANTS.map(sorted), opens=OPENS)
def test_first_bar_is_monotone(known: list[int], opens: list[int]):
    found = first_bar(np.array(known, dtype=np.int64), np.array(opens, dtype=np.int64)).astype(np.int64)
    assert (np.diff(np.where(found < 0, len(opens), found)) >= 0).all()


@settings(deadline=None)
@given(st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2025, 12, 31)), st.sampled_from(["1d", "1h", "5m"]))
def test_nothing_is_known_at_the_open_it_is_traded_at(instant: dt.datetime, interval: str):
    market = {"1d": DAILY, "1h": HOURLY, "5m": FIVE_MINUTES}[interval]
    placed = align(events_at(f"{instant.isoformat()}+00:00").frame, market)
    known = np.datetime64(instant, "us")
    if placed.bar[0] >= 0:
        assert placed.open[0] > known
        # And no bar of the exchange was passed over.
        opens = calendar("XNYS").bars("2024-12-01", "2026-01-15", interval)[0].astype("datetime64[us]")
        assert not ((opens > known) & (opens < placed.open[0])).any()
    else:
        assert placed.unplaced.height == 1


@given(st.permutations(range(8)))
def test_bars_stand_in_the_order_of_the_frame(order: list[int]):
    frame = events_at(*(f"2025-0{month}-15T12:00:00+00:00" for month in range(1, 9))).frame
    whole, shuffled = align(frame, DAILY), align(frame[order], DAILY)
    assert shuffled.event_id.to_list() == frame["event_id"][order].to_list()
    assert shuffled.bar.tolist() == whole.bar[order].tolist()
