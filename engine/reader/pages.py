"""HTML -> the main text and the time that the page's own metadata state."""

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
_META = re.compile(
    r"<meta[^>]+?(?:property|name|itemprop)\s*=\s*[\"'](?:article:published_time|og:published_time|datepublished|publishdate|pubdate|publication_date|date|dc\.date|parsely-pub-date|sailthru\.date|weibo: ?article:create_at)[\"'][^>]*?content\s*=\s*[\"']([^\"']{8,40})[\"']"
    r"|<meta[^>]+?content\s*=\s*[\"']([^\"']{8,40})[\"'][^>]*?(?:property|name|itemprop)\s*=\s*[\"'](?:article:published_time|datepublished|pubdate)[\"']",
    re.I,
)  # fmt: skip
_LD = re.compile(r"\"datePublished\"\s*:\s*\"([^\"]{8,40})\"")
_TIME = re.compile(r"<time[^>]+datetime\s*=\s*[\"']([^\"']{8,40})[\"']", re.I)


def main_text(page: str) -> tuple[str, str | None]:
    """Give the story of a page, and the publication time in its metadata; None where they have none.

    trafilatura finds the story; a page that it cannot read (torn, far too deep) is stripped of its tags instead.
    """
    page = page[:LONGEST]
    published = None
    for pattern in (_META, _LD, _TIME):
        found = pattern.search(page)
        if found:
            published = next(group for group in found.groups() if group)
            break
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
    return (text if len(text) >= 40 else stripped(page)), published


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
