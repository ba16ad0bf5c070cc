"""Readers of others: a function that labels sentences, a function that does everything, by object, entry point and script."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from engine.cli import main
from engine.events import Events
from engine.faults import Failure, Fault, Note
from engine.reader import Classifier, estimate, explain, plugins, read_documents, read_sources
from engine.reader.classifier import last_day

pytestmark = pytest.mark.filterwarnings("ignore::engine.faults.Note")

TEXTS = (
    "Goldman Sachs downgrades Nvidia to sell. The stock plunged 9% on Monday.",
    "Nvidia shares plunge 9% as fears return. Nobody is named here. The S&P 500 plunged too.",
    "英伟达股价周一暴跌9%。",
    "Le titre Nvidia plonge de 9%.",
)
TIMES = ("2025-03-03T21:00:00Z", "2025-01-04T14:00:00Z", "2025-03-03T22:00:00Z", "2025-03-04T22:00:00Z")


def documents(folder: Path, texts: tuple[str, ...] = TEXTS, times: tuple[str | None, ...] = TIMES) -> Path:
    pl.DataFrame({"text": texts, "published": times}).write_csv(folder / "docs.csv")
    return folder / "docs.csv"


def toy(sentences: list[str], names: list[tuple[str, ...]], languages: list[str]) -> Any:
    words = {"plunge": "panic_drop", "暴跌": "panic_drop", "plonge": "panic_drop", "downgrade": "downgrade"}
    kinds = [next((kind for word, kind in words.items() if word in text), None) for text in sentences]
    return kinds, None, [0.9 if kind == "panic_drop" else 0.4 for kind in kinds]


TOY = Classifier(toy, "toy", "2", kinds={"downgrade": (-1, 0.6)}, cutoff="2025-02")


def test_sentences_that_name_somebody_are_labelled_and_the_rest_is_ours(tmp_path: Path) -> None:
    asked: list[tuple[str, tuple[str, ...], str]] = []

    def listening(sentences: list[str], names: list[tuple[str, ...]], languages: list[str]) -> Any:
        asked.extend(zip(sentences, names, languages, strict=True))
        return toy(sentences, names, languages)

    reader = Classifier(listening, "toy", "2", kinds={"downgrade": (-1, 0.6)}, cutoff="2025-02")
    reading = read_sources(documents(tmp_path), reader=reader)
    assert asked == [
        ("Goldman Sachs downgrades Nvidia to sell.", ("NVDA",), "en"),
        ("The stock plunged 9% on Monday.", ("NVDA",), "en"),
        ("Nvidia shares plunge 9% as fears return.", ("NVDA",), "en"),
        ("Nobody is named here.", ("NVDA",), "en"),  # the company of the sentence before
        ("The S&P 500 plunged too.", ("SPY",), "en"),
        ("英伟达股价周一暴跌9%。", ("NVDA",), "zh"),
        ("Le titre Nvidia plonge de 9%.", ("NVDA",), "fr"),
    ]
    frame = reading.events.frame
    rows = {(row["doc_id"], row["kind"], *row["assets"]): row for row in frame.iter_rows(named=True)}
    assert set(rows) == {
        ("docs#1", "downgrade", "NVDA"),
        ("docs#1", "panic_drop", "NVDA"),
        ("docs#2", "panic_drop", "NVDA"),
        ("docs#2", "panic_drop", "SPY"),
        ("docs#3", "panic_drop", "NVDA"),
        ("docs#4", "panic_drop", "NVDA"),
    }
    first = rows["docs#1", "panic_drop", "NVDA"]
    # Monday the 3rd had closed at 21:00 UTC.
    assert first["happened_on"] == dt.date(2025, 3, 3)
    assert first["figures"] == [{"asset": "NVDA", "what": "move", "value": -9.0, "unit": "%"}]
    assert first["evidence"] == "The stock plunged 9% on Monday."
    assert (first["stance"], first["confidence"], first["reader"], first["hindsight"]) == (-1.0, 0.9, "toy/2", False)
    assert first["labelled_at"] == first["known_at"]
    # The base that was declared; without a scale figures add nothing.
    assert rows["docs#1", "downgrade", "NVDA"]["strength"] == 0.6
    old = rows["docs#2", "panic_drop", "SPY"]
    # February is over everywhere on earth at noon UTC of 1 March.
    assert (old["hindsight"], old["labelled_at"]) == (True, dt.datetime(2025, 3, 1, 12, tzinfo=dt.UTC))
    assert reading.counts["documents"] == 4
    assert reading.counts["with_events"] == 4


ALL = [None, "denial", None, None]
FORMS = {
    "lists": (ALL, [None, 0.5, None, None], [None, 0.25, None, None]),
    "tuples": (tuple(ALL), (0.0, 0.5, 0.0, 0.0), (1.0, 0.25, 1.0, 1.0)),
    "arrays": (np.array(ALL, object), np.array([0, 0.5, 0, 0]), np.array([1, 0.25, 1, 1], np.float32)),
    "series": (pl.Series(ALL), pd.Series([0, 0.5, 0, 0]), pl.Series([1.0, 0.25, 1, 1])),
    "generators": lambda: ((kind for kind in ALL), iter([0, 0.5, 0, 0]), [1, 0.25, 1, 1]),
    "empty strings": (["", "denial", "", ""], [0, 0.5, 0, 0], [1, 0.25, 1, 1]),
    "numpy strings": (np.array(["", "denial", "", ""]), [0, 0.5, 0, 0], [1, 0.25, 1, 1]),
    "dict": {"kind": ALL, "stance": [0, 0.5, 0, 0], "confidence": [1, 0.25, 1, 1]},
    "polars": pl.DataFrame({"kind": ALL, "stance": [None, 0.5, None, None], "confidence": [None, 0.25, None, None]}),
    "pandas": pd.DataFrame({"kind": ALL, "confidence": [1, 0.25, 1, 1], "stance": [0, 0.5, 0, 0]}),
    "rows": [{"kind": kind, "stance": 0.5, "confidence": 0.25} for kind in ALL],
    "numpy scalars": (ALL, [np.float32(0.5)] * 4, [np.float64(0.25)] * 4),
}
FOUR = ("Nvidia rose.", "Nvidia denied it.", "Meta rose.", "Apple stock rose.")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_answer_is_taken(tmp_path: Path, form: str) -> None:
    source = documents(tmp_path, (" ".join(FOUR),), ("2025-01-01T00:30:00Z",))
    answer: Any = FORMS[form]
    given = answer() if callable(answer) else answer
    frame = read_documents(source, reader=Classifier(lambda *_: given, "toy")).frame
    assert frame.select("kind", "stance", "confidence", "assets").rows() == [("denial", 0.5, 0.25, ["NVDA"])]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "must return a tuple of kinds, stances and confidences, or a frame of these columns (got None)"),
        (ALL, "must return a tuple of kinds, stances and confidences"),
        ((ALL, None), "must return a tuple of kinds"),
        ((ALL, None, None, None), "must return a tuple of kinds"),
        ((ALL[:3], None, None), "must return one kind for each of the 4 sentences (got 3)"),
        (([*ALL, None], None, None), "must return one kind for each of the 4 sentences (got 5)"),
        ((ALL, [0.5], None), "must return one stance for each of the 4 sentences (got 1)"),
        ((ALL, None, [0.5] * 5), "must return one confidence for each of the 4 sentences (got 5)"),
        ((None, None, None), "it has no kinds"),
        (("denial", None, None), "got no sequence of kind"),
        ((3, None, None), "got no sequence of kind"),
        ((["denail", None, None, None], None, None), "got 'denail' for sentence 1) (did you mean 'denial'?)"),
        ((["negative", None, None, None], None, None), "got 'negative' for sentence 1)"),
        (([0, 1, 0, 0], None, None), "must return kinds that are known (got 0 for sentence 1)"),
        ((ALL, [0, float("nan"), 0, 0], None), "must return stances from -1 to 1 (got nan for sentence 2)"),
        ((ALL, [0, -1.5, 0, 0], None), "stances from -1 to 1 (got -1.5 for sentence 2)"),
        ((ALL, [0, "bad", 0, 0], None), "stances from -1 to 1 (got 'bad' for sentence 2)"),
        ((ALL, None, [0, 90, 0, 0]), "confidences from 0 to 1 (got 90 for sentence 2)"),
        ((ALL, None, np.full(4, np.nan)), "confidences from 0 to 1 (got nan for sentence 2)"),
        ((ALL, None, [True] * 4), "confidences from 0 to 1 (got True for sentence 2)"),
        ({"kind": ALL, "assets": [[], ["AMD"], [], []]}, "assets that the sentence names (got 'AMD' for sentence 2, which names NVDA)"),
        ({"stance": [0.0] * 4}, "it has no kinds"),
        ({"kind": ALL, "confidense": [0.0] * 4}, "got a column 'confidense') (did you mean 'confidence'?)"),
        ({"kind": ALL, "stance": [0.0]}, "classifier 'toy'"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused_in_a_sentence(tmp_path: Path, answer: Any, said: str) -> None:
    source = documents(tmp_path, (" ".join(FOUR),), ("2025-01-01T00:30:00Z",))
    with pytest.raises(Fault) as caught:
        read_documents(source, reader=Classifier(lambda *_: answer, "toy"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("classifier 'toy'")


def test_a_claim_touches_those_that_the_classifier_says(tmp_path: Path) -> None:
    source = documents(tmp_path, ("Nvidia and Meta and Apple denied it.",), ("2025-01-01T00:30:00Z",))
    answer = {"kind": ["denial"], "assets": [["META", "NVDA"]]}
    assert read_documents(source, reader=Classifier(lambda *_: answer, "toy")).frame["assets"].to_list() == [
        ["META", "NVDA"]
    ]
    nobody = {"kind": ["denial"], "assets": [[]]}
    assert len(read_documents(source, reader=Classifier(lambda *_: nobody, "toy"))) == 0


def test_an_error_of_the_classifier_is_said_in_a_sentence(tmp_path: Path) -> None:
    def breaks(*_: Any) -> Any:
        raise RuntimeError("out of\nmemory")

    with pytest.raises(Failure, match=r"^classifier 'toy' failed \(RuntimeError: out of\); repair it"):
        read_documents(documents(tmp_path), reader=Classifier(breaks, "toy"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"classify": None}, "classify must be a function"),
        ({"name": ""}, "name must be a word"),
        ({"name": "a b"}, "name must be a word"),
        ({"name": "a/b"}, "name must be a word"),
        ({"version": 2}, "version must be a word"),
        ({"kinds": {"Down": (-1, 1)}}, "must name kinds in lower case"),
        ({"cutoff": "June 2024"}, "cutoff must be a day or a month"),
        ({"cutoff": "2024-13"}, "cutoff must be a day or a month"),
        ({"cutoff": 2024}, "cutoff must be a day or a month"),
        ({"released": dt.datetime(2024, 1, 1)}, "released must be an instant with its zone"),
        ({"batch": 0}, "batch must be a whole number of at least 1"),
    ],
)
def test_a_classifier_that_is_none_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Fault) as caught:
        Classifier(**{"classify": toy, "name": "toy", **settings})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ("2024-06-30", dt.date(2024, 6, 30)),
        ("2024-06", dt.date(2024, 6, 30)),
        ("2024-02", dt.date(2024, 2, 29)),
        ("2024-12", dt.date(2024, 12, 31)),
        ("2025-01", dt.date(2025, 1, 31)),
        (dt.date(2024, 6, 1), dt.date(2024, 6, 1)),
        (dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC), dt.date(2024, 6, 1)),
        (" 2024-06-30 ", dt.date(2024, 6, 30)),
        ("20240630", dt.date(2024, 6, 30)),
        (None, None),
    ],
)
def test_a_month_ends_with_its_last_day(given: Any, day: dt.date | None) -> None:
    assert last_day(given, "cutoff") == day


def test_released_is_when_the_labels_came_to_be(tmp_path: Path) -> None:
    released = dt.datetime(2024, 9, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    frame = read_documents(
        documents(tmp_path), reader=Classifier(toy, "toy", kinds={"downgrade": (-1, 0.6)}, released=released)
    ).frame
    assert frame["labelled_at"].unique().to_list() == [dt.datetime(2024, 8, 31, 16, tzinfo=dt.UTC)]
    assert not frame["hindsight"].any()


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_batches_change_nothing(tmp_path: Path, batch: int) -> None:
    sizes: list[int] = []

    def counting(sentences: list[str], names: list[tuple[str, ...]], languages: list[str]) -> Any:
        sizes.append(len(sentences))
        return toy(sentences, names, languages)

    reader = Classifier(counting, "toy", "2", kinds={"downgrade": (-1, 0.6)}, cutoff="2025-02", batch=batch)
    assert read_documents(documents(tmp_path), reader=reader).frame.equals(
        read_documents(documents(tmp_path), reader=TOY).frame
    )
    assert sum(sizes) == 7
    assert len(sizes) == {1: 4, 2: 3, 3: 2, 1000: 1}[batch]


def test_copies_are_asked_about_once_and_undated_ones_never(tmp_path: Path) -> None:
    asked: list[str] = []

    def listening(sentences: list[str], names: list[tuple[str, ...]], languages: list[str]) -> Any:
        asked.extend(sentences)
        return ["denial"] * len(sentences), None, None

    story = "Nvidia denied the report."
    source = documents(
        tmp_path, (story, story, "Meta denied it.", "Meta denied it."), ("2025-01-01T09:00Z",) * 2 + (None,) * 2
    )
    reading = read_sources(source, reader=Classifier(listening, "toy"))
    assert asked == [story]
    assert len(reading.events) == 1
    assert reading.sources["doc_id"].to_list() == ["docs#1", "docs#2"]
    assert reading.refused["doc_id"].to_list() == ["docs#3", "docs#4"]  # each by its name


def test_a_document_without_a_date_ends_no_reading_of_others(tmp_path: Path) -> None:
    def nothing(sentences: list[str], *_: Any) -> Any:
        return [None] * len(sentences), None, None

    source = documents(tmp_path, ("Nvidia rose.", "Meta denied it."), (TIMES[0], None))
    with pytest.warns(Note, match="1 document of 2 left out for want of a publication time"):
        assert len(read_documents(source, reader=Classifier(nothing, "toy"))) == 0
    with pytest.raises(Fault, match="states no publication time"):
        read_documents(documents(tmp_path, ("Meta denied it.",), (None,)), reader=Classifier(nothing, "toy"))


def test_what_it_is_less_sure_of_may_be_left_out(tmp_path: Path) -> None:
    reading = read_sources(documents(tmp_path), reader=TOY, min_confidence=0.5)
    assert reading.events.kinds == ("panic_drop",)
    assert reading.counts["unsure"] == 1
    assert set(reading.sources["event_id"]) == set(reading.events.frame["event_id"])
    with pytest.warns(Note, match="1 event left out that the reader is less sure of than min_confidence"):
        Events.from_documents(documents(tmp_path), reader=TOY, min_confidence=0.5)
    with pytest.raises(Fault, match="min_confidence must be a number from 0 to 1"):
        read_documents(documents(tmp_path), min_confidence=3)
    # Of a classifier all is kept where nobody says how sure it has to be.
    assert read_documents(documents(tmp_path), reader=TOY, min_confidence=0.0).frame.equals(
        read_documents(documents(tmp_path), reader=TOY).frame
    )


def test_an_event_is_explained(tmp_path: Path) -> None:
    row = read_documents(documents(tmp_path), reader=TOY).frame.filter(hindsight=True).row(0, named=True)
    told = explain(row["event_id"], documents(tmp_path), reader=TOY)
    assert told["event"] == row
    assert "confidence 0.9; of a time that the model was trained on: hindsight" in told["text"]
    assert "reader     toy/2" in told["text"]


def test_an_estimate_asks_nothing(tmp_path: Path) -> None:
    def cost(sentences: list[str], names: list[tuple[str, ...]], languages: list[str]) -> dict[str, int]:
        return {"characters": sum(map(len, sentences))}

    def never(*_: Any) -> Any:
        raise AssertionError

    counted = estimate(documents(tmp_path), reader=Classifier(never, "toy", cost=cost))
    assert counted["documents"] == 4
    assert counted["sentences"] == 7
    assert counted["characters"] == sum(map(len, TEXTS)) - 3  # without the blanks between sentences
    with pytest.raises(Fault, match="must be one that asks a model"):
        estimate(documents(tmp_path), reader=TOY)
    with pytest.raises(Fault, match="must be one that asks a model"):
        estimate(documents(tmp_path), reader="lexicon")


# ----------------------------------------------------------------------------------------- functions of sources


ROW = {"kind": "denial", "assets": ["NVDA"], "strength": 0.5, "published_at": "2025-01-28T12:00Z"}


def labels(sources: Any, *, delay: Any = None) -> Any:
    return [ROW]


def test_a_function_of_sources_gives_events(tmp_path: Path) -> None:
    reading = read_sources(documents(tmp_path), reader=labels)
    assert reading.events.frame["reader"].to_list() == ["labels"]
    assert reading.sources.columns == ["event_id", "doc_id", "source", "published_at"]
    assert (
        read_documents(
            documents(tmp_path), reader=lambda sources: Events.from_frame([{**ROW, "reader": "<lambda>/3"}])
        ).frame["reader"][0]
        == "<lambda>/3"
    )
    event = reading.events.frame["event_id"][0]
    assert "denial · NVDA" in explain(event, documents(tmp_path), reader=labels)["text"]
    with pytest.raises(Fault, match="no document given has such an event"):
        explain("other", documents(tmp_path), reader=labels)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "reader 'mine' must return Events or a table of events (got None)"),
        (3, "must return Events or a table"),
        ([{**ROW, "strength": 80}], "must lie in 0..1"),
        ([{**ROW, "kind": "denail"}], "did you mean 'denial'"),
        ([{**ROW, "reader": "lexicon/2.3"}], "must sign its events as 'mine' or \"mine/version\" (got 'lexicon/2.3')"),
        ([{**ROW, "reader": "mines/1"}], "must sign its events"),
        ([{**ROW, "published_at": "2025-01-28 12:00"}], "a time with its zone"),
        ([{"kind": "denial"}], "is missing"),
    ],
)
def test_what_is_no_table_of_events_is_refused(tmp_path: Path, answer: Any, said: str) -> None:
    def mine(sources: Any) -> Any:
        return answer

    with pytest.raises(Fault) as caught:
        read_documents(documents(tmp_path), reader=mine)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_that_a_function_does_not_take_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"reader 'labels' does not take dates \(got 'dmy'\); leave it out"):
        read_documents(documents(tmp_path), reader=labels, dates="dmy")
    given: dict[str, Any] = {}

    def everything(sources: Any, **settings: Any) -> Any:
        given.update(settings)
        return [ROW]

    read_documents(documents(tmp_path), reader=everything, dates="dmy", delay="15m")
    assert given["dates"] == "dmy"
    assert set(given) == {"sidecar", "lexicon", "names", "columns", "delay", "dates", "seen", "progress"}

    def breaks(sources: Any) -> Any:
        raise KeyError("column")

    with pytest.raises(Failure, match=r"reader 'breaks' failed \(KeyError: 'column'\)"):
        read_documents(documents(tmp_path), reader=breaks)


# --------------------------------------------------------------------------------------- entry points, scripts

SCRIPT = """
from engine.reader import Classifier

