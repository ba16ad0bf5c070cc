"""Markets: columns, selections, and a file that gives back what was written."""

import datetime as dt
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendars import calendar
from engine.faults import Failure, Fault
from engine.market import SCHEMA, Market

DAYS = calendar("XNYS").between("2025-11-24", "2025-12-31")


def bars(asset: str, days: list[int], price: float = 10.0) -> pl.DataFrame:
    """Bars of an asset on some of DAYS; the open of DAYS[i] is price + i."""
    return pl.DataFrame(
        {
            "asset": asset,
            "date": DAYS[days],
            "open": [price + i for i in days],
            "close": [price + i + 0.5 for i in days],
        }
    ).with_columns(high=pl.col("close") + 1, low=pl.col("open") - 1, volume=pl.lit(5.0))


def two_assets() -> Market:
    """A trades from the first day, halts on the third, and B lists on the second."""
    return Market.from_frame(pl.concat([bars("B", [1, 2, 3, 4], 20.0), bars("A", [0, 1, 3, 4])]))


def same(one: Market, other: Market) -> None:
    assert one.frame.equals(other.frame)
    assert one.frame.schema == other.frame.schema
    assert one.assets == other.assets
    for name in ("opens", "sessions", "days"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert mine.dtype == theirs.dtype
        assert mine.tolist() == theirs.tolist()
    assert one.findings.equals(other.findings)
    assert one.metadata == other.metadata


def test_bars_sessions_and_days() -> None:
    market = two_assets()
    assert market.frame.schema == SCHEMA
    assert market.assets == ("A", "B")
    assert (market.calendar, market.interval) == ("XNYS", "1d")
    # Mon 24th, Tue, Wed, then Fri 28th after Thanksgiving, then Mon 1st; 9:30 in New York is 14:30 UTC.
    assert market.sessions.astype(str).tolist() == [
        "2025-11-24",
        "2025-11-25",
        "2025-11-26",
        "2025-11-28",
        "2025-12-01",
    ]
    assert market.days.tolist() == [0, 1, 1, 2, 3]
    assert market.opens.astype("M8[us]")[3] == np.datetime64("2025-11-28T14:30")


@pytest.mark.parametrize("dtype", ["float32", np.float64])
def test_columns_hold_no_bar_as_nan(dtype: str | type) -> None:
    columns = two_assets().columns(dtype)
    nan = np.nan
    np.testing.assert_array_equal(columns.open, [[10, 11, nan, 13, 14], [nan, 21, 22, 23, 24]])
    np.testing.assert_array_equal(columns.close, [[10.5, 11.5, nan, 13.5, 14.5], [nan, 21.5, 22.5, 23.5, 24.5]])
    np.testing.assert_array_equal(columns.dividend, np.zeros((2, 5)))
    assert np.isnan(columns.split).all()  # nothing said whether there were splits
    for array in (columns.open, columns.high, columns.low, columns.close, columns.dividend, columns.split):
        assert array.flags.c_contiguous
        assert array.dtype == np.dtype(dtype)


def with_split() -> Market:
    """A pays 0.25 on the second day, and splits 4 for 1 on the fourth and 2 for 1 on the fifth; prices are adjusted."""
    frame = bars("A", [0, 1, 2, 3, 4]).with_columns(
        dividend=pl.Series([0.0, 0.25, 0.0, 0.0, 0.0]), split=pl.Series([1.0, 1.0, 1.0, 4.0, 2.0])
    )
    return Market.from_frame(pl.concat([frame, bars("B", [0, 1, 2, 3, 4])], how="diagonal"))


def test_columns_multiply_the_splits_to_come() -> None:
    columns = with_split().columns()
    assert columns.split[0].tolist() == [8, 8, 8, 2, 1]
    assert np.isnan(columns.split[1]).all()
    assert columns.dividend.tolist() == [[0, 0.25, 0, 0, 0], [0] * 5]


def test_a_selection_keeps_the_splits_it_cuts_off() -> None:
    market = with_split().select(end="2025-11-28").select(["A"], end=dt.date(2025, 11, 26))
    assert len(market.opens) == 3
    assert market.columns().split.tolist() == [[8, 8, 8]]
    assert market.columns().open.tolist() == [[10, 11, 12]]


def test_a_selection_begins_and_ends_with_its_bars() -> None:
    market = two_assets().select("B")
    assert market.sessions[0] == np.datetime64("2025-11-25")
    assert two_assets().select(start="2025-11-26", end="2025-11-28").columns().open.tolist()[1] == [22, 23]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"assets": ["NVDX"]}, "assets='NVDX' is not in the market"),
        ({"start": "2030-01-01"}, "^start=2030-01-01 leaves no bar, allowed is a part of 2025-11-24 to 2025-12-01"),
        ({"start": "2030-01-01", "end": "2031-01-01"}, "^start=2030-01-01, end=2031-01-01 leave no bar"),
        ({"end": "soon"}, "end='soon' is not a date"),
    ],
)
def test_selections_that_cannot_be(chosen: dict[str, object], said: str) -> None:
    with pytest.raises(Fault, match=said):
        two_assets().select(**chosen)  # type: ignore[arg-type]


