"""A document on its way through the reader, and the events of one."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.clock import Precision, Publication
from engine.faults import Fault
from engine.reader import language as languages
from engine.reader import times
from engine.reader.claims import Claim, claims
from engine.reader.clean import story
from engine.reader.decode import repair
from engine.reader.fold import fold
from engine.reader.lexicon import Lexicon
from engine.reader.naming import as_symbol, named_in, subject_of
from engine.reader.passage import passages
from engine.reader.published import published, seen
from engine.reader.retold import told_once
from engine.reader.sentences import Span
from engine.reader.strength import Worth, weigh
from engine.reader.terms import Hit
from engine.tables.spelling import Order

_DATED: Final = re.compile(r"(?:19|20)\d\d")
LONGEST: Final = 4_000_000  # characters of one document that are read; more than any article has


@dataclass(frozen=True)
class Note:
    """What a sidecar says of a document: the facts that the page itself lacks, and why they are believed."""

    published: dt.datetime | dt.date | str | None = None
    timezone: str | None = None
    reason: str = ""
    precision: Precision = "inferred"
    language: str | None = None


@dataclass(frozen=True)
class Document:
    """A text with its provenance, as a source hands it over.

    Attributes
    ----------
    doc_id
        Its name in the events table.
    text
        Decoded, not yet repaired.
    source
        The file, and the row in it, for messages.
    published
        From a column or the page's metadata: a time, a day, or the text of one; None where there is none.
    timezone
        IANA name, offset or words such as EST, where the source knows it.
    modified
        Times at which the text was changed, each as `published`.
    ticker
        Whom the document is about, where a table has a column of tickers.
    seen
        When a crawler had it, where a table says so: nothing of it is known earlier.
    url
        Where it stood.
    """

    doc_id: str
    text: str
    source: str
    published: dt.datetime | dt.date | str | None = None
    timezone: str | None = None
    note: Note | None = None
    modified: tuple[dt.datetime | dt.date | str, ...] = ()
    ticker: str | None = None
    seen: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Sight:
    """What a document shows, before it is asked when it was published.

    Attributes
    ----------
    text, folded
        As repaired, and folded for matching.
    spans
        The sentences of its story.
    names
        Who is named.
    subject
        The ticker that its source says it is about, or "".
    claims
        What it claims.
    """

    text: str
    folded: str
    spans: list[Span]
    names: list[Hit]
    subject: str
    claims: list[Claim]


@dataclass(frozen=True)
class Found:
    """One event with what `explain` shows beside it."""

    row: dict[str, Any]
    claim: Claim
    worth: Worth
    told_on: dt.date | None = None  # the day that its own sentence gives
    story: str = ""  # the folded sentences of the whole story


def read(
    document: Document,
    lexicon: Lexicon,
    delay: dt.timedelta = dt.timedelta(0),
    order: Order | None = None,
    silent: Counter[str] | None = None,
) -> list[Found]:
    """Find the events of one document.

    Parameters
    ----------
    order
        How dates such as 01/02/2025 are read, where the user says so.
    silent
        Where to count a document without events: "nobody_known" or "no_claim".

    Raises
    ------
    Fault
        The document makes claims, but neither it nor a sidecar says when it was published.
    """
    sight = look(document, lexicon, order)
    found = tell(document, sight, lexicon, delay, order)
    if not found and silent is not None:
        silent["no_claim" if sight.names or sight.subject else "nobody_known"] += 1
    return found


def look(document: Document, lexicon: Lexicon, order: Order | None = None) -> Sight:
    """Find who is named in a document, and what it claims."""
    text = repair(document.text[:LONGEST])
    folded = fold(text)
    latin = languages.latin_of(folded)
    spans = list(story(text, folded))
    tongues = [languages.of_sentence(folded[span.start : span.end], latin) for span in spans]
    names, subject = _names(document, text, folded, latin, lexicon, order)
    found: list[Claim] = []
    if names or subject:
        found = claims(passages(text, folded, spans, lexicon, tongues, names), lexicon, subject)
    return Sight(text, folded, spans, names, subject, found)


def tell(
    document: Document,
    sight: Sight,
    lexicon: Lexicon,
    delay: dt.timedelta = dt.timedelta(0),
    order: Order | None = None,
) -> list[Found]:
    """Make events of the claims of a document.

    Raises
    ------
    Fault
        The document makes claims, but neither it nor a sidecar says when it was published.
    """
    if not sight.claims:
        return []
    text, folded, spans = sight.text, sight.folded, sight.spans
    told = "".join(folded[a:b] for a, b in spans)
    tongue = (document.note and document.note.language) or languages.of_document(
        "".join(text[a:b] for a, b in spans), told
    )
    when, zone = published(document, text, folded, tongue, order)
    known_at = max(filter(None, (when.at + delay, seen(document, zone, tongue, order))))
    reference = times.Reference(when.at, zone)
    # A line that only dates the page differs from site to site; it is no part of what makes two stories one.
    body = " ".join(folded[a:b] for a, b in spans if b - a > 60 or not _DATED.search(folded, a, b)) or told
    return [
        replace(item, story=body)
        for item in _events(document, text, tongue, sight.claims, when, reference, lexicon, known_at)
    ]


def _names(
    document: Document, text: str, folded: str, latin: str, lexicon: Lexicon, order: Order | None
) -> tuple[list[Hit], str]:
    """Find who is named in a document, and the ticker that its source says it is about."""

    @functools.cache
    def tongue() -> str:
        return languages.of_document(text, folded, latin)

    @functools.cache
    def day() -> dt.date | None:
        try:
            return published(document, text, folded, tongue(), order)[0].at.date()
        except Fault:
            return None

    column = as_symbol(document.ticker) if document.ticker else ""
    names = named_in(lexicon, folded, text, tongue=tongue, day=day, ticker=column)
    return names, subject_of(column, lexicon, names, tongue, day) if column else ""


def _events(
    document: Document,
    text: str,
    tongue: str,
    found: list[Claim],
    when: Publication,
    reference: times.Reference,
    lexicon: Lexicon,
    known_at: dt.datetime,
) -> list[Found]:
    out: list[Found] = []
    session: dt.date | None = None
    for claim in found:
        span = claim.passage.span
        told_on = day = _told_on(claim, reference)
        if claim.market:
            # A story tells its day once: "On Thursday chip stocks fell. Nvidia lost 3.65%."
            day = day or session
            session = (
                session if claim.again else day
            )  # "fell 4.8% on Friday after a 10% drop on Thursday" is a story of Friday
        worth = weigh(claim, lexicon)
        evidence = text[span.start : span.end]
        row = {
            "event_id": _event_id(document.doc_id, claim, evidence),
            "doc_id": document.doc_id, "kind": claim.kind, "assets": list(claim.assets), "strength": worth.strength, "stance": worth.stance,
            "happened_on": day, "published_at": when.at, "published_precision": when.precision, "known_at": known_at,
            "figures": [figure._asdict() for figure in dict.fromkeys((*claim.figures, *claim.around))], "evidence": evidence, "evidence_start": span.start,
            "evidence_end": span.end, "language": tongue, "reader": lexicon.label, "labelled_at": lexicon.released,
        }  # fmt: skip
        out.append(Found(row, claim, worth, told_on))
    return told_once(out)


def _told_on(claim: Claim, reference: times.Reference) -> dt.date | None:
    """Find the day that a claim's sentence gives, in its own clause if it is there."""
    passage, span = claim.passage, claim.passage.span
    return times.happened_on(
        passage.folded, span.start, span.end, reference, passage.language, market=claim.market, near=claim.anchor.start, clause=claim.clause
    )  # fmt: skip


def _event_id(doc_id: str, claim: Claim, evidence: str) -> str:
    again = f"\0{claim.again}" if claim.again else ""
    told = f"{doc_id}\0{claim.kind}\0{claim.passage.span.start}\0{evidence}{again}"
    return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=8).hexdigest()
