"""Whom a claim touches: names, groups and private companies -> listed names, by what the story itself says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from engine.reader.lexicon import Lexicon, Rule
from engine.reader.moves import Move
from engine.reader.names.build import UNKNOWN, Entity
from engine.reader.passage import Passage
from engine.reader.terms import Hit

_MEMORY: Final = 2  # sentences for which "it" still means the last one named
_OF_ONE: Final = re.compile(
    r"\W*(?:(?:why|the|its|is|are|after|with|le|la|les|l'|son|sa|ses)\s?)*(?:shares?|stock|company|firm|it\b|q[1-4]|(?:first|second|third|fourth)[- ]quarter|results|earnings|profits?|revenues?|sales|guidance|"
    r"outlook|chipmaker|carmaker|retailer|drugmaker|lender|titre|action|groupe|benefices?|resultats?|chiffre d'affaires|ventes|股价|该股|公司|业绩|净利|营收|财报|盘后|盘前|第[一二三四]季)"
)
_OF_MANY: Final = re.compile(
    r"\b(?:stocks|equities|markets?|index|indices|bubble|bonds?|yields?|sectors?|bourses?|marches?|indices|valeurs|actions)\b|市场|大盘|个股|板块|股市|指数|债|多只|三大"
)
_FED: Final = "person:Federal Reserve"
_FAR_FALL: Final = 2.0  # percent
_PRONOUN: Final = re.compile(
    r"^\W*(?:(?:also|but|although|while|however|still|mais|bien que|但|而|不过|虽然|尽管)[\s,]*)?(?:it|its|they|the company|the stock|il|elle|le groupe|la societe|它|其|该公司|公司|他们)(?![a-z])"
)


@dataclass
class Story:
    """What is known of a document: all of it for ties and movers, what was read so far for "it"."""

    lexicon: Lexicon
    ties: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # private company -> listed names that the story ties to it
    hub: str = ""  # the private company that the story is about
    movers: tuple[str, ...] = ()  # listed names whose fall it tells, in order
    named: tuple[str, ...] = ()  # all listed names in it
    about_ai: bool = False
    subject: tuple[str, ...] = ()  # entity keys of the last sentence that named somebody
    mover: tuple[str, ...] = ()  # its first name with a price
    age: int = 99  # sentences since then
    rout: int = 99  # sentences since one that told of a rout

    def remember(self, passage: Passage) -> None:
        """Move on past a sentence."""
        if not passage.names:
            if passage.has("china_money", "outsider"):
                self.subject, self.mover = (), ()
            self.age += 1
            return
        entities = self.lexicon.entities
        keys = tuple(
            dict.fromkeys(
                hit.key
                for hit in passage.names
                if entities[hit.key].role != "person" and not passage.is_era(hit, self.lexicon)
            )
        )
        strong = tuple(key for key in keys if not entities[key].weak and not entities[key].topic)
        if strong:
            # "It warned of ..." keeps its subject though it names AI; a sentence that names companies changes it
            self.subject, self.age = strong, 0
            subjects = passage.subjects(self.lexicon)
            self.mover = tuple(subjects[0].members) if subjects else ()
        elif passage.has("china_money"):
            self.subject, self.age, self.mover = (), 99, ()
        else:
            self.age += 1

    def listed(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Turn entity keys into listed names."""
        entities = [self.lexicon.entities[key] for key in keys]
        plain = [entity.key for entity in entities if entity.role == "asset" and not entity.index]
        if plain:
            return tuple(dict.fromkeys(plain))
        return tuple(dict.fromkeys(asset for entity in entities for asset in self.of(entity)))

    def of(self, entity: Entity) -> tuple[str, ...]:
        """Give the listed names that an entity stands for in this story."""
        if entity.role == "private":
            return self.ties.get(entity.key) or entity.assets
        if entity.role != "group":
            return entity.assets
        if entity.weak:
            return entity.assets
        members = set(entity.members)
        moved = tuple(asset for asset in self.movers if asset in members)
        about = entity.key in ("group:ai", "group:ai_stocks")
        tied = self.ties.get(self.hub, ()) if about else ()
        told = tuple(asset for asset in self.named if asset in members)
        for choice in (tied, moved):
            if len(choice) >= 2:
                return choice
        return told if entity.topic and told else entity.assets


def opening(passages: list[Passage], lexicon: Lexicon, about: str) -> Story:
    """Begin a story; one whose headline speaks of a company without a name is about the company that its source gives.

    Sources give a ticker to pages about the whole market too, so the headline must begin as one about a single company does.
    """
    if not about or not passages or passages[0].names:
        return Story(lexicon)
    headline = passages[0].words
    if _OF_ONE.match(headline) is None or _OF_MANY.search(headline) is not None:
        return Story(lexicon)
    return Story(lexicon, subject=(about,), mover=(about,), age=0)


