"""Cut what a register writes behind a company's name and a journalist leaves out."""

from __future__ import annotations

import re
from typing import Final

_NOTES: Final = re.compile(
    r"\s*(?:/[A-Za-z. ]{1,12}/?|\([^)]*\))\s*$"
)  # "Mitsui Kinzoku Co Ltd./ADR", "Hornbach (retailer)"
_FORM: Final = re.compile(
    r"[\s,]+(?:inc|incorporated|corp|corporation|co|company|cos|companies|ltd|limited|plc|llc|l\.?l\.?c|l\.?p|lp|s\.?a|s\.?p\.?a|spa|a\.?g|s\.?e|n\.?v|"
    r"b\.?v|ab|publ|asa|oyj|a/s|kgaa|gmbh|s\.?a\.?b\.? de c\.?v|s\.?a\.?f|sca|bhd|tbk|kk|adr|ads|ordinary shares|"
    r"(?:class|cl|series) [a-z]|& co|and company|& company|de|new)\.?$",
    re.IGNORECASE,
)
_HOLDING: Final = re.compile(r"[\s,]+(?:holdings?|hldgs?|group|groupe)\.?$", re.IGNORECASE)
_CHINESE: Final = re.compile(r"(?:股份有限公司|有限责任公司|有限公司|控股有限公司|集团公司)$")
# Alone, these name nobody: "First", "National".
_VAGUE: Final = frozenset(
    [
        "first",
        "second",
        "national",
        "american",
        "united",
        "general",
        "global",
        "international",
        "the",
        "world",
        "new",
        "old",
        "great",
        "north",
        "south",
        "east",
        "west",
        "northern",
        "southern",
        "eastern",
        "western",
        "central",
        "pacific",
        "atlantic",
        "capital",
        "city",
        "community",
        "people's",
        "peoples",
        "premier",
        "universal",
        "standard",
        "royal",
        "advanced",
        "applied",
        "digital",
        "integrated",
        "bank",
        "financial",
        "energy",
        "power",
        "health",
        "medical",
        "media",
        "gold",
        "silver",
        "oil",
        "gas",
        "water",
        "industrial",
        "technologies",
        "technology",
        "systems",
        "solutions",
        "services",
        "resources",
        "properties",
        "partners",
        "group",
        "holdings",
        "company",
        "enterprise",
        "enterprises",
        "america",
        "china",
        "japan",
        "europe",
        "asia",
        "canada",
        "texas",
        "california",
    ]
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
    said = " ".join(name.split()).strip(" ,/")
    said = re.sub(r"^(?:The|the|THE)\s+(?=\S+\s)", "", said)
    while True:
        cut = _CHINESE.sub("", _FORM.sub("", _NOTES.sub("", said))).strip(" ,&/")
        if cut == said or not cut or _is_vague(cut):
            break
        said = cut
    forms = [said]
    held = _HOLDING.sub("", said).strip(" ,&")
    if held != said and held and not _is_vague(held):
        forms.append(held)
    return tuple(forms)


def _is_vague(name: str) -> bool:
    return len(name) < 2 or name.lower() in _VAGUE
