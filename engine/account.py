"""The settings of the simulated account."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.legible import numeral
from engine.number import as_float, shown
from kernels.rules import Terms

#: FINRA rule 4210: maintenance of a long, of a short, the floors of a short per quoted share, and where they change.
_LONG_NEED, _SHORT_NEED, _SHORT_FLOOR, _PENNY_FLOOR, _LOW_PRICE = 0.25, 0.30, 5.0, 2.5, 5.0


@dataclass(frozen=True)
class Account:
    """Settings of the simulated account; docs/accounting.md says what each does.

    A number may be of any type, also numpy's, `Decimal` and `Fraction`; it is held as a float.

    Attributes
    ----------
    cash : initial cash, currency
    kind : ``"portfolio"``, one cash for all assets, or ``"columns"``, one account an asset, each with the full initial cash
    fill : ``"open"``, orders fill at the open of the bar they are decided for, or ``"close"``, to match other engines
    slippage : share of the price, on every fill but a target's
    fee_rate, fee_share, min_fee : commission as a share of the notional, per quoted share, and at least per order
    borrow_rate : yearly rate on 102 % of a short's value, actual/360
    debit_rate, cash_rate : yearly rates on borrowed and on free cash, actual/360
    initial : share of the notional that an entry must be covered by (Regulation T: 0.50)
    lot : quoted shares an order is rounded down to; 0 trades fractions
    min_notional : currency; a smaller entry is refused
    bars_per_year : for annualising; None takes 252 for daily bars, 365 on a 24/7 calendar, the calendar's number when intraday
    """

    cash: float = 1_000_000.0
    kind: Literal["portfolio", "columns"] = "portfolio"
    fill: Literal["open", "close"] = "open"
    slippage: float = 0.0005
    fee_rate: float = 0.0001
    fee_share: float = 0.0
    min_fee: float = 0.0
    borrow_rate: float = 0.03
    debit_rate: float = 0.06
    cash_rate: float = 0.0
    initial: float = 0.50
    lot: float = 0.0
    min_notional: float = 0.0
    bars_per_year: float | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("kind", ("portfolio", "columns")), ("fill", ("open", "close"))):
            value = getattr(self, name)
            if not isinstance(value, str) or value not in allowed:
                raise Fault(
                    f"account.{name} must be {' or '.join(map(repr, allowed))} (got {shown(value)}); choose one."
                )
            object.__setattr__(self, name, str(value))
        for name in _BOUNDS:
            value = getattr(self, name)
            if name != "bars_per_year" or value is not None:
                object.__setattr__(self, name, number_of(name, value))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was pickled, also by a version that held numbers as they were given."""
        self.__dict__.update(state)
        self.__post_init__()

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Account:
        """Make an account from named settings, as a command line or a job file gives them."""
        known = [f.name for f in fields(cls)]
        for name in settings:
            if name not in known:
                raise Fault(
                    f"account.{name} is no setting of the account{did_you_mean(name, known)}; known are {', '.join(known)}."
                )
        return cls(**settings)

    def settings(self) -> dict[str, Any]:
        """Every setting by name."""
        return asdict(self)

    def terms(self, dtype: npt.DTypeLike) -> Terms:
        """Return the broker's terms as scalars of one precision."""
        kind: Any = np.dtype(dtype).type
        double = np.dtype(dtype) == np.float64
        values = (
            self.cash, self.slippage, self.min_fee, self.fee_rate, self.fee_share, self.initial,
            _LONG_NEED, _SHORT_NEED, _SHORT_FLOOR, _PENNY_FLOOR, _LOW_PRICE,
            self.lot, self.min_notional, 1e-9 if double else 1e-6, 1e-9 if double else 1e-6,
        )  # fmt: skip
        return Terms(*(kind(value) for value in values))


def number_of(name: str, value: object) -> float:
    """Return what is given for a number of the account as a float, or refuse it."""
    low, high = _BOUNDS[name]
    number = as_float(value)
    if not (low <= number <= high and (number > 0 or name not in _POSITIVE)):
        least = "a number above 0, up to" if name in _POSITIVE else f"a number from {numeral(low)} to"
        raise Fault(f"account.{name} must be {least} {numeral(high)} (got {shown(value)}); give one.")
    return number


_POSITIVE = ("cash", "bars_per_year")
_BOUNDS = {
    "cash": (0.0, 1e15),
    "slippage": (0.0, 0.5),
    "fee_rate": (0.0, 0.5),
    "fee_share": (0.0, 1e6),
    "min_fee": (0.0, 1e9),
    "borrow_rate": (0.0, 1000.0),
    "debit_rate": (0.0, 1000.0),
    "cash_rate": (-1.0, 10.0),
    "initial": (0.0, 1.0),
    "lot": (0.0, 1e9),
    "min_notional": (0.0, 1e15),
    "bars_per_year": (0.0, 1e9),
}
