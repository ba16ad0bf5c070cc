"""Which falls of prices are news: large ones, those told in strong words, and those of a rout."""

from __future__ import annotations

import re
from typing import Final

from engine.reader.figures import MONEY
from engine.reader.lexicon import Lexicon
from engine.reader.moves import MAY_BE, Move, is_negated, stretch
from engine.reader.passage import Passage
from engine.reader.sentences import Span
from engine.reader.terms import Hit
from engine.reader.times import SPAN

LARGE: Final = 5.0  # percent, of a share
LARGE_OF_A_MARKET: Final = 2.0  # percent, of an index or a group
_FELT: Final = 1.0  # percent; less is no fall, not even in a rout
ROUT: Final = 1  # sentences for which the words of a rout hold
# "its worst day since March", "创3月26日以来最大跌幅"
_RECORD: Final = re.compile(
    r"\b(?:worst|biggest|largest|steepest|sharpest|greatest) (?:[a-z-]+ ){0,2}(?:day|session|fall|drop|decline|loss|slide|percentage|one-day|single-day)"
    r"|\b(?:pire|plus (?:forte|grosse|lourde|fort)) (?:[a-z]+ ){0,2}(?:seance|journee|chute|baisse|repli|recul|perte)|最大(?:单日|日内|盘中)?(?:跌幅|降幅|单日)|最差(?:单日|表现|一日)"
)
_MIXED: Final = re.compile(
    r"\bmixed\b|en ordre disperse|en sens contraire|涨跌不一|涨跌互现|涨跌互见|涨跌各半|互有涨跌|好坏参半|分化"
)
_MAY_COME: Final = re.compile(
    r"[^,;.]{0,24}\b(?:is|are|was|were)? ?(?:likely|coming|looms?|looming|brewing|ahead|inevitable|imminent|a-coming)\b|\s?(?:risks?|fears?|warnings?|scenario|insurance|test)\b|(?:的)?(?:风险|预警|将至|在即|论|前|概率|可能)"
)
_CONCESSION: Final = re.compile(
    r"(?:\bdespite|\beven (?:if|after|as)|\brecent|\bin the midst of|\bamid|\bmalgre|\bapres avoir|\brecente?s?|即使|即便|就算|尽管)[^,;，；]{0,24}$"
)
_YEAR: Final = re.compile(r"(?:19\d\d|20[01]\d)\s?(?:年)?(?:的|s)?\s?(?:stock |market |great )*$")
_SELLS: Final = re.compile(r"sell|sold|抛售|catch|punish")
# Who sells shares moves no price by it: "the founder sells off his stake", "对冲基金抛售".
_SELLER: Final = re.compile(
    r"\b(?:sell|sells|selling|sold) (?:off |its |his |her |their |shares |stock |stakes? |\$?[\d.]+ )+|\b(?:hedge funds?|insiders?|buffett|founder|ceo|billionaire|dumb money|smart money)\b"
    r"|基金|创办人|创始人|高管|股东|内部人|客户|巴菲特|大户|空头|国债|美债|债券|持股|套现|交易员抛售"
)
_ASKED: Final = re.compile(r".?\s?[?？]")
_ASKS: Final = re.compile(
    r"\W*(?:did|has|have|is|are|was|were|will|can|could|should|would|est-ce) [^?]*[?]\W*$|[^?？]*吗\s*[?？]\W*$"
)
_WHY: Final = re.compile(r"\b(?:why|how|what|pourquoi|comment)\b|为何|为什么|怎么|何以")
# Said of much else: companies collapse, owners are punished, buyers panic. Of a price only beside a word for shares.
_WEAK: Final = re.compile(
    r"collaps|punish|decimat|hit hard|tumult|evaporat|sank|washout|crush|smash|lamin|effondr|massacre|coup dur|bouscul|degagement|sombr|malmen|derap|evapor|崩溃|重创|遭殃|惨遭|踩踏|蒸发|重灾区|巨震|血洗|屠杀"
)
_OF: Final = re.compile(r"\s?(?:in|of|for|de|du|des|dans|d'|的)\s?(?:the |la |le |l'|les )?(?:[a-z]+ )?")
_THINGS: Final = re.compile(r"panic|panique|恐慌")  # what buyers feel


