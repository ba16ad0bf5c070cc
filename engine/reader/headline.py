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
_DATED: Final = re.compile(r"(?:19|20)\d\d")


def headline(text: str, spans: Sequence[Span], names: Sequence[Hit] = ()) -> Span:
    r"""Find the headline of a document: the sentences of its first line, or the first of them where that line is long.

    A short line before it that only dates the page and names nobody is passed over.

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
