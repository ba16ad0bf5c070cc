"""Plots of a record, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

_COLOURS = {
    "Tocsin": "#b3261e", "C loop": "#222222", "vectorbt, Numba": "#2a6fb0", "vectorbt, Rust": "#7fb2de", "raptorbt": "#2e7d4f",
    "backtesting.py": "#a0733c", "polars": "#7a4fa3", "pandas": "#b79bd1",
}  # fmt: skip
_GREY = "#666666"


def _svg(width: int, height: int, parts: Iterable[str], label: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12" role="img" aria-label="{label}">'
    )
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#222222", size: int = 12) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escaped}</text>'


def rates_plot(record: Mapping[str, Any], titles: Mapping[str, tuple[str, Any]]) -> str:
    """Rates as a share of ours, on a logarithmic axis, a row a workload, a dot an engine."""
    left, width, step, top = 270, 900, 30, 44
    shown = [
        w for w in titles if len({r["peer"] for r in record["results"] if r["workload"] == w and r.get("agrees")}) > 0
    ]
    ratios = {
        (w, r["peer"]): r["rate"] / ours["rate"]
        for w in shown
        for ours in [r for r in record["results"] if r["workload"] == w and r["peer"] == "Tocsin" and "rate" in r]
        for r in record["results"]
        if r["workload"] == w and r["peer"] in _COLOURS and (r.get("agrees") or r["peer"] == "Tocsin") and "rate" in r
    }
    low = math.floor(min((math.log10(v) for v in ratios.values()), default=-1))
    high = math.ceil(max((math.log10(v) for v in ratios.values()), default=1))
    high = max(high, low + 1)

    def place(value: float) -> float:
        return left + (math.log10(value) - low) / (high - low) * (width - left - 30)

    bottom = top + step * len(shown)
    parts = [_text(left, 18, "Rate as a share of Tocsin's (to the right: faster than Tocsin), logarithmic", size=13)]
    for power in range(low, high + 1):
        x = place(10.0**power)
        colour = "#b3261e" if power == 0 else "#dddddd"
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 14}" y2="{bottom - 10}" stroke="{colour}"/>')
        parts.append(_text(x, bottom + 6, f"{10.0**power:g}", "middle", _GREY))
    for i, workload in enumerate(shown):
        y = top + i * step
        parts.append(_text(left - 12, y + 4, titles[workload][0], "end"))
        parts += [
            f'<circle cx="{place(v):.1f}" cy="{y}" r="6" fill="{_COLOURS[p]}" fill-opacity="0.85"><title>{p}: {v:.3g}</title></circle>'
            for (w, p), v in ratios.items()
            if w == workload
        ]
    x = 20.0
    for peer in [p for p in _COLOURS if any(q == p for _, q in ratios)]:
        parts.append(f'<circle cx="{x}" cy="{bottom + 30}" r="6" fill="{_COLOURS[peer]}"/>')
        parts.append(_text(x + 10, bottom + 34, peer))
        x += 34 + 7 * len(peer)
    return _svg(width, bottom + 48, parts, "Rates of the engines as a share of Tocsin's")


def scaling_plot(record: Mapping[str, Any]) -> str:
    """One small panel a curve, both axes logarithmic."""
    points = record.get("scaling", [])
    curves = list(dict.fromkeys(p["curve"] for p in points))
    panel, height, parts = 220, 190, []
    for i, curve in enumerate(curves):
        mine = [p for p in points if p["curve"] == curve]
        xs, ys = ([math.log10(p[k]) for p in mine] for k in ("x", "rate"))
        x0, x1 = math.floor(min(xs)), max(math.ceil(max(xs)), math.floor(min(xs)) + 1)
        y0, y1 = math.floor(min(ys)), max(math.ceil(max(ys)), math.floor(min(ys)) + 1)
        left, right, top, bottom = i * panel + 44, (i + 1) * panel - 12, 34, height - 30

        def at(
            x: float, y: float, box: tuple[float, ...] = (left, right, top, bottom, x0, x1, y0, y1)
        ) -> tuple[float, float]:
            l, r, t, b, xa, xb, ya, yb = box  # noqa: E741
            return l + (x - xa) / (xb - xa) * (r - l), b - (y - ya) / (yb - ya) * (b - t)

        parts.append(_text(left, 16, f"{mine[0]['unit']} over {curve}"))
        for power in range(y0, y1 + 1):
            _, y = at(x0, power)
            parts.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
            parts.append(_text(left - 6, y + 4, f"1e{power}", "end", _GREY, 10))
        for power in range(x0, x1 + 1):
            x, _ = at(power, y0)
            parts.append(_text(x, bottom + 16, f"{10.0**power:g}" if power < 4 else f"1e{power}", "middle", _GREY, 10))
        line = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in zip(xs, ys, strict=True))
        parts.append(f'<polyline points="{line}" fill="none" stroke="#b3261e" stroke-width="2"/>')
        parts += [
            '<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="#b3261e"/>'.format(*at(x, y))
            for x, y in zip(xs, ys, strict=True)
        ]
    return _svg(max(panel * len(curves), panel), height, parts, "How Tocsin's rates change with the size of the work")
