# ruff: noqa: E501  (patterns, word tables and Chinese, whose characters count twice)
"""A claim that a document tells twice is one event; two claims that differ stay two."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.reader import passing, read_sources
from engine.reader.document import read
from engine.reader.retold import is_alike
from tests.reader.told import told

# 2025-01-28 is a Tuesday: "Monday" is the 27th, "Friday" the 24th.
PUBLISHED = "2025-01-28T21:00:00+00:00"
MONDAY, FRIDAY = dt.date(2025, 1, 27), dt.date(2025, 1, 24)
Row = dict[str, Any]


def rows_of(text: str, published: str = PUBLISHED) -> list[Row]:
    return told(text, published)


def moves(row: Row) -> list[tuple[str | None, float]]:
    return [(f["asset"], f["value"]) for f in row["figures"] if f["what"] == "move"]


# Each text tells one fall twice or more. What must come of it: (asset, day, its moves). The figures and days are the texts' own; of
# a rounded figure and an exact one the exact one stays.
TOLD_TWICE = [
    # headline and first sentence
    ("Nvidia falls 9% as investors fear a Chinese model\nShares of Nvidia fell 9% on Monday after a start-up in Hangzhou released one.", "NVDA", MONDAY, [-9.0]),
    ("Nvidia tumbles 9%\nNvidia shares fell 8.9% on Monday.", "NVDA", MONDAY, [-8.9]),
    ("Nvidia tumbles 9%\nNvidia shares fell 9.4% on Monday.", "NVDA", MONDAY, [-9.4]),
    ("Nvidia tumbles\nNVDA closed down 9% on Monday.", "NVDA", MONDAY, [-9.0]),
    ("NVDA -9%\nShares of Nvidia Corp. lost 9% on Monday.", "NVDA", MONDAY, [-9.0]),
    # the first telling is the stronger, and has neither day nor exact figure
    ("Micron plunges 12%\nMicron slipped 11.8% on Monday.", "MU", MONDAY, [-11.8]),
    # the second is the stronger, and has one figure more
    ("Micron down 12%\nMicron plunged 12% on Monday, wiping out $15 billion of market value.", "MU", MONDAY, [-12.0]),
    # summary and body, with a sentence about somebody else between them
    ("Summary: Tesla lost 8% on Monday.\nThe market was quiet.\nTesla shares fell 8% after deliveries disappointed.", "TSLA", MONDAY, [-8.0]),
    # a pronoun, and the sort of company in place of its name
    ("Nvidia fell 9% on Monday.\nThe chipmaker's shares lost 9% at the close.", "NVDA", MONDAY, [-9.0]),
    ("Nvidia's stock sank 9% on Monday. It fell 9% in heavy trading.", "NVDA", MONDAY, [-9.0]),
    # a day told by date, and by its name
    ("On January 27 Nvidia fell 9%.\nNvidia fell 9% on Monday.", "NVDA", MONDAY, [-9.0]),
    # a day that another sentence gave in between does not make it another fall
    ("Intel fell 12% on Friday.\nOn Monday Micron fell too.\nIntel's slide of 12% was its worst in a year.", "INTC", FRIDAY, [-12.0]),
    # French
    ("Nvidia chute de 9 %\nL'action Nvidia a perdu 9 % lundi à New York.", "NVDA", MONDAY, [-9.0]),
    ("Nvidia chute de 9 %\nLe titre Nvidia a cédé 8,9 % lundi.", "NVDA", MONDAY, [-8.9]),
    ("Micron dévisse\nMicron a reculé de 12 % lundi.", "MU", MONDAY, [-12.0]),
    ("Tesla perd 8 % en Bourse\nLe constructeur est puni. Lundi, Tesla a reculé de 8 %.", "TSLA", MONDAY, [-8.0]),
    # simplified Chinese
    ("英伟达跌9%\n英伟达股价周一下跌9%，投资者担忧。", "NVDA", MONDAY, [-9.0]),
    ("英伟达暴跌9%\n美股周一收盘，英伟达跌8.9%。", "NVDA", MONDAY, [-8.9]),
    ("美光重挫12%\n周一，美光股价下跌12%，市值蒸发150亿美元。", "MU", MONDAY, [-12.0]),
    ("特斯拉大跌\n特斯拉周一收跌8%。", "TSLA", MONDAY, [-8.0]),
    # traditional Chinese
    ("輝達跌9%\n輝達股價週一下跌9%，投資人擔憂。", "NVDA", MONDAY, [-9.0]),
    ("輝達暴跌9%\n美股週一收盤，輝達跌8.9%。", "NVDA", MONDAY, [-8.9]),
    ("美光重挫12%\n週一美光股價下跌12%。", "MU", MONDAY, [-12.0]),
    # another language's half, another spelling of the name
    ("英伟达暴跌9%\nShares of Nvidia fell 9% on Monday.", "NVDA", MONDAY, [-9.0]),
    ("輝達重挫9%\nNVIDIA (NVDA) lost 9% on Monday.", "NVDA", MONDAY, [-9.0]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "asset", "day", "told"), TOLD_TWICE, ids=[row[0][:40] for row in TOLD_TWICE])
def test_a_fall_told_twice_is_one_event(text: str, asset: str, day: dt.date, told: list[float]) -> None:
    falls = [row for row in rows_of(text) if row["kind"] == "panic_drop" and asset in row["assets"]]
    assert [row["happened_on"] for row in falls] == [day]
    assert [value for name, value in moves(falls[0]) if name == asset] == told


# The unit is (document, kind, asset); falls of one name stay apart where the text gives them different days.
STAY_TWO = [
    # two days, in two sentences, in one, and with the verb left out
    ("Nvidia fell 9% on Monday.\nOn Friday Nvidia had lost 15%.", [("NVDA", MONDAY, -9.0), ("NVDA", FRIDAY, -15.0)]),
    ("Nvidia fell 9% on Monday after losing 15% on Friday.", [("NVDA", MONDAY, -9.0), ("NVDA", FRIDAY, -15.0)]),
    ("Nvidia fell 9% on Monday and 15% on Friday.", [("NVDA", MONDAY, -9.0), ("NVDA", FRIDAY, -15.0)]),
    ("Nvidia a perdu 15 % vendredi et 9 % lundi.", [("NVDA", FRIDAY, -15.0), ("NVDA", MONDAY, -9.0)]),
    ("英伟达周五跌15%，周一再跌9%。", [("NVDA", FRIDAY, -15.0), ("NVDA", MONDAY, -9.0)]),
    ("輝達週五跌15%，週一再跌9%。", [("NVDA", FRIDAY, -15.0), ("NVDA", MONDAY, -9.0)]),
    # the older day in a clause of its own, before or behind, with another verb
    ("Nvidia fell 9% on Monday, after a 15% plunge on Friday.", [("NVDA", MONDAY, -9.0), ("NVDA", FRIDAY, -15.0)]),
    ("After plunging 15% on Friday, Nvidia fell 9% on Monday.", [("NVDA", FRIDAY, -15.0), ("NVDA", MONDAY, -9.0)]),
    ("Après une chute de 15 % vendredi, Nvidia a perdu 9 % lundi.", [("NVDA", FRIDAY, -15.0), ("NVDA", MONDAY, -9.0)]),
    ("继周五暴跌15%后，英伟达周一再跌9%。", [("NVDA", FRIDAY, -15.0), ("NVDA", MONDAY, -9.0)]),
    # a headline without a day belongs to the day with its figure
    ("Nvidia sinks 15%\nNvidia fell 9% on Monday and 15% on Friday.", [("NVDA", FRIDAY, -15.0), ("NVDA", MONDAY, -9.0)]),
    # two names
    ("Nvidia fell 9% on Monday.\nAMD fell 7%.", [("NVDA", MONDAY, -9.0), ("AMD", MONDAY, -7.0)]),
    ("输家：英伟达周一跌9%。\n超威周一跌7%。", [("NVDA", MONDAY, -9.0), ("AMD", MONDAY, -7.0)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "falls"), STAY_TWO, ids=[row[0][:40] for row in STAY_TWO])
def test_falls_that_differ_stay_two(text: str, falls: list[tuple[str, dt.date, float]]) -> None:
    found = [row for row in rows_of(text) if row["kind"] == "panic_drop"]
    told = [(a, row["happened_on"], v) for row in found for a in row["assets"] for name, v in moves(row) if name == a]
    assert sorted(told) == sorted(falls)
    assert len({row["event_id"] for row in found}) == len(found) == 2


def test_a_day_that_the_sentence_before_gave_tells_falls_of_other_sizes_apart() -> None:
    rows = rows_of("Nvidia fell 9% on Monday.\nOn Friday AMD had fallen 6%.\nNvidia lost 15%.")
    falls = [(row["assets"], row["happened_on"], moves(row)[0][1]) for row in rows]
    assert falls == [(["NVDA"], MONDAY, -9.0), (["AMD"], FRIDAY, -6.0), (["NVDA"], FRIDAY, -15.0)]


def test_a_story_stays_at_its_day_after_a_look_back() -> None:
    rows = rows_of("Oracle fell 4% on Monday after a 10% drop on Friday.\nAMD fell 5%.")
    assert [(row["assets"], row["happened_on"]) for row in rows] == [
        (["ORCL"], MONDAY),
        (["ORCL"], FRIDAY),
        (["AMD"], MONDAY),
    ]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("a.csv", "title,text,date\nNvidia falls 9%,Shares of Nvidia fell 9% on Monday.,2025-01-28T21:00:00Z\n"),
        ("a.csv", "title,text,date\nNvidia falls 9%,Nvidia falls 9% on Monday. NVDA lost 9%.,2025-01-28T21:00:00Z\n"),
        ("a.jsonl", '{"headline": "英伟达暴跌9%", "body": "英伟达股价周一下跌9%。", "date": "2025-01-28T21:00:00Z"}\n'),
        (
            "a.json",
            '[{"titre": "Nvidia chute de 9 %", "texte": "Nvidia a perdu 9 % lundi.", "date": "2025-01-28T21:00:00Z"}]',
        ),
        ("a.md", "# Nvidia falls 9%\n\nPublished 2025-01-28 21:00 UTC\n\nShares of Nvidia fell 9% on Monday.\n"),
    ],
)
def test_a_title_and_a_text_tell_one_claim(tmp_path: Path, name: str, row: str) -> None:
    (tmp_path / name).write_text(row, encoding="utf-8")
    (event,) = read_sources(tmp_path / name).events.frame.to_dicts()
    assert (event["kind"], event["assets"], event["happened_on"], moves(event)) == (
        "panic_drop",
        ["NVDA"],
        MONDAY,
        [("NVDA", -9.0)],
    )


def test_two_kinds_of_one_name_stay_two() -> None:
    rows = rows_of("Nvidia fell 9% on Monday.\nNvidia is a bubble, the fund's manager said.")
    assert sorted(row["kind"] for row in rows) == ["bubble_warning", "panic_drop"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Michael Burry says Nvidia is a bubble.\nJim Chanos also calls Nvidia a bubble.", "bubble_warning"),
        ("Nvidia is overvalued, Mr Grantham said.\nNvidia's valuation is stretched at 40 times sales, analysts said.", "valuation_alarm"),
        ("Intel misses forecasts\nIntel's revenue of $13 billion missed expectations by 4%.", "earnings_disappointment"),
        ("Burry va à découvert sur Nvidia\nMichael Burry a pris une position courte sur Nvidia, pour 187 millions de dollars.", "short_disclosure"),
        ("甲骨文数据中心延期\n甲骨文的数据中心项目将推迟一年，耗资380亿美元。", "project_delay"),
    ],
)  # fmt: skip
def test_one_opinion_counts_once_whoever_shares_it_and_with_whatever_figure(text: str, kind: str) -> None:
    assert [row["kind"] for row in rows_of(text)] == [kind]


def test_the_stronger_telling_stays_and_takes_over_figures_and_day() -> None:
    # 0.45 * 1.15 + 0.3 * (1 - exp(-12 / 8)) = 0.7506 in strong words; without them 0.45 + 0.2331 = 0.6831.
    weak, strong = (
        "Micron slipped 12% on Monday, after its shares lost $15 billion of market value.",
        "Micron plunges 12%",
    )
    for text in (f"{strong}\n{weak}", f"{weak}\n{strong}"):
        (row,) = rows_of(text)
        assert (row["evidence"], row["strength"], row["happened_on"]) == (strong, 0.7506, MONDAY)
        assert ("MU", "market value lost", -15e9) in [(f["asset"], f["what"], f["value"]) for f in row["figures"]]


def test_a_name_counts_once_where_one_telling_names_several() -> None:
    # "Nvidia and AMD plunge" is the stronger for both; of the list that follows only Intel is left.
    rows = rows_of("Nvidia and AMD plunge 9%\nOn Monday Nvidia fell 9%, AMD 9% and Intel 6%.")
    assert sorted(asset for row in rows for asset in row["assets"]) == ["AMD", "INTC", "NVDA"]
    assert {row["happened_on"] for row in rows} == {MONDAY}


def test_today_is_the_session_that_runs_when_the_page_comes_out() -> None:
    # 18:00 UTC is 13:00 in New York, an hour at which "today" and "on Tuesday" are one session; at 13:00 UTC it has not opened yet.
    text = "Nvidia sinks 9% today\nShares of Nvidia fell 9% on Tuesday."
    (row,) = rows_of(text, "2025-01-28T18:00:00+00:00")
    assert row["happened_on"] == dt.date(2025, 1, 28)
    (row,) = rows_of("Nvidia fell 9% today.", "2025-01-28T13:00:00+00:00")
    assert row["happened_on"] == MONDAY


def test_a_group_that_stands_for_its_members_counts_each_once() -> None:
    rows = rows_of("Nvidia fell 9% on Monday and AMD 7%.\nChip stocks slid 5%.")
    assets = [asset for row in rows for asset in row["assets"]]
    assert len(assets) == len(set(assets))


def test_no_two_events_of_a_document_share_kind_and_asset_but_falls_of_two_days() -> None:
    """Every pair of headline and body of the tables above, put together into longer documents."""
    for (one, *_), (other, *_) in pairwise([*TOLD_TWICE, *STAY_TWO]):
        keys = [(r["kind"], a, r["happened_on"]) for r in rows_of(f"{one}\n{other}") for a in r["assets"]]
        assert len(keys) == len(set(keys))
        assert len({key[:2] for key in keys}) >= len(keys) - 1  # at most one of the pair tells of two days


@pytest.mark.parametrize(
    ("one", "other", "unit", "alike"),
    [
        (-9.0, -8.9, "%", True), (-9.0, -9.4, "%", True), (-9.0, -9.96, "%", True), (-8.9, -8.94, "%", True), (-9.0, -9.0, "%", True),
        (-9.0, -10.0, "%", False), (-9.0, -7.9, "%", False), (-8.9, -9.1, "%", False), (-9.0, 9.0, "%", False),
        (-6e11, -5.93e11, "USD", True), (-6e11, -5.5e11, "USD", False), (2.0, 2.1, "x", False),
    ],
)  # fmt: skip
def test_a_rounded_figure_is_the_exact_one(one: float, other: float, unit: str, alike: bool) -> None:
    assert is_alike(one, other, unit) is is_alike(other, one, unit) is alike


# --------------------------------------------------------------------------------- a reading never dies of one event


@pytest.mark.parametrize(
    ("text", "asset"),
    [
        ("Why Marvell Technology (MRVL) stock is sinking", "MRVL"),
        ("Nvidia (NASDAQ: NVDA) shares plunged", "NVDA"),
        ("NVDA, Nvidia: stock plunges", "NVDA"),
        ("Google parent Alphabet's stock is tumbling", "GOOGL"),
        ("Pourquoi l'action Nvidia (NVDA) s'effondre en Bourse", "NVDA"),
        ("Facebook, maison mère Meta : le titre plonge", "META"),
        ("英伟达(NVDA)股价暴跌", "NVDA"),
        ("谷歌母公司Alphabet股价重挫", "GOOGL"),
        ("〈美股〉輝達(NVDA-US)股價崩跌", "NVDA"),
        ("超微 AMD 股價為何慘跌", "AMD"),
    ],
)
def test_a_company_under_two_names_is_one_asset(text: str, asset: str) -> None:
    assert [row["assets"] for row in rows_of(text)] == [[asset]]


def test_an_event_that_no_table_may_hold_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader is made to give wrong events: one of three, each wrong in another way."""
    spoil = {"AMD": {"assets": ["AMD", "AMD"]}, "INTC": {"strength": 1.5}, "MU": {"stance": float("nan")}}

    def spoilt(*given: Any) -> Any:
        found = read(*given)
        for item in found:
            item.row.update(spoil.get(item.row["assets"][0], {}))
        return found

    monkeypatch.setattr(passing, "read", spoilt)
    names = ["Nvidia", "AMD", "Intel", "Tesla", "Micron"]
    texts = [f"{name} fell 9% on Monday." for name in names]
    pl.DataFrame({"id": names, "text": texts, "date": [PUBLISHED] * 5}).write_parquet(tmp_path / "t.parquet")
    found = read_sources(tmp_path / "t.parquet")
    assert sorted(row["assets"][0] for row in found.events.frame.to_dicts()) == ["NVDA", "TSLA"]
    assert sorted(found.left_out["doc_id"]) == ["AMD", "Intel", "Micron"]
    assert "names an asset twice" in found.left_out.filter(doc_id="AMD")["reason"][0]
    assert found.counts["left_out"] == 3
    assert set(found.sources["doc_id"]) == {"Nvidia", "Tesla"}


def test_a_document_without_a_date_is_counted(tmp_path: Path) -> None:
    pl.DataFrame({"text": ["Nvidia fell 9%.", "AMD fell 9%."], "date": [None, PUBLISHED]}).write_parquet(
        tmp_path / "t.parquet"
    )
    assert read_sources(tmp_path / "t.parquet").counts["refused"] == 1
