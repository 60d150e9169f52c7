"""Units with targets of their own: each is judged by its own value, and the city by the city's."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.core.scoring.aggregation import Operands
from services.core.scoring.board import Judged, ScoringContext, draw_board
from services.core.scoring.explanation import explain
from services.core.scoring.judgement import judge
from services.core.scoring.reach import within_reach
from services.core.scoring.traces import case_of, result_of
from tests.support.periods import a_period
from tests.unit.scoring.builders import (
    a_state,
    a_target,
    a_value,
    an_assignment,
    an_indicator,
)

OPENED = {"2025": date(2026, 1, 31)}
BEFORE, AFTER = date(2026, 1, 10), date(2026, 2, 10)


def own(unit: str, kind: str, value: object = None, year: int = 2025) -> dict[str, Any]:
    return {**a_target(kind, value, year, text=f"{unit} {kind} {value}"), "organization": unit}


def of_both(**changes: Any) -> dict[str, Any]:
    """Return an indicator that UN01 and UN02 report and that is added up: at least 10."""
    return an_indicator(
        **{
            "targets": [a_target("at_least", 10)],
            "owners": ["UN01", "UN02"],
            "aggregation": {"units": "sum", "periods": "last"},
            "unit_targets": [own("UN01", "at_least", 8), own("UN02", "at_least", 4)],
            **changes,
        }
    )


def reported(values: Mapping[str, object], period: str = "2025") -> Operands:
    """Return what units reported, added up, with each one's own."""
    each = tuple(a_value(value, period, organization_code=unit) for unit, value in values.items())
    return replace(
        a_value(sum(Decimal(str(value)) for value in values.values()), period),
        reports=len(each),
        values=len(each),
        organization_code=None,
        organizations=tuple(values),
        of_units=each,
    )


def judged(
    indicator: Mapping[str, Any],
    *operands: Operands,
    today: date = AFTER,
    period: str = "2025",
    **changes: Any,
) -> Any:
    bench = ScoringContext.of(a_state(indicator, **{"opened": OPENED, **changes}), today)
    operated = {("R01", each.period): each for each in operands}
    return draw_board(bench, a_period(period), operated).traces["R01"]


def standing(trace: Any) -> dict[str, tuple[Any, Any, Any]]:
    return {
        each["organization_code"]: (each["state"], each["met"], each["attainment"])
        for each in trace["units"]
    }


def test_each_unit_is_judged_by_its_own_value_and_target() -> None:
    trace = judged(of_both(), reported({"UN01": 6, "UN02": 5}))
    assert standing(trace) == {"UN01": ("scored", False, "75"), "UN02": ("scored", True, "100")}
    assert [each["value"] for each in trace["units"]] == ["6", "5"]
    assert [each["target"]["value"] for each in trace["units"]] == ["8", "4"]
    assert (trace["result"]["value"], trace["result"]["met"]) == ("11", True)


def test_the_citys_verdict_is_the_same_without_the_units_targets() -> None:
    values = reported({"UN01": 6, "UN02": 3})
    with_units = judged(of_both(), values)
    without = judged(of_both(unit_targets=[]), values)
    assert "units" not in without
    assert {name: each for name, each in with_units.items() if name != "units"} == without
    assert result_of(judge(case_of(with_units))) == with_units["result"]


def test_what_the_superior_assigns_to_the_city_is_not_a_units() -> None:
    indicator = of_both(targets=[a_target("assigned_by_superior", None)])
    row = an_assignment("R01", "at_least", 100, "≥100")
    trace = judged(indicator, reported({"UN01": 8, "UN02": 4}), assigned=[row])
    assert trace["result"]["met"] is False
    assert {each["met"] for each in trace["units"]} == {True}


def test_a_unit_is_compared_with_its_own_earlier_value() -> None:
    indicator = of_both(unit_targets=[own("UN01", "rising"), own("UN02", "not_worse")])
    trace = judged(
        indicator, reported({"UN01": 6, "UN02": 5}), reported({"UN01": 5, "UN02": 6}, "2024")
    )
    assert [each["met"] for each in trace["units"]] == [True, False]


