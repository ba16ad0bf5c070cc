"""The walk of a block of lanes through time, and the run over many blocks.

Both are handed `decide`, the function that puts a strategy's answers for one asset and bar into WISH, and says whether any lane
answered something else than KEEP: on the CPU as a pointer to compiled code, so that the walk is compiled once for all strategies; on
the GPU as a device function, which is inlined.
"""

import math

import numpy as np
from numba import types
from numba.np.numpy_support import from_dtype

from kernels import layout as at
from kernels.jit import kept
from kernels.layout import Record, State, decide_types, given_types
from kernels.recording import write_entry, write_leave, write_leave_inside, write_path, write_ruin
from kernels.rules import ONE, ZERO, Terms
from kernels.steps import (
    FIRST,
    PAST,
    WIDTH,
    asset_of,
    bear_interest,
    begin,
    bury_ruined,
    call,
    carry,
    close_ruined,
    count_assets,
    count_held,
    decay_pressure,
    enter,
    expose,
    finish,
    gather,
    gather_lane,
    hear,
    held_asset,
    inlined,
    is_bar,
    is_due,
    is_indebted,
    is_touched,
    is_troubled,
    leave,
    leave_inside,
    list_held,
    look_up,
    mark_ruined,
    net_exposure,
    note_fills,
    open_accounts,
    pay,
    price_account,
    size,
    skip,
    step,
    trail,
    value_held,
    weigh,
    worth_nothing,
)

#: Bytes of a line of the cache.
LINE = 64
#: Bytes of features that a processor's own cache holds beside what it walks, and bytes of blocks that are walked together.
CACHE, KEPT = 1 << 19, 1 << 22


@inlined
def leave_held(t, closing, bars, terms, plan, state, record):
    """Step 4, exits of every asset that is held: at the open, or at the close where `closing`."""
    now = bars.time[t, at.NOW]
    timed = closing == plan.closing  # only forced closes are filled at another price than orders
    for i in range(count_held(state)):
        a = held_asset(i, state)
        lot, bar = state.lot[a], bars.price[a, t]
        if is_due(FIRST, PAST, now, lot) and is_bar(bar):
            raw = bar[at.CLOSE] if closing else bar[at.OPEN]
            if record.ledger.shape[0] > 0:
                write_leave(a, t, now, raw, timed, bar, terms, state.lane, lot, record)
            leave(now, raw, timed, bar, terms, state.lane, lot)
            note_fills(a, state)


@inlined
def leave_one_inside(a, t, bars, terms, plan, params, state, record):
    """Step 6 for one asset that is held."""
    lot, bar = state.lot[a], bars.price[a, t]
    if plan.bounded:
        if is_touched(FIRST, PAST, bar, lot) and is_bar(bar):
            if record.ledger.shape[0] > 0:
                write_leave_inside(a, t, bars.time[t, at.NOW], bar, params, terms, state.lane, lot, record)
            leave_inside(bar, terms, state.lane, lot)
            note_fills(a, state)
        if plan.trails and bars.managed[a] and is_bar(bar):
            trail(bar, params, lot)


@inlined
def ask(decide, t, first, bars, news, plan, params, state):
    """Step 3: ask the rule about every asset that it is to be asked about; a bit for each group that wants to enter one.

    The news of this bar begin with item `first`.
    """
    wishes = 0
    if plan.nets:
        size(t, plan.closing, bars, state)
        net_exposure(t, bars, state)
    for i in range(count_assets(plan, state)):
        a = asset_of(plan.order[i], state)
        item = state.note[at.ITEM, a]
        everyone = item >= first or plan.asked == at.ALWAYS
        if everyone or plan.asked == at.WHILE_HELD:
            now, known, lot = bars.time[t, at.NOW], bars.price[a, t, at.KNOWN], state.lot[a]
            if state.decayed.shape[0] > 0:
                decay_pressure(a, t, params, state)
            for f in range(state.told.shape[0]):
                look_up(bars.feature[a, t], state.rows[f], state.ends[f], state.told[f])
            k, trait = item if item >= first else np.int32(-1), bars.trait[a]
            speaks = decide(now, known, k, news.fresh, trait, state.decayed, state.told, params, state.lane, lot)
            if speaks or plan.nets:
                wished = weigh(now, known, everyone, bars.managed[a], plan, params, state.lane, lot)
                state.note[at.WISHED, a] = wished
                wishes |= wished
    return wishes


