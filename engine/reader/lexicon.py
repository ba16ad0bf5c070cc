"""Load the reader's words from TOML files, let a user's file add to them or override them, and compile them."""

from __future__ import annotations

import datetime as dt
import functools
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import ahocorasick_rs

from engine.faults import Fault
from engine.reader.fold import fold, is_han
from engine.reader.form import check_form, rule_place

HERE: Final = Path(__file__).parent / "lexicon"
BUILT_IN: Final = ("names.toml", "claims.toml", "kinds.toml")
LANGUAGES: Final = ("en", "fr", "zh")
_SECTIONS: Final = (
    "assets", "nobody", "groups", "private", "people", "concepts", "strength", "kinds", "rules", "name", "version", "released",
)  # fmt: skip

Role = Literal["asset", "group", "private", "person", "nobody", "concept"]


@dataclass(frozen=True)
class Entity:
    """Somebody that a text can name: a listed company, a group, a private company, a person."""

    key: str
    role: Role
    assets: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # listed names that may stand for a group where a story names them
    weak: bool = False  # so broad a group that it only counts where no other name stands
    topic: bool = False  # what people talk about; it has no price
    index: bool = False
    rival: bool = False
    era: str = ""  # beside this concept the name stands for an age ("the Cisco of the dot-com years")


@dataclass(frozen=True)
class Rule:
    """One way in which words make a claim; see lexicon/kinds.toml for what each field means."""

    kind: str
    any: tuple[str, ...]
    all: tuple[tuple[str, ...], ...] = ()
    none: tuple[str, ...] = ()
    near: int = 0
    negated: str = "nothing"
    who: str = "named"
    default: tuple[str, ...] = ("SPY",)
    stance: float = 1.0


@dataclass(frozen=True)
class KindWeight:
    """What a kind of claim is worth: its sign, its base strength, and the figure that counts as large."""

    stance: int
    base: float
    scale: Mapping[str, float]


class Hit(NamedTuple):
    """A term found: what it stands for, and its span in the folded text."""

    start: int
    end: int
    role: Role
    key: str


class _Term(NamedTuple):
    role: Role
    key: str
    language: str  # "" for names, which belong to every language
    left: bool  # a word boundary is wanted before
    right: bool
    cased: str  # the exact spelling, where capitals count
    marked: bool  # only with $, brackets or an exchange's name
    tail: re.Pattern[str] | None


@dataclass
class Lexicon:
    """The words and rules of one reader, compiled.

    Attributes
    ----------
    name, version
        What `reader` says in the events table: ``name/version``.
    released
        When the words came to be; the events' `labelled_at`.
    entities
        By key: tickers, ``group:...``, ``private:...``, ``person:...``.
    """

    name: str
    version: str
    released: dt.datetime
    entities: dict[str, Entity]
    rules: tuple[Rule, ...]
    kinds: dict[str, KindWeight]
    strength: dict[str, float]
    terms: list[list[_Term]] = field(repr=False)
    patterns: list[str] = field(repr=False)
    concept_terms: dict[str, list[str]] = field(repr=False)
    name_terms: list[str] = field(repr=False)

    def __post_init__(self) -> None:
        self._automaton = ahocorasick_rs.AhoCorasick(self.patterns)

    @property
    def label(self) -> str:
        """Name and version, as the events carry it."""
        return f"{self.name}/{self.version}"

    def scan(self, folded: str, text: str, language: str = "") -> list[Hit]:
        """Find every term.

        Parameters
        ----------
        folded, text
            The text as `fold` gives it and as it was; of one length.
        language
            "en", "fr" or "zh": the language of Latin words (Chinese terms are found in any). Empty: all.

        Returns
        -------
        list of Hit
            Sorted by start, longer ones first; a name inside a longer name is left out.
        """
        out: list[Hit] = []
        size = len(folded)
        terms = self.terms
        for index, start, stop in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            for term in terms[index]:
                if term.language and language and term.language != language and not _borrowed(term, language):
                    continue
                if term.left and start and _wordy(folded[start - 1]):
                    continue
                if term.right and stop < size and _wordy(folded[stop]):
                    continue
                if term.cased and text[start:stop] != term.cased:
                    continue
                if term.marked and not _is_marked(folded, start, stop):
                    continue
                end = stop
                if term.tail is not None:
                    tail = term.tail.match(folded, stop)
                    if tail is None:
                        continue
                    end = tail.end()
                out.append(Hit(start, end, term.role, term.key))
        out.sort(key=lambda hit: (hit.start, -hit.end, hit.role))
        return _drop_inner_names(out)


def _borrowed(term: _Term, language: str) -> bool:
    # A Chinese text borrows English words ("backstop"); a French or English one borrows Chinese ones only by quoting.
    return term.language == "zh" or (language == "zh" and term.language == "en")


def _wordy(char: str) -> bool:
    return char.isalnum() and not is_han(char)


