"""Nothing makes the reader fall over, and what it then finds still stands in the text and in the past."""

from __future__ import annotations

import datetime as dt
import random
import re
from zoneinfo import ZoneInfo

import pytest

from engine.events import KINDS
from engine.faults import Fault
from engine.reader.decode import decode, repair
from engine.reader.document import Document, read
from engine.reader.lexicon import load
from engine.reader.metadata import page_times
from engine.reader.pages import main_text
from engine.reader.times import ZONES
from tests.reader.mutations import TEXTS, mutant


def check(raw: bytes) -> int:
    """Read one mutant; give the number of its events."""
    text, published = decode(raw), None
    if re.search(r"<(?:html|div)", text):
        text, published = main_text(text), page_times(text).published
    try:
        found = read(Document("m", text, "m", published), load())
    except Fault:
        return 0  # it states no time
    body = repair(text)
    for item in found:
        row = item.row
        assert row["kind"] in KINDS
        assert row["assets"]
        assert row["evidence"].strip()
        assert body[row["evidence_start"] : row["evidence_end"]] == row["evidence"]
        assert 0 <= row["strength"] <= 1
        assert -1 <= row["stance"] <= 1
        assert row["known_at"] >= row["published_at"]
        local = row["published_at"].astimezone(ZoneInfo(ZONES[row["language"]])).date()
        # the document's own zone may be another one, so that a day's grace is needed at midnight
        assert row["happened_on"] is None or row["happened_on"] <= local + dt.timedelta(days=1)
        assert all(abs(figure["value"]) < 1e19 for figure in row["figures"])
    return len(found)


def run(count: int, seed: int) -> int:
    rng = random.Random(seed)
    return sum(check(mutant(rng)) for _ in range(count))


def test_mutants() -> None:
    # they are not so garbled that nothing is found: then the checks above would check nothing
    assert run(600, 1) > 120


@pytest.mark.slow
def test_a_hundred_thousand_mutants() -> None:
    assert run(100_000, 2) > 20_000


# The megabyte itself is slow: it goes the way of the quarter, four times as long.
@pytest.mark.parametrize("times", [1_150, pytest.param(4_600, marks=pytest.mark.slow)])
@pytest.mark.parametrize("end", ["", "。"])
def test_a_line_of_a_megabyte_and_of_a_quarter(end: str, times: int) -> None:
    line = (TEXTS[2].split("\n")[1] + "泡沫" * 20) * times
    assert len(line.encode()) > 950_000 / 4_600 * times
    assert check(("2025年11月7日 09:30\n" + line + end).encode()) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00" * 1000,
        "%" * 5000,
        "英" * 50_000,
        "1" * 100_000,
        "1,000" * 20_000,
        "(" * 50_000,
        "a." * 40_000,
        "<" * 50_000,
    ],
)
def test_texts_of_one_thing(text: str) -> None:
    assert check(text.encode()) == 0


def test_deep_html() -> None:
    page = "<html><body>" + "<div><span>" * 50_000 + "Nvidia fell 3% on Thursday. 2025-11-07" + "</span></div>" * 50_000
    assert check(page.encode()) >= 0
