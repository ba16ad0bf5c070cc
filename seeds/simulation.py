"""The simulated market: seeded random prices whose moves on the quoted days are the quoted moves.

Two factors, the market and AI, move every asset along its loadings. Each path is then bent, by one shift of the
log-returns between two waypoints, so that it passes through round levels near what the name was worth; the quoted moves
stay as they are.
"""

from __future__ import annotations

import datetime as dt
import itertools
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]

_SETTINGS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "market.toml").read_text(encoding="utf-8"))

LABEL: str = _SETTINGS["label"]

_MARKET_DEVIATION, _AI_DEVIATION = 0.008, 0.009  # of a day's factor return
_OVERNIGHT, _OVERNIGHT_QUOTED = 0.4, 0.7  # share of a day's move that is there at the open; most news breaks overnight
_DIGITS = 6  # coarser than what mathematical libraries differ by, finer than the moves are checked to


def market() -> pl.DataFrame:
    """Give the SIMULATED market: daily bars of all sessions of New York in 2024 and 2025.

    Returns
    -------
    polars.DataFrame
        One row a bar, sorted by asset and session: asset, session (date), open, high, low, close, volume, dividend
        (a share, on the ex-date), split (ratio on the ex-date, else 1). Prices and dividends are split-adjusted, in
        dollars. An asset has no row before its listing. IXIC and SOX stand for two indices that nobody can trade. The
        same numbers on every run: counter-based random numbers, one stream an asset, rounded to six decimals.
    """
    sessions = _sessions()
    days = {np.datetime64(day["session"], "D"): day for day in _SETTINGS["days"]}
    factors, fixed = _factors(sessions, days)
    return pl.concat(_bars(asset, sessions, days, factors, fixed) for asset in sorted(_SETTINGS["assets"]))


def _sessions() -> Dates:
    first, last = (np.datetime64(_SETTINGS[name], "D") for name in ("first", "last"))
    dates = np.arange(first, last + 1)
    closed = np.array(_SETTINGS["closed"], dtype="datetime64[D]")
    return dates[np.is_busday(dates, holidays=closed)]


def _factors(sessions: Dates, days: dict[np.datetime64, dict[str, Any]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Draw the log-returns of the two factors, shape (2, T), and tell the days on which they are given, shape (T,)."""
    draws = _stream("factors").standard_normal((2, len(sessions)))
    factors = draws * np.array([[_MARKET_DEVIATION], [_AI_DEVIATION]])
    fixed = np.zeros(len(sessions), dtype=bool)
    for session, day in days.items():
        if "market" in day:
            t = np.searchsorted(sessions, session)
            factors[:, t] = np.log1p(np.array([day["market"], day["ai"]]) / 100)
            fixed[t] = True
    return factors, fixed


def _bars(
    asset: str, sessions: Dates, days: dict[np.datetime64, dict[str, Any]], factors: Floats, fixed: NDArray[np.bool_]
) -> pl.DataFrame:
    given = _SETTINGS["assets"][asset]
    loadings = np.array([given["market"], given["ai"]])
    deviation = float(np.hypot(np.hypot(*(loadings * (_MARKET_DEVIATION, _AI_DEVIATION))), given["own"]))
    # Drawn for all sessions, so that a listing that comes later changes no other number.
    own, gap, above, below, busy = _stream(asset).standard_normal((5, len(sessions)))

    returns = loadings @ factors + given["own"] * own
    quoted = np.zeros(len(sessions), dtype=bool)
    for session, day in days.items():
        if asset in day["moves"]:
            t = np.searchsorted(sessions, session)
            returns[t] = np.log1p(day["moves"][asset] / 100)
            quoted[t] = True

    start = int(np.searchsorted(sessions, np.datetime64(given.get("listed", _SETTINGS["first"]), "D")))
    returns = _bent(returns, fixed | quoted, sessions, start, given["levels"])[start:]
    quoted, own, gap, above, below, busy = (array[start:] for array in (quoted, own, gap, above, below, busy))
    close = given["levels"][0] * np.exp(np.cumsum(returns))
    overnight = np.where(quoted, _OVERNIGHT_QUOTED, _OVERNIGHT) * returns + 0.35 * deviation * gap
    opened = np.concatenate([[given["levels"][0]], close[:-1]]) * np.exp(overnight)
    high = np.maximum(opened, close) * np.exp(0.4 * deviation * np.abs(above))
    low = np.minimum(opened, close) * np.exp(-0.4 * deviation * np.abs(below))
    volume = given["volume"] * 1e6 * np.exp(0.2 * busy) * (0.7 + 0.4 * np.abs(returns) / deviation)
    return pl.DataFrame(
        {
            "asset": pl.repeat(asset, len(close), dtype=pl.String, eager=True),
            "session": sessions[start:],
            "open": opened.round(_DIGITS),
            "high": high.round(_DIGITS),
            "low": low.round(_DIGITS),
            "close": close.round(_DIGITS),
            "volume": volume.round(-2),
            "dividend": _dividends(asset, sessions)[start:],
            "split": _splits(asset, sessions)[start:],
        }
    )


def _bent(
    returns: Floats, kept: NDArray[np.bool_], sessions: Dates, start: int, levels: list[float]
) -> NDArray[np.float64]:
    """Shift the log-returns, except those kept, so that the path stands at its level on every waypoint."""
    bent = np.where(np.arange(len(returns)) > start, returns, 0.0)
    marks = np.searchsorted(sessions, np.array(_SETTINGS["waypoints"], dtype="datetime64[D]"))
    path = [(int(max(t, start)), level) for t, level in zip(marks, levels, strict=True) if level]
    for (since, low), (until, high) in itertools.pairwise(path):
        part = slice(since + 1, until + 1)
        free = ~kept[part]
        bent[part] += free * ((np.log(high / low) - bent[part].sum()) / free.sum())
    return bent


def _dividends(asset: str, sessions: Dates) -> Floats:
    paid = np.zeros(len(sessions))
    plan = _SETTINGS["dividends"].get(asset, {"months": [], "day": 1, "amount": 0.0})
    for year in (_SETTINGS["first"].year, _SETTINGS["last"].year):
        for month in plan["months"]:
            t = np.searchsorted(sessions, np.datetime64(dt.date(year, month, plan["day"])))
            if t < len(sessions):
                paid[t] = plan["amount"]
    return paid


def _splits(asset: str, sessions: Dates) -> Floats:
    ratios = np.ones(len(sessions))
    if split := _SETTINGS["splits"].get(asset):
        ratios[np.searchsorted(sessions, np.datetime64(split["session"], "D"))] = split["ratio"]
    return ratios


def _stream(name: str) -> np.random.Generator:
    """Give the random numbers of one asset: Philox is counter-based and the same on every machine."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([_SETTINGS["seed"], *name.encode()])))
