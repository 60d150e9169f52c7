"""A stored trace alone leads to the same digits, and to the steps in words."""

import json
from datetime import date
from typing import Any

import pytest

from services.core.kit.text import Language
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import ScoringContext, draw_board
from services.core.scoring.explanation import explain
from services.core.scoring.judgement import judge
from services.core.scoring.traces import Trace, case_of, result_of
from tests.support.periods import a_period
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
    drawn = draw_board(ScoringContext.of(state, date(2026, 1, 10)), a_period(period), operated)
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
    assert result_of(judge(case_of(trace))) == trace["result"]


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
    assert any("郑环〔2024〕7号" in step.zh for step in explain(CASES[7]))


def told(trace: Trace, language: Language = "zh-CN") -> list[str]:
    return [step.in_(language) for step in explain(trace)]


def test_the_steps_of_a_ratio_read_from_the_data_to_the_light() -> None:
    target = a_target(text="95")
    trace = traced(
        an_indicator(multiplier=100, baseline=a_baseline(80), targets=[target]),
        [a_ratio("8.52", "9.1", "2024", organization_code="UN01")],
        "2024",
    )
    assert told(trace) == [
        "2024，UN01：分子 8.52，分母 9.1",
        "数值 = 852 ÷ 9.1 = 93.626373…（分子已乘以 100）",
        "2025年目标（计划）：≥ 95",
        "现状值（2022年）：80",
        "未达到目标，按完成率计算：完成度 98.554077…",
        "进度 = 已完成 0.908424… ÷ 应完成 0.666666…（24 ÷ 36 个月）= 1.362637…",
        "未达到2025年目标（95），进度 1.36，不低于 1.00",
    ]
    assert told(trace, "en") == [
        "2024, UN01: numerator 8.52, denominator 9.1",
        "Value = 852 ÷ 9.1 = 93.626373… (the numerator already times 100)",
        "Target of 2025 (by the plan): ≥ 95",
        "Baseline (2022): 80",
        "Not met; by completion rate: attainment 98.554077…",
        "Pace = share done 0.908424… ÷ share expected 0.666666… (24 of 36 months) = 1.362637…",
        "The 2025 target (95) is not met yet; pace 1.36 is at least 1.00",
    ]


def test_the_steps_of_finer_periods_say_how_they_were_put_together() -> None:
    assert told(CASES[-1])[:5] == [
        "2025-Q1，2 个单位合计：数值 3.5",
        "2025-Q3，UN01：数值 1",
        "2025-Q4，1 个单位：不适用",
        "由较短周期合并（取平均）：有 3 期，缺 2025-Q2",
        "数值 = 4.5 ÷ 2 = 2.25",
    ]
    assert told(CASES[-1], "en")[3] == "From 3 finer periods (averaged); missing: 2025-Q2"


def test_the_steps_of_a_rise_name_what_it_is_compared_with() -> None:
    rising = an_indicator(targets=[a_target("rising", None, text="逐步提升")])
    assert told(traced(rising, [a_value(1), a_value(2, "2024")]))[:3] == [
        "2025，UN01：数值 1",
        "2025年目标（计划）：逐步提升",
        "可比的上一期（2024）：2",
    ]


def test_the_steps_call_a_level_by_its_name_and_doubtful_data_doubtful() -> None:
    worded = an_indicator(targets=[a_target("qualitative", None, text="全面运转")], levels=LEVELS)
    assert told(traced(worded, [a_level("B")]))[0] == "2025，1 个单位：等级 半"
    assert told(traced(an_indicator(), [a_value(96, provisional=1)]))[0].endswith("（初步数据）")
    assert told(traced(an_indicator(), [a_value(96, falsified=1)]))[0].endswith("（被认定为虚假）")


def _target_step(target: dict[str, Any]) -> str:
    trace = traced(an_indicator(targets=[target]), [a_value(10)])
    return next(step for step in told(trace) if "年目标（计划）" in step)


@pytest.mark.parametrize(
    ("kind", "value", "text", "shown"),
    [
        ("at_least", 40, "40", "≥ 40"),
        ("at_least", "99.5", "≥99.5%", "≥ 99.5"),
        ("more_than", 95, ">95", "> 95"),
        ("at_most", 23, "23", "≤ 23"),
        ("at_most", 23, "控制在23万吨以内", "≤ 23（控制在23万吨以内）"),
        ("full_coverage", 100, "全覆盖", "≥ 100（全覆盖）"),
        ("full_coverage", None, "全覆盖", "≥ 100（全覆盖）"),
        ("negative_growth", None, "负增长", "负增长"),
        ("rising", None, "逐步提升", "逐步提升"),
        ("qualitative", None, "全面运转", "全面运转"),
        ("assigned_by_superior", None, "完成下达任务", "完成下达任务"),
    ],
)
def test_a_target_is_told_once(kind: str, value: object, text: str, shown: str) -> None:
    assert _target_step(a_target(kind, value, text=text)) == f"2025年目标（计划）：{shown}"


def test_a_quotient_is_cut_and_never_rounded_across_its_target() -> None:
    close = traced(an_indicator(), [a_ratio("284.9999999", 3)])
    assert close["result"]["met"] is False
    assert told(close)[1] == "数值 = 284.9999999 ÷ 3 = 94.999999…"


def test_a_fallback_from_the_distance_is_said() -> None:
    trace = traced(an_indicator(), [a_value(10)], scheme=a_scheme(name="distance-to-target"))
    assert trace["result"]["rule"] == "completion_rate_no_baseline"
    assert any("completion rate instead" in step.en for step in explain(trace))
