"""Folders of results that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.faults import Fault

#: The file that makes a folder a run; it is taken away first and comes back last.
_MARK = "run.json"


def check_folder(target: Path, name: str = "--out") -> None:
    """Refuse a folder that cannot be written, before any work is done for it."""
    found = next(folder for folder in (target, *target.absolute().parents) if folder.exists())
    if not found.is_dir():
        raise Fault(f"{name} {str(target)!r} cannot be a folder, {str(found)!r} is a file; name another.")
    if not os.access(found, os.W_OK | os.X_OK):
        raise Fault(f"{name} {str(target)!r} cannot be written, {str(found)!r} allows no writing; name another.")


def check_file(target: Path, name: str = "--out", suffix: str = ".parquet") -> None:
    """Refuse a file that cannot be written, before any work is done for it."""
    if target.is_dir():
        raise Fault(
            f"{name} {str(target)!r} is a folder, allowed is a file; name one in it, such as {str(target / f'all{suffix}')!r}."
        )
    if target.suffix != suffix:
        better = "all" if target.name.startswith(".") else target.stem
        raise Fault(
            f"{name} {str(target)!r} ends in {target.suffix!r}, allowed is {suffix!r}; name it {better + suffix!r}."
        )
    if not target.parent.is_dir():
        raise Fault(f"{name} {str(target)!r}: the folder {str(target.parent)!r} does not exist; make it first.")
    tried = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        tried.touch()
        tried.unlink()
    except OSError:
        raise Fault(
            f"{name} {str(target)!r} cannot be written, {str(target.parent)!r} allows no writing; name another."
        ) from None


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Give an empty folder to write into; its files appear in `target` once all are written.

    Where `target` is new, it appears in one step. Where it is there, its other files stay, those of the same name are
    replaced, and a folder that is caught in between holds no run.json, so that nothing takes it for a run.
    """
    check_folder(target)
    made = [folder for folder in target.absolute().parents if not folder.exists()]
    new = not target.exists()
    fresh = (
        target.with_name(f".{target.name}.{os.getpid()}") if new else target / f".writing-{os.getpid()}"
    ).absolute()
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if new:
            fresh.rename(target)
        else:
            _move(fresh, target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        for folder in made:  # the deepest first
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise
    shutil.rmtree(fresh, ignore_errors=True)


def _move(fresh: Path, target: Path) -> None:
    files = sorted((file.name == _MARK, file.relative_to(fresh)) for file in fresh.rglob("*") if file.is_file())
    for is_mark, file in files:
        if is_mark:
            (target / file).unlink(missing_ok=True)
    for _, file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (fresh / file).replace(target / file)
