"""Pydantic schemas of extensions."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.actors import ActorOut, actor_fields
from services.api.paging import ScopedPageOut
from services.api.turns import Shown, shown_item
from services.core.extensions.models import Extension
from services.core.extensions.rules import ExtensionState, ExtensionSubjectKind, ExtensionVerb
from services.core.identity.actor import Actor
from services.core.kit.said import Said, Words
from services.core.milestones.extending import allowed_actions
from services.core.plan.written import Day


class ExtensionIn(Said):
    """A request for more time: until when, and why."""

    proposed_date: Day = Field(description="After the present due date, today or later")
    reason: Words = Field(description="Why the present date cannot be kept")


class GrantIn(Said):
    """How much of what was asked for is granted; empty: all of it."""

    granted_date: Day | None = Field(
        default=None,
        description="After the present due date, today or later, and no later than proposed;"
        " earlier than proposed grants a part. Default: as proposed",
    )
    reason: Words | None = Field(default=None, description="A remark on the decision")


class ExtensionOut(BaseModel):
    """More time that was asked for, the answer, and what this caller may do with it."""

    id: UUID = Field(description="Its id, for good")
    plan: str = Field(description="Code of the plan")
    subject_kind: ExtensionSubjectKind = Field(description="What more time is for")
    subject_id: UUID = Field(description="Id of the milestone or obligation")
    organization_code: str = Field(description="The unit that it is for")
    number: int = Field(description="1 for the first request of its subject, and so on")
    state: ExtensionState = Field(
        description="`requested` until it is decided or withdrawn; one whose subject needs no more"
        " time, or can be given none, is withdrawn by itself"
    )
    reason: str = Field(description="Why the present date cannot be kept")
    present_date: date = Field(description="When the subject was due as this was asked for")
    proposed_date: date = Field(description="Until when more time is asked for")
    granted_date: date | None = Field(description="The new due date, where it was approved")
    partly: bool = Field(description="Approved, for less time than was asked for")
    decide_by: date = Field(description="By when it is to be decided")
    decision_reason: str | None = Field(description="Why it was decided so")
    requested_by: ActorOut = Field(description="Who asked")
    requested_at: datetime = Field(description="When it was asked for")
    decided_by: ActorOut | None = Field(description="Who decided or withdrew it; null: nobody yet")
    decided_at: datetime | None = Field(description="When that was")
    allowed_actions: list[ExtensionVerb] = Field(description="What this caller may do with it now")


class ExtensionListOut(ScopedPageOut[ExtensionOut]):
    """A page of extensions, newest first."""


def extension_fields(row: Extension, actor: Actor, leads: tuple[str, ...]) -> dict[str, Any]:
    """Return an extension as `ExtensionOut` has it; `leads` are its subject's leads."""
    granted = row.granted_date
    return {
        "id": row.id,
        "plan": row.plan_code,
        "subject_kind": row.subject_kind,
        "subject_id": row.subject_id,
        "organization_code": row.organization_code,
        "number": row.number,
        "state": row.state,
        "reason": row.reason,
        "present_date": row.present_date,
        "proposed_date": row.proposed_date,
        "granted_date": granted,
        "partly": granted is not None and granted < row.proposed_date,
        "decide_by": row.decide_by,
        "decision_reason": row.decision_reason,
        "requested_by": actor_fields(row.requested_by),
        "requested_at": row.requested_at,
        "decided_by": None if row.decided_by is None else actor_fields(row.decided_by),
        "decided_at": row.decided_at,
        "allowed_actions": allowed_actions(actor, row, leads),
    }


def extension_shown(row: Extension, actor: Actor, leads: tuple[str, ...]) -> Shown:
    """Return an extension as its caller sees it."""
    return shown_item(row, extension_fields(row, actor, leads))
