"""Job files: what they may say, and what is said of mistakes."""

import codecs
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine import Events, Fault, Market, sweep
from engine.jobs.job import Job
from engine.jobs.settings import SECTIONS
from engine.jobs.work import StrategyText
from strategies import ShortBubbleWarning
from tests.jobs.conftest import ROOT, edit


def mistakes(text: str) -> list[str]:
    """Give what is said of a job file, a line a mistake."""
    Path("job.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Fault) as caught:
        Job.read(Path("job.toml"))
    return str(caught.value).splitlines()


def test_every_mistake_is_said_at_once_with_its_line(here: Path) -> None:
    said = mistakes(
        """
[market]
price = "prices.parquet"
start = "2015"

[event]
table = "events.parquet"

[strategy]
name = "short_bubble_waring"

[grid]
kind = "randon"
parameters = {hold = 1}

[account]
cash = -5
fils = "close"

[keep]
top = "many"
by = ["sharp"]

[run]
precision = "float16"
"""
    )
    assert said[0] == "job.toml has 11 mistakes:"
    expected = [
        (2, "market.prices is missing, needed is the path"),
        (3, "market.price is no setting (did you mean 'prices'?), allowed are prices, "),
        (4, 'market.start is "2015", allowed is a date, written 2015-01-02'),
        (6, "[event] is no section of a job (did you mean 'events'?)"),
        (10, "strategy 'short_bubble_waring' is not installed (did you mean 'short_bubble_warning'?)"),
        (13, "grid.kind is \"randon\" (did you mean 'random'?), allowed are "),
        (17, "account.cash must be a number above 0"),
        (18, "account.fils is no setting of the account (did you mean 'fill'?)"),
        (21, 'keep.top is "many", allowed is a whole number from 1 to 100,000'),
        (22, "keep.by names 'sharp' (did you mean 'sharpe'?)"),
        (25, "run.precision is \"float16\" (did you mean 'float64'?)"),
    ]
    for found, (line, start) in zip(said[1:], expected, strict=True):
        assert found.startswith(f"  line {line}: {start}"), found
        assert found.endswith(".")


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        ("hold = {from = 1, to = 40}", "holt = 3", 12, "did you mean 'hold'"),
        ("{from = 1, to = 40}", "{form = 1, to = 40}", 12, "'form' (did you mean 'from'?), allowed are from, to, count"),
        ("{from = 1, to = 40}", "{from = 1}", 12, "two numbers"),
        ("{from = 1, to = 40}", "{from = 40, to = 1}", 12, "grid.parameters.hold is {from = 40, to = 1}, which runs backwards"),
        ("{from = 1, to = 40}", "{from = 1, to = nan}", 12, "grid.parameters.hold is {from = 1, to = nan}, which runs"),
        ("{from = 1, to = 40}", "{from = 0.5, to = 2}", 12, "hold is {from = 0.5, to = 2}, which has ends that are not whole"),
        ("count = 20", "count = 10000000000", 13, "which has 10,000,000,000 values, allowed for one parameter are 10,000,000"),
        ("{from = 1, to = 40}", "[5, 5]", 12, "holds a value twice"),
        ('"events.parquet"', '"events.parquet"\ndelay = "15"', 7, "delay='15' is not a length of time"),
        ("{from = 1, to = 40}", "[0]", 12, "from 1 to"),
        ("{from = 1, to = 40}", "[]", 12, "has no values"),
        ("[grid.parameters]", '[grid]\nwhere = "hold < stp"\n[grid.parameters]', 12, "did you mean 'stop'"),
        ("[grid.parameters]", '[grid]\nwhere = "1 < hold < 3"\n[grid.parameters]', 12, "write 1 < hold < 3 as 1 < hold and hold < 3"),
        ("[grid.parameters]", '[grid]\nwhere = "hold > avg(hold)"\n[grid.parameters]', 12, "one lane alone"),
        ("[grid.parameters]", "[grid]\nlanes = 5\n[grid.parameters]", 12, "goes with kind"),
        ("[grid.parameters]", '[grid]\nkind = "sobol"\n[grid.parameters]', 11, "grid.lanes goes with kind"),
        ("[grid.parameters]", '[grid]\nkind = "table"\ntable = "no.csv"\n[x]', 14, "[x] is no section"),
        ("prices.parquet", "price.parquet", 3, "does not exist"),
        ("events.parquet", "event.parquet", 6, "it does not exist"),
        ("short_bubble_warning", "own.py:None", 9, "does not exist"),
        ("[run]", "[strategy.options]\nbasket = ['NVDIA']\n[run]", 8, "did you mean 'NVDA'"),
        ("[run]", "[strategy.options]\nhold = 3\n[run]", 16, "is a parameter"),
        ("[run]", "[market.x]\n[run]", 15, "market.x is no setting"),
        ("[run]", "[keep]\nheatmaps = [['hold', 'take']]\n[run]", 16, "allowed are the swept hold, stop"),
        ("[run]", "[account]\nkind = 'columns'\n[run]", 16, "allowed in a sweep is 'portfolio'"),
        ("[run]", "[splits]\ntrain = 100\n[run]", 15, "either in_sample and out_of_sample"),
        ("[run]", "[splits]\ntrain = 30\ntest = 10\n[run]", 15, "of which 40 are purged"),
        ("chunk = 64", "chunk = 1", 16, "from 64 to"),
        ("[market]", "market = 3\n[x]", 2, "write [market]"),
        ("[grid.parameters]", "[run.x]", None, '[grid] is missing, needed is parameters, or kind = "table" and a table;'),
        ("\nstop = ", "\nhold = ", None, "is not TOML"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_sentence(was: str, becomes: str, line: int | None, says: str, here: Path) -> None:
    text = Path("job.toml").read_text()
    assert was in text
    said = mistakes(text.replace(was, becomes, 1))
    shown = [part for part in said if says in part]
    assert len(shown) == 1, said
    if line:
        assert f"line {line}: " in shown[0]
    if len(said) == 1:
        assert said[0].startswith("job.toml")


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("events.parquet", "event.parquet", "job.toml, line 6: events "),
        ('events.parquet"', 'events.parquet"\ndelay = "15"', "job.toml, line 7: delay='15'"),
        ("table = ", "tables = ", "line 6: events.tables is no setting"),
    ],
)
def test_events_that_cannot_be_read_are_not_missed_as_well(was: str, becomes: str, says: str, here: Path) -> None:
    said = mistakes(Path("job.toml").read_text().replace(was, becomes, 1))
    assert says in "".join(said)
    assert "was given no events" not in "".join(said)


