"""Resolves a conflict over a row of a register."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.rules import DeviceTakenVersion
from services.core.conflicts.service import check_open, settle
from services.core.identity.actor import Actor
from services.core.kit.errors import InvalidInput
from services.core.plan.register_entries import Register
from services.core.registers import lifecycle
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.registers.conflicts.subject import OVER_ROWS
from services.core.registers.models import RegisterRow
from services.core.registers.rules import writes_row
from services.core.registers.service import RegisterDesk
from services.core.registers.totals import reason_faults
from services.core.submissions.authorship import authors_by


def may_decide(actor: Actor, conflict: RegisterRowConflict, register: Register | None) -> bool:
    """Return whether a conflict is open and the actor, who must keep the row, may resolve it."""
    if conflict.state != "open" or register is None:
        return False
    return writes_row(actor, register, conflict.organization_code)


async def decide(
    session: AsyncSession,
    conflict: RegisterRowConflict,
    row: RegisterRow,
    *,
    desk: RegisterDesk,
    take: DeviceTakenVersion,
    reason: str | None,
) -> None:
    """Resolve a locked conflict over a locked row.

    With `ledger` the row stays as it is. With `device` the disputed columns get the device's
    values, as by an edit; whoever entered them on the device becomes one of the row's authors.

    Raises:
        ConflictDecided: it was resolved before.
        InvalidInput: the resulting row has faults, or the reason contains a person's number in a
            register of totals.
        RegisterRowTransitionRefused: the row was ended, revoked or withdrawn.
    """
    check_open(conflict)
    if faults := reason_faults(desk.register, reason):
        raise InvalidInput(faults=faults)
    if take == "device":
        author = authors_by(conflict.raised_by)
        await lifecycle.edit(session, row, said=conflict.device, desk=desk, others=author)
    await settle(
        session,
        OVER_ROWS,
        conflict,
        take=take,
        reason=reason,
        actor=desk.actor,
        now=desk.now,
    )
