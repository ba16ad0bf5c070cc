"""A document on its way through the reader, and the events of one."""

from __future__ import annotations

import datetime as dt
import functools
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
from engine.reader.naming import as_symbol, named_in, subject_of
from engine.reader.passage import passages
from engine.reader.strength import Worth, weigh
from engine.reader.terms import Hit

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
    ticker
        Whom the document is about, where a table has a column of tickers.
    """

    doc_id: str
    text: str
    source: str
    published: dt.datetime | dt.date | str | None = None
    timezone: str | None = None
    note: Note | None = None
    ticker: str | None = None


@dataclass(frozen=True)
class Found:
    """One event with what `explain` shows beside it."""

    row: dict[str, Any]
    claim: Claim
    worth: Worth
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
    names, subject = _names(document, text, folded, latin, lexicon)
    if not names and not subject:
        return []
    found = claims(passages(text, folded, spans, lexicon, tongues, names), lexicon, subject)
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


def _names(document: Document, text: str, folded: str, latin: str, lexicon: Lexicon) -> tuple[list[Hit], str]:
    """Find who is named in a document, and the ticker that its source says it is about."""

    @functools.cache
    def tongue() -> str:
        return languages.of_document(text, folded, latin)

    @functools.cache
    def day() -> dt.date | None:
        try:
            return published(document, text, folded, tongue())[0].at.date()
        except Fault:
            return None

    column = as_symbol(document.ticker) if document.ticker else ""
    names = named_in(lexicon, folded, text, tongue=tongue, day=day, ticker=column)
    return names, subject_of(column, lexicon, names, tongue, day) if column else ""


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
        day = times.happened_on(
            claim.passage.folded,
            span.start,
            span.end,
            reference,
            claim.passage.language,
            market=claim.market,
            near=claim.anchor.start,
        )
        if claim.market:
            # A story tells its day once: "On Thursday chip stocks fell. Nvidia lost 3.65%."
            session = day or session
            day = session
        worth = weigh(claim, lexicon)
        evidence = text[span.start : span.end]
        row = {
            "event_id": _event_id(document.doc_id, claim.kind, span.start, evidence),
            "doc_id": document.doc_id, "kind": claim.kind, "assets": list(claim.assets), "strength": worth.strength, "stance": worth.stance,
            "happened_on": day, "published_at": when.at, "published_precision": when.precision, "known_at": when.at + delay,
            "figures": [figure._asdict() for figure in dict.fromkeys((*claim.figures, *claim.around))], "evidence": evidence, "evidence_start": span.start,
            "evidence_end": span.end, "language": tongue, "reader": lexicon.label, "labelled_at": lexicon.released,
        }  # fmt: skip
        out.append(Found(row, claim, worth))
    return _without_repeats(out)


def _event_id(doc_id: str, kind: str, start: int, evidence: str) -> str:
    digest = hashlib.blake2b(f"{doc_id}\0{kind}\0{start}\0{evidence}".encode("utf-8", "replace"), digest_size=8)
    return digest.hexdigest()


def _without_repeats(found: list[Found]) -> list[Found]:
    """Drop what a document says twice, so that no claim counts for two. The strongest telling stays and takes the figures over."""
    out: list[Found] = []
    for item in sorted(found, key=lambda f: (-f.row["strength"], f.row["evidence_start"])):
        kept = next((other for other in out if _repeats(item, other)), None)
        if kept is None:
            out.append(item)
        else:
            kept.row["figures"] += [figure for figure in item.row["figures"] if figure not in kept.row["figures"]]
    out.sort(key=lambda f: (f.row["evidence_start"], f.row["kind"]))
    return out


# Kinds that are an opinion: said again with another figure, it is still the same opinion.
_OPINIONS: Final = frozenset(
    {
        "bubble_warning",
        "valuation_alarm",
        "denial",
        "support",
        "overdone_call",
        "hawkish_policy",
        "disruption_shock",
        "backstop_plea",
    }
)


def _repeats(item: Found, kept: Found) -> bool:
    """Tell whether an event adds nothing to one that is kept: the same kind of the same names, and no figure of its own."""
    row, other = item.row, kept.row
    if (
        row["kind"] != other["kind"]
        or not set(row["assets"]) <= set(other["assets"])
        or row["happened_on"] not in (None, other["happened_on"])
    ):
        return False
    if row["kind"] in _OPINIONS:
        return bool((row["stance"] < 0) == (other["stance"] < 0))
    own = {(figure.what, figure.value, figure.unit) for figure in item.claim.figures}
    return own <= {(f["what"], f["value"], f["unit"]) for f in other["figures"]}
