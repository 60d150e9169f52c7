"""Events about an endpoint itself, for the office and for its owner. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent


def of_endpoint(
    endpoint: Any,
    type_: EventType,
    actor: Mapping[str, object],
    data: Mapping[str, object],
    now: datetime,
) -> NewEvent:
    """Return an event about an endpoint, or about a row with the columns of one.

    It belongs to the owner's scope, whatever the endpoint itself subscribes to.
    """
    owner: Mapping[str, str | None] = endpoint.owner
    return NewEvent(
        city_code=endpoint.city_code,
        plan_code=owner["plan_code"],
        type=type_,
        subject_kind="webhook_endpoint",
        subject_id=str(endpoint.id),
        organization_code=owner["organization_code"],
        actor=actor,
        data={
            "url": endpoint.url_shown,
            "owner_credential_id": str(endpoint.owner_credential_id),
            **data,
        },
        occurred_at=now,
    )
