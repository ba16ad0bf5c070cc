"""When a document was published: by its column or metadata, by the page's own lines, by its sidecar."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.clock import Publication, publication
from engine.faults import Fault
from engine.reader.fold import is_han
from engine.reader.times import ZONES, Stated, dates
from engine.tables.single import Moment, moment, says_when, written
from engine.tables.spelling import Order, Written, plain, read_one, zone_words
from engine.tables.zones import readings, zone_info

if TYPE_CHECKING:
    from engine.reader.document import Document

_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_WINTER: Final = dt.datetime(2025, 1, 1, 12)
_JOINED = 600  # characters in which the date line of an agency stands
_HEAD, _FOOT = 2000, 400  # characters at the top and the end of a page in which it tells of itself
_TICK: Final = dt.timedelta(microseconds=1)
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\d\s.,]")
_REVISED = re.compile(
    r"(?<![a-z])(?:updated?|modified|revised|amended|edited|corrected|corrections?|clarification|editor'?s'? note|last changed"
    r"|mise? a jour|modifiee?|actualisee?|corrigee?|revisee?|rectificatif|maj)(?![a-z])"
    r"|更新(?:于|时间|日期)?|编辑(?:于|时间)|修改(?:于|时间|日期)?|修订(?:于|时间|日期)?|更正(?:于|时间)?"
)
# What each of these words has in it: looked for first, as few pages have one.
_OF_CHANGE: Final = (
    "updat", "modifi", "revis", "amended", "edited", "correct", "clarification", "editor", "last changed", "a jour", "actualise", "corrige",
    "rectificatif", "maj", "更新", "编辑", "修改", "修订", "更正",
)  # fmt: skip
_CUE = re.compile(
    rf"publi(?:shed|cation|e|ee|ication)?\b|posted|date\s*:|mis en ligne|le \d|发布(?:时间|于)?|发表(?:于|时间)?|{_REVISED.pattern}"
    r"|时间\s*:|日期\s*:|刊登|出版|发文"
)
# What is still to come, or happens again and again, is no time of the page: "will be updated on", "prochaine mise a jour le".
_PLANNED = re.compile(
    r"(?:(?:(?<![a-z])(?:be|being|next|expected|scheduled|prochaine?|sera|seront|etre)|将|将于|会|下次|下一次|预计|计划)\s*"
    rf"(?:{_CUE.pattern})|(?<![a-z])(?:is|are|gets?|est|sont)\s+(?:\w+ly )?(?:{_REVISED.pattern}))[^.;\n。；]*$"
)
_DATELINE = re.compile(
    r"^[\s(（【\[]*(?:[^\n]{0,40}?)(?:\(?(?:reuters|afp|ap|bloomberg|dow jones|cnbc)\)?|[\-]{1,2}|电|讯|报道)"
)
_ABOUT = re.compile(
    r"(?:\b(?:by|before|until|till|since|after|for|in|from|to|of|d'ici|d'ici le|avant le|jusqu'au|depuis le|au|du)|截至|到|至|自|从|在|于|前)\s*(?:le |the |au )?$"
)
_CLOCK = re.compile(r"\d{1,2}[:h]\d{2}(?::\d{2})?\s*(?:[ap]\.?m\.?)?")
_PARTS = re.compile(r"[|·•]")
# "… prend 4 % vendredi 20 février 2026 à 16h28 (BFM Bourse) -": the agency behind a date signs it, wherever a headline ends.
_SIGNED = re.compile(r"\s*(?:a \w{1,6})?\s*[(（][^()（）\n%]{2,30}[)）]\s*(-|:|$)")
_WEEKDAY = re.compile(
    r"(?:\b(?:mon|tues|wednes|thurs|fri|satur|sun)day,?|\b(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)|(?:星期|周)[一二三四五六日天])\s*$"
)
# What parts a stamp of two times: a bar, a semicolon, or "Updated" behind the first.
_TIMES = re.compile(
    r"[|·•;；]|\s/\s(?=[A-Za-z])|(?<=\w)(?<!last)[,.]?\s+(?=(?:last )?(?:updated|modified|revised|mis à jour)\b)",
    re.IGNORECASE,
)
# What may stand behind a time: an offset, an IANA name, "heure de Paris", "London time", "纽约时间", letters, a place that ends the part.
_BEHIND: Final = [
    re.compile(r"\s*[(\[]?((?:utc|gmt)\s?[+-]\s?\d{1,2}(?::?\d{2})?|[+-]\d{2}(?::?\d{2})?)(?!\d)"),
    re.compile(r"\s*[(\[]?([a-z]+/[a-z_]+(?:/[a-z_]+)?)"),
    re.compile(r"\s*[,(\[]?\s*((?:in |a )?heures? (?:de |d'|locale)[a-z -]{0,20}|(?:[a-z.]+ ){1,3}time(?![a-z]))"),
    re.compile(r"\s*[,(（\[]?\s*([\u4e00-\u9fff]{1,8}?时间)"),
    re.compile(r"\s*[(\[]?([a-z]{1,5})(?![a-z./])"),
    re.compile(
        r"\s*[,(（\[]?\s*((?:in |at |a )?[a-z\u4e00-\u9fff][a-z. \u4e00-\u9fff-]{1,20}?)\s*(?=[)）\]|·•,;]|\s-|$)"
    ),
]
_BEFORE = re.compile(r"([\u4e00-\u9fff]{1,8}?时间)\s*[:：(（]?\s*$")
_LETTERS: Final = 4  # which of _BEHIND are letters, such as EST
_NAMED: Final = (2, 3)  # which name a zone, be it known or not
_AREAS: Final = frozenset(
    ("africa", "america", "asia", "atlantic", "australia", "europe", "indian", "pacific", "us", "etc")
)
_NO_ZONE = re.compile(r"(?:发布|更新|发表|阅读|编辑|修改|出版|刊登)时间")
_ZONE_LIKE = re.compile(r"[A-Z]{2,4}T")


class Said(NamedTuple):
    """A time that a page states as its own."""

    stamp: Written
    revised: bool  # the page says that it was changed then
    words: str


def published(
    document: Document, text: str, folded: str, tongue: str, order: Order | None = None
) -> tuple[Publication, str]:
    """Say when a document was published, and in which time zone its days are counted.

    What a column or the page's metadata state comes first, then what stands on the page; the sidecar supplies what is lacking. Of
    several times, and of one at which the text was changed, the latest counts: the text as it stands was out only then.

    Raises
    ------
    Fault
        Nobody states it, or it is stated in words that are not understood.
    """
    zone = _zone_of(document, tongue)
    changed = [stamp for stamp in document.modified if says_when(stamp)]
    stated = [stamp for stamp in (document.published, *changed) if stamp]
    moments = [_known(document, stamp, said, zone, tongue, order) for stamp in stated for said in _said(stamp)]
    language = "zh" if tongue.startswith("zh") else tongue
    own = _signed(text, folded, language)
    if not moments or _tells_of_change(folded):
        own += _own_times(text, folded, language)
    own = [said for said in own if said.revised or not stated]
    if own:
        moments += _later(document, own, moments, zone, tongue, order)
    note = document.note
    if moments:
        last = max(moments)
        when = Publication(last.at, "day" if last.is_day else "instant")
    elif note is not None and note.published is not None:
        told = _known(document, note.published, written(note.published), zone, tongue, order)
        when = Publication(told.at, note.precision, note.reason)
    else:
        when = publication(None, source=document.source)
    return when, zone


def _tells_of_change(folded: str) -> bool:
    """Tell whether the top or the end of a page speaks of a change."""
    ends = folded[:_HEAD] + folded[-_FOOT:]
    if not any(word in ends for word in _OF_CHANGE):
        return False
    return bool(_REVISED.search(folded, 0, _HEAD) or _REVISED.search(folded, len(folded) - _FOOT))


def states_time(document: Document) -> bool:
    """Tell whether a document's source says when it was published or changed, be it understood or not."""
    return bool(document.published) or any(map(says_when, document.modified))


