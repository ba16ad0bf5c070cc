"""The scalar rules of the simulated account: numbers in, numbers out.

Every rule of docs/accounting.md that does arithmetic stands here, once. Numba compiles these functions for the CPU and,
called from a CUDA kernel, for the GPU; called from Python (``rule.py_func``) they are plain Python. They take scalars of
one precision, float32 or float64, and answer in it: the constants below are float32 values that both precisions hold
exactly, and every other number comes in as an argument.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

rule = njit(error_model="numpy")

ZERO, ONE = np.float32(0.0), np.float32(1.0)

#: Beyond every number that occurs.
FAR = np.float32(np.inf)

#: What a rule answers to leave an asset as it is. A power of two, so that float32 and float64 agree on it.
KEEP = np.float32(2.0**100)


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
    speaks = answer != KEEP
    held = shares != ZERO
    stays = held and speaks and answer * shares > ZERO
    leaves = held and speaks and not stays
    enters = speaks and answer != ZERO and (not held or (leaves and reverses))
    new_leaving = now + ONE if leaves and leaving == ZERO else leaving
    new_clock = now if stays and refresh else clock
    return new_leaving, new_clock, (answer if enters else ZERO)


@rule
def whole_lots(shares, split, terms):
    """Shares >= 0 cut to whole lots of quoted shares, after adding a hair of a lot."""
    if terms.lot <= ZERO:
        return shares
    lots = quoted_shares(shares, split) / terms.lot + terms.hair
    whole = (lots - lots % ONE) * terms.lot
    return whole * split if split > ZERO else whole


@rule
def entry_size(weight, sizing, price, split, equity, required, terms):
    """Shares >= 0 that an entry gets, what the margin lets stand of it, and whether anything is left: (shares, cut, fits).

    Parameters
    ----------
    weight : target weight, signed
    sizing : the equity that sizes every entry of the bar
    price : the price before slippage
    equity, required : of the account before this entry, everything at this bar's prices
    """
    fill = buy_or_sell_price(weight, price, terms.slippage)
    wanted = abs(weight) * sizing / fill
    need = entry_need(weight, fill, split, terms)
    slip = abs(fill - price)
    fee = terms.fee_rate * fill + quoted_shares(terms.fee_share, split)
    room = equity - required
    # After x shares: equity - x * slip - max(min_fee, x * fee) >= required + x * need; each side of the max bounds x.
    largest = max(min(room / (slip + need + fee), (room - terms.min_fee) / (slip + need)), ZERO)
    cut = largest < wanted * (ONE - terms.hair)
    left = min(wanted, largest)
    left = ZERO if left < wanted * terms.crumb else left
    left = whole_lots(left, split, terms)
    fits = sizing > ZERO and left > ZERO and left * fill >= terms.min_notional
    return (left if fits else ZERO), (cut or sizing <= ZERO), fits


@rule
def stop_inside(shares, entry, best, open_, high, low, stop, trail, take):
    """Exit inside a bar: (stopped, trailed, taken, price before slippage).

    The stop hangs on the entry price, the trailing stop on the best price of earlier bars; the tighter counts, a tie is
    the stop. A gap beyond the level fills at the open. A target fills at its level, never better, and only where no stop
    was hit in the same bar: which came first inside the bar is unknown, and the worse is assumed.
    """
    is_long = shares > ZERO
    sign = ONE if is_long else -ONE
    stop_level = entry * (ONE - sign * stop)
    trail_level = best * (ONE - sign * trail)
    level = max(stop_level, trail_level) if is_long else min(stop_level, trail_level)
    goal = entry * (ONE + sign * take)
    hit = low <= level if is_long else high >= level
    reached = high >= goal if is_long else low <= goal
    gapped = min(open_, level) if is_long else max(open_, level)
    by_stop = stop_level >= trail_level if is_long else stop_level <= trail_level
    return hit and by_stop, hit and not by_stop, reached and not hit, (gapped if hit else goal)


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
