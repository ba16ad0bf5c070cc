"""The steps of one bar, for a block of lanes: what docs/accounting.md numbers 1 to 8.

Every function loops over lanes innermost: it loads, calls a scalar rule, and stores, without a branch between lanes, so that
the compiler puts lanes side by side in a vector. What few lanes of a block need is done to a group of
them, from lane `start` to before lane `stop` (`group_of`). A CPU task hands in a block of `WIDTH` lanes; a GPU's block is a warp,
of which each thread hands in its own lane, and what one lane sees counts for all (`anyone`).
What happens to every lane at every bar is put into the walk where it stands (`inlined`); what few bars see is called. No lane's
arithmetic depends on which others share its block.
"""

import numpy as np

from kernels import layout as at
from kernels.block import anyone, together
from kernels.jit import inner
from kernels.rules import (
    FAR,
    KEEP,
    ONE,
    ZERO,
    borrow_fee,
    bounds,
    buy_or_sell_price,
    choose,
    entry_need,
    entry_size,
    exit_inside,
    falls_short,
    interest,
    is_worth_it,
    judge,
    leaves_at_fill,
    profit,
    purchase,
    quoted_shares,
    sale,
    trailed,
    whole_lots,
    worth_and_need,
)

#: Lanes in a block; of those that a thread of a GPU walks, and in a single backtest, 1.
WIDTH = 128
#: Lanes that a fill takes together, as few of a block have one at the same bar: a vector of float32.
GROUP = min(16, WIDTH)
#: Where a block begins, and where it is past; of the type of a group's bounds (`group_of`).
FIRST, PAST = np.uint64(0), np.uint64(WIDTH)
#: How far below its peak, as a share of it, an equity counts as having reached it: rounding is no drawdown.
NEAR = np.float32(1e-12)
#: Runs of neighbouring rows in a block, beyond which a feature is looked up lane by lane.
MOST_RUNS = 24

step = inner()
inlined = inner(forceinline=True)


@inlined
def of_width(table):
    """Return a table (..., lane) whose width the compiler then knows: it sees that rows do not overlap, and can vectorise."""
    if table.shape[table.ndim - 1] != WIDTH:
        raise ValueError("a block of lanes has another width")
    return table


@inlined
def is_bar(bar):
    """Whether the asset traded: a bar with a price missing is no bar."""
    return bar[at.OPEN] == bar[at.OPEN]


@inlined
def asset_of(a, state):
    """Return the place of asset a; where there is but one, the compiler then knows it."""
    return np.uint32(a) if state.lot.shape[0] > 1 else np.uint32(0)


@inlined
def count_assets(plan, state):
    """Count the assets of the market. Where there is one, the compiler knows it; it would write out the loops over more."""
    return np.uint64(plan.order.shape[0]) if state.lot.shape[0] > 1 else np.uint64(1)


@inlined
def count_held(state):
    """Count the assets that any lane holds; unsigned, so that the compiler need not think of fewer than none."""
    held = np.uint32(state.place[at.HELD])
    return np.uint64(held) if state.lot.shape[0] > 1 else np.uint64(min(held, np.uint32(1)))


@inlined
def held_asset(i, state):
    """Return the place of the i-th of the assets that any lane holds."""
    return asset_of(state.note[at.HOLDS, i], state)


@inlined
def group_of(lane):
    """Return where the group that begins at a lane starts and stops; unsigned, so that no place can be one from the end."""
    return np.uint64(lane), np.uint64(min(lane + GROUP, WIDTH))


@inlined
def is_among(groups, first):
    """Whether the group that begins at lane `first` is among some groups, a bit for each."""
    return groups >> first // GROUP & 1 != 0


@step
def open_accounts(cash, lane):
    """Open the accounts of a block: initial cash, and nothing gathered yet."""
    lane = of_width(lane)
    for i in range(at.N_LANE):
        for j in range(WIDTH):
            lane[i, j] = ZERO
    for j in range(WIDTH):
        lane[at.CASH, j], lane[at.EQUITY, j], lane[at.PEAK, j] = cash, cash, cash
        lane[at.INVERSE, j], lane[at.PEAK_INVERSE, j] = ONE / cash, ONE / cash
        lane[at.PEAK_AT, j], lane[at.WORST, j] = -ONE, FAR


