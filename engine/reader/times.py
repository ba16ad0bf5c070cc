"""The dates of a text, and the day on which a claim says something happened."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.reader.fold import is_han
from engine.reader.sessions import Market, new_york
from engine.tables.spelling import MONTHS
from engine.tables.zones import zone_info

ZONES: Final = {
    "fr": "Europe/Paris",
    "en": "America/New_York",
    "zh-Hans": "Asia/Shanghai",
    "zh-Hant": "Asia/Taipei",
    "und": "America/New_York",
}
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
    "last_weekday": r"(?:last|上周|上星期|上礼拜) ?(?P<lastday>monday|tuesday|wednesday|thursday|friday|[一二三四五六日])|(?P<lastdayfr>lundi|mardi|mercredi|jeudi|vendredi) dernier",
    # A Latin name wants a word's end around it; "AMD周四下跌" is Thursday.
    # "Next Monday" is none that was.
    "weekday": rf"(?:(?<![a-z])(?<!next )(?<!coming )|(?=[\u3400-\u9fff]))(?<!下)(?P<dayname>{'|'.join(_DAYS)})(?:(?![a-z])(?! prochain)|(?<=[\u3400-\u9fff]))",
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
# A date that something has lasted from, or is compared with: "its worst day since Jan. 27".
_SINCE: Final = re.compile(
    r"(?:\bsince|\bdepuis|\bfrom|\buntil|\bbefore|\bby|自|创|较|比)\s?(?:le |the |early |late )?$"
)
_SINCE_BEHIND: Final = re.compile(r"\s?(?:以来|以後|之后的最|来的?最|起)")
_WIRE: Final = re.compile(
    r"\s?(?:[电讯]|消息|报道|\(?(?:reuters|afp|ap|bloomberg|dow jones|pti|xinhua|ians|efe|dpa|kyodo|yonhap)\)?(?![a-z]))"
)
_PREMARKET: Final = re.compile(
    r"pre-?market|before the (?:opening )?bell|before the open\b|ahead of the open|avant[- ](?:bourse|l'ouverture)|pre-?ouverture|盘前|開盤前|开盘前"
)
_CLOSED: Final = re.compile(
    r"\bclos(?:e[sd]?|ing)\b|\bended\b|\bfinish(?:ed|es)\b|\bclotur|\btermin|\bfini[ts]?\b|\bacheve|收盘|收跌|收低|收黑|收市|收评|收报|收绿|收挫|盘后|尾盘|终场"
)
_RUNNING: Final = re.compile(
    r"盘中|早盘|午盘|午间|盘初|开盘|as of \d|截至发稿|midday|intraday|a la mi-seance|en seance|a l'ouverture"
)
# Over several days: of no single session.
SPAN: Final = re.compile(
    r"\b(?:this|last|past|for the|in a|in one|over the|of the) (?:past |last )?(?:week|month|quarter|year)\b|\bin (?:q[1-4]|20\d\d)\b|\bfrom (?:its|their|a|an|the) [a-z -]{0,16}(?:peak|high)s?\b|\b(?:in|over|past|last) (?:the (?:past|last) )?(?:\d+|two|three|four|five|six|seven|ten|several|few) "
    r"(?:trading )?(?:days|sessions|weeks|months)\b|\bcette semaine\b|\bsur (?:la semaine|un mois|un an|l'annee|\w+ (?:ans|mois))\b|\ben (?:\d+|une|deux|trois|quatre|cinq|quelques) (?:jours|seances|semaines?|mois|ans)\b"
    r"|年初至今|同期|meme periode|今年以来|年内|累跌|累计|周内|当周|短短.{1,4}(?:日|周|月)|[两二三四五六]周|上周(?![一二三四五六日])|上半年|过去.{1,3}[周月年]|本周(?![一二三四五六日])|这周|一周|全周|周线|单周|本月|上月|一个月|近\d+[日天]|\d+天|[两二三四五六七]天|[两二三四五]日(?!线)"
)
_BUSY: Final = dt.time(6)  # from then on what is told in the present tense is of the session to come
_FAR: Final = dt.timedelta(hours=4)


class Reference(NamedTuple):
    """What the days of a document are counted from."""

    published_at: dt.datetime  # UTC; the end of the day where only a day is known
    zone: str
    exact: bool = True  # a time is known, and not a day alone

    @property
    def local_date(self) -> dt.date:
        """The date on the document's own calendar."""
        return self.published_at.astimezone(zone_info(self.zone)).date()


