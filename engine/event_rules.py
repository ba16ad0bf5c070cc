"""What must hold of every row of an events table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl

from engine.guess import did_you_mean
from engine.kinds import KINDS, NAME

PRECISIONS = ("instant", "day", "inferred")
#: The columns that no table of events can do without.
CORE = ("kind", "assets", "strength", "published_at")


def out_of_bounds(table: pl.DataFrame) -> Iterator[tuple[int, str]]:
    """Yield each value of a table that has the schema but is out of bounds: its row, from 0, and what is wrong with it.

    A row with several comes several times, by column.
    """
    for name, bad, allowed in rules():
        # NaN lies between no bounds; `is_between` answers false to it, as it should.
        for row in table.select(bad.fill_null(False).arg_true()).to_series():
            found = table[name][row]
            shown = found.to_list() if isinstance(found, pl.Series) else found
            text = shown.isoformat() if isinstance(shown, dt.datetime) else repr(shown)
            guess = did_you_mean(str(shown), KINDS) if name == "kind" else ""
            event = f" ({table['event_id'][row]})" if name != "event_id" else ""
            yield row, f"{event}: {name}={text} {allowed}{guess}."


def rules() -> list[tuple[str, pl.Expr, str]]:
    """What must not hold of a row: the column, the condition, and what is asked for instead."""
    element = pl.element()
    value = element.struct.field
    stripped = element.str.strip_chars()
    blank = pl.col("assets").list.eval(element.is_null() | (stripped == "") | (stripped != element)).list.any()
    repeated = pl.col("assets").list.n_unique() != pl.col("assets").list.len()
    unread = pl.col("figures").list.eval(value("value").is_null() | ~value("value").is_finite()).list.any()
    unnamed = pl.col("figures").list.eval(value("what").is_null() | value("unit").is_null()).list.any()
    return [
        *((name, pl.col(name).is_null(), "must not be empty; give a value") for name in CORE),
        (
            "kind",
            ~pl.col("kind").str.contains(NAME),
            "must be a name in lower case, with underscores between words, such as fraud_probe",
        ),
        ("event_id", pl.col("event_id") == "", "must not be empty; give each its own"),
        ("event_id", ~pl.col("event_id").is_first_distinct(), "stands in an earlier row too; give each its own"),
        (
            "assets",
            (pl.col("assets").list.len() == 0) | blank,
            "must name at least one asset, none of them empty or with blanks around it",
        ),
        ("assets", repeated, "names an asset twice; name each once"),
        ("strength", ~pl.col("strength").is_between(0.0, 1.0), "must lie in 0..1"),
        *(
            (name, ~pl.col(name).is_between(0.0, 1.0), "must lie in 0..1")
            for name in ("confidence", "relevance", "novelty")
        ),
        (
            "stance",
            pl.col("stance").is_null() & pl.col("kind").is_not_null(),
            'must be given for a kind of your own; fill it in, or say its sign and base strength by kinds={"name": (-1, 0.5)}',
        ),
        ("stance", ~pl.col("stance").is_between(-1.0, 1.0), "must lie in -1 (bearish)..+1 (bullish)"),
        ("published_precision", ~pl.col("published_precision").is_in(list(PRECISIONS)), f"is none of {PRECISIONS}"),
        ("known_at", pl.col("known_at") < pl.col("published_at"), "lies before published_at"),
        ("evidence_start", pl.col("evidence_start") < 0, "must not be negative; count characters from 0"),
        ("evidence_end", pl.col("evidence_end") < pl.col("evidence_start"), "must not lie before evidence_start"),
        ("figures", unread, "has a figure whose value is missing, NaN or infinite; give a finite number"),
        ("figures", unnamed, "has a figure without 'what' or 'unit'; name both"),
    ]
