"""The GPU benchmark: alone on a processor, without what only the rest of Tocsin needs; and whole, on devices of numpy (fake_cuda)."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_cuda import Machine

import strategies
from benchmarks import gpu
from benchmarks.gpu_jobs import OURS, parity_jobs
from benchmarks.gpu_parity import Difference
from engine.compile import compiled_run
from engine.strategy import Strategy
from kernels import layout as at
from kernels import static
from kernels.launch import CpuLauncher
from kernels.layout import Bars, News, Plan, no_record
from kernels.metrics import METRICS, measure_all
from kernels.rules import Terms

ISSUE = gpu.issue  # which most tests here replace

#: The command, where none of these can be imported.
ALONE = """
import sys

BLOCKED = {"polars", "pydantic", "exchange_calendars", "typer", "rich", "pandas", "pyarrow"}


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is not on this machine")


sys.meta_path.insert(0, Refuse())
from benchmarks.gpu import main

status = main(sys.argv[1:])
assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
sys.exit(status)
"""


def test_it_runs_on_a_processor_with_few_packages(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        ALONE,
        "--out",
        str(tmp_path),
        "--device",
        "cpu",
        "--quick",
        "--workers",
        "1",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert {part["status"] for part in found["parts"].values()} == {"done"}
    assert {"device", "throughput dense", "throughput narrative", "throughput one_asset"} < set(found["parts"])
    for strategy in OURS:
        told = found["parts"][f"parity {strategy.name()} float32"]["against_cpu_float64"]
        assert told["happened"]["closed_trades"] > 0
        assert told["largest_relative_difference"] < 0.5
    assert len(done.stdout.splitlines()) == len(found["parts"]), "a line for each part"


def jit(kernel: Any) -> Any:
    """The kernels as functions of whole tables: the walk of the strategy that a kernel is named after, on the CPU."""
    from kernels import measuring  # noqa: PLC0415 - needs numba-cuda

    def measure(lanes: Any, *rest: Any) -> None:
        *basis, out = rest
        measure_all(lanes, *basis, out[: len(METRICS)])
        out[len(METRICS)] = lanes[at.FAULTS]

    def walk(*args: Any) -> None:
        *given, params, lanes = args
        kind = params.dtype.type
        bars, news = Bars(*given[:5]), News(*given[5:9])
        constants = re.search(r"Plan\(order, (.*)\)", inspect.getsource(kernel))
        assert constants is not None
        plan = Plan(given[-1], *ast.literal_eval(f"({constants[1]})"))
        terms = Terms(*(kind(value) for value in given[9 : 9 + len(Terms._fields)]))
        nothing = no_record()
        name = kernel.__module__.rpartition("_kernel_")[0]
        (strategy,) = (of for of in OURS if of.name() == name)
        compiled_run(strategy, kind)(bars, news, terms, plan, params, lanes, nothing)

    return measure if kernel is measuring.kernel else walk


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A device of numpy, and jobs that suit it."""
    pytest.importorskip("numba.cuda.dispatcher")
    machine, tiny = Machine(jit=jit, memory=1 << 32), gpu.timed_jobs(None, True)
    monkeypatch.setattr(gpu, "open_devices", lambda numbers: machine.open())
    monkeypatch.setattr(gpu, "timed_jobs", lambda device, quick: tiny)
    monkeypatch.setattr(gpu, "issue", lambda job, device, rate: 1 / 0)
    return machine


def test_every_part_of_a_gpu_is_written_down_also_the_failed(small: Machine, tmp_path: Path) -> None:
    assert gpu.main(["--out", str(tmp_path), "--quick", "--workers", "1", "--commit", "abc"]) == 1
    found = json.loads((tmp_path / "gpu.json").read_text())
    parts = found["parts"]
    assert (found["commit"], found["on"]) == ("abc", "cuda")
    assert (parts["device"]["clock_hz"], parts["device"]["multiprocessors"]) == (1.98e9, 4)
    failed = {name for name, part in parts.items() if part["status"] == "failed"}
    assert failed == {"issue dense", "issue narrative", "issue one_asset"}
    assert parts["issue dense"]["failure"] == "ZeroDivisionError: division by zero"
    for strategy in OURS:
        for precision in ("float32", "float64"):
            part = parts[f"parity {strategy.name()} {precision}"]
            assert part["against_cpu"]["trades_identical"]
            assert part["against_cpu"]["largest_relative_difference"] == 0
            assert part["agrees"]
    dense = parts["throughput dense"]
    assert dense["walk_seconds"] == 1e-3
    assert dense["backtests_a_second"] == pytest.approx(dense["lanes"] * 1e3)
    assert dense["against_cpu"]["trades_identical"]
    assert dense["resident_threads"] == 4 * 512
    assert parts["memory"]["peak_used_bytes"] > 0
    assert small.most_used[0] >= parts["memory"]["peak_used_bytes"]


