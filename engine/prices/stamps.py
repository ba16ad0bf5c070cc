"""The time stamps of a price table, read as those of every table are, and the findings about them."""

import datetime as dt

import polars as pl

from engine.prices.findings import Findings
from engine.tables.order import OpenDates
from engine.tables.spelling import Order
from engine.tables.stamps import joined, read_stamps


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
    # A bar at the later of two instants would bear prices that were there before. A date needs no instant.
    unsure = stamps.unsure & (stamps.local.dt.time() != dt.time()).fill_null(False)
    unread = stamps.local.is_null() | unsure
    if unread.any():
        findings.add_rows(
            findings.severity_of("unparsable_time"),
            "unparsable_time",
            frame.with_columns(text=given.cast(pl.String), unsure=unsure, source=pl.lit(source)).filter(unread),
            pl.col("text"),
            pl.format(
                "the time {} {}; write 2025-01-31 or 2025-01-31 09:30:00-05:00",
                pl.col("text").fill_null("''"),
                pl.when("unsure").then(pl.lit("may be two instants")).otherwise(pl.lit("cannot be read")),
            ),
        )
    return rest.with_columns(local=stamps.local, instant=stamps.instant).filter(~unread)
