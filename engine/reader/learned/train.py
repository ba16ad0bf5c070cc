"""Train the model of learned claims:  python -m engine.reader.learned.train --judged FOLDER --news FOLDER [--out weights.npz].

Three kinds of text are read: sentences that were written for this (seeds/sentences), real sentences that were judged by
reading, and real short documents that were. Of the real ones the project keeps a hash and the judgement (seeds/labels.tsv),
never a text: the command finds the texts in the folders given. The same texts give the same weights.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import random
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.faults import Fault
from engine.reader.claims import claims_in, laid
from engine.reader.document import Document, Page, opened
from engine.reader.fold import fold
from engine.reader.learned import grams
from engine.reader.learned.fit import EPOCHS, fit, newton, slots_of
from engine.reader.learned.judge import LEAST, hits_of, lines_of
from engine.reader.learned.model import LONGEST, RULE_VALUE, SENTENCES, WEIGHTS, Floats, Model, whole
from engine.reader.learned.whom import Pair, Sight, pairs, sights
from engine.reader.lexicon import Lexicon, load

SEEDS: Final = Path(__file__).parents[3] / "seeds"
KINDS: Final = (
    "bubble_warning", "valuation_alarm", "funding_gap", "circular_financing", "short_disclosure", "backstop_plea", "denial", "support",
    "panic_drop", "overdone_call", "disruption_shock", "earnings_disappointment", "hawkish_policy", "project_delay",
)  # fmt: skip
_WRITTEN: Final = 0.6  # what a written sentence counts beside a real one
_CAPITALS: Final = 10  # times that a common word stands with a capital for once without
_RARE: Final = 3  # grams of fewer texts do not count
_SLOT: Final = re.compile(r"\{([CPIGU])\d?\}")
#: Who stands for {C}, {P}, {I}, {G} and {U} in the written sentences.
_STAND_INS: Final = {
    "en": {"C": ("Boeing", "Nike", "Pfizer", "Intel", "Starbucks", "Micron", "Walmart", "Oracle"), "P": ("Ray Dalio", "Jamie Dimon"),
           "I": ("S&P 500", "Nasdaq", "Dow Jones", "FTSE 100"), "G": ("AI stocks", "chip stocks", "tech stocks", "AI"), "U": ("Zentra X",)},
    "fr": {"C": ("Renault", "Danone", "Airbus", "LVMH", "Alstom", "Carrefour", "Nvidia"), "P": ("Bernard Arnault", "Ray Dalio"),
           "I": ("CAC 40", "Nasdaq", "S&P 500"), "G": ("l'IA", "les valeurs technologiques"), "U": ("Zentra X",)},
    "zh-Hans": {"C": ("英伟达", "比亚迪", "腾讯", "宁德时代", "特斯拉", "贵州茅台"), "P": ("达利欧", "巴菲特"),
                "I": ("上证指数", "恒生指数", "纳斯达克指数", "标普500"), "G": ("AI概念股", "芯片股", "科技股"), "U": ("Zentra X",)},
    "zh-Hant": {"C": ("台積電", "鴻海", "聯發科", "輝達", "長榮", "特斯拉"), "P": ("達利歐", "巴菲特"),
                "I": ("台股", "費半", "那斯達克指數"), "G": ("AI概念股", "半導體股", "科技股"), "U": ("Zentra X",)},
}  # fmt: skip


@dataclass
class Example:
    """A masked text with the claims that it makes: `wanted` and `counts` are float32 arrays of kinds."""

    line: str
    hits: list[str]
    wanted: Floats
    counts: Floats
    source: str


@dataclass
class Judged:
    """A judged document, laid open: for what ties claims to assets."""

    source: str
    language: str
    published: str | None
    events: list[dict[str, Any]]
    lines: list[str]
    hits: list[list[str]]
    seen: list[Sight] = field(repr=False)
    row: int | None = None  # the one sentence that was judged; None: all were


@dataclass
class Texts:
    """All that is trained on."""

    examples: list[Example]
    documents: list[Judged]
    common: frozenset[str]
    newest: dt.datetime


def key_of(text: str) -> str:
    """Give the hash under which the judgement of a text is kept: of its letters and figures alone."""
    return hashlib.blake2b(re.sub(r"\W", "", fold(text)).encode(), digest_size=8).hexdigest()


def labels(path: Path) -> dict[str, tuple[str, str, str]]:
    """Read what was judged of sentences: by hash, (source, language, claims), claims as in ``kind:asset:r;kind:asset:o``."""
    out: dict[str, tuple[str, str, str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            key, source, language, claims = (*line.split("\t"), "")[:4]
            out[key] = (source, language, claims)
    return out


def source_group(source: str) -> str:
    """Give what a source is kept together by when texts are parted: a wire, a paper, a set."""
    return re.sub(r"_20\d\d.*|\.(?:csv|jsonl?)$", "", source.split(":", maxsplit=1)[0]) or source


def read_judged(folder: Path) -> list[dict[str, Any]]:
    """Read the judged documents of a folder, in the order of its files."""
    rows = [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    if not rows:
        raise Fault(f"{folder} must hold judged documents (*.jsonl, got none); name the folder.")
    return rows


def gather(judged: Path, news: Path | None, lexicon: Lexicon, seed: int, before: dt.datetime | None = None) -> Texts:
    """Read all texts that there are to train on; with `before` only those that were published earlier, of known dates."""
    rows = [row for row in read_judged(judged) if is_before(row["published"], before)]
    known = labels(SEEDS / "labels.tsv")
    pages = [opened(judged_document(row), lexicon) for row in rows]
    fresh = (document for document in (_news(news) if news else ()) if is_before(document.published, before))
    others = [opened(document, lexicon) for document in fresh]
    common = _common([page.text for page in (*pages, *others)])
    out = Texts([], [], common, max(_day(row["published"]) for row in rows))
    model = _blank(common)
    for row, page in zip(rows, pages, strict=True):
        laid_out = _laid_out(page, lexicon, model)
        wanted, counts = _wanted([(event["kind"], bool(event.get("required"))) for event in row["events"]])
        source = source_group(row["source"])
        first = sorted({hit for names in laid_out.hits[:SENTENCES] for hit in names})
        out.examples.append(Example(whole(laid_out.lines), first, wanted, counts, source))
        out.documents.append(Judged(source, row["language"], row["published"], row["events"], *laid_out))
    used: set[str] = set()
    for page in (*pages, *others):
        for example, judged_one in _sentences(page, known, used, lexicon, model):
            out.examples.append(example)
            out.documents.append(judged_one)
    print(f"{len(rows):,} judged documents, {len(used):,} of {len(known):,} judged sentences found", flush=True)
    out.examples += _written(lexicon, model, random.Random(seed))
    return out


def judged_document(row: dict[str, Any]) -> Document:
    """Make a document of a judged one."""
    title, text = (row.get("title") or "").strip(), row["text"].strip()
    whole = text if not title or text.startswith(title) else f"{title}\n{text}" if text else title
    return Document(row["id"], whole, "judged", row["published"] or "2025-11-20T12:00:00Z", ticker=row.get("ticker"))


def _news(folder: Path) -> Iterator[Document]:
    from engine.reader.columns import columns_from  # noqa: PLC0415
    from engine.reader.passing import document_of  # noqa: PLC0415
    from engine.reader.sidecar import Sidecar  # noqa: PLC0415
    from engine.reader.sources import batches, files  # noqa: PLC0415

    notes = Sidecar.read(None)
    for batch in batches(files(folder), columns_from(None)):
        for row in batch.iter_rows(named=True):
            yield document_of(row, notes)


def is_before(published: object, before: dt.datetime | None) -> bool:
    """Tell whether a text is older than an instant; one without a date that can be read is not. Any is where no instant is given."""
    if before is None:
        return True
    try:
        return bool(published) and _day(str(published)) < before
    except ValueError:
        return False


def _day(published: str | None) -> dt.datetime:
    given = dt.datetime.fromisoformat(published.replace("Z", "+00:00")) if published else dt.datetime.min
    return given.replace(tzinfo=dt.UTC) if given.tzinfo is None else given.astimezone(dt.UTC)


class _LaidOut(NamedTuple):
    """The masked sentences of a page, the concepts and rules in each, and whom each may be about."""

    lines: list[str]
    hits: list[list[str]]
    seen: list[Sight]


def _laid_out(page: Page, lexicon: Lexicon, model: Model) -> _LaidOut:
    passages = page.passages(lexicon)
    told, story = laid(passages, lexicon, page.subject)
    claims = claims_in(passages, told, story) if page.names_somebody else []
    lines = lines_of(page.text, page.folded, page.names, passages, lexicon, model)
    hits = [hits_of(passage, claims) for passage in passages]
    return _LaidOut(lines, hits, sights(passages, claims, told, story, page.subject))


def _wanted(claims: Sequence[tuple[str, bool]]) -> tuple[Floats, Floats]:
    wanted, counts = np.zeros(len(KINDS), np.float32), np.ones(len(KINDS), np.float32)
    for kind, sure in sorted(claims):  # what any reader would want comes last
        at = KINDS.index(kind)
        wanted[at], counts[at] = (1.0, 1.0) if sure else (wanted[at], float(wanted[at]))
    return wanted, counts


def _sentences(
    page: Page, known: dict[str, tuple[str, str, str]], used: set[str], lexicon: Lexicon, model: Model
) -> Iterator[tuple[Example, Judged]]:
    """Give the judged sentences of a page, each once: its text, and it among the others of its page."""
    keys = [key_of(page.text[span.start : span.end]) for span in page.spans]
    if not (set(keys) & known.keys()) - used:
        return
    laid_out = _laid_out(page, lexicon, model)
    rows = {sight.passage.span: row for row, sight in enumerate(laid_out.seen)}
    for span, key in zip(page.spans, keys, strict=True):
        if key not in known or key in used or span not in rows:
            continue
        used.add(key)
        source, language, judgement = known[key]
        row = rows[span]
        marks = [item.split(":") for item in judgement.split(";") if item]
        events = [{"kind": kind, "asset": asset, "required": sure == "r"} for kind, asset, sure in marks]
        wanted, counts = _wanted([(kind, sure == "r") for kind, _, sure in marks])
        group = source_group(source)
        yield (
            Example(laid_out.lines[row][:LONGEST], laid_out.hits[row], wanted, counts, group),
            Judged(group, language, str(page.document.published or "") or None, events, *laid_out, row),
        )


def _written(lexicon: Lexicon, model: Model, chance: random.Random) -> Iterator[Example]:
    for language, stand_ins in _STAND_INS.items():
        for row in (SEEDS / "sentences" / f"{language}.tsv").read_text(encoding="utf-8").splitlines():
            kinds, sentence = row.split("\t")
            page = opened(
                Document("written", _filled(sentence, stand_ins, chance), "written", "2025-11-20T12:00:00Z"), lexicon
            )
            laid_out = _laid_out(page, lexicon, model)
            if not laid_out.lines:
                continue
            hits = sorted({hit for names in laid_out.hits for hit in names})
            wanted, counts = _wanted([(kind, True) for kind in kinds.split("+") if kind in KINDS])
            yield Example(whole(laid_out.lines), hits, wanted, counts * np.float32(_WRITTEN), "written")


def _filled(sentence: str, names: dict[str, tuple[str, ...]], chance: random.Random) -> str:
    taken: dict[str, str] = {}
    for slot in _SLOT.finditer(sentence):
        if slot[0] not in taken:
            free = [name for name in names[slot[1]] if name not in taken.values()] or list(names[slot[1]])
            taken[slot[0]] = chance.choice(free)
    return _SLOT.sub(lambda slot: taken[slot[0]], sentence)


def _common(texts: Sequence[str]) -> frozenset[str]:
    """Find the words that texts write in lower case twice or more, and not far more often with a capital."""
    lower: dict[str, int] = {}
    upper: dict[str, int] = {}
    for text in texts:
        for word in re.findall(r"(?<![A-Za-zÀ-ÿ])[A-Za-zÀ-ÿ]{2,}", text):
            counts = lower if word.islower() else upper
            key = fold(word)
            counts[key] = counts.get(key, 0) + 1
    return frozenset(word for word, count in lower.items() if count > 1 and count * _CAPITALS >= upper.get(word, 0))


def _blank(common: frozenset[str]) -> Model:
    none = np.zeros(len(KINDS), np.float32)
    return Model(
        KINDS, np.zeros(grams.SLOTS, np.float32), np.zeros((grams.SLOTS, len(KINDS)), np.int8), none, none, {}, {"bias": 0.0}, common,
        dt.datetime.min.replace(tzinfo=dt.UTC), "0",
    )  # fmt: skip


class Lines:
    """The examples as numbers: the slots of each, and its hits as columns after the last slot."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.names = sorted({hit for example in examples for hit in example.hits})
        self.wanted = np.array([example.wanted for example in examples], np.float32)
        self.counts = np.array([example.counts for example in examples], np.float32)
        ends, slots = slots_of(*grams.codes([example.line for example in examples]))
        texts = np.bincount(slots, minlength=grams.SLOTS)
        rarity = np.log((1 + len(examples)) / (1 + texts)) + 1
        rarity[texts < _RARE] = 0
        self.rarity: Floats = (np.round(rarity * 16) / 16).astype(np.float32)
        place = {name: grams.SLOTS + at for at, name in enumerate(self.names)}
        bounds, columns, values = [0], [], []
        for row, example in enumerate(examples):
            mine = slots[ends[row] : ends[row + 1]]
            mine = mine[self.rarity[mine] > 0]
            weight = self.rarity[mine]
            length = float(np.sqrt((weight * weight).sum())) or 1.0
            columns += [mine, np.array([place[hit] for hit in example.hits], np.int64)]
            values += [weight / np.float32(length), np.full(len(example.hits), RULE_VALUE, np.float32)]
            bounds.append(bounds[-1] + len(mine) + len(example.hits))
        self.bounds = np.array(bounds, np.int64)
        self.columns: npt.NDArray[np.int64] = np.concatenate(columns).astype(np.int64)
        self.values: Floats = np.concatenate(values).astype(np.float32)

    def weights(self, rows: npt.NDArray[np.bool_], seed: int) -> Floats:
        """Fit on some rows; the weights of slots, hits and the bias, one below the other."""
        counts = self.counts * rows[:, None].astype(np.float32)
        start = np.zeros((grams.SLOTS + len(self.names) + 1, len(KINDS)), np.float32)
        mine = np.flatnonzero(rows)
        sizes = np.diff(self.bounds)[mine]
        bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        at = np.concatenate([np.arange(self.bounds[row], self.bounds[row + 1]) for row in mine])
        fitted: Floats = fit(
            bounds, self.columns[at], self.values[at], self.wanted[mine], counts[mine], start, EPOCHS, seed
        )
        return fitted

    def model(self, weights: Floats, texts: Texts, version: str) -> Model:
        """Make a model of fitted weights, in steps of a 127th of the largest of each kind."""
        slots = weights[: grams.SLOTS]
        scale = (np.abs(slots).max(axis=0) / 127).astype(np.float32)
        scale[scale == 0] = 1.0
        hits = {name: weights[grams.SLOTS + at] for at, name in enumerate(self.names)}
        return Model(
            KINDS, self.rarity, np.round(slots / scale).astype(np.int8), scale, weights[-1], hits, {"bias": 0.0}, texts.common,
            texts.newest, version,
        )  # fmt: skip


