"""What a document is by its form: a filing, a letter, an opinion, a flash of a wire, or an article."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from engine.reader.sentences import Span

TOP: Final = 1_500  # characters in which a form says what it is
LONGEST: Final = 20_000  # characters that are looked through for the first person
FLASH: Final = 600  # letters of a flash; a Chinese character counts as three
WIRE: Final = 1_800  # letters of one that bears the mark of a wire
_GAP: Final = r"(?:\s*[:：|丨\-–—·(（\]】]|\.\s|\s*$)"  # what parts a mark in a headline from the rest

# Folded: lower case, no accents, simplified characters.
_SEC: Final = r"(?:10-?[kq]|8-?k|6-?k|20-?f|40-?f|11-?k|s-[1348]|f-[134]|13[dg]|form 13f(?:-hr)?|form [345]|def ?14a|424b\d)(?:/a)?"
_FILING_TITLE: Final = re.compile(
    "|".join(
        (
            rf"^(?:sec )?(?:filing: )?(?:form |schedule )?{_SEC}{_GAP}", rf"[\-–—|:]\s*(?:form |schedule )?{_SEC}\s*$",
            r"(?:关于|[:：]|\d{4}年).{0,80}(?<!晚间)(?<!早间)(?<!重要)(?<!重大)公告(?:[(（][^)）]{0,20}[)）])?$", r"^(?:代.{2,20})?公告本公司",
            r"[:：年].{0,30}(?:年度|半年度|季度)报告(?:全文|摘要|正文)?$", r"(?:招股说明书|权益变动报告书|募集说明书)(?:摘要|[(（][^)）]{0,10}[)）])?$",
            r"document d'enregistrement universel(?: \d{4})?$", r"\bdeclaration d(?:es|e) (?:transactions sur actions propres|franchissement)",
            r"nombre total (?:d'actions et )?de droits de vote",
        )
    )
)  # fmt: skip
_FILING: Final = re.compile(
    "|".join(
        (
            r"united states\s+securities and exchange commission", r"commission file (?:number|no)", r"pursuant to section 13 or 15\(d\)",
            r"^\W{0,9}(?:form (?:10-[kq]|8-k|6-k|20-f)|schedule 13[dg])(?:/a)?\s*$", r"stock exchange of hong kong limited take no responsibility",
            r"this announcement contains inside information", r"dissemination of a regulatory announcement",
            r"(?:证券|股票)代码\s*[:：]?\s*\d{4,6}[^。]{0,80}公告编号", r"本公司及?董事会(?:及?全体(?:董事|成员))?[^。]{0,20}保证", r"^\W{0,9}特此公告",
            r"对本公告(?:之|的)?内容概不负责", r"符合条款[^。]{0,40}事实发生日", r"^\W{0,9}(?:information|communique(?: de presse)?) reglementee?\b",
            r"article l\.? ?233-8", r"article 223-16 du reglement general",
        )
    ),
    re.MULTILINE,
)  # fmt: skip
_READERS: Final = "(?:(?:share|stock|unit)-?holders|investors|partners|clients|owners|readers)"
_LETTER: Final = re.compile(
    "|".join(
        (
            rf"^\W{{0,3}}(?:dear|to (?:the|our|all|my)) (?:(?:our|fellow|valued|all|\w+) ){{0,2}}{_READERS}\s*[,:!.]?\s*$",
            rf"^\W{{0,3}}dear (?:(?:our|fellow|valued) ){{0,2}}{_READERS}\s*[,:!]",
            r"^\W{0,3}(?:madame,? monsieur,? )?(?:chers?|cheres?)(?: et cher(?:e?)s)? (?:actionnaires|investisseurs|associes|clients|lecteurs)\s*[,:!]",
            r"^\W{0,3}(?:尊敬的|敬爱的|亲爱的|各位|致)(?:各位|全体|我们的)?(?:股东|投资者|投资人|合伙人|读者)(?:们|朋友们?)?\s*[:：,，!！]",
            r"^.{0,60}\bin (?:today's|this week's) (?:issue|edition|newsletter)\b", r"^.{0,40}\bwelcome to .{0,40}\bnewsletter\b",
        )
    ),
    re.MULTILINE,
)  # fmt: skip
_LETTER_TITLE: Final = re.compile(
    rf"^(?P<whose>.{{0,60}}?)(?:\b(?:annual |quarterly |open )?letter to (?:(?:our|the|all) )?{_READERS}|\b(?:share|stock)holders?'? letter"
    r"|\blettre (?:annuelle |ouverte )?aux (?:actionnaires|investisseurs)|致(?:全体|各位)?(?:股东|投资者|投资人)的?(?:一封)?(?:公开)?[信函]|股东信)"
    r"(?:\s*(?:(?:for |of |de |pour )?(?:fy ?|q[1-4] ?)?\d{2,4}年?|$)|\s*[|:：\-–—(（,])"
)
# "Buffett warns in letter to shareholders" is told of a letter.
_REPORTS: Final = re.compile(
    r"\b(?:in|from|says?|said|writes|wrote|warns?|tells?|told|of|after|dans|sa|apres|ecrit|previent)\b|在|的|称|说|谈"
)
_OPINION_TITLE: Final = re.compile(
    r"^\W{0,9}(?:opinions?|op-?ed|editorial|commentary|comment|column|viewpoint|guest (?:post|column|essay)|essay|my (?:view|take)|perspective|breakingviews|lex"
    r"|tribune|chronique|edito|point de vue|billet|libre propos|carte blanche|avis d'expert"
    rf"|观点|评论|社评|社论|专栏|时评|锐评|快评|短评|点评|笔谈|读者投书|投书|名家观点|经济观察){_GAP}"
    r"|[|丨\-–—]\s*(?:opinion|op-?ed|editorial|commentary|column|tribune|chronique|edito|观点|评论|社评|社论|专栏|时评)\s*$"
)
_OPINION: Final = re.compile(
    "|".join(
        (
            r"^\W{0,9}(?:opinion|commentary|op-?ed|tribune|chronique|editorial|社论|专栏|评论)\s*$", r"\bopinion columnist\b", r"\bis a columnist (?:for|at)\b",
            r"\b(?:views|opinions) expressed (?:here |in this \w+ )?are (?:his|her|their|my|those|the author)", r"\bi(?:/we)? (?:am|have|hold)(?:/we (?:are|have|hold))? (?:long|short|no (?:stock|position|holding)|a (?:long|short|beneficial))",
            r"\bn'engage(?:nt)? que (?:son|leur|l')\s?auteur", r"代表作者(?:本人|个人)?(?:的)?(?:观点|立场|意见)", r"作者(?:系|为|是)[^。\n]{0,30}(?:专栏|评论员|研究员|教授)",
        )
    ),
    re.MULTILINE,
)  # fmt: skip
_OPINION_PAGE: Final = re.compile(
    r"https?://[^/\s]+/(?:[^?#\s]*/)?(?:opinions?|op-?eds?|editorials?|commentary|columns?|columnists?|tribunes?|chroniques?|guandian|pinglun)/",
    re.IGNORECASE,
)
_SPOKEN: Final = re.compile(r"transcript|conference call|interview|entretien|专访|采访|对话|问答|电话会|q&a")
# What stands in quotation marks, and what follows a speaker's name and a colon.
_QUOTED: Final = re.compile(
    r'"[^"\n]{1,600}"|“[^”]{1,600}”|«[^»]{1,600}»|「[^」]{1,600}」|『[^』]{1,600}』|(?<=\w)\s?[:：](?!\s?["“«「『])[^.。!！?？\n]{1,300}'
)
_I: Final = re.compile(
    r"\bI(?:['’](?:m|ve|d|ll))?(?= [a-z])(?<!Phase I)(?<!Type I)(?<!Class I)(?<!Part I)(?<!War I)|\b[Mm]y (?=[a-z])|\b[Jj]e (?=[a-zà-ü])|\b[Jj]['’](?=[a-zà-ü])"
    r"|(?<!自)我(?![们們国國市省县縣区區司校军軍方行院部党黨队隊会會所公])|[笔筆]者"
)
_I_THINK: Final = re.compile(
    r"\W*(?:i (?:think|believe|expect|am (?:convinced|afraid|selling|buying|short|long))|i'm (?:selling|buying|short|long|not)|in my (?:view|opinion)"
    r"|je (?:pense|crois|suis convaincu)|a mon (?:avis|sens)|selon moi|我(?:认为|觉得|相信|担心|看)|在我看来|笔者)"
)
_WIRE_MARK: Final = re.compile(
    r"\d{1,2}月\d{1,2}日(?:电|讯|消息)[,，:：|丨(（\s]|^\W{0,9}(?:breaking|flash|urgent|alert|alerte|快讯|速报|突发|电报|实时快报)(?: news)?\s*[:：|丨\-–—】\]]"
    r"|^\*[a-z]"
)
# What must stand in a text for the patterns above to be worth their time.
_MAY_FILE: Final = (
    "commission", "section 13", "form ", "schedule", "no responsibility", "inside information", "regulatory", "公告", "保证", "事实发生", "reglement", "233-8",
)  # fmt: skip
_MAY_WRITE: Final = ("dear ", "to ", "cher", "in ", "尊敬的", "敬爱的", "亲爱的", "各位", "致")
_MAY_MEAN: Final = (
    "opinion", "commentary", "op-ed", "oped", "tribune", "chronique", "editorial", "社论", "专栏", "评论", "columnist", "expressed", "i am", "i have",
    "i hold", "i/we", "n'engage", "代表作者", "作者",
)  # fmt: skip
_MAY_SAY_I: Final = (" i ", "\ni ", "i'", "my ", "je ", "j'", "我", "笔者")


def document_kind(text: str, folded: str, spans: Sequence[Span], title: Span, address: str = "") -> str:
    """Tell what a document is by its form: the first of filing, letter, opinion, flash, article that fits.

    Parameters
    ----------
    text, folded
        The document and its folded form, of one length.
    spans, title
        Its sentences, and where its headline stands.
    address
        Its URL, where there is one.

    Returns
    -------
    str
        "filing"
            A form of the SEC, a 公告 of a listed company, regulated information: by the words of the form itself.
        "letter"
            A salutation of shareholders, investors or readers on a line of its own, or a headline that calls it a letter to them.
        "opinion"
            "Opinion:", 社论 and the like in the headline, on a line of their own, or in the address; or the first person outside quotation
            marks: twice in a text of up to twelve sentences, else three times; interviews and transcripts are none.
        "flash"
            At most 600 letters, or 1,800 with the mark of a wire (6月2日电, "BREAKING:"); a Chinese character counts as three.
        "article"
            The rest.

    Examples
    --------
    >>> told = "Opinion: the boom ends badly. Prices are mad."
    >>> document_kind(told, told.lower(), [Span(0, 29), Span(30, 45)], Span(0, 29))
    'opinion'
    """
    headline, top = folded[title.start : title.end], folded[:TOP]
    if _FILING_TITLE.search(headline) or (_has(top, _MAY_FILE) and _FILING.search(top)):
        return "filing"
    if _names_a_letter(headline) or (_has(top, _MAY_WRITE) and _LETTER.search(top)):
        return "letter"
    if _OPINION_TITLE.search(headline) or _OPINION_PAGE.match(address.strip()):
        return "opinion"
    if (_has(top, _MAY_MEAN) and _OPINION.search(top)) or _is_personal(text, folded, spans, headline):
        return "opinion"
    size = sum(span.end - span.start for span in spans)
    if size <= WIRE:
        letters = sum(len(folded[start:end].encode("utf-8", "replace")) for start, end in spans)
        if letters <= FLASH or (letters <= WIRE and _WIRE_MARK.search(folded[title.start :])):
            return "flash"
    return "article"


def _has(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110 - asked of every document
        if word in text:
            return True
    return False


def _names_a_letter(headline: str) -> bool:
    if not _has(headline, ("letter", "lettre", "信", "函")):
        return False
    found = _LETTER_TITLE.search(headline)
    return found is not None and _REPORTS.search(found["whose"]) is None


def _is_personal(text: str, folded: str, spans: Sequence[Span], headline: str) -> bool:
    """Tell whether the writer speaks as "I"; a sentence that begins with "I think" counts twice."""
    folded = folded[:LONGEST]
    if not (_has(folded, _MAY_SAY_I) or folded.startswith("i ")) or _SPOKEN.search(headline):
        return False
    said = len(_I.findall(_QUOTED.sub(" ", text[:LONGEST])))
    if not said:
        return False
    said += sum(1 for span in spans if span.start < LONGEST and _I_THINK.match(folded, *span))
    return said >= 3 or (said == 2 and len(spans) <= 12)
