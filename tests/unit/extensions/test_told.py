"""What is told of a day that cannot be asked for or granted."""

from datetime import date, timedelta

from services.core.extensions.rules import grant_faults, proposal_faults

DUE, PROPOSED = date(2026, 3, 31), date(2026, 4, 30)
DAY = timedelta(days=1)


def test_a_day_asked_for_lies_after_the_present_one() -> None:
    (fault,) = proposal_faults(DUE, DUE, DUE)
    assert (fault.pointer, fault.code, fault.value) == ("/proposed_date", "not-later", "2026-03-31")
    assert "2026-03-31" in fault.detail.zh
    assert proposal_faults(DUE + DAY, DUE, DUE) == []


def test_a_day_asked_for_too_far_ahead_is_told_the_last_that_may_be() -> None:
    (fault,) = proposal_faults(date(2099, 1, 1), DUE, DUE - DAY)
    assert (fault.pointer, fault.code) == ("/proposed_date", "date-out-of-range")
    assert fault.detail.zh == "最晚可写 2027-04-01"


def test_no_time_is_given_up_to_a_day_gone_by() -> None:
    today = DUE + 9 * DAY
    (asked,) = proposal_faults(today - DAY, DUE, today)
    (granted,) = grant_faults(today - DAY, due_date=DUE, proposed=PROPOSED, today=today)
    assert (asked.pointer, asked.code, asked.value) == (
        "/proposed_date", "date-passed", "2026-04-08",
    )  # fmt: skip
    assert (granted.pointer, granted.code) == ("/granted_date", "date-passed")
    assert "2026-04-09" in granted.detail.zh
    assert proposal_faults(today, DUE, today) == []
    assert grant_faults(today, due_date=DUE, proposed=PROPOSED, today=today) == []


def test_a_day_granted_lies_after_the_present_one_up_to_what_was_asked_for() -> None:
    (early,) = grant_faults(DUE, due_date=DUE, proposed=PROPOSED, today=DUE)
    (late,) = grant_faults(PROPOSED + DAY, due_date=DUE, proposed=PROPOSED, today=DUE)
    assert (early.pointer, early.code, early.value) == ("/granted_date", "not-later", "2026-03-31")
    assert (late.pointer, late.code) == ("/granted_date", "later-than-proposed")
    assert late.value == "2026-05-01"
    assert "2026-04-30" in late.detail.en
    for granted in (DUE + DAY, PROPOSED):
        assert grant_faults(granted, due_date=DUE, proposed=PROPOSED, today=DUE) == []
