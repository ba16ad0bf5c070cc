"""Labelling sentences by a model: those that were answered before from disk, the others in groups, in parallel."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.faults import Failure, Fault, note
from engine.kinds import KINDS, OwnKinds, kinds_of_text, own_kinds
from engine.number import as_float, is_whole, shown
from engine.reader.classifier import Classifier, last_day
from engine.reader.llm.kept import Kept, hash_of, usual_file
from engine.reader.llm.prompt import Answer, Question, Unusable, answers, asked, instructions, schema
from engine.reader.llm.server import Server

_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_TOKENS_OF_A_LABEL = 45
_TOKENS_BESIDE = 20  # of numbers and names around a sentence


def llm(
    model: str,
    cutoff: dt.date | str | None = None,
    *,
    endpoint: str = "http://localhost:8000/v1",
    key_env: str = "TOCSIN_LLM_KEY",
    kinds: OwnKinds | str | None = None,
    guide: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    group: int | str = 10,
    parallel: int | str = 4,
    rate: float | str | None = None,
    timeout: float | str = 120.0,
    tries: int | str = 8,
    most_tokens: int | str = 4096,
) -> Classifier:
    """Make a reader of a model behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, or one that is hosted.

    Parameters
    ----------
    model
        As the server calls it.
    cutoff
        The last day, or month, of what it was trained on: "2024-06". Who made the model says it. Events published up to then are marked
        `hindsight`, for a model recalls what came next.
    endpoint
        The address before /chat/completions.
    key_env
        The environment variable that holds the key, where the server wants one. The key is never kept or printed.
    kinds
        Sign and base strength of kinds of your own, ``{"downgrade": (-1, 0.6)}`` or "downgrade=-1*0.6".
    guide
        A text file with more that the model shall know, such as what your own kinds claim.
    cache
        The file in which answers are kept, by hash of sentence, names, model and prompt; by default in the user's cache folder.
    group, parallel
        Sentences a request, and requests under way at once.
    rate
        Most requests a minute; None for any.
    timeout, tries
        Seconds that an answer may take, and how often a request is made at most, with growing pauses.
    most_tokens
        Of one answer.

    Raises
    ------
    Fault
        For a setting that is none; a `cutoff` must be given.
    """
    if not isinstance(model, str) or not model.strip():
        raise Fault(f"model must be what the server calls it (got {shown(model)}); give it, such as model=qwen3:8b.")
    if cutoff is None:
        raise Fault(
            "cutoff must be the last day or month of what the model was trained on (got none); who made it says so, and it tells which events "
            "it may remember: give cutoff=2024-06."
        )
    until = last_day(cutoff, "cutoff")
    address = endpoint.strip().rstrip("/") if isinstance(endpoint, str) else ""
    if not _is_address(address):
        raise Fault(
            "endpoint must be an address with http or https, and without a key in it; give one, such as http://localhost:8000/v1."
        )
    if not isinstance(key_env, str) or not re.fullmatch(r"[A-Za-z_]\w*", key_env):
        raise Fault("key_env must be the name of an environment variable; give one, such as TOCSIN_LLM_KEY.")
    own = own_kinds(kinds_of_text(kinds, "kinds") if isinstance(kinds, str) else kinds)
    server = Server(
        address.removesuffix("/chat/completions"), model.strip(), key_env, _positive(rate, "rate") if rate is not None else None,
        _positive(timeout, "timeout"), _whole(tries, "tries"), _whole(most_tokens, "most_tokens"),
    )  # fmt: skip
    told = instructions(own, _guide(guide))
    labeller = _Labeller(
        server, told, (*KINDS, *(kind for kind in own if kind not in KINDS)), Kept(cache or usual_file()),
        _whole(group, "group"), _whole(parallel, "parallel"),
    )  # fmt: skip
    version = f"{re.sub(r'[^0-9A-Za-z._:-]+', '-', model.strip())}+{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    return Classifier(labeller.label, "llm", version, own, cutoff=until, cost=labeller.cost)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False
    return (
        named and text.isascii() and text.isprintable() and " " not in text and not (parts.username or parts.password)
    )


def _guide(path: str | os.PathLike[str] | None) -> str:
    if path is None:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError, TypeError) as error:
        raise Fault(
            f"guide must be a text file in UTF-8 (got {shown(path)}: {type(error).__name__}); correct the path."
        ) from None


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, str) else as_float(value)
    except ValueError:
        return math.nan


def _positive(value: object, name: str) -> float:
    number = _number(value)
    if not 0 < number < math.inf:
        raise Fault(f"{name} must be a number above 0 (got {shown(value)}); give one.")
    return number


def _whole(value: object, name: str) -> int:
    number = _number(value)
    if not (number >= 1 and number.is_integer()) or (not isinstance(value, str) and not is_whole(value)):
        raise Fault(f"{name} must be a whole number of at least 1 (got {shown(value)}); give one.")
    return int(number)


@dataclass(frozen=True)
class _Labeller:
    """Asks the server about what is not on disk."""

    server: Server
    told: str
    kinds: tuple[str, ...]
    kept: Kept
    group: int
    parallel: int

    def label(self, sentences: list[str], names: list[tuple[str, ...]], languages: list[str]) -> dict[str, list[Any]]:
        """Label sentences; see `engine.reader.classifier.Classifier`."""
        hashes, found, missing = self._look_up(sentences, names, languages)
        unusable: dict[str, str] = {}
        for answered, lost in self._asked(missing):
            self.kept.put(answered)
            found |= answered
            unusable |= lost
        if unusable and not found:
            raise Failure(
                f"{self.server.model} gave no usable answer ({next(iter(unusable.values()))}); use another model, or fewer sentences a request "
                "(group=1)."
            )
        if unusable:
            note(
                f"{self.server.model} gave no usable answer for {len(unusable):,} of {len(sentences):,} sentences, which make no event; the first: "
                f"{next(iter(unusable.values()))}. They are asked about again at the next reading."
            )
        none = Answer(None, None, None, ())
        rows = [found.get(key, none) for key in hashes]
        return {
            "kind": [row.kind for row in rows],
            "stance": [row.stance for row in rows],
            "confidence": [row.confidence for row in rows],
            "assets": [list(row.assets) for row in rows],
        }

    def cost(self, sentences: list[str], names: list[tuple[str, ...]], languages: list[str]) -> dict[str, int]:
        """Count what labelling would take: answers on disk, requests, and tokens, about."""
        _, found, missing = self._look_up(sentences, names, languages)
        requests = -(-len(missing) // self.group)
        inside = sum(_tokens(one.sentence) + _TOKENS_BESIDE for one in missing.values())
        return {
            "kept_already": len(found),
            "requests": requests,
            "input_tokens_about": requests * _tokens(self.told) + inside,
            "output_tokens_about": len(missing) * _TOKENS_OF_A_LABEL,
        }

    def _look_up(
        self, sentences: list[str], names: list[tuple[str, ...]], languages: list[str]
    ) -> tuple[list[str], dict[str, Answer], dict[str, Question]]:
        """Give the hash of each sentence, the answers on disk, and the questions that have none."""
        questions = [Question(*row) for row in zip(sentences, names, languages, strict=True)]
        hashes = [hash_of(one, self.server.model, self.told) for one in questions]
        found = self.kept.get(hashes)
        missing = {key: one for key, one in zip(hashes, questions, strict=True) if key not in found}
        return hashes, found, missing

    def _asked(self, missing: Mapping[str, Question]) -> Iterator[tuple[dict[str, Answer], dict[str, str]]]:
        """Ask in groups, and yield what comes as it comes: answers by hash, and why others have none."""
        rows = list(missing.items())
        groups = [rows[start : start + self.group] for start in range(0, len(rows), self.group)]
        if not groups:
            return
        pool = ThreadPoolExecutor(min(self.parallel, len(groups)))
        self.server.stopped.clear()
        try:
            yield self._ask(groups[0])  # alone, so that a wrong key or address is told once
            waiting: set[Future[tuple[dict[str, Answer], dict[str, str]]]] = {
                pool.submit(self._ask, one) for one in groups[1:]
            }
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                broken = next((one.exception() for one in done if one.exception()), None)
                for one in done:
                    if not one.exception():
                        yield one.result()
                if broken:
                    raise broken
        except BaseException:
            self.server.stopped.set()  # no other request goes on trying
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, rows: list[tuple[str, Question]]) -> tuple[dict[str, Answer], dict[str, str]]:
        """Ask about one group; where the answer is of no use, about each half, and at last about each sentence twice."""
        questions = [one for _, one in rows]
        why = ""
        for _ in range(1 if len(rows) > 1 else 2):
            try:
                text = self.server.ask(self.told, asked(questions), schema(self.kinds))
                found = answers(text, questions, self.kinds)
                return {key: one for (key, _), one in zip(rows, found, strict=True)}, {}
            except Unusable as error:
                why = str(error)
        if len(rows) == 1:
            return {}, {rows[0][0]: why}
        middle = len(rows) // 2
        left, right = self._ask(rows[:middle]), self._ask(rows[middle:])
        return left[0] | right[0], left[1] | right[1]


def _tokens(text: str) -> int:
    """Count the tokens of a text, about: four Latin letters make one, and each Chinese character."""
    wide = len(_WIDE.findall(text))
    return wide + -(-(len(text) - wide) // 4)
