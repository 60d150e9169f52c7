"""Members of a plan that contradict each other, and every fault told at once."""

import copy
import sys
from typing import Any

import pytest

from services.core.plan.errors import InvalidPlan
from services.core.plan.rules import read_document
from tests.unit.plan.builders import a_plan, faults_of, put


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
    assert faults_of(plan) == [("no-unit", "/tasks/0/measures/0/lead_units")]


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


def many_indicators(number: int) -> dict[str, Any]:
    """Return a plan of so many indicators, each with a code of its own and an owner of nobody's."""
    plan = a_plan()
    one = plan["indicators"][0]
    plan["indicators"] = [{**one, "code": f"I{n}", "owners": ["U9"]} for n in range(number)]
    plan["open_questions"] = plan["open_questions"][1:]
    plan["tasks"], plan["registers"] = [], []
    plan["title"] = None
    return plan


def calls_of(number: int) -> int:
    """Return how many functions are called to check so many; a count is the same on any machine."""
    plan, calls = many_indicators(number), 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        faults = faults_of(plan)
    finally:
        sys.setprofile(None)
    assert len(faults) == 2 * number + 1
    return calls


def test_the_work_of_a_check_grows_as_the_plan_does() -> None:
    few, many = calls_of(250), calls_of(1000)
    assert many < 4.4 * few
