"""Days and bars on the clock: what is one bar a day, when a day opens that never closes, bars that span an open."""

import datetime as dt
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendars import calendar
from engine.events import Events
from engine.faults import Fault
from engine.market import Market
from engine.prices import import_prices


def bars(stamps: list[str], symbol: str | None = None, **columns: list[float]) -> pl.DataFrame:
    """Bars with the opens 100, 101, .."""
    opens = [100.0 + i for i in range(len(stamps))]
    frame = pl.DataFrame({"Date": stamps, "Open": opens}).with_columns(
        High=pl.col("Open") + 1, Low=pl.col("Open") - 1, Close=pl.col("Open") + 0.5
    )
    frame = frame.with_columns(pl.Series(name, values) for name, values in columns.items())
    return frame if symbol is None else frame.with_columns(symbol=pl.lit(symbol))


def opens_of(market: Market) -> list[str]:
    return [str(open)[:16] for open in market.opens.astype("datetime64[us]")]


def events(market: Market, *known: dt.datetime) -> list[str | None]:
    """Give the session at whose open each instant's news can be acted on, or None."""
    table = {"kind": "bubble_warning", "assets": [market.assets[0]], "strength": 0.9, "published_precision": "instant"}
    frame = pl.DataFrame([{**table, "published_at": instant} for instant in known])
    placed = Events.from_frame(frame).align(market)
    return [None if np.isnat(session) else str(session) for session in placed.session]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


# A market that never closes: its days open when their own clock says so.

WEEK = [f"2024-03-{day:02}" for day in range(22, 32)]

CLOCKS = {
    # Stamps of the days of WEEK, and when the first and the sixth of them open, in UTC.
    "dates": (WEEK, "2024-03-22T00:00", "2024-03-27T00:00"),
    "midnights of UTC": ([f"{day}T00:00:00Z" for day in WEEK], "2024-03-22T00:00", "2024-03-27T00:00"),
    "Shanghai": ([f"{day} 00:00:00+08:00" for day in WEEK], "2024-03-21T16:00", "2024-03-26T16:00"),
    "Berlin": ([f"{day} 00:00:00+01:00" for day in WEEK], "2024-03-21T23:00", "2024-03-26T23:00"),
    "New York": ([f"{day} 00:00:00-04:00" for day in WEEK], "2024-03-22T04:00", "2024-03-27T04:00"),
    "Mumbai": ([f"{day}T00:00:00+05:30" for day in WEEK], "2024-03-21T18:30", "2024-03-26T18:30"),
    "midnights of UTC, as Shanghai writes them": (
        [f"{day} 08:00:00+08:00" for day in WEEK], "2024-03-22T00:00", "2024-03-27T00:00"),
    "17 h in New York": ([f"{day} 17:00:00-04:00" for day in WEEK], "2024-03-22T21:00", "2024-03-27T21:00"),
    "the last second of each day": ([f"{day}T23:59:59Z" for day in WEEK], "2024-03-22T00:00", "2024-03-27T00:00"),
    "the last second, in Shanghai": (
        [f"{day} 23:59:59+08:00" for day in WEEK], "2024-03-21T16:00", "2024-03-26T16:00"),
    "Shanghai, and the live day": (
        [*(f"{day} 00:00:00+08:00" for day in WEEK[:-1]), f"{WEEK[-1]} 14:03:12+08:00"], "2024-03-21T16:00", "2024-03-26T16:00"),
    "UTC, and the live day": (
        [*(f"{day}T00:00:00Z" for day in WEEK[:-1]), f"{WEEK[-1]}T14:03:12Z"], "2024-03-22T00:00", "2024-03-27T00:00"),
}  # fmt: skip


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("entry", ["frame", "csv", "column of instants"])
def test_a_day_that_never_closes_opens_at_its_own_instant(tmp_path: Path, clock: str, entry: str) -> None:
    stamps, first, sixth = CLOCKS[clock]
    frame = bars(stamps)
    if entry == "csv":
        frame.write_csv(tmp_path / "COIN.csv")
        market = import_prices(tmp_path / "COIN.csv")
    elif entry == "frame" or clock in ("dates", "midnights of UTC, as Shanghai writes them"):
        market = Market.from_frame(frame, asset="COIN")
    else:  # as pandas and Arrow hold them: instants with the name of a zone
        offset = dt.datetime.fromisoformat(stamps[0]).utcoffset()
        names = {0: "UTC", 8: "Asia/Shanghai", 1: "Etc/GMT-1", -4: "Etc/GMT+4", 5.5: "Asia/Kolkata"}
        zone = names[0 if offset is None else offset.total_seconds() / 3600]
        instants = pl.Series([dt.datetime.fromisoformat(stamp) for stamp in stamps]).dt.convert_time_zone(zone)
        market = Market.from_frame(frame.with_columns(Date=instants), asset="COIN")
    assert market.calendar == "24/7"
    assert (opens_of(market)[0], opens_of(market)[5]) == (first, sixth)
    assert [str(day) for day in market.sessions] == WEEK
    assert market.frame["time"].dt.replace_time_zone(None).to_list() == market.opens.astype("M8[us]").tolist()
    # News act at the first open that follows them, and none that had passed.
    opened = utc(sixth)
    acted = events(market, opened - dt.timedelta(seconds=1), opened, opened + dt.timedelta(hours=1))
    assert acted == [WEEK[5], WEEK[6], WEEK[6]]


