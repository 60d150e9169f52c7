"""Creates a submission: the hot write, one statement that is a transaction by itself.

State, history, event and the stored reply are written together or not at all. The guards
(plan version, period, idempotency key, the slot of indicator, organization and period) are inside
the statement, so that nothing can slip in between a check and its write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg
from pydantic_core import to_json

from services.core.checks.lookups import slots_needed
from services.core.checks.queries import figures_at
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.idempotency import (
    KEPT,
    IdempotencyKeyReused,
    KeptReply,
    RequestInProgress,
    RequestKey,
    StoredReply,
)
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.kit.trail import note_events, present_traceparent
from services.core.plan.document import Indicator
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import unknown_indicator, unknown_organization
from services.core.submissions import queries
from services.core.submissions.authorship import SubmissionRow, authors_of
from services.core.submissions.checking import at_entry
from services.core.submissions.errors import (
    NotYourOrganization,
    PeriodClosed,
    PlanChanged,
    SubmissionExists,
)
from services.core.submissions.images import event_data, image
from services.core.submissions.judging import (
    NOT_BEGUN,
    evidence_faults,
    period_faults,
    value_faults,
)
from services.core.submissions.rules import (
    REMARKS,
    Form,
    Remarks,
    SubmissionAccess,
    form_faults,
    reported,
    writes_for,
)
from services.core.submissions.statements import CREATE


@dataclass(frozen=True, slots=True)
class SubmissionDraft:
    """What a caller wants to report, its shape already checked."""

    indicator_code: str
    organization_code: str
    period: str
    form: Form
    remarks: Remarks
    draft: bool
    on_behalf_of: bool | str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer that will be given, kept under the request's idempotency key."""

    request: RequestKey
    status: int
    body: bytes
    etag: str
    location: str


def draw_up(
    draft: SubmissionDraft, *, plan: PlanState, actor: Actor, now: datetime
) -> SubmissionRow:
    """Return the new submission as a row; nothing is written yet, and nothing else looked up.

    What the plan's checks say of it is in `judged_at_entry`.

    Raises:
        InvalidInput: the form or its references have faults.
        NotYourOrganization: the actor does not report for this unit.
    """
    indicator = plan.indicators.get(draft.indicator_code)
    faults = reference_faults(draft.indicator_code, draft.organization_code, plan)
    of_period = period_faults(draft.period, plan, plan.local_date(now))
    faults += of_period
    faults += behalf_faults(draft.on_behalf_of, draft.organization_code, actor)
    if indicator is not None:
        if all(one.code == NOT_BEGUN for one in of_period):
            faults += value_faults(draft.form, indicator, plan, draft.period, draft=draft.draft)
        else:  # what is asked of a value depends on its period
            faults += form_faults(draft.form, indicator, draft=draft.draft)
        faults += evidence_faults(draft.form, indicator, (), draft=draft.draft)
    if faults or indicator is None:
        raise InvalidInput(faults=faults)
    if not writes_for(actor, draft.organization_code):
        raise NotYourOrganization
    return new_row(draft, indicator, plan=plan, actor=actor, now=now)


async def judged_at_entry(
    pool: asyncpg.Pool, row: SubmissionRow, *, plan: PlanState, actor: Actor
) -> SubmissionRow:
    """Return a submission that is to be written with what the plan's checks find in it.

    It asks the database once where they compare it with others, and not at all where none does;
    a connection is held for that statement alone.

    Raises:
        InvalidInput: it would be handed in, and a check keeps it out.
    """
    figures = await figures_at(pool, plan, slots_needed([row], plan))
    return {**row, **at_entry(row, plan, actor, figures)}


