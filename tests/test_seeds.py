"""The seeds: that the catalogue is true to the documents, the digests are our own, and the market moves as quoted."""

import datetime as dt
import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import seeds
from engine.calendars import calendar
from engine.clock import publication
from engine.event_table import OPTIONAL, SCHEMA
from engine.events import Events
from engine.kinds import KINDS

ORIGINALS = Path(__file__).parents[1].parent / "shared" / "seeds"
DOCUMENTS = seeds.documents()
FACTS = seeds.facts()
EVENTS = seeds.events()
MARKET = seeds.market()

# What a relief and a warning are to the strategies that sell them short.
WARN = [
    "bubble_warning",
    "valuation_alarm",
    "funding_gap",
    "circular_financing",
    "short_disclosure",
    "backstop_plea",
    "disruption_shock",
]
RELIEF = ["denial", "support", "overdone_call"]


def original(doc_id: str) -> str:
    path = ORIGINALS / f"{doc_id}.txt"
    if not path.exists():
        pytest.skip("the original documents are not here")
    return path.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------------- the catalogue


def test_seeds_import_nothing_of_the_engine():
    code = (
        "import sys, seeds; seeds.market(); seeds.events(); print([n for n in sys.modules if n.startswith('engine')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_there_are_enough_facts_and_they_are_whole():
    assert FACTS.height >= 60
    assert FACTS["fact_id"].is_unique().all()
    assert FACTS.drop("event_id", "happened_on").null_count().sum_horizontal().item() == 0
    assert set(FACTS["kind"]) == set(EVENTS["kind"]) == set(KINDS)
    assert all(claim.endswith(".") and len(claim) > 20 for claim in FACTS["claim"])
    # Every document speaks, and every fact of an event is of the event's document and kind.
    assert set(FACTS["doc_id"]) == set(DOCUMENTS["doc_id"])
    joined = FACTS.drop_nulls("event_id").join(EVENTS, on="event_id", how="left", suffix="_event")
    assert joined["doc_id"].to_list() == joined["doc_id_event"].to_list()
    assert joined["kind"].to_list() == joined["kind_event"].to_list()
    assert set(joined["event_id"]) == set(EVENTS["event_id"])  # no event without a fact


@pytest.mark.parametrize("doc_id", DOCUMENTS["doc_id"])
def test_each_fact_stands_in_its_paragraph(doc_id: str):
    paragraphs = [line for line in original(doc_id).splitlines() if line.strip()]
    for fact in FACTS.filter(doc_id=doc_id).iter_rows(named=True):
        # 001 carries the pronunciation of some characters in brackets: 發(fā).
        paragraph = re.sub(r"\([a-zà-ÿǎǐǒǔ]{1,6}\)", "", paragraphs[fact["paragraph"] - 1])
        assert fact["anchor"] in paragraph, fact["fact_id"]


@pytest.mark.parametrize("doc_id", DOCUMENTS["doc_id"])
def test_each_quoted_percentage_stands_in_the_original(doc_id: str):
    text = original(doc_id)
    figures = (
        FACTS.filter(doc_id=doc_id).explode("figures").unnest("figures", separator=".").drop_nulls("figures.value")
    )
    moves = figures.filter(pl.col("figures.unit") == "%")["figures.value"].to_list()
    for value in moves:
        assert re.search(rf"(?<![\d.]){abs(value):g}\s*%", text), (doc_id, value)


def test_facts_of_each_document_agree_with_the_list_of_the_issue():
    # All tickers and moves that 001 and 004 quote, and those of 003, as the second issue lists them.
    expected = {
        "001": "NVDA -3.65, TSLA -3.5, AMZN -2.86, META -2.67, MSFT -1.98, AAPL -0.14, GOOGL +0.21, AMD -7.27, "
        "INTC -2.97, ORCL -2.6, AVGO -0.94",
        "003": "CEG -21, VST -28, GEV -22, TSM -13, NVDA -17, AVGO -17",
        "004": "AVGO -11.4, ORCL -4.8, AMD -4.8, NVDA -3.3, SNDK -14.6, IXIC -1.69, SOX -5.1",
    }
    figures = FACTS.explode("figures").unnest("figures", separator=".").filter(pl.col("figures.what") == "move")
    for prefix, listed in expected.items():
        found = figures.filter(pl.col("doc_id").str.starts_with(prefix))
        pairs = dict(zip(found["figures.asset"], found["figures.value"], strict=True))
        assert pairs == {pair.split()[0]: float(pair.split()[1]) for pair in listed.split(", ")}


# ---------------------------------------------------------------------------------------------------------- the events


def test_events_have_the_schema_and_pass_the_check():
    assert EVENTS.schema == pl.Schema({name: kind for name, kind in SCHEMA.items() if name not in OPTIONAL})
    assert Events.sample().frame.select(EVENTS.columns).equals(EVENTS)  # sorted already, nothing made


def test_strength_follows_the_table_at_the_head_of_the_catalogue():
    strength = dict(zip(EVENTS["event_id"], EVENTS["strength"], strict=True))
    assert strength["003-panic"] == 1.0  # a price 0.5, -17% is large 0.3, the headline 0.2
    assert strength["001-burry"] == 0.7  # a filing 0.5, 1.1 billion is a figure 0.2
    assert strength["000-no-rescue"] == 0.4  # named 0.4; a count of five is no figure that weighs
    assert strength["000-clarification"] == 0.1  # announced
    assert strength["002-garran"] == 0.7  # named 0.4, 17 times is large 0.3


def test_evidence_is_the_exact_span_of_the_digest():
    for event in EVENTS.iter_rows(named=True):
        digest = seeds.document(event["doc_id"])
        assert digest[event["evidence_start"] : event["evidence_end"]] == event["evidence"]
        assert digest.count(event["evidence"]) == 1
        assert event["evidence"][-1] in ".。；?"


def test_publication_is_what_the_clock_makes_of_the_stated_time():
    for row in DOCUMENTS.iter_rows(named=True):
        # 000 states nothing; its reason infers the day.
        text = row["stated"] or "2025-11-07"
        stated = dt.datetime.fromisoformat(text) if " " in text else dt.date.fromisoformat(text)
        expected = publication(stated, row["timezone"], reason=row["reason"])
        assert row["published_at"] == expected.at
        assert row["published_precision"] == expected.precision
        assert bool(row["reason"]) == (row["published_precision"] == "inferred")


def test_a_reading_of_the_digests_has_the_times_of_the_catalogue():
    read = Events.from_documents(seeds.DIGESTS, sidecar=seeds.SIDECAR).frame
    columns = ["doc_id", "published_at", "published_precision", "language"]
    expected = EVENTS.select(columns).unique().sort("doc_id")
    assert read.select(columns).unique().sort("doc_id").equals(expected)


def test_golden_rows_on_the_simulated_market():
    sessions = calendar("XNYS").between("2024-01-02", "2025-12-31")
    opens = calendar("XNYS").opens_of(sessions)
    known = EVENTS["known_at"].to_physical().to_numpy()
    first = sessions[np.searchsorted(opens, known, side="right")]
    found = dict(zip(EVENTS["doc_id"], first.astype(str), strict=True))
    # The table of DESIGN.md.
    assert found == {
        "003_6cfe05d7d97b57d2": "2025-01-28",
        "000_3c757d6039864042": "2025-11-10",
        "001_b21bce2730de2aaf": "2025-11-10",
        "002_9f329ecd071720ef": "2025-11-28",
        "004_f407cec4eb0efe30": "2025-12-15",
    }


@pytest.mark.parametrize(("prefixes", "warned"), [("003", True), ("000 001", True), ("002", True), ("004", False)])
def test_what_nvidia_is_warned_of(prefixes: str, warned: bool):
    touching = EVENTS.filter(
        pl.col("doc_id").str.slice(0, 3).is_in(prefixes.split()), pl.col("assets").list.contains("NVDA")
    )
    warn = touching.filter(pl.col("kind").is_in(WARN))["strength"].sum()
    relief = touching.filter(pl.col("kind").is_in(RELIEF))["strength"].sum()
    # Document 004 has Nvidia fall, but warns of Broadcom and Oracle alone.
    assert (warn - relief > 0.3) == warned
    assert (warn > 0) == warned


def test_liquidity_and_the_drug_fund_give_no_event():
    text = seeds.document("002_9f329ecd071720ef")
    start = text.index("先说A股")
    end = text.index("\n", start)
    for event in EVENTS.filter(pl.col("doc_id").str.starts_with("002")).iter_rows(named=True):
        assert event["evidence_start"] > end or event["evidence_end"] < start


def test_no_happening_lies_after_its_document():
    late = EVENTS.filter(pl.col("happened_on") > pl.col("published_at").dt.date())
    assert late.height == 0


# --------------------------------------------------------------------------------------------------------- the digests


def tokens(text: str) -> list[str]:
    """Split into words, numbers and single Chinese characters; marks and glosses such as 發(fā) fall away."""
    text = re.sub(r"\([a-zà-ÿǎǐǒǔ]{1,6}\)", "", text.lower())
    return re.findall(r"[㐀-鿿]|[^\W_㐀-鿿]+", text)


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = tokens(text)
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_not_one_sentence_is_copied():
    ours = [seeds.document(doc_id) for doc_id in DOCUMENTS["doc_id"]]
    ours.append((Path(seeds.__file__).parent / "catalogue.toml").read_text(encoding="utf-8"))
    for doc_id, text in itertools.product(DOCUMENTS["doc_id"], ours):
        copied = runs(original(doc_id), 12) & runs(text, 12)
        assert not copied, (doc_id, sorted(copied)[:3])


def test_the_check_of_copies_would_find_one():
    text = original("003_6cfe05d7d97b57d2")
    assert runs(text, 12) & runs("..." + text[400:440] + "...", 12)


@pytest.mark.parametrize("doc_id", DOCUMENTS["doc_id"])
def test_digests_are_of_a_readers_length(doc_id: str):
    digest = seeds.document(doc_id)
    sentences = re.findall(r"[^.。?]{10,}(?:[.?]\s|。)", digest)
    assert 8 <= len(sentences) <= 22
    # What states the time in the original states it in the digest, and nothing else does.
    stamped = re.findall(r"^\d{4}\S+ \d\d:\d\d", digest, re.MULTILINE)
    precision = DOCUMENTS.filter(doc_id=doc_id)["published_precision"].item()
    assert len(stamped) == (precision == "instant")


def test_an_unknown_document_is_named():
    with pytest.raises(KeyError, match="'nothing' is not one of the seed documents"):
        seeds.document("nothing")


# ---------------------------------------------------------------------------------------------------------- the market

CLOSES = {asset: frame.sort("session") for (asset,), frame in MARKET.group_by("asset")}


def move(asset: str, session: str) -> float:
    """Give the close-to-close move in percent."""
    frame = CLOSES[asset]
    row = frame["session"].index_of(dt.date.fromisoformat(session))
    return (frame["close"][row] / frame["close"][row - 1] - 1) * 100


# Quoted by documents 003, 001 and 004.
QUOTED = {
    "2025-01-27": {"NVDA": -17, "AVGO": -17, "TSM": -13, "CEG": -21, "VST": -28, "GEV": -22},
    "2025-11-06": {
        **{"NVDA": -3.65, "TSLA": -3.5, "AMZN": -2.86, "META": -2.67, "MSFT": -1.98, "AAPL": -0.14, "GOOGL": 0.21},
        **{"AMD": -7.27, "INTC": -2.97, "ORCL": -2.6, "AVGO": -0.94},
    },
    "2025-12-12": {"AVGO": -11.4, "ORCL": -4.8, "AMD": -4.8, "NVDA": -3.3, "SNDK": -14.6, "IXIC": -1.69, "SOX": -5.1},
}


@pytest.mark.parametrize("session", QUOTED)
def test_moves_on_the_quoted_days_are_the_quoted_moves(session: str):
    found = {asset: move(asset, session) for asset in QUOTED[session]}
    assert found == pytest.approx(QUOTED[session], abs=1e-6 * 100)
    # And those of the catalogue, so that the two cannot drift apart.
    figures = FACTS.filter(pl.col("happened_on") == dt.date.fromisoformat(session)).explode("figures")
    quoted = figures.unnest("figures", separator=".").filter(pl.col("figures.what") == "move")
    assert dict(zip(quoted["figures.asset"], quoted["figures.value"], strict=True)) == QUOTED[session]


def test_what_the_documents_say_of_longer_spans_holds_too():
    assert move("ORCL", "2025-12-11") < -10
    assert move("CRWV", "2025-12-12") < -5
    falls = CLOSES["MSFT"].filter(pl.col("session") <= dt.date(2025, 11, 6))["close"].diff().to_numpy() < 0
    lengths = [len(list(group)) for falling, group in itertools.groupby(falls) if falling]
    assert lengths[-1] == max(lengths) == 7  # seven sessions in a row, the longest run
    assert falls[-1]
    spy = CLOSES["SPY"]
    april = spy.filter(pl.col("session").is_between(dt.date(2025, 4, 1), dt.date(2025, 4, 30)))["close"].min()
    assert spy.filter(session=dt.date(2025, 11, 6))["close"].item() > 1.3 * april
    before = spy.filter(pl.col("session") <= dt.date(2025, 12, 11))["close"]
    assert before[-1] == before.max()  # a record close the day before
    nasdaq = CLOSES["IXIC"].filter(pl.col("session") <= dt.date(2025, 12, 12))["close"]
    assert nasdaq[-1] == nasdaq.tail(10).min() > nasdaq.tail(15).min()  # the lowest of two weeks, not of three


def test_sessions_are_those_of_new_york():
    expected = calendar("XNYS").between("2024-01-02", "2025-12-31")
    assert CLOSES["SPY"]["session"].to_numpy().tolist() == expected.tolist()
    assert len(expected) == 252 + 250  # of 2024, and of 2025, which lost a day to mourning


def test_late_listings_have_no_earlier_rows():
    firsts = {asset: frame["session"][0] for asset, frame in CLOSES.items()}
    late = {asset: str(day) for asset, day in firsts.items() if day != dt.date(2024, 1, 2)}
    # The first trading days, as the data the project is tested with has them.
    assert late == {"CRWV": "2025-03-28", "SNDK": "2025-02-13", "GEV": "2024-03-27"}
    assert {frame["session"][-1] for frame in CLOSES.values()} == {dt.date(2025, 12, 31)}


def test_bars_are_sound():
    assert MARKET.columns == ["asset", "session", "open", "high", "low", "close", "volume", "dividend", "split"]
    assert MARKET.equals(MARKET.sort("asset", "session"))
    assert MARKET["asset"].n_unique() >= 24
    prices = MARKET.select("open", "high", "low", "close", "volume")
    assert prices.null_count().sum_horizontal().item() == 0
    assert prices.select(pl.all().is_finite().all()).row(0) == (True,) * 5
    assert (MARKET["low"] > 0).all()
    assert (MARKET["high"] >= MARKET.select(pl.max_horizontal("open", "close")).to_series()).all()
    assert (MARKET["low"] <= MARKET.select(pl.min_horizontal("open", "close")).to_series()).all()
    assert (MARKET["volume"] > 0).all()


def test_every_asset_of_the_catalogue_is_in_the_market():
    named = set(EVENTS.explode("assets")["assets"]) | set(FACTS.explode("whom")["whom"].drop_nulls())
    assert named <= set(CLOSES)
    assert {"SPY", "QQQ", "SMH"} <= set(CLOSES)


def test_dividends_and_splits():
    splits = MARKET.filter(pl.col("split") != 1)
    assert {(row["asset"], str(row["session"]), row["split"]) for row in splits.iter_rows(named=True)} == {
        ("NVDA", "2024-06-10", 10.0),
        ("AVGO", "2024-07-15", 10.0),
    }
    # Prices are adjusted: no split shows as a fall.
    assert abs(move("NVDA", "2024-06-10")) < 10
    paid = MARKET.filter(pl.col("dividend") > 0)
    assert paid.filter(asset="MSFT").height == 8  # quarterly, two years
    assert paid.select((pl.col("dividend") / pl.col("close")).max()).item() < 0.01
    assert (MARKET["dividend"] >= 0).all()


def test_returns_are_correlated_as_shares_are():
    wide = MARKET.pivot("asset", index="session", values="close").sort("session").drop("session")
    returns = wide.select((pl.all() / pl.all().shift(1)).log()).drop_nulls()
    between = {
        pair: np.corrcoef(returns[pair[0]], returns[pair[1]])[0, 1] for pair in [("NVDA", "AMD"), ("NVDA", "SMH")]
    }
    assert 0.4 < between["NVDA", "AMD"] < 0.9
    assert 0.7 < between["NVDA", "SMH"] < 1.0
    # Yearly deviation of daily returns, in the range that such names have.
    yearly = {asset: returns[asset].std() * 252**0.5 for asset in ("SPY", "NVDA", "CRWV")}
    assert 0.08 < yearly["SPY"] < 0.25
    assert 0.25 < yearly["NVDA"] < 0.60
    assert 0.5 < yearly["CRWV"] < 1.5


def test_the_market_is_the_same_on_every_run():
    assert seeds.market().equals(MARKET)
    nvda = CLOSES["NVDA"]
    assert nvda["close"][0] == 48.0
    # The level of the waypoint before, and the quoted move.
    assert nvda.filter(session=dt.date(2025, 1, 27))["close"].item() == pytest.approx(143 * 0.83, abs=1e-5)
    # A snapshot of our own making: it changes when the script or the random numbers do, and then has to be renewed.
    snapshot = {("AMD", dt.date(2024, 3, 15)): 162.905013, ("XLP", dt.date(2025, 9, 15)): 78.064773}
    for (asset, session), close in snapshot.items():
        assert CLOSES[asset].filter(session=session)["close"].item() == pytest.approx(close, abs=2e-6)


def test_the_label_says_simulated():
    assert seeds.LABEL.startswith("SIMULATED")


def test_no_recorded_price_is_among_them():
    folder = ORIGINALS.parent / "data" / "us_daily"
    if not folder.exists():
        pytest.skip("the recorded prices are not here")
    for asset in ("NVDA", "AVGO", "ORCL", "SPY", "MSFT"):
        recorded = pl.read_csv(folder / f"{asset}.csv", try_parse_dates=True)
        both = CLOSES[asset].join(recorded, left_on="session", right_on="Date")
        assert both.height > 400
        same = both.filter((pl.col("close") - pl.col("Close")).abs() < 1e-3)
        assert same.height <= 2, asset
