"""What a GPU does with the kernels: ``python -m benchmarks.gpu --out DIR [--device cuda|cpu] [--quick]``.

Facts of the device; whether it walks as the CPU does, every strategy in both precisions; throughput; registers, local memory and
threads; the share of what the device can issue; memory. All of it goes into DIR/gpu.json, which is written anew before and after each
part, so that what was found stays whatever comes after; a part that fails leaves its sentence there. Needs numpy, numba and, for
`cuda`, numba-cuda and CuPy. With ``--device cpu`` the same parts run on this machine's processor, tiny.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu_jobs import ASSETS, OURS, Job, grid_job, narrative_job, parity_jobs
from benchmarks.gpu_parity import Difference
from engine.compile import compiled_run, gpu_kernel, kernels_folder
from engine.files import in_one_step
from engine.strategy import Strategy
from kernels.device import Device, open_devices, resident_threads
from kernels.gpu import kernel_types
from kernels.launch import CpuLauncher, CudaLauncher
from kernels.layout import Plan
from kernels.metrics import METRICS
from kernels.ptx import kept_ptx

#: By precision: share of lanes that may trade otherwise, the share of the others that is looked at, and the largest relative difference
#: allowed in it (docs/accounting.md, Precision).
BOUNDS = {"float64": (0.0, "largest_relative_difference", 1e-9), "float32": (0.01, "lane_of_99_in_100", 2e-4)}
#: Instructions that a multiprocessor can issue in a cycle: four schedulers, each for a warp.
_ISSUED = 4 * 32
#: No repeat of a job begins after so long.
_SECONDS_A_JOB = 20.0


class Report:
    """DIR/gpu.json: what is common, and parts by name, each with status, seconds and what it found."""

    def __init__(self, folder: Path, limit: float, common: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self._begun, self._limit = folder / "gpu.json", time.monotonic(), limit
        self.found: dict[str, Any] = {**common, "parts": {}}

    def part(self, name: str, work: Callable[[], dict[str, Any]]) -> None:
        """Run a part, and write down what it found, or why it failed."""
        begun = time.monotonic()
        if begun - self._begun > self._limit:
            self._note(name, status="skipped", failure=f"The {self._limit:.0f} s of --seconds were over.")
            return
        self._note(name, status="running")
        try:
            found = {"status": "done", **work()}
        except Exception as error:  # a device fails in many ways, and the parts after it are still wanted
            said = " ".join(str(error).split())[:500]
            found = {"status": "failed", "failure": f"{type(error).__name__}: {said}"}
        self._note(name, **found, seconds=round(time.monotonic() - begun, 3))

    def _note(self, name: str, /, **found: Any) -> None:
        self.found["parts"][name] = found
        with in_one_step(self.path) as fresh:
            fresh.write_text(json.dumps(_plain(self.found), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        said = found.get("failure") or {"running": "..."}.get(found["status"], f"{found.get('seconds', 0):.1f} s")
        print(f"{name}: {said}", file=sys.stderr, flush=True)


def _plain(value: Any) -> Any:
    """Make a value of what JSON has: what is no number, or endless, is null."""
    if isinstance(value, dict):
        return {str(name): _plain(of) for name, of in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(of) for of in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def facts(device: Device | None) -> dict[str, Any]:
    """Say which device it is, and which versions."""
    versions = {name: _version(name) for name in ("numpy", "numba", "numba-cuda", "cupy-cuda13x")}
    found: dict[str, Any] = {"python": platform.python_version(), "machine": platform.platform(), "versions": versions}
    if device is None:
        return {**found, "name": platform.processor() or platform.machine()}
    with device.current():
        used, total, _ = device.memory()
        clock = device.clock()
    return {
        **found, "name": device.name, "capability": list(device.capability), "multiprocessors": device.multiprocessors,
        "clock_hz": clock, "memory_bytes": total, "used_before_bytes": used, "limits": device.limits._asdict(),
        "nvidia_smi": _said_by("nvidia-smi", "--query-gpu=name,driver_version,clocks.max.sm,clocks.sm,power.limit", "--format=csv"),
    }  # fmt: skip


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _said_by(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def cuda_launcher(job: Job, device: Device) -> CudaLauncher:
    """Return the launcher of a job; its kernel is compiled once a strategy, precision and number of assets."""
    dtype = job.params.dtype
    kernel = gpu_kernel(job.strategy, dtype, len(job.work.bars.price), job.work.plan)
    return CudaLauncher(kernel, _types(dtype), job.work, dtype, [device], kernels_folder())


_TYPES: dict[np.dtype[Any], Any] = {}


def _types(dtype: np.dtype[Any]) -> Any:
    """Return the one signature of a precision, by which the device knows what it has compiled."""
    return _TYPES.setdefault(dtype, kernel_types(dtype))


def parity(strategy: type[Strategy], dtype: Any, markets: int, lanes: int, device: Device | None) -> dict[str, Any]:
    """Hold a strategy's lanes on the device against the CPU's of the same precision, and against the CPU's float64.

    Without a device only the second.
    """
    same, double = Difference(), Difference()
    run, exact = compiled_run(strategy, dtype), compiled_run(strategy, np.float64)
    jobs = zip(
        parity_jobs(strategy, dtype, markets, lanes), parity_jobs(strategy, np.float64, markets, lanes), strict=True
    )
    for job, twin in jobs:
        cpu, best = CpuLauncher(run, job.work, lanes), CpuLauncher(exact, twin.work, lanes)
        ours = cpu
        if device is not None:
            ours = cuda_launcher(job, device)
        answer = ours.walk(job.params), ours.measure(job.params)[0]
        cash = float(job.work.basis.cash)
        if device is not None:
            same.add(answer, (cpu.walk(job.params), cpu.measure(job.params)[0]), cash)
        double.add(answer, (best.walk(twin.params), best.measure(twin.params)[0]), cash)
    found: dict[str, Any] = {"markets": markets, "assets": ASSETS, "bound": BOUNDS[np.dtype(dtype).name]}
    if device is not None:
        found["against_cpu"] = same.found()
        found["agrees"] = agrees(found["against_cpu"], np.dtype(dtype).name)
    if device is None or np.dtype(dtype) != np.float64:
        found["against_cpu_float64"] = double.found()
    return found


def agrees(told: dict[str, Any], precision: str) -> bool:
    """Whether what a `Difference` found is within the bounds of a precision."""
    parting, of, bound = BOUNDS[precision]
    alike = told["lanes_with_other_trades"] <= parting * told["lanes"] and not told["lanes_with_other_nulls"]
    return bool(alike and told[of] <= bound)


def throughput(job: Job, device: Device | None, repeats: int, few: int = 77) -> dict[str, Any]:
    """Time a job after a warm-up: the walk alone by the device's clock, and the whole by the wall's, metrics and copies included."""
    lanes, bars = job.params.shape[1], job.work.bars.price.shape[1]
    cpu = CpuLauncher(compiled_run(job.strategy, job.params.dtype), job.work, lanes)
    first = np.ascontiguousarray(job.params[:, :few])
    ours: CpuLauncher | CudaLauncher = cpu if device is None else cuda_launcher(job, device)
    found: dict[str, Any] = {
        "lanes": lanes,
        "bars": bars,
        "assets": len(job.work.bars.price),
        "precision": job.params.dtype.name,
    }
    wholes, walks = [], []
    out, _ = ours.measure(job.params)  # the warm-up
    begun = time.monotonic()
    while len(wholes) < repeats and (not wholes or time.monotonic() - begun < _SECONDS_A_JOB):
        start = time.perf_counter()
        ours.measure(job.params)  # waits for its streams
        wholes.append(time.perf_counter() - start)
        if isinstance(ours, CudaLauncher):
            walks.append(ours.seconds(job.params))
    found |= {
        "closed_trades_a_lane": float(np.nanmean(out[METRICS.index("closed_trades")])),
        "whole_seconds": float(np.median(wholes)), "whole_seconds_each": wholes,
    }  # fmt: skip
    best = found["whole_seconds"]
    if walks:
        best = float(np.median(walks))
        found |= {"walk_seconds": best, "walk_seconds_each": walks}
    found |= {"backtests_a_second": lanes / best, "whole_backtests_a_second": lanes / found["whole_seconds"]}
    found["bar_steps_a_second"] = lanes * bars / best
    if isinstance(ours, CudaLauncher) and device is not None:
        begun = time.perf_counter()
        check = Difference()
        check.add(
            (ours.walk(first), ours.measure(first)[0]), (cpu.walk(first), cpu.measure(first)[0]), job.work.basis.cash
        )
        found["against_cpu"] = check.found()
        found["agrees"] = agrees(found["against_cpu"], job.params.dtype.name)
        threads = resident_threads(ours.compiled.registers, device.limits)
        with device.current():
            used, _, pool = device.memory()
        found |= {
            "registers": ours.compiled.registers, "local_bytes": ours.compiled.local,
            "resident_threads_a_multiprocessor": threads, "resident_threads": threads * device.multiprocessors,
            "device_used_bytes": used, "pool_bytes": pool,
        }  # fmt: skip
    return found


def issue(job: Job, device: Device | None, measured: dict[str, Any]) -> dict[str, Any]:
    """Count instructions a bar without running, and hold what was measured against what the device can issue.

    A bar takes at least the shortest way round the loop over bars, one on which something is held at least the shortest by way of the
    metrics; fills and each asset that is held come on top. So the shares are of what the device could do at best.
    The ceiling is multiprocessors x 4 schedulers x 32 lanes x clock / instructions.
    """
    from kernels.static import static_of  # noqa: PLC0415 - needs NVIDIA's tools

    dtype = job.params.dtype
    arch = (9, 0) if device is None else device.capability
    kernel = gpu_kernel(job.strategy, dtype, len(job.work.bars.price), job.work.plan)
    ptx, _ = kept_ptx(kernel, kernel_types(dtype), arch, dtype == np.float32, kernels_folder())
    static = static_of(ptx.read_text(encoding="utf-8"), arch)
    found: dict[str, Any] = {
        "arch": list(arch), "registers": static.registers, "stack_bytes": static.stack, "spilled_bytes": static.spilled,
        "float64_free": not static.float64, "instructions": static.instructions, "loop_instructions": static.loop,
        "least_instructions_a_bar": static.least, "held_instructions_a_bar": static.held,
        "counted": "SASS of the loop over bars: `loop` every instruction once, `least` the shortest way round it, `held` the shortest "
        "by way of the metrics",
    }  # fmt: skip
    if device is not None and static.least:
        with device.current():
            issued = device.multiprocessors * _ISSUED * device.clock()
        rate = measured.get("bar_steps_a_second")
        for name, count in (("least", static.least), ("held", static.held)):
            found[f"ceiling_by_{name}_bar_steps_a_second"] = issued / count
            found[f"share_by_{name}"] = rate and rate * count / issued
    return found


def timed_jobs(device: Device | None, quick: bool) -> dict[str, Callable[[], Job]]:
    """The jobs that are timed, by name; made when they are asked for."""
    single = np.float32
    if device is None:
        return {
            "dense": lambda: grid_job(8, 16, 2_000, single),
            "narrative": lambda: narrative_job(20, 100, 256, single),
            "one_asset": lambda: narrative_job(1, 100, 256, single),
        }
    bars, lanes = (20_000, 1 << 14) if quick else (200_000, 1 << 20)
    many = 100 if quick else 1000
    return {
        "dense": lambda: grid_job(100, 100, bars, single),
        "dense_many_pairs": lambda: grid_job(many, 1000, bars // 10, single),
        "narrative": lambda: narrative_job(20, 500, lanes, single),
        "narrative_float64": lambda: narrative_job(20, 500, lanes // 4, np.float64),
        "one_asset": lambda: narrative_job(1, 500, 4 * lanes, single),
    }


def run(report: Report, device: Device | None, quick: bool, repeats: int, workers: int) -> None:
    """Run every part; compile in so many processes."""
    report.part("device", lambda: facts(device))
    parts, jobs = report.found["parts"], {name: make() for name, make in timed_jobs(device, quick).items()}
    if device is not None and workers > 1:
        report.part("compile", lambda: compile_all(list(jobs.values()), device.capability, workers))
    for name, job in jobs.items():
        report.part(f"throughput {name}", lambda job=job: throughput(job, device, repeats))  # type: ignore[misc]
        if device is not None or (name == "dense" and not quick):
            rate = parts[f"throughput {name}"]
            report.part(f"issue {name}", lambda job=job, rate=rate: issue(job, device, rate))  # type: ignore[misc]
    if device is not None:
        report.part("memory", lambda: memory(device, parts))
    markets, lanes = (2, 16) if device is None else (6, 50) if quick else (60, 100)
    for strategy in OURS:
        for dtype in (np.float64, np.float32):
            if device is None and dtype is np.float64:
                continue  # it would be held against itself
            name = f"parity {strategy.name()} {np.dtype(dtype).name}"
            report.part(name, lambda s=strategy, d=dtype: parity(s, d, markets, lanes, device))  # type: ignore[misc]


def compile_all(jobs: list[Job], arch: tuple[int, int], workers: int) -> dict[str, Any]:
    """Compile what the jobs and the parity need, in so many processes; what comes after finds it on disk."""
    jobs = jobs + [job for of in OURS for dtype in (np.float64, np.float32) for job in parity_jobs(of, dtype, 6, 1)]
    kernels = {
        (job.strategy, job.params.dtype, len(job.work.bars.price), job.work.plan[1:]): job.work.plan for job in jobs
    }
    runs = [(of, dtype) for of in OURS for dtype in (np.float64, np.float32)]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        walks = [pool.submit(_compile_run, *of) for of in runs[:2]]  # both with the walk, which the others then find
        tasks = [pool.submit(_compile_kernel, *of[:3], plan, arch) for of, plan in kernels.items()]
        for walk in walks:
            walk.result()
        tasks += [pool.submit(_compile_run, *of) for of in runs[2:]]
        for task in tasks:
            task.result()
    return {"kernels": len(kernels), "workers": workers}


def _compile_run(strategy: type[Strategy], dtype: Any) -> None:
    compiled_run(strategy, dtype)


def _compile_kernel(
    strategy: type[Strategy], dtype: np.dtype[Any], assets: int, plan: Plan, arch: tuple[int, int]
) -> None:
    kept_ptx(
        gpu_kernel(strategy, dtype, assets, plan), kernel_types(dtype), arch, dtype == np.float32, kernels_folder()
    )


def memory(device: Device, parts: dict[str, Any]) -> dict[str, Any]:
    """Peak of what was read off the device after the timed jobs; the pool gives nothing back in between."""
    with device.current():
        used, total, pool = device.memory()
    readings = [part for part in parts.values() if "pool_bytes" in part]
    return {
        "peak_used_bytes": max([used, *(part["device_used_bytes"] for part in readings)]),
        "peak_pool_bytes": max([pool, *(part["pool_bytes"] for part in readings)]), "memory_bytes": total,
    }  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """What was found, in a few lines."""
    parts = found["parts"]
    lines = [f"{parts['device'].get('name', 'device unknown')}, commit {found['commit']}, {found['date']}"]
    for name, part in parts.items():
        kind, _, of = name.partition(" ")
        if part["status"] != "done":
            lines.append(f"{name:42s} {part['status']}: {part.get('failure', '')}")
        elif kind == "throughput":
            rates = f"{part['backtests_a_second']:11,.0f} backtests/s {part['bar_steps_a_second']:10.3g} bar-steps/s"
            beyond = "" if part.get("agrees", True) else ", BEYOND THE BOUND"
            lines.append(f"{of:42s} {rates}  whole {part['whole_backtests_a_second']:11,.0f}/s{beyond}")
        elif kind == "issue":
            share = part.get("share_by_least")
            shown = "" if share is None else f", share of the issue ceiling {share:.3f} to {part['share_by_held']:.3f}"
            bar = f"{part['least_instructions_a_bar']}, {part['held_instructions_a_bar']} to {part['loop_instructions']} instructions a bar"
            lines.append(f"{name:42s} {part['registers']} registers, {bar}{shown}")
        elif kind == "parity":
            for against in ("against_cpu", "against_cpu_float64"):
                if against in part:
                    p = part[against]
                    trades = f"{p['lanes_with_other_trades']} of {p['lanes']} lanes trade otherwise"
                    beyond = ", BEYOND THE BOUND" if against == "against_cpu" and not part["agrees"] else ""
                    lines.append(
                        f"{of:42s} {against}: {trades}, largest difference {p['largest_relative_difference']:.2g}{beyond}"
                    )
        elif kind == "memory":
            lines.append(f"{'peak device memory':42s} {part['peak_used_bytes'] / 2**30:.2f} GiB")
    return "\n".join(lines)


def main(given: list[str] | None = None) -> int:
    """Run it; 1 where a part failed or was skipped, or the GPU disagrees with the CPU, 2 where there is no device."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.json")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="small jobs, few repeats")
    parser.add_argument("--seconds", type=float, default=480.0, help="no part begins after so long")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that compile at once")
    parser.add_argument("--commit", help="the commit that runs; left out, git is asked")
    asked = parser.parse_args(given)
    device = None
    if asked.device == "cuda":
        try:
            device = open_devices([0])[0]
        except Exception as error:  # a broken installation fails in many ways
            cause = " ".join(str(error).split())[:300] or type(error).__name__
            print(f"--device is cuda, but no GPU can be opened ({cause}); give --device cpu.", file=sys.stderr)
            return 2
    commit = asked.commit or _said_by("git", "rev-parse", "--short", "HEAD")
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    common = {"commit": commit, "date": now, "on": asked.device, "quick": asked.quick}
    report = Report(asked.out, asked.seconds, common)
    run(report, device, asked.quick, 1 if device is None else 3 if asked.quick else 7, asked.workers)
    print(table(report.found))
    return int(any(part["status"] != "done" or part.get("agrees") is False for part in report.found["parts"].values()))


if __name__ == "__main__":
    sys.exit(main())
