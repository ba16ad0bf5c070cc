"""One stamp alone, with no column to tell how it is meant: of a page, of front matter, of a row that a column has decided on."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, NamedTuple

import polars as pl

from engine.tables.numbers import of_numbers
from engine.tables.order import possible
from engine.tables.spelling import Order, Written, plain, read_one
from engine.tables.written import EMPTY
from engine.tables.zones import latest, readings

_TICK: Final = dt.timedelta(microseconds=1)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:[+-]\d\d:?\d\d|Z)?)?")
_NUMBER: Final = re.compile(r"\d+(?:\.\d*)?")
# What a column or tag of changes may hold that is no time: a blank, a count of changes, a flag, how often a page changes.
_NO_TIME: Final = re.compile(
    rf"{EMPTY}|^\s*(?:[+-]?\d{{1,3}}(?:\.0*)?|yes|no|true|y|n|t|f|oui|non|vrai|faux|是|否|never|jamais|unknown"
    r"|always|hourly|daily|weekly|monthly|yearly|annually)\s*$",
    re.IGNORECASE,
)


class Moment(NamedTuple):
    """When something stamped was out for sure, in UTC; a day counts as its last microsecond."""

    at: dt.datetime
    is_day: bool


def written(stamp: dt.datetime | dt.date | str) -> Written | None:
    """Read a stamp; None where it is no date, or holds more than is understood.

    Examples
    --------
    >>> written("1737988200").clock == 14.5 * 3600 * 1_000_000
    True
    """
    if isinstance(stamp, str):
        return _of_text(stamp.strip())
    if not isinstance(stamp, dt.datetime):
        return Written(stamp, stamp, stamp, None, "")
    day, offset = stamp.date(), stamp.utcoffset()
    clock = (stamp.replace(tzinfo=None) - dt.datetime.combine(day, dt.time())) // _TICK
    if offset is None:
        return Written(day, day, day, clock, "")
    minutes = offset // dt.timedelta(minutes=1)
    return Written(
        day, day, day, clock, f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    )


def says_when(stamp: dt.datetime | dt.date | str) -> bool:
    """Tell whether a stamp of a change says when, be it understood or not: no blank, flag, count of changes or "daily".

    Examples
    --------
    >>> says_when("2025-01-28 12:00 QQT"), says_when("Tuesday"), says_when("daily"), says_when("N/A"), says_when("3")
    (True, True, False, False, False)
    """
    return not isinstance(stamp, str) or not _NO_TIME.search(plain(stamp))


def _of_text(text: str) -> Written | None:
    if _NUMBER.fullmatch(text):
        return _of_number(text) or read_one(text)
    if not _ISO.fullmatch(text):
        return read_one(text)
    try:
        return written(dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text))
    except ValueError:
        return read_one(text)


def moment(
    said: Written, zone: str, *, language: str | None = None, order: Order | None = None, alone: bool = False
) -> Moment | None:
    """Say when that was; None where the zone's words are not known.

    Parameters
    ----------
    zone
        The source's own time zone, an IANA name or an offset.
    language
        The source's language: it tells CST, and 01/02/2025 in French.
    order
        The order of dates such as 01/02/2025. Left open, the later day counts.
    alone
        Whether a midnight stands for its day, as it does where nothing beside it has another time.
    """
    zones = readings(said.zone, zone=zone, language=language)
    if zones is None:
        return None
    if order is None and (language or "").startswith("fr"):
        order = "dmy"
    day = (order and getattr(said, order)) or max(possible(said))
    start = dt.datetime.combine(day, dt.time())
    if said.clock is None or (alone and said.clock == 0):
        return Moment(latest(start + dt.timedelta(days=1), (*zones, zone)) - _TICK, True)
    return Moment(latest(start + dt.timedelta(microseconds=said.clock), zones or (zone,)), False)


def as_day(stamp: str) -> str:
    """Take the midnight off a stamp that stands alone, for it is a day; other stamps stay as they are.

    Examples
    --------
    >>> as_day("2025-01-27T00:00:00+01:00"), as_day("2025-01-27T09:30")
    ('2025-01-27 +01:00', '2025-01-27T09:30')
    """
    said = written(stamp)
    if said is None or said.clock != 0 or said.mdy != said.dmy or said.ymd != said.dmy:
        return stamp
    return f"{said.dmy} {said.zone}".strip()


def _of_number(text: str) -> Written | None:
    number = float(text) if text.rstrip("0").rpartition(".")[2] and "." in text else int(text.partition(".")[0])
    if number >= 2**63:
        return None
    day, clock, zone = of_numbers(pl.Series([number])).row(0)
    return None if day is None else Written(day, day, day, clock, zone)
