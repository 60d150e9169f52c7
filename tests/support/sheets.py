"""Workbooks read by a reader of our own, small and strict: what stands in their cells."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

_NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
_REFERENCE = re.compile(r"([A-Z]+)([0-9]+)")


class Cell(NamedTuple):
    """What a cell holds: its type as the format names it (`n`, `b`, `inlineStr`), and its text."""

    type: str
    text: str
    style: str


def read_workbook(data: bytes) -> dict[str, list[list[Cell | None]]]:
    """Return the rows of every sheet, by its title; nothing but rows of values may stand there."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        assert "[Content_Types].xml" in book.namelist()
        whole = ET.fromstring(book.read("xl/workbook.xml"))  # noqa: S314 (our own)
        named = whole.findall("m:sheets/m:sheet", _NAMES)
        sheets = {}
        for at, sheet in enumerate(named, 1):
            part = book.read(f"xl/worksheets/sheet{at}.xml")
            assert b"<f>" not in part
            assert b"<dimension" not in part, "it would have to be true"
            sheets[sheet.attrib["name"]] = list(_rows(part))
    return sheets


def _rows(part: bytes) -> Iterator[list[Cell | None]]:
    rows = ET.fromstring(part).findall("m:sheetData/m:row", _NAMES)  # noqa: S314 (our own)
    for number, row in enumerate(rows, 1):
        assert int(row.attrib["r"]) == number
        cells: dict[int, Cell] = {}
        for one in row:
            found = _REFERENCE.fullmatch(one.attrib["r"])
            assert found is not None
            assert int(found[2]) == number
            cells[_column(found[1])] = _cell(one)
        yield [cells.get(at) for at in range(max(cells, default=-1) + 1)]


def _cell(one: Any) -> Cell:
    kind = one.attrib.get("t", "n")
    path = "m:is/m:t" if kind == "inlineStr" else "m:v"
    text = one.findtext(path, default="", namespaces=_NAMES)
    unescaped = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)
    return Cell(kind, unescaped, one.attrib.get("s", "0"))


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
