"""Which row of a state table holds what, and the shapes of the arrays that a walk is handed.

A block of `width` lanes keeps its state in three tables of one precision, (row, lane) or (asset, row, lane), so that the
loop over lanes runs along contiguous memory. Counters and bar numbers are kept in the same precision; float32 counts
exactly to 16,777,216.
"""

from typing import Any, NamedTuple

import numpy as np

# Parameters that every strategy has, first rows of the parameter table.
HOLD, STOP, TRAIL, TAKE, DECAY, N_FIXED = range(6)

# One lane's account: (row, lane).
(
    CASH, EQUITY, SHORTS, CALLED, RUINED, FAULTS,  # the account at the last close; CALLED is the bar of the call, plus one
    SIZING, WORTH, NEED, VALUE, HOLDING, REASON, PRICE, FACTOR, NET,  # scratch of the bar under way
    PEAK, DRAWDOWN, BELOW, LONGEST, STILL, EQUITY_SUM,  # metrics
    SUM1, SUM2, SUM3, SUM4, DOWNSIDE, WORST, EXPOSED,
    TRADED, COSTS, BORROW, EARNED, OWED,
    CLOSED, WINS, WON, LOST, RETURNS, N_LANE,
) = range(39)  # fmt: skip

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

# Columns of the ledger that a recorded walk writes: (entry, column).
(
    L_BAR, L_DECIDED, L_ASSET, L_REASON, L_SHARES, L_PRICE, L_FEE, L_SLIP, L_PROFIT, L_BORROWED, L_PAID, N_LEDGER,
) = range(12)  # fmt: skip

# Rows of the path that a recorded walk writes: (row, bar).
P_EQUITY, P_CASH, P_LONG, P_SHORT, N_PATH = range(5)

# When a rule is asked about an asset: at bars with news for it; also at bars into which the lane holds it; at every bar.
ON_EVENTS, WHILE_HELD, ALWAYS = range(3)


class Bars(NamedTuple):
    """The market as a walk reads it; (asset, bar) unless said otherwise, of one precision."""

    open: Any  # NaN where there is no bar
    high: Any
    low: Any
    close: Any
    mark: Any  # last known close
    known: Any  # last close known when a rule decides: of the bar before, with fill="close" of the bar itself
    split: Any  # product of the splits after the bar; NaN where unknown
    dividend: Any
    borrow: Any  # 1.02 * borrow rate of the bar before * days / 360
    credit: Any  # (bar,) cash rate * days / 360
    debit: Any  # (bar,) debit rate * days / 360
    clock: Any  # (bar,) 0, 1, 2, ... in the precision of the walk
    feature: Any  # (asset, bar, row) price features known when a rule decides
    trait: Any  # (asset, trait) constants of an asset that a rule may ask for
    managed: Any  # (asset,) bool: whether hold, stop, trail and take apply to the asset


class News(NamedTuple):
    """Events as a walk reads them: one item for each asset and bar with something new, sorted by bar, then by order of fill."""

    bar: Any  # (item,) int32
    asset: Any  # (item,) int32
    ranked: Any  # (item,) bool: whether the item has an event that entries follow, and so goes before those without one
    fresh: Any  # (item, channel) what the channel's new events add up to


class Plan(NamedTuple):
    """How a strategy wants to be walked."""

    order: Any  # (asset,) int32, the order in which assets are judged
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
    since: Any  # (asset,) int64 bar of the asset's last event
    active: Any  # (asset,) bool: whether any lane of the block holds the asset
    item: Any  # (asset,) int64 the asset's news of this bar, -1 for none


class Record(NamedTuple):
    """What a recorded walk leaves behind; empty arrays for one that is not recorded."""

    ledger: Any  # (capacity, N_LEDGER) float64
    count: Any  # (1,) int64 entries made, also those beyond the capacity
    path: Any  # (N_PATH, bar) float64
