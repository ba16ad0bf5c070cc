"""The compiled path, fed with the oracle's own inputs and answering in its terms."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import oracle
import polars as pl
from generate import Case

from engine.account import Account
from engine.backtest import backtest
from engine.market import Columns
from engine.run import Run
from strategies.signals import Signals


def matrix(rows: list[list[float | None]]) -> npt.NDArray[np.float64]:
    return np.array([[np.nan if v is None else v for v in row] for row in rows], np.float64)


@dataclass(eq=False)
class OracleMarket:
    """What a backtest asks of a market, over the oracle's bars; bars of one date are five minutes apart."""

    bars: oracle.Bars
    interval = "1d"
    calendar = "XNYS"

    def __post_init__(self) -> None:
        self.assets = tuple(self.bars.symbols)
        self.sessions = np.array(self.bars.dates, "datetime64[D]")
        self.opens = self.sessions.astype("datetime64[us]").astype(np.int64) + np.arange(self.sessions.size)
        self.days = np.diff(self.sessions, prepend=self.sessions[:1]).astype(float)
        self.metadata: dict[str, str] = {}
        self.findings = pl.DataFrame()
        self.fingerprint = "of the oracle's bars"

    def columns(self, dtype: Any) -> Columns:
        b = self.bars
        return Columns(*(matrix(m).astype(dtype) for m in (b.open, b.high, b.low, b.close, b.dividend, b.split)))


class Told(Signals):
    """The oracle's signals: what is answered for asset a at bar t."""

    told: oracle.Signals
    spared: frozenset[int]

    def managed(self, assets: Any) -> npt.NDArray[np.bool_]:
        return np.array([a not in self.spared for a in range(len(assets))])

    def check(self, market: Any, events: Any) -> None:
        """Take everything."""

    def table(self, market: Any) -> pl.DataFrame:
        rows = [
            (e[1] if e else None, "signal", 1.0, w, e[0] if e else None, t, a) for (a, t), (w, e) in self.told.items()
        ]
        schema = {"event_id": pl.String, "kind": pl.String, "strength": pl.Float64, "stance": pl.Float64,
                  "known_at": pl.Int64, "bar": pl.Int32, "asset": pl.Int32}  # fmt: skip
        return pl.DataFrame(rows, schema, orient="row").sort("known_at", "event_id", "asset", nulls_last=True)


def account_of(case: Case) -> Account:
    s = case.settings
    return Account(
        s.cash, s.kind, s.fill, s.slippage, s.fee_rate, s.fee_share, s.min_fee, s.borrow_rate, s.debit_rate, s.cash_rate,
        s.initial, s.lot, s.min_notional, s.bars_per_year,
    )  # fmt: skip


def strategy_of(case: Case) -> Told:
    told = Told(reverses=case.exits.reverses, refresh=case.exits.refresh)
    told.told, told.spared = case.signals, case.exits.spared
    for name in ("hold", "stop", "trail", "take"):
        setattr(told, name, getattr(case.exits, name))
    return told


def borrow_of(case: Case) -> pl.DataFrame | None:
    """The borrow table, which is by session; where bars share a session it is left out, for the oracle as well."""
    bars = case.bars
    if len(set(bars.dates)) < len(bars.dates):
        bars.borrow = None
    if bars.borrow is None:
        return None
    rows = [
        (s, d, r)
        for s, rates in zip(bars.symbols, bars.borrow, strict=True)
        for d, r in zip(bars.dates, rates, strict=True)
    ]
    return pl.DataFrame(rows, {"asset": pl.String, "session": pl.Date, "rate": pl.Float64}, orient="row")


def compiled(case: Case) -> Run:
    return backtest(strategy_of(case), OracleMarket(case.bars), None, account_of(case), borrow=borrow_of(case))


