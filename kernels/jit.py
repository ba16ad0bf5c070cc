"""How numba compiles kernels/: what compiled code alone calls (`inner`), and what Python calls, kept on disk (`kept`)."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher

__all__ = ["fingerprint", "inner", "kept"]


@cache
def fingerprint() -> str:
    """Hash of the sources in this folder."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class _Inner(CPUDispatcher):  # type: ignore[misc]
    """A compiled function which, called from Python, is plain Python."""

    def __call__(self, *args: Any) -> Any:
        return self.py_func(*args)


class _Kept(FunctionCache):  # type: ignore[misc]
    """numba's cache, which notices an edit in any file of this folder; its own would in that of the function alone."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), fingerprint())


def inner(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return numba's `njit` for functions that compiled code alone calls, with some more of its options.

    They go without the wrappers that let Python call them, which take long to compile. None of them makes or keeps an array, so
    none needs to count references to those that it is handed (`_nrt`); counting them costs more than the work of a bar.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        made = njit(error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(
            function
        )
        if isinstance(made, Dispatcher):  # with numba's compiler off it is the function itself
            made.__class__ = _Inner
        return made

    return compiled


def kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return numba's `njit` for functions that Python calls, with some more of its options: without the GIL, and kept on disk."""

    def compiled(function: Callable[..., Any]) -> Any:
        made = njit(error_model="numpy", nogil=True, **options)(function)
        if isinstance(made, Dispatcher):
            made._cache = _Kept(function)  # type: ignore[attr-defined]
        return made

    return compiled
