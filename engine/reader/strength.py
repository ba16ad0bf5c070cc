"""What a claim is worth: strength and stance, by one stated formula."""

from __future__ import annotations

import math
from typing import NamedTuple

from engine.reader.claims import Claim
from engine.reader.figures import MONEY
from engine.reader.lexicon import Lexicon


class Worth(NamedTuple):
    """Strength, stance, and the factors they were made of, by name."""

    strength: float
    stance: float
    parts: dict[str, float]


def weigh(claim: Claim, lexicon: Lexicon) -> Worth:
    """Weigh a claim.

    certainty = the product of the factors that apply: hedged, secondhand, mention, from_context
    strength  = min(1, base[kind] * certainty * emphatic + size * (1 - exp(-largest)))
    stance    = sign[kind] * factor of the rule * certainty

    where `largest` is the largest of |figure| / scale[kind][unit] over the claim's own figures, and every number stands in
    lexicon/kinds.toml. Ours; no source.

    Returns
    -------
    Worth
        strength in 0..1, stance in -1..1, both rounded to 4 decimals.
    """
    kind = lexicon.kinds[claim.kind]
    parts: dict[str, float] = {"base": kind.base}
    certainty = 1.0
    for name in ("hedged", "secondhand", "mention", "from_context"):
        if getattr(claim, name):
            parts[name] = lexicon.strength[name]
            certainty *= lexicon.strength[name]
    emphatic = lexicon.strength["emphatic"] if claim.emphatic else 1.0
    if claim.emphatic:
        parts["emphatic"] = emphatic
    size = lexicon.strength["size"] * (1.0 - math.exp(-_largest(claim, kind.scale)))
    if size:
        parts["size"] = round(size, 6)
    strength = min(1.0, kind.base * certainty * emphatic + size)
    return Worth(round(strength, 4), round(kind.stance * claim.stance * certainty, 4), parts)


def _largest(claim: Claim, scale: object) -> float:
    table: dict[str, float] = dict(scale)  # type: ignore[call-overload]
    largest = 0.0
    if not table:  # a kind of the user's own, of which figures say nothing
        return largest
    for figure in claim.figures:
        if claim.kind == "panic_drop" and (figure.value > 0 or figure.what == "move so far"):
            continue
        if figure.unit == "%":
            unit = table["percent"]
        elif figure.unit == "x":
            unit = table["multiple"]
        elif figure.unit in MONEY:
            # a rough dollar value, for size alone
            unit = (
                table["money"]
                * {"USD": 1.0, "EUR": 0.9, "GBP": 0.8, "CNY": 7.0, "HKD": 7.8, "TWD": 31.0, "JPY": 150.0}[figure.unit]
            )
        else:
            continue
        largest = max(largest, min(abs(figure.value) / unit, 50.0))
    return largest
