"""What is wrong with a price table is found, named with file, row and value, and stops the import or is listed."""

import re
from pathlib import Path

import polars as pl
import pytest

from engine.calendars import calendar
from engine.faults import Fault
from engine.market import Market
from engine.prices import import_prices

HEADER = ("Date", "Open", "High", "Low", "Close", "Volume")
DAYS = calendar("XNYS").between("2025-01-02", "2025-03-31").astype(str).tolist()
Row = list[str | float]


def rising(count: int = 10) -> list[Row]:
    """Bars without any fault; the bar of DAYS[i] stands in line i + 2 of a file."""
    return [[DAYS[i], 10 + i / 10, 10.5 + i / 10, 9.5 + i / 10, 10.2 + i / 10, 1000 + i] for i in range(count)]


def changed(line: int, **cells: str | float) -> list[Row]:
    rows = rising()
    for name, value in cells.items():
        rows[line - 2][HEADER.index(name)] = value
    return rows


def written(folder: Path, rows: list[Row], header: tuple[str, ...] = HEADER, name: str = "ABC.csv") -> Path:
    file = folder / name
    file.write_text("\n".join(",".join(map(str, row)) for row in [list(header), *rows]) + "\n")
    return file


def fault_of(file: Path, **options: object) -> str:
    with pytest.raises(Fault) as caught:
        import_prices(file, **options)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def found(market: Market, check: str) -> dict[str, object]:
    return market.findings.filter(check=check).row(0, named=True)


@pytest.mark.parametrize(
    ("check", "line", "cells", "named"),
    [
        ("high_below_low", 5, {"High": 9, "Low": 11}, ("9", "11")),
        ("nonpositive_price", 6, {"Low": 0}, ("0.0",)),
        ("nonpositive_price", 6, {"Close": -3.5}, ("-3.5",)),
        ("future_time", 11, {"Date": "2199-01-04"}, ("2199-01-04",)),
        ("unparsable_number", 4, {"Open": "ten"}, ("open", "ten")),
        ("unparsable_number", 4, {"Close": "inf"}, ("close", "inf")),
        ("unparsable_time", 7, {"Date": "2025-02-30"}, ("2025-02-30",)),
        ("unparsable_time", 7, {"Date": "Monday"}, ("Monday",)),
    ],
)
def test_a_bad_row_stops_the_import_unless_accepted(
    tmp_path: Path, check: str, line: int, cells: dict[str, str | float], named: tuple[str, ...]
) -> None:
    file = written(tmp_path, changed(line, **cells))
    sentence = fault_of(file)
    assert sentence.startswith(f"{file}, line {line}: ")
    assert all(value in sentence for value in named)
    assert f"accept '{check}'" in sentence

    market = import_prices(file, accept=[check])
    assert market.frame.height == 9  # the row is no bar
    finding = found(market, check)
    assert (finding["severity"], finding["source"], finding["row"]) == ("warning", str(file), line)


def test_one_sentence_counts_the_other_faults(tmp_path: Path) -> None:
    rows = changed(5, High=1)
    rows[7][4] = -1
    rows[8][4] = -1
    assert fault_of(written(tmp_path, rows)).endswith("(and 2 more fatal findings).")


def test_equal_rows_are_dropped_and_conflicting_ones_refused(tmp_path: Path) -> None:
    again = written(tmp_path, [*rising(), rising()[3]], name="again.csv")
    market = import_prices(again)
    assert market.frame.height == 10
    assert found(market, "duplicate")["row"] == 12
    other = rising()[3]
    other[4] = 10.35
    conflict = written(tmp_path, [*rising(), other], name="conflict.csv")
    assert "line 12" in fault_of(conflict)
    kept = import_prices(conflict, accept=["conflicting_duplicate"])
    assert kept.frame["close"][3] == 10.35


def test_unsorted_rows_are_sorted_and_noted(tmp_path: Path) -> None:
    plain = import_prices(written(tmp_path, rising()))
    market = import_prices(written(tmp_path, rising()[::-1]))  # newest first, as some vendors write
    assert market.frame.equals(plain.frame)
    assert found(market, "unsorted")["row"] == 3


