"""The usual spellings of a price table's headers and numbers."""

import re

import polars as pl

from engine.faults import Fault
from engine.prices.findings import Findings, Severity

PRICES = ("open", "high", "low", "close")
_NUMBERS = (*PRICES, "volume", "adj_close", "dividend", "split")

# Spellings without case, blanks and signs; where a table has several for one meaning, the first here is taken.
_ALIASES = {
    "stamp": (
        "datetime", "timestamp", "date", "session", "day", "tradedate", "tradingdate", "tradingday", "ts", "t", "dt",
        "opentime", "datetimeutc", "dateutc", "timestamputc", "unixtime", "epoch", "index", "level0", "unnamed0", "",
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
_EMPTY = ("", "null", "none", "nan", "na", "n/a", "#n/a", "-", "nat")


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
        Where a price, or the time, has no column, or two columns bear one name.
    """
    plain: dict[str, str] = {}
    for header in frame.columns:
        key = _plain(header)
        if key in plain and any(key in names for names in _ALIASES.values()):
            raise Fault(f"{source}: columns {plain[key]!r} and {header!r} mean the same; leave one of them out.")
        plain[key] = header
    found: dict[str, str] = {}
    for meaning, names in _ALIASES.items():
        taken = next((plain[name] for name in names if name in plain and name != "row"), None)
        if taken is not None:
            found[meaning] = taken
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


def parse_numbers(frame: pl.DataFrame, source: str, findings: Findings) -> pl.DataFrame:
    """Turn prices, volumes, dividends and splits into float64; null where there is none, or where it cannot be read.

    Texts may have thousands separators ("1,234.5"), a dollar sign, K, M or B behind a volume, and splits may be
    written as "10:1". What cannot be read is a finding that names row and text, and so is a column without any number.

    Returns
    -------
    polars.DataFrame
        As `frame`, with float64 columns and a bool column `readable`, false where a number could not be read.
    """
    readable = pl.repeat(True, frame.height, eager=True).alias("readable")
    for name in (name for name in _NUMBERS if name in frame.columns):
        given = frame[name]
        number, present = _number(given, name, source)
        sound = number.is_finite().fill_null(False)
        if sound.all() and frame.height:
            frame = frame.with_columns(number.alias(name))
            continue
        wrong = present & ~sound
        frame = frame.with_columns(number.set(~sound, None).alias(name))
        if wrong.any():
            readable &= ~wrong
            findings.add_rows(
                findings.severity_of("unparsable_number"),
                "unparsable_number",
                frame.with_columns(text=given.cast(pl.String), source=pl.lit(source)).filter(wrong),
                pl.col("text"),
                pl.format(
                    "{} is {}, which is not a number; correct it or leave it blank", pl.lit(name), pl.col("text")
                ),
            )
        if frame.height and not sound.any():
            severity: Severity = "fatal" if name in PRICES else "warning"
            message = f"column {name} is wholly empty; fill it or leave it out"
            findings.add(severity, "empty_column", message, source=source, value=name)
    return frame.with_columns(readable)


def _plain(header: str) -> str:
    """Strip a header of case, blanks and signs: "<CLOSE>", "4. close", "Close*" -> "close"."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^\s*\d+\.\s*", "", header.lower().removeprefix("\ufeff")))


def _is_full_time(clock: pl.Series) -> bool:
    """Tell whether a column named "time" holds dates too, rather than times of day beside a column of dates."""
    if clock.dtype != pl.String:
        return clock.dtype.is_temporal() and clock.dtype != pl.Time
    first = clock.drop_nulls().head(1)
    return len(first) > 0 and bool(first.str.contains(r"\d[-/.]\d").item())


def _number(given: pl.Series, name: str, source: str) -> tuple[pl.Series, pl.Series]:
    """Give a column as float64, and where it holds something at all."""
    if given.dtype == pl.String:
        text = given.str.strip_chars()
        present = text.is_not_null() & ~text.str.to_lowercase().is_in(_EMPTY)
        number = text.cast(pl.Float64, strict=False)
        if (number.is_null() & present).any():
            number = number.zip_with(number.is_not_null(), _number_of_text(text, name))
        return number, present
    if given.dtype.is_numeric() or given.dtype == pl.Null:
        number = given.cast(pl.Float64)
        return number, number.is_not_null() & ~number.is_nan().fill_null(False)
    raise Fault(f"{source}: column {name} holds {given.dtype}, not numbers; give numbers or their texts.")


def _number_of_text(text: pl.Series, name: str) -> pl.Series:
    """Read numbers that are not written plainly; null where that fails too."""
    frame = text.to_frame("text")
    if name == "split":
        parts = pl.col("text").str.extract_groups(r"^([\d.]+)\s*(?:[:/]|for)\s*([\d.]+)$").struct.unnest()
        frame = frame.select(parts).cast(pl.Float64, strict=False)
        return frame.select(pl.col("1") / pl.col("2")).to_series()
    groups = (
        pl.col("text")
        .str.extract_groups(r"^\$?\s*(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*([KMB]?)$")
        .struct.unnest()
    )
    scale = pl.col("2").replace_strict({"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9}, default=None, return_dtype=pl.Float64)
    plain = pl.col("1").str.replace_all(",", "").cast(pl.Float64, strict=False)
    return frame.select(groups).select(plain * scale).to_series()
