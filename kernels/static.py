"""Compile a kernel for an architecture with no GPU at hand: what it will need there, and how long its loops are.

Needs numba-cuda, and NVIDIA's wheels of the compiler, the assembler and the disassembler (extra `gate`).
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernels.ptx import ptx_of


@dataclass(frozen=True)
class Static:
    """What the assembler says of a kernel on one architecture.

    Attributes
    ----------
    registers : a thread
    stack, spilled : bytes a thread; spilled are stores and loads together
    float64 : the first float64 instructions of the PTX, none in a sound float32 kernel
    instructions : SASS instructions of the whole kernel
    loop : those of its longest loop, each counted once: the loop over bars; 0 without a loop
    least : those on the shortest way once round that loop
    held : the same by way of the division that comes last in it, which is that of the metrics: a bar on which something is held
    """

    registers: int
    stack: int
    spilled: int
    float64: tuple[str, ...]
    instructions: int
    loop: int
    least: int
    held: int


def compile_static(kernel: Callable[..., None], signature: Any, arch: tuple[int, int], fastmath: bool = True) -> Static:
    """Compile a plain kernel function for `arch`, such as (9, 0), and say what it needs."""
    return static_of(ptx_of(kernel, signature, arch, fastmath), arch)


def static_of(ptx: str, arch: tuple[int, int]) -> Static:
    """Compile the PTX of a kernel for `arch`, as a driver does, and say what it needs."""
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
        len(re.findall(r"^\s+/\*[0-9a-f]{4,}\*/", sass, re.MULTILINE)), *loop_of(sass),
    )  # fmt: skip


def loop_of(sass: str) -> tuple[int, int, int]:
    """Count the instructions of the longest loop of a listing of nvdisasm; of the shortest way once round it; of that which divides last.

    The longest loop is the longest stretch that a branch leads back over; a function that it calls is not counted. The shortest way
    follows branches as they may be taken, whatever is computed.
    """
    code: list[str] = []
    labels: dict[str, int] = {}
    for line in map(str.strip, sass.splitlines()):
        if label := re.match(r"(\.L\w+):", line):
            labels[label[1]] = len(code)
        elif found := re.match(r"/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", line):
            code.append(found[1])

    def target(instruction: str) -> int | None:
        named = re.search(r"`\((\.L\w+)\)", instruction)
        return labels.get(named[1]) if named else None

    first = last = 0
    joins: dict[str, int] = {}  # where the threads that BSSY parts go on together, by barrier
    after: list[list[int]] = []
    for here, instruction in enumerate(code):
        sure = not instruction.startswith("@")
        there, name = target(instruction), re.sub(r"^@!?U?P\w+\s+", "", instruction).split(" ")[0]
        ways = [here + 1]
        if name.startswith("BSSY") and there is not None:
            joins[instruction.split("BSSY")[1].split(",")[0].split()[-1]] = there
        elif name.startswith("BRA") and there is not None:
            ways = [there] if sure else [here + 1, there]
            if there < here and here - there > last - first:
                first, last = there, here
        elif name.startswith("BSYNC"):
            ways = [joins.get(instruction.split()[-1], here + 1)]
        elif name.startswith(("EXIT", "RET")) and sure:
            ways = []
        after.append(ways)
    if first == last:
        return 0, 0, 0

    def shortest(begin: int) -> dict[int, int]:
        """Count the instructions from one to each other of the loop, on the shortest way."""
        found, edge = {begin: 0}, [begin]
        while edge:
            nexts = {way: found[here] + 1 for here in edge for way in after[here] if first <= way <= last}
            edge = [way for way in nexts if way not in found]
            found.update((way, nexts[way]) for way in edge)
        return found

    def home(begin: int) -> float:
        """Count the instructions from one to the loop's beginning again."""
        return min((steps + 1 for here, steps in shortest(begin).items() if first in after[here]), default=math.inf)

    out = shortest(first)
    # What comes last in the loop and divides is the return on the equity: a bar at which there is something to gather.
    divides = [here for here in out if "MUFU.RCP" in code[here] and home(here) < math.inf]
    gathers = max(divides, default=first)
    counts = [home(first), out[gathers] + home(gathers)]
    least, held = (int(steps) if steps < math.inf else 0 for steps in counts)
    return last - first + 1, least, held


def _tool(name: str) -> str:
    """Find one of NVIDIA's tools on the PATH, or in the wheels that carry them."""
    wheels = Path(sysconfig.get_paths()["purelib"]) / "nvidia"
    found = next((str(p) for p in wheels.rglob(name) if p.is_file()), None) or shutil.which(name)
    if found is None and (compiler := shutil.which("nvcc")):
        beside = Path(compiler).resolve().with_name(name)
        found = str(beside) if beside.is_file() else None
    if found is None:
        raise FileNotFoundError(f"{name} is neither in NVIDIA's wheels nor on the PATH; install the extra `gate`.")
    return found
