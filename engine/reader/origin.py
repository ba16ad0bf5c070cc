"""Where a document comes from: the site of its address, else its file."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_ROW: Final = re.compile(r", (?:row|line) \d+$")
_WEB: Final = re.compile(r"https?://\S+", re.IGNORECASE)


def origin(file: str, address: str = "", publisher: str = "") -> str:
    """Name the source of a document, as the events table does.

    Parameters
    ----------
    file
        The file, perhaps with the row in it.
    address
        Its URL, or whatever else it is called by.
    publisher
        What its own table says of its source, "" where it says nothing.

    Examples
    --------
    >>> origin("news/wires.csv, row 7"), origin("a.csv", "https://www.Example.com/2025/a"), origin("a.csv", "", " Reuters ")
    ('wires.csv', 'example.com', 'Reuters')
    """
    if told := " ".join(publisher.split()):
        return told
    if _WEB.fullmatch(address.strip()):
        try:
            host = urlsplit(address.strip()).hostname or ""
        except ValueError:  # "http://[" has no host
            host = ""
        if host:
            return host.removeprefix("www.")
    return re.split(r"[/\\]", _ROW.sub("", file))[-1]
