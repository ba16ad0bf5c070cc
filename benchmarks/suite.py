"""Run the suite, or a part of it, and show or compare what came out."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import records
from benchmarks.jobs import JOBS, make
from benchmarks.measure import measure
from engine.faults import Fault
from engine.guess import did_you_mean
from engine.places import check_file

#: What can be named beside the workloads.
_MORE = ("scaling",)


def chosen(names: Sequence[str], size: str) -> list[str]:
    """Check names; all workloads where there are none, in a quick run without those that start processes, and without the curves."""
    known = [*JOBS, *_MORE]
    for name in names:
        if name not in known:
            raise Fault(
                f"workload {name!r} is unknown{did_you_mean(name, known)}, allowed are {', '.join(known)}; name one."
            )
    return list(names) or [
        name for name in known if size == "full" or not name.startswith(("first", "demo", "scaling"))
    ]


def run(
    names: Sequence[str] = (),
    size: str = "full",
    peers: Sequence[str] = (),
    out: Path | None = None,
    *,
    force: bool = False,
) -> dict[str, Any]:
    """Measure workloads and return the record, which is also written to `out`, after each workload; `force` as in `records.write`."""
    begun = time.perf_counter()

    def say(text: str) -> None:
        sys.stderr.write(f"[{time.perf_counter() - begun:6.1f} s] {text}\n")
        sys.stderr.flush()

    wanted = chosen(names, size)
    if peers:
        from benchmarks.peers import PEERS  # noqa: PLC0415

        for peer in peers:
            if peer not in PEERS:
                raise Fault(
                    f"peer {peer!r} is unknown{did_you_mean(peer, PEERS)}, allowed are {', '.join(PEERS)}; name one."
                )
        for name in names:
            able = [peer.name for peer in PEERS.values() if name in peer.workloads]
            if able and not set(able) & set(peers):
                raise Fault(
                    f"{' and '.join(peers)} {'takes' if len(peers) == 1 else 'take'} no part in the workload {name}, allowed are "
                    f"{', '.join(able)}; name one, or leave --peer out."
                )
        wanted = [n for n in wanted if n in _MORE or any(n in PEERS[peer].workloads for peer in peers)]
    if out is not None:
        check_file(out, "record", suffix=".json", force=force)
    record = records.new(size)
    from benchmarks.limits import limits  # noqa: PLC0415

    say("limits of the machine")
    record["limits"] = limits()
    for i, name in enumerate(wanted):
        say(f"{i + 1} of {len(wanted)}: {name}")
        if name == "scaling":
            from benchmarks.scaling import scaling  # noqa: PLC0415

            record["scaling"] = scaling(size, say)
        else:
            make(name, "tiny")  # its name is right
            record["results"] += measure(name, size, say, peers)
        record["seconds"] = round(time.perf_counter() - begun, 1)
        if out is not None:
            records.write(record, out, force=force)
    record["seconds"] = round(time.perf_counter() - begun, 1)
    if out is not None:
        records.write(record, out, force=force)
    return record