@step
def begin(terms, params, state):
    """Begin a walk: accounts with the initial cash, no positions, nothing heard."""
    n_features = state.rows.shape[0]
    for f in range(n_features):
        for j in range(WIDTH):
            state.rows[f, j] = np.uint32(params[params.shape[0] - n_features + f, j])
        find_runs(state.rows[f], state.ends[f])
    lot, pressure = of_width(state.lot), of_width(state.pressure)
    open_accounts(terms.cash, state.lane)
    for a in range(lot.shape[0]):
        for i in range(at.N_LOT):
            for j in range(WIDTH):
                lot[a, i, j] = ZERO
        for j in range(WIDTH):
            lot[a, at.UPPER, j], lot[a, at.LOWER, j], lot[a, at.DUE, j] = FAR, -FAR, FAR
        for c in range(pressure.shape[1]):
            for j in range(WIDTH):
                pressure[a, c, j] = ZERO
        state.note[at.SINCE, a], state.note[at.ITEM, a], state.note[at.WISHED, a], state.note[at.OWNED, a] = 0, -1, 0, 0
    for i in range(at.N_PLACE):
        state.place[i] = 0


@step
def find_runs(rows, ends):
    """Find runs of lanes that find the same row of the bank, or one row after the other; 0 in the first place if there are many."""
    count, start = 0, 0
    while start < WIDTH:
        end = start + 1
        apart = rows[end] - rows[start] if end < WIDTH else np.uint32(0)
        while end < WIDTH and apart <= 1 and rows[end] - rows[end - 1] == apart:
            end += 1
        ends[start] = end
        start, count = end, count + 1
    if count > MOST_RUNS:
        ends[0] = 0


# Steps 1 and 2: what is carried into the bar.


@step
def carry(t, bars, state):
    """Borrow fees on what was short into the bar."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        fee = lane[at.FEES, j]
        lane[at.CASH, j] -= fee
        lane[at.BORROW, j] += fee
    for i in range(count_held(state)):
        a = held_asset(i, state)
        charge = bars.price[a, np.uint32(t - 1), at.CHARGE]
        if charge != ZERO:
            for j in range(WIDTH):
                lot[a, at.SUNK, j] += borrow_fee(lot[a, at.SHARES, j], charge)


@step
def is_indebted(lane):
    """Whether any lane owes interest: its cash is less than its short proceeds."""
    lane = of_width(lane)
    indebted = np.int32(0)
    for j in range(WIDTH):
        indebted = np.int32(indebted | np.int32(lane[at.CASH, j] < lane[at.SHORTS, j]))
    return anyone(indebted != 0)


@step
def bear_interest(credit, debit, lane):
    """Interest on the cash that is free of short proceeds, earned or owed."""
    lane = of_width(lane)
    for j in range(WIDTH):
        earned, owed = interest(lane[at.CASH, j] - lane[at.SHORTS, j], credit, debit)
        counts = choose(lane[at.RUINED, j] == ZERO, ONE, ZERO)
        lane[at.CASH, j] += counts * (earned - owed)
        lane[at.EARNED, j] += counts * earned
        lane[at.OWED, j] += counts * owed


@step
def pay(dividend, lane, lot):
    """Pay a dividend on the shares that are held; a short pays it."""
    lane, lot = of_width(lane), of_width(lot)
    for j in range(WIDTH):
        paid = lot[at.SHARES, j] * dividend
        lane[at.CASH, j] += paid
        lot[at.SUNK, j] -= paid


# Step 3: what the rule is told, and what its answers mean.


@step
def look_up(bank, rows, ends, told):
    """Fill `told` with what each lane finds in its row of the bank."""
    rows, ends, told = of_width(rows), of_width(ends), of_width(told)
    by_runs = WIDTH > 1 and ends[0] > 0
    start = 0 if by_runs else WIDTH
    while start < WIDTH:
        end, row = int(ends[start]), int(rows[start])
        if end > start + 1 and rows[start + 1] == row:
            same = bank[row]
            for j in range(start, end):
                told[j] = same
        else:
            for i in range(end - start):
                told[start + i] = bank[row + i]
        start = end
    if not by_runs:
        for j in range(WIDTH):
            told[j] = bank[rows[j]]


@step
def decay_pressure(a, t, params, state):
    """Fill `state.decayed` with the pressure on asset a at bar t: as it stood at the asset's last news, times decay ** age.

    Always from the last news on, and by squaring: which other lanes share the block, and which bars were skipped, then
    cannot change a bit of it.
    """
    decay(t - state.note[at.SINCE, a], params[at.DECAY], state.lane[at.QUANTITY], state.pressure[a], state.decayed)


@step
def decay(age, rate, power, pressure, decayed):
    """Fill `decayed` with pressure * rate ** age; `power` is scratch."""
    rate, power, pressure, decayed = of_width(rate), of_width(power), of_width(pressure), of_width(decayed)
    for j in range(WIDTH):
        power[j] = rate[j]
    for c in range(pressure.shape[0]):
        for j in range(WIDTH):
            decayed[c, j] = pressure[c, j]
    while age > 0:
        if age & 1:
            for c in range(pressure.shape[0]):
                times(power, decayed[c])
        square(power)
        age >>= 1


@step
def times(factor, row):
    """Multiply a row by another."""
    factor, row = of_width(factor), of_width(row)
    for j in range(WIDTH):
        row[j] *= factor[j]


@step
def square(row):
    """Multiply a row by itself; `times` would take the two for rows that overlap, and go lane by lane."""
    row = of_width(row)
    for j in range(WIDTH):
        row[j] *= row[j]


@step
def hear(k, t, news, params, state):
    """Add item k of the news to the pressure on its asset."""
    a = asset_of(news.asset[k], state)
    decay_pressure(a, t, params, state)
    for c in range(state.decayed.shape[0]):
        add_news(news.fresh[k, c], state.decayed[c], state.pressure[a, c])
    together()
    state.note[at.SINCE, a] = t
    state.note[at.ITEM, a] = k


@step
def add_news(fresh, decayed, pressure):
    """Set a row of pressure to what is left of it and what is new."""
    decayed, pressure = of_width(decayed), of_width(pressure)
    for j in range(WIDTH):
        pressure[j] = decayed[j] + fresh


@step
def size(t, closing, bars, state):
    """Fill SIZING, the equity that sizes entries: at the last closes, before this bar's dividends; where `closing`, at its own."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        lane[at.SIZING, j] = lane[at.CASH, j] + (ZERO if closing else lane[at.VALUE, j])
    if closing or bars.time[t, at.PAYS] != ZERO:
        for i in range(count_held(state)):
            a = held_asset(i, state)
            counts = bars.price[a, t, at.LAST] if closing else -bars.price[a, t, at.DIVIDEND]
            for j in range(WIDTH):
                lane[at.SIZING, j] += lot[a, at.SHARES, j] * counts


