"""Banks, brokers and publishers that a text names only because their people speak: "Goldman's strategists warn that ..."."""

from __future__ import annotations

import re
from typing import Final

from engine.reader.fold import is_han
from engine.reader.terms import Hit

_SAYS: Final = (
    r"says?|said|sees?|saw|expects?|warns?|warned|warning|told|notes?|noted|wrote|writes|argues?|argued|thinks|believes|calls|called|advises|recommends|urges|predicts?|predicted|"
    r"estimates?|estimated|forecasts?|projects?|reckons|suggests?|flags?|upgrades?|upgraded|downgrades?|downgraded|initiates?|reiterates?|maintains?|bullish|bearish|top pick|"
    r"analysts?|strategists?|economists?|research|survey|polls?|note to|clients|prime (?:book|brokerage)|trading desk|data (?:show|suggest)|index\b|indices|basket|etf|"
    r"funds? manager|ceo|chief|chairman|boss|president|head of|portfolio manager|"
    r"calcule\w*|estime\w*|juge\w*|prevoi\w*|previent|anticipe\w*|souligne\w*|indique\w*|ecri\w+|recommande\w*|conseille\w*|degrade\w*|analystes?|strateges?|economistes?|table sur|met en garde|"
    r"vise\b|passe (?:a|de)\b|entame|initie\w*|reitere\w*|maintient|repete"
)
_TARGET: Final = r"(?:cuts?|raises?|lowers?|lifts?|slash(?:es)?|boosts?|trims?|hikes?|reduces?|keeps?|sets?|abaisse\w*|releve\w*|reduit|remonte|maintien\w*)\b.{0,60}\b(?:targets?|ratings?|forecasts?|estimates?|price|outlook|view|objectifs?|cibles?|conseil|recommandation|prevision)"
_AFTER: Final = re.compile(
    rf"(?:'s|’s|')?\s?(?:\([^)]{{1,16}}\)\s?)?(?:[\w\-.']+,?\s){{0,4}}?(?:{_SAYS})(?![a-z])|(?:'s)?\s(?:\w+\s){{0,2}}{_TARGET}|\s?:\s(?!q[1-4])"
)
_BEFORE: Final = re.compile(
    r"(?:analysts?|strategists?|economists?|trader|traders|banker|note|research|report|survey|data|according to|ceo|head|chief|downgraded|upgraded|downgrade|upgrade|rated|cut|raised|"
    r"analystes?|strateges?|economistes?|bureau d'etudes|d'apres|selon|etude|note|avis|recommandation)\s?(?:\w+\s){0,2}(?:at|by|from|of|with|as|to|chez|pour|de|d'|par)?\s?(?:les analystes (?:de|chez) |l'|the )?$"
    r"|(?:\bselon|\bd'apres|according to|\bvia|\b(?:calcule|estime|juge|previent|prevoit|anticipe|souligne|ecrit|rappelle|indique|conseille|affirme)(?:nt)?|\b(?:says|said|warns|warned))\s?$"
)
_HAN_AFTER: Final = re.compile(
    r"[^，。；！？、]{0,10}?(?:分析师|策略师|首席|经济学家|表示|认为|指出|预计|预期|预测|预估|测算|计算|报告|研报|警告|预警|调降|调升|上调|下调|降评|升评|看好|看空|看多|唱空|唱多|数据|编制|援引|追踪|"
    r"交易部|交易台|交易员|团队|强调|提醒|直言|建议|维持|重申|给予|目标价|研究|观点|喊|分析|点名|评级|调查|资管|首度|称|估|揭|示警|主经纪|基金经理|执行长|总裁|ceo|董事长)|\s?[：:](?!\s?(?:q\d|第|净|营|上半|前三))"
)
_HAN_BEFORE: Final = re.compile(r"(?:据|根据|遭|获|被|外资|投行|券商|大行|来自|分析师|策略师|援引|引述)$")
_LIST: Final = re.compile(r"\s?(?:,|、|/|&|and|et|和|与|及)\s?")
_OWN: Final = re.compile(
    r"[^，。；！？]{0,12}?(?:净利|净利润|营收|财报|裁员|股价|获利|盘前|盘后|收跌|收涨|跌\d|涨\d|跌逾|跌超|涨逾|涨超|大跌|大涨|回购|罚|被罚|业绩)"
)


def speaking(banks: list[Hit], folded: str) -> set[Hit]:
    """Give those of the banks named in a text that only speak, those among them that stand in a list with one who does."""
    out: set[Hit] = set()
    after: Hit | None = None
    for bank in reversed(banks):
        listed = after in out and after is not None and _LIST.fullmatch(folded, bank.end, after.start) is not None
        if listed or is_speaker(bank, folded):
            out.add(bank)
        after = bank
    return out


def is_speaker(hit: Hit, folded: str) -> bool:
    """Tell whether a name stands in a text as the one who speaks.

    Examples
    --------
    >>> is_speaker(Hit(0, 7, "asset", "GS"), "goldman strategists see a bubble")
    True
    >>> is_speaker(Hit(0, 7, "asset", "GS"), "goldman fell 5% after its results")
    False
    """
    before = folded[max(0, hit.start - 60) : hit.start].rpartition("\n")[2]
    after = folded[hit.end : hit.end + 90].partition("\n")[0]
    if is_han(folded[hit.start]) or is_han(after.lstrip()[:1] or " "):
        if _HAN_BEFORE.search(before) is not None:
            return True
        return _HAN_AFTER.match(after) is not None and _OWN.match(after) is None
    return _AFTER.match(after) is not None or _BEFORE.search(before) is not None
