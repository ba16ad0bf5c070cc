"""The events table: what it takes, what it makes of what is left out, and what it refuses."""

import copy
import dataclasses
import datetime as dt
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Market, backtest
from engine.events import KINDS, SCHEMA, Events
from engine.faults import Failure, Fault, Note
from strategies import ShortBubbleWarning

NOON = dt.datetime(2025, 1, 27, 12, tzinfo=dt.UTC)
MINIMAL = {
    "kind": ["disruption_shock", "denial"],
    "assets": [["NVDA"], ["AMD", "INTC"]],
    "strength": [0.8, 0.5],
    "published_at": [NOON, NOON - dt.timedelta(hours=1)],
}


def full(**changes: list) -> pl.DataFrame:
    """Two whole rows, with some columns changed."""
    frame = Events.from_frame(pl.DataFrame(MINIMAL)).frame
    given = [pl.Series(name, values, dtype=SCHEMA[name]) for name, values in changes.items()]
    return frame.with_columns(given)


def refusal(frame: object) -> str:
    with pytest.raises(Fault) as caught:
        Events.from_frame(frame)
    text = str(caught.value)
    assert text.count("\n") == 0
    return text


def test_the_schema_is_the_one_of_the_issue():
    # Written out a second time, from the issue.
    assert " ".join(SCHEMA) == (
        "event_id doc_id kind assets strength stance happened_on published_at published_precision known_at figures "
        "evidence evidence_start evidence_end language reader labelled_at "
        "confidence relevance novelty hindsight source document_kind"
    )
    assert " ".join(KINDS) == (
        "bubble_warning valuation_alarm funding_gap circular_financing short_disclosure backstop_plea denial "
        "support panic_drop overdone_call disruption_shock earnings_disappointment hawkish_policy project_delay"
    )


def test_a_minimal_table_is_completed_and_sorted():
    events = Events.from_frame(pl.DataFrame(MINIMAL), delay="15m")
    assert events.frame.schema == pl.Schema(SCHEMA)
    assert len(events) == 2
    # The second row was published an hour before the first, so it comes first.
    assert events.frame["kind"].to_list() == ["denial", "disruption_shock"]
    assert events.frame["event_id"].to_list() == ["events#2", "events#1"]
    assert events.frame["stance"].to_list() == [1.0, -1.0]
    assert events.frame["known_at"].to_list() == [NOON - dt.timedelta(minutes=45), NOON + dt.timedelta(minutes=15)]
    assert events.frame["labelled_at"].to_list() == events.frame["known_at"].to_list()
    assert events.frame["happened_on"].null_count() == 2
    assert events.frame["figures"].to_list() == [[], []]
    assert events.frame.drop("happened_on").null_count().sum_horizontal().item() == 0


def test_equal_times_are_ordered_by_event_id():
    frame = full(known_at=[NOON, NOON], published_at=[NOON, NOON], event_id=["b", "a"])
    assert Events.from_frame(frame).frame["event_id"].to_list() == ["a", "b"]


@pytest.mark.parametrize(
    "convert", [pd.DataFrame, pl.DataFrame, lambda rows: pl.DataFrame(rows).to_arrow(), pl.LazyFrame]
)
def test_any_data_frame_gives_the_same_events(convert):
    figures = [[{"asset": "NVDA", "what": "move", "value": -17.0, "unit": "%"}], []]
    rows = {**MINIMAL, "figures": figures, "happened_on": [dt.date(2025, 1, 27), None]}
    expected = Events.from_frame(pl.DataFrame(rows)).frame
    assert Events.from_frame(convert(rows)).frame.equals(expected)
    assert expected["figures"].to_list() == [[], figures[0]]


def test_figures_may_leave_out_the_asset():
    rows = {**MINIMAL, "figures": [[{"what": "cost", "value": 5600000, "unit": "USD"}], []]}
    figure = Events.from_frame(pl.DataFrame(rows)).frame["figures"].to_list()[1][0]
    assert figure == {"asset": None, "what": "cost", "value": 5.6e6, "unit": "USD"}


