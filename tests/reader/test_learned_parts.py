"""The parts of the learned model: grams and their sums, weights on disk, the two fits, and whom claims touch."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.reader.claims import claims_in, laid
from engine.reader.document import Document, opened
from engine.reader.learned import grams
from engine.reader.learned.fit import adapt, fit, newton, slots_of
from engine.reader.learned.judge import LEAST
from engine.reader.learned.model import RULE_VALUE, Model, built_in, read
from engine.reader.learned.train import is_before, key_of
from engine.reader.learned.whom import Pair, Sight, sights
from engine.reader.lexicon import load

LEXICON = load([])
KINDS = ("denial", "panic_drop", "support")
TEXTS = (
    "", "a", "shares fell", "l'action a chuté", "股价暴跌", "股價重挫0%", "Акции упали", "株価が急落", "주가 급락", "السهم هبط", "😀 fell",
    "①②③④⑤⑥⑦⑧⑨",
    "aaaaaaaaaa",
)  # fmt: skip


def grams_of(line: str) -> set[str]:
    padded = f" {line} "
    return {padded[at : at + size] for size in range(1, 6) for at in range(len(padded) - size + 1)}


def slots_in(line: str) -> list[int]:
    text, bounds = grams.codes([line])
    out = np.zeros(bounds[-1] * grams.LONGEST, np.int64)
    count = grams.slots(text, 0, bounds[-1], np.zeros(grams.SLOTS, np.int64), 1, out)
    return out[:count].tolist()


# ------------------------------------------------------------------------------------------------ grams


@pytest.mark.parametrize("line", TEXTS)
def test_slots_are_those_of_all_grams_each_once(line: str) -> None:
    found = slots_in(line)
    assert len(found) == len(set(found))
    assert set(found) == {grams.slot_of(gram) for gram in grams_of(line)}


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_slots_of_any_text(line: str) -> None:
    assert set(slots_in(line)) == {grams.slot_of(gram) for gram in grams_of(line)}


def test_a_slot_is_the_fnv_hash_of_a_gram() -> None:
    # FNV-1a over the code points: (2166136261 ^ 97) * 16777619 mod 2^32 = 0xE40C292C, the published value for "a".
    value = 0xE40C292C
    assert grams.slot_of("a") == (value ^ value >> 15) % 2**18


@pytest.mark.parametrize("lines", [list(TEXTS), ["股价暴跌"], ["one", "one"], ["", ""]])
def test_slots_of_lines_are_those_of_each(lines: list[str]) -> None:
    ends, columns = slots_of(*grams.codes(lines))
    assert [columns[a:b].tolist() for a, b in itertools.pairwise(ends)] == [slots_in(line) for line in lines]


def random_model(seed: int = 3) -> Model:
    chance = np.random.default_rng(seed)
    rarity = (np.round(chance.uniform(0, 10, grams.SLOTS) * 16) / 16).astype(np.float32)
    rarity[chance.random(grams.SLOTS) < 0.2] = 0
    return Model(
        KINDS, rarity, chance.integers(-127, 128, (grams.SLOTS, 3)).astype(np.int8), np.array([0.01, 0.02, 0.03], np.float32),
        np.array([-1, -2, -3], np.float32), {"fall": np.array([1, 2, 3], np.float32), "rule:denial": np.array([-1, 0, 1], np.float32)},
        {"bias": -2.5, "z": 0.75}, frozenset({"shares", "fell"}), dt.datetime(2024, 5, 6, tzinfo=dt.UTC), "abc",
    )  # fmt: skip


@pytest.mark.parametrize("line", TEXTS)
def test_the_score_is_the_plain_sum(line: str) -> None:
    model = random_model()
    slots = slots_in(line)
    length = math.sqrt(math.fsum(float(model.rarity[slot]) ** 2 for slot in slots)) or 1.0
    wanted = [
        math.fsum(float(model.rarity[slot]) * int(model.weights[slot, kind]) for slot in slots)
        * float(model.scale[kind])
        / length
        for kind in range(3)
    ]
    np.testing.assert_allclose(model.of_lines(["before", line])[1], wanted, rtol=1e-4, atol=1e-4)


def test_log_odds_are_the_sum_with_the_bias_and_the_hits() -> None:
    model = random_model()
    found = model.logits(["shares fell"], [["fall", "rule:denial", "unheard of"]])
    # bias [-1, -2, -3] + 0.2 * ([1, 2, 3] + [-1, 0, 1]); a hit that the model does not know counts nothing.
    np.testing.assert_allclose(found - model.of_lines(["shares fell"]), [[-1.0, -1.6, -2.2]], rtol=1e-5)


def test_why_names_all_that_was_added() -> None:
    model = random_model()
    told = dict(model.why("shares fell", ["fall", "rule:denial"], "support", most=10**6))
    assert told["fall"] == pytest.approx(3 * RULE_VALUE)
    whole = math.fsum(told.values()) + float(model.bias[2])
    assert whole == pytest.approx(float(model.logits(["shares fell"], [["fall", "rule:denial"]])[0, 2]), abs=0.05)


# ------------------------------------------------------------------------------------------------ on disk


def test_what_is_written_is_read_and_written_again_alike(tmp_path: Path) -> None:
    model = random_model()
    model.save(tmp_path / "a.npz")
    again = read(tmp_path / "a.npz")
    again.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    for name in ("rarity", "weights", "scale", "bias"):
        np.testing.assert_array_equal(getattr(model, name), getattr(again, name))
    for name in ("kinds", "pairs", "common", "newest", "version"):
        assert getattr(model, name) == getattr(again, name)
    assert {name: row.tolist() for name, row in model.hits.items()} == {
        name: row.tolist() for name, row in again.hits.items()
    }


def test_the_package_s_own_weights_are_whole() -> None:
    model = built_in()
    assert model is not None
    assert model.weights.dtype == np.int8
    assert model.weights.shape == (grams.SLOTS, len(model.kinds))
    assert model.rarity.shape == (grams.SLOTS,)
    assert (model.scale > 0).all()
    assert set(model.kinds) <= set(LEXICON.kinds)
    assert "bias" in model.pairs
    assert all(math.isfinite(value) for value in model.pairs.values())


# ------------------------------------------------------------------------------------------------ fits


def test_newton_finds_the_log_odds_of_a_share() -> None:
    # With the constant alone the best log-odds are those of the share: 3 of 4 is log(3 / 1).
    assert newton(np.ones((4, 1)), np.array([1.0, 1.0, 1.0, 0.0])) == pytest.approx([math.log(3)], rel=1e-5)


def test_newton_finds_two_groups() -> None:
    # A share of 1 in 4 where the column is 0 and 3 in 4 where it is 1: bias log(1/3), weight log(3) - log(1/3) = 2 log(3).
    column = np.array([0.0] * 4 + [1.0] * 4)
    wanted = np.array([1.0, 0, 0, 0, 1, 1, 1, 0])
    found = newton(np.column_stack([column, np.ones(8)]), wanted, shrink=1e-9)
    np.testing.assert_allclose(found, [2 * math.log(3), -math.log(3)], rtol=1e-4)


@pytest.mark.parametrize("shrink", [0.1, 1.0, 10.0])
def test_newton_ends_where_the_loss_is_flat(shrink: float) -> None:
    chance = np.random.default_rng(5)
    values = np.column_stack([chance.normal(size=(60, 3)), np.ones(60)])
    wanted = (chance.random(60) < 0.4).astype(float)
    found = newton(values, wanted, shrink)
    # The slope of the loss: sum over rows of (p - y) x, plus the pull of the penalty on all but the constant.
    slope = values.T @ (1 / (1 + np.exp(-values @ found)) - wanted) + np.array([shrink] * 3 + [1e-6]) * found
    np.testing.assert_allclose(slope, 0, atol=1e-7)


def rows() -> tuple[np.ndarray, ...]:
    bounds = np.array([0, 1, 2, 3, 4], np.int64)
    columns = np.array([0, 1, 0, 1], np.int64)
    wanted = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    return bounds, columns, np.ones(4, np.float32), wanted


def test_a_fit_tells_two_columns_apart_and_is_the_same_each_time() -> None:
    bounds, columns, values, wanted = rows()
    start = np.zeros((3, 2), np.float32)
    counts = np.ones((4, 2), np.float32)
    one, two = (fit(bounds, columns, values, wanted, counts, start, 12, 7) for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert not start.any()
    assert one[0, 0] > 0 > one[1, 0]
    assert one[1, 1] > 0 > one[0, 1]


def test_rows_that_do_not_count_move_nothing() -> None:
    bounds, columns, values, wanted = rows()
    none = np.zeros((4, 2), np.float32)
    assert not fit(bounds, columns, values, wanted, none, np.zeros((3, 2), np.float32), 3, 7).any()


def test_one_step_of_adapting_is_twice_the_error() -> None:
    # One row with the value 1 and log-odds 0 of what is not moved: p = 0.5, so a step is 2 * (1 - 0.5) = 1 up, and 1 down.
    bounds, columns, values = np.array([0, 1], np.int64), np.array([1], np.int64), np.ones(1, np.float32)
    wanted, none = np.array([[1, 0]], np.float32), np.zeros((1, 2), np.float32)
    moved = adapt(bounds, columns, values, wanted, none, np.zeros((3, 2), np.float32), 1)
    np.testing.assert_allclose(moved, [[0, 0], [1, -1], [0, 0]])


# ------------------------------------------------------------------------------------------------ whom


def sights_of(text: str) -> list[Sight]:
    page = opened(Document("d", text, "d", "2025-01-01T12:00:00Z", ticker=None), LEXICON)
    passages = page.passages(LEXICON)
    told, story = laid(passages, LEXICON, page.subject)
    return sights(passages, claims_in(passages, told, story), told, story, page.subject)


def pairs_of(text: str, kind: str) -> dict[str, Pair]:
    page = opened(Document("d", text, "d", "2025-01-01T12:00:00Z"), LEXICON)
    about = page.weighed(LEXICON, LEAST)
    assert about is not None
    return {pair.asset: pair for _, pair in about.sure if pair.kind == kind}


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("Boeing shares plunged 9%.", {"BA": "company", "SPY": "default"}),
        ("Nike and Intel fell.", {"NKE": "company", "INTC": "company", "SPY": "default"}),
        ("The Nasdaq fell 3%.", {"IXIC": "index", "SPY": "default"}),
        ("英伟达股价暴跌9%。", {"NVDA": "company", "SPY": "default"}),
        ("L'action Danone chute de 9 %.", {"BN.PA": "company", "SPY": "default"}),
    ],
)
def test_whom_a_sentence_may_be_about(text: str, roles: dict[str, str]) -> None:
    assert {asset: item.role for asset, item in sights_of(text)[0].assets.items()} == roles


def test_a_sentence_that_names_nobody_may_be_about_those_before() -> None:
    first, second = sights_of("Boeing held a meeting. Its shares then plunged 9%.")
    assert first.assets["BA"].role == "company"
    assert second.assets["BA"].role == "headline"


def test_a_fall_tells_its_size_of_its_own_asset_alone() -> None:
    found = pairs_of("Nike shares plunged 9% while Intel was unchanged", "panic_drop")
    assert found["NKE"].values["move:large"] == 1.0
    assert found["NKE"].values["rule_this"] == 1.0
    assert "INTC" not in found  # a fall is one that the rules find


def test_the_score_of_a_pair_is_its_plain_sum() -> None:
    pair = Pair(0, "denial", "NKE", "company", 0, {"z": 2.0, "not known": 5.0})
    # bias -2.5 + 2 * 0.75; a value without a weight counts nothing.
    assert pair.score(random_model()) == pytest.approx(-1.0)


# ------------------------------------------------------------------------------------------------ training


def test_the_hash_of_a_text_is_of_its_letters_alone() -> None:
    assert key_of("Nvidia fell, by 7%!") == key_of(" nvidia FELL by 7 ")
    assert key_of("Nvidia fell") != key_of("Nvidia rose")
    assert len(key_of("x")) == 16
    assert zlib.crc32(key_of("x").encode()) == zlib.crc32(key_of("X").encode())


@pytest.mark.parametrize(
    ("published", "told"),
    [
        ("2024-12-31T23:59:59Z", True), ("2025-01-01T00:00:00Z", False), ("2024-12-31", True), ("2025-06-01", False), (None, False),
        ("soon", False),
        ("2025-01-01T07:00:00+08:00", True), ("", False), (20241231, True), ("2024-12-31T23:30:00-05:00", False),
    ],
)  # fmt: skip
def test_what_is_before(published: object, told: bool) -> None:
    instant = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    assert is_before(published, instant) is told
    assert is_before(published, None)
