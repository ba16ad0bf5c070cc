"""The usual spellings of a price table's headers and numbers."""

import polars as pl

from engine.faults import Fault
from engine.prices.findings import Findings, Severity
from engine.tables.columns import plain_header
from engine.tables.decimals import assumed_decimal, read_numbers
from engine.tables.table import Table
from engine.tables.units import MONEY, split_unit

PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume", "adj_close", "dividend", "split")

# Spellings without case, blanks and signs; where a table has several for one meaning, the first here is taken.
_ALIASES = {
    "stamp": (
        "datetime", "timestamp", "date", "session", "day", "tradedate", "tradingdate", "tradingday", "ts", "t", "dt",
        "opentime", "datetimeutc", "dateutc", "timestamputc", "unixtime", "epoch", "index", "level0", "unnamed0", "indexlevel0", "",
    ),
    "clock": ("time", "timeutc"),
    "asset": ("asset", "symbol", "ticker", "tic", "instrument", "ric", "code", "stock", "pair", "underlying", "name"),
    "open": ("open", "openprice", "pxopen", "o"),
    "high": ("high", "highprice", "pxhigh", "h"),
    "low": ("low", "lowprice", "pxlow", "l"),
    "close": ("close", "closeprice", "closelast", "pxlast", "last", "lastprice", "price", "c"),
    "volume": ("volume", "vol", "pxvolume", "sharevolume", "tradevolume", "v"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjclosingprice"),
    "dividend": ("dividend", "dividends", "divcash", "cashdividend", "dividendamount", "div"),
    "split": ("split", "splits", "stocksplits", "splitfactor", "splitcoefficient", "splitratio", "stocksplit"),
}  # fmt: skip
_MEANINGS = {name: meaning for meaning, names in _ALIASES.items() for name in names}


def meaning_of(header: str) -> str | None:
    """Give what a header means, such as "adj_close" for "Adj Close*"; None where it means nothing here."""
    return _MEANINGS.get(plain_header(header))


def name_columns(frame: pl.DataFrame, source: str, findings: Findings) -> pl.DataFrame:
    """Rename the columns of a price table by their meaning, and leave out those that mean nothing here.

    Parameters
    ----------
    frame
        As it was read, with headers in any usual spelling: Yahoo, Stooq, Tiingo, Alpha Vantage, pandas.

    Returns
    -------
    polars.DataFrame
        Columns out of stamp, clock (a time of day beside a date), asset, open, high, low, close, volume, adj_close,
        dividend, split, row; those of the table.

    Raises
    ------
    Fault
        Where a price, or the time, has no column, two columns bear one name, or the only one of its meaning names a unit.
    """
    plain: dict[str, str] = {}
    in_units = {header: split_unit(header) for header in frame.columns}
    in_units = {header: parts for header, parts in in_units.items() if parts[1] not in ("", *MONEY)}
    for header in (header for header in frame.columns if header not in in_units):
        key = plain_header(header)
        if key in plain and any(key in names for names in _ALIASES.values()):
            raise Fault(f"{source}: columns {plain[key]!r} and {header!r} mean the same; leave one of them out.")
        plain[key] = header
    found: dict[str, str] = {}
    for meaning, names in _ALIASES.items():
        taken = next((plain[name] for name in names if name in plain and name != "row"), None)
        if taken is not None:
            found[meaning] = taken
    for header, (name, unit) in in_units.items():
        if meaning_of(name) is not None and meaning_of(name) not in found:
            raise Fault(
                f"{source}: column {header!r} must hold values in whole units (got {unit}); convert it and name it {name!r}."
            )
    if "clock" in found and ("stamp" not in found or _is_full_time(frame[found["clock"]])):
        found["stamp"] = found.pop("clock")
    missing = [meaning for meaning in ("stamp", *PRICES) if meaning not in found]
    if missing:
        words = ", ".join("date or time" if meaning == "stamp" else meaning for meaning in missing)
        headers = ", ".join(repr(name) for name in frame.columns if name != "row")
        raise Fault(
            f"{source}: no column for {words} among {headers}; a price table needs date or time, open, high, low and "
            "close."
        )
    unused = [name for name in frame.columns if name not in found.values() and name != "row"]
    if unused:
        findings.add("note", "columns_ignored", f"columns left out: {', '.join(map(repr, unused))}.", source=source)
    return frame.select(*(pl.col(header).alias(meaning) for meaning, header in found.items()), "row")


def parse_numbers(frame: pl.DataFrame, table: Table, findings: Findings) -> pl.DataFrame:
    """Turn prices, volumes, dividends and splits into float64; null where there is none, or where it cannot be read.

    Texts may be written as `engine.tables.decimals.read_numbers` says, and splits as "10:1". What cannot be read is a
    finding that names row and text, and so is a column without any number.

    Parameters
    ----------
    table
        Where the columns come from.

    Returns
    -------
    polars.DataFrame
        As `frame`, with float64 columns and a bool column `readable`, false where a number could not be read.
    """
    readable = pl.repeat(True, frame.height, eager=True).alias("readable")
    given = {name: frame[name] for name in NUMBERS if name in frame.columns}
    if "split" in given and given["split"].dtype == pl.String:
        given["split"] = _ratios(given["split"])
    for name, (number, wrong) in read_numbers(table, given, whole=("volume",)).items():
        frame = frame.with_columns(number.alias(name))
        if wrong.any():
            readable &= ~wrong
            findings.add_rows(
                findings.severity_of("unparsable_number"),
                "unparsable_number",
                frame.with_columns(text=given[name].cast(pl.String), source=pl.lit(table.source)).filter(wrong),
                pl.col("text"),
                pl.format(
                    "{} is {}, which is not a number; correct it or leave it blank", pl.lit(name), pl.col("text")
                ),
            )
        if frame.height and number.null_count() == frame.height:
            severity: Severity = "fatal" if name in PRICES else "warning"
            message = f"column {name} is wholly empty; fill it or leave it out"
            findings.add(severity, "empty_column", message, source=table.source, value=name)
    assumed = assumed_decimal(table, [given[name] for name in PRICES if given[name].dtype == pl.String])
    if assumed:
        message = f"numbers such as {assumed} are read with a decimal point; decimal=',' (--decimal ,) reads them as thousands."
        findings.add("note", "decimal_assumed", message, source=table.source, value=assumed)
    return frame.with_columns(readable)


def _is_full_time(clock: pl.Series) -> bool:
    """Tell whether a column named "time" holds dates too, rather than times of day beside a column of dates."""
    if clock.dtype != pl.String:
        return clock.dtype.is_temporal() and clock.dtype != pl.Time
    first = clock.drop_nulls().head(1)
    return len(first) > 0 and bool(first.str.contains(r"\d[-/.]\d").item())


def _ratios(split: pl.Series) -> pl.Series:
    """Write splits such as "10:1", "3 for 2" and "1/10" as numbers."""
    parts = pl.col("split").str.extract_groups(r"^\s*([\d.]+)\s*(?:[:/]|for)\s*([\d.]+)\s*$").struct
    ratio = parts.field("1").cast(pl.Float64, strict=False) / parts.field("2").cast(pl.Float64, strict=False)
    return split.to_frame("split").select(pl.coalesce(ratio.cast(pl.String), "split")).to_series()
