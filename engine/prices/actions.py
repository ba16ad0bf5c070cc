"""Dividends and splits of rows that are no bars: none of them is lost."""

import datetime as dt

import numpy as np
import polars as pl

from engine.calendars import Calendar
from engine.prices.findings import Findings, shown, stamp

_PRICES = ("open", "high", "low", "close")
_COLUMNS = ("source", "row", "asset", "time", "session", "dividend", "split", "local", "instant")
_PAUSE = np.timedelta64(31, "D")  # longer than any pause between two sessions of one exchange


def acts() -> pl.Expr:
    """Tell rows with a dividend or a split; vendors write 0 or 1 for none."""
    return (pl.col("dividend").fill_null(0) != 0) | ~pl.col("split").fill_null(1).is_in([0.0, 1.0])


def actions_apart(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take what rows without a bar pay or split apart: (rows, actions).

    A row without any price is wholly an action; one that has prices and no `time`, as on a holiday, stays, to be reported,
    and its dividend and split are actions.
    """
    if (
        all(rows[name].null_count() == rows.height for name in ("dividend", "split"))
        or not rows.select(acts().any()).item()
    ):
        return rows, rows.clear().select(_COLUMNS)
    bare = pl.all_horizontal(pl.col(name).is_null() for name in _PRICES)
    actions = rows.filter(acts() & (bare | pl.col("time").is_null()))
    return rows.filter(~(acts() & bare)), actions.select(_COLUMNS)


def repeats_left_out(actions: pl.DataFrame, rows: pl.DataFrame, daily: bool, findings: Findings) -> pl.DataFrame:
    """Leave out what is paid or split by equal amounts at the same stamp again, as overlapping downloads give it.

    Parameters
    ----------
    actions
        As `actions_apart` gives them.
    rows
        The bars, whose own dividends and splits count first.
    daily
        Whether the stamps are days; otherwise they are instants.
    """
    if actions.is_empty():
        return actions
    stamped = pl.col("session") if daily else pl.coalesce("instant", pl.col("local").dt.replace_time_zone("UTC"))
    key = ("asset", stamped.alias("stamped"))
    own = rows.filter(acts()).select(*key, "dividend", "split")
    nothing = {"dividend": [0.0], "split": [0.0, 1.0]}
    left = actions
    for name, none in nothing.items():
        every = pl.concat([own.select("asset", "stamped", name), actions.select(*key, name)])
        again = every.select(~pl.struct("asset", "stamped", name).is_first_distinct()).to_series().slice(own.height)
        left = left.with_columns(pl.when(~again | pl.col(name).is_in(none)).then(name).alias(name))
    gone = (actions["dividend"].is_not_null() & left["dividend"].is_null()) | (
        actions["split"].is_not_null() & left["split"].is_null()
    )
    text = "{} has a dividend of {} or a split of {} on {} here again; it counts once."
    paid, ratio = shown(pl.col("dividend").fill_null(0)), shown(pl.col("split").fill_null(1))
    findings.add_rows(
        "warning", "duplicate", actions.filter(gone), paid, pl.format(text, "asset", paid, ratio, stamp("local"))
    )
    return left.filter(acts())


def at_next_bar(
    actions: pl.DataFrame, trading: Calendar, interval: str, clock: int | None, findings: Findings
) -> pl.DataFrame:
    """Give actions that fall on no bar the next one of the calendar.

    Returns
    -------
    polars.DataFrame
        Columns source, row, asset, time, session, dividend, split. What would count in the future is left out, and said.
    """
    astray = actions.filter(pl.col("time").is_null())
    if astray.height:
        moved = _moved(astray, trading, interval, clock)
        late = moved["time"].is_null() | (moved["time"] > dt.datetime.now(dt.UTC))
        text = pl.format(
            "{} has a dividend of {} or a split of {} on {}, which is no bar; ",
            "asset", shown(pl.col("dividend").fill_null(0)), shown(pl.col("split").fill_null(1)), stamp("local"),
        )  # fmt: skip
        findings.add_rows(
            "note",
            "action_moved",
            moved.filter(~late),
            shown(pl.col("dividend").fill_null(0)),
            pl.format("{}it counts at the next, of {}.", text, "session"),
        )
        findings.add_rows(
            "warning",
            "action_to_come",
            moved.filter(late),
            shown(pl.col("dividend").fill_null(0)),
            pl.format("{}the next is still to come, and it is left out.", text),
        )
        actions = pl.concat([actions.filter(pl.col("time").is_not_null()), moved.filter(~late)])
    return actions.drop("local", "instant")


def _moved(astray: pl.DataFrame, trading: Calendar, interval: str, clock: int | None) -> pl.DataFrame:
    if interval == "1d":
        days = astray["session"].to_numpy().astype("datetime64[D]")
        opens, sessions = trading.opens, trading.sessions
        bar = np.searchsorted(sessions, days)
    else:
        instants = astray["instant"].to_physical().to_numpy()
        days = instants.astype("datetime64[us]").astype("datetime64[D]")
        opens, sessions = trading.bars(days.min() - 1, days.max() + _PAUSE, interval, clock)
        bar = np.searchsorted(opens, instants)
    known = bar < len(opens)
    bar = np.where(known, bar, 0)
    time = pl.Series(opens[bar].astype("datetime64[us]")).dt.replace_time_zone("UTC")
    return astray.with_columns(time=time, session=pl.Series(sessions[bar])).with_columns(
        time=pl.when(pl.Series(known)).then("time")
    )
