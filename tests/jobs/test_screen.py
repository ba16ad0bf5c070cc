"""What a job shows and writes: none as null, folds and lanes that have nothing to show in words, tables that fit."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.cli import main
from engine.commands import output
from engine.commands.sweep import _shown
from engine.jobs.progress import spell, status
from tests.jobs.conftest import edit


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command, and give what it printed."""
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def of(parameters: str, more: str = "") -> None:
    """Give the job other parameters."""
    edit(lambda job: f"{job[: job.index('[grid.parameters]')]}[grid.parameters]\n{parameters}\n{more}\n")


def test_none_is_null_in_every_file_and_none_on_the_screen(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of(
        'hold = [3, "none"]\nstop = "none"\ntake = ["off", 0.2]',
        "[keep]\ntable = true\n[splits]\ntrain = 200\ntest = 120\npurge = 40",
    )
    printed = shown(capsys, "sweep", "job.toml", "--out", "out")
    assert re.search(r"fold-\d\d +\d+ +\d+ +(3|none) +none +(none|0\.2)", printed)
    tables = [pl.read_parquet(file) for file in Path("out").rglob("*.parquet") if file.name != "summary.parquet"]
    assert len(tables) == 3 * 5 + 2  # top, marginals, heatmaps, histograms and a chunk of three folds; folds and equity
    values = [
        column
        for table in tables
        for column in table
        if column.name in ("hold", "stop", "take", "value", "x_value", "y_value")
    ]
    assert len(values) == 3 * 9 + 3
    assert not any(column.is_infinite().any() for column in values)
    assert sum(column.null_count() for column in values) > 0
    assert {column.dtype for column in values} == {pl.Float64}
    text = Path("out/sweep.json").read_text()
    assert '"stop": null' in text
    assert "Infinity" not in text


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("", "No lane trades from 2024-01-02 to 2025-12-31, and no lane has a sharpe."),
        ("[keep]\nby = ['hit_rate']", "No lane trades from 2024-01-02 to 2025-12-31, and no lane has a hit_rate."),
        ("[keep]\nby = ['total_return']", "No lane trades from 2024-01-02 to 2025-12-31."),
        (
            "[splits]\nin_sample = [2024-01-02, 2025-01-31]\nout_of_sample = [2025-02-03, 2025-12-31]",
            "No lane trades from 2024-01-02 to 2024-12-31, and no lane has a sharpe; the account stays in cash.",
        ),
        (
            "[splits]\ntrain = 200\ntest = 200",
            "fold-00: no lane trades from 2024-01-02 to 2024-09-18, and no lane has a sharpe; the account stays in cash.",
        ),
    ],
)
def test_where_nobody_trades_a_sentence_says_so(
    more: str, says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of("threshold = 100\nhold = [5, 20]", more)  # no warning is that strong
    printed = shown(capsys, "sweep", "job.toml", "--out", "out")
    assert says in printed.splitlines(), printed
    if "total_return" not in more:
        assert not re.search(r"\s-\s", printed)  # no row of dashes
        assert json.loads(Path("out/sweep.json").read_text())["periods"][0]["winner"] is None
    assert not json.loads(Path("out/sweep.json").read_text())["periods"][0]["traded"]
    assert "-0.0000" not in printed


def test_a_short_fold_is_told_before_and_after(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # 502 sessions, of which 200 train, leave 302: two tests of 150, and 2 sessions
    of("hold = [5, 20]", "[splits]\ntrain = 200\ntest = 150\n")
    says = "fold-02 is short: its test has 2 of 150 sessions, as no more are left; weigh its own figures by that."
    assert says in shown(capsys, "sweep", "job.toml", "--dry-run").splitlines()
    assert says in shown(capsys, "sweep", "job.toml", "--out", "out").splitlines()
    folds = pl.read_parquet("out/folds.parquet")
    assert folds.select("test_sessions", "short").rows() == [(150, False), (150, False), (2, True)]
    assert [period["short_by"] for period in json.loads(Path("out/sweep.json").read_text())["periods"]] == [0, 0, 148]


@pytest.mark.parametrize("splits", ["", "[splits]\ntrain = 200\ntest = 120\n"])
def test_what_is_said_to_be_written_is_written(splits: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of("hold = [5, 20]\nstop = [0.1, 0.2]", splits)
    line = next(
        line for line in shown(capsys, "sweep", "job.toml", "--out", "out").splitlines() if line.startswith("Wrote")
    )
    whole, _, folds = line.removeprefix("Wrote out: ").removesuffix(".").partition("; in folds/fold-00 to fold-02: ")
    listed = whole.split(", ") + [f"folds/fold-0{n}/{name}" for n in range(3) for name in folds.split(", ") if name]
    found = {str(f.relative_to("out")) for f in Path("out").rglob("*") if f.is_file() and f.parent.name != "chunks"}
    assert set(listed) == found - {"manifest.json", "progress.json", "lock"}


@pytest.mark.parametrize("by", ["sharpe", "longest_drawdown", "mean_trade_return"])
def test_tables_fit_the_terminal(
    by: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    of(
        "hold = [5, 20]\nstop = 0.123456789012\ntake = 0.3\nhalf_life = 3\nthreshold = 0.1\nweight = 0.2\ntrail = 0.7",
        f"[keep]\nby = ['{by}']\nheatmaps = [['hold', 'stop']]\n[splits]\ntrain = 200\ntest = 120\n",
    )
    shown(capsys, "sweep", "job.toml", "--out", "out")
    document = json.loads(Path("out/sweep.json").read_text())
    for width in range(60, 130, 5):
        monkeypatch.setattr(output, "_WIDTH", width)
        output.answer({}, False, *_shown(document, Path("out")))
        rows = [
            line.rstrip() for line in capsys.readouterr().out.splitlines() if "·" not in line and not line.endswith(".")
        ]
        assert max(map(len, rows)) <= width
        words = " ".join(rows).split()
        for name in (
            "total_return",
            "max_drawdown",
            "half_life",
            "threshold",
            by,
        ):  # whole, or broken after an underscore
            assert name in words or set(name.replace("_", "_ ").split()) <= set(words), name


@pytest.mark.parametrize(
    ("names", "cells", "width", "tables"),
    [
        (("a", "b"), ("1", "2"), 80, 1),
        (("a", "total_return"), ("1", "0.1"), 12, 1),  # broken after the underscore
        (("a", "total_return", "max_drawdown"), ("1", "0.1", "0.2"), 16, 2),
        (("a", *"bcdefgh"), "12345678", 20, 2),
        (("a", "x" * 50), ("1", "2"), 20, 1),  # one column is never split
    ],
)
def test_columns_that_do_not_fit_go_into_another_table(
    names: tuple[str, ...], cells: tuple[str, ...], width: int, tables: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_WIDTH", width)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    made = output.tables(names, [cells])
    assert len(made) == tables
    heads = [str(column.header).replace("\n", "") for table in made for column in table.columns]
    assert [head for head in heads if head != "a"] == list(names[1:])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (-0.0, "0.0000"),
        (-0.00001, "0.0000"),
        (0.0, "0.0000"),
        (-0.00006, "-0.0001"),
        (1e6, "1,000,000.0000"),
        (None, "-"),
    ],
)
def test_no_number_is_minus_zero(value: float | None, says: str) -> None:
    assert output.number(value, 4) == says


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "0 s"), (39.6, "40 s"), (99.4, "99 s"), (99.6, "2 min"), (725, "12 min"), (5_969, "99 min"), (5_990, "1 h 40 min"),
        (11_100, "3 h 05 min"), (60_240, "16 h 44 min"), (172_700, "47 h 58 min"), (172_800, "2 days"), (176_400, "2 days 1 h"),
        (273_600, "3 days 4 h"), (1_209_500, "14 days"), (8_640_000, "100 days"), (62_985_600, "729 days"), (63_072_000, "2 years"),
        (257_827_208_280, "8,170 years"),  # 71,618,669 h 18 min
    ],
)  # fmt: skip
def test_times_as_people_say_them(seconds: float, says: str) -> None:
    assert spell(seconds) == says


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", "3", '{"state": "running"}', "\x00", '{"state": 1, "lanes": "many"}']
)
def test_a_progress_file_that_is_none_is_said_in_a_sentence(
    text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of("hold = [5, 20]")
    shown(capsys, "sweep", "job.toml", "--out", "out")
    Path("out/progress.json").write_text(text)
    assert main(["status", "out"]) == 2
    assert "progress.json cannot be read; `tocsin sweep --resume` writes it anew." in capsys.readouterr().err
    shown(capsys, "sweep", "job.toml", "--out", "out", "--resume")
    assert shown(capsys, "status", "out").startswith("finished · 100.0% · 1/1 chunks · ")


def test_the_state_of_a_job_goes_by_the_names_of_its_chunks(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "sweep", "job.toml", "--out", "out")
    found: dict[str, Any] = json.loads(Path("out/progress.json").read_text())
    Path("out/progress.json").write_text(json.dumps({**found, "state": "running", "lanes_done": 0}))
    for chunk in sorted(Path("out/chunks").iterdir())[4:]:
        chunk.unlink()
    assert (status(Path("out"))["state"], status(Path("out"))["lanes_done"]) == ("killed", 256)  # 4 chunks of 64
    assert "killed · 32.0% · 4/13 chunks" in shown(capsys, "status", "out")
