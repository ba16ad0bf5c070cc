"""The hook for a model: it says which kind of claim a sentence makes; everything else is done by us."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from engine.faults import Failure, Fault
from engine.guess import did_you_mean
from engine.kinds import OwnKinds, own_kinds
from engine.number import as_float, is_whole, shown
from engine.tables.frames import is_table, to_polars

#: sentences, the assets named in each, the language of each -> kind, stance, confidence of each
Classify = Callable[[list[str], list[tuple[str, ...]], list[str]], Any]
#: The same -> what asking would cost, by name.
Cost = Callable[[list[str], list[tuple[str, ...]], list[str]], Mapping[str, int]]

_COLUMNS: Final = ("kind", "stance", "confidence", "assets")
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_NAME: Final = re.compile(r"[^\s/]+")


class Label(NamedTuple):
    """What a classifier says of one sentence.

    Attributes
    ----------
    stance : -1 to 1; None where the sign of the kind shall count
    confidence : 0 to 1
    assets : those of the named ones that the claim touches
    """

    kind: str
    stance: float | None
    confidence: float
    assets: tuple[str, ...]


@dataclass(frozen=True)
class Classifier:
    """A reader that is made of a function which labels sentences; `Events.from_documents(sources, reader=Classifier(...))`.

    Attributes
    ----------
    classify
        Called with three lists of one length: sentences (str), the assets named in each, or shortly before it (tuple of str, never
        empty), and the language of each ("en", "fr" or "zh"). Returns, for each sentence, its kind (str; None where it makes no claim), its stance
        (float in -1..1; None: the sign of its kind) and its confidence (float in 0..1; None: 1): a tuple of three sequences of that
        length, or a frame or dict with these columns. The stances, or the confidences, may be None as a whole. A frame may have a column
        `assets` (list of str): which of the assets named the claim touches.
    name, version
        The events' `reader` is ``name/version``.
    kinds
        Sign and base strength of the kinds that it knows beside the fourteen.
    released
        When it came to be, with a zone: the events' `labelled_at`.
    cutoff
        The last day of what it was trained on, a date, "2024-06-30", or "2024-06" for the end of a month. Events published up to then
        are marked `hindsight`, as who was trained on what came next may remember it.
    batch
        How many sentences it is handed at a time, about.
    cost
        Called like `classify` where the user wants an estimate in place of a reading; returns counts by name, which are added up.

    Raises
    ------
    Fault
        For anything else.

    Examples
    --------
    >>> def toy(sentences, names, languages):
    ...     kinds = ["panic_drop" if "plunge" in sentence else None for sentence in sentences]
    ...     return kinds, None, [0.9] * len(kinds)
    >>> Classifier(toy, "toy").label
    'toy/1'
    """

    classify: Classify
    name: str
    version: str = "1"
    kinds: OwnKinds = field(default_factory=dict)
    released: dt.datetime | None = None
    cutoff: dt.date | str | None = None
    batch: int = 1024
    cost: Cost | None = None

    def __post_init__(self) -> None:
        if not callable(self.classify):
            raise Fault(
                f"classify must be a function of sentences, names and languages (got {shown(self.classify)}); give one."
            )
        for part in ("name", "version"):
            value = getattr(self, part)
            if not isinstance(value, str) or _NAME.fullmatch(value) is None:
                raise Fault(
                    f"{part} must be a word without blanks and slashes (got {shown(value)}); give one, such as 'finbert'."
                )
        object.__setattr__(self, "kinds", own_kinds(self.kinds, f"classifier {self.name!r}: kinds"))
        object.__setattr__(self, "cutoff", last_day(self.cutoff, "cutoff"))
        if self.released is not None and not (isinstance(self.released, dt.datetime) and self.released.tzinfo):
            raise Fault(
                f"released must be an instant with its zone (got {shown(self.released)}); give datetime(..., tzinfo=UTC)."
            )
        if not (is_whole(self.batch) and self.batch >= 1):
            raise Fault(f"batch must be a whole number of at least 1 (got {shown(self.batch)}); give one.")

    @property
    def label(self) -> str:
        """What the events' `reader` says."""
        return f"{self.name}/{self.version}"

    @property
    def known_until(self) -> dt.datetime | None:
        """The instant up to which it may know what happened: the end of the cutoff's day, everywhere on earth."""
        if not isinstance(self.cutoff, dt.date):
            return None
        return dt.datetime.combine(self.cutoff, dt.time(), dt.UTC) + dt.timedelta(hours=36)

    def ask(
        self, sentences: list[str], names: list[tuple[str, ...]], languages: list[str], known: Sequence[str]
    ) -> list[Label | None]:
        """Ask for the labels of some sentences, and check the answer.

        Raises
        ------
        Fault
            Where the answer is none: naming what must be returned, and what was.
        Failure
            Where the function raises an error.
        """
        who = f"classifier {self.name!r}"
        try:
            answer = self.classify(list(sentences), list(names), list(languages))
        except (Fault, Failure):
            raise
        except Exception as error:  # somebody else's code may fail in any way
            raise Failure(
                f"{who} failed ({type(error).__name__}: {_line(error)}); repair it, or use another reader."
            ) from error
        return _labels(answer, sentences, names, known, who)


