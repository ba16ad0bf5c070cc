"""What the end of a reading says: how many documents gave events, why the others gave none, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

#: Why a document gave no event, in the order in which it is asked; of each document the first counts.
SILENT: Final[dict[str, str]] = {
    "copies": "{} the very text of another",
    "other_language": "{} in a language that is neither English, French nor Chinese",
    "nobody_known": "{} that {} nobody known",
    "no_claim": "{} that {} no claim",
    "no_date": "{} that {} a claim and {} no publication time",
    "unread_date": "{} that {} a claim, with a publication time that is not understood",
}
_VERBS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "nobody_known": (("names", "name"),),
    "no_claim": (("makes", "make"),),
    "no_date": (("makes", "make"), ("states", "state")),
    "unread_date": (("makes", "make"),),
}
#: Every count of a reading.
COUNTS: Final = (
    "documents", "characters", "kept", "asked", "with_events", "repeated", "versions", *SILENT, "refused", "left_out", "unsure", "rows_left_out", "files_left_out",
)  # fmt: skip


def said(counts: Mapping[str, int], events: int) -> Iterator[str]:
    """Say in sentences what a reading came to.

    Parameters
    ----------
    counts
        `engine.reader.read.Reading.counts`.
    events
        How many events there are.

    Examples
    --------
    >>> list(said({"documents": 9, "with_events": 2, "copies": 1, "repeated": 1, "nobody_known": 6}, 3))
    ['9 documents: 2 with events, 1 the very text of another, 6 that name nobody known.', '3 events.']
    """
    parts = [f"{counts.get('with_events', 0):,} with events"]
    for reason, words in SILENT.items():
        if number := counts.get(reason, 0):
            verbs = (verb[number > 1] for verb in _VERBS.get(reason, ()))
            parts.append(words.format(f"{number:,}", *verbs))
    yield f"{counted(counts['documents'], 'document')}: {', '.join(parts)}."
    told = [counted(events, "event")]
    if again := counts.get("repeated", 0) - counts.get("copies", 0) - counts.get("versions", 0):
        told.append(f"{counted(again, 'document')} of those with events told a story again")
    if versions := counts.get("versions", 0):
        what = "is a later version of another" if versions == 1 else "are later versions of others"
        told.append(f"{counted(versions, 'document')} of those with events {what}")
    if wrong := counts.get("left_out", 0):
        told.append(f"{counted(wrong, 'event')} left out, which no table of events may hold")
    yield f"{'; '.join(told)}."
    for name, noun in (("rows_left_out", "row"), ("files_left_out", "file")):
        if number := counts.get(name, 0):
            yield f"{counted(number, noun)} could not be read and {'is' if number == 1 else 'are'} left out."


def counted(number: int, noun: str) -> str:
    """Say how many: "1 row", "2 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