@inlined
def enter_one(a, t, bars, terms, plan, params, state, record):
    """Steps 4 and 5 for one asset, where any lane wants to enter it."""
    wishes = state.note[at.WISHED, a]
    if wishes != 0:
        lot, bar = state.lot[a], bars.price[a, t]
        raw = bar[at.CLOSE] if plan.closing else bar[at.OPEN]
        if record.ledger.shape[0] > 0:
            write_entry(a, t, bars.time[t, at.NOW], raw, bar, terms, state.lane, lot, record)
        enter(wishes, bars.time[t, at.NOW], raw, bars.managed[a], bar, params, terms, state.lane, lot)
        note_fills(a, state)
        state.note[at.WISHED, a] = 0


@inlined
def count_exposure(t, bars, state):
    """Count exposure anew from bar t on, where there were fills."""
    if state.place[at.FILLED] != 0:
        expose(bars.time[t, at.NOW], state.lane)
        state.place[at.FILLED] = 0


@inlined
def pass_over(t, until, bars, state, record):
    """Pass over the bars from t to before `until`, at which nothing happens to any lane of the block."""
    count_exposure(t, bars, state)
    skip(bars.time[until - 1, at.NOW], state.lane)
    if record.path.shape[0] > 0:
        write_path(t, ZERO, state.lane, record)


@inlined
def settle(t, bars, terms, plan, state, record):
    """Steps 7 and 8 for the account: ruin, margin calls, and what the bar adds to the metrics."""
    now = bars.time[t, at.NOW]
    if is_troubled(terms.hair, state.lane):
        if mark_ruined(state.lane):
            for i in range(count_held(state)):
                a = held_asset(i, state)
                if record.ledger.shape[0] > 0:
                    write_ruin(a, t, now, bars.price[a, t], terms, state.lane, state.lot[a], record)
                close_ruined(bars.price[a, t], terms, state.lane, state.lot[a])
                note_fills(a, state)
            bury_ruined(state.lane)
        call(now, terms, state)
    gather(now, state.lane)
    if record.path.shape[0] > 0:
        write_path(t, state.lane[at.HELD_ANY, 0], state.lane, record)


