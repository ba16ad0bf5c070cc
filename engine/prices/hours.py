"""Whether intraday bars that are written in UTC keep the hours of another exchange than New York."""

import datetime as dt

import polars as pl

from engine.faults import Fault
from engine.prices.exchanges import EXCHANGES, named
from engine.prices.order import begins

_NEW_YORK = "XNYS"
_CLOSE = dt.time(16)  # of New York
_NIGHT = dt.timedelta(
    hours=5
)  # longer than any lunch break, shorter than from New York's last evening bar to its first
_SESSION = (dt.timedelta(hours=3), dt.timedelta(hours=9))  # from the first bar of a session to the last, anywhere
_LISTED = 8  # exchanges in a message; the others keep the same hours
_DAYS = 3  # that show a habit
_MOSTLY = 0.6  # of the days; a thin share may trade later than at the open


def refuse_other_hours(rows: pl.DataFrame) -> None:
    """Ask for the calendar of intraday bars that begin at another exchange's open day by day, and not at New York's.

    Parameters
    ----------
    rows
        Columns asset, local, instant, of all tables together. Only those written in UTC are looked at.

    Raises
    ------
    Fault
        With the exchanges that come into question.
    """
    stamps = rows.select("asset", "local", "instant").drop_nulls("instant")
    days = _days(stamps.filter(pl.col("local") == pl.col("instant").dt.replace_time_zone(None)))
    known = days.group_by("asset").agg(here=_in_new_york().mean(), count=pl.len())
    strange = known.filter((pl.col("count") >= _DAYS) & (pl.col("here") < 1 - _MOSTLY))["asset"]
    days = days.filter(pl.col("asset").is_in(strange.implode()))
    if days.is_empty():
        return
    shares = days.group_by("asset").agg(_at_open(code).mean().alias(code) for code in EXCHANGES if code != _NEW_YORK)
    for share in shares.sort("asset").iter_rows(named=True):
        asset = share.pop("asset")
        codes = [code for code, mean in share.items() if mean >= _MOSTLY]
        if codes:
            more = f", as of {len(codes) - _LISTED} others," if len(codes) > _LISTED else ""
            raise Fault(
                f"calendar=None cannot be told: the bars of {asset} begin each day at the open of {named(codes[:_LISTED])}{more} "
                f"and not at that of New York; name the calendar, such as {codes[0]!r}."
            )


def _days(stamps: pl.DataFrame) -> pl.DataFrame:
    """Give the first bar, the second and the last, of each stretch without a night: asset, first, second, last.

    Only stretches as long as a session of any exchange; rows may rise or fall in time.
    """
    gap = pl.col("instant").diff().abs()
    stamps = stamps.with_columns(starts=(begins() | (gap > _NIGHT)).fill_null(True))
    ends = pl.col("starts").shift(-1, fill_value=True)
    edges = stamps.with_columns(ends=ends, after=pl.col("instant").shift(-1), before=pl.col("instant").shift(1)).filter(
        pl.col("starts") | pl.col("ends")
    )
    pairs = edges.with_columns(last=pl.col("instant").shift(-1), previous=pl.col("before").shift(-1)).filter(
        pl.col("starts") & ~pl.col("ends")
    )
    rises = pl.col("last") >= pl.col("instant")
    return pairs.select(
        "asset",
        first=pl.min_horizontal("instant", "last"),
        second=pl.when(rises).then("after").otherwise("previous"),
        last=pl.max_horizontal("instant", "last"),
    ).filter((pl.col("last") - pl.col("first")).is_between(*_SESSION))


def _at_open(code: str) -> pl.Expr:
    """Tell the days whose first bar begins at the open of an exchange."""
    exchange = EXCHANGES[code]
    return pl.col("first").dt.convert_time_zone(exchange.zone).dt.time() == dt.time.fromisoformat(exchange.opens)


def _in_new_york() -> pl.Expr:
    """Tell the days that begin with the bar of New York's open, which may span it, or last from before it beyond the close."""
    exchange = EXCHANGES[_NEW_YORK]
    opens = dt.time.fromisoformat(exchange.opens)
    first, second, last = (
        pl.col(name).dt.convert_time_zone(exchange.zone).dt.time() for name in ("first", "second", "last")
    )
    return (first <= opens) & ((second > opens) | (last >= _CLOSE))
