"""Which exchange's calendar a price table follows: told from its symbols, its stamps and its weekends, or asked for."""

import datetime as dt
from typing import NamedTuple

import polars as pl

from engine.calendars import Calendar, calendar
from engine.faults import Fault
from engine.prices.exchanges import EXCHANGES, ROUND_THE_CLOCK, homes_of, named
from engine.prices.findings import Findings
from engine.prices.hours import refuse_other_hours
from engine.prices.order import begins

_NEW_YORK = "XNYS"
# Zones of people who trade in New York; "EST" is a clock without summer time, which some vendors keep.
_AMERICAN = ("America/New_York", "EST", "America/Chicago", "America/Denver", "America/Los_Angeles")
_ZONES = list(dict.fromkeys([*_AMERICAN, *(exchange.zone for exchange in EXCHANGES.values())]))
_OFTEN = 0.15  # a share of rows at weekends: two days of seven, or 0.29, where a market never closes; one of six for currencies
_ODD, _SEVERAL = 0.01, 5  # the share of stamps written in UTC, one of five at least, that may be of a live day
_DAILY_TIMES = 6  # times of day among the stamps of days: their clock's, in summer and winter, and of the live day


def choose_calendar(rows: pl.DataFrame, name: str | None, findings: Findings) -> Calendar:
    """Take the calendar asked for, or the one that symbols, stamps and weekends tell.

    The suffix of a symbol counts first (.L is London), then the clock that the stamps follow, then weekends: a market
    that trades through them never closes. Where nothing speaks, New York is assumed, and said.

    Parameters
    ----------
    rows
        Columns asset, local, instant, open, of all tables together.
    name
        The calendar that the user names; what speaks against it is a warning.

    Raises
    ------
    Fault
        Where two of them contradict each other, or several exchanges keep the clock of the stamps.
    """
    assets = rows["asset"].unique(maintain_order=True)
    homes, unsure = homes_of(assets.to_list())
    if name is not None:
        trading = calendar(name)
        _doubt(rows, trading.name, {asset: home for asset, home in homes.items() if asset not in unsure}, findings)
        return trading
    if unsure:
        raise Fault(
            f"calendar=None cannot be told: {unsure[0]} may be a symbol of {named([homes[unsure[0]]])} or a class of shares in "
            f"New York; name the calendar ({homes[unsure[0]]!r} or {_NEW_YORK!r})."
        )
    plain = [asset for asset in assets if asset not in homes]
    always, shifted = _never_closes(rows, plain)
    exchanges = list(dict.fromkeys([*homes.values(), *([ROUND_THE_CLOCK] if always else [])]))
    if len(exchanges) > 1:
        _refuse_two(homes, always)
    if exchanges == [ROUND_THE_CLOCK]:
        if len(always) + len(homes) < len(assets):
            one = (always or list(homes))[0]
            other = next(asset for asset in plain if asset not in always)
            raise Fault(
                f"calendar=None fits no single calendar: {one} trades at weekends and {other} does not; import them "
                "apart, or name the calendar ('XNYS', '24/7') to leave out what falls outside it."
            )
        return _assumed(ROUND_THE_CLOCK, findings)
    clock = _clock_of(rows)
    if exchanges:
        return _of_symbols(exchanges[0], homes, plain, clock, findings)
    if shifted and clock is None:
        raise Fault(
            f"calendar=None cannot be told: {shifted[0]} trades on five days of the week, at weekends too; name the "
            f"calendar, such as {named(['XTAE', 'XSAU'])}."
        )
    if clock is None:
        refuse_other_hours(rows)
    if clock is None or (clock.codes[:1] == [_NEW_YORK] and not clock.other):
        return _assumed(_NEW_YORK, findings)
    if len(clock.codes) != 1 or clock.other or not clock.written:
        _ask(clock)
    reason = f"the stamps of {clock.asset} follow the clock of {named(clock.codes)}"
    return _told(clock.codes[0], reason, findings)


def _assumed(code: str, findings: Findings) -> Calendar:
    findings.add("note", "calendar_assumed", f"no calendar was named; {code} is assumed.", value=code)
    return calendar(code)


