"""A sweep of very many lanes on the SIMULATED market: ``python -m benchmarks.large [LANES]``; how fast, and how much memory."""

from __future__ import annotations

import argparse
import resource
import sys
import time

from engine import Events, Market, between, sweep
from strategies import ShortBubbleWarning

_LANES = 100_000_000


def _said(done: int, size: int, begun: float = time.perf_counter()) -> None:
    if done % (1 << 22) < 1 << 15 or done == size:
        sys.stderr.write(f"{done:,} of {size:,} lanes, {time.perf_counter() - begun:.0f} s\n")


def asked_lanes(about: str | None, usual: int) -> int:
    """Return how many lanes the command line asks for."""

    def count(text: str) -> int:
        if not text.isdecimal() or not int(text):
            raise argparse.ArgumentTypeError(f"{text!r} is no number of lanes, allowed are 1 and more; write {usual}.")
        return int(text)

    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("lanes", nargs="?", type=count, default=usual, metavar="LANES")
    return int(parser.parse_args().lanes)


def main() -> None:
    """Sweep, and print lanes, seconds, lanes a second and the most memory that was in use."""
    lanes = asked_lanes(__doc__, _LANES)
    market, events = Market.sample(), Events.sample()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    sweep(
        ShortBubbleWarning, market, events, sample="random", lanes=lanes, progress=_said, threshold=between(0.1, 1.5),
        hold=between(1, 40), stop=between(0.02, 0.3), half_life=between(1, 40, log=True),
    )  # fmt: skip
    seconds, peak = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{lanes:,} lanes of {len(market.assets)} assets and {len(market.opens)} bars in {seconds:.0f} s, "
        f"{lanes / seconds:,.0f} a second; most memory {peak / 1024:,.0f} MiB, {before / 1024:,.0f} of it before the sweep"
    )


if __name__ == "__main__":
    main()
