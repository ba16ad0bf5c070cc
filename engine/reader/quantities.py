"""The figures of a sentence as the events table carries them: whose, what, how much."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.reader.figures import MONEY, Figure, is_streak
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
_IT: Final = re.compile(
    r"(?:^|[,，])\W*(?:it|they|the (?:company|group|firm)|il|elle|ils|elles|le groupe|la societe|它|该公司|公司|他们)(?![a-z'])"
    r"|^(?:of |with |worth |d'|de |du |des |soit )"  # a sentence that a line break has cut in two
)
# A Chinese sentence without a subject has that of the one before, unless it brings somebody of its own.
_SOMEBODY: Final = re.compile(
    r"高管|高层|董事|首席|内部人|创始人|创办人|基金|股东|机构|大户|投资者|投资人|分析师|员工|一[名位]|某"
)
_TIMES_IN_CHINESE: Final = re.compile(r"(?P<digit>[一二两三四五六七八九十])倍")
_HAN: Final = {c: float(i) for i, c in enumerate("一二三四五六七八九十", 1)} | {"两": 2.0}


class Quantity(NamedTuple):
    """A figure as the events table carries it."""

    asset: str | None
    what: str
    value: float
    unit: str


def quantities(passage: Passage, told: Sequence[Move], assets: tuple[str, ...], story: Story) -> list[Quantity]:
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
    out = _moved(told, story)
    used = {move.figure for move in told}
    out += [
        _other(figure, passage, assets, story)
        for figure in _measuring(passage)
        if figure not in used and not _is_of_an_outsider(figure, passage)
    ]
    return list(dict.fromkeys([*out, *_times(passage)]))


def fall_quantities(passage: Passage, told: Sequence[Move], assets: tuple[str, ...], story: Story) -> list[Quantity]:
    """Give the figures of a fall: how far prices moved, what value was lost, and for how many sessions in a row.

    What else stands in the sentence (staff, sales, an insider's sale, a level) measures something else.
    """
    streaks = [figure for figure in _measuring(passage) if is_streak(passage.folded, figure)]
    return list(dict.fromkeys([*_moved(told, story), *(_other(figure, passage, assets, story) for figure in streaks)]))


def added_quantities(
    passage: Passage, told: Sequence[Move], assets: tuple[str, ...], story: Story, *, fall: bool
) -> list[Quantity]:
    """Give what a sentence that makes no claim adds to the claim before it: moves; else what it says of somebody by name.

    To a fall it adds moves alone, and the weight of what fell in an index.
    """
    out = _moved(told, story)
    used = {move.figure for move in told}
    for figure in _measuring(passage):
        if figure in used or not _is_of_the_named(figure, passage, story):
            continue
        quantity = _other(figure, passage, assets, story)
        if not fall or is_streak(passage.folded, figure) or _is_weight(quantity, passage, story):
            out.append(quantity)
    return list(dict.fromkeys([*out, *([] if fall else _times(passage))]))


def _moved(told: Sequence[Move], story: Story) -> list[Quantity]:
    out: list[Quantity] = []
    for move in told:
        kind = "move after hours" if move.after_hours else "move so far" if move.so_far else "move"
        what = "market value lost" if move.unit in MONEY else kind
        entities = [story.lexicon.entities[key] for key in move.assets]
        joint = any(entity.role == "group" for entity in entities) or (move.unit in MONEY and len(entities) > 1)
        out += [
            Quantity(None if joint else entity.key, what, move.value, move.unit)
            for entity in entities[: 1 if joint else None]
        ]
    return out


def _times(passage: Passage) -> list[Quantity]:
    found = _TIMES_IN_CHINESE.finditer(passage.folded, passage.span.start, passage.span.end)
    return [Quantity(None, "multiple", _HAN[match["digit"]], "x") for match in found]


def _measuring(passage: Passage) -> list[Figure]:
    return [
        figure
        for figure in passage.figures
        if not _THRESHOLD.search(passage.folded, max(passage.span.start, figure.start - 8), figure.start)
    ]


def _is_of_an_outsider(figure: Figure, passage: Passage) -> bool:
    """Tell whether a company of no concern is the last one named in the figure's clause before it."""
    start = passage.clause(figure.start).start
    return any(
        start <= hit.start
        and hit.end <= figure.start
        and not any(hit.end <= name.start < figure.start for name in passage.names)
        for hit in passage.concepts.get("outsider", ())
    )


def _is_of_the_named(figure: Figure, passage: Passage, story: Story) -> bool:
    """Tell whether a figure's sentence says of whom it is: a name before it, or "it" for the one before."""
    if any(story.lexicon.entities[hit.key].role != "person" and hit.end <= figure.start for hit in passage.names):
        return True
    before = passage.folded[passage.span.start : figure.start]
    return _IT.search(before) is not None or (passage.language == "zh" and not _SOMEBODY.search(before))


def _is_weight(quantity: Quantity, passage: Passage, story: Story) -> bool:
    """Tell whether a share is that of what fell in an index that the sentence names."""
    named = any(hit.key == quantity.asset and story.lexicon.entities[hit.key].index for hit in passage.names)
    return named and quantity.what == "share"


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
