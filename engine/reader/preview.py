"""What a reading would take: which column of each file became what, with the first rows as they are understood."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engine.faults import Fault
from engine.reader import language as languages
from engine.reader.asked import Asked
from engine.reader.columns import Given, NoColumn, columns_from, with_seen
from engine.reader.counted import counted
from engine.reader.decode import repair
from engine.reader.document import Document
from engine.reader.fold import fold
from engine.reader.passing import document_of
from engine.reader.published import published
from engine.reader.read import Sources
from engine.reader.sidecar import Sidecar
from engine.reader.sources import PAGES, batches, ending, files
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
    """Look at the first pages, and at the first rows of each of the first tables.

    Parameters are those of `engine.reader.read_documents`.

    Returns
    -------
    dict
        `files`: of each its name, its columns in a sentence, and its first rows (doc_id, published_at as it is understood or why it is
        not, seen, ticker, text); `notes`; `unread`: source and reason; `more`: how many tables were not looked at.
    """
    check_dates(dates)
    notes = Sidecar.read(sidecar)
    said: list[str] = []
    paths = files(sources, said)
    asked = Asked(with_seen(columns_from(columns), seen), dates, said)
    pages = [path for path in paths if ending(path) in PAGES]
    tables = [[path] for path in paths if ending(path) not in PAGES]
    groups = [*([pages[:ROWS]] if pages else []), *tables[:FILES]]
    shown = []
    faults: list[Fault] = []
    for group in groups:
        try:
            taken = batches(group, asked.columns, dates, asked.notes, asked.left_out, asked.told)
            first = next((batch for batch in taken if batch.height), None)
        except (OpenDates, NoColumn):
            raise
        except Fault as fault:
            faults.append(fault)
            continue
        rows = [] if first is None else [document_of(row, notes) for row in first.head(ROWS).iter_rows(named=True)]
        name = f"{counted(len(pages), 'page')}, {pages[0]} first" if group[0] in pages else str(group[0])
        told = asked.told.get(str(group[0]), "")
        shown.append({"file": name, "columns": told, "rows": [_row(document, dates) for document in rows]})
    if faults and not shown:
        raise faults[0]
    unread = [{"source": source, "reason": reason} for source, reason in asked.left_out]
    return {"files": shown, "notes": asked.notes, "unread": unread, "more": max(0, len(tables) - FILES)}


def _row(document: Document, dates: Order | None) -> dict[str, Any]:
    text = repair(document.text)
    folded = fold(text)
    try:
        when, _ = published(document, text, folded, languages.of_document(text, folded), dates)
        at = f"{when.at.isoformat()} ({when.precision})"
    except Fault as fault:
        at = str(fault).removeprefix(f"{document.source}: ")
    short = " ".join(text.split())
    return {
        "doc_id": document.doc_id, "published_at": at, "seen": document.seen, "ticker": document.ticker,
        "text": short[:_TEXT] + (" .." if len(short) > _TEXT else ""),
    }  # fmt: skip