def test_the_days_of_a_stored_market_keep_their_clock(tmp_path: Path) -> None:
    frame = bars([f"{day} 00:00:00+08:00" for day in WEEK])
    market = Market.from_frame(frame, asset="COIN")
    market.write(tmp_path / "market.parquet")
    again = Market.read(tmp_path / "market.parquet")
    assert again.opens.tolist() == market.opens.tolist()
    assert again.days.tolist() == [0.0] + [1.0] * 9
    fresh = Market.from_frame(market.frame)  # of instants in UTC
    assert (fresh.opens.tolist(), fresh.sessions.tolist()) == (market.opens.tolist(), market.sessions.tolist())
    part = again.select(start="2024-03-27")
    assert opens_of(part)[0] == "2024-03-26T16:00"
    # The bar before the part's first opened on the 25th at 16:00 UTC: news of then and later are its first bar's.
    known = [utc("2024-03-25T15:59:59"), utc("2024-03-25T16:00"), utc("2024-03-26T15:00"), utc("2024-03-26T16:00")]
    assert events(part, *known) == [None, "2024-03-27", "2024-03-27", "2024-03-28"]
    west = Market.from_frame(bars([f"{day} 00:00:00-05:00" for day in WEEK]), asset="COIN")
    assert events(west, utc("2024-03-21T04:59"), utc("2024-03-21T05:00")) == [None, "2024-03-22"]
    assert Market.from_frame(west.frame).sessions.tolist() == west.sessions.tolist()


def test_days_follow_a_change_of_the_clocks_and_holes() -> None:
    # Berlin: midnight is 23:00 UTC up to 2024-03-31, when summer time begins at 1:00 UTC, and 22:00 after; the 2nd is missing.
    days = [dt.date(2024, 3, 29), dt.date(2024, 3, 30), dt.date(2024, 3, 31), dt.date(2024, 4, 1), dt.date(2024, 4, 3)]
    stamps = [dt.datetime.combine(day, dt.time(), ZoneInfo("Europe/Berlin")).isoformat() for day in days]
    market = Market.from_frame(bars(stamps), asset="COIN", calendar="24/7")
    assert opens_of(market) == [
        "2024-03-28T23:00", "2024-03-29T23:00", "2024-03-30T23:00", "2024-03-31T22:00", "2024-04-01T22:00", "2024-04-02T22:00",
    ]  # fmt: skip
    assert market.findings.filter(check="gap")["value"].to_list() == ["1"]