_EXCHANGE = re.compile(r"(?:\$|\((?:[a-z]+\s?:\s?)?|（|(?:nyse|nasdaq)\s?:\s?)\s?$")


def _is_marked(folded: str, start: int, stop: int) -> bool:
    return _EXCHANGE.search(folded, max(0, start - 12), start) is not None


def _drop_inner_names(hits: list[Hit]) -> list[Hit]:
    """A name that lies within a longer name is no name of its own ("Apple" in "apple pie"); nobody is then dropped."""
    out: list[Hit] = []
    reach = -1
    for hit in hits:
        if hit.role == "concept":
            out.append(hit)
            continue
        if hit.end <= reach:
            continue
        reach = hit.end
        if hit.role != "nobody":
            out.append(hit)
    return out


# ------------------------------------------------------------------------------------------------ reading the files


def load(extra: Sequence[str | Path] = ()) -> Lexicon:
    """Read the built-in lexicon and the user's files, later files over earlier ones.

    A user's file has the sections of the built-in ones. A name, group, person or concept given again is added to (its
    lists are joined); ``replace = true`` in it starts from nothing, ``remove = [...]`` takes terms out. Rules are added; a
    file with ``replace_rules = true`` brings all the rules itself.

    Raises
    ------
    Fault
        A file is missing, is no TOML, or has a section, kind or concept that does not exist.
    """
    for path in extra if isinstance(extra, Sequence) else (extra,):
        if not isinstance(path, (str, os.PathLike)):
            raise Fault(f"lexicon must be the path of a TOML file, or a list of them (got {path!r}); give one.")
    return _load(tuple((str(path), _bytes(path)) for path in [*(HERE / name for name in BUILT_IN), *map(Path, extra)]))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fault(
            f"lexicon {path}: the file cannot be read ({error.strerror}); give the path of a TOML file"
        ) from None


@functools.lru_cache(maxsize=8)  # by content: a file that was edited is read anew
def _load(files: tuple[tuple[str, bytes], ...]) -> Lexicon:
    merged: dict[str, Any] = {}
    for path, raw in files:
        _merge(merged, _read_toml(path, raw), path)
    return _compile(merged, " and ".join(path for path, _ in files[len(BUILT_IN) :]) or "the built-in lexicon")


def _read_toml(path: str, raw: bytes) -> dict[str, Any]:
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault(f"lexicon {path}: not valid TOML ({error}); correct the line it names") from None
    for section in data:
        if section not in (*_SECTIONS, "replace_rules"):
            raise Fault(
                f"lexicon {path}: unknown section {section!r}{_meant(section, _SECTIONS)}; allowed are {', '.join(_SECTIONS)}"
            )
    check_form(data, f"lexicon {path}")
    return data


