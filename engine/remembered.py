"""Events that a model labelled of which it may know what came next: counted, and a run without them beside the run with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.faults import Fault, note

if TYPE_CHECKING:
    from engine.events import Events
    from engine.run import Run


def tell_remembered(events: Events | None) -> None:
    """Tell the user that results count events with hindsight."""
    count = _count(events)
    if events is not None and count:
        note(
            f"{count:,} of {len(events):,} events are of a time that the model which labelled them was trained on, so it may have known "
            "what came next; events.select(hindsight=False) leaves them out."
        )


def beside(run: Run, events: Events | None, again: Callable[[Events], Run]) -> dict[str, Any] | None:
    """Give what a run earned without the events with hindsight; None where there are none.

    Parameters
    ----------
    again
        Makes the run anew with other events.

    Returns
    -------
    dict
        `events`, how many have hindsight; `others`, how many have not; `metrics` of the run with the others alone, None where
        the strategy hears none of them.
    """
    count = _count(events)
    if events is None or not count:
        return None
    others = events.select(hindsight=False)
    try:
        metrics = again(others).metrics
    except Fault:  # nothing is left to hear
        metrics = None
    without = (
        "nothing, for the strategy hears none of the others" if metrics is None else _share(metrics["total_return"])
    )
    note(
        f"{count:,} of {len(events):,} events are of a time that the model which labelled them was trained on, so it may have known "
        f"came next: the total return is {_share(run.metrics['total_return'])} with them and {without} without."
    )
    return {"events": count, "others": len(others), "metrics": metrics}


def _count(events: Events | None) -> int:
    return 0 if events is None else int(events.frame["hindsight"].sum())


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value * 100:+.2f} %"
