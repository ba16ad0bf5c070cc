"""What the sums gathered by a walk say: the metrics of docs/accounting.md, one lane at a time."""

import math

import numpy as np
import numpy.typing as npt

from kernels import layout as at
from kernels.jit import inner, kept

Array = npt.NDArray[np.float64]

#: Every metric, in the order of the documents.
METRICS = (
    "final_equity", "total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "longest_drawdown", "calmar",
    "exposure", "turnover", "closed_trades", "hit_rate", "profit_factor", "mean_trade_return", "open_trades", "skewness",
    "excess_kurtosis", "worst_bar", "total_borrow", "total_costs", "interest_earned", "interest_owed",
)  # fmt: skip

#: Metrics of which less is better.
LESS_IS_BETTER = frozenset(
    ("volatility", "max_drawdown", "longest_drawdown", "turnover", "total_borrow", "total_costs", "interest_owed")
)
#: Metrics that are amounts of money.
AMOUNTS = frozenset(("final_equity", "total_borrow", "total_costs", "interest_earned", "interest_owed"))

_LEAST = 1e-12
_STEADY = 200.0


@inner(forceinline=True)
def _ratio(above, below):
    """Divide; NaN where the divisor is empty or next to nothing."""
    return above / below if below >= _LEAST else math.nan


@inner(forceinline=True)
def _sum(row, lane, lanes):
    return np.float64(lanes[row, lane])


@inner(forceinline=True)
def measure(lane, lanes, cash, bars, years, bars_per_year, cash_rate, out):
    """Compute the metrics of one column of `lanes` into the same column of `out`, in float64; see `measure_all`."""
    equity, n = _sum(at.EQUITY, lane, lanes), np.float64(bars)
    sum1, sum2 = _sum(at.SUM1, lane, lanes) / n, _sum(at.SUM2, lane, lanes) / n
    sum3, sum4 = _sum(at.SUM3, lane, lanes) / n, _sum(at.SUM4, lane, lanes) / n
    mean = sum1
    m2 = max(sum2 - mean * mean, 0.0)
    m3 = sum3 - 3.0 * mean * sum2 + 2.0 * mean**3
    m4 = sum4 - 4.0 * mean * sum3 + 6.0 * mean**2 * sum2 - 3.0 * mean**4
    deviation = math.sqrt(m2 * n / (n - 1.0)) if bars > 1 else math.nan
    root = math.sqrt(bars_per_year)
    cagr = math.nan
    if equity <= 0.0:
        cagr = -1.0
    elif years > 0.0:
        grown = (equity / cash) ** (1.0 / years) - 1.0
        cagr = grown if math.isfinite(grown) else math.nan
    turnover = math.nan
    if years > 0.0:
        turnover = _ratio(_sum(at.TRADED, lane, lanes), _sum(at.EQUITY_SUM, lane, lanes) / n) / years
    # From sums of powers, the third and fourth moments keep six digits only up to such a mean: beyond it they are null.
    flat = not deviation >= _LEAST or abs(mean) > _STEADY * math.sqrt(m2) or not m2 > 0.0
    drawdown, closed = _sum(at.DRAWDOWN, lane, lanes), _sum(at.CLOSED, lane, lanes)
    values = (
        equity, equity / cash - 1.0, cagr, deviation * root, _ratio(mean - cash_rate / bars_per_year, deviation) * root,
        _ratio(mean, math.sqrt(_sum(at.DOWNSIDE, lane, lanes) / n)) * root,
        drawdown, _sum(at.LONGEST, lane, lanes), _ratio(cagr, drawdown), _sum(at.EXPOSED, lane, lanes) / n, turnover,
        closed, _ratio(_sum(at.WINS, lane, lanes), closed),
        _ratio(_sum(at.WON, lane, lanes), _sum(at.LOST, lane, lanes)), _ratio(_sum(at.RETURNS, lane, lanes), closed),
        _sum(at.OPENS, lane, lanes), math.nan if flat else m3 / (m2 * math.sqrt(m2)), math.nan if flat else m4 / (m2 * m2) - 3.0,
        _sum(at.WORST, lane, lanes), _sum(at.BORROW, lane, lanes), _sum(at.COSTS, lane, lanes),
        _sum(at.EARNED, lane, lanes), _sum(at.OWED, lane, lanes),
    )  # fmt: skip
    for i, value in enumerate(values):
        out[i, lane] = value
        if math.isinf(out[i, lane]):  # beyond float32
            out[i, lane] = math.nan


@kept()
def measure_all(lanes, cash, bars, years, bars_per_year, cash_rate, out):
    """Compute every metric of every lane.

    Parameters
    ----------
    lanes : (N_LANE, lane), what a run left
    cash : initial cash
    bars : number of bars, and so of returns
    years : (last - first session) / 365.25 days
    bars_per_year, cash_rate : for annualising, and for the excess return of Sharpe's ratio (Sharpe 1994)
    out : (metric, lane), filled in the order of `METRICS`; NaN where a metric is null
    """
    for lane in range(lanes.shape[1]):
        measure(lane, lanes, cash, bars, years, bars_per_year, cash_rate, out)


def metrics(
    lanes: npt.NDArray[np.floating], cash: float, bars: int, years: float, bars_per_year: float, cash_rate: float
) -> dict[str, Array]:
    """Return for each name in `METRICS` a float64 array (lane,); NaN where the metric is null. See `measure_all`."""
    out = np.empty((len(METRICS), lanes.shape[1]))
    measure_all(
        np.asarray(lanes, np.float64), float(cash), bars, float(years), float(bars_per_year), float(cash_rate), out
    )
    return dict(zip(METRICS, out, strict=True))
