"""A document on its way through the reader, and the events of one."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from engine.clock import Precision, Publication
from engine.faults import Fault
from engine.reader import language as languages
from engine.reader import times
from engine.reader.claims import Claim, claims_in, laid
from engine.reader.clean import story
from engine.reader.decode import repair
from engine.reader.described import describe
from engine.reader.fold import fold
from engine.reader.learned.judge import LEAST, Weighed, judged, weighed
from engine.reader.lexicon import Lexicon
from engine.reader.moves import Move
from engine.reader.naming import as_symbol, named_in, subject_of
from engine.reader.passage import Passage, passages
from engine.reader.published import published, seen
from engine.reader.retold import told_once
from engine.reader.sentences import Span
from engine.reader.sessions import is_index, market_of, new_york
from engine.reader.strength import Worth, weigh
from engine.reader.terms import Hit
from engine.reader.who import Story
from engine.tables.spelling import Order

_DATED: Final = re.compile(r"(?:19|20)\d\d")
_FRESH: Final = dt.timedelta(days=6)  # an older day in a text is one that it looks back to
# What is told of the day before, not of trade before today's open.
_PAST: Final = re.compile(
    r"\b(?:fell|dropped|sank|plunged|tumbled|slid|slumped|lost|plummeted|crashed|tanked|dived|was|were|had|a (?:chute|plonge|perdu|devisse|degringole)"
    r"|(?:after|following|apres) (?:the |its |a |[a-z]+'s |le |la |sa |son )?(?:[a-z]+ )?(?:plunge|rout|sell-?off|fall|drop|crash|slump|chute|plongeon|krach))\b"
    r"|[跌挫崩]后|之后|昨|隔夜|收|曾"
)
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
    publisher
        Who published it, where a table says so.
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
    publisher: str | None = None


@dataclass(frozen=True)
class Found:
    """One event with what `explain` shows beside it."""

    row: dict[str, Any]
    claim: Claim
    worth: Worth
    told_on: dt.date | None = None  # the day that its own sentence gives
    story: str = ""  # the folded sentences of the whole story


@dataclass(frozen=True)
class Page:
    """A document laid open: its sentences, and who is named in it.

    Attributes
    ----------
    text, folded
        As it is read, and folded; of one length.
    spans, tongues
        Its sentences, and the language of each.
    names
        Who is named, in order.
    subject
        The ticker that its source says it is about, "" where nothing says.
    """

    document: Document
    text: str
    folded: str
    spans: list[Span]
    tongues: list[str]
    names: list[Hit]
    subject: str

    @property
    def names_somebody(self) -> bool:
        """Whether somebody known is named in it, or its source says whom it is about."""
        return bool(self.names or self.subject)

    def passages(self, lexicon: Lexicon) -> list[Passage]:
        """Give the sentences with the terms found in them."""
        return passages(self.text, self.folded, self.spans, lexicon, self.tongues, self.names)

    def claims(self, lexicon: Lexicon) -> list[Claim]:
        """Find what it claims of those who are named in it."""
        if not self.names_somebody:
            return []
        passages, told, about, found = self._ruled(lexicon)
        if lexicon.model is None or not passages:
            return found
        seen = weighed(self.text, self.names, passages, found, told, about, self.subject, lexicon.model)
        return judged(seen, told, about, lexicon.model)

    def weighed(self, lexicon: Lexicon, least: float = LEAST) -> Weighed | None:
        """Say how likely each of its sentences makes each claim; None where nobody is named, or nothing is learned."""
        if lexicon.model is None or not self.names_somebody:
            return None
        passages, told, about, found = self._ruled(lexicon)
        if not passages:
            return None
        return weighed(self.text, self.names, passages, found, told, about, self.subject, lexicon.model, least)

    def _ruled(self, lexicon: Lexicon) -> tuple[list[Passage], list[list[Move]], Story, list[Claim]]:
        """Give its sentences, the moves of prices that each tells, what it is about, and the claims of the rules."""
        passages = self.passages(lexicon)
        told, about = laid(passages, lexicon, self.subject)
        return passages, told, about, claims_in(passages, told, about)

    def dated(self, delay: dt.timedelta, order: Order | None) -> Dated:
        """Say when it was published and known; the Fault of `engine.reader.published.published` where nobody says."""
        told = "".join(self.folded[a:b] for a, b in self.spans)
        tongue = (self.document.note and self.document.note.language) or languages.of_document(
            "".join(self.text[a:b] for a, b in self.spans), told
        )
        when, zone = published(self.document, self.text, self.folded, tongue, order)
        known_at = max(filter(None, (when.at + delay, seen(self.document, zone, tongue, order))))
        return Dated(tongue, when, zone, known_at)

    @property
    def body(self) -> str:
        """What makes two stories one: a line that only dates the page differs from site to site, and is no part of it."""
        pieces = [self.folded[a:b] for a, b in self.spans if b - a > 60 or not _DATED.search(self.folded, a, b)]
        return " ".join(pieces) or "".join(self.folded[a:b] for a, b in self.spans)


class Dated(NamedTuple):
    """The language of a page, its publication, the zone in which its days are counted, and when it was known."""

    tongue: str
    when: Publication
    zone: str
    known_at: dt.datetime


def opened(document: Document, lexicon: Lexicon, order: Order | None = None) -> Page:
    """Lay a document open, and find who is named in it."""
    text = repair(document.text[:LONGEST])
    folded = fold(text)
    latin = languages.latin_of(folded)
    spans = list(story(text, folded))
    tongues = [languages.of_sentence(folded[span.start : span.end], latin) for span in spans]
    return Page(document, text, folded, spans, tongues, *_names(document, text, folded, latin, lexicon, order))


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
    page = opened(document, lexicon, order)
    made = page.claims(lexicon)
    found = events_of(page, made, page.dated(delay, order), lexicon) if made else []
    if not found and silent is not None:
        silent["no_claim" if page.names_somebody else "nobody_known"] += 1
    return found


def events_of(page: Page, found: list[Claim], dated: Dated, lexicon: Lexicon) -> list[Found]:
    """Make events of the claims of a page: each once, with its day, its strength and its evidence."""
    body = page.body
    made = _events(page, found, dated, lexicon)
    describe(made, page, lexicon)
    return [replace(item, story=body) for item in made]


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


def _events(page: Page, found: list[Claim], dated: Dated, lexicon: Lexicon) -> list[Found]:
    document, when, opening = page.document, dated.when, page.spans[0]
    reference = times.Reference(when.at, dated.zone, exact=when.precision == "instant")
    out: list[Found] = []
    session: dt.date | None = None
    told: Counter[tuple[str, int, int]] = (
        Counter()
    )  # claims of one kind in one sentence, of names that are not alike sure
    headline = page.folded[opening.start : opening.end]
    for claim in found:
        span = claim.passage.span
        told_on = day = _told_on(claim, reference, headline)
        if claim.market:
            # A story tells its day once: "On Thursday chip stocks fell. Nvidia lost 3.65%."
            day = day or session
            session = (
                session if claim.again else day
            )  # "fell 4.8% on Friday after a 10% drop on Thursday" is a story of Friday
        worth = weigh(claim, lexicon)
        evidence = page.text[span.start : span.end]
        place = (claim.kind, span.start, claim.again)
        row = {
            "event_id": _event_id(document.doc_id, claim, evidence, told[place]),
            "doc_id": document.doc_id, "kind": claim.kind, "assets": list(claim.assets), "strength": worth.strength, "stance": worth.stance,
            "happened_on": day, "published_at": when.at, "published_precision": when.precision, "known_at": dated.known_at,
            "figures": [figure._asdict() for figure in dict.fromkeys((*claim.figures, *claim.around))], "evidence": evidence, "evidence_start": span.start,
            "evidence_end": span.end, "language": dated.tongue, "reader": lexicon.label, "labelled_at": lexicon.labelled_at,
            "confidence": 1.0 if claim.confidence is None else claim.confidence,
        }  # fmt: skip
        told[place] += 1
        out.append(Found(row, claim, worth, told_on))
    out = told_once(out)
    _date(out, reference, opening)
    return out


def _date(found: list[Found], reference: times.Reference, opening: Span) -> None:
    """Give each fall that names no day the one that the text gives elsewhere, else the session of the publication."""
    falls = [item for item in found if item.claim.kind == "panic_drop"]
    undated = [item for item in falls if item.row["happened_on"] is None]
    if not undated:
        return
    passage = falls[0].claim.passage
    headline = passage.folded[opening.start : opening.end]
    told = next((item.told_on for item in falls if item.told_on and not item.claim.again), None)
    if told is None and not any(item.claim.passage.span == opening for item in falls):
        told = times.happened_on(passage.folded, *opening, reference, passage.language, market=new_york())
    if told and reference.local_date - told > _FRESH:
        told = None
    for item in undated:
        asset, words = item.row["assets"][0], item.claim.passage.words
        market = market_of(asset, words, headline)
        premarket = not (is_index(asset) or _PAST.search(headline))
        item.row["happened_on"] = told or times.session_told_in(reference, market, words, premarket=premarket)


def _told_on(claim: Claim, reference: times.Reference, headline: str) -> dt.date | None:
    """Find the day that a claim's sentence gives, in its own clause if it is there."""
    passage, span = claim.passage, claim.passage.span
    market = market_of(claim.assets[0], passage.words, headline) if claim.market else None
    return times.happened_on(
        passage.folded, span.start, span.end, reference, passage.language, market=market, near=claim.anchor.start, clause=claim.clause,
        apart=claim.apart,
    )  # fmt: skip


def _event_id(doc_id: str, claim: Claim, evidence: str, before: int) -> str:
    again = f"\0{claim.again}" if claim.again else ""
    other = f"\0\0{before}" if before else ""
    told = f"{doc_id}\0{claim.kind}\0{claim.passage.span.start}\0{evidence}{again}{other}"
    return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=8).hexdigest()
