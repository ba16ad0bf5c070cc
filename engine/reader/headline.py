"""Which words of a document are its headline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from engine.reader.sentences import Span

if TYPE_CHECKING:
    from engine.reader.terms import Hit

_LONGEST: Final = 200  # characters of a headline; of a longer first line it is the first sentence
_DATE_LINE: Final = 60
# "2025-11-07", "2025年11月7日", "November 7, 2025", "7 novembre 2025"; the year of "2024 annual letter" is no date
_DATED: Final = re.compile(
    r"\b(?:19|20)\d\d\s?[-/.年]\s?\d{1,2}|\b\d{1,2}(?:st|nd|rd|th|er)?,?\s(?:[^\W\d]+\.?,?\s)?(?:19|20)\d\d\b"
)
_FRONT: Final = re.compile(r"\s*---\s*\n(?:.*\n){1,200}?---\s*(?:\n|$)")
_TITLE: Final = re.compile(r"""^title:\s*["']?(.+?)["']?\s*$""", re.MULTILINE)


def headline(text: str, spans: Sequence[Span], names: Sequence[Hit] = ()) -> Span:
    r"""Find the headline of a document: the sentences of its first line, or the first of them where that line is long.

    A short line before it that only dates the page and names nobody is passed over. Of a page with front matter it is the title there.

    Parameters
    ----------
    spans
        Its sentences, one at least.
    names
        Who is named in it.

    Examples
    --------
    >>> page = "Published 2025-11-07\nShares dive. What now?\nIt fell again."
    >>> headline(page, [Span(0, 20), Span(21, 33), Span(34, 43), Span(44, 58)])
    Span(start=21, end=43)
    """
    front = _FRONT.match(text)
    if front is not None and (title := _TITLE.search(text, 0, front.end())):
        return Span(*title.span(1))
    first = 0
    while first + 1 < len(spans) and _only_dates(text, spans[first], names):
        first += 1
    start, end = spans[first]
    stop = text.find("\n", start)
    stop = len(text) if stop < 0 else stop
    if stop - start <= _LONGEST:
        end = max(span.end for span in spans[first:] if span.start < stop)
    return Span(start, end)


def _only_dates(text: str, span: Span, names: Sequence[Hit]) -> bool:
    return (
        span.end - span.start <= _DATE_LINE
        and _DATED.search(text, *span) is not None
        and not any(span.start <= hit.start < span.end for hit in names)
    )
