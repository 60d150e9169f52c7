"""An archive of evidence held against its list: altered, missing, moved files are named."""

import csv
import io
import zipfile
from datetime import UTC, datetime

import pytest

from services.core.evidence.archives.contents import LIST, ArchiveWriter
from services.core.evidence.archives.listing import archive_faults, has_list
from services.core.evidence.models import Evidence
from services.core.kit.file_faults import sha256
from services.core.kit.ids import new_id
from services.core.kit.sm3 import sm3
from services.core.plan.state import PlanState
from tests.support.altered_zips import altered
from tests.support.api import xinmi

AT = datetime(2026, 1, 5, tzinfo=UTC)
CONTENTS = [b"first", b"second", b"third"]
RISKY_NAMES = ["=1.pdf", '＝HYPERLINK("httpx").txt', "＠sum.pdf"]


def an_archive() -> dict[str, bytes]:
    """Return the parts of an archive as the worker makes it."""
    writer = ArchiveWriter(PlanState("410183", "410183-2025", 1, xinmi(), {}, {}, {}))
    for content, name in zip(CONTENTS, RISKY_NAMES, strict=True):
        row = Evidence(
            city_code="410183",
            id=new_id(),
            subject_kind="submission",
            subject_id=str(new_id()),
            organization_code="UN01",
            indicator_code="R01",
            period="2025",
            file_name=name,
            size=len(content),
            sha256=sha256(content),
            sm3=sm3(content).hex(),
            added_at=AT,
        )
        with writer.begin(row) as entry:
            entry.write(content)
    lost = Evidence(
        city_code="410183",
        id=new_id(),
        subject_kind="submission",
        subject_id="x",
        file_name="lost.pdf",
        size=1,
        sha256="0" * 64,
        sm3="0" * 64,
        added_at=AT,
    )
    writer.lacks(lost)
    writer.hold("＋1/index.txt", b"beside", AT)
    writer.end(AT)
    with zipfile.ZipFile(io.BytesIO(writer.ready())) as made:
        return {name: made.read(name) for name in made.namelist()}


PARTS = an_archive()
NAMES = [name for name in PARTS if name != LIST]


def test_no_cell_of_its_list_is_a_formula_to_whatever_spreadsheet() -> None:
    cells = [
        cell for line in csv.reader(io.StringIO(PARTS[LIST].decode("utf-8-sig"))) for cell in line
    ]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r\n＝＋－＠")]
    assert {f"'{name}" for name in RISKY_NAMES} <= set(cells)


def packed(parts: dict[str, bytes]) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for name, content in parts.items():
            out.writestr(name, content)
    made.seek(0)
    return made


def told(parts: dict[str, bytes]) -> list[tuple[str, str]]:
    return [(one.place, one.said.en) for one in archive_faults(packed(parts))[1]]


def test_an_archive_as_it_was_made_is_whole() -> None:
    assert has_list(packed(PARTS))
    assert archive_faults(packed(PARTS)) == (4, [])


def test_the_first_faulty_file_is_named() -> None:
    assert told({**PARTS, NAMES[1]: b"other"}) == [(NAMES[1], "it was altered")]
    lacking = {name: one for name, one in PARTS.items() if name != NAMES[1]}
    assert told(lacking) == [(NAMES[1], "it is listed, and not there")]
    assert told({**PARTS, "more": b""}) == [("more", "it is not listed")]
    order = [NAMES[0], NAMES[2], NAMES[1], *NAMES[3:], LIST]
    assert told({name: PARTS[name] for name in order}) == [(NAMES[2], "it is not in its place")]


@pytest.mark.parametrize("content", [b"", b"no list", b"\xff"])
def test_a_list_that_cannot_be_read_is_told(content: bytes) -> None:
    assert told({**PARTS, LIST: content})[0][0] == LIST


def test_what_is_no_zip_is_none() -> None:
    assert not has_list(io.BytesIO(b"nothing"))
    assert archive_faults(io.BytesIO(b"nothing"))[1][0].place == "ZIP"


def test_an_altered_byte_of_a_file_is_told() -> None:
    content = bytearray(packed(PARTS).getvalue())
    content[content.index(b"second")] ^= 1
    ((place, said),) = [
        (one.place, one.said.en) for one in archive_faults(io.BytesIO(bytes(content)))[1]
    ]
    assert (place, said) == (NAMES[1], "it was altered")


def test_whatever_was_done_to_the_archive_is_told_and_never_raised() -> None:
    for deed, content in altered(packed(an_archive()).getvalue()):
        _, faults = archive_faults(io.BytesIO(content))
        assert faults or deed.startswith("byte"), deed


def test_a_list_of_endless_words_is_told() -> None:
    endless = b"\xef\xbb\xbf" + b"x" * 200_000 + b"\r\n"
    assert [place for place, _ in told(an_archive() | {LIST: endless})] == [LIST]
