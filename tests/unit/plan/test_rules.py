"""Reading a plan document: every fault at once, and nothing but faults."""

import copy
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core.kit.exact_yaml import read_yaml
from services.core.plan.errors import InvalidPlan
from services.core.plan.rules import read_document

PLANS = Path(__file__).parents[3] / "plans"


def a_plan() -> dict[str, Any]:
    """A small plan with one of everything."""
    return {
        "format": "wufei-plan/1",
        "code": "123456-2030",
        "title": "示例",
        "city": {"code": "123456", "name": "示例市"},
        "status": "issued",
        "status_text": "印发",
        "span": {"start": "2026-01-01", "end": "2030-12-31"},
        "due_days": {"annual": 31, "half_yearly": 20, "quarterly": 15, "monthly": 10},
        "scheme": {
            "name": "completion-rate",
            "version": "1",
            "floor": 0,
            "weights": {"mandatory": 2, "optional": 1, "self_selected": 1},
            "gate": {
                "grades": [
                    {"code": "good", "name": "良好", "minimum": 80},
                    {"code": "poor", "name": "较差", "minimum": 0},
                ],
                "minimum_coverage": "0.6",
                "mandatory_not_met_cap": "poor",
                "falsified_grade": "poor",
            },
            "lights": {"green_pace": 1, "yellow_pace": "0.8"},
        },
        "groups": [{"code": "A", "name": "甲", "weight": 2}, {"code": "B", "name": "乙"}],
        "organizations": [
            {"code": "U1", "name": "一局", "kind": "department", "aliases": ["市一局"]},
            {"code": "U2", "name": "二局", "kind": "department"},
            {"code": "ALL", "name": "各局", "kind": "group", "members": ["U1"], "submits": False},
        ],
        "indicators": [
            {
                "code": "A1",
                "name": "利用率",
                "printed_name": "利用率★",
                "group": "A",
                "level1": "甲",
                "level2": "甲一",
                "selection": "mandatory",
                "unit": "%",
                "baseline": {"year": 2025, "value": "94.78", "text": "94.78"},
                "targets": [
                    {"year": 2028, "kind": "at_least", "value": 95, "text": "95"},
                    {"year": 2030, "kind": "more_than", "value": 96, "text": ">96"},
                ],
                "direction": "higher_better",
                "multiplier": 100,
                "owners": ["U1"],
                "owner_text": "一局",
                "linked_measures": ["1.1"],
            },
            {
                "code": "B1",
                "name": "机制",
                "printed_name": "机制",
                "group": "B",
                "level1": "乙",
                "level2": "乙一",
                "selection": "optional",
                "unit": "/",
                "targets": [{"year": 2030, "kind": "qualitative", "text": "运转"}],
                "levels": [
                    {"code": "running", "name": "运转", "points": 100},
                    {"code": "none", "name": "未启动", "points": 0},
                ],
                "direction": "qualitative",
                "owners": [],
                "owner_text": "—",
                "acting_owner": "U2",
            },
        ],
        "tasks": [
            {
                "number": 1,
                "section": "任务",
                "title": "提高利用率",
                "measures": [
                    {
                        "code": "1.1",
                        "text": "到2030年，利用率达到96%以上。",
                        "lead_units": ["U1"],
                        "lead_text": "一局",
                        "responsible_units": ["ALL"],
                        "responsible_text": "各局",
                        "targets": [
                            {"quote": "利用率达到96%以上", "kind": "at_least", "indicator": "A1"}
                        ],
                        "related_indicators": ["B1"],
                    }
                ],
            }
        ],
        "open_questions": [
            {"id": "Q1", "subjects": ["indicator:A1", "measure:1.1", "task:1"], "text": "待核实"},
            {"id": "Q2", "subjects": ["plan", "organization:ALL", "group:B"], "text": "说明"},
        ],
    }


def put(document: dict[str, Any], pointer: str, value: object) -> dict[str, Any]:
    """Return a copy of the document with `value` at a pointer; `-` appends to a list."""
    changed = copy.deepcopy(document)
    *path, last = pointer.split("/")[1:]
    node: Any = changed
    for part in path:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if last == "-":
        node.append(value)
    elif isinstance(node, list):
        node[int(last)] = value
    else:
        node[last] = value
    return changed