@step
def net_exposure(t, bars, state):
    """Fill NET: the signed weights of what the lanes hold, at the last closes known, as shares of the sizing equity."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(WIDTH):
        lane[at.NET, j] = ZERO
    for i in range(count_held(state)):
        a = held_asset(i, state)
        known = bars.price[a, t, at.KNOWN]
        for j in range(WIDTH):
            lane[at.NET, j] += lot[a, at.SHARES, j] * known / lane[at.SIZING, j]


@step
def net_answers(start, stop, known, lane, lot):
    """Count into NET what the answers about one asset mean: what enters and, until then, what leaves."""
    lane, lot = of_width(lane), of_width(lot)
    for j in range(start, stop):
        left = choose(lot[at.DUE, j] < ZERO, lot[at.SHARES, j] * known / lane[at.SIZING, j], ZERO)
        lane[at.NET, j] += lot[at.WISH, j] - left


@step
def says(start, stop, lot):
    """Whether a rule answered anything to a group of lanes."""
    lot = of_width(lot)
    speaks = np.int32(0)
    for j in range(start, stop):
        speaks = np.int32(speaks | np.int32(lot[at.WISH, j] != KEEP))
    return anyone(speaks != 0)


@step
def weigh_group(start, stop, now, everyone, managed, plan, params, lane, lot):
    """What the answers that stand in WISH mean for the positions of a group in one asset as they stand.

    Leaves in WISH the weights to enter with, and says whether any lane of the group wants to enter. Unless `everyone` was
    asked, only the lanes that hold the asset were. An answer that is not a number counts as none, and is counted: the run
    is refused afterwards.
    """
    params, lane, lot = of_width(params), of_width(lane), of_width(lot)
    wishes = np.int32(0)
    for j in range(start, stop):
        answer, shares = lot[at.WISH, j], lot[at.SHARES, j]
        hold = params[at.HOLD, j] if managed else FAR
        asked = (everyone | (shares != ZERO)) & (lane[at.RUINED, j] == ZERO)
        sound = (abs(answer) < KEEP) | (answer == KEEP)  # neither NaN nor endless
        heard = choose(asked & sound, answer, KEEP)
        due, wish = judge(shares, heard, lot[at.DUE, j], hold, now, plan.reverses, plan.refresh)
        lane[at.FAULTS, j] += choose(asked & (not sound), ONE, ZERO)
        lot[at.DUE, j] = due
        lot[at.WISH, j] = wish
        wishes = np.int32(wishes | np.int32(wish != ZERO))
    return anyone(wishes != 0)


@step
def weigh(now, known, everyone, managed, plan, params, lane, lot):
    """Weigh the answers for one asset; a bit for each group in which any lane wants to enter."""
    wishes = 0
    for first in range(0, WIDTH, GROUP):
        start, stop = group_of(first)
        if plan.nets or WIDTH == GROUP or says(start, stop, lot):
            wants = weigh_group(start, stop, now, everyone, managed, plan, params, lane, lot)
            wishes |= wants << first // GROUP
            if plan.nets:
                net_answers(start, stop, known, lane, lot)
    return wishes


# Steps 4 to 6: fills.


@inlined
def close_lane(j, leaves, raw, slippage, bar, terms, lane, lot):
    """Fill lane j's exit at the price `raw` before slippage, where it leaves."""
    shares, entry = lot[at.SHARES, j], lot[at.ENTRY, j]
    fee_share = quoted_shares(terms.fee_share, bar[at.SPLIT])
    price, fee, slip = sale(shares, raw, slippage, fee_share, terms)
    net = profit(shares, entry, price, fee + lot[at.SUNK, j])
    notional = abs(shares) * price
    lane[at.CASH, j] += choose(leaves, shares * price - fee, ZERO)
    lane[at.TRADED, j] += choose(leaves, notional, ZERO)
    lane[at.COSTS, j] += choose(leaves, fee + slip, ZERO)
    lane[at.CLOSED, j] += choose(leaves, ONE, ZERO)
    lane[at.WINS, j] += choose(leaves & (net > ZERO), ONE, ZERO)
    lane[at.WON, j] += choose(leaves, max(net, ZERO), ZERO)
    lane[at.LOST, j] += choose(leaves, max(-net, ZERO), ZERO)
    lane[at.RETURNS, j] += choose(leaves, net / (abs(shares) * entry), ZERO)
    lane[at.COUNT, j] -= choose(leaves, ONE, ZERO)
    lot[at.SHARES, j] = choose(leaves, ZERO, shares)
    lot[at.UPPER, j] = choose(leaves, FAR, lot[at.UPPER, j])
    lot[at.LOWER, j] = choose(leaves, -FAR, lot[at.LOWER, j])
    lot[at.DUE, j] = choose(leaves, FAR, lot[at.DUE, j])


