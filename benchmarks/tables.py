"""Records -> tables for the terminal, Markdown between marks in the documents, and plots."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks import records
from benchmarks.plots import rates_plot, scaling_plot
from engine.files import in_one_step

ROOT = Path(__file__).resolve().parents[1]
OURS, FLOOR = "Tocsin", "C loop"
#: Documents that hold blocks made from a record, and plots that are made whole.
DOCUMENTS = ("docs/performance.md", "README.md")
_BLOCK = re.compile(r"(<!-- suite: (\w+) -->\n).*?(<!-- /suite -->)", re.S)

#: Workloads in the order of the page, with what they are called; the last field is the goal of the design, in their unit.
TITLES: dict[str, tuple[str, float | None]] = {
    "dense": ("dense grid of two averages", 2e9),
    "narrative": ("narrative sweep, shared rules", None),
    "narrative_whole": ("narrative sweep, the whole account", 3e5),
    "sparse": ("few orders, long history", 2e10),
    "single": ("one backtest", None),
    "read": ("made-up documents to events", None),
    "load": ("prices from our own Parquet", None),
    "import": ("prices from somebody else's Parquet", None),
    "first_cold": ("first call, nothing compiled", None),
    "first_warm": ("first call, compiled before", None),
    "demo_cold": ("demo, nothing compiled", 1 / 10),
    "demo_warm": ("demo, compiled before", 1 / 3),
}


def measured(record: dict[str, Any], workload: str) -> list[dict[str, Any]]:
    """Results of a workload that were measured, the fastest first."""
    found = [r for r in record["results"] if r["workload"] == workload and "rate" in r]
    return sorted(found, key=lambda r: -r["rate"])


def best_peer(record: dict[str, Any], workload: str) -> dict[str, Any] | None:
    """The fastest engine of somebody else's whose answers are ours; the C loop is no engine."""
    for result in measured(record, workload):
        if not result["peer"].startswith((OURS, FLOOR)) and result["agrees"]:
            return result
    return None


def result_of(record: dict[str, Any], workload: str, peer: str) -> dict[str, Any] | None:
    """One result, None where it was not measured."""
    return next((r for r in measured(record, workload) if r["peer"] == peer), None)


# ------------------------------------------------------------------------------------------------------ writing numbers


def quantity(value: float, unit: str) -> str:
    """Write a rate: 2.41e9 bar-steps/s, 31,200 backtests/s; where the unit is runs/s, the time of a run."""
    if unit == "runs/s":
        return duration(1 / value)
    if value >= 1e6:
        return f"{value:.2e} {unit}".replace("e+0", "e").replace("e+", "e")
    return f"{value:.3g} {unit}" if value < 1000 else f"{_rounded(value):,.0f} {unit}"


def _rounded(value: float) -> float:
    """Round to three digits."""
    return float(f"{value:.3g}")


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def times(ratio: float) -> str:
    """Write how many times as fast: 12, 1.3, 0.04."""
    return f"{_rounded(ratio):,.0f}" if ratio >= 100 else f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


def agreement(result: dict[str, Any]) -> str:
    """Say whether a result's answers are ours."""
    if result["peer"] == OURS:
        return ""
    if result["agrees"] is None:
        return f"other work: it {result['differs']}" if result["differs"] else "nothing to compare"
    if "share" not in result:
        return "equal" if result["agrees"] else "DIFFERS"
    text = f"{round(result['share'] * result['compared']):,}" if result["share"] != 1 else "all"
    share = f"{text} of {result['compared']:,} lanes equal" if result["compared"] > 1 else "equal"
    reason = f"; it {result['differs']}" if result["differs"] else ""
    return share if result["agrees"] else f"DIFFERS: {share}{reason}"


# ------------------------------------------------------------------------------------------------------------- tables


def rows_of(record: dict[str, Any], workload: str) -> list[tuple[str, ...]]:
    """Rows of one workload's table: engine, rate, time, ours in times of it, memory, answers, how."""
    ours, rows = result_of(record, workload, OURS), []
    for r in measured(record, workload):
        ratio = times(ours["rate"] / r["rate"]) if ours and r["agrees"] else "" if r["peer"] == OURS else "-"
        spread = f"{duration(r['median_s'])} ({duration(r['low_s'])} to {duration(r['high_s'])})"
        walked = f"{r['lanes']:,}" if r["lanes"] > 1 else ""
        rows.append(
            (r["peer"], quantity(r["rate"], r["unit"]), spread, walked, ratio, f"{r['peak_mib']:,.0f}", agreement(r), r["idiom"])
        )  # fmt: skip
    return rows


COLUMNS = ("engine", "rate", "a run, median (spread)", "lanes a run", "ours is times", "peak MiB", "answers", "how")


def summary(record: dict[str, Any]) -> list[tuple[tuple[str, ...], list[tuple[str, ...]], str]]:
    """Tables for the terminal: columns, rows, title."""
    parts: list[tuple[tuple[str, ...], list[tuple[str, ...]], str]] = []
    for workload, (title, _) in TITLES.items():
        rows = rows_of(record, workload)
        if rows:
            parts.append((COLUMNS, rows, f"{workload}: {title}"))
    if record.get("scaling"):
        rows = [
            (p["curve"], f"{p['x']:,}", quantity(p["rate"], p["unit"]), duration(p["seconds"]), "")
            for p in record["scaling"]
        ]
        parts.append((("over", "x", "rate", "a run", ""), rows, "scaling"))
    return parts


