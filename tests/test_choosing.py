"""Which exchange's calendar a price table gets: told by its symbols, its stamps and its weekends, or asked for."""

import datetime as dt
import importlib
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from engine.calendars import calendar
from engine.cli import main
from engine.events import Events
from engine.faults import Fault
from engine.market import Market
from engine.prices import import_prices
from engine.prices.exchanges import EXCHANGES, home_of

MARCH = [
    dt.date(2024, 3, day) for day in (18, 19, 20, 21, 22, 25, 26, 27)
]  # weekdays on which all exchanges here are open
SUMMER = [dt.date(2024, 7, day) for day in (8, 9, 10, 11, 12)]


def bars(stamps: list[str], symbol: str | None = None) -> pl.DataFrame:
    """Bars with the opens 100, 101, .."""
    opens = [100.0 + i for i in range(len(stamps))]
    frame = pl.DataFrame({"Date": stamps, "Open": opens}).with_columns(
        High=pl.col("Open") + 1, Low=pl.col("Open") - 1, Close=pl.col("Open") + 0.5
    )
    return frame if symbol is None else frame.with_columns(symbol=pl.lit(symbol))


def midnights(zone: str, days: list[dt.date] = MARCH, clock: str = "00:00") -> list[str]:
    """Write days as their midnights in a zone, or another time of day, with the offset that it has then."""
    time = dt.time.fromisoformat(clock)
    return [dt.datetime.combine(day, time, ZoneInfo(zone)).isoformat(sep=" ") for day in days]


def in_utc(stamps: list[str]) -> list[str]:
    return [dt.datetime.fromisoformat(stamp).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for stamp in stamps]


DATES = [day.isoformat() for day in MARCH]

SYMBOLS = {
    "BARX.L": "XLON", "barx.l": "XLON", " BARX.L ": "XLON", "V.L": "XLON", "BT-A.L": "XLON", "VOD.XLON": "XLON",
    "MC.PA": "XPAR", "SAP.DE": "XETR", "SIE.F": "XFRA", "7203.T": "XTKS", "0700.HK": "XHKG", "600519.SS": "XSHG",
    "000001.SZ": "XSHG", "600000.SH": "XSHG", "2330.TW": "XTAI", "6488.TWO": "XTAI", "ENI.MI": "XMIL", "ASML.AS": "XAMS",
    "UCB.BR": "XBRU", "SAN.MC": "XMAD", "NESN.SW": "XSWX", "VOLV-B.ST": "XSTO", "NOVO-B.CO": "XCSE", "EQNR.OL": "XOSL",
    "NOKIA.HE": "XHEL", "OMV.VI": "XWBO", "GALP.LS": "XLIS", "SHOP.TO": "XTSE", "RCI.B.TO": "XTSE", "ABC.V": "XTSE",
    "BHP.AX": "XASX", "AIR.NZ": "XNZE", "005930.KS": "XKRX", "035720.KQ": "XKRX", "D05.SI": "XSES", "INFY.NS": "XBOM",
    "TCS.BO": "XBOM", "PETR4.SA": "BVMF", "WALMEX.MX": "XMEX", "TSCO.LON": "XLON", "LSE:VOD": "XLON", "TSE:7203": "XTKS",
    "^FTSE": "XLON", "^N225": "XTKS", "^hsi": "XHKG",
    # Symbols of New York, or of none: a letter behind the dot is a class of shares.
    **dict.fromkeys(("BAC.PR.L", "bac.pr.l", "WFC.PR.L", "C.PR.N", "F.PR.F", "T.PR.T", "ABC.PR.V", "ABC.PFD.L", "ABC.WS.V"), None),
    "RY.PR.J.TO": "XTSE", "CEZ.PR": "XPRA", "BAC.PR.L.US": "XNYS",
    "NVDA": None, "T": None, "V": None, "BRK.B": None, "BRK.A": None, "BF.B": None, "brk-b": None, "^GSPC": None,
    "EURUSD=X": None, "ES=F": None, "BTC-USD": None, ".L": None, "": None, "FOO.XYZ": None, "BINANCE:BTCUSDT": "24/7",
    "NASDAQ:NVDA": "XNYS", "BRK.B.US": "XNYS",
}  # fmt: skip


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_suffix_of_a_symbol_names_its_exchange(symbol: str) -> None:
    assert home_of(symbol) == SYMBOLS[symbol]


