"""What a recorded walk wrote -> tables of orders and trades, with times, names and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.account import Account
from engine.arrays import Heard
from engine.market import Market
from kernels import layout as at
from kernels.layout import REASON_NAMES, Bars
from kernels.rules import profit

Matrix = npt.NDArray[np.float64]

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

#: Positions whose asset had no bar in as many bars before the end are reported STALE.
_STALE = 5
_FORCED, _EXITS, _ENTRIES, _INSIDE, _RUIN = range(5)
_ORDER_AT_OPEN = {_FORCED: 0, _EXITS: 1, _ENTRIES: 2, _INSIDE: 3, _RUIN: 4}
_ORDER_AT_CLOSE = {_FORCED: 0, _INSIDE: 1, _EXITS: 2, _ENTRIES: 3, _RUIN: 4}


@dataclass(frozen=True)
class Walked:
    """What one recorded walk left: the lane's sums, the ledger and the path, all float64."""

    lane: Matrix  # (N_LANE,)
    ledger: Matrix  # (entry, N_LEDGER)
    path: Matrix  # (N_PATH, bar)


class Sources:
    """Which events stand behind an order."""

    def __init__(self, heard: Heard) -> None:
        self._items = heard.events_of()
        self.age = heard.ages

    def behind(self, line: Any) -> list[str]:
        """Ids of the events behind one line of the ledger, oldest first: an entry's, or those of a decided exit."""
        enter, leave = self._items.get((int(line[at.L_DECIDED]), int(line[at.L_ASSET])), ([], []))
        if _group(line) == _ENTRIES:
            return list(enter)
        return list(leave or enter) if line[at.L_REASON] == at.SIGNAL else []


