"""Documents in: files, folders, globs and tables of rows -> batches of documents, in a stream."""

from __future__ import annotations

import glob as globbing
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq

from engine.faults import Fault
from engine.reader.decode import decode
from engine.reader.metadata import Times, front_matter_times, page_times
from engine.reader.when import Evidence, Source, When, candidates, decide_when
from engine.tables.frames import described
from engine.tables.spelling import Order
from engine.tables.zones import check_zone
from engine.toml import read_toml

TEXTS: Final = (".txt", ".md", ".html", ".htm")
TABLES: Final = (".json", ".jsonl", ".ndjson", ".csv", ".parquet")
BATCH_ROWS: Final = 20_000
BATCH_BYTES: Final = 24_000_000
SCHEMA: Final[dict[str, Any]] = {
    "doc_id": pl.String, "text": pl.String, "published": pl.String, "modified": pl.List(pl.String), "timezone": pl.String, "source": pl.String,
    "ticker": pl.String,
}  # fmt: skip
# What tables call their columns; a file given as `columns` says otherwise.
_USUAL: Final[dict[str, tuple[str, ...]]] = {
    "text": ("text", "body", "content", "article", "maintext", "full_text", "description", "message", "正文", "内容", "texte", "contenu"),
    "title": ("title", "headline", "标题", "titre", "subject"),
    "timezone": ("timezone", "tz", "time_zone"),
    "ticker": ("ticker", "symbol", "tickers", "symbols", "stock", "stock_symbol", "stock_code", "代码", "股票代码", "证券代码"),
    "doc_id": ("doc_id", "id", "document_id", "uuid", "url", "link", "guid"),
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """Which columns of a table hold what; an empty name means that there is none."""

    text: str = ""
    title: str = ""
    published: str = ""
    modified: str = ""
    timezone: str = ""
    doc_id: str = ""
    ticker: str = ""  # whom a document is about
    zone: str = ""  # the time zone of every row, where no column has it


@dataclass(frozen=True)
class Asked:
    """What the user says of tables, and where to write what was taken for granted."""

    columns: Columns
    dates: Order | None
    notes: list[str]


#: doc_id, text, published, modified, timezone, source, ticker
Row = tuple[str, str, str | None, list[str], str | None, str, None]


def columns_from(source: str | Path | dict[str, str] | Columns | None) -> Columns:
    """Read a mapping of columns from a small TOML file: ``text = "body"``, ``published = "date"``, ``zone = "Asia/Shanghai"``.

    Raises
    ------
    Fault
        The file cannot be read, or names something that no column can be for.
    """
    if source is None or isinstance(source, Columns):
        return source or Columns()
    given: dict[str, Any]
    if isinstance(source, dict):
        given, name = dict(source), "columns"
    else:
        name = f"columns {source}"
        given = read_toml(source, "columns")
        inner = given.get("columns", given)
        given = inner if isinstance(inner, dict) else given
    allowed = list(Columns.__dataclass_fields__)
    for key, value in given.items():
        if key not in allowed:
            close = get_close_matches(key, allowed, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise Fault(
                f"{name}: {key!r} is nothing that a column can be for{meant}; allowed are {', '.join(allowed)}."
            )
        if not isinstance(value, str):
            raise Fault(f"{name}: {key}={value!r} is no column's name; write it in quotes.")
    check_zone(given.get("zone") or None, f"{name}: zone")
    return Columns(**given)


def files(sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """List the files that sources name: files, folders (searched through), globs; sorted within each, none twice.

    Raises
    ------
    Fault
        A source does not exist, holds nothing that can be read, or has an ending that is not known.
    """
    given = [sources] if isinstance(sources, (str, os.PathLike)) else sources
    if isinstance(given, Iterable) and not isinstance(given, Mapping) and not hasattr(given, "columns"):
        given = list(given)
    if not isinstance(given, list) or not all(isinstance(source, (str, os.PathLike)) for source in given):
        raise Fault(
            f"documents must be a file, a folder, a glob, or a list of them (got {described(sources)}); give one."
        )
    if not given:
        raise Fault("documents: none were given; name files, folders or globs.")
    out: dict[Path, None] = {}
    allowed = (*TEXTS, *TABLES)
    for source in given:
        path = Path(source)
        if path.is_file():
            if path.suffix.lower() not in allowed:
                raise Fault(
                    f"documents {str(source)!r}: {path.suffix!r} cannot be read; allowed are {', '.join(allowed)}."
                )
            out[path] = None
            continue
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in allowed)
        elif any(char in str(source) for char in "*?["):
            found = sorted(Path(p) for p in globbing.glob(str(source), recursive=True))
            found = [p for p in found if p.is_file() and p.suffix.lower() in allowed]
        else:
            raise Fault(f"documents {str(source)!r}: there is no such file or folder; correct the path.")
        if not found:
            raise Fault(f"documents {str(source)!r}: nothing there can be read; allowed are {', '.join(allowed)}.")
        out.update(dict.fromkeys(found))
    return list(out)


def batches(
    paths: Sequence[Path], columns: Columns, dates: Order | None = None, notes: list[str] | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the documents of files in batches.

    Parameters
    ----------
    dates
        How dates such as 01/02/2025 are read, where the column of a table leaves it open.
    notes
        Where to write what was taken for granted of each table.

    Yields
    ------
    polars.DataFrame
        With the columns of ``SCHEMA``. `published` and `modified` are texts of one stamp each, decided by their whole column.
    """
    asked = Asked(columns, dates, [] if notes is None else notes)
    rows: list[Row] = []
    size = 0
    for path in paths:
        ending = path.suffix.lower()
        if ending == ".parquet":
            yield from _parquet(path, asked)
        elif ending == ".csv":
            yield from _csv(path, asked)
        elif ending in (".jsonl", ".ndjson"):
            yield from _json_lines(path, asked)
        elif ending == ".json":
            yield from _json(path, asked)
        else:
            rows.append(_file(path))
            size += len(rows[-1][1])
            if size > BATCH_BYTES or len(rows) >= BATCH_ROWS:
                yield _frame(rows)
                rows, size = [], 0
    if rows:
        yield _frame(rows)


def _frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _file(path: Path) -> Row:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Fault(f"document {str(path)!r}: cannot be read ({error.strerror}); check the file.") from None
    text, times = decode(raw), Times(None, ())
    if path.suffix.lower() in (".html", ".htm"):
        from engine.reader.pages import main_text  # noqa: PLC0415  (trafilatura takes a second to import)

        times, text = page_times(text), main_text(text)
    elif path.suffix.lower() == ".md":
        times = front_matter_times(text)
    text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot live in a column
    return path.stem, text, times.published, list(times.modified), None, str(path), None


# ------------------------------------------------------------------------------------------------------- tables


def _pick(names: Sequence[str], columns: Columns, source: str) -> dict[str, str]:
    """Say which column holds what: by the user's mapping, else by its usual name. Those that say when are told apart later."""
    out: dict[str, str] = {}
    by_lower = {name.lower(): name for name in names}
    for role in (*_USUAL, "published", "modified"):
        wanted = getattr(columns, role)
        if wanted and wanted not in names:
            close = get_close_matches(wanted, names, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise Fault(
                f"{source}: there is no column {wanted!r} for {role}{meant}; its columns are {', '.join(names)}."
            )
        found = wanted or next((by_lower[name] for name in _USUAL.get(role, ()) if name in by_lower), "")
        if found:
            out[role] = found
    if "text" not in out:
        raise Fault(
            f'{source}: no column holds the text; its columns are {", ".join(names)}; name it in a columns file: text = "...".'
        )
    return out


def _dated(names: Sequence[str], columns: Columns) -> list[str]:
    """Name the columns that may say when."""
    first, later = candidates(names, columns.published, columns.modified)
    return [*first, *later]


def _when(
    evidence: Evidence, names: Sequence[str], asked: Asked, path: Path, texts: Callable[[], Sequence[str]]
) -> When:
    """Decide what the columns of a table say of the time of each row."""
    first, later = candidates(names, asked.columns.published, asked.columns.modified)
    source = Source(str(path), asked.columns.zone or None, asked.dates)
    when = decide_when(evidence, first, later, source, texts)
    asked.notes.extend(f"{path}: {note}" for note in when.notes)
    return when


def _shape(frame: pl.DataFrame, picked: dict[str, str], when: When, asked: Asked, first: int) -> pl.DataFrame:
    """Bring a batch of rows to ``SCHEMA``."""
    text = pl.col(picked["text"]).cast(pl.String).fill_null("")
    if "title" in picked:
        title = pl.col(picked["title"]).cast(pl.String).fill_null("")
        text = pl.when((title != "") & ~text.str.starts_with(title)).then(title + "\n" + text).otherwise(text)
    number = pl.int_range(first, first + frame.height, dtype=pl.Int64).cast(pl.String)
    source = when.source.name
    doc_id = pl.lit(f"{Path(source).stem}#") + number
    if "doc_id" in picked:
        doc_id = pl.coalesce(pl.col(picked["doc_id"]).cast(pl.String), doc_id)
    zone = pl.lit(asked.columns.zone or None, pl.String)
    if "timezone" in picked:
        zone = pl.coalesce(pl.col(picked["timezone"]).cast(pl.String), zone)
    published, modified = when.of(frame)
    return frame.select(
        doc_id=doc_id, text=text, published=published, modified=modified, timezone=zone, source=pl.lit(f"{source}, row ") + number,
        ticker=pl.col(picked["ticker"]).cast(pl.String) if "ticker" in picked else pl.lit(None, pl.String),
    )  # fmt: skip


def _parquet(path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    try:
        table = pq.ParquetFile(path)
        names = table.schema_arrow.names
        picked, dated, evidence = _pick(names, asked.columns, str(path)), _dated(names, asked.columns), Evidence()
        for batch in table.iter_batches(BATCH_ROWS, columns=dated) if dated else ():
            evidence.add(_polars(batch))
        when = _when(evidence, names, asked, path, lambda: _first_texts(table, picked["text"]))
        first = 1
        for batch in table.iter_batches(BATCH_ROWS, columns=sorted({*picked.values(), *dated})):
            frame = _polars(batch)
            yield _shape(frame, picked, when, asked, first)
            first += frame.height
    except (OSError, ValueError) as error:
        if isinstance(error, Fault):
            raise
        raise Fault(
            f"documents {str(path)!r}: not a Parquet file that can be read ({_first_line(error)}); write it again."
        ) from None


def _polars(batch: Any) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _first_texts(table: Any, name: str) -> list[str]:
    frame = _polars(next(table.iter_batches(BATCH_ROWS, columns=[name])))
    return frame[name].cast(pl.String).head(100).to_list()


def _csv(path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    raw = path.read_bytes()
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raw = decode(raw).encode()
    try:
        frame = pl.read_csv(raw, infer_schema=False, truncate_ragged_lines=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Fault(
            f"documents {str(path)!r}: not a table that can be read ({_first_line(error)}); check its quotes and commas."
        ) from None
    yield from _slices(frame, path, asked)


def _slices(frame: pl.DataFrame, path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    picked, evidence = _pick(frame.columns, asked.columns, str(path)), Evidence()
    evidence.add(frame.select(_dated(frame.columns, asked.columns)))
    when = _when(evidence, frame.columns, asked, path, lambda: frame[picked["text"]].head(100).to_list())
    for start in range(0, frame.height, BATCH_ROWS):
        yield _shape(frame.slice(start, BATCH_ROWS), picked, when, asked, start + 1)


def _json_lines(path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    # Twice through the file: what its stamps mean is told by all of them.
    names: dict[str, None] = {}
    evidence = Evidence()
    for rows in _records(path):
        names.update(dict.fromkeys(_keys(rows)))
        evidence.add(_from_records(rows, _dated(_keys(rows), asked.columns)))
    if not names:
        return
    picked = _pick(list(names), asked.columns, str(path))
    wanted = {*picked.values(), *_dated(list(names), asked.columns)}
    when = _when(
        evidence, list(names), asked, path, lambda: [row.get(picked["text"]) or "" for row in next(_records(path))]
    )
    first = 1
    for rows in _records(path):
        yield _shape(_from_records(rows, wanted), picked, when, asked, first)
        first += len(rows)


def _records(path: Path) -> Iterator[list[dict[str, str | None]]]:
    rows: list[dict[str, str | None]] = []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            rows.append(_record(decode(line), f"{path}, line {number}"))
            if len(rows) >= BATCH_ROWS:
                yield rows
                rows = []
    if rows:
        yield rows


def _json(path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    try:
        data = json.loads(decode(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise Fault(f"documents {str(path)!r}: not valid JSON ({_first_line(error)}); correct it.") from None
    if isinstance(data, dict):
        inner = next(
            (value for value in data.values() if isinstance(value, list) and value and isinstance(value[0], dict)), None
        )
        data = inner if inner is not None and not any(key.lower() in _USUAL["text"] for key in data) else [data]
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise Fault(
            f"documents {str(path)!r}: holds {type(data).__name__}, but must hold an object or a list of objects; convert it."
        )
    rows = [{str(key): _text(value) for key, value in item.items()} for item in data]
    if not rows:
        return
    yield from _slices(_from_records(rows, _keys(rows)), path, asked)


def _record(line: str, source: str) -> dict[str, str | None]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Fault(f"documents {source}: not valid JSON ({_first_line(error)}); correct or remove the line.") from None
    if not isinstance(data, dict):
        raise Fault(
            f"documents {source}: holds {type(data).__name__}, but must hold an object; correct or remove the line."
        )
    return {str(key): _text(value) for key, value in data.items()}


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode("utf-8")


def _keys(rows: list[dict[str, str | None]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def _from_records(rows: list[dict[str, str | None]], names: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in names}, schema=dict.fromkeys(names, pl.String)
    )


def _first_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error).strip().partition("\n")[0])[:200]
