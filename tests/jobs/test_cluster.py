"""Sweeps on a local Ray cluster: the same bits, whoever is killed."""

import importlib.util
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from engine.cli import main
from engine.jobs.progress import status
from tests.jobs.conftest import edit, files, started
from tests.jobs.test_running import SCRIPT, at_work, waited_for

with_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for workers in /proc")


def workers(job: int) -> list[int]:
    """Give the processes of Ray workers that descend from a job."""
    parents, titles = {}, {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdecimal():
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                titles[int(folder.name)] = (folder / "cmdline").read_bytes()

    def descends(process: int) -> bool:
        while process in parents and process != job:
            process = parents[process]
        return process == job

    return sorted(
        process
        for process, title in titles.items()
        if title.startswith((b"ray::IDLE", b"ray::_walk")) and descends(process)
    )


def test_without_ray_it_says_how_to_get_it(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    assert main(["sweep", "job.toml", "--out", "out", "--cluster", "local"]) == 2
    assert "install the extra: pip install 'tocsin[cluster]'" in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.parametrize("address", ["foo", "ray://head", "", "Local"])
@pytest.mark.parametrize("where", [("--out", "out"), ("--dry-run",)])
def test_what_is_no_address_is_refused_before_anything_is_written(
    address: str, where: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "job.toml", *where, "--cluster", address]) == 2
    said = f"--cluster is {address!r}, allowed are local, auto and ray://HOST:PORT; give one of them.\n"
    assert capsys.readouterr().err == said
    assert not Path("out").exists()


@with_ray
@pytest.mark.parametrize("where", [(), ("--cluster", "local")])
def test_what_is_no_device_is_refused_before_anything_is_written(
    where: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "job.toml", "--out", "out", "--device", "foo", *where]) == 2
    assert capsys.readouterr().err.startswith("device is 'foo', allowed are 'auto', 'cpu', 'cuda'")
    assert not Path("out").exists()


@with_ray
def test_a_cluster_leaves_the_same_files_though_a_worker_is_killed(here: Path) -> None:
    Path("own.py").write_text(SCRIPT)
    edit(
        lambda job: (
            job.replace('"short_bubble_warning"', '"own.py:BuyTheWarning"') + "[splits]\ntrain = 200\ntest = 120\n"
        )
    )
    edit(lambda job: job.replace("count = 20", "count = 80"))
    job = started("sweep", "job.toml", "--out", "out", "--cluster", "local")
    waited_for(here / "out", 3)
    killed = workers(job.pid)[:1]
    assert killed
    for process in killed:
        os.kill(process, signal.SIGKILL)
    _, said = job.communicate()
    assert job.returncode == 0, said
    assert main(["sweep", "job.toml", "--out", "undisturbed"]) == 0
    assert files(here / "out") == files(here / "undisturbed")


@with_ray
@pytest.mark.slow
def test_a_cluster_that_is_killed_thirty_times_leaves_the_same_files(here: Path) -> None:
    edit(lambda job: job.replace("count = 20", "count = 40960").replace("chunk = 64", "chunk = 32768"))
    chance, seen = random.Random(3), []
    job = started("sweep", "job.toml", "--out", "out", "--cluster", "local", "--resume")
    for kill in range(30):
        at_work(here / "out", job)
        have = len(list(here.glob("out/chunks/chunk-*")))
        time.sleep(chance.uniform(0, 3))
        if kill % 3:
            for process in chance.sample(found := workers(job.pid), min(len(found), 1)):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                seen.append((have, "worker"))
            continue
        job.kill()
        job.communicate()
        seen.append((have, "driver"))
        job = started("sweep", "job.toml", "--out", "out", "--cluster", "local", "--resume")
    _, said = job.communicate()
    assert job.returncode == 0, said
    print(f"killed with {seen} of 50 chunks")
    assert len(list(here.glob("out/chunks/*"))) == 50
    assert main(["sweep", "job.toml", "--out", "undisturbed"]) == 0
    assert files(here / "out") == files(here / "undisturbed")


@with_ray
def test_a_signal_on_a_cluster(here: Path) -> None:
    edit(lambda job: job.replace("count = 20", "count = 20000").replace("chunk = 64", "chunk = 1024"))
    job = started("sweep", "job.toml", "--out", "out", "--cluster", "local")
    waited_for(here / "out", 2)
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate()
    assert job.returncode == 143, said
    kept = len(list(here.glob("out/chunks/*")))
    assert (
        f"{kept} of 782 chunks are kept. Go on with: tocsin sweep job.toml --out out --cluster local --resume" in said
    )
    assert status(here / "out")["state"] == "stopped"
