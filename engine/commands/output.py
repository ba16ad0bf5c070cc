"""How commands speak: results on standard output, as text or as one JSON document; progress on standard error."""

from __future__ import annotations

import datetime as dt
import json
import math
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from engine.legible import escaped, printable, shown

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

ForceFlag = Annotated[
    bool, typer.Option("--force", help="Replace files of the same names, even where tocsin did not write them.")
]

_WIDEST = 400  # characters of a cell
_WIDTH = 120  # where the output is no terminal


def answer(document: Mapping[str, Any], as_json: bool, *parts: Any) -> None:
    """Print what a command found: the document as JSON, or the parts (texts and tables) for a person."""
    if as_json:
        sys.stdout.write(escaped(json.dumps(plain(document), ensure_ascii=False, indent=2, allow_nan=False)) + "\n")
        return
    from rich.console import Console  # noqa: PLC0415 - not needed for JSON

    console = Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else _WIDTH)
    for part in parts:
        if isinstance(part, str):
            console.print(printable(part), markup=False, soft_wrap=True)
        else:
            console.print(part)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    right: Sequence[str] = (),
    title: str | None = None,
    *,
    tight: bool = False,
) -> Any:
    """Return a compact table; the columns named in `right` are flush right; a tight one saves the room between columns."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=tight, title=title, title_justify="left")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(shown(str(cell), _WIDEST)) for cell in row))
    return made


def tables(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[str] = (), keys: int = 1
) -> list[Any]:
    """Return as many compact tables as it takes for none to be wider than the output; each has the first `keys` columns.

    Where one table is too wide, its columns move closer and their names are broken after underscores first.
    """
    from rich.console import Console  # noqa: PLC0415

    most, endless = output_width(), Console(width=10_000)

    def made(chosen: Sequence[int], tight: bool = True) -> Any:
        picked = [[row[i] for i in chosen] for row in rows]
        return table([columns[i] for i in chosen], picked, right, tight=tight)

    def fits(one: Any) -> bool:
        return endless.measure(one).maximum <= most

    every = range(len(columns))
    if fits(whole := made(every, tight=False)) or fits(whole := made(every)):
        return [whole]
    cells = [max((len(str(row[i])) for row in rows), default=0) for i in every]
    broken = [_broken(name, width) for name, width in zip(columns, cells, strict=True)]
    right = [after for before, after in zip(columns, broken, strict=True) if before in right]
    columns = broken
    parts = [list(range(keys))]
    for i in every[keys:]:
        if not fits(made([*parts[-1], i])) and len(parts[-1]) > keys:
            parts.append(list(range(keys)))
        parts[-1].append(i)
    return [made(part) for part in parts]


def _broken(name: str, width: int) -> str:
    """Break a name after underscores into lines, each as long as a column of this width, or its longest word, allows."""
    words = name.replace("_", "_\n").split("\n")
    width = max(width, *map(len, words))
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


def output_width() -> int:
    """Return how many characters a line of the output has room for."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH


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
    return "-" if value is None else f"{value * 100:{sign}z.{digits}f} %"


def number(value: float | None, digits: int = 2, signed: bool = False) -> str:
    """Write a number with thousands parted by commas; a dash where there is none."""
    sign = "+" if signed else ""
    return "-" if value is None else f"{value:{sign}z,.{digits}f}"


def count(how_many: int, noun: str, plural: str = "") -> str:
    """Write a count and what is counted: "1 trade", "2 trades"."""
    return f"{how_many:,} {noun if how_many == 1 else plural or noun + 's'}"
