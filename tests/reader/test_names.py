# ruff: noqa: E501  (tables of sentences)
"""Who is meant: names and symbols in context, words that are names too, companies that nobody knows, tables of names."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from engine.cli import app
from engine.events import Events
from engine.faults import Fault
from engine.reader import language as languages
from engine.reader import read_documents, read_sources
from engine.reader.fold import fold
from engine.reader.lexicon import Lexicon, load
from engine.reader.names.legal import short
from engine.reader.names.table import built_in, read_names
from engine.reader.naming import as_symbol, named_in
from engine.reader.prefilter import Prefilter
from tests.reader.told import told


def named(text: str, day: str = "2025-11-20", lexicon: Lexicon | None = None) -> set[str]:
    """Give the tickers that a text names."""
    lexicon = lexicon or load()
    folded = fold(text)
    tongue = languages.of_document(text, folded)
    hits = named_in(lexicon, folded, text, tongue=lambda: tongue, day=lambda: dt.date.fromisoformat(day))
    return {hit.key for hit in hits if hit.role == "asset"}


def claimed(
    text: str, ticker: str | None = None, lexicon: Lexicon | None = None, day: str = "2025-11-20"
) -> set[tuple[str, str]]:
    """Give the (kind, asset) pairs of a text."""
    rows = told(text, f"{day} 18:00", ticker=ticker, lexicon=lexicon)
    return {(row["kind"], asset) for row in rows for asset in row["assets"]}


@pytest.mark.parametrize(
    ("text", "tickers"),
    [
        # English
        ("Boeing fell 3% after a jet lost a door.", {"BA"}),
        ("JPMorgan and Goldman gained on Friday.", {"JPM", "GS"}),
        ("Shares of Home Depot and Lowe's slipped.", {"HD", "LOW"}),
        ("Coca-Cola's bottler in Fiji", {"KO"}),
        ("Coca Cola sells more, PepsiCo less.", {"KO", "PEP"}),
        ("Berkshire Hathaway sold its stake in Kroger.", {"BRK.B", "KR"}),
        ("Toyota recalls cars, Honda does not.", {"TM", "HMC"}),
        ("Samsung Electronics and SK Hynix cut output", {"005930.KS", "000660.KS"}),
        ("Volkswagen and BMW face new duties", {"VOW3.DE", "BMW.DE"}),
        ("Credit Suisse was bought by UBS.", {"CS", "UBS"}),
        ("Nestle and Unilever raise prices", {"NESN.SW", "UL"}),
        ("Alibaba, JD.com and PDD slid in New York", {"BABA", "JD", "PDD"}),
        ("Silicon Valley Bank failed in March.", {"SIVB"}),
        ("Procter & Gamble beats", {"PG"}),
        ("AT&T and Verizon lose customers", {"T", "VZ"}),
        ("GE said orders rose; 'ge' is no name", {"GE"}),
        ("The S&P 500, the Nasdaq and the Dow Jones fell.", {"SPY", "IXIC", "DJI"}),
        ("The Nikkei rose, the FTSE 100 and the DAX fell.", {"^N225", "^FTSE", "^GDAXI"}),
        # French
        ("LVMH et Kering reculent, Hermès résiste.", {"MC.PA", "KER.PA", "RMS.PA"}),
        ("TotalEnergies relève son dividende.", {"TTE"}),
        ("L'Oréal publie ses ventes, Danone aussi.", {"OR.PA", "BN.PA"}),
        ("Société Générale et BNP Paribas montent.", {"GLE.PA", "BNP.PA"}),
        ("Le titre Alstom perd 4 %.", {"ALO.PA"}),
        ("Airbus livre moins d'avions que Boeing.", {"AIR.PA", "BA"}),
        ("L'action Renault bondit, Stellantis cale.", {"RNO.PA", "STLA"}),
        ("Le CAC 40 cède 1 %, l'Euro Stoxx 50 aussi.", {"^FCHI", "^STOXX50E"}),
        ("Sanofi abandonne un vaccin.", {"SNY"}),
        ("Schneider Electric et Legrand chutent.", {"SU.PA", "LR.PA"}),
        ("Air France-KLM réduit ses vols.", {"AF.PA"}),
        ("Crédit Agricole prend 5 % de l'italien.", {"ACA.PA"}),
        # simplified Chinese
        ("腾讯和阿里巴巴股价下跌。", {"0700.HK", "BABA"}),
        ("贵州茅台跌2%，五粮液跌3%。", {"600519.SS", "000858.SZ"}),
        ("宁德时代与比亚迪齐涨。", {"300750.SZ", "002594.SZ"}),
        ("摩根大通、高盛财报超预期。", {"JPM", "GS"}),
        ("波音交付推迟，空客抢单。", {"BA", "AIR.PA"}),
        ("中芯国际和寒武纪大涨。", {"0981.HK", "688256.SS"}),
        ("美团、京东、拼多多价格战。", {"3690.HK", "JD", "PDD"}),
        ("台积电与鸿海法说会", {"TSM", "2317.TW"}),
        ("三星电子罢工，SK海力士不受影响", {"005930.KS", "000660.KS"}),
        ("工商银行、建设银行分红", {"601398.SS", "601939.SS"}),
        ("上证指数涨，恒生指数跌，日经225指数平。", {"000001.SS", "^HSI", "^N225"}),
        ("丰田汽车在美建厂", {"TM"}),
        ("万科债务展期，碧桂园重组", {"000002.SZ", "2007.HK"}),
        ("路威酩轩销售下滑，爱马仕增长", {"MC.PA", "RMS.PA"}),
        ("药明康德股东减持", {"603259.SS"}),
        # traditional Chinese
        ("台積電、鴻海、聯發科同步走低", {"TSM", "2317.TW", "2454.TW"}),
        ("波音丟了訂單跌2%", {"BA"}),
        ("高盛獲利遜於預期", {"GS"}),
        ("輝瑞與莫德納公布數據", {"PFE", "MRNA"}),
        ("寶僑、嬌生財報", {"PG", "JNJ"}),
        ("萬海與長榮運價下跌", {"2615.TW", "2603.TW"}),
        ("台股加權指數收黑，日經指數收紅", {"^TWII", "^N225"}),
        ("迪士尼裁員，網飛漲價", {"DIS", "NFLX"}),
        ("耐吉展望不佳", {"NKE"}),
        ("聯電與世界先進產能滿載", {"UMC", "5347.TWO"}),
        ("國泰金、富邦金獲利創高", {"2882.TW", "2881.TW"}),
        ("福特汽車召回", {"F"}),
        ("德州儀器與意法半導體庫存高", {"TXN", "STM"}),
        # names beside which a longer one would be wrong, and the other way round
        ("Siemens Energy needs guarantees", {"ENR.DE"}),
        ("Samsung SDI builds in Hungary", {"006400.KS"}),
        ("平安银行年报", {"000001.SZ"}),
        ("腾讯音乐付费用户增长", {"TME"}),
        ("Ford Credit aside, Ford Motor earned more", {"F"}),
    ],
)
def test_names_in_four_languages(text: str, tickers: set[str]) -> None:
    assert named(text) == tickers


@pytest.mark.parametrize(
    "text",
    [
        # words, not companies
        "Apple growers in Washington expect a poor harvest.",
        "Orange juice futures fell; oranges rot.",
        "The gap between rich and poor widened.",
        "Mind the Gap: How Wages Fell",
        "Visas for students are delayed.",
        "Her visa application was refused.",
        "We missed our target by far.",
        "Analysts raised their price targets.",
        "A snap election in Paris",
        "He lost the match in two sets.",
        "The Amazon is drying; its rainforest burns.",
        "A shell company was used.",
        "Meet me in Times Square.",
        "The road block was removed.",
        "Zoom in on the map.",
        "Harrison Ford flies his own plane.",
        "Total sales rose; the total is unknown.",
        "The carnival of Rio drew crowds.",
        "Lionel Messi scored twice.",
        "Le gap se creuse, la cible reste la même.",
        "Alerte orange : les vigilances de demain",
        "苹果价格大跌，果农着急。",
        "小米粥好喝。",
        "祝大家平安，平安夜快乐。",
        "这让人联想到十年前。",
        "理想很丰满，现实很骨感。",
        "大众消费意愿下降。",
        "完美的计划落空了。",
        # the end of one word and the begin of another
        "跨国巨头纷纷撤离。",
        "他努力拓展市场。",
        "东南亚经济增长放缓",
        "到达美国的航班取消",
        "在各行业中行情分化",
        "今日立法院开会",
        "上海尔后下雨",
    ],
)
def test_words_that_are_names_too(text: str) -> None:
    assert named(text) == set()


@pytest.mark.parametrize(
    ("text", "tickers"),
    [
        ("Visa beat expectations.", {"V"}),
        ("Shares of Gap jumped 10%.", {"GAP"}),
        ("Target's sales fell.", {"TGT"}),
        ("Apple's harvest of patents", set()),  # the fruit's words beside the name: better nobody than the wrong one
        ("Snap lays off 500 employees.", {"SNAP"}),
        ("The retailer Gap cut its outlook.", {"GAP"}),
        ("Visa and Mastercard settle.", {"V", "MA"}),
        ("L'action Orange recule de 2 %.", {"ORA.PA"}),
        ("Orange publie ses résultats.", {"ORA.PA"}),
        ("小米股价大跌5%。", {"1810.HK"}),
        ("小米：第三季度净利增长", {"1810.HK"}),
        ("平安股价创新高", {"601318.SS"}),
        ("Zoom (NASDAQ: ZM) rose. Investors in Zoom cheered.", {"ZM"}),
        ("Block Inc fell. Then Block recovered.", {"XYZ"}),
    ],
)
def test_a_company_s_context_makes_a_word_its_name(text: str, tickers: set[str]) -> None:
    assert named(text) == tickers


@pytest.mark.parametrize(
    ("text", "tickers"),
    [
        ("Zyntex (NYSE: ZYNQ) fell", {"ZYNQ"}),
        ("Zyntex (NASDAQ:ZYNQ) fell", {"ZYNQ"}),
        ("buy $ZYNQ now", {"ZYNQ"}),
        ("cost US$50 and $5B", set()),
        ("酒企（600519.SH）公告", {"600519.SS"}),
        ("酒企（600519.SS）公告", {"600519.SS"}),
        ("某公司(002399.SZ)公告", {"002399.SZ"}),
        ("某某股份（300999）公告", {"300999.SZ"}),
        ("晶圓廠(2330.TW)公告", {"TSM"}),
        ("晶圓廠(2330-TW)公告", {"TSM"}),
        ("台積電（2330）公告", {"TSM"}),
        ("電動車(TSLA-US)大跌", {"TSLA"}),
        ("Vin (MC.PA) recule", {"MC.PA"}),
        ("Vin (EPA: MC) recule", {"MC.PA"}),
        ("游戏(0700.HK)大涨", {"0700.HK"}),
        ("游戏(00700.HK)大涨", {"0700.HK"}),
        ("游戏（港股代码：00700）大涨", {"0700.HK"}),
        ("电商(09988.HK)大涨", {"BABA"}),
        ("oil (LON: BP) rose", {"BP"}),
        ("Toyota (TYO: 7203)", {"TM"}),
        ("SAP (ETR: SAP)", {"SAP"}),
        ("Byrna (BYRN) drops", {"BYRN"}),
        ("artificial intelligence (AI) and the Fed (CPI)", set()),
        ("in spring (2024) and the chief (CEO)", set()),
        ("三年前（2021）的计划", set()),
        ("sh600519 大涨", {"600519.SS"}),
        ("GE.N and AAPL.O", {"GE", "AAPL"}),
        ("Paris : la séance; US: jobs", set()),
    ],
)
def test_symbols(text: str, tickers: set[str]) -> None:
    assert named(text) == tickers


@pytest.mark.parametrize(
    ("text", "day", "tickers"),
    [
        (
            "The network (NASDAQ: FB) grew",
            "2021-05-03",
            {"META"},
        ),  # renamed on 2022-06-09; the prices' tables know META
        ("A fund (BATS: FB) was launched; (NASDAQ: FB)", "2025-05-03", set()),
        ("Payments (NYSE: SQ) rose", "2024-05-03", {"XYZ"}),  # renamed on 2025-01-21
        ("Oil (NYSE: TOT) rose", "2020-05-03", {"TTE"}),
        ("Facebook grew", "2021-05-03", {"META"}),
        ("Facebook grew", "2025-05-03", {"META"}),
    ],
)
def test_symbols_are_read_by_the_day(text: str, day: str, tickers: set[str]) -> None:
    assert named(text, day) == tickers


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        # a company that nobody knows: never its neighbour, never the market
        ("Micron fell 7%. Zyntex Corp beat expectations and raised its forecast.", {("panic_drop", "MU")}),
        ("Micron fell 7%, Zyntex shares plunged 30%.", {("panic_drop", "MU")}),
        (
            "> **Lam Research** – The chip gear maker's stock added 3%.\n> **Zyntex** – The lender's stock retreated around 17%.",
            set(),
        ),
        ("Nvidia rose. Shares of Zyntex plunged 20%.", set()),
        ("Nvidia rose 2%.\nZyntex plunges 20% after its results missed expectations.", set()),
        ("Wall Street opened higher. Quorvane Therapeutics plunged 40% on Monday.", set()),
        ("Zyntex (ZYNX) stock is sinking while Nvidia gains 2%.", set()),
        ("L'action Zyntex s'effondre de 30 %. Nvidia gagne 1 %.", set()),
        ("英伟达涨2%。某某科技股价暴跌12%。", set()),
        ("〈美股焦點股〉Zyntex當機跌逾5% 波音收跌6%", {("panic_drop", "BA")}),
        ("英伟达上涨。卓某电子大跌9%。", set()),
        # one that the table knows: its own, and not the neighbour's
        (
            "Micron fell 7%. Walmart beat expectations and raised its forecast.",
            {("panic_drop", "MU"), ("support", "WMT")},
        ),
        ("Micron fell 7%, Samsung 6%.", {("panic_drop", "MU"), ("panic_drop", "005930.KS")}),
        ("盘前要闻：奈飞指引不及预期、苹果公布新专利。", {("earnings_disappointment", "NFLX")}),
        ("〈美股早盤〉高盛獲利遜於市場預期，主要指數小幅震盪。", {("earnings_disappointment", "GS")}),
        # banks that only speak
        ("Goldman Sachs strategists warn that Tesla's valuation is stretched.", {("valuation_alarm", "TSLA")}),
        ("摩根士丹利表示，特斯拉估值过高。", {("valuation_alarm", "TSLA")}),
        ("Selon JPMorgan, la valorisation de Tesla est excessive.", {("valuation_alarm", "TSLA")}),
        # other markets and their central banks
        ("The Nikkei plunged 6% on Monday.", {("panic_drop", "^N225")}),
        ("The Nikkei fell 0.3% on Monday.", set()),
        ("日本央行官员表示还将加息。", {("hawkish_policy", "^N225")}),
    ],
)
def test_whom_a_claim_touches(text: str, expect: set[tuple[str, str]]) -> None:
    assert claimed(text) == expect


def test_a_name_that_the_text_introduces() -> None:
    text = "Zyntex Photonics (NYSE: ZYNQ) opened a plant.\nOn Monday Zyntex shares plunged 20%."
    assert claimed(text) == {("panic_drop", "ZYNQ")}
    assert claimed("卓越某电(002999.SZ)公告。\n卓越某电股价暴跌9%。") == {("panic_drop", "002999.SZ")}


@pytest.mark.parametrize(
    ("text", "ticker", "expect"),
    [
        ("Shares plunge 8% on Monday", "ZYQ", {("panic_drop", "ZYQ")}),  # of a company that only the source knows
        ("Shares plunge 8% on Monday", "BA", {("panic_drop", "BA")}),
        ("Shares plunge 8% on Monday", "NASDAQ:BA", {("panic_drop", "BA")}),
        ("The stock plunged 8% on Monday.", "['BA']", {("panic_drop", "BA")}),
        ("股价暴跌8%", "600519.SH", {("panic_drop", "600519.SS")}),
        ("Le titre plonge de 8 % sur la journée", "MC", {("panic_drop", "MC.PA")}),
        ("Boeing shares plunge 8%", "AAPL", {("panic_drop", "BA")}),  # the text names another
        ("Stocks and bonds in the 1930s", "AAPL", set()),
        ("5 clear signs of a market bubble", "AAPL", {("bubble_warning", "SPY")}),  # about the market
    ],
)
def test_a_table_s_ticker_is_the_subject_of_a_headline_without_a_name(
    text: str, ticker: str, expect: set[tuple[str, str]]
) -> None:
    assert claimed(text, ticker) == expect


@pytest.mark.parametrize(
    ("column", "ticker"),
    [("NVDA", "NVDA"), ("nvda", "NVDA"), ("$NVDA", "NVDA"), ("NASDAQ:NVDA", "NVDA"), ("600519", "600519.SS"), ("0700.HK", "0700.HK"), ("2330.TW", "2330.TW"),
     ("['NVDA', 'AMD']", "NVDA"), ("NVDA,AMD", "NVDA"), ("BRK.B", "BRK.B"), ("", ""), ("n/a?", "")],
)  # fmt: skip
def test_what_a_column_of_tickers_may_hold(column: str, ticker: str) -> None:
    assert as_symbol(column) == ticker


# ------------------------------------------------------------------------------------------------------ tables of names


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "ticker,name,aliases\nZYX,Zyntex Holdings Inc,Zyn Tex|卓科\n"),
        ("b.csv", "symbol;company;aliases\nZYX;Zyntex Holdings Inc;Zyn Tex|卓科\n"),
        ("c.tsv", "Ticker\tName\tAliases\nZYX\tZyntex Holdings Inc\tZyn Tex|卓科\n"),
        ("d.csv", "代码,名称,别名\nZYX,Zyntex Holdings Inc,Zyn Tex;卓科\n"),
        ("e.csv", "\ufeffTICKER,Company Name,Aliases\n ZYX ,  Zyntex  Holdings Inc ,Zyn Tex;卓科\n\n"),
    ],
)
def test_names_are_read_in_their_usual_forms(tmp_path: Path, name: str, content: str) -> None:
    lexicon = load((), write(tmp_path / name, content))
    for text in ("Zyntex fell 3%.", "Zyntex Holdings fell 3%.", "Zyn Tex fell 3%.", "卓科跌3%。"):
        assert named(text, lexicon=lexicon) == {"ZYX"}, text


def test_every_kind_of_table_is_taken(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"ticker": ["ZYX"], "name": ["Zyntex"]}
    pl.DataFrame(columns).write_parquet(tmp_path / "n.parquet")
    given = [columns, pl.DataFrame(columns), pl.DataFrame(columns).to_pandas(), pl.DataFrame(columns).to_arrow(), tmp_path / "n.parquet",
             write(tmp_path / "gb.csv", "代码,名称\nZYX,卓科\n", "gb18030")]  # fmt: skip
    for table in given:
        assert [row.ticker for row in read_names(table)] == ["ZYX"]
    assert [row.names for row in read_names(given[-1])] == [("卓科",)]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("ticker,name\n,Zyntex\n", "line 2: ticker must be one word"),
        ("ticker,name\nZYX,Zyntex\nA B,Quorv\n", "line 3: ticker must be one word .got 'A B'"),
        ("ticker,name\nZYX,\n", "line 2: name must not be empty"),
        ("ticker,name\nZYX,12\n", "line 2: name must hold a letter"),
        ("ticker,name,since\nZYX,Zyntex,soon\n", "line 2: since must be a day such as 2022-06-09 .got 'soon'"),
        ("ticker,name,since,until\nZYX,Zyntex,2024-01-02,2024-01-01\n", "until must be no earlier than since"),
        ("ticker,nam\nZYX,Zyntex\n", "no column holds the name .did you mean 'nam'"),
        ("name\nZyntex\n", "no column holds the ticker"),
        ("ticker,name\n", "has no rows"),
        ("ticker,name\n,a\n,b\n,c\n,d\n,e\n,f\n,g\n", "and 2 more"),
    ],
)
def test_faults_of_a_table_have_their_line(tmp_path: Path, content: str, match: str) -> None:
    with pytest.raises(Fault, match=match):
        read_names(write(tmp_path / "n.csv", content))


def test_a_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="cannot be read"):
        read_names(tmp_path / "none.csv")
    with pytest.raises(Fault, match="is no table"):
        read_names(7)


def test_a_name_of_two_companies_is_decided_by_the_exchange_or_names_nobody() -> None:
    table = {"ticker": ["DLT", "2308.TW"], "name": ["Deltron", "Deltron"], "exchange": ["NYSE", "TWSE"]}
    lexicon = load((), table)
    assert named("Deltron fell 3%.", lexicon=lexicon) == {"DLT"}
    assert named("法說會後 Deltron 跌3%，外資賣超。", lexicon=lexicon) == {"2308.TW"}
    assert "'Deltron' is DLT (line 1), 2308.TW (line 2); the language of the text decides" in lexicon.notes[0]
    lexicon = load((), {"ticker": ["DLT", "DLX"], "name": ["Deltron", "Deltron"]})
    assert named("Deltron fell 3%.", lexicon=lexicon) == set()
    assert "names nobody" in lexicon.notes[0]


def test_a_name_means_one_company_after_the_other() -> None:
    table = {
        "ticker": ["OLD", "NEW"],
        "name": ["Zyntex", "Zyntex"],
        "until": ["2022-06-08", None],
        "since": [None, "2022-06-09"],
    }
    lexicon = load((), table)
    assert not lexicon.notes
    assert named("Zyntex fell 3%.", "2022-06-08", lexicon) == {"OLD"}
    assert named("Zyntex fell 3%.", "2022-06-09", lexicon) == {"NEW"}


def test_one_s_own_names_win() -> None:
    lexicon = load((), {"ticker": ["NVDA.US", "T"], "name": ["Nvidia", "A"]})
    assert named("Nvidia fell, 英伟达 too.", lexicon=lexicon) == {"NVDA.US", "NVDA"}
    assert lexicon.notes == ("1 names of one letter or character are left out; give longer ones.",)


def test_short_forms_of_registered_names() -> None:
    assert short("Zyntex Holdings, Inc.") == ("Zyntex Holdings", "Zyntex")
    assert short("The First Corp") == ("First Corp",)
    lexicon = load((), {"ticker": ["BLQ"], "name": ["Block Quarry Corp"]})
    assert named("Block Quarry fell 3%. A block quarry is a hole.", lexicon=lexicon) == {"BLQ"}
    assert named("A block quarry is a hole.", lexicon=lexicon) == set()


def test_ten_thousand_names_in_a_lexicon_and_twenty_thousand_in_a_table(tmp_path: Path) -> None:
    toml = "".join(f'[assets.Q{i}]\nnames = ["Zyntex {i}"]\n' for i in range(10_000))
    documents = write(
        tmp_path / "d.jsonl", json.dumps({"text": "Zyntex 9321 fell 7%.", "published": "2025-11-20T12:00:00Z"}) + "\n"
    )
    assert read_documents(documents, lexicon=write(tmp_path / "l.toml", toml)).frame["assets"].to_list() == [["Q9321"]]
    table = {"ticker": [f"Q{i}" for i in range(20_000)], "name": [f"Zyntex {i} Corp" for i in range(20_000)]}
    assert read_documents(documents, names=table).frame["assets"].to_list() == [["Q9321"]]
    words = ", ".join(f'"blorb{i}"' for i in range(10_000))  # words of a concept are no other kind of list
    claim = write(
        tmp_path / "c.jsonl", json.dumps({"text": "Nvidia is a blorb77.", "published": "2025-11-20T12:00:00Z"}) + "\n"
    )
    lexicon = write(tmp_path / "w.toml", f"[concepts.bubble]\nen = [{words}]\n")
    assert read_documents(claim, lexicon=lexicon).frame["kind"].to_list() == ["bubble_warning"]


def test_names_everywhere(tmp_path: Path) -> None:
    documents = write(tmp_path / "d.csv", "text,published\nZyntex fell 7%.,2025-11-20T12:00:00Z\n")
    names = write(tmp_path / "n.csv", "ticker,name\nZYX,Zyntex\nDLT,Deltron\nDLX,Deltron\n")
    assert not len(read_documents(documents))
    for events in (read_documents(documents, names=names), Events.from_documents(documents, names=names)):
        assert events.frame["assets"].to_list() == [["ZYX"]]
    assert len(read_sources(documents, names=names).notes) == 1
    out = tmp_path / "e.parquet"
    told = CliRunner().invoke(app, ["read", str(documents), "--names", str(names), "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert "'Deltron' is DLT (line 3), DLX (line 4)" in " ".join(told.output.split())
    event = Events.read(out).frame["event_id"][0]
    explained = CliRunner().invoke(app, ["read", str(documents), "--names", str(names), "--explain", event])
    assert "panic_drop · ZYX" in explained.output


def test_an_edited_lexicon_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "l.toml", '[assets.ZYX]\nnames = ["Zyntex"]\n')
    assert named("Zyntex fell.", lexicon=load((path,))) == {"ZYX"}
    write(path, '[assets.ZYX]\nnames = ["Quorvane"]\n')
    assert named("Zyntex fell.", lexicon=load((path,))) == set()


@pytest.mark.parametrize("header", ["ticker", "symbol", "Stock", "tickers", "代码", "股票代码"])
def test_a_column_of_tickers_is_found(tmp_path: Path, header: str) -> None:
    path = write(tmp_path / "d.csv", f"text,published,{header}\nShares plunge 8% on Monday,2025-11-20T12:00:00Z,BA\n")
    assert read_documents(path).frame["assets"].to_list() == [["BA"]]
    mapped = write(tmp_path / "m.csv", "text,published,about\nShares plunge 8% on Monday,2025-11-20T12:00:00Z,BA\n")
    assert read_documents(mapped, columns={"ticker": "about"}).frame["assets"].to_list() == [["BA"]]


def test_the_table_that_comes_with_the_package() -> None:
    rows = built_in()
    tickers = {row.ticker for row in rows}
    assert len(tickers) > 6_000
    suffixes = {ticker.rpartition(".")[2] for ticker in tickers if "." in ticker}
    assert {"PA", "L", "DE", "T", "HK", "SS", "SZ", "TW", "KS"} <= suffixes
    assert sum(any("\u3400" <= char <= "\u9fff" for name in row.names for char in name) for row in rows) > 1_500
    seen: dict[str, str] = {}
    for row in rows:
        for key in row.keys:
            assert not key or seen.setdefault(key, row.ticker) == row.ticker, key  # no name is given to two


def test_a_symbol_alone_passes_the_first_pass() -> None:
    frame = pl.DataFrame({"text": ["酒企（600519.SH）暴跌8%", "Zorvex (NYSE: ZYNQ) plunged 9%", "a thing plunged 9%"]})
    assert Prefilter(load()).keep(frame)["text"].to_list() == frame["text"].to_list()[:2]
