"""The settings of the simulated account."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.legible import numeral
from kernels.rules import Terms

#: FINRA rule 4210: maintenance of a long, of a short, the floors of a short per quoted share, and where they change.
_LONG_NEED, _SHORT_NEED, _SHORT_FLOOR, _PENNY_FLOOR, _LOW_PRICE = 0.25, 0.30, 5.0, 2.5, 5.0


@dataclass(frozen=True)
class Account:
    """Settings of the simulated account; docs/accounting.md says what each does.

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
            if value not in allowed:
                raise Fault(f"account.{name} is {value!r}, allowed are {' and '.join(map(repr, allowed))}; choose one.")
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if name == "bars_per_year" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not math.isfinite(value):
                raise Fault(f"account.{name} is {value!r}, allowed is a finite number; give one.")
            if not low <= value <= high or (name in _POSITIVE and value <= 0):
                least = "above 0" if name in _POSITIVE else numeral(low)
                raise Fault(
                    f"account.{name} is {numeral(value)}, allowed is {least} to {numeral(high)}; give a value in that range."
                )

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
