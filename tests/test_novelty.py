"""How new an event is: by what was told of its assets before, and by nothing that came after."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import main
from engine.events import Events
from engine.faults import Fault
from engine.reader import read_documents

NOON = dt.datetime(2025, 1, 27, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WIRES = Path(__file__).parents[2] / "shared" / "news"


def events(*told: tuple[str, float, Sequence[str], float, str]) -> Events:
    """Events of kind, stance, assets, days after noon, document."""
    kinds, stances, assets, days, documents = zip(*told, strict=True)
    return Events.from_frame({
        "event_id": [f"e{i:03}" for i in range(len(told))], "kind": kinds, "stance": stances, "assets": [list(a) for a in assets],
        "strength": [0.5] * len(told), "published_at": [NOON + day * DAY for day in days], "doc_id": documents,
        "published_precision": ["instant"] * len(told),
    })  # fmt: skip


def novelties(table: Events, **settings: str) -> list[float]:
    return table.with_novelty(**settings).frame.sort("event_id")["novelty"].to_list()


FIRST = ("panic_drop", -1.0, ["NVDA"], 0.0, "a")


@pytest.mark.parametrize(
    ("second", "right"),
    [
        (("panic_drop", -1.0, ["NVDA"], 0.0, "b"), 0.5),  # 1 / (1 + 2^0)
        (("panic_drop", -0.2, ["NVDA"], 3.0, "b"), 0.666667),  # 1 / (1 + 2^-1): half a telling after three days
        (("panic_drop", -1.0, ["NVDA"], 6.0, "b"), 0.8),  # 1 / (1 + 2^-2)
        (("panic_drop", -1.0, ["NVDA"], 300.0, "b"), 1.0),  # 2^-100 is nothing
        (("panic_drop", -1.0, ["NVDA"], 3.0, "a"), 0.666667),  # the same document, but later
        (("panic_drop", -1.0, ["NVDA"], 0.0, "a"), 1.0),  # one document at one instant is one telling
        (("panic_drop", -1.0, ["AMD"], 0.0, "b"), 1.0),  # of another asset
        (("denial", -1.0, ["NVDA"], 0.0, "b"), 1.0),  # another claim
        (("panic_drop", 1.0, ["NVDA"], 0.0, "b"), 1.0),  # of the other side
        (("panic_drop", -1.0, ["AMD", "NVDA"], 0.0, "b"), 0.75),  # the mean of 1 and 1/2
    ],
)
def test_a_second_telling_is_less_new(second: tuple[str, float, list[str], float, str], right: float) -> None:
    assert novelties(events(FIRST, second)) == [1.0, right]


def test_each_telling_counts() -> None:
    told = [("panic_drop", -1.0, ["NVDA"], float(day), f"d{day}") for day in (0, 3, 6)]
    # the third: 1 / (1 + 1/2 + 1/4)
    assert novelties(events(*told)) == [1.0, 0.666667, 0.571429]
    # with a half-life of six days: 1 / (1 + 2^-0.5); 1 / (1 + 2^-0.5 + 2^-1)
    assert novelties(events(*told), half_life="6d") == [1.0, 0.585786, 0.453082]


def test_a_kind_of_ones_own_and_a_table_of_others(tmp_path: Path) -> None:
    labels = {
        "ticker": ["NVDA", "NVDA;AMD"],
        "label": ["layoffs"] * 2,
        "time": ["2025-01-27T12:00Z", "2025-01-27T12:00:07Z"],
    }
    columns = {"kind": "label", "assets": "ticker", "published_at": "time"}
    table = Events.import_table(labels, columns=columns, kinds={"layoffs": (-1, 0.4)})
    assert table.frame["novelty"].to_list() == [1.0, 1.0], "nobody says that it is less"
    assert table.with_novelty().frame["novelty"].round(3).to_list() == [1.0, 0.75]
    table.with_novelty().write(tmp_path / "events.parquet")
    assert Events.read(tmp_path / "events.parquet").frame.equals(table.with_novelty().frame)
    later = table.with_novelty("2h").delayed("1d")
    assert later.with_novelty("2h").frame.equals(later.frame), "a delay of all changes nothing"


def test_the_command_line_works_it_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, out = tmp_path / "labels.csv", tmp_path / "events.parquet"
    labels.write_text(
        "kind,assets,published_at\ndenial,NVDA,2025-01-27T12:00Z\ndenial,NVDA,2025-01-28T12:00Z\n", encoding="utf-8"
    )
    command = ["events", "import", str(labels), "--out", str(out), "--force"]
    assert main(command) == 0
    assert Events.read(out).frame["novelty"].to_list() == [1.0, 1.0]
    assert main([*command, "--novelty", "1d"]) == 0
    assert Events.read(out).frame["novelty"].round(4).to_list() == [1.0, 0.6667]  # 1 / (1 + 1/2)
    assert main([*command, "--novelty", "0d"]) == 2
    assert "half_life must be a length of time above zero (got '0d')" in capsys.readouterr().err


def test_an_empty_table_stays_empty() -> None:
    assert len(events(FIRST).select(kinds=["denial"]).with_novelty()) == 0


@pytest.mark.parametrize("half_life", ["0d", "-1d", "soon", "", 3, None, dt.timedelta(0), -DAY, float("nan"), "40000d"])
def test_what_is_no_length_of_time_is_refused(half_life: object) -> None:
    with pytest.raises(
        Fault, match=r"^half_life must be a length of time above zero \(got .*\); give one, such as '3d'\.$"
    ):
        events(FIRST).with_novelty(half_life)  # type: ignore[arg-type]


TOLD = st.lists(
    st.tuples(
        st.sampled_from(["panic_drop", "denial"]),
        st.sampled_from([-1.0, 1.0]),
        st.sampled_from([["A"], ["B"], ["A", "B"]]),
        st.integers(0, 40).map(lambda hours: hours / 8),
        st.sampled_from("abc"),
    ),
    min_size=1,
    max_size=30,
)


@given(TOLD, st.integers(0, 40))
def test_nothing_later_changes_it(told: list[tuple[str, float, list[str], float, str]], cut: int) -> None:
    table = events(*told)
    until = NOON + cut / 8 * DAY + dt.timedelta(microseconds=1)
    before = table.select(end=until).with_novelty().frame
    assert table.with_novelty().select(end=until).frame.equals(before), "to the bit"


@given(TOLD)
def test_it_is_the_formula(told: list[tuple[str, float, list[str], float, str]]) -> None:
    rows = events(*told).frame.to_dicts()

    def right(row: dict[str, object], asset: str) -> float:
        tellings = {
            (other["known_at"], other["doc_id"])
            for other in rows
            if other["kind"] == row["kind"] and (other["stance"] < 0) == (row["stance"] < 0) and asset in other["assets"]
            and (other["known_at"], other["doc_id"]) < (row["known_at"], row["doc_id"])
        }  # fmt: skip
        return 1 / (1 + sum(2 ** -((row["known_at"] - at) / DAY / 3) for at, _ in tellings))  # type: ignore[operator]

    found = events(*told).with_novelty().frame
    for row, value in zip(rows, found["novelty"], strict=True):
        assets = row["assets"]
        assert value == pytest.approx(sum(right(row, asset) for asset in assets) / len(assets), abs=1e-6)


def test_one_claim_on_three_wires_and_in_three_languages(tmp_path: Path) -> None:
    told = {
        "first": ("2026-06-02T09:00:05+08:00", "卓科电子\n【消息】英伟达股价暴跌9%，市场担忧需求。"),
        "second": ("2026-06-02T09:00:31+08:00", "Nvidia shares plunge 9% in late trade, a trader says."),
        "third": (
            "2026-06-02T09:02:00+08:00",
            "L'action Nvidia s'effondre de 9 % après la clôture, selon un courtier.",
        ),
    }
    for name, (at, text) in told.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"id": name, "text": text, "date": at}), encoding="utf-8")
    frame = read_documents(tmp_path).frame
    assert frame["doc_id"].to_list() == list(told)
    assert frame["source"].to_list() == [f"{name}.jsonl" for name in told]
    assert frame["novelty"].round(3).to_list() == [1.0, 0.5, 0.333]


def test_a_reader_of_others_may_say_how_new_its_events_are(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    table = {
        "kind": ["denial"] * 2,
        "assets": [["NVDA"]] * 2,
        "strength": [0.5] * 2,
        "published_at": [NOON, NOON + DAY],
    }

    def silent(sources: object) -> pl.DataFrame:
        return pl.DataFrame(table)

    def telling(sources: object) -> pl.DataFrame:
        return pl.DataFrame({**table, "novelty": [0.25, 0.75]})

    # 1 / (1 + 2^(-1/3))
    assert read_documents(tmp_path, reader=silent).frame["novelty"].round(4).to_list() == [1.0, 0.5575]
    assert read_documents(tmp_path, reader=telling).frame["novelty"].to_list() == [0.25, 0.75]


@pytest.mark.skipif(not WIRES.exists(), reason="the three wires are not here")
def test_the_three_wires_of_a_day() -> None:
    columns = {"text": "content", "title": "title", "published": "datetime", "doc_id": "id"}
    frame = read_documents(sorted(WIRES.glob("zh_wire_*.jsonl")), columns=columns).frame
    # A buy-back of TCL (000100.SZ) that the three tell one after the other within eight minutes.
    told = frame.filter((pl.col("kind") == "support") & (pl.col("assets").list.first() == "000100.SZ")).sort("known_at")
    assert told["source"].n_unique() == 3
    assert told["novelty"].round(2).to_list() == [1.0, 0.5, 0.33]
