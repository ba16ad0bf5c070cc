"""What tells a file of ours from somebody else's, so that nothing else is ever replaced."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

#: Name in the metadata of a Parquet file; its value is the kind and the version of its layout, such as "market 1".
KEY = "tocsin.format"

#: What a file of ours can be.
Kind = Literal["market", "events", "sources", "lanes", "run table", "run", "record", "page", "picture"]

_NAMES: dict[Kind, str] = {
    "market": "market that tocsin wrote", "events": "table of events that tocsin wrote",
    "sources": "table of sources that tocsin wrote", "lanes": "table of lanes that tocsin wrote",
    "run table": "table of a run of tocsin's", "run": "run of tocsin's", "record": "record of `tocsin bench`",
    "page": "page that tocsin wrote", "picture": "picture that tocsin drew",
}  # fmt: skip
#: Keys of our JSON documents that together nobody else uses.
_KEYS: dict[Kind, set[str]] = {
    "run": {"strategy", "metrics", "tocsin"},
    "record": {"size", "commit", "machine", "results"},
}
PICTURE = "<!-- drawn by tocsin -->"
_HEAD = 4096  # bytes of a page or picture that are looked at
_GENERATOR = re.compile(r'<meta name="generator" content="tocsin [^"<>]*">')


def mark(kind: Kind) -> dict[str, str]:
    """Return the metadata that marks a Parquet file."""
    return {KEY: f"{kind} 1"}


def described(kind: Kind) -> str:
    """Say what a file of a kind is, after "a"."""
    return _NAMES[kind]


def is_ours(path: Path, kind: Kind) -> bool:
    """Whether a file bears our mark of this kind.

    Raises
    ------
    OSError
        Where the file cannot be opened.
    """
    if not path.is_file():
        return False
    if kind in _KEYS:
        return _KEYS[kind] <= _json(path).keys()
    if kind in ("page", "picture"):
        with path.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
        return bool(_GENERATOR.search(head)) if kind == "page" else PICTURE in head
    return _parquet_mark(path).rpartition(" ")[0] == kind


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _parquet_mark(path: Path) -> str:
    import polars as pl  # noqa: PLC0415 - only loaded where something is in the way

    try:
        return pl.read_parquet_metadata(path).get(KEY, "")
    except (pl.exceptions.PolarsError, ValueError):
        return ""
