"""Lines as SVG paths: the right points, the right ticks, and no extreme lost when there are too many bars."""

import re

import numpy as np
import pytest

from engine import charts
from engine.charts import HEIGHT, WIDTH, Line


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]


def test_points_stand_where_bars_and_values_are() -> None:
    drawn = charts.panel([Line("a", "own", np.array([0.0, 10.0, 5.0]))], str)
    # The scale has 4 % of 10 to spare on either side: from -0.4 to 10.4.
    assert (drawn.low, drawn.high) == pytest.approx((-0.4, 10.4))
    expected = [(0, 10.4 / 10.8), (0.5, 0.4 / 10.8), (1, 5.4 / 10.8)]
    assert points(drawn.lines[0].path) == [(round(x * WIDTH, 1), round(y * HEIGHT, 1)) for x, y in expected]


def test_ticks_are_round_numbers_at_their_heights() -> None:
    drawn = charts.panel([Line("a", "own", np.array([0.0, 10.0]))], lambda v: f"{v:g}")
    # A fifth of 10.8 is 2.16, and the next of 1, 2, 5 and 10 is 5.
    assert [tick.text for tick in drawn.ticks] == ["0", "5", "10"]
    assert [tick.at for tick in drawn.ticks] == pytest.approx([100 * (10.4 - v) / 10.8 for v in (0, 5, 10)])


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    drawn = charts.panel([Line("a", "own", np.array([1.0, 2.0, np.nan, 2.0, 1.0]))], str)
    assert drawn.lines[0].path.count("M") == 2
    assert len(points(drawn.lines[0].path)) == 4


def test_an_area_reaches_down_to_zero() -> None:
    area, stroke = charts.panel([Line("a", "down", np.array([-1.0, -2.0]), True)], str, include=[0.0]).lines
    zero = round(HEIGHT * 0.08 / 2.16, 1)  # from 0.08 above zero to 0.08 below -2
    assert (points(area.path)[0], points(area.path)[-1]) == ((0.0, zero), (WIDTH, zero))
    assert area.path.endswith("Z")
    assert len(points(stroke.path)) == 2


def test_many_bars_are_thinned_to_the_extremes() -> None:
    values = np.random.default_rng(0).normal(0, 1, 100_000).cumsum()
    values[777], values[54_321] = 1e4, -1e4
    chosen = charts.kept(values)
    assert chosen.size <= 1202
    assert {0, 777, 54_321, values.size - 1} <= set(chosen.tolist())
    assert np.all(np.diff(chosen) > 0)


def test_what_is_flat_empty_or_a_single_bar_is_drawn_too() -> None:
    for values in ([5.0, 5.0], [0.0], [np.nan, np.nan], [1e-300, 2e-300]):
        drawn = charts.panel([Line("a", "own", np.array(values), True)], str)
        assert drawn.low < drawn.high
        assert all(np.isfinite(tick.at) for tick in drawn.ticks)
    assert charts.dates(np.array(["2025-01-06"], "datetime64[D]")) == ()


@pytest.mark.parametrize(
    ("first", "days", "texts"),
    [
        ("2025-01-06", 5, ["07 Jan", "08 Jan", "09 Jan", "10 Jan"]),
        ("2025-01-06", 40, ["13 Jan", "20 Jan", "27 Jan", "03 Feb", "10 Feb"]),  # Mondays
        ("2024-11-15", 200, ["Dec 2024", "Jan 2025", "Feb 2025", "Mar 2025", "Apr 2025", "May 2025", "Jun 2025"]),
        ("2024-01-02", 730, ["Apr 2024", "Jul 2024", "Oct 2024", "Jan 2025", "Apr 2025", "Jul 2025", "Oct 2025"]),
        ("2019-06-01", 2200, ["2020", "2021", "2022", "2023", "2024", "2025"]),
    ],
)
def test_dates_are_the_finest_that_fit(first: str, days: int, texts: list[str]) -> None:
    sessions = np.datetime64(first) + np.arange(days)
    ticks = charts.dates(sessions)
    assert [tick.text for tick in ticks] == texts
    assert all(0 <= tick.at <= 100 for tick in ticks)


def test_half_a_century_has_no_more_dates_than_fit() -> None:
    assert 5 <= len(charts.dates(np.datetime64("1970-01-02") + np.arange(20_000))) <= 9
