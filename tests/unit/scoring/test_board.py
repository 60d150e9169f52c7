"""From attainments to groups, score, coverage and grade."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.core.kit.decimals import plain
from services.core.scoring.board import ScoringContext, draw_board, empty_board
from tests.support.periods import a_period
from tests.unit.scoring.builders import (
    a_baseline,
    a_scheme,
    a_state,
    a_target,
    a_value,
    an_indicator,
    draw,
    not_applicable,
    row_of,
)

INDEX_WEIGHTS = ("29.3", "16.5", "19.3", "16.5", "9.2", "9.2")


def sharing(code: str, group: str = "R", **changes: Any) -> dict[str, Any]:
    """An indicator whose attainment is its value: at least 100, without a gate."""
    defaults = {"group": group, "selection": "optional", "targets": [a_target(value=100)]}
    return an_indicator(code, **(defaults | changes))


@pytest.mark.parametrize(
    ("values", "score", "published"),
    [
        (("82.92", "98.36", "78.75", "70.86", "93.91", "83.15"), "83.70513", "83.71"),
        (("83.87", "80.83", "79.60", "69.34", "72.18", "73.22"), "78.09156", "78.10"),
    ],
)
def test_the_green_development_index_of_2016_comes_out(
    values: tuple[str, ...], score: str, published: str
) -> None:
    indicators = [sharing(f"I{place}", f"G{place}") for place in range(6)]
    groups = [
        {"code": f"G{place}", "name": f"组{place}", "weight": weight}
        for place, weight in enumerate(INDEX_WEIGHTS)
    ]
    board = draw(
        a_state(*indicators, groups=groups),
        {f"I{place}": a_value(value) for place, value in enumerate(values)},
    )
    overall = board["overall"]
    assert overall["score"] == score
    assert abs(Decimal(overall["display"]) - Decimal(published)) <= Decimal("0.01")
    assert overall["coverage"] == "1"


THREE = [sharing("A", "G1"), sharing("B", "G1"), sharing("C", "G2")]


def test_a_group_weighs_the_sum_of_its_indicators_unless_the_plan_says_otherwise() -> None:
    reported = {"A": a_value(90), "B": a_value(60), "C": a_value(30)}
    assert draw(a_state(*THREE), reported)["overall"]["score"] == "60"
    groups = [{"code": "G1", "name": "一", "weight": 1}, {"code": "G2", "name": "二", "weight": 3}]
    board = draw(a_state(*THREE, groups=groups), reported)
    assert board["overall"]["score"] == "41.25"
    assert [group["score"] for group in board["groups"]] == ["75", "30"]


def test_selection_gives_the_weight_that_is_not_stated() -> None:
    state = a_state(sharing("A", selection="mandatory"), sharing("B"), sharing("C", weight="0.5"))
    board = draw(state, {})
    assert [row["weight"] for row in board["indicators"]] == ["2", "1", "0.5"]


def test_what_is_not_applicable_leaves_its_weight_to_its_group() -> None:
    reported = {"A": a_value(90), "B": not_applicable(), "C": a_value(30)}
    board = draw(a_state(*THREE), reported)
    # G1 keeps its weight of 2: (2 × 90 + 1 × 30) ÷ 3.
    assert board["overall"]["score"] == "70"
    assert board["overall"]["coverage"] == "1"


def test_what_cannot_be_assessed_yet_takes_its_weight_along() -> None:
    board = draw(a_state(*THREE), {"A": a_value(90), "C": a_value(30)})
    assert board["overall"]["score"] == "60"
    assert board["overall"]["coverage"] == "0.66666666666666666667"
    assert [group["coverage"] for group in board["groups"]] == ["0.5", "1"]


def test_what_is_missing_counts_at_the_floor() -> None:
    late: dict[str, Any] = {"opened": {"2025": date(2026, 1, 5)}}
    reported = {"A": a_value(90), "C": a_value(30)}
    assert draw(a_state(*THREE, **late), reported)["overall"]["score"] == "40"
    floored = a_state(*THREE, scheme=a_scheme(floor=60), **late)
    board = draw(floored, reported)
    assert board["overall"]["score"] == "60"
    assert row_of(board, "B")["attainment"] == "60"


def test_a_group_that_does_not_apply_leaves_total_and_coverage_and_says_so() -> None:
    reported = {"A": not_applicable(), "B": not_applicable(), "C": a_value(30)}
    board = draw(a_state(*THREE), reported)
    assert (board["overall"]["score"], board["overall"]["coverage"]) == ("30", "1")
    group = board["groups"][0]
    assert (group["score"], group["coverage"]) == (None, None)
    assert group["reason_code"] == "group_not_applicable"
    assert group["reason"]


def test_a_group_without_weight_adds_nothing() -> None:
    state = a_state(sharing("A", "G1", weight=0), sharing("C", "G2"))
    board = draw(state, {"A": a_value(90), "C": a_value(30)})
    assert board["overall"]["score"] == "30"
    assert board["groups"][0]["reason_code"] == "group_without_weight"


def test_a_board_without_data_has_no_score_and_says_so() -> None:
    board = empty_board(a_state(*THREE), a_period("2025"), date(2026, 1, 10)).board
    assert board["overall"]["score"] is None
    assert board["overall"]["coverage"] == "0"
    assert board["overall"]["gate"]["reasons"][0]["reason_code"] == "nothing_assessed"
    assert {row["state"] for row in board["indicators"]} == {"not_opened"}


@pytest.mark.parametrize(
    ("value", "grade"),
    [("100", "excellent"), ("90", "excellent"), ("89.999", "good"), ("80", "good"),
     ("60", "pass"), ("59.999", "fail"), ("0", "fail")],
)  # fmt: skip
def test_grades_go_by_the_unrounded_score(value: str, grade: str) -> None:
    board = draw(a_state(sharing("A")), {"A": a_value(value)})
    assert board["overall"]["grade"] == grade


def test_no_grade_below_the_minimum_coverage() -> None:
    board = draw(a_state(sharing("A"), sharing("B")), {"A": a_value(95)})
    overall = board["overall"]
    assert (overall["grade"], overall["gate"]["grade_by_score"]) == (None, "excellent")
    assert overall["gate"]["reasons"][0]["reason_code"] == "coverage_too_low"


MANDATORY = [sharing("A", selection="mandatory"), sharing("B", weight=100)]


@pytest.mark.parametrize(("period", "grade"), [("2024", "excellent"), ("2025-Q1", "good")])
def test_a_mandatory_indicator_not_met_caps_the_grade_from_the_target_year_on(
    period: str, grade: str
) -> None:
    reported = {"A": a_value(50, period), "B": a_value(100, period)}
    overall = draw(a_state(*MANDATORY), reported, period)["overall"]
    assert overall["grade"] == grade
    assert overall["gate"]["mandatory_not_met"] == (["A"] if grade == "good" else [])


def test_a_missing_mandatory_indicator_caps_too_and_a_cap_never_lifts() -> None:
    late: dict[str, Any] = {"opened": {"2025": date(2026, 1, 5)}}
    overall = draw(a_state(*MANDATORY, **late), {"B": a_value(100)})["overall"]
    assert (overall["grade"], overall["gate"]["mandatory_not_met"]) == ("good", ["A"])
    low = draw(a_state(*MANDATORY), {"A": a_value(50), "B": a_value(61)})["overall"]
    assert low["grade"] == "pass"


def test_falsified_data_veto_the_grade_whatever_the_coverage() -> None:
    state = a_state(sharing("A"), sharing("B"))
    overall = draw(state, {"A": a_value(100, falsified=1)})["overall"]
    assert (overall["grade"], overall["grade_name"]) == ("fail", "不合格")
    assert overall["gate"]["falsified"] == ["A"]


def test_caps_and_vetoes_are_data() -> None:
    gate = a_scheme()["gate"] | {"mandatory_not_met_cap": None, "falsified_grade": None}
    state = a_state(*MANDATORY, scheme=a_scheme(gate=gate))
    reported = {"A": a_value(50), "B": a_value(100, falsified=1)}
    assert draw(state, reported)["overall"]["grade"] == "excellent"


def test_one_indicator_judged_anew_gives_the_board_judged_whole() -> None:
    state = a_state(*THREE, sharing("D", "G2", baseline=a_baseline(10)))
    bench, period = ScoringContext.of(state, date(2026, 1, 10)), a_period("2025")
    before = {("A", "2025"): a_value(90), ("D", "2025"): a_value(20)}
    after = before | {("C", "2025"): a_value(70)}
    earlier = draw_board(bench, period, before)
    patched = draw_board(bench, period, after, indicators=["C"], earlier=earlier.board)
    whole = draw_board(bench, period, after)
    assert patched.board == whole.board
    assert {**earlier.traces, **patched.traces} == whole.traces
    assert list(patched.traces) == ["C"]


@pytest.mark.parametrize(
    ("weight", "grade"), [("6", "excellent"), ("5.9999999999", None), ("6.0000000001", "excellent")]
)
def test_a_coverage_of_exactly_the_minimum_is_graded_and_none_below(
    weight: str, grade: str | None
) -> None:
    rest = Decimal(10) - Decimal(weight)
    state = a_state(sharing("A", weight=weight), sharing("B", weight=plain(rest)))
    board = draw(state, {"A": a_value(95)})
    assert board["overall"]["grade"] == grade


def test_below_the_minimum_coverage_a_cap_gives_no_grade_either() -> None:
    state = a_state(sharing("A", selection="mandatory", weight=5), sharing("B", weight=5))
    overall = draw(state, {"A": a_value(95)})["overall"]
    assert overall["grade"] is None
    assert [reason["reason_code"] for reason in overall["gate"]["reasons"]] == [
        "coverage_too_low",
        "mandatory_not_met",
    ]
