"""What a passage claims: kinds by the lexicon's rules, with whom they touch and how they are said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from engine.reader.falls import ROUT, is_told, noted, tells_of_a_rout
from engine.reader.figures import Figure
from engine.reader.lexicon import Lexicon, Rule
from engine.reader.moves import Move, movable, moves, stretch
from engine.reader.passage import Passage
from engine.reader.quantities import Quantity, added_quantities, fall_quantities, quantities
from engine.reader.sentences import Span
from engine.reader.terms import Hit
from engine.reader.who import Story, counted, named, opening, tell, touched

_LONG_AGO: Final = re.compile(r"(?<!\d)(?:19\d\d|200\d|201\d)(?!\d)")
_LONG_AGO_DATE: Final = re.compile(
    r"\b(?:in|en|by|during)\s(?:(?:early|late|mid|[a-z]{3,9})[ -])?(?:19\d\d|200\d)\b"
)  # "In March 2000 Cisco ..."; not "the worst day since March 2000"
_HOW_FAR: Final = re.compile(
    r"[a-z]*\s*(?:by|de|d'|了)?\s?(?:about|some|nearly|almost|more than|over|environ|plus de|pres de|超过?|逾|近|约)?\s?"
)
_SUPPORT: Final = 3  # sentences without a claim of their own that may add figures to the claim before them


@dataclass
class Claim:
    """One claim of one passage."""

    kind: str
    assets: tuple[str, ...]
    passage: Passage
    anchor: Hit
    words: str  # the words that made the claim
    stance: float = 1.0  # the rule's factor on the kind's own
    hedged: bool = False
    secondhand: bool = False
    mention: bool = False
    emphatic: bool = False
    from_context: bool = False
    market: bool = False  # about a New York session
    figures: list[Quantity] = field(default_factory=list)  # of the sentence
    around: list[Quantity] = field(default_factory=list)  # of the sentences after it that claim nothing themselves
    again: int = 0  # falls of the same name that the sentence tells before this one
    clause: Span | None = None  # of its figure
    confidence: float | None = None  # how likely the text makes it, 0 to 1; None where nobody says
    apart: tuple[Span, ...] = ()  # the clauses of the other falls of that name in the sentence


def claims(passages: list[Passage], lexicon: Lexicon, subject: str = "") -> list[Claim]:
    """Find the claims of a document.

    Parameters
    ----------
    passages
        Its sentences, in order.
    subject
        The ticker of whom its source says that it is about, "" where nothing says.
    """
    return claims_in(passages, *laid(passages, lexicon, subject))


def laid(passages: list[Passage], lexicon: Lexicon, subject: str = "") -> tuple[list[list[Move]], Story]:
    """Find the moves of prices that each sentence tells, and what the document is about."""
    told = _told(passages, lexicon, subject)
    return told, tell(passages, told, lexicon, subject)


def claims_in(passages: list[Passage], told: list[list[Move]], story: Story) -> list[Claim]:
    """Find the claims that the rules make of a document that `laid` has looked through."""
    out: list[Claim] = []
    age = 99
    for passage, mine in zip(passages, told, strict=True):
        silent = not passage.concepts and not mine
        found = [] if silent or passage.has("irony") else list(_claims_of(passage, mine, story))
        if found:
            age = 0
        elif out and passage.figures and age < _SUPPORT and _goes_on(passage, mine, out[-1], story):
            fall = out[-1].kind == "panic_drop"
            out[-1].around += added_quantities(passage, mine, out[-1].assets, story, fall=fall)
            age += 1
        else:
            age += 1
        out += found
        story.remember(passage)
        story.rout = 0 if tells_of_a_rout(passage, story.lexicon) else story.rout + 1
    return out


def _told(passages: list[Passage], lexicon: Lexicon, subject: str) -> list[list[Move]]:
    """Find the moves of each sentence, each with the subject of the sentence before at hand."""
    story = opening(passages, lexicon, subject)
    out = []
    for passage in passages:
        found = moves(passage, lexicon, story.mover if story.age <= 1 else ())
        out.append(counted(found, lexicon))
        story.remember(passage)
    return out


def _goes_on(passage: Passage, told: list[Move], claim: Claim, story: Story) -> bool:
    """Tell whether a sentence still speaks of what the claim before it spoke of."""
    if passage.has("china_money"):
        return False
    if told and claim.kind == "panic_drop":
        return True  # "Only Google gained 0.21%"
    companies = named(passage, story.lexicon)
    return not companies or bool(set(companies) & {*claim.assets, *story.ties.get(story.hub, ())})


def _claims_of(passage: Passage, told: list[Move], story: Story) -> Iterator[Claim]:
    if passage.has("china_money") and not _names_ours(passage, story.lexicon):
        return
    done: set[str] = set()
    for rule in story.lexicon.rules_on(passage.concepts):
        if rule.kind in done:
            continue
        claim = _apply(rule, passage, told, story)
        if claim is not None and claim.kind not in done:
            done.add(claim.kind)
            yield claim
    yield from _drops(passage, told, story, calmed="overdone_call" in done)


def _names_ours(passage: Passage, lexicon: Lexicon) -> bool:
    entities = [lexicon.entities[hit.key] for hit in passage.names]
    return any(
        entity.role in ("asset", "private") or (entity.role == "group" and not entity.weak) for entity in entities
    )


def _apply(rule: Rule, passage: Passage, told: list[Move], story: Story) -> Claim | None:
    if any(passage.uncovered(concept, "not_negation") for concept in rule.none):
        return None
    for concept in rule.any:
        for hit in _anchors(concept, passage):
            if not all(any(passage.within(item, hit, passage.near(rule.near)) for item in group) for group in rule.all):
                continue
            kind = rule.kind
            if rule.negated != "same" and passage.is_negated(hit):
                if rule.negated == "nothing":
                    continue
                kind = rule.negated
            if kind != "denial" and passage.is_dismissed(hit):
                continue
            assets, borrowed = touched(rule, hit, passage, story)
            if assets:
                claim = _claim(kind, assets, hit, passage, borrowed=borrowed)
                claim.stance = rule.stance
                claim.figures = quantities(passage, told, assets, story)
                return claim
    return None


def _anchors(concept: str, passage: Passage) -> list[Hit]:
    if concept == "bubble":
        hits = passage.uncovered("bubble", "bubble_object", "other_bubble", "overvalued")
        roles = {hit.role for hit in passage.names}
        # Beside talk of houses or tulips a company's name alone may be a street's; AI, or a comparison, makes it the claim's.
        ours = roles & {"group", "private"} or ("asset" in roles and passage.has("comparison", "dotcom"))
        # "An AI bubble?" asks; whoever warns says so in a sentence of his own.
        told = [hit for hit in hits if not passage.folded.startswith(("?", "？"), hit.end)]
        return told if ours or not passage.has("other_bubble") else []
    return (
        passage.uncovered(concept, "not_negation")
        if concept in ("deny", "refusal")
        else passage.concepts.get(concept, [])
    )


def _claim(kind: str, assets: tuple[str, ...], hit: Hit, passage: Passage, *, borrowed: bool) -> Claim:
    secondhand = passage.has("secondhand")
    return Claim(
        kind, tuple(dict.fromkeys(assets)), passage, hit, passage.folded[hit.start : hit.end],
        hedged=kind != "panic_drop" and passage.is_hedged(hit), secondhand=secondhand,
        mention=passage.has("attribution") and not secondhand and kind != "panic_drop",
        emphatic=passage.has("plunge") and kind == "panic_drop", from_context=borrowed, market=kind in ("panic_drop", "overdone_call"),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------ falls


def _drops(passage: Passage, told: list[Move], story: Story, *, calmed: bool) -> Iterator[Claim]:
    """Find the falls of prices: with a figure tied to a name, or told in strong words."""
    if _LONG_AGO_DATE.search(passage.words):
        return
    if passage.has("dotcom") or (passage.has("past", "other_bubble") and _LONG_AGO.search(passage.words)):
        return  # a story of long ago
    rout = story.rout <= ROUT or tells_of_a_rout(passage, story.lexicon)
    rounds = _rounds(noted(told, passage, story.lexicon, rout=rout))
    for again, falls in enumerate(rounds):
        first = falls[0].figure
        hit = _verb(passage, first) or Hit(first.start, first.end, "concept", "fall")  # "Nvidia -3.65%" has no verb
        assets = tuple(asset for move in falls for asset in story.listed(move.assets))
        claim = _claim("panic_drop", assets, hit, passage, borrowed=any(move.from_context for move in falls))
        others = [move for other in rounds if other is not falls for move in other]
        claim.figures = fall_quantities(passage, [m for m in told if m not in others], claim.assets, story)
        claim.again = again
        claim.clause = passage.clause(first.start)
        clauses = (passage.clause(other[0].figure.start) for other in rounds if other is not falls)
        claim.apart = tuple(clause for clause in clauses if clause != claim.clause)
        yield claim
    if not rounds and not calmed:
        claim_of_words = _without_figure(passage, told, story, rout=rout)
        if claim_of_words is not None:
            claim_of_words.figures = fall_quantities(passage, told, claim_of_words.assets, story)
            yield claim_of_words


def _rounds(falls: list[Move]) -> list[list[Move]]:
    """Part the falls of a sentence so that no name falls twice in one part: "9% on Monday and 15% on Friday" are two days."""
    rounds: list[list[Move]] = []
    for move in falls:
        for one in rounds:
            if move.unit != "%" or not any(other.unit == "%" and set(move.assets) & set(other.assets) for other in one):
                one.append(move)
                break
        else:
            rounds.append([move])
    return rounds


def _verb(passage: Passage, figure: Figure) -> Hit | None:
    """Give the verb that stands nearest to a figure."""
    hits = [*passage.concepts.get("plunge", ()), *passage.concepts.get("fall", ())]
    return min(
        hits, key=lambda hit: (max(figure.start - hit.end, hit.start - figure.end), hit.key != "plunge"), default=None
    )


def _without_figure(passage: Passage, told: list[Move], story: Story, *, rout: bool) -> Claim | None:
    moved = {move.figure for move in told}
    unmoved = [figure for figure in passage.figures if figure.unit == "%" and figure not in moved]
    subjects = movable(passage, story.lexicon)
    for hit in (*passage.concepts.get("plunge", ()), *passage.concepts.get("fall", ())):
        clause = stretch(passage, hit.start)
        if passage.has("past") or not is_told(passage, hit, clause):
            continue
        if any(_HOW_FAR.fullmatch(passage.folded, hit.end, figure.start) for figure in unmoved):
            continue  # what fell so far is no price: "short interest in the stock dropped 56%"
        if any(move.so_far and clause.start <= move.figure.start < clause.end for move in told):
            continue
        stocks = any(clause.start <= other.start < clause.end for other in passage.concepts.get("stocks", ()))
        other = any(clause.start <= item.start < clause.end for item in passage.concepts.get("not_price", ()))
        if (other or hit.key == "fall") and not stocks:
            continue
        if hit.key == "fall" and not rout:
            continue
        inside = [who for who in subjects if clause.start <= who.start < clause.end]
        near = (
            [who for who in inside if who.end <= hit.start]
            or inside
            or [who for who in subjects if who.end <= hit.start][-1:]
        )
        if all(story.lexicon.entities[key].weak for who in near for key in who.members):
            near = [who for who in subjects if not any(story.lexicon.entities[key].weak for key in who.members)] or near
        keys = tuple(key for who in near for key in who.members)
        borrowed = not keys
        if hit.key == "fall" and keys and all(story.lexicon.entities[key].far for key in keys):
            continue  # other markets rise and fall each day
        if borrowed and story.mover and story.age <= 1 and stocks:
            keys = story.mover
        if borrowed and not keys:
            continue
        risen = {key for move in told if move.value > 0 for key in move.assets}
        assets = _fallen(tuple(key for key in keys if key not in risen), clause, passage, story)
        if assets:
            return _claim("panic_drop", assets, hit, passage, borrowed=borrowed)
    return None


def _fallen(keys: tuple[str, ...], clause: Span, passage: Passage, story: Story) -> tuple[str, ...]:
    """Give whom a fall without a figure touches. Where the story has figures, broad words ("stocks plunged") add nothing."""
    entities = [story.lexicon.entities[key] for key in keys]
    plain = tuple(dict.fromkeys(entity.key for entity in entities if entity.role == "asset"))
    if plain:
        return plain
    if story.movers or any(entity.role == "unknown" for entity in entities):
        return ()
    groups = story.listed(keys)
    told = {hit.key for hit in passage.names if clause.start <= hit.start < clause.end}
    also = tuple(asset for asset in named(passage, story.lexicon) if asset in told and asset not in groups)
    return (*groups, *also)
