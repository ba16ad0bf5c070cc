"""Which device is chosen, and what is said where there is none to use; the driver is one of Python."""

import ctypes
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_cuda import Machine
from test_launch import jit, work

import kernels.device
from engine import devices
from engine.devices import MOST_ASSETS, Chosen, choose, gpu, launcher
from engine.faults import Failure, Fault
from kernels.launch import CpuLauncher, CudaLauncher
from kernels.layout import Bars
from strategies import ShortBubbleWarning


class Driver:
    """As libcuda, for two GPUs."""

    def __init__(
        self, status: int = 0, count: int = 2, version: int = 13000, capability: tuple[int, int] = (9, 0)
    ) -> None:
        self._status, self._count, self._version, self._capability = status, count, version, capability

    def cuInit(self, flags: int) -> int:
        return self._status

    def cuDeviceGetCount(self, out: Any) -> None:
        out._obj.value = self._count

    def cuDriverGetVersion(self, out: Any) -> None:
        out._obj.value = self._version

    def cuDeviceGet(self, out: Any, number: int) -> None:
        out._obj.value = number

    def cuDeviceGetName(self, out: Any, size: int, handle: Any) -> None:
        out.value = b"Fake H"

    def cuDeviceTotalMem_v2(self, out: Any, handle: Any) -> None:
        out._obj.value = 80 << 30

    def cuDeviceGetAttribute(self, out: Any, attribute: int, handle: Any) -> None:
        out._obj.value = self._capability[{75: 0, 76: 1}[attribute]]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine whose driver is the one given, with all libraries installed."""

    def make(driver: Driver | None, lacking: tuple[str, ...] = ()) -> Machine:
        def load(name: str) -> Any:
            if driver is None:
                raise OSError(name)
            return driver

        found = importlib.util.find_spec
        monkeypatch.setattr(ctypes, "CDLL", load)
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name in lacking else found("os" if name in devices._LIBRARIES else name)
        )  # fmt: skip
        made = Machine(devices=2, jit=jit)
        opened = made.open()
        monkeypatch.setattr(kernels.device, "open_devices", lambda numbers: [opened[n] for n in numbers])
        return made

    return make


UNUSABLE = [
    (None, (), "there is no NVIDIA driver", "install NVIDIA's driver 580 or later"),
    (Driver(status=100), (), "the NVIDIA driver answers with error 100", "nvidia-smi"),
    (Driver(count=0), (), "the NVIDIA driver knows of none", "CUDA_VISIBLE_DEVICES"),
    (Driver(version=12040), (), "the NVIDIA driver is one for CUDA 12.4, needed is one for CUDA 13", "driver 580"),
    (Driver(capability=(6, 1)), (), "Fake H is older than CUDA 13 can use", "CUDA_VISIBLE_DEVICES"),
    (Driver(), ("cupy",), "CuPy is not installed", r"tocsin\[gpu\]"),
    (Driver(), ("cupy", "numba_cuda"), "CuPy and numba-cuda are not installed", r"tocsin\[gpu\]"),
]


@pytest.mark.parametrize(("driver", "lacking", "why", "remedy"), UNUSABLE)
def test_without_a_gpu_auto_is_the_cpu_and_cuda_is_refused(
    machine: Any, driver: Driver | None, lacking: tuple[str, ...], why: str, remedy: str
) -> None:
    machine(driver, lacking)
    chosen = choose("auto")
    assert chosen.devices == ()
    assert why in chosen.says
    assert chosen.says.endswith("everything runs on the CPU.")
    for asked in ("cuda", "cuda:0"):
        with pytest.raises(
            Fault, match=f"device is '{asked}', allowed here are 'auto' and 'cpu', for .*{why}.*{remedy}"
        ):
            choose(asked)


def test_a_gpu_is_found_and_named(machine: Any) -> None:
    machine(Driver())
    assert gpu()["says"] == "Fake H (80 GiB, sm_90), Fake H (80 GiB, sm_90)"
    for asked, numbers in {"auto": [0, 1], "cuda": [0, 1], "cuda:1": [1], "cpu": []}.items():
        chosen = choose(asked)
        assert [device.number for device in chosen.devices] == numbers
    assert choose("cuda:1").says == "Runs on Fake H (cuda:1)."


@pytest.mark.parametrize("asked", ["gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cpu:0", ""])
def test_other_names_are_refused(asked: str) -> None:
    with pytest.raises(Fault, match=f"device is '{asked}', allowed are 'auto', 'cpu', 'cuda' and 'cuda:0'"):
        choose(asked)


def test_a_number_that_is_not_there_is_refused(machine: Any) -> None:
    machine(Driver())
    with pytest.raises(Fault, match="'cuda:2', allowed are 'cuda:0' to 'cuda:1', for there are 2 GPUs"):
        choose("cuda:2")


def test_a_broken_installation_is_no_traceback(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(Driver())

    def broken(numbers: Any) -> Any:
        raise ImportError("libnvrtc.so.13 is missing\nand more")

    monkeypatch.setattr(kernels.device, "open_devices", broken)
    assert choose("auto").says.endswith("(libnvrtc.so.13 is missing); everything runs on the CPU.")
    with pytest.raises(Fault, match=r"cannot be opened \(libnvrtc.so.13 is missing\); install the extra"):
        choose("cuda")


def test_launchers() -> None:
    pytest.importorskip("numba.cuda.dispatcher")
    cpu = launcher(ShortBubbleWarning, work(), np.float32, Chosen((), ""), 64)
    assert isinstance(cpu, CpuLauncher)
    assert cpu.piece == 64
    there = Chosen(tuple(Machine(jit=jit).open()), "")
    cuda = launcher(ShortBubbleWarning, work(), np.float32, there, 64)
    assert isinstance(cuda, CudaLauncher)
    assert cuda.piece > 64


def test_a_kernel_that_cannot_be_compiled_is_no_traceback() -> None:
    pytest.importorskip("numba.cuda.dispatcher")

    def broken(kernel: Any) -> Any:
        raise RuntimeError("libnvrtc.so.13 is missing\nand more")

    there = Chosen(tuple(Machine(jit=broken).open()), "")
    with pytest.raises(
        Failure, match=r"ShortBubbleWarning cannot be walked on the GPU \(libnvrtc.so.13 is missing\); .*'cpu'"
    ):
        launcher(ShortBubbleWarning, work(), np.float32, there, 64)


def test_what_a_gpu_cannot_take_is_refused() -> None:
    pytest.importorskip("numba.cuda.dispatcher")
    there = Chosen(tuple(Machine(memory=1000, jit=jit).open()), "")
    with pytest.raises(Failure, match=r"take 0.0 GiB, which the GPU has not free; .* fewer assets"):
        launcher(ShortBubbleWarning, work(), np.float32, there, 64)
    wide = work()
    bars = Bars(np.zeros((MOST_ASSETS + 1, 2, 9), np.float32), *wide.bars[1:])
    with pytest.raises(Fault, match="257 assets, allowed on a GPU are 256; choose device='cpu'"):
        launcher(ShortBubbleWarning, wide._replace(bars=bars), np.float32, there, 64)


IMPORTS = """
import ctypes, importlib, pkgutil, sys
from numba.cuda.cudadrv import driver

def refuse(*given, **more):
    raise AssertionError("an import touched a device")

driver.Driver.ensure_initialized = refuse
loaded = ctypes.CDLL.__init__
def load(self, name, *given, **more):
    if any(part in str(name) for part in ("libcuda.", "nvcuda", "nvidia-ml")):
        refuse()
    loaded(self, name, *given, **more)
ctypes.CDLL.__init__ = load
sys.modules["cupy"] = None
for package in ("kernels", "engine", "strategies", "seeds", "benchmarks"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not found.name.startswith("benchmarks.peers"):  # other engines
            importlib.import_module(found.name)
print(len(sys.modules))
"""


def test_importing_anything_touches_no_device() -> None:
    pytest.importorskip("numba.cuda.dispatcher")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("touch", ["import cupy", "ctypes.CDLL('libcuda.so.1')", "driver.driver.cuInit(0)"])
def test_the_test_of_imports_can_fail(touch: str) -> None:
    pytest.importorskip("numba.cuda.dispatcher")
    script = IMPORTS.partition("for package")[0] + touch
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "touched a device" in done.stderr or "import of cupy halted" in done.stderr
