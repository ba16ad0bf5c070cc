"""Which names stand in a text: all of them found at once, then each asked whether it means the company here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Final

from engine.reader.fold import is_han
from engine.reader.introduced import introduced
from engine.reader.lexicon import Lexicon
from engine.reader.names.build import Entity
from engine.reader.names.context import is_company, is_spelt_as_a_name
from engine.reader.symbols import Symbol, could_be_year, of_code, symbols
from engine.reader.terms import Hit, Term

_BESIDE: Final = 60  # characters on either side in which the words of `without` are looked for
_OPENING: Final = (
    "stocks",
    "equities",
)  # the market where they open a sentence: "Stocks slump", but "TSMC Stocks Fell"
_OPENS: Final = re.compile(r"(?:^|[\n.:;!?|–—\-]\s*[\"']?)$")
_NO_GROUP: Final = "价份东票本权息"  # "某某科技|股价" holds no 科技股
# Where the companies trade that a text of a language means by a name that several bear; the first that fits.
_PLACES: Final = {
    "en": ("US", "GB", "CA", "AU", "IN", "HK", "SG"),
    "fr": ("FR", "BE", "CH", "LU", "US"),
    "zh-Hans": ("CN", "HK", "US", "TW"),
    "zh-Hant": ("TW", "HK", "US", "CN"),
}
Day = Callable[[], dt.date | None]
Tongue = Callable[[], str]


def named_in(lexicon: Lexicon, folded: str, text: str, *, tongue: Tongue, day: Day, ticker: str = "") -> list[Hit]:
    """Find the names in a text.

    Parameters
    ----------
    folded, text
        The text as `fold` gives it and as it was; of one length.
    tongue
        Gives its language: "en", "fr", "zh-Hans", "zh-Hant"; asked only where a name or a code is that of several companies.
    day
        Gives the day of its publication, None where it is not known; asked only for names that have changed hands.
    ticker
        What the document is about by its source, "" where nothing says.

    Returns
    -------
    list of Hit
        Sorted by start, longer ones first; a name inside a longer name is left out.
    """
    sure: list[Hit] = []
    asked: list[tuple[Hit, Term]] = []
    for start, end, terms in lexicon.names.matches(folded, text):
        first = terms[0]
        if len(terms) > 1 or first.without or first.since or first.until or first.tongue or folded[end - 1] in "股s":
            fitting = [
                term for term in terms
                if _fits(term, folded, start, end) and _in_use(term, day) and (not term.tongue or term.tongue == tongue())
            ]  # fmt: skip
            meant = _one_of(fitting, tongue)
        else:
            meant = terms
        for term in meant:
            stop = end
            if term.tail and (stop := term.tail_end(folded, end)) < 0:
                continue
            hit = Hit(start, stop, term.role, term.key)
            if not term.word:
                sure.append(hit)
            elif is_spelt_as_a_name(text[start:end]):
                (asked.append((hit, term)) if term.word == "word" else sure.append(hit))
    given = [found for symbol in symbols(text) if (found := _of_symbol(symbol, lexicon, folded, sure, day, tongue))]
    if given:
        sure += [*given, *introduced(given, text, folded, sure)]
    known = {hit.key for hit in sure} | ({ticker} if ticker else set())
    sure += [hit for hit, _ in asked if hit.key in known or is_company(hit.start, hit.end, folded, text, sure)]
    sure.sort(key=lambda hit: (hit.start, -hit.end, hit.role))
    return _without_inner(sure)


def _fits(term: Term, folded: str, start: int, end: int) -> bool:
    if folded[start:end] in _OPENING and _OPENS.search(folded, max(0, start - 6), start) is None:
        return False
    if folded[end - 1] == "股" and folded[end : end + 1] in _NO_GROUP and end < len(folded):
        return False
    if not term.without:
        return True
    beside = folded[max(0, start - _BESIDE) : end + _BESIDE]
    return not any(word in beside for word in term.without)


def _in_use(term: Term, day: Day) -> bool:
    if term.since is None and term.until is None:
        return True
    when = day()
    if when is None:  # today's meaning
        return term.until is None
    return (term.since or dt.date.min) <= when <= (term.until or dt.date.max)


def _one_of(terms: list[Term], tongue: Tongue) -> list[Term]:
    """Of the companies that bear a name give the one that a text of this language means; none where that stays open."""
    if len(terms) < 2:
        return terms
    placed = [term for term in terms if term.place]
    if len({term.key for term in placed}) < 2:
        return terms
    for place in _PLACES.get(tongue(), _PLACES["en"]):
        fitting = [term for term in placed if term.place == place]
        if fitting:
            return [*(term for term in terms if not term.place), fitting[0]]
    return [term for term in terms if not term.place]


def resolve(symbol: str, lexicon: Lexicon, day: Day) -> str:
    """Give the ticker that a symbol stands for on a day: its own, that of its company's main listing, or what it became."""
    terms = lexicon.symbols.get(symbol, ())
    for term in terms:
        if _in_use(term, day):
            return term.key
    return "" if terms else symbol


