"""The hash of a table: the same however the table lies in memory, another for anything that differs."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from engine import Events, Market
from engine.fingerprint import fingerprint

TABLE = pl.DataFrame(
    {
        "name": ["a", None, "bé", ""],
        "value": [1.5, float("nan"), None, -0.0],
        "count": [1, 2, None, 4],
        "there": [True, None, False, True],
        "day": [dt.date(2025, 1, 27), None, dt.date(2025, 1, 28), dt.date(2025, 1, 29)],
        "time": [dt.datetime(2025, 1, 27, tzinfo=dt.UTC)] * 4,
        "kind": pl.Series(["x", "y", None, "x"], dtype=pl.Categorical),
        "pair": pl.Series([[1, 2], [3, 4], None, [5, 6]], dtype=pl.Array(pl.Int64, 2)),
        "raw": [b"ab", b"", None, b"c"],
        "assets": [["NVDA", "AMD"], [], None, [None]],
        "figures": [[{"what": "P/E", "value": 30.0}], [], [None], [{"what": None, "value": None}]],
        "empty": [None] * 4,
    }
)


def test_it_does_not_depend_on_how_the_table_lies_in_memory(tmp_path: Path) -> None:
    TABLE.write_parquet(tmp_path / "table.parquet")
    TABLE.write_ipc(tmp_path / "table.arrow")
    others = [
        pl.read_parquet(tmp_path / "table.parquet"),
        pl.read_ipc(tmp_path / "table.arrow"),
        pl.concat([TABLE[:1], TABLE[1:]], rechunk=False),
        pl.concat([TABLE, TABLE])[4:],
    ]
    assert {fingerprint(other) for other in others} == {fingerprint(TABLE)}


@pytest.mark.parametrize("name", TABLE.columns)
def test_it_notices_a_null_a_move_a_name_and_a_type(name: str) -> None:
    column = TABLE[name]
    others = [
        TABLE.with_columns(pl.when(pl.int_range(4) != 0).then(column).alias(name)),
        TABLE.with_columns(column.reverse().alias(name)),
    ]
    if name not in ("time", "empty"):  # whose rows are all alike
        assert len({fingerprint(other) for other in [TABLE, *others]}) == 3
    assert fingerprint(TABLE.rename({name: "other"})) != fingerprint(TABLE)
    assert fingerprint(TABLE.drop(name)) != fingerprint(TABLE)
    assert fingerprint(TABLE.cast({"count": pl.Int32})) != fingerprint(TABLE)


def test_values_do_not_run_into_each_other() -> None:
    tables = [
        pl.DataFrame({"a": ["ab", "c"]}), pl.DataFrame({"a": ["a", "bc"]}), pl.DataFrame({"a": ["abc", ""]}),
        pl.DataFrame({"a": [["ab"], ["c"]]}), pl.DataFrame({"a": [["ab", "c"], []]}), pl.DataFrame({"a": [[], ["ab", "c"]]}),
    ]  # fmt: skip
    assert len({fingerprint(table) for table in tables}) == len(tables)


def test_a_market_and_events_have_the_same_one_when_they_are_read_back(tmp_path: Path) -> None:
    market, events = Market.sample(), Events.sample()
    market.write(tmp_path / "prices.parquet")
    events.frame.write_parquet(tmp_path / "events.parquet")
    assert Market.read(tmp_path / "prices.parquet").fingerprint == market.fingerprint == fingerprint(market.frame)
    assert Events.read(tmp_path / "events.parquet").fingerprint == events.fingerprint == fingerprint(events.frame)
    assert market.select(assets=market.assets[1:]).fingerprint != market.fingerprint
