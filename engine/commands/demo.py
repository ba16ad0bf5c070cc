"""`tocsin demo`: the whole road on the embedded data."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.commands.output import ForceFlag, JsonFlag, answer, count, number, percent, table

if TYPE_CHECKING:
    from engine.demo import Demo


def demo(
    out: Annotated[Path, typer.Option(help="Folder for prices, events, runs and pages.")] = Path("demo"),
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Read the embedded digests, backtest every strategy on the SIMULATED market, write a report and say where."""
    from engine.commands.backtest import summary  # noqa: PLC0415 - polars and numba are only loaded where there is work
    from engine.demo import files, make_demo, write_demo  # noqa: PLC0415
    from engine.files import staged  # noqa: PLC0415
    from engine.places import check_folder  # noqa: PLC0415

    begun = time.perf_counter()
    check_folder(out, files(), force=force)
    made = make_demo()
    with staged(out, files(), force=force) as folder:
        write_demo(made, folder, out)
    seconds = time.perf_counter() - begun
    document = {
        "out": out,
        "report": out / "report.html",
        "label": made.market.metadata["label"],
        "events": len(made.events),
        "runs": {name: summary(run) for name, run in made.runs.items()},
        "seconds": seconds,
    }
    answer(document, as_json, *_shown(made, out, seconds))


def _shown(made: Demo, out: Path, seconds: float) -> list[Any]:
    market, documents = made.market, made.events.frame["doc_id"].n_unique()
    rows = [
        (
            name, percent(run.metrics["total_return"], signed=True), percent(run.metrics["max_drawdown"]),
            number(run.metrics["sharpe"]), run.trades.height, number(run.metrics["total_borrow"], 0),
            number(run.metrics["total_costs"], 0),
        )
        for name, run in made.runs.items()
    ]  # fmt: skip
    columns = ("strategy", "return", "drawdown", "Sharpe", "trades", "borrow fees", "costs")
    return [
        f"{market.metadata['label']} prices: {count(len(market.assets), 'asset')}, {count(len(market.opens), 'bar')}, "
        f"{market.sessions[0]} to {market.sessions[-1]}; the moves on the quoted days are the quoted moves, nothing else is real.",
        f"{count(len(made.events), 'event')} read in our digests of the {documents} seed documents.",
        table(columns, rows, right=columns[1:]),
        f"Wrote {out / 'report.html'} (a page of all, and one a strategy), prices.parquet, events.parquet and the runs in {seconds:.1f} s.",
        f"Next: `tocsin why {shlex.quote(str(out / 'short_bubble_warning'))} 0`.",
    ]
