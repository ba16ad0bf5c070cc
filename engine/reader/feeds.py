"""RSS and Atom -> records: one dict of texts an entry, without entities of their own, whatever is torn left out."""

from __future__ import annotations

import codecs
import html
import re
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from engine.faults import Fault
from engine.reader.decode import decode
from engine.reader.records import Record, first_line
from engine.tables.files import unpack
from engine.tables.formats import head_of

_DECLARED: Final = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
_ROOT: Final = re.compile(r"<(?:[\w-]+:)?(?:rss|feed|rdf)\b", re.IGNORECASE)
# A word of HTML that XML does not know, and an ampersand that stands for itself.
_ENTITY: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#[xX][0-9a-fA-F]+);)(\w{2,31};)?")
_CDATA: Final = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_PLAIN: Final = (
    "",
    "purl.org/rss/1.0",
    "w3.org/2005/atom",
    "purl.org/atom",
    "purl.org/dc/",
    "rss/1.0/modules/content",
    "backend.userland.com",
)
_ENTRIES: Final = ("item", "entry")
_BLOCK: Final = frozenset(("p", "div", "li", "br", "h1", "h2", "h3", "h4", "tr", "blockquote"))


def of_feed(path: Path) -> tuple[list[Record], list[tuple[str, str]]]:
    """Read the entries of a feed: RSS 0.9 to 2.0, RDF, Atom.

    Returns
    -------
    records, left_out
        The fields of each entry by their names without prefix; and (source, reason) of what is torn.

    Raises
    ------
    Fault
        The file is no feed, declares entities of its own, or is torn before its first entry ends.
    """
    text = _text_of(path)
    if not text.strip():
        return [], []
    if not _ROOT.search(text[:4000]):
        raise Fault(f"documents {str(path)!r} must be a feed (got XML that is neither RSS nor Atom); convert it.")
    if "<!ENTITY" in text:
        raise Fault(
            f"documents {str(path)!r} must be a feed without entities of its own (got <!ENTITY); take them out."
        )
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    records: list[Record] = []
    torn = ""
    try:
        parser.feed(text)
        parser.close()
    except ElementTree.ParseError as error:
        torn = first_line(error)
    depth = 0
    try:
        for event, element in parser.read_events():
            if _local(element.tag) in _ENTRIES:
                depth += 1 if event == "start" else -1
                if event == "end" and depth == 0:
                    records.append(_entry(element))
    except ElementTree.ParseError as error:
        torn = torn or first_line(error)
    if not torn:
        return records, []
    reason = f"documents {str(path)!r}: not valid XML ({torn}); fetch or write it anew."
    if not records:
        raise Fault(reason)
    return records, [(f"{path}, behind entry {len(records)}", reason)]


def _text_of(path: Path) -> str:
    raw = unpack(path, str(path)) if head_of(path).startswith(b"\x1f\x8b") else path.read_bytes()
    declared = _DECLARED.match(raw)
    text = ""
    if declared is not None and declared[1].lower() not in (b"utf-8", b"utf8"):
        try:
            name = codecs.lookup(declared[1].decode()).name
            text = raw.decode("gb18030" if name in ("gb2312", "gbk") else name)
        except (LookupError, UnicodeDecodeError):
            text = ""  # declared what it is not
    text = _DECLARATION.sub("", text or decode(raw)).lstrip("\ufeff \t\r\n")
    parts = _CDATA.split(_CONTROL.sub(" ", text))
    return "".join(part if part.startswith("<![CDATA[") else _ENTITY.sub(_known, part) for part in parts)


def _known(found: re.Match[str]) -> str:
    """Write a word of HTML as its character, and a bare ampersand as XML has it."""
    sign = html.unescape(f"&{found[1]}") if found[1] else "&"
    return f"&amp;{found[1] or ''}" if sign[0] in "&<>" else sign


def _entry(element: ElementTree.Element) -> Record:
    out: Record = {}
    for child in element:
        if not _is_plain(child.tag):
            continue
        name, text = _local(child.tag), _inner(child)
        if name == "link" and not text:
            if child.get("rel", "alternate") != "alternate":
                continue
            text = child.get("href", "")
        if name == "encoded":
            name = "content"
        if text.strip() and not out.get(name):
            out[name] = text.strip()
    return out


def _inner(element: ElementTree.Element) -> str:
    """Give the text of an element; of one that has elements inside (XHTML), a line for each block."""
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            parts += ["\n" if _local(child.tag) in _BLOCK else "", _inner(child)]
        parts.append(child.tail or "")
    return "".join(parts)


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2].lower()


def _is_plain(tag: object) -> bool:
    """Tell an entry's own field from those of pictures, podcasts and the like, which have titles too."""
    if not isinstance(tag, str):
        return False
    space = tag.rpartition("}")[0].lower().lstrip("{")
    return space == "" or any(name in space for name in _PLAIN[1:])
