"""Who hears what, event by event: a table for every role, with two plans in one city."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text

from services.core.events.service import NewEvent, number_committed
from services.core.feed.queries import EventFilter, events_after
from services.core.identity.actor import Actor
from services.core.identity.rules import Role
from services.core.kit.database import connect
from services.core.kit.ids import new_id
from tests.integration.webhooks.receivers import CITY, OTHER_PLAN, PLAN, Receivers, happening

UNIT, LEAD, STRANGER = "UN15", "UN01", "UN07"
"""Whose values and milestones they are; who leads the indicator and the measure in one plan; who
leads neither there, and both in the other plan."""


@dataclass(frozen=True)
class _Reader:
    role: Role
    unit: str | None = None
    plan: str | None = None


READERS: Mapping[str, _Reader] = {
    "office": _Reader("office"),
    "office of the other plan": _Reader("office", plan=OTHER_PLAN),
    "leader": _Reader("leader"),
    "superior": _Reader("superior"),
    "unit": _Reader("reporter", UNIT),
    "unit's lead": _Reader("lead", UNIT),
    "unit's system": _Reader("integrator", UNIT),
    "lead": _Reader("lead", LEAD),
    "lead's clerk": _Reader("reporter", LEAD),
    "lead's system": _Reader("integrator", LEAD),
    "stranger": _Reader("lead", STRANGER),
    "stranger in the plan": _Reader("reporter", STRANGER, PLAN),
    "system": _Reader("integrator"),
    "owner": _Reader("integrator", UNIT),
    "owner of the whole city": _Reader("integrator"),
    "administrator": _Reader("system_admin"),
}
_CITYWIDE = {"office", "leader", "system", "owner of the whole city"}
_UNITS = {"unit", "unit's lead", "unit's system", "owner"}
_LEADS = {"lead", "lead's system"}
_ALL_UNITS = {*_UNITS, *_LEADS, "lead's clerk", "stranger", "stranger in the plan"}


@pytest.fixture
async def city(database_url: str) -> AsyncIterator[Receivers]:
    """A city with two plans, in which different units lead what has the same code."""
    async with connect(database_url, size=4) as database:
        found = Receivers(database)
        await found.found_city()
        await found.execute("DELETE FROM indicator_lead")
        await found.execute("INSERT INTO plan VALUES (:c, :p, 1)", c=CITY, p=OTHER_PLAN)
        async with database.transaction() as session:
            for plan, unit in ((PLAN, LEAD), (OTHER_PLAN, STRANGER)):
                values = {"c": CITY, "p": plan, "u": unit}
                await session.execute(
                    text(
                        "INSERT INTO indicator_lead (city_code, plan_code, organization_code,"
                        " indicator_code) VALUES (:c, :p, :u, 'U08')"
                    ),
                    values,
                )
                await session.execute(
                    text(
                        "INSERT INTO measure_unit (city_code, plan_code, measure_code,"
                        " organization_code, part) VALUES (:c, :p, '14.1', :u, 'lead'),"
                        " (:c, :p, '14.2', :u, 'responsible')"
                    ),
                    values,
                )
        yield found


CREDENTIALS = {name: new_id() for name in READERS}


def _actor(name: str) -> Actor:
    reader = READERS[name]
    return Actor(
        credential_id=CREDENTIALS[name],
        name=name,
        role=reader.role,
        city_code=CITY,
        organization_code=reader.unit,
        plan_code=reader.plan,
        scopes=frozenset({"events:read"}),
        every_city=False,
        channel="test",
        request_id="",
    )


def _of_receiver(owner: str, unit: str | None) -> NewEvent:
    credential = str(CREDENTIALS[owner])
    return happening(
        "webhook.disabled",
        unit,
        None,
        subject=("webhook_endpoint", "1"),
        owner_credential_id=credential,
    )


_VALUE: dict[str, Any] = {"subject": ("submission", "1"), "indicator_code": "U08"}
_MILESTONE: dict[str, Any] = {"subject": ("milestone", "1"), "measure_code": "14.1"}

CASES: Mapping[str, tuple[NewEvent, set[str]]] = {
    "a unit's approved value": (
        happening("submission.approved", UNIT, **_VALUE),
        {*_CITYWIDE, "superior", *_UNITS, *_LEADS},
    ),
    "a unit's value under review": (
        happening("submission.submitted", UNIT, **_VALUE),
        {*_CITYWIDE, *_UNITS, *_LEADS},
    ),
    "a unit's value of the other plan": (
        happening("submission.submitted", UNIT, OTHER_PLAN, **_VALUE),
        {*_CITYWIDE, "office of the other plan", *_UNITS, "stranger"},
    ),
    "a unit's value of an indicator that nobody else leads": (
        happening("submission.submitted", UNIT, subject=("submission", "1"), indicator_code="U09"),
        {*_CITYWIDE, *_UNITS},
    ),
    "a unit's milestone of a measure that nobody else leads": (
        happening("milestone.progressed", UNIT, subject=("milestone", "1"), measure_code="15.1"),
        {*_CITYWIDE, *_UNITS},
    ),
    "a unit's alert, though it names the measure that others lead": (
        happening("alert.raised", UNIT, subject=("alert", "1"), measure_code="14.1"),
        {*_CITYWIDE, *_UNITS},
    ),
    "a unit's obligation": (
        happening("obligation.extended", UNIT, subject=("obligation", "1"), indicator_code="U08"),
        {*_CITYWIDE, *_UNITS, *_LEADS},
    ),
    "a unit asks for time for what it owes": (
        happening("extension.requested", UNIT, subject=("extension", "1"), indicator_code="U08"),
        {*_CITYWIDE, *_UNITS, *_LEADS},
    ),
    "a unit's milestone": (
        happening("milestone.progressed", UNIT, **_MILESTONE),
        {*_CITYWIDE, *_UNITS, *_LEADS},
    ),
    "a unit's milestone of a measure that others only share": (
        happening("milestone.progressed", UNIT, subject=("milestone", "1"), measure_code="14.2"),
        {*_CITYWIDE, *_UNITS},
    ),
    "a unit's alert, though it names what others lead": (
        happening("alert.raised", UNIT, subject=("alert", "1"), indicator_code="U08"),
        {*_CITYWIDE, *_UNITS},
    ),
    "a unit asks for time for a milestone": (
        happening("extension.requested", UNIT, subject=("extension", "1"), measure_code="14.1"),
        {*_CITYWIDE, *_UNITS, *_LEADS},
    ),
    "an approved score": (
        happening("score.updated", None, subject=("scoreboard", "1"), basis="approved"),
        {*_CITYWIDE, "superior", *_ALL_UNITS},
    ),
    "a provisional score": (
        happening("score.updated", None, subject=("scoreboard", "1"), basis="submitted"),
        _CITYWIDE,
    ),
    "a period is closed": (
        happening("period.closed", None, subject=("period", "1")),
        {*_CITYWIDE, "superior", *_ALL_UNITS},
    ),
    "a period of the other plan is closed": (
        happening("period.closed", None, OTHER_PLAN, subject=("period", "1")),
        {
            *_CITYWIDE,
            "superior",
            "office of the other plan",
            *_ALL_UNITS - {"stranger in the plan"},
        },
    ),
    "a calendar changes, which is of no plan": (
        happening("calendar.changed", None, None, subject=("calendar", "CN")),
        {*_CITYWIDE, *_ALL_UNITS - {"stranger in the plan"}},
    ),
    "a unit's receiver is disabled": (
        _of_receiver("owner", UNIT),
        {"office", "leader", "owner"},
    ),
    "a receiver of the whole city is disabled": (
        _of_receiver("owner of the whole city", None),
        {"office", "leader", "owner of the whole city"},
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_an_event_is_heard_by_these_and_nobody_else(city: Receivers, case: str) -> None:
    told, hearers = CASES[case]
    await city.happen(told)
    async with city.database.transaction() as session:
        while await number_committed(session, CITY):
            pass
    heard = set()
    async with city.database.sessions() as session:
        for name in READERS:
            stretch = await events_after(
                session, _actor(name), city_code=CITY, position=0, wanted=EventFilter(), limit=10
            )
            assert stretch.last_position == 1
            heard |= {name} if stretch.events else set()
    assert heard == hearers


async def test_another_city_hears_nothing(city: Receivers) -> None:
    await city.happen(happening("period.closed", None, subject=("period", "1")))
    async with city.database.transaction() as session:
        while await number_committed(session, CITY):
            pass
    elsewhere = Actor(
        credential_id=new_id(),
        name="elsewhere",
        role="office",
        city_code="410184",
        organization_code=None,
        plan_code=None,
        scopes=frozenset({"events:read"}),
        every_city=False,
        channel="test",
        request_id="",
    )
    async with city.database.sessions() as session:
        stretch = await events_after(
            session, elsewhere, city_code=CITY, position=0, wanted=EventFilter(), limit=10
        )
    assert (stretch.events, stretch.last_position) == ([], 1)


async def numbered(city: Receivers, *cities: str) -> None:
    for code in cities:
        async with city.database.transaction() as session:
            while await number_committed(session, code):
                pass


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EventFilter(), [1, 2, 3, 4]),
        (EventFilter(types=("period.closed",)), [1]),
        (EventFilter(types=("period.closed", "alert.raised")), [1, 4]),
        (EventFilter(plan_code=OTHER_PLAN), [3]),
        (EventFilter(organization_code=UNIT), [2, 3]),
        (EventFilter(subject=("submission",)), [2, 3]),
        (EventFilter(subject=("submission", "b")), [3]),
        (EventFilter(plan_code=PLAN, organization_code=STRANGER, subject=("alert",)), [4]),
        (EventFilter(plan_code=OTHER_PLAN, subject=("alert",)), []),
    ],
)
async def test_a_reader_is_told_what_it_wants_of_its_own_city(
    city: Receivers, wanted: EventFilter, expected: list[int]
) -> None:
    """Each event stands at its own number, and another city's are not among them."""
    await city.execute("INSERT INTO city VALUES ('410184', '邻市')")
    told = [
        happening("period.closed", None, subject=("period", "2025")),
        happening("submission.submitted", UNIT, subject=("submission", "a"), indicator_code="U08"),
        happening("submission.submitted", UNIT, OTHER_PLAN, subject=("submission", "b")),
        happening("alert.raised", STRANGER, subject=("alert", "1")),
    ]
    for one in told:
        await city.happen(replace(one, city_code="410184", plan_code="410184-2025"))
        await city.happen(one)
        await numbered(city, CITY, "410184")
    async with city.database.sessions() as session:
        whole = await events_after(
            session, _actor("office"), city_code=CITY, position=0, wanted=wanted, limit=10
        )
        rest = await events_after(
            session, _actor("office"), city_code=CITY, position=2, wanted=wanted, limit=10
        )
    found = [one.position for one in whole.events]
    assert found == expected
    assert [one.event.subject_id for one in whole.events] == [
        told[number - 1].subject_id for number in expected
    ]
    assert {one.event.city_code for one in whole.events} <= {CITY}
    assert [one.position for one in rest.events] == [number for number in expected if number > 2]
    assert (whole.last_position, whole.has_more) == (4, False)
