"""A job from file to results: what it leaves, what it keeps, what it refuses."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Events, Market, sweep
from engine.cli import main
from engine.jobs import work
from engine.jobs.progress import status
from kernels.metrics import METRICS
from strategies import ShortBubbleWarning
from tests.jobs.conftest import edit, files, started

SCRIPT = '''
from engine import KEEP, Channel, Strategy, param

class BuyTheWarning(Strategy):
    """Buy what is warned of."""

    channels = {"warn": Channel(kinds=("bubble_warning",))}
    watch = "events"
    weight: float = param(0.1, 0.0, 2.0, "share of equity an entry")

    @staticmethod
    def rule(warn_new, weight):
        return weight if warn_new > 0.1 else KEEP
'''


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Run a command that ends with a status, and give what it said on standard error."""
    capsys.readouterr()
    found = main(["sweep", "job.toml", "--out", "out", *arguments])
    said = capsys.readouterr()
    assert found == status, said.err
    assert "Traceback" not in said.err
    return said.err


# What it leaves


def test_a_job_finds_what_a_sweep_finds(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys)
    market, events = Market.read("prices.parquet"), Events.read("events.parquet")
    axes: dict[str, Any] = {"hold": range(1, 41), "stop": np.round(np.linspace(0.02, 0.3, 20), 12)}
    same = sweep(ShortBubbleWarning, market, events, **axes)
    best = pl.read_parquet("out/top.parquet").filter(pl.col("rank") <= 5)
    exact = sweep(ShortBubbleWarning, market, events, precision="float64", **axes).table
    distinct = exact.fill_nan(None).unique(
        METRICS, keep="first", maintain_order=True
    )  # lanes of one result are shown once
    expected = distinct.sort("sharpe", "final_equity", descending=True, nulls_last=True).head(5)
    assert best.select("lane", "hold", "stop", *METRICS).equals(expected.select("lane", "hold", "stop", *METRICS))
    alike = exact.fill_nan(None).join(best, on=METRICS, how="semi", nulls_equal=True).group_by(METRICS).len()
    assert best["shared"].sum() == alike["len"].sum()
    marginal = pl.read_parquet("out/marginals.parquet").filter(parameter="hold", metric="sharpe")
    assert marginal.select(hold="value", mean="mean", best="best", count="count").equals(
        same.marginal("hold", "sharpe")
    )
    heat = pl.read_parquet("out/heatmaps.parquet").filter(metric="calmar")
    assert heat.select(hold="x_value", stop="y_value", mean="mean", best="best", count="count").equals(
        same.heatmap("hold", "stop", "calmar")
    )
    bins = pl.read_parquet("out/histograms.parquet").filter(metric="total_return")
    assert bins.drop("metric").equals(same.histogram("total_return"))
    document = json.loads(Path("out/sweep.json").read_text())
    assert document["periods"][0]["winner"]["lane"] == expected["lane"][0]
    assert status(Path("out"))["state"] == "finished"
    assert status(Path("out"))["lanes_done"] == 800


def test_the_size_of_chunks_and_keeping_every_lane_change_no_result(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys)
    edit(lambda job: job.replace("chunk = 64", "chunk = 300") + "[keep]\ntable = true\n")
    assert main(["sweep", "job.toml", "--out", "other"]) == 0
    results = [
        {name: raw for name, raw in files(here / folder).items() if "/" not in name and name.endswith(".parquet")}
        for folder in ("out", "other")
    ]
    assert len(results[0]) == 5
    assert results[0] == results[1]
    lanes = pl.read_parquet("other/chunks/*.parquet")
    market, events = Market.read("prices.parquet"), Events.read("events.parquet")
    axes: dict[str, Any] = {"hold": range(1, 41), "stop": np.round(np.linspace(0.02, 0.3, 20), 12)}
    assert lanes.equals(sweep(ShortBubbleWarning, market, events, **axes).table)


