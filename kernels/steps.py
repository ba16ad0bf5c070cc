"""The steps of one bar, for a block of lanes: what docs/accounting.md numbers 1 to 8.

Every function works on the state that it is handed and loops over lanes innermost, so that the compiler puts lanes side by
side in a vector. A CPU task hands in a block of many lanes, a GPU thread a block of one. No lane's arithmetic depends on
which others share its block.
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
    buy_or_sell_price,
    change,
    commission,
    entry_need,
    entry_size,
    interest,
    judge,
    maintenance_need,
    profit,
    stop_inside,
)

step = njit(error_model="numpy", nogil=True)


@step
def begin(terms, state):
    """Open the accounts of a block: initial cash, no positions, nothing heard."""
    lane, lot, pressure = state.lane, state.lot, state.pressure
    for j in range(lane.shape[1]):
        for i in range(lane.shape[0]):
            lane[i, j] = ZERO
        lane[at.CASH, j], lane[at.EQUITY, j], lane[at.PEAK, j] = terms.cash, terms.cash, terms.cash
        lane[at.WORST, j] = FAR
    for a in range(lot.shape[0]):
        for i in range(lot.shape[1]):
            for j in range(lane.shape[1]):
                lot[a, i, j] = ZERO
        for c in range(pressure.shape[1]):
            for j in range(lane.shape[1]):
                pressure[a, c, j] = ZERO
        state.note[at.SINCE, a], state.note[at.ACTIVE, a], state.note[at.ITEM, a] = 0, 0, -1


@step
def carry(t, bars, state):
    """Steps 1 and 2: borrow fees and interest on what was held into the bar, the sizing equity, dividends."""
    lane, lot = state.lane, state.lot
    width = lane.shape[1]
    for j in range(width):
        lane[at.SIZING, j] = lane[at.EQUITY, j]
    if t == 0:
        return
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            last, due = bars.price[a, t - 1, at.LAST], bars.price[a, t, at.FEE_DUE]
            for j in range(width):
                fee = borrow_fee(lot[a, at.SHARES, j], last, due)
                lot[a, at.BORROWED, j] += fee
                lane[at.CASH, j] -= fee
                lane[at.SIZING, j] -= fee
                lane[at.BORROW, j] += fee
    credit, debit = bars.time[t, at.CREDIT], bars.time[t, at.DEBIT]
    for j in range(width):
        earned, owed = interest(lane[at.CASH, j] - lane[at.SHORTS, j], credit, debit)
        ruined = lane[at.RUINED, j] != ZERO
        earned = ZERO if ruined else earned
        owed = ZERO if ruined else owed
        lane[at.CASH, j] += earned - owed
        lane[at.SIZING, j] += earned - owed
        lane[at.EARNED, j] += earned
        lane[at.OWED, j] += owed
    for a in range(lot.shape[0]):
        dividend = bars.price[a, t, at.DIVIDEND]
        if state.note[at.ACTIVE, a] != 0 and dividend != ZERO:
            for j in range(width):
                paid = lot[a, at.SHARES, j] * dividend
                lot[a, at.PAID, j] += paid
                lane[at.CASH, j] += paid


@step
def decay_pressure(a, t, params, state):
    """Fill `state.decayed` with the pressure on asset a at bar t: as it stood at the asset's last news, times decay ** age.

    Always from the last news on, and by squaring: which other lanes share the block, and which bars were skipped, then
    cannot change a bit of it.
    """
    pressure, decayed, width = state.pressure, state.decayed, params.shape[1]
    for c in range(pressure.shape[1]):
        for j in range(width):
            decayed[c, j] = pressure[a, c, j]
    for j in range(width):
        state.lane[at.FACTOR, j] = params[at.DECAY, j]
    age = t - state.note[at.SINCE, a]
    while age > 0:
        if age & 1:
            for c in range(pressure.shape[1]):
                for j in range(width):
                    decayed[c, j] *= state.lane[at.FACTOR, j]
        for j in range(width):
            state.lane[at.FACTOR, j] *= state.lane[at.FACTOR, j]
        age >>= 1


@step
def hear(k, t, news, params, state):
    """Add item k of the news to the pressure on its asset."""
    a = news.asset[k]
    decay_pressure(a, t, params, state)
    for c in range(state.pressure.shape[1]):
        fresh = news.fresh[k, c]
        for j in range(params.shape[1]):
            state.pressure[a, c, j] = state.decayed[c, j] + fresh
    state.note[at.SINCE, a] = t


@step
def size_at_close(t, bars, state):
    """With fill="close": SIZING is the equity at this bar's closes, before its fills."""
    lane, lot = state.lane, state.lot
    for j in range(lane.shape[1]):
        lane[at.SIZING, j] = lane[at.CASH, j]
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            price = bars.price[a, t, at.LAST]
            for j in range(lane.shape[1]):
                lane[at.SIZING, j] += lot[a, at.SHARES, j] * price


