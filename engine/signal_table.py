"""Tables of signals: asset, when, target weight; read, checked, placed among the bars of a market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from engine.clock import first_bar
from engine.faults import Fault
from engine.fingerprint import fingerprint
from engine.guess import did_you_mean
from engine.market import Market
from engine.tables.columns import ASSET, SESSION, days, instants, numbers, pick, refuse, symbols
from engine.tables.frames import to_table
from engine.tables.names import refuse_misspelled
from engine.tables.table import Decimal, Style, Tabular

if TYPE_CHECKING:
    from engine.tables.spelling import Order

_INSTANT = pl.Datetime("us", "UTC")

#: The greatest weight that a signal may ask for.
_MOST = 1e6
_ALLOWED = f"a share of equity from -{_MOST:,.0f} to {_MOST:,.0f}, such as -0.5"
_COLUMNS = {
    "asset": ASSET,
    "weight": ("weight", "target", "targetweight"),
    "known_at": ("knownat", "timestamp", "datetime", "time"),
    "session": SESSION,
    "event_id": ("eventid",),
}


@dataclass(frozen=True, eq=False, repr=False)
class SignalTable:
    """Signals as they were read.

    Attributes
    ----------
    frame : asset (str), weight (float64), known_at (datetime UTC) or session (date), event_id (str), row (int64, its number)
    source : what a message calls the table
    place : what it calls a row: "line" of a text file, "row" elsewhere
    """

    frame: pl.DataFrame
    source: str
    place: str

    def __repr__(self) -> str:
        return f"a table of {self.frame.height} rows, {fingerprint(self.frame.drop('row'))[:16]}"


def read_signals(
    value: Tabular | None, *, dates: Order | None = None, decimal: Decimal | None = None
) -> SignalTable | None:
    """Read a table of signals.

    Parameters
    ----------
    value
        A table in any form, or the path of one, as `engine.tables.frames.to_table` takes it: asset (or symbol, ticker), weight,
        and known_at (an instant with its zone) or session (or date); perhaps event_id. None stays None.
    dates, decimal
        How its texts are written, where they leave it open: "dmy", "mdy" or "ymd"; "." or ",".

    Raises
    ------
    Fault
        For what is no such table, with the row.
    """
    if value is None or isinstance(value, SignalTable):
        return value
    table = to_table(value, "signals", Style(dates, decimal))
    plain, units = pick(table, _COLUMNS, ("asset", "weight"), shares=("weight",))
    when = "known_at" if "known_at" in plain.columns else "session"
    if when not in plain.columns:
        pick(table, _COLUMNS, ("session",))
    frame = numbers(table, plain, {"weight": _ALLOWED}, units)
    refuse(table, frame["weight"], ~frame["weight"].is_between(-_MOST, _MOST), _ALLOWED)
    times = instants(table, frame[when]) if when == "known_at" else days(table, frame[when])
    ids = (
        frame["event_id"].cast(pl.String) if "event_id" in frame.columns else pl.lit(None, pl.String).alias("event_id")
    )
    read = frame.select(symbols(table, frame["asset"]), "weight", times, ids, table.rows.alias("row"))
    return SignalTable(read, table.source, "line" if table.in_lines else "row")


def place_signals(given: SignalTable, market: Market) -> pl.DataFrame:
    """Place signals among the bars; event_id, kind, strength, stance, known_at, bar, asset (index), the oldest first.

    Raises
    ------
    Fault
        For a signal of an asset that the market lacks, one that falls on no bar, or two for one bar.
    """
    when = "known_at" if "known_at" in given.frame.columns else "session"
    frame = given.frame.with_columns(bar=_bars(given.frame, when, market))
    known = {asset: i for i, asset in enumerate(market.assets)}

    def refuse_first(wrong: pl.Expr, sentence: str) -> None:
        for row, asset, time in frame.filter(wrong).select("row", "asset", when).head(1).iter_rows():
            guess = did_you_mean(asset, known)
            raise Fault(f"{given.source}, {given.place} {row}: " + sentence.format(asset=asset, time=time, guess=guess))

    refuse_misspelled(frame["asset"].unique().to_list(), market.assets, given.source)
    refuse_first(
        ~pl.col("asset").is_in(list(known)),
        "asset must be one of the market's (got {asset!r}{guess}); import its prices, or leave the row out.",
    )
    span = f"{market.sessions[0]} to {market.sessions[-1]}"
    allowed = f"a session of the market, {span}" if when == "session" else f"before a bar of the market, {span}"
    refuse_first(
        pl.col("bar").is_null(),
        f"{when} must be {allowed} (got {{time}} for {{asset}}); leave the row out, or import more prices.",
    )
    refuse_first(
        ~pl.struct("asset", "bar").is_first_distinct(),
        "{asset} must have one signal a bar (got another for that of {time}); leave one out.",
    )
    return frame.select(
        "event_id",
        pl.lit("signal").alias("kind"),
        pl.lit(1.0).alias("strength"),
        pl.col("weight").alias("stance"),
        (pl.col("known_at") if when == "known_at" else pl.lit(None).cast(_INSTANT).alias("known_at")),
        "bar",
        pl.col("asset").replace_strict(known, return_dtype=pl.Int32),
    ).sort("known_at", "event_id", "asset", nulls_last=True)


def _bars(frame: pl.DataFrame, when: str, market: Market) -> pl.Series:
    if when == "known_at":
        bars = first_bar(frame["known_at"].dt.timestamp("us").to_numpy(), market.opens)
        return pl.Series(bars).cast(pl.Int32).replace(-1, None)
    sessions = frame["session"].to_numpy().astype("datetime64[D]")
    place = np.searchsorted(market.sessions, sessions)
    found = place < market.sessions.size
    found[found] = market.sessions[place[found]] == sessions[found]
    return pl.Series(np.where(found, place, -1)).cast(pl.Int32).replace(-1, None)
