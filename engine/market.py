"""Prices as aligned columns of bars."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
from numpy.typing import DTypeLike, NDArray

from engine.calendars import Dates, Instants
from engine.checksum import checksum
from engine.faults import Failure, Fault
from engine.fingerprint import fingerprint
from engine.guess import did_you_mean
from engine.tables.memory import refuse_large

if TYPE_CHECKING:
    from engine.prices.placing import Hours
    from engine.tables.spelling import Order
    from engine.tables.table import Decimal

SCHEMA = pl.Schema(
    {
        "asset": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "session": pl.Date(),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        "dividend": pl.Float64(),
        "split": pl.Float64(),
    }
)
_FORMAT = "market 1"  # changes with the layout of the file; a file of another format is checked like any input
_TIMES = 2.5  # how often the table stands in memory while the file is read: measured
_OWN = "tocsin."  # prefix of the metadata that belongs to the file, not to the market


@dataclass(frozen=True)
class Columns:
    """The prices of a market as C-contiguous matrices of shape (asset, bar), in one precision.

    Attributes
    ----------
    open, high, low, close
        Split-adjusted prices; NaN where the asset has no bar.
    dividend
        Per adjusted share, on the ex-date; 0 where none.
    split
        Product of the splits after the bar, so that open * split is the price that was quoted; NaN where the splits of
        the asset are not known.
    """

    open: NDArray[Any]
    high: NDArray[Any]
    low: NDArray[Any]
    close: NDArray[Any]
    dividend: NDArray[Any]
    split: NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Market:
    """Bars of a set of assets on one calendar; never changed once made.

    Make one by ``Market.read``, ``Market.from_frame`` or ``Market.sample``.

    Attributes
    ----------
    frame
        One row a bar, sorted by asset and time: asset str, time datetime[us, UTC] (the instant the bar opens), session
        date, open high low close f64 (split-adjusted, never dividend-adjusted), volume f64 (adjusted shares; null where
        unknown), dividend f64 (per adjusted share, on the ex-date; 0 where none), split f64 (ratio on the ex-date, 1
        where none; null where the asset's splits are not known). A bar that is missing is a row that is missing.
    assets
        Sorted.
    opens
        int64, shape (T,), microseconds since 1970 UTC: the open of every bar of the calendar from the first to the last
        in the data, whether or not anything traded.
    sessions
        datetime64[D], shape (T,): the session each bar belongs to.
    findings
        What was found on the way in: severity ("warning" or "note"), check, source, asset, row, time, value, message.
        `row` is the line of a text file (the header is line 1), or the row of a table, from 0.
    metadata
        calendar, timezone (of the exchange), interval, hours, adjustment; and label, where the prices bear one.
    """

    frame: pl.DataFrame
    assets: tuple[str, ...]
    opens: Instants
    sessions: Dates
    findings: pl.DataFrame
    metadata: Mapping[str, str]
    _starts: NDArray[np.int64]  # (assets,): the first row of each asset
    # (rows,): where each row stands in a flattened (asset, bar) matrix; None: in order
    _cells: NDArray[np.int64] | None

    @classmethod
    def build(
        cls, frame: pl.DataFrame, opens: Instants, sessions: Dates, findings: pl.DataFrame, metadata: Mapping[str, str]
    ) -> Self:
        """Put a market together from rows that are sorted and sound; what comes from outside goes through `read`."""
        frame = frame.select(SCHEMA.names()).rechunk()
        runs = frame["asset"].rle().struct.unnest()
        ends = np.cumsum(runs["len"].to_numpy(), dtype=np.int64)
        starts = ends - runs["len"].to_numpy()
        dense = frame.height == runs.height * len(opens)
        cells = None if dense else _cells(_values(frame["time"]), starts, ends, opens)
        opens, sessions = opens.copy(), sessions.copy()
        opens.flags.writeable = sessions.flags.writeable = False
        return cls(frame, tuple(runs["value"]), opens, sessions, findings, dict(metadata), starts, cells)

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        asset: str | None = None,
        calendar: str | None = None,
        timezone: str | None = None,
        interval: str | None = None,
        hours: Hours = "regular",
        accept: Iterable[str] = (),
        dates: Order | None = None,
        decimal: Decimal | None = None,
    ) -> Market:
        """Read a market that `write` wrote, or import prices in any usual form.

        Parameters
        ----------
        path
            A file of text, Parquet, Arrow or Excel, or a folder of such with one file a symbol.
        asset, calendar, timezone, interval, hours, accept, dates, decimal
            As for ``engine.prices.import_prices``. A file written by `write` has been checked already, and names its
            symbols; for such a file calendar and interval have to be its own, and the others do nothing.

        Raises
        ------
        Fault
            Where the file cannot be read, or the prices in it are not fit for use.
        """
        if not isinstance(path, (str, os.PathLike)):
            from engine.tables.frames import described  # noqa: PLC0415

            raise Fault(
                f"path must be the path of a file or folder (got {described(path)}); Market.from_frame(table) takes tables."
            )
        stored = _stored(Path(path))
        if stored is not None:
            if asset is not None:
                raise Fault(f"asset must be left out for {path}, which names its symbols (got {asset!r}).")
            for name, wanted in (("calendar", calendar), ("interval", interval)):
                if wanted is not None and wanted != stored.metadata[name]:
                    raise Fault(
                        f"{name}={wanted!r} does not fit {path}, whose {name} is {stored.metadata[name]!r}; leave it "
                        "out, or import the prices anew."
                    )
            return stored
        # Imported late: reading our own files needs none of the import.
        from engine.prices import import_prices  # noqa: PLC0415

        return import_prices(
            path, asset=asset, calendar=calendar, timezone=timezone, interval=interval, hours=hours, accept=accept, dates=dates,
            decimal=decimal,
        )  # fmt: skip

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        asset: str | None = None,
        calendar: str | None = None,
        timezone: str | None = None,
        interval: str | None = None,
        hours: Hours = "regular",
        accept: Iterable[str] = (),
        dates: Order | None = None,
        decimal: Decimal | None = None,
    ) -> Market:
        """Import prices from a data frame, checked like a file.

        Parameters
        ----------
        frame
            A polars, pandas or pyarrow table, anything else with the Arrow C stream, a dict of columns, or a list of rows
            that are dicts: one row a bar and asset, or several tickers side by side. Times may be a pandas index.
        asset
            The symbol, where the frame has no column for it.
        calendar, timezone, interval, hours, accept, dates, decimal
            As for ``engine.prices.import_prices``.

        Raises
        ------
        Fault
            Where the prices are not fit for use.

        Examples
        --------
        >>> import polars as pl
        >>> rows = {"date": ["2025-11-26", "2025-11-28"], "open": [10, 11], "high": [12, 12], "low": [9, 10]}
        >>> market = Market.from_frame(pl.DataFrame({**rows, "close": [11, 12]}), asset="ABC", calendar="XNYS")
        >>> market.columns("float64").close.tolist()
        [[11.0, 12.0]]
        """
        from engine.prices import import_frame  # noqa: PLC0415

        return import_frame(
            frame, asset=asset, calendar=calendar, timezone=timezone, interval=interval, hours=hours, accept=accept, dates=dates,
            decimal=decimal,
        )  # fmt: skip

    @classmethod
    def sample(cls) -> Market:
        """Give the embedded market: simulated prices, whose moves on some days are those the seed documents quote."""
        from seeds import market  # noqa: PLC0415

        return cls.from_frame(market(), calendar="XNYS", interval="1d").labelled("SIMULATED")

    def labelled(self, label: str) -> Market:
        """Give the same market with a label that goes wherever it goes."""
        return Market.build(self.frame, self.opens, self.sessions, self.findings, {**self.metadata, "label": label})

    @property
    def calendar(self) -> str:
        """The code of the exchange's calendar, such as "XNYS" or "24/7"."""
        return self.metadata["calendar"]

    @property
    def interval(self) -> str:
        """The length of a bar: "1d", "5m", .."""
        return self.metadata["interval"]

    @property
    def days(self) -> NDArray[np.float64]:
        """Calendar days since the previous bar's session, 0 on the first; float64, shape (T,)."""
        return np.diff(self.sessions, prepend=self.sessions[:1]).astype(np.float64)

    @cached_property
    def session_bars(self) -> int:
        """Bars of the longest session."""
        begins = np.flatnonzero(self.sessions[1:] != self.sessions[:-1]) + 1
        return int(np.diff(begins, prepend=0, append=self.sessions.size).max())

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the bars, the same on every machine."""
        return fingerprint(self.frame)

    def __repr__(self) -> str:
        label = f"{self.metadata['label']}, " if "label" in self.metadata else ""
        return (
            f"Market({label}{len(self.assets)} assets, {len(self.opens)} bars of {self.interval} on {self.calendar}, "
            f"{self.sessions[0]} to {self.sessions[-1]})"
        )

    def columns(self, dtype: DTypeLike = np.float64) -> Columns:
        """Lay the prices out as matrices, made anew at each call.

        Parameters
        ----------
        dtype
            float32 or float64.

        Returns
        -------
        Columns
            C-contiguous arrays of shape (len(assets), len(opens)).
        """
        kind = np.dtype(dtype)
        if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise Fault(f"dtype={dtype!r} is not supported; give 'float32' or 'float64'.")
        prices = {name: self._matrix(name, np.nan, kind) for name in ("open", "high", "low", "close")}
        return Columns(**prices, dividend=self._matrix("dividend", 0.0, kind), split=self._later_splits(kind))

    def select(
        self,
        assets: Iterable[str] | None = None,
        start: dt.date | str | None = None,
        end: dt.date | str | None = None,
    ) -> Market:
        """Give the market of some assets, or of the sessions from `start` to `end`, both included.

        Raises
        ------
        Fault
            For an asset or a date that is not in the market.
        """
        keep = pl.lit(True)
        if assets is not None:
            wanted = [assets] if isinstance(assets, str) else list(assets)
            for name in wanted:
                if name not in self.assets:
                    raise Fault(
                        f"assets={name!r} is not in the market{did_you_mean(name, self.assets)}; see market.assets."
                    )
            keep &= pl.col("asset").is_in(wanted)
        first, last = (_date(name, day) for name, day in (("start", start), ("end", end)))
        keep &= pl.col("session").is_between(first or dt.date.min, last or dt.date.max)
        frame = self.frame.filter(keep)
        if frame.is_empty():
            told = [f"{name}={day}" for name, day in (("start", start), ("end", end)) if day is not None]
            raise Fault(
                f"{', '.join(told)} leave{'s' if len(told) == 1 else ''} no bar, allowed is a part of {self.sessions[0]} to "
                f"{self.sessions[-1]}, of which some assets have fewer; correct the dates."
            )
        times = _values(frame["time"])
        span = slice(*np.searchsorted(self.opens, [times.min(), times.max() + 1]))
        # Prices stay adjusted for the splits that are cut off, so these still count in the quoted price.
        after = self.frame.filter(pl.col("session") > frame["session"].max(), pl.col("split") != 1)
        cut = dict(after.group_by("asset").agg(pl.col("split").product()).iter_rows())
        earlier = json.loads(self.metadata.get("later_splits", "{}"))
        later = {name: cut.get(name, 1.0) * earlier.get(name, 1.0) for name in sorted({*cut, *earlier})}
        later = {name: ratio for name, ratio in later.items() if name in frame["asset"].unique()}
        metadata = {**self.metadata, **({"later_splits": json.dumps(later)} if later else {})}
        return Market.build(frame, self.opens[span], self.sessions[span], self.findings, metadata)

    def write(self, path: str | Path) -> None:
        """Write the market as one Parquet file; it appears whole or not at all.

        Raises
        ------
        Fault
            Where `path` names no file that can be made.
        """
        path = Path(path)
        if not path.parent.is_dir() or path.is_dir():
            raise Fault(
                f"{path} cannot be written: {path.parent} has to be a folder and {path.name} a file; make it first."
            )
        findings = io.BytesIO()
        self.findings.write_ipc(findings, compression="zstd")
        grid = np.stack([self.opens, self.sessions.astype(np.int64)])
        own = {
            "format": _FORMAT,
            "checksum": checksum(self.frame),
            "grid": _packed(np.diff(grid, prepend=0).tobytes()),
            "findings": _packed(findings.getvalue()),
        }
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            # lz4 decompresses several times faster than zstd here, for a file of the same size.
            metadata = {**self.metadata, **{_OWN + name: value for name, value in own.items()}}
            self.frame.write_parquet(temporary, compression="lz4", metadata=metadata)
            temporary.replace(path)
        except OSError as error:
            raise Failure(f"{path} could not be written: {error.strerror or error}.") from error
        finally:
            temporary.unlink(missing_ok=True)

    def _matrix(self, name: str, absent: float, dtype: np.dtype[Any]) -> NDArray[Any]:
        shape, values = (len(self.assets), len(self.opens)), self.frame[name].to_numpy()
        if self._cells is None:
            return values.reshape(shape).astype(dtype)
        matrix = np.full(shape, absent, dtype)
        matrix.reshape(-1)[self._cells] = values
        return matrix

    def _later_splits(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Product of the splits after each bar, (asset, bar); NaN in the rows of assets whose splits are not known."""
        later = np.ones((len(self.assets), len(self.opens)), dtype)
        split = self.frame["split"]
        rows = (split != 1).arg_true().to_numpy()
        assets = np.searchsorted(self._starts, rows, side="right") - 1
        bars = np.searchsorted(self.opens, _values(self.frame["time"])[rows])
        earlier = json.loads(self.metadata.get("later_splits", "{}"))
        products = {self.assets.index(name): np.full(len(self.opens), ratio) for name, ratio in earlier.items()}
        for row, asset, bar in zip(rows.tolist(), assets.tolist(), bars.tolist(), strict=True):
            products.setdefault(asset, np.ones(len(self.opens)))[:bar] *= split[row]
        for asset, product in products.items():
            later[asset] = product
        if split.null_count():
            later[np.logical_or.reduceat(split.is_null().to_numpy(), self._starts)] = np.nan
        return later


def _cells(times: Instants, starts: NDArray[np.int64], ends: NDArray[np.int64], opens: Instants) -> NDArray[np.int64]:
    """Tell where each row stands in a flattened (asset, bar) matrix, from the rows at which assets start and end."""
    first, last = np.searchsorted(opens, times[starts]), np.searchsorted(opens, times[ends - 1])
    rows = np.arange(len(starts)) * len(opens)
    cells = np.arange(len(times)) + np.repeat(rows + first - starts, ends - starts)
    # Only an asset with holes has fewer rows than the calendar has bars from its first to its last.
    for asset in np.flatnonzero(last - first + 1 != ends - starts):
        own = slice(starts[asset], ends[asset])
        cells[own] = rows[asset] + np.searchsorted(opens, times[own])
    return cells


def _date(name: str, day: dt.date | str | None) -> dt.date | None:
    if isinstance(day, dt.datetime):
        return day.date()
    try:
        return dt.date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        raise Fault(f"{name}={day!r} is not a date; write it as 2025-01-31.") from None


def _stored(path: Path) -> Market | None:
    """Read a file that `write` wrote; None where it is something else, or was changed since."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                return None
        kept = pl.read_parquet_metadata(path)
        if kept.get(_OWN + "format") != _FORMAT:
            return None
        refuse_large([(path, "parquet")], _TIMES, "select a part of it, and write that")
        frame = pl.read_parquet(path).rechunk()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Fault(
            f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}); write or fetch it anew."
        ) from None
    if frame.schema != SCHEMA or kept[_OWN + "checksum"] != checksum(frame):
        return None
    grid = np.frombuffer(_unpacked(kept[_OWN + "grid"]), dtype=np.int64).reshape(2, -1).cumsum(axis=1)
    findings = pl.read_ipc(io.BytesIO(_unpacked(kept[_OWN + "findings"])))
    metadata = {name: kept[name] for name in kept if not name.startswith((_OWN, "ARROW:"))}
    return Market.build(frame, grid[0], grid[1].astype("datetime64[D]"), findings, metadata)


def _values(series: pl.Series) -> NDArray[Any]:
    """Give a column as numpy sees it: numbers, NaN for null; times as integers."""
    return series.to_physical().to_numpy()


def _packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw)).decode()


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