def last_day(given: object, name: str) -> dt.date | None:
    """Read the last day of what a model was trained on; a month counts at its end."""
    if given is None:
        return None
    if isinstance(given, dt.date):
        return given.date() if isinstance(given, dt.datetime) else given
    text = given.strip() if isinstance(given, str) else ""
    try:
        if month := _MONTH.fullmatch(text):
            year, number = int(month[1]), int(month[2])
            if not 1 <= number <= 12:
                raise ValueError
            return dt.date(year + number // 12, number % 12 + 1, 1) - dt.timedelta(days=1)
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Fault(
            f"{name} must be a day or a month (got {shown(given)}); write it as 2024-06-30 or 2024-06."
        ) from None


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]


def _labels(
    answer: Any, sentences: list[str], names: list[tuple[str, ...]], known: Sequence[str], who: str
) -> list[Label | None]:
    columns = _columns(answer, who)
    for column, values in columns.items():
        if values is not None and len(values) != len(sentences):
            raise Fault(
                f"{who} must return one {column} for each of the {len(sentences):,} sentences (got {len(values):,}); "
                "give None for a sentence that claims nothing."
            )
    kinds = columns["kind"]
    assert kinds is not None
    out: list[Label | None] = []
    for row, kind in enumerate(kinds):
        if (
            kind is None or kind == "" or (isinstance(kind, float) and math.isnan(kind))
        ):  # as pandas keeps what is missing
            out.append(None)
            continue
        if not isinstance(kind, str) or kind not in known:
            raise Fault(
                f"{who} must return kinds that are known (got {shown(kind)} for sentence {row + 1}){did_you_mean(str(kind), known)}; give None for "
                'no claim, or declare it: Classifier(..., kinds={"name": (-1, 0.5)}).'
            )
        stance = _number(columns["stance"], row, -1.0, f"{who} must return stances from -1 to 1")
        sure = _number(columns["confidence"], row, 0.0, f"{who} must return confidences from 0 to 1")
        out.append(
            Label(str(kind), stance, 1.0 if sure is None else sure, _touched(columns["assets"], row, names[row], who))
        )
    return out


def _columns(answer: Any, who: str) -> dict[str, list[Any] | None]:
    """Part an answer into its columns; those that it lacks are None."""
    what = f"{who} must return a tuple of kinds, stances and confidences, or a frame of these columns"
    if isinstance(answer, tuple) and len(answer) == 3:
        given: dict[str, Any] = dict(zip(_COLUMNS[:3], answer, strict=True))
    elif is_table(answer):
        frame = to_polars(answer, who)
        for name in frame.columns:
            if name not in _COLUMNS:
                raise Fault(f"{what} (got a column {name!r}){did_you_mean(name, _COLUMNS)}; leave it out.")
        given = {name: frame[name].to_list() for name in frame.columns}
    else:
        raise Fault(f"{what} (got {shown(answer)}); return kinds, stances, confidences.")
    if given.get("kind") is None:
        raise Fault(f"{what} (it has no kinds); give one for each sentence.")
    return {name: _listed(given.get(name), name, what) for name in _COLUMNS}


def _listed(values: Any, name: str, what: str) -> list[Any] | None:
    if values is None:
        return None
    if hasattr(values, "tolist"):  # of numpy, torch
        values = values.tolist()
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        try:
            values = None if isinstance(values, (str, bytes)) else list(values)
        except TypeError:
            values = None
        if values is None:
            raise Fault(f"{what} (got no sequence of {name}); give a list.")
    return list(values)


def _number(values: list[Any] | None, row: int, low: float, must: str) -> float | None:
    value = values[row] if values is not None else None
    if value is None:
        return None
    number = as_float(value.item() if hasattr(value, "item") else value)
    if not low <= number <= 1.0:
        raise Fault(f"{must} (got {shown(value)} for sentence {row + 1}); correct it, or give None.")
    return number


def _touched(values: list[Any] | None, row: int, names: tuple[str, ...], who: str) -> tuple[str, ...]:
    chosen = values[row] if values is not None else None
    if chosen is None:
        return names
    listed = [chosen] if isinstance(chosen, str) else list(chosen)
    for asset in listed:
        if asset not in names:
            raise Fault(
                f"{who} must return assets that the sentence names (got {shown(asset)} for sentence {row + 1}, which names {', '.join(names)}); "
                "choose among them."
            )
    return tuple(dict.fromkeys(listed))
