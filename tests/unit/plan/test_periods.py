"""The calendar of reporting: codes, days, wider and finer periods, deadlines."""

from datetime import date, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.plan.document import Frequency
from services.core.plan.periods import Period, PeriodCalendar, is_within_reach
from tests.support.periods import YEARS, a_period

FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
WIDEST_FIRST: tuple[Frequency, ...] = ("annual", "half_yearly", "quarterly", "monthly")
CALENDARS = st.builds(PeriodCalendar, begins=st.integers(1, 12))
APRIL = PeriodCalendar(begins=4)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    """Periods of any plan: of years that begin in any month."""
    day = draw(st.dates(date(1991, 1, 1), date(2100, 12, 31)))
    return draw(CALENDARS).containing(day, draw(st.sampled_from(FREQUENCIES)))


@pytest.mark.parametrize(
    ("code", "frequency", "first", "last"),
    [
        ("2025", "annual", date(2025, 1, 1), date(2025, 12, 31)),
        ("2025-H1", "half_yearly", date(2025, 1, 1), date(2025, 6, 30)),
        ("2025-H2", "half_yearly", date(2025, 7, 1), date(2025, 12, 31)),
        ("2025-Q3", "quarterly", date(2025, 7, 1), date(2025, 9, 30)),
        ("2025-09", "monthly", date(2025, 9, 1), date(2025, 9, 30)),
        ("2024-02", "monthly", date(2024, 2, 1), date(2024, 2, 29)),
    ],
)
def test_a_code_names_its_frequency_and_days(
    code: str, frequency: Frequency, first: date, last: date
) -> None:
    period = a_period(code)
    assert (period.code, period.frequency) == (code, frequency)
    assert (period.first_day, period.last_day) == (first, last)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "1989",
        "2101",
        "25",
        "2025-13",
        "2025-00",
        "2025-9",
        "2025-Q0",
        "2025-Q5",
        "2025-H3",
        "2025-h1",
        "2025-",
        "2025 ",
        "2025\n",
        "2025-01-01",
        "２０２５",
        "2025-Q٣",
        "+2025",
        "20255",
    ],
)
def test_what_is_no_period_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="not a period"):
        a_period(code)


def test_the_wider_periods_come_narrowest_first() -> None:
    assert [p.code for p in a_period("2025-09").parents()] == ["2025-Q3", "2025-H2", "2025"]
    assert [p.code for p in a_period("2025-Q2").parents()] == ["2025-H1", "2025"]
    assert [p.code for p in a_period("2025-H2").parents()] == ["2025"]
    assert a_period("2025").parents() == ()


def test_the_finer_periods_come_in_order() -> None:
    year, half = a_period("2025"), a_period("2025-H2")
    assert [p.code for p in year.children("quarterly")] == [f"2025-Q{n}" for n in (1, 2, 3, 4)]
    assert [p.code for p in half.children("monthly")] == [f"2025-{n:02}" for n in range(7, 13)]
    assert half.children("half_yearly") == ()
    assert half.children("annual") == ()


@pytest.mark.parametrize(
    ("code", "previous", "last_year"),
    [
        ("2025", "2024", "2024"),
        ("2025-H1", "2024-H2", "2024-H1"),
        ("2025-Q3", "2025-Q2", "2024-Q3"),
        ("2025-01", "2024-12", "2024-01"),
    ],
)
def test_the_comparable_periods_before(code: str, previous: str, last_year: str) -> None:
    period = a_period(code)
    assert period.previous().code == previous
    assert period.same_last_year().code == last_year


def test_values_are_due_some_days_after_the_last_day() -> None:
    assert a_period("2025").due_date(31) == date(2026, 1, 31)
    assert a_period("2024-02").due_date(10) == date(2024, 3, 10)
    assert a_period("2025-Q1").due_date(0) == date(2025, 3, 31)


def test_months_are_counted_from_end_to_end() -> None:
    baseline, target = a_period("2022"), a_period("2025")
    assert target.months_since(baseline) == 36
    assert a_period("2024-Q2").months_since(baseline) == 18
    assert a_period("2022-06").months_since(baseline) == -6


def test_periods_of_different_frequencies_do_not_compare() -> None:
    with pytest.raises(TypeError):
        sorted([a_period("2025"), a_period("2025-Q1")])
    with pytest.raises(TypeError):
        sorted([a_period("2025"), APRIL.year(2025)])


@given(periods())
def test_a_code_reads_back(period: Period) -> None:
    assert period.calendar.period(period.code) == period


@given(periods())
def test_its_first_and_last_day_lie_in_it(period: Period) -> None:
    for day in (period.first_day, period.last_day):
        assert period.calendar.containing(day, period.frequency) == period


@given(CALENDARS, st.dates(date(1991, 1, 1), date(2100, 12, 31)), st.sampled_from(FREQUENCIES))
def test_each_day_lies_in_exactly_one_period_of_a_frequency(
    calendar: PeriodCalendar, day: date, frequency: Frequency
) -> None:
    period = calendar.containing(day, frequency)
    assert period.previous().last_day < period.first_day <= day <= period.last_day
    assert period.last_day < period.following().first_day


