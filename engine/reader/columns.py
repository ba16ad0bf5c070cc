"""The columns of a table of documents: what tables call them, and which one holds what."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.faults import Fault
from engine.guess import did_you_mean
from engine.reader.fold import fold
from engine.tables.zones import check_zone
from engine.toml import read_toml

if TYPE_CHECKING:
    from engine.reader.when import When

#: What tables call their columns, as `plain_name` writes it, the likeliest first; a columns file says otherwise.
SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "text": (
        "text", "texts", "body", "content", "article", "maintext", "fulltext", "bodytext", "story", "message", "selftext", "tweet", "sentence", "comment",
        "news", "post", "contentencoded", "plaintext", "正文", "内容", "全文", "文本", "内文", "原文", "文章", "新闻", "快讯", "消息", "报道",
        "texte", "contenu", "corps", "phrase",
    ),
    # Of these a text has less: they stand for it where it is not there.
    "teaser": (
        "description", "summary", "abstract", "snippet", "contentsnippet", "excerpt", "standfirst", "teaser", "lead", "lede", "synopsis", "summaries",
        "摘要", "导语", "简介", "概要", "描述", "提要", "resume", "extrait", "chapo", "chapeau", "accroche", "sommaire", "intro",
    ),
    "title": (
        "title", "headline", "titles", "headlines", "head", "标题", "题目", "题名", "titre", "intitule", "manchette", "subject", "主题", "objet",
    ),
    "published": (
        "published", "publishedat", "publishedon", "publishedtime", "publisheddate", "publisheddatetime", "publishedtimestamp", "publishdate",
        "publishtime", "publishdatetime", "publishtimestamp", "publishedutc", "publishat", "publication", "publicationdate", "publicationtime",
        "publicationdatetime", "pubdate", "pubtime", "pubdatetime", "datepub", "datepublished", "timepublished", "datetimepublished", "dateposted",
        "timeposted", "posted", "postedat", "postedon", "released", "releasedat", "releasedate", "releasetime", "issued", "issuedat", "displaytime",
        "displaydate", "showtime", "providerpublishtime", "versioncreated", "firstpublished", "firstpublishedat", "webpublicationdate", "date", "datetime", "dateandtime", "dt",
        "dateline", "time", "timestamp", "ctime", "day", "unixtime", "epoch", "发布时间", "发布日期", "发布日期时间", "发表时间", "发表日期", "发文时间", "刊登时间",
        "刊登日期", "出版日期", "报道时间", "公告日期", "公告时间", "日期", "时间", "datepublication", "datedepublication", "datedeparution", "dateparution",
        "dateheure", "dateetheure", "heuredepublication", "datediffusion", "datedediffusion", "datemiseenligne", "datedemiseenligne", "publiele", "horodatage",
    ),
    # Of a draft or a row, perhaps: taken where there is no other.
    "created": ("createdat", "created", "createdutc", "createtime", "createdtime", "createdate", "createddate", "创建时间", "创建日期", "datecreation"),
    "clock": ("heure", "hour", "clock", "timeofday", "时刻", "钟点"),
    "timezone": ("timezone", "tz", "时区", "fuseauhoraire"),
    "ticker": (
        "ticker", "symbol", "tickers", "symbols", "stock", "stocksymbol", "stockcode", "stockticker", "tickersymbol", "companyticker", "securitycode",
        "secucode", "stocks", "stockcodes", "代码", "股票代码", "证券代码", "股票代号", "证券代号", "symbole",
    ),
    "doc_id": (
        "docid", "id", "documentid", "uuid", "articleid", "newsid", "storyid", "itemid", "postid", "messageid", "编号", "新闻id", "文章id", "identifiant",
        "url", "link", "guid", "permalink", "链接", "连结", "网址", "lien",
    ),
    "publisher": (
        "publisher", "publishername", "media", "medianame", "outlet", "newspaper", "provider", "providername", "source", "sourcename", "sourcetitle",
        "newssource", "sourcedomain", "domain", "website", "媒体", "媒体名称", "来源", "新闻来源", "消息来源", "信息来源", "来源媒体", "媒体来源", "出处", "editeur", "journal",
    ),
    "url": ("url", "link", "permalink", "href", "weburl", "articleurl", "newsurl", "链接", "连结", "网址", "原文链接", "lien"),
}  # fmt: skip

# "Post_Text", "news_title", "新闻标题": what a column is of may stand before its name, and what form it has behind it.
_BEFORE: Final = (
    "(?:article|news|new|post|story|item|doc|document|page|main|full|raw|clean|cleaned|original|entry|feed|web|tweet|fulltext"
    "|新闻|文章|消息|资讯|快讯|公告|帖子|发布|完整)*"
)
_BEHIND: Final[dict[str, str]] = {
    "text": "(?:text|texts|raw|clean|cleaned|plain|full|en|fr|zh|cn|original|extrait|integral|complet|(?:del)?article|文本|正文|全文)*",
    "title": "(?:text|raw|clean|cleaned|plain|full|en|fr|zh|cn|original|(?:del)?article|main|文本)*",
    "published": "(?:parsed|utc|gmt|et|est|edt|cet|local|iso|iso8601|str|string|raw|unix|epoch|ts|ms)*",
}
_BEHIND["teaser"] = _BEHIND["text"]

# "last_modified_at", "article:modified_time", "meta.updated": a word of change, with words of time before or behind it. The nouns
# and verbs that say other things where they stand alone, as "change" and "revision", take one such word at least.
_TIME_BEFORE = "date|time|timestamp|last|latest|post|page|article|story|content|de|of|derniere"
_TIME_BEHIND = "at|on|time|date|datetime|timestamp|utc|gmt|ts|le"
_CHANGED: Final = re.compile(
    rf"(?:{_TIME_BEFORE})*(?:modified|updated|revised|edited|changed|corrected|amended|lastmod|mtime|miseajour|misajour|maj|modifiele)(?:{_TIME_BEHIND})*"
    rf"|(?:{_TIME_BEFORE})+(?:modif|modification|modify|update|revision|edit|correction|amendment)(?:{_TIME_BEHIND})*"
    rf"|(?:{_TIME_BEFORE})*(?:modif|modification|modify|update|revision|edit|correction|amendment|change)(?:{_TIME_BEHIND})+"
    r"|(?:最后|最近)?(?:更新|修改|编辑|修订|更正)(?:于|时间|日期)|最后(?:更新|修改|编辑)"
)
_PAGE: Final = re.compile(r"^(?:article|og|dc|dcterms|meta|metadata|page)[.:/]", re.IGNORECASE)  # of the text itself
_LISTS: Final = ("text", "title")  # what may be spread over several columns
_NO_ROLE: Final = ("teaser", "created", "clock")  # spellings that are no setting of their own


class NoColumn(Fault):
    """A table lacks a column that the user names."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a table hold what, as a user says it; an empty name means that nothing is said.

    Attributes
    ----------
    text, title
        A column, or several that are joined.
    published, modified
        When a row was published and changed.
    seen
        When a crawler had it: nothing of it is known earlier.
    timezone
        The time zone of each row.
    doc_id, url
        What a row is called, and where it stood; a later version of a document has the same of one of them.
    ticker
        Whom a row is about.
    publisher
        Who published it, `source` of its events.
    zone
        The time zone of every row, where no column has it.
    """

    text: str | tuple[str, ...] = ""
    title: str | tuple[str, ...] = ""
    published: str = ""
    modified: str = ""
    seen: str = ""
    timezone: str = ""
    doc_id: str = ""
    url: str = ""
    ticker: str = ""
    publisher: str = ""
    zone: str = ""


#: A columns file, or what would stand in one.
Given = str | Path | Mapping[str, Any] | Columns | None


@dataclass(frozen=True)
class Picked:
    """Which column holds what; "" or nothing where there is none.

    Attributes
    ----------
    text
        Columns of text, the likeliest first.
    joined
        Whether all of them make a text; else the first that holds something.
    """

    text: tuple[str, ...]
    joined: bool
    title: tuple[str, ...] = ()
    timezone: str = ""
    doc_id: str = ""
    url: str = ""
    ticker: str = ""
    publisher: str = ""
    seen: str = ""

    def names(self) -> set[str]:
        """Give every column that is used."""
        return {
            *self.text,
            *self.title,
            self.timezone,
            self.doc_id,
            self.url,
            self.ticker,
            self.publisher,
            self.seen,
        } - {""}


def columns_from(source: Given) -> Columns:
    """Read a mapping of columns from a small TOML file: ``text = ["content", "summary"]``, ``published = "date"``, ``zone = "Asia/Shanghai"``.

    Raises
    ------
    Fault
        The file cannot be read, or names something that no column can be for.
    """
    if source is None or isinstance(source, Columns):
        return source or Columns()
    given: dict[str, Any]
    if isinstance(source, Mapping):
        given, name = dict(source), "columns"
    else:
        name = f"columns {source}"
        given = read_toml(source, "columns")
        inner = given.get("columns", given)
        given = inner if isinstance(inner, dict) else given
    allowed = [item.name for item in fields(Columns)]
    for key, value in given.items():
        if key not in allowed:
            meant = did_you_mean(key, allowed)
            raise Fault(
                f"{name}: {key!r} is nothing that a column can be for{meant}; allowed are {', '.join(allowed)}."
            )
        if key in _LISTS and isinstance(value, (list, tuple)):
            if not value or not all(isinstance(item, str) and item for item in value):
                raise Fault(
                    f"{name}: {key} must be a column or a list of columns (got {value!r}); name them in quotes."
                )
            given[key] = tuple(value)
        elif not isinstance(value, str):
            raise Fault(f"{name}: {key}={value!r} is no column's name; write it in quotes.")
    check_zone(given.get("zone") or None, f"{name}: zone")
    return Columns(**given)


def with_seen(columns: Columns, seen: str) -> Columns:
    """Add the column that says when a crawler had a document."""
    if not isinstance(seen, str):
        raise Fault(f"seen must be the name of a column (got {seen!r}); give one, or leave it out.")
    return replace(columns, seen=seen) if seen else columns


@functools.lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Fold the name of a column: no case, accents, blanks or signs, simplified characters.

    Examples
    --------
    >>> plain_name("Published_At"), plain_name("發布時間"), plain_name("Texte extrait"), plain_name("pubDate")
    ('publishedat', '发布时间', 'texteextrait', 'pubdate')
    """
    return re.sub(r"[\W_]", "", fold(name).replace("發佈", "发布").replace("发佈", "发布"))


