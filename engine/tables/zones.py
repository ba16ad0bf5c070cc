"""Time zones as people write them behind an hour: offsets, abbreviations, IANA names, cities, phrases."""

from __future__ import annotations

import datetime as dt
import functools
import re
import tomllib
import zoneinfo
from pathlib import Path
from typing import Final

from engine.faults import Fault
from engine.guess import did_you_mean

#: IANA names or offsets, such as "+08:00": the readings of what was written, of which the latest instant counts.
Readings = tuple[str, ...]

_FURTHEST: Final = 14 * 60  # minutes: no clock is further from UTC
# Areas of IANA names whose last parts are no cities.
_NO_CITIES: Final = ("Etc", "SystemV", "US", "Canada", "Mexico", "Brazil", "Chile", "posix", "right")
# Said of an hour, these name no zone: the source's own holds.
_LOCAL: Final = frozenset(
    ("", "local", "local time", "heure locale", "locale", "heure", "time", "当地", "本地", "时间")
)
_OFFSET = re.compile(r"^(?:utc|gmt|ut|z)?\s*([+-])\s*(\d{1,2})(?::?(\d{2}))?(?::?00)?$")
_COMMENT = re.compile(r"^((?:utc|gmt)?\s*[+-]\d{1,2}(?::?\d{2})?|z)\s*[\[(](.*)[\])]$")
_WRAPPED = re.compile(
    r"^[\[(]?\s*(?:in |at |a |au |aux |heures? (?:normale |avancee )?(?:de la |de l'|de |du |d'|a )?)?(.*?)\s*(?:time|时间)?\s*[\])]?\.?$"
)


def check_zone(zone: str | None, name: str = "timezone") -> None:
    """Raise a Fault where `zone` is neither an IANA name nor an offset such as +08:00."""
    try:
        if zone is not None:
            zone_info(zone)
    except (Fault, TypeError):
        hint = did_you_mean(str(zone), sorted(zoneinfo.available_timezones()))
        raise Fault(
            f"{name} must be a time zone such as 'America/New_York' or '+08:00' (got {zone!r}); correct it{hint}."
        ) from None


@functools.lru_cache(maxsize=4096)
def readings(phrase: str, *, zone: str | None = None, language: str | None = None) -> Readings | None:
    """Give the zones that words behind an hour can mean.

    Parameters
    ----------
    phrase
        Folded: lower case, no accents. "est", "+0800", "utc-5", "america/los_angeles", "heure de paris", "纽约时间", "london".
    zone
        The source's own zone; it tells which of several zones an abbreviation means.
    language
        The language of the source; in Chinese, CST is China's.

    Returns
    -------
    tuple of str or None
        IANA names and offsets, of which the latest instant counts; empty where the words name no zone ("local time");
        None where they are not known.

    Examples
    --------
    >>> readings("et"), readings("cst", language="zh-Hans"), readings("qqt")
    (('America/New_York',), ('+08:00',), None)
    """
    phrase = phrase.strip().replace("\u2212", "-")
    beside = _COMMENT.match(phrase)  # RFC 2822 and RFC 9557: what stands in brackets behind an offset is a comment
    if beside:
        phrase = beside[1]
        zones, named = readings(phrase, zone=zone, language=language), readings(beside[2], zone=zone, language=language)
        return (*zones, *named) if zones and named and not _shared(zones[0], named) else zones
    inner = phrase.strip("[]() .,;").replace(".", "")
    for words in (phrase, inner):
        offset = _OFFSET.match(words)
        if offset:
            minutes = int(offset[2]) * 60 + int(offset[3] or 0)
            known = minutes <= _FURTHEST and int(offset[3] or 0) < 60
            return (f"{offset[1]}{minutes // 60:02d}:{minutes % 60:02d}",) if known else None
    found = _named(inner, zone, language)
    if found is None and (wrapped := _WRAPPED.match(phrase)):
        found = _named(wrapped[1].strip(), zone, language)
    return found


def _shared(offset: str, zones: Readings) -> bool:
    """Tell whether one of the zones has that offset in winter or in summer; else the two contradict one another, and the later counts."""
    fixed = zone_info(offset).utcoffset(None)
    return any(
        dt.datetime(2025, month, 1, tzinfo=zone_info(zone)).utcoffset() == fixed for zone in zones for month in (1, 7)
    )


def _named(word: str, zone: str | None, language: str | None) -> Readings | None:
    if word in _LOCAL:
        return ()
    for home in (zone, (language or "")[:2]):
        if (word, home) in _at_home():
            return _at_home()[word, home]
    abbreviation = _words()["abbreviations"].get(word)
    if abbreviation:
        return tuple(abbreviation)
    return _places().get(word)


@functools.cache
def _words() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("zones.toml").read_text(encoding="utf-8"))


@functools.cache
def _at_home() -> dict[tuple[str, str | None], Readings]:
    """Give what an abbreviation means in a source of a zone or language."""
    out: dict[tuple[str, str | None], Readings] = {}
    for said, homes in _words()["at_home"].items():
        word, *zones = said.split()
        out.update({(word, home): tuple(zones) for home in homes})
    return out


@functools.cache
def _places() -> dict[str, Readings]:
    """Give the zones of each place that is known: IANA names, their cities, and the spellings of zones.toml."""
    out: dict[str, Readings] = {}
    none = _words()["no_places"]["words"]
    for name in sorted(zoneinfo.available_timezones()):
        area, _, city = name.rpartition("/")
        place = city.lower().replace("_", " ")
        if area and place not in none and not area.startswith(_NO_CITIES):
            out.setdefault(place, (name,))
        if name not in ("Factory", "localtime"):
            out.setdefault(name.lower(), (name,))
    for zones, words in _words()["places"].items():
        out.update(dict.fromkeys(words, tuple(zones.split())))
    return out


@functools.lru_cache(maxsize=1024)
def zone_info(zone: str) -> dt.tzinfo:
    """Give the tzinfo of an IANA name or an offset such as +08:00.

    Raises
    ------
    Fault
        It is neither.
    """
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", zone)
    if offset and int(offset[3]) < 60 and int(offset[2]) * 60 + int(offset[3]) <= _FURTHEST:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return dt.timezone(dt.timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return zoneinfo.ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        raise Fault(
            f"time zone must be an IANA name such as 'Europe/Paris', or an offset such as +08:00 (got {zone!r}); correct it."
        ) from None


def latest(local: dt.datetime, zones: Readings) -> dt.datetime:
    """Give the latest UTC instant that a local time can mean: a clock may show it twice, an abbreviation stand for two zones."""
    return max(_instants(local, zones))


def earliest(local: dt.datetime, zones: Readings) -> dt.datetime:
    """Give the earliest UTC instant that a local time can mean."""
    return min(_instants(local, zones))


def _instants(local: dt.datetime, zones: Readings) -> list[dt.datetime]:
    return [local.replace(tzinfo=zone_info(zone), fold=fold).astimezone(dt.UTC) for zone in zones for fold in (0, 1)]
