"""The page of a run: complete, true to the run, safe from what documents say, and alone in the world."""

import base64
import datetime as dt
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from against_oracle import compiled
from generate import case

from engine import Account, Events, Failure, Fault, Market, Run, backtest
from engine.faults import Note
from engine.report import page, sums, write_report
from strategies import FadePanic, HedgedBubbleShort, NarrativePressure, ShortBubbleWarning, Signals, SmaCross

FIRST = dt.date(2025, 1, 6)
VOID = {"meta", "line", "path", "br", "link", "img"}


class Page(HTMLParser):
    """What a browser would find: elements, texts by element, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def text(self) -> str:
        """What a reader sees, with white space made even."""
        seen = " ".join(data for tag, data in self.texts if tag not in ("script", "style"))
        return re.sub(r"\s+", " ", seen).strip()


def market(**closes: list[float]) -> Market:
    rows = [
        {
            "asset": asset,
            "date": FIRST + dt.timedelta(days=i),
            **dict.fromkeys(("open", "high", "low", "close"), float(price)),
        }
        for asset, prices in closes.items()
        for i, price in enumerate(prices)
    ]
    return Market.from_frame(pl.DataFrame(rows), calendar="24/7", accept=["unadjusted_split"])


def warned(**columns: Any) -> Events:
    row = {
        "event_id": "e1",
        "doc_id": "d1",
        "kind": "bubble_warning",
        "assets": ["AI"],
        "strength": 0.9,
        "published_at": dt.datetime(2025, 1, 6, 12, tzinfo=dt.UTC),
        "evidence": "It cannot last.",
        "language": "en",
    }
    return Events.from_frame(pl.DataFrame([{**row, **columns}]))


def told(prices: Market, *rows: tuple[str, int, float], **settings: Any) -> Run:
    """A run of signals: asset, bar, weight."""
    table = pl.DataFrame(
        [(asset, prices.sessions[bar].item(), weight) for asset, bar, weight in rows],
        ["asset", "session", "weight"],
        orient="row",
    )
    return backtest(Signals(signals=table), prices, None, Account(**settings))


@cache
def sample() -> Run:
    return backtest(ShortBubbleWarning(hold=5, threshold=0.1), Market.sample(), Events.sample())


# --- safe and alone ---

EVIL = "</p><script>alert('x')</script><img src=x onerror=alert(1)> \"><svg onload=alert(2)> & {{ 7*7 }} {% raw %}"


def test_what_a_document_says_is_text_and_never_markup() -> None:
    told_of = warned(
        evidence=EVIL, doc_id=f"d{EVIL}", event_id=f"e{EVIL}", language='en" onclick="alert(3)', reader=EVIL
    )
    prices = market(AI=[100] * 4).labelled(EVIL)
    text = page(backtest(ShortBubbleWarning(), prices, told_of))
    seen = Page(text)
    assert not seen.open, "every element is closed"
    assert [a.get("type") for tag, a in seen.elements if tag == "script"] == ["application/json", None], "our two alone"
    assert not [tag for tag, _ in seen.elements if tag == "img"]
    assert not [name for _, attrs in seen.elements for name in attrs if name.startswith("on")]
    assert "alert('x')" not in "".join(data for tag, data in seen.texts if tag == "script")
    assert re.sub(r"\s+", " ", EVIL) in seen.text, "it is shown as it was written"
    assert "{{ 7*7 }}" in seen.text, "and never taken for a template"


@pytest.mark.parametrize("text", ["\u202e backwards", "a\x00b", "😀" * 3000, "", "   ", "<!--", "]]>", "\u2028"])
def test_odd_sentences_are_shown(text: str) -> None:
    assert not Page(page(backtest(ShortBubbleWarning(), market(AI=[100] * 4), warned(evidence=text)))).open


def test_the_page_loads_nothing_and_runs_nothing_but_its_own_script() -> None:
    text = page(sample())
    seen = Page(text)
    for tag, attrs in seen.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "action", "data", "srcset", "xlink:href"):
            assert (attrs.get(name) or "#").startswith("#"), (tag, attrs)
    assert "@import" not in text
    assert "url(" not in text
    policy = next(a["content"] for tag, a in seen.elements if a.get("http-equiv") == "Content-Security-Policy")
    script = re.search(r"<script>(.*?)</script>", text, re.S)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert len(text) < 400_000, "a page is for mailing"


def test_every_link_leads_to_a_place_on_the_page() -> None:
    seen = Page(page(sample()))
    ids = [attrs["id"] for _, attrs in seen.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs["href"] for _, attrs in seen.elements if attrs.get("href")}
    assert links
    assert {f"#{name}" for name in ids} >= links


# --- true to the run ---


def test_the_label_is_in_plain_sight_and_only_where_there_is_one() -> None:
    seen = Page(page(sample()))
    title = next(data for tag, data in seen.texts if tag == "title")
    heading = next(data for tag, data in seen.texts if tag == "span")
    assert "SIMULATED" in title
    assert heading == "SIMULATED"
    assert seen.text.startswith("short_bubble_warning (SIMULATED) · Tocsin SIMULATED prices: seeded random numbers")
    assert len([data for tag, data in seen.texts if tag == "span" and data == "SIMULATED"]) == 5, (
        "title and four charts"
    )
    plain = Page(page(told(market(AI=[100] * 3), ("AI", 1, 0.5))))
    assert "SIMULATED" not in plain.text


def test_the_figures_are_those_of_the_run() -> None:
    # 0.5 long from 100 to 110 without costs: 1,000,000 * 0.5 * 0.1 = 50,000, 5 %. Buy and hold, bought at the first
    # close of 100 and again 110 at the end: 10 %.
    free = {"slippage": 0.0, "fee_rate": 0.0}
    text = Page(page(told(market(AI=[100, 100, 110, 110]), ("AI", 1, 0.5), ("AI", 3, 0.0), **free))).text
    assert "Total return +5.0 % 1,000,000 became 1,050,000" in text
    assert "Buy and hold +10.0 % the asset, before costs" in text
    assert "Trades closed 1 100 % gained; none open" in text
    assert "Price moves +50,000" in text
    assert "Change of equity +50,000 the sum of these" in text
    # Held through bars 1 and 2 of four; sold at the open of bar 3.
    assert "In the market 50.0 %" in text


def test_from_the_prices_to_the_account_by_hand() -> None:
    # Short 1,000,000 * 0.5 / (100 * 0.99) = 5,050.505 shares at 99 after a slippage of 1 %; covered at 90 * 1.01 =
    # 90.9. Moves at the bars' own prices: 5,050.505 * 10 = 50,505.05. Slippage 5,050.505 * (1 + 0.9) = 9,595.96.
    # Commission of 10 bp: 5,050.505 * (99 + 90.9) * 0.001 = 959.09. Dividend of 2 paid at bar 2: 10,101.01. Borrow at
    # 36 % on 102 % for two days of 1/360 each, at closes of 100 and 100: 5,050.505 * 100 * 1.02 * 0.36 / 360 * 2 =
    # 1,030.30.
    rows = [
        {"asset": "AI", "date": FIRST + dt.timedelta(days=i), **dict.fromkeys(("open", "high", "low", "close"), price)}
        for i, price in enumerate([100.0, 100.0, 100.0, 90.0])
    ]
    prices = Market.from_frame(
        pl.DataFrame(rows).with_columns(dividend=pl.Series([0.0, 0.0, 2.0, 0.0])), calendar="24/7"
    )
    run = told(prices, ("AI", 1, -0.5), ("AI", 3, 0.0), slippage=0.01, fee_rate=0.001, borrow_rate=0.36)
    found = {row["name"]: row["amount"] for row in sums(run)}
    assert found["Price moves"] == pytest.approx(50_505.05, abs=0.01)
    assert found["Slippage"] == pytest.approx(-9_595.96, abs=0.01)
    assert found["Commission"] == pytest.approx(-959.09, abs=0.01)
    assert found["Dividends"] == pytest.approx(-10_101.01, abs=0.01)
    assert found["Borrow fees"] == pytest.approx(-1_030.30, abs=0.01)
    assert (found["Interest earned"], found["Interest paid"]) == (0.0, 0.0)
    assert found["Change of equity"] == pytest.approx(50_505.05 - 9_595.96 - 959.09 - 10_101.01 - 1_030.30, abs=0.05)


def test_the_parts_add_up_to_the_change_in_every_odd_case() -> None:
    for seed in range(80):
        drawn = case(seed)
        run = compiled(drawn)
        *parts, whole = (row["amount"] for row in sums(run))
        traded = (run.orders["shares"] * run.orders["price"].fill_null(0.0)).sum()
        assert sum(parts) == pytest.approx(whole, abs=1e-9 * max(run.info["initial_cash"], traded)), seed


def test_odd_cases_have_a_page() -> None:
    for seed in range(25):  # ruin, margin calls, halts, several bars a day, nothing at all
        assert not Page(page(replace(compiled(case(seed)), market=None))).open, seed


# --- complete ---


def test_a_trade_shows_its_sentence_its_document_and_its_clock() -> None:
    text = Page(page(sample())).text
    trade = sample().trades.filter(asset="NVDA").row(0, named=True)
    events = sample().events.filter(pl.col("event_id").is_in(trade["event_ids"])).to_dicts()
    strongest = max(events, key=lambda event: event["strength"])
    assert strongest["evidence"] in text
    # Document 003 was published at 2025-01-28 05:32 in Shanghai, which is 16:32 of the day before in New York.
    assert (
        "003_6cfe05d7d97b57d2 · disruption_shock · published 2025-01-27 16:32 (instant) · known 2025-01-27 16:32 · "
        "entered 2025-01-28" in text
    )
    assert all(event["evidence"] in text for event in events), "and the others stand among the evidence"


def test_every_assumption_is_on_the_page() -> None:
    run = sample()
    text = Page(page(run)).text
    for name in (*run.info["parameters"], *run.info["account"]):
        assert f" {name} " in text, name
    for meaning in run.info["meanings"].values():
        assert meaning in text
    for value in (*run.info["inputs"].values(), *run.info["versions"].values(), run.info["market"]["adjustment"]):
        assert (value or "borrow none") in text
    assert "5 when the prices were checked" in text
    assert "AVGO split 10 for 1 here" in text
    assert "Whether it was luck." in text
    assert f"{run.events.height} of {run.events.height} events were labelled after they were known" in text


def test_a_borrow_table_is_an_assumption_too() -> None:
    rates = pl.DataFrame({"asset": ["AI"], "session": [FIRST], "rate": [0.5]})
    run = backtest(ShortBubbleWarning(), market(AI=[100] * 4), warned(), borrow=rates)
    text = Page(page(run)).text
    assert "A short pays the rate of the borrow table, where that has none 3 % a year on 102 % of its value" in text
    assert f"borrow SHA-256 {run.info['inputs']['borrow']}" in text
    assert run.info["inputs"]["borrow"] != backtest(
        ShortBubbleWarning(), market(AI=[100] * 4), warned(), borrow=rates.with_columns(rate=0.6)
    ).info["inputs"]["borrow"]  # fmt: skip


def test_refused_and_cut_entries_are_counted_with_their_reasons() -> None:
    # Weights of 3 are cut to what Regulation T lets stand; then nothing is left for CHIP. HOLE has no bar on the day
    # of its signal.
    closes = {"AI": [100.0] * 5, "CHIP": [10.0] * 5, "HOLE": [7.0] * 5}
    prices = market(**closes)
    frame = prices.frame.filter((pl.col("asset") != "HOLE") | (pl.col("session") != FIRST + dt.timedelta(days=1)))
    prices = Market.build(frame, prices.opens, prices.sessions, prices.findings, prices.metadata)
    run = told(prices, ("AI", 1, 3.0), ("CHIP", 1, 3.0), ("HOLE", 1, 0.1), slippage=0.0, fee_rate=0.0)
    assert run.orders["reason"].to_list() == ["CLIPPED", "MARGIN", "NO_PRICE"]
    text = Page(page(run)).text
    assert "NO_PRICE the asset had no bar to fill at 1 HOLE 2025-01-07" in text
    assert "MARGIN the margin left nothing of it, or there was no equity to size it by 1 CHIP 2025-01-07" in text
    assert "1 entry was cut to what the margin lets stand" in text


def test_events_that_could_not_be_acted_on_are_listed() -> None:
    late = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    with pytest.warns(
        Note, match="hears none of the 1 events: 1 is known before the market's first bar or after its last"
    ):
        run = backtest(ShortBubbleWarning(), market(AI=[100] * 4), warned(published_at=late, event_id="too-late"))
    text = Page(page(run)).text
    assert "too-late d1 bubble_warning 2026-01-01 12:00 AI after the last bar" in text
    assert "No trade was made." in text


def test_a_trade_says_how_it_ended_and_on_what() -> None:
    prices = market(AI=[100] * 6)
    relief = Events.from_frame(
        pl.concat(
            [
                warned().frame,
                warned(
                    event_id="e2",
                    kind="denial",
                    stance=1.0,
                    strength=1.0,
                    evidence="All is well.",
                    published_at=dt.datetime(2025, 1, 8, 12, tzinfo=dt.UTC),
                ).frame,
            ]
        )
    )
    text = Page(page(backtest(ShortBubbleWarning(half_life=1e6), prices, relief))).text
    assert "the strategy left, on e2" in text
    assert "All is well." in text
    still = Page(page(backtest(ShortBubbleWarning(), prices, warned()))).text
    assert "still open at the end, marked, not sold" in still


def test_of_too_many_trades_the_largest_are_listed_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import engine.report  # noqa: PLC0415

    monkeypatch.setattr(engine.report, "_MOST_TRADES", 3)
    seen = Page(page(sample()))
    listed = [a["id"] for tag, a in seen.elements if tag == "tbody" and (a.get("id") or "").startswith("trade-")]
    largest = sample().trades.sort(pl.col("net").abs(), descending=True)["trade_id"].head(3)
    assert listed == [f"trade-{i}" for i in largest.sort()]
    assert f"The 3 of {sample().trades.height} trades with the largest gain or loss" in seen.text


def test_the_pointer_reads_the_runs_own_numbers() -> None:
    text = page(sample())
    found = re.search(r'<script type="application/json" id="pointer">(.*?)</script>', text, re.S)
    assert found is not None
    data = json.loads(found[1])
    equity = sample().equity
    assert data["bar"] == [str(day) for day in equity["session"]]
    assert data["equity"] == [round(value) for value in equity["equity"]]
    assert data["all"] == [round(value) for value in equity["benchmark"]]
    assert data["at"][0] == 0
    assert data["at"][-1] == 1
    assert {len(values) for values in data.values()} == {equity.height}


@pytest.mark.parametrize(
    "strategy", [FadePanic(), NarrativePressure(), HedgedBubbleShort(), SmaCross()], ids=lambda s: s.name()
)
def test_every_strategy_has_a_page(strategy: Any) -> None:
    run = backtest(strategy, Market.sample(), Events.sample())
    seen = Page(page(run))
    assert not seen.open
    assert strategy.story() in seen.text


def test_intraday_bars_are_named_by_when_they_open() -> None:
    opens = [dt.datetime(2025, 1, 6, 14, 30, tzinfo=dt.UTC) + dt.timedelta(minutes=5 * i) for i in range(8)]
    frame = pl.DataFrame({"time": opens, **dict.fromkeys(("open", "high", "low", "close"), [100.0] * 8)})
    prices = Market.from_frame(frame, asset="AI", calendar="XNYS", interval="5m")
    known = dt.datetime(2025, 1, 6, 14, 36, tzinfo=dt.UTC)
    run = backtest(ShortBubbleWarning(hold=2), prices, warned(published_at=known))
    # Known 09:36 in New York, acted on at 09:40, held two bars of five minutes.
    assert "known 2025-01-06 09:36 · entered 2025-01-06 09:40" in Page(page(run)).text
    assert "2025-01-06 09:50 TIME" in Page(page(run)).text


# --- files ---


def test_a_run_that_was_read_has_the_page_of_the_run_that_was_made(tmp_path: Path) -> None:
    run = Run.read(sample().write(tmp_path / "run"))
    assert page(run, Market.sample()) == page(sample())
    assert "5 when the prices were checked" in Page(page(run)).text, "the prices themselves are not needed"


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "run.html"
    assert sample().report(target) == target
    before = target.read_text(encoding="utf-8")
    assert before == page(sample())

    def broken(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.report.page", broken)
    with pytest.raises(Failure, match=r"The disk of .* is full: run.html could not be written"):
        write_report(sample(), target)
    assert target.read_text(encoding="utf-8") == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_page_that_has_no_place_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"the folder .* does not exist; make it first"):
        write_report(sample(), tmp_path / "none" / "run.html")
    with pytest.raises(Fault, match="is a folder, allowed is a file"):
        write_report(sample(), tmp_path)