def _meant(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _merge(into: dict[str, Any], new: Mapping[str, Any], path: str) -> None:
    for section, value in new.items():
        if section == "rules":
            rules = [(rule_place(f"lexicon {path}", number, rule), rule) for number, rule in enumerate(value, 1)]
            into["rules"] = [*([] if new.get("replace_rules") else into.get("rules", [])), *rules]
        elif section in ("name", "version", "released", "replace_rules"):
            into[section] = value
        elif section in ("strength", "nobody"):
            base = into.setdefault(section, {})
            for key, item in value.items():
                base[key] = [*base.get(key, []), *item] if isinstance(item, list) else item
        else:
            for key, item in value.items():
                into.setdefault(section, {})[key] = _joined(into.get(section, {}).get(key, {}), item)


def _joined(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {} if new.get("replace") else dict(old)
    for key, value in new.items():
        if key in ("replace", "remove"):
            continue
        # A list of words grows; the assets that a name stands for are replaced, for that is what a user corrects.
        grows = isinstance(value, list) and key != "assets"
        out[key] = [*out.get(key, []), *value] if grows else value
    gone = set(new.get("remove", ()))
    return {
        key: [v for v in value if v not in gone] if isinstance(value, list) else value for key, value in out.items()
    }


class _Builder:
    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.terms: list[list[_Term]] = []
        self.concepts: dict[str, list[str]] = {}
        self.names: list[str] = []

    def add(
        self, raw: str, role: Role, key: str, language: str = "", *, cased: bool = False, marked: bool = False
    ) -> None:
        head, *rest = [part.strip() for part in raw.split(" .. ")]
        joined = [""]
        if "*" in head[:-1]:  # "baisse* de taux": what follows the first star is matched as a tail
            head, _, follows = head.partition("*")
            head, joined = head + "*", [follows]
        word = fold(head.rstrip("*"))
        if not word:
            return
        tail = _tail(joined[0], rest, chinese=language == "zh") if rest or joined[0] else None
        right = _wordy(word[-1]) and not head.endswith("*")
        term = _Term(role, key, language, _wordy(word[0]), right, head if cased else "", marked, tail)
        for form in dict.fromkeys(
            (word, word.replace(" ", "-"), word.replace("-", " "))
        ):  # "data center", "data-center"
            if form not in self.index:
                self.index[form] = len(self.terms)
                self.terms.append([])
            slot = self.terms[self.index[form]]
            if term not in slot:
                slot.append(term)
        if role == "concept":
            self.concepts.setdefault(key, []).append(raw)
        elif role != "nobody":
            self.names.append(raw)


def _tail(joined: str, parts: list[str], *, chinese: bool) -> re.Pattern[str]:
    gap = rf"[^。！？；;!?\n]{{0,{12 if chinese else 40}}}?"
    out = r"" if chinese else r"\w*"
    if joined:
        out += _words(joined)
    for part in parts:
        out += gap + ("" if chinese else r"\b") + _words(part)
    return re.compile(out)


def _words(part: str) -> str:
    body = r"\w*".join(re.escape(fold(piece)) for piece in part.split("*"))
    return body if part.endswith("*") or is_han(part[-1]) else body + r"\b"


def _compile(data: Mapping[str, Any], where: str) -> Lexicon:
    build = _Builder()
    entities: dict[str, Entity] = {}
    for ticker, item in data.get("assets", {}).items():
        if item.get("era", "dotcom") not in data["concepts"]:
            raise Fault(
                f"lexicon {where}: assets.{ticker}: era names the concept {item['era']!r}, which has no words"
                f"{_meant(item['era'], data['concepts'])}; name another."
            )
        entities[ticker] = Entity(ticker, "asset", (ticker,), index=bool(item.get("index")), era=item.get("era", ""))
        for name in item.get("names", ()):
            build.add(name, "asset", ticker)
        for name in item.get("cased", ()):
            build.add(name, "asset", ticker, cased=True)
        for symbol in item.get("tickers", ()):
            build.add(symbol, "asset", ticker, cased=True)
        for symbol in item.get("marked", ()):
            build.add(symbol, "asset", ticker, cased=True, marked=True)
    sections: tuple[tuple[Role, str], ...] = (("group", "groups"), ("private", "private"), ("person", "people"))
    for role, section in sections:
        for name, item in data.get(section, {}).items():
            key = f"{role}:{name}"
            assets = tuple(item.get("assets", ()))
            entities[key] = Entity(
                key, role, assets, tuple(item.get("members", assets)), weak=bool(item.get("weak")), topic=bool(item.get("topic")),
                rival=bool(item.get("rival")),
            )  # fmt: skip
            for alias in item.get("names", ()):
                build.add(alias, role, key)
            for alias in item.get("cased", ()):
                build.add(alias, role, key, cased=True)
    for alias in data.get("nobody", {}).get("names", ()):
        build.add(alias, "nobody", "nobody")
    for concept, words in data.get("concepts", {}).items():
        for language, terms in words.items():
            if language not in LANGUAGES:
                raise Fault(
                    f"lexicon {where}: concept {concept!r} has words in {language!r}; allowed are {', '.join(LANGUAGES)}"
                )
            for term in terms:
                build.add(term, "concept", concept, language)
    rules = tuple(_rule(rule, data, place) for place, rule in data.get("rules", ()))
    kinds = {name: _kind(name, weight, where) for name, weight in data["kinds"].items()}
    released = data["released"]
    return Lexicon(
        str(data["name"]), str(data["version"]), released.astimezone(dt.UTC), entities, rules, kinds,
        {k: float(v) for k, v in data["strength"].items()}, build.terms, list(build.index), build.concepts, build.names,
    )  # fmt: skip


def _rule(raw: Mapping[str, Any], data: Mapping[str, Any], where: str) -> Rule:
    groups = tuple(tuple(item.split("|")) for item in raw.get("all", ()))
    for concept in (*raw["any"], *(c for group in groups for c in group), *raw.get("none", ())):
        if concept not in data["concepts"]:
            raise Fault(
                f"{where}: it asks for the concept {concept!r}, which has no words{_meant(concept, data['concepts'])}; "
                f"name another, or give it words under [concepts.{concept}]."
            )
    return Rule(
        raw["kind"], tuple(raw["any"]), groups, tuple(raw.get("none", ())), int(raw.get("near", 0)), raw.get("negated", "nothing"),
        raw.get("who", "named"), tuple(raw.get("default", ("SPY",))), float(raw.get("stance", 1.0)),
    )  # fmt: skip


def _kind(name: str, weight: Mapping[str, Any], where: str) -> KindWeight:
    for part in ("stance", "base", "scale"):
        if part not in weight:
            raise Fault(f"lexicon {where}: kinds.{name} has no {part}; give it, or leave `replace` out.")
    return KindWeight(int(weight["stance"]), float(weight["base"]), dict(weight["scale"]))