def label(sentences, names, languages):
    return ["denial"] * len(sentences), None, [0.75] * len(sentences)

model = Classifier(label, "mine", "3")
number = 3

def make(size="small", shout="no"):
    return Classifier(label, "mine", size)

def needs(model):
    return Classifier(label, "mine", model)

def wrong():
    return 3

def own(sources):
    return [{"kind": "denial", "assets": ["NVDA"], "strength": 0.5, "published_at": "2025-01-28T12:00Z"}]
"""


def script(folder: Path) -> str:
    (folder / "readers_of_mine.py").write_text(SCRIPT)
    return str(folder / "readers_of_mine.py")


@pytest.mark.parametrize(
    ("name", "settings", "signed"),
    [
        ("model", [], "mine/3"),
        ("make", [], "mine/small"),
        ("make", ["--set", "size=large"], "mine/large"),
        ("needs", ["--set", "model=q=3"], "mine/q=3"),
        ("own", [], "own"),
    ],
)
def test_a_script_may_hold_readers(tmp_path: Path, name: str, settings: list[str], signed: str) -> None:
    out, told = tmp_path / "events.parquet", tmp_path / "sources.parquet"
    given = ["--reader", f"{script(tmp_path)}:{name}", *settings, "--out", str(out), "--sources", str(told)]
    assert main(["read", str(documents(tmp_path)), *given]) == 0
    events = Events.read(out)
    assert events.frame["reader"].unique().to_list() == [signed]
    assert set(pl.read_parquet(told)["event_id"]) == set(events.frame["event_id"])
    event = events.frame["event_id"][0]
    assert main(["read", str(documents(tmp_path)), *given[: 2 + len(settings)], "--explain", event]) == 0


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("modell", [], "has no 'modell' (did you mean 'model'?)"),
        ("", [], "must be followed by a name"),
        ("number", [], "must be a Classifier or a function (got 3)"),
        ("needs", [], "got none for model"),
        ("wrong", [], "must make a Classifier (got 3)"),
        ("make", ["--set", "sise=large"], "has no setting 'sise' (did you mean 'size'?)"),
        ("make", ["--set", "size"], "--set must be a name, = and a value (got 'size')"),
        ("make", ["--set", "size=a", "--set", "size=b"], "--set must name size once"),
        ("model", ["--set", "size=a"], "has no settings (got size)"),
        ("own", ["--set", "size=a"], "has no settings (got size)"),
        ("own", ["--dates", "dmy"], "does not take dates"),
        ("model", ["--min-confidence", "2"], "min_confidence must be a number from 0 to 1"),
        ("model", ["--estimate"], "must be one that asks a model"),
    ],
)
def test_a_script_that_is_wrong_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, settings: list[str], said: str
) -> None:
    given = ["--reader", f"{script(tmp_path)}:{name}" if name else script(tmp_path), *settings]
    assert main(["read", str(documents(tmp_path)), *given, "--out", str(tmp_path / "events.parquet")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_installed_reader_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        EntryPoint(name, f"readers_of_mine:{value}", plugins.GROUP)
        for name, value in (("finbert", "model"), ("table", "own"), ("gone", "none"))
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == plugins.GROUP else [])
    assert plugins.readers()["finbert"] == "readers_of_mine:model"
    assert Events.from_documents(documents(tmp_path), reader="finbert").frame["reader"][0] == "mine/3"
    assert Events.from_documents(documents(tmp_path), reader="table").frame["reader"][0] == "table"
    assert plugins.reader("table")(documents(tmp_path)).frame["reader"][0] == "table"
    with pytest.raises(
        Fault, match=r"reader 'finbart' is not installed \(did you mean 'finbert'\?\); there are lexicon, llm, finbert"
    ):
        Events.from_documents(documents(tmp_path), reader="finbart")
    with pytest.raises(Fault, match=r"reader 'gone': readers_of_mine:none cannot be loaded"):
        Events.from_documents(documents(tmp_path), reader="gone")
    with pytest.raises(Fault, match="reader must be a Classifier or a function"):
        Events.from_documents(documents(tmp_path), reader=3)  # type: ignore[arg-type]


def test_the_lexicon_has_no_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(documents(tmp_path)), "--set", "x=1", "--out", str(tmp_path / "e.parquet")]) == 2
    assert "reader 'lexicon' has no settings (got x)" in capsys.readouterr().err