def test_the_share_of_what_is_issued(small: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "static_of", lambda *args: static.Static(93, 96, 0, (), 4520, 4000, 80, 200))
    (device,) = small.open()
    told = ISSUE(gpu.timed_jobs(None, True)["dense"](), device, {"bar_steps_a_second": 1e9})
    issued = 4 * 4 * 32 * 1.98e9  # multiprocessors, schedulers, lanes, cycles a second
    assert told["ceiling_by_least_bar_steps_a_second"] == pytest.approx(issued / 80)
    shares = [told[f"share_by_{name}"] for name in ("least", "held")]
    assert shares == pytest.approx([80e9 / issued, 200e9 / issued])
    assert ISSUE(gpu.timed_jobs(None, True)["dense"](), device, {})["share_by_least"] is None, "nothing was measured"


def test_what_comes_too_late_is_skipped(small: Machine, tmp_path: Path) -> None:
    assert gpu.main(["--out", str(tmp_path), "--quick", "--workers", "1", "--seconds", "-1"]) == 1
    parts = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert {part["status"] for part in parts.values()} == {"skipped"}


def test_no_gpu_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(numbers: Any) -> Any:
        raise RuntimeError("CUDA_ERROR_NO_DEVICE")

    monkeypatch.setattr(gpu, "open_devices", refuse)
    assert gpu.main(["--out", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == (
        "--device is cuda, but no GPU can be opened (CUDA_ERROR_NO_DEVICE); give --device cpu.\n"
    )


def test_everything_happens_in_the_markets() -> None:
    happened = dict.fromkeys(("total_borrow", "interest_earned", "interest_owed", "open_trades"), 0)
    ruined = 0
    for strategy in (strategies.NarrativePressure, strategies.SmaCross):
        found = Difference()
        for job in parity_jobs(strategy, np.float64, 12, 16):
            lanes = np.zeros((at.N_LANE, 16))
            nothing = no_record()
            compiled_run(strategy, np.float64)(*job.work[:4], job.params, lanes, nothing)
            values = np.empty((len(METRICS), 16))
            measure_all(lanes, *job.work.basis, values)
            found.add((lanes, values), (lanes, values), 1.0)
        told = found.found()["happened"]
        happened = {name: count + told[name] for name, count in happened.items()}
        ruined += told["ruined"]
        assert told["closed_trades"] > 100
        assert told["faults"] == 0
    assert min(happened.values()) > 3
    assert ruined > 3


def test_a_difference_is_found() -> None:
    lanes, values = np.zeros((at.N_LANE, 4)), np.ones((len(METRICS), 4))
    other, off = lanes.copy(), values.copy()
    other[at.CLOSED, 0] = 1  # another trade
    off[METRICS.index("cagr"), 1] = 1.5
    off[METRICS.index("sharpe"), 2] = np.nan
    found = Difference()
    found.add((lanes, values), (other, off), 1e6)
    told = found.found()
    assert (told["lanes"], told["lanes_with_other_trades"], told["lanes_with_other_nulls"]) == (4, 1, 1)
    assert told["largest_relative_difference"] == pytest.approx(1 / 3)
    assert told["in_metric"] == "cagr"


@pytest.mark.parametrize("strategy", OURS)
def test_rounding_decides_no_trade(strategy: type[Strategy]) -> None:
    """A GPU rounds otherwise than a CPU: prices that are another number by a unit in the last place make the same trades."""
    apart = Difference()
    for seed, job in enumerate(parity_jobs(strategy, np.float64, 12, 64)):
        bars, cash = job.work.bars, job.work.basis.cash
        nudge = np.random.default_rng(seed).choice([-1, 0, 1], bars.price.shape)
        nudged = job.work._replace(bars=bars._replace(price=bars.price * (1 + 3e-16 * nudge)))
        ours, theirs = (CpuLauncher(compiled_run(strategy, np.float64), work, 64) for work in (job.work, nudged))
        apart.add(
            (ours.walk(job.params), ours.measure(job.params)[0]),
            (theirs.walk(job.params), theirs.measure(job.params)[0]),
            cash,
        )
    found = apart.found()
    assert found["trades_identical"]
    assert 0 < found["lane_of_99_in_100"] < 1e-9


def test_a_gpu_that_disagrees_is_no_success(small: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = jit

    def broken(kernel: Any) -> Any:
        done = sound(kernel)

        def walk(*args: Any) -> None:
            done(*args)
            if len(args) > len(Terms._fields):  # the walk, not the metrics
                args[-1][at.CLOSED, 3] += 1

        return walk

    monkeypatch.setattr(small, "_jit", broken)
    counted = dict.fromkeys(
        ("registers", "least_instructions_a_bar", "held_instructions_a_bar", "loop_instructions"), 1
    )
    monkeypatch.setattr(gpu, "issue", lambda job, device, rate: counted)
    monkeypatch.setattr(gpu, "OURS", OURS[:1])
    assert gpu.main(["--out", str(tmp_path), "--quick", "--workers", "1"]) == 1
    parts = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert all(part["status"] == "done" for part in parts.values()), "it is the answers that are at fault"
    assert not any(part["agrees"] for name, part in parts.items() if name.startswith(("parity", "throughput")))
