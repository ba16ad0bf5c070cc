"""One reader of dates: whatever the spelling, the zone and the column, nothing is known before it was."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import main
from engine.faults import Fault
from engine.market import Market
from engine.prices import import_prices
from engine.tables import zones
from engine.tables.order import OpenDates
from engine.tables.single import moment, written
from engine.tables.spelling import Order
from engine.tables.stamps import Stamps, joined, read_stamps

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
    "2025-W05-1": lambda d: d.strftime("%G-W%V-%u"),
    "2025-027": lambda d: d.strftime("%Y-%j"),
    "27 janvier 2025": lambda d: f"{d.day} {FRENCH[d.month - 1]} {d.year}",
    "2025年1月27日": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "27.01.2025": lambda d: d.strftime("%d.%m.%Y"),
    "27/01/2025": lambda d: d.strftime("%d/%m/%Y"),
    "1/27/2025": lambda d: f"{d.month}/{d.day}/{d.year}",
    "01/27/25": lambda d: d.strftime("%m/%d/%y"),
}
ORDER: dict[str, Order] = {"27/01/2025": "dmy", "1/27/2025": "mdy", "01/27/25": "mdy"}
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
def columns(draw: st.DrawFn) -> tuple[list[str], list[dt.datetime], str, Order | None, bool, bool]:
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


@settings(max_examples=150)
@given(columns(), st.booleans())
def test_no_stamp_is_earlier_than_its_instant(
    drawn: tuple[list[str], list[dt.datetime], str, Order | None, bool, bool], own: bool
) -> None:
    texts, at, name, order, says_zone, is_days = drawn
    zone = name if own or not says_zone else None
    stamps = read_stamps(pl.Series(texts), what="date", source="fuzz", zone=zone, order=order)
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


@settings(max_examples=80)
@given(columns())
def test_a_stamp_alone_is_read_as_it_is_in_a_column(
    drawn: tuple[list[str], list[dt.datetime], str, Order | None, bool, bool],
) -> None:
    texts, _, name, order, _, _ = drawn
    for text in texts:
        stamps = read_stamps(pl.Series([text]), what="date", source="fuzz", zone=name, order=order)
        said = written(text)
        assert said is not None, text
        alone = moment(said, name, order=order, alone=True)
        assert alone is not None, text
        assert (alone.at, alone.is_day) == (stamps.known[0], stamps.is_day[0]), text


COUNTS = st.tuples(
    st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]), st.sampled_from(["number", "text", "float text"])
)


@settings(max_examples=80)
@given(st.lists(st.integers(100_000_001, 4_000_000_000), min_size=1, max_size=4), COUNTS)
def test_seconds_to_nanoseconds_since_1970_are_instants(seconds: list[int], form: tuple[int, str]) -> None:
    # The unit is told by how many digits there are: 4e9 s is the year 2096, 1e8 s is March 1973, so none overlaps another.
    unit, kind = form
    numbers = [count * unit for count in seconds]
    column = pl.Series(numbers if kind == "number" else [f"{n}.0" if kind == "float text" else str(n) for n in numbers])
    stamps = read_stamps(column, what="time", source="fuzz")
    expected = [dt.datetime.fromtimestamp(count, dt.UTC) for count in seconds]
    if stamps.is_day.all():  # all of them happen to be midnights
        expected = [at + dt.timedelta(days=1) - MICRO for at in expected]
    for number, known, at in zip(numbers, stamps.known, expected, strict=True):
        if known is not None or not 1_900_000_000 <= number <= 2_100_999_999:  # 2025012714 may be an hour: refused
            assert known == at, number


@settings(max_examples=80)
@given(
    st.lists(st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2026, 1, 1)), min_size=1, max_size=4),
    st.sampled_from([None, *ZONES]),
    st.sampled_from(["us", "ms", "ns"]),
    st.booleans(),
)
def test_columns_of_datetimes(times: list[dt.datetime], typed: str | None, unit: str, midnight: bool) -> None:
    times = [at.replace(microsecond=0) for at in times]
    if midnight:
        times = [at.replace(hour=0, minute=0, second=0) for at in times]
    zone = ZoneInfo(typed or NY)
    aware = [dt.datetime.fromtimestamp(at.replace(tzinfo=zone).timestamp(), zone) for at in times]
    column = (
        pl.Series(times).cast(pl.Datetime(unit)).dt.replace_time_zone(typed, non_existent="null", ambiguous="earliest")
    )  # type: ignore[arg-type]
    stamps = read_stamps(column, what="time", source="fuzz", zone=NY)
    for at, there, known in zip(aware, column, stamps.known, strict=True):
        if there is None:
            continue
        assert known >= at.astimezone(dt.UTC) - dt.timedelta(hours=at.fold)
        if midnight:
            assert known >= there.replace(tzinfo=ZoneInfo(NY)).astimezone(dt.UTC)


# ----------------------------------------------------------------------------------------------------------- neighbours


def known(value: object, zone: str | None = NY, **how: object) -> str:
    """Read a column of one stamp: when it was out for sure, in UTC; "refused" where it is not understood."""
    column = value if isinstance(value, pl.Series) else pl.Series([value])
    stamps = read_stamps(column, what="date", source="t.csv", zone=zone, **how)  # type: ignore[arg-type]
    found = stamps.known[0]
    assert (found is None) == stamps.unread[0]
    return "refused" if found is None else found.strftime("%Y-%m-%d %H:%M:%S")


# 27 January 2025 in New York ends at 24:00 EST, five hours behind UTC: 2025-01-28 05:00, less a microsecond.
END = "2025-01-28 04:59:59"
MIDNIGHT = dt.datetime(2025, 1, 27)


MEANT_AS_DAYS = """
20250127
20250127.0
2025W051
2025-W05-1
2025-027
2025-01-27
2025/1/27
27-Jan-25
Jan 27 2025
27 janvier 2025
2025年1月27日
民國114年1月27日
２０２５年１月２７日
27.01.2025
2025-01-27 00:00
2025-01-27 00:00:00.000
2025-01-27T00:00:00Z
2025-01-27T00:00:00+08:00
2025-01-27 12:00 AM
2025-01-27 0h00
2025-01-27 凌晨0点
20250127T000000
1737936000000
Mon, 27 Jan 2025 00:00:00 GMT
2025-01-27+08:00
2025-01-27Z
2025-01-27 EST
2025-01-27T05:00:00Z
"""
TYPED = [
    20250127,
    20250127.0,
    20250127000000,
    1737936000,
    dt.date(2025, 1, 27),
    MIDNIGHT,
    pl.Series([MIDNIGHT]).cast(pl.Datetime("ns")),
    pl.Series([MIDNIGHT]).dt.replace_time_zone("UTC"),
    pl.Series([MIDNIGHT]).dt.replace_time_zone(NY),
    pl.Series([dt.datetime(2025, 1, 27, 5)]).dt.replace_time_zone("UTC"),
    pl.Series(["2025-01-27"], dtype=pl.Categorical),
]


@pytest.mark.parametrize("day", [*MEANT_AS_DAYS.strip().splitlines(), *TYPED])
def test_what_says_no_time_of_day_is_a_day_and_counts_as_its_end(day: object) -> None:
    assert known(day) == END


def test_the_end_of_a_day_is_that_of_the_zone_in_which_it_ends_later() -> None:
    # Shanghai's 27 January ends at 16:00 UTC, before New York's; Honolulu's (UTC-10) at 10:00 UTC of the 28th, after it.
    assert known("2025-01-27 +08:00", "Pacific/Honolulu") == "2025-01-28 09:59:59"
    assert known("2025-01-27 HST", NY) == "2025-01-28 09:59:59"
    assert known("2025-01-27 +08:00", None) == "2025-01-27 15:59:59"


def test_midnights_among_other_times_are_instants() -> None:
    stamps = read_stamps(pl.Series(["2025-01-27 00:00", "2025-01-27 09:30"]), what="date", source="t", zone=NY)
    assert stamps.is_day.to_list() == [False, False]
    assert stamps.known[0] == dt.datetime(2025, 1, 27, 5, tzinfo=dt.UTC)
    assert stamps.notes == ()
    mixed = read_stamps(pl.Series(["2025-01-27", "2025-01-27 09:30"]), what="date", source="t", zone=NY)
    assert mixed.is_day.to_list() == [True, False]
    assert read_stamps(pl.Series([MIDNIGHT]), what="d", source="t", tell_days=False).is_day.to_list() == [False]


def test_what_is_decided_of_midnights_is_said() -> None:
    days = read_stamps(pl.Series([MIDNIGHT, MIDNIGHT + dt.timedelta(days=1)]), what="date", source="t")
    assert days.notes == (
        "column 'date' is midnight throughout; its stamps are taken for days, and a day counts as its end.",
    )
    some = pl.Series([MIDNIGHT] * 5 + [MIDNIGHT + dt.timedelta(minutes=m) for m in range(1, 20)])
    (note,) = read_stamps(some, what="date", source="t").notes
    assert "5 of 24 times at midnight" in note


# The hours from UTC: EST -5, EDT -4, MST -7, MDT -6, PST -8, HST -10, London 0 (in summer +1), Paris +1, China and Taipei +8,
# Tokyo +9, India +5:30, Sydney in January +11. Each is 14:45 UTC.
KNOWN = """
Mon, 27 Jan 2025 07:45:00 MST
Mon, 7 Jul 2025 08:45:00 MDT
2025-01-27 07:45 MT
2025-01-27 04:45 HST
2025-01-27 14:45 UT
2025-01-27 06:45 US/Pacific
2025-01-27 06:45 America/Los_Angeles
2025-01-27 06:45 america/los_angeles
2025-01-27T06:45-08:00[America/Los_Angeles]
2025-01-27 22:45 +0800
2025-01-27 22:45 +08
2025-01-27 22:45 UTC+8
2025-01-27 09:45 GMT-5
2025-01-27 09:45 (UTC−5)
2025-01-27 20:15 UTC+5:30
2025-01-27 14:45 London
14:45 London, 27 January 2025
27 janvier 2025 15h45 à Paris
27/01/2025 à 15h45, heure de Paris
2025-01-27 15:45 CET
2025年1月27日 22:45 北京时间
北京时间2025年1月27日22:45
2025-01-27 09:45 纽约时间
2025-01-27 09:45 美東時間
2025-01-27 14:45 倫敦時間
Mon Jan 27 2025 09:45:00 GMT-0500 (Eastern Standard Time)
Mon, 27 Jan 2025 09:45:00 -0500 (EST)
Mon Jan 27 09:45:00 EST 2025
9:45  AM ET Mon, 27 January 2025
January 27, 2025 — 09:45 am EST
Jan. 27, 2025 at 9:45 a.m. E.S.T.
2025-01-27 23:45 JST
2025-01-27 09:45 EST5EDT
2025-01-27 09:45 Eastern
2025-01-28 01:45 AEDT
2025-01-27 09:45 heure locale
2025-01-27 09:45 当地时间
27.01.2025 09:45 Uhr
27. Jan 2025, 15:45 Uhr CET
2025-01-27 09:45 ET (1445 GMT)
2025-01-27 09:45 ET / 14:45 GMT
27 Jan 2025 9:45 a.m. EST (14:45 UTC)
2025-01-27 22:45 北京时间 (1445 GMT)
2025-01-27T15:45+01:00[Europe/Paris]
2025-01-27T22:45 GMT+0800 (CST)
Mon Jan 27 2025 22:45:00 GMT+0800 (China Standard Time)
2025-01-27T14:45Z[Europe/London]
2025-01-27T09:45+01:00[America/New_York]
2025-01-27T14:45+08:00[Europe/London]
2025-01-27 09:45 -0500 (Tokyo)
2025-01-27 14:45Z (JST)
"""
# To the letter, or as the clock is: the later. EST in July is -05:00; EDT in January is the clock of New York, -05:00. Of two zones,
# the later, too: CST is -06:00 before +08:00, IST Ireland's before India's, AST -04:00 before +03:00. ACT is Acre's (-5) before
# Canberra's; Victoria is British Columbia's (-8), Cordoba and Merida Mexico's (-6), San Luis too, La Paz Mazatlan's (-7), San Juan and
# Santiago those of the Caribbean (-4), Vincennes Indiana's (-5), Stanley that of the Falklands (-3), Mendoza Peru's (-5).
LATER = """
2025-07-07 09:45 EST
2025-01-27 09:45 EDT
2025-01-27 14:45 BST
2025-07-07 15:45 BST
2025-07-07 15:45 CET
2025-01-27 08:45 CST
2025-01-27 14:45 IST
2025-01-27 10:45 AST
2025-01-27 09:45 ACT
2025-01-27 06:45 Victoria
2025-01-27 08:45 Cordoba
2025-01-27 08:45 Merida time
2025-01-27 07:45 La Paz
2025-01-27 10:45 San Juan
2025-01-27 10:45 Santiago
2025-01-27 09:45 Vincennes
2025-01-27 11:45 Stanley
2025-01-27 08:45 San Luis
2025-01-27 09:45 heure de Mendoza
"""


@pytest.mark.parametrize("text", [*KNOWN.strip().splitlines(), *LATER.strip().splitlines()])
def test_zones_that_are_known(text: str) -> None:
    assert known(text)[11:16] == "14:45"


def test_every_zone_of_the_table_and_of_iana_can_be_read() -> None:
    words = tomllib.loads(Path(zones.__file__).with_name("zones.toml").read_text(encoding="utf-8"))
    spelled = [*words["abbreviations"], *(word for places in words["places"].values() for word in places)]
    names = sorted(available_timezones() - {"Factory", "localtime"})
    texts = pl.Series([f"2025-01-27 09:45 {word}" for word in (*spelled, *names)])
    stamps = read_stamps(texts, what="date", source="t")
    assert texts.filter(stamps.known.is_null()).to_list() == []
    # As Python has it; of abbreviations whose IANA name is another's (EST: Panama), too.
    told = {name: at for name, at in zip(names, stamps.known[len(spelled) :], strict=True)}
    wall = dt.datetime(2025, 1, 27, 9, 45)
    assert {name for name, at in told.items() if at < wall.replace(tzinfo=ZoneInfo(name)).astimezone(dt.UTC)} == set()


@pytest.mark.parametrize(
    ("text", "zone", "language", "at"),
    [
        # 05:31 in China is 21:31 UTC of the day before; in Chicago, 11:31.
        ("2025-11-07 05:31 CST", "Asia/Shanghai", "zh-Hans", "2025-11-06 21:31"),
        ("2025-11-07 05:31 CST", "Asia/Taipei", "zh-Hant", "2025-11-06 21:31"),
        ("2025-11-07 05:31 CST", "Asia/Hong_Kong", None, "2025-11-06 21:31"),
        ("2025-11-07 05:31 CST", None, "zh", "2025-11-06 21:31"),
        ("2025-11-07 05:31 CST", "Asia/Shanghai", None, "2025-11-06 21:31"),
        ("2025-11-07 05:31 CST", NY, "en", "2025-11-07 11:31"),
        ("2025-11-07 05:31 CST", None, None, "2025-11-07 11:31"),
        ("2025-11-07 05:31 PST", "Asia/Shanghai", "zh-Hans", "2025-11-07 13:31"),  # no Chinese page means Manila
        ("2025-11-07 05:31 PST", "Asia/Manila", "en", "2025-11-06 21:31"),
        ("2025-11-07 05:31 IST", "Asia/Kolkata", "en", "2025-11-07 00:01"),
        ("2025-11-07 05:31 IST", "Asia/Jerusalem", "en", "2025-11-07 03:31"),
        ("2025-11-07 05:31 IST", "Europe/Dublin", "en", "2025-11-07 05:31"),
        ("2025-01-07 05:31 EST", "Australia/Sydney", "en", "2025-01-06 19:31"),
    ],
)
def test_an_abbreviation_of_two_zones_is_decided_by_its_source(
    text: str, zone: str | None, language: str | None, at: str
) -> None:
    assert known(text, zone, language=language)[:16] == at


REFUSED = """
2025-01-27 09:30 XYZT
2025-01-27 09:30 Springfield
2025-01-27 09:30 America/Atlantis
2025-01-27 09:30 North
2025-01-27 09:30 South
2025-01-27 09:30 Center
2025-01-27 09:30 Easter
2025-01-27 09:30 Christmas
2025-01-27 09:30 Virgin
2025-01-27 09:30 Oral
2025-01-27 09:30 Resolute
2025-01-27 09:30 Wake
2025-01-27 09:30 LHI
2025-01-27 09:30 A
2025-01-27 09:30 +25:00
2025-01-27 09:30 +08:75
2025-01-27 09:30 火星时间
2025-01-27 09:30 heure de Narnia
2025-01-27 09:30 by J. Smith
2025-01-27 25:61
2025-01-27 24:30
2025-01-27 13:30 AM
2025-01-27 09:75
2025-02-30
2025-13-01
2025-366
2025-W54-1
2025-01
2025
27/01
yesterday
2 hours ago
Q1 2025
12345
2025012714
x
2025-01-27 EST PST
2025-01-27 09:30 ET (1530 GMT)
2025-01-27 09:30 ET / 13:30 GMT
2025-01-27 (1430 GMT)
"""


@pytest.mark.parametrize("text", REFUSED.strip().splitlines())
def test_what_is_not_understood_is_refused(text: str) -> None:
    assert known(text) == "refused"


@pytest.mark.parametrize("blank", ["", " ", "null", "NaN", "n/a", "-", "0000-00-00", "0000-00-00 00:00:00", "0", None])
def test_blanks_are_no_stamps_and_no_faults(blank: str | None) -> None:
    stamps = read_stamps(pl.Series([blank, "2025-01-27"], dtype=pl.String), what="date", source="t")
    assert stamps.local.is_null().to_list() == [True, False]
    assert not stamps.unread.any()


# New York's clocks skip 02:00 to 03:00 on 9 March 2025 and show 01:00 to 02:00 twice on 2 November, first as EDT (-4), then as EST (-5).
@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-11-02 01:30", "2025-11-02 06:30:00"),
        ("2025-03-09 02:30", "2025-03-09 07:30:00"),
        ("2025-11-02 01:30 EDT", "2025-11-02 06:30:00"),
        ("2025-03-09 01:59", "2025-03-09 06:59:00"),
    ],
)
def test_a_time_that_a_clock_shows_twice_or_never_is_the_later(text: str, at: str) -> None:
    assert known(text) == at


def test_digits_beyond_a_microsecond_count_as_one_more() -> None:
    column = pl.Series(["2025-01-27T09:30:00.1234561Z", "2025-01-27T09:30:00.123456Z", "1737970200123456001"])
    micros = [at.microsecond for at in read_stamps(column, what="t", source="t").known]
    assert micros == [123457, 123456, 123457]
    typed = pl.Series([1_737_970_200_123_456_001]).cast(pl.Datetime("ns", "UTC"))
    assert read_stamps(typed, what="t", source="t").known[0].microsecond == 123457


# ------------------------------------------------------------------------------------------------- month first, day first


def order_of(texts: list[str], **how: object) -> list[str]:
    stamps = read_stamps(pl.Series(texts), what="date", source="t.csv", **how)  # type: ignore[arg-type]
    return [str(day) for day in stamps.local.dt.date()]


@pytest.mark.parametrize(
    ("texts", "how", "days"),
    [
        (["01/02/2025", "13/02/2025"], {}, ["2025-02-01", "2025-02-13"]),  # a day above 12 anywhere decides
        (["01/02/2025", "02/13/2025"], {}, ["2025-01-02", "2025-02-13"]),
        (["1/5/26", "1/13/26"], {}, ["2026-01-05", "2026-01-13"]),
        (["01-02-2025 09:30", "13-02-2025 09:30"], {}, ["2025-02-01", "2025-02-13"]),
        (["01/02/2025"], {"order": "mdy"}, ["2025-01-02"]),
        (["01/02/2025"], {"order": "dmy"}, ["2025-02-01"]),
        (["01/02/2025"], {"language": "fr"}, ["2025-02-01"]),
        (["01/02/2025"], {"zone": "Europe/Paris"}, ["2025-02-01"]),
        (["01/02/2025"], {"language": "fr", "order": "mdy"}, ["2025-01-02"]),  # what the user says comes first
        (["01.02.2025"], {}, ["2025-02-01"]),  # with full stops the day is first wherever it is written
        (
            ["2025/01/02", "2025-02-01"],
            {"order": "dmy"},
            ["2025-01-02", "2025-02-01"],
        ),  # a year in front leaves nothing open
        (["01/01/2025", "02/02/2025"], {}, ["2025-01-01", "2025-02-02"]),  # it makes no difference
        (["25/01/02"], {"order": "ymd"}, ["2025-01-02"]),
        (["85/01/13"], {}, ["1985-01-13"]),
        (["2025-01-27", "01/02/2025", "13/02/2025"], {}, ["2025-01-27", "2025-02-01", "2025-02-13"]),
    ],
)
def test_the_order_of_dates(texts: list[str], how: dict[str, str], days: list[str]) -> None:
    assert order_of(texts, **how) == days


@pytest.mark.parametrize(
    ("texts", "how", "said"),
    [
        (
            ["01/02/2025", "03/04/2025"],
            {},
            "may be month first or day first: 2025-01-02 or 2025-02-01); say which by --dates mdy or dmy",
        ),
        (
            ["01/02/2025"],
            {"zone": NY, "language": "en"},
            "month first or day first",
        ),  # New York may be written by anybody
        (["01/02/2025"], {"zone": "Asia/Shanghai"}, "month first or day first"),
        (["1/5/26"], {}, "2026-01-05 or 2026-05-01"),
        (["01-02-2025 09:30"], {}, "month first or day first"),
        (["13/01/25"], {}, "2013-01-25 or 2025-01-13"),  # a year of two digits may stand in front
        (["01/02/03"], {}, "year first or month first or day first"),
        (["13/01/2025", "01/13/2025"], {}, "must hold dates of one order (got '01/13/2025' and '13/01/2025')"),
        (["13/01/2025"], {"order": "mdy"}, "must be month first, as dates='mdy' says (got '13/01/2025')"),
        (["01/02/2025"], {"order": "ymd"}, "must be year first"),
    ],
)
def test_an_order_that_stays_open_is_refused(texts: list[str], how: dict[str, str], said: str) -> None:
    with pytest.raises(OpenDates) as caught:
        order_of(texts, **how)
    assert str(caught.value).startswith("t.csv: column 'date' must ")
    assert said in str(caught.value)


def test_a_date_alone_whose_order_stays_open_is_the_later() -> None:
    alone = written("01/02/2025")
    assert alone is not None
    assert moment(alone, NY) == (dt.datetime(2025, 2, 2, 4, 59, 59, 999999, tzinfo=dt.UTC), True)
    assert moment(alone, "Europe/Paris", language="fr") == (
        dt.datetime(2025, 2, 1, 22, 59, 59, 999999, tzinfo=dt.UTC),
        True,
    )
    assert moment(alone, NY, order="mdy") == (dt.datetime(2025, 1, 3, 4, 59, 59, 999999, tzinfo=dt.UTC), True)


# -------------------------------------------------------------------------------------------------------- the column


@pytest.mark.parametrize(
    "column", [pl.Series([True]), pl.Series([dt.time(9)]), pl.Series([[1]]), pl.Series([{"a": 1}])]
)
def test_columns_that_hold_no_times_are_refused(column: pl.Series) -> None:
    with pytest.raises(Fault, match=r"t: column 'date' must hold dates or times \(got .*\); convert it\."):
        read_stamps(column, what="date", source="t")


def test_a_zone_that_is_not_known_is_refused() -> None:
    with pytest.raises(Fault, match=r"must be a time zone such as .*\(got 'Mars/Base'\)"):
        read_stamps(pl.Series(["2025-01-27"]), what="date", source="t", zone="Mars/Base")


def test_an_empty_column() -> None:
    for column in (pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.Datetime), pl.Series([None, None])):
        stamps: Stamps = read_stamps(column, what="date", source="t", zone=NY)
        assert stamps.known.null_count() == len(column)
        assert stamps.notes == ()


def test_a_day_and_a_time_of_day_are_joined() -> None:
    texts = joined(pl.Series([20250131, 20250201, 20250202]), pl.Series([93000, 153000, None]))
    assert texts.to_list() == ["20250131 9:30:00", "20250201 15:30:00", "20250202"]
    assert joined(pl.Series([MIDNIGHT]), pl.Series([dt.time(9, 30)])).to_list() == ["2025-01-27 09:30:00"]
    assert joined(pl.Series(["2025-01-27 00:00:00"]), pl.Series(["9:30 ET"])).to_list() == ["2025-01-27 9:30 ET"]


def test_a_part_of_a_column_is_read_as_the_whole_decides() -> None:
    whole = read_stamps(pl.Series(["01/02/2025", "13/02/2025"]), what="date", source="t")
    part = read_stamps(pl.Series(["03/04/2025"]), what="date", source="t", decision=whole.decision)
    assert str(part.local[0].date()) == "2025-04-03"
    assert part.texts.to_list() == ["2025-04-03"]


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("27/01/2025 9:30 EST", "2025-01-27 09:30:00.000000 est"),
        ("2025-01-27T09:30:00Z", "2025-01-27 09:30:00.000000+00:00"),
        ("1737988200", "2025-01-27 14:30:00.000000+00:00"),
        ("2025-01-27 +08:00", "2025-01-27 +08:00"),
        ("someday", "someday"),
    ],
)
def test_stamps_in_one_spelling_say_the_same(text: str, again: str) -> None:
    stamps = read_stamps(pl.Series([text]), what="date", source="t", zone=NY)
    assert stamps.texts.to_list() == [again]
    said = written(again)
    assert (said and moment(said, NY)) == (stamps.known[0] and (stamps.known[0], stamps.is_day[0]))


# -------------------------------------------------------------------------------------------------------------- prices


def imported(folder: Path, stamps: list[str], **how: object) -> Market:
    rows = "".join(f"{stamp};1;2;1;1.5\n" for stamp in stamps)
    (folder / "A.csv").write_text(f"Date;Open;High;Low;Close\n{rows}", encoding="utf-8")
    return import_prices(folder / "A.csv", **how)  # type: ignore[arg-type]


# 2 and 3 January 2025 are sessions of New York; the 2nd opens at 09:30 EST, 14:30 UTC.
@pytest.mark.parametrize(
    ("stamps", "how"),
    [
        (["20250102", "20250103"], {}),
        (["02-Jan-25", "03-Jan-25"], {}),
        (["Jan 2, 2025", "Jan 3, 2025"], {}),
        (["2025W014", "2025W015"], {}),
        (["2025-002", "2025-003"], {}),
        (["2 janvier 2025", "3 janvier 2025"], {}),
        (["Thu, 2 Jan 2025", "Fri, 3 Jan 2025"], {}),
        (["2025-01-02 00:00:00", "2025-01-03 00:00:00"], {}),
        (["1735776000", "1735862400"], {}),
        (["01/02/2025", "01/03/2025"], {"dates": "mdy"}),
        (["02/01/2025", "03/01/2025"], {"dates": "dmy"}),
        (["1/2/25", "1/3/25"], {"dates": "mdy"}),
        (["02.01.2025", "03.01.2025"], {}),
    ],
)
def test_days_of_prices_are_sessions(tmp_path: Path, stamps: list[str], how: dict[str, str]) -> None:
    assert [str(day) for day in imported(tmp_path, stamps, **how).sessions] == ["2025-01-02", "2025-01-03"]


@pytest.mark.parametrize(
    ("stamps", "how"),
    [
        (["2025-01-02 09:30 ET", "2025-01-02 09:35 ET"], {}),
        (["2025-01-02 09:30:00 EST", "2025-01-02 09:35:00 EST"], {}),
        (["2025-01-02T09:30-05:00[America/New_York]", "2025-01-02T09:35-05:00[America/New_York]"], {}),
        (["2025-01-02 08:30 America/Chicago", "2025-01-02 08:35 America/Chicago"], {"calendar": "XNYS"}),
        (["2025-01-02 14:30 UT", "2025-01-02 14:35 UT"], {}),
        (["20250102093000", "20250102093500"], {"timezone": NY}),
        (["20250102T093000", "20250102T093500"], {"timezone": "-05:00"}),
        (["1/2/2025 9:30 AM", "1/2/2025 9:35 AM"], {"timezone": NY, "dates": "mdy"}),
        (["1735828200", "1735828500"], {}),
        (["1735828200000", "1735828500000"], {}),
    ],
)
def test_instants_of_prices(tmp_path: Path, stamps: list[str], how: dict[str, str]) -> None:
    opens = imported(tmp_path, stamps, **how).frame["time"]
    assert [f"{at:%H:%M}" for at in opens] == ["14:30", "14:35"]


@pytest.mark.parametrize(
    ("stamps", "how", "said"),
    [
        (["01/02/2025", "01/03/2025"], {}, "may be month first or day first: 2025-01-02 or 2025-02-01); say which by --dates mdy or dmy"),
        (["13/01/2025", "01/13/2025"], {}, "dates of one order"),
        (["13/01/2025"], {"dates": "mdy"}, "must be month first, as dates='mdy' says"),
        (["2025-01-02"], {"dates": "us"}, "dates must be one of ymd, mdy, dmy (got 'us')"),
        (["2025-01-02 09:30 XYZT"], {}, "line 2: the time 2025-01-02 09:30 XYZT cannot be read"),
        (["2025-01-02 25:30"], {"timezone": NY}, "line 2: the time 2025-01-02 25:30 cannot be read"),
        # A bar at the later of two instants would bear prices that were there an hour before.
        (["2025-07-02 09:30 EST"], {}, "line 2: the time 2025-07-02 09:30 EST may be two instants"),
        (["2025-01-02 08:30 CST"], {}, "may be two instants"),
        (["2025-11-02 01:30"], {"timezone": NY, "calendar": "24/7"}, "may be two instants"),
        (["2025-03-09 02:30"], {"timezone": NY, "calendar": "24/7"}, "may be two instants"),
    ],
)  # fmt: skip
def test_stamps_of_prices_that_are_refused(tmp_path: Path, stamps: list[str], how: dict[str, str], said: str) -> None:
    with pytest.raises(Fault) as caught:
        imported(tmp_path, stamps, **how)
    assert said in str(caught.value)


def test_the_order_of_dates_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "A.csv", tmp_path / "p.parquet"
    file.write_text("Date,Open,High,Low,Close\n02/01/2025,1,2,1,1\n03/01/2025,1,2,1,1\n", encoding="utf-8")
    assert main(["prices", "import", str(file), "--out", str(out)]) == 2
    assert "say which by --dates mdy or dmy" in " ".join(capsys.readouterr().err.split())
    assert main(["prices", "import", str(file), "--out", str(out), "--dates", "dmy"]) == 0
    assert str(Market.read(out).sessions[0]) == "2025-01-02"
    assert str(Market.from_frame(pl.read_csv(file), asset="A", dates="dmy").sessions[0]) == "2025-01-02"


def test_bars_of_a_european_zone_have_the_day_first_and_that_is_said(tmp_path: Path) -> None:
    market = imported(
        tmp_path, ["02/01/2025 09:00", "02/01/2025 09:05"], timezone="Europe/Paris", calendar="XPAR", interval="5m"
    )
    assert str(market.sessions[0]) == "2025-01-02"
    (note,) = market.findings.filter(pl.col("check") == "date_order")["message"]
    assert "read day first, for the source's zone has it so" in note
