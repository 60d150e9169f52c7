"""Numbered files: what is lost, doubled, replaced, renamed or unchained."""

import re

import pytest

from services.core.kit.file_series import NOTHING_BEFORE, NumberedFile, series_faults

NAME = re.compile(r"-(\d+)\.")


def _file(number: int, *, previous: str | None = None, digest: str = "") -> NumberedFile:
    return NumberedFile(("s",), number, digest or f"d{number}", previous)


def _chained(*numbers: int) -> dict[str, NumberedFile]:
    before = {1: NOTHING_BEFORE}
    return {f"f-{one}.json": _file(one, previous=before.get(one, f"d{one - 1}")) for one in numbers}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (_chained(1, 2, 3), []),
        (_chained(3, 4), []),
        (_chained(1, 4), ["2: number 2 is missing", "3: number 3 is missing"]),
        (
            {**_chained(1, 3), "f-4.json": _file(4, previous="other")},
            [
                "2: number 2 is missing",
                "f-4.json: number 4 does not follow number 3: the chain is broken",
            ],
        ),
        (
            {"f-1.json": _file(1, previous="d0")},
            ["f-1.json: number 1 does not follow number 0: the chain is broken"],
        ),
        ({"f-1.json": _file(1), "f-2.json": _file(2)}, []),
        (
            {"a-1.json": _file(1), "b-1.json": _file(1)},
            ["b-1.json: number 1 is here twice, the other one is a-1.json"],
        ),
        (
            {"a-1.json": _file(1), "b-1.json": _file(1, digest="x")},
            ["b-1.json: there are two different files of number 1, the other one is a-1.json"],
        ),
        (
            {"f-2.json": _file(1)},
            ["f-2.json: its name says number 2, and it is number 1: it was renamed"],
        ),
        ({"f.json": _file(1)}, []),
    ],
)
def test_what_is_wrong_between_files_is_told(
    files: dict[str, NumberedFile], told: list[str]
) -> None:
    assert [f"{one.place}: {one.said.en}" for one in series_faults(files, NAME)] == told
