# ruff: noqa: E501  (word tables and Chinese, whose characters count twice)
"""Which column of a table of documents holds what: the spellings that are known, those that are not, and what is said of it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.cli import main
from engine.faults import Fault
from engine.reader import read_documents, read_sources
from engine.reader.columns import Columns, pick, usual_role, when_columns
from engine.reader.sources import batches

FALL = "Nvidia fell 8.65% on Thursday."
WHEN = "2025-11-07T09:00:00+00:00"
AT = dt.datetime(2025, 11, 7, 9, tzinfo=dt.UTC)


def taken(path: Path, **columns: Any) -> list[str]:
    """Give the texts that are read from a table."""
    return [text for batch in batches([path], Columns(**columns)) for text in batch["text"]]


def csv(path: Path, **columns: str) -> Path:
    pl.DataFrame({name.replace("__", " "): [value] for name, value in columns.items()}).write_csv(path)
    return path


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("title", "title Title HEADLINE Headlines headline_text news_title Article-Title articleTitle 标题 標題 新聞標題 titre webTitle head subject 题目"),
        ("text", "text Body content full_text Post_Text New_text News texte_extrait 內容 内容 正文 內文 新闻内容 article_content clean_text ArticleBody sentence selftext contenu contenu_article fullText"),
        ("teaser", "summary Summary description content_snippet résumé chapô 摘要 導語 abstract excerpt standFirst extrait"),
        ("published", "date Date PublishedAt published_at pubDate pub_date time_published publish_time 時間 时间 發布時間 發佈時間 发布时间 日期 datetime timestamp published_utc webPublicationDate Date_Posted date_publication news_time display_time ctime showTime post_date providerPublishTime"),
        ("created", "created_at Created created_utc createTime 创建时间 創建時間"),
        ("ticker", "ticker Tickers Symbol stock 代码 股票代碼 股票代號 stock_code stocks"),
        ("doc_id", "id doc_id article_id uuid url link guid 編號 連結 链接"),
    ],
)  # fmt: skip
def test_usual_names(role: str, names: str) -> None:
    assert {name: usual_role(name) for name in names.split()} == dict.fromkeys(names.split(), role)


@pytest.mark.parametrize(
    "name",
    ["relevance_score", "subjects", "topic", "Company", "entreprise", "lang", "level", "title_length", "Sentiment", "text_len", "category", "company_name",
     "n_comments", "comments", "sources", "ticker_sentiment_label", "Unnamed: 0", "", "content_type", "dated", "updates", "likes", "author", "rubrique", "digest"],
)  # fmt: skip
def test_other_columns_are_taken_for_nothing(name: str) -> None:
    assert usual_role(name) == ""


@pytest.mark.parametrize("text", ["title", "Headlines", "summary", "標題", "內容", "texte_extrait", "Post_Text"])
@pytest.mark.parametrize("when", ["pubDate", "時間", "time_published", "PublishedAt", "Date"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_text_and_a_time_are_enough_in_either_order(tmp_path: Path, text: str, when: str, turned: bool) -> None:
    columns = {text: FALL, when: WHEN}
    path = csv(tmp_path / "a.csv", **(dict(reversed(columns.items())) if turned else columns))
    (row,) = (row for batch in batches([path], Columns()) for row in batch.iter_rows(named=True))
    assert (row["text"], row["published"]) == (FALL, WHEN)


def test_a_title_stands_above_its_text(tmp_path: Path) -> None:
    assert taken(csv(tmp_path / "a.csv", Headlines="Chips fall", Description=FALL, Time=WHEN)) == [
        f"Chips fall\n{FALL}"
    ]
    assert taken(csv(tmp_path / "a.csv", title=FALL, text="", date=WHEN)) == [FALL]
    assert taken(csv(tmp_path / "a.csv", title=FALL, text=f"{FALL} More.", date=WHEN)) == [f"{FALL} More."]


def test_the_fuller_text_is_taken_and_another_where_it_is_empty(tmp_path: Path) -> None:
    rows = [
        {"content": "Long.", "summary": "Short."},
        {"content": " ", "summary": "Short."},
        {"content": None, "summary": None},
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{**row, "date": WHEN} for row in rows]))
    assert [text.strip() for text in taken(path)] == ["Long.", "Short.", ""]


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"text": ("content", "summary")}, ["Chips.\nOil.", "Oil fell. Chips."]),  # the second says it already
        ({"text": ("summary", "content")}, ["Oil.\nChips.", "Chips.\nOil fell. Chips."]),
        ({"text": "summary"}, ["Oil.", "Chips."]),
        ({"title": ("content", "summary"), "text": "summary"}, ["Chips.\nOil.\nOil.", "Oil fell. Chips.\nChips."]),
    ],
)
def test_columns_that_are_joined(tmp_path: Path, given: dict[str, Any], texts: list[str]) -> None:
    path = tmp_path / "a.csv"
    frame = pl.DataFrame(
        {"content": ["Chips.", "Oil fell. Chips."], "summary": ["Oil.", "Chips."], "date": [WHEN, WHEN]}
    )
    frame.write_csv(path)
    assert taken(path, **given) == texts


def test_a_columns_file_joins_columns(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", content="Chips are dear.", summary=FALL, date=WHEN)
    mapping = tmp_path / "columns.toml"
    mapping.write_text('text = ["content", "summary"]\n')
    reading = read_sources(path, columns=mapping)
    assert len(reading.events) == 1
    assert "the text is 'content' and 'summary'" in reading.columns[str(path)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": ["content", "nope"]}, r"there is no column 'nope' for text"),
        ({"text": ["content", "sumary"]}, r"did you mean 'summary'\?"),
        ({"text": []}, r"text must be a column or a list of columns \(got \[\]\)"),
        ({"text": [1]}, r"text must be a column or a list of columns \(got \[1\]\)"),
        ({"published": ["date", "time"]}, r"is no column's name; write it in quotes"),
        ({"txt": "content"}, r"did you mean 'text'\?"),
    ],
)
def test_bad_columns_are_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    path = csv(tmp_path / "a.csv", content="Chips.", summary=FALL, date=WHEN)
    with pytest.raises(Fault, match=message):
        read_sources(path, columns=given)


def test_no_text_names_the_columns_and_the_likeliest(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", rubrique="x", nouvelle=FALL, date=WHEN)
    with pytest.raises(
        Fault, match=r'its columns are rubrique, nouvelle, date; name it in a columns file: text = "nouvelle"'
    ):
        read_sources(path)


@pytest.mark.parametrize(
    ("column", "value", "likely"),
    [
        ("verfasst", WHEN, "verfasst"), ("stand", "7 Nov 2025", "stand"), ("verfasst", dt.date(2025, 11, 7), "verfasst"), ("score", "5", "..."),
        ("number", 1_762_506_000, "..."), ("word", "whenever", "..."),
    ],
)  # fmt: skip
def test_where_no_column_says_when_the_likeliest_is_named(tmp_path: Path, column: str, value: Any, likely: str) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"title": [FALL], column: [value]}).write_parquet(path)
    remedy = f'no column says when a row was published; name one in a columns file: published = "{likely}".'
    with pytest.raises(Fault, match=r"states no publication time") as raised:
        read_documents(path)
    assert str(raised.value).endswith(f"{path}: {remedy}")


@pytest.mark.parametrize(
    "columns",
    [
        {"date": "2025-11-07", "time": "09:00"},
        {"time": "09:00:00", "date": "2025-11-07"},
        {"Date": "2025-11-07", "Time": "9:00 AM"},
        {"日期": "2025-11-07", "时间": "09:00"},
        {"pub_date": "2025-11-07", "pub_time": "09:00"},
        {"date": "2025-11-07", "heure": "09h00"},
        {"date": "2025-11-07", "datetime": WHEN},
        {"datetime": WHEN, "date": "2025-11-07"},
        {"date": "20251107", "ctime": "1762506000"},  # 20,399 days of 86,400 s and 9 h
        {"day": "2025-11-07", "ctime": "1762506000"},
        {"date": "2025-11-07 00:00:00", "published_at": WHEN},
    ],
)
def test_the_finest_time_wins_and_a_day_is_joined_with_its_time(tmp_path: Path, columns: dict[str, str]) -> None:
    path = csv(tmp_path / "a.csv", title=FALL, **columns)
    reading = read_sources(path, columns={"zone": "UTC"})
    assert reading.events.frame["published_at"].to_list() == [AT]
    assert all(repr(name) in reading.columns[str(path)] for name in columns if reading.notes)


def test_a_row_takes_the_time_that_it_has(tmp_path: Path) -> None:
    early = "2025-11-07T08:00:00+00:00"
    rows = [
        {"title": "a", "published": WHEN, "pubDate": early},
        {"title": "b", "pubDate": WHEN},
        {"title": "c", "published": "", "date": "Fri, 07 Nov 2025 09:00:00 GMT"},
        {"title": "d", "published": None, "created_at": early},  # of a draft, perhaps
        {"title": "e", "published": None, "pubDate": "", "date": None},
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"articles": rows}))
    (frame,) = batches([path], Columns())
    assert [at and at[:16].replace("T", " ") for at in frame["published"]] == ["2025-11-07 09:00"] * 3 + [None, None]
    told = read_sources(path).columns[str(path)]
    assert "the publication is 'published', else 'pubDate', else 'date'" in told


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (["date", "published"], ["published", "date"]),
        (["created_at", "time"], ["time", "created_at"]),
        (["x", "news_date", "pubDate"], ["pubDate", "news_date"]),
        (["modified_time", "datetime"], ["datetime"]),
    ],
)
def test_the_likeliest_time_comes_first(names: list[str], first: list[str]) -> None:
    assert when_columns(names, "", "")[0] == first


def test_a_name_of_one_s_own_counts_before_usual_ones() -> None:
    picked = pick(["title", "story", "text"], Columns(text="story"), "t")
    assert picked is not None
    assert (picked.text, picked.title) == (("story",), ("title",))


# --------------------------------------------------------------------------------------------- what became of the columns


def test_what_became_which_column_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv(tmp_path / "a.csv", Headlines=FALL, Description="Chips.", Time=WHEN, score="1", ticker="NVDA")
    sentence = "the title is 'Headlines', the text is 'Description', the publication is 'Time', the subject's ticker is 'ticker'; not used: 'score'."
    assert read_sources(path).columns == {str(path): sentence}
    assert main(["read", str(path), "--out", str(tmp_path / "e.parquet")]) == 0
    assert f"Columns: {path}: {sentence}" in capsys.readouterr().out
    assert main(["read", str(path), "--out", str(tmp_path / "e.parquet"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == {str(path): sentence}


def test_a_dry_run_shows_five_rows_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    rows = [f"Story {n} of chips,2025-11-0{n}T09:00:00+00:00" for n in range(1, 8)]
    path.write_text("\n".join(["Headlines,時間", *rows]))
    assert main(["read", str(path), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "the text is 'Headlines', the publication is '時間'." in said
    assert "Story 5 of chips" in said
    assert "Story 6 of chips" not in said
    assert "2025-11-05T09:00:00+00:00" in said
    assert main(["read", str(path), "--dry-run", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["files"]
    assert [row["text"] for row in shown["rows"]] == [f"Story {n} of chips" for n in range(1, 6)]
    assert shown["rows"][0]["published_at"] == "2025-11-01T09:00:00+00:00 (instant)"
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_dry_run_says_what_is_not_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv(tmp_path / "a.csv", title=FALL, date="whenever")
    assert main(["read", str(path), "--dry-run"]) == 0
    assert "the publication time must be a date" in " ".join(capsys.readouterr().out.split())
    other = csv(tmp_path / "b.csv", title=FALL, date="01/02/2025")
    assert main(["read", str(path), str(other), "--dry-run"]) == 2
    assert "--dates" in capsys.readouterr().err


@pytest.mark.parametrize("dates", ["1/5/26", "01/05/2026", "1-5-26"])
def test_open_dates_are_refused_with_the_remedy(tmp_path: Path, dates: str) -> None:
    path = csv(tmp_path / "a.csv", title="元鈦科技股價暴跌8%", pub_date=dates)
    with pytest.raises(Fault, match="--dates"):
        read_sources(path)
    read_sources(path, dates="mdy")


def test_texts_under_many_titles_are_banners(tmp_path: Path) -> None:
    banner = "We use cookies to improve this site. You may accept all of them, or none at all."
    titles = ["Nvidia fell 8.65% on Thursday.", "Oracle fell 9.2% on Thursday.", "Chips are dear."]
    path = tmp_path / "a.csv"
    pl.DataFrame({"title": titles, "summary": banner, "date": WHEN}).write_csv(path)
    assert taken(path) == titles
    reading = read_sources(path)
    assert any("under three titles" in note for note in reading.notes)
    assert len(reading.events) == 2  # with the banner they were one story
    pl.DataFrame({"title": titles[:2], "summary": banner, "date": WHEN}).write_csv(path)
    assert all(banner in text for text in taken(path))
    pl.DataFrame({"title": "Chips", "summary": banner, "date": [WHEN] * 3}).write_csv(path)
    assert all(banner in text for text in taken(path))  # one story, three times
