"""What grammar forbids the learned model, and that a claim of several names loses none of them."""

from __future__ import annotations

import pytest

from engine.reader.learned.vetoes import asks_whether
from engine.reader.lexicon import load
from tests.reader.told import told


@pytest.mark.parametrize(
    "words",
    [
        "did nvidia plunge 8%?", "is nvidia a bubble?", "will the market crash?", "are ai stocks overvalued?",
        "should investors sell nvidia?",
        "l'action nvidia va-t-elle s'effondrer ?", "est-ce que nvidia est une bulle ?", "faut-il vendre nvidia ?",
        "英伟达会不会崩盘？", "英伟达是泡沫吗？", "美股是否见顶？",
    ],
)  # fmt: skip
def test_a_question_whether_something_is_so(words: str) -> None:
    assert asks_whether(words)


@pytest.mark.parametrize(
    "words",
    [
        "why did nvidia plunge 8%?", "how far will nvidia fall?", "nvidia plunges 8%", "is nvidia a bubble, asks burry, and says yes.",
        "pourquoi l'action nvidia s'effondre-t-elle ?", "英伟达为什么会暴跌？", "英伟达暴跌8%",
        "isn't nvidia a bubble?", "what sank nvidia?", "bubble fears sink nvidia",
    ],
)  # fmt: skip
def test_what_takes_it_for_granted_or_asks_nothing(words: str) -> None:
    assert not asks_whether(words)


@pytest.mark.parametrize(
    "text",
    [
        # questions
        "Did Nvidia plunge 8%?", "Will Nvidia crash?", "L'action Nvidia va-t-elle s'effondrer ?", "英伟达会不会崩盘？",
        # how far since some day
        "Nvidia plunges 21% in a month", "Nvidia is down 40% this year.", "英伟达今年以来跌40%。",
        # what funds report
        "Harbour Advisers increased its stake in Pfizer by 2.1% in the third quarter, a 13F filing showed.",
        "Nordvale Capital boosted its position in Pfizer by 8% during the last quarter.",
        # a company that nobody knows
        "Nvidia rose. Shares of Zyntex plunged 20%.",
        # an everyday word
        "供应商左手接苹果的单，右手扩建电动车产线。", "鸿海左手造车，右手代工苹果手机。",
    ],
)  # fmt: skip
def test_what_grammar_forbids_is_no_claim(text: str) -> None:
    assert not told(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("Nvidia falls 9%", "panic_drop"), ("Vistra shares lost a tenth of their value on Monday.", "panic_drop"),
     ("Google parent Alphabet's stock is tumbling", "panic_drop"), ("Michael Burry says Nvidia is a bubble.", "bubble_warning")],
)  # fmt: skip
def test_a_plain_claim_is_one_claim_of_one_name(text: str, kind: str) -> None:
    (row,) = told(text)
    assert (row["kind"], len(row["assets"])) == (kind, 1)


def test_claims_of_a_sentence_that_are_not_alike_sure_have_ids_of_their_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # The group is of one's own lexicon and believed at 0.5; the company that fell before it is far surer: two events of one sentence.
    path = tmp_path_factory.mktemp("words") / "mine.toml"
    path.write_text(
        '[assets.ZYX]\nnames = ["Zyntex"]\n[groups.wobblers]\nnames = ["wobblers"]\nassets = ["ZYX", "QRS"]\n'
    )
    rows = told("Zyntex fell 8%. The wobblers plunged 5%.", lexicon=load([path]))
    assert {asset for row in rows for asset in row["assets"]} == {"ZYX", "QRS"}
    assert len({row["event_id"] for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("text", "kind", "asset"),
    [
        ("Intel downgrades its own outlook.", "earnings_disappointment", "INTC"),
        ("Nike's shock downgrade of its own forecast shakes world stock markets", "earnings_disappointment", "NKE"),
        ("克里夫蘭聯準銀行總裁：今年還要再升一次，然後長期維持。", "hawkish_policy", "SPY"),
        ("英伟达左手投资OpenAI，右手卖芯片给它。", "circular_financing", "NVDA"),
    ],
)
def test_what_stands_beside_it_is_one(text: str, kind: str, asset: str) -> None:
    assert (kind, asset) in {(row["kind"], name) for row in told(text) for name in row["assets"]}
