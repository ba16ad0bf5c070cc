"""What the learned model sees of a sentence: no name, no product, no figure and no date, so that no weight can remember one."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

from engine.reader.lexicon import Lexicon
from engine.reader.terms import Hit

#: Signs that stand for what was masked; no text holds them, as it is folded before.
COMPANY, MARKET, INDEX, GROUP, PERSON, BANK, NOBODY, WORD, DAY = "①②③④⑤⑥⑦⑧⑨"
_NUMBER: Final = re.compile(r"(\d+)(?:[.,]\d+)?\s?(?:%|percent|per cent|pct|pour cent)|百分之(\d+)|\d+(?:[.,:/]\d+)*")
_MONTH: Final = re.compile(
    r"\b(?:january|february|march|april|june|july|august|september|october|november|december|janvier|fevrier|mars|avril|mai|juin"
    r"|juillet|aout|septembre|octobre|novembre|decembre|jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"
    r"|(?<=\bin )may\b|(?<=\bmid-)may\b|(?<=\b(?:last|late) )may\b|(?<=\b(?:early|since|until) )may\b|\bmay(?= 0)|(?<=0 )may\b"
    r"|[一二三四五六七八九十]{1,2}月"
)
_WORD: Final = re.compile(r"[a-z][a-z0-9]+")
_WORDS: Final = re.compile(rf"{WORD}(?:[\s\-]*{WORD})*[\s\-]*")
# What every month has: looked for first, as most sentences have none.
_OF_MONTH: Final = (
    "jan", "feb", "fev", "march", "mars", "apr", "avr", "mai", "jun", "jul", "jui", "aug", "aou", "sep", "oct", "nov", "dec", "may", "月",
)  # fmt: skip


def masked(folded: str, text: str, start: int, end: int, names: list[Hit], lexicon: Lexicon, common: Set[str]) -> str:
    """Give a sentence with names, products, figures and dates replaced by signs.

    Parameters
    ----------
    folded, text
        The document, folded and as it was; of one length.
    start, end
        Where the sentence stands.
    names
        Who is named in the document, in order.
    common
        Words that texts write in lower case; any other word with a capital is taken for the name of something.
    """
    pieces: list[str] = []
    at = start
    for hit in names:
        if hit.start < at or hit.end > end:
            continue
        pieces += [_plain(folded[at : hit.start], text[at : hit.start], common), _sign(hit.key, lexicon)]
        at = hit.end
    pieces.append(_plain(folded[at:end], text[at:end], common))
    line = _NUMBER.sub(_size, "".join(pieces))
    if _has(line, _OF_MONTH):
        line = _MONTH.sub(DAY, line)
    return " ".join(_WORDS.sub(f"{WORD} ", line).split())


def _has(line: str, pieces: tuple[str, ...]) -> bool:
    for piece in pieces:  # noqa: SIM110 - a third of the time of any()
        if piece in line:
            return True
    return False


def _plain(folded: str, text: str, common: Set[str]) -> str:
    """Mask the words that hold a capital ("Blackwell", "iPhone") and are no common ones."""
    return _WORD.sub(
        lambda found: WORD if found[0] not in common and not text[found.start() : found.end()].islower() else found[0],
        folded,
    )


def _sign(key: str, lexicon: Lexicon) -> str:
    entity = lexicon.entities[key]
    if entity.role == "asset":
        return INDEX if entity.index else COMPANY
    if entity.role == "group":
        return MARKET if entity.weak else GROUP
    if entity.role == "person":
        return BANK if "Reserve" in key or "Bank" in key else PERSON
    return NOBODY if entity.role == "nobody" else COMPANY


def _size(found: re.Match[str]) -> str:
    """Keep of a percentage only whether it is of 5 or more, of 2 or more, or less, which is what falls ask; of other numbers nothing."""
    if not (found[1] or found[2]):
        return "0"
    value = int((found[1] or found[2])[:6])
    return "5%" if value >= 5 else "2%" if value >= 2 else "1%"
