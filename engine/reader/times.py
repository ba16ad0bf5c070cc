"""The dates of a text, and the day on which a claim says something happened."""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo
from typing import Any, Final, NamedTuple

import numpy as np

from engine.reader.fold import is_han
from engine.tables.spelling import MONTHS
from engine.tables.zones import zone_info

ZONES: Final = {
    "fr": "Europe/Paris",
    "en": "America/New_York",
    "zh-Hans": "Asia/Shanghai",
    "zh-Hant": "Asia/Taipei",
    "und": "America/New_York",
}
_NEW_YORK: Final = zoneinfo.ZoneInfo("America/New_York")
_DAYS: Final = {
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6, "lundi": 0, "mardi": 1, "mercredi": 2, "jeudi": 3,
    "vendredi": 4, "samedi": 5, "dimanche": 6, "周一": 0, "周二": 1, "周三": 2, "周四": 3, "周五": 4, "周六": 5, "周日": 6, "星期一": 0, "星期二": 1,
    "星期三": 2, "星期四": 3, "星期五": 4, "星期六": 5, "星期日": 6, "星期天": 6, "礼拜一": 0, "礼拜二": 1, "礼拜三": 2, "礼拜四": 3, "礼拜五": 4,
}  # fmt: skip
_month = "|".join(sorted(MONTHS, key=len, reverse=True))
_clock = (
    r"(?P<half>上午|下午|晚上|晚间|凌晨|中午|早上)?\s*(?P<hour>[01]?\d|2[0-3])(?:[:：](?P<minute>[0-5]\d)(?:[:：](?P<second>[0-5]\d)(?:[.,]\d+)?)?"
    r"|\s?h\s?(?P<hminute>[0-5]\d)?|[点时](?P<zminute>[0-5]?\d)?分?)\s*(?P<ampm>[ap]\.?m\.?(?![a-z]))?"
)
_gap = r"(?:\s*(?:,|t|at|a|-|\||·|le|,? ?(?:around|vers))?\s*)"
_FORMS: Final = [
    re.compile(rf"(?P<year>20\d\d|19\d\d|1[01]\d)\s*年\s*(?P<month>1[0-2]|0?[1-9])\s*月\s*(?P<day>3[01]|[12]\d|0?[1-9])\s*[日号](?:[\s,(（]*(?:{_clock}))?"),
    re.compile(rf"(?<![\d.])(?P<year>20\d\d|19\d\d)[-/.](?P<month>1[0-2]|0?[1-9])[-/.](?P<day>3[01]|[12]\d|0?[1-9])(?!\d)(?:{_gap}{_clock})?"),
    re.compile(rf"\b(?P<mname>{_month})\.? (?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?!\d)(?:,? (?P<year>20\d\d|19\d\d)(?!\d))?(?:{_gap}{_clock})?"),
    re.compile(rf"(?<!\d)(?P<day>3[01]|[12]\d|0?[1-9])(?:er|st|nd|rd|th)? (?P<mname>{_month})\.?(?![a-z])(?:,? (?P<year>20\d\d|19\d\d)(?!\d))?(?:{_gap}{_clock})?"),
    re.compile(r"(?<!\d)(?P<month>1[0-2]|0?[1-9])\s*月\s*(?P<day>3[01]|[12]\d|0?[1-9])\s*[日号]"),
    re.compile(rf"(?<![\d.])(?P<slash1>3[01]|[12]\d|0?[1-9])/(?P<slash2>3[01]|[12]\d|0?[1-9])/(?P<year>20\d\d)(?!\d)(?:{_gap}{_clock})?"),
]  # fmt: skip
_DIGIT = re.compile(r"\d")
_CHINESE_DAYS: Final = {c: i for i, c in enumerate("一二三四五六日")}


class Stated(NamedTuple):
    """A date found in a text, perhaps with a time of day; of 3/2/2025, `month` and `day` as the language has them."""

    start: int
    end: int
    year: int | None
    month: int
    day: int
    time: dt.time | None
    either: bool = False  # month and day may be the other way round

    def date(self, year: int | None = None) -> dt.date | None:
        """Give the date, with `year` where the text has none; None where there is no such day."""
        try:
            return dt.date(self.year or year or 0, self.month, self.day)
        except ValueError:
            return None


def dates(folded: str, start: int = 0, end: int | None = None, *, language: str = "en") -> list[Stated]:
    """Find the calendar dates of a stretch of folded text, in order."""
    stop = len(folded) if end is None else end
    if not _DIGIT.search(folded, start, stop):
        return []
    out: list[Stated] = []
    for form in _FORMS:
        for match in form.finditer(folded, start, stop):
            found = _stated(match, language)
            if found and not any(found.start < other.end and other.start < found.end for other in out):
                out.append(found)
    out.sort(key=lambda item: item.start)
    return out


