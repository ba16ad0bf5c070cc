"""Nothing that was not known at an open changes what was done up to it: not one bit.

For every strategy and 50 random bars the future is scrambled: every price after the open of the bar is another, every
event that was not known by then is changed, moved, dropped, or joined by ones nobody wrote. What was filled or refused
before the bar and at its open, and the equity before it, have to stay what they were.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

import engine.arrays
from engine import Account, Channel, Events, Market, Run, Strategy, backtest
from engine.kinds import KINDS
from strategies import FadePanic, HedgedBubbleShort, NarrativePressure, ShortBubbleWarning, Signals, SmaCross

ASSETS = ["AMD", "AVGO", "CRWV", "GOOGL", "META", "MSFT", "NVDA", "ORCL", "PLTR", "SPY", "TSM", "VST"]


@cache
def market() -> Market:
    """The simulated market of a year, with a late listing (CRWV) in it."""
    return Market.sample().select(ASSETS, "2025-01-02", "2025-12-31")


@cache
def events() -> Events:
    """The events of the seed documents, and 200 random ones, so that there is a future to scramble at every bar."""
    random = np.random.default_rng(2025)
    first, last = (np.datetime64(day) for day in ("2025-01-02", "2025-12-30"))
    at = first + random.integers(0, int((last - first) / np.timedelta64(1, "m")), 200) * np.timedelta64(1, "m")
    drawn = pl.DataFrame(
        {
            "event_id": [f"drawn-{i}" for i in range(200)],
            "kind": random.choice(KINDS, 200),
            "assets": [random.choice(ASSETS, 2, replace=False).tolist() for _ in range(200)],
            "strength": random.uniform(0.1, 1.0, 200),
            "published_at": pl.Series(at.astype("datetime64[us]")).dt.replace_time_zone("UTC"),
        }
    )
    ours = Events.sample().frame
    return Events.from_frame(pl.concat([ours, Events.from_frame(drawn).frame]))


def signals() -> pl.DataFrame:
    """A signal for a random asset on every third session, known the evening before."""
    random = np.random.default_rng(7)
    sessions = market().sessions[3::3]
    evening = pl.Series(sessions.astype("datetime64[us]") - np.timedelta64(3, "h")).dt.replace_time_zone("UTC")
    listed = [asset for asset in ASSETS if asset != "CRWV"]
    return pl.DataFrame(
        {
            "asset": random.choice(listed, sessions.size),
            "known_at": evening,
            "weight": random.choice([-0.3, -0.1, 0.0, 0.2, 0.4], sessions.size),
        }
    )


STRATEGIES: dict[str, Strategy] = {
    "short_bubble_warning": ShortBubbleWarning(threshold=0.2, trail=0.1, take=0.1),
    "fade_panic": FadePanic(fall=0.05),
    "narrative_pressure": NarrativePressure(threshold=0.3),
    "hedged_bubble_short": HedgedBubbleShort(threshold=0.2, hedge=0.7),
    "sma_cross": SmaCross(fast=3, slow=9),
    "signals": Signals(signals=signals(), hold=8),
}


def scrambled_market(bar: int, random: np.random.Generator) -> Market:
    """The market with other prices, dividends and holes after the open of a bar; up to it, it is the same."""
    real = market()
    frame, size = real.frame, real.frame.height
    at = np.searchsorted(real.opens, frame["time"].dt.timestamp("us").to_numpy())
    factor = np.where(at >= bar, np.exp(random.normal(0, 0.3, size)), 1.0)
    opened = np.where(at > bar, factor, 1.0) * frame["open"].to_numpy()
    low, high, close = (factor * frame[name].to_numpy() for name in ("low", "high", "close"))
    cut = (at > bar) & (at < len(real.opens) - 1) & (random.random(size) < 0.1)  # the last stay: as many bars as before
    paid = np.where((at > bar) & (random.random(size) < 0.05), random.uniform(0, 2, size), frame["dividend"])
    columns = {"open": opened, "low": np.minimum(low, opened), "high": np.maximum(high, opened), "close": close}
    other = frame.with_columns(**{name: pl.Series(v) for name, v in columns.items()}, dividend=pl.Series(paid))
    return Market.build(other.filter(pl.Series(~cut)), real.opens, real.sessions, real.findings, real.metadata)


def scrambled_events(bar: int, random: np.random.Generator) -> Events:
    """The events with everything changed that is not known before the open of a bar."""
    frame, opens = events().frame, opening(bar)
    known, unknown = frame.filter(pl.col("known_at") < opens), frame.filter(pl.col("known_at") >= opens)
    kept = unknown.sample(fraction=0.7, seed=int(random.integers(1 << 30)))
    size = kept.height
    touched = [random.choice(ASSETS, 3, replace=False).tolist() for _ in range(size)]
    changed = kept.with_columns(
        strength=pl.Series(random.uniform(0, 1, size), dtype=pl.Float64),
        stance=pl.Series(random.uniform(-1, 1, size), dtype=pl.Float64),
        kind=pl.Series(random.choice(KINDS, size), dtype=pl.String),
        assets=pl.Series(touched, dtype=pl.List(pl.String)),
        known_at=pl.col("known_at") + pl.Series(random.integers(0, 40 * 24 * 60, size)) * dt.timedelta(minutes=1),
    )
    at_once = pl.lit(opens, pl.Datetime("us", "UTC"))  # known at the very open, which is too late for it
    new = changed.with_columns(event_id="0-new-" + pl.col("event_id"), published_at=at_once, known_at=at_once)
    return Events.from_frame(pl.concat([known, changed, new]))


def scrambled(strategy: Strategy, bar: int, random: np.random.Generator) -> Strategy:
    """The strategy with its own table, if it has one, changed where it is not known before the open of a bar."""
    if not isinstance(strategy, Signals):
        return strategy
    told = signals()
    weights = np.where(told["known_at"] >= opening(bar), random.uniform(-0.5, 0.5, told.height), told["weight"])
    return Signals(**{**strategy.settings(), "signals": told.with_columns(weight=pl.Series(weights))})


def opening(bar: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(market().opens[bar] / 1e6, dt.UTC)


def until(run: Run, bar: int, fill: str) -> tuple[list[Any], list[Any]]:
    """What was filled or refused before a bar and at its open, and the path of the account before it."""
    opens = run.equity["time"][bar]
    when = pl.coalesce("time_filled", "time_decided")
    past = when < opens
    if fill == "open":
        past |= (when == opens) & ~pl.col("reason").is_in(["STOP", "TRAIL", "TAKE", "RUIN"])
    return run.orders.filter(past).drop("order_id").rows(), run.equity.drop("benchmark", "spy").head(bar).rows()


def leaks(strategy: Strategy, fill: str, bars: int, seed: int) -> tuple[list[int], int, Run]:
    """Bars whose future changed their past; how many ends it changed; and the run with the real future."""
    random = np.random.default_rng(seed)
    account = Account(fill=fill)
    before = backtest(strategy, market(), events(), account)
    caught, others = [], 0
    for bar in random.choice(np.arange(1, len(market().opens)), bars, replace=False).tolist():
        future = scrambled_market(bar, random), scrambled_events(bar, random)
        other = backtest(scrambled(strategy, bar, random), *future, account)
        if until(other, bar, fill) != until(before, bar, fill):
            caught.append(bar)
        others += other.equity["equity"][-1] != before.equity["equity"][-1]
    return caught, others, before


@pytest.mark.parametrize(("fill", "bars"), [("open", 25), ("close", 10)])
@pytest.mark.parametrize("name", STRATEGIES)
def test_what_is_not_known_at_an_open_changes_nothing_up_to_it(name: str, fill: str, bars: int) -> None:
    caught, others, run = leaks(STRATEGIES[name], fill, bars, seed=list(STRATEGIES).index(name))
    assert caught == [], f"{name} knew what came later"
    assert run.trades.height > 20, "too few trades to prove anything"
    assert others > 0.85 * bars, "the future was scrambled, so that it should have turned out differently"


# --- and would it be noticed? ---


class Early(NarrativePressure):
    """Acts on every event one bar too early."""

    def touched(self, events: pl.DataFrame, assets: Sequence[str]) -> pl.DataFrame:
        return super().touched(events, assets).with_columns(bar=pl.col("bar") - 1)


class Peeking(Strategy):
    """Knows tomorrow's close."""

    channels: ClassVar[Mapping[str, Channel]] = {"told": Channel(value="signed")}
    watch = "events"

    @staticmethod
    def rule(told_new, side):  # type: ignore[no-untyped-def]
        return told_new if side == 0 else 0

    def table(self, market: Market) -> pl.DataFrame:
        close = market.columns().close[market.assets.index("NVDA")]
        bar = np.flatnonzero(np.isfinite(close[:-1]) & np.isfinite(close[1:]))
        return pl.DataFrame(
            {
                "event_id": pl.Series([None] * bar.size, dtype=pl.String),
                "kind": "signal",
                "strength": 0.1,
                "stance": np.sign(close[bar + 1] - close[bar]),
                "known_at": pl.Series([None] * bar.size, dtype=pl.Datetime("us", "UTC")),
                "bar": bar.astype(np.int32),
                "asset": np.full(bar.size, market.assets.index("NVDA"), np.int32),
            }
        )


@pytest.mark.parametrize("cheat", [Early(threshold=0.3), Peeking()], ids=["early", "peeking"])
def test_a_strategy_that_looks_ahead_is_caught(cheat: Strategy) -> None:
    caught, _, _ = leaks(cheat, "open", 12, seed=1)
    assert len(caught) >= 3


def test_a_feature_that_looks_ahead_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.arrays, "_late", lambda fill: 0)  # a bar's own close, known at its open
    caught, _, _ = leaks(SmaCross(fast=1, slow=3), "open", 12, seed=1)
    assert len(caught) >= 3
