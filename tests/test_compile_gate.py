"""Every kernel is compiled for three architectures without a GPU, and walks in the CUDA simulator."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import strategies
from engine.compile import gpu_kernel
from engine.strategy import Strategy
from kernels.gpu import kernel_types

pytest.importorskip("numba.cuda.dispatcher")
from kernels.static import compile_static

OURS = [getattr(strategies, name) for name in strategies.__all__]

#: Registers a thread may take: 168 still lets 12 warps share a multiprocessor's 65,536.
CEILING = 168


@pytest.mark.parametrize("arch", [(8, 0), (9, 0), (12, 0)], ids=["sm_80", "sm_90", "sm_120"])
@pytest.mark.parametrize("strategy", [strategies.ShortBubbleWarning, strategies.SmaCross])
def test_float32_kernels_spill_nothing_and_hold_no_float64(strategy: type[Strategy], arch: tuple[int, int]) -> None:
    static = compile_static(gpu_kernel(strategy, np.float32, 20), kernel_types(np.float32), arch)
    assert static.float64 == ()
    assert static.spilled == 0
    assert 0 < static.registers <= CEILING


@pytest.mark.slow
@pytest.mark.parametrize("arch", [(8, 0), (9, 0), (12, 0)], ids=["sm_80", "sm_90", "sm_120"])
@pytest.mark.parametrize("strategy", OURS)
def test_every_kernel_compiles_in_both_precisions(strategy: type[Strategy], arch: tuple[int, int]) -> None:
    static = compile_static(gpu_kernel(strategy, np.float32, 20), kernel_types(np.float32), arch)
    assert (static.float64, static.spilled, static.registers <= CEILING) == ((), 0, True)
    assert (
        compile_static(gpu_kernel(strategy, np.float64, 20), kernel_types(np.float64), arch, fastmath=False).registers
        > 0
    )


def test_the_gate_catches_float64() -> None:
    def kernel(out):  # type: ignore[no-untyped-def]
        out[0] = np.float32(np.float64(out[0]) * 1.1)

    from numba import types  # noqa: PLC0415

    assert compile_static(kernel, types.void(types.float32[::1]), (9, 0)).float64 != ()


def test_the_simulator_walks_as_the_cpu_does() -> None:
    """In a process of its own, with numba's compiler off: the simulator runs the very same functions as plain Python."""
    script = Path(__file__).with_name("in_simulator.py")
    environment = {
        **os.environ,
        "NUMBA_ENABLE_CUDASIM": "1",
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": str(script.parents[1]),
    }
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lanes = np.array([float(v) for v in done.stdout.split()])
    from in_simulator import on_cpu  # noqa: PLC0415

    np.testing.assert_allclose(lanes, on_cpu().ravel(), rtol=1e-9, atol=1e-9)
