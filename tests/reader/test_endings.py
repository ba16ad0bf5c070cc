# ruff: noqa: E501  (sentences of counts)
"""What the end of a reading says, and why a document gave nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cli import main
from engine.faults import Fault
from engine.reader import explain, read_documents, read_sources
from engine.reader.counted import COUNTS, SILENT, said
from engine.reader.language import is_other, suspects
from engine.reader.progress import Progress

FALL = "Nvidia fell 8.65% on Thursday."
WHEN = "2025-11-07T09:00:00+00:00"
#: A document of each fate: its text, its time, and the count under which it falls.
FATES: dict[str, tuple[str, str | None, str]] = {
    "event": ("Oracle fell 9.2% on Thursday.", WHEN, "with_events"),
    "undated": ("AMD fell 5.1% on Thursday.", None, "no_date"),
    "unread": ("Intel fell 6.3% on Thursday.", "whenever", "unread_date"),
    "nobody": ("Zyntex shares are in a bubble, the fund manager warned.", WHEN, "nobody_known"),
    "nothing": ("Nvidia opens an office in Osaka.", WHEN, "no_claim"),
    "neither": ("The museum opens at nine.", WHEN, "no_claim"),
    "copy": ("Oracle fell 9.2% on Thursday.", WHEN, "copies"),
    "german": ("Die Aktie von Nvidia ist nach der Warnung auf dem tiefsten Stand und nicht im Plus.", WHEN, "other_language"),
    "japanese": ("エヌビディアの株価が8%下落した。投資家はバブルを心配している。", WHEN, "other_language"),
}  # fmt: skip


def lines(path: Path, names: Iterator[str] | list[str]) -> Path:
    rows = [{"id": name, "text": FATES[name][0], "date": FATES[name][1]} for name in names]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_each_document_counts_once_under_what_became_of_it(tmp_path: Path) -> None:
    counts = read_sources(lines(tmp_path / "a.jsonl", list(FATES))).counts
    wanted = {name: sum(fate == name for _, _, fate in FATES.values()) for name in ("with_events", *SILENT)}
    assert {name: counts[name] for name in wanted} == wanted
    assert set(counts) == set(COUNTS)
    assert counts["refused"] == 2


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(sorted(FATES)), min_size=1, max_size=12))
def test_the_counts_add_up(tmp_path: Path, names: list[str]) -> None:
    counts = read_sources(lines(tmp_path / "a.jsonl", names)).counts
    assert counts["documents"] == len(names) == counts["with_events"] + sum(counts[name] for name in SILENT)


def test_the_end_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = lines(tmp_path / "a.jsonl", list(FATES)), tmp_path / "e.parquet"
    assert main(["read", str(path), "--out", str(out)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert (
        "9 documents: 1 with events, 1 the very text of another, 2 in a language that is neither English, French nor Chinese, "
        "1 that names nobody known, 2 that make no claim, 1 that makes a claim and states no publication time, "
        "1 that makes a claim, with a publication time that is not understood. 1 event."
    ) in told
    assert main(["read", str(path), "--out", str(out), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert (counts["no_date"], counts["other_language"], counts["copies"], counts["left_out"]) == (1, 2, 1, 0)


@pytest.mark.parametrize(
    ("counts", "sentences"),
    [
        ({"documents": 1}, ["1 document: 0 with events.", "0 events."]),
        ({"documents": 2, "nobody_known": 2}, ["2 documents: 0 with events, 2 that name nobody known.", "0 events."]),
        (
            {"documents": 3, "with_events": 3, "repeated": 2, "versions": 1, "left_out": 1, "rows_left_out": 1, "files_left_out": 2},
            [
                "3 documents: 3 with events.",
                "0 events; 1 document of those with events told a story again; 1 document of those with events is a later version of another; "
                "1 event left out, which no table of events may hold.",
                "1 row could not be read and is left out.",
                "2 files could not be read and are left out.",
            ],
        ),
    ],
)  # fmt: skip
def test_sentences(counts: dict[str, int], sentences: list[str]) -> None:
    assert list(said(counts, 0)) == sentences


def test_where_no_date_is_stated_at_all_the_fault_says_how_many(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", ["undated", "nothing", "unread"])
    with pytest.raises(Fault, match=r"2 documents of 3 are like it, and none gave an event"):
        read_documents(path)


# ------------------------------------------------------------------------------------------------------ other languages


@pytest.mark.parametrize(
    "text",
    [
        "Die Aktie von Nvidia fällt nach der Warnung um acht Prozent, und die Anleger sind nicht froh.",
        "Las acciones de Nvidia caen un 8% en la bolsa por las dudas sobre los chips.",
        "Le azioni di Nvidia perdono l'8% dopo che la società ha tagliato le stime degli utili della divisione.",
        "As ações da Nvidia caem 8% em Nova York, e o mercado não vê uma saída.",
        "Het aandeel van Nvidia daalt met acht procent, maar beleggers zijn niet bang voor een zeepbel.",
        "Акции Nvidia упали на 8% после предупреждения о пузыре.",
        "エヌビディアの株価が8%下落した。",
        "엔비디아 주가가 8% 하락했다.",
        "تراجعت أسهم إنفيديا بنسبة ثمانية في المئة",
        "Nvidia-aktien faller med åtta procent och det är inte för att bolaget går dåligt till slut.",
        "Η μετοχή της Nvidia έπεσε 8%",
        "Saham Nvidia turun 8% dan investor yang takut pada gelembung tidak untuk bertahan dengan itu.",
    ],
)
def test_other_languages(text: str) -> None:
    assert is_other(text)


@pytest.mark.parametrize(
    "text",
    [
        FALL,
        "L'action Nvidia chute de 8 % à Wall Street, les investisseurs craignent une bulle.",
        "英伟达股价下跌8%，市场担忧泡沫。",
        "輝達股價重挫",
        "三星电子（삼성전자）股价下跌8%，创一年新低",
        "日经平均指数（日経平均株価）大跌，東京の市場悲观",
        "Ørsted and Mærsk slump",
        "Los Angeles, Las Vegas",
        "Der Spiegel : SAP vise une croissance de 8 %",
        "Société Générale, Crédit Agricole",
        "BMW",
        "",
        "8%",
        "MIT, von der Leyen",
        "Stéphane Bancel, Moderna: « les ventes ont déçu »",
        "史蒂夫・乔布斯与苹果",
    ],
)
def test_the_four_languages_are_no_other(text: str) -> None:
    assert not is_other(text)


def test_only_suspects_are_looked_at() -> None:
    import polars as pl  # noqa: PLC0415

    texts = pl.Series(["The shares fell with the market.", "Die Aktie fällt", "英伟达的股价", "エヌビディアの株価", ""])
    assert suspects(texts).to_list() == [False, True, False, True, True]


# ---------------------------------------------------------------------------------------------------------- explanations


@pytest.mark.parametrize(
    ("name", "reason", "sentence"),
    [
        ("event", "", "1 event."),
        ("undated", "no_date", "it states no publication time"),
        ("unread", "unread_date", "the publication time must be a date"),
        ("nobody", "nobody_known", "it names nobody known. A table of names adds companies: --names."),
        ("nothing", "no_claim", "no word of the lexicon that makes one"),
        ("copy", "copies", "it is the very text of event"),
        ("german", "other_language", "its language is neither English, French nor Chinese"),
        ("japanese", "other_language", "its language is neither"),
    ],
)
def test_a_document_is_explained(
    tmp_path: Path, name: str, reason: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lines(tmp_path / "a.jsonl", list(FATES))
    found = explain(name, path)
    assert (found["doc_id"], found["reason"]) == (name, reason)
    assert sentence in found["text"]
    assert bool(found["events"]) == (not reason)
    assert main(["read", str(path), "--explain", name]) == 0
    assert sentence in " ".join(capsys.readouterr().out.split())
    assert main(["read", str(path), "--explain", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reason"] == reason


def test_an_explanation_names_words_and_names(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "x", "text": "Nvidia says that no bubble is in sight at AMD.", "date": WHEN}))
    found = explain("x", path)
    assert set(found["names"].values()) == {"NVDA", "AMD"}
    assert "bubble" in found["words"]


@pytest.mark.parametrize("wanted", ["a.txt", "a", "folder/a.txt"])
def test_a_page_is_named_by_its_file(tmp_path: Path, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("folder/a.txt").write_text("The museum opens at nine.")
    assert explain(wanted, "folder")["reason"] == "no_claim"


@pytest.mark.parametrize("wanted", ["news.csv#2", "news.csv, row 2", "news#2"])
def test_a_row_is_named_by_its_place(tmp_path: Path, wanted: str) -> None:
    path = tmp_path / "news.csv"
    path.write_text(f"title,date\nThe museum opens.,{WHEN}\n{FALL},{WHEN}\n")
    assert explain(wanted, path)["events"][0]["event"]["assets"] == ["NVDA"]


def test_an_event_s_id_is_explained_as_before(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", list(FATES))
    (event_id,) = read_sources(path).events.frame["event_id"]
    found = explain(event_id, path)
    assert found["event"]["assets"] == ["ORCL"]
    with pytest.raises(
        Fault, match=r"no document given has such an event, nor that id itself \(did you mean 'undated'\?\)"
    ):
        explain("undatd", path)


def test_a_near_copy_is_said_to_be_one(tmp_path: Path) -> None:
    story = " ".join(f"Dealers of desk {n} sold chips all day." for n in range(30))
    rows = [
        {"id": "first", "text": f"{FALL} {story}", "date": WHEN},
        {"id": "second", "text": f"{FALL} {story} By our staff.", "date": "2025-11-07T10:00:00+00:00"},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "copy of    first" in explain("second", path)["text"]
    assert "copy of" not in explain("first", path)["text"]


# ------------------------------------------------------------------------------------------------------------- progress


def test_progress_without_a_terminal_is_told_in_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = lines(tmp_path / "a.jsonl", list(FATES)), tmp_path / "e.parquet"
    assert main(["read", str(path), "--out", str(out)]) == 0
    assert capsys.readouterr().err == ""  # over before there is anything to say
    monkeypatch.setattr("engine.reader.progress.EVERY", 0.0)
    monkeypatch.setattr("engine.reader.read._STEP", 4)
    assert main(["read", str(path), "--out", str(out)]) == 0
    told = capsys.readouterr().err.splitlines()
    assert [line.split(" documents")[0] for line in told] == ["reading: 4", "reading: 8", "reading: 9", "read: 9"]
    assert main(["read", str(path), "--out", str(out), "--json"]) == 0
    assert capsys.readouterr().err == ""


def test_progress_calls_a_function_or_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[Any] = []
    with Progress(lambda documents, size: calls.append((documents, size))) as advance:
        advance(3, 40)
    with Progress(False) as advance:
        advance(3, 40)
    assert calls == [(3, 40)]
    assert capsys.readouterr().err == ""
