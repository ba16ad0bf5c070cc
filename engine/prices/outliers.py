"""Prices that nothing around them bears out: a misplaced decimal, a bad tick."""

import math

import polars as pl

from engine.prices.findings import Findings, shown
from engine.prices.order import begins

# The largest that were seen among 130 real series of days: a high 1.70 and a low 1.62 times away from the prices around it
# (VIX, 2024-08-05 and 2020-03-24), of shares 1.43 (AMD, 2008-09-29); in usual ranges of a bar, 14.5 (ORCL, 2008-09-19),
# and 25 where bars are of five minutes (SPY, 2025-05-27).
_STRANGE, _FAR, _SURE = math.log(1.5), math.log(3), math.log(8)
_RANGES = 15
_AGREE = math.log(1.5)
_PRICES = ("open", "high", "low", "close")


def repair_outliers(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Find highs, lows, opens and closes at which nothing was traded; stops would fill there.

    An extreme is compared with the open and close of its bar, the close before and the open after. An open, a close or both
    are compared with the prices before and after, which agree within a factor of 1.5. What is further away than a factor of
    3, and than 15 times the median range of the asset's bars (but not than a factor of 8), stops the import; so does an
    open of the first bar, or a close of the last, a factor of 8 away from the rest of it. An extreme beyond a factor of 1.5
    and 15 ranges is a warning, and stays.

    Parameters
    ----------
    rows
        Adjusted for splits, sorted by asset and time; prices are null where an asset has no bar.

    Returns
    -------
    polars.DataFrame
        Where this was accepted, with extremes cut to open and close, and without bars whose open or close are false.
    """
    suspects = rows.filter(_is_suspect())["asset"].unique()
    if suspects.is_empty():
        return rows
    some = _measured(rows.with_row_index("place").filter(pl.col("asset").is_in(suspects.implode()), pl.col("open") > 0))
    false = some.filter(pl.any_horizontal("open_off", "close_off", "bar_off"))
    which = pl.when("bar_off").then(pl.lit("bar")).when("open_off").then(pl.lit("open")).otherwise(pl.lit("close"))
    value = pl.when("close_off").then("close").otherwise("open")
    severity = findings.severity_of("outlying_price")
    done = "the bar is left out" if severity == "warning" else "correct it or leave it blank"
    findings.add_rows(
        severity,
        "outlying_price",
        false,
        value,
        pl.format(
            "the {} of {}, {}, stands alone between {} before and {} after; {}",
            which,
            "asset",
            *(shown(price) for price in (value, "before", "after")),
            pl.lit(done),
        ),
    )
    some = some.filter(~pl.col("place").is_in(false["place"].implode()))
    for side in ("high", "low"):
        _report_extremes(some, side, findings)
    return _repaired(rows, false["place"], *(some.filter(f"{side}_off")["place"] for side in ("high", "low")))


def _is_suspect() -> pl.Expr:
    """Tell bars that may hold such a price, in one pass over all."""
    top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    wide = (pl.col("high") > 1.5 * top) | (1.5 * pl.col("low") < bottom)
    step = pl.col("open") / pl.col("close").forward_fill().shift(1)
    leap = (3 * bottom < top) | (~begins() & ((step > 3) | (3 * step < 1)))
    return (wide | leap).fill_null(False)


def _measured(bars: pl.DataFrame) -> pl.DataFrame:
    """Tell which prices are off, by how much, and what stands around them: before, after, {open, close, bar, high, low}_off."""
    bars = bars.with_columns(
        before=pl.col("close").shift(1).over("asset"),
        after=pl.col("open").shift(-1).over("asset"),
        usual=_RANGES * (pl.col("high") / pl.col("low")).log().median().over("asset"),
    )
    far = pl.col("usual").clip(_FAR, _SURE)
    into, within, out = (
        (pl.col(later) / pl.col(earlier)).log()
        for earlier, later in (("before", "open"), ("open", "close"), ("close", "after"))
    )

    def returns(there: pl.Expr, back: pl.Expr) -> pl.Expr:
        """Tell whether a price goes far away and comes back; where nothing follows or precedes, beyond doubt."""
        apart = pl.min_horizontal(there.abs(), back.abs()) > pl.when(back.is_null()).then(_SURE).otherwise(far)
        return apart & ((there + back).abs().fill_null(0) < _AGREE)

    top = pl.max_horizontal("open", "close", "before", "after")
    bottom = pl.min_horizontal("open", "close", "before", "after")
    return bars.with_columns(
        open_off=returns(within, into),
        close_off=returns(within, out),
        bar_off=(returns(into, out + within) & (within.abs() < _AGREE) & out.is_not_null()).fill_null(False),
        far=far,
        high_by=(pl.col("high") / top).log(),
        low_by=(bottom / pl.col("low")).log(),
    ).with_columns(high_off=pl.col("high_by") > pl.col("far"), low_off=pl.col("low_by") > pl.col("far"))


def _report_extremes(bars: pl.DataFrame, side: str, findings: Findings) -> None:
    by = pl.col(f"{side}_by")
    around = pl.format("open {}, close {}", shown("open"), shown("close"))
    text = pl.format("the {} of {}, {}, lies far {} all prices around it ({})", pl.lit(side), "asset", shown(side),
                     pl.lit("above" if side == "high" else "below"), around)  # fmt: skip
    off = bars.filter(f"{side}_off")
    severity = findings.severity_of("outlying_extreme")
    done = "it is cut to open and close" if severity == "warning" else "correct it or leave the bar blank"
    findings.add_rows(severity, "outlying_extreme", off, pl.col(side), pl.format("{}; {}", text, pl.lit(done)))
    strange = bars.filter(~pl.col(f"{side}_off") & (by > _STRANGE) & (by > pl.col("usual")))
    findings.add_rows("warning", "outlying_extreme", strange, pl.col(side), pl.format("{}; it stays.", text))


def _repaired(rows: pl.DataFrame, false: pl.Series, high: pl.Series, low: pl.Series) -> pl.DataFrame:
    """Cut highs and lows to open and close, and leave out bars, by their places."""
    if not len(false) + len(high) + len(low):
        return rows
    place = pl.int_range(pl.len())
    rows = rows.with_columns(
        high=pl.when(place.is_in(high.implode())).then(pl.max_horizontal("open", "close")).otherwise("high"),
        low=pl.when(place.is_in(low.implode())).then(pl.min_horizontal("open", "close")).otherwise("low"),
    )
    bar = ~place.is_in(false.implode())
    rows = rows.with_columns(pl.when(bar).then(name).alias(name) for name in (*_PRICES, "volume"))
    acts = (pl.col("dividend") != 0) | (pl.col("split").fill_null(1) != 1)
    return rows.filter(pl.col("open").is_not_null() | acts)
