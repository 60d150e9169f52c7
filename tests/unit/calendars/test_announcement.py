"""A year as it is announced: what is kept of it, what is refused, and the whole year from it."""

import json
from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.calendars.announcement import (
    AnnouncedDay,
    Announcement,
    DayKind,
    check_days,
    whole_year,
    worked_days,
)
from services.core.calendars.rules import is_weekday
from services.core.calendars.seed import known_years
from services.core.kit.errors import InvalidInput

YEARS = st.integers(1990, 2100)


@st.composite
def listed(draw: st.DrawFn) -> tuple[int, list[AnnouncedDay]]:
    """A year, and some of its days as somebody may list them."""
    year = draw(YEARS)
    dates = draw(st.sets(st.dates(date(year, 1, 1), date(year, 12, 31)), max_size=40))
    kinds = st.sampled_from(get_args(DayKind))
    notes = st.sampled_from([None, "春节", "调休"])
    return year, [
        AnnouncedDay(day, draw(kinds), draw(notes)) for day in draw(st.permutations(sorted(dates)))
    ]


@given(listed())
def test_a_whole_year_says_of_each_day_what_was_listed_or_what_the_week_says(
    given_year: tuple[int, list[AnnouncedDay]],
) -> None:
    year, days = given_year
    check_days(year, days)
    shown = whole_year(year, Announcement.of(year, "通知", days).days)
    assert [day.date for day in shown] == [
        date(year, 1, 1) + timedelta(days=number) for number in range(len(shown))
    ]
    assert shown[-1].date == date(year, 12, 31)
    known = {day.date: day for day in days}
    for day in shown:
        week = AnnouncedDay(day.date, "workday" if is_weekday(day.date) else "rest")
        assert day == known.get(day.date, week)


@given(listed())
def test_what_the_week_says_anyway_makes_no_difference(
    given_year: tuple[int, list[AnnouncedDay]],
) -> None:
    year, days = given_year
    announced = Announcement.of(year, "通知", days)
    assert Announcement.of(year, "通知", whole_year(year, announced.days)) == announced
    assert all(day.is_exceptional for day in announced.days)


@given(listed())
def test_what_history_keeps_can_be_read_back(given_year: tuple[int, list[AnnouncedDay]]) -> None:
    year, days = given_year
    announced = Announcement.of(year, "通知", days)
    kept = json.loads(json.dumps({str(year): announced.written()}))
    assert worked_days(kept) == {day.date: day.kind == "workday" for day in announced.days}


def test_every_fault_of_a_list_is_told_with_its_place() -> None:
    days = [
        AnnouncedDay(date(2027, 1, 1), "rest", "元旦"),
        AnnouncedDay(date(2026, 12, 31), "rest"),
        AnnouncedDay(date(2027, 2, 8), "rest"),
        AnnouncedDay(date(2027, 1, 1), "workday"),
        AnnouncedDay(date(2028, 1, 1), "rest"),
    ]
    with pytest.raises(InvalidInput) as refused:
        check_days(2027, days)
    assert [(fault.pointer, fault.code, fault.value) for fault in refused.value.faults] == [
        ("/days/1/date", "outside-year", "2026-12-31"),
        ("/days/3/date", "repeated-day", "2027-01-01"),
        ("/days/4/date", "outside-year", "2028-01-01"),
    ]


def test_a_city_begins_with_2004_to_2026_each_day_with_its_name() -> None:
    years = json.loads(known_years())
    assert sorted(map(int, years)) == list(range(2004, 2027))
    assert all(day["note"] for year in years.values() for day in year["days"])
    assert all("chinesecalendar" in year["source"] for year in years.values())
    assert {"date": "2026-10-10", "kind": "workday", "note": "国庆节调休"} in years["2026"]["days"]
    assert {"date": "2026-02-16", "kind": "rest", "note": "春节"} in years["2026"]["days"]
