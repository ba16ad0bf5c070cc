"""The jobs of ``benchmarks.gpu``: markets in which everything happens, and those that are timed. numpy and numba alone."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import strategies
from benchmarks.kernels import lanes_of
from benchmarks.workloads import bars_from, narrative
from engine.account import Account
from engine.arrays import bars_of, bars_per_year, plan_of, years_of
from engine.compile import lane_rows, own_rows, rule_asks
from engine.strategy import Strategy
from kernels import layout as at
from kernels.launch import Basis, Work
from kernels.layout import N_FIXED, News, Plan
from kernels.prices import price_table
from strategies import ShortBubbleWarning, SmaCross

OURS: list[type[Strategy]] = [getattr(strategies, name) for name in strategies.__all__]

#: Assets of a market in which everything happens; a kernel is compiled for one number of them.
ASSETS = 5
_BARS = 120
_WINDOWS = [2, 3, 5]
_START = np.datetime64("2025-01-02")

Matrix = npt.NDArray[np.float64]


class Job(NamedTuple):
    """A strategy, what its lanes have in common, and their parameters (row, lane)."""

    strategy: type[Strategy]
    work: Work
    params: npt.NDArray[Any]


def market(random: np.random.Generator) -> Any:
    """What `engine.arrays` asks of a market: daily bars with crashes, squeezes, halts, late listings, delistings, splits, dividends."""
    shape = (ASSETS, _BARS)
    wild = random.choice([0.0, 0.02, 0.1])
    moves = random.normal(0, random.choice([0.01, 0.04]), shape)
    moves = np.where(random.random(shape) < wild, random.uniform(-1.5, 1.3, shape), moves)
    close = np.clip(random.choice([100.0, 8.0, 3.0], (ASSETS, 1)) * np.exp(np.cumsum(moves, axis=1)), 0.5, 5000.0)
    open_ = np.clip(np.roll(close, 1, axis=1) * np.exp(random.normal(0, 0.02, shape)), 0.5, 5000.0)
    high = np.maximum(open_, close) * np.exp(abs(random.normal(0, 0.02, shape)))
    low = np.minimum(open_, close) * np.exp(-abs(random.normal(0, 0.02, shape)))
    silent = random.random(shape) < random.choice([0.0, 0.03, 0.2])
    for asset in range(ASSETS):
        if random.random() < 0.3:
            silent[asset, : random.integers(1, _BARS // 2)] = True
        if random.random() < 0.3:
            silent[asset, random.integers(_BARS // 2, _BARS) :] = True
    split = np.ones(shape)
    for asset in range(ASSETS):
        if random.random() < 0.5:
            split[asset, : random.integers(1, _BARS)] = random.choice([10.0, 4.0, 0.25, np.nan])
    dividend = np.where(random.random(shape) < random.choice([0.0, 0.05]), random.choice([0.01, 0.3]) * close, 0.0)
    prices = (np.where(silent, np.nan, values) for values in (open_, high, low, close))
    names = ("open", "high", "low", "close")
    columns = SimpleNamespace(**dict(zip(names, prices, strict=True)), dividend=dividend, split=split)
    days = np.where(np.arange(_BARS) % 5 == 0, 3.0, 1.0)
    days[0] = 0.0
    return SimpleNamespace(
        assets=tuple(f"A{a}" for a in range(ASSETS)), days=days, sessions=_START + np.cumsum(days).astype("timedelta64[D]"),
        interval="1d", calendar="XNYS", columns=lambda dtype: columns,
    )  # fmt: skip


def account(random: np.random.Generator, closing: bool, earns: bool) -> Account:
    """An account with every other setting drawn; half of them trade whole lots, pay least fees and refuse small orders."""
    odd = random.random() < 0.5
    return Account(
        cash=float(random.choice([1_000_000.0, 10_000.0])), fill="close" if closing else "open",
        slippage=float(random.choice([0.0005, 0.01])), fee_rate=float(random.choice([0.0001, 0.01])),
        fee_share=float(random.choice([0.005, 0.1])) if odd else 0.0, min_fee=float(random.choice([1.0, 35.0])) if odd else 0.0,
        borrow_rate=float(random.choice([0.03, 0.4, 5.0])), debit_rate=float(random.choice([0.06, 0.6])),
        cash_rate=0.04 if earns else 0.0, initial=float(random.choice([0.53, 0.27, 0.11])),
        lot=float(random.choice([1.0, 100.0])) if odd else 0.0, min_notional=500.0 if odd else 0.0,
    )  # fmt: skip


def parity_jobs(strategy: type[Strategy], dtype: npt.DTypeLike, markets: int, lanes: int) -> Iterator[Job]:
    """One job a market; the same in both precisions, but for the rounding.

    A kernel is compiled for one plan, so there are six, in which each of its settings is on and off.
    """
    for seed in range(markets):
        random, plan_number = np.random.default_rng(seed), seed % 6
        bought, held = market(random), account(random, plan_number > 2, plan_number in (1, 3, 4))
        of = strategy(index=bought.assets[0]) if "index" in strategy.options else strategy()
        of.reverses, of.refresh = bool(seed % 2), bool(seed % 3)
        bars = bars_of(bought, held, of, dtype, None, dict.fromkeys(of.features, _WINDOWS))
        columns, terms = bought.columns(np.float64), held.terms(np.float64)
        rates = np.cumsum(random.choice([0.0, 0.0, 0.1], (ASSETS, _BARS)), axis=1) + held.borrow_rate
        prices = price_table(
            (columns.open, columns.high, columns.low, columns.close), columns.split, columns.dividend, rates, bought.days, terms,
            held.fill == "close", np.float64,
        )  # fmt: skip
        bars = bars._replace(price=np.array(prices, np.dtype(dtype), order="C"))
        news = _news(of, random, dtype)
        plan = plan_of(bought, held, of, "others" in rule_asks(strategy))
        basis = Basis(held.cash, _BARS, years_of(bought), bars_per_year(bought, held), held.cash_rate)
        yield Job(strategy, Work(bars, news, held.terms(dtype), plan, basis), _varied(of, random, lanes, dtype))


def _varied(of: Strategy, random: np.random.Generator, lanes: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Parameters of lanes that differ in everything."""
    settings = {
        **of.settings(),
        "hold": random.choice([2.0, 3.0, 7.0, 20.0, np.inf], lanes), "stop": random.choice([0.04, 0.15, 0.5, np.inf], lanes),
        "trail": random.choice([0.05, 0.25, np.inf], lanes), "take": random.choice([0.05, 0.3, np.inf], lanes),
        "half_life": random.uniform(1, 6, lanes), "weight": random.uniform(0.05, 1.9, lanes),
        "threshold": random.uniform(0.05, 0.6, lanes), "fall": random.uniform(0.02, 0.1, lanes),
    }  # fmt: skip
    rows = lane_rows(type(of), settings, dtype)
    rows = np.array(np.broadcast_to(rows, (rows.shape[0], lanes)))
    place = N_FIXED + len(own_rows(type(of))) - len(of.features)
    for i in range(len(of.features)):
        rows[place + i] = len(_WINDOWS) * i + random.integers(0, len(_WINDOWS), lanes)
    return rows


