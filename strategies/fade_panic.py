"""Buy the panic, if nothing else is wrong."""

from collections.abc import Mapping
from typing import ClassVar

from engine.strategy import KEEP, Channel, Feature, param
from strategies.basket import BasketStrategy
from strategies.short_bubble_warning import WARN


class FadePanic(BasketStrategy):
    """Buy after a panic event, or a fall of `fall` within `window` bars, unless fresh bad news explains it; sell the rebound.

    The overreaction that De Bondt and Thaler (1985) found, at the scale of days: a crowd that sells everything sells what has not
    changed. A disappointment or a new warning about the name is a change, and keeps us out.
    """

    channels: ClassVar[Mapping[str, Channel]] = {
        "panic": Channel(("panic_drop",), role="enter"),
        "bad": Channel((*WARN, "earnings_disappointment", "project_delay", "hawkish_policy"), role="leave"),
    }
    features: ClassVar[Mapping[str, Feature]] = {"move": Feature("change", "window")}
    watch = "always"

    fall: float = param(0.10, 1e-4, 1.0, "fall within the window that counts as a panic")
    window: float = param(3, 1, 1e4, "bars of the window", whole=True)
    calm: float = param(0.5, 0.0, 100.0, "pressure of bad news above which nothing is bought")
    rebound: float = param(0.08, 1e-4, 1e3, "unrealised gain at which a position is sold at the next fill")
    weight: float = param(0.1, 1e-6, 10.0, "share of equity a position")
    half_life: float = param(3, 1e-3, 1e6, "bars in which the pressure of an event halves")
    hold: float = param(10, 1, 1e6, "bars after which a position is sold", whole=True, may_be_none=True)
    stop: float = param(0.10, 1e-6, 1e3, "fall from the entry price at which a position is sold", may_be_none=True)

    @staticmethod
    def rule(
        panic_new: float,
        bad: float,
        bad_new: float,
        move: float,
        side: float,
        gain: float,
        fall: float,
        calm: float,
        rebound: float,
        weight: float,
    ) -> float:
        if side == 0 and (panic_new > 0 or move <= -fall) and bad_new == 0 and bad <= calm:
            return weight
        if side > 0 and gain >= rebound:
            return 0
        return KEEP
