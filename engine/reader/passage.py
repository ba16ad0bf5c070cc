"""A sentence with what was found in it, and the questions that the rules ask of it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.reader.clean import is_notice
from engine.reader.figures import Figure, figures
from engine.reader.lexicon import Lexicon
from engine.reader.sentences import Span
from engine.reader.somebody import somebody_in
from engine.reader.speakers import speaking
from engine.reader.terms import Hit

_CLAUSE: Final = re.compile(
    r"[，；：。！？;:!?]|,(?!\d{3})|、| - |--| (?:while|whereas|but|although|though|and|after|because|mais|tandis que|alors que|et|bien que|apres) | as (?<!much as )(?<!many as )(?<!low as )(?<!high as )(?<!little as )(?!much as |many as |low as |high as |little as )|但|而(?!非|不是)|虽然|尽管|不过|然而"
)
_STRONG_CLAUSE: Final = re.compile(
    r"[，；：。！？;:!?]|,(?!\d{3})| - | (?:while|whereas|but|although|mais|tandis que|alors que) |但|虽然|尽管|不过|然而"
)
_COORDINATE: Final = re.compile(
    r"^(?:\s*\([a-z0-9.:,\s]{1,20}\))?\s*(?:,|、|/|&|\+|and|et|ou|or|和|与|以及|及|跟|,\s*and|,\s*et|as well as|ainsi que|ainsi qu')\s*(?:the |l'|le |la |les |d'|de )?(?:shares (?:of|in) )?$"
)
# "will not open this year because of delays": what is denied is the opening, not its cause
_CAUSE: Final = re.compile(
    r"\w\W+(?:owing to|because of|due to|as a result of|thanks to|amid|en raison d|a cause d|faute d|du fait d)|[\u3400-\u9fff](?:因为|由于|是因|缘于)"
)
REACH: Final = {"zh": 12, "en": 45, "fr": 45}  # how far a negation carries, in characters


@dataclass
class Who:
    """Names that stand together as one subject: "Nvidia, AMD and Intel"."""

    start: int
    end: int
    members: list[str]  # entity keys, in order


@dataclass
class Passage:
    """One sentence of a document, with the terms found in it."""

    span: Span
    folded: str  # the whole document
    language: str
    names: list[Hit]
    concepts: dict[str, list[Hit]]
    figures: list[Figure] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The folded sentence."""
        return self.folded[self.span.start : self.span.end]

    @property
    def reach(self) -> int:
        """How far a negation carries in this language."""
        return REACH[self.language]

    def near(self, latin: int) -> int:
        """Scale a distance given for Latin text to this language."""
        return latin // 3 if self.language == "zh" else latin

    def has(self, *concepts: str) -> bool:
        """Tell whether any of the concepts stands in the sentence."""
        mine = self.concepts
        for concept in concepts:  # noqa: SIM110 - asked fourteen times a sentence
            if mine.get(concept):
                return True
        return False

    def uncovered(self, concept: str, *by: str) -> list[Hit]:
        """Give the hits of a concept that do not lie within (or meet) a hit of the concepts in `by`."""
        covers = [hit for name in by for hit in self.concepts.get(name, ())]
        return [
            hit for hit in self.concepts.get(concept, ())
            if not any(cover.start <= hit.start < cover.end or cover.start < hit.end <= cover.end for cover in covers)
        ]  # fmt: skip

    def clause(self, position: int, *, strong: bool = False) -> Span:
        """Give the clause around a position."""
        pattern = _STRONG_CLAUSE if strong else _CLAUSE
        start, end = self.span
        for mark in pattern.finditer(self.folded, self.span.start, self.span.end):
            if mark.end() <= position:
                start = mark.end()
            elif mark.start() >= position:
                end = mark.start()
                break
        return Span(start, end)

    def is_negated(self, hit: Hit) -> bool:
        """Tell whether a negation, or a denial, stands before the hit and reaches it."""
        clause = self.clause(hit.start, strong=True)
        low = max(clause.start, hit.start - self.reach)
        for concept in ("negation", "deny"):
            for other in self.uncovered(concept, "not_negation"):
                if low <= other.start and other.end <= hit.start and not self._undone(other.end, hit.start):
                    return _CAUSE.search(self.folded, other.end, hit.start) is None
        return False

    def _undone(self, start: int, end: int) -> bool:
        """Tell whether a negation is itself undone: "never dispelled the fear of a bubble"."""
        return any(
            start <= other.start and other.end <= end
            for name in ("eased", "baseless")
            for other in self.concepts.get(name, ())
        )

    def is_dismissed(self, hit: Hit) -> bool:
        """Tell whether the claim is held up only to be dismissed ("so-called bubble", "bubble talk is nonsense")."""
        close = 18 if self.language != "zh" else 4
        if any(0 <= hit.start - other.end <= close for other in self.concepts.get("scare", ())):
            return True
        reach = self.near(70)
        if any(
            0 <= hit.start - other.end <= reach and not self.is_negated(other)
            for other in self.concepts.get("eased", ())
        ):
            return True
        return any(
            -reach <= other.start - hit.end <= reach
            and not (other.start < hit.end and hit.start < other.end)
            and not self.is_negated(other)
            for other in self.uncovered("baseless", "not_negation")
        )

    def is_hedged(self, hit: Hit) -> bool:
        """Tell whether the claim is hedged, conditional, or a question."""
        clause = self.clause(hit.start, strong=True)
        if any(clause.start <= other.start < clause.end for other in self.concepts.get("hedge", ())):
            return True
        return self.words.rstrip("\"' )").endswith(("?", "？"))

    def within(self, concept: str, hit: Hit, distance: int) -> bool:
        """Tell whether a concept stands within a distance of a hit (0: anywhere in the sentence)."""
        for other in self.concepts.get(concept, ()):
            if other.start < hit.end and hit.start < other.end and (other.start, other.end) == (hit.start, hit.end):
                continue
            if not distance or (other.start - hit.end <= distance and hit.start - other.end <= distance):
                return True
        return False

    def subjects(self, lexicon: Lexicon) -> list[Who]:
        """Join the names that can move in price into subjects, in order."""
        movable = [
            hit for hit in self.names
            if lexicon.entities[hit.key].role in ("asset", "group", "unknown") and not lexicon.entities[hit.key].topic
        ]  # fmt: skip
        out: list[Who] = []
        for hit in movable:
            if out:
                between = self.folded[out[-1].end : hit.start]
                last = lexicon.entities[out[-1].members[-1]]
                if _is_alias(between) and hit.key == out[-1].members[-1]:
                    out[-1].end = hit.end
                    continue
                if _COORDINATE.match(between) and (last.role == "group") == (lexicon.entities[hit.key].role == "group"):
                    out[-1].members.append(hit.key)
                    out[-1].end = hit.end
                    continue
                if last.role == "group" and len(between) <= 14 and self._examples_between(out[-1].end, hit.start):
                    out[-1] = Who(out[-1].start, hit.end, [hit.key])  # "AI companies like CoreWeave": CoreWeave
                    continue
            out.append(Who(hit.start, hit.end, [hit.key]))
        return out

    def is_era(self, hit: Hit, lexicon: Lexicon) -> bool:
        """Tell whether a name stands for an age: the Cisco of the dot-com years."""
        era = lexicon.entities[hit.key].era
        return bool(era) and (
            self.has(era, "past", "other_bubble")
            or _NEW_ONE.search(self.folded, max(0, hit.start - 14), hit.start) is not None
        )

    def _examples_between(self, start: int, end: int) -> bool:
        return any(start <= hit.start and hit.end <= end for hit in self.concepts.get("examples", ()))


