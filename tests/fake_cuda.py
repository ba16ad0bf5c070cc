"""A CuPy of numpy arrays: what `kernels.device` asks of it, on devices with little memory.

What is put on a stream is done when the stream is waited for, not before, in order; so who looks at an answer too early, or
changes what is still to be copied, gets a wrong one.
"""

from __future__ import annotations

import contextlib
import math
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from kernels.device import Device


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory's."""


class Stream:
    def __init__(self, non_blocking: bool = False) -> None:
        assert non_blocking
        self.ahead: list[Callable[[], None]] = []

    def __enter__(self) -> None:
        _NOW.streams = [*getattr(_NOW, "streams", []), self]

    def __exit__(self, *_: object) -> None:
        _NOW.streams.pop()

    def synchronize(self) -> None:
        ahead, self.ahead = self.ahead, []
        for work in ahead:
            work()


class Event:
    """A point on a stream, which is reached when the stream is waited for; a millisecond lies between any two."""

    def __init__(self) -> None:
        self._stream: Stream | None = None
        self.reached = False

    def record(self, stream: Stream) -> None:
        self._stream = stream
        stream.ahead.append(lambda: setattr(self, "reached", True))

    def synchronize(self) -> None:
        assert self._stream is not None
        self._stream.synchronize()


def elapsed(begun: Event, ended: Event) -> float:
    assert begun.reached
    assert ended.reached
    return 1.0


#: The streams that a thread has made current, the last first.
_NOW = threading.local()


class Array:
    """As cupy.ndarray."""

    def __init__(self, values: Any, owner: Any = None) -> None:
        self.values, self.owner = values, owner
        self.size, self.itemsize, self.shape, self.strides = values.size, values.itemsize, values.shape, values.strides

    def __getitem__(self, part: slice) -> Array:
        return Array(self.values[part], self.owner or self)

    def reshape(self, shape: tuple[int, ...]) -> Array:
        view = self.values.reshape(shape)
        assert np.shares_memory(view, self.values) or not view.size
        return Array(view, self.owner or self)

    def set(self, given: Any, stream: Stream) -> None:
        assert (given.dtype, given.shape) == (self.values.dtype, self.values.shape)
        stream.ahead.append(lambda: np.copyto(self.values, given))

    def get(self, stream: Stream, *, out: Any, blocking: bool) -> None:
        assert (out.dtype, out.shape, blocking) == (self.values.dtype, self.values.shape, False)
        stream.ahead.append(lambda: np.copyto(out, self.values))


class Machine:
    """A machine with CUDA devices.

    Parameters
    ----------
    devices : how many
    memory : bytes of each
    jit : what compiles a kernel: plain function in, function of (*arguments) that does all lanes at once out
    launch_fails_from : threads of a grid from which a launch fails for want of memory
    local : bytes of local memory a thread
    """

    def __init__(
        self,
        devices: int = 1,
        memory: int = 1 << 30,
        jit: Callable[[Any], Callable[..., None]] = lambda kernel: kernel,
        launch_fails_from: float = math.inf,
        local: int = 0,
    ) -> None:
        self.used, self.most_used, self.memory = [0] * devices, [0] * devices, memory
        self.launches: list[tuple[int, int]] = []  # (device, threads of the grid)
        self.uploads = 0
        self._jit, self._fails_from, self._local = jit, launch_fails_from, local
        self._here = threading.local()
        pool = SimpleNamespace(
            free_bytes=lambda: 0, free_all_blocks=lambda: None, total_bytes=lambda: self.used[self._now()]
        )
        self.cupy = SimpleNamespace(
            empty=self._empty,
            RawModule=lambda path: SimpleNamespace(get_function=lambda name: _Kernel(self, path, name)),
            get_default_memory_pool=lambda: pool,
            get_default_pinned_memory_pool=lambda: pool,
            cuda=SimpleNamespace(
                Device=self._device,
                Stream=Stream,
                Event=Event,
                get_elapsed_time=elapsed,
                alloc_pinned_memory=self._pinned,
                runtime=SimpleNamespace(
                    getDeviceCount=lambda: devices,
                    getDeviceProperties=self._properties,
                    deviceGetAttribute=lambda attribute, number: {13: 1_980_000}[attribute],
                    memGetInfo=lambda: (self.memory - self.used[self._now()], self.memory),
                ),
            ),
        )
        self._kernels: list[Any] = []

    def open(self) -> list[Device]:
        return [Device(number, self.cupy, self._ptx) for number in range(len(self.used))]

    def _now(self) -> int:
        return self._here.number

    @contextlib.contextmanager
    def _device(self, number: int) -> Iterator[None]:
        before, self._here.number = getattr(self._here, "number", None), number
        try:
            yield
        finally:
            self._here.number = before

    def _properties(self, number: int) -> dict[str, Any]:
        return {
            "name": b"Fake H", "major": 9, "minor": 0, "multiProcessorCount": 4, "maxThreadsPerMultiProcessor": 2048,
            "regsPerMultiprocessor": 65536, "maxBlocksPerMultiProcessor": 32,
        }  # fmt: skip

    def _empty(self, size: int, dtype: Any) -> Array:
        number, values = self._now(), np.full(size, 77, dtype)
        if self.used[number] + values.nbytes > self.memory:
            raise OutOfMemoryError(f"Out of memory allocating {values.nbytes} bytes")
        self.used[number] += values.nbytes
        self.most_used[number] = max(self.most_used[number], self.used[number])
        made = Array(values)
        weakref.finalize(made, self._gone, number, values.nbytes)
        return made

    def _gone(self, number: int, count: int) -> None:
        self.used[number] -= count

    def _pinned(self, count: int) -> Any:
        self.uploads += 1
        return bytearray(count)

    def _ptx(
        self, kernel: Any, signature: Any, arch: tuple[int, int], fastmath: bool, folder: Path
    ) -> tuple[Path, str]:
        assert signature is not None
        self._kernels.append(kernel)
        return folder / f"{len(self._kernels) - 1}.ptx", "entry"


class _Kernel:
    """As cupy.RawKernel."""

    num_regs = 128

    def __init__(self, machine: Machine, path: str, name: str) -> None:
        assert name == "entry"
        self._machine, self._done = machine, machine._jit(machine._kernels[int(Path(path).stem)])
        self.local_size_bytes = machine._local

    def __call__(self, grid: tuple[int], block: tuple[int], args: tuple[Any, ...]) -> None:
        machine, threads = self._machine, grid[0] * block[0]
        if threads >= machine._fails_from:
            raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory")
        machine.launches.append((machine._now(), threads))
        given = list(_unflattened(args))
        _NOW.streams[-1].ahead.append(lambda: self._done(*given))


def _unflattened(args: tuple[Any, ...]) -> Iterator[Any]:
    """The arguments of a kernel, each array and number as it was before `kernels.device.flattened`."""
    left = list(args)
    while left:
        if isinstance(left[0], np.uint64):
            values, n = left[4].values, left[4].values.ndim
            said = (0, 0, values.size, values.itemsize, *values.shape, *values.strides)
            assert tuple(left[:4] + left[5 : 5 + 2 * n]) == said
            del left[: 5 + 2 * n]
            yield values
        else:
            assert isinstance(left[0], np.generic)
            yield left.pop(0)
