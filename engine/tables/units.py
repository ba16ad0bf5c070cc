"""Units that stand in a header beside its name: "rate (%)", "weight_bps", "close (pence)"."""

from __future__ import annotations

import re
from typing import Final

#: What the values of a share are divided by, for each unit that a share may have.
DIVISORS: Final = {
    **dict.fromkeys(("percent", "pct", "pcnt", "percentage", "percents", "per cent", "pourcent", "pour cent", "百分比"), 100.0),
    **dict.fromkeys(("permille", "per mille"), 1000.0),
    **dict.fromkeys(("bps", "bp", "bips", "basis points", "basis point", "basispoints", "basispoint", "基点"), 10_000.0),
}  # fmt: skip
#: A sign of money beside a price says nothing that a price does not.
MONEY: Final = ("dollars", "euros", "pounds", "yen")
# Single letters and codes of currencies are left out: a header keeps them, and so is another name, such as that of a ticker.
_OTHERS: Final = (
    *("cents", "cent", "pence", "penny", "gbx", "分", "000", "000s", "000 s", "1000", "1000s", "x1000", "x 1000", "thousand"),
    *("thousands", "milliers", "千", "千股", "万", "万股", "万元", "手"),
    *("million", "millions", "mn", "mln", "billion", "billions", "bn", "亿"),
)  # fmt: skip
_SIGNS: Final = {
    "%": "percent", "％": "percent", "‰": "permille", "‱": "bps", "¢": "cents",
    "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen",
}  # fmt: skip
_UNIT: Final = "|".join(sorted((*DIVISORS, *MONEY, *_OTHERS), key=len, reverse=True))
_LAST: Final = re.compile(
    rf"^(.+?)(?: (?:in|as|en))? ({_UNIT})(?: (?:p a|pa|per annum|per year|a year|yearly|annual))?$"
)
_FIRST: Final = re.compile(rf"^({_UNIT}) (.+)$")


def split_unit(header: str) -> tuple[str, str]:
    """Part a header into its name and its unit, which is "" where it has none.

    Examples
    --------
    >>> split_unit("rate (% p.a.)"), split_unit("weight_bps"), split_unit("Adj Close")
    (('rate', 'percent'), ('weight', 'bps'), ('Adj Close', ''))
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    for sign, word in _SIGNS.items():
        spaced = spaced.replace(sign, f" {word} ")
    words = " ".join(re.findall(r"[^\W_]+", spaced.lower()))
    if last := _LAST.match(words):
        return last[1], last[2]
    if first := _FIRST.match(words):
        return first[2], first[1]
    return header, ""
