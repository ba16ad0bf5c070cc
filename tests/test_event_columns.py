"""The columns of the events table that came later: how sure, how near, how new, from where."""

import datetime as dt
import pickle
from pathlib import Path

import polars as pl
import pytest

from engine.event_table import OPTIONAL, SCHEMA
from engine.events import Events
from engine.faults import Fault
from engine.reader.labels import as_of, beside

NOON = dt.datetime(2025, 1, 27, 12, tzinfo=dt.UTC)
MINIMAL = {"kind": ["denial"] * 2, "assets": [["NVDA"]] * 2, "strength": [0.8, 0.5], "published_at": [NOON] * 2}
#: Written out a second time, from docs/events.md.
DEFAULTS = {
    "confidence": 1.0,
    "relevance": 1.0,
    "novelty": 1.0,
    "hindsight": False,
    "source": "",
    "document_kind": "",
}


def refusal(name: str, values: list[object]) -> str:
    with pytest.raises(Fault) as caught:
        Events.from_frame({**MINIMAL, name: values})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def older() -> pl.DataFrame:
    """A table as an earlier version wrote it."""
    return Events.from_frame(MINIMAL).frame.drop(*OPTIONAL)


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_a_table_lacks_or_leaves_empty_is_made(name: str):
    assert Events.from_frame(MINIMAL).frame[name].to_list() == [DEFAULTS[name]] * 2
    assert Events.from_frame({**MINIMAL, name: [None, None]}).frame[name].to_list() == [DEFAULTS[name]] * 2


def test_tables_of_an_earlier_version_are_taken_everywhere(tmp_path: Path):
    whole = Events.from_frame(MINIMAL).frame
    older().write_parquet(tmp_path / "older.parquet")
    assert Events.read(tmp_path / "older.parquet").frame.equals(whole)
    assert Events.from_frame(older()).frame.equals(whole)
    made = Events(older())
    assert made.frame.equals(whole)
    assert made.frame.schema == pl.Schema(SCHEMA)
    assert pickle.loads(pickle.dumps(made)).frame.equals(whole)


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("confidence", [0.25, None], [0.25, 1.0]),
        ("confidence", ["80%", "90%"], [0.8, 0.9]),
        ("relevance", ["0,5", "0,75"], [0.5, 0.75]),
        ("novelty", [0, 1], [0.0, 1.0]),
        ("hindsight", [True, None], [True, False]),
        ("hindsight", ["TRUE", "no"], [True, False]),
        ("hindsight", [1, 0], [True, False]),
        ("hindsight", [1.0, 0.0], [True, False]),
        ("hindsight", ["1", ""], [True, False]),
        ("hindsight", ["yes", "n/a"], [True, False]),
        ("source", ["reuters.csv", None], ["reuters.csv", ""]),
        ("document_kind", ["flash", "opinion"], ["flash", "opinion"]),
    ],
)
def test_values_are_read_as_tables_write_them(name: str, given: list[object], stored: list[object]):
    events = Events.from_frame({**MINIMAL, name: given, "event_id": ["a", "b"]})
    assert events.frame[name].to_list() == stored


@pytest.mark.parametrize("name", ["confidence", "relevance", "novelty"])
@pytest.mark.parametrize("value", [-0.01, 1.01, 35.0, float("nan"), float("inf")])
def test_shares_lie_between_nought_and_one(name: str, value: float):
    assert f"{name}={value!r} must lie in 0..1" in refusal(name, [0.5, value])


@pytest.mark.parametrize("value", ["maybe", "2", "oui!"])
def test_a_switch_is_true_or_false(value: str):
    assert "true or false" in refusal("hindsight", ["true", value])


def test_a_switch_is_no_other_number():
    assert "true or false" in refusal("hindsight", [1, 2])


def test_another_type_is_refused_in_a_sentence():
    assert "'source' holds Float64" in refusal("source", [1.5, 2.5])
    assert "'hindsight' holds Date" in refusal("hindsight", [dt.date(2025, 1, 1)] * 2)


def test_a_column_that_is_misspelled_is_told():
    assert "did you mean 'confidence'?" in refusal("confidense", [0.5, 0.5])


def test_other_spellings_of_the_names_are_known(tmp_path: Path):
    file = tmp_path / "events.csv"
    file.write_text(
        "kind,assets,strength,published_at,Confidence,Document Kind,Hindsight\n"
        "denial,NVDA,0.5,2025-01-27T12:00Z,0.5,flash,true\n"
    )
    row = Events.read(file).frame.row(0, named=True)
    assert (row["confidence"], row["document_kind"], row["hindsight"]) == (0.5, "flash", True)


def test_the_constructor_checks_them():
    frame = Events.from_frame(MINIMAL).frame.with_columns(novelty=pl.lit(2.0))
    with pytest.raises(Fault, match=r"novelty=2\.0 must lie in 0\.\.1"):
        Events(frame)
    with pytest.raises(Fault, match="'hindsight' holds Boolean"):
        Events(Events.from_frame(MINIMAL).frame.with_columns(hindsight=pl.lit("no")))


def test_labels_of_an_earlier_version_are_no_other_labels() -> None:
    before = Events(older().with_columns(reader=pl.lit("lexicon/1")))
    now = {"confidence": pl.lit(0.7), "novelty": pl.lit(0.5), "reader": pl.lit("lexicon/2")}
    after = Events(before.frame.with_columns(**now))
    # Both say the same of the same events: the older labels stay, with what was known of them.
    assert beside(before, after).frame.equals(before.frame)
    other = Events(after.frame.with_columns(strength=pl.lit(0.9), labelled_at=pl.lit(NOON + dt.timedelta(days=9))))
    assert len(beside(before, other)) == 4
    assert as_of(beside(before, other), NOON + dt.timedelta(days=10)).frame["confidence"].to_list() == [0.7, 0.7]
