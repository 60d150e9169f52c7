"""Met or not, and how far: every kind of target under both schemes."""

from decimal import Decimal
from typing import Any

import pytest

from services.core.scoring.attainment import numeric
from services.core.scoring.figures import Figure, fraction
from tests.unit.scoring.builders import (
    a_baseline,
    a_level,
    a_ratio,
    a_scheme,
    a_target,
    a_value,
    an_assignment,
    an_indicator,
    judged,
)

DISTANCE = a_scheme(name="distance-to-target")
LEVELS = [
    {"code": "A", "name": "全面建立", "points": 100},
    {"code": "B", "name": "部分建立", "points": 60},
    {"code": "C", "name": "未建立", "points": 0},
]


@pytest.mark.parametrize(
    ("kind", "target", "value", "met", "attainment"),
    [
        ("at_least", "95", "95", True, "100"),
        ("at_least", "95", "120", True, "100"),
        ("at_least", "80", "60", False, "75"),
        ("at_least", "80", "-3", False, "0"),
        ("at_least", "0", "-1", False, "0"),
        ("at_least", "0", "0", True, "100"),
        ("at_least", "-4", "-5", False, "80"),
        ("at_least", "-4", "-4", True, "100"),
        ("more_than", "95", "95", False, "100"),
        ("more_than", "95", "95.0000000001", True, "100"),
        ("more_than", "80", "60", False, "75"),
        ("more_than", "0", "0", False, "0"),
        ("more_than", "-4", "-4", False, "100"),
        ("at_most", "23", "23", True, "100"),
        ("at_most", "23", "0", True, "100"),
        ("at_most", "20", "25", False, "80"),
        ("at_most", "0", "5", False, "0"),
        ("at_most", "0", "0", True, "100"),
        ("at_most", "-5", "-4", False, "80"),
        ("at_most", "-5", "3", False, "0"),
        ("at_most", "-5", "-6", True, "100"),
        ("full_coverage", None, "100", True, "100"),
        ("full_coverage", None, "50", False, "50"),
    ],
)
def test_completion_rate(
    kind: str, target: str | None, value: str, met: bool, attainment: str
) -> None:
    row = judged(an_indicator(targets=[a_target(kind, target)]), a_value(value))
    assert (row["met"], row["attainment"]) == (met, attainment)


@pytest.mark.parametrize(
    ("kind", "target", "baseline", "value", "attainment"),
    [
        ("at_least", "100", "80", "87", "35"),
        ("at_least", "100", "80", "70", "0"),
        ("at_most", "23", "23.5", "23.25", "50"),
        ("at_most", "23", "23.5", "24", "0"),
        ("at_least", "40", "0", "10", "25"),
        ("at_least", "95", None, "76", "80"),
        ("at_least", "95", "95", "76", "80"),
        ("at_least", "95", "99", "76", "80"),
        ("at_most", "20", "18", "25", "80"),
    ],
)
def test_distance_to_target_with_its_fallbacks(
    kind: str, target: str, baseline: str | None, value: str, attainment: str
) -> None:
    indicator = an_indicator(
        targets=[a_target(kind, target)],
        baseline=None if baseline is None else a_baseline(baseline),
    )
    row = judged(indicator, a_value(value), scheme=DISTANCE)
    assert (row["met"], row["attainment"]) == (False, attainment)


@pytest.mark.parametrize(
    ("baseline", "rule"),
    [
        (None, "completion_rate_no_baseline"),
        ("95", "completion_rate_hold"),
        ("70", "distance_to_target"),
    ],
)
def test_the_rule_says_where_a_completion_rate_stands_in_for_a_distance(
    baseline: str | None, rule: str
) -> None:
    found = numeric(
        Figure(Decimal(80)),
        "at_least",
        Decimal(95),
        None if baseline is None else Decimal(baseline),
        "distance-to-target",
    )
    assert found.rule == rule