@step
def is_due(start, stop, now, lot):
    """Whether any of some lanes may leave the asset at the price orders fill at."""
    lot = of_width(lot)
    due = np.int32(0)
    for j in range(start, stop):
        due = np.int32(due | np.int32(lot[at.DUE, j] <= now))
    return anyone(due != 0)


@step
def leave_group(start, stop, now, raw, timed, bar, terms, lane, lot):
    """Step 4, exits of a group from one asset at the price `raw`.

    Forced closes; decided exits and, where `timed`, time exits that are due.
    """
    lane, lot = of_width(lane), of_width(lot)
    for j in range(start, stop):
        leaves = leaves_at_fill(lot[at.SHARES, j], lane[at.CALLED, j], lot[at.DUE, j], now, timed)
        close_lane(j, leaves, raw, terms.slippage, bar, terms, lane, lot)


@step
def leave(now, raw, timed, bar, terms, lane, lot):
    """Step 4, exits from one asset at the price `raw`, of the groups that have any."""
    for first in range(0, WIDTH, GROUP):
        start, stop = group_of(first)
        if is_due(start, stop, now, lot):
            leave_group(start, stop, now, raw, timed, bar, terms, lane, lot)


@step
def is_touched(start, stop, bar, lot):
    """Whether the bar reaches a stop or a target of any of some lanes in the asset."""
    lot = of_width(lot)
    high, low = bar[at.HIGH], bar[at.LOW]
    touched = np.int32(0)
    for j in range(start, stop):
        touched = np.int32(touched | np.int32((high >= lot[at.UPPER, j]) | (low <= lot[at.LOWER, j])))
    return anyone(touched != 0)


