"""A kernel as PTX, which NVIDIA's drivers compile for their device, and which needs no device to be made.

Making it takes numba-cuda many seconds, so it is kept on disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from kernels import jit

#: One thread compiles at a time: making PTX lends names to libraries for a while.
_ALONE = Lock()


def kept_ptx(
    kernel: Callable[..., None], signature: Any, arch: tuple[int, int], fastmath: bool, folder: Path
) -> tuple[Path, str]:
    """Return the file in `folder` with a plain kernel function's PTX, and the name of the entry in it.

    It is found again by the kernel's source, that of this package, and the versions of what compiles it.

    Raises
    ------
    OSError
        When the folder cannot be written.
    """
    makers = (jit.fingerprint(), sys.version, *map(_version, ("numba", "numba-cuda", "nvidia-nvvm")))
    asked = repr((inspect.getsource(kernel), str(signature), arch, fastmath, makers))
    key = hashlib.sha256(asked.encode()).hexdigest()[:20]
    path = folder / f"{kernel.__module__}_{key}.ptx"
    with _ALONE:
        if not path.exists() or ".entry" not in path.read_text(encoding="utf-8"):
            _make(path, kernel, signature, arch, fastmath)
    return path, entry_of(path.read_text(encoding="utf-8"))


def _make(path: Path, kernel: Callable[..., None], signature: Any, arch: tuple[int, int], fastmath: bool) -> None:
    """Write a kernel's PTX into a file, whole or not at all, and say so, as it takes a while."""
    name = kernel.__module__.rpartition("_kernel_")[0] or kernel.__module__
    sys.stderr.write(f"Compiling {name} for GPUs of compute capability {arch[0]}.{arch[1]}, once ...\n")
    text = ptx_of(kernel, signature, arch, fastmath)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _version(package: str) -> str:
    """Return a package's version; what comes with a CUDA toolkit in its place has none to tell."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def ptx_of(kernel: Callable[..., None], signature: Any, arch: tuple[int, int], fastmath: bool) -> str:
    """Return the PTX of a plain kernel function for `arch`, such as (9, 0)."""
    with _renamed_in_numpy():
        from numba import cuda  # noqa: PLC0415 - importing kernels must not need numba-cuda

        with _pretended_device(arch):
            text, _ = cuda.compile_ptx(kernel, signature, cc=arch, fastmath=fastmath)
    return str(text)


def entry_of(text: str) -> str:
    """Return the name of the one kernel of some PTX."""
    (name,) = re.findall(r"\.entry\s+([\w$]+)", text)
    return str(name)


@contextlib.contextmanager
def _pretended_device(capability: tuple[int, int]) -> Iterator[None]:
    """A kernel that calls a device function asks the driver what the device can do; answer in its place."""
    from numba.cuda import dispatcher  # noqa: PLC0415

    class Device:
        compute_capability = capability

    asked = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: Device
    try:
        yield
    finally:
        dispatcher.get_current_device = asked


@contextlib.contextmanager
def _renamed_in_numpy() -> Iterator[None]:
    """numba-cuda 0.30 asks for a name that numpy 2.5 no longer has; lend it."""
    name = "row_stack"
    lent = not hasattr(np, name)
    if lent:
        setattr(np, name, np.vstack)
    try:
        yield
    finally:
        if lent:
            delattr(np, name)
