"""The steps of one bar, for a block of lanes: what docs/accounting.md numbers 1 to 8.

Every function works on the state that it is handed and loops over lanes innermost: it loads, calls a scalar rule, and stores,
without a branch between lanes, so that the compiler puts lanes side by side in a vector. A CPU task hands in a block of
`WIDTH` lanes, a GPU thread a block of one. No lane's arithmetic depends on which others share its block.
"""

from numba import njit

from kernels import layout as at
from kernels.rules import (
    FAR,
    KEEP,
    ONE,
    ZERO,
    best_price,
    borrow_fee,
    change,
    entry_need,
    entry_size,
    exit_at_open,
    exit_inside,
    interest,
    judge,
    maintenance_need,
    purchase,
    refusal,
    sale,
)

#: Lanes in a block; a GPU's build of this file has 1.
WIDTH = 64

step = njit(error_model="numpy", nogil=True)
inlined = njit(error_model="numpy", forceinline=True)


@inlined
def of_width(table):
    """Return a table (..., lane) whose width the compiler then knows: it sees that rows do not overlap, and can vectorise."""
    if table.shape[table.ndim - 1] != WIDTH:
        raise ValueError("a block of lanes has another width")
    return table


@inlined
def is_bar(a, t, bars):
    """Whether the asset traded: a bar with a price missing is no bar."""
    return bars.price[a, t, at.OPEN] == bars.price[a, t, at.OPEN]


@step
def begin(terms, state):
    """Open the accounts of a block: initial cash, no positions, nothing heard."""
    lane, lot, pressure = of_width(state.lane), of_width(state.lot), of_width(state.pressure)
    for i in range(at.N_LANE):
        for j in range(WIDTH):
            lane[i, j] = ZERO
    for j in range(WIDTH):
        lane[at.CASH, j], lane[at.EQUITY, j], lane[at.PEAK, j] = terms.cash, terms.cash, terms.cash
        lane[at.WORST, j] = FAR
    for a in range(lot.shape[0]):
        for i in range(at.N_LOT):
            for j in range(WIDTH):
                lot[a, i, j] = ZERO
        for c in range(pressure.shape[1]):
            for j in range(WIDTH):
                pressure[a, c, j] = ZERO
        state.note[at.SINCE, a], state.note[at.ACTIVE, a], state.note[at.ITEM, a] = 0, 0, -1


@step
def carry(t, bars, state):
    """Steps 1 and 2: borrow fees and interest on what was held into the bar, the sizing equity, dividends."""
    lane, lot, active = of_width(state.lane), of_width(state.lot), state.note[at.ACTIVE]
    for j in range(WIDTH):
        lane[at.SIZING, j] = lane[at.EQUITY, j]
    if t == 0:
        return
    for a in range(lot.shape[0]):
        if active[a] != 0:
            last, due = bars.price[a, t - 1, at.LAST], bars.price[a, t, at.FEE_DUE]
            for j in range(WIDTH):
                fee = borrow_fee(lot[a, at.SHARES, j], last, due)
                lot[a, at.BORROWED, j] += fee
                lane[at.CASH, j] -= fee
                lane[at.SIZING, j] -= fee
                lane[at.BORROW, j] += fee
    credit, debit = bars.time[t, at.CREDIT], bars.time[t, at.DEBIT]
    for j in range(WIDTH):
        earned, owed = interest(lane[at.CASH, j] - lane[at.SHORTS, j], credit, debit)
        counts = ONE if lane[at.RUINED, j] == ZERO else ZERO
        lane[at.CASH, j] += counts * (earned - owed)
        lane[at.SIZING, j] += counts * (earned - owed)
        lane[at.EARNED, j] += counts * earned
        lane[at.OWED, j] += counts * owed
    for a in range(lot.shape[0]):
        dividend = bars.price[a, t, at.DIVIDEND]
        if active[a] != 0 and dividend != ZERO:
            for j in range(WIDTH):
                paid = lot[a, at.SHARES, j] * dividend
                lot[a, at.PAID, j] += paid
                lane[at.CASH, j] += paid


