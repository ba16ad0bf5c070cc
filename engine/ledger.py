"""What a recorded walk wrote -> tables of orders and trades, with times, names and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.account import Account
from engine.arrays import Heard
from engine.market import Market
from engine.path import AccountPath
from kernels import layout as at
from kernels.layout import REASON_NAMES, Bars
from kernels.prices import gone_through
from kernels.rules import profit

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

INSTANT = pl.Datetime("us", "UTC")
ORDERS: dict[str, Any] = {
    "order_id": pl.Int64, "status": pl.String, "time_decided": INSTANT, "time_filled": INSTANT, "asset": pl.String,
    "side": pl.String, "shares": pl.Float64, "price": pl.Float64, "commission": pl.Float64, "slippage": pl.Float64,
    "reason": pl.String, "event_ids": pl.List(pl.String),
}  # fmt: skip
TRADES: dict[str, Any] = {
    "trade_id": pl.Int64, "asset": pl.String, "side": pl.String, "shares": pl.Float64, "entry_time": INSTANT,
    "entry_price": pl.Float64, "exit_time": INSTANT, "exit_price": pl.Float64, "pnl": pl.Float64, "return": pl.Float64,
    "bars_held": pl.Int64, "exit_reason": pl.String, "carry": pl.Float64, "dividends": pl.Float64, "net": pl.Float64,
    "worst": pl.Float64, "best": pl.Float64, "entry_reason": pl.String, "commission": pl.Float64,
    "event_ids": pl.List(pl.String),
}  # fmt: skip

_NO_IDS = pl.Series([[]], dtype=pl.List(pl.String))
_NO_TIME = np.iinfo(np.int64).min  # as numpy writes it

#: Positions whose asset had no bar in as many bars before the end are reported STALE.
_STALE = 5
_ENTERED, _REFUSED = int(at.ENTERED), int(at.REFUSED_CALL)  # the first reason of an entry, and of a refused one

#: When in a bar an order comes, by its reason: forced, stop or target, exit, entry, ruin.
_AT_CLOSE = np.array([1, 0, 2, 2, 1, 1, 1, 4, *[3] * 6])
#: The same where orders fill at the open: stops and targets come after the entries.
_AT_OPEN = np.array([3, 0, 1, 1, 3, 3, 3, 4, *[2] * 6])


@dataclass(frozen=True)
class Walked:
    """What one recorded walk left."""

    lane: Matrix  # (N_LANE,)
    ledger: Matrix  # (entry, N_LEDGER)
    path: AccountPath


@dataclass(frozen=True)
class _Lines:
    """Lines of the ledgers of all walks, with the events behind each."""

    table: Matrix  # (line, N_LEDGER)
    walk: Places  # (line,)
    event_ids: pl.Series  # list[str], the oldest first

    def whole(self, column: int) -> Places:
        """Return a column of whole numbers."""
        return self.table[:, column].astype(np.int64)

    def take(self, rows: Places) -> _Lines:
        """Return some of the lines."""
        return _Lines(self.table[rows], self.walk[rows], self.event_ids[rows])


@dataclass(frozen=True)
class _Positions:
    """One row a position, in the order of the trades: what it was entered and left at, and what it earned."""

    entry: Places  # the line that entered it
    leave: Places  # the line that left it, where it is `closed`
    closed: npt.NDArray[np.bool_]
    begun: Places  # bar of the entry
    final: Places  # bar of the exit, or the last
    shares: Matrix  # signed
    price: Matrix
    last: Matrix  # price of the exit, or the last known close
    fees: Matrix
    borrowed: Matrix
    paid: Matrix  # dividends
    low: Matrix  # the lowest and the highest price that it saw
    high: Matrix
    stale: npt.NDArray[np.bool_]  # no bar of its asset for the last bars of the market

    @property
    def pnl(self) -> Matrix:
        made: Matrix = profit.py_func(self.shares, self.price, self.last, self.fees)
        return made

    @property
    def net(self) -> Matrix:
        return self.pnl - self.borrowed + self.paid


@dataclass(frozen=True)
class Ledger:
    """Orders and trades of one backtest; the tables of them are made when they are asked for."""

    lines: _Lines
    positions: _Positions
    assets: tuple[str, ...]
    opens: Places  # (bar,) microseconds

    @classmethod
    def of(cls, market: Market, account: Account, heard: Heard, bars: Bars, walks: Sequence[Walked]) -> Ledger:
        """Bring what the walks of one backtest wrote into order, and pair entries with exits."""
        table = np.concatenate([walked.ledger for walked in walks])
        walk = np.repeat(np.arange(len(walks)), [len(walked.ledger) for walked in walks])
        lines = _Lines(table, walk, _behind(table, heard, len(market.assets)))
        lines = lines.take(_order_of(lines, account, heard))
        return cls(lines, _positions(lines, account, bars), market.assets, market.opens)

    @property
    def net(self) -> float:
        """What all positions earned, after commissions, borrow fees and dividends; an open one at its last known close."""
        return float(self.positions.net.sum())

    def orders(self) -> pl.DataFrame:
        """Return the table `orders` of a run; refused entries stand among the orders with their side and reason, and no shares."""
        lines = self.lines
        shares, reason = lines.table[:, at.L_SHARES], lines.whole(at.L_REASON)
        filled = reason < _REFUSED
        columns = {
            "order_id": np.arange(reason.size),
            "status": _named(("refused", "filled"), filled),
            "time_decided": _instants(self.opens[lines.whole(at.L_DECIDED)]),
            "time_filled": _instants(self.opens[lines.whole(at.L_BAR)], filled),
            "asset": _named(self.assets, lines.whole(at.L_ASSET)),
            "side": _named(("SELL", "BUY"), shares > 0),
            "shares": np.where(filled, np.abs(shares), 0.0),
            "price": pl.Series(np.where(filled, lines.table[:, at.L_PRICE], np.nan), nan_to_null=True),
            "commission": np.where(filled, lines.table[:, at.L_FEE], 0.0),
            "slippage": np.where(filled, lines.table[:, at.L_SLIP], 0.0),
            "reason": _named(REASON_NAMES, reason),
            "event_ids": lines.event_ids,
        }
        return _frame(columns, ORDERS)

    def trades(self) -> pl.DataFrame:
        """Return the table `trades` of a run; what is still open is marked at its last known close."""
        lines, its = self.lines, self.positions
        bought, sold = lines.take(its.entry), lines.take(its.leave)
        leave_ids = np.where(its.closed, its.leave, len(lines.walk))
        side, long = np.sign(its.shares), its.shares > 0
        marked = np.where(its.stale, len(REASON_NAMES) + 1, len(REASON_NAMES))
        columns = {
            "trade_id": np.arange(its.entry.size),
            "asset": _named(self.assets, bought.whole(at.L_ASSET)),
            "side": _named(("SHORT", "LONG"), long),
            "shares": np.abs(its.shares),
            "entry_time": _instants(self.opens[its.begun]),
            "entry_price": its.price,
            "exit_time": _instants(self.opens[its.final], its.closed),
            "exit_price": its.last,
            "pnl": its.pnl,
            "return": its.net / (np.abs(its.shares) * its.price),
            "bars_held": its.final - its.begun,
            "exit_reason": _named(
                (*REASON_NAMES, "OPEN", "STALE"), np.where(its.closed, sold.whole(at.L_REASON), marked)
            ),
            "carry": -its.borrowed,
            "dividends": its.paid,
            "net": its.net,
            "worst": side * (np.where(long, its.low, its.high) / its.price - 1),
            "best": side * (np.where(long, its.high, its.low) / its.price - 1),
            "entry_reason": _named(REASON_NAMES, bought.whole(at.L_REASON)),
            "commission": its.fees,
            "event_ids": _joined(bought.event_ids, pl.concat([lines.event_ids, _NO_IDS])[leave_ids]),
        }
        return _frame(columns, TRADES)


def _behind(table: Matrix, heard: Heard, assets: int) -> pl.Series:
    """Ids of the events behind each line, the oldest first: an entry's, or those of a decided exit."""
    items, reason = heard.items, table[:, at.L_REASON]
    if items.is_empty():
        return _NO_IDS.new_from_index(0, len(table))
    places = items["bar"].cast(pl.Int64).to_numpy() * assets + items["asset"].cast(pl.Int64).to_numpy()
    wanted = (table[:, at.L_DECIDED] * assets + table[:, at.L_ASSET]).astype(np.int64)
    order = np.argsort(places)
    row = order[np.minimum(np.searchsorted(places, wanted, sorter=order), order.size - 1)]
    entry = reason >= at.ENTERED
    found = (places[row] == wanted) & (entry | (reason == at.SIGNAL))
    leaves = pl.when(pl.col("leave_ids").list.len() > 0).then("leave_ids").otherwise("enter_ids")
    ids = pl.concat([items["enter_ids"], items.select(leaves).to_series(), _NO_IDS])
    return ids[np.where(found, np.where(entry, row, row + order.size), 2 * order.size)]


