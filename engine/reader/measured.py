"""What a percentage measures: the price of a share, or the staff, sales, stake, odds that its clause speaks of."""

from __future__ import annotations

import re
from typing import Final

from engine.reader.figures import Figure
from engine.reader.passage import Passage, Who
from engine.reader.sentences import Span
from engine.reader.terms import Hit

OF_END: Final = re.compile(
    r"(?:\b|^)(?:in|for|at|of|by|on|off|chez|pour|de|du|des|sur)\s+(?:the |l'|la |le |les |shares of |shares in )?$|\bd'$"
)
# "15% of staff": a part of something, unless it is of a price or of a value
_PART: Final = re.compile(
    r"\s*(?:of\b|de la\b|de l'|du\b|des\b|de (?:ses|sa|son|leurs?)\b|de\b|d'|的)\s*(?:the |its |their |his |her |all |each |l'|la |le |les )?"
)
_OF_VALUE: Final = re.compile(
    r"(?:[a-z' -]{0,24}\b)?(?:value|valuation|worth|wealth|gains?|advance|price|valeur|gains|hausse|baisse|repli|recul|chute|plus|moins|mieux)\b|(?:今年|先前|此前)?(?:涨幅|跌幅|市值|价值|身价)"
)
# What may not stand between a percentage and the noun that it measures: "fell 9% on weak sales" is no 9% of sales.
_APART: Final = re.compile(
    r"[，。；：,;:()（）]|\b(?:on|after|amid|as|with|over|following|despite|because|due|thanks|from|before|ahead|until|since|when|where|which|that|who|while|to|by|at|and|or|but|for"
    r"|sur|apres|malgre|avec|car|grace|suite|cause|raison|alors|depuis|avant|a|au|aux|par|et|ou|mais|dans|lors|pour|face|lundi|mardi|mercredi|jeudi|vendredi)\b"
    r"|因|受|由于|后|在|至|到|为|随|而|并|且|使|令|拖累|但|不过"
)
# Compared with a year before: results are told so, prices of a day are not.
_A_YEAR_BEFORE: Final = re.compile(
    r"同比|环比|按年|年增|年减|年跌|季增|季减|月增|月减|较上年|较去年|year[- ](?:over|on)[- ]year|\byoy\b|on[- ]year\b|from a year (?:ago|earlier)|from the year[- ]earlier"
    r"|quarter[- ]over[- ]quarter|\bsur un an\b|par rapport a l'an (?:dernier|passe)|en rythme annuel|annual rate"
)
_MARKET: Final = ("market", "marche", "市场")  # where things are sold, as often as where shares are
_REASON: Final = re.compile(
    r"\s*(?:(?:on|amid|after|despite|with|over|following|sur|apres|malgre|avec|face|suite)\b|因|受|由于|在)"
)


def is_of_something_else(
    passage: Passage, figure: Figure, clause: Span, verbs: list[tuple[Hit, int]], subjects: list[Who]
) -> bool:
    """Tell whether a figure measures something else than a price: staff, revenue, a stake, odds.

    Parameters
    ----------
    clause
        Of the figure.
    verbs
        The rises and falls of the clause, with their signs.
    subjects
        The names of the sentence that have a price.
    """
    others = [*passage.concepts.get("not_price", ()), *passage.concepts.get("measured", ())]
    if figure.unit == "%" and _is_of_a_noun(passage, figure, clause, others, verbs, subjects):
        return True
    prices = [hit for hit in passage.concepts.get("stocks", ()) if not any(_covers(other, hit) for other in others)]
    ours = any(clause.start <= hit.start < clause.end for hit in prices)
    if not ours and _A_YEAR_BEFORE.search(passage.folded, clause.start, clause.end):
        return True
    before = [
        hit for hit in others
        if clause.start <= hit.start and hit.end <= figure.start and not _is_apart(passage, hit.end, figure.start)
    ]  # fmt: skip
    if before:
        other = max(before, key=lambda hit: (hit.start, -hit.end))  # of "ventes" and "ventes de" the noun alone
        return not _is_price_after(passage, figure, other, prices, verbs, subjects)
    price = any(clause.start <= hit.start <= figure.start for hit in prices)
    return not price and _is_of_an_earlier_noun(passage, figure, clause, others, prices, verbs, subjects)


