"""The jobs of the suite: what is walked, read or loaded, made from a seed; numpy alone, so that every peer gets the same.

docs/performance.md has a section for each. Prices are simulated. The rules are those that every peer can follow: orders fill
at the close of the bar that decides them, a commission on the notional, no slippage, no interest, no margin that binds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.calendars import calendar
from engine.faults import Fault
from engine.guess import did_you_mean

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: The account of every job: currency at the start, and commission as a share of the notional.
CASH, FEE = 1_000_000.0, 0.0005

SIZES = ("full", "quick", "tiny")


@dataclass(frozen=True)
class Dense:
    """A grid of two moving averages on one asset: long while the fast one is above the slow one.

    Attributes
    ----------
    close : (bar,)
    fast, slow : windows; the lanes are all pairs, the slow window running fastest
    weight : share of the equity that an entry buys
    """

    close: Floats
    fast: Ints
    slow: Ints
    weight: float = 0.5
    name = "dense"
    unit = "bar-steps/s"

    @property
    def lanes(self) -> int:
        """Pairs of windows."""
        return self.fast.size * self.slow.size

    @property
    def units(self) -> float:
        """Bars that one lane steps through."""
        return self.close.size

    def pairs(self, lanes: Ints) -> tuple[Ints, Ints]:
        """Windows of the lanes of these numbers."""
        return self.fast[lanes // self.slow.size], self.slow[lanes % self.slow.size]


@dataclass(frozen=True)
class Narrative:
    """Random parameters of a strategy that shorts what is warned of; many assets, one cash.

    A story is known an hour before its bar opens. A warning (or a relief) adds its strength to the pressure on the assets it
    touches, which halves every `half_life` bars. A new warning shorts an asset that is not held, if warnings less relief
    reach the threshold; a new relief that outweighs the warnings covers; so do `hold` bars.

    Attributes
    ----------
    open, high, low, close : (asset, bar)
    sessions : datetime64[D], (bar,)
    bar, relief, strength : (story,)
    touched : (story, 4), assets
    half_life, threshold, hold, weight : (lane,)
    whole : also stops, targets, borrow fees, margin, slippage: the account as it is, which only we have
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    sessions: npt.NDArray[np.datetime64]
    bar: Ints
    relief: npt.NDArray[np.bool_]
    strength: Floats
    touched: Ints
    half_life: Floats
    threshold: Floats
    hold: Floats
    weight: Floats
    whole: bool = False
    unit = "backtests/s"
    units = 1.0

    @property
    def name(self) -> str:
        """The name of the workload."""
        return "narrative_whole" if self.whole else "narrative"

    @property
    def lanes(self) -> int:
        """Parameter sets."""
        return self.hold.size


@dataclass(frozen=True)
class Sparse:
    """Few orders in a long history: one account a column, long from each entry to each exit, otherwise flat.

    Attributes
    ----------
    close : (column, bar)
    entries, exits : (column, trade), bars
    """

    close: Floats
    entries: Ints
    exits: Ints
    weight: float = 0.5
    name = "sparse"
    unit = "bars/s"

    @property
    def lanes(self) -> int:
        """Columns."""
        return self.close.shape[0]

    @property
    def units(self) -> float:
        """Bars of one column, held or not."""
        return self.close.shape[1]


@dataclass(frozen=True)
class Single(Dense):
    """One backtest of the dense job's strategy, alone: what a person waits for."""

    name = "single"
    unit = "backtests/s"

    @property
    def units(self) -> float:
        """One backtest."""
        return 1.0


@dataclass(frozen=True)
class Load:
    """A Parquet file of daily bars to matrices (asset, bar) of float32.

    Attributes
    ----------
    assets, bars : how many
    foreign : a file of somebody else's, whose prices are checked on the way in; or one that `Market.write` wrote
    """

    assets: int
    bars: int
    foreign: bool = False
    unit = "bars/s"
    lanes = 1

    @property
    def name(self) -> str:
        """The name of the workload."""
        return "import" if self.foreign else "load"

    @property
    def units(self) -> float:
        """Bars in the file."""
        return self.assets * self.bars

    @property
    def bytes(self) -> int:
        """Size of the matrices: open, high, low, close, dividend, split."""
        return self.assets * self.bars * 6 * 4


@dataclass(frozen=True)
class Read:
    """Documents in four languages to events; of a hundred, two make claims, ten look as if they might."""

    documents: int
    name = "read"
    unit = "documents/s"
    lanes = 1

    @property
    def units(self) -> float:
        """Documents."""
        return self.documents


@dataclass(frozen=True)
class Command:
    """A process from its start to its first result.

    Attributes
    ----------
    what : "first", one backtest of the single job; "demo", `tocsin demo`
    cold : with nothing compiled
    """

    what: str
    cold: bool
    unit = "runs/s"
    lanes = 1
    units = 1.0

    @property
    def name(self) -> str:
        """The name of the workload."""
        return f"{self.what}_{'cold' if self.cold else 'warm'}"


