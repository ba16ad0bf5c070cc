"""The scalar rules of the simulated account: numbers in, numbers out.

Every rule of docs/accounting.md that does arithmetic stands here, once. Numba compiles these functions for the CPU and,
called from a CUDA kernel, for the GPU; called from Python (``rule.py_func``) they are plain Python. They take scalars of
one precision, float32 or float64, and answer in it: the constants below are float32 values that both precisions hold
exactly, and every other number comes in as an argument.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from kernels.layout import (
    MARGIN_CALL,
    NONE,
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

rule = njit(error_model="numpy")

ZERO, ONE = np.float32(0.0), np.float32(1.0)

#: Beyond every number that occurs.
FAR = np.float32(np.inf)

#: What a rule answers to leave an asset as it is. A power of two, so that float32 and float64 agree on it.
KEEP: float = np.float32(2.0**100)  # type: ignore[assignment]


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
    return price * (ONE + slippage) if side > ZERO else price * (ONE - slippage)


@rule
def quoted_shares(shares, split):
    """Shares as they were counted that day; adjusted shares stand in where the splits are unknown (`split` NaN)."""
    return shares / split if split > ZERO else shares


@rule
def commission(shares, price, split, terms):
    """Commission of one order of `shares` >= 0 adjusted shares filled at `price`."""
    fee = terms.fee_rate * shares * price + terms.fee_share * quoted_shares(shares, split)
    return max(terms.min_fee, fee)


@rule
def borrow_fee(shares, last, due):
    """Fee for holding a short since the previous bar; `due` is 1.02 * rate * days / 360, 102 % being the collateral."""
    return max(-shares, ZERO) * last * due


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
def judge(shares, answer, leaving, clock, now, reverses, refresh):
    """What a rule's answer means for the position as it stands: (leaving, clock, wish).

    `leaving` is one more than the bar at which the exit was decided, 0 for none; `clock` the bar from which the time exit
    counts; `wish` the target weight to enter with, 0 for none.
    """
    speaks, held = answer != KEEP, shares != ZERO
    stays = held & speaks & (answer * shares > ZERO)
    leaves = held & speaks & (answer * shares <= ZERO)
    enters = speaks & ((shares == ZERO) | (leaves & reverses))
    new_leaving = now + ONE if leaves & (leaving == ZERO) else leaving
    new_clock = now if stays & refresh else clock
    return new_leaving, new_clock, (answer if enters else ZERO)


@rule
def exit_at_open(shares, called, leaving, clock, hold, now, timed):
    """Why a position leaves at the price orders fill at, before anything inside the bar: a reason of kernels.layout.

    A forced close comes before a decided exit, that before a time exit; the last two only where `timed`.
    """
    reason = TIME if timed & (now - clock >= hold) else NONE
    reason = SIGNAL if timed & (leaving != ZERO) else reason
    reason = MARGIN_CALL if called != ZERO else reason
    return reason if shares != ZERO else NONE


@rule
def sale(shares, entry, entry_fee, raw, slippage, split, terms):
    """Close a position of `shares` (signed) at the price `raw` before slippage: (price, fee, slippage paid, profit)."""
    price = buy_or_sell_price(-shares, raw, slippage)
    fee = commission(abs(shares), price, split, terms)
    return price, fee, abs(shares) * abs(price - raw), profit(shares, entry, price, entry_fee + fee)


@rule
def whole_lots(shares, split, terms):
    """Shares >= 0 cut to whole lots of quoted shares, after adding a hair of a lot."""
    if terms.lot <= ZERO:
        return shares
    lots = quoted_shares(shares, split) / terms.lot + terms.hair
    whole = (lots - lots % ONE) * terms.lot
    return whole * split if split > ZERO else whole


@rule
def entry_size(weight, sizing, raw, split, equity, required, terms):
    """Shares >= 0 that an entry gets, whether margin cut it, and whether anything is left: (shares, cut, fits).

    Parameters
    ----------
    weight : target weight, signed
    sizing : the equity that sizes every entry of the bar
    raw : the price before slippage
    equity, required : of the account before this entry, everything at this bar's prices
    """
    price = buy_or_sell_price(weight, raw, terms.slippage)
    wanted = abs(weight) * sizing / price
    need = entry_need(weight, price, split, terms)
    slip = abs(price - raw)
    fee = terms.fee_rate * price + quoted_shares(terms.fee_share, split)
    room = equity - required
    # After x shares: equity - x * slip - max(min_fee, x * fee) >= required + x * need; each side of the max bounds x.
    largest = max(min(room / (slip + need + fee), (room - terms.min_fee) / (slip + need)), ZERO)
    cut = largest < wanted * (ONE - terms.hair)
    left = min(wanted, largest)
    left = ZERO if left < wanted * terms.crumb else left
    left = whole_lots(left, split, terms)
    fits = (sizing > ZERO) & (left > ZERO) & (left * price >= terms.min_notional)
    return left, cut | (sizing <= ZERO), fits


@rule
def purchase(weight, quantity, raw, split, terms):
    """Open a position of `quantity` >= 0 shares in the direction of `weight`: (signed shares, price, fee, slippage paid)."""
    price = buy_or_sell_price(weight, raw, terms.slippage)
    fee = commission(quantity, price, split, terms)
    return (quantity if weight > ZERO else -quantity), price, fee, quantity * abs(price - raw)


@rule
def refusal(called, trades, cut):
    """Why an entry was refused: the first that holds."""
    reason = REFUSED_MARGIN if cut else REFUSED_SMALL
    reason = reason if trades else REFUSED_NO_PRICE
    return REFUSED_CALL if called != ZERO else reason


@rule
def exit_inside(shares, entry, best, open_, high, low, stop, trail, take):
    """Why and where a position leaves inside the bar: (a reason of kernels.layout, price before slippage).

    The stop hangs on the entry price, the trailing stop on the best price of earlier bars; the tighter counts, a tie is
    the stop. A gap beyond the level fills at the open. A target fills at its level, never better, and only where no stop
    was hit in the same bar: which came first inside the bar is unknown, and the worse is assumed.
    """
    side = ONE if shares > ZERO else -ONE
    long = shares > ZERO
    stop_level = entry * (ONE - side * stop)
    trail_level = best * (ONE - side * trail)
    level = max(stop_level, trail_level) if long else min(stop_level, trail_level)
    goal = entry * (ONE + side * take)
    hit = (low <= level) if long else (high >= level)
    reached = (high >= goal) if long else (low <= goal)
    gapped = min(open_, level) if long else max(open_, level)
    reason = TAKE_HIT if reached else NONE
    reason = (STOP_HIT if level == stop_level else TRAIL_HIT) if hit else reason
    return (reason if shares != ZERO else NONE), (gapped if hit else goal)


@rule
def best_price(shares, best, high, low):
    """Best price of a position after a bar: the highest high of a long, the lowest low of a short."""
    return max(best, high) if shares > ZERO else min(best, low)


@rule
def profit(shares, entry, price, fees):
    """Profit of `shares` (signed) from `entry` to `price`, both after slippage, less both commissions."""
    return shares * (price - entry) - fees


@rule
def change(before, after):
    """Return of one bar; 0 where nothing moved, also for an account that is ruined and stays as it is."""
    return after / before - ONE if after != before else ZERO
