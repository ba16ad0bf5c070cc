"""Workloads that are whole processes, from their start to their first result: ``python -m benchmarks.commands PEER``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import jobs
from benchmarks.peers import PEERS, Task

ROOT = Path(__file__).resolve().parents[1]


def command_task(job: jobs.Command, peer: str) -> Task:
    """Return a task that starts a process and waits for its result; a cold one finds empty caches of compiled code."""

    def run() -> Any:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            command = [sys.executable, "-m", "benchmarks.commands", peer]
            if job.what == "demo":
                command = [sys.executable, "-m", "benchmarks.commands", "demo", str(Path(folder) / "demo")]
            empty = {"TOCSIN_CACHE": folder, "NUMBA_CACHE_DIR": folder} if job.cold else {}
            env = {**os.environ, **empty, "PYTHONPATH": str(ROOT)}
            done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.strip().splitlines()[-1])

    if not job.cold:
        run()
    idiom = "`tocsin demo`" if job.what == "demo" else "a process that imports it, makes the job `single` and runs it"
    return Task(run, lambda found: {name: np.array(value) for name, value in found.items()}, 1, idiom)


def main(arguments: list[str]) -> int:
    """Run the job `single` once with a peer, or the demo, and print what came out as JSON."""
    if arguments[0] == "demo":
        from engine.cli import main as tocsin  # noqa: PLC0415

        status = tocsin(["demo", "--out", arguments[1], "--json"])
        print(json.dumps({"status": [status]}))
        return status
    task = PEERS[arguments[0]].task(jobs.make("single", "full"))
    print(json.dumps({name: value.tolist() for name, value in task.answer(task.run()).items()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
