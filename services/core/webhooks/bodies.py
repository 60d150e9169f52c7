"""The body of an event's delivery: serialized once, then stored, signed and sent as it is. Pure."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic_core import from_json, to_json


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
    """Return the body of an event's delivery: `{type, timestamp, data}`.

    `data` begins with the members that every event has; a member of the event's own data with the
    same name follows as `data_…`.
    """
    of_every_event = {
        "id": event_id,
        "position": position,
        "plan": plan_code,
        "subject": {"kind": subject[0], "id": subject[1]},
        "actor": actor,
    }
    own = {(f"data_{name}" if name in of_every_event else name): data[name] for name in data}
    return to_json({"type": type_, "timestamp": occurred_at, "data": {**of_every_event, **own}})


def request_of(body: bytes) -> str | None:
    """Return the id of the request that caused an event; None: no request did."""
    actor = from_json(body)["data"].get("actor") or {}
    return actor.get("request_id") or None
