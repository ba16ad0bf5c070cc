"""Jobs over settings of the account, options and delays, with figures and conditions of one's own: what Python's sweep finds."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Account, Events, Market, Sweep, backtest, sweep
from engine.cli import main
from engine.jobs.job import Job
from kernels.metrics import METRICS
from strategies import ShortBubbleWarning
from tests.jobs.conftest import edit
from tests.jobs.test_jobfile import mistakes

SWEPT = """
[grid.account]
slippage = [0.0, 0.0005]
cash = {from = 100_000, to = 300_000, count = 3}

[grid.options]
refresh = [false, true]

[grid.events]
delay = ["0s", "30d"]

[grid.parameters]
hold = [5, 20]
"""
SETTINGS: dict[str, Any] = {
    "account.slippage": [0.0, 0.0005],
    "account.cash": [100_000, 200_000, 300_000],
    "refresh": [False, True],
    "events.delay": ["0s", "30d"],
}


def written(grid: str, more: str = "") -> None:
    """Give the job another grid."""
    edit(lambda job: f"{job[: job.index('[grid.parameters]')]}{grid}\n[run]\nchunk = 64\n{more}\n")


def walked(**more: Any) -> Sweep:
    """Sweep the same in Python."""
    return sweep(ShortBubbleWarning, Market.read("prices.parquet"), Events.read("events.parquet"), hold=[5, 20], **more)


def test_settings_are_the_outermost_axes(here: Path) -> None:
    written(SWEPT, "[keep]\ntable = true\nby = ['total_return']")
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    same = walked(settings=SETTINGS, by="total_return")
    assert len(same) == 2 * 3 * 2 * 2 * 2
    lanes = pl.read_parquet("out/chunks/*.parquet")
    assert lanes.equals(same.table)
    top = pl.read_parquet("out/top.parquet")
    expected = same.top(24).rename({"rank": "rank_in_sweep"})
    assert top.select(expected.columns).equals(expected)
    assert top["refresh"].dtype == pl.Boolean
    marginals = pl.read_parquet("out/marginals.parquet").filter(metric="sharpe")
    assert marginals.filter(parameter="refresh")["value"].to_list() == ["false", "true"]  # of several types, so text
    assert marginals.filter(parameter="account.cash")["value"].to_list() == ["100000.0", "200000.0", "300000.0"]
    assert marginals.filter(parameter="events.delay")["count"].sum() == same.marginal("events.delay")["count"].sum()
    assert json.loads(Path("out/sweep.json").read_text())["options"] == {
        "min_confidence": "0",
        "weigh": "[]",
        "basket": "[]",
    }  # those that are not swept


def test_what_chose_on_some_sessions_is_judged_with_its_own_settings(here: Path) -> None:
    dates = "[splits]\nin_sample = [2024-01-02, 2025-04-30]\nout_of_sample = [2025-05-01, 2025-12-31]\npurge = 20\n"
    written(SWEPT, dates + "[keep]\nby = ['total_return']")
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    judged = pl.read_parquet("out/out_of_sample.parquet")
    assert judged.height > 3
    market, events = Market.read("prices.parquet"), Events.read("events.parquet")
    for row in judged.head(4).iter_rows(named=True):
        account = Account(cash=row["account.cash"], slippage=row["account.slippage"])
        delayed = events.delayed(row["events.delay"])
        made = ShortBubbleWarning(hold=row["hold"], refresh=row["refresh"])
        run = backtest(made, market.select(start=row["first"], end=row["test_last"]), delayed, account)
        worth = run.equity.filter(pl.col("session") >= dt.date(2025, 5, 1))["equity"]
        before = run.equity.filter(pl.col("session") < dt.date(2025, 5, 1))["equity"][-1]
        assert row["total_return"] == pytest.approx(worth[-1] / before - 1, rel=1e-9, abs=1e-12)
        assert row["figure"] == row["total_return"]
        assert row["final_equity"] == pytest.approx(worth[-1] / before * account.cash, rel=1e-9)


def test_folds_of_accounts_of_several_sizes_are_put_together_by_their_returns(here: Path) -> None:
    written(SWEPT, "[splits]\ntrain = 300\ntest = 101\npurge = 20\n[keep]\nby = ['total_return']")
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    folds, equity = pl.read_parquet("out/folds.parquet"), pl.read_parquet("out/equity.parquet")
    together = float(np.prod(folds["total_return"].fill_null(0.0).to_numpy() + 1.0))
    assert equity["equity"][-1] == pytest.approx(1_000_000 * together, rel=1e-9)
    assert json.loads(Path("out/sweep.json").read_text())["out_of_sample"]["total_return"] == pytest.approx(
        together - 1
    )


@pytest.mark.parametrize(
    ("by", "require"),
    [
        (["total_return / (max_drawdown + 0.01)"], None),
        (["sharpe"], "closed_trades >= 3"),
        (["total_return - 2 * volatility", "max_drawdown"], "closed_trades >= 2 and max_drawdown < 0.1"),
        (["max_drawdown"], "total_return > 0"),
    ],
)
def test_figures_and_conditions_of_ones_own(
    by: list[str], require: str | None, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = f"by = {json.dumps(by)}" + (f"\nrequire = {json.dumps(require)}" if require else "")
    edit(lambda job: f"{job}[keep]\n{keep}\n")
    assert main(["sweep", "job.toml", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["by"], found["require"]) == (by, require)
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    axes = {"hold": range(1, 41), "stop": np.round(np.linspace(0.02, 0.3, 20), 12)}
    market, events = Market.read("prices.parquet"), Events.read("events.parquet")
    same = sweep(ShortBubbleWarning, market, events, by=by, require=require, **axes)
    top = pl.read_parquet("out/top.parquet")
    for name in by:
        own, expected = top.filter(by=name).head(10), same.top(10, name)
        assert own.select("lane", "shared", *METRICS).equals(expected.select("lane", "shared", *METRICS))
        assert own["figure"].equals(expected[name].rename("figure"))
    document = json.loads(Path("out/sweep.json").read_text())
    assert document["periods"][0]["met"] == same.met
    assert document["periods"][0]["winner"]["lane"] == same.top(1, by[0])["lane"][0]
    shown = capsys.readouterr().out
    assert (f"of those with {require} " if require else f"the best by {by[0]}") in shown


def test_folds_choose_under_the_condition(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(
        lambda job: (
            job.replace("to = 40", "to = 20")
            + "[keep]\nby = ['total_return - max_drawdown']\nrequire = 'hit_rate > 0.5'\n"
        )
    )
    edit(lambda job: job + "[splits]\ntrain = 300\ntest = 101\n")
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    shown = capsys.readouterr().out
    market, events = Market.read("prices.parquet"), Events.read("events.parquet")
    axes: dict[str, Any] = {"hold": range(1, 21), "stop": np.round(np.linspace(0.02, 0.3, 20), 12)}
    chosen = 0
    for row in pl.read_parquet("out/folds.parquet").iter_rows(named=True):
        train = market.select(start=row["first"], end=row["last"])
        table = sweep(ShortBubbleWarning, train, events, precision="float64", **axes).table.filter(
            pl.col("hit_rate") > 0.5
        )
        table = table.filter(pl.col("hit_rate").is_not_nan())
        if table.is_empty():
            assert row["lane"] is None
            assert f"{row['fold']}: no lane" in shown
            assert "no lane meets 'hit_rate > 0.5'; the account stays in cash." in shown
            continue
        chosen += 1
        figures = table["total_return"] - table["max_drawdown"]
        assert row["in_sample_total_return - max_drawdown"] == pytest.approx(figures.max())
        best = table.filter(lane=row["lane"])
        assert (best["total_return"] - best["max_drawdown"])[0] == pytest.approx(figures.max())
        assert row["figure"] == pytest.approx(row["total_return"] - row["max_drawdown"])
    assert chosen > 0


def test_a_condition_that_none_meets_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(lambda job: job.replace("to = 40", "to = 4") + "[keep]\nrequire = 'closed_trades >= 1000'\n")
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    assert "No lane meets 'closed_trades >= 1000'." in capsys.readouterr().out.splitlines()
    assert pl.read_parquet("out/top.parquet").is_empty()
    assert json.loads(Path("out/sweep.json").read_text())["periods"][0]["met"] == 0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("by = ['sharp']", "keep.by names 'sharp' (did you mean 'sharpe'?), allowed are "),
        ("by = ['cagr / max_drawdwn']", "by asks for 'max_drawdwn' (did you mean 'max_drawdown'?), allowed are"),
        ("by = ['cagr /']", "by is 'cagr /', which cannot be read"),
        ("by = ['1 + 1']", "by looks at no metric"),
        ("by = ['cagr > 1']", "by is 'cagr > 1', which answers "),
        ("by = ['max(cagr)']", "depends on the lanes beside it"),
        ("by = ['sharpe', 'sharpe']", "keep.by must name each figure once (got 'sharpe' twice); drop one."),
        ("by = []", "keep.by is [], allowed is a list of metrics or of figures made of them"),
        ("by = 'sharpe'", 'keep.by is "sharpe", allowed is a list of metrics'),
        ("require = 'trades >= 30'", "require asks for 'trades'"),
        ("require = 'closed_trades >= '", "which cannot be read"),
        ("require = 'closed_trades'", "which answers Float64, allowed is true or false"),
        ("require = 'hold > 3'", "require asks for 'hold', allowed are the metrics "),
        ("require = ''", 'keep.require is "", allowed is a condition on the metrics of the best'),
        ("require = ['closed_trades > 3']", "allowed is a condition on the metrics of the best"),
        ("metrics = ['cagr / max_drawdown']", "keep.metrics names 'cagr / max_drawdown'"),
    ],
)
def test_a_figure_or_condition_that_is_wrong_is_told_with_its_line(line: str, says: str, here: Path) -> None:
    (said,) = mistakes(f"{Path('job.toml').read_text()}[keep]\n{line}\n")
    assert said.startswith("job.toml, line 18: ")
    assert says in said


def test_conditions_are_of_settings_too(here: Path) -> None:
    written('[grid]\nwhere = "account.slippage = 0 or hold > 5"\n' + SWEPT)
    # of 2 x 3 x 2 x 2 scenarios all lanes where there is no slippage, and one of two elsewhere
    assert Job.read(Path("job.toml")).grid.size == 12 * 2 + 12
    (said,) = mistakes(Path("job.toml").read_text().replace("account.slippage = 0", "account.slipage = 0"))
    assert "where asks for 'account.slipage' (did you mean 'account.slippage'?)" in said


def test_a_table_names_settings_in_its_columns(here: Path) -> None:
    Path("sets.csv").write_text("hold,account.slippage,refresh\n5,0.0,true\n5,0.001,false\n20,0.0,true\n")
    written('[grid]\nkind = "table"\ntable = "sets.csv"\n', "[keep]\ntable = true")
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    lanes = pl.read_parquet("out/chunks/*.parquet")
    assert lanes.select("account.slippage", "refresh", "hold").rows() == [
        (0.0, True, 5.0),
        (0.001, False, 5.0),
        (0.0, True, 20.0),
    ]
    Path("sets.csv").write_text("hold,account.slippage,refresh\n5,0.0,true\n5,0.001,false\n20,0.0,false\n")
    assert main(["sweep", "job.toml", "--out", "out", "--resume"]) == 2


def test_a_table_of_a_job_names_no_tables_in_its_cells(here: Path) -> None:
    Path("sets.csv").write_text("signals\na.csv\nb.csv\n")
    text = Path("job.toml").read_text().replace("short_bubble_warning", "signals")
    (said,) = mistakes(text[: text.index("[grid.parameters]")] + '[grid]\nkind = "table"\ntable = "sets.csv"\n')
    assert "grid.table must have no column signals (got one: its cells would be paths of tables)" in said
