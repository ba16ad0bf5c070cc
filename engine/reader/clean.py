"""Tell the story from what stands around it: menus, captions, counters, disclaimers, tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.reader.fold import is_han
from engine.reader.sentences import Span, sentences

# A line (or the sentence of a long line) that says one of these is no part of the story. Folded: lower case, no accents,
# simplified characters.
_NOTICE: Final = re.compile(
    "|".join(
        (
            # disclaimers
            r"not (?:constitute |be construed as )?(?:financial|investment|professional|legal) advice", r"informational purposes only",
            r"information(?:al)? purposes", r"past performance", r"do your own research", r"views expressed .{0,40}(?:author|own)",
            r"(?:author|writer) (?:holds|has) no position", r"may (?:contain|include) third[- ]party content", r"all rights reserved",
            r"terms of (?:use|service)", r"privacy policy", r"cookie", r"accept all", r"sign (?:up|in) (?:for|to|with)", r"subscribe (?:now|to|for)",
            r"newsletter", r"click here", r"read more:", r"related (?:articles|stories|news)", r"download (?:the|our) app", r"advertisement",
            r"avertissement", r"ne (?:garantit|constitue)[^.]{0,60}(?:exactitude|conseil)", r"contenu de tiers", r"fins? d'information",
            r"aucun conseil financier", r"conseil en investissement", r"tous droits reserves", r"politique de confidentialite", r"abonnez-vous",
            r"inscrivez-vous", r"telecharge[rz] (?:l'|notre |gate)", r"cliquez ici", r"a lire aussi", r"lire aussi", r"scannez pour", r"mentions legales",
            r"风险提示", r"免责声明", r"不构成.{0,10}(?:投资|建议)", r"不代表.{0,12}(?:投资建议|本站|立场|观点)", r"仅供参考", r"投资需谨慎", r"据此操作", r"转载请",
            r"版权所有", r"未经授权", r"责任编辑", r"扫码", r"扫描二维码", r"二维码", r"下载.{0,6}(?:app|客户端)", r"关注我们", r"感谢.{0,6}关注", r"公众号",
            r"点击(?:查看|下载|阅读|进入)", r"相关新闻", r"返回顶部", r"更多.{0,10}作者", r"语音播报", r"打开.{0,6}app", r"举报", r"分享到", r"阅读原文",
        )
    )
)  # fmt: skip
# A whole short line that is an element of the page.
_FURNITURE: Final = re.compile(
    r"(?:qr ?code|menu|home|search|login|log in|sign in|register|share|tweet|like|likes|reply|report|comments?|follow|followers?|next|previous|back to top"
    r"|trending|most read|watch|video|photo|image|source:.{0,40}|tags?:.*|\d+ (?:comments?|shares?|likes?|views?|min(?:ute)?s? read)|\d+/\d+|0/400"
    r"|(?:please )?(?:scan|download).{0,60}|see also|more|advertising|ad|sponsored|copyright.*|©.*"
    r"|accueil|rechercher|connexion|s'inscrire|partager|commentaires?|aucun commentaire|recompense|reposter|epingler|voir l'original|repondre|suivre"
    r"|ne pas rappeler aujourd'hui|autres options de telechargement|communaute|trader les cryptos.{0,40}|publicite|\d+ commentaires?|j'aime|imprimer"
    r"|首页|登录|注册|搜索|分享|评论|点赞|收藏|转发|关注|阅读:?\d*|\d* ?阅读:?\d*|举报|回复|上一篇|下一篇|热门|推荐|更多|打印|字号|微博|微信|朋友圈|广告|图片来源.*|图源.*|来源:.{0,30}"
    r"|(?:btc|eth|gt|bnb|sol|xrp|doge)[ +-]*[\d.,]+ ?%"
    r"|简体中文|繁体中文|english|francais(?: \(.*\))?|espanol|русский|українська|日本语|portugues(?: \(.*\))?|bahasa indonesia|tieng viet|deutsch|italiano|한국어|turkce|العربية)"
)
_CELLS = re.compile(r"\s*[|/»>]\s*|\s{3,}|\t")
_DIGIT = re.compile(r"\d")
_BULLET = re.compile(r"^[\s·*•\-–>|#]+")
_OURS = re.compile(r"[a-z\u3400-\u9fff]")
_LETTERS = re.compile(r"[^\W\d_]")
# "A股超话基金财经基金": tags that a platform glues to the end of a post, without a verb or a stop.
_TAGS = re.compile(
    r"(?:[\s。!！.]|^)(?:#?[\u3400-\u9fffA-Za-z]{0,6}超话|#[^\s#]{2,20}#?)[\u3400-\u9fffA-Za-z#\s]{0,40}$"
)


def story(text: str, folded: str) -> Iterator[Span]:
    r"""Yield the sentences of the story, as spans of `text`; those that `is_notice` tells are still among them.

    Parameters
    ----------
    text, folded
        A repaired text, or the part of a page that trafilatura kept; and its folded form.

    Examples
    --------
    >>> from engine.reader.fold import fold
    >>> page = "Menu\nNvidia fell 3% on Thursday.\n0/400\nEspañol"
    >>> [page[a:b] for a, b in story(page, fold(page))]
    ['Nvidia fell 3% on Thursday.']
    """
    position = 0
    for line in text.splitlines(keepends=True):
        start, position = position, position + len(line)
        if _is_furniture(folded[start:position]):
            continue
        end = position
        if "超话" in line or "#" in line:
            tags = _TAGS.search(line.rstrip())
            if tags and tags.start() > 20:
                end = start + tags.start()
        yield from sentences(text, start, end)


def is_notice(folded: str, start: int, end: int) -> bool:
    """Tell whether a sentence is a disclaimer, a request to subscribe, or the like.

    >>> text = "this is not financial advice."
    >>> is_notice(text, 0, len(text))
    True
    """
    return _NOTICE.search(folded, start, end) is not None


def _is_furniture(low: str) -> bool:
    words = _BULLET.sub("", low).strip()
    if not words or not _LETTERS.search(words):
        return True
    if len(words) <= 40 and not _OURS.search(words):
        return True  # the name of a language in its own script
    if len(words) <= 70 and _FURNITURE.fullmatch(words):
        return True
    # A row of a menu: short words between bars or wide gaps, and nothing that ends a sentence.
    if len(words) > 300:
        return False
    cells = _CELLS.split(words)
    return (
        len(cells) >= 4
        and all(len(cell) <= (8 if any(map(is_han, cell)) else 22) for cell in cells)
        and _DIGIT.search(words) is None
    )