@step
def leave_group_inside(start, stop, bar, terms, lane, lot):
    """Step 6: stops, trailing stops and targets of a group in one asset inside the bar."""
    lane, lot = of_width(lane), of_width(lot)
    open_, high, low = bar[at.OPEN], bar[at.HIGH], bar[at.LOW]
    for j in range(start, stop):
        hit, reached, raw = exit_inside(lot[at.SHARES, j], lot[at.UPPER, j], lot[at.LOWER, j], open_, high, low)
        close_lane(j, hit | reached, raw, choose(hit, terms.slippage, ZERO), bar, terms, lane, lot)


@step
def leave_inside(bar, terms, lane, lot):
    """Step 6, exits from one asset inside the bar, of the groups that have any."""
    for first in range(0, WIDTH, GROUP):
        start, stop = group_of(first)
        if is_touched(start, stop, bar, lot):
            leave_group_inside(start, stop, bar, terms, lane, lot)


@step
def trail(bar, params, lot):
    """After the bar, its extremes count for the trailing stops of one asset."""
    params, lot = of_width(params), of_width(lot)
    high, low = bar[at.HIGH], bar[at.LOW]
    for j in range(WIDTH):
        shares, upper, lower = lot[at.SHARES, j], lot[at.UPPER, j], lot[at.LOWER, j]
        lot[at.UPPER, j], lot[at.LOWER, j] = trailed(shares, upper, lower, params[at.TRAIL, j], high, low)


@step
def price_group(start, stop, t, closing, bars, terms, state):
    """Before the entries of a group: WORTH, the equity with everything at this bar's prices, and NEED, what that requires (step 5)."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    for j in range(start, stop):
        lane[at.WORTH, j] = lane[at.CASH, j]
        lane[at.NEED, j] = ZERO
    for i in range(count_held(state)):
        a = held_asset(i, state)
        bar = bars.price[a, t]
        price = bar[at.CLOSE] if closing else bar[at.OPEN]
        price = price if is_bar(bar) else bar[at.LAST]
        long = entry_need(ONE, price, bar[at.SPLIT], terms)
        short = entry_need(-ONE, price, bar[at.SPLIT], terms)
        for j in range(start, stop):
            shares = lot[a, at.SHARES, j]
            lane[at.WORTH, j] += shares * price
            lane[at.NEED, j] += choose(shares > ZERO, shares * long, -shares * short)


@step
def price_account(wishes, t, closing, bars, terms, state):
    """Price the accounts of the groups that want to enter anything."""
    for first in range(0, WIDTH, GROUP):
        if is_among(wishes, first):
            start, stop = group_of(first)
            price_group(start, stop, t, closing, bars, terms, state)


@step
def enter_group(start, stop, now, raw, managed, bar, params, terms, lane, lot):
    """Steps 4 and 5, entries of a group into one asset: what WISH asks for, cut to the margin and to whole lots, filled or refused."""
    params, lane, lot = of_width(params), of_width(lane), of_width(lot)
    split, trades = bar[at.SPLIT], is_bar(bar)
    fee_share = quoted_shares(terms.fee_share, split)
    bought, sold = buy_or_sell_price(ONE, raw, terms.slippage), buy_or_sell_price(-ONE, raw, terms.slippage)
    long, short = entry_need(ONE, bought, split, terms), entry_need(-ONE, sold, split, terms)
    for j in range(start, stop):
        weight = lot[at.WISH, j]
        need = long if weight > ZERO else short
        lane[at.QUANTITY, j], _ = entry_size(
            weight, lane[at.SIZING, j], raw, fee_share, need, lane[at.WORTH, j], lane[at.NEED, j], terms
        )
    if terms.lot > ZERO:
        for j in range(start, stop):
            lane[at.QUANTITY, j] = whole_lots(lane[at.QUANTITY, j], split, terms)
    long, short = entry_need(ONE, raw, split, terms), entry_need(-ONE, raw, split, terms)  # for the entries that follow
    for j in range(start, stop):
        weight, quantity = lot[at.WISH, j], lane[at.QUANTITY, j]
        need = long if weight > ZERO else short
        shares, price, fee, slip = purchase(weight, quantity, raw, fee_share, terms)
        fits = is_worth_it(quantity, price, lane[at.SIZING, j], terms)
        enters = (weight != ZERO) & trades & fits & (lane[at.CALLED, j] == ZERO)
        loss, trailing = (params[at.STOP, j], params[at.TRAIL, j]) if managed else (FAR, FAR)
        gain, hold = (params[at.TAKE, j], params[at.HOLD, j]) if managed else (FAR, FAR)
        upper, lower = bounds(shares, price, loss, trailing, gain)
        lot[at.SHARES, j] = choose(enters, shares, lot[at.SHARES, j])
        lot[at.ENTRY, j] = choose(enters, price, lot[at.ENTRY, j])
        lot[at.OPENED, j] = choose(enters, now, lot[at.OPENED, j])
        lot[at.UPPER, j] = choose(enters, upper, lot[at.UPPER, j])
        lot[at.LOWER, j] = choose(enters, lower, lot[at.LOWER, j])
        lot[at.DUE, j] = choose(enters, now + hold, lot[at.DUE, j])
        lot[at.SUNK, j] = choose(enters, fee, lot[at.SUNK, j])
        lane[at.CASH, j] -= choose(enters, shares * price + fee, ZERO)
        lane[at.TRADED, j] += choose(enters, quantity * price, ZERO)
        lane[at.COSTS, j] += choose(enters, fee + slip, ZERO)
        lane[at.WORTH, j] -= choose(enters, slip + fee, ZERO)
        lane[at.NEED, j] += choose(enters, quantity * need, ZERO)
        lane[at.COUNT, j] += choose(enters, ONE, ZERO)


@step
def enter(wishes, now, raw, managed, bar, params, terms, lane, lot):
    """Steps 4 and 5, entries into one asset, of the groups that want to."""
    for first in range(0, WIDTH, GROUP):
        if is_among(wishes, first):
            start, stop = group_of(first)
            enter_group(start, stop, now, raw, managed, bar, params, terms, lane, lot)


@step
def is_held(lot):
    """Whether any lane holds the asset."""
    lot = of_width(lot)
    held = np.int32(0)
    for j in range(WIDTH):
        held = np.int32(held | np.int32(lot[at.SHARES, j] != ZERO))
    return anyone(held != 0)


@inlined
def note_fills(a, state):
    """Note that lanes may have entered or left an asset."""
    before, owned = state.note[at.OWNED, a], 1 if is_held(state.lot[a]) else 0
    if owned != before:
        state.note[at.OWNED, a], state.place[at.STALE] = owned, 1
    state.place[at.FILLED] = 1


@step
def list_held(plan, state):
    """List the assets that any lane holds, in ascending order."""
    n = 0
    for i in range(count_assets(plan, state)):
        a = asset_of(i, state)
        if state.note[at.OWNED, a] != 0:
            state.note[at.HOLDS, n] = a
            n += 1
    state.place[at.HELD], state.place[at.STALE] = n, 0


# Steps 7 and 8: the account at the close.


@step
def worth_nothing(lane):
    """The account's worth where no lane holds anything."""
    lane = of_width(lane)
    for j in range(WIDTH):
        lane[at.VALUE, j], lane[at.NEED, j], lane[at.SHORTS, j], lane[at.FEES, j] = ZERO, ZERO, ZERO, ZERO


