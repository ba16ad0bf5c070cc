"""A document on its way through the reader, and the events of one."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.clock import Publication, publication
from engine.faults import Fault
from engine.reader import language as languages
from engine.reader import times
from engine.reader.claims import Claim, claims
from engine.reader.clean import story
from engine.reader.decode import repair
from engine.reader.fold import fold
from engine.reader.lexicon import Lexicon
from engine.reader.passage import passages
from engine.reader.retold import told_once
from engine.reader.strength import Worth, weigh

_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_DATED: Final = re.compile(r"(?:19|20)\d\d")
LONGEST: Final = 4_000_000  # characters of one document that are read; more than any article has


@dataclass(frozen=True)
class Note:
    """What a sidecar says of a document: the facts that the page itself lacks, and why they are believed."""

    published: dt.datetime | dt.date | None = None
    timezone: str | None = None
    reason: str = ""
    precision: str = "inferred"
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
        From a column or the page's metadata: a time, a day, or text that holds one; None where there is none.
    timezone
        IANA name or offset, where the source knows it.
    """

    doc_id: str
    text: str
    source: str
    published: dt.datetime | dt.date | str | None = None
    timezone: str | None = None
    note: Note | None = None


@dataclass(frozen=True)
class Found:
    """One event with what `explain` shows beside it."""

    row: dict[str, Any]
    claim: Claim
    worth: Worth
    told_on: dt.date | None = None  # the day that its own sentence gives
    story: str = ""  # the folded sentences of the whole story


def read(document: Document, lexicon: Lexicon, delay: dt.timedelta = dt.timedelta(0)) -> list[Found]:
    """Find the events of one document.

    Raises
    ------
    Fault
        The document makes claims, but neither it nor a sidecar says when it was published.
    """
    text = repair(document.text[:LONGEST])
    folded = fold(text)
    latin = languages.latin_of(folded)
    spans = list(story(text, folded))
    tongues = [languages.of_sentence(folded[span.start : span.end], latin) for span in spans]
    found = claims(passages(text, folded, spans, lexicon, tongues), lexicon)
    if not found:
        return []
    told = "".join(folded[a:b] for a, b in spans)
    tongue = (document.note and document.note.language) or languages.of_document(
        "".join(text[a:b] for a, b in spans), told
    )
    when, zone = published(document, text, folded, tongue)
    reference = times.Reference(when.at, zone)
    # A line that only dates the page differs from site to site; it is no part of what makes two stories one.
    body = " ".join(folded[a:b] for a, b in spans if b - a > 60 or not _DATED.search(folded, a, b)) or told
    return [
        replace(item, story=body) for item in _events(document, text, tongue, found, when, reference, lexicon, delay)
    ]


def published(document: Document, text: str, folded: str, tongue: str) -> tuple[Publication, str]:
    """Say when a document was published, and in which time zone its days are counted.

    What a column or the page states comes first; the sidecar supplies what is lacking.

    Raises
    ------
    Fault
        Nobody states it.
    """
    note = document.note or Note()
    latin = "zh" if tongue.startswith("zh") else tongue
    zone = note.timezone or document.timezone or times.ZONES.get(tongue, times.ZONES["und"])
    stated: dt.datetime | dt.date | None
    exact = _iso(document.published)
    if exact is not None:
        stated = exact
    elif isinstance(document.published, str):
        line = fold(document.published)
        dates = [item for item in times.dates(line, language=latin) if item.year]
        if not dates:
            raise Fault(
                f"{document.source}: the publication time {document.published!r} is no date with a year; "
                "write it as 2025-01-28T05:32+08:00, or name another column."
            )
        stated = times.instant(dates[0], zone)
    elif document.published is not None:
        stated = document.published
    else:
        own = times.published(text, folded, latin)
        stated = times.instant(own, zone) if own else None
    if stated is not None and not _FIRST_YEAR <= stated.year <= _LAST_YEAR:
        raise Fault(
            f"{document.source}: the publication time {stated.isoformat()} lies outside {_FIRST_YEAR} to {_LAST_YEAR}; correct it."
        )
    if isinstance(stated, dt.datetime) and stated.tzinfo is None:
        stated = times.attach(stated, zone)
    if stated is not None:
        return publication(stated, zone, source=document.source), zone
    if note.published is not None:
        at = note.published
        if isinstance(at, dt.datetime) and at.tzinfo is None:
            at = times.attach(at, zone)
        told = publication(at, zone, reason=note.reason, source=document.source)
        return (Publication(told.at, note.precision, note.reason), zone)  # type: ignore[arg-type]
    return publication(None, source=document.source), zone


def _iso(published: dt.datetime | dt.date | str | None) -> dt.datetime | dt.date | None:
    """Read ISO 8601, the usual notation of a column, without searching for it."""
    if not isinstance(published, str):
        return None
    try:
        return dt.date.fromisoformat(published) if len(published) == 10 else dt.datetime.fromisoformat(published)
    except ValueError:
        return None


def _events(
    document: Document,
    text: str,
    tongue: str,
    found: list[Claim],
    when: Publication,
    reference: times.Reference,
    lexicon: Lexicon,
    delay: dt.timedelta,
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
            "happened_on": day, "published_at": when.at, "published_precision": when.precision, "known_at": when.at + delay,
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