def test_days_of_two_clocks_in_one_market_are_refused(tmp_path: Path) -> None:
    shanghai, plain = (bars([f"{day}{end}" for day in WEEK]) for end in (" 00:00:00+08:00", ""))
    for other in (
        plain,
        bars([f"{day} 00:00:00+00:00" for day in WEEK]),
        bars([f"{day}T00:00:00-05:00" for day in WEEK]),
    ):
        shanghai.write_csv(tmp_path / "A.csv")
        other.write_csv(tmp_path / "B.csv")
        with pytest.raises(Fault) as caught:
            import_prices(tmp_path)
        assert "of A begins at 2024-03-21 16:00 UTC, and that of B at 2024-03-22 0" in str(caught.value)
        assert str(caught.value).endswith("import them apart, or bring them to one clock.")


@settings(max_examples=40)
@given(
    st.sampled_from(
        ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]
    ),
    st.dates(dt.date(2020, 1, 1), dt.date(2025, 1, 1)),
    st.lists(st.integers(0, 40 * 24 * 60), min_size=1, max_size=5),
)
def test_no_news_are_acted_on_at_an_open_that_had_passed(zone: str, first: dt.date, minutes: list[int]) -> None:
    """For any zone, and over any change of its clocks, a bar opens at the midnight of its day there."""
    days = [first + dt.timedelta(days=n) for n in range(40)]
    midnights = [dt.datetime.combine(day, dt.time(), ZoneInfo(zone)) for day in days]
    market = Market.from_frame(bars([midnight.isoformat() for midnight in midnights]), asset="COIN")
    assert market.opens.astype("M8[us]").tolist() == [m.astimezone(dt.UTC).replace(tzinfo=None) for m in midnights]
    known = sorted(midnights[0].astimezone(dt.UTC) + dt.timedelta(minutes=n) for n in minutes)
    due = [next((str(m.date()) for m in midnights if m > instant), None) for instant in known]
    assert events(market, *known) == due


def test_half_days_of_shanghai_stand_on_their_own_clock() -> None:
    # 12-hour candles that begin at 0 and 12 h in Shanghai begin at 16 and 4 h UTC.
    stamps = [f"{day} {hour:02}:00:00+08:00" for day in WEEK for hour in (0, 12)]
    market = Market.from_frame(bars(stamps), asset="COIN")
    assert (market.calendar, market.interval) == ("24/7", "12h")
    assert opens_of(market)[:3] == ["2024-03-21T16:00", "2024-03-22T04:00", "2024-03-22T16:00"]
    assert len(market.opens) == 20
    with pytest.raises(Fault, match="begins no 12h bar on the clock of the others"):
        Market.from_frame(bars([*stamps[:-1], stamps[-1].replace("12:00", "13:00")]), asset="COIN", interval="12h")


# Days of an exchange.

NORMAL = ["2024-03-06 00:00:00-05:00", "2024-03-07 00:00:00-05:00", "2024-03-08 00:00:00-05:00"]
LIVE = "2024-03-08 16:00:01-05:00"


@pytest.mark.parametrize("stamps", [[*NORMAL, LIVE], [LIVE, *NORMAL[::-1]], [*NORMAL, "2024-03-08 10:15:00-05:00"]])
def test_a_live_day_given_twice_names_its_line_and_the_last_is_kept_by_choice(
    tmp_path: Path, stamps: list[str]
) -> None:
    frame = bars(stamps)
    frame.write_csv(tmp_path / "live.csv")
    with pytest.raises(Fault) as caught:
        import_prices(tmp_path / "live.csv")
    line = 2 + next(i for i, stamp in enumerate(stamps) if "00:00:00" not in stamp)
    assert f"live.csv, line {line}: live at 2024-03-08 14:30 UTC stands here again" in str(caught.value)
    assert "accept 'conflicting_duplicate' (the last of the rows is kept)" in str(caught.value)
    market = import_prices(tmp_path / "live.csv", accept=["conflicting_duplicate"])
    assert (market.calendar, market.interval, len(market.opens)) == ("XNYS", "1d", 3)
    later = frame.filter(~pl.col("Date").str.contains("00:00:00"))  # whichever stands first, the one fetched later
    assert market.frame["close"][-1] == later["Close"][0]


