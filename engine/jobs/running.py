"""A job from its file to its results: what is missing is walked, what is there is kept, whatever stops it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from engine.devices import check_device, choose
from engine.faults import Failure, Fault, Stopped
from engine.jobs.chunks import Folder, Survey
from engine.jobs.forward import OF_PATH, Judged, figure_of, idle, judged, stitched
from engine.jobs.job import Job
from engine.jobs.parts import changes, fingerprint_of, told, versions
from engine.jobs.periods import told_period
from engine.jobs.progress import Progress, is_readable
from engine.jobs.results import anything_traded, reduce, write_json, write_summary, write_table
from engine.jobs.stopping import Stopping
from engine.jobs.work import Chunk, Walker, Work
from engine.places import check_folder
from engine.run import version
from engine.summary import Summary

#: Modules whose errors mean that the GPU is gone.
_OF_GPU = ("cupy", "cupy_backends", "numba.cuda", "numba_cuda", "cuda")
#: Of the manifest; another one is another tocsin's.
_FORMAT = "sweep 2"
#: What a row of what was judged says of its period.
_OF_PERIOD = ("first", "last", "test_first", "test_last", "test_sessions", "short")
#: How many of the best lanes are judged out of sample.
_JUDGED = 100


class Source(Protocol):
    """Where finished chunks come from: this process, or a cluster."""

    def chunks(self, missing: list[int], stopping: Callable[[], bool]) -> Iterator[Chunk]:
        """Give the chunks of these numbers in any order; once `stopping` answers true, only those under way."""

    def reduced(self, folder: Folder, chunks: list[tuple[int, Path]], check: Callable[[], None]) -> Summary:
        """Merge the summaries of finished chunks."""


class Here:
    """Walks chunks in this process."""

    def __init__(self, walker: Walker) -> None:
        self._walker = walker

    def chunks(self, missing: list[int], stopping: Callable[[], bool]) -> Iterator[Chunk]:
        """Walk one chunk after the other."""
        for number in missing:
            if stopping():
                return
            yield self._walker.chunk(number)

    def reduced(self, folder: Folder, chunks: list[tuple[int, Path]], check: Callable[[], None]) -> Summary:
        """Merge one chunk after the other."""
        return reduce(self._walker, folder, chunks, check)


@dataclass(frozen=True)
class Order:
    """What somebody asked for on the command line."""

    job: Path
    out: Path
    device: str = "auto"
    cluster: str | None = None
    resume: bool = False

    @property
    def command(self) -> str:
        """What resumes it."""
        parts = ["tocsin", "sweep", str(self.job), "--out", str(self.out)]
        parts += ["--device", self.device] if self.device != "auto" else []
        parts += ["--cluster", self.cluster] if self.cluster else []
        return shlex.join([*parts, "--resume"])


def run(order: Order, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Run a job, or what is missing of it; return what sweep.json holds.

    Parameters
    ----------
    say : prints a sentence

    Raises
    ------
    Fault
        Where the job file is wrong, or the folder holds another job, or this one and `resume` was not asked for.
    Failure
        Where something broke on the way; what is done is kept.
    Stopped
        After Ctrl-C or SIGTERM.
    """
    check_folder(order.out)
    folder = Folder(order.out)
    folder.refuse_others()
    before = (folder.manifest() or {}).get("order")
    job = Job.read(order.job, order=[str(name) for name in before] if isinstance(before, list) else ())
    parts = job.on(device_of(order.device, order.cluster is not None))
    fingerprint = fingerprint_of(parts)
    with folder.locked():
        survey = _agreed(folder, job, parts, fingerprint, order, say)
        missing = sorted(set(range(job.chunks)) - set(survey.done))
        results = order.out / "sweep.json"
        progress = Progress(order.out / "progress.json", job.chunks, job.lanes, job.keep, order.command, survey.notes)
        if not missing and (document := _finished(folder, say)) is not None:
            say("Nothing is missing.")
            if not is_readable(order.out):
                progress.end("finished")
            return document
        results.unlink(missing_ok=True)
        work = Work.of(job, fingerprint)
        walker = Walker(work, job.strategy, job.grid, "cpu" if order.cluster else order.device)
        with Stopping(order.command, progress.say) as stopping, _kept(progress, order), progress:
            with _source(order, walker, progress.say) as source:
                stopping.listen()
                for chunk in source.chunks(missing, lambda: bool(stopping.caught)):
                    survey.done[chunk.number] = folder.put(chunk.number, chunk.raw)
                    progress.done(chunk.note)

                def check() -> None:
                    stopping.check(_share(progress))

                check()
                document = _results(job, fingerprint, folder, survey, walker, source, check)
            progress.end("finished")
    return document


