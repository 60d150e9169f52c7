"""Workbooks made part by part, so that each part may be wrong."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def sheet_xml(rows: str, *, before: str = "", after: str = "") -> str:
    """Return a sheet of rows of XML."""
    data = f"<sheetData>{rows}</sheetData>"
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}">{before}{data}{after}</worksheet>'


def texts_xml(texts: Iterable[str]) -> str:
    """Return the part of shared texts."""
    items = "".join(f"<si><t>{escape(one)}</t></si>" for one in texts)
    return f'<?xml version="1.0"?><sst xmlns="{_MAIN}">{items}</sst>'


def styles_xml(*formats: int, codes: Mapping[int, str] | None = None) -> str:
    """Return the part of styles: the first is the usual one, then one of each format of numbers."""
    described = "".join(
        f'<numFmt numFmtId="{number}" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
        for number, code in (codes or {}).items()
    )
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in (0, *formats))
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts>{described}</numFmts>'
        f'<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs>{styles}</cellXfs></styleSheet>'
    )


def workbook(
    *sheets: str,
    texts: str | None = None,
    styles: str | None = None,
    names: Iterable[str] = (),
    more: Mapping[str, str | bytes] | None = None,
    properties: str = "",
    relations: str = "",
    content_type: str = _WORKBOOK_TYPE,
) -> bytes:
    """Return a workbook of sheets; `more` adds parts or puts others in their places."""
    called = [*names, *(f"Sheet{number}" for number in range(1, len(sheets) + 1))]
    listed = "".join(
        f'<sheet name="{called[at]}" sheetId="{at + 1}" r:id="rId{at + 1}"/>'
        for at in range(len(sheets))
    )
    linked = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Override PartName="/xl/workbook.xml"'
        f' ContentType="{content_type}"/></Types>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<sheets>{listed}</sheets>{properties}</workbook>",
    }
    for kind, held in (("sharedStrings", texts), ("styles", styles)):
        if held is not None:
            parts[f"xl/{kind}.xml"] = held
            linked += f'<Relationship Id="{kind}" Type="{_OFFICE}/{kind}" Target="{kind}.xml"/>'
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{_LINKS}">{linked}{relations}</Relationships>'
    )
    for at, one in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{at}.xml"] = one
    return archive({**parts, **(more or {})})


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """Return an archive of parts by name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, held in parts.items():
            out.writestr(name, held)
    return made.getvalue()


def cell(name: str, value: str, kind: str = "n", *, style: int = 0, formula: str = "") -> str:
    """Return a cell of XML; the text of an `inlineStr` is its value."""
    held = f"<v>{escape(value)}</v>" if value else ""
    if kind == "inlineStr":
        held = f"<is><t>{escape(value)}</t></is>"
    said = f"<f>{escape(formula)}</f>" if formula else ""
    return f'<c r="{name}" s="{style}" t="{kind}">{said}{held}</c>'


def rows_xml(*rows: Iterable[str]) -> str:
    """Return rows of texts as XML, from the first row on."""
    return "".join(
        f'<row r="{number}">'
        + "".join(
            cell(f"{chr(64 + at)}{number}", value, "inlineStr")
            for at, value in enumerate(row, 1)
            if value
        )
        + "</row>"
        for number, row in enumerate(rows, 1)
    )
