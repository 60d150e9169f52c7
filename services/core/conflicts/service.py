"""Raising conflicts, many at once, and deciding one. Each is written with its event."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.errors import ConflictDecided
from services.core.conflicts.models import Conflict
from services.core.conflicts.rules import TakenVersion, as_said, columns_of_kept
from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.plan.state import PlanState
from services.core.submissions import queries as submission_queries
from services.core.submissions import service as submissions
from services.core.submissions.errors import SubmissionNotFound
from services.core.submissions.rules import writes_for


async def raise_conflicts(session: AsyncSession, conflicts: Sequence[Conflict]) -> None:
    """Write new conflicts and an event for each, in two statements however many they are."""
    if not conflicts:
        return
    names = Conflict.__table__.columns.keys()
    await session.execute(
        insert(Conflict), [{name: getattr(one, name) for name in names} for one in conflicts]
    )
    await record(session, *(_event(one, "conflict.raised", one.raised_at) for one in conflicts))


def check_right(actor: Actor, conflict: Conflict) -> None:
    """Let the actor pass who decides: whoever reports for the unit.

    Raises:
        Forbidden: it does not.
    """
    if not writes_for(actor, conflict.organization_code):
        raise takes(
            "由该数据的填报单位或 office 处理",
            "the unit that the value is of, or the office",
        )


async def decide(
    session: AsyncSession,
    conflict: Conflict,
    *,
    plan: PlanState,
    actor: Actor,
    take: TakenVersion,
    reason: str | None,
    now: datetime,
) -> None:
    """Decide a locked conflict: the ledger stays as it is, or says what the device said.

    Raises:
        ConflictDecided: it was decided before.
        SubmissionTransitionRefused, PeriodClosed, InvalidInput: the submission cannot be edited
            as it stands now, see `submissions.service.edit`.
        SubmissionNotFound: it was taken out of the caller's scope meanwhile.
    """
    if conflict.state == "decided":
        raise ConflictDecided(extra={"state": conflict.state, "allowed_actions": []})
    if take == "device":
        found = await submission_queries.for_update(session, actor, conflict.submission_id)
        if found is None:
            raise SubmissionNotFound
        changes = as_said(columns_of_kept(conflict.device))
        await submissions.edit(session, found, plan=plan, actor=actor, changes=changes, now=now)
    conflict.state, conflict.taken = "decided", take
    conflict.decision_reason = reason
    conflict.decided_by, conflict.decided_at = actor.stamp(), now
    conflict.version += 1
    await session.flush()
    await record(session, _event(conflict, "conflict.decided", now))


def _event(conflict: Conflict, type_: EventType, at: datetime) -> NewEvent:
    decided = {"taken": conflict.taken} if conflict.taken else {}
    return NewEvent(
        city_code=conflict.city_code,
        plan_code=conflict.plan_code,
        type=type_,
        subject_kind="conflict",
        subject_id=str(conflict.id),
        organization_code=conflict.organization_code,
        actor=conflict.decided_by or conflict.raised_by,
        data={
            "indicator_code": conflict.indicator_code,
            "organization_code": conflict.organization_code,
            "period": conflict.period,
            "submission_id": str(conflict.submission_id),
            "reason": conflict.reason,
            "fields": conflict.fields,
            **decided,
        },
        occurred_at=at,
    )