@inlined
def value_held(t, long_need, bars, state):
    """Step 7: what the account's positions are worth and require at their last known closes, and the borrow fee they will cost.

    In a block, two assets go together where there are two, so that the sums are fetched half as often. Notes whether any lane is short.
    """
    shorts = np.int32(0)
    pairs = count_held(state) // np.uint64(2) if WIDTH > 1 else np.uint64(0)
    for i in range(pairs):
        a, b = held_asset(np.uint64(2) * i, state), held_asset(np.uint64(2) * i + np.uint64(1), state)
        one, other = bars.price[a, t], bars.price[b, t]
        shorts |= value_two(i == 0, long_need, one, other, state.lane, state.lot[a], state.lot[b])
    for i in range(np.uint64(2) * pairs, count_held(state)):
        a = held_asset(i, state)
        shorts |= value(i == 0, long_need, bars.price[a, t], state.lane, state.lot[a])
    state.place[at.SHORT] = anyone(shorts != 0)


@step
def value(first, long_need, bar, lane, lot):
    """Add one asset to the account's sums, which the `first` begins; whether any lane is short of it."""
    lane, lot = of_width(lane), of_width(lot)
    price, short, charge = bar[at.LAST], bar[at.SHORT_NEED], bar[at.CHARGE]
    long, shorts = long_need * price, np.int32(0)
    if first:
        for j in range(WIDTH):
            worth, need, sold, fee = worth_and_need(lot[at.SHARES, j], price, long, short, charge)
            shorts = np.int32(shorts | np.int32(sold > ZERO))
            lane[at.VALUE, j], lane[at.NEED, j], lane[at.SHORTS, j], lane[at.FEES, j] = worth, need, sold, fee
    else:
        for j in range(WIDTH):
            worth, need, sold, fee = worth_and_need(lot[at.SHARES, j], price, long, short, charge)
            shorts = np.int32(shorts | np.int32(sold > ZERO))
            lane[at.VALUE, j] += worth
            lane[at.NEED, j] += need
            lane[at.SHORTS, j] += sold
            lane[at.FEES, j] += fee
    return shorts