@step
def net_exposure(t, bars, state):
    """Fill NET: the signed weights of what the lanes hold, at the last closes known, as shares of the sizing equity."""
    lane, lot = state.lane, state.lot
    for j in range(lane.shape[1]):
        lane[at.NET, j] = ZERO
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            known = bars.price[a, t, at.KNOWN]
            for j in range(lane.shape[1]):
                lane[at.NET, j] += lot[a, at.SHARES, j] * known / lane[at.SIZING, j]


@step
def weigh(a, t, everyone, bars, plan, state):
    """Step 3, when the rule's answers stand in WISH: what they mean for the positions as they stand.

    Leaves in WISH the weights to enter with, and says whether any lane wants to enter. Unless `everyone` was asked, only
    the lanes that hold the asset were. An answer that is not a number counts as none, and is counted: the run is refused
    afterwards.
    """
    lane, lot = state.lane, state.lot
    now = bars.time[t, at.NOW]
    known = bars.price[a, t, at.KNOWN]
    wishes = 0
    for j in range(lane.shape[1]):
        answer, shares = lot[a, at.WISH, j], lot[a, at.SHARES, j]
        sound = answer == answer  # noqa: PLR0124 - not a number
        asked = (everyone or shares != ZERO) and lane[at.RUINED, j] == ZERO
        lane[at.FAULTS, j] += ONE if asked and not sound else ZERO
        answer = answer if asked and sound else KEEP
        leaving, clock, wish = judge(
            shares, answer, lot[a, at.LEAVING, j], lot[a, at.CLOCK, j], now, plan.reverses, plan.refresh
        )
        left = shares * known / lane[at.SIZING, j] if leaving != ZERO else ZERO
        lane[at.NET, j] += wish - left
        lot[a, at.LEAVING, j] = leaving
        lot[a, at.CLOCK, j] = clock
        lot[a, at.WISH, j] = wish
        wishes += wish != ZERO
    return wishes > 0


@step
def is_bar(a, t, bars):
    """Whether the asset traded: a bar with a price missing is no bar."""
    return bars.price[a, t, at.OPEN] == bars.price[a, t, at.OPEN]


@step
def close_out(a, t, bars, terms, params, state, record):
    """Fill the exits that stand in REASON at the prices in PRICE (before slippage; a target has none)."""
    lane, lot = state.lane, state.lot
    now, split = bars.time[t, at.NOW], bars.price[a, t, at.SPLIT]
    for j in range(lane.shape[1]):
        reason, raw, shares = lane[at.REASON, j], lane[at.PRICE, j], lot[a, at.SHARES, j]
        out = reason != ZERO
        slippage = ZERO if reason == at.TAKE_HIT else terms.slippage
        price = buy_or_sell_price(-shares, raw, slippage)
        quantity = abs(shares)
        fee = commission(quantity, price, split, terms)
        slip = quantity * abs(price - raw)
        gain = profit(shares, lot[a, at.ENTRY, j], price, lot[a, at.FEE, j] + fee)
        net = gain - lot[a, at.BORROWED, j] + lot[a, at.PAID, j]
        if record.ledger.shape[0] > 0 and out:
            decided = lane[at.CALLED, j] - ONE if reason == at.MARGIN_CALL else now
            decided = lot[a, at.LEAVING, j] - ONE if reason == at.SIGNAL else decided
            decided = lot[a, at.CLOCK, j] + params[at.HOLD, j] if reason == at.TIME else decided
            row = write(t, decided, a, reason, -shares, price, fee, slip, record)
            if row >= 0:
                record.ledger[row, at.L_PROFIT] = gain
                record.ledger[row, at.L_BORROWED] = lot[a, at.BORROWED, j]
                record.ledger[row, at.L_PAID] = lot[a, at.PAID, j]
        notional = quantity * lot[a, at.ENTRY, j]
        lane[at.CASH, j] += shares * price - fee if out else ZERO
        lane[at.TRADED, j] += quantity * price if out else ZERO
        lane[at.COSTS, j] += fee + slip if out else ZERO
        lane[at.CLOSED, j] += ONE if out else ZERO
        lane[at.WINS, j] += ONE if out and net > ZERO else ZERO
        lane[at.WON, j] += max(net, ZERO) if out else ZERO
        lane[at.LOST, j] += max(-net, ZERO) if out else ZERO
        lane[at.RETURNS, j] += net / notional if out else ZERO
        lot[a, at.SHARES, j] = ZERO if out else shares
        lot[a, at.LEAVING, j] = ZERO if out else lot[a, at.LEAVING, j]


