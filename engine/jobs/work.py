"""What a process needs to make any chunk of a job, here or on another machine; and the making of one."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.account import Account
from engine.events import Events
from engine.faults import Failure
from engine.grid import Grid
from engine.jobs.chunks import to_parquet
from engine.jobs.grids import GridPlan
from engine.jobs.job import Job
from engine.jobs.meaning import strategy_parts
from engine.jobs.parts import code_version, versions
from engine.jobs.periods import Period
from engine.jobs.settings import KeepSection
from engine.lanes import PIECE, Lanes, Numbers, Precision
from engine.market import Market
from engine.objective import Objective, Requirement
from engine.registry import find_strategy, script_of
from engine.strategy import Strategy
from engine.summary import Summary
from kernels.metrics import METRICS


@dataclass(frozen=True)
class StrategyText:
    """A strategy by name, and the text of its script where it has one, so that a machine without the file can load it."""

    name: str
    text: str | None

    @classmethod
    def of(cls, name: str) -> StrategyText:
        """Read the script of a strategy, where it has one."""
        path = _script(name)
        return cls(name, path.read_text(encoding="utf-8") if path else None)

    def load(self) -> type[Strategy]:
        """Give the class; from its own file where that is here and the same, so that what lies beside it is found."""
        path = _script(self.name)
        if path is None or self.text is None:
            return find_strategy(self.name)
        if path.is_file() and path.read_text(encoding="utf-8") == self.text:
            return find_strategy(self.name)
        folder = Path(tempfile.gettempdir()) / f"tocsin-{hashlib.sha256(self.text.encode()).hexdigest()[:16]}"
        folder.mkdir(exist_ok=True)
        (folder / path.name).write_text(self.text, encoding="utf-8")
        return find_strategy(str(folder / path.name) + self.name.removeprefix(str(path)))


def _script(name: str) -> Path | None:
    path, _ = script_of(name)
    return Path(path) if path else None


@dataclass(frozen=True)
class Work:
    """What every chunk of a job is made from; small enough to be sent, and put once where all workers can read it."""

    strategy: StrategyText
    options: dict[str, Any]
    plan: GridPlan
    market: Market
    events: Events | None
    account: Account
    borrow: pl.DataFrame | None
    periods: tuple[Period, ...]
    keep: KeepSection
    precision: Precision
    chunk: int
    fingerprint: str
    code: str
    versions: dict[str, str]
    strategy_parts: dict[str, str]

    @classmethod
    def of(cls, job: Job, fingerprint: str) -> Work:
        """Take what the chunks of a job need."""
        return cls(
            StrategyText.of(job.name), job.options, job.plan, job.market, job.events, job.account, job.borrow, job.periods,
            job.keep, job.run.precision, job.chunk, fingerprint, code_version(), versions(),
            job.strategy_parts,
        )  # fmt: skip

    def refuse_other_code(self, where: str) -> None:
        """Refuse to work on a machine whose results could differ."""
        if code_version() != self.code:
            raise Failure(
                f"{where} has another tocsin than the machine that started the sweep; install the same on all of them."
            )
        for name, mine in versions().items():
            if mine != self.versions[name]:
                raise Failure(
                    f"{where} has {name} {mine}, and the machine that started the sweep {self.versions[name]}; install the same on all "
                    f"of them."
                )

    def load(self, where: str) -> type[Strategy]:
        """Give the strategy on another machine; refuse one that computes something else there, as where it imports another file."""
        found = self.strategy.load()
        if strategy_parts(found) != self.strategy_parts:
            raise Failure(
                f"{where} has another {found.name()} than the machine that started the sweep, or other modules that it imports; copy the "
                f"same files to all of them."
            )
        return found


@dataclass(frozen=True)
class Chunk:
    """A finished chunk: its number, the bytes of its file, and the note in its footer."""

    number: int
    raw: bytes
    note: dict[str, Any]


class Walker:
    """Makes chunks, one period's lanes laid out at a time.

    Parameters
    ----------
    device : as `Lanes` takes it
    threads : left out, one a processor
    """

    def __init__(
        self, work: Work, strategy: type[Strategy], grid: Grid, device: str = "cpu", threads: int | None = None
    ) -> None:
        self.work, self._device, self._threads = work, device, threads
        self.strategy, self.grid = strategy, grid
        self._at: tuple[int, Lanes] | None = None

    def summary(self) -> Summary:
        """Return an empty summary of a period."""
        keep, swept = self.work.keep, self.grid.axes.get("account.cash")
        cash = self.work.account.cash if swept is None else float(swept.max())
        return Summary.of(self.grid, keep.metrics, keep.top, keep.by, cash, keep.require)

    def lanes(self, period: int, precision: Precision | None = None) -> Lanes:
        """Lay out the lanes of a period; those of the job's own precision are kept for the next chunk."""
        if precision is None and self._at and self._at[0] == period:
            return self._at[1]
        work, of = self.work, self.work.periods[period]
        whole = len(work.periods) == 1 and of.name == "all"
        market = work.market if whole else work.market.select(start=of.first, end=of.last)
        self._at = None  # the memory of one period at a time
        lanes = Lanes(
            self.strategy, self.grid, market, work.events, work.account,
            fixed=work.options, borrow=work.borrow, precision=precision or work.precision, threads=self._threads,
            device=self._device,
        )  # fmt: skip
        if precision is None:
            self._at = (period, lanes)
        return lanes

    def chunk(self, number: int) -> Chunk:
        """Walk the lanes of one chunk."""
        work, grid = self.work, self.grid
        period, place = divmod(number, -(-grid.size // work.chunk))
        low, high = place * work.chunk, min((place + 1) * work.chunk, grid.size)
        lanes, spare, leader = self.lanes(period), SimpleQueue[Summary](), Leader(work.keep)

        def keep(numbers: Numbers, values: npt.NDArray[Any]) -> tuple[tuple[float, int] | None, pa.Table | None]:
            """Take in one piece, on the thread that walked it."""
            if work.keep.table:
                return leader.of(numbers, values), _rows(grid, numbers, values)
            try:
                summary = spare.get_nowait()
            except Empty:
                summary = self.summary()
            summary.add(numbers, values)
            spare.put(summary)
            return leader.of(numbers, values), None

        bests, rows = zip(*lanes.each(lanes.pieces(low, high), keep), strict=True)
        table = pa.concat_tables(rows) if work.keep.table else _merged(spare).to_table()
        note = {
            "job": work.fingerprint, "chunk": number, "period": work.periods[period].name, "first": low, "lanes": high - low,
            "best": min(filter(None, bests), default=None, key=leader.order), "holds": "lanes" if work.keep.table else "summary",
        }  # fmt: skip
        return Chunk(number, to_parquet(table, note), note)

    def summed(self, raw: bytes) -> Summary:
        """Return the summary in a chunk's file, or of the lanes in it."""
        table = pq.read_table(pa.BufferReader(raw))
        if b"tocsin.summary" in (table.schema.metadata or {}):
            return Summary.from_table(self.grid, table)
        summary = self.summary()
        for start in range(0, table.num_rows, PIECE):
            part = table.slice(start, PIECE)
            values = np.stack([part[name].to_numpy() for name in METRICS])
            summary.add(part["lane"].to_numpy(), values)
        return summary


def _rows(grid: Grid, numbers: npt.NDArray[np.int64], values: npt.NDArray[Any]) -> pa.Table:
    figures = dict(zip(METRICS, values, strict=True))
    return pl.DataFrame({"lane": numbers, **grid.columns(numbers), **figures}).to_arrow()


def _merged(parts: SimpleQueue[Summary]) -> Summary:
    whole = parts.get()
    while not parts.empty():
        whole.merge(parts.get())
    return whole


class Leader:
    """Finds the lane that leads, as (figure, lane): the best by what chooses the winner; of equals the lower."""

    def __init__(self, keep: KeepSection) -> None:
        self._objective = Objective(keep.by[0])
        self._require = None if keep.require is None else Requirement(keep.require)

    def of(self, numbers: Numbers, values: npt.NDArray[Any]) -> tuple[float, int] | None:
        """Return the best of some lanes, in the order of their numbers; None where none has a figure, or may be the best."""
        row = self._objective(values)
        if self._require is not None:
            row = np.where(self._require(values), row, np.nan)
        if np.isnan(row).all():
            return None
        place = int(np.nanargmax(row * self._objective.sign))
        return float(row[place]), int(numbers[place])

    def order(self, found: tuple[float, int]) -> tuple[float, int]:
        """Return what sorts the best first."""
        return -found[0] * self._objective.sign, found[1]
