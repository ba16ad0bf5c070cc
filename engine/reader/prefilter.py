"""The first pass over whole columns: throw away the documents in which nobody is named or nothing is claimed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import ahocorasick_rs
import polars as pl

from engine.reader.decode import BROKEN_MARKS, PINYIN_MARKS
from engine.reader.fold import fold
from engine.reader.lexicon import Lexicon
from engine.reader.terms import wordy

_FALL: Final = re.compile(r"[-−–]\d{1,2}(?:[.,]\d+)?\s?%")  # "Nvidia -3.65%" has no verb
_MOST_CHARACTERS: Final = 200_000  # of words that are compiled into a table of all steps
_SYMBOL: Final = re.compile(
    r"\$[A-Z]|[(（:：]\s?[A-Z0-9]|[A-Z0-9][.\-][A-Z]{1,3}\b|[Ss][HhZz]\d"
)  # see engine.reader.symbols


class Prefilter:
    """The words and names of one lexicon, for whole columns of documents.

    A document stays where it names somebody and holds a word that can make a claim. What it throws away holds no claim by
    the lexicon's own rules; what it keeps may.
    """

    def __init__(self, lexicon: Lexicon, *, any_words: bool = False) -> None:
        # Whoever labels the sentences says what a claim is; and a user's own sentences may hold words that no lexicon has.
        self._any_words = any_words or (lexicon.model is not None and lexicon.model.taught)
        anchors = sorted(lexicon.anchors - {"rise"})
        terms = [term for concept in anchors for term in lexicon.concept_terms.get(concept, [])]
        pieces: dict[str, tuple[bool, bool]] = {}
        for word, (left, right) in map(_piece, terms):
            for form in (word, word.replace(" ", "-"), word.replace("-", " ")):
                other = pieces.get(form, (True, True))
                pieces[form] = (left and other[0], right and other[1])  # the wider of two terms decides
        self._pieces, self._ends = list(pieces), list(pieces.values())
        small = sum(map(len, pieces)) < _MOST_CHARACTERS
        kind = (
            ahocorasick_rs.Implementation.DFA if small else None
        )  # twice as fast, and some bytes a character and letter
        self._words = ahocorasick_rs.AhoCorasick(list(pieces), implementation=kind)
        self._names = lexicon.names

    def keep(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Keep the rows whose `text` may hold a claim; those with broken characters stay, to be repaired first."""
        return frame.filter(pl.Series([not reason for reason in self.sift(frame)], dtype=pl.Boolean))

    def sift(self, frame: pl.DataFrame) -> list[str]:
        """Say of each row why its `text` holds no claim: "no_claim" for want of a word, "nobody_known", or "" where it may hold one."""
        broken = frame.select(_broken()).to_series()
        about = frame["ticker"] if "ticker" in frame.columns else [None] * frame.height
        return [
            "" if hurt else self.lacks(text, ticker)
            for text, ticker, hurt in zip(frame["text"], about, broken, strict=True)
        ]

    def lacks(self, text: str, ticker: str | None = None) -> str:
        """Say why one text holds no claim, as `sift` does."""
        folded = fold(text)
        if not self._any_words and not self._has_word(folded) and _FALL.search(text) is None:
            return "no_claim"
        known = bool(ticker) or self._names.has_any(folded, text) or _SYMBOL.search(text) is not None
        return "" if known else "nobody_known"

    def words_in(self, folded: str) -> list[str]:
        """List the words of a folded text that can make a claim, in its order, none twice."""
        return list(dict.fromkeys(self._words_of(folded)))

    def _has_word(self, folded: str) -> bool:
        return next(self._words_of(folded), None) is not None

    def _words_of(self, folded: str) -> Iterator[str]:
        size = len(folded)
        for index, start, stop in self._words.find_matches_as_indexes(folded, overlapping=True):
            left, right = self._ends[index]
            if (left and start and wordy(folded[start - 1])) or (right and stop < size and wordy(folded[stop])):
                continue
            yield self._pieces[index]


def _broken() -> pl.Expr:
    return pl.col("text").str.contains_any([*BROKEN_MARKS, *(f"{vowel})" for vowel in PINYIN_MARKS), "(dā", "\ufeff"])


def _piece(term: str) -> tuple[str, tuple[bool, bool]]:
    """Give the longest literal piece of "play* down" or "exclu* .. baisse des taux", the rarest; and whether words end there."""
    pieces = [piece for part in term.split(" .. ") for piece in part.strip().split("*") if piece.strip()]
    piece = max(pieces, key=lambda text: len(text.strip()))
    word = fold(piece.strip())
    ends = not term.endswith("*") and term.endswith(piece)
    return word, (wordy(word[0]), ends and wordy(word[-1]))
