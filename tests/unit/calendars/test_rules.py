"""Arithmetic of working days: the laws, the worked examples, and every day of two known years."""

import json
from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.calendars.announcement import AnnouncedDay, reckoned_year, worked_days
from services.core.calendars.rules import (
    WorkingCalendar,
    is_weekday,
    plain_week,
    statutory_name,
)
from services.core.calendars.seed import known_years

MADE_UP = {
    *(date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27), date(2025, 9, 28)),
    *(date(2025, 10, 11), date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28)),
    *(date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10)),
}
"""The days off that were worked instead, as the State Council's notices list them."""


def official() -> WorkingCalendar:
    years = json.loads(known_years())
    return WorkingCalendar("CN", 1, frozenset(map(int, years)), worked_days(years))


CN = official()
DAYS = st.dates(date(2023, 6, 1), date(2028, 6, 1))
COUNTS = st.integers(-60, 60)


_ANCHORS = {
    date(year, month, day): True
    for year in range(2022, 2030)
    for month in range(1, 13)
    for day in (1, 15)
}
"""Days that are worked whatever is drawn, so that none is far to seek."""


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    """A calendar with any exceptions at all."""
    drawn = draw(st.dictionaries(DAYS, st.booleans(), max_size=60))
    return WorkingCalendar("X", 1, frozenset({2025}), drawn | _ANCHORS)


@pytest.mark.parametrize(
    ("due", "working_days", "notice"),
    [
        (date(2026, 10, 8), 1, date(2026, 9, 30)),
        (date(2026, 10, 8), 7, date(2026, 9, 21)),
        (date(2026, 10, 12), 1, date(2026, 10, 10)),
        (date(2026, 10, 12), 7, date(2026, 9, 24)),
        (date(2026, 3, 2), 1, date(2026, 2, 28)),
        (date(2026, 3, 2), 7, date(2026, 2, 13)),
    ],
)
def test_the_worked_examples(due: date, working_days: int, notice: date) -> None:
    assert CN.shifted(due, -working_days) == notice
    assert CN.between(notice, due) == working_days
    assert CN.status(due) == "official"


def test_a_year_that_nobody_announced_is_provisional() -> None:
    assert CN.status(date(2027, 1, 15)) == "provisional"
    assert CN.status(date(2026, 12, 31), date(2027, 1, 1)) == "provisional"
    assert CN.is_workday(date(2027, 1, 4))
    assert CN.announced_until == 2026
    assert plain_week("X").announced_until is None


def test_the_statutory_days_of_fixed_date_rest_in_a_year_that_nobody_announced() -> None:
    for calendar in (CN, plain_week("X")):
        rests = {day for day in days_of(2030) if not calendar.is_workday(day)}
        weekdays = {day for day in rests if day.weekday() < 5}
        assert weekdays == {
            date(2030, 1, 1),
            date(2030, 5, 1),
            date(2030, 5, 2),
            date(2030, 10, 1),
            date(2030, 10, 2),
            date(2030, 10, 3),
        }
    assert reckoned_year(2030) == [
        AnnouncedDay(day, "rest" if day in rests else "workday", statutory_name(day))
        for day in days_of(2030)
    ]


def test_what_was_announced_says_more_than_the_law() -> None:
    worked = {date(2030, 1, 1): True}
    announced = WorkingCalendar("CN", 2, frozenset({2030}), worked)
    assert announced.is_workday(date(2030, 1, 1))
    assert announced.is_workday(date(2030, 5, 1)), "an announced year is as it was announced"
    assert plain_week("X").is_workday(date(2003, 5, 1)), "other days were statutory then"


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=number) for number in range(365)]


def test_it_reminds_from_november_on_until_the_next_year_is_there() -> None:
    assert not CN.awaits_notice(date(2026, 10, 31))
    assert CN.awaits_notice(date(2026, 11, 1))
    assert not CN.awaits_notice(date(2025, 11, 1))


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_of_a_known_year_is_as_the_library_says(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    assert {day: CN.is_workday(day) for day in days} == {
        day: chinese_calendar.is_workday(day) for day in days
    }
    worked_off = {day for day in days if CN.is_workday(day) and not is_weekday(day)}
    assert worked_off == {day for day in MADE_UP if day.year == year}


@given(calendars(), DAYS, COUNTS)
def test_shifting_lands_on_a_working_day_so_many_away(
    calendar: WorkingCalendar, day: date, count: int
) -> None:
    moved = calendar.shifted(day, count)
    if count == 0:
        assert moved == day
        return
    assert calendar.is_workday(moved)
    if count > 0:
        assert calendar.between(day, moved) == count
    else:
        # The day itself counts in what lies after `moved`, where it is worked.
        assert calendar.between(moved, day) == -count - (not calendar.is_workday(day))


@given(calendars(), DAYS, COUNTS)
def test_shifting_back_comes_to_where_it_began(
    calendar: WorkingCalendar, day: date, count: int
) -> None:
    worked = calendar.on_or_after(day)
    assert calendar.shifted(calendar.shifted(worked, count), -count) == worked


@given(calendars(), DAYS, DAYS, COUNTS)
def test_a_later_day_never_comes_to_an_earlier_one(
    calendar: WorkingCalendar, one: date, other: date, count: int
) -> None:
    earlier, later = min(one, other), max(one, other)
    assert calendar.shifted(earlier, count) <= calendar.shifted(later, count)
    assert calendar.on_or_before(earlier) <= calendar.on_or_before(later)
    assert calendar.on_or_after(earlier) <= calendar.on_or_after(later)


@given(calendars(), DAYS, st.integers(0, 60), st.integers(0, 60))
def test_shifts_in_one_direction_add_up(
    calendar: WorkingCalendar, day: date, first: int, second: int
) -> None:
    assert calendar.shifted(calendar.shifted(day, first), second) == calendar.shifted(
        day, first + second
    )


@given(calendars(), DAYS)
def test_the_nearest_working_days_enclose_a_day(calendar: WorkingCalendar, day: date) -> None:
    before, after = calendar.on_or_before(day), calendar.on_or_after(day)
    assert before <= day <= after
    assert calendar.is_workday(before)
    assert calendar.is_workday(after)
    assert (before == after == day) is calendar.is_workday(day)
    assert calendar.between(before, after) == (0 if before == after else 1)


@given(calendars(), DAYS, DAYS, DAYS)
def test_stretches_of_days_add_up(
    calendar: WorkingCalendar, one: date, other: date, third: date
) -> None:
    first, middle, last = sorted((one, other, third))
    assert calendar.between(first, last) == calendar.between(first, middle) + calendar.between(
        middle, last
    )
    assert 0 <= calendar.between(first, last) <= (last - first).days
    assert calendar.between(last, first) == 0
