"""Prices of any usual spelling -> a checked market."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from engine.calendars import interval_length
from engine.faults import Fault
from engine.market import Market
from engine.prices.adjustment import adjust
from engine.prices.checks import check_bars, check_gaps, check_order, check_splits, drop_duplicates
from engine.prices.findings import Findings
from engine.prices.placing import Hours, choose_calendar, make_grid, place
from engine.prices.side_by_side import stack
from engine.prices.spelling import name_columns, parse_numbers
from engine.prices.stamps import parse_stamps
from engine.tables.files import read_file
from engine.tables.formats import ENDINGS, Format, format_of
from engine.tables.frames import to_table
from engine.tables.memory import refuse_large
from engine.tables.spelling import Order
from engine.tables.table import Decimal, Style, Table
from engine.tables.zones import check_zone

#: How often the prices stand in memory while they are checked: measured on two million rows of CSV and of Parquet.
_TIMES = 6.0
_ROW_TYPES = {
    "source": pl.String(),
    "row": pl.Int64(),
    "asset": pl.String(),
    "local": pl.Datetime("us"),
    "instant": pl.Datetime("us", "UTC"),
    **dict.fromkeys(("open", "high", "low", "close", "volume", "adj_close", "dividend", "split"), pl.Float64()),
    "readable": pl.Boolean(),
}


@dataclass(frozen=True)
class _Options:
    """What the user says about the prices; see `import_prices`."""

    asset: str | None
    calendar: str | None
    timezone: str | None
    interval: str | None
    hours: Hours
    accept: Iterable[str]
    style: Style
    findings: Findings = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", Findings(self.accept))
        check_zone(self.timezone)
        if self.interval is not None:
            interval_length(self.interval)
        if self.hours not in ("regular", "all"):
            raise Fault(f"hours={self.hours!r} is not known; give 'regular' or 'all'.")
        if self.asset is not None and not (isinstance(self.asset, str) and self.asset.strip()):
            raise Fault(f"asset must be a symbol such as 'NVDA' (got {self.asset!r}); give one, or leave it out.")


@dataclass(frozen=True)
class _Named:
    """A table, and the symbol that it is of where it names none."""

    table: Table
    asset: str | None
    of_file: bool = False  # the symbol is the file's name


def import_prices(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    asset: str | None = None,
    calendar: str | None = None,
    timezone: str | None = None,
    interval: str | None = None,
    hours: Hours = "regular",
    accept: Iterable[str] = (),
    dates: Order | None = None,
    decimal: Decimal | None = None,
) -> Market:
    """Read prices from files, check them, and align them to an exchange's sessions.

    Headers may be spelled as Yahoo, Stooq, Tiingo, Alpha Vantage or pandas spell them, and several tickers may stand side
    by side, as yfinance writes them. A file that names no symbols holds one asset, which bears the name of the file.

    Parameters
    ----------
    sources
        Files of text (separated by , ; tab or |, also packed with gzip), Parquet, Arrow or Excel, and folders of such.
    asset
        The symbol, where one file is given and names none.
    calendar
        "XNYS", "24/7" or another code; by default "24/7" where the prices run through weekends, and else "XNYS".
    timezone
        The zone of intraday times that name none, such as "America/New_York".
    interval
        The length of a bar ("1d", "5m", ..); by default told from the times.
    hours
        "regular" leaves out intraday bars outside the exchange's hours, "all" keeps them.
    accept
        Names of checks that shall not stop the import, out of ``engine.prices.findings.ACCEPTABLE``.
    dates
        "mdy", "dmy" or "ymd": how dates such as 01/02/2025 are read, where the column itself leaves it open.
    decimal
        The decimal sign of numbers in text, "." or ","; by default told from all of them.

    Returns
    -------
    Market
        With all findings that did not stop the import.

    Raises
    ------
    Fault
        For the first finding that makes the prices unfit for use, with a count of the others.
    """
    options = _Options(asset, calendar, timezone, interval, hours, accept, Style(dates, decimal))
    listed = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    files = [(file, format_of(file, str(file))) for source in listed for file in _files(Path(source))]
    if not files:
        raise Fault("sources names no file; give CSV or Parquet files, or folders of them.")
    if asset is not None and len(files) > 1:
        raise Fault(
            f"asset={asset!r} names the symbol of one file (got {len(files)}); import them one by one, or leave it out."
        )
    refuse_large(files, _TIMES, "import a part, such as fewer symbols or years")
    return _market((_read(file, kind, options) for file, kind in files), options)


def import_frame(
    frame: Any,
    *,
    asset: str | None = None,
    calendar: str | None = None,
    timezone: str | None = None,
    interval: str | None = None,
    hours: Hours = "regular",
    accept: Iterable[str] = (),
    dates: Order | None = None,
    decimal: Decimal | None = None,
) -> Market:
    """Do with a data frame what `import_prices` does with files; see ``Market.from_frame``."""
    if isinstance(frame, str | os.PathLike):
        raise Fault(f"frame must be a table (got the path {str(frame)!r}); Market.read reads files.")
    options = _Options(asset, calendar, timezone, interval, hours, accept, Style(dates, decimal))
    return _market([_Named(to_table(frame, "frame", options.style), asset)], options)


def _market(tables: Iterable[_Named], options: _Options) -> Market:
    findings = options.findings
    parts, named_by_file = [], []
    for named in tables:
        rows, by_file = _rows(named, options)
        parts.append(rows)
        named_by_file += [named] if by_file else []
    _note_names(named_by_file, findings)
    findings.stop_if_fatal()
    rows = pl.concat(parts)
    del parts
    if rows.is_empty():
        raise Fault("No row has a time that can be read; correct the times.")
    trading = choose_calendar(rows, options.calendar, findings)
    rows, length = place(rows, trading, options.interval, options.hours, findings)
    rows = drop_duplicates(rows, findings)
    rows = check_bars(rows, findings)
    findings.stop_if_fatal()
    if not rows["keep"].any():
        raise Fault("No row has an open, high, low and close that can be used; see that the columns are filled.")
    rows = adjust(rows, findings)
    check_splits(rows, findings)
    findings.stop_if_fatal()
    grid = make_grid(rows, trading, length)
    check_gaps(rows, grid, findings)
    metadata = {
        "calendar": grid.calendar.name,
        "timezone": grid.calendar.timezone,
        "interval": grid.interval,
        "hours": options.hours,
        "adjustment": "prices and volumes split-adjusted, not dividend-adjusted; dividends per adjusted share",
    }
    return Market.build(rows, grid.opens, grid.sessions, findings.frame(), metadata)


def _rows(named: _Named, options: _Options) -> tuple[pl.DataFrame, bool]:
    """Read the columns of one table: times, numbers, symbols; and tell whether the symbol is the file's name."""
    table, stacked = stack(named.table, options.asset)
    source, findings = table.source, options.findings
    if table.frame.is_empty():
        raise Fault(f"{source} has no rows; give at least one bar.")
    if table.in_lines:
        findings.text_source(source)
    frame = table.once().drop("row", strict=False).with_columns(row=table.rows)
    frame = name_columns(frame, source, findings)
    frame = parse_numbers(frame, table, findings)
    by_file = "asset" not in frame.columns and named.of_file
    if "asset" in frame.columns:
        frame = frame.with_columns(_symbols(frame, source, findings))
        _refuse_other_name(frame, table, None if stacked else options.asset)
    elif named.asset is not None:
        symbol = _without_country(pl.Series([named.asset.strip()]), source, findings)
        frame = frame.with_columns(asset=pl.lit(symbol[0]))
    else:
        raise Fault(f"{source}: no column for the symbol; add one, or give asset='NVDA' or whichever it is.")
    frame = parse_stamps(frame, source, options.timezone, findings, options.style.dates)
    check_order(frame, source, findings)
    frame = frame.with_columns(source=pl.lit(source))
    absent = [pl.lit(None, kind).alias(name) for name, kind in _ROW_TYPES.items() if name not in frame.columns]
    return frame.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in _ROW_TYPES.items()), by_file


