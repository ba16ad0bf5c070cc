"""Short what is warned of, long an index against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from engine.faults import Fault
from engine.strategy import KEEP, Channel, option, param
from strategies.basket import known_symbol
from strategies.short_bubble_warning import RELIEF, WARN, ShortBubbleWarning, short_the_warned

if TYPE_CHECKING:
    import polars as pl

    from engine.events import Events
    from engine.market import Market


class HedgedBubbleShort(ShortBubbleWarning):
    """Short the names that bubble warnings touch, and hold an index against them, so that a rising market alone costs little.

    The index is bought at the open at which the first short is, for `hedge` times the weight that the shorts ask for (where
    margin cuts the shorts, the index is cut last, so keep the weights within the margin); it is not resized, and it is sold at the first
    open that knows no short is left.
    """

    channels: ClassVar[Mapping[str, Channel]] = {
        "warn": Channel(WARN, role="enter"),
        "relief": Channel(RELIEF, role="leave"),
    }
    traits: ClassVar[tuple[str, ...]] = ("is_hedge",)
    watch: ClassVar[Literal["events", "held", "always"]] = "held"

    index: str = option("SPY", "symbol of the index to hold against the shorts")
    hedge: float = param(1.0, 0.0, 10.0, "weight of the index, as a multiple of the shorts' weight")

    @staticmethod
    def rule(  # type: ignore[override]
        warn: float,
        warn_new: float,
        relief: float,
        relief_new: float,
        side: float,
        others: float,
        is_hedge: float,
        threshold: float,
        weight: float,
        hedge: float,
    ) -> float:
        if is_hedge == 0:
            return short_the_warned(warn, warn_new, relief, relief_new, side, threshold, weight)
        if side == 0 and others < 0 and hedge > 0:
            return -hedge * others
        if side > 0 and others >= 0:
            return 0
        return KEEP

    def touched(self, events: pl.DataFrame, assets: Sequence[str]) -> pl.DataFrame:
        """Let the index hear whatever any name hears, and trade it for nothing else."""
        import polars as pl  # noqa: PLC0415 - kernels are compiled where there is no polars

        names = super().touched(events, assets)
        others = pl.lit([a for a in assets if a != self.index], pl.List(pl.String))
        heard = pl.col("assets").list.set_intersection(others)
        index = pl.lit([self.index], pl.List(pl.String))
        kept = pl.when(heard.list.len() > 0).then(heard.list.concat(index)).otherwise(heard)
        return names.with_columns(assets=kept)

    def trait_values(self, assets: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Mark the index."""
        return {"is_hedge": np.array([float(a == self.index) for a in assets])}

    def managed(self, assets: Sequence[str]) -> npt.NDArray[np.bool_]:
        """The exits are the shorts'; the index leaves with the last of them."""
        return np.array([a != self.index for a in assets])

    def judged(self, assets: Sequence[str]) -> npt.NDArray[np.int64]:
        """Judge the index last, when what the names want is known."""
        return np.array(sorted(range(len(assets)), key=lambda i: (assets[i] == self.index, i)), np.int64)

    def check(self, market: Market, events: Events | None) -> None:
        """Refuse an index without prices, or one that is to be shorted as well."""
        super().check(market, events)
        known_symbol([self.index], f"{self.name()}.index", market)
        if self.index in self.basket:
            raise Fault(
                f"{self.name()}.basket holds the index {self.index!r}, allowed are other symbols; take it out of one of the two."
            )
