"""Backtest what the news says: markets, events, strategies, runs."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.account import Account
    from engine.backtest import backtest
    from engine.borrow_table import read_borrow
    from engine.events import Events
    from engine.faults import Failure, Fault
    from engine.grid import between, span
    from engine.market import Market
    from engine.run import Run
    from engine.signal_table import read_signals
    from engine.strategy import KEEP, Channel, Feature, Strategy, option, param
    from engine.sweep import Sweep, sweep

#: The module that each public name lives in.
_HOMES = {
    "Account": "account",
    "Channel": "strategy",
    "Events": "events",
    "Failure": "faults",
    "Fault": "faults",
    "Feature": "strategy",
    "KEEP": "strategy",
    "Market": "market",
    "Run": "run",
    "Strategy": "strategy",
    "Sweep": "sweep",
    "backtest": "backtest",
    "between": "grid",
    "option": "strategy",
    "param": "strategy",
    "read_borrow": "borrow_table",
    "read_signals": "signal_table",
    "span": "grid",
    "sweep": "sweep",
}

__all__ = [
    "KEEP",
    "Account",
    "Channel",
    "Events",
    "Failure",
    "Fault",
    "Feature",
    "Market",
    "Run",
    "Strategy",
    "Sweep",
    "backtest",
    "between",
    "option",
    "param",
    "read_borrow",
    "read_signals",
    "span",
    "sweep",
]


class _Package(ModuleType):
    """Loads a public name when it is first asked for, so that a command that needs none of them starts at once."""

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'engine' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"engine.{_HOMES[name]}"), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing the module engine.backtest would put it in the place of the function of that name.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Package
