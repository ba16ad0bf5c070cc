"""Names that a text itself introduces: "Zyntex Corp (NYSE: ZYX)" once, then Zyntex; 得润电子(002055.SZ), then 得润电子."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from engine.reader.fold import is_han
from engine.reader.names.legal import short
from engine.reader.terms import Hit, wordy

_LATIN: Final = re.compile(r"((?:[A-Z][\w&.'’\-]*|[A-Z]{2,})(?:[ \-,](?:[A-Z][\w&.'’\-]*|of|de|&)){0,4})[\s(（\[【,]*$")
_HAN: Final = re.compile(r"([\u3400-\u9fff]{2,12})[\s(（\[【]*$")
_LENGTHS: Final = (4, 3, 5, 6)  # of Chinese companies' names, the usual first
_BESIDE: Final = 3  # characters between a name and its symbol
_LEAST: Final = 4  # letters of a Latin name that stands for the whole


def introduced(symbols: Iterable[Hit], text: str, folded: str, known: Iterable[Hit]) -> Iterator[Hit]:
    """Yield the places where a text names a company by the name that it gave beside a symbol.

    Parameters
    ----------
    symbols
        The symbols of the text, as names.
    text, folded
        The text as it was and as `fold` gives it.
    known
        Names found in it already; where one stands right before a symbol, that one is the company's.
    """
    spans = [(hit.start, hit.end) for hit in known]
    done: set[str] = set()
    for symbol in symbols:
        before = text[max(0, symbol.start - 60) : symbol.start].rpartition("\n")[2]
        start = symbol.start - len(before)
        if any(start < end and symbol.start - end <= _BESIDE and end <= symbol.start for _, end in spans):
            continue
        for name in _names(before, folded[start : symbol.start]):
            if name in done or (name := name.strip()) in done:
                continue
            places = list(_places(name, folded, spans))
            done.add(name)
            yield from (Hit(at, at + len(name), "asset", symbol.key) for at in places)
            if any(not 0 <= symbol.start - at - len(name) <= _BESIDE for at in places):
                break


def _names(before: str, folded: str) -> Iterator[str]:
    """Give what the company may be called, by the words before its symbol, folded."""
    han = _HAN.search(folded)
    if han is not None:
        run = han.group(1)
        if len(run) <= 6:
            yield run
        yield from (run[-length:] for length in _LENGTHS if length < len(run))
        return
    latin = _LATIN.search(before)
    if latin is None:
        return
    told = latin.group(1).strip(" ,.")
    for form in short(told):
        if len(form) >= _LEAST:
            yield form.lower()
    first = told.split()[0]
    if len(first) >= _LEAST and first.isalpha():
        yield first.lower()


def _places(name: str, folded: str, spans: list[tuple[int, int]]) -> Iterator[int]:
    at = folded.find(name)
    while at >= 0:
        end = at + len(name)
        whole = is_han(name[0]) or not ((at and wordy(folded[at - 1])) or (end < len(folded) and wordy(folded[end])))
        if whole and not any(start < end and at < stop for start, stop in spans):
            yield at
        at = folded.find(name, end)
