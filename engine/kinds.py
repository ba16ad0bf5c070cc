"""The kinds of events: the fourteen that come with tocsin, and how kinds of one's own are declared."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from engine.faults import Fault
from engine.guess import did_you_mean

KINDS = (
    "bubble_warning",
    "valuation_alarm",
    "funding_gap",
    "circular_financing",
    "short_disclosure",
    "backstop_plea",
    "denial",
    "support",
    "panic_drop",
    "overdone_call",
    "disruption_shock",
    "earnings_disappointment",
    "hawkish_policy",
    "project_delay",
)

#: What a kind may be called; also in polars.
NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_WRITTEN = re.compile(r"(?P<name>[^=*]+?)\s*=\s*(?P<sign>[+-]?1|[+-])\s*\*\s*(?P<base>\d*\.?\d+)")
#: A name that is as close as this to a known one is taken for a slip: "buble_warning".
_SLIP = 0.83


class Kind(NamedTuple):
    """What a kind is worth where a row does not say.

    Attributes
    ----------
    sign : -1 for what is bad for the price, 1 for what is good
    base : strength, 0 to 1
    """

    sign: int
    base: float


#: Kinds of one's own, by name: ``{"downgrade": (-1, 0.6)}``.
OwnKinds = Mapping[str, tuple[int, float]]


@cache
def built_in() -> Mapping[str, Kind]:
    """Give sign and base strength of the fourteen, as the lexicon has them."""
    path = Path(__file__).parent / "reader" / "lexicon" / "kinds.toml"
    weights = tomllib.loads(path.read_text(encoding="utf-8"))["kinds"]
    return MappingProxyType({name: Kind(weights[name]["stance"], weights[name]["base"]) for name in KINDS})


def own_kinds(given: OwnKinds | None, what: str = "kinds") -> dict[str, Kind]:
    """Check kinds of one's own: names, each with a sign and a base strength.

    Raises
    ------
    Fault
        For what is no dict of them, a name that is not in snake case, a sign that is not -1 or 1, or a base that is not in 0..1.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise Fault(
            f'{what} must be a dict of names and (sign, base) (got {given!r}); write {{"downgrade": (-1, 0.6)}}.'
        )
    return {check_name(name, what): _kind(name, worth, what) for name, worth in given.items()}


def kinds_of_text(text: str, what: str) -> dict[str, tuple[int, float]]:
    """Read kinds as a command line gives them: "downgrade=-1*0.6,layoffs=-1*0.4".

    Raises
    ------
    Fault
        For a part that has not this form, or a name that comes twice.
    """
    out: dict[str, tuple[int, float]] = {}
    for part in text.split(","):
        found = _WRITTEN.fullmatch(part.strip())
        if found is None:
            raise Fault(
                f"{what} must be a name, a sign and a base strength (got {part.strip()!r}); write it like downgrade=-1*0.6."
            )
        if found["name"] in out:
            raise Fault(f"{what} must name {found['name']} once (got it twice); leave one of them out.")
        out[found["name"]] = (-1 if found["sign"].startswith("-") else 1, float(found["base"]))
    return out


def is_name(value: Any) -> bool:
    """Whether something can be the name of a kind."""
    return isinstance(value, str) and re.fullmatch(NAME, value) is not None


def check_name(name: Any, what: str) -> str:
    """Give the name of a kind, or refuse what cannot be one."""
    if not is_name(name):
        raise Fault(
            f"{what} must name kinds in lower case, with underscores between words (got {name!r}){did_you_mean(str(name), KINDS)}; "
            "write it like fraud_probe."
        )
    return str(name)


def _kind(name: str, worth: Any, what: str) -> Kind:
    pair = tuple(worth) if isinstance(worth, (tuple, list)) else ()
    numbers = all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in pair)
    if not (len(pair) == 2 and numbers and pair[0] in (-1, 1) and 0 <= pair[1] <= 1):
        raise Fault(
            f"{what}: {name} must have a sign, -1 or 1, and a base strength from 0 to 1 (got {worth!r}); write (-1, 0.6)."
        )
    return Kind(int(pair[0]), float(pair[1]))


def slip(name: str, known: Iterable[str]) -> str:
    """Give the known kind that a name is a misspelling of, "" where it is none.

    >>> slip("buble_warning", KINDS), slip("downgrade", KINDS), slip("denial", KINDS)
    ('bubble_warning', '', '')
    """
    names = list(known)
    close = [] if name in names else get_close_matches(name, names, n=1, cutoff=_SLIP)
    return close[0] if close else ""
