"""What events say of their document: how much it is about their assets, its form, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.reader.document_kind import document_kind
from engine.reader.headline import headline
from engine.reader.origin import origin
from engine.reader.relevance import mentions, relevance
from engine.reader.sentences import Span

if TYPE_CHECKING:
    from engine.reader.document import Found, Page
    from engine.reader.lexicon import Lexicon


def describe(found: list[Found], page: Page, lexicon: Lexicon) -> None:
    """Fill in `relevance`, `document_kind` and `source` of the events of one page; their rows are changed."""
    document, spans, names = page.document, page.spans, page.names
    address = document.url or document.doc_id
    title = headline(page.text, spans, names)
    same = {
        "document_kind": document_kind(page.text, page.folded, spans, title, address),
        "source": origin(document.source, address, document.publisher or ""),
    }
    told = mentions(title, spans, names, lexicon.entities)
    for item in found:
        claim = Span(item.row["evidence_start"], item.row["evidence_end"])
        item.row.update(same, relevance=relevance(item.row["assets"], claim, told, page.subject))
