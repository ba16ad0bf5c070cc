"""One CUDA device, through CuPy: its memory, its streams, its kernels, which kernels/ptx.py makes.

Importing this file touches no device and needs no CuPy; `open_devices` does. Everything that is asked of it is asked here, so that a
test can put other objects in its place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from kernels.ptx import kept_ptx

#: Threads of a warp, and of a block: what a block's memory holds is then one warp's, and the next begins as soon as it is done.
WARP = 32
#: Registers are given out to warps in units of this many, on each quarter of a multiprocessor.
_REGISTER_UNIT, _QUARTERS = 256, 4
_CLOCK_RATE = 13  # cudaDevAttrClockRate, kHz


class Limits(NamedTuple):
    """What a multiprocessor holds at once."""

    threads: int
    registers: int
    blocks: int


class Compiled(NamedTuple):
    """A kernel compiled for one kind of device.

    Attributes
    ----------
    launch : CuPy's function of (grid, block, arguments)
    registers : a thread
    local : bytes of local memory a thread
    """

    launch: Any
    registers: int
    local: int


def resident_threads(registers: int, limits: Limits) -> int:
    """Threads of a kernel that a multiprocessor holds at once, in blocks of a warp.

    The arithmetic of NVIDIA's occupancy calculator, where shared memory is not what is scarce.

    >>> resident_threads(168, Limits(2048, 65536, 32))
    384
    """
    a_warp = -(-max(registers, 1) * WARP // _REGISTER_UNIT) * _REGISTER_UNIT
    return WARP * min(limits.threads // WARP, limits.blocks, limits.registers // _QUARTERS // a_warp * _QUARTERS)


def flattened(args: Sequence[Any]) -> Iterator[Any]:
    """Return arguments as numba compiles a kernel to take them: an array is two owners, size, an item's bytes, place, shape, strides."""
    for given in args:
        if isinstance(given, np.generic):
            yield given
        else:
            yield from (np.uint64(0), np.uint64(0), np.int64(given.size), np.int64(given.itemsize), given)
            yield from map(np.int64, (*given.shape, *given.strides))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of CuPy or the driver says that device or pinned memory ran out."""
    said = f"{type(error).__name__} {error}".lower().replace("_", " ")
    return isinstance(error, MemoryError) or "out of memory" in said or "memoryallocation" in said


def open_devices(numbers: Sequence[int] | None = None) -> list[Device]:
    """Open the devices of these numbers; left out, all there are."""
    import cupy  # noqa: PLC0415 - importing kernels must not need it

    found = range(cupy.cuda.runtime.getDeviceCount()) if numbers is None else numbers
    return [Device(number, cupy) for number in found]


class Device:
    """One CUDA device; everything but `current` is to be called inside ``with device.current():``.

    Parameters
    ----------
    number : as CUDA counts
    cupy : the module
    ptx : `kernels.ptx.kept_ptx`
    """

    def __init__(self, number: int, cupy: Any, ptx: Callable[..., tuple[Path, str]] = kept_ptx) -> None:
        found = cupy.cuda.runtime.getDeviceProperties(number)
        self.number, self._cupy, self._ptx = number, cupy, ptx
        self.name: str = found["name"].decode()
        self.capability = (int(found["major"]), int(found["minor"]))
        self.multiprocessors = int(found["multiProcessorCount"])
        self.limits = Limits(
            int(found["maxThreadsPerMultiProcessor"]),
            int(found["regsPerMultiprocessor"]),
            int(found["maxBlocksPerMultiProcessor"]),
        )
        self._compiled: dict[tuple[Any, ...], Compiled] = {}

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Make the device the current one on this thread."""
        with self._cupy.cuda.Device(self.number):
            yield

    def compile(self, kernel: Callable[..., None], signature: Any, fastmath: bool, folder: Path) -> Compiled:
        """Compile a plain kernel function; its PTX is kept in `folder`, what the driver makes of it where that keeps such.

        What was compiled before comes back as it is.
        """
        asked = (kernel, signature, fastmath)
        if asked not in self._compiled:
            path, entry = self._ptx(kernel, signature, self.capability, fastmath, folder)
            made = self._cupy.RawModule(path=str(path)).get_function(entry)
            self._compiled[asked] = Compiled(made, int(made.num_regs), int(made.local_size_bytes))
        return self._compiled[asked]

    def start(self, compiled: Compiled, threads: int, stream: Any, args: Sequence[Any]) -> None:
        """Start a kernel of `threads` threads on a stream of this device, and do not wait for it.

        Its arguments are arrays on the device, and numbers of numpy's, each of the type that its signature says.
        """
        with stream:
            compiled.launch((-(-threads // WARP),), (WARP,), tuple(flattened(args)))

    def resident(self, compiled: Compiled) -> int:
        """Threads of a kernel that the whole device holds at once."""
        return resident_threads(compiled.registers, self.limits) * self.multiprocessors

    def timed(self, stream: Any, start: Callable[[], None]) -> float:
        """Seconds that what `start` puts on a stream takes, by the device's own clock."""
        events = self._cupy.cuda.Event
        begun, ended = events(), events()
        begun.record(stream)
        start()
        ended.record(stream)
        ended.synchronize()
        return float(self._cupy.cuda.get_elapsed_time(begun, ended)) / 1e3

    def stream(self) -> Any:
        """Return a stream that does not wait for the default one."""
        return self._cupy.cuda.Stream(non_blocking=True)

    def empty(self, size: int, dtype: npt.DTypeLike) -> Any:
        """Return device memory of `size` numbers, from CuPy's pool."""
        return self._cupy.empty(size, dtype)

    def pinned(self, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return memory of the host of `size` numbers that the device copies from and to without the processor."""
        memory = self._cupy.cuda.alloc_pinned_memory(size * np.dtype(dtype).itemsize)
        return np.ndarray(size, dtype, buffer=memory)

    def put(self, array: npt.NDArray[Any], stream: Any) -> Any:
        """Copy an array to the device, once, through pinned memory, and return it as a kernel takes it."""
        flat = np.ascontiguousarray(array).reshape(-1)
        there = self.empty(flat.size, flat.dtype)
        if flat.size:
            staged = self.pinned(flat.size, flat.dtype)
            staged[:] = flat
            there.set(staged, stream)
            stream.synchronize()
        return self.view(there, array.shape)

    def view(self, memory: Any, shape: tuple[int, ...]) -> Any:
        """Return the start of flat device memory in a shape."""
        return memory[: int(np.prod(shape))].reshape(shape)

    def free(self) -> int:
        """Bytes that may be had: free on the device, or kept by CuPy's pool."""
        return int(self._cupy.cuda.runtime.memGetInfo()[0]) + int(self._cupy.get_default_memory_pool().free_bytes())

    def clock(self) -> float:
        """Cycles a second of the multiprocessors, at most."""
        return 1e3 * float(self._cupy.cuda.runtime.deviceGetAttribute(_CLOCK_RATE, self.number))

    def memory(self) -> tuple[int, int, int]:
        """Bytes: in use on the device by whoever, all there are, and those that CuPy's pool has taken, which it keeps."""
        free, total = self._cupy.cuda.runtime.memGetInfo()
        return int(total - free), int(total), int(self._cupy.get_default_memory_pool().total_bytes())

    def give_back(self) -> None:
        """Give what CuPy's pools keep, and nobody uses, back to the device and the host."""
        self._cupy.get_default_memory_pool().free_all_blocks()
        self._cupy.get_default_pinned_memory_pool().free_all_blocks()
