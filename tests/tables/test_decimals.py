"""Numbers as people write them: read right, or refused; never a thousand times another in silence."""

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.faults import Fault
from engine.tables.decimals import assumed_decimal, read_numbers
from engine.tables.table import Decimal, Style, Table


def table(texts: list[str | None], separator: str | None, decimal: Decimal | None = None) -> Table:
    rows = pl.int_range(len(texts), eager=True)
    frame = pl.DataFrame({"n": pl.Series(texts, dtype=pl.String)})
    return Table(frame, "n.csv", rows, ("n",), separator=separator, style=Style(decimal=decimal))


def read(
    texts: list[str | None], separator: str | None, decimal: Decimal | None = None, percent: bool = False
) -> tuple[list[float | None], list[bool]]:
    given = table(texts, separator, decimal)
    found = read_numbers(given, {"n": given.frame["n"]}, percent=("n",) if percent else ())["n"]
    return found.values.to_list(), found.wrong.to_list()


RIGHT: list[tuple[list[str | None], str | None, list[float | None]]] = [
    (["1.5", "2", None, "", "1e3"], ",", [1.5, 2, None, None, 1000]),
    (["100,5", "100,500"], ";", [100.5, 100.5]),  # the first proves the sign of the second
    (["1.100,50", "1.100"], ";", [1100.5, 1100]),  # a comma is the decimal sign, so that a dot parts thousands
    (["0,085", "1,085"], ";", [0.085, 1.085]),  # no thousands begin with a nought
    (["1085,125", "1,085"], ";", [1085.125, 1.085]),  # four digits before a comma are no group
    (["1,100.50", "1,100"], ",", [1100.5, 1100]),
    (["1,234,567", "1,085"], ",", [1234567, 1085]),
    (["1.234.567", "1.085"], ";", [1234567, 1085]),
    (["12,34,567.5", "1,00,000"], ",", [1234567.5, 100000]),  # lakhs and crores
    (["1'100.50", "1’100"], ",", [1100.5, 1100]),
    (["1 100,50", "1\u202f100,25", "1\u00a0234\u00a0567"], ";", [1100.5, 1100.25, 1234567]),
    (["(5.2)", "−5.2", "+5.2", "-5.2"], ",", [-5.2, -5.2, 5.2, -5.2]),
    (["$1,234.5", "-$5", "5 €", "£5.25", "¥5", "US$ 5"], ",", [1234.5, -5, 5, 5.25, 5, 5]),
    (["1.5M", "2K", "1B", "1,000"], ",", [1.5e6, 2e3, 1e9, 1000]),
    (["1,5M", "10"], ";", [1.5e6, 10]),
    ([".5", "5."], ",", [0.5, 5]),
    ([",5", "5,"], ";", [0.5, 5]),
    (["1,5e3", "2"], ";", [1500, 2]),
    (["n/a", "-", "NaN", "#N/A N/A", "5"], ",", [None, None, None, None, 5]),
    (["1.085", "1.090"], ";", [1.085, 1.09]),  # as every program writes it
    (["1.085", "10,000"], ",", [1.085, 10000]),  # the columns are parted by a comma, so a dot is the decimal sign
    (["100.50", "1,085"], ";", [100.5, 1085]),
    # Quoted in a file of commas, a comma before three digits parts thousands.
    (["100", "1,000"], ",", [100, 1000]),
    (["1,100", "1,105", "-1,095"], ",", [1100, 1105, -1095]),
    (["$1,100", "(2,500)", "12,500"], ",", [1100, -2500, 12500]),
    (["1,0855", "1,085"], ",", [1.0855, 1.085]),  # but for a proof, as investing.com writes French prices
    (["0,5", "1,500"], ",", [0.5, 1.5]),
]


