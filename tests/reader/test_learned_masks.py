"""Weights must not remember the future: they see no name, no figure, no date and no product, and their labels are dated."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.cli import main
from engine.events import Events
from engine.faults import Fault, Note
from engine.reader import as_of
from engine.reader.document import Document, opened
from engine.reader.fold import fold
from engine.reader.learned.judge import Weighed
from engine.reader.learned.model import built_in
from engine.reader.lexicon import load
from engine.reader.names.table import built_in as listed

LEXICON = load([])
MODEL = built_in()
#: Names that nothing else is called, each with its company.
NAMES = [name for item in listed() if not item.word and item.names for name in item.names[:1] if len(name) > 4]
COMPANIES = (
    "Intel",
    "Oracle",
    "Nvidia",
    "Tesla",
    "Microsoft",
    "AMD",
    "Micron",
    "Qualcomm",
    "Broadcom",
    "Cisco",
    "Adobe",
)
MONTHS = {
    "en": ("January", "February", "March", "April", "June", "July", "August", "September", "October", "November", "Jan.", "Sept."),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"),
}  # fmt: skip


def seen(text: str) -> Weighed:
    page = opened(Document("d", text, "d", "2025-01-01T12:00:00Z"), LEXICON)
    found = page.weighed(LEXICON)
    assert found is not None, text
    return found


def test_there_is_a_model_and_its_newest_text_dates_the_labels() -> None:
    assert MODEL is not None
    assert MODEL.newest.tzinfo is not None
    assert MODEL.newest > dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert LEXICON.labelled_at >= MODEL.newest
    assert MODEL.version in LEXICON.label


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    rest=st.sampled_from(["{} shares fell sharply today", "Analysts say that {} is a bubble"]),
)
def test_no_name_of_the_table_is_seen(name: str, rest: str) -> None:
    page = opened(Document("d", rest.format(name), "d", "2025-01-01T12:00:00Z"), LEXICON)
    assume(len(page.names) == 1 and page.text[page.names[0].start : page.names[0].end] == name)
    assert fold(name) not in seen(rest.format(name)).lines[0]


@settings(max_examples=100, deadline=None)
@given(
    one=st.sampled_from(COMPANIES),
    other=st.sampled_from(COMPANIES),
    size=st.integers(5, 99),
    another=st.integers(5, 99),
)
def test_another_company_and_another_figure_change_nothing(one: str, other: str, size: int, another: int) -> None:
    text = "{} shares plunged {}.{}% after it lost ${} billion and {} customers"
    mine = seen(text.format(one, size, size, size, size))
    theirs = seen(text.format(other, another, another, another, another))
    assert mine.lines == theirs.lines
    np.testing.assert_array_equal(mine.logits, theirs.logits)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("英伟达股价暴跌9%", "特斯拉股价暴跌19%"),
        ("台積電3月5日股價重挫6%", "輝達12月31日股價重挫8%"),
        ("Danone chute de 7,5 % le 3 mars 2024", "Renault chute de 12,1 % le 30 août 2019"),
        ("On Jan. 27, 2025 Nvidia fell 17%", "On Sept. 3, 2024 Oracle fell 9%"),
        ("Nvidia fell from $147.15 to $118.42", "Intel fell from $98.10 to $70.02"),
        ("Nvidia's Quolbert is late", "Intel's Zorgon is late"),
        ("Apple's Quarzil sells badly, says Zentrovia", "Microsoft's Blentix sells badly, says Mondravia"),
        ("Ray Dalio warns of a bubble at Nvidia", "Jamie Dimon warns of a bubble at Oracle"),
        ("S&P 500 fell 3% at 10:30", "Nasdaq fell 4% at 15:45"),
        ("NVDA: 1,234,567 shares were sold", "AMD: 7,654,321 shares were sold"),
    ],
)
def test_what_differs_in_names_figures_and_days_alone_is_seen_alike(one: str, other: str) -> None:
    mine, theirs = seen(one), seen(other)
    assert mine.lines == theirs.lines
    np.testing.assert_array_equal(mine.logits, theirs.logits)


@pytest.mark.parametrize(
    ("language", "month"), [(tongue, month) for tongue, months in MONTHS.items() for month in months]
)
def test_no_month_is_seen(language: str, month: str) -> None:
    text = f"Boeing fell 9% in {month} 2023" if language == "en" else f"Boeing a chuté de 9 % en {month} 2023"
    assert not re.search(rf"\b{fold(month).rstrip('.')}\b", seen(text).lines[0])


@settings(max_examples=100, deadline=None)
@given(
    product=st.from_regex(r"[A-Z][bcdfgklmnpr][aeiou][bcdfgklmnpr]{2}[aeiou]x", fullmatch=True),
    figure=st.integers(1, 10**9),
)
def test_no_product_and_no_figure_is_seen(product: str, figure: int) -> None:
    line = seen(f"Nvidia says that the {product} {figure} sells badly").lines[0]
    assert fold(product) not in line
    assert set(re.findall(r"\d+", line)) <= {"0", "1", "2", "5"}


# ------------------------------------------------------------------------------------------------ labels as of an instant


def event(name: str, labelled: str) -> dict[str, object]:
    at = dt.datetime(2025, 1, 2, 12, tzinfo=dt.UTC)
    return {
        "kind": "denial", "assets": ["NVDA"], "strength": 0.5, "published_at": at, "known_at": at, "doc_id": name,
        "labelled_at": dt.datetime.fromisoformat(labelled),
    }  # fmt: skip


def events(*rows: dict[str, object]) -> Events:
    return Events.from_frame({name: [row[name] for row in rows] for name in rows[0]})


EARLY, LATE = "2025-02-01T08:00:00+00:00", "2026-11-28T08:00:00+00:00"
BETWEEN = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)


def test_labels_that_are_all_younger_are_refused() -> None:
    with pytest.raises(Fault, match=r"no label is as old \(the first of 2 events is of 2026-11-28"):
        as_of(events(event("a", LATE), event("b", LATE)), BETWEEN)


def test_labels_of_which_some_are_younger_are_counted() -> None:
    both = events(event("a", EARLY), event("b", LATE))
    with pytest.warns(Note, match="1 event left out, of documents that had no label yet at 2025-12-01"):
        assert as_of(both, BETWEEN).frame["doc_id"].to_list() == ["a"]
    assert len(as_of(both, BETWEEN + dt.timedelta(days=999))) == 2


def test_a_document_that_was_labelled_again_loses_nothing() -> None:
    again = events(event("a", EARLY), event("a", LATE))
    assert as_of(again, BETWEEN).frame["labelled_at"].to_list() == [dt.datetime.fromisoformat(EARLY)]


def test_an_empty_table_has_nothing_to_refuse() -> None:
    assert not len(as_of(events(event("a", EARLY)).select(kinds=["support"]), BETWEEN))


def test_the_command_refuses_younger_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.parquet"
    events(event("a", LATE)).write(path)
    others = ["--prices", str(tmp_path / "prices.csv"), "--out", str(tmp_path / "run")]
    assert main(["backtest", "sma_cross", "--events", str(path), *others, "--as-of", "2025-12-01T00:00Z"]) == 2
    assert "no label is as old" in capsys.readouterr().err
