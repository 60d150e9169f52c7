"""Schedule of evaluations: a whole plan every ten minutes, and at once what an event affected.

One worker at a time evaluates a plan: its row of `alert_evaluation` is the lock.
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts import queries
from services.core.alerts.affected import EVERY_PLAN, TYPES, AffectedAlerts, affected
from services.core.alerts.context import EvaluationContext
from services.core.alerts.dry_run import DryRunNotice
from services.core.alerts.evaluation import Evaluated, dry_run, evaluate
from services.core.alerts.rule_set import RuleSet, default_rules
from services.core.alerts.statements import BEGIN_EVALUATION
from services.core.calendars.queries import working_calendar
from services.core.events.queries import LogStretch
from services.core.events.reading import Follower
from services.core.kit.clock import Clock
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState

EVERY = timedelta(minutes=10)
"""How often a plan is evaluated whole, even without events."""


async def _handle(session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock) -> None:
    for plan_code, touch in (await _by_plan(session, city_code, stretch)).items():
        await evaluate_plan(session, city_code, plan_code, clock, touch=touch)


FOLLOWER = Follower("alerts", TYPES, _handle, passes_over=True)


async def _by_plan(
    session: AsyncSession, city_code: str, stretch: LogStretch
) -> dict[str, AffectedAlerts]:
    """Return what was affected, by plan; events that belong to no plan affect all."""
    found = affected(stretch.events)
    if EVERY_PLAN not in found:
        return {code: touch for code, touch in found.items() if code is not None}
    return {
        look.plan_code: AffectedAlerts(whole=True)
        for look in await queries.plan_looks(session, city_code)
    }


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Evaluate the plans of a city that were not evaluated for ten minutes; return how many.

    A plan that another worker is evaluating is skipped. Cheap to call often.
    """
    evaluated = 0
    for look in await queries.plan_looks(session, city_code):
        if _is_due(look.evaluated_for, clock.now()):
            evaluated += (
                await evaluate_plan(session, city_code, look.plan_code, clock, wait=False)
                is not None
            )
    return evaluated


def _is_due(last: datetime | None, now: datetime) -> bool:
    """Return whether an evaluation is due; a clock that was set back does not stop evaluations."""
    return last is None or abs(now - last) >= EVERY


async def evaluate_plan(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    clock: Clock,
    *,
    touch: AffectedAlerts | None = None,
    wait: bool = True,
) -> Evaluated | None:
    """Evaluate a plan, whole or limited to `touch`.

    None: there is no such plan, or another worker is evaluating it.

    A plan that was never evaluated is evaluated whole: everything overdue is new at once.
    """
    # The row is the lock. After waiting for it, check again whether it is due, because the previous
    # holder may have just evaluated the plan.
    await session.execute(BEGIN_EVALUATION, {"city": city_code, "plan": plan_code})
    last = await queries.locked_evaluation(session, city_code, plan_code, wait=wait)
    if last is None or (not wait and not _is_due(last.evaluated_for, clock.now())):
        return None
    plan = await plan_state(session, city_code, plan_code)
    if plan is None:
        return None
    ground = await ground_of(session, plan, clock.now(), first=last.evaluated_at is None)
    # Recorded after a whole evaluation only: a partial one must not postpone the next.
    if touch is not None and not touch.whole and not ground.first:
        await queries.widen(session, city_code, touch)
        return await evaluate(session, ground, touch)
    done = await evaluate(session, ground, by_date=touch is None)
    last.evaluated_at, last.evaluated_for = clock.true_now(), ground.moment.now
    last.calendar_version, last.rules_version = ground.calendar.version, ground.rules_version
    await session.flush()
    return done


async def dry_run_plan(
    session: AsyncSession, plan: PlanState, at: datetime, *, rules: RuleSet | None, most: int
) -> DryRunNotice:
    """Return what an evaluation would do at an instant, by other rules or those in force.

    It lists up to `most` notices, and uses the present rows of the tables; nothing is written or
    locked.
    """
    first = not await queries.was_evaluated(session, plan.city_code, plan.code)
    chosen = None if rules is None else (rules, 0)
    ground = await ground_of(session, plan, at, first=first, rules=chosen)
    return await dry_run(session, ground, most)


async def ground_of(
    session: AsyncSession,
    plan: PlanState,
    now: datetime,
    *,
    first: bool,
    rules: tuple[RuleSet, int] | None = None,
) -> EvaluationContext:
    """Return the context of a plan's evaluation at an instant; `rules` to try other rules."""
    chosen = rules or await rules_of(session, plan)
    calendar = await working_calendar(session, plan.city_code, plan.document.supervision.calendar)
    return EvaluationContext.of(plan, chosen, calendar, now, first=first)


async def rules_of(session: AsyncSession, plan: PlanState) -> tuple[RuleSet, int]:
    """Return the rules in force and their version; 0: the defaults."""
    stored = await queries.rules_in_force(session, plan.city_code, plan.code)
    if stored is None:
        return default_rules(plan.document), 0
    return RuleSet.model_validate(stored.rule_set), stored.version
