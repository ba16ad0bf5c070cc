"""Why an event is what it is: the sentence, the words, the times and every factor of its strength; and why a document gave none."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from engine.event_table import OPTIONAL
from engine.faults import Fault
from engine.guess import did_you_mean
from engine.legible import numeral
from engine.number import share
from engine.reader import plugins
from engine.reader.asked import Asked
from engine.reader.classified import with_classifier
from engine.reader.classifier import Classifier
from engine.reader.columns import Given, columns_from, with_seen
from engine.reader.counted import counted
from engine.reader.document import Document, Found, Page, opened
from engine.reader.language import is_other
from engine.reader.learned import told as learned
from engine.reader.learned.judge import SURE
from engine.reader.learned.whom import Pair
from engine.reader.lexicon import Lexicon
from engine.reader.names.table import NameTable
from engine.reader.passing import document_of, read_all
from engine.reader.prefilter import Prefilter
from engine.reader.published import states_time
from engine.reader.read import (
    OWN,
    AnyReader,
    Reading,
    Sources,
    read_documents,
    read_sources,
    refuse_training,
    words_of,
)
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
    reader: AnyReader = OWN,
    min_confidence: float | None = None,
    train: str | Path | None = None,
) -> dict[str, Any]:
    """Read the documents again and say how one event came to be, or what one document gave, and why it gave nothing.

    Parameters
    ----------
    wanted
        The id of an event or of a document, as it stands in the events table; of a document also its file, and its place in it as
        messages name it ("news.csv, row 12", "news.csv#12").
    sources, sidecar, lexicon, names, columns, dates, seen, reader, min_confidence, train
        What the table was read with.

    Returns
    -------
    dict
        Of an event `event` (its row; `novelty`, which only the whole table tells, is 1 in it), `source`, `words` (what made the claim),
        `how` (the flags that were raised), `learned` (which n-grams, concepts and rules decided, and whom the claim touches by what, with their
        weights, as `engine.reader.learned.told.why` gives them; empty where nothing is learned), `strength` (its factors by name, as `engine.reader.strength.weigh` multiplies them) and `text` (a few lines to print). Of a document
        `doc_id`, `source`, `reason` (a name of `engine.reader.counted.SILENT`, or "" where it gave events), `names` (who was found:
        ticker or group by the words), `words` (what may make a claim), `events` (as above, for each), `likeliest` (kind, asset and confidence
        of its most likely claim; None where nothing is learned, or nobody is named) and `text`. Of a reader that is a
        function of sources only its events are known, and the documents that they name.

    Raises
    ------
    Fault
        No document has that id, or gives an event of that id.
    """
    given: dict[str, Any] = {
        "sidecar": sidecar, "lexicon": lexicon, "names": names, "columns": columns, "dates": dates, "seen": seen,
    }  # fmt: skip
    chosen = plugins.find(reader)
    refuse_training(train, reader, chosen is read_documents)
    sure = SURE if chosen is read_documents else 0.0
    least = sure if min_confidence is None else share(min_confidence, "min_confidence")
    if not isinstance(chosen, Classifier) and chosen is not read_documents:
        settings = {**given, "delay": dt.timedelta(0), "progress": False}
        return _by_others(wanted, plugins.read_by(chosen, reader, sources, settings).events.frame)
    classifier = chosen if isinstance(chosen, Classifier) else None
    words = words_of(lexicon, names, train)
    words = with_classifier(words, classifier) if classifier else words
    notes = Sidecar.read(sidecar)
    asked = Asked(with_seen(columns_from(columns), seen), dates)

    def documents() -> Iterator[Document]:
        for batch in batches(files(sources), asked.columns, dates, asked.notes, asked.left_out):
            yield from (document_of(row, notes) for row in batch.iter_rows(named=True))

    def found_in(them: Iterable[Document]) -> Iterator[tuple[Document, list[Found] | Fault]]:
        return read_all(iter(them), words, dt.timedelta(0), dates, classifier, Counter())

    def whole() -> Reading:
        return read_sources(sources, **given, reader=reader, min_confidence=min_confidence, train=train)

    ids: set[str] = set()
    for document in documents():
        ids.add(document.doc_id)
        if _is_meant(document, wanted):
            twin = next(other for other in documents() if _text_of(other) == _text_of(document))
            ((_, found),) = found_in([document])
            return _of_document(document, twin, opened(document, words, dates), found, words, classifier, whole, least)
    for document, found in found_in(document for document in documents() if not _is_foreign(document)):
        for item in () if isinstance(found, Fault) else found:
            if item.row["event_id"] == wanted:
                return _told(item, opened(document, words, dates), classifier, words)
    raise _unknown(wanted, ids)


def _unknown(wanted: str, ids: Iterable[str]) -> Fault:
    return Fault(
        f"event_id={wanted!r}: no document given has such an event, nor that id itself{did_you_mean(wanted, ids)}; take an id from the "
        "events table read from the same documents, or the id of a document."
    )


def _by_others(wanted: str, events: pl.DataFrame) -> dict[str, Any]:
    """Say what is known of an event that somebody else's reader found, or of the events of a document."""
    for row in events.filter(event_id=wanted).iter_rows(named=True):
        return _told_by_others(row)
    told = [_told_by_others(row) for row in events.filter(doc_id=wanted).iter_rows(named=True)]
    if not told:
        raise _unknown(wanted, events["doc_id"].unique().to_list())
    lines = [f"{wanted} · {told[0]['source'] or wanted}", _number(told), *(f"\n{item['text']}" for item in told)]
    return {
        "doc_id": wanted, "source": told[0]["source"], "reason": "", "names": {}, "words": [], "events": told, "likeliest": None, "text": "\n".join(lines),
    }  # fmt: skip


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
    return {
        "event": row,
        "source": row["source"],
        "words": "",
        "how": [],
        "learned": {},
        "strength": {},
        "text": "\n".join(lines),
    }


