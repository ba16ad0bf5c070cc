"""Splits and dividends: from the prices of a vendor to split-adjusted prices with dividends per adjusted share."""

import polars as pl

from engine.legible import numeral
from engine.prices.dividends import refuse_adjusted
from engine.prices.findings import Findings, shown
from engine.prices.order import repeats

_FLOAT32 = 2.0**-24  # relative rounding error of a float32
_PRICES = ("open", "high", "low", "close")


def adjust(rows: pl.DataFrame, actions: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Make prices split-adjusted and dividends amounts per adjusted share.

    Where the rows bring splits, the jumps at them tell whether the prices are as they were quoted (then prices are
    divided, and volumes multiplied, by the splits to come) or adjusted already. Dividends in a column of their own
    count per share as it stood on that day. Without such a column they are recovered from the adjusted close.

    Parameters
    ----------
    rows
        Sorted by asset and time: source, row, asset, time, session, open, high, low, close, volume, keep, and where they
        are known adj_close, dividend, split.
    actions
        Dividends and splits of rows that are no bars, as `engine.prices.actions` gives them.

    Returns
    -------
    polars.DataFrame
        With float64 `dividend` (0 where none) and `split` (1 where none, null where the asset's splits are not
        known), without adj_close. A dividend or a split where the asset has no bar is a row without prices.
    """
    absent = [
        pl.lit(None, pl.Float64).alias(name) for name in ("adj_close", "dividend", "split") if name not in rows.columns
    ]
    rows = rows.with_columns(absent)
    if actions.height:
        others = actions.with_columns(keep=pl.lit(False))
        rows = pl.concat([rows, others], how="diagonal").sort("asset", "time", "keep", maintain_order=True)
    _refuse_impossible(rows, findings)
    rows = rows.with_columns(
        # Vendors write 0 for a day without a split.
        split=pl.when(_filled(rows, "split")).then(pl.col("split").replace(0, 1).fill_null(1)),
        given=_filled(rows, "dividend"),
        dividend=pl.col("dividend").fill_null(0),
    )
    rows = _undo_splits(rows, findings)
    rows = _recover_dividends(rows, findings)
    rows = refuse_adjusted(rows, findings)
    return _one_row_a_bar(rows, findings).drop("given", "adj_close", "keep")


def _filled(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Tell the rows of assets for which a column holds something."""
    if rows[name].null_count() in (0, rows.height):
        return pl.lit(rows[name].null_count() == 0)
    return pl.col(name).is_not_null().any().over("asset")


def _refuse_impossible(rows: pl.DataFrame, findings: Findings) -> None:
    for name in ("dividend", "split"):
        findings.add_rows(
            "fatal",
            f"negative_{name}",
            rows.filter(pl.col(name) < 0),
            pl.col(name),
            pl.format(f"{{}} has a {name} of {{}}; correct it", "asset", name),
        )
    findings.stop_if_fatal()


def _undo_splits(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Divide prices by the splits that follow, for the assets whose prices jump at their splits."""
    if not (rows["split"] != 1).any():
        return rows
    before = pl.when("keep").then("close").forward_fill().shift(1).over("asset")
    after = pl.when("keep").then("open").backward_fill().over("asset")
    # Splits without a bar between them make one jump, from the last close to the next open.
    bar = pl.col("keep").cum_sum().shift(1, fill_value=0).over("asset")
    split = rows.with_columns(jump=(after / before).log(), bar=bar, followed=after.is_not_null())
    split = split.filter(pl.col("split") != 1)
    jumps = split.group_by("asset", "bar").agg(pl.col("jump").first(), ratio=pl.col("split").log().sum())
    raw = (
        jumps.drop_nulls("jump")
        .group_by("asset")
        # Prices as quoted fall by the ratio at each split; adjusted ones do not.
        .agg(raw=(pl.col("jump") + pl.col("ratio")).abs().sum() <= pl.col("jump").abs().sum())
        .filter("raw")["asset"]
        .implode()
    )
    quoted = pl.col("asset").is_in(raw)
    findings.add_rows(
        "note",
        "split",
        split.filter(pl.col("jump").is_not_null()),
        pl.col("split"),
        pl.when(quoted)
        .then(pl.format("{} split {} for 1 here; earlier prices are divided by it.", "asset", shown("split")))
        .otherwise(pl.format("{} split {} for 1 here; the prices had been adjusted for it.", "asset", shown("split"))),
    )
    findings.add_rows(
        "warning",
        "split_unseen",
        split.filter(~pl.col("followed")),
        pl.col("split"),
        pl.format(
            "{} split {} for 1 here, and no bar follows to tell whether its prices are adjusted for it; it is left out.",
            "asset",
            shown("split"),
        ),
    )
    rows = rows.with_columns(
        split=pl.when(after.is_null() & pl.col("split").is_not_null()).then(1.0).otherwise("split")
    )
    to_come = pl.col("split").cum_prod(reverse=True).shift(-1, fill_value=1.0).over("asset")
    share = pl.when(quoted).then(to_come).otherwise(1.0)
    return rows.with_columns(*(pl.col(name) / share for name in (*_PRICES, "dividend")), pl.col("volume") * share)


def _recover_dividends(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Tell dividends from the ratio of adjusted close to close, where no column gives them.

    With f = Adj Close / Close, the factor steps at an ex-date t by f[t-1] / f[t] = 1 - D[t] / C[t-1] (the adjustment
    of CRSP, "Data Definitions: Price Adjustment Factors", which Yahoo states it follows), so that
    D[t] = C[t-1] * (1 - f[t-1] / f[t]). Steps within the rounding of the four prices are none: half a unit of the
    last printed decimal of each (for files with two to six), and 32 roundings in float32, in which vendors compute.
    """
    rows = rows.with_columns(wanted=_filled(rows, "adj_close") & ~pl.col("given"))
    unknown = rows["asset"].filter(~rows["wanted"] & ~rows["given"]).rle().struct.field("value")
    if len(unknown):
        names = ", ".join(unknown.head(5)) + (", .." if len(unknown) > 5 else "")
        message = f"the prices of {names} bring no dividends and no adjusted close; they count as paying none."
        findings.add("note", "dividends_unknown", message, value=str(len(unknown)))
    if not rows["wanted"].any():
        return rows.drop("wanted")
    sound = pl.col("wanted") & (pl.col("close") > 0) & (pl.col("adj_close") > 0)
    adjusted, close = (pl.when(sound).then(name).forward_fill().over("asset") for name in ("adj_close", "close"))
    rows = rows.with_columns(adjusted=adjusted, plain=close).with_columns(unit=_half_unit("adjusted").over("asset"))
    factor = pl.col("adjusted") / pl.col("plain")
    rounding = pl.col("unit") * (1 / pl.col("adjusted") + 1 / pl.col("plain"))
    rows = rows.with_columns(
        step=(1 - factor.shift(1) / factor).over("asset"),
        tolerance=(rounding + rounding.shift(1)).over("asset") + 32 * _FLOAT32,
    )
    # A single wrong adjusted close steps up and down again: no dividend does.
    both = (1 - pl.col("step")) * (1 - pl.col("step").shift(-1)) - 1
    undone = (both.abs() <= pl.col("tolerance") + pl.col("tolerance").shift(-1)).over("asset").fill_null(False)
    undone |= undone.shift(1, fill_value=False)
    paid = (pl.col("step") > pl.col("tolerance")).fill_null(False) & ~undone
    wrong = rows.filter(pl.col("step") < -pl.col("tolerance"))
    findings.add_rows(
        "warning",
        "adj_close_falls",
        wrong,
        pl.col("step"),
        pl.format(
            "the adjusted close of {} falls against the close, which no dividend explains; none is counted.", "asset"
        ),
    )
    count, tolerance = rows.select(paid.sum().alias("count"), pl.col("tolerance").max().fill_null(0)).row(0)
    findings.add(
        "note",
        "dividends_recovered",
        f"{count} dividends are recovered from the adjusted close, as D = C[t-1] * (1 - f[t-1] / f[t]) with f = "
        f"adjusted close / close; steps of {numeral(tolerance, 1)} of the price or less can be rounding and count as none.",
        value=str(count),
    )
    amount = (pl.col("plain").shift(1) * pl.col("step")).over("asset")
    return rows.with_columns(dividend=pl.when(paid).then(amount).otherwise("dividend")).drop(
        "wanted", "adjusted", "plain", "unit", "step", "tolerance"
    )


def _half_unit(name: str) -> pl.Expr:
    """Give half a unit of the last decimal in which all values of a column are written; 0 if that is beyond six."""
    unit: pl.Expr = pl.lit(0.0)
    for decimals in (6, 5, 4, 3, 2):
        scaled = pl.col(name) * 10**decimals
        unit = pl.when((scaled - scaled.round()).abs().max() < 1e-3).then(0.5 * 10**-decimals).otherwise(unit)
    return unit


def _one_row_a_bar(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Leave out rows that are no bars, but for those with a dividend or a split; what counts at one bar is put together."""
    if rows["keep"].all():
        return rows
    acts = (pl.col("dividend") != 0) | (pl.col("split").fill_null(1) != 1)
    listed = pl.col("time") >= pl.col("time").filter("keep").min().over("asset")
    early = rows.filter(acts & ~listed)
    text = "{} has a dividend of {} or a split before its first bar; nobody can hold it then, and it is left out."
    findings.add_rows(
        "note", "action_before_listing", early, pl.col("dividend"), pl.format(text, "asset", shown("dividend"))
    )
    # A market ends with its prices: one late action would add a year of bars without any.
    ended = pl.col("time") > rows["time"].filter(rows["keep"]).max()
    text = "{} has a dividend of {} or a split here, after the last bar of these prices; it is left out."
    findings.add_rows(
        "warning",
        "action_to_come",
        rows.filter(acts & listed & ended),
        pl.col("dividend"),
        pl.format(text, "asset", shown("dividend")),
    )
    rows = rows.filter(pl.col("keep") | (acts & listed & ~ended))
    again = repeats()
    if rows.select(again.any()).item():
        key = ("asset", "time")
        rows = rows.with_columns(
            pl.col("dividend").sum().over(key),
            pl.when(pl.col("split").is_not_null()).then(pl.col("split").product().over(key)).alias("split"),
        ).unique(key, keep="last", maintain_order=True)
    alone = rows.filter(~pl.col("keep") & (pl.col("dividend") != 0))
    text = "{} pays {} here, where it has no bar; whoever holds it is paid."
    findings.add_rows(
        "note", "dividend_without_bar", alone, pl.col("dividend"), pl.format(text, "asset", shown("dividend"))
    )
    return rows.with_columns(pl.when("keep").then(name).alias(name) for name in (*_PRICES, "volume"))
