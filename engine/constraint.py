"""Which parameter sets go together: what a user says with `where`, and what a strategy says with `allows`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.strategy import Strategy

Values = npt.NDArray[np.float64]
Where = str | pl.Expr | Callable[..., Any]

#: Values with which a condition is tried out, some of them twice.
_TRIED = np.array([2.0, 0.3, 20.0, 1.0, 2.0, 0.03, 7.0, 1.0, 50.0])
#: Lanes of which a function is asked alone, whether it answers the same.
_LOOK = 8


class Constraint:
    """What `where` says: a condition on some swept parameters and settings, which looks at one lane alone.

    Parameters
    ----------
    where : ``"fast < slow"`` as SQL writes it, a polars expression, or a function of arrays that are named like parameters
    swept : names of the swept parameters
    settings : for each swept setting its values as tables show them; a function names ``account.lot`` ``account_lot``

    Raises
    ------
    Fault
        Where the condition cannot be read, names something that is not swept, or looks at several lanes together.

    Attributes
    ----------
    names : the parameters and settings that the condition looks at
    """

    def __init__(self, where: Where, swept: Iterable[str], settings: Mapping[str, pl.Series] | None = None) -> None:
        self._settings = dict(settings or {})
        self._where = expression(where, self._settings) if isinstance(where, str) else where
        kind = "an expression" if isinstance(where, pl.Expr) else "a function"
        self._shown = repr(where) if isinstance(where, str) else kind
        spelled = {name.replace(".", "_"): name for name in self._settings}
        asked = (spelled.get(name, name) for name in _asked_for(self._where))
        self.names = tuple(dict.fromkeys(asked))
        known = [*self._settings, *swept]
        for name in self.names:
            if name not in known:
                raise Fault(
                    f"where asks for {name!r}{did_you_mean(name, known)}, allowed are the swept {', '.join(known)}; rename it."
                )
        if not self.names:
            raise Fault(f"where looks at no parameter, allowed are the swept {', '.join(known)}; name one.")
        if isinstance(self._where, pl.Expr):
            self._judge(self._where)

    def __call__(self, values: Mapping[str, Values | pl.Series]) -> npt.NDArray[np.bool_]:
        """Return for each lane whether it is to be walked; `values` holds an array or a column (lane,) for each name."""
        given = [values[name] for name in self.names]
        if isinstance(self._where, pl.Expr):
            lanes = pl.DataFrame(dict(zip(self.names, given, strict=True)))
            return self._worked_out(self._where, lanes).fill_null(False).to_numpy()
        columns = [column.to_numpy() if isinstance(column, pl.Series) else column for column in given]
        size = columns[0].size
        found = _truths(self._where, columns, size, "where")
        for lane in np.linspace(0, size - 1, min(size, _LOOK)).astype(np.int64):
            alone = [column[lane : lane + 1] for column in columns]
            if _truths(self._where, alone, 1, "where")[0] != found[lane]:
                raise Fault(self._looks_around())
        return found

    def _judge(self, where: pl.Expr) -> None:
        """Refuse an expression that looks at several lanes, or combines what is true or false with a number.

        The values of each part are looked at, among lanes and alone: `count(hold) > 1000` is false of a few lanes in either case, but
        `count(hold)` differs.
        """
        lanes = pl.DataFrame({name: self._tried(i, name) for i, name in enumerate(self.names)})
        for part in _parts(where):
            self._refuse_chain(part, lanes)
            together = self._worked_out(part, lanes)
            alone = [self._worked_out(part, lane) for lane in lanes.iter_slices(1)]
            if part.meta.root_names():
                same = together.len() == lanes.height and together.equals(pl.concat(alone))
            else:
                same = all(together.equals(one) for one in alone)
            if not same:
                raise Fault(self._looks_around())
        answer = self._worked_out(where, lanes).dtype
        if answer != pl.Boolean:
            raise Fault(
                f"where is {self._shown}, which answers {answer}, allowed is true or false; compare with <, > or =."
            )

    def _tried(self, place: int, name: str) -> Values | pl.Series:
        """Return values of one name with which a condition is tried out."""
        own = self._settings.get(name)
        return np.roll(_TRIED, 2 * place) if own is None else own[np.arange(_TRIED.size) // (place + 1) % len(own)]

    def _refuse_chain(self, part: pl.Expr, lanes: pl.DataFrame) -> None:
        """Refuse ``1 < hold < 3``, which SQL takes for ``(1 < hold) < 3``."""
        kinds = [self._worked_out(inner, lanes).dtype for inner in part.meta.pop()]
        if pl.Boolean not in kinds or not any(kind.is_numeric() for kind in kinds):
            return
        try:
            answers = self._worked_out(part, lanes).dtype == pl.Boolean
        except Fault:
            answers = True
        if answers:
            raise Fault(
                f"where is {self._shown}, which combines what is true or false with a number, allowed is one comparison at a time; "
                f"write 1 < hold < 3 as 1 < hold and hold < 3."
            )

    def _worked_out(self, part: pl.Expr, lanes: pl.DataFrame) -> pl.Series:
        try:
            return lanes.select(answer=part)["answer"]
        except pl.exceptions.PolarsError:
            raise Fault(
                f"where is {self._shown}, which cannot be worked out, allowed are comparisons of numbers, such as 'fast < slow and hold "
                f"> 3'; rewrite it."
            ) from None

    def _looks_around(self) -> str:
        return (
            f"where is {self._shown}, whose answer for a lane depends on the lanes beside it, allowed is what can be said of one lane "
            f"alone; leave out what looks at several, such as max, avg, count or rank."
        )


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


def _parts(where: pl.Expr) -> Iterator[pl.Expr]:
    """Give everything that an expression is made of, and then itself."""
    for inner in where.meta.pop():
        yield from _parts(inner)
    yield where


def _asked_for(where: pl.Expr | Callable[..., Any]) -> Iterable[str]:
    """Return the names that a condition asks for."""
    if isinstance(where, pl.Expr):
        return where.meta.root_names()
    try:
        return inspect.signature(where).parameters
    except (TypeError, ValueError):
        shown = " ".join(repr(where).split())
        raise Fault(
            f"where is {shown}, allowed are a text such as 'fast < slow', a polars expression, and a function of parameters; write "
            f"one."
        ) from None


def expression(text: str, dotted: Iterable[str] = ()) -> pl.Expr:
    """Read a condition as SQL writes it; SQL would take a name with a dot for part of a table, unless it is told."""
    for name in dotted:
        if "." in name:
            text = re.sub(rf"(?<![\w.\"`]){re.escape(name)}(?![\w.\"`])", f'"{name}"', text)
    try:
        return pl.sql_expr(text)
    except pl.exceptions.PolarsError:
        raise Fault(
            f"where is {text!r}, which cannot be read, allowed is a condition such as 'fast < slow and hold > 3'; rewrite it."
        ) from None


def _truths(ask: Callable[..., Any], given: Sequence[Any], size: int, who: str) -> npt.NDArray[np.bool_]:
    """Ask a function of arrays which of `size` lanes it takes, and refuse what it answers if that is not true or false."""
    try:
        answer = ask(*given)
    except ValueError as error:
        if "truth value of an array" not in str(error):
            raise
        raise Fault(
            f"{who} compares arrays with `and` or `or`, allowed are & and |, with brackets; write (a > 1) & (b > 2)."
        ) from None
    found = np.asarray(answer)
    if found.dtype != np.bool_ or found.shape not in ((), (size,)):
        shown = "None" if answer is None else f"{found.dtype} of the shape {found.shape}"
        raise Fault(
            f"{who} answers {shown}, allowed is true or false for each of {size} lanes; return a comparison of parameters."
        )
    return np.broadcast_to(found, (size,))


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
            return _truths(self.strategy.allows, [_Watched(given, self.names)], size, who)
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
