"""Pydantic schemas of conflicts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.actors import ActorOut
from services.api.conflicts.views import kept_fields
from services.api.exports.digits import Digits
from services.api.paging import ScopedPageOut
from services.core.identity.actor import Actor
from services.core.kit.decimals import plain_or_none
from services.core.kit.said import Said, Words
from services.core.plan.state import PlanState
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.conflicts.rules import (
    CloseReason,
    ConflictKind,
    ConflictReason,
    ConflictState,
    TakenVersion,
)
from services.core.submissions.conflicts.service import may_decide, owner_of


class ConflictDecisionIn(Said):
    """Which of the two versions stands from now on."""

    take: TakenVersion = Field(
        description="`ledger`: what the submission says stays; `device`: it says what the device"
        " said from now on. Of two sources: `ledger`, `observation`, or `both` where the difference"
        " is explained and both stand"
    )
    reason: Words | None = Field(
        default=None, description="A remark on the decision; of two sources it is required"
    )


class ConflictObservedOut(BaseModel):
    """What another source says of the value."""

    id: UUID = Field(description="Id of the observation")
    source_code: str = Field(description="Code of the source")
    source_name: str = Field(description="Its name; its code where the plan has it no longer")
    reference: str = Field(description="The source's own name of this figure and of its version")
    observed_at: datetime | None = Field(
        description="When the source says that it measured or closed it; proves nothing"
    )
    value: Digits | None = Field(description="Exact; computed where it was given in parts")
    numerator: Digits | None = Field(description="As given, exact")
    denominator: Digits | None = Field(description="As given, exact")
    level: str | None = Field(description="Code of the level")
    not_applicable_reason: str | None = Field(description="Why, by the source, there is no value")


class ConflictOut(BaseModel):
    """Two versions of one submission that were both meant, until somebody decides."""

    id: UUID = Field(description="Its id, for good")
    kind: ConflictKind = Field(
        description="`device`: with what a device wrote; `observation`: with what another source"
        " says"
    )
    plan: str = Field(description="Code of the plan")
    submission_id: UUID = Field(description="The submission that both are about")
    indicator_code: str = Field(description="Code of the indicator")
    indicator_name: str = Field(description="Its name; its code where the plan has it no longer")
    organization_code: str = Field(description="The unit that the value is of")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    reason: ConflictReason = Field(
        description="`both-changed` the same field; `moved-on`: the submission could not be edited"
        " any more; `place-taken`: a new submission was meant for a place that has one;"
        " `over-tolerance`: two sources lie further apart than the plan allows"
    )
    fields: list[str] = Field(
        description="What differs: `form` (the value in whichever form, as a whole), `data_status`,"
        " `note`, `source`"
    )
    base: dict[str, Any] | None = Field(
        description="What they said when the device saw them last; null: it saw none"
    )
    ledger: dict[str, Any] = Field(
        description="What they said when the conflict was raised; of two sources, what the"
        " submission says now"
    )
    device: dict[str, Any] = Field(
        description="What the device wanted them to say; empty where it is another source"
    )
    observation: ConflictObservedOut | None = Field(
        description="What the other source says; null: it is a device's"
    )
    difference: Digits | None = Field(
        description="How far the two values lie apart, exact; null: they are no two numbers"
    )
    allowed: Digits | None = Field(
        description="How far the plan lets them, exact; null: they are no two numbers"
    )
    owner_code: str | None = Field(description="The unit that has to decide; null: the office")
    due_date: date | None = Field(
        description="Until the end of this local day it is to be decided; null: no day is set"
    )
    claimed_at: datetime | None = Field(
        description="When the device says that it was written; proves nothing"
    )
    raised_by: ActorOut = Field(description="Whose write it was")
    raised_at: datetime = Field(description="When it came in")
    state: ConflictState = Field(
        description="`open` until it is `decided`, or `closed` by itself: nothing is to be decided"
    )
    closed_because: CloseReason | None = Field(
        description="Why it closed by itself: `within-tolerance`, or the official value"
        " (`value-withdrawn`) or that of the other source (`observation-withdrawn`) was taken back"
    )
    closed_at: datetime | None = Field(description="When it closed by itself")
    taken: TakenVersion | None = Field(
        description="Which version was taken; `both`: the difference is explained; null: none"
    )
    decision_reason: str | None = Field(description="Why it was decided so")
    decided_by: ActorOut | None = Field(description="Who decided it; null: nobody yet")
    decided_at: datetime | None = Field(description="When that was")
    may_decide: bool = Field(description="Whether this caller may decide it now")


class ConflictListOut(ScopedPageOut[ConflictOut]):
    """A page of conflicts, newest first."""


def conflict_fields(row: SubmissionConflict, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return a conflict as `ConflictOut` has it."""
    return {
        "id": row.id,
        "kind": row.kind,
        "plan": row.plan_code,
        "submission_id": row.submission_id,
        "indicator_code": row.indicator_code,
        "indicator_name": plan.indicator_name(row.indicator_code),
        "organization_code": row.organization_code,
        "organization_name": plan.organization_name(row.organization_code),
        "period": row.period,
        "reason": row.reason,
        "fields": row.fields,
        **kept_fields(row, may_decide=may_decide(actor, row)),
        "observation": _observed(row, plan),
        "difference": plain_or_none(row.difference),
        "allowed": plain_or_none(row.allowed),
        "owner_code": owner_of(row),
        "due_date": row.due_date,
        "closed_because": row.closed_because,
        "closed_at": row.closed_at,
    }


def _observed(row: SubmissionConflict, plan: PlanState) -> dict[str, Any] | None:
    if row.observed is None:
        return None
    name = plan.source_name(row.observed["source_code"])
    said = {member: row.observed[member] for member in row.observed if member != "recorded_by"}
    return {"id": row.observation_id, "source_name": name, **said}
