"""A plan whose years begin in April: its quarters, its dates and its shares of a year."""

from datetime import date
from typing import Any

import pytest

from services.core.calendars.rules import plain_week
from services.core.plan.document import DueDays
from services.core.plan.periods import PeriodCalendar, due_by
from services.core.scoring.affected import AffectedScores, boards_to_draw
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import ScoringContext
from tests.unit.scoring.builders import (
    a_baseline,
    a_document,
    a_state,
    a_target,
    a_value,
    an_assignment,
    an_indicator,
    draw,
    judged,
    row_of,
)

APRIL: dict[str, Any] = {"fiscal_year_begins": "04-01"}
YEARS = PeriodCalendar(begins=4)
MONTHS = [month.code for month in YEARS.year(2025).children("monthly")]


def a_flow(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "frequency": "monthly",
        "aggregation": {"units": "direct", "periods": "sum"},
        "targets": [a_target("at_least", 12, 2025, "12")],
    }
    return an_indicator(**(base | changes))


def months(count: int, value: str = "1.2") -> list[Operands]:
    return [a_value(value, code) for code in MONTHS[:count]]


def test_months_are_added_up_over_the_plans_year() -> None:
    row = judged(a_flow(), months(10), today=date(2026, 2, 5), **APRIL)
    assert (row["value"], row["pace"], row["met"]) == ("12", "1.2", None)


def test_a_quarter_is_made_of_its_own_months() -> None:
    reported = [a_value(value, code) for value, code in zip("123", MONTHS[9:], strict=True)]
    row = judged(a_flow(), reported, period="2025-Q4", today=date(2026, 4, 2), **APRIL)
    assert (row["value"], row["pace"]) == ("6", "2")


@pytest.mark.parametrize("month", ["2025-01", "2025-02", "2025-03"])
def test_what_came_before_the_year_began_is_no_part_of_it(month: str) -> None:
    row = judged(a_flow(), a_value(5, month), today=date(2026, 4, 2), **APRIL)
    assert row["value"] is None


def test_nothing_is_missed_before_the_last_day_of_the_plans_year() -> None:
    stock = an_indicator(baseline=a_baseline(10, 2024))
    eve = judged(stock, a_value(20), today=date(2026, 3, 31), **APRIL)
    after = judged(stock, a_value(20), today=date(2026, 4, 1), **APRIL)
    assert (eve["target"]["date"], eve["target"]["year"]) == ("2026-03-31", 2025)
    assert (eve["reason_code"], eve["target_date_passed"]) == ("far_behind", False)
    assert (after["reason_code"], after["target_date_passed"]) == ("not_met_at_date", True)
    assert "2026-03-31" in after["reason"]


def test_an_early_value_has_gone_as_far_as_the_full_months_of_the_plans_year() -> None:
    # 11 of the 12 months since the baseline of 2024, which ended on 2025-03-31.
    stock = an_indicator(baseline=a_baseline(0, 2024), targets=[a_target("at_least", 120)])
    row = judged(stock, a_value(110), today=date(2026, 3, 31), **APRIL)
    assert row["pace"] == "1"


def test_a_month_of_the_year_before_the_targets_does_not_count_for_the_gate() -> None:
    stock = an_indicator(frequency="monthly")
    row = judged(stock, a_value(1, "2025-03"), period="2025-03", today=date(2026, 4, 1), **APRIL)
    assert row["target_date_passed"] is False
    row = judged(stock, a_value(1, "2026-03"), period="2026-03", today=date(2026, 4, 1), **APRIL)
    assert row["target_date_passed"] is True


def test_a_rise_is_over_the_same_quarter_of_last_year() -> None:
    rising = an_indicator(
        frequency="quarterly", targets=[{"year": 2025, "kind": "rising", "text": "上升"}]
    )
    reported = [a_value(40, "2024-Q4"), a_value(11, "2025-Q3"), a_value(39, "2025-Q4")]
    row = judged(rising, reported, period="2025-Q4", today=date(2026, 4, 1), **APRIL)
    assert row["met"] is False


def test_an_assigned_target_is_due_at_the_end_of_the_plans_year() -> None:
    indicator = an_indicator(targets=[{"year": 2025, "kind": "assigned_by_superior", "text": "—"}])
    state = a_state(indicator, assigned=[an_assignment("R01", "at_least", 30)], **APRIL)
    row = row_of(draw(state, {"R01": a_value(20)}, today=date(2026, 3, 31)))
    assert (row["target"]["date"], row["target_date_passed"]) == ("2026-03-31", False)


def test_a_board_turns_at_the_midnight_after_the_plans_year() -> None:
    bench = ScoringContext.of(a_state(an_indicator(), **APRIL), date(2026, 3, 31))
    assert bench.turned("2025", date(2026, 3, 31), date(2026, 4, 1))
    assert bench.turned("2026-03", date(2026, 3, 31), date(2026, 4, 1))
    assert not bench.turned("2025-Q1", date(2025, 7, 1), date(2026, 3, 31))


def test_a_value_of_january_is_counted_in_the_year_before() -> None:
    touch = AffectedScores(inputs={("approved", "R01", "2026-01")})
    want = boards_to_draw(touch, {}, [], YEARS)
    assert {period for _, period in want.boards} == {"2026-01", "2025-Q4", "2025-H2", "2025"}


def test_values_are_due_after_the_end_of_the_plans_periods() -> None:
    rule = DueDays(annual=30, half_yearly=20, quarterly=15, monthly=10)
    found = {
        code: due_by(rule, YEARS.period(code), plain_week("CN"))
        for code in ("2025", "2025-H1", "2025-Q4", "2026-01")
    }
    assert found == {
        "2025": date(2026, 4, 30),
        "2025-H1": date(2025, 10, 20),
        "2025-Q4": date(2026, 4, 15),
        "2026-01": date(2026, 2, 10),
    }


def test_the_last_target_year_is_the_plans() -> None:
    by_day = {"by": "2026-03-31", "kind": "at_least", "value": 95, "text": "95"}
    document = a_document(an_indicator(targets=[by_day]), **APRIL)
    assert document.last_target_year == 2025
