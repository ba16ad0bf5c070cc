"""What a strategy means: its hash changes with what is computed, and with nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.jobs import meaning
from engine.jobs.meaning import hash_of, strategy_parts
from engine.registry import find_strategy
from tests.jobs.conftest import ROOT

OWN = '''"""A strategy of the user's own."""

import functools
import math
from dataclasses import dataclass

import numpy as np

import levels
from engine import KEEP, Channel, Feature, Strategy, option, param
from levels import near

LIMIT = 0.1
NAMES = ("NVDA", "AMD")
TABLE = {"low": 0.1, "high": np.array([1.0, 2.0])}


@dataclass
class Scale:
    """How far to go."""

    least: float = 0.5

    def of(self, value):
        """Say how far."""
        return max(self.least, value)


SCALE = Scale(0.4)


def step(value):
    """Say how much of a value counts."""
    return value if value > LIMIT else 0.0


@functools.cache
def counted(number):
    return number + 1


class Mixed:
    """What is mixed in."""

    def share(self):
        return 0.5


class Buy(Mixed, Strategy):
    """Buy what is warned of."""

    channels = {"warn": Channel(kinds=("bubble_warning", "denial"))}
    features = {"mean": Feature("average", "window")}
    traits = ("mine",)
    watch = "events"
    weight: float = param(0.1, 0.0, 2.0, "share of equity an entry")
    window: int = param(20, 1, 500, "bars of the average", whole=True)
    among: tuple = option(("NVDA",), "names to buy", lambda given: tuple(given))

    @staticmethod
    def rule(warn_new, weight, mean, mine):
        """Buy."""
        # a comment
        if step(warn_new) > near(LIMIT):
            return weight * mine
        return KEEP

    def touched(self, events, assets):
        few = [name for name in assets if name in {"NVDA", "AMD"}]
        return events.head(counted(len(few)) + levels.MOST)

    def trait_values(self, assets):
        wanted = lambda name: name in NAMES  # noqa: E731
        size = SCALE.of(self.share()) * float(np.sum(TABLE["high"])) + levels.deeper.far(1)
        return {"mine": np.array([size if wanted(name) else math.pi for name in assets])}
'''
LEVELS = '''"""Levels."""

import deeper

MOST = 7
UNUSED = 1


def near(value):
    return value * 0.5


def unused(value):
    return value
