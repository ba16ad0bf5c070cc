"""The result of a backtest: its equity is made when it is asked for, and is then what the account was at every bar."""

import gc
import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import KEEP, Account, Events, Failure, Fault, Market, Run, Strategy, backtest, sweep
from strategies import ShortBubbleWarning, SmaCross

RULE = ShortBubbleWarning(hold=20, stop=0.15)


class ShortAgainAndAgain(Strategy):
    """Short a tenth whenever nothing is held."""

    @staticmethod
    def rule(side: float) -> float:
        return -0.1 if side == 0 else KEEP


@pytest.mark.parametrize("kind", ["portfolio", "columns"])
@pytest.mark.parametrize("fill", ["open", "close"])
def test_the_equity_is_what_the_ledger_makes_of_it(kind: Any, fill: Any) -> None:
    market = Market.sample()
    run = backtest(RULE, market, Events.sample(), Account(kind=kind, fill=fill))
    cash = 1_000_000.0 * (len(market.assets) if kind == "columns" else 1)
    assert run.equity["time"].dt.timestamp("us").to_list() == market.opens.tolist()
    assert run.equity["equity"][-1] == run.metrics["final_equity"]
    signed = pl.col("shares") * pl.when(pl.col("side") == "BUY").then(1).otherwise(-1)
    orders = run.orders.filter(status="filled").with_columns(signed=signed)
    closes, held = market.columns().close, np.zeros((len(market.assets), market.opens.size))
    for asset, filled, shares in orders.select("asset", pl.col("time_filled").dt.timestamp("us"), "signed").iter_rows():
        held[market.assets.index(asset), np.searchsorted(market.opens, filled) :] += shares
    held[np.abs(held) < 1e-6] = 0.0
    worth = np.nansum(held * closes, axis=0)  # every asset of the sample has a bar where it is held
    np.testing.assert_allclose(run.equity["long"] + run.equity["short"] * -1, worth, atol=1e-6 * cash)
    np.testing.assert_allclose(run.equity["cash"] + worth, run.equity["equity"], rtol=1e-9)
    peak = np.maximum(np.maximum.accumulate(run.equity["equity"].to_numpy()), cash)
    np.testing.assert_array_equal(run.equity["drawdown"], 1 - run.equity["equity"].to_numpy() / peak)


def test_it_is_made_once_and_outlives_every_other_name_of_the_market() -> None:
    market = Market.sample()
    run, expected = (backtest(RULE, market, Events.sample()) for _ in range(2))
    table = expected.equity
    assert expected.equity is table
    run = replace(run, market=None)
    del market, expected
    gc.collect()
    assert run.equity.equals(table)


def test_a_write_that_fails_in_the_middle_leaves_the_run_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = backtest(SmaCross(), Market.sample())
    folder, replace_file = run.write(tmp_path / "run"), Path.replace
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def fail_at_the_trades(self: Path, target: Path) -> Path:
        if target == folder / "trades.parquet" and self.parent.name != "before":
            raise OSError(28, "No space left on device")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", fail_at_the_trades)
    with pytest.raises(Failure, match=r"The disk of .* is full: run could not be written"):
        backtest(SmaCross(fast=5), Market.sample()).write(folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_folder_that_was_not_written_whole_is_no_run(tmp_path: Path) -> None:
    folder = backtest(SmaCross(), Market.sample()).write(tmp_path / "run")
    killed = f"""
import os
from pathlib import Path
from engine import Market, backtest
from strategies import SmaCross
replace_file = Path.replace
def die_at_the_trades(self, target):
    if self.name == "trades.parquet":
        os._exit(9)
    return replace_file(self, target)
Path.replace = die_at_the_trades
backtest(SmaCross(), Market.sample()).write({str(folder)!r})
"""
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == 9
    with pytest.raises(Fault, match=r"no run\.json"):
        Run.read(folder)


def test_every_metric_is_printed() -> None:
    table = backtest(SmaCross(), Market.sample()).summary()
    lines = {line.split()[1]: line.split()[3] for line in str(table).splitlines() if line.startswith("│")}
    assert list(lines) == ["metric", *table["metric"]]
    for name, value in table.iter_rows():
        assert float(lines[name].replace(",", "")) == pytest.approx(value, rel=1e-7), name
    assert "e+" not in str(table)
    assert table._repr_html_().count("<tr>") >= table.height
    assert table.select(pl.col("value").sum()).item() == table["value"].sum()


def test_runs_are_told_apart_by_being_the_same() -> None:
    run, other = (backtest(SmaCross(), Market.sample()) for _ in range(2))
    assert run == run  # noqa: PLR0124 - which frames cannot answer
    assert len({run, other}) == 2


def test_fees_and_dividends_of_a_trade_do_not_suffer_from_dear_times_before_it() -> None:
    # As in the adjusted prices of what was split together again and again: from a thousand billion down to ten.
    n, start, end = 600, 1e12, 10.0
    closes = np.concatenate([start * (end / start) ** (np.arange(n // 2) / (n // 2)), np.full(n // 2, end)])
    days = pl.date_range(date(2020, 1, 1), date(2021, 12, 31), eager=True).head(n)
    frame = pl.DataFrame(
        {
            "asset": "X",
            "date": days,
            "open": closes,
            "high": closes,
            "low": closes,
            "close": closes,
            "dividend": closes / 1e4,
        }
    )
    run = backtest(ShortAgainAndAgain(hold=5), Market.from_frame(frame, calendar="24/7"))
    late = run.trades.filter(exit_reason="TIME").tail(20)
    held = late["shares"] * end
    np.testing.assert_allclose(late["carry"], -held * 1.02 * 0.03 * 5 / 360, rtol=1e-9)
    np.testing.assert_allclose(late["dividends"], -held * 5 / 1e4, rtol=1e-9)
    single = sweep(ShortAgainAndAgain, Market.from_frame(frame, calendar="24/7"), hold=[5]).table
    for name in ("hit_rate", "profit_factor", "mean_trade_return"):
        assert single[name][0] == pytest.approx(run.metrics[name], rel=1e-4), name


def test_it_is_written_read_and_pickled(tmp_path: Path) -> None:
    run = backtest(SmaCross(fast=5, slow=20, weight=0.1), Market.sample())
    fresh = pickle.loads(pickle.dumps(run))
    read = Run.read(run.write(tmp_path / "run"))
    for other in (fresh, read):
        for name in ("orders", "trades", "equity", "events", "unplaced"):
            assert getattr(other, name).equals(getattr(run, name)), name
        assert (other.metrics, other.info) == (run.metrics, run.info)
    assert read.market is None
    assert Run.read(read.write(tmp_path / "again")).equity.equals(run.equity)


def test_a_run_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    run = backtest(RULE, Market.sample(), Events.sample())
    folder = run.write(tmp_path / "run")
    later = ("confidence", "relevance", "novelty", "hindsight", "source", "document_kind")
    pl.read_parquet(folder / "events.parquet").drop(later).write_parquet(folder / "events.parquet")
    assert Run.read(folder).events.equals(run.events)
