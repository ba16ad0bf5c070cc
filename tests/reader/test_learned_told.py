"""What decided of an event, and the likeliest claim of a document that gives none, as `explain` tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import main
from engine.faults import Fault
from engine.reader import explain, read_documents, read_sources
from engine.reader.learned import masked
from engine.reader.learned.told import SIGNS, spelled

FALL = "date,title\n2025-03-03 14:00:00+00:00,Nvidia shares plunged 7% on Monday as investors fled chip stocks\n"
CALM = "date,title\n2025-03-03 14:00:00+00:00,{}\n"


def table(folder: Path, text: str) -> Path:
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_event_names_what_decided_and_the_weights_add_up(tmp_path: Path) -> None:
    path = table(tmp_path, FALL)
    frame = read_documents(path).frame
    row = frame.filter(kind="panic_drop").row(0, named=True)
    found = explain(row["event_id"], path)
    why = found["learned"]
    assert why["asset"] == row["assets"][0]
    assert {"rule panic_drop", "concept plunge", "bias"} <= set(why["weights"])
    assert any(name.startswith("'") for name in why["weights"]), "n-grams stand in quotes"
    assert "bias" in why["asset_weights"]
    assert len(why["weights"]) <= 9
    # The confidence is the logistic function of the log-odds: 1 / (1 + e^-x).
    assert 1 / (1 + 2.718281828459045 ** -why["asset_log_odds"]) == pytest.approx(row["confidence"], abs=1e-3)
    assert "rule panic_drop +" in found["text"]
    assert "all others" in found["text"]
    assert f"touches    {why['asset']} " in found["text"]


def test_masked_signs_are_spelled_out(tmp_path: Path) -> None:
    text = explain("a#1", table(tmp_path, FALL))["text"]
    assert "<company> shares plunged" in text
    assert "<group>" in text
    assert not set(text) & set(SIGNS)
    signs = {value for name, value in vars(masked).items() if name.isupper() and isinstance(value, str)}
    assert set(SIGNS) == signs
    assert spelled("".join(SIGNS)) == "".join(SIGNS.values())


@pytest.mark.parametrize(
    "title",
    [
        "Boeing opens a new office in Paris", "Nvidia names a new head of marketing", "Renault inaugure une nouvelle usine",
        "英伟达发布新的开发工具",
        "台積電舉行年度運動會", "Pfizer shares were little changed", "Micron will publish its results on Thursday",
    ],
)  # fmt: skip
def test_a_silent_document_tells_its_likeliest_claim(tmp_path: Path, title: str) -> None:
    path = table(tmp_path, CALM.format(title))
    assert not len(read_sources(path).events)
    found = explain("a#1", path)
    claim = found["likeliest"]
    if claim is None:  # grammar forbids all that it might claim
        assert "most likely" not in found["text"]
        return
    assert 0 <= claim["confidence"] < 0.4
    assert f"most likely: {claim['kind']} of {claim['asset']}, {claim['confidence']:.2f}, below 0.4" in found["text"]


def test_where_nobody_is_named_no_claim_is_likely(tmp_path: Path) -> None:
    found = explain("a#1", table(tmp_path, CALM.format("A quiet day at the lake")))
    assert found["likeliest"] is None
    assert "most likely" not in found["text"]


def test_events_below_the_least_confidence_are_said_to_be_left_out(tmp_path: Path) -> None:
    path = table(tmp_path, FALL)
    least = 0.999
    assert read_sources(path, min_confidence=least).counts["unsure"]
    found = explain("a#1", path, min_confidence=least)
    number = len(found["events"])
    assert f"{number} event{'s' * (number > 1)} left out, less sure than 0.999." in found["text"]
    assert "most likely: panic_drop of NVDA" in found["text"]
    with pytest.raises(Fault, match="min_confidence must be"):
        explain("a#1", path, min_confidence=2)


def test_a_kind_of_one_s_own_is_told_to_be_of_the_rules(tmp_path: Path) -> None:
    lexicon = tmp_path / "own.toml"
    lexicon.write_text(
        '[kinds.picnic]\nstance = 1\nbase = 0.5\n[concepts.picnic]\nen = ["picnic"]\n[[rules]]\nkind = "picnic"\nany = ["picnic"]\n',
        encoding="utf-8",
    )
    found = explain("a#1", table(tmp_path, CALM.format("Boeing holds a picnic")), lexicon=lexicon)
    assert [item["event"]["kind"] for item in found["events"]] == ["picnic"]
    assert found["events"][0]["learned"] == {}
    assert "learned    nothing: the rules alone make this claim" in found["text"]


def test_the_command_tells_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, FALL)
    assert main(["read", str(path), "--explain", "a#1"]) == 0
    assert "rule panic_drop" in capsys.readouterr().out
    assert main(["read", str(path), "--explain", "a#1", "--min-confidence", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["likeliest"]["kind"] == "panic_drop"
    assert told["events"][0]["learned"]["masked"].startswith("<company>")
