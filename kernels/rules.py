"""The scalar rules of the simulated account: numbers in, numbers out.

What docs/accounting.md says of one order, one position or one account stands here, once; kernels/steps.py does it to many lanes.
Numba compiles these functions for the CPU and, called from a CUDA kernel, for the GPU; called from Python they are plain Python.
They take scalars of one precision, float32 or float64, and answer in it: `ZERO`, `ONE`, `FAR` and `KEEP` are float32 values that
both precisions hold exactly, and every other number comes in as an argument.
"""

from typing import Any, NamedTuple

import numpy as np

from kernels.jit import inner
from kernels.layout import (
    MARGIN_CALL,
    REFUSED_CALL,
    REFUSED_MARGIN,
    REFUSED_NO_PRICE,
    REFUSED_SMALL,
    SIGNAL,
    STOP_HIT,
    TAKE_HIT,
    TIME,
    TRAIL_HIT,
)

rule = inner()

ZERO, ONE = np.float32(0.0), np.float32(1.0)

#: A borrow fee is charged on 102 % of a short's value, and a year has 360 days.
COLLATERAL, YEAR = 1.02, 360.0

#: Beyond every number that occurs.
FAR = np.float32(np.inf)

#: What a rule answers to leave an asset as it is. A power of two, so that float32 and float64 agree on it.
KEEP: float = np.float32(2.0**100)  # type: ignore[assignment]


@rule
def choose(condition, yes, no):
    """One of two values that are both at hand, so that the compiler needs no branch."""
    return yes if condition else no


class Terms(NamedTuple):
    """The broker's terms, as scalars of one precision."""

    cash: Any  # currency at the start
    slippage: Any  # share of the price
    min_fee: Any  # currency an order
    fee_rate: Any  # share of the notional
    fee_share: Any  # currency a quoted share
    initial: Any  # share of the notional that an entry must be covered by
    long_need: Any  # maintenance requirement of a long, as a share of its value
    short_need: Any  # the same of a short
    short_floor: Any  # currency a quoted share: the least requirement of a short quoted at `low_price` or above
    penny_floor: Any  # the same of a short quoted below it
    low_price: Any  # currency a quoted share
    lot: Any  # quoted shares; 0 trades fractions
    min_notional: Any  # currency
    hair: Any  # relative tolerance of comparisons
    crumb: Any  # an entry cut below this share of what was wanted is nothing


@rule
def buy_or_sell_price(side, price, slippage):
    """Fill price of an order: a buyer (side > 0) pays the slippage on top, a seller receives less."""
    return choose(side > ZERO, price * (ONE + slippage), price * (ONE - slippage))


@rule
def quoted_shares(shares, split):
    """Shares as they were counted that day; adjusted shares stand in where the splits are unknown (`split` NaN)."""
    return shares / split if split > ZERO else shares


@rule
def commission(shares, price, fee_share, terms):
    """Commission of one order of `shares` >= 0 adjusted shares filled at `price`; `fee_share` is for one of them."""
    return max(terms.min_fee, terms.fee_rate * shares * price + fee_share * shares)


@rule
def borrow_charge(last, rate, days):
    """Borrow fee of one share short for some days, on 102 % of its value, actual/360."""
    return last * (COLLATERAL * rate * days / YEAR)


@rule
def borrow_fee(shares, charge):
    """Borrow fee of `shares` (signed), given what one share short is charged; a long pays none."""
    return max(-shares, ZERO) * charge


@rule
def interest(free, credit, debit):
    """(earned, owed) on the cash that is free of short proceeds; `credit` and `debit` are rates * days / 360."""
    return max(free, ZERO) * credit, max(-free, ZERO) * debit


@rule
def maintenance_need(side, price, split, terms):
    """Equity that the exchange wants behind one adjusted share (FINRA rule 4210); its floors count quoted shares."""
    quoted = price * split
    floor = terms.short_floor if quoted >= terms.low_price else terms.penny_floor
    share = terms.short_need if quoted >= terms.low_price else ONE
    known = split > ZERO
    short = max(share * price, floor / split) if known else terms.short_need * price
    return terms.long_need * price if side > ZERO else short


@rule
def entry_need(side, price, split, terms):
    """Equity that one adjusted share must be covered by when a position is opened: Regulation T, or maintenance if more."""
    return max(terms.initial * price, maintenance_need(side, price, split, terms))


@rule
def judge(shares, answer, due, hold, now, reverses, refresh):
    """What a rule's answer means for the position as it stands: (due, wish).

    `due` says when the position leaves, as in kernels.layout; `hold` the bars of its time exit; `wish` the target weight to
    enter with, 0 for none. A decided exit is never taken back.
    """
    speaks, held = answer != KEEP, shares != ZERO
    stays = held & speaks & (answer * shares > ZERO)
    leaves = held & speaks & (answer * shares <= ZERO)
    enters = speaks & ((shares == ZERO) | (leaves & reverses))
    later = choose(stays & refresh & (due > ZERO), now + hold, due)
    return choose(leaves & (due >= ZERO), -now - ONE, later), choose(enters, answer, ZERO)


@rule
def leaves_at_fill(shares, called, due, now, timed):
    """Whether a position leaves at the price orders fill at; decided exits and time exits only where `timed`."""
    return (shares != ZERO) & ((called != ZERO) | (timed & (due <= now)))


@rule
def why_at_fill(called, due):
    """Why it does: a forced close comes before a decided exit, that before a time exit."""
    return MARGIN_CALL if called != ZERO else (SIGNAL if due < ZERO else TIME)