def _is_alias(between: str) -> bool:
    return bool(re.fullmatch(r"\s*[(（]?\s*(?:[a-z]+\s?:\s?)?", between))


_NEW_ONE = re.compile(r"(?:\b(?:new|next|modern|nouveau|nouvelle|prochain|today's)|新|下一个|翻版)\s?$")
_THIS_ONE = re.compile(
    r"(?:这家|该|一家|这个|\b(?:the|this|that|a|an|its|le|la|ce|cette|un|une|l'))\s?(?:美国|中国|芯片|us |american |giant )?$"
)


def _is_anaphor(hit: Hit, folded: str, lexicon: Lexicon) -> bool:
    """Tell whether a group's word stands for one company named before: "the chipmaker", "这家芯片制造商"."""
    entity = lexicon.entities[hit.key]
    if entity.role != "group" or entity.topic or entity.weak or folded[hit.end - 1] == "s":
        return False
    chinese = "\u3400" <= folded[hit.end - 1] <= "\u9fff"
    before = _THIS_ONE.search(folded, max(0, hit.start - 14), hit.start)
    return before is not None and (
        chinese or folded[hit.start : hit.end].endswith(("maker", "company", "firm", "giant", "producer"))
    )


def passages(
    text: str, folded: str, spans: Iterable[Span], lexicon: Lexicon, languages: Sequence[str], names: Sequence[Hit]
) -> list[Passage]:
    """Find the terms of each sentence, and give it those of the document's names that stand in it.

    Parameters
    ----------
    text, folded
        The document and its folded form.
    spans
        The sentences of the story.
    languages
        The language of each.
    names
        As `engine.reader.naming.named_in` gives them.
    """
    out = []
    starts = [hit.start for hit in names]
    silent = speaking([hit for hit in names if lexicon.entities[hit.key].speaks], folded)
    for span, language in zip(spans, languages, strict=True):
        hits = lexicon.scan(folded[span.start : span.end], text[span.start : span.end], language)
        concepts: dict[str, list[Hit]] = {}
        for start, end, role, key in hits:
            concepts.setdefault(key, []).append(Hit(start + span.start, end + span.start, role, key))
        here = names[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
        if (hits or here) and is_notice(folded, span.start, span.end):
            continue
        mine = [
            hit for hit in here
            if hit.end <= span.end and not _is_anaphor(hit, folded, lexicon)
            and hit not in silent
        ]  # fmt: skip
        if not lexicon.anchors.isdisjoint(concepts):
            mine += somebody_in(text, folded, span, language, here)
            mine.sort()
        found = figures(folded, span.start, span.end, language=language) if hits or mine else []
        passage = Passage(span, folded, language, mine, concepts, found)
        if "not_fall" in concepts:
            concepts["fall"] = passage.uncovered("fall", "not_fall")
            concepts["plunge"] = passage.uncovered("plunge", "not_fall")
        out.append(passage)
    return out
