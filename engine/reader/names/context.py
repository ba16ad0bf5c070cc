"""Tell a company from the word that it is called by: Apple and apples, Visa and visas, 平安 and safety."""

from __future__ import annotations

import re
from typing import Final

from engine.reader.fold import is_han
from engine.reader.terms import Hit

_SMALL: Final = frozenset(re.findall(r"\S+", "of and the de la le du des et & in for a an to on by"))
# What a company does, has or is, right after its name. Folded.
_MOVES: Final = (
    r"falls?|fell|drops?|dropped|plunge[sd]?|plunging|sinks?|sank|slides?|slid|slumps?|slumped|tumbles?|tumbled|crash(?:es|ed)?|dips?|slips?|slipped|sheds?|loses|lost|declines?|"
    r"declined|tanks?|tanked|craters?|nosedives?|plummets?|plummeted|rises?|rose|gains?|gained|jumps?|jumped|surges?|surged|soars?|soared|rall(?:y|ies|ied)|climbs?|climbed|"
    r"rebounds?|pops?|spikes?|edges?|trades?|closed|closes|ended|opens|is down|is up|was down|was up|down \d|up \d"
)
_DOES: Final = (
    r"says|said|reports?|reported|posts|posted|announces?|announced|warns?|warned|cuts|cut its|slash(?:es|ed)?|raises?|raised|lowers|lowered|beats?|misses|missed|forecasts?|expects|"
    r"plans to|to (?:buy|cut|acquire|sell|lay|close|pay|raise|invest|launch|spin|report|open|build|halt|stop|recall|list|merge)|agrees|agreed|buys|acquires|acquired|sells|sold|sues|sued|files|filed|"
    r"launch(?:es|ed)|unveils?|unveiled|delays?|delayed|recalls?|recalled|denies|denied|faces|wins|won|signs|signed|names|appoints|hires|fires|lays off|laid off|"
    r"stock|stocks|shares?|share price|shareholders?|investors?|bonds?|earnings|results|profits?|revenues?|sales|guidance|outlook|forecast|ceo|cfo|chief|executives?|"
    r"management|board|boss|chairman|founder|employees|workers|stores?|headquarters|spokes\w+|q[1-4]|first[- ]quarter|second[- ]quarter|third[- ]quarter|fourth[- ]quarter|quarterly|"
    r"dividend|buyback|valuation|market cap\w*|inc\b|corp\b|corporation|co\b|ltd\b|plc\b|group\b|holdings?\b|company|sa\b|ag\b|se\b|nv\b|ipo\b|rating|upgrade[d]?|downgrade[d]?|has (?:lost|fallen|risen|cut|raised|warned|agreed|reported)"
)
_FAIT: Final = (
    r"chut\w+|recul\w+|perd\w*|plong\w+|s'effondr\w+|devisse\w*|baiss\w+|cede\w*|lache\w*|abandonne\w*|degringol\w+|decroch\w+|grimpe\w*|bondi\w*|gagne\w*|progress\w+|s'envol\w+|"
    r"rebondi\w*|monte\w*|avance\w*|publie\w*|annonce\w*|abaisse\w*|releve\w*|vise\w*|prevoit|lance\w*|acquiert|rachete\w*|supprime\w*|signe\w*|dement\w*|avertit|va |veut |a (?:publie|annonce|perdu|gagne|chute|"
    r"recule|abaisse|releve|signe|dementi)|en baisse|en hausse|en repli|sa\b|se\b"
)
_AFTER: Final = re.compile(
    rf"(?:'s?|’s)?(?:\s?\([^)]{{1,22}}\))?(?:'s|’s)?\s?(?:(?:also|has|had|is|will|would|could|shares?|stock|recently|today|a|n')\s)?(?:{_MOVES}|{_DOES}|{_FAIT})(?![a-z])|\s?[+\-]\s?\d|,\s(?:which|the|whose|a|inc|le|la|l')"
)
_POSSESSIVE: Final = re.compile(
    r"(?:'s|’s)\s(?:\w+\s){0,2}(?:stock|shares?|results|earnings|sales|profits?|revenue|ceo|chief|guidance|outlook|forecast|board|stores?|valuation|business|margin|debt|bid|deal|offer|plan)"
)
_BEFORE: Final = re.compile(
    r"(?:shares? (?:of|in|at)|stock (?:of|in)|stake in|results (?:of|at|from)|analysts? (?:on|at|cover\w*)|investors? in|rating (?:of|on|for)|(?:upgrade|downgrade|buy|sell|short|own|hold|hit|owner|parent|maker|giant|retailer|carmaker|"
    r"chipmaker|operator|lender|insurer|group|company|firm|rival|rivals|supplier|bank|brand|chain|startup|named?|called|at|like|by|with|from|than|and|vs\.?|versus)s?|"
    r"action|actions|titre|groupe|chez|de l'action|du titre|l'operateur|le geant|le constructeur|l'assureur|le distributeur|chez|filiale de|patron d[e']|pdg d[e'])\s?$"
)
_STRONG_BEFORE: Final = re.compile(
    r"(?:shares? (?:of|in)|stock (?:of|in)|stake in|results (?:of|at|from)|investors? in|owner|parent|giant|retailer|carmaker|chipmaker|insurer|"
    r"action|titre|groupe|chez|filiale de|pdg d[e']|l'operateur|l'assureur)\s?$"
)
_HAN_AFTER: Final = re.compile(
    r"\s?(?:[(（\[【]\s?[0-9A-Z]|\d{4,6}|股价|股票|股份|集团|公司|控股|概念|系|科技|跌|涨|大跌|大涨|重挫|下挫|下跌|走低|走高|飙|暴|闪崩|跳水|收|开盘|开低|低开|高开|盘|营收|营运|财报|净利|法说|"
    r"业绩|获利|亏损|毛利|订单|董|总裁|总经理|执行长|首席|创办人|创始人|adr|ceo|宣布|公告|发布|公布|表示|称|回应|否认|澄清|指出|说|预计|预估|今|昨|明|前三|上半|下半|q\d|第[一二三四]季|首季|"
    r"单季|市值|目标价|评级|外资|投资人|股东|法人|庄|涉|遭|拟|将|获|推迟|延后|暂停|取消|扩产|减产|裁|召回|等|、|与|和|及|也|则|的股|[:：+\-])"
)
_HAN_BEFORE: Final = re.compile(
    r"(?:^|[\n〈《「『“\"(（、，,：:；;。！？!\s】》]|大厂|龙头|巨头|厂商|族群|概念股|和|与|及|对|给|由|被|如|包括|金控|集团|个股|指标股|权值股)$"
)


