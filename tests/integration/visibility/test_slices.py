"""Who sees what: the condition in SQL and the decision in Python are one and the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.queries import ALERTS
from services.core.identity.reach import Reach
from services.core.identity.rules import ROLES, Permission, reach_of
from services.core.milestones.conditions import EXTENSIONS, MILESTONES
from services.core.obligations.queries import OBLIGATIONS
from services.core.plan.visibility import (
    Made,
    Owned,
    made_scope,
    plan_scope,
    scope,
    seen_by_each,
    sees,
    sees_every,
    sees_plan,
)
from services.core.submissions.queries import SUBMISSIONS
from tests.support.visibility import (
    ACTORS,
    ANOTHERS,
    CITY,
    LEADS,
    MINE,
    OTHER_CITY,
    PLACES,
    PLAN,
    THING,
    THINGS,
    UNITS,
    Leads,
    Row,
    an_actor,
    ids_seen,
    let_lead,
    put_rows,
    rows_of,
    thing_is_seen,
    who_leads,
)


@pytest.mark.parametrize("leads", LEADS)
async def test_sql_and_python_decide_alike(session: AsyncSession, leads: Leads) -> None:
    await put_rows(session, "thing", THINGS)
    await let_lead(session, leads)
    for role, unit, plan in ACTORS:
        actor = an_actor(role, unit, plan)
        found = await ids_seen(session, "thing", scope(actor, THING).clause)
        expected = {row["id"] for row in THINGS if thing_is_seen(actor, row, leads)}
        assert found == expected, (role, unit, plan)


@dataclass(frozen=True)
class Slice:
    """A slice's own condition, rows of its table, and who has to do with a row."""

    table: str
    owned: Owned
    rows: Sequence[Row]
    named: Callable[[Row], Sequence[str | None]]
    unit: Callable[[Row], str | None] = lambda row: row["organization_code"]
    approved: Callable[[Row], bool] = lambda _: False


_OF_INDICATOR = rows_of(
    **PLACES, organization_code=UNITS, indicator_code=("i1", "i2"), state=("owed", "waived")
)
_MILESTONES = rows_of(
    **PLACES,
    organization_code=UNITS,
    measure_code=("m1", "m2"),
    state=("assigned", "declined", "completed", "closed", "cancelled"),
)


def _extensions() -> Iterator[Row]:
    number = 0
    for kind, subjects in (("obligation", _OF_INDICATOR), ("milestone", _MILESTONES)):
        for subject, state in product(subjects, ("requested", "granted")):
            yield {
                "id": number,
                "city_code": subject["city_code"],
                "plan_code": subject["plan_code"],
                "subject_kind": kind,
                "subject_id": subject["id"],
                "state": state,
            }
            number += 1


def _subject(row: Row) -> Row:
    rows = _OF_INDICATOR if row["subject_kind"] == "obligation" else _MILESTONES
    return rows[row["subject_id"]]


SLICES = (
    Slice(
        "submission",
        SUBMISSIONS,
        rows_of(
            **PLACES,
            organization_code=UNITS,
            indicator_code=("i1", "i2"),
            state=("draft", "submitted", "returned", "approved", "withdrawn"),
            approved_revision=(1, None),
        ),
        lambda row: (row["indicator_code"],),
        approved=lambda row: row["approved_revision"] is not None,
    ),
    Slice("obligation", OBLIGATIONS, _OF_INDICATOR, lambda row: (row["indicator_code"],)),
    Slice("milestone", MILESTONES, _MILESTONES, lambda row: (row["measure_code"],)),
    Slice(
        "extension",
        EXTENSIONS,
        list(_extensions()),
        lambda row: (_subject(row).get("indicator_code"), _subject(row).get("measure_code")),
        unit=lambda row: _subject(row)["organization_code"],
    ),
    Slice(
        "alert",
        ALERTS,
        rows_of(
            **PLACES,
            organization_code=UNITS,
            indicator_code=("i1", None),
            measure_code=("m2", None),
            state=("open", "snoozed", "resolved"),
        ),
        lambda row: (row["indicator_code"], row["measure_code"]),
    ),
)


@pytest.mark.parametrize("leads", LEADS)
@pytest.mark.parametrize("part", SLICES, ids=lambda part: part.table)
async def test_each_slice_shows_what_python_decides(
    session: AsyncSession, part: Slice, leads: Leads
) -> None:
    await put_rows(session, part.table, part.rows)
    if part.owned is EXTENSIONS:
        await put_rows(session, "obligation", _OF_INDICATOR)
        await put_rows(session, "milestone", _MILESTONES)
    await let_lead(session, leads)
    # The obligation's condition is on a table that its statements call `o`.
    table = "obligation AS o" if part.owned is OBLIGATIONS else part.table
    for role, unit, plan in ACTORS:
        actor = an_actor(role, unit, plan)
        expected = {
            row["id"]
            for row in part.rows
            if sees(
                actor,
                city_code=row["city_code"],
                plan_code=row["plan_code"],
                units=(part.unit(row),),
                leads=who_leads(leads, row, *part.named(row)),
                approved=part.approved(row),
            )
        }
        found = await ids_seen(session, table, scope(actor, part.owned).clause)
        assert found == expected, (role, unit, plan)


