"""Documents in: files, folders, globs and tables of rows -> batches of documents, in a stream."""

from __future__ import annotations

import glob as globbing
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from engine.faults import Fault
from engine.reader.asked import Asked
from engine.reader.columns import Columns, NoColumn
from engine.reader.decode import decode
from engine.reader.feeds import of_feed
from engine.reader.metadata import Times, front_matter_times, page_times
from engine.reader.records import of_json
from engine.reader.rows import BATCH_ROWS, SCHEMA, of_json_lines, of_records, of_table
from engine.tables.files import unpack
from engine.tables.formats import head_of
from engine.tables.frames import described
from engine.tables.order import OpenDates
from engine.tables.spelling import Order

PAGES: Final = (".txt", ".md", ".html", ".htm")
FEEDS: Final = (".xml", ".rss", ".atom")
JSON: Final = (".json", ".jsonl", ".ndjson")
TABLES: Final = (".csv", ".tsv", ".parquet", ".arrow", ".feather", ".xlsx")
ENDINGS: Final = (*PAGES, *FEEDS, *JSON, *TABLES)
BATCH_BYTES: Final = 24_000_000
_PACKED: Final = ".gz"
_PASSING: Final = ("._", "~$", ".~lock")  # what systems and office programs lay beside files
_ALLOWED: Final = f"{', '.join(ENDINGS)}, and each packed as {_PACKED}"

#: doc_id, text, published, modified, timezone, source, ticker, seen, url, publisher
Row = tuple[str, str, str | None, list[str], str | None, str, None, None, None, None]


def ending(path: Path) -> str:
    """Give the ending that says what a file is, in lower case: ".csv" of news.CSV.gz.

    Examples
    --------
    >>> ending(Path("news.CSV.gz")), ending(Path("a.b.jsonl"))
    ('.csv', '.jsonl')
    """
    name = Path(path.name.lower().removesuffix(_PACKED))
    return name.suffix


def files(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], notes: list[str] | None = None
) -> list[Path]:
    """List the files that sources name: files, folders (searched through), globs; sorted within each, none twice.

    Parameters
    ----------
    notes
        Where to write how many files of other kinds a folder holds.

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
    for source in given:
        path = Path(source)
        if path.is_file():
            if ending(path) not in ENDINGS:
                raise Fault(f"documents {str(source)!r}: {path.suffix!r} cannot be read; allowed are {_ALLOWED}.")
            out[path] = None
            continue
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file())
        elif any(char in str(source) for char in "*?["):
            found = sorted(p for p in map(Path, globbing.glob(str(source), recursive=True)) if p.is_file())
        else:
            raise Fault(f"documents {str(source)!r}: there is no such file or folder; correct the path.")
        found = [p for p in found if not p.name.startswith(_PASSING)]
        known = [p for p in found if ending(p) in ENDINGS]
        if not known:
            raise Fault(f"documents {str(source)!r}: nothing there can be read; allowed are {_ALLOWED}.")
        if notes is not None and len(known) < len(found):
            notes.append(_others(str(source), [p for p in found if ending(p) not in ENDINGS]))
        out.update(dict.fromkeys(known))
    return list(out)


def _others(source: str, paths: list[Path]) -> str:
    kinds = Counter(ending(path) or "none" for path in paths)
    listed = ", ".join(kind for kind, _ in kinds.most_common(5))
    files_ = f"{len(paths):,} file{'s' if len(paths) > 1 else ''}"
    return f"{source}: {files_} with other endings left out ({listed})."


def batches(
    paths: Sequence[Path],
    columns: Columns,
    dates: Order | None = None,
    notes: list[str] | None = None,
    left_out: list[tuple[str, str]] | None = None,
    told: dict[str, str] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield the documents of files in batches.

    Parameters
    ----------
    dates
        How dates such as 01/02/2025 are read, where the column of a table leaves it open.
    notes
        Where to write what was taken for granted of each table.
    left_out
        Where to write (source, reason) of each row, and of each of several files, that cannot be read.
    told
        Where to write which columns of each table hold what.

    Yields
    ------
    polars.DataFrame
        With the columns of ``SCHEMA``. `published`, `modified` and `seen` are texts of one stamp each, decided by their whole column.

    Raises
    ------
    Fault
        No file can be read; or the user's own settings do not fit one.
    """
    lists = ([] if notes is None else notes, [] if left_out is None else left_out, {} if told is None else told)
    asked = Asked(columns, dates, *lists)
    faults: list[Fault] = []
    pages: list[Row] = []
    size = 0
    for path in paths:
        try:
            if ending(path) in PAGES:
                pages.append(_page(path))
                size += len(pages[-1][1])
            else:
                yield from _table(path, asked)
        except (OpenDates, NoColumn):
            raise
        except Fault as fault:
            faults.append(fault)
            asked.left_out.append((str(path), str(fault)))
        if size > BATCH_BYTES or len(pages) >= BATCH_ROWS:
            yield pl.DataFrame(pages, schema=SCHEMA, orient="row")
            pages, size = [], 0
    if len(faults) == len(paths):
        raise faults[0]
    if pages:
        yield pl.DataFrame(pages, schema=SCHEMA, orient="row")


def _table(path: Path, asked: Asked) -> Iterator[pl.DataFrame]:
    """Yield the documents of a file that holds many."""
    kind = ending(path)
    try:
        if kind in TABLES:
            yield from of_table(path, asked)
        elif kind in (".jsonl", ".ndjson") and not _is_list(path):
            yield from of_json_lines(path, asked)
        else:
            records, wrong = of_feed(path) if kind in FEEDS else of_json(path)
            asked.left_out.extend(wrong)
            yield from of_records(records, path, asked)
    except OSError as error:
        raise Fault(f"documents {str(path)!r}: cannot be read ({error.strerror}); check the file.") from None


def _is_list(path: Path) -> bool:
    """Tell one JSON list that is called lines: its first line does not end it."""
    first = head_of(path).lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0].strip()
    return first.startswith(b"[") and (not first.endswith(b"]") or first.startswith(b"[{"))


def _page(path: Path) -> Row:
    try:
        raw = unpack(path, str(path)) if path.name.lower().endswith(_PACKED) else path.read_bytes()
    except OSError as error:
        raise Fault(f"document {str(path)!r}: cannot be read ({error.strerror}); check the file.") from None
    text, times = decode(raw), Times(None, ())
    if ending(path) in (".html", ".htm"):
        from engine.reader.pages import main_text  # noqa: PLC0415  (trafilatura takes a second to import)

        times, text = page_times(text), main_text(text)
    elif ending(path) == ".md":
        times = front_matter_times(text)
    text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot live in a column
    return _stem(path), text, times.published, list(times.modified), None, str(path), None, None, None, None


def _stem(path: Path) -> str:
    packed = path.name.lower().endswith(_PACKED)
    return Path(path.stem).stem if packed else path.stem
