"""Other readers, found by entry point or in a script: a model, a service, a table of somebody else's labels."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

import polars as pl

from engine.events import Events
from engine.faults import Failure, Fault
from engine.guess import did_you_mean
from engine.reader.classifier import Classifier
from engine.reader.read import OWN, REFUSED, AnyReader, Reading, Sources, read_documents, sources_of
from engine.registry import load_script, script_of
from engine.tables.frames import is_table

GROUP: Final = "tocsin.readers"

Reader = Callable[..., Events]


#: Readers that come with tocsin, beside the lexicon.
_OURS: Final = {"llm": EntryPoint("llm", "engine.reader.llm:llm", GROUP)}


def _installed() -> dict[str, EntryPoint]:
    return _OURS | {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def readers() -> dict[str, str]:
    """List the readers at hand: name -> where it comes from. Ours is "lexicon"."""
    others = {name: point.value for name, point in _installed().items() if name != OWN}
    return {OWN: "engine.reader:read_documents", **others}


def reader(name: str = OWN, settings: Mapping[str, str] | None = None) -> Reader:
    """Get a reader by name, as a function of (sources, **settings of `read_documents`) that returns `Events`.

    Raises
    ------
    Fault
        No reader has that name, it cannot be loaded, or it has not the form that docs/readers.md tells.
    """
    found = find(name, settings)
    if found is read_documents:
        return read_documents
    return partial(read_documents, reader=found if isinstance(found, Classifier) else name)


def find(given: AnyReader, settings: Mapping[str, str] | None = None) -> Classifier | Callable[..., Any]:
    """Get a reader: a classifier, or a function of sources.

    Parameters
    ----------
    given
        "lexicon"; the name of an entry point in the group "tocsin.readers"; "path/to/script.py:name"; or a reader itself.
    settings
        What a function that makes classifiers is called with, as texts.

    Raises
    ------
    Fault
        As `reader` does.
    """
    if not isinstance(given, str):
        return _formed(given, "reader", settings or {})
    if given == OWN:
        _refuse_settings(settings or {}, f"reader {given!r}")
        return read_documents
    path, wanted = script_of(given)
    if path:
        return _formed(load_script(Path(path), wanted, "reader"), f"reader {given!r}", settings or {})
    known = readers()
    if given not in known:
        raise Fault(
            f"reader {given!r} is not installed{did_you_mean(given, known)}; there are {', '.join(known)}; install the package that brings it, "
            "or name path/to/script.py:name."
        )
    try:
        loaded = _installed()[given].load()
    except Exception as error:  # somebody else's package may fail in any way
        raise Fault(
            f"reader {given!r}: {known[given]} cannot be loaded ({error}); repair or remove the package."
        ) from error
    return _formed(loaded, f"reader {given!r}", settings or {})


def _formed(found: Any, who: str, settings: Mapping[str, str]) -> Classifier | Callable[..., Any]:
    """Give a classifier, or a function of sources; call what makes classifiers."""
    if isinstance(found, Classifier):
        _refuse_settings(settings, who)
        return found
    if not callable(found):
        raise Fault(f"{who} must be a Classifier or a function (got {found!r}); docs/readers.md tells the form.")
    parameters = inspect.signature(found).parameters
    if "sources" in parameters:
        _refuse_settings(settings, who)
        return found  # type: ignore[no-any-return]
    for name in settings:
        if name not in parameters:
            raise Fault(
                f"{who} has no setting {name!r}{did_you_mean(name, parameters)}; known are {', '.join(parameters) or 'none'}."
            )
    lacking = [
        name
        for name, one in parameters.items()
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD and name not in settings
    ]
    if lacking:
        raise Fault(
            f"{who} must be a Classifier, a function of sources, or be given its settings (got none for {', '.join(lacking)}); "
            f"write --set {lacking[0]}=..., or call it in Python."
        )
    try:
        made = found(**settings)
    except (Fault, Failure):
        raise
    except Exception as error:
        raise Failure(f"{who} cannot be made ({type(error).__name__}: {error}); repair it, or its settings.") from error
    if not isinstance(made, Classifier):
        raise Fault(f"{who} must make a Classifier (got {made!r}); docs/readers.md tells the form.")
    return made


def _refuse_settings(settings: Mapping[str, str], who: str) -> None:
    if settings:
        raise Fault(f"{who} has no settings (got {', '.join(settings)}); leave them out.")


def read_by(found: Callable[..., Any], given: AnyReader, sources: Sources, settings: Mapping[str, Any]) -> Reading:
    """Read by a function of sources, and check what it returns.

    Parameters
    ----------
    found, given
        The function, and how the user named it.
    settings
        Those of `read_documents`; the function is handed what it takes. One that the user set and it does not take is refused.
    """
    name = given if isinstance(given, str) else getattr(found, "__name__", "reader")
    who = f"reader {name!r}"
    parameters = inspect.signature(found).parameters
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    handed = {}
    for setting, value in settings.items():
        if setting in parameters or takes_all:
            handed[setting] = value
        elif setting != "progress" and _is_set(value):
            raise Fault(f"{who} does not take {setting} (got {value!r}); leave it out.")
    try:
        answer = found(sources, **handed)
    except (Fault, Failure):
        raise
    except Exception as error:  # somebody else's code may fail in any way
        raise Failure(
            f"{who} failed ({type(error).__name__}: {str(error).partition(chr(10))[0]}); repair it."
        ) from error
    if not isinstance(answer, Events):
        if not is_table(answer):
            raise Fault(
                f"{who} must return Events or a table of events (got {answer!r}); docs/readers.md tells the form."
            )
        answer = Events.from_frame(answer, source=f"reader {_plain(name)}")
    events = _signed(answer, _plain(name), who)
    empty = pl.DataFrame(schema=pl.Schema(REFUSED))
    return Reading(events, sources_of(events), empty, {"documents": events.frame["doc_id"].n_unique()})


def _is_set(value: object) -> bool:
    return value not in (None, "", "0s", (), [], False) and not (hasattr(value, "total_seconds") and not value)


def _plain(name: str) -> str:
    """Give the name of a reader; of one in a script, what it is called there."""
    path, wanted = script_of(name)
    return wanted if path else name


def _signed(events: Events, plain: str, who: str) -> Events:
    """See that each event says who labelled it: the reader's name, or "name/version"; fill it in where nothing is said."""
    said = events.frame["reader"]
    unsaid = said.is_in(["table", ""])
    forged = ~unsaid & (said != plain) & ~said.str.starts_with(f"{plain}/")
    if forged.any():
        raise Fault(
            f'{who} must sign its events as {plain!r} or "{plain}/version" (got {said.filter(forged)[0]!r}); correct its column `reader`.'
        )
    return Events(events.frame.with_columns(reader=pl.when(unsaid).then(pl.lit(plain)).otherwise(pl.col("reader"))))
