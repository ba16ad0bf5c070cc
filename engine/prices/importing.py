"""Prices of any usual spelling -> a checked market."""

import gzip
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
from engine.prices.choosing import choose_calendar
from engine.prices.findings import Findings
from engine.prices.outliers import repair_outliers
from engine.prices.placing import Hours, make_grid, place
from engine.prices.spelling import name_columns, parse_numbers
from engine.prices.stamps import check_timezone, parse_stamps

_TEXTS = (".csv", ".tsv", ".csv.gz")
_TABLES = (".parquet", ".arrow", ".feather")
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

    calendar: str | None
    timezone: str | None
    interval: str | None
    hours: Hours
    accept: Iterable[str]
    findings: Findings = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", Findings(self.accept))
        check_timezone(self.timezone)
        if self.interval is not None:
            interval_length(self.interval)
        if self.hours not in ("regular", "all"):
            raise Fault(f"hours={self.hours!r} is not known; give 'regular' or 'all'.")


@dataclass(frozen=True)
class _Table:
    """A table as it was read, with a column `row`."""

    source: str
    frame: pl.DataFrame
    asset: str | None
    is_text: bool


def import_prices(
    sources: str | Path | Sequence[str | Path],
    *,
    calendar: str | None = None,
    timezone: str | None = None,
    interval: str | None = None,
    hours: Hours = "regular",
    accept: Iterable[str] = (),
) -> Market:
    """Read prices from files, check them, and align them to an exchange's sessions.

    Headers may be spelled as Yahoo, Stooq, Tiingo, Alpha Vantage or pandas spell them. A file without a column of
    symbols holds one asset, which bears the name of the file.

    Parameters
    ----------
    sources
        CSV, Parquet or Arrow files, and folders of such.
    calendar
        "XNYS", "24/7" or another code; by default told from the symbols' suffix (".L" is London), the clock of the stamps
        and the weekends. Where nothing speaks, "XNYS" is assumed, and a finding says so.
    timezone
        The zone of intraday times that name none, such as "America/New_York".
    interval
        The length of a bar ("1d", "5m", ..); by default told from the times.
    hours
        "regular" leaves out intraday bars outside the exchange's hours; "all" keeps them, and bars on the clock that span
        the open.
    accept
        Names of checks that shall not stop the import, out of ``engine.prices.findings.ACCEPTABLE``.

    Returns
    -------
    Market
        With all findings that did not stop the import.

    Raises
    ------
    Fault
        For the first finding that makes the prices unfit for use, with a count of the others.
    """
    options = _Options(calendar, timezone, interval, hours, accept)
    listed = [sources] if isinstance(sources, str | Path) else list(sources)
    files = [file for source in listed for file in _files(Path(source))]
    if not files:
        raise Fault("sources names no file; give CSV or Parquet files, or folders of them.")
    return _market((_read(file) for file in files), options)


def import_frame(
    frame: Any,
    *,
    asset: str | None = None,
    calendar: str | None = None,
    timezone: str | None = None,
    interval: str | None = None,
    hours: Hours = "regular",
    accept: Iterable[str] = (),
) -> Market:
    """Do with a data frame what `import_prices` does with files; see ``Market.from_frame``."""
    options = _Options(calendar, timezone, interval, hours, accept)
    table = _to_polars(frame)
    return _market([_Table("frame", _numbered(table, "frame", 0), asset, is_text=False)], options)


def _market(tables: Iterable[_Table], options: _Options) -> Market:
    findings = options.findings
    parts = [_rows(table, options) for table in tables]
    findings.stop_if_fatal()
    rows = pl.concat(parts)
    del parts
    if rows.is_empty():
        raise Fault("No row has a time that can be read; correct the times.")
    trading = choose_calendar(rows, options.calendar, findings)
    placed = place(rows, trading, options.interval, options.hours, findings)
    rows = drop_duplicates(placed.rows, findings)
    rows = check_bars(rows, findings)
    findings.stop_if_fatal()
    if not rows["keep"].any():
        raise Fault("No row has an open, high, low and close that can be used; see that the columns are filled.")
    rows = adjust(rows, placed.actions, findings)
    rows = repair_outliers(rows, findings)
    bars = rows.drop_nulls("open") if rows["open"].null_count() else rows
    check_splits(bars, findings)
    findings.stop_if_fatal()
    grid = make_grid(rows, trading, placed.interval, placed.clock)
    check_gaps(bars, grid, findings)
    metadata = {
        "calendar": grid.calendar.name,
        "timezone": grid.calendar.timezone,
        "interval": grid.interval,
        "hours": options.hours,
        "adjustment": "prices and volumes split-adjusted, not dividend-adjusted; dividends per adjusted share",
    }
    return Market.build(rows, grid.opens, grid.sessions, findings.frame(), metadata)


