"""Reading in several processes: the same events as in one, errors told, no process left over."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from pathlib import Path

import pytest

from engine.faults import Failure, Fault
from engine.reader import read_sources
from engine.reader.document import Document
from engine.reader.lexicon import recipe
from engine.reader.workers import MUCH, Setup, Workers, number_of

TEXTS = (
    "Nvidia shares plunged 17% on Monday after a Chinese start-up showed a cheaper model.",
    "L'action LVMH a chuté de 6,5 % mardi après des ventes décevantes.",
    "英伟达股价周一暴跌17%，市值蒸发近6000亿美元。",
    "The weather stays fine in most of the country this week.",
    "Die Aktie von Nvidia fällt nach der Warnung um acht Prozent und das ist für die Börse nicht gut.",
)


def _rows(number: int) -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = []
    for at in range(number):
        dated = None if at % 7 == 3 else f"2025-01-{at % 27 + 1:02d}T09:00:00Z"
        rows.append({"id": f"d{at}", "text": f"{TEXTS[at % len(TEXTS)]} {at // 10}", "published": dated})
    # A text without a date whose copy has one too late: it is read although it was asked about before.
    undated = {"id": "first", "text": TEXTS[0] + " Again.", "published": None}
    return [*rows, undated, {**undated, "id": "second"}, rows[0] | {"id": "copy"}]


@pytest.fixture
def news(tmp_path: Path) -> Path:
    path = tmp_path / "news.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(600)), encoding="utf-8")
    return path


def test_two_processes_find_what_one_finds(news: Path) -> None:
    one, two = read_sources(news, workers=1), read_sources(news, workers=2)
    assert len(one.events) > 5
    assert one.counts["with_events"] > 100
    assert one.refused.height > 10
    assert two.events.frame.equals(one.events.frame)
    assert two.sources.equals(one.sources)
    assert two.refused.equals(one.refused)
    assert two.counts == one.counts
    assert (two.notes, two.columns) == (one.notes, one.columns)


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "2"])
def test_a_wrong_number_is_refused_in_one_sentence(news: Path, number: object) -> None:
    with pytest.raises(Fault, match=r"^workers must be a whole number of at least 1 \(got .*\); give one\.$"):
        read_sources(news, workers=number)  # type: ignore[arg-type]


def test_few_documents_are_read_in_this_process(tmp_path: Path) -> None:
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text("Nvidia fell 3%.", encoding="utf-8")
    large.write_bytes(b" " * MUCH)
    assert number_of(None, [small]) == 1
    assert number_of(None, [small, large]) >= 1
    assert number_of(3, [small]) == 3


def test_a_process_that_ends_early_is_told(news: Path) -> None:
    with Workers(1, Setup(recipe(), dt.timedelta(0), None)) as beside:
        beside._processes[0].kill()
        answers = beside.ask([Document("a", TEXTS[0], "a", "2025-01-28")])
        with pytest.raises(Failure, match="ended before its work was done"):
            answers.take(Document("a", TEXTS[0], "a", "2025-01-28"))


def test_no_process_is_left_over_where_the_caller_fails(news: Path) -> None:
    def stop(documents: int, size: int) -> None:
        raise ZeroDivisionError

    kept: list[subprocess.Popen[bytes]] = []
    old = Workers.__enter__

    def entered(self: Workers) -> Workers:
        kept.extend(self._processes)
        return old(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workers, "__enter__", entered)
        with pytest.raises(ZeroDivisionError):
            read_sources(news, workers=2, progress=stop)
    assert len(kept) == 2
    assert all(process.poll() is not None for process in kept)