def _stated(match: re.Match[str], language: str) -> Stated | None:
    part = match.groupdict()
    year, either = int(part["year"]) if part.get("year") else None, False
    if year is not None and year < 200:
        year += 1911  # a year of the Republic of China
    if part.get("slash1"):
        first, second = int(part["slash1"]), int(part["slash2"])
        month, day = (second, first) if (language == "fr" or first > 12) else (first, second)
        either = language != "fr" and max(first, second) <= 12
    else:
        month = MONTHS[part["mname"]] if part.get("mname") else int(part["month"])
        day = int(part["day"])
    if not 1 <= month <= 12:
        return None
    stated = Stated(match.start(), match.end(), year, month, day, _time(part), either)
    return stated if stated.date(2024) else None


def _time(part: dict[str, str | None]) -> dt.time | None:
    if not part.get("hour"):
        return None
    hour = int(part["hour"] or 0)
    minute = int(part.get("minute") or part.get("hminute") or part.get("zminute") or 0)
    half = (part.get("ampm") or "").replace(".", "") or part.get("half") or ""
    if half in ("pm", "下午", "晚上", "晚间") and hour < 12:
        hour += 12
    if half == "am" and hour == 12:
        hour = 0
    return dt.time(hour, minute, int(part.get("second") or 0)) if minute < 60 else None


# ---------------------------------------------------------------------------------------------------- happened on

_RELATIVE: Final = {
    "previous_session": r"previous trading (?:day|session)|previous session|prior session|the session before|seance precedente|la veille|前一(?:个)?交易日|上一(?:个)?交易日|前一日|前一天",
    "today": r"\btoday\b|this afternoon|aujourd'hui|ce soir|今天|今日|当天|当日|本日",
    "morning": r"this morning|au reveil|ce matin|今早|今晨|清晨|凌晨",
    "yesterday": r"\byesterday\b|last night|\bovernight\b|\bhier(?: soir)?\b|cette nuit|la nuit derniere|昨天|昨日|昨夜|昨晚|隔夜|一夜|夜间",
    "last_week": r"last week|la semaine derniere|la semaine passee|上周(?![一二三四五六日])|上星期(?![一二三四五六日])|上个星期",
    "days_ago": r"(?P<ago>\d+|two|three|four|five|deux|trois|quatre|cinq|两|三|四|五) (?:days ago)|il y a (?P<agofr>\d+|deux|trois|quatre|cinq) jours|(?P<agozh>\d+|两|三|四|五)天前",
    "last_weekday": r"(?:last|上周|上星期) ?(?P<lastday>monday|tuesday|wednesday|thursday|friday|[一二三四五六日])|(?P<lastdayfr>lundi|mardi|mercredi|jeudi|vendredi) dernier",
    # A Latin name wants a word's end around it; "AMD周四下跌" is Thursday.
    "weekday": rf"(?:(?<![a-z])|(?=[\u3400-\u9fff]))(?P<dayname>{'|'.join(_DAYS)})(?:(?![a-z])|(?<=[\u3400-\u9fff]))",
}
_REL = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _RELATIVE.items()))
_COUNT: Final = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "deux": 2,
    "trois": 3,
    "quatre": 4,
    "cinq": 5,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
}
_OWN_ZONE = re.compile(
    r"美东时间|美国东部时间|纽约时间|当地时间|eastern (?:standard |daylight )?time|\best?\b|local time|heure de new york|heure locale"
)


class Reference(NamedTuple):
    """What the days of a document are counted from."""

    published_at: dt.datetime  # UTC; the end of the day where only a day is known
    zone: str

    @property
    def local_date(self) -> dt.date:
        """The date on the document's own calendar."""
        return self.published_at.astimezone(zone_info(self.zone)).date()

    @property
    def new_york_date(self) -> dt.date:
        """The date in New York at that instant."""
        return self.published_at.astimezone(_NEW_YORK).date()


def happened_on(
    folded: str,
    start: int,
    end: int,
    ref: Reference,
    language: str,
    *,
    market: bool,
    near: int | None = None,
    clause: tuple[int, int] | None = None,
) -> dt.date | None:
    """Find the day on which a sentence says that something happened.

    Parameters
    ----------
    folded
        The document; the sentence is ``folded[start:end]``.
    ref
        The publication, against which relative dates count.
    market
        The claim is about a New York session. A date is then a session that had closed when the document came out: a
        Shanghai page's "7 November" close is the New York session of the 6th.
    near
        Prefer the date that stands nearest to this position.
    clause
        Prefer, before that, one that stands in this stretch of the sentence.

    Returns
    -------
    datetime.date or None
        Never later than the document.
    """
    found: list[tuple[int, dt.date]] = []
    for stated in dates(folded, start, end, language=language):
        day = _latest_year(stated, ref)
        if day:
            found.append(
                (
                    stated.start,
                    last_session(day, ref, own=bool(_OWN_ZONE.search(folded, start, end))) if market else day,
                )
            )
    for match in _REL.finditer(folded, start, end):
        day = _relative(match, ref, market=market, stated=[item for _, item in found])
        if day:
            found.append((match.start(), day))
    kept = [(place, day) for place, day in found if day <= ref.local_date]
    if not kept:
        return None
    if clause:
        kept = [(place, day) for place, day in kept if clause[0] <= place < clause[1]] or kept
    return min(kept, key=lambda pair: abs(pair[0] - (near if near is not None else start)))[1]


