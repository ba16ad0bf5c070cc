"""Reading with a classifier: pages are opened and dated by us, it labels their sentences, and events are made of the labels."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from engine.faults import Fault
from engine.reader.claims import Claim
from engine.reader.classifier import Classifier, Label
from engine.reader.document import Dated, Document, Found, Page, events_of, opened
from engine.reader.lexicon import KindWeight, Lexicon, Rule
from engine.reader.moves import Move, moves
from engine.reader.passage import Passage
from engine.reader.quantities import fall_quantities, quantities
from engine.reader.terms import Hit
from engine.reader.who import Story, counted, named, opening, tell, touched
from engine.tables.spelling import Order

#: Of falls and their recovery a session is told.
_OF_A_SESSION: Final = ("panic_drop", "overdone_call")
#: Whom a sentence speaks of that names no company: groups and private ones, else "it" of the sentence before.
_ANYBODY: Final = Rule("", (), who="context")


@dataclass
class _Sentence:
    """One sentence to be asked about."""

    passage: Passage
    assets: tuple[str, ...]
    told: list[Move]


@dataclass
class _Asked:
    """A page, and the sentences of it that the classifier is asked about."""

    page: Page
    dated: Dated
    sentences: list[_Sentence]
    story: Story


def with_classifier(lexicon: Lexicon, classifier: Classifier) -> Lexicon:
    """Give a lexicon that signs as the classifier, and knows its kinds."""
    own = {name: KindWeight(sign, base, {}) for name, (sign, base) in classifier.kinds.items()}
    released = classifier.released or classifier.known_until or lexicon.released
    return replace(
        lexicon, name=classifier.name, version=classifier.version, released=released.astimezone(dt.UTC), kinds=lexicon.kinds | own
    )  # fmt: skip


def read_classified(
    documents: Iterator[Document],
    lexicon: Lexicon,
    classifier: Classifier,
    delay: dt.timedelta,
    order: Order | None,
    silent: Counter[str],
) -> Iterator[tuple[Document, list[Found] | Fault]]:
    """Read documents in groups of some sentences, in order.

    Parameters
    ----------
    lexicon
        That of `with_classifier`.
    silent
        Where to count a document without events: "nobody_known" or "no_claim".

    Yields
    ------
    document, its events; or in place of these the Fault that it names somebody and says not when it was published, in which
    case nothing is asked about it.
    """
    waiting: list[_Asked] = []
    size = 0
    for document in documents:
        page = opened(document, lexicon, order)
        if not page.names_somebody:
            silent["nobody_known"] += 1
            yield document, []
            continue
        try:
            dated = page.dated(delay, order)
        except Fault as fault:
            yield document, fault
            continue
        waiting.append(_asked(page, dated, lexicon))
        size += len(waiting[-1].sentences)
        if size >= classifier.batch:
            yield from _answered(waiting, lexicon, classifier, silent)
            waiting, size = [], 0
    yield from _answered(waiting, lexicon, classifier, silent)


def _asked(page: Page, dated: Dated, lexicon: Lexicon) -> _Asked:
    passages = page.passages(lexicon)
    story = opening(passages, lexicon, page.subject)
    told = []
    for passage in passages:
        told.append(counted(moves(passage, lexicon, story.mover if story.age <= 1 else ()), lexicon))
        story.remember(passage)
    story = tell(passages, told, lexicon, page.subject)
    out = []
    for passage, mine in zip(passages, told, strict=True):
        assets = _whom(passage, story)
        if assets:
            out.append(_Sentence(passage, assets, mine))
        story.remember(passage)
    return _Asked(page, dated, out, story)


def _whom(passage: Passage, story: Story) -> tuple[str, ...]:
    """Give the assets that a sentence names: companies; else indexes, groups and private companies; else "it"."""
    companies = named(passage, story.lexicon)
    if companies:
        return companies
    if not passage.names and not story.subject:
        return ()
    indexes = [hit.key for hit in passage.names if story.lexicon.entities[hit.key].index]
    if indexes:
        return story.listed(tuple(indexes))
    end = passage.span.end
    return tuple(dict.fromkeys(touched(_ANYBODY, Hit(end, end, "concept", ""), passage, story)[0]))


def _answered(
    waiting: list[_Asked], lexicon: Lexicon, classifier: Classifier, silent: Counter[str]
) -> Iterator[tuple[Document, list[Found] | Fault]]:
    asked = [(one.page.text, sentence) for one in waiting for sentence in one.sentences]
    texts = [text[sentence.passage.span.start : sentence.passage.span.end].strip() for text, sentence in asked]
    names = [sentence.assets for _, sentence in asked]
    languages = [sentence.passage.language for _, sentence in asked]
    labels = iter(classifier.ask(texts, names, languages, tuple(lexicon.kinds)) if texts else ())
    for one in waiting:
        found = _found(one, [next(labels) for _ in one.sentences], lexicon, classifier)
        silent["no_claim"] += not found
        yield one.page.document, found


def _found(one: _Asked, labels: list[Label | None], lexicon: Lexicon, classifier: Classifier) -> list[Found]:
    pairs = [
        (_claim(sentence, label, one.story), label)
        for sentence, label in zip(one.sentences, labels, strict=True)
        if label is not None and label.assets
    ]
    if not pairs:
        return []
    said = {id(claim): label for claim, label in pairs}
    found = events_of(one.page, [claim for claim, _ in pairs], one.dated, lexicon)
    until, published = classifier.known_until, one.dated.when.at
    for item in found:
        label = said[id(item.claim)]
        item.row["confidence"] = label.confidence
        item.row["hindsight"] = until is not None and published < until
        if label.stance is not None:
            item.row["stance"] = label.stance
        if classifier.released is None:  # labels that nobody can have had before the event was known
            item.row["labelled_at"] = max(item.row["known_at"], until or item.row["known_at"])
    return found


def _claim(sentence: _Sentence, label: Label, story: Story) -> Claim:
    passage = sentence.passage
    span = passage.span
    figures = fall_quantities if label.kind == "panic_drop" else quantities
    return Claim(
        label.kind, label.assets, passage, Hit(span.start, span.end, "concept", label.kind), passage.words.strip(),
        market=label.kind in _OF_A_SESSION, figures=figures(passage, sentence.told, label.assets, story),
    )  # fmt: skip
