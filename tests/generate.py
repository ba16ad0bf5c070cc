"""Generated cases for the account: everything that happens rarely in a market happens often here.

`case(seed)` is quick and deterministic, for loops over thousands of seeds; `cases()` is a hypothesis strategy that
draws smaller ones by the same code, for shrinking. Prices come in two styles: smooth ones, and ones on a grid of
quarters (with splits that are mostly powers of two) whose levels tie exactly, whichever way a formula is written.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import floor, inf
from typing import Any, Protocol, TypeVar

import numpy as np
from hypothesis import strategies as st
from oracle import Bars, Event, Exits, Settings, Signals

T = TypeVar("T")


@dataclass
class Case:
    """One input of the account."""

    bars: Bars
    signals: Signals
    settings: Settings
    exits: Exits


class Source(Protocol):
    """Where chance comes from; `small` asks for cases worth reading."""

    small: bool

    def uniform(self) -> float:
        """Draw from 0 to under 1."""

    def below(self, n: int) -> int:
        """Draw an integer from 0 to n - 1."""


class _Seeded:
    small = False

    def __init__(self, seed: int) -> None:
        self.stream: Iterator[float] = iter(np.random.default_rng(seed).random(20_000).tolist())

    def uniform(self) -> float:
        return next(self.stream)

    def below(self, n: int) -> int:
        return floor(next(self.stream) * n)


class _Drawn:
    small = True

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self.draw = draw

    def uniform(self) -> float:
        return self.draw(_hundredths()) / 100.0

    def below(self, n: int) -> int:
        return self.draw(_integers(n))


@lru_cache
def _integers(n: int) -> st.SearchStrategy[int]:
    return st.integers(0, n - 1)


def _hundredths() -> st.SearchStrategy[int]:
    return _integers(100)


def case(seed: int) -> Case:
    """Build the case of a seed: up to 5 assets and 60 bars."""
    return build(_Seeded(seed))


@st.composite
def cases(draw: Any) -> Case:
    """Draw a small case: up to 3 assets and 12 bars."""
    return build(_Drawn(draw))


def pick(source: Source, values: Sequence[T]) -> T:
    """Draw one of the values; the plainest stands first."""
    return values[source.below(len(values))]


def chance(source: Source, probability: float) -> bool:
    # The likely thing first, so that hypothesis shrinks towards "no".
    return source.uniform() >= 1.0 - probability


def build(source: Source) -> Case:
    """Build a case from a source of chance."""
    grid = chance(source, 0.4)
    dates, bars_per_day = draw_dates(source)
    bars = draw_bars(source, dates, grid)
    settings = draw_settings(source, grid, bars_per_day)
    return Case(bars, draw_signals(source, bars), settings, draw_exits(source, grid, len(bars.symbols)))


def draw_dates(source: Source) -> tuple[list[date], int]:
    """Draw the session of each bar: weekdays, every day, days with gaps, or several bars a day."""
    count = 2 + source.below(11 if source.small else 59)
    style = pick(source, ("week", "always", "holidays", "intraday"))
    per_day = pick(source, (2, 7)) if style == "intraday" else 1
    day, dates = date(2025, 1, 1) + timedelta(days=source.below(7)), list[date]()
    while len(dates) < count:
        if style == "always" or day.weekday() < 5:
            dates += [day] * per_day
        day += timedelta(days=pick(source, (1, 1, 1, 4, 30)) if style == "holidays" else 1)
    return dates[:count], per_day


# Moves from one price to the next.
CALM_GRID = (1.0, 1.0, 1.25, 0.75, 1.125, 0.875, 1.5)
CALM = (1.0, 1.01, 0.99, 1.03, 0.97, 1.06, 0.94)
WILD = (0.45, 1.6, 0.7, 1.45, 0.2, 2.75, 3.9, 0.1)


@dataclass(frozen=True)
class Temper:
    """How an asset behaves."""

    grid: bool
    wild: float  # probability of a crash or squeeze between bars
    still: float  # probability that a bar is one price

    def move(self, source: Source) -> float:
        if chance(source, self.wild):
            return pick(source, WILD)
        if self.grid:
            return pick(source, CALM_GRID)
        return pick(source, CALM) * (1.0 + (source.uniform() - 0.5) * 0.02)

    def settle(self, price: float) -> float:
        """Round a quoted price to what is traded, quarters on the grid and cents off it; bring it back from the sky."""
        step = 0.25 if self.grid else 0.01
        while price > 4000.0:
            price /= 8.0
        return max(round(price / step) * step, step)


def draw_bars(source: Source, dates: list[date], grid: bool) -> Bars:
    """Draw prices, halts, dividends, splits and perhaps a borrow table."""
    assets = 1 + source.below(3 if source.small else 5)
    count = len(dates)
    symbols = [f"A{a}" for a in range(assets)]
    bars = Bars(symbols, dates, [], [], [], [], [], [])
    for _ in range(assets):
        splits = draw_splits(source, count)
        temper = Temper(grid, pick(source, (0.02, 0.0, 0.1, 0.3)), pick(source, (0.05, 0.0, 0.5)))
        quoted = pick(source, (100.0, 40.0, 8.0, 6.0, 5.0, 2.75, 2.5, 1.5))
        rows = draw_prices(source, temper, quoted, [1.0 if s is None else s for s in splits])
        for t in draw_silence(source, count):
            rows[t] = None
        for i, column in enumerate((bars.open, bars.high, bars.low, bars.close)):
            column.append([None if row is None else row[i] for row in rows])
        bars.split.append(splits)
        bars.dividend.append(draw_dividends(source, rows))
    if chance(source, 0.3):
        bars.borrow = [[pick(source, (0.0, 0.03, 0.5, 3.0)) for _ in dates] for _ in symbols]
    return bars


def draw_prices(
    source: Source, temper: Temper, quoted: float, splits: list[float]
) -> list[tuple[float, float, float, float] | None]:
    """Draw adjusted prices; the path is of quoted ones, so that shorts often meet the dollar floors of maintenance."""
    rows: list[tuple[float, float, float, float] | None] = []
    last = temper.settle(quoted) / splits[0]
    for split in splits:
        o = temper.settle(last * split * (1.0 if chance(source, 0.3) else temper.move(source)))
        if chance(source, temper.still):
            high = low = close = o
        else:
            middle, close = temper.settle(o * temper.move(source)), temper.settle(o * temper.move(source))
            high, low = max(o, middle, close), min(o, middle, close)
        rows.append((o / split, high / split, low / split, close / split))
        last = close / split
    return rows


def draw_splits(source: Source, count: int) -> list[float | None]:
    """Draw the product of the splits after each bar: known, unknown, or unknown before some bar."""
    style = pick(source, ("known", "known", "none", "unknown", "partly"))
    if style == "unknown":
        return [None] * count
    splits: list[float | None] = [pick(source, (1.0, 1.0, 2.0, 10.0, 0.25))] * count  # of splits after the last bar
    for _ in range(source.below(3) if style != "none" else 0):
        day, by = source.below(count), pick(source, (2.0, 4.0, 10.0, 0.5, 0.125))
        splits[:day] = [None if s is None else s * by for s in splits[:day]]
    if style == "partly":
        known = source.below(count)
        splits[:known] = [None] * known
    return splits


def draw_silence(source: Source, count: int) -> list[int]:
    """Draw the bars without a price: late listing, halts short and long, delisting."""
    silent: set[int] = set()
    if chance(source, 0.2):
        silent |= set(range(source.below(max(1, count // 2))))
    for _ in range(pick(source, (0, 0, 1, 1, 2, 4))):
        start = source.below(count)
        silent |= set(range(start, min(count, start + pick(source, (1, 1, 2, 3, 6, 9)))))
    if chance(source, 0.15):
        silent |= set(range(count - pick(source, (1, 2, 4, 5, 6, 12)), count))
    return sorted(t for t in silent if t >= 0)


def draw_dividends(source: Source, rows: list[tuple[float, float, float, float] | None]) -> list[float]:
    """Draw dividends per adjusted share, some on days without a bar, some larger than any real one."""
    often, last, dividends = pick(source, (0.0, 0.05, 0.2)), 1.0, []
    for row in rows:
        last = last if row is None else row[3]
        dividends.append(pick(source, (0.01, 0.05, 0.3)) * last if chance(source, often) else 0.0)
    return dividends


def draw_signals(source: Source, bars: Bars) -> Signals:
    """Draw answers of a rule; events of a bar often tie in known_at, touch several assets, or come from bars before."""
    often = pick(source, (0.1, 0.25, 0.5, 0.9))
    temper = pick(source, ("usual", "usual", "large", "one-way"))
    weights = {
        "usual": (0.5, -0.5, 0.0, 1.0, -1.0, 0.25, -0.3, 0.1, -0.07, 2.0, -2.0, 0.0, 1e-4, -3e-6),
        "large": (1.0, -1.0, 1.9, -1.9, 2.5, -2.5, 5.0, -5.0, 10.0, -10.0, 0.0),
        "one-way": (-0.4, -0.9, -1.5, 0.3, -0.2),
    }[temper]
    signals: Signals = {}
    for t in range(len(bars.dates)):
        for a in range(len(bars.symbols)):
            if chance(source, often):
                signals[a, t] = (pick(source, weights), draw_event(source, t))
    return signals


def draw_event(source: Source, t: int) -> Event | None:
    if chance(source, 0.3):
        return None
    bar = max(0, t - pick(source, (0, 0, 0, 1, 3)))
    return pick(source, ((10 * bar - 5, f"e{bar}b"), (10 * bar - 5, f"e{bar}a"), (10 * bar - 8, f"e{bar}c")))


def draw_settings(source: Source, grid: bool, bars_per_day: int) -> Settings:
    """Draw settings: half of them plain, the others odd in several ways at once.

    On the grid every fill pays a commission and initial margin is an odd number. Else a short of weight 1 whose price
    doubles, or a long cut to twice the equity whose price halves, has an equity of 0 or of 1e-10, by rounding alone,
    and is ruined or called by it.
    """
    odd = chance(source, 0.5)
    initials = (0.53, 0.27, 0.97) if grid else (0.5, 0.25, 1.0, 0.1)
    return Settings(
        cash=pick(source, (1_000_000.0, 1_000_000.0, 10_000.0, 1_234.5)),
        kind=pick(source, ("portfolio", "portfolio", "columns")),
        fill=pick(source, ("open", "open", "close")),
        slippage=pick(source, (0.0,) if grid else (0.0005, 0.0, 0.01) + ((0.2,) if odd else ())),
        fee_rate=pick(source, (0.0001, 0.05) + (() if grid else (0.0,)) if odd else (0.0001,)),
        fee_share=pick(source, (0.0, 0.005, 0.5)) if odd else 0.0,
        min_fee=pick(source, (0.0, 1.0, 35.0, 5_000.0)) if odd else 0.0,
        borrow_rate=pick(source, (0.03, 0.0, 0.4, 5.0, 300.0) if odd else (0.03,)),
        debit_rate=pick(source, (0.06, 0.0, 0.6)),
        cash_rate=pick(source, (0.0, 0.04)),
        initial=pick(source, initials if odd else initials[:1]),
        lot=pick(source, (0.0, 0.0, 1.0, 100.0, 0.5)) if odd else 0.0,
        min_notional=pick(source, (0.0, 500.0, 100_000.0)) if odd else 0.0,
        bars_per_year=252.0 * bars_per_day,
    )


def draw_exits(source: Source, grid: bool, assets: int) -> Exits:
    """Draw exits; on the grid stop and trailing stop are often one number, and levels are met exactly."""
    stops = (inf, 0.25, 0.125, 0.5) if grid else (inf, 0.05, 0.02, 0.15, 1.0, 0.0004)
    takes = (inf, 0.25, 0.125, 0.5) if grid else (inf, 0.05, 0.02, 0.3, 1.0)
    stop = pick(source, stops) if chance(source, 0.7) else inf  # without one, calls and ruin come more often
    trail = pick(source, stops) if chance(source, 0.7) else inf
    if chance(source, 0.2):
        trail = stop
    elif grid and chance(source, 0.5):
        # 75 is a quarter under 100 and half of 150; 150 is half above 100 and twice 75: ties after the price has moved.
        stop, trail = pick(source, ((0.25, 0.5), (0.5, 1.0)))
    return Exits(
        hold=pick(source, (inf, 1.0, 2.0, 3.0, 5.0, 10.0)),
        stop=stop,
        trail=trail,
        take=pick(source, takes),
        reverses=chance(source, 0.5),
        refresh=chance(source, 0.5),
        spared=frozenset(a for a in range(assets) if chance(source, 0.1)),
    )
