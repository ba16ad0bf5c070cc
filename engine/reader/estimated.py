"""What a reading would ask of a model, before anything is asked."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.faults import Fault
from engine.reader import plugins
from engine.reader.classifier import Classifier
from engine.reader.columns import Given
from engine.reader.names.table import NameTable
from engine.reader.read import AnyReader, Sources, read_sources
from engine.tables.spelling import Order


def estimate(
    sources: Sources,
    *,
    reader: AnyReader,
    sidecar: str | Path | None = None,
    lexicon: Sequence[str | Path] | str | Path = (),
    names: NameTable | None = None,
    columns: Given = None,
    dates: Order | None = None,
    seen: str = "",
) -> dict[str, int]:
    """Count what a reading would ask of a model.

    Parameters are those of `read_documents`.

    Returns
    -------
    dict
        documents, sentences, and what the reader counts of them, such as requests and tokens.

    Raises
    ------
    Fault
        The reader counts nothing, or what `read_documents` refuses.
    """
    found = plugins.find(reader)
    cost = found.cost if isinstance(found, Classifier) else None
    if not isinstance(found, Classifier) or cost is None:
        raise Fault(
            f"reader {reader!r} must be one that asks a model and counts what that costs, such as llm; leave the estimate out."
        )
    total: Counter[str] = Counter()

    def counted(
        sentences: list[str], named: list[tuple[str, ...]], languages: list[str]
    ) -> tuple[list[None], None, None]:
        total.update({"sentences": len(sentences), **cost(sentences, named, languages)})
        return [None] * len(sentences), None, None

    reading = read_sources(
        sources, sidecar=sidecar, lexicon=lexicon, names=names, columns=columns, delay=dt.timedelta(0), dates=dates, seen=seen,
        reader=replace(found, classify=counted),
    )  # fmt: skip
    return {"documents": reading.counts["documents"], **total}
