"""One self-contained HTML page of a run: what it earned, why it traded, and everything that was assumed.

The page loads nothing from anywhere: its charts are SVG that we draw, its one script is in it, and its content security
policy forbids the rest. Whatever comes from a document is escaped, what cannot be seen is spelled, and what is long is cut and
counted, so that a page stays below `MOST_BYTES` whatever the run; the tables beside it hold everything.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from engine import charts, wording
from engine.charts import Line, Panel
from engine.files import whole
from engine.legible import listed, shown
from engine.market import Market
from engine.run import Run

if TYPE_CHECKING:
    from jinja2 import Environment

#: No page is larger, in bytes; one in plain letters is less than half of it.
MOST_BYTES = 6_000_000
#: More rows than these are not listed; how many are left out is said.
_MOST_TRADES, _MOST_EVENTS, _MOST_UNPLACED, _MOST_FINDINGS, _MOST_SETTINGS = 400, 300, 100, 40, 100
#: Names in a list, and events named beneath a trade.
_MOST_NAMES, _MOST_CHIPS = 8, 3
#: Characters of a name, of a document's name as a heading, and of anything else.
_NAME, _HEADING, _TEXT = 40, 200, 600


def write_report(run: Run, path: str | os.PathLike[str], market: Market | None = None, *, force: bool = False) -> Path:
    """Write one HTML page of a run; it appears whole or not at all.

    Parameters
    ----------
    run : a run, made or read
    path : the file; one that is there is replaced where it is a page of ours
    market : the bars that the run was made from, for what was found wrong with them; left out, the run's own
    force : replace any other file, too

    Raises
    ------
    Fault
        Where `path` names no file that can be made, or one that is not ours.
    Failure
        Where the disk is full, or fails.
    """
    target = Path(path)
    with whole(target, "page", "path", force=force) as fresh:
        fresh.write_text(page(run, market), encoding="utf-8")
    return target


@cache
def _environment() -> Environment:
    """Return the templates, each compiled once a process."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only a report needs it
    from markupsafe import escape  # noqa: PLC0415 - as above

    environment = Environment(
        loader=PackageLoader("engine"), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
        finalize=_fit,
    )  # fmt: skip
    environment.filters.update(
        money=wording.money, share=wording.share, ratio=wording.ratio, price=wording.price, setting=wording.setting,
        name=lambda text: escape(shown(text, _NAME)),
        names=lambda names, most=_MOST_NAMES: escape(listed(names or [], most, _NAME)),
        heading=lambda text: escape(shown(text, _HEADING)),
        sentence=lambda text: escape(shown(text, _TEXT, "events.parquet", lines=True)),
    )  # fmt: skip
    return environment


def _fit(value: Any) -> Any:
    """Make a text that the template shows fit to be seen; what is markup already is ours, or has been made so."""
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return shown(value, _TEXT, lines=True) if is_text else value


def page(run: Run, market: Market | None = None) -> str:
    """Return the page of a run as text."""
    environment = _environment()
    script = environment.get_template("report.js").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    clock = Clock(run)
    chosen = trades(run, clock)
    documents, more = evidence(run, chosen)
    return environment.get_template("report.html.j2").render(
        run=run,
        info=run.info,
        label=shown(run.info["market"].get("label", ""), _NAME),
        clock=clock,
        script=script,
        script_hash=digest,
        figures=key_figures(run),
        metrics=[(name, wording.metric(key, run.metrics.get(key))) for key, (name, _) in wording.METRICS.items()],
        **drawings(run, clock),
        trades=chosen,
        documents=documents,
        more_events=more,
        places={event["event_id"]: event["place"] for _, events in documents for event in events},
        most={"chips": _MOST_CHIPS, "unplaced": _MOST_UNPLACED, "findings": _MOST_FINDINGS, "settings": _MOST_SETTINGS},
        sums=sums(run),
        refusals=refusals(run, clock),
        clipped=run.orders.filter(reason="CLIPPED").height,
        unplaced=unplaced(run),
        account=wording.account_in_words(run.info),
        hindsight=run.events.filter(pl.col("labelled_at") > pl.col("known_at")).height,
        apart=info_apart(run),
        findings=_findings(market or run.market),
    )


