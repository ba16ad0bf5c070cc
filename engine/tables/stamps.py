"""Columns of dates and times, however they are spelled -> the days and instants that were meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import polars as pl

from engine.tables.order import decide_order
from engine.tables.spelling import Order
from engine.tables.written import LOCAL, UTC, Spelled, is_written, mapped, same, spelled
from engine.tables.zones import check_zone, earliest, latest, readings, zone_info

_TICK: Final = dt.timedelta(microseconds=1)
_ONE_DAY: Final = dt.timedelta(days=1)
# An instant falls on midnight once in 1,440 minutes: more than a tenth of twenty are days among instants, or bars of hours.
_SHARE, _MANY = 0.1, 20
_AS_WRITTEN: Final = ("", "written")


@dataclass(frozen=True)
class Decision:
    """What only a whole column can tell of each of its stamps.

    Attributes
    ----------
    order
        How dates such as 01/02/2025 are read.
    midnights
        Whether a midnight stands for its day, for the column is midnight throughout: as "written", or the zone on whose clock
        it is; else "".
    notes
        The same in words, a sentence each.
    """

    order: Order = "ymd"
    midnights: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Stamps:
    """What a column of dates and times says; each series is of its length.

    Attributes
    ----------
    local
        datetime[us], as it was written, without its zone; a day is its midnight; null where nothing is written, or it is
        not understood.
    instant
        datetime[us, UTC]: `local` in the zone it was written with, else in that of the source; null where neither is known.
    is_day
        bool: a day, which says no time of day.
    zone
        str: the words of the zone as written, folded; "" where there are none.
    unread
        bool: something is written and is not understood.
    decision
        What was decided about the column as a whole.
    """

    local: pl.Series
    instant: pl.Series
    is_day: pl.Series
    zone: pl.Series
    unread: pl.Series
    decision: Decision
    _given: pl.Series
    _zones: pl.Series
    _source_zone: str | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the column as a whole, a sentence each."""
        return self.decision.notes

    @cached_property
    def known(self) -> pl.Series:
        """When what bears the stamp was out for sure, datetime[us, UTC]: `instant`, and for a day its last microsecond."""
        if not self.is_day.any():
            return self.instant
        after, zones = self.local.filter(self.is_day) + _ONE_DAY, self._zones.filter(self.is_day)
        ends = _instants(after, zones)
        if self._source_zone is not None:  # of two zones that a day may be counted in, the one in which it ends later
            own = _instants(after, same(self._source_zone, len(after)))
            ends = pl.select(pl.max_horizontal(ends, own)).to_series()
        return self.instant.clone().scatter(self.is_day.arg_true(), ends - _TICK)

    @cached_property
    def unsure(self) -> pl.Series:
        """Where a time may be an earlier instant as well (bool): a clock that is set back or forward, EST in summer, CST."""
        typed = isinstance(self._given.dtype, pl.Datetime) and self._given.dtype.time_zone is not None
        offsets = all(
            not names or (names[0] in "+-" and " " not in names) for names in self._zones.unique().drop_nulls()
        )
        if typed or offsets:
            return pl.repeat(False, len(self.local), eager=True)
        return (_instants(self.local, self._zones, last=False) < self.instant).fill_null(False)

    @property
    def texts(self) -> pl.Series:
        """Every stamp in one spelling, str: 2025-01-27, or 2025-01-27 09:30:00.000000, with its zone; what is unread as it was."""
        local, zone = self.local, self.zone.replace(dict.fromkeys(("z", "utc", "gmt"), "+00:00"))
        if isinstance(self._given.dtype, pl.Datetime) and self._given.dtype.time_zone is not None:
            local = local.zip_with(self.is_day, self.instant.dt.replace_time_zone(None))
            zone = zone.zip_with(self.is_day, same("+00:00", len(zone)))
        if self.decision.midnights not in _AS_WRITTEN:
            own = self.decision.midnights == self._source_zone
            zone = same("" if own else self.decision.midnights.lower(), len(zone))
        frame = pl.DataFrame({"local": local, "zone": zone, "is_day": self.is_day})
        time = pl.col("local").dt.to_string("%Y-%m-%d %H:%M:%S%.6f")
        close = ~pl.col("is_day") & pl.col("zone").str.contains(r"^[+-]\d\d:\d\d$")
        blank = pl.when((pl.col("zone") == "") | close).then(pl.lit("")).otherwise(pl.lit(" "))
        spelled = pl.when("is_day").then(time.str.slice(0, 10)).otherwise(time) + blank + pl.col("zone")
        text = frame.select(spelled.alias(self.local.name)).to_series()
        return text.zip_with(~self.unread, self._given.cast(pl.String)) if self.unread.any() else text


