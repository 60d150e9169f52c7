"""Who sees what: the condition in SQL and the decision in Python are one and the same."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Integer, TextClause, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.queries import ALERTS
from services.core.feed.queries import APPROVED_EVENTS, heard, heard_by_owners
from services.core.identity.actor import Actor, operator
from services.core.identity.reach import Reach
from services.core.identity.rules import ROLES, SCOPES, Permission, Role, reach_of
from services.core.kit.database import connect
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

CITY, OTHER_CITY = "410183", "410185"
PLAN, OTHER_PLAN = "410183-2025", "410183-other"
UNITS = ("UN10", "UN14", "UN15")
ACTORS = list(product(ROLES, (*UNITS, None), (None, PLAN, OTHER_PLAN)))

Row = Mapping[str, Any]
Leads = Mapping[str, Sequence[str]]

LEADS: Sequence[Leads] = (
    {},
    {"i1": ("UN10",), "m1": ("UN15",)},
    {"i1": ("UN14", "UN15"), "i2": ("UN10",), "m1": ("UN10", "UN14"), "m2": ("UN15",)},
    dict.fromkeys(("i1", "i2", "m1", "m2"), UNITS),
)
"""Who leads which indicator and measure: nobody, one each, several, everybody."""

_TABLES = """
CREATE TEMP TABLE indicator_lead
    (city_code text, plan_code text, indicator_code text, organization_code text);
CREATE TEMP TABLE measure_unit
    (city_code text, plan_code text, measure_code text, organization_code text, part text);
CREATE TEMP TABLE thing (id int, city_code text, plan_code text, unit text, second_unit text,
    indicator text, measure text, state text, made_by text);
CREATE TEMP TABLE submission (id int, city_code text, plan_code text, organization_code text,
    indicator_code text, state text, approved_revision int);
CREATE TEMP TABLE obligation (id int, city_code text, plan_code text, organization_code text,
    indicator_code text, state text);
CREATE TEMP TABLE milestone (id int, city_code text, plan_code text, organization_code text,
    measure_code text, state text);
CREATE TEMP TABLE extension (id int, city_code text, plan_code text, subject_kind text,
    subject_id int, state text);
CREATE TEMP TABLE alert (id int, city_code text, plan_code text, organization_code text,
    indicator_code text, measure_code text, state text);
CREATE TEMP TABLE event (id int, city_code text, plan_code text, organization_code text,
    subject_kind text, type text, data jsonb);
CREATE TEMP TABLE owner (number int, role text, unit text, credential text)
"""
"""Tables as the slices' conditions name them; a temporary one hides the one that is kept."""


def an_actor(role: Role, unit: str | None, plan: str | None, city: str = CITY) -> Actor:
    return replace(
        operator(city),
        role=role,
        organization_code=unit,
        plan_code=plan,
        scopes=frozenset(SCOPES),
        every_city=False,
    )


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[AsyncSession]:
    async with connect(database_url, size=2) as database, database.transaction() as session:
        for statement in _TABLES.split(";"):
            await session.execute(text(statement))
        yield session


async def _place(session: AsyncSession, table: str, rows: Sequence[Row]) -> None:
    names = list(rows[0])
    given = ", ".join(f":{name}" for name in names)
    await session.execute(
        text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({given})"),
        list(rows),
    )


async def _lead(session: AsyncSession, leads: Leads) -> None:
    """Let these lead what is named; other parts, cities and plans lead something else."""
    await session.execute(text("TRUNCATE indicator_lead, measure_unit"))
    indicators = [("i1", "UN10", OTHER_CITY, PLAN), ("i1", "UN10", CITY, OTHER_PLAN)]
    measures = [("m1", "UN14", OTHER_CITY, PLAN, "lead"), ("m1", "UN10", CITY, PLAN, "responsible")]
    for name, units in leads.items():
        if name.startswith("i"):
            indicators += [(name, unit, CITY, PLAN) for unit in units]
        else:
            measures += [(name, unit, CITY, PLAN, "lead") for unit in units]
    of_indicator = ("indicator_code", "organization_code", "city_code", "plan_code")
    of_measure = ("measure_code", "organization_code", "city_code", "plan_code", "part")
    await _place(
        session, "indicator_lead", [dict(zip(of_indicator, one, strict=True)) for one in indicators]
    )
    await _place(
        session, "measure_unit", [dict(zip(of_measure, one, strict=True)) for one in measures]
    )


