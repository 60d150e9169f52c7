"""Routes of long-running operations: progress and cancellation."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response
from typing_extensions import override

from services.api.answers import body_etag, json_answer
from services.api.context import IfMatch, IfNoneMatch, Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.operations.rights import check_right
from services.api.operations.schemas import OperationOut, operation_out
from services.api.routing import versioned_router
from services.api.security import Caller
from services.api.turns import Shown, Turn
from services.core.kit.operations import Operation, cancel, operation_of

router = versioned_router("operations")

OperationId = Annotated[
    UUID,
    Path(description="Id of an operation", examples=["019bb0f1-7000-7000-8000-0000000000d1"]),
]


async def _seen(operation_id: OperationId, actor: Caller, session: Reading) -> Operation:
    """Return an operation that the caller started.

    Raises:
        OperationNotFound: the caller started no operation with this id.
        Forbidden: it no longer has a scope that starting it required.
    """
    credential = actor.credential_id
    found = await operation_of(session, actor.city_code, operation_id, credential_id=credential)
    check_right(actor, found)
    return found


@router.get(
    "/operations/{operation_id}",
    responses={**answering("Operation", ETAG), **refusals(403, 404)},
    response_model=OperationOut,
)
async def get_operation(
    operation: Annotated[Operation, Depends(_seen)], if_none_match: IfNoneMatch = None
) -> Response:
    """Return long work that the caller started: how far it has come, or what came of it.

    It takes the scopes that starting it took. It is kept for 30 days after its end.
    """
    body = operation_out(operation).model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@dataclass(frozen=True)
class OperationTurn(Turn[Operation]):
    """The turn of a verb on an operation, for its starter with the scopes it required."""

    @override
    async def shown(self) -> Shown:
        shown = operation_out(self.item)
        body = shown.model_dump_json().encode()
        return Shown(shown, body, body_etag(body))


async def _take(
    operation_id: OperationId, actor: Caller, session: Writing, resources: ResourcesDep
) -> OperationTurn:
    operation = await operation_of(
        session, actor.city_code, operation_id, credential_id=actor.credential_id, for_update=True
    )
    check_right(actor, operation)
    return OperationTurn(operation, actor, session, resources)


@router.post(
    "/operations/{operation_id}/cancel",
    responses={**answering("OperationCancelled", ETAG), **refusals(403, 404, 409, 412)},
    response_model=OperationOut,
)
async def cancel_operation(
    turn: Annotated[OperationTurn, Depends(_take)], if_match: IfMatch = None
) -> Response:
    """End long work before it is done; what it has done so far stays done.

    It takes the scopes that starting it took.
    """
    return await turn.act(if_match, cancel, now=turn.resources.clock.now())
