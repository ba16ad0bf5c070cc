"""Read a table of names: which ticker each company has, what it is called, when, and where it trades."""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import polars as pl

from engine.faults import Fault
from engine.reader.decode import decode
from engine.reader.fold import fold
from engine.reader.names.legal import short
from engine.reader.symbols import place_of

BUILT_IN: Final = Path(__file__).parent / "listed.csv"
NameTable = Any  # a path, a polars, pandas or Arrow table, or a dict of columns
_USUAL: Final[dict[str, tuple[str, ...]]] = {
    "ticker": ("ticker", "symbol", "code", "ticker_symbol", "stock_code", "act_symbol", "代码", "股票代码", "证券代码"),
    "name": ("name", "company", "company_name", "companyname", "security", "security_name", "title", "longname", "nom", "société", "名称", "公司", "股票名称", "证券名称", "简称", "公司名称"),
    "aliases": ("aliases", "alias", "names", "short_name", "shortname", "short", "other_names", "别名", "alias_names"),
    "exchange": ("exchange", "market", "mic", "exchange_code", "primary_exchange", "交易所", "bourse", "place"),
    "since": ("since", "from", "start", "start_date", "valid_from"),
    "until": ("until", "to", "end", "end_date", "valid_to"),
    "word": ("word",),
}  # fmt: skip
_SHOWN: Final = 5  # faults that a message lists


@dataclass(frozen=True)
class Listed:
    """One row: a company's names while they are in use.

    Attributes
    ----------
    ticker
        What the events call it.
    names
        As they are written, the fullest first.
    place
        Where it trades, as `engine.reader.symbols.place_of` gives it: "US", "FR", "HK"; "" where nothing says.
    since, until
        First and last day on which the names mean this company; None: always.
    word
        "" for a name that nothing else is called; "capital" where its capitals tell it, "word" where only a company's context does.
    without
        Words beside which it is somebody or something else, folded.
    symbols
        Its other listings.
    speaks
        Whether it is a bank, a broker or a publisher whose people speak of others.
    inside
        Of a Chinese name of two characters: those that stand before and after it where it is the end of one word and the begin of
        another.
    tongue
        The only language in which the names count; "" for all.
    line
        In the file, for messages.
    """

    ticker: str
    names: tuple[str, ...]
    place: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    word: str = ""
    without: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    speaks: bool = False
    inside: tuple[str, str] = ("", "")
    tongue: str = ""
    line: int = 0
    keys: tuple[str, ...] = field(init=False, compare=False)  # the names, folded

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", tuple(map(fold, self.names)))


def built_in() -> list[Listed]:
    """Read the table that comes with the package; `engine.reader.names.make` makes it."""
    with BUILT_IN.open(encoding="utf-8", newline="") as stream:
        return [
            Listed(
                row["ticker"], tuple(row["names"].split("|")), place_of(row["ticker"]), _day(row["since"]), _day(row["until"]), row["word"],
                tuple(fold(part) for part in row["without"].split("|") if part), tuple(part for part in row["symbols"].split("|") if part),
                row["speaks"] == "x", tuple(row["inside"].split("/")) if row["inside"] else ("", ""), row["tongue"], line,
            )
            for line, row in enumerate(csv.DictReader(stream), 2)
        ]  # fmt: skip


def read_names(source: NameTable) -> list[Listed]:
    """Read a user's table of names and check it.

    Parameters
    ----------
    source
        A .csv, .tsv or .parquet file, a frame, or a dict of columns. Columns: ``ticker`` and ``name``; and, where there are,
        ``aliases`` (parted by | or ;), ``exchange``, ``since``, ``until`` (days, both inclusive). Usual other headers are
        known (symbol, company, 代码, 名称).

    Returns
    -------
    list of Listed
        In the table's order.

    Raises
    ------
    Fault
        The table cannot be read, lacks a column, or a row has no ticker, no name, a day that is none, or ends before it
        begins; the message names the lines.
    """
    frame, where, first = _frame(source)
    columns = _columns(frame.columns, where)
    out: list[Listed] = []
    faults: list[str] = []
    texts = frame.select(pl.col(name).cast(pl.String).str.strip_chars().fill_null("") for name in columns.values())
    for line, values in enumerate(texts.iter_rows(), first):
        if not any(values):
            continue
        row = dict(zip(columns, values, strict=True))
        try:
            out.append(_listed(row, line))
        except ValueError as error:
            faults.append(f"line {line}: {error}")
    if faults:
        more = f" (and {len(faults) - _SHOWN} more)" if len(faults) > _SHOWN else ""
        raise Fault(f"{where}: {'; '.join(faults[:_SHOWN])}{more}; correct or remove these lines.")
    if not out:
        raise Fault(f"{where}: has no rows; give at least one ticker with its name.")
    return out


