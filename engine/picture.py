"""A picture of a demo, as SVG: prices with the documents that rang and the shorts that followed, and what it came to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby

import numpy as np
import polars as pl

from engine.events import Events
from engine.market import Market
from engine.marks import PICTURE
from engine.run import Run

_WIDTH, _HEIGHT = 960, 495
_LEFT, _RIGHT = 56, 790  # of the plots; labels stand to the right
_UPPER, _LOWER = (96, 290), (342, 465)  # top and bottom of the two plots
_CLOSE = 70  # bells that stand closer make way for one another
_INK, _BELL, _SHORT = "#222222", "#b35900", "#c0143c"
_COLOURS = ("#c0143c", "#0072b2", "#009e73", "#8a5fb0", "#777777", "#b38600")  # told apart by the colour-blind too


def picture(market: Market, events: Events, runs: Mapping[str, Run], asset: str, shorts: str) -> str:
    """Draw one asset's closes over the last year of the data, the documents, and the equity of some runs.

    Parameters
    ----------
    runs
        By name; all of this market.
    asset
        Whose prices are drawn, and whose trades.
    shorts
        The run whose trades are drawn.
    """
    since = market.sessions[-1] - np.timedelta64(365, "D")
    axis = _Axis(since, market.sessions[-1], (_LEFT, _RIGHT))
    label = market.metadata.get("label", "")
    body = [
        _text(_LEFT, 24, f"{asset}, and the documents that rang", size=17, weight="bold"),
        _text(_LEFT, 44, _subtitle(label, shorts), colour="#666666"),
        *_months(axis),
        *_prices(market, axis, asset, runs[shorts], events),
        *_equity(axis, runs),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12" role="img" '
        f'aria-label="{escape(label)} prices of {escape(asset)}, documents, trades and equity">'
    )
    return "\n".join(
        [head, PICTURE, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>', *body, "</svg>", ""]
    )


class _Axis:
    """Dates -> places across the picture."""

    def __init__(self, first: np.datetime64, last: np.datetime64, span: tuple[int, int]) -> None:
        self.first, self.last, self.span = first, last, span

    def at(self, day: np.datetime64 | dt.date) -> float:
        share = (np.datetime64(str(day), "D") - self.first) / (self.last - self.first)
        return self.span[0] + float(share) * (self.span[1] - self.span[0])


def _subtitle(label: str, shorts: str) -> str:
    told = f"{label} prices · " if label else ""
    return f"{told}bells: when a document could be acted on · red: what {shorts} was short"


def _months(axis: _Axis) -> list[str]:
    parts = []
    for month in np.arange(axis.first.astype("datetime64[M]") + 1, axis.last.astype("datetime64[M]") + 1):
        x = axis.at(month.astype("datetime64[D]"))
        name = month.astype(dt.date).strftime("%b" if month.astype(int) % 12 else "%Y")
        parts.append(_line(x, _LOWER[1], x, _LOWER[1] + 4, _INK))
        parts.append(_text(x, _LOWER[1] + 18, name, anchor="middle", colour="#666666"))
    return parts


def _prices(market: Market, axis: _Axis, asset: str, run: Run, events: Events) -> list[str]:
    closes = market.frame.filter((pl.col("asset") == asset) & (pl.col("session") >= axis.first.astype(dt.date)))
    scale = _Scale(closes["close"].to_list(), _UPPER)
    points = list(closes.select("session", "close").iter_rows())
    parts = [*_ticks(scale, "{:,.0f}"), _path([(axis.at(day), scale.at(price)) for day, price in points], _INK, 1.3)]
    parts += _bells(_rings(market, events, axis), axis)
    for trade in run.trades.filter((pl.col("asset") == asset) & (pl.col("side") == "SHORT")).iter_rows(named=True):
        first = trade["entry_time"].date()
        last = trade["exit_time"].date() if trade["exit_time"] else points[-1][0]
        held = [(axis.at(day), scale.at(price)) for day, price in points if first <= day <= last]
        if held:
            lowest = max(y for _, y in held)
            parts.append(_path(held, _SHORT, 4))
            parts.append(
                _text(held[-1][0], lowest + 20, f"{trade['return']:+.1%}", anchor="end", colour=_SHORT, halo=True)
            )
    return parts


def _bells(rings: Sequence[tuple[dt.date, str]], axis: _Axis) -> list[str]:
    """Draw a bell for each day on which documents could be acted on first, in two rows where they stand close."""
    days = [
        (axis.at(day), ", ".join(name for _, name in group)) for day, group in groupby(rings, key=lambda ring: ring[0])
    ]
    parts, raised = [], False
    for (x, names), (before, _), (after, _) in zip(
        days, [(-np.inf, ""), *days], [*days[1:], (np.inf, "")], strict=False
    ):
        raised = not raised and x - before < _CLOSE
        y = _UPPER[0] - (26 if raised else 8)
        side, anchor = (-10, "end") if after - x < _CLOSE else (10, "start")
        parts.append(_line(x, y, x, _UPPER[1], _BELL, dashes="3 3"))
        parts.append(f'<path d="M{x - 7:.1f},{y} q4,-2 3,-8 q4,-6 8,0 q-1,6 3,8 z" fill="{_BELL}"/>')
        parts.append(_text(x + side, y, names, anchor=anchor, colour=_BELL))
    return parts


def _rings(market: Market, events: Events, axis: _Axis) -> list[tuple[dt.date, str]]:
    """Session of the first open after each document, and the number that its name begins with."""
    placed = events.align(market)
    frame = (
        events.frame.select("doc_id")
        .with_columns(session=pl.Series(placed.session).cast(pl.Date))
        .unique()
        .drop_nulls()
    )
    first = axis.first.astype(dt.date)
    return sorted((day, doc.partition("_")[0]) for doc, day in frame.iter_rows() if day >= first)


def _equity(axis: _Axis, runs: Mapping[str, Run]) -> list[str]:
    first = axis.first.astype(dt.date)
    curves = {}
    for name, run in runs.items():
        shown = run.equity.filter(pl.col("session") >= first)
        curves[name] = list(
            zip(shown["session"], (shown["equity"] / run.info["initial_cash"] * 100).to_list(), strict=True)
        )
    scale = _Scale([value for curve in curves.values() for _, value in curve] + [100.0], _LOWER)
    parts = [
        *_ticks(scale, "{:,.0f}"),
        _text(_LEFT, _LOWER[0] - 12, "Equity, initial cash = 100, after all costs", weight="bold"),
    ]
    ends = _apart({name: scale.at(curve[-1][1]) for name, curve in curves.items()})
    for colour, (name, curve) in zip(_COLOURS, curves.items(), strict=False):
        parts.append(_path([(axis.at(day), scale.at(value)) for day, value in curve], colour, 1.6))
        parts.append(_text(_RIGHT + 8, ends[name] + 4, f"{name} {curve[-1][1]:.1f}", colour=colour))
    return parts


def _apart(places: Mapping[str, float], gap: float = 15.0) -> dict[str, float]:
    """Move labels down until none hides another."""
    moved: dict[str, float] = {}
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        moved[name] = max(place, *(other + gap for other in moved.values())) if moved else place
    return moved


class _Scale:
    """Values -> heights in one plot, with a little air above and below."""

    def __init__(self, values: Sequence[float], span: tuple[int, int]) -> None:
        low, high = min(values), max(values)
        air = 0.06 * (high - low or 1.0)
        self.low, self.high, self.span = low - air, high + air, span

    def at(self, value: float) -> float:
        return self.span[1] - (value - self.low) / (self.high - self.low) * (self.span[1] - self.span[0])

    def ticks(self) -> list[float]:
        rough = (self.high - self.low) / 4
        size = 10.0 ** np.floor(np.log10(rough))
        step = size * next(factor for factor in (1, 2, 5, 10) if size * factor >= rough)
        return [float(v) for v in np.arange(np.ceil(self.low / step) * step, self.high, step)]


def _ticks(scale: _Scale, form: str) -> list[str]:
    parts = []
    for value in scale.ticks():
        y = scale.at(value)
        parts.append(_line(_LEFT, y, _RIGHT, y, "#eeeeee"))
        parts.append(_text(_LEFT - 8, y + 4, form.format(value), anchor="end", colour="#666666"))
    return parts


def _path(points: Sequence[tuple[float, float]], colour: str, width: float) -> str:
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    colour: str = _INK,
    size: int = 12,
    weight: str = "normal",
    halo: bool = False,
) -> str:
    behind = ' paint-order="stroke" stroke="#ffffff" stroke-width="3"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" font-weight="{weight}"{behind}>'
        f"{escape(text)}</text>"
    )
