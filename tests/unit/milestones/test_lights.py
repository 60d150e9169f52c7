"""The light of a milestone: by its dates, by what was reported, and by the words it is given."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from string import Formatter
from typing import Any

import pytest

from services.core.calendars.rules import WorkingCalendar, plain_week
from services.core.milestones.lights import Course, DueDistance, light
from services.core.milestones.reasons import REASONS, words
from services.core.plan.document import Lights

RULES = Lights(green_pace=Decimal(1), yellow_pace=Decimal("0.8"))
ON_COURSE = Course(
    state="in_progress",
    percent=Decimal(50),
    began=date(2026, 9, 1),
    due_date=date(2026, 9, 21),
    expected_date=None,
    sign_by=None,
    answer_by=None,
    completed_on=None,
    grade=None,
)
HALF_TIME = date(2026, 9, 11)

NATIONAL_DAY = WorkingCalendar(
    code="CN",
    version=1,
    official_years=frozenset({2026}),
    days={date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True},
)


WEEK = plain_week("")


def seen(today: date, calendar: WorkingCalendar = WEEK, **changes: Any) -> tuple[str, str]:
    course = replace(ON_COURSE, **changes)
    verdict = light(course, today, RULES, DueDistance.between(today, course.due_date, calendar))
    assert words(verdict.reason, verdict.details).en
    return verdict.light, verdict.reason


@pytest.mark.parametrize(
    ("today", "changes", "expected"),
    [
        (HALF_TIME, {}, ("green", "on_course")),
        (HALF_TIME, {"percent": Decimal("49.9999999")}, ("yellow", "behind")),
        (date(2026, 9, 12), {"percent": Decimal(44)}, ("yellow", "behind")),
        (date(2026, 9, 12), {"percent": Decimal("43.9999")}, ("red", "far_behind")),
        (HALF_TIME, {"percent": Decimal(0)}, ("yellow", "behind")),
        (HALF_TIME, {"percent": Decimal(0), "state": "accepted"}, ("yellow", "behind")),
        (date(2026, 9, 1), {"percent": Decimal(0)}, ("green", "on_course")),
        (date(2026, 9, 21), {"percent": Decimal(100)}, ("green", "on_course")),
        (date(2026, 9, 22), {"percent": Decimal(100)}, ("red", "overdue")),
        (HALF_TIME, {"expected_date": date(2026, 9, 22)}, ("yellow", "expected_late")),
        (HALF_TIME, {"expected_date": date(2026, 9, 21)}, ("green", "on_course")),
        (HALF_TIME, {"state": "assigned"}, ("grey", "not_signed")),
        (HALF_TIME, {"state": "assigned", "sign_by": HALF_TIME}, ("grey", "to_sign")),
        (
            date(2026, 9, 12),
            {"state": "assigned", "sign_by": HALF_TIME},
            ("yellow", "sign_overdue"),
        ),
        (date(2026, 9, 22), {"state": "assigned"}, ("red", "overdue")),
        (HALF_TIME, {"state": "declined"}, ("yellow", "declined")),
        (HALF_TIME, {"state": "returned", "answer_by": HALF_TIME}, ("yellow", "returned")),
        (date(2026, 9, 22), {"state": "returned"}, ("red", "overdue")),
        (
            date(2026, 12, 1),
            {"state": "completed", "completed_on": date(2026, 9, 21)},
            ("green", "completed"),
        ),
        (
            date(2026, 12, 1),
            {"state": "completed", "completed_on": date(2026, 9, 22)},
            ("yellow", "completed_late"),
        ),
        (
            date(2026, 12, 1),
            {"state": "closed", "completed_on": date(2026, 9, 21), "grade": "pass"},
            ("green", "closed"),
        ),
        (
            date(2026, 12, 1),
            {"state": "closed", "completed_on": date(2026, 9, 22), "grade": "good"},
            ("green", "closed_late"),
        ),
        (
            HALF_TIME,
            {"state": "closed", "completed_on": HALF_TIME, "grade": "fail"},
            ("red", "closed_failed"),
        ),
        (date(2026, 12, 1), {"state": "cancelled"}, ("grey", "cancelled")),
        # Assigned on its due date, or after it: there is no share of time to hold it against.
        (HALF_TIME, {"began": HALF_TIME, "due_date": HALF_TIME}, ("green", "on_course")),
        (HALF_TIME, {"began": date(2026, 10, 1)}, ("green", "on_course")),
    ],
)
def test_a_light_has_its_reason(
    today: date, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert seen(today, **changes) == expected


def test_on_the_due_day_nothing_is_left_and_nothing_is_overdue() -> None:
    due = date(2026, 10, 8)
    assert DueDistance.between(date(2026, 9, 30), due, NATIONAL_DAY) == DueDistance(False, 1, 0)
    assert DueDistance.between(due, due, NATIONAL_DAY) == DueDistance(False, 0, 0)
    assert DueDistance.between(due + timedelta(days=1), due, NATIONAL_DAY) == DueDistance(
        True, 0, 1
    )
    # The Saturday is worked, the Sunday is not.
    assert DueDistance.between(date(2026, 10, 11), due, NATIONAL_DAY) == DueDistance(True, 0, 2)


def test_every_reason_is_told_in_both_languages_with_the_same_details() -> None:
    for code, text in REASONS.items():
        zh, en = (
            {name for _, name, _, _ in Formatter().parse(sentence) if name}
            for sentence in (text.zh, text.en)
        )
        assert zh == en, code


@pytest.mark.parametrize(
    ("today", "changes", "details"),
    [
        (
            date(2026, 10, 12),
            {"due_date": date(2026, 10, 8)},
            {"days": "4", "working_days": "3", "due": "2026-10-08"},
        ),
        (HALF_TIME, {}, {"percent": "50.00", "elapsed": "50.00", "due": "2026-09-21"}),
        (
            date(2026, 9, 1),
            {"percent": Decimal("0.001")},
            {"percent": "0.001", "elapsed": "0.00", "due": "2026-09-21"},
        ),
        (
            date(2026, 9, 21),
            {"percent": Decimal("99.999")},
            {"percent": "99.999", "elapsed": "100.00", "due": "2026-09-21"},
        ),
        (
            HALF_TIME,
            {"percent": Decimal("0.5"), "began": date(2026, 9, 10), "due_date": HALF_TIME},
            {"percent": "0.50", "elapsed": "100.00", "due": "2026-09-11"},
        ),
        (
            HALF_TIME,
            {"began": HALF_TIME, "due_date": HALF_TIME},
            {"percent": "50.00", "elapsed": "0.00", "due": "2026-09-11"},
        ),
        (HALF_TIME, {"state": "returned"}, {"answer_by": "—"}),
        (
            HALF_TIME,
            {"state": "closed", "grade": "pass"},
            {"completed": "", "due": "2026-09-21"},
        ),
    ],
)
def test_the_words_of_a_light_are_filled_with_its_figures(
    today: date, changes: dict[str, Any], details: dict[str, str]
) -> None:
    course = replace(ON_COURSE, **changes)
    distance = DueDistance.between(today, course.due_date, NATIONAL_DAY)
    assert light(course, today, RULES, distance).details == details


def test_a_milestone_of_one_day_is_held_to_its_time_like_any_other() -> None:
    one_day: Any = {"began": date(2026, 9, 10), "due_date": HALF_TIME}
    assert seen(HALF_TIME, **one_day, percent=Decimal(79)) == ("red", "far_behind")
    assert seen(HALF_TIME, **one_day, percent=Decimal(80)) == ("yellow", "behind")
    assert seen(date(2026, 9, 2), percent=Decimal(0)) == ("yellow", "behind")


def test_shares_of_a_long_time_are_shown_with_as_many_places_as_tell_them_from_none() -> None:
    long = {"began": date(1900, 1, 1), "due_date": date(2999, 12, 31)}
    course = replace(ON_COURSE, **long, percent=Decimal("99.9"))  # type: ignore[arg-type]
    first, last = date(1900, 1, 2), date(2999, 12, 30)
    shown = [
        light(course, day, RULES, DueDistance.between(day, course.due_date, WEEK)).details[
            "elapsed"
        ]
        for day in (first, last)
    ]
    assert shown == ["0.0002", "99.9998"]
