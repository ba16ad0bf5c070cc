"""A made corpus of short documents in four languages, for timing the reader: every document is different.

Three sorts: `claims` (a name and a claim of it: what the reader is for), `near` (a name without a claim, or a claim without a
name: what the first pass must tell apart), and the rest (local news: neither).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_NAMES = {
    "en": ["Nvidia", "Broadcom", "Oracle", "AMD", "Microsoft", "Palantir", "Micron", "CoreWeave", "Intel"],
    "fr": ["Nvidia", "Broadcom", "Oracle", "AMD", "Microsoft", "Palantir", "Micron", "CoreWeave", "Intel"],
    "zh-Hans": ["英伟达", "博通", "甲骨文", "微软", "美光", "英特尔", "台积电", "特斯拉"],
    "zh-Hant": ["輝達", "博通", "甲骨文", "微軟", "美光", "英特爾", "台積電", "特斯拉"],
}
_CLAIMS = {
    "en": ["{a} fell {n}% while {b} lost {m}%.", "{a}'s quarterly revenue came in {n}% below estimates.", "A fund warned that {a} is in a bubble.",
           "{a} has delayed a data center by {k} months.", "The plunge in {a} is overdone, said a broker."],
    "fr": ["{a} a perdu {n} % et {b} {m} %.", "Le chiffre d'affaires de {a} est inférieur de {n} % aux attentes.", "Un fonds voit une bulle autour de {a}.",
           "{a} a reporté de {k} mois un centre de données.", "La chute de {a} est exagérée, juge un courtier."],
    "zh-Hans": ["{a}下跌{n}%，{b}跌{m}%。", "{a}季度营收低于预期{n}%。", "有基金警告{a}存在泡沫。", "{a}的数据中心推迟{k}个月。", "机构认为{a}的下跌反应过度。"],
    "zh-Hant": ["{a}下跌{n}%，{b}跌{m}%。", "{a}季度營收低於預期{n}%。", "有基金警告{a}存在泡沫。", "{a}的資料中心延後{k}個月。", "機構認為{a}的下跌反應過度。"],
}  # fmt: skip
_NEAR = {
    "en": ["{a} opened a shop with {k} staff.", "Home prices fell {n}% in the valley.", "The bubble tea stall sold out."],
    "fr": ["{a} ouvre une boutique de {k} salariés.", "Le prix du blé a chuté de {n} %.", "La bulle immobilière inquiète le maire."],
    "zh-Hans": ["{a}开设新门店，员工{k}人。", "蔬菜价格下跌{n}%。", "奶茶店的奶泡沫很受欢迎。"],
    "zh-Hant": ["{a}開設新門市，員工{k}人。", "蔬菜價格下跌{n}%。", "奶茶店的奶泡沫很受歡迎。"],
}  # fmt: skip
_WORDS = {
    "en": ["council", "school", "river", "team", "bridge", "music", "harvest", "visitors", "library", "station", "coach", "garden", "players", "street", "museum", "bakery", "winter", "teacher", "festival", "village", "road", "children", "theatre", "water", "pupils", "league", "club", "stadium", "weather", "bus", "train", "holiday", "mayor", "volunteers"],
    "fr": ["conseil", "école", "rivière", "équipe", "pont", "musique", "récolte", "visiteurs", "bibliothèque", "gare", "jardin", "joueurs", "rue", "musée", "boulangerie", "hiver", "professeur", "fête", "village", "route", "enfants", "théâtre", "élèves", "ligue", "club", "stade", "météo", "autobus", "vacances", "maire", "bénévoles"],
    "zh-Hans": [*list("天地人山水花鸟学校老师孩子春夏秋冬比赛音乐图书馆公园道路桥梁居民村庄节日火车早晨晚餐厨房"), "足球", "球队", "志愿者", "展览", "博物馆"],
    "zh-Hant": [*list("天地人山水花鳥學校老師孩子春夏秋冬比賽音樂圖書館公園道路橋樑居民村莊節日火車早晨晚餐廚房"), "足球", "球隊", "志工", "展覽", "博物館"],
}  # fmt: skip


def _filler(rng: random.Random, tongue: str, sentences: int) -> str:
    words = _WORDS[tongue]
    if tongue.startswith("zh"):
        return "".join("".join(rng.choices(words, k=24)) + "。" for _ in range(sentences))
    return " ".join(" ".join(rng.choices(words, k=14)).capitalize() + "." for _ in range(sentences))


def document(rng: random.Random, sort: str) -> str:
    """Make one document of about 500 bytes; `sort` is "claims", "near" or "other"."""
    tongue = rng.choice(tuple(_NAMES))
    body = [_filler(rng, tongue, rng.randint(3, 6))]
    if sort != "other":
        a, b = rng.sample(_NAMES[tongue], 2)
        form = rng.choice((_CLAIMS if sort == "claims" else _NEAR)[tongue])
        told = form.format(
            a=a, b=b, n=round(rng.uniform(0.1, 20), 2), m=round(rng.uniform(0.1, 20), 2), k=rng.randint(2, 40)
        )
        body.insert(rng.randint(0, 1), told)
    return ("" if tongue.startswith("zh") else " ").join(body)


def batches(count: int, share: float, near: float, *, seed: int = 7, size: int = 50_000) -> Iterator[pa.Table]:
    """Yield tables of documents with columns doc_id, text, published_at."""
    rng = random.Random(seed)
    for first in range(0, count, size):
        number = min(size, count - first)
        sorts = rng.choices(["claims", "near", "other"], [share, near, 1 - share - near], k=number)
        yield pa.table({
            "doc_id": [f"d{first + i:07d}" for i in range(number)],
            "text": [document(rng, sort) for sort in sorts],
            "published_at": [f"2025-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} 12:00+00:00" for _ in range(number)],
        })  # fmt: skip


def write(path: Path, count: int, share: float, near: float) -> int:
    """Write a corpus as Parquet and give the bytes of its text."""
    size = 0
    writer = None
    for table in batches(count, share, near):
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        size += sum(len(text.encode()) for text in table["text"].to_pylist())
    if writer is not None:
        writer.close()
    return size