def test_times_in_any_zone_are_brought_to_utc():
    shanghai = pl.Series([NOON, NOON]).dt.convert_time_zone("Asia/Shanghai").cast(pl.Datetime("ns", "Asia/Shanghai"))
    events = Events.from_frame(pl.DataFrame(MINIMAL).with_columns(published_at=shanghai))
    assert events.frame["published_at"].to_list() == [NOON, NOON]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "updated_at",
            "modified_time",
            "dateModified",
            "lastmod",
            "Last Updated",
            "edited_at",
            "mtime",
            "update_time",
        ),
        *("更新时间", "修改时间", "date_modification"),
    ],
)
def test_a_row_was_out_only_when_it_was_last_changed(name: str):
    later, earlier = NOON + dt.timedelta(days=6), NOON - dt.timedelta(days=6)
    table = {column: values[:1] * 3 for column, values in MINIMAL.items()}
    with pytest.warns(
        Note, match=f"column '{name}' says when a row was changed; of it and published_at the later counts"
    ):
        events = Events.from_frame({**table, name: [later, None, earlier]}, delay="1h")
    # Only the first row was changed after its publication; a delay runs from then on.
    assert sorted(events.frame["published_at"]) == [NOON, NOON, later]
    assert sorted(events.frame["known_at"])[2] == later + dt.timedelta(hours=1)


def test_the_last_of_several_changes_counts_with_its_precision():
    changed = {"updated_at": ["2025-01-29T12:00Z", ""], "modified": ["2025-01-28T12:00Z", "2025-01-30 +00:00"]}
    with pytest.warns(Note, match="says when a row was changed"):
        frame = Events.from_frame({**MINIMAL, **changed}).frame
    end = dt.datetime(2025, 1, 30, 23, 59, 59, 999_999, tzinfo=dt.UTC)  # a day counts as its end
    assert frame["published_at"].to_list() == [dt.datetime(2025, 1, 29, 12, tzinfo=dt.UTC), end]
    assert frame["published_precision"].to_list() == ["instant", "day"]


@pytest.mark.parametrize("text", ["Tuesday", "2025-02", "2025-01-28 12:00 QQT", "2025-01-28T12:00", "28 janvier"])
def test_a_change_of_which_nobody_knows_when_is_refused(text: str):
    with pytest.warns(Note):
        assert "row 2: updated_at must be a time with its zone" in refusal({**MINIMAL, "updated_at": [None, text]})


def test_knowledge_stays_as_given_but_for_one_before_the_change():
    changed = [NOON + dt.timedelta(days=2), None]
    with pytest.warns(Note):
        frame = Events.from_frame(
            {**MINIMAL, "updated_at": changed, "known_at": [NOON + dt.timedelta(days=3)] * 2}
        ).frame
    assert frame["known_at"].to_list() == [NOON + dt.timedelta(days=3)] * 2
    with pytest.warns(Note):
        said = refusal({**MINIMAL, "updated_at": changed, "known_at": [NOON + dt.timedelta(days=1)] * 2})
    assert "lies before published_at" in said


def test_a_flag_of_change_says_nothing_of_when():
    with pytest.warns(Note, match="left out: 'edited'"):
        events = Events.from_frame({**MINIMAL, "edited": [True, False]})
    assert events.frame["published_at"].to_list() == sorted(MINIMAL["published_at"])


def test_an_index_or_an_own_column_is_left_out():
    table = pd.DataFrame({**MINIMAL, "my_notes": ["x", "y"]}, index=["first", "second"])
    with pytest.warns(Note, match="events: 1 column of no events table left out: 'my_notes'"):
        assert Events.from_frame(table).frame.columns == list(SCHEMA)
    assert Events.from_frame(table.drop(columns="my_notes")).frame.columns == list(SCHEMA)  # an index is no column


def test_a_table_survives_the_disk(tmp_path: Path):
    events = Events.sample()
    events.write(tmp_path / "events.parquet")
    assert Events.read(tmp_path / "events.parquet").frame.equals(events.frame)
    assert [file.name for file in tmp_path.iterdir()] == ["events.parquet"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "events.parquet"
    path.write_text("old")

    def fail(self: pl.DataFrame, target: Path, **options: object) -> None:
        Path(target).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail)
    with pytest.raises(Failure, match=r"cannot be written \(disk full\): events.parquet was left out"):
        Events.sample().write(path, force=True)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("events.parquet", "old")]


