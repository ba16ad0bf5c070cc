"""What a text tells, as tests ask for it: as a reading gives it, or by the rules alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.reader.document import Document, Found, read
from engine.reader.learned.judge import SURE
from engine.reader.lexicon import Lexicon, load


def told(
    text: str,
    published: str | None = "2025-11-20T22:05:00Z",
    *,
    ticker: str | None = None,
    lexicon: Lexicon | None = None,
) -> list[dict[str, Any]]:
    """Give the events of a text that a reading keeps, where nobody says how sure it has to be."""
    found = _found(text, published, ticker, lexicon or load())
    return [item.row for item in found if item.row["confidence"] >= SURE]


def told_by_rules(
    text: str,
    published: str | None = "2025-11-20T22:05:00Z",
    *,
    ticker: str | None = None,
    lexicon: Lexicon | None = None,
) -> list[dict[str, Any]]:
    """Give the events that the rules make of a text: what is asked is grammar, figures, names or days, not how likely a claim is."""
    return [item.row for item in _found(text, published, ticker, replace(lexicon or load(), model=None))]


def _found(text: str, published: str | None, ticker: str | None, lexicon: Lexicon) -> list[Found]:
    return read(Document("d", text, "d", published=published, ticker=ticker), lexicon)
