"""A percentage belongs to the subject and verb of its own clause, an amount to the claim of its own sentence."""

from __future__ import annotations

import pytest

from tests.reader.told import told, told_by_rules

PUBLISHED = "2025-01-28T21:00:00+00:00"

# Each text tells of one fall of one price, and of something else in percent or money. Wanted: the asset and its move, and no figure more.
ONE_FALL = [
    # staff
    ("Intel to lay off 15% of staff, stock plunges 26%", "INTC", -26),
    ("Intel will cut 15% of its workforce; Intel shares fell 26% on Friday.", "INTC", -26),
    ("Intel shares fell 26% after it said it would cut jobs by 15%.", "INTC", -26),
    ("Intel, which is cutting its headcount by 15%, fell 26% on Friday.", "INTC", -26),
    ("Meta slashes headcount by 10 percent, shares slide 6 percent", "META", -6),
    ("Cisco to shed 7% of its global workforce; Cisco shares down 5%", "CSCO", -5),
    ("Intel va supprimer 15 % de ses effectifs, le titre plonge de 26 %.", "INTC", -26),
    ("Microsoft licencie 4 % de ses salariés, le titre perd 6 %.", "MSFT", -6),
    ("英特尔将裁员15%，股价暴跌26%。", "INTC", -26),
    ("英特尔宣布削减15%的员工，股价重挫26%。", "INTC", -26),
    ("英特尔员工减少15%，股价跌26%。", "INTC", -26),
    ("英特爾宣布裁撤15%人力，股價重挫26%。", "INTC", -26),
    # revenue, margin, sales, deliveries
    ("Intel revenue down 12%, shares down 26%.", "INTC", -26),
    ("Intel tumbled 26% with gross margin down to 40%.", "INTC", -26),
    ("Intel's margin shrank 5% and the stock fell 26%.", "INTC", -26),
    ("Revenue at Intel fell 12% and the stock dropped 26%.", "INTC", -26),
    ("Tesla dropped 5% after deliveries fell 13%.", "TSLA", -5),
    ("Tesla's deliveries fell 13%, sending the stock down 5%.", "TSLA", -5),
    ("Tesla lost 5% after losing 13% of its customers in Europe.", "TSLA", -5),
    ("Apple slid 7% after iPhone sales in China fell 24%.", "AAPL", -7),
    ("Apple fell 7%, its market share down 5%.", "AAPL", -7),
    ("Oracle's order book fell 8%, and its stock lost 7%.", "ORCL", -7),
    ("L'action Intel chute de 26 % après une baisse de 12 % du chiffre d'affaires.", "INTC", -26),
    ("Tesla perd 5 % après une baisse de 13 % des livraisons.", "TSLA", -5),
    ("Apple : repli de 7 % du titre, baisse de 24 % des ventes en Chine.", "AAPL", -7),
    ("英特尔第三季度营收131亿美元，同比下降12%，股价大跌26%。", "INTC", -26),
    ("特斯拉跌5%，交付量下滑13%。", "TSLA", -5),
    ("苹果在华销量下滑24%，股价跌7%。", "AAPL", -7),
    ("AMD市占率下滑5%，股价跌8%。", "AMD", -8),
    ("台積電營收月減12%，股價跌7%。", "TSM", -7),
    ("特斯拉跌5%，交車量下滑13%。", "TSLA", -5),
    # stakes, yields, odds, ratings, tariffs, targets, weights
    ("Nvidia slumped 9% as a fund cut its stake by 40%.", "NVDA", -9),
    ("Tesla sank 8% after Musk cut his holding by 3%.", "TSLA", -8),
    ("Palantir fell 9% after its CEO said he would sell up to 10% of his shares.", "PLTR", -9),
    ("Nvidia fell 9% as the odds of a rate cut fell to 40%.", "NVDA", -9),
    ("Nvidia fell 9%; traders now see a 40% chance of a cut.", "NVDA", -9),
    ("The yield on 10-year notes fell 2%, and Nvidia lost 9%.", "NVDA", -9),
    ("Nvidia fell 9% after analysts cut their price target 20%.", "NVDA", -9),
    ("Nvidia fell 9% on fears of a 25% tariff on chips.", "NVDA", -9),
    ("Palantir lost 9% even though 60% of analysts rate it a hold.", "PLTR", -9),
    ("Nvidia's stock fell 9% while its weight in the index dropped by 1%.", "NVDA", -9),
    ("Nvidia perd 9 % après la vente par un fonds de 5 % du capital.", "NVDA", -9),
    ("Nvidia chute de 9 % ; la probabilité d'une baisse des taux recule de 20 %.", "NVDA", -9),
    ("英伟达下跌9%，获利概率下降20%。", "NVDA", -9),
    ("英伟达跌9%，大股东减持5%的股份。", "NVDA", -9),
    ("英伟达股价下跌9%，目标价被下调20%。", "NVDA", -9),
    ("輝達跌9%，大股東出脫5%持股。", "NVDA", -9),
    ("輝達下跌9%，殖利率下降2%。", "NVDA", -9),
    # amounts of the next sentence, and of others in the same one
    ("AMD fell 7.8% on Thursday. An insider sold shares worth $20 million last week.", "AMD", -7.8),
    ("AMD fell 7.8% on Thursday.\nAMD's chief executive sold shares worth $20 million.", "AMD", -7.8),
    ("AMD fell 7.8% on Thursday after its chief executive sold shares worth $20 million.", "AMD", -7.8),
    ("AMD fell 7.8% on Thursday. It will spend $20 million on a campus.", "AMD", -7.8),
    ("Nvidia fell 9% while Oracle signed a $300 billion deal.", "NVDA", -9),
    ("AMD a perdu 7,8 % jeudi.\nUn dirigeant a vendu pour 20 millions de dollars de titres.", "AMD", -7.8),
    ("AMD周四下跌7.8%。一名高管出售了价值2000万美元的股票。", "AMD", -7.8),
    ("AMD週四下跌7.8%。一名高層出售了價值2000萬美元的股票。", "AMD", -7.8),
    # a cause in the same clause leaves the fall a price's
    ("Weak demand pushed Micron down 7%.", "MU", -7),
    ("Margin worries sent Micron down 7% on Monday.", "MU", -7),
    ("La demande faible a fait reculer Micron de 7 %.", "MU", -7),
    ("需求疲软拖累美光下跌7%。", "MU", -7),
    ("美光遭砍目標價 重挫7%", "MU", -7),
    # "as much as" is no new clause, "a" no level
    ("Super Micro falls as much as 16% after results.", "SMCI", -16),
    ("Nvidia suffered a 9% drop on Monday.", "NVDA", -9),
    ("Une chute de 9 % de l'action Nvidia lundi.", "NVDA", -9),
    ("Nvidia lost 9% of its value on Monday.", "NVDA", -9),
]  # fmt: skip


