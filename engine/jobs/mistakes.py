"""What is wrong with a job file: every mistake with its line, all of them at once."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from engine.account import Account
from engine.faults import Fault
from engine.guess import did_you_mean
from engine.jobs.settings import SECTIONS, Section
from engine.scenarios import SWEPT
from engine.strategy import Strategy
from engine.toml import parse_toml, toml_text

Key = tuple[str, ...]

_HEADER = re.compile(r"^\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_ENTRY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def read_toml(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """Read a file of TOML: what it says, and the line of each key."""
    if not path.is_file():
        raise Fault(f"{str(path)!r} is no file, allowed is a job file in TOML; docs/jobs.md shows some.")
    text = toml_text(path, "job")
    return parse_toml(text, str(path)), _lines(text)


def _lines(text: str) -> dict[Key, int]:
    found: dict[Key, int] = {}
    header: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        if top := _HEADER.match(line):
            header = _parts(top[1])
            found.setdefault(header, number)
        elif entry := _ENTRY.match(line):
            found.setdefault((*header, *_parts(entry[1])), number)
    return found


def _parts(dotted: str) -> Key:
    return tuple(part.strip(" \"'") for part in dotted.split("."))


class Mistakes:
    """Gathers the mistakes of one file; `refuse` says them all.

    Parameters
    ----------
    path : the job file
    lines : the line of each key

    Attributes
    ----------
    kind : the strategy, once it is known, whose parameters and options are told when they stand in another section
    """

    def __init__(self, path: Path, lines: Mapping[Key, int]) -> None:
        self._path, self._lines = path, lines
        self._found: list[tuple[int, str]] = []
        self.kind: type[Strategy] | None = None

    def add(self, key: Key, sentence: str) -> None:
        """Note one mistake at a key, or at the nearest key around it that has a line of its own."""
        while key and key not in self._lines:
            key = key[:-1]
        self._found.append((self._lines.get(key, 0), sentence))

    @contextmanager
    def at(self, *key: str) -> Iterator[None]:
        """Note what the body raises as a mistake at this key."""
        try:
            yield
        except Fault as fault:
            self.add(key, str(fault))

    def home(self, key: str) -> str:
        """Say where a key belongs that stands where nothing knows it; empty where nothing does."""
        kind, places = self.kind, []
        if kind and key in kind.parameters:
            places.append("[grid.parameters]")
        if kind and key in kind.options:
            places += ["[strategy.options]", "with several values to [grid.options]"]
        if key in (setting.name for setting in fields(Account)):
            places += ["[account]", *(["with several values to [grid.account]"] if key in SWEPT else [])]
        places += [f"[{name}]" for name, (model, _) in SECTIONS.items() if key in model.model_fields]
        return ", or ".join(places)

    def section(self, name: str, data: Mapping[str, Any]) -> Any:
        """Check one section of the file; None where it has mistakes, or is not there and a job may do without."""
        model, needed = SECTIONS[name]
        if name not in data and needed is None:
            return None
        if name not in data:
            self.add((name,), f"[{name}] is missing, needed is {needed}; add the section.")
            return None
        try:
            return model.model_validate(data[name])
        except ValidationError as error:
            for one in error.errors():
                self._told(name, model, one)
            # What is right in the section is looked at further, where it stands by itself.
            wrong = {one["loc"][0] for one in error.errors() if one["loc"]}
            right = {key: value for key, value in data[name].items() if key not in wrong} if wrong else {}
            alone = name in ("market", "events", "strategy", "grid", "keep") and not wrong & set(_required(model))
            return model.model_validate(right) if alone and right else None

    def _told(self, name: str, model: type[Section], error: Any) -> None:
        inside = tuple(str(part) for part in error["loc"])
        key, field = (name, *inside), model.model_fields.get(inside[0]) if inside else None
        shown = ".".join([name, *(part for part in inside if not part.isdecimal())])
        if error["type"] == "extra_forbidden":
            known = list(model.model_fields)
            home = self.home(inside[0])
            guess, told = ("", f"move it to {home}") if home else (did_you_mean(inside[0], known), "rename it")
            self.add(key, f"{shown} is no setting{guess}, allowed are {', '.join(known)}; {told}.")
        elif field is None:
            self.add(key, f"{name} is {toml(error['input'])}, allowed is a section; write [{name}].")
        elif error["type"] == "missing":
            self.add(key, f"{shown} is missing, needed is {field.description}; add it.")
        elif error["type"] == "literal_error":
            parts = get_args(field.annotation)  # of Literal[...], or of Literal[...] | None
            choices = [choice for part in parts if part is not type(None) for choice in get_args(part) or (part,)]
            guess = did_you_mean(str(error["input"]), choices)
            allowed = ", ".join(toml(choice) for choice in choices)
            self.add(
                key,
                f"{shown} is {toml(error['input'])}{guess}, allowed are {allowed}; name one, it is {field.description}.",
            )
        else:
            self.add(key, f"{shown} is {toml(error['input'])}, allowed is {field.description}; correct it.")

    def refuse(self) -> None:
        """Raise a Fault with every mistake, in the order of the lines; nothing where there is none."""
        told = sorted(set(self._found))
        if not told:
            return
        if len(told) == 1:
            line, sentence = told[0]
            raise Fault(f"{self._path}{f', line {line}' if line else ''}: {sentence}")
        listed = "\n".join(f"  {f'line {line}: ' if line else ''}{sentence}" for line, sentence in told)
        raise Fault(f"{self._path} has {len(told)} mistakes:\n{listed}")


def _required(model: type[Section]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def toml(value: Any) -> str:
    """Write a value as a job file would, shortened where it is long."""
    shown = _spelled(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _spelled(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_spelled(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    if isinstance(value, float | dt.date | dt.time):
        return str(value).replace("e+", "e")
    return json.dumps(value, ensure_ascii=False, default=str)
