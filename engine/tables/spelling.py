"""One date or time as people write it -> what was written: the day in each order it can be read, the clock, the zone's words."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Final, Literal, NamedTuple

from engine.tables.zones import earliest, latest, readings

Order = Literal["ymd", "mdy", "dmy"]
ORDERS: Final[tuple[Order, ...]] = ("ymd", "mdy", "dmy")

DAY: Final = 86_400_000_000  # microseconds
MONTHS: Final = {
    "january": 1, "jan": 1, "janvier": 1, "janv": 1, "february": 2, "feb": 2, "fevrier": 2, "fevr": 2, "fev": 2, "march": 3, "mar": 3, "mars": 3,
    "april": 4, "apr": 4, "avril": 4, "avr": 4, "may": 5, "mai": 5, "june": 6, "jun": 6, "juin": 6, "july": 7, "jul": 7, "juillet": 7, "juil": 7,
    "august": 8, "aug": 8, "aout": 8, "september": 9, "sept": 9, "sep": 9, "septembre": 9, "october": 10, "oct": 10, "octobre": 10,
    "november": 11, "nov": 11, "novembre": 11, "december": 12, "dec": 12, "decembre": 12,
}  # fmt: skip
_month = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAYS: Final = [
    re.compile(r"(?<!\d)(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<c>\d{4}|\d{2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>\d{4})-?w(?P<week>\d{2})-?(?P<weekday>[1-7])(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>\d{4})-(?P<ordinal>\d{3})(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?!\d)"),
    re.compile(r"(?:民国|roc)?\s*(?<!\d)(?P<y>\d{4}|1[01]\d)\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]?"),
    re.compile(rf"(?<![\d:+])(?P<d>\d{{1,2}})(?:st|nd|rd|th|er)?[\s.,/-]*(?:of )?(?<![a-z])(?P<name>{_month})\.?[\s.,/-]*'?(?P<y>(?:1[5-9]|2\d)\d\d)(?!\d)"),
    re.compile(rf"(?<![a-z])(?P<name>{_month})\.?[\s/-]*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s*[\s.,/-]\s*(?P<y>(?:1[5-9]|2\d)\d\d)(?!\d)"),
    re.compile(rf"(?<!\d)(?P<y>(?:1[5-9]|2\d)\d\d)[\s.,/-]*(?P<name>{_month})\.?[\s/-]*(?P<d>\d{{1,2}})(?!\d)"),
    # ctime: the clock, cut out, stood between the day and the year, perhaps with its zone
    re.compile(rf"(?<![a-z])(?P<name>{_month})\.?\s+(?P<d>\d{{1,2}})\s*\|(?P<zone>[^|]*?)(?P<y>(?:1[5-9]|2\d)\d\d)(?!\d)"),
    re.compile(rf"(?<![\d:+])(?P<d>\d{{1,2}})(?:st|nd|rd|th|er)?[\s.,/-]*(?:of )?(?<![a-z])(?P<name>{_month})\.?[\s.,/-]*'?(?P<y>\d{{2}})(?!\d)"),
]  # fmt: skip
_CLOCKS: Final = [
    re.compile(
        r"(?P<half>上午|下午|晚上|晚间|傍晚|凌晨|中午|早上|清晨|早间)?\s*(?<![\d:.+-])(?P<h>\d{1,2})\s*:\s*(?P<m>\d{2})(?:\s*:\s*(?P<s>\d{2})(?:[.,](?P<f>\d{1,9})\d*)?)?(?![\d:])"
        r"\s*(?P<ampm>[ap]\.?\s?m\b\.?)?"
    ),
    re.compile(r"(?P<half>)(?<![\d:.])(?P<h>\d{1,2})\s?h(?:\s?(?P<m>\d{2})(?:\s?m(?:in|n)?)?(?:\s?(?P<s>\d{2})\s?s)?)?(?![\da-z])(?P<f>)(?P<ampm>)"),
    re.compile(r"(?P<half>上午|下午|晚上|晚间|傍晚|凌晨|中午|早上|清晨|早间)?\s*(?<!\d)(?P<h>\d{1,2})\s*[点时]\s*(?:(?P<m>\d{1,2})\s*分?)?(?:(?P<s>\d{1,2})\s*秒)?(?P<f>)(?P<ampm>)"),
    re.compile(r"(?P<half>)(?<![\d:.])(?P<h>\d{1,2})(?P<m>)(?P<s>)(?P<f>)\s*(?P<ampm>[ap]\.?\s?m\b\.?)"),
    re.compile(r"(?:(?<=\d{8})[t\s]|(?<=-\d\d)t)(?P<half>)(?P<h>\d{2})(?P<m>\d{2})(?P<s>\d{2})?(?:[.,](?P<f>\d{1,9})\d*)?(?!\d)(?P<ampm>)"),
]  # fmt: skip
_AFTERNOON, _EVENING = ("下午", "傍晚"), ("晚上", "晚间")
_RUN = re.compile(r"^(\d{8})t?(\d{2})(\d{2})(?:(\d{2})(\d*))?$")
# What says no zone. Words such as "published" and "at" do so before a date or a clock alone, whose place a bar holds.
_FILLER = re.compile(
    r"(?<![a-z])(?:mon|tues?|wed(?:nes|s)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?(?![a-z])\.?"
    r"|(?<![a-z])(?:(?:lun|mar|mercre|jeu|vendre|same)di|dimanche|lun|mar|mer|jeu|ven|sam|dim)(?![a-z])\.?"
    r"|(?:周|星期|礼拜)[一二三四五六日天]|\([一二三四五六日]\)"
    r"|(?<![a-z])(?:first |last )?(?:published|posted|updated|modified|revised|edited|corrected|amended|actualisee?|publiee?|mise? (?:a jour|en ligne)|modifiee?|created|date|time|as of)(?![a-z/])(?=[^|]*\|)"
    r"|(?<![a-z])(?:on|at|le|a|t|the)(?=\s*\|)|@(?=\s*\|)|(?<=\|)\s*uhr(?![a-z])"
    r"|(?:发布时间|发布于|发布|发表于|发表时间|更新于|更新时间|更新|编辑于|日期|时间(?=\s*:))(?=[^|]*\|)"
    r"|:(?!\d)|[,;·•]|\(\s*\)|\[\s*\]|(?<=\s)-(?=\s)|^\s*-(?!\d)|-\s*$"
)
# The same time once more, in UTC, as wires have it: "9:30 a.m. ET (1430 GMT)", "09:30 ET / 14:30 GMT".
_AGAIN = re.compile(r"\s*[(\[/]\s*(\d{1,2})[:.]?(\d{2})\s*(?:gmt|utc|z)\s*[)\]]?\s*$")
_TRADITIONAL: Final = str.maketrans(
    "時點號發間紐約東國華頓羅倫敦臺灣蘭蘇內達馬盧爾維納廣韓協當編輯佈週禮學園舊聖溫網獅買蘋際標準極磯圖魯奧靈調",
    "时点号发间纽约东国华顿罗伦敦台湾兰苏内达马卢尔维纳广韩协当编辑布周礼学园旧圣温网狮买苹际标准极矶图鲁奥灵调",
)
_SIGNS: Final = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣", "-") | dict.fromkeys("’‘ʼ´`", "'"))


class Written(NamedTuple):
    """What one text says: the day by each order, None where that order gives no day; the clock; the words of its zone."""

    ymd: dt.date | None
    mdy: dt.date | None
    dmy: dt.date | None
    clock: int | None  # microseconds from the day's midnight; 24:00 is a day
    zone: str


def plain(text: str) -> str:
    """Fold a text: lower case, no accents, half-width forms, ASCII dashes, the simplified characters that dates are made of.

    Examples
    --------
    >>> plain("１２ Août 2025, 下午3時")
    '12 aout 2025, 下午3时'
    """
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text.translate(_SIGNS)) if not unicodedata.combining(c))
        text = text.translate(_TRADITIONAL)
    return " ".join(text.lower().split())


def read_one(text: str) -> Written | None:
    """Read one text; None where any part of it is not understood.

    Examples
    --------
    >>> read_one("7:51  PM ET Fri, 17 July 2020")
    Written(ymd=datetime.date(2020, 7, 17), mdy=datetime.date(2020, 7, 17), dmy=datetime.date(2020, 7, 17), clock=71460000000, zone='et')
    """
    text = plain(text)
    if again := _AGAIN.search(text):
        said = read_one(text[: again.start()])
        return said if said and _agrees(said, int(again[1]) * 60 + int(again[2])) else None
    run = _RUN.match(text)
    if run:
        text = f"{run[1]} {run[2]}:{run[3]}:{run[4] or '00'}.{run[5] or '0'}"
    rest, clock = text, None
    for form in _CLOCKS:
        if found := form.search(rest):
            clock = clock_of(found)
            if clock is None:
                return None
            rest = f"{rest[: found.start()]} | {rest[found.end() :]}"
            break
    for form in _DAYS:
        if found := form.search(rest):
            days = days_of(found)
            if days is None:
                continue
            zone = found.groupdict().get("zone") or ""
            words = zone_words(f"{rest[: found.start()]} | {zone} {rest[found.end() :]}")
            return None if readings(words) is None else Written(*days, clock, words)
    return None


def _agrees(said: Written, minutes: int) -> bool:
    """Tell whether a time in its zone is that many minutes past a midnight of UTC."""
    day, zones = said.dmy or said.mdy or said.ymd, readings(said.zone)
    if day is None or said.clock is None or not zones:
        return False
    local = dt.datetime.combine(day, dt.time()) + dt.timedelta(microseconds=said.clock)
    return any(at.hour * 60 + at.minute == minutes for at in (latest(local, zones), earliest(local, zones)))


def clock_text(text: str) -> int | None:
    """Read a time of day written with colons, in microseconds; None where there is no such time.

    Examples
    --------
    >>> clock_text("9:30 pm") == 21.5 * 3600 * 1_000_000, clock_text("25:61")
    (True, None)
    """
    found = _CLOCKS[0].fullmatch(text.strip().lower())
    return clock_of(found) if found else None


def zone_words(text: str) -> str:
    """Leave the words out that say no zone: weekdays, commas, and "published" or "at" before a date, in whose place a bar stands.

    Examples
    --------
    >>> zone_words("published fri, | at | heure de paris")
    'heure de paris'
    """
    return " ".join(_FILLER.sub(" ", text).replace("|", " ").split())


def clock_of(found: re.Match[str]) -> int | None:
    """Give the time of day in microseconds; None where there is no such time. Digits beyond a microsecond count as one more."""
    hour, minute, second = (int(found[name] or 0) for name in ("h", "m", "s"))
    fraction = (found["f"] or "").ljust(9, "0")
    micros = -(-int(fraction) // 1000)
    half = (found["ampm"] or "")[:1] or found["half"] or ""
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and (minute or second or micros)):
        return None
    if half == "a":
        if hour > 12:
            return None
        hour %= 12
    elif half in ("p", *_AFTERNOON, *_EVENING) and hour < 12:
        hour += 12
    elif half in _EVENING and hour == 12:
        hour = 24
    elif half == "凌晨" and hour == 12:
        hour = 0
    elif half == "中午" and hour < 3:
        hour += 12
    if half and hour == 24 and half not in _EVENING:
        return None
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros


def days_of(found: re.Match[str]) -> tuple[dt.date | None, dt.date | None, dt.date | None] | None:
    """Give the day that a match says in the orders ymd, mdy, dmy; None where it is a day in none of them."""
    part = found.groupdict()
    if "a" in part:
        return _triple(part["a"], part["s"], part["b"], part["c"])
    year = _year(part["y"])
    if "week" in part:
        day = _or_none(dt.date.fromisocalendar, year, int(part["week"]), int(part["weekday"]))
    elif "ordinal" in part:
        number = int(part["ordinal"])
        day = dt.date(year, 1, 1) + dt.timedelta(days=number - 1) if year else None
        day = day if day and day.year == year and number else None
    else:
        month = MONTHS[part["name"]] if part.get("name") else int(part["m"])
        day = _or_none(dt.date, year, month, int(part["d"]))
    return (day, day, day) if day else None


def _triple(a: str, sign: str, b: str, c: str) -> tuple[dt.date | None, dt.date | None, dt.date | None] | None:
    """Read three numbers of which the last is a year, or all have two digits."""
    first, second, year = int(a), int(b), _year(c)
    mdy, dmy = _or_none(dt.date, year, first, second), _or_none(dt.date, year, second, first)
    if sign == "." and dmy:
        mdy = None  # 1.2.2025 is day first wherever it is written
    short = len(a) == len(b) == len(c) == 2
    ymd = _or_none(dt.date, _year(a), second, int(c)) if short else None
    return (ymd, mdy, dmy) if ymd or mdy or dmy else None


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + 1911 if len(digits) == 3 else year + (2000 if year < 70 else 1900)  # a year of the Republic of China


def _or_none(make: object, *numbers: int) -> dt.date | None:
    try:
        return make(*numbers)  # type: ignore[operator,no-any-return]
    except ValueError:
        return None