def _told(code: str, reason: str, findings: Findings) -> Calendar:
    findings.add("note", "calendar_told", f"no calendar was named; {reason}, so {code} is taken.", value=code)
    return calendar(code)


def _never_closes(rows: pl.DataFrame, plain: list[str]) -> tuple[list[str], list[str]]:
    """List the assets, among those whose symbols name no exchange, that trade through weekends: (on all days, on five)."""
    day = pl.col("local").dt
    priced = rows.filter(pl.col("open").is_not_null()) if rows["open"].null_count() else rows
    shares = priced.group_by("asset", maintain_order=True).agg(
        weekend=(day.weekday() >= 6).mean(), days=day.weekday().n_unique(), dates=day.date().n_unique()
    )
    often = shares.filter((pl.col("weekend") > _OFTEN) & pl.col("asset").is_in(plain))
    five = (pl.col("days") <= 5) & (pl.col("dates") > 7)
    return often.filter(~five)["asset"].to_list(), often.filter(five)["asset"].to_list()


def _refuse_two(homes: dict[str, str], always: list[str]) -> None:
    """Say which two assets belong to two calendars."""
    one, first = next(iter(homes.items()))
    others = ((asset, f"is a symbol of {named([home])}", home) for asset, home in homes.items() if home != first)
    other, does, second = next(others, (always[0] if always else "", "trades at weekends", ROUND_THE_CLOCK))
    raise Fault(
        f"calendar=None fits no single calendar: {one} is a symbol of {named([first])}, and {other} {does}; import "
        f"them apart, or name the calendar ('{first}', '{second}') to leave out what falls outside it."
    )


def _of_symbols(
    code: str, homes: dict[str, str], plain: list[str], clock: "_Clock | None", findings: Findings
) -> Calendar:
    """Take the exchange of the symbols, unless the stamps or other symbols contradict it."""
    one = next(iter(homes))
    if clock is not None and not clock.fits(code):
        raise Fault(
            f"calendar=None is contradicted: {one} is a symbol of {named([code])}, and the stamps of {clock.asset} "
            f"follow {clock.named()}; name the calendar, such as {code!r}, or correct the stamps."
        )
    if plain and clock is None and code != _NEW_YORK:
        raise Fault(
            f"calendar=None fits no single calendar: {one} is a symbol of {named([code])}, and {plain[0]} names no "
            f"exchange, as symbols of New York do; import them apart, or name the calendar ({code!r})."
        )
    return _told(code, f"{one} is a symbol of {named([code])}", findings)


def _ask(clock: "_Clock") -> None:
    if clock.other:
        cause = f"the stamps of {clock.asset} follow {clock.named()}"
        raise Fault(f"calendar=None fits no single calendar: {cause}; import them apart, or name the calendar.")
    if not clock.codes:
        cause = f"the stamps of {clock.asset} follow {clock.named()}"
        raise Fault(f"calendar=None cannot be told: {cause}; name the calendar, such as 'XNYS' or '24/7'.")
    cause = f"the stamps of {clock.asset} may follow the clock of {named(clock.codes)}"
    raise Fault(f"calendar=None cannot be told: {cause}; name the calendar, such as {clock.codes[0]!r}.")


def _doubt(rows: pl.DataFrame, code: str, homes: dict[str, str], findings: Findings) -> None:
    """Say what speaks against a calendar that was named."""
    for asset, home in homes.items():
        if home != code:
            message = f"the calendar {code} was named, though {asset} is a symbol of {named([home])}."
            findings.add("warning", "calendar_doubted", message, asset=asset, value=home)
            return
    clock = _clock_of(rows) if code in EXCHANGES else None
    if clock is not None and not clock.fits(code):
        message = f"the calendar {code} was named, though the stamps of {clock.asset} follow {clock.named()}."
        findings.add("warning", "calendar_doubted", message, asset=clock.asset, value=code)


