"""Read many documents: in batches, past the prefilter, through the grammar, with repeats of one story joined."""

from __future__ import annotations

import datetime as dt
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from engine.clock import parse_delay
from engine.event_table import OPTIONAL, out_of_bounds
from engine.events import SCHEMA, Events
from engine.faults import Fault, note
from engine.number import share
from engine.reader.classified import read_classified, with_classifier
from engine.reader.classifier import Classifier
from engine.reader.document import Document, Found, read
from engine.reader.duplicates import Stories
from engine.reader.lexicon import Lexicon, load
from engine.reader.names.table import NameTable
from engine.reader.prefilter import Prefilter
from engine.reader.sidecar import Sidecar
from engine.reader.sources import Columns, batches, columns_from, files
from engine.tables.order import check_dates
from engine.tables.spelling import Order

Sources = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
#: The name of our own reader.
OWN: Final = "lexicon"
#: The name of a reader, a classifier, or a function that gives events.
AnyReader = str | Classifier | Callable[..., Any]
REFUSED: Final = {"doc_id": pl.String, "source": pl.String, "reason": pl.String}
LEFT_OUT: Final = {"event_id": pl.String, "doc_id": pl.String, "reason": pl.String}


@dataclass(frozen=True, eq=False)
class Reading:
    """What a reading gave.

    Attributes
    ----------
    events
        The events table.
    sources
        One row for each document that tells of an event: event_id, doc_id, source, published_at. A wire on ten sites is one
        event with ten sources.
    refused
        The documents that make claims but state no publication time: doc_id, source, reason. They gave no events.
    counts
        documents, characters, kept (past the prefilter), with_events, repeated, refused, left_out, unsure (below min_confidence).
    left_out
        The events that no table of events may hold (an error of ours, or of a lexicon): event_id, doc_id, reason.
    notes
        What was taken for granted of the times of each table, and what to know of the table of names, a sentence each.
    """

    events: Events
    sources: pl.DataFrame
    refused: pl.DataFrame
    counts: dict[str, int] = field(default_factory=dict)
    left_out: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEFT_OUT))
    notes: tuple[str, ...] = ()


def read_sources(
    sources: Sources,
    *,
    sidecar: str | Path | None = None,
    lexicon: Sequence[str | Path] | str | Path = (),
    names: NameTable | None = None,
    columns: str | Path | dict[str, str] | Columns | None = None,
    delay: dt.timedelta | str = dt.timedelta(0),
    dates: Order | None = None,
    progress: bool | Callable[[int, int], None] = False,
    reader: AnyReader = OWN,
    min_confidence: float = 0.0,
) -> Reading:
    """Read documents and say what was found, from where, and what was refused.

    Parameters are those of `read_documents`.
    """
    from engine.reader import plugins  # noqa: PLC0415 - readers of others know this module

    least = share(min_confidence, "min_confidence")
    found = plugins.find(reader)
    if not isinstance(found, Classifier) and found is not read_documents:
        given = {
            "sidecar": sidecar, "lexicon": lexicon, "names": names, "columns": columns, "delay": delay, "dates": dates, "progress": progress,
        }  # fmt: skip
        return _with_novelty(_kept_sure(plugins.read_by(found, reader, sources, given), least))
    paths = files(sources)
    words = load([lexicon] if isinstance(lexicon, (str, Path)) else lexicon, names)
    notes = Sidecar.read(sidecar)
    check_dates(dates)
    classifier = found if isinstance(found, Classifier) else None
    reading = _run(paths, words, notes, columns_from(columns), parse_delay(delay), dates, progress, classifier)
    return _with_novelty(_kept_sure(reading, least))


