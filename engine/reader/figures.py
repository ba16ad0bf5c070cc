"""Numbers with their units, in the notation of each language."""

from __future__ import annotations

import math
import re
from typing import Final, Literal, NamedTuple

Unit = Literal["%", "USD", "CNY", "EUR", "GBP", "JPY", "HKD", "TWD", "x", "pp", "bp", "count", "GW"]
MONEY: Final = ("USD", "CNY", "EUR", "GBP", "JPY", "HKD", "TWD")


class Figure(NamedTuple):
    """A number with a unit: 5950亿美元 is (.., .., 5.95e11, "USD"); 3,65 % is (.., .., 3.65, "%")."""

    start: int
    end: int
    value: float
    unit: str
    signed: bool = False  # the sign stands in the text


_SCALES: Final = {
    "万亿": 1e12, "千亿": 1e11, "百亿": 1e10, "十亿": 1e9, "亿": 1e8, "千万": 1e7, "百万": 1e6, "十万": 1e5, "万": 1e4, "兆": 1e12,
    "trillion": 1e12, "trillions": 1e12, "tn": 1e12, "billion": 1e9, "billions": 1e9, "bn": 1e9, "million": 1e6, "millions": 1e6,
    "mn": 1e6, "thousand": 1e3, "mille milliards": 1e12, "milliard": 1e9, "milliards": 1e9, "md": 1e9, "mds": 1e9, "mrd": 1e9,
    "mrds": 1e9, "mille": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "k": 1e3,
}  # fmt: skip
_CURRENCIES: Final = {
    "us$": "USD", "$us": "USD", "u.s. dollars": "USD", "us dollars": "USD", "dollars": "USD", "dollar": "USD", "usd": "USD", "$": "USD", "美元": "USD",
    "美金": "USD", "dollars americains": "USD", "人民币": "CNY", "rmb": "CNY", "cny": "CNY", "yuan": "CNY", "yuans": "CNY", "元人民币": "CNY", "元": "CNY",
    "€": "EUR", "euros": "EUR", "euro": "EUR", "eur": "EUR", "d'euros": "EUR", "欧元": "EUR", "£": "GBP", "pounds": "GBP", "gbp": "GBP", "英镑": "GBP",
    "livres": "GBP", "¥": "JPY", "yen": "JPY", "yens": "JPY", "日元": "JPY", "日圆": "JPY", "港元": "HKD", "港币": "HKD", "hk$": "HKD", "hkd": "HKD",
    "新台币": "TWD", "台币": "TWD", "nt$": "TWD", "twd": "TWD",
}  # fmt: skip


def _either(words: dict[str, object] | dict[str, float] | dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_NUMBER = re.compile(r"(?<![a-z0-9_])(?<!\d[.,])[+-]?(?:\d{1,3}(?:[,' ]\d{3})+(?:[.,]\d{1,3})?(?!\d)|\d+(?:[.,]\d+)?)")
_PREFIX = re.compile(rf"(?:{_either(_CURRENCIES)})\s?$")
_PREFIX_ENDS: Final = frozenset(word[-1] for word in _CURRENCIES)
_SCALE = re.compile(rf"[ -]?(?P<scale>{_either(_SCALES)})(?![a-z])(?:多|余|以上)?")
_UNIT = re.compile(
    rf"[ -]?(?:(?P<pp>个?百分点|percentage points?|points? de pourcentage|points? de %|pp\b)|(?P<percent>%|percent\b|per cent\b|pct\b|pour ?cent\b)"
    rf"|(?P<bp>basis points?|points? de base|bps?\b|个?基点)|(?P<x>倍|times\b|x\b|fois\b|fold\b)|(?P<gw>吉瓦|gigawatts?|gw\b)"
    rf"|(?:(?:of |de |d'|in |en )?(?P<currency>{_either(_CURRENCIES)})(?![a-z])))"
)
_CHENG = re.compile(r"(?P<cheng>[一二三四五六七八九两\d])成(?:半)?(?![为了功本长立交员就绩果熟])")
_BAIFENZHI = re.compile(r"百分之(?P<number>[\d.]+|[一二三四五六七八九十点]+)")
_HAN_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}
_BARE_MONEY = re.compile(r"(?<![数几上近百千万\d.])(?P<scale>千亿|百亿|万亿|十亿|千万|百万)(?P<currency>美元|美金|元)")
_WORDS: Final = {
    "half": 50.0, "one-third": 33.3, "a third": 33.3, "a quarter": 25.0, "two-thirds": 66.7, "la moitie": 50.0, "un tiers": 33.3, "un quart": 25.0,
    "a tenth": 10.0, "one-tenth": 10.0, "a fifth": 20.0, "one-fifth": 20.0, "three-quarters": 75.0, "un dixieme": 10.0, "un cinquieme": 20.0,
}  # fmt: skip
_SHARE = re.compile(
    rf"\b(?P<word>{_either(_WORDS)})(?= (?:of )?(?:its|their|the|his|her|de sa|de ses|de son|de leur|de la)\b)"
)
_EN_NUMBERS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15,
    "twenty": 20, "thirty": 30, "fifty": 50,
}  # fmt: skip
_SPELLED = re.compile(rf"\b(?P<word>{'|'.join(_EN_NUMBERS)}) (?:percent|per cent)\b")