def test_what_is_wrong_with_a_grid_is_said_with_everything_else(here: Path) -> None:
    said = mistakes(
        """
[market]
prices = "price.parquet"
[events]
table = "event.parquet"
delay = "15"
[strategy]
name = "short_bubble_warning"
[grid]
kind = "sobl"
where = "hold >"
[grid.parameters]
hodl = [1, 2]
stop = [nan]
hold = {from = 5, to = 1}
take = {from = 0.1, to = 0.3}
[splits]
train = 1
"""
    )
    expected = [
        (3, "market.prices is 'price.parquet'"),
        (5, "events "),
        (6, "delay='15' is not a length of time"),
        (10, "grid.kind is \"sobl\" (did you mean 'sobol'?)"),
        (11, "where is 'hold >'"),
        (13, "short_bubble_warning.hodl cannot be swept (did you mean 'hold'?)"),
        (14, "short_bubble_warning.stop must be a number"),
        (15, "grid.parameters.hold is {from = 5, to = 1}, which is no range"),
        (18, "splits.train is 1, allowed is"),
    ]
    for found, (line, start) in zip(said[1:], expected, strict=True):
        assert found.startswith(f"  line {line}: {start}"), found


@pytest.mark.parametrize(
    ("encode", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_job_is_read_as_any_editor_saves_it(encode: str, mark: bytes, end: str, here: Path) -> None:
    text = Path("job.toml").read_text() + "[keep]\nby = ['sharp']\n"
    Path("job.toml").write_bytes(mark + text.replace("\n", end).encode(encode))
    with pytest.raises(Fault, match=r"^job.toml, line 18: keep.by names 'sharp' \(did you mean 'sharpe'\?\)"):
        Job.read(Path("job.toml"))


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_strategy_and_a_table_are_read_as_any_editor_saves_them(mark: bytes, end: str, here: Path) -> None:
    script = "from strategies import ShortBubbleWarning\n\n\nclass Mine(ShortBubbleWarning):\n    pass\n"
    Path("own.py").write_bytes(mark + script.replace("\n", end).encode())
    Path("sets.csv").write_bytes(mark + f"hold,stop{end}5,0.1{end}10,none{end}".encode())
    edit(lambda job: job[: job.index("[grid.parameters]")] + '[grid]\nkind = "table"\ntable = "sets.csv"\n')
    edit(lambda job: job.replace("short_bubble_warning", "own.py:Mine"))
    job = Job.read(Path("job.toml"))
    assert job.grid.axes["hold"].tolist() == [5.0, 10.0]
    assert StrategyText.of(job.name).load().__name__ == "Mine"


@pytest.mark.parametrize("folder", ["my.pyfiles", "a.py", "with space", "deep/er"])
def test_a_script_lies_in_a_folder_of_any_name(folder: str, here: Path) -> None:
    Path(folder).mkdir(parents=True)
    Path(folder, "own.py").write_text(
        "from strategies import ShortBubbleWarning\n\n\nclass Mine(ShortBubbleWarning):\n    pass\n"
    )
    edit(lambda job: job.replace("short_bubble_warning", f"{folder}/own.py"))
    job = Job.read(Path("job.toml"))
    assert StrategyText.of(job.name).load().__name__ == "Mine"


MOST = 1 << 32


@pytest.mark.parametrize(
    ("sizes", "lanes"),
    [
        ((256, 256, 256, 257), 256 * 256 * 256 * 257),
        ((256, 256, 256, 256, 2), 2 * MOST),
        ((5_000, 5_000, 5_000, 5_000, 40), 25_000_000_000_000_000),
        ((2_000, 2_000, 2_000, 2_000, 2_000, 2_000), 64 * 10**18),
        ((2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 100), 64 * 10**20),
    ],
)
def test_a_job_and_a_sweep_have_one_limit(sizes: tuple[int, ...], lanes: int, here: Path) -> None:
    names = ("stop", "take", "trail", "half_life", "weight", "threshold", "hold")[: len(sizes)]
    shown = f"{lanes:,}" if lanes < 10**21 else "about 10^21"
    expected = f"a sweep must have 4,294,967,296 lanes at most (got {shown}); take fewer values, or draw some of them in a sample."
    given: dict[str, Any] = {
        name: np.linspace(0.01, 0.5, size) if name != "hold" else range(1, size + 1)
        for name, size in zip(names, sizes, strict=True)
    }
    with pytest.raises(Fault) as caught:
        sweep(ShortBubbleWarning, Market.read("prices.parquet"), Events.read("events.parquet"), **given)
    assert str(caught.value) == expected
    lines = [
        f"{name} = {{from = 0.01, to = 0.5, count = {size}}}" if name != "hold" else f"hold = {{from = 1, to = {size}}}"
        for name, size in zip(names, sizes, strict=True)
    ]
    text = Path("job.toml").read_text()
    (said,) = mistakes("\n".join([text[: text.index("[grid.parameters]")], "[grid.parameters]", *lines]))
    assert said == f"job.toml, line 12: {expected}"


def test_as_many_lanes_as_are_allowed_are(here: Path) -> None:
    lines = [f"{name} = {{from = 0.01, to = 0.5, count = 256}}" for name in ("stop", "take", "trail", "half_life")]
    edit(lambda job: "\n".join([job[: job.index("[grid.parameters]")], "[grid.parameters]", *lines, ""]))
    assert Job.read(Path("job.toml")).grid.size == MOST  # 256 to the power of 4
    edit(lambda job: job + "[grid.account]\nlot = [0, 1]\n")
    (said,) = mistakes(Path("job.toml").read_text())
    assert "(got 8,589,934,592)" in said


CROSS = """
[market]
prices = "prices.parquet"
[strategy]
name = "sma_cross"
[grid]
{}
[grid.parameters]
fast = {{from = 51, to = 59}}
slow = {{from = 60, to = 200{}}}
"""


@pytest.mark.parametrize(
    ("grid", "count", "lanes"),
    [
        ("", ", count = 15", 9 * 15),
        ('where = "fast < slow"', ", count = 15", 9 * 15),
        ('kind = "sobol"\nlanes = 100', "", 100),
        ('kind = "random"\nlanes = 100', "", 100),
    ],
)
def test_a_strategy_is_asked_for_whole_sets_alone(grid: str, count: str, lanes: int, here: Path) -> None:
    # slow is 50 where it is not swept, and fast is above that; of the sets that are walked, all have fast < slow.
    Path("job.toml").write_text(CROSS.format(grid, count), encoding="utf-8")
    assert Job.read(Path("job.toml")).grid.size == lanes


def test_an_empty_cell_of_a_table_is_refused_and_none_is_written_out(here: Path) -> None:
    text = Path("job.toml").read_text()
    text = text[: text.index("[grid.parameters]")] + '[grid]\nkind = "table"\ntable = "sets.csv"\n'
    Path("sets.csv").write_text("hold,stop\n5,0.1\n10,\n20,0.3\n")
    (said,) = mistakes(text)
    assert re.match(
        r"job.toml, line 13: grid.table .*sets.csv', line 3: stop must be a number, .* \(got nothing\)", said
    )
    Path("sets.csv").write_text("hold,stop\n5,0.1\n10,none\n20,0.3\n")
    assert Job.read(Path("job.toml")).grid.axes["stop"].tolist() == [0.1, np.inf, 0.3]
    pl.DataFrame({"hold": [5, 10], "stop": [None, 0.1]}).write_parquet("sets.parquet")
    edit(lambda job: job.replace("sets.csv", "sets.parquet"))
    assert Job.read(Path("job.toml")).grid.axes["stop"].tolist() == [np.inf, 0.1]


def test_sets_that_a_strategy_does_not_allow_are_still_refused(here: Path) -> None:
    # slow is 46, 57, 68, ...: 9 of 9 windows are not below the first, and 57, 58 and 59 not below the second
    (said,) = mistakes(CROSS.format("", ", count = 15").replace("from = 60", "from = 46"))
    assert "sma_cross does not allow 12 of 135 lanes (the first: fast=51, slow=46)" in said


def test_chunks_follow_from_the_grid_alone(here: Path) -> None:
    edit(lambda job: job.replace("chunk = 64", ""))
    assert Job.read(Path("job.toml")).chunk == 65_536
    edit(
        lambda job: job.replace("[grid.parameters]", '[grid]\nkind = "random"\nlanes = 200_000_000\n[grid.parameters]')
    )
    edit(lambda job: job.replace(", count = 20", ""))
    # a thousandth of the lanes is 200,000, and the next power of two 262,144
    assert Job.read(Path("job.toml")).chunk == 262_144


def test_the_page_names_every_setting() -> None:
    page = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")
    for name, (model, _) in SECTIONS.items():
        assert f"[{name}]" in page
        for field in model.model_fields:
            assert f"`{field}`" in page, f"{name}.{field}"
