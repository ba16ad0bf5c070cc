"""`tocsin read`: documents -> a table of events."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from engine.commands.output import ForceFlag, JsonFlag, answer, count, table

if TYPE_CHECKING:
    import polars as pl

    from engine.events import Events
    from engine.reader.read import AnyReader


def read(
    documents: Annotated[
        list[str],
        typer.Argument(
            help="Files (.txt .md .html .csv .tsv .parquet .xlsx .json .jsonl .xml .rss .atom, also .gz), folders, globs.",
            metavar="DOCS...",
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="The Parquet file to write.")] = None,
    sidecar: Annotated[
        Path | None, typer.Option(help="TOML file with what pages lack: date, zone, and the reason.")
    ] = None,
    lexicon: Annotated[
        list[Path] | None, typer.Option(help="TOML file that adds to the reader's words or overrides them; repeatable.")
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            help="Table of companies' names (CSV: ticker, name; aliases, exchange, since, until), over the built-in one."
        ),
    ] = None,
    columns: Annotated[
        Path | None, typer.Option(help="TOML file that says which column of a table holds what.")
    ] = None,
    delay: Annotated[str, typer.Option(help="Time from publication to knowledge, such as 15m.")] = "0s",
    dates: Annotated[
        Literal["mdy", "dmy", "ymd"] | None,
        typer.Option(help="How dates such as 01/02/2025 are read, where a table's column leaves it open."),
    ] = None,
    seen: Annotated[
        str,
        typer.Option(
            metavar="COLUMN", help="The column that says when a crawler had a document: nothing of it is known earlier."
        ),
    ] = "",
    reader: Annotated[
        str,
        typer.Option(help="Name of the reader: lexicon, llm, one that a package brings, or path/to/script.py:name."),
    ] = "lexicon",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the reader; repeatable.")
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(help="Leave out the events of which the reader is less sure, 0 to 1 (the lexicon reader: 0.4)."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="How many processes read (one for each processor, from some megabytes on); 1 reads in this one."
        ),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            help="JSON lines with your own judged sentences (text, kinds), learned on top of what the reader knows."
        ),
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what the reader will ask of its model, and ask nothing.")
    ] = False,
    beside: Annotated[
        Path | None,
        typer.Option(help="An earlier table of these documents, whose labels are kept beside the new ones."),
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(help="Also write which documents tell of each event (Parquet).")
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Say how an event came to be, or why a document gave none, by its id; write nothing."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which column became what, with the first five rows; write nothing.")
    ] = False,
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Read documents in French, English, simplified or traditional Chinese, and write the events found in them."""
    from engine.faults import Fault  # noqa: PLC0415 - polars is only loaded where there is work

    paths: list[str] = list(documents)
    given: dict[str, Any] = {
        "sidecar": sidecar,
        "lexicon": lexicon or (),
        "names": names,
        "columns": columns,
        "dates": dates,
        "seen": seen,
    }
    if train:
        from engine.reader.read import OWN, refuse_training  # noqa: PLC0415

        refuse_training(train, reader, reader == OWN)
    chosen = _reader(reader, settings or [])
    if explain:
        from engine.reader import explain as explained  # noqa: PLC0415

        found = explained(explain, paths, **given, reader=chosen, min_confidence=min_confidence, train=train)
        answer(_without_text(found), as_json, found["text"])
        return
    if dry_run:
        from engine.reader.preview import preview  # noqa: PLC0415

        shown = preview(paths, sidecar=sidecar, columns=columns, dates=dates, seen=seen)
        answer(shown, as_json, *_previewed(shown))
        return
    if estimate:
        from engine.reader import estimate as estimated  # noqa: PLC0415

        cost = estimated(paths, **given, reader=chosen)
        answer(cost, as_json, *(f"{number:,} {name.replace('_', ' ')}" for name, number in cost.items()))
        return
    if out is None:
        raise Fault("--out is missing, needed is the Parquet file to write; name one, such as --out events.parquet.")
    with_them = [str(path) for path in (sidecar, columns, names, train, *(lexicon or ())) if path]
    _check(out, sources, [*paths, *with_them], force)
    events, document, told = _read(
        paths, {**given, "delay": delay, "workers": workers, "train": train}, chosen, min_confidence, as_json
    )
    if beside:
        from engine.events import Events  # noqa: PLC0415
        from engine.reader.labels import beside as kept_beside  # noqa: PLC0415

        events = kept_beside(Events.read(beside), events)
    _write(events, out, told, sources, force)
    answer({"reader": reader, **document, "out": out, "events": len(events)}, as_json, *_shown(events, document, out))


def _reader(name: str, settings: list[str]) -> AnyReader:
    """Give the reader of a name; one that is made of settings is made."""
    from engine.faults import Fault  # noqa: PLC0415
    from engine.reader import Classifier, plugins  # noqa: PLC0415

    given: dict[str, str] = {}
    for text in settings:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not (key and sign and value):
            raise Fault(f"--set must be a name, = and a value (got {text!r}); write it like model=qwen3.")
        if key in given:
            raise Fault(f"--set must name {key} once (got it twice); leave one of them out.")
        given[key] = value
    found = plugins.find(name, given)
    return found if isinstance(found, Classifier) else name


