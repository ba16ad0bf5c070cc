"""Make listed.csv, the table of names that comes with the package. Run by hand, when companies have come, gone or changed names.

Usage::

    python -m venv /tmp/names
    /tmp/names/bin/pip install --no-deps pytickersymbols==1.17.10 edgartools==5.62.0 twstock==1.5.1 jieba==0.42.1
    apt-get install wamerican wfrench
    python -m engine.reader.names.make --packages /tmp/names/lib/python3.11/site-packages

It reads the tables that three packages ship: pytickersymbols (MIT; the members of twenty indices of Europe, Japan and the United
States), edgartools (MIT; `edgar/reference/data/company_tickers.parquet`, the companies that file with the SEC, largest first) and
twstock (MIT; what is listed in Taiwan). jieba (MIT) lends its list of Chinese words, which tells where two characters of a name
are the end of one word and the begin of another. None of them is needed to run tocsin. by_hand.csv, in this folder, comes first: the short
and the Chinese names that the news uses, which of several listings stands for a company, and which names are words as well.

A company stands under its symbol on the New York Stock Exchange or Nasdaq where it has one (TSM, BABA, ASML, TTE), as the news
speaks of it; else under that of its home exchange, with Yahoo's suffix (MC.PA, 0700.HK, 600519.SS, 2317.TW). Of several classes of
shares the first in the SEC's list stands for all.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from engine.reader.fold import fold, is_han
from engine.reader.names.legal import short

HERE: Final = Path(__file__).parent
COLUMNS: Final = ("ticker", "names", "word", "without", "symbols", "since", "until", "speaks", "inside", "tongue")
MOST_AMERICAN: Final = 4_500  # companies of the SEC's list that are taken, the largest first
_COMMON, _SELDOM, _NEIGHBOURS = 50, 30, 90  # of a Chinese word: how often it is written, in a corpus of 60 million
_NO_COMPANY: Final = re.compile(
    r"\b(?:fund|funds|etf|etn|municipal|acquisitions?|spac|trust [ivx]+|income trust|term trust|nuveen|calamos|proshares|ishares|"
    r"warrants?|merger|blank check|opportunit(?:y|ies) (?:trust|corp)|closed[- ]end|bitcoin trust|ethereum trust)\b",
    re.IGNORECASE,
)
_WARRANT: Final = re.compile(r"^(?:[A-Z]{4}[WUR]|[A-Z]+-(?:WT|W|U|UN|R|P[A-Z]?)[A-Z]*)$")


Sides = tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]


class Row(NamedTuple):
    """A row of listed.csv; `names`, `without` and `symbols` are parted by |."""

    ticker: str
    names: str
    word: str = ""
    without: str = ""
    symbols: str = ""
    since: str = ""
    until: str = ""
    speaks: str = ""  # "x" where its analysts speak of others
    inside: str = ""  # of names of two characters: which stand before and after them where they are no name
    tongue: str = ""  # the only language in which the names count


def main() -> None:
    """Write listed.csv beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="the site-packages that hold the four packages")
    parser.add_argument(
        "--words", type=Path, default=Path("/usr/share/dict"), help="folder of american-english and french"
    )
    parser.add_argument("--out", type=Path, default=HERE / "listed.csv")
    given = parser.parse_args()
    words = _words(given.words)
    chinese = _chinese(given.packages)
    sides = _sides(chinese)
    rows = _by_hand()
    taken = {fold(name) for row in rows for name in row.names.split("|")} | _of_the_lexicon()
    rows += _new(_american(given.packages), taken, words)
    rows += _new(_of_indices(given.packages), taken, words)
    common = words | {word for word, often in chinese.items() if often >= _COMMON}
    rows += [row._replace(tongue="zh-Hant") for row in _new(_taiwanese(given.packages), taken, common)]
    rows = [part for row in rows for part in _guarded(row, sides)]
    with given.out.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(COLUMNS)
        out.writerows(row for row in rows if row.names or row.symbols)


def _by_hand() -> list[Row]:
    with (HERE / "by_hand.csv").open(encoding="utf-8", newline="") as stream:
        return [Row(**{name: row.get(name) or "" for name in COLUMNS}) for row in csv.DictReader(stream)]


def _of_the_lexicon() -> set[str]:
    data = tomllib.loads((HERE.parent / "lexicon" / "names.toml").read_text(encoding="utf-8"))
    sections = (data[name] for name in ("assets", "groups", "private", "people"))
    items = [item for section in sections for item in section.values()]
    return {fold(name.rstrip("*")) for item in items for name in (*item.get("names", ()), *item.get("cased", ()))}


def _words(folder: Path) -> set[str]:
    """Give the words of English and French, first names and towns among them."""
    out: set[str] = set()
    for name in ("american-english", "french"):
        out.update(fold(line.strip()) for line in (folder / name).read_text(encoding="utf-8").splitlines())
    return out


