"""Month first or day first: what a whole column says of dates such as 01/02/2025."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from engine.faults import Fault
from engine.tables.spelling import ORDERS, Order, Written

_WORDS: Final = {"ymd": "year first", "mdy": "month first", "dmy": "day first"}

_AHEAD: Final = dt.timedelta(days=31)


class OpenDates(Fault):
    """Dates of a column that may be month first or day first, while nobody says which; `value` is one of them.

    `reason` is the sentence without the table's name.
    """

    def __init__(self, source: str, reason: str, value: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.reason = reason
        self.value = value


def check_dates(order: str | None) -> None:
    """Raise a Fault where the order of dates that a user names is none of ymd, mdy, dmy."""
    if order is not None and order not in ORDERS:
        raise Fault(f"dates must be one of {', '.join(ORDERS)} (got {order!r}); give one, or leave it out.")


def decide_order(
    days: pl.DataFrame,
    text: pl.Series,
    what: str,
    source: str,
    *,
    order: Order | None,
    zone: str | None,
    language: str | None,
) -> tuple[Order, str]:
    """Decide in which order the dates of a column are read.

    By the dates themselves (a day above 12, a year to come), else by what the user says, else by the source: French texts and
    European zones have the day first.

    Parameters
    ----------
    days
        Columns ymd, mdy, dmy: the day of each row by each order, null where it gives none; or ymd alone, where it makes no
        difference.
    text
        What is written in each row, for messages.
    what, source
        How messages call the column and the table.

    Returns
    -------
    order
        One of ymd, mdy, dmy; any where it makes no difference.
    note
        What was taken without being said by the dates or the user; else "".

    Raises
    ------
    OpenDates
        The order stays open, or the dates contradict one another or the user.
    """
    if days.width == 1:
        return "ymd", ""
    differs = ~pl.col("mdy").eq_missing(pl.col("dmy")) | ~pl.col("ymd").eq_missing(pl.col("dmy"))
    unsure = _possible(days.with_columns(text=text.cast(pl.String)).filter(differs))
    left = [name for name in ORDERS if not unsure[name].has_nulls()]
    if order is not None and order not in left:
        against = unsure["text"].filter(unsure[order].is_null())[0]
        must = (
            f"column {what!r} must be {_WORDS[order]}, as dates={order!r} says (got {against!r}); correct one of them."
        )
        raise OpenDates(source, must, against)
    must = f"column {what!r} must hold dates of one order"
    if not left:
        one, other = (unsure["text"].filter(unsure[name].is_null())[0] for name in ("dmy", "mdy"))
        raise OpenDates(source, f"{must} (got {one!r} and {other!r}); write them as 2025-01-31.", one)
    open_ = unsure.filter(pl.any_horizontal(pl.col(left[0]) != pl.col(name) for name in left))
    if order is not None or open_.is_empty():
        return order or left[0], ""
    example = open_["text"][0]
    hint = "language" if (language or "").startswith("fr") else "zone" if (zone or "").startswith("Europe/") else ""
    if hint and "dmy" in left:
        note = f"column {what!r} holds dates such as {example}; they are read day first, for the source's {hint} has it so."
        return "dmy", note
    both = f"{' or '.join(_WORDS[name] for name in left)}: {' or '.join(str(open_[name][0]) for name in left)}"
    remedy = f"say which by --dates {' or '.join(left)} (in Python dates={left[0]!r})"
    raise OpenDates(source, f"{must} (got {example!r}, which may be {both}); {remedy}.", example)


def possible(said: Written) -> list[dt.date]:
    """Give the days that a date alone can mean, one to come only where it can mean no other."""
    days = [day for day in (said.ymd, said.mdy, said.dmy) if day]
    return [day for day in days if said.ymd is None or day <= _soon()] or days


def _soon() -> dt.date:
    return dt.datetime.now(dt.UTC).date() + _AHEAD


def _possible(days: pl.DataFrame) -> pl.DataFrame:
    """Take out days to come, where two digits may be a day or a year: 31/12/24 is no day of 2031."""
    short = pl.col("ymd").is_not_null()
    possible = days.with_columns(
        pl.when(short & (pl.col(name) > _soon())).then(None).otherwise(name).alias(name) for name in ORDERS
    )
    return possible.filter(~pl.all_horizontal(pl.col(name).is_null() for name in ORDERS))
