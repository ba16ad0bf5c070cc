"""Symbols of a side table against those of a market."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from engine.faults import Fault, note
from engine.guess import did_you_mean


def refuse_misspelled(named: Collection[str], assets: Sequence[str], source: str) -> None:
    """Refuse names that are an asset's but for capitals, blanks and signs, where the asset itself is not named.

    Raises
    ------
    Fault
        For the first of them.
    """
    unknown = set(named).difference(assets)
    if not unknown:
        return
    meant = {_folded(asset): asset for asset in assets if asset not in named}
    for name in sorted(unknown):
        if (asset := meant.get(_folded(name))) is not None:
            raise Fault(
                f"{source} must name assets as the market does (got {name!r}, did you mean {asset!r}?); rename it."
            )


def tell_unknown(named: Iterable[str], assets: Sequence[str], source: str, otherwise: str) -> None:
    """Tell the user of names that the market lacks; `otherwise` says what holds where no name is known."""
    listed = dict.fromkeys(named)
    unknown = [name for name in listed if name not in assets]
    if not unknown:
        return
    first = f"{unknown[0]!r}{did_you_mean(unknown[0], assets)}"
    if len(unknown) == len(listed):
        note(f"{source} names no asset of the market (got {first}); {otherwise}.")
        return
    count = f"{len(unknown):,} of {len(listed):,} symbols that are not in the market"
    note(f"{source} names {count}, the first {first}; their rows are not used.")


def _folded(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())