def parts_of(documents: Sequence[Judged], count: int = 5) -> npt.NDArray[np.int64]:
    """Part documents by source, so that no source is in two parts and the parts are about of one size."""
    sizes: dict[str, int] = {}
    for document in documents:
        sizes[document.source] = sizes.get(document.source, 0) + 1
    loads, part = [0] * count, {}
    for source, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        part[source] = loads.index(min(loads))
        loads[part[source]] += size
    return np.array([part[document.source] for document in documents], np.int64)


@dataclass
class Scored:
    """A pair of a judged document, with what was judged of it: 1 right, 0 wrong, -1 arguable."""

    document: int
    pair: Pair
    right: int


def train(
    texts: Texts, lexicon: Lexicon, version: str, seed: int = 1
) -> tuple[Model, list[Scored], npt.NDArray[np.float64]]:
    """Fit both models; also give every pair of the judged documents and its confidence by weights that never saw its source."""
    lines = Lines(texts.examples)
    parts = parts_of(texts.documents)
    group = {document.source: int(part) for document, part in zip(texts.documents, parts, strict=True)}
    of_example = np.array([group.get(example.source, -1) for example in texts.examples])
    scored: list[Scored] = []
    for part in range(int(parts.max()) + 1):
        model = lines.model(lines.weights(of_example != part, seed), texts, version)
        for at in np.flatnonzero(parts == part).tolist():
            scored += _scored(at, texts.documents[at], model, lexicon)
        print(f"part {part + 1} of {int(parts.max()) + 1} fitted", flush=True)
    scored.sort(key=lambda item: item.document)
    names = sorted({name for item in scored for name in item.pair.values})
    place = {name: at for at, name in enumerate(names)}
    values = np.zeros((len(scored), len(names) + 1))
    values[:, -1] = 1.0
    for row, item in enumerate(scored):
        for name, value in item.pair.values.items():
            values[row, place[name]] = value
    right = np.array([item.right for item in scored])
    part_of = parts[[item.document for item in scored]]
    confidence = np.zeros(len(scored))
    for part in range(int(parts.max()) + 1):
        mine = (part_of != part) & (right >= 0)
        fitted = newton(values[mine], right[mine].astype(float))
        confidence[part_of == part] = 1 / (1 + np.exp(-values[part_of == part] @ fitted))
    last = newton(values[right >= 0], right[right >= 0].astype(float))
    model = lines.model(lines.weights(np.ones(len(texts.examples), bool), seed), texts, version)
    model.pairs.update(
        {name: round(float(last[at]), 5) for name, at in place.items()} | {"bias": round(float(last[-1]), 5)}
    )
    return model, scored, confidence