def test_an_equal_live_day_is_left_out_with_a_warning() -> None:
    frame = bars(NORMAL)
    market = Market.from_frame(pl.concat([frame, frame[-1:].with_columns(Date=pl.lit(LIVE))]), asset="ABC")
    assert len(market.opens) == 3
    assert market.findings.filter(check="duplicate").height == 1


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        ([*NORMAL[:2], "2024-03-07 16:00:01-05:00", NORMAL[2]], "line 4: live has a bar at 2024-03-07 16:00:01, and it has daily bars"),
        (["2024-03-05", *[day[:10] for day in NORMAL], "2024-03-06 10:00:00"], "line 6: live has a bar at 2024-03-06 10:00:00"),
        ([*NORMAL, LIVE, "2024-03-08 16:00:02-05:00"], "line 5: live has a bar at 2024-03-08 16:00:01"),
    ],
)  # fmt: skip
def test_mixed_frequencies_name_line_day_and_cure(tmp_path: Path, stamps: list[str], said: str) -> None:
    bars(stamps).write_csv(tmp_path / "live.csv")
    with pytest.raises(Fault) as caught:
        import_prices(tmp_path / "live.csv")
    assert said in str(caught.value)
    assert "leave one of them out, or import one frequency at a time" in str(caught.value)


def test_daily_and_intraday_files_name_a_line_of_the_intraday_one(tmp_path: Path) -> None:
    bars(NORMAL).write_csv(tmp_path / "A.csv")
    bars([f"2024-03-08 09:{minute}:00-05:00" for minute in (30, 35, 40)]).write_csv(tmp_path / "B.csv")
    with pytest.raises(Fault, match=r"B.csv, line 2: B has a bar at 2024-03-08 09:30:00, and A has daily bars; leave"):
        import_prices(tmp_path)


# Bars on the clock.

DAYS = ["2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12"]  # New York changed its clocks on the 10th


def on_clock(hours: list[str], zone: str = "America/New_York", days: list[str] = DAYS) -> list[str]:
    return [
        dt.datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=ZoneInfo(zone)).isoformat()
        for day in days
        for hour in hours
    ]


