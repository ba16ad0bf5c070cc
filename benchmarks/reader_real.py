"""How good the reader is on real news: recall and precision on judged documents, by weights that never saw a document's source.

The judged documents were used to tune the rules, and to train the weights that come with the package. So the model is trained anew
five times, each time without the documents of a fifth of the sources, and each document is judged by the weights that never saw
its source. Beside it stand the figures of the reader as it comes, which has seen all of these documents. Figures alone are kept, no text.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks import records
from engine.faults import Fault
from engine.reader import read_sources
from engine.reader.learned import train
from engine.reader.learned.judge import SURE
from engine.reader.lexicon import Lexicon, load
from engine.reader.prefilter import Prefilter

#: Claims that a document is found to make, as (kind, asset), with their confidence.
Told = dict[tuple[str, str], float]
Counts = npt.NDArray[np.int64]
Judged = dict[str, Any]
LEASTS: Final = tuple(step / 10 for step in range(1, 10))
_REPEATS: Final = 1_000  # of the bootstrap
_FEW: Final = 30  # judged documents; sources of fewer are told together
_OTHERS: Final = "others"
_PARTS: Final = 5


@dataclass
class Read:
    """What the reader as it comes finds in judged documents, at any confidence: claims, and the days of falls by document and asset."""

    told: list[Told]
    days: dict[tuple[int, str], list[dt.date | None]] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------------------ counting


def tally(rows: Sequence[Judged], told: Sequence[Told], least: float, kind: str | None = None) -> Counts:
    """Count what was found in each document.

    Parameters
    ----------
    rows
        The judged documents.
    told
        What was found in each.
    least
        The confidence from which on a claim counts.
    kind
        The only kind that counts; None for all.

    Returns
    -------
    int64 array of (documents, 5)
        Claims required; of them found; claims made that are right, arguable, wrong.
    """
    out = np.zeros((len(rows), 5), np.int64)
    for at, (row, claims) in enumerate(zip(rows, told, strict=True)):
        made = [key for key, sure in claims.items() if sure >= least and kind in (None, key[0])]
        wanted = [event for event in row["events"] if event.get("required") and kind in (None, event["kind"])]
        out[at, 0] = len(wanted)
        out[at, 1] = sum(any(_tells(key, event) for key in made) for event in wanted)
        for key in made:
            out[at, {1: 2, -1: 3, 0: 4}[train.verdict(row["events"], *key)]] += 1
    return out


def _tells(key: tuple[str, str], event: dict[str, Any]) -> bool:
    return train.verdict([event], *key) != 0


def figures(counts: Counts) -> dict[str, Any]:
    """Give recall and precision with the intervals that hold 95 % of bootstraps over documents; None where nothing is counted."""
    total = counts.sum(axis=0)
    chance = np.random.default_rng(1)
    drawn = chance.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=_REPEATS) @ counts
    with np.errstate(invalid="ignore", divide="ignore"):
        whole, many = _ratios(total[None].astype(float)), _ratios(drawn.astype(float))
    out: dict[str, Any] = {
        "documents": len(counts),
        "required": int(total[0]),
        "found": int(total[1]),
        "made": int(total[2:].sum()),
    }
    for at, name in enumerate(("recall", "precision", "lenient")):
        sound = many[:, at][~np.isnan(many[:, at])]
        known = not np.isnan(whole[0, at])
        out[name] = round(float(whole[0, at]), 4) if known else None
        out[f"{name}_95"] = [round(float(np.quantile(sound, q)), 4) for q in (0.025, 0.975)] if known else None
    return out


def _ratios(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    required, found, right, arguable, wrong = sums.T
    lenient = (right + arguable) / (right + arguable + wrong)
    return np.stack([found / required, right / (right + wrong), lenient], axis=1)


def parted(rows: Sequence[Judged], told: Sequence[Told], least: float) -> dict[str, Any]:
    """Give the figures of all documents, and by language, kind and source."""
    counts = tally(rows, told, least)
    sources = [train.source_group(row["source"]) for row in rows]
    large = {source for source in sources if sources.count(source) >= _FEW}
    kinds = sorted({event["kind"] for row in rows for event in row["events"]})
    return {
        "all": figures(counts),
        "language": _by([row["language"] for row in rows], counts),
        "kind": {kind: figures(tally(rows, told, least, kind)) for kind in kinds},
        "source": _by([source if source in large else _OTHERS for source in sources], counts),
    }


def _by(names: Sequence[str], counts: Counts) -> dict[str, Any]:
    own = np.array(names)
    order = sorted(set(names), key=lambda name: (name == _OTHERS, name))
    return {name: figures(counts[own == name]) for name in order}


def days_right(rows: Sequence[Judged], told: Sequence[Told], read: Read, least: float) -> dict[str, Any]:
    """Count the falls found whose day was judged, and those to which the reader gives that day, by language.

    A fall counts where it is required, is found, and is an event of the reader at any confidence: rules alone give its day.
    """
    out: dict[str, dict[str, int]] = {}
    for at, row in enumerate(rows):
        for event in row["events"]:
            if not (event["kind"] == "panic_drop" and event.get("required") and event.get("happened_on")):
                continue
            own = [key[1] for key, sure in told[at].items() if sure >= least and _tells(key, event)]
            given = [str(day) for asset in own for day in read.days.get((at, asset), ())]
            if not given:
                continue
            for name in ("all", row["language"]):
                mine = out.setdefault(name, {"falls": 0, "right": 0})
                mine["falls"] += 1
                mine["right"] += event["happened_on"] in given
    return out


def calibration(rows: Sequence[Judged], told: Sequence[Told]) -> list[dict[str, Any]]:
    """Give by tenths of confidence how many claims were right, of those that are not arguable."""
    judged = [
        (sure, train.verdict(row["events"], *key)) for row, claims in zip(rows, told, strict=True) for key, sure in claims.items()
    ]  # fmt: skip
    out = []
    for least in LEASTS:
        band = [(sure, right) for sure, right in judged if least <= sure < _above(least) and right >= 0]
        if band:
            sure, right = np.array(band).mean(axis=0).tolist()
            out.append({"least": least, "claims": len(band), "confidence": round(sure, 4), "right": round(right, 4)})
    return out


def _above(least: float) -> float:
    return round(least + 0.1, 1) if least < LEASTS[-1] else 1.1  # the last tenth holds 1 too


# ------------------------------------------------------------------------------------------------------------- reading


def crossfit(data: Path, lexicon: Lexicon) -> list[Told]:
    """Give what the model finds in each judged document by weights that never saw its source."""
    texts = train.gather(data / "cases" / "judged", data / "news", lexicon, seed=1)
    _, scored, confidence = train.train(texts, lexicon, version="crossfit")
    out: list[Told] = [{} for document in texts.documents if document.row is None]
    for (at, kind, asset), (sure, _) in train.surest(texts, scored, confidence).items():
        out[at][kind, asset] = sure
    return out


def dropped(rows: Sequence[Judged], lexicon: Lexicon) -> list[bool]:
    """Say which documents the first pass drops, which looks for a name and for a word that can make a claim."""
    documents = [train.judged_document(row) for row in rows]
    columns = {"text": [document.text for document in documents], "ticker": [document.ticker for document in documents]}
    frame = pl.DataFrame(columns, schema={"text": pl.String, "ticker": pl.String})
    return [bool(reason) for reason in Prefilter(lexicon).sift(frame)]


def read(rows: Sequence[Judged]) -> Read:
    """Read judged documents as `tocsin read` does, and keep events of any confidence; a copy tells what its original does."""
    place = {row["id"]: at for at, row in enumerate(rows)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "judged.jsonl"
        path.write_text("".join(f"{_line(row)}\n" for row in rows), encoding="utf-8")
        reading = read_sources(path, min_confidence=0.0)
    told = reading.sources.select("event_id", told_by="doc_id").join(reading.events.frame, on="event_id")
    out = Read([{} for _ in rows])
    for event in told.iter_rows(named=True):
        at = place[event["told_by"]]
        for asset in event["assets"]:
            key = (event["kind"], asset)
            out.told[at][key] = max(event["confidence"], out.told[at].get(key, 0.0))
            if event["kind"] == "panic_drop":
                out.days.setdefault((at, asset), []).append(event["happened_on"])
    return out


def _line(row: Judged) -> str:
    document = train.judged_document(row)
    told = {"doc_id": row["id"], "text": document.text, "published": document.published, "ticker": document.ticker}
    return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)


def speed(news: Path) -> dict[str, Any]:
    """Time a reading of the sets of news by one processor's time, after one that compiles and loads what is needed."""
    read_sources(news)
    begin = time.process_time()
    counts = read_sources(news).counts
    spent = time.process_time() - begin
    return {
        "documents": counts["documents"], "bytes": counts["characters"], "seconds": round(spent, 2),
        "documents_per_s": round(counts["documents"] / spent, 1), "mb_per_s": round(counts["characters"] / spent / 1e6, 2),
    }  # fmt: skip


