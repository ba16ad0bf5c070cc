"""Load the reader's words from TOML files, let a user's file add to them or override them, and compile them."""

from __future__ import annotations

import datetime as dt
import functools
import gc
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.faults import Fault
from engine.kinds import KINDS
from engine.reader.form import NEGATED, check_form, rule_place
from engine.reader.learned.model import Model
from engine.reader.learned.model import built_in as learned
from engine.reader.names.build import Build, Entity
from engine.reader.names.table import Listed, NameTable, built_in, read_names
from engine.reader.terms import Hit, Role, Term, Terms
from engine.toml import parse_toml, toml_text

HERE: Final = Path(__file__).parent / "lexicon"
BUILT_IN: Final = ("names.toml", "claims.toml", "kinds.toml")
LANGUAGES: Final = ("en", "fr", "zh")
_SECTIONS: Final = (
    "assets", "nobody", "groups", "private", "people", "concepts", "strength", "kinds", "rules", "name", "version", "released",
)  # fmt: skip


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
    """What a kind of claim is worth: its sign, its base strength, and the figure that counts as large (none where there is no scale)."""

    stance: int
    base: float
    scale: Mapping[str, float]


@dataclass
class Lexicon:
    """The words and rules of one reader, compiled.

    Attributes
    ----------
    name, version
        What `reader` says in the events table: ``name/version``.
    released
        When the words came to be.
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
    concepts: Terms = field(repr=False)
    names: Terms = field(repr=False)
    symbols: dict[str, list[Term]] = field(
        repr=False
    )  # symbols in texts that stand for another ticker: older ones, other listings
    concept_terms: dict[str, list[str]] = field(repr=False)
    notes: tuple[str, ...] = ()  # what a user should know of the names given
    model: Model | None = field(default=None, repr=False)  # of learned claims; None: the rules alone
    own: bool = False  # whether a user's file added words or rules

    @property
    def label(self) -> str:
        """Name and version, with that of the weights, as the events carry it."""
        return f"{self.name}/{self.version}{f'+{self.model.version}' if self.model else ''}"

    @property
    def labelled_at(self) -> dt.datetime:
        """When the words came to be and the newest text was known that the weights were trained on."""
        return max(self.released, self.model.newest) if self.model else self.released

    @functools.cached_property
    def anchors(self) -> frozenset[str]:
        """The concepts that make claims: those of the rules, falls, and words beside which the learned model looks."""
        own = {"fall", "plunge", "rise", "hint"} if self.model else {"fall", "plunge", "rise"}
        return frozenset(concept for rule in self.rules for concept in rule.any) | own

    @functools.cached_property
    def words_of(self) -> dict[str, list[str]]:
        """The concepts that can make a claim of each kind, sorted."""
        out = {"panic_drop": {"fall", "plunge"}}
        for rule in self.rules:
            out.setdefault(rule.kind, set()).update(rule.any)
        return {kind: sorted(concepts) for kind, concepts in out.items()}

    @functools.cached_property
    def _rules_by_concept(self) -> dict[str, list[int]]:
        out: dict[str, list[int]] = {}
        for number, rule in enumerate(self.rules):
            for concept in rule.any:
                out.setdefault(concept, []).append(number)
        return out

    def rules_on(self, concepts: Iterable[str]) -> list[Rule]:
        """Give the rules that one of these concepts can make a claim by, in their order."""
        numbers = {number for concept in concepts for number in self._rules_by_concept.get(concept, ())}
        return [self.rules[number] for number in sorted(numbers)]

    @functools.cached_property
    def tokens(self) -> dict[str, set[str]]:
        """The words of each company's names, folded; by ticker."""
        return self.names.tokens()

    @functools.cached_property
    def bare_codes(self) -> dict[str, list[str]]:
        """Symbols of other exchanges under what stands before their suffix: "MC" -> ["MC.PA"]."""
        out: dict[str, list[str]] = {}
        for symbol in self.symbols:
            head, dot, _ = symbol.rpartition(".")
            if dot:
                out.setdefault(head, []).append(symbol)
        return out

    def scan(self, folded: str, text: str, language: str = "") -> list[Hit]:
        """Find the terms of every concept.

        Parameters
        ----------
        folded, text
            The text as `fold` gives it and as it was; of one length.
        language
            "en", "fr" or "zh": the language of Latin words (Chinese terms are found in any). Empty: all.

        Returns
        -------
        list of Hit
            Sorted by start, longer ones first. Names are found by `engine.reader.naming.named_in`.
        """
        return self._spoken[language].find(folded, text)

    @functools.cached_property
    def _spoken(self) -> dict[str, Terms]:
        """The concepts' terms that count in a language; "" has all."""
        return {language: self.concepts.only(functools.partial(_counts, language)) for language in ("", *LANGUAGES)}


def _counts(language: str, term: Term) -> bool:
    # A Chinese text borrows English words ("backstop"); a French or English one borrows Chinese ones only by quoting.
    return language in ("", term.language) or term.language == "zh" or (language == "zh" and term.language == "en")


# ------------------------------------------------------------------------------------------------ reading the files


class Recipe(NamedTuple):
    """What a lexicon is made of: the path and the text of each file, later ones over earlier ones, and the names given."""

    files: tuple[tuple[str, str], ...]
    listed: tuple[Listed, ...]


def load(extra: Sequence[str | Path] = (), names: NameTable | None = None) -> Lexicon:
    """Read the built-in lexicon and the user's files, later files over earlier ones; `names` over all of them.

    A user's file has the sections of the built-in ones. A name, group, person or concept given again is added to (its
    lists are joined); ``replace = true`` in it starts from nothing, ``remove = [...]`` takes terms out. Rules are added; a
    file with ``replace_rules = true`` brings all the rules itself.

    Raises
    ------
    Fault
        A file is missing, is no TOML, or has a section, kind or concept that does not exist; or what
        `engine.reader.names.table.read_names` refuses.
    """
    return made(*recipe(extra, names))


