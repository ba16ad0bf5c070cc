"""What there is on this machine, what is missing, and how to get it."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from engine.devices import gpu


def examine() -> dict[str, Any]:
    """Look at Python, packages, processors, the GPU and the cache.

    Returns
    -------
    dict
        `tocsin`, `python`, `platform`, `packages` (name -> version), `threads`, `gpu` (see `engine.devices.gpu`), `cache`
        (`folder`, `files`, `bytes`, `writable`), `missing` (`what`, `why`, `get`) and `healthy`.
    """
    own = _version("tocsin")
    packages = {name: _version(name) for name in _names(None)}
    cache = _cache()
    cuda = gpu()
    missing = [_lacking(extra, reason) for extra, reason in _EXTRAS.items()]
    if not cuda["ready"]:
        missing.insert(0, {"what": "an NVIDIA GPU to use", "why": f"CUDA ({cuda['why']})", "get": cuda["remedy"]})
    broken = [name for name, found in packages.items() if found is None]
    return {
        "tocsin": own,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "packages": packages,
        "threads": usable_threads(),
        "gpu": cuda,
        "cache": cache,
        "missing": [_broken(name) for name in broken] + [found for found in missing if found],
        "healthy": not broken and cache["writable"],
    }


def usable_threads() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_EXTRAS = {
    "gpu": "runs on an NVIDIA GPU",
    "cluster": "sweeps on more than one machine",
    "live": "prices from the net",
    "vectorbt": "Run.to_vectorbt and comparisons",
    "dev": "the tests, ruff and mypy",
    "gate": "compiling for CUDA in the tests, with no GPU",
}


def _lacking(extra: str, reason: str) -> dict[str, str] | None:
    absent = [name for name in _names(extra) if _version(name) is None]
    if not absent:
        return None
    needed = " ".join(f"'{line}'" for line in _lines(extra))
    return {"what": f"extra {extra} ({', '.join(absent)})", "why": reason, "get": f"{_installer()} {needed}"}


def _broken(name: str) -> dict[str, str]:
    line = next(line for line in _lines(None) if _name(line) == name)
    return {"what": name, "why": "anything at all", "get": f"{_installer()} '{line}'"}


def _installer() -> str:
    if importlib.util.find_spec("pip"):
        return f"{sys.executable} -m pip install"
    return f"uv pip install --python {sys.executable}"


def _lines(extra: str | None) -> list[str]:
    """Give the requirements of the distribution, or of one of its extras, without their markers."""
    try:
        declared = requires("tocsin") or []
    except PackageNotFoundError:
        return []
    found = []
    for line in declared:
        wanted, _, marker = line.partition(";")
        of = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
        if (of[1] if of else None) == extra:
            found.append(wanted.strip())
    return found


def _names(extra: str | None) -> list[str]:
    return [_name(line) for line in _lines(extra)]


def _name(line: str) -> str:
    return re.split(r"[<>=!~\[; ]", line, maxsplit=1)[0]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cache() -> dict[str, Any]:
    from engine.compile import cache_folder  # noqa: PLC0415 - numba takes its time to load

    folder = cache_folder()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return {
        "folder": str(folder),
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "writable": _writable(folder),
    }


def _writable(folder: Path) -> bool:
    found = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    return found.is_dir() and os.access(found, os.W_OK | os.X_OK)