@step
def decay_pressure(a, t, params, state):
    """Fill `state.decayed` with the pressure on asset a at bar t: as it stood at the asset's last news, times decay ** age.

    Always from the last news on, and by squaring: which other lanes share the block, and which bars were skipped, then
    cannot change a bit of it.
    """
    lane, params = of_width(state.lane), of_width(params)
    pressure, decayed = of_width(state.pressure), of_width(state.decayed)
    for c in range(pressure.shape[1]):
        for j in range(WIDTH):
            decayed[c, j] = pressure[a, c, j]
    for j in range(WIDTH):
        lane[at.FACTOR, j] = params[at.DECAY, j]
    age = t - state.note[at.SINCE, a]
    while age > 0:
        if age & 1:
            for c in range(pressure.shape[1]):
                for j in range(WIDTH):
                    decayed[c, j] *= lane[at.FACTOR, j]
        for j in range(WIDTH):
            lane[at.FACTOR, j] *= lane[at.FACTOR, j]
        age >>= 1


@step
def hear(k, t, news, params, state):
    """Add item k of the news to the pressure on its asset."""
    pressure, decayed = of_width(state.pressure), of_width(state.decayed)
    a = news.asset[k]
    decay_pressure(a, t, params, state)
    for c in range(pressure.shape[1]):
        fresh = news.fresh[k, c]
        for j in range(WIDTH):
            pressure[a, c, j] = decayed[c, j] + fresh
    state.note[at.SINCE, a] = t
    state.note[at.ITEM, a] = k


@step
def size_at_close(t, bars, state):
    """With fill="close": SIZING is the equity at this bar's closes, before its fills."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        lane[at.SIZING, j] = lane[at.CASH, j]
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            price = bars.price[a, t, at.LAST]
            for j in range(WIDTH):
                lane[at.SIZING, j] += lot[a, at.SHARES, j] * price


@step
def net_exposure(t, bars, state):
    """Fill NET: the signed weights of what the lanes hold, at the last closes known, as shares of the sizing equity."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        lane[at.NET, j] = ZERO
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            known = bars.price[a, t, at.KNOWN]
            for j in range(WIDTH):
                lane[at.NET, j] += lot[a, at.SHARES, j] * known / lane[at.SIZING, j]


@step
def weigh(a, t, everyone, bars, plan, state):
    """Step 3, when the rule's answers stand in WISH: what they mean for the positions as they stand.

    Leaves in WISH the weights to enter with, and says whether any lane wants to enter. Unless `everyone` was asked, only
    the lanes that hold the asset were. An answer that is not a number counts as none, and is counted: the run is refused
    afterwards.
    """
    lane, lot = of_width(state.lane), of_width(state.lot)
    now, known = bars.time[t, at.NOW], bars.price[a, t, at.KNOWN]
    wishes = False
    for j in range(WIDTH):
        answer, shares = lot[a, at.WISH, j], lot[a, at.SHARES, j]
        leaving, clock = lot[a, at.LEAVING, j], lot[a, at.CLOCK, j]
        asked = (everyone | (shares != ZERO)) & (lane[at.RUINED, j] == ZERO)
        sound = (abs(answer) < KEEP) | (answer == KEEP)  # neither NaN nor endless
        heard = answer if asked & sound else KEEP
        leaving, clock, wish = judge(shares, heard, leaving, clock, now, plan.reverses, plan.refresh)
        left = shares * known / lane[at.SIZING, j] if leaving != ZERO else ZERO
        lane[at.FAULTS, j] += ONE if asked & (not sound) else ZERO
        lane[at.NET, j] += wish - left
        lot[a, at.LEAVING, j] = leaving
        lot[a, at.CLOCK, j] = clock
        lot[a, at.WISH, j] = wish
        wishes = wishes | (wish != ZERO)
    return wishes