def seen(document: Document, zone: str, tongue: str, order: Order | None = None) -> dt.datetime | None:
    """Say when a crawler had a document, for sure; None where its table does not say.

    Raises
    ------
    Fault
        It is stated in words that are not understood.
    """
    stamp = document.seen
    if not stamp or not says_when(stamp):
        return None
    return _known(document, stamp, written(stamp), zone, tongue, order, what="time at which it was seen").at


def _said(stamp: dt.datetime | dt.date | str) -> list[Written | None]:
    """Read a stamp, or several with a bar between them, such as "Published .. | Updated .."."""
    whole = written(stamp)
    if whole is None and isinstance(stamp, str) and _TIMES.search(stamp):
        return [written(part) for part in _TIMES.split(stamp)]
    return [whole]


def _later(
    document: Document, own: list[Said], stated: list[Moment], zone: str, tongue: str, order: Order | None
) -> list[Moment]:
    """Give the moments that a page's own lines tell. A day beside a time of that day is the same telling, unless it is of a change."""
    found = [(said, _known(document, said.words, said.stamp, zone, tongue, order, alone=True)) for said in own]
    clock = zone_info(zone)
    timed = {at.at.astimezone(clock).date() for at in (*stated, *(at for _, at in found)) if not at.is_day}
    return [at for said, at in found if said.revised or not at.is_day or at.at.astimezone(clock).date() not in timed]


