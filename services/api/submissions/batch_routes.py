"""Routes that write many submissions at once, preview them, and write what was previewed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Header, Path, Request, Response
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.context import (
    PlanInScope,
    ResourcesDep,
    WriteSession,
    Writing,
    resources_of,
    write_session,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.problems import language_of
from services.api.request_context import context_of
from services.api.routing import heavy, versioned_router
from services.api.security import permitted
from services.api.submissions.batch_body import (
    JSON,
    SentOptions,
    batch_request_body,
    packed,
    read_batch,
    unpacked,
)
from services.api.submissions.batch_schemas import BatchOut, batch_of, report_of
from services.api.submissions.preview_schemas import Foreseen, preview_report
from services.api.write_options import write_options_of
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.kit.text import Language
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_under_review
from services.core.scoring.affected import BASES
from services.core.scoring.foreseeing import Foresight, foresee, supposed_by
from services.core.submissions.batch import previews
from services.core.submissions.batch.deciding import Decided
from services.core.submissions.batch.grounds import grounds_of
from services.core.submissions.batch.previews import KeptPreview
from services.core.submissions.batch.rows import Batch, JudgedRows, judge
from services.core.submissions.batch.service import BatchOutcome, carry_out, look_ahead
from services.core.submissions.errors import BatchRejected

router = versioned_router("submissions")

Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]

_REPORT = answering("BatchReport")
_REPORT[200]["content"][JSON]["examples"]["BatchPreview"] = {}

# As with plan documents: one at a time, so that many batches take no more CPU than one.
_one_at_a_time = CapacityLimiter(1)


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch, and the faults of its rows by themselves; `packed` is the batch as sent."""

    batch: Batch
    judged: JudgedRows
    packed: bytes


async def _sent(
    request: Request,
    actor: Writer,
    plan: PlanInScope,
    resources: ResourcesDep,
    options: SentOptions,
    content_type: Annotated[str, Header(include_in_schema=False)] = JSON,
) -> Sent:
    """Return the batch of the body, parsed before a session is opened, so that none waits."""
    sent = packed(await request.body(), content_type, options)
    today = plan.local_date(resources.clock.now())
    try:
        return await run_sync(_read, sent, plan, actor, today, limiter=_one_at_a_time)
    except InvalidInput as error:
        # Add the faults of the query, which come last on every path.
        raise InvalidInput(faults=[*error.faults, *context_of(request).unread]) from None


def _read(sent: bytes, plan: PlanState, actor: Actor, today: date) -> Sent:
    batch = batch_of(read_batch(*unpacked(sent)))
    return Sent(batch, judge(batch, plan=plan, actor=actor, today=today), sent)


async def _one_snapshot(request: Request) -> AsyncIterator[AsyncSession]:
    """Yield a session at REPEATABLE READ, whose statements all see one snapshot."""
    async with resources_of(request).database.sessions() as session, session.begin():
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    preview = write_options_of(request).preview
    opened = asynccontextmanager(_one_snapshot if preview else write_session)
    async with opened(request) as session:
        yield session


@router.post(
    "/plans/{plan}/submissions/batch",
    responses={**_REPORT, **refusals(403, 404, 409)},
    openapi_extra=batch_request_body(),
    response_model=BatchOut,
)
@heavy
async def write_batch(
    actor: Writer,
    plan: PlanInScope,
    sent: Annotated[Sent, Depends(_sent)],
    session: Annotated[WriteSession, Depends(_session, scope="function")],
    resources: ResourcesDep,
    request: Request,
) -> Response:
    """Report up to 10,000 values at once; the answer says what became of each row.

    Each row is judged as its own POST would be, and every fault of every row is told. What is
    there already is `unchanged`: no version, no event, no other ETag. What is under review or
    approved with another content is rejected; what was returned and is sent again as it was
    stays returned. With `atomic` one rejected row is 422 `batch-rejected`, with the same report,
    and nothing is written. A preview also tells what would change, which scores would follow,
    and an id to commit just that by.
    """
    caller = _Caller(actor, plan, session, resources.clock.now(), language_of(request))
    if write_options_of(request).preview:
        return await _previewed(caller, sent)
    outcome = await carry_out(
        session, sent.batch, sent.judged, plan=plan, actor=actor, now=caller.now
    )
    return _answer(await caller.report(sent.batch, outcome))


