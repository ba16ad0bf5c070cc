"""What walks a table of parameters: the CPU's compiled run, or the kernels of one or more CUDA devices.

Both answer alike: `walk` what each lane ends with, `measure` its metrics. The answer for a lane depends neither on the others nor
on which device walked it. Both may be called from several threads at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from kernels import layout as at
from kernels.device import Compiled, Device, is_out_of_memory
from kernels.layout import Bars, News, Plan, no_record
from kernels.metrics import METRICS, measure_all
from kernels.rules import Terms

Table = npt.NDArray[Any]

#: Lanes that a device takes at a time, at most: some waves of threads, and tens of megabytes of pinned memory.
_MOST = 1 << 18
#: Lanes below which a device is not asked to go when its memory runs out.
_LEAST = 32
#: Slices that are under way on a device at once: one is walked while another is copied.
_UNDER_WAY = 2
#: Share of the memory that may be had which a launcher takes, as others may come.
_SHARE = 0.8


class Basis(NamedTuple):
    """What metrics are measured on; see `kernels.metrics.measure_all`."""

    cash: float
    bars: int
    years: float
    bars_per_year: float
    cash_rate: float


class Work(NamedTuple):
    """What every lane has in common; floats are of one precision, but for the basis."""

    bars: Bars
    news: News
    terms: Terms
    plan: Plan
    basis: Basis


class Launcher(Protocol):
    """Walks parameter tables (row, lane) over one market; see `kernels.layout` for the rows."""

    @property
    def piece(self) -> int:
        """Lanes that are best handed over in one call."""

    def walk(self, params: Table) -> Table:
        """Return (N_LANE, lane), what each lane ends with."""

    def measure(self, params: Table) -> tuple[Table, int]:
        """Return the metrics (metric, lane) in the order of `METRICS`, and how often a rule answered no number."""


class CpuLauncher:
    """Walks on the thread that asks.

    Parameters
    ----------
    run : `kernels.walk.run` with a strategy's compiled `decide` (engine.compile)
    work : what every lane has in common
    piece : lanes that are best handed over in one call
    """

    def __init__(self, run: Callable[..., None], work: Work, piece: int) -> None:
        self._run, self._work, self.piece = run, work, piece

    def walk(self, params: Table) -> Table:
        """Return (N_LANE, lane), what each lane ends with."""
        work = self._work
        lanes = np.zeros((at.N_LANE, params.shape[1]), params.dtype)
        nothing = no_record()
        self._run(work.bars, work.news, work.terms, work.plan, np.ascontiguousarray(params), lanes, nothing)
        return lanes

    def measure(self, params: Table) -> tuple[Table, int]:
        """Return the metrics (metric, lane), and how often a rule answered no number."""
        lanes = self.walk(params)
        values = np.empty((len(METRICS), params.shape[1]), params.dtype)
        measure_all(lanes, *self._work.basis, values)
        return values, int(lanes[at.FAULTS].sum())


class CudaLauncher:
    """Walks on CUDA devices, one lane a thread; several share what comes, a slice at a time, whoever is free.

    The market and the news are copied to each device once. A slice's parameters go there, its walk and its metrics are computed,
    and only what was asked for comes back, through pinned memory and on a stream of its own; two slices are under way on each
    device, so that one is copied while the other is walked. A device whose memory runs out takes half as many lanes from then on.

    Parameters
    ----------
    kernel, signature : a strategy's kernel as a plain function (engine.compile.gpu_kernel), and its types (kernels.gpu)
    work : what every lane has in common
    dtype : the precision of all of it
    devices : see `kernels.device.open_devices`
    folder : where compiled kernels are kept
    most : lanes that a device takes at a time, at most

    Raises
    ------
    MemoryError
        When a device has no room for the market, or for a few lanes.
    """

    def __init__(
        self,
        kernel: Callable[..., None],
        signature: Any,
        work: Work,
        dtype: npt.DTypeLike,
        devices: Sequence[Device],
        folder: Path,
        most: int = _MOST,
    ) -> None:
        from kernels import measuring  # noqa: PLC0415 - needs numba-cuda

        self._dtype, self._basis, self._most = np.dtype(dtype), work.basis, most
        fast = self._dtype == np.float32  # divisions and roots to 2 units in the last place; NaN stays NaN
        self._seats: list[_Seat] = []
        for device in devices:
            with device.current():
                walks = device.compile(kernel, signature, fast, folder)
                measures = device.compile(measuring.kernel, measuring.kernel_types(self._dtype), False, folder)
                self._seats.append(_Seat(device, walks, measures, work, self._dtype))
        self._slots: SimpleQueue[_Slot] = SimpleQueue()
        for _ in range(_UNDER_WAY):
            for seat in self._seats:
                self._slots.put(_Slot(seat))

    @property
    def piece(self) -> int:
        """Lanes that are best handed over in one call."""
        return self._most

    @property
    def compiled(self) -> Compiled:
        """The walk as it is compiled for the first device."""
        return self._seats[0].walks

    def walk(self, params: Table) -> Table:
        """Return (N_LANE, lane), what each lane ends with."""
        return self._made(params, at.N_LANE, None)

    def measure(self, params: Table) -> tuple[Table, int]:
        """Return the metrics (metric, lane), and how often a rule answered no number."""
        found = self._made(params, len(METRICS) + 1, self._basis)  # the last row counts what was no number
        return found[: len(METRICS)], int(found[len(METRICS)].sum())

    def seconds(self, params: Table) -> float:
        """Seconds that the walk alone takes on the first device, by its own clock, its start included: nothing copied, no metrics."""
        seat, n = self._seats[0], params.shape[1]
        device = seat.device
        with device.current():
            stream = device.stream()
            given = device.put(params, stream)
            lanes = device.view(device.empty(at.N_LANE * n, self._dtype), (at.N_LANE, n))
            return device.timed(stream, lambda: device.start(seat.walks, n, stream, [*seat.shared, given, lanes]))

    def _made(self, params: Table, rows: int, basis: Basis | None) -> Table:
        if params.dtype != self._dtype:
            raise TypeError(f"parameters are {params.dtype}, the kernel takes {self._dtype}")
        size, devices = params.shape[1], len(self._seats)
        out = np.empty((rows, size), self._dtype)
        step = self._most if devices == 1 else min(self._most, max(-(-size // (_UNDER_WAY * devices)), _LEAST))
        lows = range(0, size, step)

        def fill(low: int) -> None:
            slot = self._slots.get()
            try:
                slot.fill(params[:, low : low + step], out[:, low : low + step], basis, self._most)
            finally:
                self._slots.put(slot)

        if len(lows) <= 1:
            for low in lows:
                fill(low)
            return out
        with ThreadPoolExecutor(_UNDER_WAY * devices) as pool:
            tasks = [pool.submit(fill, low) for low in lows]
            try:
                for task in tasks:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
        return out


class _Seat:
    """A device with the market on it and the kernels compiled; made inside ``with device.current():``."""

    def __init__(self, device: Device, walks: Compiled, measures: Compiled, work: Work, dtype: np.dtype[Any]) -> None:
        self.device, self.walks, self.measures = device, walks, measures
        self._limit: int | None = None
        stream = device.stream()
        parts = (*work.bars, *work.news, *work.terms, work.plan.order)
        self.shared = [
            device.put(part, stream) if isinstance(part, np.ndarray) else dtype.type(part) for part in parts
        ]  # fmt: skip

    def fits(self, bytes_a_lane: int, most: int) -> int:
        """Lanes of a slice, by the memory that may be had less the threads' own, which comes with the first launch."""
        room = self.device.free() * _SHARE - self.walks.local * self.device.resident(self.walks)
        return max(min(int(room / (_UNDER_WAY * bytes_a_lane)), most, self._limit or most), min(_LEAST, most))

    def halve(self, lanes: int) -> None:
        """Note that so many lanes were too many."""
        where = f"{self.device.name} (cuda:{self.device.number})"
        if lanes <= _LEAST:
            raise MemoryError(
                f"{where} has no memory for {lanes} lanes; end what else runs on it, or take fewer assets, bars or windows."
            )
        if self._limit is None:
            warnings.warn(
                f"The memory of {where} ran out at {lanes:,} lanes at a time; it goes on with fewer.",
                RuntimeWarning,
                stacklevel=2,
            )
        self._limit = lanes // 2