def faults_of(document: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPlan) as refusal:
        read_document(document)
    return [(fault.code, fault.pointer) for fault in refusal.value.faults]


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


def test_numbers_may_begin_anew_in_each_section() -> None:
    plan = a_plan()
    other = copy.deepcopy(plan["tasks"][0]) | {"section": "保障", "section_number": "二"}
    other["measures"][0]["code"] = "2-1.1"
    plan["tasks"].append(other)
    plan["open_questions"][0]["subjects"] = ["task:二/1", "task:任务/1"]
    read_document(plan)
    plan["open_questions"][0]["subjects"] = ["task:1"]
    assert faults_of(plan) == [("unknown-task", "/open_questions/0/subjects/0")]


def test_a_measure_may_name_responsible_units_only_but_not_nobody() -> None:
    plan = a_plan()
    measure = plan["tasks"][0]["measures"][0]
    del measure["lead_units"], measure["lead_text"]
    measure["deadline"] = "2028-06-30"
    read_document(plan)
    del measure["responsible_units"]
    assert faults_of(plan) == [("no-unit", f"{MEASURE}/lead_units")]


def test_a_leap_day_is_a_publicity_day() -> None:
    plan = a_plan()
    plan["supervision"] = {"publicity_days": [{"month": 2, "day": 29, "name": "x"}]}
    read_document(plan)


def test_measure_and_task_codes_are_unique_in_the_whole_plan() -> None:
    plan = a_plan()
    plan["tasks"].append(copy.deepcopy(plan["tasks"][0]))
    assert faults_of(plan) == [
        ("duplicate-code", "/tasks/1/number"),
        ("duplicate-code", "/tasks/1/measures/0/code"),
    ]


@pytest.mark.parametrize(
    ("kind", "direction"),
    [
        ("at_most", "higher_better"),
        ("at_least", "lower_better"),
        ("more_than", "lower_better"),
        ("rising", "lower_better"),
        ("at_least", "qualitative"),
    ],
)
def test_a_contradiction_of_kind_and_direction_names_both_members(
    kind: str, direction: str
) -> None:
    plan = a_plan()
    value = None if kind == "rising" else 95
    plan["indicators"][0]["targets"] = [{"year": 2028, "kind": kind, "value": value, "text": "x"}]
    plan["indicators"][0]["direction"] = direction
    with pytest.raises(InvalidPlan) as refused:
        read_document(plan)
    (fault,) = refused.value.faults
    assert (fault.code, fault.pointer) == (
        "direction-contradicts-kind",
        "/indicators/0/direction",
    )
    for words in (fault.detail.zh, fault.detail.en):
        assert direction in words
        assert kind in words
        assert "/indicators/0/targets/0/kind" in words


@pytest.mark.parametrize(
    "weights",
    [{"mandatory": 0, "optional": 0, "self_selected": 0}, {"mandatory": 2, "optional": 0}],
)
def test_a_plan_needs_a_weight_above_zero(weights: dict[str, int]) -> None:
    plan = put(a_plan(), "/scheme/weights", {"self_selected": 1, **weights})
    plan["groups"][0]["weight"] = 0
    assert faults_of(plan) == [("no-positive-weight", "/indicators")]