def _check(out: Path, sources: Path | None, inputs: list[str], force: bool) -> None:
    from engine.faults import Fault  # noqa: PLC0415
    from engine.places import check_file  # noqa: PLC0415

    check_file(out, "events", suffix=".parquet", force=force, sources=_files(inputs))
    if sources:
        check_file(sources, "sources", "--sources", suffix=".parquet", force=force, sources=_files(inputs))
        if sources.resolve() == out.resolve():
            raise Fault(f"--sources must be another file than --out (both are {str(out)!r}); name another.")


def _files(paths: list[str]) -> Iterator[Path]:
    """Give the files that are read, as far as names say; nothing is looked for before somebody asks."""
    for path in paths:
        if Path(path).is_dir():
            yield from Path(path).rglob("*")
        elif Path(path).exists():
            yield Path(path)
        else:
            yield from map(Path, glob.iglob(path, recursive=True))


def _write(events: Events, out: Path, told: pl.DataFrame, sources: Path | None, force: bool) -> None:
    """Write both tables, or none of them."""
    from engine.files import whole  # noqa: PLC0415
    from engine.marks import mark  # noqa: PLC0415

    with ExitStack() as stack:
        if sources:
            fresh = stack.enter_context(whole(sources, "sources", "--sources", force=force))
            told.write_parquet(fresh, metadata=mark("sources"))
        events.write(out, force=force)


def _read(
    paths: list[str], given: dict[str, Any], reader: AnyReader, min_confidence: float | None, quiet: bool
) -> tuple[Events, dict[str, Any], pl.DataFrame]:
    """Read documents; return the events, what to say, and which documents tell of each event."""
    from engine.reader.read import read_sources, refuse_undated  # noqa: PLC0415

    reading = read_sources(paths, **given, progress=not quiet, reader=reader, min_confidence=min_confidence)
    refuse_undated(reading)
    document = {
        "counts": reading.counts,
        "columns": reading.columns,
        "notes": reading.notes,
        "refused": reading.refused.to_dicts(),
        "left_out": reading.left_out.to_dicts(),
        "unread": reading.unread.to_dicts(),
    }
    return reading.events, document, reading.sources


def _shown(events: Events, document: dict[str, Any], out: Path) -> list[Any]:
    import polars as pl  # noqa: PLC0415

    frame = events.frame
    kinds = frame.group_by("kind").agg(
        pl.len().alias("count"),
        pl.col("doc_id").n_unique().alias("documents"),
        pl.col("assets").explode().drop_nulls().value_counts(sort=True).struct.field("assets").head(6),
    )
    rows = [
        (kind, number, documents, ", ".join(assets))
        for kind, number, documents, assets in kinds.sort("count", "kind", descending=[True, False]).iter_rows()
    ]
    counts = document.get("counts", {})
    parts: list[Any] = []
    if "with_events" in counts:
        from engine.reader.counted import said  # noqa: PLC0415

        parts += said(counts, len(events))
    parts.append(table(("kind", "events", "documents", "most named"), rows, right=("events", "documents")))
    if unsure := counts.get("unsure"):
        parts.append(f"{count(unsure, 'event')} left out, less sure than --min-confidence.")
    if remembered := int(frame["hindsight"].sum()):
        parts.append(
            f"{count(remembered, 'event')} of a time that the model was trained on, marked hindsight: it may know what came next."
        )
    parts += _columns_said(document.get("columns", {}))
    parts += _some("Note", document.get("notes", []), "notes")
    left_out = [row["reason"] for name in ("unread", "left_out", "refused") for row in document.get(name, ())]
    parts += _some("Left out", left_out, "left out")
    parts.append(f"Wrote {count(len(events), 'event')} to {out}.")
    return parts


def _columns_said(columns: dict[str, str]) -> list[str]:
    """Say which columns became what: of files with the same columns, of the first."""
    files: dict[str, list[str]] = {}
    for path, sentence in columns.items():
        files.setdefault(sentence, []).append(path)
    lines = [
        f"{paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}: {sentence}"
        for sentence, paths in files.items()
    ]
    return _some("Columns", lines, "kinds of columns")


def _some(what: str, lines: Sequence[str], noun: str) -> list[str]:
    """Show the first five lines, and how many there are."""
    more = [f"... and {len(lines) - 5:,} more {noun}; --json lists them all."] if len(lines) > 5 else []
    return [f"{what}: {line}" for line in lines[:5]] + more


def _without_text(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is there to be printed."""
    return {
        name: [_without_text(item) for item in value] if name == "events" else value
        for name, value in found.items()
        if name != "text"
    }


def _previewed(shown: dict[str, Any]) -> list[Any]:
    parts: list[Any] = []
    names = ("doc_id", "published", "seen", "ticker", "text")
    for item in shown["files"]:
        parts.append(f"{item['file']}: {item['columns']}" if item["columns"] else item["file"])
        rows = [
            (row["doc_id"], row["published_at"], row["seen"] or "", row["ticker"] or "", row["text"])
            for row in item["rows"]
        ]
        parts.append(table(names, rows))
    parts += _some("Note", shown["notes"], "notes")
    parts += _some("Left out", [row["reason"] for row in shown["unread"]], "left out")
    if shown["more"]:
        parts.append(f"... and {count(shown['more'], 'more table')}.")
    parts.append("Nothing was written.")
    return parts
