"""Month first or day first: what a whole column says of dates such as 01/02/2025."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from engine.faults import Fault
from engine.tables.spelling import ORDERS, Order

_WORDS: Final = {"ymd": "year first", "mdy": "month first", "dmy": "day first"}

_AHEAD: Final = dt.timedelta(days=31)


class OpenDates(Fault):
    """Dates of a column that may be month first or day first, while nobody says which; `value` is one of them."""

    def __init__(self, message: str, value: str) -> None:
        super().__init__(message)
        self.value = value


def check_order(order: str | None) -> None:
    """Raise a Fault where `order` is none of ymd, mdy, dmy."""
    if order is not None and order not in ORDERS:
        raise Fault(f"dates must be one of {', '.join(ORDERS)} (got {order!r}); give one, or leave it out.")


def decide_order(
    days: pl.DataFrame, text: pl.Series, where: str, *, order: Order | None, zone: str | None, language: str | None
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
    where
        How messages call the column.

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
    differs = days.select(
        ~pl.col("mdy").eq_missing(pl.col("dmy")) | ~pl.col("ymd").eq_missing(pl.col("dmy"))
    ).to_series()
    if not differs.any():
        return "ymd", ""
    unsure = _possible(days.filter(differs))
    shown = text.filter(differs).cast(pl.String)
    left = [name for name in ORDERS if not unsure[name].has_nulls()]
    if order is not None:
        if order not in left:
            against = shown.filter(unsure[order].is_null())[0]
            raise OpenDates(
                f"{where} must be {_WORDS[order]} as dates={order!r} says (got {against!r}); correct it.", against
            )
        return order, ""
    if not left:
        pair = [shown.filter(unsure[name].is_null())[0] for name in ("dmy", "mdy")]
        raise OpenDates(
            f"{where} must hold dates of one order (got {pair[0]!r} and {pair[1]!r}); write them as 2025-01-31.",
            pair[0],
        )
    open_ = unsure.select((pl.col(left[0]) != pl.col(name)).alias(name) for name in left[1:])
    if not open_.width or not open_.select(pl.any_horizontal(pl.all()).any()).item():
        return left[0], ""
    european = (language or "").startswith("fr") or (zone or "").startswith("Europe/")
    if european and "dmy" in left:
        return (
            "dmy",
            f"{where} holds dates such as {shown[0]}; they are read day first, as in the source's {'language' if language else 'zone'}.",
        )
    row = int(open_.select(pl.any_horizontal(pl.all()).arg_true())[0, 0])
    example, both = shown[row], " or ".join(str(unsure[name][row]) for name in left)
    flags = " or ".join(f"--dates {name}" for name in left)
    raise OpenDates(
        f"{where} must hold dates of one order (got {example!r}, which is {both}); say which by {flags}.", example
    )


def _possible(days: pl.DataFrame) -> pl.DataFrame:
    """Take out days to come, where two digits may be a day or a year: 31/12/24 is no day of 2031."""
    latest = dt.datetime.now(dt.UTC).date() + _AHEAD
    short = pl.col("ymd").is_not_null()
    return days.with_columns(
        pl.when(short & (pl.col(name) > latest)).then(None).otherwise(name).alias(name) for name in ORDERS
    )
