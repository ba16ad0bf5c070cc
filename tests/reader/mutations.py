# ruff: noqa: E501  (patterns, word tables and Chinese, whose characters count twice)
"""Documents that were cut, spliced, garbled and blown up, for tests that nothing makes the reader fall over."""

from __future__ import annotations

import random

TEXTS = [
    "Published Nov. 7, 2025 at 4:15 p.m. ET\nNvidia fell 3.65% and AMD 7.27% on Thursday. OpenAI denied that it needs a government backstop.",
    "Publié le 7 novembre 2025 à 08h15\nNvidia a perdu 3,65 % hier soir, la bulle de l'IA inquiète. La chute est exagérée, dit un analyste.",
    "2025年11月7日 09:30\n昨夜英伟达跌3.65%，甲骨文跌2.6%，市值蒸发1730亿美元。伯里披露做空Palantir。",
    "發布時間：2025-11-07 10:00\n輝達重挫3.65%，市場擔憂AI泡沫。甲骨文資料中心延後，該公司否認。",
    "<html><head><meta property='article:published_time' content='2025-11-07T08:00:00+01:00'></head><body><p>Oracle missed estimates; "
    "its shares sank 11%.</p><p>CoreWeave is burning through cash.</p></body></html>",
]
ENCODINGS = ["utf-8", "gb18030", "big5", "latin-1", "utf-16", "cp1252", "shift_jis"]


def mutant(rng: random.Random) -> bytes:
    """Make one mutated document, as bytes."""
    text = rng.choice(TEXTS)
    for _ in range(rng.randint(1, 4)):
        text = rng.choice(_CHANGES)(rng, text)
    raw = text.encode(rng.choice(ENCODINGS), "replace") if rng.random() < 0.5 else text.encode("utf-8", "replace")
    if rng.random() < 0.3:
        body = bytearray(raw)
        for _ in range(rng.randint(1, 12)):
            if body:
                body[rng.randrange(len(body))] = rng.randrange(256)
        raw = bytes(body)
    return raw


def _cut(rng: random.Random, text: str) -> str:
    a, b = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
    return text[a:b] if rng.random() < 0.5 else text[:a] + text[b:]


def _splice(rng: random.Random, text: str) -> str:
    other = rng.choice(TEXTS)
    a, b = rng.randint(0, len(text)), rng.randint(0, len(other))
    return text[:a] + other[b:]


def _misread(rng: random.Random, text: str) -> str:
    raw = text.encode(rng.choice(["utf-8", "gb18030"]), "replace")
    return raw.decode(rng.choice(["latin-1", "gb18030", "big5", "utf-8"]), "replace")


def _noise(rng: random.Random, text: str) -> str:
    at = rng.randint(0, len(text))
    junk = "".join(
        chr(rng.choice([0, 9, 10, 13, 0x85, 0x2028, 0x200B, 0x202E, 0xFFFD, 0xE000, 0x1F600, 0x20000, 0x41, 0x25]))
        for _ in range(9)
    )
    return text[:at] + junk + text[at:]


def _digits(rng: random.Random, text: str) -> str:
    return "".join(rng.choice("0123456789,.-%") if char.isdigit() and rng.random() < 0.3 else char for char in text)


def _repeat(rng: random.Random, text: str) -> str:
    return (text.replace("\n", " ") + " ") * rng.randint(2, 12)


def _deep(rng: random.Random, text: str) -> str:
    depth = rng.choice([5, 60, 600])
    return "<div>" * depth + text + ("</div>" * depth if rng.random() < 0.5 else "")


_CHANGES = [_cut, _splice, _misread, _noise, _digits, _repeat, _deep]
