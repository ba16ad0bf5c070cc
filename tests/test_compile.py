"""Rules as users write them: their names keep their meaning, and what cannot work is said in one sentence."""

import importlib
import inspect
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from engine import KEEP, Account, Channel, Events, Fault, Feature, Market, Strategy, backtest, option, param, sweep
from engine.compile import _walk, source
from kernels import rules
from strategies import ShortBubbleWarning, SmaCross

WIDTH, ONE, ZERO = 3, 2, 1  # names that the generated module has, too
F = 0.5
at = 0.0


def rule(x: float) -> float:
    """Share its name with the rule."""
    return x * 2


def decide(x: float) -> float:
    level: float = F
    return x if x > level * at else -x


def again(x: float) -> float:
    return again(x - 1) if x > 0 else 0.0


def test_the_walk_is_compiled_for_what_it_is_handed_and_nothing_else() -> None:
    market = Market.sample()
    for kind in ("portfolio", "columns"):
        backtest(ShortBubbleWarning(), market, Events.sample(), Account(kind=kind))  # type: ignore[arg-type]
    backtest(SmaCross(fast=5, slow=20), market)
    assert len(_walk(1).walk_blocks.signatures) == 1


def test_what_compiled_code_alone_calls_is_plain_python_when_python_calls_it() -> None:
    assert rules.interest(-10.0, 0.5, 0.25) == (0.0, 2.5)
    assert rules.choose(True, 1, 2) == 1


class Odd(Strategy):
    """Use every name that could collide."""

    channels: ClassVar[dict[str, Channel]] = {"warn": Channel(("bubble_warning",))}
    watch = "events"
    w: float = param(0.01, 0.0, 1.0, "weight")

    @staticmethod
    def rule(warn_new, side, w):  # type: ignore[no-untyped-def]
        # a comment at the margin
        return -decide(rule(w)) * WIDTH / (ONE * F * ONE * ZERO) if warn_new > 0 and side > -5 * ZERO else KEEP


class Plain(Odd):
    """The same with the numbers written out: w * 2 * 3 / (2 * 0.5 * 2 * 1) = 3 w."""

    @staticmethod
    def rule(warn_new, side, w):  # type: ignore[no-untyped-def]
        return -3 * w if warn_new > 0 and side > -5 else KEEP


def test_a_users_names_mean_what_they_mean_in_his_module() -> None:
    market, events = Market.sample(), Events.sample()
    weights = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    odd, plain = (sweep(s, market, events, Account(), precision="float64", w=weights).table for s in (Odd, Plain))
    assert odd["open_trades"].min() > 0
    np.testing.assert_allclose(odd["final_equity"], plain["final_equity"], rtol=1e-12)
    assert backtest(Odd(w=0.06), market, events).metrics["final_equity"] == odd["final_equity"][5]


def made(**declared: Any) -> type[Strategy]:
    return type(
        "Made",
        (Strategy,),
        {"__module__": __name__, "rule": staticmethod(declared.pop("rule", Plain.rule)), **declared},
    )


def calls_itself(side: float) -> float:
    return again(side)


def uses_numpy(side: float) -> float:
    return np.sin(side)


LEVELS = np.array([0.1, 0.2])


def uses_an_array(side: float) -> float:
    return LEVELS[0]


def says_nothing(side: float) -> float:
    if side > 0:
        return 0.0
    print(side)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (calls_itself, "calls itself"),
        (uses_numpy, "uses 'np'"),
        (uses_an_array, "uses 'LEVELS'"),
        (says_nothing, "without an answer"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_in_one_sentence(written: Any, said: str) -> None:
    with pytest.raises(Fault, match=said) as caught:
        source(made(rule=written), np.float64)
    assert "\n" not in str(caught.value)
    assert "cannot be compiled" not in str(caught.value)


def endless(warn_new: float) -> float:
    return -math.inf if warn_new > 0 else KEEP


def undefined(warn_new: float) -> float:
    return warn_new / warn_new - math.inf + math.inf


@pytest.mark.parametrize("written", [endless, undefined])
def test_an_answer_that_is_not_finite_is_refused(written: Any) -> None:
    strategy = made(rule=written, channels={"warn": Channel(("bubble_warning",))}, watch="events")
    with pytest.raises(Fault, match="no finite number"):
        backtest(strategy(), Market.sample(), Events.sample())


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: Channel(("bubble warnin",)), "did you mean 'bubble_warning'"),
        (lambda: Channel("bubble_warning"), "allowed is a tuple"),  # type: ignore[arg-type]
        (lambda: Channel((), value="sign"), "did you mean 'signed'"),  # type: ignore[arg-type]
        (lambda: Channel((), role="entry"), "enter, leave, both"),  # type: ignore[arg-type]
        (lambda: Feature("averge", 3), "did you mean 'average'"),  # type: ignore[arg-type]
        (lambda: Feature("average", 0), "whole number of bars from 1"),
        (lambda: made(watch="event"), "did you mean 'events'"),
        (lambda: made(channels=[]), "allowed is a dict"),
        (lambda: made(channels={"bad news": Channel()}), "'bad news'"),
        (lambda: made(x=param(1, 0, 2, "x"), features={"x": Feature("close")}), "'x' twice"),
        (lambda: made(side=param(1, 0, 2, "x")), "'side' twice"),
        (lambda: made(table=param(1, 0, 2, "x")), "a method of every strategy"),
        (lambda: made(w=param(50, 0, 1, "x")), "50"),
        (lambda: made(features={"m": Feature("change", "windw")}), "names the window 'windw'"),
        (lambda: made(n=param(3, 1, 9, "bars"), features={"m": Feature("change", "n")}), "whole=True"),
    ],
)
def test_a_declaration_that_is_wrong_is_refused_when_it_is_made(declare: Any, said: str) -> None:
    with pytest.raises(Fault, match=said):
        declare()


