"""Sweeps on a local Ray cluster: the same bits, whoever is killed."""

import importlib.util
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.cli import main
from engine.faults import Failure
from engine.jobs.cluster import Cluster
from engine.jobs.job import Job
from engine.jobs.progress import status
from engine.jobs.work import Work
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


class Dying(Exception):
    """What Ray raises when a worker is gone."""


class FakeRay:
    """A cluster of one process, whose workers die as often as they are told to; what it is asked for, in order."""

    def __init__(self, resources: dict[str, float], machines: int, deaths: dict[int, int]) -> None:
        self.resources, self.machines, self.deaths = resources, machines, deaths
        self.exceptions = SimpleNamespace(RayTaskError=ZeroDivisionError, RayError=Dying)
        self.asked: list[int] = []

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def nodes(self) -> list[dict[str, bool]]:
        return [{"Alive": number < self.machines} for number in range(self.machines + 1)]

    def put(self, value: Any) -> Any:
        return value

    def remote(self, **_: Any) -> Callable[[Any], Any]:
        return lambda _: SimpleNamespace(remote=self.start)

    def start(self, _: Any, number: int, __: str) -> list[int]:
        self.asked.append(number)
        return Reference([number])

    def wait(self, references: list[list[int]], num_returns: int) -> tuple[list[list[int]], list[list[int]]]:
        return references[:num_returns], references[num_returns:]

    def get(self, reference: list[int]) -> str:
        number = reference[0]
        if self.deaths.get(number, 0):
            self.deaths[number] -= 1
            raise Dying("\x1b[33mThe worker died\x1b[0m: lease 0300000001000000ffff\nmore")
        return f"chunk {number}"


class Reference(list[int]):
    """One that may be a key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


@pytest.mark.parametrize(
    ("resources", "machines", "device", "says"),
    [
        ({"CPU": 1}, 1, "cpu", "On Ray: 1 CPU of 1 machine."),
        ({"CPU": 2.0}, 1, "cpu", "On Ray: 2 CPUs of 1 machine."),
        ({"CPU": 4}, 2, "cpu", "On Ray: 4 CPUs of 2 machines."),
        ({"CPU": 1, "GPU": 1}, 1, "cuda", "On Ray: 1 GPU of 1 machine."),
        ({"CPU": 1, "GPU": 8}, 1, "cuda:0", "On Ray: 8 GPUs of 1 machine."),
        ({"CPU": 4096}, 1024, "cpu", "On Ray: 4,096 CPUs of 1,024 machines."),
    ],
)
def test_what_there_is_is_counted_in_words(resources: dict[str, float], machines: int, device: str, says: str) -> None:
    said: list[str] = []
    Cluster(FakeRay(resources, machines, {}), SimpleNamespace(work=None), device, said.append)  # type: ignore[arg-type]
    assert said == [says]


@pytest.mark.parametrize("deaths", [{}, {0: 1}, {3: 2}, {0: 1, 5: 3, 9: 1}, {7: 20}, dict.fromkeys(range(10), 2)])
def test_a_chunk_whose_worker_died_is_done_again_and_said(deaths: dict[int, int]) -> None:
    said: list[str] = []
    ray = FakeRay({"CPU": 2}, 1, dict(deaths))
    cluster = Cluster(ray, SimpleNamespace(work=None), "cpu", said.append)  # type: ignore[arg-type]
    found = list(cluster.chunks(list(range(10)), lambda: False))
    assert sorted(map(str, found)) == [f"chunk {number}" for number in range(10)]
    assert said[1:] == ["A worker died; its chunk is done again."] * sum(deaths.values())
    assert Counter(ray.asked) == {number: 1 + deaths.get(number, 0) for number in range(10)}


def test_a_chunk_whose_workers_always_die_ends_the_sweep_in_a_sentence() -> None:
    ray = FakeRay({"CPU": 2}, 1, {4: 1000})
    cluster = Cluster(ray, SimpleNamespace(work=None), "cpu", lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(
        Failure, match=r"^Chunk 4 was lost with its worker 21 times \(.*\); see what ends the workers\.$"
    ) as caught:
        list(cluster.chunks(list(range(10)), lambda: False))
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_machine_with_another_strategy_is_refused(here: Path) -> None:
    Path("own.py").write_text(SCRIPT)
    edit(lambda job: job.replace('"short_bubble_warning"', '"own.py:BuyTheWarning"'))
    work = Work.of(Job.read(Path("job.toml")), "")
    assert work.load("The machine 10.0.0.7").__name__ == "BuyTheWarning"
    elsewhere = replace(work, strategy_parts={**work.strategy_parts, "rule": "another"})
    with pytest.raises(
        Failure, match=r"^The machine 10\.0\.0\.7 has another buy_the_warning than the machine that started the sweep"
    ):
        elsewhere.load("The machine 10.0.0.7")


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
    printed, said = job.communicate()
    assert job.returncode == 0, said
    assert "A worker died; its chunk is done again." in said
    for raw in ("raylet", "ease", "retries", "\x1b"):  # nothing of Ray's own
        assert raw not in printed + said.replace("released", "")
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
