"""What is written is whole, what cannot be written is said in one sentence, and what was there before is as it was."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from benchmarks import records
from engine import Events, Failure, Fault, Market, Run, backtest, sweep
from engine.cli import main
from strategies import SmaCross

SEEDS = Path(__file__).parents[1] / "seeds"
PRICES = "Date,Open,High,Low,Close\n2025-01-06,10,11,9,10\n2025-01-07,10,11,9,10\n"
Write = Callable[[Path], object]


@cache
def market() -> Market:
    return Market.sample()


@cache
def run(fast: int = 10) -> Run:
    return backtest(SmaCross(fast=fast), market())


#: How each file comes to be in Python: what it is called, what makes it.
FILES: dict[str, tuple[str, Write]] = {
    "market": ("prices.parquet", lambda file: market().write(file)),
    "events": ("events.parquet", lambda file: Events.sample().write(file)),
    "lanes": (
        "lanes.parquet",
        lambda file: sweep(SmaCross, market(), fast=range(2, 40), slow=range(40, 90), write=file),
    ),
    "page": ("run.html", lambda file: run().report(file)),
    "record": ("record.json", lambda file: records.write({**records.new("tiny"), "padding": "x" * 20_000}, file)),
}
#: And folders.
FOLDERS: dict[str, tuple[str, Write]] = {"run": ("run", lambda folder: run().write(folder))}
WRITERS = FILES | FOLDERS


def contents(folder: Path) -> dict[str, bytes | str]:
    """Everything in a folder by name, hidden things too; links as what they point at."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else "folder"
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB that is all but full."""
    place = tmp_path / "disk"
    place.mkdir()
    given = ["mount", "-t", "tmpfs", "-o", "size=4m", "tocsin", str(place)]
    if subprocess.run(given, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave one page of memory, in which the shortest file has room and no other."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / "ballast").write_bytes(bytes(free - 4096))


# A disk that is full, and what else a system says


@pytest.mark.parametrize("again", [False, True])
# A sweep looks at the room on the disk before it walks, and refuses.
@pytest.mark.parametrize("name", [name for name in WRITERS if name != "lanes"])
def test_a_full_disk_is_said_and_leaves_what_was_there(name: str, again: bool, disk: Path) -> None:
    file, write = WRITERS[name]
    if again:
        write(disk / file)
    fill(disk)
    before = contents(disk)
    with pytest.raises(Failure) as failed:
        write(disk / file)
    assert (
        str(failed.value) == f"The disk of {disk} is full: {file} could not be written; make room, or raise the quota."
    )
    assert contents(disk) == before
    (disk / "ballast").unlink()
    write(disk / file)
    assert set(contents(disk)) - {file} == {key for key in contents(disk) if key.startswith(f"{file}/")}


@contextmanager
def limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", WRITERS)
def test_a_limit_on_the_size_of_files_is_said(name: str, tmp_path: Path) -> None:
    file, write = WRITERS[name]
    write(tmp_path / file)
    before = contents(tmp_path)
    with limit(5_000), pytest.raises(Failure, match="is larger than the system allows"):
        write(tmp_path / file)
    assert contents(tmp_path) == before


SAYS = {
    errno.ENOSPC: (Failure, "is full"), errno.EDQUOT: (Failure, "raise the quota"), errno.EIO: (Failure, "is gone or does not answer"),
    errno.ESTALE: (Failure, "see to its disk or mount"), errno.EROFS: (Fault, "cannot be written (Read-only file system)"),
    errno.EACCES: (Fault, "change its rights, or name another"), errno.EPERM: (Fault, "cannot be written"),
    errno.ENAMETOOLONG: (Fault, "give a shorter one"), errno.ENOTDIR: (Fault, "cannot be written (Not a directory)"),
    errno.EMFILE: (Failure, "cannot be written (Too many open files)"),
}  # fmt: skip


@pytest.mark.parametrize("number", SAYS)
@pytest.mark.parametrize("name", ["events", "run"])
def test_whatever_the_system_says_is_one_sentence(
    name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file, write), (kind, says) = WRITERS[name], SAYS[number]

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(kind) as failed:
        write(tmp_path / file)
    assert says in str(failed.value)
    assert "\n" not in str(failed.value)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("x" * 300, "(File name too long)"),
        ("file/{}", "file"),
        ("a\0b", "NUL"),
        ("link-to-itself/{}", "link-to-itself"),
    ],
)
def test_a_path_that_cannot_be_is_a_fault(name: str, place: str, says: str, tmp_path: Path) -> None:
    file, write = WRITERS[name]
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link-to-itself").symlink_to("link-to-itself")
    before = contents(tmp_path)
    with pytest.raises(Fault) as refused:
        write(tmp_path / (place.format(file) if "{}" in place else place + Path(file).suffix))
    assert says in str(refused.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_allows_no_writing_is_a_fault(name: str, disk: Path) -> None:
    file, write = WRITERS[name]
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(Fault, match=r"cannot be written, .* allows no writing; name another"):
        write(disk / file)


COMMANDS: dict[str, tuple[str, ...]] = {
    "prices": ("prices", "import", "A.csv", "--out", "DISK/p.parquet"),
    "backtest": ("backtest", "sma_cross", "--prices", "prices.parquet", "--out", "DISK/run"),
    "read": ("read", str(SEEDS / "digests"), "--sidecar", str(SEEDS / "sidecar.toml"), "--out", "DISK/e.parquet"),
    "report": ("report", "run", "--out", "DISK/run.html"),
    "report in its folder": ("report", "DISK/own"),
    "demo": ("demo", "--out", "DISK/demo"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_in_every_command(name: str, here: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("A.csv").write_text(PRICES)
    market().write("prices.parquet")
    run().write("run")
    run().write(disk / "own")
    fill(disk)
    before = contents(disk)
    assert main([part.replace("DISK", str(disk)) for part in COMMANDS[name]]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith("The disk of ")
    assert "is full: " in said.err
    assert "bug" not in said.err
    assert ".tocsin-" not in said.err
    assert contents(disk) == before


def test_a_full_disk_leaves_no_table_of_sources_without_its_events(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Events, "write", full)
    given = COMMANDS["read"][:4]
    assert main([*given, "--out", "e.parquet", "--sources", "s.parquet"]) == 1
    assert "is full" in capsys.readouterr().err
    assert contents(here) == {}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_command_that_is_stopped_leaves_nothing(number: int, status: int, here: Path) -> None:
    Path("A.csv").write_text(PRICES)
    stopped = f"""
import os, sys, polars as pl
from engine.cli import main
write = pl.DataFrame.write_parquet
def stop(self, file, **options):
    write(self, file, **options)
    os.kill(os.getpid(), {int(number)})
pl.DataFrame.write_parquet = stop
sys.exit(main(["prices", "import", "A.csv", "--out", "p.parquet"]))
"""
    done = subprocess.run([sys.executable, "-c", stopped], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert done.stderr == "Stopped before the end; no half-written file is left.\n"
    assert list(contents(here)) == ["A.csv"]
