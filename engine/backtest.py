"""One backtest: a strategy, a market and events in, a `Run` out."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt

from engine import remembered
from engine.account import Account
from engine.arrays import bars_of, bars_per_year, hear, kept_layout, plan_of, years_of
from engine.compile import compiled_run, lane_rows, path_gatherer, rule_asks
from engine.events import Events
from engine.faults import Failure, Fault
from engine.given import taken
from engine.ledger import Ledger, Walked
from engine.legible import numeral
from engine.market import Market
from engine.path import AccountPath
from engine.run import Run
from engine.silence import tell_silence
from engine.strategy import Strategy
from engine.tables.table import Tabular
from kernels import layout as at
from kernels.layout import Bars, News, Plan, Record
from kernels.metrics import metrics

Matrix = npt.NDArray[np.float64]

_ORDERS_AT_FIRST = 4096

#: How far ledger and equity may differ, as a share of the initial cash or of what was traded.
_SLACK = 1e-9

#: What the accounts of one run add up to.
_AMOUNTS = [
    at.FAULTS, at.TRADED, at.COSTS, at.BORROW, at.EARNED, at.OWED, at.CLOSED, at.WINS, at.WON, at.LOST, at.RETURNS, at.OPENS,
]  # fmt: skip


def backtest(
    strategy: Strategy,
    market: Market,
    events: Events | Tabular | None = None,
    account: Account | None = None,
    *,
    borrow: Tabular | None = None,
) -> Run:
    """Walk one account through the market, by docs/accounting.md, in float64.

    Parameters
    ----------
    strategy : an instance with its parameters, ``ShortBubbleWarning(hold=20, stop=0.15)``
    market : bars
    events : events, or a table of them in any form; a strategy that listens to some needs them
    account : settings of the account; left out, the defaults
    borrow : table of asset, session, rate in any form, or the path of one: the yearly borrow rate from that session on, in place
        of the account's

    Raises
    ------
    Fault
        When the strategy cannot work with what it is given, or its rule answers something that is no number.
    """
    if not isinstance(strategy, Strategy):
        raise Fault(
            f"strategy is {strategy!r}, allowed is an instance of a Strategy; write {getattr(strategy, '__name__', 'it')}()."
        )
    events, borrow = taken(market, events, account, borrow)
    account = account or Account()
    strategy.check(market, events)
    heard = hear(strategy, market, events)
    if heard.items.is_empty():
        tell_silence(strategy, market, events)
    bars = bars_of(market, account, strategy, np.float64, layout=kept_layout(market, account, borrow))
    walks = _walks(strategy, market, account, bars, heard.news)
    faults = sum(w.lane[at.FAULTS] for w in walks)
    if faults:
        raise Fault(
            f"{strategy.name()}.rule answered no finite number {int(faults)} times, allowed are a weight, 0 and KEEP; guard the rule "
            f"against features that are not known yet (a comparison with one is false)."
        )
    combined = AccountPath.combined([w.path for w in walks])
    lane = walks[0].lane if account.kind == "portfolio" else _summed(walks, combined, account)
    cash = account.cash * len(walks)
    years, yearly = years_of(market), bars_per_year(market, account)
    equity = combined.row(at.P_EQUITY)
    values = metrics(lane[:, None], cash, len(bars.time), years, yearly, account.cash_rate, equity)
    ledger = Ledger.of(market, account, heard, bars, walks)
    _add_up(strategy, ledger.net, lane, cash)
    found = {name: float(value[0]) for name, value in values.items()}
    run = Run.made(strategy, market, account, ledger, combined, found, cash, heard.unplaced, events, borrow)
    apart = remembered.beside(run, events, lambda others: backtest(strategy, market, others, account, borrow=borrow))
    if apart:
        run.info["hindsight"] = apart
    return run


def _add_up(strategy: Strategy, net: float, lane: Matrix, cash: float) -> None:
    """Hold the ledger against the account: trades and interest are all that its equity can have come from."""
    earned = net + lane[at.EARNED] - lane[at.OWED]
    missing = earned - (lane[at.EQUITY] - cash)
    if not abs(missing) <= _SLACK * max(cash, lane[at.TRADED], abs(lane[at.EQUITY])):
        raise Failure(
            f"The ledger of {strategy.name()} and its equity differ by {numeral(missing, 6)}; this is an error of ours, please report it."
        )


def _walks(strategy: Strategy, market: Market, account: Account, bars: Bars, news: News) -> list[Walked]:
    """Walk and record the account; or one for each asset, on all processors."""
    kind = type(strategy)
    walk = partial(_walk, compiled_run(kind, np.float64, 1), account, lane_rows(kind, strategy.settings(), np.float64))
    plan, shape = plan_of(market, account, strategy, "others" in rule_asks(kind)), (len(bars.time), at.N_PATH)
    if account.kind == "portfolio":
        return [walk(plan, bars, news, np.empty(shape))]

    def walk_some(assets: npt.NDArray[np.int64]) -> list[Walked]:
        path, found = np.empty(shape), []  # one after the other writes its path there
        for asset in assets:
            found.append(walk(*_only(asset, plan, bars, news), path))
            found[-1].ledger[:, at.L_ASSET] = asset
        return found

    shares = np.array_split(np.arange(len(bars.price)), min(len(bars.price), os.cpu_count() or 1))
    with ThreadPoolExecutor(len(shares)) as pool:
        return [walked for some in pool.map(walk_some, shares) for walked in some]


def _only(asset: int, plan: Plan, bars: Bars, news: News) -> tuple[Plan, Bars, News]:
    """Return what a walk reads, of one asset alone."""
    one, mine = slice(asset, asset + 1), news.asset == asset
    of_it = {name: np.ascontiguousarray(getattr(bars, name)[one]) for name in ("price", "feature", "trait", "managed")}
    news = News(*(np.ascontiguousarray(v[mine]) for v in news))._replace(asset=np.zeros(mine.sum(), np.int64))
    return plan._replace(order=np.zeros(1, np.int64)), bars._replace(**of_it), news


def _walk(
    run: Callable[..., None], account: Account, params: Matrix, plan: Plan, bars: Bars, news: News, path: Matrix
) -> Walked:
    """Walk and record one account; `path` is memory to write the path to."""
    capacity = _ORDERS_AT_FIRST
    while True:
        lanes = np.zeros((at.N_LANE, 1))
        record = Record(np.zeros((capacity, at.N_LEDGER)), np.zeros(2, np.int64), path)
        run(bars, news, account.terms(np.float64), plan, params, lanes, record)
        count = int(record.count[0])
        if count <= capacity:
            return Walked(lanes[:, 0], record.ledger[:count], AccountPath.recorded(record, len(bars.time)))
        capacity = count


def _summed(walks: list[Walked], path: AccountPath, account: Account) -> Matrix:
    """Sums of all accounts together: amounts add up, and the returns are those of the summed equity."""
    equity, held = path.row(at.P_EQUITY), path.row(at.P_HELD)
    lane: Matrix = path_gatherer()(account.cash * len(walks), path.length, path.bars, equity, held)
    lane[_AMOUNTS] = np.sum([w.lane[_AMOUNTS] for w in walks], axis=0)
    return lane
