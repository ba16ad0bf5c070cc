"""By what lanes are ranked, and which may be: a metric, an expression of metrics, or a function of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.formula import Formula, Said
from kernels.metrics import LESS_IS_BETTER, METRICS

Values = npt.NDArray[np.floating]


class Objective:
    """What makes one lane better than another.

    Parameters
    ----------
    said : the name of a metric, of some of which less is better; or what the best have the most of: ``"cagr / max_drawdown"`` as SQL
        writes it, a polars expression, or a function of arrays that are named like metrics

    Attributes
    ----------
    name : as it was written, or the name of the function
    sign : -1.0 where less is better
    """

    def __init__(self, said: Said) -> None:
        self.name = said if isinstance(said, str) else ""
        self.sign = -1.0 if self.name in LESS_IS_BETTER else 1.0
        self._place = METRICS.index(self.name) if self.name in METRICS else -1
        if self._place < 0:
            self._formula = Formula(said, "by", METRICS, "the metrics", "cagr / max_drawdown", "number")
            self.name = self._formula.shown

    @classmethod
    def of(cls, said: Said | Objective) -> Objective:
        """Make one, unless it is made; a text is judged once."""
        if isinstance(said, Objective):
            return said
        return _objective(said) if isinstance(said, str) else cls(said)

    def says(self, said: Said) -> bool:
        """Whether it was made of this, or is called so."""
        return said == self.name if isinstance(said, str) else self._place < 0 and self._formula.says(said)

    @property
    def is_metric(self) -> bool:
        """Whether it is a metric, as it is."""
        return self._place >= 0

    def __call__(self, values: Values) -> Values:
        """Return the figure of each lane, NaN for none, of `values` (metric, lane) in the order of `METRICS`."""
        if self._place >= 0:
            found: Values = values[self._place]
            return found
        made = self._formula.worked_out(_named(self._formula, values, null=True)).cast(float).fill_null(np.nan)
        figures = made.to_numpy()
        return np.where(np.isfinite(figures), figures, np.nan)  # what divides by nothing has no value


class Requirement:
    """Which lanes may be among the best.

    Parameters
    ----------
    said : ``"closed_trades >= 30 and max_drawdown < 0.2"`` as SQL writes it, a polars expression, or a function of arrays that are named
        like metrics
    """

    def __init__(self, said: Said) -> None:
        self._formula = Formula(said, "require", METRICS, "the metrics", "closed_trades >= 30")
        self._is_function = callable(said)
        self.name = self._formula.shown

    @classmethod
    def of(cls, said: Said | Requirement | None) -> Requirement | None:
        """Make one, unless it is made, or there is none; a text is judged once."""
        if said is None or isinstance(said, Requirement):
            return said
        return _requirement(said) if isinstance(said, str) else cls(said)

    def __call__(self, values: Values) -> npt.NDArray[np.bool_]:
        """Return which lanes of `values` (metric, lane) meet it; what compares with no value is not met."""
        given = _named(self._formula, values, null=not self._is_function)
        met: npt.NDArray[np.bool_] = self._formula.worked_out(given).fill_null(False).to_numpy()
        valued = np.ones(met.size, np.bool_)
        if self._is_function:
            for name in self._formula.names:
                valued &= ~np.isnan(given[name])
        for part in self._formula.parts(given):
            valued &= np.isfinite(part.fill_null(0.0).to_numpy())
        return met & valued


_objective, _requirement = lru_cache(Objective), lru_cache(Requirement)


def _named(formula: Formula, values: Values, null: bool) -> dict[str, Any]:
    """Return the metrics that a formula looks at in float64, no value as null or as NaN."""
    rows = {name: values[METRICS.index(name)].astype(np.float64) for name in formula.names}
    return {name: pl.Series(row, nan_to_null=True) for name, row in rows.items()} if null else rows