@pytest.mark.parametrize(("text", "asset", "move"), ONE_FALL, ids=[row[0][:40] for row in ONE_FALL])
def test_a_fall_has_the_figure_of_its_price_and_no_other(text: str, asset: str, move: float) -> None:
    rows = told(text, PUBLISHED)
    falls = [row for row in rows if row["kind"] == "panic_drop"]
    assert [(f["asset"], f["what"], f["value"], f["unit"]) for row in falls for f in row["figures"]] == [
        (asset, "move", move, "%")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "AMD to lay off 4% of workforce, or about 1,000 employees",
        "Apple's sales in China, its second market, fell 24%.",
        "Demand for Micron's chips fell 7% in the quarter.",
        "Short interest in Nvidia's stock dropped 56%.",
        "Tesla registrations: deliveries in Italy down 23.5% from a year earlier.",
        "An officer of Alphabet sold shares, decreasing her ownership by 6.17%.",
        "La marge de Micron recule de 7 %.",
        "Les livraisons de Tesla reculent de 13 %.",
        "美光需求下降7%。",
        "意大利交通部数据：特斯拉新车上牌量同比下滑23.5%。",
        "輝達毛利率下滑3%。",
        "Cramer breaks down why Nvidia is still up.",
    ],
)
def test_what_is_no_fall_of_a_price_is_no_fall(text: str) -> None:
    rows = told(text, PUBLISHED)
    assert not [row for row in rows if row["kind"] == "panic_drop"]


