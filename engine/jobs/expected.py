"""What a job will take: lanes, chunks, memory, time."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.estimate import Estimate
from engine.jobs.job import Job, hash_of
from engine.jobs.running import device_of
from engine.jobs.work import Walker, Work


def expected(job: Job, device: str) -> dict[str, Any]:
    """Walk a few thousand lanes of a job, and say what all of them will take.

    Returns
    -------
    dict
        strategy, lanes (a period), periods, chunks, lanes_a_chunk, memory (bytes, beside the program itself), seconds, fingerprint.
    """
    walker = Walker(Work.of(job, ""), device, made=(job.strategy, job.grid))
    found = Estimate.of(walker.lanes(0), walker.summary())
    sessions = job.market.sessions
    bars = [np.sum((sessions >= np.datetime64(p.first)) & (sessions <= np.datetime64(p.last))) for p in job.periods]
    return {
        "strategy": job.strategy.name(), "lanes": job.grid.size, "periods": len(job.periods), "chunks": job.chunks,
        "lanes_a_chunk": job.chunk, "memory": found.memory, "seconds": found.seconds * float(sum(bars) / bars[0]),
        "fingerprint": hash_of({**job.parts, "device": device_of(device)}),
    }  # fmt: skip
