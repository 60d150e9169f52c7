"""Paths of long work: how far it is, and an early end."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response

from services.api.answers import body_etag, json_answer
from services.api.context import Held, IfMatch, IfNoneMatch, Reading, Writing, check_match
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.operations import examples
from services.api.operations.schemas import OperationOut, operation_out
from services.api.routing import versioned_router
from services.api.security import Caller
from services.core.kit.operations import Operation, cancel, operation_of

router = versioned_router("operations")

OperationId = Annotated[
    UUID,
    Path(description="Id of an operation", examples=["019bb0f1-7000-7000-8000-0000000000d1"]),
]


def _body(operation: Operation) -> bytes:
    return operation_out(operation).model_dump_json().encode()


@router.get(
    "/operations/{operation_id}",
    responses={**answering(examples.OPERATION, ETAG), **refusals(404)},
    response_model=OperationOut,
)
async def get_operation(
    operation_id: OperationId, actor: Caller, session: Reading, if_none_match: IfNoneMatch = None
) -> Response:
    """Return long work that the caller started: how far it has come, or what came of it.

    It is kept for 30 days after its end.
    """
    operation = await operation_of(
        session, actor.city_code, operation_id, credential_id=actor.credential_id
    )
    body = _body(operation)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.post(
    "/operations/{operation_id}/cancel",
    responses={**answering(examples.OPERATION_CANCELLED, ETAG), **refusals(404, 409, 412)},
    response_model=OperationOut,
)
async def cancel_operation(
    operation_id: OperationId,
    actor: Caller,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """End long work before it is done; what it has done so far stays done."""
    operation = await operation_of(
        session,
        actor.city_code,
        operation_id,
        credential_id=actor.credential_id,
        for_update=True,
    )
    present = _body(operation)
    check_match(if_match, body_etag(present), required=False, current=operation_out(operation))
    await cancel(session, operation, now=held.clock.now())
    body = _body(operation)
    return json_answer(body, etag=body_etag(body))
