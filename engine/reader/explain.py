"""Why an event is what it is: the sentence, the words, the times and every factor of its strength; and why a document gave none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.legible import numeral
from engine.reader.asked import Asked
from engine.reader.columns import Given, columns_from, with_seen
from engine.reader.document import Document, Found, Sight, look, tell
from engine.reader.language import is_other
from engine.reader.lexicon import Lexicon, load
from engine.reader.names.table import NameTable
from engine.reader.prefilter import Prefilter
from engine.reader.published import states_time
from engine.reader.read import Reading, Sources, document_of, read_sources
from engine.reader.sidecar import Sidecar
from engine.reader.sources import batches, files
from engine.tables.spelling import Order

_ROW = re.compile(r", row (?=\d+$)")
_SHOWN = 12  # words and names that are listed


def explain(
    wanted: str,
    sources: Sources,
    *,
    sidecar: str | Path | None = None,
    lexicon: Sequence[str | Path] | str | Path = (),
    names: NameTable | None = None,
    columns: Given = None,
    dates: Order | None = None,
    seen: str = "",
) -> dict[str, Any]:
    """Read the documents again and say how one event came to be, or what one document gave, and why it gave nothing.

    Parameters
    ----------
    wanted
        The id of an event or of a document, as it stands in the events table; of a document also its file, and its place in it as
        messages name it ("news.csv, row 12", "news.csv#12").
    sources, sidecar, lexicon, names, columns, dates, seen
        What the table was read with.

    Returns
    -------
    dict
        Of an event `event` (its row), `source`, `words` (what made the claim), `how` (the flags that were raised), `strength` (its
        factors by name, as `engine.reader.strength.weigh` multiplies them) and `text` (a few lines to print). Of a document
        `doc_id`, `source`, `reason` (a name of `engine.reader.counted.SILENT`, or "" where it gave events), `names` (who was found:
        ticker or group by the words), `words` (what may make a claim), `events` (as above, for each) and `text`.

    Raises
    ------
    Fault
        No document has that id, or gives an event of that id.
    """
    words = load([lexicon] if isinstance(lexicon, (str, Path)) else lexicon, names)
    notes = Sidecar.read(sidecar)
    asked = Asked(with_seen(columns_from(columns), seen), dates)

    def documents() -> Iterator[Document]:
        for batch in batches(files(sources), asked.columns, dates, asked.notes, asked.left_out):
            yield from (document_of(row, notes) for row in batch.iter_rows(named=True))

    def whole() -> Reading:
        return read_sources(
            sources, sidecar=sidecar, lexicon=lexicon, names=names, columns=columns, dates=dates, seen=seen
        )

    ids: set[str] = set()
    for document in documents():
        ids.add(document.doc_id)
        if _is_meant(document, wanted):
            twin = next(other for other in documents() if _text_of(other) == _text_of(document))
            return _of_document(document, twin, words, dates, whole)
    for document in documents():
        try:
            found = tell(document, look(document, words, dates), words, order=dates)
        except Fault:
            continue
        for item in found:
            if item.row["event_id"] == wanted:
                return _told(item, document, document.note.reason if document.note else "")
    raise Fault(
        f"event_id={wanted!r}: no document given has such an event, nor that id itself{did_you_mean(wanted, ids)}; take an id from the "
        "events table read from the same documents, or the id of a document."
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


# ----------------------------------------------------------------------------------------------------------- a document


def _is_meant(document: Document, wanted: str) -> bool:
    """Tell whether a document is called so: by its id, its file, or its place in it."""
    place = _ROW.sub("#", document.source)
    return wanted in (document.doc_id, document.source, place, Path(document.source).name, Path(place).name)


def _text_of(document: Document) -> tuple[Any, ...]:
    """Give what two documents have in common of which the reader reads one; see `engine.reader.duplicates`."""
    return document.text, document.published, document.modified, document.seen, document.timezone, document.note


def _of_document(
    document: Document, first: Document, lexicon: Lexicon, dates: Order | None, whole: Callable[[], Reading]
) -> dict[str, Any]:
    """Say what a document gave, or why it gave nothing."""
    sight = look(document, lexicon, dates)
    names = _names_in(sight)
    if document.ticker and sight.subject:
        names = {f"the table's {document.ticker}": sight.subject, **names}
    prefilter = Prefilter(lexicon)
    words = prefilter.words_in(sight.folded)
    lack = prefilter.lacks(sight.text, document.ticker)
    reason, sentences = _reason(document, first, sight, lack)
    events: list[dict[str, Any]] = []
    if not reason:
        try:
            found = tell(document, sight, lexicon, order=dates)
            events = [_told(item, document, document.note.reason if document.note else "") for item in found]
            sentences = _gave(document, found, whole())
        except Fault as fault:
            reason, sentences = "unread_date" if states_time(document) else "no_date", [str(fault)]
    lines = [
        f"{document.doc_id} · {document.source}",
        *sentences,
        f"names      {_list(f'{name} ({key})' for name, key in names.items())}",
        f"words      {_list(words)}",
        *(f"\n{item['text']}" for item in events),
    ]
    return {
        "doc_id": document.doc_id, "source": document.source, "reason": reason, "names": names, "words": words, "events": events,
        "text": "\n".join(lines),
    }  # fmt: skip


def _reason(document: Document, first: Document, sight: Sight, lack: str) -> tuple[str, list[str]]:
    """Say why a document gives no event, in the order in which a reading counts it; "" where it makes a claim."""
    if not lack and first.source != document.source:
        told = f"it is the very text of {first.doc_id} ({first.source}), as whose source it counts"
        return "copies", [f"No event of its own: {told}."]
    if is_other(document.text) and not (document.note and document.note.language):
        return "other_language", ["No event: its language is neither English, French nor Chinese."]
    named = sight.names or sight.subject
    if lack == "no_claim":
        told = "" if named else " It names nobody known either."
        return lack, [f"No event: it makes no claim, for no word of the lexicon that makes one stands in it.{told}"]
    if lack or not named:
        return "nobody_known", ["No event: it names nobody known. A table of names adds companies: --names."]
    if sight.claims:
        return "", []
    return "no_claim", ["No event: it makes no claim, for of its words none makes one about the names beside it."]


def _gave(document: Document, found: list[Found], reading: Reading) -> list[str]:
    """Say what became of the events of a document among all others."""
    owners = dict(zip(*(reading.events.frame[name] for name in ("event_id", "doc_id")), strict=True))
    left_out = dict(zip(*(reading.left_out[name] for name in ("event_id", "reason")), strict=True))
    told = reading.sources.filter(reading.sources["source"] == document.source)["event_id"]
    out = [f"{len(found)} event{'' if len(found) == 1 else 's'}."]
    for item in found:
        if item.row["event_id"] in left_out:
            out.append(f"left out   {item.row['event_id']}, for no table may hold it: {left_out[item.row['event_id']]}")
    others = sorted({owners[event_id] for event_id in told if owners.get(event_id, document.doc_id) != document.doc_id})
    if others:
        out.append(
            f"copy of    {_list(others)}: what both tell is an event of the first telling, with this document as a source."
        )
    return out


def _names_in(sight: Sight) -> dict[str, str]:
    return {sight.text[hit.start : hit.end]: hit.key for hit in sight.names}


def _list(items: Iterable[str]) -> str:
    listed = list(items)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return f"{', '.join(listed[:_SHOWN])}{more}" if listed else "none"