@step
def write(t, decided, a, reason, shares, price, fee, slip, record):
    """Write one line of the ledger; its row, or -1 beyond the capacity (the caller then runs again with more)."""
    row = record.count[0]
    record.count[0] = row + 1
    if row >= record.ledger.shape[0]:
        return -1
    line = record.ledger[row]
    line[at.L_BAR], line[at.L_DECIDED], line[at.L_ASSET], line[at.L_REASON] = t, decided, a, reason
    line[at.L_SHARES], line[at.L_PRICE], line[at.L_FEE], line[at.L_SLIP] = shares, price, fee, slip
    line[at.L_PROFIT], line[at.L_BORROWED], line[at.L_PAID] = 0.0, 0.0, 0.0
    return row


@step
def leave(a, t, raw, timed, bars, terms, params, state, record):
    """Step 4, exits at the price `raw`: forced closes; decided exits and, where `timed`, time exits that are due."""
    lane, lot = state.lane, state.lot
    now, managed = bars.time[t, at.NOW], bars.managed[a]
    exits = 0
    for j in range(lane.shape[1]):
        due = timed and managed and now - lot[a, at.CLOCK, j] >= params[at.HOLD, j]
        decided = timed and lot[a, at.LEAVING, j] != ZERO
        reason = at.TIME if due else at.NONE
        reason = at.SIGNAL if decided else reason
        reason = at.MARGIN_CALL if lane[at.CALLED, j] != ZERO else reason
        reason = reason if lot[a, at.SHARES, j] != ZERO else at.NONE
        lane[at.REASON, j] = reason
        lane[at.PRICE, j] = raw
        exits += reason != at.NONE
    if exits > 0:
        close_out(a, t, bars, terms, params, state, record)


@step
def leave_inside(a, t, bars, terms, params, state, record):
    """Step 6: stops, trailing stops and targets inside the bar; then the bar's own extremes count for the next."""
    lane, lot = state.lane, state.lot
    open_, high, low = bars.price[a, t, at.OPEN], bars.price[a, t, at.HIGH], bars.price[a, t, at.LOW]
    managed = bars.managed[a]
    exits = 0
    for j in range(lane.shape[1]):
        shares = lot[a, at.SHARES, j]
        stopped, trailed, taken, price = stop_inside(
            shares, lot[a, at.ENTRY, j], lot[a, at.BEST, j], open_, high, low,
            params[at.STOP, j], params[at.TRAIL, j], params[at.TAKE, j],
        )  # fmt: skip
        reason = at.TAKE_HIT if taken else at.NONE
        reason = at.TRAIL_HIT if trailed else reason
        reason = at.STOP_HIT if stopped else reason
        reason = reason if managed and shares != ZERO else at.NONE
        lane[at.REASON, j] = reason
        lane[at.PRICE, j] = price
        lot[a, at.BEST, j] = best_price(shares, lot[a, at.BEST, j], high, low)
        exits += reason != at.NONE
    if exits > 0:
        close_out(a, t, bars, terms, params, state, record)


@step
def price_account(t, closing, bars, terms, state):
    """Before the entries: WORTH, the equity with everything at this bar's prices, and NEED, what that requires (step 5)."""
    lane, lot = state.lane, state.lot
    for j in range(lane.shape[1]):
        lane[at.WORTH, j] = lane[at.CASH, j]
        lane[at.NEED, j] = ZERO
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            price = bars.price[a, t, at.CLOSE] if closing else bars.price[a, t, at.OPEN]
            if not is_bar(a, t, bars):
                price = bars.price[a, t, at.LAST]
            split = bars.price[a, t, at.SPLIT]
            for j in range(lane.shape[1]):
                shares = lot[a, at.SHARES, j]
                lane[at.WORTH, j] += shares * price if shares != ZERO else ZERO
                lane[at.NEED, j] += abs(shares) * entry_need(shares, price, split, terms) if shares != ZERO else ZERO


