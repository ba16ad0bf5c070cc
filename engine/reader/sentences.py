"""Cut a text into sentences, as spans of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

LONGEST: Final = 700  # characters; a longer one is cut at a comma or a space

_END = re.compile(
    r"\n+|[。！？；]+[”」』\"’'）)】]*|[.!?…]+[\"'”’»)\]]*(?=\s|$|[\u3400-\u9fff“「])|;(?=[\u3400-\u9fff“「\s])"
)
_SOFT = re.compile(r"[，,、;；:：]\s?|\s")
# A full stop after these does not end a sentence.
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\"'“«])(?:[A-Za-z]|[A-Z]\.[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Inc|Corp|Co|Ltd|vs|e\.g|i\.e|cf|No|Jan|Feb|Mar|Apr|Jun|Jul|Aug|"
    r"Sept|Sep|Oct|Nov|Dec|approx|est|env|MM|Mme|Mlle|janv|févr|juil|oct|nov|déc|p|pp|art|al|U\.S\.A|a\.m|p\.m|Gov|Sen|Rep)$"
)


class Span(NamedTuple):
    """A stretch of a text, end exclusive."""

    start: int
    end: int


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """Yield the sentences of ``text[start:end]``, without the white space around them.

    Examples
    --------
    >>> text = "Nvidia Corp. fell 3.65%. 英伟达跌3.65%。甲骨文也跌!"
    >>> [text[a:b] for a, b in sentences(text)]
    ['Nvidia Corp. fell 3.65%.', '英伟达跌3.65%。', '甲骨文也跌!']
    """
    stop = len(text) if end is None else end
    begin = start
    for mark in _END.finditer(text, start, stop):
        if text[mark.start()] == "." and mark.end() < stop and _goes_on(text, begin, mark):
            continue
        yield from _pieces(text, begin, mark.end())
        begin = mark.end()
    yield from _pieces(text, begin, stop)


def _goes_on(text: str, begin: int, mark: re.Match[str]) -> bool:
    before = text[max(begin, mark.start() - 12) : mark.start()]
    if _ABBREVIATED.search(before):
        return True
    if before.strip().isdigit() and len(before.strip()) <= 2:  # "1. Core stocks": the number of a list
        return True
    following = text[mark.end() : mark.end() + 3].lstrip()
    return bool(following) and following[0].islower() and mark.group() == "."


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > LONGEST:
        cut = start + LONGEST
        for soft in _SOFT.finditer(text, start + LONGEST // 2, cut):
            cut = soft.end()
        yield from _pieces(text, start, cut)
        start = cut
    if end > start:
        yield Span(start, end)