@pytest.mark.parametrize(
    ("grid", "lanes"),
    [
        (
            'kind = "random"\nlanes = 100\nwhere = "hold > 5"\n[grid.parameters]\nhold = {from = 1, to = 40}\nstop = [0.1, 0.2]',
            100,
        ),
        ('kind = "sobol"\nlanes = 130\n[grid.parameters]\nstop = {from = 0.01, to = 0.5, log = true}', 130),
        ('kind = "table"\ntable = "sets.csv"', 3),
        (
            'where = "hold < 3 or stop > 0.25"\n[grid.parameters]\nhold = [1, 2, 3, 4]\nstop = [0.1, 0.3]\ntake = "none"',
            6,
        ),
    ],
)
def test_every_kind_of_grid(grid: str, lanes: int, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sets.csv").write_text("hold,stop\n5,0.1\n10,0.2\n20,0.3\n")
    edit(lambda job: job[: job.index("[grid.parameters]")] + f"[grid]\n{grid}\n[run]\nseed = 7\nchunk = 64\n")
    told(capsys)
    assert json.loads(Path("out/manifest.json").read_text())["lanes"] == lanes


def test_dry_run_writes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "job.toml", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["lanes"], found["chunks"], found["lanes_a_chunk"]) == (800, 13, 64)  # 12 of 64 and one of 32
    assert not Path("out").exists()
    told(capsys)
    assert json.loads(Path("out/manifest.json").read_text())["fingerprint"] == found["fingerprint"]


# What it keeps


