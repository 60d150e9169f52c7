"""Pydantic schemas of conflicts over rows of registers."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.conflicts.schemas import DeviceConflictOut
from services.api.conflicts.views import kept_fields
from services.api.paging import ScopedPageOut
from services.core.conflicts.rules import DeviceTakenVersion
from services.core.identity.actor import Actor
from services.core.kit.said import Said, Words
from services.core.plan.state import PlanState
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.registers.conflicts.service import may_decide


class RegisterRowConflictDecisionIn(Said):
    """Which of the two versions stands from now on."""

    take: DeviceTakenVersion = Field(
        description="`ledger`: the row stays as it is; `device`: it says now what the device wanted"
    )
    reason: Words | None = Field(default=None, description="A remark on the decision")


class _DisputedRowOut(BaseModel):
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


class RegisterRowConflictOut(DeviceConflictOut, _DisputedRowOut):
    """Two versions of what a unit says in a row, until somebody takes one."""


class RegisterRowConflictListOut(ScopedPageOut[RegisterRowConflictOut]):
    """A page of conflicts over rows of registers, newest first."""


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
        **kept_fields(
            row, may_decide=may_decide(actor, row, plan.registers.get(row.register_code))
        ),
    }
