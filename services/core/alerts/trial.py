"""Trying rules: what an evaluation would tell, found out by one that is undone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts import queries
from services.core.alerts.evaluation import Evaluated, evaluate
from services.core.alerts.following import BEGIN, ground_of
from services.core.alerts.queries import TriedNotice
from services.core.alerts.rule_set import RuleSet, reference_faults
from services.core.kit.errors import InvalidInput
from services.core.plan.queries import PlanState

MOST_LISTED = 500

Tried = tuple[Evaluated, list[TriedNotice], dict[tuple[str, str, int, str], int]]
"""Totals, notices, and how many there are of each sort."""


async def try_rules(
    session: AsyncSession, *, plan: PlanState, rules: RuleSet | None, now: datetime
) -> Tried:
    """Evaluate a plan at an instant by other rules, or by those in force where none are given.

    Returns the totals, at most 500 notices, and how many there are by (rule, stage, level,
    outcome). It is a real evaluation inside a savepoint, to which the transaction returns.

    Raises:
        InvalidInput: the rules name organizations that the plan does not have.
    """
    faults = reference_faults(rules.office, rules.posts, plan.organizations) if rules else []
    if faults:
        raise InvalidInput(faults=faults)
    async with session.begin_nested() as undone:
        found = await _evaluated(session, plan, rules, now)
        await undone.rollback()
    return found


async def _evaluated(
    session: AsyncSession, plan: PlanState, rules: RuleSet | None, now: datetime
) -> Tried:
    await session.execute(BEGIN, {"city": plan.city_code, "plan": plan.code})
    last = await queries.locked_evaluation(session, plan.city_code, plan.code, wait=True)
    ground = await ground_of(
        session,
        plan,
        now,
        first=last is None or last.evaluated_at is None,
        rules=None if rules is None else (rules, 0),
    )
    done = await evaluate(session, ground)
    listed = await queries.tried_notices(session, plan.city_code, plan.code, limit=MOST_LISTED)
    counts = await queries.tried_counts(session, plan.city_code, plan.code)
    return done, listed, counts
