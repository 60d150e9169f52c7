"""Points by the kind of an item: the vectors of the field, and what holds whatever was found."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.assessments.points import ItemFound, points_of
from services.core.plan.sheet_entries import SheetItem


def item(kind: str, full: str, **members: Any) -> SheetItem:
    return SheetItem.model_validate(
        {"code": "1", "name": "项", "kind": kind, "full": full, **members}
    )


def points(scored: SheetItem, **found: Any) -> Decimal:
    return points_of(scored, ItemFound(**found)).points


ORGANISED = item(
    "missing",
    "5",
    elements=[
        {"code": "plan", "name": "方案", "points": "5"},
        {"code": "funds", "name": "经费", "points": "3"},
        {"code": "person", "name": "专人", "points": "2"},
    ],
)
SPOTS = item("occurrences", "10", points="2")
SHOPS = item("sampled", "5", points="0.5", sample_size=10)
CASES = item("quota", "0", lowest="-20", quota=6, points="1", key_points="5")
RATE = item("zero_if", "8", least="95")
ROUTES = item(
    "bands",
    "3",
    routes=[
        {
            "code": "level",
            "name": "水平",
            "bands": [{"least": "30", "points": "3"}, {"least": "20", "points": "1"}],
        },
        {"code": "growth", "name": "增幅", "bands": [{"least": "10", "points": "3"}]},
    ],
)
PACE = item(
    "linear",
    "10",
    line={"full_at": "0.5", "zero_at": "1"},
    shrinking={"full_at": "2", "zero_at": "1"},
)
AWARDS = item("bonus", "5", points="2")
AGAIN = item("repeat", "10", more="1", elements=[{"code": "litter", "name": "垃圾", "points": "2"}])
MEAN = item(
    "bands",
    "10",
    way="questionnaire",
    routes=[
        {
            "code": "mean",
            "name": "平均分",
            "bands": [{"least": "90", "points": "10"}, {"least": "80", "points": "8"}],
        }
    ],
)
EVERY = [ORGANISED, SPOTS, SHOPS, CASES, RATE, ROUTES, PACE, AWARDS, AGAIN, MEAN]


@pytest.mark.parametrize(
    ("scored", "found", "expected"),
    [
        (ORGANISED, {"missing": ("funds", "person")}, "0"),
        (ORGANISED, {"missing": ("person",)}, "3"),
        (ORGANISED, {"missing": ("plan", "funds", "person")}, "0"),
        (SPOTS, {"count": 13}, "0"),
        (SPOTS, {"count": 4}, "2"),
        (SPOTS, {"count": 0}, "10"),
        (SHOPS, {"count": 3}, "3.5"),
        (CASES, {"count": 8, "key_count": 1}, "-6"),
        (CASES, {"count": 6}, "0"),
        (CASES, {"count": 8}, "-2"),
        (CASES, {"count": 3, "key_count": 1}, "-5"),
        (CASES, {"count": 99, "key_count": 9}, "-20"),
        (RATE, {"value": Decimal("94.99")}, "0"),
        (RATE, {"value": Decimal(95)}, "8"),
        (ROUTES, {"figures": {"level": Decimal(30), "growth": Decimal(0)}}, "3"),
        (ROUTES, {"figures": {"level": Decimal(5), "growth": Decimal(10)}}, "3"),
        (ROUTES, {"figures": {"level": Decimal(25), "growth": Decimal("9.9")}}, "1"),
        (ROUTES, {"figures": {"level": Decimal("19.99")}}, "0"),
        (PACE, {"value": Decimal("0.75"), "change": Decimal(3)}, "5"),
        (PACE, {"value": Decimal("0.5"), "change": Decimal(3)}, "10"),
        (PACE, {"value": Decimal("0.2"), "change": Decimal(3)}, "10"),
        (PACE, {"value": Decimal(1), "change": Decimal(3)}, "0"),
        (PACE, {"value": Decimal("1.5"), "change": Decimal(-3)}, "5"),
        (PACE, {"value": Decimal(2), "change": Decimal(-3)}, "10"),
        (PACE, {"value": Decimal("0.9"), "change": Decimal(-3)}, "0"),
        (PACE, {"value": Decimal("0.75"), "change": Decimal(0)}, "5"),
        (AWARDS, {"count": 2}, "4"),
        (AWARDS, {"count": 7}, "5"),
        (AGAIN, {"counts": {"litter": 1}}, "8"),
        (AGAIN, {"counts": {"litter": 2}}, "5"),
        (AGAIN, {"counts": {}}, "10"),
        (MEAN, {"figures": {"mean": Decimal(90)}}, "10"),
        (MEAN, {"figures": {"mean": Decimal("89.99")}}, "8"),
    ],
)
def test_a_finding_gives_the_points_of_its_rule(
    scored: SheetItem, found: dict[str, Any], expected: str
) -> None:
    assert points(scored, **found) == Decimal(expected)


def test_a_third_is_told_to_twenty_places_and_nothing_is_rounded_before() -> None:
    third = item("linear", "1", line={"full_at": "3", "zero_at": "0"})
    assert str(points(third, value=Decimal(1))) == "0.33333333333333333333"
    long = item("occurrences", "1" + "0" * 30, points="0.0000000001")
    assert points(long, count=1) == Decimal("9" * 30 + "." + "9" * 10)


def test_a_circumstance_takes_the_whole_item_and_gives_nothing_back() -> None:
    false = [{"code": "false", "name": "弄虚作假"}]
    whole = item("occurrences", "10", points="2", zero_causes=false)
    assert points(whole, count=1, zeroed_by=("false",)) == 0
    deep = item("occurrences", "10", points="2", lowest="-5", zero_causes=false)
    assert points(deep, count=7, zeroed_by=("false",)) == -4, "what faults took stays taken"


def test_the_words_tell_how_points_came_about() -> None:
    told = points_of(ORGANISED, ItemFound(missing=("funds", "person"))).words
    assert told.zh == "5 分：缺经费 −3，缺专人 −2，得 0 分"
    assert told.en == "5: without 经费 −3, without 专人 −2; 0 left"
    assert points_of(SPOTS, ItemFound(count=13)).words.zh == "10 分：13 处 −26，得 0 分（扣完为止）"
    assert points_of(SPOTS, ItemFound()).words.en == "Nothing deducted: 10"


counts = st.integers(0, 1_000_000)
numbers = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6
)


@st.composite
def found_of(draw: st.DrawFn) -> ItemFound:
    count = draw(counts)
    return ItemFound(
        missing=tuple(draw(st.sets(st.sampled_from(["plan", "funds", "person"])))),
        count=count,
        key_count=draw(st.integers(0, count)),
        counts={"litter": draw(counts)},
        value=draw(numbers),
        change=draw(numbers),
        figures={"level": draw(numbers), "growth": draw(numbers), "mean": draw(numbers)},
    )


@given(st.sampled_from(EVERY), found_of())
def test_points_lie_between_the_lowest_and_the_full(scored: SheetItem, found: ItemFound) -> None:
    assert scored.lowest <= points_of(scored, found).points <= scored.full


@given(st.sampled_from([SPOTS, SHOPS, CASES]), counts, counts)
def test_more_faults_never_give_more_points(scored: SheetItem, some: int, more: int) -> None:
    assert points(scored, count=some + more) <= points(scored, count=some)


@given(counts, counts, counts)
def test_a_case_that_is_a_key_one_never_costs_less(ordinary: int, keys: int, more: int) -> None:
    count = ordinary + keys + more
    assert points(CASES, count=count, key_count=keys + more) <= points(
        CASES, count=count, key_count=keys
    )


@given(
    st.sets(st.sampled_from(["plan", "funds", "person"])),
    st.sampled_from(["plan", "funds", "person"]),
)
def test_one_more_missing_never_gives_more(missing: set[str], more: str) -> None:
    assert points(ORGANISED, missing=(*missing - {more}, more)) <= points(
        ORGANISED, missing=tuple(missing - {more})
    )


@given(counts, counts)
def test_a_fault_found_again_never_gives_more(some: int, more: int) -> None:
    assert points(AGAIN, counts={"litter": some + more}) <= points(AGAIN, counts={"litter": some})


@given(counts, counts)
def test_more_pieces_never_give_less(some: int, more: int) -> None:
    assert points(AWARDS, count=some + more) >= points(AWARDS, count=some)


@given(numbers, numbers, numbers)
def test_a_better_figure_never_gives_less(one: Decimal, other: Decimal, beside: Decimal) -> None:
    worse, better = sorted([one, other])
    for route in ("level", "growth"):
        rest = {"level": beside, "growth": beside}
        assert points(ROUTES, figures={**rest, route: worse}) <= points(
            ROUTES, figures={**rest, route: better}
        )
    assert points(RATE, value=worse) <= points(RATE, value=better)
    assert points(PACE, value=worse, change=Decimal(1)) >= points(
        PACE, value=better, change=Decimal(1)
    )
    assert points(PACE, value=worse, change=Decimal(-1)) <= points(
        PACE, value=better, change=Decimal(-1)
    )