def test_a_csv_of_ones_own(tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "event_id,kind,assets,strength,published_at,happened_on\n"
        "7,panic_drop,NVDA|AMD; TSM 0700,1,2025-01-28T05:32+08:00,2025-01-27\n"
        "8,denial,NVDA,0.25,2025-01-28T05:32+08:00,\n"
    )
    events = Events.read(path)
    assert events.frame["event_id"].to_list() == ["7", "8"]
    assert events.frame["assets"].to_list() == [["NVDA", "AMD", "TSM", "0700"], ["NVDA"]]
    # 05:32 in Shanghai, eight hours ahead, is 21:32 in UTC on the day before.
    assert events.frame["published_at"][0] == dt.datetime(2025, 1, 27, 21, 32, tzinfo=dt.UTC)
    assert events.frame["happened_on"].to_list() == [dt.date(2025, 1, 27), None]
    assert events.frame["doc_id"].unique().to_list() == ["mine"]


def test_select():
    events = Events.sample()
    warned = events.select(kinds=["bubble_warning", "funding_gap"], assets=["NVDA"])
    assert set(warned.frame["kind"]) == {"bubble_warning", "funding_gap"}
    assert all("NVDA" in assets for assets in warned.frame["assets"])
    # Document 003 alone was known before 2025-02-01; 004 alone from 2025-12-01 on.
    assert set(events.select(end=dt.date(2025, 2, 1)).frame["doc_id"]) == {"003_6cfe05d7d97b57d2"}
    assert set(events.select(start=dt.date(2025, 12, 1)).frame["doc_id"]) == {"004_f407cec4eb0efe30"}
    first = events.frame["known_at"][0]
    assert len(events.select(end=first)) == 0  # the end is not included, the start is
    assert len(events.select(start=first)) == len(events)
    with pytest.raises(Fault, match=r"denail.*did you mean 'denial'"):
        events.select(kinds=["denail"])
    with pytest.raises(Fault, match="start=2025-01-01T00:00:00 has no time zone"):
        events.select(start=dt.datetime(2025, 1, 1))


def test_delayed_moves_knowledge_and_nothing_else():
    events = Events.sample()
    later = events.delayed("2h")
    assert (later.frame["known_at"] - events.frame["known_at"]).unique().to_list() == [dt.timedelta(hours=2)]
    assert later.frame.drop("known_at").equals(events.frame.drop("known_at"))


def test_an_empty_table_is_a_table():
    events = Events.from_frame(pl.DataFrame(schema=SCHEMA))
    assert len(events) == 0
    assert repr(events) == "Events(0 of 0 documents)"


@pytest.mark.parametrize("name", ["kind", "assets", "strength", "published_at"])
def test_a_missing_column_is_named(name: str):
    rows = {column: values for column, values in MINIMAL.items() if column != name}
    assert f"column '{name}' is missing" in refusal(pl.DataFrame(rows))


BAD_VALUES = [
    ({"kind": ["denial", "bubble_waning"]}, r"row 2 \(.*\): kind='bubble_waning' .*did you mean 'bubble_warning'"),
    ({"strength": [0.5, 1.5]}, r"row 2 .*strength=1.5 must lie in 0\.\.1"),
    ({"strength": [-0.1, 0.5]}, r"row 1 .*strength=-0.1"),
    ({"strength": [0.5, np.nan]}, r"row 2 .*strength=nan"),
    ({"strength": [0.5, None]}, r"row 2 .*strength=None must not be empty"),
    ({"stance": [0.0, -1.01]}, r"row 2 .*stance=-1.01 must lie in -1"),
    ({"stance": [np.nan, 0.0]}, r"row 1 .*stance=nan"),
    ({"event_id": ["a", "a"]}, r"row 2: event_id='a' stands in an earlier row"),
    ({"event_id": ["", "a"]}, r"row 1: event_id='' must not be empty"),
    ({"assets": [["NVDA"], []]}, r"row 2 .*assets=\[\] must name at least one"),
    ({"assets": [["NVDA", ""], ["AMD"]]}, r"row 1 .*assets=\['NVDA', ''\]"),
    ({"assets": [["NVDA"], [None]]}, r"row 2 .*assets=\[None\]"),
    ({"assets": [[" NVDA"], ["AMD"]]}, r"row 1 .*assets=\[' NVDA'\]"),
    ({"assets": [["NVDA", "NVDA"], ["AMD"]]}, r"row 1 .*names an asset twice"),
    ({"assets": [["NVDA"], None]}, r"row 2 .*assets=None must not be empty"),
    ({"published_precision": ["day", "hour"]}, r"row 2 .*published_precision='hour' is none of"),
    ({"known_at": [NOON, NOON - dt.timedelta(days=9)]}, r"row 2 .*known_at=2025-01-18T12:00:00\+00:00 lies before"),
    ({"evidence_start": [-1, 0]}, r"row 1 .*evidence_start=-1"),
    ({"evidence_start": [0, 5], "evidence_end": [0, 4]}, r"row 2 .*evidence_end=4 must not lie before"),
    ({"figures": [[], [{"what": "move", "value": np.nan, "unit": "%"}]]}, r"row 2 .*figure whose value is missing"),
    ({"figures": [[], [{"what": "move", "value": np.inf, "unit": "%"}]]}, r"row 2 .*infinite"),
    ({"figures": [[{"what": "move", "value": 1.0, "unit": None}], []]}, r"row 1 .*without 'what' or 'unit'"),
]


