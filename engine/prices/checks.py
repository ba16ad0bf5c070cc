"""What is wrong with the rows of a price table, once each has its bar."""

import math

import numpy as np
import polars as pl

from engine.calendars import Instants
from engine.legible import numeral
from engine.prices.findings import Findings, counted, shown
from engine.prices.order import begins, repeats
from engine.prices.placing import Grid

_ROUNDING = 1e-6  # relative; vendors compute in float32
_SLIGHT = 0.01  # an open or close this far outside the bar widens the bar; further out, the bar is left out
_MANY = 0.05  # a share of bars beyond which the table is wrong, not the bar

_RATIOS = (1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100)
_REVERSE_FROM = 2  # no reverse split is 2 for 3 often enough to be told from a rise by half
_OPEN_SHARE, _OPEN_MOST, _CLOSE_MOST = 0.08, 0.10, 0.15  # logs; see unadjusted_splits
_LEAST = 0.9 * math.log(1.5)  # the least jump that any ratio explains
_CALM = 2.5
_MEDIAN_OF = 20  # sessions

_PRICES = ("open", "high", "low", "close")
_VALUES = (*_PRICES, "volume", "adj_close", "dividend", "split")


def check_order(rows: pl.DataFrame, source: str, findings: Findings) -> None:
    """Note a table whose rows do not stand in order of time; they will be sorted."""
    instant = pl.coalesce("instant", pl.col("local").dt.replace_time_zone("UTC"))
    falls = instant.diff() < pl.duration(days=0)
    if rows["asset"].is_sorted() and not rows.select((falls & ~begins()).any()).item():
        return
    back = rows.filter(falls.over("asset"))
    if back.height:
        row, time = back.select("row", "local").row(0)
        message = f"rows do not stand in order of time (out of order: {back.height}, this the first); sorted."
        findings.add("note", "unsorted", message, source=source, row=row, value=str(time))


