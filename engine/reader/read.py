"""Read many documents: in batches, past the prefilter, through the grammar, with repeats of one story joined."""

from __future__ import annotations

import datetime as dt
import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import polars as pl

from engine.clock import parse_delay
from engine.event_rules import out_of_bounds
from engine.event_table import OPTIONAL
from engine.events import SCHEMA, Events
from engine.faults import Fault, note
from engine.number import share
from engine.reader.asked import Asked
from engine.reader.classified import with_classifier
from engine.reader.classifier import Classifier
from engine.reader.columns import Given, columns_from, with_seen
from engine.reader.counted import COUNTS, counted
from engine.reader.document import Document, Found, read
from engine.reader.duplicates import Stories
from engine.reader.learned.judge import SURE
from engine.reader.lexicon import Lexicon, load, recipe
from engine.reader.names.table import NameTable
from engine.reader.passing import fresh, part_of, tellings
from engine.reader.prefilter import Prefilter
from engine.reader.progress import Advance, Progress
from engine.reader.published import states_time
from engine.reader.rows import NO_TIME
from engine.reader.sidecar import Sidecar
from engine.reader.sources import batches, files
from engine.reader.workers import Setup, Workers, ahead, number_of
from engine.tables.order import check_dates
from engine.tables.spelling import Order

Sources = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
#: The name of our own reader.
OWN: Final = "lexicon"
#: The name of a reader, a classifier, or a function that gives events.
AnyReader = str | Classifier | Callable[..., Any]
REFUSED: Final = {"doc_id": pl.String, "source": pl.String, "reason": pl.String}
UNREAD: Final = {"source": pl.String, "reason": pl.String}
LEFT_OUT: Final = {"event_id": pl.String, "doc_id": pl.String, "reason": pl.String}
_STEP: Final = 2_000  # documents between two tellings of how far it is


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
        documents, characters, kept (past the first pass), asked (documents that a classifier was asked about, or that name
        nobody), with_events; of the documents without events, by the first that holds:
        copies (the very text of another), other_language, nobody_known, no_claim, no_date, unread_date (a publication time that
        is not understood); refused (the last two); repeated (copies, near copies, later versions), versions; left_out (events),
        unsure (events below min_confidence), rows_left_out, files_left_out. What a reader of somebody else does with each document
        is not known: of it documents (those that gave events) and unsure.
    left_out
        The events that no table of events may hold (an error of ours, or of a lexicon): event_id, doc_id, reason.
    notes
        What was taken for granted of the times of each table, and what to know of the table of names, a sentence each.
    columns
        Which columns of each table became what, a sentence by the name of each file.
    unread
        The rows that could not be read, and of several files those that could not: source, reason.
    """

    events: Events
    sources: pl.DataFrame
    refused: pl.DataFrame
    counts: dict[str, int] = field(default_factory=dict)
    left_out: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEFT_OUT))
    notes: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    unread: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNREAD))

    @property
    def is_undated(self) -> bool:
        """Whether documents were refused for want of a publication time, and none that has one could have given an event."""
        others = len(self.events) or self.counts.get("unsure") or self.counts.get("asked")
        return self.refused.height > 0 and not others


def read_sources(
    sources: Sources,
    *,
    sidecar: str | Path | None = None,
    lexicon: Sequence[str | Path] | str | Path = (),
    names: NameTable | None = None,
    columns: Given = None,
    delay: dt.timedelta | str = dt.timedelta(0),
    dates: Order | None = None,
    seen: str = "",
    progress: bool | Advance = False,
    reader: AnyReader = OWN,
    min_confidence: float | None = None,
    workers: int | None = None,
    train: str | Path | None = None,
) -> Reading:
    """Read documents and say what was found, from where, and what was refused.

    Parameters are those of `read_documents`.
    """
    from engine.reader import plugins  # noqa: PLC0415 - readers of others know this module

    found = plugins.find(reader)
    least = (
        (SURE if found is read_documents else 0.0)
        if min_confidence is None
        else share(min_confidence, "min_confidence")
    )
    refuse_training(train, reader, found is read_documents)
    if not isinstance(found, Classifier) and found is not read_documents:
        given = {
            "sidecar": sidecar, "lexicon": lexicon, "names": names, "columns": columns, "delay": delay, "dates": dates, "seen": seen,
            "progress": progress,
        }  # fmt: skip
        return _with_novelty(_kept_sure(plugins.read_by(found, reader, sources, given), least))
    said: list[str] = []
    paths = files(sources, said)
    parts = recipe([lexicon] if isinstance(lexicon, (str, Path)) else lexicon, names)
    words = words_of(lexicon, names, train)
    notes = Sidecar.read(sidecar)
    check_dates(dates)
    asked = Asked(with_seen(columns_from(columns), seen), dates, said)
    classifier = found if isinstance(found, Classifier) else None
    number = (
        1 if train is not None else number_of(workers, paths)
    )  # other processes know only what comes with the package
    wait = parse_delay(delay)
    with Workers(number, Setup(parts, wait, dates)) if number > 1 and not classifier else nullcontext() as beside:
        reading = _run(paths, words, notes, asked, wait, progress, classifier, beside)
    return _with_novelty(_kept_sure(reading, least))


def read_documents(
    sources: Sources,
    *,
    sidecar: str | Path | None = None,
    lexicon: Sequence[str | Path] | str | Path = (),
    names: NameTable | None = None,
    columns: Given = None,
    delay: dt.timedelta | str = dt.timedelta(0),
    dates: Order | None = None,
    seen: str = "",
    progress: bool | Advance = False,
    reader: AnyReader = OWN,
    min_confidence: float | None = None,
    workers: int | None = None,
    train: str | Path | None = None,
) -> Events:
    """Read documents in French, English, simplified or traditional Chinese and give the events found in them.

    Parameters
    ----------
    sources
        Files (.txt .md .html, .csv .tsv .parquet .arrow .xlsx, .json .jsonl, .xml .rss .atom, each also packed as .gz), folders or
        globs; one or several.
    sidecar
        TOML file with what pages lack: date, time zone, and the reason why they are believed; see `Sidecar.read`.
    lexicon
        TOML files that add to the reader's words or override them; see `engine.reader.lexicon.load`.
    names
        A table of names of companies, added to the one that comes with the package and stronger than it: a CSV or Parquet file, a
        frame, or a dict of columns, with ``ticker`` and ``name``; see `engine.reader.names.table.read_names`.
    columns
        TOML file (or a dict) that says which column of a table holds what; usual names are found without it. Several columns of
        text are joined: ``{"text": ["content", "summary"]}``.
    delay
        Time from publication to knowledge, such as "15m".
    dates
        "mdy", "dmy" or "ymd": how dates such as 01/02/2025 are read, where a table's column leaves it open.
    seen
        The column that says when a crawler had a document: nothing of it is known earlier.
    progress
        True draws a bar on standard error, or writes a line now and then where that is no terminal; a function is called with
        (documents read, bytes read).
    reader
        Who says what the documents claim: "lexicon", the name of another one that is installed, a
        `engine.reader.Classifier`, or a function of the form that docs/readers.md tells.
    min_confidence
        Leave out the events of which the reader is less sure, 0 to 1; left out, `SURE` for this reader and 0 for others.
    workers
        How many processes read; the events are the same. Left out, one for each processor from some megabytes on; 1 keeps
        everything in this process, as other readers always do.
    train
        A file of JSON lines with sentences of your own that you judged (`text`; `kinds`, a list, empty for a calm one), which this
        reader learns on top of what it knows; see `engine.reader.learned.own.taught`.

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
        seen=seen,
        progress=progress,
        reader=reader,
        min_confidence=min_confidence,
        workers=workers,
        train=train,
    )
    refuse_undated(reading)
    for sentence in _left_out(reading, least=min_confidence):
        note(sentence)
    return reading.events


