"""A series of packages in any order, lost, doubled, altered: told, and nothing is applied twice."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.packages.container import NotCarried
from services.core.packages.manifests import opened
from services.core.packages.series import SeriesStanding, SeriesVerdict, judge, package_faults
from tests.support.packages import a_series

SERIES = a_series(5, items=1)
OTHER = a_series(5, items=2)
"""Packages of the same numbers that somebody else made."""


class Receiver:
    """Takes in what comes next, and notes what it said of everything."""

    def __init__(self) -> None:
        self.standing = SeriesStanding()
        self.applied: dict[int, str] = {}
        self.said: list[SeriesVerdict | str] = []

    def hear(self, content: bytes) -> None:
        try:
            one = opened(content)
        except NotCarried:
            self.said.append("altered")
            return
        number = one.manifest.number
        judged = judge(one, self.standing, self.applied.get(number))
        self.said.append(judged.verdict)
        if judged.verdict == "next":
            assert number not in self.applied
            self.applied[number] = one.digest
            self.standing = SeriesStanding(number, one.digest)
        if judged.verdict == "gap":
            assert list(judged.missing) == list(range(self.standing.number + 1, number))


@given(st.permutations([*range(5), *range(5), *range(5)]), st.data())
def test_whatever_happens_on_the_way_nothing_is_applied_twice(
    order: Sequence[int], data: st.DataObject
) -> None:
    kept = order[: data.draw(st.integers(0, len(order)))]
    altered = data.draw(st.sets(st.integers(0, 14)))
    foreign = data.draw(st.sets(st.integers(0, 14)))
    receiver = Receiver()
    for turn, index in enumerate(kept):
        content = bytearray((OTHER if turn in foreign else SERIES)[index].content)
        if turn in altered:
            content[len(content) // 2] ^= 1
        receiver.hear(bytes(content))
    assert list(receiver.applied) == list(range(1, len(receiver.applied) + 1))
    chain = ["0" * 64, *receiver.applied.values()]
    known = {one.digest: one.manifest for one in [*SERIES, *OTHER]}
    for before, digest in pairwise(chain):
        assert known[digest].previous == before
    assert len(receiver.said) == len(kept)
    assert receiver.said.count("next") == len(receiver.applied)
    for turn, said in enumerate(receiver.said):
        assert (said == "altered") == (turn in altered)


def test_each_thing_that_may_happen_is_told_exactly() -> None:
    receiver = Receiver()
    for content in (
        SERIES[1].content,
        SERIES[0].content,
        SERIES[0].content,
        OTHER[0].content,
        OTHER[1].content,
        SERIES[3].content,
        SERIES[1].content,
    ):
        receiver.hear(content)
    assert receiver.said == ["gap", "next", "repeated", "replaced", "broken", "gap", "next"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"a": SERIES[0], "b": SERIES[1], "c": SERIES[2]}, []),
        ({"b": SERIES[2], "c": SERIES[3]}, []),
        ({"a": SERIES[0], "c": SERIES[2]}, [("2", "number 2 is missing")]),
        (
            {"a": SERIES[0], "b": SERIES[0]},
            [("b", "number 1 is here twice, the other one is a")],
        ),
        (
            {"a": SERIES[0], "b": OTHER[0]},
            [("b", "there are two different files of number 1, the other one is a")],
        ),
        (
            {"a": SERIES[0], "b": OTHER[1]},
            [("b", "number 2 does not follow number 1: the chain is broken")],
        ),
        (
            {"wufei_x_y_000003_20260101000000.zip": SERIES[0]},
            [
                (
                    "wufei_x_y_000003_20260101000000.zip",
                    "its name says number 3, and it is number 1: it was renamed",
                )
            ],
        ),
    ],
)
def test_files_that_lie_together_are_held_against_each_other(
    names: dict[str, object], told: list[tuple[str, str]]
) -> None:
    files = {name: opened(one.content) for name, one in names.items()}  # type: ignore[attr-defined]
    assert [(fault.place, fault.said.en) for fault in package_faults(files)] == told
