"""Going on with a job: what is the same job, however its files look, and what is another, which is refused by name."""

import contextlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from engine import Market
from engine.cli import main
from tests.jobs.conftest import edit, files, started
from tests.jobs.test_running import SCRIPT, told


def rewritten(name: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Write a table anew."""
    change(pl.read_parquet(name)).write_parquet(name, compression="uncompressed", row_group_size=100)


FULL = """
[market]
prices = "prices.parquet"
borrow = "borrow.csv"

[events]
table = "events.parquet"

[strategy]
name = "own.py:BuyTheWarning"
options = {refresh = false}

[grid.parameters]
hold = {from = 1, to = 40}
stop = [0.1, 0.2]

[run]
chunk = 64

[account]
cash = 500_000
fee_rate = 0.0002

[keep]
top = 50
"""
BORROW = "asset,session,rate\nNVDA,2024-01-02,0.05\nAMD,2024-01-02,0.04\nNVDA,2024-06-03,0.02\n"


@pytest.fixture(scope="module")
def done(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job of two chunks with something of every kind, finished; beside it the files that it came from."""
    folder = tmp_path_factory.mktemp("done")
    for name in ("prices.parquet", "events.parquet"):
        shutil.copy(demo / name, folder)
    (folder / "own.py").write_text(SCRIPT)
    (folder / "borrow.csv").write_text(BORROW)
    (folder / "job.toml").write_text(FULL)
    with contextlib.chdir(folder):
        assert main(["sweep", "job.toml", "--out", "out"]) == 0
    return folder


@pytest.fixture
def begun(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that, in a folder of its own, which is the current one."""
    shutil.copytree(done, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


SAME: dict[str, Callable[[], object]] = {
    "comments in the job file": lambda: edit(lambda job: "# mine\n" + job.replace("[run]", "# chunks\n[run]")),
    "a byte order mark": lambda: edit(lambda job: "\ufeff" + job),
    "line ends of Windows": lambda: Path("job.toml").write_bytes(Path("job.toml").read_bytes().replace(b"\n", b"\r\n")),
    "sections in another order": lambda: edit(lambda job: job[job.index("[account]") :] + job[: job.index("[account]")]),
    "settings in another order": lambda: edit(
        lambda job: job.replace("cash = 500_000\nfee_rate = 0.0002", "fee_rate = 0.0002\ncash = 500_000")
    ),
    "parameters in another order": lambda: edit(
        lambda job: job.replace("hold = {from = 1, to = 40}\nstop = [0.1, 0.2]", "stop = [0.1, 0.2]\nhold = {to = 40, from = 1}")
    ),
    "values written otherwise": lambda: edit(
        lambda job: job.replace("cash = 500_000", "cash = 5e5").replace("{from = 1, to = 40}", str(list(range(1, 41))))
    ),
    "what is the default, written out": lambda: edit(
        lambda job: job.replace("[keep]", "slippage = 0.0005\n[keep]\nby = ['sharpe']\ntable = false")
    ),
    "a default that was written out, left out": lambda: edit(lambda job: job.replace("options = {refresh = false}", "")),
    "prices written anew": lambda: rewritten("prices.parquet", lambda frame: frame),
    "prices from another file": lambda: (
        Market.read("prices.parquet").write("again.parquet"),
        edit(lambda job: job.replace('"prices.parquet"', '"again.parquet"')),
    ),
    "events in another order": lambda: rewritten("events.parquet", lambda frame: frame.reverse()),
    "events in another folder": lambda: (
        Path("sub").mkdir(),
        Path("events.parquet").rename("sub/events.parquet"),
        edit(lambda job: job.replace('"events.parquet"', '"sub/events.parquet"')),
    ),
    "borrow rates in another order": lambda: Path("borrow.csv").write_text(
        "\n".join([BORROW.splitlines()[0], *reversed(BORROW.splitlines()[1:])])
    ),
    "borrow rates with other columns first": lambda: Path("borrow.csv").write_text(
        "\n".join(",".join(reversed(line.split(","))) for line in BORROW.splitlines())
    ),
    "a comment in the strategy": lambda: edit(lambda text: text.replace("    channels", "    # heard\n    channels"), "own.py"),
    "a docstring of the strategy": lambda: edit(lambda text: text.replace("Buy what", "Go long in what"), "own.py"),
    "a strategy laid out anew": lambda: edit(lambda text: text.replace(" if warn_new", " if (\n            warn_new\n        )"), "own.py"),
    "a strategy with a byte order mark": lambda: edit(lambda text: "\ufeff" + text.lstrip(), "own.py"),
    "a strategy from another file": lambda: (
        Path("own.py").rename("mine.py"),
        edit(lambda job: job.replace("own.py", "mine.py")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_is_the_same_job_goes_on(name: str, begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(begun / "out")
    SAME[name]()
    assert told(capsys, "--resume") == "Nothing is missing.\n"
    assert files(begun / "out") == before
    next(Path("out/chunks").iterdir()).unlink()
    told(capsys, "--resume")
    assert files(begun / "out") == before


def cheaper(market: Market) -> Market:
    """Halve one price."""
    first = pl.int_range(pl.len()) == 0
    frame = market.frame.with_columns(low=pl.when(first).then(pl.col("low") / 2).otherwise(pl.col("low")))
    return Market.build(frame, market.opens, market.sessions, market.findings, market.metadata)


ANOTHER: dict[str, tuple[Callable[[], object], str]] = {
    "one price": (lambda: cheaper(Market.read("prices.parquet")).write("prices.parquet"), "prices"),
    "fewer sessions": (
        lambda: edit(lambda job: job.replace("[events]", "end = 2025-06-30\n[events]")),
        r"prices \(\d+ assets, 2024-01-02 to 2025-12-31, 1d on XNYS -> \d+ assets, 2024-01-02 to 2025-06-30, 1d on XNYS\)",
    ),
    "one event less": (lambda: rewritten("events.parquet", lambda frame: frame[1:]), r"events \((\d+) events -> \d+ events\)"),
    "the strength of an event": (
        lambda: rewritten("events.parquet", lambda frame: frame.with_columns(strength=pl.col("strength") / 2)),
        "events",
    ),
    "a delay of the events": (lambda: edit(lambda job: job.replace("[strategy]", 'delay = "1h"\n[strategy]')), "events"),
    "a borrow rate": (lambda: Path("borrow.csv").write_text(BORROW.replace("0.05", "0.06")), "borrow rates"),
    "no borrow rates": (
        lambda: edit(lambda job: job.replace('borrow = "borrow.csv"', "")),
        r"borrow rates \(gone, was 3 rates\)",
    ),
    "the rule": (lambda: edit(lambda text: text.replace("0.1 else", "0.2 else"), "own.py"), "strategy's rule"),
    "a default": (lambda: edit(lambda text: text.replace("param(0.1,", "param(0.2,"), "own.py"), "strategy's weight"),
    "the kinds": (lambda: edit(lambda text: text.replace('("bubble_warning",)', '("denial",)'), "own.py"), "strategy's channels"),
    "an option": (
        lambda: edit(lambda job: job.replace("refresh = false", "refresh = true")),
        r"strategy.options.refresh \(false -> true\)",
    ),
    "the cash": (
        lambda: edit(lambda job: job.replace("500_000", "5_000_000")),
        r"account.cash \(500,000 -> 5,000,000\)",
    ),
    "two settings": (
        lambda: edit(lambda job: job.replace("500_000", "5_000").replace("0.0002", "0.0000001")),
        r"account.cash \(500,000 -> 5,000\), account.fee_rate \(0.0002 -> 0.0000001\)",
    ),
    "a setting that was left out": (
        lambda: edit(lambda job: job.replace("[keep]", "fill = 'close'\n[keep]")),
        r"account.fill \(open -> close\)",
    ),
    "a range": (
        lambda: edit(lambda job: job.replace("to = 40", "to = 39")),
        r"grid.parameters.hold \(40 values from 1 to 40 -> 39 values from 1 to 39\)",
    ),
    "a list": (
        lambda: edit(lambda job: job.replace("[0.1, 0.2]", '[0.2, 0.1, "none"]')),
        r"grid.parameters.stop \(\[0.1, 0.2\] -> \[0.2, 0.1, none\]\)",
    ),
    "one value among many": (
        lambda: edit(lambda job: job.replace("{from = 1, to = 40}", str([*range(1, 39), 38.5, 40]).replace("38.5", "41"))),
        "grid.parameters.hold .*",
    ),
    "a parameter more": (
        lambda: edit(lambda job: job.replace("stop = [", "take = 0.5\nstop = [")),
        r"grid.parameters.take \(new, \[0.5\]\), order of what is swept \(hold, stop -> hold, take, stop\)",
    ),
    "a condition": (
        lambda: edit(lambda job: job.replace("[grid.parameters]", '[grid]\nwhere = "hold > 3"\n[grid.parameters]')),
        r"grid.where \(new, hold > 3\)",
    ),
    "a setting that is swept": (
        lambda: edit(lambda job: job.replace("[run]", "[grid.account]\nslippage = [0.0, 0.0005]\n[run]")),
        r"grid.account.slippage \(new, \[0, 0.0005\]\), order of what is swept .*",
    ),
    "how many are kept": (lambda: edit(lambda job: job.replace("top = 50", "top = 51")), r"keep.top \(50 -> 51\)"),
    "what the best are": (
        lambda: edit(lambda job: job.replace("top = 50", "top = 50\nby = ['calmar', 'sharpe']")),
        r"keep.by \(\[sharpe\] -> \[calmar, sharpe\]\)",
    ),
    "splits": (
        lambda: edit(lambda job: job + "[splits]\ntrain = 200\ntest = 120\n"),
        r"splits.train \(new, 200\), splits.test \(new, 120\)",
    ),
    "the precision": (
        lambda: edit(lambda job: job.replace("[run]", "[run]\nprecision = 'float64'")),
        r"run.precision \(float32 -> float64\)",
    ),
    "the chunks": (lambda: edit(lambda job: job.replace("chunk = 64", "chunk = 65")), r"run.chunk \(64 -> 65\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANOTHER)
def test_what_is_another_job_is_refused_by_name(name: str, begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(begun / "out")
    change, says = ANOTHER[name]
    change()
    said = told(capsys, "--resume", status=2)
    assert re.fullmatch(
        rf"--out 'out' was begun from something else: changed since are {says}; put back what it was, or name another folder.\n",
        said,
    ), said
    assert files(begun / "out") == before


def test_a_folder_that_holds_a_sweep_is_not_begun_anew(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds a sweep already (2 chunks)" in told(capsys, status=2)


def test_other_code_is_refused(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told(capsys)
    monkeypatch.setattr("engine.jobs.parts.code_version", lambda: "other")
    assert "changed since are the code of tocsin;" in told(capsys, "--resume", status=2)
    monkeypatch.setattr("engine.jobs.parts.versions", lambda: {"numpy": "0.1"})
    said = told(capsys, "--resume", status=2)
    assert "the code of tocsin, version of numpy (" in said
    assert "-> 0.1)" in said


def test_a_folder_of_another_tocsin_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys)
    edit(lambda text: text.replace('"format": "sweep 2"', '"format": "sweep 1"'), "out/manifest.json")
    assert "was begun by another tocsin (" in told(capsys, "--resume", status=2)


# What it says, and what it leaves


@pytest.mark.parametrize(
    ("lost", "says"),
    [
        (lambda: Path("out/top.parquet").unlink(), "top.parquet is missing or damaged and is made anew."),
        (lambda: Path("out/heatmaps.parquet").write_bytes(b"PAR1"), "heatmaps.parquet is missing or damaged and is made anew."),
        (lambda: Path("out/sweep.json").write_text("{"), "sweep.json is missing or damaged and is made anew."),
        (lambda: Path("out/sweep.json").write_text("[]"), "sweep.json is missing or damaged and is made anew."),
        (lambda: Path("out/sweep.json").write_text("{}"), "sweep.json is missing or damaged and is made anew."),
        (lambda: Path("out/sweep.json").write_bytes(b"\xff"), "sweep.json is missing or damaged and is made anew."),
        (lambda: Path("out/sweep.json").unlink(), ""),
    ],
)  # fmt: skip
def test_results_that_are_lost_are_made_anew(
    lost: Callable[[], object], says: str, begun: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(begun / "out")
    lost()
    assert says in told(capsys, "--resume")
    assert files(begun / "out") == before


KINDS_OF_OPTIONS = """
import numpy as np
import polars as pl

from engine import KEEP, Strategy, option


class Thing:
    def __init__(self, value):
        self.value = value


def curve(given):
    return np.arange(3000.0) + (np.arange(3000) == 1500) * given


class Odd(Strategy):
    names: set = option({"NVDA", "AMD", "INTC", "MSFT"}, "names", lambda given: set(given))
    thing: Thing = option(Thing(1), "thing", lambda given: given if isinstance(given, Thing) else Thing(given))
    curve: np.ndarray = option(np.arange(3000.0), "curve", lambda given: given if isinstance(given, np.ndarray) else curve(given))
    frame: pl.DataFrame = option(pl.DataFrame({"a": [1]}), "frame", lambda given: pl.DataFrame(given))
    file: str = option("", "file", str)
    deep: dict = option({"a": {1, 2}}, "deep", dict)

    @staticmethod
    def rule():
        return 0.1
"""


@pytest.fixture
def odd(here: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A job with options of many kinds, finished."""
    Path("own.py").write_text(KINDS_OF_OPTIONS)
    for name, text in (("one.csv", "a\n1\n"), ("two.csv", "a\n1\n"), ("three.csv", "a\n10\n")):
        Path(name).write_text(text)
    options = [
        'names = ["NVDA", "AMD"]',
        "thing = 2",
        "curve = 1",
        "frame = {a = [1, 2]}",
        'file = "one.csv"',
        "deep = {b = 1}",
    ]
    parts = [
        "[strategy]",
        'name = "own.py:Odd"',
        "[strategy.options]",
        *options,
        "[grid.parameters]",
        "hold = [1, 2]",
        "",
    ]
    edit(lambda job: job[: job.index("[events]")] + "\n".join(parts))
    told(capsys)
    return here


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("thing = 2", "thing = 3", "strategy.options.thing"),
        ("curve = 1", "curve = 2", "strategy.options.curve"),  # one of 3,000 values, which numpy does not show
        ('names = ["NVDA", "AMD"]', 'names = ["NVDA", "INTC"]', "strategy.options.names ({AMD, NVDA} -> {INTC, NVDA})"),
        ('names = ["NVDA", "AMD"]', 'names = ["AMD", "NVDA"]', ""),
        ("deep = {b = 1}", "deep = {b = 2}", "strategy.options.deep ({b = 1} -> {b = 2})"),
        ("frame = {a = [1, 2]}", "frame = {a = [1, 3]}", "strategy.options.frame"),
        ('file = "one.csv"', 'file = "two.csv"', ""),  # which holds the same
        ('file = "one.csv"', 'file = "three.csv"', "strategy.options.file (4 bytes -> 5 bytes)"),
    ],
)
def test_options_of_any_kind_are_told_apart(
    was: str, becomes: str, says: str, odd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(lambda job: job.replace(was, becomes))
    said = told(capsys, "--resume", status=2 if says else 0)
    assert f"changed since are {says};" in said if says else said == "Nothing is missing.\n"


def test_options_of_any_kind_are_known_again_in_another_process(odd: Path) -> None:
    for seed in ("1", "2"):  # sets of texts have another order in each
        job = started("sweep", "job.toml", "--out", "out", "--resume", PYTHONHASHSEED=seed)
        _, said = job.communicate()
        assert (said, job.returncode) == ("Nothing is missing.\n", 0)
