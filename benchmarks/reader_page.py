"""The record of the reader on real news -> tables between marks in docs/reader.md and the README."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.tables import markdown
from engine.files import in_one_step

ROOT = Path(__file__).resolve().parents[1]
#: Documents that hold blocks made from a record.
DOCUMENTS: Final = ("docs/reader.md", "README.md")
_BLOCK: Final = re.compile(r"(<!-- real: (\w+) -->\n).*?(<!-- /real -->)", re.S)
_COLUMNS: Final = ("", "documents", "claims required", "recall", "precision", "precision, arguable ones right")
_LANGUAGES: Final = {"en": "English", "fr": "French", "zh-Hans": "simplified Chinese", "zh-Hant": "traditional Chinese"}


def readme(record: dict[str, Any]) -> str:
    """Say in a paragraph how good and how fast the reader is."""
    result = record["results"]
    whole, seen, speed = result["unseen"]["all"], result["seen"]["all"], result["speed"]
    languages = "; ".join(
        f"{_LANGUAGES.get(name, name)} {_share(own['recall'])} and {_share(own['precision'])}" for name, own in result["unseen"]["language"].items()
    )  # fmt: skip
    return (
        f"On {whole['documents']:,} real documents judged by reading, by weights that never saw a document's source, the reader finds "
        f"{_part(whole['recall'])} of the claims, and {_part(whole['precision'])} of what it finds is right "
        f"({_part(whole['lenient'])} where arguable claims count as right). Recall and precision by language: {languages}. Its rules were tuned on these "
        f"documents; with weights that were, too, it finds {_part(seen['recall'])} at {_part(seen['precision'])}. It reads {speed['documents']:,} documents of real "
        f"news at {speed['documents_per_s']:,.0f} documents/s, {speed['mb_per_s']:.1f} MB/s, a core.\n"
    )


def tables(record: dict[str, Any]) -> str:
    """Write all tables with what they are."""
    result = record["results"]
    head = (
        f"Made at commit {record['commit']} on {record['date']}, by the reader `{result['reader']}`. Each document was judged once, by reading; many were picked for "
        "rare kinds and for what looks like them, so that a reading of whole archives has another share of claims. In brackets: 95 % of 1,000 "
        "bootstraps over documents.\n\n**Rules were tuned on these documents; the weights were not**: each document is judged by weights trained without "
        f"the documents of its source ({result['parts']} parts by source). The first pass is counted in.\n\n"
    )
    parts = (
        head,
        markdown(("weights that never saw the source", *_COLUMNS[1:]), _rows(result["unseen"])),
        "\nThe reader as it comes, **whose weights have seen these very texts**:\n\n",
        markdown(("seen texts", *_COLUMNS[1:]), _rows(result["seen"])),
        f"\n{_days(result)}\n\nThe rest is by weights that never saw the source.\n\n",
        markdown(("kind", *_COLUMNS[2:]), [(name, *row) for name, _, *row in _of(result["unseen"]["kind"])]),
        "\n",
        markdown(("source", *_COLUMNS[1:]), _of(result["unseen"]["source"])),
        f"\n{_default(result)}\n\n{_curve(result)}\n{_first_pass(result['first_pass'])}\n\n{_calibration(result)}\n{_speed(result['speed'])}\n",
    )
    return "".join(parts)


def _rows(parted: dict[str, Any]) -> list[tuple[str, ...]]:
    return [_row("all", parted["all"]), *_of(parted["language"])]


def _of(groups: dict[str, Any]) -> list[tuple[str, ...]]:
    return [_row(name, own) for name, own in groups.items()]


def _row(name: str, own: dict[str, Any]) -> tuple[str, ...]:
    ratios = (_ranged(own[which], own[f"{which}_95"]) for which in ("recall", "precision", "lenient"))
    return (name, f"{own['documents']:,}", f"{own['required']:,}", *ratios)


def _days(result: dict[str, Any]) -> str:
    told = [f"{name} {_ratio(own)}" for name, own in sorted(result["days"].items()) if name != "all"]
    whole, seen = result["days"].get("all"), result["days_seen"].get("all")
    if whole is None or seen is None:
        return "No fall with a judged day was found."
    return f"Days of falls right, of those found: {_ratio(whole)} ({', '.join(told)}); by the reader as it comes {_ratio(seen)}. Rules alone give the day."


def _ratio(own: dict[str, int]) -> str:
    return f"{own['right'] / own['falls']:.2f} ({own['right']:,} of {own['falls']:,})"


def _default(result: dict[str, Any]) -> str:
    sure = result["sure"]
    strict = (
        "none was found"
        if sure["precision"] is None
        else f"{_ranged(sure['precision'], sure['precision_95'])} were right"
    )
    return (
        f"**The default confidence is {result['least']:g}** (`min_confidence`). Recall against precision from each confidence on, of the model alone and behind "
        f"the first pass; of the claims at {sure['least']:g} or more {strict}:"
    )


def _curve(result: dict[str, Any]) -> str:
    rows = [
        (f"**{row['least']:g}**" if row["least"] == result["least"] else f"{row['least']:g}", *(_share(row["model"][name]) for name in ("recall", "precision")),
         *(_share(row["reader"][name]) for name in ("recall", "precision", "lenient")))
        for row in result["curve"]
    ]  # fmt: skip
    columns = (
        "confidence", "recall, model alone", "precision, model alone", "recall", "precision", "precision, arguable ones right",
    )  # fmt: skip
    return markdown(columns, rows)


def _first_pass(lost: dict[str, int]) -> str:
    return (
        f"The first pass drops {lost['documents']:,} of the documents, and with them {lost['required']:,} of {lost['of']:,} required claims "
        f"({lost['required'] / max(lost['of'], 1):.1%}); {lost['found']:,} of these the model alone finds."
    )


def _calibration(result: dict[str, Any]) -> str:
    rows = [
        (f"{row['least']:g} to {min(row['least'] + 0.1, 1):.1f}", f"{row['claims']:,}", _share(row["confidence"]), _share(row["right"]))
        for row in result["calibration"]
    ]  # fmt: skip
    return "Calibration, arguable claims apart:\n\n" + markdown(
        ("confidence", "claims", "mean confidence", "right"), rows
    )


def _speed(speed: dict[str, Any]) -> str:
    return (
        f"Speed: {speed['documents']:,} documents of real news, {speed['bytes'] / 1e6:.1f} MB, take {speed['seconds']:.1f} s of one processor's time: "
        f"{speed['documents_per_s']:,.0f} documents/s, {speed['mb_per_s']:.2f} MB/s a core."
    )


def _ranged(value: float | None, interval: Sequence[float] | None) -> str:
    return "none" if value is None or interval is None else f"{value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _part(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"


#: What stands between which marks.
BLOCKS: Final = {"readme": readme, "tables": tables}


def with_blocks(text: str, record: dict[str, Any]) -> str:
    """Put what a record says into a text, between its marks."""
    return _BLOCK.sub(lambda match: match[1] + BLOCKS[match[2]](record) + match[3], text)


def write_documents(record: dict[str, Any], root: Path = ROOT) -> None:
    """Bring the documents up to date with a record."""
    for name in DOCUMENTS:
        path = root / name
        text = with_blocks(path.read_text(encoding="utf-8"), record)
        with in_one_step(path) as fresh:
            fresh.write_text(text, encoding="utf-8")