def test_a_verdict_is_taken_on_the_unrounded_value() -> None:
    row = judged(an_indicator(), a_value("94.995"))
    assert (row["display"], row["met"]) == ("94.995", False)


def test_a_ratio_is_judged_by_cross_multiplication() -> None:
    # 2 ÷ 3 × 100 is above every decimal text of it, and exactly at 200 ÷ 3 it is met.
    just_below = Decimal("66.66666666666666666667")
    row = judged(an_indicator(targets=[a_target(value=just_below)], multiplier=100), a_ratio(2, 3))
    assert row["met"] is False
    assert row["value"] == "66.66666666666666666667"


def test_a_negative_denominator_turns_the_comparison_round() -> None:
    assert fraction(Decimal(3), Decimal(-2)) == Figure(Decimal(-3), Decimal(2))


@pytest.mark.parametrize(
    ("sign", "value", "met"),
    [
        ("decline_positive", "1", True),
        ("decline_positive", "0", False),
        ("decline_positive", "-1", False),
        ("growth_positive", "-1", True),
        ("growth_positive", "0", False),
        (None, "-1", True),
    ],
)
def test_negative_growth_is_met_when_the_quantity_fell(
    sign: str | None, value: str, met: bool
) -> None:
    formula = {"kind": "rate", "source": "x", "confidence": "high", "sign_convention": sign}
    row = judged(
        an_indicator(targets=[a_target("negative_growth", None)], formula=formula),
        a_value(value),
    )
    assert (row["met"], row["attainment"]) == (met, "100" if met else "0")


@pytest.mark.parametrize(
    ("before", "now", "met"), [("5", "6", True), ("5", "5", False), ("5", "4", False)]
)
def test_rising_compares_with_the_period_before(before: str, now: str, met: bool) -> None:
    row = judged(
        an_indicator(targets=[a_target("rising", None)]),
        [a_value(before, "2024"), a_value(now, "2025")],
    )
    assert (row["met"], row["attainment"]) == (met, "100" if met else "0")


@pytest.mark.parametrize(("number", "now"), [(1, 11), (2, 22), (3, 33), (4, 44)])
def test_rising_compares_with_the_same_quarter_of_last_year(number: int, now: int) -> None:
    last_year = [a_value(10 * each, f"2024-Q{each}") for each in range(1, 5)]
    reported = [*last_year, a_value(now, f"2025-Q{number}")]
    quarterly = an_indicator(frequency="quarterly", targets=[a_target("rising", None)])
    by_period = quarterly | {"comparison": "previous_period"}
    period = f"2025-Q{number}"
    assert judged(quarterly, reported, period=period)["met"] is True
    of_period = judged(by_period, reported, period=period)
    assert of_period["met"] is (False if number == 1 else None)


def test_rising_without_an_earlier_period_is_not_assessable() -> None:
    row = judged(an_indicator(targets=[a_target("rising", None)]), a_value(6))
    assert (row["state"], row["reason_code"]) == ("not_assessable", "no_previous_period")
    assert row["value"] == "6"


def test_rising_takes_a_baseline_of_exactly_the_year_before() -> None:
    indicator = an_indicator(targets=[a_target("rising", None)], baseline=a_baseline(5, 2024))
    assert judged(indicator, a_value(6))["met"] is True
    assert judged(indicator, a_value(6, "2026"), period="2026")["state"] == "not_assessable"


@pytest.mark.parametrize(
    ("level", "met", "attainment"), [("A", True, "100"), ("B", False, "60"), ("C", False, "0")]
)
def test_levels_have_points_and_the_top_one_is_met(level: str, met: bool, attainment: str) -> None:
    indicator = an_indicator(targets=[a_target("qualitative", None)], levels=LEVELS)
    row = judged(indicator, a_level(level))
    assert (row["met"], row["attainment"], row["level"]) == (met, attainment, level)


