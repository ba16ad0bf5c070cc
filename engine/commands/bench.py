"""`tocsin bench`: the benchmark suite, beside the engines that people use today."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands.output import ForceFlag, JsonFlag, answer, table
from engine.faults import Fault
from engine.legible import numeral


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Workloads; left out, all of them.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller and fewer jobs, fewer repeats: about two minutes.")
    ] = False,
    peer: Annotated[list[str] | None, typer.Option(help="Only these engines; may be given several times.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the record here, a JSON file.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Compare two records, before and after, in place of a run.")
    ] = None,
    write_tables: Annotated[
        bool,
        typer.Option("--tables", help="Put the tables of benchmarks/results into the documents, in place of a run."),
    ] = False,
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Measure Tocsin beside vectorbt, raptorbt, backtesting.py, polars and a loop in C: same data, same answers, same run."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "benchmarks" / "suite.py").is_file():
        raise Fault(
            f"The benchmarks are not in {root}, for an installed tocsin does not bring them; clone the repository and install that."
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    # Loaded by name: the engine does not import what is not part of it.
    tables = import_module("benchmarks.tables")
    if compare:
        _compare(*compare, as_json)
    elif write_tables:
        changed = tables.write_documents()
        answer(
            {"changed": changed}, as_json, "\n".join(f"Wrote {c}." for c in changed) or "The documents are up to date."
        )
    else:
        record = import_module("benchmarks.suite").run(
            names or (), "quick" if quick else "full", peer or (), out, force=force
        )
        answer(record, as_json, *_shown(tables.summary(record)))


def _shown(parts: Any) -> list[Any]:
    return [table(columns, rows, right=columns[1:-1], title=title) for columns, rows, title in parts]


def _compare(before: Path, after: Path, as_json: bool) -> None:
    records = import_module("benchmarks.records")
    rows = records.compare(records.read(before), records.read(after))
    bad = [row for row in rows if row["regression"]]
    shown: list[tuple[Any, ...]] = [
        (
            r["workload"], r["peer"], numeral(r["before"], 3), f"{numeral(r['after'], 3)} {r['unit']}", f"{r['ratio']:.2f}",
            f"{r['before_mib']:,.0f}", f"{r['after_mib']:,.0f} MiB", ", ".join(r["regression"]),
        )
        for r in rows
    ]  # fmt: skip
    columns = ("workload", "engine", "before", "after", "ratio", "memory before", "after ", "regression")
    said = f"{len(bad)} of {len(rows)} are worse." if bad else f"None of {len(rows)} is worse."
    answer({"compared": rows, "regressions": len(bad)}, as_json, table(columns, shown, right=columns[2:7]), said)
    if bad:
        raise typer.Exit(1)