@step
def close_out(a, t, bars, terms, params, state, record):
    """Fill the exits that stand in REASON at the prices in PRICE (before slippage; a target has none)."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    split = bars.price[a, t, at.SPLIT]
    if record.ledger.shape[0] > 0 and lane[at.REASON, 0] != at.NONE:
        write_exit(a, t, bars, terms, params, state, record)
    for j in range(WIDTH):
        reason = lane[at.REASON, j]
        if reason == at.NONE:  # exits are rare: passing over the other lanes beats a vector of all
            continue
        shares, entry = lot[a, at.SHARES, j], lot[a, at.ENTRY, j]
        slippage = ZERO if reason == at.TAKE_HIT else terms.slippage
        price, fee, slip, gain = sale(shares, entry, lot[a, at.FEE, j], lane[at.PRICE, j], slippage, split, terms)
        net = gain - lot[a, at.BORROWED, j] + lot[a, at.PAID, j]
        lane[at.CASH, j] += shares * price - fee
        lane[at.TRADED, j] += abs(shares) * price
        lane[at.COSTS, j] += fee + slip
        lane[at.CLOSED, j] += ONE
        lane[at.WINS, j] += ONE if net > ZERO else ZERO
        lane[at.WON, j] += max(net, ZERO)
        lane[at.LOST, j] += max(-net, ZERO)
        lane[at.RETURNS, j] += net / (abs(shares) * entry)
        lot[a, at.SHARES, j] = ZERO
        lot[a, at.LEAVING, j] = ZERO


@step
def write_exit(a, t, bars, terms, params, state, record):
    """Write the first lane's exit into the ledger, before it is filled."""
    lane, lot, split = state.lane, state.lot[a], bars.price[a, t, at.SPLIT]
    reason, shares = lane[at.REASON, 0], lot[at.SHARES, 0]
    slippage = ZERO if reason == at.TAKE_HIT else terms.slippage
    price, fee, slip, gain = sale(shares, lot[at.ENTRY, 0], lot[at.FEE, 0], lane[at.PRICE, 0], slippage, split, terms)
    decided = bars.time[t, at.NOW]
    decided = lane[at.CALLED, 0] - ONE if reason == at.MARGIN_CALL else decided
    decided = lot[at.LEAVING, 0] - ONE if reason == at.SIGNAL else decided
    decided = lot[at.CLOCK, 0] + params[at.HOLD, 0] if reason == at.TIME else decided
    write(t, decided, a, reason, -shares, price, fee, slip, gain, lot[at.BORROWED, 0], lot[at.PAID, 0], record)


@step
def write(t, decided, a, reason, shares, price, fee, slip, gain, borrowed, paid, record):
    """Write one line of the ledger, unless it is full: then only count it, and the caller runs again with a larger one."""
    row = record.count[0]
    record.count[0] = row + 1
    if row < record.ledger.shape[0]:
        line = record.ledger[row]
        line[at.L_BAR], line[at.L_DECIDED], line[at.L_ASSET], line[at.L_REASON] = t, decided, a, reason
        line[at.L_SHARES], line[at.L_PRICE], line[at.L_FEE], line[at.L_SLIP] = shares, price, fee, slip
        line[at.L_PROFIT], line[at.L_BORROWED], line[at.L_PAID] = gain, borrowed, paid


@step
def leave(a, t, raw, timed, bars, terms, params, state, record):
    """Step 4, exits at the price `raw`: forced closes; decided exits and, where `timed`, time exits that are due."""
    lane, lot, params = of_width(state.lane), of_width(state.lot), of_width(params)
    now, timely = bars.time[t, at.NOW], timed & bars.managed[a]
    exits = False
    for j in range(WIDTH):
        hold = params[at.HOLD, j] if timely else FAR
        reason = exit_at_open(
            lot[a, at.SHARES, j], lane[at.CALLED, j], lot[a, at.LEAVING, j], lot[a, at.CLOCK, j], hold, now, timed
        )
        lane[at.REASON, j] = reason
        lane[at.PRICE, j] = raw
        exits = exits | (reason != at.NONE)
    if exits:
        close_out(a, t, bars, terms, params, state, record)