def new_row(
    draft: SubmissionDraft, indicator: Indicator, *, plan: PlanState, actor: Actor, now: datetime
) -> SubmissionRow:
    """Return the row of a new submission that was found without fault."""
    return {
        "city_code": plan.city_code,
        "id": new_id(),
        "plan_code": plan.code,
        "indicator_code": draft.indicator_code,
        "organization_code": draft.organization_code,
        "period": draft.period,
        "state": "draft" if draft.draft else "submitted",
        "revision": 1,
        "version": 1,
        "approved_revision": None,
        **reported(draft.form, indicator).columns,
        **{name: getattr(draft.remarks, name) for name in REMARKS},
        "checks": None,
        "on_behalf": actor.organization_code != draft.organization_code,
        "falsified": False,
        "reason": None,
        "reported_by": actor.author_id,
        "reported_by_organization": actor.organization_code,
        "authors": None,
        "author_organizations": None,
        "authorship": None,
        "files": None,
        "created_at": now,
        "updated_at": now,
        "submitted_at": None if draft.draft else now,
        "decided_at": None,
    }


def reference_faults(
    indicator_code: str | None, organization_code: str | None, plan: PlanState
) -> list[Fault]:
    """Return what is wrong with the codes of a submission; None is passed over."""
    faults = []
    if indicator_code is not None and indicator_code not in plan.indicators:
        faults.append(unknown_indicator(plan, "/indicator_code", indicator_code))
    if organization_code is not None:
        faults += organization_faults(organization_code, plan)
    return faults


def organization_faults(code: str, plan: PlanState) -> list[Fault]:
    """Return what is wrong with the code of the unit that a value is of."""
    unit = plan.organizations.get(code)
    if unit is None:
        return [unknown_organization(plan, "/organization_code", code)]
    if unit.submits:
        return []
    never = Text("统称或占位名称不能填报", "A collective name or placeholder never submits")
    return [Fault("/organization_code", "organization-never-submits", never, code)]


def behalf_faults(
    on_behalf_of: bool | str | None, organization_code: str, actor: Actor
) -> list[Fault]:
    """Return what is wrong with saying for whom one reports: true, or the code of the unit."""
    if on_behalf_of in {None, False}:
        return []
    if not actor.may(Permission.REPORT_ON_BEHALF):
        return [
            Fault(
                "/on_behalf_of",
                "office-only",
                Text("只有领导小组办公室可以代报", "Only the office reports on behalf of a unit"),
            )
        ]
    if on_behalf_of not in {True, organization_code}:
        return [
            Fault(
                "/on_behalf_of",
                "another-organization",
                Text("代报的单位与 organization_code 不一致", "It names another organization"),
                str(on_behalf_of),
            )
        ]
    return []


def access_to(
    row: SubmissionRow, leads: tuple[str, ...] | None, period_state: str
) -> SubmissionAccess:
    """Return what the right to act on a submission depends on.

    `leads` lead its indicator; None: the plan in force has no such indicator.
    """
    return SubmissionAccess(
        state=row["state"],
        organization_code=row["organization_code"],
        authors=authors_of(row),
        leads=leads or (),
        correcting=row["approved_revision"] is not None and row["state"] != "approved",
        falsified=row["falsified"],
        period_state=period_state,
        dropped=leads is None,
    )


def first_action(row: SubmissionRow) -> str:
    """Return what history calls the making of a submission: a draft was made, a value handed in."""
    return "created" if row["state"] == "draft" else "submitted"


def parameters(
    row: SubmissionRow,
    plan: PlanState,
    actor: Mapping[str, object],
    reply: Reply | None,
    true_now: datetime,
) -> dict[str, Any]:
    """Return what `CREATE` takes, by name."""
    request = reply.request if reply else None
    checks = row["checks"]
    return {
        **row,
        "checks": None if checks is None else to_json(checks).decode(),
        "plan_version": plan.version,
        "action": first_action(row),
        "image": to_json(image(row)).decode(),
        "actor": to_json(actor).decode(),
        "event_id": new_id(),
        "event_data": to_json(event_data(row)).decode(),
        "traceparent": present_traceparent(),
        "reply_credential": request.credential_id if request else None,
        "key": request.key if request else None,
        "digest": request.digest if request else None,
        "status": reply.status if reply else None,
        "body": reply.body if reply else None,
        "etag": reply.etag if reply else None,
        "location": reply.location if reply else None,
        "true_now": true_now,
        "kept_since": true_now - KEPT,
    }