def is_change(name: str) -> bool:
    """Tell whether a column or tag of this name says when a text was changed.

    Examples
    --------
    >>> is_change("article:modified_time"), is_change("dateLastModified"), is_change("change")
    (True, True, False)
    """
    return any(_CHANGED.fullmatch(plain_name(part)) for part in (name, re.split(r"[.:/]", name)[-1]))


def when_columns(names: Sequence[str], published: str, modified: str) -> tuple[list[str], list[str]]:
    """Name the columns that may say when a row was published, the likeliest first, and when it was changed.

    Parameters
    ----------
    names
        The columns of a table.
    published, modified
        The columns that the user names for it, or "".
    """
    later = [modified] if modified else [name for name in names if is_change(name)]
    if published:
        first = [published]
    else:
        bare = {name: _PAGE.sub("", name) for name in names}
        first = [name for role in ("published", "created", "clock") for name in _like(role, bare)]
    return first, [name for name in later if name not in first]


def pick(names: Sequence[str], columns: Columns, source: str) -> Picked | None:
    """Say which column holds what: by the user's mapping, else by its usual name; None where none holds a text or a title.

    Raises
    ------
    Fault
        The user names a column that is not there (`NoColumn`).
    """
    for role in fields(Columns):
        value = getattr(columns, role.name)
        for wanted in () if role.name == "zone" else (value,) if isinstance(value, str) else value:
            if wanted and wanted not in names:
                meant = did_you_mean(wanted, names)
                raise NoColumn(
                    f"{source}: there is no column {wanted!r} for {role.name}{meant}; its columns are {', '.join(names)}."
                )
    bare = {name: name for name in names}
    title = _several(columns.title) or tuple(_like("title", bare))[:1]
    text = _several(columns.text)
    joined = len(text) > 1
    if not text:
        text = tuple(name for role in ("text", "teaser") for name in _like(role, bare) if name not in title)
    text = text or title
    if not text:
        return None
    single = {
        role: getattr(columns, role) or next(_like(role, bare), "")
        for role in ("timezone", "doc_id", "url", "ticker", "publisher")
    }
    return Picked(text, joined, title if title != text else (), **single, seen=columns.seen)


