"""Creating a submission: the hot write, one statement that is a transaction by itself.

State, history, event and the stored reply are written together or not at all; the guards
(plan version, period, idempotency key, place) are inside the statement, so that nothing can
slip in between a check and its write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from pydantic_core import to_json

from services.core.events.statements import event_inserts
from services.core.identity.actor import Actor
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.idempotency import (
    IdempotencyKeyReused,
    KeptReply,
    RequestInProgress,
    RequestKey,
)
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.plan.document import Indicator
from services.core.plan.loading import leads_of
from services.core.plan.queries import PlanState
from services.core.submissions import queries
from services.core.submissions.changes import SubmissionRow, authors_of
from services.core.submissions.errors import (
    NotYourOrganization,
    PeriodClosed,
    PlanChanged,
    SubmissionExists,
)
from services.core.submissions.judging import period_faults, value_faults
from services.core.submissions.rules import (
    REMARKS,
    AccessContext,
    Form,
    Remarks,
    reported,
    text_of,
    writes_for,
)


@dataclass(frozen=True, slots=True)
class SubmissionDraft:
    """What a caller wants to report, its shape already checked."""

    indicator_code: str
    organization_code: str
    period: str
    form: Form
    remarks: Remarks
    draft: bool


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
    """Return the new submission as a row; nothing is written yet.

    Raises:
        InvalidInput: the form or its references have faults.
        NotYourOrganization: the actor does not report for this unit.
    """
    indicator = plan.indicators.get(draft.indicator_code)
    faults = reference_faults(draft.indicator_code, draft.organization_code, plan)
    faults += period_faults(draft.period, plan, plan.local_date(now))
    if indicator is not None:
        faults += value_faults(draft.form, indicator, plan, draft.period, draft=draft.draft)
    if faults or indicator is None:
        raise InvalidInput(faults=faults)
    if not writes_for(actor, draft.organization_code):
        raise NotYourOrganization
    kept = reported(draft.form, indicator)
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
        "value": kept.value,
        "numerator": kept.numerator,
        "denominator": kept.denominator,
        "level": kept.level,
        "not_applicable_reason": kept.not_applicable_reason,
        **{name: getattr(draft.remarks, name) for name in REMARKS},
        "on_behalf": actor.organization_code != draft.organization_code,
        "falsified": False,
        "reason": None,
        "reported_by": actor.credential_id,
        "reported_by_organization": actor.organization_code,
        "authors": None,
        "author_organizations": None,
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
        faults.append(
            Fault(
                "/indicator_code",
                "unknown-indicator",
                Text("计划中没有该指标", "The plan has no such indicator"),
                indicator_code,
            )
        )
    if organization_code is None:
        return faults
    unit = plan.organizations.get(organization_code)
    if unit is None:
        faults.append(
            Fault(
                "/organization_code",
                "unknown-organization",
                Text("计划中没有该单位", "The plan has no such organization"),
                organization_code,
            )
        )
    elif not unit.submits:
        faults.append(
            Fault(
                "/organization_code",
                "organization-never-submits",
                Text("统称或占位名称不能填报", "A collective name or placeholder never submits"),
                organization_code,
            )
        )
    return faults


def place_of(row: SubmissionRow, indicator: Indicator | None, period_state: str) -> AccessContext:
    """Return what the right to act on a submission depends on."""
    return AccessContext(
        state=row["state"],
        organization_code=row["organization_code"],
        authors=authors_of(row),
        leads=leads_of(indicator) if indicator else (),
        correcting=row["approved_revision"] is not None and row["state"] != "approved",
        falsified=row["falsified"],
        period_state=period_state,
    )


def image(row: SubmissionRow) -> dict[str, object]:
    """Return what history keeps of a submission after a change; decimals as text."""
    return {
        "plan": row["plan_code"],
        "indicator_code": row["indicator_code"],
        "organization_code": row["organization_code"],
        "period": row["period"],
        "state": row["state"],
        "revision": row["revision"],
        "approved_revision": row["approved_revision"],
        "value": text_of(row["value"]),
        "numerator": text_of(row["numerator"]),
        "denominator": text_of(row["denominator"]),
        "level": row["level"],
        "not_applicable_reason": row["not_applicable_reason"],
        **{name: row[name] for name in REMARKS},
        "on_behalf": row["on_behalf"],
        "falsified": row["falsified"],
    }


def event_data(row: SubmissionRow) -> dict[str, object]:
    """Return what the event of a change says of the submission."""
    return {
        "indicator_code": row["indicator_code"],
        "organization_code": row["organization_code"],
        "period": row["period"],
        "revision": row["revision"],
        "version": row["version"],
        "state": row["state"],
    }


_COLUMNS = (
    "city_code, id, plan_code, indicator_code, organization_code, period, state, revision,"
    " version, value, numerator, denominator, level, not_applicable_reason,"
    f" {', '.join(REMARKS)}, on_behalf, falsified, reported_by, reported_by_organization,"
    " created_at, updated_at, submitted_at"
)
_VALUES = tuple(name.strip() for name in _COLUMNS.split(","))
CREATE = f"""
WITH period AS (
    -- The lock makes a closing wait for us, and us for a closing.
    SELECT state FROM plan_period
    WHERE city_code = $1 AND plan_code = $3 AND period = $6 FOR SHARE
), present AS (
    SELECT 1 FROM plan WHERE city_code = $1 AND code = $3 AND version = $25
    AND NOT EXISTS (SELECT FROM period WHERE state IN ('closed', 'published'))
), claimed AS (
    INSERT INTO stored_reply
        (city_code, credential_id, key, request_digest, status, body, etag, location, created_at)
    SELECT $36::text, $20, $30::text, $31::bytea, $32::smallint, $33::bytea, $34::text,
        $35::text, $37::timestamptz
    FROM present WHERE $30::text IS NOT NULL
    -- A reply that is too old is no reply any more, swept or not.
    ON CONFLICT (city_code, credential_id, key) DO UPDATE SET
        request_digest = excluded.request_digest, status = excluded.status, body = excluded.body,
        etag = excluded.etag, location = excluded.location, created_at = excluded.created_at
        WHERE stored_reply.created_at < excluded.created_at - interval '24 hours'
    RETURNING 1
), free AS (
    SELECT 1 FROM present WHERE $30::text IS NULL OR EXISTS (SELECT FROM claimed)
), added AS (
    INSERT INTO submission ({_COLUMNS})
    SELECT {", ".join(f"${number}" for number in range(1, 25))} FROM free RETURNING 1
), remembered AS (
    INSERT INTO submission_history
        (city_code, submission_id, version, action, after, actor, occurred_at)
    SELECT $1, $2, $9, $26, $27::text::jsonb, $28::text::jsonb, $22 FROM added
), {
    event_inserts(
        "added",
        city_code="$1",
        id="$29::uuid",
        plan_code="$3",
        type="'submission.' || $26",
        subject_kind="'submission'",
        subject_id="$2::uuid::text",
        organization_code="$5",
        actor="$28::text::jsonb",
        data="$38::text::jsonb",
        occurred_at="$22",
    )
}
SELECT EXISTS (SELECT FROM added) AS added, (SELECT state FROM period) AS period_state
"""  # noqa: S608 (column names of our own)
"""The statement; `parameters` says what goes where."""


def parameters(
    row: SubmissionRow,
    plan: PlanState,
    actor: Mapping[str, object],
    reply: Reply | None,
    true_now: datetime,
) -> tuple[object, ...]:
    """Return what `CREATE` takes, in its order."""
    request = reply.request if reply else None
    return (
        *(row[name] for name in _VALUES),
        plan.version,
        "created" if row["state"] == "draft" else "submitted",
        to_json(image(row)).decode(),
        to_json(actor).decode(),
        new_id(),
        request.key if request else None,
        request.digest if request else None,
        reply.status if reply else None,
        reply.body if reply else None,
        reply.etag if reply else None,
        reply.location if reply else None,
        request.city_code if request else None,
        true_now,
        to_json(event_data(row)).decode(),
    )


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

    A preview meets the same guards and is undone.

    Raises:
        SubmissionExists: the place has one already.
        PeriodClosed: the period takes no values.
        PlanChanged: the plan has a newer version than the row was checked against.
        IdempotencyKeyReused, RequestInProgress: the key belongs to another request, or the
            first has not answered within ten seconds.
    """
    request = reply.request if reply else None
    try:
        written = await _execute(
            connection, parameters(row, plan, actor, reply, true_now), preview=preview
        )
    except asyncpg.UniqueViolationError as error:
        if "submission" not in (error.constraint_name or ""):
            raise
        raise SubmissionExists(
            extra={"submission_id": await queries.slot_holder(connection, row)}
        ) from None
    except (TimeoutError, asyncpg.LockNotAvailableError):
        raise RequestInProgress from None
    if written["added"]:
        return None
    if request is not None:
        earlier = await queries.earlier_reply(connection, request)
        if earlier is not None:
            return _replayed(earlier, request)
    if written["period_state"] in {"closed", "published"}:
        raise PeriodClosed(extra={"period": row["period"], "state": written["period_state"]})
    raise PlanChanged


async def _execute(
    connection: asyncpg.Connection, values: tuple[object, ...], *, preview: bool
) -> Mapping[str, Any]:
    if not preview:
        written: Mapping[str, Any] = await connection.fetchrow(CREATE, *values)
        return written
    undone = connection.transaction()
    await undone.start()
    try:
        written = await connection.fetchrow(CREATE, *values)
    finally:
        await undone.rollback()
    return written


def _replayed(earlier: Mapping[str, Any], request: RequestKey) -> KeptReply:
    if earlier["request_digest"] != request.digest:
        raise IdempotencyKeyReused
    return KeptReply(earlier["status"], earlier["body"], earlier["etag"], earlier["location"])
