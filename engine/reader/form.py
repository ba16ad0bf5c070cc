"""The form of a lexicon file: which sections and fields there are, and what each may hold."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.kinds import KINDS, check_name, is_name

#: What a negated claim may be, besides another kind.
NEGATED: Final = ("nothing", "same")
#: Whom a claim touches where its sentence names nobody.
WHO: Final = ("named", "context", "hub", "story", "market", "only market")
_CERTAINTIES: Final = ("hedged", "secondhand", "mention", "emphatic", "size", "from_context")
_RULE: Final = ("kind", "any", "all", "none", "near", "negated", "who", "default", "stance")


class _Field(NamedTuple):
    allowed: str
    suits: Callable[[Any], bool]
    such_as: str


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_term(value: Any) -> bool:
    """Whether a word is more than stars, and has something on both sides of each gap: "exclu* .. rate cuts"."""
    return isinstance(value, str) and all(part.strip(" *") for part in value.split(" .. "))


def _are_terms(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_term, value))


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_symbols(value: Any) -> bool:
    return _are_texts(value) and all(text == text.strip() for text in value)


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


_WORDS: Final = _Field(
    "a list of words in quotes, each more than a star or a gap", _are_terms, '["word", "other word"]'
)
_SYMBOLS: Final = _Field("a list of symbols in quotes, without blanks around them", _are_symbols, '["NVDA", "AMD"]')
_FLAG: Final = _Field("true or false", lambda value: isinstance(value, bool), "true")
_WORD: Final = _Field("a word in quotes", _is_text, '"word"')
_SHARE: Final = _Field("a number from 0 to 1", lambda value: _is_number(value, 0.0, 1.0), "0.5")
_STANCE: Final = _Field("a number from -1 to 1", lambda value: _is_number(value, -1.0, 1.0), "1.0")
_FACTOR: Final = _Field("a number from 0 to 10", lambda value: _is_number(value, 0.0, 10.0), "0.7")
_SIGN: Final = _Field("-1 or 1", lambda value: not isinstance(value, bool) and value in (-1, 1), "-1")
_SCALE: Final = _Field(
    "a table of percent, multiple and money, each above 0",
    lambda value: (
        isinstance(value, dict)
        and set(value) == {"percent", "multiple", "money"}
        and all(_is_number(size, 1e-300, 1e300) for size in value.values())
    ),
    "{ percent = 20.0, multiple = 10.0, money = 5e10 }",
)
_EDIT: Final = {"replace": _FLAG, "remove": _WORDS}
_LANGUAGES: Final = {"en": _WORDS, "fr": _WORDS, "zh": _WORDS}

#: The fields of one entry of each section, beside `replace` and `remove`.
ENTRIES: Final[dict[str, dict[str, _Field]]] = {
    "assets": {"names": _WORDS, "cased": _WORDS, "tickers": _SYMBOLS, "marked": _SYMBOLS, "words": _WORDS, "without": _WORDS,
               "index": _FLAG, "era": _WORD},
    "groups": {"names": _WORDS, "cased": _WORDS, "assets": _SYMBOLS, "members": _SYMBOLS, "weak": _FLAG, "topic": _FLAG},
    "private": {"names": _WORDS, "cased": _WORDS, "assets": _SYMBOLS, "members": _SYMBOLS, "rival": _FLAG},
    "people": {"names": _WORDS, "cased": _WORDS, "assets": _SYMBOLS, "side": _WORD, "firm": _WORD, "office": _WORD},
    "concepts": _LANGUAGES,
    "kinds": {"stance": _SIGN, "base": _SHARE, "scale": _SCALE},
}  # fmt: skip
_RULE_FIELDS: Final[dict[str, _Field]] = {
    "any": _Field("a list of one concept or more", lambda value: _are_texts(value) and bool(value), '["bubble"]'),
    "all": _Field("a list of concepts, or of several parted by |", _are_texts, '["rescue|state", "official"]'),
    "none": _Field("a list of concepts", _are_texts, '["milder"]'),
    "near": _Field(
        "a whole number of characters from 0",
        lambda value: type(value) is int and value >= 0,
        "80",
    ),
    "negated": _Field(
        f"{', '.join(map(repr, NEGATED))} or a kind", lambda value: value in NEGATED or is_name(value), '"denial"'
    ),
    "who": _Field(f"one of {', '.join(map(repr, WHO))}", lambda value: value in WHO, '"context"'),
    "default": _Field("a list of one symbol or more", lambda value: _are_symbols(value) and bool(value), '["SPY"]'),
    "stance": _STANCE,
}


def check_form(data: Mapping[str, Any], where: str) -> None:
    """Refuse a lexicon file whose entries or rules have not the form that docs/reader.md tells.

    Parameters
    ----------
    data
        The file, of which only known sections are left.
    where
        What to call it in a message.

    Raises
    ------
    Fault
        On the first field that is unknown, missing or of another type, naming the file, the entry or rule, and the field.
    """
    for section, fields in ENTRIES.items():
        for name, entry in _tables(data.get(section, {}), section, where):
            place = f"{where}: {section}.{name}"
            if section == "kinds":
                check_name(name, f"{where}: kinds")
            if not name.strip():
                raise Fault(f"{where}: an entry of {section} must have a name (got {name!r}); give it one.")
            _check_fields(entry, fields | _EDIT, place)
            if section == "groups" and entry.get("assets") == [] and not entry.get("members"):
                raise Fault(f"{place}: assets must be one symbol or more (got []); name some, or leave the field out.")
    if "nobody" in data:
        _check_fields(_table(data["nobody"], f"{where}: nobody"), {"names": _WORDS}, f"{where}: nobody")
    if "strength" in data:
        place = f"{where}: strength"
        _check_fields(_table(data["strength"], place), dict.fromkeys(_CERTAINTIES, _FACTOR), place)
    _check_head(data, where)
    rules = data.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise Fault(f"{where}: rules must be tables (got {_shown(rules)}); write each under a line [[rules]].")
    for number, rule in enumerate(rules, 1):
        _check_rule(rule, rule_place(where, number, rule))


def rule_place(where: str, number: int, rule: Mapping[str, Any]) -> str:
    """Say which rule of which file is spoken of."""
    kind = f" ({rule['kind']})" if isinstance(rule.get("kind"), str) else ""
    return f"{where}, rule {number}{kind}"


def _check_rule(rule: Mapping[str, Any], place: str) -> None:
    kind = rule.get("kind")
    if not is_name(kind):
        guess = did_you_mean(str(kind), KINDS) if kind is not None else ""
        raise Fault(
            f"{place}: kind must be a kind of events (got {_shown(kind)}){guess}; give one of {', '.join(KINDS)}, or one of your own."
        )
    rest = {name: value for name, value in rule.items() if name != "kind"}
    for name in rest:
        if name not in _RULE:
            raise Fault(
                f"{place}: {name!r} is no field of a rule{did_you_mean(name, _RULE)}; known are {', '.join(_RULE)}."
            )
    _check_fields({"any": None, **rest}, _RULE_FIELDS, place)


def _check_head(data: Mapping[str, Any], where: str) -> None:
    for name in ("name", "version"):
        value = data.get(name, "x")
        if isinstance(value, bool) or not (
            _is_text(value) or (isinstance(value, (int, float)) and math.isfinite(value))
        ):
            raise Fault(f'{where}: {name} must be a word in quotes (got {_shown(value)}); write {name} = "desk".')
    if not isinstance(data.get("replace_rules", False), bool):
        raise Fault(f"{where}: replace_rules must be true or false (got {_shown(data['replace_rules'])}); give one.")
    if data.get("replace_rules") and not data.get("rules"):
        raise Fault(
            f"{where}: replace_rules is true, and the file has no rules; write them under [[rules]], or leave it out."
        )
    released = data.get("released")
    if released is not None and not (isinstance(released, dt.datetime) and released.tzinfo is not None):
        raise Fault(
            f"{where}: released must be an instant with its zone (got {_shown(released)}); "
            "write released = 2026-03-01T00:00:00Z."
        )


def _tables(section: Any, name: str, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, entry in _table(section, f"{where}: {name}").items():
        yield key, _table(entry, f"{where}: {name}.{key}")


def _table(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Fault(
            f"{place} must be a table (got {_shown(value)}); write it under a line [{place.rpartition(': ')[2]}]."
        )
    return value


def _check_fields(entry: Mapping[str, Any], fields: Mapping[str, _Field], place: str) -> None:
    for name, value in entry.items():
        if name not in fields:
            raise Fault(
                f"{place}: {name!r} is no field of it{did_you_mean(name, fields)}; known are {', '.join(fields)}."
            )
        field = fields[name]
        if not field.suits(value):
            raise Fault(
                f"{place}: {name} must be {field.allowed} (got {_shown(value)}); write {name} = {field.such_as}."
            )


def _shown(value: Any) -> str:
    text = "nothing" if value is None else value.isoformat() if isinstance(value, (dt.date, dt.time)) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
