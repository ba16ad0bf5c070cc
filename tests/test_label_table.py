"""Labels of others: any names of columns, days at their end, everything that is wrong at once."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from engine.cli import main
from engine.events import Events
from engine.faults import Fault, Note

pytestmark = pytest.mark.filterwarnings("ignore::engine.faults.Note")

MAP = {"kind": "label", "assets": "ticker", "published_at": "date"}
ROWS: dict[str, list[Any]] = {
    "label": ["bubble_warning", "denial", "panic_drop"],
    "ticker": ["NVDA;AMD", "META", "SPY | QQQ"],
    "date": ["2025-01-27", "2025-01-28 10:00", "2025-07-01T09:30:00-04:00"],
}
PARIS = {"columns": MAP, "zone": "Europe/Paris"}


def utc(*at: int) -> dt.datetime:
    return dt.datetime(*at, tzinfo=dt.UTC)  # type: ignore[misc]


def refusal(table: Any, **settings: Any) -> str:
    with pytest.raises(Fault) as caught:
        Events.import_table(table, **{**PARIS, **settings})
    said = str(caught.value)
    assert "\n" not in said
    return said


def changed(**columns: list[Any]) -> dict[str, list[Any]]:
    return {**ROWS, **columns}


def written(tmp_path: Path, form: str) -> Any:
    """The same labels in each form that a table can have."""
    frame = pl.DataFrame(ROWS)
    file = tmp_path / f"labels.{form}"
    if form in ("csv", "tsv"):
        frame.write_csv(file, separator="," if form == "csv" else "\t")
    elif form == "parquet":
        frame.write_parquet(file)
    elif form == "arrow":
        frame.write_ipc(file)
    else:
        return {"polars": frame, "pandas": pd.DataFrame(ROWS), "dict": ROWS, "rows": frame.to_dicts()}[form]
    return file


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet", "arrow", "polars", "pandas", "dict", "rows"])
def test_labels_become_events_from_any_form(tmp_path: Path, form: str) -> None:
    frame = Events.import_table(written(tmp_path, form), **PARIS).frame
    # A bare day is over at 24:00 in Paris, 23:00 UTC in winter; 10:00 there is 09:00 UTC; the last row brings its own zone.
    assert frame["known_at"].to_list() == [
        utc(2025, 1, 27, 22, 59, 59, 999999),
        utc(2025, 1, 28, 9),
        utc(2025, 7, 1, 13, 30),
    ]
    assert frame["published_precision"].to_list() == ["day", "instant", "instant"]
    assert frame["assets"].to_list() == [["NVDA", "AMD"], ["META"], ["SPY", "QQQ"]]
    # The bases of lexicon/kinds.toml, and the signs of the issue.
    assert frame["strength"].to_list() == [0.55, 0.45, 0.45]
    assert frame["stance"].to_list() == [-1.0, 1.0, -1.0]
    assert frame["event_id"].to_list() == ["labels#1", "labels#2", "labels#3"]


@pytest.mark.parametrize(
    ("cell", "assets"),
    [
        ("NVDA", ["NVDA"]),
        ("NVDA;AMD", ["NVDA", "AMD"]),
        ("NVDA; AMD", ["NVDA", "AMD"]),
        ("NVDA|AMD", ["NVDA", "AMD"]),
        ("NVDA | AMD |", ["NVDA", "AMD"]),
        ("NVDA, AMD", ["NVDA", "AMD"]),
        ("NVDA AMD", ["NVDA", "AMD"]),
        ("['NVDA', 'AMD']", ["NVDA", "AMD"]),
        ("NVDA;NVDA;AMD", ["NVDA", "AMD"]),
        ("0700.HK;^GSPC", ["0700.HK", "^GSPC"]),
        ("NA", ["NA"]),  # National Bank of Canada
        ("BRK-B", ["BRK-B"]),
    ],
)
def test_several_assets_stand_in_one_cell(cell: str, assets: list[str]) -> None:
    frame = Events.import_table(changed(ticker=[cell] * 3), **PARIS).frame
    assert frame["assets"].to_list() == [assets] * 3


def test_lists_of_assets_stay_lists() -> None:
    frame = Events.import_table(changed(ticker=[["A", "B", "A"], ["C"], ["D"]]), **PARIS).frame
    assert frame["assets"].to_list() == [["A", "B"], ["C"], ["D"]]


@pytest.mark.parametrize(
    "label", ["Bubble Warning", "bubble-warning", "BUBBLE_WARNING", " bubble warning ", "Bubble/Warning"]
)
def test_kinds_are_written_as_tocsin_writes_them(label: str) -> None:
    with pytest.warns(Note, match="kinds are written in lower case with underscores"):
        frame = Events.import_table(changed(label=[label] * 3), **PARIS).frame
    assert frame["kind"].to_list() == ["bubble_warning"] * 3


def test_kinds_of_one_s_own_come_with_sign_and_base() -> None:
    table = changed(label=["downgrade", "upgrade", "denial"])
    frame = Events.import_table(table, **PARIS, kinds={"downgrade": (-1, 0.6), "upgrade": (1, 0.3)}).frame
    assert frame["strength"].to_list() == [0.6, 0.3, 0.45]
    assert frame["stance"].to_list() == [-1.0, 1.0, 1.0]
    # Where each row says both, nothing need be declared.
    told = {**table, "strength": [0.1, 0.2, None], "stance": [-0.5, 0.5, None]}
    frame = Events.import_table(told, **PARIS).frame
    assert frame["strength"].to_list() == [0.1, 0.2, 0.45]
    assert frame["stance"].to_list() == [-0.5, 0.5, 1.0]


@pytest.mark.parametrize(
    ("day", "zone", "known"),
    [
        ("2025-01-27", "Europe/Paris", utc(2025, 1, 27, 22, 59, 59, 999999)),
        ("2025-07-01", "Europe/Paris", utc(2025, 7, 1, 21, 59, 59, 999999)),
        ("2025-01-27", "America/New_York", utc(2025, 1, 28, 4, 59, 59, 999999)),
        ("2025-01-27", "Asia/Shanghai", utc(2025, 1, 27, 15, 59, 59, 999999)),
        ("2025-01-27", "UTC", utc(2025, 1, 27, 23, 59, 59, 999999)),
        ("20250127", "Europe/Paris", utc(2025, 1, 27, 22, 59, 59, 999999)),
        ("27/01/2025", "Europe/Paris", utc(2025, 1, 27, 22, 59, 59, 999999)),
        ("27 janvier 2025", "Europe/Paris", utc(2025, 1, 27, 22, 59, 59, 999999)),
        ("2025年1月27日", "Asia/Shanghai", utc(2025, 1, 27, 15, 59, 59, 999999)),
        ("Jan 27, 2025", "America/New_York", utc(2025, 1, 28, 4, 59, 59, 999999)),
        (dt.date(2025, 1, 27), "Europe/Paris", utc(2025, 1, 27, 22, 59, 59, 999999)),
        # midnight throughout is how pandas keeps days
        (dt.datetime(2025, 1, 27), "Europe/Paris", utc(2025, 1, 27, 22, 59, 59, 999999)),
    ],
)
def test_a_bare_day_counts_at_its_end_in_the_zone(day: Any, zone: str, known: dt.datetime) -> None:
    table = {"label": ["denial"], "ticker": ["NVDA"], "date": [day]}
    frame = Events.import_table(table, columns=MAP, zone=zone).frame
    assert frame["known_at"].to_list() == [known]
    assert frame["published_precision"].to_list() == ["day"]


def test_all_that_is_wrong_is_said_at_once_with_counts_and_first_rows(tmp_path: Path) -> None:
    lines = [
        "label,ticker,date,strength,stance,event_id",
        "denial,NVDA,2025-01-27,0.5,1,a",
        "denail,NVDA,2025-01-27,0.5,1,b",
        "layoffs,NVDA,2025-01-27,,,c",
        "layoffs,NVDA,2025-01-27,,,d",
        ",NVDA,2025-01-27,0.5,1,e",
        "denial,,2025-01-27,0.5,1,f",
        "denial,NVDA,soon,0.5,1,g",
        "denial,NVDA,,0.5,1,h",
        "denial,NVDA,2025-01-27,80,1,i",
        "denial,NVDA,2025-01-27,strong,1,j",
        "denial,NVDA,2025-01-27,0.5,2,k",
        "denial,NVDA,2025-01-27,0.5,1,a",
    ]
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    said = refusal(tmp_path / "labels.csv")
    assert "must hold events (11 of 12 rows do not): " in said
    for part in (
        "kind must be a known kind (did you mean 'denial'?)",
        "(line 3: got 'denail')",
        "--kind layoffs=-1*0.5 (2 rows, the first line 4: got 'layoffs')",
        "kind must not be empty; give a value (line 6: got nothing)",
        "assets must not be empty; give a value (line 7: got nothing)",
        "published_at must be a time or a day, such as 2025-01-28T05:32+08:00 (line 8: got 'soon')",
        "published_at must not be empty; give a value (line 9: got nothing)",
        "strength must lie in 0..1; write 80 of 100 as 80% (line 10: got '80')",
        "strength must be a number (line 11: got 'strong')",
        "stance must lie in -1 (bearish)..+1 (bullish) (line 12: got '2')",
        "event_id stands in an earlier row too; give each its own (line 13: got 'a')",
    ):
        assert part in said, part
    assert said.count("; correct them.") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"date": ["2025-01-27"] * 3, "zone": None}, "published_at must have a zone, or the table one"),
        ({"date": ["2025-01-27", "x", "y"]}, "(2 rows, the first row 2: got 'x')"),
        ({"label": [None] * 3}, "kind must not be empty; give a value (3 rows, the first row 1: got nothing)"),
        ({"label": ["降级"] * 3}, "must be a known kind"),
        ({"label": [1, 2, 3]}, "must be a known kind"),
        ({"ticker": [" ", ";", "NVDA"]}, "must name at least one asset"),
        ({"confidence": [0.5, 1.5, 2.5]}, "confidence must lie in 0..1; write 80 of 100 as 80% (2 rows, the first row 2: got 1.5)"),
        ({"confidence": ["high", "0.5", ""]}, "confidence must be a number (row 1: got 'high')"),
        ({"known_at": ["2025-01-01T00:00Z"] * 3}, "known_at lies before published_at (3 rows, the first row 1"),
        ({"ticker": [{"a": 1}] * 3}, "assets must be a text or a list of texts (3 rows, the first row 1"),
        ({"ticker": [[["A"]]] * 3}, "assets must be a text or a list of texts"),
        ({"label": [["denial"]] * 3}, "kind must be a text (3 rows"),
        ({"evidence": [["x"]] * 3}, "evidence must be a text (3 rows"),
        ({"updated_at": ["soon", None, None]}, "updated_at must be a time or a day"),
        ({"hindsight": ["perhaps", "yes", "no"]}, "hindsight must be true or false (row 1: got 'perhaps')"),
        ({"happened_on": ["then", "2025-01-01", None]}, "happened_on must be a day, such as 2025-01-28 (row 1: got 'then')"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    settings = {"zone": change.pop("zone")} if "zone" in change else {}
    assert said in refusal(changed(**change), **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"columns": {"kinds": "label"}}, "got 'kinds') (did you mean 'kind'?)"),
        ({"columns": {**MAP, "kind": "lable"}}, "the column 'lable' that is given for kind (did you mean 'label'?)"),
        ({"columns": {"kind": "label"}, "zone": "Europe/Paris"}, "must say published_at of each event"),
        ({"columns": None}, "must say kind and published_at of each event"),
        ({"columns": ["label"]}, "columns must be a dict"),
        ({"zone": "Europe/Pari"}, "zone"),
        ({"kinds": {"x": 1}}, "kinds: x must have a sign"),
        ({"delay": "soon"}, "delay"),
        ({"dates": "dym"}, "dates must be"),
    ],
)
def test_a_setting_that_is_wrong_is_refused(settings: dict[str, Any], said: str) -> None:
    assert said in refusal(ROWS, **settings)


def test_no_rows_no_table_and_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "must have rows (got none)" in refusal({name: [] for name in ROWS})
    assert "does not exist" in refusal(tmp_path / "none.csv")
    (tmp_path / "two.csv").write_text("label,label,ticker,date\na,b,c,2025-01-01\n")
    assert "has two columns 'label'" in refusal(tmp_path / "two.csv")


def test_usual_names_are_found_and_the_rest_is_told() -> None:
    table = {
        "Kind": ["denial"],
        "Symbol": ["NVDA"],
        "published": ["2025-01-27T12:00Z"],
        "Confidence": ["80%"],
        "Note": ["x"],
    }
    with pytest.warns(Note, match=r"labels: 1 column left out: 'Note'"):
        frame = Events.import_table(table).frame
    assert frame["confidence"].to_list() == [0.8]
    assert frame["known_at"].to_list() == [utc(2025, 1, 27, 12)]


# -------------------------------------------------------------------------------------------- the command line


def run(*arguments: object) -> int:
    return main(["events", "import", *map(str, arguments)])


def test_the_command_writes_a_table_of_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = {**ROWS, "label": ["downgrade", "denial", "Panic drop"]}
    pl.DataFrame(table).write_csv(tmp_path / "labels.csv")
    out = tmp_path / "events.parquet"
    mapped = "kind=label,assets=ticker,published_at=date"
    given = (
        tmp_path / "labels.csv",
        "--map",
        mapped,
        "--zone",
        "Europe/Paris",
        "--kind",
        "downgrade=-1*0.6",
        "--out",
        out,
    )
    assert run(*given, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["events"] == 3
    assert told["kinds"] == {"denial": 1, "downgrade": 1, "panic_drop": 1}
    wanted = Events.import_table(tmp_path / "labels.csv", **PARIS, kinds={"downgrade": (-1, 0.6)})
    assert Events.read(out).frame.equals(wanted.frame)
    assert run(*given) == 0  # over its own file


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--map", "kind"], "--map must be a name, = and a column (got 'kind'); write it like kind=label."),
        (["--map", "kind=label", "--map", "kind=x"], "--map must name kind once"),
        (["--kind", "downgrade"], "--kind must be a name, a sign and a base strength (got 'downgrade')"),
        (["--kind", "downgrade=bad"], "--kind must be a name, a sign and a base strength (got 'downgrade=bad')"),
        (["--kind", "downgrade=-1*2"], "kinds: downgrade must have a sign"),
        (["--kind", "downgrade=-2*0.5"], "--kind must be a name, a sign and a base strength"),
        (["--kind", "Down=-1*0.5"], "must name kinds in lower case"),
        (["--zone", "Paris/Europe"], "zone"),
        (["--dates", "xyz"], "--dates"),
    ],
)
def test_the_command_refuses_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    pl.DataFrame(ROWS).write_csv(tmp_path / "labels.csv")
    assert run(tmp_path / "labels.csv", *options, "--out", tmp_path / "events.parquet") == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "events.parquet").exists()


@pytest.mark.parametrize("sign", ["-1", "-"])
def test_a_sign_may_be_written_shortly(tmp_path: Path, sign: str) -> None:
    pl.DataFrame(changed(label=["downgrade"] * 3)).write_csv(tmp_path / "labels.csv")
    mapped = ["--map", "kind=label", "--map", "assets=ticker, published_at=date"]
    given = (*mapped, "--zone", "Europe/Paris", "--kind", f"downgrade={sign}*0.6", "--out", tmp_path / "events.parquet")
    assert run(tmp_path / "labels.csv", *given) == 0
    assert Events.read(tmp_path / "events.parquet").frame["stance"].to_list() == [-1.0] * 3


def test_what_pandas_has_no_number_for_is_missing() -> None:
    frame = Events.import_table(pd.DataFrame(changed(strength=[float("nan"), 0.5, 0.5])), **PARIS).frame
    assert frame["strength"].to_list() == [0.55, 0.5, 0.5]


def test_a_row_was_out_only_when_it_was_last_changed() -> None:
    with pytest.warns(
        Note, match="column 'updated_at' says when a row was changed; of it and published_at the later counts"
    ):
        frame = Events.import_table(changed(updated_at=["2025-02-01", "2025-01-01", None]), **PARIS).frame
    assert frame["published_at"].to_list() == [
        utc(2025, 1, 28, 9),
        utc(2025, 2, 1, 22, 59, 59, 999999),
        utc(2025, 7, 1, 13, 30),
    ]


def test_a_row_without_a_kind_is_told_once() -> None:
    said = refusal(changed(label=[None, "denial", "denial"]))
    assert said.count("must not be empty") == 1