def _refuse_other_name(frame: pl.DataFrame, table: Table, asset: str | None) -> None:
    """Refuse a symbol given for a table that names another."""
    others = [] if asset is None else frame["asset"].filter(frame["asset"] != asset).to_list()
    if others:
        raise Fault(
            f"{table.source}: asset must be left out where the table names its symbols (got {asset!r} beside {others[0]!r})."
        )


def _note_names(named: list[_Named], findings: Findings) -> None:
    """Note that symbols are the names of files."""
    if named:
        first = named[0]
        files = "the file's name is" if len(named) == 1 else f"the names of {len(named)} files are"
        message = (
            f"no symbols are named; {files} taken, as {first.asset} (--asset, or asset=, names the symbol of one file)."
        )
        findings.add("note", "symbol_of_file", message, source=first.table.source, value=first.asset)


def _symbols(frame: pl.DataFrame, source: str, findings: Findings) -> pl.Series:
    """Give the symbol of each row, worked out once for each that there is."""
    given = frame["asset"].cast(pl.String)
    written = given.unique(maintain_order=True)
    stripped = written.str.strip_chars()
    if (stripped.fill_null("") == "").any():
        nameless = frame["row"].filter(given.str.strip_chars().fill_null("") == "")
        raise Fault(f"{source}: {len(nameless)} rows have no symbol, the first at {nameless[0]}; fill them in.")
    symbols = _without_country(stripped, source, findings)
    return given if symbols.equals(written) else given.replace_strict(written, symbols)


def _without_country(symbols: pl.Series, source: str, findings: Findings) -> pl.Series:
    """Take the country off symbols as Stooq writes them: "nvda.us" -> "NVDA"."""
    american = symbols.str.contains(r"(?i)^[a-z0-9-]+\.us$")
    if not american.any():
        return symbols
    plain = symbols.str.to_uppercase().str.strip_suffix(".US")
    message = f"symbols are taken without their country, as {plain.filter(american)[0]}."
    findings.add("note", "symbol_renamed", message, source=source, value=symbols.filter(american)[0])
    return plain.zip_with(american, symbols)


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        what = "is neither a file nor a folder" if source.exists() else "does not exist"
        raise Fault(f"{source} {what}; give a CSV or Parquet file, or a folder of them.")
    inside = sorted(file for file in source.iterdir() if file.is_file() and not file.name.startswith("."))
    files = [file for file in inside if file.name.lower().endswith(ENDINGS) and file.suffix.lower() != ".txt"]
    # Stooq's bulk files end in .txt, but so may a note beside files of another kind.
    files = files or [file for file in inside if file.suffix.lower() == ".txt"]
    if not files:
        raise Fault(f"{source} holds no price file; give a folder of .csv, .tsv, .txt, .parquet or .xlsx files.")
    return files


def _read(file: Path, kind: Format, options: _Options) -> _Named:
    name = re.sub(r"(?i)(\.(csv|tsv|txt|gz|parquet|arrow|feather|ipc|xlsx|xlsm))+$", "", file.name)
    table = read_file(file, style=options.style, kind=kind)
    return _Named(table, options.asset or name, options.asset is None)
