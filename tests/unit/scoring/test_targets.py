"""What a target is called, whichever of its number and its text was given."""

from decimal import Decimal
from typing import Any

import pytest

from services.core.plan.periods import PeriodCalendar
from services.core.scoring.targets import Target, target_for
from tests.unit.scoring.builders import (
    a_document,
    a_target,
    a_value,
    an_assignment,
    an_indicator,
    judged,
)

ASSIGNED_LATER = an_indicator(
    targets=[a_target("assigned_by_superior", None, text="完成郑州市下达任务")]
)


def test_an_assignment_without_a_text_is_called_by_its_figure() -> None:
    row = judged(ASSIGNED_LATER, a_value(6), assigned=[an_assignment("R01", "at_most", 5)])
    assert row["reason"] == "目标时间已到（2025年底），未达到目标（≤ 5）"
    assert "the target (≤ 5) is not met" in row["reason_en"]


def test_what_was_written_is_what_a_target_is_called() -> None:
    written = an_assignment("R01", "at_most", "5", "不高于5吨/万元")
    row = judged(ASSIGNED_LATER, a_value(4), assigned=[written])
    assert row["reason"] == "已达到2025年目标（不高于5吨/万元）"


@pytest.mark.parametrize(
    ("kind", "value", "text", "figure", "remark"),
    [
        ("at_least", "40", "40", "≥ 40", None),
        ("at_least", "40", "≥40", "≥ 40", None),
        ("at_least", "99.5", "99.50 %", "≥ 99.5", None),
        ("more_than", "95", ">95", "> 95", None),
        ("at_most", "-5", "≤ -5％", "≤ -5", None),
        ("at_least", "40", "4", "≥ 40", "4"),
        ("at_least", "40", "2025年底前达到40%", "≥ 40", "2025年底前达到40%"),
        ("at_most", "5", None, "≤ 5", None),
        ("full_coverage", None, "全覆盖", "≥ 100", "全覆盖"),
        ("negative_growth", None, "负增长", None, "负增长"),
        ("at_least", None, "满足需要", None, "满足需要"),
    ],
)
def test_the_text_is_a_remark_where_it_says_more_than_the_figure(
    kind: Any, value: str | None, text: str | None, figure: str | None, remark: str | None
) -> None:
    target = Target(2025, kind, None if value is None else Decimal(value), text)
    assert (target.figure, target.remark) == (figure, remark)


@pytest.mark.parametrize(
    ("value", "year", "source", "reached"),
    [
        # Assigned while the plan left the year open: a version that prints it since goes before.
        ("40", 2025, "plan", True),
        ("39", 2025, "plan", False),
        # A year that the plan leaves open is judged by what was assigned for it.
        ("39", 2026, "assigned", True),
    ],
)
def test_what_the_plan_prints_for_a_year_goes_before_what_was_assigned_for_it(
    value: str, year: int, source: str, reached: bool
) -> None:
    left_open = a_target("assigned_by_superior", None, year=2026, text="完成下达任务")
    (indicator,) = a_document(
        an_indicator(targets=[a_target(value="40", year=2025), left_open])
    ).indicators
    assigned = [an_assignment("R01", "at_least", 30, year=each) for each in (2025, 2026)]
    calendar = PeriodCalendar(1)
    held = {(row.indicator_code, row.year): (row,) for row in assigned}
    target = target_for(indicator, calendar.year(year), held)
    assert target.source == source
    assert target.bound is not None
    assert (Decimal(value) >= target.bound) is reached
