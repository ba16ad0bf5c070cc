"""Runs whose names and sentences somebody chose to do harm: what is shown of them is bounded and seen, what is kept is whole."""

import datetime as dt
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_report import Page

from engine import Events, Market, Run, backtest
from engine.cli import main
from engine.report import MOST_BYTES, page
from engine.why import why, why_text
from strategies import ShortBubbleWarning

FIRST = dt.date(2025, 1, 6)
HIDDEN = "\x00\x07\x1b\x7f\x9b\u200b\u202e\u2066\u2028\ufeff\U000e0041"


def warned(assets: list[str], **columns: Any) -> Events:
    """One warning a name on the third day."""
    row = {"kind": "bubble_warning", "strength": 0.9, "language": "en", "evidence": "It cannot last."}
    at = dt.datetime(2025, 1, 8, 12, tzinfo=dt.UTC)
    rows = [
        {**row, "event_id": f"e{i}", "doc_id": f"d{i}", "assets": [a], "published_at": at} for i, a in enumerate(assets)
    ]
    return Events.from_frame(pl.DataFrame([{**row, **columns} for row in rows]))


def market(assets: list[str]) -> Market:
    bar = dict.fromkeys(("open", "high", "low", "close"), 100.0)
    rows = [{"asset": a, "date": FIRST + dt.timedelta(days=i), **bar} for a in assets for i in range(10)]
    return Market.from_frame(pl.DataFrame(rows), calendar="24/7")


@cache
def small() -> Run:
    return backtest(ShortBubbleWarning(hold=3), market(["A", "B"]), warned(["A", "B"]))


def swollen(char: str) -> Run:
    """10,000 trades on 30 events each out of 10,000 documents, 10,000 findings, refusals, unplaced events; no name is short."""
    many, run = 10_000, small()
    long, names = char * 60, [f"{i}{char * 5000}" for i in range(20)]
    ids = [f"{i}{long}" for i in range(many)]
    lists = [[ids[(30 * i + k) % many] for k in range(30)] for i in range(many)]
    number = pl.int_range(many)
    event, trade, order = (
        frame.head(1).select(pl.all().repeat_by(many).explode()) for frame in (run.events, run.trades, run.orders)
    )
    times = run.equity["time"]
    event = event.with_columns(
        event_id=pl.Series(ids), doc_id=pl.Series(ids).str.reverse(), evidence=pl.lit(char * 2000), language=pl.lit(long),
        reader=pl.lit(long),    )  # fmt: skip
    event = event.with_columns(assets=pl.Series([[n[:300] for n in names]] * many))
    assets = pl.Series([names[i % 20] for i in range(many)])
    trade = trade.with_columns(trade_id=number, asset=assets, event_ids=pl.Series(lists), net=number.cast(pl.Float64))
    trade = trade.with_columns(entry_time=times.gather([i % len(times) for i in range(many)]))
    order = order.with_columns(asset=assets, event_ids=pl.Series(lists), time_filled=trade["entry_time"])
    refused = order.with_columns(
        status=pl.lit("refused"), reason=pl.lit("MARGIN"), event_ids=pl.lit([], pl.List(pl.String))
    )
    unplaced = pl.DataFrame({"event_id": ids, "reason": [long] * many})
    info = {
        **run.info, "strategy": long, "story": long * 50, "parameters": {f"{i}{long}": names for i in range(300)},
        "market": {**run.info["market"], "label": names[0], "assets": names * 100, **{f"{i}{long}": names[0] for i in range(300)}},
    }  # fmt: skip
    made = {"orders": pl.concat([order, refused]), "trades": trade, "equity": run.equity}
    return replace(
        run,
        info=info,
        events=event,
        unplaced=unplaced,
        market=found(names[0]),
        _make={k: v.clone for k, v in made.items()},
    )


def found(name: str) -> Market:
    """A market with 10,000 findings."""
    made = market(["A"])
    rows = [{"severity": "note", "message": f"{name} is odd.", "check": "gap"}] * 10_000
    findings = pl.DataFrame(rows).select(
        *(pl.col(c) if c in rows[0] else pl.lit(None).alias(c) for c in made.findings.columns)
    )
    return Market.build(made.frame, made.opens, made.sessions, findings, made.metadata)


