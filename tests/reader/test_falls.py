"""Which falls are events: 5% of a share, 2% of an index, or strong words; of a price, and in a session."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reader.told import told, told_by_rules

FALLS = [
    # by size
    ("Micron fell 5.2% on Thursday.", {"MU"}),
    ("Renault recule de 6 % en Bourse.", {"RNO.PA"}),
    ("英伟达收盘跌逾8%", {"NVDA"}),
    ("台積電ADR跌6%", {"TSM"}),
    ("恒指跌2.5%", {"^HSI"}),
    ("Le CAC 40 perd 2,4 %", {"^FCHI"}),
    ("FTSE 100 slides 2.5%", {"^FTSE"}),
    ("創業板指跌3%", {"399006.SZ"}),
    ("Micron -7.2%", {"MU"}),
    ("高通美股盘前跌幅扩大至10%", {"QCOM"}),
    ("拼多多美股盘前跌超5%，公司营收不及预期。", {"PDD"}),
    ("Credit Agricole misses on profit as costs rise, shares slide up to 5%.", {"ACA.PA"}),
    # in strong words
    ("Boeing shares tumble 3%", {"BA"}),
    ("Micron shares plunge on weak outlook", {"MU"}),
    ("Why Marvell stock is sinking today", {"MRVL"}),
    ("道指狂泻1000点", {"DJI"}),
    ("寒武纪跌停", {"688256.SS"}),
    ("特斯拉急崩", {"TSLA"}),
    ("Les Bourses européennes plongent", {"^STOXX"}),
    ("Alphabet fell 3.6%, its worst day since March", {"GOOGL"}),
    ("European stocks tumble on tariffs", {"^STOXX"}),
    # small ones among steep ones, and none beside a market that fell
    ("美股周五收盘，纳指跌3.2%，苹果跌2.5%。", {"IXIC"}),
    ("Nvidia lost 4.9%, Micron 5.6% and Qualcomm 7.3%.", {"NVDA", "MU", "QCOM"}),
    # before the open and after the close
    ("Intel falls 6% in premarket trading", {"INTC"}),
    ("Meta財報後 盤後重挫近20%", {"META"}),
    # a denial, or a noun, in another clause
    ("馬斯克否認騷擾 特斯拉暴跌近6.5%", {"TSLA"}),
    ("Publicis ne rassure pas la Bourse et dévisse de plus de 8%", {"PUB.PA"}),
    ("波音今年現金流為負值 股價急崩7.5%", {"BA"}),
    ("Shares of Nvidia slid on Monday. On Friday they had lost 8%.", {"NVDA"}),
    ("Why AMD stock is tumbling despite better-than-expected results", {"AMD"}),
]


NO_FALLS = [
    # routine
    "Nvidia fell 3% on Thursday.",
    "Boeing shares slip 1%",
    "Nasdaq lost 0.8%",
    "英伟达跌2%",
    "恒指跌1.1%",
    "LVMH recule de 2 %",
    "Stocks slip as traders wait",
    # since January, over months, from a peak
    "Tesla is down 30% year to date",
    "Nvidia plunges 21% in a month",
    "Lululemon shares have dropped 66% from their peak",
    "Sanofi : en chute de 24 % sur un an",
    "美团股价年初至今累计跌37%",
    "Intel's stock has plunged 40% this year",
    "本月苹果累跌8%",
    # forecasts, questions, concessions
    "AMD shares could plunge 20%, analyst says",
    "Analyst sees Tesla falling 30%",
    "特斯拉將大跌70%",
    "一旦泡沫破裂 美股將崩跌40%",
    "Did Nvidia plunge 8%?",
    "Is a market crash coming for Nvidia?",
    "L'action Renault pourrait plonger de 20 %",
    "即使特斯拉大跌也不賣持股",
    "Despite an 8% plunge on Monday, Nvidia is up",
    # of other things than a share: a possessive name beside another noun, the mood, other prices
    "Nvidia's free cash flow sank 30%.",
    "Nvidia's spending on research sank 30%.",
    "Les ventes de Nvidia ont chuté de 12 %.",
    "Apple's sales in China plunged 24%",
    "Le chiffre d'affaires de Kering s'effondre de 14 %",
    "腾讯净利润暴跌30%",
    "Oil prices plunge 8%",
    "VIX plunges 15%",
    "市场情绪跌至两年来新低",
    # holders who sell, feelings, other senses
    "創辦人再拋售亞馬遜持股，套現12億美元。",
    "Danone is selling off its shares in the kefir maker",
    "对冲基金上周抛售美股规模创纪录",
    'A "Shark Tank" investor likes Nvidia',
    "Investors should not panic about Nvidia stock",
    "Prosecutors study the collapse of Wirecard",
    "Nvidia didn't plunge 8%",
    # mixed
    "美股三大指數周四漲跌互現。",
    "Wall Street ends mixed",
]


def fallen(text: str, rows: list[dict[str, Any]] | None = None) -> set[str]:
    rows = told(text) if rows is None else rows
    return {asset for row in rows if row["kind"] == "panic_drop" for asset in row["assets"]}


@pytest.mark.parametrize(("text", "assets"), FALLS, ids=[text[:40] for text, _ in FALLS])
def test_a_steep_fall_is_an_event(text: str, assets: set[str]) -> None:
    assert fallen(text) == assets


def test_the_rules_take_a_small_fall_in_a_rout_for_one() -> None:
    """How likely it is one says the model."""
    text = "AI stocks slumped on Thursday. Nvidia lost 3.65%."
    assert fallen(text, told_by_rules(text)) == {"NVDA"}


@pytest.mark.parametrize("text", NO_FALLS, ids=[text[:40] for text in NO_FALLS])
def test_a_routine_fall_or_one_of_something_else_is_none(text: str) -> None:
    assert fallen(text) == set()