def words_of(lexicon: Sequence[str | Path] | str | Path, names: NameTable | None, train: str | Path | None) -> Lexicon:
    """Load the words of a reading, and what its user's own sentences teach."""
    from engine.reader.learned.own import taught  # noqa: PLC0415 - only where somebody teaches

    words = load([lexicon] if isinstance(lexicon, (str, Path)) else lexicon, names)
    return words if train is None else taught(words, train)


def refuse_training(train: str | Path | None, reader: AnyReader, own: bool) -> None:
    """Raise a Fault where a reader is to be taught that is not ours."""
    if train is not None and not own:
        raise Fault(f"train teaches the reader lexicon alone (got the reader {reader!r}); leave one of them out.")


def refuse_undated(reading: Reading) -> None:
    """Raise a Fault where no event is left because no document that makes claims says when it was published."""
    if reading.is_undated:
        refused = reading.refused
        more = ""
        if refused.height > 1:
            more = f" ({counted(refused.height, 'document')} of {reading.counts['documents']:,} are like it, and none gave an event)"
        hint = next((f" {note}" for note in reading.notes if NO_TIME in note), "")
        raise Fault(f"{refused['reason'][0].rstrip('.')}{more}.{hint}")


def _left_out(reading: Reading, *, least: float | None) -> Iterator[str]:
    """Say what a reading gave no events of, and why; of events below a least confidence only where one was asked for."""
    refused, left_out = reading.refused, reading.left_out
    if refused.height:
        yield (
            f"{counted(refused.height, 'document')} of {reading.counts['documents']:,} left out for want of a publication time "
            f"({_first(refused['source'])}). The first: {refused['reason'][0]}"
        )
    if left_out.height:
        yield (
            f"{counted(left_out.height, 'event')} left out, which no table of events may hold, of {_first(left_out['doc_id'])}. "
            f"The first: {left_out['reason'][0]}"
        )
    if reading.unread.height:
        parts = [
            counted(reading.counts[f"{noun}s_left_out"], noun)
            for noun in ("row", "file")
            if reading.counts[f"{noun}s_left_out"]
        ]
        yield f"{' and '.join(parts)} left out. The first: {reading.unread['reason'][0]}"
    unsure = reading.counts.get("unsure", 0)
    if unsure and least is not None:
        yield f"{counted(unsure, 'event')} left out that the reader is less sure of than min_confidence."


