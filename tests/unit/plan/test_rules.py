"""Reading a plan document: every fault at once, and nothing but faults."""

import pytest

from services.core.kit.errors import Fault
from services.core.plan.errors import InvalidPlan
from services.core.plan.rules import read_document
from tests.unit.plan.builders import a_plan, faults_of, put


def test_a_plan_with_one_of_everything_reads() -> None:
    document = read_document(a_plan())
    assert document.indicators[0].targets[1].kind == "more_than"
    assert str(document.indicators[0].baseline.value) == "94.78"  # type: ignore[union-attr]


INDICATOR, LEVEL = "/indicators/0", "/indicators/1/levels"
GATE, MEASURE = "/scheme/gate", "/tasks/0/measures/0"


@pytest.mark.parametrize(
    ("pointer", "value", "code", "at"),
    [
        ("/code", "654321-2030", "code-of-another-city", "/code"),
        ("/span/end", "2025-12-31", "span-order", "/span/end"),
        ("/time_zone", "Asia/Xinmi", "unknown-time-zone", "/time_zone"),
        ("/time_zone", "../../etc/passwd", "unknown-time-zone", "/time_zone"),
        ("/scheme/floor", 101, "out-of-range", "/scheme/floor"),
        ("/scheme/floor", -1, "out-of-range", "/scheme/floor"),
        (f"{GATE}/minimum_coverage", "1.01", "out-of-range", f"{GATE}/minimum_coverage"),
        (f"{GATE}/mandatory_not_met_cap", "x", "unknown-grade", f"{GATE}/mandatory_not_met_cap"),
        (f"{GATE}/falsified_grade", "x", "unknown-grade", f"{GATE}/falsified_grade"),
        (f"{GATE}/grades/0/minimum", 0, "grades-not-descending", f"{GATE}/grades/1/minimum"),
        (f"{GATE}/grades/1/minimum", 1, "last-grade-not-zero", f"{GATE}/grades/1/minimum"),
        ("/scheme/lights/yellow_pace", 2, "lights-order", "/scheme/lights/yellow_pace"),
        ("/scheme/weights/optional", -1, "negative-weight", "/scheme/weights/optional"),
        ("/groups/0/weight", "-0.1", "negative-weight", "/groups/0/weight"),
        (f"{INDICATOR}/weight", -1, "negative-weight", f"{INDICATOR}/weight"),
        ("/groups/-", {"code": "A", "name": "丙"}, "duplicate-code", "/groups/2/code"),
        ("/organizations/1/code", "U1", "duplicate-code", "/organizations/1/code"),
        ("/organizations/1/aliases", ["U1"], "alias-collision", "/organizations/1/aliases/0"),
        ("/organizations/1/aliases", ["一局"], "alias-collision", "/organizations/1/aliases/0"),
        ("/organizations/1/aliases", ["市一局"], "alias-collision", "/organizations/1/aliases/0"),
        ("/organizations/2/members/-", "U9", "unknown-organization", "/organizations/2/members/1"),
        ("/organizations/2/members/-", "U1", "repeated-reference", "/organizations/2/members/1"),
        ("/organizations/2/members/-", "ALL", "collective-member", "/organizations/2/members/1"),
        ("/organizations/2/submits", True, "collective-submits", "/organizations/2/submits"),
        (f"{INDICATOR}/group", "Z", "unknown-group", f"{INDICATOR}/group"),
        (f"{INDICATOR}/owners/-", "U9", "unknown-organization", f"{INDICATOR}/owners/1"),
        (f"{INDICATOR}/owners/0", "ALL", "no-reporting-owner", f"{INDICATOR}/owners"),
        (f"{INDICATOR}/owners", [], "no-reporting-owner", f"{INDICATOR}/owners"),
        (f"{INDICATOR}/acting_owner", "U9", "unknown-organization", f"{INDICATOR}/acting_owner"),
        (
            f"{INDICATOR}/acting_owner",
            "ALL",
            "acting-owner-does-not-submit",
            f"{INDICATOR}/acting_owner",
        ),
        (
            f"{INDICATOR}/linked_measures/-",
            "9",
            "unknown-measure",
            f"{INDICATOR}/linked_measures/1",
        ),
        (f"{INDICATOR}/multiplier", "0.0", "multiplier-zero", f"{INDICATOR}/multiplier"),
        (f"{INDICATOR}/targets/0/value", None, "value-required", f"{INDICATOR}/targets/0/value"),
        (
            f"{INDICATOR}/targets/0/kind",
            "rising",
            "value-not-expected",
            f"{INDICATOR}/targets/0/value",
        ),
        (
            f"{INDICATOR}/direction",
            "lower_better",
            "direction-contradicts-kind",
            f"{INDICATOR}/direction",
        ),
        (f"{INDICATOR}/targets/1/year", 2028, "years-not-ascending", f"{INDICATOR}/targets/1/year"),
        (f"{INDICATOR}/baseline/year", 2029, "baseline-after-target", f"{INDICATOR}/baseline/year"),
        (
            f"{INDICATOR}/levels",
            [{"code": "a", "name": "甲", "points": 1}],
            "levels-not-expected",
            f"{INDICATOR}/levels",
        ),
        (LEVEL, [], "levels-required", LEVEL),
        (f"{LEVEL}/0/points", 101, "out-of-range", f"{LEVEL}/0/points"),
        (f"{LEVEL}/1/code", "running", "duplicate-code", f"{LEVEL}/1/code"),
        (
            LEVEL,
            [{"code": "a", "name": "甲", "points": 1}, {"code": "b", "name": "乙", "points": 2}],
            "first-level-not-highest",
            f"{LEVEL}/0/points",
        ),
        ("/indicators/1/code", "A1", "duplicate-code", "/indicators/1/code"),
        ("/organizations/1/name", "一局", "repeated-name", "/organizations/1/name"),
        ("/indicators/1/part_of", "A1", "part-of-a-part", "/indicators/1/part_of"),
        ("/indicators/1/part_of", "Z", "unknown-indicator", "/indicators/1/part_of"),
        (
            f"{INDICATOR}/targets/0",
            {"year": 2028, "kind": "full_coverage", "value": 99, "text": "99"},
            "not-full-coverage",
            f"{INDICATOR}/targets/0/value",
        ),
        (
            f"{INDICATOR}/targets/0",
            {"year": 2028, "by": "2028-06-30", "kind": "rising", "text": "x"},
            "one-date-required",
            f"{INDICATOR}/targets/0",
        ),
        (
            f"{INDICATOR}/targets/0",
            {"by": "2030-12-31", "kind": "rising", "text": "x"},
            "years-not-ascending",
            f"{INDICATOR}/targets/1/year",
        ),
        (
            f"{INDICATOR}/targets/1",
            {"period": "2030-H1", "kind": "assigned_by_superior", "text": "x"},
            "year-required",
            f"{INDICATOR}/targets/1/year",
        ),
        (
            f"{INDICATOR}/targets/0",
            {"year": 2028, "kind": "between", "value": 3, "text": "x"},
            "upper-required",
            f"{INDICATOR}/targets/0/upper",
        ),
        (
            f"{INDICATOR}/targets/0",
            {"year": 2028, "kind": "between", "value": 3, "upper": 2, "text": "x"},
            "range-order",
            f"{INDICATOR}/targets/0/upper",
        ),
        (f"{INDICATOR}/targets/0/upper", 99, "upper-not-expected", f"{INDICATOR}/targets/0/upper"),
        (
            f"{INDICATOR}/targets/0",
            {"year": 2028, "kind": "any_of", "conditions": [{"kind": "rising"}], "text": "x"},
            "conditions-required",
            f"{INDICATOR}/targets/0/conditions",
        ),
        (
            f"{INDICATOR}/targets/0/conditions",
            [{"kind": "rising"}],
            "conditions-not-expected",
            f"{INDICATOR}/targets/0/conditions",
        ),
        (
            f"{INDICATOR}/targets/0",
            {
                "year": 2028,
                "kind": "any_of",
                "conditions": [{"kind": "rising"}, {"kind": "at_least"}],
                "text": "x",
            },
            "value-required",
            f"{INDICATOR}/targets/0/conditions/1/value",
        ),
        (
            f"{INDICATOR}/unit_targets",
            [{"organization": "U9", "year": 2030, "kind": "rising", "text": "x"}],
            "unknown-organization",
            f"{INDICATOR}/unit_targets/0/organization",
        ),
        (
            f"{INDICATOR}/unit_targets",
            [{"organization": "U1", "year": 2030, "kind": "qualitative", "text": "x"}],
            "kind-not-of-a-unit",
            f"{INDICATOR}/unit_targets/0/kind",
        ),
        (
            f"{INDICATOR}/level_with_value",
            True,
            "level-with-value",
            f"{INDICATOR}/level_with_value",
        ),
        (
            "/scheme/adjustments",
            [
                {
                    "code": "K",
                    "name": "扣分",
                    "kind": "deduction",
                    "indicator": "B1",
                    "points": 1,
                    "cap": 5,
                }
            ],
            "adjustment-by-level",
            "/scheme/adjustments/0/indicator",
        ),
        (
            "/supervision",
            {"publicity_days": [{"month": 2, "day": 31, "name": "x"}]},
            "no-such-day",
            "/supervision/publicity_days/0/day",
        ),
        (
            "/tasks/0/measures/0/lead_units/0",
            "U9",
            "unknown-organization",
            f"{MEASURE}/lead_units/0",
        ),
        (
            f"{MEASURE}/responsible_units/-",
            "U9",
            "unknown-organization",
            f"{MEASURE}/responsible_units/1",
        ),
        (
            f"{MEASURE}/targets/0/indicator",
            "Z",
            "unknown-indicator",
            f"{MEASURE}/targets/0/indicator",
        ),
        (
            f"{MEASURE}/related_indicators/-",
            "Z",
            "unknown-indicator",
            f"{MEASURE}/related_indicators/1",
        ),
        ("/open_questions/1/id", "Q1", "duplicate-code", "/open_questions/1/id"),
        (
            "/open_questions/0/subjects/-",
            "indicator:Z",
            "unknown-indicator",
            "/open_questions/0/subjects/3",
        ),
        (
            "/open_questions/0/subjects/-",
            "measure:9",
            "unknown-measure",
            "/open_questions/0/subjects/3",
        ),
        ("/open_questions/0/subjects/-", "task:9", "unknown-task", "/open_questions/0/subjects/3"),
        (
            "/open_questions/0/subjects/-",
            "group:Z",
            "unknown-group",
            "/open_questions/0/subjects/3",
        ),
        (
            "/open_questions/0/subjects/-",
            "grade:good",
            "unknown-subject",
            "/open_questions/0/subjects/3",
        ),
        ("/open_questions/0/subjects/-", "A1", "unknown-subject", "/open_questions/0/subjects/3"),
        ("/title", 5, "string-type", "/title"),
        ("/unknown", 5, "extra-forbidden", "/unknown"),
        ("/span/start", 0, "date", "/span/start"),
        ("/span/start", "1609459200", "date", "/span/start"),
        ("/city/code", "１２３４５６", "string-pattern-mismatch", "/city/code"),
        (f"{INDICATOR}/baseline/value", float("nan"), "decimal", f"{INDICATOR}/baseline/value"),
        (f"{INDICATOR}/baseline/value", "1e400", "decimal", f"{INDICATOR}/baseline/value"),
    ],
)
def test_a_fault_is_named_where_it_is(pointer: str, value: object, code: str, at: str) -> None:
    assert (code, at) in faults_of(put(a_plan(), pointer, value))


