"""Files made to harm, or that are no sheets: each has its answer, and costs next to nothing."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.core.sheets.errors import CAUSES, SheetRefused
from services.core.sheets.limits import LIMITS, SheetLimits
from services.core.sheets.sheet_file import SheetFile
from tests.support.workbooks import archive, cell, rows_xml, sheet_xml, texts_xml, workbook

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_HELD = 24 * 1024 * 1024
A_SHEET = sheet_xml(rows_xml(["code", "value"]))
ROOMY = replace(LIMITS, ratio=100_000)
"""So that each bound holds by itself, also where the ratio would refuse the file before."""


def _corners() -> bytes:
    rows = f'<row r="1">{cell("A1", "1")}</row><row r="1048576">{cell("XFD1048576", "1")}</row>'
    return workbook(sheet_xml(rows))


def _wide() -> bytes:
    return workbook(sheet_xml(f'<row r="1">{cell("A1", "1")}{cell("GS1", "1")}</row>'))


def _bomb() -> bytes:
    return workbook(A_SHEET, texts=texts_xml(["0" * 30_000] * 2000))


def _with_sheet(xml: str) -> bytes:
    return workbook(xml)


def _doctype() -> bytes:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return _with_sheet(f'<!DOCTYPE w [<!ENTITY a0 "lol">{entities}]>{A_SHEET[21:]}')


def _external_entity() -> bytes:
    return _with_sheet(f'<!DOCTYPE w SYSTEM "file:///etc/passwd">{A_SHEET[21:]}')


def _nested() -> bytes:
    return _with_sheet(sheet_xml("<a>" * 400_000))


def _long_tag() -> bytes:
    return _with_sheet(sheet_xml(f'<row x="{"y" * 20_000_000}"/>'))


def _long_comment() -> bytes:
    return _with_sheet(sheet_xml(f"<!--{'y' * 20_000_000}-->"))


def _long_text() -> bytes:
    return _with_sheet(sheet_xml(f'<row r="1">{cell("A1", "x" * 40_000, "inlineStr")}</row>'))


def _many_texts() -> bytes:
    return workbook(A_SHEET, texts=texts_xml(["x" * 300] * 60_000))


def _many_names() -> bytes:
    return _with_sheet(sheet_xml("".join(f"<n{at}/>" for at in range(3000))))


def _many_rows() -> bytes:
    row = '<row r="{0}"><c r="A{0}"><v>1</v></c></row>'
    return _with_sheet(sheet_xml("".join(row.format(at) for at in range(1, 100_300))))


def _long_directory() -> bytes:
    return archive({f"xl/{at}": "" for at in range(8000)})


def _wide_directory() -> bytes:
    made = workbook(A_SHEET)
    at = made.rfind(b"PK\x05\x06")
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 0, 1)
    return made[:at] + locator + made[at:]


def _encrypted_part() -> bytes:
    made = bytearray(workbook(A_SHEET))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = made.find(mark)
        made[at + offset] |= 1
    return bytes(made)


def _twice() -> bytes:
    made = io.BytesIO(workbook(A_SHEET))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(made, "a") as out:
        out.writestr("xl/workbook.xml", "<workbook/>")
    return made.getvalue()


def _wrong_checksum() -> bytes:
    made = bytearray(workbook(A_SHEET))
    at = made.find(b"PK\x01\x02", made.find(b"xl/worksheets/sheet1.xml", len(made) // 2) - 46)
    made[at + 16] ^= 0xFF
    return bytes(made)


_EXTERNAL = '<Relationship Id="x" Type="x/worksheet" Target="http://x/" TargetMode="External"/>'
_MACRO_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "corners": (_corners, "cell-outside"),
    "a cell beyond the columns": (_wide, "cell-outside"),
    "a bomb": (_bomb, "inflates-too-far"),
    "entities of entities": (_doctype, "document-type"),
    "an entity of this machine": (_external_entity, "document-type"),
    "elements without end": (_nested, "damaged-workbook"),
    "a tag without end": (_long_tag, "damaged-workbook"),
    "a comment without end": (_long_comment, "damaged-workbook"),
    "a text without end": (_long_text, "cell-too-long"),
    "too many texts": (_many_texts, "too-much-text"),
    "too many names of elements": (_many_names, "damaged-workbook"),
    "too many rows": (_many_rows, "too-many-rows"),
    "too many parts": (_long_directory, "damaged-workbook"),
    "a directory of 64 bits": (_wide_directory, "damaged-workbook"),
    "an encrypted part": (_encrypted_part, "damaged-workbook"),
    "two parts of one name": (_twice, "damaged-workbook"),
    "a wrong checksum": (_wrong_checksum, "damaged-workbook"),
    "a broken archive": (lambda: workbook(A_SHEET)[:-30], "damaged-workbook"),
    "macros": (lambda: workbook(A_SHEET, more={"xl/vbaProject.bin": b""}), "workbook-with-macros"),
    "macros of the first kind": (
        lambda: workbook(A_SHEET, more={"xl/macrosheets/sheet1.xml": ""}),
        "workbook-with-macros",
    ),
    "a type with macros": (
        lambda: workbook(A_SHEET, content_type=_MACRO_TYPE),
        "workbook-with-macros",
    ),
    "links to other files": (
        lambda: workbook(A_SHEET, more={"xl/externalLinks/externalLink1.xml": ""}),
        "external-links",
    ),
    "a sheet elsewhere": (lambda: workbook(A_SHEET, relations=_EXTERNAL), "external-links"),
    "a source of data": (
        lambda: workbook(A_SHEET, more={"xl/connections.xml": ""}),
        "external-links",
    ),
    "another program's": (lambda: archive({"word/document.xml": ""}), "not-a-sheet"),
    "an open document": (
        lambda: archive({"mimetype": "", "content.xml": ""}),
        "open-document",
    ),
    "a binary workbook": (lambda: archive({"xl/workbook.bin": b""}), "binary-workbook"),
    "an old workbook": (lambda: OLD + bytes(600), "old-workbook"),
    "an encrypted workbook": (
        lambda: (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
            + bytes(600)
            + "EncryptedPackage".encode("utf-16-le")
        ),
        "encrypted-workbook",
    ),
    "a page": (lambda: b"\xef\xbb\xbf <html><table><tr><td>1</td></tr></table>", "not-a-sheet"),
    "a document": (lambda: b"%PDF-1.7\n", "not-a-sheet"),
    "a program": (lambda: b"MZ\x90\x00" + bytes(100), "not-a-sheet"),
    "nothing": (lambda: b"", "empty-file"),
    "no known encoding": (lambda: b"a,b\n\xff\xff\xff,1\n", "unknown-encoding"),
    "a quote that does not end": (lambda: b'a,b\n"' + b"x,\n" * 100_000, "line-too-long"),
    "an end within quotes": (lambda: b'a,b\n1,"x\n2,y\n', "quote-not-closed"),
    "an end within quotes of the first line": (lambda: b'a,"b', "quote-not-closed"),
    "a line of commas": (lambda: b"a,b\n" + b"," * 8_000_000, "line-too-long"),
    "a value far to the right": (lambda: b"a,b\n" + b"," * 300 + b"1\n", "cell-outside"),
}


def _read(content: bytes, limits: SheetLimits) -> None:
    file = SheetFile(content, limits)
    for _ in file.table(file.chosen(None, "")).rows():
        pass


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_with_advice_and_held_within_bounds(kind: str) -> None:
    make, code = HOSTILE[kind]
    content = make()
    tracemalloc.start()
    try:
        with pytest.raises(SheetRefused) as refusal:
            _read(content, LIMITS if kind == "a bomb" else ROOMY)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (fault,) = refusal.value.faults
    assert fault.code == code
    assert fault.detail.zh
    assert fault.detail.en
    assert peak < MOST_HELD + (30_000_000 if code == "too-much-text" else 0)


def test_every_cause_is_said_in_both_languages() -> None:
    assert all(words.zh and words.en for words in CAUSES.values())
