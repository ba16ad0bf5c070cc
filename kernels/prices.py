"""Bars of a market -> the table of prices that a walk reads."""

from typing import Any

import numpy as np
import numpy.typing as npt

from kernels import layout as at
from kernels.jit import kept
from kernels.rules import ONE, Terms, borrow_charge, maintenance_need

Matrix = npt.NDArray[np.float64]


def price_table(
    bars: tuple[Matrix, Matrix, Matrix, Matrix],
    split: Matrix,
    dividend: Matrix,
    rate: Matrix,
    days: Matrix,
    terms: Terms,
    closing: bool,
    dtype: npt.DTypeLike,
) -> npt.NDArray[Any]:
    """Lay out (asset, bar, column) as kernels.layout names the columns; computed in float64, kept in `dtype`.

    Parameters
    ----------
    bars : open, high, low and close, (asset, bar) each; a bar of which any is not finite is no bar
    split : product of the splits after the bar, NaN where unknown
    dividend : currency a share, on the ex-date
    rate : yearly borrow rate in force at the bar, for the days until the next; (asset, 1) where it never changes
    days : (bar,) calendar days since the previous bar's session
    terms : the broker's terms in float64
    closing : orders fill at the close, so that a rule knows the bar's own
    """
    table = np.empty((*bars[0].shape, at.N_PRICE))
    given = (np.ascontiguousarray(values, np.float64) for values in (*bars, split, dividend, rate, days))
    _fill(table, *given, terms, closing)
    return table.astype(dtype, copy=False)


@kept()
def _fill(
    table: Any, opens: Any, highs: Any, lows: Any, closes: Any, split: Any, dividend: Any, rate: Any, days: Any, terms: Any,
    closing: bool,
) -> None:  # fmt: skip
    """Fill the table: the bars, and what follows from them: the last known closes, what a share requires and is charged."""
    bars, steady = table.shape[1], rate.shape[1] == 1
    for a in range(table.shape[0]):
        last = np.nan
        for t in range(bars):
            bar, known = table[a, t], last
            o, h, l, c = opens[a, t], highs[a, t], lows[a, t], closes[a, t]  # noqa: E741 - as everybody calls them
            if np.isfinite(o) and np.isfinite(h) and np.isfinite(l) and np.isfinite(c):
                bar[at.OPEN], bar[at.HIGH], bar[at.LOW], bar[at.CLOSE], last = o, h, l, c, c
            else:
                bar[at.OPEN], bar[at.HIGH], bar[at.LOW], bar[at.CLOSE] = np.nan, np.nan, np.nan, np.nan
            bar[at.LAST], bar[at.KNOWN] = last, last if closing else known
            bar[at.SPLIT], bar[at.DIVIDEND] = split[a, t], dividend[a, t]
            bar[at.SHORT_NEED] = maintenance_need(-ONE, last, split[a, t], terms)
            bar[at.CHARGE] = borrow_charge(last, rate[a, 0 if steady else t], days[t + 1]) if t + 1 < bars else 0.0


@kept()
def gone_through(table: Any, asset: Any, entry: Any, exit_: Any, first: Any, end: Any, also: Any) -> Any:
    """Return what a share went through in each position, (position,) each: low, high, borrow fees, dividends.

    Parameters
    ----------
    table : what `price_table` returns
    asset, entry, exit_ : (position,) which asset, the bar of the entry, the bar of the exit or the last
    first, end : (position,) the bars whose extremes count, from `first` to before `end`
    also : (position,) a price that counts too
    """
    low, high, borrow, paid = also.copy(), also.copy(), np.zeros(asset.size), np.zeros(asset.size)
    for i in range(asset.size):
        for t in range(entry[i], exit_[i] + 1):
            bar = table[asset[i], t]
            if t < exit_[i]:
                borrow[i] += bar[at.CHARGE]
            if t > entry[i]:
                paid[i] += bar[at.DIVIDEND]
            if first[i] <= t < end[i] and np.isfinite(bar[at.HIGH]) and np.isfinite(bar[at.LOW]):
                low[i] = min(low[i], bar[at.LOW], bar[at.HIGH])
                high[i] = max(high[i], bar[at.HIGH], bar[at.LOW])
    return low, high, borrow, paid
