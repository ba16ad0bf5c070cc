"""`tocsin sweep`: a job file in, a folder of results out, whatever happens in between."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands.output import JsonFlag, answer, count, number, table, working
from engine.legible import numeral


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
        ("chunks", f"{found['chunks']:,} of up to {found['lanes_a_chunk']:,} lanes"),
        ("memory", f"up to {found['memory'] / 2**20:,.0f} MiB, beside the program itself"),
        ("time", f"about {spell(found['seconds'])} on this machine"),
        ("fingerprint", found["fingerprint"]),
    ]
    return [
        table(("job", ""), rows),
        "Nothing was written; name a folder with --out, and leave out --dry-run, to start.",
    ]


def _shown(document: dict[str, Any], out: Path) -> list[Any]:
    metric, parameters = document["metric"], document["parameters"]
    figures = list(dict.fromkeys((metric, "total_return", "max_drawdown")))
    after = document.get("out_of_sample")
    rows = []
    for period in document["periods"]:
        best = period["winner"] or {}
        values = [best.get("lane", "-"), *(numeral(best[name], 6) if best else "-" for name in parameters)]
        sample = ["in sample"] if after else []
        found = [number(best.get(name), 4) for name in figures]
        rows.append((period["name"], *sample, period["first"], period["last"], *values, *found))
        if after:  # beneath what chose the winner, what the winner earned then
            then = period.get("out_of_sample", {})
            found = [number(then.get(name), 4) for name in figures]
            rows.append(("", "out of sample", *period["test"], *[""] * len(values), *found))
    right = ("lane", *parameters, *figures)
    columns = ("period", *(["sample"] if after else []), "first", "last", *right)
    parts: list[Any] = [
        f"{document['strategy']} · {count(document['lanes'], 'lane')} · the best by {metric}, walked again in float64",
        table(columns, rows, right=right),
    ]
    if after:
        listed = ", ".join(f"{name} {number(after[name], 4)}" for name in figures if name in after)
        parts.append(
            f"Out of sample{', all folds one after the other' if len(document['periods']) > 1 else ', the best'}: {listed}."
        )
    parts.append(f"Wrote {out}: sweep.json, top, marginals, heatmaps, histograms, ... as Parquet.")
    return parts


def _told(found: dict[str, Any]) -> list[Any]:
    from engine.jobs.progress import told  # noqa: PLC0415

    share = found["lanes_done"] / found["lanes"]
    parts: list[Any] = [f"{found['state']} · {share:.1%} · {told(found)} · seen {found['updated_at']}"]
    if found.get("says"):
        parts.append(found["says"])
    if found["state"] not in ("running", "finished"):
        parts.append(f"Go on with: {found['resume']}")
    return parts
