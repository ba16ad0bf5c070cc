"""Where symbols are traded, and which exchange's clock the stamps of a price table follow."""

from typing import NamedTuple


class Exchange(NamedTuple):
    """What tells an exchange's prices from others.

    Attributes
    ----------
    city
        For messages.
    zone
        The time zone, as in the IANA database.
    opens
        The usual open of a session, "HH:MM" in that zone.
    suffixes
        What vendors write behind the dot of its symbols (Yahoo, Reuters, Alpha Vantage, EODHD, Tushare, Stooq).
    """

    city: str
    zone: str
    opens: str
    suffixes: tuple[str, ...]


EXCHANGES = {
    "XNYS": Exchange("New York", "America/New_York", "09:30", ("US", "N", "O", "OQ")),
    "XTSE": Exchange("Toronto", "America/Toronto", "09:30", ("TO", "V", "CN", "NE", "TRT", "TRV")),
    "XMEX": Exchange("Mexico City", "America/Mexico_City", "08:30", ("MX",)),
    "BVMF": Exchange("Sao Paulo", "America/Sao_Paulo", "10:00", ("SA", "SAO")),
    "XBUE": Exchange("Buenos Aires", "America/Argentina/Buenos_Aires", "11:00", ("BA",)),
    "XSGO": Exchange("Santiago", "America/Santiago", "09:30", ("SN",)),
    "XLON": Exchange("London", "Europe/London", "08:00", ("L", "IL", "LON", "LSE", "UK")),
    "XDUB": Exchange("Dublin", "Europe/Dublin", "08:00", ("IR",)),
    "XLIS": Exchange("Lisbon", "Europe/Lisbon", "08:00", ("LS",)),
    "XPAR": Exchange("Paris", "Europe/Paris", "09:00", ("PA", "PAR")),
    "XETR": Exchange("Frankfurt, Xetra", "Europe/Berlin", "09:00", ("DE", "DEX", "XETRA")),
    "XFRA": Exchange("Frankfurt", "Europe/Berlin", "09:00", ("F", "BE", "DU", "HA", "HM", "MU", "SG", "FRK")),
    "XAMS": Exchange("Amsterdam", "Europe/Amsterdam", "09:00", ("AS", "AMS")),
    "XBRU": Exchange("Brussels", "Europe/Brussels", "09:00", ("BR",)),
    "XMIL": Exchange("Milan", "Europe/Rome", "09:00", ("MI",)),
    "XMAD": Exchange("Madrid", "Europe/Madrid", "09:00", ("MC",)),
    "XSWX": Exchange("Zurich", "Europe/Zurich", "09:00", ("SW", "VX")),
    "XWBO": Exchange("Vienna", "Europe/Vienna", "09:00", ("VI",)),
    "XSTO": Exchange("Stockholm", "Europe/Stockholm", "09:00", ("ST",)),
    "XCSE": Exchange("Copenhagen", "Europe/Copenhagen", "09:00", ("CO",)),
    "XOSL": Exchange("Oslo", "Europe/Oslo", "09:00", ("OL",)),
    "XWAR": Exchange("Warsaw", "Europe/Warsaw", "09:00", ("WA",)),
    "XPRA": Exchange("Prague", "Europe/Prague", "09:00", ("PR",)),
    "XBUD": Exchange("Budapest", "Europe/Budapest", "09:00", ("BD", "HU")),
    "XHEL": Exchange("Helsinki", "Europe/Helsinki", "10:00", ("HE",)),
    "ASEX": Exchange("Athens", "Europe/Athens", "10:00", ("AT",)),
    "XBSE": Exchange("Bucharest", "Europe/Bucharest", "10:00", ("RO",)),
    "XTAL": Exchange("Tallinn", "Europe/Tallinn", "10:00", ("TL",)),
    "XRIS": Exchange("Riga", "Europe/Riga", "10:00", ("RG",)),
    "XLIT": Exchange("Vilnius", "Europe/Vilnius", "10:00", ("VS",)),
    "XIST": Exchange("Istanbul", "Europe/Istanbul", "10:00", ("IS",)),
    "XMOS": Exchange("Moscow", "Europe/Moscow", "10:00", ("ME",)),
    "XICE": Exchange("Reykjavik", "Atlantic/Reykjavik", "09:30", ("IC",)),
    "XTAE": Exchange("Tel Aviv", "Asia/Tel_Aviv", "09:59", ("TA",)),
    "XSAU": Exchange("Riyadh", "Asia/Riyadh", "10:00", ("SR", "SAU")),
    "XJSE": Exchange("Johannesburg", "Africa/Johannesburg", "09:00", ("JO",)),
    "XBOM": Exchange("Mumbai", "Asia/Kolkata", "09:15", ("NS", "BO", "BSE", "NSE")),
    "XKAR": Exchange("Karachi", "Asia/Karachi", "09:32", ("KA",)),
    "XTKS": Exchange("Tokyo", "Asia/Tokyo", "09:00", ("T", "JP")),
    "XKRX": Exchange("Seoul", "Asia/Seoul", "09:00", ("KS", "KQ", "KR", "KO")),
    "XSHG": Exchange("Shanghai and Shenzhen", "Asia/Shanghai", "09:30", ("SS", "SH", "SZ", "SHG", "SHE", "SHH", "SHZ", "XSHE")),
    "XHKG": Exchange("Hong Kong", "Asia/Hong_Kong", "09:30", ("HK",)),
    "XTAI": Exchange("Taipei", "Asia/Taipei", "09:00", ("TW", "TWO")),
    "XSES": Exchange("Singapore", "Asia/Singapore", "09:00", ("SI",)),
    "XKLS": Exchange("Kuala Lumpur", "Asia/Kuala_Lumpur", "09:00", ("KL",)),
    "XPHS": Exchange("Manila", "Asia/Manila", "09:30", ("PS",)),
    "XIDX": Exchange("Jakarta", "Asia/Jakarta", "09:00", ("JK",)),
    "XBKK": Exchange("Bangkok", "Asia/Bangkok", "10:00", ("BK",)),
    "XASX": Exchange("Sydney", "Australia/Sydney", "10:00", ("AX", "AU")),
    "XNZE": Exchange("Auckland", "Pacific/Auckland", "10:00", ("NZ",)),
}  # fmt: skip
"""Exchanges by their code in exchange_calendars; of those that share a clock, the larger first."""