@pytest.mark.parametrize(
    ("symbols", "told"),
    [
        (["MKC", "MKC.V"], "XNYS"),
        (["MKC.V", "MKC"], "XNYS"),
        (["mkc", "mkc.v"], "XNYS"),
        (["MKC", "MKC.V", "NVDA"], "XNYS"),
        (["NYSE:MKC", "MKC.V"], "XNYS"),
        (["NYSE:MKC.V"], "XNYS"),
        (["BAC.PR.L"], "XNYS"),
        (["BAC", "BAC.PR.L", "C.PR.N"], "XNYS"),
        (["ABC.V", "SHOP.TO"], "XTSE"),
        (["ABC.V", "TSXV:DEF"], "XTSE"),
        (["VOD.L"], "XLON"),
        (["MKC.V"], "ask"),
        (["mkc.v "], "ask"),
        (["ABC.V", "DEF.V"], "ask"),
        (["MKC.V", "NVDA"], "ask"),
        (["MKC", "ABC.V"], "ask"),
    ],
)
def test_a_letter_is_a_class_of_shares_beside_its_root_and_asked_for_alone(symbols: list[str], told: str) -> None:
    frame = pl.concat([bars(DATES, symbol) for symbol in symbols])
    if told != "ask":
        assert Market.from_frame(frame).calendar == told
        return
    with pytest.raises(
        Fault, match=r"cannot be told: .* may be a symbol of XTSE \(Toronto\) or a class of shares"
    ) as caught:
        Market.from_frame(frame)
    assert str(caught.value).endswith("name the calendar ('XTSE' or 'XNYS').")
    for code in ("XTSE", "XNYS"):  # once it is named, there is nothing to doubt
        market = Market.from_frame(frame, calendar=code)
        assert market.findings.filter(check="calendar_doubted").is_empty()


