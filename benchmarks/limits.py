"""What the machine could do at most: estimates, made from counts of instructions and measured speeds of clock and memory."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.c_peer import FLAGS, SOURCE, compiled, missing

#: Instructions that a core is taken to finish a cycle, at best.
PER_CYCLE = 4


def limits() -> dict[str, Any]:
    """Estimate the ceilings: bar-steps a second of the dense job, bytes a second of a copy."""
    bandwidth = copy_bandwidth()
    if missing():
        return {"copy_bytes_per_s": bandwidth}
    instructions, lanes = dense_instructions()
    clock, cores = clock_hz(), os.cpu_count() or 1
    if clock is None:
        return {"copy_bytes_per_s": bandwidth}
    return {
        "copy_bytes_per_s": bandwidth, "clock_hz": clock, "instructions_per_vector": instructions, "lanes_per_vector": lanes,
        "instructions_per_cycle_assumed": PER_CYCLE, "dense_bar_steps_per_s": cores * clock * PER_CYCLE * lanes / instructions,
    }  # fmt: skip


def dense_instructions() -> tuple[int, int]:
    """Count the instructions of the C loop's step for one vector of lanes, and the lanes of a vector, in gcc's assembly."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "loops.s"
        subprocess.run(["gcc", *FLAGS, "-S", SOURCE, "-o", out], check=True)
        text = out.read_text()
    step = text[text.index("# step begins") : text.index("# step ends")]
    # The loop over vectors: from its label to the jump back. What lies outside is done once a bar, or never.
    labels = {match[1]: match.start() for match in re.finditer(r"^(\.L\d+):", step, re.M)}
    spans = [
        step[labels[m[1]] : m.end()]
        for m in re.finditer(r"^\tj\w+\t(\.L\d+)", step, re.M)
        if m[1] in labels and labels[m[1]] < m.start()
    ]
    body = max(spans, key=len, default=step)
    lanes = 16 if "%zmm" in body else 8 if "%ymm" in body else 4
    return len(re.findall(r"^\t[a-z]", body, re.M)), lanes


def clock_hz(turns: int = 200_000) -> float | None:
    """Measure the clock of an x86-64: a multiplication that waits for the one before takes three cycles."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return None
    times = []
    for _ in range(40):
        begun = time.perf_counter()
        compiled().chain(turns)
        times.append(time.perf_counter() - begun)
    return turns * 24 / min(times)


def copy_bandwidth(size: int = 2**28) -> float:
    """Bytes a second that a copy of a large array reads and writes together, one thread."""
    source, target = np.ones(size // 8), np.empty(size // 8)
    times = []
    for _ in range(4):
        begun = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - begun)
    return 2 * size / min(times)