def _latest_year(stated: Stated, ref: Reference) -> dt.date | None:
    """Give a date without a year the latest year that is not in the document's future."""
    if stated.year:
        return stated.date()
    year = ref.local_date.year
    day = stated.date(year)
    return day if day and day <= ref.local_date else stated.date(year - 1)


def _relative(match: re.Match[str], ref: Reference, *, market: bool, stated: list[dt.date]) -> dt.date | None:
    local = ref.local_date
    part = match.groupdict()
    if part.get("previous_session"):
        return session_before(stated[0] if stated else local)
    if part.get("today"):
        return last_session(local, ref, running=True) if market else local
    if part.get("morning"):
        day = local - dt.timedelta(days=1) if market and _ahead(ref) else local
        return last_session(day, ref) if market else local
    if part.get("yesterday"):
        day = local - dt.timedelta(days=1)
        return last_session(day, ref) if market else day
    if part.get("last_week"):
        return local - dt.timedelta(days=local.weekday() + 3)  # the Friday before: the latest that it can have been
    if part.get("days_ago"):
        raw = part.get("ago") or part.get("agofr") or part.get("agozh") or "1"
        count = _COUNT.get(raw) or int(raw)
        day = local - dt.timedelta(days=min(count, 3650))
        return last_session(day, ref) if market else day
    if part.get("last_weekday"):
        word = part.get("lastday") or part.get("lastdayfr") or ""
        weekday = _DAYS[word] if word in _DAYS else _CHINESE_DAYS[word]
        if part.get("lastday") and is_han(word[0]):  # 上周四: of the calendar week before
            return local - dt.timedelta(days=local.weekday() + 7 - weekday)
        return _latest_weekday(weekday, local - dt.timedelta(days=1))
    if part.get("weekday"):
        return _latest_weekday(_DAYS[part["dayname"]], ref.new_york_date if market else local)
    return None


def _ahead(ref: Reference) -> bool:
    """Whether the document's clock runs ahead of New York's."""
    ours = ref.published_at.astimezone(zone_info(ref.zone)).utcoffset() or dt.timedelta(0)
    theirs = ref.published_at.astimezone(_NEW_YORK).utcoffset() or dt.timedelta(0)
    return ours > theirs


def _latest_weekday(weekday: int, until: dt.date) -> dt.date:
    return until - dt.timedelta(days=(until.weekday() - weekday) % 7)


@functools.cache
def _sessions() -> tuple[Any, Any, Any]:
    from engine.calendars import calendar  # noqa: PLC0415  (a second of building that only a reader of dates pays)

    nyse = calendar("XNYS")
    return nyse.sessions, nyse.opens, nyse.closes


def last_session(day: dt.date, ref: Reference, *, own: bool = False, running: bool = False) -> dt.date:
    """Give the last New York session up to `day` that had closed when the document came out.

    With `own` the day is New York's by the text's own words, and an open session may be meant. With `running` it may be the
    session that was open just then: "Nvidia is down 9% today".
    """
    sessions, opens, closes = _sessions()
    until = int(np.searchsorted(sessions, np.datetime64(day, "D"), side="right")) - 1
    if not own:
        begun = opens if running else closes
        known = int(np.searchsorted(begun, _micros(ref.published_at), side="right")) - 1
        until = min(until, known)
    elif day > ref.new_york_date:
        until -= 1
    return _as_date(sessions, until, day)


def session_before(day: dt.date) -> dt.date:
    """Give the New York session before `day`."""
    sessions, *_ = _sessions()
    return _as_date(sessions, int(np.searchsorted(sessions, np.datetime64(day, "D"), side="left")) - 1, day)


def _as_date(sessions: Any, index: int, otherwise: dt.date) -> dt.date:
    if index < 0 or index >= len(sessions) - 1:
        return otherwise
    found: dt.date = sessions[index].astype("datetime64[D]").item()
    return found


def _micros(at: dt.datetime) -> int:
    return int(at.timestamp() * 1_000_000)
