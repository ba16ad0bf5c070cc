"""The first, vectorised pass: throw away the documents in which nobody is named or nothing is claimed."""

from __future__ import annotations

import functools
import re
from typing import Final

import opencc
import polars as pl

from engine.reader.decode import BROKEN_MARKS, PINYIN_MARKS
from engine.reader.fold import fold, is_han
from engine.reader.lexicon import Lexicon

_CONVERSIONS: Final = ("s2t", "s2tw", "s2hk", "t2s")


class Prefilter:
    """Compiled patterns of one lexicon, for whole columns of documents.

    A document stays where it names somebody and holds a word that can make a claim. What it throws away holds no claim by
    the lexicon's own rules; what it keeps may.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        anchors = [concept for rule in lexicon.rules for concept in rule.any] + ["fall", "plunge"]
        claims = [term for concept in dict.fromkeys(anchors) for term in lexicon.concept_terms.get(concept, [])]
        names = [term for term in lexicon.name_terms]
        self._who_latin, self._who_han = _split(names)
        self._what_latin, self._what_han = _split(claims)

    def keep(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Keep the rows whose `text` may hold a claim; those with broken characters stay, to be repaired first."""
        told = pl.col("text").str.contains(r"[-−–]\d{1,2}(?:[.,]\d+)?\s?%")  # "Nvidia -3.65%" has no verb
        frame = frame.filter(_found(self._what_latin, self._what_han) | told | _broken())
        return frame.filter(_found(self._who_latin, self._who_han) | _broken())


def _found(latin: str, han: list[str]) -> pl.Expr:
    text = pl.col("text")
    return text.str.contains(latin) | text.str.contains_any(han)


def _broken() -> pl.Expr:
    return pl.col("text").str.contains_any([*BROKEN_MARKS, *(f"{vowel})" for vowel in PINYIN_MARKS), "(dā", "\ufeff"])


@functools.lru_cache(maxsize=4)
def _converters() -> tuple[opencc.OpenCC, ...]:
    return tuple(opencc.OpenCC(name) for name in _CONVERSIONS)


def _split(terms: list[str]) -> tuple[str, list[str]]:
    """Part terms into a regular expression of Latin words and a list of Chinese ones in both scripts."""
    latin: dict[str, None] = {}
    han: dict[str, None] = {}
    for term in terms:
        # Of "play* down" or "exclu* .. baisse des taux" the longest literal piece is looked for: the rarest, most likely.
        pieces = [piece for part in term.split(" .. ") for piece in part.strip().split("*") if piece.strip()]
        piece = max(pieces, key=lambda text: len(text.strip()))
        word = piece.strip()
        if any(map(is_han, word)):
            han[word] = None
            han.update(dict.fromkeys(converter.convert(word) for converter in _converters()))
            continue
        ends = not term.endswith("*") and term.endswith(piece) and word[-1].isalnum()
        for form in {word.lower(), fold(word)}:
            body = re.sub(r"\\?[ -]", "[ -]", re.escape(form)).replace("'", "['’]")
            latin[body + (r"(?-u:\b)" if ends else "")] = None
    return r"(?i)(?-u:\b)(?:" + "|".join(latin) + ")", list(han)