def _listed(row: Mapping[str, str], line: int) -> Listed:
    ticker = row["ticker"]
    if not ticker or len(ticker.split()) > 1:
        raise ValueError(f"ticker must be one word (got {ticker!r})")
    said = [row["name"], *row.get("aliases", "").replace(";", "|").split("|")]
    names = tuple(dict.fromkeys(part for part in (" ".join(name.split()) for name in said) if part))
    if not names:
        raise ValueError(f"name must not be empty ({ticker})")
    if not any(any(char.isalpha() for char in name) for name in names):
        raise ValueError(f"name must hold a letter (got {names[0]!r})")
    since, until = _stated(row, "since"), _stated(row, "until")
    if since and until and until < since:
        raise ValueError(f"until must be no earlier than since (got {since} to {until})")
    place = place_of(ticker, row.get("exchange", ""))
    word = row.get("word", "").lower()
    flag = "word" if word in ("1", "true", "yes", "word", "oui", "是") else ""
    return Listed(ticker, names, place, since, until, flag, line=line)


def short_forms(row: Listed) -> Iterator[Listed]:
    """Yield rows of the short forms of a register's names; they want a company's context, for nobody chose them.

    >>> [(row.names, row.word) for row in short_forms(Listed("ZYX", ("Zyntex Blue Holdings, Inc.",)))]
    [(('Zyntex Blue Holdings',), 'capital'), (('Zyntex Blue',), 'capital')]
    """
    for name in row.names:
        for form in short(name):
            if form not in row.names:
                several = " " in form or not form.isascii()
                yield Listed(
                    row.ticker,
                    (form,),
                    row.place,
                    row.since,
                    row.until,
                    "capital" if several else "word",
                    line=row.line,
                )


def _stated(row: Mapping[str, str], column: str) -> dt.date | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        return _day(text.split("T")[0].split(" ")[0])
    except ValueError:
        raise ValueError(f"{column} must be a day such as 2022-06-09 (got {text!r})") from None


def _day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _columns(names: list[str], where: str) -> dict[str, str]:
    by_lower = {name.strip().lower().replace(" ", "_"): name for name in names}
    out: dict[str, str] = {}
    for role, usual in _USUAL.items():
        found = next((by_lower[name] for name in usual if name in by_lower), None)
        if found is not None and found not in out.values():
            out[role] = found
    for role in ("ticker", "name"):
        if role not in out:
            close = get_close_matches(role, [n for n in by_lower if by_lower[n] not in out.values()], n=1)
            meant = f" (did you mean {by_lower[close[0]]!r}?)" if close else ""
            raise Fault(
                f"{where}: no column holds the {role}{meant}; its columns are {', '.join(names)}; name one {role!r}."
            )
    return out


def _frame(source: NameTable) -> tuple[pl.DataFrame, str, int]:
    """Give a table as a frame of texts, what to call it in a message, and the line of its first row."""
    if not isinstance(source, (str, os.PathLike)):
        try:
            return pl.DataFrame(source), "names", 1
        except (TypeError, ValueError, pl.exceptions.PolarsError, AttributeError):
            raise Fault(
                f"names={type(source).__name__} is no table; give the path of a CSV file, a frame, or a dict of columns."
            ) from None
    path = Path(source)
    where = f"names {str(path)!r}"
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path), where, 1
        raw = decode(path.read_bytes()).removeprefix("\ufeff")
        header = raw.split("\n", 1)[0]
        separator = max((",", ";", "\t"), key=header.count)
        return pl.read_csv(raw.encode(), separator=separator, infer_schema=False), where, 2
    except OSError as error:
        raise Fault(f"{where}: cannot be read ({error.strerror}); give the path of a CSV file.") from None
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().partition("\n")[0]
        raise Fault(f"{where}: not a table that can be read ({reason}); check its quotes and commas.") from None


# ------------------------------------------------------------------------------------------------- names of two companies


@dataclass(frozen=True)
class Shared:
    """A name that a table gives to several tickers at once."""

    name: str
    rows: tuple[Listed, ...]

    @property
    def decided(self) -> bool:
        """Whether the exchange tells them apart."""
        places = [row.place for row in self.rows]
        return all(places) and len(set(places)) == len(places)


def shared(rows: Iterable[Listed]) -> Iterator[Shared]:
    """Yield the names that two tickers bear on the same day."""
    first: dict[str, Listed] = {}
    others: defaultdict[str, dict[str, Listed]] = defaultdict(dict)
    for row in rows:
        for key in row.keys:
            before = first.setdefault(key, row)
            if before.ticker != row.ticker:
                others[key].setdefault(row.ticker, row)
    for key, bearers in others.items():
        group = [first[key], *bearers.values()]
        meeting = tuple(row for row in group if any(row is not other and _meet(row, other) for other in group))
        if meeting:
            yield Shared(meeting[0].names[meeting[0].keys.index(key)], meeting)


def _meet(one: Listed, other: Listed) -> bool:
    return (one.since or dt.date.min) <= (other.until or dt.date.max) and (other.since or dt.date.min) <= (
        one.until or dt.date.max
    )