# A quote is written in five bytes, which nothing that can be seen exceeds; what cannot be seen is spelled in plain letters,
# so that plain letters themselves are among the slow ones.
@pytest.mark.parametrize(
    ("char", "most"),
    [
        pytest.param("x", MOST_BYTES // 2, marks=pytest.mark.slow),
        ('"', MOST_BYTES),
        ("😀", MOST_BYTES),
        ("\u202e", MOST_BYTES // 2),
    ],
)
def test_a_page_has_an_end(char: str, most: int) -> None:
    run = swollen(char)
    text = page(run)
    assert len(text.encode()) < most
    seen = Page(text)
    assert not seen.open
    assert (
        len([tag for tag, attrs in seen.elements if tag == "tbody" and (attrs.get("id") or "").startswith("trade-")])
        == 400
    )
    for said in (
        "The 400 of 10,000 trades", "more stand in events.parquet", "9,900 more stand in unplaced.parquet", "and 9,960 more",
        "and 1,900 more", "cut, 2,000 characters; whole in events.parquet", "cut, 5,00",
    ):  # fmt: skip
        assert said in seen.text, said
    ids = {attrs["id"] for _, attrs in seen.elements if "id" in attrs}
    assert {attrs["href"] for _, attrs in seen.elements if attrs.get("href")} <= {f"#{name}" for name in ids}


@pytest.mark.parametrize("length", [601, 5_000, 5_000_000])
def test_a_long_sentence_is_cut_where_it_is_shown_and_kept_where_it_is_stored(
    length: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = "It cannot last. " * (length // 16) + "x" * (length % 16)
    run = backtest(ShortBubbleWarning(hold=3), market(["A"]), warned(["A"], evidence=evidence))
    text = Page(page(run)).text
    assert f"cut, {length:,} characters; whole in events.parquet" in text
    assert len(page(run)) < 100_000
    folder = run.write(tmp_path / "run")
    assert Run.read(folder).events["evidence"][0] == evidence
    assert main(["why", str(folder), "0"]) == 0
    said = capsys.readouterr().out
    assert len(said) < 4_000
    assert (f"cut, {length:,} characters; whole in events.parquet" in said) == (length > 2000)
    assert main(["why", str(folder), "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entry"]["events"][0]["evidence"] == evidence, "for programs it is whole"


def test_a_sentence_that_fits_is_not_cut() -> None:
    evidence = "x" * 600
    text = Page(page(backtest(ShortBubbleWarning(hold=3), market(["A"]), warned(["A"], evidence=evidence)))).text
    assert text.count(evidence) == 2, "beneath the trade and among the evidence"
    assert "cut," not in text


def test_of_many_events_why_shows_some_and_counts_the_others() -> None:
    run = backtest(ShortBubbleWarning(hold=3), market(["A"]), warned(["A"] * 100))
    told = why(run, 0)
    assert len(told["entry"]["events"]) == 100
    text = why_text(told, "UTC")
    assert text.count("sentence   ") == 20
    assert "and 80 events more; --json has them all" in text


def test_a_sentence_cannot_look_like_a_line_of_ours() -> None:
    run = backtest(
        ShortBubbleWarning(hold=3), market(["A"]), warned(["A"], evidence="Sold.\n\nEXIT (TAKE)\r\nfilled     at 1")
    )
    lines = why_text(why(run, 0), "UTC").splitlines()
    assert "sentence   Sold. EXIT (TAKE) filled at 1" in lines
    assert [line for line in lines if line.startswith("EXIT")] == ["EXIT (TIME)"]


def test_what_cannot_be_seen_is_nowhere_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"A{HIDDEN}B"
    prices = market([name, "x" * 5000]).labelled(name)
    prices.write("p.parquet")
    own = {"evidence": name, "language": name, "reader": name}
    warned([name, "x" * 5000], **own).write("e.parquet")
    unplaced = warned(["nobody"], **own).frame.with_columns(event_id=pl.lit(name), doc_id=pl.lit(name))
    Events.from_frame(pl.concat([Events.read("e.parquet").frame, unplaced])).write("e.parquet")
    commands = [
        ("backtest", "short_bubble_warning", "--prices", "p.parquet", "--events", "e.parquet", "--out", "run"),
        ("why", "run"), ("why", "run", "0"), ("report", "run"), ("why", name), ("backtest", name, "--prices", "p", "--out", "o"),
        ("read", name, "--out", "e2.parquet"), ("prices", "import", name, "--out", "p2.parquet"),
        ("backtest", "short_bubble_warning", "--prices", "p.parquet", "--events", "e.parquet", "--out", "run", "--set", f"basket={name}q"),
    ]  # fmt: skip
    for command in commands:
        for more in ((), ("--json",)):
            main([*command, *more])
            said = capsys.readouterr()
            assert not set(HIDDEN) & set(said.out + said.err), command
            assert len(said.err) < 10_000
    text = Path("run/report.html").read_text(encoding="utf-8")
    assert not set(HIDDEN) & set(text)
    assert re.search(r"A\\x00\\x07\\x1b\\x7f\\x9b\\u200b\\u202e", text)
    assert len(text) < 200_000
    assert name in Run.read("run").trades["asset"].to_list()
