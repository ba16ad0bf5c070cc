"""Bytes -> text: find the encoding, repair what broke on the way; never fail."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import ftfy

_FTFY: Final = ftfy.TextFixerConfig(
    uncurl_quotes=False, fix_latin_ligatures=False, fix_character_width=False, unescape_html="auto", explain=False
)
# Characters that a page in one of our four languages hardly shows unless its bytes were read in the wrong code page.
BROKEN_MARKS: Final = [
    "Ã",
    "Â",
    "â€",
    "ï¼",
    "ï»¿",
    "å¹",
    "å…",
    "è‹",
    "ç¾",
    "\ufffd",
    "&amp;",
    "&#",
    "&quot;",
    "&nbsp;",
    "&lt;",
]
# A scraper's pronunciation gloss: 達(dá), 擔(dān). Only tone-marked syllables, so that "(AMD)" stays.
PINYIN_MARKS: Final = [f"{vowel}" for vowel in "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ"]
_PINYIN = re.compile(
    r"(?<=[\u3400-\u9fff])[(（](?=[a-zü]*[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ])[a-züāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]{1,6}[)）]"
)
_COMMON: Final = "的一是在不了有和人这這中大为為上个個国國我以要他时時来來用们們生到作地于於出就分对對成会會可主发發年动動同工也能下过過子说說产產种種面而方后後多定行学學法所民得经經"


_HEAD: Final = 4096


def decode(raw: bytes) -> str:
    """Turn the bytes of a document into text.

    UTF-8 and UTF-16 (with or without a byte-order mark), GB18030, Big5 and Latin-1 are told apart; bytes that fit
    none are replaced, for a page with one broken byte is still a page.

    Examples
    --------
    >>> decode("英伟达股价下跌".encode("gb18030")), decode("été".encode("latin-1"))
    ('英伟达股价下跌', 'été')
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    if b"\x00" in raw[:_HEAD] and (encoding := _utf16(raw[:_HEAD])):
        return raw.decode(encoding, "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # One bad byte in a long UTF-8 page does not make it another encoding.
        if _mostly_utf8(raw, error.start):
            return raw.decode("utf-8-sig", "replace")
    return max(_candidates(raw), key=lambda pair: pair[0])[1]


def _utf16(head: bytes) -> str:
    """Tell UTF-16 without a mark by its zeros, which stand on one side of its pairs; "" where it is none."""
    first, second = head[0::2].count(0), head[1::2].count(0)
    if min(first, second) * 4 > max(first, second):
        return ""
    many = max(first, second) * 5 >= len(head) // 2  # else only where it can be no UTF-8 with zeros in it
    try:
        head[:-3].decode("utf-8")
    except UnicodeDecodeError as error:
        many = many or error.start < len(head) - 6
    return ("utf-16-le" if second > first else "utf-16-be") if many else ""


def _mostly_utf8(raw: bytes, first_bad: int) -> bool:
    text = raw.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    multibyte = sum(1 for char in text if char > "\x7f" and char != "\ufffd")
    return multibyte > 4 * bad or (first_bad > 200 and bad <= 2)


def _candidates(raw: bytes) -> list[tuple[float, str]]:
    sample = raw[:20_000]
    out: list[tuple[float, str]] = []
    for encoding in ("gb18030", "big5hkscs", "cp1252"):
        guess = sample.decode(encoding, "replace")
        out.append((_plausible(guess), raw.decode(encoding, "replace")))
    return out


def _plausible(text: str) -> float:
    """Score a decoding: common Chinese characters and letters speak for it, rare ones and holes against."""
    if not text:
        return 0.0
    score = 0.0
    for char in text:
        if char == "\ufffd":
            score -= 5
        elif char in _COMMON:
            score += 3
        elif "\u4e00" <= char <= "\u9fff":
            score += 0.6
        elif char.isascii():
            score += 0.5
        elif char in "éèêàâçôûùîïëœÉÈÀÇÊ’«»–—“”，。、：；！？（）《》“”「」":
            score += 0.6
        elif unicodedata.category(char) in ("Co", "Cn", "Cc"):
            score -= 4
        else:
            score -= 0.5
    return score / len(text)


def repair(text: str) -> str:
    r"""Undo what scraping broke: mojibake, HTML entities, control characters, pronunciation glosses.

    Where a text cannot be repaired, it comes back as it was.

    Examples
    --------
    >>> repair("L'IA : la hausse est terminÃ©e"), repair("英偉達(dá)跌3.65%")
    ("L'IA : la hausse est terminée", '英偉達跌3.65%')
    """
    if any(mark in text for mark in BROKEN_MARKS) or _PINYIN.search(text):
        try:
            text = "".join(ftfy.fix_text_segment(part, _FTFY) for part in text.splitlines(keepends=True))
        except Exception:  # (ftfy met something that it did not expect: the text stays as it was)
            text = text.encode("utf-8", "replace").decode("utf-8", "replace")
        text = _PINYIN.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(" ", text)


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
