"""Which n-grams, concepts and rules decided, and whom a claim touches by what, in words."""

from __future__ import annotations

from typing import Any, Final

from engine.reader.learned import masked
from engine.reader.learned.judge import Weighed
from engine.reader.learned.model import Model
from engine.reader.learned.whom import Pair

#: What the signs of a masked text stand for.
SIGNS: Final = {
    masked.COMPANY: "<company>", masked.MARKET: "<market>", masked.INDEX: "<index>", masked.GROUP: "<group>", masked.PERSON: "<person>",
    masked.BANK: "<central bank>", masked.NOBODY: "<nobody>", masked.WORD: "<name>", masked.DAY: "<month>",
}  # fmt: skip
_SPELLED: Final = str.maketrans(SIGNS)
_MOST: Final = 8  # weights that are told
_LEAST: Final = 0.005  # a weight that rounds to nothing is not told


def spelled(text: str) -> str:
    """Spell out the signs of a masked text.

    >>> spelled("① fell 5%")
    '<company> fell 5%'
    """
    return text.translate(_SPELLED)


def why(about: Weighed, model: Model, start: int, kind: str, assets: list[str]) -> dict[str, Any]:
    """Say what decided that a sentence makes a claim, and that it touches its first asset.

    Parameters
    ----------
    about
        As `engine.reader.learned.judge.weighed` gives it.
    start
        Where the sentence begins.

    Returns
    -------
    dict
        `masked`, the sentence as the model sees it; `log_odds` that it makes the claim, with `weights` by n-gram (in quotes),
        "concept ..." and "rule ..."; `asset` with `asset_log_odds` and `asset_weights`, by the names that docs/reader.md tells. Of each the
        largest, as sums over the sentence; "bias" is what stands before the sentence is seen. Empty where the model does not know the kind.
    """
    row = next((at for at, sight in enumerate(about.seen) if sight.passage.span.start == start), None)
    if row is None or kind not in model.kinds:
        return {}
    at = model.kinds.index(kind)
    told = model.why(about.lines[row], about.hits[row], kind, _MOST)
    out: dict[str, Any] = {
        "masked": spelled(about.lines[row]), "log_odds": round(float(about.logits[row, at]), 4),
        "weights": {"bias": round(float(model.bias[at]), 4)} | {_named(name): round(value, 4) for name, value in told if abs(value) >= _LEAST},
    }  # fmt: skip
    pairs = [pair for _, pair in about.sure if pair.row == row and pair.kind == kind and pair.asset in assets]
    if pairs:
        pair = min(pairs, key=lambda pair: assets.index(pair.asset))
        out |= {
            "asset": pair.asset,
            "asset_log_odds": round(pair.score(model), 4),
            "asset_weights": {"bias": round(model.pairs["bias"], 4)} | _largest(pair, model),
        }
    return out


def lines(told: dict[str, Any], kind: str) -> list[str]:
    """Write what `why` says as lines to print."""
    if not told:
        return ["learned    nothing: the rules alone make this claim"]
    out = [
        f"masked     {told['masked']}",
        f"learned    {kind} {told['log_odds']:+.2f} = {_sum(told['log_odds'], told['weights'])}",
    ]
    if "asset" in told:
        out.append(
            f"touches    {told['asset']} {told['asset_log_odds']:+.2f} = {_sum(told['asset_log_odds'], told['asset_weights'])}"
        )
    return out


def likeliest(about: Weighed) -> tuple[float, Pair] | None:
    """Give the most likely claim of a document with its confidence; the first of equal ones."""
    return max(about.sure, key=lambda item: item[0], default=None)


def _named(name: str) -> str:
    """Tell n-grams, which stand in quotes, from rules and concepts."""
    if name[0] in "'\"":
        return spelled(name)
    return f"rule {name.removeprefix('rule:')}" if name.startswith("rule:") else f"concept {name}"


def _largest(pair: Pair, model: Model) -> dict[str, float]:
    added = {name: value * model.pairs.get(name, 0.0) for name, value in pair.values.items()}
    kept = sorted(added.items(), key=lambda item: -abs(item[1]))[:_MOST]
    return {name: round(value, 4) for name, value in kept if abs(value) >= _LEAST}


def _sum(whole: float, parts: dict[str, float]) -> str:
    rest = whole - sum(parts.values())
    listed = [f"{name} {value:+.2f}" for name, value in parts.items()]
    return ", ".join([*listed, f"all others {rest:+.2f}"] if abs(rest) >= _LEAST else listed)