class Clock:
    """Times as the exchange's clock shows them."""

    def __init__(self, run: Run) -> None:
        self.zone = ZoneInfo(run.info["market"].get("timezone", "UTC"))
        self.name = self.zone.key.rpartition("/")[2].replace("_", " ")
        self.daily = run.info["market"]["interval"] == "1d"
        self._sessions = dict(run.equity.select("time", "session").iter_rows())

    def __call__(self, instant: dt.datetime | None) -> str:
        """Write an instant to the minute."""
        return f"{instant.astimezone(self.zone):%Y-%m-%d %H:%M}" if instant else "–"

    def bar(self, opens: dt.datetime | None) -> str:
        """Write which bar: a daily one by its session, another by when it opens."""
        return str(self._sessions[opens]) if self.daily and opens in self._sessions else self(opens)


def info_apart(run: Run) -> dict[str, Any] | None:
    """Return what the run earned without the events of which the model may know what came next, in words; None without any."""
    told = run.info.get("hindsight")
    if not told:
        return None
    shown = ("total_return", "sharpe", "max_drawdown", "closed_trades")
    pairs = [
        (wording.METRICS[name][0], wording.metric(name, run.metrics.get(name)), wording.metric(name, (told["metrics"] or {}).get(name)))
        for name in shown
    ]  # fmt: skip
    return {**told, "rows": pairs}


def key_figures(run: Run) -> list[dict[str, str]]:
    """Return what stands at the top: name, value, a remark, and a mood that colours it."""
    found = run.metrics
    held = run.equity["benchmark"][-1] / run.info["initial_cash"] - 1
    assets = len(run.info["market"]["assets"])
    total = found["total_return"] or 0.0
    costs = (found["total_costs"] or 0.0) + (found["total_borrow"] or 0.0)
    hits = found["hit_rate"]
    opens = f"{found['open_trades']:.0f} still open" if found["open_trades"] else "none open"
    mood = "good" if total > 0 else "bad" if total < 0 else ""
    rows = [
        (
            "Total return", wording.share(total, signed=True), mood,
            f"{wording.money(run.info['initial_cash'])} became {wording.money(found['final_equity'])}",
        ),
        (
            "Buy and hold", wording.share(held, signed=True), "",
            f"all {assets} assets in equal parts, before costs" if assets > 1 else "the asset, before costs",
        ),
        (
            "Return a year", wording.share(found["cagr"], signed=True), "",
            f"volatility {wording.share(found['volatility'])}",
        ),
        ("Sharpe ratio", wording.ratio(found["sharpe"]), "", f"Sortino {wording.ratio(found['sortino'])}"),
        (
            "Maximum drawdown", wording.share(-(found["max_drawdown"] or 0.0)), "",
            f"{wording.money(found['longest_drawdown'])} bars below a peak at the longest",
        ),
        ("In the market", wording.share(found["exposure"]), "", "of all bars, with any position"),
        (
            "Trades closed", wording.money(found["closed_trades"]), "",
            f"{wording.share(hits, digits=0)} gained; {opens}" if hits is not None else opens,
        ),
        (
            "Costs and borrow", wording.money(costs), "",
            f"{wording.share(costs / run.info['initial_cash'], digits=2)} of the initial cash",
        ),
    ]  # fmt: skip
    return [dict(zip(("name", "value", "mood", "note"), row, strict=True)) for row in rows]


