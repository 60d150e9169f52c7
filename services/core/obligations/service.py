"""Verbs of obligations: create them with a period, extend them, keep them in step with the plan.

Each writes the new state and its history row in the caller's transaction. The event of the
period or plan that caused a change announces it; only an extension has an event of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.queries import calendars_since, working_calendar
from services.core.calendars.rules import WorkingCalendar
from services.core.events.catalogue import EventType
from services.core.events.queries import LogEvent, LogStretch
from services.core.events.reading import Follower
from services.core.events.service import NewEvent, record
from services.core.extensions.queries import waiting_for_each
from services.core.extensions.service import lapse_extensions
from services.core.identity.actor import system
from services.core.kit.clock import Clock
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.obligations import queries
from services.core.obligations.errors import ObligationNotExtendable, PeriodAnswered
from services.core.obligations.models import Obligation
from services.core.obligations.queries import answered_periods
from services.core.obligations.rules import ExtensionFacts, is_extendable, moved_due_date, owed_for
from services.core.obligations.statements import BEGIN_EPOCH, HANDED_OVER
from services.core.obligations.writing import NO_LATER, remember, rules_of_opening, write_owed
from services.core.plan import service as plan_service
from services.core.plan.models import PlanPeriod
from services.core.plan.periods import Period, answered_by, due_by, follows_calendar
from services.core.plan.queries import (
    open_periods_for_update,
    periods_for_share,
    plan_codes,
    plan_state,
    with_document_in_force,
)
from services.core.plan.service import PeriodVerb
from services.core.plan.state import PlanState

_ACTOR = system("obligations")


async def move_period(
    session: AsyncSession,
    *,
    plan: PlanState,
    period: Period,
    verb: PeriodVerb,
    actor: Mapping[str, object],
    now: datetime,
    due_date: date | None = None,
    reason: str | None = None,
) -> PlanPeriod:
    """Open, close, publish, reopen or cancel a period, and update its obligations.

    Reopening begins a new epoch for the values that were not submitted; they are due as before
    unless a `due_date` is given. It needs a `reason` if the period was published.

    Raises:
        InvalidInput, PeriodRefused: see `plan.service.move_period`.
        PeriodAnswered: its opening is cancelled, but somebody has reported.
    """
    asks = verb in {"open", "reopen"}
    if asks:
        plan = await with_document_in_force(session, plan)
    row = await plan_service.move_period(
        session,
        plan=plan,
        period=period,
        verb=verb,
        actor=actor,
        now=now,
        due_date=due_date,
        reason=reason,
    )
    if verb == "reopen":
        await _begin_epoch(session, row, "reopened", actor, now, due_date=due_date)
    if asks:
        await _reconcile(session, plan, [row], actor, now, asked_at=now)
    if verb == "cancel":
        if row.published_at or await answered_periods(session, plan, row.period):
            raise PeriodAnswered(extra={"period": row.period, "allowed_actions": ["close"]})
        await write_owed(session, plan, [row], [], actor, now)
    return row


async def extend(
    session: AsyncSession,
    *,
    obligation: Obligation,
    granted_date: date,
    extension_id: UUID,
    actor: Mapping[str, object],
    now: datetime,
    reason: str | None = None,
) -> None:
    """Extend the due date of a locked obligation.

    `reason` is stored with it.

    Raises:
        InvalidInput: the granted date is not after the present one.
        ObligationNotExtendable: the value was submitted or is no longer owed, or its period
            takes no values.
    """
    before = obligation.due_date
    if granted_date <= before:
        detail = Text("须晚于现在的截止日期", "Must be later than the present due date")
        value = granted_date.isoformat()
        raise InvalidInput(faults=[Fault("/granted_date", "not-later", detail, value)])
    await check_extendable(session, obligation)
    obligation.due_date = granted_date
    obligation.epoch += 1
    obligation.extensions += 1
    obligation.version += 1
    obligation.updated_at = now
    await session.flush()
    await remember(
        session, obligation.city_code, [obligation.id], "extended", actor, now, reason=reason
    )
    await record(
        session,
        NewEvent(
            city_code=obligation.city_code,
            plan_code=obligation.plan_code,
            type="obligation.extended",
            subject_kind="obligation",
            subject_id=str(obligation.id),
            organization_code=obligation.organization_code,
            actor=actor,
            data={
                "indicator_code": obligation.indicator_code,
                "organization_code": obligation.organization_code,
                "period": obligation.period,
                "due_date": granted_date.isoformat(),
                "previous_due_date": before.isoformat(),
                "original_due_date": obligation.original_due_date.isoformat(),
                "epoch": obligation.epoch,
                "extensions": obligation.extensions,
                "extension_id": str(extension_id),
                "version": obligation.version,
            },
            occurred_at=now,
        ),
    )


async def check_extendable(session: AsyncSession, obligation: Obligation) -> None:
    """Check that the due date of a locked obligation can still move.

    Raises:
        ObligationNotExtendable: the value was submitted or is no longer owed, or its period
            takes no values.
    """
    if not is_extendable(await facts_of(session, obligation)):
        raise ObligationNotExtendable(extra={"allowed_actions": []})


async def facts_of(session: AsyncSession, obligation: Obligation) -> ExtensionFacts:
    """Return the facts that decide whether an obligation may be extended.

    The period is locked FOR SHARE, so that it is not closed before the caller's change commits. The
    submission is not locked, so that submitting a value does not wait for a decision on an
    extension.
    """
    held = await periods_for_share(
        session, obligation.city_code, obligation.plan_code, obligation.period
    )
    period = held.get(obligation.period)
    return ExtensionFacts(
        state=obligation.state,
        period_state=period.state if period else "planned",
        handed_in=await queries.is_handed_in(session, obligation),
        extensions=obligation.extensions,
    )


async def _handle(session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock) -> None:
    """Reconcile the obligations of open periods with the present plan and calendar.

    It compares states instead of applying events, so it may run twice.
    """
    if not stretch.events:
        return
    changed = {event.plan_code for event in stretch.events if event.type == "plan.published"}
    changed |= await _handed_over(session, city_code, stretch.events)
    if changed or any(event.type == "calendar.changed" for event in stretch.events):
        await _keep_in_step(session, city_code, stretch.events, changed, clock.now())
    if changed or any(event.type != _APPROVED for event in stretch.events):
        await lapse_moot_requests(session, city_code, clock.now())


_APPROVED: EventType = "submission.approved"
_MOVING: tuple[EventType, ...] = ("plan.published", "calendar.changed", _APPROVED)
"""Events that change who owes a value, or its due date. If a former owner's value from its time is
approved, even much later, it is still that owner who owes it."""

# Includes the request itself, because the value may be submitted while it is being requested.
_ENDING: tuple[EventType, ...] = (
    "submission.submitted",
    "period.closed",
    "period.published",
    "period.cancelled",
    "extension.requested",
)
"""Events after which a request for more time may no longer apply."""

FOLLOWER = Follower("obligations", (*_MOVING, *_ENDING), _handle, passes_over=True)

_NOTHING_LEFT = "该数据已上报、无须再报，或本期不再收数，延期申请失效"
_AT_ONCE = 500
"""Requests that lapse in one batch."""


async def lapse_moot_requests(session: AsyncSession, city_code: str, now: datetime) -> None:
    """Withdraw requests for values that need no more time, or can be given none."""
    # The obligation is locked before the request, in the same order as for a decision.
    while moot := await queries.moot(session, city_code, most=_AT_ONCE):
        told = {
            one.id: {"indicator_code": one.indicator_code, "period": one.period} for one in moot
        }
        waiting = await waiting_for_each(session, city_code, "obligation", list(told))
        await lapse_extensions(
            session,
            [(one, told[one.subject_id]) for one in waiting],
            reason=_NOTHING_LEFT,
            actor=_ACTOR,
            now=now,
        )
        if len(moot) < _AT_ONCE:
            return


async def _handed_over(
    session: AsyncSession, city_code: str, events: Sequence[LogEvent]
) -> set[str | None]:
    """Return the plans in which a value was approved whose indicator ever changed hands."""
    approved = sorted(
        {
            (event.plan_code, event.data["indicator_code"])
            for event in events
            if event.type == _APPROVED and event.plan_code is not None
        }
    )
    if not approved:
        return set()
    plans, codes = [plan for plan, _ in approved], [code for _, code in approved]
    return set(
        await session.scalars(HANDED_OVER, {"city": city_code, "plans": plans, "codes": codes})
    )


async def _keep_in_step(
    session: AsyncSession,
    city_code: str,
    events: Sequence[LogEvent],
    changed: Collection[str | None],
    now: datetime,
) -> None:
    """Reconcile obligations; `changed` are the plans where other units may owe values now."""
    calendars = await _changes(session, city_code, events)
    for code in await plan_codes(session, city_code):
        if code not in changed and not calendars:
            continue
        plan = await plan_state(session, city_code, code)
        if plan is None:
            continue
        rows = await open_periods_for_update(session, city_code, code)
        since = calendars.get(plan.document.supervision.calendar)
        if since is not None and rows:
            await _follow_calendar(session, plan, rows, since, now)
        if code in changed and rows:
            asked_at = await queries.in_force_since(session, plan)
            await _reconcile(session, plan, rows, _ACTOR, now, asked_at=asked_at)


async def _changes(
    session: AsyncSession, city_code: str, events: Sequence[LogEvent]
) -> dict[str, list[WorkingCalendar]]:
    """Return the calendars that changed, before the first change and after each."""
    changed = [event.data for event in events if event.type == "calendar.changed"]
    first: dict[str, int] = {}
    for data in changed:
        first.setdefault(data["code"], data["version"])
    return {
        code: await calendars_since(session, city_code, code, version - 1)
        for code, version in first.items()
    }


async def _follow_calendar(
    session: AsyncSession,
    plan: PlanState,
    rows: Sequence[PlanPeriod],
    calendars: Sequence[WorkingCalendar],
    now: datetime,
) -> None:
    """Move the due dates of open periods, and of their missing values, with the calendar."""
    rules, today = await rules_of_opening(session, plan), plan.local_date(now)
    for row in rows:
        rule = rules.get(row.period, plan.document.due_days)
        if not follows_calendar(rule):
            continue
        period, before = plan.period_calendar.period(row.period), row.due_date
        # A due date must not move to a day that had passed when the calendar arrived.
        moved = moved_due_date(before, partial(due_by, rule, period), calendars)
        due_date = max(moved, min(before, today))
        if due_date != before:
            await plan_service.reschedule_period(
                session, row, due_date=due_date, actor=_ACTOR, now=now
            )
            await _begin_epoch(
                session, row, "rescheduled", _ACTOR, now, due_date=due_date, due_before=before
            )


async def _begin_epoch(
    session: AsyncSession,
    row: PlanPeriod,
    action: str,
    actor: Mapping[str, object],
    now: datetime,
    *,
    due_date: date | None,
    due_before: date | None = None,
) -> None:
    """Begin a new epoch for a period's missing values, due on `due_date` if given.

    A reopening also moves submitted values to a later date. A calendar change does not, nor does it
    move values that were extended or were requested after the period's date, which is then
    `due_before`.
    """
    changed = await session.scalars(
        BEGIN_EPOCH,
        {
            "city": row.city_code,
            "plan": row.plan_code,
            "period": row.period,
            "due": due_date,
            "extended_too": due_before is None,
            "before": due_before,
            "handed_in_too": action == "reopened",
            "now": now,
        },
    )
    await remember(session, row.city_code, list(changed), action, actor, now)


async def _reconcile(
    session: AsyncSession,
    plan: PlanState,
    rows: Sequence[PlanPeriod],
    actor: Mapping[str, object],
    now: datetime,
    *,
    asked_at: datetime,
) -> None:
    """Reconcile the obligations of these locked periods with the plan.

    New owners owe, former ones are waived, correct obligations stay untouched. A value that a
    former owner reported in its time stays its own. A unit that is first asked, at `asked_at`,
    after the period's date gets the plan's number of days, because nobody is late with a value that
    nobody asked for.
    """
    ended = await queries.ended_units(session, plan.city_code, plan.document.time_zone)
    answered = await queries.answered_by_former_owners(session, plan, [row.period for row in rows])
    owed = [
        owed
        for row in rows
        for owed in owed_for(
            plan.document,
            plan.period_calendar.period(row.period),
            row.due_date,
            ended,
            answered,
            cycle=plan.cycle,
        )
    ]
    asked_on = plan.local_date(asked_at)
    passed = [row for row in rows if row.due_date < asked_on]
    least = NO_LATER
    if passed:
        code = plan.document.supervision.calendar
        calendar = await working_calendar(session, plan.city_code, code)
        least = {row.period: _answered_by(plan, row, asked_on, calendar) for row in passed}
    await write_owed(session, plan, rows, owed, actor, now, least=least, asked_on=asked_on)


def _answered_by(
    plan: PlanState, row: PlanPeriod, asked_on: date, calendar: WorkingCalendar
) -> date:
    frequency = plan.period_calendar.period(row.period).frequency
    return answered_by(plan.document.due_days, frequency, asked_on, calendar)