def compare(case: Case) -> None:
    """Hold the compiled path against the oracle: every order and refusal, every trade, every amount to 1e-9."""
    run = compiled(case)
    result = oracle.simulate(case.bars, case.signals, case.settings, case.exits)
    market = OracleMarket(case.bars)
    bar = {int(o): i for i, o in enumerate(market.opens)}
    symbols = case.bars.symbols
    scale = max(case.settings.cash, sum(o.shares * o.price for o in result.orders))

    def near(ours: float | None, theirs: float | None, size: float) -> bool:
        if ours is None or theirs is None:
            return ours is theirs
        return abs(ours - theirs) <= 1e-9 * max(size, abs(theirs))

    ours = run.orders.with_columns(pl.col("time_decided", "time_filled").dt.timestamp("us"))
    filled = ours.filter(status="filled").to_dicts()
    assert [(bar[o["time_decided"]], bar[o["time_filled"]], o["asset"], o["side"], o["reason"]) for o in filled] == [
        (o.bar_decided, o.bar_filled, symbols[o.asset], o.side, o.reason) for o in result.orders
    ]
    assert [next(iter(o["event_ids"]), None) for o in filled] == [o.event for o in result.orders]
    for o, e in zip(filled, result.orders, strict=True):
        assert near(o["shares"] * e.price, e.shares * e.price, scale), (o, e)
        assert near(o["price"], e.price, e.price), (o, e)
        assert near(o["commission"], e.commission, scale), (o, e)
        assert near(o["slippage"], e.slippage, scale), (o, e)
    refused = ours.filter(status="refused").to_dicts()
    assert [
        (bar[o["time_decided"]], o["asset"], o["reason"], next(iter(o["event_ids"]), None), o["side"]) for o in refused
    ] == [(r.bar, symbols[r.asset], r.reason, r.event, r.side) for r in result.refusals]
    assert all(o["shares"] == o["commission"] == o["slippage"] == 0.0 and o["price"] is None for o in refused)
    trades = (
        run.trades.with_columns(pl.col("entry_time", "exit_time").dt.timestamp("us"))
        .sort("entry_time", "asset")
        .to_dicts()
    )
    expected = sorted(result.trades, key=lambda t: (t.entry_bar, t.asset))
    trades.sort(key=lambda t: (bar[t["entry_time"]], t["asset"], bar.get(t["exit_time"], 1 << 30)))
    expected.sort(key=lambda t: (t.entry_bar, t.asset, t.exit_bar))
    assert len(trades) == len(expected)
    for t, e in zip(trades, expected, strict=True):
        assert (bar[t["entry_time"]], t["asset"], t["side"]) == (
            e.entry_bar,
            symbols[e.asset],
            "LONG" if e.side > 0 else "SHORT",
        )
        assert (t["entry_reason"], t["exit_reason"], t["bars_held"]) == (e.entry_reason, e.exit_reason, e.bars_held)
        assert tuple(i for i in t["event_ids"] if i) == e.event_ids
        for name, theirs in (("pnl", e.pnl), ("carry", e.carry), ("dividends", e.dividends), ("net", e.net)):
            assert near(t[name], theirs, scale), (name, t, e)
        for name, theirs in (("return", e.return_), ("worst", e.worst), ("best", e.best)):
            assert near(t[name], theirs, 1.0), (name, t, e)
    for name, theirs_path in (("equity", result.equity), ("cash", result.cash)):
        for t, (o, e) in enumerate(zip(run.equity[name], theirs_path, strict=True)):
            assert near(o, e, scale), (name, t, o, e)
    worth = np.array([run.info["initial_cash"], *result.equity])
    returns = np.diff(worth) / np.maximum(abs(worth[:-1]), 1e-9)
    steady = abs(returns.mean()) > 1e6 * returns.std()  # next to no deviation: what is divided by it is rounding
    even = sum(abs(net) <= 1e-9 * scale for net in run.trades["net"])  # won or lost by rounding
    for name, theirs in result.metrics.items():
        if name == "hit_rate" and even:
            continue
        if steady and name in ("sharpe", "skewness", "excess_kurtosis"):
            continue
        size = scale if name in ("final_equity", "total_borrow", "total_costs") else 1.0
        assert near_metric(run.metrics[name], theirs, size, name), (name, run.metrics[name], theirs)
    identity = run.trades["net"].sum() + run.metrics["interest_earned"] - run.metrics["interest_owed"]
    start = run.info["initial_cash"]
    assert abs(identity - (run.metrics["final_equity"] - start)) <= 1e-9 * scale


_RATIOS = (
    "skewness", "excess_kurtosis", "sharpe", "sortino", "volatility", "profit_factor", "calmar", "cagr", "turnover",
)  # fmt: skip


def near_metric(ours: float | None, theirs: float | None, size: float, name: str) -> bool:
    """Ratios divide by what may be next to nothing, so that 1e-9 of the amounts is more of the ratio."""
    if ours is None or theirs is None:
        return ours is theirs
    slack = 1e-6 if name in _RATIOS else 1e-9
    return abs(ours - theirs) <= slack * max(size, abs(theirs))
