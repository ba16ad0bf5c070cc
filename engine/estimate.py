"""What a sweep will take, before it starts."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.devices import memory_of_machine
from engine.faults import Fault
from engine.lanes import PIECE, Lanes
from engine.summary import Summary
from kernels import layout as at
from kernels.metrics import METRICS

#: Lanes whose table a sweep keeps in memory.
MOST_IN_TABLE = 2_000_000
#: Lanes that are walked to find out how long one takes: so many runs of neighbours, from all over the grid, and lanes in each.
_RUNS, _RUN = 8, 2048


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take.

    Attributes
    ----------
    lanes : parameter sets
    chunks : pieces in which they are walked
    memory : bytes, at most, beside the market and the program itself
    disk : bytes of the table, before compression, where one is written
    seconds : by some thousand lanes from all over the grid; NaN where none were walked
    """

    lanes: int
    chunks: int
    memory: int
    disk: int
    seconds: float

    @classmethod
    def of(cls, lanes: Lanes, summary: Summary | None = None, *, write: bool = False, pilot: bool = True) -> Estimate:
        """Estimate the sweep of all `lanes`.

        Parameters
        ----------
        summary : what is kept; left out, the default
        write : whether the table of all lanes is written
        pilot : whether to walk some thousand lanes for the time
        """
        summary = summary or Summary.of(lanes.grid, cash=lanes.account.cash)
        size, number = len(lanes), lanes.dtype.itemsize
        row = 8 + 8 * len(lanes.grid.axes) + number * len(METRICS)
        walked = 2 * row + number * (at.N_LANE + 3 * (at.N_FIXED + len(lanes.strategy.parameters)))
        memory = lanes.nbytes + (lanes.threads + 1) * summary.nbytes
        memory += lanes.threads * min(PIECE, size) * (walked + 2 * row * write)
        memory += row * size if size <= MOST_IN_TABLE else 0
        seconds = _timed(lanes, summary.empty()) if pilot else float("nan")
        return cls(size, -(-size // PIECE), memory, row * size * write, seconds)

    def refuse(self, folder: Path | None = None) -> None:
        """Refuse a sweep that does not fit in memory or on the disk of `folder`."""
        there = memory_of_machine()
        if self.memory > there:
            raise Fault(
                f"the sweep takes {_size(self.memory)} of memory, allowed are the {_size(there)} of this machine; take fewer threads, "
                f"values of a window, or metrics by parameter."
            )
        if folder is not None and self.disk:
            free = shutil.disk_usage(folder).free
            if self.disk > free:
                raise Fault(
                    f"the table of {self.lanes:,} lanes takes up to {_size(self.disk)}, allowed are the {_size(free)} free in "
                    f"{str(folder)!r}; leave write= out, or name another disk."
                )


def _timed(lanes: Lanes, summary: Summary) -> float:
    size = len(lanes)
    runs = max(_RUNS, 2 * lanes.threads)
    if size > runs * _RUN:
        pieces = [np.arange(low, low + _RUN) for low in np.linspace(0, size - _RUN, runs).astype(np.int64)]
    else:
        pieces = [np.arange(size)]
    summary.empty().add(pieces[0][:1], lanes.metrics(pieces[0][:1]))  # loads what is compiled
    started = time.perf_counter()
    for _ in lanes.add_to(summary, pieces, lambda _numbers, _values: None):
        pass
    return (time.perf_counter() - started) / sum(piece.size for piece in pieces) * size


def _size(count: float) -> str:
    if count < 2**20:
        return f"{count / 2**10:,.1f} KiB"
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"
