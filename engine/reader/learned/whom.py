"""Whom a claim may touch: every name at hand, with what tells the right one from a bystander."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.reader.claims import Claim
from engine.reader.learned.model import Floats, Model
from engine.reader.learned.vetoes import BESIDE, BORROWED, DOUBT, PLAIN, asks_whether, is_denied
from engine.reader.lexicon import Lexicon
from engine.reader.moves import Move
from engine.reader.passage import Passage
from engine.reader.terms import Hit
from engine.reader.who import Story

#: Kinds that may be of the whole market where nobody is named.
OF_MARKETS: Final = ("bubble_warning", "valuation_alarm", "panic_drop", "overdone_call", "hawkish_policy")
#: What stands for the American market.
MARKET: Final = "SPY"
#: Roles of names that stand in the sentence itself and have a price of their own.
_STRONG: Final = ("company", "index", "private", "group")
_ALIKE: Final = {
    "company": "company", "index": "market", "market": "market", "group": "group", "topic": "group", "private": "private",
    "bank": "bank", "headline": "before", "context": "before", "ticker": "ticker", "default": "default",
}  # fmt: skip
_MEMORY: Final = 2  # sentences for which "it" still means the ones last named


@dataclass
class Named:
    """An asset that a sentence may be about: in which role, and where its name stands first."""

    asset: str
    role: str
    order: int
    start: int = -1
    end: int = -1
    times: int = 1
    speaks: bool = False  # a bank or a broker, whose people speak of others


@dataclass
class Sight:
    """A sentence with the assets that it may be about, the claims that the rules find in it, and the moves of prices that it tells."""

    passage: Passage
    assets: dict[str, Named]
    claims: list[Claim]
    moves: list[Move]
    unknown: bool = False
    asks: bool = False  # whether something is so

    def by_rule(self, kind: str, asset: str) -> bool:
        """Tell whether a rule finds this claim of this asset."""
        return any(claim.kind == kind and asset in claim.assets for claim in self.claims)

    def forbids(self, kind: str, item: Named) -> bool:
        """Tell whether grammar forbids that a claim is of an asset."""
        if self.unknown and item.role in BORROWED:
            return True  # of a company that nobody knows, never of its neighbour
        if kind == "support" and self.passage.has("routine_filing"):
            return True
        if item.role == "default" and any(claim.kind == kind for claim in self.claims):
            return True  # of whom the rules say, and not of the market too
        if item.role == "bank" and kind != "hawkish_policy":
            return True  # what a central bank says of others is no claim about its market
        return (
            kind == "panic_drop"
        )  # the rules of falls know forecasts, sales, days and sizes; the model weighs what they find

    def anchors(self, kind: str, lexicon: Lexicon) -> list[Hit]:
        """Give the words that can make a claim of a kind."""
        return [hit for concept in lexicon.words_of[kind] for hit in self.passage.concepts.get(concept, ())]

    def anchor(self, kind: str, lexicon: Lexicon) -> Hit | None:
        """Give the first of these words; None where there is none."""
        return min(self.anchors(kind, lexicon), key=lambda hit: hit.start, default=None)


@dataclass
class Pair:
    """A claim of a kind that a sentence may make of an asset, with the values that its score is made of, by name."""

    row: int
    kind: str
    asset: str
    role: str
    order: int
    values: dict[str, float] = field(repr=False)

    @property
    def by_rule(self) -> bool:
        """Whether a rule makes this claim of this asset."""
        return "rule_this" in self.values

    def score(self, model: Model) -> float:
        """Give the log-odds that the document makes this claim of this asset."""
        weights = model.pairs
        return weights["bias"] + sum(value * weights.get(name, 0.0) for name, value in self.values.items())


def sights(
    passages: Sequence[Passage], found: Sequence[Claim], told: Sequence[Sequence[Move]], story: Story, subject: str
) -> list[Sight]:
    """Give for each sentence whom it may be about.

    Parameters
    ----------
    found
        The claims of the rules.
    told
        The moves of prices of each sentence.
    story
        As `engine.reader.who.tell` gives it.
    subject
        The ticker of whom the source says that the document is about, "" where nothing says.
    """
    out: list[Sight] = []
    recent: dict[str, Named] = {}
    age = 99
    for passage, moves in zip(passages, told, strict=True):
        assets = _here(passage, story)
        strong = {asset: item for asset, item in assets.items() if item.role in _STRONG}
        age = 0 if strong else age + 1
        if strong:
            recent = strong
        else:
            first = out[0].assets.items() if out else ()
            for asset, item in first:
                if item.role in _STRONG:
                    assets.setdefault(asset, Named(asset, "headline", item.order))
            for asset, item in recent.items() if age <= _MEMORY else ():
                assets.setdefault(asset, Named(asset, "context", item.order))
        if subject:
            assets.setdefault(subject, Named(subject, "ticker", len(assets)))
        claims = [claim for claim in found if claim.passage is passage]
        for asset in [asset for claim in claims for asset in claim.assets]:
            assets.setdefault(asset, Named(asset, "context", len(assets)))
        assets.setdefault(MARKET, Named(MARKET, "default", len(assets)))
        unknown = any(story.lexicon.entities[hit.key].role == "unknown" for hit in passage.names)
        out.append(Sight(passage, assets, claims, list(moves), unknown, asks_whether(passage.words)))
    return out


def _here(passage: Passage, story: Story) -> dict[str, Named]:
    entities = story.lexicon.entities
    assets: dict[str, Named] = {}
    for hit in passage.names:
        entity = entities[hit.key]
        given: tuple[str, ...]
        if entity.role == "asset":
            given, role = (entity.key,), "index" if entity.index else "company"
        elif entity.role == "group":
            given = entity.assets if entity.weak else story.of(entity)
            role = "market" if entity.weak else "topic" if entity.topic else "group"
        elif entity.role == "private":
            given, role = story.ties.get(hit.key) or entity.assets, "private"
        elif entity.role == "person":
            given, role = entity.assets or ((MARKET,) if "Federal Reserve" in hit.key else ()), "bank"
        else:
            continue
        for asset in given:
            if asset in assets:
                assets[asset].times += 1
            else:
                assets[asset] = Named(asset, role, len(assets), hit.start, hit.end, 1, entity.speaks)
    return assets


def _moved(moves: Sequence[Move]) -> dict[str, tuple[float, str]]:
    out: dict[str, tuple[float, str]] = {}
    for move in moves:
        for asset in move.assets:
            if move.unit == "%" or asset not in out:
                out[asset] = (move.value, move.unit)
    return out


def pairs(seen: Sequence[Sight], logits: Floats, model: Model, lexicon: Lexicon, least: float) -> Iterator[Pair]:
    """Give the claims that each sentence may make of each asset.

    Parameters
    ----------
    seen
        The sentences of a document.
    logits : array of (sentences + 1, kinds)
        As `Model.of_document` gives them.
    least
        The log-odds from which on a claim is looked at that no rule makes.
    """
    if not seen:
        return
    best, heights, whole = logits[:-1].max(axis=0).tolist(), logits.tolist(), logits[-1].tolist()
    likely = (logits >= least).tolist()
    doubted = {kind for kind, most in zip(model.kinds, best, strict=True) if most < DOUBT}
    beside = {kind for kind, most in zip(model.kinds, best, strict=True) if most < BESIDE}
    mentions: dict[str, int] = {}
    ruled: dict[tuple[str, str], set[int]] = {}
    for row, sight in enumerate(seen):
        for asset, item in sight.assets.items():
            if item.start >= 0:
                mentions[asset] = mentions.get(asset, 0) + item.times
        for claim in sight.claims:
            for asset in claim.assets:
                ruled.setdefault((claim.kind, asset), set()).add(row)
    every = sum(mentions.values()) or 1
    first = {asset for asset, item in seen[0].assets.items() if item.start >= 0 and item.role != "bank"}
    for row, sight in enumerate(seen):
        if not sight.claims and not any(likely[row]):
            continue
        here = heights[row]
        names = [item for item in sight.assets.values() if item.role in _STRONG]
        by_rule = {claim.kind for claim in sight.claims}
        moved = _moved(sight.moves)
        market = any(item.role in ("index", "market") for item in sight.assets.values())
        company = any(item.role == "company" for item in names)
        for at, kind in enumerate(model.kinds):
            if not likely[row][at] and kind not in by_rule:
                continue
            other = max(here[:at] + here[at + 1 :])
            about = {
                "z": here[at] / 3, "zmax": best[at] / 3, "zhead": heights[0][at] / 3, "zwhole": whole[at] / 3,
                "zother": other / 3, "logn": math.log1p(len(names)), "n1": float(len(names) == 1),
                "unknown": float(sight.unknown), "zh": float(sight.passage.language == "zh"), "isfirst": float(row == 0), f"kind:{kind}": 1.0,
            }  # fmt: skip
            anchors = sight.anchors(kind, lexicon)
            vetoed = kind in (beside if other > PLAIN else doubted) or sight.asks
            vetoed = vetoed or (kind != "denial" and is_denied(sight.passage, anchors))
            for asset, item in sight.assets.items():
                if item.role == "default" and kind not in OF_MARKETS:
                    continue
                if (vetoed or sight.forbids(kind, item)) and not sight.by_rule(kind, asset):
                    continue
                values = (
                    about | _standing(item, anchors) | _role(item, kind, about["z"], market, names, company=company)
                )
                values |= {
                    "inhead": float(asset in first), "share": mentions.get(asset, 0) / every,
                    "rule_elsewhere": float(bool(ruled.get((kind, asset), set()) - {row})),
                }  # fmt: skip
                values |= _rule(sight, kind, asset, item.role)
                if kind == "panic_drop":
                    values |= _move(moved, asset, item.role)
                yield Pair(row, kind, asset, item.role, item.order, values)


def _standing(item: Named, anchors: list[Hit]) -> dict[str, float]:
    """Say where a name stands: its place among the names, and how far from the words of the claim."""
    out = {f"order{min(item.order, 2)}": 1.0, "times": min(item.times, 3) / 3}
    if anchors and item.start >= 0:
        gap = min(hit.start - item.end if hit.start >= item.end else item.start - hit.end for hit in anchors)
        before = any(hit.start >= item.end for hit in anchors)
        out |= {
            "before": float(before),
            "after": float(not before),
            "near20": float(gap < 20),
            "near60": float(gap < 60),
        }
    return out


def _role(item: Named, kind: str, z: float, market: bool, names: list[Named], *, company: bool) -> dict[str, float]:
    role = item.role
    out = {f"role:{role}": 1.0, f"{kind}*{_ALIKE[role]}": 1.0, f"z*{role}": z}
    if role == "default":
        out |= {"default*market": float(market), "default*named": float(bool(names))}
    if role != "company":
        out["company_too"] = float(company)
    if item.speaks:
        out |= {"speaks": 1.0, "speaks_first": float(item.order == 0 and len(names) > 1), f"speaks*{kind}": 1.0}
    return out


def _rule(sight: Sight, kind: str, asset: str, role: str) -> dict[str, float]:
    mine = [claim for claim in sight.claims if claim.kind == kind]
    claim = next((claim for claim in mine if asset in claim.assets), None)
    if claim is None:
        return {"rule_other": float(bool(mine))}
    return {
        "rule_this": 1.0, f"rule*{role}": 1.0, f"rule*{kind}": 1.0, "from_context": float(claim.from_context),
        "hedged": float(claim.hedged), "emphatic": float(claim.emphatic), "several": float(len(sight.claims) > 1),
    }  # fmt: skip


def _move(moves: dict[str, tuple[float, str]], asset: str, role: str) -> dict[str, float]:
    """Say how far the price of an asset fell by the sentence; an index counts from 2 % as a company does from 5 %."""
    if asset not in moves:
        return {"move:none": 1.0, "move:others": float(bool(moves))}
    value, unit = moves[asset]
    if unit != "%":
        return {"move:money": 1.0}
    value *= 2.5 if role in ("index", "market") else 1.0
    return {
        "move:large" if value <= -5 else "move:middle" if value <= -2 else "move:small" if value < 0 else "move:up": 1.0
    }
