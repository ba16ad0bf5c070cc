"""Make sessions.csv, the days on which exchanges are closed. Run by hand, once a year.

    python -m engine.reader.make_sessions

It asks exchange_calendars, which takes seconds; what it writes is read in a millisecond, so that a reader of headlines pays nothing.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
from pathlib import Path

import numpy as np

from engine.calendars import Calendar, calendar
from engine.tables.zones import zone_info

HERE = Path(__file__).parent
_FIRST = 2000
_CODES = (
    "XNYS", "XTSE", "BVMF", "XLON", "XLIS", "XPAR", "XETR", "XAMS", "XBRU", "XMIL", "XMAD", "XSWX", "XWBO", "XSTO", "XCSE", "XOSL", "XHEL",
    "XIST", "XSAU", "XJSE", "XBOM", "XTKS", "XKRX", "XSHG", "XHKG", "XTAI", "XSES", "XKLS", "XIDX", "XASX", "XNZE",
)  # fmt: skip


def main() -> None:
    """Write sessions.csv beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "sessions.csv")
    out = parser.parse_args().out
    with out.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("exchange", "closes", "weekend", "holidays", "early"))
        table.writerows(row(code) for code in _CODES)


def row(code: str) -> tuple[str, str, str, str, str]:
    """Give what is written of an exchange: its usual close, the weekdays without sessions, other days without, and early closes."""
    known = calendar(code)
    last = min(known.sessions[-1], np.datetime64(f"{dt.datetime.now(dt.UTC).year + 1}-12-31"))
    days = np.arange(max(known.sessions[0], np.datetime64(f"{_FIRST}-01-01")), last + 1)
    weekdays = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    weekend = [day for day in range(7) if np.isin(days[weekdays == day], known.sessions).mean() < 0.1]
    closed = days[~np.isin(days, known.sessions) & ~np.isin(weekdays, weekend)]
    mine = known.sessions[np.isin(known.sessions, days)]
    clocks = _closes(known, mine)
    usual = max(set(clocks[-250:]), key=clocks[-250:].count)
    early = [
        f"{day:%Y%m%d}T{at:%H%M}"
        for day, at in zip(mine.tolist(), clocks, strict=True)
        if code == "XNYS" and at < usual
    ]  # elsewhere the last hours of the year; what is read of them needs no minute
    return (
        code,
        f"{usual:%H:%M}",
        "".join(map(str, weekend)),
        " ".join(f"{d:%Y%m%d}" for d in closed.tolist()),
        " ".join(early),
    )


def _closes(known: Calendar, sessions: np.ndarray) -> list[dt.time]:
    zone = zone_info(known.timezone)
    return [
        dt.datetime.fromtimestamp(at / 1e6, dt.UTC).astimezone(zone).time() for at in known.closes_of(sessions).tolist()
    ]


if __name__ == "__main__":
    main()
