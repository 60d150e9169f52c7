"""Dropped files by themselves: no byte can be another, and the first faulty event is named."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.drops.drop_lines import (
    PURPOSE,
    DropCover,
    drop_faults,
    drop_file,
    name_of,
    read_drop,
)
from services.core.kit.file_series import NOTHING_BEFORE, NumberedFile
from services.core.kit.sealing import Seal
from services.core.kit.signatures import Signer

SIGNER = Signer(Seal([b"k" * 32]), PURPOSE)
BODIES = [b'{"type": "period.opened", "n": %d}' % one for one in range(4)]


def files(number: int) -> dict[str, bytes]:
    """Return so many files that follow each other, by name."""
    made: dict[str, bytes] = {}
    previous = NOTHING_BEFORE
    for one in range(1, number + 1):
        at = datetime(2026, 1, one, tzinfo=UTC)
        cover = DropCover("exchange", one, previous, one * 4, one * 4 + 4, at)
        previous, made[name_of(one)] = drop_file(cover, BODIES, SIGNER)
    return made


CONTENT = files(1)[name_of(1)]


def changed(change: Callable[[list[bytes]], list[bytes]]) -> list[tuple[str, str]]:
    """Return what is told once the lines of the events are others."""
    lines = CONTENT.splitlines(keepends=True)
    content = b"".join([lines[0], *change(lines[1:-1]), lines[-1]])
    return [(one.place, one.said.en) for one in read_drop(content).faults]


def test_what_was_made_is_good_and_names_who_signed_it() -> None:
    read = read_drop(CONTENT, SIGNER.public_keys)
    assert (list(read.faults), read.events, read.public_key) == ([], 4, SIGNER.public_keys[0])
    assert read_drop(CONTENT, [b"o" * 32]).faults, "another key is trusted"
    cover = DropCover("x", 1, NOTHING_BEFORE, 0, 4, datetime(2026, 1, 1, tzinfo=UTC))
    _, unsigned = drop_file(cover, BODIES, None)
    assert not read_drop(unsigned).faults
    assert read_drop(unsigned, SIGNER.public_keys).faults


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_no_byte_can_be_another(at: int, by: int) -> None:
    altered = bytearray(CONTENT)
    altered[at] ^= by
    assert read_drop(bytes(altered)).faults


@given(st.integers(0, len(CONTENT) - 1))
def test_a_file_that_is_cut_off_is_told(length: int) -> None:
    assert read_drop(CONTENT[:length]).faults


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda lines: [lines[0], b"{}\n", *lines[2:]],
            [("event:2", "item 2 was altered")],
        ),
        (lambda lines: [lines[0], *lines[2:]], [("event:2", "item 2 is missing")]),
        (
            lambda lines: [lines[0], lines[2], lines[1], lines[3]],
            [
                ("event:2", "item 2 is not in its place: here stands item 3"),
                ("event:3", "item 3 is not in its place: here stands item 2"),
            ],
        ),
        (lambda lines: [*lines, b"{}\n"], [("event:5", "item 5 was added")]),
    ],
)
def test_the_first_faulty_event_is_named(
    change: Callable[[list[bytes]], list[bytes]], told: list[tuple[str, str]]
) -> None:
    assert changed(change)[: len(told)] == told


def test_files_that_lie_together_are_held_against_each_other() -> None:
    made = files(4)
    read = {name: read_drop(content).numbered for name, content in made.items()}
    known = {name: one for name, one in read.items() if one is not None}
    assert len(known) == 4
    assert told(known) == []
    lost = {name: one for name, one in known.items() if name != name_of(2)}
    assert told(lost) == ["number 2 is missing"]
    renamed = {**known, name_of(9): known[name_of(4)]}
    del renamed[name_of(4)]
    assert told(renamed) == ["its name says number 9, and it is number 4: it was renamed"]
    other = NumberedFile(("exchange",), 3, "a" * 64, "b" * 64)
    assert told({**known, name_of(3): other}) == [
        "number 3 does not follow number 2: the chain is broken",
        "number 4 does not follow number 3: the chain is broken",
    ]


def told(known: dict[str, NumberedFile]) -> list[str]:
    return [one.said.en for one in drop_faults(known)]