def drawings(run: Run, clock: Clock) -> dict[str, Any]:
    """Return the charts, the dates below them, where trades were entered, and what is read off them at each bar."""
    frame = run.equity
    equity, drawdown = (frame[name].to_numpy() for name in ("equity", "drawdown"))
    worth = np.where(equity > 0, equity, np.nan)
    longs, shorts = frame["long"].to_numpy() / worth, -frame["short"].to_numpy() / worth
    yardsticks = [Line("all assets, held", "all", frame["benchmark"].to_numpy())]
    if frame["spy"].null_count() == 0 and len(run.info["market"]["assets"]) > 1:
        yardsticks.append(Line("SPY, held", "spy", frame["spy"].to_numpy()))
    own = Line(run.info["strategy"], "own", equity)
    panels: dict[str, Panel] = {
        "equity": charts.panel([*yardsticks, own], wording.money),
        "alone": charts.panel([own], wording.money),
        "drawdown": charts.panel([Line("Drawdown", "down", -drawdown, True)], _percent, include=[0.0]),
        "exposure": charts.panel(
            [Line("Long", "long", longs, True), Line("Short", "short", shorts, True)], _percent, include=[0.0]
        ),
    }
    bars = charts.kept(equity)
    series = [("equity", equity), *((line.css, line.values) for line in yardsticks)]
    series += [("drawdown", -drawdown), ("long", longs), ("short", shorts)]
    amounts = ("equity", "all", "spy")
    read = {name: [_number(v, 0 if name in amounts else 4) for v in values[bars]] for name, values in series}
    last = {name: wording.money(v[-1]) if name in amounts else wording.share(v[-1]) for name, v in series}
    last["bar"] = clock.bar(frame["time"][-1])
    places = {time: i for i, time in enumerate(frame["time"])}
    entries = run.trades.select("entry_time", "side").unique(maintain_order=True).iter_rows()
    strokes = (
        (round(charts.WIDTH * float(charts.across(places[t], equity.size))), s) for t, s in entries if t in places
    )
    return {
        "panels": panels,
        "dates": charts.dates(frame["session"].to_numpy()),
        "entries": [(at, side.lower()) for at, side in dict.fromkeys(strokes)],
        "last": last,
        "pointer": {
            "at": [round(float(at), 5) for at in charts.across(bars, equity.size)],
            "bar": [clock.bar(frame["time"][int(bar)]) for bar in bars],
            **read,
        },
    }


def _percent(value: float) -> str:
    return wording.share(value, digits=0 if abs(100 * value - round(100 * value)) < 1e-6 else 1)