def test_no_parameter_and_no_option_is_named_like_an_argument_of_sweep() -> None:
    taken = [n for n, p in inspect.signature(sweep).parameters.items() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    for name in taken:
        for declared in (param(1, 0, 2, "x"), option(1, "x")):
            with pytest.raises(Fault, match=rf"\b{name}\b.*, allowed are other names; rename"):
                made(**{name: declared})


SCALE = 2.0


def twice(x: float) -> float:
    return x * SCALE


def thrice(x: float) -> float:
    return x * 3


def asks_twice(side: float) -> float:
    return twice(side)


def asks_thrice(side: float) -> float:
    return thrice(side)


def test_what_a_rule_uses_may_change_between_two_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = made(rule=asks_twice)
    first = source(strategy, np.float64)
    assert source(strategy, np.float64) == first
    for name, value in (("SCALE", -0.0), ("SCALE", 0.0), ("twice", thrice)):
        with monkeypatch.context() as patched:
            patched.setitem(globals(), name, value)
            changed = source(strategy, np.float64)
        assert changed != first
        assert (f"Number_({value})" if name == "SCALE" else "Number_(3)") in changed
        assert source(strategy, np.float64) == first
    monkeypatch.setattr(asks_twice, "__code__", asks_thrice.__code__)  # as a notebook that reloads modules does
    assert "Number_(3)" in source(strategy, np.float64)


def test_a_rule_that_is_written_anew_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    texts = []
    for level in ("0.25", "0.5"):
        # The bytes of the code are the same: a default stands in the function, not in its code.
        (tmp_path / "cell.py").write_text(f"def limit(x, level={level}):\n    return x * level\n")
        importlib.invalidate_caches()
        sys.modules.pop("cell", None)
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        cell = importlib.import_module("cell")
        sys.dont_write_bytecode = before
        monkeypatch.setitem(globals(), "thrice", cell.limit)
        texts.append(source(made(rule=asks_thrice), np.float64))
    assert [level in text for text in texts for level in ("0.25", "0.5")] == [True, False, False, True]


@pytest.mark.parametrize("own", [False, True], ids=["in our cache", "in a cache of numba's"])
def test_compiling_is_said_once_a_machine(tmp_path: Path, own: bool) -> None:
    # the rule alone, without the walk around it, which takes the longest and says nothing
    script = """
import numpy as np
from engine.compile import _pointer, source
from strategies import SmaCross
_pointer(source(SmaCross, "f8"), SmaCross.name(), 1, np.dtype("f8"))
"""
    settings = {**os.environ, "TOCSIN_CACHE": str(tmp_path)}
    if own:
        settings["NUMBA_CACHE_DIR"] = str(tmp_path / "numba")
    said = [
        subprocess.run([sys.executable, "-c", script], env=settings, capture_output=True, text=True, check=True).stderr
        for _ in range(2)
    ]
    assert "Compiling sma_cross in float64" in said[0]
    assert said[1] == ""


def test_an_edit_of_a_rule_reaches_what_was_compiled_with_it_in_another_file(tmp_path: Path) -> None:
    shutil.copytree(Path(rules.__file__).parent, tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    script = """
import numpy as np
from kernels import layout, prices, rules
one = np.ones((1, 2))
terms = rules.Terms(*[1.0] * len(rules.Terms._fields))
print(prices.price_table((one, one, one, one), one, one, one, np.ones(2), terms, False, "f8")[0, 0, layout.CHARGE] * 360)
"""

    def charge() -> float:  # the folder that Python starts in comes first among those it imports from
        said = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        return float(said.stdout)

    assert charge() == pytest.approx(1.02)
    edited = tmp_path / "kernels" / "rules.py"
    edited.write_text(edited.read_text().replace("COLLATERAL, YEAR = 1.02", "COLLATERAL, YEAR = 2.04"))
    assert charge() == pytest.approx(2.04)
