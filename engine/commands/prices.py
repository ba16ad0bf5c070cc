"""`tocsin prices import`: files of prices in any usual form -> one checked Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from engine.commands.output import DatesOption, DecimalOption, JsonFlag, answer, count, table

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer()


@app.callback(invoke_without_command=True)
def _group(context: typer.Context) -> None:
    """Bring prices in any usual form into one checked file."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("import")
def import_(
    sources: Annotated[
        list[Path], typer.Argument(help="CSV, Excel, Parquet or Arrow files, and folders of them.", metavar="SRC...")
    ],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    asset: Annotated[
        str | None, typer.Option(help="The symbol, where one file is given and names none; by default the file's name.")
    ] = None,
    calendar: Annotated[
        str | None, typer.Option(help="XNYS, 24/7 or another code; by default told from the weekends.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Zone of intraday times that name none, such as America/New_York.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option(help="Length of a bar, such as 1d or 5m; by default told from the times.")
    ] = None,
    hours: Annotated[
        Literal["regular", "all"], typer.Option(help="Keep bars outside the exchange's hours, or not.")
    ] = "regular",
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHECK", help="A check that shall not stop the import, such as high_below_low; repeatable."
        ),
    ] = None,
    dates: DatesOption = None,
    decimal: DecimalOption = None,
    label: Annotated[
        str | None, typer.Option(help="A label that goes wherever these prices go, such as SIMULATED.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Read prices, check them, align them to the exchange's sessions and write them; what was found is listed."""
    from engine.prices import import_prices  # noqa: PLC0415 - polars is only loaded where there is work
    from engine.staging import check_file  # noqa: PLC0415

    check_file(out)
    market = import_prices(
        sources, asset=asset, calendar=calendar, timezone=timezone, interval=interval, hours=hours, accept=accept or (),
        dates=dates, decimal=decimal,
    )  # fmt: skip
    if label:
        market = market.labelled(label)
    market.write(out)
    document = {
        "out": out,
        "assets": list(market.assets),
        "bars": len(market.opens),
        "rows": market.frame.height,
        "first": str(market.sessions[0]),
        "last": str(market.sessions[-1]),
        "metadata": dict(market.metadata),
        "findings": market.findings.to_dicts(),
    }
    answer(document, as_json, *_findings(market.findings), f"{market}", f"Wrote {out}.")


def _findings(findings: pl.DataFrame) -> list[Any]:
    """Show each check once, with its first finding and how many there are."""
    if findings.is_empty():
        return ["Nothing was found wrong."]
    rows = []
    for (severity, check), part in findings.group_by(["severity", "check"], maintain_order=True):
        first = part.row(0, named=True)
        row = f", line {first['row']}" if first["row"] is not None else ""
        where = f"{Path(first['source']).name}{row}: " if first["source"] else ""
        rows.append((severity, check, part.height, where + first["message"]))
    shown = table(("severity", "check", "count", "the first"), rows, right=("count",))
    return [count(findings.height, "finding") + "; the file keeps them all (Market.findings).", shown]
