"""Raising conflicts over rows, many at once, and deciding one; with its event each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor
from services.core.kit.errors import InvalidInput
from services.core.plan.register_entries import Register
from services.core.registers import lifecycle
from services.core.registers.conflicts.errors import RegisterRowConflictDecided
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.registers.conflicts.rules import RowTakenVersion
from services.core.registers.models import RegisterRow
from services.core.registers.rules import keeps
from services.core.registers.service import RegisterDesk
from services.core.registers.totals import reason_faults
from services.core.submissions.authorship import Authors


async def raise_conflicts(session: AsyncSession, conflicts: Sequence[RegisterRowConflict]) -> None:
    """Write new conflicts and an event for each, in two statements however many they are."""
    if not conflicts:
        return
    names = RegisterRowConflict.__table__.columns.keys()
    rows = [{name: getattr(one, name) for name in names} for one in conflicts]
    await session.execute(insert(RegisterRowConflict), rows)
    happened = (_event(one, "register_row_conflict.raised", one.raised_at) for one in conflicts)
    await record(session, *happened)


def may_decide(actor: Actor, conflict: RegisterRowConflict, register: Register | None) -> bool:
    """Return whether the actor decides a conflict, and it waits: who keeps the row does."""
    if conflict.state != "open" or register is None:
        return False
    return keeps(actor, register, conflict.organization_code)


async def decide(
    session: AsyncSession,
    conflict: RegisterRowConflict,
    row: RegisterRow,
    *,
    desk: RegisterDesk,
    take: RowTakenVersion,
    reason: str | None,
) -> None:
    """Decide a locked conflict over a locked row.

    With `ledger` the row stays as it is. With `device` it says what the device wanted in the
    disputed columns, as an edit would have it; whoever wrote that on the device is one of its
    authors.

    Raises:
        RegisterRowConflictDecided: it was decided before.
        InvalidInput: what would stand has faults, or the reason holds a person's number where only
            totals are kept.
        RegisterRowTransitionRefused: the row was ended, revoked or withdrawn.
    """
    if conflict.state != "open":
        extra = {"state": conflict.state, "allowed_actions": []}
        raise RegisterRowConflictDecided(extra=extra)
    if faults := reason_faults(desk.register, reason):
        raise InvalidInput(faults=faults)
    if take == "device":
        by = conflict.raised_by
        unit = by.get("organization_code")
        author = Authors((UUID(str(by["id"])),), () if unit is None else (str(unit),))
        await lifecycle.edit(session, row, said=conflict.device, desk=desk, others=author)
    conflict.state, conflict.taken = "decided", take
    conflict.decision_reason = reason
    conflict.decided_by, conflict.decided_at = desk.actor.stamp(), desk.now
    conflict.version += 1
    await session.flush()
    await record(session, _event(conflict, "register_row_conflict.decided", desk.now))


def _event(conflict: RegisterRowConflict, type_: EventType, at: datetime) -> NewEvent:
    decided = {"taken": conflict.taken} if conflict.taken else {}
    return NewEvent(
        city_code=conflict.city_code,
        plan_code=conflict.plan_code,
        type=type_,
        subject_kind="register_row_conflict",
        subject_id=str(conflict.id),
        organization_code=conflict.organization_code,
        actor=conflict.decided_by or conflict.raised_by,
        data={
            "row_id": str(conflict.row_id),
            "register_code": conflict.register_code,
            "organization_code": conflict.organization_code,
            "title": conflict.title,
            "columns": conflict.columns,
            **decided,
        },
        occurred_at=at,
    )
