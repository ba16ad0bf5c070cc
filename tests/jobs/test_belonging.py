"""Settings that stand in another section than theirs, or in two: what is said of them."""

from pathlib import Path

import pytest

from engine.jobs.job import Job
from tests.jobs.conftest import edit
from tests.jobs.test_jobfile import mistakes


@pytest.mark.parametrize(
    ("section", "line", "says"),
    [
        ("grid.parameters", "refresh = true", "move it to [strategy.options], or with several values to [grid.options]."),
        ("grid.parameters", "basket = ['NVDA']", "move it to [strategy.options], or with several values to [grid.options]."),
        ("grid.parameters", "slippage = 0.001", "move it to [account], or with several values to [grid.account]."),
        ("grid.parameters", "fill = 'close'", "grid.parameters.fill is no parameter of short_bubble_warning; move it to [account]."),
        ("grid.parameters", "where = 'hold < 3'", "move it to [grid]."),
        ("grid.parameters", "top = 5", "move it to [keep]."),
        ("grid.parameters", "wieght = 0.2", "cannot be swept (did you mean 'weight'?)"),
        ("account", "hold = 3", "account.hold is no setting of the account; move it to [grid.parameters]."),
        ("account", "refresh = true", "account.refresh is no setting of the account; move it to [strategy.options], or with several"),
        ("account", "precision = 'float64'", "move it to [run]."),
        ("account", "slippage = [0.0, 0.1]", "account.slippage must have one value (got [0.0, 0.1]); write several in [grid.account]."),
        ("account", "fill = ['open', 'close']", 'account.fill must have one value (got ["open", "close"]); give one.'),
        ("account", "slipage = 0.1", "(did you mean 'slippage'?)"),
        ("keep", "chunk = 64", "keep.chunk is no setting, allowed are top, by, require, metrics, table, heatmaps; move it to [run]."),
        ("keep", "hold = 3", "move it to [grid.parameters]."),
        ("keep", "cash = 3", "move it to [account], or with several values to [grid.account]."),
        ("keep", "to = 3", "keep.to is no setting (did you mean 'top'?), allowed are"),
        ("splits", "seed = 3", "move it to [run]."),
        ("splits", "delay = '1d'", "move it to [events]."),
        ("strategy.options", "stop = 0.1", "is a parameter, allowed are options; write it in [grid.parameters]"),
        ("strategy.options", "lot = 1", "allowed are refresh, min_confidence, weigh, basket; move it to [account], or with"),
        ("strategy.options", "baskte = 'NVDA'", "strategy.options.baskte is no option (did you mean 'basket'?)"),
        ("grid.account", "fill = ['open', 'close']", "grid.account.fill cannot be swept, allowed are cash, slippage, "),
        ("grid.account", "cash_rate = [0, 0.1]", "move it to [account], with one value."),
        ("grid.account", "hold = [1, 2]", "grid.account.hold cannot be swept, allowed are cash, slippage, "),
        ("grid.account", "slipage = [0.1]", "grid.account.slipage cannot be swept (did you mean 'slippage'?)"),
        ("grid.account", "slippage = []", "account.slippage must have one value or more (got none)"),
        ("grid.account", "slippage = [0.1, 0.10]", "account.slippage must list each value once (got 0.1 twice)"),
        ("grid.account", "slippage = [-1]", "account.slippage must be a number from 0 to 0.5 (got -1)"),
        ("grid.account", "slippage = {from = 0, to = 1}", "account.slippage must be a number from 0 to 0.5 (got 1.0)"),
        ("grid.account", "slippage = {from = 0, too = 1}", "grid.account.slippage has 'too' (did you mean 'to'?)"),
        ("grid.account", "slippage = 'low'", "account.slippage must be a number from 0 to 0.5 (got 'low')"),
        ("grid.options", "refresh = [true, 'maybe']", "short_bubble_warning.refresh: "),
        ("grid.options", "refresh = ['maybe']", "(got 'maybe'); give one of them; a sweep may have both."),
        ("grid.options", "refresh = [true, true]", "refresh must list each value once"),
        ("grid.options", "hold = [1, 2]", "grid.options.hold is a parameter, allowed are options; write it in [grid.parameters]"),
        ("grid.options", "cash = [1, 2]", "allowed are refresh, min_confidence, weigh, basket; move it to [account], or with"),
        ("grid.options", "refesh = [true]", "grid.options.refesh is no option (did you mean 'refresh'?)"),
        ("grid.events", "delay = ['1x']", "is not a length of time"),
        ("grid.events", "delays = ['1d']", "grid.events.delays cannot be swept (did you mean 'delay'?), allowed are delay; rename it."),
        ("grid", "wehre = 'hold < 3'", "grid.wehre is no setting (did you mean 'where'?)"),
        ("parameters", "hold = 3", "[parameters] is no section of a job, allowed are market, events, "),
        ("options", "refresh = true", "splits, run, tables; write [strategy.options]."),
    ],
)  # fmt: skip
def test_what_stands_in_another_section_is_told_where_it_belongs(
    section: str, line: str, says: str, here: Path
) -> None:
    text = Path("job.toml").read_text()
    if section == "grid.parameters":
        said = mistakes(text.replace("[grid.parameters]", f"[grid.parameters]\n{line}"))
        where = 12
    else:
        said = mistakes(f"{text}[{section}]\n{line}\n")
        where = len(text.splitlines()) + (1 if section in ("parameters", "options") else 2)
    assert len(said) == 1, said
    assert said[0].startswith(f"job.toml, line {where}: "), said
    assert says in said[0]


@pytest.mark.parametrize(
    ("given", "swept", "says"),
    [
        (
            "[account]\nslippage = 0.1",
            "[grid.account]\nslippage = [0, 0.1]",
            "grid.account.slippage is given in [account] as well",
        ),
        (
            "[strategy.options]\nrefresh = true",
            "[grid.options]\nrefresh = [true, false]",
            "in the options of [strategy] as well",
        ),
        ("", "[grid.events]\ndelay = ['0s', '1d']", ""),
    ],
)
def test_what_is_swept_is_given_once(given: str, swept: str, says: str, here: Path) -> None:
    edit(lambda job: f"{job}{given}\n{swept}\n")
    if not says:
        assert Job.read(Path("job.toml")).grid.size == 2 * 800
        return
    (said,) = mistakes(Path("job.toml").read_text())
    assert says in said
    assert said.endswith("allowed is once; leave one of them out.")


def test_a_delay_is_swept_or_given(here: Path) -> None:
    edit(
        lambda job: (
            job.replace('"events.parquet"', '"events.parquet"\ndelay = "1h"') + "[grid.events]\ndelay = ['1d']\n"
        )
    )
    (said,) = mistakes(Path("job.toml").read_text())
    assert "line 19: grid.events.delay is given in [events] as well, allowed is once; leave one of them out." in said
    edit(lambda job: job.replace('[events]\ntable = "events.parquet"\ndelay = "1h"', ""))
    assert "events.delay must have events to delay" in "".join(mistakes(Path("job.toml").read_text()))
