"""Writing whole or not at all: files and folders appear in one step, and in the place of nothing that is not ours."""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.faults import Failure
from engine.marks import Kind
from engine.places import (
    NOTHING,
    asking_again,
    called,
    check_file,
    check_folder,
    refuse_foreign,
    refuse_taken,
    telling,
    unfinished,
)

#: Where the files of a folder lie while others take their places.
_BEFORE = "before"
#: What file systems say that cannot make the names in a folder last.
_NO_FOLDERS = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}


@contextmanager
def in_one_step(target: Path, *, lasting: bool = False) -> Iterator[Path]:
    """Give a path beside a file to write to; it takes the file's place once it is written, or leaves no trace.

    Parameters
    ----------
    target
        The file; one that is there is replaced.
    lasting
        Whether it has to be on the disk before this returns, whatever happens to the machine.
    """
    fresh = unfinished(target.parent)
    try:
        yield fresh
        if lasting:
            _to_disk(fresh)
        fresh.replace(target)
        if lasting:
            _to_disk(target.parent)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


@contextmanager
def whole(target: Path, kind: Kind, name: str, *, force: bool | None = None) -> Iterator[Path]:
    """Give a path to write a file to; it appears in one step once it is written, or leaves no trace.

    What stood there before is replaced only as `check_file` allows, which is asked first, and only once the bytes of the new file
    are on the disk. A link is replaced itself; what it points at stays.

    Parameters
    ----------
    target, kind, name, force
        As for `check_file`.
    """
    check_file(target, kind, name, force=force)
    step = in_one_step(target, lasting=target.exists())
    with telling(target, called(target, name)), step as fresh, asking_again(target.parent):
        yield fresh


def _to_disk(place: Path) -> None:
    """Wait until the bytes of a file, or the names in a folder, are on the disk."""
    if sys.platform == "win32":
        return
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if not place.is_dir() or error.errno not in _NO_FOLDERS:
            raise
    finally:
        os.close(handle)


@contextmanager
def staged(
    target: Path, holds: Mapping[str, Kind] = NOTHING, name: str = "--out", *, force: bool | None = None
) -> Iterator[Path]:
    """Give an empty folder to write into; its files appear in `target` once all are written.

    Where `target` is new, it appears in one step. Where it is there, its other files stay, and those of the same name are replaced as
    `check_folder` allows; one that is not in `holds`, as a CSV can bear no mark, where it says the same. A folder that is caught in
    between holds no run.json, so that nothing takes it for a run. What fails on the way leaves `target` as it was.

    Parameters
    ----------
    target, holds, name, force
        As for `check_folder`.
    """
    check_folder(target, holds, name, force=force)
    named = called(target, name)
    made = [folder for folder in target.absolute().parents if not folder.exists()]
    fresh = unfinished(target if target.exists() else target.absolute().parent)
    try:
        with telling(target, named):
            fresh.mkdir(parents=True)
            with asking_again(fresh):
                yield fresh
            if target.exists() or not _renamed(fresh, target):
                with _alone(target):
                    refuse_taken(target, holds, named, force)
                    if not force:
                        refuse_foreign(_unmarked(fresh, target, holds), named, force)
                    _move(fresh, target)
    except BaseException:
        if not (fresh / _BEFORE).exists():  # what could not be put back stays there
            shutil.rmtree(fresh, ignore_errors=True)
        for folder in made:  # the deepest first
            with suppress(OSError):  # somebody else may have put something there
                folder.rmdir()
        raise
    shutil.rmtree(fresh, ignore_errors=True)


def _unmarked(fresh: Path, target: Path, holds: Mapping[str, Kind]) -> list[str]:
    """List what would be replaced by other bytes, of the files that can bear no mark."""
    places = [file.relative_to(fresh).as_posix() for file in sorted(fresh.rglob("*")) if file.is_file()]
    there = [place for place in places if place not in holds and os.path.lexists(target / place)]
    return [place for place in there if not filecmp.cmp(fresh / place, target / place, shallow=False)]


def _renamed(fresh: Path, target: Path) -> bool:
    """Let a new folder appear; False where another process has made one there meanwhile."""
    try:
        fresh.rename(target)
    except OSError:
        if target.is_dir():
            return False
        raise
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder against others of us that move files into it; where its file system knows no locks, hold nothing."""
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415

    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _move(fresh: Path, target: Path) -> None:
    """Put files in the place of others: run.json is the first to go and the last to come; what fails is undone."""
    files = sorted((file.name == "run.json", file.relative_to(fresh)) for file in fresh.rglob("*") if file.is_file())
    before, moved = fresh / _BEFORE, list[tuple[Path, Path]]()

    def move(source: Path, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        source.replace(to)
        moved.append((source, to))

    try:
        for _, file in reversed(files):
            if os.path.lexists(target / file):
                move(target / file, before / file)
        for _, file in files:
            move(fresh / file, target / file)
    except BaseException as error:
        try:
            for source, to in reversed(moved):
                to.replace(source)
        except OSError:
            raise Failure(f"{target} could not be put back as it was; its earlier files lie in {before}.") from error
        shutil.rmtree(before, ignore_errors=True)
        raise
