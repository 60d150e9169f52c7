"""A dry run: an example of what a connector would send, in the form of every item. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.core.connectors.mapping import OutgoingFigure, missing_codes, unit_of
from services.core.connectors.messages import (
    OpenConnector,
    payload_of,
    report_members,
    signed_message,
)
from services.core.connectors.models import Connector
from services.core.gateways.signing import Call, masked
from services.core.kit.ids import new_id
from services.core.plan.state import PlanState

EXAMPLE = Decimal("12.5")
"""The value of the example, so that whoever runs the system sees no figure of the plan."""


@dataclass(frozen=True, slots=True)
class TriedReport:
    """A request as it would be sent, and the unmapped codes of its item.

    The signature is masked, because not every profile's covers the body: a reader could send other
    figures with it.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    missing: tuple[str, ...]


def tried(
    connector: Connector, target: OpenConnector, plan: PlanState, *, now: datetime, nonce: str
) -> TriedReport:
    """Return the request for an example, made of the first mapped code of each kind.

    Where nothing is mapped the value is null, and our code is reported as missing.
    """
    mapping = target.mapping
    indicators = list(connector.indicator_codes or plan.indicators)
    mapped = [one for one in indicators if mapping.code("indicators", one) is not None]
    indicator = next(iter(mapped or indicators), "")
    known = mapping.organizations
    unit = next(iter(known or plan.organizations), "")
    periods = mapping.periods or {str(plan.document.last_target_year): ""}
    figure = OutgoingFigure(indicator, unit, next(iter(periods)), value=EXAMPLE)
    measure = unit_of(plan, indicator)
    missing = missing_codes(mapping, figure, measure)
    item_id: UUID = new_id()
    payload = payload_of(mapping, figure, item_id=item_id, revision=1, unit=measure, replaces=None)
    message = signed_message(
        target, target.url, report_members(new_id(), [payload]), now=now, nonce=nonce
    )
    shown = masked(target.profile, Call("POST", "", message.headers, body=message.body))
    return TriedReport(
        shown.method, connector.url_shown, shown.headers, shown.body.decode(), tuple(missing)
    )