@pytest.mark.parametrize(("changes", "expected"), BAD_VALUES, ids=[str(list(changes)) for changes, _ in BAD_VALUES])
def test_a_bad_value_is_refused_with_its_row(changes: dict, expected: str):
    with pytest.raises(Fault, match=expected):
        Events.from_frame(full(**changes))


BAD_TYPES = [
    ({"published_at": [dt.datetime(2025, 1, 1)] * 2}, "row 1: published_at must be a time with its zone"),
    (
        {"published_at": [dt.date(2025, 1, 1)] * 2},
        "row 1: published_at must be a time with its zone, such as 2025-01-28T05:32+08:00 (got 2025-01-01)",
    ),
    (
        {"published_at": ["2025-01-28T05:32+08:00", "2025-01-28T05:32"]},
        "row 2: published_at must be a time with its zone, such as 2025-01-28T05:32+08:00 (got '2025-01-28T05:32')",
    ),
    (
        {"published_at": ["yesterday"] * 2},
        "row 1: published_at must be a time with its zone, such as 2025-01-28T05:32+08:00 (got 'yesterday')",
    ),
    (
        {"published_at": [1, 2]},
        "row 1: published_at must be a time with its zone, such as 2025-01-28T05:32+08:00 (got 1)",
    ),
    ({"strength": ["high", "low"]}, "row 1: strength must be a number (got 'high')"),
    ({"strength": [True, False]}, "'strength' holds Boolean"),
    ({"kind": [1, 2]}, "'kind' holds Int64"),
    ({"assets": [[1], [2]]}, "'assets' holds List"),
    ({"happened_on": ["soon", "later"]}, "row 1: happened_on must be a day, such as 2025-01-28 (got 'soon')"),
    ({"figures": ["-17%", ""]}, "'figures' holds String"),
    ({"figures": [[{"value": 1.0}], []]}, "'figures' holds List"),
    ({"figures": [[{"what": "move", "value": "much", "unit": "%"}], []]}, "'figures' does not turn into"),
    ({"evidence_start": [0.5, 1.0]}, "'evidence_start' holds Float64"),
    ({"strenght": [1.0, 1.0]}, "column 'strenght' is not one of the events table"),
]


@pytest.mark.parametrize(("changes", "expected"), BAD_TYPES, ids=[str(list(changes)) for changes, _ in BAD_TYPES])
def test_a_bad_type_is_refused_with_its_column(changes: dict, expected: str):
    rows = {**MINIMAL, **changes}
    if "strenght" in changes:
        del rows["strength"]
    assert expected in refusal(pl.DataFrame(rows, strict=False))


def test_what_is_no_table_is_refused():
    assert "(got a list)" in refusal([1, 2])
    assert "cannot be read as a table" in refusal(pd.DataFrame({**MINIMAL, "strength": [0.5, "x"]}))


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(Fault, match=r"nowhere.parquet' must be a file with a table \(it does not exist\)"):
        Events.read(tmp_path / "nowhere.parquet")
    (tmp_path / "events.xlsx").write_text("x")
    with pytest.raises(Fault, match=r"events.xlsx' cannot be read as Excel \(it holds text"):
        Events.read(tmp_path / "events.xlsx")
    (tmp_path / "events.parquet").write_text("no parquet")
    with pytest.raises(Fault, match=r"events.parquet.*cannot be read"):
        Events.read(tmp_path / "events.parquet")
    (tmp_path / "events.csv").write_bytes(b"kind,assets\n\xff\xfe\x00,x\n")
    with pytest.raises(Fault, match=r"events.csv"):
        Events.read(tmp_path / "events.csv")
    with pytest.raises(Fault, match="does not exist; make it first"):
        Events.sample().write(tmp_path / "missing" / "events.parquet")


