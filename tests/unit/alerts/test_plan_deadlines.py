"""Deadlines that the plan's document holds: of its years, and of the calendar's."""

from datetime import date

import pytest

from services.core.alerts.plan_deadlines import plan_deadlines
from services.core.alerts.rule_set import default_rules_of
from tests.unit.scoring.builders import a_state, an_indicator

LEFT_OPEN = an_indicator(targets=[{"year": 2025, "kind": "assigned_by_superior", "text": "—"}])


@pytest.mark.parametrize(
    ("begins", "month", "day", "waited"),
    [
        ("01-01", 3, 31, date(2025, 3, 31)),
        ("04-01", 3, 31, date(2026, 3, 31)),
        ("04-01", 4, 1, date(2025, 4, 1)),
        ("07-01", 6, 30, date(2026, 6, 30)),
        ("04-01", 2, 29, date(2026, 2, 28)),
    ],
)
def test_a_target_is_waited_for_until_a_day_of_its_own_year(
    begins: str, month: int, day: int, waited: date
) -> None:
    usual = default_rules_of("UN01").rules.target_missing
    rule = usual.model_copy(update={"month": month, "day": day})
    plan = a_state(LEFT_OPEN, fiscal_year_begins=begins)
    (found,) = plan_deadlines(plan, "target_missing", rule, date(2025, 5, 1))
    assert (found.mark, found.epoch) == (waited, 2025)


@pytest.mark.parametrize(
    ("today", "marks"),
    [
        (date(2024, 4, 16), []),
        (date(2024, 12, 31), [date(2025, 4, 22)]),
        (date(2025, 4, 22), [date(2025, 4, 22)]),
        (date(2025, 4, 23), []),
        (date(2029, 4, 16), []),
    ],
)
def test_a_publicity_day_is_told_by_the_plan_that_holds_on_it(
    today: date, marks: list[date]
) -> None:
    plan = a_state(
        LEFT_OPEN,
        span={"start": "2025-01-01", "end": "2025-12-31"},
        supervision={"publicity_days": [{"month": 4, "day": 22, "name": "地球日"}]},
    )
    usual = default_rules_of("UN01").rules.target_missing
    assert [one.mark for one in plan_deadlines(plan, "publicity_day", usual, today)] == marks