class _Slot:
    """One of the slices that are under way on a device at once."""

    def __init__(self, seat: _Seat) -> None:
        self._seat = seat
        self._memory: _Memory | None = None

    def fill(self, params: Table, out: Table, basis: Basis | None, most: int) -> None:
        """Walk the lanes of `params` (row, lane) into `out` (row, lane), in as many parts as the memory takes."""
        seat, low = self._seat, 0
        with seat.device.current():
            while low < params.shape[1]:
                if self._memory is None or not self._memory.suits(params, out):
                    self._memory = None
                    bytes_a_lane = params.itemsize * (len(params) + at.N_LANE + (len(out) if basis else 0))
                    size = seat.fits(bytes_a_lane, most)
                else:
                    size = self._memory.size
                part = slice(low, low + size)
                if self._filled(params[:, part], out[:, part], basis, size):
                    low += size
                else:
                    self._memory = None
                    seat.device.give_back()
                    seat.halve(size)

    def _filled(self, params: Table, out: Table, basis: Basis | None, size: int) -> bool:
        """Whether the memory sufficed. An error keeps what its frames hold, so it must be gone before memory is given back."""
        try:
            if self._memory is None:
                self._memory = _Memory(self._seat.device, size, params, out, basis)
            self._memory.fill(self._seat, params, out, basis)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return False
        return True


class _Memory:
    """A stream of a device, and memory for a slice of `size` lanes on both sides."""

    def __init__(self, device: Device, size: int, params: Table, out: Table, basis: Basis | None) -> None:
        self.size, self._rows = size, (len(params), len(out))
        self._stream = device.stream()
        self._params = device.empty(len(params) * size, params.dtype)
        self._lanes = device.empty(at.N_LANE * size, params.dtype)
        self._measured = device.empty(len(out) * size, params.dtype) if basis else None
        self._given = device.pinned(len(params) * size, params.dtype)
        self._taken = device.pinned(len(out) * size, params.dtype)

    def suits(self, params: Table, out: Table) -> bool:
        """Whether tables with these rows may be filled through it."""
        return self._rows == (len(params), len(out))

    def fill(self, seat: _Seat, params: Table, out: Table, basis: Basis | None) -> None:
        """Copy the parameters over, walk, measure if asked, copy the answer back."""
        device, stream, n = seat.device, self._stream, params.shape[1]
        given, taken = self._given[: params.size], self._taken[: out.size]
        given.reshape(params.shape)[:] = params
        try:
            self._params[: params.size].set(given, stream)
            lanes = device.view(self._lanes, (at.N_LANE, n))
            device.start(seat.walks, n, stream, [*seat.shared, device.view(self._params, params.shape), lanes])
            answer = self._lanes
            if basis is not None:
                answer = self._measured
                numbers = [np.int64(v) if name == "bars" else np.float64(v) for name, v in basis._asdict().items()]
                device.start(seat.measures, n, stream, [lanes, *numbers, device.view(answer, out.shape)])
            answer[: out.size].get(stream, out=taken, blocking=False)
        finally:
            stream.synchronize()  # also where a launch failed: what was begun still uses the memory
        out[:] = taken.reshape(out.shape)
