"""Which exchange a listed name is traded on, and its sessions, without the seconds that a full calendar takes to build."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.tables.zones import zone_info

_TABLE: Final = Path(__file__).parent / "sessions.csv"
_HOME: Final = "XNYS"
_CLOSES: Final = "17:00"  # of an exchange that the table lacks: weekdays, and no holidays
_DAY: Final = dt.timedelta(days=1)
_PREMARKET: Final = dt.time(4)  # New York trades from then on
_INDEXES: Final = {
    "^FCHI": "XPAR", "^GDAXI": "XETR", "^STOXX": "XETR", "^STOXX50E": "XETR", "^FTSE": "XLON", "^IBEX": "XMAD", "^SSMI": "XSWX", "^OMX": "XSTO",
    "^OSEAX": "XOSL", "^ATX": "XWBO", "^AEX": "XAMS", "^BFX": "XBRU", "^N225": "XTKS", "^TOPX": "XTKS", "^HSI": "XHKG", "^HSCE": "XHKG",
    "^HSTECH": "XHKG", "^TWII": "XTAI", "^KS11": "XKRX", "^KQ11": "XKRX", "^AXJO": "XASX", "^NZ50": "XNZE", "^BSESN": "XBOM", "^NSEI": "XBOM",
    "^JKSE": "XIDX", "^GSPTSE": "XTSE", "^BVSP": "BVMF", "^STI": "XSES", "^KLSE": "XKLS",
}  # fmt: skip
_FUNDS: Final = frozenset(("SPY", "QQQ", "DIA", "IWM", "SMH", "IXIC", "DJI", "SOX", "NDX", "RUT", "SPX"))
# What says of a company with a symbol in New York that its shares elsewhere are meant.
_ELSEWHERE: Final = {
    "XHKG": re.compile(r"港股|香港|恒指|恒生|恒科|港元|港交所|\bhong kong\b"),
    "XPAR": re.compile(r"bourse de paris|\ba paris\b|\bcac\b|\bparis bourse\b"),
    "XTAI": re.compile(r"台股|台湾股市|加权指数"),
}
_NEW_YORK: Final = re.compile(
    r"美股|纽约|华尔街|\badrs?\b|wall street|new york|\bnyse\b|nasdaq|纳指|标普|道指|\bu\.?s\.? "
)


@dataclass(frozen=True)
class Market:
    """The sessions of one exchange, by rule: every day but those of the weekend and the holidays.

    Attributes
    ----------
    code
        Its code in exchange_calendars.
    zone
        IANA name.
    opens, closes
        The usual hours, on its own clock.
    weekend
        Weekdays (Monday is 0) without sessions.
    holidays
        Other days without.
    early
        The closes of short days.
    """

    code: str
    zone: str
    opens: dt.time
    closes: dt.time
    weekend: frozenset[int] = frozenset((5, 6))
    holidays: frozenset[dt.date] = frozenset()
    early: dict[dt.date, dt.time] = field(default_factory=dict)

    def local(self, at: dt.datetime) -> dt.datetime:
        """Give an instant on the exchange's own clock."""
        return at.astimezone(zone_info(self.zone))

    def is_session(self, day: dt.date) -> bool:
        """Tell whether the exchange is open on a day."""
        return day.weekday() not in self.weekend and day not in self.holidays

    def last(self, day: dt.date) -> dt.date:
        """Give the last session up to a day."""
        while not self.is_session(day):
            day -= _DAY
        return day

    def before(self, day: dt.date) -> dt.date:
        """Give the session before a day."""
        return self.last(day - _DAY)

    def closed(self, at: dt.datetime) -> dt.date:
        """Give the last session that had closed at an instant."""
        here = self.local(at)
        day = here.date()
        return self.last(day if here.time() >= self.early.get(day, self.closes) else day - _DAY)

    def begun(self, at: dt.datetime, *, premarket: bool = False) -> dt.date:
        """Give the last session that had opened at an instant; with `premarket`, that was traded before its open."""
        here = self.local(at)
        first = _PREMARKET if premarket and self.code == _HOME else self.opens
        return self.last(here.date() if here.time() >= first else here.date() - _DAY)


def market_of(asset: str, *said: str) -> Market:
    """Give the exchange of a listed name, by its suffix; New York's where it has none.

    Parameters
    ----------
    asset
        Its ticker, in Yahoo's spelling.
    said
        Folded texts, the nearest first, that may say that a company's shares elsewhere are meant ("港股", "à la Bourse de Paris").
    """
    code = _code(asset)
    if code == _HOME and not asset.startswith("^"):
        for text in said:
            if _NEW_YORK.search(text):
                break
            named = [where for where, form in _ELSEWHERE.items() if form.search(text)]
            if len(named) == 1:
                return _market(named[0])
    return _market(code)


def new_york() -> Market:
    """Give the market of New York."""
    return _market(_HOME)


def is_index(asset: str) -> bool:
    """Tell an index, or the fund that stands for one, from a company: it is not traded before the open."""
    return asset.startswith("^") or asset in _FUNDS


@functools.cache
def _code(asset: str) -> str:
    if asset in _INDEXES:
        return _INDEXES[asset]
    _, dot, suffix = asset.rpartition(".")
    return _suffixes().get(suffix, _HOME) if dot else _HOME


@functools.cache
def _suffixes() -> dict[str, str]:
    from engine.prices.exchanges import EXCHANGES  # noqa: PLC0415 - with all that imports prices; a reader of falls alone wants it

    # One letter behind a dot is a class of shares ("BRK.B"), but for London, Frankfurt and Tokyo.
    return {
        suffix: code
        for code, exchange in EXCHANGES.items()
        for suffix in exchange.suffixes
        if len(suffix) > 1 or suffix in "LFT"
    }


@functools.cache
def _market(code: str) -> Market:
    from engine.prices.exchanges import EXCHANGES  # noqa: PLC0415

    exchange, told = EXCHANGES[code], _table().get(code)
    opens = dt.time.fromisoformat(exchange.opens)
    if told is None:
        return Market(code, exchange.zone, opens, dt.time.fromisoformat(_CLOSES))
    short = (day.partition("T")[::2] for day in told["early"].split())
    return Market(
        code, exchange.zone, opens, dt.time.fromisoformat(told["closes"]), frozenset(map(int, told["weekend"])),
        frozenset(map(dt.date.fromisoformat, told["holidays"].split())),
        {dt.date.fromisoformat(day): dt.time.fromisoformat(f"{at[:2]}:{at[2:]}") for day, at in short},
    )  # fmt: skip


@functools.cache
def _table() -> dict[str, dict[str, str]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {row["exchange"]: row for row in csv.DictReader(file)}
