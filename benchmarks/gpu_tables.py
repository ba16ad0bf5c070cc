"""The record of a GPU -> Markdown for the documents."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.tables import markdown, quantity

#: The jobs in the order of the page, with what they are.
JOBS = {
    "dense": "dense grid: two averages, one asset",
    "dense_many_pairs": "the same, more pairs",
    "narrative": "narrative sweep, the whole account",
    "narrative_float64": "the same in float64",
    "one_asset": "the same on one asset",
}


def caption(record: dict[str, Any]) -> str:
    """Say where and when the record was made."""
    device = record["parts"]["device"]
    driver = re.search(r"\d+\.\d+\.\d+", device["nvidia_smi"] or "")
    made = ", ".join(f"{name} {version}" for name, version in device["versions"].items())
    said = f"Measured at commit {record['commit']} on {record['date'][:10]}: {device['name']}, driver {driver[0] if driver else 'unknown'}"
    return f"{said}, {device['clock_hz'] / 1e9:.2f} GHz, Python {device['python']}, {made}."


def throughput(record: dict[str, Any]) -> str:
    """One line a job: the walk alone, and with metrics and what is copied."""
    rows = []
    for name, shown in JOBS.items():
        part, static = record["parts"][f"throughput {name}"], record["parts"][f"issue {name}"]
        size = f"{part['lanes']:,} × {part['bars']:,} × {part['assets']}"
        counted = static["status"] == "done"  # else the machine has none of NVIDIA's tools
        share = f"{part_of(static['share_by_least'])} to {part_of(static['share_by_held'])}" if counted else ""
        rows.append((
            shown, size, quantity(part["bar_steps_a_second"], "bar-steps/s"), quantity(part["backtests_a_second"], "backtests/s"),
            quantity(part["whole_backtests_a_second"], "backtests/s"), str(part["registers"]),
            str(part["resident_threads_a_multiprocessor"]), share,
        ))  # fmt: skip
    columns = (
        "job", "lanes × bars × assets", "walk", "walk", "with metrics and copies", "registers", "threads a multiprocessor",
        "bars × instructions a bar, of what can be issued: all flat to all held",
    )  # fmt: skip
    peak = record["parts"]["memory"]["peak_used_bytes"] / 2**30
    return (
        f"{caption(record)}\n\n{markdown(columns, rows)}\nAt most {peak:.1f} GiB of the device's memory were in use.\n"
    )


def parity(record: dict[str, Any]) -> str:
    """One line a strategy and precision: how far the GPU's lanes are from the CPU's."""
    rows = []
    for name, part in record["parts"].items():
        if name.startswith("parity"):
            _, strategy, precision = name.split()
            found = part["against_cpu"]
            apart = (f"{found[of]:.1e}" for of in ("median_lane", "lane_of_99_in_100", "largest_relative_difference"))
            rows.append((strategy, precision, f"{found['lanes_with_other_trades']} of {found['lanes']:,}", *apart))
    columns = (
        "strategy",
        "precision",
        "lanes with other trades",
        "median lane",
        "lane 99 of 100",
        "largest difference",
    )
    return markdown(columns, rows)


def readme(record: dict[str, Any]) -> str:
    """The few numbers of the README."""
    parts = record["parts"]
    sweep, grid = parts["throughput narrative"], parts["throughput dense_many_pairs"]
    return (
        f"On an {parts['device']['name']} the narrative sweep of the whole account walks at "
        f"{quantity(sweep['backtests_a_second'], 'backtests/s')}, "
        f"{quantity(sweep['whole_backtests_a_second'], 'backtests/s')} with metrics and copies, and a grid of {grid['lanes']:,} pairs of "
        f"averages at {quantity(grid['bar_steps_a_second'], 'bar-steps/s')}; "
        f"measured at commit {record['commit']} on {record['date'][:10]}.\n"
    )


def part_of(share: float) -> str:
    """Write a share in percent."""
    return f"{100 * share:.0f} %"