def test_the_table_of_exchanges_is_that_of_exchange_calendars() -> None:
    for code, exchange in EXCHANGES.items():
        module = importlib.import_module(f"exchange_calendars.exchange_calendar_{code.lower()}")
        known = getattr(module, f"{code}ExchangeCalendar")
        zone, times = (
            part.fget(known) if isinstance(part, property) else part for part in (known.tz, known.open_times)
        )
        assert (exchange.zone, exchange.opens) == (str(zone), f"{times[-1][1]:%H:%M}")
    suffixes = [suffix for exchange in EXCHANGES.values() for suffix in exchange.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize(
    ("symbol", "code", "opened"),
    [
        # The open of 2024-03-18 in UTC: 8:00 in London, 9:00 in Tokyo (UTC+9), 9:30 in Hong Kong (UTC+8), 9:00 in Paris (UTC+1).
        ("BARX.L", "XLON", "2024-03-18T08:00"),
        ("7203.T", "XTKS", "2024-03-18T00:00"),
        ("0700.hk", "XHKG", "2024-03-18T01:30"),
        ("MC.PA", "XPAR", "2024-03-18T08:00"),
        ("^FTSE", "XLON", "2024-03-18T08:00"),
        ("NVDA", "XNYS", "2024-03-18T13:30"),
        ("BRK.B", "XNYS", "2024-03-18T13:30"),
        ("NVDA.US", "XNYS", "2024-03-18T13:30"),
    ],
)
@pytest.mark.parametrize("entry", ["csv", "parquet", "column", "argument"])
def test_files_and_frames_get_the_calendar_of_their_symbols(
    tmp_path: Path, symbol: str, code: str, opened: str, entry: str
) -> None:
    if entry == "csv":
        bars(DATES).write_csv(tmp_path / f"{symbol}.csv")
        market = import_prices(tmp_path)
    elif entry == "parquet":
        bars(DATES).write_parquet(tmp_path / f"{symbol}.parquet")
        market = Market.read(tmp_path / f"{symbol}.parquet")
    elif entry == "column":
        market = Market.from_frame(bars(DATES, symbol))
    else:
        market = Market.from_frame(bars(DATES), asset=symbol)
    assert market.calendar == code
    assert market.opens[0].astype("M8[us]") == np.datetime64(opened)
    check = "calendar_assumed" if code == "XNYS" else "calendar_told"
    assert market.findings.filter(check=check)["value"].to_list() == [code]


STAMPS = {
    # What the stamps alone tell, of a symbol that says nothing.
    "dates": (DATES, "XNYS"),
    "midnights of New York": (midnights("America/New_York"), "XNYS"),
    "midnights of New York in UTC": (in_utc(midnights("America/New_York")), "XNYS"),
    "opens of New York in UTC": (in_utc(midnights("America/New_York", clock="09:30")), "XNYS"),
    "eastern time all year": ([f"{day} 00:00:00-05:00" for day in MARCH + SUMMER], "XNYS"),
    "midnights of UTC": ([f"{day}T00:00:00Z" for day in MARCH], "XNYS"),
    "+00:00 in summer too": ([f"{day} 00:00:00+00:00" for day in MARCH + SUMMER], "XNYS"),
    "India": (midnights("Asia/Kolkata"), "XBOM"),
    "India in UTC": (in_utc(midnights("Asia/Kolkata")), ["XBOM"]),
    "noon in UTC": ([f"{day}T12:00:00Z" for day in MARCH], "XNYS"),
    "noon in UTC, which is midnight in Auckland then": ([f"{day}T12:00:00Z" for day in SUMMER], ["XNZE"]),
    "closes of New York in UTC": (in_utc(midnights("America/New_York", SUMMER, "16:00")), "XNYS"),
    "live day of New York": ([*midnights("America/New_York"), "2024-03-28 16:00:01-04:00"], "XNYS"),
    "India, in summer": (midnights("Asia/Kolkata", SUMMER), "XBOM"),
    "Riyadh or Istanbul": (midnights("Asia/Riyadh"), ["XIST", "XMOS", "XSAU"]),
    "Sao Paulo": (midnights("America/Sao_Paulo"), ["BVMF", "XBUE", "XSGO"]),
    "London": (midnights("Europe/London", MARCH + SUMMER), ["XLON", "XDUB", "XLIS"]),
    "London in summer": (midnights("Europe/London", SUMMER), ["XLON", "XDUB", "XLIS"]),
    "London in UTC": (in_utc(midnights("Europe/London", MARCH + SUMMER)), ["XLON", "XDUB", "XLIS"]),
    "Paris": (midnights("Europe/Paris", MARCH + SUMMER), ["XPAR", "XETR", "XAMS", "XMIL", "XMAD", "XSWX", "XSTO"]),
    "Tokyo": (midnights("Asia/Tokyo"), ["XTKS", "XKRX"]),
    "Tokyo in UTC": (in_utc(midnights("Asia/Tokyo")), ["XTKS", "XKRX"]),
    "opens of Hong Kong in UTC": (in_utc(midnights("Asia/Hong_Kong", clock="09:30")), ["XSHG", "XHKG"]),
    "Shanghai": (midnights("Asia/Shanghai"), ["XSHG", "XHKG", "XTAI", "XSES"]),
    "Sydney": (midnights("Australia/Sydney"), "XASX"),
    "Auckland": (midnights("Pacific/Auckland"), "XNZE"),
    "Chicago in winter": (
        midnights("America/Chicago", [dt.date(2024, 1, day) for day in (8, 9, 10)]),
        ["XMEX", "XNYS"],
    ),
    "Dubai": ([f"{day} 00:00:00+04:00" for day in MARCH], []),
}


@pytest.mark.parametrize("spelling", STAMPS)
@pytest.mark.parametrize("typed", [False, True])
def test_the_clock_of_the_stamps_tells_the_exchange_or_it_is_asked_for(spelling: str, typed: bool) -> None:
    stamps, told = STAMPS[spelling]
    frame = bars(stamps)
    if typed and "T" in stamps[0]:  # one column of instants in UTC, as Arrow files hold
        frame = frame.with_columns(pl.col("Date").str.to_datetime(time_zone="UTC"))
    if isinstance(told, str):
        assert Market.from_frame(frame, asset="ABC").calendar == told
        return
    with pytest.raises(Fault) as caught:
        Market.from_frame(frame, asset="ABC")
    sentence = str(caught.value)
    assert sentence.startswith("calendar=None cannot be told: ")
    assert sentence.endswith(".")
    assert "name the calendar" in sentence
    assert all(code in sentence for code in told)
    code = told[0] if told else "XNYS"
    assert Market.from_frame(frame, asset="ABC", calendar=code).calendar == code


def test_intraday_stamps_tell_the_exchange_too(tmp_path: Path) -> None:
    stamps = [f"2024-03-18 09:{minute}:00+05:30" for minute in (15, 20, 25)]
    market = Market.from_frame(bars(stamps), asset="ABC")
    assert (market.calendar, market.interval) == ("XBOM", "5m")
    zoneless = bars([f"2024-03-18 09:{minute}:00" for minute in (15, 20, 25)])
    assert Market.from_frame(zoneless, asset="ABC", timezone="Asia/Kolkata").calendar == "XBOM"
    with pytest.raises(Fault, match=r"XTKS \(Tokyo\) or XKRX \(Seoul\)"):
        Market.from_frame(zoneless, asset="ABC", timezone="Asia/Tokyo")
    assert Market.from_frame(zoneless, asset="7203.T", timezone="Asia/Tokyo").calendar == "XTKS"


def session(zone: str, first: str, last: str, minutes: int, start: str = "2024-06-03", days: int = 5) -> list[str]:
    """Write bars from `first` to `last`, clocks of a zone, of weekdays, in UTC."""
    stamps = []
    for day in pl.date_range(dt.date.fromisoformat(start), dt.date.fromisoformat(start) + dt.timedelta(30), eager=True):
        if day.weekday() < 5 and len(stamps) < days:
            begin, end = (dt.datetime.combine(day, dt.time.fromisoformat(at), ZoneInfo(zone)) for at in (first, last))
            count = (end - begin) // dt.timedelta(minutes=minutes) + 1
            stamps.append([(begin + i * dt.timedelta(minutes=minutes)).isoformat() for i in range(count)])
    return in_utc([stamp for stamps_of_day in stamps for stamp in stamps_of_day])


HOURS = {
    # Bars of 30 minutes of London open at 8:00, the last at 16:00; those of Tokyo at 9:00 and 14:30.
    "London": (session("Europe/London", "08:00", "16:00", 30), ["XLON", "XPAR"]),
    "London, the newest first": (session("Europe/London", "08:00", "16:00", 30)[::-1], ["XLON"]),
    "London, in winter": (session("Europe/London", "08:00", "16:25", 5, "2024-01-08"), ["XLON"]),
    "London, as clocks change": (session("Europe/London", "08:00", "16:00", 60, "2024-10-21", 15), ["XLON"]),
    "London, of four hours": (session("Europe/London", "08:00", "16:00", 240), ["XLON"]),
    "Paris": (session("Europe/Paris", "09:00", "17:15", 15), ["XLON", "XPAR", "XETR"]),
    "Tokyo": (session("Asia/Tokyo", "09:00", "14:30", 30), ["XTKS", "XKRX"]),
    "Tokyo, of hours": (session("Asia/Tokyo", "09:00", "14:00", 60), ["XTKS"]),
    "Hong Kong": (session("Asia/Hong_Kong", "09:30", "15:30", 30), ["XHKG"]),
    "Sydney, in summer, beyond midnight of UTC": (session("Australia/Sydney", "10:00", "15:45", 15, "2024-01-08"), ["XASX"]),
    "Mumbai": (session("Asia/Kolkata", "09:15", "15:15", 15), ["XBOM"]),
    "Sao Paulo": (session("America/Sao_Paulo", "10:00", "16:30", 30), ["BVMF"]),
    **{
        f"New York, {first} to {last} by {minutes} minutes, from {start}": (session("America/New_York", first, last, minutes, start), [])
        for start in ("2024-01-08", "2024-03-11", "2024-06-03", "2024-10-28")
        for first, last, minutes in (("09:30", "15:30", 30), ("09:30", "15:30", 60), ("04:00", "19:30", 30), ("04:00", "15:30", 30),
                                     ("09:30", "19:30", 30), ("08:00", "16:30", 30), ("07:00", "19:30", 30))
    },
    "around the clock, on weekdays": (session("UTC", "00:00", "23:30", 30), []),
    "two days of London": (session("Europe/London", "09:00", "16:00", 30, days=2), []),
}  # fmt: skip


@pytest.mark.parametrize("case", HOURS)
def test_intraday_bars_in_utc_that_keep_the_hours_of_another_exchange_are_asked_about(case: str) -> None:
    stamps, codes = HOURS[case]
    if not codes:
        assert Market.from_frame(bars(stamps), asset="A").calendar == "XNYS"
        return
    with pytest.raises(Fault) as caught:
        Market.from_frame(bars(stamps), asset="A")
    assert "calendar=None cannot be told: the bars of A begin each day at the open of" in str(caught.value)
    assert all(code in str(caught.value) for code in codes)
    assert Market.from_frame(bars(stamps), asset="A", calendar=codes[0]).calendar == codes[0]


def test_rows_of_no_session_ask_for_the_calendar() -> None:
    # Two days show no habit: 0:00 UTC is 20:00 in New York.
    with pytest.raises(Fault, match=r"the first row is of 2024-06-04 00:00:00\); name the calendar of these prices"):
        Market.from_frame(bars(session("Asia/Tokyo", "09:00", "14:30", 30, "2024-06-04", 2)), asset="A")


CONTRADICTIONS = {
    "two suffixes": ([bars(DATES, "BARX.L"), bars(DATES, "MC.PA")], "BARX.L is a symbol of XLON .* MC.PA is a symbol of XPAR"),
    "Toronto and New York": ([bars(DATES, "SHOP.TO"), bars(DATES, "NASDAQ:NVDA")], "SHOP.TO .* NASDAQ:NVDA"),
    "a suffix and none": ([bars(DATES, "BARX.L"), bars(DATES, "NVDA")], "NVDA names no exchange"),
    "a suffix and another clock": ([bars(midnights("Asia/Tokyo"), "BARX.L")], "contradicted: BARX.L .* XTKS"),
    "a suffix and New York's clock": ([bars(midnights("America/New_York"), "BARX.L")], "contradicted: .* XNYS"),
    "New York and London's clock": ([bars(midnights("Europe/London", SUMMER), "NASDAQ:NVDA")], "contradicted: .* XLON"),
    "two clocks": (
        [bars(midnights("Asia/Kolkata"), "A"), bars(midnights("America/New_York"), "B")],
        r"the stamps of A follow the clock of XBOM \(Mumbai\), and those of B another",
    ),
    "a suffix and weekends": (
        [bars(DATES, "BARX.L"), bars([f"2024-03-{day}" for day in range(10, 30)], "COIN")],
        "BARX.L is a symbol of XLON .* COIN trades at weekends",
    ),
    "weekends of some": (
        [bars(DATES, "NVDA"), bars([f"2024-03-{day}" for day in range(10, 30)], "COIN")],
        "COIN trades at weekends and NVDA does not",
    ),
    "London at weekends": ([bars([f"2024-03-{day}" for day in range(10, 30)], "BARX.L")], "no time at which XLON is open"),
    "Sundays alone": (
        [bars([f"2024-03-{day:02}" for week in (3, 10, 17) for day in range(week, week + 5)], "ABC")],
        r"ABC trades on five days of the week, at weekends too; .* XTAE \(Tel Aviv\) or XSAU \(Riyadh\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_contradicts_is_refused_in_one_sentence(tmp_path: Path, case: str) -> None:
    frames, said = CONTRADICTIONS[case]
    with pytest.raises(Fault) as caught:
        Market.from_frame(pl.concat(frames))
    assert re.search(said, str(caught.value))
    assert "\n" not in str(caught.value)
    for i, frame in enumerate(frames):  # a folder of files says the same
        frame.write_csv(tmp_path / f"{i}.csv")
    with pytest.raises(Fault, match=said):
        import_prices(tmp_path)


@pytest.mark.parametrize(
    ("frame", "named", "doubted"),
    [
        (bars(DATES, "BARX.L"), "XNYS", "BARX.L is a symbol of XLON"),
        (bars(DATES, "NVDA.US"), "XLON", None),  # the country is taken off the symbol
        (bars(DATES, "BARX.L"), "LSE", None),
        (bars(DATES, "NVDA"), "XLON", None),
        (bars(midnights("Europe/London", SUMMER), "NVDA"), "XNYS", "follow the clock of XLON"),
        (bars(midnights("Europe/London", SUMMER), "VOD"), "XLON", None),
        (bars(midnights("Asia/Shanghai"), "ABC"), "24/7", None),
        (bars(midnights("Asia/Shanghai"), "ABC"), "XHKG", None),
        (bars(in_utc(midnights("Asia/Tokyo", SUMMER[1:])), "ABC"), "XNYS", "follow the clock of XTKS"),
        (pl.concat([bars(DATES, "BARX.L"), bars(DATES, "MC.PA")]), "XLON", "MC.PA is a symbol of XPAR"),
    ],
)
def test_a_calendar_that_is_named_is_taken_and_doubts_are_said(
    frame: pl.DataFrame, named: str, doubted: str | None
) -> None:
    market = Market.from_frame(frame, calendar=named, accept=["conflicting_duplicate"])
    assert market.calendar == calendar(named).name
    said = market.findings.filter(check="calendar_doubted")["message"].to_list()
    assert [doubted in message for message in said] == ([True] if doubted else [])  # type: ignore[operator]


def test_news_act_at_the_open_of_london_that_follows_them() -> None:
    # London opened at 8:00 on 2024-04-03, in summer time 7:00 UTC; news of 9:30 there can be acted on the next day.
    days = [dt.date(2024, 3, 27), dt.date(2024, 3, 28), dt.date(2024, 4, 2), dt.date(2024, 4, 3), dt.date(2024, 4, 4)]
    market = Market.from_frame(bars(midnights("Europe/London", days)), asset="BARX.L")
    published = dt.datetime(2024, 4, 3, 9, 30, tzinfo=ZoneInfo("Europe/London"))
    news = {"kind": ["bubble_warning"], "assets": [["BARX.L"]], "strength": [0.9], "published_at": [published]}
    placed = Events.from_frame(pl.DataFrame(news)).align(market)
    assert placed.open.astype(str).tolist() == ["2024-04-04T07:00:00.000000"]
    assert placed.session.astype(str).tolist() == ["2024-04-04"]


COMMANDS = {
    # The files, the options, and the calendar that is written or what is said.
    "a suffix": ({"BARX.L": bars(DATES)}, [], "XLON"),
    "a calendar that is named": ({"VOD": bars(midnights("Europe/London", SUMMER))}, ["--calendar", "XLON"], "XLON"),
    "two exchanges": ({"BARX.L": bars(DATES), "MC.PA": bars(DATES)}, [], "MC.PA is a symbol of XPAR"),
    "a suffix and none": ({"BARX.L": bars(DATES), "NVDA": bars(DATES)}, [], "NVDA names no exchange"),
    "a clock of several": ({"ABC": bars(midnights("Asia/Tokyo"))}, [], r"XTKS \(Tokyo\) or XKRX \(Seoul\)"),
    "bars on the clock": ({"ABC": bars([f"2024-03-18 {h:02}:00:00-04:00" for h in (4, 8, 12, 16)])}, ["--hours", "all"], "XNYS"),
}  # fmt: skip


@pytest.mark.parametrize("case", COMMANDS)
def test_the_command_line_does_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    files, options, expected = COMMANDS[case]
    (tmp_path / "prices").mkdir()
    for name, frame in files.items():
        frame.write_csv(tmp_path / "prices" / f"{name}.csv")
    out = tmp_path / "out.parquet"
    status = main(["prices", "import", str(tmp_path / "prices"), "--out", str(out), *options])
    if status == 0:
        assert Market.read(out).calendar == expected
        return
    said = capsys.readouterr().err.strip()
    assert (status, said.count("\n"), out.exists()) == (2, 0, False)
    assert re.search(expected, said)
