"""What stands in the place of an output is replaced where it is ours, and where it is nothing; a source never is."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from test_files import COMMANDS, FILES, PRICES, Write, contents, market, run

from benchmarks import records
from engine import Events, Fault, Market, Run, backtest, sweep
from engine.cli import main
from engine.demo import files as of_demo
from engine.marks import is_ours
from engine.run import FILES as RUN
from strategies import ShortBubbleWarning, SmaCross


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ours(kind: str, file: Path) -> None:
    """Put a file of ours there, made from something else than what is going to be written."""
    if kind == "market":
        market().select(assets=["NVDA"]).write(file)
    elif kind == "events":
        Events(Events.sample().frame.head(1)).write(file)
    elif kind == "lanes":
        sweep(SmaCross, market(), fast=[5], write=file)
    elif kind == "page":
        run(5).report(file)
    else:
        records.write(records.new("quick"), file)


def other_kind(kind: str, file: Path) -> None:
    """Put a file of ours there that is another thing, under the ending of the first."""
    other = {"market": "events", "events": "market", "lanes": "market", "page": "record", "record": "page"}[kind]
    made = file.with_name(FILES[other][0] + ".made" + FILES[other][0][-8:])
    ours(other, made) if other not in ("market", "lanes") else ours(other, made.with_suffix(".parquet"))
    (made if made.exists() else made.with_suffix(".parquet")).replace(file)


def without_mark(kind: str, file: Path) -> None:
    """Put a file there that was ours before somebody worked on it."""
    ours(kind, file)
    if file.suffix == ".parquet":
        pl.read_parquet(file).write_parquet(file)
    else:
        file.write_text(file.read_text().replace("tocsin", "mine").replace('"machine"', '"mine"'))


STANDS: dict[str, tuple[Callable[[str, Path], object], bool]] = {
    "an empty file": (lambda kind, file: file.touch(), True),
    "ours": (ours, True),
    "a text": (lambda kind, file: file.write_text("mine"), False),
    "one byte": (lambda kind, file: file.write_bytes(b"\0"), False),
    "a table": (lambda kind, file: pl.DataFrame({"mine": [1]}).write_parquet(file), False),
    "half a table": (lambda kind, file: file.write_bytes(b"PAR1 and a bit"), False),
    "a page": (lambda kind, file: file.write_text("<html><title>tocsin</title>mine"), False),
    "a document": (lambda kind, file: file.write_text('{"strategy": "mine", "results": []}'), False),
    "another of ours": (other_kind, False),
    "one that was ours": (without_mark, False),
    "a link to a file of others": (lambda kind, file: (file.with_name("mine").write_text("mine"), file.symlink_to("mine")), False),
    "a link to nothing": (lambda kind, file: file.symlink_to("nothing"), False),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("stands", STANDS)
def test_a_file_is_replaced_where_it_is_ours_and_no_other(kind: str, stands: str, tmp_path: Path) -> None:
    (name, write), (put, allowed) = FILES[kind], STANDS[stands]
    file = tmp_path / name
    put(kind, file)
    before = contents(tmp_path)
    if allowed:
        write(file)
        assert is_ours(file, kind)  # type: ignore[arg-type]
        assert contents(tmp_path)[name] != before[name]
        assert set(contents(tmp_path)) == set(before)
        return
    with pytest.raises(
        Fault, match=r"must be a new file or a .* \(another file is there\); name another, or (give force|take it)"
    ):
        write(file)
    assert contents(tmp_path) == before


FORCED: dict[str, Write] = {
    "market": lambda file: market().write(file, force=True),
    "events": lambda file: Events.sample().write(file, force=True),
    "page": lambda file: run().report(file, force=True),
    "record": lambda file: records.write(records.new("tiny"), file, force=True),
}


@pytest.mark.parametrize("kind", FORCED)
def test_force_replaces_a_file_but_no_folder_and_no_pipe(kind: str, tmp_path: Path) -> None:
    file = tmp_path / FILES[kind][0]
    file.write_text("mine")
    FORCED[kind](file)
    assert is_ours(file, kind)  # type: ignore[arg-type]
    (tmp_path / "real").write_text("mine")
    file.unlink()
    file.symlink_to("real")
    FORCED[kind](file)
    assert not file.is_symlink(), "a link is replaced itself"
    assert (tmp_path / "real").read_text() == "mine"
    file.unlink()
    file.mkdir()
    with pytest.raises(Fault, match="is a folder"):
        FORCED[kind](file)
    file.rmdir()
    os.mkfifo(file)
    with pytest.raises(Fault, match="a device or a pipe"):
        FORCED[kind](file)
    assert file.is_fifo()


@pytest.mark.parametrize("stands", [name for name in STANDS if name != "ours"])
@pytest.mark.parametrize("place", ["run.json", "orders.parquet", "events.parquet"])
@pytest.mark.parametrize("beside_a_run", [False, True])
def test_a_run_replaces_an_earlier_runs_files_and_no_others(
    stands: str, place: str, beside_a_run: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    if beside_a_run:
        run(5).write(folder)
        (folder / place).unlink()
    put, allowed = STANDS[stands]
    put("market" if place.endswith(".parquet") else "record", folder / place)
    before = contents(folder)
    if allowed:
        assert Run.read(run().write(folder)).trades.equals(run().trades)
        return
    with pytest.raises(
        Fault,
        match=rf"must hold no file of others where ours go \(it holds {place}, which tocsin did not write as part of it\)",
    ):
        run().write(folder)
    assert contents(folder) == before
    assert Run.read(run().write(folder, force=True)).trades.equals(run().trades)


def test_a_run_has_no_place_where_a_folder_stands(tmp_path: Path) -> None:
    (tmp_path / "run" / "orders.parquet").mkdir(parents=True)
    for force in (False, True):
        with pytest.raises(Fault, match=r"must have room for the file orders\.parquet"):
            run().write(tmp_path / "run", force=force)


# The commands


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("name", ["prices.parquet", "events.parquet", "report.html", "picture.svg", "signals.csv",
    "sma_cross/run.json", "sma_cross/orders.parquet", "fade_panic/report.html", "signals/events.parquet"])  # fmt: skip
def test_the_demo_replaces_nobodys_file(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("mydemo") / name
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    before = contents(here)
    said = refused(capsys, "demo", "--out", "mydemo")
    assert f"(it holds {name}, which tocsin did not write as part of it); name another folder, or add --force." in said
    assert contents(here) == before


def test_the_demo_names_what_it_would_replace_and_does_when_forced(
    here: Path, demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mydemo").mkdir()
    for name in ("prices.parquet", "report.html", "signals.csv", "events.parquet", "picture.svg", "notes.txt"):
        (Path("mydemo") / name).write_text("mine")
    said = refused(capsys, "demo", "--out", "mydemo")
    assert (
        "(it holds report.html, picture.svg, prices.parquet and 1 more, which tocsin did not write as part of it)"
        in said
    )
    assert main(["demo", "--out", "mydemo", "--force", "--json"]) == 0
    assert set(contents(Path("mydemo"))) == {*contents(demo), "notes.txt"}
    assert (Path("mydemo") / "notes.txt").read_text() == "mine"
    capsys.readouterr()
    Path("other").write_text("mine")
    assert "'other' is a file" in refused(capsys, "demo", "--out", "other", "--force")


def test_signals_that_somebody_changed_are_kept_by_the_demo(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", "d", "--json"]) == 0
    assert set(of_demo()) | {"signals.csv"} == {name for name, raw in contents(Path("d")).items() if raw != "folder"}
    (Path("d") / "signals.csv").write_text("asset,session,weight\nNVDA,2025-01-28,1.0\n")
    before = contents(here)
    assert "(it holds signals.csv, which tocsin did not write as part of it)" in refused(capsys, "demo", "--out", "d")
    assert contents(here) == before


def same_file(folder: Path, how: str) -> str:
    """Name the file mine.parquet in another way."""
    if how == "link":
        (folder / "link.parquet").symlink_to("mine.parquet")
        return "link.parquet"
    if how == "hard link":
        os.link(folder / "mine.parquet", folder / "hard.parquet")
        return "hard.parquet"
    (folder / "sub").mkdir(exist_ok=True)
    return {"name": "mine.parquet", "absolute": str(folder / "mine.parquet"), "detour": "sub/../mine.parquet"}[how]


@pytest.mark.parametrize("more", [(), ("--force",)])
@pytest.mark.parametrize("how", ["name", "absolute", "detour", "link", "hard link"])
@pytest.mark.parametrize("own", [False, True])
def test_prices_are_never_replaced_by_what_is_made_from_them(
    own: bool, how: str, more: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = pl.read_csv(PRICES.encode()).with_columns(asset=pl.lit("A"))
    bars.write_parquet("mine.parquet")
    if own:
        made = Market.from_frame(bars)
        made.write("mine.parquet", force=True)
    out = same_file(here, how)
    before = contents(here)
    said = refused(capsys, "prices", "import", "mine.parquet", "--out", out, *more)
    assert "must not replace 'mine.parquet', which it is made from; name another." in said
    assert contents(here) == before
    assert "which it is made from" in refused(capsys, "prices", "import", ".", "--out", out, *more)


@pytest.mark.parametrize("more", [(), ("--force",)])
@pytest.mark.parametrize("source", ["news.parquet", ".", "*.parquet"])
@pytest.mark.parametrize("option", ["--out", "--sources"])
def test_documents_are_never_replaced_by_what_is_read_in_them(
    option: str, source: str, more: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"text": ["Nvidia fell 9% on Monday."], "published": ["2025-01-28T09:00Z"]}).write_parquet(
        "news.parquet"
    )
    before = contents(here)
    outputs = {"--out": "e.parquet", "--sources": "s.parquet"} | {option: "news.parquet"}
    said = refused(capsys, "read", source, *(part for pair in outputs.items() for part in pair), *more)
    assert f"{option} 'news.parquet' must not replace 'news.parquet', which it is made from" in said
    assert contents(here) == before


def test_two_outputs_are_two_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("d.txt").write_text("2025-01-28\nNvidia fell 9% on Monday.")
    said = refused(capsys, "read", "d.txt", "--out", "e.parquet", "--sources", "./e.parquet", "--force")
    assert "--sources must be another file than --out" in said


@pytest.mark.parametrize("more", [(), ("--force",)])
def test_the_events_of_a_run_are_not_replaced_by_a_run_made_from_them(
    more: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backtest(ShortBubbleWarning(), market(), Events.sample()).write("run")
    market().write("prices.parquet")
    before = contents(here)
    given = ("--prices", "prices.parquet", "--events", "run/events.parquet", "--out", "run", *more)
    said = refused(capsys, "backtest", "short_bubble_warning", *given)
    assert "must not replace 'run/events.parquet', which it is made from" in said
    assert contents(here) == before


def test_a_page_of_ones_own_beside_a_run_is_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(5).write("run")
    market().write("prices.parquet")
    (Path("run") / "report.html").write_text("<p>mine")
    assert main(["backtest", "sma_cross", "--prices", "prices.parquet", "--out", "run"]) == 0
    assert (Path("run") / "report.html").read_text() == "<p>mine"
    said = refused(capsys, "report", "run")
    assert "--out 'run/report.html' must be a new file or a page that tocsin wrote (another file is there)" in said
    assert main(["report", "run", "--force"]) == 0


def test_labels_may_be_kept_beside_the_earlier_ones_in_one_file(here: Path) -> None:
    # What `beside` writes holds every row of what it was given, so nothing is lost.
    given = COMMANDS["read"][:4]
    assert main([*given, "--out", "e.parquet", "--json"]) == 0
    before = Events.read("e.parquet")
    assert main([*given, "--beside", "e.parquet", "--out", "e.parquet", "--json"]) == 0
    assert Events.read("e.parquet").frame.equals(before.frame)


def test_two_at_once_leave_one_whole_run(tmp_path: Path) -> None:
    folder, both = tmp_path / "run", {"a": run(5), "b": run(10)}
    ready = threading.Barrier(2)
    failed: list[BaseException] = []

    def write(made: Run) -> None:
        try:
            for _ in range(15):
                ready.wait()
                made.write(folder)
        except BaseException as error:
            failed.append(error)
            ready.abort()

    threads = [threading.Thread(target=write, args=(made,)) for made in both.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    found = Run.read(folder)
    same = [made for made in both.values() if made.info["parameters"] == found.info["parameters"]]
    assert len(same) == 1
    for name in ("orders", "trades", "equity"):
        assert getattr(found, name).equals(getattr(same[0], name)), name
    assert {file.name for file in folder.iterdir()} == set(RUN)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