def test_every_fault_of_every_kind_is_told_at_once() -> None:
    plan = a_plan()
    del plan["title"]
    plan["indicators"][0]["unit"] = 5
    plan["indicators"][0]["group"] = "Z"
    plan["indicators"][0]["targets"][0]["year"] = "2028"
    plan["indicators"][0]["targets"][1]["value"] = None
    plan["tasks"][0]["measures"][0]["text"] = ""
    plan["tasks"][0]["measures"][0]["lead_units"] = ["U9"]
    plan["organizations"][1]["colour"] = "red"
    plan["span"]["end"] = "2020-01-01"
    assert sorted(faults_of(plan)) == [
        ("extra-forbidden", "/organizations/1/colour"),
        ("int-type", "/indicators/0/targets/0/year"),
        ("missing", "/title"),
        ("span-order", "/span/end"),
        ("string-too-short", "/tasks/0/measures/0/text"),
        ("string-type", "/indicators/0/unit"),
        ("unknown-group", "/indicators/0/group"),
        ("unknown-organization", "/tasks/0/measures/0/lead_units/0"),
        ("value-required", "/indicators/0/targets/1/value"),
    ]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/organizations/0/code", "no code"),
        ("/organizations", []),
        ("/organizations", "none"),
        ("/organizations/0", None),
        ("/organizations/2/submits", "perhaps"),
        ("/groups/0", 5),
        ("/indicators/0/code", ""),
        ("/indicators/0/owners/0", ""),
        ("/indicators/0/targets/0", 5),
        ("/indicators/0/targets", {}),
        ("/indicators/1/levels", 5),
        ("/indicators/1/levels/0/points", "many"),
        ("/indicators/1/targets/0/kind", "good"),
        ("/indicators/1/acting_owner", 5),
        ("/tasks", 5),
        ("/tasks/0/measures/0/code", ""),
        ("/scheme", None),
        ("/scheme/gate/grades/0", {"code": "x"}),
        ("/scheme/gate/grades/1/code", ""),
        ("/scheme/weights/mandatory", "two"),
        ("/city/code", "x"),
        ("/span/start", "yesterday"),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_a_contradiction(pointer: str, value: object) -> None:
    assert all(at.startswith(pointer) for _, at in faults_of(put(a_plan(), pointer, value)))


@pytest.mark.parametrize("data", [None, [], "plan", 5, {}, {"format": "wufei-plan/2"}, {1: 2}])
def test_what_is_no_plan_at_all_is_refused(data: object) -> None:
    assert faults_of(data)


def test_a_fault_speaks_both_languages() -> None:
    with pytest.raises(InvalidPlan) as refusal:
        read_document(put(a_plan(), "/scheme/floor", 101))
    (fault,) = refusal.value.faults
    assert (fault.detail.zh, fault.detail.en) == ("应在 0 与 100 之间", "Must be from 0 to 100")
    assert fault.value == "101"


def test_a_thousand_indicators_check_in_well_under_a_second() -> None:
    plan = a_plan()
    one = plan["indicators"][0]
    plan["indicators"] = [{**one, "code": f"I{n}", "owners": ["U9"]} for n in range(1000)]
    plan["open_questions"] = plan["open_questions"][1:]
    plan["tasks"] = []
    plan["title"] = None
    began = time.process_time()
    faults = faults_of(plan)
    assert time.process_time() - began < 1
    assert len(faults) == 2001


WHOLE_PLANS = [a_plan(), read_yaml((PLANS / "410183-2025.yaml").read_bytes())]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.sampled_from(["NaN", "-1", "2025", "R01", "UN05", "1e400", "9" * 50, "\ud800", "\x00"]),
    st.decimals(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), st.none(), max_size=2),
)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    members: list[Any] = []
    if isinstance(node, dict):
        members = list(node)
    elif isinstance(node, list):
        members = list(range(len(node)))
    return [place for member in members for place in [(node, member), *places(node[member])]]


@settings(max_examples=100)
@given(st.data())
def test_a_damaged_plan_is_refused_or_read_and_never_breaks(data: st.DataObject) -> None:
    plan = copy.deepcopy(data.draw(st.sampled_from(WHOLE_PLANS)))
    for _ in range(data.draw(st.integers(1, 6))):
        container, key = data.draw(st.sampled_from(places(plan)))
        match data.draw(st.sampled_from(["delete", "replace", "insert"])):
            case "delete":
                del container[key]
            case "replace":
                container[key] = data.draw(JUNK)
            case _ if isinstance(container, list):
                container.insert(key, data.draw(JUNK))
            case _:
                container[data.draw(st.one_of(st.text(max_size=3), st.integers()))] = None
    with suppress(InvalidPlan):
        read_document(plan)


@settings(max_examples=60)
@given(st.data())
def test_one_unreadable_place_is_told_and_nothing_else(data: st.DataObject) -> None:
    plan = copy.deepcopy(data.draw(st.sampled_from(WHOLE_PLANS)))
    container, key = data.draw(st.sampled_from(places(plan)))
    unreadable = object()
    container[key] = unreadable
    with pytest.raises(InvalidPlan) as refusal:
        read_document(plan)
    assert len(refusal.value.faults) == 1
