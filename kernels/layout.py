"""Which row of a state table holds what, and the shapes of the arrays that a walk is handed.

A block of `width` lanes keeps its state in tables of one precision, (row, lane) or (asset, row, lane), so that the
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
    CASH, EQUITY, INVERSE,  # currency, at the last close; 1 / equity, 0 where there is none
    SHORTS, FEES,  # value of the shorts at the last close; the borrow fee that falls due for them at the next bar
    COUNT, HELD_ANY,  # open positions; 1 if it had any when exposure was last counted
    CALLED, RUINED, FAULTS,  # the bar of an unmet margin call, plus one; whether ruined; answers that were no number
    SIZING, WORTH, NEED, VALUE, NET, QUANTITY,  # scratch of the bar under way, but VALUE stays to the next
    PEAK, PEAK_INVERSE, PEAK_AT, DRAWDOWN, LONGEST, EQUITY_SUM,  # metrics
    SUM1, SUM2, SUM3, SUM4, DOWNSIDE, WORST, EXPOSED,
    TRADED, COSTS, BORROW, EARNED, OWED,
    CLOSED, WINS, WON, LOST, RETURNS, OPENS, N_LANE,
) = range(41)  # fmt: skip

# One lane's position in one asset: (asset, row, lane). A flat one is due never, and no price is beyond its bounds.
(
    SHARES, ENTRY, OPENED,  # signed; the fill price; the bar of the entry
    UPPER, LOWER,  # prices at which it leaves inside a bar: stop or trailing stop, and target
    DUE,  # bar of the time exit; 0 once called; -(bar + 1) once a rule decided the exit at `bar`
    SUNK,  # commission of the entry, and what its shares were charged since, less dividends
    WISH,  # weight that the rule asks for at this bar
    N_LOT,
) = range(9)  # fmt: skip

# Why an order was filled or refused, in the precision of the tables. The numbers stay inside; users see the names.
MARGIN_CALL, SIGNAL, TIME, STOP_HIT, TRAIL_HIT, TAKE_HIT, RUIN_CLOSE = map(np.float32, range(1, 8))
ENTERED, CLIPPED = map(np.float32, range(8, 10))
REFUSED_CALL, REFUSED_NO_PRICE, REFUSED_MARGIN, REFUSED_SMALL = map(np.float32, range(10, 14))
REASON_NAMES = (
    "", "MARGIN_CALL", "SIGNAL", "TIME", "STOP", "TRAIL", "TAKE", "RUIN", "ENTRY", "CLIPPED",
    "MARGIN_CALL", "NO_PRICE", "MARGIN", "SMALL",
)  # fmt: skip

# Columns of the prices, (asset, bar, column); kernels/prices.py fills them.
(
    OPEN, HIGH, LOW, CLOSE,  # NaN where there is no bar
    LAST, KNOWN,  # the last known close; the last one known when a rule decides, which is the bar's own with fill="close"
    SPLIT, DIVIDEND,  # product of the splits after the bar, NaN where unknown; currency a share
    SHORT_NEED,  # maintenance requirement of one share short at the last known close
    CHARGE,  # borrow fee that falls due at the next bar for one share short
    N_PRICE,
) = range(11)  # fmt: skip

# Columns of the times, (bar, column): cash and debit rates * days / 360; the number of the bar in the precision of the walk;
# whether any asset pays a dividend.
CREDIT, DEBIT, NOW, PAYS, N_TIME = range(5)

# Rows of what a block notes of its assets, (row, asset): bar of the last news; its last item of the news, -1 for none; a bit for each
# group of lanes in which any wants to enter; whether any lane holds it; the assets that any lane
# holds, ascending.
SINCE, ITEM, WISHED, OWNED, HOLDS, N_NOTE = range(6)

# Where a block has got to: bar, item of the news; how many assets it holds, whether that has changed since they were listed, and
# since exposure was counted; whether any lane is short, whether any has an unmet margin call.
BAR, NEXT, HELD, STALE, FILLED, SHORT, CALLS, N_PLACE = range(8)

# Columns of the ledger that a recorded walk writes: (entry, column). Shares are signed; a refused entry has the weight that was asked for.
L_BAR, L_DECIDED, L_ASSET, L_REASON, L_SHARES, L_PRICE, L_FEE, L_SLIP, N_LEDGER = range(9)

# Columns of the path that a recorded walk writes, (entry, column): the account at a bar, as it stays until the bar of the next entry.
P_EQUITY, P_CASH, P_LONG, P_SHORT, P_HELD, P_BAR, N_PATH = range(7)

# When a rule is asked about an asset: at bars with news for it; also at bars into which the lane holds it; at every bar.
ON_EVENTS, WHILE_HELD, ALWAYS = range(3)


class Bars(NamedTuple):
    """The market as a walk reads it; floats are of one precision."""

    price: Any  # (asset, bar, column): OPEN to CHARGE
    time: Any  # (bar, column): CREDIT to PAYS
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
    bounded: Any  # bool: any lane has a stop, a trailing stop or a target
    trails: Any  # bool: any lane has a trailing stop


def every_plan() -> Plan:
    """Return the plan that asks for everything, in an order of no assets: for kernels that are compiled to be looked at."""
    return Plan(np.zeros(0, np.int64), ALWAYS, *[True] * (len(Plan._fields) - 2))


class State(NamedTuple):
    """What a block of lanes remembers from bar to bar."""

    lane: Any  # (N_LANE, width)
    lot: Any  # (asset, N_LOT, width)
    pressure: Any  # (asset, channel, width) as it stood at the asset's last event
    decayed: Any  # (channel, width) scratch: the pressure on the asset that is being judged
    told: Any  # (feature, width) scratch: the features of the asset that is being judged
    rows: Any  # (feature, width) uint32: the row of the bank in which each lane finds each feature
    ends: Any  # (feature, width) uint32: where a run of neighbours ends that find one row, or one row after the other
    note: Any  # (N_NOTE, asset) int32: SINCE to HOLDS
    place: Any  # (N_PLACE,) int32: BAR to CALLS


class Record(NamedTuple):
    """What a recorded walk leaves behind; empty arrays for one that is not recorded."""

    ledger: Any  # (capacity, N_LEDGER) float64
    count: Any  # (2,) int64: lines of the ledger, also those beyond the capacity; entries of the path
    path: Any  # (capacity, N_PATH) float64, for as many entries as there are bars


def no_record() -> Record:
    """Return what an unrecorded walk is handed."""
    return Record(np.zeros((0, N_LEDGER)), np.zeros(2, np.int64), np.zeros((0, N_PATH)))


def given_types(dtype: Any) -> tuple[Any, Any, Any]:
    """Return numba's types of Bars, News and Plan in one precision (a numpy dtype)."""
    kind, whole, yes = from_dtype(np.dtype(dtype)), types.int64, types.boolean
    bars = (types.Array(kind, 3, "C"), types.Array(kind, 2, "C"), types.Array(kind, 3, "C"), types.Array(kind, 2, "C"))
    news = (types.Array(whole, 1, "C"), types.Array(whole, 1, "C"), types.Array(yes, 1, "C"), types.Array(kind, 2, "C"))
    plan = (types.Array(whole, 1, "C"), whole, yes, yes, yes, yes, yes, yes, yes)
    return (
        types.NamedTuple((*bars, types.Array(yes, 1, "C")), Bars),
        types.NamedTuple(news, News),
        types.NamedTuple(plan, Plan),
    )


def decide_types(dtype: Any) -> Any:
    """Return numba's signature of `decide` in one precision (a numpy dtype).

    `decide(now, known, k, fresh, trait, decayed, told, params, lane, lot)` puts what a rule answers about one asset at one bar into
    the row WISH of `lot`, and says whether any lane answered something else than KEEP. It is handed no more than rules ask for: the
    number of the bar; the last close known; the item of the news or -1, and the table `fresh` of News that it is a row of; the asset's
    traits; of State, `decayed`, `told`, `lane` and the asset's `lot`; the parameters.
    """
    kind = from_dtype(dtype)
    row, table = types.Array(kind, 1, "C"), types.Array(kind, 2, "C")
    return types.boolean(kind, kind, types.int64, table, row, table, table, table, table, table)
