"""A small job, and ways to run one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

JOB = """
[market]
prices = "prices.parquet"

[events]
table = "events.parquet"

[strategy]
name = "short_bubble_warning"

[grid.parameters]
hold = {from = 1, to = 40}
stop = {from = 0.02, to = 0.30, count = 20}

[run]
chunk = 64
"""


@pytest.fixture
def here(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with prices, events and job.toml: 800 lanes in 13 chunks; the current one."""
    for name in ("prices.parquet", "events.parquet"):
        shutil.copy(demo / name, tmp_path)
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(change: Callable[[str], str], path: str = "job.toml") -> None:
    """Change a text file."""
    Path(path).write_text(change(Path(path).read_text(encoding="utf-8")), encoding="utf-8")


def started(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    code = "import sys; from engine.cli import main; sys.exit(main(sys.argv[1:]))"
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def files(folder: Path) -> dict[str, bytes]:
    """Everything that a job leaves, by name; but for what tells of the process that ran it."""
    own = {"progress.json", "lock"}
    return {
        str(f.relative_to(folder)): f.read_bytes()
        for f in sorted(folder.rglob("*"))
        if f.is_file() and f.name not in own
    }