def _sureness(row: dict[str, Any]) -> str:
    told = "; of a time that the model was trained on: hindsight" if row.get("hindsight") else ""
    return f"confidence {numeral(row['confidence'], 6)}{told}"


def _told(item: Found, page: Page, classifier: Classifier | None, lexicon: Lexicon) -> dict[str, Any]:
    claim, row, document = item.claim, item.row, page.document
    why = _learned(item, page, classifier, lexicon)
    reason = document.note.reason if document.note else ""
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
        _sureness(row),
        *([] if why is None else learned.lines(why, row["kind"])),
        f"about      {', '.join(row['assets'])} by {numeral(row['relevance'], 4)}, in a document of the form {row['document_kind']}, of {row['source']}",
        f"reader     {row['reader']}, labelled {row['labelled_at'].isoformat()}",
    ]
    return {
        "event": {**OPTIONAL, **row}, "source": document.source, "words": claim.words, "how": how, "learned": why or {},
        "strength": item.worth.parts, "text": "\n".join(lines),
    }  # fmt: skip


def _learned(item: Found, page: Page, classifier: Classifier | None, lexicon: Lexicon) -> dict[str, Any] | None:
    """Say which weights decided; None where nothing is learned."""
    about = None if classifier else page.weighed(lexicon)
    if about is None or lexicon.model is None:
        return None
    row = item.row
    return learned.why(about, lexicon.model, row["evidence_start"], row["kind"], row["assets"])


# ----------------------------------------------------------------------------------------------------------- a document


def _is_meant(document: Document, wanted: str) -> bool:
    """Tell whether a document is called so: by its id, its file, or its place in it."""
    place = _ROW.sub("#", document.source)
    return wanted in (document.doc_id, document.source, place, Path(document.source).name, Path(place).name)


def _is_foreign(document: Document) -> bool:
    """Tell whether a document is left out for its language."""
    return not (document.note and document.note.language) and is_other(document.text)


def _text_of(document: Document) -> tuple[Any, ...]:
    """Give what two documents have in common of which the reader reads one; see `engine.reader.duplicates`."""
    return document.text, document.published, document.modified, document.seen, document.timezone, document.note


