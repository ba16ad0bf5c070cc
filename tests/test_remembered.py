"""Events that a model may remember: what a run earned without them stands beside what it earned with them."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import Account, Events, Market, Run, backtest, sweep
from engine.cli import main
from engine.faults import Note
from strategies import NarrativePressure, SmaCross

FIRST = dt.date(2025, 1, 6)
FREE = Account(slippage=0.0, fee_rate=0.0, borrow_rate=0.0, debit_rate=0.0)
RULE = NarrativePressure(threshold=0.5, fade=0.0, stop=None, half_life=1e6)


def market() -> Market:
    """AA doubles at bar 4, BB loses a fifth."""
    rows = [
        {"asset": asset, "date": FIRST + dt.timedelta(days=i), **dict.fromkeys(("open", "high", "low", "close"), price)}
        for asset, prices in {"AA": [100.0] * 4 + [130.0], "BB": [100.0] * 4 + [80.0]}.items()
        for i, price in enumerate(prices)
    ]
    return Market.from_frame(pl.DataFrame(rows), calendar="24/7")


def events(*hindsight: bool) -> Events:
    at = dt.datetime(2025, 1, 7, 12, tzinfo=dt.UTC)
    table = {"kind": ["support"] * 2, "assets": [["AA"], ["BB"]], "strength": [0.5] * 2, "published_at": [at] * 2}
    return Events.from_frame({**table, "hindsight": hindsight})


def told(*hindsight: bool, match: str) -> Run:
    with pytest.warns(Note, match=match):
        return backtest(RULE, market(), events(*hindsight), FREE)


def test_the_metrics_without_hindsight_stand_apart() -> None:
    run = told(True, False, match=r"1 of 2 events are of a time .* is \+1\.00 % with them and -2\.00 % without")
    # A tenth in each: +30 % of 10 % and -20 % of 10 % is +1 %; BB alone is -2 %.
    assert run.metrics["total_return"] == pytest.approx(0.01)
    apart = run.info["hindsight"]
    assert (apart["events"], apart["others"]) == (1, 1)
    alone = backtest(RULE, market(), events(True, False).select(hindsight=False), FREE)
    assert apart["metrics"] == alone.metrics
    assert alone.metrics["total_return"] == pytest.approx(-0.02)
    assert "hindsight" not in alone.info


def test_where_nothing_is_left_to_hear_it_is_said() -> None:
    run = told(True, True, match="and nothing, for the strategy hears none of the others without")
    assert run.info["hindsight"] == {"events": 2, "others": 0, "metrics": None}


def test_without_hindsight_nothing_changes() -> None:
    assert "hindsight" not in backtest(RULE, market(), events(False, False), FREE).info
    assert "hindsight" not in backtest(SmaCross(fast=1, slow=2), market()).info


def test_it_is_kept_and_shown_in_the_report(tmp_path: Path) -> None:
    run = told(True, False, match="hindsight|trained on")
    read = Run.read(run.write(tmp_path / "run"))
    assert read.info["hindsight"] == run.info["hindsight"]
    for one in (run, read):
        page = one.report(tmp_path / "page.html", force=True).read_text(encoding="utf-8")
        assert "<b>Hindsight.</b> 1 of 2 events are of a time" in page
        assert "without hindsight" in page
    plain = backtest(RULE, market(), events(False, False), FREE).report(tmp_path / "plain.html")
    assert "<b>Hindsight.</b>" not in plain.read_text(encoding="utf-8")
    page = told(True, True, match="trained on").report(tmp_path / "none.html").read_text(encoding="utf-8")
    assert "The strategy hears none of the others." in page


def test_a_sweep_says_so() -> None:
    with pytest.warns(Note, match=r"1 of 2 events are of a time .* events.select\(hindsight=False\) leaves them out"):
        sweep(NarrativePressure, market(), events(True, False), FREE, threshold=[0.5])


def test_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], demo: Path) -> None:
    given = Events.read(demo / "events.parquet")
    marked = Events(given.frame.with_columns(hindsight=pl.col("known_at") < dt.datetime(2025, 11, 1, tzinfo=dt.UTC)))
    marked.write(tmp_path / "events.parquet")
    files: list[Any] = ["--prices", demo / "prices.parquet", "--events", tmp_path / "events.parquet"]
    assert main(["backtest", "narrative_pressure", *map(str, files), "--out", str(tmp_path / "run")]) == 0
    assert "events are of a time that the model" in capsys.readouterr().err


def test_select_parts_them() -> None:
    assert events(True, False).select(hindsight=True).frame["assets"].to_list() == [["AA"]]
    assert events(True, False).select(hindsight=False).frame["assets"].to_list() == [["BB"]]
    assert len(events(True, False).select()) == 2
