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
from kernels.prices import extremes
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


def ledger_frames(
    market: Market, account: Account, heard: Heard, bars: Bars, walks: Sequence[Walked]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (orders, trades) of the walks of one backtest; refused entries stand among the orders with their reason."""
    table = np.concatenate([walked.ledger for walked in walks])
    walk = np.repeat(np.arange(len(walks)), [len(walked.ledger) for walked in walks])
    lines = _Lines(table, walk, _behind(table, heard, len(market.assets)))
    lines = lines.take(_order_of(lines, account, heard))
    return _orders(lines, market), _trades(lines, account, bars, market)


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


def _orders(lines: _Lines, market: Market) -> pl.DataFrame:
    shares, reason = lines.table[:, at.L_SHARES], lines.whole(at.L_REASON)
    filled = reason < _REFUSED
    columns = {
        "order_id": np.arange(reason.size),
        "status": _named(("refused", "filled"), filled),
        "time_decided": _instants(market.opens[lines.whole(at.L_DECIDED)]),
        "time_filled": _instants(market.opens[lines.whole(at.L_BAR)], filled),
        "asset": _named(market.assets, lines.whole(at.L_ASSET)),
        "side": _named(("SELL", "BUY", None), np.where(filled, shares > 0, 2)),
        "shares": np.where(filled, np.abs(shares), 0.0),
        "price": pl.Series(np.where(filled, lines.table[:, at.L_PRICE], np.nan), nan_to_null=True),
        "commission": np.where(filled, lines.table[:, at.L_FEE], 0.0),
        "slippage": np.where(filled, lines.table[:, at.L_SLIP], 0.0),
        "reason": _named(REASON_NAMES, reason),
        "event_ids": lines.event_ids,
    }
    return _frame(columns, ORDERS)


def _trades(lines: _Lines, account: Account, bars: Bars, market: Market) -> pl.DataFrame:
    """Pair entries with exits; what is still open is marked at its last known close."""
    entry, leave, closed = _paired(lines)
    bought, sold, n_bars = lines.take(entry), lines.take(leave), len(bars.time)
    asset, shares, price = bought.whole(at.L_ASSET), bought.table[:, at.L_SHARES], bought.table[:, at.L_PRICE]
    begun, ended = bought.whole(at.L_BAR), np.where(closed, sold.whole(at.L_BAR), n_bars)
    last = np.where(closed, sold.table[:, at.L_PRICE], bars.price[asset, -1, at.LAST])
    fees = bought.table[:, at.L_FEE] + np.where(closed, sold.table[:, at.L_FEE], 0.0)
    final = np.minimum(ended, n_bars - 1)
    pnl = profit.py_func(shares, price, last, fees)
    borrowed = np.maximum(-shares, 0.0) * (bars.price[asset, final, at.ACCRUED] - bars.price[asset, begun, at.ACCRUED])
    paid = shares * (bars.price[asset, final, at.PAID] - bars.price[asset, begun, at.PAID])
    net = pnl - borrowed + paid
    # Only bars that the position saw whole count.
    low, high = extremes(bars.price, asset, begun + (account.fill == "close"), ended, last)
    leave_ids = np.where(closed, leave, len(lines.walk))
    side = np.sign(shares)
    stale = np.isnan(bars.price[asset, -_STALE:, at.OPEN]).all(axis=1)
    marked = np.where(stale, len(REASON_NAMES) + 1, len(REASON_NAMES))
    columns = {
        "trade_id": np.arange(asset.size),
        "asset": _named(market.assets, asset),
        "side": _named(("SHORT", "LONG"), shares > 0),
        "shares": np.abs(shares),
        "entry_time": _instants(market.opens[begun]),
        "entry_price": price,
        "exit_time": _instants(market.opens[final], closed),
        "exit_price": last,
        "pnl": pnl,
        "return": net / (np.abs(shares) * price),
        "bars_held": final - begun,
        "exit_reason": _named((*REASON_NAMES, "OPEN", "STALE"), np.where(closed, sold.whole(at.L_REASON), marked)),
        "carry": -borrowed,
        "dividends": paid,
        "net": net,
        "worst": side * (np.where(shares > 0, low, high) / price - 1),
        "best": side * (np.where(shares > 0, high, low) / price - 1),
        "entry_reason": _named(REASON_NAMES, bought.whole(at.L_REASON)),
        "commission": fees,
        "event_ids": _joined(bought.event_ids, pl.concat([lines.event_ids, _NO_IDS])[leave_ids]),
    }
    return _frame(columns, TRADES)


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