def is_steep(move: Move, passage: Passage, lexicon: Lexicon) -> bool:
    """Tell whether a fall is no routine one: by its size, or by the words of its clause."""
    if move.unit in MONEY:
        return True
    if abs(move.value) >= (LARGE_OF_A_MARKET if _is_a_market(move, lexicon) else LARGE):
        return True
    clause = stretch(passage, move.figure.start)
    if any(clause.start <= hit.start < clause.end for hit in passage.concepts.get("plunge", ())):
        return True
    return _RECORD.search(passage.words) is not None


def noted(told: list[Move], passage: Passage, lexicon: Lexicon, *, rout: bool) -> list[Move]:
    """Give the falls of a sentence that are news: the steep ones, and the small ones told with them.

    A small fall counts in a rout; beside a market that fell; and in a list of fallers of which half fell steeply.
    """
    if _ASKS.match(passage.words):
        return []
    falls = [move for move in told if move.value < 0 and not move.so_far]
    steep = [move for move in falls if is_steep(move, passage, lexicon)]
    if rout and not any(move.value > 0 for move in told):
        return [move for move in falls if move in steep or abs(move.value) >= _FELT]
    if any(_is_a_market(move, lexicon) for move in steep):
        return [move for move in falls if move in steep or not _is_a_market(move, lexicon)]
    alone = len(falls) < 2 or any(move.value > 0 for move in told)
    many, some = (sum(len(move.assets) for move in moves) for moves in (falls, steep))
    return steep if alone or 2 * some < many else falls


def _is_a_market(move: Move, lexicon: Lexicon) -> bool:
    return all(lexicon.entities[key].index or lexicon.entities[key].role == "group" for key in move.assets)


def tells_of_a_rout(passage: Passage, lexicon: Lexicon) -> bool:
    """Tell whether a sentence says in strong words that a market or a group fell: the falls told with it are news, small or not."""
    plunges = passage.concepts.get("plunge")
    if not plunges or _MIXED.search(passage.words):
        return False
    return any(_is_of_many(passage, hit, lexicon) for hit in plunges)


def _is_of_many(passage: Passage, hit: Hit, lexicon: Lexicon) -> bool:
    clause = stretch(passage, hit.start)
    if not is_told(passage, hit, clause):
        return False
    subjects = [lexicon.entities[name.key] for name in passage.names if clause.start <= name.start < clause.end]
    return any(entity.index or entity.role == "group" for entity in subjects) or (
        not subjects and passage.has("stocks")
    )


def is_told(passage: Passage, hit: Hit, clause: Span) -> bool:
    """Tell whether words say that a price fell in a session: not that it may, nor over months, nor that somebody sells.

    Parameters
    ----------
    hit
        The words, of the concept `fall` or `plunge`.
    clause
        That of the words, as `stretch` gives it.
    """
    folded = passage.folded
    if is_negated(passage, hit) or passage.is_dismissed(hit):
        return False
    before, after = folded[clause.start : hit.start], folded[hit.end : clause.end]
    words = folded[hit.start : hit.end]
    if MAY_BE.search(before) or _MAY_COME.match(after) or _CONCESSION.search(before) or _YEAR.search(before[-14:]):
        return False
    if SPAN.search(folded, clause.start, clause.end) or (
        _SELLER.search(folded, clause.start, clause.end) and _SELLS.match(words)
    ):
        return False
    if _ASKED.match(folded, clause.end - 1) and not _WHY.search(before):
        return False
    if _THINGS.match(words) or _is_of_a_thing(passage, hit, clause):
        return False
    return not _WEAK.match(words) or any(
        clause.start <= other.start < clause.end and not (hit.start <= other.start < hit.end)
        for other in passage.concepts.get("stocks", ())
    )


def _is_of_a_thing(passage: Passage, hit: Hit, clause: Span) -> bool:
    """Tell whether what fell is no share: "oil prices plunge", "plongeon des métaux précieux", "imports plummet"."""
    starts = [name.start for name in passage.names]
    for thing in passage.concepts.get("not_price", ()):
        if clause.start <= thing.start and thing.end <= hit.start:
            between = (thing.end, hit.start)
        elif hit.end <= thing.start < clause.end and _OF.fullmatch(passage.folded, hit.end, thing.start):
            return True
        else:
            continue
        shares = any(between[0] <= other.start < between[1] for other in passage.concepts.get("stocks", ()))
        if not shares and not any(between[0] <= start < between[1] for start in starts):
            return True
    return False
