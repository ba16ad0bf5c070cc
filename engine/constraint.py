"""Which parameter sets go together: what a user says with `where`, and what a strategy says with `allows`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.strategy import Strategy

Values = npt.NDArray[np.float64]
Where = str | pl.Expr | Callable[..., Any]


class Constraint:
    """What `where` says: a condition on some swept parameters.

    Parameters
    ----------
    where : ``"fast < slow"`` as SQL writes it, a polars expression, or a function of arrays that are named like parameters
    swept : names of the swept parameters

    Raises
    ------
    Fault
        Where the condition cannot be read, or names something that is not swept.

    Attributes
    ----------
    names : the parameters that the condition looks at
    """

    def __init__(self, where: Where, swept: Iterable[str]) -> None:
        self._where = expression(where) if isinstance(where, str) else where
        if isinstance(self._where, pl.Expr):
            self.names = tuple(dict.fromkeys(self._where.meta.root_names()))
        else:
            self.names = tuple(inspect.signature(self._where).parameters)
        known = list(swept)
        for name in self.names:
            if name not in known:
                raise Fault(
                    f"where asks for {name!r}{did_you_mean(name, known)}, allowed are the swept {', '.join(known)}; rename it."
                )
        if not self.names:
            raise Fault(f"where looks at no parameter, allowed are the swept {', '.join(known)}; name one.")

    def __call__(self, values: Mapping[str, Values]) -> npt.NDArray[np.bool_]:
        """Return for each lane whether it is to be walked; `values` holds an array (lane,) for each name."""
        columns = {name: values[name] for name in self.names}
        shape = next(iter(columns.values())).shape
        if isinstance(self._where, pl.Expr):
            try:
                found = pl.DataFrame(columns).select(answer=self._where)["answer"].fill_null(False)
            except pl.exceptions.PolarsError as error:
                raise Fault(
                    f"where cannot be worked out ({str(error).splitlines()[0]}), allowed are comparisons of parameters; rewrite it."
                ) from None
            if found.dtype != pl.Boolean:
                raise Fault(f"where answers {found.dtype}, allowed is true or false; compare with <, > or =.")
            return np.broadcast_to(found.to_numpy(), shape)
        try:
            return np.broadcast_to(np.asarray(self._where(*columns.values()), bool), shape)
        except ValueError:
            raise Fault(
                "where compares arrays with `and` or `or`, allowed are & and |, with brackets; write (a > 1) & (b > 2)."
            ) from None


def expression(text: str) -> pl.Expr:
    """Read a condition as SQL writes it."""
    try:
        return pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        raise Fault(
            f"where is {text!r} ({str(error).splitlines()[0]}), allowed is a condition such as 'fast < slow and hold > 3'; rewrite it."
        ) from None


class Allowed:
    """What a strategy allows, and which parameters it looks at for that.

    Attributes
    ----------
    names : the parameters that `Strategy.allows` has read so far
    """

    def __init__(self, strategy: type[Strategy]) -> None:
        self.strategy = strategy
        self.names: set[str] = set()
        self._unset = {name: declared.default for name, declared in strategy.parameters.items()}

    def __call__(self, values: Mapping[str, Values], size: int) -> npt.NDArray[np.bool_]:
        """Return for each of `size` lanes whether its parameter set makes sense."""
        answer = self.strategy.allows(_Watched({**self._unset, **values}, self.names))
        return np.broadcast_to(np.asarray(answer, bool), (size,))


class _Watched(Mapping[str, Any]):
    """A mapping that notes which of its names are read."""

    def __init__(self, values: Mapping[str, Any], read: set[str]) -> None:
        self._values, self._read = values, read

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
