"""Updates milestones from the event log: after a published plan or a changed calendar.

It runs in the caller's transaction under the lock of the reader's cursor, so it may be killed at
any line or run twice.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, Text, and_, case, column, insert, or_, update, values
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.queries import working_calendar
from services.core.calendars.rules import WorkingCalendar
from services.core.events.catalogue import EventType
from services.core.events.queries import LogStretch
from services.core.events.reading import Follower
from services.core.events.service import record
from services.core.extensions import queries as extension_queries
from services.core.extensions.service import count_anew
from services.core.identity.actor import system
from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.milestones import queries
from services.core.milestones.changes import happening, history_row, standing_of
from services.core.milestones.models import Milestone, MilestoneHistory
from services.core.milestones.rules import Transition, moved
from services.core.milestones.seeds import Seed, seeds_of
from services.core.plan.document import Supervision
from services.core.plan.queries import plan_codes, plan_state
from services.core.plan.state import PlanState

ACTOR = system("milestones")

_NOT_THE_PLANS = "新版方案不再如此要求"


async def _handle(session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock) -> None:
    published = {event.plan_code for event in stretch.events if event.type == "plan.published"}
    for plan_code in sorted(code for code in published if code is not None):
        await plant(session, city_code, plan_code, now=clock.now())
    if any(event.type == "calendar.changed" for event in stretch.events):
        await count_days_anew(session, city_code, now=clock.now())


FOLLOWER = Follower("milestones", ("plan.published", "calendar.changed"), _handle, passes_over=True)


async def plant(session: AsyncSession, city_code: str, plan_code: str, *, now: datetime) -> None:
    """Ensure that every measure of a plan has its first milestones, made from the plan's words.

    Such a milestone follows the plan until somebody works on it: if a new version drops its measure
    or asks for something else, it is cancelled, and another takes its place. Once somebody has
    worked on it, it stays.
    """
    plan = await plan_state(session, city_code, plan_code)
    if plan is None:
        return
    wanted = {(seed.measure_code, seed.organization_code): seed for seed in seeds_of(plan.document)}
    planted = await queries.planted_for_update(session, city_code, plan_code)
    branched = await queries.with_branches(session, city_code, [one.id for one in planted])
    stale = [
        one
        for one in planted
        if one.version == 1
        and one.id not in branched
        and _seed(one) != wanted.get((one.measure_code, one.organization_code))
    ]
    await _uproot(session, stale, plan, now)
    gone = {one.id for one in stale}
    fresh = _lacking(wanted.values(), [one for one in planted if one.id not in gone])
    rows = [_milestone(seed, plan, now) for seed in fresh]
    session.add_all(rows)
    await _write(session, rows, "milestone.created", "created", None, now)


def _lacking(wanted: Collection[Seed], kept: Sequence[Milestone]) -> list[Seed]:
    """Return the seeds that have no milestone yet.

    If a measure has a single seed and changes its lead, the milestone of the former lead still
    counts: people hand it over, and no second one is made.
    """
    alone = Counter(seed.measure_code for seed in wanted)
    measures = {one.measure_code for one in kept}
    places = {(one.measure_code, one.organization_code) for one in kept}
    return [
        seed
        for seed in wanted
        if (seed.measure_code, seed.organization_code) not in places
        and not (alone[seed.measure_code] == 1 and seed.measure_code in measures)
    ]


def _seed(row: Milestone) -> Seed:
    return Seed(
        measure_code=row.measure_code,
        organization_code=row.organization_code,
        title=row.title,
        deliverable=row.deliverable or "",
        due_date=row.due_date,
    )


async def _uproot(
    session: AsyncSession, stale: Sequence[Milestone], plan: PlanState, now: datetime
) -> None:
    today = plan.local_date(now)
    for row in stale:
        for name, value in asdict(moved(standing_of(row), Transition("cancel"), today)).items():
            setattr(row, name, value)
        row.from_plan = False
        row.reason = _NOT_THE_PLANS
        row.updated_at = now
    await _write(session, stale, "milestone.cancelled", "cancelled", _NOT_THE_PLANS, now)


def _milestone(seed: Seed, plan: PlanState, now: datetime) -> Milestone:
    """Return the milestone of a seed; it has no deadline for signing."""
    return Milestone(
        city_code=plan.city_code,
        id=new_id(),
        plan_code=plan.code,
        measure_code=seed.measure_code,
        organization_code=seed.organization_code,
        title=seed.title,
        deliverable=seed.deliverable,
        evidence_rule="narrative",
        weight=Decimal(1),
        due_date=seed.due_date,
        original_due_date=seed.due_date,
        epoch=1,
        extensions=0,
        state="assigned",
        percent=Decimal(0),
        evidence=[],
        from_plan=True,
        assigned_by=ACTOR,
        authors=[],
        created_at=now,
        updated_at=now,
        version=1,
    )


async def _write(
    session: AsyncSession,
    rows: Sequence[Milestone],
    happened: EventType,
    action: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Write changed milestones with their history and events, each in one statement for all."""
    if not rows:
        return
    await session.flush()
    await session.execute(
        insert(MilestoneHistory), [history_row(row, action, ACTOR, reason, now) for row in rows]
    )
    await record(session, *(happening(row, happened, ACTOR, reason, now) for row in rows))


