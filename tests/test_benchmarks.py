"""The benchmark suite: documents equal records, a regression is found, and tiny jobs give every engine's answers. No time is asserted.

The engines of others stand for expected values: they follow the same rules, written by somebody else (the C loop: by us, for each
job alone), so that the final value and the number of trades of every lane have to be theirs. Tolerances are those of the suite.
"""

import copy
import json
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import jobs, kernels, measure, profiles, records, suite, tables
from benchmarks.peers import PEERS, Peer
from engine.cli import main
from engine.faults import Fault
from kernels.static import Static

WALKS = ("dense", "narrative", "sparse", "single")


def peer(name: str) -> Peer:
    """An engine of the suite; skips the test where it is not installed."""
    found = PEERS[name]
    if missing := found.missing():
        pytest.skip(missing)
    return found


def answer(name: str, job: Any) -> Any:
    task = peer(name).task(job)
    try:
        return task.answer(task.run())
    finally:
        task.close()


@pytest.mark.parametrize("workload", WALKS)
def test_tiny_jobs_give_the_answers_of_the_c_loop(workload: str) -> None:
    job = jobs.make(workload, "tiny")
    ours = answer("Tocsin", job)
    found = measure.compared(workload, "C loop", {"Tocsin": ours, "C loop": answer("C loop", job)})
    assert found["agrees"], found
    assert found["compared"] == job.lanes
    assert ours["trades"].sum() > 0


def test_the_c_loop_leaves_small_numbers_of_this_process_alone() -> None:
    peer("C loop")
    from benchmarks.peers import c_peer  # noqa: PLC0415 - an extra

    c_peer.compiled()
    assert sys.float_info.min / 2 > 0, "subnormal: flushed to zero where a library sets the processor so"


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        ("polars", "dense"), ("polars", "sparse"), ("polars", "single"), ("raptorbt", "dense"), ("raptorbt", "sparse"),
        ("raptorbt", "single"), ("backtesting.py", "single"), ("vectorbt, Numba", "sparse"),
    ],
)  # fmt: skip
def test_tiny_jobs_give_the_answers_of_other_engines(name: str, workload: str) -> None:
    job = jobs.make(workload, "tiny")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, not ours
        theirs = answer(name, job)
    found = measure.compared(workload, name, {"Tocsin": answer("Tocsin", job), name: theirs})
    assert found["agrees"], found


def test_a_tiny_narrative_gives_the_answers_of_vectorbt() -> None:
    peer("vectorbt, Numba")
    from benchmarks.peers import vectorbt_peer  # noqa: PLC0415 - an extra

    job, lanes = jobs.narrative("tiny", lanes=8), np.arange(8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, values = vectorbt_peer.walk_narrative(job, vectorbt_peer.prepare_narrative(job), lanes)
    theirs = {"lane": lanes, "final": values[0], "trades": values[1]}
    found = measure.compared(
        "narrative", "vectorbt, Numba", {"Tocsin": answer("Tocsin", job), "vectorbt, Numba": theirs}
    )
    assert found["agrees"], found


@pytest.mark.parametrize("workload", ["load", "import"])
@pytest.mark.parametrize("name", ["polars", "pandas"])
def test_loaded_matrices_are_those_of_polars_and_pandas(workload: str, name: str) -> None:
    job = jobs.make(workload, "tiny")
    assert measure.compared(workload, name, {"Tocsin": answer("Tocsin", job), name: answer(name, job)})["agrees"]


def test_the_reader_finds_what_the_corpus_claims() -> None:
    # The corpus draws what sort each document is; of these 300, five make a claim, and the others none.
    sorts = random.Random(7).choices(["claims", "near", "other"], [0.02, 0.10, 0.88], k=300)
    assert answer("Tocsin", jobs.make("read", "tiny"))["events"][0] == sorts.count("claims") == 5


def test_documents_are_made_from_the_record() -> None:
    for name, text in tables.documents(records.read(records.SHOWN)).items():
        assert (tables.ROOT / name).read_text(encoding="utf-8") == text, f"{name}: run `python -m benchmarks --tables`"


def test_the_record_says_where_when_and_with_what() -> None:
    record = records.read(records.SHOWN)
    assert not record["commit"].endswith("+")
    assert {"processor", "threads", "memory_gib", "system", "load_before"} <= set(record["machine"])
    assert {"python", "numba", "numpy", "polars"} <= set(record["versions"])
    for result in record["results"]:
        assert result.get("missing") or result["seconds"], result


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, dict[str, Any]]:
    """Two equal records as files, and what is in them."""
    record = records.read(records.SHOWN)
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    for path in (before, after):
        records.write(record, path)
    return before, after, record