def _is_apart(passage: Passage, start: int, end: int) -> bool:
    """Tell whether a space parts two clauses: Chinese headlines have no comma ("遭砍目標價 慘跌9%")."""
    return (
        passage.language == "zh"
        and re.search(r"[\u3400-\u9fff%] +[\u3400-\u9fff]", passage.folded[start - 1 : end]) is not None
    )


def _covers(cover: Hit, hit: Hit) -> bool:
    return cover.start <= hit.start and hit.end <= cover.end


def _is_of_a_noun(
    passage: Passage, figure: Figure, clause: Span, others: list[Hit], verbs: list[tuple[Hit, int]], subjects: list[Who]
) -> bool:
    """Tell whether the noun after a percentage is what it measures: "15% of staff", "a 5% stake", "a 12% drop in revenue"."""
    reach = min(clause.end, figure.end + passage.near(36))
    for hit in others:
        if figure.end <= hit.start < reach and not _APART.search(passage.folded, figure.end, hit.start):
            close = hit.start - figure.end <= 4 if passage.language == "zh" else True
            if close and not any(figure.end <= who.start < hit.start and _takes(passage, who, hit) for who in subjects):
                return True
    part = _PART.match(passage.folded, figure.end, clause.end)
    if part is None:
        return False
    near = part.end() + passage.near(12)
    stocks = passage.concepts.get("stocks", ())
    return not (
        _OF_VALUE.match(passage.folded, part.end(), clause.end)
        or any(figure.end <= who.start <= near for who in subjects)
        or any(figure.end <= hit.start <= near for hit in stocks)
        or any(figure.end <= hit.start <= near for hit, _ in verbs)
        or part.end() >= clause.end
        or passage.language == "fr"  # "de" says much more than "of": there the nouns decide
    )


def _takes(passage: Passage, who: Who, hit: Hit) -> bool:
    """Tell whether a name between a figure and a noun ends what the figure is of: "9% at Nvidia, sales"."""
    return not re.match(r"\s*(?:'s?\b|的|$)", passage.folded[who.end : hit.start])


def _is_price_after(
    passage: Passage, figure: Figure, other: Hit, prices: list[Hit], verbs: list[tuple[Hit, int]], subjects: list[Who]
) -> bool:
    """Tell whether a figure is a price's although a noun such as sales stands before it in the clause."""
    # "weak demand pushed Nvidia down 9%", "its sales and stock fell"; not "demand for Nvidia's chips", "its weight in the index"
    reach = other.end
    for start, end in sorted([*((hit.start, hit.end) for hit in prices), *((who.start, who.end) for who in subjects)]):
        if not other.end <= start < figure.start:
            continue
        possessed = reach > other.end and passage.folded[reach:start] in ("'s ", "' ", " ", "的", "")
        if not possessed and not OF_END.search(passage.folded, reach, start):
            return True
        reach = max(reach, end)
    between = [verb for verb, _ in verbs if other.end <= verb.start <= figure.start]
    if between:
        return len({verb.start for verb in between}) > 1 or any(
            other.end <= hit.start and hit.end <= between[0].start for hit in passage.concepts.get("miss", ())
        )
    # "fell on weak sales 3%", not "trimmed its staff 3%"
    return any(verb.end <= other.start and _REASON.match(passage.folded, verb.end, other.start) for verb, _ in verbs)


def _is_of_an_earlier_noun(
    passage: Passage,
    figure: Figure,
    clause: Span,
    others: list[Hit],
    prices: list[Hit],
    verbs: list[tuple[Hit, int]],
    subjects: list[Who],
) -> bool:
    """Tell whether the subject of a clause that opens with its verb is a noun before it: "Revenue at Nvidia, the chipmaker, fell 3%"."""
    if any(clause.start <= who.start < figure.start for who in subjects):
        return False
    opening = [verb for verb, _ in verbs if clause.start <= verb.start <= figure.start]
    if not opening or opening[0].start - clause.start > passage.near(14):
        return False
    for hit in others:
        head = passage.clause(hit.start)
        if head.end >= clause.start - 1 or head.start != passage.span.start:
            continue
        mine = (price for price in prices if head.start <= price.start < figure.start)
        if all(passage.folded.startswith(_MARKET, price.start) for price in mine):
            return True
    return False
