"""A shown figure never contradicts its verdict: values, scores and paces alike."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.core.kit.decimals import plain
from services.core.scoring.aggregation import Operands
from services.core.scoring.figures import Figure, beside, compare
from tests.unit.scoring.builders import (
    a_baseline,
    a_ratio,
    a_scheme,
    a_state,
    a_target,
    a_value,
    an_indicator,
    draw,
    judged,
)


@pytest.mark.parametrize(
    ("kind", "bound", "value", "shown"),
    [
        ("at_least", 40, "39.996", "39.996"),
        ("at_least", 40, "40.004", "40.00"),
        ("more_than", 40, "40.004", "40.004"),
        ("more_than", 40, "40", "40.00"),
        ("at_most", 23, "23.001", "23.001"),
        ("negative_growth", None, "-0.001", "-0.001"),
        ("negative_growth", None, "0.001", "0.00"),
        ("negative_growth", None, "-0", "0.00"),
        ("at_least", 40, "-0.001", "0.00"),
    ],
)
def test_a_value_is_shown_on_the_side_of_its_target_where_it_is(
    kind: str, bound: object, value: str, shown: str
) -> None:
    row = judged(an_indicator(targets=[a_target(kind, bound)]), a_value(value))
    assert row["display"] == shown


def test_a_value_is_shown_on_the_side_of_its_baseline_where_it_is() -> None:
    row = judged(an_indicator(baseline=a_baseline(90)), a_value("89.999", "2023"), period="2023")
    assert (row["reason_code"], row["display"]) == ("worse_than_baseline", "89.999")


def test_a_rise_is_shown() -> None:
    rising = an_indicator(targets=[a_target("rising", None)])
    row = judged(rising, [a_value("7.001"), a_value(7, "2024")])
    assert (row["met"], row["display"]) == (True, "7.001")


@pytest.mark.parametrize("conditions", [False, True])
@pytest.mark.parametrize(
    ("kind", "value", "met", "shown"),
    [
        ("not_worse", "39.996", False, "39.996"),
        ("not_worse", "40", True, "40.00"),
        ("not_worse", "40.004", True, "40.004"),
        ("falling", "39.996", True, "39.996"),
        ("falling", "40", False, "40.00"),
        ("falling", "40.004", False, "40.004"),
        ("rising", "40.004", True, "40.004"),
    ],
)
def test_a_value_is_shown_on_the_side_of_the_earlier_one_where_it_is(
    kind: str, value: str, met: bool, shown: str, conditions: bool
) -> None:
    target = a_target(kind, None)
    if conditions:
        asked = [{"kind": kind}, {"kind": "at_least", "value": 1}]
        target = a_target("all_of", None) | {"conditions": asked}
    changes = {"direction": "lower_better"} if kind == "falling" and not conditions else {}
    row = judged(an_indicator(targets=[target], **changes), [a_value(value), a_value(40, "2024")])
    assert (row["met"], row["display"]) == (met, shown)


def test_a_fraction_next_to_its_target_is_not_shown_as_the_target() -> None:
    close = a_ratio("39999999999999999999999999", "1000000000000000000000000")
    row = judged(an_indicator(targets=[a_target(value=40)]), close)
    assert row["met"] is False
    assert Decimal(row["display"]) < 40
    closer = Operands("2025", 3, values=3, value_sum=Decimal("119.9999999999999999999999"))
    mean: dict[str, Any] = {"aggregation": {"units": "mean", "periods": "last"}}
    row = judged(an_indicator(targets=[a_target(value=40)], **mean), closer)
    assert row["met"] is False
    assert Decimal(row["display"]) < 40


@pytest.mark.parametrize(
    ("score", "shown", "grade"),
    [("89.996", "89.996", "良好"), ("90", "90.00", "优秀"), ("59.9999", "59.9999", "不合格")],
)
def test_a_score_is_never_shown_in_a_band_that_it_does_not_reach(
    score: str, shown: str, grade: str
) -> None:
    indicator = an_indicator(selection="optional", targets=[a_target(value=100)])
    overall = draw(a_state(indicator), {"R01": a_value(score)})["overall"]
    assert (overall["display"], overall["grade_name"]) == (shown, grade)


def test_bounds_are_said_with_all_their_places() -> None:
    scheme = a_scheme(lights={"green_pace": "0.995", "yellow_pace": "0.7999"})
    indicator = an_indicator(targets=[a_target(value=300)], baseline=a_baseline(0))
    row = judged(indicator, a_value("90", "2023"), period="2023", scheme=scheme)
    assert row["reason"] == "进度 0.90，低于 0.995，不低于 0.7999"
    gate = a_scheme()["gate"] | {"minimum_coverage": "0.605"}
    board = draw(a_state(an_indicator("A"), an_indicator("B"), scheme=a_scheme(gate=gate)),
                 {"A": a_value(99)})  # fmt: skip
    assert "0.605" in board["overall"]["gate"]["reasons"][0]["reason"]


TOPS = st.decimals(-100, 100, places=22)


def test_what_equals_a_bound_of_more_places_is_not_rounded_off_it() -> None:
    figure = Figure(Decimal("2E-22"), Decimal(2))
    assert beside(figure, [Figure(Decimal("1E-22"))]) == Decimal("1E-22")


@given(TOPS, st.integers(1, 9), TOPS)
@example(Decimal(0), 1, Decimal("1E-22"))
@example(Decimal("5E-22"), 2, Decimal("1E-22"))
@example(Decimal("-5E-22"), 2, Decimal("-1E-22"))
@example(Decimal("3E-22"), 3, Decimal("1E-22"))
@example(Decimal("1E-22"), 3, Decimal(0))
def test_a_number_beside_its_bound_is_on_the_side_of_the_exact_one(
    top: Decimal, bottom: int, bound: Decimal
) -> None:
    figure = Figure(top, Decimal(bottom))
    number = beside(figure, [Figure(bound)])
    order = compare(figure, bound)
    assert (number > bound) - (number < bound) == order, plain(number)


def test_a_number_between_two_near_bounds_is_between_them() -> None:
    low, high = Decimal("1E-22"), Decimal("3E-22")
    assert low < beside(Figure(Decimal("4E-22"), Decimal(2)), [Figure(low), Figure(high)]) < high
    assert low < beside(Figure(Decimal("4E-22"), Decimal(2)), [Figure(high), Figure(low)]) < high