# "seven sessions in a row": how long, not how far
_STREAK = re.compile(
    r"连续(?P<zh>\d+|[一二三四五六七八九十两]+)个?(?:交易)?日|\b(?P<en>\d+|[a-z]+) (?:straight|consecutive) (?:session|day|trading day)s?|\b(?P<fr>\d+|[a-z]+) seances (?:consecutives|d'affilee|de suite)"
)
_ORDINALS: Final = {
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "trois": 3, "quatre": 4, "cinq": 5, "six": 6,
    "sept": 7, "huit": 8, "neuf": 9, "dix": 10,
}  # fmt: skip


_ANY = re.compile(
    r"\d|成|百分之|[千百万]亿|[一二三四五六七八九十两]+个?(?:交易)?日|per ?cent|half|third|quarter|tenth|fifth|dixieme|cinquieme|moitie|tiers|quart|straight|consecutive|seances"
)


def figures(folded: str, start: int = 0, end: int | None = None, *, language: str = "") -> list[Figure]:
    """Find the figures of a stretch of folded text.

    Parameters
    ----------
    folded
        As `fold` gives it.
    language
        "fr" reads a comma as the decimal mark and lets a space part thousands.

    Returns
    -------
    list of Figure
        In order. A percentage is in percent (3.65), money in units of its currency, a multiple in times.

    Examples
    --------
    >>> [(f.value, f.unit) for f in figures("市值蒸发5950亿美元,跌17%,是互联网泡沫的17倍")]
    [(595000000000.0, 'USD'), (17.0, '%'), (17.0, 'x')]
    >>> [(f.value, f.unit) for f in figures("perd 3,65 %, soit 230 milliards de dollars", language="fr")]
    [(3.65, '%'), (230000000000.0, 'USD')]
    """
    stop = len(folded) if end is None else end
    if not _ANY.search(folded, start, stop):
        return []
    out: list[Figure] = []
    for match in _NUMBER.finditer(folded, start, stop):
        found = _figure(folded, match, stop, language)
        if found is not None:
            out.append(found)
    out += _spelled(folded, start, stop)
    out.sort()
    return out