def is_spelt_as_a_name(text: str) -> bool:
    """Tell whether each word begins with a capital, as a name's do; Chinese has none.

    >>> is_spelt_as_a_name("Best Buy"), is_spelt_as_a_name("Bank of America"), is_spelt_as_a_name("best buy"), is_spelt_as_a_name("平安")
    (True, True, False, True)
    """
    return all(
        word[0].isupper() or not word[0].isalpha() or is_han(word[0]) or word.lower() in _SMALL
        for word in re.split(r"[\s\-]+", text)
        if word
    )


def is_company(start: int, end: int, folded: str, text: str, names: list[Hit]) -> bool:
    """Tell whether a word that is also a company's name means the company: by what stands right before and after.

    Parameters
    ----------
    start, end
        Of the name in the text.
    folded, text
        The text as `fold` gives it and as it was.
    names
        The names in it that are sure: one beside this, in a list, makes it one too.
    """
    if _is_in_a_list(start, end, folded, names):
        return True
    before = folded[max(0, start - 24) : start]
    after = folded[end : end + 60]
    begins = start == 0 or folded[start - 1] == "\n"
    if is_han(folded[start]):
        return _HAN_AFTER.match(after) is not None and _HAN_BEFORE.search(before) is not None
    if _POSSESSIVE.match(after) or _STRONG_BEFORE.search(before) or (begins and after[:1] == ":"):
        return True
    if _AFTER.match(after) is None:
        return False
    opens = not before.strip() or before.rstrip()[-1:] in ".:;!?\n>*-–—(\"'"
    return opens or _BEFORE.search(before) is not None or not _is_title_case(start, text)


def _is_in_a_list(start: int, end: int, folded: str, names: list[Hit]) -> bool:
    for hit in names:
        if hit.role != "asset":
            continue
        gap = folded[hit.end : start] if hit.end <= start else folded[end : hit.start] if end <= hit.start else "x" * 9
        if len(gap) <= 6 and re.fullmatch(r"\s?(?:,|、|/|&|\+|and|et|和|与|及|,\s?and|vs\.?|或)\s?", gap):
            return True
    return False


def _is_title_case(start: int, text: str) -> bool:
    """Tell whether the words before the name in its line begin with capitals too, so that its own capital says nothing."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    words = [word for word in line.split()[-4:] if word[0].isalpha() and word.lower() not in _SMALL]
    return len(words) >= 2 and all(word[0].isupper() for word in words)