def drop_duplicates(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Leave one row to each bar of an asset: equal rows are a warning, rows that differ stop the import.

    Parameters
    ----------
    rows
        Sorted by asset and time, and within those by source and row.
    """
    rows = rows.with_columns(again=repeats())
    if not rows["again"].any():
        return rows.drop("again")
    values = [name for name in _VALUES if name in rows.columns]
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in values)
    rows = rows.with_columns(equal=equal)
    when = pl.col("time").dt.to_string("%Y-%m-%d %H:%M")
    findings.add_rows(
        "warning",
        "duplicate",
        rows.filter(pl.col("again") & pl.col("equal")),
        pl.col("close"),
        pl.format("{} at {} UTC stands here again, with equal values; left out.", "asset", when),
    )
    findings.add_rows(
        findings.severity_of("conflicting_duplicate"),
        "conflicting_duplicate",
        rows.filter(pl.col("again") & ~pl.col("equal")),
        pl.col("close"),
        pl.format(
            "{} at {} UTC stands here again, with other values (close {}); leave one out", "asset", when, shown("close")
        ),
    )
    # The row of a live day that was fetched later may lack the dividend of the first.
    acts = {"dividend": pl.col("dividend") != 0, "split": ~pl.col("split").is_in([0.0, 1.0])}
    rows = rows.with_columns(
        pl.coalesce(pl.col(name).filter(given).last().over("asset", "time"), name).alias(name)
        for name, given in acts.items()
        if name in rows.columns
    )
    return rows.unique(("asset", "time"), keep="last", maintain_order=True).drop("again", "equal")


def check_bars(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Tell which rows are bars.

    A row without one of open, high, low and close is none. Prices of zero or less and a high below the low stop the
    import. An open or close outside the bar is listed: up to 1 % outside, high and low are widened to hold it; beyond
    that the row is no bar; in more than 5 % of an asset's rows, it stops the import.

    Returns
    -------
    polars.DataFrame
        With bool `keep` in place of `readable`, and high and low that hold open and close.
    """
    within = (pl.col(name).is_between("low", "high") for name in ("open", "close"))
    flawless = pl.all_horizontal("readable", pl.col("low") > 0, *within).fill_null(False)  # null: a price is missing
    flawed = rows.filter(~flawless)["asset"].unique()
    if flawed.is_empty():
        return _report_volumes(rows, findings).with_columns(keep=pl.lit(True)).drop("readable")
    priced = pl.all_horizontal(pl.col(name).is_not_null() for name in _PRICES) & pl.col("readable")
    positive = pl.all_horizontal(pl.col(name) > 0 for name in _PRICES)
    ordered = pl.col("high") >= pl.col("low") * (1 - _ROUNDING)
    top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    outside = pl.max_horizontal(top / pl.col("high") - 1, 1 - bottom / pl.col("low"))
    rows = rows.with_columns(priced=priced).with_columns(
        positive=positive | ~pl.col("priced"), ordered=ordered | ~pl.col("priced")
    )
    sound = pl.col("priced") & pl.col("positive") & pl.col("ordered")
    rows = rows.with_columns(outside=pl.when(sound).then(outside).fill_null(0.0), sound=sound)
    _report_bars(rows.filter(pl.col("asset").is_in(flawed.implode())), findings)
    rows = _report_volumes(rows, findings)
    return rows.with_columns(
        keep=pl.col("sound") & (pl.col("outside") <= _SLIGHT),
        high=pl.max_horizontal("open", "high", "low", "close"),
        low=pl.min_horizontal("open", "high", "low", "close"),
    ).drop("readable", "priced", "positive", "ordered", "outside", "sound")


def _report_bars(rows: pl.DataFrame, findings: Findings) -> None:
    empty = rows.filter(~pl.col("priced") & pl.col("readable"))
    findings.add_rows(
        "warning",
        "no_price",
        empty.group_by("source", "asset", maintain_order=True).agg(pl.len(), pl.col("row", "time").first()),
        pl.col("len"),
        pl.format("{} of {} without a price, this the first; no bars.", counted("len", "row"), "asset"),
    )
    findings.add_rows(
        findings.severity_of("nonpositive_price"),
        "nonpositive_price",
        rows.filter(~pl.col("positive")),
        pl.min_horizontal(_PRICES),
        pl.format(
            "{} has a price of {}; prices are above zero, so correct it or leave it blank",
            "asset",
            pl.min_horizontal(_PRICES),
        ),
    )
    findings.add_rows(
        findings.severity_of("high_below_low"),
        "high_below_low",
        rows.filter(pl.col("positive") & ~pl.col("ordered")),
        pl.col("high"),
        pl.format("the high of {}, {}, lies below its low, {}; correct it or leave it blank", "asset", "high", "low"),
    )
    beyond = pl.col("outside") > _ROUNDING
    bad = rows.filter(beyond.any().over("asset")).with_columns(
        share=beyond.mean().over("asset"), count=beyond.sum().over("asset")
    )
    bad = bad.filter(beyond)
    edge = pl.format(
        "{} has open {} and close {} outside its low {} and high {}",
        "asset",
        *map(shown, ("open", "close", "low", "high")),
    )
    many = (pl.col("share") > _MANY) & (pl.col("count") >= 5)
    findings.add_rows(
        findings.severity_of("outside_range"),
        "outside_range",
        bad.filter(many),
        pl.col("outside"),
        pl.format("{}, as do {} of its bars; the columns may be mixed up", edge, "count"),
    )
    slight = pl.col("outside") <= _SLIGHT
    done = pl.when(slight).then(pl.lit("the bar is widened to hold them.")).otherwise(pl.lit("the row is no bar."))
    findings.add_rows("warning", "outside_range", bad.filter(~many), pl.col("outside"), pl.format("{}; {}", edge, done))


def _report_volumes(rows: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    findings.add_rows(
        "warning",
        "negative_volume",
        rows.filter(pl.col("volume") < 0),
        pl.col("volume"),
        pl.format("{} has a volume of {}; it counts as unknown.", "asset", "volume"),
    )
    zero = rows.filter(pl.col("volume") == 0)
    counts = rows.filter(pl.col("asset").is_in(zero["asset"].unique().implode())).group_by("asset").len("of")
    zero = zero.group_by("source", "asset", maintain_order=True).agg(pl.len(), pl.col("row", "time").first())
    findings.add_rows(
        "warning",
        "zero_volume",
        zero.join(counts, on="asset", maintain_order="left"),
        pl.col("len"),
        pl.format("{} of {} rows of {} have a volume of 0, this the first.", "len", "of", "asset"),
    )
    return rows.with_columns(volume=pl.when(pl.col("volume") >= 0).then("volume"))


def check_splits(rows: pl.DataFrame, findings: Findings) -> None:
    """Find sessions that open where a split would have left the price.

    A jump by a ratio k is taken for a split when the log of open over previous close lies within 0.08 ln k of ln k
    (0.10 at most; half of that where volumes are unknown), the close within 0.15, and trading was calm: neither the
    shares nor the money traded were 2.5 times their median over 20 sessions. Splits leave the money traded as it was,
    while news that halves a price brings many times the usual trade (Apple fell 52 % on 2000-09-29 at ten times).

    Parameters
    ----------
    rows
        Bars, adjusted for the splits that are known, sorted by asset and time.
    """
    # Few assets ever jump as far.
    step, least = pl.col("open") / pl.col("close").shift(1), math.exp(0.99 * _LEAST)
    jumps = ~step.is_between(1 / least, least) & ~begins()
    rows = rows.filter(pl.col("asset").is_in(rows.filter(jumps)["asset"].unique().implode()))
    sessions = rows.group_by("asset", "session", maintain_order=True).agg(
        pl.col("source", "row", "time", "open").first(), pl.col("close").last(), pl.col("volume").sum()
    )
    money = pl.col("close") * pl.col("volume")
    trade = [
        (traded / traded.shift(1).rolling_median(_MEDIAN_OF, min_samples=1)).over("asset")
        for traded in (pl.col("volume"), money)
    ]
    before = pl.col("close").shift(1).over("asset")
    sessions = sessions.with_columns(
        before=before, jump=(pl.col("open") / before).log(), drift=(pl.col("close") / before).log()
    )
    sessions = sessions.with_columns(trade=pl.min_horizontal(*trade)).filter(pl.col("jump").abs() > _LEAST)
    ratios = [
        *((k, f"{numeral(k)} for 1") for k in _RATIOS),
        *((1 / k, f"1 for {numeral(k)}") for k in _RATIOS if k >= _REVERSE_FROM),
    ]
    candidates = sessions.join(pl.DataFrame(ratios, schema=["ratio", "name"], orient="row"), how="cross")
    log = pl.col("ratio").log()
    known = pl.col("trade").is_finite().fill_null(False) & (pl.col("trade") > 0)
    allowed = pl.min_horizontal(_OPEN_SHARE * log.abs(), pl.lit(_OPEN_MOST)) * pl.when(known).then(1.0).otherwise(0.5)
    found = (
        candidates.with_columns(miss=(pl.col("jump") + log).abs())
        .filter(
            (pl.col("miss") <= allowed)
            & ((pl.col("drift") + log).abs() <= _CLOSE_MOST)
            & (~known | (pl.col("trade") < _CALM))
        )
        .sort("asset", "session", "miss")
        .unique(("asset", "session"), keep="first", maintain_order=True)
    )
    findings.add_rows(
        findings.severity_of("unadjusted_split"),
        "unadjusted_split",
        found,
        pl.col("open"),
        pl.format(
            "{} opens at {} on {} after a close of {}, like an unadjusted split of {}; add a split column, or import "
            "adjusted prices",
            "asset",
            shown("open"),
            "session",
            shown("before"),
            "name",
        ),
    )


def check_gaps(rows: pl.DataFrame, grid: Grid, findings: Findings) -> None:
    """Compare the bars of each asset with the calendar's: holes, late starts and early ends.

    Parameters
    ----------
    rows
        Bars, sorted by asset and time.
    """
    opens = np.intersect1d(grid.opens, grid.regular)  # outside hours, bars without trades are the rule
    if len(opens) < len(grid.opens):
        rows = rows.filter(pl.col("time").to_physical().is_in(pl.Series(opens).implode()))
    if rows.is_empty():
        return
    spans = _spans(rows, opens)
    # Only an asset with holes has fewer bars than the calendar has from its first to its last.
    holed = spans.filter(pl.col("last") - pl.col("late") + 1 > pl.col("bars"))["asset"]
    some = rows.filter(pl.col("asset").is_in(holed.implode()))
    some = some.with_columns(
        bar=pl.Series(np.searchsorted(opens, some["time"].to_physical().to_numpy()), dtype=pl.Int64)
    )
    hole = (pl.col("bar").diff().over("asset") - 1).fill_null(0)
    holes = some.with_columns(missing=hole).filter(pl.col("missing") > 0)
    if grid.interval == "1d":
        text = pl.format("{} has no bar for {} before {}.", "asset", counted("missing", "session"), "session")
        findings.add_rows("warning", "gap", holes, pl.col("missing"), text)
    else:
        total = holes.group_by("source", "asset", maintain_order=True).agg(
            pl.col("missing").sum(),
            pl.len().alias("holes"),
            pl.col("missing").max().alias("longest"),
            pl.col("row", "time").first(),
        )
        text = pl.format(
            "{} has no bar {} times, in {} holes of up to {} bars, the first before this row.",
            "asset",
            "missing",
            "holes",
            "longest",
        )
        findings.add_rows("warning", "gap", total, pl.col("missing"), text)
        _check_last_session(rows, grid, findings)
    spans = spans.with_columns(early=len(opens) - 1 - pl.col("last"))
    late, early = (
        spans.filter(pl.col("late") > 0),
        spans.filter(pl.col("early") > 0).drop("time").rename({"end": "time"}),
    )
    text = pl.format("{} begins {} after the market's first.", "asset", counted("late", "bar"))
    findings.add_rows("note", "late_start", late, pl.col("late"), text)
    text = pl.format("{} ends {} before the market's last.", "asset", counted("early", "bar"))
    findings.add_rows("warning", "early_end", early, pl.col("early"), text)


def _spans(rows: pl.DataFrame, opens: Instants) -> pl.DataFrame:
    """Give the first bar of each asset (`late`), its `last`, and how many it has."""
    runs = rows["asset"].rle().struct.unnest().cast({"len": pl.Int64})
    ends = runs["len"].cum_sum().to_numpy() - 1
    starts = ends - runs["len"].to_numpy() + 1
    time, source = rows["time"], rows["source"]
    times = time.to_physical().to_numpy()
    return pl.DataFrame(
        {
            "asset": runs["value"],
            "source": source[ends],
            "time": time[starts],
            "end": time[ends],
            "bars": runs["len"],
            "late": np.searchsorted(opens, times[starts]),
            "last": np.searchsorted(opens, times[ends]),
        }
    )


def _check_last_session(rows: pl.DataFrame, grid: Grid, findings: Findings) -> None:
    whole = grid.regular[grid.regular_sessions == grid.sessions[-1]]
    there = int(np.isin(whole, grid.opens).sum())
    if there < len(whole):
        day = grid.sessions[-1]
        message = f"the last session, {day}, has {there} of its {len(whole)} bars; it is cut short."
        findings.add("warning", "short_session", message, source=rows["source"][-1], value=str(there))