def device_of(device: str, cluster: bool = False) -> str:
    """Return the kind of device that is walked on, "cpu" or "cuda"; results agree to the last bit on one kind alone."""
    check_device(device)
    if cluster and device != "auto":
        return device.partition(":")[0]
    return "cuda" if choose("cpu" if cluster else device).devices else "cpu"


@contextmanager
def _source(order: Order, walker: Walker, say: Callable[[str], None]) -> Iterator[Source]:
    if order.cluster is None:
        yield Here(walker)
        return
    from engine.jobs.cluster import joined  # noqa: PLC0415 - Ray is an extra

    with joined(order.cluster, walker, order.device, say) as source:
        yield source


def _agreed(
    folder: Folder, job: Job, parts: dict[str, str], fingerprint: str, order: Order, say: Callable[[str], None]
) -> Survey:
    """Hold the folder against the job, begin it where it is empty, and look at what is done."""
    manifest, has_chunks, out = folder.manifest(), folder.has_chunks(), str(order.out)
    if (manifest or has_chunks) and not order.resume:
        kept = f"{len(folder.numbers()):,} chunks"
        raise Fault(
            f"--out {out!r} holds a sweep already ({kept}), allowed is a folder without one; add --resume to go on with "
            f"it, or name another folder."
        )
    if manifest and manifest.get("format") != _FORMAT:
        raise Fault(
            f"--out {out!r} was begun by another tocsin ({manifest.get('tocsin', 'unknown')}), allowed is this one ({version()}); go on "
            f"with that one, or name another folder."
        )
    if manifest and manifest.get("fingerprint") != fingerprint:
        changed = changes(manifest.get("parts", {}), parts) or ["manifest.json"]
        raise Fault(
            f"--out {out!r} was begun from something else: changed since are {', '.join(changed)}; put back what it was, or name another "
            f"folder."
        )
    survey = folder.survey(fingerprint)
    if survey.strangers:
        raise Fault(
            f"--out {out!r} holds {len(survey.strangers)} chunks of another job, or of other inputs or code (the first is "
            f"{survey.strangers[0].name}); take them away, or name another folder."
        )
    if has_chunks and not manifest:
        say(
            f"manifest.json was missing or unreadable and is made anew; {len(survey.done)} chunks in the folder are of this job."
        )
    for number in survey.damaged:
        say(f"Chunk {number} is damaged (its bytes do not match its checksum) and is done again.")
    if not manifest:
        write_json(folder, "manifest.json", _manifest(job, parts, fingerprint))
    return survey


def _finished(folder: Folder, say: Callable[[str], None]) -> dict[str, Any] | None:
    """Read the results that are there; None where there are none, or not all of them as they were written."""
    try:
        found = json.loads((folder.path / "sweep.json").read_text(encoding="utf-8"))
        lost = folder.lacks(found["files"])
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        lost, found = ["sweep.json"], {}
    for name in lost:
        say(f"{name} is missing or damaged and is made anew.")
    return None if lost else found


def _manifest(job: Job, parts: dict[str, str], fingerprint: str) -> dict[str, Any]:
    return {
        "format": _FORMAT, "fingerprint": fingerprint, "parts": parts, "order": list(job.grid.axes), "versions": versions(),
        "tocsin": version(),
        "strategy": job.strategy.name(), "lanes": job.grid.size, "lanes_a_chunk": job.chunk, "chunks": job.chunks,
        "periods": [told_period(period) for period in job.periods], "job": job.settings,
    }  # fmt: skip


