"""What a model is asked, and how its answer is read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from engine.kinds import Kind
from engine.number import as_float, is_whole

NO_CLAIM: Final = "none"
_CLAIMS: Final = {
    "bubble_warning": "prices of a name, a group or the market are called a bubble, a mania, about to burst",
    "valuation_alarm": "a valuation is called stretched, rich or excessive",
    "funding_gap": "a company cannot pay for its plans, burns cash, owes too much",
    "circular_financing": "a supplier invests in, lends to or guarantees its own customer",
    "short_disclosure": "somebody named is short of it, or publishes a short seller's report",
    "backstop_plea": "a company or its people ask for public money or guarantees",
    "denial": "the company, its people or a government deny a claim that would hurt the price",
    "support": "new and good for the price: help granted, a large order or stake, a buy-back, better guidance, a clear beat, an upgrade",
    "panic_drop": "its price fell on a stated or plain day by 5 % (an index: 2 %) or more, or in strong words",
    "overdone_call": "somebody says that a fall was exaggerated, or a chance to buy",
    "disruption_shock": "a new product, rule or rival is said to threaten its business or price",
    "earnings_disappointment": "results, orders or guidance below what was expected, or cut",
    "hawkish_policy": "a central bank signals higher rates, or for longer, or fewer cuts",
    "project_delay": "its project, product, plant or launch is late, paused or cancelled",
}
_RULES: Final = """You label sentences of financial news for a backtest. For each sentence say which claim it makes about the assets listed with it.
Use only what the sentence says. Use nothing that you know of later events, prices or outcomes.
A claim counts where the text makes it, or quotes it without contradiction. It does not count where it is negated, hypothetical ("if", "could"), a bare
question, a concession ("despite the sell-off in spring"), history, or about somebody else than the listed assets. Irony counts as what it means.
Answer with JSON alone: {{"labels": [{{"sentence": 1, "kind": "...", "stance": -1.0, "confidence": 0.9, "assets": ["..."]}}]}}, one entry for each
sentence, by its number. kind is one of those below, or "none". stance is from -1 (bad for the price) to 1 (good). confidence is from 0 to 1: how sure you are that
the sentence makes this claim. assets are those of the listed ones that the claim is about.
Kinds:
{kinds}"""
_OPENS: Final = re.compile(r"[{\[]")
_FENCE: Final = re.compile(r"^\s*```(?:json)?\s*|\s*```\s*$")
_THOUGHT: Final = re.compile(r"<think>.*?</think>", re.DOTALL)


class Unusable(Exception):
    """The model answered, and the answer is of no use: refused, cut off, or not what was asked for."""


class Question(NamedTuple):
    """A sentence, the assets that it is about, and its language."""

    sentence: str
    names: tuple[str, ...]
    language: str


class Answer(NamedTuple):
    """What the model says of one sentence; `kind` is None where it makes no claim."""

    kind: str | None
    stance: float | None
    confidence: float | None
    assets: tuple[str, ...]


def instructions(own: Mapping[str, Kind], told: str = "") -> str:
    """Write what the model is told first.

    Parameters
    ----------
    own
        Kinds of the user's own.
    told
        What else the user says of them.
    """
    lines = [f"- {kind}: {claim}" for kind, claim in _CLAIMS.items() if kind not in own]
    lines += [f"- {kind}: {'good' if worth.sign > 0 else 'bad'} for the price" for kind, worth in own.items()]
    return _RULES.format(kinds="\n".join(lines)) + (f"\n{told.strip()}" if told.strip() else "")


def asked(questions: Sequence[Question]) -> str:
    """Write some sentences as a message, numbered from 1."""
    rows = [
        {"sentence": number, "text": one.sentence, "assets": list(one.names), "language": one.language}
        for number, one in enumerate(questions, 1)
    ]
    return json.dumps({"sentences": rows}, ensure_ascii=False)


def schema(kinds: Sequence[str]) -> dict[str, Any]:
    """Give the JSON schema of an answer, in the form that servers enforce."""
    fields: dict[str, Any] = {
        "sentence": {"type": "integer"},
        "kind": {"type": "string", "enum": [*kinds, NO_CLAIM]},
        "stance": {"type": "number"},
        "confidence": {"type": "number"},
        "assets": {"type": "array", "items": {"type": "string"}},
    }
    item = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    labels = {"type": "array", "items": item}
    return {"type": "object", "properties": {"labels": labels}, "required": ["labels"], "additionalProperties": False}


def answers(text: str, questions: Sequence[Question], kinds: Sequence[str]) -> list[Answer]:
    """Read an answer.

    Raises
    ------
    Unusable
        It is no JSON, or not one label for each sentence, of known kinds, with numbers within their bounds.
    """
    labels = _labels(text)
    found: dict[int, Answer] = {}
    for label in labels:
        number = label.get("sentence") if isinstance(label, dict) else None
        number = int(number) if isinstance(number, str) and number.isdecimal() else number
        if not is_whole(number) or not 1 <= number <= len(questions) or number in found:
            raise Unusable(f"it labels a sentence {number!r} that was not asked about, or twice")
        found[number] = _answer(label, questions[number - 1], kinds)
    if len(found) < len(questions):
        raise Unusable(f"it labels {len(found)} of {len(questions)} sentences")
    return [found[number] for number in range(1, len(questions) + 1)]


def _labels(text: str) -> list[Any]:
    bare = _FENCE.sub("", _THOUGHT.sub("", text))
    start, end = _OPENS.search(bare), max(bare.rfind("}"), bare.rfind("]"))
    try:
        document = json.loads(bare[start.start() : end + 1] if start else bare)
    except (ValueError, RecursionError):
        raise Unusable("it is no JSON") from None
    labels = document.get("labels") if isinstance(document, dict) else document
    if not isinstance(labels, list):
        raise Unusable("it has no list of labels")
    return labels


def _answer(label: Mapping[str, Any], question: Question, kinds: Sequence[str]) -> Answer:
    kind = label.get("kind")
    kind = kind.strip().lower() if isinstance(kind, str) else kind
    if kind is None or kind in (NO_CLAIM, ""):
        return Answer(None, None, None, ())
    if not isinstance(kind, str) or kind not in kinds:
        raise Unusable(f"it has the kind {str(kind)[:40]!r}")
    stance, sure = _share(label, "stance", -1.0), _share(label, "confidence", 0.0)
    named = label.get("assets")
    if named is None:
        return Answer(kind, stance, sure, question.names)
    if not isinstance(named, list) or not all(isinstance(asset, str) and asset in question.names for asset in named):
        raise Unusable(f"it names assets that were not listed: {str(named)[:40]}")
    return Answer(kind, stance, sure, tuple(dict.fromkeys(named)))


def _share(label: Mapping[str, Any], name: str, low: float) -> float | None:
    value = label.get(name)
    if value is None:
        return None
    try:
        number = float(value) if isinstance(value, str) else as_float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= 1.0:
        raise Unusable(f"its {name} is {str(value)[:20]!r}")
    return number
