"""The audit as a file: verified without a database, and no byte of it can be another."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core.audit import proving
from services.core.audit.canonical import ChainHead
from services.core.audit.errors import LinkNotThere
from services.core.audit.lines import NotAnExport, verify_lines
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from tests.integration.audit.conftest import CITY, LINKS, SIGNED, SIGNER, TRUSTED


async def export(database: Database, after: int = 0) -> list[bytes]:
    async with database.sessions() as session:
        begun = await proving.begin_file(session, CITY, after=after)
        content, at = begun.first, after
        while at < begun.head.number:
            more, at = await begun.lines(session, at)
            content += more
    return (content + begun.last(SIGNER, at=Clock.true_now())).splitlines(keepends=True)


@pytest.fixture(scope="module")
async def file(shared: Database) -> Sequence[bytes]:
    return await export(shared)


FIRST_ROW = 2
"""Before it stand the first line and the signed head."""


def told(lines: Sequence[bytes], **more: Any) -> tuple[Any, Any]:
    _, breach = verify_lines(lines, trusted=TRUSTED, **more)
    assert breach is not None, "nothing was found"
    return breach.kind, breach.number


def test_an_untouched_file_is_whole(file: Sequence[bytes]) -> None:
    chain, breach = verify_lines(file, trusted=TRUSTED)
    assert breach is None
    assert (chain.number, chain.signed, len(file)) == (LINKS, 2, LINKS + FIRST_ROW + 1)
    assert verify_lines(file, trusted=frozenset({bytes(32)}))[1] is not None
    assert told(file, noted=[ChainHead(LINKS + 1, bytes(32))]) == ("cut", LINKS + 1)


def test_a_file_whose_signatures_are_taken_off_is_not_whole(file: Sequence[bytes]) -> None:
    heads = [1, len(file) - 1]
    for gone, found in (
        ([1], None),
        ([len(file) - 1], ("unsigned", LINKS)),
        (heads, ("unsigned", LINKS)),
    ):
        lines = [without_signature(one) if at in gone else one for at, one in enumerate(file)]
        _, breach = verify_lines(lines, trusted=TRUSTED)
        assert (breach and (breach.kind, breach.number)) == found, gone
        assert verify_lines(lines)[1] is None, "nobody is trusted to have signed it"


def without_signature(line: bytes) -> bytes:
    """Return the line of a head as one that nobody signed has it."""
    said = json.loads(line)
    (head,) = said.values()
    head["signature"] = head["public_key"] = None
    return json.dumps(said).encode() + b"\n"


async def test_a_file_goes_on_where_the_last_one_ended(
    shared: Database, file: Sequence[bytes]
) -> None:
    rest = await export(shared, after=SIGNED + 2)
    chain, breach = verify_lines(rest, trusted=TRUSTED)
    assert (breach, chain.number) == (None, LINKS)
    assert rest[1:-1] == list(file[FIRST_ROW + SIGNED + 2 : -1])
    with pytest.raises(LinkNotThere):
        await export(shared, after=LINKS + 1)


@settings(max_examples=400)
@given(data=st.data())
def test_any_byte_of_any_line_that_is_another_is_named(
    file: Sequence[bytes], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(file) - 1))
    line = bytearray(file[at])
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[place]))
    lines = b"".join([*file[:at], bytes(line), *file[at + 1 :]]).splitlines(keepends=True)
    try:
        _, breach = verify_lines(lines, trusted=TRUSTED)
    except NotAnExport:
        assert at == 0
        return
    assert breach is not None
    if FIRST_ROW <= at < FIRST_ROW + LINKS and bytes(line).endswith(b"\n"):
        assert breach.number == at - FIRST_ROW + 1 or breach.kind in {"added", "swapped", "removed"}


def test_a_byte_of_an_id_that_makes_it_none_is_named(file: Sequence[bytes]) -> None:
    line = bytearray(file[FIRST_ROW])
    place = line.index(b'"id": "') + len(b'"id": "') + 8
    assert line[place : place + 1] == b"-"
    for other in b"0f-":
        line[place] = other
        lines = [*file[:FIRST_ROW], bytes(line), *file[FIRST_ROW + 1 :]]
        breach = verify_lines(lines, trusted=TRUSTED)[1]
        assert (breach is None) is (other == ord("-"))


def test_lines_that_are_gone_added_or_swapped_are_named(file: Sequence[bytes]) -> None:
    head, rows, end = file[:FIRST_ROW], list(file[FIRST_ROW:-1]), file[-1:]
    assert told([*head, *rows[:3], *rows[4:], *end]) == ("removed", 4)
    assert told([*head, *rows[:3], rows[2], *rows[3:], *end]) == ("added", 3)
    assert told([*head, *rows[:3], rows[4], rows[3], *rows[5:], *end]) == ("swapped", 4)
    assert told([*head, *rows[:-1], *end])[0] == "cut"
    assert told([*head, *rows[: SIGNED - 1]]) == ("cut", SIGNED)
    assert told([*head, *rows]) == ("cut", LINKS + 1)
    assert told([*file, file[-1]])[0] == "added"
    assert told([file[0], *file[FIRST_ROW:-1]])[0] == "cut"


def test_what_is_no_export_is_said_to_be_none() -> None:
    for lines in ([], [b"{}\n"], [b"\xff\n"], [b"[]\n"]):
        with pytest.raises(NotAnExport):
            verify_lines(lines)
