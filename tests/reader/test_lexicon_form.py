"""A lexicon of one's own: what is wrong with it is said in one sentence, with the file and the rule."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from engine.cli import main
from engine.faults import Fault
from engine.reader import read_documents
from engine.reader.lexicon import load

ROOT = Path(__file__).parents[2]
RULE = '[[rules]]\nkind = "support"\nany = ["rescue"]\n'


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Fault) as caught:
        load([path])
    said = str(caught.value)
    assert "\n" not in said
    assert str(path) in said
    return said


BAD_RULES = {
    '[[rules]]\nkind = "support"\n': r"rule 1 \(support\): any must be a list of one concept or more \(got nothing\)",
    '[[rules]]\nkind = "support"\nany = []\n': r"any must be .* \(got \[\]\)",
    '[[rules]]\nkind = "support"\nany = "rescue"\n': r"any must be .* \(got 'rescue'\)",
    '[[rules]]\nkind = "support"\nany = [1]\n': r"any must be .* \(got \[1\]\)",
    '[[rules]]\nkind = "support"\nany = [""]\n': r"any must be",
    '[[rules]]\nkind = "support"\nany = ["resuce"]\n': r"concept 'resuce', which has no words \(did you mean 'rescue'\?\)",
    '[[rules]]\nany = ["rescue"]\n': r"rule 1: kind must be a kind of events \(got nothing\)",
    '[[rules]]\nkind = "suport"\nany = ["rescue"]\n': r"\(got 'suport'\) \(did you mean 'support'\?\)",
    '[[rules]]\nkind = "merger"\nany = ["rescue"]\n': r"rule 1 \(merger\): kind must be",
    '[[rules]]\nkind = 3\nany = ["rescue"]\n': r"kind must be a kind of events \(got 3\)",
    RULE + RULE + 'anny = ["rescue"]\n': r"rule 2 \(support\): 'anny' is no field of a rule \(did you mean 'any'\?\)",
    RULE + 'all = "state"\n': r"all must be a list",
    RULE + 'all = ["state|stat"]\n': r"concept 'stat', which has no words",
    RULE + 'all = ["state|"]\n': r"concept '', which has no words",
    RULE + "none = [true]\n": r"none must be a list of concepts \(got \[True\]\)",
    RULE + 'none = ["nobody"]\n': r"concept 'nobody', which has no words",
    RULE + "near = -1\n": r"near must be a whole number of characters from 0 \(got -1\)",
    RULE + "near = 2.5\n": r"near must be",
    RULE + "near = true\n": r"near must be",
    RULE + 'negated = "no"\n': r"negated must be 'nothing', 'same' or a kind \(got 'no'\)",
    RULE + 'who = "group:chips"\n': r"who must be one of 'named', 'context'",
    RULE + "default = []\n": r"default must be a list of one symbol or more",
    RULE + 'default = "SPY"\n': r"default must be",
    RULE + 'default = [" SPY"]\n': r"default must be",
    RULE + "stance = 2\n": r"stance must be a number from -1 to 1 \(got 2\)",
    RULE + "stance = nan\n": r"stance must be",
    RULE + 'stance = "bearish"\n': r"stance must be",
    'rules = "none"\n': r"rules must be tables",
    '[rules]\nkind = "support"\nany = ["rescue"]\n': r"rules must be tables .*write each under a line \[\[rules\]\]",
    "replace_rules = true\n": r"replace_rules is true, and the file has no rules",
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD_RULES.items(), ids=[text[-40:] for text in BAD_RULES])
def test_a_rule_that_has_not_the_form_is_refused_with_file_and_number(tmp_path: Path, text: str, said: str) -> None:
    assert re.search(said, refusal(tmp_path, text))


BAD_ENTRIES = {
    '[assets.ZYX]\nnames = "Zyntex"\n': r"assets.ZYX: names must be a list of words in quotes",  # else every letter is a name
    '[assets.ZYX]\nalias = ["Zyntex"]\n': r"assets.ZYX: 'alias' is no field of it",
    '[assets.ZYX]\ntickers = ["ZYX "]\n': r"tickers must be a list of symbols",
    '[assets.ZYX]\nindex = "yes"\n': r"index must be true or false",
    '[assets.ZYX]\nera = "dotcome"\n': r"era names the concept 'dotcome', which has no words \(did you mean 'dotcom'\?\)",
    '[assets]\nZYX = ["Zyntex"]\n': r"assets.ZYX must be a table",
    '[assets.""]\nnames = ["Zyntex"]\n': r"an entry of assets must have a name \(got ''\)",
    '[groups." "]\nnames = ["mine"]\n': r"an entry of groups must have a name \(got ' '\)",
    '[groups.mine]\nnames = ["mine"]\nassets = []\n': r"groups.mine: assets must be one symbol or more \(got \[\]\)",
    "assets = 3\n": r"assets must be a table \(got 3\)",
    '[groups.mine]\nnames = ["mine"]\nassets = "NVDA"\n': r"groups.mine: assets must be a list of symbols",
    '[groups.mine]\nnames = ["*"]\n': r"groups.mine: names must be",
    '[concepts.bubble]\nen = "castle in the sky"\n': r"concepts.bubble: en must be a list",  # else every letter is a bubble
    '[concepts.bubble]\nde = ["Blase"]\n': r"concepts.bubble: 'de' is no field of it; known are en, fr, zh",
    '[concepts.bubble]\nen = [" .. sky"]\n': r"en must be",
    '[concepts.bubble]\nen = [3]\n': r"en must be",
    "[concepts.bubble]\nreplace = 1\n": r"replace must be true or false",
    '[concepts.bubble]\nremove = "hype"\n': r"remove must be",
    "[kinds.merger]\nbase = 0.5\n": r"kinds.merger has no stance; give it, as every kind of your own needs one",
    "[kinds.denial]\nbase = 5\n": r"kinds.denial: base must be a number from 0 to 1",
    "[kinds.denial]\nstance = 0.5\n": r"stance must be -1 or 1",
    "[kinds.denial]\nscale = { percent = 0, multiple = 1, money = 1 }\n": r"scale must be",
    "[kinds.denial]\nreplace = true\nbase = 0.5\n": r"kinds.denial has no stance",
    "[strength]\nhedge = 0.5\n": r"strength: 'hedge' is no field of it \(did you mean 'hedged'\?\)",
    '[strength]\nhedged = "half"\n': r"hedged must be a number",
    '[nobody]\nname = ["apple pie"]\n': r"nobody: 'name' is no field of it \(did you mean 'names'\?\)",
    "released = 2026-03-01\n": r"released must be an instant with its zone \(got 2026-03-01\)",
    "released = 2026-03-01T00:00:00\n": r"released must be an instant with its zone",
    "name = true\n": r"name must be a word in quotes",
    "[rulez]\n": r"unknown section 'rulez' \(did you mean 'rules'\?\)",
    "[[rules]\n": r"is not TOML",
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD_ENTRIES.items(), ids=[text[-40:] for text in BAD_ENTRIES])
def test_an_entry_that_has_not_the_form_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert re.search(said, refusal(tmp_path, text))


def test_the_command_line_says_it_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("Published 2025-11-07 09:00 UTC\nNvidia fell 3.65% on Thursday.")
    (tmp_path / "lex.toml").write_text('[[rules]]\nkind = "support"\n')
    files = [str(tmp_path / name) for name in ("a.txt", "e.parquet", "lex.toml")]
    assert main(["read", files[0], "--out", files[1], "--lexicon", files[2]]) == 2
    assert f"lexicon {files[2]}, rule 1 (support): any must be" in capsys.readouterr().err


@pytest.mark.parametrize("given", [[3], [None], 5])
def test_what_is_no_path_is_refused(tmp_path: Path, given: object) -> None:
    (tmp_path / "a.txt").write_text("Published 2025-11-07 09:00 UTC\nNvidia fell 3.65% on Thursday.")
    with pytest.raises(Fault, match="lexicon must be the path of a TOML file"):
        read_documents(tmp_path / "a.txt", lexicon=given)  # type: ignore[arg-type]


def test_the_example_of_the_docs_is_a_lexicon(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reader.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)
    (tmp_path / "mine.toml").write_text(example, encoding="utf-8")
    story = tmp_path / "a.txt"
    story.write_text("Published 2025-11-07 09:00 UTC\nBroker downgrades Nvidia stock.\n")
    assert not len(read_documents(story))
    frame = read_documents(story, lexicon=tmp_path / "mine.toml").frame
    assert [(row["kind"], row["assets"]) for row in frame.to_dicts()] == [("valuation_alarm", ["NVDA"])]
    for field in ("kind", "any", "all", "none", "near", "negated", "who", "default", "stance"):
        assert re.search(rf"^{field} = ", example, re.M), f"the example does not show {field}"


def test_an_edited_lexicon_is_noticed_in_one_session(tmp_path: Path) -> None:
    story, words = tmp_path / "a.txt", tmp_path / "mine.toml"
    story.write_text("Published 2025-11-07 09:00 UTC\nZyntex fell 8%.\n")
    words.write_text('[assets.ZYA]\nnames = ["Zyntex"]\n')
    stamp = words.stat()
    assert read_documents(story, lexicon=words).frame["assets"].to_list() == [["ZYA"]]
    words.write_text('[assets.ZYB]\nnames = ["Zyntex"]\n')  # of the same length, and then of the same time
    os.utime(words, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert read_documents(story, lexicon=words).frame["assets"].to_list() == [["ZYB"]]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b'\xef\xbb\xbf[assets.ZYX]\nnames = ["Zyntex"]\n')
    assert "ZYX" in load([path]).entities
