"""Pydantic schemas common to every conflict with a device."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from services.api.actors import ActorOut
from services.core.conflicts.rules import DeviceConflictState, DeviceTakenVersion


class DeviceConflictOut(BaseModel):
    """The versions of a conflict after `base`, and what was decided.

    Pydantic puts the members of the base that is named last first: name this one before the one
    that says what the conflict is over.
    """

    ledger: dict[str, Any] = Field(description="What they said when the conflict was raised")
    device: dict[str, Any] = Field(description="What the device wanted them to say")
    claimed_at: datetime | None = Field(
        description="When the device says that it was written; proves nothing"
    )
    raised_by: ActorOut = Field(description="Whose write it was")
    raised_at: datetime = Field(description="When it came in")
    state: DeviceConflictState = Field(description="`open` until it is `decided`")
    taken: DeviceTakenVersion | None = Field(description="Which version was taken; null: none")
    decision_reason: str | None = Field(description="Why it was decided so")
    decided_by: ActorOut | None = Field(description="Who decided it; null: nobody yet")
    decided_at: datetime | None = Field(description="When that was")
    may_decide: bool = Field(description="Whether this caller may decide it now")
