"""Functions that compiled code alone calls: without the wrappers that let Python call them, which take long to compile."""

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher

__all__ = ["inner"]


class _Inner(CPUDispatcher):  # type: ignore[misc]
    """A compiled function which, called from Python, is plain Python."""

    def __call__(self, *args: Any) -> Any:
        return self.py_func(*args)


def inner(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return numba's `njit` for such functions, with some more of its options.

    None of them makes or keeps an array, so none needs to count references to those that it is handed (`_nrt`); counting them
    costs more than the work of a bar.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        made = njit(error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(
            function
        )
        if isinstance(made, Dispatcher):  # with numba's compiler off it is the function itself
            made.__class__ = _Inner
        return made

    return compiled
