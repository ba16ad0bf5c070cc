"""The jobs that are measured, as arrays: numpy alone, so that they can be made on any machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kernels.layout import Bars, News
from kernels.prices import price_table
from kernels.rules import YEAR, Terms

_BORROW, _DEBIT = 0.03, 0.06

#: The terms of an account that is left as it is (engine/account.py).
TERMS = Terms(1e6, 0.0005, 0.0, 0.0001, 0.0, 0.5, 0.25, 0.3, 5.0, 2.5, 5.0, 0.0, 0.0, 1e-9, 1e-9)


@dataclass(frozen=True)
class Job:
    """Arrays of one market and its news."""

    bars: Bars
    news: News


def narrative(
    assets: int = 20, bars: int = 500, stories: int = 40, dtype: npt.DTypeLike = np.float32, seed: int = 0
) -> Job:
    """Daily bars of a random walk, and stories that touch four assets each, in two channels (warn and relief)."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.02, (assets, bars)), axis=1))
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1) * np.exp(random.normal(0, 0.005, close.shape))
    high = np.maximum(open_, close) * np.exp(abs(random.normal(0, 0.006, close.shape)))
    low = np.minimum(open_, close) * np.exp(-abs(random.normal(0, 0.006, close.shape)))
    days = np.where(np.arange(bars) % 5 == 0, 3.0, 1.0)
    touched = min(4, assets)
    bar = np.repeat(np.sort(random.choice(np.arange(1, bars), stories, replace=False)), touched)
    asset = np.concatenate([random.choice(assets, touched, replace=False) for _ in range(stories)])
    relief = np.repeat(random.random(stories) < 0.2, touched)
    strength = random.uniform(0.2, 1.0, bar.size)
    fresh = np.stack([np.where(relief, 0.0, strength), np.where(relief, strength, 0.0)], axis=1)
    return Job(bars_from(open_, high, low, close, days, dtype), News(bar, asset, ~relief, fresh.astype(dtype)))


def bars_from(
    open_: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    low: npt.NDArray[np.float64],
    close: npt.NDArray[np.float64],
    days: npt.NDArray[np.float64],
    dtype: npt.DTypeLike,
    feature: npt.NDArray[np.float64] | None = None,
) -> Bars:
    """Lay out (asset, bar) prices without gaps, dividends or splits."""
    ones = np.ones_like(close)
    prices = price_table(
        (open_, high, low, close), ones, np.zeros_like(close), _BORROW * ones, days, TERMS, False, np.float64
    )
    times = (np.zeros_like(days), _DEBIT * days / YEAR, np.arange(days.size), np.zeros_like(days))
    empty = np.zeros((*close.shape, 0)) if feature is None else feature
    return Bars(
        np.ascontiguousarray(prices, dtype), np.ascontiguousarray(np.stack(times, axis=1), dtype),
        np.ascontiguousarray(empty, dtype), np.zeros((len(close), 0), dtype), np.ones(len(close), np.bool_),
    )  # fmt: skip
