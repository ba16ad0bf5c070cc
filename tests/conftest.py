"""What several test files need."""

from pathlib import Path

import pytest
from hypothesis import settings

# A machine that does other work is slow, and what is slow is not wrong.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `tocsin demo` wrote; tests only read it."""
    from engine.cli import main  # noqa: PLC0415 - tests that need no demo need no command line

    folder = tmp_path_factory.mktemp("made") / "demo"
    assert main(["demo", "--out", str(folder), "--json"]) == 0
    return folder
