"""Companies that no table knows: what is said of them is said of nobody, and not of the name beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from engine.reader.names.build import UNKNOWN
from engine.reader.sentences import Span
from engine.reader.speakers import is_speaker
from engine.reader.terms import Hit

_PART: Final = r"[A-Z][\w&.'’\-]*"
_NAME: Final = rf"{_PART}(?:(?: |-)(?:(?:of|de|du|des|and|&) )?{_PART}){{0,4}}"
_FORM: Final = (
    r"Inc|Corp|Corporation|Co\.|Ltd|Limited|plc|PLC|LLC|SA|SE|AG|NV|ASA|SpA|Holdings?|Therapeutics|Pharmaceuticals?|Pharma|Biosciences|Biotech|Bancorp|Bancshares|Technologies|"
    r"Industries|Semiconductor|Airlines|Airways|Motors|Networks|Laboratories|Entertainment|Resources|Minerals|Mining|Lithium|Robotics|Aerospace|Hospitality|Brands|Stores|REIT"
)
_FALLS: Final = (
    r"[Ff]alls?|[Ff]ell|[Dd]rops?|[Dd]ropped|[Pp]lunge[sd]?|[Pp]lunging|[Ss]inks?|[Ss]ank|[Ss]inking|[Ss]lides?|[Ss]lid|[Ss]lumps?|[Ss]lumped|[Tt]umbles?|[Tt]umbled|[Tt]umbling|[Cc]rash(?:es|ed)|"
    r"[Dd]ips?|[Ss]lips?|[Ss]lipped|[Ss]heds?|[Ll]oses|[Ll]ost|[Dd]eclines?|[Dd]eclined|[Tt]anks?|[Tt]anked|[Cc]raters?|[Nn]osedives?|[Pp]lummets?|[Pp]lummeted|[Rr]etreat(?:s|ed)|[Jj]umps?|[Ss]urges?|[Ss]oars?|[Rr]ises?|[Rr]ose|[Gg]ains?|[Gg]ained|"
    r"chute|recule|perd|plonge|s['’]effondre|dévisse|baisse|cède|lâche|dégringole|décroche|grimpe|bondit|gagne|s['’]envole|trébuche"
)
_STOCK: Final = r"[Ss]hares?|[Ss]tock(?: [Pp]rice)?|ADRs?"
# Each pattern with words of which a sentence, folded, must have one for it; with none it is asked of every sentence.
_PATTERNS: Final = tuple(
    (words, re.compile(pattern))
    for words, pattern in (
        ((), rf"(?P<name>{_NAME}),? (?:{_FORM})\b"),
        (("share", "stock"), rf"\b(?:[Ss]hares?|[Ss]tock) (?:of|in) (?:the )?(?P<name>{_NAME})"),
        (("share", "stock", "adr"), rf"(?P<name>{_NAME})(?:'s|’s|'|’)? (?:{_STOCK})\b(?! [Mm]arket)"),
        (("(",), rf"(?P<name>{_NAME}) ?\((?:[A-Za-z ]{{2,12}}: ?)?[A-Z]{{1,5}}(?:\.[A-Z]{{1,2}})?\)"),
        ((), rf"(?:^|\n|[.!?:;–—] |[,] )(?P<name>{_NAME}) (?:{_FALLS})\b"),
        ((), rf"(?:^|\n)[>*•\- ]*(?:\*\*)?(?P<name>{_NAME})(?:\*\*)? ?[–—:] "),
        (
            ("action", "titre"),
            rf"\b(?:[Ll]['’]action|[Ll]e titre|[Ll]es titres|actions?|titres?) (?:de |d['’]|du )?(?P<name>{_NAME})",
        ),
    )
)
# Words that begin with a capital in headlines, or at the start of a sentence, and are part of no company's name.
_COMMON: Final = frozenset(
    re.findall(
        r"\S+",
        "stock stocks share shares market markets wall street main dow jones nasdaq s&p the a an why how what when where here this these that those top best worst tech technology ai big biggest "
        "us u.s u.s. uk u.k eu china chinese europe european japan japanese asia asian american america global world india korea taiwan fed federal reserve president ceo cfo chief chair trump biden powell "
        "oil gold silver bitcoin crypto bond bonds treasury yields dollar euro investors traders analysts analyst futures index indexes indices bank banks chip chips chipmaker chipmakers sector sectors "
        "sales earnings profit profits revenue growth inflation jobs data report reports week month year day monday tuesday wednesday thursday friday saturday sunday january february march april may june july "
        "august september october november december q1 q2 q3 q4 after as amid and but or nor for with on in of to from by at into over under is are was were will can could should would has have had do does "
        "more most new old first second last next just now then if while despite since its it he she they his her their our your my i we you not no only also both all some many few dear mr mrs ms dr "
        "magnificent seven mag 7 growth value small cap penny meme semiconductor semiconductors software energy healthcare health retail consumer tariff tariffs trade war rate rates cut cuts hike recession economy "
        "premarket pre-market after-hours today yesterday tomorrow morning afternoon breaking live update exclusive opinion analysis watch buy sell hold etf etfs fund funds hedge ipo spac dividend dividends "
        "quantum computing electric vehicle ev evs car cars airline airlines bull bear bulls bears bubble crash rally selloff sell-off rout dip correction panic fear fears hopes momentum quality "
        "le la les l un une des du de en et ou mais pourquoi comment bourse cac paris wall-street marche marchés marché action actions titre titres valeur valeurs secteur tech luxe pétrole or bce zone lundi mardi mercredi "
        "inc inc. corp corp. ltd llc co co. plc better leading keep calls sponsored shorted recent equities know late trouble power million billion l'article article "
        "jeudi vendredi france europe chine etats-unis états-unis analyse avis hausse baisse cours groupe société il elle ils elles ce cet cette ces son sa ses selon après avant malgré face comme",
    )
)
_HAN_SUBJECT: Final = re.compile(
    r"(?:^|[\n。！？；，、：:;\s【】「」『』《》〈〉\"“”(（])(?P<name>[\u3400-\u9fff]{2,7}?|[A-Z][A-Za-z0-9&.\-]{2,}(?: [A-Z][\w&.\-]+){0,3}(?=[\u3400-\u9fff\s(（]))\s?(?:(?<=[A-Za-z0-9\s])[\u3400-\u9fff]{0,6}?)?"
    r"(?:[（(][0-9A-Z]{1,6}(?:[.\-][A-Z]{1,3})?[)）])?(?:股价|盘中|盘前|盘后|美股|H股|A股|港股)?(?:一度|早盘|午后|开盘|今|昨|再|续|收|大|暴|急|重|狂|闪)?(?:跌|挫|崩|跳水|涨|飙|公告|走低|走高|杀|熄火|下挫)"
)
_ENDING: Final = re.compile(
    r"(?<=[\u3400-\u9fff]{2})(?:科技|电子|股份|集团|控股|生物|医药|药业|制药|证券|银行|保险|地产|置业|食品|酒业|航空|物流|传媒|影视|网络|软件|信息|通信|光电|半导体|化工|化学|重工|机械|电气|电力|新材|材料|环保|矿业|锂业|稀土|"
    r"能源|汽车|智能|机器人|医疗|器械|基因|农业|建设|建筑|金融|文化|教育|旅游|酒店|百货|家居|电器|照明|服饰|纺织)$"
)
_CAPITAL: Final = re.compile(r"[A-Z]")
# A "subject" with one of these is a market, a price, a sum or a pronoun.
_NO_NAME: Final = re.compile(
    r"[股市价指盘债币率汇额量值率息油铜银铝煤]|板块|概念|期货|美元|黄金|欧元|日元|收入|利润|业绩|销售|订单|毛利|资金|外资|机构|主力|行情|情绪|信心|今年|昨日|今日|本周|上周|周[一二三四五六日天末]|星期|礼拜|季度|三大|两大|四大|多只|其中|此外|"
    r"同时|公司|集团|随后|因此|但|而|或|则|并|若|如|当|即|将|被|遭|因|受|由|对|从|向|在|于|与|和|及|的|了|个|只|家|各|每|均|全|都|也|又|仍|已|最|更|较|近|逾|超|约|累计|连续|继续|开始|可能|或许|一旦|科技|芯片|半导体|"
    r"^(?:一|此|本|该|两|多|昨|截|这|那|无|根据|随|等待|未来|看|再|后|前|上|下|今|认为|切勿|日内|跌|涨|冲击|点|部分|往往|存储|成本)|软件|巨头|龙头|族群|类|权值|指标|热门|台积|大型|小型|中小|金融|生物|信息|新能源|数字|智能|互联网|人工|创新高|成长|投资|散户|法人|市场|产业|行业|亚洲|欧洲|美国|中国|日本|韩国|台湾|香港|全球|国际|国内"
)


def somebody_in(text: str, folded: str, span: Span, language: str, known: Sequence[Hit]) -> list[Hit]:
    """Find companies in a sentence that are not among the `known` names.

    Parameters
    ----------
    text, folded
        The whole document.
    span
        The sentence.
    language
        Its language.
    known
        The names found in the document that touch the sentence, persons and groups among them.
    """
    out: list[Hit] = []
    for start, end in _spans(text, folded, span, language):
        hit = Hit(start, end, "unknown", UNKNOWN)
        if not any(other.start < end and start < other.end for other in (*known, *out)) and not is_speaker(hit, folded):
            out.append(hit)
    return out


def _spans(text: str, folded: str, span: Span, language: str) -> Iterator[tuple[int, int]]:
    if language == "zh":
        for match in _HAN_SUBJECT.finditer(_cased(text, folded, span)):
            name = match.group("name")
            ending = _ENDING.search(name)
            if not _NO_NAME.search(name[: ending.start()] if ending else name):
                yield span.start + match.start("name"), span.start + match.end("name")
        return
    told, low = text[span.start : span.end], folded[span.start : span.end]
    for words, pattern in _PATTERNS:
        if words and not any(word in low for word in words):
            continue
        for match in pattern.finditer(told):
            start, end = _trimmed(told, match.start("name"), match.end("name"))
            if end - start > 1:
                yield span.start + start, span.start + end


def _cased(text: str, folded: str, span: Span) -> str:
    """Give a Chinese sentence in simplified characters with its Latin capitals."""
    if _CAPITAL.search(text, span.start, span.end) is None:
        return folded[span.start : span.end]
    return "".join(
        mine if mine.isascii() else other
        for mine, other in zip(text[span.start : span.end], folded[span.start : span.end], strict=True)
    )


def _trimmed(told: str, start: int, end: int) -> tuple[int, int]:
    """Cut common words off a run of capitals; nothing is left of one that has no other word."""
    words = [(match.start(), match.end()) for match in re.finditer(r"\S+", told[start:end])]

    def common(bounds: tuple[int, int]) -> bool:
        word = told[start + bounds[0] : start + bounds[1]].lower().strip(".,'’:")
        return word.removesuffix("'s").removesuffix("’s") in _COMMON or word.endswith(("ing", "ed"))

    while words and common(words[0]):
        words.pop(0)
    while words and common(words[-1]):
        words.pop()
    return (start + words[0][0], start + words[-1][1]) if words else (start, start)
