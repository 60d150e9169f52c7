"""Lines of a file against the digests that they had."""

import pytest

from services.core.kit.file_faults import item_faults, sha256

LINES = [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (LINES, []),
        ([b"a", b"b", b"x"], ["line:3 item 3 was altered"]),
        ([b"x", b"b", b"c"], ["line:1 item 1 was altered"]),
        ([b"a", b"b"], ["line:3 item 3 is missing"]),
        ([b"a", b"c"], ["line:2 item 2 is missing"]),
        ([], [f"line:{number} item {number} is missing" for number in (1, 2, 3)]),
        (
            [b"b", b"a", b"c"],
            [
                "line:1 item 1 is not in its place: here stands item 2",
                "line:2 item 2 is not in its place: here stands item 1",
            ],
        ),
        ([*LINES, b"d"], ["line:4 item 4 was added"]),
    ],
)
def test_each_line_that_is_not_as_it_was_is_told(lines: list[bytes], told: list[str]) -> None:
    found = item_faults(lines, [sha256(one) for one in LINES], part="line")
    assert [f"{one.place} {one.said.en}" for one in found] == told
