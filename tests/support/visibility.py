"""Actors, rows and who leads what: the ground on which visibility is tried."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from sqlalchemy import Integer, TextClause, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor, operator
from services.core.identity.rules import ROLES, SCOPES, Role
from services.core.plan.visibility import (
    Owned,
    sees,
)

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


def an_actor(role: Role, unit: str | None, plan: str | None, city: str = CITY) -> Actor:
    return replace(
        operator(city),
        role=role,
        organization_code=unit,
        plan_code=plan,
        scopes=frozenset(SCOPES),
        every_city=False,
    )


async def put_rows(session: AsyncSession, table: str, rows: Sequence[Row]) -> None:
    names = list(rows[0])
    given = ", ".join(f":{name}" for name in names)
    await session.execute(
        text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({given})"),
        list(rows),
    )


async def let_lead(session: AsyncSession, leads: Leads) -> None:
    """Let these lead what is named; other parts, cities and plans lead something else."""
    for table in ("indicator_lead", "measure_unit"):
        await session.execute(text(f"DELETE FROM {table}"))
    indicators = [("i1", "UN10", OTHER_CITY, PLAN), ("i1", "UN10", CITY, OTHER_PLAN)]
    measures = [("m1", "UN14", OTHER_CITY, PLAN, "lead"), ("m1", "UN10", CITY, PLAN, "responsible")]
    for name, units in leads.items():
        if name.startswith("i"):
            indicators += [(name, unit, CITY, PLAN) for unit in units]
        else:
            measures += [(name, unit, CITY, PLAN, "lead") for unit in units]
    of_indicator = ("indicator_code", "organization_code", "city_code", "plan_code")
    of_measure = ("measure_code", "organization_code", "city_code", "plan_code", "part")
    await put_rows(
        session, "indicator_lead", [dict(zip(of_indicator, one, strict=True)) for one in indicators]
    )
    await put_rows(
        session, "measure_unit", [dict(zip(of_measure, one, strict=True)) for one in measures]
    )


def who_leads(leads: Leads, row: Row, *names: str | None) -> set[str]:
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


async def ids_seen(session: AsyncSession, table: str, condition: TextClause) -> set[int]:
    wanted = select(literal_column("id", Integer)).select_from(text(table)).where(condition)
    return set(await session.scalars(wanted))


def rows_of(**members: Sequence[Any]) -> list[dict[str, Any]]:
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


THINGS = rows_of(
    **PLACES,
    unit=("UN10", "UN15", None),
    second_unit=("UN14", None),
    indicator=("i1", None),
    measure=("m1", "m2", None),
    state=("approved", "draft"),
    made_by=("",),
)


def thing_is_seen(actor: Actor, row: Row, leads: Leads) -> bool:
    return sees(
        actor,
        city_code=row["city_code"],
        plan_code=row["plan_code"],
        units=(row["unit"], row["second_unit"]),
        leads=who_leads(leads, row, row["indicator"], row["measure"]),
        shared=row["unit"] is None,
        approved=row["state"] == "approved",
    )


MINE, ANOTHERS = str(operator(CITY).credential_id), "019bb0f1-6b00-7a10-8a44-0d6c0f0e5a02"