def _number(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


def trades(run: Run, clock: Clock) -> list[dict[str, Any]]:
    """Return the trades to list, each with the events that it was entered on, the most telling first, and left on."""
    chosen = run.trades
    if chosen.height > _MOST_TRADES:
        chosen = chosen.sort(pl.col("net").abs(), descending=True).head(_MOST_TRADES).sort("trade_id")
    told = {event["event_id"]: event for event in run.events.iter_rows(named=True)}
    orders = run.orders.filter(pl.col("reason").is_in(["ENTRY", "CLIPPED"]))
    behind = {(asset, time): ids for asset, time, ids in orders.select("asset", "time_filled", "event_ids").iter_rows()}
    listed = []
    for trade in chosen.iter_rows(named=True):
        on = behind.get((trade["asset"], trade["entry_time"]), [])
        closed = trade["exit_time"] is not None
        listed.append(
            {
                **trade,
                "entered": clock.bar(trade["entry_time"]),
                "left": clock.bar(trade["exit_time"]) if closed else "–",
                "ended": wording.ENDED.get(trade["exit_reason"], trade["exit_reason"]),
                "entered_on": _most_telling([told.get(i, {"event_id": i, "doc_id": None}) for i in on], trade["side"]),
                "left_on": [told.get(i, {"event_id": i, "doc_id": None}) for i in trade["event_ids"][len(on) :]],
            }
        )
    return listed


def _most_telling(events: list[dict[str, Any]], side: str) -> list[dict[str, Any]]:
    """Sort events by whether they speak for the side of the trade, then by strength; the oldest of equals first."""
    sign = 1 if side == "LONG" else -1

    def weight(event: dict[str, Any]) -> tuple[bool, float]:
        return sign * event.get("stance", 0.0) > 0, event.get("strength", 0.0)

    return sorted(events, key=weight, reverse=True)


def evidence(run: Run, shown: list[dict[str, Any]]) -> tuple[list[tuple[str, list[dict[str, Any]]]], int]:
    """Return, by document, the events behind the listed trades, in the order in which they were known, and how many more there are.

    Where there are too many, the most telling of each trade come first. Each gets a `place`, its number on the page.
    """
    behind = [[event["event_id"] for event in (*trade["entered_on"], *trade["left_on"])] for trade in shown]
    ranked = dict.fromkeys(event for rank in zip_longest(*behind) for event in rank)
    there = set(run.events["event_id"])
    known = [event for event in ranked if event in there]
    used = set(known[:_MOST_EVENTS])
    documents: dict[str, list[dict[str, Any]]] = {}
    rows = run.events.filter(pl.col("event_id").is_in(used)).iter_rows(named=True)
    for place, event in enumerate(rows):
        documents.setdefault(event["doc_id"], []).append({**event, "place": place})
    return list(documents.items()), len(known) - len(used)


def sums(run: Run) -> list[dict[str, Any]]:
    """Return how the prices' gain became the account's: name, amount, remark. The parts add up to the last."""
    filled = run.orders.filter(status="filled")
    commission, slippage = float(filled["commission"].sum()), float(filled["slippage"].sum())
    carry, dividends = float(run.trades["carry"].sum()), float(run.trades["dividends"].sum())
    moves = float(run.trades["pnl"].sum()) + commission + slippage
    earned, owed = run.metrics["interest_earned"] or 0.0, run.metrics["interest_owed"] or 0.0
    change = (run.metrics["final_equity"] or 0.0) - run.info["initial_cash"]
    rows = [
        ("Price moves", moves, "of what was held, at the bars' own prices"),
        ("Commission", -commission, f"on {filled.height:,} orders"),
        ("Slippage", -slippage, "fills worse than the bars' prices"),
        ("Borrow fees", carry, "for holding shorts overnight"),
        ("Dividends", dividends, "received by longs less paid by shorts"),
        ("Interest earned", earned, "on cash free of short proceeds"),
        ("Interest paid", -owed, "on borrowed cash"),
        ("Change of equity", change, "the sum of these"),
    ]
    return [{"name": name, "amount": amount, "note": note} for name, amount, note in rows]


def refusals(run: Run, clock: Clock) -> list[dict[str, Any]]:
    """Return the refused entries by reason: how many, what the reason means, which assets, when last."""
    refused = run.orders.filter(status="refused")
    rows = refused.group_by("reason", maintain_order=True).agg(
        pl.len().alias("count"),
        pl.col("asset").unique().sort().alias("assets"),
        pl.col("time_decided").last().alias("last"),
    )
    order = list(wording.REFUSED)
    return [
        {**row, "meaning": wording.REFUSED[row["reason"]], "last": clock.bar(row["last"])}
        for row in sorted(rows.iter_rows(named=True), key=lambda row: order.index(row["reason"]))
    ]


def unplaced(run: Run) -> list[dict[str, Any]]:
    """Return the events that could not be acted on, with what they say."""
    if run.unplaced.is_empty():
        return []
    told = run.events.select("event_id", "doc_id", "kind", "assets", "known_at", "evidence", "language")
    joined = run.unplaced.select("event_id", "reason").join(told, on="event_id", how="left", maintain_order="left")
    return joined.to_dicts()


def _findings(market: Market | None) -> list[dict[str, Any]] | None:
    return None if market is None else market.findings.select("severity", "message").to_dicts()