def _rows(table: _Table, options: _Options) -> pl.DataFrame:
    """Read the columns of one table: times, numbers, symbols."""
    source, findings = table.source, options.findings
    if table.is_text:
        findings.text_source(source)
    frame = name_columns(table.frame, source, findings)
    frame = parse_numbers(frame, source, findings)
    if "asset" in frame.columns:
        frame = frame.with_columns(_symbols(frame, source, findings))
    elif table.asset is not None:
        symbol = _without_country(pl.Series([table.asset]), source, findings)
        frame = frame.with_columns(asset=pl.lit(symbol[0]))
    else:
        raise Fault(f"{source}: no column for the symbol; add one, or give asset='NVDA' or whichever it is.")
    frame = parse_stamps(frame, source, options.timezone, findings)
    check_order(frame, source, findings)
    frame = frame.with_columns(source=pl.lit(source))
    absent = [pl.lit(None, kind).alias(name) for name, kind in _ROW_TYPES.items() if name not in frame.columns]
    return frame.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in _ROW_TYPES.items())


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
    if not source.exists():
        raise Fault(f"{source} does not exist; give a CSV or Parquet file, or a folder of them.")
    inside = sorted(file for file in source.iterdir() if file.is_file() and not file.name.startswith("."))
    files = [file for file in inside if file.name.lower().endswith((*_TEXTS, *_TABLES))]
    # Stooq's bulk files end in .txt, but so may a note beside files of another kind.
    files = files or [file for file in inside if file.suffix.lower() == ".txt"]
    if not files:
        raise Fault(f"{source} holds no price file; give a folder of .csv, .tsv, .txt or .parquet files.")
    return files


def _read(file: Path) -> _Table:
    source = str(file)
    is_text = not file.name.lower().endswith(_TABLES)
    try:
        if is_text:
            return _read_text(file)
        frame = pl.read_parquet(file) if file.suffix.lower() == ".parquet" else pl.read_ipc(file)
    except pl.exceptions.NoDataError:
        raise Fault(f"{source} is empty; it needs a header and rows.") from None
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        kind = "CSV" if is_text else "Parquet or Arrow"
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise Fault(f"{source} cannot be read as {kind} ({reason}); write or fetch it anew.") from None
    name = re.sub(r"(?i)\.(parquet|arrow|feather)$", "", file.name)  # BARX.L.parquet holds BARX.L
    return _Table(source, _numbered(frame, source, 0), name, is_text)


def _read_text(file: Path) -> _Table:
    """Read a text file without guessing any type: what cannot be read as a number shall be found with its row."""
    source = str(file)
    packed = file.suffix.lower() == ".gz"
    with gzip.open(file) if packed else file.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Fault(f"{source} is written in UTF-16; save it as UTF-8.")
    header = head.split(b"\n", 1)[0]
    separator = max((",", ";", "\t", "|"), key=lambda sign: header.count(sign.encode()))
    frame = pl.read_csv(file, separator=separator, infer_schema=False)
    name = re.sub(r"(?i)(\.(csv|tsv|txt|gz))+$", "", file.name)
    skipped = 0
    if frame.height > 1 and frame.columns[0] == "Price" and frame[frame.columns[0]][0] == "Ticker":
        # yfinance writes three lines of header: prices, tickers, and "Date" with blanks.
        tickers = set(frame.row(0)[1:])
        if len(tickers) > 1:
            raise Fault(
                f"{source} holds {len(tickers)} tickers side by side; save one file a ticker, or one row a bar."
            )
        name, skipped = str(tickers.pop()), 2
        frame = frame.slice(2).rename({"Price": "Date"})
    return _Table(source, _numbered(frame, source, 2 + skipped), name, is_text=True)


def _numbered(frame: pl.DataFrame, source: str, first: int) -> pl.DataFrame:
    if frame.is_empty():
        raise Fault(f"{source} has no rows; give at least one bar.")
    repeated = [name for name in frame.columns if "_duplicated_" in name]
    if repeated:
        name = repeated[0].split("_duplicated_")[0]
        raise Fault(f"{source} has two columns {name!r}; leave one of them out.")
    frame = frame.drop("row", strict=False)
    return frame.with_row_index("row", first).filter(  # empty lines
        ~pl.all_horizontal(pl.exclude("row").is_null())
    )


def _to_polars(frame: Any) -> pl.DataFrame:
    """Take any data frame as polars; the index of a pandas frame becomes columns."""
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    try:
        if type(frame).__module__.split(".")[0] == "pandas":
            return _from_pandas(frame)
        if hasattr(frame, "__arrow_c_stream__"):
            return pl.DataFrame(frame)
    except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
        raise Fault(
            f"frame cannot be read as a table ({str(error).splitlines()[0]}); give columns of plain types."
        ) from None
    raise Fault(f"frame={type(frame).__name__} is not a table; give a polars, pandas or pyarrow table.")


def _from_pandas(frame: Any) -> pl.DataFrame:
    if frame.columns.nlevels == 2:  # yfinance.download: prices and tickers above each other
        names = list(frame.columns.names)
        frame = frame.stack(names.index("Ticker") if "Ticker" in names else 1, future_stack=True)
    if frame.index.nlevels > 1 or frame.index.name is not None or not _is_plain_range(frame.index):
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    made: pl.DataFrame = pl.from_pandas(frame)
    return made


def _is_plain_range(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex"