def holds_text(names: Sequence[str]) -> bool:
    """Tell whether some column of these is a text or a title by its name."""
    bare = {name: name for name in names}
    return any(next(_like(role, bare), "") for role in ("title", "text", "teaser"))


def usual_role(name: str) -> str:
    """Give what a column of this name usually holds: a key of ``SPELLINGS``, or "".

    Examples
    --------
    >>> usual_role("時間"), usual_role("Headlines"), usual_role("texte_extrait"), usual_role("relevance_score")
    ('published', 'title', 'text', '')
    """
    return next((role for role in SPELLINGS if _rank(role, plain_name(name)) is not None), "")


def _several(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return given if isinstance(given, tuple) else (given,) if given else ()


def _like(role: str, bare: Mapping[str, str]) -> Iterator[str]:
    """Give the columns that bear a usual name of a role, the likeliest first; of two that rank alike the first in the table."""
    ranked = [(rank, name) for name, short in bare.items() if (rank := _rank(role, plain_name(short))) is not None]
    yield from (name for _, name in sorted(ranked, key=lambda pair: pair[0]))


@functools.lru_cache(maxsize=65_536)
def _rank(role: str, name: str) -> tuple[int, int] | None:
    """Say how usual a folded name is for a role: its place in the list, dressed ones behind; None where it is none of it."""
    usual = SPELLINGS[role]
    if name in usual:
        return 0, usual.index(name)
    if role not in _BEHIND:
        return None
    found = _dressed(role).fullmatch(name)
    return (1, usual.index(found[1])) if found else None


@functools.cache
def _dressed(role: str) -> re.Pattern[str]:
    longest = sorted(SPELLINGS[role], key=len, reverse=True)
    return re.compile(f"{_BEFORE}({'|'.join(longest)}){_BEHIND[role]}")


def told(picked: Picked, when: When, names: Sequence[str]) -> str:
    """Say in one sentence which column became what, and which ones are not used."""
    between = " and " if picked.joined else ", else "
    stamps = [repr(name) for name in (when.finer, when.published, *when.spare) if name]
    dated = " and ".join(map(repr, (when.published, when.clock))) if when.clock else ", else ".join(stamps)
    parts = [
        ("the title", " and ".join(map(repr, picked.title))), ("the text", between.join(map(repr, picked.text))),
        ("the publication", dated or "no column"), ("the change", " and ".join(map(repr, when.modified))),
        ("the time zone", repr(picked.timezone) if picked.timezone else ""), ("the subject's ticker", repr(picked.ticker) if picked.ticker else ""),
        ("the publisher", repr(picked.publisher) if picked.publisher else ""), ("the name", repr(picked.doc_id) if picked.doc_id else ""), ("when it was seen", repr(picked.seen) if picked.seen else ""),
    ]  # fmt: skip
    used = picked.names() | {when.published, when.clock, when.finer, *when.spare, *when.modified}
    rest = [repr(name) for name in names if name not in used]
    spare = (
        f"; not used: {', '.join(rest[:12])}{f' and {len(rest) - 12} more' if len(rest) > 12 else ''}" if rest else ""
    )
    return f"{', '.join(f'{what} is {name}' for what, name in parts if name)}{spare}."
