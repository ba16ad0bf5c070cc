"""The folder of a job: finished chunks, each under a name that holds its hash; what they are chunks of; one job at a time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.faults import Fault
from engine.files import in_one_step
from engine.places import write_error

_NAME = re.compile(r"chunk-(\d{6,})-([0-9a-f]{32})\.parquet")
_KEY = b"tocsin"
#: What a sweep leaves that is stopped before its manifest is written.
_BEGUN = {"lock", "chunks", "progress.json"}
#: What a manifest says at least.
_TELLS = {"format": str, "fingerprint": str, "parts": dict, "lanes": int, "lanes_a_chunk": int}
_TRIES, _AGAIN = 5, 0.1


@dataclass(frozen=True)
class Survey:
    """What a folder holds of a job.

    Attributes
    ----------
    done : file of each finished chunk whose hash is right
    notes : footer of each of them
    damaged : numbers of those whose hash is wrong, which are to be done again
    strangers : files that are chunks of another job
    """

    done: dict[int, Path]
    notes: dict[int, dict[str, Any]]
    damaged: list[int]
    strangers: list[Path]


def to_parquet(table: pa.Table, note: Mapping[str, Any]) -> bytes:
    """Return a table as the bytes of a Parquet file, the same for the same table, with a note in its footer."""
    kept = {k: v for k, v in (table.schema.metadata or {}).items() if k != _KEY}
    body = json.dumps(note, sort_keys=True, separators=(",", ":")).encode()
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.replace_schema_metadata({**kept, _KEY: body}), sink,
        version="2.6", compression="zstd", compression_level=1, use_dictionary=False, write_statistics=False,
    )  # fmt: skip
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def note_of(raw: bytes) -> dict[str, Any]:
    """Return the note in the footer of a Parquet file's bytes."""
    found: dict[str, Any] = json.loads((pq.read_schema(pa.BufferReader(raw)).metadata or {})[_KEY])
    return found


class Folder:
    """A job's folder: ``manifest.json``, ``chunks/``, ``progress.json``, ``lock``, and in the end the results, in `kept` with their hashes.

    A chunk's file is written under a temporary name, flushed to the disk, and renamed to a name that holds the hash of its
    bytes: there is no moment at which a kill leaves a file that claims to be what it is not.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.kept = path, dict[str, str]()
        self._chunks = path / "chunks"

    def refuse_others(self) -> None:
        """Refuse a folder that holds files, and none that says it is a sweep's; hidden files are nobody's."""
        with self.telling("the sweep"):
            names = (
                {file.name for file in self.path.iterdir() if not file.name.startswith(".")}
                if self.path.exists()
                else set()
            )
        begun = "lock" in names and names <= _BEGUN
        if names and not begun and not self.has_chunks() and self.manifest() is None:
            raise Fault(
                f"--out {str(self.path)!r} holds {min(names - {'lock'})!r} and no sweep, allowed is a new or empty folder, or a sweep's; "
                f"name another."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against a second job; made where it is not there."""
        with self.telling("lock"):
            self.path.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _locked(file):
                holder = os.read(file, 200).decode(errors="replace").strip()
                raise Fault(
                    f"--out {str(self.path)!r} is being written by another sweep{f' ({holder})' if holder else ''}, allowed is one at "
                    f"a time; wait for it, stop it, or name another folder."
                )
            with self.telling("lock"):
                os.ftruncate(file, 0)
                os.pwrite(
                    file, f"process {os.getpid()} on {os.uname().nodename if hasattr(os, 'uname') else '?'}".encode(), 0
                )
            yield
        finally:
            os.close(file)

    def is_held(self) -> bool:
        """Whether a job is at work here."""
        try:
            file = os.open(self.path / "lock", os.O_RDWR)
        except OSError:
            return False
        try:
            return not _lock(file)
        finally:
            os.close(file)

    def manifest(self) -> dict[str, Any] | None:
        """Read what the chunks are chunks of; None where nothing says so."""
        try:
            found = json.loads((self.path / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return (
            found
            if isinstance(found, dict) and all(isinstance(found.get(k), kind) for k, kind in _TELLS.items())
            else None
        )

    def has_chunks(self) -> bool:
        """Whether there is any finished chunk."""
        return bool(self.numbers())

    def numbers(self) -> set[int]:
        """Return the numbers of finished chunks, by the names of their files alone; what is in these is not looked at."""
        files = self._chunks.iterdir() if self._chunks.is_dir() else ()
        return {int(named[1]) for file in files if (named := _NAME.fullmatch(file.name))}

    def survey(self, fingerprint: str) -> Survey:
        """Look at every chunk and hold it against its hash; half-written files are taken away."""
        found = Survey({}, {}, [], [])
        with self.telling("chunks"):
            self._chunks.mkdir(exist_ok=True)
            for file in sorted(self._chunks.iterdir()):
                if file.name.startswith(".") and file.suffix == ".tmp":
                    file.unlink()
                    continue
                named = _NAME.fullmatch(file.name)
                if not named:
                    continue
                number, raw = int(named[1]), file.read_bytes()
                if _hash(raw) != named[2]:
                    found.damaged.append(number)
                elif (note := note_of(raw))["job"] != fingerprint:
                    found.strangers.append(file)
                else:
                    found.done[number], found.notes[number] = file, note
        found.damaged[:] = sorted(set(found.damaged) - set(found.done))
        return found

    def load(self, number: int, file: Path) -> bytes:
        """Read the file of one chunk."""
        with self.telling(f"chunk {number}"):
            return file.read_bytes()

    def put(self, number: int, raw: bytes) -> Path:
        """Write one finished chunk."""
        for old in self._chunks.glob(f"chunk-{number:06d}-*.parquet"):  # a damaged one
            with suppress(OSError):
                old.unlink()
        return self.write(f"chunks/chunk-{number:06d}-{_hash(raw)}.parquet", raw)

    def write(self, name: str, raw: bytes) -> Path:
        """Write one file: whole or not at all, and there to stay once this returns."""
        target = self.path / name
        with self.telling(name), in_one_step(target, lasting=True) as fresh:
            fresh.write_bytes(raw)
        return target

    def keep(self, name: str, raw: bytes) -> None:
        """Write one file of the results, and note its hash in `kept`."""
        self.write(name, raw)
        self.kept[name] = _hash(raw)

    def lacks(self, files: Mapping[str, str]) -> list[str]:
        """Return which files are not there, or have another hash than they had."""
        return [
            name
            for name, found in files.items()
            if not (self.path / name).is_file() or _hash((self.path / name).read_bytes()) != found
        ]

    @contextmanager
    def telling(self, name: str) -> Iterator[None]:
        """Say in a sentence why the folder cannot be written."""
        try:
            yield
        except OSError as error:
            raise write_error(error, self.path, name, f"--out {str(self.path)!r}") or error from error


def _hash(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def _locked(file: int) -> bool:
    """Take the lock of an open file; a look at the state of a job holds it for a moment, so more than once."""
    for _ in range(_TRIES):
        if _lock(file):
            return True
        time.sleep(_AGAIN)
    return False


def _lock(file: int) -> bool:
    """Take the lock of an open file, unless another process has it; closing the file, or dying, gives it back."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl  # noqa: PLC0415

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
