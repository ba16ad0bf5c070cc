"""The figures of a sentence as the events table carries them: whose, what, how much."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from engine.reader.figures import MONEY, Figure
from engine.reader.moves import Move
from engine.reader.passage import Passage
from engine.reader.who import Story

_OBLIQUE: Final = re.compile(
    r"(?:向|和|与|同|跟|在|给|对|为|从|于|\b(?:to|in|into|from|with|at|for|of|on|by|a|au|aux|avec|dans|chez|de|du|des|d'|en|pour|sur))\s?(?:the |l'|la |le |les )?$"
)
_LOSS: Final = re.compile(
    r"亏损|年亏|巨亏|净亏|亏掉|\b(?:loss|losses|lost|lose|loses|losing|perte|pertes|perd|perdu)\b"
)
_SHRINK: Final = re.compile(
    r"shr[iu]nk|narrow|declin|fall|fell|drop|squeez|erod|lower|cut|缩|下降|下滑|降|减|recul|baiss|erosion|contract|dilu"
)
_THRESHOLD: Final = re.compile(r"(?:跌破|失守)\s?$")  # a round number crossed measures nothing
_TIMES_IN_CHINESE: Final = re.compile(r"(?P<digit>[一二两三四五六七八九十])倍")
_HAN: Final = {c: float(i) for i, c in enumerate("一二三四五六七八九十", 1)} | {"两": 2.0}


class Quantity(NamedTuple):
    """A figure as the events table carries it."""

    asset: str | None
    what: str
    value: float
    unit: str


def quantities(passage: Passage, told: list[Move], assets: tuple[str, ...], story: Story) -> list[Quantity]:
    """Give the figures of a sentence.

    Parameters
    ----------
    told
        The moves in it: signed, each under its own name; a sum over several names stands under none.
    assets
        Whom the claim touches.

    Returns
    -------
    list of Quantity
        Moves and lost values first, then the other figures, each under the name that is its clause's subject, if any is.
    """
    out: list[Quantity] = []
    used: set[Figure] = set()
    for move in told:
        used.add(move.figure)
        what = "market value lost" if move.unit in MONEY else "move after hours" if move.after_hours else "move"
        entities = [story.lexicon.entities[key] for key in move.assets]
        joint = any(entity.role == "group" for entity in entities) or (move.unit in MONEY and len(entities) > 1)
        out += [
            Quantity(None if joint else entity.key, what, move.value, move.unit)
            for entity in entities[: 1 if joint else None]
        ]
    for figure in passage.figures:
        if figure not in used and not _THRESHOLD.search(
            passage.folded, max(passage.span.start, figure.start - 8), figure.start
        ):
            out.append(_other(figure, passage, assets, story))
    for match in _TIMES_IN_CHINESE.finditer(passage.folded, passage.span.start, passage.span.end):
        out.append(Quantity(None, "multiple", _HAN[match["digit"]], "x"))
    return list(dict.fromkeys(out))


def _other(figure: Figure, passage: Passage, assets: tuple[str, ...], story: Story) -> Quantity:
    clause = passage.clause(figure.start)
    before = passage.folded[clause.start : figure.start]
    asset = _subject(figure, passage, story, assets)
    value, what = figure.value, _WHAT.get(figure.unit, "amount")
    if figure.unit in MONEY and _LOSS.search(before):
        value, what = -abs(value), "loss"
    elif figure.unit in ("pp", "bp") and _SHRINK.search(before):
        value = -abs(value)
    return Quantity(asset, what, value, figure.unit)


_WHAT: Final = {"x": "multiple", "%": "share", "count": "count", "pp": "change", "bp": "change", "GW": "power"}


def _subject(figure: Figure, passage: Passage, story: Story, assets: tuple[str, ...]) -> str | None:
    """Give the listed name that a figure belongs to: the subject of its clause, else of its sentence, else the only one touched."""
    entities = story.lexicon.entities
    hits = [hit for hit in passage.names if entities[hit.key].role in ("asset", "private") and hit.end <= figure.start]
    clause = passage.clause(figure.start)
    for low in (clause.start, passage.span.start):
        here = [hit for hit in hits if hit.start >= low]
        if low < clause.start and len({hit.key for hit in here if entities[hit.key].role == "asset"}) > 1:
            return None  # said of several
        direct = [hit for hit in here if not _OBLIQUE.search(passage.folded, max(low, hit.start - 8), hit.start)]
        if direct:
            return direct[0].key if entities[direct[0].key].role == "asset" else None
    if hits:
        return hits[-1].key if entities[hits[-1].key].role == "asset" else None
    if (
        len(story.subject) == 1
        and story.age <= 2
        and not any(entities[hit.key].weak or entities[hit.key].index for hit in passage.names)
    ):
        return story.subject[0] if entities[story.subject[0]].role == "asset" else None
    return assets[0] if len(assets) == 1 else None
