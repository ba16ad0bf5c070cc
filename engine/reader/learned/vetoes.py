"""What grammar forbids: claims that no rule finds, and that a sentence cannot make however likely its words make them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from engine.reader.passage import Passage
from engine.reader.terms import Hit

#: Log-odds that no sentence of a document reaches where the document does not make the claim: one in eight.
DOUBT: Final = -2.0
#: Log-odds at which a sentence makes one claim; another, which no sentence of the document makes likelier than `BESIDE`, it then does not.
PLAIN: Final = 0.0
BESIDE: Final = 0.0
#: How a name comes to a sentence that does not hold it.
BORROWED: Final = ("headline", "context", "default")
_WHETHER: Final = re.compile(
    r"(?:^|: )\W*(?:did|do|does|is|are|was|were|will|would|can|could|should|has|have|had|might|may)\b"
    r"|\best-ce que?\b|-t-(?:il|elle|on|ils|elles)\b|\b(?:est|sont|peut|peuvent|doit|doivent|vont|faut)-(?:il|elle|on|ils|elles)\b"
    r"|吗\W*$|是否|会不会|是不是|能否|有没有"
)
_WHY: Final = re.compile(r"\b(?:why|how|when|what|pourquoi|comment|quand|combien)\b|为什么|为何|怎么|如何")


def asks_whether(words: str) -> bool:
    """Tell whether a folded sentence asks if something is so; one that asks why takes it for granted.

    >>> asks_whether("did nvidia plunge 8%?"), asks_whether("why did nvidia plunge 8%?"), asks_whether("英伟达会不会崩盘？")
    (True, False, True)
    """
    asked = words.rstrip("\"' )»”」").endswith(("?", "？"))
    return asked and _WHETHER.search(words) is not None and _WHY.search(words) is None


def is_denied(passage: Passage, anchors: Sequence[Hit]) -> bool:
    """Tell whether all the words that can make a claim are negated, or held up only to be dismissed."""
    return bool(anchors) and all(passage.is_negated(hit) or passage.is_dismissed(hit) for hit in anchors)
