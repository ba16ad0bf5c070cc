"""Words and names compiled for one pass over a text: Aho-Corasick finds them, word boundaries and tails are checked after."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import ahocorasick_rs

from engine.reader.fold import fold, is_han

Role = Literal["asset", "group", "private", "person", "nobody", "unknown", "concept"]


class Hit(NamedTuple):
    """A term found: what it stands for, and its span in the folded text."""

    start: int
    end: int
    role: Role
    key: str


class Term(NamedTuple):
    """What a pattern stands for, and what must hold around it."""

    role: Role
    key: str
    language: str = ""  # "" for names, which belong to every language
    stem: bool = False  # any ending may follow
    cased: str = ""  # the exact spelling, where capitals count
    marked: bool = False  # only with $, brackets or an exchange's name
    tail: str = ""  # a pattern of what must follow
    word: str = ""  # "capital": capitals tell it from a word; "word": only a company's context does
    without: tuple[str, ...] = ()  # folded words beside which it is somebody or something else
    place: str = ""  # where it trades ("US", "FR", "TW"), of a name that several companies bear
    since: dt.date | None = None
    until: dt.date | None = None
    tongue: str = ""  # the only language in which it counts
    inside: tuple[str, str] = (
        "",
        "",
    )  # characters before and after it where it is the end of one word and the begin of another

    def is_inside(self, folded: str, start: int, stop: int) -> bool:
        """Tell whether its two characters belong to two other words."""
        before, after = self.inside
        return start > 0 and stop < len(folded) and folded[start - 1] in before and folded[stop] in after

    def tail_end(self, folded: str, stop: int) -> int:
        """Give where the tail ends that must follow at `stop`; -1 where it does not follow."""
        found = _pattern(self.tail).match(folded, stop)
        return -1 if found is None else found.end()


class Terms:
    """Terms under their patterns; `add` them all, then `find`."""

    def __init__(self) -> None:
        self._slots: dict[str, list[Term]] = {}
        self._terms: list[list[Term]] = []
        self._plain: list[bool] = []  # whether nothing but boundaries is asked of it
        self._edges: list[
            tuple[bool, bool]
        ] = []  # whether a word begins and ends with the pattern, and so needs a boundary
        self._automaton: ahocorasick_rs.AhoCorasick | None = None

    def add(self, raw: str, term: Term) -> None:
        """Add a term as the lexicon writes it: "play* down", "exclu* .. baisse des taux"; `term` says whose it is."""
        head, *rest = [part.strip() for part in raw.split(" .. ")]
        joined = ""
        if "*" in head[:-1]:  # "baisse* de taux": what follows the first star is matched as a tail
            head, _, joined = head.partition("*")
            head += "*"
        word = fold(head.rstrip("*"))
        if not word:
            return
        tail = _tail(joined, rest, chinese=term.language == "zh") if rest or joined else ""
        term = term._replace(stem=head.endswith("*"), cased=head if term.cased else "", tail=tail)
        for form in {word, word.replace(" ", "-"), word.replace("-", " ")}:  # "data center", "data-center"
            self._put(form, term)

    def add_name(self, folded: str, term: Term) -> None:
        """Add a folded name, without stars: a fifth of the time that `add` takes."""
        self._put(folded, term)
        if "-" in folded:
            self._put(folded.replace("-", " "), term)

    def _put(self, form: str, term: Term) -> None:
        slot = self._slots.get(form)
        if slot is None:
            self._slots[form] = [term]
        else:
            slot.append(term)
        self._automaton = None

    def has(self, folded: str) -> bool:
        """Tell whether a folded name is among the terms already."""
        return folded in self._slots

    def tokens(self) -> dict[str, set[str]]:
        """Give the words of the names of each key."""
        out: dict[str, set[str]] = {}
        for name, slot in self._slots.items():
            for term in slot:
                out.setdefault(term.key, set()).update(re.split(r"[\s\-&.,']+", name))
        return out

    def has_any(self, folded: str, text: str) -> bool:
        """Tell whether a text holds any name, nobody's aside, by spelling and boundaries alone."""
        automaton, size = self._compiled(), len(folded)
        for index, start, stop in automaton.find_matches_as_indexes(folded, overlapping=True):
            left, right = self._edges[index]
            if left and start and wordy(folded[start - 1]):
                continue
            goes_on = right and stop < size and wordy(folded[stop])
            for term in self._terms[index]:
                if (
                    term.role != "nobody"
                    and not (goes_on and not term.stem)
                    and not (term.cased and text[start:stop] != term.cased)
                    and not (term.word and text[start].islower())
                ):
                    return True
        return False

    def _compiled(self) -> ahocorasick_rs.AhoCorasick:
        if self._automaton is None:
            self._automaton = ahocorasick_rs.AhoCorasick(list(self._slots), store_patterns=False)
            self._terms = list(self._slots.values())
            self._plain = [not any(t.cased or t.marked or t.inside[0] for t in slot) for slot in self._terms]
            self._edges = [(wordy(word[0]), wordy(word[-1])) for word in self._slots]
        return self._automaton

    def matches(self, folded: str, text: str) -> list[tuple[int, int, list[Term]]]:
        """Give every pattern in a text with those of its terms whose spelling and boundaries hold there.

        Parameters
        ----------
        folded, text
            The text as `fold` gives it and as it was; of one length.

        Returns
        -------
        list of (start, end, terms)
            In the order of their ends.
        """
        out = []
        automaton, size, edges, slots, plain = self._compiled(), len(folded), self._edges, self._terms, self._plain
        for index, start, stop in automaton.find_matches_as_indexes(folded, overlapping=True):
            left, right = edges[index]
            if left and start and (char := folded[start - 1]).isalnum() and not "\u3400" <= char <= "\u9fff":
                continue
            terms = slots[index]
            if right and stop < size and (char := folded[stop]).isalnum() and not "\u3400" <= char <= "\u9fff":
                terms = [term for term in terms if term.stem]
            elif plain[index]:
                out.append((start, stop, terms))
                continue
            terms = [
                term for term in terms
                if not (term.cased and text[start:stop] != term.cased)
                and not (term.marked and not is_marked(folded, start))
                and not (term.inside[0] and term.is_inside(folded, start, stop))
            ]  # fmt: skip
            if terms:
                out.append((start, stop, terms))
        return out

    def only(self, wanted: Callable[[Term], bool]) -> Terms:
        """Give those of the terms that are `wanted`, compiled apart."""
        out = Terms()
        slots = ((word, [term for term in slot if wanted(term)]) for word, slot in self._slots.items())
        out._slots = {word: slot for word, slot in slots if slot}
        return out

    def find(self, folded: str, text: str) -> list[Hit]:
        """Give the hits of all terms, sorted by start, longer ones first."""
        out: list[Hit] = []
        for start, stop, terms in self.matches(folded, text):
            for term in terms:
                end = term.tail_end(folded, stop) if term.tail else stop
                if end >= 0:
                    out.append(Hit(start, end, term.role, term.key))
        out.sort(key=lambda hit: (hit.start, -hit.end, hit.role))
        return out


def wordy(char: str) -> bool:
    """Tell whether a character joins to a word beside it: a letter or digit, but no Chinese character."""
    return char.isalnum() and not is_han(char)


_EXCHANGE: Final = re.compile(r"(?:\$|\((?:[a-z]+\s?:\s?)?|（|(?:nyse|nasdaq)\s?:\s?)\s?$")


def is_marked(folded: str, start: int) -> bool:
    """Tell whether a $, a bracket or an exchange's name stands right before."""
    return _EXCHANGE.search(folded, max(0, start - 12), start) is not None


@functools.cache
def _pattern(tail: str) -> re.Pattern[str]:
    return re.compile(tail)


def _tail(joined: str, parts: list[str], *, chinese: bool) -> str:
    gap = rf"[^。！？；;!?\n]{{0,{12 if chinese else 40}}}?"
    out = r"" if chinese else r"\w*"
    if joined:
        out += _words(joined)
    for part in parts:
        out += gap + ("" if chinese else r"\b") + _words(part)
    return out


def _words(part: str) -> str:
    body = r"\w*".join(re.escape(fold(piece)) for piece in part.split("*"))
    return body if part.endswith("*") or is_han(part[-1]) else body + r"\b"
