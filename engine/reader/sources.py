"""Documents in: files, folders, globs and tables of rows -> batches of documents, in a stream."""

from __future__ import annotations

import datetime as dt
import glob as globbing
import json
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq

from engine.faults import Fault
from engine.reader.decode import decode

TEXTS: Final = (".txt", ".md", ".html", ".htm")
TABLES: Final = (".json", ".jsonl", ".ndjson", ".csv", ".parquet")
BATCH_ROWS: Final = 20_000
BATCH_BYTES: Final = 24_000_000
SCHEMA: Final = {
    "doc_id": pl.String, "text": pl.String, "published": pl.String, "timezone": pl.String, "source": pl.String,
    "ticker": pl.String,
}  # fmt: skip
# What tables call their columns; a file given as `columns` says otherwise.
_USUAL: Final[dict[str, tuple[str, ...]]] = {
    "text": ("text", "body", "content", "article", "maintext", "full_text", "description", "message", "正文", "内容", "texte", "contenu"),
    "title": ("title", "headline", "标题", "titre", "subject"),
    "published": ("published", "published_at", "publish_date", "publication_date", "date", "datetime", "time", "timestamp", "created_at", "pubdate", "发布时间", "日期", "时间"),
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
    timezone: str = ""
    doc_id: str = ""
    ticker: str = ""  # whom a document is about
    zone: str = ""  # the time zone of every row, where no column has it


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
    return Columns(**given)


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """Read a TOML file, or raise a Fault that says what is wrong with it."""
    try:
        with Path(path).open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise Fault(f"{what} {str(path)!r}: cannot be read ({error.strerror}); give the path of a TOML file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault(f"{what} {str(path)!r}: not valid TOML ({error}); correct the line it names.") from None


def files(sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """List the files that sources name: files, folders (searched through), globs; sorted within each, none twice.

    Raises
    ------
    Fault
        A source does not exist, holds nothing that can be read, or has an ending that is not known.
    """
    given = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
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


def batches(paths: Sequence[Path], columns: Columns) -> Iterator[pl.DataFrame]:
    """Yield the documents of files in batches, with the columns of ``SCHEMA``; `published` is text, null where unknown."""
    rows: list[tuple[str, str, str | None, str | None, str, None]] = []
    size = 0
    for path in paths:
        ending = path.suffix.lower()
        if ending == ".parquet":
            yield from _parquet(path, columns)
        elif ending == ".csv":
            yield from _csv(path, columns)
        elif ending in (".jsonl", ".ndjson"):
            yield from _json_lines(path, columns)
        elif ending == ".json":
            yield from _json(path, columns)
        else:
            rows.append(_file(path))
            size += len(rows[-1][1])
            if size > BATCH_BYTES or len(rows) >= BATCH_ROWS:
                yield _frame(rows)
                rows, size = [], 0
    if rows:
        yield _frame(rows)


def _frame(rows: list[tuple[str, str, str | None, str | None, str, None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _file(path: Path) -> tuple[str, str, str | None, str | None, str, None]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Fault(f"document {str(path)!r}: cannot be read ({error.strerror}); check the file.") from None
    text, published = decode(raw), None
    if path.suffix.lower() in (".html", ".htm"):
        from engine.reader.pages import main_text  # noqa: PLC0415  (trafilatura takes a second to import)

        text, published = main_text(text)
    text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot live in a column
    return path.stem, text, published, None, str(path), None


# ------------------------------------------------------------------------------------------------------- tables


def _pick(names: Sequence[str], columns: Columns, source: str) -> dict[str, str]:
    """Say which column holds what: by the user's mapping, else by its usual name."""
    out: dict[str, str] = {}
    by_lower = {name.lower(): name for name in names}
    for role, usual in _USUAL.items():
        wanted = getattr(columns, role)
        if wanted and wanted not in names:
            close = get_close_matches(wanted, names, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise Fault(
                f"{source}: there is no column {wanted!r} for {role}{meant}; its columns are {', '.join(names)}."
            )
        found = wanted or next((by_lower[name] for name in usual if name in by_lower), "")
        if found:
            out[role] = found
    if "text" not in out:
        raise Fault(
            f'{source}: no column holds the text; its columns are {", ".join(names)}; name it in a columns file: text = "...".'
        )
    return out


def _shape(frame: pl.DataFrame, picked: dict[str, str], columns: Columns, source: str, first: int) -> pl.DataFrame:
    """Bring a batch of rows to ``SCHEMA``."""
    text = pl.col(picked["text"]).cast(pl.String).fill_null("")
    if "title" in picked:
        title = pl.col(picked["title"]).cast(pl.String).fill_null("")
        text = pl.when((title != "") & ~text.str.starts_with(title)).then(title + "\n" + text).otherwise(text)
    number = pl.int_range(first, first + frame.height, dtype=pl.Int64).cast(pl.String)
    stem = Path(source).stem
    doc_id = pl.lit(f"{stem}#") + number
    if "doc_id" in picked:
        doc_id = pl.coalesce(pl.col(picked["doc_id"]).cast(pl.String), doc_id)
    zone = pl.lit(columns.zone or None, pl.String)
    if "timezone" in picked:
        zone = pl.coalesce(pl.col(picked["timezone"]).cast(pl.String), zone)
    return frame.select(
        doc_id=doc_id, text=text, published=_published(frame, picked), timezone=zone, source=pl.lit(f"{source}, row ") + number,
        ticker=pl.col(picked["ticker"]).cast(pl.String) if "ticker" in picked else pl.lit(None, pl.String),
    )  # fmt: skip


def _published(frame: pl.DataFrame, picked: dict[str, str]) -> pl.Expr:
    if "published" not in picked:
        return pl.lit(None, pl.String)
    name = picked["published"]
    dtype = frame.schema[name]
    if isinstance(dtype, pl.Datetime):
        offset = "%:z" if dtype.time_zone else ""
        return pl.col(name).dt.to_string(f"%Y-%m-%d %H:%M:%S{offset}")
    if dtype == pl.Date:
        return pl.col(name).dt.to_string("%Y-%m-%d")
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text == "").then(None).otherwise(text)


def _parquet(path: Path, columns: Columns) -> Iterator[pl.DataFrame]:
    try:
        table = pq.ParquetFile(path)
        picked = _pick(table.schema_arrow.names, columns, str(path))
        first = 1
        for batch in table.iter_batches(BATCH_ROWS, columns=sorted(set(picked.values()))):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield _shape(frame, picked, columns, str(path), first)
            first += frame.height
    except (OSError, ValueError) as error:
        if isinstance(error, Fault):
            raise
        raise Fault(
            f"documents {str(path)!r}: not a Parquet file that can be read ({_first_line(error)}); write it again."
        ) from None


def _csv(path: Path, columns: Columns) -> Iterator[pl.DataFrame]:
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
    yield from _slices(frame, path, columns)


def _slices(frame: pl.DataFrame, path: Path, columns: Columns) -> Iterator[pl.DataFrame]:
    picked = _pick(frame.columns, columns, str(path))
    for start in range(0, frame.height, BATCH_ROWS):
        yield _shape(frame.slice(start, BATCH_ROWS), picked, columns, str(path), start + 1)


def _json_lines(path: Path, columns: Columns) -> Iterator[pl.DataFrame]:
    picked: dict[str, str] = {}
    rows: list[dict[str, str | None]] = []
    first = 1
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            rows.append(_record(decode(line), f"{path}, line {number}"))
            if len(rows) >= BATCH_ROWS:
                picked = picked or _pick(_keys(rows), columns, str(path))
                yield _shape(_from_records(rows, picked), picked, columns, str(path), first)
                first, rows = first + len(rows), []
    if rows:
        picked = picked or _pick(_keys(rows), columns, str(path))
        yield _shape(_from_records(rows, picked), picked, columns, str(path), first)


def _json(path: Path, columns: Columns) -> Iterator[pl.DataFrame]:
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
    picked = _pick(_keys(rows), columns, str(path))
    yield from _slices(_from_records(rows, picked), path, columns)


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


def _from_records(rows: list[dict[str, str | None]], picked: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in set(picked.values())},
        schema_overrides={n: pl.String for n in picked.values()},
    )


def _first_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error).strip().partition("\n")[0])[:200]


def parse_day(value: object) -> dt.date | dt.datetime | None:
    """Give back a TOML date or time, or parse an ISO text; None where it is neither."""
    if isinstance(value, (dt.datetime, dt.date)):
        return value
    if not isinstance(value, str):
        return None
    try:
        return dt.date.fromisoformat(value) if len(value) == 10 else dt.datetime.fromisoformat(value)
    except ValueError:
        return None
