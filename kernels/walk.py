"""The walk of a block of lanes through time, and the run over many blocks.

Both are handed `decide`, the function that puts a strategy's answers for one asset and bar into WISH: on the CPU as a pointer
to compiled code, so that the walk is compiled once for all strategies; on the GPU as a device function, which is inlined.
"""

import numpy as np
from numba import njit

from kernels import layout as at
from kernels.layout import State
from kernels.rules import ONE, ZERO, change
from kernels.steps import (
    WIDTH,
    begin,
    carry,
    enter,
    finish,
    gather,
    hear,
    is_bar,
    leave,
    leave_inside,
    mark,
    net_exposure,
    note_holding,
    price_account,
    settle,
    size_at_close,
    skip,
    weigh,
)


@njit(error_model="numpy", inline="always")
def walk(decide, bars, news, terms, plan, params, state, record):
    """Walk a block of lanes from the first bar to the last, in the order of docs/accounting.md.

    `decide(a, t, bars, news, params, state)` answers for asset a at bar t; the rest is described in kernels.layout.
    """
    n_assets, n_bars = bars.price.shape[0], bars.price.shape[1]
    begin(terms, state)
    t, k, held = np.int64(0), np.int64(0), False
    while t < n_bars:
        upcoming = news.bar[k] if k < news.bar.shape[0] else n_bars
        if upcoming > t and not (held or plan.earns or plan.asked == at.ALWAYS):
            skip(t, upcoming, bars, state, record)  # flat is free
            t = upcoming
            continue
        first = k
        while k < news.bar.shape[0] and news.bar[k] == t:
            hear(k, t, news, params, state)
            k += 1

        carry(t, bars, state)
        if plan.closing:
            for a in range(n_assets):
                if state.note[at.ACTIVE, a] != 0:
                    if is_bar(a, t, bars):
                        leave(a, t, bars.price[a, t, at.OPEN], False, bars, terms, params, state, record)
                        leave_inside(a, t, bars, terms, params, state, record)
                    else:
                        note_holding(a, state)
            size_at_close(t, bars, state)

        wishes = False
        if plan.nets:
            net_exposure(t, bars, state)
        for i in range(n_assets):
            a = plan.order[i]
            everyone = state.note[at.ITEM, a] >= 0 or plan.asked == at.ALWAYS
            if everyone or (state.note[at.ACTIVE, a] != 0 and plan.asked == at.WHILE_HELD):
                decide(a, t, bars, news, params, state)
                wishes = weigh(a, t, everyone, bars, plan, state) or wishes

        for a in range(n_assets):
            if state.note[at.ACTIVE, a] != 0 and is_bar(a, t, bars):
                raw = bars.price[a, t, at.CLOSE] if plan.closing else bars.price[a, t, at.OPEN]
                leave(a, t, raw, True, bars, terms, params, state, record)
        if wishes:
            price_account(t, plan.closing, bars, terms, state)
            for i in range(first, k):
                if news.ranked[i]:
                    enter(news.asset[i], t, plan.closing, bars, terms, state, record)
            for a in range(n_assets):
                enter(a, t, plan.closing, bars, terms, state, record)
        for i in range(first, k):
            state.note[at.ITEM, news.asset[i]] = -1

        if not plan.closing:
            for a in range(n_assets):
                if state.note[at.ACTIVE, a] != 0:
                    if is_bar(a, t, bars):
                        leave_inside(a, t, bars, terms, params, state, record)
                    else:
                        note_holding(a, state)
        held = mark(t, bars, terms, state)
        settle(t, bars, terms, params, state, record)
        t += 1
    finish(state)


@njit(error_model="numpy", nogil=True, cache=True)
def run(decide, bars, news, terms, plan, params, lanes, lots, record):
    """Walk every column of `params`, a block at a time.

    Parameters
    ----------
    params : (row, lane) the fixed parameters of kernels.layout, the strategy's own, the rows of its features
    lanes : (N_LANE, lane), filled with what each lane ends with
    lots : (asset, N_LOT), filled with the positions of the last lane
    """
    n_assets, total, kind = bars.price.shape[0], params.shape[1], params.dtype
    channels = news.fresh.shape[1]
    state = State(
        np.zeros((at.N_LANE, WIDTH), kind),
        np.zeros((n_assets, at.N_LOT, WIDTH), kind),
        np.zeros((n_assets, channels, WIDTH), kind),
        np.zeros((channels, WIDTH), kind),
        np.zeros((at.N_NOTE, n_assets), np.int64),
    )
    block = np.zeros((params.shape[0], WIDTH), kind)
    for low in range(0, total, WIDTH):
        for i in range(params.shape[0]):
            for j in range(WIDTH):
                block[i, j] = params[i, min(low + j, total - 1)]  # the last block is filled up with its last lane
        walk(decide, bars, news, terms, plan, block, state, record)
        for i in range(at.N_LANE):
            for j in range(min(WIDTH, total - low)):
                lanes[i, low + j] = state.lane[i, j]
    for a in range(n_assets):
        for i in range(at.N_LOT):
            lots[a, i] = state.lot[a, i, (total - 1) % WIDTH]


@njit(error_model="numpy", nogil=True, cache=True)
def gather_path(equity, held, lane):
    """Gather the sums of a path of equity, (bar,), that is already walked, into the first column of `lane`."""
    for t in range(equity.shape[0]):
        before = lane[at.EQUITY, 0]
        lane[at.HOLDING, 0] = held[t]
        gather(0, before, equity[t], change(before, equity[t]) if lane[at.RUINED, 0] == ZERO else ZERO, lane)
        lane[at.RUINED, 0] = ONE if equity[t] <= ZERO else lane[at.RUINED, 0]
    lane[at.EQUITY_SUM, 0] += lane[at.STILL, 0] * lane[at.EQUITY, 0]
