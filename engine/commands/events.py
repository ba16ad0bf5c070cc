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
    dates: DatesOption = None,
    decimal: DecimalOption = None,
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Read labels of any reader or person, check every row, and write them as events; a bare day counts at its end."""
    from engine.events import Events  # noqa: PLC0415 - polars is only loaded where there is work
    from engine.places import check_file  # noqa: PLC0415

    check_file(out, "events", suffix=".parquet", force=force, sources=[labels])
    named, declared = _pairs("--map", columns or (), ","), _pairs("--kind", kinds or (), ",")
    events = Events.import_table(
        labels, columns=named, zone=zone, kinds={name: _worth(name, text) for name, text in declared.items()},
        delay=delay, dates=dates, decimal=decimal,
    )  # fmt: skip
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


def _pairs(option: str, given: Sequence[str], separator: str) -> dict[str, str]:
    """Part "kind=label,assets=ticker" into names and what they are."""
    from engine.faults import Fault  # noqa: PLC0415

    out: dict[str, str] = {}
    for text in (part for whole in given for part in whole.split(separator)):
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            such = "kind=label" if option == "--map" else "downgrade=-1*0.6"
            raise Fault(f"{option} must be a name, = and what it is (got {text!r}); write it like {such}.")
        if name in out:
            raise Fault(f"{option} must name {name} once (got it twice); leave one of them out.")
        out[name] = value
    return out


def _worth(name: str, text: str) -> tuple[int, float]:
    """Read a sign and a base strength: "-1*0.6"."""
    from engine.faults import Fault  # noqa: PLC0415

    sign, star, base = (part.strip() for part in text.partition("*"))
    try:
        if not star or sign not in ("-1", "1", "+1", "-", "+"):
            raise ValueError
        return int(f"{sign}1" if sign in ("-", "+") else sign), float(base)
    except ValueError:
        raise Fault(
            f"--kind {name} must be a sign, -1 or 1, and a base strength from 0 to 1 (got {text!r}); write --kind {name}=-1*0.6."
        ) from None
