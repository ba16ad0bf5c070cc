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

#: Metrics of which sums of powers lose their digits where the mean return is many times the deviation.
OF_DEVIATION = ("volatility", "sharpe", "skewness", "excess_kurtosis")
VOLATILITY, SHARPE, SKEWNESS, KURTOSIS = map(METRICS.index, OF_DEVIATION)

_LEAST = 1e-12
#: How many times, in float32 and in float64, at which the kurtosis is still good to some 1e-4 and 1e-8.
_STEADY, _STEADY_DOUBLE = 3.0, 30.0


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
    flat = not math.sqrt(m2) >= _LEAST
    steady = _STEADY if lanes.itemsize < 8 else _STEADY_DOUBLE
    unsure = bars > 1 and abs(mean) > steady * math.sqrt(m2)
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
    if unsure:
        out[SKEWNESS, lane] = math.inf


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
    out : (metric, lane), filled in the order of `METRICS`; NaN where a metric is null. The skewness is infinite where the sums hold too
        few digits of `OF_DEVIATION`, which then want a second pass over the returns (`second_pass`)
    """
    for lane in range(lanes.shape[1]):
        measure(lane, lanes, cash, bars, years, bars_per_year, cash_rate, out)


@kept()
def moments(cash, n_bars, equity):
    """Return the mean and the second, third and fourth central moments of the returns of a path, by a second pass over them.

    Parameters
    ----------
    cash : what the path starts from
    n_bars : number of returns
    equity : (entry,) the path, from the first bar on, where something may have changed; every other bar returns 0
    """
    mean, still = 0.0, n_bars - equity.size
    first = second = third = fourth = 0.0
    for _ in range(2):
        before = cash
        first, second, third, fourth = -still * mean, still * mean**2, -still * mean**3, still * mean**4
        for i in range(equity.size):
            r = (equity[i] - before) * (1.0 / before) if before > 0.0 else 0.0
            before = equity[i] if before > 0.0 else before  # what is ruined returns nothing any more
            off = r - mean
            first, second, third, fourth = first + off, second + off**2, third + off**3, fourth + off**4
        mean += first / n_bars
    return mean, second / n_bars, third / n_bars, fourth / n_bars


def metrics(
    lanes: npt.NDArray[np.floating],
    cash: float,
    bars: int,
    years: float,
    bars_per_year: float,
    cash_rate: float,
    equity: npt.NDArray[np.floating] | None = None,
) -> dict[str, Array]:
    """Return for each name in `METRICS` a float64 array (lane,); NaN where the metric is null. See `measure_all`.

    Parameters
    ----------
    equity : (entry,) the path of a single lane, as `moments` takes it, for a second pass where the sums want one
    """
    out = np.empty((len(METRICS), lanes.shape[1]))
    measure_all(
        np.asarray(lanes, np.float64), float(cash), bars, float(years), float(bars_per_year), float(cash_rate), out
    )
    unsure = np.isinf(out[SKEWNESS])
    out[np.ix_([SKEWNESS, KURTOSIS], unsure)] = math.nan
    if unsure.any() and equity is not None:
        mean, m2, m3, m4 = moments(float(cash), bars, np.ascontiguousarray(equity, np.float64))
        deviation, root = math.sqrt(m2 * bars / (bars - 1)), math.sqrt(bars_per_year)
        out[VOLATILITY] = deviation * root
        out[SHARPE] = (mean - cash_rate / bars_per_year) / deviation * root if deviation >= _LEAST else math.nan
        if math.sqrt(m2) >= _LEAST:
            out[SKEWNESS], out[KURTOSIS] = m3 / (m2 * math.sqrt(m2)), m4 / (m2 * m2) - 3.0
    return dict(zip(METRICS, out, strict=True))
