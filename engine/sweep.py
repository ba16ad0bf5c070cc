"""Many backtests at once: one strategy over a grid of parameter sets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.account import Account
from engine.backtest import backtest
from engine.constraint import Where
from engine.estimate import MOST_IN_TABLE, Estimate
from engine.events import Events
from engine.faults import Fault
from engine.files import whole
from engine.formula import Said
from engine.grid import Grid
from engine.lanes import Lanes, Numbers, Precision
from engine.market import Market
from engine.marks import mark
from engine.number import is_whole, shown
from engine.objective import Objective
from engine.places import check_file
from engine.remembered import tell_remembered
from engine.run import Run
from engine.silence import tell_silence
from engine.sources import Sampling
from engine.strategy import Strategy
from engine.summary import TALLIED, Summary, known_metric
from engine.tables.table import Tabular
from kernels.metrics import METRICS

Progress = Callable[[int, int], None]


class Sweep:
    """The result of many backtests; `sweep` makes one.

    Attributes
    ----------
    lanes : what was walked
    summary : what was kept of it
    """

    def __init__(
        self, lanes: Lanes, summary: Summary, table: pl.DataFrame | None = None, file: Path | None = None
    ) -> None:
        self.lanes, self.summary, self._table, self._file = lanes, summary, table, file

    def __repr__(self) -> str:
        count = f"{len(self):,} lane{'s' if len(self) > 1 else ''}"
        over = f" over {', '.join(self.grid.axes)}" if self.grid.axes else ""
        met = f", {self.met:,} of them with {self.summary.require}" if self.summary.require else ""
        return f"Sweep({self.lanes.strategy.name()}, {count}{over}{met})"

    @classmethod
    def of(
        cls,
        lanes: Lanes,
        summary: Summary | None = None,
        *,
        write: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Sweep:
        """Walk all `lanes`.

        Parameters
        ----------
        summary : an empty one, which says what to keep; left out, the default
        write : Parquet file for the table of all lanes
        progress : called with lanes done and lanes in all
        """
        summary = summary or Summary.of(lanes.grid, cash=_unit(lanes))
        file = None if write is None else _path(write)
        if progress is not None and not callable(progress):
            raise Fault(
                f"progress is {progress!r}, allowed is a function of two numbers, lanes done and lanes in all; give one."
            )
        Estimate.of(lanes, summary, write=file is not None, pilot=False).refuse(file.parent if file else None)
        size = len(lanes)
        small = size <= MOST_IN_TABLE
        found = np.empty((len(METRICS), size if small else 0), lanes.dtype)

        def keep(numbers: Numbers, values: npt.NDArray[Any]) -> pa.Table | None:
            if small:
                found[:, numbers[0] : numbers[-1] + 1] = values
            return _frame(lanes.grid, numbers, values).to_arrow() if file else None

        done = 0
        with _written(file) as put:
            for walked, rows in lanes.add_to(summary, lanes.pieces(0, size), keep):
                put(rows)
                done += walked
                if progress:
                    progress(done, size)
        return cls(lanes, summary, _frame(lanes.grid, np.arange(size), found) if small else None, file)

    @property
    def grid(self) -> Grid:
        """The parameter sets."""
        return self.lanes.grid

    @property
    def table(self) -> pl.DataFrame:
        """One row a lane, by number: lane, the swept parameters, every metric (NaN where it has no value)."""
        if self._table is None:
            remedy = (
                f"read {str(self._file)!r}, where it is" if self._file else "give write='lanes.parquet', and read that"
            )
            raise Fault(
                f"the table of {len(self):,} lanes was not kept in memory, allowed are {MOST_IN_TABLE:,}; {remedy}."
            )
        return self._table

    def __len__(self) -> int:
        return self.grid.size

    def __getitem__(self, lane: int) -> Run:
        """Run one lane again, with its ledger and path, in float64."""
        if not is_whole(lane):
            raise Fault(f"a lane must be a whole number from 0 to {len(self) - 1} (got {shown(lane)}); give one.")
        if not -len(self) <= lane < len(self):
            raise IndexError(f"lane {lane} of {len(self)}")
        of, number = self.lanes, int(lane) % len(self)
        return backtest(of.made(number), of.market, of.events_of(number), of.account_of(number), borrow=of.borrow)

    @property
    def met(self) -> int:
        """Lanes that met what `require` asked for; all, where it was left out."""
        return self.summary.met

    def top(self, k: int = 10, by: Said | None = None, require: Said | None = None) -> pl.DataFrame:
        """Run the best `k` results again in float64 and show them, the best first, with the rank that the sweep gave them.

        Parameters
        ----------
        k : how many; lanes whose metrics are all equal, as they were walked, are one result
        by : a metric, or what the best have the most of: ``"cagr / max_drawdown"``, or a function of arrays, ``lambda cagr: ...``; left
            out, "sharpe", or the first that the sweep was given
        require : what they must meet, in place of what the sweep required: ``"closed_trades >= 30"``, or a function of arrays. What the
            sweep did not keep is made of its table, as long as that is in memory

        Returns
        -------
        polars.DataFrame
            rank; lane, the lowest of those that share the result; shared, how many they are; the swept settings and parameters, null
            for none; every metric; the figure of `by`, where it is no metric.

        Raises
        ------
        Fault
            Where no lane meets what is required, or has the figure.
        """
        wanted = by if by is not None else "sharpe" if "sharpe" in self.summary.by else self.summary.by[0]
        objective, found = self._ranked(k, wanted, require)
        chosen = found.drop(objective.name) if objective.name in found.columns else found
        again = [{"lane": lane, **self[lane].metrics} for lane in chosen["lane"]]
        exact = pl.DataFrame(again, {"lane": pl.Int64, **dict.fromkeys(METRICS, pl.Float64)})
        if not objective.is_metric:
            figures = objective(exact.select(METRICS).cast(pl.Float64).fill_null(np.nan).to_numpy().T)
            exact = exact.with_columns(pl.Series(objective.name, figures, nan_to_null=True))
        more = objective.sign > 0
        return chosen.join(exact, on="lane").sort(objective.name, "rank", descending=[more, False], nulls_last=True)

    def _ranked(self, k: int, by: Said, require: Said | None) -> tuple[Objective, pl.DataFrame]:
        """Return the best as the sweep ranked them: from the summary, or of the table where that was not asked for before."""
        summary = self.summary
        kept = summary.objective(by)
        if require is None and kept and (self._table is None or not is_whole(k) or k <= summary.top_size):
            summary.refuse_none(kept.name)
            return kept, summary.top(k, kept.name)
        objective = kept or Objective(by)
        if self._table is None:
            raise Fault(
                f"the best by {objective.name} were not kept, and the table of {len(self):,} lanes is not in memory; give by= and "
                f"require= to the sweep, or read the table that write= writes."
            )
        asked = summary.narrowed(k, by, require)
        asked.add(np.arange(len(self)), self._table.select(METRICS).to_numpy().T)
        asked.refuse_none(objective.name)
        return objective, asked.top(k, objective.name)

    def histogram(self, metric: str = "sharpe") -> pl.DataFrame:
        """Return the bins of a metric that hold lanes: low, high, count; 32 bins between a power of two and the next."""
        return self.summary.histogram(metric)

    def marginal(self, parameter: str, metric: str = "sharpe") -> pl.DataFrame:
        """Return for each value of a parameter the mean, the best and the count of a metric over all other parameters."""
        return self._by_parameter(metric).marginal(parameter, metric)

    def heatmap(self, x: str, y: str, metric: str = "sharpe") -> pl.DataFrame:
        """Return for each pair of values of two parameters the mean, the best and the count of a metric over the other parameters."""
        return self._by_parameter(metric).heatmap(x, y, metric)

    def _by_parameter(self, metric: str) -> Summary:
        """Return a summary that holds a metric by parameter; made of the table where that is in memory."""
        if known_metric(metric) in self.summary.metrics or self._table is None:
            return self.summary
        made = Summary.of(self.grid, (metric,), 1, (), self.summary.cash)
        made.add(np.arange(len(self)), self._table.select(METRICS).to_numpy().T)
        return made


def _path(write: object) -> Path:
    """Return the file to write, or refuse it."""
    if not isinstance(write, (str, os.PathLike)):
        raise Fault(f"write is {write!r}, allowed is the path of a file; name it 'lanes.parquet'.")
    check_file(Path(write), "lanes", "write", suffix=".parquet")
    return Path(write)


def _listed(name: str, given: Any) -> list[Any]:
    """Return names of metrics, or what stands in their place; a single one is a list of one."""
    if isinstance(given, str | pl.Expr) or (callable(given) and name == "by"):
        return [given]
    if not isinstance(given, Sequence):
        raise Fault(f"{name} is {given!r}, allowed are names of metrics; give a list of them.")
    return list(given)


def _unit(lanes: Lanes) -> float:
    """Return the cash in whose shares amounts are summed: the largest that a lane begins with."""
    swept = lanes.grid.axes.get("account.cash")
    return lanes.account.cash if swept is None else float(swept.max())


def _frame(grid: Grid, numbers: Numbers, values: npt.NDArray[Any]) -> pl.DataFrame:
    return pl.DataFrame({"lane": numbers, **grid.columns(numbers), **dict(zip(METRICS, values, strict=True))})


@contextmanager
def _written(file: Path | None) -> Iterator[Callable[[pa.Table | None], None]]:
    """Give a function that appends tables to a Parquet file; the file appears once all are written."""
    if file is None:
        yield lambda _: None
        return
    writer: pq.ParquetWriter | None = None
    with whole(file, "lanes", "write") as fresh:

        def put(table: pa.Table | None) -> None:
            nonlocal writer
            if table is not None:
                table = table.replace_schema_metadata(mark("lanes"))
                writer = writer or pq.ParquetWriter(fresh, table.schema, compression="zstd")
                writer.write_table(table)

        try:
            yield put
        finally:
            if writer is not None:
                writer.close()


def sweep(
    strategy: type[Strategy],
    market: Market,
    events: Events | Tabular | None = None,
    account: Account | None = None,
    *,
    table: Tabular = None,
    where: Where | None = None,
    sample: Sampling | None = None,
    lanes: int | None = None,
    seed: int = 0,
    borrow: Tabular | None = None,
    precision: Precision = "float32",
    threads: int | None = None,
    device: str = "auto",
    top: int = 1000,
    by: Said | Sequence[Said] = METRICS,
    require: Said | None = None,
    metrics: str | Sequence[str] = TALLIED,
    write: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    settings: Mapping[str, Any] | None = None,
    **grid: Any,
) -> Sweep:
    """Backtest a strategy with every combination of the given values, or with a sample of them.

    Parameters
    ----------
    strategy : the class, not an instance
    grid : for each parameter one value, a list (`span` makes one), or in a sample a range (`between` makes one); an option, such as
        `basket`, has one value
    table : parameter sets, one a row, in place of lists: a table in any form, or the path of one; null is none, as it is in lists
    where : which sets to walk: ``"fast < slow"``, a polars expression, or a function of arrays, ``lambda fast, slow: fast < slow``
    sample : draw sets in place of walking every combination: ``"random"``, or ``"sobol"``, which fills the space more evenly
    lanes, seed : how many sets to draw; where the draws start
    precision : of the walks; `top` and ``sweep[i]`` are float64 whatever it is
    threads : left out, one a processor
    device : ``"auto"``, the GPUs of this machine, or its CPU where there is none; ``"cpu"``; ``"cuda"`` or ``"cuda:1"``
    top, by : how many of the best results to keep, and by what: metrics, texts such as ``"cagr / max_drawdown"``, or functions of arrays
        that are named like metrics; of what is no metric the greatest is the best, and what divides by nothing ranks nowhere
    require : what the best must meet: ``"closed_trades >= 30 and max_drawdown < 0.2"``, a polars expression, or a function of arrays; a
        metric that has no value is not met. Histograms, marginals and heat maps stay those of all lanes
    metrics : those of marginals and heat maps; a sweep of up to 2,000,000 lanes keeps its table, and so has them all
    write : Parquet file for the table of all lanes
    progress : called with lanes done and lanes in all
    settings : values of the account, of options and of the delay of events to go through, by name: ``{"account.slippage": [0, 0.001],
        "refresh": [False, True], "events.delay": ["0s", "1d"]}``; in a table they are columns of these names

    What is found for a parameter set does not depend on threads, on the order of the grid, or on which sets are walked together.
    The numbers of the lanes follow the grid as it is written: the last parameter changes fastest, after those that `where` looks
    at, and values come in the order given; settings change slowest of all. Lanes whose metrics are all equal are one result, shown by
    its lowest number. A sample draws by the order of parameters and of listed values, too: in another order a seed draws other sets.
    """
    best_by = _listed("by", by)
    if not best_by:
        raise Fault("by is empty, allowed are names of metrics; give one or more, or leave it out.")
    swept = dict(grid)
    fixed = {name: swept.pop(name) for name in grid if name in getattr(strategy, "options", ())}
    walked = Lanes(
        strategy,
        Grid.of(strategy, swept, table, where, sample=sample, lanes=lanes, seed=seed, settings=settings),
        market, events, account, fixed=fixed, borrow=borrow, precision=precision, threads=threads, device=device,
    )  # fmt: skip
    tell_silence(walked.made(0), market, walked.events)
    tell_remembered(walked.events)
    summary = Summary.of(walked.grid, _listed("metrics", metrics), top, best_by, _unit(walked), require)
    return Sweep.of(walked, summary, write=write, progress=progress)