def _news(of: Strategy, random: np.random.Generator, dtype: npt.DTypeLike) -> News:
    """News in each channel of a strategy, at about a fifth of all assets and bars."""
    if not of.channels:
        empty = np.zeros(0, np.int64)
        return News(empty, empty, np.zeros(0, np.bool_), np.zeros((0, 0), np.dtype(dtype)))
    bar, asset = np.nonzero(random.random((_BARS, ASSETS)) < 0.2)
    signed = np.array([channel.value == "signed" for channel in of.channels.values()])
    fresh = random.uniform(0.2, 1.0, (bar.size, signed.size)) * (random.random((bar.size, signed.size)) < 0.6)
    fresh = np.where(signed & (random.random(fresh.shape) < 0.5), -fresh, fresh)
    return News(
        bar.astype(np.int64), asset.astype(np.int64), random.random(bar.size) < 0.7, np.ascontiguousarray(fresh, np.dtype(dtype))
    )  # fmt: skip


def grid_job(fasts: int, slows: int, bars: int, dtype: npt.DTypeLike, seed: int = 0) -> Job:
    """The dense grid: every pair of a fast and a slow moving average on hourly bars of one asset, which is asked about at each."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.003, (1, bars)), axis=1))
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    high = np.maximum(open_, close) * np.exp(abs(random.normal(0, 0.002, close.shape)))
    low = np.minimum(open_, close) * np.exp(-abs(random.normal(0, 0.002, close.shape)))
    days = np.where(np.arange(bars) % 7 == 0, 1.0, 0.0)
    quick, steady = np.arange(2, 2 + fasts), 2 + fasts + 3 * np.arange(1, slows + 1)
    total = np.concatenate([[0.0], np.cumsum(close[0])])
    bank = np.full((1, bars, fasts + slows), np.nan, np.dtype(dtype))
    for i, window in enumerate((*quick, *steady)):  # known one bar later
        bank[0, window:, i] = ((total[window:] - total[:-window]) / window)[: bars - window]
    laid = bars_from(open_, high, low, close, days, dtype)._replace(feature=bank)
    pairs = fasts * slows
    settings = {
        **SmaCross().settings(),
        "fast": np.repeat(quick, slows),
        "slow": np.tile(steady, fasts),
        "weight": np.full(pairs, 0.9),
    }
    params = lane_rows(SmaCross, settings, dtype)
    params[-2], params[-1] = np.repeat(np.arange(fasts), slows), np.tile(fasts + np.arange(slows), fasts)
    empty = np.zeros(0, np.int64)
    news = News(empty, empty, np.zeros(0, np.bool_), np.zeros((0, 0), np.dtype(dtype)))
    plan = Plan(np.arange(1), at.ALWAYS, False, False, False, False, False, bounded=False, trails=False)
    work = Work(laid, news, Account().terms(dtype), plan, Basis(1e6, bars, bars / 1764.0, 1764.0, 0.0))
    return Job(SmaCross, work, params)


def narrative_job(assets: int, bars: int, lanes: int, dtype: npt.DTypeLike) -> Job:
    """The narrative sweep of `benchmarks.kernels`."""
    made = narrative(assets, bars, min(40, bars // 4), dtype)
    params, plan = lanes_of(assets, lanes, dtype)
    basis = Basis(1e6, bars, bars / 252.0, 252.0, 0.0)
    return Job(ShortBubbleWarning, Work(made.bars, made.news, Account().terms(dtype), plan, basis), params)
