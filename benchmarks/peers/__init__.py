"""Who runs the jobs: Tocsin, and what people use today, each in its best idiom."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Answer = dict[str, Numbers]


@dataclass(frozen=True)
class Task:
    """A job in the shape that a peer wants it, ready to run.

    Attributes
    ----------
    run : does the whole work once; what is measured
    answer : what `run` returned -> "lane", the numbers of the lanes walked, and one array (lane,) for each thing compared
    lanes : how many lanes a run walks
    idiom : how, in a few words, for the table
    differs : how the work differs from the others', where the answers cannot be compared
    children : process ids of helpers whose memory counts
    close : ends the helpers
    """

    run: Callable[[], Any]
    answer: Callable[[Any], Answer]
    lanes: int
    idiom: str
    differs: str = ""
    children: Callable[[], list[int]] = field(default=list)
    close: Callable[[], Any] = field(default=bool)


@dataclass(frozen=True)
class Peer:
    """One contender.

    Attributes
    ----------
    module : in benchmarks.peers, with a function ``task(job, variant)``
    needs : modules that must be importable (`None`: the module's own `missing` says)
    package : distribution whose version is recorded
    get : how to get it
    workloads : names of the jobs that it can do, and why not the others: told in docs/performance.md
    """

    name: str
    module: str
    variant: str
    needs: tuple[str, ...]
    package: str | None
    get: str
    workloads: tuple[str, ...]

    def missing(self) -> str | None:
        """Say what is missing and how to get it, None where all is there."""
        for name in self.needs:
            if importlib.util.find_spec(name) is None:
                return f"{self.name} cannot run: {name} is not installed; {self.get}."
        check = getattr(self._module(), "missing", None)
        return check() if check else None

    def task(self, job: Any) -> Task:
        """Bring a job into this peer's shape."""
        made: Task = self._module().task(job, self.variant)
        return made

    def _module(self) -> Any:
        return importlib.import_module(f"benchmarks.peers.{self.module}")


_BENCH = "pip install 'tocsin[bench]'"
_WALKS = ("dense", "narrative", "sparse", "single")
_STARTS = ("first_cold", "first_warm")

PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("Tocsin", "tocsin_peer", "float32", (), "tocsin", "", (
            *_WALKS, "narrative_whole", "read", "load", "import", *_STARTS, "demo_cold", "demo_warm")),
        Peer("Tocsin, float64", "tocsin_peer", "float64", (), "tocsin", "", ("dense", "narrative", "narrative_whole")),
        Peer("C loop", "c_peer", "", (), None, "install gcc", _WALKS),
        Peer("vectorbt, Numba", "vectorbt_peer", "numba", ("vectorbt",), "vectorbt", _BENCH, (*_WALKS, *_STARTS)),
        Peer("vectorbt, Rust", "vectorbt_peer", "rust", ("vectorbt", "vectorbt_rust"), "vectorbt-rust", _BENCH, (
            *_WALKS, *_STARTS)),
        Peer("raptorbt", "raptorbt_peer", "", ("raptorbt",), "raptorbt", _BENCH, ("dense", "sparse", "single", *_STARTS)),
        Peer("backtesting.py", "backtesting_peer", "", ("backtesting",), "backtesting", _BENCH, (
            "dense", "sparse", "single", *_STARTS)),
        Peer("polars", "polars_peer", "polars", (), "polars", "", ("dense", "sparse", "single", "read", "load", "import", *_STARTS)),
        Peer("pandas", "polars_peer", "pandas", (), "pandas", "", ("load", "import")),
    )
}  # fmt: skip


def some(lanes: int) -> Numbers:
    """Numbers of the lanes that a slower peer walks, one of a hundred: its rate a lane is the same, however many it walks."""
    return spread_out(lanes, max(8, lanes // 100))


def spread_out(lanes: int, wanted: int) -> Numbers:
    """Numbers of `wanted` lanes, spread evenly over all; all of them where there are no more."""
    return np.unique(np.linspace(0, lanes - 1, min(lanes, wanted)).round().astype(np.int64))


def news_items(job: Any) -> tuple[Numbers, Numbers, Numbers]:
    """(bar, asset, (item, 2) warning and relief) of a narrative job's stories, added up by bar and asset, sorted by bar."""
    bars, assets = np.repeat(job.bar, job.touched.shape[1]), job.touched.ravel()
    strength, relief = (np.repeat(v, job.touched.shape[1]) for v in (job.strength, job.relief))
    keys, place = np.unique(bars * len(job.close) + assets, return_inverse=True)
    fresh = np.zeros((keys.size, 2))
    np.add.at(fresh, (place, relief.astype(int)), strength)
    return keys // len(job.close), keys % len(job.close), fresh


def rounded_averages(job: Any) -> dict[int, Numbers]:
    """Averages (bar,) of a dense job by window, rounded to float32 as a sweep's are, so that a near tie is the same to all."""
    sums = np.concatenate([[0.0], np.cumsum(job.close - 100.0)])
    found = {}
    for window in np.unique(np.concatenate([job.fast, job.slow])).tolist():
        found[window] = np.full(job.close.size, np.nan, np.float32)
        found[window][window - 1 :] = 100.0 + (sums[window:] - sums[:-window]) / window
    return found