@step
def enter(a, t, closing, bars, terms, state, record):
    """Steps 4 and 5, entries: size what WISH asks for, cut it to the margin and to whole lots, and fill or refuse it."""
    lane, lot = state.lane, state.lot
    now, split = bars.time[t, at.NOW], bars.price[a, t, at.SPLIT]
    raw = bars.price[a, t, at.CLOSE] if closing else bars.price[a, t, at.OPEN]
    trades = is_bar(a, t, bars)
    entries = 0
    for j in range(lane.shape[1]):
        weight = lot[a, at.WISH, j]
        lot[a, at.WISH, j] = ZERO
        wants = weight != ZERO and lane[at.RUINED, j] == ZERO
        called = lane[at.CALLED, j] != ZERO
        shares, cut, fits = entry_size(
            weight, lane[at.SIZING, j], raw, split, lane[at.WORTH, j], lane[at.NEED, j], terms
        )
        goes = wants and trades and fits and not called
        shares = shares if weight > ZERO else -shares
        price = buy_or_sell_price(weight, raw, terms.slippage)
        quantity = abs(shares)
        fee = commission(quantity, price, split, terms)
        slip = quantity * abs(price - raw)
        if record.ledger.shape[0] > 0 and wants:
            reason = at.CLIPPED if cut else at.ENTERED
            if not goes:
                reason = at.REFUSED_MARGIN if cut else at.REFUSED_SMALL
                reason = reason if trades else at.REFUSED_NO_PRICE
                reason = at.REFUSED_CALL if called else reason
            part = ONE if goes else ZERO
            write(t, now, a, reason, part * shares, part * price, part * fee, part * slip, record)
        lot[a, at.SHARES, j] = shares if goes else lot[a, at.SHARES, j]
        lot[a, at.ENTRY, j] = price if goes else lot[a, at.ENTRY, j]
        lot[a, at.BEST, j] = price if goes else lot[a, at.BEST, j]
        lot[a, at.OPENED, j] = now if goes else lot[a, at.OPENED, j]
        lot[a, at.CLOCK, j] = now if goes else lot[a, at.CLOCK, j]
        lot[a, at.FEE, j] = fee if goes else lot[a, at.FEE, j]
        lot[a, at.BORROWED, j] = ZERO if goes else lot[a, at.BORROWED, j]
        lot[a, at.PAID, j] = ZERO if goes else lot[a, at.PAID, j]
        lane[at.CASH, j] -= shares * price + fee if goes else ZERO
        lane[at.TRADED, j] += quantity * price if goes else ZERO
        lane[at.COSTS, j] += fee + slip if goes else ZERO
        lane[at.WORTH, j] -= slip + fee if goes else ZERO
        lane[at.NEED, j] += quantity * entry_need(weight, raw, split, terms) if goes else ZERO
        entries += goes
    if entries > 0:
        state.note[at.ACTIVE, a] = 1


@step
def note_holding(a, state):
    """Mark the lanes that hold the asset as step 6 begins; exposure counts these bars."""
    lane = state.lane
    for j in range(lane.shape[1]):
        lane[at.HOLDING, j] = ONE if state.lot[a, at.SHARES, j] != ZERO else lane[at.HOLDING, j]


@step
def mark(t, bars, terms, state):
    """Step 7 for the assets: VALUE, NEED and SHORTS at the last known closes; says whether any lane holds anything."""
    lane, lot = state.lane, state.lot
    for j in range(lane.shape[1]):
        lane[at.VALUE, j] = ZERO
        lane[at.NEED, j] = ZERO
        lane[at.SHORTS, j] = ZERO
    any_held = False
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            price, split = bars.price[a, t, at.LAST], bars.price[a, t, at.SPLIT]
            long_need = maintenance_need(ONE, price, split, terms)
            short_need = maintenance_need(-ONE, price, split, terms)
            holders = 0
            for j in range(lane.shape[1]):
                shares = lot[a, at.SHARES, j]
                lane[at.VALUE, j] += shares * price
                lane[at.SHORTS, j] += max(-shares, ZERO) * price
                lane[at.NEED, j] += shares * long_need if shares > ZERO else -shares * short_need
                holders += shares != ZERO
            state.note[at.ACTIVE, a] = holders > 0
            any_held = any_held or holders > 0
    return any_held


