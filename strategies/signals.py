"""Entries, exits and sizes as given in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from engine.faults import Fault
from engine.strategy import KEEP, Channel, Strategy, option, switch

if TYPE_CHECKING:
    import polars as pl

    from engine.events import Events
    from engine.market import Market
    from engine.signal_table import SignalTable


def _read(value: Any) -> SignalTable | None:
    from engine.signal_table import read_signals  # noqa: PLC0415 - kernels are compiled where there is no polars

    return read_signals(value)


class Signals(Strategy):
    """Follow a table of signals: asset, when, target weight.

    The table, in any form or a file, has the columns `asset`, `weight` (a share of equity, negative for a short, 0 to leave) and
    one of `known_at` (an instant with a time zone: acted on at the first bar that opens strictly later) and `session` (a date:
    acted on at the first bar of that session); optionally `event_id`, which the ledger names.
    """

    channels: ClassVar[Mapping[str, Channel]] = {
        "told": Channel(("signal",), "strength"),
        "target": Channel(("signal",), "signed"),
    }
    watch = "events"

    signals: SignalTable | None = option(None, "table of signals, or the path of one", _read, table=True)
    reverses: bool = option(True, "whether the opposite sign enters the other way", switch)

    @staticmethod
    def rule(told_new: float, target_new: float) -> float:
        return target_new if told_new > 0 else KEEP

    def check(self, market: Market, events: Events | None) -> None:
        """Refuse a missing table."""
        if self.signals is None:
            raise Fault(
                "signals.signals is missing, allowed is a table of asset, weight and session or known_at; give one."
            )

    def table(self, market: Market) -> pl.DataFrame:
        """Place the signals among the bars."""
        from engine.signal_table import place_signals  # noqa: PLC0415 - kernels are compiled where there is no polars

        assert self.signals is not None
        return place_signals(self.signals, market)
