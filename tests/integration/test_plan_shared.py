"""A plan that was read is kept and shared: no session that read it may change it afterwards."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from services.core.identity.actor import system
from services.core.kit.database import connect
from services.core.plan.loading import load_plan
from services.core.plan.models import PlanPeriod
from services.core.plan.queries import period_for_update, plan_state
from tests.support.api import XINMI, xinmi

NOW = datetime(2025, 9, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
CITY = "410183"


async def test_a_plan_outlives_the_rollback_of_the_session_that_read_it(database_url: str) -> None:
    async with connect(database_url, size=1) as database:
        async with database.transaction() as session:
            await load_plan(session, document=xinmi(), actor=system("test"), now=NOW)
            opened = {"period": "2025", "state": "open", "due_date": NOW.date(), "opened_at": NOW}
            place = {"city_code": CITY, "plan_code": XINMI, "version": 1}
            await session.execute(insert(PlanPeriod).values(**place, **opened))
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