def test_resume_does_what_is_missing_and_nothing_else(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys)
    before, inodes = files(here / "out"), {f: f.stat().st_ino for f in Path("out/chunks").iterdir()}
    chunks = sorted(inodes)
    flipped = bytearray(chunks[2].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    chunks[2].write_bytes(flipped)
    chunks[5].write_bytes(chunks[5].read_bytes()[:-9])
    chunks[7].unlink()
    (here / "out/chunks/.chunk-000008-0.parquet.99.tmp").write_bytes(b"half")
    said = told(capsys, "--resume")
    assert said.count("is damaged") == 2
    assert "Chunk 2 is damaged" in said
    assert "Chunk 5 is damaged" in said
    assert files(here / "out") == before
    again = {f for f in chunks if f.stat().st_ino != inodes[f]}
    assert again <= {chunks[2], chunks[5], chunks[7]}
    assert "Nothing is missing" in told(capsys, "--resume")


def test_without_a_manifest_the_chunks_say_what_they_are_of(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys)
    before = files(here / "out")
    for name in ("manifest.json", "sweep.json"):
        Path("out", name).unlink()
    assert "13 chunks in the folder are of this job" in told(capsys, "--resume")
    assert files(here / "out") == before
    for text in ("{", "[]", "{}", '{"fingerprint": "a"}', '{"format": "sweep 2", "fingerprint": "a", "parts": []}'):
        Path("out/manifest.json").write_text(text)
        assert "13 chunks in the folder are of this job" in told(capsys, "--resume")
        assert files(here / "out") == before
    Path("out/manifest.json").write_text("{")
    edit(lambda job: job.replace("to = 40", "to = 39"))
    assert "13 chunks of another job" in told(capsys, "--resume", status=2)


def cheaper(market: Market) -> Market:
    """Halve one price."""
    first = pl.int_range(pl.len()) == 0
    frame = market.frame.with_columns(low=pl.when(first).then(pl.col("low") / 2).otherwise(pl.col("low")))
    return Market.build(frame, market.opens, market.sessions, market.findings, market.metadata)


# What stops it


class CUDARuntimeError(RuntimeError):
    """What CuPy raises when a device is lost."""


CUDARuntimeError.__module__ = "cupy_backends.cuda.api.runtime"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            CUDARuntimeError("cudaErrorECCUncorrectable: uncorrectable ECC error"),
            "The GPU does not answer (CUDARuntimeError: cudaError",
        ),
        (MemoryError(), "The memory does not suffice for a chunk"),
    ],
)
def test_what_breaks_is_said_and_nothing_is_lost(
    error: Exception, says: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = work.Walker.chunk

    def breaks(self: work.Walker, number: int) -> work.Chunk:
        if number == 4:
            raise error
        return whole(self, number)

    with monkeypatch.context() as patched:
        patched.setattr(work.Walker, "chunk", breaks)
        said = told(capsys, status=1)
    assert says in said
    assert "4 of 13 chunks are kept; go on with: tocsin sweep job.toml --out out --resume" in said
    assert status(Path("out"))["state"] == "failed"
    told(capsys, "--resume")
    assert main(["sweep", "job.toml", "--out", "undisturbed"]) == 0
    assert files(here / "out") == files(here / "undisturbed")


def waited_for(out: Path, chunks: int) -> None:
    """Wait until a job has some chunks; on a busy machine, its workers first compile for minutes."""
    until = time.monotonic() + 300
    while len(list(out.glob("chunks/chunk-*"))) < chunks:
        assert time.monotonic() < until
        time.sleep(0.01)


def at_work(out: Path, job: subprocess.Popen[str]) -> None:
    """Wait until a job has begun to walk chunks, or has ended."""
    until = time.monotonic() + 60
    while job.poll() is None:
        if (out / "progress.json").exists() and status(out)["process"] == job.pid:
            return
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_finishes_the_chunk(number: int, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(lambda job: job.replace("count = 20", "count = 2000").replace("chunk = 64", "chunk = 1024"))
    job = started("sweep", "job.toml", "--out", "out")
    waited_for(here / "out", 2)
    job.send_signal(number)
    _, said = job.communicate()
    assert job.returncode == 128 + number
    assert "Stopping after the running chunk" in said
    kept = len(list(Path("out/chunks").iterdir()))
    assert f"Stopped: {kept} of 79 chunks are kept. Go on with: tocsin sweep job.toml --out out --resume\n" in said
    assert "Traceback" not in said
    assert main(["status", "out"]) == 0
    assert "stopped" in capsys.readouterr().out


def test_the_second_signal_stops_at_once(here: Path) -> None:
    edit(lambda job: job.replace("count = 20", "count = 200000").replace("chunk = 64", "chunk = 8000000"))
    job = started("sweep", "job.toml", "--out", "out")
    at_work(here / "out", job)
    time.sleep(0.5)
    job.send_signal(signal.SIGINT)
    assert job.stderr
    while "Stopping" not in job.stderr.readline():
        pass
    job.send_signal(signal.SIGINT)
    _, said = job.communicate()
    assert job.returncode == 130
    assert "Stopped at once; go on with: tocsin sweep job.toml --out out --resume" in said
    assert status(here / "out")["state"] == "killed"


def test_two_jobs_in_one_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(lambda job: job.replace("count = 20", "count = 20000").replace("chunk = 64", "chunk = 1024"))
    job = started("sweep", "job.toml", "--out", "out")
    try:
        waited_for(here / "out", 1)
        said = told(capsys, "--resume", status=2)
        assert f"is being written by another sweep (process {job.pid} on " in said
        assert status(here / "out")["state"] == "running"
    finally:
        job.kill()
        job.communicate()
    assert status(here / "out")["state"] == "killed"


def kill_and_resume(here: Path, kills: int, a_chunk: int, seed: int) -> None:
    """Kill a sweep of 50 chunks at random moments, resume it each time, and hold what it leaves against an undisturbed run."""
    edit(
        lambda job: job.replace("count = 20", f"count = {a_chunk * 50 // 40}").replace(
            "chunk = 64", f"chunk = {a_chunk}"
        )
    )
    job = started("sweep", "job.toml", "--out", "undisturbed")
    at_work(here / "undisturbed", job)
    begun = time.monotonic()
    waited_for(here / "undisturbed", 1)
    first = time.monotonic() - begun
    job.communicate()
    each = (time.monotonic() - begun - first) / kills
    assert job.returncode == 0
    assert len(list(Path("undisturbed/chunks").iterdir())) == 50
    chance, seen = random.Random(seed), []
    for _ in range(kills):
        job = started("sweep", "job.toml", "--out", "out", "--resume")
        at_work(here / "out", job)
        time.sleep(chance.uniform(0, first + 3 * each))
        job.kill()
        job.communicate()
        seen.append(len(list(here.glob("out/chunks/chunk-*"))))
    print(f"killed with {seen} of 50 chunks")
    job = started("sweep", "job.toml", "--out", "out", "--resume")
    _, said = job.communicate()
    assert job.returncode == 0, said
    assert files(here / "out") == files(here / "undisturbed")


def test_a_sweep_that_is_killed_ends_in_the_same_files(here: Path) -> None:
    kill_and_resume(here, 2, 1024, seed=1)


@pytest.mark.slow
def test_a_sweep_that_is_killed_thirty_times_ends_in_the_same_files(here: Path) -> None:
    kill_and_resume(here, 30, 8192, seed=2)
