"""The time stamps of a price table, read as those of every table are, and the findings about them."""

import datetime as dt

import polars as pl

from engine.prices.findings import Findings
from engine.tables.order import OpenDates
from engine.tables.spelling import Order
from engine.tables.stamps import Stamps, joined, read_stamps


def parse_stamps(
    frame: pl.DataFrame, source: str, timezone: str | None, findings: Findings, dates: Order | None = None
) -> pl.DataFrame:
    """Read the stamps of one table.

    Parameters
    ----------
    frame
        With column `stamp` (dates, datetimes, texts, or numbers counted from 1970), and `clock` where the time of day
        has a column of its own.
    timezone
        The time zone of stamps that name none.
    dates
        The order of dates such as 01/02/2025, where they leave it open.

    Returns
    -------
    polars.DataFrame
        With `local` (datetime without zone: the stamp as it was written) and `instant` (datetime UTC; null where the
        zone is not known) in place of `stamp`, and without the rows whose stamp cannot be read.
    """
    given = joined(frame["stamp"], frame["clock"]) if "clock" in frame.columns else frame["stamp"]
    rest = frame.drop("stamp", "clock", strict=False)
    try:
        # Whether midnights are days is told later, of all tables together, and on the exchange's clock.
        stamps = read_stamps(given, what="date", source=source, zone=timezone, order=dates, tell_days=False)
    except OpenDates as fault:
        findings.add("fatal", "ambiguous_date", fault.reason, source=source, value=fault.value)
        findings.stop_if_fatal()
        raise
    for note in stamps.notes:
        findings.add("note", "date_order", note, source=source)
    unread = stamps.local.is_null() | _unsure(stamps, timezone)
    if unread.any():
        findings.add_rows(
            findings.severity_of("unparsable_time"),
            "unparsable_time",
            frame.with_columns(text=given.cast(pl.String), source=pl.lit(source)).filter(unread),
            pl.col("text"),
            pl.format(
                "the time {} cannot be read; write 2025-01-31 or 2025-01-31 09:30:00-05:00",
                pl.col("text").fill_null("''"),
            ),
        )
    return rest.with_columns(local=stamps.local, instant=stamps.instant).filter(~unread)


def _unsure(stamps: Stamps, timezone: str | None) -> pl.Series:
    """Tell times that the zone's clock shows twice, or skips: a bar at the later of two hours would stand on another bar."""
    if timezone is None or timezone[0] in "+-":
        return pl.repeat(False, len(stamps.local), eager=True)
    placed = stamps.local.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null")
    # A date needs no instant, so a midnight that a change of the clocks skips is no fault.
    return placed.is_null() & (stamps.zone == "") & (stamps.local.dt.time() != dt.time()).fill_null(False)
