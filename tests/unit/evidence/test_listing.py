"""An archive of evidence held against its list: altered, missing, moved files are named."""

import csv
import io

import pytest

from services.core.evidence.archives.contents import LIST
from services.core.evidence.archives.listing import archive_faults, has_list
from tests.support.altered_zips import altered
from tests.unit.evidence.archives import NAMES, PARTS, RISKY_NAMES, an_archive, packed


def test_no_cell_of_its_list_is_a_formula_to_whatever_spreadsheet() -> None:
    cells = [
        cell for line in csv.reader(io.StringIO(PARTS[LIST].decode("utf-8-sig"))) for cell in line
    ]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r\n＝＋－＠")]
    assert {f"'{name}" for name in RISKY_NAMES} <= set(cells)


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
