"""How much a document is about an asset: its headline, its first sentences, and its share of the names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from engine.reader.sentences import Span

if TYPE_CHECKING:
    from engine.reader.names.build import Entity
    from engine.reader.terms import Hit

TITLE: Final = 0.5
LEAD: Final = 0.2
SHARE: Final = 0.3
_LEAD: Final = 3  # sentences after the headline


def relevance(
    assets: Iterable[str],
    claim: Span,
    title: Span,
    spans: Sequence[Span],
    names: Sequence[Hit],
    entities: Mapping[str, Entity],
    subject: str = "",
) -> float:
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
    claim, title
        Where the sentence of the claim and the headline stand.
    spans
        The sentences of the document.
    names, entities
        Who is named, in order, and who they are.
    subject
        The ticker in the table's own column, "" where it has none.

    Returns
    -------
    float
        0..1, rounded to 4 decimals.
    """
    lead_end = [title.end, *(span.end for span in spans if span.start >= title.end)][: _LEAD + 1][-1]
    told = [hit for hit in names if hit.role != "person"]
    places: dict[str, list[int]] = {}
    for hit in told:
        for asset in entities[hit.key].assets:
            places.setdefault(asset, []).append(hit.start)

    def of(asset: str) -> float:
        mine = places.get(asset, [])
        tacit = not any(claim.start <= place < claim.end for place in mine)
        first = min([*mine, claim.start] if tacit else mine)
        titled = asset == subject or first < title.end
        share = (len(mine) + tacit) / (len(told) + tacit)
        return TITLE * titled + LEAD * (titled or first < lead_end) + SHARE * share

    return round(max(map(of, assets)), 4)
