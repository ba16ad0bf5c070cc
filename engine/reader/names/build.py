"""Put names together: the user's table first, then the lexicon's, then the table that comes with the package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.reader.fold import fold
from engine.reader.names.table import Listed, shared, short_forms
from engine.reader.terms import Role, Term, Terms

UNKNOWN: Final = "unknown"  # the key of a company that no table knows


@dataclass(frozen=True)
class Entity:
    """Somebody that a text can name: a listed company, a group, a private company, a person."""

    key: str
    role: Role
    assets: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # listed names that may stand for a group where a story names them
    weak: bool = False  # so broad a group that it only counts where no other name stands
    topic: bool = False  # what people talk about; it has no price
    index: bool = False
    far: bool = False  # an index or market other than New York's: its small moves are no news here
    rival: bool = False
    firm: str = ""  # whom a person speaks for
    speaks: bool = False  # a bank, a broker or a publisher whose people speak of others
    era: str = ""  # beside this concept the name stands for an age ("the Cisco of the dot-com years")


class Build:
    """The names of one lexicon while they are put together; what came first keeps a name.

    Attributes
    ----------
    entities
        By key: tickers, ``group:...``, ``private:...``, ``person:...``, and ``unknown``: a company that nobody here knows.
    names
        All names.
    symbols
        What a text may write in place of a ticker: an older symbol, another listing.
    notes
        What the user should know of the table given.
    """

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {UNKNOWN: Entity(UNKNOWN, "unknown")}
        self.names = Terms()
        self.symbols: dict[str, list[Term]] = {}
        self.notes: list[str] = []
        self._own: set[str] = set()

    def own(self, rows: Sequence[Listed]) -> None:
        """Add a user's table, whose names win over all others."""
        refused: set[str] = set()
        for item in shared(rows):
            lines = ", ".join(f"{row.ticker} (line {row.line})" for row in item.rows)
            if item.decided:
                self.notes.append(
                    f"{item.name!r} is {lines}; the language of the text decides between their exchanges."
                )
            else:
                refused.add(fold(item.name))
                self.notes.append(
                    f"{item.name!r} is {lines} and names nobody; leave it to one of them, or give exchanges or days that differ."
                )
        spoken = {key for row in rows for key in row.keys}
        forms = (form for row in rows for form in short_forms(row) if form.keys[0] not in spoken)
        small = 0
        for row in (*rows, *forms):
            small += sum(len(key) == 1 for key in row.keys)
            self._listed(row, lambda key: len(key) > 1 and key not in refused)
            self._own.update(row.keys)
        self._own -= refused
        if small:
            self.notes.append(f"{small} names of one letter or character are left out; give longer ones.")

    def asset(self, ticker: str, item: Mapping[str, Any]) -> None:
        """Add an entry of the lexicon's section `assets`."""
        self.entities[ticker] = Entity(
            ticker,
            "asset",
            (ticker,),
            index=bool(item.get("index")),
            far=_is_far(ticker, item),
            era=item.get("era", ""),
        )
        term = Term("asset", ticker, without=tuple(fold(word) for word in item.get("without", ())))
        for name in item.get("names", ()):
            self._unless_own(name, term)
        for name in item.get("cased", ()):
            self._unless_own(name, term._replace(cased=name))
        for name in item.get("words", ()):
            self._unless_own(name, term._replace(word="word"))
        for symbol in item.get("tickers", ()):
            self.names.add(symbol, Term("asset", ticker, cased=symbol))
            self._symbol(symbol, Term("asset", ticker))
        for symbol in item.get("marked", ()):
            self.names.add(symbol, Term("asset", ticker, cased=symbol, marked=True))
            self._symbol(symbol, Term("asset", ticker))

    def somebody(self, role: Role, name: str, item: Mapping[str, Any]) -> None:
        """Add a group, a private company or a person."""
        key = f"{role}:{name}"
        assets = tuple(item.get("assets", ()))
        self.entities[key] = Entity(
            key, role, assets, tuple(item.get("members", assets)), weak=bool(item.get("weak")), topic=bool(item.get("topic")),
            far=bool(item.get("weak")) and any(_is_far(asset, {"index": True}) for asset in assets), rival=bool(item.get("rival")), firm=str(item.get("firm", "")),
        )  # fmt: skip
        for alias in item.get("names", ()):
            self._unless_own(alias, Term(role, key))
        for alias in item.get("cased", ()):
            self._unless_own(alias, Term(role, key, cased=alias))

    def rest(self, rows: Iterable[Listed]) -> None:
        """Add the table that comes with the package: the names that nobody bears yet."""
        for row in rows:
            self._listed(row, lambda key: bool(key) and not self.names.has(key))

    def _unless_own(self, name: str, term: Term) -> None:
        if fold(name) not in self._own:
            self.names.add(name, term)

    def _listed(self, row: Listed, wanted: Callable[[str], bool]) -> None:
        entity = self.entities.get(row.ticker)
        if entity is None:
            entity = Entity(row.ticker, "asset", (row.ticker,), index=row.ticker.startswith("^"), speaks=row.speaks)
        self.entities[row.ticker] = replace(entity, speaks=True) if row.speaks and not entity.speaks else entity
        term = Term(
            "asset", row.ticker, word=row.word, place=row.place, since=row.since, until=row.until, without=row.without, inside=row.inside,
            tongue=row.tongue,
        )  # fmt: skip
        for name, key in zip(row.names, row.keys, strict=True):
            if wanted(key):
                short = len(name) <= 4 and name.isascii() and (name.isupper() or len(name) == 2)
                self.names.add_name(key, term._replace(cased=name) if short else term)
        for symbol in (row.ticker, *row.symbols):
            self._symbol(symbol, term)

    def _symbol(self, symbol: str, term: Term) -> None:
        self.symbols.setdefault(symbol, []).append(term)


def _is_far(ticker: str, item: Mapping[str, Any]) -> bool:
    return bool(item.get("index")) and (not ticker[0].isalpha() or "." in ticker or ticker in ("AAXJ", "KWEB"))
