"""The whole road on real news and real prices: documents to events, events to trades, and what the trades earned after costs.

Usage::

    python -m benchmarks.news [--data ../shared] [--out benchmarks/results/news.json] [--docs]
    python -m benchmarks.news --tables

The first reads, trades and prints; `--out` keeps the record, and `--docs` puts its tables into docs/real_news.md. The second does this
with the record that is kept already. Counts and figures alone are told: no text of a document is printed or written.
"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks import records
from benchmarks.news_sets import SETS, Heard, NewsSet, Place, check_data, market_of, read_news
from benchmarks.tables import markdown
from engine import Account, Events, Failure, Fault, Market, Run, Strategy, backtest
from engine.arrays import bars_per_year
from engine.buy_and_hold import buy_and_hold
from engine.faults import Note
from engine.files import in_one_step
from engine.silence import silence
from strategies import FadePanic, HedgedBubbleShort, NarrativePressure, ShortBubbleWarning

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "real_news.md"
#: The record that the page is made from.
SHOWN = records.RESULTS / "news.json"
_BLOCK = re.compile(r"(<!-- news -->\n).*?(<!-- /news -->)", re.S)
#: What a large share costs: 5 bp of slippage a fill, 1 bp of commission, 3 % a year to borrow, which is much for such names.
ACCOUNT = Account(slippage=0.0005, fee_rate=0.0001, borrow_rate=0.03)
#: Fewer trades than this are called few.
_FEW = 30
_NEVER = 1.0  # no price falls by so much: a fall of the price alone makes no trade, only news do


def strategies_of(market: Market, index: str | None) -> dict[str, Strategy | None]:
    """Make the strategies that trade on news, with their defaults; None where one lacks an index.

    Defaults count bars and are meant for days. On bars of minutes a position is held for a session at most, and pressure halves
    in half of one; both were settled before the first run.
    """
    bars = market.session_bars
    clock: dict[str, Any] = {} if market.interval == "1d" else {"hold": bars, "half_life": bars / 2}
    return {
        "short_bubble_warning": ShortBubbleWarning(**clock),
        "fade_panic": FadePanic(fall=_NEVER, **clock),
        "narrative_pressure": NarrativePressure(**clock),
        "hedged_bubble_short": HedgedBubbleShort(index=index, **clock) if index else None,
    }


# ----------------------------------------------------------------------------------------------------- never too early


def too_early(run: Run) -> pl.DataFrame:
    """List the orders that filled at a bar which opened no later than an event behind them was known, or known before published."""
    filled = run.orders.filter(status="filled").explode("event_ids")
    times = run.events.select("event_id", "known_at", "published_at")
    joined = filled.join(times, left_on="event_ids", right_on="event_id", how="inner")
    early = (pl.col("time_filled") <= pl.col("known_at")) | (pl.col("known_at") < pl.col("published_at"))
    return joined.filter(early)


def refuse_early(run: Run) -> None:
    """Stop where something was traded before it was known, or an entry names no event that caused it.

    Raises
    ------
    Failure
        With the number of orders.
    """
    strategy = run.info["strategy"]
    if early := too_early(run).height:
        raise Failure(
            f"{early} orders of {strategy} filled before an event behind them was known; this is an error of ours, please report it."
        )
    entries = run.orders.filter(pl.col("status") == "filled", pl.col("reason").is_in(["ENTRY", "CLIPPED"]))
    if blind := entries.filter(pl.col("event_ids").list.len() == 0).height:
        raise Failure(f"{blind} entries of {strategy} name no event; this is an error of ours, please report it.")


# ------------------------------------------------------------------------------------------------------------- figures


def traded(
    name: str, strategy: Strategy | None, market: Market, events: Events, placed: pl.DataFrame
) -> dict[str, Any]:
    """Run one strategy, and give its figures, or why it was not run."""
    if strategy is None:
        return {"strategy": name, "not_run": "there are no prices of an index to hold against the shorts"}
    if not len(events) or silence(strategy, market, events) is not None:
        return {"strategy": name, "heard": 0, "not_run": "it hears none of the events"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)  # of hindsight, which the record counts and the page tells
        run = backtest(strategy, market, events, ACCOUNT)
    refuse_early(run)
    found = run.metrics
    money = ("total_costs", "total_borrow", "interest_owed")
    row = {
        "strategy": name,
        "heard": _heard(strategy, placed),
        "trades": run.trades.height,
        "open": _whole(found["open_trades"]),
        "refused": run.orders.filter(status="refused").height,
        **{figure: found[figure] for figure in ("total_return", "sharpe", "max_drawdown", "hit_rate", *money)},
        "costs": sum(found[name] or 0.0 for name in money) / ACCOUNT.cash,
        "invested": _invested(run),
    }
    apart = run.info.get("hindsight")
    if apart:
        others = apart["metrics"]
        row["return_without_hindsight"] = None if others is None else others["total_return"]
    return row


def _heard(strategy: Strategy, placed: pl.DataFrame) -> int:
    """Count the events among those placed that a strategy listens to."""
    sure = placed.filter(pl.col("confidence") >= strategy.min_confidence)
    kinds = [channel.kinds for channel in strategy.channels.values()]
    if not all(kinds):  # one that names no kind hears all
        return sure.height
    return sure.filter(pl.col("kind").is_in([kind for some in kinds for kind in some])).height


def _whole(value: float | None) -> int:
    return int(value or 0)


def _invested(run: Run) -> float:
    """Mean of longs and shorts together, as a share of the equity."""
    share = (pl.col("long").abs() + pl.col("short").abs()) / pl.col("equity")
    return float(run.equity.select(share.mean()).item())


def held(market: Market, names: Sequence[str]) -> dict[str, float | None]:
    """Figures of buying and holding: bought in equal parts at the first close, without costs."""
    worth = buy_and_hold(market, 1.0, names)
    returns = np.diff(worth, prepend=1.0) / np.concatenate([[1.0], worth[:-1]])
    deviation = float(returns.std(ddof=1)) if returns.size > 1 else 0.0
    yearly = bars_per_year(market, ACCOUNT)
    return {
        "total_return": float(worth[-1] - 1.0),
        "sharpe": float(returns.mean()) / deviation * yearly**0.5 if deviation >= 1e-12 else None,
        "max_drawdown": _drawdown(worth),
    }


def _drawdown(worth: npt.NDArray[np.float64]) -> float:
    return float((1.0 - worth / np.maximum.accumulate(np.maximum(worth, 1.0))).max())


def at_place(data: Path, one: NewsSet, place: Place, heard: Heard) -> dict[str, Any]:
    """Trade the events of a set at one place by every strategy."""
    whole = market_of(data, one, place)
    market = whole.select(place.names)
    unplaced = heard.events.align(market).unplaced
    placed = heard.events.frame.join(unplaced, on="event_id", how="anti")
    rows = []
    for name, strategy in strategies_of(market, place.index).items():
        hedged = name == "hedged_bubble_short"
        rows.append(traded(name, strategy, whole if hedged else market, heard.events, placed))
    return {
        "calendar": place.calendar, "bars": place.bars, "names": list(place.names), "first": str(market.sessions[0]),
        "last": str(market.sessions[-1]), "placed": placed.height, "placed_kinds": _by_kind(placed),
        "unplaced": dict(sorted(unplaced["reason"].value_counts().iter_rows())),
        "hold": held(market, place.names), "index": place.index,
        "hold_index": held(whole, [place.index]) if place.index else None, "strategies": rows,
    }  # fmt: skip


def _by_kind(frame: pl.DataFrame) -> dict[str, int]:
    """Count events by kind, the most frequent first."""
    counted = frame["kind"].value_counts().sort(["count", "kind"], descending=[True, False])
    return {str(kind): int(count) for kind, count in counted.iter_rows()}


def of_set(data: Path, one: NewsSet) -> dict[str, Any]:
    """Read the documents of a set, and trade what they say."""
    heard = read_news(data, one)
    frame = heard.events.frame
    return {
        "title": one.title, "caution": one.caution, **heard.counts, "events": frame.height, "kinds": _by_kind(frame),
        "hindsight": int(frame["hindsight"].sum()), "readers": sorted(frame["reader"].unique()),
        "labelled_at": str(frame["labelled_at"].max().date()) if frame.height else None,
        "places": [at_place(data, one, place, heard) for place in one.places],
    }  # fmt: skip


def measure(data: Path, sets: Sequence[NewsSet] = SETS) -> dict[str, Any]:
    """Make the record: every set, every place, every strategy.

    Raises
    ------
    Fault
        Where the data is not there.
    Failure
        Where something was traded before it was known.
    """
    check_data(data, sets)
    record = records.new("full")
    record["account"] = {name: getattr(ACCOUNT, name) for name in ("cash", "slippage", "fee_rate", "borrow_rate")}
    record["results"] = [of_set(data, one) for one in sets]
    return record


# ---------------------------------------------------------------------------------------------------------------- page

COLUMNS = ("strategy", "events heard", "trades", "return", "Sharpe", "drawdown", "costs paid", "invested")
_SHARES = ("max_drawdown", "costs", "invested")


def page(record: dict[str, Any]) -> str:
    """Write a record as the part of the page between the marks."""
    account = record["account"]
    head = (
        f"Made at commit {record['commit']} on {record['date']}. Costs: {account['slippage'] * 1e4:g} bp of slippage and "
        f"{account['fee_rate'] * 1e4:g} bp of commission a fill, {account['borrow_rate']:.0%} a year to borrow.\n"
    )
    return head + "".join(f"\n## {one['title']}\n\n{_told(one)}" for one in record["results"])


def _told(one: dict[str, Any]) -> str:
    undated = f", without a date: {one['refused']:,}" if one["refused"] else ""
    younger = one["labelled_at"] is not None and one["labelled_at"] > max(place["last"] for place in one["places"])
    labelled = f" The reader is of {one['labelled_at']}, younger than the news." if younger else ""
    marked = f" Marked `hindsight`: {one['hindsight']:,}." if one["hindsight"] else ""
    text = (
        f"Documents: {one['documents']:,} (repeats of another: {one['repeated']:,}{undated}). Events: {one['events']:,} in "
        f"{one['with_events']:,} documents: {_kinds(one['kinds'])}.{labelled}{marked}\n"
    )
    return f"{text}{''.join(map(_placed, one['places']))}\n{one['caution']}\n"


def _placed(place: dict[str, Any]) -> str:
    bars = "daily bars" if place["bars"] == "1d" else "five-minute bars"
    names = place["names"]
    away = "; ".join(f"{reason}: {count:,}" for reason, count in place["unplaced"].items())
    text = (
        f"\n**{place['calendar']}**, {bars}, {place['first']} to {place['last']}, {', '.join(names)}. Events placed: {place['placed']:,}: "
        f"{_kinds(place['placed_kinds'])}{f' ({away})' if away else ''}.\n\n"
    )
    bought = names[0] if len(names) == 1 else f"the {len(names)} names in equal parts"
    rows = [_row(row) for row in place["strategies"]] + [_held(f"{bought}, bought and held", place["hold"])]
    if place["hold_index"]:
        rows.append(_held(f"{place['index']}, bought and held", place["hold_index"]))
    cautions = "".join(f"- {row['strategy']}: {limits(row)}\n" for row in place["strategies"])
    return f"{text}{markdown(COLUMNS, rows)}\nWhat these figures do not say:\n\n{cautions}"


def _kinds(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in counts.items()) or "none"


def limits(row: dict[str, Any]) -> str:
    """Say in a sentence what the figures of one strategy do not say."""
    if "not_run" in row:
        return f"not run, for {row['not_run']}."
    if not row["trades"]:
        return f"no trade came of {_counted(row['heard'], 'event')}, so nothing can be said."
    count = _counted(row["trades"], "trade")
    if row["trades"] < _FEW:
        said = f"{count}: too few to tell skill from luck, whatever the return."
    else:
        said = f"{count}, many of them of the same days and names, so fewer bets than trades; whether they beat luck is not tested here."
    return said + _remembered(row)


def _remembered(row: dict[str, Any]) -> str:
    """Say what is left of a return without the events of which the reader may have known what came next."""
    if "return_without_hindsight" not in row:
        return ""
    without = row["return_without_hindsight"]
    left = "it hears nothing" if without is None else f"the return is {_signed(without)}"
    return f" Without the events marked `hindsight`, {left}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    if "not_run" in row:
        return (row["strategy"], f"{row['heard']:,}" if "heard" in row else "", *["not run"] * (len(COLUMNS) - 2))
    still = f" ({row['open']} open)" if row["open"] else ""
    figures = (_signed(row["total_return"]), _ratio(row["sharpe"]), *(_share(row[name]) for name in _SHARES))
    return (row["strategy"], f"{row['heard']:,}", f"{row['trades']:,}{still}", *figures)


def _held(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    shown = (_signed(figures["total_return"]), _ratio(figures["sharpe"]), _share(figures["max_drawdown"]))
    return (name, "", "", *shown, "none", "100 %")


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value * 100:+.2f} %"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.2f} %"


def _ratio(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def with_tables(text: str, record: dict[str, Any]) -> str:
    """Put the tables of a record into the text of the page, between its marks."""
    return _BLOCK.sub(lambda match: match[1] + page(record) + match[2], text)


def write_page(record: dict[str, Any]) -> None:
    """Bring docs/real_news.md up to date with a record."""
    text = with_tables(PAGE.read_text(encoding="utf-8"), record)
    with in_one_step(PAGE) as fresh:
        fresh.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run it; 1 where something was traded before it was known, 2 where the data is not there."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.news", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared", help="folder with news/ and data/")
    parser.add_argument("--out", type=Path, help="write the record here, a JSON file")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/real_news.md")
    parser.add_argument("--tables", action="store_true", help=f"the same of {SHOWN.name}, without a run")
    given = parser.parse_args(arguments)
    try:
        record = records.read(SHOWN) if given.tables else measure(given.data)
        if given.out:
            records.write(record, given.out)
        if given.docs or given.tables:
            write_page(record)
    except (Fault, Failure) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, Fault) else error.status
    if not given.tables:
        print(page(record))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