def _scored(at: int, document: Judged, model: Model, lexicon: Lexicon) -> Iterator[Scored]:
    if not document.seen:
        return
    logits = model.of_document(document.lines, document.hits)
    for pair in pairs(document.seen, logits, model, lexicon, LEAST):
        if document.row not in (None, pair.row):
            continue
        yield Scored(at, pair, verdict(document.events, pair.kind, pair.asset))


#: Names of one thing, as the judged documents write it.
_SAME: Final = (
    {"GOOGL", "GOOG"}, {"SPY", "SPX", "DIA", "^GSPC", "^DJI", "DJI", "VOO"}, {"QQQ", "IXIC", "^IXIC", "NDX"}, {"SMH", "SOX", "SOXX", "^SOX"},
    {"TSM", "2330.TW", "2330"}, {"SQ", "XYZ"}, {"META", "FB"}, {"BRK.B", "BRK.A", "BRKB"}, {"BABA", "9988.HK"},
    {"TCEHY", "0700.HK", "700.HK"},
)  # fmt: skip


def is_same(one: str, other: str) -> bool:
    """Tell whether two symbols stand for one company or market."""
    return one == other or any(one in names and other in names for names in _SAME)


def verdict(events: Sequence[dict[str, Any]], kind: str, asset: str) -> int:
    """Say what was judged of a claim: 1 right, 0 wrong, -1 arguable."""
    out = 0
    for event in events:
        if event["kind"] == kind and any(
            is_same(asset, other) for other in (event["asset"], *(event.get("alt") or ()))
        ):
            if event.get("required"):
                return 1
            out = -1
    return out


