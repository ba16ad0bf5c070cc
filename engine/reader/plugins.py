"""Other readers, found by entry point: a model, a service, a table of somebody else's labels."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any, Final

from engine.events import Events
from engine.faults import Fault

GROUP: Final = "tocsin.readers"
OWN: Final = "lexicon"

Reader = Callable[..., Events]


def readers() -> dict[str, str]:
    """List the readers at hand: name -> where it comes from. Ours is "lexicon"."""
    return {OWN: "engine.reader:read_documents", **{point.name: point.value for point in entry_points(group=GROUP)}}


def reader(name: str = OWN) -> Reader:
    """Get a reader by name.

    A reader is a function of (sources, *, sidecar, lexicon, columns, delay, progress) that returns `Events` whose `reader`
    column carries its name; the entry point is in the group "tocsin.readers".

    Raises
    ------
    Fault
        No reader has that name, or it cannot be loaded.
    """
    if name == OWN:
        from engine.reader.read import read_documents  # noqa: PLC0415

        return read_documents
    known = readers()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        raise Fault(
            f"reader {name!r} is not installed{meant}; there are {', '.join(known)}; install the package that brings it."
        )
    (point,) = [item for item in entry_points(group=GROUP) if item.name == name][:1]
    try:
        found: Reader = point.load()
    except Exception as error:
        raise Fault(
            f"reader {name!r}: {known[name]} cannot be loaded ({error}); repair or remove the package."
        ) from error
    return _checked(name, found)


def _checked(name: str, inner: Reader) -> Reader:
    def read(sources: str | Sequence[str], **settings: Any) -> Events:
        events = inner(sources, **settings)
        if not isinstance(events, Events):
            events = Events.from_frame(events, source=f"reader {name}")
        return events

    return read
