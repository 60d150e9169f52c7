"""Raises conflicts, many at once, and records their outcomes, with an event for each."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.errors import ConflictDecided
from services.core.conflicts.models import Conflict, KeptConflict
from services.core.conflicts.subject import ConflictSubject, LoggedStep
from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor


async def raise_conflicts(
    session: AsyncSession, subject: ConflictSubject[Conflict], conflicts: Sequence[Conflict]
) -> None:
    """Insert new conflicts and an event for each, in two statements however many there are."""
    if not conflicts:
        return
    names = subject.table.__table__.columns.keys()
    rows = [{name: getattr(one, name) for name in names} for one in conflicts]
    await session.execute(insert(subject.table), rows)
    await record(session, *(_event(subject, one, "raised", one.raised_at) for one in conflicts))


async def write_step(
    session: AsyncSession,
    subject: ConflictSubject[Conflict],
    conflicts: Sequence[Conflict],
    step: LoggedStep,
    now: datetime,
) -> None:
    """Write locked conflicts after a change, each as its next version, with an event."""
    if not conflicts:
        return
    for one in conflicts:
        one.version += 1
    await session.flush()
    await record(session, *(_event(subject, one, step, now) for one in conflicts))


def check_open(conflict: KeptConflict) -> None:
    """Check that a conflict is open.

    Raises:
        ConflictDecided: it was decided before, or no longer exists.
    """
    if conflict.state != "open":
        raise ConflictDecided(extra={"state": conflict.state, "allowed_actions": []})


async def settle(
    session: AsyncSession,
    subject: ConflictSubject[Conflict],
    conflict: Conflict,
    *,
    take: str,
    reason: str | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Record the decision of a locked conflict, after the chosen version was applied."""
    conflict.state, conflict.taken = "decided", take
    conflict.decision_reason = reason
    conflict.decided_by, conflict.decided_at = actor.stamp(), now
    await write_step(session, subject, [conflict], "decided", now)


def _event(
    subject: ConflictSubject[Conflict], conflict: Conflict, step: LoggedStep, at: datetime
) -> NewEvent:
    decided = {"taken": conflict.taken} if conflict.taken else {}
    return NewEvent(
        city_code=conflict.city_code,
        plan_code=conflict.plan_code,
        type=subject.events[step],
        subject_kind=subject.table.__tablename__,
        subject_id=str(conflict.id),
        organization_code=conflict.organization_code,
        actor=conflict.decided_by or conflict.raised_by,
        data={**subject.told(conflict), **decided},
        occurred_at=at,
    )