class _Clock(NamedTuple):
    """What the stamps of a table tell.

    Attributes
    ----------
    asset
        One whose stamps tell.
    codes
        The exchanges that keep their clock.
    written
        Whether the offsets from UTC are written; otherwise midnights and opens are told from their times in UTC.
    other
        An asset whose stamps follow another clock.
    """

    asset: str
    codes: list[str]
    written: bool
    other: str | None = None

    def fits(self, code: str) -> bool:
        return code in self.codes and self.other is None

    def named(self) -> str:
        clock = f"the clock of {named(self.codes[:4])}" if self.codes else "the clock of no exchange known here"
        return f"{clock}, and those of {self.other} another" if self.other else clock


def _clock_of(rows: pl.DataFrame) -> _Clock | None:
    """Tell which exchanges keep the clock of the stamps.

    Those whose offsets from UTC are the ones written; or, where all is written in UTC, those at whose midnights or
    opens the stamps of days stand. None where nothing tells: stamps without a zone, midnights of UTC, and intraday times
    written in UTC.
    """
    if rows["instant"].null_count() == rows.height:
        return None
    offset = pl.col("local") - pl.col("instant").dt.replace_time_zone(None)
    stamps = rows.select("asset", "instant", offset=offset).drop_nulls("instant")
    if (stamps["offset"] != dt.timedelta(0)).any():
        # One row of each day and offset: whole tables of minutes are looked at in one pass.
        day = pl.col("instant").dt.date()
        apart = (day != day.shift(1)) | (pl.col("offset") != pl.col("offset").shift(1)) | begins()
        stamps, misses, few = stamps.filter(apart.fill_null(True)), _other_offsets, 0
    else:
        if stamps["instant"].head(1000).dt.time().n_unique() > _DAILY_TIMES:
            return None
        misses, few = _other_times, max(int(stamps.height >= _SEVERAL), int(_ODD * stamps.height))
        if int((stamps["instant"].dt.time() != dt.time(0)).sum()) <= few:
            return None
    once = stamps.unique(("instant", "offset"), maintain_order=True)
    keeps = [zone for zone in _ZONES if misses(once, zone) <= few]
    codes = [code for code, exchange in EXCHANGES.items() if exchange.zone in keeps]
    if _NEW_YORK not in codes and any(zone in keeps for zone in _AMERICAN):
        codes.insert(0 if "EST" in keeps else len(codes), _NEW_YORK)
    if misses is _other_times:
        return _Clock(stamps["asset"][0], codes, written=False) if codes else None
    if not codes and stamps["asset"].n_unique() > 1:
        return _of_several(stamps)
    return _Clock(stamps["asset"][0], codes, written=True)


def _of_several(stamps: pl.DataFrame) -> _Clock:
    """Tell the clock of the first asset, and an asset that keeps another."""
    first = stamps["asset"][0]
    one = stamps.filter(pl.col("asset") == first)
    keeps = [zone for zone in _ZONES if _other_offsets(one, zone) == 0]
    codes = [code for code, exchange in EXCHANGES.items() if exchange.zone in keeps]
    if not codes:
        return _Clock(first, codes, written=True)
    strange = stamps["offset"] != _offset_in(stamps["instant"], keeps[0])
    return _Clock(first, codes, written=True, other=stamps["asset"].filter(strange)[0])


def _offset_in(instants: pl.Series, zone: str) -> pl.Series:
    return instants.dt.convert_time_zone(zone).dt.replace_time_zone(None) - instants.dt.replace_time_zone(None)


def _other_offsets(stamps: pl.DataFrame, zone: str) -> int:
    """Count the stamps that are written with another offset than a zone has then."""
    return int((stamps["offset"] != _offset_in(stamps["instant"], zone)).sum())


def _other_times(stamps: pl.DataFrame, zone: str) -> int:
    """Count the stamps that are neither a midnight of a zone nor the open of an exchange there, whichever are fewer."""
    clock = stamps["instant"].dt.convert_time_zone(zone).dt.time()
    opens = [dt.time.fromisoformat(exchange.opens) for exchange in EXCHANGES.values() if exchange.zone == zone]
    return min(int((clock != time).sum()) for time in (dt.time(0), *opens))