def _of_symbol(symbol: Symbol, lexicon: Lexicon, folded: str, names: list[Hit], day: Day, tongue: Tongue) -> Hit | None:
    """Turn a symbol in a text into a name; one that only stands in brackets must belong to the name before them."""
    if symbol.sure:
        key = resolve(symbol.ticker, lexicon, day)
        if not key:
            return Hit(symbol.start, symbol.end, "nobody", "nobody")
        lexicon.entities.setdefault(key, Entity(key, "asset", (key,)))
        return Hit(symbol.start, symbol.end, "asset", key)
    before = folded[: symbol.start].rstrip()
    if not before or not (before[-1].isalnum() or before[-1] in ".!\"'"):
        return None
    bearer = next((hit for hit in names if hit.end == len(before) and hit.role == "asset"), None)
    for candidate in _candidates(symbol.ticker, tongue):
        if candidate not in lexicon.symbols:
            continue
        key = resolve(candidate, lexicon, day)
        if not key:
            continue
        if bearer is not None:
            if bearer.key == key:
                return Hit(symbol.start, symbol.end, "asset", key)
        elif _belongs(key, symbol, before, lexicon):
            return Hit(symbol.start, symbol.end, "asset", key)
    six = of_code(symbol.ticker)
    if six and bearer is None and is_han(before[-1]):
        lexicon.entities.setdefault(six, Entity(six, "asset", (six,)))
        return Hit(symbol.start, symbol.end, "asset", six)
    return None


def _candidates(code: str, tongue: Tongue) -> list[str]:
    if not code.isdigit():
        return [code]
    if len(code) == 6:
        return [of_code(code), f"{code}.KS"]
    padded = f"{int(code):04d}"
    taiwan = [f"{code}.TW", f"{code}.TWO"] if len(code) == 4 else []
    hong_kong = [f"{padded}.HK"] if len(padded) == 4 else []
    tokyo = [f"{code}.T"] if len(code) == 4 else []
    return [*taiwan, *hong_kong, *tokyo] if tongue() == "zh-Hant" else [*hong_kong, *taiwan, *tokyo]


def _belongs(key: str, symbol: Symbol, before: str, lexicon: Lexicon) -> bool:
    """Tell whether the words before a bracket can be the name of the company whose symbol is in it."""
    if symbol.ticker.isdigit():
        return not could_be_year(symbol.ticker) and is_han(before[-1])
    word = re.split(r"[^\w'&.-]+", before)[-3:]
    tokens = lexicon.tokens.get(key, ())
    return any(len(part) > 2 and part.strip(".'") in tokens for part in word)


def _without_inner(hits: list[Hit]) -> list[Hit]:
    """A name that lies within a longer name is no name of its own ("Apple" in "apple pie"); nobody is then dropped."""
    out: list[Hit] = []
    reach = -1
    for hit in hits:
        if hit.start < reach:  # "英伟达美股" holds no 达美
            continue
        reach = hit.end
        if hit.role != "nobody":
            out.append(hit)
    return out


def as_symbol(text: str) -> str:
    """Read what a table's own column of tickers holds: "NVDA", "NASDAQ:NVDA", "['NVDA', 'AMD']" (the first), "nvda".

    >>> as_symbol("['NVDA', 'AMD']"), as_symbol("NASDAQ:NVDA"), as_symbol("600519.SH"), as_symbol(" mc.pa "), as_symbol("-")
    ('NVDA', 'NVDA', '600519.SS', 'MC.PA', '')
    """
    first = next((part for part in re.split(r"[\s,;|\[\]'\"]+", text.strip().upper()) if part), "")
    found = next((symbol.ticker for symbol in symbols(first) if symbol.sure), "")
    if found:
        return found
    first = first.lstrip("$")
    if re.fullmatch(r"\d{6}", first):
        return of_code(first)
    return first if re.fullmatch(r"[A-Z0-9][A-Z0-9.\-^=]{0,11}", first) else ""


def subject_of(column: str, lexicon: Lexicon, names: list[Hit], tongue: Tongue, day: Day) -> str:
    """Give the ticker that a table's own column means for a document; "" where it names nobody.

    A bare code of another exchange ("MC", "SAN" in a table of Paris) is that of the company that the text names, else, in a
    French text, that of Paris.
    """
    code = as_symbol(column)
    told = {hit.key for hit in names if hit.role == "asset"}
    choices = [code, *lexicon.bare_codes.get(code, ())]
    meant = next((choice for choice in choices if resolve(choice, lexicon, day) in told), code)
    if meant == code and f"{code}.PA" in choices and tongue() == "fr":
        meant = f"{code}.PA"
    ticker = resolve(meant, lexicon, day)
    if ticker:
        lexicon.entities.setdefault(ticker, Entity(ticker, "asset", (ticker,)))
    return ticker