def _order_of(lines: _Lines, account: Account, heard: Heard) -> Places:
    """Sort the lines into the order in which a bar happens; the walk wrote entries in theirs already."""
    reason, asset = lines.whole(at.L_REASON), lines.whole(at.L_ASSET)
    leaves = reason < _ENTERED
    told = leaves & (lines.event_ids.list.len().to_numpy() > 0)
    first = asset.copy()
    if told.any():
        first[told] = [heard.ages[event] for event in lines.event_ids.filter(pl.Series(told)).list.first()]
    turn = (_AT_CLOSE if account.fill == "close" else _AT_OPEN)[reason]
    within = (asset * leaves, first * leaves, leaves & ~told)
    return np.lexsort((*within, turn, lines.table[:, at.L_BAR], lines.walk))


def _positions(lines: _Lines, account: Account, bars: Bars) -> _Positions:
    entry, leave, closed = _paired(lines)
    bought, sold, n_bars = lines.table[entry], lines.table[leave], len(bars.time)
    asset, shares, price = bought[:, at.L_ASSET].astype(np.int64), bought[:, at.L_SHARES], bought[:, at.L_PRICE]
    begun = bought[:, at.L_BAR].astype(np.int64)
    ended = np.where(closed, sold[:, at.L_BAR].astype(np.int64), n_bars)
    final = np.minimum(ended, n_bars - 1)
    last = np.where(closed, sold[:, at.L_PRICE], bars.price[asset, -1, at.LAST])
    fees = bought[:, at.L_FEE] + np.where(closed, sold[:, at.L_FEE], 0.0)
    # Only bars that the position saw whole count for its extremes.
    whole = begun + (account.fill == "close"), ended
    low, high, borrow, dividends = gone_through(bars.price, asset, begun, final, *whole, last)
    borrowed, paid = np.maximum(-shares, 0.0) * borrow, shares * dividends
    stale = np.isnan(bars.price[:, -_STALE:, at.OPEN]).all(axis=1)[asset]
    return _Positions(entry, leave, closed, begun, final, shares, price, last, fees, borrowed, paid, low, high, stale)


