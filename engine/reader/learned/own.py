"""A user's own judged sentences, added on top of the weights that come with the package."""

from __future__ import annotations

import datetime as dt
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.reader.claims import claims_in, laid
from engine.reader.decode import decode
from engine.reader.document import Document, opened
from engine.reader.learned import grams
from engine.reader.learned.fit import adapt, slots_of
from engine.reader.learned.judge import hits_of, lines_of
from engine.reader.learned.model import LONGEST, Floats, Model
from engine.reader.lexicon import Lexicon

EPOCHS: Final = 20
_LANGUAGES: Final = ("en", "fr", "zh", "zh-Hans", "zh-Hant")
_SHOWN: Final = 5  # bad lines that are told


@dataclass(frozen=True)
class Label:
    """A sentence with the kinds of claims that it makes, none for a calm one."""

    text: str
    kinds: tuple[str, ...]
    published: dt.datetime | None = None


def taught(lexicon: Lexicon, path: str | Path) -> Lexicon:
    """Give a lexicon whose learned claims also know a user's judged sentences.

    The weights of n-grams alone are moved, by steps down the slope of the sentences' own loss from where they stand: so they move
    no further than these sentences ask, and hardly at all for others. The same file gives the same weights.

    Parameters
    ----------
    path
        JSON lines: `text`; `kinds`, a list, empty for a calm sentence; and where known `language` and `published`.

    Raises
    ------
    Fault
        The file cannot be read, or lines of it cannot be used: all of them are counted.
    """
    model = lexicon.model
    if model is None:
        raise Fault("train adds to learned weights, and the package holds none; leave it out.")
    labels = read_labels(path, model.kinds)
    lines, hits = _masked(labels, lexicon, model)
    wanted = np.array([[kind in label.kinds for kind in model.kinds] for label in labels], np.float32)
    bounds, columns = slots_of(*grams.codes(lines))
    values = model.rarity[columns]
    lengths = np.sqrt(np.add.reduceat(values * values, bounds[:-1]))
    values /= np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(bounds)).astype(np.float32)
    given = model.logits(lines, hits) - model.of_lines(lines)
    moved = adapt(bounds, columns, values, wanted, given, model.weights * model.scale, EPOCHS)
    told = json.dumps([(line, label.kinds) for line, label in zip(lines, labels, strict=True)])
    dates = [label.published for label in labels if label.published]
    own = replace(
        model, weights=_steps(moved, model), version=f"{model.version}+{zlib.crc32(told.encode()):08x}", newest=max([model.newest, *dates]),
        taught=True,
    )  # fmt: skip
    return replace(lexicon, model=own)


def _steps(weights: Floats, model: Model) -> Any:
    """Bring weights to the model's own steps, so that those that did not move stay as they are to the bit."""
    return np.round(weights / model.scale).clip(-127, 127).astype(np.int8)


def _masked(labels: Sequence[Label], lexicon: Lexicon, model: Model) -> tuple[list[str], list[list[str]]]:
    """Give each text as the model sees one, and the concepts and rules that stand in it."""
    lines, hits = [], []
    for label in labels:
        page = opened(Document("train", label.text, "train", "2025-01-01T12:00:00Z"), lexicon)
        passages = page.passages(lexicon)
        claims = claims_in(passages, *laid(passages, lexicon)) if page.names_somebody else []
        masked = lines_of(page.text, page.folded, page.names, passages, lexicon, model)
        lines.append(" ".join(masked)[:LONGEST])
        hits.append(sorted({hit for passage in passages for hit in hits_of(passage, claims)}))
    return lines, hits


# ------------------------------------------------------------------------------------------------ reading the file


def read_labels(path: str | Path, kinds: Sequence[str]) -> list[Label]:
    """Read judged sentences.

    Raises
    ------
    Fault
        As `taught`.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise Fault(f"train must be the path of a file of JSON lines (got {path!r}); name one.")
    try:
        text = decode(Path(path).read_bytes())
    except OSError as error:
        raise Fault(f"train {str(path)!r} cannot be read ({error.strerror}); name a file of JSON lines.") from None
    labels: list[Label] = []
    wrong: list[str] = []
    strange: set[str] = set()
    judged: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            label = _label(line, kinds, strange)
            if set(judged.setdefault(label.text, label.kinds)) != set(label.kinds):
                raise ValueError("its text stands in an earlier line with other kinds")
            labels.append(label)
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise Fault(_refused(path, wrong, strange, kinds))
    if not labels:
        raise Fault(
            f'train {str(path)!r} must hold judged sentences (got none); write one a line: {{"text": "...", "kinds": []}}.'
        )
    return labels


def _refused(path: str | Path, wrong: list[str], strange: set[str], kinds: Sequence[str]) -> str:
    more = f"; and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
    noun = "line" if len(wrong) == 1 else "lines"
    remedy = (
        f"; known kinds are {', '.join(kinds)}, and one of your own is declared with its words and rules in a lexicon (--lexicon)"
        if strange
        else ""
    )
    return f"train {str(path)!r} has {len(wrong):,} {noun} that cannot be used ({'; '.join(wrong[:_SHOWN])}{more}){remedy}; correct them."


def _label(line: str, kinds: Sequence[str], strange: set[str]) -> Label:
    """Read one line; a ValueError says in words what is wrong with it."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")
    for name in ("text", "kinds"):
        if name not in row:
            raise ValueError(f"it has no {name!r}{did_you_mean(name, map(str, row))}")
    if not isinstance(row["text"], str) or not any(map(str.isalnum, row["text"])):
        raise ValueError(f"text must be a sentence (got {row['text']!r})")
    if not isinstance(row["kinds"], list):
        raise ValueError(f"kinds must be a list (got {row['kinds']!r})")
    unknown = [str(kind) for kind in row["kinds"] if kind not in kinds]
    if unknown:
        strange.update(unknown)
        raise ValueError(
            f"the model does not know the kind {', '.join(f'{kind!r}{did_you_mean(kind, kinds)}' for kind in unknown)}"
        )
    if row.get("language") not in (None, *_LANGUAGES):
        raise ValueError(f"language must be one of {', '.join(_LANGUAGES)} (got {row['language']!r})")
    return Label(row["text"], tuple(sorted(set(row["kinds"]))), _published(row.get("published")))


def _published(given: object) -> dt.datetime | None:
    if given is None:
        return None
    try:
        at = dt.datetime.fromisoformat(str(given))
    except ValueError:
        raise ValueError(f"published must be a day or a time such as 2025-01-27 (got {given!r})") from None
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