def counted(told: list[Move], lexicon: Lexicon) -> list[Move]:
    """Leave out the moves of companies that nobody knows, and falls of less than 2% of other markets' indexes: no events."""
    out = []
    for move in told:
        keys = tuple(key for key in move.assets if key != UNKNOWN)
        small = move.unit == "%" and 0 > move.value > -_FAR_FALL and all(lexicon.entities[key].far for key in keys)
        if keys and not small:
            out.append(move._replace(assets=keys))
    return out


def tell(passages: list[Passage], told: list[list[Move]], lexicon: Lexicon, about: str = "") -> Story:
    """Read a document once for whom it is about, before its claims are read.

    Parameters
    ----------
    passages
        Its sentences.
    told
        The moves of each.
    about
        The ticker of whom its source says that it is about.
    """
    entities = lexicon.entities
    falls: dict[str, None] = {}
    for moves in told:
        for move in moves:
            if move.value < 0 and not move.after_hours:
                falls.update(
                    dict.fromkeys(key for key in move.assets if entities[key].role == "asset" and not entities[key].index and not entities[key].era)
                )  # fmt: skip
    named = dict.fromkeys(
        hit.key for passage in passages for hit in passage.names if entities[hit.key].role == "asset" and not entities[hit.key].index
    )  # fmt: skip
    private = Counter(
        hit.key
        for passage in passages
        for hit in passage.names
        if entities[hit.key].role == "private" and not entities[hit.key].rival
    )
    hub = private.most_common(1)[0][0] if private else ""
    about_ai = any(_is_ai(entities[hit.key]) for passage in passages for hit in passage.names)
    story = opening(passages, lexicon, about)
    story.ties, story.hub, story.about_ai = _ties(passages, lexicon), hub, about_ai
    story.movers, story.named = tuple(falls), tuple(named)
    return story


def _is_ai(entity: Entity) -> bool:
    return entity.role in ("asset", "private") or (entity.role == "group" and not entity.weak)


def _ties(passages: list[Passage], lexicon: Lexicon) -> dict[str, tuple[str, ...]]:
    """Find the listed names that a story ties to each private company: partners, suppliers, investors.

    A name counts once for each sentence that tells of business between the two; "it" stands for the private company named
    shortly before. Names told of less than a third as often as the first are left out.
    """
    counts: dict[str, Counter[str]] = {}
    last, age = "", 99
    for passage in passages:
        here = list(dict.fromkeys(hit.key for hit in passage.names if lexicon.entities[hit.key].role == "private"))
        if here:
            last, age = here[0], 0
        else:
            age += 1
        if not passage.has("tie"):
            continue
        assets = named(passage, lexicon)
        for key in here or ([last] if age <= _MEMORY and assets else []):
            counts.setdefault(key, Counter()).update(assets)
    out: dict[str, tuple[str, ...]] = {}
    for key, count in counts.items():
        most = max(count.values(), default=0)
        out[key] = tuple(asset for asset, number in count.items() if number * 3 >= most)
    return out


def named(passage: Passage, lexicon: Lexicon) -> tuple[str, ...]:
    """Give the listed companies named in a sentence; no indexes, bystanders ("analysts at Microsoft") or bygone ages."""
    out: dict[str, None] = {}
    for hit in passage.names:
        entity = lexicon.entities[hit.key]
        if (
            entity.role == "asset"
            and not entity.index
            and not _is_bystander(hit, passage)
            and not passage.is_era(hit, lexicon)
        ):
            out[hit.key] = None
    return tuple(out)


def _nearest(hit: Hit, passage: Passage, lexicon: Lexicon) -> tuple[str, ...]:
    """Give the listed companies that a claim can be about: of those in its clause, else of those before it, else of the sentence."""
    every = named(passage, lexicon)
    subjects = passage.subjects(lexicon)
    clause = passage.clause(hit.start, strong=True)
    inside = [who for who in subjects if clause.start <= who.start < clause.end]
    before = [who for who in subjects if who.end <= hit.start][-1:]
    if passage.language == "zh" and before and before[0] in inside:
        inside = [
            who for who in inside if who.end <= hit.start
        ]  # 、 parts what is said of one from what is said of the next
    for choice in (inside, before):
        kept = tuple(dict.fromkeys(key for who in choice for key in who.members if key in every))
        if kept or any(key == UNKNOWN for who in choice for key in who.members):
            return kept
    return every


def _market_of(hit: Hit, passage: Passage, lexicon: Lexicon) -> tuple[str, ...]:
    """Give the market of the central bank named nearest to a claim; none for the American one, whose market is the rule's."""
    banks = [
        other
        for other in passage.names
        if lexicon.entities[other.key].role == "person" and (lexicon.entities[other.key].assets or other.key == _FED)
    ]
    nearest = min(banks, key=lambda other: abs(other.start - hit.start), default=None)
    return lexicon.entities[nearest.key].assets if nearest is not None else ()


