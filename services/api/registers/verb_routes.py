"""Routes that change a row of a register: edit, confirm, end, revoke, withdraw."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic_core import to_json
from typing_extensions import override

from services.api.context import IfMatch, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.reasons import RemarkIn
from services.api.registers.parameters import RowId
from services.api.registers.schemas import (
    RegisterRowOut,
    RegisterRowPatch,
    RowEndIn,
    row_etag,
    row_fields,
)
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import Shown, Turn, in_scope
from services.core.evidence.service import move_row
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.registers import lifecycle, queries
from services.core.registers.errors import RegisterRowNotFound
from services.core.registers.models import RegisterRow
from services.core.registers.rules import WRITING_VERBS, RowVerb, register_in
from services.core.registers.service import RegisterDesk

router = versioned_router("registers")

_VERB = refusals(403, 404, 409, 412)


@dataclass(frozen=True)
class RowTurn(Turn[RegisterRow]):
    """The turn of a verb on a row, with the register that it is checked against."""

    verb: RowVerb
    desk: RegisterDesk

    @override
    async def shown(self) -> Shown:
        row = vars(self.item)
        fields = row_fields(row, self.desk.plan, self.actor)
        return Shown(fields, to_json(fields), row_etag(row))

    async def move(
        self, if_match: str | None, reason: str | None, ended_on: date | None = None
    ) -> Response:
        """Run the verb, with the reason given."""
        return await self.act(
            if_match, move_row, self.verb, desk=self.desk, reason=reason, ended_on=ended_on
        )


def _taking(verb: RowVerb) -> Any:
    """Return the dependency that locks a row for a verb."""
    writes = verb in WRITING_VERBS
    permission = Permission.WRITE_SUBMISSIONS if writes else Permission.REVIEW_SUBMISSIONS

    async def take(
        row_id: RowId,
        actor: Annotated[Actor, Depends(permitted(permission))],
        session: Writing,
        resources: ResourcesDep,
    ) -> RowTurn:
        row = in_scope(await queries.for_update(session, actor, row_id), RegisterRowNotFound)
        plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
        register = register_in(plan, row.register_code)
        lifecycle.check_right(actor, verb, row, register)
        desk = RegisterDesk(plan, register, actor, resources.clock.now())
        return RowTurn(row, actor, session, resources, verb, desk)

    return Depends(take)


@router.patch(
    "/register-rows/{row_id}",
    responses={**answering("RegisterRowEdited", ETAG), **_VERB, **refusals(428)},
    openapi_extra=asking("RegisterRowEdit"),
    response_model=RegisterRowOut,
)
async def edit_register_row(
    body: RegisterRowPatch, turn: Annotated[RowTurn, _taking("edit")], if_match: IfMatch = None
) -> Response:
    """Change what a row says. `If-Match` is required.

    A confirmed row becomes a draft again; what was confirmed counts until the correction is.
    """
    await turn.check(if_match, required=True)
    await lifecycle.edit(turn.session, turn.item, said=body.values, desk=turn.desk)
    return await turn.answer()


@router.post(
    "/register-rows/{row_id}/confirm",
    responses={**answering("RegisterRowConfirmed", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=RegisterRowOut,
)
async def confirm_register_row(
    body: RemarkIn, turn: Annotated[RowTurn, _taking("confirm")], if_match: IfMatch = None
) -> Response:
    """Confirm a row: from now on it counts.

    Nobody confirms what they, or another key of their unit, wrote.
    """
    return await turn.move(if_match, body.reason)


@router.post(
    "/register-rows/{row_id}/end",
    responses={**answering("RegisterRowEnded", ETAG), **_VERB},
    openapi_extra=asking("RegisterRowEnd"),
    response_model=RegisterRowOut,
)
async def end_register_row(
    body: RowEndIn, turn: Annotated[RowTurn, _taking("end")], if_match: IfMatch = None
) -> Response:
    """Have a row count no more from a day on, because what it is of has ended."""
    return await turn.move(if_match, body.reason, body.ended_on)


@router.post(
    "/register-rows/{row_id}/revoke",
    responses={**answering("RegisterRowRevoked", ETAG), **_VERB},
    openapi_extra=asking("RegisterRowRevocation"),
    response_model=RegisterRowOut,
)
async def revoke_register_row(
    body: RowEndIn, turn: Annotated[RowTurn, _taking("revoke")], if_match: IfMatch = None
) -> Response:
    """Have a row count no more from a day on, because it was taken away."""
    return await turn.move(if_match, body.reason, body.ended_on)


@router.post(
    "/register-rows/{row_id}/withdraw",
    responses={**answering("RegisterRowWithdrawn", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=RegisterRowOut,
)
async def withdraw_register_row(
    body: RemarkIn, turn: Annotated[RowTurn, _taking("withdraw")], if_match: IfMatch = None
) -> Response:
    """Take back a draft; its key is free again. Of a correction, what was confirmed stands.

    The files that came with a correction are removed.
    """
    return await turn.move(if_match, body.reason)
