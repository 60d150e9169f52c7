"""What decides the light where several conditions or both ends of a range are judged."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.core.scoring.attainment import Attainment
from services.core.scoring.figures import Figure
from services.core.scoring.kinds import Found, Ground, judge_number
from services.core.scoring.targets import Asked, Target

D = Decimal
HALFWAY = Ground(
    figure=Figure(D(20)),
    baseline=D(10),
    previous=Figure(D(30)),
    growth_is_positive=True,
    lower_better=False,
    scheme="completion-rate",
    elapsed=12,
    whole=24,
)


def judged(kind: Any, *conditions: tuple[str, int | None], ground: Ground = HALFWAY) -> Found | str:
    asked = tuple(
        Asked(one, None if value is None else D(value))  # type: ignore[arg-type]
        for one, value in conditions
    )
    return judge_number(Target(2025, kind, None, None, conditions=asked), ground)


def of(found: Found | str) -> dict[str, Any]:
    assert isinstance(found, Found)
    return {
        "met": found.attainment.met,
        "numeric": found.numeric,
        "hold": found.hold,
        "worse": found.worse,
        "beyond": found.beyond,
        "pace": None if found.pace is None else found.pace.ratio.value,
    }


@pytest.mark.parametrize(
    ("kind", "conditions", "expected"),
    [
        # Share 10 of 30 against half the time, and 10 of 50.
        ("all_of", [("at_least", 40), ("at_least", 60)], {"numeric": True, "pace": D("0.4")}),
        ("any_of", [("at_least", 60), ("at_least", 40)],
         {"numeric": True, "pace": D("0.66666666666666666667")}),
        ("all_of", [("at_least", 40), ("rising", None)], {"numeric": True, "pace": None}),
        ("any_of", [("at_least", 40), ("rising", None)],
         {"numeric": True, "pace": D("0.66666666666666666667")}),
        ("all_of", [("rising", None), ("not_worse", None)], {"numeric": False, "pace": None}),
        ("any_of", [("rising", None), ("not_worse", None)], {"numeric": False, "pace": None}),
        # The baseline of 10 already keeps within 15, which is to be held.
        ("all_of", [("at_most", 15), ("at_least", 40)],
         {"numeric": True, "hold": True, "worse": True, "pace": None}),
        ("any_of", [("at_most", 15), ("at_least", 40)],
         {"numeric": True, "pace": D("0.66666666666666666667")}),
        ("any_of", [("at_most", 15), ("less_than", 12)],
         {"numeric": True, "hold": True, "worse": True, "pace": None}),
        ("all_of", [("at_most", 5), ("rising", None)],
         {"numeric": True, "worse": True, "pace": None}),
        ("any_of", [("at_most", 5), ("rising", None)],
         {"numeric": True, "worse": True, "pace": D(-4)}),
    ],
)  # fmt: skip
def test_conditions_that_fail_decide_together(
    kind: str, conditions: list[tuple[str, int | None]], expected: dict[str, Any]
) -> None:
    nothing = {"met": False, "hold": False, "worse": False, "beyond": False}
    assert of(judged(kind, *conditions)) == {**nothing, **expected}


def test_of_conditions_that_are_met_the_first_one_speaks() -> None:
    met = judged("all_of", ("at_least", 15), ("at_least", 20))
    assert met == judge_number(Target(2025, "at_least", D(15), None), HALFWAY)
    unknown = replace(HALFWAY, previous=None)
    assert judged("all_of", ("at_least", 20), ("rising", None), ground=unknown) == (
        "no_previous_period"
    )


def a_range(value: object, baseline: int | None, low: int = 0, high: int = 0) -> Found:
    ground = replace(
        HALFWAY,
        figure=Figure(D(str(value))),
        baseline=None if baseline is None else D(baseline),
    )
    found = judge_number(Target(2025, "between", D(low), None, upper=D(high)), ground)
    assert isinstance(found, Found)
    return found


@pytest.mark.parametrize(
    ("value", "baseline", "beyond"),
    [
        (2, 1, False),
        (6, 1, True),
        (6, 3, False),
        (6, 4, False),
        (6, 5, False),
        (6, 9, False),
        (1, 9, True),
        (1, 6, True),
        (6, 2, True),
        (1, 5, False),
        (1, 4, False),
        (2, None, False),
        (6, None, False),
    ],
)
def test_whoever_came_from_one_side_and_left_by_the_other_is_beyond(
    value: int, baseline: int | None, *, beyond: bool
) -> None:
    found = a_range(value, baseline, 3, 5)
    assert (found.beyond, found.numeric, found.attainment.met) == (beyond, True, False)
    assert found.beyond is False or found.pace is None


@pytest.mark.parametrize(
    ("value", "low", "high", "met"),
    [("0", 0, 5, True), ("0", -5, 0, True), ("0.5", -5, 0, False), ("0.5", 0, 5, True),
     ("3", 3, 5, True), ("5", 3, 5, True), ("2.5", 3, 5, False), ("5.5", 3, 5, False)],
)  # fmt: skip
def test_both_ends_of_a_range_belong_to_it_and_nought_is_one(
    value: str, low: int, high: int, *, met: bool
) -> None:
    for baseline in (None, 1, 4, 9):
        found: Attainment = a_range(value, baseline, low, high).attainment
        assert found.met is met
