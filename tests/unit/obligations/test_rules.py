"""Who owes what, how a due date follows its calendar, and when more time may be given."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.calendars.rules import WorkingCalendar, plain_week
from services.core.obligations.rules import (
    DaysUntilDue,
    ExtensionFacts,
    distance,
    is_extendable,
    may_extend,
    moved_due_date,
    owed_for,
)
from services.core.plan.periods import due_by, follows_calendar
from services.core.scoring.cases import facts_of
from tests.support.periods import a_period
from tests.unit.scoring.builders import a_document, a_state, an_indicator

UNITS = [
    {"code": "UN01", "name": "市农委", "kind": "unit"},
    {"code": "UN02", "name": "市城管局", "kind": "unit"},
    {"code": "UN03", "name": "工作专班", "kind": "unit", "submits": False},
    {"code": "T1", "name": "刘寨镇", "kind": "township"},
    {"code": "T2", "name": "来集镇", "kind": "township"},
    {"code": "T3", "name": "管委会", "kind": "township", "submits": False},
    {
        "code": "TT",
        "name": "各乡镇",
        "kind": "collective",
        "submits": False,
        "members": ["T1", "T2", "T3"],
    },
]
SUM = {"units": "sum", "periods": "sum"}
YEAR = a_period("2025")
DUE = date(2026, 1, 31)


def owing(ended: Mapping[str, date] | None = None, **changes: Any) -> list[str]:
    document = a_document(an_indicator(**changes), organizations=UNITS)
    return [each.organization_code for each in owed_for(document, YEAR, DUE, ended or {}, {})]


@pytest.mark.parametrize(
    ("changes", "units"),
    [
        ({"owners": ["UN01", "UN02"]}, ["UN01"]),
        ({"owners": ["UN01", "UN02"], "aggregation": SUM}, ["UN01", "UN02"]),
        ({"owners": ["UN01"], "acting_owner": "UN02"}, ["UN02"]),
        ({"owners": ["UN03", "UN02"]}, ["UN02"]),
        ({"owners": ["UN03", "UN02"], "aggregation": SUM}, ["UN02"]),
        ({"owners": ["TT"], "aggregation": SUM}, ["T1", "T2"]),
        ({"owners": ["UN01", "TT", "T1"], "aggregation": SUM}, ["UN01", "T1", "T2"]),
        ({"owners": ["TT", "UN01"]}, ["T1"]),
        ({"owners": ["UN03"], "aggregation": SUM}, []),
        ({"owners": ["UN01"], "frequency": "quarterly"}, []),
    ],
)
def test_who_owes_a_value(changes: dict[str, Any], units: list[str]) -> None:
    assert owing(**changes) == units


def test_who_was_no_more_before_the_due_date_owes_nothing() -> None:
    both = {"owners": ["UN01", "UN02"], "aggregation": SUM}
    assert owing({"UN01": date(2026, 1, 30)}, **both) == ["UN02"]
    assert owing({"UN01": DUE}, **both) == ["UN01", "UN02"]


def test_the_unit_that_owes_a_value_is_the_one_whose_value_is_scored() -> None:
    for owners in (["UN01", "UN02"], ["UN03", "UN02"], ["TT", "UN01"]):
        state = a_state(an_indicator(owners=owners), organizations=UNITS)
        assert [facts_of(state)["R01"].owner] == owing(owners=owners)


def test_a_period_asks_for_what_is_reported_as_often_as_it_is() -> None:
    document = a_document(an_indicator("R01"), an_indicator("R02", frequency="quarterly"))
    asked = {
        code: [each.indicator_code for each in owed_for(document, a_period(code), DUE, {}, {})]
        for code in ("2025", "2025-Q4", "2025-12")
    }
    assert asked == {"2025": ["R01"], "2025-Q4": ["R02"], "2025-12": []}


def resting(*days: int) -> WorkingCalendar:
    rest = {date(2026, 1, day): False for day in days}
    return WorkingCalendar("CN", len(days), frozenset(), rest)


def by_rule(days: int) -> Callable[[WorkingCalendar], date]:
    return partial(YEAR.due_date, days)


def test_a_due_date_follows_each_change_of_its_calendar() -> None:
    week, later, later_still = plain_week("CN"), resting(5), resting(5, 6)
    due = YEAR.due_date(10, week)
    assert due == date(2026, 1, 15), "the first of January is no working day in any year"
    assert moved_due_date(due, by_rule(10), [week, later]) == date(2026, 1, 16)
    assert moved_due_date(due, by_rule(10), [week, later, later_still]) == date(2026, 1, 19)
    assert moved_due_date(due, by_rule(10), [week, later, week]) == due


def test_a_date_set_by_hand_stays() -> None:
    calendars = [plain_week("CN"), resting(5)]
    assert moved_due_date(date(2026, 2, 20), by_rule(10), calendars) == date(2026, 2, 20)


@given(
    st.lists(st.sets(st.integers(1, 28), max_size=12), min_size=1, max_size=6),
    st.integers(0, 15),
)
def test_following_twice_moves_nothing_more(rests: list[set[int]], days: int) -> None:
    calendars = [plain_week("CN"), *(resting(*sorted(rest)) for rest in rests)]
    once = moved_due_date(YEAR.due_date(days, calendars[0]), by_rule(days), calendars)
    assert once == YEAR.due_date(days, calendars[-1])
    assert moved_due_date(once, by_rule(days), calendars) == once


@pytest.mark.parametrize(
    ("unit", "on_rest_day", "due"),
    [
        ("calendar", "same_day", date(2026, 1, 31)),
        ("calendar", "next_working_day", date(2026, 2, 2)),
        ("working", "same_day", date(2026, 2, 13)),
    ],
)
def test_the_plan_says_what_holds_where_calendar_days_end_on_a_rest_day(
    unit: str, on_rest_day: str, due: date
) -> None:
    days = {"annual": 31, "half_yearly": 20, "quarterly": 15, "monthly": 10}
    document = a_document(due_days={**days, "unit": unit, "on_rest_day": on_rest_day})
    assert due_by(document.due_days, YEAR, plain_week("CN")) == due
    assert follows_calendar(document.due_days) is (due != date(2026, 1, 31))


def test_more_time_is_for_what_is_owed_open_and_not_handed_in() -> None:
    for state, period, handed_in in product(
        ("owed", "waived"), ("planned", "open", "closed", "published"), (False, True)
    ):
        facts = ExtensionFacts(state, period, handed_in, extensions=1)
        possible = (state, period, handed_in) == ("owed", "open", False)
        assert is_extendable(facts) is possible
        assert may_extend(facts, 2) is possible
        assert not may_extend(facts, 1)


def test_days_are_counted_to_the_due_date_or_from_it() -> None:
    week, friday = plain_week("CN"), date(2026, 1, 30)
    assert distance("expected", friday, date(2026, 1, 28), week) == DaysUntilDue(days_left=2)
    assert distance("expected", friday, friday, week) == DaysUntilDue(days_left=0)
    assert distance("missing", friday, date(2026, 2, 2), week) == DaysUntilDue(days_overdue=1)
    assert distance("late", friday, date(2026, 2, 1), week) == DaysUntilDue(days_overdue=0)
    assert distance("met", friday, date(2026, 2, 2), week) == DaysUntilDue()
