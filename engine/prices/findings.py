"""What was found wrong, or worth knowing, in the prices on their way in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import polars as pl

from engine.faults import Fault
from engine.guess import did_you_mean

Severity = Literal["fatal", "warning", "note"]

SCHEMA = pl.Schema(
    {
        "severity": pl.String(),
        "check": pl.String(),
        "source": pl.String(),
        "asset": pl.String(),
        "row": pl.Int64(),
        "time": pl.Datetime("us", "UTC"),
        "value": pl.String(),
        "message": pl.String(),
    }
)

ACCEPTABLE = {
    "conflicting_duplicate": "the last of the rows is kept",
    "dividends_in_prices": "the dividends are left out",
    "future_time": "the row is left out",
    "high_below_low": "the bar is left out",
    "nonpositive_price": "the bar is left out",
    "off_grid_time": "the row is left out",
    "off_session": "the row is left out",
    "outlying_extreme": "the high or low is cut to the bar's open and close",
    "outlying_price": "the bar is left out",
    "outside_range": "the bar is widened or left out",
    "unadjusted_split": "the jump is kept as a real move",
    "unparsable_number": "the bar is left out",
    "unparsable_time": "the row is left out",
}
"""Checks that stop an import unless they are accepted, and what is done once they are."""

_LISTED = 50  # rows listed one by one for each check and source; the rest are counted


class Findings:
    """Gathers findings; those in `accept` are listed as warnings where they would have stopped the import.

    Parameters
    ----------
    accept
        Names of checks, out of ``ACCEPTABLE``.

    Raises
    ------
    Fault
        For a name that is not in ``ACCEPTABLE``.
    """

    def __init__(self, accept: Iterable[str] = ()) -> None:
        self._accept = frozenset([accept] if isinstance(accept, str) else accept)
        for name in sorted(self._accept - ACCEPTABLE.keys()):
            raise Fault(
                f"accept={name!r} is not a check that can be accepted{did_you_mean(name, ACCEPTABLE)}; "
                f"give one of {', '.join(ACCEPTABLE)}."
            )
        self._parts: list[pl.DataFrame] = []
        self._text_sources: set[str] = set()

    def text_source(self, source: str) -> None:
        """Note that the rows of `source` are the lines of a text file."""
        self._text_sources.add(source)

    def severity_of(self, check: str) -> Severity:
        """Tell whether a check that stops an import has been accepted."""
        return "warning" if check in self._accept else "fatal"

    def add(
        self,
        severity: Severity,
        check: str,
        message: str,
        *,
        source: str | None = None,
        asset: str | None = None,
        row: int | None = None,
        time: datetime | None = None,
        value: str | None = None,
    ) -> None:
        """Add one finding."""
        cells = (severity, check, source, asset, row, time, value, message)
        self._parts.append(pl.DataFrame([cells], schema=SCHEMA, orient="row"))

    def add_rows(self, severity: Severity, check: str, rows: pl.DataFrame, value: pl.Expr, message: pl.Expr) -> None:
        """Add a finding for each row of a table; of more than 50 in one source, the rest are only counted.

        Parameters
        ----------
        rows
            Columns source, and asset, row and time where there are such, and what the two expressions need.
        value, message
            Strings.
        """
        if rows.is_empty():
            return
        listed = rows.group_by("source", maintain_order=True).head(_LISTED)
        absent = [
            pl.lit(None, SCHEMA[name]).alias(name) for name in ("asset", "row", "time") if name not in rows.columns
        ]
        self._parts.append(
            listed.with_columns(*absent)
            .select(
                pl.lit(severity).alias("severity"),
                pl.lit(check).alias("check"),
                "source",
                "asset",
                "row",
                "time",
                value.cast(pl.String).alias("value"),
                message.alias("message"),
            )
            .cast(SCHEMA)
        )
        counts = rows.group_by("source", maintain_order=True).len().filter(pl.col("len") > _LISTED)
        for source, count in counts.iter_rows():
            self.add(severity, check, f"and {count - _LISTED} more rows like these.", source=source, value=str(count))

    def frame(self) -> pl.DataFrame:
        """Give all findings, the severest first."""
        if not self._parts:
            return pl.DataFrame(schema=SCHEMA)
        order = pl.col("severity").replace_strict({"fatal": 0, "warning": 1, "note": 2}, return_dtype=pl.Int8)
        return pl.concat(self._parts).sort(order, maintain_order=True)

    def stop_if_fatal(self) -> None:
        """Raise one Fault for the first fatal finding, with a count of the others."""
        fatal = self.frame().filter(pl.col("severity") == "fatal")
        if fatal.is_empty():
            return
        first = fatal.row(0, named=True)
        place = first["source"] or ""
        if first["row"] is not None:
            place += f", {'line' if first['source'] in self._text_sources else 'row'} {first['row']}"
        remedy = (
            f", or accept {first['check']!r} ({ACCEPTABLE[first['check']]})" if first["check"] in ACCEPTABLE else ""
        )
        more = fatal.height - 1
        others = f" (and {more} more fatal finding{'s' if more > 1 else ''})" if more else ""
        raise Fault(f"{place}: {first['message'].rstrip('.')}{remedy}{others}.")


def shown(number: str | pl.Expr) -> pl.Expr:
    """Write a number for a message, to six figures: 195.979996 as 195.98, 10.0 as 10, and null as none."""
    number = pl.col(number) if isinstance(number, str) else number
    return number.cast(pl.Float64).round_sig_figs(6).cast(pl.String).str.strip_suffix(".0").fill_null("none")


def stamp(column: str) -> pl.Expr:
    """Write a datetime for a message, and a midnight as a date."""
    text = pl.col(column).dt.to_string("%Y-%m-%d %H:%M:%S")
    return text.str.replace(r" 00:00:00$", "")


def counted(count: str, noun: str) -> pl.Expr:
    """Write a count for a message: "1 bar", "2 bars"."""
    return pl.format("{} {}", count, pl.when(pl.col(count) == 1).then(pl.lit(noun)).otherwise(pl.lit(noun + "s")))