async def create(
    connection: asyncpg.Connection,
    *,
    row: SubmissionRow,
    plan: PlanState,
    actor: Mapping[str, object],
    reply: Reply | None,
    true_now: datetime,
    preview: bool = False,
) -> KeptReply | None:
    """Write a new submission in one statement; return the earlier answer on a repeat.

    A preview meets the same guards and is undone. The reply is kept with what it tells, in the
    city of the submission, whichever city the credential is of.

    Raises:
        SubmissionExists: the slot holds one already.
        PeriodClosed: the period takes no values.
        PlanChanged: the plan has a newer version than the row was checked against.
        IdempotencyKeyReused, RequestInProgress: the key belongs to another request, or the
            first has not answered within ten seconds.
        asyncpg.LockNotAvailableError: another transaction holds the period or the slot so long.
    """
    request = reply.request if reply else None
    values = parameters(row, plan, actor, reply, true_now)
    try:
        written = await _execute(connection, values, preview=preview)
    except asyncpg.UniqueViolationError as error:
        # The unique index of the slot; any other one would be a fault of ours and is not hidden.
        # Of an error at another node a cluster passes on the message and not the field.
        if _SLOT not in (error.constraint_name or str(error)):
            raise
        raise SubmissionExists(
            extra={"submission_id": await queries.slot_holder(connection, row)}
        ) from None
    except asyncpg.LockNotAvailableError as error:
        # Of the period and of the place another request is the holder, and is not answered for.
        if request is None or not _is_of_the_key(error):
            raise
        raise RequestInProgress from None
    if written["added"]:
        if not preview:
            note_events([values["event_id"]])
        return None
    # Nothing was written, and the statement does not say by which guard. The key is asked first: a
    # repeat gets the answer of the first request even if the period has closed since.
    earlier = await earlier_answer(connection, request, row)
    if earlier is not None:
        return earlier
    if written["period_state"] in {"closed", "published"}:
        raise PeriodClosed(extra={"period": row["period"], "state": written["period_state"]})
    raise PlanChanged


async def earlier_answer(
    connection: asyncpg.Connection | asyncpg.Pool, request: RequestKey | None, row: SubmissionRow
) -> KeptReply | None:
    """Return what was answered under a request's key in the city of a submission, if anything was.

    Raises:
        IdempotencyKeyReused: it was another request's.
    """
    if request is None:
        return None
    of_city = replace(request, city_code=row["city_code"])
    earlier = await queries.earlier_reply(connection, of_city)
    return None if earlier is None else _replayed(earlier, of_city)


_SLOT = "uq_submission_place"
"""The unique index of a place; over several nodes the number of a part follows the name."""


def _is_of_the_key(error: asyncpg.LockNotAvailableError) -> bool:
    """Return whether it was the row of an idempotency key that another transaction held.

    Postgres names the table of the row in the context of the error, in whatever language.
    """
    return StoredReply.__tablename__ in (error.context or "")


async def _execute(
    connection: asyncpg.Connection, values: Mapping[str, object], *, preview: bool
) -> Mapping[str, Any]:
    statement = CREATE.bind(values)
    if not preview:
        written: Mapping[str, Any] = await connection.fetchrow(*statement)
        return written
    undone = connection.transaction()
    await undone.start()
    try:
        written = await connection.fetchrow(*statement)
    finally:
        await undone.rollback()
    return written


def _replayed(earlier: Mapping[str, Any], request: RequestKey) -> KeptReply:
    if earlier["request_digest"] != request.digest:
        raise IdempotencyKeyReused
    return KeptReply(earlier["status"], earlier["body"], earlier["etag"], earlier["location"])
