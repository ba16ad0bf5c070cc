"""Tables of rows -> documents, in batches: which column holds what, and what the columns that say when say as a whole."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.faults import Fault
from engine.legible import shown
from engine.reader.asked import Asked
from engine.reader.columns import Picked, pick, told, when_columns
from engine.reader.decode import decode
from engine.reader.pages import stripped
from engine.reader.records import Record, first_line, keys_of, lines_of, of_lines
from engine.reader.when import Evidence, Source, When, decide_when
from engine.tables.files import read_file, read_loosely, unpack
from engine.tables.formats import format_of
from engine.tables.single import written

BATCH_ROWS: Final = 20_000
SCHEMA: Final[dict[str, Any]] = {
    "doc_id": pl.String, "text": pl.String, "published": pl.String, "modified": pl.List(pl.String), "timezone": pl.String, "source": pl.String,
    "ticker": pl.String, "seen": pl.String, "url": pl.String, "publisher": pl.String,
}  # fmt: skip
_TAGS: Final = "p|br|div|span|a|b|i|em|strong|u|ul|ol|li|h[1-6]|img|table|tr|td|article|section|figure|blockquote|font|script|style|small|center|hr|iframe"
# Marks of a page in a cell: "<p>", and the same escaped once more.
_PAGE: Final = rf"(?i)</?(?:{_TAGS})(?:\s[^<>]*)?/?>|&lt;/?(?:{_TAGS})\b"
NO_TIME: Final = "no column says when a row was published; name one in"
_APART: Final = re.compile(r"\d\D+\d")  # a bare number may be anything
_FEW: Final = 10  # stamps that tell a column of times
_FIRST: Final = 100  # texts that are asked for their language
_TITLES: Final = 3
_BANNERS: Final = (
    "texts that stand under three titles or more, as the banner of a site does, are left out; their titles are read."
)
_SHOWN, _WIDEST = 30, 400  # columns that a message lists, and their characters


def of_table(path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    """Read a file of text with columns, packed or not, Parquet, Arrow or Excel; the file's bytes say which.

    Yields
    ------
    polars.DataFrame
        With the columns of ``SCHEMA``.
    """
    source = str(path)
    kind = format_of(path, source)
    if kind == "parquet":
        yield from _parquet(path, asked)
        return
    if kind not in ("text", "gzip"):
        table = read_file(path, source)
    else:
        raw = unpack(path, source) if kind == "gzip" else path.read_bytes()
        wrong: list[tuple[int, str]] = []
        table = read_loosely(decode(raw), source, wrong)
        del raw
        asked.left_out.extend(
            (f"{path}, line {line}", f"{path}, line {line} cannot be read as CSV (got {what}); correct it, or put quotes around "
             "cells that hold the separator.")
            for line, what in wrong
        )  # fmt: skip
    yield from _whole(_named(table.frame, table.headers, source), path, asked)


def of_records(records: list[Record], path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    """Bring records to documents."""
    if not records:
        asked.notes.append(f"{path}: it holds no documents.")
        return
    yield from _whole(_frame(records, keys_of(records)), path, asked)


def of_json_lines(path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    """Read JSON lines in a stream: twice through the file, for what its stamps mean is told by all of them."""
    names: dict[str, None] = {}
    evidence = Evidence()
    left_out: list[tuple[str, str]] = []
    number, only = 0, list[Record]()  # a part that is the only one is kept, and not read again
    for number, records in enumerate(_parts(path, left_out), 1):
        only = records if number == 1 else []
        mine = keys_of(records)
        names.update(dict.fromkeys(mine))
        evidence.add(_frame(records, _dated(mine, asked)))
    if left_out and not names:
        raise Fault(left_out[0][1])
    asked.left_out.extend(left_out)
    if not names:
        asked.notes.append(f"{path}: it holds no documents.")
        return
    listed = list(names)

    def rows() -> pl.DataFrame:
        return _frame((only or next(_parts(path, [])))[:_FIRST], listed)

    picked = _pick(listed, asked, str(path), rows)
    when = _when(evidence, picked, listed, asked, path, rows)
    wanted = {*picked.names(), *_dated(listed, asked)}
    first = 1
    for records in [only] if number == 1 else _parts(path, []):
        yield _shape(_frame(records, wanted), picked, when, asked, first)
        first += len(records)


def _parts(path: Path, left_out: list[tuple[str, str]]) -> Iterator[list[Record]]:
    records: list[Record] = []
    with lines_of(path) as stream:
        for record, wrong in of_lines(stream, str(path)):
            if record is None:
                left_out.append(wrong)
                continue
            records.append(record)
            if len(records) >= BATCH_ROWS:
                yield records
                records = []
    if records:
        yield records


def _frame(records: list[Record], names: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [record.get(name) for record in records] for name in names}, schema=dict.fromkeys(names, pl.String)
    )


def _named(frame: pl.DataFrame, headers: Sequence[str], source: str) -> pl.DataFrame:
    """Name the columns by their headers; one that stands there twice may not be one that is used."""
    twice = {name for place, name in enumerate(headers) if name in headers[:place]}
    for name in twice:
        if pick([name], _NOTHING, source) is not None or any(when_columns([name], "", "")):
            raise Fault(f"{source} has two columns {name!r}; leave one of them out.")
    clean = {own: header.strip() for own, header in zip(frame.columns, headers, strict=True) if header not in twice}
    if len(set(clean.values())) < len(clean) or set(clean.values()) & set(frame.columns) - set(clean):
        return frame
    return frame.rename(clean)


_NOTHING: Final = Asked().columns


def _parquet(path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    try:
        table = pq.ParquetFile(path)
        names = table.schema_arrow.names

        def rows() -> pl.DataFrame:
            return _polars(next(table.iter_batches(_FIRST), pa.record_batch([pa.array([])] * len(names), names=names)))

        picked = _pick(names, asked, str(path), rows)
        dated, evidence = _dated(names, asked), Evidence()
        for batch in table.iter_batches(BATCH_ROWS, columns=dated) if dated else ():
            evidence.add(_polars(batch))
        when = _when(evidence, picked, names, asked, path, rows)
        first = 1
        for batch in table.iter_batches(BATCH_ROWS, columns=sorted({*picked.names(), *dated})):
            frame = _polars(batch)
            yield _shape(frame, picked, when, asked, first)
            first += frame.height
    except (OSError, ValueError) as error:
        if isinstance(error, Fault):
            raise
        raise Fault(
            f"documents {str(path)!r}: not a Parquet file that can be read ({first_line(error)}); write it again."
        ) from None


def _polars(batch: Any) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _whole(frame: pl.DataFrame, path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    """Bring a table that is in memory to documents."""
    names, evidence = frame.columns, Evidence()
    picked = _pick(names, asked, str(path), lambda: frame.head(_FIRST))
    evidence.add(frame.select(_dated(names, asked)))
    when = _when(evidence, picked, names, asked, path, lambda: frame.head(_FIRST))
    for start in range(0, frame.height, BATCH_ROWS):
        yield _shape(frame.slice(start, BATCH_ROWS), picked, when, asked, start + 1)


def _pick(names: Sequence[str], asked: Asked, source: str, rows: Callable[[], pl.DataFrame]) -> Picked:
    """Say which column holds what.

    Raises
    ------
    Fault
        None of them holds a text or a title, by its name.
    """
    picked = pick(names, asked.columns, source)
    if picked is None:
        longest = _longest(rows())
        listed = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        raise Fault(
            f'{source}: no column holds the text; its columns are {shown(listed, _WIDEST)}; name it in a columns file: text = "{longest or "..."}".'
        )
    return picked


def _longest(frame: pl.DataFrame) -> str:
    """Name the column with the longest texts, which may be the text."""
    texts = frame.head(_FIRST).select(pl.col(pl.String).str.len_chars().mean())
    lengths = {name: texts[name][0] or 0.0 for name in texts.columns}
    return max(lengths, key=lambda name: lengths[name], default="")


def _undated(frame: pl.DataFrame, picked: Picked) -> str:
    """Say that no column says when a row was published, and which one may."""
    rest = [name for name in frame.columns if name not in picked.names()]
    likely = next((name for name in rest if _holds_times(frame[name])), "...")
    return f'{NO_TIME} a columns file: published = "{likely}".'


def _holds_times(column: pl.Series) -> bool:
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        return True
    stamps = column.drop_nulls().head(_FEW).to_list() if column.dtype == pl.String else []
    return bool(stamps) and all(_APART.search(stamp) and written(stamp) is not None for stamp in stamps)


def _dated(names: Sequence[str], asked: Asked) -> list[str]:
    """Name the columns that may say when."""
    first, later = when_columns(names, asked.columns.published, asked.columns.modified)
    seen = asked.columns.seen
    return [*first, *later, *([seen] if seen in names and seen not in (*first, *later) else [])]


def _when(
    evidence: Evidence,
    picked: Picked,
    names: Sequence[str],
    asked: Asked,
    path: Path,
    rows: Callable[[], pl.DataFrame],
) -> When:
    """Decide what the columns of a table say of the time of each row, and tell which column holds what."""
    first, later = when_columns(names, asked.columns.published, asked.columns.modified)
    source = Source(str(path), asked.columns.zone or None, asked.dates)

    def texts() -> list[str]:
        frame = rows()
        return frame.select(_text(frame, picked.text[0]).fill_null("")).to_series().to_list()

    when = decide_when(evidence, first, later, source, texts)
    notes = when.notes
    if not when.published and not when.modified:
        notes = (*notes, _undated(rows(), picked))
    if picked.seen:
        seen = when.source.read(evidence.of(picked.seen), picked.seen)
        when = replace(when, decisions={picked.seen: seen.decision, **when.decisions})
        notes = (*notes, *seen.notes)
    asked.told[str(path)] = told(picked, when, names)
    asked.notes.extend(f"{path}: {note}" for note in notes)
    return when


def _shape(frame: pl.DataFrame, picked: Picked, when: When, asked: Asked, first: int) -> pl.DataFrame:
    """Bring a batch of rows to ``SCHEMA``."""
    title = _together(frame, picked.title, joined=True) if picked.title else None
    text = _together(frame, picked.text, joined=picked.joined, titles=title, notes=asked.notes, source=when.source.name)
    if title is not None:
        both = pl.DataFrame({"title": title, "text": text})
        headed = (pl.col("title") != "") & ~pl.col("text").str.starts_with(pl.col("title"))
        parted = pl.when(pl.col("text") == "").then(pl.lit("")).otherwise(pl.lit("\n"))
        text = both.select(
            pl.when(headed).then(pl.col("title") + parted + pl.col("text")).otherwise("text")
        ).to_series()
    number = pl.int_range(first, first + frame.height, dtype=pl.Int64).cast(pl.String)
    source = when.source.name
    doc_id = pl.lit(f"{Path(source).stem}#") + number
    if picked.doc_id:
        doc_id = pl.coalesce(_filled(frame, picked.doc_id), doc_id)
    zone = pl.lit(asked.columns.zone or None, pl.String)
    if picked.timezone:
        zone = pl.coalesce(_filled(frame, picked.timezone), zone)
    published, modified = when.of(frame)
    none = pl.lit(None, pl.String)
    return frame.select(
        doc_id=doc_id, text=text, published=published, modified=modified, timezone=zone, source=pl.lit(f"{source}, row ") + number,
        ticker=_filled(frame, picked.ticker) if picked.ticker else none,
        seen=when.texts(frame, picked.seen) if picked.seen else none,
        url=_filled(frame, picked.url) if picked.url else none,
        publisher=_filled(frame, picked.publisher) if picked.publisher else none,
    )  # fmt: skip


def _together(
    frame: pl.DataFrame,
    names: Sequence[str],
    *,
    joined: bool,
    titles: pl.Series | None = None,
    notes: list[str] | None = None,
    source: str = "",
) -> pl.Series:
    """Give the text of each row: of several columns all that say something new, or the first that says anything."""
    parts = [_bare(frame.select(_text(frame, name).fill_null("")).to_series()) for name in names]
    if titles is not None and notes is not None:
        parts = [_own(part, titles, notes, source) for part in parts]
    out = parts[0]
    for part in parts[1:]:
        both = pl.DataFrame({"out": out, "part": part})
        empty = pl.col("out").str.strip_chars() == ""
        more = pl.lit(False)
        if joined:
            more = (pl.col("part") != "") & ~pl.col("out").str.contains(pl.col("part"), literal=True)
        choice = pl.when(empty).then("part").when(more).then(pl.col("out") + "\n" + pl.col("part")).otherwise("out")
        out = both.select(choice).to_series()
    return out


def _own(text: pl.Series, titles: pl.Series, notes: list[str], source: str) -> pl.Series:
    """Leave out texts that stand under three titles or more: the banner of a site, not the article."""
    rows = pl.DataFrame({"text": text, "title": titles})
    under = pl.col("title").n_unique().over("text")
    banner = rows.select((under >= _TITLES) & (pl.col("text") != "") & (pl.col("text") != pl.col("title"))).to_series()
    if not banner.any():
        return text
    if (note := f"{source}: {_BANNERS}") not in notes:
        notes.append(note)
    return pl.select(pl.when(banner).then(pl.lit("")).otherwise(text)).to_series()


def _bare(text: pl.Series) -> pl.Series:
    """Take the tags out of cells that hold a page."""
    pages = text.str.contains(_PAGE)
    if not pages.any():
        return text
    places = pages.arg_true()
    return text.clone().scatter(places, [stripped(_unescaped(page)).strip() for page in text.gather(places)])


def _unescaped(page: str) -> str:
    return html.unescape(page) if "&lt;" in page else page


def _filled(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Give a column of names as texts, null where there is nothing but blanks."""
    text = _text(frame, name).str.strip_chars()
    return pl.when(text != "").then(text)


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Give a column as texts, whatever it holds."""
    column, dtype = pl.col(name), frame.schema[name]
    if isinstance(dtype, pl.Struct):
        return column.struct.json_encode()
    if isinstance(dtype, (pl.List, pl.Array)):
        inner = dtype.inner
        if isinstance(inner, pl.Struct):
            return pl.lit(None, pl.String)
        return column.cast(pl.List(pl.String)).list.drop_nulls().list.join(", ")
    if dtype == pl.Binary:
        return column.map_elements(decode, return_dtype=pl.String)
    return column.cast(pl.String)