@step
def leave_inside(a, t, bars, terms, params, state, record):
    """Step 6: stops, trailing stops and targets inside the bar; then the bar's own extremes count for the next."""
    lane, lot, params = of_width(state.lane), of_width(state.lot), of_width(params)
    open_, high, low = bars.price[a, t, at.OPEN], bars.price[a, t, at.HIGH], bars.price[a, t, at.LOW]
    managed = bars.managed[a]
    exits = False
    for j in range(WIDTH):
        shares, entry, best = lot[a, at.SHARES, j], lot[a, at.ENTRY, j], lot[a, at.BEST, j]
        stop, trail, take = params[at.STOP, j], params[at.TRAIL, j], params[at.TAKE, j]
        reason, price = exit_inside(shares, entry, best, open_, high, low, stop, trail, take)
        reason = reason if managed else at.NONE
        lane[at.REASON, j] = reason
        lane[at.PRICE, j] = price
        lane[at.HOLDING, j] = ONE if shares != ZERO else lane[at.HOLDING, j]
        lot[a, at.BEST, j] = best_price(shares, best, high, low)
        exits = exits | (reason != at.NONE)
    if exits:
        close_out(a, t, bars, terms, params, state, record)


@step
def price_account(t, closing, bars, terms, state):
    """Before the entries: WORTH, the equity with everything at this bar's prices, and NEED, what that requires (step 5)."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        lane[at.WORTH, j] = lane[at.CASH, j]
        lane[at.NEED, j] = ZERO
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            price = bars.price[a, t, at.CLOSE] if closing else bars.price[a, t, at.OPEN]
            price = price if is_bar(a, t, bars) else bars.price[a, t, at.LAST]
            split = bars.price[a, t, at.SPLIT]
            long, short = entry_need(ONE, price, split, terms), entry_need(-ONE, price, split, terms)
            for j in range(WIDTH):
                shares = lot[a, at.SHARES, j]
                lane[at.WORTH, j] += shares * price
                lane[at.NEED, j] += shares * long if shares > ZERO else -shares * short


@step
def enter(a, t, closing, bars, terms, state, record):
    """Steps 4 and 5, entries: size what WISH asks for, cut it to the margin and to whole lots, and fill or refuse it."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    now, split, trades = bars.time[t, at.NOW], bars.price[a, t, at.SPLIT], is_bar(a, t, bars)
    raw = bars.price[a, t, at.CLOSE] if closing else bars.price[a, t, at.OPEN]
    if record.ledger.shape[0] > 0 and lot[a, at.WISH, 0] != ZERO:
        write_entry(a, t, raw, trades, bars, terms, state, record)
    entries = False
    for j in range(WIDTH):
        weight = lot[a, at.WISH, j]
        if weight == ZERO:
            continue
        lot[a, at.WISH, j] = ZERO
        quantity, _, fits = entry_size(
            weight, lane[at.SIZING, j], raw, split, lane[at.WORTH, j], lane[at.NEED, j], terms
        )
        if not (trades & fits & (lane[at.CALLED, j] == ZERO)):
            continue
        shares, price, fee, slip = purchase(weight, quantity, raw, split, terms)
        lot[a, at.SHARES, j], lot[a, at.ENTRY, j], lot[a, at.BEST, j] = shares, price, price
        lot[a, at.OPENED, j], lot[a, at.CLOCK, j], lot[a, at.FEE, j] = now, now, fee
        lot[a, at.BORROWED, j], lot[a, at.PAID, j] = ZERO, ZERO
        lane[at.CASH, j] -= shares * price + fee
        lane[at.TRADED, j] += quantity * price
        lane[at.COSTS, j] += fee + slip
        lane[at.WORTH, j] -= slip + fee
        lane[at.NEED, j] += quantity * entry_need(weight, raw, split, terms)
        entries = True
    if entries:
        state.note[at.ACTIVE, a] = 1


