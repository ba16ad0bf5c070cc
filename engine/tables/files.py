"""A file of any usual kind -> a table: text files as texts, so that nothing is guessed; others with their types."""

from __future__ import annotations

import codecs
import csv
import importlib.util
import io
import re
import zlib
from pathlib import Path

import polars as pl

from engine.devices import memory_of_machine
from engine.faults import Failure, Fault
from engine.tables.formats import HEAD, SPOKEN, Format, format_of, head_of
from engine.tables.memory import first_line, refuse_large, size
from engine.tables.table import Style, Table

_SEPARATORS = (",", ";", "\t", "|")
_ALONE = "\x1f"  # stands in no text
_LINES = 20  # that tell the separator
_SAYS_SEPARATOR = re.compile(r"^sep=(.)\s*$", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"?')
#: How often a table stands in memory while it is checked.
_TIMES = 4.0
_REMEDY = "split it, such as by symbol or year, and take a part"


def read_file(
    path: Path, source: str = "", *, style: Style | None = None, kind: Format | None = None, times: float = _TIMES
) -> Table:
    """Read a table from a file of text (separated by , ; tab or |, also packed with gzip), Parquet, Arrow or Excel.

    What a file is, its bytes say, not its name.

    Parameters
    ----------
    source
        What a message calls the file; left out, its path.
    style
        How its texts are written.
    kind
        Its format, where that is known already, and its size has been looked at.
    times
        How often the table stands in memory while it is worked on.

    Raises
    ------
    Fault
        The file is not there, is no table, or does not fit into memory.
    Failure
        The package that reads Excel is not installed.
    """
    source, style = source or str(path), style or Style()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise Fault(f"{source} must be a file with a table (it {what}); correct the path.")
    try:
        if kind is None:
            kind = format_of(path, source)
            refuse_large([(path, kind)], times, _REMEDY)
        if kind == "xlsx":
            return _read_sheet(path, source, style)
        if kind in ("parquet", "arrow"):
            frame = pl.read_parquet(path) if kind == "parquet" else pl.read_ipc(path)
            rows = pl.int_range(frame.height, dtype=pl.Int64, eager=True)
            return Table(frame, source, rows, tuple(frame.columns), style=style)
        return _read_text(path, source, kind == "gzip", style)
    except pl.exceptions.NoDataError:
        raise Fault(f"{source} is empty; it needs a header and rows.") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        told = f" as {SPOKEN[kind]}" if kind else ""
        raise Fault(f"{source} cannot be read{told} ({first_line(error)}); write or fetch it anew.") from None


# Text


def _read_text(path: Path, source: str, packed: bool, style: Style) -> Table:
    content: Path | bytes = unpack(path, source) if packed else path
    head = content[:HEAD] if isinstance(content, bytes) else head_of(path)
    encoding = _encoding(head, content, source)
    if encoding != "utf-8" or (b"\r" in head and b"\n" not in head):
        content = _as_utf8(content, encoding, source)
        head = content[: len(head)]
    begins, separator, header = _layout(head, source)
    try:
        return _parsed(content, source, style, begins, separator, header)
    except pl.exceptions.ComputeError as error:
        if "utf-8" in str(error):
            _refuse_encoding(content, source)
        if "more fields" not in str(error):
            raise
        _refuse_longer(content, separator, begins, source)
        return _parsed(content, source, style, begins, separator, header, longer=True)


def read_loosely(text: str, source: str, wrong: list[tuple[int, str]]) -> Table:
    """Read a table from a text of rows, past those that are none.

    Parameters
    ----------
    wrong
        Where to write the line of each row that is left out, and why.

    Raises
    ------
    Fault
        There is no row.
    """
    text = text.removeprefix("\ufeff")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    begins, separator, header = _layout(text[:HEAD].encode("utf-8", "replace"), source)
    if separator not in header:
        separator = _ALONE  # one column, in which commas are commas
    content = text.encode("utf-8", "replace")
    try:
        return _parsed(content, source, Style(), begins, separator, header)
    except pl.exceptions.NoDataError:
        raise Fault(f"{source} is empty; it needs a header and rows.") from None
    except pl.exceptions.PolarsError:
        lines = io.StringIO(text, newline="\n").readlines()
        limit = csv.field_size_limit(max(csv.field_size_limit(), len(text)))
        try:
            sound = _sound_rows(lines, begins, separator, wrong)
        finally:
            csv.field_size_limit(limit)
        return _parsed(sound, source, Style(), 0, separator, header)


def _parsed(
    content: Path | bytes, source: str, style: Style, begins: int, separator: str, header: str, *, longer: bool = False
) -> Table:
    frame = pl.read_csv(
        content, separator=separator, infer_schema=False, skip_lines=begins, truncate_ragged_lines=longer
    )
    headers = next(csv.reader([header], delimiter=separator), [])
    names = tuple(headers) if len(headers) == frame.width else tuple(frame.columns)
    rows = pl.int_range(begins + 2, begins + 2 + frame.height, dtype=pl.Int64, eager=True)
    filled = ~frame.select(pl.all_horizontal(pl.all().is_null())).to_series() if frame.width else rows > 0
    if not filled.all():  # empty lines
        frame, rows = frame.filter(filled), rows.filter(filled)
    return Table(frame, source, rows, names, in_lines=True, separator=separator, style=style)


def _sound_rows(lines: list[str], begins: int, separator: str, wrong: list[tuple[int, str]]) -> bytes:
    """Write the rows anew that have as many cells as there are headers at most; one that never ends its quotes is left out."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    start, width = begins, 0
    while start < len(lines):
        rows = csv.reader((lines[number] for number in range(start, len(lines))), delimiter=separator)
        done = first = start
        for row in rows:
            first, done = done, start + rows.line_num
            if (done == len(lines) or done - first > 1) and _is_open(lines[first:done], separator):
                break
            width = width or len(row)
            if any(cell.strip() for cell in row[width:]):
                wrong.append((first + 1, f"{len(row)} cells under {width} headers"))
            elif row:
                writer.writerow(row[:width])
        else:
            break
        wrong.append((first + 1, "a quote that is opened and not closed"))
        start = first + 1
    return out.getvalue().encode("utf-8", "replace")


def _is_open(lines: list[str], separator: str) -> bool:
    """Tell whether the quotes of a row do not end, or end in the midst of a cell of a later line, which is another row's."""
    try:
        list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        return len(lines) > 1 or "unexpected end" in str(error)
    return False


def _layout(head: bytes, source: str) -> tuple[int, str, str]:
    """Tell how many lines stand above the header, which sign parts the columns, and what the header is."""
    lines = head.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    begins = next((number for number, line in enumerate(lines) if line.strip()), 0)
    said = _SAYS_SEPARATOR.match(lines[begins]) if lines else None  # Excel's own line
    begins += said is not None
    whole = lines[begins:] if len(lines) == begins + 1 else lines[begins:-1]  # the last may be cut off
    shown = [line for line in whole if line.strip()][:_LINES]
    if not shown:
        raise Fault(f"{source} is empty; it needs a header and rows.")
    return begins, said[1] if said else _separator(shown), shown[0]


def _separator(lines: list[str]) -> str:
    """Find the sign that parts the columns: outside quotes, as often in every line as in the header."""
    bare = [_QUOTED.sub("", line) for line in lines]

    def fits(sign: str) -> tuple[int, int]:
        count = bare[0].count(sign)
        return (sum(line.count(sign) == count for line in bare) if count else 0, count)

    best = max(_SEPARATORS, key=fits)
    return best if fits(best)[0] > 1 else max(_SEPARATORS, key=bare[0].count)


def _encoding(head: bytes, content: Path | bytes, source: str) -> str:
    """Tell UTF-8 from UTF-16, and text from what is none."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        raise Fault(f"{source} must be text in UTF-8 (got UTF-32); save it as CSV UTF-8.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    half = len(head) // 2
    if half and head[1::2].count(0) > 0.8 * half and 0 not in head[0::2]:
        return "utf-16-le"
    if half and head[0::2].count(0) > 0.8 * half and 0 not in head[1::2]:
        return "utf-16-be"
    if 0 in head:
        raise Fault(
            f"{source} must be a table (got bytes that are no text); give CSV, Parquet, Arrow or Excel (.xlsx)."
        )
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        _refuse_encoding(content, source)
    return "utf-8"


def _as_utf8(content: Path | bytes, encoding: str, source: str) -> bytes:
    """Bring a text to UTF-8, and its line ends to those of today."""
    raw = content.read_bytes() if isinstance(content, Path) else content
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise Fault(
                f"{source} must be text in UTF-8 (got broken {encoding.upper()}); save it as CSV UTF-8."
            ) from None
        _refuse_encoding(raw, source)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return text.removeprefix("\ufeff").encode()


def _refuse_encoding(content: Path | bytes, source: str) -> None:
    """Say where a text stops being UTF-8."""
    raw = content.read_bytes() if isinstance(content, Path) else content
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Fault(
            f"{source}, line {line} must be text in UTF-8 (got the byte 0x{raw[error.start]:02X}, as Windows-1252, GBK and others "
            "write letters); save the file as CSV UTF-8."
        ) from None


def _refuse_longer(content: Path | bytes, separator: str, begins: int, source: str) -> None:
    """Refuse the first row that has something beyond the last header; blanks there are left alone."""
    raw = content.read_bytes() if isinstance(content, Path) else content
    rows = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=separator)
    width = 0
    for row in rows:
        if rows.line_num > begins:
            width = width or len(row)
            if any(cell.strip() for cell in row[width:]):
                raise Fault(
                    f"{source}, line {rows.line_num} cannot be read as CSV (got {len(row)} cells under {width} headers); correct it, or "
                    "put quotes around cells that hold the separator."
                )


def unpack(path: Path, source: str) -> bytes:
    """Unpack a gzip file, unless it becomes larger than the memory bears."""
    most = memory_of_machine() / _TIMES
    out, unpacker, ended = bytearray(), zlib.decompressobj(wbits=31), False
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                while block:
                    if ended:  # a gzip file may be several, one behind the other
                        unpacker = zlib.decompressobj(wbits=31)
                    out += unpacker.decompress(block, 1 << 24)
                    if len(out) > most:
                        raise Fault(
                            f"{source} must fit into memory (got more than {size(most)} unpacked, and several times that with what is "
                            f"made of it); {_REMEDY}."
                        )
                    ended = unpacker.eof
                    block = unpacker.unused_data if ended else unpacker.unconsumed_tail
    except zlib.error:
        raise Fault(f"{source} cannot be unpacked as gzip (it is damaged); write or fetch it anew.") from None
    if not ended:
        raise Fault(f"{source} cannot be unpacked as gzip (it was cut short); write or fetch it anew.")
    return bytes(out)


# Excel


def _read_sheet(path: Path, source: str, style: Style) -> Table:
    """Read the one sheet of a workbook that holds something."""
    if importlib.util.find_spec("fastexcel") is None:
        raise Failure(
            f"{source} is an Excel workbook, and the package that reads it is not installed; install it with "
            "pip install 'tocsin[excel]', or save the sheet as CSV."
        )
    sheets = pl.read_excel(
        path, sheet_id=0, engine="calamine", infer_schema_length=None, raise_if_empty=False, drop_empty_rows=False
    )
    filled = {name: frame for name, frame in sheets.items() if frame.height}
    if len(filled) > 1:
        raise Fault(
            f"{source} must have one sheet with rows (got {', '.join(map(repr, filled))}); save the one that is meant as a file of its "
            "own."
        )
    frame = next(iter(filled.values()), next(iter(sheets.values())))
    rows = pl.int_range(2, 2 + frame.height, dtype=pl.Int64, eager=True)
    some = ~frame.select(pl.all_horizontal(pl.all().is_null())).to_series() if frame.width else rows > 0
    frame, rows = frame.filter(some), rows.filter(some)
    headers = tuple(_as_in_sheet(name, frame.columns) for name in frame.columns)
    return Table(frame, source, rows, headers, in_lines=True, style=style)


def _as_in_sheet(name: str, names: list[str]) -> str:
    """Take off what the reader adds to headers that are empty, or stand there twice."""
    plain = re.sub(r"_\d+$", "", name)
    return "" if plain == "__UNNAMED_" else plain if plain in names else name