def _of_document(
    document: Document,
    first: Document,
    page: Page,
    found: list[Found] | Fault,
    lexicon: Lexicon,
    classifier: Classifier | None,
    whole: Callable[[], Reading],
    least: float,
) -> dict[str, Any]:
    """Say what a document gave, or why it gave nothing."""
    names = _names_in(page)
    if document.ticker and page.subject:
        names = {f"the table's {document.ticker}": page.subject, **names}
    prefilter = Prefilter(lexicon, any_words=classifier is not None)
    words = prefilter.words_in(page.folded)
    reason, sentences = _reason(document, first, page, found, prefilter.lacks(page.text, document.ticker), classifier)
    events: list[dict[str, Any]] = []
    if not reason and not isinstance(found, Fault):
        events = [_told(item, page, classifier, lexicon) for item in found]
        sentences = _gave(document, found, whole(), least)
    about = None if classifier or _is_foreign(document) else page.weighed(lexicon, -math.inf)
    likeliest = learned.likeliest(about) if about else None
    if likeliest and not any(item["event"]["confidence"] >= least for item in events):
        sentences.append(_likeliest(*likeliest, least))
    lines = [
        f"{document.doc_id} · {document.source}",
        *sentences,
        f"names      {_list(f'{name} ({key})' for name, key in names.items())}",
        f"words      {_list(words)}",
        *(f"\n{item['text']}" for item in events),
    ]
    return {
        "doc_id": document.doc_id, "source": document.source, "reason": reason, "names": names, "words": words, "events": events,
        "likeliest": likeliest and {"kind": likeliest[1].kind, "asset": likeliest[1].asset, "confidence": round(likeliest[0], 4)},
        "text": "\n".join(lines),
    }  # fmt: skip


def _reason(
    document: Document,
    first: Document,
    page: Page,
    found: list[Found] | Fault,
    lack: str,
    classifier: Classifier | None,
) -> tuple[str, list[str]]:
    """Say why a document gives no event, in the order in which a reading counts it; "" where it gives one."""
    if not lack and first.source != document.source:
        told = f"it is the very text of {first.doc_id} ({first.source}), as whose source it counts"
        return "copies", [f"No event of its own: {told}."]
    if _is_foreign(document):
        return "other_language", ["No event: its language is neither English, French nor Chinese."]
    if lack == "no_claim":
        told = "" if page.names_somebody else " It names nobody known either."
        return lack, [f"No event: it makes no claim, for no word of the lexicon that makes one stands in it.{told}"]
    if lack or not page.names_somebody:
        return "nobody_known", ["No event: it names nobody known. A table of names adds companies: --names."]
    if isinstance(found, Fault):
        return "unread_date" if states_time(document) else "no_date", [str(found)]
    if found:
        return "", []
    why = (
        f"{classifier.name} finds none in its sentences"
        if classifier
        else "of its words none makes one about the names beside it"
    )
    return "no_claim", [f"No event: it makes no claim, for {why}."]


def _likeliest(confidence: float, pair: Pair, least: float) -> str:
    below = f", below {numeral(least)}" if confidence < least else ""
    return f"most likely: {pair.kind} of {pair.asset}, {confidence:.2f}{below}"


def _gave(document: Document, found: list[Found], reading: Reading, least: float) -> list[str]:
    """Say what became of the events of a document among all others."""
    owners = dict(zip(*(reading.events.frame[name] for name in ("event_id", "doc_id")), strict=True))
    left_out = dict(zip(*(reading.left_out[name] for name in ("event_id", "reason")), strict=True))
    told = reading.sources.filter(reading.sources["source"] == document.source)["event_id"]
    unsure = sum(item.row["confidence"] < least for item in found)
    left = f" {counted(unsure, 'event')} left out, less sure than {numeral(least)}." if unsure else ""
    out = [f"{_number(found)}{left}"]
    for item in found:
        if item.row["event_id"] in left_out:
            out.append(f"left out   {item.row['event_id']}, for no table may hold it: {left_out[item.row['event_id']]}")
    others = sorted({owners[event_id] for event_id in told if owners.get(event_id, document.doc_id) != document.doc_id})
    if others:
        out.append(
            f"copy of    {_list(others)}: what both tell is an event of the first telling, with this document as a source."
        )
    return out


def _number(events: Sequence[object]) -> str:
    return f"{counted(len(events), 'event')}."


def _names_in(page: Page) -> dict[str, str]:
    return {page.text[hit.start : hit.end]: hit.key for hit in page.names}


def _list(items: Iterable[str]) -> str:
    listed = list(items)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return f"{', '.join(listed[:_SHOWN])}{more}" if listed else "none"
