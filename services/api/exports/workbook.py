"""Writes XLSX (ECMA-376) as a stream: a ZIP of sheets whose rows are sent as they come.

The libraries that write XLSX assemble it after the last row: a caller would wait for the first
byte, and the disk would hold every row meanwhile (docs/adr/0028). A workbook of rows needs little:
inline texts, numbers, one style for headings and one for texts that begin like formulas.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from services.api.exports.columns import Kind, Table
from services.core.kit.formula_cells import RISKY
from services.core.kit.text import Language

MOST_ROWS = 1_048_576
"""Most rows of a sheet, its headings included; more rows go to another sheet."""

MOST_SHEET_BYTES = 1_500_000_000
"""A part of more than 2 GiB needs ZIP64, which not every office program reads."""

MOST_CHARACTERS = 32_767
"""Most UTF-16 code units of a cell."""

EXACT_DIGITS = 15
"""A cell's number is an IEEE 754 double, which keeps any number of this many significant digits."""

_LEVEL = 3
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEADING, _LITERAL = 1, 2
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/>'
    '</font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill>'
    '<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border>'
    '</borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    '</cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"'
    ' xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)
_BEGIN = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1"'
    ' topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
    "<sheetData>"
)
_END = "</sheetData></worksheet>"
_SPECIAL = re.compile(
    f"^{RISKY.pattern}|[&<>\\x00-\\x08\\x0b-\\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{{4}}_"
)
"""Characters and text beginnings that must be escaped in a cell."""

