"""Columns of dates and times, however they are spelled -> the days and instants that were meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from engine.faults import Fault
from engine.tables.spelling import DAY, ORDERS, Order, plain, read_one
from engine.tables.zones import Readings, latest, readings, zone_info

LOCAL: Final = pl.Datetime("us")
UTC: Final = pl.Datetime("us", "UTC")
_EMPTY: Final = ("", "null", "none", "nan", "na", "n/a", "#n/a", "-", "nat", "<na>")
_CLOCK: Final = (
    r"^(?<day>.*?\d)(?:[ T]|, )+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?"
    r"\s*(?<half>[AaPp][Mm])?\s*(?<zone>[^\d:.,].*)?$"
)
_TICK: Final = dt.timedelta(microseconds=1)


class OpenDates(Fault):
    """Dates of a column that may be month first or day first, and nobody says which."""


@dataclass(frozen=True, eq=False)
class Stamps:
    """What a column of dates and times says; all of its length.

    Attributes
    ----------
    local
        datetime[us], as it was written, without its zone; a day is its midnight; null where there is none, or it is not understood.
    instant
        datetime[us, UTC]: `local` in the zone it was written with, else in that of the source; null where neither is known.
    is_day
        bool: a day, which says no time of day.
    known
        datetime[us, UTC]: when what bears the stamp was out for sure: `instant`, and for a day its last microsecond.
    zone
        str: the words of the zone as written, folded; "" where there are none.
    unread
        bool: something is written and is not understood.
    notes
        What was decided about the whole column, a sentence each.
    """

    local: pl.Series
    instant: pl.Series
    is_day: pl.Series
    known: pl.Series
    zone: pl.Series
    unread: pl.Series
    notes: tuple[str, ...]


def read_stamps(
    column: pl.Series,
    *,
    what: str,
    source: str,
    zone: str | None = None,
    order: Order | None = None,
    language: str | None = None,
) -> Stamps:
    """Read a column of dates or times.

    Dates such as 01/02/2025 are read in the order that the whole column allows, else in `order`, else in that of the
    source's language or zone. A column that is midnight throughout is one of days. A time that can be two instants (a clock
    that is set back, CST) is the later.

    Parameters
    ----------
    column
        Texts, dates, datetimes, or numbers: 20250127, 20250127143000, or seconds to nanoseconds since 1970.
    what, source
        How a message calls the column and the table.
    zone
        The source's own time zone, an IANA name or an offset: that of stamps that name none.
    order
        What the user says of dates such as 01/02/2025.
    language
        The language of the source, such as "fr", "zh-Hans".

    Raises
    ------
    OpenDates
        The order of the dates stays open, or they contradict one another or `order`.
    Fault
        The column is of a type that holds no times, or `zone` is not known.
    """
    raise NotImplementedError


def days_of(
    column: pl.Series, *, what: str, source: str, order: Order | None = None, language: str | None = None
) -> pl.Series:
    """Read a column of days (sessions, ex-dates): Date; null where nothing is written.

    Raises
    ------
    Fault
        A text is no date, or says a time of day that is not midnight.
    """
    raise NotImplementedError


def instants_of(
    column: pl.Series, *, what: str, source: str, zone: str | None = None, order: Order | None = None, language: str | None = None
) -> pl.Series:
    """Read a column of instants: datetime[us, UTC]; a day counts as its last microsecond in its zone; null where nothing is written.

    Raises
    ------
    Fault
        A text is no time, or neither it nor `zone` says a time zone.
    """
    raise NotImplementedError
