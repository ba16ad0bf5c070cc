"""What a strategy reaches: whatever kind of thing it uses, a change of it is seen."""

from pathlib import Path

import pytest

from tests.jobs.test_meaning import DEEPER, here, parts

__all__ = ["here"]

ODD = """
import collections, datetime, enum, functools, json, logging, re, sys, threading
from decimal import Decimal
from pathlib import Path

import numba
import numpy as np
import polars as pl

from levels import *
from engine import Account, Strategy, param

CONFIG = json.loads(Path(__file__).with_name("config.json").read_text())
LOCK, LOG, OUT, CACHE = threading.Lock(), logging.getLogger("own"), sys.stdout, {}
Color = enum.Enum("Color", {"RED": 1})
Point = collections.namedtuple("Point", "x y")
VALUES = (
    Color.RED, Point(1, 2), functools.partial(round, ndigits=2), re.compile("a+", re.I), pl.col("a") * 2, pl.LazyFrame({"a": [1]}),
    datetime.date(2024, 1, 1), Decimal("0.1"), np.random.default_rng(5), np.array([1, "a", None], dtype=object),
    collections.Counter("aab"), collections.deque([1, 2]), Account(),
)


@numba.njit(fastmath=True)
def quick(x):
    return x * 2.0


def times(k):
    def outer(function):
        @functools.wraps(function)
        def inner(*given):
            return function(*given) * k
        return inner
    return outer


@times(CONFIG["k"])
def decorated(x):
    return x


def made(limit):
    class Buy(Base):
        weight: float = param(0.1, 0.0, 2.0, "share of equity an entry")

        @staticmethod
        def rule(weight):
            return weight * limit

        @functools.cached_property
        def slow(self):
            return VALUES, LOCK, LOG, OUT, CACHE

        def managed(self, assets):
            import deeper
            return quick(1.0) + decorated(2) + deeper.far(3)

    return Buy


Buy = made(0.5)
"""
BASE = """
from engine import Strategy

import deeper


class Base(Strategy):
    def judged(self, assets):
        return deeper.far(len(assets))
"""


@pytest.mark.parametrize(
    ("module", "was", "becomes", "expected"),
    [
        ("own", "made(0.5)", "made(0.6)", {"rule"}),
        ("own", "return x * 2.0", "return x * 3.0", {"managed"}),
        ("own", "fastmath=True", "fastmath=False", {"managed"}),
        ("own", "(*given) * k", "(*given) + k", {"managed"}),
        ("own", '"RED": 1', '"RED": 3', {"slow"}),
        ("own", "Point(1, 2)", "Point(1, 3)", {"slow"}),
        ("own", "ndigits=2", "ndigits=3", {"slow"}),
        ("own", '"a+"', '"b+"', {"slow"}),
        ("own", 'pl.col("a") * 2', 'pl.col("a") * 3', {"slow"}),
        ("own", "default_rng(5)", "default_rng(6)", {"slow"}),
        ("own", '"a", None]', '"b", None]', {"slow"}),
        ("own", "Account()", "Account(cash=5)", {"slow"}),
        ("own", "CACHE = ", "CACHE = ", set()),
        ("own", "def quick(x):\n", 'def quick(x):\n    """Be quick."""\n', set()),
        ("levels", "deeper.far(len(assets))", "deeper.far(2)", {"judged"}),
        ("levels", "class Base", "# a base\nclass Base", set()),
        ("deeper", "FAR = 3.0", "FAR = 4.0", {"judged", "managed"}),
        ("deeper", "FAR = 3.0", "FAR = 3.0  # far", set()),
    ],
)
def test_whatever_a_strategy_uses_is_looked_into(
    module: str, was: str, becomes: str, expected: set[str], here: Path
) -> None:
    (here / "config.json").write_text('{"k": 1.5}')
    given = {"own": ODD, "levels": BASE, "deeper": DEEPER}
    assert was in given[module]
    before = parts(here, **given)
    assert parts(here, **given) == before
    now = parts(here, **{**given, module: given[module].replace(was, becomes, 1)})
    assert {name for name in before if before[name] != now[name]} == expected
    (here / "config.json").write_text('{"k": 1.6}')
    assert parts(here, **given)["managed"] != before["managed"]
