"""Records of measurements: JSON files that say what was measured, where, and at which commit; and how two of them compare."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from engine.faults import Fault
from engine.files import whole

RESULTS = Path(__file__).parent / "results"
#: The record that the documents' numbers are made from.
SHOWN = RESULTS / "suite.json"
#: What `benchmarks.gpu` last found on a GPU.
GPU = RESULTS / "gpu.json"
_PACKAGES = (
    "numba", "numpy", "polars", "pyarrow", "pandas", "vectorbt", "vectorbt-rust", "raptorbt", "backtesting", "llvmlite",
)  # fmt: skip
#: A rate this much lower is a regression, where it is also beyond the spread of both records.
TOLERANCE = 0.10


def machine() -> dict[str, Any]:
    """What the measurements were taken on."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    model = re.search(r"model name\s*: (.+)", text)
    kind = re.search(r"cpu family\s*: (\d+)\s*model\s*: (\d+)", text)  # tells generations apart that bear one name
    clock = re.search(r"cpu MHz\s*: ([\d.]+)", text)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "processor": (model[1] if model else platform.processor() or platform.machine())
        + (f" (family {kind[1]}, model {kind[2]})" if kind else ""),
        "threads": os.cpu_count(),
        "nominal_mhz": float(clock[1]) if clock else None, "memory_gib": round(memory / 2**30, 1),
        "system": " ".join([platform.system(), *re.findall(r"^\d+\.\d+", platform.release())]), "load_before": round(os.getloadavg()[0], 2),
    }  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of Python, gcc and of every package that takes part."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    try:
        text = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True).stdout
        found["gcc"] = text.splitlines()[0].split()[-1]
    except (OSError, subprocess.CalledProcessError):
        pass
    return found


def commit() -> str:
    """Commit of the source, with a plus where it was changed since."""
    try:
        root = Path(__file__).parent
        head = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        )
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no", "--", "..", ":!../benchmarks/results", ":!../docs", ":!../*.md"],
            cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def new(size: str) -> dict[str, Any]:
    """Begin a record."""
    return {
        "size": size, "commit": commit(), "date": dt.datetime.now(dt.UTC).date().isoformat(), "machine": machine(),
        "versions": versions(), "results": [],
    }  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """Read a record."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Fault(
            f"{path} cannot be read ({error.strerror}); name a record that `python -m benchmarks` wrote."
        ) from None
    except json.JSONDecodeError:
        record = None
    if not isinstance(record, dict) or "results" not in record:
        raise Fault(f"{path} holds no record of the suite, allowed is what `python -m benchmarks` wrote; name one.")
    return record


def write(record: dict[str, Any], path: Path, *, force: bool = False) -> None:
    """Write a record, whole or not at all; a file that is there is replaced where it is a record, or `force` is true."""
    with whole(path, "record", "path", force=force) as fresh:
        fresh.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def by_name(record: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Measured results by workload and peer."""
    return {(r["workload"], r["peer"]): r for r in record["results"] if "rate" in r}


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare the rates and the memory of two records, workload by workload.

    A rate is a regression where it is more than `TOLERANCE` lower and even the fastest repeat is slower than the slowest of
    before; memory, where it grew by more than `TOLERANCE` and 16 MiB.
    """
    old, new_, rows = by_name(before), by_name(after), []
    if before["size"] != after["size"]:
        raise Fault(
            f"the records are of the sizes {before['size']!r} and {after['size']!r}, allowed are two of one size; measure one anew."
        )
    for key in [k for k in new_ if k in old]:
        a, b = old[key], new_[key]
        slower = b["rate"] < a["rate"] * (1 - TOLERANCE) and b["low_s"] / b["work"] > a["high_s"] / a["work"]
        larger = b["peak_mib"] > a["peak_mib"] * (1 + TOLERANCE) + 16
        wrong = a.get("agrees") is not False and b.get("agrees") is False
        rows.append(
            {
                "workload": key[0], "peer": key[1], "unit": b["unit"], "before": a["rate"], "after": b["rate"],
                "ratio": b["rate"] / a["rate"], "before_mib": a["peak_mib"], "after_mib": b["peak_mib"],
                "regression": [w for w, bad in (("rate", slower), ("memory", larger), ("answers", wrong)) if bad],
            }
        )  # fmt: skip
    return rows