def ledger_frames(
    market: Market, account: Account, heard: Heard, bars: Bars, walks: Sequence[Walked]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (orders, trades) of the walks of one backtest; refused entries stand among the orders with their reason."""
    sources = Sources(heard)
    orders: list[dict[str, Any]] = []
    trades: list[dict[str, Any]] = []
    for number, walked in enumerate(walks):
        lines = _in_order(walked, account, sources)
        orders += [_order(line, market, sources) for line in lines]
        trades += _trades(lines, walked, number, account, bars, market, sources)
    trades.sort(key=lambda trade: trade["entry_time"])
    stamp = [{"order_id": i, **order} for i, order in enumerate(orders)]
    numbered = [{"trade_id": i, **trade} for i, trade in enumerate(trades)]
    return pl.DataFrame(stamp, ORDERS), pl.DataFrame(numbered, TRADES)


def _in_order(walked: Walked, account: Account, sources: Sources) -> list[Any]:
    """Sort the lines of a ledger into the order in which a bar happens; the walk wrote entries in theirs already."""
    rank = _ORDER_AT_CLOSE if account.fill == "close" else _ORDER_AT_OPEN

    def key(pair: tuple[int, Any]) -> tuple[float, ...]:
        i, line = pair
        group = _group(line)
        if group == _ENTRIES:
            return (line[at.L_BAR], rank[group], i)
        ids = sources.behind(line)
        return (
            line[at.L_BAR],
            rank[group],
            0 if ids else 1,
            sources.age[ids[0]] if ids else line[at.L_ASSET],
            line[at.L_ASSET],
        )

    return [line for _, line in sorted(enumerate(walked.ledger), key=key)]


def _group(line: Any) -> int:
    reason = line[at.L_REASON]
    if reason >= at.ENTERED:
        return _ENTRIES
    if reason == at.MARGIN_CALL:
        return _FORCED
    if reason == at.RUIN_CLOSE:
        return _RUIN
    return _EXITS if reason in (at.SIGNAL, at.TIME) else _INSIDE


def _order(line: Any, market: Market, sources: Sources) -> dict[str, Any]:
    reason, shares = line[at.L_REASON], float(line[at.L_SHARES])
    filled = reason < at.REFUSED_CALL
    return {
        "status": "filled" if filled else "refused",
        "time_decided": int(market.opens[int(line[at.L_DECIDED])]),
        "time_filled": int(market.opens[int(line[at.L_BAR])]) if filled else None,
        "asset": market.assets[int(line[at.L_ASSET])],
        "side": ("BUY" if shares > 0 else "SELL") if filled else None,
        "shares": abs(shares) if filled else 0.0,
        "price": float(line[at.L_PRICE]) if filled else None,
        "commission": float(line[at.L_FEE]) if filled else 0.0,
        "slippage": float(line[at.L_SLIP]) if filled else 0.0,
        "reason": REASON_NAMES[int(reason)],
        "event_ids": sources.behind(line),
    }


def _trades(
    lines: list[Any], walked: Walked, number: int, account: Account, bars: Bars, market: Market, sources: Sources
) -> list[dict[str, Any]]:
    """Pair entries with exits; what is still open is marked at its last known close."""
    open_: dict[int, Any] = {}
    trades = []
    for line in lines:
        asset = int(line[at.L_ASSET])
        if line[at.L_REASON] in (at.ENTERED, at.CLIPPED):
            open_[asset] = line
        elif line[at.L_REASON] < at.ENTERED:
            entry = open_.pop(asset)
            last = _Exit(line[at.L_BAR], line[at.L_PRICE], REASON_NAMES[int(line[at.L_REASON])], line[at.L_FEE], line)
            trades.append(_trade(entry, last, account, bars, market, sources))
    for asset, entry in open_.items():
        stale = np.isnan(bars.price[asset, -_STALE:, at.OPEN]).all()
        mark = bars.price[asset, -1, at.LAST]
        last = _Exit(len(bars.time), mark, "STALE" if stale else "OPEN", 0.0, None)
        trades.append(_trade(entry, last, account, bars, market, sources))
    return trades


class _Exit(NamedTuple):
    """The end of a trade; of an open one, the bar after the last and the mark."""

    bar: float
    price: float
    reason: str
    fee: float
    line: Any


def _trade(entry: Any, last: _Exit, account: Account, bars: Bars, market: Market, sources: Sources) -> dict[str, Any]:
    asset, shares, price = int(entry[at.L_ASSET]), float(entry[at.L_SHARES]), float(entry[at.L_PRICE])
    begun, ended = int(entry[at.L_BAR]), int(last.bar)
    first, final = bars.price[asset, begun], bars.price[asset, min(ended, len(bars.time) - 1)]
    pnl = float(profit.py_func(shares, price, last.price, entry[at.L_FEE] + last.fee))
    borrowed = float(max(-shares, 0.0) * (final[at.ACCRUED] - first[at.ACCRUED]))
    paid = float(shares * (final[at.PAID] - first[at.PAID]))
    net = pnl - borrowed + paid
    full = slice(begun + (account.fill == "close"), ended)  # bars that the position saw whole
    reached = np.concatenate([bars.price[asset, full, at.HIGH], bars.price[asset, full, at.LOW], [last.price]])
    returns = np.sign(shares) * (reached[np.isfinite(reached)] / price - 1)
    return {
        "asset": market.assets[asset],
        "side": "LONG" if shares > 0 else "SHORT",
        "shares": abs(shares),
        "entry_time": int(market.opens[begun]),
        "entry_price": price,
        "exit_time": int(market.opens[ended]) if last.line is not None else None,
        "exit_price": float(last.price),
        "pnl": pnl,
        "return": net / (abs(shares) * price),
        "bars_held": min(ended, len(bars.time) - 1) - begun,
        "exit_reason": last.reason,
        "carry": -borrowed,
        "dividends": paid,
        "net": net,
        "worst": float(returns.min()),
        "best": float(returns.max()),
        "entry_reason": REASON_NAMES[int(entry[at.L_REASON])],
        "commission": float(entry[at.L_FEE] + last.fee),
        "event_ids": sources.behind(entry) + (sources.behind(last.line) if last.line is not None else []),
    }
