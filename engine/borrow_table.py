"""Tables of borrow rates: asset, session, yearly rate; read, checked, laid out for a market."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.faults import Fault, note
from engine.legible import numeral
from engine.tables.columns import ASSET, SESSION, days, numbers, pick, refuse, symbols
from engine.tables.frames import to_table
from engine.tables.names import refuse_misspelled, tell_unknown
from engine.tables.table import Decimal, Style, Tabular

if TYPE_CHECKING:
    from engine.market import Market
    from engine.tables.spelling import Order

_COLUMNS = {
    "asset": ASSET,
    "session": SESSION,
    "rate": ("rate", "borrowrate", "fee", "feerate", "borrowfee", "annualrate", "yearlyrate"),
}
_MOST = 1000.0
_ALLOWED = f"a yearly rate from 0 to {_MOST:,.0f}, such as 0.36 for 36 %"
#: Lenders rarely ask for more: a rate above it is more often a percentage.
_PLAUSIBLE = 3.0


def read_borrow(
    given: Tabular, *, dates: Order | None = None, decimal: Decimal | None = None, name: str = "borrow"
) -> pl.DataFrame:
    """Read a table of borrow rates.

    Parameters
    ----------
    given
        A table in any form, or the path of one, as `engine.tables.frames.to_table` takes it, with the columns asset, session
        (a day) and rate: the yearly borrow rate from that session on. Symbol and ticker, date, and fee are known, too,
        and a unit in the header: a rate (%) or rate_bps is divided by 100 or 10,000.
    dates, decimal
        How its texts are written, where they leave it open: "dmy", "mdy" or "ymd"; "." or ",".
    name
        What messages call it.

    Returns
    -------
    polars.DataFrame
        asset (str), session (date) and rate (float64), in the order that was given.

    Raises
    ------
    Fault
        For what is no such table, with the row.
    """
    table = to_table(given, name, Style(dates, decimal))
    frame, units = pick(table, _COLUMNS, tuple(_COLUMNS), shares=("rate",))
    frame = numbers(table, frame, {"rate": _ALLOWED}, units)
    frame = frame.with_columns(symbols(table, frame["asset"]), days(table, frame["session"])).select(list(_COLUMNS))
    refuse(table, frame["rate"], ~frame["rate"].is_between(0.0, _MOST), _ALLOWED)
    again = ~frame.select(pl.struct("asset", "session").is_first_distinct()).to_series()
    if again.any():
        row = int(again.arg_true()[0])
        asset, session, _ = frame.row(row)
        raise Fault(
            f"{table.at(row)}: {asset} must have one rate from {session} on (got another before); leave one out."
        )
    return frame


def check_against(rates: pl.DataFrame, market: Market) -> None:
    """Refuse names that are an asset's but for their spelling, and tell the user of what else does nothing, or is odd.

    Parameters
    ----------
    rates
        As `read_borrow` gives them.

    Raises
    ------
    Fault
        For a name that the market has in another spelling.
    """
    named = rates["asset"].unique(maintain_order=True).to_list()
    refuse_misspelled(named, market.assets, "borrow")
    tell_unknown(named, market.assets, "borrow", "the account's borrow_rate holds throughout")
    late = rates.filter(pl.col("asset").is_in(market.assets), pl.col("session") > market.sessions[-1].item())
    if late.height:
        asset, session, _ = late.row(0)
        note(
            f"borrow has {late.height:,} {'rate that begins' if late.height == 1 else 'rates that begin'} after the market's last session, "
            f"{market.sessions[-1]} (the first: {asset}, {session}); they are not used."
        )
    high = rates.filter(pl.col("rate") > _PLAUSIBLE)
    if high.height:
        asset, session, rate = high.row(0)
        note(
            f"borrow has the rate {numeral(rate)} for {asset} from {session} on, which is {rate:.0%} a year (rows above {_PLAUSIBLE:.0%}: "
            f"{high.height:,}); write {numeral(rate / 100)} where {numeral(rate)} % is meant."
        )


def rates_of(market: Market, rates: pl.DataFrame | None, otherwise: float) -> npt.NDArray[np.float64]:
    """Lay rates out for a market: (asset, bar) yearly, or (asset, 1) where they never change.

    Parameters
    ----------
    rates
        As `read_borrow` gives them.
    otherwise
        The rate of assets and bars that have none there.
    """
    if rates is None:
        return np.full((len(market.assets), 1), otherwise, np.float64)
    out = np.full((len(market.assets), market.sessions.size), otherwise, np.float64)
    for (asset,), rows in rates.sort("session").group_by(["asset"], maintain_order=True):
        if asset in market.assets:
            since = rows["session"].to_numpy().astype("datetime64[D]")
            place = np.searchsorted(since, market.sessions, side="right") - 1
            given = np.where(place >= 0, rows["rate"].to_numpy()[np.maximum(place, 0)], otherwise)
            out[market.assets.index(str(asset))] = given
    return out
