"""Cut what a register writes behind a company's name and a journalist leaves out."""

from __future__ import annotations

import re
from typing import Final

_NOTES: Final = re.compile(
    r"\s*(?:[/\\][A-Za-z. ]{1,12}[/\\]?|\([^)]*\))\s*$"
)  # "Mitsui Kinzoku Co Ltd./ADR", "Hornbach (retailer)"
_FORMS: Final = frozenset(
    re.findall(
        r"\S+",
        "inc incorporated corp corporation co company cos companies ltd limited plc llc l.l.c l.p lp s.a sa s.p.a spa a.g ag s.e se n.v nv b.v "
        "ab publ asa oyj a/s kgaa gmbh s.a.f saf sca bhd tbk kk adr ads & and de new cv c.v s.a.b sab",
    )
)
_HOLDINGS: Final = frozenset(("holdings", "holding", "hldgs", "hldg", "group", "groupe"))
_CLASSES: Final = frozenset(("class", "cl", "series", "ordinary"))  # of shares: "Class A"
_CHINESE: Final = re.compile(r"(?:股份有限公司|有限责任公司|有限公司|控股有限公司|集团公司)$")
# Alone, these name nobody: "First", "National".
_VAGUE: Final = frozenset(
    re.findall(
        r"\S+",
        "first second national american united general global international the world new old great north south east west northern southern eastern "
        "western central pacific atlantic capital city community people's peoples premier universal standard royal advanced applied digital integrated "
        "bank financial energy power health medical media gold silver oil gas water industrial technologies technology systems solutions services "
        "resources properties partners group holdings company enterprise enterprises america china japan europe asia canada texas california",
    )
)


def short(name: str) -> tuple[str, ...]:
    """Give the forms under which a company is spoken of, the fullest first.

    Examples
    --------
    >>> short("The Carlyle Group Inc.")
    ('Carlyle Group', 'Carlyle')
    >>> short("Toyota Motor Corp/")
    ('Toyota Motor',)
    >>> short("First Bancorp, Inc")
    ('First Bancorp',)
    >>> short("First Corp")
    ('First Corp',)
    """
    words = _plain(" ".join(name.split()).strip(" ,/")).split(" ")
    if len(words) > 2 and words[0].lower() == "the":
        del words[0]
    words = _cut(words, _FORMS)
    if words[-1].endswith(")") and len(words) > 1:
        words = _cut(_plain(" ".join(words)).split(" "), _FORMS)
    forms = [" ".join(words).strip(" ,&")]
    held = _cut(words, _HOLDINGS)
    if len(held) < len(words):
        forms.append(" ".join(held).strip(" ,&"))
    return tuple(forms)


def _plain(said: str) -> str:
    """Cut a register's notes off a name, and what Chinese companies are by law."""
    if said[-1:] not in ")司" and "/" not in said and "\\" not in said:
        return said
    return _CHINESE.sub("", _NOTES.sub("", said)) or said


def _cut(words: list[str], ends: frozenset[str]) -> list[str]:
    """Drop words from the end that are among `ends`, as long as what is left names somebody."""
    kept = len(words)
    while kept > 1:
        last = words[kept - 1].strip(".,").lower()
        if last in ends:
            kept -= 1
        elif kept > 2 and ends is _FORMS and words[kept - 2].lower() in _CLASSES:
            kept -= 2
        else:
            break
    while kept < len(words) and _is_vague(" ".join(words[:kept]).strip(" ,&")):
        kept += 1
    return words[:kept]


def _is_vague(name: str) -> bool:
    return len(name) < 2 or name.lower() in _VAGUE
