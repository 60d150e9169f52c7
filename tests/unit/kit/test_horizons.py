"""How far ahead a day may lie that somebody sets."""

from datetime import date, timedelta

from services.core.kit.horizons import A_YEAR, TEN_YEARS, not_within, too_far_ahead

TODAY = date(2026, 11, 29)
DAY = timedelta(days=1)


def test_the_last_day_is_taken_and_the_next_told_which_it_was() -> None:
    last = TODAY + A_YEAR
    assert too_far_ahead("/due_date", last, since=TODAY, most=A_YEAR) == []
    (fault,) = too_far_ahead("/due_date", last + DAY, since=TODAY, most=A_YEAR)
    assert (fault.pointer, fault.code, fault.value) == (
        "/due_date",
        "date-out-of-range",
        "2027-12-01",
    )
    assert (fault.detail.zh, fault.detail.en) == ("最晚可写 2027-11-30", "No later than 2027-11-30")


def test_the_end_of_the_calendar_is_no_error() -> None:
    assert too_far_ahead("/due_date", date.max, since=date.max - DAY, most=TEN_YEARS) == []


def test_a_day_outside_a_stretch_is_told_both_its_ends() -> None:
    first, last = TODAY + DAY, TODAY + timedelta(days=30)
    assert not_within("/until", first, first=first, last=last) == []
    assert not_within("/until", last, first=first, last=last) == []
    for day in (TODAY, last + DAY):
        (fault,) = not_within("/until", day, first=first, last=last)
        assert fault.detail.zh == "可写 2026-11-30 至 2026-12-29"
