"""One reader of dates: whatever the spelling, the zone and the column, nothing is known before it was."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.faults import Fault
from engine.tables.order import OpenDates
from engine.tables.single import moment, written
from engine.tables.stamps import days_of, decide, instants_of, joined, read_stamps

NY = "America/New_York"
MICRO = dt.timedelta(microseconds=1)

# ------------------------------------------------------------------------------------------------- a fuzz of spellings

ZONES = (NY, "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/London", "Europe/Paris", "Europe/Moscow",
         "Asia/Shanghai", "Asia/Taipei", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney", "Pacific/Honolulu", "UTC")  # fmt: skip
PHRASES = {
    NY: ("ET", "New York time", "heure de New York", "纽约时间", "美東時間", "(New York)", "US/Eastern"),
    "America/Chicago": ("CT", "Chicago"),
    "America/Denver": ("MT", "Denver time"),
    "America/Los_Angeles": ("PT", "US/Pacific", "Pacific Time", "洛杉磯時間"),
    "Europe/London": ("London", "London time", "heure de Londres", "伦敦时间"),
    "Europe/Paris": ("à Paris", "heure de Paris", "Paris time", "[Europe/Paris]", "巴黎时间"),
    "Europe/Moscow": ("Moscow time", "(Moscow)"),
    "Asia/Shanghai": ("Beijing time", "北京时间", "(Shanghai)"),
    "Asia/Taipei": ("台北時間", "Taipei"),
    "Asia/Tokyo": ("JST", "Tokyo time", "東京時間"),
    "Asia/Kolkata": ("Mumbai time",),
    "Australia/Sydney": ("Sydney time", "AET"),
    "Pacific/Honolulu": ("HST", "Hawaii"),
    "UTC": ("Z", "UTC", "GMT", "UT"),
}
EXACT = ("EST", "EDT", "MST", "MDT", "PST", "PDT", "GMT", "CET", "CEST", "JST", "HST", "AEST", "AEDT", "CDT")
FRENCH = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
DAYS = {
    "2025-01-27": lambda d: d.strftime("%Y-%m-%d"),
    "2025/1/27": lambda d: f"{d.year}/{d.month}/{d.day}",
    "20250127": lambda d: d.strftime("%Y%m%d"),
    "27-Jan-25": lambda d: d.strftime("%d-%b-%y"),
    "27 January 2025": lambda d: d.strftime("%d %B %Y"),
    "Jan 27, 2025": lambda d: d.strftime("%b %d, %Y"),
    "Mon, 27 Jan 2025": lambda d: d.strftime("%a, %d %b %Y"),
    "2025-W05-1": lambda d: "{0}-W{1:02d}-{2}".format(*d.isocalendar()),
    "2025-027": lambda d: d.strftime("%Y-%j"),
    "27 janvier 2025": lambda d: f"{d.day} {FRENCH[d.month - 1]} {d.year}",
    "2025年1月27日": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "27.01.2025": lambda d: d.strftime("%d.%m.%Y"),
    "27/01/2025": lambda d: d.strftime("%d/%m/%Y"),
    "1/27/2025": lambda d: f"{d.month}/{d.day}/{d.year}",
    "01/27/25": lambda d: d.strftime("%m/%d/%y"),
}
ORDER = {"27/01/2025": "dmy", "1/27/2025": "mdy", "01/27/25": "mdy"}
CLOCKS = {
    "09:30:00": lambda t: t.strftime("%H:%M:%S"),
    "09:30": lambda t: t.strftime("%H:%M"),
    "9:30 AM": lambda t: t.strftime("%I:%M %p").lstrip("0"),
    "9:30:00 a.m.": lambda t: t.strftime("%I:%M:%S ") + ("a.m." if t.hour < 12 else "p.m."),
    "9h30": lambda t: f"{t.hour}h{t.minute:02d}",
    "上午9点30分": lambda t: (
        f"{'上午' if t.hour < 12 else '下午'}{t.hour if t.hour < 13 else t.hour - 12}点{t.minute:02d}分"
    ),
}
SECONDS = ("09:30:00", "9:30:00 a.m.")
LINKS = (
    "{day} {clock} {zone}",
    "{day}, {clock} {zone}",
    "{clock} {zone}, {day}",
    "{day} at {clock} {zone}",
    "Published: {day} {clock} {zone}",
)


def offset_of(at: dt.datetime, form: str) -> str:
    minutes = int((at.utcoffset() or dt.timedelta(0)).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    short = f"{sign}{hours}" + (f":{rest:02d}" if rest else "")
    return {
        "colon": f"{sign}{hours:02d}:{rest:02d}",
        "plain": f"{sign}{hours:02d}{rest:02d}",
        "utc": f"UTC{short}",
        "gmt": f"GMT{short}",
    }[form]


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[str], list[dt.datetime], str | None, str | None, bool, bool]:
    """Draw instants and spell each in one way: texts, instants, the source's zone, the order said, whole, whether they are days."""
    name = draw(st.sampled_from(ZONES))
    zone = ZoneInfo(name)
    count = draw(st.integers(1, 4))
    seconds = draw(st.lists(st.integers(978_307_200, 1_767_225_600), min_size=count, max_size=count))
    if draw(st.booleans()):  # at midnight, as many a table keeps its days
        local = [dt.datetime.fromtimestamp(s, zone).replace(hour=0, minute=0, second=0) for s in seconds]
        seconds = [int(at.timestamp()) for at in local]
    at = [dt.datetime.fromtimestamp(s, zone) for s in seconds]
    day, clock = draw(st.sampled_from(list(DAYS))), draw(st.sampled_from([*CLOCKS, None]))
    if clock and clock not in SECONDS:
        at = [moment.replace(second=0) for moment in at]
    kind = draw(st.sampled_from(["none", "colon", "plain", "utc", "gmt", "phrase", "letters"]))
    link = draw(st.sampled_from(LINKS))
    texts = []
    for one in at:
        said = ""
        if kind in ("colon", "plain", "utc", "gmt"):
            said = offset_of(one, kind)
        elif kind == "phrase":
            said = draw(st.sampled_from(PHRASES[name]))
        elif kind == "letters":
            said = one.tzname() or ""
        if kind == "letters" and said not in EXACT:
            said = offset_of(one, "colon")
        spelled = DAYS[day](one.date())
        whole = link.format(day=spelled, clock=CLOCKS[clock](one.time()), zone=said) if clock else f"{spelled} {said}"
        texts.append(" ".join(whole.split()))
    return texts, at, name, ORDER.get(day), kind != "none", clock is None


@settings(max_examples=300, deadline=None)
@given(columns(), st.booleans())
def test_no_stamp_is_earlier_than_its_instant(
    drawn: tuple[list[str], list[dt.datetime], str, str | None, bool, bool], own: bool
) -> None:
    texts, at, name, order, says_zone, is_days = drawn
    zone = name if own or not says_zone else None
    stamps = read_stamps(pl.Series(texts), what="date", source="fuzz", zone=zone, order=order)  # type: ignore[arg-type]
    for text, truth, known, is_day in zip(texts, at, stamps.known, stamps.is_day, strict=True):
        utc = truth.astimezone(dt.UTC)
        assert known is not None, text
        assert known >= utc, text
        twice = truth.replace(fold=0).utcoffset() != truth.replace(fold=1).utcoffset()
        if not (is_day or twice):
            assert known == utc, text
        if is_day:
            midnight = dt.datetime.combine(truth.date() + dt.timedelta(days=1), dt.time(), ZoneInfo(name))
            # An offset alone does not tell that its zone changes the clocks on that very day.
            changes = zone is None and midnight.utcoffset() != truth.utcoffset()
            assert known >= midnight.astimezone(dt.UTC) - MICRO - dt.timedelta(hours=changes), text
        assert not is_days or is_day, text
