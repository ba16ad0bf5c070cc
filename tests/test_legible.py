"""What a person is shown: numbers without powers of ten, nothing invisible, nothing without end."""

import io
import json
import math
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Account, Fault, Market, between, span, sweep
from engine.cli import main
from engine.commands.output import answer, table
from engine.grid import Grid
from engine.legible import escaped, listed, numeral, printable, shown, visible
from engine.summary import Summary
from strategies import ShortBubbleWarning, SmaCross

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0, "0"), (-0.0, "0"), (1, "1"), (1e6, "1,000,000"), (1e15, "1,000,000,000,000,000"), (-1e6, "-1,000,000"),
        (1234567.25, "1,234,567.25"), (0.0005, "0.0005"), (1e-5, "0.00001"), (1.5e-12, "0.0000000000015"), (0.1, "0.1"),
        (np.float32(0.1), "0.1"), (np.float64(1e16), "10,000,000,000,000,000"), (np.int64(10), "10"), (Fraction(1, 4), "0.25"),
        (Decimal("1E+3"), "1,000"), (10**20, "100,000,000,000,000,000,000"), (1e21, "10^21"), (2.5e22, "2.5 x 10^22"),
        (-2e-30, "-2 x 10^-30"), (math.inf, "infinity"), (-math.inf, "minus infinity"), (math.nan, "not a number"), (True, "True"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_people_write_it(value: Any, says: str) -> None:
    assert numeral(value) == says


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_digit_is_lost_and_no_letter_comes_in(value: float) -> None:
    text = numeral(value)
    assert re.fullmatch(r"-?[\d,.]+( x 10\^-?\d+)?|-?10\^-?\d+", text)
    power = text.replace(",", "").replace(" x 10^", "e")
    assert float(re.sub(r"10\^", "1e", power)) == value


@given(st.floats(min_value=1e-9, max_value=1e15), st.integers(1, 12))
def test_some_digits_are_the_nearest(value: float, digits: int) -> None:
    # Of n digits the last is worth 10^(exponent - n + 1), and rounding is wrong by half of it at most.
    exponent = Decimal(value).adjusted()
    error = abs(Decimal(numeral(value, digits).replace(",", "")) - Decimal(value))
    assert error <= Decimal(10) ** (exponent - digits + 1) / 2 * Decimal("1.000001")


def fault(call: Callable[[], object]) -> str:
    with pytest.raises(Fault) as refused:
        call()
    return str(refused.value)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Account(cash=0), "1,000,000,000,000,000"),
        (lambda: ShortBubbleWarning(hold=0), "from 1 to 1,000,000"),
        (lambda: span(0, 1e10), "span(0, 10000000000) has 10,000,000,001 values"),
        (lambda: span(1e6, 1), "span(1000000, 1)"),
        (lambda: between(-1e6, 1, log=True), "-1,000,000"),
        (lambda: sweep(SmaCross, Market.sample(), fast=between(1, 1e3), slow=[5000]), "from 1 to 1,000"),
        (lambda: sweep(SmaCross, Market.sample(), fast=[500], slow=[50]), "fast=500, slow=50"),
        (lambda: Summary.of(Grid.of(SmaCross, {"fast": [5]})).quantile(1e6), "1,000,000"),
    ],
)  # fmt: skip
def test_messages_write_numbers_so(call: Callable[[], object], says: str) -> None:
    assert says in fault(call)
    assert not re.search(r"\de[+-]\d", fault(call))


def test_no_source_writes_a_number_in_general_form() -> None:
    # Figures of the benchmarks' pages are rounded to three digits and say "e9" on purpose.
    sources = [path for name in ("engine", "kernels", "strategies", "seeds") for path in (ROOT / name).rglob("*.py")]
    found = [
        path.name for path in sources if re.search(r"\{[^{}]*:[-+ ,.\d]*[geGE]\}", path.read_text(encoding="utf-8"))
    ]
    assert sources
    assert found == []