def happened_on(
    folded: str,
    start: int,
    end: int,
    ref: Reference,
    language: str,
    *,
    market: Market | None,
    near: int | None = None,
    clause: tuple[int, int] | None = None,
    apart: Sequence[tuple[int, int]] = (),
) -> dt.date | None:
    """Find the day on which a sentence says that something happened.

    Parameters
    ----------
    folded
        The document; the sentence is ``folded[start:end]``.
    ref
        The publication, against which relative dates count.
    market
        Where the price is made that the claim is about. A date is then a session of that exchange that had begun when the document
        came out: a Shanghai page's "7 November" close is the New York session of the 6th.
    near
        Prefer the date that stands nearest to this position.
    clause
        Prefer, before that, one that stands in this stretch of the sentence.
    apart
        Stretches that speak of other falls; their days are theirs.

    Returns
    -------
    datetime.date or None
        Never later than the document.
    """
    found: list[tuple[int, dt.date]] = []
    premarket = _PREMARKET.search(folded, start, end) is not None
    own = _OWN_ZONE.search(folded, start, end) is not None
    calendar_dates = dates(folded, start, end, language=language)
    for stated in calendar_dates:
        day = _latest_year(stated, ref)
        if not day or _SINCE.search(folded, max(start, stated.start - 16), stated.start):
            continue
        if _SINCE_BEHIND.match(folded, stated.end, end):
            continue
        if market:
            if _is_dateline(folded, stated, day, ref):
                continue
            day = _session(day, stated.time, ref, market, own=own, premarket=premarket)
        found.append((stated.start, day))
    for match in _REL.finditer(folded, start, end):
        if any(0 <= stated.start - match.end() <= 2 for stated in calendar_dates):
            continue  # "mardi 3 mars" is one day, told once
        day = _relative(match, ref, market, stated=[item for _, item in found], premarket=premarket)
        if day:
            found.append((match.start(), day))
    latest = _latest(ref, market)
    kept = [
        (place, day) for place, day in found if day <= latest and not any(low <= place < high for low, high in apart)
    ]
    if not kept:
        return None
    if clause:
        kept = [(place, day) for place, day in kept if clause[0] <= place < clause[1]] or kept
    return min(kept, key=lambda pair: abs(pair[0] - (near if near is not None else start)))[1]


def session_told_in(ref: Reference, market: Market, words: str, *, premarket: bool = False) -> dt.date | None:
    """Give the session that a fall without a day of its own is of.

    The one that was open when the document came out, else the last that had closed. What speaks of trade before the open is of the
    session to come, a close is of one that has closed. Of a day without a time it is that day's session, else the one before.

    Parameters
    ----------
    words
        The folded sentence.
    premarket
        The price may have moved before the open: that of a company in New York, told in the present tense.

    Returns
    -------
    datetime.date or None
        None where the sentence tells of a fall over several days.
    """
    if SPAN.search(words):
        return None
    if not ref.exact:
        return market.last(ref.local_date)
    if _CLOSED.search(words) and not _RUNNING.search(words):
        return market.closed(ref.published_at)
    early = _PREMARKET.search(words) is not None
    if premarket and market.local(ref.published_at).time() >= _BUSY:
        early = True
    return market.begun(ref.published_at, premarket=early)


def _latest(ref: Reference, market: Market | None) -> dt.date:
    """Give the last day that a document can speak of: today's, by its own calendar or by the exchange's, whichever is ahead."""
    return max(ref.local_date, market.local(ref.published_at).date()) if market and ref.exact else ref.local_date