async def count_days_anew(session: AsyncSession, city_code: str, *, now: datetime) -> None:
    """Recompute the deadlines to sign, answer and decide by the current working calendar.

    No turn changes hands and no epoch begins, so that nobody is notified twice.
    """
    for plan_code in await plan_codes(session, city_code):
        state = await plan_state(session, city_code, plan_code)
        if state is not None:
            code = state.document.supervision.calendar
            calendar = await working_calendar(session, city_code, code)
            await _count_turns(session, state, calendar, now)
            await _count_decisions(session, state, calendar, now)


async def _count_turns(
    session: AsyncSession, plan: PlanState, calendar: WorkingCalendar, now: datetime
) -> None:
    days = _days_of(plan.document.supervision)
    turns = await queries.turns(session, plan.city_code, plan.code)
    if not turns:
        return
    # One row per state and day on which turns began: the deadline is computed once for each, and
    # one statement updates every milestone.
    counted = values(
        column("state", Text), column("began", Date), column("ends", Date), name="counted"
    ).data([(state, began, calendar.shifted(began, days[state])) for state, began in turns])
    signs = Milestone.state == "assigned"
    ends = counted.c.ends
    found = await session.scalars(
        update(Milestone)
        .where(
            Milestone.city_code == plan.city_code,
            Milestone.plan_code == plan.code,
            Milestone.state == counted.c.state,
            Milestone.turn_began == counted.c.began,
            or_(and_(signs, Milestone.sign_by != ends), and_(~signs, Milestone.answer_by != ends)),
        )
        .values(
            sign_by=case((signs, ends), else_=Milestone.sign_by),
            answer_by=case((signs, Milestone.answer_by), else_=ends),
            version=Milestone.version + 1,
            updated_at=now,
        )
        .returning(Milestone),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    await _write(session, found.all(), "milestone.changed", "days_counted_anew", None, now)


def _days_of(supervision: Supervision) -> Mapping[str, int]:
    return {
        "assigned": supervision.sign_days,
        "completed": supervision.review_days,
        "returned": supervision.answer_days,
    }


async def _count_decisions(
    session: AsyncSession, plan: PlanState, calendar: WorkingCalendar, now: datetime
) -> None:
    time_zone = plan.document.time_zone
    days = await extension_queries.days_waited_since(
        session, plan.city_code, plan.code, time_zone=time_zone
    )
    number = plan.document.supervision.decision_days
    decide_by: dict[date, date] = {day: calendar.shifted(day, number) for day in days}
    await count_anew(
        session,
        plan.city_code,
        plan.code,
        time_zone=time_zone,
        decide_by=decide_by,
        actor=ACTOR,
        now=now,
    )