HOURS = {
    # Hours of bars in New York, and their length.
    "4 h with all hours": (["04:00", "08:00", "12:00", "16:00"], "4h"),
    "4 h from 8": (["08:00", "12:00", "16:00"], "4h"),
    "4 h from 8, none after": (["08:00", "12:00"], "4h"),
    "2 h": ([f"{hour:02}:00" for hour in range(4, 20, 2)], "2h"),
    "1 h with all hours": ([f"{hour:02}:00" for hour in range(4, 20)], "1h"),
    "1 h of the session": ([f"{hour:02}:00" for hour in range(9, 16)], "1h"),
    "1 h up to the evening": ([f"{hour:02}:00" for hour in range(9, 20)], "1h"),
    "6 h from 4": (["04:00", "10:00", "16:00"], "6h"),
    "3 h": (["06:00", "09:00", "12:00", "15:00", "18:00"], "3h"),
    "8 h": (["08:00", "16:00"], "8h"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOURS)
@pytest.mark.parametrize("entry", ["csv", "frame", "zone"])
def test_bars_on_the_clock_are_imported_at_their_own_instants(tmp_path: Path, name: str, entry: str) -> None:
    hours, length = HOURS[name]
    stamps = on_clock(hours)
    if entry == "csv":
        bars(stamps).write_csv(tmp_path / "ABC.csv")
        market = import_prices(tmp_path / "ABC.csv", hours="all")
    elif entry == "frame":
        market = Market.from_frame(bars(stamps), asset="ABC", hours="all")
    else:
        zoneless = bars([stamp[:19] for stamp in stamps])
        market = Market.from_frame(zoneless, asset="ABC", hours="all", timezone="America/New_York")
    assert (market.calendar, market.interval) == ("XNYS", length)
    due = [dt.datetime.fromisoformat(stamp).astimezone(dt.UTC).replace(tzinfo=None) for stamp in stamps]
    assert market.opens.astype("M8[us]").tolist() == due  # no bar more, and none less
    assert [str(day) for day in np.unique(market.sessions)] == DAYS
    # A bar that spans the open stands where it begins: news after that wait for the next.
    begun = due[0].replace(tzinfo=dt.UTC)
    frame = {"kind": ["bubble_warning"], "assets": [["ABC"]], "strength": [0.9]}
    placed = Events.from_frame(pl.DataFrame({**frame, "published_at": [begun + dt.timedelta(minutes=1)]})).align(market)
    assert placed.bar.tolist() == [1]


def test_bars_on_the_clock_need_all_hours() -> None:
    with pytest.raises(Fault) as caught:
        Market.from_frame(bars(on_clock(["04:00", "08:00", "12:00", "16:00"])), asset="ABC")
    assert "import them with hours='all'" in str(caught.value)
    # Where the clock strikes at the open, as in London at 8 h, they need not.
    market = Market.from_frame(
        bars(on_clock([f"{h:02}:00" for h in range(8, 17)], "Europe/London", DAYS)), asset="BARX.L"
    )
    assert (market.interval, len(market.opens)) == ("1h", 36)


def test_a_hole_among_bars_on_the_clock_is_a_bar_where_nobody_trades() -> None:
    stamps = on_clock(["04:00", "08:00", "12:00", "16:00"])
    market = Market.from_frame(bars([*stamps[:5], *stamps[6:]]), asset="ABC", hours="all")  # 8 h of the second day
    assert len(market.opens) == 16
    assert market.findings.filter(check="gap")["value"].to_list() == ["1"]
    assert np.isnan(market.columns().open[0, 5])


ENDS = {
    # Hours that mark the end of each bar, as no bar can begin then or none begins at the open.
    "5 min": [f"{9 + (35 + 5 * i) // 60:02}:{(35 + 5 * i) % 60:02}" for i in range(78)],
    "30 min": [f"{10 + i // 2:02}:{30 * (i % 2):02}" for i in range(13)],
    "1 h of the session": [f"{hour:02}:00" for hour in range(10, 17)],
    "4 h with all hours": ["08:00", "12:00", "16:00", "20:00"],
    "1 h with all hours": [f"{hour:02}:00" for hour in range(5, 21)],
    "5 min with all hours": [f"{(245 + 5 * i) // 60:02}:{(245 + 5 * i) % 60:02}" for i in range(192)],
    "2 h with all hours": [f"{hour:02}:00" for hour in range(6, 21, 2)],
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("hours", ["regular", "all"])
def test_times_that_mark_the_end_of_bars_are_still_refused(name: str, hours: str) -> None:
    with pytest.raises(Fault, match="times mark the start of a bar, so take one interval off"):
        Market.from_frame(bars(on_clock(ENDS[name])), asset="ABC", hours=hours)  # type: ignore[arg-type]


def test_calendars_list_bars_on_the_clock() -> None:
    # New York opens at 9:30 and closes at 16:00 or, on 2025-11-28, at 13:00; the bar of 9 h spans the open.
    opens, sessions = calendar("XNYS").bars("2025-11-26", "2025-11-28", "1h", clock=0)
    wall = pl.Series(opens.astype("M8[us]")).dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    assert wall.dt.hour().to_list() == [9, 10, 11, 12, 13, 14, 15, 9, 10, 11, 12]
    assert [str(day) for day in sessions] == ["2025-11-26"] * 7 + ["2025-11-28"] * 4
    # Hong Kong trades from 9:30 to 12:00 and from 13:00 to 16:00.
    opens, _ = calendar("XHKG").bars("2025-11-24", "2025-11-24", "1h", clock=0)
    wall = pl.Series(opens.astype("M8[us]")).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Hong_Kong")
    assert wall.dt.hour().to_list() == [9, 10, 11, 13, 14, 15]
    # Where a day follows the other, a bar belongs to the day in which it begins.
    opens, sessions = calendar("24/7").bars("2025-01-01", "2025-01-02", "12h", clock=4 * 3_600_000_000)
    assert [(str(open)[8:13], str(day)[8:]) for open, day in zip(opens.astype("M8[us]"), sessions, strict=True)] == [
        ("01T04", "01"), ("01T16", "01"), ("02T04", "02"), ("02T16", "02"),
    ]  # fmt: skip
    assert all(later - earlier == 12 * 3_600_000_000 for earlier, later in pairwise(opens))
