"""How much a document is about an asset: its headline, its first sentences, and its share of the names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.reader.sentences import Span

if TYPE_CHECKING:
    from engine.reader.names.build import Entity
    from engine.reader.terms import Hit

TITLE: Final = 0.5
LEAD: Final = 0.2
SHARE: Final = 0.3
_LEAD: Final = 3  # sentences after the headline


@dataclass(frozen=True)
class Mentions:
    """Who is named where in a document.

    Attributes
    ----------
    places
        Asset -> where the names that stand for it start, sorted.
    total
        How many names there are, people's aside.
    title, lead
        The headline, and where its lead ends.
    """

    places: dict[str, list[int]]
    total: int
    title: Span
    lead: int


def mentions(title: Span, spans: Sequence[Span], names: Sequence[Hit], entities: Mapping[str, Entity]) -> Mentions:
    """Lay out the names of a document, given its headline, its sentences, and who is named in order."""
    after = bisect_left(spans, (title.end,))
    lead = max([title.end, *(span.end for span in spans[after : after + _LEAD])])
    told = [hit for hit in names if hit.role != "person"]
    places: dict[str, list[int]] = {}
    for hit in told:
        for asset in entities[hit.key].assets:
            places.setdefault(asset, []).append(hit.start)
    return Mentions(places, len(told), title, lead)


def relevance(assets: Iterable[str], claim: Span, told: Mentions, subject: str = "") -> float:
    """Say how much a document is about the assets of an event.

    relevance = 0.5 * title + 0.2 * lead + 0.3 * share

    `title` is 1 for an asset that the headline names, or the table's own column of tickers; `lead` is 1 for one that these or
    the three sentences after the headline name; `share` is its mentions among those of all names but people's. A name stands for
    the assets that it touches, a group's for its fund. A claim whose own sentence does not name the asset counts as a
    mention more. Of several assets the highest counts. Ours; no source.

    Parameters
    ----------
    assets
        The tickers of the event.
    claim
        Where the sentence of the claim stands.
    told
        Who is named in the document.
    subject
        The ticker in the table's own column, "" where it has none.

    Returns
    -------
    float
        0..1, rounded to 4 decimals.
    """

    def of(asset: str) -> float:
        mine = told.places.get(asset, [])
        place = bisect_left(mine, claim.start)
        tacit = place == len(mine) or mine[place] >= claim.end
        first = min([*mine[:1], claim.start] if tacit else mine[:1])
        titled = asset == subject or first < told.title.end
        return (
            TITLE * titled + LEAD * (titled or first < told.lead) + SHARE * (len(mine) + tacit) / (told.total + tacit)
        )

    return round(max(map(of, assets)), 4)
