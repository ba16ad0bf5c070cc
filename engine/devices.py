"""Where lanes are walked: the CUDA devices of this machine, or its processors.

Importing this file touches no device. `gpu` asks the driver; `choose` opens devices.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import math
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.faults import Failure, Fault

if TYPE_CHECKING:
    from engine.strategy import Strategy
    from kernels.device import Device
    from kernels.launch import Launcher, Work

#: Names of the CUDA driver, by platform.
_DRIVERS = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of cuda.h
#: What the extra `gpu` is built for: CUDA 13 needs driver 580, and compute capability 7.5 (Turing).
_CUDA, _DRIVER, _CAPABILITY = 13, 580, (7, 5)
_LIBRARIES = {"cupy": "CuPy", "numba_cuda": "numba-cuda"}
_GET_DRIVER = f"install NVIDIA's driver {_DRIVER} or later, https://www.nvidia.com/drivers"
#: Assets that a thread of a GPU keeps positions in.
MOST_ASSETS = 256


def gpu() -> dict[str, Any]:
    """Ask the CUDA driver for its devices, with no library of ours.

    Returns
    -------
    dict
        `devices` (name, bytes of memory, compute capability such as "90"), `ready`, `says` (a sentence), and where they are not
        ready `why` and `remedy`.
    """
    driver = _DRIVERS.get(sys.platform)
    if driver is None:
        return _unready([], f"CUDA does not run on {platform.system()}", "use a machine that has Linux or Windows")
    try:
        cuda = ctypes.CDLL(driver)
    except OSError:
        return _unready([], "there is no NVIDIA driver", _GET_DRIVER)
    status = cuda.cuInit(0)
    if status != 0:
        return _unready(
            [],
            f"the NVIDIA driver answers with error {status}",
            "look whether nvidia-smi finds the GPU; " + _GET_DRIVER,
        )
    count, version = ctypes.c_int(), ctypes.c_int()
    cuda.cuDeviceGetCount(ctypes.byref(count))
    cuda.cuDriverGetVersion(ctypes.byref(version))
    devices = [_device(cuda, number) for number in range(count.value)]
    if not devices:
        return _unready(
            [], "the NVIDIA driver knows of none", "look at CUDA_VISIBLE_DEVICES, and whether nvidia-smi finds the GPU"
        )
    if version.value // 1000 < _CUDA:
        of = f"CUDA {version.value // 1000}.{version.value % 1000 // 10}"
        return _unready(devices, f"the NVIDIA driver is one for {of}, needed is one for CUDA {_CUDA}", _GET_DRIVER)
    old = [found["name"] for found in devices if found["capability"] < _CAPABILITY]
    if old:
        least = ".".join(map(str, _CAPABILITY))
        return _unready(
            devices,
            f"{old[0]} is older than CUDA {_CUDA} can use (compute capability {least})",
            "leave it out by CUDA_VISIBLE_DEVICES",
        )
    lacking = [shown for name, shown in _LIBRARIES.items() if importlib.util.find_spec(name) is None]
    if lacking:
        return _unready(
            devices, f"{' and '.join(lacking)} are not installed" if len(lacking) > 1 else f"{lacking[0]} is not installed",
            "install the extra `gpu`: pip install 'tocsin[gpu]'",
        )  # fmt: skip
    return {"devices": devices, "ready": True, "says": _names(devices)}


def _unready(devices: list[dict[str, Any]], why: str, remedy: str) -> dict[str, Any]:
    says = f"{_names(devices)}, unused: {why}" if devices else f"No GPU: {why}"
    said = f"{says}; everything runs on the CPU."
    return {"devices": devices, "ready": False, "says": said, "why": why, "remedy": remedy}


def _names(devices: list[dict[str, Any]]) -> str:
    shown = (
        f"{d['name']} ({d['memory'] / 2**30:.0f} GiB, sm_{d['capability'][0]}{d['capability'][1]})" for d in devices
    )
    return ", ".join(shown)


def _device(cuda: ctypes.CDLL, number: int) -> dict[str, Any]:
    handle, memory = ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(128)
    cuda.cuDeviceGet(ctypes.byref(handle), number)
    cuda.cuDeviceGetName(name, len(name), handle)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), handle)
    capability = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, handle)
        capability.append(value.value)
    return {"name": name.value.decode(), "memory": memory.value, "capability": tuple(capability)}


@dataclass(frozen=True)
class Chosen:
    """Where lanes are walked.

    Attributes
    ----------
    devices : CUDA devices, opened; none for the CPU
    says : a sentence for whoever waits
    """

    devices: tuple[Device, ...]
    says: str


def choose(device: str = "auto") -> Chosen:
    """Find the devices that a user asks for.

    Parameters
    ----------
    device : ``"auto"``, all GPUs, or the CPU where there is none to use; ``"cpu"``; ``"cuda"``, all GPUs; ``"cuda:1"``, that one

    Raises
    ------
    Fault
        When a GPU is asked for that is not there, or cannot be used.

    >>> choose("cpu").says
    'Runs on the CPU.'
    """
    number = check_device(device)
    if device == "cpu":
        return Chosen((), "Runs on the CPU.")
    found = gpu()
    if not found["ready"]:
        if device == "auto":
            return Chosen((), found["says"])
        raise Fault(f"device is {device!r}, allowed here are 'auto' and 'cpu', for {found['why']}; {found['remedy']}.")
    count = len(found["devices"])
    if number and int(number) >= count:
        raise Fault(
            f"device is {device!r}, allowed are 'cuda:0' to 'cuda:{count - 1}', for there are {count} GPUs; choose one."
        )
    try:
        opened = tuple(_open([int(number)] if number else list(range(count))))
    except Exception as error:  # a broken installation fails in many ways
        cause = str(error).strip().partition("\n")[0] or type(error).__name__
        if device == "auto":
            return Chosen((), f"{found['says']}, unused: it cannot be opened ({cause}); everything runs on the CPU.")
        raise Fault(
            f"device is {device!r}, allowed here are 'auto' and 'cpu', for it cannot be opened ({cause}); install the extra `gpu` anew."
        ) from error
    return Chosen(opened, f"Runs on {', '.join(f'{d.name} (cuda:{d.number})' for d in opened)}.")


def check_device(device: str) -> str:
    """Return the number in the name of a device, empty where it has none, or raise `Fault` where it is no device's name."""
    kind, colon, number = device.partition(":") if isinstance(device, str) else ("", "", "")
    if device not in ("auto", "cpu", "cuda") and not (kind == "cuda" and colon and number.isdecimal()):
        raise Fault(f"device is {device!r}, allowed are 'auto', 'cpu', 'cuda' and 'cuda:0', 'cuda:1', ...; choose one.")
    return number


