"""How many lanes end elsewhere in float32: the figures that docs/accounting.md states of whole lots."""

import numpy as np
import pytest
from generate import case
from test_account import walked_in_blocks

from engine import Account, Events, Market, sweep
from engine.grid import span
from kernels import layout as at
from strategies import ShortBubbleWarning


def test_whole_lots_part_from_float64_as_often_as_is_stated() -> None:
    lanes, others = {True: 0, False: 0}, {True: 0, False: 0}
    for seed in range(300):
        drawn = case(seed)
        if drawn.settings.kind == "columns":
            drawn.settings = type(drawn.settings)(**{**vars(drawn.settings), "kind": "portfolio"})
        random = np.random.default_rng(seed)
        hold, stop = random.integers(1, 20, 64).astype(float), random.uniform(0.01, 0.5, 64)
        single, double = (
            walked_in_blocks(drawn, hold, stop, kind)[at.EQUITY].astype(float) for kind in (np.float32, np.float64)
        )
        lots = drawn.settings.lot > 0
        lanes[lots] += 64
        others[lots] += int((np.abs(single - double) > 2e-5 * drawn.settings.cash).sum())
    # 2.5 % and 1.7 % as docs/accounting.md has it; another processor rounds a sum or a division otherwise here and there.
    assert others[True] / lanes[True] == pytest.approx(0.025, abs=0.01)
    assert others[False] / lanes[False] == pytest.approx(0.017, abs=0.01)


def test_whole_lots_seldom_part_on_the_simulated_market() -> None:
    market, events = Market.sample(), Events.sample()
    axes = {"hold": span(1, 40), "stop": span(0.02, 0.30, 15)}
    single, double = (
        sweep(ShortBubbleWarning, market, events, Account(lot=1), precision=kind, **axes).table["final_equity"].to_numpy()
        for kind in ("float32", "float64")
    )  # fmt: skip
    # A share that is cut in one precision alone costs at least its slippage and fee, some cents, and moves with a price of 20 and more;
    # float32 holds a million to 0.06, and adds some hundred orders up.
    assert (np.abs(single - double) > 5.0).mean() <= 0.01
