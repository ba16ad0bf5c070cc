"""Later versions of a document, and documents that a crawler had later than they were published."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.cli import main
from engine.faults import Fault
from engine.reader import explain, read_documents, read_sources
from engine.reader.versions import told_before

FALL = "Nvidia fell 8.65% on Thursday."
BUBBLE = "Oracle shares are in a bubble, the fund manager warned."
FIRST, LATER = "2025-11-07T09:00:00+00:00", "2025-11-07T12:30:00+00:00"
AT_FIRST = dt.datetime(2025, 11, 7, 9, tzinfo=dt.UTC)
AT_LATER = dt.datetime(2025, 11, 7, 12, 30, tzinfo=dt.UTC)
FILLER = " ".join(f"Paragraph {n} of the page speaks of other things that nobody trades." for n in range(40))


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def known(path: Path, **settings: Any) -> dict[tuple[str, str], dt.datetime]:
    """Give when each (kind, asset) was known; each of them is one event."""
    frame = read_sources(path, **settings).events.frame
    rows = frame.explode("assets").select("kind", "assets", "known_at").rows()
    assert len({(kind, asset) for kind, asset, _ in rows}) == len(rows), rows
    return {(kind, asset): at for kind, asset, at in rows}


def row(text: str, modified: str | None = None, **others: Any) -> dict[str, Any]:
    return {"id": "d1", "text": text, "published": FIRST, "modified_time": modified, **others}


BOTH = {("panic_drop", "NVDA"): AT_FIRST, ("bubble_warning", "ORCL"): AT_LATER}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "later",
    [
        f"{FALL} {BUBBLE}",  # added behind
        f"{BUBBLE} {FALL}",  # and before, so that the same sentence stands elsewhere
        f"{FILLER} {FALL} {BUBBLE}",  # a text that is hardly alike any more
        f"Shares of Nvidia fell 8.65% on Thursday, the exchange said.\n{FILLER}\n{BUBBLE}",  # in other words
        BUBBLE,  # the fall was taken out: what was told stays told
    ],
)
def test_a_later_version_adds_what_is_new_and_keeps_the_rest(tmp_path: Path, later: str, turned: bool) -> None:
    rows = [row(FALL), row(later, LATER)]
    path = lines(tmp_path / "a.jsonl", *(reversed(rows) if turned else rows))
    assert known(path) == BOTH
    alone = read_sources(lines(tmp_path / "b.jsonl", row(FALL))).events.frame
    both = read_sources(path)
    assert set(alone["event_id"]) < set(both.events.frame["event_id"])  # an event keeps its id
    assert both.counts["versions"] == 1
    assert both.counts["with_events"] == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": "d1"}, {"id": "d1"}),
        ({"url": "https://www.example.com/a/1"}, {"url": "http://example.com/a/1/?utm_source=feed#top"}),
        ({"id": "d1", "url": "https://example.com/a/1"}, {"id": "d1#2", "url": "https://example.com/a/1"}),
        ({"guid": "g-7"}, {"guid": "g-7"}),
        ({"link": "https://example.com/news?id=7"}, {"link": "https://example.com/news?id=7&utm_medium=x"}),
    ],
)
def test_one_document_has_one_id_or_one_address(tmp_path: Path, one: dict[str, str], other: dict[str, str]) -> None:
    first, later = (
        {"text": text, "published": FIRST, "modified_time": at, **name}
        for text, at, name in ((FALL, None, one), (f"{FILLER} {FALL} {BUBBLE}", LATER, other))
    )
    assert known(lines(tmp_path / "a.jsonl", first, later)) == BOTH


@pytest.mark.parametrize(
    "other",
    [
        {"id": "d2"},  # another document
        {"id": "d1", "modified_time": None},  # nobody says that it is a later version
        {"id": "d1", "modified_time": "daily"},  # nor here
    ],
)
def test_others_are_no_later_versions(tmp_path: Path, other: dict[str, Any]) -> None:
    later = {**row(f"{FILLER} Nvidia dropped 8.65% on Thursday, as dealers tell.", LATER), **other}
    reading = read_sources(lines(tmp_path / "a.jsonl", row(FALL), later))
    assert reading.counts["versions"] == 0
    assert len(reading.events) == 2


def test_one_number_in_two_files_is_two_documents_unless_both_say_one_publication(tmp_path: Path) -> None:
    later = row(f"{FILLER} Nvidia dropped 8.65% on Thursday, as dealers tell.", LATER)
    lines(tmp_path / "a.jsonl", row(FALL))
    lines(tmp_path / "b.jsonl", {**later, "published": "2025-11-07T10:00:00+00:00"})
    assert read_sources(tmp_path).counts["versions"] == 0
    lines(tmp_path / "b.jsonl", later)
    assert read_sources(tmp_path).counts["versions"] == 1


def test_a_later_version_that_changes_nothing_changes_nothing(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", row(FALL, LATER), row(FALL))
    assert known(path) == {("panic_drop", "NVDA"): AT_FIRST}
    assert read_sources(path).sources.height == 2


def test_two_days_are_two_falls(tmp_path: Path) -> None:
    # Thursday is 6 November, Friday the 7th: the session ends at 21:00 UTC, before the later version came out.
    later = row("Nvidia fell 8.1% on Friday.", "2025-11-07T23:00:00+00:00")
    frame = read_sources(lines(tmp_path / "a.jsonl", row(FALL), later)).events.frame
    assert frame["happened_on"].to_list() == [dt.date(2025, 11, 6), dt.date(2025, 11, 7)]


def test_what_was_told_before_is_parted_by_asset() -> None:
    def event(kind: str, assets: list[str], day: dt.date | None = None) -> dict[str, Any]:
        return {"event_id": f"{kind}{assets}", "kind": kind, "assets": assets, "happened_on": day}

    day = dt.date(2025, 11, 6)
    old = [event("panic_drop", ["NVDA"], day), event("support", ["AMD"])]
    for new, again, fresh in (
        (event("panic_drop", ["NVDA"]), 1, None),
        (event("panic_drop", ["NVDA"], day), 1, None),
        (event("panic_drop", ["NVDA"], dt.date(2025, 11, 7)), 0, ["NVDA"]),
        (event("panic_drop", ["NVDA", "AMD"]), 1, ["AMD"]),
        (event("panic_drop", ["AMD"]), 0, ["AMD"]),
        (event("support", ["AMD"]), 1, None),
        (event("denial", ["NVDA"]), 0, ["NVDA"]),
    ):
        said, rest = told_before(new, old)
        assert (len(said), rest and rest["assets"]) == (again, fresh), new


# ----------------------------------------------------------------------------------------------------------------- seen


@pytest.mark.parametrize(
    ("seen", "at"),
    [
        ("2025-11-07T15:00:00+00:00", dt.datetime(2025, 11, 7, 15, tzinfo=dt.UTC)),
        ("2025-11-07T16:00:00+01:00", dt.datetime(2025, 11, 7, 15, tzinfo=dt.UTC)),
        ("2025-11-07 10:00:00", dt.datetime(2025, 11, 7, 15, tzinfo=dt.UTC)),  # English: New York, UTC-5
        ("1762527600", dt.datetime(2025, 11, 7, 15, tzinfo=dt.UTC)),  # 20,399 days of 86,400 s and 15 h
        ("2025-11-07", dt.datetime(2025, 11, 8, 4, 59, 59, 999999, tzinfo=dt.UTC)),  # the day's end in New York
        ("2025-11-07T08:59:00+00:00", AT_FIRST),  # before the publication: a clock that is wrong
        ("", AT_FIRST),
        (None, AT_FIRST),
        ("N/A", AT_FIRST),
        ("Fri, 07 Nov 2025 15:00:00 GMT", dt.datetime(2025, 11, 7, 15, tzinfo=dt.UTC)),
    ],
)
def test_nothing_is_known_before_it_was_seen(tmp_path: Path, seen: str | None, at: dt.datetime) -> None:
    path = lines(tmp_path / "a.jsonl", {"text": FALL, "date": FIRST, "crawled_at": seen})
    frame = read_documents(path, seen="crawled_at").frame
    assert frame["known_at"].to_list() == [at]
    assert frame["published_at"].to_list() == [AT_FIRST]  # when it was published does not change


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "json"])
def test_every_table_says_when_it_was_seen(tmp_path: Path, kind: str) -> None:
    seen, at = "2025-11-07T15:00:00+00:00", dt.datetime(2025, 11, 7, 15, tzinfo=dt.UTC)
    record = {"text": FALL, "date": FIRST, "crawled_at": seen}
    path = tmp_path / f"a.{kind}"
    if kind == "jsonl":
        lines(path, record)
    elif kind == "json":
        path.write_text(json.dumps({"items": [record]}))
    else:
        frame = pl.DataFrame([record], schema=dict.fromkeys(record, pl.String))
        frame.write_csv(path) if kind == "csv" else frame.write_parquet(path)
    assert read_documents(path).frame["known_at"].to_list() == [AT_FIRST]
    assert read_documents(path, columns={"seen": "crawled_at"}).frame["known_at"].to_list() == [at]


def test_seen_and_delay_are_not_added(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"text": FALL, "date": FIRST, "crawled_at": "2025-11-07T09:20:00+00:00"})
    for delay, minute in (("15m", 20), ("30m", 30)):
        at = read_documents(path, seen="crawled_at", delay=delay).frame["known_at"][0]
        assert at == dt.datetime(2025, 11, 7, 9, minute, tzinfo=dt.UTC)


def test_of_two_tellings_the_one_that_was_seen_first_keeps_the_event(tmp_path: Path) -> None:
    rows = [
        {"id": name, "text": FALL, "date": FIRST, "crawled_at": f"2025-11-07T{hour}:00:00+00:00"}
        for name, hour in (("late", 15), ("early", 10))
    ]
    frame = read_documents(lines(tmp_path / "a.jsonl", *rows), seen="crawled_at").frame
    assert frame.select("doc_id", "known_at").rows() == [("early", dt.datetime(2025, 11, 7, 10, tzinfo=dt.UTC))]


def test_bad_columns_of_sight_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lines(tmp_path / "a.jsonl", {"text": FALL, "date": FIRST, "crawled_at": "whenever"})
    with pytest.raises(Fault, match=r"the time at which it was seen must be a date with a year.*'whenever'"):
        read_documents(path, seen="crawled_at")
    with pytest.raises(Fault, match=r"no column 'crawld_at' for seen \(did you mean 'crawled_at'\?\)"):
        read_documents(path, seen="crawld_at")
    with pytest.raises(Fault, match="seen must be the name of a column"):
        read_documents(path, seen=5)  # type: ignore[arg-type]
    out = tmp_path / "e.parquet"
    assert main(["read", str(path), "--out", str(out), "--seen", "crawld_at"]) == 2
    assert "did you mean 'crawled_at'" in capsys.readouterr().err


def test_the_command_and_the_explanation_know_when_it_was_seen(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"id": "x", "text": FALL, "date": FIRST, "crawled_at": LATER})
    out = tmp_path / "e.parquet"
    assert main(["read", str(path), "--out", str(out), "--seen", "crawled_at"]) == 0
    assert pl.read_parquet(out)["known_at"].to_list() == [AT_LATER]
    assert explain("x", path, seen="crawled_at")["events"][0]["event"]["known_at"] == AT_LATER
