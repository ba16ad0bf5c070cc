"""Old labels beside new ones: what a newer lexicon says, and what an older one said at the time."""

from __future__ import annotations

import datetime as dt

import polars as pl

from engine.event_table import OPTIONAL
from engine.events import Events
from engine.faults import Fault, note
from engine.reader.counted import counted


def beside(old: Events, new: Events) -> Events:
    """Keep the labels of an earlier reading beside those of a newer one.

    An event that both readers label alike keeps its older label and date. Where the ids are the same and the labels are
    not, the newer row's id gets its reader's name, for an id stands for one row.

    Parameters
    ----------
    old, new
        Readings of the same documents, with different `reader` or `labelled_at`.
    """
    before = old.frame
    # What an earlier version could not say is no other label.
    same = [name for name in before.columns if name not in ("reader", "labelled_at", *OPTIONAL)]
    after = new.frame.join(before.select(same), on=same, how="anti", nulls_equal=True)
    taken = before["event_id"].implode()
    after = after.with_columns(
        pl.when(pl.col("event_id").is_in(taken)).then(pl.col("event_id") + "@" + pl.col("reader")).otherwise(pl.col("event_id")).alias("event_id")
    )  # fmt: skip
    return Events(pl.concat([before, after]))


def as_of(events: Events, instant: dt.datetime) -> Events:
    """Give the labels as they stood at an instant: of each document, those of the latest reading up to then.

    Parameters
    ----------
    events
        A table that may hold several readings, as `beside` makes it.
    instant
        With a time zone.

    Raises
    ------
    Fault
        The instant has no time zone; or no label of the table is as old.

    Warns
    -----
    Note
        Some documents have only younger labels: who gave them may have known what came next, so they are left out.
    """
    if instant.tzinfo is None:
        raise Fault(f"instant={instant.isoformat()} has no time zone; add one, such as +00:00.")
    known = events.frame.filter(pl.col("labelled_at") <= instant)
    younger = events.frame.filter(~pl.col("doc_id").is_in(known["doc_id"].implode()))
    if younger.height and known.is_empty():
        first = younger.sort("labelled_at")["labelled_at"][0].isoformat()
        raise Fault(
            f"as_of={instant.isoformat()}: no label is as old (the first of {counted(younger.height, 'event')} is of {first}); take a later "
            "instant, or a table with labels of that time."
        )
    if younger.height:
        note(
            f"{counted(younger.height, 'event')} left out, of documents that had no label yet at {instant.isoformat()}."
        )
    return Events(known.filter(pl.col("labelled_at") == pl.col("labelled_at").max().over("doc_id")))
