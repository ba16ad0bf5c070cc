"""Time zones as people write them behind an hour: offsets, abbreviations, IANA names, cities, phrases."""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo
from typing import Final

from engine.faults import Fault
from engine.guess import did_you_mean

#: IANA names or offsets, such as "+08:00": the readings of what was written, of which the latest instant counts.
Readings = tuple[str, ...]

_FURTHEST: Final = 14 * 60  # minutes: no clock is further from UTC
# To the letter first. Who writes EDT in winter means New York, which is later; who writes EST in summer may mean -05:00, which is later.
_ABBREVIATIONS: Final[dict[str, str]] = {
    "z": "+00:00", "zulu": "+00:00", "utc": "+00:00", "ut": "+00:00", "gmt": "+00:00", "tu": "+00:00", "wet": "+00:00",
    "et": "America/New_York", "est": "-05:00", "edt": "-04:00 America/New_York",
    "ct": "America/Chicago", "cst": "-06:00 +08:00", "cdt": "-05:00 America/Chicago -04:00",
    "mt": "America/Denver", "mst": "-07:00", "mdt": "-06:00 America/Denver",
    "pt": "America/Los_Angeles", "pst": "-08:00", "pdt": "-07:00 America/Los_Angeles",
    "akt": "America/Anchorage", "akst": "-09:00", "akdt": "-08:00 America/Anchorage", "hst": "-10:00", "hast": "-10:00", "hdt": "-09:00 Pacific/Honolulu",
    "ast": "-04:00 +03:00", "adt": "-03:00 America/Halifax", "nst": "-03:30", "ndt": "-02:30 America/St_Johns", "brt": "-03:00", "art": "-03:00",
    "bst": "+01:00 Europe/London +06:00", "ist": "+05:30 +02:00 +01:00 Europe/Dublin", "west": "+01:00 Europe/Lisbon",
    "cet": "+01:00", "cest": "+02:00 Europe/Paris", "mez": "+01:00", "mesz": "+02:00 Europe/Berlin", "eet": "+02:00", "eest": "+03:00 Europe/Athens",
    "msk": "+03:00", "trt": "+03:00", "idt": "+03:00 Asia/Jerusalem", "sast": "+02:00", "gst": "+04:00 -02:00", "pkt": "+05:00", "npt": "+05:45", "ict": "+07:00", "wib": "+07:00",
    "sgt": "+08:00", "hkt": "+08:00", "pht": "+08:00", "myt": "+08:00", "sst": "-11:00 +08:00", "jst": "+09:00", "kst": "+09:00",
    "awst": "+08:00", "acst": "+09:30", "acdt": "+10:30 Australia/Adelaide", "aest": "+10:00", "aedt": "+11:00 Australia/Sydney", "aet": "Australia/Sydney",
    "nzst": "+12:00", "nzdt": "+13:00 Pacific/Auckland", "nzt": "Pacific/Auckland",
}  # fmt: skip
# What an abbreviation means at home, where the source's own zone or language tells which home.
_AT_HOME: Final[dict[str, dict[str, str]]] = {
    "cst": dict.fromkeys(("zh", "Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "Asia/Taipei", "Asia/Macau", "Asia/Hong_Kong", "PRC", "ROC", "Hongkong"), "+08:00"),
    "ist": {**dict.fromkeys(("Asia/Kolkata", "Asia/Calcutta"), "+05:30"), **dict.fromkeys(("Asia/Jerusalem", "Asia/Tel_Aviv", "Israel"), "+02:00"), "Europe/Dublin": "+01:00 Europe/Dublin"},
    "bst": {"Asia/Dhaka": "+06:00", "Europe/London": "+01:00 Europe/London"},
    "ast": dict.fromkeys(("Asia/Riyadh", "Asia/Kuwait", "Asia/Baghdad", "Asia/Qatar", "Asia/Bahrain"), "+03:00"),
    "gst": dict.fromkeys(("Asia/Dubai", "Asia/Muscat"), "+04:00"),
    "sst": {"Asia/Singapore": "+08:00", "Singapore": "+08:00"},
    "pst": {"Asia/Manila": "+08:00"},
    "mst": dict.fromkeys(("Asia/Kuala_Lumpur",), "+08:00"),
    "est": dict.fromkeys(("Australia/Sydney", "Australia/Melbourne", "Australia/Hobart", "Australia/Canberra"), "+10:00"),
    "edt": dict.fromkeys(("Australia/Sydney", "Australia/Melbourne", "Australia/Hobart", "Australia/Canberra"), "+11:00 Australia/Sydney"),
}  # fmt: skip
# Cities and regions that the IANA names do not hold, or not in this spelling; folded, parted by "|".
_PLACES: Final[dict[str, str]] = {
    "America/New_York": "eastern|eastern standard|eastern daylight|us eastern|u.s. eastern|wall street|washington|boston|philadelphia|atlanta|miami|nyc|new york city|cote est|est des etats-unis|美东|美東|美国东部|美國東部|纽约|紐約|华盛顿|華盛頓|波士顿|波士頓",
    "America/Chicago": "central|central standard|central daylight|us central|houston|dallas|austin|芝加哥|美中|美国中部|美國中部|休斯敦|休斯顿",
    "America/Denver": "mountain|mountain standard|mountain daylight|us mountain|salt lake city|丹佛|美国山地|美國山地",
    "America/Los_Angeles": "pacific|pacific standard|pacific daylight|us pacific|san francisco|silicon valley|seattle|san jose|cote ouest|美西|美国西部|美國西部|美国太平洋|美國太平洋|洛杉矶|洛杉磯|旧金山|舊金山|三藩市|西雅图|西雅圖|硅谷|矽谷",
    "America/Toronto": "montreal|ottawa|多伦多|多倫多", "America/Vancouver": "温哥华|溫哥華", "America/Mexico_City": "mexico", "America/Sao_Paulo": "rio de janeiro|bresil|圣保罗|聖保羅",
    "Europe/London": "londres|uk|u.k.|british|edinburgh|greenwich mean|伦敦|倫敦|英国|英國", "Europe/Paris": "france|francaise|bruxelles|central european|central european summer|europe centrale|巴黎|法国|法國",
    "Europe/Berlin": "frankfurt|francfort|munich|hamburg|allemagne|germany|柏林|法兰克福|法蘭克福|德国|德國", "Europe/Zurich": "geneva|geneve|davos|suisse|苏黎世|蘇黎世|日内瓦|日內瓦|达沃斯|達沃斯",
    "Europe/Brussels": "布鲁塞尔|布魯塞爾", "Europe/Amsterdam": "the hague|la haye|阿姆斯特丹", "Europe/Madrid": "barcelona|espagne|马德里|馬德里", "Europe/Rome": "milan|milano|italie|罗马|羅馬|米兰|米蘭", "Europe/Lisbon": "lisbonne|里斯本",
    "Europe/Dublin": "irish|都柏林", "Europe/Moscow": "moscou|莫斯科", "Europe/Athens": "athenes|eastern european|eastern european summer|雅典", "Europe/Vienna": "vienne|维也纳|維也納", "Europe/Copenhagen": "copenhague|哥本哈根", "Europe/Stockholm": "斯德哥尔摩|斯德哥爾摩",
    "Asia/Shanghai": "beijing|pekin|shenzhen|guangzhou|hangzhou|china|china standard|chine|北京|上海|深圳|广州|廣州|杭州|中国|中國", "Asia/Taipei": "taiwan|hsinchu|台北|臺北|台湾|台灣|臺灣|新竹", "Asia/Hong_Kong": "hong kong|hongkong|hk|香港",
    "Asia/Tokyo": "japan|japan standard|japon|osaka|东京|東京|日本|大阪", "Asia/Seoul": "korea|korea standard|coree|首尔|首爾|韩国|韓國", "Asia/Singapore": "singapour|新加坡|狮城|獅城", "Asia/Kolkata": "india|india standard|mumbai|bombay|delhi|new delhi|bangalore|bengaluru|inde|孟买|孟買|新德里|印度",
    "Asia/Dubai": "abu dhabi|gulf standard|迪拜|杜拜|阿布扎比", "Asia/Jerusalem": "israel|tel aviv|耶路撒冷|特拉维夫|特拉維夫", "Australia/Sydney": "canberra|melbourne|australian eastern|australian eastern standard|australian eastern daylight|悉尼|雪梨|墨尔本|墨爾本", "Pacific/Auckland": "wellington|new zealand|奥克兰|奧克蘭|惠灵顿|惠靈頓",
    "Pacific/Honolulu": "hawaii|hawaii standard", "America/Anchorage": "alaska|alaska standard|alaska daylight", "+00:00": "coordinated universal|temps universel|universal|世界标准|世界標準|协调世界|協調世界|格林尼治|格林威治",
}  # fmt: skip
# Said of an hour, these name no zone: the source's own holds.
_LOCAL: Final = frozenset(("", "local", "locale", "heure", "time", "当地", "當地", "本地", "时间", "時間"))
_OFFSET = re.compile(r"^(?:utc|gmt|ut|z)?\s*([+-])\s*(\d{1,2})(?::?(\d{2}))?(?::?00)?$")
_COMMENT = re.compile(r"^((?:utc|gmt)?\s*[+-]\d{1,2}(?::?\d{2})?|z)\s*[\[(].*[\])]$")
_WRAPPED = re.compile(
    r"^(?:,|-|·|\|)?\s*[\[(]?\s*(?:in |at |a |au |aux |heures? (?:normale |avancee )?(?:de la |de l'|de |du |d'|a )?|us/)?(.*?)\s*(?:standard time|daylight time|summer time|time|时间|時間)?\s*[\])]?\.?$"
)


def check_zone(zone: str | None, name: str = "timezone") -> None:
    """Raise a Fault where `zone` is neither an IANA name nor an offset such as +08:00."""
    if zone is not None and not _is_zone(zone):
        hint = did_you_mean(str(zone), sorted(zoneinfo.available_timezones()))
        raise Fault(
            f"{name} must be a time zone such as 'America/New_York' or '+08:00' (got {zone!r}{hint}); correct it."
        )


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
    >>> readings("est"), readings("cst", language="zh-Hans"), readings("qqt")
    (('-05:00',), ('+08:00',), None)
    """
    phrase = phrase.strip().replace("\u2212", "-")
    phrase = _COMMENT.sub(r"\1", phrase)  # RFC 2822 and RFC 9557: what stands in brackets behind an offset is a comment
    inner = phrase.strip("[]() .,;")
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


def _named(word: str, zone: str | None, language: str | None) -> Readings | None:
    if word in _LOCAL:
        return ()
    if word in _ABBREVIATIONS:
        homes = _AT_HOME.get(word, {})
        home = homes.get(zone or "") or homes.get((language or "")[:2])
        return tuple((home or _ABBREVIATIONS[word]).split())
    place = _places().get(word)
    return None if place is None else (place,)


@functools.cache
def _places() -> dict[str, str]:
    """Give the zone of each place that is known: IANA names, their cities, and the spellings of ``_PLACES``."""
    out: dict[str, str] = {}
    for name in sorted(zoneinfo.available_timezones()):
        area, _, city = name.rpartition("/")
        if area and not area.startswith(("Etc", "SystemV", "US", "Canada", "Mexico", "Brazil", "Chile", "posix", "right")):
            out.setdefault(city.lower().replace("_", " "), name)
        if "/" in name or name.isupper() or name in ("Singapore", "Israel", "Japan", "Hongkong"):
            out.setdefault(name.lower(), name)
    for zone, words in _PLACES.items():
        out.update(dict.fromkeys(words.split("|"), zone))
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


def _is_zone(zone: object) -> bool:
    if not isinstance(zone, str):
        return False
    try:
        zone_info(zone)
    except Fault:
        return False
    return True


def latest(local: dt.datetime, zones: Readings) -> dt.datetime:
    """Give the latest UTC instant that a local time can mean: a clock may show it twice, an abbreviation stand for two zones."""
    readings = (local.replace(tzinfo=zone_info(zone), fold=fold) for zone in zones for fold in (0, 1))
    return max(reading.astimezone(dt.UTC) for reading in readings)
