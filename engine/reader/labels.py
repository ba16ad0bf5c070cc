"""Old labels beside new ones: what a newer lexicon says, and what an older one said at the time."""

from __future__ import annotations

import datetime as dt

import polars as pl

from engine.event_table import OPTIONAL
from engine.events import Events
from engine.faults import Fault


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
        The instant has no time zone.
    """
    if instant.tzinfo is None:
        raise Fault(f"instant={instant.isoformat()} has no time zone; add one, such as +00:00.")
    known = events.frame.filter(pl.col("labelled_at") <= instant)
    return Events(known.filter(pl.col("labelled_at") == pl.col("labelled_at").max().over("doc_id")))
