"""Sessions and opens; expected instants are New York's hours (9:30 to 16:00, or 13:00), turned to UTC by hand."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars import calendar, interval_length, interval_name
from engine.faults import Fault

XNYS = calendar("XNYS")


def us(text: str) -> int:
    return int(np.datetime64(text, "us").astype(np.int64))


def test_open_moves_with_daylight_saving() -> None:
    # New York went to summer time on 2025-03-09: 9:30 is 14:30 UTC before and 13:30 UTC after.
    opens = XNYS.opens_of(XNYS.between("2025-03-07", "2025-03-10"))
    assert opens.tolist() == [us("2025-03-07T14:30"), us("2025-03-10T13:30")]


def test_holidays_and_half_days() -> None:
    # NYSE: Thanksgiving 2025-11-27 closed, 2025-11-28 open to 13:00; Carter's mourning day 2025-01-09 closed.
    assert XNYS.between("2025-11-26", "2025-12-01").astype(str).tolist() == ["2025-11-26", "2025-11-28", "2025-12-01"]
    assert XNYS.closes_of(np.array(["2025-11-28"], "datetime64[D]"))[0] == us("2025-11-28T18:00")
    assert not XNYS.is_session(np.array(["2025-01-09", "2025-11-27", "2025-01-04"], "datetime64[D]")).any()


@pytest.mark.parametrize(
    ("day", "interval", "count", "last"),
    [
        ("2025-11-24", "5m", 78, "2025-11-24T20:55"),  # 6.5 hours of 12
        ("2025-11-28", "5m", 42, "2025-11-28T17:55"),  # 3.5 hours of 12
        ("2025-11-24", "1m", 390, "2025-11-24T20:59"),
        ("2025-11-24", "1h", 7, "2025-11-24T20:30"),  # the seventh lasts half an hour
        ("2025-11-24", "1d", 1, "2025-11-24T14:30"),
    ],
)
def test_bars_of_a_session(day: str, interval: str, count: int, last: str) -> None:
    opens, sessions = XNYS.bars(day, day, interval)
    assert (len(opens), opens[-1]) == (count, us(last))
    assert (sessions == np.datetime64(day)).all()


def test_no_bar_starts_in_the_lunch_break() -> None:
    # Hong Kong trades 9:30 to 12:00 and 13:00 to 16:00, eight hours ahead of UTC: ten half hours, then six.
    opens, _ = calendar("XHKG").bars("2025-11-24", "2025-11-24", "30m")
    assert len(opens) == 5 + 6
    assert us("2025-11-24T04:00") not in opens
    assert us("2025-11-24T05:00") in opens


@pytest.mark.parametrize(
    ("instant", "following"),
    [
        ("2025-11-26T14:29:59", "2025-11-26T14:30"),
        ("2025-11-26T14:30", "2025-11-28T14:30"),  # at the open is not before it; the 27th is a holiday
        ("2025-11-28T21:00", "2025-12-01T14:30"),
    ],
)
def test_next_open_is_strictly_later(instant: str, following: str) -> None:
    assert XNYS.next_open(us(instant)) == us(following)
    assert XNYS.next_open(np.array([us(instant)])).tolist() == [us(following)]


def test_around_the_clock() -> None:
    always = calendar("24/7")
    assert len(always.between("2024-02-26", "2024-03-03")) == 7
    assert always.next_open(us("2025-01-04T00:00")) == us("2025-01-05T00:00")
    assert len(always.bars("2025-01-04", "2025-01-05", "1h")[0]) == 48


@given(st.dates(min_value=np.datetime64("1990-01-02").item(), max_value=np.datetime64("2027-12-31").item()))
def test_every_bar_falls_within_its_session(day: object) -> None:
    opens, sessions = XNYS.bars(day, day, "15m")  # type: ignore[arg-type]
    assert (XNYS.sessions_at(opens) == sessions).all()
    assert (np.diff(opens) > 0).all()


def test_outside_hours_is_no_session() -> None:
    instants = np.array([us("2025-11-24T14:29"), us("2025-11-24T14:30"), us("2025-11-24T21:00")])
    assert np.isnat(XNYS.sessions_at(instants)).tolist() == [True, False, True]


def test_reaches_from_1990_into_the_years_to_come() -> None:
    assert XNYS.sessions[0] <= np.datetime64("1990-01-02")
    assert XNYS.sessions[-1] >= np.datetime64("today") + 2 * 365


@pytest.mark.parametrize(
    ("name", "hint"),
    [("XNYX", "did you mean 'XNYS'"), ("nyse", "did you mean 'NYSE'"), ("24-7", "did you mean '24/7'")],
)
def test_unknown_calendar(name: str, hint: str) -> None:
    with pytest.raises(Fault, match=f"calendar='{name}' is not known .{hint}"):
        calendar(name)


def test_aliases_and_copies_are_the_same_calendar() -> None:
    assert calendar("NYSE") is XNYS
    assert pickle.loads(pickle.dumps(XNYS)) is XNYS


def test_what_lies_outside_the_calendar() -> None:
    with pytest.raises(Fault, match="lies outside the XNYS calendar"):
        XNYS.next_open(us("2150-01-01"))
    with pytest.raises(Fault, match="lies outside the XNYS calendar"):
        XNYS.between("1800-01-01", "2020-01-01")
    with pytest.raises(Fault, match="2025-11-27 is no session of XNYS"):
        XNYS.opens_of(np.array(["2025-11-26", "2025-11-27"], "datetime64[D]"))


def test_calendar_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        XNYS.opens[0] = 0


@pytest.mark.parametrize(("text", "minutes"), [("1d", 1440), ("5m", 5), ("15min", 15), ("1h", 60), ("60m", 60)])
def test_intervals(text: str, minutes: int) -> None:
    assert interval_length(text) == minutes * 60_000_000
    assert interval_length(interval_name(interval_length(text))) == minutes * 60_000_000


@pytest.mark.parametrize("text", ["7m", "2d", "1w", "", "0m", "five", "-5m"])
def test_what_is_no_interval(text: str) -> None:
    with pytest.raises(Fault, match="is not a bar length"):
        interval_length(text)
