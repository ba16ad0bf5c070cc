"""TOML as people's editors save it: every file that we read in that form is read, or the sentence says what is wrong with it."""

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Fault
from engine.reader import lexicon
from engine.reader.columns import columns_from
from engine.reader.sidecar import Sidecar
from engine.toml import read_toml

LINES = ['[documents."p"]', 'published = "2025-01-28"', 'reason = "dated by 王"', ""]
TEXT = "\n".join(LINES)
SAVED = {
    "plain": TEXT.encode(),
    "UTF-8 with a mark, as Notepad saves": codecs.BOM_UTF8 + TEXT.encode(),
    "a mark and CRLF": codecs.BOM_UTF8 + "\r\n".join(LINES).encode(),
    "CRLF": "\r\n".join(LINES).encode(),
    "UTF-16, as PowerShell's > writes": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "UTF-16 and CRLF": codecs.BOM_UTF16_LE + "\r\n".join(LINES).encode("utf-16-le"),
    "UTF-16, the other way round": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "UTF-32": codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
    "UTF-32, the other way round": codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    "no line end at the end": TEXT.rstrip().encode(),
    "empty lines first": b"\r\n\r\n" + TEXT.encode(),
}


@pytest.mark.parametrize("name", SAVED)
def test_a_file_is_read_however_it_was_saved(name: str, tmp_path: Path) -> None:
    file = tmp_path / "side.toml"
    file.write_bytes(SAVED[name])
    assert read_toml(file, "sidecar") == {"documents": {"p": {"published": "2025-01-28", "reason": "dated by 王"}}}


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "sidecar": (TEXT, lambda file: len(Sidecar.read(file))),
    "columns": ('text = "body"\n', lambda file: columns_from(file).text),
    "lexicon": ('[assets.PFE]\nnames = ["Pfizer"]\n', lambda file: "PFE" in lexicon.load([file]).entities),
}


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
@pytest.mark.parametrize("name", READERS)
def test_every_file_of_ours_in_toml_is_read_so(name: str, mark: bytes, tmp_path: Path) -> None:
    text, read = READERS[name]
    encoding = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}[mark]
    plain, marked = tmp_path / "plain.toml", tmp_path / "marked.toml"
    plain.write_text(text)
    marked.write_bytes(mark + text.encode(encoding))
    assert read(plain)
    assert read(marked) == read(plain)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"a = 1\nb = \n", "is not TOML: invalid value (at line 2, column 5)"),
        (b"a = 1\na = 2\n", "is not TOML: cannot overwrite a value (at line 2"),
        (b"a = 1\n# caf\xe9\n", "must be text in UTF-8 (line 2 is not); save it as UTF-8"),
        ("a = '王'".encode("gbk"), "must be text in UTF-8 (line 1 is not)"),
        ("a = 1\n".encode("utf-16-le"), "it holds NUL bytes, as UTF-16 does"),
        (codecs.BOM_UTF16_LE + b"a", "must be text in UTF-16-LE (line 1 is not)"),
        (b"\x00", "NUL bytes"),
        (b"PK\x03\x04", "is not TOML"),
        (b"a = " + b"9" * 5000, "is not TOML"),
        (b"a = " + b"[" * 100_000, "is not TOML: it is nested too deeply"),
        (codecs.BOM_UTF8 + b"a: 1\n", "is not TOML: expected '=' after a key"),
    ],
)
def test_what_is_no_toml_is_told(raw: bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / "side.toml"
    file.write_bytes(raw)
    with pytest.raises(Fault) as refused:
        read_toml(file, "sidecar")
    assert str(refused.value).startswith(f"sidecar {str(file)!r} ")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["nowhere.toml", ".", "x" * 300, "a\0b"])
def test_what_is_no_file_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(Fault, match="must be a TOML file"):
        read_toml(tmp_path / name, "sidecar")