def surest(
    texts: Texts, scored: Sequence[Scored], confidence: npt.NDArray[np.float64]
) -> dict[tuple[int, str, str], tuple[float, int]]:
    """Give of each claim of the judged documents, by document, kind and asset, the highest confidence that a sentence gives it, and what was judged of it."""
    best: dict[tuple[int, str, str], tuple[float, int]] = {}
    for item, sure in zip(scored, confidence.tolist(), strict=True):
        if texts.documents[item.document].row is not None:
            continue  # of sentences out of documents nobody judged the rest
        key = (item.document, item.pair.kind, item.pair.asset)
        if sure > best.get(key, (-1.0, 0))[0]:
            best[key] = (sure, item.right)
    return best


def curve(texts: Texts, scored: Sequence[Scored], confidence: npt.NDArray[np.float64]) -> list[dict[str, float]]:
    """Give recall and precision at each least confidence, and how often claims of about that confidence were right."""
    best = surest(texts, scored, confidence)
    whole = [document for document in texts.documents if document.row is None]
    required = sum(bool(event.get("required")) for document in whole for event in document.events)
    out = []
    for least in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        kept = {key: right for key, (sure, right) in best.items() if sure >= least}
        band = [right for sure, right in best.values() if least <= sure < least + 0.1 and right >= 0]
        hit = sum(_found(texts.documents[at].events, at, kept) for at in {key[0] for key in kept})
        yes, no, open_ = (sum(right == what for right in kept.values()) for what in (1, 0, -1))
        out.append(
            {"confidence": least, "recall": hit / required, "precision": yes / max(yes + no, 1),
             "lenient": (yes + open_) / max(yes + no + open_, 1), "right_in_band": sum(band) / max(len(band), 1), "in_band": len(band)}
        )  # fmt: skip
    return out


