"""Measure the reader: what it finds of the seed catalogue, of the test documents, and how fast it reads.

Usage::

    python -m benchmarks.reader catalogue [--seeds ../shared/seeds] [--show]
    python -m benchmarks.reader documents [--show]
    python -m benchmarks.reader speed [--documents 1000000] [--share 0.05]
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable
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
    from engine.reader import read_documents

    data = tomllib.load((ROOT / "seeds" / "catalogue.toml").open("rb"))
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
        out["figures under no asset"][name] = {"wanted": len(bare), "hits": hits, "recall": round(hits / len(bare), 3) if bare else None}
        moves = {p for p in mine(want_pairs) if p[3] == "%" and p[2] < 1}
        out["moves"][name] = {"wanted": len(moves), "hits": len(moves & got_pairs)}
    if show:
        for label, items in (("missed", wanted - found), ("extra", found - wanted), ("missed figure", want_pairs - got_pairs), ("extra figure", got_pairs - want_pairs)):
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


def main(arguments: list[str] | None = None) -> int:
    """Run one of the measurements and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["catalogue"])
    parser.add_argument("--seeds", type=Path, default=ROOT.parent / "shared" / "seeds")
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args(arguments)
    print(json.dumps(catalogue(given.seeds, show=given.show), indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
