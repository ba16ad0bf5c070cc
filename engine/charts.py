"""Lines over time as SVG that stretches to any width.

A chart is drawn in units of 1000 x 300 without keeping its proportions; the numbers beside and below it are text of the
page, at places in percent. So it fits a telephone and a wide screen, and follows the page's colours, light or dark.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]

WIDTH, HEIGHT = 1000, 300
_MOST_POINTS = 1200  # more than a screen has pixels across
_MOST_TICKS = 9


@dataclass(frozen=True)
class Line:
    """One line of a chart: its name, the CSS class that colours it, a value for each bar; `filled` down to zero."""

    name: str
    css: str
    values: Values
    filled: bool = False


@dataclass(frozen=True)
class Drawn:
    """A line as the attribute `d` of an SVG path."""

    name: str
    css: str
    path: str


@dataclass(frozen=True)
class Tick:
    """A number or date beside a chart; `at` in percent from the left, or from the top."""

    text: str
    at: float


@dataclass(frozen=True)
class Panel:
    """One chart, ready for the template."""

    lines: tuple[Drawn, ...]
    ticks: tuple[Tick, ...]
    low: float
    high: float


def panel(lines: Sequence[Line], form: Callable[[float], str], *, include: Sequence[float] = ()) -> Panel:
    """Draw lines that share one scale, which reaches over all their values and those in `include`."""
    values = np.concatenate([line.values for line in lines] + [np.asarray(include, np.float64)])
    values = values[np.isfinite(values)]
    least, most = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    air = 0.04 * (most - least) or 0.04 * abs(most) or 1.0
    low, high = least - air, most + air
    ticks = tuple(Tick(form(value), 100 * (high - value) / (high - low)) for value in _round_numbers(low, high))
    drawn = tuple(path for line in lines for path in _paths(line, low, high))
    return Panel(drawn, ticks, low, high)


def kept(values: Values, most: int = _MOST_POINTS) -> npt.NDArray[np.int64]:
    """Choose the bars that are drawn: all, or of each of many equal stretches the lowest and the highest."""
    if values.size <= most:
        return np.arange(values.size)
    known = np.where(np.isfinite(values), values, np.nanmean(values))
    edges = np.linspace(0, values.size, most // 2 + 1).astype(np.int64)
    chosen = {0, values.size - 1}
    for low, high in itertools.pairwise(edges):
        chosen |= {int(low + known[low:high].argmin()), int(low + known[low:high].argmax())}
    return np.array(sorted(chosen))


def across(bar: npt.NDArray[np.int64] | int, bars: int) -> npt.NDArray[np.float64]:
    """Place bars from left to right, as shares of the width."""
    return np.asarray(bar) / max(bars - 1, 1)


def dates(sessions: Dates) -> tuple[Tick, ...]:
    """Place dates along the bottom: the finest of days, weeks, months, quarters and years of which few enough fit."""
    choices = list(_calendars(sessions))
    form, starts = next((choice for choice in choices if choice[1].size <= _MOST_TICKS), choices[-1])
    starts = starts[:: max(-(-starts.size // _MOST_TICKS), 1)]
    days = [_day(sessions[start]) for start in starts]
    places = 100 * across(starts, sessions.size)
    return tuple(Tick(day.strftime(form), float(at)) for day, at in zip(days, places, strict=True))


def _calendars(sessions: Dates) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    days = sessions.astype("datetime64[D]").astype(np.int64)
    months = sessions.astype("datetime64[M]").astype(np.int64)
    weeks = (days + 3) // 7  # 1970-01-01 was a Thursday
    for form, numbers in (
        ("%d %b", days),
        ("%d %b", weeks),
        ("%b %Y", months),
        ("%b %Y", months // 3),
        ("%Y", months // 12),
    ):
        yield form, np.flatnonzero(np.diff(numbers, prepend=numbers[:1]))


def _day(session: np.datetime64) -> dt.date:
    found: dt.date = session.astype("datetime64[D]").item()
    return found


def _round_numbers(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    size = 10.0 ** np.floor(np.log10(rough))
    step = size * next(factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [float(value) + 0.0 for value in np.arange(np.ceil(low / step) * step, high, step)]  # no minus zero


def _paths(line: Line, low: float, high: float) -> list[Drawn]:
    """Write the points, and for a filled line the area to zero before them; a gap in the values is a gap in both."""
    bars = kept(line.values)
    x = WIDTH * across(bars, line.values.size)
    y = HEIGHT * (high - line.values[bars]) / (high - low)
    zero = HEIGHT * (high - min(max(0.0, low), high)) / (high - low)
    strokes, areas = "", ""
    for inside, run in itertools.groupby(zip(x, y, strict=True), key=lambda point: bool(np.isfinite(point[1]))):
        if inside:
            points = list(run)
            text = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
            strokes += f"M{text}"
            areas += f"M{points[0][0]:.1f},{zero:.1f} {text} {points[-1][0]:.1f},{zero:.1f}Z"
    stroke = Drawn(line.name, line.css, strokes)
    return [Drawn(line.name, f"{line.css} area", areas), stroke] if line.filled else [stroke]