@step
def settle(t, bars, terms, params, state, record):
    """Steps 7 and 8 for the account: equity, ruin, the margin call, and what the bar adds to the metrics."""
    lane = state.lane
    ruins = 0
    for j in range(lane.shape[1]):
        ruined = lane[at.RUINED, j] == ZERO and lane[at.CASH, j] + lane[at.VALUE, j] <= ZERO
        lane[at.REASON, j] = at.RUIN_CLOSE if ruined else at.NONE
        ruins += ruined
    if ruins > 0:
        ruin(t, bars, terms, params, state, record)
    now = bars.time[t, at.NOW]
    for j in range(lane.shape[1]):
        before, equity = lane[at.EQUITY, j], lane[at.CASH, j] + lane[at.VALUE, j]
        need = lane[at.NEED, j]
        short = need > ZERO and equity < need * (ONE - terms.hair)
        pending = lane[at.CALLED, j] if need > ZERO else ZERO  # met once everything is closed
        lane[at.CALLED, j] = now + ONE if short and pending == ZERO else pending
        if record.path.shape[1] > 0:
            record.path[at.P_HELD, t] = lane[at.HOLDING, j]
        gather(j, before, equity, change(before, equity), lane)
    if record.path.shape[1] > 0:
        record.path[at.P_EQUITY, t] = lane[at.EQUITY, 0]
        record.path[at.P_CASH, t] = lane[at.CASH, 0]
        record.path[at.P_LONG, t] = lane[at.VALUE, 0] + lane[at.SHORTS, 0]
        record.path[at.P_SHORT, t] = lane[at.SHORTS, 0]


@step
def gather(j, before, equity, r, lane):
    """Add one bar and its return r to the sums from which the metrics are made.

    A run of bars with the same equity is counted in STILL and added as one product, so that a lane that was skipped over
    them and a lane that walked them have the same sum to the last bit.
    """
    peak = max(lane[at.PEAK, j], equity)
    below = lane[at.BELOW, j] + ONE if equity < peak else ZERO
    moved = equity != before
    lane[at.EQUITY, j] = equity
    lane[at.EQUITY_SUM, j] += lane[at.STILL, j] * before if moved else ZERO
    lane[at.STILL, j] = ONE if moved else lane[at.STILL, j] + ONE
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
    lane, lot = state.lane, state.lot
    for j in range(lane.shape[1]):
        lane[at.FACTOR, j] = lane[at.REASON, j]
    for a in range(lot.shape[0]):
        if state.note[at.ACTIVE, a] != 0:
            for j in range(lane.shape[1]):
                held = lot[a, at.SHARES, j] != ZERO
                lane[at.REASON, j] = lane[at.FACTOR, j] if held else ZERO
                lane[at.PRICE, j] = bars.price[a, t, at.LAST]
            close_out(a, t, bars, terms, params, state, record)
    for j in range(lane.shape[1]):
        if lane[at.FACTOR, j] != ZERO:
            lane[at.RUINED, j] = ONE
            lane[at.VALUE, j], lane[at.NEED, j], lane[at.SHORTS, j] = ZERO, ZERO, ZERO


@step
def skip(t, until, bars, state, record):
    """Pass over the bars from t to before `until`, in which no lane of the block holds anything or has cash that earns."""
    lane = state.lane
    skipped = bars.time[until - 1, at.NOW] - bars.time[t, at.NOW] + ONE
    for j in range(lane.shape[1]):
        below = lane[at.EQUITY, j] < lane[at.PEAK, j]
        lane[at.STILL, j] += skipped
        lane[at.WORST, j] = min(lane[at.WORST, j], ZERO)
        lane[at.BELOW, j] = lane[at.BELOW, j] + skipped if below else ZERO
        lane[at.LONGEST, j] = max(lane[at.LONGEST, j], lane[at.BELOW, j])
    for u in range(t, min(until, record.path.shape[1])):
        record.path[at.P_EQUITY, u] = lane[at.EQUITY, 0]
        record.path[at.P_CASH, u] = lane[at.CASH, 0]
        record.path[at.P_LONG, u] = ZERO
        record.path[at.P_SHORT, u] = ZERO
        record.path[at.P_HELD, u] = ZERO


@step
def finish(state):
    """After the last bar: count the positions that stay open, and complete the sum of the equity."""
    lane, lot = state.lane, state.lot
    for j in range(lane.shape[1]):
        lane[at.EQUITY_SUM, j] += lane[at.STILL, j] * lane[at.EQUITY, j]
    for a in range(lot.shape[0]):
        for j in range(lane.shape[1]):
            lane[at.OPENS, j] += ONE if lot[a, at.SHARES, j] != ZERO else ZERO


@step
def gather_path(equity, held, lane):
    """Gather the sums of a path of equity, (bar,), that is already walked, into the first column of `lane`."""
    for t in range(equity.shape[0]):
        before = lane[at.EQUITY, 0]
        lane[at.HOLDING, 0] = held[t]
        gather(0, before, equity[t], change(before, equity[t]) if lane[at.RUINED, 0] == ZERO else ZERO, lane)
        lane[at.RUINED, 0] = ONE if equity[t] <= ZERO else lane[at.RUINED, 0]
    lane[at.EQUITY_SUM, 0] += lane[at.STILL, 0] * lane[at.EQUITY, 0]