async def test_many_at_once_see_what_each_of_them_does(session: AsyncSession) -> None:
    leads = LEADS[2]
    await put_rows(session, "thing", THINGS)
    await let_lead(session, leads)
    owners = list(product(ROLES, (*UNITS, None)))
    given = [
        {"number": number, "role": role, "unit": unit, "credential": ""}
        for number, (role, unit) in enumerate(owners)
    ]
    await put_rows(session, "owner", given)
    seen = seen_by_each(ROLES, THING, city=f"'{CITY}'", role="owner.role", unit="owner.unit")
    rows = await session.execute(
        text(f"SELECT number, id FROM owner, thing WHERE city_code = '{CITY}' AND {seen}")
    )
    expected = {
        (number, row["id"])
        for number, (role, unit) in enumerate(owners)
        for row in THINGS
        if row["city_code"] == CITY and thing_is_seen(an_actor(role, unit, None), row, leads)
    }
    assert {(number, found) for number, found in rows} == expected


@pytest.mark.parametrize("leads", LEADS)
async def test_who_sees_every_row_misses_none(leads: Leads) -> None:
    for (role, unit, plan), named in product(ACTORS, ("i1", "m1")):
        actor, row = an_actor(role, unit, plan), {"city_code": CITY, "plan_code": PLAN}
        leading = who_leads(leads, row, named)
        of_each = [
            sees(actor, city_code=CITY, plan_code=PLAN, units=(one,), leads=leading, approved=True)
            for one in (*UNITS, "another")
        ]
        every = sees_every(
            actor, city_code=CITY, plan_code=PLAN, leads=sorted(leading), approved=True
        )
        assert every is all(of_each), (role, unit, plan)


@pytest.mark.parametrize("every_city", [False, True])
async def test_the_plans_of_a_scope_are_the_same_in_sql_and_in_python(
    session: AsyncSession, *, every_city: bool
) -> None:
    things = [row for row in THINGS if row["unit"] == "UN10"]
    await put_rows(session, "thing", things)
    for role, unit, plan in ACTORS:
        actor = replace(an_actor(role, unit, plan), every_city=every_city)
        for city in sorted({row["city_code"] for row in things}):
            seen = plan_scope(actor, city, city="thing.city_code", plan="thing.plan_code")
            expected = {
                row["id"]
                for row in things
                if row["city_code"] == city
                and sees_plan(actor, city_code=city, plan_code=row["plan_code"])
            }
            assert await ids_seen(session, "thing", seen.clause) == expected


async def test_what_somebody_made_is_theirs_and_who_manages_every_one_has_those_of_its_plan(
    session: AsyncSession,
) -> None:
    things = rows_of(
        **PLACES,
        unit=("UN15",), second_unit=(None,), indicator=(None,), measure=(None,), state=("",),
        made_by=(MINE, ANOTHERS),
    )  # fmt: skip
    await put_rows(session, "thing", things)
    made = Made(
        city="thing.city_code", plan="thing.plan_code", credential="CAST(thing.made_by AS uuid)"
    )
    for (role, unit, plan), power in product(ACTORS, (None, Permission.REVOKE_ANY_CALENDAR)):
        actor = an_actor(role, unit, plan)
        every = power is not None and role in power.roles
        expected = {
            row["id"]
            for row in things
            if row["city_code"] == CITY
            and (plan in {None, row["plan_code"]} if every else row["made_by"] == MINE)
        }
        seen = made_scope(actor, made, everybodys=power)
        assert await ids_seen(session, "thing", seen.clause) == expected, (role, unit, plan)


@pytest.mark.parametrize(
    ("role", "unit", "reach"),
    [
        ("reporter", "UN15", Reach.OWN),
        ("reporter", None, Reach.NOTHING),
        ("lead", "UN15", Reach.LED),
        ("lead", None, Reach.NOTHING),
        ("office", None, Reach.WHOLE_PLAN),
        ("office", "UN01", Reach.WHOLE_PLAN),
        ("leader", None, Reach.WHOLE_PLAN),
        ("superior", None, Reach.APPROVED),
        ("integrator", "UN15", Reach.LED),
        ("integrator", None, Reach.WHOLE_PLAN),
        ("system_admin", None, Reach.NOTHING),
        ("security_admin", None, Reach.NOTHING),
        ("audit_admin", None, Reach.NOTHING),
    ],
)
def test_a_role_has_one_reach(role: Any, unit: str | None, reach: Reach) -> None:
    assert reach_of(role, unit) is reach


@pytest.mark.parametrize("role", ROLES)
async def test_no_one_sees_another_city(role: Any) -> None:
    actor = an_actor(role, "UN15", None)
    assert not sees(actor, city_code=OTHER_CITY, plan_code=PLAN, units=("UN15",))
