"""What the sums gathered by a walk say: the metrics of docs/accounting.md, for many lanes at once."""

import numpy as np
import numpy.typing as npt

from kernels import layout as at

Array = npt.NDArray[np.float64]

#: Every metric, in the order of the documents.
METRICS = (
    "final_equity", "total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "longest_drawdown", "calmar",
    "exposure", "turnover", "closed_trades", "hit_rate", "profit_factor", "mean_trade_return", "open_trades", "skewness",
    "excess_kurtosis", "worst_bar", "total_borrow", "total_costs", "interest_earned", "interest_owed",
)  # fmt: skip

_LEAST = 1e-12
_STEADY = 200.0


def metrics(
    lanes: npt.NDArray[np.floating], cash: float, bars: int, years: float, bars_per_year: float, cash_rate: float
) -> dict[str, Array]:
    """Compute every metric of every lane.

    Parameters
    ----------
    lanes : (N_LANE, lane), what a run left
    cash : initial cash
    bars : number of bars, and so of returns
    years : (last - first session) / 365.25 days
    bars_per_year, cash_rate : for annualising, and for the excess return of Sharpe's ratio (Sharpe 1994)

    Returns
    -------
    For each name in `METRICS` a float64 array (lane,); NaN where the metric is null.
    """
    rows = np.asarray(lanes, np.float64)
    final, below_zero = rows[at.EQUITY], rows[at.EQUITY] <= 0
    mean = rows[at.SUM1] / bars
    m2 = np.maximum(rows[at.SUM2] / bars - mean**2, 0.0)
    deviation = np.sqrt(m2 * bars / (bars - 1)) if bars > 1 else np.full_like(mean, np.nan)
    downside = np.sqrt(rows[at.DOWNSIDE] / bars)
    m3 = rows[at.SUM3] / bars - 3 * mean * rows[at.SUM2] / bars + 2 * mean**3
    m4 = rows[at.SUM4] / bars - 4 * mean * rows[at.SUM3] / bars + 6 * mean**2 * rows[at.SUM2] / bars - 3 * mean**4
    # From sums of powers, the third and fourth moments keep six digits only up to such a mean: beyond it they are null.
    flat = ~(deviation >= _LEAST) | (np.abs(mean) > _STEADY * np.sqrt(m2))
    growth = np.where(below_zero, 1.0, final / cash)
    with np.errstate(over="ignore"):
        grown = growth ** (1 / years) - 1 if years > 0 else np.full_like(mean, np.nan)
    cagr = np.where(below_zero, -1.0, np.where(np.isfinite(grown), grown, np.nan))
    closed = rows[at.CLOSED]
    drawdown = rows[at.DRAWDOWN]
    root = np.sqrt(bars_per_year)
    values = (
        final, final / cash - 1, cagr, deviation * root,
        _ratio(mean - cash_rate / bars_per_year, deviation) * root, _ratio(mean, downside) * root,
        drawdown, rows[at.LONGEST], _ratio(cagr, drawdown), rows[at.EXPOSED] / bars,
        _ratio(rows[at.TRADED], rows[at.EQUITY_SUM] / bars) / years if years > 0 else np.full_like(mean, np.nan),
        closed, _ratio(rows[at.WINS], closed), _ratio(rows[at.WON], rows[at.LOST]), _ratio(rows[at.RETURNS], closed),
        rows[at.OPENS], np.where(flat, np.nan, _ratio(m3, m2**1.5, 0.0)), np.where(flat, np.nan, _ratio(m4, m2**2, 0.0) - 3),
        rows[at.WORST], rows[at.BORROW], rows[at.COSTS], rows[at.EARNED], rows[at.OWED],
    )  # fmt: skip
    return dict(zip(METRICS, values, strict=True))


def _ratio(above: Array, below: Array, least: float = _LEAST) -> Array:
    """Divide; NaN where the divisor is empty or next to nothing."""
    fine = below > least if least == 0.0 else below >= least
    return np.where(fine, above / np.where(fine, below, 1.0), np.nan)
