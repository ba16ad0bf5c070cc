"""Answers kept on disk, so that nothing is asked twice: by hash of the text, the model and the prompt."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.faults import Failure
from engine.reader.llm.prompt import Answer, Question

_TABLE = "create table if not exists answers (hash text primary key, label text not null) without rowid"
_AT_ONCE = 500


def usual_file() -> Path:
    """Give the file in which answers are kept, where the user names none."""
    from engine.compile import cache_folder  # noqa: PLC0415 - it loads the compiler

    return cache_folder() / "llm-answers.sqlite"


def hash_of(question: Question, model: str, prompt: str) -> str:
    """Hash what an answer depends on."""
    told = json.dumps([model, prompt, *question], ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()


class Kept:
    """A file of answers; each is on disk as soon as it was put there.

    Raises
    ------
    Failure
        The file is none of ours, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def get(self, hashes: Iterable[str]) -> dict[str, Answer]:
        """Give those of the answers that are there."""
        if not self._path.exists():
            return {}
        found: dict[str, Answer] = {}
        wanted = list(dict.fromkeys(hashes))
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            for key, label in self._run(f"select hash, label from answers where hash in ({marks})", [part]):
                kind, stance, sure, assets = json.loads(label)
                found[key] = Answer(kind, stance, sure, tuple(assets))
        return found

    def put(self, answers: Mapping[str, Answer]) -> None:
        """Keep some answers."""
        self._run(
            "insert or replace into answers values (?, ?)", [[key, json.dumps(one)] for key, one in answers.items()]
        )

    def _run(self, statement: str, rows: list[list[str]]) -> list[tuple[str, str]]:
        out: list[tuple[str, str]] = []
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=60)
            try:
                with connection:
                    connection.execute(_TABLE)
                    for row in rows:
                        out += connection.execute(statement, row).fetchall()
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            raise Failure(
                f"The answers of the model cannot be kept in {self._path} ({error}); name another file by --set cache=."
            ) from None
        return out
