"""`python -m benchmarks.reader real`: figures by hand on judged documents made up here, and tables that say what the record holds."""

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import reader, reader_page, reader_real, records
from engine.reader.learned import train
from engine.reader.lexicon import load

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared"
SHOWN = records.RESULTS / "reader_real.json"
#: A word of every document made up here; no record or table may hold it.
SECRET = "zephyrine"


def event(kind: str, asset: str, *, required: bool = True, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "asset": asset, "required": required, **more}


def row(
    name: str, events: list[dict[str, Any]], text: str = "", language: str = "en", source: str = "wire_2024"
) -> dict[str, Any]:
    return {
        "id": name, "source": source, "language": language, "published": "2025-03-04T21:30:00+00:00", "title": "",
        "text": f"{text} {SECRET}", "ticker": None, "events": events,
    }  # fmt: skip


FALL = event("panic_drop", "NVDA")


@pytest.mark.parametrize(
    ("events", "told", "expected"),
    [  # required, found, right, arguable, wrong
        ([], {}, [0, 0, 0, 0, 0]),
        ([FALL], {}, [1, 0, 0, 0, 0]),
        ([FALL], {("panic_drop", "NVDA"): 0.4}, [1, 1, 1, 0, 0]),  # at the least confidence it counts
        ([FALL], {("panic_drop", "NVDA"): 0.39}, [1, 0, 0, 0, 0]),
        ([FALL], {("panic_drop", "AMD"): 0.9}, [1, 0, 0, 0, 1]),  # another asset
        ([FALL], {("support", "NVDA"): 0.9}, [1, 0, 0, 0, 1]),  # another kind
        ([], {("support", "NVDA"): 0.9}, [0, 0, 0, 0, 1]),
        ([event("support", "NVDA", required=False)], {("support", "NVDA"): 0.9}, [0, 0, 0, 1, 0]),
        ([event("support", "NVDA", required=False)], {}, [0, 0, 0, 0, 0]),  # an arguable one is not missed
        ([event("support", "IGV", alt=["QQQ"])], {("support", "QQQ"): 0.9}, [1, 1, 1, 0, 0]),
        ([event("support", "GOOGL")], {("support", "GOOG"): 0.9}, [1, 1, 1, 0, 0]),  # one company
        ([event("panic_drop", "SPX")], {("panic_drop", "SPY"): 0.9}, [1, 1, 1, 0, 0]),  # an index and its fund
        # Two names of one claim are found once, and both are right.
        ([event("support", "IGV", alt=["QQQ"])], {("support", "QQQ"): 0.9, ("support", "IGV"): 0.9}, [1, 1, 2, 0, 0]),
        # One asset told for both of two claims.
        ([event("panic_drop", "AMD", alt=["SMH"]), event("panic_drop", "MU", alt=["SMH"])], {("panic_drop", "SMH"): 1.0}, [2, 2, 1, 0, 0]),
        # Required beats arguable where both name it.
        ([event("denial", "AMD", required=False, alt=["NVDA"]), event("denial", "NVDA")], {("denial", "NVDA"): 1.0}, [1, 1, 1, 0, 0]),
    ],
)  # fmt: skip
def test_what_is_counted(events: list[dict[str, Any]], told: reader_real.Told, expected: list[int]) -> None:
    assert reader_real.tally([row("a", events)], [told], 0.4).tolist() == [expected]


def test_only_one_kind_is_counted_where_one_is_named() -> None:
    events, told = [FALL, event("support", "AMD")], {("panic_drop", "NVDA"): 0.9, ("support", "MU"): 0.9}
    assert reader_real.tally([row("a", events)], [told], 0.4, "panic_drop").tolist() == [[1, 1, 1, 0, 0]]
    assert reader_real.tally([row("a", events)], [told], 0.4, "support").tolist() == [[1, 0, 0, 0, 1]]
    assert reader_real.tally([row("a", events)], [told], 0.4, "denial").tolist() == [[0, 0, 0, 0, 0]]


def test_recall_and_precision_with_and_without_arguable_claims() -> None:
    # required 4 + 1, found 2 + 1; right 3 + 0, arguable 2 + 0, wrong 1 + 2.
    found = reader_real.figures(np.array([[4, 2, 3, 2, 1], [1, 1, 0, 0, 2]]))
    assert (found["documents"], found["required"], found["found"], found["made"]) == (2, 5, 3, 8)
    assert found["recall"] == 0.6  # 3 of 5
    assert found["precision"] == 0.5  # 3 of 3 + 3
    assert found["lenient"] == 0.625  # 5 of 8