def test_zoneless_intraday_times_are_refused(tmp_path: Path) -> None:
    rows: list[Row] = [[f"2025-01-02 09:{30 + 5 * i}:00", 1, 2, 1, 1.5, 5] for i in range(5)]
    file = written(tmp_path, rows)
    assert "line 2: 2025-01-02 09:30:00 has no time zone" in fault_of(file)
    market = import_prices(file, timezone="America/New_York")
    assert market.frame["time"][0].isoformat() == "2025-01-02T14:30:00+00:00"  # five hours behind UTC in winter
    assert "(got 'America/NewYork'); correct it (did you mean 'America/New_York'?)" in fault_of(
        file, timezone="America/NewYork"
    )


def test_times_that_mark_the_end_of_bars_are_refused(tmp_path: Path) -> None:
    # 9:35 to 16:00 in New York: the close has a bar and the open has none.
    rows: list[Row] = [
        [f"2025-01-02T{14 + (35 + 5 * i) // 60}:{(35 + 5 * i) % 60:02}:00Z", 1, 2, 1, 1.5, 5] for i in range(78)
    ]
    assert "take one interval off" in fault_of(written(tmp_path, rows))


def test_a_time_between_two_bars_is_refused(tmp_path: Path) -> None:
    rows: list[Row] = [[f"2025-01-02T14:{30 + 5 * i + (i == 3)}:00Z", 1, 2, 1, 1.5, 5] for i in range(6)]
    assert "line 5: 2025-01-02 14:46:00 UTC begins no 5m bar" in fault_of(written(tmp_path, rows))


def split_by(ratio: float, volume_grows: bool = True) -> list[Row]:
    """Prices about 100 that are divided by `ratio` from line 9 on, as quoted."""
    rows: list[Row] = []
    for i in range(12):
        k = ratio if i >= 7 else 1
        volume = 1000 * k if volume_grows else 1000
        rows.append([DAYS[i], (100 + i) / k, (101 + i) / k, (99 + i) / k, (100.5 + i) / k, volume])
    return rows


@pytest.mark.parametrize("ratio", [1.5, 2, 3, 4, 5, 7, 8, 10, 15, 20, 50, 0.5, 0.25, 0.1, 0.04])
@pytest.mark.parametrize("volume_grows", [True, False])
def test_unadjusted_splits_are_refused(tmp_path: Path, ratio: float, volume_grows: bool) -> None:
    file = written(tmp_path, split_by(ratio, volume_grows))
    sentence = fault_of(file)
    assert "line 9" in sentence
    assert f"{ratio:g} for 1" in sentence if ratio > 1 else f"1 for {1 / ratio:g}" in sentence
    assert import_prices(file, accept=["unadjusted_split"]).frame.height == 12


@pytest.mark.parametrize("ratio", [2, 10, 0.1])
def test_declared_splits_are_adjusted_for(tmp_path: Path, ratio: float) -> None:
    rows = [[*row, ratio if i == 7 else 0] for i, row in enumerate(split_by(ratio))]  # Yahoo's 0: no split
    market = import_prices(written(tmp_path, rows, (*HEADER, "Stock Splits")))
    # Opens were 100, 101, .. before the split; adjusted they are all that, divided by the ratio.
    assert market.frame["open"].to_list() == pytest.approx([(100 + i) / ratio for i in range(12)], rel=1e-15)
    assert market.frame["volume"].to_list() == pytest.approx([1000 * ratio] * 12)
    assert market.columns().split[0].tolist() == [ratio] * 7 + [1] * 5


def test_splits_that_prices_are_adjusted_for_already_change_nothing(tmp_path: Path) -> None:
    rows: list[Row] = [[*row, 10 if i == 7 else 0] for i, row in enumerate(rising(12))]
    market = import_prices(written(tmp_path, rows, (*HEADER, "Stock Splits")))
    assert market.frame["open"].to_list() == [row[1] for row in rows]
    assert market.columns().split[0].tolist() == [10] * 7 + [1] * 5
    assert "had been adjusted" in str(found(market, "split")["message"])


def test_a_crash_is_not_a_split(tmp_path: Path) -> None:
    # Apple on 2000-09-29 opened at 0.527 of the close before, at ten times the usual trade; here 0.50 and eight times.
    rows = split_by(2)
    rows[7][5] = 16_000
    assert import_prices(written(tmp_path, rows)).frame.height == 12
    # Without volumes only a jump closer to the ratio counts: 0.527 is 5 % off.
    bare = [row[:5] for row in split_by(2 / (2 * 0.527))]
    assert import_prices(written(tmp_path, bare, HEADER[:5], "bare.csv")).frame.height == 12