def _new(companies: Iterable[tuple[str, tuple[str, ...], str]], taken: set[str], words: set[str]) -> Iterator[Row]:
    """Make rows of the names that nobody bears yet: those that are words as well apart from the others."""
    for ticker, names, symbols in companies:
        apart: dict[str, list[str]] = {}
        for name in names:
            if fold(name) not in taken and len(name) > 1:
                taken.add(fold(name))
                apart.setdefault(_kind(name, words), []).append(name)
        for kind, mine in sorted(apart.items()):
            yield Row(ticker, "|".join(mine), kind, "", symbols)


def _kind(name: str, words: set[str]) -> str:
    """Say how a name is told from a word: "word" wants a company's context, "capital" its capitals."""
    if is_han(name[0]):
        return "word" if fold(name) in words else ""
    parts = [part for part in re.split(r"[\s\-&.,']+", fold(name)) if part and part != "s"]
    if not all(part in words or part.isdigit() for part in parts):
        return "word" if len(name) < 3 else ""
    return "word" if len(parts) == 1 else "capital"


def _american(packages: Path) -> Iterator[tuple[str, tuple[str, ...], str]]:
    frame = pl.read_parquet(packages / "edgar" / "reference" / "data" / "company_tickers.parquet")
    seen: set[str] = set()
    for cik, ticker, exchange, name in frame.select("cik", "ticker", "exchange", "name").iter_rows():
        if (
            exchange not in ("NYSE", "Nasdaq", "CBOE")
            or cik in seen
            or _WARRANT.match(ticker)
            or _NO_COMPANY.search(name)
        ):
            continue
        seen.add(cik)
        if len(seen) > MOST_AMERICAN:
            return
        yield ticker.replace("-", "."), short(_spelt(name)), ""


def _spelt(name: str) -> str:
    """Write a register's capitals as a newspaper would; short ones without a vowel stay ("KLA", "CVS")."""
    if not name.isupper():
        return name
    return " ".join(
        part if len(part) < 4 and not re.search("[AEIOUY]", part[1:]) else part.capitalize() for part in name.split()
    )


def _of_indices(packages: Path) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for index in _load(packages / "pytickersymbols" / "indices_data.py").INDICES.values():
        for company in index["companies"]:
            listings = {item["yahoo"]: item["google"] for item in company.get("symbols", ()) if item.get("yahoo")}
            home = company.get("symbol")
            american = [
                s for s, google in listings.items() if re.match(r"NYSE:|NASDAQ:", google or "") and "." not in s
            ]
            ticker = (american or [home] if home and "." in home else [home])[0]
            if ticker:
                yield ticker, short(company["name"]), home if home != ticker else ""


def _taiwanese(packages: Path) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for file, suffix in (("twse_equities.csv", ".TW"), ("tpex_equities.csv", ".TWO")):
        with (packages / "twstock" / "codes" / file).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["type"] == "股票" and is_han(row["name"][0]):
                    yield row["code"] + suffix, (row["name"].split("-")[0].rstrip("*"),), ""


def _chinese(packages: Path) -> dict[str, int]:
    """Give the words of Chinese with how often each is written, names left out."""
    out: dict[str, int] = {}
    for line in (packages / "jieba" / "dict.txt").read_text(encoding="utf-8").splitlines():
        word, often, kind = line.split(" ")
        if len(word) in (2, 3) and all(map(is_han, word)) and not kind.startswith(("nr", "nt", "nz")):
            out[fold(word)] = int(often)
    return out


def _guarded(row: Row, sides: Sides) -> Iterator[Row]:
    """Part a row's Chinese names of two characters from the others, each with the characters beside which it is none."""
    names = row.names.split("|")
    short_ones = [name for name in names if len(name) == 2 and all(map(is_han, name))]
    others = [name for name in names if name not in short_ones]
    if others or not short_ones:
        yield row._replace(names="|".join(others))
    for name in short_ones:
        yield row._replace(
            names=name, inside="/".join(_neighbours(fold(name), sides)), symbols="" if others else row.symbols
        )


def _sides(chinese: dict[str, int]) -> Sides:
    """Give, of each character, those that stand before it at the end of a word and after it at a word's begin, and how often."""
    before: dict[str, dict[str, int]] = {}
    after: dict[str, dict[str, int]] = {}
    for word, often in chinese.items():
        if often >= _SELDOM:
            for side, at, beside in ((before, word[-1], word[-2]), (after, word[0], word[1])):
                mine = side.setdefault(at, {})
                mine[beside] = max(mine.get(beside, 0), often)
    return before, after


def _neighbours(name: str, sides: Sides) -> tuple[str, ...]:
    """Give the characters that often stand before the first and after the second of two, in words that they end and begin.

    "国巨" has 跨 (跨国) before and 头 (巨头) after: with both beside it, it is no company.
    """
    both = (sides[0].get(name[0], {}), sides[1].get(name[1], {}))
    return tuple("".join(sorted(chars, key=lambda c: (-chars[c], c))[:_NEIGHBOURS]) for chars in both)


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
