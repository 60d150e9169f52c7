"""More time: which dates may be asked for and granted."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.core.extensions.rules import TRANSITIONS, grant_faults, proposal_faults
from services.core.kit.horizons import A_YEAR

DUE = date(2026, 10, 8)
days = st.integers(-400, 400).map(lambda number: DUE + timedelta(days=number))


@given(days)
def test_a_proposal_lies_after_the_present_date_by_a_year_at_most(proposed: date) -> None:
    in_reach = DUE < proposed <= DUE + A_YEAR
    assert (proposal_faults(proposed, DUE, DUE - A_YEAR) == []) is in_reach


@given(days, days)
def test_what_is_long_overdue_may_be_asked_for_until_a_year_from_today(
    proposed: date, today: date
) -> None:
    in_reach = DUE < proposed <= max(DUE, today) + A_YEAR and proposed >= today
    assert (proposal_faults(proposed, DUE, today) == []) is in_reach


@given(days, days, days)
def test_a_grant_lies_after_the_present_date_and_not_after_the_proposed(
    granted: date, proposed: date, today: date
) -> None:
    faults = grant_faults(granted, due_date=DUE, proposed=proposed, today=today)
    assert (faults == []) is (DUE < granted <= proposed and granted >= today)
    assert all(fault.pointer == "/granted_date" for fault in faults)


def test_an_answer_is_given_once() -> None:
    assert {state for state, _ in TRANSITIONS} == {"requested"}
    assert set(TRANSITIONS.values()) == {"approved", "denied", "withdrawn"}