@step
def walk(decide, until, bars, news, terms, plan, params, state, record):
    """Walk a block of lanes on to before bar `until`, in the order of docs/accounting.md.

    `decide` answers for one asset at one bar (kernels.layout.decide_types says to what); the rest is described in kernels.layout.
    """
    n_items, until = np.uint32(news.bar.shape[0]), np.uint32(until)
    t, k = np.uint32(state.place[at.BAR]), np.uint32(state.place[at.NEXT])
    quiet = t  # the first bar after the last that was not passed over
    while t < until:
        if state.place[at.STALE] != 0:
            list_held(plan, state)
        flat = state.place[at.HELD] == 0 and not plan.earns
        if flat and plan.asked != at.ALWAYS:  # flat is free
            upcoming = min(np.uint32(news.bar[k]), until) if k < n_items else until
            if upcoming > t:
                t = upcoming
                continue
        first = k
        while k < n_items and news.bar[k] == t:
            hear(k, t, news, params, state)
            k = np.uint32(k + 1)

        if not flat:
            if state.place[at.SHORT] != 0:
                carry(t, bars, state)
            if plan.earns or is_indebted(state.lane):
                bear_interest(bars.time[t, at.CREDIT], bars.time[t, at.DEBIT], state.lane)
            if bars.time[t, at.PAYS] != ZERO:
                for i in range(count_held(state)):
                    a = held_asset(i, state)
                    pay(bars.price[a, t, at.DIVIDEND], state.lane, state.lot[a])
        if plan.closing:
            if state.place[at.CALLS] != 0:
                leave_held(t, False, bars, terms, plan, state, record)  # forced closes, at the open
            count_exposure(quiet, bars, state)
            for i in range(count_held(state)):
                leave_one_inside(held_asset(i, state), t, bars, terms, plan, params, state, record)

        wishes = 0
        if k > first or plan.asked != at.ON_EVENTS:
            wishes = ask(decide, t, first, bars, news, plan, params, state)
        if flat and wishes == 0:
            t = np.uint32(t + 1)
            continue
        if quiet < t:
            pass_over(quiet, t, bars, state, record)
        quiet = np.uint32(t + 1)
        if wishes != 0:
            size(t, plan.closing, bars, state)
        leave_held(t, plan.closing, bars, terms, plan, state, record)
        if wishes != 0:
            price_account(wishes, t, plan.closing, bars, terms, state)
            for i in range(first, k):
                if news.ranked[i]:
                    enter_one(asset_of(news.asset[i], state), t, bars, terms, plan, params, state, record)
            for i in range(count_assets(plan, state)):
                enter_one(asset_of(i, state), t, bars, terms, plan, params, state, record)
        if state.place[at.STALE] != 0:
            list_held(plan, state)

        if not plan.closing:
            count_exposure(t, bars, state)
            for i in range(count_held(state)):
                leave_one_inside(held_asset(i, state), t, bars, terms, plan, params, state, record)
        if state.place[at.HELD] == 0:
            worth_nothing(state.lane)
        value_held(t, terms.long_need, bars, state)
        settle(t, bars, terms, plan, state, record)
        t = np.uint32(t + 1)
    if quiet < t:
        pass_over(quiet, t, bars, state, record)
    state.place[at.BAR], state.place[at.NEXT] = t, k


@step
def of_block(b, states):
    """Return the state of one block, of many that are kept side by side."""
    lane, lot, pressure, decayed, told, rows, ends, note, place = states
    return State(lane[b], lot[b], pressure[b], decayed[b], told[b], rows[b], ends[b], note[b], place[b])