_UNWRITABLE = re.compile("[\\x00-\\x08\\x0b-\\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_TOO_LONG = "（{0} 字，超出单元格上限，见 JSON 或 CSV / {0} characters: see the JSON or the CSV）"


class _Pieces:
    """A write-only buffer that cannot seek or read."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Append a chunk."""
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: chunks are available at once."""

    def close(self) -> None:
        """Do nothing: the chunks may still be taken."""

    def taken(self) -> bytes:
        """Return the bytes written since the last call."""
        written = b"".join(self._written)
        self._written.clear()
        return written


class WorkbookWriter:
    """Writes tables as the sheets of a workbook."""

    holds_many = True

    def __init__(self, language: Language, *, most_rows: int = MOST_ROWS) -> None:
        self._language = language
        self._most_rows = most_rows
        self._pieces = _Pieces()
        # An unseekable stream: each part is followed by its length, which is not known before.
        self._zip = zipfile.ZipFile(self._pieces, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self._sheets: list[str] = []
        self._row = self._length = 0
        self._sheet: IO[bytes] = io.BytesIO()  # none is open yet
        self._part("_rels/.rels", _relations({"rId1": ("officeDocument", "xl/workbook.xml")}))

    def begin(self, table: Table) -> None:
        """Begin a sheet with the headings of a table."""
        self._table = table
        self._title = _unlike(table.title(self._language), self._sheets)
        self._letters = [_letter(at) for at in range(len(table.columns))]
        self._kinds = [column.kind for column in table.columns]
        self._open(self._title)

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows; those beyond the limit of a sheet go to another one."""
        cells = self._table.cells
        lines: list[str] = []
        for row in rows:
            if self._row >= self._most_rows:
                self._write("".join(lines))
                lines.clear()
                self._next_sheet()
            self._row += 1
            lines.append(self._line(cells(row)))
        self._write("".join(lines))
        if self._length > MOST_SHEET_BYTES:
            self._row = self._most_rows

    def end(self) -> None:
        """Write the parts that list the sheets."""
        self._close()
        sheets = {f"rId{at}": f"worksheets/sheet{at}.xml" for at in range(1, len(self._sheets) + 1)}
        self._part("[Content_Types].xml", _content_types(len(self._sheets)))
        self._part("xl/workbook.xml", _workbook(self._sheets))
        self._part(
            "xl/_rels/workbook.xml.rels",
            _relations(
                {
                    **{key: ("worksheet", part) for key, part in sheets.items()},
                    "rIdStyles": ("styles", "styles.xml"),
                }
            ),
        )
        self._part("xl/styles.xml", _STYLES)
        self._zip.close()

    def close(self) -> None:
        """Abandon an unfinished file."""
        self._sheet.close()
        self._zip.close()

    def taken(self) -> bytes:
        """Return the bytes written since the last call."""
        return self._pieces.taken()

    def _next_sheet(self) -> None:
        self._open(_unlike(self._title, self._sheets))

    def _open(self, name: str) -> None:
        if self._sheets:
            self._close()
        self._sheets.append(name)
        self._sheet = self._zip.open(f"xl/worksheets/sheet{len(self._sheets)}.xml", "w")
        self._row, self._length = 1, 0
        headings = zip(self._table.headings(self._language), self._letters, strict=True)
        heads = [_text(one, letter, 1, _HEADING) for one, letter in headings]
        self._write(f'{_BEGIN}<row r="1">{"".join(heads)}</row>')

    def _close(self) -> None:
        self._write(_END)
        self._sheet.close()

    def _write(self, xml: str) -> None:
        data = xml.encode()
        self._length += len(data)
        self._sheet.write(data)

    def _line(self, cells: Sequence[Any]) -> str:
        row = self._row
        written = [
            _cell(value, letter, row, kind)
            for value, letter, kind in zip(cells, self._letters, self._kinds, strict=True)
            if value is not None
        ]
        return f'<row r="{row}">{"".join(written)}</row>'

    def _part(self, name: str, xml: str) -> None:
        # An entry opened by name is dated 1980, so that equal rows give equal bytes.
        with self._zip.open(name, "w") as part:
            part.write(xml.encode())


def _cell(value: Any, letter: str, row: int, kind: Kind) -> str:
    if type(value) is str:
        if kind is Kind.DECIMAL and _NUMBER.fullmatch(value) and _keeps(value):
            return f'<c r="{letter}{row}"><v>{value}</v></c>'
        return _text(value, letter, row)
    if type(value) is bool:
        return f'<c r="{letter}{row}" t="b"><v>{value:d}</v></c>'
    if _keeps(str(value)):
        return f'<c r="{letter}{row}"><v>{value}</v></c>'
    return _text(str(value), letter, row)


def _keeps(number: str) -> bool:
    """Return whether a double keeps every digit of a number."""
    return (
        len(number) <= EXACT_DIGITS
        or len(number.lstrip("-").replace(".", "").strip("0")) <= EXACT_DIGITS
    )


def _text(text: str, letter: str, row: int, style: int | None = None) -> str:
    styled = "" if style is None else f' s="{style}"'
    if len(text) > MOST_CHARACTERS // 2 or _SPECIAL.search(text):
        text = _fitting(text)
        if style is None and RISKY.match(text):
            styled = f' s="{_LITERAL}"'
        text = escape(_UNWRITABLE.sub(_named, text))
    held = f'<is><t xml:space="preserve">{text}</t></is>'
    return f'<c r="{letter}{row}"{styled} t="inlineStr">{held}</c>'


def _fitting(text: str) -> str:
    """Return a text, or if it exceeds a cell a note of its length and where it can be read."""
    if len(text.encode("utf-16-le")) // 2 <= MOST_CHARACTERS:
        return text
    return _TOO_LONG.format(len(text))


def _named(found: re.Match[str]) -> str:
    """Return the format's escape for a character that XML cannot contain, by its number."""
    return f"_x{ord(found[0]):04X}_"


def _letter(at: int) -> str:
    """Return the column letters of an index from 0: A, B, …, Z, AA."""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _unlike(title: str, others: Sequence[str]) -> str:
    """Return the title of a sheet, numbered if it is taken already."""
    known = sum(one == title or one.startswith(f"{title} (") for one in others)
    return f"{title} ({known + 1})" if known else title


def _relations(targets: Mapping[str, tuple[str, str]]) -> str:
    relations = [
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    ]
    return (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(relations)}'
        "</Relationships>"
    )


def _content_types(sheets: int) -> str:
    parts = {
        "workbook.xml": "sheet.main",
        "styles.xml": "styles",
        **{f"worksheets/sheet{at}.xml": "worksheet" for at in range(1, sheets + 1)},
    }
    overrides = [
        f'<Override PartName="/xl/{part}" ContentType="{_TYPE}.{kind}+xml"/>'
        for part, kind in parts.items()
    ]
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml"'
        f' ContentType="application/xml"/>{"".join(overrides)}</Types>'
    )


def _workbook(titles: Sequence[str]) -> str:
    sheets = [
        f'<sheet name={quoteattr(title)} sheetId="{at}" r:id="rId{at}"/>'
        for at, title in enumerate(titles, 1)
    ]
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/>'
        f"</bookViews><sheets>{''.join(sheets)}</sheets></workbook>"
    )