def recipe(extra: Sequence[str | Path] = (), names: NameTable | None = None) -> Recipe:
    """Read what a lexicon is made of; see `load`."""
    for path in extra if isinstance(extra, Sequence) else (extra,):
        if not isinstance(path, (str, os.PathLike)):
            raise Fault(f"lexicon must be the path of a TOML file, or a list of them (got {path!r}); give one.")
    paths = [*(HERE / name for name in BUILT_IN), *map(Path, extra)]
    listed = () if names is None else tuple(read_names(names))
    return Recipe(tuple((str(path), toml_text(path, "lexicon")) for path in paths), listed)


@functools.lru_cache(maxsize=8)  # by content: a file that was edited is read anew
def made(files: tuple[tuple[str, str], ...], listed: tuple[Listed, ...]) -> Lexicon:
    """Make the lexicon of a recipe."""
    merged: dict[str, Any] = {}
    for path, text in files:
        _merge(merged, _parsed(path, text), path)
    where = " and ".join(path for path, _ in files[len(BUILT_IN) :]) or "the built-in lexicon"
    collects = gc.isenabled()
    gc.disable()  # tens of thousands of objects, all of which stay: looking through them again costs a third of the time
    try:
        return replace(_compile(merged, where, listed), model=learned(), own=len(files) > len(BUILT_IN))
    finally:
        if collects:
            gc.enable()


def _parsed(path: str, text: str) -> dict[str, Any]:
    data = parse_toml(text, f"lexicon {path!r}")
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


def _compile(data: Mapping[str, Any], where: str, listed: Sequence[Listed]) -> Lexicon:
    concepts, concept_terms = _concepts(data, where)
    build = Build()
    build.own(listed)
    for ticker, item in data.get("assets", {}).items():
        if item.get("era", "dotcom") not in data["concepts"]:
            raise Fault(
                f"lexicon {where}: assets.{ticker}: era names the concept {item['era']!r}, which has no words"
                f"{_meant(item['era'], data['concepts'])}; name another."
            )
        build.asset(ticker, item)
    sections: tuple[tuple[Role, str], ...] = (("group", "groups"), ("private", "private"), ("person", "people"))
    for role, section in sections:
        for name, item in data.get(section, {}).items():
            build.somebody(role, name, item)
    for alias in data.get("nobody", {}).get("names", ()):
        build.names.add(alias, Term("nobody", "nobody"))
    build.rest(built_in())
    kinds = {name: _kind(name, weight, where) for name, weight in data["kinds"].items()}
    rules = tuple(_rule(rule, data, place) for place, rule in data.get("rules", ()))
    released = data["released"]
    return Lexicon(
        str(data["name"]), str(data["version"]), released.astimezone(dt.UTC), build.entities, rules, kinds,
        {k: float(v) for k, v in data["strength"].items()}, concepts, build.names, build.symbols, concept_terms, tuple(build.notes),
    )  # fmt: skip


def _concepts(data: Mapping[str, Any], where: str) -> tuple[Terms, dict[str, list[str]]]:
    terms = Terms()
    raw: dict[str, list[str]] = {}
    for concept, words in data.get("concepts", {}).items():
        for language, mine in words.items():
            if language not in LANGUAGES:
                raise Fault(
                    f"lexicon {where}: concept {concept!r} has words in {language!r}; allowed are {', '.join(LANGUAGES)}"
                )
            for term in mine:
                terms.add(term, Term("concept", concept, language))
                raw.setdefault(concept, []).append(term)
    return terms, raw


def _rule(raw: Mapping[str, Any], data: Mapping[str, Any], where: str) -> Rule:
    groups = tuple(tuple(item.split("|")) for item in raw.get("all", ()))
    for concept in (*raw["any"], *(c for group in groups for c in group), *raw.get("none", ())):
        if concept not in data["concepts"]:
            raise Fault(
                f"{where}: it asks for the concept {concept!r}, which has no words{_meant(concept, data['concepts'])}; "
                f"name another, or give it words under [concepts.{concept}]."
            )
    for part, allowed in (("kind", "a kind of events"), ("negated", f"{', '.join(map(repr, NEGATED))} or a kind")):
        kind = raw.get(part, "nothing")
        if kind not in (*NEGATED, *data["kinds"]):
            raise Fault(
                f"{where}: {part} must be {allowed} (got {kind!r}){_meant(kind, data['kinds'])}; correct it, or declare a kind of your own "
                f"under [kinds.{kind}] with stance and base."
            )
    return Rule(
        raw["kind"], tuple(raw["any"]), groups, tuple(raw.get("none", ())), int(raw.get("near", 0)), raw.get("negated", "nothing"),
        raw.get("who", "named"), tuple(raw.get("default", ("SPY",))), float(raw.get("stance", 1.0)),
    )  # fmt: skip


def _kind(name: str, weight: Mapping[str, Any], where: str) -> KindWeight:
    own = name not in KINDS
    for part in ("stance", "base") if own else ("stance", "base", "scale"):
        if part not in weight:
            remedy = "give it, as every kind of your own needs one" if own else "give it, or leave `replace` out"
            raise Fault(f"lexicon {where}: kinds.{name} has no {part}{_meant(name, KINDS) if own else ''}; {remedy}.")
    return KindWeight(int(weight["stance"]), float(weight["base"]), dict(weight.get("scale", {})))
