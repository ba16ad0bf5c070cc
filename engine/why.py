"""Why a trade was made: the sentence, the clock and the fills behind it."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from engine.faults import Fault
from engine.legible import listed, shown
from engine.report import Clock
from engine.run import Run

_EVENT = (
    "event_id", "doc_id", "kind", "assets", "strength", "stance", "evidence", "evidence_start", "evidence_end", "language",
    "happened_on", "published_at", "published_precision", "known_at", "reader",
)  # fmt: skip
_FILL = ("order_id", "time_decided", "time_filled", "side", "shares", "price", "commission", "slippage", "reason")

#: Characters of a name and of a sentence, and events of an order, that are written for a person.
_NAME, _SENTENCE, _MOST_EVENTS = 80, 2000, 20

_AT_OPEN, _AT_CLOSE, _WITHIN = "at the open of", "at the close of", "within the bar of"

#: Where an order fills whatever the account's `fill`: forced closes at the open, stops and targets when they are touched.
_FILLED = {"MARGIN_CALL": _AT_OPEN, "RUIN": _AT_CLOSE, "STOP": _WITHIN, "TRAIL": _WITHIN, "TAKE": _WITHIN}


def why(run: Run, trade_id: int) -> dict[str, Any]:
    """Trace one trade back to its documents.

    Returns
    -------
    dict
        `strategy`; `label` of the prices, or None; `trade`, its row; `entry` and `exit` (None while open), each with the row of
        its order, `decided` and `filled` in words, `knowing` (the last bar whose close was known when it was decided; None
        for what the account does by itself within a bar) and `events`, those that it followed from, oldest first.

    Raises
    ------
    Fault
        Where the run has no such trade.

    Examples
    --------
    >>> from engine import Events, Market, backtest
    >>> from strategies import ShortBubbleWarning
    >>> run = backtest(ShortBubbleWarning(), Market.sample(), Events.sample())
    >>> why(run, 0)["entry"]["events"][0]["doc_id"]
    '003_6cfe05d7d97b57d2'
    """
    trades = run.trades.filter(pl.col("trade_id") == trade_id)
    if trades.is_empty():
        allowed = f"0 to {run.trades.height - 1}" if run.trades.height else "none, for it made no trade"
        raise Fault(
            f"trade {trade_id} is not in this run of {run.info['strategy']}, allowed is {allowed}; see its trades.parquet."
        )
    trade = trades.row(0, named=True)
    own = pl.col("asset") == trade["asset"]
    orders = run.orders.filter(own & (pl.col("status") == "filled"))
    enters = orders.filter(
        (pl.col("time_filled") == trade["entry_time"]) & pl.col("reason").is_in(["ENTRY", "CLIPPED"])
    )
    closed = trade["exit_time"] is not None
    leaves = (
        orders.filter((pl.col("time_filled") == trade["exit_time"]) & (pl.col("reason") == trade["exit_reason"]))
        if closed
        else None
    )
    clock = Clock(run)
    return {
        "strategy": run.info["strategy"],
        "label": run.info["market"].get("label"),
        "trade": trade,
        "entry": _fill(run, clock, enters.row(0, named=True)),
        "exit": _fill(run, clock, leaves.row(0, named=True)) if leaves is not None else None,
    }


def _fill(run: Run, clock: Clock, order: dict[str, Any]) -> dict[str, Any]:
    usual = _AT_CLOSE if run.info["account"]["fill"] == "close" else _AT_OPEN
    filled = _FILLED.get(order["reason"], usual)
    decided = _AT_CLOSE if order["reason"] == "MARGIN_CALL" else usual
    by_itself = order["reason"] in ("STOP", "TRAIL", "TAKE", "RUIN")
    bars = run.equity.filter(pl.col("time") <= order["time_decided"])["time"]
    known = bars if decided == _AT_CLOSE else bars[:-1]
    events = pl.DataFrame({"event_id": order["event_ids"]}, {"event_id": pl.String})
    told = events.join(run.events, on="event_id", how="left", maintain_order="left").select(_EVENT)
    return {
        **{name: order[name] for name in _FILL},
        "decided": None if by_itself else f"{decided} {_bar(clock, order['time_decided'])}",
        "filled": f"{filled} {_bar(clock, order['time_filled'])}",
        "knowing": None if by_itself or known.is_empty() else _bar(clock, known[-1]),
        "events": told.to_dicts(),
    }


def _bar(clock: Clock, opens: dt.datetime) -> str:
    """Name a bar: a daily one by its session, another by when it opens."""
    return clock.bar(opens) if clock.daily else f"{clock.bar(opens)} in {clock.name}"


def why_text(found: dict[str, Any], timezone: str) -> str:
    """Write what `why` found for a person; `timezone` is the exchange's.

    What is long is cut and counted: a sentence after 2,000 characters, a name after 80, the events of an order after 20.
    """
    zone, trade = ZoneInfo(timezone), found["trade"]
    label = f"   {_name(found['label'])} prices" if found["label"] else ""
    lines = [
        f"Trade {trade['trade_id']} of {_name(found['strategy'])}: {trade['side']} {trade['shares']:,.2f} {_name(trade['asset'])}, "
        f"net {trade['net']:+,.2f} ({trade['return']:+.2%}){label}"
    ]
    lines += ["", "ENTRY", *_fill_lines(found["entry"], zone)]
    if found["exit"]:
        lines += ["", f"EXIT ({trade['exit_reason']})", *_fill_lines(found["exit"], zone)]
    else:
        lines += [
            "",
            f"EXIT: none; {trade['exit_reason']} at the end of the data, marked at {trade['exit_price']:,.4f}",
        ]
    lines += [
        "",
        f"came to    prices, slippage and commission {trade['pnl']:+,.2f} · borrow {trade['carry'] + 0.0:+,.2f} · "
        f"dividends {trade['dividends'] + 0.0:+,.2f} · net {trade['net']:+,.2f}",
        f"on the way worst {trade['worst']:+.2%}, best {trade['best']:+.2%}, {trade['bars_held']} bars held",
    ]
    return "\n".join(lines)


def _fill_lines(fill: dict[str, Any], zone: ZoneInfo) -> list[str]:
    lines: list[str] = []
    for event in fill["events"][:_MOST_EVENTS]:
        lines += [*_event_lines(event, zone), ""]
    if len(fill["events"]) > _MOST_EVENTS:
        lines += [f"and {len(fill['events']) - _MOST_EVENTS:,} events more; --json has them all", ""]
    if not fill["events"] and fill["reason"] in ("ENTRY", "CLIPPED", "SIGNAL"):
        lines.append("document   none: no event stands behind this order")
    knowing = f", knowing closes up to {fill['knowing']}" if fill["knowing"] else ""
    cut = ", cut to the margin" if fill["reason"] == "CLIPPED" else ""
    if fill["decided"]:
        lines.append(f"decided    {fill['decided']}{knowing}")
    lines.append(
        f"filled     {fill['filled']}: {fill['side']} {fill['shares']:,.2f} at {fill['price']:,.4f} "
        f"(slippage {fill['slippage']:,.2f}, commission {fill['commission']:,.2f}{cut})"
    )
    return lines


def _event_lines(event: dict[str, Any], zone: ZoneInfo) -> list[str]:
    if event["doc_id"] is None and event["kind"] is None:
        return [f"event      {_name(event['event_id'])}, of the table of signals"]
    span = (
        f", characters {event['evidence_start']} to {event['evidence_end']}"
        if event["evidence_start"] is not None
        else ""
    )
    happened = f" · happened {event['happened_on']}" if event["happened_on"] else ""
    return [
        f"document   {_name(event['doc_id'])} ({_name(event['language'] or 'language unknown')}){span}",
        f"sentence   {_sentence(event['evidence'])}" if event["evidence"] else "sentence   none given",
        f"says       {event['kind']} · strength {event['strength']:.2f}, stance {event['stance']:+.2f} · "
        f"{listed(event['assets'], 20, _NAME)} · event {_name(event['event_id'])} by {_name(event['reader'] or 'an unnamed reader')}",
        f"published  {_time(event['published_at'], zone)} ({event['published_precision']}){happened}",
        f"known      {_time(event['known_at'], zone)}",
    ]


def _name(text: str) -> str:
    return shown(text, _NAME)


def _sentence(text: str) -> str:
    """Write a sentence in one line, so that no line of it looks like one of ours."""
    return " ".join(shown(text, _SENTENCE, "events.parquet", lines=True).split())


def _time(instant: dt.datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    place = zone.key.rpartition("/")[2].replace("_", " ")
    seen = f"{instant:%Y-%m-%d %H:%M} UTC"
    return seen if place == "UTC" else f"{seen} ({local:%Y-%m-%d %H:%M} in {place})"