@step
def write_entry(a, t, raw, trades, bars, terms, state, record):
    """Write the first lane's entry, filled or refused, into the ledger."""
    lane, weight, split = state.lane, state.lot[a, at.WISH, 0], bars.price[a, t, at.SPLIT]
    called, now = lane[at.CALLED, 0], bars.time[t, at.NOW]
    quantity, cut, fits = entry_size(weight, lane[at.SIZING, 0], raw, split, lane[at.WORTH, 0], lane[at.NEED, 0], terms)
    shares, price, fee, slip = purchase(weight, quantity, raw, split, terms)
    goes = trades & fits & (called == ZERO)
    reason = (at.CLIPPED if cut else at.ENTERED) if goes else refusal(called, trades, cut)
    write(t, now, a, reason, shares, price, fee, slip, lane[at.HOLDING, 0] * ZERO, fee * ZERO, fee * ZERO, record)


@step
def note_holding(a, state):
    """Mark the lanes that hold the asset as step 6 begins; exposure counts these bars."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        lane[at.HOLDING, j] = ONE if lot[a, at.SHARES, j] != ZERO else lane[at.HOLDING, j]


@step
def mark(t, bars, terms, state):
    """Step 7 for the assets: VALUE, NEED and SHORTS at the last known closes; says whether any lane holds anything."""
    lane, lot, active = of_width(state.lane), of_width(state.lot), state.note[at.ACTIVE]
    for j in range(WIDTH):
        lane[at.VALUE, j], lane[at.NEED, j], lane[at.SHORTS, j] = ZERO, ZERO, ZERO
    any_held = False
    for a in range(lot.shape[0]):
        if active[a] != 0:
            price, split = bars.price[a, t, at.LAST], bars.price[a, t, at.SPLIT]
            long, short = maintenance_need(ONE, price, split, terms), maintenance_need(-ONE, price, split, terms)
            held = False
            for j in range(WIDTH):
                shares = lot[a, at.SHARES, j]
                lane[at.VALUE, j] += shares * price
                lane[at.SHORTS, j] += max(-shares, ZERO) * price
                lane[at.NEED, j] += shares * long if shares > ZERO else -shares * short
                held = held | (shares != ZERO)
            active[a] = held
            any_held = any_held | held
    return any_held


@step
def settle(t, bars, terms, params, state, record):
    """Steps 7 and 8 for the account: equity, ruin, the margin call, and what the bar adds to the metrics."""
    lane = of_width(state.lane)
    ruins = False
    for j in range(WIDTH):
        ruined = (lane[at.RUINED, j] == ZERO) & (lane[at.CASH, j] + lane[at.VALUE, j] <= ZERO)
        lane[at.REASON, j] = at.RUIN_CLOSE if ruined else at.NONE
        ruins = ruins | ruined
    if ruins:
        ruin(t, bars, terms, params, state, record)
    now = bars.time[t, at.NOW]
    if record.path.shape[1] > 0:
        record.path[at.P_HELD, t] = lane[at.HOLDING, 0]
    for j in range(WIDTH):
        before, equity = lane[at.EQUITY, j], lane[at.CASH, j] + lane[at.VALUE, j]
        need = lane[at.NEED, j]
        short = (need > ZERO) & (equity < need * (ONE - terms.hair))
        pending = lane[at.CALLED, j] if need > ZERO else ZERO  # met once everything is closed
        lane[at.CALLED, j] = now + ONE if short & (pending == ZERO) else pending
        gather(j, before, equity, change(before, equity), lane)
    if record.path.shape[1] > 0:
        record.path[at.P_EQUITY, t] = lane[at.EQUITY, 0]
        record.path[at.P_CASH, t] = lane[at.CASH, 0]
        record.path[at.P_LONG, t] = lane[at.VALUE, 0] + lane[at.SHORTS, 0]
        record.path[at.P_SHORT, t] = lane[at.SHORTS, 0]


@inlined
def gather(j, before, equity, r, lane):
    """Add one bar and its return r to the sums from which the metrics are made.

    A run of bars with the same equity is counted in STILL and added as one product, so that a lane that was skipped over
    them and a lane that walked them have the same sum to the last bit.
    """
    peak = max(lane[at.PEAK, j], equity)
    below = lane[at.BELOW, j] + ONE if equity < peak else ZERO
    still, moved = lane[at.STILL, j], equity != before
    lane[at.EQUITY, j] = equity
    lane[at.EQUITY_SUM, j] += still * before if moved else ZERO
    lane[at.STILL, j] = ONE if moved else still + ONE
    lane[at.PEAK, j] = peak
    lane[at.DRAWDOWN, j] = max(lane[at.DRAWDOWN, j], ONE - equity / peak)
    lane[at.BELOW, j] = below
    lane[at.LONGEST, j] = max(lane[at.LONGEST, j], below)
    lane[at.SUM1, j] += r
    lane[at.SUM2, j] += r * r
    lane[at.SUM3, j] += r * r * r
    lane[at.SUM4, j] += r * r * (r * r)
    lane[at.DOWNSIDE, j] += min(r, ZERO) * min(r, ZERO)
    lane[at.WORST, j] = min(lane[at.WORST, j], r)
    lane[at.EXPOSED, j] += lane[at.HOLDING, j]
    lane[at.HOLDING, j] = ZERO


@step
def ruin(t, bars, terms, params, state, record):
    """Close everything of the lanes marked in REASON at this close, with costs; their accounts stay as they then are."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        lane[at.FACTOR, j] = lane[at.REASON, j]
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            for j in range(WIDTH):
                lane[at.REASON, j] = lane[at.FACTOR, j] if lot[a, at.SHARES, j] != ZERO else at.NONE
                lane[at.PRICE, j] = bars.price[a, t, at.LAST]
            close_out(a, t, bars, terms, params, state, record)
    for j in range(WIDTH):
        if lane[at.FACTOR, j] != ZERO:
            lane[at.RUINED, j] = ONE
            lane[at.VALUE, j], lane[at.NEED, j], lane[at.SHORTS, j] = ZERO, ZERO, ZERO


