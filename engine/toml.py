"""TOML files as people save them: with a byte order mark, in UTF-16, with the line ends of any system."""

from __future__ import annotations

import codecs
import os
import tomllib
from pathlib import Path
from typing import Any

from engine.faults import Fault

#: Notepad writes the first, PowerShell's `>` the second; the marks of UTF-32 begin with those of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_toml(path: str | os.PathLike[str], name: str) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    path
        The file.
    name
        What it is, for messages: "sidecar", "lexicon".

    Raises
    ------
    Fault
        Where the file cannot be read, is not text, or is not TOML.
    """
    return parse_toml(toml_text(path, name), f"{name} {str(path)!r}")


def toml_text(path: str | os.PathLike[str], name: str) -> str:
    """Read the text of a TOML file: UTF-8, or what its byte order mark says, without the mark.

    Raises
    ------
    Fault
        Where the file cannot be read, or is not text in UTF-8 and has no mark.
    """
    file, told = Path(path), f"{name} {str(path)!r}"
    try:
        if file.exists() and not file.is_file():  # a folder; a pipe, which would be waited for
            raise Fault(f"{told} must be a TOML file (it is no file); name one.")
        raw = file.read_bytes()
    except Fault:
        raise
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise Fault(f"{told} must be a TOML file (it cannot be read: {cause}); correct the path.") from None
    mark, encoding = next((pair for pair in _MARKS if raw.startswith(pair[0])), (b"", "utf-8"))
    body = raw[len(mark) :]
    if not mark and b"\0" in body:
        raise Fault(f"{told} must be text in UTF-8 (it holds NUL bytes, as UTF-16 does); save it as UTF-8.")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise Fault(f"{told} must be text in {encoding.upper()} (line {line} is not); save it as UTF-8.") from None


def parse_toml(text: str, told: str) -> dict[str, Any]:
    """Parse the text of a TOML file; `told` is what a message calls it.

    Raises
    ------
    Fault
        Where it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        cause = f"{str(error)[:1].lower()}{str(error)[1:]}"
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets within brackets
        cause = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]
    raise Fault(f"{told} is not TOML: {cause}; correct it.")
