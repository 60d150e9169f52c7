"""What events look like on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.core.feed.queries import Positioned


class SubjectOut(BaseModel):
    """What an event is about."""

    kind: str
    id: str


class EventOut(BaseModel):
    """Something that happened. The list of types is open: pass over what you do not know."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019aafc0-0000-7000-8000-000000000001",
                    "position": 17,
                    "type": "submission.approved",
                    "timestamp": "2026-10-09T01:00:00Z",
                    "plan": "410183-2025",
                    "subject": {
                        "kind": "submission",
                        "id": "019aafc0-0000-7000-8000-000000000000",
                    },
                    "actor": {"kind": "api_key", "role": "office", "name": "领导小组办公室"},
                    "data": {"indicator_code": "U08", "period": "2025", "revision": 1},
                }
            ]
        }
    )

    id: UUID
    position: int = Field(description="Its number in the city's log: 1, 2, 3, … without a gap")
    type: str
    timestamp: datetime
    plan: str | None
    subject: SubjectOut
    actor: dict[str, Any]
    data: dict[str, Any]


class FeedOut(BaseModel):
    """Events after a position, in order."""

    items: list[EventOut]
    last_position: int = Field(description="Ask for what comes after this next time")
    has_more: bool


def event_out(positioned: Positioned) -> EventOut:
    """Return an event with its number."""
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
