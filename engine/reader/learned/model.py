"""The weights of the learned claims, and what they say of a sentence."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.reader.learned import grams

WEIGHTS: Final = Path(__file__).parent / "weights.npz"
#: What a concept or a rule that stands in a sentence counts beside a vector of grams of length 1.
RULE_VALUE: Final = 0.2
#: Characters of a masked text that are learned from.
LONGEST: Final = 600
#: How many sentences are read as the beginning of a document.
SENTENCES: Final = 6


Floats = npt.NDArray[np.float32]
_MARKS: Final = grams.Marks()


@dataclass(frozen=True)
class Model:
    """Two linear models: which claims a sentence makes, and whom a claim touches.

    Attributes
    ----------
    kinds
        The kinds that it knows.
    rarity : float32 array of `grams.SLOTS`
        Inverse document frequencies; 0 for a slot that does not count.
    weights : int8 array of (slots, kinds)
    scale, bias : float32 arrays of kinds
        A weight is its step times the scale.
    hits
        The weights of concepts (by name) and rules (``rule:kind``), each a float32 array of kinds.
    pairs
        The weights of what ties a claim to an asset, by name; ``bias`` is one of them.
    common
        Words that texts write in lower case.
    newest
        When the newest text was published that it was trained on.
    version
        Its own; the events' `reader` carries it.
    taught
        Whether a user's own sentences were added, whose words no lexicon need hold.
    """

    kinds: tuple[str, ...]
    rarity: Floats
    weights: npt.NDArray[np.int8]
    scale: Floats
    bias: Floats
    hits: dict[str, Floats]
    pairs: dict[str, float]
    common: frozenset[str] = field(repr=False)
    newest: dt.datetime
    version: str
    taught: bool = False

    def of_lines(self, lines: list[str]) -> Floats:
        """Give the sums of the weights of the grams of masked lines, of shape (lines, kinds), without bias and hits."""
        text, bounds = grams.codes(lines)
        mark = _MARKS.take(len(lines))
        found: Floats = grams.score(text, bounds, self.rarity, self.weights, self.scale, _MARKS.seen, mark)
        return found

    def logits(self, lines: list[str], hits: list[list[str]]) -> Floats:
        """Give how likely each line makes each claim, as log-odds.

        Parameters
        ----------
        lines
            As `engine.reader.learned.masked.masked` gives them.
        hits
            The concepts and rules that stand in each line.

        Returns
        -------
        float32 array of (lines, kinds)
        """
        out = self.of_lines(lines) + self.bias
        order, table = self._hits
        found = [(row, order[name]) for row, names in enumerate(hits) for name in names if name in order]
        if found:
            rows, which = np.array(found, np.int64).T
            grams.add(out, rows, which, table)
        return out

    def of_document(self, lines: list[str], hits: list[list[str]]) -> Floats:
        """Give the log-odds of each line, and in one more row those of the document's beginning read as one text."""
        first = sorted({name for names in hits[:SENTENCES] for name in names})
        return self.logits([*lines, whole(lines)], [*hits, first])

    @functools.cached_property
    def _hits(self) -> tuple[dict[str, int], Floats]:
        """The rows of concepts and rules in a table of what each adds."""
        values = [self.hits[name] * np.float32(RULE_VALUE) for name in self.hits]
        return {name: at for at, name in enumerate(self.hits)}, np.array(values, np.float32)

    def why(self, line: str, hits: list[str], kind: str, most: int = 8) -> list[tuple[str, float]]:
        """Name the grams, concepts and rules that decided, with what each added to the log-odds; the largest first."""
        at = self.kinds.index(kind)
        told: dict[str, float] = {name: float(self.hits[name][at]) * RULE_VALUE for name in hits if name in self.hits}
        padded = f" {line} "
        pieces = {
            padded[first:last]
            for first in range(len(padded))
            for last in range(first + 1, min(first + grams.LONGEST, len(padded)) + 1)
        }
        slots = {piece: grams.slot_of(piece) for piece in pieces}
        length = float(np.sqrt(sum(float(self.rarity[slot]) ** 2 for slot in set(slots.values())))) or 1.0
        for piece, slot in slots.items():
            told[f"{piece!r}"] = float(self.rarity[slot] * self.weights[slot, at] * self.scale[at]) / length
        return sorted(told.items(), key=lambda item: -abs(item[1]))[:most]

    def save(self, path: Path) -> None:
        """Write the weights; the same weights give the same bytes."""
        names = sorted(self.hits)
        parts = sorted(self.pairs)
        np.savez_compressed(
            path,
            kinds=np.array(self.kinds), rarity=np.round(self.rarity * 16).clip(0, 255).astype(np.uint8), weights=self.weights,
            scale=self.scale, bias=self.bias, hit_names=np.array(names), hits=np.array([self.hits[name] for name in names], np.float32),
            pair_names=np.array(parts), pairs=np.array([self.pairs[name] for name in parts], np.float32),
            common=np.array("\n".join(sorted(self.common))), newest=np.array(self.newest.isoformat()), version=np.array(self.version),
        )  # fmt: skip


def read(path: Path) -> Model:
    """Read weights that `Model.save` wrote."""
    with np.load(path, allow_pickle=False) as kept:
        parts: dict[str, Any] = {name: kept[name] for name in kept.files}
    return Model(
        tuple(parts["kinds"].tolist()), parts["rarity"].astype(np.float32) / np.float32(16), parts["weights"], parts["scale"], parts["bias"],
        dict(zip(parts["hit_names"].tolist(), parts["hits"], strict=True)),
        dict(zip(parts["pair_names"].tolist(), map(float, parts["pairs"]), strict=True)),
        frozenset(str(parts["common"]).split("\n")), dt.datetime.fromisoformat(str(parts["newest"])), str(parts["version"]),
    )  # fmt: skip


def whole(lines: list[str]) -> str:
    """Join the masked sentences with which a document begins."""
    return " ".join(lines[:SENTENCES])[:LONGEST]


@functools.cache
def built_in() -> Model | None:
    """Give the model that comes with the package; None while its weights are being trained for the first time."""
    return read(WEIGHTS) if WEIGHTS.exists() else None