def _figure(folded: str, match: re.Match[str], stop: int, language: str) -> Figure | None:
    raw, first, last = match.group(), match.start(), match.end()
    value = _number(raw, language)
    if value is None:
        return None
    signed = raw[0] in "+-"
    if signed and first and (folded[first - 1].isalnum() or folded[first - 1] in "%)"):
        signed, value = False, abs(value)  # a dash between two numbers
    before = max(0, first - 12)
    prefix = _PREFIX.search(folded, before, first) if folded[before:first].rstrip()[-1:] in _PREFIX_ENDS else None
    unit = _CURRENCIES.get(prefix.group().strip(), "") if prefix else ""
    begin = prefix.start() if prefix else first
    scale = _SCALE.match(folded, last, stop)
    if scale and len(scale["scale"]) == 1 and scale["scale"].isascii() and not unit:
        scale = None  # "5 m" is a length, "$5m" is money
    if scale:
        value *= _SCALES[scale["scale"]]
        last = scale.end()
    suffix = _UNIT.match(folded, last, stop)
    if suffix:
        kind = next(name for name, text in suffix.groupdict().items() if text is not None)
        if kind == "currency":
            word = suffix["currency"]
            # "3.3万亿元" is money; "4000元" too, but "2025元旦" is a holiday.
            unit = unit or _CURRENCIES[word]
        elif not unit:
            unit = {"percent": "%", "gw": "GW"}.get(kind, kind)
        last = suffix.end()
    elif scale and not unit:
        unit = "count"
    if not unit or math.isnan(value) or abs(value) > 1e18:
        return None
    return Figure(begin, last, value, unit, signed)


def _number(raw: str, language: str) -> float | None:
    digits = raw.lstrip("+-")
    if "," in digits and "." in digits:
        decimal = max(digits.rfind(","), digits.rfind("."))
        text = re.sub(r"[,. ']", "", digits[:decimal]) + "." + digits[decimal + 1 :]
    elif "," in digits:
        head, _, tail = digits.rpartition(",")
        # 3,65 is a French decimal anywhere; 1,234 is one only in French.
        decimal_comma = digits.count(",") == 1 and (
            len(tail) != 3 or (language == "fr" and head.strip() != "") or head == "0"
        )
        text = digits.replace(",", "." if decimal_comma else "")
        text = text.replace(" ", "").replace("'", "")
    else:
        text = digits.replace(" ", "").replace("'", "")
    if " " in raw and language == "en":
        text = digits.rpartition(" ")[2]
    try:
        value = float(text)
    except ValueError:
        return None
    return -value if raw[0] == "-" else value


def _spelled(folded: str, start: int, stop: int) -> list[Figure]:
    out = []
    for match in _CHENG.finditer(folded, start, stop):
        digit = match["cheng"]
        tenths = _HAN_DIGITS.get(digit) or (int(digit) if digit.isdigit() else 0)
        if start < match.start() and folded[match.start() - 1].isdigit():
            continue
        out.append(
            Figure(match.start(), match.end(), tenths * 10.0 + (5.0 if match.group().endswith("半") else 0.0), "%")
        )
    for match in _BAIFENZHI.finditer(folded, start, stop):
        value = _han_number(match["number"])
        if value is not None:
            out.append(Figure(match.start(), match.end(), value, "%"))
    for match in _BARE_MONEY.finditer(folded, start, stop):
        out.append(Figure(match.start(), match.end(), _SCALES[match["scale"]], _CURRENCIES[match["currency"]]))
    for match in _SHARE.finditer(folded, start, stop):
        out.append(Figure(match.start(), match.end(), _WORDS[match["word"]], "%"))
    for match in _STREAK.finditer(folded, start, stop):
        word = match["zh"] or match["en"] or match["fr"]
        count = (
            float(word)
            if word.isdigit()
            else _EN_NUMBERS.get(word) or _ORDINALS.get(word) or (_han_number(word) if match["zh"] else None)
        )
        if count:
            out.append(Figure(match.start(), match.end(), float(count), "count"))
    for match in _SPELLED.finditer(folded, start, stop):
        out.append(Figure(match.start(), match.end(), float(_EN_NUMBERS[match["word"]]), "%"))
    return out


def is_streak(folded: str, figure: Figure) -> bool:
    """Tell whether a figure counts sessions in a row."""
    return figure.unit == "count" and _STREAK.match(folded, figure.start, figure.end) is not None


def _han_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    whole, _, part = text.partition("点")
    tens, ten, ones = whole.rpartition("十")
    try:
        value = float((_HAN_DIGITS[tens] if tens else 1) * 10 if ten else 0) + (_HAN_DIGITS[ones] if ones else 0)
        return value + (float("0." + "".join(str(_HAN_DIGITS[c]) for c in part)) if part else 0.0)
    except KeyError:
        return None