def read_documents(
    sources: Sources,
    *,
    sidecar: str | Path | None = None,
    lexicon: Sequence[str | Path] | str | Path = (),
    names: NameTable | None = None,
    columns: str | Path | dict[str, str] | Columns | None = None,
    delay: dt.timedelta | str = dt.timedelta(0),
    dates: Order | None = None,
    progress: bool | Callable[[int, int], None] = False,
    reader: AnyReader = OWN,
    min_confidence: float = 0.0,
) -> Events:
    """Read documents in French, English, simplified or traditional Chinese and give the events found in them.

    Parameters
    ----------
    sources
        Files (.txt .md .html .json .jsonl .csv .parquet), folders or globs; one or several.
    sidecar
        TOML file with what pages lack: date, time zone, and the reason why they are believed; see `Sidecar.read`.
    lexicon
        TOML files that add to the reader's words or override them; see `engine.reader.lexicon.load`.
    names
        A table of names of companies, added to the one that comes with the package and stronger than it: a CSV or Parquet file, a
        frame, or a dict of columns, with ``ticker`` and ``name``; see `engine.reader.names.table.read_names`.
    columns
        TOML file (or a dict) that says which column of a table holds what; usual names are found without it.
    delay
        Time from publication to knowledge, such as "15m".
    dates
        "mdy", "dmy" or "ymd": how dates such as 01/02/2025 are read, where a table's column leaves it open.
    progress
        True draws a bar on standard error; a function is called with (documents read, bytes read).
    reader
        Who says what the documents claim: "lexicon", the name of another one that is installed, a
        `engine.reader.Classifier`, or a function of the form that docs/readers.md tells.
    min_confidence
        Leave out the events of which the reader is less sure, 0 to 1.

    Raises
    ------
    Fault
        A file cannot be read; or no document that makes claims states when it was published. Where only some do not, they
        are left out, which a warning of the class `engine.faults.Note` tells, and `read_sources` lists them.
    """
    reading = read_sources(
        sources,
        sidecar=sidecar,
        lexicon=lexicon,
        names=names,
        columns=columns,
        delay=delay,
        dates=dates,
        progress=progress,
        reader=reader,
        min_confidence=min_confidence,
    )
    if reading.refused.height and not len(reading.events) and not reading.counts["unsure"]:
        first = reading.refused.row(0, named=True)
        more = f" (and {reading.refused.height - 1} more)" if reading.refused.height > 1 else ""
        raise Fault(f"{first['reason']}{more}")
    for sentence in _left_out(reading):
        note(sentence)
    return reading.events


def _left_out(reading: Reading) -> Iterator[str]:
    """Say what a reading gave no events of, and why."""
    refused, left_out = reading.refused, reading.left_out
    if refused.height:
        yield (
            f"{_counted(refused.height, 'document')} of {reading.counts['documents']:,} left out for want of a publication time "
            f"({_first(refused['source'])}). The first: {refused['reason'][0]}"
        )
    if left_out.height:
        yield (
            f"{_counted(left_out.height, 'event')} left out, which no table of events may hold, of {_first(left_out['doc_id'])}. "
            f"The first: {left_out['reason'][0]}"
        )
    if unsure := reading.counts.get("unsure", 0):
        yield f"{_counted(unsure, 'event')} left out that the reader is less sure of than min_confidence."


def _kept_sure(reading: Reading, least: float) -> Reading:
    """Leave out the events of which the reader is less sure, and count them."""
    events = reading.events.select(min_confidence=least)
    kept = (
        reading.sources.filter(pl.col("event_id").is_in(events.frame["event_id"].to_list()))
        if least
        else reading.sources
    )
    return replace(
        reading, events=events, sources=kept, counts=reading.counts | {"unsure": len(reading.events) - len(events)}
    )


def _with_novelty(reading: Reading) -> Reading:
    """Fill in how new each event is, unless a reader says so itself."""
    unsaid = bool((reading.events.frame["novelty"] == OPTIONAL["novelty"]).all())
    return replace(reading, events=reading.events.with_novelty()) if unsaid else reading


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' if count > 1 else ''}"


def _first(names: pl.Series) -> str:
    shown = ", ".join(names.head(3))
    return f"{shown} and {names.len() - 3:,} more" if names.len() > 3 else shown


def _run(
    paths: list[Path],
    lexicon: Lexicon,
    notes: Sidecar,
    columns: Columns,
    delay: dt.timedelta,
    dates: Order | None,
    progress: bool | Callable[[int, int], None],
    classifier: Classifier | None = None,
) -> Reading:
    stories = Stories()
    lexicon = with_classifier(lexicon, classifier) if classifier else lexicon
    prefilter = Prefilter(lexicon, any_words=classifier is not None)
    refused: list[tuple[str, str, str]] = []
    said: list[str] = []
    counts = dict.fromkeys(("documents", "characters", "kept", "with_events"), 0)
    with _Bar(progress) as advance:
        for batch in batches(paths, columns, dates, said):
            counts["documents"] += batch.height
            size = int(batch["text"].str.len_bytes().sum())
            counts["characters"] += size
            kept = prefilter.keep(batch)
            counts["kept"] += kept.height
            fresh = (document for document in _documents(kept, notes) if not stories.is_copy(document))
            for document, found in read_all(fresh, lexicon, delay, dates, classifier):
                if isinstance(found, Fault):
                    refused.append((document.doc_id, document.source, str(found)))
                    stories.forget(document)
                    continue
                counts["with_events"] += bool(found)
                stories.add(document, found)
            gc.freeze()  # the rows kept so far are not looked through again and again: a tenth of the time
            advance(batch.height, size)
    gc.unfreeze()
    rows, told = stories.settle()
    events, left_out = _table(rows, lexicon)
    counts |= {"repeated": stories.repeated, "refused": len(refused), "left_out": left_out.height}
    kept = _sources(told).filter(~pl.col("event_id").is_in(left_out["event_id"].to_list()))
    missing = pl.DataFrame(refused, schema=pl.Schema(REFUSED), orient="row")
    return Reading(events, kept, missing, counts, left_out, (*lexicon.notes, *said))


