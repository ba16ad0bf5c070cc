"""The commands as a user types them: what they write, what they say, and what they do when something is wrong."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import Failure, Fault, Market, Run
from engine.cli import main
from engine.commands import show
from engine.files import staged
from engine.registry import installed

SHARED = Path(__file__).parents[1].parent / "shared"
STRATEGIES = {
    "fade_panic",
    "hedged_bubble_short",
    "narrative_pressure",
    "short_bubble_warning",
    "signals",
    "sma_cross",
}
OWN = '''
from engine import KEEP, Channel, Strategy, param

class BuyTheWarning(Strategy):
    """Buy what is warned of."""

    channels = {"warn": Channel(kinds=("bubble_warning",))}
    watch = "events"
    weight: float = param(0.1, 0.0, 2.0, "share of equity an entry")

    @staticmethod
    def rule(warn_new, weight):
        return ANSWER
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Run a command with --json, which has to succeed, and give its one document."""
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    said = capsys.readouterr()
    assert status == 0, said.err
    return json.loads(said.out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that has to refuse its input in one sentence, and give the sentence."""
    capsys.readouterr()
    status = main([*map(str, arguments)])
    said = capsys.readouterr()
    assert status == 2, said.err
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert said.err.endswith((".\n", "allowed.\n"))
    assert "Traceback" not in said.err
    return said.err.strip()


def inputs(demo: Path) -> tuple[str, ...]:
    return ("--prices", str(demo / "prices.parquet"), "--events", str(demo / "events.parquet"))


def own_strategy(folder: Path, answer: str) -> str:
    (folder / "own.py").write_text(OWN.replace("ANSWER", answer), encoding="utf-8")
    return str(folder / "own.py")


# Demo


def test_demo_leaves_everything_for_the_other_commands(demo: Path) -> None:
    assert {path.name for path in demo.iterdir()} == STRATEGIES | {
        "prices.parquet", "events.parquet", "signals.csv", "picture.svg", "report.html",
    }  # fmt: skip
    assert set(installed()) == STRATEGIES
    for name in STRATEGIES:
        run = Run.read(demo / name)
        assert run.info["market"]["label"] == "SIMULATED"
        assert run.trades.height > 0
        assert "SIMULATED" in (demo / name / "report.html").read_text(encoding="utf-8")
    assert "SIMULATED" in (demo / "report.html").read_text(encoding="utf-8")
    assert Market.read(demo / "prices.parquet").metadata["label"] == "SIMULATED"


def test_a_backtest_of_what_demo_left_is_the_same_run(
    demo: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = answer(capsys, "backtest", "narrative_pressure", *inputs(demo), "--out", "run")
    theirs = Run.read(demo / "narrative_pressure")
    assert document["metrics"] == theirs.metrics
    assert Run.read("run").trades.equals(theirs.trades)
    assert Run.read("run").info["inputs"]["prices"] == theirs.info["inputs"]["prices"]


def test_demo_over_an_earlier_one_keeps_what_is_not_its_own(
    demo: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(demo, here / "demo")
    (here / "demo" / "notes.txt").write_text("mine")
    before = sorted(path.relative_to(here) for path in here.rglob("*"))
    (here / "demo" / "sma_cross" / "run.json").unlink()
    document = answer(capsys, "demo")
    assert document["report"] == "demo/report.html"
    assert sorted(path.relative_to(here) for path in here.rglob("*")) == before


# Backtest


@pytest.mark.parametrize("prices", ["simulated", "real"])
def test_the_golden_entries_of_nvda(
    prices: str, demo: Path, here: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    source = demo / "prices.parquet" if prices == "simulated" else request.getfixturevalue("real_prices")
    arguments = ("--set", "hold=5", "--set", "threshold=0.1", "--prices", source, "--events", demo / "events.parquet")
    answer(capsys, "backtest", "short_bubble_warning", *arguments, "--out", "run")
    run = Run.read("run")
    trades = run.trades.filter(asset="NVDA").sort("entry_time")
    documents = [
        {run.events.filter(event_id=event)["doc_id"][0][:3] for event in events} for events in trades["event_ids"]
    ]
    # The table of the design: 003 on the 28th of January, 000 and 001 on the 10th of November, 002 on the 28th.
    assert trades["entry_time"].dt.date().cast(pl.String).to_list() == ["2025-01-28", "2025-11-10", "2025-11-28"]
    assert documents == [{"003"}, {"000", "001"}, {"002"}]


@pytest.mark.parametrize("name", sorted(STRATEGIES - {"signals"}))
def test_every_strategy_runs_on_real_prices(
    name: str, demo: Path, here: Path, capsys: pytest.CaptureFixture[str], real_prices: Path
) -> None:
    arguments = ("--prices", real_prices, "--events", demo / "events.parquet")
    document = answer(capsys, "backtest", name, *arguments, "--out", "run")
    assert document["trades"] > 0
    assert document["metrics"]["final_equity"] > 0


@pytest.fixture(scope="session")
def real_prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (SHARED / "data" / "us_daily").is_dir():
        pytest.skip("no real prices here")
    file = tmp_path_factory.mktemp("real") / "prices.parquet"
    assert main(["prices", "import", str(SHARED / "data" / "us_daily"), "--out", str(file), "--json"]) == 0
    return file


def test_settings_reach_the_strategy_and_the_account(
    demo: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (
        "hold=3",
        "stop=none",
        "basket=NVDA,AMD",
        "account.cash=50000",
        "account.kind=columns",
        "account.fill=close",
    )
    given = [part for setting in settings for part in ("--set", setting)]
    document = answer(capsys, "backtest", "short_bubble_warning", *inputs(demo), *given, "--out", "run")
    assert document["parameters"]["hold"] == 3.0
    assert document["parameters"]["stop"] is None
    assert document["parameters"]["basket"] == ["NVDA", "AMD"]
    assert document["account"] | {"cash": 50000.0, "kind": "columns", "fill": "close"} == document["account"]
    assert set(Run.read("run").trades["asset"]) == {"NVDA", "AMD"}


def test_a_table_of_borrow_rates(demo: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("signals.csv").write_text("asset,session,weight\nNVDA,2025-01-28,-0.5\nNVDA,2025-01-29,0\n")
    Path("borrow.csv").write_text("asset,session,rate\nNVDA,2025-01-28,0.36\n")
    arguments = ("--prices", demo / "prices.parquet", "--set", "signals=signals.csv", "--borrow", "borrow.csv")
    answer(capsys, "backtest", "signals", *arguments, "--out", "run")
    trade = Run.read("run").trades.row(0, named=True)
    close = Market.read(demo / "prices.parquet").frame.filter(
        asset="NVDA", session=trade["entry_time"].date()
    )["close"][0]  # fmt: skip
    # One night at 36 % a year, actual/360: a thousandth of 102 % of the value at the close.
    assert trade["carry"] == pytest.approx(-trade["shares"] * 1.02 * close * 0.001, rel=1e-12)


def test_a_delay_is_added_to_when_events_are_known(demo: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer(capsys, "backtest", "short_bubble_warning", *inputs(demo), "--delay", "1d", "--out", "run")
    first = Run.read("run").trades["entry_time"][0]
    # 003 is out at 21:32 UTC on the 27th of January; a day later the open of the 28th has passed.
    assert str(first.date()) == "2025-01-29"


def test_a_strategy_of_ones_own(demo: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = own_strategy(here, "weight if warn_new > 0.3 else KEEP")
    named = answer(capsys, "backtest", f"{script}:BuyTheWarning", *inputs(demo), "--out", "named")
    alone = answer(capsys, "backtest", "own.py", *inputs(demo), "--out", "alone")
    assert named["strategy"] == "buy_the_warning"
    assert named["trades"] > 0
    assert alone["metrics"] == named["metrics"]
    assert set(Run.read("named").trades["side"]) == {"LONG"}


def test_a_new_run_takes_the_place_of_an_old_one_and_of_its_page(
    demo: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(demo / "sma_cross", here / "run")
    assert (here / "run" / "report.html").exists()
    answer(capsys, "backtest", "fade_panic", *inputs(demo), "--out", "run")
    assert Run.read("run").info["strategy"] == "fade_panic"
    assert not (here / "run" / "report.html").exists()


@pytest.mark.parametrize("name", ["run.json", "events.parquet"])
def test_a_run_takes_the_place_of_no_file_that_is_not_a_runs(
    name: str, demo: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "run").mkdir()
    (here / "run" / name).write_text('{"name": "mine"}')
    said = refused(capsys, "backtest", "fade_panic", *inputs(demo), "--out", "run")
    assert (
        f"--out 'run' must hold no file of others where ours go (it holds {name}, which tocsin did not write as part of it); name another"
        in said
    )
    assert [file.read_text() for file in (here / "run").iterdir()] == ['{"name": "mine"}']


def test_a_run_stands_beside_other_files(demo: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "run").mkdir()
    (here / "run" / "notes.txt").write_text("mine")
    answer(capsys, "backtest", "fade_panic", *inputs(demo), "--out", "run")
    tables = {f"{name}.parquet" for name in ("orders", "trades", "equity", "events", "unplaced")}
    assert {file.name for file in (here / "run").iterdir()} == {"run.json", *tables, "notes.txt"}


# Why and report


def test_why_names_sentence_clock_and_fills(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = demo / "short_bubble_warning"
    trades = Run.read(folder).trades.filter(asset="NVDA")
    number = trades["trade_id"][0]
    found = answer(capsys, "why", folder, number)
    event = found["entry"]["events"][0]
    digest = next((Path(__file__).parents[1] / "seeds" / "digests").glob("003*")).read_text(encoding="utf-8")
    assert event["doc_id"] == "003_6cfe05d7d97b57d2"
    assert event["evidence"] == digest[event["evidence_start"] : event["evidence_end"]]
    assert event["known_at"] == "2025-01-27T21:32:00+00:00"  # 2025-01-28 05:32 in Shanghai
    assert found["entry"]["decided"] == "at the open of 2025-01-28"
    assert found["entry"]["knowing"] == "2025-01-27"
    assert found["entry"]["filled"] == "at the open of 2025-01-28"
    assert found["exit"]["reason"] == trades["exit_reason"][0]
    assert main(["why", str(folder), str(number)]) == 0
    text = capsys.readouterr().out
    for part in ("SIMULATED", event["evidence"], "2025-01-27 16:32 in New York", "decided", "filled", "borrow", "EXIT"):
        assert part in text


def test_why_knows_what_the_account_does_by_itself(demo: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("signals.csv").write_text("asset,session,weight\nNVDA,2025-11-10,-0.2\n")
    arguments = ("--prices", demo / "prices.parquet", "--set", "signals=signals.csv", "--set", "stop=0.001")
    answer(capsys, "backtest", "signals", *arguments, "--out", "run")
    found = answer(capsys, "why", "run", 0)
    assert found["entry"]["events"] == []
    assert found["exit"]["reason"] == "STOP"
    assert found["exit"]["decided"] is None
    assert found["exit"]["filled"].startswith("within the bar of 2025-11-1")


def test_why_says_that_a_margin_call_is_made_at_a_close_and_met_at_an_open(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A short of twice the equity: 2E of stock against 3E of cash; at 4 times the price it owes more than it has.
    days = ["2025-01-06", "2025-01-07", "2025-01-08"]
    opens, closes = [10.0, 10.0, 11.0], [10.0, 12.0, 11.0]
    bars = pl.DataFrame(
        {"date": days, "open": opens, "high": [10.0, 12.0, 11.0], "low": [10.0, 10.0, 11.0], "close": closes}
    )
    Market.from_frame(bars, asset="A", calendar="XNYS").write("prices.parquet")
    Path("signals.csv").write_text("asset,session,weight\nA,2025-01-07,-1.9\n")
    arguments = ("--prices", "prices.parquet", "--set", "signals=signals.csv")
    answer(capsys, "backtest", "signals", *arguments, "--out", "run")
    found = answer(capsys, "why", "run", 0)
    # At 12 the short is worth 2.28 of the first equity, which is down to 0.62, less than 30 % of that, or 0.684.
    assert found["exit"]["reason"] == "MARGIN_CALL"
    assert found["exit"]["decided"] == "at the close of 2025-01-07"
    assert found["exit"]["filled"] == "at the open of 2025-01-08"


def test_why_names_bars_within_a_day_by_when_they_open(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = [f"2025-01-06T14:{minute}:00Z" for minute in (30, 35, 40, 45)]  # 9:30 to 9:45 in New York
    bars = pl.DataFrame({"time": times, **{name: [10.0] * 4 for name in ("open", "high", "low", "close")}})
    Market.from_frame(bars, asset="A", calendar="XNYS", interval="5m").write("prices.parquet")
    Path("signals.csv").write_text("asset,known_at,weight\nA,2025-01-06T14:37:00Z,0.5\n")
    arguments = ("--prices", "prices.parquet", "--set", "signals=signals.csv")
    answer(capsys, "backtest", "signals", *arguments, "--out", "run")
    entry = answer(capsys, "why", "run", 0)["entry"]
    assert entry["filled"] == "at the open of 2025-01-06 09:40 in New York"
    assert entry["knowing"] == "2025-01-06 09:35 in New York"


def test_why_without_a_trade_lists_them(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = demo / "short_bubble_warning"
    listed = answer(capsys, "why", folder)["trades"]
    assert [row["trade_id"] for row in listed] == list(range(Run.read(folder).trades.height))
    assert main(["why", str(folder)]) == 0
    assert "NVDA" in capsys.readouterr().out


def test_report_writes_a_page(demo: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "report", demo / "fade_panic", "--out", "page.html")
    assert document == {"report": "page.html"}
    assert "fade_panic" in Path("page.html").read_text(encoding="utf-8")


# Read and prices


def test_read_gives_the_events_of_the_demo(demo: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seeds = Path(__file__).parents[1] / "seeds"
    arguments = ("read", seeds / "digests", "--sidecar", seeds / "sidecar.toml")
    document = answer(capsys, *arguments, "--out", "events.parquet", "--sources", "sources.parquet")
    events = pl.read_parquet("events.parquet")
    assert events.equals(pl.read_parquet(demo / "events.parquet"))
    assert document["counts"]["documents"] == 5
    assert document["refused"] == []
    assert set(pl.read_parquet("sources.parquet")["event_id"]) == set(events["event_id"])
    told = answer(capsys, *arguments, "--explain", events["event_id"][0])
    assert told["event"]["evidence"] == events["evidence"][0]
    assert told["strength"]
    assert answer(capsys, *arguments, "--beside", "events.parquet", "--out", "both.parquet")["events"] == len(events)


def test_read_lists_what_it_left_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digests = Path(__file__).parents[1] / "seeds" / "digests"
    document = answer(capsys, "read", digests, "--out", "events.parquet")  # three of the five need a sidecar
    assert document["refused"]
    assert all(row["reason"] for row in document["refused"])


def test_prices_import_keeps_the_findings(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (
        "Date,Open,High,Low,Close,Volume\n2025-01-06,10,11,9,10,5\n2025-01-08,10,11,9,10,5\n2025-01-10,10,9,11,10,5\n"
    )
    Path("ABC.csv").write_text(rows)
    assert "'high_below_low'" in refused(capsys, "prices", "import", "ABC.csv", "--out", "p.parquet")
    assert not Path("p.parquet").exists()
    accepted = ("--accept", "high_below_low", "--label", "MADE UP")
    document = answer(capsys, "prices", "import", "ABC.csv", "--out", "p.parquet", *accepted)
    checks = {finding["check"]: finding for finding in document["findings"]}
    assert checks["high_below_low"]["row"] == 4  # the line of the file
    assert "gap" in checks
    assert document["metadata"]["label"] == "MADE UP"
    assert Market.read("p.parquet").findings.height == len(document["findings"])


# Doctor, help, version


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "doctor")
    assert found["healthy"]
    assert found["threads"] >= 1
    assert found["gpu"]["says"]
    assert found["packages"]["polars"] == pl.__version__
    assert all(item["get"] for item in found["missing"])


def test_doctor_says_that_the_cache_cannot_be_written(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_text("")
    monkeypatch.setenv("TOCSIN_CACHE", str(here / "file" / "cache"))
    assert main(["doctor"]) == 1
    assert "TOCSIN_CACHE" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from engine.cli import main; main(['--help']); "
        "print([name for name in ('polars', 'numba', 'pandas', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "backtest" in done.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tocsin 0.")


# What is wrong with the input


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("backtest", "short_buble_warning"), "did you mean 'short_bubble_warning'?"),
        (("backtest", "nowhere.py:Some"), "'nowhere.py' does not exist"),
        (("backtest", "sma_cross", "--set", "fats=3"), "did you mean 'fast'?"),
        (("backtest", "sma_cross", "--set", "fast"), "name=value"),
        (("backtest", "sma_cross", "--set", "fast=many"), "'many'"),
        (("backtest", "sma_cross", "--set", "fast=-3"), "from 1 to"),
        (("backtest", "sma_cross", "--set", "fast=60"), "fast < slow"),
        (("backtest", "sma_cross", "--set", "fast=3", "--set", "fast=4"), "given twice"),
        (("backtest", "sma_cross", "--set", "cash=5"), "write account.cash=5"),
        (("backtest", "sma_cross", "--set", "account.cahs=5"), "did you mean 'cash'?"),
        (("backtest", "sma_cross", "--set", "account.cash=much"), "'much'"),
        (("backtest", "sma_cross", "--set", "account.kind=column"), "'portfolio' or 'columns'"),
        (("backtest", "short_bubble_warning", "--set", "basket=NVDQ"), "did you mean 'NVDA'?"),
        (("backtest", "sma_cross", "--delay", "soon"), "'soon'"),
        (("backtest", "sma_cross", "--as-of", "monday"), "'monday'"),
        (("backtest", "sma_cross", "--borrow", "none.csv"), "'none.csv'"),
        (("backtest", "sma_cross", "--events", "none.parquet"), "'none.parquet'"),
        (("backtest", "sma_cross", "--prices", "none.parquet"), "none.parquet does not exist"),
        (("backtest", "sma_cross", "--out", "file"), "'file' is a file"),
        (("backtest", "sma_cross", "--price", "p"), "--prices"),
        (("backtest",), "STRATEGY"),
        (("backtst",), "backtest"),
        (("why", "nowhere", "0"), "nowhere holds no run.json"),
        (("why", "RUN", "999"), "trade 999"),
        (("why", "RUN", "first"), "'first'"),
        (("report", "nowhere"), "nowhere holds no run.json"),
        (("report", "RUN", "--out", "page.txt"), "'page.html'"),
        (("read", "nowhere", "--out", "e.parquet"), "'nowhere'"),
        (("read", "file"), "--out"),
        (("read", "file", "--out", "e.csv"), "'e.parquet'"),
        (("read", "file", "--out", "none/e.parquet"), "'none'"),
        (("read", "file", "--out", "e.parquet", "--reader", "lexikon"), "did you mean 'lexicon'?"),
        (("prices", "import", "nowhere", "--out", "p.parquet"), "nowhere does not exist"),
        (("prices", "import", "file", "--out", "p.parquet", "--calendar", "XNYZ"), ""),
        (("demo", "--out", "file"), "'file' is a file"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    arguments: tuple[str, ...], says: str, demo: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_text("")
    given = [str(demo / "sma_cross") if part == "RUN" else part for part in arguments]
    if arguments[0] == "backtest" and len(arguments) > 1 and "--price" not in arguments:
        usual = {"--prices": str(demo / "prices.parquet"), "--events": str(demo / "events.parquet"), "--out": "run"}
        given += [part for name, value in usual.items() if name not in arguments for part in (name, value)]
    assert says in refused(capsys, *given)
    assert [path.name for path in here.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("class X(", "SyntaxError"),
        ("import nothing_of_that_name", "line 1"),
        ("a = 1\nb = c\n", "NameError: name 'c' is not defined, line 2"),
        ("a = 1", "no strategy"),
        (OWN.replace("ANSWER", "warn_new + 'a'"), "cannot be compiled"),
        (OWN.replace("return ANSWER", "print(weight)"), "without an answer"),
        (OWN.replace("ANSWER", "weight if warn_new > 0.3 else None if weight > 1 else KEEP"), "BuyTheWarning.rule"),
        (OWN.replace("ANSWER", "unknown(weight)"), "'unknown'"),
        (OWN.replace("ANSWER", "weight").replace("rule(warn_new", "rule(wrn_new"), "did you mean 'warn_new'?"),
        (OWN.replace("ANSWER", "(warn_new - warn_new) / (warn_new - warn_new)"), "no finite number"),
        (OWN.replace("0.1, 0.0", "'a', 0.0"), "own.py"),
    ],
)
def test_a_script_that_is_wrong(
    script: str, says: str, demo: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("own.py").write_text(script, encoding="utf-8")
    capsys.readouterr()
    assert main(["backtest", "own.py", *inputs(demo), "--out", "run"]) == 2
    sentence = capsys.readouterr().err.strip().splitlines()[-1]  # before it, that the rule is being compiled
    assert says in sentence
    assert not Path("run").exists()


def test_with_json_a_fault_is_a_document_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "nowhere", "0", "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {"error": said.err.strip(), "status": 2}


# What goes wrong besides


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (Failure("The disk is full."), 1, "The disk is full."),
        (KeyboardInterrupt(), 130, "Stopped"),
        (PermissionError(13, "Permission denied", "run.json"), 1, "run.json: Permission denied"),
        (MemoryError(), 1, "memory"),
        (ZeroDivisionError("division by zero"), 1, "bug in tocsin (ZeroDivisionError: division by zero)"),
    ],
)
def test_what_else_fails_is_one_sentence(
    error: BaseException,
    status: int,
    says: str,
    demo: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(show, "answer", fail)
    assert main(["why", str(demo / "sma_cross")]) == status
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("redirection", "status"),
    [("> /dev/full", 1), (">&-", 0), ("2>&-", 0), ("< /dev/null", 0), ("| true", 0)],
)
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_an_output_that_takes_nothing_is_no_crash(
    more: tuple[str, ...], redirection: str, status: int, demo: Path
) -> None:
    code = "import sys; from engine.cli import main; sys.exit(main())"
    command = shlex.join([sys.executable, "-c", code, "why", str(demo / "sma_cross"), *more])
    done = subprocess.run(f"{command} {redirection}", shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr
    assert done.stderr == "" or done.stderr.startswith("No space left on device; see ")


@pytest.mark.parametrize("argument", ["\udcff", "r\udcff/x"])
def test_an_argument_in_another_encoding_is_told(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    for given in (
        ("why", argument),
        ("backtest", "sma_cross", "--prices", argument, "--out", "o"),
        ("demo", "--out", argument),
    ):
        assert "must be text in UTF-8 (it is in another encoding)" in refused(capsys, *given)


def test_a_folder_appears_whole_or_not_at_all(here: Path) -> None:
    def write(target: str, fails: bool) -> None:
        with staged(Path(target)) as folder:
            (folder / "a.txt").write_text("new")
            (folder / "run.json").write_text("new")
            if fails:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write("new/deep", fails=True)
    assert list(here.iterdir()) == []
    write("new/deep", fails=False)
    assert sorted(path.name for path in (here / "new" / "deep").iterdir()) == ["a.txt", "run.json"]

    old = here / "old"
    old.mkdir()
    for name in ("a.txt", "mine.txt", "run.json"):
        (old / name).write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write("old", fails=True)
    assert {path.name: path.read_text() for path in old.iterdir()} == dict.fromkeys(
        ("a.txt", "mine.txt", "run.json"), "old"
    )
    with pytest.raises(Fault, match=r"holds a\.txt, run\.json, which tocsin did not write as part of it"):
        write("old", fails=False)
    with staged(old, force=True) as folder:
        (folder / "a.txt").write_text("new")
        (folder / "run.json").write_text("new")
    assert {path.name: path.read_text() for path in old.iterdir()} == {
        "a.txt": "new",
        "mine.txt": "old",
        "run.json": "new",
    }
