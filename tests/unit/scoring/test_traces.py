"""A stored trace alone leads to the same digits, and to the steps in words."""

import json
from datetime import date
from typing import Any

import pytest

from services.core.plan.periods import Period
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import Bench, draw_board
from services.core.scoring.explanation import explain
from services.core.scoring.traces import Trace, replay, result_of
from tests.unit.scoring.builders import (
    a_baseline,
    a_level,
    a_ratio,
    a_scheme,
    a_state,
    a_target,
    a_value,
    an_assignment,
    an_indicator,
    not_applicable,
)

LEVELS = [{"code": "A", "name": "全", "points": 100}, {"code": "B", "name": "半", "points": 50}]
QUARTERLY: dict[str, Any] = {
    "frequency": "quarterly",
    "aggregation": {"units": "sum", "periods": "mean"},
}


def traced(
    indicator: dict[str, Any], reported: list[Operands], period: str = "2025", **plan: Any
) -> Trace:
    state = a_state(indicator, **plan)
    operated = {("R01", operands.period): operands for operands in reported}
    drawn = draw_board(Bench.of(state, date(2026, 1, 10)), Period.parse(period), operated)
    stored: Trace = json.loads(json.dumps(drawn.traces["R01"]))
    return stored


CASES = [
    traced(an_indicator(baseline=a_baseline("94.78")), [a_value("94.9", "2024")], "2024"),
    traced(an_indicator(multiplier=100), [a_ratio(2, 3)]),
    traced(an_indicator(multiplier=100), [a_ratio(-1, -7, provisional=1, falsified=1)]),
    traced(
        an_indicator(baseline=a_baseline(7)),
        [a_value(10)],
        scheme=a_scheme(name="distance-to-target"),
    ),
    traced(an_indicator(targets=[a_target("rising", None)]), [a_ratio(1, 3), a_value(1, "2024")]),
    traced(an_indicator(targets=[a_target("qualitative", None)], levels=LEVELS), [a_level("B")]),
    traced(an_indicator(targets=[a_target("assigned_by_superior", None)]), [a_value(1)]),
    traced(
        an_indicator(targets=[a_target("assigned_by_superior", None)]),
        [a_value(1)],
        assigned=[an_assignment("R01", "at_most", 5)],
    ),
    traced(an_indicator(), [not_applicable()]),
    traced(an_indicator(), [], opened={"2025": date(2026, 1, 9)}),
    traced(
        an_indicator(**QUARTERLY),
        [
            Operands("2025-Q1", 2, values=2, value_sum=a_value("3.5").value_sum),
            a_value(1, "2025-Q3"),
            not_applicable(period="2025-Q4"),
        ],
    ),
]


@pytest.mark.parametrize("trace", CASES)
def test_replaying_a_stored_trace_gives_the_same_result(trace: Trace) -> None:
    assert result_of(replay(trace)) == trace["result"]


@pytest.mark.parametrize("trace", CASES)
def test_every_trace_explains_itself_in_both_languages(trace: Trace) -> None:
    steps = explain(trace)
    assert len(steps) >= 3
    assert all(step.zh and step.en for step in steps)
    assert "{" not in "".join(step.zh + step.en for step in steps)


def test_a_trace_names_the_finer_periods_and_those_that_are_missing() -> None:
    trace = CASES[-1]
    assert [part["period"] for part in trace["finer_periods"]] == ["2025-Q1", "2025-Q3", "2025-Q4"]
    assert trace["finer_periods_missing"] == ["2025-Q2"]
    assert trace["result"]["value"] == "2.25"


def test_a_trace_names_the_assignment_it_was_judged_by() -> None:
    target = CASES[7]["target"]
    assert (target["source"], target["document_number"]) == ("assigned", "郑环〔2024〕7号")
    assert "郑环〔2024〕7号" in explain(CASES[7])[2].zh


def test_a_fallback_from_the_distance_is_said() -> None:
    trace = traced(an_indicator(), [a_value(10)], scheme=a_scheme(name="distance-to-target"))
    assert trace["result"]["rule"] == "completion_rate_no_baseline"
    assert any("completion rate instead" in step.en for step in explain(trace))