def test_equal_records_have_no_regression(
    pair: tuple[Path, Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--compare", str(pair[0]), str(pair[1]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["regressions"] == 0


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("rate", lambda r: r.update(rate=r["rate"] / 3, low_s=r["high_s"] * 3, high_s=r["high_s"] * 4)),
        ("memory", lambda r: r.update(peak_mib=r["peak_mib"] * 2 + 100)),
        ("answers", lambda r: r.update(agrees=False)),
    ],
)
def test_a_made_up_regression_is_found(
    what: str, change: Any, pair: tuple[Path, Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    before, after, record = pair
    worse = copy.deepcopy(record)
    chosen = next(r for r in worse["results"] if "rate" in r and r["peer"] != "Tocsin" and r["agrees"])
    change(chosen)
    records.write(worse, after)
    assert main(["bench", "--compare", str(before), str(after), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    bad = [(r["workload"], r["peer"], r["regression"]) for r in found["compared"] if r["regression"]]
    assert bad == [(chosen["workload"], chosen["peer"], [what])]


def test_a_rate_within_the_spread_is_no_regression(pair: tuple[Path, Path, dict[str, Any]]) -> None:
    worse = copy.deepcopy(pair[2])
    for r in worse["results"]:
        if "rate" in r:
            r.update(rate=r["rate"] / 2)  # the median; the fastest repeat is as fast as before
    assert not any("rate" in row["regression"] for row in records.compare(pair[2], worse))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dnese"], "workload 'dnese' is unknown (did you mean 'dense'?)"),
        (["dense", "--peer", "raptor"], "peer 'raptor' is unknown"),
        (["dense", "--out", "nowhere/record.json"], "the folder 'nowhere' does not exist; make it first"),
        (["dense", "--out", "folder.json"], "--out 'folder.json' is a folder, allowed is a file"),
        (["dense", "--out", "record.csv"], "allowed is '.json'; name it 'record.json'"),
        (
            ["read", "--peer", "raptorbt"],
            "raptorbt takes no part in the workload read, allowed are Tocsin, polars; name one",
        ),
        (
            ["dense", "read", "--peer", "C loop", "--peer", "raptorbt"],
            "C loop and raptorbt take no part in the workload read",
        ),
        (["--compare", "nowhere.json", "nothing.json"], "nowhere.json cannot be read"),
    ],
)
def test_a_fault_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.json").mkdir()
    assert main(["bench", *arguments]) == 2
    sentence = capsys.readouterr().err.strip()
    assert said in sentence, sentence
    assert "\n" not in sentence
    assert [file.name for file in tmp_path.iterdir()] == ["folder.json"]


def test_a_peer_is_measured_in_the_workloads_that_it_takes_part_in(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    monkeypatch.setattr(suite, "measure", lambda name, *_: measured.append(name) or [])
    monkeypatch.setattr("benchmarks.limits.limits", dict)
    suite.run((), "quick", ["pandas"])
    assert measured == ["load", "import"]


@pytest.mark.slow
def test_every_step_of_a_bar_has_its_cycles() -> None:
    cycles = dict(profiles.dense())
    assert {"look up the features", "value the positions", "add to the metrics"} < set(cycles)
    assert sum(cycles.values()) < 3 * cycles["a bar of the walk, all in all"]


def test_a_profile_of_another_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles.main(["sngle"]) == 2
    said = "profile 'sngle' is unknown (did you mean 'single'?), allowed are dense, single, sparse, first; name one.\n"
    assert capsys.readouterr() == ("", said)


def test_what_is_compiled_for_gpus_is_said_as_it_goes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernels.static.compile_static", lambda *_: Static(1, 2, 3, (), 4, 5, 6, 7))
    kernels.main(["--static"])
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == "[1 of 24] fade_panic, sm_80 ..."
    assert said.err.splitlines()[-1] == "[24 of 24] sma_cross, sm_90 ..."
    assert "sm_80" in said.out


def test_records_of_two_sizes_are_refused() -> None:
    record = records.read(records.SHOWN)
    with pytest.raises(Fault, match="sizes"):
        records.compare(record, {**record, "size": "other"})


def test_a_missing_engine_is_one_sentence() -> None:
    gone = Peer("Nobody", "c_peer", "", ("no_such_module",), None, "install it", ("single",))
    assert gone.missing() == "Nobody cannot run: no_such_module is not installed; install it."


def test_an_engine_that_fails_leaves_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    class Pipe:
        send = staticmethod(said.append)

    def fails(job: Any) -> Any:
        raise ValueError("no such thing\nand more")

    monkeypatch.setattr(measure, "PEERS", {"Nobody": type("Broken", (), {"task": staticmethod(fails)})})
    measure._serve(Pipe, "Nobody", "single", "tiny")
    assert said == [{"failed": "Nobody failed: ValueError: no such thing."}]


def test_a_run_measures_and_writes_a_record(tmp_path: Path) -> None:
    out = tmp_path / "record.json"
    record = suite.run(["single"], "tiny", ["Tocsin", "C loop"], out)
    assert records.read(out) == json.loads(json.dumps(record))
    measured = [r for r in record["results"] if "rate" in r]
    assert all(r["agrees"] in (None, True) and r["peak_mib"] > 0 for r in measured)
    assert tables.summary(record)[0][2] == "single: one backtest"
