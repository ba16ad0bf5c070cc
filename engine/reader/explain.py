"""Why an event is what it is: the sentence, the words, the times and every factor of its strength."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.faults import Fault
from engine.legible import numeral
from engine.reader.columns import Columns, columns_from
from engine.reader.document import Document, Found, read
from engine.reader.lexicon import load
from engine.reader.names.table import NameTable
from engine.reader.read import Sources
from engine.reader.sidecar import Sidecar
from engine.reader.sources import batches, files
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
) -> dict[str, Any]:
    """Read the documents again and say how one event came to be.

    Parameters
    ----------
    event_id
        As it stands in the events table.
    sources, sidecar, lexicon, names, columns, dates
        What the table was read with.

    Returns
    -------
    dict
        `event` (its row), `source`, `words` (what made the claim), `how` (the flags that were raised), `strength` (its factors by
        name, as `engine.reader.strength.weigh` multiplies them) and `text` (a few lines to print).

    Raises
    ------
    Fault
        No document gives an event of that id.
    """
    words = load([lexicon] if isinstance(lexicon, (str, Path)) else lexicon, names)
    notes = Sidecar.read(sidecar)
    for batch in batches(files(sources), columns_from(columns), dates):
        for row in batch.iter_rows(named=True):
            document = Document(
                row["doc_id"], row["text"], row["source"], row["published"], row["timezone"], notes.note(row["doc_id"], row["source"]),
                tuple(row["modified"]), row["ticker"],
            )  # fmt: skip
            try:
                found = read(document, words, order=dates)
            except Fault:
                continue
            for item in found:
                if item.row["event_id"] == event_id:
                    return _told(item, document, document.note.reason if document.note else "")
    raise Fault(
        f"event_id={event_id!r}: no document given has such an event; take an id from the events table read from the same documents."
    )


def _told(item: Found, document: Document, reason: str) -> dict[str, Any]:
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
        f"words      {claim.words!r}{' · ' + ', '.join(how) if how else ''}",
        f"figures    {figures}",
        f"happened   {row['happened_on'] or 'not said'}",
        f"published  {row['published_at'].isoformat()} ({row['published_precision']}){' · ' + reason if reason else ''}",
        f"known      {row['known_at'].isoformat()}",
        f"strength   {row['strength']} = {parts}",
        f"stance     {row['stance']:+.2f}",
        f"reader     {row['reader']}, labelled {row['labelled_at'].isoformat()}",
    ]
    return {
        "event": row, "source": document.source, "words": claim.words, "how": how, "strength": item.worth.parts, "text": "\n".join(lines),
    }  # fmt: skip