@step
def skip(t, until, bars, state, record):
    """Pass over the bars from t to before `until`, in which no lane of the block holds anything or has cash that earns."""
    lane = of_width(state.lane)
    skipped = bars.time[until - 1, at.NOW] - bars.time[t, at.NOW] + ONE
    for j in range(WIDTH):
        below = lane[at.BELOW, j] + skipped if lane[at.EQUITY, j] < lane[at.PEAK, j] else ZERO
        lane[at.STILL, j] += skipped
        lane[at.WORST, j] = min(lane[at.WORST, j], ZERO)
        lane[at.BELOW, j] = below
        lane[at.LONGEST, j] = max(lane[at.LONGEST, j], below)
    for u in range(t, min(until, record.path.shape[1])):
        record.path[at.P_EQUITY, u], record.path[at.P_CASH, u] = lane[at.EQUITY, 0], lane[at.CASH, 0]
        record.path[at.P_LONG, u], record.path[at.P_SHORT, u], record.path[at.P_HELD, u] = ZERO, ZERO, ZERO


@step
def finish(state):
    """After the last bar: count the positions that stay open, and complete the sum of the equity."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        lane[at.EQUITY_SUM, j] += lane[at.STILL, j] * lane[at.EQUITY, j]
    for a in range(lot.shape[0]):
        for j in range(WIDTH):
            lane[at.OPENS, j] += ONE if lot[a, at.SHARES, j] != ZERO else ZERO