def _found(events: Sequence[dict[str, Any]], at: int, kept: dict[tuple[int, str, str], int]) -> int:
    mine = [(kind, asset) for document, kind, asset in kept if document == at]
    return sum(
        any(
            kind == event["kind"]
            and any(is_same(asset, other) for other in (event["asset"], *(event.get("alt") or ())))
            for kind, asset in mine
        )
        for event in events
        if event.get("required")
    )


def main(given: Sequence[str] | None = None) -> None:
    """Train, show how sure it is when it is right, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judged", type=Path, required=True, help="folder of judged documents, *.jsonl")
    parser.add_argument("--news", type=Path, help="folder of the news of which sentences were judged")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where to write the weights")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(given)
    lexicon = load([])
    texts = gather(asked.judged, asked.news, lexicon, asked.seed)
    model, scored, confidence = train(texts, lexicon, _version(texts), asked.seed)
    print("confidence  recall  precision  lenient  right in band")
    for row in curve(texts, scored, confidence):
        print(
            f"{row['confidence']:10.1f}{row['recall']:8.2f}{row['precision']:11.2f}{row['lenient']:9.2f}"
            f"{row['right_in_band']:9.2f} of {row['in_band']:,.0f}"
        )
    model.save(asked.out)
    print(
        f"Wrote {asked.out} ({asked.out.stat().st_size / 1e6:.1f} MB), trained on texts up to {model.newest:%Y-%m-%d}."
    )


def _version(texts: Texts) -> str:
    """Name the weights by what they were trained on."""
    told = zlib.crc32("\n".join(example.line for example in texts.examples).encode())
    return f"{told:08x}"


if __name__ == "__main__":
    main()
