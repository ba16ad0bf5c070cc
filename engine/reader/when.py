"""The columns of a table that say when: which they are, and what they say of each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from engine.reader import language as languages
from engine.reader.columns import usual_role
from engine.reader.fold import fold
from engine.reader.times import ZONES
from engine.tables.order import OpenDates
from engine.tables.single import says_when
from engine.tables.spelling import Order
from engine.tables.stamps import Decision, Stamps, joined, read_stamps

_LATER: Final = "column {!r} says when a text was changed; of it and the publication the later counts."
_CLOCK: Final = r"^\d{1,2}[:h]\d{2}|^\d{1,2} ?[AaPp][Mm]|^\d{3,6}$"
_ISO: Final = r"^[12]\d{3}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([+-]\d{2}:?\d{2}|Z)?$"
_USUAL: Final = 100  # stamps of the usual spelling that are kept of each part of a table
_SEASONS: Final = 2
_TEXTS: Final = 20  # that are asked for their language where the order of dates stays open


@dataclass(frozen=True)
class Source:
    """A table whose stamps are read: how messages call it, its zone, and how the user reads 01/02/2025."""

    name: str
    zone: str | None
    order: Order | None
    language: str | None = None
    homes: tuple[str, ...] = (ZONES["und"],)

    def read(self, column: pl.Series, what: str, decision: Decision | None = None) -> Stamps:
        """Read the stamps of one column."""
        return read_stamps(
            column,
            what=what,
            source=self.name,
            zone=self.zone,
            order=self.order,
            language=self.language,
            decision=decision,
            homes=self.homes,
        )


@dataclass(frozen=True)
class When:
    """The columns of one table that say when, and what each says as a whole; "" where there is none.

    Attributes
    ----------
    published
        The column of publication times.
    clock
        The time of day beside it.
    finer
        A column that has times of day, where `published` has days alone.
    spare
        Columns of publication times for rows in which `published` is empty.
    modified
        The columns that say when a text was changed.
    decisions
        What each column says as a whole.
    notes
        What was taken for granted, a sentence each.
    """

    source: Source
    published: str = ""
    clock: str = ""
    finer: str = ""
    spare: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    decisions: dict[str, Decision] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Give when each row was published (str, null where nothing is said) and when it was changed (list of str)."""
        published = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
        if self.published:
            published = self.texts(frame, self.published)
        if self.finer:
            finer = self.texts(frame, self.finer)
            # A row that was made before the day that it bears was a draft.
            fits = (finer.str.slice(0, 10) >= published.str.slice(0, 10)).fill_null(published.is_null())
            published = finer.zip_with(fits & finer.str.contains(r"^\d{4}-\d\d-\d\d").fill_null(False), published)
        for name in self.spare:
            blank = (published.str.strip_chars() == "").fill_null(True)
            published = self.texts(frame, name).zip_with(blank, published) if blank.any() else published
        if not self.modified:
            return published, pl.repeat([], frame.height, dtype=pl.List(pl.String), eager=True)
        changed = pl.concat_list(*(self.texts(frame, name).alias(name) for name in self.modified)).list.drop_nulls()
        return published, pl.select(changed).to_series()

    def texts(self, frame: pl.DataFrame, name: str) -> pl.Series:
        """Give the stamps of a column in one spelling, as it was decided to read it."""
        column, decision = frame[name], self.decisions[name]
        if name == self.published and self.clock:
            column = joined(column, frame[self.clock])
        elif column.dtype == pl.String and not decision.midnights and column.str.contains(_ISO).all():
            return column
        return self.source.read(column, name, decision).texts


class Evidence:
    """What the decision of each column hangs on, gathered part by part: every odd spelling once, and some of the usual ones."""

    def __init__(self) -> None:
        self._kept: dict[str, list[pl.Series]] = {}

    def add(self, part: pl.DataFrame) -> None:
        """Look at some rows of the columns that say when."""
        for column in part:
            self._kept.setdefault(column.name, []).append(_telling(column))

    def of(self, name: str) -> pl.Series:
        """Give what was kept of a column."""
        found = self._kept.get(name)
        return pl.concat(found) if found else pl.Series(name, [], pl.String)


def decide_when(
    evidence: Evidence, first: Sequence[str], later: Sequence[str], source: Source, texts: Callable[[], Sequence[str]]
) -> When:
    """Decide what the columns of a table that say when say as a whole.

    Parameters
    ----------
    evidence
        Of all rows.
    first, later
        What `engine.reader.columns.when_columns` gives.
    texts
        Gives some of the table's texts, where the order of its dates hangs on their language.

    Raises
    ------
    OpenDates
        Dates such as 01/02/2025 may be month first or day first, or contradict one another.
    """
    told = {name: evidence.of(name) for name in (*first, *later)}
    if source.zone is None and any(map(_is_one_clock, told.values())):
        (*spoken,) = _spoken(texts)
        if len(spoken) == 1 and spoken[0] in ZONES:
            source = replace(source, homes=tuple(dict.fromkeys((ZONES[spoken[0]], *source.homes))))
    try:
        return _decided(told, first, later, source)
    except OpenDates:
        if _spoken(texts) != {"fr"}:
            raise
        return _decided(told, first, later, replace(source, language="fr"))


def _spoken(texts: Callable[[], Sequence[str]]) -> set[str]:
    return {languages.of_document(text, fold(text)) for text in texts()[:_TEXTS] if text and text.strip()}


