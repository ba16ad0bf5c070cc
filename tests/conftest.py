"""What several test files need."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from engine.market import Market
from engine.prices import import_prices

REAL = Path(__file__).parents[1].parent / "shared" / "data"

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


@pytest.fixture(scope="session")
def real() -> Callable[[str], Market]:
    """Import a folder of real prices, once; skips the test where they are not there."""

    @cache
    def market(folder: str) -> Market:
        if not REAL.is_dir():
            pytest.skip("the real prices are not there")
        return import_prices(REAL / folder, timezone="America/New_York" if folder == "us_5min" else None)

    return market


@pytest.fixture(scope="session")
def us_daily(real: Callable[[str], Market]) -> Market:
    """The real daily prices of the US."""
    return real("us_daily")