@pytest.mark.parametrize(
    ("texts", "separator", "values"), RIGHT, ids=[" ".join(map(str, texts)) for texts, *_ in RIGHT]
)
def test_numbers_that_leave_no_doubt(
    texts: list[str | None], separator: str | None, values: list[float | None]
) -> None:
    assert read(texts, separator) == (pytest.approx(values), [False] * len(texts))


OPEN: list[tuple[list[str | None], str | None, str]] = [
    (["100,500", "102,000"], ";", "'100,500', which may be 100.500 or 100500"),
    (["1,085"], ";", "'1,085', which may be 1.085 or 1085"),
    (["1,085"], "\t", "'1,085'"),
    (["1,085"], None, "'1,085'"),  # texts of a frame
    (["-1,085", "12", None], ";", "'-1,085'"),
    (["1.085", "10,000"], ";", "'10,000'"),
    (["1,0855", *["1.085"] * 5], ";", "'1.085'"),  # one slip proves nothing against five
    (["1.0855", *["1,085"] * 5], ";", "'1,085'"),
    (["0,5", "0.5"], ";", "'0.5' and '0,5'"),
]


@pytest.mark.parametrize(("texts", "separator", "said"), OPEN, ids=[" ".join(map(str, texts)) for texts, *_ in OPEN])
def test_numbers_of_which_nobody_can_tell_are_refused(
    texts: list[str | None], separator: str | None, said: str
) -> None:
    with pytest.raises(
        Fault, match=r"n.csv: the decimal sign must be known .got .*give --decimal , or --decimal \."
    ) as caught:
        read(texts, separator)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "decimal", "values", "wrong"),
    [
        (["100,500", "1.085"], ",", [100.5, 1085.0], [False, False]),
        (["100,500", "1.085"], ".", [100500.0, 1.085], [False, False]),
        (["100.5", "5"], ",", [None, 5.0], [True, False]),
        (["100,5", "5"], ".", [None, 5.0], [True, False]),
        (["1,100.5"], ",", [None], [True]),
    ],
)
def test_who_says_the_sign_is_believed(
    texts: list[str | None], decimal: Decimal, values: list[float], wrong: list[bool]
) -> None:
    for separator in (",", ";", "\t", None):
        assert read(texts, separator, decimal) == (values, wrong)


@pytest.mark.parametrize(
    "text",
    ["abc", "1,2345.5", "12,34", "1.2.3", "$", "%", "()", "5%", "inf", "TRUE", "1 2", "5.2-", "0x10", "1_000", "--5"],
)
def test_what_is_no_number_is_told(text: str) -> None:
    assert read([text, *["1.5"] * 3], ",") == ([None, 1.5, 1.5, 1.5], [True, False, False, False])


def test_a_percentage_is_a_number_only_where_it_may_be() -> None:
    assert read(["36%", "36 %", "0.36", "-5%"], ",", percent=True) == (
        pytest.approx([0.36, 0.36, 0.36, -0.05]),
        [False] * 4,
    )
    assert read(["36,5%", "1"], ";", percent=True)[0] == pytest.approx([0.365, 1])


@pytest.mark.parametrize(
    ("separator", "close", "volume", "values"),
    [
        (",", "100", "1,000", [100, 1000]),
        (";", "100", "1,000", [100, 1000]),
        ("\t", "100", "10,500", [100, 10500]),
        (None, "100", "-1,000", [100, -1000]),
        (";", "1.085", "10,000", [1.085, 10000]),
        (";", "100.5", "1,000", [100.5, 1000]),
        (";", "100,5", "1.000", [100.5, 1000]),
        (";", "100,5", "1.000.000", [100.5, 1000000]),
        (",", "1,100", "1,000,000", [1100, 1000000]),
        (";", "100,500", "1,000", "'100,500'"),
        (";", "100,500", "1000", "'100,500'"),
        ("\t", "1,085", "2,000", "'1,085'"),
    ],
)
def test_a_volume_is_whole(separator: str | None, close: str, volume: str, values: list[float] | str) -> None:
    columns = {"close": pl.Series([close]), "volume": pl.Series([volume])}
    if isinstance(values, str):
        with pytest.raises(Fault, match=values):
            read_numbers(table([close], separator), columns, whole=("volume",))
        return
    found = read_numbers(table([close], separator), columns, whole=("volume",))
    assert [found[name].values.item() for name in columns] == pytest.approx(values)