def _leading(leads: Leads, row: Row, *names: str | None) -> set[str]:
    """Return who leads these in the city and plan of a row."""
    place = (row["city_code"], row["plan_code"])
    found = {unit for name in names if name for unit in leads.get(name, ())}
    elsewhere = {
        (OTHER_CITY, PLAN): {"i1": "UN10", "m1": "UN14"},
        (CITY, OTHER_PLAN): {"i1": "UN10"},
    }
    if place == (CITY, PLAN):
        return found
    return {elsewhere.get(place, {}).get(name or "", "") for name in names} - {""}


async def _seen(session: AsyncSession, table: str, condition: TextClause) -> set[int]:
    wanted = select(literal_column("id", Integer)).select_from(text(table)).where(condition)
    return set(await session.scalars(wanted))


def _rows(**members: Sequence[Any]) -> list[dict[str, Any]]:
    """Return a row for each combination, numbered."""
    return [
        {"id": number, **dict(zip(members, values, strict=True))}
        for number, values in enumerate(product(*members.values()))
    ]


PLACES: Mapping[str, Sequence[Any]] = {
    "city_code": (CITY, OTHER_CITY),
    "plan_code": (PLAN, OTHER_PLAN),
}
THING = Owned(
    city="thing.city_code",
    plan="thing.plan_code",
    unit="thing.unit",
    second_unit="thing.second_unit",
    indicator="thing.indicator",
    measure="thing.measure",
    shared="thing.unit IS NULL",
    approved="thing.state = 'approved'",
)
THINGS = _rows(
    **PLACES,
    unit=("UN10", "UN15", None),
    second_unit=("UN14", None),
    indicator=("i1", None),
    measure=("m1", "m2", None),
    state=("approved", "draft"),
    made_by=("",),
)


def _thing_is_seen(actor: Actor, row: Row, leads: Leads) -> bool:
    return sees(
        actor,
        city_code=row["city_code"],
        plan_code=row["plan_code"],
        units=(row["unit"], row["second_unit"]),
        leads=_leading(leads, row, row["indicator"], row["measure"]),
        shared=row["unit"] is None,
        approved=row["state"] == "approved",
    )


@pytest.mark.parametrize("leads", LEADS)
async def test_sql_and_python_decide_alike(session: AsyncSession, leads: Leads) -> None:
    await _place(session, "thing", THINGS)
    await _lead(session, leads)
    for role, unit, plan in ACTORS:
        actor = an_actor(role, unit, plan)
        found = await _seen(session, "thing", scope(actor, THING).clause)
        expected = {row["id"] for row in THINGS if _thing_is_seen(actor, row, leads)}
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


