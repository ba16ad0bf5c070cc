"""A market, the account's settings and what a strategy listens to -> the arrays that a walk reads."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from engine.account import Account
from engine.devices import memory_of_machine
from engine.faults import Fault
from engine.silence import refuse_misheard, refuse_no_events, silence, unsure
from engine.strategy import Channel, Strategy
from kernels import features as make
from kernels import layout as at
from kernels.layout import ALWAYS, ON_EVENTS, WHILE_HELD, Bars, News, Plan
from kernels.prices import price_table
from kernels.rules import YEAR

if TYPE_CHECKING:
    import polars as pl

    from engine.clock import Alignment
    from engine.events import Events
    from engine.market import Market

_WATCH = {"events": ON_EVENTS, "held": WHILE_HELD, "always": ALWAYS}
_FEATURES = {"change": make.change, "deviation": make.deviation}

Matrix = npt.NDArray[np.float64]

#: Averages that one thread is worth its start for.
_MUCH = 1_000_000


class Layout(NamedTuple):
    """What the walk of any strategy reads of a market, in float64; nobody writes to it. See `kernels.layout.Bars`."""

    price: Matrix  # (asset, bar, column)
    time: Matrix  # (bar, column)


#: The layout of the last backtest, for the next on the same market: one at a time, and gone when its market is.
_LAST: WeakKeyDictionary[Market, tuple[object, Layout]] = WeakKeyDictionary()
#: The share of the machine's memory up to which a layout is kept.
_KEPT = 1 / 8


def lay_out(market: Market, account: Account, borrow: pl.DataFrame | None = None) -> Layout:
    """Lay the market out for an account.

    Parameters
    ----------
    borrow : asset, session, rate: the yearly borrow rate from that session on; elsewhere the account's
    """
    columns, days = market.columns(np.float64), market.days
    prices = price_table(
        (columns.open, columns.high, columns.low, columns.close), columns.split, columns.dividend,
        _borrow_rates(market, account.borrow_rate, borrow), days, account.terms(np.float64), account.fill == "close", np.float64,
    )  # fmt: skip
    pays = (columns.dividend != 0.0).any(axis=0)
    times = (account.cash_rate * days / YEAR, account.debit_rate * days / YEAR, np.arange(days.size), pays)
    return Layout(prices, np.stack(times, axis=1))


def kept_layout(market: Market, account: Account, borrow: pl.DataFrame | None = None) -> Layout:
    """Return what `lay_out` does; made anew unless the last one was for the same market, account and rates."""
    from engine.fingerprint import fingerprint  # noqa: PLC0415 - markets are laid out where there is no polars

    asked = (account, None if borrow is None else fingerprint(borrow))
    kept = _LAST.get(market)
    if kept and kept[0] == asked:
        return kept[1]
    kept = None
    _LAST.clear()  # before the next is made, so that there are never two
    layout = lay_out(market, account, borrow)
    if layout.price.nbytes <= _KEPT * memory_of_machine():
        _LAST[market] = (asked, layout)
    return layout


def bars_of(
    market: Market,
    account: Account,
    strategy: Strategy,
    dtype: npt.DTypeLike,
    borrow: pl.DataFrame | None = None,
    windows: Mapping[str, Sequence[int]] | None = None,
    layout: Layout | None = None,
) -> Bars:
    """Put together what a strategy's walk reads of a market.

    Parameters
    ----------
    borrow : asset, session, rate: the yearly borrow rate from that session on; elsewhere the account's
    windows : for each feature the windows that the lanes use; its row in the bank is the position in the list, after the rows of
        the features before it. Left out, the strategy's own
    layout : what `lay_out` returns for the same; left out, it is made
    """
    (prices, times), kind = layout or lay_out(market, account, borrow), np.dtype(dtype)
    return Bars(
        prices.astype(kind, copy=False),
        times.astype(kind, copy=False),
        _bank(strategy, prices[:, :, at.LAST], windows or {}, _late(account.fill), kind),
        *traits_of(market, strategy, kind),
    )


def traits_of(
    market: Market, strategy: Strategy, dtype: npt.DTypeLike
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return the assets' traits (asset, trait), and whether the account's exits apply to them, as a walk reads both."""
    traits = strategy.trait_values(market.assets)
    columns = [traits[name] for name in strategy.traits]
    table = np.stack(columns, axis=1) if columns else np.zeros((len(market.assets), 0))
    # copies, which may be written to: numba tells the two apart
    return np.array(table, np.dtype(dtype), order="C"), np.array(strategy.managed(market.assets))


