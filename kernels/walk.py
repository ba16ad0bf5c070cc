"""The walk of a block of lanes through time, and the run over many blocks.

These two functions are templates: their source goes, together with a strategy's rule and the generated function `decide`,
into a module of its own that is compiled as a whole and kept on disk (see engine/compile.py). Here they can be read.
"""

from typing import Any

import numpy as np

from kernels import layout as at
from kernels.layout import State
from kernels.steps import (
    begin,
    carry,
    enter,
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


def decide(a: int, t: int, bars: Any, news: Any, params: Any, state: Any) -> None:
    """Put a rule's answers for asset a at bar t into WISH; generated for every strategy."""
    raise NotImplementedError


def walk(bars, news, terms, plan, params, state, record):  # type: ignore[no-untyped-def]
    """Walk a block of lanes from the first bar to the last, in the order of docs/accounting.md."""
    n_assets, n_bars = bars.open.shape
    begin(terms, state)
    t, k, held = 0, 0, False
    while t < n_bars:
        upcoming = news.bar[k] if k < news.bar.shape[0] else n_bars
        if upcoming > t and not (held or plan.earns or plan.asked == at.ALWAYS):
            skip(t, upcoming, bars, state, record)  # flat is free
            t = upcoming
            continue
        first = k
        while k < news.bar.shape[0] and news.bar[k] == t:
            hear(k, t, news, params, state)
            state.item[news.asset[k]] = k
            k += 1

        carry(t, bars, state)
        if plan.closing:
            for a in range(n_assets):
                if state.active[a]:
                    trades = is_bar(a, t, bars)
                    if trades:
                        leave(a, t, bars.open[a, t], False, bars, terms, params, state, record)
                    note_holding(a, state)
                    if trades:
                        leave_inside(a, t, bars, terms, params, state, record)
            size_at_close(t, bars, state)

        wishes = False
        if plan.nets:
            net_exposure(t, bars, state)
        for i in range(n_assets):
            a = plan.order[i]
            everyone = state.item[a] >= 0 or plan.asked == at.ALWAYS
            if everyone or (state.active[a] and plan.asked == at.WHILE_HELD):
                decide(a, t, bars, news, params, state)
                wishes = weigh(a, t, everyone, bars, plan, state) or wishes

        for a in range(n_assets):
            if state.active[a] and is_bar(a, t, bars):
                raw = bars.close[a, t] if plan.closing else bars.open[a, t]
                leave(a, t, raw, True, bars, terms, params, state, record)
        if wishes:
            price_account(t, plan.closing, bars, terms, state)
            for i in range(first, k):
                if news.ranked[i]:
                    enter(news.asset[i], t, plan.closing, bars, terms, state, record)
            for a in range(n_assets):
                enter(a, t, plan.closing, bars, terms, state, record)
        for i in range(first, k):
            state.item[news.asset[i]] = -1

        if not plan.closing:
            for a in range(n_assets):
                if state.active[a]:
                    note_holding(a, state)
                    if is_bar(a, t, bars):
                        leave_inside(a, t, bars, terms, params, state, record)
        held = mark(t, bars, terms, state)
        settle(t, bars, terms, params, state, record)
        t += 1


def run(bars, news, terms, plan, params, width, lanes, lots, record):  # type: ignore[no-untyped-def]
    """Walk every column of `params`, `width` lanes at a time.

    Parameters
    ----------
    params : (row, lane) the fixed parameters of kernels.layout, the strategy's own, the rows of its features
    lanes : (N_LANE, lane), filled with what each lane ends with
    lots : (asset, N_LOT), filled with the positions of the last lane
    """
    n_assets, total, kind = bars.open.shape[0], params.shape[1], params.dtype
    channels = news.fresh.shape[1]
    state = State(
        np.zeros((at.N_LANE, width), kind),
        np.zeros((n_assets, at.N_LOT, width), kind),
        np.zeros((n_assets, channels, width), kind),
        np.zeros((channels, width), kind),
        np.zeros(n_assets, np.int64),
        np.zeros(n_assets, np.bool_),
        np.zeros(n_assets, np.int64),
    )
    block = np.zeros((params.shape[0], width), kind)
    for low in range(0, total, width):
        for i in range(params.shape[0]):
            for j in range(width):
                block[i, j] = params[i, min(low + j, total - 1)]  # the last block is filled up with its last lane
        walk(bars, news, terms, plan, block, state, record)
        for i in range(at.N_LANE):
            for j in range(min(width, total - low)):
                lanes[i, low + j] = state.lane[i, j]
    for a in range(n_assets):
        for i in range(at.N_LOT):
            lots[a, i] = state.lot[a, i, (total - 1) % width]