def _documents(batch: pl.DataFrame, notes: Sidecar) -> Iterator[Document]:
    for row in batch.iter_rows(named=True):
        yield document_of(row, notes)


def read_all(
    documents: Iterator[Document],
    lexicon: Lexicon,
    delay: dt.timedelta,
    dates: Order | None,
    classifier: Classifier | None,
) -> Iterator[tuple[Document, list[Found] | Fault]]:
    """Read documents, by a classifier if there is one; a document without a date comes with its Fault."""
    if classifier is not None:
        yield from read_classified(documents, lexicon, classifier, delay, dates)
        return
    for document in documents:
        found: list[Found] | Fault
        try:
            found = read(document, lexicon, delay, dates)
        except Fault as fault:
            found = fault
        yield document, found


def document_of(row: dict[str, Any], notes: Sidecar) -> Document:
    """Make a document of a row of `engine.reader.sources.batches`."""
    return Document(
        row["doc_id"], row["text"], row["source"], row["published"], row["timezone"], notes.note(row["doc_id"], row["source"]),
        tuple(row["modified"]), row["ticker"],
    )  # fmt: skip


def _table(rows: list[dict[str, Any]], lexicon: Lexicon) -> tuple[Events, pl.DataFrame]:
    """Make a table of what may stand in one, and list what may not: one wrong event must not cost all the others."""
    frame = pl.DataFrame(rows, schema=dict(SCHEMA)) if rows else pl.DataFrame(schema=dict(SCHEMA))
    wrong: dict[int, str] = {}
    for row, reason in out_of_bounds(frame):
        wrong.setdefault(row, reason.lstrip(" :"))
    left_out = frame.select("event_id", "doc_id")[list(wrong)].with_columns(
        pl.Series("reason", list(wrong.values()), pl.String)
    )
    sound = frame.with_row_index("row").filter(~pl.col("row").is_in(list(wrong))).drop("row")
    kinds = {name: (kind.stance, kind.base) for name, kind in lexicon.kinds.items()}
    return Events.from_frame(sound, source="reader", kinds=kinds), left_out


def sources_of(events: Events) -> pl.DataFrame:
    """Give what is known of the sources of events that somebody else found: each has the document that it names."""
    return events.frame.select("event_id", "doc_id", "source", "published_at").sort(
        "event_id", "published_at", "doc_id"
    )


def _sources(told: list[tuple[str, str, str, dt.datetime]]) -> pl.DataFrame:
    schema: dict[str, Any] = {
        "event_id": pl.String,
        "doc_id": pl.String,
        "source": pl.String,
        "published_at": pl.Datetime("us", "UTC"),
    }
    return pl.DataFrame(told, schema=schema, orient="row").sort("event_id", "published_at", "doc_id")


class _Bar:
    """A progress bar over bytes, or the caller's own function, or nothing."""

    def __init__(self, progress: bool | Callable[[int, int], None]) -> None:
        self._progress = progress
        self._tqdm: Any = None

    def __enter__(self) -> Callable[[int, int], None]:
        if callable(self._progress):
            return self._progress
        if not self._progress:
            return lambda documents, size: None
        from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415

        self._tqdm = tqdm(unit="B", unit_scale=True, desc="reading")

        def advance(documents: int, size: int) -> None:
            del documents
            self._tqdm.update(size)

        return advance

    def __exit__(self, *error: object) -> None:
        if self._tqdm is not None:
            self._tqdm.close()


def found_in(document: Document, *, lexicon: Sequence[str | Path] = ()) -> list[Found]:
    """Read one document that is at hand as text, and give its events with what they were made of."""
    return read(document, load(lexicon))
