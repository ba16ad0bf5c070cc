"""The README's and the docs' snippets, the docstrings' examples, and what the README promises of the make file, run as they stand."""

import doctest
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import engine
import kernels
import seeds
import strategies
from engine.cli import app, main

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/strategies.md"]


def snippets(page: str) -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    return re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_snippets_run(
    page: str, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "demo").symlink_to(demo)
    names: dict[str, object] = {}
    for language, text in snippets(page):
        if language == "console":
            for line in text.splitlines():
                console(line, capsys)
        elif language == "python":
            if title := re.match(r"# (\w+\.py)\n", text):
                (tmp_path / title[1]).write_text(text, encoding="utf-8")
            else:
                exec(compile(text, page, "exec"), names)
    sys.modules.pop("my_strategy", None)
    assert (tmp_path / "run" / "run.json").is_file()


def console(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = line.removeprefix("$ ").partition(" #")[0].strip()
    if command.startswith("tocsin "):
        if command == "tocsin demo --out demo":  # the fixture has done that
            return
        status = main(shlex.split(command)[1:])
        assert status == 0, f"{command}: {capsys.readouterr().err}"
    elif command.startswith("make "):
        assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), re.M), command
    else:
        subprocess.run(command, shell=True, check=True)


def test_readme_names_the_commands_that_there_are() -> None:
    told = set(re.findall(r"^\| `tocsin (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
    assert told == {
        *(command.name for command in app.registered_commands),
        *(group.name for group in app.registered_groups),
    }


def test_links_lead_somewhere() -> None:
    for page in ["README.md", *(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} points to {target}"


def test_the_picture_says_that_its_prices_are_simulated() -> None:
    assert "SIMULATED prices" in (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")


MODULES = [
    module.name
    for package in (engine, kernels, seeds, strategies)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
