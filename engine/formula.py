"""What is said of one lane by its own numbers: a text as SQL writes it, a polars expression, or a function of arrays."""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.faults import Fault
from engine.guess import did_you_mean

Values = npt.NDArray[np.float64]
Said = str | pl.Expr | Callable[..., Any]

#: Values with which an expression is tried out, some of them twice.
_TRIED = np.array([2.0, 0.3, 20.0, 1.0, 2.0, 0.03, 7.0, 1.0, 50.0])
#: Names of settings, which SQL would take for columns of a table, or parts of them.
_DOTTED = re.compile(r"""(?<![\w.'"`])((?:account|events)\.\w+)(?!['"`])""")
#: Lanes of which a function is asked alone, whether it answers the same.
_LOOK = 8


class Formula:
    """A condition on a lane, or a figure made of its numbers; it looks at one lane alone.

    Parameters
    ----------
    said : ``"fast < slow"``, a polars expression, or a function whose arguments are named like what it looks at
    who : the argument that says it, for sentences
    known : what it may look at
    of : what that is, in a few words: "the swept"
    example : of a text
    answers : whether it is true or false, or a number
    columns : values of those that are no numbers, as tables show them; a function names ``account.lot`` ``account_lot``

    Raises
    ------
    Fault
        Where it cannot be read, names something that is not known, or looks at several lanes together.

    Attributes
    ----------
    names : what it looks at
    shown : how the user wrote it
    """

    def __init__(
        self,
        said: Said,
        who: str,
        known: Iterable[str],
        of: str,
        example: str,
        answers: Literal["condition", "number"] = "condition",
        columns: Mapping[str, pl.Series] | None = None,
    ) -> None:
        self.who, self.shown = who, said if isinstance(said, str) else _name_of(said)
        self._example, self._condition, self._columns = example, answers == "condition", dict(columns or {})
        self._said = expression(said, who, example) if isinstance(said, str) else said
        self._written = repr(said) if isinstance(said, str) else _article(self._said)
        spelled = {name.replace(".", "_"): name for name in self._columns}
        self.names = tuple(dict.fromkeys(spelled.get(name, name) for name in self._asked_for()))
        listed = [*self._columns, *known]
        for name in self.names:
            if name not in listed:
                raise Fault(
                    f"{who} asks for {name!r}{did_you_mean(name, listed)}, allowed are {of} {', '.join(listed)}; rename it."
                )
        if not self.names:
            what = "parameter" if who == "where" else "metric"
            raise Fault(f"{who} looks at no {what}, allowed are {of} {', '.join(listed)}; name one.")
        if isinstance(self._said, pl.Expr):
            self._judge(self._said)

    def __deepcopy__(self, memo: dict[int, Any]) -> Formula:
        return self  # nobody changes it

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled; a function that only its own process has is refused."""
        if isinstance(self._said, types.FunctionType) and not _is_found(self._said):
            raise Fault(
                f"{self.who} must be a text, or a function that stands in a module, to be pickled (got {self._said.__qualname__}); write "
                f"it as a text, such as {self._example!r}."
            )
        return self.__dict__

    def says(self, said: Said) -> bool:
        """Whether it was made of this very expression or function."""
        return said is self._said

    def worked_out(self, values: Mapping[str, Values | pl.Series]) -> pl.Series:
        """Return what is said of each lane; `values` holds an array or a column (lane,) for each name."""
        given = [values[name] for name in self.names]
        if isinstance(self._said, pl.Expr):
            lanes = pl.DataFrame(dict(zip(self.names, given, strict=True)))
            return self._select(self._said, _two_or_more(lanes)).head(lanes.height)
        columns = [column.to_numpy() if isinstance(column, pl.Series) else column for column in given]
        size = columns[0].size
        found = self._ask(columns, size)
        for lane in np.linspace(0, size - 1, min(size, _LOOK)).astype(np.int64):
            alone = self._ask([column[lane : lane + 1] for column in columns], 1)
            if not np.array_equal(alone, found[lane : lane + 1], equal_nan=not self._condition):
                raise Fault(self._looks_around())
        return pl.Series(found)

    def parts(self, values: Mapping[str, Values | pl.Series]) -> Iterator[pl.Series]:
        """Give the numbers that an expression works out on the way to its answer."""
        if isinstance(self._said, pl.Expr):
            lanes = pl.DataFrame({name: values[name] for name in self.names})
            for part in _parts(self._said):
                if part.meta.root_names() and part.meta.pop():
                    found = self._select(part, _two_or_more(lanes)).head(lanes.height)
                    if found.dtype.is_float():
                        yield found

    def _ask(self, columns: Sequence[Any], size: int) -> npt.NDArray[Any]:
        assert callable(self._said)
        if self._condition:
            return truths(self._said, columns, size, self.who)
        with np.errstate(all="ignore"):  # what divides by nothing has no value
            found = np.asarray(self._said(*columns))
        if found.dtype.kind not in "iuf" or found.shape not in ((), (size,)):
            raise Fault(
                f"{self.who} must answer a number for each of {size} lanes (got {_seen(found)}); return what is made of its arguments."
            )
        return np.broadcast_to(found.astype(np.float64), (size,))

    def _asked_for(self) -> Iterable[str]:
        """Return the names that it asks for."""
        if isinstance(self._said, pl.Expr):
            return self._said.meta.root_names()
        try:
            return inspect.signature(self._said).parameters
        except (TypeError, ValueError):
            shown = " ".join(repr(self._said).split())
            raise Fault(
                f"{self.who} is {shown}, allowed are a text such as {self._example!r}, a polars expression, and a function of "
                f"{'parameters' if self.who == 'where' else 'metrics'}; write one."
            ) from None

    def _judge(self, said: pl.Expr) -> None:
        """Refuse an expression that looks at several lanes, or combines what is true or false with a number.

        The values of each part are looked at, among lanes and alone: `count(hold) > 1000` is false of a few lanes in either case, but
        `count(hold)` differs.
        """
        lanes = pl.DataFrame({name: self._tried(i, name) for i, name in enumerate(self.names)})
        for part in _parts(said):
            self._refuse_null(part)
            self._refuse_chain(part, lanes)
            together = self._select(part, lanes)
            alone = [self._select(part, _two_or_more(lane)) for lane in lanes.iter_slices(1)]
            if part.meta.root_names():
                both = together.gather(np.repeat(np.arange(together.len()), 2))
                same = together.len() == lanes.height and both.equals(pl.concat(alone))
            else:
                same = all(together.equals(one) for one in alone)
            if not same:
                raise Fault(self._looks_around())
        answer = self._select(said, lanes).dtype
        if self._condition and answer != pl.Boolean:
            raise Fault(
                f"{self.who} is {self._written}, which answers {answer}, allowed is true or false; compare with <, > or =."
            )
        if not self._condition and not answer.is_numeric():
            raise Fault(
                f"{self.who} is {self._written}, which answers {answer}, allowed is a number; leave the comparison out."
            )

    def _tried(self, place: int, name: str) -> Values | pl.Series:
        """Return values of one name with which an expression is tried out."""
        own = self._columns.get(name)
        return np.roll(_TRIED, 2 * place) if own is None else own[np.arange(_TRIED.size) // (place + 1) % len(own)]

    def _refuse_null(self, part: pl.Expr) -> None:
        """Refuse to ask a parameter for null: none is a number there; metrics and settings do have nulls."""
        written = str(part)
        asked = [name for name in part.meta.root_names() if self.who == "where" and name not in self._columns]
        if asked and written.endswith((".is_null()", ".is_not_null()")):
            sign = "<" if written.endswith(".is_not_null()") else ">"
            raise Fault(
                f"{self.who} is {self._written}, which asks for null, but none compares as greater than every number; write "
                f"{asked[0]} {sign} 1e300."
            )

    def _refuse_chain(self, part: pl.Expr, lanes: pl.DataFrame) -> None:
        """Refuse ``1 < hold < 3``, which SQL takes for ``(1 < hold) < 3``."""
        kinds = [self._select(inner, lanes).dtype for inner in part.meta.pop()]
        if pl.Boolean not in kinds or not any(kind.is_numeric() for kind in kinds):
            return
        try:
            answers = self._select(part, lanes).dtype == pl.Boolean
        except Fault:
            answers = True
        if answers:
            raise Fault(
                f"{self.who} is {self._written}, which combines what is true or false with a number, allowed is one comparison at a time; "
                f"write 1 < hold < 3 as 1 < hold and hold < 3."
            )

    def _select(self, part: pl.Expr, lanes: pl.DataFrame) -> pl.Series:
        try:
            return lanes.select(answer=part)["answer"]
        except pl.exceptions.PolarsError:
            raise Fault(
                f"{self.who} is {self._written}, which cannot be worked out, allowed are comparisons of numbers, such as "
                f"{self._example!r}; rewrite it."
            ) from None

    def _looks_around(self) -> str:
        return (
            f"{self.who} is {self._written}, whose answer for a lane depends on the lanes beside it, allowed is what can be said of one "
            f"lane alone; leave out what looks at several, such as max, avg, count or rank."
        )


def expression(text: str, who: str = "where", example: str = "fast < slow and hold > 3") -> pl.Expr:
    """Read an expression as SQL writes it, in which settings have a dot in their names."""
    try:
        return pl.sql_expr(_DOTTED.sub(r'"\1"', text))
    except pl.exceptions.PolarsError:
        raise Fault(
            f"{who} is {text!r}, which cannot be read, allowed is {_kind(who)} such as {example!r}; rewrite it."
        ) from None


def _kind(who: str) -> str:
    return "a metric, or an expression of metrics," if who == "by" else "a condition"


def _name_of(said: Any) -> str:
    """Return a name for what is no text; that of a function has brackets, and so is no column's."""
    name = getattr(said, "__name__", "function")
    return f"{name if name.isidentifier() else 'function'}()" if callable(said) else str(said)


