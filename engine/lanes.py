"""The lanes of a sweep: parameter sets by number in, their metrics out."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.account import Account
from engine.arrays import check_given
from engine.backtest import backtest
from engine.compile import lane_rows, own_rows
from engine.devices import Chosen, choose, memory_of_machine
from engine.events import Events
from engine.faults import Failure, Fault
from engine.grid import Grid, check_class
from engine.market import Market
from engine.number import is_whole
from engine.stages import Given, Stages
from engine.strategy import Strategy
from engine.summary import Summary
from kernels import layout as at
from kernels.launch import Launcher
from kernels.layout import N_FIXED
from kernels.metrics import METRICS, OF_DEVIATION, SKEWNESS
from kernels.ranking import keys_of
from kernels.steps import WIDTH

#: Lanes that one thread lays out, walks and measures at a time.
PIECE = 1 << 14
#: Lanes that a GPU takes at a time at least, where there are so many: two such pieces under way fill it, and leave work for every thread.
GPU_PIECE = 1 << 16
#: Pieces for each thread, where lanes are few: so many that none waits long for the others.
_TURNS = 2

_OF_DEVIATION = np.array([METRICS.index(name) for name in OF_DEVIATION])

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
        device: str = "auto",
    ) -> None:
        check_class(strategy)
        if precision not in ("float32", "float64"):
            raise Fault(f"precision is {precision!r}, allowed are 'float32' and 'float64'; choose one.")
        if threads is not None and (not is_whole(threads) or threads < 1):
            raise Fault(f"threads is {threads!r}, allowed is a whole number from 1; leave it out for one a processor.")
        check_given(market, events, account)
        self.account = account or Account()
        if self.account.kind != "portfolio":
            raise Fault(
                f"account.kind is {self.account.kind!r}, allowed in a sweep is 'portfolio'; sweep one asset at a time for the like of "
                f"columns."
            )
        self.strategy, self.grid, self.fixed = strategy, grid, dict(fixed or {})
        self.market, self.events, self.borrow = market, events, borrow
        self.dtype = np.dtype(precision)
        self.threads = int(threads or os.cpu_count() or 1)
        self._wanted = device
        self._chosen: Chosen | None = choose(device)
        self._laid: Stages | None = None
        self._double: Lanes | None = None
        self._lock = Lock()
        self._given = Given(strategy, grid, market, events, self.account, self.fixed, borrow, self.dtype)
        self._given.check()
        first = self._given.made(0)
        self._settings = first.settings()
        self._windows = {
            name: [int(w) for w in grid.distinct(f.window)]
            for name, f in first.features.items()
            if isinstance(f.window, str) and f.window in grid.axes
        }
        self._refuse_windows()
        self._lay_out()

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled and copied: all but the market as it is laid out, and the devices, which are of this process."""
        return {**self.__dict__, "_laid": None, "_chosen": None, "_double": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was pickled; the market is laid out again once lanes are walked."""
        self.__dict__.update(state, _lock=Lock())

    @property
    def device(self) -> Chosen:
        """The devices chosen, and a sentence about them."""
        if self._chosen is None:
            self._chosen = choose(self._wanted)
        return self._chosen

    def _lay_out(self) -> Stages:
        """Lay the market out, unless that is done."""
        if self._laid is None:
            axes, unset = self.grid.axes, self._settings
            bounds = [n for n in ("stop", "trail", "take") if np.isfinite(axes.get(n, unset[n])).any()]
            self._laid = Stages(self._given, self._windows, bounds, self.device, PIECE)
        return self._laid

    def __len__(self) -> int:
        return self.grid.size

    @property
    def piece(self) -> int:
        """Lanes that are best walked at a time."""
        return self._launcher.piece

    @property
    def _launcher(self) -> Launcher:
        """What walks the lanes of the first scenario."""
        return self._lay_out().first.launcher

    def pieces(self, low: int, high: int) -> Iterator[Numbers]:
        """Cut the lanes from `low` to before `high` into pieces of one scenario that keep every thread, or every GPU, busy."""
        share = -(-(high - low) // (_TURNS * self.threads))
        least, most = (GPU_PIECE, self.piece) if self.device.devices else (WIDTH, PIECE)
        size = min(most, max(least, -(-share // WIDTH) * WIDTH))
        for begin, end in self.grid.stretches(low, high):
            yield from (np.arange(start, min(start + size, end)) for start in range(begin, end, size))

    @property
    def nbytes(self) -> int:
        """Bytes of the market as it is laid out, for as many scenarios as are kept."""
        return self._lay_out().nbytes

    def made(self, lane: int) -> Strategy:
        """Make the strategy of one lane, with the options of its scenario."""
        return self._given.made(self._scenario(lane), lane)

    def account_of(self, lane: int) -> Account:
        """Return the account of one lane: that of the sweep, in all that its scenario does not say."""
        return self._given.account_of(self._scenario(lane))

    def events_of(self, lane: int) -> Events | None:
        """Return the events of one lane, with the delay of its scenario."""
        return self._given.events_of(self._scenario(lane))

    def _scenario(self, lane: int) -> int:
        return int(self.grid.scenario(np.array([lane], np.int64))[0])

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
        self._lay_out()  # before threads ask for it
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
        if len(self.grid.scenarios) == 1:
            return self._walked(numbers, 0)
        scenario = self.grid.scenario(numbers)
        several = np.unique(scenario)
        if several.size == 1:
            return self._walked(numbers, int(several[0]))
        found = np.empty((len(METRICS), numbers.size), self.dtype)
        for each in several:
            found[:, scenario == each] = self._walked(numbers[scenario == each], int(each))
        return found

    def _walked(self, numbers: Numbers, scenario: int) -> npt.NDArray[Any]:
        """Walk lanes of one scenario."""
        params = self._params(numbers)
        order = _alike(params)
        try:
            values, faults = self._lay_out().of(scenario).launcher.measure(np.ascontiguousarray(params[:, order]))
        except MemoryError as error:
            raise Failure(str(error)) from None
        self._refuse_faults(faults)
        found = np.empty_like(values)
        found[:, order] = values
        unsure = np.flatnonzero(np.isinf(found[SKEWNESS]))
        if unsure.size:
            found[_OF_DEVIATION[:, None], unsure] = self._surely(numbers[unsure], scenario, found[:, unsure])
        return found

    def _surely(self, numbers: Numbers, scenario: int, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the metrics of `kernels.metrics.OF_DEVIATION`, (metric, lane), where sums in this precision hold too few digits of them.

        Lanes of float32 are walked in float64, on a processor. Those for which that is not enough either are run one by one, for a
        second pass over their returns; lanes that came to the same once.
        """
        if self.dtype == np.float32:
            exact: npt.NDArray[Any] = self._in_float64()._walked(numbers, scenario)[_OF_DEVIATION]
            return exact
        out = np.empty((len(_OF_DEVIATION), numbers.size))
        found: dict[bytes, list[float]] = {}
        for place, (lane, key) in enumerate(zip(numbers, keys_of(values, np.arange(numbers.size)).T, strict=True)):
            if key.tobytes() not in found:
                run = backtest(
                    self.made(lane), self.market, self.events_of(lane), self.account_of(lane), borrow=self.borrow
                )
                found[key.tobytes()] = [math.nan if (v := run.metrics[m]) is None else v for m in OF_DEVIATION]
            out[:, place] = found[key.tobytes()]
        return out

    def _in_float64(self) -> Lanes:
        """Return the same lanes in float64, on one processor; made when first asked for."""
        with self._lock:
            if self._double is None:
                self._double = Lanes(
                    self.strategy, self.grid, self.market, self.events, self.account,
                    fixed=self.fixed, borrow=self.borrow, precision="float64", threads=1, device="cpu",
                )  # fmt: skip
            return self._double

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
