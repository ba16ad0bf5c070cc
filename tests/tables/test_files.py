"""A file of any usual kind is the same table; what is none is named; what is too large is refused before it is read."""

import bz2
import gzip
import io
import lzma
import math
import pickle
import resource
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import devices
from engine.events import Events
from engine.faults import Failure, Fault
from engine.market import Market
from engine.prices import import_prices
from engine.tables import files, memory
from engine.tables.files import read_file
from tests.tables.sheets import workbook

#: Symbols that a guess would change: a number, a truth, nothing, a thousand billions.
SYMBOLS = ["000001", "TRUE", "NA", "1E5", "A,B", "QQX"]
ROWS = [("symbol", "note"), *((symbol, "x") for symbol in SYMBOLS)]
FRAME = pl.DataFrame({"symbol": SYMBOLS, "note": ["x"] * 6})


def text(separator: str = ",", end: str = "\n") -> str:
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in ROWS]
    return "".join(separator.join(row) + end for row in quoted)


def parquet() -> bytes:
    out = io.BytesIO()
    FRAME.write_parquet(out)
    return out.getvalue()


def arrow() -> bytes:
    out = io.BytesIO()
    FRAME.write_ipc(out, compression="zstd")
    return out.getvalue()


KINDS: dict[str, bytes] = {
    "comma.csv": text().encode(),
    "semicolon.csv": text(";").encode(),
    "tab.tsv": text("\t").encode(),
    "bar.txt": text("|").encode(),
    "windows lines.csv": text(end="\r\n").encode(),
    "old lines.csv": text(end="\r").encode(),
    "empty lines.csv": ("\n\n" + text(end="\n\n")).encode(),
    "separators behind.csv": text(end=",\n").replace("note,", "note", 1).encode(),
    "said.csv": ("sep=;\n" + text(";")).encode(),
    "marked.csv": text().encode("utf-8-sig"),
    "marked and said.csv": ("sep=;\r\n" + text(";", "\r\n")).encode("utf-8-sig"),
    "utf16.csv": text().encode("utf-16"),
    "utf16 from excel.txt": text("\t", "\r\n").encode("utf-16"),
    "utf16 without mark.csv": text().encode("utf-16-le"),
    "utf16 the other way.csv": text().encode("utf-16-be"),
    "packed.csv.gz": gzip.compress(text(";").encode()),
    "packed, not called so.csv": gzip.compress(text().encode()),
    "packed twice.tsv.gz": gzip.compress(text("\t").encode()[:20]) + gzip.compress(text("\t").encode()[20:]),
    "columns.parquet": parquet(),
    "columns.arrow": arrow(),
    "columns.feather": arrow(),
    "parquet.csv": parquet(),
    "parquet without ending": parquet(),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_is_the_same_table(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(KINDS[name])
    assert read_file(file).once().equals(FRAME)


def test_a_sheet_of_excel_is_a_table(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel")
    file = tmp_path / "book.xlsx"
    file.write_bytes(workbook([*ROWS, [None, None], ["LAST", "y"]]))
    table = read_file(file)
    assert table.once()["symbol"].to_list() == [*SYMBOLS, "LAST"]
    assert table.at(0).endswith("book.xlsx, line 2")
    assert table.at(6).endswith("book.xlsx, line 9")  # 1 header, 6 symbols, 1 empty row
    file.write_bytes(workbook(ROWS, ROWS))
    with pytest.raises(Fault, match=r"must have one sheet with rows \(got 'Sheet1', 'Sheet2'\)"):
        read_file(file)
    file.write_bytes(workbook(ROWS, []))
    assert read_file(file).once().equals(FRAME)


def test_excel_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda name: None)
    (tmp_path / "book.xlsx").write_bytes(workbook(ROWS))
    with pytest.raises(Failure, match=r"book.xlsx is an Excel workbook.*pip install 'tocsin\[excel\]'"):
        read_file(tmp_path / "book.xlsx")


def archive(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


def database() -> bytes:
    made = sqlite3.connect(":memory:")
    made.execute("create table t (a)")
    return made.serialize()


def array() -> bytes:
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


FOREIGN: dict[str, tuple[bytes, str]] = {
    "zip": (archive(prices="Date,Open"), r"got a ZIP archive of prices\); unpack it"),
    "document": (archive(**{"word/document.xml": ""}), "got a ZIP archive of word/document.xml"),
    "ods": (archive(mimetype="", **{"content.xml": ""}), "got an OpenDocument file"),
    "xlsb": (archive(**{"xl/workbook.bin": ""}), "got a binary Excel workbook"),
    "half a zip": (archive(a="b")[:30], "got a ZIP archive that was cut short"),
    "old excel": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        r"got an old Excel workbook \(.xls\)\); save it as .xlsx",
    ),
    "pickle": (pickle.dumps(FRAME), r"got a pickle, which is a program"),
    "old pickle": (pickle.dumps({"a": [1]}, protocol=2), "got a pickle"),
    "page": (b"<!DOCTYPE html>\n<html><body>Too many requests</body></html>", "got a page of HTML"),
    "fragment": (b"  <table><tr><td>1</td></tr></table>", "got a page of HTML"),
    "json": (b'{"date": {"0": "2025-01-02"}}', "got JSON"),
    "rows of json": (b'[{"date": "2025-01-02"}]', "got JSON"),
    "bzip2": (bz2.compress(b"a,b\n1,2\n"), "got a bzip2 file"),
    "xz": (lzma.compress(b"a,b\n1,2\n"), "got an xz file"),
    "page, packed": (gzip.compress(b"<html></html>"), "got a page of HTML"),
    "database": (database(), "got an SQLite database"),
    "array": (array(), "got a NumPy array"),
    "pdf": (b"%PDF-1.7\n", "got a PDF"),
    "nothing": (b"", "is empty"),
    "blank": (b"\n \n\n", "is empty"),
    "nothing, packed": (gzip.compress(b""), "is empty"),
    "bytes": (bytes(range(256)) * 9, "got bytes that are no text"),
    "utf-32": ("a,b\n1,2\n".encode("utf-32"), "got UTF-32"),
    "latin": ("a,b\n1,2\n1,Société\n".encode("latin-1"), "line 3 must be text in UTF-8 .got the byte 0xE9"),
    "latin header": ("a,Clôture\n1,2\n".encode("cp1252"), "line 1 must be text in UTF-8 .got the byte 0xF4"),
    "chinese": ("代码,收盘\n1,2\n".encode("gbk"), "line 1 must be text in UTF-8"),
    "half a parquet": (parquet()[:-9], "cannot be read as Parquet"),
    "half a gzip": (gzip.compress(text().encode() * 99)[:50], "was cut short"),
    "broken gzip": (gzip.compress(b"a,b\n" * 99)[:12] + b"\xff" * 40, "cannot be unpacked as gzip"),
    "more cells than headers": (b"a,b\n1,2\n1,2,3\n", "line 3 cannot be read as CSV .got 3 cells under 2 headers"),
    "a comma in a number": (b"a,b\n1,100,50\n", "line 2 cannot be read as CSV .got 3 cells under 2 headers"),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("ending", [".csv", ""])
def test_what_is_no_table_is_named_in_one_sentence(tmp_path: Path, kind: str, ending: str) -> None:
    content, said = FOREIGN[kind]
    file = tmp_path / f"given{ending}"
    file.write_bytes(content)
    with pytest.raises(Fault, match=said) as caught:
        read_file(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_text_that_is_called_otherwise_and_what_is_not_there(tmp_path: Path) -> None:
    for name, kind in (("a.parquet", "Parquet"), ("a.feather", "Arrow"), ("a.xlsx", "Excel")):
        (tmp_path / name).write_text("a,b\n1,2\n")
        with pytest.raises(Fault, match=f"cannot be read as {kind} .it holds text"):
            read_file(tmp_path / name)
    with pytest.raises(Fault, match="it does not exist"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(Fault, match="it is a folder"):
        read_file(tmp_path)


def test_rows_are_numbered_by_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\n\na,b\n1,2\n\n3,4\n")
    table = read_file(tmp_path / "a.csv")
    assert [table.at(row) for row in (0, 1)] == [f"{tmp_path / 'a.csv'}, line {line}" for line in (4, 6)]


@settings(max_examples=60)
@given(
    separator=st.sampled_from([",", ";", "\t", "|"]),
    cells=st.lists(st.lists(st.text("ab,;|\t 1.", max_size=6), min_size=3, max_size=3), min_size=1, max_size=5),
)
def test_the_separator_is_told_outside_quotes(
    tmp_path_factory: pytest.TempPathFactory, separator: str, cells: list[list[str]]
) -> None:
    file = tmp_path_factory.mktemp("t") / "t.csv"
    lines = [["one", "two", "three"], *cells]
    file.write_text("".join(separator.join(f'"{cell}"' for cell in line) + "\n" for line in lines))
    read = read_file(file).once()
    assert read.columns == lines[0]
    assert [[cell or "" for cell in row] for row in read.iter_rows()] == cells


# Memory


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """A million rows of five columns, 40 bytes a row in memory, in some kilobytes."""
    zeros = pl.DataFrame({name: np.zeros(1_000_000) for name in ("date", "open", "high", "low", "close")})
    zeros.write_parquet(tmp_path / "bomb.parquet")
    zeros.write_ipc(tmp_path / "bomb.arrow", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 200_000
    return tmp_path / "bomb.parquet"


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(
    bomb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 1,000,000 rows of 40 bytes are 38 MiB, and six times that while prices are checked: 229 MiB.
    monkeypatch.setattr(memory, "memory_of_machine", lambda: 200.0 * 2**20)
    for name in ("read_parquet", "read_ipc"):
        monkeypatch.setattr(pl, name, lambda *_: pytest.fail("it was read"))
    for read in (import_prices, Market.read):
        with pytest.raises(Fault, match=r"bomb.parquet must fit into the 200 MiB .*1,000,000 rows, about 229 MiB"):
            read(bomb)
    monkeypatch.setattr(memory, "memory_of_machine", lambda: 50.0 * 2**20)
    for file in (bomb, bomb.with_suffix(".arrow")):
        with pytest.raises(Fault, match=r"1,000,000 rows, about 153 MiB"):  # four times, where it is a side table
            read_file(file)
    with pytest.raises(Fault, match="1,000,000 rows"):
        Events.read(bomb)


def test_files_that_fit_one_by_one_are_counted_together(bomb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_of_machine", lambda: 300.0 * 2**20)
    with pytest.raises(Fault, match=r"bomb.* and 1 more files must fit .*2,000,000 rows, about 458 MiB"):
        import_prices(bomb.parent)


def test_a_market_of_our_own_is_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Market.sample().write(tmp_path / "prices.parquet")
    monkeypatch.setattr(memory, "memory_of_machine", lambda: 1e5)
    with pytest.raises(Fault, match="must fit into"):
        Market.read(tmp_path / "prices.parquet")


def test_lists_count_by_what_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pl.DataFrame({"assets": [["NVDA"] * 1_000_000]}).write_parquet(tmp_path / "one_row.parquet")
    monkeypatch.setattr(memory, "memory_of_machine", lambda: 10.0 * 2**20)
    with pytest.raises(Fault, match=r"1 rows, about 61 MiB"):  # a million views of 16 bytes, four times
        Events.read(tmp_path / "one_row.parquet")


def test_gzip_is_unpacked_no_further_than_memory_bears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"date,open\n" + b"0,0\n" * 4_000_000))
    monkeypatch.setattr(files, "memory_of_machine", lambda: 20.0 * 2**20)
    with pytest.raises(Fault, match=r"bomb.csv.gz must fit into memory .got more than 5 MiB unpacked"):
        read_file(tmp_path / "bomb.csv.gz")


def test_memory_is_what_the_process_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = devices.memory_of_machine()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 20, resource.RLIM_INFINITY))
    assert devices.memory_of_machine() == 1 << 20
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(devices, "_limit_of_container", lambda: 2e6)
    assert devices.memory_of_machine() == 2e6 < whole < math.inf
