"""The five seed documents, held against the catalogue of what they say. Skipped where they are not at hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from benchmarks.reader import SIDECAR, catalogue
from engine.calendars import calendar
from engine.reader import read_documents

SEEDS = Path(__file__).parents[2].parent / "shared" / "seeds"
pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents are not beside the project")
WARN = {
    "bubble_warning",
    "valuation_alarm",
    "funding_gap",
    "circular_financing",
    "short_disclosure",
    "backstop_plea",
    "disruption_shock",
}
RELIEF = {"denial", "support", "overdone_call"}
# The moves that issue 3 names; percent, close to close.
MOVES = {
    "001": {"NVDA": -3.65, "TSLA": -3.5, "AMZN": -2.86, "META": -2.67, "MSFT": -1.98, "AAPL": -0.14, "GOOGL": 0.21, "AMD": -7.27,
            "INTC": -2.97, "ORCL": -2.6, "AVGO": -0.94},
    "003": {"NVDA": -17.0, "AVGO": -17.0, "TSM": -13.0, "CEG": -21.0, "VST": -28.0, "GEV": -22.0},
    "004": {"AVGO": -11.4, "ORCL": -4.8, "AMD": -4.8, "NVDA": -3.3, "SNDK": -14.6},
}  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> list[dict]:  # type: ignore[type-arg]
    return read_documents(sorted(SEEDS.glob("0*.txt")), sidecar=SIDECAR).frame.to_dicts()


def test_ninety_percent_of_the_catalogue_is_found_and_little_else() -> None:
    scores = catalogue(SEEDS)
    for what in ("triples", "pairs"):
        assert scores[what]["all"]["recall"] >= 0.9
        assert scores[what]["all"]["precision"] >= 0.9
    assert all(scores["triples"][tongue]["recall"] >= 0.9 for tongue in ("en", "fr", "zh-Hans", "zh-Hant"))


@pytest.mark.parametrize("document", MOVES)
def test_every_named_move_is_found_under_its_name(rows: list[dict], document: str) -> None:  # type: ignore[type-arg]
    told = {
        (f["asset"], f["value"])
        for row in rows
        if row["doc_id"].startswith(document)
        for f in row["figures"]
        if f["unit"] == "%"
    }
    assert set(MOVES[document].items()) <= told


def test_mainland_money_and_the_drug_fund_give_no_event(rows: list[dict]) -> None:  # type: ignore[type-arg]
    evidence = [row["evidence"] for row in rows if row["doc_id"].startswith("002")]
    assert not [
        text for text in evidence if any(word in text for word in ("MLF", "央妈", "创新药", "上证", "逆回购", "医药"))
    ]


@pytest.mark.parametrize(
    ("document", "first_open"),
    # DESIGN.md, "When could it be known"
    [("003", "2025-01-28"), ("000", "2025-11-10"), ("001", "2025-11-10"), ("002", "2025-11-28"), ("004", "2025-12-15")],
)
def test_the_first_tradable_open(rows: list[dict], document: str, first_open: str) -> None:  # type: ignore[type-arg]
    nyse = calendar("XNYS")
    known = {row["known_at"] for row in rows if row["doc_id"].startswith(document)}
    assert len(known) == 1
    opens = nyse.next_open(np.array([int(known.pop().timestamp() * 1e6)]))
    assert str(nyse.sessions[np.searchsorted(nyse.opens, opens[0])]) == first_open


def test_a_shanghai_page_dates_the_new_york_close_of_the_day_before(rows: list[dict]) -> None:  # type: ignore[type-arg]
    days = {row["happened_on"] for row in rows if row["doc_id"].startswith("001") and row["kind"] == "panic_drop"}
    assert days == {dt.date(2025, 11, 6)}


@pytest.mark.parametrize("documents", [("003",), ("000", "001"), ("002",)])
def test_pressure_on_nvidia_is_a_warning(rows: list[dict], documents: tuple[str, ...]) -> None:  # type: ignore[type-arg]
    mine = [row for row in rows if row["doc_id"].startswith(documents) and "NVDA" in row["assets"]]
    pressure = sum(row["strength"] * ((row["kind"] in WARN) - (row["kind"] in RELIEF)) for row in mine)
    assert pressure >= 0.1
