"""Every kernel is compiled for three architectures without a GPU, and walks in the CUDA simulator."""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_simulator import OURS, on_cpu
from test_ptx import handed, taken

import strategies
from engine.compile import gpu_kernel
from engine.strategy import Strategy
from kernels.gpu import kernel_types
from kernels.layout import every_plan
from kernels.metrics import METRICS
from kernels.rules import Terms

pytest.importorskip("numba.cuda.dispatcher")
from kernels import measuring
from kernels.ptx import ptx_of
from kernels.static import compile_static, loop_of, static_of

#: Registers a thread may take: 96 still let 20 warps share a multiprocessor's 65,536.
CEILING = 96


@cache
def kernel_ptx(strategy: type[Strategy], dtype: Any, arch: tuple[int, int]) -> str:
    """PTX of a strategy's kernel; made once, as it takes seconds."""
    kernel = gpu_kernel(strategy, dtype, 20, every_plan())
    return ptx_of(kernel, kernel_types(dtype), arch, fastmath=dtype is np.float32)


def check_float32(strategy: type[Strategy], arch: tuple[int, int]) -> None:
    """Nothing is spilled, nothing is float64, and the loop over bars is found."""
    static = static_of(kernel_ptx(strategy, np.float32, arch), arch)
    assert static.float64 == ()
    assert static.spilled == 0
    assert 0 < static.registers <= CEILING
    assert 0 < static.least <= static.held < static.loop < static.instructions


# With events and without, and each architecture once; every pair is among the slow ones.
@pytest.mark.parametrize(
    ("strategy", "arch"),
    [(strategies.ShortBubbleWarning, (8, 0)), (strategies.ShortBubbleWarning, (12, 0)), (strategies.SmaCross, (9, 0))],
)
def test_float32_kernels_spill_nothing_and_hold_no_float64(strategy: type[Strategy], arch: tuple[int, int]) -> None:
    check_float32(strategy, arch)


@pytest.mark.slow
@pytest.mark.parametrize("arch", [(8, 0), (9, 0), (12, 0)], ids=["sm_80", "sm_90", "sm_120"])
@pytest.mark.parametrize("strategy", OURS)
def test_every_kernel_compiles_in_both_precisions(strategy: type[Strategy], arch: tuple[int, int]) -> None:
    check_float32(strategy, arch)
    assert static_of(kernel_ptx(strategy, np.float64, arch), arch).registers > 0


def test_a_walk_takes_what_it_is_handed() -> None:
    kind, whole = np.float32, np.zeros(1, np.int64)
    cube, table, yes = np.zeros((1, 1, 1), kind), np.zeros((1, 1), kind), np.zeros(1, np.bool_)
    bars, news = [cube, table, cube, table, yes], [whole, whole, yes, table]
    args = [*bars, *news, *[kind(0)] * len(Terms._fields), whole, table, table]
    assert taken(kernel_ptx(strategies.SmaCross, kind, (9, 0))) == handed(args)


def test_the_gate_catches_float64() -> None:
    def kernel(out):  # type: ignore[no-untyped-def]
        out[0] = np.float32(np.float64(out[0]) * 1.1)

    from numba import types  # noqa: PLC0415

    assert compile_static(kernel, types.void(types.float32[::1]), (9, 0)).float64 != ()


LISTING = """
        /*0000*/                   MOV R1, c[0x0][0x28] ;
.L_x_1:
        /*0010*/                   ISETP.GE.AND P0, PT, R0, R2, PT ;
        /*0020*/                   BSSY B0, `(.L_x_3) ;
        /*0030*/               @P0 BRA `(.L_x_2) ;
        /*0040*/                   FADD R3, R3, R4 ;
        /*0050*/                   FADD R3, R3, R4 ;
        /*0060*/                   BSYNC B0 ;
.L_x_2:
        /*0070*/                   BSYNC B0 ;
.L_x_3:
        /*0080*/              @!P1 BRA `(.L_x_1) ;
        /*0090*/                   EXIT ;
.L_x_4:
        /*00a0*/                   BRA `(.L_x_4);
"""


def test_a_loop_is_counted_whole_by_its_shortest_way_and_by_its_division() -> None:
    assert loop_of(LISTING) == (8, 5, 5)
    assert loop_of(LISTING.replace("0050*/                   FADD R3, R3, R4", "0050*/ MUFU.RCP R3, R4")) == (8, 5, 7)
    assert loop_of(LISTING.replace("@!P1 BRA", "NOP")) == (0, 0, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kernel_of_the_metrics_compiles(dtype: Any) -> None:
    static = compile_static(measuring.kernel, measuring.kernel_types(dtype), (9, 0), fastmath=False)
    assert static.spilled == 0
    assert 0 < static.registers <= CEILING


#: Seeds of generated markets: shorts, margin calls, ruin, lots, least fees, dividends, splits, holes, interest, fills at the close.
FEW = (5, 14, 20, 32)
#: Beyond these two, from the sums of third and fourth powers, a metric is as good as the sums it is made of.
MOMENTS = [METRICS.index("skewness"), METRICS.index("excess_kurtosis")]


def simulated(seeds: Sequence[int], dtype: Any, how: str, out: Path) -> dict[str, Any]:
    """Metrics by the CUDA simulator, in a process of its own, with numba's compiler off: the very same functions as plain Python."""
    script = Path(__file__).with_name("in_simulator.py")
    environment = {
        **os.environ,
        "NUMBA_ENABLE_CUDASIM": "1",
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": str(script.parents[1]),
    }
    command = [sys.executable, script, out, np.dtype(dtype).name, how, *map(str, seeds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(out) as found:
        return dict(found)


def check(seeds: Sequence[int], dtype: Any, tolerance: float, how: str, out: Path) -> None:
    ours, theirs = on_cpu(seeds, dtype), simulated(seeds, dtype, how, out)
    assert list(ours) == list(theirs)
    for name, metrics in ours.items():
        each = [m for m in range(len(METRICS)) if m not in MOMENTS]
        np.testing.assert_allclose(theirs[name][each], metrics[each], tolerance, tolerance, err_msg=name)
        np.testing.assert_allclose(theirs[name][MOMENTS], metrics[MOMENTS], 1e-6, 1e-6, err_msg=name)
    total = np.concatenate(list(ours.values()), axis=1)
    for metric in ("total_borrow", "interest_earned", "interest_owed", "open_trades", "closed_trades"):
        assert (total[METRICS.index(metric)] > 0).sum() > 3, f"cases with {metric}"
    assert (total[METRICS.index("final_equity")] <= 0).any(), "cases with ruin"
    for strategy in OURS:
        trades = [
            m[METRICS.index("closed_trades")].sum() for name, m in ours.items() if name.split()[0] == strategy.name()
        ]
        assert sum(trades) > 50, f"cases with trades of {strategy.name()}"


def test_the_simulator_walks_as_the_cpu_does(tmp_path: Path) -> None:
    check(FEW, np.float64, 1e-9, "closely", tmp_path / "found.npz")


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 200, 40))
def test_the_simulator_walks_many_markets_as_the_cpu_does(first: int, tmp_path: Path) -> None:
    check(range(first, first + 40), np.float64, 1e-9, "roughly", tmp_path / "found.npz")
