"""JSON -> records: lists and objects however they are nested, and lines of objects, as dicts of texts."""

from __future__ import annotations

import functools
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from engine.faults import Fault
from engine.reader.columns import holds_text, usual_role
from engine.reader.decode import decode
from engine.tables.files import unpack
from engine.tables.formats import head_of

Record = dict[str, str | None]

_WRAPPERS: Final = frozenset(
    ("_source", "fields", "attributes", "article", "node", "doc", "document", "item", "content", "data", "news", "story", "resource", "properties")
)  # fmt: skip
_LISTS: Final = (
    "items",
    "articles",
    "results",
    "entries",
    "data",
    "feed",
    "docs",
    "documents",
    "news",
    "stories",
    "posts",
    "records",
    "rows",
)
_TICKER: Final = re.compile(r"[A-Z][A-Z0-9.\-]{0,7}")
_NAMES: Final = ("name", "title", "label", "domain", "value", "#text")  # of an object that is a publisher
_VALUES: Final = (
    "main",
    "rendered",
    "text",
    "value",
    "plain",
    "#text",
    "_value",
    "$t",
    "default",
    "$date",
    "$oid",
    "$numberLong",
)
_CODES: Final = ("ticker", "symbol", "code", "stock_code", "secu_code")
_DEEPEST: Final = 8  # nested objects that are looked into
_CODE: Final = re.compile(
    r"[A-Za-z]{1,6}(?:[.-][A-Za-z]{1,2})?|\d{4,6}(?:\.[A-Za-z]{2,3})?"
)  # of a share, not of a board of them
_SOUND: Final = ("", "")
_BLANK: Final = b" \t\r\n\x00\x1e\xef\xbb\xbf"


def of_json(path: Path) -> tuple[list[Record], list[tuple[str, str]]]:
    """Read the records of a JSON file, and say which of them are none.

    Returns
    -------
    records, left_out
        The second as (source, reason).

    Raises
    ------
    Fault
        The file is not JSON, or holds no objects.
    """
    text = decode(_content(path))
    if not text.strip():
        return [], []
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        told = f"documents {str(path)!r}: not valid JSON ({first_line(error)}); correct it."
        lines = list(of_lines(io.BytesIO(text.encode("utf-8", "replace")), str(path)))
        records = [record for record, _ in lines if record is not None]
        if records and len(records) * 2 > len(lines):  # JSON lines under another name
            return records, [(where, reason) for record, (where, reason) in lines if record is None]
        raise Fault(told) from None
    try:
        found = list(objects(data))
    except RecursionError:
        found = []
    if not found and data not in ([], {}):
        raise Fault(
            f"documents {str(path)!r}: holds {type(data).__name__}, but must hold an object or a list of objects; convert it."
        )
    wrong = [
        (f"{path}, item {number}", f"{path}, item {number}: must be an object (got {type(item).__name__}); correct it.")
        for number, item in enumerate(found, 1)
        if not isinstance(item, dict)
    ]
    return [flat(item) for item in found if isinstance(item, dict) and item], wrong


def of_lines(stream: IO[bytes], source: str) -> Iterator[tuple[Record | None, tuple[str, str]]]:
    """Read the records of JSON lines; None, with the place and the reason, for a line that holds none."""
    where, remedy, lines = source, "correct or remove the line", enumerate(stream, 1)
    while True:
        try:
            number, line = next(lines)
        except StopIteration:
            return
        except Fault as fault:  # torn: what stood before is read
            yield None, (f"{where} and on", str(fault))
            return
        where = f"{source}, line {number}"
        try:
            data = _loaded(line)
        except (ValueError, RecursionError) as error:
            if line.strip(_BLANK):
                yield None, (where, f"documents {where}: not valid JSON ({first_line(error)}); {remedy}.")
            continue
        record = _plain(data) if type(data) is dict else None
        if record is not None:
            yield record, _SOUND
            continue
        found = [item for item in objects(data) if isinstance(item, dict)]
        yield from ((flat(item), _SOUND) for item in found)
        if not found:
            yield None, (where, f"documents {where}: holds {type(data).__name__}, but must hold an object; {remedy}.")


def _loaded(line: bytes) -> object:
    try:
        return json.loads(line.decode())
    except ValueError:
        return json.loads(decode(line).strip("\x00\x1e\ufeff \t\r\n"))


def _plain(data: dict[str, Any]) -> Record | None:
    """Bring an object without others inside to texts, the quick way; None where it has some."""
    out: Record = {}
    for key, value in data.items():
        kind = type(value)
        if kind is str:
            out[key] = _text(value)
        elif kind is list or kind is dict:
            return None
        else:
            out[key] = None if value is None else json.dumps(value)
    return out


def lines_of(path: Path) -> IO[bytes]:
    """Open a file of lines, packed or not, in whatever encoding: as lines of UTF-8 where it can be told, else as they are."""
    head = head_of(path)
    if head.startswith(b"\x1f\x8b"):
        return io.BufferedReader(_Unpacked(path), 1 << 20)
    if b"\x00" in head:  # UTF-16
        return io.BytesIO(decode(_content(path)).encode("utf-8", "replace"))
    return path.open("rb")


