"""What conflicts over milestones look like on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic_core import to_json

from services.api.actors import ActorOut, actor_fields
from services.api.answers import item_etag
from services.api.paging import LIMITED_TO_SCOPE
from services.core.identity.actor import Actor
from services.core.kit.said import Said, Words
from services.core.milestones.conflicts.models import MilestoneConflict
from services.core.milestones.conflicts.rules import (
    DisputedVerb,
    MilestoneConflictReason,
    MilestoneConflictState,
    MilestoneTakenVersion,
)
from services.core.milestones.conflicts.service import may_decide
from services.core.plan.state import PlanState


class MilestoneConflictDecisionIn(Said):
    """Which of the two versions stands from now on."""

    take: MilestoneTakenVersion = Field(
        description="`ledger`: the milestone stays as it is; `device`: what the device wanted is"
        " carried out now"
    )
    reason: Words | None = Field(default=None, description="A remark on the decision")


class MilestoneConflictOut(BaseModel):
    """Two versions of what a unit says of a milestone, until somebody takes one."""

    id: UUID = Field(description="Its id, for good")
    plan: str = Field(description="Code of the plan")
    milestone_id: UUID = Field(description="The milestone that both are about")
    title: str = Field(description="What the milestone was called when the conflict was raised")
    measure_code: str = Field(description="Code of the milestone's measure")
    organization_code: str = Field(description="The unit that promised, and that has to decide")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    verb: DisputedVerb = Field(
        description="What the device wanted: to report `progress`, or closure (`complete`)"
    )
    reason: MilestoneConflictReason = Field(
        description="`both-changed` the same field; `moved-on`: the milestone's state did not allow"
        " the verb any more"
    )
    fields: list[str] = Field(
        description="What differs: `percent`, `narrative`, `problems`, `next_steps`,"
        " `expected_date`; of `complete` `narrative`, `evidence`"
    )
    base: dict[str, Any] = Field(description="What these fields said when the device saw them last")
    ledger: dict[str, Any] = Field(description="What they said when the conflict was raised")
    device: dict[str, Any] = Field(description="What the device wanted them to say")
    claimed_at: datetime | None = Field(
        description="When the device says that it was written; proves nothing"
    )
    raised_by: ActorOut = Field(description="Whose write it was")
    raised_at: datetime = Field(description="When it came in")
    state: MilestoneConflictState = Field(description="`open` until it is `decided`")
    taken: MilestoneTakenVersion | None = Field(description="Which version was taken; null: none")
    decision_reason: str | None = Field(description="Why it was decided so")
    decided_by: ActorOut | None = Field(description="Who decided it; null: nobody yet")
    decided_at: datetime | None = Field(description="When that was")
    may_decide: bool = Field(description="Whether this caller may decide it now")


class MilestoneConflictListOut(BaseModel):
    """A page of conflicts over milestones, newest first."""

    items: list[MilestoneConflictOut] = Field(description="At most `page_size`")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")
    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)


def milestone_conflict_fields(
    row: MilestoneConflict, plan: PlanState, actor: Actor
) -> dict[str, Any]:
    """Return a conflict as `MilestoneConflictOut` has it."""
    return {
        "id": row.id,
        "plan": row.plan_code,
        "milestone_id": row.milestone_id,
        "title": row.title,
        "measure_code": row.measure_code,
        "organization_code": row.organization_code,
        "organization_name": plan.organization_name(row.organization_code),
        "verb": row.verb,
        "reason": row.reason,
        "fields": row.fields,
        "base": row.base,
        "ledger": row.ledger,
        "device": row.device,
        "claimed_at": row.claimed_at,
        "raised_by": actor_fields(row.raised_by),
        "raised_at": row.raised_at,
        "state": row.state,
        "taken": row.taken,
        "decision_reason": row.decision_reason,
        "decided_by": None if row.decided_by is None else actor_fields(row.decided_by),
        "decided_at": row.decided_at,
        "may_decide": may_decide(actor, row),
    }


def milestone_conflict_body(
    row: MilestoneConflict, plan: PlanState, actor: Actor
) -> tuple[dict[str, Any], bytes, str]:
    """Return a conflict as fields, as JSON, and its strong ETag."""
    fields = milestone_conflict_fields(row, plan, actor)
    body = to_json(fields)
    return fields, body, item_etag(row.id, row.version, body)
