"""What kind of file a table is in, told from its first bytes, whatever it is called."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import Literal

from engine.faults import Fault

Format = Literal["text", "gzip", "parquet", "arrow", "xlsx"]

#: What messages call them.
SPOKEN: dict[Format, str] = {
    "text": "CSV", "gzip": "CSV packed with gzip", "parquet": "Parquet", "arrow": "Arrow", "xlsx": "Excel"
}  # fmt: skip
TEXTS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
BINARIES = (".parquet", ".arrow", ".feather", ".ipc", ".xlsx", ".xlsm")
#: The endings that tables have.
ENDINGS = (*TEXTS, *BINARIES)

#: Bytes that are looked at.
HEAD = 65_536
_REMEDY = "give CSV, Parquet, Arrow or Excel (.xlsx)"
# The bytes with which a file begins, what it is then, and what to do about it.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)", "save it as .xlsx or CSV"),
    (b"FEA1", "a Feather file of version 1", "write it as Parquet"),
    (b"ORC", "an ORC file", "write it as Parquet"),
    (b"Obj\x01", "an Avro file", "write it as Parquet"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "write it as Parquet"),
    (b"\x93NUMPY", "a NumPy array", "write it as Parquet"),
    (b"SQLite format 3\x00", "an SQLite database", "write its table as Parquet or CSV"),
    (b"DUCK", "a DuckDB database", "write its table as Parquet or CSV"),
    (b"%PDF", "a PDF", "save its table as CSV"),
    (b"\x89PNG", "a picture", _REMEDY),
    (b"BZh", "a bzip2 file", "unpack it first"),
    (b"\xfd7zXZ\x00", "an xz file", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it, and give the table in it"),
    (b"Rar!", "a RAR archive", "unpack it, and give the table in it"),
)
_TAG = re.compile(rb"^\s*<(?:!doctype|!--|html|head|body|div|table|script|\?xml|svg|rss|error)\b", re.IGNORECASE)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_JSON = re.compile(rb'^\s*(?:\{\s*(?:"|\}|\Z)|\[\s*(?:[\[{"\]\d-]|\Z))')


def format_of(path: Path, source: str) -> Format:
    """Tell the format of a table's file from its first bytes.

    Raises
    ------
    Fault
        For what is no table, or none that is read, and says what it is.
    """
    head = head_of(path)
    if not head:
        raise Fault(f"{source} is empty; it needs a header and rows.")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    if head.startswith(b"\x1f\x8b"):
        _refuse_foreign(_unpacked(head), source)
        return "gzip"
    if head.startswith(b"PK"):
        return _zipped(path, source)
    _refuse_foreign(head, source)
    if path.name.lower().endswith(BINARIES):
        raise Fault(
            f"{source} cannot be read as {SPOKEN[_named(path)]} (it holds text, or was cut short); write or fetch it anew, or name it .csv "
            "if it is CSV."
        )
    return "text"


def head_of(path: Path) -> bytes:
    """Read the first bytes of a file."""
    with path.open("rb") as stream:
        return stream.read(HEAD)


def _unpacked(head: bytes) -> bytes:
    """Unpack the beginning of a gzip file; as far as it can be."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        return b""


def _refuse_foreign(head: bytes, source: str) -> None:
    for sign, what, remedy in _FOREIGN:
        if head.startswith(sign):
            raise Fault(f"{source} must be a table (got {what}); {remedy}.")
    if _PICKLE.match(head):
        raise Fault(f"{source} must be a table (got a pickle, which is a program); write the table in it as Parquet.")
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _TAG.match(text):
        raise Fault(f"{source} must be a table (got a page of HTML or XML); save the table in it as CSV.")
    if _JSON.match(text):
        raise Fault(f"{source} must be a table (got JSON); write it as CSV or Parquet.")


def _zipped(path: Path, source: str) -> Format:
    """Tell an Excel workbook from other archives."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        raise Fault(
            f"{source} must be a table (got a ZIP archive that was cut short, as an .xlsx is one); fetch or write it anew."
        ) from None
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise Fault(f"{source} must be a table (got a binary Excel workbook, .xlsb); save it as .xlsx or CSV.")
    if "content.xml" in names:
        raise Fault(f"{source} must be a table (got an OpenDocument file); save it as .xlsx or CSV.")
    inside = ", ".join(names[:3]) + (", .." if len(names) > 3 else "")
    raise Fault(
        f"{source} must be a table (got a ZIP archive of {inside or 'nothing'}); unpack it, and give the table in it."
    )


def _named(path: Path) -> Format:
    ending = path.suffix.lower()
    return "parquet" if ending == ".parquet" else "xlsx" if ending.startswith(".xls") else "arrow"
