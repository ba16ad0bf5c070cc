"""The catalogue of what the five seed documents say, and the events made from it."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

import polars as pl

_HERE = Path(__file__).parent

#: The folder of the digests, and the sidecar that says what these do not say themselves: input for a reader.
DIGESTS: Path = _HERE / "digests"
SIDECAR: Path = _HERE / "sidecar.toml"

_UTC = pl.Datetime("us", "UTC")
_FIGURE = pl.Struct({"asset": pl.String, "what": pl.String, "value": pl.Float64, "unit": pl.String})

# See the head of catalogue.toml.
_SOURCE = {"record": 0.5, "named": 0.4, "writer": 0.25, "rumour": 0.1}
_SOME_FIGURE, _LARGE_FIGURE, _HEADLINE = 0.2, 0.3, 0.2
_LARGE = {"%": 10.0, "x": 10.0, "USD": 1e11, "CNY": 1e11}
_COUNTED = {"pp", *_LARGE}

_DOCUMENTS: dict[str, pl.DataType] = {
    "doc_id": pl.String(),
    "title": pl.String(),
    "language": pl.String(),
    "published_at": _UTC,
    "published_precision": pl.String(),
    "timezone": pl.String(),
    "stated": pl.String(),
    "reason": pl.String(),
}
_FACTS: dict[str, pl.DataType] = {
    "fact_id": pl.String(),
    "doc_id": pl.String(),
    "event_id": pl.String(),
    "kind": pl.String(),
    "who": pl.String(),
    "whom": pl.List(pl.String),
    "claim": pl.String(),
    "figures": pl.List(_FIGURE),
    "happened_on": pl.Date(),
    "paragraph": pl.Int64(),
    "anchor": pl.String(),
}
_EVENTS: dict[str, pl.DataType] = {
    "event_id": pl.String(),
    "doc_id": pl.String(),
    "kind": pl.String(),
    "assets": pl.List(pl.String),
    "strength": pl.Float64(),
    "stance": pl.Float64(),
    "happened_on": pl.Date(),
    "published_at": _UTC,
    "published_precision": pl.String(),
    "known_at": _UTC,
    "figures": pl.List(_FIGURE),
    "evidence": pl.String(),
    "evidence_start": pl.Int64(),
    "evidence_end": pl.Int64(),
    "language": pl.String(),
    "reader": pl.String(),
    "labelled_at": _UTC,
}


def documents() -> pl.DataFrame:
    """Give the five documents: one row each, with the instant of publication, how exact it is, and why.

    `published_at` is in UTC; `published_precision` is "instant", "day" or "inferred"; `stated` is the time that the
    page or the text gives, in `timezone`; `reason` says why an inferred time is believed.
    """
    renamed = {"id": "doc_id", "precision": "published_precision"}
    rows = [{renamed.get(key, key): value for key, value in row.items()} for row in _catalogue()["document"]]
    return pl.DataFrame(rows, schema=_DOCUMENTS)


def document(doc_id: str) -> str:
    """Give our digest of a document, in its own language; KeyError where there is no such document."""
    known = [row["id"] for row in _catalogue()["document"]]
    if doc_id not in known:
        raise KeyError(f"{doc_id!r} is not one of the seed documents: {', '.join(known)}")
    return (DIGESTS / f"{doc_id}.txt").read_text(encoding="utf-8")


def facts() -> pl.DataFrame:
    """Give the facts: who says what about whom, with figures, date and place; `event_id` null where one is context."""
    rows = [
        {
            "fact_id": row["id"],
            "doc_id": row["document"],
            "event_id": row.get("event"),
            "figures": row.get("figures", []),
            "happened_on": row.get("happened_on"),
            **{key: row[key] for key in ("kind", "who", "whom", "claim", "paragraph", "anchor")},
        }
        for row in _catalogue()["fact"]
    ]
    return pl.DataFrame(rows, schema=_FACTS)


def events() -> pl.DataFrame:
    """Give the events, in the schema of the events table, sorted by `known_at`, `event_id`.

    Known as soon as published (no delay). `evidence` is the span [evidence_start, evidence_end) of `document(doc_id)`.
    """
    published = {row["id"]: row for row in _catalogue()["document"]}
    rows = []
    for row in _catalogue()["event"]:
        page = published[row["document"]]
        start = document(row["document"]).index(row["evidence"])
        figures = [
            figure
            for fact in _catalogue()["fact"]
            if fact.get("event") == row["id"]
            for figure in fact.get("figures", [])
        ]
        rows.append(
            {
                "event_id": row["id"],
                "doc_id": row["document"],
                "strength": _strength(row, figures),
                "happened_on": row.get("happened_on"),
                "published_at": page["published_at"],
                "published_precision": page["precision"],
                "known_at": page["published_at"],
                "figures": figures,
                "evidence_start": start,
                "evidence_end": start + len(row["evidence"]),
                "language": page["language"],
                "reader": "catalogue",
                "labelled_at": _catalogue()["labelled_at"],
                **{key: row[key] for key in ("kind", "assets", "stance", "evidence")},
            }
        )
    return pl.DataFrame(rows, schema=_EVENTS).sort("known_at", "event_id")


def _strength(event: dict[str, Any], figures: list[dict[str, Any]]) -> float:
    counted = [figure for figure in figures if figure["unit"] in _COUNTED]
    large = any(abs(figure["value"]) >= _LARGE.get(figure["unit"], float("inf")) for figure in counted)
    strength = _SOURCE[event["source"]] + (_LARGE_FIGURE if large else _SOME_FIGURE if counted else 0.0)
    return round(strength + (_HEADLINE if event.get("headline") else 0.0), 2)


@functools.cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads((_HERE / "catalogue.toml").read_text(encoding="utf-8"))
