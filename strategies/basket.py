"""Strategies that may trade a basket of their own in place of the names an event touches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.strategy import Strategy, option, symbols

if TYPE_CHECKING:
    import polars as pl

    from engine.events import Events
    from engine.market import Market


class BasketStrategy(Strategy):
    """Base of the strategies with a basket."""

    basket: tuple[str, ...] = option((), "symbols that every event touches, in place of the names in it", symbols)

    def touched(self, events: pl.DataFrame, assets: Sequence[str]) -> pl.DataFrame:
        """Let every event touch the basket, where there is one."""
        import polars as pl  # noqa: PLC0415 - kernels are compiled where there is no polars

        if not self.basket:
            return events
        return events.with_columns(assets=pl.lit(list(self.basket), pl.List(pl.String)))

    def check(self, market: Market, events: Events | None) -> None:
        """Refuse a basket of symbols without prices, and a run without events."""
        known_symbol(self.basket, f"{self.name()}.basket", market)
        super().check(market, events)


def known_symbol(names: Sequence[str], where: str, market: Market) -> None:
    """Refuse symbols that the market has no prices of."""
    for name in names:
        if name not in market.assets:
            raise Fault(
                f"{where} names {name!r}{did_you_mean(name, market.assets)}, allowed are the market's {len(market.assets)} assets; "
                f"import its prices or leave it out."
            )
