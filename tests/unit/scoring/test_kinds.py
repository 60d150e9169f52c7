"""Kinds of target beyond one bound: trends, ranges, several conditions; targets by date."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.scoring.board import ScoringContext, draw_board
from services.core.scoring.figures import Figure
from services.core.scoring.judgement import judge
from services.core.scoring.kinds import Found, Ground, judge_number
from services.core.scoring.targets import Asked, Target
from services.core.scoring.traces import case_of, result_of
from tests.support.periods import a_period
from tests.unit.scoring.builders import (
    a_baseline,
    a_level,
    a_state,
    a_target,
    a_value,
    an_indicator,
    judged,
)

NUMBERS = st.decimals(-1000, 1000, places=3)
LEVELS = [{"code": "A", "name": "全", "points": 100}, {"code": "B", "name": "半", "points": 50}]


def asks(kind: str, value: object = None, **more: Any) -> list[dict[str, Any]]:
    return [{"year": 2025, "kind": kind, "value": value, "text": "x", **more}]


@pytest.mark.parametrize(
    ("kind", "direction", "before", "now", "met"),
    [
        ("falling", "lower_better", 5, 4, True),
        ("falling", "lower_better", 5, 5, False),
        ("falling", "lower_better", 5, 6, False),
        ("not_worse", "lower_better", 5, 5, True),
        ("not_worse", "lower_better", 5, 6, False),
        ("not_worse", "higher_better", 5, 5, True),
        ("not_worse", "higher_better", 5, 4, False),
    ],
)
def test_a_trend_compares_with_last_year(
    kind: str, direction: str, before: int, now: int, met: bool
) -> None:
    indicator = an_indicator(targets=asks(kind), direction=direction)
    row = judged(indicator, [a_value(before, "2024"), a_value(now)])
    assert (row["met"], row["attainment"]) == (met, "100" if met else "0")


@pytest.mark.parametrize(
    ("value", "met", "attainment"),
    [("49", True, "100"), ("50", False, "100"), ("100", False, "50")],
)
def test_less_than_is_not_met_at_its_bound(value: str, met: bool, attainment: str) -> None:
    row = judged(
        an_indicator(targets=asks("less_than", 50), direction="lower_better"), a_value(value)
    )
    assert (row["met"], row["attainment"]) == (met, attainment)


@pytest.mark.parametrize(
    ("value", "met", "attainment"),
    [
        ("3", True, "100"),
        ("5", True, "100"),
        ("1.5", False, "50"),
        ("10", False, "50"),
        ("0", False, "0"),
    ],
)
def test_between_is_met_from_one_end_to_the_other(value: str, met: bool, attainment: str) -> None:
    row = judged(an_indicator(targets=asks("between", 3, upper=5)), a_value(value))
    assert (row["met"], row["attainment"]) == (met, attainment)


@pytest.mark.parametrize(
    ("baseline", "value", "reason"),
    [
        (1, "2", "on_pace"),
        (1, "0", "worse_than_baseline"),
        (1, "6", "beyond_range"),
        (9, "6", "on_pace"),
        (9, "10", "worse_than_baseline"),
        (9, "1", "beyond_range"),
        (4, "6", "hold_fell"),
        (4, "2", "hold_fell"),
    ],
)
def test_a_range_has_a_pace_towards_its_nearer_end(baseline: int, value: str, reason: str) -> None:
    indicator = an_indicator(
        targets=[{**a_target("between", 3, year=2030), "upper": 5}],
        baseline=a_baseline(baseline, 2020),
    )
    assert judged(indicator, a_value(value))["reason_code"] == reason


@pytest.mark.parametrize(
    ("kind", "before", "now", "met", "attainment"),
    [
        ("any_of", 80, 85, True, "100"),
        ("any_of", 95, 90, True, "100"),
        ("any_of", 80, 72, False, "80"),
        ("any_of", None, 95, True, "100"),
        ("any_of", None, 72, None, None),
        ("all_of", 90, 95, True, "100"),
        ("all_of", 96, 95, False, "0"),
        ("all_of", 70, 72, False, "80"),
        ("all_of", None, 72, False, "80"),
        ("all_of", None, 95, None, None),
    ],
)
def test_several_conditions(
    kind: str, before: int | None, now: int, met: bool | None, attainment: str | None
) -> None:
    conditions = [{"kind": "at_least", "value": 90}, {"kind": "rising"}]
    reported = [a_value(now)] + ([] if before is None else [a_value(before, "2024")])
    row = judged(an_indicator(targets=asks(kind, conditions=conditions)), reported)
    assert (row["met"], row["attainment"]) == (met, attainment)
    if met is None:
        assert (row["state"], row["reason_code"]) == ("not_assessable", "no_previous_period")


def ground(value: Decimal, previous: Decimal | None = None) -> Ground:
    return Ground(
        figure=Figure(value),
        baseline=None,
        previous=None if previous is None else Figure(previous),
        growth_is_positive=True,
        lower_better=False,
        scheme="completion-rate",
        elapsed=0,
        whole=0,
    )


def found(target: Target, of: Ground) -> Found:
    answer = judge_number(target, of)
    assert isinstance(answer, Found)
    return answer


@given(st.sampled_from(["at_least", "more_than", "at_most", "less_than"]), NUMBERS, NUMBERS,
       NUMBERS)  # fmt: skip
def test_a_better_value_is_never_worse(
    kind: Any, bound: Decimal, one: Decimal, other: Decimal
) -> None:
    worse, better = sorted((one, other), reverse=kind in {"at_most", "less_than"})
    target = Target(2025, kind, bound, None)
    low, high = found(target, ground(worse)), found(target, ground(better))
    assert low.attainment.met <= high.attainment.met
    if bound > 0 and worse > 0 and better > 0:
        assert low.attainment.value <= high.attainment.value


@given(
    st.lists(
        st.tuples(st.sampled_from(["at_least", "at_most", "more_than", "rising", "not_worse"]),
                  NUMBERS),
        min_size=2, max_size=5,
    ),
    NUMBERS,
    NUMBERS,
)  # fmt: skip
def test_all_of_is_the_least_and_any_of_the_most(
    listed: list[tuple[Any, Decimal]], value: Decimal, previous: Decimal
) -> None:
    of = ground(value, previous)
    conditions = tuple(
        Asked(kind, None if kind in {"rising", "not_worse"} else bound) for kind, bound in listed
    )
    each = [found(Target(2025, one.kind, one.value, None), of).attainment for one in conditions]
    every = found(Target(2025, "all_of", None, None, conditions=conditions), of).attainment
    some = found(Target(2025, "any_of", None, None, conditions=conditions), of).attainment
    assert every.met is all(one.met for one in each)
    assert some.met is any(one.met for one in each)
    assert some.value == (100 if some.met else max(one.value for one in each))
    if not every.met:
        assert every.value == min(one.value for one in each if not one.met)


def test_all_or_nothing_counts_nothing_short_of_the_target() -> None:
    whole = an_indicator(targets=asks("at_least", 90), attainment="all_or_nothing")
    graded = an_indicator(targets=asks("at_least", 90))
    assert judged(whole, a_value(89))["attainment"] == "0"
    assert judged(whole, a_value(90))["attainment"] == "100"
    assert judged(graded, a_value(45))["attainment"] == "50"
    by_level = an_indicator(targets=asks("qualitative"), levels=LEVELS, attainment="all_or_nothing")
    assert judged(by_level, a_level("B"))["attainment"] == "0"


def test_a_period_is_measured_against_the_earliest_target_not_due_before_it_ends() -> None:
    targets = [
        {"by": date(2025, 6, 30), "kind": "at_least", "value": 10, "text": "10"},
        {"period": "2025-Q3", "kind": "at_least", "value": 20, "text": "20"},
        {"year": 2025, "kind": "at_least", "value": 30, "text": "30"},
    ]
    indicator = an_indicator(frequency="quarterly", targets=targets)
    asked = {
        period: judged(indicator, a_value(5, period), period=period)["target"]
        for period in ("2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4", "2025", "2026")
    }
    assert {period: (each["value"], each["date"]) for period, each in asked.items()} == {
        "2025-Q1": ("10", "2025-06-30"),
        "2025-Q2": ("10", "2025-06-30"),
        "2025-Q3": ("20", "2025-09-30"),
        "2025-Q4": ("30", "2025-12-31"),
        "2025": ("30", "2025-12-31"),
        "2026": ("30", "2025-12-31"),
    }


def test_a_target_by_a_day_is_not_met_from_the_midnight_after_it() -> None:
    targets = [{"by": date(2025, 6, 15), "kind": "at_least", "value": 10, "text": "10"}]
    indicator = an_indicator(frequency="monthly", targets=targets)
    before = judged(indicator, a_value(5, "2025-06"), period="2025-06", today=date(2025, 6, 15))
    after = judged(indicator, a_value(5, "2025-06"), period="2025-06", today=date(2025, 6, 16))
    assert (before["light"], after["light"]) == ("grey", "red")
    assert after["reason"] == "目标时间已到（2025-06-15），未达到目标（10）"


def test_an_amount_stands_beside_the_level_that_is_judged() -> None:
    indicator = an_indicator(
        targets=asks("qualitative"), levels=LEVELS, level_with_value=True, unit="亿元"
    )
    row = judged(indicator, a_value("12.5", levels=("A",)))
    assert (row["met"], row["level"], row["value"], row["display"]) == (True, "A", "12.5", "全")


def test_verdicts_of_every_kind_can_be_reached_again_from_their_traces() -> None:
    conditions = [{"kind": "at_least", "value": 90}, {"kind": "between", "value": 1, "upper": 9}]
    indicators = [
        an_indicator("K1", targets=asks("between", 3, upper=5), baseline=a_baseline(1)),
        an_indicator("K2", targets=asks("all_of", conditions=conditions)),
        an_indicator("K3", targets=asks("any_of", conditions=conditions)),
        an_indicator("K4", targets=asks("not_worse"), direction="lower_better"),
        an_indicator(
            "K5",
            targets=[{"by": "2026-06-30", "kind": "less_than", "value": 2, "text": "<2"}],
            attainment="all_or_nothing",
        ),
    ]
    operated = {
        (code, period): a_value(7, period)
        for code in ("K1", "K2", "K3", "K4", "K5")
        for period in ("2024", "2025")
    }
    bench = ScoringContext.of(a_state(*indicators), date(2026, 1, 10))
    traces = draw_board(bench, a_period("2025"), operated).traces
    for trace in traces.values():
        assert result_of(judge(case_of(trace))) == trace["result"]


@pytest.mark.parametrize(("baseline", "end"), [(9, 3), (1, 5)])
def test_who_came_from_the_other_side_has_not_left_a_range_at_its_end(
    baseline: int, end: int
) -> None:
    of = replace(ground(Decimal(end)), baseline=Decimal(baseline))
    answer = found(Target(2025, "between", Decimal(3), None, upper=Decimal(5)), of)
    assert answer.attainment.met
    assert not answer.beyond


@pytest.mark.parametrize(
    ("kind", "conditions", "beyond"),
    [
        ("all_of", (("between", 3, 5), ("at_least", 100, None)), True),
        ("all_of", (("at_least", 50, None), ("at_least", 100, None)), False),
        ("any_of", (("between", 3, 5), ("between", 2, 4)), True),
        ("any_of", (("between", 3, 5), ("at_least", 100, None)), False),
    ],
)
def test_several_conditions_are_overshot_if_any_or_each_is(
    kind: Any, conditions: tuple[tuple[Any, int, int | None], ...], *, beyond: bool
) -> None:
    listed = tuple(
        Asked(each, Decimal(value), None if upper is None else Decimal(upper))
        for each, value, upper in conditions
    )
    of = replace(ground(Decimal(6)), baseline=Decimal(1))
    answer = found(Target(2025, kind, None, None, conditions=listed), of)
    assert (answer.attainment.met, answer.beyond) == (False, beyond)