@step
def value_two(first, long_need, bar, bar2, lane, lot, lot2):
    """The same for two assets, one after the other."""
    lane, lot, lot2 = of_width(lane), of_width(lot), of_width(lot2)
    price, short, charge = bar[at.LAST], bar[at.SHORT_NEED], bar[at.CHARGE]
    price2, short2, charge2 = bar2[at.LAST], bar2[at.SHORT_NEED], bar2[at.CHARGE]
    long, long2, shorts = long_need * price, long_need * price2, np.int32(0)
    for j in range(WIDTH):
        worth, need, sold, fee = worth_and_need(lot[at.SHARES, j], price, long, short, charge)
        worth2, need2, sold2, fee2 = worth_and_need(lot2[at.SHARES, j], price2, long2, short2, charge2)
        shorts = np.int32(shorts | np.int32(sold > ZERO) | np.int32(sold2 > ZERO))
        lane[at.VALUE, j] = choose(first, ZERO, lane[at.VALUE, j]) + worth + worth2
        lane[at.NEED, j] = choose(first, ZERO, lane[at.NEED, j]) + need + need2
        lane[at.SHORTS, j] = choose(first, ZERO, lane[at.SHORTS, j]) + sold + sold2
        lane[at.FEES, j] = choose(first, ZERO, lane[at.FEES, j]) + fee + fee2
    return shorts


@step
def is_troubled(hair, lane):
    """Whether any lane is ruined at this close, falls short of its maintenance requirement, or has an unmet call."""
    lane = of_width(lane)
    troubled = np.int32(0)
    for j in range(WIDTH):
        equity, need = lane[at.CASH, j] + lane[at.VALUE, j], lane[at.NEED, j]
        ruined = (equity <= ZERO) & (lane[at.RUINED, j] == ZERO)
        short = falls_short(equity, need, hair)
        troubled = np.int32(troubled | np.int32(ruined | short | (lane[at.CALLED, j] != ZERO)))
    return anyone(troubled != 0)


@step
def call(now, terms, state):
    """Step 8: margin calls, which make every position of the lane due; one is met once everything is closed."""
    lane, lot = of_width(state.lane), of_width(state.lot)
    calls = np.int32(0)
    for j in range(WIDTH):
        equity, need = lane[at.CASH, j] + lane[at.VALUE, j], lane[at.NEED, j]
        short = falls_short(equity, need, terms.hair)
        pending = lane[at.CALLED, j] if need > ZERO else ZERO
        called = now + ONE if short & (pending == ZERO) else pending
        lane[at.CALLED, j] = called
        calls = np.int32(calls | np.int32(called != ZERO))
    for i in range(count_held(state)):
        a = held_asset(i, state)
        for j in range(WIDTH):
            called = (lane[at.CALLED, j] != ZERO) & (lot[a, at.SHARES, j] != ZERO)
            lot[a, at.DUE, j] = min(lot[a, at.DUE, j], ZERO) if called else lot[a, at.DUE, j]
    state.place[at.CALLS] = anyone(calls != 0)


@step
def mark_ruined(lane):
    """Mark in RUINED, by -1, the lanes whose equity is gone at this close; says whether any is."""
    lane = of_width(lane)
    ruins = np.int32(0)
    for j in range(WIDTH):
        ruined = (lane[at.RUINED, j] == ZERO) & (lane[at.CASH, j] + lane[at.VALUE, j] <= ZERO)
        lane[at.RUINED, j] = choose(ruined, -ONE, lane[at.RUINED, j])
        ruins = np.int32(ruins | np.int32(ruined))
    return anyone(ruins != 0)