def _known(
    document: Document,
    stamp: object,
    said: Written | None,
    zone: str,
    tongue: str,
    order: Order | None,
    *,
    alone: bool = False,
    what: str = "publication time",
) -> Moment:
    if said and not any(_FIRST_YEAR <= day.year <= _LAST_YEAR for day in said[:3] if day):
        raise Fault(
            f"{document.source}: the {what} must lie within {_FIRST_YEAR} to {_LAST_YEAR} (got {stamp!r}); correct it."
        )
    known = said and moment(said, zone, language=tongue, order=order, alone=alone)
    if not known:
        raise Fault(
            f"{document.source}: the {what} must be a date with a year, in a time zone that is known (got {stamp!r}); "
            "write it as 2025-01-28T05:32+08:00, or name another column."
        )
    return known


def _zone_of(document: Document, tongue: str) -> str:
    """Give the zone of a document: its sidecar's, its column's, its language's."""
    given = (document.note and document.note.timezone) or document.timezone
    if not given:
        return ZONES.get(tongue, ZONES["und"])
    try:
        zone_info(given)
    except Fault:
        named = readings(plain(given), language=tongue)
        if not named:
            raise Fault(
                f"{document.source}: the time zone must be one such as 'Europe/Paris' or '+08:00' (got {given!r}); correct it."
            ) from None
        return min(named, key=lambda name: _WINTER.replace(tzinfo=zone_info(name)).utcoffset() or dt.timedelta(0))
    return given


# ------------------------------------------------------------------------------------------------- the page's own lines


def _own_times(text: str, folded: str, language: str) -> list[Said]:
    """Find the times that a page states as its own, in the lines where pages carry them.

    They stand on a line of their own near the top (with a name, perhaps), after a word such as "Published" or "发布时间", or in the
    date line that opens a wire story. A date without a year is no publication time.
    """
    found: list[Said] = []
    position, number = 0, 0
    for line in text.splitlines(keepends=True):
        start, position = position, position + len(line)
        if not line.strip():
            continue
        number += 1
        if number > 20 and position < len(text) - _FOOT:
            continue
        stop = start + min(len(line), 160)
        if _DIGIT.search(folded, start, stop):
            found += _of_line(text, folded, start, stop, len(line.strip()), number, language)
    return found


