"""PTX is made with no device, kept, and takes the arguments that `kernels.device` hands it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba.cuda.dispatcher")

from kernels import measuring, ptx
from kernels.device import flattened
from kernels.gpu import kernel_types
from kernels.ptx import entry_of, kept_ptx, ptx_of

KINDS = {np.float32: "f32", np.float64: "f64", np.int64: "u64", np.uint64: "u64"}


def taken(text: str) -> list[str]:
    """The types of a kernel's parameters."""
    head = text[text.index(".entry") :]
    return re.findall(r"\.param \.(\w+) ", head[: head.index(")")])


def handed(args: list[Any]) -> list[str]:
    """The types of what a launch hands over; an array is a place."""
    return ["u64" if isinstance(given, np.ndarray) else KINDS[type(given)] for given in flattened(args)]


def test_an_array_is_handed_over_as_numba_lays_it_out() -> None:
    from numba.core.datamodel import default_manager  # noqa: PLC0415

    fields = default_manager[kernel_types(np.float32).args[0]]._fields
    assert fields == ("meminfo", "parent", "nitems", "itemsize", "data", "shape", "strides")
    given = np.zeros((2, 3, 5), np.float32)
    handed_over = list(flattened([given]))
    assert handed_over[:4] == [0, 0, given.size, 4]
    assert handed_over[4] is given
    assert handed_over[5:] == [*given.shape, *given.strides]


def test_the_metrics_take_what_they_are_handed() -> None:
    table, real = np.zeros((1, 1), np.float32), np.float64(0)
    text = ptx_of(measuring.kernel, measuring.kernel_types(np.float32), (9, 0), False)
    assert taken(text) == handed([table, real, np.int64(0), real, real, real, table])


def test_ptx_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    types = measuring.kernel_types(np.float64)
    path, entry = kept_ptx(measuring.kernel, types, (8, 0), False, tmp_path / "new")
    assert entry == entry_of(path.read_text())
    assert ".target sm_80" in path.read_text()
    monkeypatch.setattr(ptx, "ptx_of", lambda *asked: ".entry other(")
    assert kept_ptx(measuring.kernel, types, (8, 0), False, tmp_path / "new") == (path, entry)
    asked = [((9, 0), False), ((8, 0), True)]
    assert all(kept_ptx(measuring.kernel, types, arch, fast, tmp_path / "new")[1] == "other" for arch, fast in asked)
    assert len(list((tmp_path / "new").iterdir())) == 3
    for changed in ("fingerprint", "_version"):
        with monkeypatch.context() as another:
            another.setattr(ptx.jit if changed == "fingerprint" else ptx, changed, lambda *_: "another")
            kept_ptx(measuring.kernel, types, (8, 0), False, tmp_path / changed)
            assert kept_ptx(measuring.kernel, types, (8, 0), False, tmp_path / "new")[0] != path


def test_what_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    types = measuring.kernel_types(np.float64)
    path, _ = kept_ptx(measuring.kernel, types, (8, 0), False, tmp_path)
    path.write_text("")
    assert kept_ptx(measuring.kernel, types, (8, 0), False, tmp_path)[0] == path
    assert "kernel" in entry_of(path.read_text())
    with pytest.raises(OSError, match="nowhere"):
        kept_ptx(measuring.kernel, types, (8, 0), False, Path("/dev/null/nowhere"))


def test_numpy_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """numba-cuda asks for a name that numpy 2.5 no longer has."""
    monkeypatch.delattr(np, "row_stack", raising=False)
    ptx_of(measuring.kernel, measuring.kernel_types(np.float32), (9, 0), False)
    assert not hasattr(np, "row_stack")
