"""Ctrl-C and SIGTERM: the first lets the running chunk finish, the second stops at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from engine.faults import Stopped

_ASKING = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Notes the first signal that asks the job to stop; a second ends the process then and there.

    Parameters
    ----------
    command : what resumes the job
    say : prints a sentence
    """

    def __init__(self, command: str, say: Callable[[str], None]) -> None:
        self._command, self._say = command, say
        self.caught = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        self.listen()
        return self

    def listen(self) -> None:
        """Take the signals; again, where somebody else has taken them since, as Ray does."""
        if threading.current_thread() is threading.main_thread():
            for number in _ASKING:
                before = signal.signal(number, self._handle)
                self._before.setdefault(number, before)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.caught:  # threads that still walk are not waited for; a half-written file is taken away by the next run
            os.write(2, f"\nStopped at once; go on with: {self._command}\n".encode())
            os._exit(128 + number)
        self.caught = number
        self._say("Stopping after the running chunk; once more stops at once.")

    def check(self, kept: str) -> None:
        """Raise where a signal has been caught; `kept` says what is done."""
        if self.caught:
            raise Stopped(f"Stopped: {kept}. Go on with: {self._command}", self.caught)
