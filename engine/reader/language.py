"""Which of the four languages a text and its sentences are written in."""

from __future__ import annotations

import functools
import re
from collections import Counter
from typing import Final

from engine.reader.fold import is_han, table

_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_LATIN: Final = re.compile(r"[a-z]")
_FRENCH: Final = re.compile(
    r"\b(?:(?:le|la|les|des|de|un|une|du|est|dans|que|qui|pour|pas|sur|avec|plus|ce|cette|ses|son|sa|au|aux|ont|sont|selon|mais|ne|et|par|en|se|il|elle|malgre|apres)(?![a-z'])|[ldjqnsc]u?'(?=[a-z]))"
)
_ENGLISH: Final = re.compile(
    r"\b(?:the|of|and|to|in|is|that|for|was|with|as|its|are|by|at|from|has|have|had|but|not|this|it|be|will|after|their|on|an)\b"
)


def of_sentence(folded: str, latin: str) -> str:
    """Give "zh", or `latin` (the language of the document's Latin words), for a folded sentence."""
    if folded.isascii():
        return latin
    han = len(_HAN.findall(folded))
    if han * 2 >= len(folded):
        return "zh"
    return "zh" if han >= 2 and han * 4 >= len(_LATIN.findall(folded)) else latin


def latin_of(folded: str) -> str:
    """Tell French from English by their small words.

    >>> latin_of("l'action perd 3 % dans la matinee"), latin_of("the stock fell in the morning")
    ('fr', 'en')
    """
    sample = folded[:1500]
    return "fr" if len(_FRENCH.findall(sample)) > len(_ENGLISH.findall(sample)) else "en"


def of_document(text: str, folded: str, latin_tongue: str | None = None) -> str:
    """Give the language of a document as a BCP 47 tag: "fr", "en", "zh-Hans", "zh-Hant"; "und" where it has no letters.

    >>> of_document("輝達股價下跌", "辉达股价下跌")
    'zh-Hant'
    """
    if folded.isascii() and _LATIN.search(folded):
        return latin_tongue or latin_of(folded)
    folded = folded[:4000]
    han = len(_HAN.findall(folded))
    latin = 0 if han * 2 >= len(folded) > 0 else len(_LATIN.findall(folded))
    if not han and not latin:
        return "und"
    if han * 3 >= latin:  # a Chinese character says about as much as three letters
        return "zh-Hant" if _is_traditional(text[:4000]) else "zh-Hans"
    return latin_tongue or latin_of(folded)


@functools.cache
def _telling() -> tuple[frozenset[str], frozenset[str]]:
    """Characters that only the traditional script has, and characters that only the simplified one has."""
    traditional = {chr(code): simple for code, simple in table().items() if is_han(chr(code))}
    return frozenset(traditional), frozenset(traditional.values()) - frozenset(traditional)


def _is_traditional(text: str) -> bool:
    traditional, simplified = _telling()
    count = Counter(text)
    return sum(n for c, n in count.items() if c in traditional) > sum(n for c, n in count.items() if c in simplified)