def test_precisions_that_are_none() -> None:
    with pytest.raises(Fault, match="give 'float32' or 'float64'"):
        two_assets().columns("int8")


@settings(max_examples=25)
@given(
    present=st.lists(st.lists(st.booleans(), min_size=8, max_size=8).filter(any), min_size=1, max_size=3),
    split=st.sampled_from([None, 1.0, 2.0, 0.1]),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, present: list[list[bool]], split: float | None
) -> None:
    days = [[i for i, there in enumerate(row) if there] for row in present]
    parts = [bars(f"A{k}", row, 10 + k) for k, row in enumerate(days)]
    frame = pl.concat(parts).with_columns(split=pl.lit(split, pl.Float64), volume=pl.lit(None, pl.Float64))
    market = Market.from_frame(frame, interval="1d", accept=["unadjusted_split"])
    path = tmp_path_factory.mktemp("market") / "prices.parquet"
    market.write(path)
    same(Market.read(path), market)
    assert [file.name for file in path.parent.iterdir()] == ["prices.parquet"]


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    two_assets().labelled("SIMULATED").write(tmp_path / "prices.parquet")
    kept = pl.read_parquet_metadata(tmp_path / "prices.parquet")
    assert (kept["calendar"], kept["timezone"], kept["interval"]) == ("XNYS", "America/New_York", "1d")
    assert kept["label"] == "SIMULATED"
    assert "split-adjusted" in kept["adjustment"]
    frame = pl.read_parquet(tmp_path / "prices.parquet")
    assert frame.equals(frame.sort("asset", "time"))


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        two_assets().write(tmp_path / name)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prices.parquet"
    two_assets().write(path)
    before = path.read_bytes()

    def full_disk(self: pl.DataFrame, file: Path, **options: object) -> None:
        Path(file).write_bytes(b"PAR1 and a bit")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full_disk)
    with pytest.raises(Failure, match=r"is full: prices\.parquet could not be written"):
        with_split().write(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["prices.parquet"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "no" / "x.parquet", "cannot be written"), (tmp_path, "is a folder")):
        with pytest.raises(Fault, match=says):
            two_assets().write(path)


def test_a_file_that_was_changed_is_checked_anew(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    two_assets().write(path)
    rows = pq.read_table(path)  # with our metadata
    pq.write_table(rows.slice(1), path)
    assert Market.read(path).sessions[0] == np.datetime64("2025-11-25")
    broken = rows.set_column(rows.column_names.index("high"), "high", [[0.5] * rows.num_rows])
    pq.write_table(broken, path)
    with pytest.raises(Fault, match="lies below its low"):
        Market.read(path)


def test_a_file_that_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    two_assets().write(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Fault, match="cannot be read as Parquet"):
        Market.read(path)


def test_options_have_to_fit_a_stored_market(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    two_assets().write(path)
    assert Market.read(path, calendar="XNYS", interval="1d").calendar == "XNYS"
    with pytest.raises(Fault, match=r"calendar='24/7' does not fit .*, whose calendar is 'XNYS'"):
        Market.read(path, calendar="24/7")


def test_a_stored_market_needs_neither_pandas_nor_the_calendar(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    two_assets().write(path)
    script = (
        "import json, sys\nfrom engine.market import Market\n"
        f"Market.read({str(path)!r}).columns('float32')\n"
        "print(json.dumps(sorted({'pandas', 'exchange_calendars'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_a_market_does_not_change() -> None:
    market = two_assets()
    with pytest.raises(AttributeError):
        market.assets = ()  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        market.opens[0] = 0
    market.columns().close[:] = 0  # the caller's own copy
    assert market.columns().close[0, 0] == 10.5
    same(pickle.loads(pickle.dumps(market)), market)


def test_importing_its_own_frame_gives_the_same_prices() -> None:
    market = with_split()
    assert Market.from_frame(market.frame).frame.equals(market.frame)


def test_the_sample_is_labelled_as_simulated(tmp_path: Path) -> None:
    market = Market.sample()
    assert market.metadata["label"] == "SIMULATED"
    assert "SIMULATED" in repr(market)
    assert len(market.assets) >= 24
    # NVIDIA and Broadcom split ten for one in 2024: a price of before counted a tenth of today's shares.
    first = dict(zip(market.assets, market.columns().split[:, 0], strict=True))
    assert {asset: split for asset, split in first.items() if split != 1} == {"AVGO": 10, "NVDA": 10}
    market.write(tmp_path / "prices.parquet")
    same(Market.read(tmp_path / "prices.parquet"), market)
