"""How commands speak: results on standard output, as text or as one JSON document; progress on standard error."""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, and nothing else, on standard output.")
]

DatesOption = Annotated[
    Literal["dmy", "mdy", "ymd"] | None,
    typer.Option(help="How dates such as 01/02/2025 are read, in every table, where a column leaves it open."),
]
DecimalOption = Annotated[
    Literal[".", ","] | None,
    typer.Option(
        help="The decimal sign of numbers in text, in every table; by default told from all of a table's numbers."
    ),
]

_WIDTH = 120  # where the output is no terminal


def answer(document: Mapping[str, Any], as_json: bool, *parts: Any) -> None:
    """Print what a command found: the document as JSON, or the parts (texts and tables) for a person."""
    if as_json:
        sys.stdout.write(json.dumps(plain(document), ensure_ascii=False, indent=2, allow_nan=False) + "\n")
        return
    from rich.console import Console  # noqa: PLC0415 - not needed for JSON

    console = Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else _WIDTH)
    for part in parts:
        if isinstance(part, str):
            console.print(part, markup=False, soft_wrap=True)
        else:
            console.print(part)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[str] = (), title: str | None = None
) -> Any:
    """Return a compact table; the columns named in `right` are flush right."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


@contextmanager
def working(text: str) -> Iterator[None]:
    """Say on standard error what is being done: with a turning sign on a terminal, once as a line elsewhere."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(text):
            yield
    else:
        sys.stderr.write(text + "\n")
        yield


def plain(value: Any) -> Any:
    """Make a value fit for JSON: times as ISO 8601, numbers that are not finite as null, paths as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def percent(value: float | None, digits: int = 1, signed: bool = False) -> str:
    """Write a share as a percentage; a dash where there is none."""
    sign = "+" if signed else ""
    return "-" if value is None else f"{value * 100:{sign}.{digits}f} %"


def number(value: float | None, digits: int = 2, signed: bool = False) -> str:
    """Write a number with thousands parted by commas; a dash where there is none."""
    sign = "+" if signed else ""
    return "-" if value is None else f"{value:{sign},.{digits}f}"


def count(how_many: int, noun: str, plural: str = "") -> str:
    """Write a count and what is counted: "1 trade", "2 trades"."""
    return f"{how_many:,} {noun if how_many == 1 else plural or noun + 's'}"
