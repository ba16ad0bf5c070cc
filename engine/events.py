"""Events: dated narrative claims, one row each, in the order in which they could be known."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.clock import Alignment, Bars, align, parse_delay
from engine.event_rules import PRECISIONS
from engine.event_table import SCHEMA, checked, sound
from engine.faults import Fault
from engine.files import whole
from engine.fingerprint import fingerprint
from engine.guess import did_you_mean
from engine.kinds import KINDS, OwnKinds, own_kinds
from engine.marks import is_ours, mark
from engine.novelty import HALF_LIFE, novelty
from engine.number import share
from engine.tables.files import read_file
from engine.tables.frames import described, to_table
from engine.tables.table import Decimal, Style, Tabular

if TYPE_CHECKING:
    from engine.reader.columns import Given
    from engine.reader.names.table import NameTable
    from engine.reader.read import AnyReader, Sources
    from engine.tables.spelling import Order

__all__ = ["KINDS", "PRECISIONS", "SCHEMA", "Events"]

_NO_TIME = dt.timedelta(0)


@dataclass(frozen=True, eq=False, repr=False)
class Events:
    """A table of events.

    Get one by `read`, `from_frame`, `sample` or `from_documents`. The constructor takes a polars table that has the schema,
    in any order.

    Raises
    ------
    Fault
        Where the table has not the schema, or holds a value that is out of bounds.

    Attributes
    ----------
    frame
        polars, one row an event, sorted by `known_at`, `event_id`, with exactly the columns of ``SCHEMA``; docs/events.md tells
        what each means. Those that an earlier version did not have may be missing in a table that comes in.
        An event touches many assets and stays one row.
    """

    frame: pl.DataFrame

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", sound(self.frame))

    def __reduce__(self) -> tuple[type[Events], tuple[pl.DataFrame]]:
        return type(self), (self.frame,)  # what comes out of a pickle or a copy is checked like the rest

    @classmethod
    def _sound(cls, frame: pl.DataFrame) -> Events:
        """Take a table that is checked and sorted already, as the constructor's check takes its time."""
        made = object.__new__(cls)
        object.__setattr__(made, "frame", frame)
        return made

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the events, the same on every machine."""
        return fingerprint(self.frame)

    @cached_property
    def named(self) -> frozenset[str]:
        """Every asset that an event names."""
        return frozenset(self.frame["assets"].explode().drop_nulls())

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of the events, sorted."""
        return tuple(sorted(self.frame["kind"].unique()))

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        delay: dt.timedelta | str = _NO_TIME,
        dates: Order | None = None,
        decimal: Decimal | None = None,
        kinds: OwnKinds | None = None,
    ) -> Events:
        """Read a table of events from a file of text, Parquet, Arrow or Excel.

        Parameters
        ----------
        path
            The file. In text the assets of an event are parted by blanks, commas, "|" or ";", and times say their zone, such
            as 2025-01-28T05:32+08:00.
        delay, dates, decimal, kinds
            As in `from_frame`.

        Raises
        ------
        Fault
            When the file is missing, cannot be read, or holds what `from_frame` refuses.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise Fault(
                f"path must be the path of a file (got {described(path)}); Events.from_frame(table) takes tables."
            )
        file = Path(path)
        table = read_file(file, f"events {str(file)!r}", style=Style(dates, decimal))
        ours = file.suffix == ".parquet" and is_ours(file, "events")
        stem = file.name.partition(".")[0]
        return cls._sound(checked(table, parse_delay(delay), stem, own_kinds(kinds), ours=ours))

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        delay: dt.timedelta | str = _NO_TIME,
        source: str = "events",
        dates: Order | None = None,
        decimal: Decimal | None = None,
        kinds: OwnKinds | None = None,
    ) -> Events:
        """Check a table of events and bring it into the schema.

        Only `kind`, `assets`, `strength` and `published_at` must be there. What else is missing or null is made:
        `known_at` = published_at + delay; `stance` the sign of the kind (+1 for a denial, support or an overdone call, -1 for the others);
        `event_id` from `doc_id` and the row; `labelled_at` = known_at; `confidence`, `relevance` and `novelty` 1; `hindsight`
        false; the rest empty.

        Parameters
        ----------
        frame
            polars, pandas, an Arrow table, anything that hands out an Arrow C stream, a dict of columns, or a list of rows
            that are dicts. Columns that are not in the schema are left out, unless their name looks like a misspelled one
            of it. Times without a zone are refused; a day, and a midnight where all are, counts as its end in its zone.
        delay
            Time from publication to knowledge, such as "15m", "2h", "1d" or a timedelta, where `known_at` is missing.
        source
            What to call the table in a message.
        dates
            How dates such as 01/02/2025 are read, where the column leaves it open: "dmy", "mdy" or "ymd".
        decimal
            The decimal sign of numbers in text, "." or ","; by default told from all of them.
        kinds
            Sign and base strength of kinds of your own, ``{"downgrade": (-1, 0.6)}``. A kind of any name in snake case is taken
            without it, where its rows have a `stance` and its name is not nearly that of one of ``KINDS``.

        Raises
        ------
        Fault
            On the first value that is of the wrong type or out of bounds, naming its row (counted from 1).

        Examples
        --------
        >>> import datetime as dt
        >>> noon = dt.datetime(2025, 1, 27, 12, tzinfo=dt.UTC)
        >>> table = {"kind": ["disruption_shock"], "assets": [["NVDA"]], "strength": [0.8], "published_at": [noon]}
        >>> events = Events.from_frame(pl.DataFrame(table), delay="15m")
        >>> events.frame["known_at"][0].isoformat(), events.frame["stance"][0]
        ('2025-01-27T12:15:00+00:00', -1.0)
        """
        table = to_table(frame, source, Style(dates, decimal))
        if not table.in_lines:
            table = replace(table, rows=table.rows + 1)
        return cls._sound(checked(table, parse_delay(delay), Path(source).stem, own_kinds(kinds)))

    @classmethod
    def import_table(
        cls,
        table: Tabular,
        *,
        columns: Mapping[str, str] | None = None,
        zone: str | None = None,
        kinds: OwnKinds | None = None,
        delay: dt.timedelta | str = _NO_TIME,
        dates: Order | None = None,
        decimal: Decimal | None = None,
    ) -> Events:
        """Make events of somebody's labels: a table with columns of any name, which says everything that is wrong with it at once.

        Only a kind, assets and a time must be there. `strength` and `stance` follow from the kind where they are missing;
        several assets in a cell are parted by ";", "|", "," or blanks; "Bubble warning" is the kind bubble_warning; a day counts
        as its end. The rest is as in `from_frame`. Columns that nothing is made of are told.

        Parameters
        ----------
        table
            A table in any form, or the path of a file: text, Parquet, Arrow or Excel.
        columns
            Column of events -> column of the table, ``{"kind": "label", "assets": "ticker"}``; usual names are found without it.
        zone
            IANA name of the zone of days, and of times that name none, such as "Europe/Paris".
        kinds
            Sign and base strength of kinds of your own, ``{"downgrade": (-1, 0.6)}``.
        delay, dates, decimal
            As in `from_frame`.

        Raises
        ------
        Fault
            Once for all rows: each sort of mistake, with how many rows have it and where the first of them stands.

        Examples
        --------
        >>> labels = {"ticker": ["NVDA;AMD"], "label": ["Panic drop"], "day": ["2025-01-27"]}
        >>> columns = {"kind": "label", "assets": "ticker", "published_at": "day"}
        >>> import warnings; warnings.simplefilter("ignore")
        >>> events = Events.import_table(labels, columns=columns, zone="America/New_York")
        >>> events.frame["known_at"][0].isoformat(), events.frame["stance"][0]
        ('2025-01-28T04:59:59.999999+00:00', -1.0)
        """
        from engine.label_table import labels_to_events  # noqa: PLC0415

        if columns is not None and not isinstance(columns, Mapping):
            raise Fault(f'columns must be a dict (got {described(columns)}); write {{"kind": "label"}}.')
        is_file = isinstance(table, (str, os.PathLike))
        given = to_table(table, "labels", Style(dates, decimal))
        if not given.in_lines:
            given = replace(given, rows=given.rows + 1)
        stem = Path(table).name.partition(".")[0] if is_file else "labels"
        return cls._sound(labels_to_events(given, columns or {}, zone, own_kinds(kinds), parse_delay(delay), stem))

    @classmethod
    def sample(cls) -> Events:
        """Give the events of the five seed documents, with evidence from our digests of them."""
        import seeds  # noqa: PLC0415

        return cls.from_frame(seeds.events(), source="seeds")

    @classmethod
    def from_documents(
        cls,
        sources: Sources,
        *,
        sidecar: str | Path | None = None,
        lexicon: Sequence[str | Path] | str | Path = (),
        names: NameTable | None = None,
        columns: Given = None,
        delay: dt.timedelta | str = _NO_TIME,
        dates: Order | None = None,
        seen: str = "",
        progress: bool | Callable[[int, int], None] = False,
        reader: AnyReader = "lexicon",
        min_confidence: float | None = None,
        workers: int | None = None,
        train: str | Path | None = None,
    ) -> Events:
        """Read documents and give the events found in them; see `engine.reader.read_documents` for the parameters."""
        from engine.reader import read_documents  # noqa: PLC0415

        return read_documents(
            sources,
            sidecar=sidecar,
            lexicon=lexicon,
            names=names,
            columns=columns,
            delay=delay,
            dates=dates,
            seen=seen,
            progress=progress,
            reader=reader,
            min_confidence=min_confidence,
            workers=workers,
            train=train,
        )

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        known = self.frame["known_at"]
        span = f", known {known[0]:%Y-%m-%d} to {known[-1]:%Y-%m-%d}" if len(self) else ""
        return f"Events({len(self)} of {self.frame['doc_id'].n_unique()} documents{span})"

    def select(
        self,
        *,
        kinds: Sequence[str] | None = None,
        assets: Iterable[str] | None = None,
        start: dt.date | dt.datetime | None = None,
        end: dt.date | dt.datetime | None = None,
        min_confidence: float = 0.0,
        hindsight: bool | None = None,
    ) -> Events:
        """Keep some events.

        Parameters
        ----------
        kinds
            Kinds to keep.
        assets
            Keep what touches at least one of these.
        start, end
            Keep start <= known_at < end; a date means its midnight in UTC, a datetime needs a zone.
        min_confidence
            Keep what is at least so sure, 0 to 1.
        hindsight
            False keeps the events of which who labelled them cannot know what came next, True the others.

        Raises
        ------
        Fault
            On a kind that is none of the fourteen and none of the table, a datetime without a zone, or a `min_confidence` out of bounds.
        """
        kept = self.frame
        if kinds is not None:
            known = tuple(dict.fromkeys((*KINDS, *self.kinds)))
            wanted = [kinds] if isinstance(kinds, str) else list(kinds)
            for kind in wanted:
                if kind not in known:
                    raise Fault(
                        f"kinds: {kind!r} is none of {', '.join(known)}{did_you_mean(kind, known)}; name one of them."
                    )
            kept = kept.filter(pl.col("kind").is_in(wanted))
        if assets is not None:
            held = list(assets)
            kept = kept.filter(pl.col("assets").list.eval(pl.element().is_in(held)).list.any())
        if start is not None:
            kept = kept.filter(pl.col("known_at") >= _bound(start, "start"))
        if end is not None:
            kept = kept.filter(pl.col("known_at") < _bound(end, "end"))
        least = share(min_confidence, "min_confidence")
        if least > 0:
            kept = kept.filter(pl.col("confidence") >= least)
        if hindsight is not None:
            kept = kept.filter(pl.col("hindsight") == hindsight)
        return self._sound(kept)

    def delayed(self, delay: dt.timedelta | str) -> Events:
        """Make every event known later by `delay`, on top of the delay that `known_at` already holds."""
        return self._sound(self._later(parse_delay(delay)))

    def align(self, market: Bars, delay: dt.timedelta | str = _NO_TIME) -> Alignment:
        """Find for each event, in the order of `frame`, the first bar at which it can be acted on; see `engine.clock.align`."""
        return align(self._later(parse_delay(delay)), market)

    def with_novelty(self, half_life: dt.timedelta | str = HALF_LIFE) -> Events:
        """Fill in how new each event is: 1 the first time, less for the like claim shortly after; see `engine.novelty.novelty`.

        Parameters
        ----------
        half_life
            After so long an earlier telling counts half, such as "3d", which is the default, or a timedelta.

        Raises
        ------
        Fault
            Where `half_life` is no length of time above zero.
        """
        return self._sound(self.frame.with_columns(novelty(self.frame, half_life).alias("novelty")))

    def _later(self, delay: dt.timedelta) -> pl.DataFrame:
        """The frame with every event known later; as all are by the same time, its order stands."""
        return self.frame.with_columns(pl.col("known_at") + pl.lit(delay, pl.Duration("us"))) if delay else self.frame

    def write(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the table as Parquet; it appears whole or not at all.

        Parameters
        ----------
        path
            The file. One that is there is replaced where it is a table of events that `write` wrote.
        force
            Replace any other file, too.

        Raises
        ------
        Fault
            Where `path` names no file that can be made, or one that is not ours.
        Failure
            Where the disk is full, or fails.
        """
        with whole(Path(path), "events", "path", force=force) as fresh:
            self.frame.write_parquet(fresh, metadata=mark("events"))


def _bound(time: dt.date | dt.datetime, name: str) -> dt.datetime:
    if not isinstance(time, dt.datetime):
        return dt.datetime.combine(time, dt.time(), dt.UTC)
    if time.tzinfo is None:
        raise Fault(f"{name}={time.isoformat()} has no time zone; give one, such as datetime(..., tzinfo=UTC).")
    return time.astimezone(dt.UTC)