def _paired(lines: _Lines) -> tuple[Places, Places, npt.NDArray[np.bool_]]:
    """Return the lines of each trade's entry and exit, and whether it has one; by bar of the entry, then account, then exit."""
    reason, asset, bar = lines.whole(at.L_REASON), lines.whole(at.L_ASSET), lines.whole(at.L_BAR)
    filled = np.flatnonzero(reason < _REFUSED)
    if not filled.size:
        return filled, filled, np.zeros(0, np.bool_)
    # The orders of one asset of one account: an entry, its exit, an entry, its exit.
    filled = filled[np.lexsort((asset[filled], lines.walk[filled]))]
    enters = reason[filled] >= _ENTERED
    entry, after = filled[enters], np.append(filled[1:], filled[0])[enters]
    closed = reason[after] < _ENTERED
    order = np.lexsort((np.where(closed, after, entry), ~closed, lines.walk[entry], bar[entry]))
    return entry[order], after[order], closed[order]


def _frame(columns: dict[str, Any], schema: dict[str, Any]) -> pl.DataFrame:
    # Several times quicker than to hand polars the schema, and no less strict.
    return pl.DataFrame([pl.Series(name, columns[name], kind) for name, kind in schema.items()])


def _joined(first: pl.Series, second: pl.Series) -> pl.Series:
    """Put the lists of both together, row by row."""
    return first.list.concat(second) if second.list.len().sum() else first


def _named(names: Sequence[str | None], which: npt.NDArray[Any]) -> pl.Series:
    return pl.Series([names[i] for i in which.tolist()], dtype=pl.String)


def _instants(microseconds: Places, there: npt.NDArray[np.bool_] | bool = True) -> pl.Series:
    """Return instants, null where they are not there."""
    return pl.Series(np.where(there, microseconds, _NO_TIME).view("datetime64[us]")).cast(INSTANT)
