"""The lanes of a sweep: parameter sets by number in, their metrics out."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from engine.account import Account
from engine.arrays import bars_of, bars_per_year, hear, plan_of, years_of
from engine.compile import lane_rows, own_rows, rule_asks
from engine.devices import choose, launcher, memory_of_machine
from engine.events import Events
from engine.faults import Failure, Fault
from engine.given import taken
from engine.grid import Grid, check_class, is_whole
from engine.market import Market
from engine.strategy import Strategy
from engine.summary import Summary
from engine.tables.table import Tabular
from kernels import layout as at
from kernels.launch import Basis, Work
from kernels.layout import N_FIXED, Bars
from kernels.metrics import METRICS
from kernels.steps import WIDTH

#: Lanes that one thread lays out, walks and measures at a time.
PIECE = 1 << 14
#: Lanes that a GPU takes at a time at least, where there are so many: two such pieces under way fill it, and leave work for every thread.
GPU_PIECE = 1 << 16
#: Pieces for each thread, where lanes are few: so many that none waits long for the others.
_TURNS = 2

Precision = Literal["float32", "float64"]
Numbers = npt.NDArray[np.int64]
Found = TypeVar("Found")


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
    device : see `engine.devices.choose`

    Attributes
    ----------
    device : the devices chosen, and a sentence about them

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
        events: Events | Tabular | None = None,
        account: Account | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        borrow: Tabular | None = None,
        precision: Precision = "float32",
        threads: int | None = None,
        device: str = "auto",
    ) -> None:
        check_class(strategy)
        if precision not in ("float32", "float64"):
            raise Fault(f"precision is {precision!r}, allowed are 'float32' and 'float64'; choose one.")
        if threads is not None and (not is_whole(threads) or threads < 1):
            raise Fault(f"threads is {threads!r}, allowed is a whole number from 1; leave it out for one a processor.")
        events, borrow = taken(market, events, account, borrow)
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
        first = self.made(0)
        first.check(market, events)
        self._settings = first.settings()
        self._windows = {
            name: [int(w) for w in grid.distinct(f.window)]
            for name, f in first.features.items()
            if isinstance(f.window, str) and f.window in grid.axes
        }
        self._refuse_windows()
        self._news = hear(first, market, events, precision).news
        self._bars: Bars = bars_of(market, self.account, first, self.dtype, borrow, self._windows)
        bounds = [n for n in ("stop", "trail", "take") if np.isfinite(grid.axes.get(n, self._settings[n])).any()]
        plan = plan_of(market, self.account, first, "others" in rule_asks(strategy))
        plan = plan._replace(bounded=bool(bounds), trails="trail" in bounds)
        terms, cash, rate = self.account.terms(self.dtype), float(self.account.cash), float(self.account.cash_rate)
        basis = Basis(cash, len(self._bars.time), years_of(market), bars_per_year(market, self.account), rate)
        self.device = choose(device)
        work = Work(self._bars, self._news, terms, plan, basis)
        self._launcher = launcher(strategy, work, self.dtype, self.device, PIECE)

    def __len__(self) -> int:
        return self.grid.size

    @property
    def piece(self) -> int:
        """Lanes that are best walked at a time."""
        return self._launcher.piece

    def pieces(self, low: int, high: int) -> Iterator[Numbers]:
        """Cut the lanes from `low` to before `high` into pieces that keep every thread, or every GPU, busy."""
        share = -(-(high - low) // (_TURNS * self.threads))
        least, most = (GPU_PIECE, self.piece) if self.device.devices else (WIDTH, PIECE)
        size = min(most, max(least, -(-share // WIDTH) * WIDTH))
        return (np.arange(start, min(start + size, high)) for start in range(low, high, size))

    @property
    def nbytes(self) -> int:
        """Bytes of the market as it is laid out."""
        return sum(array.nbytes for array in self._bars)

    def made(self, lane: int) -> Strategy:
        """Make the strategy of one lane."""
        chosen = {name: float(v[0]) for name, v in self.grid.values(np.array([lane])).items()}
        return self.strategy(**self.fixed, **chosen)

    def metrics(self, numbers: Numbers) -> npt.NDArray[Any]:
        """Walk the lanes of these numbers; (metric, lane) in the order of `METRICS`, NaN where a metric has no value.

        The answer for a lane does not depend on which others are asked for, nor on the number of threads.
        """
        size = min(self.piece, max(-(-numbers.size // self.threads), WIDTH))
        pieces = [numbers[low : low + size] for low in range(0, numbers.size, size)]
        found = list(self.each(pieces, lambda _, values: values))
        return np.concatenate(found, axis=1) if found else np.empty((len(METRICS), 0), self.dtype)

    def each(self, pieces: Iterable[Numbers], work: Callable[[Numbers, npt.NDArray[Any]], Found]) -> Iterator[Found]:
        """Walk pieces of lanes on all threads, hand each piece's numbers and metrics to `work`, and give its answers in order.

        `work` is called on the thread that walked the piece, so on several at once.
        """
        with ThreadPoolExecutor(self.threads) as pool:
            ahead: deque[Future[Found]] = deque()
            try:
                for numbers in pieces:
                    ahead.append(pool.submit(lambda n: work(n, self._measured(n)), numbers))
                    if len(ahead) > 2 * self.threads:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def add_to(
        self,
        summary: Summary,
        pieces: Iterable[Numbers],
        also: Callable[[Numbers, npt.NDArray[Any]], Found],
    ) -> Iterator[tuple[int, Found]]:
        """Walk pieces of lanes into a summary on all threads; give for each piece, in order, how many lanes, and what `also` answers.

        The summary holds them once the last piece is given.
        """
        parts = [summary, *(summary.empty() for _ in range(self.threads - 1))]
        spare: SimpleQueue[Summary] = SimpleQueue()
        for part in parts:
            spare.put(part)

        def add(numbers: Numbers, values: npt.NDArray[Any]) -> tuple[int, Found]:
            part = spare.get()
            try:
                part.add(numbers, values)
            finally:
                spare.put(part)
            return numbers.size, also(numbers, values)

        yield from self.each(pieces, add)
        for part in parts[1:]:
            summary.merge(part)

    def _measured(self, numbers: Numbers) -> npt.NDArray[Any]:
        params = self._params(numbers)
        order = _alike(params)
        try:
            values, faults = self._launcher.measure(np.ascontiguousarray(params[:, order]))
        except MemoryError as error:
            raise Failure(str(error)) from None
        self._refuse_faults(faults)
        found = np.empty_like(values)
        found[:, order] = values
        return found

    def _params(self, numbers: Numbers) -> npt.NDArray[Any]:
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

    def _refuse_windows(self) -> None:
        count = sum(len(windows) for windows in self._windows.values())
        size = 2 * 8 * count * len(self.market.assets) * self.market.days.size
        if size > memory_of_machine():
            names = sorted({str(self.strategy.features[name].window) for name in self._windows})
            raise Fault(
                f"the features of {self.strategy.name()} over {count:,} windows take {size / 2**30:,.1f} GiB, allowed are the "
                f"{memory_of_machine() / 2**30:,.1f} GiB of this machine; take fewer values of {', '.join(names)}."
            )

    def _refuse_faults(self, faults: int) -> None:
        if faults:
            raise Fault(
                f"{self.strategy.name()}.rule answered no finite number {faults} times, allowed are a weight, 0 and KEEP; guard the "
                f"rule against features that are not known yet (a comparison with one is false)."
            )


def _alike(params: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return an order of lanes in which neighbours hold alike: by time exit, then the strategy's own rows, then the rest.

    A block walks every bar that any of its lanes holds. Each row is cut into few steps, so that one number orders a lane.
    """
    exits = [params[at.DECAY], params[at.STOP], params[at.TRAIL], params[at.TAKE]]
    rows = [params[at.HOLD], *params[N_FIXED:], *exits]
    varied = [row for row in rows if row.size and row.min() < row.max()]
    key = np.zeros(params.shape[1], np.uint64)
    bits = min(64 // max(len(varied), 1), 16)
    for row in varied:
        finite = row[np.isfinite(row)].astype(np.float64)
        low, high = finite.min(), finite.max()
        step = np.minimum((row - low) / ((high - low) or 1.0), 1.0) * ((1 << bits) - 1)
        key = (key << np.uint64(bits)) | step.astype(np.uint64)
    return np.argsort(key)