ROUND_THE_CLOCK = "24/7"

_SUFFIXES = {suffix: code for code, exchange in EXCHANGES.items() for suffix in (*exchange.suffixes, code)}
_SERIES = (".PR", ".PRF", ".PFD", ".WS")  # of preferred shares and warrants, in front of their letter
_SUFFIXES["CC"] = ROUND_THE_CLOCK
_PREFIXES = {
    **dict.fromkeys(("NYSE", "NASDAQ", "AMEX", "ARCA", "BATS", "OTC"), "XNYS"),
    **dict.fromkeys(("TSX", "TSXV", "NEO", "CSE"), "XTSE"),
    **dict.fromkeys(("SSE", "SZSE"), "XSHG"),
    **dict.fromkeys(("TWSE", "TPEX"), "XTAI"),
    **dict.fromkeys(("NSE", "BSE"), "XBOM"),
    **dict.fromkeys(("BINANCE", "COINBASE", "KRAKEN", "BITSTAMP", "BITFINEX", "BYBIT", "OKX"), ROUND_THE_CLOCK),
    **{"LSE": "XLON", "XETR": "XETR", "FWB": "XFRA", "MIL": "XMIL", "BME": "XMAD", "SIX": "XSWX", "GPW": "XWAR"},
    **{"TSE": "XTKS", "KRX": "XKRX", "HKEX": "XHKG", "SGX": "XSES", "ASX": "XASX", "NZX": "XNZE", "BMFBOVESPA": "BVMF"},
}  # of TradingView
_INDICES = {
    **{"^FTSE": "XLON", "^FTMC": "XLON", "^FCHI": "XPAR", "^GDAXI": "XETR", "^MDAXI": "XETR", "^AEX": "XAMS"},
    **{"^BFX": "XBRU", "^IBEX": "XMAD", "^SSMI": "XSWX", "^ATX": "XWBO", "^OMX": "XSTO", "^ISEQ": "XDUB"},
    **{"^N225": "XTKS", "^KS11": "XKRX", "^KQ11": "XKRX", "^HSI": "XHKG", "^HSCE": "XHKG", "^TWII": "XTAI"},
    **{"^STI": "XSES", "^KLSE": "XKLS", "^JKSE": "XIDX", "^NSEI": "XBOM", "^BSESN": "XBOM", "^AXJO": "XASX"},
    **{"^AORD": "XASX", "^NZ50": "XNZE", "^GSPTSE": "XTSE", "^BVSP": "BVMF", "^MXX": "XMEX", "^MERV": "XBUE"},
}  # of Yahoo


def home_of(symbol: str) -> str | None:
    """Give the calendar of the exchange that a symbol names, and None where it names none.

    A letter behind a dot may be a class of shares, as in BRK.B: only suffixes of exchanges count. A letter behind .PR is a
    series of preferred shares, as in BAC.PR.L.

    >>> home_of("BARX.L"), home_of("7203.t"), home_of("LSE:VOD"), home_of("BRK.B"), home_of("BAC.PR.L"), home_of("NVDA")
    ('XLON', 'XTKS', 'XLON', None, None, None)
    """
    name = symbol.strip().upper()
    if name in _INDICES:
        return _INDICES[name]
    market, colon, _ = name.partition(":")
    if colon:
        return _PREFIXES.get(market)
    stem, _, suffix = name.rpartition(".")
    if not stem or (len(suffix) == 1 and stem.endswith(_SERIES)):
        return None
    return _SUFFIXES.get(suffix)


def homes_of(symbols: list[str]) -> tuple[dict[str, str], list[str]]:
    """Give the calendars that symbols name, and those of them that may as well be classes of shares in New York.

    .V is the TSX Venture Exchange for Yahoo, and a class of shares in MKC.V. It is a class beside MKC itself, and a symbol
    of Toronto beside others of Toronto.

    >>> homes_of(["MKC", "MKC.V"]), homes_of(["ABC.V"]), homes_of(["ABC.V", "SHOP.TO"])
    (({}, []), ({'ABC.V': 'XTSE'}, ['ABC.V']), ({'ABC.V': 'XTSE', 'SHOP.TO': 'XTSE'}, []))
    """
    names = {symbol: symbol.strip().upper() for symbol in symbols}
    roots = {name.rpartition(":")[2].removesuffix(".US") for name in names.values()}
    homes = {symbol: home for symbol in symbols if (home := home_of(symbol)) is not None}
    unsure = [symbol for symbol in homes if names[symbol].endswith(".V") and ":" not in names[symbol]]
    for symbol in [symbol for symbol in unsure if names[symbol].removesuffix(".V") in roots]:
        unsure.remove(symbol)
        del homes[symbol]
    toronto = any(home == "XTSE" and symbol not in unsure for symbol, home in homes.items())
    return homes, [] if toronto else unsure


def named(codes: list[str]) -> str:
    """Write calendars with their cities, for a message: "XTKS (Tokyo) or XKRX (Seoul)"."""
    words = [f"{code} ({EXCHANGES[code].city})" if code in EXCHANGES else code for code in codes]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
