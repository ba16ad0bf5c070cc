"""Documents on their way: past the first pass, without copies and other languages, and what each of them tells."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import polars as pl

from engine.faults import Fault
from engine.reader.classified import read_classified
from engine.reader.classifier import Classifier
from engine.reader.document import Document, Found, read
from engine.reader.duplicates import Stories, Telling, telling
from engine.reader.language import is_other, suspects
from engine.reader.lexicon import Lexicon
from engine.reader.prefilter import Prefilter
from engine.reader.sidecar import Sidecar
from engine.reader.workers import Answers, answer
from engine.tables.spelling import Order


class Part(NamedTuple):
    """Some documents on their way: how many, their bytes, and those that may hold a claim, with whether each is in another language."""

    height: int
    size: int
    documents: list[tuple[Document, bool]]

    def ours(self) -> Iterator[Document]:
        """Give those that are to be read."""
        return (document for document, other in self.documents if not other)


def part_of(rows: pl.DataFrame, notes: Sidecar, prefilter: Prefilter, counts: Counter[str]) -> Part:
    """Make documents of the rows that may hold a claim, and count the others."""
    size = int(rows["text"].str.len_bytes().sum())
    counts.update(documents=rows.height, characters=size)
    documents = []
    for row in _kept(rows, prefilter, counts):
        document = document_of(row, notes)
        told = document.note is not None and document.note.language
        documents.append((document, row["suspect"] and not told and is_other(document.text)))
    return Part(rows.height, size, documents)


def fresh(documents: Iterable[tuple[Document, bool]], stories: Stories, counts: Counter[str]) -> Iterator[Document]:
    """Give the documents that are to be read: none whose very text was read, none in another language, which is counted."""
    for document, other in documents:
        if stories.is_copy(document):
            continue
        if other:
            counts["other_language"] += 1
            continue
        yield document


def tellings(
    documents: Iterator[Document],
    lexicon: Lexicon,
    delay: dt.timedelta,
    dates: Order | None,
    classifier: Classifier | None,
    silent: Counter[str],
    answers: Answers | None,
) -> Iterator[tuple[Document, Telling | Fault | None]]:
    """Give what documents tell: as other processes answer, else as `read_all` reads them here."""
    if answers is None:
        for document, found in read_all(documents, lexicon, delay, dates, classifier, silent):
            yield document, found if isinstance(found, Fault) else telling(found)
        return
    for document in documents:
        told, why = answers.take(document) or answer(document, lexicon, delay, dates)
        silent.update((why,) if why else ())
        yield document, told


def read_all(
    documents: Iterator[Document],
    lexicon: Lexicon,
    delay: dt.timedelta,
    dates: Order | None,
    classifier: Classifier | None,
    silent: Counter[str],
) -> Iterator[tuple[Document, list[Found] | Fault]]:
    """Read documents, by a classifier if there is one; a document without a date comes with its Fault.

    `silent` counts those without events, as `engine.reader.document.read` does.
    """
    if classifier is not None:
        yield from read_classified(documents, lexicon, classifier, delay, dates, silent)
        return
    for document in documents:
        found: list[Found] | Fault
        try:
            found = read(document, lexicon, delay, dates, silent)
        except Fault as fault:
            found = fault
        yield document, found


def _kept(part: pl.DataFrame, prefilter: Prefilter, counts: Counter[str]) -> Iterator[dict[str, Any]]:
    """Give the rows that may hold a claim, with whether they may be in another language; count the others by what they lack."""
    suspect = suspects(part["text"])
    reasons = pl.Series(prefilter.sift(part), dtype=pl.String)
    kept = reasons == ""
    counts.update(dict(reasons.filter(~kept & ~suspect).value_counts().iter_rows()))
    odd = zip(part["text"].filter(~kept & suspect), reasons.filter(~kept & suspect), strict=True)
    counts.update("other_language" if is_other(text) else reason for text, reason in odd)
    found = part.with_columns(suspect=suspect).filter(kept)
    counts["kept"] += found.height
    yield from found.iter_rows(named=True)


def document_of(row: dict[str, Any], notes: Sidecar) -> Document:
    """Make a document of a row of `engine.reader.rows.SCHEMA`."""
    return Document(
        row["doc_id"], row["text"], row["source"], row["published"], row["timezone"], notes.note(row["doc_id"], row["source"]),
        tuple(row["modified"]), row["ticker"], row["seen"], row["url"], row["publisher"],
    )  # fmt: skip
