"""Numbers and texts as a person can read them: no powers of ten, nothing invisible, nothing without end."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

#: Beyond these a number has more noughts than anybody counts, and a power of ten says more.
_LEAST, _MOST = Decimal("1e-12"), Decimal("1e21")

#: Control characters, marks that turn the direction of a text or hide in it, separators of lines, halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_LONG_WORD = re.compile(r"\S{1001,}")
_MOST_IN_SENTENCE = 4000


def numeral(value: Any, digits: int | None = None, *, commas: bool = True) -> str:
    """Write a number as people do, to the last digit that it has or to some of them.

    Parameters
    ----------
    value
        Any number, of Python or numpy.
    digits
        How many digits count; left out, all.
    commas
        Part thousands; not where the number stands as it would be typed.

    Examples
    --------
    >>> numeral(1e6), numeral(0.0005), numeral(2.50), numeral(-1234.5678, 6)
    ('1,000,000', '0.0005', '2.5', '-1,234.57')
    >>> numeral(float("inf")), numeral(float("nan")), numeral(1e300)
    ('infinity', 'not a number', '10^300')
    """
    if isinstance(value, bool):
        return str(value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:  # a fraction
        number = Decimal(str(float(value)))
    if number.is_nan():
        return "not a number"
    if number.is_infinite():
        return "infinity" if number > 0 else "minus infinity"
    if digits is not None:
        number = Decimal(f"{number:.{digits - 1}e}")
    if number == 0:
        return "0"
    sign, figures, exponent = number.as_tuple()
    text = "".join(map(str, figures)).rstrip("0")
    exponent = int(exponent) + len(figures) - len(text)
    if _LEAST <= abs(number) < _MOST:
        return f"{Decimal((sign, tuple(map(int, text)), exponent)):{',' if commas else ''}f}"
    power, few = f"10^{exponent + len(text) - 1}", text[0] + ("." + text[1:] if len(text) > 1 else "")
    return ("-" if sign else "") + (power if few == "1" else f"{few} x {power}")


def visible(text: str, *, lines: bool = False) -> str:
    r"""Write characters that cannot be seen, or that make others look like something else, as Python spells them.

    Parameters
    ----------
    text
        Any text, such as a symbol or a name that somebody else chose.
    lines
        Keep line ends and tabs.

    Examples
    --------
    >>> visible("A\x1b[31m\u202eB"), visible("two\nlines"), visible("two\nlines", lines=True)
    ('A\\x1b[31m\\u202eB', 'two\\nlines', 'two\nlines')
    """
    if lines:
        text = text.replace("\r\n", "\n")
    return _UNSEEN.sub(lambda found: found[0] if lines and found[0] in "\n\t" else _spelled(found[0]), text)


def escaped(document: str) -> str:
    r"""Write the same characters of a JSON document as JSON spells them; it says the same.

    Examples
    --------
    >>> escaped('{"asset": "A\u202eB"}')
    '{"asset": "A\\u202eB"}'
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else _in_json(found[0]), document)


def _spelled(char: str) -> str:
    return ascii(char)[1:-1]


def _in_json(char: str) -> str:
    pairs = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{pairs[i]:02x}{pairs[i + 1]:02x}" for i in range(0, len(pairs), 2))


def shown(text: str, most: int, whole: str = "", *, lines: bool = False) -> str:
    r"""Write a text as `visible` does, up to `most` characters of it; say where it is cut, and where the whole is.

    Parameters
    ----------
    text
        Any text, however long.
    most
        How many characters are written, but for what is said of the cut.
    whole
        The file that has the whole.
    lines
        Keep line ends and tabs.

    Examples
    --------
    >>> shown("short", 10), shown("x" * 5000, 3, "events.parquet"), shown("A\x1b", 10)
    ('short', 'xxx... cut, 5,000 characters; whole in events.parquet', 'A\\x1b')
    """
    seen = visible(text[:most], lines=lines)
    if len(text) <= most and len(seen) <= most:
        return seen
    return f"{seen[:most]}... cut, {len(text):,} characters{f'; whole in {whole}' if whole else ''}"


def listed(names: list[str], most: int, longest: int) -> str:
    """Write names with commas between them, as many as `most`, each of up to `longest` characters; the others are counted.

    Examples
    --------
    >>> listed(["A", "B", "C"], 2, 10), listed([], 2, 10)
    ('A, B and 1 more', '')
    """
    seen = ", ".join(shown(str(name), longest) for name in names[:most])
    return seen + (f" and {len(names) - most:,} more" if len(names) > most else "")


def printable(text: str) -> str:
    """Make a sentence fit for a terminal: nothing invisible but line ends, no word and no sentence without end."""
    text = _LONG_WORD.sub(lambda word: shown(word[0], 200), visible(text, lines=True))
    if len(text) <= _MOST_IN_SENTENCE or "\n" in text:
        return text
    left_out = len(text) - _MOST_IN_SENTENCE
    return f"{text[: _MOST_IN_SENTENCE - 1000]} ... ({left_out:,} characters left out) ... {text[-1000:]}"
