"""Commands beside a plan's document: open and close periods, settle open questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan import queries
from services.core.plan.document_dates import document_date_faults
from services.core.plan.errors import (
    PeriodRefused,
    QuestionNotFound,
    QuestionSettled,
)
from services.core.plan.models import PlanPeriod, Publication, Settlement
from services.core.plan.opening import begin_opening, more_time_faults
from services.core.plan.periods import Period
from services.core.plan.state import PlanState

PeriodVerb = Literal["open", "close", "publish", "reopen", "cancel"]


_PERIOD_TRANSITIONS: Mapping[PeriodVerb, tuple[frozenset[str], str, EventType]] = {
    "open": (frozenset({"planned"}), "open", "period.opened"),
    "close": (frozenset({"open"}), "closed", "period.closed"),
    "publish": (frozenset({"open", "closed"}), "published", "period.published"),
    "reopen": (frozenset({"closed", "published"}), "open", "period.reopened"),
    "cancel": (frozenset({"open"}), "planned", "period.cancelled"),
}


def period_actions(state: str) -> list[PeriodVerb]:
    """Return the verbs that a period in `state` allows."""
    return [verb for verb, (sources, _, _) in _PERIOD_TRANSITIONS.items() if state in sources]


def open_within(plan: PlanState, period: Period) -> list[str]:
    """Return the finer periods within one that still take values, of the reported frequencies.

    Closing a period does not close the periods within it: approvals there still change its values.
    """
    frequencies = dict.fromkeys(plan.cycle(one, period) for one in plan.document.indicators)
    return [
        finer.code
        for frequency in frequencies
        for finer in period.children(frequency)
        if not plan.is_over(finer.code)
    ]


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
    """Open, close, publish or reopen a period of a plan, or take its opening back.

    A reopened period keeps its due date, passed or not, unless another is given. Reopening a
    published period requires a `reason`, which is stored with the publication.

    Raises:
        InvalidInput: the due date is before the end of the period, before today, more than a year
            ahead, or earlier than before; or the reason for reopening a publication is missing.
        PeriodRefused: its state does not allow the verb.
    """
    _check_due_date(period, due_date)
    sources, target, event_type = _PERIOD_TRANSITIONS[verb]
    opening = None
    if verb == "open":
        opening = await begin_opening(session, plan, period, due_date, now)
    row = await queries.period_for_update(session, plan.city_code, plan.code, period.code)
    state = row.state if row else "planned"
    if row is None or state not in sources:
        raise PeriodRefused(extra={"state": state, "allowed_actions": period_actions(state)})
    if opening is not None:
        opening.check()
        row.opened_at, due_date = now, opening.due_date
    if verb == "reopen":
        faults = more_time_faults(due_date, in_force=row.due_date, today=plan.local_date(now))
        if state == "published" and reason is None:
            faults.append(_REASON_REQUIRED)
        if faults:
            raise InvalidInput(faults=faults)
        await _end_publication(session, row, actor, now, reason)
    row.state = target
    row.version += 1
    row.closed_at = now if verb == "close" else (None if verb == "reopen" else row.closed_at)
    row.due_date = due_date or row.due_date
    if verb == "publish":
        await _publish(session, row, actor, now)
    more = {"reason": reason} if verb == "reopen" and reason is not None else {}
    await _tell_of_period(session, row, event_type, actor, now, more)
    return row


_REASON_REQUIRED = Fault(
    "/reason",
    "reason-required",
    Text(
        "该周期已发布，重新开放须写明原因", "The period was published: say why it is opened again"
    ),
)


async def _publish(
    session: AsyncSession, row: PlanPeriod, actor: Mapping[str, object], now: datetime
) -> None:
    """Give a period the plan's next publication number."""
    # Numbers are per plan: two concurrent publications of periods would take the same one.
    await lock_name(session, row.plan_code)
    row.published_at = now
    row.publication_number = await queries.next_publication_number(
        session, row.city_code, row.plan_code
    )
    session.add(
        Publication(
            city_code=row.city_code,
            plan_code=row.plan_code,
            number=row.publication_number,
            period=row.period,
            published_at=now,
            published_by=dict(actor),
        )
    )


