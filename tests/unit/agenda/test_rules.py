"""By when turns are due, what can wait for whom, and whose calendar one may have."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.agenda.rules import alarm_days, kinds_for, may_show, turns
from services.core.calendars.rules import WorkingCalendar, plain_week
from services.core.identity.actor import Actor
from services.core.identity.rules import DEFAULT_SCOPES, Role
from services.core.plan.document import Supervision

_NATIONAL_DAY = {date(2026, 10, day): False for day in range(1, 8)}
_OCTOBER = WorkingCalendar(
    "CN",
    1,
    frozenset({2026}),
    {**_NATIONAL_DAY, date(2026, 10, 10): True, date(2026, 9, 25): False},
)


def an_actor(role: Role, unit: str | None = None) -> Actor:
    return Actor(
        credential_id=UUID(int=7),
        name="test",
        role=role,
        city_code="410183",
        organization_code=unit,
        plan_code=None,
        scopes=DEFAULT_SCOPES[role],
        every_city=False,
        channel="test",
        request_id="",
    )


@given(
    today=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    review=st.integers(0, 30),
    answer=st.integers(0, 30),
    rest=st.sets(st.integers(-800, 60), max_size=40),
)
def test_turns_are_what_shifting_day_by_day_gives(
    today: date, review: int, answer: int, rest: set[int]
) -> None:
    calendar = WorkingCalendar(
        "X", 1, frozenset(), {today + timedelta(days=number): False for number in rest}
    )
    supervision = Supervision(review_days=review, answer_days=answer)
    found = turns(supervision, calendar, today)
    assert [turn.day for turn in found] == [
        today - timedelta(days=back) for back in range(800, -1, -1)
    ]
    for turn in found[::97]:
        assert turn.review_by == calendar.shifted(turn.day, review)
        assert turn.answer_by == calendar.shifted(turn.day, answer)


def test_a_calendar_reminds_before_the_holiday_and_not_in_it() -> None:
    assert alarm_days(date(2026, 10, 8), _OCTOBER) == (date(2026, 9, 21), date(2026, 9, 30))
    assert alarm_days(date(2026, 10, 12), _OCTOBER)[1] == date(2026, 10, 10)
    assert alarm_days(date(2026, 11, 25), plain_week("")) == (
        date(2026, 11, 16),
        date(2026, 11, 24),
    )


_ROWS = ("settle", "renew", "recheck")


@pytest.mark.parametrize(
    ("role", "unit", "kinds"),
    [
        ("reporter", "UN15", (*("report", "correct", "sign", "progress"), *_ROWS)),
        (
            "lead",
            "UN15",
            (
                *("report", "correct", "review", "sign", "progress"),
                *("close", "reassign", "decide"),
                *_ROWS,
            ),
        ),
        ("office", None, ("review", "close", "reassign", "decide", "settle")),
        ("office", "UN15", (*("report", "correct", "sign", "progress"), *_ROWS)),
        ("leader", None, ()),
        ("superior", None, ()),
        ("integrator", "UN15", ()),
        ("system_admin", None, ()),
    ],
)
def test_what_can_wait_for_a_role(role: Role, unit: str | None, kinds: tuple[str, ...]) -> None:
    assert kinds_for(an_actor(role, unit)) == kinds


@pytest.mark.parametrize(
    ("role", "unit", "plan", "own", "other", "person"),
    [
        ("reporter", "UN15", False, True, False, True),
        ("lead", "UN15", False, True, False, True),
        ("office", None, True, True, True, True),
        ("leader", None, True, True, True, True),
        ("superior", None, False, False, False, False),
        ("system_admin", None, False, False, False, False),
    ],
)
def test_whose_calendar_one_may_have(
    role: Role, unit: str | None, *, plan: bool, own: bool, other: bool, person: bool
) -> None:
    actor = an_actor(role, unit)
    assert may_show(actor, "plan", None) is plan
    assert may_show(actor, "unit", "UN15") is own
    assert may_show(actor, "unit", "UN16") is other
    assert may_show(actor, "person", unit) is person
