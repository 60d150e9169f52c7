"""A plan that is damaged anywhere is refused or read: it never breaks."""

import copy
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core.kit.exact_yaml import read_yaml
from services.core.plan.errors import InvalidPlan
from services.core.plan.rules import read_document
from tests.unit.plan.builders import a_plan

PLANS = Path(__file__).parents[3] / "plans"

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


def test_each_unreadable_place_of_a_plan_with_one_of_everything_is_told_and_nothing_else() -> None:
    plan = copy.deepcopy(a_plan())
    told = []
    for container, key in places(plan):
        readable, container[key] = container[key], object()
        with pytest.raises(InvalidPlan) as refusal:
            read_document(plan)
        told.append([(fault.pointer, fault.code) for fault in refusal.value.faults])
        container[key] = readable
    assert len(told) > 250
    assert [faults for faults in told if len(faults) != 1] == []