Job = Dense | Narrative | Sparse | Load | Read | Command


def walk(random: np.random.Generator, shape: tuple[int, ...], step: float) -> Floats:
    """Closes of a random walk along the last axis that ends at 100, where it began, so that a long one stays a price."""
    walked = np.cumsum(random.normal(0, step, shape), axis=-1)
    bridge = np.arange(1, shape[-1] + 1) / shape[-1]
    return np.round(100 * np.exp(walked - bridge * walked[..., -1:]), 6)


def dense(size: str) -> Dense:
    """10,000 pairs over 200,000 bars of five minutes."""
    bars, fast, slow = {"full": (200_000, 80, 125), "quick": (20_000, 8, 125), "tiny": (3_000, 4, 6)}[size]
    close = walk(np.random.default_rng(1), (bars,), 0.002)
    return Dense(close, np.arange(5, 5 + fast), np.arange(90, 90 + 2 * slow, 2))


def single(size: str) -> Single:
    """One pair over ten years of days."""
    bars = {"full": 2_520, "quick": 2_520, "tiny": 500}[size]
    return Single(walk(np.random.default_rng(2), (bars,), 0.015), np.array([10]), np.array([50]))


def narrative(
    size: str,
    *,
    whole: bool = False,
    assets: int = 20,
    bars: int = 500,
    stories: int = 40,
    lanes: int | None = None,
) -> Narrative:
    """20 assets, 500 days, 40 stories that touch four of them each."""
    lanes = lanes or {"full": 200_000, "quick": 20_000, "tiny": 300}[size]
    random = np.random.default_rng(3)
    close = walk(random, (assets, bars), 0.02)
    opens = np.concatenate([close[:, :1], close[:, :-1]], axis=1) * np.exp(random.normal(0, 0.005, close.shape))
    high = np.maximum(opens, close) * np.exp(np.abs(random.normal(0, 0.006, close.shape)))
    low = np.minimum(opens, close) * np.exp(-np.abs(random.normal(0, 0.006, close.shape)))
    known = calendar("XNYS").sessions
    sessions = known[known >= np.datetime64("2005-01-04")][:bars]
    touched = min(4, assets)
    told = np.sort(random.choice(np.arange(1, bars), stories, replace=stories >= bars))
    return Narrative(
        opens, high, low, close, sessions,
        told, random.random(stories) < 0.2, random.uniform(0.2, 1.0, stories),
        np.stack([random.choice(assets, touched, replace=False) for _ in range(stories)]),
        random.uniform(2, 40, lanes), random.uniform(0.3, 1.5, lanes), random.integers(3, 41, lanes).astype(float),
        random.uniform(0.02, 0.1, lanes), whole,
    )  # fmt: skip


def sparse(size: str) -> Sparse:
    """8 columns, 1,000,000 minutes, 1,388 orders each."""
    columns, bars, trades = {"full": (8, 1_000_000, 694), "quick": (8, 100_000, 69), "tiny": (3, 5_000, 20)}[size]
    random = np.random.default_rng(5)
    room = bars // trades
    entries = np.arange(trades) * room + random.integers(1, room // 2, (columns, trades))
    exits = entries + random.integers(5, 41, (columns, trades))
    return Sparse(walk(random, (columns, bars), 0.0005), entries, exits)


def load(size: str, *, foreign: bool = False) -> Load:
    """500 assets, ten years of days."""
    return Load(*{"full": (500, 2_520), "quick": (100, 2_520), "tiny": (5, 60)}[size], foreign)


def panel(job: Load) -> tuple[npt.NDArray[np.datetime64], dict[str, Floats]]:
    """Sessions, and matrices (asset, bar) of open, high, low, close, volume."""
    made = narrative("tiny", assets=job.assets, bars=job.bars, stories=1, lanes=1)
    volume = np.random.default_rng(6).integers(1_000, 1_000_000, made.close.shape).astype(float)
    prices = {name: np.round(getattr(made, name), 4) for name in ("open", "high", "low", "close")}
    return made.sessions, {**prices, "volume": volume}


def read(size: str) -> Read:
    """A hundred thousand documents."""
    return Read({"full": 100_000, "quick": 10_000, "tiny": 300}[size])


JOBS: dict[str, Callable[[str], Any]] = {
    "dense": dense,
    "narrative": narrative,
    "narrative_whole": lambda size: narrative(size, whole=True),
    "sparse": sparse,
    "single": single,
    "read": read,
    "load": load,
    "import": lambda size: load(size, foreign=True),
    "first_cold": lambda size: Command("first", True),
    "first_warm": lambda size: Command("first", False),
    "demo_cold": lambda size: Command("demo", True),
    "demo_warm": lambda size: Command("demo", False),
}


def make(name: str, size: str) -> Job:
    """Make a job by its name, in one of the `SIZES`."""
    if name not in JOBS:
        raise Fault(f"workload {name!r} is unknown{did_you_mean(name, JOBS)}, allowed are {', '.join(JOBS)}; name one.")
    job: Job = JOBS[name](size)
    return job