def _is_bystander(hit: Hit, passage: Passage) -> bool:
    return any(other.end <= hit.start <= other.end + 5 for other in passage.concepts.get("bystander", ()))


def touched(rule: Rule, hit: Hit, passage: Passage, story: Story) -> tuple[tuple[str, ...], bool]:
    """Say whom a claim touches, and whether that is taken from an earlier sentence.

    Companies named in the sentence come first, then private ones (by their ties) and groups, then what `rule.who` says.
    """
    lexicon = story.lexicon
    if rule.who == "only market":
        return rule.default, False
    if rule.kind == "hawkish_policy":
        return _market_of(hit, passage, lexicon) or rule.default, False
    companies = _nearest(hit, passage, lexicon)
    private = tuple(dict.fromkeys(h.key for h in passage.names if lexicon.entities[h.key].role == "private"))
    tied = tuple(dict.fromkeys(asset for key in private for asset in _tied(key, story)))
    hubbed = rule.who == "hub" and rule.kind not in ("bubble_warning", "disruption_shock")
    if companies:
        told = tuple(asset for key in private for asset in story.ties.get(key, ()))
        both = told if hubbed and len(companies) == 1 else ()
        return tuple(dict.fromkeys((*companies, *both))), False
    entities = [lexicon.entities[h.key] for h in passage.names]
    groups = [entity for entity in entities if entity.role == "group" and not entity.weak]
    priced = [entity for entity in groups if not entity.topic]
    if rule.who == "market":
        market = tuple(
            dict.fromkeys(asset for entity in entities if entity.weak or entity.index for asset in entity.assets)
        )
        return (
            market
            or tuple(dict.fromkeys(a for g in priced for a in story.of(g)))
            or (rule.default if story.about_ai else ())
        ), False
    rival = any(lexicon.entities[key].rival for key in private)
    if rule.kind == "denial" and not private:
        firm = next((lexicon.entities[h.key].firm for h in passage.names if lexicon.entities[h.key].firm), "")
        if firm in lexicon.entities:
            return (firm,), False  # whom its people deny it for
    if private and not rival and (hubbed or not groups):
        return tied, False
    if priced:
        return tuple(dict.fromkeys(asset for entity in priced for asset in story.of(entity))), False
    if any(h.key == UNKNOWN for h in passage.names):
        return (), False
    if _PRONOUN.match(passage.words) and story.subject and story.age <= _MEMORY and rule.who == "context":
        return story.listed(story.subject), True
    if rule.who == "story" or rival:
        return _shaken(story, lexicon) or tied, False
    if groups:
        return tuple(dict.fromkeys(asset for entity in groups for asset in story.of(entity))), False
    return _unnamed(rule, passage, story)


def _tied(key: str, story: Story) -> tuple[str, ...]:
    """Give the names tied to a private company; where the story ties none, the one just spoken of, or the few that it names."""
    if story.ties.get(key):
        return story.ties[key]
    if story.age <= 1 and not story.lexicon.entities[key].rival:
        before = tuple(
            k
            for k in story.subject
            if story.lexicon.entities[k].role == "asset" and not story.lexicon.entities[k].index
        )
        if before:
            return before
    told = () if story.lexicon.entities[key].rival else story.named
    return told if 0 < len(told) <= 6 else story.lexicon.entities[key].assets


def _shaken(story: Story, lexicon: Lexicon) -> tuple[str, ...]:
    """Give those who fall in a story about AI: names with moves, else those tied to its company, else those named."""
    core = {
        asset
        for key in ("group:ai", "group:chips")
        if key in lexicon.entities
        for asset in lexicon.entities[key].members
    }
    for choice in (story.movers, story.ties.get(story.hub, ()), story.named):
        kept = tuple(asset for asset in choice if asset in core)
        if len(kept) >= 2:
            return kept
    return tuple(asset for asset in (*story.movers, *story.named))[:4]


def _unnamed(rule: Rule, passage: Passage, story: Story) -> tuple[tuple[str, ...], bool]:
    if passage.has("china_money", "outsider") or rule.who == "named":
        return (), False  # "Walmart, which lifted its outlook, rose" says nothing of the name before
    hub = _tied(story.hub, story) if story.hub else ()
    recent = bool(story.subject) and story.age <= _MEMORY
    if rule.who == "hub" and hub:
        return hub, True
    if recent:
        return story.listed(story.subject), True
    market = tuple(
        asset
        for h in passage.names
        if story.lexicon.entities[h.key].weak
        for asset in story.lexicon.entities[h.key].assets
    )
    return tuple(dict.fromkeys(market)), False
