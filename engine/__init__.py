"""Backtest what the news says: markets, events, strategies, runs."""

from engine.account import Account
from engine.backtest import backtest
from engine.events import Events
from engine.faults import Failure, Fault
from engine.market import Market
from engine.run import Run
from engine.strategy import KEEP, Channel, Feature, Strategy, option, param

__all__ = [
    "KEEP", "Account", "Channel", "Events", "Failure", "Fault", "Feature", "Market", "Run", "Strategy", "backtest", "option",
    "param",
]  # fmt: skip