def _kept_sure(reading: Reading, least: float) -> Reading:
    """Leave out the events of which the reader is less sure, and count them."""
    events = reading.events.select(min_confidence=least)
    told = reading.sources
    kept = told.filter(pl.col("event_id").is_in(events.frame["event_id"].to_list())) if least else told
    counts = reading.counts | {"unsure": len(reading.events) - len(events)}
    return replace(reading, events=events, sources=kept, counts=counts)


def _with_novelty(reading: Reading) -> Reading:
    """Fill in how new each event is, unless a reader says so itself."""
    unsaid = bool((reading.events.frame["novelty"] == OPTIONAL["novelty"]).all())
    return replace(reading, events=reading.events.with_novelty()) if unsaid else reading


def _first(names: pl.Series) -> str:
    shown = ", ".join(names.head(3))
    return f"{shown} and {names.len() - 3:,} more" if names.len() > 3 else shown


def _run(
    paths: list[Path],
    lexicon: Lexicon,
    notes: Sidecar,
    asked: Asked,
    delay: dt.timedelta,
    progress: bool | Advance,
    classifier: Classifier | None = None,
    beside: Workers | None = None,
) -> Reading:
    stories = Stories()
    lexicon = with_classifier(lexicon, classifier) if classifier else lexicon
    prefilter = Prefilter(lexicon, any_words=classifier is not None)
    refused: list[tuple[str, str, str]] = []
    counts = Counter[str](dict.fromkeys(COUNTS, 0))
    taken = batches(paths, asked.columns, asked.dates, asked.notes, asked.left_out, asked.told)
    gc.freeze()  # neither the lexicon
    with Progress(progress) as advance:
        parts = (part_of(rows, notes, prefilter, counts) for batch in taken for rows in batch.iter_slices(_STEP))
        for part, answers in ahead(parts, lambda part: beside.ask(part.ours())) if beside else zip(parts, repeat(None)):
            documents = fresh(part.documents, stories, counts)
            for document, told in tellings(documents, lexicon, delay, asked.dates, classifier, counts, answers):
                if isinstance(told, Fault):
                    refused.append((document.doc_id, document.source, str(told)))
                    counts["unread_date" if states_time(document) else "no_date"] += 1
                    stories.forget(document)
                    continue
                counts["asked"] += classifier is not None
                counts["with_events"] += told is not None
                stories.add(document, told)
            gc.freeze()  # nor the rows kept so far are looked through again and again: a tenth of the time
            advance(part.height, part.size)
    gc.unfreeze()
    rows, tellers = stories.settle()
    events, left_out = _table(rows, lexicon)
    counts.update(
        repeated=stories.repeated, copies=stories.copies, versions=stories.versions, refused=len(refused), left_out=left_out.height,
        **_unread_counts(asked.left_out, paths),
    )  # fmt: skip
    kept = _sources(tellers).filter(~pl.col("event_id").is_in(left_out["event_id"].to_list()))
    missing = pl.DataFrame(refused, schema=pl.Schema(REFUSED), orient="row")
    unread = pl.DataFrame(asked.left_out, schema=pl.Schema(UNREAD), orient="row")
    said = (*lexicon.notes, *asked.notes)
    return Reading(events, kept, missing, dict(counts), left_out, said, asked.told, unread)


def _unread_counts(left_out: list[tuple[str, str]], paths: list[Path]) -> dict[str, int]:
    whole = {str(path) for path in paths}
    number = sum(source in whole for source, _ in left_out)
    return {"files_left_out": number, "rows_left_out": len(left_out) - number}


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


def found_in(document: Document, *, lexicon: Sequence[str | Path] = ()) -> list[Found]:
    """Read one document that is at hand as text, and give its events with what they were made of."""
    return read(document, load(lexicon))
