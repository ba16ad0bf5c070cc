"""Whether prices beside a column of dividends have been lowered by them already, so that they would count twice."""

import math

import polars as pl

from engine.prices.findings import Findings, counted, shown
from engine.prices.order import begins

_LEAST = 4  # ex-dates; fewer are a matter of chance
_RARE = 15  # bars to an ex-date at least: the shortest usual period of payment, a month, has 21
_LARGEST, _DOUBTFUL = 0.1, 0.25  # of the price: a payment above it, as in a spin-off, says nothing of those that recur
_MOST = 3.5  # what one ex-date may add to the evidence: a single one never decides
_EVIDENCE = 7.0  # log of the odds at which prices count as lowered, and of those at which they surely are not
_NORMAL_RANGE = 1.349  # the interquartile range of a normal distribution, in deviations
_AROUND = 20  # bars on either side of the last ex-date whose prices are looked at
_ROUNDING = 1.5e-7  # relative: a price in float32, divided and multiplied by splits

_PRICES = ("open", "high", "low", "close")


def refuse_adjusted(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Find prices from which the dividends beside them have been taken, as yfinance does by default.

    A share opens lower by its dividend y on the ex-date; where prices were lowered before, it does not. With r the return
    from the last close to the open, less its median, and s its deviation (the interquartile range / 1.349) on all other
    days, the log of the odds between the two is the sum over ex-dates of -y (r + y / 2) / s^2, each kept within 3.5. Below
    -(7 + the log of how many assets pay), prices count as lowered: by chance, in one import of 1,100 (Wald, "Sequential
    Tests of Statistical Hypotheses", 1945, section 3). Returns from close to close must not say the contrary, as where
    opens are made up. Assets of which none tells alone are weighed together, by the mean of those with the same ex-date; what
    they tell is a warning, and counts where another asset was found lowered.

    Or, with a single dividend: prices after the last ex-date are whole cents, and those before are not, since only they
    were multiplied by a factor. Or there is an adjusted close, and it equals the close through all dividends.

    Parameters
    ----------
    rows
        Adjusted for splits: asset, time, session, open, high, low, close, adj_close, dividend, split, keep, given.

    Returns
    -------
    polars.DataFrame
        Where this was accepted, without the dividends of such assets.
    """
    paying = pl.col("given") & (pl.col("dividend") > 0)
    if not rows.select(paying.any()).item():
        return rows
    payers = rows.filter(paying)["asset"].unique().implode()
    sessions = _sessions(rows.filter(pl.col("asset").is_in(payers)))
    dates = _ex_dates(sessions)
    if dates.is_empty():  # all of them after the last bars
        return rows
    _doubt_large(dates, findings)
    told = _reasons(dates, sessions)
    unsure = told.filter(pl.col("reason").is_null() & ~pl.col("sure"))["asset"]
    together = _together(dates.filter(pl.col("asset").is_in(unsure.implode())))
    alike = pl.col("asset").is_in(unsure.implode())
    if together < -_EVIDENCE and told["reason"].count():
        reason = pl.lit(
            "others here are lowered, and with those that cannot be told alone it opens no lower on ex-dates"
        )
        told = told.with_columns(reason=pl.when(alike).then(reason).otherwise("reason"))
    elif len(unsure) and together <= _EVIDENCE:
        names = ", ".join(unsure.head(5)) + (", .." if len(unsure) > 5 else "")
        doubtful = together < -_EVIDENCE
        why = "all together say that the prices are" if doubtful else "do not tell whether the prices are"
        findings.add(
            "warning" if doubtful else "note",
            "dividends_unverified",
            f"the dividends of {names} are each too few, or too small beside the moves of a day, and {why} lowered by them "
            "already; they count as not.",
            value=str(len(unsure)),
        )
    lowered = told.filter(pl.col("reason").is_not_null()).sort(alike, maintain_order=True)
    severity = findings.severity_of("dividends_in_prices")
    remedy = (
        "its dividends are left out"
        if severity == "warning"
        else "import prices that are not adjusted for dividends (yfinance: auto_adjust=False), or leave out the column of "
        "dividends"
    )
    findings.add_rows(
        severity,
        "dividends_in_prices",
        lowered,
        pl.col("count"),
        pl.format(
            "{} has {}, and {}: its prices seem to be lowered by dividends already, which would count twice; {}",
            "asset",
            counted("count", "dividend"),
            "reason",
            pl.lit(remedy),
        ),
    )
    kept = ~pl.col("asset").is_in(lowered["asset"].implode())
    return rows.with_columns(dividend=pl.when(kept).then("dividend").otherwise(0.0)) if lowered.height else rows


def _doubt_large(dates: pl.DataFrame, findings: Findings) -> None:
    """Warn of dividends above a quarter of the price, which then does not fall by half of them: perhaps a misplaced decimal."""
    large = (pl.col("share") > _DOUBTFUL) & (pl.col("open") / pl.col("before") - 1 > -pl.col("share") / 2)
    findings.add_rows(
        "warning",
        "doubtful_dividend",
        dates.filter(large),
        pl.col("dividend"),
        pl.format(
            "{} pays {} after a close of {}, and opens at {}: it counts, though the price does not show it.",
            "asset",
            *(shown(price) for price in ("dividend", "before", "open")),
        ),
    )


def _reasons(dates: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Tell for each asset why its prices count as lowered, if they do, and whether they surely are not (`sure`)."""
    # The adjusted close steps by each dividend where the close does not hold it already.
    step = (1 - pl.col("factor_before") / pl.col("factor")) / pl.col("share")
    told = dates.group_by("asset", maintain_order=True).agg(
        pl.col("source", "row", "time").first(),
        pl.col("evidence", "slow").sum(),
        count=pl.len(),
        quoted=step.filter(pl.col("share") > 2e-5).median().is_between(0.5, 1.5),
    )
    same = sessions.group_by("asset").agg(same=((pl.col("adj_close") / pl.col("close") - 1).abs().max() <= 1e-6))
    for more in (_by_cents(sessions), same):
        told = told.join(more, on="asset", how="left", maintain_order="left")
    told = told.with_columns(pl.col("quoted", "same", "cents").fill_null(False))
    limit = -_EVIDENCE - math.log(told.height)
    by_returns = (pl.col("count") >= _LEAST) & (pl.col("evidence") < limit) & (pl.col("slow") < _MOST)
    return told.with_columns(
        sure=pl.col("quoted") | (pl.col("evidence") > _EVIDENCE),
        reason=pl.when("quoted")
        .then(None)
        .when("same")
        .then(pl.lit("its adjusted close equals its close through all of them"))
        .when("cents")
        .then(pl.lit("its prices are whole cents after the last of them, and not before"))
        .when(by_returns)
        .then(pl.lit("its opens on ex-dates are not lower by them")),
    )


def _together(dates: pl.DataFrame) -> float:
    """Weigh the evidence of all assets, those with one ex-date by their mean, as they moved alike."""
    days = dates.group_by("session").agg(pl.col("evidence", "slow").mean()).drop_nulls()
    evidence, slow = days.select(pl.col("evidence", "slow").sum()).row(0)
    return 0.0 if days.height < _LEAST or (evidence < 0 and slow >= _MOST) else float(evidence)


def _sessions(rows: pl.DataFrame) -> pl.DataFrame:
    """Give one row to each session of an asset, with the dividends since the session before, and what stood before it."""
    if not rows["keep"].all():
        bar = pl.col("keep").cum_sum().shift(1, fill_value=0).over("asset")
        rows = rows.with_columns(bar=bar).with_columns(pl.col("dividend").sum().over("asset", "bar")).filter("keep")
    again = ~begins() & (pl.col("session") == pl.col("session").shift(1))
    if rows.select(again.any()).item():
        rows = rows.group_by("asset", "session", maintain_order=True).agg(
            pl.col("source", "row", "time", "open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close", "adj_close").last(),
            pl.col("dividend").sum(),
            pl.col("split").product(),
        )
    before = pl.when(~begins()).then(pl.col("close").shift(1))
    return rows.with_columns(
        before=before, share=pl.col("dividend") / before, factor=pl.col("adj_close") / pl.col("close")
    )


def _ex_dates(sessions: pl.DataFrame) -> pl.DataFrame:
    """List the ex-dates with what the return of each says: `evidence` from close to open, `slow` from close to close."""
    fast, slow = (pl.col(price) / pl.col("before") - 1 for price in ("open", "close"))
    sessions = sessions.with_columns(fast=fast, slow=slow, factor_before=pl.col("factor").shift(1))
    dates, plain = sessions.filter(pl.col("dividend") > 0), sessions.filter(pl.col("share") == 0)
    usual = plain.group_by("asset").agg(
        pl.len().alias("days"),
        *(pl.col(name).median().alias(f"{name}_usual") for name in ("fast", "slow")),
        *(
            (pl.col(name).quantile(0.75) - pl.col(name).quantile(0.25)).alias(f"{name}_range")
            for name in ("fast", "slow")
        ),
    )
    dates = dates.join(usual, on="asset", how="left", maintain_order="left")
    rare = pl.col("days") >= (_RARE - 1) * pl.len().over("asset")
    for name, kept in (("fast", "evidence"), ("slow", "slow")):
        off, spread = pl.col(name) - pl.col(f"{name}_usual"), pl.col(f"{name}_range") / _NORMAL_RANGE
        odds = -pl.col("share") * (off + pl.col("share") / 2) / spread**2
        counts = rare & (pl.col("share") < _LARGEST) & (spread > 0)
        dates = dates.with_columns(pl.when(counts).then(odds.clip(-_MOST, _MOST)).alias(kept))
    return dates


def _by_cents(sessions: pl.DataFrame) -> pl.DataFrame:
    """Tell the assets whose prices are whole cents from the last ex-date on, and not before; `cents`."""
    place = pl.int_range(pl.len())
    last = place.filter(pl.col("dividend") > 0).max().over("asset")
    later = pl.col("split").fill_null(1).cum_prod(reverse=True).shift(-1, fill_value=1.0).over("asset")
    near = sessions.select("asset", *_PRICES, quoted=later * 100, place=place.over("asset") - last)
    near = near.filter(pl.col("place").is_between(-_AROUND, _AROUND - 1))
    near = near.unpivot(_PRICES, index=("asset", "place", "quoted"), value_name="price")
    cents = pl.col("price") * pl.col("quoted")
    doubt = cents * _ROUNDING + 1e-6
    near = near.with_columns(whole=(cents - cents.round()).abs() <= doubt, doubt=doubt)
    after, before = (pl.col("whole").filter(pl.col("place") >= 0), pl.col("whole").filter(pl.col("place") < 0))
    some = pl.col("price").filter(pl.col("place") >= 0).n_unique() >= 3
    many = some & (before.len() >= 3 * len(_PRICES)) & (pl.col("doubt").max() < 0.05)
    return near.group_by("asset").agg(cents=many & (after.mean() > 0.75) & (before.mean() < 0.25))
