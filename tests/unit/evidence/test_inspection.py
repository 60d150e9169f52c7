"""What a file is by its content, whatever its name says, and however it is cut into parts."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.evidence.errors import FileTooLarge
from services.core.evidence.inspection import FileClaim, Inspection, JudgedFile, name_faults
from services.core.kit.errors import InvalidInput
from services.core.kit.file_kinds import (
    FILE_KINDS,
    MEDIA_TYPES,
    FileKind,
    KindReader,
    UnknownKind,
    agrees,
    answered_as,
    extension_of,
)
from services.core.plan.evidence_rules import EvidenceLimits, RequiredEvidence, lacking, pieces_of
from tests.support.evidence import DOCX, OFD, PDF, TEXT, XLSX, archive, png

JPEG = b"\xff\xd8\xff\xe0" + bytes(100) + b"\xff\xd9"
GOOD = {
    "a.pdf": (PDF, "pdf"),
    "a.png": (png(), "png"),
    "a.JPG": (JPEG, "jpeg"),
    "a.docx": (DOCX, "docx"),
    "a.xlsx": (XLSX, "xlsx"),
    "a.ofd": (OFD, "ofd"),
    "a.zip": (archive("照片/1.jpg"), "zip"),
    "a.txt": (TEXT, "txt"),
    "a.csv": ("指标,数值\r\nU08,40.65\r\n".encode("gb18030"), "csv"),
    "无扩展名": (TEXT, "txt"),
    "报告.2025": (PDF, "pdf"),
}


def judged(content: bytes, name: str, size: int = 7, media_type: str = "") -> JudgedFile:
    inspection = Inspection(FileClaim(name, media_type), EvidenceLimits())
    for at in range(0, len(content), size):
        inspection.feed(content[at : at + size])
    return inspection.judged()


@pytest.mark.parametrize("name", GOOD)
def test_a_file_is_what_its_content_is(name: str) -> None:
    content, kind = GOOD[name]
    found = judged(content, name)
    assert (found.kind, found.size, found.name) == (kind, len(content), name)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@given(st.sampled_from(sorted(GOOD)), st.integers(1, 2000))
def test_how_a_file_is_cut_changes_nothing(name: str, size: int) -> None:
    content, _ = GOOD[name]
    assert judged(content, name, size) == judged(content, name, len(content))


@given(st.binary(max_size=3000))
def test_any_bytes_are_a_kind_or_a_clear_refusal(content: bytes) -> None:
    reader = KindReader()
    reader.feed(content)
    found: str
    try:
        found = reader.kind()
    except UnknownKind as unknown:
        found = unknown.code
    assert found in {*FILE_KINDS, "file-empty", "file-cut-off", "file-ambiguous", *_UNKNOWN}


_UNKNOWN = ("file-type-unknown", "file-with-macros")


def test_a_long_archive_is_one_even_where_its_list_is_not_held() -> None:
    many = archive(*(f"{'长' * 60}{number}" for number in range(3000)), "OFD.xml")
    assert judged(many, "a.zip", 65536).kind == "zip"


def test_sm3_is_that_of_the_standard() -> None:
    # GB/T 32905-2016, example 1.
    assert judged(b"abc", "a.txt").sm3 == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )


def test_the_byte_beyond_the_limit_is_refused_and_none_before_it() -> None:
    inspection = Inspection(FileClaim("a.txt", ""), EvidenceLimits(max_bytes=1024))
    inspection.feed(b"x" * 1024)
    assert inspection.judged().size == 1024
    with pytest.raises(FileTooLarge):
        inspection.feed(b"x")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a.tar.GZ", "gz"), ("报告", None), ("v1.2", None), (".pdf", "pdf"), ("a.p-f", None)],
)
def test_an_extension_begins_with_a_letter(name: str, wanted: str | None) -> None:
    assert extension_of(name) == wanted


GIVEN = ["监测报告（终稿）.pdf", "a b'c\"d%.txt", "é.txt", "长" * 62 + ".txt"]


@pytest.mark.parametrize("name", GIVEN)
def test_names_that_people_give_are_taken(name: str) -> None:
    assert name_faults(name) == []


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "a\\b", "a\x00", "a\nb", "\u202egpj", "\ufffd.pdf", "长" * 67]
)
def test_names_that_are_none_are_refused(name: str) -> None:
    assert [one.code for one in name_faults(name)] == ["file-name-refused"]


def test_a_kind_that_the_plan_does_not_take_is_told_with_those_it_does() -> None:
    inspection = Inspection(FileClaim("a.txt", ""), EvidenceLimits(types=("pdf", "png")))
    inspection.feed(TEXT)
    with pytest.raises(InvalidInput) as refused:
        inspection.judged()
    assert [one.code for one in refused.value.faults] == ["file-type-not-taken"]
    assert "pdf, png" in refused.value.faults[0].detail.en


def a_piece(kind: str) -> dict[str, Any]:
    return {"id": "1", "file_name": "a", "type": kind, "size": 1, "sha256": "", "kept": False}


RULES: list[tuple[RequiredEvidence | None, list[str], bool]] = [
    (None, [], False),
    (RequiredEvidence(), [], True),
    (RequiredEvidence(), ["txt"], False),
    (RequiredEvidence(min_files=2), ["pdf"], True),
    (RequiredEvidence(types=("pdf",)), ["png", "txt"], True),
    (RequiredEvidence(types=("pdf", "ofd")), ["png", "ofd"], False),
]


@pytest.mark.parametrize(("rule", "kinds", "lacks"), RULES)
def test_a_rule_counts_the_kinds_that_it_names(
    rule: RequiredEvidence | None, kinds: list[str], lacks: bool
) -> None:
    faults = lacking(rule, [a_piece(one) for one in kinds], "/v1/x")
    assert bool(faults) is lacks
    assert all(one.code == "evidence-missing" and one.pointer == "/evidence" for one in faults)


@pytest.mark.parametrize("read", [lambda: None, list, lambda: "[]"])
def test_no_pieces_are_none_however_they_are_read(read: Callable[[], Any]) -> None:
    assert pieces_of(read()) == []


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_a_file_is_answered_by_its_own_name_and_text_as_bytes(kind: FileKind) -> None:
    own = MEDIA_TYPES[kind][0]
    answered = "application/octet-stream" if kind in {"csv", "txt"} else own
    assert answered_as(kind) == answered


def test_text_that_ends_within_a_character_is_none() -> None:
    reader = KindReader()
    reader.feed("指标".encode()[:-1])
    with pytest.raises(UnknownKind) as refused:
        reader.kind()
    assert refused.value.code == "file-type-unknown"


@pytest.mark.parametrize(
    "names",
    [
        ("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        ("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"),
    ],
)
def test_a_document_with_macros_is_refused(names: Sequence[str]) -> None:
    reader = KindReader()
    reader.feed(archive(*names))
    with pytest.raises(UnknownKind) as refused:
        reader.kind()
    assert refused.value.code == "file-with-macros"


@pytest.mark.parametrize(
    ("media_type", "agreed"),
    [
        ("", True),
        ("application/octet-stream", True),
        ("Binary/Octet-Stream; q=1", True),
        ("application/pdf", True),
        ("APPLICATION/PDF ; charset=binary; version=1", True),
        ("image/png", False),
        ("text/plain", False),
        (";", True),
    ],
)
def test_a_media_type_agrees_by_its_name_alone(media_type: str, *, agreed: bool) -> None:
    assert agrees("pdf", extension="pdf", media_type=media_type) == (True, agreed)
    assert agrees("pdf", extension="png", media_type=media_type) == (False, agreed)
    assert agrees("pdf", extension=None, media_type=media_type) == (True, agreed)


def _zip(**parts: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
        book.comment = b"made by hand " * 30
    return made.getvalue()


@pytest.mark.parametrize(
    "content", [archive(), _zip(), _zip(inner=archive("a")), archive("a"), _zip(a=b"", b=b"b")]
)
def test_an_archive_is_one_to_its_last_byte(content: bytes) -> None:
    assert judged(content, "a.zip", len(content)).kind == "zip"
    for cut in range(1, 18):
        reader = KindReader()
        reader.feed(content[:-cut])
        with pytest.raises(UnknownKind):
            reader.kind()
