"""What a run's settings, reasons and metrics mean, in words, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.legible import listed, numeral

#: Why an entry was refused.
REFUSED = {
    "MARGIN_CALL": "a margin call was still to be met",
    "NO_PRICE": "the asset had no bar to fill at",
    "MARGIN": "the margin left nothing of it, or there was no equity to size it by",
    "SMALL": "less than a whole lot, or than the least notional",
}

#: How a trade ended.
ENDED = {
    "SIGNAL": "the strategy left",
    "TIME": "its time was up",
    "STOP": "the stop was hit",
    "TRAIL": "the trailing stop was hit",
    "TAKE": "the target was reached",
    "MARGIN_CALL": "a margin call closed it",
    "RUIN": "the account was ruined",
    "OPEN": "still open at the end, marked, not sold",
    "STALE": "still open at the end, with no bar in the last five",
}

#: Name in words and form of every metric.
METRICS = {
    "final_equity": ("Final equity", "money"),
    "total_return": ("Total return", "share"),
    "cagr": ("Return a year (CAGR)", "share"),
    "volatility": ("Volatility a year", "share"),
    "sharpe": ("Sharpe ratio", "ratio"),
    "sortino": ("Sortino ratio", "ratio"),
    "max_drawdown": ("Maximum drawdown", "share"),
    "longest_drawdown": ("Longest run of bars below the peak", "count"),
    "calmar": ("Calmar ratio", "ratio"),
    "exposure": ("Bars with a position", "share"),
    "turnover": ("Turnover a year, times mean equity", "ratio"),
    "closed_trades": ("Closed trades", "count"),
    "hit_rate": ("Closed trades that gained", "share"),
    "profit_factor": ("Profit factor", "ratio"),
    "mean_trade_return": ("Mean return of a closed trade", "share"),
    "open_trades": ("Open trades", "count"),
    "skewness": ("Skewness of bar returns", "ratio"),
    "excess_kurtosis": ("Excess kurtosis of bar returns", "ratio"),
    "worst_bar": ("Worst bar", "share"),
    "total_borrow": ("Borrow fees", "money"),
    "total_costs": ("Commission and slippage", "money"),
    "interest_earned": ("Interest earned", "money"),
    "interest_owed": ("Interest paid", "money"),
}


def money(value: float | None, *, signed: bool = False) -> str:
    """Write an amount in whole units of the currency.

    Examples
    --------
    >>> money(-1234.5), money(0.2, signed=True), money(None)
    ('−1,234', '0', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    whole = f"{abs(value):,.0f}"
    if whole == "0":
        return whole
    return ("−" if value < 0 else "+" if signed else "") + whole


def share(value: float | None, *, signed: bool = False, digits: int = 1) -> str:
    """Write a share as a percentage.

    Examples
    --------
    >>> share(-0.1234), share(0.05, signed=True)
    ('−12.3 %', '+5.0 %')
    """
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(100 * value):,.{digits}f}"
    sign = "" if float(text.replace(",", "")) == 0 else "−" if value < 0 else "+" if signed else ""
    return f"{sign}{text} %"


def ratio(value: float | None) -> str:
    """Write a plain number with two decimals."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.2f}".replace("-", "−")


def price(value: float | None) -> str:
    """Write a price: two decimals, or as many as a small one needs."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.2f}" if abs(value) >= 1 else numeral(value, 4)


def metric(name: str, value: float | None) -> str:
    """Write a metric in its form."""
    form = METRICS.get(name, ("", "ratio"))[1]
    if form == "count":
        return money(value)
    return {"money": money, "share": share, "ratio": ratio}[form](value)


def setting(value: Any) -> str:
    """Write the value of a parameter or setting."""
    if value is None or value in ([], ""):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return numeral(value, 12)
    return listed(value, 40, 40) if isinstance(value, list) else str(value)


def account_in_words(info: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (setting, value, what it means) for every setting of a run's account; `info` is the run's."""
    given, market = info["account"], info["market"]
    accounts = len(market["assets"])
    sentences = {
        "cash": "Initial cash.",
        "kind": (
            "One account, one cash for all assets."
            if given["kind"] == "portfolio"
            else f"{accounts} accounts, one an asset, each with the full initial cash; what is shown is their sum."
        ),
        "fill": (
            "What is decided for a bar knows the closes before it, and fills at its open."
            if given["fill"] == "open"
            else "What is decided at a bar knows its close, and fills at that close: to compare with other engines."
        ),
        "slippage": f"Every fill but a target's is {_points(given['slippage'])} of the price worse than the bar's.",
        "fee_rate": f"Commission of {_points(given['fee_rate'])} of the notional of an order ...",
        "fee_share": "... plus this much a quoted share ...",
        "min_fee": "... and at least this much an order.",
        "borrow_rate": (
            f"A short pays {'the rate of the borrow table, where that has none ' if info['inputs'].get('borrow') else ''}"
            f"{_percent(given['borrow_rate'])} a year on 102 % of its value, actual/360."
        ),
        "debit_rate": f"Borrowed cash costs {_percent(given['debit_rate'])} a year, actual/360.",
        "cash_rate": f"Cash that is free of short proceeds earns {_percent(given['cash_rate'])} a year, actual/360.",
        "initial": (
            f"An entry has to be covered by {_percent(given['initial'])} of its notional, or by its maintenance "
            "requirement where that is more; what breaks it is cut."
        ),
        "lot": (
            f"Orders are whole lots of {numeral(given['lot'], 12)} quoted shares, rounded down."
            if given["lot"]
            else "Fractions of shares are traded."
        ),
        "min_notional": "A smaller entry is refused." if given["min_notional"] else "No entry is too small.",
        "bars_per_year": (
            "Bars a year, for annual figures."
            if given["bars_per_year"] is not None
            else f"Annual figures count {_usual_bars(market)}."
        ),
    }
    own = [(name, setting(value), sentences.get(name, "")) for name, value in given.items()]
    fixed = (
        "maintenance", "25 % / 30 %",
        "Of a long's and of a short's value, a short with the dollar floors of FINRA rule 4210 where splits are known. "
        "Equity below it is a margin call: everything is closed at each asset's next open.",
    )  # fmt: skip
    return [*own, fixed]


def _usual_bars(market: Mapping[str, Any]) -> str:
    sessions = "365 sessions a year" if market["calendar"] == "24/7" else "252 sessions a year"
    return sessions if market["interval"] == "1d" else f"{sessions}, times the bars of a full session"


def _points(rate: float) -> str:
    return f"{numeral(1e4 * rate, 12)} basis point{'s' if rate != 1e-4 else ''}"


def _percent(rate: float) -> str:
    return f"{numeral(100 * rate, 12)} %"
