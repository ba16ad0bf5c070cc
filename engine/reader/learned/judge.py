"""From sentences to claims: the model says how likely each claim is of each asset, and the rules say how it is told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from engine.reader.claims import Claim
from engine.reader.learned.masked import masked
from engine.reader.learned.model import Floats, Model
from engine.reader.learned.whom import Pair, Sight, pairs, sights
from engine.reader.lexicon import Lexicon
from engine.reader.moves import Move
from engine.reader.passage import Passage
from engine.reader.quantities import fall_quantities, quantities
from engine.reader.terms import Hit
from engine.reader.who import Story

#: Log-odds below which a claim that no rule makes is not looked at: four in a hundred.
LEAST: Final = -3.2
#: A claim this unlikely is none, whoever asks.
FLOOR: Final = 0.1
#: How sure at least a claim is that a rule makes by a lexicon of one's own: its words are believed.
OWN: Final = 0.5
#: The concept that holds names of companies, which the model may not see.
_NAMES: Final = "outsider"
#: How sure a reading has to be of an event where nobody says otherwise: what the judged documents support, see docs/reader.md.
#: A claim that a rule makes in a story that `_is_known` tells of is at least so sure.
SURE: Final = 0.4
#: The fewest kinds that the rules find in such a story.
_KINDS: Final = 3
#: An asset whose claim is less sure than this share of the surest one's is an event of its own.
_LIKE: Final = 0.7


def hits_of(passage: Passage, claims: Sequence[Claim]) -> list[str]:
    """Give the names of the concepts and rules that stand in a sentence, as the model knows them."""
    rules = {f"rule:{claim.kind}" for claim in claims if claim.passage is passage}
    return [
        *(concept for concept, found in passage.concepts.items() if found and concept != _NAMES),
        *sorted(rules),
    ]


def lines_of(
    text: str, folded: str, names: list[Hit], passages: Sequence[Passage], lexicon: Lexicon, model: Model
) -> list[str]:
    """Give the masked sentences."""
    return [masked(folded, text, *passage.span, names, lexicon, model.common) for passage in passages]


class Weighed(NamedTuple):
    """A document's sentences as the model sees them, and how likely each claim of each asset is."""

    lines: list[str]
    hits: list[list[str]]
    logits: Floats
    seen: list[Sight]
    sure: list[tuple[float, Pair]]


def weighed(
    text: str,
    names: list[Hit],
    passages: list[Passage],
    found: list[Claim],
    told: list[list[Move]],
    story: Story,
    subject: str,
    model: Model,
    least: float = LEAST,
) -> Weighed:
    """Say how likely each sentence makes each claim of each asset.

    Parameters
    ----------
    passages
        At least one.
    found
        The claims of the rules.
    told
        The moves of prices of each sentence.
    story
        As `engine.reader.who.tell` gives it.
    subject
        The ticker of whom the source says that the document is about, "" where nothing says.
    least
        The log-odds from which on a claim is looked at that no rule makes.
    """
    lexicon = story.lexicon
    lines = lines_of(text, passages[0].folded, names, passages, lexicon, model)
    hits = [hits_of(passage, found) for passage in passages]
    logits = model.of_document(lines, hits)
    if not found and logits.max() < least:
        return Weighed(lines, hits, logits, [], [])
    seen = sights(passages, found, told, story, subject)
    known = list(pairs(seen, logits, model, lexicon, least))
    believed = OWN if lexicon.own else SURE if _is_known(known) else 0.0
    sure = [(max(_sigmoid(pair.score(model)), believed if pair.by_rule else 0.0), pair) for pair in known]
    return Weighed(lines, hits, logits, seen, sure)


def judged(about: Weighed, told: list[list[Move]], story: Story, model: Model) -> list[Claim]:
    """Give the claims of a document that are likely: those of the rules, and those that no rule finds.

    Parameters
    ----------
    about
        As `weighed` gives it.
    told, story
        What it was made of.

    Returns
    -------
    list of Claim
        In the order of the sentences, each with its `confidence`; claims of kinds that the model does not know stay as they are.
    """
    out: list[Claim] = []
    sure: dict[int, dict[str, list[tuple[float, Pair]]]] = {}
    for item in about.sure:
        if item[0] >= FLOOR:
            sure.setdefault(item[1].row, {}).setdefault(item[1].kind, []).append(item)
    for row, sight in enumerate(about.seen):
        out += [claim for claim in sight.claims if claim.kind not in model.kinds]
        for kind, likely in sure.get(row, {}).items():
            likely.sort(key=lambda item: (-item[0], item[1].order))
            for group in _alike(likely):
                out += _claims(sight, kind, group, told[row], story)
    return out


def _is_known(found: Sequence[Pair]) -> bool:
    """Tell whether a document is a story whose ties the rules follow and the model does not.

    It is one where the rules find claims of several kinds, some of companies that a theme or a private company stands for.
    """
    ruled = [pair for pair in found if pair.by_rule]
    return len({pair.kind for pair in ruled}) >= _KINDS and any(pair.role in ("private", "topic") for pair in ruled)


def _alike(likely: list[tuple[float, Pair]]) -> Iterator[list[tuple[float, Pair]]]:
    """Part the assets of a claim where one is much less sure than the first of its part."""
    part: list[tuple[float, Pair]] = []
    for item in likely:
        if part and item[0] < _LIKE * part[0][0]:
            yield part
            part = []
        part.append(item)
    if part:
        yield part


def _claims(
    sight: Sight, kind: str, group: list[tuple[float, Pair]], told: list[Move], story: Story
) -> Iterator[Claim]:
    """Give the rules' claims of these assets with their confidence, and one more for the assets that no rule names."""
    sure = {pair.asset: confidence for confidence, pair in group}
    rest = dict(sure)
    for claim in sight.claims:
        if claim.kind != kind:
            continue
        assets = tuple(asset for asset in claim.assets if asset in sure)
        if assets:
            yield replace(claim, assets=assets, confidence=_mean([sure[asset] for asset in assets]))
            for asset in assets:
                rest.pop(asset, None)
    if rest:
        passage, assets = sight.passage, tuple(rest)
        figures = fall_quantities if kind == "panic_drop" else quantities
        anchor = sight.anchor(kind, story.lexicon) or Hit(*passage.span, "concept", kind)
        yield Claim(
            kind, assets, passage, anchor, passage.folded[anchor.start : anchor.end].strip(),
            hedged=kind != "panic_drop" and passage.is_hedged(anchor), secondhand=passage.has("secondhand"),
            from_context=all(pair.role in ("headline", "context", "ticker", "default") for _, pair in group if pair.asset in rest),
            market=kind in ("panic_drop", "overdone_call"), figures=figures(passage, told, assets, story), confidence=_mean(list(rest.values())),
        )  # fmt: skip


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4)


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


__all__ = ["FLOOR", "LEAST", "Weighed", "hits_of", "judged", "lines_of", "weighed"]
