"""Price tables with several tickers side by side -> tables with one row a bar and ticker."""

import ast
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from engine.faults import Fault
from engine.prices.spelling import NUMBERS, PRICES, meaning_of
from engine.tables.table import EMPTY, Table

_JOINTS = re.compile(r"[\s_.:|/-]+")
_NUMBER = re.compile(r"^[-+$(]?[\d.,]+\)?$")
#: Names beside a price that are no ticker's: of what was done to it, and in what it is counted.
_NO_TICKERS = frozenset(
    ("adj", "adjusted", "adjclose", "raw", "unadjusted", "unadj", "mid", "bid", "ask", "avg", "mean", "price", "prices", "px", "last",
     "prev", "previous", "day", "daily", "usd", "eur", "gbp", "jpy", "cny", "usdt", "btc", "eth", "local", "trade", "official")
)  # fmt: skip


class _Column(NamedTuple):
    """What a column holds: a price of a ticker; or, where `ticker` is empty, something that all tickers share."""

    name: str
    ticker: str
    header: str


def stack(table: Table, asset: str | None) -> tuple[Table, bool]:
    """Put tickers that stand side by side beneath each other.

    They are told by headers of two levels, in either order: two or three lines of a text file, as yfinance writes them, or
    names such as "('Close', 'AAPL')", as pandas writes those; else by names such as "Close_AAPL" or "AAPL.Open". A table
    that has the columns of one ticker, or of none, stays as it is.

    Parameters
    ----------
    asset
        The symbol of the table, where the user names it; it takes the place of a single ticker's.

    Returns
    -------
    table
        With the ticker in a column "asset", where there were any.
    stacked
        Whether there were.

    Raises
    ------
    Fault
        A ticker lacks a price, has one twice, or nobody can tell tickers from prices.
    """
    pairs = _two_lines(table)
    if pairs:
        columns = _by_levels(table, pairs)
        table = _without_lines(table, 1)
        first, table = _index_name(table)
        columns = [_Column(table.frame.columns[0], "", first), *columns] if columns else []
    else:
        columns = _by_tuples(table) or _by_joints(table, asset)
    if not columns:
        return table, False
    tickers = list(dict.fromkeys(column.ticker for column in columns if column.ticker))
    if asset is not None and len(tickers) > 1:
        raise Fault(
            f"{table.source}: asset must be left out where the table names its symbols (got {asset!r} beside {', '.join(tickers[:3])})."
        )
    parts, rows = [], []
    for ticker in tickers:
        own = [column for column in columns if column.ticker in ("", ticker)]
        _check(table, ticker, [column.header for column in own])
        part = table.frame.select(pl.col(column.name).alias(column.header) for column in own)
        parts.append(part.with_columns(pl.lit(asset or ticker).alias("asset")))
        rows.append(table.rows)
    frame = pl.concat(parts, how="diagonal_relaxed")
    return replace(table, frame=frame, rows=pl.concat(rows), headers=tuple(frame.columns)), True


def _two_lines(table: Table) -> list[tuple[str, str]]:
    """Give the headers from the second column on, where a second line of them follows: words, and prices in one of the two."""
    if not table.in_lines or table.frame.width < 2 or table.frame.is_empty():
        return []
    first, *below = (str(cell or "").strip() for cell in table.frame.row(0))
    if re.search(r"\d", first) or any(cell.lower() in EMPTY or _NUMBER.match(cell) for cell in below):
        return []
    above = list(table.headers[1:])
    for place in range(1, len(above)):
        above[place] = above[place] or above[place - 1]  # merged cells: only the first is filled
    pairs = [*zip(above, below, strict=True)]
    levels = _price_levels(pairs)
    tickers = {pair[1 - level].lower() for pair in pairs for level in levels}
    return pairs if levels and not tickers <= _NO_TICKERS else []


def _without_lines(table: Table, count: int) -> Table:
    return replace(table, frame=table.frame.slice(count), rows=table.rows.slice(count))


def _index_name(table: Table) -> tuple[str, Table]:
    """Give the name of the first column, which may stand in a line of its own beneath the headers."""
    if table.frame.height:
        name, *others = (str(cell or "").strip() for cell in table.frame.row(0))
        if name and not any(others) and not re.match(r"\d", name):
            return name, _without_lines(table, 1)
    return "Date", table


def _has_prices(names: Iterable[str]) -> bool:
    return {meaning_of(name) for name in names} >= set(PRICES)


