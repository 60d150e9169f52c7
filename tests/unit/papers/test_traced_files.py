"""What the file of a paper carries of itself: whole, or told where it is not, whatever was done."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from docx import Document
from openpyxl import load_workbook

from services.core.kit.signatures import Signer
from services.core.papers.making import PaperContent
from services.core.papers.rendering import rendered
from services.core.papers.traced_files import PAPER, PURPOSE, SIGNATURE, PaperMark, read_paper
from tests.support.altered_zips import altered
from tests.support.planted import SEAL

SIGNER = Signer(SEAL, PURPOSE)
MARK = PaperMark("410183-2025", "bulletin", "2025", None, SIGNER, {"pdf": "a" * 64})
FIGURES: list[dict[str, Any]] = [
    {
        "number": number,
        "key": f"indicator/U0{number}",
        "label": "生活垃圾回收利用率",
        "shown": "40.65%",
        "facts": {"value": "40.65", "light": None},
        "period": "2025",
        "indicator": "U08",
        "rests_on": [],
    }
    for number in (1, 2)
]
CONTENT = {
    "title": "通报",
    "head": {
        "issuer": "示例",
        "year": 2025,
        "number": None,
        "status": None,
        "landscape": False,
    },
    "blocks": [
        {"kind": "title", "text": "通报"},
        {"kind": "paragraph", "indent": True, "runs": [["回收利用率为40.65%", 1]]},
        {"kind": "annex", "label": "附件1", "text": "指标表"},
        {
            "kind": "table",
            "columns": [["指标", 10, "left"], ["编号", 4, "center"]],
            "rows": [["回收利用率", "1"]],
            "marks": True,
        },
    ],
    "as_of": date(2025, 10, 20).isoformat(),
}
MADE = PaperContent(CONTENT, FIGURES, 12)
FORMS = ("docx", "xlsx")
Parts = dict[str, bytes]


def paper(form: str = "docx", mark: PaperMark = MARK) -> bytes:
    return rendered(MADE, form, mark).content or b""


def parts_of(content: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file


def faults(file: io.BytesIO, *trusted: bytes) -> list[tuple[str, str]]:
    return [(one.place, one.said.en) for one in read_paper(file, trusted).faults]


@pytest.mark.parametrize("form", FORMS)
def test_a_paper_carries_its_figures_and_is_the_same_byte_for_byte(form: str) -> None:
    content = paper(form)
    assert content == paper(form)
    read = read_paper(io.BytesIO(content), SIGNER.public_keys)
    assert read.faults == ()
    assert read.public_key == SIGNER.public_keys[0]
    assert (read.said["digest"], read.said["plan"]) == (MADE.digest, "410183-2025")
    assert [one.facts["value"] for one in read.figures.values()] == ["40.65", "40.65"]
    assert faults(packed(parts_of(content))) == [], "packed anew its parts are the same"


def test_office_programs_take_what_carries_a_trace_for_whole() -> None:
    words = [one.text for one in Document(io.BytesIO(paper("docx"))).paragraphs]
    assert "回收利用率为40.65%[1]" in words
    book = load_workbook(io.BytesIO(paper("xlsx")))
    assert book["数据溯源"]["C3"].value == "40.65%"


def _altered(name: str) -> Callable[[Parts], object]:
    return lambda parts: parts.update({name: parts[name].replace(b"40.65", b"45.65")})


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (_altered("word/document.xml"), [("word/document.xml", "it was altered")]),
        (
            lambda parts: parts.pop("word/styles.xml"),
            [("word/styles.xml", "it was there, and is not any more")],
        ),
        (lambda parts: parts.update({"word/vba.bin": b"x"}), [("word/vba.bin", "it was added")]),
        (lambda parts: parts.pop(SIGNATURE), [(SIGNATURE, "it was altered")]),
        (
            _altered(PAPER),
            [
                (PAPER, "what it says is not what the code printed in the paper is of"),
                (SIGNATURE, "the signature is not of what it says"),
            ],
        ),
        (lambda parts: parts.update({PAPER: b"[]"}), [(PAPER, "it was altered")]),
        (lambda parts: parts.update({PAPER: b"[" * 100_000}), [(PAPER, "it was altered")]),
    ],
)
def test_what_was_done_to_a_paper_is_told(
    done: Callable[[Parts], object], told: list[tuple[str, str]]
) -> None:
    parts = parts_of(paper())
    done(parts)
    assert faults(packed(parts)) == told


def test_who_alters_the_digest_too_has_not_the_key() -> None:
    parts = parts_of(paper())
    other = PaperContent(CONTENT, [{**one, "shown": "99%"} for one in FIGURES], 12)
    said = {**json.loads(parts[PAPER]), "figures": other.figures, "digest": other.digest}
    parts[PAPER] = json.dumps(said).encode()
    assert faults(packed(parts)) == [(SIGNATURE, "the signature is not of what it says")]
    forger = Signer(SEAL, "another purpose")
    signed = forger.sign(parts[PAPER])
    parts[SIGNATURE] = json.dumps(
        {"public_key": signed.public_key.hex(), "signature": signed.value.hex()}
    ).encode()
    assert faults(packed(parts)) == [], "by itself it is whole, and names the key"
    known = SIGNER.public_keys[0]
    assert faults(packed(parts), known) == [(SIGNATURE, "it is signed by another key")]
    parts[SIGNATURE] = b'{"public_key": null, "signature": null}'
    assert faults(packed(parts), known) == [(SIGNATURE, "it is not signed")]


def test_a_part_that_is_there_twice_is_told() -> None:
    file = packed(parts_of(paper()))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("word/document.xml", b"other")
    told = faults(file)
    assert ("word/document.xml", "it is there twice") in told


def test_without_a_key_nobody_signs_and_it_is_whole() -> None:
    plain = PaperMark("410183-2025", "bulletin", "2025", None)
    read = read_paper(io.BytesIO(paper("xlsx", plain)))
    assert (read.faults, read.public_key) == ((), None)


@pytest.mark.parametrize("end", [10, 2000, -30])
def test_a_file_that_was_cut_off_is_no_whole_file(end: int) -> None:
    assert faults(io.BytesIO(paper()[:end])) == [("ZIP", "it is no whole file")]


def test_whatever_was_done_to_the_archive_is_told_and_never_raised() -> None:
    for deed, content in altered(paper()):
        assert read_paper(io.BytesIO(content)).faults or deed.startswith("byte"), deed