# ----------------------------------------------------------------------------------------- in order, whichever the door

DOORS = {
    "constructor": Events,
    "replace": lambda frame: dataclasses.replace(Events.sample(), frame=frame),
    "pickle": lambda frame: pickle.loads(pickle.dumps(Events(frame))),
    "copy": lambda frame: copy.deepcopy(Events(frame)),
    "polars": Events.from_frame,
    "lazy": lambda frame: Events.from_frame(frame.lazy()),
    "arrow": lambda frame: Events.from_frame(frame.to_arrow()),
    "pandas": lambda frame: Events.from_frame(frame.to_pandas(use_pyarrow_extension_array=True)),
    "pandas with an index in another order": lambda frame: Events.from_frame(
        frame.to_pandas(use_pyarrow_extension_array=True).set_index(pd.Index(range(frame.height, 0, -1)))
    ),
    "select": lambda frame: Events(frame).select(),
    "delayed": lambda frame: Events(frame).delayed("0s"),
}


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_any_order_of_rows_gives_the_same_events(door: str, seed: int):
    frame = Events.sample().frame
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    assert DOORS[door](shuffled).frame.equals(frame)


def test_any_order_of_rows_in_a_file_gives_the_same_events(tmp_path: Path):
    frame = Events.sample().frame
    frame.reverse().write_parquet(tmp_path / "reversed.parquet")
    assert Events.read(tmp_path / "reversed.parquet").frame.equals(frame)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_order_of_rows_gives_the_same_run(seed: int):
    # Known at one instant, in pairs, so that the order of equal times counts too.
    frame = Events.sample().frame.with_columns(pl.col("known_at").dt.truncate("7d").clip(pl.col("published_at")))
    market = Market.sample()
    expected, found = (
        backtest(ShortBubbleWarning(hold=5, threshold=0.1), market, Events(rows))
        for rows in (frame, frame.sample(fraction=1.0, shuffle=True, seed=seed))
    )
    assert expected.trades.height > 5
    for name in ("orders", "trades", "equity", "unplaced"):
        assert getattr(found, name).equals(getattr(expected, name)), name


def test_a_frame_that_was_given_is_not_the_one_that_is_kept():
    frame = Events.sample().frame
    events = Events(frame)
    frame.drop_in_place("kind")
    assert "kind" in events.frame.columns


NO_EVENTS = {
    "a pandas frame": (lambda frame: frame.to_pandas(), "a polars table (got a DataFrame)"),
    "a lazy frame": (lambda frame: frame.lazy(), "a polars table (got a LazyFrame)"),
    "a list": (lambda frame: frame.to_dicts(), "a polars table (got a list)"),
    "nothing": (lambda frame: None, "a polars table (got a NoneType)"),
    "a column less": (lambda frame: frame.drop("stance"), "a table with the column 'stance'"),
    "a column more": (lambda frame: frame.with_columns(weight=1.0), "the columns of their schema alone (got 'weight' too)"),
    "other units of time": (lambda frame: frame.cast({"known_at": pl.Datetime("ns", "UTC")}), "column 'known_at' holds"),
    "no zone": (lambda frame: frame.with_columns(pl.col("known_at").dt.replace_time_zone(None)), "column 'known_at' holds"),
    "days in text": (lambda frame: frame.cast({"happened_on": pl.String}), "column 'happened_on' holds Date (got String)"),
    "assets in text": (lambda frame: frame.with_columns(assets=pl.lit("NVDA")), "column 'assets' holds List(String)"),
    "too strong": (lambda frame: frame.with_columns(strength=2.0), "row 1 (003-america-leads): strength=2.0 must lie in 0..1"),
    "one event twice": (lambda frame: pl.concat([frame, frame]), "stands in an earlier row too"),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_EVENTS)
def test_what_is_no_table_of_events_is_refused_by_the_constructor(case: str):
    spoil, said = NO_EVENTS[case]
    with pytest.raises(Fault) as caught:
        Events(spoil(Events.sample().frame))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
