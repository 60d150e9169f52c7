"""Events about connectors and about the items that they report. Pure."""

from collections.abc import Mapping
from datetime import datetime

from services.core.connectors.models import Connector, ConnectorItem
from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent


def of_connector(
    connector: Connector,
    type_: EventType,
    actor: Mapping[str, object],
    data: Mapping[str, object],
    now: datetime,
) -> NewEvent:
    """Return an event about a connector, for every reader of its plan."""
    return NewEvent(
        city_code=connector.city_code,
        plan_code=connector.plan_code,
        type=type_,
        subject_kind="connector",
        subject_id=str(connector.id),
        organization_code=None,
        actor=actor,
        data={"connector_id": str(connector.id), "name": connector.name, **data},
        occurred_at=now,
    )


def of_item(
    connector: Connector,
    item: ConnectorItem,
    type_: EventType,
    actor: Mapping[str, object],
    data: Mapping[str, object],
    now: datetime,
) -> NewEvent:
    """Return an event about a superior's receipt, for the figure's unit and readers of the plan."""
    return NewEvent(
        city_code=connector.city_code,
        plan_code=connector.plan_code,
        type=type_,
        subject_kind="connector_item",
        subject_id=str(item.id),
        organization_code=item.organization_code,
        actor=actor,
        data={
            "connector_id": str(connector.id),
            "name": connector.name,
            "indicator_code": item.indicator_code,
            "organization_code": item.organization_code,
            "period": item.period,
            "submission_id": str(item.submission_id),
            "revision": item.revision,
            **data,
        },
        occurred_at=now,
    )
