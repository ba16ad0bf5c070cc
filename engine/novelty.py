"""How new each event is: what was told of its assets shortly before, by whatever document, source or language."""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.clock import parse_delay
from engine.faults import Fault
from engine.number import shown

#: After so long an earlier telling counts half.
HALF_LIFE: Final = dt.timedelta(days=3)
_CLAIM: Final = ("kind", "bearish", "asset")
_TELLING: Final = (*_CLAIM, "known_at", "doc_id")


def novelty(events: pl.DataFrame, half_life: dt.timedelta | str = HALF_LIFE) -> pl.Series:
    """Say how new each event is, by what could be known before it.

    novelty = 1 / (1 + sum over earlier tellings of 2^(-age / half_life))

    A telling is a document that makes the like claim (same kind, stance of the same side) about the same asset; it is earlier where its
    `known_at` is, or, of the same instant, its `doc_id`. What one document says at one instant is one telling. Of an event with
    several assets it is the mean over these. Nothing later changes it. Ours; no source.

    Parameters
    ----------
    events
        With the columns of `engine.event_table.SCHEMA`, in any order.
    half_life
        After so long an earlier telling counts half: a timedelta, or such as "3d".

    Returns
    -------
    polars.Series
        Float64 in 0..1, one for each row, rounded to 6 decimals.

    Raises
    ------
    Fault
        Where `half_life` is no length of time above zero.

    Examples
    --------
    >>> at = [dt.datetime(2025, 1, day, tzinfo=dt.UTC) for day in (1, 1, 4)]
    >>> told = {"kind": ["panic_drop"] * 3, "stance": [-1.0] * 3, "assets": [["NVDA"]] * 3, "doc_id": ["a", "b", "c"], "known_at": at}
    >>> novelty(pl.DataFrame(told)).to_list()  # the third: 1 / (1 + 1/2 + 1/2)
    [1.0, 0.5, 0.5]
    """
    length = _above_zero(half_life)
    told = (
        events.select("kind", (pl.col("stance") < 0).alias("bearish"), pl.col("assets").alias("asset"), "known_at", "doc_id")
        .with_row_index("row")
        .explode("asset")
        .sort(*_TELLING)
        .with_columns(claim=pl.struct(_CLAIM).rle_id(), telling=pl.struct(_TELLING).rle_id())
    )  # fmt: skip
    tellings = told.unique("telling", keep="first", maintain_order=True)
    before = _decayed(tellings["claim"].to_numpy(), tellings["known_at"].dt.epoch("us").to_numpy(), length)
    share = told.select("row", novelty=pl.Series(1.0 / (1.0 + before))[told["telling"]])
    whole = share.group_by("row").agg(pl.col("novelty").mean()).sort("row")["novelty"]
    return whole.round(6)


def _above_zero(half_life: dt.timedelta | str) -> dt.timedelta:
    try:
        length = parse_delay(half_life)
    except Fault:
        length = dt.timedelta(0)
    if not length:
        raise Fault(f"half_life must be a length of time above zero (got {shown(half_life)}); give one, such as '3d'.")
    return length


def _decayed(
    claims: npt.NDArray[np.uint32], times: npt.NDArray[np.int64], half_life: dt.timedelta
) -> npt.NDArray[np.float64]:
    """Add up, for each telling, the earlier ones of its claim, each by its age.

    The sum of one is fade * (1 + the sum of the one before); such steps are joined in pairs, pairs of pairs and so on
    (Hillis and Steele 1986), which takes log2 of the longest claim's tellings passes and depends on nothing later.

    Parameters
    ----------
    claims, times
        Of each telling, sorted by both; times in microseconds.
    """
    fade = np.zeros(len(claims))
    follows = np.flatnonzero(claims[1:] == claims[:-1]) + 1
    fade[follows] = np.exp2((times[follows - 1] - times[follows]) / (half_life / dt.timedelta(microseconds=1)))
    total, step = fade.copy(), 1
    while step < len(fade) and fade[step:].any():
        total[step:] += fade[step:] * total[:-step]
        fade[step:] *= fade[:-step].copy()
        fade[:step] = 0.0
        step *= 2
    return total