def test_a_level_that_the_plan_no_longer_has_is_not_assessable() -> None:
    indicator = an_indicator(targets=[a_target("qualitative", None)], levels=LEVELS)
    assert judged(indicator, a_level("Z"))["reason_code"] == "unknown_level"


EITHER = [
    {"kind": "at_least", "value": "90", "upper": None},
    {"kind": "rising", "value": None, "upper": None},
]
ASSIGNED = an_indicator(targets=[a_target("assigned_by_superior", None, text="完成下达任务")])


def test_an_unassigned_target_is_not_assessable_and_never_failed() -> None:
    row = judged(ASSIGNED, a_value(50), period="2026")
    assert (row["state"], row["met"], row["light"]) == ("not_assessable", None, "grey")
    assert row["reason_code"] == "target_not_assigned"


@pytest.mark.parametrize(("kind", "value", "met"), [("at_least", 40, True), ("at_most", 40, False)])
def test_an_assigned_target_counts_as_its_kind(kind: str, value: int, met: bool) -> None:
    row = judged(ASSIGNED, a_value(50), assigned=[an_assignment("R01", kind, value)])
    assert (row["met"], row["target"]["source"]) == (met, "assigned")


def test_the_last_assignment_of_a_year_counts() -> None:
    given = [
        an_assignment("R01", "at_least", 60),
        an_assignment("R01", "at_least", 40, sequence=2),
    ]
    assert judged(ASSIGNED, a_value(50), assigned=given)["met"] is True


@pytest.mark.parametrize(
    ("kind", "more", "value", "met", "attainment"),
    [
        ("between", {"value": 40, "upper": Decimal(60)}, 50, True, "100"),
        ("between", {"value": 40, "upper": Decimal(60)}, 20, False, "50"),
        ("between", {"value": 40, "upper": Decimal(60)}, 80, False, "75"),
        ("all_of", {"conditions": EITHER}, 95, False, "0"),
        ("any_of", {"conditions": EITHER}, 90, True, "100"),
        ("any_of", {"conditions": EITHER}, 72, False, "80"),
    ],
)
def test_a_range_and_conditions_are_judged_like_printed_ones(
    kind: str, more: dict[str, Any], value: int, met: bool, attainment: str
) -> None:
    assigned = an_assignment("R01", kind, more.pop("value", None), "下达", **more)
    reported = [a_value(100, "2024"), a_value(value)]
    row = judged(ASSIGNED, reported, assigned=[assigned])
    conditions = [
        {"kind": each["kind"], "value": each["value"]} for each in more.get("conditions", [])
    ]
    printed: dict[str, Any] = {"year": 2025, "kind": kind, "text": "下达", "value": assigned.value}
    printed |= {"upper": more.get("upper"), "conditions": conditions}
    alike = judged(an_indicator(targets=[printed]), reported)
    assert (row["met"], row["attainment"]) == (met, attainment)
    compared = ("met", "attainment", "pace", "light", "reason", "display")
    assert [row[name] for name in compared] == [alike[name] for name in compared]


def test_a_target_assigned_in_words_is_not_assessable() -> None:
    given = an_assignment("R01", "qualitative", text="建立体系")
    row = judged(ASSIGNED, a_value(50), assigned=[given])
    assert (row["state"], row["reason_code"]) == ("not_assessable", "target_in_words")
    assert "建立体系" in row["reason"]


@pytest.mark.parametrize(
    ("period", "year"),
    [("2023", 2024), ("2024", 2024), ("2024-Q3", 2024), ("2025", 2025), ("2027", 2025)],
)
def test_a_period_is_measured_against_the_earliest_target_not_before_it(
    period: str, year: int
) -> None:
    targets: list[dict[str, Any]] = [a_target(year=2025), a_target(value=90, year=2024)]
    row = judged(an_indicator(targets=targets), a_value(92, period), period=period)
    assert row["target"]["year"] == year