def _signed(text: str, folded: str, language: str) -> list[Said]:
    """Find the date line of an agency behind a headline on the same line, as scrapers join them.

    With its weekday and its time, the line was written then and not before, whatever a column says.
    """
    stop = min(len(folded), _JOINED)
    if _SIGNED.search(folded, 0, stop) is None:
        return []
    for stated in dates(folded, 0, stop, language=language):
        sign = _SIGNED.match(folded, stated.end)
        if sign is None or not stated.year or _ABOUT.search(folded, max(0, stated.start - 20), stated.start):
            continue
        timed = stated.time is not None and _WEEKDAY.search(folded, 0, stated.start) is not None
        if timed or sign[1] == "-":
            words = text[stated.start : stated.end].strip()
            return [Said(_stamp(text, folded, stated, stated.start, stop), timed, words)]
    return []


def _of_line(text: str, folded: str, start: int, stop: int, length: int, number: int, language: str) -> Iterator[Said]:
    first, searched = True, start
    for stated in dates(folded, start, stop, language=language):
        if _PLANNED.search(folded, max(searched, stated.start - 60), stated.start):
            continue
        revised = _is_revised(folded, max(searched, stated.start - 40), stated.start)
        if stated.year and (first or revised) and (revised or _is_own(folded, start, stop, length, stated, number)):
            yield Said(_stamp(text, folded, stated, start, stop), revised, text[start:stop].strip())
            first, searched = False, stated.end
    if first and number <= 12 and length <= 80:
        # Spelled as no sentence is: "18-Jul-20", "Fri Nov 7 05:31:00 2025".
        for part in _PARTS.split(text[start:stop]):
            whole = read_one(part) if _LETTER.search(part) else None
            if whole is not None:
                yield Said(whole, _REVISED.search(folded, start, stop) is not None, part.strip())


def _is_revised(folded: str, start: int, stop: int) -> bool:
    """Tell whether the words before a date say that the page was changed then: "updated on", "更新时间：10:30", not "updated its plans for"."""
    cue = _REVISED.search(folded, start, stop)
    if cue is None:
        return False
    between = _CLOCK.sub(" ", plain(folded[cue.end() : stop])).strip(" ([（【")
    return readings(zone_words(f"{between} |")) is not None


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


def _stamp(text: str, folded: str, stated: Stated, start: int, stop: int) -> Written:
    """Read the part of a line that holds a date whole; where it holds more than a stamp, the date, its time and what stands beside."""
    left = max((found.end() for found in _PARTS.finditer(text, start, stated.start)), default=start)
    right = next((found.start() for found in _PARTS.finditer(text, stated.end, stop)), stop)
    day = stated.date() or dt.date.min
    whole = read_one(text[left:right])
    if whole is not None and day in (whole.mdy, whole.dmy):
        return whole
    other = dt.date(day.year, day.day, day.month) if stated.either else day
    if stated.time is None:
        return Written(None if stated.either else day, day, other, None, "")
    clock = (dt.datetime.combine(dt.date.min, stated.time) - dt.datetime.min) // _TICK
    return Written(None if stated.either else day, day, other, clock, _zone_words(text, folded, stated, stop))


def _zone_words(text: str, folded: str, stated: Stated, stop: int) -> str:
    """Find the words of the zone beside a time in a sentence; "" where there are none, and what looks like such but is not known as it is."""
    before = _BEFORE.search(folded, max(0, stated.start - 12), stated.start)
    if before and not _NO_ZONE.fullmatch(before[1]):
        return before[1]
    rest = folded[stated.end : stop].rstrip("\n")
    for number, form in enumerate(_BEHIND):
        found = form.match(rest)
        if not found:
            continue
        words = found[1].strip()
        is_letters = number == _LETTERS
        as_written = text[stated.end + found.start(1) : stated.end + found.start(1) + len(words)]
        if is_letters and not as_written.isupper():
            continue
        if readings(words) or (is_letters and _ZONE_LIKE.fullmatch(as_written)):
            return words
        named = number in _NAMED and not _NO_ZONE.fullmatch(words)
        if named or words.partition("/")[0] in _AREAS:
            return words
    return ""
