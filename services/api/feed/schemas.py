"""Pydantic schemas of events."""

from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.core.events.catalogue import EventType
from services.core.feed.queries import Positioned

_TYPES = get_args(EventType)


class SubjectOut(BaseModel):
    """What an event is about."""

    kind: str = Field(description="Such as `submission`, `indicator`, `period` or `plan`")
    id: str = Field(description="Its id; for things of a plan the plan's code, `/`, and theirs")


class EventOut(BaseModel):
    """Something that happened. The list of types is open: pass over what you do not know."""

    id: UUID = Field(description="Its id, for good; the same in a webhook")
    position: int = Field(description="Its number in the city's log: 1, 2, 3, … without a gap")
    type: str = Field(description=f"Until now: {', '.join(f'`{one}`' for one in _TYPES)}")
    timestamp: datetime = Field(description="When it happened")
    plan: str | None = Field(description="Code of the plan that it belongs to")
    subject: SubjectOut = Field(description="What it is about")
    actor: dict[str, Any] = Field(description="Who did it: `kind`, `role`, `name`, …")
    data: dict[str, Any] = Field(description="What the type needs; more members may appear")


class FeedOut(BaseModel):
    """Events after a position, in order."""

    items: list[EventOut] = Field(description="Those that the caller may hear of")
    last_position: int = Field(description="Ask for what comes after this next time")
    has_more: bool = Field(description="Whether more are waiting already")


def event_out(positioned: Positioned) -> EventOut:
    """Return an event with its position."""
    event = positioned.event
    return EventOut(
        id=event.id,
        position=positioned.position,
        type=event.type,
        timestamp=event.occurred_at,
        plan=event.plan_code,
        subject=SubjectOut(kind=event.subject_kind, id=event.subject_id),
        actor=event.actor,
        data=event.data,
    )
