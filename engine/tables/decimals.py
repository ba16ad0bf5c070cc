"""Columns of numbers as people write them -> float64; which sign is the decimal one, the whole table decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import polars as pl

from engine.faults import Fault
from engine.tables.table import EMPTY, Decimal, Table

_SIGNS: tuple[Decimal, Decimal] = (".", ",")
_MINUS = "^[\u2212\u2013]"
_BLANKS = " \u00a0\u2009\u202f\u2007\t\ufeff"
#: What parts thousands besides the other of the two signs: blanks of every width, apostrophes.
_GAP = "[ \u00a0\u2009\u202f\u2007'\u2019]"
_GAPPED = rf"^[-+]?\d{{1,3}}(?:{_GAP}\d{{3}})+(?:[.,]\d*)?$"
_CURRENCY = rf"(?:US)?[$€£¥]{_GAP}*"
_SCALES = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9}
_LOOKED_AT = 1000  # values, before all are


class Numbers(NamedTuple):
    """A column of numbers.

    Attributes
    ----------
    values : float64; null where there is none, or it cannot be read
    wrong : bool: something is written, and it is no finite number
    """

    values: pl.Series
    wrong: pl.Series


def read_numbers(
    table: Table,
    columns: Mapping[str, pl.Series],
    *,
    percent: Collection[str] = (),
    whole: Collection[str] = (),
) -> dict[str, Numbers]:
    """Read the number columns of a table.

    Texts may part thousands by the sign that is not the decimal one, by blanks or by apostrophes ("1,234.5", "1.234,5",
    "1 234,5", "1'234.5"), have a currency's sign, stand in brackets for minus, and end in K, M or B. The decimal sign is
    the one that ``table.style`` names; else the one that numbers of any column prove, such as "0,5" and "1.100,50".
    Where none does, and a comma stands in numbers such as 100,500, the table is refused; but in a file whose columns a
    comma parts, and in a column of whole numbers, that comma parts thousands.

    Parameters
    ----------
    columns
        By name; texts or numbers.
    percent
        The names of those in which 36% is 0.36; elsewhere it is no number. A thousand is odd in them, so that 1,500 stays open.
    whole
        The names of those that count, such as a volume: their 1,000 leaves no other column's sign open.

    Raises
    ------
    Fault
        Where the decimal sign stays open, or a column is of a type that holds no numbers.
    """
    texts = {name: given for name, given in columns.items() if given.dtype == pl.String}
    found = {name: _typed(table, name, given) for name, given in columns.items() if name not in texts}
    plain = {name: _plain(text) for name, text in texts.items()}
    odd = [name for name in plain if plain[name].wrong.any()]
    decimal = table.style.decimal
    if not odd and decimal != ",":
        return {name: found.get(name) or plain[name] for name in columns}
    cleaned = {name: _cleaned(text) for name, text in texts.items()}
    decimal = decimal or _decided(table, cleaned, percent, whole)
    for name in texts:
        if decimal == "," or name in odd:
            read = _parsed(cleaned[name], decimal, name in percent)
            found[name] = read if decimal == "," else _mended(plain[name], read)
        else:
            found[name] = plain[name]
    return {name: Numbers(found[name].values.alias(name), found[name].wrong) for name in columns}


def assumed_decimal(table: Table, texts: Iterable[pl.Series]) -> str:
    """Give a number of a text file that was read with a decimal point and might mean a thousand times as much, or "".

    So it is where another sign than a comma parts the columns, and in every number a dot stands before three digits.
    """
    if table.separator in (",", None) or table.style.decimal is not None:
        return ""
    listed = list(texts)
    for count in (_LOOKED_AT, None):
        text = pl.concat([column.head(count or len(column)) for column in listed]).str.strip_chars()
        dotted = text.filter(text.str.contains(".", literal=True))
        if not len(dotted) or not dotted.str.contains(_either(".")).all():
            return ""
    return str(dotted[0])


def _typed(table: Table, name: str, given: pl.Series) -> Numbers:
    if not (given.dtype.is_numeric() or given.dtype == pl.Null):
        raise Fault(f"{table.source}: column {name} must hold numbers or their texts (got {given.dtype}); correct it.")
    values = given.cast(pl.Float64)
    finite = values.is_finite().fill_null(False)
    if finite.all():
        return Numbers(values, ~finite)
    return Numbers(values.set(~finite, None), values.is_infinite().fill_null(False))


def _plain(text: pl.Series) -> Numbers:
    """Read what is written as Python writes it."""
    values = text.cast(pl.Float64, strict=False)
    finite = values.is_finite().fill_null(False)
    if finite.all():
        return Numbers(values, ~finite)
    return Numbers(values.set(~finite, None), ~finite & _written(text))


def _written(text: pl.Series) -> pl.Series:
    return text.is_not_null() & ~text.str.strip_chars(_BLANKS).str.to_lowercase().is_in(EMPTY)


def _mended(plain: Numbers, other: Numbers) -> Numbers:
    """Take the other reading where the plain one fails."""
    return Numbers(other.values.zip_with(plain.wrong, plain.values), plain.wrong & other.wrong)


def _cleaned(text: pl.Series) -> pl.DataFrame:
    """Strip texts to digits and signs: columns text, written, scale (K, M, B), percent, negative (in brackets)."""
    bare = pl.col("text")
    frame = text.to_frame("text").with_columns(_written(text).alias("written"))
    frame = frame.with_columns(bare.str.strip_chars(_BLANKS).str.replace(_MINUS, "-"))
    frame = frame.with_columns(
        bare.str.replace(r"^\(([^-()]+)\)$", "$1"), negative=bare.str.contains(r"^\([^-()]+\)$"),
    ).with_columns(
        bare.str.replace(rf"^(-?){_CURRENCY}", "$1").str.replace(rf"{_GAP}*[$€£¥]$", "").str.replace(rf"{_GAP}*%$", ""),
        percent=bare.str.ends_with("%"),
    )  # fmt: skip
    frame = frame.with_columns(
        bare.str.replace(rf"{_GAP}*[KMB]$", ""), scale=bare.str.extract("([KMB])$").fill_null("")
    )
    gapped = bare.str.contains(_GAPPED)
    return frame.with_columns(pl.when(gapped).then(bare.str.replace_all(_GAP, "")).otherwise(bare))


def _grouped(other: str) -> str:
    """Give the form of digits that a sign parts in threes, or as in India: 1,234 and 12,34,567."""
    return rf"(?:\d{{1,3}}(?:\{other}\d{{3}})+|\d{{1,2}}(?:\{other}\d{{2}})+\{other}\d{{3}})"


def _proof(decimal: str, other: str) -> str:
    """Give the form of numbers that leave no doubt of their decimal sign."""
    several = rf"(?:\d{{1,3}}(?:\{other}\d{{3}}){{2,}}|\d{{1,2}}(?:\{other}\d{{2}})+\{other}\d{{3}})"
    # A single sign is the decimal one behind nothing, a nought or more than three digits, and before other than three.
    single = rf"(?:(?:|0\d*|\d{{4,}})\{decimal}\d*|\d+\{decimal}(?:|\d{{1,2}}|\d{{4,}}))"
    return rf"^[-+]?(?:{_grouped(other)}\{decimal}\d*|{several}|{single})(?:[eE][-+]?\d+)?$"


def _either(sign: str) -> str:
    """Give the form of numbers that may be a thousand times another."""
    return rf"^[-+]?[1-9]\d{{0,2}}\{sign}\d{{3}}$"


def _decided(
    table: Table, cleaned: Mapping[str, pl.DataFrame], percent: Collection[str], whole: Collection[str]
) -> Decimal:
    """Tell the decimal sign of a table from all its numbers."""
    text = pl.concat([frame["text"] for frame in cleaned.values()])
    proofs = {
        sign: int(text.str.contains(_proof(sign, other)).sum())
        for sign, other in zip(_SIGNS, _SIGNS[::-1], strict=True)
    }
    # Who writes commas into a file of commas writes thousands, unless one of its numbers proves otherwise.
    grouped = table.separator == "," and not proofs[","]
    left = [frame["text"] for name, frame in cleaned.items() if name not in whole and (name in percent or not grouped)]
    either = {".": text.filter(text.str.contains(_either("."))), ",": text.clear()}
    if left:
        among = pl.concat(left)
        either[","] = among.filter(among.str.contains(_either(",")))
    if table.separator == ",":
        proofs["."] += len(either["."])  # a comma parts the columns already, so that a dot parts no thousands
        either["."] = either["."].clear()
    decimal, other = _SIGNS if proofs["."] >= proofs[","] else _SIGNS[::-1]
    got = ""
    if proofs[decimal] == proofs[other] > 0:
        pair = (text.filter(text.str.contains(_proof(*signs)))[0] for signs in (_SIGNS, _SIGNS[::-1]))
        got = " and ".join(map(repr, pair))
    elif len(either[other]) > proofs[decimal]:  # a slip of the pen proves nothing against many that may be either
        shown = either[other][0]
        got = f"{shown!r}, which may be {shown.replace(other, '.')} or {shown.replace(other, '')}"
    if got:
        raise Fault(
            f"{table.source}: the decimal sign must be known (got {got}); give --decimal , or --decimal . (decimal=',' in Python, "
            "decimal under [tables] in a job)."
        )
    return decimal


def _parsed(cleaned: pl.DataFrame, decimal: Decimal, percent: bool) -> Numbers:
    """Read cleaned texts by a decimal sign; null where that fails."""
    other = "," if decimal == "." else "."
    form = rf"^(?<whole>[-+]?(?:{_grouped(other)}|\d*))(?:\{decimal}(?<rest>\d*))?(?<power>[eE][-+]?\d+)?$"
    part = pl.col("text").str.extract_groups(form).struct
    whole = part.field("whole").str.replace_all(other, "", literal=True)
    digits = pl.concat_str(whole, pl.lit("."), part.field("rest").fill_null(""), part.field("power").fill_null(""))
    scale = pl.col("scale").replace_strict(_SCALES, return_dtype=pl.Float64)
    value = digits.cast(pl.Float64, strict=False) * scale * pl.when("negative").then(-1.0).otherwise(1.0)
    value = pl.when("percent").then(value / 100 if percent else None).otherwise(value)
    values = cleaned.select(value).to_series()
    finite = values.is_finite().fill_null(False)
    return Numbers(values.set(~finite, None), cleaned["written"] & ~finite)
