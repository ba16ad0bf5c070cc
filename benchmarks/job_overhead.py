"""What a job costs beside its walk: ``python -m benchmarks.job_overhead [LANES]``.

The same random lanes on the SIMULATED market, in a process of their own each time: by `sweep`, by `tocsin sweep` (chunks, files, manifest),
and, where Ray is installed, by `tocsin sweep --cluster local`. Before that, the memory that reducing a
thousand chunks takes.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.large import asked_lanes

_LANES = 140_000_000
_CHUNKS = 1000

_PLAIN = """
from engine import Events, Market, between, sweep
from strategies import ShortBubbleWarning
sweep(
    ShortBubbleWarning, Market.read("prices.parquet"), Events.read("events.parquet"), sample="random", lanes={lanes},
    hold=between(1, 40), stop=between(0.02, 0.3), half_life=between(1, 40), threshold=between(0.1, 1.5),
).top(100)
"""

_COMMAND = "import sys; from engine.cli import main; sys.exit(main())"

_JOB = """
[market]
prices = "prices.parquet"
[events]
table = "events.parquet"
[strategy]
name = "short_bubble_warning"
[grid]
kind = "random"
lanes = {lanes}
[grid.parameters]
hold = {{from = 1, to = 40}}
stop = {{from = 0.02, to = 0.3}}
half_life = {{from = 1, to = 40}}
threshold = {{from = 0.1, to = 1.5}}
[keep]
top = 100
[run]
chunk = {chunk}
"""


def main() -> None:
    """Print seconds of each way, what they are more than `sweep` alone, and the most memory of its process."""
    from engine import Events, Market  # noqa: PLC0415

    lanes = asked_lanes(__doc__, _LANES)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        Market.sample().write(folder / "prices.parquet")
        Events.sample().write(folder / "events.parquet")
        (folder / "job.toml").write_text(_JOB.format(lanes=lanes, chunk=max(lanes // 50, 65_536)))
        (folder / "many.toml").write_text(_JOB.format(lanes=_CHUNKS * 1024, chunk=1024))
        _run(folder, "-c", _PLAIN.format(lanes=1000))  # compiles
        _run(folder, "-c", _COMMAND, "sweep", "many.toml", "--out", "many")
        (folder / "many" / "sweep.json").unlink()
        seconds, peak = _run(folder, "-c", _COMMAND, "sweep", "many.toml", "--out", "many", "--resume")
        print(f"reducing {_CHUNKS:,} chunks: {seconds:.1f} s, at most {peak:,.0f} MiB", flush=True)
        plain, peak = _run(folder, "-c", _PLAIN.format(lanes=lanes))
        print(f"sweep: {lanes:,} lanes in {plain:.1f} s, at most {peak:,.0f} MiB", flush=True)
        ways: dict[str, list[str]] = {"tocsin sweep": []}
        if importlib.util.find_spec("ray") is not None:
            ways["tocsin sweep --cluster local"] = ["--cluster", "local"]
        for way, options in ways.items():
            seconds, peak = _run(folder, "-c", _COMMAND, "sweep", "job.toml", "--out", f"out{len(options)}", *options)
            print(f"{way}: {seconds:.1f} s, {seconds / plain - 1:+.1%}; at most {peak:,.0f} MiB", flush=True)


def _run(folder: Path, *command: str) -> tuple[float, float]:
    """Run Python with some arguments; (seconds, MiB of its process at most)."""
    begun = time.perf_counter()
    with (folder / "said").open("w") as said:
        process = subprocess.Popen([sys.executable, *command], cwd=folder, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((folder / "said").read_text())
    return time.perf_counter() - begun, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