def read_stamps(
    column: pl.Series,
    *,
    what: str,
    source: str,
    zone: str | None = None,
    order: Order | None = None,
    language: str | None = None,
    tell_days: bool = True,
    decision: Decision | None = None,
    homes: Sequence[str] = (),
) -> Stamps:
    """Read a column of dates or times.

    A column that is midnight throughout is one of days. A time that may be two instants (a clock that is set back, an
    abbreviation of two zones) is the later; one beside which stand unknown words is not read.

    Parameters
    ----------
    column
        Texts, dates, datetimes, or numbers: 20250127, 20250127143000, or seconds to nanoseconds since 1970.
    what, source
        How a message calls the column and the table.
    zone
        The source's own time zone, an IANA name or an offset: that of stamps that name none.
    order
        How the user reads dates such as 01/02/2025, where the column leaves it open.
    language
        The language of the source, such as "fr" or "zh-Hans".
    tell_days
        False: a midnight is an instant, also where the column is midnight throughout; for what tells days by other means.
    decision
        That of the whole column, where `column` is a part of it.
    homes
        Zones in which a source without a zone may count its days: instants that are midnight there throughout, on two days or
        more, are days.

    Raises
    ------
    OpenDates
        The order of the dates stays open, or they contradict one another or `order`.
    Fault
        The column is of a type that holds no times, or `zone` is not known.

    Examples
    --------
    >>> stamps = read_stamps(pl.Series(["27/01/2025 9:30 ET", "02/03/2025"]), what="date", source="news", zone="Europe/Paris")
    >>> [known.isoformat() for known in stamps.known]
    ['2025-01-27T14:30:00+00:00', '2025-03-02T22:59:59.999999+00:00']
    """
    check_zone(zone, f"{source}: the zone of column {what!r}")
    read = spelled(column, what, source)
    decision = decision or _decide(read, column, what, source, zone, order, language, tell_days, homes)
    timed = read.clock.is_not_null()
    local, zones, instant = _placed(read, decision.order, zone, language)
    if decision.midnights not in _AS_WRITTEN:
        moved = timed & (read.zone != "")
        local = local.zip_with(~moved, _wall(instant, decision.midnights))
        zones = zones.zip_with(~moved, same(decision.midnights, len(zones)))
    lost = local.is_null()
    is_day = ~lost if decision.midnights else ~lost & ~timed
    unread = lost & is_written(column) if lost.any() else lost
    return Stamps(local, instant, is_day, read.zone, unread, decision, column, zones, zone)


def joined(day: pl.Series, clock: pl.Series) -> pl.Series:
    """Join a column of dates and one of times of day, such as Stooq's 20250131 and 153000, to one of texts; null without a date."""
    date = day.dt.date() if isinstance(day.dtype, pl.Datetime) else day
    time = clock.cast(pl.String).str.strip_chars()
    time = time.str.replace(r"^(\d{1,2})(\d{2})(\d{2})(?:\.0)?$", "${1}:${2}:${3}")
    time = time.str.replace(r"^(\d{1,2})(\d{2})(?:\.0)?$", "${1}:${2}").fill_null("")
    text = date.cast(pl.String).str.strip_chars().str.replace(r"[ T]00:00(:00(\.0+)?)?$", "")
    return pl.select(pl.concat_str(text, time, separator=" ").str.strip_chars_end()).to_series().alias(day.name)