def test_open_outside_the_bar_widens_it_or_leaves_it_out(tmp_path: Path) -> None:
    # Low 9.8: an open of 9.75 lies 0.5 % below, one of 9.5 3 %.
    slight = import_prices(written(tmp_path, changed(5, Open=9.75)))
    assert slight.frame["low"][3] == 9.75
    assert found(slight, "outside_range")["row"] == 5
    far = import_prices(written(tmp_path, changed(5, Open=9.5)))
    assert far.frame.height == 9
    assert "the row is no bar" in str(found(far, "outside_range")["message"])


def test_columns_that_are_mixed_up_are_refused(tmp_path: Path) -> None:
    header = ("Date", "Open", "High", "Close", "Low", "Volume")
    assert "the columns may be mixed up" in fault_of(written(tmp_path, rising(), header))


def test_gaps_against_the_calendar_are_listed(tmp_path: Path) -> None:
    market = import_prices(written(tmp_path, rising()[:3] + rising()[6:]))
    assert market.frame.height == 7
    assert len(market.opens) == 10  # a hole is a bar where nobody trades
    gap = found(market, "gap")
    assert (gap["severity"], gap["row"], gap["value"], gap["asset"]) == ("warning", 5, "3", "ABC")


def test_days_without_a_session_are_left_out_but_not_many(tmp_path: Path) -> None:
    market = import_prices(written(tmp_path, [*rising(), ["2025-01-09", 11, 12, 10, 11, 0]]))  # mourning day
    assert market.frame.height == 10
    assert found(market, "off_session")["row"] == 12
    weekend: list[Row] = [[f"2025-01-{day:02}", 10, 11, 9, 10, 5] for day in range(2, 30)]
    assert "name the calendar" in fault_of(written(tmp_path, weekend), calendar="XNYS")
    assert import_prices(written(tmp_path, weekend)).calendar == "24/7"


def test_rows_without_a_price_are_no_bars(tmp_path: Path) -> None:
    market = import_prices(written(tmp_path, changed(5, Open="", High="null", Low="NaN", Close="-")))
    assert market.frame.height == 9
    assert found(market, "no_price")["row"] == 5


def test_volumes_of_zero_are_listed_and_negative_ones_unknown(tmp_path: Path) -> None:
    rows = changed(5, Volume=0)
    rows[6][5] = -1
    market = import_prices(written(tmp_path, rows))
    assert (found(market, "zero_volume")["row"], found(market, "negative_volume")["row"]) == (5, 8)
    assert market.frame["volume"].to_list()[3:7] == [0, 1004, 1005, None]


def test_empty_columns(tmp_path: Path) -> None:
    rows = [[*row[:4], "", row[5]] for row in rising()]
    assert "column close is wholly empty" in fault_of(written(tmp_path, rows))
    market = import_prices(written(tmp_path, [[*row[:5], ""] for row in rising()]))
    assert found(market, "empty_column")["value"] == "volume"
    assert market.frame["volume"].null_count() == 10