def _article(said: Any) -> str:
    return "an expression" if isinstance(said, pl.Expr) else "a function"


def _is_found(function: types.FunctionType) -> bool:
    """Whether pickle finds a function by its name."""
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _two_or_more(lanes: pl.DataFrame) -> pl.DataFrame:
    """Return lanes of which there are at least two: polars divides a single one, and multiplies several by the reciprocal.

    A column that is made by repeating one row would still be a single one to it.
    """
    if lanes.height != 1:
        return lanes
    return pl.DataFrame([pl.Series(column.name, column.to_list() * 2, column.dtype) for column in lanes])


def _parts(said: pl.Expr) -> Iterator[pl.Expr]:
    """Give everything that an expression is made of, and then itself."""
    for inner in said.meta.pop():
        yield from _parts(inner)
    yield said


def _seen(found: npt.NDArray[Any]) -> str:
    return f"{found.dtype} of the shape {found.shape}"


def truths(ask: Callable[..., Any], given: Sequence[Any], size: int, who: str) -> npt.NDArray[np.bool_]:
    """Ask a function of arrays which of `size` lanes it takes, and refuse what it answers if that is not true or false."""
    try:
        with np.errstate(all="ignore"):
            answer = ask(*given)
    except ValueError as error:
        if "truth value of an array" not in str(error):
            raise
        raise Fault(
            f"{who} compares arrays with `and` or `or`, allowed are & and |, with brackets; write (a > 1) & (b > 2)."
        ) from None
    found = np.asarray(answer)
    if found.dtype != np.bool_ or found.shape not in ((), (size,)):
        shown = "None" if answer is None else _seen(found)
        what = "metrics" if who == "require" else "parameters"
        raise Fault(
            f"{who} answers {shown}, allowed is true or false for each of {size} lanes; return a comparison of {what}."
        )
    return np.broadcast_to(found, (size,))