def measure(data: Path, fitted: Callable[[Path, Lexicon], list[Told]] = crossfit) -> dict[str, Any]:
    """Make the record.

    Parameters
    ----------
    data
        A folder with cases/judged and news.
    fitted
        Finds the claims of the judged documents by weights that never saw their sources.

    Raises
    ------
    Fault
        Where the data is not there.
    """
    for needed in ("cases/judged", "news"):
        if not (data / needed).is_dir():
            raise Fault(
                f"{data} must hold the folder {needed} (got none); give the folder of the shared data as --data."
            )
    rows, lexicon = train.read_judged(data / "cases" / "judged"), load([])
    without = dropped(rows, lexicon)
    alone = fitted(data, lexicon)
    kept = [{} if drop else told for drop, told in zip(without, alone, strict=True)]
    seen = read(rows)
    record = records.new("full")
    required = tally(rows, kept, SURE)[:, 0]
    lost = tally(rows, alone, SURE)[:, 1] - tally(rows, kept, SURE)[:, 1]
    record["results"] = {
        "least": SURE,
        "reader": lexicon.label,
        "parts": _PARTS,
        "unseen": parted(rows, kept, SURE),
        "seen": parted(rows, seen.told, SURE),
        "days": days_right(rows, kept, seen, SURE),
        "days_seen": days_right(rows, seen.told, seen, SURE),
        "first_pass": {
            "documents": int(sum(without)), "required": int(required[np.array(without)].sum()), "of": int(required.sum()), "found": int(lost.sum()),
        },
        "curve": [
            {"least": least, "model": figures(tally(rows, alone, least)), "reader": figures(tally(rows, kept, least))} for least in LEASTS
        ],
        "calibration": calibration(rows, kept),
        "sure": _sure(rows, kept),
        "speed": speed(data / "news"),
    }  # fmt: skip
    return record


def _sure(rows: Sequence[Judged], told: Sequence[Told], least: float = 0.8) -> dict[str, Any]:
    return {"least": least, **figures(tally(rows, told, least))}
