"""More time: which dates may be asked for and granted."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.core.extensions.rules import TRANSITIONS, grant_faults, proposal_faults

DUE = date(2026, 10, 8)
days = st.integers(-400, 400).map(lambda number: DUE + timedelta(days=number))


@given(days)
def test_a_proposal_lies_after_the_present_date(proposed: date) -> None:
    assert (proposal_faults(proposed, DUE) == []) is (proposed > DUE)


@given(days, days)
def test_a_grant_lies_after_the_present_date_and_not_after_the_proposed(
    granted: date, proposed: date
) -> None:
    faults = grant_faults(granted, due_date=DUE, proposed=proposed)
    assert (faults == []) is (DUE < granted <= proposed)
    assert all(fault.pointer == "/granted_date" for fault in faults)


def test_an_answer_is_given_once() -> None:
    assert {state for state, _ in TRANSITIONS} == {"requested"}
    assert set(TRANSITIONS.values()) == {"approved", "denied", "withdrawn"}
