"""What a backtest or a sweep is given: told from what it is not, and tables made what they are tables of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from engine.account import Account
from engine.borrow_table import check_against, read_borrow
from engine.events import Events
from engine.faults import Fault
from engine.market import Market
from engine.tables.frames import described, is_table
from engine.tables.names import refuse_misspelled

if TYPE_CHECKING:
    import polars as pl

_HOW = {
    Market: "read one with Market.read(path), or make one with Market.from_frame(table)",
    Account: "make one, such as Account(cash=100_000)",
    Events: "read them with Events.read(path), or give a table of them",
}


def taken(market: Any, events: Any, account: object, borrow: Any) -> tuple[Events | None, pl.DataFrame | None]:
    """Check market and account, and give the events and the borrow rates that tables of them hold.

    Parameters
    ----------
    events
        `Events`, a table of them in any form, the path of one, or None.
    borrow
        A table of borrow rates in any form, the path of one, or None.

    Raises
    ------
    Fault
        For what is something else, or a table that is not sound or names an asset otherwise than the market.
    """
    if isinstance(market, type) or is_table(market) or not hasattr(market, "opens"):
        raise _other("market", market, Market)
    if account is not None and not isinstance(account, Account):
        raise _other("account", account, Account)
    heard = _events(events)
    if heard is not None:
        refuse_misspelled(heard.named, market.assets, "events")
    if borrow is None:
        return heard, None
    rates = read_borrow(borrow)
    check_against(rates, market)
    return heard, rates


def _events(given: Any) -> Events | None:
    if given is None or isinstance(given, Events):
        return given
    if isinstance(given, (str, os.PathLike)):
        return Events.read(given)
    if is_table(given):
        return Events.from_frame(given)
    raise _other("events", given, Events)


def _other(name: str, given: object, wanted: type) -> Fault:
    article = "" if wanted is Events else "an " if wanted is Account else "a "
    return Fault(f"{name} must be {article}{wanted.__name__} (got {described(given)}); {_HOW[wanted]}.")
