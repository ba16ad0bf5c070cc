"""How far a job is: for a person, for a log, and for whoever watches the file progress.json."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.faults import Fault
from engine.files import in_one_step
from engine.jobs.chunks import Folder
from engine.jobs.settings import KeepSection
from engine.jobs.work import Leader
from engine.legible import numeral

_LINE_EVERY, _FILE_EVERY = 60.0, 1.0
#: What the file holds at least.
_HOLDS = {
    **dict.fromkeys(("state", "updated_at", "resume"), str),
    **dict.fromkeys(("chunks", "chunks_done", "lanes", "lanes_done"), int),
}


class Progress:
    """Counts finished chunks, and says so: a bar on a terminal, a line a minute elsewhere, and a file.

    Parameters
    ----------
    path : the file
    chunks, lanes : in all
    keep : says what the best so far is
    command : what resumes the job
    notes : of the chunks that are done already
    """

    def __init__(
        self,
        path: Path,
        chunks: int,
        lanes: int,
        keep: KeepSection,
        command: str,
        notes: Mapping[int, Mapping[str, Any]],
    ) -> None:
        self._path, self._metric, self._order = path, keep.by[0], Leader(keep).order
        self._begun, self._written, self._said = time.monotonic(), 0.0, time.monotonic()
        self._walked = 0
        now = _now()
        self.state: dict[str, Any] = {
            "state": "running", "chunks": chunks, "chunks_done": 0, "lanes": lanes, "lanes_done": 0, "lanes_per_second": None,
            "seconds_left": None, "best": None, "started_at": now, "updated_at": now, "process": os.getpid(), "host": platform.node(),
            "resume": command,
        }  # fmt: skip
        for note in notes.values():
            self._count(note)
        self._bar: Any = None

    def __enter__(self) -> Progress:
        self._write()
        if sys.stderr.isatty():
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task("sweep", total=self.state["lanes"], told="")
            self._show()
        else:
            self._line()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._bar:
            self._bar.stop()
        if kind is not None:
            self.end("failed", str(error))

    def done(self, note: Mapping[str, Any]) -> None:
        """Count one more chunk."""
        self._count(note)
        self._walked += note["lanes"]
        state, seconds = self.state, time.monotonic() - self._begun
        state["lanes_per_second"] = self._walked / max(seconds, 1e-9)
        state["seconds_left"] = (state["lanes"] - state["lanes_done"]) / max(state["lanes_per_second"], 1e-9)
        if time.monotonic() - self._written >= _FILE_EVERY:
            self._write()
        if self._bar:
            self._show()
        elif time.monotonic() - self._said >= _LINE_EVERY:
            self._line()

    def say(self, sentence: str) -> None:
        """Print a sentence, above the bar where there is one."""
        if self._bar:
            self._bar.console.print(sentence, markup=False, highlight=False, soft_wrap=True)
        else:
            sys.stderr.write(sentence + "\n")
            sys.stderr.flush()

    def end(self, state: str, sentence: str = "") -> None:
        """Note in the file how the job ended."""
        self.state.update({"state": state, "says": sentence, "seconds_left": 0 if state == "finished" else None})
        self._write()

    def _count(self, note: Mapping[str, Any]) -> None:
        state = self.state
        state["chunks_done"] += 1
        state["lanes_done"] += note["lanes"]
        known, found = state["best"], note["best"]
        if found and (known is None or self._order(found) < self._order((known["value"], known["lane"]))):
            state["best"] = {"metric": self._metric, "value": found[0], "lane": found[1], "period": note["period"]}

    def _write(self) -> None:
        self._written = time.monotonic()
        self.state["updated_at"] = _now()
        try:
            with in_one_step(self._path) as fresh:
                fresh.write_text(json.dumps(self.state, indent=2) + "\n", encoding="utf-8")
        except OSError:  # a watcher has to do without; a chunk that cannot be written says why
            return

    def _show(self) -> None:
        self._bar.update(self._task, completed=self.state["lanes_done"], told=told(self.state))

    def _line(self) -> None:
        self._said = time.monotonic()
        share = self.state["lanes_done"] / self.state["lanes"]
        self.say(f"{dt.datetime.now():%H:%M:%S} {share:4.0%} {told(self.state)}")


def status(out: Path) -> dict[str, Any]:
    """Read how far the job of a folder is; one that runs no more, though it never said so, was killed.

    Raises
    ------
    Fault
        Where the folder is none of a sweep.
    """
    try:
        found: dict[str, Any] = json.loads((out / "progress.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise Fault(
            f"{str(out)!r} holds no progress.json, allowed is a folder that `tocsin sweep` writes; name one."
        ) from None
    except ValueError:
        found = {}
    if not isinstance(found, dict) or not all(isinstance(found.get(key), kind) for key, kind in _HOLDS.items()):
        raise Fault(f"{out / 'progress.json'} cannot be read; `tocsin sweep --resume` writes it anew.")
    folder = Folder(out)
    if found["state"] == "running" and not folder.is_held():
        numbers, manifest = folder.numbers(), folder.manifest()
        lanes = _lanes(numbers, manifest) if manifest else found["lanes_done"]
        found |= {"state": "killed", "seconds_left": None, "chunks_done": len(numbers), "lanes_done": lanes}
    return found


def is_readable(out: Path) -> bool:
    """Whether the file says how far the job of a folder is."""
    try:
        status(out)
    except Fault:
        return False
    return True


def _lanes(numbers: set[int], manifest: Mapping[str, Any]) -> int:
    """Count the lanes of chunks: all chunks of a period have as many but the last."""
    lanes, chunk = manifest["lanes"], manifest["lanes_a_chunk"]
    per_period = -(-lanes // chunk)
    return sum(min(chunk, lanes - number % per_period * chunk) for number in numbers)


def told(state: Mapping[str, Any]) -> str:
    """Say in a few words how far a job is."""
    parts = [f"{state['chunks_done']:,}/{state['chunks']:,} chunks"]
    if state.get("lanes_per_second"):
        parts.append(f"{state['lanes_per_second']:,.0f} lanes/s")
    if state.get("best"):
        parts.append(f"best {state['best']['metric']} {numeral(state['best']['value'], 4)}")
    if state.get("seconds_left"):
        parts.append(f"{spell(state['seconds_left'])} left")
    return " · ".join(parts)


def spell(seconds: float) -> str:
    """Write a time as a person would say it, in one unit or two.

    >>> [spell(seconds) for seconds in (39.6, 725, 11_100, 273_600, 8_640_000, 2.5783e11)]
    ['40 s', '12 min', '3 h 05 min', '3 days 4 h', '100 days', '8,170 years']
    """
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes, hours, days = round(seconds / 60), round(seconds / 3600), round(seconds / 86_400)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    if hours < 14 * 24:
        return f"{hours // 24} days {hours % 24} h" if hours % 24 else f"{hours // 24} days"
    return f"{days} days" if days < 2 * 365 else f"{seconds / (365.25 * 86_400):,.0f} years"


def _bar() -> Any:
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    told_column = TextColumn("{task.fields[told]}", markup=False)
    return Bar(BarColumn(bar_width=30), TaskProgressColumn(), told_column, console=Console(stderr=True), transient=True)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