def _decide(
    read: Spelled,
    column: pl.Series,
    what: str,
    source: str,
    zone: str | None,
    order: Order | None,
    language: str | None,
    tell_days: bool,
    homes: Sequence[str],
) -> Decision:
    chosen, note = decide_order(read.days, column, what, source, order=order, zone=zone, language=language)
    notes = [note] if note else []
    midnights = ""
    if tell_days and (times := len(read.clock) - read.clock.null_count()):
        at_midnight = int((read.clock == 0).sum())
        midnights = "written" if at_midnight == times else _midnights_in_zone(read, chosen, zone, language, homes)
        if not midnights and times >= _MANY and at_midnight > _SHARE * times:
            notes.append(
                f"column {what!r} has {at_midnight:,} of {times:,} times at midnight; they are taken for instants, so write days "
                "without a time."
            )
    if midnights:
        where = "" if midnights in (*_AS_WRITTEN, zone) else f" in {midnights}"
        notes.append(
            f"column {what!r} is midnight throughout{where}; its stamps are taken for days, and a day counts as its end."
        )
    return Decision(chosen, midnights, tuple(notes))


def _midnights_in_zone(
    read: Spelled, order: Order, zone: str | None, language: str | None, homes: Sequence[str]
) -> str:
    """Give the zone on whose clock instants with zones of their own are all midnight: that of the source, else one of its homes."""
    timed = read.clock.is_not_null()
    if not (zone or homes) or (read.zone.filter(timed) == "").any():
        return ""
    _, _, instant = _placed(read, order, zone, language)
    instant = instant.filter(timed).drop_nulls()
    for name in (zone,) if zone else homes:
        wall = _wall(instant, name)
        if (wall.dt.time() == dt.time()).all() and (zone or wall.n_unique() > 1):
            return name
    return ""


# ---------------------------------------------------------------------------------------------------------------- zones


def _placed(
    read: Spelled, order: Order, zone: str | None, language: str | None
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Give the local time of each row, the zones that it can be in (parted by blanks; "" for none), and its latest instant."""

    def meant(words: str) -> tuple[str | None]:
        named = readings(words, zone=zone, language=language)
        return (None if named is None else " ".join(named) or zone or "",)

    zones = mapped(read.zone, meant, {"zones": pl.String})["zones"]
    local = read.day(order).cast(LOCAL)
    if read.clock.null_count() < len(local):
        local += read.clock.fill_null(0).cast(pl.Duration("us"))
    if zones.null_count():
        local = local.set(zones.is_null(), None)
    return local, zones, _instants(local, zones) if read.exact is None else read.exact


def _instants(local: pl.Series, zones: pl.Series, *, last: bool = True) -> pl.Series:
    """Give the latest instant that each local time can be in its zones, or the earliest; null where it has none."""
    named = zones.unique()
    if len(named) == 1 and named[0]:
        return _in_zones(local, named[0], last)
    out = pl.repeat(None, len(local), dtype=UTC, eager=True)
    for names in named:
        if names:
            rows = (zones == names).fill_null(False)
            out = out.scatter(rows.arg_true(), _in_zones(local.filter(rows), names, last))
    return out


def _in_zones(local: pl.Series, names: str, last: bool) -> pl.Series:
    at = [_in_one(local, name, last) for name in names.split()]
    if len(at) == 1:
        return at[0]
    return pl.select(pl.max_horizontal(at) if last else pl.min_horizontal(at)).to_series()


def _in_one(local: pl.Series, zone: str, last: bool) -> pl.Series:
    if zone[0] in "+-":
        return (local - _offset(zone)).dt.replace_time_zone("UTC")
    twice: Literal["latest", "earliest"] = "latest" if last else "earliest"
    there = local.dt.replace_time_zone(zone, ambiguous=twice, non_existent="null").dt.convert_time_zone("UTC")
    skipped = (there.is_null() & local.is_not_null()).arg_true()
    if not len(skipped):
        return there
    pick = latest if last else earliest
    return there.scatter(skipped, [pick(at, (zone,)) for at in local.gather(skipped)])


def _wall(instant: pl.Series, zone: str) -> pl.Series:
    """Give what the clocks of a zone show at each instant."""
    if zone[0] in "+-":
        return instant.dt.replace_time_zone(None) + _offset(zone)
    return instant.dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _offset(zone: str) -> dt.timedelta:
    return zone_info(zone).utcoffset(None) or dt.timedelta(0)
