# ruff: noqa: E501  (Chinese, whose characters count twice)
"""What an event says of its document: how much it is about the asset, its form, and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from engine.reader import explain, read_documents
from engine.reader.clean import story
from engine.reader.document_kind import document_kind
from engine.reader.fold import fold
from engine.reader.headline import headline
from engine.reader.origin import origin
from tests.reader.told import told

EN = " The company sells servers to cloud providers in forty countries and has done so for years." * 10
FR = " Le groupe vend des serveurs aux hébergeurs de quarante pays depuis des années." * 10
ZH = "该公司多年来一直向四十个国家和地区的云服务商出售服务器和网络设备。" * 12


def kind(text: str, address: str = "") -> str:
    folded = fold(text)
    spans = list(story(text, folded))
    return document_kind(text, folded, spans, headline(text, spans), address)


@pytest.mark.parametrize(
    "text",
    [
        "*NVIDIA FALLS 9% AFTER EXPORT CURBS", "BREAKING: Nvidia halted", "快讯：英伟达跌9%", "财联社6月2日电，英伟达盘前跌5%。",
        "Alerte : Atos chute de 20 %", "輝達盤後跌5%", "財經社6月2日電，" + ZH[:500], "BREAKING: Nvidia halted." + EN,
        # of a filing, and no filing
        "两市晚间重要公告", "贵州茅台公告，拟回购股份。", "Anthropic files its S-1 in secret", "证监会发布公告，规范程序化交易",
    ],
)  # fmt: skip
def test_a_flash(text: str) -> None:
    assert kind(text) == "flash"


@pytest.mark.parametrize(
    "text",
    [
        f"Nvidia falls\n{EN}", f"Atos chute de 20 %\n{FR}", f"英伟达跌9%\n{ZH * 2}", f"輝達跌9%\n{ZH * 2}", ZH[:500],
        f'Boss speaks\nHe said: "I think we are fine. I am sure of it. I love my job."{EN}',
        f"Le patron parle\n« Je crois que tout va bien. Je le sais. J'aime mon métier »{FR}", f"老板说\n“我认为没有问题。我知道。我爱我的工作。”{ZH * 2}",
        f"Interview with a boss\nI think. I am sure. I saw it. I know.{EN}", f"看法\n我国经济。我们认为我们会。我市我省。{ZH * 2}",
        f"Form 8-K shows Nvidia sold\n{EN}", f"Buffett warns of mania in letter to shareholders\n{EN}", f"巴菲特在致股东信中警告泡沫\n{ZH * 2}",
        f"Buffett met en garde dans sa lettre aux actionnaires\n{FR}", f"Public opinion turns on AI\n{EN}", f"L'opinion se retourne\n{FR}",
    ],
)  # fmt: skip
def test_an_article(text: str) -> None:
    assert kind(text) == "article"


@pytest.mark.parametrize(
    "text",
    [
        f"Opinion: the boom ends badly\n{EN}", f"The boom ends badly | Opinion\n{EN}", f"The boom ends badly - Commentary\n{EN}", f"Op-Ed: down it goes\n{EN}",
        f"The boom ends\nOpinion\n{EN}", f"Tribune. Les prix sont fous\n{FR}", f"Édito : la bulle\n{FR}", f"« La bulle » – Chronique\n{FR}",
        f"Point de vue | la bulle\n{FR}", f"观点丨泡沫终将破裂\n{ZH * 2}", f"社論：泡沫終將破裂\n{ZH * 2}", f"【时评】泡沫终将破裂\n{ZH * 2}", f"【专栏】泡沫\n{ZH * 2}",
        f"泡沫终将破裂 | 評論\n{ZH * 2}", f"Why I sold\nI sold my Nvidia shares last week. I think prices are mad. They will fall.{EN}",
        "I think Nvidia is a bubble. I'm short.", f"Pourquoi\nJe pense que la bulle éclatera. J'ai vendu mes actions.{FR[:300]}",
        "我认为英伟达是泡沫。我已经卖出了。", "笔者认为英伟达估值过高，笔者建议卖出。", "我認為輝達是泡沫，我已經賣出。",
        "---\nid: x\ntitle: 'Opinion: a bubble'\ndate: 2025-01-01\n---\nThe boom ends badly.\n",
    ],
)  # fmt: skip
def test_an_opinion(text: str) -> None:
    assert kind(text) == "opinion"


def test_an_opinion_by_its_address() -> None:
    assert kind(f"The boom ends\n{EN}", "https://www.example.com/opinion/2025/boom") == "opinion"
    assert kind(f"The boom ends\n{EN}", "https://www.example.com/markets/public-opinion-turns") == "article"


@pytest.mark.parametrize(
    "text",
    [
        f"UNITED STATES\nSECURITIES AND EXCHANGE COMMISSION\nWashington, D.C. 20549\nFORM 8-K\nCURRENT REPORT{EN}", f"Form 10-Q - Zyntex Corp\n{EN}",
        f"8-K: Zyntex Corp\n{EN}", "Zyntex Corp - Form 4", f"SCHEDULE 13D\nUnder the Securities Exchange Act\n{EN}", f"卓科股份：关于回购公司股份的公告\n{ZH}",
        "卓科股份关于股东减持股份的公告", f"证券代码：600000 证券简称：卓科 公告编号：2025-001\n{ZH}", "卓科股份：2025年半年度报告摘要",
        f"公告本公司董事會決議買回庫藏股\n{ZH}", "代子公司公告本公司取得設備", f"Zyntex : document d'enregistrement universel 2024\n{FR}",
        f"INFORMATION RÉGLEMENTÉE\nZyntex annonce\n{FR}", "Zyntex : déclaration des transactions sur actions propres",
        "Nombre total de droits de vote et d'actions au 31 mars", f"Trading update\nThis announcement contains inside information for the purposes of\n{EN}",
    ],
)  # fmt: skip
def test_a_filing(text: str) -> None:
    assert kind(text) == "filing"


@pytest.mark.parametrize(
    "text",
    [
        f"Dear fellow shareholders,\nThis was a good year.{EN}", f"Letter to Shareholders\n{EN}", f"2024 Annual Letter to Shareholders\n{EN}",
        f"Zyntex Q3 2025 Shareholder Letter\n{EN}", f"To our shareholders:\n{EN}", f"Lettre aux actionnaires\n{FR}", f"Chers actionnaires,\n{FR}",
        f"Chères actionnaires, chers actionnaires,\n{FR}", f"致股东的信\n{ZH}", f"卓科：致全体股东的一封信\n{ZH}", f"尊敬的各位股东：\n{ZH}", f"各位股東：\n{ZH}",
        f"2024年致股東信\n{ZH}",
    ],
)  # fmt: skip
def test_a_letter(text: str) -> None:
    assert kind(text) == "letter"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Shares dive\nMore.", "Shares dive"),
        ("Published 2025-11-07 09:00 UTC\nShares dive. What now?\nMore.", "Shares dive. What now?"),
        ("2025年11月7日 09:30\n股价暴跌\n更多。", "股价暴跌"),
        ("le 7 novembre 2025 à 9 h\nL'action chute\nSuite.", "L'action chute"),
        ("2024 Annual Letter to Shareholders\nMore.", "2024 Annual Letter to Shareholders"),
        ("One sentence. " + "Another one that goes on. " * 10, "One sentence."),
        ("---\nid: 1\ntitle: Shares dive\n---\nMore.", "Shares dive"),
    ],
)
def test_the_headline(text: str, right: str) -> None:
    start, end = headline(text, list(story(text, fold(text))))
    assert text[start:end] == right


def relevances(text: str, ticker: str | None = None) -> dict[str, float]:
    rows = told(text, "2025-01-28T21:00:00Z", ticker=ticker)
    return {asset: row["relevance"] for row in rows for asset in row["assets"]}


LIST = "AMD rose. Intel rose. Oracle rose. Dell rose. Cisco rose. Adobe rose. "


@pytest.mark.parametrize(
    ("text", "ticker", "right"),
    [
        ("Nvidia plunges 9%", None, {"NVDA": 1.0}),
        ("英伟达暴跌9%", None, {"NVDA": 1.0}),
        ("輝達暴跌9%", None, {"NVDA": 1.0}),
        ("Nvidia s'effondre de 9 %", None, {"NVDA": 1.0}),
        # headline, lead, three of four names: 0.5 + 0.2 + 0.3 * 3/4
        ("Nvidia plunges 9%\nNvidia fell as AMD rose. Nvidia was the worst.", None, {"NVDA": 0.925}),
        # lead, one of two names: 0.2 + 0.3 / 2
        ("Chips today\nAMD rose slightly. Nvidia plunged 9%.", None, {"NVDA": 0.35}),
        # the fourth sentence after the headline, one of seven names: 0.3 / 7
        (f"Tech today\n{LIST}Nvidia plunged 9%.", None, {"NVDA": 0.0429}),
        # the table's own ticker counts as in the headline: 0.5 + 0.2 + 0.3 / 7
        (f"Tech today\n{LIST}Nvidia plunged 9%.", "NVDA", {"NVDA": 0.7429}),
        # nobody is named, so the claim is the one mention there is
        ("Shares plunge 9%", "NVDA", {"NVDA": 1.0}),
        # a person is no company: one of one
        ("Nvidia plunges 9%\nJensen Huang said nothing.", None, {"NVDA": 1.0}),
        # of several assets the highest: both in the headline, one of two names each: 0.7 + 0.15
        ("Nvidia and AMD plunge 9%", None, {"NVDA": 0.85, "AMD": 0.85}),
    ],
)
def test_relevance(text: str, ticker: str | None, right: dict[str, float]) -> None:
    assert relevances(text, ticker) == right


@pytest.mark.parametrize(
    ("file", "address", "publisher", "right"),
    [
        ("/data/news/wires.csv, row 12", "", "", "wires.csv"),
        ("wires.jsonl, line 3", "", "", "wires.jsonl"),
        ("page.html", "", "", "page.html"),
        ("C:\\news\\wires.csv, row 1", "", "", "wires.csv"),
        ("a, b.csv, row 1", "", "", "a, b.csv"),
        ("a.csv", "https://www.example.com/a?b=1", "", "example.com"),
        ("a.csv", "http://News.Example.co.uk:8080/a", "", "news.example.co.uk"),
        ("a.csv", "8f14-e45f", "", "a.csv"),
        ("a.csv", "http://[", "", "a.csv"),
        ("a.csv", "https:///a", "", "a.csv"),
        ("a.csv", "see https://example.com", "", "a.csv"),
        ("a.csv", "https://example.com/a", " 财联社 ", "财联社"),
    ],
)
def test_where_it_comes_from(file: str, address: str, publisher: str, right: str) -> None:
    assert origin(file, address, publisher) == right


def test_a_reading_fills_all_of_it(tmp_path: Path) -> None:
    rows = [
        {
            "title": "Opinion: Nvidia is a bubble",
            "body": "Prices are mad.",
            "url": "https://www.example.com/a",
            "date": "2025-11-07T09:00Z",
        },
        {"title": "Nvidia plunges 9%", "body": "AMD rose.", "url": "b", "date": "2025-11-07T09:00Z"},
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "t.csv")
    later = {"title": "A rout: 12% off the price of Nvidia, which sank at the open", "date": "2025-11-09T09:00Z"}
    (tmp_path / "t.jsonl").write_text(json.dumps({**later, "body": "It was a weak day."}), encoding="utf-8")
    frame = read_documents(tmp_path).frame
    told = frame.select("kind", "source", "document_kind", "relevance", pl.col("novelty").round(4)).rows()
    assert sorted(told) == [
        ("bubble_warning", "example.com", "opinion", 1.0, 1.0),
        ("panic_drop", "t.csv", "flash", 0.85, 1.0),  # 0.5 + 0.2 + 0.3 / 2
        ("panic_drop", "t.jsonl", "flash", 1.0, 0.6135),  # two days later: 1 / (1 + 2^(-2/3))
    ]


@pytest.mark.parametrize(
    "header",
    [
        "source",
        "Source",
        "publisher",
        "Publisher_Name",
        "media",
        "outlet",
        "source_name",
        "source.name",
        "媒体",
        "媒體",
        "来源",
        "新聞來源",
        "provider",
    ],
)
def test_the_table_names_its_source(tmp_path: Path, header: str) -> None:
    row = {
        "title": "Nvidia plunges 9%",
        "url": "https://www.example.com/a",
        "date": "2025-11-07T09:00Z",
        header: " The Wire ",
    }
    pl.DataFrame([row, {**row, "title": "AMD plunges 9%", "url": "https://www.example.com/b", header: ""}]).write_csv(
        tmp_path / "t.csv"
    )
    frame = read_documents(tmp_path / "t.csv").frame
    assert dict(zip(frame["assets"].list.first(), frame["source"], strict=True)) == {
        "NVDA": "The Wire",
        "AMD": "example.com",
    }
    named = read_documents(tmp_path / "t.csv", columns={"publisher": "url"}).frame
    assert set(named["source"]) == {"https://www.example.com/a", "https://www.example.com/b"}


def test_a_nested_source(tmp_path: Path) -> None:
    row = {"title": "Nvidia plunges 9%", "publishedAt": "2025-11-07T09:00Z", "source": {"id": None, "name": "The Wire"}}
    (tmp_path / "t.json").write_text(json.dumps({"articles": [row]}), encoding="utf-8")
    assert read_documents(tmp_path / "t.json").frame["source"].to_list() == ["The Wire"]


def test_an_explanation_tells_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Published 2025-11-07 09:00 UTC\nNvidia plunges 9%\nAMD rose.\n", encoding="utf-8")
    (event_id,) = read_documents(tmp_path).frame["event_id"]
    told = explain(event_id, tmp_path)["text"]
    # 0.5 + 0.2 + 0.3 / 2
    assert "about      NVDA by 0.85, in a document of the form flash, of a.txt" in told.splitlines()
