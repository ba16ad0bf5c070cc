"""Which parameter sets go together: what a user says with `where`, and what a strategy says with `allows`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.faults import Fault
from engine.formula import Formula, Said, Values, expression, truths
from engine.guess import did_you_mean
from engine.strategy import Strategy

__all__ = ["Allowed", "Condition", "Constraint", "Narrowed", "Values", "Where", "expression"]

Where = Said


class Constraint:
    """What `where` says: a condition on some swept parameters and settings; see `engine.formula`.

    Parameters
    ----------
    where : ``"fast < slow"`` as SQL writes it, a polars expression, or a function of arrays that are named like parameters
    swept : names of the swept parameters
    settings : for each swept setting its values as tables show them

    Attributes
    ----------
    names : the parameters and settings that the condition looks at
    """

    def __init__(self, where: Where, swept: Iterable[str], settings: Mapping[str, pl.Series] | None = None) -> None:
        self._formula = Formula(where, "where", swept, "the swept", "fast < slow and hold > 3", columns=settings)
        self.names = self._formula.names

    def __call__(self, values: Mapping[str, Values | pl.Series]) -> npt.NDArray[np.bool_]:
        """Return for each lane whether it is to be walked; `values` holds an array or a column (lane,) for each name."""
        return self._formula.worked_out(values).fill_null(False).to_numpy()


class Condition(Protocol):
    """What looks at some parameters of a lane and says whether to walk it."""

    names: tuple[str, ...]

    def __call__(self, values: Mapping[str, Values | pl.Series]) -> npt.NDArray[np.bool_]:
        """Return for each lane whether it is to be walked."""


class Narrowed:
    """A condition of which some settings are known: what is left of it for the parameters.

    Attributes
    ----------
    names : the parameters that it still looks at
    """

    def __init__(self, condition: Constraint, settings: Mapping[str, pl.Series]) -> None:
        self._condition, self._settings = condition, settings
        self.names = tuple(name for name in condition.names if name not in settings)

    def __call__(self, values: Mapping[str, Values | pl.Series]) -> npt.NDArray[np.bool_]:
        """Return for each lane whether it is to be walked; where nothing is left to look at, of one lane."""
        size = len(values[self.names[0]]) if self.names else 1
        return self._condition({**values, **{n: v.new_from_index(0, size) for n, v in self._settings.items()}})


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
        who, given = f"{self.strategy.name()}.allows", {**self._unset, **values}
        try:
            return truths(self.strategy.allows, [_Watched(given, self.names)], size, who)
        except KeyError as error:
            name = error.args[0] if error.args else None
            if not isinstance(name, str) or name in given:
                raise
            raise Fault(
                f"{who} asks for {name!r}{did_you_mean(name, given)}, allowed are {', '.join(given)}; rename it."
            ) from None


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
