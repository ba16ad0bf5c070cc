"""`tocsin sweep`: a job file in, a folder of results out, whatever happens in between."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands.output import JsonFlag, answer, count, number, table, tables, working

#: Periods that a dry run lists.
_SHOWN = 12


def sweep(
    job: Annotated[
        Path, typer.Argument(help="The job file (TOML); docs/jobs.md says how to write one.", metavar="JOB")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for chunks and results.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    cluster: Annotated[
        str | None,
        typer.Option(help="Walk on Ray: local starts one here; auto or ray://HOST:PORT joins one.", metavar="ADDRESS"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is missing in the folder.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the job, say what it will take, and write nothing.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Walk a grid of parameters in chunks, and go on after any interruption where it was left."""
    from engine.faults import Fault  # noqa: PLC0415 - polars and numba are only loaded where there is work
    from engine.jobs.job import Job  # noqa: PLC0415
    from engine.jobs.running import Order, run  # noqa: PLC0415

    if cluster is not None:
        from engine.jobs.cluster import check_address  # noqa: PLC0415

        check_address(cluster)
    if dry_run:
        from engine.jobs.expected import expected  # noqa: PLC0415

        checked = Job.read(job)
        with working("walking some lanes to see how long they take ..."):
            found = expected(checked, device)
        answer(found, as_json, *_estimated(found))
        return
    if out is None:
        raise Fault("--out is missing, needed is a folder for chunks and results; name one, such as --out sweep.")
    document = run(Order(job, out, device, cluster, resume), _said)
    answer({**document, "out": out}, as_json, *_shown(document, out))


def _said(text: str) -> None:
    sys.stderr.write(text + "\n")


def status(
    folder: Annotated[Path, typer.Argument(help="Folder that `tocsin sweep` writes.", metavar="DIR")],
    as_json: JsonFlag = False,
) -> None:
    """Say how far a sweep is, and how to go on with one that was stopped."""
    from engine.jobs.progress import status as look  # noqa: PLC0415

    found = look(folder)
    answer(found, as_json, *_told(found))


def _estimated(found: dict[str, Any]) -> list[Any]:
    from engine.jobs.progress import spell  # noqa: PLC0415

    periods = f" in each of {count(found['periods'], 'period')}" if found["periods"] > 1 else ""
    rows = [
        ("strategy", found["strategy"]),
        ("lanes", f"{found['lanes']:,}{periods}"),
        ("best by", ", ".join(found["by"])),
        *([("of lanes with", found["require"])] if found["require"] else []),
        *_splits(found["splits"]),
        ("chunks", f"{found['chunks']:,} of up to {found['lanes_a_chunk']:,} lanes"),
        ("memory", f"up to {found['memory'] / 2**20:,.0f} MiB, beside the program itself"),
        ("time", f"about {spell(found['seconds'])} on this machine"),
        ("fingerprint", found["fingerprint"]),
    ]
    return [
        table(("job", ""), rows),
        *_short(found["splits"]),
        "Nothing was written; name a folder with --out, and leave out --dry-run, to start.",
    ]


