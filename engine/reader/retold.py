"""One claim, one event: what a document tells twice is told once, by its strongest telling."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.reader.figures import MONEY

if TYPE_CHECKING:
    from engine.reader.document import Found

Figure = dict[str, Any]  # as the events table carries it: asset, what, value, unit
_LIKE: Final = 0.7  # of the surest telling's confidence
_NEARLY: Final = 0.025  # "600 billion" for 593 billion


@dataclass
class _Session:
    """The tellings of one fall: those of one day, and those that give none of their own."""

    day: dt.date | None
    tellings: list[Found]


def told_once(found: list[Found]) -> list[Found]:
    """Keep one telling of each claim: (kind, asset) counts once in a document, falls once for each day that the text gives.

    The strongest telling stays and takes over the day and the figures of the others; of equal ones the first. A telling that
    touches several names keeps those of which no other speaks more strongly.

    Parameters
    ----------
    found
        The events of one document, in the order of the text; their rows are changed.
    """
    tellings: dict[tuple[str, bool, str], list[Found]] = {}
    for item in found:
        for asset in item.row["assets"]:
            # A refusal of help and a company's denial are denials of opposite sign, and so two claims.
            tellings.setdefault((item.row["kind"], item.row["stance"] < 0, asset), []).append(item)
    heirs: dict[tuple[int, str], Found] = {}
    for (kind, _, asset), items in tellings.items():
        for session in _sessions(items, asset) if kind == "panic_drop" else [_Session(_first_day(items), items)]:
            best = _strongest(session.tellings)
            if best.told_on is None:
                best.row["happened_on"] = session.day or best.row["happened_on"]
            heirs.update({(id(item), asset): best for item in session.tellings})
    kept = []
    for item in found:
        if _keeps_some(item, {asset: heirs[id(item), asset] for asset in item.row["assets"]}):
            kept.append(item)
    return sorted(kept, key=lambda item: (item.row["evidence_start"], item.row["kind"]))


def _strongest(tellings: list[Found]) -> Found:
    """Give the strongest telling of those that are about as sure as the surest, which it then is."""
    surest = max(item.row["confidence"] for item in tellings)
    likely = [item for item in tellings if item.row["confidence"] >= _LIKE * surest]
    best = min(likely, key=lambda item: (-item.row["strength"], item.row["evidence_start"]))
    best.row["confidence"] = surest
    return best


def _keeps_some(item: Found, heirs: Mapping[str, Found]) -> bool:
    """Hand the names that others tell of more strongly, with their figures, to those; tell whether any name is left."""
    row = item.row
    row["assets"] = [asset for asset, heir in heirs.items() if heir is item]
    first = next(iter(heirs.values()))
    figures, row["figures"] = row["figures"], []
    for figure in figures:
        heir = heirs.get(figure["asset"], item if row["assets"] else first)
        if heir is item:
            row["figures"].append(figure)
        else:
            _join(heir.row["figures"], figure)
    return bool(row["assets"])


def _join(figures: list[Figure], more: Figure) -> None:
    """Add a figure of another telling; of a move told roughly and exactly (9 %, 8.9 %) the exact value stays."""
    for i, figure in enumerate(figures):
        if all(figure[name] == more[name] for name in ("asset", "what", "unit")):
            rough = more["what"].startswith(("move", "market value"))
            if figure["value"] == more["value"] or (rough and is_alike(figure["value"], more["value"], more["unit"])):
                figures[i] = max(figure, more, key=lambda told: _digits(told["value"]))
                return
    figures.append(more)


def is_alike(value: float, other: float, unit: str) -> bool:
    """Tell whether one value is the other, told roughly: 9 % for 8.9 % or 9.4 %, 600 billion for 593 billion.

    >>> is_alike(-9.0, -8.9, "%"), is_alike(-9.0, -10.0, "%"), is_alike(6e11, 5.93e11, "USD")
    (True, False, True)
    """
    if value == other:
        return True
    if unit in MONEY:
        return abs(value - other) <= _NEARLY * max(abs(value), abs(other))
    rough, exact = sorted((_decimals(value), _decimals(other)))
    return unit == "%" and rough < exact and abs(value - other) < 10.0**-rough


def _decimals(value: float) -> int:
    return len(f"{value:.6f}".rstrip("0").partition(".")[2])


def _digits(value: float) -> int:
    """How many digits a value is told with: 8.9 has two, 600 billion one."""
    return len(f"{abs(value):.6f}".replace(".", "").strip("0"))


# ------------------------------------------------------------------------------------------------------------- falls


def _first_day(items: list[Found]) -> dt.date | None:
    told = [item.told_on for item in items if item.told_on] or [item.row["happened_on"] for item in items]
    return next((day for day in told if day), None)


def _sessions(items: list[Found], asset: str) -> list[_Session]:
    """Part the tellings of an asset's falls by the day that the text gives to each.

    One that gives no day of its own belongs to the session with its figure; else to the session that the story was at, where
    another figure, or another fall in its sentence ("fell 5.7%; last Friday 17%"), makes it a fall of its own; else to the first.
    """
    out: list[_Session] = []
    for item in items:
        if item.told_on:
            session = next((one for one in out if one.day == item.told_on), None)
            if session:
                session.tellings.append(item)
            else:
                out.append(_Session(item.told_on, [item]))
    for item in items:
        if item.told_on:
            continue
        day, moves = item.row["happened_on"], _moves(item, asset)
        session = (
            next((one for one in out if _shares(moves, one, asset)), None)
            or next((one for one in out if day and one.day == day), None)
            or (None if (day or item.claim.apart) and moves and all(one.day for one in out) else next(iter(out), None))
        )
        if session is None:
            out.append(_Session(day, [item]))
        else:
            session.tellings.append(item)
            session.day = session.day or day
    return out


def _moves(item: Found, asset: str) -> list[float]:
    return [
        figure.value
        for figure in item.claim.figures
        if figure.what == "move" and figure.value < 0 and figure.asset in (asset, None)
    ]


def _shares(moves: list[float], session: _Session, asset: str) -> bool:
    known = [value for item in session.tellings for value in _moves(item, asset)]
    return any(is_alike(value, other, "%") for value in moves for other in known)
