"""What a passage claims: kinds by the lexicon's rules, with whom they touch and how they are said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from engine.reader.figures import MONEY, Figure
from engine.reader.lexicon import Entity, Hit, Lexicon, Rule
from engine.reader.moves import CUMULATIVE, Move, moves
from engine.reader.passage import Passage

_NO_ASSETS: Final[tuple[str, ...]] = ()
_LONG_AGO: Final = re.compile(r"(?<!\d)(?:19\d\d|200\d|201\d)(?!\d)")


class Quantity(NamedTuple):
    """A figure as the events table carries it."""

    asset: str | None
    what: str
    value: float
    unit: str


@dataclass
class Claim:
    """One claim of one passage."""

    kind: str
    assets: tuple[str, ...]
    passage: Passage
    anchor: Hit
    words: str  # the words that made the claim
    hedged: bool = False
    secondhand: bool = False
    mention: bool = False
    emphatic: bool = False
    from_context: bool = False
    market: bool = False  # about a New York session
    figures: list[Quantity] = field(default_factory=list)


@dataclass
class Story:
    """What is known of the document so far, while its passages are read in order."""

    lexicon: Lexicon
    ties: dict[str, tuple[str, ...]]
    about_ai: bool
    subject: tuple[str, ...] = ()  # entity keys of the last passage that named somebody
    age: int = 99  # passages since then
    movers: tuple[str, ...] = ()


def ties(passages: list[Passage], lexicon: Lexicon) -> dict[str, tuple[str, ...]]:
    """Find for each private company of the story the listed names that the story ties it to."""
    found: dict[str, dict[str, None]] = {}
    for passage in passages:
        if not passage.has("tie"):
            continue
        private = {hit.key for hit in passage.names if lexicon.entities[hit.key].role == "private"}
        for key in private:
            for asset in _assets_of(passage, lexicon):
                found.setdefault(key, {})[asset] = None
    out: dict[str, tuple[str, ...]] = {}
    for key, entity in lexicon.entities.items():
        if entity.role == "private":
            out[key] = tuple(found.get(key, {})) or entity.assets
    return out


def claims(passages: list[Passage], lexicon: Lexicon) -> Iterator[Claim]:
    """Yield the claims of a document, passage by passage."""
    named = [lexicon.entities[hit.key] for passage in passages for hit in passage.names]
    story = Story(lexicon, ties(passages, lexicon), any(_is_ai(entity) for entity in named))
    for passage in passages:
        if not passage.has("irony"):
            yield from _claims_of(passage, story)
        _remember(passage, story)


def _is_ai(entity: Entity) -> bool:
    return entity.role in ("asset", "private") or (entity.role == "group" and not entity.weak)


def _remember(passage: Passage, story: Story) -> None:
    keys = tuple(dict.fromkeys(hit.key for hit in passage.names if story.lexicon.entities[hit.key].role != "person"))
    strong = tuple(key for key in keys if not story.lexicon.entities[key].weak)
    if strong:
        story.subject, story.age = strong, 0
        subjects = passage.subjects(story.lexicon)
        story.movers = tuple(subjects[0].members) if subjects else ()
    elif passage.has("china_money", "other_bubble"):
        story.subject, story.age, story.movers = (), 99, ()
    else:
        story.age += 1


def _claims_of(passage: Passage, story: Story) -> Iterator[Claim]:
    keys = {hit.key for hit in passage.names}
    if passage.has("china_money") and not any(_is_ai(story.lexicon.entities[key]) for key in keys):
        return
    done: set[str] = set()
    for rule in story.lexicon.rules:
        if rule.kind in done:
            continue
        claim = _apply(rule, passage, story)
        if claim is not None and claim.kind not in done:
            done.add(claim.kind)
            yield claim
    drop = _panic(passage, story)
    if drop is not None:
        yield drop


def _apply(rule: Rule, passage: Passage, story: Story) -> Claim | None:
    if not any(concept in passage.concepts for concept in rule.any):
        return None
    if any(passage.uncovered(concept, "not_negation") for concept in rule.none):
        return None
    for concept in rule.any:
        for hit in _anchors(concept, passage):
            if not all(_beside(group, hit, rule, passage) for group in rule.all):
                continue
            kind = rule.kind
            if rule.negated != "same" and passage.is_negated(hit):
                if rule.negated == "nothing":
                    continue
                kind = rule.negated
            if kind != "denial" and passage.is_dismissed(hit):
                continue
            assets, borrowed = _touched(rule, hit, passage, story)
            if assets:
                return _claim(kind, assets, hit, passage, story, borrowed=borrowed)
    return None


def _anchors(concept: str, passage: Passage) -> list[Hit]:
    if concept == "bubble":
        hits = passage.uncovered("bubble", "bubble_object", "other_bubble")
        foreign = passage.has("other_bubble") and not any(hit.role in ("asset", "private", "group") for hit in passage.names)
        return [] if foreign else hits
    return passage.uncovered(concept, "not_negation") if concept in ("deny", "refusal") else passage.concepts.get(concept, [])


def _beside(group: tuple[str, ...], hit: Hit, rule: Rule, passage: Passage) -> bool:
    return any(passage.within(concept, hit, passage.near(rule.near)) for concept in group)


def _touched(rule: Rule, hit: Hit, passage: Passage, story: Story) -> tuple[tuple[str, ...], bool]:
    """Give the assets that a claim touches, and whether they come from an earlier sentence."""
    lexicon = story.lexicon
    named = _assets_of(passage, lexicon, near=hit)
    private = [hit.key for hit in passage.names if lexicon.entities[hit.key].role == "private"]
    tied = tuple(dict.fromkeys(asset for key in private for asset in story.ties[key]))
    groups = [lexicon.entities[h.key] for h in passage.names if lexicon.entities[h.key].role == "group"]
    if named:
        # "Nvidia and OpenAI" names one listed company and one that stands for several
        return tuple(dict.fromkeys((*named, *(tied if rule.kind in ("backstop_plea", "denial", "funding_gap") else ())))), False
    strong = [group for group in groups if not group.weak]
    if tied and not (strong and rule.kind in ("bubble_warning", "valuation_alarm", "overdone_call", "disruption_shock")):
        return tied, False
    if strong:
        return tuple(dict.fromkeys(asset for group in strong for asset in group.assets)), False
    if tied:
        return tied, False
    if rule.who == "named":
        return _market(passage, lexicon) if rule.kind == "support" else _NO_ASSETS, False
    if rule.who in ("context", "market") and story.subject and story.age <= 2 and not passage.has("china_money"):
        return _resolve(story.subject, story), True
    if rule.who == "market":
        found = _market(passage, lexicon)
        return found or (("SPY",) if story.about_ai else _NO_ASSETS), not found
    return _market(passage, lexicon), False


def _market(passage: Passage, lexicon: Lexicon) -> tuple[str, ...]:
    weak = [lexicon.entities[hit.key] for hit in passage.names if lexicon.entities[hit.key].weak or lexicon.entities[hit.key].index]
    return tuple(dict.fromkeys(asset for entity in weak for asset in entity.assets))


def _assets_of(passage: Passage, lexicon: Lexicon, near: Hit | None = None) -> tuple[str, ...]:
    """Give the listed companies named in a sentence, without bystanders ("analysts at Microsoft"); indexes do not count."""
    out: dict[str, None] = {}
    for hit in passage.names:
        entity = lexicon.entities[hit.key]
        if entity.role == "asset" and not entity.index and not _is_bystander(hit, passage):
            out[hit.key] = None
    return tuple(out)


def _is_bystander(hit: Hit, passage: Passage) -> bool:
    return any(other.end <= hit.start <= other.end + 5 for other in passage.concepts.get("bystander", ()))


def _resolve(keys: tuple[str, ...], story: Story) -> tuple[str, ...]:
    """Turn entity keys into listed names."""
    out: dict[str, None] = {}
    listed = [key for key in keys if story.lexicon.entities[key].role == "asset" and not story.lexicon.entities[key].index]
    for key in listed or keys:
        entity = story.lexicon.entities[key]
        for asset in story.ties.get(key, entity.assets):
            out[asset] = None
    return tuple(out)


def _claim(kind: str, assets: tuple[str, ...], hit: Hit, passage: Passage, story: Story, *, borrowed: bool) -> Claim:
    secondhand = passage.has("secondhand")
    return Claim(
        kind, assets, passage, hit, passage.folded[hit.start : hit.end],
        hedged=passage.is_hedged(hit), secondhand=secondhand, mention=passage.has("attribution") and not secondhand,
        emphatic=passage.has("plunge") and kind == "panic_drop", from_context=borrowed,
        market=kind in ("panic_drop", "overdone_call"), figures=_quantities(kind, assets, passage, story),
    )  # fmt: skip


def _quantities(kind: str, assets: tuple[str, ...], passage: Passage, story: Story) -> list[Quantity]:
    """Give the figures of a passage: moves with their sign and name, the others as they stand."""
    out: list[Quantity] = []
    used: set[Figure] = set()
    for move in moves(passage, story.lexicon, story.movers):
        used.add(move.figure)
        out += [Quantity(asset, _move_name(move), move.value, move.unit) for asset in _resolve(move.assets, story)]
    for figure in passage.figures:
        if figure not in used:
            out.append(Quantity(assets[0] if len(assets) == 1 else None, _name(figure, passage), figure.value, figure.unit))
    return list(dict.fromkeys(out))


def _move_name(move: Move) -> str:
    if move.unit in MONEY:
        return "market_value"
    return "after_hours_move" if move.after_hours else "move"


def _name(figure: Figure, passage: Passage) -> str:
    del passage
    return {"x": "multiple", "%": "share", "count": "count", "pp": "change", "bp": "change", "GW": "power"}.get(figure.unit, "amount")


def _panic(passage: Passage, story: Story) -> Claim | None:
    """Find a fall of prices: with a figure tied to a name, or told in strong words."""
    lexicon = story.lexicon
    if not passage.has("fall", "plunge"):
        return None
    told = [move for move in moves(passage, lexicon, story.movers) if move.value < 0 and not move.after_hours]
    if told and passage.has("past") and _LONG_AGO.search(passage.words):
        return None
    told = [move for move in told if not (CUMULATIVE.search(passage.words) and move.unit == "%" and not passage.has("plunge") and False)]
    if told:
        assets = tuple(dict.fromkeys(asset for move in told for asset in _resolve(move.assets, story)))
        hit = _verb(passage)
        return _claim("panic_drop", assets, hit, passage, story, borrowed=any(move.from_context for move in told)) if hit and assets else None
    return _told_without_figure(passage, story)


def _verb(passage: Passage) -> Hit | None:
    hits = [*passage.concepts.get("plunge", ()), *passage.concepts.get("fall", ())]
    return min(hits, key=lambda hit: (hit.key != "plunge", hit.start), default=None)


def _told_without_figure(passage: Passage, story: Story) -> Claim | None:
    subjects = passage.subjects(story.lexicon)
    for hit in (*passage.concepts.get("plunge", ()), *passage.concepts.get("fall", ())):
        clause = passage.clause(hit.start)
        if passage.is_negated(hit) or passage.is_dismissed(hit) or _uncertain(hit, passage):
            continue
        stocks = any(clause.start <= other.start < clause.end for other in passage.concepts.get("stocks", ()))
        other = any(clause.start <= item.start < clause.end for item in passage.concepts.get("not_price", ()))
        if other and not stocks:
            continue
        if hit.key == "fall" and not stocks:
            continue
        near = [who for who in subjects if clause.start <= who.start < clause.end] or [who for who in subjects if who.end <= hit.start][-1:]
        keys = tuple(key for who in near for key in who.members)
        borrowed = not keys
        if borrowed and story.movers and story.age <= 1 and stocks:
            keys = story.movers
        entities = [story.lexicon.entities[key] for key in keys]
        if not entities or passage.has("past"):
            continue
        return _claim("panic_drop", _resolve(keys, story), hit, passage, story, borrowed=borrowed)
    return None


_UNCERTAIN = re.compile(
    r"\b(?:could|may|might|would|if|should|will|pourrait|pourraient|risque|risquent|si)\b[^,;]{0,40}$|(?:可能|如果|若|一旦|或将|恐|将会|要是|会)[^,，。]{0,8}$"
)


def _uncertain(hit: Hit, passage: Passage) -> bool:
    return _UNCERTAIN.search(passage.folded, max(passage.span.start, hit.start - 60), hit.start) is not None
