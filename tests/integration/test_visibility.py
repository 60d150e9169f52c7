"""Who sees what: the condition in SQL and the decision in Python are one and the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor, operator, system
from services.core.identity.reach import Reach, reach_of
from services.core.identity.rules import ROLES, Role
from services.core.kit.database import connect
from services.core.plan.loading import load_plan
from services.core.plan.models import IndicatorLead, MeasureUnit
from services.core.plan.visibility import Owned, scope, sees
from tests.support.api import XINMI, xinmi

CITY, OTHER_CITY, OTHER_PLAN = "410183", "410185", "410183-other"
UNITS = ("UN10", "UN14", "UN15", None)
NOW = datetime(2025, 9, 1, tzinfo=ZoneInfo("Asia/Shanghai"))

OWNED = Owned(
    city="thing.city_code",
    plan="thing.plan_code",
    unit="thing.unit",
    indicator="thing.indicator",
    measure="thing.measure",
    shared="thing.unit IS NULL",
    approved="thing.state = 'approved'",
)


class Thing(NamedTuple):
    city_code: str
    plan_code: str
    unit: str | None
    indicator: str | None
    measure: str | None
    state: str


def an_actor(role: Role, unit: str | None, plan: str | None, city: str = CITY) -> Actor:
    return replace(
        operator(city),
        role=role,
        organization_code=unit,
        plan_code=plan,
        every_city=False,
    )


async def _leads(session: AsyncSession) -> dict[str | None, set[str]]:
    """Return who leads which indicator and measure of the plan."""
    found: dict[str | None, set[str]] = {None: set()}
    for row in await session.scalars(select(IndicatorLead)):
        found.setdefault(row.indicator_code, set()).add(row.organization_code)
    for part in await session.scalars(select(MeasureUnit).where(MeasureUnit.part == "lead")):
        found.setdefault(part.measure_code, set()).add(part.organization_code)
    return found


async def _place_things(session: AsyncSession, things: Sequence[Thing]) -> None:
    await session.execute(
        text(
            "CREATE TEMP TABLE thing (number int, city_code text, plan_code text, unit text,"
            " indicator text, measure text, state text)"
        )
    )
    await session.execute(
        text(
            "INSERT INTO thing VALUES (:number, :city_code, :plan_code, :unit, :indicator,"
            " :measure, :state)"
        ),
        [{"number": number, **thing._asdict()} for number, thing in enumerate(things)],
    )


async def test_sql_and_python_decide_alike(database_url: str) -> None:
    async with connect(database_url, size=2) as database, database.transaction() as session:
        await load_plan(session, document=xinmi(), actor=system("test"), now=NOW)
        leads = await _leads(session)
        indicators = [next(c for c, units in leads.items() if u in units) for u in ("UN10", "UN15")]
        things = [
            Thing(*parts)
            for parts in product(
                (CITY, OTHER_CITY),
                (XINMI, OTHER_PLAN),
                UNITS,
                (indicators[1], None),
                ("14.1", "13.1", None),
                ("approved", "draft"),
            )
        ]
        await _place_things(session, things)
        for role, unit, plan in product(ROLES, UNITS, (None, XINMI, OTHER_PLAN)):
            actor = an_actor(role, unit, plan)
            found: set[int] = set(
                await session.scalars(
                    select(literal_column("number"))
                    .select_from(text("thing"))
                    .where(scope(actor, OWNED).clause)
                )
            )
            expected = {
                number
                for number, thing in enumerate(things)
                if sees(
                    actor,
                    city_code=thing.city_code,
                    plan_code=thing.plan_code,
                    units=(thing.unit,),
                    leads=_led(leads, thing),
                    shared=thing.unit is None,
                    approved=thing.state == "approved",
                )
            }
            assert found == expected, (role, unit, plan)


def _led(leads: dict[str | None, set[str]], thing: Thing) -> set[str]:
    if (thing.city_code, thing.plan_code) != (CITY, XINMI):
        return set()
    return leads[thing.indicator] | leads[thing.measure]


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
    assert not sees(actor, city_code=OTHER_CITY, plan_code=XINMI, units=("UN15",))
