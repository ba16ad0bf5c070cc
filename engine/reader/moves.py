"""Moves of prices and of market values: whose, how far, and which way."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from engine.reader.figures import MONEY, Figure
from engine.reader.lexicon import Lexicon
from engine.reader.measured import OF_END, is_of_something_else
from engine.reader.passage import Passage, Who
from engine.reader.sentences import Span
from engine.reader.terms import Hit
from engine.reader.times import SPAN
from engine.tables.spelling import MONTHS

_RESPECTIVELY = re.compile(r"respective|分别|依次|respectivement")
# What has not come: "can plunge", "expects a crash in", "估標普暴跌前", "或引发美股跳水".
MAY_BE: Final = re.compile(
    r"\b(?:can|could|may|might|would|if|should|will|won't|expect(?:s|ed|ing)?|predict\w*|forecast\w*|projected|likely|next|looming|coming|avoid|prevent|bet(?:s|ting)? on|brac\w+ for|prepar\w+ for|poised|(?:analysts?|strategists?|economists?) (?:[a-z]+ )?sees?"
    r"|warn\w* (?:of|that)|risks? of|threat of|fears? of (?:a|another)|before (?:a|the)|when (?:a|the next)|pourrait|pourraient|devrait|risque\w*|si|va|vont|craint\w*|avant (?:un|le) prochain)\b[^,;]{0,60}$"
    r"|(?:可能|如果|若|一旦|或(?!者)|恐(?!慌)|将(?!其|他)|会(?![议计])|要是|不得|预计|预期|预测|预言|料(?!理)|估(?!值)|必|走向|警告|警示|示警|预警|担心|担忧|面临|避免|防止|风险|目标|下一)[^,，。;；]{0,14}$"
)
_DAYS: Final = (
    r"(?:on |le |last )?(?:(?:mon|tues|wednes|thurs|fri)day|lundi|mardi|mercredi|jeudi|vendredi|the (?:day|session) (?:before|after)|la veille|le lendemain"
    r"|(?:上|本)?(?:周|星期|礼拜)[一二三四五]|前一(?:交易)?日|次日"
    rf"|(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})\.? \d{{1,2}}(?!\d)|\d{{1,2}}(?:er)? (?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})(?![a-z])|\d{{1,2}}月\d{{1,2}}日)"
)
_DAY: Final = re.compile(rf"\s*{_DAYS}\s*(?:de |by )?")
_PRONOUN = re.compile(
    rf"^\W*(?:(?:on )?{_DAYS}[,，]?\s*)?(?:the (?:stock|shares|company|chipmaker|chip maker|firm|group|name)|its (?:shares|stock)|it\b|shares\b|stock\b|le titre|l'action|l'entreprise|la societe|le groupe|il\b|elle\b|son titre|son action"
    r"|(?:they|ils|elles)\b|its share price|the share price|the [a-z() ]{3,40}'s (?:share|stock)|股价|该公司|该股|公司|它|其|这家|盘中|市值|结果)"
)
# A fall since January is no fall of a day; "its worst day since March" is one.
_SO_FAR: Final = re.compile(
    r"\bsince\b|year[- ]to[- ]date|\bytd\b|this year|from its (?:high|peak)|depuis|cette annee|以来|今年|年初至今|年内|高点|累计"
)
_RECORD: Final = re.compile(
    r"worst|biggest|largest|steepest|sharpest|lowest|\bmost\b|first|record|\bpire|plus (?:fort|forte|grosse|bas|lourde)\b|最大|最差|最惨|最低|首次|首度|新低"
)


_LEVEL: Final = re.compile(
    r"(?:(?<!up )\bto|\bat|below|under|above|sous|跌破|至|到|报|跌至|突破|失守)\s?(?:about |environ |约)?$"
)  # "fell to $188" is no move
_BY_SO_MUCH: Final = re.compile(r"(?:跌幅|降幅|跌势)[^,，。;；]{0,6}$")  # "跌幅扩大至10%" is one
_LEVEL_IN_FRENCH: Final = re.compile(r"\ba\s?(?:environ )?$")  # "recule à 188 dollars"; in English "a 9% drop" is one
_SAME_AGAIN: Final = re.compile(
    r"(?:相当于|折合|约合|接近|即|equivalent to|or about|or nearly|or roughly|soit|environ|pres de|around)\s?(?:约|近|about |environ |pres de |人民币)?$"
)


_BY: Final = re.compile(
    r"\s*(?:by|de|d')\s?(?:about |some |more than |as much as |nearly |environ |plus de |pres de |quelque )?"
)


# "After plunging 17% on Monday, Nvidia fell 3%": the subject comes after its first clause
_LEADING: Final = re.compile(r"(?:after|following|having|apres|继|在)(?![a-z])")


_GAP: Final = re.compile(r"(?<=[\u3400-\u9fff%】」》\"'])\s+(?=[\u3400-\u9fff「《])|[】》〉]\s*")
_WHERE: Final = re.compile(r"(?:盘前|盘后|夜盘|盘中|盘初|早盘|开盘|上市|股价)")
_NAME_BEFORE: Final = re.compile(r"[\u3400-\u9fffa-z0-9)）]$")


class Move(NamedTuple):
    """A change of a price (unit "%") or of a market value (money), signed."""

    assets: tuple[str, ...]  # entity keys
    value: float
    unit: str
    figure: Figure
    after_hours: bool
    from_context: bool
    so_far: bool = False  # since some day, and not on one


def moves(passage: Passage, lexicon: Lexicon, carried: tuple[str, ...]) -> list[Move]:
    """Find the moves that a sentence tells of.

    Parameters
    ----------
    passage
        The sentence.
    carried
        Entity keys of the subject of the sentence before, for "The stock fell 3%".
    """
    wanted = [figure for figure in passage.figures if figure.unit == "%" or figure.unit in MONEY]
    if not wanted:
        return []
    subjects = movable(passage, lexicon)
    shared = _respective(passage, subjects, wanted)
    out: list[Move] = []
    sign_before, who_before = 0, None
    for figure in wanted:
        if (
            out
            and figure.unit in MONEY
            and out[-1].unit in MONEY
            and _SAME_AGAIN.search(passage.folded, max(passage.span.start, figure.start - 16), figure.start)
        ):
            out.append(
                out[-1]._replace(value=math.copysign(figure.value, out[-1].value), unit=figure.unit, figure=figure)
            )
            continue
        sign = _sign(passage, figure, subjects, sign_before) or (sign_before if figure in shared else 0)
        if not sign:
            continue
        if figure in shared:
            who: Who | None = shared[figure]
        else:
            who = _subject(passage, figure, subjects, who_before, lambda key: lexicon.entities[key].weak)
        if _is_outsiders(passage, figure, who):
            continue
        sign_before = sign
        if who is not None:
            who_before = who
        keys = tuple(who.members) if who else carried if _PRONOUN.match(passage.words) else ()
        if keys:
            hours, so_far = _after_hours(passage, figure), _is_so_far(passage, figure)
            out.append(Move(keys, sign * abs(figure.value), figure.unit, figure, hours, who is None, so_far))
    return out


def movable(passage: Passage, lexicon: Lexicon) -> list[Who]:
    """Give the subjects of a sentence that have a price; in "高通美股盘前跌10%" the market is only where the company trades."""
    return [
        who
        for who in passage.subjects(lexicon)
        if not (
            all(lexicon.entities[key].weak for key in who.members)
            and _WHERE.match(passage.folded, who.end)
            and _NAME_BEFORE.search(passage.folded, passage.span.start, who.start)
        )
    ]


def stretch(passage: Passage, position: int) -> Span:
    """Give the clause around a position; in Chinese a space ends one too: headlines have no comma ("遭砍目標價 慘跌9%")."""
    clause = passage.clause(position)
    if passage.language != "zh":
        return clause
    start, end = clause
    for gap in _GAP.finditer(passage.folded, clause.start, clause.end):
        if gap.end() <= position:
            start = gap.end()
        elif gap.start() >= position:
            end = gap.start()
            break
    return Span(start, end)


def is_negated(passage: Passage, hit: Hit) -> bool:
    """Tell whether a fall is denied in its own clause: "馬斯克否認騷擾 特斯拉暴跌" denies none, nor does "ne rassure pas et dévisse"."""
    if not passage.is_negated(hit):
        return False
    start = stretch(passage, hit.start).start
    return any(
        start <= other.start and other.end <= hit.start
        for name in ("negation", "deny")
        for other in passage.uncovered(name, "not_negation")
    )


def _clause(passage: Passage, figure: Figure) -> Span:
    """Give the clause of a figure; "Nvidia fell again, by 3%" is one clause."""
    clause = stretch(passage, figure.start)
    if clause.start > passage.span.start and _BY.fullmatch(passage.folded, clause.start, figure.start):
        return Span(passage.clause(clause.start - 1).start, clause.end)
    return clause


def _sign(passage: Passage, figure: Figure, subjects: list[Who], before: int) -> int:
    """Give -1, +1, or 0 where the figure is no move."""
    clause = _clause(passage, figure)
    money = figure.unit in MONEY
    lead = max(clause.start, figure.start - 10)
    level = _LEVEL.search(passage.folded, lead, figure.start) or (
        passage.language == "fr" and _LEVEL_IN_FRENCH.search(passage.folded, lead, figure.start)
    )
    if level and not (figure.unit == "%" and _BY_SO_MUCH.search(passage.folded, lead, figure.start)):
        return 0
    if money and not _is_value(passage, figure, clause):
        return 0
    verbs = [
        (hit, -1)
        for name in ("fall", "plunge")
        for hit in passage.concepts.get(name, ())
        if clause.start <= hit.start < clause.end
    ]
    if not money:
        verbs += [
            (hit, 1)
            for hit in passage.concepts.get("rise", ())
            if clause.start <= hit.start < clause.end and not passage.folded.startswith("up to ", hit.start)
        ]
    verbs = [pair for pair in verbs if not _stands_inside(pair[0], verbs)]
    if is_of_something_else(passage, figure, clause, verbs, subjects):
        return 0
    if figure.signed and not money:
        return -1 if figure.value < 0 else 1
    if verbs:
        hit, sign = min(verbs, key=lambda pair: _distance(pair[0], figure))
        if is_negated(passage, hit) or MAY_BE.search(passage.folded[clause.start : hit.start]):
            return 0
        return sign
    # "AMD fell 4.8%, Nvidia 3.3%": the verb is understood, the name stands right before its figure
    if before and not money and any(0 <= figure.start - who.end <= 8 for who in subjects):
        return before
    return before if not money and _of_another_day(passage, figure, clause) else 0


def _of_another_day(passage: Passage, figure: Figure, clause: Span) -> bool:
    """Tell whether a figure without a verb has a day of its own: "fell 9% on Monday and 15% on Friday"."""
    lead = passage.folded[clause.start : figure.start].strip()
    return bool(_DAY.fullmatch(lead)) or (
        lead in ("", "another", "a further", "encore")
        and _DAY.match(passage.folded, figure.end, clause.end) is not None
    )


def _stands_inside(hit: Hit, verbs: list[tuple[Hit, int]]) -> bool:
    return any(
        other is not hit and other.start <= hit.start and hit.end <= other.end and other[:2] != hit[:2]
        for other, _ in verbs
    )


def _distance(hit: Hit, figure: Figure) -> float:
    return figure.start - hit.end if hit.end <= figure.start else 1.5 * abs(hit.start - figure.end) + 2


def _is_value(passage: Passage, figure: Figure, clause: tuple[int, int]) -> bool:
    start, end = clause
    if any(start <= hit.start < end for hit in passage.concepts.get("value_loss", ())):
        return True
    # "Nvidia alone shedding $400 billion": no word for value, but the verb right before, and the sentence speaks of it
    close = any(
        start <= hit.start < end and 0 <= figure.start - hit.end <= passage.near(18)
        for hit in passage.concepts.get("fall", ())
    )
    return close and (passage.has("value_loss") or "跌去" in passage.words)


def _subject(
    passage: Passage, figure: Figure, subjects: list[Who], before: Who | None, weak: Callable[[str], bool]
) -> Who | None:
    clause = _clause(passage, figure)
    inside = [who for who in subjects if clause.start <= who.start and who.end <= figure.start]
    if inside:
        return inside[-1]
    spanning = [who for who in subjects if who.start < clause.start < who.end <= figure.start]
    if spanning:
        return spanning[-1]
    after = [who for who in subjects if figure.end <= who.start < clause.end]
    if (
        after
        and OF_END.search(passage.folded, figure.end, after[0].start)
        and after[0].start - figure.end <= passage.near(60)
    ):
        return after[0]
    earlier = [who for who in subjects if who.end <= figure.start]
    earlier = [who for who in earlier if not all(weak(key) for key in who.members)] or earlier
    if before is not None and (not earlier or before.end >= earlier[-1].start):
        return before
    if earlier:
        return earlier[-1]
    if not after and subjects and _LEADING.match(passage.words):
        return subjects[0]
    return after[0] if after else None


def _is_outsiders(passage: Passage, figure: Figure, who: Who | None) -> bool:
    """Tell whether a company of no concern stands nearer before the figure than the name that it would go to."""
    low = who.end if who is not None and who.end <= figure.start else passage.clause(figure.start).start
    return any(low <= hit.start and hit.end <= figure.start for hit in passage.concepts.get("outsider", ()))


def _respective(passage: Passage, subjects: list[Who], wanted: list[Figure]) -> dict[Figure, Who]:
    """Pair "A, B and C" with "1%, 2% and 3%" where the sentence says that they go respectively."""
    if not _RESPECTIVELY.search(passage.words):
        return {}
    for who in subjects:
        following = [figure for figure in wanted if figure.start >= who.end and figure.unit == "%"][: len(who.members)]
        if len(who.members) > 1 and len(following) == len(who.members):
            return {figure: Who(who.start, who.end, [key]) for figure, key in zip(following, who.members, strict=True)}
    return {}


def _is_so_far(passage: Passage, figure: Figure) -> bool:
    start, end = _clause(passage, figure)
    found = _SO_FAR.search(passage.folded, start, end) or SPAN.search(passage.folded, start, end)
    return found is not None and _RECORD.search(passage.folded, start, end) is None


def _after_hours(passage: Passage, figure: Figure) -> bool:
    hits = passage.concepts.get("after_hours", ())
    return any(hit.start < figure.start for hit in hits) or any(
        0 <= hit.start - figure.end < passage.near(40) for hit in hits
    )