async def _end_publication(
    session: AsyncSession,
    row: PlanPeriod,
    actor: Mapping[str, object],
    now: datetime,
    reason: str | None,
) -> None:
    """Record why a publication is reopened; its number stays with its scoreboard."""
    if row.publication_number is None:
        return
    published = await queries.publication(
        session, row.city_code, row.plan_code, row.publication_number
    )
    if published is not None:
        published.reopened_at = now
        published.reopened_by = dict(actor)
        published.reopen_reason = reason
    row.publication_number = None


async def reschedule_period(
    session: AsyncSession,
    row: PlanPeriod,
    *,
    due_date: date,
    actor: Mapping[str, object],
    now: datetime,
) -> None:
    """Change the due date of an open period, locked by the caller."""
    row.due_date = due_date
    row.version += 1
    await _tell_of_period(session, row, "period.rescheduled", actor, now)


def _check_due_date(period: Period, due_date: date | None) -> None:
    if due_date is not None and due_date < period.last_day:
        detail = Text("截止日期早于本期结束", "Values cannot be due before the period has ended")
        raise InvalidInput(
            faults=[Fault("/due_date", "due-before-period-end", detail, due_date.isoformat())]
        )


async def _tell_of_period(
    session: AsyncSession,
    row: PlanPeriod,
    event_type: EventType,
    actor: Mapping[str, object],
    now: datetime,
    more: Mapping[str, object] | None = None,
) -> None:
    await session.flush()
    await record(
        session,
        happening(
            (row.city_code, row.plan_code),
            event_type,
            ("period", f"{row.plan_code}/{row.period}"),
            actor,
            {
                "period": row.period,
                "state": row.state,
                "due_date": row.due_date.isoformat(),
                "publication_number": row.publication_number,
                **(more or {}),
            },
            now,
        ),
    )


@dataclass(frozen=True, slots=True)
class QuestionDecision:
    """The decision on an open question, and the document that records it."""

    decision: str
    document_number: str
    document_date: date


async def settle_question(
    session: AsyncSession,
    *,
    plan: PlanState,
    question_id: str,
    decision: QuestionDecision,
    actor: Mapping[str, object],
    now: datetime,
) -> Settlement:
    """Record the decision on an open question; the printed text stays beside it.

    Raises:
        QuestionNotFound: the plan has no such question.
        QuestionSettled: a decision exists already.
        InvalidInput: its document is dated more than a year ahead.
    """
    if all(question.id != question_id for question in plan.document.open_questions):
        raise QuestionNotFound
    if faults := document_date_faults(decision.document_date, plan.local_date(now)):
        raise InvalidInput(faults=faults)
    values = {
        "city_code": plan.city_code,
        "plan_code": plan.code,
        "question_id": question_id,
        "decision": decision.decision,
        "document_number": decision.document_number,
        "document_date": decision.document_date,
        "settled_at": now,
        "settled_by": dict(actor),
    }
    settled: Settlement | None = await session.scalar(
        upsert(Settlement).values(values).on_conflict_do_nothing().returning(Settlement)
    )
    if settled is None:
        raise QuestionSettled
    await record(
        session,
        happening(
            (plan.city_code, plan.code),
            "question.settled",
            ("open_question", f"{plan.code}/{question_id}"),
            actor,
            {
                "question_id": question_id,
                "decision": decision.decision,
                "document_number": decision.document_number,
                "document_date": decision.document_date.isoformat(),
            },
            now,
        ),
    )
    return settled


def happening(
    place: tuple[str, str],
    event_type: EventType,
    subject: tuple[str, str],
    actor: Mapping[str, object],
    data: Mapping[str, object],
    now: datetime,
) -> NewEvent:
    """Return the event of a decision beside a plan's document; `place`: city and plan code."""
    city_code, plan_code = place
    return NewEvent(
        city_code=city_code,
        plan_code=plan_code,
        type=event_type,
        subject_kind=subject[0],
        subject_id=subject[1],
        organization_code=None,
        actor=actor,
        data=data,
        occurred_at=now,
    )
