"""What a job leaves in its folder in the end, made from its chunks: the best lanes, marginals, heat maps, histograms."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.jobs.chunks import Folder, to_parquet
from engine.jobs.work import Walker
from engine.objective import Objective, Requirement
from engine.summary import Summary
from kernels.metrics import METRICS

#: What a row of the best says before parameters and metrics; `figure` is that of `by`.
_OF_LANE = ("by", "rank", "rank_in_sweep", "lane", "shared", "figure")


def reduce(
    walker: Walker, folder: Folder, chunks: Iterable[tuple[int, Path]], check: Callable[[], None] = lambda: None
) -> Summary:
    """Merge the summaries of chunks, one chunk in memory at a time.

    Parameters
    ----------
    check : called before each; may raise, to stop
    """
    whole = walker.summary()
    for number, file in chunks:
        check()
        whole.merge(walker.summed(folder.load(number, file)))
    return whole


def write_summary(walker: Walker, folder: Folder, period: int, summary: Summary, under: str = "") -> pl.DataFrame:
    """Write what a summary says as tables, and return the best lanes."""
    keep, axes = walker.work.keep, list(summary.grid.axes)
    best = best_lanes(walker, period, summary)
    folder.keep(f"{under}summary.parquet", to_parquet(summary.to_table(), {"period": walker.work.periods[period].name}))
    write_table(folder, f"{under}top.parquet", best)
    write_table(folder, f"{under}histograms.parquet", _stacked(({"metric": m}, summary.histogram(m)) for m in METRICS))
    over = itertools.product(axes, keep.metrics)
    write_table(
        folder, f"{under}marginals.parquet", _stacked(_marginal(summary, name, metric) for name, metric in over)
    )
    pairs = itertools.combinations(axes, 2) if keep.heatmaps is None else keep.heatmaps
    maps = itertools.product(pairs, keep.metrics)
    write_table(
        folder, f"{under}heatmaps.parquet", _stacked(_heatmap(summary, x, y, metric) for (x, y), metric in maps)
    )
    return best


def best_lanes(walker: Walker, period: int, summary: Summary) -> pl.DataFrame:
    """Return the best results by each figure asked for, walked again in float64 and ranked by that.

    `rank` is where a lane stands by the float64 figure, `rank_in_sweep` where the sweep had it. What float64 finds not to meet what the
    best must meet is left out.
    """
    keep, frames = walker.work.keep, []
    require = None if keep.require is None else Requirement(keep.require)
    lanes = walker.lanes(period, "float64")
    for by in keep.by:
        found, objective = summary.top(keep.top, by), Objective(by)
        numbers = found["lane"].to_numpy()
        values = lanes.metrics(numbers) if numbers.size else np.zeros((len(METRICS), 0))
        exact = pl.DataFrame(dict(zip(METRICS, values.astype(np.float64), strict=True)))
        frame = pl.concat([found.drop(by).rename({"rank": "rank_in_sweep"}), exact], how="horizontal")
        figure = pl.Series(objective(values), dtype=pl.Float64)
        frame = frame.with_columns(pl.col(METRICS).fill_nan(None), figure=figure.fill_nan(None), by=pl.lit(by))
        frame = frame.filter(require(values)) if require else frame
        frame = frame.sort("figure", "rank_in_sweep", descending=[objective.sign > 0, False], nulls_last=True)
        frame = frame.with_columns(rank=pl.int_range(1, pl.len() + 1))
        frames.append(frame.select(*_OF_LANE, *summary.grid.axes, *METRICS))
    return pl.concat(frames)


def anything_traded(summary: Summary) -> bool:
    """Whether any lane had a trade, closed or open."""
    return any((summary.histogram(metric)["low"] > 0).any() for metric in ("closed_trades", "open_trades"))


def write_table(folder: Folder, name: str, frame: pl.DataFrame) -> None:
    """Write a table of the results as Parquet."""
    folder.keep(name, to_parquet(frame.to_arrow(), {}))


def write_json(folder: Folder, name: str, document: Any) -> None:
    """Write a document as JSON; infinity, which stands for none, as null."""
    folder.write(name, (json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _marginal(summary: Summary, name: str, metric: str) -> tuple[dict[str, str], pl.DataFrame]:
    return {"parameter": name, "metric": metric}, summary.marginal(name, metric).rename({name: "value"})


def _heatmap(summary: Summary, x: str, y: str, metric: str) -> tuple[dict[str, str], pl.DataFrame]:
    cells = summary.heatmap(x, y, metric)
    return {"x": x, "y": y, "metric": metric}, cells.rename({x: "x_value", y: "y_value"})


def _stacked(parts: Iterable[tuple[dict[str, str], pl.DataFrame]]) -> pl.DataFrame:
    """Put tables under each other, with columns that say what each is of before its own; a column of several types is text."""
    frames = [frame.select(*(pl.lit(v).alias(k) for k, v in of.items()), pl.all()) for of, frame in parts]
    names = frames[0].columns if frames else []
    mixed = [name for name in names if len({frame.schema[name] for frame in frames}) > 1]
    return (
        pl.concat([frame.with_columns(pl.col(mixed).cast(pl.String)) for frame in frames]) if frames else pl.DataFrame()
    )
