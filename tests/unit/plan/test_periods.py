"""The calendar of reporting: codes, days, wider and finer periods, deadlines."""

from datetime import date, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.plan.document import Frequency
from services.core.plan.periods import Period

FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
WIDEST_FIRST: tuple[Frequency, ...] = ("annual", "half_yearly", "quarterly", "monthly")


@st.composite
def periods(draw: st.DrawFn) -> Period:
    day = draw(st.dates(date(1990, 1, 1), date(2100, 12, 31)))
    return Period.containing(day, draw(st.sampled_from(FREQUENCIES)))


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
    period = Period.parse(code)
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
        Period.parse(code)


def test_the_wider_periods_come_narrowest_first() -> None:
    assert [p.code for p in Period.parse("2025-09").parents()] == ["2025-Q3", "2025-H2", "2025"]
    assert [p.code for p in Period.parse("2025-Q2").parents()] == ["2025-H1", "2025"]
    assert [p.code for p in Period.parse("2025-H2").parents()] == ["2025"]
    assert Period.parse("2025").parents() == ()


def test_the_finer_periods_come_in_order() -> None:
    year, half = Period.parse("2025"), Period.parse("2025-H2")
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
    period = Period.parse(code)
    assert period.previous().code == previous
    assert period.same_last_year().code == last_year


def test_values_are_due_some_days_after_the_last_day() -> None:
    assert Period.parse("2025").due_date(31) == date(2026, 1, 31)
    assert Period.parse("2024-02").due_date(10) == date(2024, 3, 10)
    assert Period.parse("2025-Q1").due_date(0) == date(2025, 3, 31)


def test_months_are_counted_from_end_to_end() -> None:
    baseline, target = Period.parse("2022"), Period.parse("2025")
    assert target.months_since(baseline) == 36
    assert Period.parse("2024-Q2").months_since(baseline) == 18
    assert Period.parse("2022-06").months_since(baseline) == -6


def test_periods_of_different_frequencies_do_not_compare() -> None:
    with pytest.raises(TypeError):
        sorted([Period.parse("2025"), Period.parse("2025-Q1")])


@given(periods())
def test_a_code_reads_back(period: Period) -> None:
    assert Period.parse(period.code) == period


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


@given(st.lists(periods()), st.sampled_from(FREQUENCIES))
def test_sorting_is_by_time(mixed: list[Period], frequency: Frequency) -> None:
    alike = sorted(period for period in mixed if period.frequency == frequency)
    assert [period.first_day for period in alike] == sorted(period.first_day for period in alike)


@given(st.text())
def test_any_text_is_a_period_or_a_value_error(text: str) -> None:
    try:
        period = Period.parse(text)
    except ValueError:
        return
    assert period.code == text