def _results(
    job: Job,
    fingerprint: str,
    folder: Folder,
    survey: Survey,
    walker: Walker,
    source: Source,
    check: Callable[[], None],
) -> dict[str, Any]:
    """Reduce the chunks of each period and write what came of it; sweep.json last."""
    by, each, found, paths = job.keep.by[0], [], [], []
    for period, of in enumerate(job.periods):
        numbers = range(period * job.per_period, (period + 1) * job.per_period)
        summary = source.reduced(folder, [(n, survey.done[n]) for n in numbers], check)
        under = f"folds/{of.name}/" if len(job.periods) > 1 else ""
        with folder.telling(under):
            (folder.path / under).mkdir(parents=True, exist_ok=True)
        best = write_summary(walker, folder, period, summary, under).filter(by=by)
        winner = best.row(0, named=True) if best.height else None
        found.append({**told_period(of), "traded": anything_traded(summary), "met": summary.met, "winner": winner})
        if of.test is None or not (under or winner):
            continue
        rows, tested = _judged(walker, period, best.head(1 if under else _JUDGED), check)
        if winner:  # the winner comes first
            found[-1]["out_of_sample"] = {name: rows[0][name] for name in ("figure", *OF_PATH)}
        each += rows
        paths += tested if under else []
    document: dict[str, Any] = {
        "strategy": job.strategy.name(), "fingerprint": fingerprint, "lanes": job.grid.size, "chunks": job.chunks,
        "metric": by, "require": job.keep.require, "options": {name: told(value) for name, value in job.fixed.items()},
        "parameters": list(job.grid.axes), "periods": found,
    }  # fmt: skip
    if each:
        table = pl.DataFrame(each, _judged_schema(job), orient="row")
        write_table(folder, "folds.parquet" if paths else "out_of_sample.parquet", table)
        document["out_of_sample"] = {k: v for k, v in each[0].items() if k not in _OF_PERIOD}
    if paths:
        equity, whole = stitched(walker, paths)
        document["out_of_sample"] = {"figure": figure_of(by, whole), **whole}
        write_table(folder, "equity.parquet", equity)
    document["files"] = folder.kept
    write_json(folder, "sweep.json", document)
    return document


def _judged(
    walker: Walker, period: int, best: pl.DataFrame, check: Callable[[], None]
) -> tuple[list[dict[str, Any]], list[Judged]]:
    """Judge the best lanes of a period on the sessions that come after; where there is none, the account stays in cash."""
    of, by = walker.work.periods[period], walker.work.keep.by[0]
    assert of.test
    told = {
        "fold": of.name, "first": of.first, "last": of.last, "test_first": of.test[0], "test_last": of.test[1],
        "test_sessions": of.test_sessions, "short": of.short_by > 0,
    }  # fmt: skip
    rows, paths = [], []
    for row in best.iter_rows(named=True):
        check()
        path, figures = judged(walker, period, row["lane"])
        chosen = {name: row[name] for name in ("rank", "lane", "shared", *walker.grid.axes)}
        rows.append({**told, **chosen, f"in_sample_{by}": row["figure"], "figure": figure_of(by, figures), **figures})
        paths.append(path)
    return (rows, paths) if rows else ([told], [idle(walker, period)])


def _judged_schema(job: Job) -> dict[str, pl.DataType]:
    swept = {name: column.dtype for name, column in job.grid.columns(np.zeros(1, np.int64)).items()}
    numbers = (f"in_sample_{job.keep.by[0]}", "figure", *OF_PATH)
    return {
        "fold": pl.String(), **dict.fromkeys(_OF_PERIOD[:4], pl.Date()), "test_sessions": pl.Int64(), "short": pl.Boolean(),
        **dict.fromkeys(("rank", "lane", "shared"), pl.Int64()), **swept, **dict.fromkeys(numbers, pl.Float64()),
    }  # fmt: skip


def _share(progress: Progress) -> str:
    return f"{progress.state['chunks_done']} of {progress.state['chunks']} chunks are kept"


@contextmanager
def _kept(progress: Progress, order: Order) -> Iterator[None]:
    """Say of whatever breaks what is kept and how to go on; nothing that is done is lost."""
    try:
        yield
    except Stopped as stopped:
        progress.end("stopped", str(stopped))
        raise
    except Fault:
        raise
    except Exception as error:
        told = _why(error)
        if told is None:
            raise
        raise Failure(f"{told} {_share(progress).capitalize()}; go on with: {order.command}") from error


def _why(error: Exception) -> str | None:
    """Say what broke, where a sentence is known for it."""
    if isinstance(error, Failure):
        return str(error)
    if isinstance(error, MemoryError):
        return "The memory does not suffice for a chunk; give fewer lanes a chunk in [run], in a new folder, or a larger machine."
    if type(error).__module__.startswith(_OF_GPU):
        return f"The GPU does not answer ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'})."
    return None