def _open(numbers: list[int]) -> list[Device]:
    from kernels.device import open_devices  # noqa: PLC0415 - one that wants the CPU need not load it

    return open_devices(numbers)


def launcher(
    strategy: type[Strategy],
    work: Work,
    dtype: npt.DTypeLike,
    chosen: Chosen,
    piece: int,
    run: Callable[..., None] | None = None,
) -> Launcher:
    """Return what walks a strategy's lanes on the chosen devices.

    Parameters
    ----------
    work : what all lanes have in common, in the precision `dtype`
    piece : lanes that a processor takes at a time
    run : the strategy's compiled run, if it is at hand; only the CPU needs it

    Raises
    ------
    Fault
        When the market has more assets than a GPU takes.
    Failure
        When the market does not fit in a GPU's memory, or the kernels cannot be compiled.
    """
    from engine.compile import compiled_run, gpu_kernel, kernels_folder, unwritable  # noqa: PLC0415 - numba takes its time to load
    from kernels.device import is_out_of_memory  # noqa: PLC0415
    from kernels.launch import CpuLauncher, CudaLauncher  # noqa: PLC0415

    if not chosen.devices:
        return CpuLauncher(run or compiled_run(strategy, dtype), work, piece)
    from kernels.gpu import kernel_types  # noqa: PLC0415

    assets = len(work.bars.price)
    if assets > MOST_ASSETS:
        raise Fault(
            f"the market has {assets} assets, allowed on a GPU are {MOST_ASSETS}; choose device='cpu', or take fewer assets."
        )
    kernel = gpu_kernel(strategy, dtype, assets, work.plan)
    try:
        return CudaLauncher(kernel, kernel_types(np.dtype(dtype)), work, dtype, chosen.devices, kernels_folder())
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unwritable(error) from None
        if not is_out_of_memory(error):
            cause = str(error).strip().partition("\n")[0] or type(error).__name__
            raise Failure(
                f"{strategy.__name__} cannot be walked on the GPU ({cause}); install the extra `gpu` anew, or choose device='cpu'."
            ) from error
        size = sum(array.nbytes for array in (*work.bars, *work.news)) / 2**30
        raise Failure(
            f"The market and its features take {size:.1f} GiB, which the GPU has not free; end what else runs on it, or take fewer "
            f"assets, bars or windows."
        ) from None


def memory_of_machine() -> float:
    """Bytes of memory that this process may take: the machine's, or less where a limit says so; infinite where nothing does."""
    bounds = [_limit_of_container()]
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        bounds.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    if importlib.util.find_spec("resource"):  # not on Windows
        import resource  # noqa: PLC0415

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        bounds.append(math.inf if soft == resource.RLIM_INFINITY else float(soft))
    return min(bounds)


@functools.cache
def _limit_of_container() -> float:
    """Bytes that Linux's control group leaves to this process; infinite where there is no such limit."""
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return float(Path(file).read_text(encoding="ascii"))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return math.inf