_SIGNED = {"kind": "rate", "source": "x", "confidence": "high"}


def _fell(**member: object) -> dict[str, object]:
    return {"year": 2030, "kind": "negative_growth", "text": "负增长", **member}


def _asking(kind: str, *conditions: dict[str, object]) -> dict[str, object]:
    return {"year": 2030, "kind": kind, "text": "x", "conditions": list(conditions)}


_AT_MOST_5: dict[str, object] = {"kind": "at_most", "value": 5}
_RISING: dict[str, object] = {"kind": "rising"}


@pytest.mark.parametrize("member", ["targets", "unit_targets"])
@pytest.mark.parametrize(
    ("direction", "sign", "target", "kinds"),
    [
        ("higher_better", None, _asking("any_of", _AT_MOST_5, _RISING), {"/conditions/0/kind"}),
        ("lower_better", None, _asking("any_of", _AT_MOST_5, _RISING), {"/conditions/1/kind"}),
        ("higher_better", None, _asking("all_of", _AT_MOST_5, _RISING), set()),
        (
            "higher_better",
            None,
            _asking("all_of", _AT_MOST_5, {"kind": "falling"}),
            {"/conditions/0/kind", "/conditions/1/kind"},
        ),
        ("higher_better", None, {"year": 2030, "text": "x", **_AT_MOST_5}, {"/kind"}),
        ("lower_better", None, {"year": 2030, "text": "x", **_AT_MOST_5}, set()),
        ("higher_better", None, _fell(), {"/kind"}),
        ("higher_better", "growth_positive", _fell(), {"/kind"}),
        ("higher_better", "decline_positive", _fell(), set()),
        ("lower_better", None, _fell(), set()),
        ("lower_better", "growth_positive", _fell(), set()),
        ("lower_better", "decline_positive", _fell(), {"/kind"}),
        (
            "higher_better",
            None,
            _asking("any_of", _RISING, {"kind": "negative_growth"}),
            {"/conditions/1/kind"},
        ),
    ],
)
def test_no_target_of_whatever_place_asks_for_what_the_direction_calls_worse(
    member: str, direction: str, sign: str | None, target: dict[str, object], kinds: set[str]
) -> None:
    plan = a_plan()
    indicator = plan["indicators"][0]
    indicator["direction"] = direction
    indicator["formula"] = {**_SIGNED, "sign_convention": sign}
    fits: dict[str, object] = {"year": 2030, "kind": "not_worse", "text": "x"}
    indicator["targets"] = [target] if member == "targets" else [fits]
    indicator["unit_targets"] = [{"organization": "U1", **target}] if member != "targets" else []
    refused: list[Fault] = []
    try:
        read_document(plan)
    except InvalidPlan as refusal:
        refused = list(refusal.faults)
    assert {(one.code, one.pointer, one.value) for one in refused} == (
        {("direction-contradicts-kind", f"{INDICATOR}/direction", direction)} if kinds else set()
    )
    places = {f"{INDICATOR}/{member}/0{kind}" for kind in kinds}
    told = {one.detail.en.partition(") at ")[2].partition(":")[0] for one in refused}
    assert (told, len(refused)) == (places, len(places))
    assert all(direction in one.detail.zh and "kind" in one.detail.zh for one in refused)
