"""`tocsin why` and `tocsin report`: what a run's folder holds, for a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.commands.output import ForceFlag, JsonFlag, answer, number, percent, table
from engine.legible import shown

if TYPE_CHECKING:
    from engine.market import Market
    from engine.run import Run

Folder = Annotated[Path, typer.Argument(help="Folder that `tocsin backtest` wrote.", metavar="DIR")]


def why(
    folder: Folder,
    trade_id: Annotated[
        str | None, typer.Argument(help="A trade_id; left out, the trades are listed.", metavar="[TRADE_ID]")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the sentence, the clock and the fills behind one trade; long sentences and lists are cut, but not with --json."""
    from engine.run import Run  # noqa: PLC0415 - polars is only loaded where there is work

    run = Run.read(folder)
    if trade_id is None:
        answer({"strategy": run.info["strategy"], "trades": run.trades.to_dicts()}, as_json, *_listed(run))
        return
    from engine.faults import Fault  # noqa: PLC0415
    from engine.why import why as trace  # noqa: PLC0415
    from engine.why import why_text  # noqa: PLC0415

    if not trade_id.isdecimal():
        raise Fault(f"TRADE_ID is {trade_id!r}, allowed is a whole number; `tocsin why {folder}` lists the trades.")
    found = trace(run, int(trade_id))
    answer(found, as_json, why_text(found, run.info["market"]["timezone"]))


def _listed(run: Run) -> list[Any]:
    if run.trades.is_empty():
        return [
            f"{run.info['strategy']} made no trade; orders.parquet says what was refused, unplaced.parquet what was not acted on."
        ]
    from engine.report import Clock  # noqa: PLC0415

    clock = Clock(run)
    rows = [
        (
            row["trade_id"], shown(row["asset"], 40), row["side"], clock.bar(row["entry_time"]),
            clock.bar(row["exit_time"]), row["exit_reason"], number(row["net"], signed=True),
            percent(row["return"], signed=True), len(row["event_ids"]),
        )
        for row in run.trades.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("trade", "asset", "side", "entry", "exit", "reason", "net", "return", "events")
    return [table(columns, rows, right=("trade", "net", "return", "events"))]


def report(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="The HTML file; by default DIR/report.html.")] = None,
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Write one self-contained HTML page of a run."""
    from engine.places import check_file  # noqa: PLC0415 - polars is only loaded where there is work
    from engine.report import write_report  # noqa: PLC0415
    from engine.run import Run  # noqa: PLC0415

    run = Run.read(folder)
    page = out or folder / "report.html"
    check_file(page, "page", suffix=".html", force=force)
    write_report(run, page, _prices(run), force=force)
    answer({"report": page}, as_json, f"Wrote {page}.")


def _prices(run: Run) -> Market | None:
    """Read the prices of a run where it found them, if they are still there unchanged; the page then says what was found in them."""
    from engine.faults import Fault  # noqa: PLC0415
    from engine.market import Market  # noqa: PLC0415

    noted = run.info.get("files", {}).get("prices")
    if not noted or not noted.endswith(".parquet") or not Path(noted).is_file():
        return None
    try:
        market = Market.read(noted)
    except Fault:
        return None
    return market if market.fingerprint == run.info["inputs"]["prices"] else None