@rule
def sale(shares, raw, slippage, fee_share, terms):
    """Close a position of `shares` (signed) at the price `raw` before slippage: (price, fee, slippage paid)."""
    price = buy_or_sell_price(-shares, raw, slippage)
    return price, commission(abs(shares), price, fee_share, terms), abs(shares) * abs(price - raw)


@rule
def entry_size(weight, sizing, raw, fee_share, need, equity, required, terms):
    """Shares >= 0 that an entry gets before it is rounded to whole lots, and whether margin cut it: (shares, cut).

    Parameters
    ----------
    weight : target weight, signed
    sizing : the equity that sizes every entry of the bar
    raw : the price before slippage
    need : `entry_need` of one share at its fill price
    equity, required : of the account before this entry, everything at this bar's prices
    """
    price = buy_or_sell_price(weight, raw, terms.slippage)
    wanted = abs(weight) * sizing / price
    slip = abs(price - raw)
    fee = terms.fee_rate * price + fee_share
    room = equity - required
    room = choose(room > terms.hair * abs(equity), room, ZERO)  # what rounding left is no room
    # After x shares: equity - x * slip - max(min_fee, x * fee) >= required + x * need; each side of the max bounds x.
    largest = max(min(room / (slip + need + fee), (room - terms.min_fee) / (slip + need)), ZERO)
    cut = largest < wanted * (ONE - terms.hair)
    left = min(wanted, largest)
    left = choose(left < wanted * terms.crumb, ZERO, left)
    return left, cut | (sizing <= ZERO)


@rule
def whole_lots(shares, split, terms):
    """Shares >= 0 cut to whole lots of quoted shares, after adding a hair of a lot, or of many."""
    lots = quoted_shares(shares, split) / terms.lot
    lots += terms.hair * max(lots, ONE)
    whole = (lots - lots % ONE) * terms.lot
    return whole * split if split > ZERO else whole


@rule
def is_worth_it(shares, price, sizing, terms):
    """Whether what is left of an entry is an order: something, of an account with equity, and not under the least notional."""
    return (sizing > ZERO) & (shares > ZERO) & (shares * price >= terms.min_notional * (ONE - terms.hair))


@rule
def purchase(weight, quantity, raw, fee_share, terms):
    """Open a position of `quantity` >= 0 shares in the direction of `weight`: (signed shares, price, fee, slippage paid)."""
    price = buy_or_sell_price(weight, raw, terms.slippage)
    fee = commission(quantity, price, fee_share, terms)
    return choose(weight > ZERO, quantity, -quantity), price, fee, quantity * abs(price - raw)


@rule
def refusal(called, trades, cut):
    """Why an entry was refused: the first that holds."""
    reason = REFUSED_MARGIN if cut else REFUSED_SMALL
    reason = reason if trades else REFUSED_NO_PRICE
    return REFUSED_CALL if called != ZERO else reason


@rule
def bounds(shares, entry, stop, trail, take):
    """Prices at which a new position leaves inside a bar: (upper, lower).

    The stop hangs on the entry price, the trailing stop at first too; the tighter counts.
    """
    upper_stop, lower_stop = entry * (ONE + min(stop, trail)), entry * (ONE - min(stop, trail))
    upper_goal, lower_goal = entry * (ONE + take), entry * (ONE - take)
    long = shares > ZERO
    return choose(long, upper_goal, upper_stop), choose(long, lower_stop, lower_goal)


@rule
def trailed(shares, upper, lower, trail, high, low):
    """Bounds for the next bar, (upper, lower): the trailing stop follows the best price of earlier bars."""
    new_upper, new_lower = min(upper, low * (ONE + trail)), max(lower, high * (ONE - trail))
    return choose(shares < ZERO, new_upper, upper), choose(shares > ZERO, new_lower, lower)


@rule
def exit_inside(shares, upper, lower, open_, high, low):
    """Whether a position is stopped inside the bar, whether it reaches its target, and at what price: (hit, reached, price).

    A gap beyond the stop fills at the open. A target fills at its price, never better, and only where no stop was hit in
    the same bar: which came first inside the bar is unknown, and the worse is assumed.
    """
    long, held = shares > ZERO, shares != ZERO
    above, below = held & (high >= upper), held & (low <= lower)
    hit, reached = (long & below) | ((not long) & above), (long & above) | ((not long) & below)
    stopped = choose(long, min(open_, lower), max(open_, upper))
    return hit, reached, choose(hit, stopped, choose(long, upper, lower))


@rule
def why_inside(shares, entry, upper, lower, hit, stop):
    """Why it leaves inside the bar; a stop and a trailing stop at one price are the stop."""
    level = lower if shares > ZERO else upper
    stopped = level == entry * (ONE - stop if shares > ZERO else ONE + stop)
    return (STOP_HIT if stopped else TRAIL_HIT) if hit else TAKE_HIT


@rule
def worth_and_need(shares, price, long, short, charge):
    """(value, requirement, value sold short, borrow fee) of `shares` (signed), given what one share requires and is charged."""
    sold = max(-shares, ZERO)
    return shares * price, (shares + sold) * long + sold * short, sold * price, borrow_fee(shares, charge)


@rule
def falls_short(equity, need, hair):
    """Whether an account's equity is less than its maintenance requirement."""
    return (need > ZERO) & (equity < need * (ONE - hair))


@rule
def profit(shares, entry, price, costs):
    """Profit of `shares` (signed) from `entry` to `price`, both after slippage, less commissions and what else they cost."""
    return shares * (price - entry) - costs