@given(CALENDARS, st.dates(date(1991, 1, 1), date(2100, 12, 31)))
def test_quarters_and_months_partition_the_year_they_lie_in(
    calendar: PeriodCalendar, day: date
) -> None:
    year = calendar.containing(day, "annual")
    counts: dict[Frequency, int] = {"half_yearly": 2, "quarterly": 4, "monthly": 12}
    for frequency, count in counts.items():
        parts = year.children(frequency)
        assert len(parts) == count
        assert sum(part.first_day <= day <= part.last_day for part in parts) == 1
        assert {part.in_year for part in parts} == {year.year}


@given(periods())
def test_years_that_begin_in_january_are_those_of_the_calendar(period: Period) -> None:
    plain = YEARS.period(period.code)
    assert plain.first_day == date(plain.year, (plain.number - 1) * plain.months + 1, 1)
    assert plain.last_day.year == plain.year
    assert plain.last_day.month == plain.number * plain.months
    assert plain.in_year == plain.year


@pytest.mark.parametrize(
    ("code", "first", "last", "year"),
    [
        ("2025", date(2025, 4, 1), date(2026, 3, 31), 2025),
        ("2025-H2", date(2025, 10, 1), date(2026, 3, 31), 2025),
        ("2025-Q1", date(2025, 4, 1), date(2025, 6, 30), 2025),
        ("2025-Q4", date(2026, 1, 1), date(2026, 3, 31), 2025),
        ("2025-01", date(2025, 1, 1), date(2025, 1, 31), 2024),
        ("2025-04", date(2025, 4, 1), date(2025, 4, 30), 2025),
    ],
)
def test_a_year_that_begins_in_april_runs_into_the_next(
    code: str, first: date, last: date, year: int
) -> None:
    period = APRIL.period(code)
    assert (period.first_day, period.last_day, period.in_year) == (first, last, year)


def test_the_months_of_such_a_year_keep_the_names_of_the_calendar() -> None:
    assert [month.code for month in APRIL.year(2025).children("monthly")] == [
        *(f"2025-{number:02}" for number in range(4, 13)),
        *(f"2026-{number:02}" for number in range(1, 4)),
    ]
    january = APRIL.period("2026-01")
    assert [wider.code for wider in january.parents()] == ["2025-Q4", "2025-H2", "2025"]
    assert january.same_last_year().code == "2025-01"
    assert APRIL.period("2025-Q4").months_since(APRIL.year(2024)) == 12


@given(CALENDARS)
def test_every_period_above_and_below_one_that_can_be_written_can_be_written(
    calendar: PeriodCalendar,
) -> None:
    edges = [*(f"1990-{n:02}" for n in range(1, 13)), *(f"2100-{n:02}" for n in range(1, 13))]
    for code in edges:
        assert all(calendar.period(wider.code) for wider in calendar.period(code).parents())
    for year in (1990, 2100):
        months = calendar.year(year).children("monthly")
        assert [calendar.period(month.code) for month in months] == list(months)


@pytest.mark.parametrize(
    ("code", "reached"),
    [("2025", True), ("2026-03", True), ("2026", True), ("2026-Q1", True), ("2026-Q2", False)],
)
def test_the_running_year_is_the_plans(code: str, reached: bool) -> None:
    assert is_within_reach(APRIL.period(code), date(2026, 2, 1), date(2024, 4, 1)) is reached


@given(periods(), st.sampled_from(FREQUENCIES))
def test_the_finer_periods_tile_the_wider_one(period: Period, frequency: Frequency) -> None:
    children = period.children(frequency)
    if not children:
        assert WIDEST_FIRST.index(frequency) <= WIDEST_FIRST.index(period.frequency)
        return
    assert children[0].first_day == period.first_day
    assert children[-1].last_day == period.last_day
    assert sum(child.months for child in children) == period.months
    assert all(period in child.parents() for child in children)
    for earlier, later in pairwise(children):
        assert later.first_day - earlier.last_day == timedelta(days=1)


@given(periods())
def test_the_one_before_ends_where_it_begins(period: Period) -> None:
    before = period.previous()
    assert before < period
    assert period.first_day - before.last_day == timedelta(days=1)
    assert period.months_since(before) == period.months
    assert period.months_since(period.same_last_year()) == 12


@given(
    st.lists(st.dates(date(1991, 1, 1), date(2100, 12, 31))),
    CALENDARS,
    st.sampled_from(FREQUENCIES),
)
def test_sorting_is_by_time(
    days: list[date], calendar: PeriodCalendar, frequency: Frequency
) -> None:
    alike = sorted(calendar.containing(day, frequency) for day in days)
    assert [period.first_day for period in alike] == sorted(period.first_day for period in alike)


@given(st.text())
def test_any_text_is_a_period_or_a_value_error(text: str) -> None:
    try:
        period = a_period(text)
    except ValueError:
        return
    assert period.code == text


@pytest.mark.parametrize(
    ("code", "following"),
    [
        ("2025", "2026"),
        ("2025-H1", "2025-H2"),
        ("2025-H2", "2026-H1"),
        ("2025-Q4", "2026-Q1"),
        ("2025-11", "2025-12"),
        ("2025-12", "2026-01"),
    ],
)
def test_the_period_after(code: str, following: str) -> None:
    assert a_period(code).following() == a_period(following)


@pytest.mark.parametrize(
    ("code", "reached"), [("2025-12", True), ("2025", True), ("2026", True), ("2026-Q2", False)]
)
def test_before_a_plan_starts_the_year_of_the_day_before_is_reached(
    code: str, reached: bool
) -> None:
    assert is_within_reach(a_period(code), date(2024, 6, 1), date(2025, 1, 2)) is reached
