"""Symbols of exchanges: "(NYSE: XYZ)", "$XYZ", "（600519.SH）", "(EPA: MC)", "2330-TW" -> tickers as Yahoo writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.reader.fold import fold

#: Suffix of Yahoo -> where it is: the country's two letters.
PLACES: Final = {
    "": "US", "L": "GB", "IL": "GB", "PA": "FR", "DE": "DE", "F": "DE", "MU": "DE", "SG": "DE", "T": "JP", "HK": "HK", "SS": "CN", "SZ": "CN", "BJ": "CN",
    "TW": "TW", "TWO": "TW", "KS": "KR", "KQ": "KR", "AS": "NL", "BR": "BE", "LS": "PT", "MI": "IT", "MC": "ES", "SW": "CH", "ST": "SE", "CO": "DK",
    "HE": "FI", "OL": "NO", "IR": "IE", "VI": "AT", "WA": "PL", "AT": "GR", "IS": "TR", "TO": "CA", "V": "CA", "CN": "CA", "NE": "CA", "AX": "AU",
    "NZ": "NZ", "NS": "IN", "BO": "IN", "SI": "SG", "KL": "MY", "JK": "ID", "BK": "TH", "SA": "BR", "MX": "MX", "BA": "AR", "SR": "SA", "TA": "IL",
    "JO": "ZA", "ME": "RU", "QA": "QA", "VN": "VN",
}  # fmt: skip
# What texts and tables call an exchange, folded -> suffix of Yahoo.
_EXCHANGES: Final = {
    suffix: words.split("|")
    for suffix, words in {
        "": "nyse|nasdaq|nasdaqgs|nasdaqgm|nasdaqcm|nasdaq gs|nasdaq-gs|amex|nyse american|nyseamerican|nyse arca|nysearca|arca|cboe|bats|otc|otcmkts|otcqx|otcqb|"
            "otc pink|pink|new york|xnys|xnas|xase|arcx|us|usa|un|uw|uq|nys|nas|nms|nyq|ngm|ncm|ase|pnk|纽交所|纽约证券交易所|纳斯达克|纳斯达克证券交易所|美股|美国",
        "L": "lon|lse|london|lse plc|london stock exchange|xlon|aim|ln|gb|uk|伦敦|伦敦证券交易所|伦交所",
        "PA": "epa|par|euronext paris|paris|xpar|fp|fr|bourse de paris|巴黎|泛欧交易所巴黎",
        "DE": "etr|xetra|fra|frankfurt|xetr|xfra|ger|gy|gr|de|fwb|法兰克福",
        "T": "tyo|tokyo|tokyo stock exchange|xtks|jpx|jp|jt|tse tokyo|东京|东京证券交易所|东证",
        "HK": "hkg|hkex|sehk|hkse|hong kong|xhkg|hk|hong kong stock exchange|港股|港交所|香港|香港交易所|香港联交所|联交所",
        "SS": "sha|sse|shanghai|xshg|sh|ss|ch shanghai|上交所|上海|上海证券交易所|沪|沪市|上证|科创板",
        "SZ": "she|szse|shenzhen|xshe|sz|深交所|深圳|深圳证券交易所|深|深市|深证|创业板",
        "BJ": "bse beijing|bjse|bj|xbse|北交所|北京证券交易所",
        "TW": "tpe|twse|taiwan|taipei|xtai|tw|tt|台股|台湾|台北|台湾证券交易所|台交所|上市",
        "TWO": "tpex|two|roco|上柜",
        "KS": "krx|kospi|korea|xkrx|ks|kr|kse|韩股|韩国|首尔", "KQ": "kosdaq|kq|xkos",
        "AS": "ams|euronext amsterdam|amsterdam|xams|na|nl", "BR": "ebr|bru|euronext brussels|brussels|xbru|bb|be", "LS": "eli|lis|euronext lisbon|lisbon|xlis",
        "MI": "bit|mil|milan|borsa italiana|xmil|im|it", "MC": "bme|mce|madrid|xmad|sm|es", "SW": "swx|six|zurich|xswx|vtx|sw|se swiss|ch",
        "ST": "sto|stockholm|xsto|omx stockholm", "CO": "cph|copenhagen|xcse|dk", "HE": "hel|helsinki|xhel|fi", "OL": "osl|ose|oslo|xosl|no",
        "IR": "ise|dublin|euronext dublin|xdub|ie", "VI": "vie|vienna|xwbo|at", "TO": "tsx|tse|toronto|xtse|ca|cn tsx", "V": "tsxv|cve|tsx venture|xtsx",
        "AX": "asx|sydney|xasx|au", "NZ": "nze|nzx|xnze|nz", "NS": "nse|nsi|xnse|in", "BO": "bom|bse|xbom", "SI": "sgx|ses|singapore|xses|sg",
        "KL": "klse|kls|xkls|my|bursa malaysia", "JK": "idx|jkt|xidx|id", "SA": "bvmf|b3|sao|bmf|br", "SR": "tadawul|sau|xsau", "TA": "tlv|tase|xtae", "JO": "jse|xjse",
    }.items()
}  # fmt: skip
_SUFFIX_OF: Final = {word: suffix for suffix, words in _EXCHANGES.items() for word in words}
# Suffixes that texts write and Yahoo does not: Reuters's and Chinese data vendors'.
_WRITTEN: Final = {
    "US": "", "O": "", "N": "", "OQ": "", "K": "", "A": "", "SH": "SS", "SHH": "SS", "SHZ": "SZ", "P": "PA", "GY": "DE", "JP": "T", "S": "SW", "FP": "PA", "LN": "L",
    "TT": "TW", "SG": "SI", "KR": "KS",
}  # fmt: skip


def place_of(ticker: str, exchange: str = "") -> str:
    """Say in which country a ticker trades, by its exchange's name or else its suffix; "" where neither says.

    >>> place_of("MC.PA"), place_of("AAPL"), place_of("MC", "Euronext Paris"), place_of("BRK.B"), place_of("X", "Mars")
    ('FR', 'US', 'FR', 'US', '')
    """
    if exchange.strip():
        suffix = _SUFFIX_OF.get(exchange.strip().lower())
        return "" if suffix is None else PLACES[suffix]
    head, dot, suffix = ticker.rpartition(".")
    if not dot:
        return "US" if ticker.isascii() and ticker.isupper() else ""
    if suffix in PLACES:
        return PLACES[suffix]
    return "US" if len(suffix) == 1 and head.isalpha() else ""


class Symbol(NamedTuple):
    """A symbol that a text gives."""

    start: int
    end: int
    ticker: str  # as Yahoo writes it
    sure: bool  # whether an exchange or a $ says that it is one; else only brackets do


# Those that a text writes before a symbol; "Paris: " and "US: " begin other things.
_IN_TEXT: Final = (
    "NYSE American|NYSEAMERICAN|NYSE Arca|NYSEARCA|NYSE|NasdaqGS|NasdaqGM|NasdaqCM|NASDAQ|Nasdaq|AMEX|OTCMKTS|OTCQX|OTCQB|OTC Pink|OTC|CBOE|EPA|Euronext Paris|LON|LSE|AIM|ETR|XETRA|Xetra|"
    "FRA|TYO|TSE|HKG|HKEX|SEHK|HKSE|SHA|SSE|SHE|SZSE|TPE|TWSE|TPEX|TPEx|KRX|KOSPI|KOSDAQ|AMS|Euronext Amsterdam|EBR|Euronext Brussels|ELI|BIT|BME|SWX|STO|CPH|HEL|OSL|"
    "TSXV|TSX|ASX|NSE|BOM|BSE|SGX|KLSE|IDX|JSE|BVMF|TADAWUL|TLV|纽交所|纳斯达克|美股|港股|港交所|联交所|上交所|深交所|北交所|沪市|深市|台股|东证|科创板|创业板"
)
_NAMED: Final = re.compile(
    rf"(?<![\w$])({_IN_TEXT})\s?(?:股票)?(?:代码|代号|ticker|symbol)?\s?[:：]\s?\$?([A-Z0-9][A-Z0-9.\-]{{0,9}})(?![a-z])"
)
_DOLLAR: Final = re.compile(r"(?<![\w$])\$([A-Z]{2,5}(?:\.[A-Z]{1,2})?)(?![\w$])")
_SUFFIXED: Final = re.compile(
    r"(?<![\w.$@/\-])(?:([A-Z]{1,5}|\d{4,6})[.\-](US|HK|SH|SS|SZ|TWO|TW|TT|JP|KS|KR)"
    r"|([A-Z0-9]{2,6})\.(OQ|O|N|SHH|SHZ|LN|L|PA|FP|DE|GY|AS|BR|MI|MC|SW|ST|CO|HE|OL|TO|AX|KQ|NS|BO|SI|KL|BJ|SR|SA|IR)"
    r"|(\d{3}[0-9A-Z])\.(T))(?![\w])"
)
_PREFIXED: Final = re.compile(r"(?<![A-Za-z0-9])(SH|SZ|sh|sz)(\d{6})(?!\d)")
_JOINED: Final = re.compile(r"[A-Z0-9][.\-][A-Z]")  # what a suffixed symbol has, and few texts
_PLACED: Final = re.compile(r"[A-Za-z\u3400-\u9fff]\s?[:：]\s?\$?[A-Z0-9]")  # "NYSE: X", "Nasdaq:X", "港股：0"
_SIX: Final = re.compile(r"\d{6}")
_BRACKETS: Final = re.compile(r"[(（]\s?(?:(?:股票|证券)?代[码号][:：]?\s?)?([A-Z]{1,5}(?:\.[A-Z])?|\d{4,6})\s?[)）]")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


def symbols(text: str) -> Iterator[Symbol]:
    """Yield the symbols that a text gives, those of an exchange and those that only stand in brackets after a name.

    Examples
    --------
    >>> told = "Zyntex (NYSE: ZYX), LVMH (EPA:MC), $QRS, 茅台（600519.SH）, 腾讯(0700.HK), 台積電(2330-TW), Byrna (BYRN)"
    >>> [symbol.ticker for symbol in symbols(told)]
    ['ZYX', 'MC.PA', 'QRS', '600519.SS', '0700.HK', '2330.TW', 'BYRN']
    """
    sure: list[Symbol] = []
    if (":" in text or "：" in text) and _PLACED.search(text) is not None:
        for match in _NAMED.finditer(text):
            suffix = _SUFFIX_OF[fold(match.group(1))]
            ticker = _written(match.group(2), suffix)
            if ticker:
                sure.append(Symbol(match.start(), match.end(), ticker, True))
    if "$" in text:
        sure += [Symbol(m.start(), m.end(), m.group(1), True) for m in _DOLLAR.finditer(text)]
    if _JOINED.search(text) is not None:
        for match in _SUFFIXED.finditer(text):
            code, written = next((match.group(i), match.group(i + 1)) for i in (1, 3, 5) if match.group(i))
            ticker = _written(code, _WRITTEN.get(written, written))
            if ticker:
                sure.append(Symbol(match.start(), match.end(), ticker, True))
    sure += [
        Symbol(m.start(), m.end(), f"{m.group(2)}.{_WRITTEN.get(m.group(1).upper(), 'SZ')}", True)
        for m in (_PREFIXED.finditer(text) if _SIX.search(text) else ())
    ]
    yield from sure
    if "(" in text or "（" in text:
        for match in _BRACKETS.finditer(text):
            if not any(symbol.start < match.end() and match.start() < symbol.end for symbol in sure):
                yield Symbol(match.start(), match.end(), match.group(1), False)


def _written(code: str, suffix: str) -> str:
    """Write a code and a suffix as Yahoo does; "" where they cannot belong together."""
    code = code.upper().rstrip(".-")
    for tail in (f".{suffix}", f"-{suffix}"):
        if suffix and code.endswith(tail):
            code = code[: -len(tail)]
    digits = code.isdigit()
    if suffix == "HK":
        return f"{int(code):04d}.HK" if digits and len(code) <= 5 else ""
    if suffix in ("SS", "SZ", "BJ"):
        return f"{code}.{suffix}" if digits and len(code) == 6 else ""
    if suffix in ("KS", "KQ"):
        return f"{code}.{suffix}" if len(code) == 6 else ""
    if suffix in ("TW", "TWO", "T"):
        return f"{code}.{suffix}" if len(code) == 4 and code[:1].isdigit() else ""
    if suffix == "":
        return code if re.fullmatch(r"[A-Z]{1,5}(?:[.\-][A-Z])?", code) else ""
    return f"{code}.{suffix}" if re.fullmatch(r"[A-Z0-9][A-Z0-9\-]{0,6}", code) and not digits else ""


def of_code(code: str) -> str:
    """Give the ticker of six digits, which say themselves where they trade; "" for any other code.

    >>> of_code("600519"), of_code("300750"), of_code("2330")
    ('600519.SS', '300750.SZ', '')
    """
    if len(code) != 6 or not code.isdigit():
        return ""
    if code[0] in "69" or code.startswith("51") or code.startswith("58"):
        return f"{code}.SS"
    if code[0] in "03" or code.startswith("159"):
        return f"{code}.SZ"
    return f"{code}.BJ" if code[0] in "48" else ""


def could_be_year(code: str) -> bool:
    """Tell whether four digits may be a year."""
    return _YEAR.fullmatch(code) is not None