'''
DEEPER = """FAR = 3.0


def far(value):
    return value * FAR
"""


def parts(folder: Path, **texts: str) -> dict[str, str]:
    """Write the modules of a strategy, load it anew, and give its parts."""
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8", newline="")
        sys.modules.pop(name, None)
    return strategy_parts(find_strategy(f"{folder / 'own.py'}:Buy"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))  # what the strategy imports goes with the test
    return tmp_path


def changed(folder: Path, **texts: str) -> set[str]:
    """Give the names of the parts that differ once modules are other ones."""
    given = {"own": OWN, "levels": LEVELS, "deeper": DEEPER}
    before, now = parts(folder, **given), parts(folder, **{**given, **texts})
    return {name for name in {*before, *now} if before.get(name) != now.get(name)}


Edit = tuple[str, str, str]

_SELL = "class Sell(Strategy):\n    @staticmethod\n    def rule():\n        return KEEP\n\n\nSCALE = "
_MAIN = "math.pi for name in assets])}\n\nif __name__ == '__main__':\n    print(1)\n"
_JUDGED = "    def judged(self, assets):\n        return np.arange(len(assets))[::-1]\n\n    def touched"

#: (module, what stands there, what stands there after): nothing that is computed changes.
COSMETIC: dict[str, Edit] = {
    "a comment": ("own", "        # a comment\n", "        # another one\n        # of two lines\n"),
    "no comment": ("own", "        # a comment\n", ""),
    "a comment at the end": ("own", "math.pi for name in assets])}\n", "math.pi for name in assets])}\n\n# done\n"),
    "a comment after code": ("own", "LIMIT = 0.1", "LIMIT = 0.1  # of a warning"),
    "a docstring of the file": ("own", '"""A strategy of the user\'s own."""', '"""Mine."""'),
    "a docstring of the class": ("own", '"""Buy what is warned of."""', '"""Buy.\n\n    And hold.\n    """'),
    "a docstring of the rule": ("own", '        """Buy."""\n', '        """Buy what\n        is warned of."""\n'),
    "no docstring of the rule": ("own", '        """Buy."""\n', ""),
    "a docstring of a helper": ("own", '"""Say how much of a value counts."""', '"""Count."""'),
    "a new docstring": ("own", "    def share(self):\n", '    def share(self):\n        """Say what share."""\n'),
    "a docstring of a used class": ("own", '"""How far to go."""', '"""Go far."""'),
    "blank lines": ("own", "LIMIT = 0.1", "\n\n\n\nLIMIT = 0.1"),
    "blank lines inside": ("own", "            return weight * mine\n", "\n            return weight * mine\n\n"),
    "blank lines at the end": ("own", "math.pi for name in assets])}\n", "math.pi for name in assets])}\n\n\n"),
    "brackets": ("own", "return weight * mine", "return (weight * mine)"),
    "lines broken": ("own", "return weight * mine", "return (\n                weight\n                * mine\n            )"),
    "an if on one line": ("own", "near(LIMIT):\n            return", "near(LIMIT): return"),
    "other quotes": ("own", '"NVDA", "AMD")', "'NVDA', 'AMD')"),
    "a number spelled otherwise": ("own", "LIMIT = 0.1", "LIMIT = 1e-1"),
    "spaces": ("own", "warn_new, weight, mean, mine", "warn_new,weight,  mean,mine"),
    "annotations": ("own", "def step(value):", "def step(value: float) -> float:"),
    "annotations of the rule": ("own", "warn_new, weight, mean, mine", "warn_new: float, weight: float, mean, mine"),
    "an annotated variable": ("own", "        few = [", "        few: list = ["),
    "help": ("own", '"share of equity an entry"', '"how much"'),
    "help of an option": ("own", '"names to buy"', '"names"'),
    "a statement that does nothing": ("own", "            return weight * mine\n", "            pass\n            return weight * mine\n"),
    "an import that is not used": ("own", "import math\n", "import math\nimport json\n"),
    "imports in another order": ("own", "import functools\nimport math\n", "import math\nimport functools\n"),
    "a function that is not used": ("own", "SCALE = ", "def other():\n    return 1\n\n\nSCALE = "),
    "another strategy in the file": ("own", "SCALE = ", _SELL),
    "a global that is not used": ("own", "LIMIT = 0.1", "LIMIT = 0.1\nOTHER = 5"),
    "an ending that runs alone": ("own", "math.pi for name in assets])}\n", _MAIN),
    "a comment in a module beside": ("levels", "MOST = 7", "MOST = 7  # at most"),
    "what is not used of a module beside": ("levels", "UNUSED = 1", "UNUSED = 2"),
    "a function that is not used of a module beside": ("levels", "unused(value):\n    return", "unused(value):\n    return -"),
    "a docstring in a module deeper down": ("deeper", "    return value * FAR", '    """Go far."""\n    return value * FAR'),
    "a byte order mark": ("own", '"""A strategy', '\ufeff"""A strategy'),
    "line ends of Windows": ("own", "\n", "\r\n"),
}  # fmt: skip

#: (module, what stands there, what stands there after, the parts that this changes).
COMPUTED: dict[str, tuple[str, str, str, set[str]]] = {
    "a constant of the rule": ("own", "return weight * mine", "return weight * mine * 0.5", {"rule"}),
    "a comparison": ("own", "if step(warn_new) > near", "if step(warn_new) >= near", {"rule"}),
    "a global number": ("own", "LIMIT = 0.1", "LIMIT = 0.2", {"rule"}),
    "the type of a number": ("own", "LIMIT = 0.1", "LIMIT = 1", {"rule"}),
    "a helper": ("own", "return value if value > LIMIT else 0.0", "return value if value > LIMIT else 0.1", {"rule"}),
    "a helper of a module beside": ("levels", "return value * 0.5", "return value * 0.6", {"rule"}),
    "a number of a module beside": ("levels", "MOST = 7", "MOST = 8", {"touched"}),
    "a helper deeper down": ("deeper", "return value * FAR", "return value + FAR", {"trait_values"}),
    "a number deeper down": ("deeper", "FAR = 3.0", "FAR = 4.0", {"trait_values"}),
    "a default": ("own", "weight: float = param(0.1,", "weight: float = param(0.2,", {"weight"}),
    "a bound": ("own", "param(20, 1, 500,", "param(20, 1, 600,", {"window"}),
    "whole numbers": ("own", '"share of equity an entry"', '"share of equity an entry", whole=False, may_be_none=True', {"weight"}),
    "a new parameter": ("own", "    window: int", '    other: float = param(1, 0, 2, "other")\n    window: int', {"other"}),
    "a default of an option": ("own", 'option(("NVDA",)', 'option(("AMD",)', {"among"}),
    "how an option is read": ("own", "tuple(given)", "tuple(sorted(given))", {"among"}),
    "the kinds of a channel": ("own", '"bubble_warning", "denial"', '"bubble_warning", "support"', {"channels"}),
    "one kind less": ("own", '"bubble_warning", "denial"', '"bubble_warning",', {"channels"}),
    "the value of a channel": ("own", '"denial"))}', '"denial"), value="signed")}', {"channels"}),
    "a feature": ("own", '"average"', '"change"', {"features"}),
    "a trait": ("own", 'traits = ("mine",)', 'traits = ("mine", "yours")', {"traits"}),
    "what is watched": ("own", 'watch = "events"', 'watch = "always"', {"watch"}),
    "reversing": ("own", 'watch = "events"', 'watch = "events"\n    reverses = True', {"reverses"}),
    "a member of a set": ("own", '{"NVDA", "AMD"}', '{"NVDA", "INTC"}', {"touched"}),
    "a cached helper": ("own", "return number + 1", "return number + 2", {"touched"}),
    "a lambda": ("own", "name in NAMES", "name not in NAMES", {"trait_values"}),
    "a global tuple": ("own", '"NVDA", "AMD")', '"NVDA", "INTC")', {"trait_values"}),
    "an array in a global": ("own", "np.array([1.0, 2.0])", "np.array([1.0, 2.5])", {"trait_values"}),
    "an object's state": ("own", "Scale(0.4)", "Scale(0.3)", {"trait_values"}),
    "a method of an object": ("own", "max(self.least, value)", "min(self.least, value)", {"trait_values"}),
    "a default of an object's class": ("own", "least: float = 0.5", "least: float = 0.6", {"trait_values"}),
    "a class that is mixed in": ("own", "return 0.5\n", "return 0.6\n", {"share"}),
    "another function of a module": ("own", "math.pi", "math.e", {"trait_values"}),
    "another name of a module": ("own", "import math\n", "import cmath as math\n", {"trait_values"}),
    "a hook that is new": ("own", "    def touched", _JUDGED, {"judged"}),
    "a hook that is gone": ("own", "    def touched", "    def not_touched", {"touched", "not_touched"}),
    "an order of arguments": ("own", "warn_new, weight, mean, mine", "weight, warn_new, mean, mine", {"rule"}),
}  # fmt: skip


@pytest.mark.parametrize("name", COSMETIC)
def test_what_only_looks_different_is_the_same(name: str, here: Path) -> None:
    module, was, becomes = COSMETIC[name]
    text = {"own": OWN, "levels": LEVELS, "deeper": DEEPER}[module]
    assert was in text
    after = text.replace(was, becomes) if was == "\n" else text.replace(was, becomes, 1)
    assert changed(here, **{module: after}) == set()


@pytest.mark.parametrize("name", COMPUTED)
def test_what_computes_something_else_is_another(name: str, here: Path) -> None:
    module, was, becomes, expected = COMPUTED[name]
    text = {"own": OWN, "levels": LEVELS, "deeper": DEEPER}[module]
    assert was in text
    assert changed(here, **{module: text.replace(was, becomes, 1)}) == expected


@pytest.mark.parametrize("name", COMPUTED)
def test_what_computes_something_else_is_another_where_no_source_is_found(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "trees", lambda _: {})
    module, was, becomes, expected = COMPUTED[name]
    text = {"own": OWN, "levels": LEVELS, "deeper": DEEPER}[module]
    assert changed(here, **{module: text.replace(was, becomes, 1)}) == expected


@pytest.mark.parametrize(
    "name", [name for name in COSMETIC if "docstring" in name or "comment" in name or "blank" in name]
)
def test_what_only_looks_different_is_the_same_where_no_source_is_found(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "trees", lambda _: {})
    module, was, becomes = COSMETIC[name]
    text = {"own": OWN, "levels": LEVELS, "deeper": DEEPER}[module]
    assert changed(here, **{module: text.replace(was, becomes, 1)}) == set()


def test_a_strategy_means_the_same_in_every_process(here: Path) -> None:
    # sets of texts have another order in each of these processes
    parts(here, own=OWN, levels=LEVELS, deeper=DEEPER)
    code = (
        "import sys; from engine.jobs.meaning import strategy_parts; from engine.registry import find_strategy; "
        "print(sorted(strategy_parts(find_strategy(sys.argv[1])).items()))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code, f"{here / 'own.py'}:Buy"],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{sorted(parts(here, own=OWN, levels=LEVELS, deeper=DEEPER).items())}\n"}


@pytest.mark.parametrize("name", ["test", "code", "token", "own"])
def test_a_script_named_like_a_module_of_python_is_looked_into(name: str, here: Path) -> None:
    found = []
    for weight in ("0.5", "0.6"):
        text = f"from engine import Strategy\n\nLIMIT = {weight}\n\n\nclass Buy(Strategy):\n"
        text += "    @staticmethod\n    def rule():\n        return LIMIT\n"
        (here / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
        found.append(strategy_parts(find_strategy(f"{here / name}.py:Buy"))["rule"])
    assert found[0] != found[1]


@pytest.mark.parametrize(
    "installed",
    ["short_bubble_warning", "hedged_bubble_short", "narrative_pressure", "sma_cross", "signals", "fade_panic"],
)
def test_installed_strategies_have_parts(installed: str) -> None:
    found = strategy_parts(find_strategy(installed))
    assert "rule" in found
    assert found == strategy_parts(find_strategy(installed))


class Plain:
    def __init__(self, value: Any) -> None:
        self.value = value


circle: list[Any] = [1]
circle.append(circle)


@pytest.mark.parametrize(
    ("one", "same", "others"),
    [
        (1, 1, [1.0, True, "1", np.int64(1), [1], (1,)]),
        (0.1, 1e-1, [0.1 + 1e-17 + 2e-17, "0.1", np.float32(0.1)]),
        (0.0, 0.0, [-0.0, 0, None]),
        (float("nan"), float("nan"), [float("inf"), None]),
        ("a", "a", [b"a", "A", "a "]),
        ([1, 2], [1, 2], [(1, 2), [2, 1], {1, 2}, "12"]),
        ({"b", "a"}, {"a", "b"}, [{"a"}, ["a", "b"]]),
        ({"a": 1}, {"a": 1}, [{"a": 2}, {"b": 1}, [("a", 1)]]),
        (np.arange(3000), np.arange(3000), [np.arange(3001), np.where(np.arange(3000) == 1500, 0, np.arange(3000)), np.arange(3000.0)]),
        (np.arange(4).reshape(2, 2), np.arange(4).reshape(2, 2), [np.arange(4), np.arange(4).reshape(2, 2).T]),
        (pl.DataFrame({"a": range(99)}), pl.DataFrame({"a": range(99)}), [pl.DataFrame({"a": range(98)}), pl.DataFrame({"b": range(99)})]),
        (pl.Series([1, 2]), pl.Series([1, 2]), [pl.Series([1, 3]), pl.Series([1.0, 2.0])]),
        (Plain(1), Plain(1), [Plain(2), 1]),
        (Plain([Plain(1)]), Plain([Plain(1)]), [Plain([Plain(2)])]),
        (Path("a/b"), Path("a/b"), [Path("a/c"), "a/b"]),
        (len, len, [max, np.add]),
        (circle, circle, [[1, [1]]]),
    ],
)  # fmt: skip
def test_values(one: Any, same: Any, others: list[Any]) -> None:
    assert hash_of(one) == hash_of(same)
    hashes = [hash_of(value) for value in (one, *others)]
    assert len(set(hashes)) == len(hashes)


def test_what_has_no_meaning_of_its_own_does_not_stop_a_job(here: Path) -> None:
    with (here / "open.txt").open("w") as file:
        made: Mapping[str, Callable[[], Any]] = {"file": lambda: file, "generator": lambda: (n for n in range(3))}
        for make in made.values():
            assert hash_of(make()) == hash_of(make())
