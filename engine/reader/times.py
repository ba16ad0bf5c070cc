"""When: the time a page says it was published, and the day on which a claim says something happened."""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo
from typing import Any, Final, NamedTuple

import numpy as np

from engine.faults import Fault
from engine.reader.fold import is_han

ZONES: Final = {
    "fr": "Europe/Paris",
    "en": "America/New_York",
    "zh-Hans": "Asia/Shanghai",
    "zh-Hant": "Asia/Taipei",
    "und": "America/New_York",
}
_NEW_YORK: Final = zoneinfo.ZoneInfo("America/New_York")
_MONTHS: Final = {
    "january": 1, "jan": 1, "janvier": 1, "janv": 1, "february": 2, "feb": 2, "fevrier": 2, "fevr": 2, "fev": 2, "march": 3, "mar": 3, "mars": 3,
    "april": 4, "apr": 4, "avril": 4, "avr": 4, "may": 5, "mai": 5, "june": 6, "jun": 6, "juin": 6, "july": 7, "jul": 7, "juillet": 7, "juil": 7,
    "august": 8, "aug": 8, "aout": 8, "september": 9, "sept": 9, "sep": 9, "septembre": 9, "october": 10, "oct": 10, "octobre": 10,
    "november": 11, "nov": 11, "novembre": 11, "december": 12, "dec": 12, "decembre": 12,
}  # fmt: skip
_DAYS: Final = {
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6, "lundi": 0, "mardi": 1, "mercredi": 2, "jeudi": 3,
    "vendredi": 4, "samedi": 5, "dimanche": 6, "周一": 0, "周二": 1, "周三": 2, "周四": 3, "周五": 4, "周六": 5, "周日": 6, "星期一": 0, "星期二": 1,
    "星期三": 2, "星期四": 3, "星期五": 4, "星期六": 5, "星期日": 6, "星期天": 6, "礼拜一": 0, "礼拜二": 1, "礼拜三": 2, "礼拜四": 3, "礼拜五": 4,
}  # fmt: skip
_ZONE_WORDS: Final = {
    "utc": "UTC", "gmt": "UTC", "z": "UTC", "eastern standard time": "America/New_York", "eastern daylight time": "America/New_York",
    "eastern time": "America/New_York", "et": "America/New_York", "est": "America/New_York", "edt": "America/New_York", "美东时间": "America/New_York",
    "美国东部时间": "America/New_York", "纽约时间": "America/New_York", "heure de new york": "America/New_York", "pt": "America/Los_Angeles",
    "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "ct": "America/Chicago", "cst": "America/Chicago", "bst": "Europe/London",
    "cet": "Europe/Paris", "cest": "Europe/Paris", "heure de paris": "Europe/Paris", "北京时间": "Asia/Shanghai", "台北时间": "Asia/Taipei",
    "台湾时间": "Asia/Taipei", "香港时间": "Asia/Hong_Kong", "beijing time": "Asia/Shanghai", "hkt": "Asia/Hong_Kong", "jst": "Asia/Tokyo",
    "london time": "Europe/London", "paris time": "Europe/Paris", "new york time": "America/New_York",
}  # fmt: skip
_month = "|".join(sorted(_MONTHS, key=len, reverse=True))
_zone = "|".join(re.escape(word) for word in sorted(_ZONE_WORDS, key=len, reverse=True))
_clock = (
    r"(?P<half>上午|下午|晚上|晚间|凌晨|中午|早上)?\s*(?P<hour>[01]?\d|2[0-3])(?:[:：](?P<minute>[0-5]\d)(?:[:：](?P<second>[0-5]\d)(?:[.,]\d+)?)?"
    r"|\s?h\s?(?P<hminute>[0-5]\d)?|[点时](?P<zminute>[0-5]?\d)?分?)\s*(?P<ampm>[ap]\.?m\.?(?![a-z]))?"
    rf"\s*\(?(?P<zone>(?:{_zone})(?![a-z])(?:\s?(?P<gmt>[+-]\d{{1,2}}))?|[+-]\d{{2}}:?\d{{2}})?"
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
_CUE = re.compile(
    r"publi(?:shed|cation|e|ee|ication)?\b|posted|updated|last modified|date\s*:|mis en ligne|mis a jour|modifie le|le \d|发布(?:时间|于)?|发表(?:于|时间)?|更新(?:于|时间)?"
    r"|时间\s*:|日期\s*:|刊登|出版|编辑于|发文"
)
_DATELINE = re.compile(
    r"^[\s(（【\[]*(?:[^\n]{0,40}?)(?:\(?(?:reuters|afp|ap|bloomberg|dow jones|cnbc)\)?|[\-]{1,2}|电|讯|报道)"
)
_CHINESE_DAYS: Final = {c: i for i, c in enumerate("一二三四五六日")}


class Stated(NamedTuple):
    """A date found in a text, perhaps with a time and a zone."""

    start: int
    end: int
    year: int | None
    month: int
    day: int
    time: dt.time | None
    zone: str | None

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
    year = int(part["year"]) if part.get("year") else None
    if year is not None and year < 200:
        year += 1911  # a year of the Republic of China
    if part.get("slash1"):
        first, second = int(part["slash1"]), int(part["slash2"])
        month, day = (second, first) if (language == "fr" or first > 12) else (first, second)
    else:
        month = _MONTHS[part["mname"]] if part.get("mname") else int(part["month"])
        day = int(part["day"])
    if not 1 <= month <= 12:
        return None
    stated = Stated(match.start(), match.end(), year, month, day, _time(part), _zone_of(part))
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


def _zone_of(part: dict[str, str | None]) -> str | None:
    zone = part.get("zone")
    if not zone:
        return None
    if part.get("gmt"):
        zone = f"{int(part['gmt'] or 0):+03d}:00"
    if zone[0] in "+-" and (int(zone[-2:]) > 59 or int(zone[1:3]) * 60 + int(zone[-2:]) > _FURTHEST):
        return None  # digits that happen to stand there
    return _ZONE_WORDS.get(zone, zone)


# ---------------------------------------------------------------------------------------------------- publication


def published(text: str, folded: str, language: str) -> Stated | None:
    """Find the time that a page states as its own, in the lines where pages carry it.

    It stands on a line of its own near the top (with a name, perhaps), after a word such as "Published" or "发布时间", or
    in the date line that opens a wire story. Of several, the latest counts: the text as it stands was out only then.
    A date without a year is not a publication time; `sidecar` files supply the rest.
    """
    found: list[Stated] = []
    position, number = 0, 0
    for line in text.splitlines(keepends=True):
        start, position = position, position + len(line)
        if not line.strip():
            continue
        number += 1
        if number > 20 and position < len(text) - 400:
            continue
        stop = start + min(len(line), 160)
        if not _DIGIT.search(folded, start, stop):
            continue
        for stated in dates(folded, start, stop, language=language):
            if stated.year and _is_own(folded, start, stop, len(line.strip()), stated, number):
                found.append(stated)
                break
    whole = [item for item in found if item.time] or found
    return max(whole, key=lambda item: (item.date() or dt.date.min, item.time or dt.time.min), default=None)


def _is_own(folded: str, start: int, stop: int, length: int, stated: Stated, number: int) -> bool:
    before, after = folded[start : stated.start], folded[stated.end : stop]
    rest = f"{before} {after}".strip(" \n-|·,;:()[]【】")
    wide = sum(2 if is_han(char) else 1 for char in rest)
    if _CUE.search(before[-24:]):
        return wide <= 90
    if _ABOUT.search(before):
        return False  # "to list by 1 January 2027" is what a headline says, not when it was written
    edge = not before.strip(" \n-|·,:(【[") or not after.strip(" \n-|·,:.)】]") or "|" in rest or "·" in rest
    if (
        edge
        and length <= 110
        and number <= 12
        and wide <= 44
        and len(rest.split()) <= 7
        and not re.search(r"[.。!?！？]", rest)
    ):
        return True
    wire = re.match(
        r"[)）】]?\s*(?:\(?(?:reuters|afp|ap|bloomberg)\)?)?\s*(?:-|电|讯|:)", folded[stated.end : stated.end + 20]
    )
    return number <= 3 and len(before) <= 45 and wire is not None and _DATELINE.match(folded, start) is not None


_ABOUT = re.compile(
    r"(?:\b(?:by|before|until|till|since|after|for|in|from|to|of|d'ici|d'ici le|avant le|jusqu'au|depuis le|au|du)|截至|到|至|自|从|在|于|前)\s*(?:le |the |au )?$"
)


def instant(stated: Stated, zone: str) -> dt.datetime | dt.date | None:
    """Turn what a page states into an aware time, or a date where it states no time."""
    day = stated.date()
    if day is None or stated.time is None:
        return day
    local = dt.datetime.combine(day, stated.time)
    return attach(local, stated.zone or zone)


_FURTHEST: Final = 14 * 60  # minutes: no clock is further from UTC


def attach(local: dt.datetime, zone: str) -> dt.datetime:
    """Give a local time its zone: an IANA name or an offset such as +08:00. A time that a clock shows twice is the later."""
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", zone)
    minutes = int(offset[2]) * 60 + int(offset[3]) if offset else 0
    if offset and int(offset[3]) < 60 and minutes <= _FURTHEST:
        return local.replace(tzinfo=dt.timezone(dt.timedelta(minutes=minutes if offset[1] == "+" else -minutes)))
    try:
        return local.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=1)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise Fault(
            f"time zone {zone!r} is not known; give an IANA name such as 'Europe/Paris', or an offset such as +08:00."
        ) from None


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
        return self.published_at.astimezone(_tz(self.zone)).date()

    @property
    def new_york_date(self) -> dt.date:
        """The date in New York at that instant."""
        return self.published_at.astimezone(_NEW_YORK).date()


@functools.lru_cache(maxsize=64)
def _tz(zone: str) -> dt.tzinfo:
    return attach(dt.datetime(2000, 1, 1), zone).tzinfo or dt.UTC


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
    ours = ref.published_at.astimezone(_tz(ref.zone)).utcoffset() or dt.timedelta(0)
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
