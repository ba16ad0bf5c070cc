"""The times that a page's own metadata state: HTML meta tags, JSON-LD, front matter."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from engine.reader.columns import is_change
from engine.tables.single import as_day, says_when, written

_PUBLISHED: Final = frozenset((
    "article:published_time", "article:published", "og:published_time", "og:article:published_time", "datepublished", "publishdate", "publish_date", "pubdate", "publication_date",
    "date", "dc.date", "dc.date.issued", "dcterms.date", "dcterms.issued", "parsely-pub-date", "sailthru.date", "weibo:article:create_at", "weibo: article:create_at",
))  # fmt: skip
_META = re.compile(r"<meta\b([^>]{0,2000})>", re.I)
_TIME = re.compile(r"<time\b([^>]{0,2000})>", re.I)
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_LD_PUBLISHED = re.compile(r"\"datePublished\"\s*:\s*\"([^\"]{4,100})\"")
_LD_MODIFIED = re.compile(r"\"dateModified\"\s*:\s*\"([^\"]{1,100})\"")
_CHANGED = re.compile(r"updated|modified", re.I)
_FRONT = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)\r?\n(?:\1|\.\.\.)[ \t]*(?:\r?\n|$)", re.S)
_FIELD = re.compile(r"^([A-Za-z][\w -]*?)\s*[:=]\s*[\"']?([^\"'#\n]+?)[\"']?\s*(?:#.*)?$", re.M)
_FRONT_PUBLISHED: Final = (
    "published",
    "publisheddate",
    "publishdate",
    "publishedat",
    "pubdate",
    "date",
    "datetime",
    "created",
    "createdat",
)
LONGEST: Final = 20_000  # characters of front matter


class Times(NamedTuple):
    """When a page was published, and when it was changed, as it states it; a midnight is written as its day."""

    published: str | None
    modified: tuple[str, ...]


def page_times(page: str) -> Times:
    """Find the times in the metadata of an HTML page: meta tags first, then JSON-LD, then `time` elements."""
    metas = [_attributes(found[1]) for found in _META.finditer(page)]
    named = [(_name(meta), meta.get("content", "")) for meta in metas]
    times = [(found[1], _attributes(found[1])) for found in _TIME.finditer(page)]
    published = [
        *(value for name, value in named if name in _PUBLISHED),
        *(found[1] for found in _LD_PUBLISHED.finditer(page)),
        *(value.get("datetime", "") for tag, value in times if not _CHANGED.search(tag)),
    ]
    modified = [
        *(value for name, value in named if is_change(name)),
        *(found[1] for found in _LD_MODIFIED.finditer(page)),
        *(value.get("datetime", "") for tag, value in times if _CHANGED.search(tag)),
    ]
    return _times(published, modified)


def front_matter_times(text: str) -> Times:
    """Find the times in the front matter of a Markdown file, YAML between `---` or TOML between `+++`."""
    found = _FRONT.match(text[:LONGEST])
    fields = {re.sub(r"[\W_]", "", name.lower()): value for name, value in _FIELD.findall(found[2])} if found else {}
    changed = (value for name, value in fields.items() if is_change(name))
    return _times((fields.get(name, "") for name in _FRONT_PUBLISHED), changed)


def _times(published: Iterable[str], modified: Iterable[str]) -> Times:
    stated = [value.strip() for value in published if value.strip()]
    first = next((value for value in stated if written(value) is not None), stated[0] if stated else None)
    # A tag such as "modified" may hold other things than a time.
    later = dict.fromkeys(as_day(value.strip()) for value in modified if says_when(value))
    return Times(first and as_day(first), tuple(later))


def _name(meta: dict[str, str]) -> str:
    keys = ("property", "name", "itemprop", "http-equiv")
    return next((meta[key].strip().lower() for key in keys if key in meta), "")


def _attributes(tag: str) -> dict[str, str]:
    return {name.lower(): html.unescape(a or b or c) for name, a, b, c in _ATTRIBUTE.findall(tag)}