def test_mixed_frequencies_are_refused(tmp_path: Path) -> None:
    five: list[Row] = [[f"2025-01-02 09:{30 + 5 * i}:00-05:00", 1, 2, 1, 1.5, 5] for i in range(6)]
    written(tmp_path, five, name="B.csv")
    written(tmp_path, rising())
    assert "ABC" in fault_of(tmp_path)
    assert "one frequency at a time" in fault_of(tmp_path)
    one_file = written(tmp_path, [*rising(), *five[:1]], name="C.csv")
    assert "one frequency at a time" in fault_of(one_file)
    weekly: list[Row] = [[DAYS[5 * i], 1, 2, 1, 1.5, 5] for i in range(10)]
    assert "stand further apart than 1d" in fault_of(written(tmp_path, weekly, name="D.csv"))
    minutes: list[Row] = [[f"2025-01-02T15:{i:02}:00Z", 1, 2, 1, 1.5, 5] for i in range(20)]
    minutes += [[f"2025-01-02T16:{5 * i:02}:00Z", 1, 2, 1, 1.5, 5] for i in range(12)]
    assert "stand further apart than 1m" in fault_of(written(tmp_path, minutes, name="E.csv"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"Date,Open,High,Low,Close\n", "has no rows"),
        (b"Date,Open,High,Low\n2025-01-02,1,2,1\n", "no column for close"),
        (b"Open,High,Low,Close\n1,2,1,1\n", "no column for date or time"),
        (b"Date,Open,High,Low,Close,Close\n2025-01-02,1,2,1,1,1\n", "two columns 'Close'"),
        (b"Date,Open,High,Low,Close,CLOSE\n2025-01-02,1,2,1,1,1\n", "'Close' and 'CLOSE' mean the same"),
        (b"Date,Open,High,Low,Close\n2025-01-02,1,2,1,1,7\n", "cannot be read as CSV"),
        ("Date,Open\n2025-01-02,1\n".encode("utf-16"), "no column for high, low, close"),  # UTF-16 is read
        ("Date,Open\n2025-01-02,1\n".encode("utf-32"), "UTF-32"),
        (b"\x00\x01\x02\xff" * 99, "bytes that are no text"),
        (b"Date,Open,High,Low,Close\n01/02/2025,1,2,1,1\n01/03/2025,1,2,1,1\n", "month first or day first"),
        (b"Symbol,Date,Open,High,Low,Close\n,2025-01-02,1,2,1,1\n", "no symbol"),
        (b"Date,Open,High,Low,Close,Dividends\n2025-01-02,1,2,1,1,-1\n", "dividend of -1"),
        (b"Date,Open,High,Low,Close,Splits\n2025-01-02,1,2,1,1,-2\n", "split of -2"),
        (b"Date,Open,High,Low,Close\n1800-01-02,1,2,1,1\n", "No row falls within a session of XNYS"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "ABC.csv"
    file.write_bytes(content)
    sentence = fault_of(file)
    assert re.search(said, sentence)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calendar": "XNYX"}, "did you mean 'XNYS'"),
        ({"interval": "7m"}, "is not a bar length"),
        ({"hours": "al"}, "'regular' or 'all'"),
        ({"accept": ["unadjusted_splits"]}, "did you mean 'unadjusted_split'"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, object], said: str) -> None:
    assert said in fault_of(written(tmp_path, rising()), **options)


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    assert "does not exist" in fault_of(tmp_path / "nothing.csv")
    assert "holds no price file" in fault_of(tmp_path)
    (tmp_path / "x.parquet").write_text("not a table")
    assert "cannot be read as Parquet" in fault_of(tmp_path / "x.parquet")


def test_many_findings_of_one_kind_are_counted(tmp_path: Path) -> None:
    rows = [[day, 10, 10.5, 9.5, 10.2, 5] for day in DAYS[:60]]
    rows += rows[:55]
    listed = import_prices(written(tmp_path, rows)).findings.filter(check="duplicate")
    assert listed.height == 50 + 1
    assert "5 more rows" in listed["message"][-1]


def test_dividends_and_splits_of_a_row_that_is_no_bar_count_at_the_next(tmp_path: Path) -> None:
    frame = pl.DataFrame(rising(6), schema=list(HEADER), orient="row").with_columns(
        pl.Series("Dividends", [0.0, 0.1, 0.2, 0.0, 0.0, 0.0]),
        pl.Series("Open", [10.0, 10.1, None, 10.3, 10.4, 10.5]),  # the bar of the second dividend is missing
    )
    market = Market.from_frame(frame, asset="ABC")
    assert market.frame["dividend"].to_list() == [0, 0.1, 0.2, 0, 0]
    assert market.columns().dividend[0].tolist() == [0, 0.1, 0, 0.2, 0, 0]


def test_tables_of_one_row(tmp_path: Path) -> None:
    market = import_prices(written(tmp_path, [[*rising()[0], 10]], (*HEADER, "Adj Close")))
    assert (len(market.opens), market.days.tolist()) == (1, [0.0])
    early: list[Row] = [["2025-01-02T12:00:00Z", 10, 11, 9, 10, 5]]  # before the open, and nothing else
    file = written(tmp_path, early)
    assert "No row falls within" in fault_of(file, interval="5m")
    assert len(import_prices(file, interval="5m", hours="all").opens) == 1
