"""Which sessions choose the parameters, and which judge the choice: splits, walk-forward folds, purge and embargo."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.calendars import Dates
from engine.faults import Fault
from engine.jobs.settings import SplitsSection


@dataclass(frozen=True)
class Period:
    """Sessions that a grid is walked over, and those that its winners are then judged on.

    Attributes
    ----------
    name : ``"all"``, ``"in_sample"``, or ``"fold-00"`` and so on
    first, last : the sessions that choose, both included
    test : the first and the last session that judge; None where nothing does
    test_sessions : how many there are of these
    short_by : how many they are fewer than asked for, as the last fold takes what is left
    """

    name: str
    first: dt.date
    last: dt.date
    test: tuple[dt.date, dt.date] | None = None
    test_sessions: int = 0
    short_by: int = 0


def told_period(period: Period) -> dict[str, Any]:
    """Return a period as JSON has it."""
    found = {"name": period.name, "first": str(period.first), "last": str(period.last)}
    if not period.test:
        return found
    test = [str(day) for day in period.test]
    return {**found, "test": test, "test_sessions": period.test_sessions, "short_by": period.short_by}


def periods_of(splits: SplitsSection | None, sessions: Dates, longest: float) -> tuple[Period, ...]:
    """Cut a market's sessions into periods.

    Purging takes from the end of a training fold what a position opened in it could still see: the longest possible holding
    time; the embargo takes more, for what fades more slowly (Lopez de Prado 2018, Advances in Financial Machine Learning, 7.4).

    Parameters
    ----------
    sessions : each once, sorted
    longest : the longest time that a position can be held, in sessions; infinite where there is no time exit

    Raises
    ------
    Fault
        Where the splits contradict each other or the market.
    """
    days: list[dt.date] = sessions.astype("datetime64[D]").tolist()
    if splits is None:
        return (Period("all", days[0], days[-1]),)
    dated, counted = (splits.in_sample, splits.out_of_sample), (splits.train, splits.test)
    if any(dated) == any(counted) or not (all(dated) or all(counted)):
        raise Fault(
            "splits needs either in_sample and out_of_sample, two dates each, or train and test, sessions a fold; give one of the "
            "two pairs."
        )
    if splits.purge is None and not math.isfinite(longest):
        raise Fault(
            "splits.purge is missing, and some lanes hold a position without end; give the sessions to purge, or every lane a hold."
        )
    gap = (math.ceil(longest) if splits.purge is None else splits.purge) + splits.embargo
    return _in_and_out(splits, days, gap) if splits.in_sample else _folds(splits, days, gap)


def _in_and_out(splits: SplitsSection, days: list[dt.date], gap: int) -> tuple[Period, ...]:
    assert splits.in_sample
    assert splits.out_of_sample
    start, end = _inside("in_sample", splits.in_sample, days)
    test, until = _inside("out_of_sample", splits.out_of_sample, days)
    if test <= end:
        raise Fault(
            f"splits.out_of_sample begins on {days[test]}, in the sample that ends on {days[end]}, allowed is after it; move one."
        )
    end = min(end, test - 1 - gap)
    if end <= start:
        raise Fault(
            f"splits.in_sample has no session left once {gap} are purged before {days[test]}, needed are 2 or more; make it longer, "
            f"or the purge shorter."
        )
    return (Period("in_sample", days[start], days[end], (days[test], days[until]), until - test + 1),)


def _inside(name: str, dates: list[dt.date], days: list[dt.date]) -> tuple[int, int]:
    """Return the places of the first and the last session in two dates."""
    first, last = dates
    inside = [place for place, day in enumerate(days) if first <= day <= last]
    if not inside:
        raise Fault(
            f"splits.{name} is {first} to {last}, which holds no session, allowed is a part of {days[0]} to {days[-1]}; correct it."
        )
    return inside[0], inside[-1]


def _folds(splits: SplitsSection, days: list[dt.date], gap: int) -> tuple[Period, ...]:
    train, test = splits.train or 0, splits.test or 0
    if train - gap < 2:
        raise Fault(
            f"splits.train is {train} sessions, of which {gap} are purged before the test, needed are {gap + 2} or more; make it longer."
        )
    starts = range(train, len(days), test)
    if not starts:
        raise Fault(
            f"splits.train is {train} sessions, of a market of {len(days)}, allowed is up to {len(days) - 1}, so that something is left "
            f"to test on; make it shorter."
        )
    width = max(2, len(str(len(starts) - 1)))
    return tuple(
        Period(
            f"fold-{fold:0{width}d}",
            days[0 if splits.anchored else start - train],
            days[start - gap - 1],
            (days[start], days[min(start + test, len(days)) - 1]),
            min(test, len(days) - start),
            max(0, start + test - len(days)),
        )
        for fold, start in enumerate(starts)
    )


def sessions_held(longest_bars: float, sessions: Dates) -> float:
    """Turn bars into sessions, rounded up; `sessions` has one entry a bar."""
    a_session = len(sessions) / len(np.unique(sessions))
    return math.ceil(longest_bars / a_session) if math.isfinite(longest_bars) else math.inf