def test_intervals_are_of_documents() -> None:
    # All documents alike: whichever are drawn, the figures are the same. 1 of 2; 3 of 4; 4 of 5.
    same = reader_real.figures(np.array([[2, 1, 3, 1, 1]] * 20))
    assert (same["recall_95"], same["precision_95"], same["lenient_95"]) == ([0.5, 0.5], [0.75, 0.75], [0.8, 0.8])
    # Half of 100 documents are found: the share of draws has a deviation of sqrt(0.25 / 100) = 0.05, so 0.5 -+ 0.098.
    mixed = reader_real.figures(np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 1]] * 50))
    assert mixed["recall_95"] == pytest.approx([0.402, 0.598], abs=0.03)
    # The same claims in two documents of fifty: two draws decide all, so that the interval is the widest.
    lumps = reader_real.figures(np.array([[50, 50, 50, 0, 0], [50, 0, 0, 0, 50]]))
    assert lumps["recall_95"] == [0.0, 1.0]


@pytest.mark.parametrize("counts", [[[0, 0, 0, 0, 0]], [[0, 0, 0, 0, 0]] * 3])
def test_nothing_counted_has_no_share(counts: list[list[int]]) -> None:
    found = reader_real.figures(np.array(counts))
    assert [found[name] for name in ("recall", "recall_95", "precision", "precision_95", "lenient", "lenient_95")] == [
        None
    ] * 6


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 4), min_size=1, max_size=30))
def test_an_interval_holds_within_bounds(drawn: list[tuple[int, ...]]) -> None:
    counts = np.array(
        [[wanted, min(wanted, right), right, arguable, wrong] for wanted, right, arguable, wrong in drawn]
    )
    found = reader_real.figures(counts)
    for name in ("recall", "precision", "lenient"):
        if found[name] is not None:
            low, high = found[f"{name}_95"]
            assert 0 <= low <= high <= 1
            assert 0 <= found[name] <= 1
    if found["lenient"] is not None and found["precision"] is not None:
        assert found["lenient"] >= found["precision"]  # arguable ones can only help


def test_parts_add_up_and_small_sources_are_told_together() -> None:
    rows = [row(f"a{at}", [FALL], source=f"large:{at}") for at in range(30)]
    rows += [
        row("b", [event("denial", "AMD")], language="fr", source="small_2024"),
        row("c", [], language="fr", source="tiny"),
    ]
    told: list[reader_real.Told] = [{("panic_drop", "NVDA"): 0.9}] * 15 + [{} for _ in range(17)]
    found = reader_real.parted(rows, told, 0.4)
    assert found["all"]["recall"] == round(15 / 31, 4)
    assert {name: own["documents"] for name, own in found["language"].items()} == {"en": 30, "fr": 2}
    assert {name: own["documents"] for name, own in found["source"].items()} == {"large": 30, "others": 2}
    assert {name: own["required"] for name, own in found["kind"].items()} == {"denial": 1, "panic_drop": 30}
    assert found["kind"]["panic_drop"]["recall"] == 0.5  # 15 of 30
    assert found["kind"]["denial"]["precision"] is None


@pytest.mark.parametrize(
    ("changed", "days", "sure", "expected"),
    [
        ({}, [dt.date(2025, 3, 4)], 0.9, (1, 1)),
        ({}, [dt.date(2025, 3, 3)], 0.9, (1, 0)),
        ({}, [None], 0.9, (1, 0)),  # no day given is not right
        ({}, [dt.date(2025, 3, 3), dt.date(2025, 3, 4)], 0.9, (1, 1)),  # two falls: one of them is meant
        ({}, [], 0.9, None),  # no event of the reader
        ({}, [dt.date(2025, 3, 4)], 0.3, None),  # not found
        ({"required": False}, [dt.date(2025, 3, 4)], 0.9, None),
        ({"happened_on": None}, [dt.date(2025, 3, 4)], 0.9, None),  # nobody judged its day
        ({"kind": "support"}, [dt.date(2025, 3, 4)], 0.9, None),
        ({"asset": "SOX", "alt": ["NVDA"]}, [dt.date(2025, 3, 4)], 0.9, (1, 1)),
    ],
)
def test_days_of_falls(
    changed: dict[str, Any], days: list[dt.date | None], sure: float, expected: tuple[int, int] | None
) -> None:
    judged = event("panic_drop", "NVDA", happened_on="2025-03-04") | changed
    told: reader_real.Told = {(judged["kind"], "NVDA"): sure}
    read = reader_real.Read([told], {(0, "NVDA"): days})
    found = reader_real.days_right([row("a", [judged])], [told], read, 0.4)
    assert found == (
        {}
        if expected is None
        else {name: dict(zip(("falls", "right"), expected, strict=True)) for name in ("all", "en")}
    )