_OF_INDICATOR = _rows(
    **PLACES, organization_code=UNITS, indicator_code=("i1", "i2"), state=("owed", "waived")
)
_MILESTONES = _rows(
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
        _rows(
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
        _rows(
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
    await _place(session, part.table, part.rows)
    if part.owned is EXTENSIONS:
        await _place(session, "obligation", _OF_INDICATOR)
        await _place(session, "milestone", _MILESTONES)
    await _lead(session, leads)
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
                leads=_leading(leads, row, *part.named(row)),
                approved=part.approved(row),
            )
        }
        found = await _seen(session, table, scope(actor, part.owned).clause)
        assert found == expected, (role, unit, plan)


MINE, ANOTHERS = str(operator(CITY).credential_id), "019bb0f1-6b00-7a10-8a44-0d6c0f0e5a02"
_TOLD = _rows(
    **PLACES,
    organization_code=("UN10", "UN15", None),
    subject_kind=("submission", "milestone", "extension", "plan", "webhook_endpoint"),
    type=("submission.approved", "milestone.closed", "score.updated", "webhook.disabled"),
    data=(
        '{"indicator_code": "i1", "basis": "submitted"}',
        '{"measure_code": "m1", "basis": "approved"}',
        f'{{"owner_credential_id": "{MINE}"}}',
        f'{{"owner_credential_id": "{ANOTHERS}", "indicator_code": "i2"}}',
    ),
)


def _hears(actor: Actor, row: Row, leads: Leads) -> bool:
    """Return what `heard` decides of one event, in Python."""
    kind, data = row["subject_kind"], row["data"]
    provisional = row["type"] == "score.updated" and '"submitted"' in data
    ours = row["type"] == "score.updated" and "basis" not in data  # says not which: counts as none
    indicator = next((name for name in ("i1", "i2") if f'"{name}"' in data), None)
    measure = "m1" if '"m1"' in data else None
    public = not provisional and not ours
    seen = sees(
        actor,
        city_code=row["city_code"],
        plan_code=row["plan_code"],
        units=() if row["organization_code"] is None else (row["organization_code"],),
        leads=_leading(
            leads,
            row,
            indicator if kind in {"submission", "obligation", "extension"} else None,
            measure if kind in {"milestone", "extension"} else None,
        ),
        shared=row["organization_code"] is None and public,
        approved=row["type"] in APPROVED_EVENTS and public,
    )
    every = actor.may(Permission.HEAR_OF_EVERY_WEBHOOK)
    return seen and (every or kind != "webhook_endpoint" or MINE in data)


async def _place_events(session: AsyncSession) -> None:
    await _place(session, "event", [{**row, "data": None} for row in _TOLD])
    await session.execute(
        text("UPDATE event SET data = CAST(:data AS jsonb) WHERE id = :id"),
        [{"id": row["id"], "data": row["data"]} for row in _TOLD],
    )


@pytest.mark.parametrize("leads", LEADS[1:3])
async def test_the_log_tells_what_python_decides(session: AsyncSession, leads: Leads) -> None:
    await _place_events(session)
    await _lead(session, leads)
    for role, unit, plan in ACTORS:
        actor = an_actor(role, unit, plan)
        expected = {row["id"] for row in _TOLD if _hears(actor, row, leads)}
        assert await _seen(session, "event", heard(actor)) == expected, (role, unit, plan)


@pytest.mark.parametrize("leads", LEADS[1:3])
async def test_many_receivers_hear_what_each_of_their_owners_does(
    session: AsyncSession, leads: Leads
) -> None:
    """And nobody's does who may manage none."""
    await _place_events(session)
    await _lead(session, leads)
    owners = list(product(ROLES, (*UNITS, None)))
    given = [
        {"number": number, "role": role, "unit": unit, "credential": MINE}
        for number, (role, unit) in enumerate(owners)
    ]
    await _place(session, "owner", given)
    told = heard_by_owners(
        CITY, "event", role="owner.role", unit="owner.unit", credential="owner.credential"
    )
    rows = await session.execute(
        text(f"SELECT number, id FROM owner, event WHERE city_code = '{CITY}' AND {told.text}"),
        {"scope_city": CITY},
    )
    expected = {
        (number, row["id"])
        for number, (role, unit) in enumerate(owners)
        for row in _TOLD
        if role in Permission.MANAGE_WEBHOOKS.roles
        and row["city_code"] == CITY
        and _hears(an_actor(role, unit, None), row, leads)
    }
    assert {(number, found) for number, found in rows} == expected


async def test_many_at_once_see_what_each_of_them_does(session: AsyncSession) -> None:
    leads = LEADS[2]
    await _place(session, "thing", THINGS)
    await _lead(session, leads)
    owners = list(product(ROLES, (*UNITS, None)))
    given = [
        {"number": number, "role": role, "unit": unit, "credential": ""}
        for number, (role, unit) in enumerate(owners)
    ]
    await _place(session, "owner", given)
    seen = seen_by_each(ROLES, THING, city=f"'{CITY}'", role="owner.role", unit="owner.unit")
    rows = await session.execute(
        text(f"SELECT number, id FROM owner, thing WHERE city_code = '{CITY}' AND {seen}")
    )
    expected = {
        (number, row["id"])
        for number, (role, unit) in enumerate(owners)
        for row in THINGS
        if row["city_code"] == CITY and _thing_is_seen(an_actor(role, unit, None), row, leads)
    }
    assert {(number, found) for number, found in rows} == expected


@pytest.mark.parametrize("leads", LEADS)
async def test_who_sees_every_row_misses_none(leads: Leads) -> None:
    for (role, unit, plan), named in product(ACTORS, ("i1", "m1")):
        actor, row = an_actor(role, unit, plan), {"city_code": CITY, "plan_code": PLAN}
        leading = _leading(leads, row, named)
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
    await _place(session, "thing", things)
    for role, unit, plan in ACTORS:
        actor = replace(an_actor(role, unit, plan), every_city=every_city)
        seen = plan_scope(actor, city="thing.city_code", plan="thing.plan_code")
        expected = {
            row["id"]
            for row in things
            if sees_plan(actor, city_code=row["city_code"], plan_code=row["plan_code"])
        }
        assert await _seen(session, "thing", seen.clause) == expected


async def test_what_somebody_made_is_theirs_and_who_manages_every_one_has_those_of_its_plan(
    session: AsyncSession,
) -> None:
    things = _rows(
        **PLACES,
        unit=("UN15",), second_unit=(None,), indicator=(None,), measure=(None,), state=("",),
        made_by=(MINE, ANOTHERS),
    )  # fmt: skip
    await _place(session, "thing", things)
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
        assert await _seen(session, "thing", seen.clause) == expected, (role, unit, plan)


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
