"""Measure a workload: every peer in a process of its own, repeats interleaved, answers compared before any time counts."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import jobs
from benchmarks.peers import PEERS

#: The peer that all others are compared with.
OURS = "Tocsin"
#: Relative difference of final values at which two lanes still agree, for walks in float32 and for others.
CLOSE = {"dense": 1e-3, "narrative": 1e-3, "narrative_whole": 1e-3}
CLOSE_ELSE = 1e-5
#: Share of lanes that have to agree: in float32 a near tie of two numbers may fall either way.
AGREEING = 0.99

#: Repeats, and seconds that a peer's repeats of one workload may take together.
PATIENCE = {"full": (5, 30.0), "quick": (3, 4.0), "tiny": (1, 60.0)}

Say = Callable[[str], None]


@dataclass
class Entrant:
    """A peer's process, and what it has said so far."""

    peer: str
    process: Any
    pipe: Any
    made: dict[str, Any]
    seconds: list[float]


def measure(name: str, size: str, say: Say, only: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Run one workload with every peer that can do it.

    Returns
    -------
    One record a peer: seconds of each repeat, rate, memory, whether its answers agree with ours; or why it did not run.
    """
    peers = [p for p in PEERS.values() if name in p.workloads and (not only or p.name in only)]
    entrants, records = [], []
    for peer in peers:
        missing = peer.missing()
        if missing:
            records.append({"workload": name, "peer": peer.name, "missing": missing})
            say(missing)
            continue
        say(f"{name}: {peer.name} prepares")
        entrants.append(_enter(peer.name, name, size))
        if size == "full":  # what a smaller job needs fits side by side
            entrants[-1].made = _receive(entrants[-1])
    for entrant in entrants:
        entrant.made = entrant.made or _receive(entrant)
    most, patience = PATIENCE[size]
    for turn in range(most):
        for entrant in entrants:
            if "failed" in entrant.made or sum(entrant.seconds) > patience:
                continue
            say(f"{name}: {entrant.peer}, run {turn + 1} of {most}")
            seconds = _ask(entrant, "run")
            if seconds is not None:
                entrant.seconds.append(seconds)
    answers = {e.peer: _ask(e, "answer") for e in entrants if "failed" not in e.made}
    for entrant in entrants:
        records.append(_record(name, entrant, answers))
    return records


def _enter(peer: str, name: str, size: str) -> Entrant:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, peer, name, size))
    process.start()
    theirs.close()
    return Entrant(peer, process, ours, {}, [])


def _ask(entrant: Entrant, what: str) -> Any:
    """Have something done in a peer's process; None where that failed, which is then noted."""
    entrant.pipe.send(what)
    said = _receive(entrant)
    if isinstance(said, dict) and "failed" in said:
        entrant.made.update(said)
        return None
    return said


def _receive(entrant: Entrant) -> Any:
    try:
        return entrant.pipe.recv()
    except EOFError:
        entrant.process.join()
        return {"failed": f"{entrant.peer} ended with status {entrant.process.exitcode}."}


def _record(name: str, entrant: Entrant, answers: dict[str, Any]) -> dict[str, Any]:
    memory = None if "failed" in entrant.made else _ask(entrant, "stop")
    if memory is None:
        return {"workload": name, "peer": entrant.peer, "missing": entrant.made["failed"]}
    entrant.process.join()
    seconds, made = entrant.seconds, entrant.made
    middle = median(seconds)
    return {
        "workload": name, "peer": entrant.peer, "unit": made["unit"], "lanes": made["lanes"], "work": made["work"],
        "seconds": [round(s, 6) for s in seconds], "median_s": middle, "low_s": min(seconds), "high_s": max(seconds),
        "rate": made["work"] / middle, "prepare_s": made["prepare_s"], "first_s": made["first_s"],
        **memory, "idiom": made["idiom"], "differs": made["differs"], **compared(name, entrant.peer, answers),
    }  # fmt: skip


def compared(name: str, peer: str, answers: dict[str, Any]) -> dict[str, Any]:
    """Hold a peer's answer against ours: how many lanes both walked, the share that agrees, the largest difference."""
    if peer == OURS or answers.get(OURS) is None:
        return {"agrees": None}
    ours, theirs = answers[OURS], answers[peer]
    common = [k for k in ours if k in theirs and k != "lane"]
    if not common:
        return {"agrees": None}
    if "lane" not in ours:
        worst = max(float(np.max(np.abs(theirs[k] / ours[k] - 1))) for k in common)
        return {"agrees": worst < CLOSE_ELSE, "worst": worst}
    lanes, mine, other = np.intersect1d(ours["lane"], theirs["lane"], return_indices=True)
    apart = np.abs(theirs["final"][other] / ours["final"][mine] - 1)
    equal = (apart <= CLOSE.get(name, CLOSE_ELSE)) & (theirs["trades"][other] == ours["trades"][mine])
    share = float(equal.mean())
    return {"agrees": share >= AGREEING, "share": share, "compared": int(lanes.size), "worst": float(apart.max())}


# ------------------------------------------------------------------------------------------- in the process of a peer


def _serve(pipe: Any, peer: str, name: str, size: str) -> None:
    job = jobs.make(name, size)
    begun = time.perf_counter()
    try:
        task = PEERS[peer].task(job)
        prepared = time.perf_counter()
        # A process has a start of its own each time; everything else is called once before the clock counts.
        result = None if isinstance(job, jobs.Command) else task.run()
    except Exception as error:
        pipe.send(_failure(peer, error))
        return
    first = time.perf_counter() - prepared
    pipe.send(
        {
            "prepare_s": prepared - begun, "first_s": first, "unit": job.unit, "lanes": task.lanes,
            "work": float(task.lanes * job.units), "idiom": task.idiom, "differs": task.differs,
        }
    )  # fmt: skip
    gc.collect()
    before = _resident("VmRSS", task.children())
    _forget_peak(task.children())
    while (asked := _asked(pipe)) != "stop":
        try:
            if asked == "run":
                result = None
                begun = time.perf_counter()
                result = task.run()
                pipe.send(time.perf_counter() - begun)
            else:
                pipe.send(task.answer(result))
        except Exception as error:
            task.close()
            pipe.send(_failure(peer, error))
            return
    peak = _resident("VmHWM", task.children())
    task.close()
    if isinstance(job, jobs.Command):
        before, peak = 0.0, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    pipe.send({"before_mib": round(before, 1), "peak_mib": round(peak, 1)})


def _asked(pipe: Any) -> str:
    try:
        return str(pipe.recv())
    except EOFError:  # who asks is gone
        raise SystemExit(1) from None


def _failure(peer: str, error: Exception) -> dict[str, str]:
    first = str(error).partition("\n")[0]
    return {"failed": f"{peer} failed: {type(error).__name__}: {first}."}


def _processes(children: list[int]) -> list[str]:
    return ["self", *map(str, children)]


def _resident(which: str, children: list[int]) -> float:
    """Memory of this process and its helpers, MiB: VmRSS now, VmHWM the most since it was forgotten."""
    total = 0.0
    for process in _processes(children):
        status = Path("/proc") / process / "status"
        if not status.exists():  # no Linux: the peak since the start, of this process
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
        line = next(line for line in status.read_text().splitlines() if line.startswith(which))
        total += int(line.split()[1]) / 1024
    return total


def _forget_peak(children: list[int]) -> None:
    """Let the kernel count the peak of memory anew, so that making the data does not count."""
    for process in _processes(children):
        try:
            (Path("/proc") / process / "clear_refs").write_text("5")
        except OSError:
            return