def _splits(periods: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Say which sessions choose and which judge, of the first periods and the last."""
    rows = [
        (
            period["name"],
            f"{period['first']} to {period['last']}, judged on {count(period['test_sessions'], 'session')} to {period['test'][1]}",
        )
        for period in periods
    ]
    return (
        rows
        if len(rows) <= _SHOWN
        else [*rows[: _SHOWN - 2], ("...", f"{len(rows) - _SHOWN + 1:,} more like these"), rows[-1]]
    )


def _short(periods: list[dict[str, Any]]) -> list[str]:
    """Say of a fold that its test is shorter than the others."""
    return [
        f"{period['name']} is short: its test has {period['test_sessions']:,} of "
        f"{count(period['test_sessions'] + period['short_by'], 'session')}, as no more are left; weigh its own figures by that."
        for period in periods
        if period.get("short_by")
    ]


def _shown(document: dict[str, Any], out: Path) -> list[Any]:
    metric, periods = document["metric"], document["periods"]
    among = f" of those with {document['require']}" if document["require"] else ""
    title = f"{document['strategy']} · {count(document['lanes'], 'lane')} · the best{among} by {metric}, walked again in float64"
    figures = list(dict.fromkeys((metric, "total_return", "max_drawdown")))
    parts: list[Any] = [title]
    if any(period["winner"] for period in periods):
        parts += [*_figures(periods, figures), *_winners(periods, document["parameters"])]
    parts += [*_silent(document), *_short(periods)]
    if after := document.get("out_of_sample"):
        found = [(name, after.get(name, after.get("figure"))) for name in figures]
        listed = ", ".join(f"no {name}" if value is None else f"{name} {number(value, 4)}" for name, value in found)
        parts.append(
            f"Out of sample{', all folds one after the other' if len(periods) > 1 else ', the best'}: {listed}."
        )
    return [*parts, f"Wrote {out}: {_written(document['files'])}."]


def _figures(periods: list[dict[str, Any]], figures: list[str]) -> list[Any]:
    """Show of each period what chose its winner, and beneath it what the winner earned then."""
    rows, judged = [], any("test" in period for period in periods)
    for period in periods:
        for sample, first, last, found in _samples(period):
            cells = [number(found.get(name, found.get("figure")), 4) if found else "" for name in figures]
            rows.append(
                (period["name"] if sample == "in sample" else "", *([sample] if judged else []), first, last, *cells)
            )
    columns = ("period", *(["sample"] if judged else []), "first", "last", *figures)
    return tables(columns, rows, figures, keys=2 if judged else 1)


def _samples(period: dict[str, Any]) -> list[tuple[str, str, str, dict[str, Any]]]:
    chosen = ("in sample", period["first"], period["last"], period["winner"] or {})
    if "test" not in period:
        return [chosen]
    return [chosen, ("out of sample", *period["test"], period.get("out_of_sample", {}))]


def _winners(periods: list[dict[str, Any]], parameters: list[str]) -> list[Any]:
    """Show the parameters of each period's winner."""
    from engine.jobs.parts import told  # noqa: PLC0415

    winners = [(period["name"], period["winner"]) for period in periods if period["winner"]]
    alike = ["shared"] if any(winner["shared"] > 1 for _, winner in winners) else []
    columns = ("period", "lane", *alike, *parameters)
    rows = [
        (name, f"{winner['lane']:,}", *(f"{winner[n]:,}" for n in alike), *(told(winner[n]) for n in parameters))
        for name, winner in winners
    ]
    return tables(columns, rows, columns[1:])


def _silent(document: dict[str, Any]) -> list[str]:
    """Say where nothing was traded, or nothing could be chosen."""
    said, periods = [], document["periods"]
    for period in periods:
        told = []
        if not period["traded"]:
            told.append(f"no lane trades from {period['first']} to {period['last']}")
        if not period["winner"] and document["require"] and not period["met"]:
            told.append(f"no lane meets {document['require']!r}")
        elif not period["winner"]:
            told.append(f"no lane has a {document['metric']}")
        if told:
            then = "; the account stays in cash" if "test" in period and not period["winner"] else ""
            sentence = f"{', and '.join(told)}{then}."
            said.append(f"{period['name']}: {sentence}" if len(periods) > 1 else sentence[:1].upper() + sentence[1:])
    return said


def _written(files: dict[str, str]) -> str:
    """List what was written, and where; what each fold has, once."""
    whole = ["sweep.json", *sorted(name for name in files if "/" not in name)]
    folds = sorted({name.split("/")[1] for name in files if "/" in name})
    if not folds:
        return ", ".join(whole)
    each = sorted({name.split("/")[-1] for name in files if "/" in name})
    return f"{', '.join(whole)}; in folds/{folds[0]} to {folds[-1]}: {', '.join(each)}"


def _told(found: dict[str, Any]) -> list[Any]:
    from engine.jobs.progress import told  # noqa: PLC0415

    share = found["lanes_done"] / found["lanes"]
    parts: list[Any] = [f"{found['state']} · {share:.1%} · {told(found)} · seen {found['updated_at']}"]
    if found.get("says"):
        parts.append(found["says"])
    if found["state"] not in ("running", "finished"):
        parts.append(f"Go on with: {found['resume']}")
    return parts
