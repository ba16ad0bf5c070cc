# ruff: noqa: E501  (feeds and JSON in a line)
"""The forms in which documents come: separators, encodings, packed files, workbooks, feeds, nested JSON, and what is torn in them."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.cli import main
from engine.faults import Fault
from engine.reader import Reading, read_documents, read_sources
from engine.reader.columns import Columns
from engine.reader.sources import batches
from tests.tables.sheets import workbook

FALL = "Nvidia fell 8.65% on Thursday."
HANS, HANT = "英伟达周四股价下跌8.65%，投资者纷纷卖出。", "輝達週四股價下跌8.65%，投資人紛紛賣出。"
WHEN, RFC = "2025-11-07T09:00:00+00:00", "Fri, 07 Nov 2025 09:00:00 GMT"
AT = dt.datetime(2025, 11, 7, 9, tzinfo=dt.UTC)
ROW = {"title": FALL, "date": WHEN}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(path: Path) -> list[tuple[str, str]]:
    """Give the text and the time of every document."""
    return [row for batch in batches([path], Columns()) for row in batch.select("text", "published").rows()]


def is_one_fall(reading: Reading) -> bool:
    return reading.events.frame["known_at"].to_list() == [AT] and reading.events.frame["kind"].to_list() == [
        "panic_drop"
    ]


# ----------------------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize("ending", ["csv", "tsv", "CSV", "csv.gz", "tsv.gz"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_separators(tmp_path: Path, ending: str, sign: str) -> None:
    text = f'date{sign}title\n{WHEN}{sign}{FALL}\n{WHEN}{sign}"Oracle{sign} and others"\n'
    raw = gzip.compress(text.encode()) if ending.endswith("gz") else text.encode()
    assert rows(write(tmp_path / f"a.{ending}", raw)) == [(FALL, WHEN), (f"Oracle{sign} and others", WHEN)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "jsonl", "txt"])
def test_encodings(tmp_path: Path, ending: str, encoding: str) -> None:
    record = {"标题": HANS, "时间": WHEN}
    sign = "\t" if ending == "tsv" else ","
    texts = {
        "json": json.dumps([record], ensure_ascii=False),
        "jsonl": json.dumps(record, ensure_ascii=False) + "\n",
        "txt": HANS,
    }
    text = texts.get(ending, f"标题{sign}时间\n{HANS}{sign}{WHEN}\n")
    assert rows(write(tmp_path / f"a.{ending}", text.encode(encoding)))[0][0] == HANS


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("encoding", ["big5", "utf-16", "utf-8"])
def test_traditional_chinese(tmp_path: Path, ending: str, encoding: str) -> None:
    record = {"標題": HANT, "時間": WHEN}
    lines = json.dumps(record, ensure_ascii=False)
    text = {"csv": f"標題,時間\n{HANT},{WHEN}\n", "json": f"[{lines}]", "jsonl": lines + "\n"}[ending]
    reading = read_sources(write(tmp_path / f"a.{ending}", text.encode(encoding)))
    assert reading.events.frame["assets"].to_list() == [["NVDA"]]


@pytest.mark.parametrize(
    "text",
    [
        f"title,date\r{FALL},{WHEN}\r",
        f"title,date\r\n{FALL},{WHEN}\r\n",
        f"sep=;\ntitle;date\n{FALL};{WHEN}\n",
        f"\n\ntitle,date\n\n{FALL},{WHEN}\n\n",
        f" title , date \n{FALL},{WHEN}\n",
        f"\ufefftitle,date\n{FALL},{WHEN}\n",
        f",title,date\n0,{FALL},{WHEN}\n",
        f"title,date,score,score\n{FALL},{WHEN},1,2\n",
        f"title,date\n{FALL},{WHEN},,\n",
    ],
)
def test_lines_headers_and_blanks(tmp_path: Path, text: str) -> None:
    assert rows(write(tmp_path / "a.csv", text)) == [(FALL, WHEN)]


def test_two_columns_of_one_name_are_refused_where_they_are_used(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="has two columns 'title'; leave one of them out"):
        rows(write(tmp_path / "a.csv", f"title,title,date\n{FALL},x,{WHEN}\n"))


def test_a_column_alone_may_hold_commas(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "title\nNvidia, AMD and Intel fell\nOracle\n")
    assert [text for text, _ in rows(path)] == ["Nvidia, AMD and Intel fell", "Oracle"]


# ------------------------------------------------------------------------------------------------------------ what is torn


@pytest.mark.parametrize(
    ("torn", "line", "what"),
    [
        (f"Oracle fell, badly,{WHEN}", 3, "3 cells under 2 headers"),
        (f"Oracle, AMD, Intel fell,{WHEN}", 3, "4 cells under 2 headers"),
        (f'"Oracle never ends,{WHEN}', 3, "a quote that is opened and not closed"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_row_that_is_none_is_counted_and_not_the_end(
    tmp_path: Path, ending: str, torn: str, line: int, what: str
) -> None:
    text = f"title,date\n{FALL},{WHEN}\n{torn}\n"
    path = write(tmp_path / f"a.{ending}", gzip.compress(text.encode()) if ending.endswith("gz") else text)
    reading = read_sources(path)
    assert is_one_fall(reading)
    assert reading.counts["rows_left_out"] == 1
    (left,) = reading.unread.rows()
    assert left == (
        f"{path}, line {line}",
        f"{path}, line {line} cannot be read as CSV (got {what}); correct it, or put quotes around cells that hold the separator.",
    )
    with pytest.warns(match="1 row left out. The first: .*line 3"):
        assert len(read_documents(path)) == 1


def test_quotes_that_never_end_swallow_no_other_row(tmp_path: Path) -> None:
    text = "title,date\n" + "".join(f'"open {n},{WHEN}\n' for n in range(300)) + f'"Two\nlines",{WHEN}\n{FALL},{WHEN}\n'
    reading = read_sources(write(tmp_path / "a.csv", text))
    assert is_one_fall(reading)
    assert (reading.counts["documents"], reading.counts["rows_left_out"]) == (2, 300)


def test_rows_behind_a_torn_one_are_read(tmp_path: Path) -> None:
    text = f'title,date\n"Open quote,{WHEN}\n"Quoted, with a comma",{WHEN}\na,b,c\n"Two\nlines",{WHEN}\n"Buy" says who,{WHEN}\n5" discs,{WHEN}\n'
    left_out: list[tuple[str, str]] = []
    path = write(tmp_path / "a.csv", text)
    found = [text for batch in batches([path], Columns(), left_out=left_out) for text in batch["text"]]
    assert found[-1] == '5" discs'
    assert "Buy says who" in found
    assert "Two\nlines" in found
    assert "Quoted, with a comma" in found
    assert [source.rpartition(" ")[2] for source, _ in left_out] == ["2", "4"]


def test_a_long_cell_in_a_torn_file(tmp_path: Path) -> None:
    long = "chips " * 40_000  # more than the 131,072 characters that Python's own reader takes
    path = write(tmp_path / "a.csv", f"text,date\n{long},{WHEN}\na,b,c\n")
    assert [len(text) for text, _ in rows(path)] == [len(long)]


@pytest.mark.parametrize("line", ["{broken", "[1, 2", "5", '"text"', "[1, 2]", "null", '{"title": "cut', "{}"])
def test_a_line_that_is_no_record_is_counted(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "a.jsonl", f"{json.dumps(ROW)}\n{line}\n{json.dumps(ROW)}\n")
    reading = read_sources(path)
    assert is_one_fall(reading)
    assert reading.counts["documents"] == (3 if line == "{}" else 2)
    assert reading.counts["rows_left_out"] == (0 if line == "{}" else 1)
    if line != "{}":
        assert reading.unread["source"].to_list() == [f"{path}, line 2"]


def test_packed_lines_that_were_cut_short_give_what_they_have(tmp_path: Path) -> None:
    whole = gzip.compress((json.dumps(ROW) + "\n").encode() + json.dumps({"title": "x" * 9, "date": WHEN}).encode())
    reading = read_sources(write(tmp_path / "a.jsonl.gz", whole[:-6]))
    assert is_one_fall(reading)
    assert "cannot be unpacked as gzip" in reading.unread["reason"][0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty; it needs a header and rows"),
        ("a.csv.gz", b"", "is empty"),
        ("a.csv.gz", b"\x1f\x8bnothing of it", "cannot be unpacked as gzip"),
        ("a.jsonl.gz", b"\x1f\x8bnothing of it", "cannot be unpacked as gzip"),
        ("a.txt.gz", b"\x1f\x8bnothing of it", "cannot be unpacked as gzip"),
        ("a.parquet", b"", "is empty"),
        ("a.xlsx", b"x", "cannot be read as Excel"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b"null", "must hold an object or a list of objects"),
        ("a.json", b"[1, 2]", "must hold an object or a list of objects"),
        ("a.jsonl", b"{\n", "line 1: not valid JSON"),
        ("a.xml", b"<html><body>x</body></html>", "must be a feed"),
        ("a.xml", b"<rss><channel><item><title>torn", "not valid XML"),
        ("a.xml", b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>', "entities of its own"),
        ("a.xml", b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]><rss><channel><item><title>&a;</title></item></channel></rss>', "entities of its own"),
    ],
)  # fmt: skip
def test_files_that_are_none_are_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(Fault, match=message):
        read_sources(path)
    assert main(["read", str(path), "--out", str(tmp_path / "e.parquet")]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "bug" not in said


@pytest.mark.parametrize(
    ("name", "content", "documents"),
    [
        ("a.csv", "title,date\n", 0), ("a.json", "[]", 0), ("a.json", "", 0), ("a.json", "{}", 0), ("a.jsonl", "", 0), ("a.jsonl", "\n\n", 0),
        ("a.xml", "<rss><channel></channel></rss>", 0), ("a.xml", "", 0), ("a.txt", "", 1), ("a.html", "", 1),
    ],
)  # fmt: skip
def test_empty_files_hold_nothing(tmp_path: Path, name: str, content: str, documents: int) -> None:
    reading = read_sources(write(tmp_path / name, content))
    assert (reading.counts["documents"], len(reading.events)) == (documents, 0)


# ----------------------------------------------------------------------------------------------------- packed, workbooks


@pytest.mark.parametrize("ending", ["json", "jsonl", "ndjson", "csv", "xml", "rss", "txt", "html", "md"])
def test_packed_files(tmp_path: Path, ending: str) -> None:
    feed = f"<rss><channel><item><title>{FALL}</title><pubDate>{RFC}</pubDate></item></channel></rss>"
    texts = {
        "json": json.dumps([ROW]), "csv": f"title,date\n{FALL},{WHEN}\n", "xml": feed, "rss": feed, "txt": f"Published 2025-11-07 09:00 UTC\n{FALL}",
        "html": f'<html><head><meta property="article:published_time" content="{WHEN}"></head><body><p>{FALL}</p></body></html>',
        "md": f"---\ndate: {WHEN}\n---\n{FALL}\n",
    }  # fmt: skip
    text = texts.get(ending, json.dumps(ROW) + "\n")
    for name in (f"a.{ending}", f"b.{ending}.gz", f"c.{ending.upper()}.GZ"):
        path = write(tmp_path / name, gzip.compress(text.encode()) if name.lower().endswith("gz") else text)
        assert is_one_fall(read_sources(path)), name
        path.unlink()


def test_what_a_table_is_its_bytes_say(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", gzip.compress(f"title,date\n{FALL},{WHEN}\n".encode()))
    write(tmp_path / "b.jsonl", gzip.compress((json.dumps(ROW) + "\n").encode()))
    pl.DataFrame([ROW]).write_parquet(tmp_path / "c.csv")
    pl.DataFrame([ROW]).write_ipc(tmp_path / "d.feather")
    write(tmp_path / "e.json", f"{json.dumps(ROW)}\n{json.dumps(ROW)}\n")
    write(tmp_path / "f.jsonl", json.dumps([ROW], indent=1))
    for name, count in (("a.csv", 1), ("b.jsonl", 1), ("c.csv", 1), ("d.feather", 1), ("e.json", 2), ("f.jsonl", 1)):
        assert rows(tmp_path / name) == [(FALL, WHEN)] * count, name


@pytest.mark.parametrize(
    ("cells", "at"),
    [
        ({"Date": dt.datetime(2025, 11, 7, 4)}, AT),  # New York, UTC-5
        ({"Date": WHEN}, AT),
        ({"Date": dt.date(2025, 11, 7)}, dt.datetime(2025, 11, 8, 4, 59, 59, 999999, tzinfo=dt.UTC)),  # the day's end
        ({"Date": dt.date(2025, 11, 7), "Time": "04:00"}, AT),
        ({"時間": dt.datetime(2025, 11, 7, 4), "score": 1.5}, AT),
    ],
)
def test_workbooks(tmp_path: Path, cells: dict[str, Any], at: dt.datetime) -> None:
    pytest.importorskip("fastexcel")
    path = write(
        tmp_path / "a.xlsx", workbook([["Headline", *cells], [FALL, *cells.values()], [None] * (1 + len(cells))])
    )
    assert read_sources(path).events.frame["known_at"].to_list() == [at]


@pytest.mark.parametrize(
    "columns",
    [
        {"title": [FALL], "date": [AT]},
        {"title": [FALL], "date": [1_762_506_000]},  # 20,399 days of 86,400 s and 9 h
        {"title": [FALL], "date": [1_762_506_000_000]},
        {"text": [[FALL, "Second part."]], "date": [AT]},
        {"text": [FALL.encode()], "date": [AT]},
        {"title": [FALL], "date": [AT], "tickers": [["NVDA", "AMD"]], "source": [{"id": 1, "name": "x"}]},
        {"title": pl.Series([FALL], dtype=pl.Categorical), "date": [AT]},
        {"id": [7.0], "title": [FALL], "date": [AT]},
        {"title": [None, FALL], "date": [AT, AT]},
        {"title": [FALL], "date": [AT], "stocks": [[{"code": "NVDA"}]]},
    ],
)
def test_typed_columns(tmp_path: Path, columns: dict[str, Any]) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "a.parquet")
    assert is_one_fall(read_sources(tmp_path / "a.parquet"))


# ---------------------------------------------------------------------------------------------------------------- feeds

SPACES = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"'
DATED = f"<pubDate>{RFC}</pubDate>"


def rss(item: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return f"{head}<rss version='2.0' {SPACES}><channel><title>All news</title><pubDate>Sat, 08 Nov 2025 09:00:00 GMT</pubDate>{item}</channel></rss>"


def atom(entry: str) -> str:
    return f"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'><title>All</title><updated>2025-11-09T00:00:00Z</updated>{entry}</feed>"


@pytest.mark.parametrize(
    "feed",
    [
        rss(f"<item><title>{FALL}</title>{DATED}</item>"),
        rss(f"<item>{DATED}<title><![CDATA[{FALL}]]></title></item>"),
        rss(f"<item><title>Chips</title><description><![CDATA[<p>{FALL}</p><img src='x'/>]]></description>{DATED}</item>"),
        rss(f"<item><title>Chips</title><description>&lt;p&gt;{FALL}&lt;/p&gt;</description>{DATED}</item>"),
        rss(f"<item><title>Chips</title><description>&amp;lt;p&amp;gt;{FALL}&amp;lt;/p&amp;gt;</description>{DATED}</item>"),
        rss(f"<item><title>Chips</title><description>Short.</description><content:encoded><![CDATA[<div>{FALL}</div>]]></content:encoded>{DATED}</item>"),
        rss(f"<item><title>{FALL}</title><dc:date>{WHEN}</dc:date></item>"),
        rss(f"<item><title>AT&T & Oracle&nbsp;: a caf&eacute;. {FALL}</title>{DATED}</item>"),
        rss(f"<item><title>{FALL}</title><media:title>Other</media:title><media:content><media:description>x</media:description></media:content>{DATED}</item>"),
        rss(f"<item><title>\x0b{FALL}</title>{DATED}</item>"),
        atom(f"<entry><title>{FALL}</title><id>1</id><link href='https://example.com/1'/><published>{WHEN}</published><updated>{WHEN}</updated></entry>"),
        atom(f"<entry><title>{FALL}</title><updated>{WHEN}</updated></entry>"),
        atom(f"<entry><title>Chips</title><updated>{WHEN}</updated><summary type='html'>&lt;p&gt;{FALL}&lt;/p&gt;</summary></entry>"),
        atom(f"<entry><title>Chips</title><updated>{WHEN}</updated><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Nvidia <b>fell 8.65%</b> on Thursday.</p><p>More.</p></div></content></entry>"),
        f"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' {SPACES}><channel><title>c</title></channel><item><title>{FALL}</title><dc:date>{WHEN}</dc:date></item></rdf:RDF>",
    ],
)  # fmt: skip
def test_feeds(tmp_path: Path, feed: str) -> None:
    assert is_one_fall(read_sources(write(tmp_path / "a.xml", feed)))


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("gb2312", "gb18030"), ("GBK", "gbk"), ("Big5", "utf-8"), ("UTF-16", "utf-16"), ("utf-8", "gb18030")],
)
def test_encodings_of_feeds(tmp_path: Path, declared: str, encoding: str) -> None:
    feed = rss(f"<item><title>{HANS}</title>{DATED}</item>", f'<?xml version="1.0" encoding="{declared}"?>')
    assert [text for text, _ in rows(write(tmp_path / "a.xml", feed.encode(encoding)))] == [HANS]


def test_a_torn_feed_gives_its_whole_entries(tmp_path: Path) -> None:
    feed = rss(f"<item><title>{FALL}</title>{DATED}</item><item><title>Torn</title>")[: -len("</channel></rss>")]
    reading = read_sources(write(tmp_path / "a.xml", feed))
    assert is_one_fall(reading)
    assert "not valid XML" in reading.unread["reason"][0]


# ----------------------------------------------------------------------------------------------------------------- JSON

NESTED: list[Any] = [
    {"items": [ROW]}, {"status": "ok", "articles": [ROW]}, {"data": [ROW]}, {"results": [ROW]}, {"response": {"docs": [ROW]}}, {"data": {"articles": [ROW]}},
    {"items": "1", "feed": [ROW]}, {"hits": {"hits": [{"_id": "1", "_source": ROW}]}}, {"news": {"list": [ROW]}}, {"meta": {"title": "x"}, "entries": [ROW]},
    {"title": "My feed", "description": "All", "items": [{"id": "1", "content_text": FALL, "date_published": WHEN}]},
    {"NVDA": [ROW]}, {"a1": ROW}, {"title": {"0": FALL}, "date": {"0": WHEN}}, {"title": [FALL], "date": [WHEN]}, {"columns": ["title", "date"], "index": [0], "data": [[FALL, WHEN]]},
    {"schema": {"fields": []}, "data": [ROW]}, ROW, [{"data": ROW}], [{"id": "x", "content": {"title": FALL, "pubDate": WHEN, "provider": {"displayName": "Y"}}}],
    [{"headline": {"main": FALL, "kicker": None}, "pub_date": WHEN}], [{"title": {"rendered": FALL}, "date": WHEN}], [{"title": FALL, "published": {"$date": WHEN}}],
    {"response": {"results": [{"webTitle": FALL, "webPublicationDate": WHEN, "fields": {"bodyText": "Chips."}}]}},
    {"data": {"children": [{"kind": "t3", "data": {"title": FALL, "created_utc": 1_762_506_000}}]}},
    [{"source": {"id": None, "name": "CNN"}, "title": FALL, "description": None, "content": None, "publishedAt": WHEN}],
]  # fmt: skip


@pytest.mark.parametrize("data", NESTED, ids=range(len(NESTED)))
def test_nested_json(tmp_path: Path, data: Any) -> None:
    reading = read_sources(write(tmp_path / "a.json", json.dumps(data)))
    assert is_one_fall(reading)
    assert reading.counts["documents"] == 1
    if not isinstance(data, list):
        assert rows(write(tmp_path / "a.jsonl", json.dumps(data) + "\n")) == rows(tmp_path / "a.json")


def test_lists_by_ticker_say_whom_they_are_about(tmp_path: Path) -> None:
    data = {"ZYX": [{"title": "Shares plunge 8%", "date": WHEN}], "NVDA": [ROW]}
    found = [
        row for batch in batches([write(tmp_path / "a.json", json.dumps(data))], Columns()) for row in batch["ticker"]
    ]
    assert found == ["ZYX", "NVDA"]


def test_items_that_are_no_objects_are_counted(tmp_path: Path) -> None:
    reading = read_sources(write(tmp_path / "a.json", json.dumps([ROW, 5, None])))
    assert is_one_fall(reading)
    assert reading.counts["rows_left_out"] == 2


def test_wires_name_one_company_or_none(tmp_path: Path) -> None:
    stocks: list[Any] = [
        [],
        [{"code": "NVDA", "name": ""}],
        [{"code": "NVDA"}, {"code": "AMD"}],
        [{"code": "", "name": "x"}],
        None,
        "AMD",
        ["AMD"],
        [{"code": "BK0697"}],  # a board
        [{"code": "AAPL.US"}],
        [{"code": "600519.SH"}],
    ]
    lines = "".join(json.dumps({"title": "x", "datetime": WHEN, "stocks": item}) + "\n" for item in stocks)
    path = write(tmp_path / "a.jsonl", lines)
    found = [row for batch in batches([path], Columns()) for row in batch["ticker"]]
    assert found == [None, "NVDA", None, None, None, "AMD", '["AMD"]', None, "AAPL", "600519.SH"]


# --------------------------------------------------------------------------------------------------------- pages in cells


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<p>Chips fell.</p><p>Oil rose.</p>", "Chips fell.\nOil rose."),
        ('<article data-id="1" class="x y"> <h2> Chips fell </h2></article>', "Chips fell"),
        ("Chips<br/>fell", "Chips\nfell"),
        ("&lt;p&gt;Chips fell&lt;/p&gt;", "Chips fell"),
        ("<a href='https://example.com'>Chips</a> fell", "Chips fell"),
        ("Margins <5% and >3%", "Margins <5% and >3%"),  # no tags
        ("a < b and b > c", "a < b and b > c"),
        ("Chips <unknown>", "Chips <unknown>"),
    ],
)
def test_pages_in_cells(tmp_path: Path, cell: str, text: str) -> None:
    pl.DataFrame({"description": [cell], "date": [WHEN]}).write_csv(tmp_path / "a.csv")
    assert rows(tmp_path / "a.csv") == [(text, WHEN)]


# ---------------------------------------------------------------------------------------------------------- many files


def test_a_folder_of_mixed_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fastexcel")
    write(tmp_path / "a.csv", f"title;時間\n{FALL};{WHEN}\n")
    write(tmp_path / "b.jsonl", json.dumps({"headline": "Oracle fell 9.2% on Thursday.", "datetime": WHEN}) + "\n")
    write(tmp_path / "c.xml", rss(f"<item><title>AMD fell 5.1% on Thursday.</title>{DATED}</item>"))
    write(tmp_path / "d.xlsx", workbook([["title", "date"], ["Intel fell 6.3% on Thursday.", WHEN]]))
    write(
        tmp_path / "prices.json", json.dumps({"tickers": {"TSLA": {"data": [{"date": "2025-11-07", "close": 400.0}]}}})
    )
    write(tmp_path / "prices.csv", "date,close\n2025-11-07,400\n")
    write(tmp_path / "torn.json", "{")
    write(tmp_path / "empty.csv", "")
    write(tmp_path / "logo.png", b"\x89PNG")
    write(tmp_path / "~$d.xlsx", b"x")
    reading = read_sources(tmp_path)
    assert sorted(asset for assets in reading.events.frame["assets"] for asset in assets) == [
        "AMD",
        "INTC",
        "NVDA",
        "ORCL",
    ]
    assert reading.counts["files_left_out"] == 4
    assert sorted(Path(source).name for source in reading.unread["source"]) == [
        "empty.csv",
        "prices.csv",
        "prices.json",
        "torn.json",
    ]
    assert any("1 file with other endings left out (.png)" in note for note in reading.notes)
    assert main(["read", str(tmp_path), "--out", str(tmp_path / "e.parquet")]) == 0
    said = capsys.readouterr().out
    assert "4 files could not be read and are left out." in said
    assert "prices.csv: no column holds the text" in said


def test_where_no_file_can_be_read_the_first_is_the_fault(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "date,close\n2025-11-07,400\n")
    write(tmp_path / "b.json", "{")
    with pytest.raises(Fault, match=r"a\.csv: no column holds the text"):
        read_sources(tmp_path)


def test_settings_that_do_not_fit_are_never_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", f"title,date\n{FALL},{WHEN}\n")
    write(tmp_path / "b.csv", f"title,date\n{FALL},01/02/2025\n")
    with pytest.raises(Fault, match="--dates"):
        read_sources(tmp_path)
    with pytest.raises(Fault, match="no column 'headline' for title"):
        read_sources(tmp_path, columns={"title": "headline"}, dates="mdy")
