"""The day by which what waits is to be decided, found among the days of its own plan."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from services.core.agenda.queries import PlanTurns, waiting
from services.core.agenda.rules import Turn
from services.core.identity.actor import operator
from services.core.identity.rules import DEFAULT_SCOPES
from services.core.kit.database import connect
from services.core.submissions.models import Submission
from tests.support.duties import CITY, PLAN, add

TODAY = date(2026, 2, 2)
OFFICE = replace(operator(CITY), role="office", scopes=DEFAULT_SCOPES["office"])


def _plan(code: str, days: int, grace: int) -> PlanTurns:
    """A plan of so many known days up to today, which gives people so many days."""
    known = [TODAY - timedelta(days=number) for number in reversed(range(days))]
    given = timedelta(days=grace)
    turns = [Turn(day, day + given, day + 2 * given) for day in known]
    return PlanTurns(code, "Asia/Shanghai", TODAY, turns)


async def test_each_plan_has_its_own_turns_and_none_before_its_first_day(database_url: str) -> None:
    plans = [_plan("410183-2024", 4, 3), _plan(PLAN, 9, 5), _plan("410183-2026", 2, 1)]
    async with connect(database_url, size=2) as database:
        for plan in plans:
            # The last is local midnight of today, still yesterday in UTC; the first is long ago.
            for year, instant in (
                ("2023", datetime(2023, 1, 5, tzinfo=UTC)),
                ("2024", datetime(2026, 2, 1, 12, tzinfo=UTC)),
                ("2025", datetime(2026, 2, 1, 16, tzinfo=UTC)),
            ):
                await add(
                    database,
                    Submission,
                    plan_code=plan.plan_code,
                    period=year,
                    submitted_at=instant,
                )
        async with database.sessions() as session:
            found, counts = await waiting(session, OFFICE, plans, after=None, limit=50)
    assert counts["review"].waiting == len(found) == 9
    for plan in plans:
        due = {one.period: one.due_date for one in found if one.plan_code == plan.plan_code}
        first, *_, yesterday, today = plan.turns[0], *plan.turns[-2:]
        assert due == {
            "2023": first.review_by,
            "2024": yesterday.review_by,
            "2025": today.review_by,
        }