@step
def close_ruined(bar, terms, lane, lot):
    """Close one asset at its last known close, with costs, for the lanes marked by -1 in RUINED."""
    lane, lot = of_width(lane), of_width(lot)
    for j in range(FIRST, PAST):
        ruined = (lane[at.RUINED, j] < ZERO) & (lot[at.SHARES, j] != ZERO)
        close_lane(j, ruined, bar[at.LAST], terms.slippage, bar, terms, lane, lot)


@step
def bury_ruined(lane):
    """After everything is closed: the ruined account stays as it then is."""
    lane = of_width(lane)
    for j in range(WIDTH):
        ruined = lane[at.RUINED, j] < ZERO
        lane[at.RUINED, j] = choose(ruined, ONE, lane[at.RUINED, j])
        lane[at.VALUE, j] = choose(ruined, ZERO, lane[at.VALUE, j])
        lane[at.NEED, j] = choose(ruined, ZERO, lane[at.NEED, j])
        lane[at.SHORTS, j] = choose(ruined, ZERO, lane[at.SHORTS, j])
        lane[at.FEES, j] = choose(ruined, ZERO, lane[at.FEES, j])


@step
def gather(now, lane):
    """Add one bar to the sums from which the metrics are made; what did not move adds nothing."""
    lane = of_width(lane)
    for j in range(WIDTH):
        gather_lane(j, now, lane)


@inlined
def gather_lane(j, now, lane):
    """Add one bar of lane j.

    The sum of the equity over all bars is made by parts, from bar * change, so that flat bars need no adding (`finish`).
    """
    before, equity = lane[at.EQUITY, j], lane[at.CASH, j] + lane[at.VALUE, j]
    moved = equity - before
    r = moved * lane[at.INVERSE, j]
    inverse = choose(equity > ZERO, ONE / equity, ZERO)
    peak, peak_inverse, peak_at = lane[at.PEAK, j], lane[at.PEAK_INVERSE, j], lane[at.PEAK_AT, j]
    peak_inverse = choose(equity > peak, inverse, peak_inverse)
    peak = max(peak, equity)
    fallen = (peak - equity) * peak_inverse
    peak_at = choose(fallen <= NEAR, now, peak_at)
    fall, square = min(r, ZERO), r * r
    lane[at.EQUITY, j] = equity
    lane[at.INVERSE, j] = inverse
    lane[at.PEAK, j] = peak
    lane[at.PEAK_INVERSE, j] = peak_inverse
    lane[at.PEAK_AT, j] = peak_at
    lane[at.DRAWDOWN, j] = max(lane[at.DRAWDOWN, j], fallen)
    lane[at.LONGEST, j] = max(lane[at.LONGEST, j], now - peak_at)
    lane[at.EQUITY_SUM, j] += now * moved
    lane[at.SUM1, j] += r
    lane[at.SUM2, j] += square
    lane[at.SUM3, j] += square * r
    lane[at.SUM4, j] += square * square
    lane[at.DOWNSIDE, j] += fall * fall
    lane[at.WORST, j] = min(lane[at.WORST, j], r)


@step
def expose(now, lane):
    """Count the bars with a position as step 6 begins, from one change to the next: by parts, as the equity is summed."""
    lane = of_width(lane)
    for j in range(WIDTH):
        held = choose(lane[at.COUNT, j] > ZERO, ONE, ZERO)
        lane[at.EXPOSED, j] += (lane[at.HELD_ANY, j] - held) * now
        lane[at.HELD_ANY, j] = held


@step
def skip(last, lane):
    """Pass over bars up to the one numbered `last`, in which no lane of the block held anything or had cash that earned."""
    lane = of_width(lane)
    for j in range(WIDTH):
        fallen = (lane[at.PEAK, j] - lane[at.EQUITY, j]) * lane[at.PEAK_INVERSE, j]
        peak_at = last if fallen <= NEAR else lane[at.PEAK_AT, j]
        lane[at.WORST, j] = min(lane[at.WORST, j], ZERO)
        lane[at.PEAK_AT, j] = peak_at
        lane[at.LONGEST, j] = max(lane[at.LONGEST, j], last - peak_at)


@step
def finish(n_bars, lane):
    """After the last bar: count the positions that stay open, and complete what was summed by parts."""
    lane = of_width(lane)
    for j in range(WIDTH):
        lane[at.EQUITY_SUM, j] = n_bars * lane[at.EQUITY, j] - lane[at.EQUITY_SUM, j]
        lane[at.EXPOSED, j] += lane[at.HELD_ANY, j] * n_bars
        lane[at.OPENS, j] = lane[at.COUNT, j]
