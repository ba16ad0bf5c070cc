"""Two moving averages, for comparison with other engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from engine.faults import Fault
from engine.legible import numeral
from engine.strategy import KEEP, Feature, Strategy, param

if TYPE_CHECKING:
    from engine.events import Events
    from engine.market import Market


class SmaCross(Strategy):
    """Long while the fast moving average is above the slow one; prices only."""

    features: ClassVar[Mapping[str, Feature]] = {
        "quick": Feature("average", "fast"),
        "steady": Feature("average", "slow"),
    }
    watch = "always"

    fast: float = param(10, 1, 1e5, "bars of the fast average", whole=True)
    slow: float = param(50, 2, 1e5, "bars of the slow average", whole=True)
    weight: float = param(0.1, 1e-6, 10.0, "share of equity a position")

    @staticmethod
    def rule(quick: float, steady: float, side: float, weight: float) -> float:
        if side == 0 and quick > steady:
            return weight
        if side > 0 and quick <= steady:
            return 0
        return KEEP

    @classmethod
    def allows(cls, values: Mapping[str, Any]) -> Any:
        """Fast below slow."""
        return values["fast"] < values["slow"]

    def check(self, market: Market, events: Events | None) -> None:
        """Refuse a fast average that is not faster."""
        if not self.allows(self.settings()):
            raise Fault(
                f"sma_cross.fast is {numeral(self.fast)} and slow {numeral(self.slow)}, allowed is fast < slow; change one of them."
            )