def _is_dateline(folded: str, stated: Stated, day: dt.date, ref: Reference) -> bool:
    """Tell whether a date says when the text was written: "财联社6月5日电", "SYDNEY, Feb 2 (Reuters)"."""
    return abs((day - ref.local_date).days) <= 1 and _WIRE.match(folded, stated.end) is not None


def _session(
    day: dt.date, time: dt.time | None, ref: Reference, market: Market, *, own: bool, premarket: bool
) -> dt.date:
    """Give the session that a date of the text stands for."""
    if own:
        return market.last(min(day, market.local(ref.published_at).date()))
    if not ref.exact:
        return market.last(min(day, market.closed(ref.published_at)))
    if time is not None:
        return market.begun(dt.datetime.combine(day, time, zone_info(ref.zone)), premarket=premarket)
    return market.last(min(day, market.begun(ref.published_at, premarket=premarket)))


def _latest_year(stated: Stated, ref: Reference) -> dt.date | None:
    """Give a date without a year the latest year that is not in the document's future."""
    if stated.year:
        return stated.date()
    year = ref.local_date.year
    day = stated.date(year)
    return day if day and day <= ref.local_date else stated.date(year - 1)


def _relative(
    match: re.Match[str], ref: Reference, market: Market | None, *, stated: list[dt.date], premarket: bool
) -> dt.date | None:
    local = ref.local_date
    part = match.groupdict()
    if part.get("previous_session"):
        return (market or new_york()).before(stated[0] if stated else local)
    if part.get("last_week"):
        return local - dt.timedelta(days=local.weekday() + 3)  # the Friday before: the latest that it can have been
    if part.get("last_weekday"):
        return _last_weekday(part.get("lastday") or part.get("lastdayfr") or "", local)
    if part.get("weekday"):
        today = market.local(ref.published_at).date() if market else local
        return _latest_weekday(_DAYS[part["dayname"]], today if ref.exact or not market else max(today, local))
    day = _days_back(part, ref, market)
    if day is None or market is None:
        return day
    if part.get("today"):
        return market.last(min(day, market.begun(ref.published_at, premarket=premarket)))
    running = bool(part.get("morning"))
    return market.last(min(day, market.begun(ref.published_at) if running else market.closed(ref.published_at)))


def _days_back(part: dict[str, str | None], ref: Reference, market: Market | None) -> dt.date | None:
    """Give the day that "today", "this morning", "yesterday" or "three days ago" is, on the document's calendar."""
    local = ref.local_date
    if part.get("today"):
        return local
    if part.get("morning"):
        # This morning's news of New York, read in Paris or Shanghai, is yesterday's session.
        return local - dt.timedelta(days=1) if market and _is_ahead(ref, market) else local
    if part.get("yesterday"):
        return local - dt.timedelta(days=1)
    if part.get("days_ago"):
        raw = part.get("ago") or part.get("agofr") or part.get("agozh") or "1"
        return local - dt.timedelta(days=min(_COUNT.get(raw) or int(raw), 3650))
    return None


def _last_weekday(word: str, local: dt.date) -> dt.date:
    weekday = _DAYS[word] if word in _DAYS else _CHINESE_DAYS[word]
    if is_han(word[0]):  # 上周四: of the calendar week before
        return local - dt.timedelta(days=local.weekday() + 7 - weekday)
    return _latest_weekday(weekday, local - dt.timedelta(days=1))


def _is_ahead(ref: Reference, market: Market) -> bool:
    """Whether the document's clock runs ahead of the exchange's by most of a morning."""
    ours = ref.published_at.astimezone(zone_info(ref.zone)).utcoffset() or dt.timedelta(0)
    theirs = market.local(ref.published_at).utcoffset() or dt.timedelta(0)
    return ours - theirs > _FAR


def _latest_weekday(weekday: int, until: dt.date) -> dt.date:
    return until - dt.timedelta(days=(until.weekday() - weekday) % 7)
