"""Where we may write: what the system allows, and what stands there that is not ours."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.faults import Failure, Fault
from engine.marks import Kind, described, is_ours

_FULL = {errno.ENOSPC, errno.EDQUOT}
_GONE = {
    errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.EHOSTDOWN, errno.ETIMEDOUT,
}  # fmt: skip
_RIGHTS = {errno.EROFS, errno.EACCES, errno.EPERM}
#: The files of a folder of which none is known by name.
NOTHING: Mapping[str, Kind] = {}
#: The names that `unfinished` gives.
_UNFINISHED = re.compile(r"\.tocsin-\d+-[0-9a-f]{8}\.tmp")
#: How libraries written in Rust say which error of the system it was.
_OF_SYSTEM = re.compile(r"\(os error (\d+)\)")


def write_error(error: Exception, folder: Path, what: str, named: str) -> Fault | Failure | None:
    """Say in a sentence why something could not be written.

    Parameters
    ----------
    error
        What was raised; polars and pyarrow have their own ways to pass on an error of the system.
    folder, what
        Where and what was written.
    named
        The place as the user gave it, such as "--out 'run'".

    Returns
    -------
    Fault, Failure or None
        A Fault where another place has to be named, a Failure where the disk is to blame, None for what is no error of the system.
    """
    number = system_error(error)
    if number is None and not isinstance(error, OSError):
        return None
    folder = _apparent(folder)
    cause = str(error) if number is None else os.strerror(number)
    if number in _FULL:
        return Failure(f"The disk of {folder} is full: {what} could not be written; make room, or raise the quota.")
    if number == errno.EFBIG:
        return Failure(
            f"{what} in {folder} is larger than the system allows ({cause}); raise the limit, or write to another disk."
        )
    if number in _RIGHTS:
        return Fault(
            f"{named} cannot be written ({cause}), allowed is a folder that can; change its rights, or name another."
        )
    if number == errno.ENAMETOOLONG:
        return Fault(
            f"{named} cannot be written ({cause}), allowed is a name that the file system takes; give a shorter one."
        )
    if number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY, errno.ELOOP):
        return Fault(
            f"{named} cannot be written ({cause}), allowed is a place where nothing is in the way; name another."
        )
    if number in _GONE:
        return Failure(
            f"{folder} is gone or does not answer ({cause}): {what} could not be written; see to its disk or mount."
        )
    return Failure(f"{folder} cannot be written ({cause}): {what} was left out; see to its disk.")


def _apparent(folder: Path) -> Path:
    """Return the folder that the user knows: what is not finished lies in a hidden one beside or in it."""
    hidden = [part for part in (folder, *folder.parents) if _UNFINISHED.fullmatch(part.name)]
    return hidden[-1].parent if hidden else folder


def system_error(error: Exception) -> int | None:
    """Return which error of the system an exception passes on, or None."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _OF_SYSTEM.search(str(error))
    return int(found[1]) if found else None


@contextmanager
def telling(target: Path, named: str) -> Iterator[None]:
    """Turn what the system says of a file or folder that is being written into a sentence."""
    try:
        yield
    except (Fault, Failure):
        raise
    except Exception as error:
        told = write_error(error, target.absolute().parent, target.name, named)
        if told is None:
            raise
        raise told from error