PreviewId = Annotated[
    UUID,
    Path(
        description="Id of a preview, as it told it",
        examples=["019aafc0-0000-7000-8000-000000000000"],
    ),
]


async def _kept(
    actor: Writer,
    plan: PlanInScope,
    preview_id: PreviewId,
    session: Writing,
    resources: ResourcesDep,
) -> KeptPreview:
    now = resources.clock.true_now()
    return await previews.take(session, preview_id, plan=plan, actor=actor, now=now)


@router.post(
    "/plans/{plan}/submissions/batch/previews/{preview_id}/commit",
    responses={**answering("BatchReport"), **refusals(403, 404, 409)},
    response_model=BatchOut,
)
@heavy
async def commit_batch(
    actor: Writer,
    plan: PlanInScope,
    kept: Annotated[KeptPreview, Depends(_kept)],
    session: Writing,
    resources: ResourcesDep,
    request: Request,
) -> Response:
    """Write just what a preview said, and answer as the live call would have.

    Only its maker may, within an hour and once. Where anything that it was decided on has moved
    (a row's submission, a period, the plan) it is 409 `preview-outdated`, `moved` says what, and
    nothing is written.
    """
    caller = _Caller(actor, plan, session, resources.clock.now(), language_of(request))
    day = kept.grounds.local_date
    sent = await run_sync(_read, kept.sent, plan, actor, day, limiter=_one_at_a_time)
    outcome = await carry_out(
        session, sent.batch, sent.judged, plan=plan, actor=actor, now=caller.now
    )
    kept.check(outcome, plan)
    return _answer(await caller.report(sent.batch, outcome))


@dataclass(frozen=True, slots=True)
class _Caller:
    """The context of a report: the caller, the plan, the time and the language."""

    actor: Actor
    plan: PlanState
    session: AsyncSession
    now: datetime
    language: Language

    async def report(self, batch: Batch, outcome: BatchOutcome) -> dict[str, Any]:
        """Return the outcome of each row.

        Raises:
            BatchRejected: the batch is atomic, and a row was rejected.
        """
        report = await run_sync(report_of, outcome.decided, self.plan, self.actor, self.language)
        if batch.atomic and report["rejected"]:
            faults = [fault for one in outcome.decided for fault in one.faults]
            raise BatchRejected(faults=faults, extra=report)
        return report

    async def foresight(self, decided: Sequence[Decided]) -> Foresight | None:
        """Return the effect on the scores; None: the caller may not read scores."""
        if not self.actor.may(Permission.READ_PLAN):
            return None
        bases = BASES if sees_under_review(self.actor) else ("approved",)
        rows = [one.submission for one in decided if one.submission and one.action]
        today = self.plan.local_date(self.now)
        return await foresee(self.session, self.plan, supposed_by(rows), bases=bases, today=today)


async def _previewed(caller: _Caller, sent: Sent) -> Response:
    actor, plan, session = caller.actor, caller.plan, caller.session
    outcome = await look_ahead(
        session, sent.batch, sent.judged, plan=plan, actor=actor, now=caller.now
    )
    report = await caller.report(sent.batch, outcome)
    foreseen = Foreseen(outcome.decided, await caller.foresight(outcome.decided))
    today = plan.local_date(caller.now)
    grounds = grounds_of(outcome.decided, outcome.periods, outcome.compared, plan, today)
    preview_id = await previews.keep(
        session, sent.packed, grounds, plan=plan, maker=actor.credential_id
    )
    preview = await run_sync(preview_report, preview_id, foreseen)
    return _answer({**report, "preview": preview})


def _answer(report: dict[str, Any]) -> Response:
    return Response(to_json(report), 200, media_type=JSON)
