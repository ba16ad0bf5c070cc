"""What lanes are walked over: a market laid out for the account, options and delay of one scenario; made when it is first needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import polars as pl

from engine.account import Account
from engine.arrays import bars_of, bars_per_year, hear, lay_out, plan_of, traits_of, years_of
from engine.compile import rule_asks
from engine.devices import Chosen, launcher, memory_of_machine
from engine.events import Events
from engine.faults import Fault
from engine.grid import Grid
from engine.market import Market
from engine.scenarios import DELAY
from engine.strategy import Strategy
from kernels.launch import Basis, Launcher, Work
from kernels.layout import Bars, News

#: Scenarios that are kept laid out on a processor at least, and on a GPU; and the share of the machine's memory for more of them.
_KEPT, _KEPT_ON_GPU, _SHARE = 8, 2, 1 / 16


@dataclass(frozen=True)
class Stage:
    """One scenario, laid out.

    Attributes
    ----------
    rate, heard : what it was made for: the borrow rate, on which prices depend; options and delay, on which news do
    work, launcher : what every lane has in common; what walks them
    nbytes : bytes of what was made for it alone
    """

    rate: float
    heard: tuple[int, ...]
    work: Work
    launcher: Launcher
    nbytes: int


@dataclass(frozen=True)
class Given:
    """What a sweep is made of: what is common to all lanes, and the grid, whose scenarios say what is not."""

    strategy: type[Strategy]
    grid: Grid
    market: Market
    events: Events | None
    account: Account
    options: Mapping[str, Any]
    borrow: pl.DataFrame | None
    dtype: np.dtype[Any]

    def account_of(self, scenario: int) -> Account:
        """Return the account of one scenario."""
        return self.grid.scenarios.account(scenario, self.account)

    def events_of(self, scenario: int) -> Events | None:
        """Return the events of one scenario."""
        delay = self.grid.scenarios.delay(scenario)
        return self.events.delayed(delay) if self.events is not None and delay else self.events

    def made(self, scenario: int, lane: int = 0) -> Strategy:
        """Make the strategy of one lane with the options of a scenario."""
        values = {name: float(v[0]) for name, v in self.grid.values(np.array([lane], np.int64)).items()}
        return self.strategy(**{**self.options, **self.grid.scenarios.options(scenario), **values})

    def check(self) -> None:
        """Refuse settings that are given twice, and options or delays with which the strategy cannot work."""
        scenarios = self.grid.scenarios
        for setting in scenarios.settings:
            if setting.name in self.options:
                raise Fault(f"{setting.name} must be given once (got it beside settings too); leave one out.")
            if setting.name == DELAY and self.events is None:
                raise Fault(f"{DELAY} must have events to delay (got none); give them.")
        seen = {self.heard(number): number for number in reversed(range(len(scenarios)))}
        for number in seen.values():
            self.made(number).check(self.market, self.events_of(number))

    def heard(self, scenario: int) -> tuple[int, ...]:
        """Return on what the news of a scenario depend: which values its options and its delay have."""
        scenarios = self.grid.scenarios
        return tuple(p for s, p in zip(scenarios.settings, scenarios.places[scenario].tolist(), strict=True) if s.heard)


class Stages:
    """The stages of a grid's scenarios; the first is always there, a few others are kept, and share what they have in common.

    Parameters
    ----------
    windows : for each feature the windows that the lanes use
    bounds : which of stop, trail and take any lane has
    piece : lanes that a processor takes at a time
    """

    def __init__(
        self, given: Given, windows: Mapping[str, Sequence[int]], bounds: Sequence[str], device: Chosen, piece: int
    ) -> None:
        self._given, self._bounds, self._device, self._piece = given, bounds, device, piece
        self._lock = Lock()
        self._kept: OrderedDict[int, Stage] = OrderedDict()
        first = given.made(0)
        self._bars = bars_of(given.market, given.account_of(0), first, given.dtype, given.borrow, windows)
        self.first = self._made(0, self._bars, self._news(0), sum(a.nbytes for a in self._bars))

    @property
    def nbytes(self) -> int:
        """Bytes of the stages that may be there at once."""
        more = min(len(self._given.grid.scenarios) - 1, _KEPT)
        each: int = sum(a.nbytes for a in (self._bars.price, *self.first.work.news))
        return self.first.nbytes + more * each

    def of(self, scenario: int) -> Stage:
        """Return the stage of one scenario."""
        if scenario == 0:
            return self.first
        with self._lock:
            found = self._kept.pop(scenario, None) or self._next(scenario)
            self._kept[scenario] = found
            self._drop()
            return found

    def _news(self, scenario: int) -> News:
        return hear(
            self._given.made(scenario), self._given.market, self._given.events_of(scenario), self._given.dtype
        ).news

    def _next(self, scenario: int) -> Stage:
        """Lay out a scenario; prices are shared with one that has its borrow rate, news with one that has its options and delay."""
        given, near = self._given, [*reversed(self._kept.values()), self.first]
        rate, heard = given.account_of(scenario).borrow_rate, given.heard(scenario)
        priced = next((stage.work.bars for stage in near if stage.rate == rate), None)
        news = next((stage.work.news for stage in near if stage.heard == heard), None)
        price, fresh = priced.price if priced else self._price(scenario), 0 if priced else self._bars.price.nbytes
        if news is None:
            news = self._news(scenario)
            fresh += sum(a.nbytes for a in news)
        trait, managed = traits_of(given.market, given.made(scenario), given.dtype)
        bars = self._bars._replace(price=price, trait=trait, managed=managed)
        return self._made(scenario, bars, news, fresh)

    def _price(self, scenario: int) -> Any:
        given = self._given
        return lay_out(given.market, given.account_of(scenario), given.borrow).price.astype(given.dtype, copy=False)

    def _made(self, scenario: int, bars: Bars, news: News, fresh: int) -> Stage:
        given, account = self._given, self._given.account_of(scenario)
        plan = plan_of(given.market, account, given.made(scenario), "others" in rule_asks(given.strategy))
        plan = plan._replace(bounded=bool(self._bounds), trails="trail" in self._bounds)
        basis = Basis(
            account.cash, len(bars.time), years_of(given.market), bars_per_year(given.market, account), account.cash_rate
        )  # fmt: skip
        work = Work(bars, news, account.terms(given.dtype), plan, basis)
        walks = launcher(given.strategy, work, given.dtype, self._device, self._piece)
        return Stage(account.borrow_rate, given.heard(scenario), work, walks, fresh)

    def _drop(self) -> None:
        """Keep no more stages than a few, or than the memory takes easily."""
        least = _KEPT_ON_GPU if self._device.devices else _KEPT
        room = 0.0 if self._device.devices else _SHARE * memory_of_machine()
        while len(self._kept) > least and sum(stage.nbytes for stage in self._kept.values()) > room:
            self._kept.popitem(last=False)
