"""A strategy that listens to events, and was given none that it can hear."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.faults import Fault, note
from engine.kinds import KINDS, slip
from engine.legible import numeral

if TYPE_CHECKING:
    import polars as pl

    from engine.events import Events
    from engine.market import Market
    from engine.strategy import Strategy


class Silence(NamedTuple):
    """Why a strategy hears none of the events.

    Attributes
    ----------
    sentence : what to say
    fatal : whether it could hear none in any span of the market, and does nothing without
    """

    sentence: str
    fatal: bool


def refuse_no_events(strategy: Strategy, events: Events | None) -> None:
    """Refuse to run a strategy that listens to events without any.

    Raises
    ------
    Fault
        Where there is no table of events; or one without rows, unless the strategy trades by prices, too.
    """
    if events is None or (not len(events) and not _trades_by_prices(strategy)):
        given = "no events" if events is None else "a table without events"
        listens = f"{strategy.name()} was given {given}, and listens to {_kinds(strategy)}"
        raise Fault(f"{listens}; give a table of events (--events on the command line).")


def refuse_misheard(strategy: Strategy, events: Events) -> None:
    """Refuse a strategy that listens to a kind which no event has, and whose name is nearly that of another.

    Raises
    ------
    Fault
        Naming the kind that was probably meant. One of the fourteen is never a slip.
    """
    there = events.kinds
    for kind in dict.fromkeys(kind for channel in strategy.channels.values() for kind in channel.kinds):
        meant = "" if kind in KINDS or kind in there else slip(kind, (*there, *KINDS))
        if meant:
            raise Fault(
                f"{strategy.name()} listens to the kind {kind!r}, which none of the {len(events):,} events has (did you mean {meant!r}?); "
                "name a kind that they have."
            )


def unsure(events: Events, least: float) -> pl.DataFrame:
    """List the events that are less sure than a strategy wants, as `Alignment.unplaced` does."""
    import polars as pl  # noqa: PLC0415 - kernels are compiled where there is no polars

    below = events.frame.filter(pl.col("confidence") < least)
    reason = pl.format("confidence {} is below min_confidence={}", pl.col("confidence"), pl.lit(numeral(least, 6)))
    return below.select("event_id", "known_at", "assets", reason=reason)


def tell_silence(strategy: Strategy, market: Market, events: Events | None) -> None:
    """Tell the user where a strategy that listens to events hears none of them; an empty table is no news, and meant so.

    Raises
    ------
    Fault
        Where it could hear none in any span of the market, and does nothing without.
    """
    if events is None or not len(events) or not strategy.channels or strategy.table(market) is not None:
        return
    why = silence(strategy, market, events)
    if why and why.fatal:
        raise Fault(why.sentence)
    if why:
        note(why.sentence)


def silence(strategy: Strategy, market: Market, events: Events) -> Silence | None:
    """Say why a strategy hears none of the events; None where it hears one or more.

    An event is counted once: by its kind, then by its time, then by its assets.
    """
    import polars as pl  # noqa: PLC0415 - kernels are compiled where there is no polars

    every, events = events, events.select(min_confidence=strategy.min_confidence)
    placed = events.align(market)
    bars = pl.DataFrame({"event_id": placed.event_id, "bar": placed.bar})
    frame = events.frame.join(bars, on="event_id", how="left", validate="1:1")
    heard = {kind for channel in strategy.channels.values() for kind in channel.kinds}
    everything = any(not channel.kinds for channel in strategy.channels.values())
    of_kind = frame if everything else frame.filter(pl.col("kind").is_in(list(heard)))
    in_time = of_kind.filter(pl.col("bar") >= 0)
    traded = pl.col("assets").list.eval(pl.element().is_in(list(market.assets))).list.any()
    touching = strategy.touched(in_time, market.assets).filter(traded)
    if touching.height:
        return None
    first, last = market.sessions[0], market.sessions[-1]
    reasons = [
        _counted(len(every) - len(events), f"less sure than min_confidence={numeral(strategy.min_confidence, 6)}"),
        _counted(frame.height - of_kind.height, "of a kind that it does not listen to", _first(frame, of_kind, "kind")),
        _counted(
            of_kind.height - in_time.height,
            f"known before the market's first bar or after its last ({first} to {last})",
        ),
        _counted(in_time.height, "about no asset of the market", _first(in_time, touching, "assets")),
    ]
    told = "; ".join(reason for reason in reasons if reason)
    remedy = f"give events of {_kinds(strategy)} about assets of the market, known within its span"
    sentence = f"{strategy.name()} hears none of the {len(every):,} events: {told}; {remedy}."
    return Silence(sentence, fatal=of_kind.height == in_time.height and not _trades_by_prices(strategy))


def _trades_by_prices(strategy: Strategy) -> bool:
    """Whether a rule is asked at every bar, and asks for prices: it may trade without any news."""
    return strategy.watch == "always" and bool(strategy.features)


def _kinds(strategy: Strategy) -> str:
    if any(not channel.kinds for channel in strategy.channels.values()):
        return "any kind"
    return ", ".join(dict.fromkeys(kind for channel in strategy.channels.values() for kind in channel.kinds))


def _counted(count: int, why: str, examples: str = "") -> str:
    return f"{count:,} {'is' if count == 1 else 'are'} {why}{examples}" if count else ""


def _first(frame: pl.DataFrame, without: pl.DataFrame, column: str) -> str:
    """Name up to three of what stands in a column of the rows of `frame` that are not in `without`."""
    rows = frame.join(without.select("event_id"), on="event_id", how="anti")
    names = (
        rows[column].explode().unique(maintain_order=True)
        if column == "assets"
        else rows[column].unique(maintain_order=True)
    )
    return f" ({', '.join(names.head(3))}{', ...' if names.len() > 3 else ''})" if names.len() else ""
