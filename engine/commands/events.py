"""`tocsin events import`: somebody's labels -> a table of events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands.output import DatesOption, DecimalOption, ForceFlag, JsonFlag, answer, count, table

app = typer.Typer()


@app.callback(invoke_without_command=True)
def _group(context: typer.Context) -> None:
    """Bring labels of others into a table of events."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("import")
def import_(
    labels: Annotated[Path, typer.Argument(help="A table of labels: CSV, Excel, Parquet or Arrow.", metavar="LABELS")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="NAME=COLUMN,...", help="Which column holds what: kind=label,assets=ticker; repeatable."
        ),
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Zone of days, and of times that name none, such as Europe/Paris.")
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="NAME=SIGN*BASE", help="A kind of your own: downgrade=-1*0.6 (-1 is bad); repeatable."
        ),
    ] = None,
    delay: Annotated[str, typer.Option(help="Time from publication to knowledge, such as 15m.")] = "0s",
    novelty: Annotated[
        str | None,
        typer.Option(
            metavar="HALF_LIFE",
            help="Work out how new each event is, by those before it; after so long (3d) one counts half.",
        ),
    ] = None,
    dates: DatesOption = None,
    decimal: DecimalOption = None,
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Read labels of any reader or person, check every row, and write them as events; a bare day counts at its end."""
    from engine.events import Events  # noqa: PLC0415 - polars is only loaded where there is work
    from engine.kinds import kinds_of_text  # noqa: PLC0415
    from engine.places import check_file  # noqa: PLC0415

    check_file(out, "events", suffix=".parquet", force=force, sources=[labels])
    declared = kinds_of_text(",".join(kinds), "--kind") if kinds else None
    events = Events.import_table(
        labels, columns=_pairs(columns or ()), zone=zone, kinds=declared, delay=delay, dates=dates, decimal=decimal
    )  # fmt: skip
    events = events if novelty is None else events.with_novelty(novelty)
    events.write(out, force=force)
    counts = events.frame["kind"].value_counts(sort=True).sort("count", "kind", descending=[True, False])
    frame = events.frame
    document = {
        "out": out,
        "events": len(events),
        "kinds": dict(counts.iter_rows()),
        "assets": sorted(events.named),
        "first": frame["known_at"].min(),
        "last": frame["known_at"].max(),
    }
    shown: list[Any] = [table(("kind", "events"), list(counts.iter_rows()), right=("events",)), f"{events}"]
    answer(document, as_json, *shown, f"Wrote {count(len(events), 'event')} to {out}.")


def _pairs(given: Sequence[str]) -> dict[str, str]:
    """Part "kind=label,assets=ticker" into names and columns."""
    from engine.faults import Fault  # noqa: PLC0415

    out: dict[str, str] = {}
    for text in (part for whole in given for part in whole.split(",")):
        name, sign, column = (part.strip() for part in text.partition("="))
        if not (name and sign and column):
            raise Fault(f"--map must be a name, = and a column (got {text!r}); write it like kind=label.")
        if name in out:
            raise Fault(f"--map must name {name} once (got it twice); leave one of them out.")
        out[name] = column
    return out