class _Unpacked(io.RawIOBase):
    """A packed file as a stream; what is damaged or cut short is told as such."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inner = gzip.open(path, "rb")  # noqa: SIM115 - closed with this stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            block = self._inner.read1(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise Fault(
                f"{self._path} cannot be unpacked as gzip ({first_line(error)}); write or fetch it anew."
            ) from None
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._inner.close()
        super().close()


def objects(data: object, depth: int = 0) -> Iterator[object]:
    """Find the list of documents in what a JSON file holds: a list, an object with one inside, a table by columns or by keys."""
    if isinstance(data, list):
        yield from data if any(isinstance(item, dict) for item in data) else ()
    elif isinstance(data, dict):
        if _is_split(data):
            yield from (dict(zip(data["columns"], row, strict=False)) for row in data["data"])
        elif _by_columns(data):
            yield from _turned(data)
        elif (_is_record(data) and not _is_envelope(data)) or any(_wraps(key, value) for key, value in data.items()):
            yield data
        elif depth < _DEEPEST:
            yield from _inside(data, depth)


def _inside(data: dict[str, Any], depth: int) -> Iterator[object]:
    """Look into the values of an object; of several lists those whose objects have a text."""
    inner = {key: value for key, value in data.items() if isinstance(value, (dict, list))}
    found = {key: list(objects(value, depth + 1)) for key, value in inner.items()}
    texts = {key: rows for key, rows in found.items() if any(_is_document(row) for row in rows)}
    if any(isinstance(inner[key], list) for key in texts):
        texts = {key: rows for key, rows in texts.items() if isinstance(inner[key], list)}
    by_ticker = bool(texts) and all(map(_TICKER.fullmatch, texts))
    for key, rows in texts.items():
        yield from ({"ticker": key, **row} if by_ticker and isinstance(row, dict) else row for row in rows)
    if not texts:
        yield from max(found.values(), key=len, default=[]) or ([data] if depth == 0 else [])


def _is_envelope(data: dict[str, Any]) -> bool:
    """Tell an object that has a title itself, but is there for the list inside, as a feed is."""
    return any(
        key.lower() in _LISTS and isinstance(value, list) and value and _is_document(value[0])
        for key, value in data.items()
    )


def _is_document(row: object) -> bool:
    return isinstance(row, dict) and (_is_record(row) or any(_wraps(key, value) for key, value in row.items()))


def _is_record(data: dict[str, Any]) -> bool:
    """Tell an object that has a text or a title itself."""
    return _holds_text(
        tuple(key for key, value in data.items() if not isinstance(value, (dict, list)) or _has_form(value))
    )


def _has_form(value: object) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(name), (str, int)) for name in _VALUES)


@functools.lru_cache(maxsize=1024)
def _holds_text(names: tuple[str, ...]) -> bool:
    return holds_text(names)


def _is_split(data: dict[str, Any]) -> bool:
    """Tell the form of pandas that has columns and data apart."""
    names, rows = data.get("columns"), data.get("data")
    return (
        isinstance(names, list)
        and isinstance(rows, list)
        and all(isinstance(name, str) for name in names)
        and all(isinstance(row, list) for row in rows)
    )


def _by_columns(data: dict[str, Any]) -> bool:
    """Tell a table by columns: {"title": {"0": ..}} or {"title": [..]}, all of one length."""
    if not data or not _holds_text(tuple(data)):
        return False
    values = list(data.values())
    alike = all(isinstance(value, dict) for value in values) or all(isinstance(value, list) for value in values)
    return alike and len(values) > 1 and len({len(value) for value in values}) == 1


def _turned(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    columns = {key: list(value.values()) if isinstance(value, dict) else value for key, value in data.items()}
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))


def flat(item: dict[str, Any]) -> Record:
    """Bring an object to texts: what only wraps the fields is taken off, and a value of several forms is its first text."""
    out: Record = {}
    for key, value in item.items():
        if isinstance(value, dict):
            if _wraps(key, value):
                for inner, text in flat(value).items():
                    out.setdefault(inner, text)
                continue
            wanted = _NAMES if usual_role(str(key)) == "publisher" else _VALUES
            value = next((value[name] for name in wanted if isinstance(value.get(name), (str, int))), value)  # noqa: PLW2901
        elif isinstance(value, list) and usual_role(str(key)) == "ticker":
            value = _codes(value)  # noqa: PLW2901
        if value is not None or str(key) not in out:
            out[str(key)] = _text(value)
    return out


def _wraps(key: str, value: object) -> bool:
    return isinstance(value, dict) and key.lower() in _WRAPPERS and _is_record(value) and not _is_envelope(value)


def _codes(items: list[Any]) -> object:
    """Give the codes of a list of companies, each an object; none where the list names several, for then none is the subject."""
    if not items or not all(isinstance(item, dict) for item in items):
        return items or None
    found = [str(item[name]) for item in items for name in _CODES if item.get(name)]
    return found[0].removesuffix(".US") if len(items) == 1 and found and _CODE.fullmatch(found[0]) else None


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a character
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def _content(path: Path) -> bytes:
    return unpack(path, str(path)) if head_of(path).startswith(b"\x1f\x8b") else path.read_bytes()


def keys_of(records: Iterable[Record]) -> list[str]:
    """Name every field that some record has."""
    return list(dict.fromkeys(key for record in records for key in record))


def first_line(error: BaseException) -> str:
    """Give the first line of a message, in short."""
    return re.sub(r"\s+", " ", str(error).strip().partition("\n")[0])[:200]