HIDDEN = {
    "NUL": "\x00", "bell": "\x07", "backspace": "\x08", "escape": "\x1b[31m", "delete": "\x7f", "C1's own escape": "\x9b31m",
    "right to left": "\u202e", "isolate": "\u2066", "mark": "\u200f", "zero width": "\u200b", "line": "\u2028", "byte order": "\ufeff",
    "tag": "\U000e0041", "half": "\ud800", "carriage return": "\r",
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
def test_what_cannot_be_seen_is_spelled(name: str) -> None:
    text = f"A{HIDDEN[name]}B"
    for seen in (visible(text), visible(text, lines=True), printable(text), shown(text, 50), listed([text], 3, 50)):
        assert not set(seen) & set(HIDDEN[name][0]), seen
        assert seen.isascii()
    document = escaped(json.dumps({"name": text}, ensure_ascii=False))
    assert json.loads(document) == {"name": text}, "a program reads what was there"
    assert HIDDEN[name][0] not in document


@pytest.mark.parametrize(
    "text", ["NVDA", "0700.HK", "腾讯控股", "L'Oréal – 3 %", "👩\u200d💻", "ab\u00ad", "\u00a0", "עברית"]
)
def test_what_can_be_seen_is_left(text: str) -> None:
    assert visible(text) == text
    assert printable(text) == text


@given(st.text())
def test_a_json_document_says_the_same(text: str) -> None:
    assert json.loads(escaped(json.dumps({"x": text}, ensure_ascii=False))) == {"x": text}


@pytest.mark.parametrize("length", [999, 1001, 5_000, 5_000_000])
def test_a_sentence_has_an_end(length: int) -> None:
    word, words = printable("asset " + "x" * length + " is unknown."), printable("ab " * length)
    assert word.endswith("is unknown.")
    assert len(word) < 1100
    assert (f"cut, {length:,} characters" in word) == (length > 1000)
    assert len(words) <= 4100
    many = "\n".join(f"  line {i}: wrong." for i in range(1000))
    assert printable(many) == many, "every mistake of a file is said"


def test_commands_print_nothing_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = "".join(HIDDEN.values())
    for as_json in (False, True):
        out = io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        answer({"asset": odd, odd: 1}, as_json, f"Of {odd}.", table(("asset",), [(odd,), ("x" * 5000,)]))
        said = out.getvalue()
        assert not set(said) & (set(odd) - set("[31m")), repr(said)
        assert len(said) < 5_000


def test_a_fault_prints_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    for more in ((), ("--json",)):
        assert main(["backtest", "a\x1b[31m\u202eb\x9b", "--prices", "p", "--out", "none/o", *more]) == 2
        said = capsys.readouterr()
        assert not set(said.err + said.out) & set("\x1b\u202e\x9b")
        assert "\\x1b[31m\\u202eb" in said.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("bakctest",), "No such command 'bakctest'. Did you mean 'backtest'? `tocsin --help` says what is allowed."),
        (("prices", "imprt"), "No such command 'imprt'. Did you mean 'import'? `tocsin prices --help` says what is allowed."),
        (("zzz",), "No such command 'zzz'; `tocsin --help` says what is allowed."),
        (("backtest", "x", "--price", "p"), "No such option '--price'. Did you mean '--prices'? `tocsin backtest --help` says what"),
        (("demo", "--jsn"), "No such option '--jsn'. Did you mean '--json'? `tocsin demo --help` says what is allowed."),
        (("demo", "--qqqq"), "No such option '--qqqq'; `tocsin demo --help`"),
        (("--hlep",), "No such option '--hlep'. Did you mean '--help'? `tocsin --help` says what is allowed."),
        (("backtest",), "Missing argument 'STRATEGY'; `tocsin backtest --help` says what is allowed."),
        (("why", "a", "b", "c"), "Got unexpected extra argument(s) (c); `tocsin why --help` says what is allowed."),
        (("read", "x", "--out"), "Option '--out' requires an argument; `tocsin read --help` says what is allowed."),
        (("prices", "import", "x", "--out"), "Option '--out' requires an argument; `tocsin prices import --help` says what is allowed."),
        (("prices", "import", "x", "--out", "y", "--hours", "some"), "Invalid value for '--hours': 'some' is not one of 'regular', 'all'; "
            "`tocsin prices import --help` says what is allowed."),
    ],
)  # fmt: skip
def test_a_misspelled_command_line(arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(says)
    assert not re.search(r"[?.][;,]|;;|\.\.", said.replace("...", ""))
