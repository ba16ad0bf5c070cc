"""The lanes of a sweep: parameter sets by number in, their metrics out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.account import Account
from engine.arrays import bars_of, bars_per_year, hear, plan_of, years_of
from engine.compile import compiled_run, lane_rows, own_rows, rule_asks
from engine.events import Events
from engine.faults import Fault
from engine.grid import Grid
from engine.market import Market
from engine.strategy import Strategy
from kernels import layout as at
from kernels.layout import N_FIXED, Bars, Plan, Record
from kernels.metrics import METRICS, metrics
from kernels.steps import WIDTH

#: Lanes that one thread walks at a time.
_TASK = WIDTH * 32

Precision = Literal["float32", "float64"]


class Lanes:
    """One strategy over a grid, a market, events and an account, laid out once; walks any of its lanes by number.

    Parameters
    ----------
    strategy : the class, not an instance
    grid : which parameter sets
    fixed : options of the strategy, one value each
    borrow : table of asset, session, rate
    precision : of the walks
    threads : left out, one a processor

    Raises
    ------
    Fault
        When the strategy cannot work with what it is given.
    """

    def __init__(
        self,
        strategy: type[Strategy],
        grid: Grid,
        market: Market,
        events: Events | None = None,
        account: Account | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        borrow: pl.DataFrame | None = None,
        precision: Precision = "float32",
        threads: int | None = None,
    ) -> None:
        if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
            raise Fault(
                f"strategy is {strategy!r}, allowed is a class of Strategy; leave out the parentheses, and give values by name."
            )
        if precision not in ("float32", "float64"):
            raise Fault(f"precision is {precision!r}, allowed are 'float32' and 'float64'; choose one.")
        if threads is not None and threads < 1:
            raise Fault(f"threads is {threads}, allowed is 1 or more; leave it out for one a processor.")
        self.account = account or Account()
        if self.account.kind != "portfolio":
            raise Fault(
                f"account.kind is {self.account.kind!r}, allowed in a sweep is 'portfolio'; sweep one asset at a time for the like of "
                f"columns."
            )
        self.strategy, self.grid, self.fixed = strategy, grid, dict(fixed or {})
        self.market, self.events, self.borrow = market, events, borrow
        self.dtype = np.dtype(precision)
        self.threads = threads or os.cpu_count() or 1
        self._refuse_disallowed()
        first = self.made(0)
        first.check(market, events)
        self._settings = first.settings()
        self._windows = {
            name: sorted({int(w) for w in grid.axes[f.window]})
            for name, f in first.features.items()
            if isinstance(f.window, str) and f.window in grid.axes
        }
        self._news = hear(first, market, events, precision).news
        self._bars: Bars = bars_of(market, self.account, first, self.dtype, borrow, self._windows)
        self._plan: Plan = plan_of(market, self.account, first, "others" in rule_asks(strategy))
        self._terms = self.account.terms(self.dtype)
        self._years, self._yearly = years_of(market), bars_per_year(market, self.account)
        self._run = compiled_run(strategy, self.dtype)

    def __len__(self) -> int:
        return self.grid.size

    def made(self, lane: int) -> Strategy:
        """Make the strategy of one lane."""
        chosen = {name: float(v[0]) for name, v in self.grid.values(np.array([lane])).items()}
        return self.strategy(**self.fixed, **chosen)

    def _refuse_disallowed(self) -> None:
        size = len(self)
        unset = {name: declared.default for name, declared in self.strategy.parameters.items()}
        allowed = np.broadcast_to(self.strategy.allows({**unset, **self.grid.values(np.arange(size))}), (size,))
        if not allowed.all():
            refused = self.grid.values(np.flatnonzero(~allowed)[:1])
            shown = ", ".join(f"{name}={v[0]:g}" for name, v in refused.items())
            raise Fault(
                f"{self.strategy.name()} does not allow {int((~allowed).sum())} of {size} lanes (the first: {shown}); "
                f"leave them out with where=."
            )

    def metrics(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Walk the lanes of these numbers; (metric, lane) in the order of `METRICS`, NaN where a metric has no value.

        The answer for a lane does not depend on which others are asked for, nor on the number of threads.
        """
        params = self._params(numbers)
        # A block walks every bar that any of its lanes holds, so neighbours should hold alike: by time exit, then the rest.
        order = np.lexsort((*params[N_FIXED:], params[at.STOP], params[at.DECAY], params[at.HOLD]))
        tasks = [order[i : i + _TASK] for i in range(0, order.size, _TASK)]
        lanes = np.empty((at.N_LANE, order.size), self.dtype)
        parts = [np.ascontiguousarray(params[:, task]) for task in tasks]
        with ThreadPoolExecutor(self.threads) as pool:
            for task, walked in zip(tasks, pool.map(self._walk, parts), strict=True):
                lanes[:, task] = walked
        self._refuse_faults(lanes)
        account = self.account
        values = metrics(lanes, account.cash, len(self._bars.time), self._years, self._yearly, account.cash_rate)
        return np.stack([values[name] for name in METRICS]).astype(self.dtype)

    def _walk(self, params: npt.NDArray[Any]) -> npt.NDArray[Any]:
        lanes = np.zeros((at.N_LANE, params.shape[1]), self.dtype)
        nothing = Record(np.zeros((0, at.N_LEDGER)), np.zeros(1, np.int64), np.zeros((at.N_PATH, 0)))
        self._run(self._bars, self._news, self._terms, self._plan, params, lanes, nothing)
        return lanes

    def _params(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return the parameter table of some lanes; the rows of features point at their windows in the bank."""
        values: Mapping[str, Any] = {**self._settings, **self.grid.values(numbers)}
        rows = lane_rows(self.strategy, values, self.dtype)
        rows = np.array(np.broadcast_to(rows, (rows.shape[0], numbers.size)))
        offset, place = 0, N_FIXED + len(own_rows(self.strategy)) - len(self.strategy.features)
        for i, (name, feature) in enumerate(self.strategy.features.items()):
            windows = self._windows.get(name, [])
            if windows:
                rows[place + i] = offset + np.searchsorted(windows, np.asarray(values[str(feature.window)]))
            else:
                rows[place + i] = offset
            offset += max(len(windows), 1)
        return rows

    def _refuse_faults(self, lanes: npt.NDArray[Any]) -> None:
        faults = int(lanes[at.FAULTS].sum())
        if faults:
            raise Fault(
                f"{self.strategy.name()}.rule answered no finite number {faults} times, allowed are a weight, 0 and KEEP; guard the "
                f"rule against features that are not known yet (a comparison with one is false)."
            )
