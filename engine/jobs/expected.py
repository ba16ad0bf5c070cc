"""What a job will take: lanes, chunks, memory, time."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.estimate import Estimate
from engine.jobs.job import Job
from engine.jobs.parts import fingerprint_of
from engine.jobs.periods import told_period
from engine.jobs.running import device_of
from engine.jobs.work import Walker, Work


def expected(job: Job, device: str) -> dict[str, Any]:
    """Walk a few thousand lanes of a job, and say what all of them will take.

    Returns
    -------
    dict
        strategy, by and require (what the best are), lanes (a period), periods, splits (each part that is judged, as in sweep.json),
        chunks, lanes_a_chunk, memory (bytes, beside the program itself), seconds, fingerprint.
    """
    walker = Walker(Work.of(job, ""), job.strategy, job.grid, device)
    found = Estimate.of(walker.lanes(0), walker.summary())
    sessions = job.market.sessions
    bars = [np.sum((sessions >= np.datetime64(p.first)) & (sessions <= np.datetime64(p.last))) for p in job.periods]
    return {
        "strategy": job.strategy.name(), "by": job.keep.by, "require": job.keep.require,
        "lanes": job.grid.size, "periods": len(job.periods),
        "splits": [told_period(period) for period in job.periods if period.test], "chunks": job.chunks,
        "lanes_a_chunk": job.chunk, "memory": found.memory, "seconds": found.seconds * float(sum(bars) / bars[0]),
        "fingerprint": fingerprint_of(job.on(device_of(device))),
    }  # fmt: skip
