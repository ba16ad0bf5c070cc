"""The folder of a job: what is written is whole, and what cannot be written is said."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from engine.cli import main
from engine.faults import Failure, Fault
from engine.jobs.chunks import Folder, note_of, to_parquet
from tests.jobs.conftest import edit, files

TABLE = pa.table({"lane": [1, 2, 3]})


def note(job: str, number: int) -> dict[str, object]:
    return {"job": job, "chunk": number, "lanes": 3}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 192 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=192k", "tocsin", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_the_same_table_is_the_same_bytes() -> None:
    raw = to_parquet(TABLE, note("a", 0))
    assert raw == to_parquet(pa.table({"lane": [1, 2, 3]}), note("a", 0))
    assert note_of(raw) == note("a", 0)


def test_a_survey_tells_good_damaged_and_strange_chunks(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.survey("a")
    for number, job in enumerate("aaab"):
        folder.put(number, to_parquet(TABLE, note(job, number)))
    chunks = sorted((tmp_path / "chunks").iterdir())
    chunks[1].write_bytes(chunks[1].read_bytes() + b"0")
    chunks[2].write_bytes(b"")
    (tmp_path / "chunks" / ".chunk-000004.parquet.1.tmp").write_bytes(b"PAR1")
    (tmp_path / "chunks" / "notes.txt").write_text("mine")
    found = folder.survey("a")
    assert (list(found.done), found.damaged, found.strangers) == ([0], [1, 2], [chunks[3]])
    folder.put(1, to_parquet(TABLE, note("a", 1)))
    assert list(folder.survey("a").done) == [0, 1]
    # the half-written file is gone, a file that is not ours is not
    assert len(list((tmp_path / "chunks").iterdir())) == 5


def test_a_good_chunk_beside_a_damaged_one_of_its_number_is_enough(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.survey("a")
    good = folder.put(0, to_parquet(TABLE, note("a", 0)))
    good.with_name(f"chunk-000000-{'0' * 32}.parquet").write_bytes(b"")
    found = folder.survey("a")
    assert (list(found.done), found.damaged) == ([0], [])


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    folder.survey("a")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failure, match=r"disk of .* is full: chunks/chunk-000000-.* could not be written; make room"):
        folder.put(0, b"raw")
    assert list((tmp_path / "chunks").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "is full"), (errno.EDQUOT, "quota"), (errno.ESTALE, "is gone or does not answer (Stale file handle)"),
        (errno.EIO, "see to its disk or mount"), (errno.ENOENT, "is gone"), (errno.EMFILE, "cannot be written (Too many open files)"),
    ],
)  # fmt: skip
def test_why_a_folder_cannot_be_written_is_said(number: int, says: str, tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught, Folder(tmp_path).telling("chunk 7"):
        raise OSError(number, os.strerror(number))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        ((), True),
        ((".hidden",), True),
        (("lock", "chunks", ".manifest.json.7.tmp"), True),
        (("top.parquet",), False),
        (("sweep.json", "lock"), False),
        (("chunks",), False),
        (("manifest.json", "top.parquet"), False),
        (("chunks/chunk-000000-" + "0" * 32 + ".parquet", "top.parquet"), True),
    ],
)
def test_a_folder_of_somebody_elses_is_refused(names: tuple[str, ...], allowed: bool, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('["mine"]')
    if allowed:
        Folder(tmp_path).refuse_others()
        Folder(tmp_path / "new").refuse_others()
        return
    with pytest.raises(Fault, match=f"holds '{names[0]}' and no sweep, allowed is a new or empty folder") as caught:
        Folder(tmp_path).refuse_others()
    assert "\n" not in str(caught.value)


def test_a_sweep_writes_over_no_files_but_its_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(lambda job: job.replace("to = 40", "to = 2"))
    (here / "out").mkdir()
    (here / "out" / "top.parquet").write_text("mine")
    for more in ((), ("--resume",)):
        assert main(["sweep", "job.toml", "--out", "out", *more]) == 2
        assert "holds 'top.parquet' and no sweep" in capsys.readouterr().err
    assert [file.read_text() for file in (here / "out").iterdir()] == ["mine"]
    (here / "out" / "top.parquet").unlink()
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    assert main(["sweep", "job.toml", "--out", "out", "--resume"]) == 0


def test_two_locks(tmp_path: Path) -> None:
    with Folder(tmp_path / "out").locked():
        assert Folder(tmp_path / "out").is_held()
        with (
            pytest.raises(Fault, match=rf"written by another sweep \(process {os.getpid()} on "),
            Folder(tmp_path / "out").locked(),
        ):
            pass
    assert not Folder(tmp_path / "out").is_held()


def test_a_full_disk(here: Path, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(
        lambda job: job + "[keep]\ntable = true\n"
    )  # 800 lanes of 23 metrics, 4 bytes each: more than half of the disk, with the rest
    (small / "ballast").write_bytes(bytes(120_000))
    assert main(["sweep", "job.toml", "--out", str(small / "out")]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"The disk of {small / 'out'} is full: ")
    assert " of 13 chunks are kept; go on with: tocsin sweep job.toml --out " in said
    (small / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=4m", str(small)], check=True)
    assert main(["sweep", "job.toml", "--out", str(small / "out"), "--resume"]) == 0
    assert main(["sweep", "job.toml", "--out", "undisturbed"]) == 0
    assert files(small / "out") == files(here / "undisturbed")


@pytest.mark.parametrize("begun", [False, True])
def test_a_disk_that_allows_no_writing(
    begun: bool, here: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(lambda job: job.replace("to = 40", "to = 2"))
    subprocess.run(["mount", "-o", "remount,size=4m", str(small)], check=True)
    if begun:
        assert main(["sweep", "job.toml", "--out", str(small)]) == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    assert main(["sweep", "job.toml", "--out", str(small), "--resume"]) == 2
    assert "cannot be written" in capsys.readouterr().err