def _is_one_clock(column: pl.Series) -> bool:
    """Tell a column that shows one time of day, or one in winter and one in summer: it may be midnight elsewhere."""
    if column.dtype != pl.String and not isinstance(column.dtype, pl.Datetime):
        return False
    clocks = _clocks(column.drop_nulls()).unique().cast(pl.String)
    zoned = column.dtype != pl.String or clocks.str.contains(r"[Z+-]").all()
    return 0 < len(clocks) <= _SEASONS and bool(zoned) and not clocks.str.contains(r"^[ T]?00:00").any()


def _clocks(column: pl.Series) -> pl.Series:
    return column.str.slice(10) if column.dtype == pl.String else column.dt.time()


def _decided(told: dict[str, pl.Series], first: Sequence[str], later: Sequence[str], source: Source) -> When:
    clocks = [name for name in first if _is_clock(told[name])]
    stamps = {name: source.read(told[name], name) for name in later if _is_told(told[name])}
    dated = {name: found for name, found in stamps.items() if _is_dated(found) or _says_when(told[name])}
    modified = tuple(dated)
    notes = [note for name in modified for note in (_LATER.format(name), *dated[name].notes)]
    published = clock = finer = ""
    for name in first:
        if name in clocks or not _is_told(told[name]):
            continue
        found = source.read(told[name], name)
        if _is_dated(found):
            published, dated[name] = name, found
            break
    decisions = {name: found.decision for name, found in dated.items()}
    if not published:
        published = first[0] if first else ""
        return When(source, published, "", "", (), modified, {published: Decision(), **decisions}, tuple(notes))
    notes = [*dated[published].notes, *notes]
    if _all_days(dated[published]):
        clock = clocks[0] if clocks else ""
        rest = [name for name in first if name != published and not _is_created(name) and _is_told(told[name])]
        finer, decision = ("", None) if clock else _finer(told, rest, source)
        if decision is not None:
            decisions[finer] = decision
    if clock:
        decisions[published] = replace(dated[published].decision, midnights="")
        notes = [f"column {published!r} says the day and {clock!r} the time of day.", *notes]
    if finer:
        notes = [f"column {finer!r} says the time of day, which {published!r} does not.", *notes]
    spare = (
        _spare(told, [name for name in first if name not in (published, finer, *clocks)], source)
        if _gaps(told[published])
        else {}
    )
    if spare:
        notes.append(f"where column {published!r} is empty, {' or '.join(map(repr, spare))} says when.")
    return When(source, published, clock, finer, tuple(spare), modified, {**spare, **decisions}, tuple(notes))


def _gaps(column: pl.Series) -> bool:
    """Tell whether a column is empty in some rows."""
    blank = column.dtype == pl.String and bool((column.str.strip_chars() == "").any())
    return blank or column.null_count() > 0


def _spare(told: dict[str, pl.Series], names: Sequence[str], source: Source) -> dict[str, Decision]:
    """Find the other columns of publication times; when a row was made is none of them, for it may have been a draft."""
    out: dict[str, Decision] = {}
    for name in names:
        if _is_created(name) or not _is_told(told[name]):
            continue
        try:
            found = source.read(told[name], name)
        except OpenDates:
            continue  # most rows are dated without it
        if _is_dated(found):
            out[name] = found.decision
    return out


def _finer(told: dict[str, pl.Series], names: Sequence[str], source: Source) -> tuple[str, Decision | None]:
    """Find a column that has times of day."""
    for name in names:
        try:
            found = source.read(told[name], name)
        except OpenDates:
            continue  # the days are known without it
        if _is_dated(found) and not _all_days(found):
            return name, found.decision
    return "", None


def _is_dated(stamps: Stamps) -> bool:
    return stamps.local.null_count() < len(stamps.local)


def _says_when(column: pl.Series) -> bool:
    """Tell whether a column of changes, none of which is understood, says times all the same: its rows are refused one by one."""
    return column.dtype == pl.String and any(map(says_when, column.drop_nulls()))


def _all_days(stamps: Stamps) -> bool:
    return bool(stamps.is_day.sum() == len(stamps.local) - stamps.local.null_count())


def _is_created(name: str) -> bool:
    return usual_role(name) == "created"


def _is_clock(column: pl.Series) -> bool:
    """Tell a column of times of day."""
    if column.dtype == pl.Time:
        return True
    if not (column.dtype == pl.String or column.dtype.is_integer()):
        return False
    text = column.drop_nulls().cast(pl.String).str.strip_chars()
    text = text.filter(text != "")
    return len(text) > 0 and bool(text.str.contains(_CLOCK).all())


def _is_told(column: pl.Series) -> bool:
    return isinstance(column.dtype, pl.Datetime) or column.dtype.is_numeric() or column.dtype in (pl.String, pl.Date)


def _telling(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        iso = column.str.contains(_ISO).fill_null(False)
        usual, odd = column.filter(iso), column.filter(~iso).unique()
    elif isinstance(column.dtype, pl.Datetime):
        usual, odd = column, column.clear()
    else:
        return column.unique()
    clocks = usual.filter(_clocks(usual).is_first_distinct()).head(_USUAL)
    return pl.concat([usual.gather_every(max(1, len(usual) // _USUAL)), clocks, odd])