@pytest.mark.parametrize(
    ("text", "falls"),
    [
        # since a day is not on a day; beside a fall of a day it is told as what it is
        ("Nvidia is down 20% this year. On Monday it fell 9%.", [("move", -9.0)]),
        ("Nvidia fell 9% on Monday, and is down 20% since January.", [("move", -9.0), ("move so far", -20.0)]),
        ("英伟达周一跌9%，今年以来跌20%。", [("move", -9.0), ("move so far", -20.0)]),
        ("輝達週一跌9%，今年以來跌20%。", [("move", -9.0), ("move so far", -20.0)]),
        ("Nvidia recule de 9 % lundi, et perd 20 % depuis janvier.", [("move", -9.0), ("move so far", -20.0)]),
        ("Microsoft (MSFT) is down 4.5% since its last earnings report.", []),
        # a record is measured against the past, and is of its day
        ("Intel fell 9% in its worst day since March 2000.", [("move", -9.0)]),
        ("英特尔跌9%创2022年以来最大跌幅。", [("move", -9.0)]),
    ],
)
def test_a_fall_since_some_day_is_no_fall_of_a_day(text: str, falls: list[tuple[str, float]]) -> None:
    rows = told(text, PUBLISHED)
    moves = [(f["what"], f["value"]) for row in rows if row["kind"] == "panic_drop" for f in row["figures"]]
    assert moves == falls


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        # what measures a fall stays with it: lost value, sessions in a row, what another sentence adds to the same fall
        ("Nvidia fell 9%, wiping out $300 billion of market value.", {("move", -9.0), ("market value lost", -3e11)}),
        ("Nvidia fell 9% on Monday. It wiped out $300 billion of market value.", {("move", -9.0), ("market value lost", -3e11)}),
        ("微軟已連續七個交易日下跌，昨夜跌5.98%。", {("move", -5.98), ("count", 7.0)}),
        ("英伟达周一下跌9%，市值蒸发3000亿美元。", {("move", -9.0), ("market value lost", -3e11)}),
    ],
)  # fmt: skip
def test_what_measures_a_fall_stays_with_it(text: str, figures: set[tuple[str, float]]) -> None:
    rows = told(text, PUBLISHED)
    (row,) = [row for row in rows if row["kind"] == "panic_drop"]
    assert {(f["what"], f["value"]) for f in row["figures"]} == figures


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        # of its own subject, by name or by pronoun
        ("OpenAI cannot pay for its plans.\nOpenAI burns $9 billion a year.", [9e9]),
        ("OpenAI cannot pay for its plans.\nIt burns $9 billion a year.", [9e9]),
        ("OpenAI面临资金缺口。它每年烧掉90亿美元。", [9e9]),
        # of somebody else
        ("OpenAI cannot pay for its plans.\nAn insider sold shares worth $20 million.", []),
        ("OpenAI cannot pay for its plans.\nThe building across the street cost $20 million.", []),
        ("OpenAI面临资金缺口。一名高管出售了价值2000万美元的股票。", []),
    ],
)
def test_the_next_sentence_adds_only_what_it_says_of_the_same_subject(text: str, amounts: list[float]) -> None:
    rows = told_by_rules(text, PUBLISHED)
    (row,) = [row for row in rows if row["kind"] == "funding_gap"]
    assert [abs(f["value"]) for f in row["figures"]] == amounts
