"""All processors at once: documents read in processes beside this one, in order, with the events that one process finds.

A process is a Python of its own that takes batches of documents from a pipe and gives what they tell. It is no fork, for the
threads of polars do not outlive one; nor does it run the user's script again, as `multiprocessing` would.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import os
import pickle
import queue
import subprocess
import sys
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, NamedTuple, TypeVar

from engine.doctor import usable_threads
from engine.faults import Failure, Fault
from engine.number import is_whole, shown
from engine.reader.document import Document, read
from engine.reader.duplicates import Telling, telling
from engine.reader.lexicon import Lexicon, Recipe, made
from engine.tables.spelling import Order

#: Bytes of documents from which on a start of more processes, a second or two, is worth it.
MUCH: Final = 8_000_000
_BATCH: Final = 250  # documents that a process takes at once
_AHEAD: Final = 3  # parts that are asked for before the first of them is needed
# Ctrl-C is for the process that asks, from the first moment on.
_BEGIN: Final = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path[:] = sys.argv[1:]; "
    "from engine.reader.workers import serve; serve()"
)

T = TypeVar("T")
S = TypeVar("S")


class Setup(NamedTuple):
    """What a process has to know before it reads."""

    recipe: Recipe
    delay: dt.timedelta
    order: Order | None


class Answer(NamedTuple):
    """What a document tells; the Fault that nobody says when it was published; or why it is silent, as `read` counts it."""

    told: Telling | Fault | None
    silent: str = ""


def answer(document: Document, lexicon: Lexicon, delay: dt.timedelta, order: Order | None) -> Answer:
    """Read one document."""
    silent = Counter[str]()
    try:
        found = read(document, lexicon, delay, order, silent)
    except Fault as fault:
        return Answer(Fault(str(fault)))
    return Answer(telling(found), next(iter(silent), ""))


def number_of(workers: int | None, paths: Sequence[Path]) -> int:
    """Say how many processes read: as many as the user says, else one for each processor where there is much to read.

    Raises
    ------
    Fault
        The user's number is no whole number of at least 1.
    """
    if workers is None:
        return usable_threads() if sum(path.stat().st_size for path in paths) >= MUCH else 1
    if not is_whole(workers) or workers < 1:
        raise Fault(f"workers must be a whole number of at least 1 (got {shown(workers)}); give one.")
    return int(workers)


class Workers:
    """Processes that read documents; `with` ends them, whatever happens."""

    def __init__(self, number: int, setup: Setup) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(number, "reading")
        self._sent: set[int] = set()
        try:
            for _ in range(number):
                self._processes.append(_begun())
        except OSError as error:
            self._end()
            raise Failure(
                f"no process to read documents can be started ({error}); read in this one with workers=1 (--workers 1)."
            ) from error
        for process in self._processes:
            self._threads.submit(self._set_up, process, setup)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        for process in self._processes:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            with contextlib.suppress(OSError):
                process.communicate()

    def ask(self, documents: Iterable[Document]) -> Answers:
        """Have documents read; the very text of one that was asked about before is not sent again."""
        fresh = []
        for document in documents:
            told = hash((document.text, document.published, document.modified, document.seen, document.timezone))
            if told not in self._sent:
                self._sent.add(told)
                fresh.append(document)
        parts = [fresh[start : start + _BATCH] for start in range(0, len(fresh), _BATCH)]
        return Answers([(part, self._threads.submit(self._answers, part)) for part in parts])

    def _set_up(self, process: subprocess.Popen[bytes], setup: Setup) -> None:
        try:
            with contextlib.suppress(OSError):  # it has ended: whoever asks it is told
                _send(process.stdin, setup)
        finally:
            self._idle.put(process)

    def _answers(self, documents: list[Document]) -> list[Answer]:
        process = self._idle.get()
        try:
            _send(process.stdin, documents)
            found = _taken(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise Failure(
                f"a process that reads documents ended before its work was done (status {process.wait()}), "
                "perhaps for want of memory; read in fewer with workers=1 (--workers 1)."
            ) from error
        finally:
            self._idle.put(process)
        if isinstance(found, BaseException):
            raise found
        answers: list[Answer] = found
        return answers


class Answers:
    """What documents tell, each batch waited for when the first of its documents is needed."""

    def __init__(self, parts: list[tuple[list[Document], Future[list[Answer]]]]) -> None:
        self._parts = deque(parts)
        self._ready: dict[Document, Answer] = {}

    def take(self, document: Document) -> Answer | None:
        """Give the answer of a document; None for one that was not asked about."""
        while self._parts and document not in self._ready:
            documents, answers = self._parts.popleft()
            self._ready.update(zip(documents, answers.result(), strict=True))
        return self._ready.get(document)


def ahead(items: Iterable[T], start: Callable[[T], S]) -> Iterator[tuple[T, S]]:
    """Give items with what was started for each, some of them before they are needed."""
    waiting: deque[tuple[T, S]] = deque()
    for item in items:
        waiting.append((item, start(item)))
        if len(waiting) > _AHEAD:
            yield waiting.popleft()
    yield from waiting


def _begun() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _BEGIN, *sys.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _send(pipe: IO[bytes] | None, what: object) -> None:
    assert pipe is not None
    pickle.dump(what, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def _taken(pipe: IO[bytes] | None) -> Any:
    assert pipe is not None
    return pickle.load(pipe)


# ------------------------------------------------------------------------------------------------ in the other process


def serve() -> None:
    """Read the documents that stand in standard input until it ends."""
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed is no answer
    with contextlib.suppress(EOFError, BrokenPipeError):
        setup: Setup = _taken(asked)
        lexicon = made(*setup.recipe)
        gc.freeze()  # it stays: looking through it again and again would cost a tenth of the time
        while True:
            documents: list[Document] = _taken(asked)
            _send(answers, _found(documents, lexicon, setup))


def _found(documents: list[Document], lexicon: Lexicon, setup: Setup) -> list[Answer] | BaseException:
    try:
        return [answer(document, lexicon, setup.delay, setup.order) for document in documents]
    except Exception as error:
        error.add_note(traceback.format_exc())
        return _sendable(error)


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
