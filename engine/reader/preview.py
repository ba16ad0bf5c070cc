"""What a reading would take: which column of each file became what, with the first rows as they are understood."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engine.faults import Fault
from engine.reader import language as languages
from engine.reader.asked import Asked
from engine.reader.columns import Given, NoColumn, columns_from, with_seen
from engine.reader.decode import repair
from engine.reader.document import Document
from engine.reader.fold import fold
from engine.reader.published import published
from engine.reader.read import Sources, document_of
from engine.reader.sidecar import Sidecar
from engine.reader.sources import batches, files
from engine.tables.order import OpenDates, check_dates
from engine.tables.spelling import Order

ROWS: Final = 5
FILES: Final = 5
_TEXT: Final = 160  # characters of a text that are shown


def preview(
    sources: Sources,
    *,
    sidecar: str | Path | None = None,
    columns: Given = None,
    dates: Order | None = None,
    seen: str = "",
) -> dict[str, Any]:
    """Look at the first rows of each of the first files.

    Parameters are those of `engine.reader.read_documents`.

    Returns
    -------
    dict
        `files`: of each its name, its columns in a sentence, and its first rows (doc_id, published_at as it is understood or why it is
        not, seen, ticker, text); `notes`; `unread`: source and reason; `more`: how many files were not looked at.
    """
    check_dates(dates)
    notes = Sidecar.read(sidecar)
    said: list[str] = []
    paths = files(sources, said)
    asked = Asked(with_seen(columns_from(columns), seen), dates, said)
    shown = []
    faults: list[Fault] = []
    for path in paths[:FILES]:
        try:
            taken = batches([path], asked.columns, dates, asked.notes, asked.left_out, asked.told)
            first = next((batch for batch in taken if batch.height), None)
        except (OpenDates, NoColumn):
            raise
        except Fault as fault:
            faults.append(fault)
            continue
        rows = [] if first is None else [document_of(row, notes) for row in first.head(ROWS).iter_rows(named=True)]
        told = asked.told.get(str(path), "")
        shown.append({"file": str(path), "columns": told, "rows": [_row(document, dates) for document in rows]})
    if faults and not shown:
        raise faults[0]
    unread = [{"source": source, "reason": reason} for source, reason in asked.left_out]
    return {"files": shown, "notes": asked.notes, "unread": unread, "more": max(0, len(paths) - FILES)}


def _row(document: Document, dates: Order | None) -> dict[str, Any]:
    text = repair(document.text)
    folded = fold(text)
    try:
        when, _ = published(document, text, folded, languages.of_document(text, folded), dates)
        at = f"{when.at.isoformat()} ({when.precision})"
    except Fault as fault:
        at = str(fault)
    short = " ".join(text.split())
    return {
        "doc_id": document.doc_id, "published_at": at, "seen": document.seen, "ticker": document.ticker,
        "text": short[:_TEXT] + (" .." if len(short) > _TEXT else ""),
    }  # fmt: skip