def _price_levels(pairs: list[tuple[str, str]]) -> list[int]:
    """Give the levels of headers that may be the one of prices: every price is there, or else nothing but prices."""
    levels = [[pair[level] for pair in pairs] for level in (0, 1)]
    full = [level for level, names in enumerate(levels) if _has_prices(names)]
    return full or [level for level, names in enumerate(levels) if all(meaning_of(name) in NUMBERS for name in names)]


def _by_levels(table: Table, pairs: list[tuple[str, str]]) -> list[_Column]:
    """Tell which of two levels of headers holds the prices; columns from the second on."""
    levels = _price_levels(pairs)
    if len(levels) > 1:
        raise Fault(
            f"{table.source}: one line of its headers must hold prices and the other tickers (got {', '.join(pairs[0])} and more "
            "that may be either); write one row a bar, with a column of symbols."
        )
    if not levels:
        return []
    level = levels[0]
    names = table.frame.columns[1:] if len(pairs) < table.frame.width else table.frame.columns
    return [_Column(name, pair[1 - level], pair[level]) for name, pair in zip(names, pairs, strict=True)]


def _by_tuples(table: Table) -> list[_Column]:
    """Take names such as "('Close', 'AAPL')"."""
    parts = [_parts(header) for header in table.headers]
    pairs = {place: part for place, part in enumerate(parts) if len(part) == 2}
    if not pairs:
        return []
    chosen = table.frame.select(table.frame.columns[place] for place in pairs)
    listed = _by_levels(replace(table, frame=chosen), [(first, second) for first, second in pairs.values()])
    shared = [place for place in range(len(parts)) if place not in pairs]
    return [*(_Column(table.frame.columns[p], "", parts[p][0]) for p in shared), *listed] if listed else []


def _parts(header: str) -> tuple[str, ...]:
    """Give the levels of a header that is the text of a tuple, without empty ones."""
    if header.startswith("(") and header.endswith(")"):
        try:
            found = ast.literal_eval(header)
        except (ValueError, SyntaxError):
            return (header,)
        if isinstance(found, tuple):
            named = tuple(str(part) for part in found if str(part).strip())
            return named or (header,)
    return (header,)


def _by_joints(table: Table, asset: str | None) -> list[_Column]:
    """Take names such as "Close_AAPL" or "AAPL.Open", where all tickers that they name have every price."""
    if _has_prices(table.headers):
        return []
    found = []
    for price_first in (True, False):
        split = [_split(header, price_first) for header in table.headers]
        prices: dict[str, set[str]] = {}
        for ticker, header in split:
            if ticker:
                prices.setdefault(ticker, set()).add(meaning_of(header) or "")
        full = [ticker for ticker, has in prices.items() if has >= set(PRICES)]
        if full and (len(full) > 1 or asset is not None or _is_ticker(full[0])):
            columns = zip(table.frame.columns, split, table.headers, strict=True)
            found.append([_Column(name, *(pair if pair[0] else ("", header))) for name, pair, header in columns])
    if len(found) > 1:
        raise Fault(
            f"{table.source}: the names of its columns must tell tickers from prices (got {', '.join(table.headers[:4])}); write one "
            "row a bar, with a column of symbols."
        )
    return found[0] if found else []


def _split(header: str, price_first: bool) -> tuple[str, str]:
    """Part a name into ticker and price, the longest price that it can be; ("", "") where it is none."""
    joints = list(_JOINTS.finditer(header))
    for joint in reversed(joints) if price_first else joints:
        left, right = header[: joint.start()], header[joint.end() :]
        price, ticker = (left, right) if price_first else (right, left)
        if ticker and (meaning := meaning_of(price)) and meaning not in ("stamp", "clock", "asset") and len(price) > 1:
            return ticker, price
    return "", ""


def _is_ticker(name: str) -> bool:
    """Tell a ticker from another word; a single one in front of every price may be either."""
    return name.upper() == name and name.lower() not in _NO_TICKERS


def _check(table: Table, ticker: str, headers: list[str]) -> None:
    meanings = [meaning_of(header) for header in headers]
    missing = [name for name in PRICES if name not in meanings]
    if missing:
        raise Fault(
            f"{table.source}: {ticker} must have open, high, low and close (got {', '.join(headers)}); add {', '.join(missing)}, or leave "
            f"{ticker} out."
        )
    twice = next((header for place, header in enumerate(headers) if header in headers[:place]), None)
    if twice is not None:
        raise Fault(f"{table.source}: {ticker} has two columns {twice!r}; leave one of them out.")
