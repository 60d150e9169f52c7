"""A plan that was read is kept and shared: no session that read it may change it afterwards."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import system
from services.core.kit.database import connect
from services.core.plan.loading import load_plan
from services.core.plan.models import PlanPeriod
from services.core.plan.queries import known_plan, period_for_update, plan_state
from services.core.plan.state import PlanState
from tests.support.api import XINMI, xinmi
from tests.support.owner import as_owner

NOW = datetime(2025, 9, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
CITY = "410183"


_ASSIGN = f"""
INSERT INTO assigned_target (city_code, plan_code, indicator_code, year, sequence, kind, value,
    document_number, document_date, assigned_at, assigned_by)
VALUES ('{CITY}', '{XINMI}', 'I01', 2025, 1, 'at_least', 91, '1', now(), now(), '{{}}')
"""
_SETTLE = f"""
INSERT INTO settlement (city_code, plan_code, question_id, decision, document_number,
    document_date, settled_at, settled_by)
VALUES ('{CITY}', '{XINMI}', 'Q01', 'as printed', '1', now(), now(), '{{}}')
"""


async def _opened(session: AsyncSession) -> None:
    await load_plan(session, document=xinmi(), actor=system("test"), now=NOW)
    opened = {"period": "2025", "state": "open", "due_date": NOW.date(), "opened_at": NOW}
    place = {"city_code": CITY, "plan_code": XINMI, "version": 1}
    await session.execute(insert(PlanPeriod).values(**place, **opened))


async def test_a_plan_is_read_anew_when_anything_of_it_has_changed(database_url: str) -> None:
    async with connect(database_url, size=1) as database:
        async with database.transaction() as session:
            await _opened(session)

        async def read() -> PlanState:
            async with database.sessions() as session:
                plan = await plan_state(session, CITY, XINMI)
            assert plan is not None
            assert await known_plan(database.pool, CITY, XINMI) is plan
            return plan

        plan = await read()
        assert await read() is plan, "nothing of it has changed"
        for change in (
            "UPDATE plan_period SET due_date = due_date + 1",
            _ASSIGN,
            "UPDATE assigned_target SET value = 90",
            _SETTLE,
            "UPDATE settlement SET decision = 'otherwise'",
            "DELETE FROM settlement",
        ):
            await as_owner(database_url, change)
            assert await known_plan(database.pool, CITY, XINMI) is None, change
            before, plan = plan, await read()
            assert plan is not before, change
        assert not plan.settlements
        assert plan.assigned["I01", 2025][0].value == 90


async def test_what_a_session_has_not_written_is_no_state_of_a_plan(database_url: str) -> None:
    async with connect(database_url, size=1) as database:
        async with database.transaction() as session:
            await _opened(session)
        async with database.sessions() as session:
            row = await period_for_update(session, CITY, XINMI, "2025")
            assert row is not None
            row.state = "closed"
            plan = await plan_state(session, CITY, XINMI)
            assert plan is not None
            assert plan.periods["2025"].state == "open"
            await session.rollback()
        assert await known_plan(database.pool, CITY, XINMI) is plan


async def test_a_plan_outlives_the_rollback_of_the_session_that_read_it(database_url: str) -> None:
    async with connect(database_url, size=1) as database:
        async with database.transaction() as session:
            await _opened(session)
        async with database.sessions() as session:
            plan = await plan_state(session, CITY, XINMI)
            assert plan is not None
            row = await period_for_update(session, CITY, XINMI, "2025")
            assert row is not None
            row.state = "closed"
            await session.flush()
            assert plan.periods["2025"].state == "open"
            await session.rollback()
        assert plan.periods["2025"].state == "open"
