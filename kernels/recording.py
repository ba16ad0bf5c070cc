"""What a recorded walk writes of its first lane: a line of the ledger before each fill or refusal, the account after each bar.

The lines say what the steps of kernels/steps.py are about to do, by the same scalar rules.
"""

from kernels import layout as at
from kernels.rules import (
    ONE,
    ZERO,
    buy_or_sell_price,
    entry_need,
    entry_size,
    exit_inside,
    is_worth_it,
    leaves_at_fill,
    purchase,
    quoted_shares,
    refusal,
    sale,
    whole_lots,
    why_at_fill,
    why_inside,
)
from kernels.steps import is_bar, step


@step
def write(t, decided, a, reason, shares, price, fee, slip, record):
    """Write one line of the ledger, unless it is full: then only count it, and the caller runs again with a larger one."""
    row = record.count[0]
    record.count[0] = row + 1
    if row < record.ledger.shape[0]:
        line = record.ledger[row]
        line[at.L_BAR], line[at.L_DECIDED], line[at.L_ASSET], line[at.L_REASON] = t, decided, a, reason
        line[at.L_SHARES], line[at.L_PRICE], line[at.L_FEE], line[at.L_SLIP] = shares, price, fee, slip


@step
def write_exit(a, t, reason, raw, now, bar, terms, lane, lot, record):
    """Write the first lane's exit before it is filled."""
    shares, due = lot[at.SHARES, 0], lot[at.DUE, 0]
    fee_share = quoted_shares(terms.fee_share, bar[at.SPLIT])
    price, fee, slip = sale(shares, raw, ZERO if reason == at.TAKE_HIT else terms.slippage, fee_share, terms)
    decided = now
    decided = lane[at.CALLED, 0] - ONE if reason == at.MARGIN_CALL else decided
    decided = -due - ONE if reason == at.SIGNAL else decided
    decided = due if reason == at.TIME else decided
    write(t, decided, a, reason, -shares, price, fee, slip, record)


@step
def write_leave(a, t, now, raw, timed, bar, terms, lane, lot, record):
    """Write what `leave` is about to do."""
    if leaves_at_fill(lot[at.SHARES, 0], lane[at.CALLED, 0], lot[at.DUE, 0], now, timed):
        reason = why_at_fill(lane[at.CALLED, 0], lot[at.DUE, 0])
        write_exit(a, t, reason, raw, now, bar, terms, lane, lot, record)


@step
def write_leave_inside(a, t, now, bar, params, terms, lane, lot, record):
    """Write what `leave_inside` is about to do."""
    shares, upper, lower = lot[at.SHARES, 0], lot[at.UPPER, 0], lot[at.LOWER, 0]
    hit, reached, raw = exit_inside(shares, upper, lower, bar[at.OPEN], bar[at.HIGH], bar[at.LOW])
    if hit | reached:
        reason = why_inside(shares, lot[at.ENTRY, 0], upper, lower, hit, params[at.STOP, 0])
        write_exit(a, t, reason, raw, now, bar, terms, lane, lot, record)


@step
def write_ruin(a, t, now, bar, terms, lane, lot, record):
    """Write what `close_ruined` is about to do."""
    if (lane[at.RUINED, 0] < ZERO) & (lot[at.SHARES, 0] != ZERO):
        write_exit(a, t, at.RUIN_CLOSE, bar[at.LAST], now, bar, terms, lane, lot, record)


@step
def write_entry(a, t, now, raw, bar, terms, lane, lot, record):
    """Write the first lane's entry, filled or refused, before it is."""
    weight, split, called = lot[at.WISH, 0], bar[at.SPLIT], lane[at.CALLED, 0]
    if weight == ZERO:
        return
    fee_share = quoted_shares(terms.fee_share, split)
    need = entry_need(weight, buy_or_sell_price(weight, raw, terms.slippage), split, terms)
    quantity, cut = entry_size(
        weight, lane[at.SIZING, 0], raw, fee_share, need, lane[at.WORTH, 0], lane[at.NEED, 0], terms
    )
    quantity = whole_lots(quantity, split, terms) if terms.lot > ZERO else quantity
    shares, price, fee, slip = purchase(weight, quantity, raw, fee_share, terms)
    trades, fits = is_bar(bar), is_worth_it(quantity, price, lane[at.SIZING, 0], terms)
    goes = trades & fits & (called == ZERO)
    reason = (at.CLIPPED if cut else at.ENTERED) if goes else refusal(called, trades, cut)
    write(
        t, now, a, reason, shares if goes else weight, price, fee, slip, record
    )  # of a refused one the side alone is told


@step
def write_path(t, held, lane, record):
    """Write the first lane's account at the close of bar t; `held` is 1 if anything was held in it."""
    entry = record.path[record.count[1]]
    record.count[1] += 1
    entry[at.P_BAR], entry[at.P_HELD] = t, held
    entry[at.P_EQUITY], entry[at.P_CASH] = lane[at.EQUITY, 0], lane[at.CASH, 0]
    entry[at.P_LONG], entry[at.P_SHORT] = lane[at.VALUE, 0] + lane[at.SHORTS, 0], lane[at.SHORTS, 0]
