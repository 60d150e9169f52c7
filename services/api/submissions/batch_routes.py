"""The path that takes many submissions at once."""

from dataclasses import dataclass
from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Header, Request, Response
from pydantic_core import to_json

from services.api.context import Held, PlanInScope, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.problems import language_of
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.submissions.batch_body import (
    JSON,
    SentOptions,
    batch_request_body,
    read_batch,
)
from services.api.submissions.batch_schemas import BatchOut, batch_of, report_of
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.submissions.batch.rows import Batch, JudgedRows, judge
from services.core.submissions.batch.service import carry_out
from services.core.submissions.errors import BatchRejected

router = versioned_router("submissions")

Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]

# As with plan documents: many batches at once take no more of the processor than one.
_one_at_a_time = CapacityLimiter(1)


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch, and what is wrong with its rows by themselves."""

    batch: Batch
    judged: JudgedRows


async def _sent(
    request: Request,
    actor: Writer,
    plan: PlanInScope,
    held: Held,
    options: SentOptions,
    content_type: Annotated[str, Header(include_in_schema=False)] = JSON,
) -> Sent:
    """Return the batch of the body; asked for before the session, which would wait for it."""
    body = await request.body()
    today = plan.local_date(held.clock.now())

    def read() -> Sent:
        batch = batch_of(read_batch(body, content_type, options))
        return Sent(batch, judge(batch, plan=plan, actor=actor, today=today))

    try:
        return await run_sync(read, limiter=_one_at_a_time)
    except InvalidInput as error:
        # With what the address says beside it, which is told last on every path.
        raise InvalidInput(faults=[*error.faults, *request.scope.get("unread", [])]) from None


@router.post(
    "/plans/{plan}/submissions/batch",
    responses={**answering("BatchReport"), **refusals(403, 404, 409)},
    openapi_extra=batch_request_body(),
    response_model=BatchOut,
)
async def write_batch(
    actor: Writer,
    plan: PlanInScope,
    sent: Annotated[Sent, Depends(_sent)],
    session: Writing,
    held: Held,
    request: Request,
) -> Response:
    """Report up to 10,000 values at once; the answer says what became of each row.

    Each row is judged as its own POST would be, and every fault of every row is told. What is
    there already is `unchanged`: no version, no event, no other ETag. What is under review or
    approved with another content is rejected; what was returned and is sent again as it was
    stays returned. With `atomic` one rejected row is 422 `batch-rejected`, with the same report,
    and nothing is written.
    """
    decided = await carry_out(
        session, sent.batch, sent.judged, plan=plan, actor=actor, now=held.clock.now()
    )
    report = await run_sync(report_of, decided, plan, language_of(request))
    if sent.batch.atomic and report["rejected"]:
        faults = [fault for one in decided for fault in one.faults]
        raise BatchRejected(faults=faults, extra=report)
    return Response(to_json(report), 200, media_type=JSON)
