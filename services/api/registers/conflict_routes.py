"""Routes of conflicts over rows of registers: list and read them, decide one."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from services.api.conflicts.turns import DeviceConflictTurn
from services.api.conflicts.views import ConflictViews
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.filters import OrganizationFilter
from services.api.registers.conflict_schemas import (
    RegisterRowConflictDecisionIn,
    RegisterRowConflictListOut,
    RegisterRowConflictOut,
    register_row_conflict_fields,
)
from services.api.registers.parameters import Reader, Writer
from services.api.routing import versioned_router
from services.core.conflicts.rules import DeviceConflictState
from services.core.registers import queries as rows
from services.core.registers.conflicts import service
from services.core.registers.conflicts.errors import RegisterRowConflictNotFound
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.registers.conflicts.subject import OVER_ROWS
from services.core.registers.lifecycle import check_right
from services.core.registers.models import RegisterRow
from services.core.registers.rules import register_in
from services.core.registers.service import RegisterDesk

router = versioned_router("registers")

RegisterRowConflictId = Annotated[
    UUID,
    Path(
        description="Id of a conflict over a row",
        examples=["019bb0f1-6b00-7a10-8a44-0d6c0f0e5c41"],
    ),
]

_VIEWS = ConflictViews(
    OVER_ROWS, "register-row-conflicts", register_row_conflict_fields, RegisterRowConflictNotFound
)


@router.get(
    "/plans/{plan}/register-row-conflicts",
    responses={**answering("RegisterRowConflicts"), **refusals(403, 404)},
)
async def list_register_row_conflicts(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    state: Annotated[DeviceConflictState | None, Query(description="In this state only")] = None,
    row_id: Annotated[UUID | None, Query(description="Over this row only")] = None,
    organization_code: OrganizationFilter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> RegisterRowConflictListOut:
    """List what a device and the ledger say differently of rows, newest first.

    A unit sees its own, a lead also those of the registers it leads; the superior none.
    """
    return RegisterRowConflictListOut.model_validate(
        await _VIEWS.page(
            session,
            actor,
            plan,
            page_size=page_size,
            page_token=page_token,
            state=state,
            row_id=row_id,
            organization_code=organization_code,
        )
    )


async def _seen(
    register_row_conflict_id: RegisterRowConflictId, actor: Reader, session: Reading
) -> RegisterRowConflict:
    return await _VIEWS.seen(session, actor, register_row_conflict_id)


@router.get(
    "/register-row-conflicts/{register_row_conflict_id}",
    responses={**answering("RegisterRowConflict", ETAG), **refusals(403, 404)},
    response_model=RegisterRowConflictOut,
)
async def get_register_row_conflict(
    conflict: Annotated[RegisterRowConflict, Depends(_seen)],
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one conflict over a row, with both versions."""
    return (await _VIEWS.read(session, actor, resources, conflict)).answer(if_none_match)


RegisterRowConflictTurn = DeviceConflictTurn[RegisterRowConflict, RegisterRow, RegisterDesk]


async def _take(
    register_row_conflict_id: RegisterRowConflictId,
    actor: Writer,
    session: Writing,
    resources: ResourcesDep,
) -> RegisterRowConflictTurn:
    conflict, row = await _VIEWS.locked_with(
        session,
        actor,
        register_row_conflict_id,
        lambda one: rows.for_update(session, actor, one.row_id),
    )
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    register = register_in(plan, row.register_code)
    check_right(actor, "edit", row, register)
    desk = RegisterDesk(plan, register, actor, resources.clock.now())
    return RegisterRowConflictTurn(
        conflict, actor, session, resources, _VIEWS, plan, thing=row, desk=desk
    )


@router.post(
    "/register-row-conflicts/{register_row_conflict_id}/decide",
    responses={
        **answering("RegisterRowConflictDecided", ETAG),
        **refusals(403, 404, 409, 412),
    },
    openapi_extra=asking("RegisterRowConflictDecision"),
    response_model=RegisterRowConflictOut,
)
async def decide_register_row_conflict(
    body: RegisterRowConflictDecisionIn,
    turn: Annotated[RegisterRowConflictTurn, Depends(_take)],
    if_match: IfMatch = None,
) -> Response:
    """Take one of the two versions. The other stays readable here.

    What the device wanted can be taken while the row stands, as an edit of it. To take something of
    both, edit the row first and then take `ledger`.
    """
    return await turn.act(
        if_match,
        service.decide,
        turn.thing,
        desk=turn.desk,
        take=body.take,
        reason=body.reason,
    )