def markdown(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Write a table as Markdown."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def overview(record: dict[str, Any]) -> str:
    """One row a workload: ours, the fastest peer with the same answers, the floor, the goal."""
    rows = []
    for workload, (title, goal) in TITLES.items():
        ours = result_of(record, workload, OURS)
        if ours is None:
            continue
        peer, floor = best_peer(record, workload), result_of(record, workload, FLOOR)
        rows.append(
            (
                title, quantity(ours["rate"], ours["unit"]),
                f"{quantity(peer['rate'], peer['unit'])}, {peer['peer']}" if peer else "none does this",
                times(ours["rate"] / peer["rate"]) if peer else "",
                times(ours["rate"] / floor["rate"]) if floor and floor["agrees"] else "",
                "" if goal is None else f"{quantity(goal, ours['unit'])}: {'reached' if ours['rate'] >= goal else 'not reached'}",
            )
        )  # fmt: skip
    columns = (
        "workload",
        "Tocsin",
        "fastest peer",
        "Tocsin is times as fast",
        "times the C loop",
        "goal of the design",
    )
    return markdown(columns, rows)


def machine(record: dict[str, Any]) -> str:
    """Say where, when and with what a record was made."""
    m, v = record["machine"], record["versions"]
    packages = ", ".join(f"{name} {number}" for name, number in v.items())
    return (
        f"Measured at commit {record['commit']} on {record['date']}, in {record['seconds'] / 60:.1f} minutes, size "
        f"`{record['size']}`: {m['processor']}, "
        f"{m['threads']} threads, {m['memory_gib']:.0f} GiB, {m['system']}; load before: {m['load_before']}. {packages}.\n"
    )


def ceiling(record: dict[str, Any]) -> str:
    """Say how near the physical limits are."""
    limits, lines = record["limits"], []
    dense, load = result_of(record, "dense", OURS), result_of(record, "load", OURS)
    if dense and "dense_bar_steps_per_s" in limits:
        top, floor = limits["dense_bar_steps_per_s"], result_of(record, "dense", FLOOR)
        lines.append(
            f"Dense: gcc's inner loop has {limits['instructions_per_vector']} instructions for {limits['lanes_per_vector']} lanes; at "
            f"{limits['clock_hz'] / 1e9:.2f} GHz (measured), {limits['instructions_per_cycle_assumed']} instructions a cycle (assumed) and "
            f"{record['machine']['threads']} cores that is a ceiling of {quantity(top, 'bar-steps/s')}. The C loop reaches "
            f"{floor['rate'] / top if floor else 0:.0%} of it, Tocsin {dense['rate'] / top:.1%}."
        )
    if load:
        made = load["work"] * 6 * 4 / load["median_s"]
        lines.append(
            f"Loading: one thread copies {limits['copy_bytes_per_s'] / 1e9:.1f} GB/s, read and written together; the matrices of a load "
            f"come into being at {made / 1e9:.2f} GB/s, {made / limits['copy_bytes_per_s']:.1%} of it."
        )
    return "\n\n".join(lines) + "\n"


def scaling_table(record: dict[str, Any]) -> str:
    """One table of all curves."""
    points = record.get("scaling", [])
    rows = []
    for curve in dict.fromkeys(p["curve"] for p in points):
        mine = [p for p in points if p["curve"] == curve]
        shown = " · ".join(f"{_power(p['x'])}: {quantity(p['rate'], '').strip()}" for p in mine)
        rows.append((curve, mine[0]["unit"], shown))
    return markdown(("over", "unit", "size: rate"), rows)


def _power(x: int) -> str:
    return f"10^{len(str(x)) - 1}" if x >= 100 and str(x).rstrip("0") == "1" else f"{x:,}"


def readme(record: dict[str, Any]) -> str:
    """The few numbers of the README."""
    m = record["machine"]
    return (
        overview(record)
        + f"\nMeasured at commit {record['commit']} on {record['date']}: {m['processor']}, {m['threads']} threads. "
        + "What each job is, every engine beside it and how its answers were compared: [docs/performance.md](docs/performance.md).\n"
    )


def starts(record: dict[str, Any]) -> str:
    """One table of the workloads that start processes."""
    rows = []
    for workload in ("first_cold", "first_warm", "demo_cold", "demo_warm"):
        rows += [(TITLES[workload][0], r[0], r[2], *r[4:7]) for r in rows_of(record, workload)]
    if not rows:
        return "Not in this record; the whole suite measures it.\n"
    return markdown(("workload", *(COLUMNS[i] for i in (0, 2, 4, 5, 6))), rows)


def block(name: str, record: dict[str, Any]) -> str:
    """Return the text of one block of a document."""
    makers = {
        "overview": overview,
        "machine": machine,
        "limits": ceiling,
        "scaling": scaling_table,
        "readme": readme,
        "starts": starts,
    }
    if name in makers:
        return makers[name](record)
    if name.startswith("gpu"):
        from benchmarks import gpu_tables  # noqa: PLC0415 - it writes numbers as this file does

        makers = {"gpu": gpu_tables.throughput, "gpu_parity": gpu_tables.parity, "gpu_readme": gpu_tables.readme}
        return makers[name](json.loads(records.GPU.read_text(encoding="utf-8")))
    missing = [r["missing"] for r in record["results"] if r["workload"] == name and "missing" in r]
    return markdown(COLUMNS, rows_of(record, name)) + "".join(f"\n{sentence}\n" for sentence in missing)


def documents(record: dict[str, Any]) -> dict[str, str]:
    """Text of every document and plot that is made from a record."""
    made = {}
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        made[name] = _BLOCK.sub(lambda m: m[1] + block(m[2], record) + m[3], text)
    made["docs/rates.svg"] = rates_plot(record, TITLES)
    made["docs/scaling.svg"] = scaling_plot(record)
    return made


def write_documents() -> list[str]:
    """Bring the documents up to date with the record that they show; say which changed."""
    changed = []
    for name, text in documents(records.read(records.SHOWN)).items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            with in_one_step(path) as fresh:
                fresh.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed
