"""How far a reading is: a bar where there is a terminal, else a plain line now and then, or the caller's own function."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

EVERY: Final = 5.0  # seconds between two lines

#: Called with the documents and the bytes that were read since the last call.
Advance = Callable[[int, int], None]


class Progress:
    """Tells on standard error how many documents and bytes were read.

    Parameters
    ----------
    progress
        True tells it, False does not; a function is called instead.
    """

    def __init__(self, progress: bool | Advance) -> None:
        self._progress = progress
        self._bar: Any = None
        self._documents = self._bytes = 0
        self._began = self._last = time.monotonic()
        self._lines = 0

    def __enter__(self) -> Advance:
        if callable(self._progress):
            return self._progress
        if not self._progress:
            return lambda documents, size: None
        if not sys.stderr.isatty():
            return self._line
        from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415

        self._bar = tqdm(unit="B", unit_scale=True, desc="reading")

        def advance(documents: int, size: int) -> None:
            self._documents += documents
            self._bar.set_postfix_str(f"{self._documents:,} documents", refresh=False)
            self._bar.update(size)

        return advance

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._lines and kind is None:
            self._say("read")

    def _line(self, documents: int, size: int) -> None:
        self._documents += documents
        self._bytes += size
        if time.monotonic() - self._last >= EVERY:
            self._say("reading")

    def _say(self, doing: str) -> None:
        self._last = time.monotonic()
        self._lines += 1
        rate = self._bytes / 1e6 / max(self._last - self._began, 1e-9)
        sys.stderr.write(
            f"{doing}: {self._documents:,} documents, {self._bytes / 1e6:,.1f} MB, {rate:,.2f} MB a second\n"
        )
        sys.stderr.flush()
