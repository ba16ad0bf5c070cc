"""Choosing on some sessions and judging on others: folds, purge and embargo, stitched equity."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Events, Fault, Market, backtest, sweep
from engine.cli import main
from engine.jobs.periods import Period, periods_of, sessions_held
from engine.jobs.settings import SplitsSection
from strategies import ShortBubbleWarning
from tests.jobs.conftest import edit, files

DAYS = np.arange("2024-01-01", "2024-01-21", dtype="datetime64[D]")  # 20 sessions


def day(place: int) -> dt.date:
    return dt.date(2024, 1, 1 + place)


def splits(**settings: Any) -> SplitsSection:
    return SplitsSection.model_validate(settings)


def test_folds_with_purge_and_embargo() -> None:
    # Tests begin at the sessions 10, 14 and 18; each trains on the 10 before, less 2 purged and 1 of embargo.
    found = periods_of(splits(train=10, test=4, embargo=1), DAYS, 2)
    assert found == (
        Period("fold-00", day(0), day(6), (day(10), day(13)), 4),
        Period("fold-01", day(4), day(10), (day(14), day(17)), 4),
        Period("fold-02", day(8), day(14), (day(18), day(19)), 2, short_by=2),  # 20 sessions less 18 are left
    )
    anchored = periods_of(splits(train=10, test=4, anchored=True, purge=0), DAYS, np.inf)
    assert [(p.first, p.last) for p in anchored] == [(day(0), day(9)), (day(0), day(13)), (day(0), day(17))]


def test_the_sample_is_purged_before_what_judges_it() -> None:
    given = {"in_sample": [day(0), day(9)], "out_of_sample": [day(10), day(19)]}
    assert periods_of(splits(**given), DAYS, 3) == (Period("in_sample", day(0), day(6), (day(10), day(19)), 10),)
    given["out_of_sample"] = [day(15), day(19)]  # five sessions lie between them, and three suffice
    assert periods_of(splits(**given), DAYS, 3)[0].last == day(9)


@pytest.mark.parametrize(
    ("train", "test", "tested"),
    [
        # of 20 sessions, what is left after the training, in parts of `test`
        (10, 4, [4, 4, 2]),
        (10, 5, [5, 5]),
        (10, 10, [10]),
        (10, 11, [10]),
        (10, 9, [9, 1]),
        (12, 3, [3, 3, 2]),
        (19, 1, [1]),
        (19, 5, [1]),
        (17, 2, [2, 1]),
        (4, 7, [7, 7, 2]),
        (4, 8, [8, 8]),
    ],
)
@pytest.mark.parametrize("anchored", [False, True])
def test_a_last_fold_that_is_shorter_says_so(train: int, test: int, tested: list[int], anchored: bool) -> None:
    folds = periods_of(splits(train=train, test=test, purge=0, anchored=anchored), DAYS, np.inf)
    assert [fold.test_sessions for fold in folds] == tested
    assert [fold.short_by for fold in folds] == [test - found for found in tested]


def test_holding_times_in_sessions() -> None:
    five_a_day = np.repeat(DAYS, 5)
    assert sessions_held(11, five_a_day) == 3  # 2.2 sessions, rounded up
    assert sessions_held(np.inf, five_a_day) == np.inf


@pytest.mark.parametrize(
    ("settings", "longest", "says"),
    [
        ({"train": 10, "test": 4}, np.inf, "splits.purge is missing"),
        ({"train": 10, "test": 4}, 9, "needed are 11 or more"),
        ({"train": 20, "test": 4}, 1, "allowed is up to 19"),
        ({"in_sample": [day(0), day(9)]}, 1, "one of the two pairs"),
        ({"in_sample": [day(0), day(9)], "out_of_sample": [day(5), day(19)]}, 1, "allowed is after it"),
        ({"in_sample": [day(0), day(9)], "out_of_sample": [dt.date(2025, 1, 1)] * 2}, 1, "holds no session"),
        ({"in_sample": [day(0), day(9)], "out_of_sample": [day(10), day(19)]}, 9, "no session left"),
        ({"in_sample": [day(0), day(9)], "train": 10, "test": 2}, 1, "one of the two pairs"),
    ],
)
def test_splits_that_do_not_fit(settings: dict[str, Any], longest: float, says: str) -> None:
    with pytest.raises(Fault, match=says):
        periods_of(splits(**settings), DAYS, longest)


@pytest.mark.filterwarnings(
    "ignore:.*hears none of the \\d+ events:engine.faults.Note"
)  # the first fold is before them
def test_walk_forward_is_what_sweeps_and_backtests_make_of_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(lambda job: job.replace("to = 40", "to = 20") + "[splits]\ntrain = 200\ntest = 120\n")
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    market, events = Market.read("prices.parquet"), Events.read("events.parquet")
    sessions = market.sessions.tolist()
    axes: dict[str, Any] = {"hold": range(1, 21), "stop": np.round(np.linspace(0.02, 0.3, 20), 12)}
    folds, equity = pl.read_parquet("out/folds.parquet"), pl.read_parquet("out/equity.parquet")
    worth, traded = 1_000_000.0, 0
    for fold, start in enumerate(range(200, len(sessions), 120)):
        first, last, test = sessions[start - 200], sessions[start - 20 - 1], sessions[start]
        until = sessions[min(start + 120, len(sessions)) - 1]
        row = folds.row(fold, named=True)
        assert (row["first"], row["last"], row["test_first"], row["test_last"]) == (first, last, test, until)
        train = sweep(ShortBubbleWarning, market.select(start=first, end=last), events, precision="float64", **axes)
        has_one = train.table["sharpe"].is_not_nan().any()
        best = train.top(1, by="sharpe") if has_one else pl.DataFrame()
        path = equity.filter(fold=fold)
        assert path["session"].to_list() == sessions[start : min(start + 120, len(sessions))]
        if best.is_empty() or best["sharpe"][0] is None:
            assert row["lane"] is None
            assert path["equity"].to_list() == [worth] * len(path)
            continue
        traded += 1
        assert row["lane"] == best["lane"][0]
        run = backtest(
            ShortBubbleWarning(hold=row["hold"], stop=row["stop"]), market.select(start=first, end=until), events
        )
        # A position that was opened where the choice was made is closed before the test.
        assert run.trades.filter(
            pl.col("entry_time").dt.date() <= last, pl.col("exit_time").dt.date() >= test
        ).is_empty()
        before = run.equity.filter(pl.col("session") < test)["equity"][-1]
        expected = run.equity.filter(pl.col("session") >= test)["equity"] / before * worth
        np.testing.assert_allclose(path["equity"], expected, rtol=1e-12)
        assert row["total_return"] == pytest.approx(run.equity["equity"][-1] / before - 1, rel=1e-9, abs=1e-12)
        worth = path["equity"][-1]
    assert traded > 0
    summary = pl.read_json("out/sweep.json")["out_of_sample"].struct.unnest()
    assert summary["total_return"][0] == pytest.approx(worth / 1_000_000 - 1, rel=1e-9)
    assert summary["max_drawdown"][0] == pytest.approx(equity["drawdown"].max(), rel=1e-9)
    assert Path("out/folds/fold-00/top.parquet").is_file()
    # What is printed shows for each fold what chose its winner, and beneath it what the winner earned then.
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    for row in folds.iter_rows(named=True):
        place = next(i for i, line in enumerate(shown) if line[:1] == [row["fold"]])
        assert shown[place][1:5] == ["in", "sample", str(row["first"]), str(row["last"])]
        assert shown[place + 1][:5] == ["out", "of", "sample", str(row["test_first"]), str(row["test_last"])]
        if row["lane"] is not None:
            assert shown[place][-3] == f"{row['in_sample_sharpe']:.4f}"
            assert shown[place + 1][-2] == f"{row['total_return']:.4f}"


def test_out_of_sample(here: Path) -> None:
    dates = "in_sample = [2024-01-02, 2025-04-30]\nout_of_sample = [2025-05-01, 2025-12-31]\n"
    edit(lambda job: job + f"[splits]\n{dates}[keep]\nby = ['total_return', 'max_drawdown']\n")
    assert main(["sweep", "job.toml", "--out", "out"]) == 0
    market, events = Market.read("prices.parquet"), Events.read("events.parquet")
    judged = pl.read_parquet("out/out_of_sample.parquet")
    assert judged["rank"].to_list() == list(range(1, 101))
    assert judged["in_sample_total_return"].is_sorted(descending=True)
    row = judged.row(7, named=True)
    assert row["test_first"] == dt.date(2025, 5, 1)
    run = backtest(
        ShortBubbleWarning(hold=row["hold"], stop=row["stop"]),
        market.select(start=row["first"], end=row["test_last"]),
        events,
    )
    worth = run.equity.filter(pl.col("session") >= row["test_first"])["equity"].to_numpy()
    before = run.equity.filter(pl.col("session") < row["test_first"])["equity"][-1]
    assert row["total_return"] == pytest.approx(worth[-1] / before - 1, rel=1e-9)
    returns = np.diff(np.concatenate([[before], worth])) / np.concatenate([[before], worth[:-1]])
    assert row["volatility"] == pytest.approx(returns.std(ddof=1) * np.sqrt(252), rel=1e-9)
    assert row["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(252), rel=1e-9)


def test_a_killed_walk_forward_goes_on(here: Path) -> None:
    edit(lambda job: job.replace("to = 40", "to = 8") + "[splits]\ntrain = 200\ntest = 120\n")
    for out in ("out", "other"):
        assert main(["sweep", "job.toml", "--out", out]) == 0
    chunks = sorted(Path("other/chunks").iterdir())
    assert len(chunks) == 9  # 160 lanes in chunks of 64, in each of three folds
    for name in (chunks[1], chunks[5], chunks[8], Path("other/sweep.json")):
        name.unlink()
    assert main(["sweep", "job.toml", "--out", "other", "--resume"]) == 0
    assert files(here / "out") == files(here / "other")