@contextmanager
def asking_again(folder: Path) -> Iterator[None]:
    """Where polars or pyarrow fails to write and does not say why, write something into the folder, so that the system says it."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.startswith(("polars", "pyarrow")) and system_error(error) is None:
            _write_something(folder)
        raise


def _write_something(folder: Path) -> None:
    tried = unfinished(folder)
    try:
        with tried.open("wb") as file:
            file.write(bytes(1 << 20))
            file.flush()
            os.fsync(file.fileno())
    finally:
        with suppress(OSError):
            tried.unlink(missing_ok=True)


def unfinished(folder: Path) -> Path:
    """Return a new name in a folder for what is not finished; files hidden so are nobody's source."""
    return folder / f".tocsin-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def check_folder(
    target: Path,
    holds: Mapping[str, Kind] = NOTHING,
    name: str = "--out",
    *,
    force: bool | None = None,
    sources: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Refuse a folder that cannot be written, before any work is done for it.

    Parameters
    ----------
    target
        The folder; it, and those above it, need not be there.
    holds
        The files that are going to be written, by their place in the folder, and what they are.
    name
        What the user calls the folder.
    force
        Whether files of others are replaced; None where the user has no way to say so.
    sources
        Files that they are made from; they are not replaced, whatever `force` says.

    Raises
    ------
    Fault
        Where the folder cannot be made or written, or one of the files would replace what is not ours.
    """
    named = called(target, name)
    with telling(target, named):
        _look(target)
        found = next(folder for folder in (target, *target.absolute().parents) if folder.exists())
        if not found.is_dir():
            raise Fault(f"{named} cannot be a folder, {str(found)!r} is a file; name another.")
        if not os.access(found, os.W_OK | os.X_OK):
            raise Fault(f"{named} cannot be written, {str(found)!r} allows no writing; name another.")
        if target.is_dir():
            for place in holds:
                _refuse_sources(target / place, sources, f"{named}: {place}")
            refuse_taken(target, holds, named, force)


def refuse_taken(target: Path, holds: Mapping[str, Kind], named: str, force: bool | None) -> None:
    """Refuse where a folder holds what would be replaced and is not ours."""
    for place in holds:
        if _is_blocked(target, place):
            raise Fault(
                f"{named} must have room for the file {place} (a folder or a file is in its way); name another folder."
            )
    if not force:
        refuse_foreign([place for place, kind in holds.items() if _is_foreign(target / place, kind)], named, force)


def refuse_foreign(places: list[str], named: str, force: bool | None) -> None:
    """Refuse to replace files of others, if there are any."""
    if places:
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        raise Fault(
            f"{named} must hold no file of others where ours go (it holds {', '.join(places[:3])}{more}, which tocsin did not "
            f"write as part of it); name another folder{_or_force(named, force)}."
        )


def _is_blocked(target: Path, place: str) -> bool:
    above = [target / part for part in Path(place).parents if str(part) != "."]
    return (target / place).is_dir() or any(part.exists() and not part.is_dir() for part in above)


def check_file(
    target: Path,
    kind: Kind,
    name: str = "--out",
    *,
    suffix: str = "",
    force: bool | None = None,
    sources: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Refuse a file that cannot be written, before any work is done for it.

    Parameters
    ----------
    target
        The file.
    kind
        What it is going to be.
    name
        What the user calls it.
    suffix
        How its name has to end, such as ".parquet"; left out, anyhow.
    force
        Whether a file of others is replaced; None where the user has no way to say so.
    sources
        Files that it is made from; they are not replaced, whatever `force` says.

    Raises
    ------
    Fault
        Where the file cannot be made, or would replace what is not ours.
    """
    named = called(target, name)
    with telling(target, named):
        _look(target)
        if target.is_dir():
            raise Fault(
                f"{named} is a folder, allowed is a file; name one in it, such as {str(target / f'all{suffix}')!r}."
            )
        if target.exists() and not target.is_file():
            raise Fault(f"{named} is a device or a pipe, allowed is a file; name one.")
        if suffix and target.suffix != suffix:
            better = "all" if target.name.startswith(".") else target.stem
            raise Fault(f"{named} ends in {target.suffix!r}, allowed is {suffix!r}; name it {better + suffix!r}.")
        if not target.parent.is_dir():
            what = "is a file; name another" if target.parent.exists() else "does not exist; make it first"
            raise Fault(f"{named} cannot be written, the folder {str(target.parent)!r} {what}.")
        _refuse_sources(target, sources, named)
        if _is_foreign(target, kind) and not force:
            raise Fault(
                f"{named} must be a new file or a {described(kind)} (another file is there); name another"
                f"{_or_force(named, force)}."
            )
        if target.exists() and not os.access(target, os.W_OK):
            raise Fault(
                f"{named} cannot be written, the file there is write-protected; change its rights, or name another."
            )
        _try(target.parent, named)


def _look(target: Path) -> None:
    """Let the system say what is wrong with a path, such as that it is too long."""
    with suppress(FileNotFoundError, NotADirectoryError):
        target.lstat()


def _try(folder: Path, named: str) -> None:
    """Write an empty file in a folder and take it away; what a file system allows is not always written on it."""
    tried = unfinished(folder)
    try:
        tried.touch()
        tried.unlink()
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise Fault(f"{named} cannot be written, {str(folder)!r} allows no writing; name another.") from error


def _refuse_sources(target: Path, sources: Iterable[str | os.PathLike[str]], named: str) -> None:
    if not target.exists():
        return
    for source in map(Path, sources):
        if source.exists() and source.samefile(target):
            raise Fault(f"{named} must not replace {str(source)!r}, which it is made from; name another.")


def _is_foreign(path: Path, kind: Kind) -> bool:
    """Whether something stands at a place that is not ours; an empty file is nobody's, a link to nothing is somebody's."""
    if not os.path.lexists(path):
        return False
    if path.is_file() and path.stat().st_size == 0:
        return False
    try:
        return not is_ours(path, kind)
    except OSError:
        return True


def called(target: Path, name: str) -> str:
    """Return a place as messages call it, such as "--out 'run'"."""
    if "\0" in str(target):
        raise Fault(f"{name} {str(target)!r} must be a path (it holds a NUL character); correct it.")
    if any("\ud800" <= char <= "\udfff" for char in str(target)):  # polars takes no such path
        raise Fault(f"{name} {str(target)!r} must be a path in UTF-8 (it is in another encoding); name another.")
    return f"{name} {str(target)!r}"


def _or_force(named: str, force: bool | None) -> str:
    if force is None:
        return ", or take it away first"
    return ", or add --force" if named.startswith("--") else ", or give force=True"