def test_a_share_of_1_500_stays_open_also_in_a_file_of_commas() -> None:
    with pytest.raises(Fault, match=r"'1,500', which may be 1\.500 or 1500"):
        read(["1,500"], ",", percent=True)


def test_what_is_taken_for_granted_is_known() -> None:
    for separator, texts, assumed in (
        (";", ["1.085", "10"], "1.085"),
        ("\t", ["10.000"], "10.000"),
        (";", ["1.085", "1.5"], ""),
        (";", ["10"], ""),
        (",", ["1.085"], ""),
        (";", [*["1.085"] * 2000, "1.5"], ""),
    ):
        assert assumed_decimal(table([*texts], separator), [pl.Series(texts)]) == assumed
    assert assumed_decimal(table(["1.085"], ";", "."), [pl.Series(["1.085"])]) == ""


def written(number: int, decimals: int, sign: str, group: str) -> str:
    """Write number / 10 ** decimals."""
    whole, rest = divmod(abs(number), 10**decimals)
    digits = f"{whole:,}".replace(",", group)
    return f"{'-' if number < 0 else ''}{digits}{sign + str(rest).zfill(decimals) if decimals else ''}"


@settings(max_examples=300)
@given(
    numbers=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6),
    decimals=st.lists(st.integers(0, 4), min_size=6, max_size=6),
    signs=st.sampled_from([(".", ","), (".", ""), (".", "'"), (",", "."), (",", ""), (",", " "), (",", "\u202f")]),
    separator=st.sampled_from([";", "\t", "|", None]),
)
def test_every_convention_is_read_right_or_refused(
    numbers: list[int], decimals: list[int], signs: tuple[str, str], separator: str | None
) -> None:
    sign, group = signs
    pairs = list(zip(numbers, decimals[: len(numbers)], strict=True))
    texts = [written(number, places, sign, group) for number, places in pairs]
    # Where a comma is the decimal sign, 18.123 alone is read as every program does; test_what_is_taken_for_granted_is_known.
    assume(sign == "." or any("," in text for text in texts) or not any("." in text for text in texts))
    try:
        values, wrong = read([*texts], separator)
    except Fault:
        return
    assert not any(wrong)
    assert values == pytest.approx([number / 10**places for number, places in pairs])


@settings(max_examples=100)
@given(
    numbers=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6),
    decimals=st.lists(st.integers(0, 4), min_size=6, max_size=6),
    signs=st.sampled_from([(".", ","), (".", ""), (",", "."), (",", ""), (",", " ")]),
)
def test_every_convention_is_read_right_where_its_sign_is_said(
    numbers: list[int], decimals: list[int], signs: tuple[Decimal, str]
) -> None:
    pairs = list(zip(numbers, decimals[: len(numbers)], strict=True))
    texts = [written(number, places, *signs) for number, places in pairs]
    values, wrong = read([*texts], ",", signs[0])
    assert not any(wrong)
    assert values == pytest.approx([number / 10**places for number, places in pairs])


def test_columns_of_other_types_are_numbers_or_refused() -> None:
    given = table(["1"], None)
    found = read_numbers(given, {"a": pl.Series([1, None]), "b": pl.Series([1.5, float("inf")])})
    assert found["a"].values.to_list() == [1.0, None]
    assert (found["b"].values.to_list(), found["b"].wrong.to_list()) == ([1.5, None], [False, True])
    with pytest.raises(Fault, match=r"column a must hold numbers or their texts .got Boolean"):
        read_numbers(given, {"a": pl.Series([True])})
