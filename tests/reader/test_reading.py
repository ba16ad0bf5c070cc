# ruff: noqa: E501  (patterns, word tables and Chinese, whose characters count twice)
"""Files, tables, encodings, copies, sidecars, words of one's own, labels, explanations."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from engine.faults import Fault
from engine.reader import as_of, beside, explain, read_documents, read_sources
from engine.reader.decode import decode, repair
from engine.reader.figures import figures
from engine.reader.fold import fold
from engine.reader.plugins import reader
from engine.reader.sessions import new_york
from engine.reader.times import Reference, happened_on

DROP = "Published 2025-11-07 09:00 UTC\nNvidia fell 8.65% on Thursday, while Oracle lost 7.6% after a weak session.\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_simplified_chinese_in_its_encodings(tmp_path: Path, encoding: str) -> None:
    text = "2025年11月7日 09:30\n昨夜英伟达下跌8.65%，市场担忧人工智能泡沫，投资者纷纷卖出。\n"
    frame = read_documents(write(tmp_path / "a.txt", text, encoding), min_confidence=0).frame
    assert set(frame["kind"]) == {"panic_drop", "bubble_warning"}
    assert frame["language"].unique().to_list() == ["zh-Hans"]


def test_big5_and_latin_1() -> None:
    assert decode("輝達股價昨夜重挫，市場擔憂泡沫".encode("big5")) == "輝達股價昨夜重挫，市場擔憂泡沫"
    assert decode("L'action a chuté après l'été".encode("latin-1")) == "L'action a chuté après l'été"


def test_broken_characters_are_repaired() -> None:
    assert repair("英偉達(dá)跌3.65%") == "英偉達跌3.65%"
    assert "terminée" in repair("la hausse est terminÃ©e")


def test_all_inputs_give_the_same_event(tmp_path: Path) -> None:
    story, when = "Nvidia fell 8.65% on Thursday.", "2025-11-07T09:00:00+00:00"
    record = {"id": "n1", "body": story, "date": when}
    write(tmp_path / "a.txt", f"Published 2025-11-07 09:00 UTC\n{story}")
    write(
        tmp_path / "b.html",
        f'<html><head><meta property="article:published_time" content="{when}"></head><body><p>{story}</p></body></html>',
    )
    write(tmp_path / "c.json", json.dumps([record]))
    write(tmp_path / "d.jsonl", json.dumps(record) + "\n")
    write(tmp_path / "e.csv", f'id,body,date\nn1,"{story}",{when}\n')
    pl.DataFrame([record]).write_parquet(tmp_path / "f.parquet")
    for name in ("a.txt", "b.html", "c.json", "d.jsonl", "e.csv", "f.parquet"):
        row = read_documents(tmp_path / name).frame.to_dicts()[0]
        assert (row["kind"], row["assets"], row["happened_on"]) == ("panic_drop", ["NVDA"], dt.date(2025, 11, 6)), name
        assert row["known_at"] == dt.datetime(2025, 11, 7, 9, tzinfo=dt.UTC), name
    reading = read_sources(tmp_path)
    assert reading.counts["documents"] == 6
    assert len(reading.events) == 1  # one story on six sites
    assert reading.sources.height == 6


def test_columns_are_mapped(tmp_path: Path) -> None:
    pl.DataFrame({"k": ["x"], "story": ["Nvidia fell 8%."], "day": [dt.date(2025, 11, 7)]}).write_parquet(
        tmp_path / "t.parquet"
    )
    mapping = write(
        tmp_path / "columns.toml", 'text = "story"\npublished = "day"\ndoc_id = "k"\nzone = "Asia/Shanghai"\n'
    )
    row = read_documents(tmp_path / "t.parquet", columns=mapping).frame.to_dicts()[0]
    assert row["doc_id"] == "x"
    assert row["published_at"] == dt.datetime(
        2025, 11, 7, 15, 59, 59, 999999, tzinfo=dt.UTC
    )  # the day's end in Shanghai
    with pytest.raises(Fault, match="did you mean 'story'"):
        read_documents(tmp_path / "t.parquet", columns={"text": "storey"})


def test_undated_documents_are_refused_unless_a_sidecar_dates_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "Nvidia fell 8.65% on Thursday.")
    with pytest.raises(Fault, match="states no publication time"):
        read_documents(path)
    sidecar = write(
        tmp_path / "s.toml",
        '[documents.a]\npublished = 2025-11-07\ntimezone = "Europe/Paris"\nreason = "told by the editor"\n',
    )
    row = read_documents(path, sidecar=sidecar).frame.to_dicts()[0]
    assert row["published_precision"] == "inferred"
    assert row["published_at"] == dt.datetime(2025, 11, 7, 22, 59, 59, 999999, tzinfo=dt.UTC)
    with pytest.raises(Fault, match="reason"):
        read_documents(path, sidecar=write(tmp_path / "bad.toml", "[documents.a]\npublished = 2025-11-07\n"))


def test_bad_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="no such file"):
        read_documents(tmp_path / "none.txt")
    with pytest.raises(Fault, match=r"'.pdf' cannot be read"):
        read_documents(write(tmp_path / "a.pdf", "x"))
    with pytest.raises(Fault, match="not valid JSON"):
        read_documents(write(tmp_path / "a.json", "{"))
    with pytest.raises(Fault, match="Parquet"):
        read_documents(write(tmp_path / "a.parquet", "x"))


def test_reading_twice_is_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", DROP)
    assert read_documents(path).frame.equals(read_documents(path).frame)


def test_evidence_is_the_span(tmp_path: Path) -> None:
    row = read_documents(write(tmp_path / "a.txt", DROP)).frame.to_dicts()[0]
    assert repair(DROP)[row["evidence_start"] : row["evidence_end"]] == row["evidence"]


def test_a_users_words_add_and_override(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "Published 2025-11-07 09:00 UTC\nZyntex fell 8%. The wobblers plunged 5%.")
    words = write(
        tmp_path / "mine.toml",
        '[assets.ZYX]\nnames = ["Zyntex"]\n[groups.wobblers]\nnames = ["wobblers"]\nassets = ["ZYX", "QRS"]\n',
    )
    assert not len(read_documents(path))
    frame = read_documents(path, lexicon=words).frame
    assert {asset for assets in frame["assets"] for asset in assets} == {"ZYX", "QRS"}
    with pytest.raises(Fault, match="did you mean 'concepts'"):
        read_documents(path, lexicon=write(tmp_path / "bad.toml", "[concept.bubble]\nen = ['x']\n"))


def test_every_number_is_explained(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", DROP)
    row = read_documents(path).frame.to_dicts()[0]
    told = explain(row["event_id"], path)
    parts = told["strength"]
    # strength = base * emphatic * certainty + size; here only base and size apply
    assert row["strength"] == pytest.approx(parts["base"] + parts["size"], abs=1e-4)
    assert row["evidence"] in told["text"]
    with pytest.raises(Fault, match="no document given"):
        explain("nothing", path)


def test_old_labels_stay_beside_new_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", DROP)
    old = read_documents(path)
    newer = write(
        tmp_path / "new.toml", 'name = "mine"\nreleased = 2027-01-01T00:00:00Z\n[kinds.panic_drop]\nbase = 0.9\n'
    )  # fmt: skip
    both = beside(old, read_documents(path, lexicon=newer))
    assert len(both) == 2
    assert (
        as_of(both, dt.datetime(2026, 12, 31, tzinfo=dt.UTC)).frame["reader"].to_list() == old.frame["reader"].to_list()
    )
    version = old.frame["reader"][0].partition("/")[2]  # the user's file names no version of its own
    assert as_of(both, dt.datetime(2027, 2, 1, tzinfo=dt.UTC)).frame["reader"].to_list() == [f"mine/{version}"]


def test_a_reader_that_is_not_there() -> None:
    assert reader() is read_documents
    with pytest.raises(Fault, match="did you mean 'lexicon'"):
        reader("lexikon")


@pytest.mark.parametrize(
    ("text", "language", "value", "unit"),
    [
        ("5950亿美元", "zh", 5.95e11, "USD"), ("近3.3万亿元", "zh", 3.3e12, "CNY"), ("2070亿美元", "zh", 2.07e11, "USD"), ("17倍", "zh", 17.0, "x"),
        ("230 billion USD", "en", 2.3e11, "USD"), ("$1.2tn", "en", 1.2e12, "USD"), ("3,65 %", "fr", 3.65, "%"), ("25 points de base", "fr", 25.0, "bp"),
        ("1 234,5 milliards de dollars", "fr", 1.2345e12, "USD"), ("三成", "zh", 30.0, "%"), ("百分之三点五", "zh", 3.5, "%"),
    ],
)  # fmt: skip
def test_figures_in_each_notation(text: str, language: str, value: float, unit: str) -> None:
    found = figures(fold(text), language=language)
    assert [(round(f.value, 3), f.unit) for f in found] == [(value, unit)]


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    # published 2025-11-07, day only; the New York sessions around are Thursday the 6th and Friday the 7th
    [
        ("11月7日收盘", "Asia/Shanghai", "2025-11-06"), ("hier soir", "Europe/Paris", "2025-11-06"), ("当地时间周四", "Asia/Shanghai", "2025-11-06"),
        ("on the previous trading day", "America/New_York", "2025-11-06"), ("上周", "Asia/Shanghai", "2025-10-31"), ("il y a 3 jours", "Europe/Paris", "2025-11-04"),
    ],
)  # fmt: skip
def test_relative_days(text: str, zone: str, day: str) -> None:
    ends = {"Asia/Shanghai": (15, 7), "Europe/Paris": (22, 7), "America/New_York": (4, 8)}
    hour, date = ends[zone]
    reference = Reference(dt.datetime(2025, 11, date, hour, 59, 59, tzinfo=dt.UTC), zone, exact=False)
    folded = fold(text)
    assert str(happened_on(folded, 0, len(folded), reference, "zh", market=new_york())) == day


@pytest.mark.parametrize("when", ["0001-01-01", "9999-12-31T23:59", "2025-11-07T08:00+61:00", "31/31/2025", "soon"])
def test_an_impossible_time_refuses_its_document_alone(tmp_path: Path, when: str) -> None:
    pl.DataFrame({"text": ["Nvidia fell 8%.", "AMD fell 9%."], "date": [when, "2025-11-07"]}).write_parquet(
        tmp_path / "t.parquet"
    )
    reading = read_sources(tmp_path / "t.parquet")
    assert [row["assets"] for row in reading.events.frame.to_dicts()][-1] == ["AMD"]
    assert reading.refused.height + len(reading.events) == 2