def test_calibration_counts_by_tenths_and_leaves_arguable_claims_out() -> None:
    events = [FALL, event("support", "AMD"), event("denial", "AMD", required=False)]
    told: reader_real.Told = {
        ("panic_drop", "NVDA"): 0.95, ("support", "AMD"): 1.0, ("denial", "AMD"): 0.95, ("denial", "MU"): 0.9, ("support", "MU"): 0.45,
        ("support", "TSM"): 0.05,
    }  # fmt: skip
    assert reader_real.calibration([row("a", events)], [told]) == [
        {"least": 0.4, "claims": 1, "confidence": 0.45, "right": 0.0},
        {"least": 0.9, "claims": 3, "confidence": 0.95, "right": 0.6667},  # (0.95 + 1 + 0.9) / 3; 2 of 3
    ]


# --------------------------------------------------------------------------------------------------- the whole road


def data_of(folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """Write judged documents and news of our own."""
    rows = [
        row("fall", [event("panic_drop", "NVDA", happened_on="2025-03-04")], "Nvidia shares plunge 9% on Tuesday."),
        row("plain", [event("support", "MSFT")], "Microsoft opens a garden for its visitors."),
        row("none", [], "The weather in Lyon is fine."),
    ]
    (folder / "cases" / "judged").mkdir(parents=True)
    (folder / "news").mkdir()
    text = "".join(f"{json.dumps(one)}\n" for one in rows)
    (folder / "cases" / "judged" / "en.jsonl").write_text(text)
    (folder / "news" / "one.csv").write_text(
        f"title,published\nNvidia shares plunge 9% in a {SECRET} rout,2025-03-04T21:00:00Z\n"
    )
    return folder, rows


def made_up(data: Path, _: Any) -> list[reader_real.Told]:
    assert (data / "news").is_dir()
    return [{("panic_drop", "NVDA"): 0.85}, {("support", "MSFT"): 0.6}, {("denial", "AMD"): 0.7}]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return reader_real.measure(data_of(tmp_path_factory.mktemp("real"))[0], made_up)


def test_the_first_pass_is_counted_in(record: dict[str, Any]) -> None:
    # The garden and the weather have no word that makes a claim: what a model alone would tell of them is not read.
    found = record["results"]
    assert found["first_pass"] == {"documents": 2, "required": 1, "of": 2, "found": 1}
    assert found["unseen"]["all"]["recall"] == 0.5
    assert found["unseen"]["all"]["precision"] == 1.0
    at = next(item for item in found["curve"] if item["least"] == 0.4)
    assert at["model"]["recall"] == 1.0
    assert at["model"]["precision"] == round(2 / 3, 4)  # the denial is wrong
    assert at["reader"]["recall"] == 0.5


def test_the_reader_as_it_comes_is_read_too(record: dict[str, Any]) -> None:
    found = record["results"]
    assert found["seen"]["all"]["recall"] == 0.5
    assert found["days"]["all"] == {"falls": 1, "right": 1}
    assert found["speed"]["documents"] == 1
    assert found["reader"] == load([]).label


def test_no_text_comes_out(record: dict[str, Any]) -> None:
    told = json.dumps(record) + reader_page.tables(record) + reader_page.readme(record)
    assert SECRET not in told
    assert "garden" not in told


def test_a_copy_tells_what_its_original_does(tmp_path: Path) -> None:
    _, rows = data_of(tmp_path)
    twin = copy.deepcopy(rows[0]) | {"id": "twin"}
    read = reader_real.read([rows[0], twin, rows[2]])
    assert ("panic_drop", "NVDA") in read.told[0]
    assert read.told[1] == read.told[0]
    assert read.told[2] == {}
    assert read.days[1, "NVDA"] == read.days[0, "NVDA"] == [dt.date(2025, 3, 4)]


@pytest.mark.parametrize("kept", [(), ("news",), ("cases/judged",), ("cases/judged", "news")])
def test_what_is_not_there_is_said_in_one_sentence(
    tmp_path: Path, kept: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in kept:
        (tmp_path / name).mkdir(parents=True)
    assert reader.main(["real", "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "must hold" in said


def test_the_surest_sentence_speaks_for_a_claim() -> None:
    pair = [train.Pair(at, "support", asset, "company", 0, {}) for at, asset in enumerate(("AMD", "AMD", "MU"))]
    scored = [train.Scored(0, one, right) for one, right in zip(pair, (0, 1, 0), strict=True)]
    scored.append(train.Scored(1, pair[0], 1))  # of a sentence out of a document of which nobody judged the rest
    documents = [train.Judged("wire", "en", None, [], [], [], [], row) for row in (None, 0)]
    texts = train.Texts([], documents, frozenset(), dt.datetime.now(dt.UTC))
    found = train.surest(texts, scored, np.array([0.2, 0.7, 0.5, 0.9]))
    assert found == {(0, "support", "AMD"): (0.7, 1), (0, "support", "MU"): (0.5, 0)}


@pytest.mark.parametrize(
    ("source", "group"),
    [
        ("cls", "cls"),
        ("qi:Thomson Reuters", "qi"),
        ("cnyes_2020", "cnyes"),
        ("cnyes_202206", "cnyes"),
        ("en_five_names_2020_2025.csv", "en_five_names"),
        ("en_oct2025.csv", "en_oct2025"),  # the judged sentences of this set name it without its ending
        ("en_oct2025", "en_oct2025"),
        ("en_oct2025_google.json", "en_oct2025_google"),
        ("zh_wire_cls_2026-06-02.jsonl", "zh_wire_cls"),
        ("fr_undated.csv:BFM", "fr_undated"),
        ("boursier.com", "boursier.com"),
        ("_2020", "_2020"),
    ],
)
def test_a_source_is_one_group_however_it_is_written(source: str, group: str) -> None:
    assert train.source_group(source) == group


# ---------------------------------------------------------------------------------------------------------- the page


def test_a_block_is_replaced_and_nothing_else(record: dict[str, Any]) -> None:
    text = "before\n<!-- real: readme -->\nold\n<!-- /real -->\nafter <!-- suite: x -->\nkept\n<!-- /suite -->\n"
    fresh = reader_page.with_blocks(text, record)
    assert fresh == text.replace("old\n", reader_page.readme(record))
    assert reader_page.with_blocks(fresh, record) == fresh


def test_the_page_says_what_was_tuned_and_what_was_not(record: dict[str, Any]) -> None:
    told = reader_page.tables(record)
    assert "Rules were tuned on these documents; the weights were not" in told
    assert "have seen these very texts" in told
    assert "| **0.4** |" in told  # the default stands out in the curve


@pytest.mark.parametrize("name", reader_page.DOCUMENTS)
def test_the_documents_hold_what_the_record_says(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "<!-- real: " in text
    assert reader_page.with_blocks(text, records.read(SHOWN)) == text


def test_the_record_holds_figures_alone() -> None:
    """No string of the results is longer than a name."""

    def strings(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [*value, *(text for item in value.values() for text in strings(item))]
        if isinstance(value, list):
            return [text for item in value for text in strings(item)]
        return [value] if isinstance(value, str) else []

    assert max(map(len, strings(records.read(SHOWN)["results"]))) < 40


@pytest.mark.skipif(not (REAL / "cases" / "judged").is_dir(), reason="the judged documents are not beside the project")
def test_the_record_is_of_all_judged_documents() -> None:
    rows = train.read_judged(REAL / "cases" / "judged")
    whole = records.read(SHOWN)["results"]["unseen"]["all"]
    assert whole["documents"] == len(rows)
    assert whole["required"] == sum(bool(one.get("required")) for judged in rows for one in judged["events"])


def test_two_judgements_are_compared_by_what_both_require(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "labels.tsv": {"a": ("x", "en", "support:AMD:r;denial:MU:o"), "b": ("x", "en", ""), "c": ("x", "en", "denial:MU:r")},
        "labels_again.tsv": {"a": ("x", "en", "support:NVDA:r"), "b": ("x", "en", "support:AMD:r"), "c": ("x", "en", "denial:MU:r")},
    }  # fmt: skip
    monkeypatch.setattr(train, "labels", lambda path: told[path.name])
    # Of a and c both have the same kind; of b one has a kind more: 2 in both, 3 in either.
    assert reader.agreement() == {"sentences": 3, "same kinds": 2, "kinds in both": 2, "kinds in either": 3}
