"""Whether prices beside a column of dividends have been lowered by them already, so that they would count twice."""

import math

import polars as pl

from engine.prices.findings import Findings, counted, shown

_LEAST = 4  # ex-dates; fewer are a matter of chance
_RARE = 15  # bars to an ex-date at least: the shortest usual period of payment, a month, has 21
_LARGEST, _DOUBTFUL = 0.1, 0.25  # of the price: a payment above it, as in a spin-off, says nothing of those that recur
_MOST = 3.5  # what one ex-date may add to the evidence: a single one never decides
_EVIDENCE = 7.0  # log of the odds at which prices count as lowered, and of those at which they surely are not
_AROUND = 20  # bars on either side of the last ex-date whose prices are looked at
_ROUNDING = 1.5e-7  # relative: a price in float32, divided and multiplied by splits

_PRICES = ("open", "high", "low", "close")


def refuse_adjusted(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Find prices from which the dividends beside them have been taken, as yfinance does by default.

    A share opens lower by its dividend y on the ex-date; where prices were lowered before, it does not. With r the return
    from the last close to the open, less its median, and s its deviation (1.4826 median absolute deviations) on all other
    days, the log of the odds between the two is the sum over ex-dates of -y (r + y / 2) / s^2, each kept within 3.5. Below
    -(7 + the log of how many assets pay), prices count as lowered: by chance, in one import of 1,100 (Wald, "Sequential
    Tests of Statistical Hypotheses", 1945, section 3). Returns from close to close must not say the contrary, as where
    opens are made up. Assets of which none tells alone are weighed together, by the mean of those with the same ex-date; what
    they tell is a warning.

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
    sessions = _weighed(_sessions(rows.filter(pl.col("asset").is_in(payers))))
    _doubt_large(sessions, findings)
    told = _reasons(sessions)
    unsure = told.filter(pl.col("reason").is_null() & ~pl.col("sure"))["asset"]
    together = _together(sessions.filter(pl.col("asset").is_in(unsure.implode())))
    if len(unsure) and together <= _EVIDENCE:
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
    lowered = told.filter(pl.col("reason").is_not_null())
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


def _doubt_large(sessions: pl.DataFrame, findings: Findings) -> None:
    """Warn of dividends above a quarter of the price, which then does not fall by half of them: perhaps a misplaced decimal."""
    large = (pl.col("share") > _DOUBTFUL) & (pl.col("open") / pl.col("before") - 1 > -pl.col("share") / 2)
    findings.add_rows(
        "warning",
        "doubtful_dividend",
        sessions.filter(large),
        pl.col("dividend"),
        pl.format(
            "{} pays {} after a close of {}, and opens at {}: it counts, though the price does not show it.",
            "asset",
            *(shown(price) for price in ("dividend", "before", "open")),
        ),
    )


def _reasons(sessions: pl.DataFrame) -> pl.DataFrame:
    """Tell for each asset why its prices count as lowered, if they do, and whether they surely are not (`sure`)."""
    paying = pl.col("dividend") > 0
    told = sessions.group_by("asset", maintain_order=True).agg(
        pl.col("source", "row", "time").filter(paying).first(),
        pl.col("evidence", "slow").sum(),
        count=paying.sum(),
    )
    for more in (_by_cents(sessions), _by_adjusted_close(sessions)):
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


def _together(sessions: pl.DataFrame) -> float:
    """Weigh the evidence of all assets, those with one ex-date by their mean, as they moved alike."""
    days = sessions.group_by("session").agg(pl.col("evidence", "slow").mean()).drop_nulls()
    evidence, slow = days.select(pl.col("evidence", "slow").sum()).row(0)
    return 0.0 if days.height < _LEAST or (evidence < 0 and slow >= _MOST) else float(evidence)


def _sessions(rows: pl.DataFrame) -> pl.DataFrame:
    """Put the bars of a session together, and the dividends since the session before."""
    bar = pl.col("keep").cum_sum().shift(1, fill_value=0).over("asset")
    rows = rows.with_columns(bar=bar).with_columns(pl.col("dividend").sum().over("asset", "bar"))
    rows = rows.filter("keep").with_columns(
        quoting=pl.col("split").fill_null(1).cum_prod(reverse=True).shift(-1, fill_value=1.0).over("asset")
    )
    return (
        rows.group_by("asset", "session", maintain_order=True)
        .agg(
            pl.col("source", "row", "time", "open", "quoting").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close", "adj_close").last(),
            pl.col("dividend").sum(),
        )
        .with_columns(before=pl.col("close").shift(1).over("asset"), factor=pl.col("adj_close") / pl.col("close"))
        .with_columns(share=pl.col("dividend") / pl.col("before"))
    )


def _weighed(sessions: pl.DataFrame) -> pl.DataFrame:
    """Weigh what the return of each ex-date says: `evidence` from close to open, `slow` from close to close."""
    paying, plain = pl.col("share") > 0, pl.col("share") == 0
    counts = (plain.sum() >= (_RARE - 1) * paying.sum()).over("asset")
    usual = paying & (pl.col("share") < _LARGEST) & counts
    for name, price in (("evidence", "open"), ("slow", "close")):
        move = pl.col(price) / pl.col("before") - 1
        off = move - move.filter(plain).median().over("asset")
        spread = 1.4826 * off.filter(plain).abs().median().over("asset")
        odds = -pl.col("share") * (off + pl.col("share") / 2) / spread**2
        sessions = sessions.with_columns(pl.when(usual & (spread > 0)).then(odds.clip(-_MOST, _MOST)).alias(name))
    return sessions


def _by_cents(sessions: pl.DataFrame) -> pl.DataFrame:
    """Tell the assets whose prices are whole cents from the last ex-date on, and not before; `cents`."""
    last = pl.int_range(pl.len()).filter(pl.col("dividend") > 0).max().over("asset")
    near = sessions.with_columns(place=pl.int_range(pl.len()).over("asset") - last)
    near = near.filter(pl.col("place").is_between(-_AROUND, _AROUND - 1))
    near = near.unpivot(_PRICES, index=("asset", "place", "quoting"), value_name="price")
    cents = pl.col("price") * pl.col("quoting") * 100
    doubt = cents * _ROUNDING + 1e-6
    near = near.with_columns(whole=(cents - cents.round()).abs() <= doubt, doubt=doubt)
    after, before = (pl.col("whole").filter(pl.col("place") >= 0), pl.col("whole").filter(pl.col("place") < 0))
    some = pl.col("price").filter(pl.col("place") >= 0).n_unique() >= 3
    many = some & (before.len() >= 3 * len(_PRICES)) & (pl.col("doubt").max() < 0.05)
    return near.group_by("asset").agg(cents=many & (after.mean() > 0.75) & (before.mean() < 0.25))


def _by_adjusted_close(sessions: pl.DataFrame) -> pl.DataFrame:
    """Tell where the adjusted close steps by the dividends (`quoted`), and where it equals the close (`same`)."""
    step = 1 - pl.col("factor").shift(1).over("asset") / pl.col("factor")
    part = (step / pl.col("share")).filter(pl.col("share") > 2e-5)
    return (
        sessions.with_columns(step=step)
        .group_by("asset")
        .agg(
            quoted=part.median().is_between(0.5, 1.5),
            same=(pl.col("factor") - 1).abs().max() <= 1e-6,
        )
    )
