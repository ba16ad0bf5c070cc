"""Sidecar files: what a page does not say of itself, and why it is believed."""

from __future__ import annotations

import datetime as dt
import fnmatch
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from engine.faults import Fault
from engine.reader.document import Note
from engine.tables.single import written
from engine.tables.zones import check_zone, readings
from engine.toml import read_toml

_FIELDS: Final = ("published", "timezone", "reason", "precision", "language")


class Sidecar:
    """Notes on documents, found by doc_id, file name or a pattern of either (``"wire/*" = ...``)."""

    def __init__(self, notes: dict[str, Note]) -> None:
        self._notes = notes

    def __len__(self) -> int:
        return len(self._notes)

    def note(self, doc_id: str, source: str) -> Note | None:
        """Give the note on a document, or None."""
        if not self._notes:
            return None
        name = Path(source).name
        for key in (doc_id, name, source):
            if key in self._notes:
                return self._notes[key]
        for key, note in self._notes.items():
            if any(char in key for char in "*?[") and (
                fnmatch.fnmatchcase(doc_id, key) or fnmatch.fnmatchcase(name, key)
            ):
                return note
        return None

    @classmethod
    def read(cls, path: str | Path | None) -> Sidecar:
        """Read a sidecar file: a table ``[documents."ID"]`` for each document.

        Each may hold `published` (a date or a time), `timezone`, `reason` (needed beside `published`), `precision`
        ("inferred" unless said: "day" or "instant" where the text itself gives the day but, say, not the year) and `language`.

        Raises
        ------
        Fault
            The file cannot be read, or a note lacks its reason or holds something that is not allowed.
        """
        if path is None:
            return cls({})
        data = read_toml(path, "sidecar")
        documents = data.get("documents")
        if not isinstance(documents, dict) or set(data) - {"documents"}:
            raise Fault(
                f'sidecar {str(path)!r}: holds {", ".join(data) or "nothing"}, but must hold tables [documents."ID"] alone.'
            )
        return cls(
            {str(key): _note(value, f"sidecar {str(path)!r}, document {key!r}") for key, value in documents.items()}
        )


def _note(raw: Any, where: str) -> Note:
    if not isinstance(raw, dict):
        raise Fault(f"{where}: is {raw!r}, but must be a table with {', '.join(_FIELDS)}.")
    for key in raw:
        if key not in _FIELDS:
            close = get_close_matches(key, _FIELDS, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise Fault(f"{where}: {key!r} is not known{meant}; allowed are {', '.join(_FIELDS)}.")
    published: dt.date | dt.datetime | str | None = None
    if "published" in raw:
        published = raw["published"]
        said = written(published) if isinstance(published, (str, dt.date)) else None
        if said is None or said.mdy != said.dmy or readings(said.zone) is None:
            raise Fault(
                f"{where}: published must be a date or a time (got {published!r}); write 2025-11-07 or 2025-11-07T08:00:00+01:00."
            )
        if not str(raw.get("reason", "")).strip():
            raise Fault(f"{where}: a date was given without a reason; say in `reason` why it is believed.")
    zone = raw.get("timezone")
    check_zone(zone, f"{where}: timezone")
    precision = raw.get("precision", "inferred")
    if precision not in ("instant", "day", "inferred"):
        raise Fault(f"{where}: precision={precision!r} is not known; allowed are instant, day, inferred.")
    language = raw.get("language")
    if language not in (None, "fr", "en", "zh-Hans", "zh-Hant"):
        raise Fault(f"{where}: language={language!r} cannot be read; allowed are fr, en, zh-Hans, zh-Hant.")
    return Note(published, zone, str(raw.get("reason", "")), precision, language)
