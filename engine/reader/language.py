"""Which of the four languages a text and its sentences are written in, and which texts are in none of them."""

from __future__ import annotations

import functools
import re
from collections import Counter
from typing import Final

import polars as pl

from engine.reader.fold import is_han, table

_HAN: Final = re.compile(r"[\u3400-\u9fff]+")
_LATIN: Final = re.compile(r"[a-z]+")
_FRENCH: Final = re.compile(
    r"\b(?:(?:le|la|les|des|de|un|une|du|est|dans|que|qui|pour|pas|sur|avec|plus|ce|cette|ses|son|sa|au|aux|ont|sont|selon|mais|ne|et|par|en|se|il|elle|malgre|apres)(?![a-z'])|[ldjqnsc]u?'(?=[a-z]))"
)
_ENGLISH: Final = re.compile(
    r"\b(?:the|of|and|to|in|is|that|for|was|with|as|its|are|by|at|from|has|have|had|but|not|this|it|be|will|after|their|on|an)\b"
)


def _count(runs: re.Pattern[str], text: str) -> int:
    """Count the characters of some kind, by their runs."""
    return sum(map(len, runs.findall(text)))


def of_sentence(folded: str, latin: str) -> str:
    """Give "zh", or `latin` (the language of the document's Latin words), for a folded sentence."""
    if folded.isascii():
        return latin
    han = _count(_HAN, folded)
    if han * 2 >= len(folded):
        return "zh"
    return "zh" if han >= 2 and han * 4 >= _count(_LATIN, folded) else latin


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
    han = _count(_HAN, folded)
    latin = 0 if han * 2 >= len(folded) > 0 else _count(_LATIN, folded)
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


# ------------------------------------------------------------------------------------------------------- other languages

_HEAD: Final = 1_500  # characters that are asked
# Words that no text in another language has: a text with one needs no closer look.
_OURS: Final = [" the ", " and ", " with ", " from ", " its ", " les ", " dans ", " aux ", "的", "了", "在", "是"]
# Greek, Cyrillic, Arabic and all others but Latin and Han; kana.
_SCRIPT, _KANA = r"[\u0370-\u1dff\u1f00-\u1fff\uac00-\ud7af]", r"[\u3041-\u309f\u30a1-\u30fa]"
_FOREIGN: Final = re.compile(_SCRIPT)
_JAPANESE: Final = re.compile(_KANA)
_NEVER: Final = re.compile(r"[ßñ¿¡łąęşğıåøæãõőűřěščžțđ]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_OWN_WORDS: Final = (
    "the of and to in is that for with as its are by at from has have had but not this it be will after their says said over into new "
    "per do pro le la les des de du je se il elle ne ce cette nous vous un une est dans que qui pour pas sur avec au aux et en par "
    "selon mais ont sont ses son"
)
# Small words that neither English nor French has, nor a name that they speak of.
_OTHER_WORDS: Final = {
    "de": "der das und nicht ist von den ein eine auf für im werden wird sich nach bei zum zur auch aus aktie aktien börse prozent milliarden",
    "nl": "het een van voor niet zijn wordt naar bij ook aandeel beurs miljard",
    "es": "el los las por para una con del está más como pero su sus según tras acciones bolsa mercado millones",
    "it": "di che della gli sono nel dei delle alla dopo anche azioni borsa mercato miliardi",
    "pt": "os não uma dos da em pelo ao mais são após ações bolsa bilhões",
    "sv": "och att det som på inte av till från",
    "pl": "nie jest się przez oraz po",
    "tr": "ve bir için ile olarak",
    "id": "yang untuk dengan pada dari saham",
    "ro": "și pentru este",
    "cs": "že akcie které",
}
_OWN: Final = frozenset(_OWN_WORDS.split())
_OTHERS: Final = frozenset(word for words in _OTHER_WORDS.values() for word in words.split()) - _OWN
_TELLING_WORDS: Final = 3


def suspects(texts: pl.Series) -> pl.Series:
    """Tell (bool) which texts may be in a language other than the four, and are worth `is_other`."""
    heads = texts.str.slice(0, _HEAD)
    return ~heads.str.contains_any(_OURS) | heads.str.contains(f"{_SCRIPT}|{_KANA}")


def is_other(text: str) -> bool:
    """Tell a text in a language that is neither English, French nor Chinese; one that does not show it is none.

    Examples
    --------
    >>> is_other("Die Aktie von Nvidia fällt nach der Warnung um acht Prozent"), is_other("エヌビディアの株価が8%下落した")
    (True, True)
    >>> is_other("Nvidia-Aktie"), is_other("Selon Der Spiegel, l'action de SAP baisse"), is_other("三星电子（삼성전자）股价下跌")
    (False, False, False)
    """
    head = text[:_HEAD]
    if head.isascii():
        words = set(_WORD.findall(head.lower()))
        small = len(words & _OTHERS)
        return small >= _TELLING_WORDS and small > len(words & _OWN)
    letters = _count(_WORD, head)
    kana = len(_JAPANESE.findall(head))
    if len(_FOREIGN.findall(head)) * 2 > letters or (kana > 1 and kana * 5 >= letters):
        return True
    words = set(_WORD.findall(head.lower()))
    small = len(words & _OTHERS)
    other = small + len(set(_NEVER.findall(head.lower())))
    return small > 0 and other >= _TELLING_WORDS and other > len(words & _OWN)
