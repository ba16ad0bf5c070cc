"""Several tickers side by side, and the one symbol of a file that names none."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from engine.cli import main
from engine.faults import Fault
from engine.market import Market
from engine.prices import import_prices
from tests.tables.sheets import workbook

DAYS = pd.DatetimeIndex(["2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07", "2024-03-08"], name="Date")
ONE = pd.DataFrame(
    {
        "Open": [100, 102, 103, 103.5, 104.5],
        "High": [102, 104, 103.5, 105, 106],
        "Low": [99.5, 101, 102, 103, 104],
        "Close": [101.5, 103, 102.5, 104.5, 105.5],
        "Volume": [1000.0] * 5,
    },
    index=DAYS,
)
#: Lowe's bears the name of a price; its prices are half of the other's.
BY_TICKER = pd.concat({"QQX": ONE, "LOW": ONE / 2}, axis=1, names=["Ticker", "Price"])
BY_PRICE = BY_TICKER.swaplevel(axis=1)
EXPECTED = Market.from_frame(
    pl.concat([pl.from_pandas(ONE.reset_index()).with_columns(asset=pl.lit("QQX")),
               pl.from_pandas((ONE / 2).reset_index()).with_columns(asset=pl.lit("LOW"))])
)  # fmt: skip


def without_names(frame: pd.DataFrame, index: str | None = "Date") -> pd.DataFrame:
    """The same, with levels that bear no names."""
    frame = frame.copy()
    frame.columns = frame.columns.set_names([None, None])
    frame.index.name = index
    return frame


def joined(joint: str, price_first: bool) -> pd.DataFrame:
    """The same, with one line of headers: "Close_QQX"."""
    frame = BY_TICKER.copy()
    frame.columns = [joint.join((price, ticker) if price_first else (ticker, price)) for ticker, price in frame.columns]
    return frame


FRAMES: dict[str, pd.DataFrame] = {
    "by price": BY_PRICE,
    "by ticker": BY_TICKER,
    "by price, no names": without_names(BY_PRICE),
    "by ticker, no names": without_names(BY_TICKER),
    "by ticker, no name of the index": without_names(BY_TICKER, None),
    "by price, an index as a column": BY_PRICE.reset_index(),
    "one line, Close_QQX": joined("_", True),
    "one line, QQX_Close": joined("_", False),
    "one line, QQX.Close": joined(".", False),
    "one line, Close QQX": joined(" ", True),
    "one line, QQX-Close": joined("-", False),
    "one line, Close:QQX": joined(":", True),
}


def written(frame: pd.DataFrame, ending: str, **how: Any) -> bytes:
    if ending == ".parquet":
        out = io.BytesIO()
        frame.to_parquet(out)
        return out.getvalue()
    text: str = frame.to_csv(**how)
    return text.encode()


def same(market: Market) -> None:
    known = pl.exclude("dividend", "split")
    assert market.assets == ("LOW", "QQX")
    assert market.frame.select(known).equals(EXPECTED.frame.select(known))


@pytest.mark.parametrize("spelling", FRAMES)
@pytest.mark.parametrize("kind", ["frame", ".csv", ".tsv", "; and decimal comma", ".parquet"])
def test_tickers_side_by_side_are_those_beneath_each_other(tmp_path: Path, spelling: str, kind: str) -> None:
    frame = FRAMES[spelling]
    if kind == "frame":
        same(Market.from_frame(frame))
        return
    how = {".tsv": {"sep": "\t"}, "; and decimal comma": {"sep": ";", "decimal": ","}}.get(kind, {})
    file = tmp_path / ("prices.parquet" if kind == ".parquet" else "prices.csv")
    if "column" in spelling and kind != ".parquet":
        how["index"] = False
    file.write_bytes(written(frame, kind, **how))
    same(import_prices(file))
    same(Market.read(file))


def test_a_sheet_of_excel_with_merged_headers(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel")
    tickers = ["Ticker", "QQX", None, None, None, None, "LOW", None, None, None, None]
    rows = [[str(day.date()), *row] for day, row in zip(DAYS, BY_TICKER.to_numpy().tolist(), strict=True)]
    (tmp_path / "book.xlsx").write_bytes(workbook([tickers, ["Price", *list(ONE.columns) * 2], *rows]))
    same(import_prices(tmp_path / "book.xlsx"))


CASE_02 = """\
Ticker,QQX,QQX,QQX,QQX,QQX
Price,Open,High,Low,Close,Volume
Date,,,,,
2024-03-04,100,102,99.5,101.5,1000
2024-03-05,102,104,101,103,1000
"""


def test_one_ticker_in_front_of_its_prices(tmp_path: Path) -> None:
    file = tmp_path / "yf.csv"
    file.write_text(CASE_02)
    market = import_prices(file)
    assert market.assets == ("QQX",)
    assert market.frame["open"].to_list() == [100, 102]
    file.write_text(CASE_02.replace(",104,", ",x,"))
    with pytest.raises(Fault, match=r"yf.csv, line 5: high is x"):  # three lines of headers, then the second of data
        import_prices(file)


def changed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> bytes:
    return written(change(BY_PRICE), ".csv")


REFUSED: dict[str, tuple[bytes, str]] = {
    "a price is missing": (changed(lambda f: f.drop(columns=[("Open", "LOW")])), r"LOW must have open, high, low and close .*add open"),
    "a price is there twice": (
        CASE_02.replace("Volume", "Close").encode(), "QQX has two columns 'Close'; leave one of them out",
    ),
    "prices on both lines": (
        b"Price,Open,High,Low,Close\nTicker,Close,Low,High,Open\nDate,,,,\n2024-03-04,1,1,1,1\n",
        "one line of its headers must hold prices and the other tickers",
    ),
    "a line of units": (b"Date,Open,High,Low,Close\n,USD,USD,USD,USD\n2024-03-04,1,1,1,1\n", "line 2: open is USD"),
    "a word that is no ticker": (b"Date,adj_open,adj_high,adj_low,adj_close\n2024-03-04,1,1,1,1\n", "no column for open"),
    "names that may be either": (
        b"Date,open_open,open_high,open_low,open_close,high_open,high_high,high_low,high_close,low_open,low_high,low_low,low_close,"
        b"close_open,close_high,close_low,close_close\n2024-03-04" + b",1" * 16 + b"\n",
        "names of its columns must tell tickers from prices",
    ),
    "closes alone": (changed(lambda f: f[["Close"]]), r"QQX must have open, high, low and close .got Date, Close.; add open, high, low"),
    "only a close with its ticker": (b"Date,AAPL_Close\n2024-03-04,1\n", "no column for open"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_nobody_can_tell_is_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    content, said = REFUSED[kind]
    (tmp_path / "prices.csv").write_bytes(content)
    with pytest.raises(Fault, match=said) as caught:
        import_prices(tmp_path / "prices.csv")
    assert "\n" not in str(caught.value)


def test_a_row_of_nothing_is_no_line_of_headers(tmp_path: Path) -> None:
    (tmp_path / "ABC.csv").write_text("Date,Open,High,Low,Close\n2024-03-04,null,null,null,null\n2024-03-05,1,1,1,1\n")
    assert import_prices(tmp_path / "ABC.csv").assets == ("ABC",)


def of_file(market: Market) -> list[str]:
    return market.findings.filter(check="symbol_of_file")["value"].to_list()


def test_the_symbol_of_a_file_is_given_or_said_to_be_its_name(tmp_path: Path) -> None:
    for name, symbol in (
        ("NVDA_hist.csv", "NVDA_hist"),
        ("BRK.B.csv", "BRK.B"),
        ("BRK.B.parquet", "BRK.B"),
        ("x.us.txt", "X"),
    ):
        file = tmp_path / name
        file.write_bytes(written(ONE, file.suffix))
        market = Market.read(file)
        assert market.assets == (symbol,)
        assert of_file(market) == [file.name.rpartition(".")[0]]
        named = Market.read(file, asset=" NVDA ")
        assert named.assets == ("NVDA",)
        assert of_file(named) == []
        file.unlink()
    assert of_file(Market.from_frame(ONE, asset="A")) == []


def test_a_folder_of_files_has_one_note_of_their_names(tmp_path: Path) -> None:
    for name in ("A.csv", "B.csv"):
        (tmp_path / name).write_bytes(written(ONE, ".csv"))
    assert of_file(import_prices(tmp_path)) == ["A"]
    with pytest.raises(Fault, match=r"asset='NVDA' names the symbol of one file .got 2"):
        import_prices(tmp_path, asset="NVDA")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (EXPECTED.frame, r"asset must be left out where the table names its symbols .got 'NVDA' beside 'LOW'"),
        (BY_TICKER, r"asset must be left out where the table names its symbols .got 'NVDA' beside QQX, LOW"),
    ],
)
def test_a_symbol_is_not_given_to_what_has_one(frame: Any, said: str) -> None:
    with pytest.raises(Fault, match=said):
        Market.from_frame(frame, asset="NVDA")
    assert Market.from_frame(EXPECTED.select(["LOW"]).frame, asset="LOW").assets == ("LOW",)
    assert Market.from_frame(BY_TICKER[["QQX"]], asset="NVDA").assets == ("NVDA",)
    with pytest.raises(Fault, match="asset must be a symbol"):
        Market.from_frame(ONE, asset="")


def test_a_market_of_our_own_names_its_symbols(tmp_path: Path) -> None:
    EXPECTED.write(tmp_path / "own.parquet")
    with pytest.raises(Fault, match=r"asset must be left out for .*own\.parquet"):
        Market.read(tmp_path / "own.parquet", asset="NVDA")
    (tmp_path / "own.csv").write_bytes((tmp_path / "own.parquet").read_bytes())
    assert Market.read(tmp_path / "own.csv").metadata == EXPECTED.metadata  # its bytes say what it is


def test_what_is_given_in_place_of_a_path_or_a_frame() -> None:
    with pytest.raises(
        Fault, match=r"path must be the path of a file or folder .got a pandas DataFrame.; Market.from_frame"
    ):
        Market.read(ONE)  # type: ignore[arg-type]
    with pytest.raises(Fault, match=r"frame must be a table .got the path 'prices.csv'.; Market.read reads files"):
        Market.from_frame("prices.csv")


def test_the_command_names_the_symbol_and_the_decimal_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # Of the cases: 100,500 may be 100.5 or 100500, and so for every price.
    Path("euro.csv").write_text(
        "Date;Open;High;Low;Close;Volume\n04.03.2024;100,500;102,000;99,500;101,500;10000\n"
        "05.03.2024;102,000;104,000;101,000;103,000;11000\n"
    )
    command = ["prices", "import", "euro.csv", "--out", "p.parquet", "--asset", "EUR"]
    assert main(command) == 2
    assert "the decimal sign must be known (got '100,500', which may be 100.500 or 100500)" in capsys.readouterr().err
    for sign, first in ((",", 100.5), (".", 100500.0)):
        assert main([*command, "--decimal", sign]) == 0
        market = Market.read("p.parquet")
        assert (market.assets, market.frame["open"][0]) == (("EUR",), first)
    Path("fx.csv").write_text("Date;Open;High;Low;Close\n04.03.2024;1.085;1.090;1.080;1.088\n")
    capsys.readouterr()
    assert main(["prices", "import", "fx.csv", "--out", "fx.parquet"]) == 0
    assert "numbers such as 1.085 are read with a decimal point" in capsys.readouterr().out
    assert Market.read("fx.parquet").frame["open"][0] == 1.085
