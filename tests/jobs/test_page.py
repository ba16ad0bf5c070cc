"""docs/jobs.md, run as it stands."""

import re
import shlex
from pathlib import Path

import pytest

from engine.cli import main
from tests.jobs.conftest import ROOT


def test_the_page_runs(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").symlink_to(demo)
    text = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)
    for language, block in blocks:
        if language == "toml":
            Path(block.splitlines()[0].removeprefix("# ")).write_text(block, encoding="utf-8")
    for language, block in blocks:
        if language == "console":
            for line in block.splitlines():
                command = line.removeprefix("$ tocsin ").partition(" #")[0]
                assert main(shlex.split(command)) == 0, f"{line}: {capsys.readouterr().err}"
        elif language == "python":
            exec(compile(block, "docs/jobs.md", "exec"), {})
    for folder in ("bubble", "costs", "forward"):
        written = {file.name.rstrip("/") for file in Path(folder).iterdir()} - {"lock"}
        assert written <= set(re.findall(r"`([\w.]+)/?`", text)), folder