def test_the_target_of_the_periods_date_counts() -> None:
    both = [own("UN01", "at_least", 8, 2025), own("UN01", "at_least", 20, 2027)]
    trace = judged(of_both(unit_targets=both), reported({"UN01": 8, "UN02": 4}))
    assert standing(trace) == {"UN01": ("scored", True, "100")}


@pytest.mark.parametrize(
    ("today", "expected"),
    [(BEFORE, ("not_due", None, None)), (AFTER, ("missing", None, "0"))],
)
def test_a_unit_that_reports_nothing_stands_as_an_indicator_would(
    today: date, expected: tuple[str, Any, Any]
) -> None:
    trace = judged(of_both(), reported({"UN01": 8}), today=today)
    assert standing(trace)["UN02"] == expected
    assert standing(trace)["UN01"] == ("scored", True, "100")


def test_a_unit_that_is_not_asked_is_not_missing() -> None:
    indicator = of_both(owners=["UN01"])
    found = judged(indicator, reported({"UN01": 8}))["units"]
    assert [each["reason_code"] for each in found] == ["met", "unit_reports_nothing"]
    assert standing({"units": found})["UN02"] == ("not_assessable", None, None)


def test_a_part_of_a_units_year_has_not_met_the_years_target() -> None:
    indicator = of_both(
        frequency="quarterly",
        aggregation={"units": "sum", "periods": "sum"},
        unit_targets=[own("UN01", "at_most", 8)],
    )
    trace = judged(
        indicator, reported({"UN01": 1, "UN02": 1}, "2025-Q1"), today=date(2025, 4, 10), opened={}
    )
    assert [(each["met"], each["value"]) for each in trace["units"]] == [(None, "1")]


def test_units_outside_the_callers_reach_are_not_told() -> None:
    trace = judged(of_both(), reported({"UN01": "6.123", "UN02": 5}))
    shown = within_reach(trace, "UN02".__eq__, {"2025": 1})
    told = str(shown) + " ".join(step.zh + step.en for step in explain(trace, shown))
    assert [each["organization_code"] for each in shown["units"]] == ["UN02"]
    assert "6.123" not in told
    assert within_reach(trace, "".__eq__, {})["units"] == []


def test_the_steps_tell_how_the_units_stand_and_the_reason_of_the_light_comes_last() -> None:
    trace = judged(of_both(), reported({"UN01": 6, "UN02": 5}))
    steps = explain(trace)
    assert "UN01 自身目标 UN01 at_least 8：数值 6，完成度 75" in steps[-3].zh
    assert "UN02, own target UN02 at_least 4: value 5, attainment 100" in steps[-2].en
    assert steps[-1].zh == "已达到2025年目标（≥95）"


def test_the_same_sum_of_other_values_is_judged_anew_on_the_other_basis() -> None:
    bench = ScoringContext.of(a_state(of_both(), opened=OPENED), AFTER)
    period, known = a_period("2025"), Judged()
    found = [
        draw_board(bench, period, {("R01", "2025"): reported(values)}, known=known).traces["R01"]
        for values in ({"UN01": 6, "UN02": 5}, {"UN01": 8, "UN02": 3})
    ]
    assert [[each["met"] for each in trace["units"]] for trace in found] == [
        [False, True],
        [True, False],
    ]


def test_a_board_turns_when_a_units_target_date_passes() -> None:
    indicator = of_both(unit_targets=[{**own("UN01", "at_least", 8), "by": "2025-05-20"}])
    del indicator["unit_targets"][0]["year"]
    bench = ScoringContext.of(a_state(indicator), date(2025, 5, 20))
    assert bench.turned("2025", date(2025, 5, 20), date(2025, 5, 21))
    assert not bench.turned("2025", date(2025, 5, 21), date(2025, 5, 22))