@kept(_nrt=False)
def walk_blocks(decide, stretch, bars, news, terms, plan, params, blocks, states, lanes, record):
    """Walk every column of `params`: some blocks together, each over a stretch of bars before any goes on to the next (`run`)."""
    n_bars, total = bars.price.shape[1], params.shape[1]
    for low in range(0, total, blocks.shape[0] * WIDTH):
        count = min(blocks.shape[0], (total - low + WIDTH - 1) // WIDTH)
        for b in range(count):
            for j in range(WIDTH):
                lane = min(low + b * WIDTH + j, total - 1)  # the last block is filled up with the last lane
                for i in range(params.shape[0]):
                    blocks[b, i, j] = params[i, lane]
            begin(terms, blocks[b], of_block(b, states))
        until = np.int64(0)
        while until < n_bars:
            until = min(until + stretch, n_bars)
            for b in range(count):
                walk(decide, until, bars, news, terms, plan, blocks[b], of_block(b, states), record)
        for b in range(count):
            finish(bars.time[n_bars - 1, at.NOW] + ONE, states.lane[b])
            first = low + b * WIDTH
            for i in range(at.N_LANE):
                for j in range(min(WIDTH, total - first)):
                    lanes[i, first + j] = states.lane[b, i, j]


def run(decide, features, bars, news, terms, plan, params, lanes, record):
    """Walk every column of `params`, with scratch of its own.

    Where a stretch of features is all that the cache holds, many blocks read it before the next is fetched.

    Parameters
    ----------
    features : how many of the last rows of `params` say where a lane finds a feature
    params : (row, lane) the fixed parameters of kernels.layout, the strategy's own, the rows of its features
    lanes : (N_LANE, lane), filled with what each lane ends with
    """
    n_assets, n_bars = bars.price.shape[:2]
    channels, kind = news.fresh.shape[1], params.dtype
    together, stretch = 1, n_bars
    if bars.feature.nbytes > CACHE:
        size = (at.N_LANE + n_assets * (at.N_LOT + channels)) * WIDTH * kind.itemsize
        together = max(1, min(-(-params.shape[1] // WIDTH), KEPT // size))
        stretch = n_bars if together == 1 else max(1, CACHE * n_bars // bars.feature.nbytes)
    states = State(
        aligned((together, at.N_LANE), kind),
        aligned((together, n_assets, at.N_LOT), kind),
        aligned((together, n_assets, channels), kind),
        aligned((together, channels), kind),
        aligned((together, features), kind),
        aligned((together, features), np.uint32),
        aligned((together, features), np.uint32),
        np.zeros((together, at.N_NOTE, n_assets), np.int32),
        np.zeros((together, at.N_PLACE), np.int32),
    )
    blocks = aligned((together, params.shape[0]), kind)
    walk_blocks(decide, stretch, bars, news, terms, plan, params, blocks, states, lanes, record)


def compile_walk(dtype):
    """Compile the walk in one precision (a numpy dtype), or fetch it from the cache; the first `run` would do it too."""
    kind, whole = from_dtype(np.dtype(dtype)), types.int64
    bars, news, plan = given_types(dtype)
    terms = types.NamedUniTuple(kind, len(Terms._fields), Terms)

    def array(of, dims):
        return types.Array(of, dims, "C")

    rows, notes = array(types.uint32, 3), (array(types.int32, 3), array(types.int32, 2))
    states = types.NamedTuple(
        (array(kind, 3), array(kind, 4), array(kind, 4), array(kind, 3), array(kind, 3), rows, rows, *notes), State
    )
    record = types.NamedTuple((array(types.float64, 2), array(whole, 1), array(types.float64, 2)), Record)
    params, decide = array(kind, 2), types.FunctionType(decide_types(dtype))
    walk_blocks.compile((decide, whole, bars, news, terms, plan, params, array(kind, 3), states, params, record))


def aligned(shape, kind):
    """Return zeros (*shape, WIDTH) that begin where a line of the cache does: a vector that lies across two is read twice."""
    kind = np.dtype(kind)
    count = math.prod(shape) * WIDTH
    spare = np.zeros(count + LINE // kind.itemsize, kind)
    low = -spare.ctypes.data % LINE // kind.itemsize
    return spare[low : low + count].reshape((*shape, WIDTH))


@kept()
def gather_path(cash, n_bars, bars, equity, held):
    """Return the sums (N_LANE,) of a path of equity that is already walked, of `n_bars` bars.

    The equity is that of `bars`, and stays until the next of them; `held` is 1 at bars with a position.
    """
    lane = np.zeros((at.N_LANE, WIDTH))
    open_accounts(cash, lane)
    for i in range(bars.shape[0]):
        until = bars[i + 1] if i + 1 < bars.shape[0] else n_bars
        ruined = lane[at.RUINED, 0] != ZERO
        lane[at.RUINED, 0] = ONE if ruined or equity[i] <= ZERO else ZERO
        if ruined:  # later returns are 0, whatever is still paid back
            lane[at.INVERSE, 0] = ZERO
        lane[at.CASH, 0], lane[at.COUNT, 0] = equity[i], held[i]
        expose(float(bars[i]), lane)
        gather_lane(0, float(bars[i]), lane)
        if until > bars[i] + 1:
            skip(float(until - 1), lane)
    finish(float(n_bars), lane)
    return lane[:, 0].copy()
