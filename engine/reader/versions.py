"""Later versions of a document: which rows are versions of one, and what a later one says that no earlier one did."""

from __future__ import annotations

import re
from typing import Any, Final

from engine.reader.document import Document
from engine.tables.single import says_when

_ROW: Final = re.compile(r", row \d+$")
_BEFORE_PLACE: Final = re.compile(r"^[a-z]+://(?:www\.|m\.|amp\.)?", re.IGNORECASE)
_TRACKING: Final = re.compile(r"(?<=[?&])(?:utm_\w+|fbclid|gclid|cmpid|ref)=[^&]*&?")

Event = dict[str, Any]


class Versions:
    """Keeps what each document tells, to find the earlier versions of a later one.

    A later version says when it was changed, and has the address of an earlier one, or its doc_id in the same file or with the same
    publication time: in two files one number may stand for two documents.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, ...], list[Event]] = {}

    def earlier(self, document: Document) -> list[Event]:
        """Give the events that earlier versions of a document tell."""
        if not any(says_when(stamp) for stamp in document.modified):
            return []
        found = (event for key in _keys(document) for event in self._told.get(key, ()))
        return list({event["event_id"]: event for event in found}.values())

    def add(self, document: Document, events: list[Event]) -> None:
        """Keep what a document tells."""
        for key in _keys(document):
            self._told.setdefault(key, []).extend(events)


def told_before(event: Event, earlier: list[Event]) -> tuple[list[Event], Event | None]:
    """Part an event of a later version into the events of earlier ones that say so, and what is new in it.

    An earlier event says so of an asset where it is of the same kind, and not of another day.

    Returns
    -------
    again, fresh
        The second with the assets of which nothing was said, None where all was said.
    """
    again = [other for other in earlier if _says_so(other, event)]
    said = {asset for other in again for asset in other["assets"]}
    fresh = [asset for asset in event["assets"] if asset not in said]
    return again, ({**event, "assets": fresh} if fresh else None)


def _says_so(other: Event, event: Event) -> bool:
    days = {other["happened_on"], event["happened_on"]} - {None}
    return other["kind"] == event["kind"] and len(days) < 2 and bool(set(other["assets"]) & set(event["assets"]))


def _keys(document: Document) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = [("file", _ROW.sub("", document.source), document.doc_id)]
    if document.published is not None:
        keys.append(("published", str(document.published), document.doc_id))
    if document.url and (place := _place(document.url)):
        keys.append(("url", place))
    return keys


def _place(url: str) -> str:
    """Give an address without what differs from link to link; "" for that of a whole site.

    Examples
    --------
    >>> _place("https://www.example.com/a/b/?utm_source=x#top"), _place("http://example.com/a/b"), _place("https://example.com/")
    ('example.com/a/b', 'example.com/a/b', '')
    """
    bare = _TRACKING.sub("", _BEFORE_PLACE.sub("", url.strip()).partition("#")[0]).rstrip("?&/")
    site, _, rest = bare.partition("/")
    return f"{site.lower()}/{rest}" if rest or "?" in site else ""
