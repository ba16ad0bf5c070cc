"""Short what is warned of."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from engine.strategy import KEEP, Channel, param
from strategies.basket import BasketStrategy

#: Kinds of events that say a price is too high or will not last, and those that say the opposite.
WARN = (
    "bubble_warning", "valuation_alarm", "funding_gap", "circular_financing", "short_disclosure", "backstop_plea",
    "disruption_shock",
)  # fmt: skip
RELIEF = ("denial", "support", "overdone_call")


def short_the_warned(
    warn: float, warn_new: float, relief: float, relief_new: float, side: float, threshold: float, weight: float
) -> float:
    """Short on a new warning once the net pressure is high enough; cover when fresh relief outweighs the warnings."""
    pressure = warn - relief
    if side == 0 and warn_new > 0 and pressure >= threshold:
        return -weight
    if side < 0 and relief_new > 0 and pressure <= 0:
        return 0
    return KEEP


class ShortBubbleWarning(BasketStrategy):
    """Short the names that bubble warnings touch, once the pressure of the warnings, less that of the relief, is high enough.

    In the spirit of Michael Burry's disclosed puts on NVIDIA and Palantir (2025): a warning is fresh news only once, so an entry
    follows from a new warning, never from the memory of old ones. Fresh relief that outweighs the warnings covers the short.
    """

    channels: ClassVar[Mapping[str, Channel]] = {
        "warn": Channel(WARN, role="enter"),
        "relief": Channel(RELIEF, role="leave"),
    }
    watch: ClassVar[Literal["events", "held", "always"]] = "events"

    threshold: float = param(0.3, 0.0, 100.0, "net pressure, warnings less relief, at which a short is opened")
    weight: float = param(0.1, 1e-6, 10.0, "share of equity a short")
    hold: float = param(20, 1, 1e6, "bars after which a short is covered", whole=True, may_be_none=True)
    stop: float = param(0.15, 1e-6, 1e3, "rise from the entry price at which a short is covered", may_be_none=True)

    @staticmethod
    def rule(
        warn: float, warn_new: float, relief: float, relief_new: float, side: float, threshold: float, weight: float
    ) -> float:
        return short_the_warned(warn, warn_new, relief, relief_new, side, threshold, weight)
