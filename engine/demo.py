"""The whole road on the embedded data: digests read, every strategy backtested, pages written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import polars as pl

from engine.backtest import backtest
from engine.events import Events
from engine.market import Market
from engine.marks import Kind
from engine.registry import installed
from engine.run import FILES, Run, version
from engine.strategy import Strategy

#: Which asset, whose shorts and whose equity the picture shows.
_ASSET, _SHORTS = "NVDA", "short_bubble_warning"
_DRAWN = ("short_bubble_warning", "narrative_pressure", "hedged_bubble_short", "fade_panic")


@dataclass(frozen=True)
class Demo:
    """What the demo made: the SIMULATED market, the events read from the digests, a run of every strategy."""

    market: Market
    events: Events
    runs: dict[str, Run]


def files() -> dict[str, Kind]:
    """Say what `write_demo` writes that bears a mark, by place."""
    kept: dict[str, Kind] = {"report.html": "page", "picture.svg": "picture"}
    kept |= {"prices.parquet": "market", "events.parquet": "events"}
    for name in _ours():
        kept |= {f"{name}/{file}": kind for file, kind in FILES.items()} | {f"{name}/report.html": "page"}
    return kept


def _ours() -> dict[str, EntryPoint]:
    """Our own strategies, by name."""
    return {name: point for name, point in installed().items() if point.module == "strategies"}


def sample_strategies(market: Market) -> list[Strategy]:
    """Give one instance of each of our strategies, with its own defaults; `signals` buys SPY and holds it."""
    kinds = [point.load() for point in _ours().values()]
    return [kind(signals=_buy_and_hold(market)) if "signals" in kind.options else kind() for kind in kinds]


def _buy_and_hold(market: Market) -> pl.DataFrame:
    first: dt.date = market.sessions[0].astype(dt.date)
    return pl.DataFrame({"asset": ["SPY"], "session": [first], "weight": [1.0]})


def make_demo() -> Demo:
    """Read the digests of the seed documents and run every strategy."""
    import seeds  # noqa: PLC0415 - only the demo and the samples need the embedded data

    events = Events.from_documents(seeds.DIGESTS, sidecar=seeds.SIDECAR)
    market = Market.sample()
    runs = {strategy.name(): backtest(strategy, market, events) for strategy in sample_strategies(market)}
    return Demo(market, events, runs)


def write_demo(demo: Demo, folder: Path, home: Path) -> None:
    """Write prices, events, every run with its page, the picture and the page of all.

    Parameters
    ----------
    folder
        Where to write.
    home
        Where the folder will stand in the end; the runs note that their prices are there.
    """
    from engine.picture import picture  # noqa: PLC0415 - only needed to write
    from engine.report import write_report  # noqa: PLC0415 - as above

    demo.market.write(folder / "prices.parquet")
    demo.events.write(folder / "events.parquet")
    _buy_and_hold(demo.market).write_csv(folder / "signals.csv")
    for name, run in demo.runs.items():
        files = {"prices": str(home.absolute() / "prices.parquet"), "events": str(home.absolute() / "events.parquet")}
        run.info["files"] = files
        run.write(folder / name)
        write_report(run, folder / name / "report.html", demo.market)
    drawn = {name: demo.runs[name] for name in _DRAWN if name in demo.runs}
    drawing = picture(demo.market, demo.events, drawn, _ASSET, _SHORTS)
    (folder / "picture.svg").write_text(drawing, encoding="utf-8")
    (folder / "report.html").write_text(_page(demo, drawing), encoding="utf-8")


def _page(demo: Demo, drawing: str) -> str:
    from jinja2 import Environment, PackageLoader  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    template = Environment(loader=PackageLoader("engine"), autoescape=True, trim_blocks=True).get_template("demo.html")
    return template.render(
        market=demo.market,
        version=version(),
        label=demo.market.metadata["label"],
        drawing=Markup(drawing),
        rows=[{"name": name, "story": run.info["story"], **run.metrics} for name, run in demo.runs.items()],
        documents=_documents(demo.events),
    )


def _documents(events: Events) -> list[dict[str, Any]]:
    """Count for each document what was read in it, oldest first."""
    frame = events.frame.group_by("doc_id", maintain_order=True).agg(
        pl.col("language").first(),
        pl.col("published_at").first(),
        pl.col("published_precision").first(),
        pl.len().alias("events"),
        pl.col("kind").unique(maintain_order=True),
    )
    return frame.to_dicts()
