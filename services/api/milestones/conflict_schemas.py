"""Pydantic schemas of conflicts over milestones."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.conflicts.schemas import DeviceConflictOut
from services.api.conflicts.views import kept_fields
from services.api.paging import ScopedPageOut
from services.core.conflicts.rules import DeviceTakenVersion
from services.core.identity.actor import Actor
from services.core.kit.said import Said, Words
from services.core.milestones.conflicts.models import MilestoneConflict
from services.core.milestones.conflicts.rules import (
    DisputedVerb,
    MilestoneConflictReason,
)
from services.core.milestones.conflicts.service import may_decide
from services.core.plan.state import PlanState


class MilestoneConflictDecisionIn(Said):
    """Which of the two versions stands from now on."""

    take: DeviceTakenVersion = Field(
        description="`ledger`: the milestone stays as it is; `device`: what the device wanted is"
        " carried out now"
    )
    reason: Words | None = Field(default=None, description="A remark on the decision")


class _DisputedMilestoneOut(BaseModel):
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


class MilestoneConflictOut(DeviceConflictOut, _DisputedMilestoneOut):
    """Two versions of what a unit says of a milestone, until somebody takes one."""


class MilestoneConflictListOut(ScopedPageOut[MilestoneConflictOut]):
    """A page of conflicts over milestones, newest first."""


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
        **kept_fields(row, may_decide=may_decide(actor, row)),
    }
