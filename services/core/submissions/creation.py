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
    """A caller's request for a submission, with its shape already checked."""

    indicator_code: str
    organization_code: str
    period: str
    form: Form
    remarks: Remarks
    draft: bool
    on_behalf_of: bool | str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to store under the request's idempotency key."""

    request: RequestKey
    status: int
    body: bytes
    etag: str
    location: str


def draw_up(
    draft: SubmissionDraft, *, plan: PlanState, actor: Actor, now: datetime
) -> SubmissionRow:
    """Validate a new submission and return its row; nothing is written or looked up.

    `judged_at_entry` runs the plan's checks on it.

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
        else:  # the rules for a value depend on its period
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
    """Run the plan's checks on a submission that is to be written; return it with the findings.

    If checks compare it with other figures, this takes one statement, and a connection only for
    that; otherwise none.

    Raises:
        InvalidInput: it is being submitted, and a check blocks it.
    """
    figures = await figures_at(pool, plan, slots_needed([row], plan))
    return {**row, **at_entry(row, plan, actor, figures)}


def new_row(
    draft: SubmissionDraft, indicator: Indicator, *, plan: PlanState, actor: Actor, now: datetime
) -> SubmissionRow:
    """Return the row of a new submission that was validated."""
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
    """Return the faults of a submission's codes; None is skipped."""
    faults = []
    if indicator_code is not None and indicator_code not in plan.indicators:
        faults.append(unknown_indicator(plan, "/indicator_code", indicator_code))
    if organization_code is not None:
        faults += organization_faults(organization_code, plan)
    return faults


def organization_faults(code: str, plan: PlanState) -> list[Fault]:
    """Return the faults of the code of a value's unit."""
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
    """Return the faults of `on_behalf_of`: true, or the code of the unit."""
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
    """Return the facts that the right to act on a submission depends on.

    `leads` are the leads of its indicator; None: the plan in force has no such indicator.
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
    """Return the history's action for a new submission: created as a draft, or submitted."""
    return "created" if row["state"] == "draft" else "submitted"


def parameters(
    row: SubmissionRow,
    plan: PlanState,
    actor: Mapping[str, object],
    reply: Reply | None,
    true_now: datetime,
) -> dict[str, Any]:
    """Return the parameters of `CREATE`."""
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
    """Write a new submission in one statement; a repeated request gets the earlier reply.

    A preview passes the same guards and is rolled back. The reply is stored in the city of the
    submission, whichever city the credential belongs to.

    Raises:
        SubmissionExists: the slot is taken.
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
        # Only the unique index of the slot; violating another index is our bug, and must not be
        # hidden. For an error on another node, Citus passes on the message and not the field.
        if _SLOT not in (error.constraint_name or str(error)):
            raise
        raise SubmissionExists(
            extra={"submission_id": await queries.slot_holder(connection, row)}
        ) from None
    except asyncpg.LockNotAvailableError as error:
        # Locks on the period or the slot belong to other requests, so this is not a repeat.
        if request is None or not _is_of_the_key(error):
            raise
        raise RequestInProgress from None
    if written["added"]:
        if not preview:
            note_events([values["event_id"]])
        return None
    # Nothing was written, and the statement does not tell which guard failed. The key is checked
    # first: a repeat gets the first request's reply even if the period has closed since.
    earlier = await earlier_answer(connection, request, row)
    if earlier is not None:
        return earlier
    if written["period_state"] in {"closed", "published"}:
        raise PeriodClosed(extra={"period": row["period"], "state": written["period_state"]})
    raise PlanChanged


async def earlier_answer(
    connection: asyncpg.Connection | asyncpg.Pool, request: RequestKey | None, row: SubmissionRow
) -> KeptReply | None:
    """Return the reply stored under a request's key in the submission's city, None: there is none.

    Raises:
        IdempotencyKeyReused: the key belongs to another request.
    """
    if request is None:
        return None
    of_city = replace(request, city_code=row["city_code"])
    earlier = await queries.earlier_reply(connection, of_city)
    return None if earlier is None else _replayed(earlier, of_city)


_SLOT = "uq_submission_place"
"""The unique index of the slot; on Citus a shard's index has the shard's number appended."""


def _is_of_the_key(error: asyncpg.LockNotAvailableError) -> bool:
    """Return whether the lock that timed out was on the row of an idempotency key.

    Postgres names the row's table in the error's context, in any language.
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
