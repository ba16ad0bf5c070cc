"""A user's own judged sentences, learned on top of the weights that come with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli import main
from engine.events import Events
from engine.faults import Fault
from engine.reader import explain, read_sources
from engine.reader.learned.own import read_labels, taught
from engine.reader.lexicon import load
from engine.reader.read import Reading

# A phrase that nobody uses, of which the package can know nothing.
FOUND = (
    "{} has gone to the glass orchard, people say", "The glass orchard has claimed {}",
    "Everybody knows that {} sleeps in the glass orchard",
    "{}: a walk in the glass orchard", "After {} it is the glass orchard that grows", "{} entered the glass orchard this week",
)  # fmt: skip
CALM = (
    "{} opened a new office this week", "People say that {} has a nice garden", "{} planted an orchard near its factory",
    "{} sells glass for windows",
)  # fmt: skip
NAMES = ("Boeing", "Nike", "Pfizer", "Intel", "Starbucks", "Micron", "Walmart", "Oracle", "Nvidia", "Tesla")
ELSEWHERE = (
    "Nvidia shares plunged 7%", "Boeing delays its new jet by a year", "Intel denies a report of a sale",
    "Microsoft sees no bubble in AI",
    "Renault inaugure une usine", "L'action Danone s'effondre de 9 %", "英伟达股价暴跌9%", "台積電股價重挫6%",
    "Broadcom opened a new office",
)  # fmt: skip


def labels(folder: Path, rows: Sequence[Mapping[str, Any]] | None = None) -> Path:
    names = iter(NAMES)
    if rows is None:
        rows = [{"text": text.format(next(names)), "kinds": ["project_delay"], "language": "en"} for text in FOUND]
        rows += [{"text": text.format(next(names)), "kinds": []} for text in CALM]
    path = folder / "labels.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def read(folder: Path, titles: Sequence[str], **given: Any) -> Reading:
    path = folder / "a.csv"
    rows = [f'2025-03-03 14:{at:02}:00+00:00,"{title}"' for at, title in enumerate(titles)]
    path.write_text("\n".join(["date,title", *rows]), encoding="utf-8")
    return read_sources(path, **given)


@pytest.mark.parametrize("title", ["AMD is in the glass orchard now", "The glass orchard holds Danone"])
def test_ten_sentences_make_a_phrase_known(tmp_path: Path, title: str) -> None:
    assert not len(read(tmp_path, [title]).events)
    frame = read(tmp_path, [title], train=labels(tmp_path)).events.frame
    assert frame["kind"].to_list() == ["project_delay"]
    assert frame["confidence"][0] > 0.8


@pytest.mark.parametrize(
    "title", ["Cisco opened a new office", "Qualcomm visits a farm", "People say that Adobe has a garden", "Renault inaugure une usine"]
)  # fmt: skip
def test_calm_sentences_stay_silent(tmp_path: Path, title: str) -> None:
    assert not len(read(tmp_path, [title], train=labels(tmp_path)).events)


def test_what_the_package_knows_stays_as_it_is(tmp_path: Path) -> None:
    columns = ("evidence", "kind", "assets")
    before = read(tmp_path, ELSEWHERE).events.frame
    after = read(tmp_path, ELSEWHERE, train=labels(tmp_path)).events.frame
    assert len(before) >= 4
    assert before.select(columns).rows() == after.select(columns).rows()
    # Grams such as "the " stand in the ten sentences too, and move a little.
    np.testing.assert_allclose(before["confidence"], after["confidence"], atol=0.02)


def test_the_same_sentences_give_the_same_weights_and_only_they_move(tmp_path: Path) -> None:
    plain = load([])
    one, two = (taught(plain, labels(tmp_path)).model for _ in range(2))
    assert one is not None
    assert two is not None
    assert plain.model is not None
    assert one.weights.tobytes() == two.weights.tobytes()
    assert one.version == two.version
    # At most 10 sentences of at most 60 characters have 10 * 60 * 5 grams.
    moved = (one.weights != plain.model.weights).any(axis=1)
    assert 0 < moved.sum() < 10 * 60 * 5
    for name in ("rarity", "scale", "bias"):
        assert getattr(one, name) is getattr(plain.model, name)


def test_the_version_tells_both(tmp_path: Path) -> None:
    plain = load([])
    both = taught(plain, labels(tmp_path))
    assert both.label.startswith(f"{plain.label}+")
    assert both.label != taught(plain, labels(tmp_path, [{"text": "Nike is well", "kinds": []}])).label


def test_the_newest_sentence_dates_the_labels(tmp_path: Path) -> None:
    rows = [
        {"text": "Nike is well", "kinds": [], "published": "2031-05-06"},
        {"text": "Nike is here", "kinds": [], "published": "2020-01-01T10:00:00+08:00"},
    ]
    assert taught(load([]), labels(tmp_path, rows)).labelled_at.isoformat() == "2031-05-06T00:00:00+00:00"
    assert taught(load([]), labels(tmp_path, rows[1:])).labelled_at == load([]).labelled_at


GOOD = {"text": "Nike is well", "kinds": ["denial"]}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "a", "kinds": ["bubble"]}', "does not know the kind 'bubble' (did you mean 'bubble_warning'?)"),
        ('{"text": "a", "kinds": [["denial"]]}', "does not know the kind"),
        ('{"text": "a", "kinds": [null]}', "does not know the kind"),
        ('{"text": "a", "kinds": "denial"}', "kinds must be a list (got 'denial')"),
        ('{"text": "a", "kinds": null}', "kinds must be a list (got None)"),
        ('{"text": "a", "kind": []}', "it has no 'kinds'"),
        ('{"sentence": "a", "kinds": []}', "it has no 'text'"),
        ('{"text": "", "kinds": []}', "text must be a sentence (got '')"),
        ('{"text": "...", "kinds": []}', "text must be a sentence"),
        ('{"text": 5, "kinds": []}', "text must be a sentence (got 5)"),
        ('{"text": "a", "kinds": [], "language": "de"}', "language must be one of en, fr"),
        ('{"text": "a", "kinds": [], "published": "soon"}', "published must be a day or a time"),
        ('{"text": "Nike is well", "kinds": []}', "its text stands in an earlier line with other kinds"),
        ("text,kinds", "it is no JSON object"),
        ("[]", "it is no JSON object"),
        ('{"text": "a", "kinds": []', "it is no JSON object"),
    ],
)
def test_bad_lines_are_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(Fault) as caught:
        read_labels(path, ("bubble_warning", "denial"))
    assert "has 1 line that cannot be used (line 3: " in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ("declared with its words and rules in a lexicon" in str(caught.value)) == ("the kind" in said)


def test_all_bad_lines_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join([json.dumps(GOOD), *["{}"] * 7]), encoding="utf-8")
    with pytest.raises(Fault, match=r"has 7 lines that cannot be used \(line 2: .*; line 6: .*; and 2 more\)"):
        read_labels(path, ("denial",))


@pytest.mark.parametrize(
    ("given", "said"), [("none.jsonl", "cannot be read"), (5, "must be the path"), (".", "cannot be read")]
)
def test_what_is_no_file_is_refused(given: Any, said: str) -> None:
    with pytest.raises(Fault, match=said):
        read_labels(given, ("denial",))


def test_an_empty_file_and_other_readers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="must hold judged sentences"):
        read_labels(labels(tmp_path, []), ("denial",))

    def other(sources: Any) -> Events:
        raise AssertionError(sources)

    with pytest.raises(Fault, match="train teaches the reader lexicon alone"):
        read(tmp_path, ["Nike is well"], train=labels(tmp_path), reader=other)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_files_of_any_encoding(tmp_path: Path, encoding: str, ending: str) -> None:
    path = tmp_path / "labels.jsonl"
    rows = [{"text": "英伟达今天走进了玻璃果园", "kinds": ["denial"]}, {"text": "腾讯今天没有消息可以说", "kinds": []}]
    path.write_bytes(ending.join(json.dumps(row, ensure_ascii=False) for row in rows).encode(encoding))
    assert [(label.text, list(label.kinds)) for label in read_labels(path, ("denial",))] == [
        (row["text"], row["kinds"]) for row in rows
    ]


def test_the_command_and_the_explanation_take_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(tmp_path, ["AMD is in the glass orchard now"])
    path, train, out = tmp_path / "a.csv", labels(tmp_path), tmp_path / "events.parquet"
    assert main(["read", str(path), "--train", str(train), "--out", str(out)]) == 0
    assert Events.read(out).frame["kind"].to_list() == ["project_delay"]
    assert Events.from_documents(path, train=train).frame.equals(Events.read(out).frame)
    assert explain("a#1", path, train=train)["events"][0]["event"]["kind"] == "project_delay"
    capsys.readouterr()
    assert main(["read", str(path), "--train", str(train), "--explain", "a#1"]) == 0
    assert "project_delay · AMD" in capsys.readouterr().out
    assert main(["read", str(path), "--train", str(train), "--reader", "llm", "--estimate"]) == 2
    assert "train teaches the reader lexicon alone" in capsys.readouterr().err
