"""Reads the current state of one matter: a milestone, a value that is owed, or an alert."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.models import Alert
from services.core.calendars.queries import working_calendar
from services.core.events.queries import log_position
from services.core.kit.decimals import plain
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.obligations.queries import is_handed_in
from services.core.papers.matters import PaperMatter
from services.core.papers.sentences import period_name
from services.core.plan.evidence_rules import pieces_of
from services.core.plan.state import PlanState
from services.core.submissions.models import Submission


async def matter_of(
    session: AsyncSession, plan: PlanState, about: str, today: date
) -> PaperMatter | None:
    """Return the present state of a matter (`milestone/…`, an obligation or an alert), or None.

    An alert about a milestone or an obligation stands for that.
    """
    kind, _, subject_id = about.partition("/")
    if kind == "alert":
        found = await session.get(Alert, (plan.city_code, UUID(subject_id)))
        if found is None or found.plan_code != plan.code:
            return None
        if found.subject_kind not in {"milestone", "obligation"}:
            return await _alert(session, plan, found, today)
        kind, subject_id = found.subject_kind, found.subject_id
    reading = _milestone if kind == "milestone" else _obligation
    matter = await reading(session, plan, UUID(subject_id), today)
    if matter is None:
        return None
    answered = await _answered(session, plan, kind, subject_id)
    if answered is None:
        return replace(matter, about=about)
    promised = answered.promised_date or matter.promised
    return replace(matter, about=about, answer=answered.answer, promised=promised)


async def _answered(
    session: AsyncSession, plan: PlanState, kind: str, subject_id: str
) -> Alert | None:
    """Return the alert of a subject with the latest reaction."""
    return await session.scalar(
        select(Alert)
        .where(
            Alert.city_code == plan.city_code,
            Alert.plan_code == plan.code,
            Alert.subject_kind == kind,
            Alert.subject_id == subject_id,
            Alert.answered_at.is_not(None),
        )
        .order_by(Alert.answered_at.desc(), Alert.id.desc())
        .limit(1)
    )


async def _looked_at(
    session: AsyncSession, plan: PlanState, due: date | None, today: date
) -> dict[str, Any]:
    """Return the common facts of every matter: the day, the log position, and the working days."""
    supervision = plan.document.supervision
    calendar = await working_calendar(session, plan.city_code, supervision.calendar)
    return {
        "today": today,
        "due_date": due,
        "days": 0 if due is None else calendar.between(due, today),
        "reply_by": calendar.shifted(today, supervision.answer_days),
        "position": await log_position(session, plan.city_code),
    }


async def _milestone(
    session: AsyncSession, plan: PlanState, milestone_id: UUID, today: date
) -> PaperMatter | None:
    found = await session.get(Milestone, (plan.city_code, milestone_id))
    if found is None or found.plan_code != plan.code:
        return None
    measure = plan.measures.get(found.measure_code)
    return PaperMatter(
        **await _looked_at(session, plan, found.due_date, today),
        about=f"milestone/{found.id}",
        name=found.title,
        source=f"措施{found.measure_code}：{'' if measure is None else measure.text}",
        unit=found.organization_code,
        unit_name=plan.organization_name(found.organization_code),
        state=found.state,
        original_due_date=found.original_due_date,
        late=found.due_date < today and found.state not in _DONE,
        percent=plain(found.percent),
        done=found.narrative,
        problems=found.problems,
        next_steps=found.next_steps,
        promised=found.expected_date,
        files=len(found.evidence) + len(found.files or ()),
    )


_DONE = frozenset({"completed", "closed", "cancelled"})


async def _obligation(
    session: AsyncSession, plan: PlanState, obligation_id: UUID, today: date
) -> PaperMatter | None:
    found = await session.get(Obligation, (plan.city_code, obligation_id))
    if found is None or found.plan_code != plan.code:
        return None
    came = await is_handed_in(session, found)
    said = await _reported(session, found)
    name = plan.indicator_name(found.indicator_code)
    return PaperMatter(
        **await _looked_at(session, plan, found.due_date, today),
        about=f"obligation/{found.id}",
        name=f"报送{period_name(plan.period_calendar.period(found.period))}“{name}”数据",
        source=f"指标{found.indicator_code}：{name}",
        unit=found.organization_code,
        unit_name=plan.organization_name(found.organization_code),
        state="handed_in" if came else found.state,
        original_due_date=found.original_due_date,
        late=found.due_date < today and found.state == "owed" and not came,
        period=found.period,
        indicator=found.indicator_code,
        done=None if said is None else said.note,
        files=None if said is None else len(pieces_of(said.files)),
    )


async def _reported(session: AsyncSession, owed: Obligation) -> Submission | None:
    """Return the submission in the slot of a value that is owed; None: there is none."""
    return await session.scalar(
        select(Submission).where(
            Submission.city_code == owed.city_code,
            Submission.plan_code == owed.plan_code,
            Submission.indicator_code == owed.indicator_code,
            Submission.organization_code == owed.organization_code,
            Submission.period == owed.period,
            Submission.state != "withdrawn",
        )
    )


async def _alert(session: AsyncSession, plan: PlanState, found: Alert, today: date) -> PaperMatter:
    due = found.due_date
    source = plan.indicator_name(found.indicator_code) if found.indicator_code else found.message
    return PaperMatter(
        **await _looked_at(session, plan, due, today),
        about=f"alert/{found.id}",
        name=found.title,
        source=source,
        unit=found.organization_code,
        unit_name=plan.organization_name(found.organization_code),
        state="resolved" if found.state == "resolved" else "open",
        original_due_date=due,
        late=found.state != "resolved" and due is not None and due < today,
        calls=found.state != "resolved" and due is None,
        promised=found.promised_date,
        answer=found.answer,
    )
