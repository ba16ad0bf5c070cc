"""Slices, streams, memory and devices of the CUDA launcher, on machines made of numpy (fake_cuda)."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_cuda import Machine

from benchmarks.workloads import narrative
from engine.account import Account
from kernels import layout as at
from kernels.device import _CLOCK_RATE, Compiled, Limits, is_out_of_memory, open_devices, resident_threads
from kernels.launch import Basis, CudaLauncher, Work
from kernels.layout import Plan
from kernels.metrics import METRICS, measure_all

pytest.importorskip("numba.cuda.dispatcher")
from kernels import measuring

HOPPER = Limits(threads=2048, registers=65536, blocks=32)
ROWS = 3
BASIS = Basis(1e6, 40, 2.0, 252.0, 0.0)


def work(dtype: Any = np.float32) -> Work:
    job = narrative(3, 40, 8, dtype, 3)
    plan = Plan(**{name: False for name in Plan._fields} | {"order": np.arange(3), "asked": at.ON_EVENTS})
    return Work(job.bars, job.news, Account().terms(dtype), plan, BASIS)


def parameters(lanes: int, dtype: Any = np.float32) -> Any:
    return np.random.default_rng(1).uniform(0.5, 2.0, (ROWS, lanes)).astype(dtype)


def walked(params: Any) -> Any:
    """What the kernel below leaves: every row tells the lane, and the row."""
    rows = np.arange(at.N_LANE)[:, None].astype(params.dtype)
    lanes = params[0] * 8 + params[1] + params[2] / 8 + rows
    lanes[at.FAULTS] = np.floor(params[0])
    return lanes.astype(params.dtype)


def jit(kernel: Any) -> Any:
    """The two kernels as functions of whole tables."""

    def walk(*args: Any) -> None:
        args[-1][:] = walked(args[-2])

    def measure(lanes: Any, *rest: Any) -> None:
        *basis, out = rest
        measure_all(lanes, *basis, out[: len(METRICS)])
        out[len(METRICS)] = lanes[at.FAULTS]

    return measure if kernel is measuring.kernel else walk


def launcher(machine: Machine, most: int = 1 << 18, dtype: Any = np.float32) -> CudaLauncher:
    return CudaLauncher(lambda: None, "a signature", work(dtype), dtype, machine.open(), Path(), most)


@pytest.mark.parametrize(
    ("registers", "threads"),
    # NVIDIA's occupancy calculator for compute capability 9.0: floor(16384 / (32 * registers, up to a multiple of 256))
    # warps on each quarter; 168 registers: floor(16384 / 5376) = 3, so 12 warps.
    [(32, 1024), (64, 1024), (128, 512), (168, 384), (255, 256)],
)
def test_a_multiprocessor_holds_what_its_registers_allow(registers: int, threads: int) -> None:
    assert resident_threads(registers, HOPPER) == threads


def test_a_multiprocessor_holds_so_many_blocks() -> None:
    assert resident_threads(64, Limits(2048, 65536, 16)) == 512, "16 blocks of a warp"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lanes", [1, 127, 128, 129, 1000])
def test_slices_come_back_in_order(lanes: int, dtype: Any) -> None:
    machine, params = Machine(jit=jit), parameters(lanes, dtype)
    np.testing.assert_array_equal(launcher(machine, 128, dtype).walk(params), walked(params))
    assert len(machine.launches) == -(-lanes // 128)
    assert sum(threads for _, threads in machine.launches) == -(-lanes // 32) * 32, "whole warps"


def test_no_lanes_are_no_launch() -> None:
    machine = Machine(jit=jit)
    assert launcher(machine).walk(parameters(0)).shape == (at.N_LANE, 0)
    assert machine.launches == []


def test_metrics_are_made_on_the_device() -> None:
    params = parameters(300)
    expected = np.empty((len(METRICS), 300), np.float32)
    measure_all(walked(params), *BASIS, expected)
    machine = Machine(jit=jit)
    values, faults = launcher(machine, 100).measure(params)
    np.testing.assert_array_equal(values, expected)
    assert faults == int(np.floor(params[0]).sum()) > 0
    assert len(machine.launches) == 6, "a walk and its metrics for each slice"


def test_walks_and_metrics_in_turn() -> None:
    ours, params = launcher(Machine(jit=jit), 64), parameters(200)
    before = ours.measure(params)[0]
    np.testing.assert_array_equal(ours.walk(params), walked(params))
    np.testing.assert_array_equal(ours.measure(params)[0], before)


def test_the_market_is_copied_once_a_device() -> None:
    machine = Machine(devices=2, jit=jit)
    ours = launcher(machine, 50)
    uploaded = sum(array.size > 0 for array in (*work().bars, *work().news)) + 1  # and the order of the plan
    assert machine.uploads == 2 * uploaded
    ours.walk(parameters(500))
    after = machine.uploads
    ours.walk(parameters(500))
    assert machine.uploads == after, "the memory of a slice is kept"


def test_devices_share_and_the_answer_does_not_tell() -> None:
    params, alone = parameters(1003), launcher(Machine(jit=jit)).walk(parameters(1003))
    for devices in (2, 3, 8):
        machine = Machine(devices=devices, jit=jit)
        np.testing.assert_array_equal(launcher(machine, 10_000).walk(params), alone)
        assert {device for device, _ in machine.launches} == set(range(devices))


def test_less_memory_takes_more_slices() -> None:
    params = parameters(4000)
    machine = Machine(memory=300_000, jit=jit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(launcher(machine).walk(params), walked(params))
    assert len(machine.launches) > 2
    assert machine.most_used[0] <= machine.memory


def test_local_memory_of_the_threads_is_left_free() -> None:
    # 4 multiprocessors of 512 threads and 100 bytes are 204,800 of the 300,000.
    machine, wide = Machine(memory=300_000, jit=jit, local=100), Machine(memory=300_000, jit=jit)
    for each in (machine, wide):
        launcher(each).walk(parameters(2000))
    assert len(machine.launches) > len(wide.launches)


def test_out_of_memory_halves_the_slice_and_says_so_once() -> None:
    params, machine = parameters(6000), Machine(memory=200_000, jit=jit)
    ours = launcher(machine, 2048)
    machine.cupy.cuda.runtime.memGetInfo = lambda: (
        1 << 30,
        1 << 30,
    )  # more than there is, as when somebody else takes it
    with pytest.warns(RuntimeWarning, match=r"memory of Fake H \(cuda:0\) ran out at 2,048 lanes") as said:
        found = ours.walk(params)
    np.testing.assert_array_equal(found, walked(params))
    assert len(said) == 1
    assert machine.most_used[0] <= 200_000


def test_a_launch_without_memory_halves_the_slice_too() -> None:
    # A grid has whole blocks of 32 threads: 20,000 lanes fail, 10,000 pass.
    params, machine = parameters(20_000), Machine(jit=jit, launch_fails_from=15_000)
    with pytest.warns(RuntimeWarning, match="20,000 lanes"):
        found = launcher(machine, 20_000).walk(params)
    np.testing.assert_array_equal(found, walked(params))
    assert [threads for _, threads in machine.launches] == [10_016, 10_016], "whole warps"


def test_memory_for_nothing_is_an_error() -> None:
    machine = Machine(jit=jit, launch_fails_from=0)
    ours = launcher(machine, 64)
    with (
        pytest.warns(RuntimeWarning),
        pytest.raises(MemoryError, match=r"Fake H \(cuda:0\) has no memory for 32 lanes"),
    ):
        ours.walk(parameters(100))


def test_other_errors_are_not_taken_for_it() -> None:
    def broken(kernel: Any) -> Any:
        def walk(*args: Any) -> None:
            raise RuntimeError("an illegal memory access was encountered")

        return walk

    ours = launcher(Machine(jit=broken), 64)
    for _ in range(3):  # every slot is given back
        with pytest.raises(RuntimeError, match="illegal"):
            ours.walk(parameters(1000))


def test_parameters_of_another_precision_are_refused() -> None:
    with pytest.raises(TypeError, match="float64"):
        launcher(Machine(jit=jit)).walk(parameters(3, np.float64))


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (MemoryError("Out of memory allocating 1,024 bytes"), True),  # cupy.cuda.memory.OutOfMemoryError
        (RuntimeError("cudaErrorMemoryAllocation: out of memory"), True),  # cupy's CUDARuntimeError
        (RuntimeError("[2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY"), True),  # numba-cuda's CudaAPIError
        (RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS"), False),
        (ValueError("memory"), False),
    ],
)
def test_what_running_out_of_memory_is_called(error: Exception, answer: bool) -> None:
    assert is_out_of_memory(error) is answer


def test_cupy_has_what_it_is_asked_for() -> None:
    cupy = pytest.importorskip("cupy")
    for name in ("Device", "Stream", "Event", "get_elapsed_time", "alloc_pinned_memory", "runtime"):
        assert hasattr(cupy.cuda, name)
    for name in ("getDeviceCount", "getDeviceProperties", "deviceGetAttribute", "memGetInfo"):
        assert hasattr(cupy.cuda.runtime, name)
    for name in ("record", "synchronize"):
        assert hasattr(cupy.cuda.Event, name)
    assert cupy.cuda.runtime.cudaDevAttrClockRate == _CLOCK_RATE
    for name in ("set", "get", "reshape"):
        assert hasattr(cupy.ndarray, name)
    assert hasattr(cupy.RawModule, "get_function")
    for name in ("num_regs", "local_size_bytes"):
        assert hasattr(cupy.RawKernel, name)
    pool = cupy.get_default_memory_pool()
    assert callable(pool.free_all_blocks)
    assert callable(pool.free_bytes)
    assert callable(pool.total_bytes)
    assert callable(cupy.get_default_pinned_memory_pool().free_all_blocks)
    assert open_devices([]) == []


def test_a_compiled_kernel_carries_what_it_needs() -> None:
    machine = Machine(jit=jit)
    (device,) = machine.open()
    with device.current():
        compiled = device.compile(jit, "a signature", False, Path())
        assert device.compile(jit, "a signature", False, Path()) is compiled, "compiled once"
        assert device.compile(jit, "a signature", True, Path()) is not compiled
    assert compiled == Compiled(compiled.launch, 128, 0)
    assert device.resident(compiled) == 4 * 512


def test_a_walk_is_timed_by_the_device() -> None:
    machine, params = Machine(jit=jit), parameters(300)
    made = launcher(machine)
    assert made.seconds(params) == 1e-3
    assert len(machine.launches) == 1
    assert machine.launches[0][1] >= 300
