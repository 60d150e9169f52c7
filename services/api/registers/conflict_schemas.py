"""What conflicts over rows of registers look like on the wire."""

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
from services.core.plan.state import PlanState
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.registers.conflicts.rules import RowConflictState, RowTakenVersion
from services.core.registers.conflicts.service import may_decide


class RegisterRowConflictDecisionIn(Said):
    """Which of the two versions stands from now on."""

    take: RowTakenVersion = Field(
        description="`ledger`: the row stays as it is; `device`: it says now what the device wanted"
    )
    reason: Words | None = Field(default=None, description="A remark on the decision")


class RegisterRowConflictOut(BaseModel):
    """Two versions of what a unit says in a row, until somebody takes one."""

    id: UUID = Field(description="Its id, for good")
    plan: str = Field(description="Code of the plan")
    register_code: str = Field(description="Code of the register")
    row_id: UUID = Field(description="The row that both are about")
    title: str = Field(description="What the row was called when the conflict was raised")
    organization_code: str = Field(description="The unit that keeps the row, and has to decide")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    columns: list[str] = Field(description="Codes of the columns that both sides changed")
    base: dict[str, Any] = Field(
        description="What these columns said when the device saw them last; null: nothing"
    )
    ledger: dict[str, Any] = Field(description="What they said when the conflict was raised")
    device: dict[str, Any] = Field(description="What the device wanted them to say")
    claimed_at: datetime | None = Field(
        description="When the device says that it was written; proves nothing"
    )
    raised_by: ActorOut = Field(description="Whose write it was")
    raised_at: datetime = Field(description="When it came in")
    state: RowConflictState = Field(description="`open` until it is `decided`")
    taken: RowTakenVersion | None = Field(description="Which version was taken; null: none")
    decision_reason: str | None = Field(description="Why it was decided so")
    decided_by: ActorOut | None = Field(description="Who decided it; null: nobody yet")
    decided_at: datetime | None = Field(description="When that was")
    may_decide: bool = Field(description="Whether this caller may decide it now")


class RegisterRowConflictListOut(BaseModel):
    """A page of conflicts over rows of registers, newest first."""

    items: list[RegisterRowConflictOut] = Field(description="At most `page_size`")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")
    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)


def register_row_conflict_fields(
    row: RegisterRowConflict, plan: PlanState, actor: Actor
) -> dict[str, Any]:
    """Return a conflict as `RegisterRowConflictOut` has it."""
    return {
        "id": row.id,
        "plan": row.plan_code,
        "register_code": row.register_code,
        "row_id": row.row_id,
        "title": row.title,
        "organization_code": row.organization_code,
        "organization_name": plan.organization_name(row.organization_code),
        "columns": row.columns,
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
        "may_decide": may_decide(actor, row, plan.registers.get(row.register_code)),
    }


def register_row_conflict_body(
    row: RegisterRowConflict, plan: PlanState, actor: Actor
) -> tuple[dict[str, Any], bytes, str]:
    """Return a conflict as fields, as JSON, and its strong ETag."""
    fields = register_row_conflict_fields(row, plan, actor)
    body = to_json(fields)
    return fields, body, item_etag(row.id, row.version, body)
