"""Weights that saw only texts published before 2025 read later ones better than the rules alone (which were written later)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from engine.reader.learned.model import Model
from engine.reader.learned.train import KINDS, Judged, Lines, gather, is_before
from engine.reader.lexicon import load

SHARED = Path(__file__).parents[3] / "shared"
NEWS, JUDGED = SHARED / "news", SHARED / "cases" / "judged"
BEFORE = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def f1(documents: list[Judged], model: Model | None) -> float:
    """Score the kinds that a document makes, by even odds or by the rules, against those that any reader would want."""
    right = told = wanted = 0
    for document in documents:
        given = {event["kind"] for event in document.events}
        required = {event["kind"] for event in document.events if event.get("required")}
        found = by_rules(document) if model is None else likely(document, model)
        told += len(found - (given - required))  # an arguable one is neither right nor wrong
        right, wanted = right + len(found & required), wanted + len(required)
    return 2 * right / (told + wanted)


def by_rules(document: Judged) -> set[str]:
    return {hit.removeprefix("rule:") for hits in document.hits for hit in hits if hit.startswith("rule:")}


def likely(document: Judged, model: Model) -> set[str]:
    if not document.lines:
        return set()
    best = model.logits(document.lines, document.hits).max(axis=0)
    return {kind for kind, odds in zip(KINDS, best.tolist(), strict=True) if odds > 0}


@pytest.mark.slow
@pytest.mark.skipif(
    not NEWS.exists() or not JUDGED.exists(), reason="needs the judged documents and the news beside the project"
)
def test_weights_of_before_2025_read_what_came_after() -> None:
    lexicon = load([])
    early = gather(JUDGED, NEWS, lexicon, 1, BEFORE)
    assert early.newest < BEFORE
    lines = Lines(early.examples)
    old = lines.model(lines.weights(np.ones(len(early.examples), bool), 1), early, "early")
    everything = gather(JUDGED, None, lexicon, 1)
    later = [
        document
        for document in everything.documents
        if document.published and not is_before(document.published, BEFORE)
    ]
    assert len(later) > 300
    by_early, by_hand = f1(later, old), f1(later, None)
    print(
        f"{len(early.documents):,} documents before 2025, {len(later):,} after; F1 {by_early:.2f}, of the rules {by_hand:.2f}"
    )
    assert by_early > 0.55
    assert by_early > by_hand
