"""How the weight of what does not apply is shared, and what stands beside the score."""

from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.plan.document import Adjustment
from services.core.plan.members import Sharing
from services.core.scoring.adjustments import adjust
from services.core.scoring.judgement import ScoreState
from services.core.scoring.rollup import Part, roll_up
from tests.unit.scoring.builders import a_scheme, a_state, a_value, an_indicator, draw
from tests.unit.scoring.builders import not_applicable as does_not_apply

HUNDRED = Decimal(100)
STATES: list[ScoreState] = ["scored", "missing", "not_applicable", "not_assessable", "not_due"]


@pytest.mark.parametrize(
    ("sharing", "a2", "whole"),
    [("proportional", 30, 100), ("equal", 30, 100), ("not_shared", 20, 90)],
)
def test_the_weight_of_what_does_not_apply(sharing: Sharing, a2: int, whole: int) -> None:
    parts = [
        Part("A", "not_applicable", Decimal(10), None),
        Part("A", "scored", Decimal(20), HUNDRED),
        Part("B", "scored", Decimal(70), Decimal(50)),
    ]
    found = roll_up({"A": None, "B": None}, parts, sharing)
    assert found.weights == (None, Decimal(a2), Decimal(70))
    assert found.weight == whole
    assert found.groups[0].effective_weight == a2
    assert found.score == ((a2 * 100 + 70 * 50) / Decimal(whole)).quantize(Decimal("1E-20"))


def test_equal_sharing_differs_from_sharing_in_proportion_among_three() -> None:
    parts = [
        Part("A", "not_applicable", Decimal(6), None),
        Part("A", "scored", Decimal(1), HUNDRED),
        Part("A", "scored", Decimal(3), HUNDRED),
    ]
    assert roll_up({"A": None}, parts, "equal").weights == (None, Decimal(4), Decimal(6))
    in_proportion = roll_up({"A": None}, parts, "proportional").weights
    assert in_proportion == (None, Decimal("2.5"), Decimal("7.5"))


@st.composite
def parts_of_two(draw: st.DrawFn) -> list[Part]:
    found = []
    for _ in range(draw(st.integers(1, 10))):
        state = draw(st.sampled_from(STATES))
        reached = draw(st.decimals(0, 100, places=3)) if state == "scored" else None
        found.append(
            Part(
                draw(st.sampled_from(["G1", "G2"])),
                state,
                Decimal(draw(st.integers(0, 5))),
                Decimal(0) if state == "missing" else reached,
            )
        )
    return found


@given(parts_of_two(), st.sampled_from(get_args(Sharing)), st.booleans())
def test_weights_add_up_after_sharing(parts: list[Part], sharing: Sharing, stated: bool) -> None:
    groups: dict[str, Decimal | None] = {"G1": Decimal(7) if stated else None, "G2": None}
    found = roll_up(groups, parts, sharing)
    shared = sum((weight for weight in found.weights if weight is not None), Decimal(0))
    assert abs(shared - found.weight) < Decimal("1E-17")
    for part, weight in zip(parts, found.weights, strict=True):
        assert part.state != "not_applicable" or weight is None
        assert weight is None or weight >= 0
    assert found.score is None or 0 <= found.score <= 100


@given(parts_of_two(), st.sampled_from(get_args(Sharing)))
def test_where_everything_applies_no_rule_changes_a_digit(
    parts: list[Part], sharing: Sharing
) -> None:
    applying = [part for part in parts if part.state != "not_applicable"]
    groups: dict[str, Decimal | None] = {"G1": None, "G2": Decimal("16.5")}
    assert roll_up(groups, applying, sharing) == roll_up(groups, applying)


def a_rule(kind: str = "deduction", points: object = 2, cap: object = 5) -> Adjustment:
    return Adjustment.model_validate(
        {
            "code": f"{kind}-{points}",
            "name": "事件",
            "kind": kind,
            "indicator": "X",
            "points": points,
            "cap": cap,
        }
    )


@pytest.mark.parametrize(
    ("kind", "occurrences", "points", "score"),
    [
        ("deduction", "1", "2", "88"),
        ("deduction", "2.5", "5", "85"),
        ("deduction", "9", "5", "85"),
        ("deduction", "-1", "0", "90"),
        ("deduction", None, "0", "90"),
        ("bonus", "1", "2", "92"),
        ("bonus", "9", "5", "95"),
    ],
)
def test_points_for_each_occurrence_up_to_the_cap(
    kind: str, occurrences: str | None, points: str, score: str
) -> None:
    times = None if occurrences is None else Decimal(occurrences)
    found = adjust(Decimal(90), [a_rule(kind)], None, {"X": times})
    assert (found.items[0].points, found.score) == (Decimal(points), Decimal(score))


def test_bonuses_have_a_cap_together_and_a_score_is_never_below_0() -> None:
    bonuses = adjust(
        Decimal(95), [a_rule("bonus"), a_rule("bonus", 1)], Decimal(6), {"X": Decimal(9)}
    )
    assert (bonuses.added, bonuses.score) == (Decimal(6), Decimal(101))
    assert adjust(Decimal(3), [a_rule()], None, {"X": Decimal(9)}).score == 0
    assert adjust(None, [a_rule()], None, {"X": Decimal(9)}).score is None


@pytest.mark.parametrize(("by", "grade"), [("score", "excellent"), ("adjusted_score", "good")])
def test_the_board_tells_deductions_and_grades_by_what_the_scheme_says(by: str, grade: str) -> None:
    rule: dict[str, Any] = a_rule().model_dump() | {"indicator": "X1", "cap": 20, "points": 6}
    scheme = a_scheme(adjustments=[rule], grade_by=by)
    events = an_indicator("X1", weight=0, selection="optional")
    board = draw(
        a_state(an_indicator(), events, scheme=scheme),
        {"R01": a_value(100), "X1": a_value(2)},
    )["overall"]
    assert (board["score"], board["adjusted_score"], board["deducted"]) == ("100", "88", "12")
    assert board["grade"] == grade
    assert board["adjustments"][0]["occurrences"] == "2"


def test_the_rows_tell_the_weight_that_each_has_after_sharing() -> None:
    indicators = [an_indicator("R01", weight=10), an_indicator("R02", weight=20)]
    board = draw(
        a_state(*indicators, scheme=a_scheme(not_applicable="not_shared")),
        {"R01": does_not_apply(), "R02": a_value(100)},
    )
    assert [row["effective_weight"] for row in board["indicators"]] == [None, "20"]
    assert (board["overall"]["weight"], board["groups"][0]["effective_weight"]) == ("20", "20")
