"""Follow the news, both ways."""

from collections.abc import Mapping
from typing import ClassVar

from engine.strategy import KEEP, Channel, param
from strategies.basket import BasketStrategy


class NarrativePressure(BasketStrategy):
    """Go long or short by the signed pressure of all events: strength times stance, decaying.

    After Tetlock (2007): the tone of the news moves prices for days. The pressure decides at every event, and is looked at again at
    every bar of a position: what has faded below `fade` is closed.
    """

    channels: ClassVar[Mapping[str, Channel]] = {"tone": Channel((), "signed")}
    watch = "held"
    reverses = True

    threshold: float = param(0.5, 1e-6, 100.0, "absolute pressure at which a position is opened")
    fade: float = param(0.1, 0.0, 100.0, "absolute pressure below which a position is closed")
    weight: float = param(0.1, 1e-6, 10.0, "share of equity a position")
    stop: float = param(
        0.20, 1e-6, 1e3, "adverse move from the entry price at which a position is closed", may_be_none=True
    )

    @staticmethod
    def rule(tone: float, tone_new: float, side: float, threshold: float, fade: float, weight: float) -> float:
        if tone_new != 0 and tone >= threshold:
            return weight
        if tone_new != 0 and tone <= -threshold:
            return -weight
        if side != 0 and side * tone < fade:
            return 0
        return KEEP
