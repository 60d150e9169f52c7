"""The bytes that tell an event: made once, kept, signed and sent as they are. Pure."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic_core import to_json


def body_of(
    *,
    event_id: UUID,
    position: int,
    type_: str,
    plan_code: str | None,
    subject: tuple[str, str],
    actor: Mapping[str, object],
    data: Mapping[str, object],
    occurred_at: datetime,
) -> bytes:
    """Return an event as a receiver gets it: `{type, timestamp, data}`.

    `data` begins with what the feed says of every event; where a member of the event's own
    data had one of those names, it would give way.
    """
    envelope = {
        "id": event_id,
        "position": position,
        "plan": plan_code,
        "subject": {"kind": subject[0], "id": subject[1]},
        "actor": actor,
    }
    told = {**envelope, **data, **envelope}
    return to_json({"type": type_, "timestamp": occurred_at, "data": told})
