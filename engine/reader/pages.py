"""HTML -> the main text."""

from __future__ import annotations

import html
import logging
import re
import warnings
from typing import Final

LONGEST: Final = 8_000_000  # characters; trafilatura builds a tree of what it is given
_DEEP: Final = 400  # nested tags; deeper pages are torn, and lxml's tree of them is of no use
_TAG = re.compile(
    r"<(?:script|style|noscript|template|svg|nav|footer|form|select|button)\b.*?</(?:script|style|noscript|template|svg|nav|footer|form|select|button)\s*>|<!--.*?-->",
    re.S | re.I,
)
_BLOCK = re.compile(r"<(?:/?(?:p|div|li|ul|ol|h[1-6]|tr|table|article|section|br|blockquote)\b)[^>]*>", re.I)
_ANY = re.compile(r"<[^>]{0,2000}>")


def main_text(page: str) -> str:
    """Give the story of a page.

    trafilatura finds the story; a page that it cannot read (torn, far too deep) is stripped of its tags instead.
    """
    page = page[:LONGEST]
    text = ""
    if _depth(page) <= _DEEP:
        import trafilatura  # noqa: PLC0415

        logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                text = trafilatura.extract(page, include_comments=False, include_tables=False, deduplicate=False) or ""
        except Exception:
            text = ""
    return text if len(text) >= 40 else stripped(page)


def stripped(page: str) -> str:
    """Take the tags out of a page, leaving a line for each block."""
    text = _ANY.sub("", _BLOCK.sub("\n", _TAG.sub(" ", page)))
    return re.sub(r"\n\s*\n+", "\n", html.unescape(text))


def _depth(page: str) -> int:
    """Bound how deep tags nest: opened less closed, at most."""
    depth = deepest = 0
    for found in re.finditer(
        r"<(/?)(?:div|span|p|b|i|ul|li|table|tr|td|section|article|font|blockquote)\b", page, re.I
    ):
        depth += -1 if found[1] else 1
        deepest = max(deepest, depth)
    return deepest
