"""Measure the reader: what it finds of the seed catalogue, of the test documents, of real news, and how fast it reads.

Usage::

    python -m benchmarks.reader catalogue [--seeds ../shared/seeds] [--show]
    python -m benchmarks.reader documents [--show]
    python -m benchmarks.reader speed [--documents 1000000] [--share 0.02]
    python -m benchmarks.reader real [--data ../shared] [--out benchmarks/results/reader_real.json] [--docs]
    python -m benchmarks.reader real --tables
    python -m benchmarks.reader speed --real ../shared/news [--megabytes 5]
    python -m benchmarks.reader agreement

`real` scores judged real documents, by weights that never saw a document's source (about four minutes); `--docs` puts its tables into
docs/reader.md and the README, and `--tables` does this with the record that is kept already.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SIDECAR = ROOT / "tests" / "reader" / "seeds_sidecar.toml"
Triple = tuple[str, str, str]
Pair = tuple[str, str, float, str]


def score(found: set[Any], wanted: set[Any]) -> dict[str, Any]:
    """Count hits, recall and precision of a set against another."""
    hits = len(found & wanted)
    return {
        "wanted": len(wanted), "found": len(found), "hits": hits,
        "recall": round(hits / len(wanted), 3) if wanted else None, "precision": round(hits / len(found), 3) if found else None,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------ catalogue


def catalogue(seeds: Path, *, show: bool = False) -> dict[str, Any]:
    """Score a reading of the seed documents against seeds/catalogue.toml.

    Triples are (document, kind, asset) of the catalogue's events. Pairs are (document, asset, value, unit) of the figures of
    its facts that stand under an event; a figure under no asset counts where it is found, under any. A figure that the reader
    gives under an asset counts against precision where the catalogue has no such figure under that asset.
    """
    from engine.reader import read_documents  # noqa: PLC0415

    data = tomllib.loads((ROOT / "seeds" / "catalogue.toml").read_text(encoding="utf-8"))
    frame = read_documents(sorted(seeds.glob("0*.txt")), sidecar=SIDECAR).frame
    language = {d["id"]: d["language"] for d in data["document"]}
    wanted = {(e["document"], e["kind"], a) for e in data["event"] for a in e["assets"]}
    found = {(r["doc_id"], r["kind"], a) for r in frame.iter_rows(named=True) for a in r["assets"]}
    want_pairs, want_bare = _wanted_figures(data)
    got_pairs, got_values = _found_figures(frame.iter_rows(named=True))
    out: dict[str, Any] = {"triples": {}, "pairs": {}, "figures under no asset": {}, "moves": {}}
    for name in ["all", *sorted(set(language.values()))]:
        docs = {d for d, tongue in language.items() if name in ("all", tongue)}
        mine = lambda items, docs=docs: {i for i in items if i[0] in docs}  # noqa: E731
        out["triples"][name] = score(mine(found), mine(wanted))
        pairs = score(mine(got_pairs), mine(want_pairs))
        out["pairs"][name] = pairs
        bare = mine(want_bare)
        hits = sum((d, v, u) in got_values for d, v, u in bare)
        out["figures under no asset"][name] = {
            "wanted": len(bare),
            "hits": hits,
            "recall": round(hits / len(bare), 3) if bare else None,
        }
        moves = {p for p in mine(want_pairs) if p[3] == "%" and p[2] < 1}
        out["moves"][name] = {"wanted": len(moves), "hits": len(moves & got_pairs)}
    if show:
        for label, items in (
            ("missed", wanted - found),
            ("extra", found - wanted),
            ("missed figure", want_pairs - got_pairs),
            ("extra figure", got_pairs - want_pairs),
        ):
            for item in sorted(items):
                print(label, *item, file=sys.stderr)
        for item in sorted(want_bare):
            if item not in got_values:
                print("missed bare figure", *item, file=sys.stderr)
    return out


def _wanted_figures(data: dict[str, Any]) -> tuple[set[Pair], set[tuple[str, float, str]]]:
    pairs: set[Pair] = set()
    bare: set[tuple[str, float, str]] = set()
    for fact in data["fact"]:
        for figure in fact.get("figures", ()):
            value = round(float(figure["value"]), 6)
            if "asset" in figure:
                pairs.add((fact["document"], figure["asset"], value, figure["unit"]))
            elif fact.get("event"):
                bare.add((fact["document"], value, figure["unit"]))
    return pairs, bare


def _found_figures(rows: Iterable[dict[str, Any]]) -> tuple[set[Pair], set[tuple[str, float, str]]]:
    pairs: set[Pair] = set()
    values: set[tuple[str, float, str]] = set()
    for row in rows:
        for figure in row["figures"]:
            value = round(figure["value"], 6)
            values.add((row["doc_id"], value, figure["unit"]))
            if figure["asset"]:
                pairs.add((row["doc_id"], figure["asset"], value, figure["unit"]))
    return pairs, values


# ------------------------------------------------------------------------------------------------------ documents


def documents(name: str, *, show: bool = False, rules: bool = False) -> dict[str, Any]:
    """Score the reader, or its rules alone, on the short documents of tests/reader/documents/NAME.toml, by language.

    A document's `expect` is all that it should give; what its `may` lists counts neither way.
    """
    from engine.reader.document import Document, read  # noqa: PLC0415
    from engine.reader.learned.judge import SURE  # noqa: PLC0415
    from engine.reader.lexicon import load  # noqa: PLC0415

    lexicon = replace(load(), model=None) if rules else load()
    wanted: set[Triple] = set()
    found: set[Triple] = set()
    language: dict[str, str] = {}
    figures = defaultdict(lambda: [0, 0])
    for entry in tomllib.loads((ROOT / "tests" / "reader" / "documents" / f"{name}.toml").read_text(encoding="utf-8"))[
        "document"
    ]:
        key, tongue = entry["id"], entry["language"]
        language[key] = tongue
        rows = [
            item.row
            for item in read(Document(key, entry["text"].strip(), key, published=str(entry["published"])), lexicon)
            if item.row["confidence"] >= SURE
        ]
        may = {(key, kind, asset) for kind, assets in entry.get("may", []) for asset in assets}
        wanted |= {(key, kind, asset) for kind, assets in entry["expect"] for asset in assets}
        found |= {(key, row["kind"], asset) for row in rows for asset in row["assets"]} - may
        told = {(f["asset"], round(f["value"], 6), f["unit"]) for row in rows for f in row["figures"]}
        want = {(asset, float(value), unit) for asset, value, unit in entry.get("figures", [])}
        for group in ("all", tongue):
            figures[group][0] += len(want & told)
            figures[group][1] += len(want)
    if show:
        for label, items in (("missed", wanted - found), ("extra", found - wanted)):
            for item in sorted(items):
                print(label, *item, file=sys.stderr)
    out: dict[str, Any] = {}
    for group in ["all", *sorted(set(language.values()))]:
        mine = {key for key, tongue in language.items() if group in ("all", tongue)}
        out[group] = {
            "documents": len(mine), **score({t for t in found if t[0] in mine}, {t for t in wanted if t[0] in mine}),
            "figures": "{} of {}".format(*figures[group]),
        }  # fmt: skip
    return out


# ---------------------------------------------------------------------------------------------------------- speed


def speed(count: int, share: float, near: float) -> dict[str, Any]:
    """Time a reading of `count` made documents, of which `share` make claims and `near` look as if they might.

    One process; polars' own threads are counted in the processor time. The rate per core divides the text's bytes by the
    processor time of the whole reading, not by the wall's.
    """
    import resource  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    import time  # noqa: PLC0415

    from benchmarks.reader_corpus import write  # noqa: PLC0415
    from engine.reader import read_sources  # noqa: PLC0415
    from engine.reader.columns import Columns  # noqa: PLC0415
    from engine.reader.lexicon import load  # noqa: PLC0415
    from engine.reader.prefilter import Prefilter  # noqa: PLC0415
    from engine.reader.sources import batches  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.parquet"
        size = write(path, count, share, near)
        prefilter = Prefilter(load())
        stages: dict[str, float] = {}
        begin = time.process_time()
        for _ in batches([path], Columns()):
            pass
        stages["parquet"] = time.process_time() - begin
        begin = time.process_time()
        for batch in batches([path], Columns()):
            prefilter.keep(batch)
        stages["prefilter"] = time.process_time() - begin - stages["parquet"]
        wall, begin = time.perf_counter(), time.process_time()
        reading = read_sources(path, progress=sys.stderr.isatty())
        cpu, wall = time.process_time() - begin, time.perf_counter() - wall
        stages["grammar and the rest"] = cpu - stages["parquet"] - stages["prefilter"]
    return {
        "documents": count, "megabytes": round(size / 1e6, 1), "share with claims": share, "share near": near, "kept by the prefilter": reading.counts["kept"],
        "with events": reading.counts["with_events"], "repeated": reading.counts["repeated"], "events": len(reading.events),
        "cpu seconds": {name: round(value, 2) for name, value in stages.items()}, "MB/s per core": round(size / 1e6 / cpu, 1),
        "MB/s by the wall": round(size / 1e6 / wall, 1), "MB/s per core, by stage": {name: round(size / 1e6 / max(value, 1e-9), 1) for name, value in stages.items()},
        "milliseconds a document kept": round(stages["grammar and the rest"] / max(reading.counts["kept"], 1) * 1e3, 3),
        "peak memory, MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }  # fmt: skip


def real(data: Path, out: Path | None, *, docs: bool, tables: bool) -> int:
    """Score the judged real documents, and print the tables; 2 where the data is not there."""
    from benchmarks import reader_page, reader_real, records  # noqa: PLC0415
    from engine.faults import Failure, Fault  # noqa: PLC0415

    try:
        record = records.read(records.RESULTS / "reader_real.json") if tables else reader_real.measure(data)
        if out:
            records.write(record, out)
        if docs or tables:
            reader_page.write_documents(record)
    except (Fault, Failure) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, Fault) else error.status
    if not tables:
        print(reader_page.tables(record))
    return 0


def speed_real(folder: Path, megabytes: float) -> dict[str, Any]:
    """Time readings of real news, made longer by repeating each document with another last line: in one process, and in all.

    The rate per core divides the text's bytes by the processor time of the reading in one process.
    """
    import resource  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    import time  # noqa: PLC0415

    from engine.doctor import usable_threads  # noqa: PLC0415
    from engine.reader import read_sources  # noqa: PLC0415

    if not folder.is_dir():
        return {"skipped": f"there is no folder {folder}"}
    out: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "news.jsonl"
        out["megabytes"] = round(_lengthened(folder, path, megabytes * 1e6) / 1e6, 1)
        first = Path(place) / "first.jsonl"
        with path.open(encoding="utf-8") as lines:
            first.write_text("".join(islice(lines, 200)), encoding="utf-8")
        read_sources(first, workers=1)  # compiles, and loads the words
        for workers in sorted({1, usable_threads()}):
            wall, begin = time.perf_counter(), time.process_time()
            reading = read_sources(path, workers=workers)
            cpu, wall = time.process_time() - begin, time.perf_counter() - wall
            rate = {"MB/s by the wall": round(out["megabytes"] / wall, 2)}
            if workers == 1:
                rate["MB/s per core"] = round(out["megabytes"] / cpu, 2)
            out[f"{workers} processes" if workers > 1 else "1 process"] = {
                **rate, "documents": reading.counts["documents"], "kept by the prefilter": reading.counts["kept"], "events": len(reading.events),
                "peak memory, MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }  # fmt: skip
    return out


def _lengthened(folder: Path, path: Path, size: float) -> int:
    """Write the documents of a folder to JSON lines, again and again up to some bytes of text; say how many were written."""
    from engine.reader.columns import Columns  # noqa: PLC0415
    from engine.reader.sources import batches, files  # noqa: PLC0415

    rows = [row for batch in batches(files(folder), Columns(), left_out=[]) for row in batch.iter_rows(named=True)]
    written = turn = 0
    with path.open("w", encoding="utf-8") as out:
        while written < size and rows:
            for number, row in enumerate(rows):
                text = row["text"] + (f"\n{turn}-{number}" if turn else "")
                told = {
                    "doc_id": f"{turn}-{number}",
                    "text": text,
                    "published": row["published"],
                    "ticker": row["ticker"],
                }
                out.write(json.dumps(told, ensure_ascii=False) + "\n")
                written += len(text.encode())
                if written >= size:
                    break
            turn += 1
    return written


def agreement() -> dict[str, Any]:
    """Say how often two judgements of one sentence agree, on the tenth that was judged twice: on the kinds that any reader would want."""
    from engine.reader.learned.train import SEEDS, labels  # noqa: PLC0415

    first, again = labels(SEEDS / "labels.tsv"), labels(SEEDS / "labels_again.tsv")
    pairs = [(_required(first[key][2]), _required(told)) for key, (_, _, told) in again.items()]
    both, either = sum(len(one & other) for one, other in pairs), sum(len(one | other) for one, other in pairs)
    return {
        "sentences": len(pairs), "same kinds": sum(one == other for one, other in pairs), "kinds in both": both, "kinds in either": either,
    }  # fmt: skip


def _required(told: str) -> set[str]:
    """Give the kinds that a judgement requires, of ``kind:asset:r;kind:asset:o``."""
    return {mark.split(":")[0] for mark in told.split(";") if mark.endswith(":r")}


def main(arguments: list[str] | None = None) -> int:
    """Run one of the measurements and print it as JSON; `real` as tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["catalogue", "documents", "speed", "real", "agreement"])
    parser.add_argument("--seeds", type=Path, default=ROOT.parent / "shared" / "seeds")
    parser.add_argument("--show", action="store_true", help="list what was missed and what was too much")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--share", type=float, default=0.02, help="share of made documents that make a claim")
    parser.add_argument("--near", type=float, default=0.10, help="share that only look as if they did")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared", help="folder with cases/judged and news/")
    parser.add_argument("--out", type=Path, help="write the record of `real` here, a JSON file")
    parser.add_argument(
        "--docs", action="store_true", help="put the tables of `real` into docs/reader.md and the README"
    )
    parser.add_argument("--tables", action="store_true", help="the same of the record that is kept, without a run")
    parser.add_argument("--real", type=Path, help="folder of real news to time instead of made documents")
    parser.add_argument("--megabytes", type=float, default=5.0, help="how much real news to read")
    given = parser.parse_args(arguments)
    if given.what == "real":
        return real(given.data, given.out, docs=given.docs, tables=given.tables)
    result: dict[str, Any]
    if given.what == "catalogue":
        result = catalogue(given.seeds, show=given.show)
    elif given.what == "documents":
        result = {name: documents(name, show=given.show) for name in ("tuned", "widened", "unseen", "blind", "blind2")}
    elif given.what == "agreement":
        result = agreement()
    elif given.real is not None:
        result = speed_real(given.real, given.megabytes)
    else:
        result = speed(given.documents, given.share, given.near)
    print(json.dumps(result, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
