"""Why an event is what it is: the sentence, the words, the times and every factor of its strength."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.event_table import OPTIONAL
from engine.faults import Fault
from engine.legible import numeral
from engine.reader import plugins
from engine.reader.classified import with_classifier
from engine.reader.classifier import Classifier
from engine.reader.document import Document, Found
from engine.reader.lexicon import load
from engine.reader.names.table import NameTable
from engine.reader.read import OWN, AnyReader, Sources, document_of, read_all, read_documents
from engine.reader.sidecar import Sidecar
from engine.reader.sources import Columns, batches, columns_from, files
from engine.tables.spelling import Order


def explain(
    event_id: str,
    sources: Sources,
    *,
    sidecar: str | Path | None = None,
    lexicon: Sequence[str | Path] | str | Path = (),
    names: NameTable | None = None,
    columns: str | Path | dict[str, str] | Columns | None = None,
    dates: Order | None = None,
    reader: AnyReader = OWN,
) -> dict[str, Any]:
    """Read the documents again and say how one event came to be.

    Parameters
    ----------
    event_id
        As it stands in the events table.
    sources, sidecar, lexicon, names, columns, dates, reader
        What the table was read with.

    Returns
    -------
    dict
        `event` (its row; `novelty`, which only the whole table tells, is 1 in it), `source`, `words` (what made the claim), `how` (the
        flags that were raised), `strength` (its factors by name, as `engine.reader.strength.weigh` multiplies them) and `text` (a few
        lines to print).

    Raises
    ------
    Fault
        No document gives an event of that id.
    """
    chosen = plugins.find(reader)
    words = load([lexicon] if isinstance(lexicon, (str, Path)) else lexicon, names)
    classifier = chosen if isinstance(chosen, Classifier) else None
    if not isinstance(chosen, Classifier) and chosen is not read_documents:
        given = {
            "sidecar": sidecar,
            "lexicon": lexicon,
            "names": names,
            "columns": columns,
            "dates": dates,
            "delay": dt.timedelta(0),
            "progress": False,
        }
        reading = plugins.read_by(chosen, reader, sources, given)
        for row in reading.events.frame.filter(event_id=event_id).iter_rows(named=True):
            return _told_by_others(row)
    else:
        notes = Sidecar.read(sidecar)
        words = with_classifier(words, classifier) if classifier else words
        rows = (
            row
            for batch in batches(files(sources), columns_from(columns), dates)
            for row in batch.iter_rows(named=True)
        )
        documents = (document_of(row, notes) for row in rows)
        for document, found in read_all(documents, words, dt.timedelta(0), dates, classifier):
            for item in () if isinstance(found, Fault) else found:
                if item.row["event_id"] == event_id:
                    return _told(item, document, document.note.reason if document.note else "", classifier)
    raise Fault(
        f"event_id={event_id!r}: no document given has such an event; take an id from the events table read from the same documents."
    )


def _told_by_others(row: dict[str, Any]) -> dict[str, Any]:
    """Say what is known of an event that somebody else's reader found."""
    lines = [
        f"{row['kind']} · {', '.join(row['assets'])}",
        f"sentence   {row['evidence'] or 'not said'}",
        f"in         {row['source'] or row['doc_id']} ({row['language']})",
        f"happened   {row['happened_on'] or 'not said'}",
        f"published  {row['published_at'].isoformat()} ({row['published_precision']})",
        f"known      {row['known_at'].isoformat()}",
        f"strength   {row['strength']}",
        f"stance     {row['stance']:+.2f}",
        _sureness(row),
        f"reader     {row['reader']}, labelled {row['labelled_at'].isoformat()}",
    ]
    return {"event": row, "source": row["source"], "words": "", "how": [], "strength": {}, "text": "\n".join(lines)}


def _sureness(row: dict[str, Any]) -> str:
    told = "; of a time that the model was trained on: hindsight" if row.get("hindsight") else ""
    return f"confidence {numeral(row['confidence'], 6)}{told}"


def _told(item: Found, document: Document, reason: str, classifier: Classifier | None) -> dict[str, Any]:
    claim, row = item.claim, item.row
    how = [name for name in ("hedged", "secondhand", "mention", "emphatic", "from_context") if getattr(claim, name)]
    parts = " · ".join(f"{name} {numeral(value, 6)}" for name, value in item.worth.parts.items())
    figures = (
        ", ".join(f"{f['asset'] or '-'} {f['what']} {numeral(f['value'])} {f['unit']}" for f in row["figures"])
        or "none"
    )
    lines = [
        f"{row['kind']} · {', '.join(row['assets'])}",
        f"sentence   {row['evidence']}",
        f"in         {document.source}, characters {row['evidence_start']} to {row['evidence_end']} of the repaired text ({row['language']})",
        f"words      {'the whole sentence' if classifier else repr(claim.words)}{' · ' + ', '.join(how) if how else ''}",
        f"figures    {figures}",
        f"happened   {row['happened_on'] or 'not said'}",
        f"published  {row['published_at'].isoformat()} ({row['published_precision']}){' · ' + reason if reason else ''}",
        f"known      {row['known_at'].isoformat()}",
        f"strength   {row['strength']} = {parts}",
        f"stance     {row['stance']:+.2f}",
        f"about      {', '.join(row['assets'])} by {numeral(row['relevance'], 4)}, in a document of the form {row['document_kind']}, of {row['source']}",
        *([_sureness(row)] if classifier else []),
        f"reader     {row['reader']}, labelled {row['labelled_at'].isoformat()}",
    ]
    return {
        "event": {**OPTIONAL, **row}, "source": document.source, "words": claim.words, "how": how, "strength": item.worth.parts, "text": "\n".join(lines),
    }  # fmt: skip