def plan_of(market: Market, account: Account, strategy: Strategy, nets: bool) -> Plan:
    """Return how the strategy wants to be walked."""
    return Plan(
        np.ascontiguousarray(strategy.judged(market.assets), np.int64), _WATCH[strategy.watch], account.fill == "close",
        bool(strategy.reverses), bool(strategy.refresh), nets, account.cash_rate != 0.0, True, True,
    )  # fmt: skip


def _bank(
    strategy: Strategy, mark: Matrix, windows: Mapping[str, Sequence[int]], late: int, dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    """Compute the features (asset, bar, row) as a rule may know them when it decides, `late` bars after they were made."""
    mark = np.ascontiguousarray(mark) if strategy.features else mark
    listed = {name: list(windows.get(name, _own_window(strategy, name))) for name in strategy.features}
    bank, row, bars = np.empty((*mark.shape, sum(map(len, listed.values()))), dtype), 0, mark.shape[1]
    for name, several in listed.items():
        what, part = strategy.features[name].what, bank[:, :, row : row + len(several)]
        row += len(several)
        if what == "average":
            _fill_averages(mark, np.array(several), late, part)
            continue
        for i, window in enumerate(several):
            part[:, :late, i] = np.nan
            part[:, late:, i] = (mark if what == "close" else _FEATURES[what](mark, window))[:, : bars - late]
    return bank


def _fill_averages(mark: Matrix, windows: npt.NDArray[np.int64], late: int, out: npt.NDArray[Any]) -> None:
    """Fill `out` as `make.fill_averages` does, many windows on all processors."""
    shares = min(os.cpu_count() or 1, windows.size * mark.size // _MUCH + 1, windows.size)
    cuts = [windows.size * i // shares for i in range(shares + 1)]
    parts = [slice(*ends) for ends in pairwise(cuts)]
    if shares == 1:
        make.fill_averages(mark, windows, late, out)
        return
    with ThreadPoolExecutor(shares) as pool:
        list(pool.map(lambda part: make.fill_averages(mark, windows[part], late, out[:, :, part]), parts))


def _own_window(strategy: Strategy, name: str) -> tuple[int]:
    window = strategy.features[name].window
    return (window if isinstance(window, int) else int(getattr(strategy, window)),)


def _late(fill: str) -> int:
    """Bars from a feature's last close to the decision: at an open, the close of the bar before is the last one known."""
    return 0 if fill == "close" else 1


def _borrow_rates(market: Market, otherwise: float, rates: pl.DataFrame | None) -> Matrix:
    if rates is None:  # markets are laid out where there is no polars
        return np.full((len(market.assets), 1), otherwise, np.float64)
    from engine.borrow_table import rates_of  # noqa: PLC0415

    return rates_of(market, rates, otherwise)


@dataclass(frozen=True)
class Heard:
    """What a strategy hears, and behind each item of news the events.

    Attributes
    ----------
    news : for the walk
    items : polars, one row an item: bar, asset (index), enter_ids and leave_ids (list[str], oldest first)
    unplaced : events that cannot be acted on, with the reason
    ages : event_id -> its place by known_at, then event_id
    """

    news: News
    items: pl.DataFrame
    unplaced: pl.DataFrame
    ages: dict[str, int]


def hear(strategy: Strategy, market: Market, events: Events | None, dtype: npt.DTypeLike = np.float64) -> Heard:
    """Place the events that the strategy listens to among the bars, and add up what is new for each asset and bar.

    Raises
    ------
    Fault
        Where the strategy listens to events, and there are none, or none of a kind and an asset that it could ever hear here.
    """
    import polars as pl  # noqa: PLC0415 - markets are laid out where there is no polars

    table = strategy.table(market)
    if table is not None:
        return news_of(table, list(strategy.channels.values()), dtype, _nothing_unplaced())
    if not strategy.channels:
        return _empty(0, np.dtype(dtype))
    refuse_no_events(strategy, events)
    assert events is not None
    refuse_misheard(strategy, events)
    sure = events.select(min_confidence=strategy.min_confidence)
    placed: Alignment = sure.align(market)
    bars = pl.DataFrame({"event_id": placed.event_id, "bar": placed.bar})
    frame = strategy.touched(sure.frame.join(bars, on="event_id", how="left", validate="1:1"), market.assets)
    index = pl.DataFrame({"assets": list(market.assets), "asset": np.arange(len(market.assets), dtype=np.int32)})
    weighed = pl.col("strength")
    for name in strategy.weigh:
        weighed = weighed * pl.col(name)
    rows = (
        frame.filter(pl.col("bar") >= 0)
        .select(
            "event_id",
            "kind",
            weighed,
            "stance",
            "known_at",
            "bar",
            pl.col("assets").list.unique(maintain_order=True),
        )
        .explode("assets")
        .join(index, on="assets", how="inner")
        .sort("known_at", "event_id")
    )
    unheard = pl.concat([placed.unplaced, unsure(events, strategy.min_confidence)])
    heard = news_of(rows, list(strategy.channels.values()), dtype, unheard)
    if heard.items.is_empty():
        why = silence(strategy, market, events)
        if why and why.fatal:
            raise Fault(why.sentence)
    return heard


def news_of(rows: pl.DataFrame, channels: Sequence[Channel], dtype: npt.DTypeLike, unplaced: pl.DataFrame) -> Heard:
    """Gather rows of event_id, kind, strength, stance, known_at, bar, asset, sorted by age, into items of news."""
    import polars as pl  # noqa: PLC0415 - markets are laid out where there is no polars

    heard = [_in_channel(channel) for channel in channels]
    enters = pl.any_horizontal(
        [h for h, c in zip(heard, channels, strict=True) if c.role != "leave"] or [pl.lit(False)]
    )
    leaves = pl.any_horizontal(
        [h for h, c in zip(heard, channels, strict=True) if c.role != "enter"] or [pl.lit(False)]
    )
    value = [pl.col("strength") * (pl.col("stance") if c.value == "signed" else 1.0) for c in channels]
    fresh = [
        pl.when(h).then(v).otherwise(0.0).alias(f"fresh{i}") for i, (h, v) in enumerate(zip(heard, value, strict=True))
    ]
    items = (
        rows.filter(pl.any_horizontal(heard))
        .with_columns(*fresh, enters=enters, leaves=leaves)
        .group_by("bar", "asset", maintain_order=True)
        .agg(
            *(pl.col(f"fresh{i}").sum() for i in range(len(channels))),
            enter_ids=pl.col("event_id").filter("enters").drop_nulls(),
            leave_ids=pl.col("event_id").filter("leaves").drop_nulls(),
            oldest=pl.col("known_at").filter("enters").first(),
            oldest_id=pl.col("event_id").filter("enters").first(),
        )
        .sort("bar", "oldest", "oldest_id", "asset", nulls_last=True)
    )
    values = items.select(f"fresh{i}" for i in range(len(channels))).to_numpy()
    news = News(
        items["bar"].cast(pl.Int64).to_numpy(), items["asset"].cast(pl.Int64).to_numpy(),
        items["oldest"].is_not_null().to_numpy(), np.ascontiguousarray(values, np.dtype(dtype)),
    )  # fmt: skip
    ages = {event: i for i, event in enumerate(rows["event_id"].unique(maintain_order=True).drop_nulls())}
    return Heard(News(*(np.array(a, order="C") for a in news)), items, unplaced, ages)


def _in_channel(channel: Channel) -> pl.Expr:
    import polars as pl  # noqa: PLC0415 - markets are laid out where there is no polars

    return pl.col("kind").is_in(channel.kinds) if channel.kinds else pl.lit(True)


@cache
def _empty(channels: int, dtype: np.dtype[Any]) -> Heard:
    import polars as pl  # noqa: PLC0415 - markets are laid out where there is no polars

    empty = np.zeros(0, np.int64)
    news = News(empty, empty, np.zeros(0, np.bool_), np.zeros((0, channels), dtype))
    ids = pl.List(pl.String)
    items = pl.DataFrame(schema={"bar": pl.Int32, "asset": pl.Int32, "enter_ids": ids, "leave_ids": ids})
    return Heard(news, items, _nothing_unplaced(), {})


@cache
def _nothing_unplaced() -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415 - markets are laid out where there is no polars

    return pl.DataFrame(schema={"event_id": pl.String, "reason": pl.String})


def years_of(market: Market) -> float:
    """Years from the first to the last session, of 365.25 days."""
    return float((market.sessions[-1] - market.sessions[0]) / np.timedelta64(1, "D")) / 365.25


def bars_per_year(market: Market, account: Account) -> float:
    """Bars a year for annualising: the account's, else 252 daily bars (365 around the clock) times the bars of a session."""
    if account.bars_per_year is not None:
        return account.bars_per_year
    sessions = 365.0 if market.calendar == "24/7" else 252.0
    return sessions if market.interval == "1d" else sessions * market.session_bars
