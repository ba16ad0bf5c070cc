# ruff: noqa: E501  (patterns, word tables and Chinese, whose characters count twice)
"""When documents were published: by columns, metadata, front matter, lines of the page, sidecars."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.cli import main
from engine.events import Events
from engine.faults import Fault
from engine.reader import read_sources
from engine.reader.columns import columns_from
from engine.reader.document import Document
from engine.reader.fold import fold
from engine.reader.metadata import front_matter_times, page_times
from engine.reader.published import published
from engine.reader.sources import batches
from engine.tables.order import OpenDates
from engine.tables.spelling import Order

TEXT = "Nvidia shares are in a bubble, the fund manager warned."
# 27 January 2025 in New York ends at 24:00 EST, five hours behind UTC.
END = "2025-01-28 04:59:59 day"


NY = "America/New_York"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def said(document: Document, tongue: str = "en") -> str:
    try:
        when, _ = published(document, document.text, fold(document.text), tongue)
    except Fault as fault:
        return f"refused: {fault}"
    return f"{when.at:%Y-%m-%d %H:%M:%S} {when.precision}"


def times_of(path: Path, tongue: str = "en", dates: Order | None = None, **columns: str) -> tuple[list[str], list[str]]:
    """Give when each document of a file was published, and what was said of the file."""
    notes: list[str] = []
    rows = [
        row for batch in batches([path], columns_from(columns), dates, notes) for row in batch.iter_rows(named=True)
    ]
    found = [
        said(Document("d", row["text"], "d", row["published"], row["timezone"], None, tuple(row["modified"])), tongue)
        for row in rows
    ]
    return found, [note.removeprefix(f"{path}: ") for note in notes]


# ------------------------------------------------------------------------------------------------------------- tables


def as_csv(folder: Path, frame: pl.DataFrame) -> Path:
    frame.write_csv(folder / "t.csv")
    return folder / "t.csv"


def as_json(folder: Path, frame: pl.DataFrame) -> Path:
    return write(folder / "t.json", json.dumps({"articles": frame.to_dicts()}, default=str))


def as_json_lines(folder: Path, frame: pl.DataFrame) -> Path:
    return write(folder / "t.jsonl", "\n".join(json.dumps(row, default=str) for row in frame.to_dicts()))


def as_parquet(folder: Path, frame: pl.DataFrame) -> Path:
    frame.write_parquet(folder / "t.parquet")
    return folder / "t.parquet"


TABLES = {"csv": as_csv, "json": as_json, "jsonl": as_json_lines, "parquet": as_parquet}


@pytest.fixture(params=TABLES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def table(folder: Path, kind: str, **columns: list[object]) -> Path:
    return TABLES[kind](folder, pl.DataFrame({**columns, "text": [TEXT] * len(next(iter(columns.values())))}))


DAY = dt.datetime(2025, 1, 27)


@pytest.mark.parametrize(
    "stamp",
    [20250127, "20250127", "2025W051", "2025-01-27 00:00:00", "2025-01-27T00:00:00Z", DAY, DAY.replace(tzinfo=dt.UTC), dt.date(2025, 1, 27), "27 Jan 2025"],
)  # fmt: skip
def test_days_of_every_table_count_as_their_end(tmp_path: Path, kind: str, stamp: object) -> None:
    found, _ = times_of(table(tmp_path, kind, date=[stamp]))
    assert found == [END]


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("2025-01-27 00:00:30", "2025-01-27 05:00:30"),
        (1737988200, "2025-01-27 14:30:00"),
        (1737988200000, "2025-01-27 14:30:00"),
        ("1737988200.0", "2025-01-27 14:30:00"),
        (20250127143000, "2025-01-27 19:30:00"),  # no zone is said: New York's, as of all English documents
        ("20250127T143000", "2025-01-27 19:30:00"),
        ("Mon, 27 Jan 2025 07:45:00 MST", "2025-01-27 14:45:00"),
        ("2025-01-27 06:45 US/Pacific", "2025-01-27 14:45:00"),
        ("7:51  PM ET Fri, 17 July 2020", "2020-07-17 23:51:00"),
        ("Published 9:30 AM EST Jan 27, 2025 | Updated 10:15 AM EST Jan 28, 2025", "2025-01-28 15:15:00"),
        ("Published Jan 27, 2025 9:30 AM EST; Updated Jan 28, 2025 10:15 AM EST", "2025-01-28 15:15:00"),
        ("Published Jan 27, 2025 9:30 AM EST, Updated Jan 28, 2025 10:15 AM EST", "2025-01-28 15:15:00"),
        ("Published Jan 27, 2025 9:30 AM EST / Last revised Jan 28, 2025 10:15 AM EST", "2025-01-28 15:15:00"),
        ("2025-01-27 09:30 ET (1430 GMT)", "2025-01-27 14:30:00"),
        ("27.01.2025 09:30 Uhr", "2025-01-27 14:30:00"),
        (dt.datetime(2025, 1, 27, 9, 30), "2025-01-27 14:30:00"),
        (dt.datetime(2025, 1, 27, 9, 30, tzinfo=dt.UTC), "2025-01-27 09:30:00"),
    ],
)
def test_times_of_every_table(tmp_path: Path, kind: str, stamp: object, at: str) -> None:
    found, notes = times_of(table(tmp_path, kind, date=[stamp]))
    assert (found, notes) == ([f"{at} instant"], [])


def test_a_column_that_is_midnight_throughout_is_days_and_that_is_said(tmp_path: Path, kind: str) -> None:
    days = [DAY, DAY + dt.timedelta(days=1)]
    found, notes = times_of(table(tmp_path, kind, date=days))
    assert found == [END, "2025-01-29 04:59:59 day"]
    assert notes == [
        "column 'date' is midnight throughout; its stamps are taken for days, and a day counts as its end."
    ]
    found, notes = times_of(table(tmp_path, kind, date=[DAY, DAY + dt.timedelta(hours=9)]))
    assert (found, notes) == (["2025-01-27 05:00:00 instant", "2025-01-27 14:00:00 instant"], [])


CHINESE = "英伟达股价处于泡沫之中，基金经理警告称，人工智能的估值过高。"
FRENCH = "Les valeurs technologiques ont reculé et la Bourse de Paris a fini en baisse."


# Midnight of 27 January is 05:00 UTC in New York, of 7 July 04:00; in Shanghai 16:00 UTC of the day before; in Paris 23:00.
@pytest.mark.parametrize(
    ("stamps", "text", "found", "where"),
    [
        (["2025-01-27T05:00:00Z", "2025-01-28T05:00:00Z"], TEXT, END, NY),
        (["2025-01-27T05:00Z", "2025-07-07T04:00Z"], TEXT, END, NY),
        (["2025-01-27 05:00:00+00:00", "2025-01-28 05:00:00+00:00"], TEXT, END, NY),
        (["2025-01-26T23:00-06:00", "2025-01-27T23:00-06:00"], TEXT, END, NY),
        (["Mon, 27 Jan 2025 05:00:00 GMT", "Tue, 28 Jan 2025 05:00:00 GMT"], TEXT, END, NY),
        (["1737954000", "1738040400"], TEXT, END, NY),
        ([1737954000, 1738040400], TEXT, END, NY),
        ([dt.datetime(2025, 1, day, 5, tzinfo=dt.UTC) for day in (27, 28)], TEXT, END, NY),
        (["2025-01-26T16:00:00Z", "2025-01-27T16:00:00Z"], CHINESE, "2025-01-27 15:59:59 day", "Asia/Shanghai"),
        (["2025-01-26T23:00:00Z", "2025-01-27T23:00:00Z"], FRENCH, "2025-01-27 22:59:59 day", "Europe/Paris"),
        (["2025-01-27T05:00:00Z", "2025-01-28T05:00:00Z"], CHINESE, END, NY),  # a day ends in the later zone
        (["2025-01-27T05:00:00Z", "2025-01-28T14:30:00Z"], TEXT, "2025-01-27 05:00:00 instant", ""),
        (["2025-01-27T05:00:00Z", "2025-01-27T05:00:00Z"], TEXT, "2025-01-27 05:00:00 instant", ""),  # one day tells nothing
        (["2025-01-27T05:00:00Z"], TEXT, "2025-01-27 05:00:00 instant", ""),
        (["2025-01-26T16:00:00Z", "2025-01-27T16:00:00Z"], TEXT, "2025-01-26 16:00:00 instant", ""),
        (["2025-01-27 05:00", "2025-01-28 05:00"], TEXT, "2025-01-27 10:00:00 instant", ""),  # no zone: New York's
    ],
)  # fmt: skip
def test_instants_that_are_midnight_at_home_are_days_and_that_is_said(
    tmp_path: Path, kind: str, stamps: list[object], text: str, found: str, where: str
) -> None:
    tongue = {CHINESE: "zh-Hans", FRENCH: "fr"}.get(text, "en")
    path = TABLES[kind](tmp_path, pl.DataFrame({"date": stamps, "text": [text] * len(stamps)}))
    times, notes = times_of(path, tongue)
    assert times[0] == found
    said = (
        f"column 'date' is midnight throughout in {where}; its stamps are taken for days, and a day counts as its end."
    )
    assert notes == ([said] if where else [])


def test_midnights_of_many_batches_are_told_by_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.reader.rows.BATCH_ROWS", 2)
    days = [f"2025-01-{day} 00:00" for day in range(10, 15)]
    for kind in ("jsonl", "parquet"):
        assert {time.split()[2] for time in times_of(table(tmp_path, kind, date=days))[0]} == {"day"}
        mixed = [*days, "2025-01-20 09:30"]
        assert {time.split()[2] for time in times_of(table(tmp_path, kind, date=mixed))[0]} == {"instant"}
        slashed = ["01/02/2025", "03/04/2025", "05/06/2025", "25/06/2025"]
        first = times_of(table(tmp_path, kind, date=slashed))[0][0]
        assert first == "2025-02-02 04:59:59 day"  # the last row says that the day is first


def test_the_order_of_dates_is_that_of_the_column_of_the_user_or_of_the_language(tmp_path: Path, kind: str) -> None:
    open_ = table(tmp_path, kind, date=["01/02/2025", "01/03/2025"])
    with pytest.raises(OpenDates, match=r"column 'date' must .*month first or day first.*--dates mdy or dmy"):
        times_of(open_)
    assert times_of(open_, dates="mdy")[0][0] == "2025-01-03 04:59:59 day"
    assert times_of(open_, dates="dmy")[0][0] == "2025-02-02 04:59:59 day"
    assert times_of(open_, zone="Europe/Paris")[0][0] == "2025-02-01 22:59:59 day"
    assert times_of(table(tmp_path, kind, date=["1/5/26", "1/13/26"]))[0][0] == "2026-01-06 04:59:59 day"
    french = "Les valeurs technologiques ont reculé et la Bourse de Paris a fini en baisse."
    path = TABLES[kind](tmp_path, pl.DataFrame({"date": ["01/02/2025", "01/03/2025"], "text": [french] * 2}))
    found, notes = times_of(path, "fr")
    assert found[0] == "2025-02-01 22:59:59 day"
    assert "read day first, for the source's language has it so" in notes[0]


@pytest.mark.parametrize("name", ["modified_time", "updated_at", "Last Modified", "lastmod", "dateModified", "更新时间", "更新時間", "mise_a_jour", "edited", "article:modified_time", "dateLastModified", "modification_date", "revised", "meta.updated_at", "post_modified_gmt", "last_edited", "date_changed", "update_timestamp", "corrected_at", "最后更新", "dernière mise à jour"])  # fmt: skip
def test_of_publication_and_change_the_later_counts(tmp_path: Path, kind: str, name: str) -> None:
    changed = ["2025-01-28T10:00:00Z", None, "0000-00-00 00:00:00", "2025-01-20T00:00:00Z", "1738058400"]
    found, notes = times_of(table(tmp_path, kind, published=["2025-01-27T09:30:00Z"] * 5, **{name: changed}))
    at, later = "2025-01-27 09:30:00 instant", "2025-01-28 10:00:00 instant"  # 1738058400 is 28 January, 10:00 UTC
    assert found == [later, at, at, at, later]
    assert notes == [f"column {name!r} says when a text was changed; of it and the publication the later counts."]


def test_what_is_no_time_of_change_is_passed_over(tmp_path: Path, kind: str) -> None:
    path = table(tmp_path, kind, published=["2025-01-27T09:30:00Z"] * 2, updated=["yes", "no"])
    assert times_of(path) == (["2025-01-27 09:30:00 instant"] * 2, [])


UNREAD = ["2025-01-28 12:00 QQT", "28 de enero de 2025", "2025-02", "2025", "Tuesday", "2025-01-28 12:00 Nirgends", "28 jan", "2025-02-30", "Q1 2025", "2 hours ago", "hier"]  # fmt: skip


@pytest.mark.parametrize("stamp", UNREAD)
def test_a_time_of_change_that_is_not_understood_is_refused(tmp_path: Path, kind: str, stamp: str) -> None:
    for changed in ([stamp] * 2, [stamp, "2025-01-26"]):  # throughout, and beside one that is
        found, _ = times_of(table(tmp_path, kind, published=["2025-01-26T15:00Z"] * 2, updated_at=changed))
        assert f"must be a date with a year, in a time zone that is known (got {stamp!r})" in found[0]


@pytest.mark.parametrize("stamp", UNREAD)
@pytest.mark.parametrize(
    "head",
    [
        '<meta property="article:modified_time" content="{}">',
        '<meta name="last-revised" content="{}">',
        '<script type="application/ld+json">{{"dateModified": "{}"}}</script>',
        '<time class="updated" datetime="{}"></time>',
    ],
)
def test_a_time_of_change_in_metadata_that_is_not_understood_is_refused(tmp_path: Path, head: str, stamp: str) -> None:
    told = f'<meta property="article:published_time" content="2025-01-26T15:00Z">{head.format(stamp)}'
    page = write(tmp_path / "p.html", f"<html><head>{told}</head><body><p>{TEXT}</p></body></html>")
    assert "refused" in times_of(page)[0][0]
    front = write(tmp_path / "p.md", f"---\ndate: 2025-01-26\nrevised: {stamp}\n---\n\n{TEXT}\n")
    assert "refused" in times_of(front)[0][0]


@pytest.mark.parametrize("stamp", ["", "N/A", "0000-00-00", "null", "-", "no", "TRUE", "3", "daily", "oui", "never"])
def test_what_says_no_time_is_no_time_of_change(tmp_path: Path, kind: str, stamp: str) -> None:
    path = table(tmp_path, kind, published=["2025-01-26T15:00Z"] * 2, updated_at=[stamp, "2025-01-25"])
    assert times_of(path)[0] == ["2025-01-26 15:00:00 instant"] * 2
    head = f'<meta name="date" content="2025-01-26T15:00Z"><meta name="updated" content="{stamp}">'
    page = write(tmp_path / "p.html", f"<html><head>{head}</head><body><p>{TEXT}</p></body></html>")
    assert times_of(page)[0] == ["2025-01-26 15:00:00 instant"]


@pytest.mark.parametrize(
    ("columns", "at"),
    [
        ({"date": "2025-01-27", "time": "09:30"}, "14:30"),
        ({"date": "2025-01-27", "time": "9:30 AM"}, "14:30"),
        ({"date": "2025-01-27", "time": "15:30 CET"}, "14:30"),
        ({"date": "20250127", "time": "093000"}, "14:30"),
        ({"date": "27/01/2025", "heure": "9h30"}, "14:30"),
        ({"date": "2025-01-27", "datetime": "2025-01-27T14:30:00Z"}, "14:30"),
        ({"date": "2025-01-27", "ctime": "1737988200"}, "14:30"),
        ({"published_date": "2025-01-27 00:00:00", "timestamp": "2025-01-27 09:30:00"}, "14:30"),
        ({"日期": "2025-01-27", "时间": "09:30"}, "14:30"),
        ({"date": "2025-01-27T14:30Z", "timestamp": "2025-01-26T00:00Z"}, "14:30"),  # the first has times already
    ],
)
def test_the_finest_of_several_columns_and_a_day_with_its_time(
    tmp_path: Path, kind: str, columns: dict[str, str], at: str
) -> None:
    found, _ = times_of(table(tmp_path, kind, **{name: [stamp] for name, stamp in columns.items()}))
    assert found == [f"2025-01-27 {at}:00 instant"]


def test_a_row_made_before_its_day_is_a_draft(tmp_path: Path, kind: str) -> None:
    path = table(tmp_path, kind, date=["2025-01-27", "2025-01-27"], timestamp=["2025-01-20 09:30", "2025-01-27 09:30"])
    assert times_of(path)[0] == [END, "2025-01-27 14:30:00 instant"]


def test_the_zone_of_a_table_and_of_its_rows(tmp_path: Path, kind: str) -> None:
    path = table(tmp_path, kind, date=["2025-01-28 09:30"] * 4, timezone=["EST", "UTC+8", "Asia/Tokyo", "Nowhere/Land"])
    found = times_of(path)[0]
    assert [time[11:16] for time in found[:3]] == ["14:30", "01:30", "00:30"]
    assert "the time zone must be one such as 'Europe/Paris' or '+08:00' (got 'Nowhere/Land')" in found[3]
    assert times_of(table(tmp_path, kind, date=["2025-01-28 09:30"]), zone="+08:00")[0] == [
        "2025-01-28 01:30:00 instant"
    ]
    with pytest.raises(Fault, match=r"columns: zone must be a time zone .*\(got 'Mars'\)"):
        columns_from({"zone": "Mars"})


def test_columns_that_hold_no_times_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"column 'date' must hold dates or times \(got Boolean\); convert it"):
        times_of(table(tmp_path, "parquet", date=[True]))


# -------------------------------------------------------------------------------------------------- pages, front matter


@pytest.mark.parametrize(
    ("head", "at"),
    [
        ('<meta property="article:published_time" content="2025-01-27T09:30:00+01:00">', "2025-01-27 08:30:00 instant"),
        ('<meta content="2025-01-27T09:30:00Z" property="article:published_time">', "2025-01-27 09:30:00 instant"),
        ("<meta name=date content=2025-01-27>", END),
        ('<meta property="article:published_time" content="2025-01-27T00:00:00Z">', END),
        ('<meta name="pubdate" content="20250127">', END),
        ('<meta name="date" content="Mon Jan 27 2025 09:30:00 GMT-0500 (Eastern Standard Time)">', "2025-01-27 14:30:00 instant"),
        ('<meta name="date" content="01/02/2025">', "2025-02-02 04:59:59 day"),  # open: the later of the two days
        ('<meta property="article:published_time" content="2025-01-27T09:30Z"><meta property="article:modified_time" content="2025-01-28T10:00Z">', "2025-01-28 10:00:00 instant"),
        ('<meta itemprop="datePublished" content="2025-01-27T09:30Z"><meta itemprop="dateModified" content="2025-01-28">', "2025-01-29 04:59:59 day"),
        ('<script type="application/ld+json">{"datePublished": "2025-01-27T09:30Z", "dateModified": "2025-01-28T10:00Z"}</script>', "2025-01-28 10:00:00 instant"),
        ('<meta property="article:published_time" content="2025-01-27T09:30Z"><script>{"dateModified":"2025-01-28T10:00Z"}</script>', "2025-01-28 10:00:00 instant"),
        ('<meta property="article:modified_time" content="2025-01-28T10:00Z">', "2025-01-28 10:00:00 instant"),
        ('<meta property="article:published_time" content="2025-01-27T09:30Z"><meta name="updated" content="daily">', "2025-01-27 09:30:00 instant"),
        ('<meta property="og:updated_time" content="1738058400"><meta name="date" content="2025-01-27">', "2025-01-28 10:00:00 instant"),
    ],
)  # fmt: skip
def test_metadata_of_pages(tmp_path: Path, head: str, at: str) -> None:
    page = write(tmp_path / "p.html", f"<html><head>{head}</head><body><p>{TEXT}</p></body></html>")
    assert times_of(page)[0] == [at]


def test_times_that_stand_in_the_body_of_a_page() -> None:
    page = '<time class="published" datetime="2025-01-27T09:30Z"></time><time class="updated" datetime="2025-01-28T10:00Z"></time>'
    assert page_times(page) == ("2025-01-27T09:30Z", ("2025-01-28T10:00Z",))
    assert page_times("<p>no time</p>") == (None, ())


@pytest.mark.parametrize(
    ("front", "at"),
    [
        ("---\ndate: 2025-01-27\n---", END),
        ("---\ntitle: x\ndate: '2025-01-27T09:30:00Z'\n---", "2025-01-27 09:30:00 instant"),
        ('---\ndate: "2025-01-27 00:00:00"  # a day\n---', END),
        ("---\ndate: 2025-01-27\nlastmod: 2025-01-28T10:00:00Z\n---", "2025-01-28 10:00:00 instant"),
        ("---\ndate: 2025-01-27T09:30Z\nupdated: 2025-01-28\n---", "2025-01-29 04:59:59 day"),
        ("---\npublished_at: 2025-01-27T09:30Z\nlast_modified_at: 2025-01-28T10:00Z\n---", "2025-01-28 10:00:00 instant"),
        ("+++\ndate = 2025-01-27T09:30:00Z\n+++", "2025-01-27 09:30:00 instant"),
        ("---\r\ndate: 20250127\r\n---", END),
    ],
)  # fmt: skip
def test_front_matter(tmp_path: Path, front: str, at: str) -> None:
    assert times_of(write(tmp_path / "p.md", f"{front}\n\n{TEXT}\n"))[0] == [at]
    assert front_matter_times("date: 2025-01-27 is no front matter") == (None, ())


@pytest.mark.parametrize(
    ("lines", "tongue", "at"),
    [
        ("7:51  PM ET Fri, 17 July 2020", "en", "2020-07-17 23:51:00 instant"),
        ("18-Jul-20", "en", "2020-07-19 03:59:59 day"),
        ("Fri Nov  7 05:31:00 2025", "en", "2025-11-07 10:31:00 instant"),
        ("Mon, 27 Jan 2025 07:45:00 MST", "en", "2025-01-27 14:45:00 instant"),
        ("27 January 2025 11:20 London", "en", "2025-01-27 11:20:00 instant"),
        ("January 27, 2025 — 09:45 am EST", "en", "2025-01-27 14:45:00 instant"),
        ("January 27, 2025 9:45 by John Smith", "en", "2025-01-27 14:45:00 instant"),
        ("2025-01-27 09:45 | Reuters", "en", "2025-01-27 14:45:00 instant"),
        ("Updated Jan 28, 2025 10:00 AM America/Los_Angeles", "en", "2025-01-28 18:00:00 instant"),
        ("Published Jan 27, 2025 9:30 AM EST | Updated Jan 27, 2025 4:05 PM EST", "en", "2025-01-27 21:05:00 instant"),
        ("Published January 27, 2025 9:30 ET\nUpdated January 28, 2025", "en", "2025-01-29 04:59:59 day"),
        ("01/02/2025", "en", "2025-02-02 04:59:59 day"),
        ("01/02/2025", "fr", "2025-02-01 22:59:59 day"),
        ("Le 27 janvier 2025 à 8h30", "fr", "2025-01-27 07:30:00 instant"),
        ("Publié le 27/01/2025 à 8h30, mis à jour le 28/01/2025 à 10h", "fr", "2025-01-28 09:00:00 instant"),
        ("Mis à jour le 28/01/2025 à 10h, publié le 27/01/2025 à 8h30", "fr", "2025-01-28 09:00:00 instant"),
        ("27 janvier 2025\nPublié le 27 janvier 2025 à 8h30", "fr", "2025-01-27 07:30:00 instant"),
        ("Ce texte est publié le 27 janvier 2025 à 8h30", "fr", "2025-01-27 07:30:00 instant"),
        ("8h30 à New York, le 27 janvier 2025", "fr", "2025-01-27 13:30:00 instant"),
        ("2025年1月27日 09:30 来源：新浪", "zh-Hans", "2025-01-27 01:30:00 instant"),
        ("纽约时间2025年1月27日 09:30", "zh-Hans", "2025-01-27 14:30:00 instant"),
        ("发布时间：2025-01-27 09:30\n更新时间：2025-01-28 10:00", "zh-Hans", "2025-01-28 02:00:00 instant"),
        ("2025-11-07 05:31 CST", "zh-Hans", "2025-11-06 21:31:00 instant"),
    ],
)  # fmt: skip
def test_lines_of_a_page(lines: str, tongue: str, at: str) -> None:
    assert said(Document("d", f"A headline\n{lines}\n\n{TEXT}\n", "d"), tongue) == at


@pytest.mark.parametrize("line", ["27 January 2025 11:20 XYZT", "January 27, 2025 11:20 America/Atlantis", "2025年1月27日 09:30 火星时间"])  # fmt: skip
def test_a_line_whose_zone_is_not_known_is_refused(line: str) -> None:
    told = said(Document("d", f"A headline\n{line}\n\n{TEXT}\n", "d"))
    assert "must be a date with a year, in a time zone that is known" in told


def test_a_line_that_tells_of_a_change_counts_beside_metadata() -> None:
    text = f"A headline\nUpdated January 28, 2025 10:00 AM EST\nJanuary 30, 2025\n\n{TEXT}\n"
    assert said(Document("d", text, "d", "2025-01-27T09:30Z")) == "2025-01-28 15:00:00 instant"
    assert said(Document("d", text.replace("Updated ", ""), "d", "2025-01-27T09:30Z")) == "2025-01-27 09:30:00 instant"


# All of 28 January 2025, a day of New York; the page has 26 January in its metadata.
@pytest.mark.parametrize(
    "line",
    [
        "更新時間：2025年1月28日",
        "最后更新：2025-01-28",
        "修改时间：2025-01-28",
        "Actualisé le 28/01/2025",
        "Article modifié le 28 janvier 2025",
        "Modified 28 January 2025",
        "Last revised Jan 28, 2025",
        "Last edited on January 28, 2025",
        "Update: January 28, 2025",
        "UPDATED (January 28, 2025)",
        "Correction, January 28, 2025: an earlier version of this article misstated the year in which the company was founded and its head.",
        "Corrected January 28, 2025",
        "Editor's note (Jan. 28, 2025): updated with comment.",
        "Editor’s Note: January 28, 2025 - the headline was changed.",
        "Amended on 28 January 2025",
        "This story was updated on January 28, 2025",
        "This article has been updated on January 28, 2025 to include a comment of the company, which came after the first version was out.",
    ],
)
def test_lines_that_tell_of_a_change(line: str) -> None:
    for text in (f"A headline\n{line}\n\n{TEXT}\n", f"A headline\n\n{TEXT}\n{line}\n"):
        assert said(Document("d", text, "d", "2025-01-26T10:00-05:00")) == "2025-01-29 04:59:59 day"


@pytest.mark.parametrize(
    "line",
    [
        "Nvidia updated its plans for 31 December 2026",
        "Updated outlook to 31 December 2026",
        "The roadmap, updated for the year ending 31 December 2026, stands",
        "Le groupe a mis à jour ses objectifs au 31 décembre 2026",
        "公司更新了2026年12月31日的计划",
        "The results will be updated on March 28, 2025.",
        "Guidance is to be updated on March 28, 2025",
        "This page is updated March 28, 2025 and every quarter after",
        "Next update: March 28, 2025",
        "The list will be corrected on March 28, 2025",
        "Targets should be revised on March 28, 2025.",
        "Les objectifs seront mis à jour le 28 mars 2025.",
        "Prochaine mise à jour le 28/03/2025",
        "La liste doit être modifiée le 28 mars 2025",
        "业绩将更新于2025年3月28日",
        "下次更新：2025-03-28",
        "The credited March 28, 2025 payment",
    ],
)
def test_a_headline_that_speaks_of_a_date_is_no_time_of_change(line: str) -> None:
    assert said(Document("d", f"{line}\n\n{TEXT}\n", "d", "2025-01-27T09:30Z")) == "2025-01-27 09:30:00 instant"


# ------------------------------------------------------------------------------------------------- sidecars, the whole


@pytest.mark.parametrize(
    ("published", "at"),
    [
        ("2025-01-27", "2025-01-27 22:59:59.999999"),
        ('"20250127"', "2025-01-27 22:59:59.999999"),
        ('"27 janvier 2025 à 8h30"', "2025-01-27 07:30:00"),
        ('"2025-01-27 09:30 EST"', "2025-01-27 14:30:00"),
        ("2025-01-27T09:30:00+08:00", "2025-01-27 01:30:00"),
        ("2025-01-27T09:30:00", "2025-01-27 08:30:00"),
    ],
)
def test_a_sidecar_dates_what_has_no_date(tmp_path: Path, published: str, at: str) -> None:
    page = write(tmp_path / "a.txt", f"{TEXT}\nNvidia's valuation is a bubble that will burst.")
    side = write(tmp_path / "s.toml", f'[documents.a]\npublished = {published}\nreason = "told"\ntimezone = "+01:00"\n')
    events = read_sources(page, sidecar=side).events.frame
    assert events["published_at"].dt.replace_time_zone(None).unique().cast(str).str.strip_suffix(".000000").to_list() == [at]  # fmt: skip


@pytest.mark.parametrize("published", ['"01/02/2025"', '"yesterday"', '"2025-01-27 09:30 XYZT"', "5"])
def test_a_sidecar_says_one_time(tmp_path: Path, published: str) -> None:
    side = write(tmp_path / "s.toml", f'[documents.a]\npublished = {published}\nreason = "told"\n')
    with pytest.raises(Fault, match=r"published must be a date or a time \(got .*\); write 2025-11-07"):
        read_sources(write(tmp_path / "a.txt", TEXT), sidecar=side)


def test_what_was_taken_for_granted_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, "csv", id=["a", "b"], date=["01/02/2025", "02/02/2025"])
    out = tmp_path / "e.parquet"
    assert main(["read", str(path), "--out", str(out)]) == 2
    assert "say which by --dates mdy or dmy" in " ".join(capsys.readouterr().err.split())
    assert main(["read", str(path), "--out", str(out), "--dates", "dmy"]) == 0
    assert Events.read(out).frame["published_at"][0] == dt.datetime(2025, 2, 2, 4, 59, 59, 999999, tzinfo=dt.UTC)
    assert Events.from_documents(path, dates="mdy").frame["published_at"][0].month == 1
    with pytest.raises(Fault, match=r"dates must be one of ymd, mdy, dmy \(got 'us'\)"):
        Events.from_documents(path, dates="us")  # type: ignore[arg-type]
    capsys.readouterr()
    days = table(tmp_path, "parquet", id=["a", "b"], date=[DAY, DAY])
    assert main(["read", str(days), "--out", str(tmp_path / "d.parquet")]) == 0
    assert "is midnight throughout" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "given", [5, None, b"docs", {"a": 1}, [1], ["a.txt", None], pl.DataFrame({"a": ["a.txt"]}), pl.Series([1])]
)
def test_documents_that_are_no_paths_are_refused(given: Any) -> None:
    with pytest.raises(Fault, match=r"^documents must be a file, a folder, a glob, or a list of them \(got an? .*give"):
        Events.from_documents(given)
