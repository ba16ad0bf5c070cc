"""One story on ten sites: exact copies and near copies become one event with ten sources; later versions add what is new."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.reader.document import Document, Found
from engine.reader.versions import Versions, told_before

HASHES: Final = 64
BANDS: Final = 16  # of 4 hashes: two stories that share 70% of their shingles meet in a band with probability 0.99
ALIKE: Final = 0.6  # share of equal bins, an estimate of Jaccard's index of the shingles (Broder 1997)
SHINGLE: Final = 6  # characters
WINDOW: Final = dt.timedelta(days=14)  # a text that comes again later is another story
_EMPTY: Final = np.uint64((1 << 64) - 1)
LONGEST: Final = 8_000  # characters of a story that are compared
_Signature = npt.NDArray[np.uint64]


class Telling(NamedTuple):
    """What a document tells: the rows of its events, and the signature of its story."""

    events: list[dict[str, Any]]
    signature: _Signature


def telling(found: list[Found]) -> Telling | None:
    """Give what a document tells; None where it has no events."""
    return Telling([item.row for item in found], _signature(found[0].story)) if found else None


class Stories:
    """Keeps the events of one telling of each story, and counts the others as its sources."""

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}  # of exact copies: digest -> doc_id of the first
        self._copies: list[tuple[str, Document]] = []
        self._found: list[tuple[Document, list[dict[str, Any]], _Signature]] = []
        self.copies = 0  # the very text of another
        self.repeated = 0  # these, near copies and later versions
        self.versions = 0
        self._versions = Versions()

    def is_copy(self, document: Document) -> bool:
        """Tell whether the very text, published at the very time, was read already; such a document needs no reading."""
        digest = self._digest(document)
        if digest in self._texts:
            self._copies.append((self._texts[digest], document))
            self.copies += 1
            self.repeated += 1
            return True
        self._texts[digest] = document.doc_id
        return False

    def forget(self, document: Document) -> None:
        """Forget a text that gave nothing, so that its copies are refused like it, each by its name."""
        self._texts.pop(self._digest(document), None)

    def add(self, document: Document, told: Telling | None) -> None:
        """Keep the events of a document."""
        if told is not None:
            self._found.append((replace(document, text=""), told.events, told.signature))

    @staticmethod
    def _digest(document: Document) -> bytes:
        when = f"{document.published}\0{document.modified}\0{document.seen}\0{document.timezone}"
        told = f"{when}\0{document.note}\0{document.text}"
        return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).digest()

    def settle(self) -> tuple[list[dict[str, Any]], list[tuple[str, str, str, dt.datetime]]]:
        """Join the tellings of each story.

        The first published telling (then the smaller doc_id) keeps its events; an event of a later one that the first has
        too (same kind, an asset in common) becomes a source of it, any other stands. Of a later version of a document what an
        earlier one says of the same asset is told already; the rest stands, known when that version was.

        Returns
        -------
        rows, sources
            Events; and (event_id, doc_id, source, published_at) for each document that tells of one.
        """
        order = sorted(
            range(len(self._found)),
            key=lambda i: (
                self._found[i][1][0]["known_at"], self._found[i][1][0]["published_at"], self._found[i][0].doc_id, self._found[i][0].source,
            ),
        )  # fmt: skip
        first: dict[tuple[int, bytes], list[int]] = {}
        rows: list[dict[str, Any]] = []
        kept: dict[int, list[dict[str, Any]]] = {}
        told: list[tuple[str, str, str, dt.datetime]] = []
        seen: set[str] = set()
        by_doc: dict[str, list[str]] = {}
        for index in order:
            document, events, signature = self._found[index]
            home = self._home(index, signature, first)
            mine: list[dict[str, Any]] = []
            tells: list[dict[str, Any]] = []
            earlier = self._versions.earlier(document)
            for event in events:
                again, fresh = _parted(event, earlier, kept.get(home, []) if home is not None else [])
                if fresh and fresh["event_id"] not in seen:
                    seen.add(fresh["event_id"])
                    rows.append(fresh)
                    mine.append(fresh)
                    again.append(fresh)
                for target in again:
                    told.append((target["event_id"], document.doc_id, document.source, event["published_at"]))
                    by_doc.setdefault(document.doc_id, []).append(target["event_id"])
                tells += again
            self.versions += bool(earlier)
            self.repeated += home is not None or bool(earlier)
            self._versions.add(document, tells)
            kept[index] = mine
        when = {event["event_id"]: event["published_at"] for event in rows}
        for doc_id, copy in self._copies:
            told += [
                (event_id, copy.doc_id, copy.source, when[event_id])
                for event_id in by_doc.get(doc_id, [])
                if event_id in when
            ]
        return rows, told

    def _home(self, index: int, signature: _Signature, first: dict[tuple[int, bytes], list[int]]) -> int | None:
        """Find an earlier telling of the same story, or make this one a home."""
        bands = [(band, signature[band * 4 : band * 4 + 4]) for band in range(BANDS)]
        keys = [(band, part.tobytes()) for band, part in bands if (part != _EMPTY).any()]
        published = self._found[index][1][0]["published_at"]
        for other in dict.fromkeys(i for key in keys for i in first.get(key, ())):
            near = published - self._found[other][1][0]["published_at"] <= WINDOW
            if near and _alike(signature, self._found[other][2]) >= ALIKE:
                return other
        for key in keys:
            first.setdefault(key, []).append(index)
        return None


def _signature(text: str) -> _Signature:
    """Hash a text's shingles into 64 bins and keep the least of each (one-permutation MinHash; Li, Owen and Zhang 2012)."""
    codes = np.frombuffer(text[:LONGEST].encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < SHINGLE:
        codes = np.pad(codes, (0, SHINGLE - len(codes)))
    rolled = np.zeros(len(codes) - SHINGLE + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for offset in range(SHINGLE):
            rolled = rolled * np.uint64(1_000_003) + codes[offset : offset + len(rolled)]
        rolled = (rolled ^ (rolled >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
        rolled ^= rolled >> np.uint64(29)
    rolled.sort()
    least_last = rolled[::-1]
    out = np.full(HASHES, _EMPTY)
    out[(least_last % np.uint64(HASHES)).astype(np.intp)] = least_last  # the last one assigned stays: the least
    return out


def _alike(one: _Signature, other: _Signature) -> float:
    filled = (one != _EMPTY) | (other != _EMPTY)
    return float((one == other)[filled].mean()) if filled.any() else 0.0


def _parted(
    event: dict[str, Any], earlier: list[dict[str, Any]], home: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Part an event into those that earlier versions and the same story elsewhere tell, and what is new in it."""
    again, fresh = told_before(event, earlier)
    mine = {other["event_id"] for other in earlier}
    twin = _twin(fresh, [other for other in home if other["event_id"] not in mine]) if fresh else None
    return ([*again, twin], None) if twin else (again, fresh)


def _twin(event: dict[str, Any], kept: list[dict[str, Any]]) -> dict[str, Any] | None:
    for other in kept:
        if other["kind"] == event["kind"] and set(other["assets"]) & set(event["assets"]):
            return other
    return None
