"""Compile a kernel for an architecture with no GPU at hand: what it will need there, and how long its loops are.

Needs numba-cuda, and NVIDIA's wheels of the compiler, the assembler and the disassembler (extra `gate`).
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Static:
    """What the assembler says of a kernel on one architecture.

    Attributes
    ----------
    registers : a thread
    stack, spilled : bytes a thread; spilled are stores and loads together
    float64 : the first float64 instructions of the PTX, none in a sound float32 kernel
    instructions : SASS instructions of the whole kernel
    """

    registers: int
    stack: int
    spilled: int
    float64: tuple[str, ...]
    instructions: int


def compile_static(kernel: Callable[..., None], signature: Any, arch: tuple[int, int], fastmath: bool = True) -> Static:
    """Compile a plain kernel function for `arch`, such as (9, 0), and say what it needs."""
    from numba import cuda  # noqa: PLC0415 - importing kernels must not need numba-cuda

    with _pretended_device(arch):
        ptx, _ = cuda.compile_ptx(kernel, signature, cc=arch, fastmath=fastmath)
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "kernel.ptx"), Path(folder, "kernel.cubin")
        source.write_text(ptx, encoding="utf-8")
        command = [_tool("ptxas"), f"-arch=sm_{arch[0]}{arch[1]}", "-v", str(source), "-o", str(binary)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        sass = subprocess.run([_tool("nvdisasm"), "-c", str(binary)], capture_output=True, text=True, check=True).stdout

    def number(pattern: str) -> int:
        return sum(int(found) for found in re.findall(pattern, said))

    float64 = tuple(
        line.strip()
        for line in ptx.splitlines()
        if re.match(r"\s*(@\S+\s+)?[a-z0-9.]+\.f64\b", line) and ".reg" not in line
    )
    return Static(
        number(r"Used (\d+) registers"), number(r"(\d+) bytes stack frame"), number(r"(\d+) bytes spill"), float64[:5],
        len(re.findall(r"^\s+/\*[0-9a-f]{4,}\*/", sass, re.MULTILINE)),
    )  # fmt: skip


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


def _tool(name: str) -> str:
    """Find one of NVIDIA's tools on the PATH, or in the wheels that carry them."""
    wheels = Path(sysconfig.get_paths()["purelib"]) / "nvidia"
    found = next((str(p) for p in wheels.rglob(name) if p.is_file()), None) or shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is neither in NVIDIA's wheels nor on the PATH; install the extra `gate`.")
    return found
