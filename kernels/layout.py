"""Which row of a state table holds what, and the shapes of the arrays that a walk is handed.

A block of `width` lanes keeps its state in three tables of one precision, (row, lane) or (asset, row, lane), so that the
loop over lanes runs along contiguous memory. Counters and bar numbers are kept in the same precision; float32 counts
exactly to 16,777,216.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.np.numpy_support import from_dtype

# Parameters that every strategy has, first rows of the parameter table.
HOLD, STOP, TRAIL, TAKE, DECAY, N_FIXED = range(6)

# One lane's account: (row, lane).
(
    CASH, EQUITY, SHORTS, CALLED, RUINED, FAULTS,  # the account at the last close; CALLED is the bar of the call, plus one
    SIZING, WORTH, NEED, VALUE, HOLDING, REASON, PRICE, FACTOR, NET,  # scratch of the bar under way
    PEAK, DRAWDOWN, BELOW, LONGEST, STILL, EQUITY_SUM,  # metrics
    SUM1, SUM2, SUM3, SUM4, DOWNSIDE, WORST, EXPOSED,
    TRADED, COSTS, BORROW, EARNED, OWED,
    CLOSED, WINS, WON, LOST, RETURNS, OPENS, N_LANE,
) = range(40)  # fmt: skip

# One lane's position in one asset: (asset, row, lane).
SHARES, ENTRY, OPENED, CLOCK, BEST, LEAVING, WISH, BORROWED, PAID, FEE, N_LOT = range(11)

# Why an order was filled or refused, in the precision of the tables. The numbers stay inside; users see the names.
NONE = np.float32(0)
MARGIN_CALL, SIGNAL, TIME, STOP_HIT, TRAIL_HIT, TAKE_HIT, RUIN_CLOSE = map(np.float32, range(1, 8))
ENTERED, CLIPPED = map(np.float32, range(8, 10))
REFUSED_CALL, REFUSED_NO_PRICE, REFUSED_MARGIN, REFUSED_SMALL = map(np.float32, range(10, 14))
REASON_NAMES = (
    "", "MARGIN_CALL", "SIGNAL", "TIME", "STOP", "TRAIL", "TAKE", "RUIN", "ENTRY", "CLIPPED",
    "MARGIN_CALL", "NO_PRICE", "MARGIN", "SMALL",
)  # fmt: skip

# Columns of the prices, (asset, bar, column): open to close are NaN where there is no bar; the last known close; the last close
# known when a rule decides, which is the bar's own with fill="close"; the product of the splits after the bar, NaN where
# unknown; the dividend; 1.02 * borrow rate of the bar before * days / 360.
OPEN, HIGH, LOW, CLOSE, LAST, KNOWN, SPLIT, DIVIDEND, FEE_DUE, N_PRICE = range(10)

# Columns of the times, (bar, column): cash and debit rates * days / 360; the number of the bar in the precision of the walk.
CREDIT, DEBIT, NOW, N_TIME = range(4)

# Rows of what a block notes of its assets, (row, asset): bar of the last news, whether any lane holds it, the news of this bar.
SINCE, ACTIVE, ITEM, N_NOTE = range(4)

# Columns of the ledger that a recorded walk writes: (entry, column).
(
    L_BAR, L_DECIDED, L_ASSET, L_REASON, L_SHARES, L_PRICE, L_FEE, L_SLIP, L_PROFIT, L_BORROWED, L_PAID, N_LEDGER,
) = range(12)  # fmt: skip

# Rows of the path that a recorded walk writes: (row, bar).
P_EQUITY, P_CASH, P_LONG, P_SHORT, P_HELD, N_PATH = range(6)

# When a rule is asked about an asset: at bars with news for it; also at bars into which the lane holds it; at every bar.
ON_EVENTS, WHILE_HELD, ALWAYS = range(3)


class Bars(NamedTuple):
    """The market as a walk reads it; floats are of one precision."""

    price: Any  # (asset, bar, column): OPEN to FEE_DUE
    time: Any  # (bar, column): CREDIT, DEBIT, NOW
    feature: Any  # (asset, bar, row): price features known when a rule decides
    trait: Any  # (asset, trait): constants of an asset that a rule may ask for
    managed: Any  # (asset,) bool: whether hold, stop, trail and take apply to the asset


class News(NamedTuple):
    """Events as a walk reads them: one item for each asset and bar with something new, sorted by bar, then by order of fill."""

    bar: Any  # (item,) int64
    asset: Any  # (item,) int64
    ranked: Any  # (item,) bool: whether the item has an event that entries follow, and so goes before those without one
    fresh: Any  # (item, channel) what the channel's new events add up to


class Plan(NamedTuple):
    """How a strategy wants to be walked."""

    order: Any  # (asset,) int64, the order in which assets are judged
    asked: Any  # ON_EVENTS, WHILE_HELD or ALWAYS
    closing: Any  # bool: orders fill at the close of the bar in place of its open
    reverses: Any  # bool: the opposite sign exits and enters the other way
    refresh: Any  # bool: a same-way answer restarts the clock of the time exit
    nets: Any  # bool: the rule asks what the rest of the account holds
    earns: Any  # bool: cash earns interest, so that no bar may be skipped


class State(NamedTuple):
    """What a block of lanes remembers from bar to bar."""

    lane: Any  # (N_LANE, width)
    lot: Any  # (asset, N_LOT, width)
    pressure: Any  # (asset, channel, width) as it stood at the asset's last event
    decayed: Any  # (channel, width) scratch: the pressure on the asset that is being judged
    note: Any  # (N_NOTE, asset) int64: SINCE, ACTIVE, ITEM


class Record(NamedTuple):
    """What a recorded walk leaves behind; empty arrays for one that is not recorded."""

    ledger: Any  # (capacity, N_LEDGER) float64
    count: Any  # (1,) int64 entries made, also those beyond the capacity
    path: Any  # (N_PATH, bar) float64


def decide_types(dtype: Any) -> Any:
    """Return numba's signature of `decide(a, t, bars, news, params, state)` in one precision (a numpy dtype)."""
    kind, whole = from_dtype(dtype), types.int64

    def array(of: Any, dims: int) -> Any:
        return types.Array(of, dims, "C")

    bars = (array(kind, 3), array(kind, 2), array(kind, 3), array(kind, 2), array(types.boolean, 1))
    news = (array(whole, 1), array(whole, 1), array(types.boolean, 1), array(kind, 2))
    state = (array(kind, 2), array(kind, 3), array(kind, 3), array(kind, 2), array(whole, 2))
    tuples = [types.NamedTuple(of, cls) for of, cls in ((bars, Bars), (news, News), (state, State))]
    return types.void(whole, whole, tuples[0], tuples[1], array(kind, 2), tuples[2])
