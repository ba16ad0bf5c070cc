"""The walk for CUDA: a warp walks a block of lanes, each thread one of them, through the same functions as the CPU.

A kernel is generated as text, because the sizes of a thread's own arrays must be known when it is compiled: the number of
assets, of channels and of parameter rows. Importing this file touches no device.
"""

from typing import Any

import numpy as np
from numba import types
from numba.np.numpy_support import from_dtype

from kernels import layout as at
from kernels.layout import Plan, given_types
from kernels.rules import Terms

_KERNEL = '''"""The kernel of {name} in {precision}: {assets} assets, {channels} channels, {rows} parameter rows; generated, do not edit."""

import numpy as np
from numba import cuda, types

from kernels.layout import NOW, Bars, News, Plan, Record, State
from kernels.rules import ONE, Terms
from {decide} import decide
from {steps} import begin, finish
from {walk} import walk


def kernel(
    price, time, feature, trait, managed, bar, asset, ranked, fresh, {terms}, order, params, lanes,
):
    i = cuda.grid(1)
    last = params.shape[1] - 1
    # The threads of a warp walk together, so the last warp is filled up with the last lane. That the shapes are as they are is said
    # for the compiler, which then knows them.
    if i // 32 <= last // 32 and price.shape[0] == {assets} and price.shape[2] == {n_price} and time.shape[1] == {n_time}:
        mine = cuda.local.array(({rows}, 1), types.{precision})
        lane = cuda.local.array(({n_lane}, 1), types.{precision})
        positions = cuda.local.array(({assets}, {n_lot}, 1), types.{precision})
        pressure = cuda.local.array(({assets}, {heard}, 1), types.{precision})
        decayed = cuda.local.array(({heard}, 1), types.{precision})
        told = cuda.local.array(({told}, 1), types.{precision})
        found = cuda.local.array(({told}, 1), types.uint32)
        ends = cuda.local.array(({told}, 1), types.uint32)
        note = cuda.{noted}.array(({n_note}, {assets}), types.int32)
        place = cuda.local.array({n_place}, types.int32)
        ledger = cuda.local.array((1, {n_ledger}), types.{precision})
        path = cuda.local.array((1, {n_path}), types.{precision})
        count = cuda.local.array(2, types.int64)
        for row in range({rows}):
            mine[row, 0] = params[row, min(i, last)]
        bars = Bars(price, time, feature, trait, managed)
        news = News(bar, asset, ranked, fresh)
        terms = Terms({terms})
        plan = Plan(order, {plan})
        rows, runs = found[:{features}], ends[:{features}]
        state = State(lane, positions, pressure, decayed[:{channels}], told[:{features}], rows, runs, note, place)
        nothing = Record(ledger[:0], count, path[:0])
        begin(terms, mine, state)
        walk(decide, price.shape[1], bars, news, terms, plan, mine, state, nothing)
        finish(time[price.shape[1] - 1, NOW] + ONE, lane)
        if i <= last:
            for row in range({n_lane}):
                lanes[row, i] = lane[row, 0]
'''


def kernel_text(
    name: str,
    decide: str,
    steps: str,
    walk: str,
    dtype: Any,
    assets: int,
    channels: int,
    rows: int,
    features: int,
    plan: Plan,
) -> str:
    """Return the text of a kernel over functions of the modules `decide`, `steps` and `walk`, for one plan but for its order."""
    sizes = {
        "assets": assets, "channels": channels, "heard": max(channels, 1), "rows": rows,
        "features": features, "told": max(features, 1), "n_lane": at.N_LANE, "n_lot": at.N_LOT,
        "noted": "shared" if assets > 1 else "local", "n_note": at.N_NOTE, "n_place": at.N_PLACE,
        "n_price": at.N_PRICE, "n_time": at.N_TIME, "n_ledger": at.N_LEDGER, "n_path": at.N_PATH,
    }  # fmt: skip
    modules = {"decide": decide, "steps": steps, "walk": walk}
    modules["plan"] = ", ".join(
        str(int(v) if name == "asked" else bool(v)) for name, v in plan._asdict().items() if name != "order"
    )
    return _KERNEL.format(name=name, precision=np.dtype(dtype).name, terms=", ".join(Terms._fields), **modules, **sizes)


def kernel_types(dtype: Any) -> Any:
    """Return the signature of a kernel in one precision."""
    kind = from_dtype(np.dtype(dtype))
    bars, news, plan = given_types(dtype)
    table = types.Array(kind, 2, "C")
    return types.void(*bars, *news, *[kind] * len(Terms._fields), plan[0], table, table)
